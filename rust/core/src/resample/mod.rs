//! Resampling between a block of a source grid and a block of a target grid.
//!
//! Positions correspond as `source = (target + 0.5) * source_size / target_size - 0.5`. A block of the
//! target is the slice of the whole result: positions are always those of the whole grids.
//!
//! The kernels are separable: a pass along x into a small plane, then y, then z.

mod blend;
mod cubic;
mod frame;
mod intensity;
mod labels;
mod linear;
mod nearest;
mod rule;
mod spline;
mod spread;
mod tiles;
mod value_range;

pub use blend::Positions;
pub use cubic::cubic;
pub use frame::{Frame, Interpolation, covered_block, source_block};
pub use intensity::{Intensity, Voxel};
pub use labels::{Label, labels};
pub use linear::trilinear;
pub use nearest::nearest;
pub use value_range::value_range;
