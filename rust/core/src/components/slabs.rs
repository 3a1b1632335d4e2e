//! Runs of a volume and the components they form, found slab by slab.

use ndarray::{ArrayView3, Axis};
use rayon::prelude::*;

use super::connectivity::{Connectivity, NeighbourRow};
use super::forest::Forest;
use super::scan::{Voxel, runs, with_slice};
use crate::{Error, Result};

/// Below this many voxels a slab of its own costs more than it saves.
const SLAB_VOXELS: usize = 1 << 18;
const SLABS_PER_THREAD: usize = 4;

/// Neighbouring voxels of a row, from `start` up to `stop`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) start: u32,
    pub(crate) stop: u32,
}

/// The runs of some planes.
#[derive(Debug)]
pub(crate) struct Slab {
    /// First plane of the volume that belongs to the slab.
    pub(crate) first_plane: usize,
    rows_per_plane: usize,
    runs: Vec<Run>,
    /// Row r holds the runs from `offsets[r]` up to `offsets[r + 1]`.
    offsets: Vec<u32>,
    /// Component of each run.
    components: Vec<u32>,
    component_count: u32,
}

/// A run, where it is, and its component.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlacedRun {
    pub(crate) plane: usize,
    pub(crate) row: usize,
    pub(crate) start: usize,
    pub(crate) stop: usize,
    pub(crate) component: u32,
}

/// The components of a volume, numbered from 0 by their first voxel in the volume's own order.
#[derive(Debug)]
pub(crate) struct Components {
    pub(crate) slabs: Vec<Slab>,
    pub(crate) count: u32,
}

/// How many planes a thread takes at once.
pub(crate) fn planes_per_slab(shape: (usize, usize, usize)) -> usize {
    let (planes, rows, columns) = shape;
    let most = rayon::current_num_threads() * SLABS_PER_THREAD;
    let worthwhile = SLAB_VOXELS.div_ceil((rows * columns).max(1));
    planes.div_ceil(most).max(worthwhile).max(1)
}

impl Components {
    /// The components of the nonzero voxels (of the zeros, if `ZEROS`).
    pub(crate) fn find<const ZEROS: bool, T: Voxel>(
        volume: &ArrayView3<'_, T>,
        connectivity: Connectivity,
    ) -> Result<Self> {
        let thickness = planes_per_slab(volume.dim());
        let mut slabs = volume
            .axis_chunks_iter(Axis(0), thickness)
            .into_par_iter()
            .enumerate()
            .map(|(index, planes)| {
                let mut slab = Slab::scan::<ZEROS, T>(&planes, index * thickness)?;
                slab.connect(connectivity);
                Ok(slab)
            })
            .collect::<Result<Vec<_>>>()?;
        let count = join_slabs(&mut slabs, connectivity)?;
        Ok(Self { slabs, count })
    }
}

impl Slab {
    fn scan<const ZEROS: bool, T: Voxel>(
        planes: &ArrayView3<'_, T>,
        first_plane: usize,
    ) -> Result<Self> {
        let rows_per_plane = planes.dim().1;
        // One more than a row's length, since reaching past its end must not overflow.
        index32(planes.dim().2.saturating_add(1))?;
        let mut found = Vec::new();
        let mut offsets = Vec::with_capacity(planes.dim().0 * rows_per_plane + 1);
        offsets.push(0);
        let mut scratch = Vec::new();
        for plane in planes.outer_iter() {
            for row in plane.outer_iter() {
                with_slice(row, &mut scratch, |row| {
                    runs::<ZEROS, T>(row, |start, stop| {
                        found.push(Run { start: start as u32, stop: stop as u32 });
                    });
                });
                offsets.push(index32(found.len())?);
            }
        }
        let components = Vec::new();
        Ok(Self {
            first_plane,
            rows_per_plane,
            runs: found,
            offsets,
            components,
            component_count: 0,
        })
    }

    fn row(&self, row: usize) -> std::ops::Range<u32> {
        self.offsets[row]..self.offsets[row + 1]
    }

    fn planes(&self) -> usize {
        (self.offsets.len() - 1) / self.rows_per_plane.max(1)
    }

