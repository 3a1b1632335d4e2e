use ndarray::{ArrayView3, ArrayViewMut3, Axis, Zip};
use rayon::prelude::*;

use crate::Result;
use crate::components::expect_shape;
use crate::isa::{Isa, row_kernel};

/// Writes 1 where a logit difference is above 0, else 0 (NaN gives 0); returns the voxels set.
///
/// # Errors
/// [`crate::Error::ShapeMismatch`] where `out` is not of the logits' shape.
///
/// ```
/// use lesionlocator_core::stitch::foreground;
/// use ndarray::{Array3, array};
/// let logits = array![[[1.5_f32, 0.0, -2.0, f32::NAN]]];
/// let mut out = Array3::from_elem((1, 1, 4), 9_u8);
/// assert_eq!(foreground(logits.view(), out.view_mut()), Ok(1));
/// assert_eq!(out, array![[[1, 0, 0, 0]]]);
/// ```
pub fn foreground(logits: ArrayView3<'_, f32>, mut out: ArrayViewMut3<'_, u8>) -> Result<usize> {
    expect_shape("out", out.shape(), logits.shape())?;
    let isa = Isa::detect();
    let planes = out.axis_iter_mut(Axis(0)).into_par_iter().zip(logits.axis_iter(Axis(0)));
    Ok(planes
        .map(|(mut out, logits)| {
            if let (Some(out), Some(logits)) = (out.as_slice_mut(), logits.as_slice()) {
                let mut count = 0;
                threshold(isa, out, logits, &mut count);
                return count;
            }
            Zip::from(&mut out).and(&logits).for_each(|out, &logit| *out = u8::from(logit > 0.0));
            out.iter().map(|&voxel| usize::from(voxel)).sum()
        })
        .sum())
}

row_kernel! {
    fn threshold(out: &mut [u8], logits: &[f32], count: &mut usize) {
        // Few enough to be counted in a byte, of which a register has many.
        const COUNTED: usize = 128;
        for (out, logits) in out.chunks_mut(COUNTED).zip(logits.chunks(COUNTED)) {
            let mut set = 0_u8;
            for (out, &logit) in out.iter_mut().zip(logits) {
                *out = u8::from(logit > 0.0);
                set += *out;
            }
            *count += usize::from(set);
        }
    }
}
