//! Finding stretches of a row without looking at each voxel of empty space.

use ndarray::ArrayView1;

pub(crate) const BLOCK: usize = 64;

/// A voxel type that has a zero.
pub trait Voxel: Copy + PartialEq + Send + Sync {
    /// Background.
    const ZERO: Self;

    /// Whether any voxel is not zero; NaN is not zero.
    fn any_nonzero(voxels: &[Self]) -> bool {
        let (blocks, rest) = voxels.as_chunks::<BLOCK>();
        blocks.iter().any(|block| any_in(block)) || any_in(rest)
    }
}

macro_rules! voxel {
    ($($kind:ty),*) => {
        $(impl Voxel for $kind {
            const ZERO: Self = 0 as $kind;
        })*
    };
}
voxel!(u8, u16, u32, i16, f32);

/// Without early exit, so that the compiler makes vector instructions of it.
pub(crate) fn any_in<T: Voxel>(block: &[T]) -> bool {
    block.iter().fold(false, |any, &voxel| any | (voxel != T::ZERO))
}

/// Bit i says whether voxel i of at most 64 is not zero.
pub(crate) fn nonzero_bits<T: Voxel>(block: &[T]) -> u64 {
    block.iter().enumerate().fold(0, |bits, (i, &voxel)| bits | u64::from(voxel != T::ZERO) << i)
}

/// Calls `found(start, stop)` for each maximal stretch of nonzero voxels (of zeros, if `ZEROS`).
pub(crate) fn runs<const ZEROS: bool, T: Voxel>(row: &[T], mut found: impl FnMut(usize, usize)) {
    let mut open = None;
    let mut emit = |position: usize| match open.take() {
        None => open = Some(position),
        Some(start) => found(start, position),
    };
    let mut inside = 0;
    for (index, block) in row.chunks(BLOCK).enumerate() {
        let any = any_in(block);
        if !ZEROS && !any && inside == 0 {
            continue;
        }
        let valid = u64::MAX >> (BLOCK - block.len());
        let bits = if any { nonzero_bits(block) } else { 0 };
        let bits = if ZEROS { !bits & valid } else { bits };
        // A set bit wherever a voxel differs from the one before it.
        let mut edges = (bits ^ (bits << 1 | inside)) & valid;
        while edges != 0 {
            emit(index * BLOCK + edges.trailing_zeros() as usize);
            edges &= edges - 1;
        }
        inside = bits >> (BLOCK - 1);
    }
    if let Some(start) = open {
        found(start, row.len());
    }
}

/// Calls `found(start, stop, value)` for each maximal stretch of one nonzero value.
pub(crate) fn value_runs<T: Voxel>(row: &[T], mut found: impl FnMut(usize, usize, T)) {
    runs::<false, T>(row, |mut start, stop| {
        while start < stop {
            let value = row[start];
            let length = row[start..stop].iter().take_while(|&&voxel| voxel == value).count();
            found(start, start + length, value);
            start += length;
        }
    });
}

/// Calls `each` with the voxels of a row: the row itself, or a copy where it has gaps in memory.
pub(crate) fn with_slice<T: Copy, R>(
    row: ArrayView1<'_, T>,
    scratch: &mut Vec<T>,
    each: impl FnOnce(&[T]) -> R,
) -> R {
    if let Some(slice) = row.as_slice() {
        return each(slice);
    }
    scratch.clear();
    scratch.extend(row.iter().copied());
    each(scratch)
}

#[cfg(test)]
mod tests {
    use super::{runs, value_runs};

    fn found<const ZEROS: bool>(row: &[u8]) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        runs::<ZEROS, u8>(row, |start, stop| all.push((start, stop)));
        all
    }

    #[test]
    fn runs_cross_block_borders() {
        for length in [1, 63, 64, 65, 128, 200] {
            for (start, stop) in [(0, length), (length / 2, length), (length - 1, length)] {
                let mut row = vec![0; length];
                row[start..stop].fill(7);
                assert_eq!(found::<false>(&row), [(start, stop)]);
                let background = if start == 0 { vec![] } else { vec![(0, start)] };
                assert_eq!(found::<true>(&row), background);
            }
        }
    }

    #[test]
    fn rows_without_the_wanted_voxels_have_no_runs() {
        assert!(found::<false>(&[0; 130]).is_empty());
        assert!(found::<true>(&[1; 130]).is_empty());
        assert!(found::<false>(&[]).is_empty());
        assert!(found::<true>(&[]).is_empty());
    }

    #[test]
    fn a_change_of_value_ends_a_value_run() {
        let mut all = Vec::new();
        value_runs(&[0_u16, 5, 5, 300, 0, 5], |start, stop, value| all.push((start, stop, value)));
        assert_eq!(all, [(1, 3, 5), (3, 4, 300), (5, 6, 5)]);
    }
}
