//! How far two surfaces are from each other.

use ndarray::{Array3, ArrayView3, Axis};
use rayon::prelude::*;

use super::cell::{CASES, Share};
use super::diameter::check_spacing;
use super::distance::distance_transform;
use crate::Result;
use crate::components::expect_shape;

/// The elements of a surface: one for each cell that holds a piece of it, in raster order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SurfaceElements {
    /// Distance in mm to the nearest element of the other surface.
    pub distances: Vec<f32>,
    /// Area in mm².
    pub areas: Vec<f64>,
}

/// Measures how far each element of the surface of one mask is from the surface of the other.
///
/// An element is what [`surface`](super::surface) has in the cell between the centres of eight
/// neighbouring voxels, with its area; distances go from centre to centre of cells. Beyond the array
/// there is nothing. Distances are infinite where the other mask is empty.
///
/// # Errors
/// [`Error::ShapeMismatch`](crate::Error::ShapeMismatch) where the shapes differ;
/// [`Error::InvalidValue`](crate::Error::InvalidValue) where a spacing is not positive and finite.
///
/// ```
/// use lesionlocator_core::measure::surface_distances;
/// use ndarray::array;
/// let (one, other) = (array![[[1_u8, 0]]], array![[[0_u8, 1]]]);
/// let [first, second] = surface_distances(one.view(), other.view(), [1.0, 1.0, 0.5]).unwrap();
/// // The four cells before the first voxel, and the four that touch both.
/// assert_eq!(first.distances, [0.5, 0.0, 0.5, 0.0, 0.5, 0.0, 0.5, 0.0]);
/// assert_eq!(first.areas, second.areas);
/// ```
pub fn surface_distances(
    first: ArrayView3<'_, u8>,
    second: ArrayView3<'_, u8>,
    spacing: [f64; 3],
) -> Result<[SurfaceElements; 2]> {
    expect_shape("second mask", second.shape(), first.shape())?;
    check_spacing(spacing)?;
    let areas: Vec<f64> = (0..CASES).map(|case| Share::of(case, spacing).area).collect();
    let (first, second) = (cells(&first), cells(&second));
    let mut distance = Array3::zeros(first.dim());
    distance_transform(second.mapv(is_surface).view(), distance.view_mut(), spacing)?;
    let of_first = elements(&first, &distance, &areas);
    distance_transform(first.mapv(is_surface).view(), distance.view_mut(), spacing)?;
    Ok([of_first, elements(&second, &distance, &areas)])
}

/// The case of each cell; cell z, y, x lies before voxel z, y, x.
fn cells(mask: &ArrayView3<'_, u8>) -> Array3<u8> {
    let (depth, height, width) = mask.dim();
    let mut cells = Array3::zeros((depth + 1, height + 1, width + 1));
    cells.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(layer, mut cells)| {
        for behind in 0..2 {
            // Layer 0 has no plane before it, the last layer none behind it.
            let Some(plane) = (layer + behind).checked_sub(1).filter(|&plane| plane < depth) else {
                continue;
            };
            let inside = mask.index_axis(Axis(0), plane);
            for ((y, x), _) in inside.indexed_iter().filter(|(_, voxel)| **voxel != 0) {
                for corner in 0..4 {
                    let (below, right) = (corner >> 1, corner & 1);
                    cells[[y + 1 - below, x + 1 - right]] |= 1 << (behind << 2 | corner);
                }
            }
        }
    });
    cells
}

/// 1 for the case of a cell with both inner and outer corners.
fn is_surface(case: u8) -> u8 {
    u8::from(case != 0 && case != u8::MAX)
}

fn elements(cells: &Array3<u8>, distance: &Array3<f32>, areas: &[f64]) -> SurfaceElements {
    let mut found = SurfaceElements::default();
    for (&case, &distance) in cells.iter().zip(distance).filter(|(case, _)| is_surface(**case) != 0)
    {
        found.distances.push(distance);
        found.areas.push(areas[usize::from(case)]);
    }
    found
}
