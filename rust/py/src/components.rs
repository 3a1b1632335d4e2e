use lesionlocator_core::components::{self as core, Connectivity, Statistics};
use ndarray::{Array2, Array3, Ix3};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArray3};
use pyo3::prelude::*;

use crate::arrays::{Source, Target, each_type};
use crate::errors::to_python;
use crate::run::detached;

#[derive(FromPyObject)]
enum Labels<'py> {
    U8(Source<'py, u8, Ix3>),
    U16(Source<'py, u16, Ix3>),
    U32(Source<'py, u32, Ix3>),
}

#[derive(FromPyObject)]
enum LabelsOut<'py> {
    U8(Target<'py, u8, Ix3>),
    U16(Target<'py, u16, Ix3>),
    U32(Target<'py, u32, Ix3>),
}

#[derive(FromPyObject)]
enum Volume<'py> {
    I16(Source<'py, i16, Ix3>),
    F32(Source<'py, f32, Ix3>),
    U8(Source<'py, u8, Ix3>),
    U16(Source<'py, u16, Ix3>),
    U32(Source<'py, u32, Ix3>),
}

type Index = (usize, usize, usize);

type StatisticsArrays<'py> = (
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<u64>>,
    Bound<'py, PyArray3<i64>>,
    Bound<'py, PyArray2<f64>>,
);

#[pyfunction]
fn components_nonzero_box(py: Python<'_>, volume: Volume<'_>) -> PyResult<Option<(Index, Index)>> {
    use Volume::{F32, I16, U8, U16, U32};
    let found =
        each_type!(py, volume, I16 | F32 | U8 | U16 | U32, view => Ok(core::nonzero_box(view)))?;
    Ok(found.map(|(start, stop)| (start.into(), stop.into())))
}

#[pyfunction]
#[pyo3(signature = (mask, out, *, connectivity))]
fn components_label(
    py: Python<'_>,
    mask: Labels<'_>,
    mut out: LabelsOut<'_>,
    connectivity: usize,
) -> PyResult<u32> {
    use Labels::{U8, U16, U32};
    let connectivity = Connectivity::try_from(connectivity).map_err(|error| to_python(&error))?;
    macro_rules! label_into {
        ($out:expr) => {{
            let out = $out.view()?;
            each_type!(py, mask, U8 | U16 | U32, view => core::label(view, out, connectivity))
        }};
    }
    match &mut out {
        LabelsOut::U8(out) => label_into!(out),
        LabelsOut::U16(out) => label_into!(out),
        LabelsOut::U32(out) => label_into!(out),
    }
}

#[pyfunction]
fn components_statistics<'py>(
    py: Python<'py>,
    labels: Labels<'py>,
) -> PyResult<StatisticsArrays<'py>> {
    use Labels::{U8, U16, U32};
    let found = each_type!(py, labels, U8 | U16 | U32, view => core::statistics(view))?;
    Ok(statistics_arrays(py, &found))
}

#[pyfunction]
#[pyo3(signature = (mask, *, connectivity, out=None))]
fn components_instances<'py>(
    py: Python<'py>,
    mask: Labels<'py>,
    connectivity: usize,
    out: Option<LabelsOut<'py>>,
) -> PyResult<StatisticsArrays<'py>> {
    use Labels::{U8, U16, U32};
    let connectivity = Connectivity::try_from(connectivity).map_err(|error| to_python(&error))?;
    macro_rules! label_into {
        ($out:expr) => {{
            let out = $out.view()?;
            each_type!(py, mask, U8 | U16 | U32, view => {
                core::label_instances(view, out, connectivity)
            })
        }};
    }
    let found = match out {
        None => each_type!(py, mask, U8 | U16 | U32, view => core::instances(view, connectivity)),
        Some(LabelsOut::U8(mut out)) => label_into!(out),
        Some(LabelsOut::U16(mut out)) => label_into!(out),
        Some(LabelsOut::U32(mut out)) => label_into!(out),
    }?;
    Ok(statistics_arrays(py, &found))
}

fn statistics_arrays<'py>(py: Python<'py>, found: &[Statistics]) -> StatisticsArrays<'py> {
    let ids: Vec<_> = found.iter().map(|label| label.id).collect();
    let counts: Vec<_> = found.iter().map(|label| label.count).collect();
    let boxes = Array3::from_shape_fn((found.len(), 3, 2), |(label, axis, end)| {
        [found[label].start, found[label].stop][end][axis] as i64
    });
    let centroids =
        Array2::from_shape_fn((found.len(), 3), |(label, axis)| found[label].centroid[axis]);
    (
        ids.into_pyarray(py),
        counts.into_pyarray(py),
        boxes.into_pyarray(py),
        centroids.into_pyarray(py),
    )
}

#[pyfunction]
fn components_fill_holes(
    py: Python<'_>,
    mask: Source<'_, u8, Ix3>,
    mut out: Target<'_, u8, Ix3>,
) -> PyResult<()> {
    let (mask, out) = (mask.view()?, out.view()?);
    detached(py, move || core::fill_holes(mask, out))
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(components_nonzero_box, module)?)?;
    module.add_function(wrap_pyfunction!(components_label, module)?)?;
    module.add_function(wrap_pyfunction!(components_statistics, module)?)?;
    module.add_function(wrap_pyfunction!(components_instances, module)?)?;
    module.add_function(wrap_pyfunction!(components_fill_holes, module)?)
}
