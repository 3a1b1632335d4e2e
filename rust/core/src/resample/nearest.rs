use ndarray::{ArrayView3, ArrayViewMut3, s};
use rayon::prelude::*;

use super::frame::{Frame, Interpolation};
use super::tiles::{check_contiguous, tiles};
use crate::Result;

/// Writes the nearest voxels of `source` to `out`, as torch's "nearest-exact" chooses them.
///
/// `source` (z, y, x, any strides) and `out` (z, y, x, C-contiguous) are the blocks that `frame` places.
///
/// # Errors
/// As [`trilinear`](super::trilinear).
///
/// ```
/// use lesionlocator_core::resample::{Frame, nearest};
/// let source = ndarray::arr3(&[[[3_u8, 4]]]);
/// let mut out = ndarray::Array3::zeros((1, 1, 4));
/// nearest(source.view(), out.view_mut(), &Frame::whole([1, 1, 2], [1, 1, 4])).unwrap();
/// assert_eq!(out, ndarray::arr3(&[[[3, 3, 4, 4]]]));
/// ```
pub fn nearest<T: Copy + Send + Sync>(
    source: ArrayView3<'_, T>,
    out: ArrayViewMut3<'_, T>,
    frame: &Frame,
) -> Result<()> {
    let (from, to) = (source.dim().into(), out.dim().into());
    let spans = frame.spans(Interpolation::Nearest, from, to)?;
    check_contiguous(&out)?;
    let [zs, ys, xs] = spans.map(|span| span.nearest());
    tiles(out, 1, usize::MAX).into_par_iter().for_each(|mut tile| {
        let z = zs[tile.z];
        let rows = tile.rows(0);
        for (row, &y) in ys.iter().enumerate() {
            let begin = row * xs.len();
            if row > 0 && ys[row - 1] == y {
                rows.copy_within(begin - xs.len()..begin, begin);
                continue;
            }
            let (out, from) = (&mut rows[begin..], source.slice(s![z, y, ..]));
            match from.to_slice() {
                Some(from) => pick(out, &xs, |x| from[x]),
                None => pick(out, &xs, |x| from[x]),
            }
        }
    });
    Ok(())
}

fn pick<T>(out: &mut [T], columns: &[usize], voxel: impl Fn(usize) -> T) {
    for (out, &x) in out.iter_mut().zip(columns) {
        *out = voxel(x);
    }
}
