use ndarray::{ArrayViewMut3, s};

use super::clipped;
use crate::{Error, Result};

/// Raises `out` to at least `exp(-d² / (2 sigma²))` within `truncate * sigma` along each axis.
///
/// `center` is in voxels and may lie outside. Returns the number of voxels within reach.
///
/// # Errors
/// [`Error::InvalidValue`] where the centre is not finite, or `sigma` or `truncate` not positive and
/// finite.
///
/// ```
/// use lesionlocator_core::prompt::gaussian;
/// use ndarray::Array3;
/// let mut heat = Array3::zeros((5, 5, 5));
/// assert_eq!(gaussian(heat.view_mut(), [2.0, 2.0, 2.0], 1.0, 1.0), Ok(27));
/// assert_eq!(heat[[2, 2, 2]], 1.0);
/// assert_eq!(heat[[2, 2, 3]], (-0.5_f32).exp());
/// assert_eq!(heat[[2, 2, 4]], 0.0);
/// ```
pub fn gaussian(
    mut out: ArrayViewMut3<'_, f32>,
    center: [f64; 3],
    sigma: f64,
    truncate: f64,
) -> Result<usize> {
    check("center", &center, |value| value.is_finite(), "finite positions")?;
    check("sigma", &[sigma], is_positive, "above 0 and finite")?;
    check("truncate", &[truncate], is_positive, "above 0 and finite")?;
    let (planes, rows, columns) = out.dim();
    let axis = |axis: usize, size| Profile::new(center[axis], sigma, truncate, size);
    let (z, y, x) = (axis(0, planes), axis(1, rows), axis(2, columns));
    let along_row: Vec<f32> = x.heights.iter().map(|&height| height as f32).collect();
    for (plane, in_z) in (z.start..).zip(&z.heights) {
        for (row, in_y) in (y.start..).zip(&y.heights) {
            let scale = (in_z * in_y) as f32;
            let part = out.slice_mut(s![plane, row, x.start..x.start + along_row.len()]);
            for (voxel, height) in part.into_iter().zip(&along_row) {
                *voxel = voxel.max(scale * height);
            }
        }
    }
    Ok(z.heights.len() * y.heights.len() * x.heights.len())
}

/// The Gaussian along one axis, where it is within reach.
struct Profile {
    start: usize,
    heights: Vec<f64>,
}

impl Profile {
    fn new(center: f64, sigma: f64, truncate: f64, size: usize) -> Self {
        let reach = sigma * truncate;
        let range = clipped(
            (center - reach).ceil() as i128,
            ((center + reach).floor() as i128).saturating_add(1),
            size,
        );
        let height = |index: usize| (-0.5 * ((index as f64 - center) / sigma).powi(2)).exp();
        Self { start: range.start, heights: range.map(height).collect() }
    }
}

fn is_positive(value: f64) -> bool {
    value > 0.0 && value.is_finite()
}

fn check(
    what: &'static str,
    values: &[f64],
    is_legal: impl Fn(f64) -> bool,
    legal: &'static str,
) -> Result<()> {
    match values.iter().find(|&&value| !is_legal(value)) {
        None => Ok(()),
        Some(value) => Err(Error::InvalidValue { what, found: value.to_string(), legal }),
    }
}
