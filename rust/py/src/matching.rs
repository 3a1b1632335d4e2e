use lesionlocator_core::matching::{self as core, Overlap};
use ndarray::{Array2, Ix2, Ix3};
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::prelude::*;

use crate::arrays::{Source, each_type};
use crate::run::detached;

#[derive(FromPyObject)]
enum Labels<'py> {
    U8(Source<'py, u8, Ix3>),
    U16(Source<'py, u16, Ix3>),
    U32(Source<'py, u32, Ix3>),
}

type Margin<'py> = (Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<u64>>);
type Pairs<'py> = (Bound<'py, PyArray2<u32>>, Bound<'py, PyArray1<u64>>);

#[pyfunction]
fn matching_overlap<'py>(
    py: Python<'py>,
    first: Labels<'py>,
    second: Labels<'py>,
) -> PyResult<(Margin<'py>, Margin<'py>, Pairs<'py>)> {
    use Labels::{U8, U16, U32};
    macro_rules! with {
        ($second:expr) => {{
            let second = $second.view()?;
            each_type!(py, first, U8 | U16 | U32, first => core::overlap(first, second))
        }};
    }
    let found = match second {
        U8(second) => with!(second),
        U16(second) => with!(second),
        U32(second) => with!(second),
    }?;
    Ok((margin(py, &found.first), margin(py, &found.second), pairs(py, &found)))
}

fn margin<'py>(py: Python<'py>, labels: &[(u32, u64)]) -> Margin<'py> {
    let (ids, voxels): (Vec<_>, Vec<_>) = labels.iter().copied().unzip();
    (ids.into_pyarray(py), voxels.into_pyarray(py))
}

fn pairs<'py>(py: Python<'py>, found: &Overlap) -> Pairs<'py> {
    let pairs = &found.pairs;
    let ids = Array2::from_shape_fn((pairs.len(), 2), |(pair, which)| {
        [pairs[pair].first, pairs[pair].second][which]
    });
    let voxels: Vec<_> = pairs.iter().map(|pair| pair.voxels).collect();
    (ids.into_pyarray(py), voxels.into_pyarray(py))
}

type Assigned<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>);

#[pyfunction]
fn matching_assign<'py>(py: Python<'py>, cost: Source<'py, f64, Ix2>) -> PyResult<Assigned<'py>> {
    let cost = cost.view()?;
    let pairs = detached(py, move || core::assign(cost))?;
    let (rows, columns): (Vec<_>, Vec<_>) =
        pairs.into_iter().map(|(row, column)| (row as i64, column as i64)).unzip();
    Ok((rows.into_pyarray(py), columns.into_pyarray(py)))
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(matching_overlap, module)?)?;
    module.add_function(wrap_pyfunction!(matching_assign, module)?)
}
