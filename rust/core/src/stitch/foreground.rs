use ndarray::{ArrayView3, ArrayViewMut3, Axis, Zip};
use rayon::prelude::*;

use crate::Result;
use crate::components::expect_shape;

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
    let planes = out.axis_iter_mut(Axis(0)).into_par_iter().zip(logits.axis_iter(Axis(0)));
    Ok(planes
        .map(|(mut out, logits)| {
            let mut count = 0;
            Zip::from(&mut out).and(&logits).for_each(|out, &logit| {
                *out = u8::from(logit > 0.0);
                count += usize::from(*out);
            });
            count
        })
        .sum())
}
