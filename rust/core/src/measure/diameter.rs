use ndarray::{ArrayView2, ArrayView3, Axis};
use rayon::prelude::*;

use super::hull::{Pixel, convex_hull};
use crate::components::scan::{runs, with_slice};
use crate::{Error, Result};

/// Two positions in a slice, y and x in voxels, in raster order.
pub type Segment = [[f64; 2]; 2];

/// The two diameters of a lesion in the slice where it is longest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AxialDiameters {
    /// The slice.
    pub slice: usize,
    /// The longest segment between the centres of two voxels of the mask in one slice.
    pub longest: Segment,
    /// The longest segment at a right angle to it within the slice's convex hull.
    pub perpendicular: Segment,
}

/// The longest diameter over all slices, and the longest one perpendicular to it in the same slice.
///
/// The perpendicular runs within the convex hull of the centres of the slice's voxels, so its ends
/// may lie between voxels. Lengths are in mm: `spacing` is the voxel size along z, y, x. Of equal
/// diameters the one in the first slice counts, then the one whose ends come first in raster order.
/// `None` where the mask is empty; a single voxel has diameters of length 0.
///
/// # Errors
/// [`Error::InvalidValue`] where a spacing is not positive and finite.
///
/// ```
/// use lesionlocator_core::measure::axial_diameters;
/// use ndarray::{Array3, s};
/// let mut mask = Array3::<u8>::zeros((3, 8, 8));
/// mask.slice_mut(s![1, 4, 1..7]).fill(1);
/// mask.slice_mut(s![1, 3..6, 2]).fill(1);
/// let found = axial_diameters(mask.view(), [5.0, 1.0, 1.0]).unwrap().unwrap();
/// assert_eq!((found.slice, found.longest), (1, [[4.0, 1.0], [4.0, 6.0]]));
/// assert_eq!(found.perpendicular, [[3.0, 2.0], [5.0, 2.0]]);
/// ```
pub fn axial_diameters(
    mask: ArrayView3<'_, u8>,
    spacing: [f64; 3],
) -> Result<Option<AxialDiameters>> {
    check_spacing(spacing)?;
    let metric = Metric { y: spacing[1], x: spacing[2] };
    let slices = mask.axis_iter(Axis(0)).into_par_iter().enumerate();
    let best = slices
        .filter_map(|(slice, plane)| longest(slice, convex_hull(&outline(&plane)), metric))
        .reduce_with(|a, b| {
            let b_wins = b.squared > a.squared || (b.squared == a.squared && b.slice < a.slice);
            if b_wins { b } else { a }
        });
    Ok(best.map(|best| AxialDiameters {
        slice: best.slice,
        longest: best.ends.map(centre),
        perpendicular: perpendicular(&best.hull, best.ends, metric),
    }))
}

/// Refuses a voxel size that is none.
pub(super) fn check_spacing(spacing: [f64; 3]) -> Result<()> {
    if spacing.iter().all(|&size| size.is_finite() && size > 0.0) {
        return Ok(());
    }
    Err(Error::InvalidValue {
        what: "spacing",
        found: format!("{spacing:?}"),
        legal: "three positive, finite sizes in mm",
    })
}

/// First and last voxel of each row that has any, in raster order: no others can be corners.
pub(super) fn outline(plane: &ArrayView2<'_, u8>) -> Vec<Pixel> {
    let mut pixels = Vec::new();
    let mut scratch = Vec::new();
    for (y, row) in plane.outer_iter().enumerate() {
        let mut extent = None;
        with_slice(row, &mut scratch, |row| {
            runs::<false, u8>(row, |start, stop| {
                let (first, _) = extent.unwrap_or((start, stop));
                extent = Some((first, stop));
            });
        });
        if let Some((first, stop)) = extent {
            pixels.push([y as i64, first as i64]);
            if stop - first > 1 {
                pixels.push([y as i64, stop as i64 - 1]);
            }
        }
    }
    pixels
}

/// The size of a voxel within a slice, in mm.
#[derive(Clone, Copy)]
struct Metric {
    y: f64,
    x: f64,
}

impl Metric {
    fn squared_length(self, [ay, ax]: [f64; 2], [by, bx]: [f64; 2]) -> f64 {
        ((by - ay) * self.y).powi(2) + ((bx - ax) * self.x).powi(2)
    }
}

/// The longest diameter of one slice.
struct Longest {
    slice: usize,
    squared: f64,
    ends: [Pixel; 2],
    hull: Vec<Pixel>,
}

fn longest(slice: usize, mut hull: Vec<Pixel>, metric: Metric) -> Option<Longest> {
    let around = hull.clone();
    hull.sort_unstable();
    let first = *hull.first()?;
    let (mut squared, mut ends) = (0.0, [first, first]);
    for (index, &a) in hull.iter().enumerate() {
        for &b in &hull[index + 1..] {
            let candidate = metric.squared_length(centre(a), centre(b));
            if candidate > squared {
                (squared, ends) = (candidate, [a, b]);
            }
        }
    }
    Some(Longest { slice, squared, ends, hull: around })
}

/// The longest chord of the hull at a right angle to a diameter.
///
/// The length of the chords is a concave, piecewise linear function of their position along the
/// diameter, so it is greatest at a corner of the hull.
fn perpendicular(hull: &[Pixel], [from, to]: [Pixel; 2], metric: Metric) -> Segment {
    let ([fy, fx], [ty, tx]) = (centre(from), centre(to));
    let normal = [(ty - fy) * metric.y * metric.y, (tx - fx) * metric.x * metric.x];
    let (mut squared, mut best) = (0.0, [centre(from); 2]);
    for &corner in hull {
        let chord = chord(hull, centre(corner), normal);
        let candidate = metric.squared_length(chord[0], chord[1]);
        if candidate > squared {
            (squared, best) = (candidate, chord);
        }
    }
    best
}

/// The part within the hull of the line through `corner` on which `normal` is constant.
fn chord(hull: &[Pixel], corner: [f64; 2], normal: [f64; 2]) -> Segment {
    let along = |[y, x]: [f64; 2]| (y - corner[0]) * normal[0] + (x - corner[1]) * normal[1];
    let mut ends = [corner; 2];
    let next = hull.iter().cycle().skip(1);
    for (&a, &b) in hull.iter().zip(next) {
        let (a, b) = (centre(a), centre(b));
        let (at_a, at_b) = (along(a), along(b));
        let crossing = if at_a == 0.0 {
            a
        } else if at_a.min(at_b) < 0.0 && at_a.max(at_b) > 0.0 {
            let part = at_a / (at_a - at_b);
            [a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])]
        } else {
            continue;
        };
        let first = if before(crossing, ends[0]) { crossing } else { ends[0] };
        let last = if before(ends[1], crossing) { crossing } else { ends[1] };
        ends = [first, last];
    }
    ends
}

fn before(a: [f64; 2], b: [f64; 2]) -> bool {
    a[0] < b[0] || (a[0] == b[0] && a[1] < b[1])
}

fn centre([y, x]: Pixel) -> [f64; 2] {
    [y as f64, x as f64]
}
