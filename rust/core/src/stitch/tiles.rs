use crate::{Error, Result};

/// The evenly spaced first voxels of the tiles along one axis.
///
/// There are `ceil((size - patch) / (patch * step_fraction)) + 1` of them; positions are rounded to
/// whole voxels, halves to even.
///
/// # Errors
/// [`Error::InvalidValue`] where `patch` is 0 or larger than `size`, or `step_fraction` is not in
/// (0, 1] or comes to less than half a voxel.
///
/// ```
/// use lesionlocator_core::stitch::tile_starts;
/// assert_eq!(tile_starts(10, 4, 0.5).unwrap(), [0, 2, 4, 6]);
/// assert_eq!(tile_starts(11, 4, 0.5).unwrap(), [0, 2, 4, 5, 7]);
/// assert_eq!(tile_starts(4, 4, 0.5).unwrap(), [0]);
/// ```
pub fn tile_starts(size: usize, patch: usize, step_fraction: f64) -> Result<Vec<usize>> {
    if patch == 0 || patch > size {
        return Err(Error::InvalidValue {
            what: "patch",
            found: format!("{patch} along an axis of {size}"),
            legal: "1 to the axis's size",
        });
    }
    let step = patch as f64 * step_fraction;
    if !(step_fraction <= 1.0 && step >= 0.5) {
        return Err(Error::InvalidValue {
            what: "step_fraction",
            found: format!("{step_fraction} of a patch of {patch}"),
            legal: "at most 1, and at least half a voxel",
        });
    }
    let last = (size - patch) as f64;
    let steps = (last / step).ceil();
    let spacing = if steps > 0.0 { last / steps } else { 0.0 };
    let start = |index| (spacing * index as f64).round_ties_even() as usize;
    Ok((0..=steps as usize).map(start).collect())
}
