use ndarray::{ArrayViewMut3, s};

use super::clipped;
use crate::{Error, Result};

/// Sets to 1 the voxels of a ball: those at squared distance up to `(radius + 0.5)²` of `center`.
///
/// The centre may lie outside `out`. Returns the number of voxels set.
///
/// # Errors
/// [`Error::InvalidValue`] where `radius` is negative or above 2³² - 1.
///
/// ```
/// use lesionlocator_core::prompt::ball;
/// use ndarray::Array3;
/// let mut patch = Array3::zeros((16, 16, 16));
/// assert_eq!(ball(patch.view_mut(), [8, 8, 8], 5), Ok(739));
/// assert_eq!(patch.sum(), 739.0);
/// assert_eq!(ball(patch.view_mut(), [-1, 0, 0], 1), Ok(3));
/// ```
pub fn ball(mut out: ArrayViewMut3<'_, f32>, center: [i64; 3], radius: i64) -> Result<usize> {
    let radius = u32::try_from(radius).map_err(|_| Error::InvalidValue {
        what: "radius",
        found: radius.to_string(),
        legal: "0 to 2**32 - 1",
    })?;
    let (planes, rows, columns) = out.dim();
    let [cz, cy, cx] = center.map(i128::from);
    // Squared distances are whole numbers: up to (r + 0.5)² means up to r² + r.
    let limit = u64::from(radius) * (u64::from(radius) + 1);
    let around = |center: i128, reach: u64, size| {
        clipped(center - i128::from(reach), center + i128::from(reach) + 1, size)
    };
    let left_over = |budget: u64, center: i128, index: usize| {
        let distance = (index as i128 - center).unsigned_abs() as u64;
        budget - distance * distance
    };
    let mut count = 0;
    for z in around(cz, limit.isqrt(), planes) {
        let in_plane = left_over(limit, cz, z);
        for y in around(cy, in_plane.isqrt(), rows) {
            let x = around(cx, left_over(in_plane, cy, y).isqrt(), columns);
            count += x.len();
            out.slice_mut(s![z, y, x]).fill(1.0);
        }
    }
    Ok(count)
}

/// Sets to 1 the part of the box from `start` up to `stop` that lies in `out`; returns its voxels.
///
/// # Errors
/// [`Error::InvalidValue`] where `stop` is below `start` along an axis.
///
/// ```
/// use lesionlocator_core::prompt::cuboid;
/// use ndarray::Array3;
/// let mut patch = Array3::zeros((4, 4, 4));
/// assert_eq!(cuboid(patch.view_mut(), [-2, 0, 3], [1, 4, 9]), Ok(4));
/// assert_eq!(patch.sum(), 4.0);
/// ```
pub fn cuboid(mut out: ArrayViewMut3<'_, f32>, start: [i64; 3], stop: [i64; 3]) -> Result<usize> {
    if (0..3).any(|axis| stop[axis] < start[axis]) {
        return Err(Error::InvalidValue {
            what: "stop of the box",
            found: format!("{stop:?} for start {start:?}"),
            legal: "start or more along every axis",
        });
    }
    let along = |axis: usize, size| clipped(start[axis].into(), stop[axis].into(), size);
    let (planes, rows, columns) = out.dim();
    let mut part = out.slice_mut(s![along(0, planes), along(1, rows), along(2, columns)]);
    part.fill(1.0);
    Ok(part.len())
}
