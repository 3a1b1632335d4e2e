use ndarray::{ArrayView3, s};
use rayon::prelude::*;

use super::cell::{CASES, Share};
use super::diameter::check_spacing;
use crate::Result;
use crate::components::scan::with_slice;

/// The surface of a mask.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surface {
    /// Its area in mm².
    pub area: f64,
    /// The volume within it in mm³.
    pub volume: f64,
}

/// Area of the surface of a mask, and the volume within: that of marching cubes (Lorensen and Cline,
/// 1987) half-way between inner and outer voxel centres.
///
/// Polygons that are not flat are triangulated around their centre, so that nothing depends on the
/// order of the axes. Beyond the array there is nothing: a mask that fills it is closed all around.
/// `spacing` is the voxel size in mm along z, y, x.
///
/// # Errors
/// [`crate::Error::InvalidValue`] where a spacing is not positive and finite.
///
/// ```
/// use lesionlocator_core::measure::surface;
/// use ndarray::Array3;
/// // A single voxel becomes an octahedron.
/// let found = surface(Array3::<u8>::ones((1, 1, 1)).view(), [1.0; 3]).unwrap();
/// assert!((found.area - 3_f64.sqrt()).abs() < 1e-12);
/// assert!((found.volume - 1.0 / 6.0).abs() < 1e-12);
/// ```
pub fn surface(mask: ArrayView3<'_, u8>, spacing: [f64; 3]) -> Result<Surface> {
    check_spacing(spacing)?;
    let counts =
        (0..=mask.dim().0).into_par_iter().map(|layer| cases_of_layer(mask, layer)).reduce(
            || [0; CASES],
            |mut sum, counts| {
                sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
                sum
            },
        );
    let mut total = Surface { area: 0.0, volume: 0.0 };
    for (case, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
        let share = Share::of(case, spacing);
        total.area += share.area * count as f64;
        total.volume += share.volume * count as f64;
    }
    Ok(total)
}

/// How often each case occurs among the cells between planes `layer - 1` and `layer`.
fn cases_of_layer(mask: ArrayView3<'_, u8>, layer: usize) -> [u64; CASES] {
    let (depth, height, width) = mask.dim();
    let mut counts = [0; CASES];
    let mut columns = vec![0_u8; width];
    let mut scratch = Vec::new();
    for line in 0..=height {
        columns.fill(0);
        // The four rows around the line of cells, as bits of a column of four corners.
        for (bit, (back, up)) in [(1, 1), (1, 0), (0, 1), (0, 0)].into_iter().enumerate() {
            let (plane, row) = (layer.wrapping_sub(back), line.wrapping_sub(up));
            if plane < depth && row < height {
                with_slice(mask.slice(s![plane, row, ..]), &mut scratch, |voxels| {
                    for (column, &voxel) in columns.iter_mut().zip(voxels) {
                        *column |= u8::from(voxel != 0) << bit;
                    }
                });
            }
        }
        let mut before = 0;
        for &column in columns.iter().chain([&0]) {
            // Most cells are empty, and counting them would wait for the count before.
            if before | column != 0 {
                counts[case(before, column)] += 1;
            }
            before = column;
        }
    }
    counts
}

/// The case of a cell from its near and far corners along the last axis.
fn case(near: u8, far: u8) -> usize {
    // Spreads four bits to the even places, so that the last axis is the lowest bit of a corner.
    const SPREAD: [usize; 16] = {
        let mut table = [0; 16];
        let mut bits = 0;
        while bits < 16 {
            let mut bit = 0;
            while bit < 4 {
                table[bits] |= (bits >> bit & 1) << (2 * bit);
                bit += 1;
            }
            bits += 1;
        }
        table
    };
    SPREAD[near as usize] | SPREAD[far as usize] << 1
}
