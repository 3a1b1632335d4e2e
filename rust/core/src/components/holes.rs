use ndarray::{ArrayView3, ArrayViewMut3, s};

use super::order::MemoryOrder;
use super::slabs::{Components, PlacedRun, Slab};
use super::{Connectivity, expect_shape, shape_of};
use crate::{Result, Shape};

/// Writes the mask as 0/1, with every hole filled.
///
/// A hole is background that no path of face neighbours joins to the border of the volume.
///
/// # Errors
/// [`crate::Error::ShapeMismatch`] where `out` is not of the mask's shape.
///
/// ```
/// use lesionlocator_core::components::fill_holes;
/// use ndarray::Array3;
/// let mut shell = Array3::<u8>::ones((3, 3, 3));
/// shell[[1, 1, 1]] = 0;
/// let mut out = Array3::zeros((3, 3, 3));
/// fill_holes(shell.view(), out.view_mut()).unwrap();
/// assert_eq!(out, Array3::ones((3, 3, 3)));
/// ```
pub fn fill_holes(mask: ArrayView3<'_, u8>, out: ArrayViewMut3<'_, u8>) -> Result<()> {
    expect_shape("out", out.shape(), mask.shape())?;
    let order = MemoryOrder::of(&mask);
    let (mask, mut out) = (order.apply(mask), order.apply(out));
    let background = Components::find::<true, u8>(&mask, Connectivity::Six)?;
    let runs = || background.slabs.iter().flat_map(Slab::placed_runs);
    let mut outside = vec![false; background.count as usize];
    let shape = shape_of(&mask);
    for run in runs().filter(|run| touches_border(run, shape)) {
        outside[run.component as usize] = true;
    }
    out.fill(1);
    for run in runs().filter(|run| outside[run.component as usize]) {
        out.slice_mut(s![run.plane, run.row, run.start..run.stop]).fill(0);
    }
    Ok(())
}

fn touches_border(run: &PlacedRun, [planes, rows, columns]: Shape) -> bool {
    let at_end = |index, size| index == 0 || index + 1 == size;
    at_end(run.plane, planes) || at_end(run.row, rows) || run.start == 0 || run.stop == columns
}
