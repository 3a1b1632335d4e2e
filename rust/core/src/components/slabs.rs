//! The runs of a volume, slab by slab.

use std::ops::Range;

use ndarray::ArrayView3;

use super::connectivity::NeighbourRow;
use super::scan::{Voxel, runs, with_slice};
use crate::{Error, Result};

/// Below this many voxels a slab of its own costs more than it saves.
const SLAB_VOXELS: usize = 1 << 18;
const SLABS_PER_THREAD: usize = 4;

/// How many planes a thread takes at once.
pub(crate) fn planes_per_slab(shape: (usize, usize, usize)) -> usize {
    let (planes, rows, columns) = shape;
    let most = rayon::current_num_threads() * SLABS_PER_THREAD;
    let worthwhile = SLAB_VOXELS.div_ceil((rows * columns).max(1));
    planes.div_ceil(most).max(worthwhile).max(1)
}

/// Neighbouring voxels of a row, from `start` up to `stop`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) start: u32,
    pub(crate) stop: u32,
}

impl Run {
    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.stop as usize
    }
}

/// The runs of a row, and the number of the first among those of its slab.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) first: u32,
    pub(crate) runs: &'a [Run],
}

/// A row that has runs, where it is, and to which component each run belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlacedRow<'a> {
    pub(crate) plane: usize,
    pub(crate) row: usize,
    runs: &'a [Run],
    components: &'a [u32],
}

impl PlacedRow<'_> {
    /// Where each run is in the row, and its component.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (Range<usize>, usize)> + '_ {
        self.runs.iter().zip(self.components).map(|(run, &at)| (run.range(), at as usize))
    }
}

/// The runs of some planes.
#[derive(Debug)]
pub(crate) struct Slab {
    /// First plane of the volume that belongs to the slab.
    pub(crate) first_plane: usize,
    pub(crate) rows_per_plane: usize,
    pub(crate) columns: usize,
    runs: Vec<Run>,
    /// Row r holds the runs from `offsets[r]` up to `offsets[r + 1]`.
    offsets: Vec<u32>,
    /// Component of each run.
    pub(crate) components: Vec<u32>,
    pub(crate) component_count: u32,
}

impl Slab {
    /// The stretches of nonzero voxels (of zeros, if `ZEROS`), not yet put together to components.
    pub(crate) fn scan<const ZEROS: bool, T: Voxel>(
        planes: &ArrayView3<'_, T>,
        first_plane: usize,
    ) -> Result<Self> {
        let (depth, rows_per_plane, columns) = planes.dim();
        // One more than a row's length, since reaching past its end must not overflow.
        index32(columns.saturating_add(1))?;
        let mut found = Vec::new();
        let mut offsets = Vec::with_capacity(depth * rows_per_plane + 1);
        offsets.push(0);
        let mut scratch = Vec::new();
        for row in planes.rows() {
            with_slice(row, &mut scratch, |row| {
                runs::<ZEROS, T>(row, |start, stop| {
                    found.push(Run { start: start as u32, stop: stop as u32 });
                });
            });
            offsets.push(index32(found.len())?);
        }
        let (components, component_count) = (Vec::new(), 0);
        let runs = found;
        Ok(Self {
            first_plane,
            rows_per_plane,
            columns,
            runs,
            offsets,
            components,
            component_count,
        })
    }

    pub(crate) fn planes(&self) -> usize {
        (self.offsets.len() - 1) / self.rows_per_plane.max(1)
    }

    pub(crate) fn run_count(&self) -> u32 {
        self.offsets[self.offsets.len() - 1]
    }

    pub(crate) fn row(&self, plane: usize, row: usize) -> Row<'_> {
        self.row_at(plane * self.rows_per_plane + row)
    }

    /// The row of that number, counted through all planes.
    pub(crate) fn row_at(&self, index: usize) -> Row<'_> {
        let (first, stop) = (self.offsets[index], self.offsets[index + 1]);
        Row { first, runs: &self.runs[first as usize..stop as usize] }
    }

    /// Plane and row that lie at a neighbour's place beside a row, if they are in the slab.
    pub(crate) fn neighbour(
        &self,
        plane: usize,
        row: usize,
        neighbour: NeighbourRow,
    ) -> Option<(usize, usize)> {
        let plane = plane.checked_add_signed(neighbour.dz)?;
        let row = row.checked_add_signed(neighbour.dy)?;
        (row < self.rows_per_plane).then_some((plane, row))
    }

    /// The rows that have runs, in raster order.
    pub(crate) fn placed_rows(&self) -> impl Iterator<Item = PlacedRow<'_>> + '_ {
        let used = self.offsets.windows(2).enumerate().filter(|(_, pair)| pair[0] < pair[1]);
        used.map(|(row, pair)| {
            let range = pair[0] as usize..pair[1] as usize;
            PlacedRow {
                plane: self.first_plane + row / self.rows_per_plane,
                row: row % self.rows_per_plane,
                runs: &self.runs[range.clone()],
                components: &self.components[range],
            }
        })
    }
}

/// A count as it is kept, if it is small enough.
pub(crate) fn index32(value: usize) -> Result<u32> {
    u32::try_from(value).map_err(|_| Error::InvalidValue {
        what: "volume",
        found: format!("{value} runs, components or columns"),
        legal: "fewer than 2**32 - 1 of each",
    })
}
