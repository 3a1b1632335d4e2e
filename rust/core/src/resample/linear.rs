//! Trilinear interpolation, in the arithmetic of torch's CPU kernels.

use ndarray::{ArrayView3, ArrayViewMut3, s};
use rayon::prelude::*;

use super::blend::{Blend, Positions};
use super::frame::{Frame, Interpolation};
use super::intensity::{Intensity, Voxel, load_row};
use super::rule::Pair;
use super::spread::{ROOM, RowBlend, spread};
use super::tiles::{Tile, check_contiguous, tiles};
use crate::Result;
use crate::isa::{Isa, mix, row_kernel};

/// Rows of a tile: two planes of them stay in a core's cache.
const TILE_ROWS: usize = 32;
/// Slices of a tile: enough that the planes two tiles make twice are few.
const TILE_SLICES: usize = 64;

/// Writes the trilinear interpolation of `source` to `out`; along a separate axis the nearest voxel.
///
/// `source` (z, y, x, any strides) and `out` (z, y, x, C-contiguous) are the blocks that `frame` places.
/// The result has the bits of torch's `interpolate` where the processor has fused multiply-add.
///
/// # Errors
/// Where a block leaves its grid, the source block lacks voxels that the target block needs, or `out`
/// is not contiguous.
///
/// ```
/// use lesionlocator_core::resample::{Frame, Intensity, trilinear};
/// let source = ndarray::arr3(&[[[0_i16, 4]]]);
/// let mut out = ndarray::Array3::zeros((1, 1, 4));
/// let frame = Frame::whole([1, 1, 2], [1, 1, 4]);
/// trilinear(source.view(), out.view_mut(), &frame, &Intensity::IDENTITY).unwrap();
/// assert_eq!(out, ndarray::arr3(&[[[0.0, 1.0, 3.0, 4.0]]]));
/// ```
pub fn trilinear<T: Voxel>(
    source: ArrayView3<'_, T>,
    out: ArrayViewMut3<'_, f32>,
    frame: &Frame,
    intensity: &Intensity,
) -> Result<()> {
    let (from, to) = (source.dim().into(), out.dim().into());
    let spans = frame.spans(Interpolation::Linear, from, to)?;
    check_contiguous(&out)?;
    let [z, y, x] = spans.each_ref().map(|span| Blend::new(span, Positions::Single));
    let isa = Isa::detect();
    let as_they_are = source.to_slice().filter(|_| *intensity == Intensity::IDENTITY);
    let as_they_are = as_they_are.and_then(T::as_f32);
    let plan = Plan { isa, source, intensity, as_they_are, z, y, x: RowBlend::new(&x, isa) };
    tiles(out, TILE_SLICES, TILE_ROWS)
        .into_par_iter()
        .for_each_init(Scratch::default, |scratch, tile| plan.fill(tile, scratch));
    Ok(())
}

struct Plan<'a, T> {
    isa: Isa,
    source: ArrayView3<'a, T>,
    intensity: &'a Intensity,
    /// All voxels of the source, if they need neither conversion nor [`Intensity`].
    as_they_are: Option<&'a [f32]>,
    z: Blend,
    y: Blend,
    x: RowBlend,
}

#[derive(Default)]
struct Scratch {
    loaded: Vec<f32>,
    rows: Ring,
    planes: Ring,
}

impl<T: Voxel> Plan<'_, T> {
    fn fill(&self, mut tile: Tile<'_, f32>, scratch: &mut Scratch) {
        let (slices, rows, columns) = tile.out.dim();
        let Scratch { loaded, rows: row_ring, planes } = scratch;
        loaded.resize(self.source.dim().2 + ROOM, 0.0);
        planes.clear(rows * columns);
        for z in 0..slices {
            let pair = self.z.pairs[tile.z + z];
            let make_plane = |source_z, plane: &mut [f32]| {
                self.plane(source_z, tile.y, plane, loaded, row_ring);
            };
            let (lower, upper) = planes.hold(&pair, make_plane);
            combine(self.isa, tile.rows(z), lower, upper, &pair, self.z.picks);
        }
    }

    /// A source row and what lies behind it, where it can be used as it is.
    fn in_place(&self, z: usize, y: usize) -> Option<&[f32]> {
        let voxels = self.as_they_are?;
        let (_, rows, columns) = self.source.dim();
        voxels.get((z * rows + y) * columns..)?.get(..columns + ROOM)
    }

    /// Interpolates one source slice along x and y.
    fn plane(
        &self,
        z: usize,
        first_row: usize,
        plane: &mut [f32],
        loaded: &mut [f32],
        rows: &mut Ring,
    ) {
        let columns = self.x.len();
        rows.clear(columns);
        for (out, pair) in plane.chunks_exact_mut(columns).zip(&self.y.pairs[first_row..]) {
            let (lower, upper) = rows.hold(pair, |y, row| {
                let loaded = self.in_place(z, y).unwrap_or_else(|| {
                    let source = self.source.slice_move(s![z, y, ..]);
                    load_row(self.isa, source, self.intensity, loaded);
                    loaded
                });
                spread(self.isa, row, loaded, &self.x);
            });
            combine(self.isa, out, lower, upper, pair, self.y.picks);
        }
    }
}

/// The two most recent lines (rows or planes) of a pass, by their source index.
#[derive(Default)]
struct Ring {
    held: [Option<usize>; 2],
    lines: [Vec<f32>; 2],
}

impl Ring {
    fn clear(&mut self, length: usize) {
        self.held = [None; 2];
        for line in &mut self.lines {
            line.resize(length, 0.0);
        }
    }

    /// The lines of both neighbours; `make` fills those that are not held yet.
    fn hold(&mut self, pair: &Pair, mut make: impl FnMut(usize, &mut [f32])) -> (&[f32], &[f32]) {
        let mut slot = |wanted: usize, keep: usize| {
            let held = (0..2).find(|&slot| self.held[slot] == Some(wanted));
            held.unwrap_or_else(|| {
                let free = usize::from(self.held[0] == Some(keep));
                make(wanted, &mut self.lines[free]);
                self.held[free] = Some(wanted);
                free
            })
        };
        let lower = slot(pair.lower, pair.upper);
        let upper = slot(pair.upper, pair.lower);
        (&self.lines[lower], &self.lines[upper])
    }
}

fn combine(isa: Isa, out: &mut [f32], lower: &[f32], upper: &[f32], pair: &Pair, picks: bool) {
    if picks {
        out.copy_from_slice(lower);
    } else {
        blend(isa, out, lower, upper, pair.near, pair.far);
    }
}

row_kernel! {
    fn blend(out: &mut [f32], lower: &[f32], upper: &[f32], near: f32, far: f32) {
        for ((out, &lower), &upper) in out.iter_mut().zip(lower).zip(upper) {
            *out = mix::<FMA>(lower, near, upper, far);
        }
    }
}
