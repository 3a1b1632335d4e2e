use std::collections::HashMap;

use ndarray::{ArrayView3, Axis};
use rayon::prelude::*;

use super::order::MemoryOrder;
use super::scan::{Voxel, value_runs, with_slice};
use super::slabs::planes_per_slab;

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
/// ```
/// use lesionlocator_core::components::statistics;
/// use ndarray::array;
/// let labels = array![[[0_u8, 7, 7], [0, 7, 0]]];
/// let [seven] = &statistics(labels.view())[..] else { panic!() };
/// assert_eq!((seven.id, seven.count), (7, 3));
/// assert_eq!((seven.start, seven.stop), ([0, 0, 1], [1, 2, 3]));
/// assert_eq!(seven.centroid, [0.0, 1.0 / 3.0, 4.0 / 3.0]);
/// ```
pub fn statistics<T: Voxel + Into<u32>>(labels: ArrayView3<'_, T>) -> Vec<Statistics> {
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
    let mut all: Vec<_> = total.entries.iter().map(|entry| entry.finish(&order)).collect();
    all.sort_unstable_by_key(|statistics| statistics.id);
    all
}

/// Sums over the voxels of one label, along the axes in memory order.
#[derive(Debug)]
struct Entry {
    id: u32,
    count: u64,
    first: [usize; 3],
    last: [usize; 3],
    /// Wide enough for any view, also one that repeats its memory.
    sums: [u128; 3],
}

impl Entry {
    fn new(id: u32) -> Self {
        Self { id, count: 0, first: [usize::MAX; 3], last: [0; 3], sums: [0; 3] }
    }

    fn add_run(&mut self, plane: usize, row: usize, start: usize, stop: usize) {
        let count = stop - start;
        self.merge(&Entry {
            id: self.id,
            count: count as u64,
            first: [plane, row, start],
            last: [plane, row, stop - 1],
            sums: [
                plane as u128 * count as u128,
                row as u128 * count as u128,
                (start + stop - 1) as u128 * count as u128 / 2,
            ],
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
        let (start, last) = order.corners(self.first, self.last);
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
