use std::path::PathBuf;

use lesionlocator_core::files::{compress_mask, read_gzip};
use ndarray::{Ix1, Ix3};
use numpy::PyReadwriteArray;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::arrays::{Source, each_type};
use crate::run::detached;

#[derive(FromPyObject)]
enum Labels<'py> {
    U8(Source<'py, u8, Ix3>),
    U16(Source<'py, u16, Ix3>),
}

#[pyfunction]
fn files_read_gzip(
    py: Python<'_>,
    path: PathBuf,
    mut out: PyReadwriteArray<'_, u8, Ix1>,
) -> PyResult<()> {
    let out = out.as_slice_mut()?;
    detached(py, || read_gzip(&path, out))
}

#[pyfunction]
#[pyo3(signature = (region, *, header, shape, start))]
fn files_compress_mask<'py>(
    py: Python<'py>,
    region: Labels<'py>,
    header: &[u8],
    shape: [usize; 3],
    start: [usize; 3],
) -> PyResult<Bound<'py, PyBytes>> {
    let file = each_type!(py, &region, Labels::U8 | Labels::U16, view => {
        compress_mask(view, header, shape, start)
    })?;
    Ok(PyBytes::new(py, &file))
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(files_read_gzip, module)?)?;
    module.add_function(wrap_pyfunction!(files_compress_mask, module)?)
}
