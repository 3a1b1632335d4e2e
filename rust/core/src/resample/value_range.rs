use ndarray::{ArrayView2, ArrayView3, Zip};

use super::intensity::Voxel;
use crate::isa::{Isa, row_kernel};
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
    let isa = Isa::detect();
    let along = ndarray::Axis(axis.unwrap_or(Axis::Z).index());
    let slices = source.axis_iter(along);
    let ranges = Zip::from(slices).par_map_collect(|slice| slice_range(isa, slice)).to_vec();
    let legal = |[low, high]: [f32; 2]| if low > high { [f32::NAN; 2] } else { [low, high] };
    Ok(match axis {
        Some(_) => ranges.into_iter().map(legal).collect(),
        None => vec![legal(ranges.iter().fold(NONE, |all, one| join(all, *one)))],
    })
}

/// The range of no voxels.
const NONE: [f32; 2] = [f32::INFINITY, f32::NEG_INFINITY];

fn slice_range<T: Voxel>(isa: Isa, slice: ArrayView2<'_, T>) -> [f32; 2] {
    let contiguous = slice.strides()[1] == 1 || slice.strides()[0] != 1;
    let slice = if contiguous { slice } else { slice.reversed_axes() };
    let mut range = NONE;
    for row in slice.rows() {
        match row.to_slice() {
            Some(row) => include_row(isa, &mut range, row),
            None => range = row.iter().fold(range, |range, value| include(range, value.to_f32())),
        }
    }
    range
}

/// NaN compares false, and is left out.
#[inline(always)]
fn include([low, high]: [f32; 2], value: f32) -> [f32; 2] {
    [if value < low { value } else { low }, if value > high { value } else { high }]
}

#[inline(always)]
fn join(a: [f32; 2], b: [f32; 2]) -> [f32; 2] {
    [a[0].min(b[0]), a[1].max(b[1])]
}

row_kernel! {
    fn include_row<T: Voxel>(range: &mut [f32; 2], row: &[T]) {
        const LANES: usize = 32;
        let (mut low, mut high) = ([NONE[0]; LANES], [NONE[1]; LANES]);
        let (blocks, rest) = row.as_chunks::<LANES>();
        for block in blocks {
            for ((low, high), value) in low.iter_mut().zip(&mut high).zip(block) {
                [*low, *high] = include([*low, *high], value.to_f32());
            }
        }
        *range = rest.iter().fold(*range, |range, value| include(range, value.to_f32()));
        *range = low.into_iter().zip(high).fold(*range, |all, (low, high)| join(all, [low, high]));
    }
}
