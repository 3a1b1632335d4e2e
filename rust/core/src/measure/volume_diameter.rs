use ndarray::{ArrayView3, Axis};
use rayon::prelude::*;

use super::diameter::{check_spacing, outline};
use super::hull::{Pixel, convex_hull};
use crate::Result;

/// A voxel: z, y, x.
type Voxel = [i64; 3];

/// The longest segment between the centres of two voxels of the mask, in any direction.
///
/// `spacing` is the voxel size in mm along z, y, x. Of equal segments the one whose ends come first
/// in raster order counts. `None` where the mask is empty; the ends of a single voxel are the same.
///
/// # Errors
/// [`crate::Error::InvalidValue`] where a spacing is not positive and finite.
///
/// ```
/// use lesionlocator_core::measure::longest_diameter;
/// use ndarray::{Array3, s};
/// let mut mask = Array3::<u8>::zeros((4, 5, 6));
/// mask.slice_mut(s![0..4, 2, 3]).fill(1);
/// mask.slice_mut(s![1, 2, 0..6]).fill(1);
/// let ends = longest_diameter(mask.view(), [5.0, 1.0, 1.0]).unwrap();
/// assert_eq!(ends, Some([[0.0, 2.0, 3.0], [3.0, 2.0, 3.0]]));
/// ```
pub fn longest_diameter(
    mask: ArrayView3<'_, u8>,
    spacing: [f64; 3],
) -> Result<Option<[[f64; 3]; 2]>> {
    check_spacing(spacing)?;
    let corners = corners(mask);
    let Some(&first) = corners.first() else { return Ok(None) };
    let places: Vec<[f64; 3]> =
        corners.iter().map(|corner| [0, 1, 2].map(|i| corner[i] as f64 * spacing[i])).collect();
    let (mut longest, mut ends) = (0.0, [first, first]);
    for (index, a) in places.iter().enumerate() {
        for (b, &corner) in places.iter().zip(&corners).skip(index + 1) {
            let candidate = (b[0] - a[0]).powi(2) + (b[1] - a[1]).powi(2) + (b[2] - a[2]).powi(2);
            if candidate > longest {
                (longest, ends) = (candidate, [corners[index], corner]);
            }
        }
    }
    Ok(Some(ends.map(|end| end.map(|position| position as f64))))
}

/// Voxels among which are all corners of the mask's convex hull, in raster order.
///
/// A corner of the hull is also a corner within each plane through it, so planes across one axis
/// after the other leave few others.
fn corners(mask: ArrayView3<'_, u8>) -> Vec<Voxel> {
    let planes: Vec<Vec<Pixel>> = mask
        .axis_iter(Axis(0))
        .into_par_iter()
        .map(|plane| convex_hull(&outline(&plane)))
        .collect();
    let mut found: Vec<Voxel> = planes
        .into_iter()
        .enumerate()
        .flat_map(|(z, hull)| hull.into_iter().map(move |[y, x]| [z as i64, y, x]))
        .collect();
    for across in [1, 2] {
        found = corners_across(across, found);
    }
    found.sort_unstable();
    found
}

/// The voxels that are corners within their plane across an axis.
fn corners_across(axis: usize, mut voxels: Vec<Voxel>) -> Vec<Voxel> {
    let [first, second] = if axis == 1 { [0, 2] } else { [0, 1] };
    voxels.sort_unstable_by_key(|voxel| [voxel[axis], voxel[first], voxel[second]]);
    voxels
        .chunk_by(|a, b| a[axis] == b[axis])
        .flat_map(|plane| {
            let pixels: Vec<Pixel> = plane.iter().map(|v| [v[first], v[second]]).collect();
            let place = plane[0][axis];
            convex_hull(&pixels).into_iter().map(move |pixel| {
                let mut voxel = [place; 3];
                (voxel[first], voxel[second]) = (pixel[0], pixel[1]);
                voxel
            })
        })
        .collect()
}
