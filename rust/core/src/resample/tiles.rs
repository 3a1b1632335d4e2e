use ndarray::{ArrayViewMut3, Axis};

use crate::{Error, Result};

/// Refuses an output that rows cannot be written to in one piece.
pub(super) fn check_contiguous<T>(out: &ArrayViewMut3<'_, T>) -> Result<()> {
    if out.is_standard_layout() {
        Ok(())
    } else {
        Err(Error::InvalidValue {
            what: "out",
            found: format!("strides {:?} for shape {:?}", out.strides(), out.shape()),
            legal: "a C-contiguous array",
        })
    }
}

/// A part of the output that one task writes: whole rows, from `z` and `y` of the block on.
pub(super) struct Tile<'a, T> {
    pub(super) z: usize,
    pub(super) y: usize,
    pub(super) out: ArrayViewMut3<'a, T>,
}

impl<T> Tile<'_, T> {
    /// The rows of one slice, which follow each other without gaps.
    pub(super) fn rows(&mut self, z: usize) -> &mut [T] {
        let slice = self.out.index_axis_mut(Axis(0), z);
        slice.into_slice().expect("rows of a C-contiguous array are contiguous")
    }
}

/// Splits an output into tiles of at most `depth` slices and `height` rows.
pub(super) fn tiles<T>(out: ArrayViewMut3<'_, T>, depth: usize, height: usize) -> Vec<Tile<'_, T>> {
    let slabs = parts(out, Axis(0), depth);
    slabs
        .into_iter()
        .flat_map(|(z, slab)| {
            parts(slab, Axis(1), height).into_iter().map(move |(y, out)| Tile { z, y, out })
        })
        .collect()
}

/// Splits a view along an axis; each part comes with its first index.
pub(super) fn parts<T>(
    view: ArrayViewMut3<'_, T>,
    axis: Axis,
    size: usize,
) -> Vec<(usize, ArrayViewMut3<'_, T>)> {
    let mut parts = Vec::new();
    let (mut start, mut rest) = (0, view);
    while rest.len_of(axis) > size {
        let (head, tail) = rest.split_at(axis, size);
        parts.push((start, head));
        (start, rest) = (start + size, tail);
    }
    parts.push((start, rest));
    parts
}
