use lesionlocator_core::measure::{self as core, Intensity, Segment, Surface};
use ndarray::{Ix3, arr2};
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::prelude::*;

use crate::arrays::{Source, Target, each_type};
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

#[pyfunction]
#[pyo3(signature = (mask, *, spacing))]
fn measure_longest_diameter<'py>(
    py: Python<'py>,
    mask: Source<'py, u8, Ix3>,
    spacing: [f64; 3],
) -> PyResult<Option<Bound<'py, PyArray2<f64>>>> {
    let mask = mask.view()?;
    let found = detached(py, move || core::longest_diameter(mask, spacing))?;
    Ok(found.map(|ends| arr2(&ends).into_pyarray(py)))
}

#[pyfunction]
#[pyo3(signature = (mask, *, spacing))]
fn measure_surface(
    py: Python<'_>,
    mask: Source<'_, u8, Ix3>,
    spacing: [f64; 3],
) -> PyResult<(f64, f64)> {
    let mask = mask.view()?;
    let Surface { area, volume } = detached(py, move || core::surface(mask, spacing))?;
    Ok((area, volume))
}

#[pyfunction]
fn measure_percentiles<'py>(
    py: Python<'py>,
    values: Image<'py>,
    mask: Source<'py, u8, Ix3>,
    percentiles: Vec<f64>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    use Image::{F32, I16};
    let mask = mask.view()?;
    let found =
        each_type!(py, values, I16 | F32, values => core::percentiles(values, mask, &percentiles))?;
    Ok(found.into_pyarray(py))
}

#[pyfunction]
#[pyo3(signature = (mask, out, *, spacing))]
fn measure_distance_transform(
    py: Python<'_>,
    mask: Source<'_, u8, Ix3>,
    mut out: Target<'_, f32, Ix3>,
    spacing: [f64; 3],
) -> PyResult<()> {
    let (mask, out) = (mask.view()?, out.view()?);
    detached(py, move || core::distance_transform(mask, out, spacing))
}

type Elements<'py> = (Bound<'py, PyArray1<f32>>, Bound<'py, PyArray1<f64>>);

#[pyfunction]
#[pyo3(signature = (first, second, *, spacing))]
fn measure_surface_distances<'py>(
    py: Python<'py>,
    first: Source<'py, u8, Ix3>,
    second: Source<'py, u8, Ix3>,
    spacing: [f64; 3],
) -> PyResult<[Elements<'py>; 2]> {
    let (first, second) = (first.view()?, second.view()?);
    let found = detached(py, move || core::surface_distances(first, second, spacing))?;
    Ok(found.map(|side| (side.distances.into_pyarray(py), side.areas.into_pyarray(py))))
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(measure_axial_diameters, module)?)?;
    module.add_function(wrap_pyfunction!(measure_distance_transform, module)?)?;
    module.add_function(wrap_pyfunction!(measure_surface_distances, module)?)?;
    module.add_function(wrap_pyfunction!(measure_longest_diameter, module)?)?;
    module.add_function(wrap_pyfunction!(measure_surface, module)?)?;
    module.add_function(wrap_pyfunction!(measure_percentiles, module)?)?;
    module.add_function(wrap_pyfunction!(measure_intensity, module)?)
}
