//! Cubic B-spline interpolation: slices along x and y first, then along z through all of them.

use std::ops::Range;

use ndarray::{ArrayView2, ArrayView3, ArrayViewMut3, Axis as NdAxis, s};
use rayon::prelude::*;

use super::frame::{Frame, Interpolation, Span};
use super::intensity::{Intensity, Voxel, clip, load_row};
use super::spline::{Curve, PAD, evaluate, extend_edges, prefilter};
use super::tiles::{Tile, check_contiguous, parts, tiles};
use crate::isa::Isa;
use crate::{Axis, Error, Result};

/// Rows that are filtered side by side along x.
const LANES: usize = 16;
/// Columns of slices that a task of the pass along z filters side by side.
const COLUMNS: usize = 512;
/// Voxels of target planes that are worked on at a time, which bounds the memory for the planes.
const SLAB_VOXELS: usize = 1 << 24;

/// Writes the cubic B-spline interpolation of `source` to `out`, clipped to `limits`.
///
/// `source` (z, y, x, any strides) and `out` (z, y, x, C-contiguous) are the blocks that `frame` places. The
/// spline goes through an infinitely edge-extended source. Along a separate axis the nearest voxel is
/// taken. `limits` holds minimum and maximum: one row, or with a separate axis one row for each index of
/// the whole source grid along it. A NaN limit does not clip.
///
/// # Errors
/// As [`trilinear`](super::trilinear), and where `limits` has another shape.
///
/// ```
/// use lesionlocator_core::resample::{Frame, Intensity, cubic};
/// let source = ndarray::arr3(&[[[0_i16, 4]]]);
/// let mut out = ndarray::Array3::zeros((1, 1, 3));
/// let frame = Frame::whole([1, 1, 2], [1, 1, 3]);
/// let limits = ndarray::arr2(&[[0.0, 4.0]]);
/// cubic(source.view(), out.view_mut(), &frame, &Intensity::IDENTITY, limits.view()).unwrap();
/// assert!((out[[0, 0, 1]] - 2.0_f32).abs() < 1e-5);
/// ```
pub fn cubic<T: Voxel>(
    source: ArrayView3<'_, T>,
    out: ArrayViewMut3<'_, f32>,
    frame: &Frame,
    intensity: &Intensity,
    limits: ArrayView2<'_, f32>,
) -> Result<()> {
    let (from, to) = (source.dim().into(), out.dim().into());
    let spans = frame.spans(Interpolation::Cubic, from, to)?;
    check_contiguous(&out)?;
    let limits = Limits::new(limits, frame.separate_axis, &spans)?;
    let [_, y, x] = spans.each_ref().map(Curve::new);
    let plan = Plan { isa: Isa::detect(), source, intensity, limits, y, x };
    let slab = (SLAB_VOXELS / (to[1] * to[2])).max(64);
    let mut planes = Vec::new();
    for (first, part) in parts(out, NdAxis(0), slab) {
        plan.fill(part, first, &spans[0], &mut planes);
    }
    Ok(())
}

/// The legal range of each target voxel.
struct Limits {
    axis: Option<Axis>,
    /// One range, or one for each target index along the axis.
    ranges: Vec<[f32; 2]>,
}

impl Limits {
    fn new(rows: ArrayView2<'_, f32>, axis: Option<Axis>, spans: &[Span; 3]) -> Result<Self> {
        let span = axis.map(|axis| &spans[axis.index()]);
        let expected = span.map_or(1, |span| span.line.source);
        if rows.dim() != (expected, 2) {
            let found = rows.shape().to_vec();
            return Err(Error::ShapeMismatch {
                what: "limits",
                found,
                expected: vec![expected, 2],
            });
        }
        let range = |index| [rows[[index, 0]], rows[[index, 1]]];
        let ranges = match span {
            Some(span) => span.targets().map(|target| range(span.line.nearest(target))).collect(),
            None => vec![range(0)],
        };
        Ok(Limits { axis, ranges })
    }

    fn apply(&self, row: &mut [f32], z: usize, y: usize) {
        let [low, high] = match self.axis {
            None => self.ranges[0],
            Some(Axis::Z) => self.ranges[z],
            Some(Axis::Y) => self.ranges[y],
            Some(Axis::X) => {
                for (value, [low, high]) in row.iter_mut().zip(&self.ranges) {
                    *value = clip(*value, *low, *high);
                }
                return;
            }
        };
        for value in row {
            *value = clip(*value, low, high);
        }
    }
}

struct Plan<'a, T> {
    isa: Isa,
    source: ArrayView3<'a, T>,
    intensity: &'a Intensity,
    limits: Limits,
    y: Curve,
    x: Curve,
}

