use lesionlocator_core::stitch as core;
use ndarray::Ix3;
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use crate::arrays::{Source, Target};
use crate::run::detached;

#[pyfunction]
fn stitch_tile_starts(
    py: Python<'_>,
    size: usize,
    patch: usize,
    step_fraction: f64,
) -> PyResult<Vec<usize>> {
    detached(py, || core::tile_starts(size, patch, step_fraction))
}

#[pyfunction]
fn stitch_gaussian(py: Python<'_>, patch: usize) -> PyResult<Bound<'_, PyArray1<f64>>> {
    Ok(detached(py, || core::gaussian(patch))?.into_pyarray(py))
}

#[pyfunction]
#[pyo3(signature = (total, tile, *, start))]
fn stitch_accumulate(
    py: Python<'_>,
    mut total: Target<'_, f32, Ix3>,
    tile: Source<'_, f32, Ix3>,
    start: [usize; 3],
) -> PyResult<()> {
    let (total, tile) = (total.view()?, tile.view()?);
    detached(py, move || core::accumulate(total, tile, start))
}

#[pyfunction]
#[pyo3(signature = (total, *, patch, starts))]
fn stitch_normalize(
    py: Python<'_>,
    mut total: Target<'_, f32, Ix3>,
    patch: [usize; 3],
    starts: [Vec<usize>; 3],
) -> PyResult<()> {
    let total = total.view()?;
    detached(py, move || core::normalize(total, patch, starts.each_ref().map(Vec::as_slice)))
}

#[pyfunction]
fn stitch_foreground(
    py: Python<'_>,
    logits: Source<'_, f32, Ix3>,
    mut out: Target<'_, u8, Ix3>,
) -> PyResult<usize> {
    let (logits, out) = (logits.view()?, out.view()?);
    detached(py, move || core::foreground(logits, out))
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(stitch_tile_starts, module)?)?;
    module.add_function(wrap_pyfunction!(stitch_gaussian, module)?)?;
    module.add_function(wrap_pyfunction!(stitch_accumulate, module)?)?;
    module.add_function(wrap_pyfunction!(stitch_normalize, module)?)?;
    module.add_function(wrap_pyfunction!(stitch_foreground, module)?)
}
