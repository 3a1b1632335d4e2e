//! Label maps: each label's 0/1 map interpolated, all labels in one pass.

use std::ops::Range;

use ndarray::{ArrayView1, ArrayView3, ArrayViewMut3, s};
use rayon::prelude::*;

use super::blend::Blend;
use super::frame::{Frame, Interpolation};
use super::isa::{Isa, mix, row_kernel};
use super::rule::Pair;
use super::tiles::{Tile, check_contiguous, tiles};
use crate::Result;

/// A label; 0 is background.
pub trait Label: Copy + Default + Ord + Send + Sync {}

impl Label for u8 {}
impl Label for u16 {}
impl Label for u32 {}

/// Writes each label where its linearly interpolated 0/1 map exceeds 0.5.
///
/// `source` (z, y, x, any strides) and `out` (z, y, x, C-contiguous, all zero) are the blocks that `frame`
/// places. Along a separate axis the nearest voxel counts. The cost hardly depends on the number of
/// labels, and rows of `out` without labels are not touched.
///
/// # Errors
/// As [`trilinear`](super::trilinear).
///
/// ```
/// use lesionlocator_core::resample::{Frame, labels};
/// let source = ndarray::arr3(&[[[7_u8, 0, 9]]]);
/// let mut out = ndarray::Array3::zeros((1, 1, 6));
/// labels(source.view(), out.view_mut(), &Frame::whole([1, 1, 3], [1, 1, 6])).unwrap();
/// assert_eq!(out, ndarray::arr3(&[[[7, 7, 0, 0, 9, 9]]]));
/// ```
pub fn labels<T: Label>(
    source: ArrayView3<'_, T>,
    out: ArrayViewMut3<'_, T>,
    frame: &Frame,
) -> Result<()> {
    let (from, to) = (source.dim().into(), out.dim().into());
    let spans = frame.spans(Interpolation::Linear, from, to)?;
    check_contiguous(&out)?;
    let [z, y, x] = spans.each_ref().map(|span| Blend::new(span).pairs);
    let plan = Plan { isa: Isa::detect(), occupied: occupied(source), source, z, y, x };
    tiles(out, 1, usize::MAX)
        .into_par_iter()
        .for_each_init(Default::default, |scratch, tile| plan.fill(tile, scratch));
    Ok(())
}

/// For each row of the source (z, y) the columns from its first to its last label.
fn occupied<T: Label>(source: ArrayView3<'_, T>) -> Vec<Range<usize>> {
    let (slices, rows, _) = source.dim();
    let row = |index| occupied_part(source.slice_move(s![index / rows, index % rows, ..]));
    (0..slices * rows).into_par_iter().with_min_len(64).map(row).collect()
}

fn occupied_part<T: Label>(row: ArrayView1<'_, T>) -> Range<usize> {
    let found = |value: &T| *value != T::default();
    let Some(first) = row.iter().position(found) else { return 0..0 };
    let last = row.iter().rposition(found).unwrap_or(first);
    first..last + 1
}

struct Plan<'a, T> {
    isa: Isa,
    source: ArrayView3<'a, T>,
    occupied: Vec<Range<usize>>,
    z: Vec<Pair>,
    y: Vec<Pair>,
    x: Vec<Pair>,
}

impl<T: Label> Plan<'_, T> {
    fn fill(&self, mut tile: Tile<'_, T>, scratch: &mut [Vec<T>; 4]) {
        let z = self.z[tile.z];
        let out = tile.rows(0);
        for (out, y) in out.chunks_exact_mut(self.x.len()).zip(&self.y) {
            let corners =
                [(z.lower, y.lower), (z.lower, y.upper), (z.upper, y.lower), (z.upper, y.upper)];
            let columns = self.columns(corners);
            if columns.is_empty() {
                continue;
            }
            for (line, (z, y)) in scratch.iter_mut().zip(corners) {
                line.clear();
                line.extend(self.source.slice(s![z, y, ..]));
            }
            let lines = scratch.each_ref().map(Vec::as_slice);
            let (out, x) = (&mut out[columns.clone()], &self.x[columns]);
            vote(self.isa, out, lines, x, y, &z);
        }
    }

    /// The target columns that the labels of four source rows can reach.
    fn columns(&self, rows: [(usize, usize); 4]) -> Range<usize> {
        let (mut first, mut stop) = (usize::MAX, 0);
        for (z, y) in rows {
            let part = &self.occupied[z * self.source.dim().1 + y];
            if !part.is_empty() {
                (first, stop) = (first.min(part.start), stop.max(part.end));
            }
        }
        let start = self.x.partition_point(|pair| pair.upper < first);
        start..self.x.partition_point(|pair| pair.lower < stop).max(start)
    }
}

row_kernel! {
    fn vote<T: Label>(out: &mut [T], lines: [&[T]; 4], x: &[Pair], y: &Pair, z: &Pair) {
        for (out, x) in out.iter_mut().zip(x) {
            let corners: [T; 8] = std::array::from_fn(|corner| {
                lines[corner / 2][if corner % 2 == 0 { x.lower } else { x.upper }]
            });
            if corners.iter().all(|&corner| corner == corners[0]) {
                *out = corners[0];
                continue;
            }
            for &label in &corners {
                if label > *out && weight::<FMA, T>(&corners, label, x, y, z) > 0.5 {
                    *out = label;
                }
            }
        }
    }
}

/// A label's interpolated 0/1 map at one voxel, with the roundings of the trilinear kernel.
#[inline(always)]
fn weight<const FMA: bool, T: Label>(
    corners: &[T; 8],
    label: T,
    x: &Pair,
    y: &Pair,
    z: &Pair,
) -> f32 {
    let is = |corner: usize| f32::from(u8::from(corners[corner] == label));
    let row = |first: usize| mix::<FMA>(is(first), x.near, is(first + 1), x.far);
    let plane = |first: usize| mix::<FMA>(row(first), y.near, row(first + 2), y.far);
    mix::<FMA>(plane(0), z.near, plane(4), z.far)
}
