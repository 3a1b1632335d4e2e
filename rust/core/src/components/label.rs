use std::ops::Range;

use ndarray::{ArrayView3, ArrayViewMut1, ArrayViewMut3, Axis, s};
use rayon::prelude::*;

use super::connect::Components;
use super::order::MemoryOrder;
use super::scan::Voxel;
use super::slabs::PlacedRow;
use super::{Connectivity, expect_shape};
use crate::{Error, Result};

/// Numbers the connected components of the nonzero voxels.
///
/// Components count from 1 in the order of their first voxels (z, y, x raster). `out` must come in
/// as zeros: only voxels of components are written. Returns the number of components.
///
/// # Errors
/// [`Error::ShapeMismatch`] where `out` is not of the mask's shape;
/// [`Error::InvalidValue`] where there are more components than its type has numbers for.
///
/// ```
/// use lesionlocator_core::components::{Connectivity, label};
/// use ndarray::{Array3, array};
/// let mask = array![[[1_u8, 0, 1], [0, 1, 0]]];
/// let mut out = Array3::<u16>::zeros((1, 2, 3));
/// assert_eq!(label(mask.view(), out.view_mut(), Connectivity::Six).unwrap(), 3);
/// assert_eq!(out, array![[[1, 0, 2], [0, 3, 0]]]);
/// ```
pub fn label<T: Voxel, Id: Voxel + TryFrom<u32>>(
    mask: ArrayView3<'_, T>,
    out: ArrayViewMut3<'_, Id>,
    connectivity: Connectivity,
) -> Result<u32> {
    expect_shape("out", out.shape(), mask.shape())?;
    let order = MemoryOrder::of(&mask);
    let components = Components::find::<false, T>(&order.apply(mask), connectivity)?;
    write(&components, &order, out)?;
    Ok(components.count)
}

/// Writes the number of each component to its voxels, all zero before.
pub(super) fn write<Id: Voxel + TryFrom<u32>>(
    components: &Components,
    order: &MemoryOrder,
    out: ArrayViewMut3<'_, Id>,
) -> Result<()> {
    let mut out = order.apply(out);
    let ids = ids(components, order)?;
    let mut planes: Vec<_> = out.axis_iter_mut(Axis(0)).collect();
    let mut parts = Vec::with_capacity(components.slabs.len());
    for slab in components.slabs.iter().rev() {
        parts.push((slab, planes.split_off(slab.first_plane)));
    }
    parts.into_par_iter().for_each(|(slab, mut planes)| {
        for row in slab.placed_rows() {
            write_row(planes[row.plane - slab.first_plane].row_mut(row.row), &row, &ids);
        }
    });
    Ok(())
}

fn write_row<Id: Voxel>(mut out: ArrayViewMut1<'_, Id>, row: &PlacedRow<'_>, ids: &[Id]) {
    if let Some(out) = out.as_slice_mut() {
        row.runs().for_each(|(run, component)| write_run(out, run, ids[component]));
    } else {
        row.runs().for_each(|(run, component)| out.slice_mut(s![run]).fill(ids[component]));
    }
}

/// Fills a run; the voxels after it are those of later runs, or still zero.
#[inline(always)]
fn write_run<Id: Voxel>(out: &mut [Id], run: Range<usize>, id: Id) {
    const SHORT: usize = 4;
    if run.len() <= SHORT && run.end + SHORT <= out.len() {
        // Of one size, so that neither loops nor guesses depend on the lengths of short runs.
        out[run.start..][..SHORT].fill(id);
        out[run.end..][..SHORT].fill(Id::ZERO);
    } else {
        out[run].fill(id);
    }
}

/// The number of each component in the order of the view that the caller passed.
pub(super) fn ids<Id: Voxel + TryFrom<u32>>(
    components: &Components,
    order: &MemoryOrder,
) -> Result<Vec<Id>> {
    let numbers = (1..=components.count).map(|number| {
        Id::try_from(number).map_err(|_| Error::InvalidValue {
            what: "number of components",
            found: components.count.to_string(),
            legal: "what the type of the output can hold",
        })
    });
    let numbers = numbers.collect::<Result<Vec<Id>>>()?;
    if order.is_raster() {
        return Ok(numbers);
    }
    let mut first = vec![usize::MAX; components.count as usize];
    for row in components.placed_rows() {
        for (run, component) in row.runs() {
            // Along a run the raster index only rises or only falls.
            for end in [run.start, run.end - 1] {
                let index = order.raster_index([row.plane, row.row, end]);
                first[component] = first[component].min(index);
            }
        }
    }
    let mut by_first: Vec<u32> = (0..components.count).collect();
    by_first.sort_unstable_by_key(|&component| first[component as usize]);
    let mut ids = numbers.clone();
    for (&component, id) in by_first.iter().zip(numbers) {
        ids[component as usize] = id;
    }
    Ok(ids)
}
