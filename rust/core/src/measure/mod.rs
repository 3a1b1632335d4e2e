//! What a radiologist measures: diameters within a slice, and intensities under a mask.

mod diameter;
mod hull;
mod intensity;

pub use diameter::{AxialDiameters, Segment, axial_diameters};
pub use intensity::{Intensity, intensity};
