use ndarray::{ArrayView2, ArrayView3, Axis};
use rayon::prelude::*;

use crate::Result;
use crate::components::expect_shape;
use crate::components::scan::{Voxel, runs, with_slice};

/// The values under a mask; all but `count` are NaN where it is empty or a value is not finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Intensity {
    /// Number of voxels.
    pub count: u64,
    /// Mean.
    pub mean: f64,
    /// Population standard deviation.
    pub deviation: f64,
    /// Smallest value.
    pub minimum: f64,
    /// Largest value.
    pub maximum: f64,
}

/// Count, mean, standard deviation, minimum and maximum of the values where the mask is not zero.
///
/// Slices are summed on their own and then put together in order, so the result does not depend on
/// the number of threads.
///
/// # Errors
/// [`crate::Error::ShapeMismatch`] where the mask is not of the values' shape.
///
/// ```
/// use lesionlocator_core::measure::intensity;
/// use ndarray::array;
/// let found = intensity(array![[[1_i16, 3, 99]]].view(), array![[[1_u8, 1, 0]]].view()).unwrap();
/// assert_eq!((found.count, found.mean, found.deviation), (2, 2.0, 1.0));
/// assert_eq!((found.minimum, found.maximum), (1.0, 3.0));
/// ```
pub fn intensity<T: Voxel + Into<f64>>(
    values: ArrayView3<'_, T>,
    mask: ArrayView3<'_, u8>,
) -> Result<Intensity> {
    expect_shape("mask", mask.shape(), values.shape())?;
    let planes = values.axis_iter(Axis(0)).into_par_iter().zip(mask.axis_iter(Axis(0)));
    let moments: Vec<Moments> = planes.map(|(values, mask)| Moments::of(&values, &mask)).collect();
    Ok(moments.into_iter().fold(Moments::default(), Moments::and).finish())
}

/// Sums from which the moments of several groups of values can be put together.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    count: u64,
    mean: f64,
    /// Sum of squared distances from the mean.
    spread: f64,
    minimum: f64,
    maximum: f64,
}

impl Moments {
    fn of<T: Voxel + Into<f64>>(values: &ArrayView2<'_, T>, mask: &ArrayView2<'_, u8>) -> Self {
        let mut sums: Option<Sums> = None;
        let mut scratch = Vec::new();
        for (mask, values) in mask.outer_iter().zip(values.outer_iter()) {
            with_slice(mask, &mut scratch, |mask| {
                runs::<false, u8>(mask, |start, stop| {
                    let shift = values[start].into();
                    let sums = sums.get_or_insert_with(|| Sums::around(shift));
                    (start..stop).for_each(|x| sums.add(values[x].into()));
                });
            });
        }
        sums.map_or_else(Self::default, Sums::moments)
    }

    fn and(self, other: Self) -> Self {
        if self.count == 0 || other.count == 0 {
            return if self.count == 0 { other } else { self };
        }
        let count = self.count + other.count;
        let apart = other.mean - self.mean;
        let share = other.count as f64 / count as f64;
        Self {
            count,
            mean: self.mean + apart * share,
            spread: self.spread + other.spread + apart * apart * self.count as f64 * share,
            minimum: smaller(self.minimum, other.minimum),
            maximum: larger(self.maximum, other.maximum),
        }
    }

    fn finish(self) -> Intensity {
        let Self { count, mean, spread, minimum, maximum } = self;
        if count == 0 || !mean.is_finite() {
            let nan = f64::NAN;
            return Intensity { count, mean: nan, deviation: nan, minimum: nan, maximum: nan };
        }
        Intensity { count, mean, deviation: (spread / count as f64).sqrt(), minimum, maximum }
    }
}

/// Sums around one of the values, which keeps them small, so that no digits cancel.
struct Sums {
    shift: f64,
    count: u64,
    sum: f64,
    squares: f64,
    minimum: f64,
    maximum: f64,
}

impl Sums {
    fn around(shift: f64) -> Self {
        Self { shift, count: 0, sum: 0.0, squares: 0.0, minimum: shift, maximum: shift }
    }

    fn add(&mut self, value: f64) {
        let shifted = value - self.shift;
        self.count += 1;
        self.sum += shifted;
        self.squares += shifted * shifted;
        self.minimum = smaller(self.minimum, value);
        self.maximum = larger(self.maximum, value);
    }

    fn moments(self) -> Moments {
        let Self { shift, count, sum, squares, minimum, maximum } = self;
        let offset = sum / count as f64;
        // Rounding can take the difference of a constant's sums below 0.
        let spread = (squares - sum * offset).max(0.0);
        Moments { count, mean: shift + offset, spread, minimum, maximum }
    }
}

fn smaller(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

fn larger(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}
