//! Arrays as kernels take them: typed, with whole-element strides, outputs without gaps.

use ndarray::{ArrayView, ArrayViewMut, Dimension};
use numpy::{
    Element, PyArray, PyArrayMethods, PyReadonlyArray, PyReadwriteArray, PyUntypedArrayMethods,
};
use pyo3::prelude::*;

use crate::errors::KernelError;

/// An array to read, of any strides.
pub(crate) struct Source<'py, T: Element, D: Dimension>(PyReadonlyArray<'py, T, D>);

/// An array to write, C-contiguous.
pub(crate) struct Target<'py, T: Element, D: Dimension>(PyReadwriteArray<'py, T, D>);

impl<T: Element, D: Dimension> Source<'_, T, D> {
    pub(crate) fn view(&self) -> PyResult<ArrayView<'_, T, D>> {
        check_elements(&self.0)?;
        Ok(self.0.as_array())
    }
}

impl<T: Element, D: Dimension> Target<'_, T, D> {
    pub(crate) fn view(&mut self) -> PyResult<ArrayViewMut<'_, T, D>> {
        check_elements(&self.0)?;
        if !self.0.is_c_contiguous() {
            return Err(KernelError::new_err("an output array must be C-contiguous"));
        }
        Ok(self.0.as_array_mut())
    }
}

impl<'a, 'py, T: Element + 'a, D: Dimension + 'a> FromPyObject<'a, 'py> for Source<'py, T, D> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        object.extract().map(Self)
    }
}

impl<'a, 'py, T: Element + 'a, D: Dimension + 'a> FromPyObject<'a, 'py> for Target<'py, T, D> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        object.extract().map(Self)
    }
}

/// Refuses fields of records and the like, whose elements are not where a typed view expects them.
fn check_elements<T: Element, D: Dimension>(array: &Bound<'_, PyArray<T, D>>) -> PyResult<()> {
    let size = size_of::<T>() as isize;
    let aligned = (array.data() as usize).is_multiple_of(align_of::<T>());
    if aligned && array.strides().iter().all(|stride| stride % size == 0) {
        return Ok(());
    }
    Err(KernelError::new_err(format!(
        "an array has strides {:?} or an address that do not fit elements of {size} bytes",
        array.strides()
    )))
}

/// Runs a kernel, detached, on the array of whichever type one of several variants holds.
macro_rules! each_type {
    ($py:expr, $source:expr, $($variant:path)|+, $view:ident => $kernel:expr) => {
        match $source {
            $($variant(source) => {
                let $view = source.view()?;
                $crate::run::detached($py, move || $kernel)
            })+
        }
    };
}
pub(crate) use each_type;
