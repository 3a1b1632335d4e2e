//! The linear pass along a row.

use super::blend::Blend;
use super::isa::{mix, row_kernel};

/// A [`Blend`] in columns, as the pass along a row reads it.
pub(super) struct RowBlend {
    lower: Vec<u32>,
    upper: Vec<u32>,
    near: Vec<f32>,
    far: Vec<f32>,
    picks: bool,
}

impl RowBlend {
    pub(super) fn new(blend: &Blend) -> Self {
        RowBlend {
            lower: blend.pairs.iter().map(|pair| pair.lower as u32).collect(),
            upper: blend.pairs.iter().map(|pair| pair.upper as u32).collect(),
            near: blend.pairs.iter().map(|pair| pair.near).collect(),
            far: blend.pairs.iter().map(|pair| pair.far).collect(),
            picks: blend.picks,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lower.len()
    }
}

row_kernel! {
    fn spread(out: &mut [f32], row: &[f32], x: &RowBlend) {
        let neighbours = x.lower.iter().zip(&x.upper);
        if x.picks {
            for (out, (&lower, _)) in out.iter_mut().zip(neighbours) {
                *out = row[lower as usize];
            }
        } else {
            let weights = x.near.iter().zip(&x.far);
            for ((out, (&lower, &upper)), (&near, &far)) in out.iter_mut().zip(neighbours).zip(weights) {
                *out = mix::<FMA>(row[lower as usize], near, row[upper as usize], far);
            }
        }
    }
}
