use ndarray::{ArrayView3, Zip};

use super::intensity::Voxel;
use crate::{Axis, Error, Result};

/// Minimum and maximum of all voxels, or of each index along `axis`; NaN is ignored.
///
/// Where all voxels are NaN, so are both.
///
/// # Errors
/// [`Error::InvalidValue`] where there are no voxels.
///
/// ```
/// use lesionlocator_core::resample::value_range;
/// let source = ndarray::arr3(&[[[3.0_f32, f32::NAN, -1.0]]]);
/// assert_eq!(value_range(source.view(), None).unwrap(), [[-1.0, 3.0]]);
/// ```
pub fn value_range<T: Voxel>(
    source: ArrayView3<'_, T>,
    axis: Option<Axis>,
) -> Result<Vec<[f32; 2]>> {
    if source.is_empty() {
        return Err(Error::InvalidValue {
            what: "source",
            found: format!("shape {:?}", source.shape()),
            legal: "at least one voxel",
        });
    }
    let along = ndarray::Axis(axis.unwrap_or(Axis::Z).index());
    let slices = source.axis_iter(along);
    let ranges =
        Zip::from(slices).par_map_collect(|slice| slice.iter().fold(NONE, include)).to_vec();
    match axis {
        Some(_) => Ok(ranges),
        None => Ok(vec![ranges.iter().fold(NONE, |all, one| one.iter().fold(all, include))]),
    }
}

const NONE: [f32; 2] = [f32::NAN; 2];

/// `f32::min` and `f32::max` give the other operand where one is NaN.
fn include<T: Voxel>(range: [f32; 2], value: &T) -> [f32; 2] {
    let value = value.to_f32();
    [range[0].min(value), range[1].max(value)]
}
