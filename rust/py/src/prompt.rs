use lesionlocator_core::prompt as core;
use ndarray::Ix3;
use pyo3::prelude::*;

use crate::arrays::Target;
use crate::run::detached;

#[pyfunction]
#[pyo3(signature = (out, *, center, radius))]
fn prompt_ball(
    py: Python<'_>,
    mut out: Target<'_, f32, Ix3>,
    center: [i64; 3],
    radius: i64,
) -> PyResult<usize> {
    let out = out.view()?;
    detached(py, move || core::ball(out, center, radius))
}

#[pyfunction]
#[pyo3(signature = (out, *, start, stop))]
fn prompt_box(
    py: Python<'_>,
    mut out: Target<'_, f32, Ix3>,
    start: [i64; 3],
    stop: [i64; 3],
) -> PyResult<usize> {
    let out = out.view()?;
    detached(py, move || core::cuboid(out, start, stop))
}

#[pyfunction]
#[pyo3(signature = (out, *, center, sigma, truncate = 4.0))]
fn prompt_gaussian(
    py: Python<'_>,
    mut out: Target<'_, f32, Ix3>,
    center: [f64; 3],
    sigma: f64,
    truncate: f64,
) -> PyResult<usize> {
    let out = out.view()?;
    detached(py, move || core::gaussian(out, center, sigma, truncate))
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(prompt_ball, module)?)?;
    module.add_function(wrap_pyfunction!(prompt_box, module)?)?;
    module.add_function(wrap_pyfunction!(prompt_gaussian, module)?)
}