    /// Finds the components of the slab on its own.
    fn connect(&mut self, connectivity: Connectivity) {
        let mut forest = Forest::singles(self.runs.len() as u32);
        for plane in 0..self.planes() {
            for y in 0..self.rows_per_plane {
                let current = self.row(plane * self.rows_per_plane + y);
                if current.is_empty() {
                    continue;
                }
                for neighbour in connectivity.preceding_rows() {
                    if let Some(before) = self.neighbour(plane, y, *neighbour) {
                        let before = self.row(before);
                        touching(
                            &self.runs,
                            before,
                            &self.runs,
                            current.clone(),
                            neighbour.reach,
                            |a, b| {
                                forest.join(a, b);
                            },
                        );
                    }
                }
            }
        }
        (self.components, self.component_count) = forest.numbered();
    }

    fn neighbour(&self, plane: usize, y: usize, neighbour: NeighbourRow) -> Option<usize> {
        let plane = plane.checked_add_signed(neighbour.dz)?;
        let y = y.checked_add_signed(neighbour.dy).filter(|&y| y < self.rows_per_plane)?;
        Some(plane * self.rows_per_plane + y)
    }

    /// The runs in raster order.
    pub(crate) fn placed_runs(&self) -> impl Iterator<Item = PlacedRun> + '_ {
        (0..self.offsets.len() - 1).flat_map(move |row| {
            self.row(row).map(move |index| {
                let run = self.runs[index as usize];
                PlacedRun {
                    plane: self.first_plane + row / self.rows_per_plane,
                    row: row % self.rows_per_plane,
                    start: run.start as usize,
                    stop: run.stop as usize,
                    component: self.components[index as usize],
                }
            })
        })
    }
}

/// Calls `found` for each pair of runs of two rows that touch.
fn touching(
    a_runs: &[Run],
    a: std::ops::Range<u32>,
    b_runs: &[Run],
    b: std::ops::Range<u32>,
    reach: u32,
    mut found: impl FnMut(u32, u32),
) {
    let (mut i, mut j) = (a.start, b.start);
    while i < a.end && j < b.end {
        let (left, right) = (a_runs[i as usize], b_runs[j as usize]);
        if left.start < right.stop + reach && right.start < left.stop + reach {
            found(i, j);
        }
        if left.stop < right.stop { i += 1 } else { j += 1 }
    }
}

/// Joins components across the borders of slabs; returns how many are left.
fn join_slabs(slabs: &mut [Slab], connectivity: Connectivity) -> Result<u32> {
    let mut offsets = vec![0];
    for slab in slabs.iter() {
        let sum = offsets[offsets.len() - 1] as usize + slab.component_count as usize;
        offsets.push(index32(sum)?);
    }
    let mut forest = Forest::singles(offsets[slabs.len()]);
    for (index, pair) in slabs.windows(2).enumerate() {
        let [before, after] = pair else { continue };
        join_border(before, after, connectivity, |a, b| {
            forest.join(offsets[index] + a, offsets[index + 1] + b);
        });
    }
    let (numbers, count) = forest.numbered();
    slabs.par_iter_mut().zip(&offsets).for_each(|(slab, &offset)| {
        for component in &mut slab.components {
            *component = numbers[(offset + *component) as usize];
        }
    });
    Ok(count)
}

/// Calls `found` for each pair of components that touch where one slab ends and the next begins.
fn join_border(
    before: &Slab,
    after: &Slab,
    connectivity: Connectivity,
    mut found: impl FnMut(u32, u32),
) {
    for y in 0..after.rows_per_plane {
        let current = after.row(y);
        for neighbour in connectivity.preceding_rows().iter().filter(|n| n.dz == -1) {
            let Some(row) = before.neighbour(before.planes(), y, *neighbour) else { continue };
            let row = before.row(row);
            touching(&before.runs, row, &after.runs, current.clone(), neighbour.reach, |a, b| {
                found(before.components[a as usize], after.components[b as usize]);
            });
        }
    }
}

fn index32(value: usize) -> Result<u32> {
    u32::try_from(value).map_err(|_| Error::InvalidValue {
        what: "volume",
        found: format!("{value} runs, components or columns"),
        legal: "fewer than 2**32 - 1 of each",
    })
}