impl<T: Voxel> Plan<'_, T> {
    /// Fills a slab of the output that begins at slice `first` of the block.
    fn fill(&self, out: ArrayViewMut3<'_, f32>, first: usize, block: &Span, planes: &mut Vec<f32>) {
        let (slices, rows, columns) = out.dim();
        let targets = block.target_start + first..block.target_start + first + slices;
        let needed = block.line.needed(targets.clone());
        let span = Span {
            source_start: needed.start,
            target_start: targets.start,
            target: slices,
            ..*block
        };
        let held = needed.start - block.source_start..needed.end - block.source_start;
        self.planes(held, rows * columns, columns, planes);
        let curve = Curve::new(&span);
        tiles(out, usize::MAX, COLUMNS.div_ceil(columns))
            .into_par_iter()
            .for_each_init(Vec::new, |lines, tile| {
                self.along_z(tile, first, planes, rows * columns, &curve, lines)
            });
    }

    /// Interpolates source slices along x and y, one plane after the other.
    fn planes(&self, slices: Range<usize>, size: usize, columns: usize, planes: &mut Vec<f32>) {
        planes.resize(slices.len() * size, 0.0);
        planes.par_chunks_exact_mut(size).zip(slices).for_each_init(
            Scratch::default,
            |scratch, (plane, z)| {
                self.along_x(z, columns, scratch);
                self.along_y(plane, columns, &mut scratch.rows);
            },
        );
    }

    /// Interpolates the rows of a source slice along x, into padded lines along y.
    fn along_x(&self, z: usize, columns: usize, scratch: &mut Scratch) {
        let (_, height, width) = self.source.dim();
        let Scratch { loaded, lines, lane, rows } = scratch;
        loaded.resize(width, 0.0);
        lines.resize((width + 2 * PAD) * LANES, 0.0);
        rows.resize((height + 2 * PAD) * columns, 0.0);
        let load = |y, to: &mut [f32]| {
            load_row(self.isa, self.source.slice_move(s![z, y, ..]), self.intensity, to);
        };
        let body = &mut rows[PAD * columns..][..height * columns];
        for (group, out) in body.chunks_mut(LANES * columns).enumerate() {
            let ys = group * LANES..group * LANES + out.len() / columns;
            match &self.x {
                Curve::Pick(indices) => {
                    for (y, out) in ys.zip(out.chunks_exact_mut(columns)) {
                        load(y, loaded);
                        for (out, &index) in out.iter_mut().zip(indices) {
                            *out = loaded[index];
                        }
                    }
                }
                Curve::Spline(curve) => {
                    for (at, y) in ys.enumerate() {
                        load(y, loaded);
                        for (samples, &value) in
                            lines.chunks_exact_mut(LANES).skip(PAD).zip(loaded.iter())
                        {
                            samples[at] = value;
                        }
                    }
                    extend_edges(lines, LANES);
                    prefilter(self.isa, lines, LANES);
                    lane.resize(LANES, 0.0);
                    for (x, (first, weights)) in curve.iter().enumerate() {
                        evaluate(self.isa, lane, &lines[first * LANES..], weights);
                        for (row, &value) in out.chunks_exact_mut(columns).zip(lane.iter()) {
                            row[x] = value;
                        }
                    }
                }
            }
        }
    }

    fn along_y(&self, plane: &mut [f32], columns: usize, rows: &mut [f32]) {
        match &self.y {
            Curve::Pick(indices) => {
                for (out, &index) in plane.chunks_exact_mut(columns).zip(indices) {
                    out.copy_from_slice(&rows[(index + PAD) * columns..][..columns]);
                }
            }
            Curve::Spline(curve) => {
                extend_edges(rows, columns);
                prefilter(self.isa, rows, columns);
                for (out, (first, weights)) in plane.chunks_exact_mut(columns).zip(curve) {
                    evaluate(self.isa, out, &rows[first * columns..], weights);
                }
            }
        }
    }

    /// Interpolates a few rows through all planes along z, and clips.
    fn along_z(
        &self,
        mut tile: Tile<'_, f32>,
        first: usize,
        planes: &[f32],
        size: usize,
        curve: &Curve,
        lines: &mut Vec<f32>,
    ) {
        let (slices, rows, columns) = tile.out.dim();
        let width = rows * columns;
        let part = |plane: usize| &planes[plane * size + tile.y * columns..][..width];
        if matches!(curve, Curve::Spline(_)) {
            let count = planes.len() / size;
            lines.resize((count + 2 * PAD) * width, 0.0);
            for (plane, line) in lines.chunks_exact_mut(width).skip(PAD).take(count).enumerate() {
                line.copy_from_slice(part(plane));
            }
            extend_edges(lines, width);
            prefilter(self.isa, lines, width);
        }
        for z in 0..slices {
            let out = tile.out.index_axis_mut(NdAxis(0), z).into_slice();
            let out = out.expect("rows of a C-contiguous array are contiguous");
            match curve {
                Curve::Pick(indices) => out.copy_from_slice(part(indices[z])),
                Curve::Spline(curve) => {
                    let (start, weights) = &curve[z];
                    evaluate(self.isa, out, &lines[start * width..], weights);
                }
            }
            for (y, row) in out.chunks_exact_mut(columns).enumerate() {
                self.limits.apply(row, first + z, tile.y + y);
            }
        }
    }
}

#[derive(Default)]
struct Scratch {
    loaded: Vec<f32>,
    lines: Vec<f32>,
    lane: Vec<f32>,
    rows: Vec<f32>,
}
