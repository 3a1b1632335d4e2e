//! Label maps: each label's 0/1 map interpolated, all labels in one pass.

use std::ops::Range;

use ndarray::{ArrayView3, ArrayViewMut3, s};
use rayon::prelude::*;

use super::blend::{Blend, Positions};
use super::frame::{Frame, Interpolation};
use super::rule::Pair;
use super::tiles::{Tile, check_contiguous, tiles};
use crate::Result;
use crate::isa::{Isa, mix, row_kernel};

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
/// use lesionlocator_core::resample::{Frame, Positions, labels};
/// let source = ndarray::arr3(&[[[7_u8, 0, 9]]]);
/// let mut out = ndarray::Array3::zeros((1, 1, 6));
/// let frame = Frame::whole([1, 1, 3], [1, 1, 6]);
/// labels(source.view(), out.view_mut(), &frame, Positions::Single).unwrap();
/// assert_eq!(out, ndarray::arr3(&[[[7, 7, 0, 0, 9, 9]]]));
/// ```
pub fn labels<T: Label>(
    source: ArrayView3<'_, T>,
    out: ArrayViewMut3<'_, T>,
    frame: &Frame,
    positions: Positions,
) -> Result<()> {
    let (from, to) = (source.dim().into(), out.dim().into());
    let spans = frame.spans(Interpolation::Linear, from, to)?;
    check_contiguous(&out)?;
    let [z, y, x] = spans.each_ref().map(|span| Blend::new(span, positions).pairs);
    let reach = Reach::new(&x, from[2]);
    let plan = Plan { isa: Isa::detect(), occupied: occupied(source), source, z, y, x, reach };
    tiles(out, 1, usize::MAX)
        .into_par_iter()
        .for_each_init(Scratch::default, |scratch, tile| plan.fill(tile, scratch));
    Ok(())
}

/// For each row of the source (z, y) the columns from its first to its last label.
fn occupied<T: Label>(source: ArrayView3<'_, T>) -> Vec<Range<usize>> {
    let (slices, rows, _) = source.dim();
    let row = |index| {
        let row = source.slice_move(s![index / rows, index % rows, ..]);
        row.to_slice().map_or_else(|| occupied_part(&row.to_vec()), occupied_part)
    };
    (0..slices * rows).into_par_iter().with_min_len(64).map(row).collect()
}

fn occupied_part<T: Label>(row: &[T]) -> Range<usize> {
    let Some(first) = next_label(row, 0) else { return 0..0 };
    let last = row.iter().rposition(|&value| value != T::default()).unwrap_or(first);
    first..last + 1
}

/// The first label at or after a column; stretches of background are passed over whole.
fn next_label<T: Label>(row: &[T], from: usize) -> Option<usize> {
    const STRETCH: usize = 64;
    let is_label = |value: &T| *value != T::default();
    let count =
        |stretch: &[T]| stretch.iter().fold(0, |any, value| any | u8::from(is_label(value)));
    let stretches = row[from..].chunks(STRETCH);
    let (index, stretch) = stretches.enumerate().find(|(_, stretch)| count(stretch) > 0)?;
    Some(from + index * STRETCH + stretch.iter().position(is_label)?)
}

struct Plan<'a, T> {
    isa: Isa,
    source: ArrayView3<'a, T>,
    occupied: Vec<Range<usize>>,
    z: Vec<Pair>,
    y: Vec<Pair>,
    x: Vec<Pair>,
    reach: Reach,
}

/// For each source column the target columns it weighs on begin here, or end here for those before it.
struct Reach {
    first: Vec<usize>,
    stop: Vec<usize>,
}

impl Reach {
    fn new(x: &[Pair], columns: usize) -> Self {
        let first = |column| x.partition_point(|pair| pair.upper < column);
        let stop = |column| x.partition_point(|pair| pair.lower < column);
        Reach { first: (0..=columns).map(first).collect(), stop: (0..=columns).map(stop).collect() }
    }
}

/// Four source rows, and the greatest label in each column of them.
#[derive(Default)]
struct Scratch<T> {
    lines: [Vec<T>; 4],
    greatest: Vec<T>,
}

impl<T: Label> Plan<'_, T> {
    fn fill(&self, mut tile: Tile<'_, T>, scratch: &mut Scratch<T>) {
        let z = self.z[tile.z];
        let out = tile.rows(0);
        for (out, y) in out.chunks_exact_mut(self.x.len()).zip(&self.y) {
            let corners =
                [(z.lower, y.lower), (z.lower, y.upper), (z.upper, y.lower), (z.upper, y.upper)];
            let part = self.occupied_part(corners);
            if !part.is_empty() {
                self.load(corners, scratch);
                self.vote_near_labels(out, scratch, part, y, &z);
            }
        }
    }

    /// The columns from the first to the last label of four source rows.
    fn occupied_part(&self, rows: [(usize, usize); 4]) -> Range<usize> {
        let parts = rows.map(|(z, y)| &self.occupied[z * self.source.dim().1 + y]);
        let labelled = parts.iter().filter(|part| !part.is_empty());
        let start = labelled.clone().map(|part| part.start).min();
        start.unwrap_or(0)..labelled.map(|part| part.end).max().unwrap_or(0)
    }

    fn load(&self, rows: [(usize, usize); 4], scratch: &mut Scratch<T>) {
        for (line, (z, y)) in scratch.lines.iter_mut().zip(rows) {
            let row = self.source.slice(s![z, y, ..]);
            line.clear();
            match row.to_slice() {
                Some(row) => line.extend_from_slice(row),
                None => line.extend(row),
            }
        }
        scratch.greatest.resize(self.source.dim().2, T::default());
        let lines = scratch.lines.each_ref().map(Vec::as_slice);
        greatest(self.isa, &mut scratch.greatest, lines);
    }

    /// Decides the target voxels that the labels of a part of four rows weigh on.
    fn vote_near_labels(
        &self,
        out: &mut [T],
        scratch: &Scratch<T>,
        part: Range<usize>,
        y: &Pair,
        z: &Pair,
    ) {
        let lines = scratch.lines.each_ref().map(Vec::as_slice);
        let greatest = &scratch.greatest[..part.end];
        let mut column = part.start;
        while let Some(first) = next_label(greatest, column) {
            let run = greatest[first..].iter().take_while(|&&label| label != T::default()).count();
            let targets = self.reach.first[first]..self.reach.stop[first + run];
            vote(self.isa, &mut out[targets.clone()], lines, &self.x[targets], y, z);
            column = first + run;
        }
    }
}

row_kernel! {
    fn greatest<T: Label>(out: &mut [T], lines: [&[T]; 4]) {
        let [a, b, c, d] = lines;
        let columns = a.iter().zip(b).zip(c.iter().zip(d));
        for (out, ((&a, &b), (&c, &d))) in out.iter_mut().zip(columns) {
            *out = a.max(b).max(c.max(d));
        }
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
