//! The one place that releases the GIL, and the size of the thread pool.

use lesionlocator_core::Result;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::errors::to_python;

/// Runs a kernel without the GIL and turns what it refuses into a Python exception.
pub(crate) fn detached<T, F>(py: Python<'_>, kernel: F) -> PyResult<T>
where
    T: Send,
    F: FnOnce() -> Result<T> + Send,
{
    py.detach(kernel).map_err(|error| to_python(&error))
}

/// Sets the number of threads of the kernels' pool; only before the first kernel has run.
#[pyfunction]
fn set_threads(threads: usize) -> PyResult<()> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .map_err(|error| PyRuntimeError::new_err(error.to_string()))
}

/// Number of threads of the kernels' pool.
#[pyfunction]
fn threads() -> usize {
    rayon::current_num_threads()
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(set_threads, module)?)?;
    module.add_function(wrap_pyfunction!(threads, module)?)
}
