//! Gzip-compressed files: voxels in, masks out.

mod mask;
mod member;
mod read;

pub use mask::{Label, compress_mask};
pub use read::read_gzip;
