use lesionlocator_core::measure::{self as core, Intensity, Segment};
use ndarray::{Ix3, arr2};
use numpy::{IntoPyArray, PyArray2};
use pyo3::prelude::*;

use crate::arrays::{Source, each_type};
use crate::run::detached;

#[derive(FromPyObject)]
enum Image<'py> {
    I16(Source<'py, i16, Ix3>),
    F32(Source<'py, f32, Ix3>),
}

type Diameters<'py> = (usize, Bound<'py, PyArray2<f64>>, Bound<'py, PyArray2<f64>>);

#[pyfunction]
#[pyo3(signature = (mask, *, spacing))]
fn measure_axial_diameters<'py>(
    py: Python<'py>,
    mask: Source<'py, u8, Ix3>,
    spacing: [f64; 3],
) -> PyResult<Option<Diameters<'py>>> {
    let mask = mask.view()?;
    let found = detached(py, move || core::axial_diameters(mask, spacing))?;
    let array = |segment: Segment| arr2(&segment).into_pyarray(py);
    Ok(found.map(|found| (found.slice, array(found.longest), array(found.perpendicular))))
}

#[pyfunction]
fn measure_intensity(
    py: Python<'_>,
    values: Image<'_>,
    mask: Source<'_, u8, Ix3>,
) -> PyResult<(u64, f64, f64, f64, f64)> {
    use Image::{F32, I16};
    let mask = mask.view()?;
    let found = each_type!(py, values, I16 | F32, values => core::intensity(values, mask))?;
    let Intensity { count, mean, deviation, minimum, maximum } = found;
    Ok((count, mean, deviation, minimum, maximum))
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(measure_axial_diameters, module)?)?;
    module.add_function(wrap_pyfunction!(measure_intensity, module)?)
}
