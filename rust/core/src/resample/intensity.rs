use ndarray::ArrayView1;

use crate::isa::{Isa, row_kernel};
use crate::{Error, Result};

/// An image voxel.
pub trait Voxel: Copy + Send + Sync {
    /// The voxel in the precision of all arithmetic.
    fn to_f32(self) -> f32;

    /// The voxels themselves, where they are in that precision already.
    fn as_f32(voxels: &[Self]) -> Option<&[f32]> {
        let _ = voxels;
        None
    }
}

impl Voxel for f32 {
    fn to_f32(self) -> f32 {
        self
    }

    fn as_f32(voxels: &[Self]) -> Option<&[f32]> {
        Some(voxels)
    }
}

impl Voxel for i16 {
    fn to_f32(self) -> f32 {
        f32::from(self)
    }
}

/// What is done to a voxel before it is interpolated: clip, subtract, divide, each rounded to f32.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Intensity {
    low: f32,
    high: f32,
    mean: f32,
    deviation: f32,
}

impl Intensity {
    /// Leaves voxels as they are.
    pub const IDENTITY: Self =
        Intensity { low: f32::NEG_INFINITY, high: f32::INFINITY, mean: 0.0, deviation: 1.0 };

    /// Clips to `low` and `high` (infinite bounds do not clip), subtracts `mean`, divides by `deviation`.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] where `low` is not below or equal to `high`, or `mean` or `deviation` is
    /// not finite, or `deviation` is 0.
    pub fn new(low: f32, high: f32, mean: f32, deviation: f32) -> Result<Self> {
        let legal = low <= high && mean.is_finite() && deviation.is_finite() && deviation != 0.0;
        if legal {
            Ok(Intensity { low, high, mean, deviation })
        } else {
            Err(Error::InvalidValue {
                what: "intensity",
                found: format!("({low}, {high}, {mean}, {deviation})"),
                legal: "low <= high, finite mean, finite deviation other than 0",
            })
        }
    }

    #[inline(always)]
    fn apply(&self, value: f32) -> f32 {
        (clip(value, self.low, self.high) - self.mean) / self.deviation
    }
}

/// Clips; NaN stays NaN and a NaN bound does not clip.
#[inline(always)]
pub(super) fn clip(value: f32, low: f32, high: f32) -> f32 {
    let raised = if value < low { low } else { value };
    if raised > high { high } else { raised }
}

/// Copies a row of any stride into single precision.
pub(super) fn load_row<T: Voxel>(
    isa: Isa,
    source: ArrayView1<'_, T>,
    intensity: &Intensity,
    row: &mut [f32],
) {
    if let Some(source) = source.to_slice() {
        if *intensity == Intensity::IDENTITY {
            convert(isa, source, row);
        } else {
            normalize(isa, source, intensity, row);
        }
    } else {
        for (to, from) in row.iter_mut().zip(source) {
            *to = intensity.apply(from.to_f32());
        }
    }
}

row_kernel! {
    fn convert<T: Voxel>(source: &[T], row: &mut [f32]) {
        for (to, from) in row.iter_mut().zip(source) {
            *to = from.to_f32();
        }
    }
}

row_kernel! {
    fn normalize<T: Voxel>(source: &[T], intensity: &Intensity, row: &mut [f32]) {
        for (to, from) in row.iter_mut().zip(source) {
            *to = intensity.apply(from.to_f32());
        }
    }
}
