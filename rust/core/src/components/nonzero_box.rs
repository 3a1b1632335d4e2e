use ndarray::{ArrayView3, Axis, s};
use rayon::prelude::*;

use super::order::MemoryOrder;
use super::scan::{Voxel, with_slice};
use super::shape_of;

/// First voxel of a box and one past its last voxel, along z, y, x.
pub type Bounds = ([usize; 3], [usize; 3]);

/// The box around all voxels that are not zero, or `None` where all are zero. NaN is not zero.
///
/// Scans inwards from the six faces, so a volume that is full to its borders costs next to nothing.
///
/// ```
/// use lesionlocator_core::components::nonzero_box;
/// use ndarray::Array3;
/// let mut volume = Array3::<f32>::zeros((4, 5, 6));
/// assert_eq!(nonzero_box(volume.view()), None);
/// volume[[1, 2, 3]] = -1.0;
/// volume[[2, 2, 5]] = f32::NAN;
/// assert_eq!(nonzero_box(volume.view()), Some(([1, 2, 3], [3, 3, 6])));
/// ```
pub fn nonzero_box<T: Voxel>(volume: ArrayView3<'_, T>) -> Option<Bounds> {
    let order = MemoryOrder::of(&volume);
    let volume = order.apply(volume);
    let [planes, rows, _] = shape_of(&volume);
    let plane_used = |z: usize| (0..rows).any(|y| row_used(&volume, z, y));
    let z0 = (0..planes).into_par_iter().find_first(|&z| plane_used(z))?;
    let z1 = (z0..planes).into_par_iter().find_last(|&z| plane_used(z))?;
    let rows_used = |y: usize| (z0..=z1).any(|z| row_used(&volume, z, y));
    let y0 = (0..rows).into_par_iter().find_first(|&y| rows_used(y))?;
    let y1 = (y0..rows).into_par_iter().find_last(|&y| rows_used(y))?;
    let (x0, x1) = columns_used(&volume.slice(s![z0..=z1, y0..=y1, ..]))?;
    let (first, last) = order.corners([z0, y0, x0], [z1, y1, x1]);
    Some((first, last.map(|index| index + 1)))
}

fn row_used<T: Voxel>(volume: &ArrayView3<'_, T>, z: usize, y: usize) -> bool {
    let row = volume.slice(s![z, y, ..]);
    match row.as_slice() {
        Some(row) => T::any_nonzero(row),
        None => row.iter().any(|&voxel| voxel != T::ZERO),
    }
}

/// First and last column that holds a nonzero voxel.
fn columns_used<T: Voxel>(volume: &ArrayView3<'_, T>) -> Option<(usize, usize)> {
    let widen = |a: Option<(usize, usize)>, b: Option<(usize, usize)>| match (a, b) {
        (Some((a0, a1)), Some((b0, b1))) => Some((a0.min(b0), a1.max(b1))),
        (known, None) | (None, known) => known,
    };
    let columns = volume.dim().2;
    volume
        .axis_iter(Axis(0))
        .into_par_iter()
        .fold(
            || None,
            |mut found, plane| {
                let mut scratch = Vec::new();
                for row in plane.outer_iter() {
                    if found == Some((0, columns - 1)) {
                        break;
                    }
                    found = with_slice(row, &mut scratch, |row| widen(found, beyond(row, found)));
                }
                found
            },
        )
        .reduce(|| None, widen)
}

/// First and last nonzero voxel of a row among those outside what is known to be used.
fn beyond<T: Voxel>(row: &[T], known: Option<(usize, usize)>) -> Option<(usize, usize)> {
    let (left, right) = match known {
        Some((first, last)) => (&row[..first], &row[last + 1..]),
        None => (row, row),
    };
    let used = |&voxel: &T| voxel != T::ZERO;
    let first = if T::any_nonzero(left) { left.iter().position(used) } else { None };
    let last = if T::any_nonzero(right) { right.iter().rposition(used) } else { None };
    let last = last.map(|index| row.len() - right.len() + index);
    match (first, last) {
        (Some(first), Some(last)) => Some((first, last)),
        (Some(only), None) | (None, Some(only)) => Some((only, only)),
        (None, None) => None,
    }
}
