//! Tiles over a volume, and one logit map from their overlapping answers.

mod accumulate;
mod foreground;
mod tiles;
mod weight;

pub use accumulate::{accumulate, normalize};
pub use foreground::foreground;
pub use tiles::tile_starts;
pub use weight::gaussian;
