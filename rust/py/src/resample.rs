// A binding takes the keywords of its Python signature.
#![allow(clippy::too_many_arguments)]

use lesionlocator_core::resample::{self, Frame, Intensity, Interpolation, Positions};
use lesionlocator_core::{Axis, Region, Result, Shape};
use numpy::{PyArray2, PyReadonlyArray2, PyReadonlyArray3, PyReadwriteArray3};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::errors::to_python;
use crate::run::detached;

type Triple = (usize, usize, usize);
type Numbers = (f32, f32, f32, f32);

#[derive(FromPyObject)]
enum Image<'py> {
    I16(PyReadonlyArray3<'py, i16>),
    F32(PyReadonlyArray3<'py, f32>),
}

#[derive(FromPyObject)]
enum Volume<'py> {
    I16(PyReadonlyArray3<'py, i16>),
    F32(PyReadonlyArray3<'py, f32>),
    U8(PyReadonlyArray3<'py, u8>),
    U16(PyReadonlyArray3<'py, u16>),
    U32(PyReadonlyArray3<'py, u32>),
}

#[derive(FromPyObject)]
enum VolumeOut<'py> {
    I16(PyReadwriteArray3<'py, i16>),
    F32(PyReadwriteArray3<'py, f32>),
    U8(PyReadwriteArray3<'py, u8>),
    U16(PyReadwriteArray3<'py, u16>),
    U32(PyReadwriteArray3<'py, u32>),
}

/// Evaluates an expression over the view of an image, whatever its dtype.
macro_rules! over_image {
    ($image:expr, |$view:ident| $kernel:expr) => {
        match $image {
            Image::I16(array) => {
                let $view = array.as_array();
                $kernel
            }
            Image::F32(array) => {
                let $view = array.as_array();
                $kernel
            }
        }
    };
}

/// Evaluates an expression over two views of the same dtype, one of those named.
macro_rules! over_pair {
    ([$($dtype:ident)+] $source:expr, $out:expr, |$from:ident, $to:ident| $kernel:expr) => {
        match ($source, $out) {
            $((Volume::$dtype(source), VolumeOut::$dtype(out)) => {
                let ($from, $to) = (source.as_array(), out.as_array_mut());
                $kernel
            })+
            _ => Err(PyTypeError::new_err(concat!(
                "source and out must have the same dtype, one of: ", $(stringify!($dtype), " "),+
            ))),
        }
    };
}

fn axis(index: Option<usize>) -> PyResult<Option<Axis>> {
    index.map(Axis::try_from).transpose().map_err(|error| to_python(&error))
}

fn intensity_of(numbers: Option<Numbers>) -> Result<Intensity> {
    let new = |(low, high, mean, deviation)| Intensity::new(low, high, mean, deviation);
    numbers.map_or(Ok(Intensity::IDENTITY), new)
}

fn as_tuples((start, stop): (Shape, Shape)) -> (Triple, Triple) {
    (start.into(), stop.into())
}

#[pyfunction]
#[pyo3(signature = (
    interpolation, *, source_shape, target_shape, target_start, target_extent, separate_axis=None
))]
fn resample_source_block(
    py: Python<'_>,
    interpolation: &str,
    source_shape: Shape,
    target_shape: Shape,
    target_start: Shape,
    target_extent: Shape,
    separate_axis: Option<usize>,
) -> PyResult<(Triple, Triple)> {
    let separate_axis = axis(separate_axis)?;
    let block = detached(py, || {
        let interpolation = Interpolation::try_from(interpolation)?;
        let target = Region::new("target", target_start, target_extent, target_shape)?;
        resample::source_block(interpolation, source_shape, target, separate_axis)
    })?;
    Ok(as_tuples(block))
}

#[pyfunction]
#[pyo3(signature = (*, source_shape, source_start, source_extent, target_shape, separate_axis=None))]
fn resample_covered_block(
    py: Python<'_>,
    source_shape: Shape,
    source_start: Shape,
    source_extent: Shape,
    target_shape: Shape,
    separate_axis: Option<usize>,
) -> PyResult<Option<(Triple, Triple)>> {
    let separate_axis = axis(separate_axis)?;
    let block = detached(py, || {
        let source = Region::new("source", source_start, source_extent, source_shape)?;
        resample::covered_block(source, target_shape, separate_axis)
    })?;
    Ok(block.map(as_tuples))
}

#[pyfunction]
#[pyo3(signature = (source, *, axis=None))]
fn resample_value_range<'py>(
    py: Python<'py>,
    source: Image<'py>,
    axis: Option<usize>,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let axis = self::axis(axis)?;
    let ranges = over_image!(&source, |view| detached(py, || resample::value_range(view, axis)))?;
    Ok(PyArray2::from_owned_array(py, ndarray::Array2::from(ranges)))
}

#[pyfunction]
#[pyo3(signature = (
    source, out, *, source_shape, source_start, target_shape, target_start, intensity=None, separate_axis=None
))]
fn resample_trilinear(
    py: Python<'_>,
    source: Image<'_>,
    mut out: PyReadwriteArray3<'_, f32>,
    source_shape: Shape,
    source_start: Shape,
    target_shape: Shape,
    target_start: Shape,
    intensity: Option<Numbers>,
    separate_axis: Option<usize>,
) -> PyResult<()> {
    let separate_axis = axis(separate_axis)?;
    let frame = Frame { source_shape, source_start, target_shape, target_start, separate_axis };
    let out = out.as_array_mut();
    over_image!(&source, |view| detached(py, || {
        resample::trilinear(view, out, &frame, &intensity_of(intensity)?)
    }))
}

#[pyfunction]
#[pyo3(signature = (
    source, out, *, source_shape, source_start, target_shape, target_start, limits, intensity=None,
    separate_axis=None
))]
fn resample_cubic(
    py: Python<'_>,
    source: Image<'_>,
    mut out: PyReadwriteArray3<'_, f32>,
    source_shape: Shape,
    source_start: Shape,
    target_shape: Shape,
    target_start: Shape,
    limits: PyReadonlyArray2<'_, f32>,
    intensity: Option<Numbers>,
    separate_axis: Option<usize>,
) -> PyResult<()> {
    let separate_axis = axis(separate_axis)?;
    let frame = Frame { source_shape, source_start, target_shape, target_start, separate_axis };
    let (out, limits) = (out.as_array_mut(), limits.as_array());
    over_image!(&source, |view| detached(py, || {
        resample::cubic(view, out, &frame, &intensity_of(intensity)?, limits)
    }))
}

