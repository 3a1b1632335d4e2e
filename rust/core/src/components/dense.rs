//! Joining runs where there are many: whole words of voxels are compared at once.
//!
//! Runs of one or two voxels leave the processor nothing to predict when they are compared one by one.

use super::connectivity::Connectivity;
use super::forest::Forest;
use super::slabs::{Run, Slab};
use crate::isa::{Isa, row_kernel};

const WORD: usize = u64::BITS as usize;
/// Rows before the current one that hold neighbours, at most.
const MOST_ROWS: usize = 4;

/// Whether a slab has so many runs that this way pays: one for every two words, or more.
pub(super) fn is_dense(slab: &Slab) -> bool {
    let rows = slab.planes() * slab.rows_per_plane;
    slab.run_count() as usize >= rows * slab.columns.div_ceil(2 * WORD)
}

/// Makes one set of the runs of each component of a slab.
pub(super) fn connect(slab: &Slab, connectivity: Connectivity, forest: &mut Forest) {
    let isa = Isa::detect();
    let bits = Bits::of(slab);
    for plane in 0..slab.planes() {
        for y in 0..slab.rows_per_plane {
            let preceding = connectivity.preceding_rows();
            let neighbours = std::array::from_fn(|index| {
                let neighbour = preceding.get(index)?;
                let row = bits.row(slab, slab.neighbour(plane, y, *neighbour)?);
                let diagonal = if neighbour.reach > 0 { u64::MAX } else { 0 };
                Some(Neighbour { row, diagonal, beside: neighbour.beside, shared: 0 })
            });
            join_row(isa, forest, bits.row(slab, (plane, y)), neighbours);
        }
    }
}

/// The voxels of a slab; each row begins with a new word.
struct Bits {
    words_per_row: usize,
    words: Vec<u64>,
}

impl Bits {
    fn of(slab: &Slab) -> Self {
        let rows = slab.planes() * slab.rows_per_plane;
        let words_per_row = slab.columns.div_ceil(WORD);
        let mut words = vec![0; rows * words_per_row];
        for (index, row) in words.chunks_exact_mut(words_per_row.max(1)).enumerate() {
            for run in slab.row_at(index).runs {
                set(row, *run);
            }
        }
        Bits { words_per_row, words }
    }

    fn row(&self, slab: &Slab, (plane, y): (usize, usize)) -> Row<'_> {
        let index = plane * slab.rows_per_plane + y;
        let words = &self.words[index * self.words_per_row..][..self.words_per_row];
        Row { words, before: 0, begun: slab.row_at(index).first }
    }
}

fn set(words: &mut [u64], run: Run) {
    let (start, last) = (run.start as usize, run.stop as usize - 1);
    for (index, word) in words.iter_mut().enumerate().take(last / WORD + 1).skip(start / WORD) {
        let from = start.saturating_sub(index * WORD);
        let to = (last - index * WORD).min(WORD - 1);
        *word |= (u64::MAX << from) & (u64::MAX >> (WORD - 1 - to));
    }
}

/// A row on the way from its first to its last word.
#[derive(Clone, Copy)]
struct Row<'a> {
    words: &'a [u64],
    /// Whether the voxel before the next word is in a run.
    before: u64,
    /// The number that a run which begins next gets.
    begun: u32,
}

/// A word of a row. Bit i stands for its voxel i.
#[derive(Clone, Copy, Default)]
struct Word {
    voxels: u64,
    /// The voxels one place on.
    moved: u64,
    /// Where runs begin, and where they ended one voxel before.
    starts: u64,
    ends: u64,
    begun: u32,
}

impl Row<'_> {
    #[inline(always)]
    fn next(&mut self, index: usize) -> Word {
        let voxels = self.words[index];
        let moved = voxels << 1 | self.before;
        let starts = voxels & !moved;
        let word = Word { voxels, moved, starts, ends: moved & !voxels, begun: self.begun };
        self.before = voxels >> (WORD - 1);
        self.begun += starts.count_ones();
        word
    }
}

impl Word {
    /// The number of the last run that begins at or before a voxel.
    #[inline(always)]
    fn run(&self, voxel: u32) -> u32 {
        let up_to_it = u64::MAX >> (WORD as u32 - 1 - voxel);
        self.begun + (self.starts & up_to_it).count_ones() - 1
    }
}

struct Neighbour<'a> {
    row: Row<'a>,
    /// All bits where diagonal steps along the row count, else none.
    diagonal: u64,
    beside: u8,
    /// Whether the voxel before the next word is in a run of both rows.
    shared: u64,
}

impl Neighbour<'_> {
    /// Where runs of both rows begin to touch, other than beside voxels that join them anyway.
    #[inline(always)]
    fn touches(&mut self, current: &Word, own: &Word, joined: u64) -> u64 {
        let both = current.voxels & own.voxels & !joined;
        let begins = both & !(both << 1 | self.shared);
        self.shared = both >> (WORD - 1);
        let corners = (current.starts & own.ends | own.starts & current.ends) & self.diagonal;
        begins | corners & !joined
    }
}

row_kernel! {
    fn join_row(
        forest: &mut Forest,
        row: Row<'_>,
        neighbours: [Option<Neighbour<'_>>; MOST_ROWS],
    ) {
        let (mut row, mut neighbours) = (row, neighbours);
        for index in 0..row.words.len() {
            let current = row.next(index);
            // Of each neighbouring row, the places that touch one of its voxels and what touches those.
            let mut near = [0; MOST_ROWS];
            for place in 0..MOST_ROWS {
                let Some(neighbour) = &mut neighbours[place] else { continue };
                let own = neighbour.row.next(index);
                near[place] = own.voxels | own.moved;
                let beside = |earlier: &usize| neighbour.beside >> earlier & 1 == 1;
                let joined = (0..place).filter(beside).fold(0, |all, earlier| all | near[earlier]);
                let mut touches = neighbour.touches(&current, &own, joined);
                while touches != 0 {
                    let voxel = touches.trailing_zeros();
                    forest.join(own.run(voxel), current.run(voxel));
                    touches &= touches - 1;
                }
            }
        }
    }
}
