use std::collections::HashMap;

use ndarray::{ArrayView3, ArrayViewMut3, Axis};
use rayon::prelude::*;

use super::connect::Components;
use super::label::{ids, write};
use super::order::MemoryOrder;
use super::scan::{Voxel, value_runs, with_slice};
use super::slabs::planes_per_slab;
use super::{Connectivity, expect_shape, shape_of};
use crate::{Error, Result, Shape};

/// Labels below this are found in a table, others in a hash map.
const TABLE: usize = 1 << 20;
const ABSENT: u32 = u32::MAX;

/// What is known of one label.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// The label.
    pub id: u32,
    /// Its number of voxels.
    pub count: u64,
    /// Its first voxel along z, y, x.
    pub start: [usize; 3],
    /// One past its last voxel along z, y, x.
    pub stop: [usize; 3],
    /// Mean position of its voxels, z, y, x in voxels.
    pub centroid: [f64; 3],
}

/// Count, box and centroid of each label present, ids ascending; 0 is background.
///
/// # Errors
/// [`Error::InvalidValue`] where the volume is too large to sum positions in 64 bits.
///
/// ```
/// use lesionlocator_core::components::statistics;
/// use ndarray::array;
/// let labels = array![[[0_u8, 7, 7], [0, 7, 0]]];
/// let [seven] = &statistics(labels.view()).unwrap()[..] else { panic!() };
/// assert_eq!((seven.id, seven.count), (7, 3));
/// assert_eq!((seven.start, seven.stop), ([0, 0, 1], [1, 2, 3]));
/// assert_eq!(seven.centroid, [0.0, 1.0 / 3.0, 4.0 / 3.0]);
/// ```
pub fn statistics<T: Voxel + Into<u32>>(labels: ArrayView3<'_, T>) -> Result<Vec<Statistics>> {
    check_size(shape_of(&labels))?;
    let order = MemoryOrder::of(&labels);
    let labels = order.apply(labels);
    let thickness = planes_per_slab(labels.dim());
    let partial: Vec<Tally> = labels
        .axis_chunks_iter(Axis(0), thickness)
        .into_par_iter()
        .enumerate()
        .map(|(index, planes)| Tally::of(&planes, index * thickness))
        .collect();
    let mut total = Tally::default();
    for entry in partial.iter().flat_map(|tally| &tally.entries) {
        total.entry(entry.id).merge(entry);
    }
    Ok(finished(&total.entries, &order))
}

/// What [`statistics`] says of the labels that [`label`](super::label) gives, without a label volume.
///
/// # Errors
/// [`Error::InvalidValue`] where the volume is too large to sum positions in 64 bits.
///
/// ```
/// use lesionlocator_core::components::{Connectivity, instances};
/// use ndarray::array;
/// let mask = array![[[1_u8, 0, 1], [0, 1, 0]]];
/// let all = instances(mask.view(), Connectivity::Eighteen).unwrap();
/// assert_eq!((all.len(), all[0].id, all[0].count), (1, 1, 3));
/// assert_eq!(instances(mask.view(), Connectivity::Six).unwrap().len(), 3);
/// ```
pub fn instances<T: Voxel>(
    mask: ArrayView3<'_, T>,
    connectivity: Connectivity,
) -> Result<Vec<Statistics>> {
    check_size(shape_of(&mask))?;
    let order = MemoryOrder::of(&mask);
    of_components(&Components::find::<false, T>(&order.apply(mask), connectivity)?, &order)
}

/// Numbers the components as [`label`](super::label) does, and says what [`statistics`] says of them.
///
/// # Errors
/// Those of both.
///
/// ```
/// use lesionlocator_core::components::{Connectivity, label_instances};
/// use ndarray::{Array3, array};
/// let mask = array![[[1_u8, 0, 1], [0, 1, 0]]];
/// let mut out = Array3::<u16>::zeros((1, 2, 3));
/// let all = label_instances(mask.view(), out.view_mut(), Connectivity::Eighteen).unwrap();
/// assert_eq!((all.len(), all[0].count), (1, 3));
/// assert_eq!(out, array![[[1, 0, 1], [0, 1, 0]]]);
/// ```
pub fn label_instances<T: Voxel, Id: Voxel + TryFrom<u32>>(
    mask: ArrayView3<'_, T>,
    out: ArrayViewMut3<'_, Id>,
    connectivity: Connectivity,
) -> Result<Vec<Statistics>> {
    expect_shape("out", out.shape(), mask.shape())?;
    check_size(shape_of(&mask))?;
    let order = MemoryOrder::of(&mask);
    let components = Components::find::<false, T>(&order.apply(mask), connectivity)?;
    write(&components, &order, out)?;
    of_components(&components, &order)
}

