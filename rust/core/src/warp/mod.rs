//! Sampling a volume where an affine map plus a smooth displacement says.

mod field;
mod sample;

pub use field::Field;
pub use sample::{linear, nearest};
