use ndarray::{ArrayView1, ArrayView3, ArrayViewMut1, ArrayViewMut3, Axis, s};
use rayon::prelude::*;

use super::weight::{PEAK, gaussian};
use crate::{Error, Region, Result, Shape};

/// Adds `weight * tile` to `total` at `start`.
///
/// `tile` holds logit differences. The weight is the product of three axes of [`gaussian`], times 10.
///
/// # Errors
/// [`Error::OutsideGrid`] where `tile` leaves `total` or is empty.
///
/// ```
/// use lesionlocator_core::stitch::{accumulate, normalize};
/// use ndarray::Array3;
/// let tile = Array3::from_elem((2, 2, 2), 3.0);
/// let mut total = Array3::zeros((2, 2, 3));
/// accumulate(total.view_mut(), tile.view(), [0, 0, 0]).unwrap();
/// accumulate(total.view_mut(), tile.view(), [0, 0, 1]).unwrap();
/// normalize(total.view_mut(), [2, 2, 2], [&[0], &[0], &[0, 1]]).unwrap();
/// assert!(total.iter().all(|logit| (logit - 3.0_f32).abs() < 1e-6));
/// ```
pub fn accumulate(
    mut total: ArrayViewMut3<'_, f32>,
    tile: ArrayView3<'_, f32>,
    start: [usize; 3],
) -> Result<()> {
    let (planes, rows, columns) = tile.dim();
    let extent = [planes, rows, columns];
    let (depth, height, width) = total.dim();
    Region::new("tile", start, extent, [depth, height, width])?;
    let weights = Weights::new(extent.map(gaussian).into_iter().collect::<Result<Vec<_>>>()?);
    let [z, y, x] = [0, 1, 2].map(|axis| start[axis]..start[axis] + extent[axis]);
    let mut part = total.slice_mut(s![z, y, x]);
    part.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(z, mut plane)| {
        for (y, row) in plane.outer_iter_mut().enumerate() {
            add_row(row, tile.slice(s![z, y, ..]), weights.row(z, y), &weights.columns);
        }
    });
    Ok(())
}

fn add_row(
    mut total: ArrayViewMut1<'_, f32>,
    tile: ArrayView1<'_, f32>,
    scale: f32,
    weights: &[f32],
) {
    let add = |(total, (&logit, &weight)): (&mut f32, (&f32, &f32))| {
        *total += scale * weight * logit;
    };
    if let (Some(total), Some(tile)) = (total.as_slice_mut(), tile.as_slice()) {
        total.iter_mut().zip(tile.iter().zip(weights)).for_each(add);
    } else {
        total.iter_mut().zip(tile.iter().zip(weights)).for_each(add);
    }
}

/// Divides `total` by the summed weights of the tiles at every combination of `starts`.
///
/// # Errors
/// [`Error::InvalidValue`] where a patch axis is empty, or a voxel is covered by no tile;
/// [`Error::OutsideGrid`] where a tile leaves `total`.
pub fn normalize(
    mut total: ArrayViewMut3<'_, f32>,
    patch: Shape,
    starts: [&[usize]; 3],
) -> Result<()> {
    let (depth, height, width) = total.dim();
    let shape = [depth, height, width];
    let sums = (0..3).map(|axis| summed_weights(axis, shape, patch, starts[axis]));
    let weights = Weights::new(sums.collect::<Result<Vec<_>>>()?);
    total.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(z, mut plane)| {
        for (y, row) in plane.outer_iter_mut().enumerate() {
            let scale = weights.row(z, y);
            for (total, weight) in row.into_iter().zip(&weights.columns) {
                *total /= scale * weight;
            }
        }
    });
    Ok(())
}

/// The sum of one axis of the weights of all tiles.
fn summed_weights(axis: usize, shape: Shape, patch: Shape, starts: &[usize]) -> Result<Vec<f64>> {
    let weights = gaussian(patch[axis])?;
    let mut sums = vec![0.0; shape[axis]];
    for &start in starts {
        let stop = start.checked_add(patch[axis]).filter(|&stop| stop <= shape[axis]);
        let Some(stop) = stop else {
            let mut corner = [0; 3];
            corner[axis] = start;
            return Err(Error::OutsideGrid { what: "tile", start: corner, extent: patch, shape });
        };
        for (sum, weight) in sums[start..stop].iter_mut().zip(&weights) {
            *sum += weight;
        }
    }
    match sums.iter().position(|&sum| sum == 0.0) {
        None => Ok(sums),
        Some(bare) => Err(Error::InvalidValue {
            what: "starts",
            found: format!("{starts:?} on axis {axis}, which leave voxel {bare} uncovered"),
            legal: "tiles that cover every voxel",
        }),
    }
}

/// Separable weights; rounded in one way, so that a voxel of a single tile gets its logit back.
struct Weights {
    planes: Vec<f64>,
    rows: Vec<f64>,
    columns: Vec<f32>,
}

impl Weights {
    fn new(axes: Vec<Vec<f64>>) -> Self {
        let [planes, rows, columns] = axes.try_into().unwrap_or_default();
        Self { planes, rows, columns: columns.into_iter().map(|weight| weight as f32).collect() }
    }

    fn row(&self, plane: usize, row: usize) -> f32 {
        (PEAK * self.planes[plane] * self.rows[row]) as f32
    }
}
