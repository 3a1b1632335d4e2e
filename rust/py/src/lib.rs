//! Python bindings: extract typed views, run detached, convert. No arithmetic here.

mod arrays;
mod components;
mod errors;
mod files;
mod matching;
mod measure;
mod prompt;
mod resample;
mod run;
mod stitch;
mod warp;

use pyo3::prelude::*;

/// The compiled kernels of lesionlocator.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    run::register(module)?;
    resample::register(module)?;
    components::register(module)?;
    prompt::register(module)?;
    stitch::register(module)?;
    measure::register(module)?;
    matching::register(module)?;
    files::register(module)?;
    warp::register(module)
}
