// A binding takes the keywords of its Python signature.
#![allow(clippy::too_many_arguments)]

use lesionlocator_core::Shape;
use lesionlocator_core::warp::{self, Field};
use ndarray::{Ix3, Ix4};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::arrays::{Source, Target};
use crate::errors::to_python;
use crate::run::detached;

#[derive(FromPyObject)]
enum Image<'py> {
    I16(Source<'py, i16, Ix3>),
    F32(Source<'py, f32, Ix3>),
}

#[derive(FromPyObject)]
enum Labels<'py> {
    U8(Source<'py, u8, Ix3>),
    U16(Source<'py, u16, Ix3>),
}

#[derive(FromPyObject)]
enum LabelsOut<'py> {
    U8(Target<'py, u8, Ix3>),
    U16(Target<'py, u16, Ix3>),
}

fn field<'a>(
    start: [f64; 3],
    step: [f64; 3],
    nodes: &'a Source<'_, f32, Ix4>,
) -> PyResult<Field<'a>> {
    Field::new(start, step, nodes.view()?).map_err(|error| to_python(&error))
}

#[pyfunction]
#[pyo3(signature = (source, out, *, start, step, nodes, target_shape, target_start, samples, outside))]
fn warp_linear(
    py: Python<'_>,
    source: Image<'_>,
    mut out: Target<'_, f32, Ix3>,
    start: [f64; 3],
    step: [f64; 3],
    nodes: Source<'_, f32, Ix4>,
    target_shape: Shape,
    target_start: Shape,
    samples: Shape,
    outside: f32,
) -> PyResult<()> {
    let (field, out) = (field(start, step, &nodes)?, out.view()?);
    crate::arrays::each_type!(py, source, Image::I16 | Image::F32, view => {
        warp::linear(view, out, &field, target_shape, target_start, samples, outside)
    })
}

#[pyfunction]
#[pyo3(signature = (source, out, *, start, step, nodes, target_shape, target_start))]
fn warp_nearest(
    py: Python<'_>,
    source: Labels<'_>,
    out: LabelsOut<'_>,
    start: [f64; 3],
    step: [f64; 3],
    nodes: Source<'_, f32, Ix4>,
    target_shape: Shape,
    target_start: Shape,
) -> PyResult<()> {
    let field = field(start, step, &nodes)?;
    match (source, out) {
        (Labels::U8(source), LabelsOut::U8(mut out)) => {
            let (source, out) = (source.view()?, out.view()?);
            detached(py, || warp::nearest(source, out, &field, target_shape, target_start))
        }
        (Labels::U16(source), LabelsOut::U16(mut out)) => {
            let (source, out) = (source.view()?, out.view()?);
            detached(py, || warp::nearest(source, out, &field, target_shape, target_start))
        }
        _ => Err(PyTypeError::new_err("source and out must have the same dtype: uint8 or uint16")),
    }
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(warp_linear, module)?)?;
    module.add_function(wrap_pyfunction!(warp_nearest, module)?)
}
