//! Connected components, statistics of labels, hole filling and the box of what is not zero.
//!
//! Everything works on runs: stretches of a row that belong together. Volumes are walked in memory
//! order, whatever their axes; results are those of the view that the caller passed.

mod connect;
mod connectivity;
mod dense;
mod forest;
mod holes;
mod label;
mod nonzero_box;
pub(crate) mod order;
pub(crate) mod scan;
pub(crate) mod slabs;
mod statistics;

pub use connectivity::Connectivity;
pub use holes::fill_holes;
pub use label::label;
pub use nonzero_box::{Bounds, nonzero_box};
pub use scan::Voxel;
pub use statistics::{Statistics, instances, label_instances, statistics};

use crate::{Error, Result, Shape};

/// The shape of a volume of three axes.
pub(crate) fn shape_of<T>(volume: &ndarray::ArrayView3<'_, T>) -> Shape {
    let (z, y, x) = volume.dim();
    [z, y, x]
}

/// Refuses an array whose shape is not that of the array it belongs to.
pub(crate) fn expect_shape(what: &'static str, found: &[usize], expected: &[usize]) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::ShapeMismatch { what, found: found.to_vec(), expected: expected.to_vec() })
}
