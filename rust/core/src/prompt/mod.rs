//! Rendering prompts into a patch, cut at its borders.
//!
//! Only the voxels that a prompt reaches are touched.

mod ball;
mod gaussian;

pub use ball::{ball, cuboid};
pub use gaussian::gaussian;

/// The part of `[start, stop)` that lies in an axis of `size` voxels; empty where there is none.
fn clipped(start: i128, stop: i128, size: usize) -> std::ops::Range<usize> {
    let inside = |position: i128| position.clamp(0, size as i128) as usize;
    let (start, stop) = (inside(start), inside(stop));
    start..stop.max(start)
}
