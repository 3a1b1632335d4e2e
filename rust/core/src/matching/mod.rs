//! Which instances of two label maps belong together: how they overlap, and the best assignment.

mod assign;
mod overlap;

pub use assign::assign;
pub use overlap::{Overlap, Pair, overlap};
