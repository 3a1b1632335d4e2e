use std::path::PathBuf;

use lesionlocator_core::files::{compress_mask, read_gzip};
use numpy::{PyReadonlyArray3, PyReadwriteArray1};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::run::detached;

/// Labels of a mask, as numpy stores them.
#[derive(FromPyObject)]
enum Labels<'py> {
    #[pyo3(transparent)]
    U8(PyReadonlyArray3<'py, u8>),
    #[pyo3(transparent)]
    U16(PyReadonlyArray3<'py, u16>),
}

#[pyfunction]
#[pyo3(signature = (path, out, *, skip))]
fn files_read_gzip(
    py: Python<'_>,
    path: PathBuf,
    mut out: PyReadwriteArray1<'_, u8>,
    skip: usize,
) -> PyResult<()> {
    let out = out.as_slice_mut()?;
    detached(py, || read_gzip(&path, out, skip))
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
    let file = match &region {
        Labels::U8(array) => {
            let region = array.as_array();
            detached(py, || compress_mask(region, header, shape, start))
        }
        Labels::U16(array) => {
            let region = array.as_array();
            detached(py, || compress_mask(region, header, shape, start))
        }
    }?;
    Ok(PyBytes::new(py, &file))
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(files_read_gzip, module)?)?;
    module.add_function(wrap_pyfunction!(files_compress_mask, module)?)
}
