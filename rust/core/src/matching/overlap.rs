use std::collections::BTreeMap;

use ndarray::{ArrayView3, Axis};
use rayon::prelude::*;

use crate::Result;
use crate::components::Voxel;
use crate::components::order::MemoryOrder;
use crate::components::scan::{BLOCK, any_in, nonzero_bits, with_slice};
use crate::components::slabs::planes_per_slab;
use crate::components::{expect_shape, shape_of};

/// Pairs of labels both below this are counted in a table, others in a tree.
const TABLE: usize = 256;

/// The voxels that one label of each map share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// Label in the first map.
    pub first: u32,
    /// Label in the second map.
    pub second: u32,
    /// Common voxels.
    pub voxels: u64,
}

/// How the labels of two maps overlap; 0 is background.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlap {
    /// Labels of the first map and their voxels, ascending.
    pub first: Vec<(u32, u64)>,
    /// Labels of the second map and their voxels, ascending.
    pub second: Vec<(u32, u64)>,
    /// Labels that share voxels, ascending by first, then second label.
    pub pairs: Vec<Pair>,
}

/// Counts the voxels of each label of two maps of one shape, and those that two labels share.
///
/// # Errors
/// [`Error::ShapeMismatch`](crate::Error::ShapeMismatch) where the shapes differ.
///
/// ```
/// use lesionlocator_core::matching::{Pair, overlap};
/// use ndarray::array;
/// let before = array![[[0_u8, 7, 7, 7]]];
/// let after = array![[[2_u16, 2, 2, 0]]];
/// let found = overlap(before.view(), after.view()).unwrap();
/// assert_eq!(found.first, [(7, 3)]);
/// assert_eq!(found.second, [(2, 3)]);
/// assert_eq!(found.pairs, [Pair { first: 7, second: 2, voxels: 2 }]);
/// ```
pub fn overlap<A, B>(first: ArrayView3<'_, A>, second: ArrayView3<'_, B>) -> Result<Overlap>
where
    A: Voxel + Into<u32>,
    B: Voxel + Into<u32>,
{
    expect_shape("second label map", &shape_of(&second), &shape_of(&first))?;
    let order = MemoryOrder::of(&first);
    let (first, second) = (order.apply(first), order.apply(second));
    let thickness = planes_per_slab(first.dim());
    let partial: Vec<Tally> = first
        .axis_chunks_iter(Axis(0), thickness)
        .into_par_iter()
        .zip(second.axis_chunks_iter(Axis(0), thickness))
        .map(|(first, second)| Tally::of(&first, &second))
        .collect();
    Ok(finished(&partial))
}

/// Margins and pairs of all slabs together.
fn finished(partial: &[Tally]) -> Overlap {
    let mut pairs = BTreeMap::new();
    let (mut first, mut second) = (BTreeMap::new(), BTreeMap::new());
    for (a, b, voxels) in partial.iter().flat_map(Tally::counts) {
        if a != 0 {
            *first.entry(a).or_insert(0) += voxels;
        }
        if b != 0 {
            *second.entry(b).or_insert(0) += voxels;
        }
        if a != 0 && b != 0 {
            *pairs.entry((a, b)).or_insert(0) += voxels;
        }
    }
    Overlap {
        first: first.into_iter().collect(),
        second: second.into_iter().collect(),
        pairs: pairs
            .into_iter()
            .map(|((first, second), voxels)| Pair { first, second, voxels })
            .collect(),
    }
}

/// Voxels by pair of labels in some planes; those of background on background are not complete.
#[derive(Debug)]
struct Tally {
    table: Vec<u64>,
    beyond: BTreeMap<(u32, u32), u64>,
}

impl Tally {
    fn of<A, B>(first: &ArrayView3<'_, A>, second: &ArrayView3<'_, B>) -> Self
    where
        A: Voxel + Into<u32>,
        B: Voxel + Into<u32>,
    {
        let mut tally = Self { table: vec![0; TABLE * TABLE], beyond: BTreeMap::new() };
        let (mut scratch_a, mut scratch_b) = (Vec::new(), Vec::new());
        for (a, b) in first.rows().into_iter().zip(second.rows()) {
            with_slice(a, &mut scratch_a, |a| {
                with_slice(b, &mut scratch_b, |b| tally.add_row(a, b));
            });
        }
        tally
    }

    fn add_row<A, B>(&mut self, a: &[A], b: &[B])
    where
        A: Voxel + Into<u32>,
        B: Voxel + Into<u32>,
    {
        for (a, b) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
            if any_in(a) || any_in(b) {
                self.add_block(a, b);
            }
        }
    }

    /// Adds stretches of one pair of labels at once.
    fn add_block<A, B>(&mut self, a: &[A], b: &[B])
    where
        A: Voxel + Into<u32>,
        B: Voxel + Into<u32>,
    {
        let mut changes = changes(a, b);
        let mut start = 0;
        while start < a.len() {
            let stop = a.len().min(changes.trailing_zeros() as usize);
            self.add(a[start].into(), b[start].into(), (stop - start) as u64);
            changes &= changes.wrapping_sub(1);
            start = stop;
        }
    }

    fn add(&mut self, a: u32, b: u32, voxels: u64) {
        let (row, column) = (a as usize, b as usize);
        if row < TABLE && column < TABLE {
            self.table[row * TABLE + column] += voxels;
        } else {
            *self.beyond.entry((a, b)).or_insert(0) += voxels;
        }
    }

    fn counts(&self) -> impl Iterator<Item = (u32, u32, u64)> + '_ {
        let small = self
            .table
            .iter()
            .enumerate()
            .filter(|(_, voxels)| **voxels != 0)
            .map(|(index, &voxels)| ((index / TABLE) as u32, (index % TABLE) as u32, voxels));
        small.chain(self.beyond.iter().map(|(&(a, b), &voxels)| (a, b, voxels)))
    }
}

/// Bit i says whether voxel i of at most 64 has other labels than the one before it.
fn changes<A: Voxel, B: Voxel>(a: &[A], b: &[B]) -> u64 {
    let mut changed = [0_u8; BLOCK];
    for ((changed, a), b) in changed[1..].iter_mut().zip(a.windows(2)).zip(b.windows(2)) {
        *changed = u8::from((a[0] != a[1]) | (b[0] != b[1]));
    }
    nonzero_bits(&changed)
}