#[pyfunction]
#[pyo3(signature = (source, out, *, source_shape, source_start, target_shape, target_start))]
fn resample_nearest(
    py: Python<'_>,
    source: Volume<'_>,
    mut out: VolumeOut<'_>,
    source_shape: Shape,
    source_start: Shape,
    target_shape: Shape,
    target_start: Shape,
) -> PyResult<()> {
    let frame =
        Frame { source_shape, source_start, target_shape, target_start, separate_axis: None };
    over_pair!([I16 F32 U8 U16 U32] &source, &mut out, |from, to| {
        detached(py, || resample::nearest(from, to, &frame))
    })
}

#[pyfunction]
#[pyo3(signature = (
    source, out, *, source_shape, source_start, target_shape, target_start, separate_axis=None,
    positions="single"
))]
fn resample_labels(
    py: Python<'_>,
    source: Volume<'_>,
    mut out: VolumeOut<'_>,
    source_shape: Shape,
    source_start: Shape,
    target_shape: Shape,
    target_start: Shape,
    separate_axis: Option<usize>,
    positions: &str,
) -> PyResult<()> {
    let separate_axis = axis(separate_axis)?;
    let frame = Frame { source_shape, source_start, target_shape, target_start, separate_axis };
    over_pair!([U8 U16 U32] &source, &mut out, |from, to| {
        detached(py, || resample::labels(from, to, &frame, Positions::try_from(positions)?))
    })
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(resample_source_block, module)?)?;
    module.add_function(wrap_pyfunction!(resample_covered_block, module)?)?;
    module.add_function(wrap_pyfunction!(resample_value_range, module)?)?;
    module.add_function(wrap_pyfunction!(resample_trilinear, module)?)?;
    module.add_function(wrap_pyfunction!(resample_cubic, module)?)?;
    module.add_function(wrap_pyfunction!(resample_nearest, module)?)?;
    module.add_function(wrap_pyfunction!(resample_labels, module)?)
}
