//! Putting runs together to components: each slab on its own, then across their borders.

use ndarray::{ArrayView3, Axis};
use rayon::prelude::*;

use super::connectivity::Connectivity;
use super::dense;
use super::forest::Forest;
use super::scan::Voxel;
use super::slabs::{PlacedRow, Row, Slab, index32, planes_per_slab};
use crate::Result;

/// The components of a volume, numbered from 0 by their first voxel in the volume's own order.
#[derive(Debug)]
pub(crate) struct Components {
    pub(crate) slabs: Vec<Slab>,
    pub(crate) count: u32,
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
                connect(&mut slab, connectivity);
                Ok(slab)
            })
            .collect::<Result<Vec<_>>>()?;
        let count = join_slabs(&mut slabs, connectivity)?;
        Ok(Self { slabs, count })
    }

    /// The rows that have runs, in raster order.
    pub(crate) fn placed_rows(&self) -> impl Iterator<Item = PlacedRow<'_>> + '_ {
        self.slabs.iter().flat_map(Slab::placed_rows)
    }
}

/// Finds the components of a slab on its own.
fn connect(slab: &mut Slab, connectivity: Connectivity) {
    let mut forest = Forest::singles(slab.run_count());
    if dense::is_dense(slab) {
        dense::connect(slab, connectivity, &mut forest);
    } else {
        connect_run_by_run(slab, connectivity, &mut forest);
    }
    (slab.components, slab.component_count) = forest.numbered();
}

fn connect_run_by_run(slab: &Slab, connectivity: Connectivity, forest: &mut Forest) {
    for plane in 0..slab.planes() {
        for y in 0..slab.rows_per_plane {
            let current = slab.row(plane, y);
            if current.runs.is_empty() {
                continue;
            }
            for &neighbour in connectivity.preceding_rows() {
                if let Some((plane, y)) = slab.neighbour(plane, y, neighbour) {
                    let before = slab.row(plane, y);
                    touching(before, current, neighbour.reach, |a, b| forest.join(a, b));
                }
            }
        }
    }
}

/// Calls `found` for each pair of runs of two rows that touch.
fn touching(a: Row<'_>, b: Row<'_>, reach: u32, mut found: impl FnMut(u32, u32)) {
    let (mut i, mut j) = (0, 0);
    while let (Some(left), Some(right)) = (a.runs.get(i), b.runs.get(j)) {
        if left.start < right.stop + reach && right.start < left.stop + reach {
            found(a.first + i as u32, b.first + j as u32);
        }
        // Sums instead of a branch, which dense noise would make a coin toss.
        let left_ends_first = usize::from(left.stop < right.stop);
        i += left_ends_first;
        j += 1 - left_ends_first;
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
    for (pair, offsets) in slabs.windows(2).zip(offsets.windows(2)) {
        join_border(&pair[0], &pair[1], connectivity, |a, b| {
            forest.join(offsets[0] + a, offsets[1] + b);
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
        for &neighbour in connectivity.preceding_rows().iter().filter(|row| row.dz == -1) {
            let Some(place) = before.neighbour(before.planes(), y, neighbour) else { continue };
            touching(before.row(place.0, place.1), after.row(0, y), neighbour.reach, |a, b| {
                found(before.components[a as usize], after.components[b as usize]);
            });
        }
    }
}
