use lesionlocator_core::Error;
use pyo3::PyErr;

pyo3::import_exception!(lesionlocator.errors, InputError);
pyo3::import_exception!(lesionlocator.errors, KernelError);

/// The Python exception for what a kernel refused.
pub(crate) fn to_python(error: &Error) -> PyErr {
    match error {
        Error::ShapeMismatch { .. } | Error::OutsideGrid { .. } | Error::InvalidValue { .. } => {
            KernelError::new_err(error.to_string())
        }
        Error::Unreadable { .. } => InputError::new_err(error.to_string()),
    }
}
