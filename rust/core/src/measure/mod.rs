//! What a radiologist measures: diameters, surface, and intensities under a mask.

mod cell;
mod diameter;
mod distance;
mod gap;
mod hull;
mod intensity;
mod percentiles;
mod surface;
mod volume_diameter;

pub use diameter::{AxialDiameters, Segment, axial_diameters};
pub use distance::distance_transform;
pub use gap::{SurfaceElements, surface_distances};
pub use intensity::{Intensity, intensity};
pub use percentiles::percentiles;
pub use surface::{Surface, surface};
pub use volume_diameter::longest_diameter;
