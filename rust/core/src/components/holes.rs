use ndarray::{ArrayView3, ArrayViewMut3, s};

use super::connect::Components;
use super::order::MemoryOrder;
use super::{Connectivity, expect_shape, shape_of};
use crate::Result;

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
    let mut outside = vec![false; background.count as usize];
    let [planes, rows, columns] = shape_of(&mask);
    let at_end = |index, size| index == 0 || index + 1 == size;
    for row in background.placed_rows() {
        let all_touch = at_end(row.plane, planes) || at_end(row.row, rows);
        for (run, component) in row.runs() {
            outside[component] |= all_touch || run.start == 0 || run.end == columns;
        }
    }
    out.fill(1);
    for row in background.placed_rows() {
        for (run, _) in row.runs().filter(|&(_, component)| outside[component]) {
            out.slice_mut(s![row.plane, row.row, run]).fill(0);
        }
    }
    Ok(())
}
