//! The CPU kernels of lesionlocator.
//!
//! Every array is indexed z, y, x. Kernels are functions over views: the caller owns all memory,
//! sources may have any strides, and parallel results equal serial ones bit for bit.

pub mod components;
mod error;
pub mod files;
mod grid;
mod isa;
pub mod matching;
pub mod measure;
pub mod prompt;
pub mod resample;
pub mod stitch;
pub mod warp;

pub use error::{Error, Result};
pub use grid::{Axis, Region, Shape};
