use ndarray::{ArrayView3, Zip};

use crate::components::expect_shape;
use crate::{Error, Result};

/// Percentiles of the values where the mask is not zero, linear between neighbouring ranks.
///
/// Percentile p of n values is the value at rank p / 100 · (n - 1), counted from 0: definition 7 of
/// Hyndman and Fan (1996), numpy's default. All are NaN where the mask is empty or a value is not
/// finite.
///
/// # Errors
/// [`Error::ShapeMismatch`] where the mask is not of the values' shape, [`Error::InvalidValue`] where
/// a percentile is not from 0 to 100.
///
/// ```
/// use lesionlocator_core::measure::percentiles;
/// use ndarray::array;
/// let values = array![[[4_i16, 1, 2, 99]]];
/// let found = percentiles(values.view(), array![[[1_u8, 1, 1, 0]]].view(), &[0.0, 50.0, 75.0]);
/// assert_eq!(found.unwrap(), [1.0, 2.0, 3.0]);
/// ```
pub fn percentiles<T: Copy + PartialOrd + Into<f64>>(
    values: ArrayView3<'_, T>,
    mask: ArrayView3<'_, u8>,
    percentiles: &[f64],
) -> Result<Vec<f64>> {
    expect_shape("mask", mask.shape(), values.shape())?;
    if let Some(wrong) = percentiles.iter().find(|p| !(0.0..=100.0).contains(*p)) {
        return Err(Error::InvalidValue {
            what: "percentile",
            found: wrong.to_string(),
            legal: "from 0 to 100",
        });
    }
    let mut under = Vec::new();
    Zip::from(values).and(mask).for_each(|&value, &inside| {
        if inside != 0 {
            under.push(value);
        }
    });
    if under.is_empty() || under.iter().any(|&value| !value.into().is_finite()) {
        return Ok(vec![f64::NAN; percentiles.len()]);
    }
    under.sort_unstable_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    Ok(percentiles.iter().map(|percentile| at_rank(&under, *percentile)).collect())
}

fn at_rank<T: Copy + Into<f64>>(sorted: &[T], percentile: f64) -> f64 {
    let rank = percentile / 100.0 * (sorted.len() - 1) as f64;
    let below = rank as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let (low, high): (f64, f64) = (sorted[below].into(), sorted[above].into());
    low + (high - low) * (rank - below as f64)
}
