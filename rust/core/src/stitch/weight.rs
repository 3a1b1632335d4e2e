use crate::{Error, Result};

/// The largest weight of a tile; the smallest ones then stay far above the smallest float.
pub(super) const PEAK: f64 = 10.0;

/// One axis of the weight of a tile: a unit impulse at `patch / 2`, smoothed, scaled to maximum 1.
///
/// The smoothing is a Gaussian with sigma `patch / 8`, cut off at four sigma, which lets it reach the
/// ends of the axis. The weight of a voxel is the product of its three axes, times 10.
///
/// # Errors
/// [`Error::InvalidValue`] where `patch` is 0.
///
/// ```
/// use lesionlocator_core::stitch::gaussian;
/// let weight = gaussian(8).unwrap();
/// assert_eq!(weight[4], 1.0);
/// assert_eq!(weight[3], (-0.5_f64).exp());
/// assert_eq!(weight[0], (-8.0_f64).exp());
/// ```
pub fn gaussian(patch: usize) -> Result<Vec<f64>> {
    if patch == 0 {
        return Err(Error::InvalidValue { what: "patch", found: "0".into(), legal: "1 or more" });
    }
    let sigma = patch as f64 / 8.0;
    let center = (patch / 2) as f64;
    let weight = |index| (-0.5 * ((index as f64 - center) / sigma).powi(2)).exp();
    Ok((0..patch).map(weight).collect())
}
