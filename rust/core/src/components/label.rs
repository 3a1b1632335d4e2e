use ndarray::{ArrayView3, ArrayViewMut3, Axis};
use rayon::prelude::*;

use super::order::MemoryOrder;
use super::scan::Voxel;
use super::slabs::{Components, Slab};
use super::{Connectivity, expect_shape};
use crate::Result;

/// Numbers the connected components of the nonzero voxels.
///
/// Components count from 1 in the order of their first voxels (z, y, x raster). `out` must come in
/// as zeros: only voxels of components are written. Returns the number of components.
///
/// # Errors
/// [`crate::Error::ShapeMismatch`] where `out` is not of the mask's shape;
/// [`crate::Error::InvalidValue`] where there are 2³² components or more.
///
/// ```
/// use lesionlocator_core::components::{Connectivity, label};
/// use ndarray::{Array3, array};
/// let mask = array![[[1_u8, 0, 1], [0, 1, 0]]];
/// let mut out = Array3::zeros((1, 2, 3));
/// assert_eq!(label(mask.view(), out.view_mut(), Connectivity::Six).unwrap(), 3);
/// assert_eq!(out, array![[[1, 0, 2], [0, 3, 0]]]);
/// ```
pub fn label<T: Voxel>(
    mask: ArrayView3<'_, T>,
    out: ArrayViewMut3<'_, u32>,
    connectivity: Connectivity,
) -> Result<u32> {
    expect_shape("out", out.shape(), mask.shape())?;
    let order = MemoryOrder::of(&mask);
    let mut out = order.apply(out);
    let components = Components::find::<false, T>(&order.apply(mask), connectivity)?;
    let ids = ids(&components, &order);
    let mut planes: Vec<_> = out.axis_iter_mut(Axis(0)).collect();
    let mut parts = Vec::with_capacity(components.slabs.len());
    for slab in components.slabs.iter().rev() {
        parts.push((slab, planes.split_off(slab.first_plane)));
    }
    parts.into_par_iter().for_each(|(slab, mut planes)| {
        for run in slab.placed_runs() {
            let mut row = planes[run.plane - slab.first_plane].row_mut(run.row);
            row.slice_mut(ndarray::s![run.start..run.stop]).fill(ids[run.component as usize]);
        }
    });
    Ok(components.count)
}

/// The number of each component in the order of the view that the caller passed.
fn ids(components: &Components, order: &MemoryOrder) -> Vec<u32> {
    if order.is_raster() {
        return (1..=components.count).collect();
    }
    let mut first = vec![usize::MAX; components.count as usize];
    for run in components.slabs.iter().flat_map(Slab::placed_runs) {
        // Along a run the raster index only rises or only falls.
        for end in [run.start, run.stop - 1] {
            let index = order.raster_index([run.plane, run.row, end]);
            let earliest = &mut first[run.component as usize];
            *earliest = index.min(*earliest);
        }
    }
    let mut by_first: Vec<u32> = (0..components.count).collect();
    by_first.sort_unstable_by_key(|&component| first[component as usize]);
    let mut ids = vec![0; first.len()];
    for (id, &component) in (1..).zip(&by_first) {
        ids[component as usize] = id;
    }
    ids
}