fn of_components(components: &Components, order: &MemoryOrder) -> Result<Vec<Statistics>> {
    let ids = ids::<u32>(components, order)?;
    // Runs are few where lesions are; sums for each thread would cost more than they save.
    let mut entries: Vec<_> = ids.into_iter().map(Entry::new).collect();
    for row in components.placed_rows() {
        for (run, component) in row.runs() {
            entries[component].add_run(row.plane, row.row, run.start, run.end);
        }
    }
    Ok(finished(&entries, order))
}

fn finished(entries: &[Entry], order: &MemoryOrder) -> Vec<Statistics> {
    let mut all: Vec<_> = entries.iter().map(|entry| entry.finish(order)).collect();
    all.sort_unstable_by_key(|statistics| statistics.id);
    all
}

/// Refuses volumes whose sums of positions could overflow.
fn check_size(shape: Shape) -> Result<()> {
    let largest = shape.into_iter().max().unwrap_or(0) as u128;
    let voxels: u128 = shape.iter().map(|&size| size as u128).product();
    if largest <= u128::from(u32::MAX) && voxels.saturating_mul(largest) <= u128::from(u64::MAX) {
        return Ok(());
    }
    Err(Error::InvalidValue {
        what: "shape of the labels",
        found: format!("{shape:?}"),
        legal: "axes below 2**32, voxels times longest axis below 2**64",
    })
}

/// Sums over the voxels of one label, along the axes in memory order.
#[derive(Debug)]
struct Entry {
    id: u32,
    first: [u32; 3],
    last: [u32; 3],
    count: u64,
    sums: [u64; 3],
}

impl Entry {
    fn new(id: u32) -> Self {
        Self { id, first: [u32::MAX; 3], last: [0; 3], count: 0, sums: [0; 3] }
    }

    fn add_run(&mut self, plane: usize, row: usize, start: usize, stop: usize) {
        let count = stop - start;
        self.merge(&Entry {
            id: self.id,
            first: [plane as u32, row as u32, start as u32],
            last: [plane as u32, row as u32, stop as u32 - 1],
            count: count as u64,
            // One of length and sum of ends is even.
            sums: [plane * count, row * count, (start + stop - 1) * count / 2]
                .map(|sum| sum as u64),
        });
    }

    fn merge(&mut self, other: &Entry) {
        self.count += other.count;
        for axis in 0..3 {
            self.first[axis] = self.first[axis].min(other.first[axis]);
            self.last[axis] = self.last[axis].max(other.last[axis]);
            self.sums[axis] += other.sums[axis];
        }
    }

    fn finish(&self, order: &MemoryOrder) -> Statistics {
        let (start, last) =
            order.corners(self.first.map(|i| i as usize), self.last.map(|i| i as usize));
        let stop = last.map(|index| index + 1);
        let centroid = order.mean(self.sums, self.count);
        Statistics { id: self.id, count: self.count, start, stop, centroid }
    }
}

/// The entries of some planes, in the order in which their labels were met.
#[derive(Debug, Default)]
struct Tally {
    entries: Vec<Entry>,
    table: Vec<u32>,
    map: HashMap<u32, u32>,
}

impl Tally {
    fn of<T: Voxel + Into<u32>>(planes: &ArrayView3<'_, T>, first_plane: usize) -> Self {
        let mut tally = Self::default();
        let mut scratch = Vec::new();
        for (plane, rows) in planes.outer_iter().enumerate() {
            for (y, row) in rows.outer_iter().enumerate() {
                with_slice(row, &mut scratch, |row| {
                    value_runs(row, |start, stop, label| {
                        tally.entry(label.into()).add_run(first_plane + plane, y, start, stop);
                    });
                });
            }
        }
        tally
    }

    fn entry(&mut self, id: u32) -> &mut Entry {
        let next = self.entries.len() as u32;
        let place = if (id as usize) < TABLE {
            if self.table.len() <= id as usize {
                self.table.resize((id as usize + 1).next_power_of_two(), ABSENT);
            }
            &mut self.table[id as usize]
        } else {
            self.map.entry(id).or_insert(ABSENT)
        };
        if *place == ABSENT {
            *place = next;
            self.entries.push(Entry::new(id));
        }
        &mut self.entries[*place as usize]
    }
}
