use ndarray::{ArrayView3, ArrayViewMut3, Axis};
use rayon::prelude::*;

use super::field::{Field, lerp};
use crate::resample::Voxel;
use crate::{Error, Region, Result, Shape};

/// Samples an image trilinearly; `outside` where a position is more than half a voxel off the source.
///
/// `source` is the whole source grid, z, y, x; `out` is the block that begins at `target_start` of a
/// target grid of `target_shape`. Each voxel of `out` is the mean of `samples` positions along z, y, x,
/// spread evenly over it: more than one where target voxels are larger than those of the source.
///
/// # Errors
/// [`Error::OutsideGrid`] where `out` leaves the target grid; [`Error::InvalidValue`] where `source` is
/// empty or `samples` is not 1 to 16.
///
/// ```
/// use lesionlocator_core::warp::{Field, linear};
/// let source = ndarray::arr3(&[[[0_i16, 10, 20]]]);
/// let nodes = ndarray::Array4::zeros((3, 1, 1, 1));
/// let half = Field::new([0.0, 0.0, 0.5], [1.0; 3], nodes.view()).unwrap();
/// let mut out = ndarray::Array3::zeros((1, 1, 3));
/// linear(source.view(), out.view_mut(), &half, [1, 1, 3], [0; 3], [1; 3], -1.0).unwrap();
/// assert_eq!(out, ndarray::arr3(&[[[5.0, 15.0, 20.0]]]));
/// ```
pub fn linear<T: Voxel>(
    source: ArrayView3<'_, T>,
    out: ArrayViewMut3<'_, f32>,
    field: &Field<'_>,
    target_shape: Shape,
    target_start: Shape,
    samples: Shape,
    outside: f32,
) -> Result<()> {
    if samples.iter().any(|&n| !(1..=16).contains(&n)) {
        let found = format!("{samples:?}");
        return Err(Error::InvalidValue {
            what: "samples",
            found,
            legal: "1 to 16 along each axis",
        });
    }
    let offsets = offsets(samples, field.step());
    let share = 1.0 / offsets.len() as f32;
    each_voxel(source.dim().into(), out, field, target_shape, target_start, |at| {
        let sum = offsets.iter().fold(0.0, |sum, offset| {
            let moved = std::array::from_fn(|axis| at[axis] + offset[axis]);
            sum + trilinear(&source, moved).unwrap_or(outside)
        });
        sum * share
    })
}

/// Samples labels by nearest neighbour; 0 where a position is more than half a voxel off the source.
///
/// Arguments as for [`linear`].
///
/// # Errors
/// As for [`linear`].
pub fn nearest<T: Copy + Default + Send + Sync>(
    source: ArrayView3<'_, T>,
    out: ArrayViewMut3<'_, T>,
    field: &Field<'_>,
    target_shape: Shape,
    target_start: Shape,
) -> Result<()> {
    each_voxel(source.dim().into(), out, field, target_shape, target_start, |at| {
        let inside = clamped(at, source.dim().into());
        inside.map_or(T::default(), |at| source[at.map(|position| position.round() as usize)])
    })
}

fn each_voxel<T: Send>(
    source: Shape,
    mut out: ArrayViewMut3<'_, T>,
    field: &Field<'_>,
    target_shape: Shape,
    target_start: Shape,
    value: impl Fn([f32; 3]) -> T + Sync,
) -> Result<()> {
    if source.contains(&0) {
        let found = format!("shape {source:?}");
        return Err(Error::InvalidValue { what: "source", found, legal: "at least one voxel" });
    }
    let target = Region::new("target", target_start, out.dim().into(), target_shape)?;
    let rows = field.rows(target);
    let planes: Vec<_> = out.axis_iter_mut(Axis(0)).enumerate().collect();
    planes.into_par_iter().for_each(|(z, mut plane)| {
        let (mut nodes, mut positions) = (Vec::new(), Vec::new());
        for (y, mut row) in plane.axis_iter_mut(Axis(0)).enumerate() {
            rows.write(z, y, &mut nodes, &mut positions);
            for (voxel, &at) in row.iter_mut().zip(&positions) {
                *voxel = value(at);
            }
        }
    });
    Ok(())
}

/// Offsets from a voxel's position to its samples, in source voxels.
fn offsets(samples: Shape, step: [f64; 3]) -> Vec<[f32; 3]> {
    let along = |axis: usize| {
        let n = samples[axis];
        (0..n).map(move |k| (((k as f64 + 0.5) / n as f64 - 0.5) * step[axis]) as f32)
    };
    along(0).flat_map(|z| along(1).flat_map(move |y| along(2).map(move |x| [z, y, x]))).collect()
}

/// The position moved to the nearest voxel centre's range, or None where it is off the grid (or NaN).
fn clamped(at: [f32; 3], shape: Shape) -> Option<[f32; 3]> {
    let inside = (0..3).all(|axis| at[axis] >= -0.5 && at[axis] <= shape[axis] as f32 - 0.5);
    inside.then(|| std::array::from_fn(|axis| at[axis].clamp(0.0, (shape[axis] - 1) as f32)))
}

fn trilinear<T: Voxel>(source: &ArrayView3<'_, T>, at: [f32; 3]) -> Option<f32> {
    let shape: Shape = source.dim().into();
    let at = clamped(at, shape)?;
    let low: [usize; 3] = std::array::from_fn(|axis| at[axis] as usize);
    let high: [usize; 3] = std::array::from_fn(|axis| (low[axis] + 1).min(shape[axis] - 1));
    let weight: [f32; 3] = std::array::from_fn(|axis| at[axis] - low[axis] as f32);
    let row = |z: usize, y: usize| {
        let (a, b) = (source[[z, y, low[2]]].to_f32(), source[[z, y, high[2]]].to_f32());
        lerp(a, b, weight[2])
    };
    let plane = |z: usize| lerp(row(z, low[1]), row(z, high[1]), weight[1]);
    Some(lerp(plane(low[0]), plane(high[0]), weight[0]))
}
