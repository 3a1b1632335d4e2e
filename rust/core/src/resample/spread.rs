//! The linear pass along a row.
//!
//! The vectoriser makes nothing of table look-ups, and they would take most of the kernel's time. Where a
//! block of outputs reads a short window of the row, the window is loaded into two registers and permuted.

use super::blend::Blend;
use crate::isa::{BASELINE_FMA, Isa, Level, mix};

/// Room behind a row, so that a window can begin at its last sample.
pub(super) const ROOM: usize = 32;

/// A [`Blend`] in columns, padded to whole blocks of outputs.
pub(super) struct RowBlend {
    outputs: usize,
    lower: Vec<i32>,
    upper: Vec<i32>,
    near: Vec<f32>,
    far: Vec<f32>,
    /// First sample of the window of each block, from which its neighbours are then counted.
    windows: Option<Vec<usize>>,
    picks: bool,
}

impl RowBlend {
    pub(super) fn new(blend: &Blend, isa: Isa) -> Self {
        let pairs = &blend.pairs;
        let lanes = lanes(isa);
        let padded = pairs.len().next_multiple_of(lanes);
        let at = |index: usize| pairs[index.min(pairs.len() - 1)];
        let windows: Vec<usize> = (0..padded).step_by(lanes).map(|index| at(index).lower).collect();
        let fits = |(block, first): (usize, &usize)| {
            at(block * lanes + lanes - 1).upper - first < 2 * lanes
        };
        let windowed = lanes > 1 && !blend.picks && windows.iter().enumerate().all(fits);
        let from = |index: usize| if windowed { windows[index / lanes] } else { 0 };
        RowBlend {
            outputs: pairs.len(),
            lower: (0..padded).map(|index| (at(index).lower - from(index)) as i32).collect(),
            upper: (0..padded).map(|index| (at(index).upper - from(index)) as i32).collect(),
            near: (0..padded).map(|index| at(index).near).collect(),
            far: (0..padded).map(|index| at(index).far).collect(),
            windows: windowed.then_some(windows),
            picks: blend.picks,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.outputs
    }
}

const fn lanes(isa: Isa) -> usize {
    match isa.0 {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => 16,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => 8,
        Level::Baseline => 1,
    }
}

/// Interpolates a row that has [`ROOM`] behind it.
#[allow(unsafe_code)]
pub(super) fn spread(isa: Isa, out: &mut [f32], row: &[f32], x: &RowBlend) {
    match (isa.0, &x.windows) {
        // SAFETY: `Isa::detect` is the only source of these levels and found the features.
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512, Some(windows)) => unsafe { x86::spread16(out, row, x, windows) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        (Level::Avx2, Some(windows)) => unsafe { x86::spread8(out, row, x, windows) },
        _ if x.picks => {
            for (out, &lower) in out.iter_mut().zip(&x.lower) {
                *out = row[lower as usize];
            }
        }
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        (Level::Avx512 | Level::Avx2, None) => unsafe { x86::look_up_fused(out, row, x) },
        (Level::Baseline, _) => look_up::<BASELINE_FMA>(out, row, x),
    }
}

#[inline(always)]
fn look_up<const FMA: bool>(out: &mut [f32], row: &[f32], x: &RowBlend) {
    let neighbours = x.lower.iter().zip(&x.upper);
    let weights = x.near.iter().zip(&x.far);
    for ((out, (&lower, &upper)), (&near, &far)) in out.iter_mut().zip(neighbours).zip(weights) {
        *out = mix::<FMA>(row[lower as usize], near, row[upper as usize], far);
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86 {
    use std::arch::x86_64::*;

    use super::RowBlend;

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn look_up_fused(out: &mut [f32], row: &[f32], x: &RowBlend) {
        super::look_up::<true>(out, row, x);
    }

    /// `chunk` must have as many elements as a register has lanes.
    macro_rules! load {
        ($load:ident, $chunk:expr, $lanes:literal) => {{
            let chunk: &[_; $lanes] = $chunk.try_into().expect("tables are whole blocks");
            // SAFETY: the array reference is valid for reads of its whole length.
            unsafe { $load(chunk.as_ptr().cast()) }
        }};
    }

    #[target_feature(enable = "avx512f,avx2,fma")]
    pub(super) fn spread16(out: &mut [f32], row: &[f32], x: &RowBlend, windows: &[usize]) {
        let neighbours = x.lower.chunks_exact(16).zip(x.upper.chunks_exact(16));
        let weights = x.near.chunks_exact(16).zip(x.far.chunks_exact(16));
        let blocks = windows.iter().zip(neighbours.zip(weights));
        for (out, (&first, ((lower, upper), (near, far)))) in out.chunks_mut(16).zip(blocks) {
            let window = &row[first..first + 32];
            let left = load!(_mm512_loadu_ps, window[..16], 16);
            let right = load!(_mm512_loadu_ps, window[16..], 16);
            let lower = load!(_mm512_loadu_si512, lower, 16);
            let upper = load!(_mm512_loadu_si512, upper, 16);
            let lower = _mm512_permutex2var_ps(left, lower, right);
            let upper = _mm512_permutex2var_ps(left, upper, right);
            let (near, far) = (load!(_mm512_loadu_ps, near, 16), load!(_mm512_loadu_ps, far, 16));
            let mixed = _mm512_fmadd_ps(lower, near, _mm512_mul_ps(upper, far));
            let mask = (u32::MAX >> (32 - out.len())) as u16;
            // SAFETY: the mask keeps the store within `out`, a chunk of at most 16.
            unsafe { _mm512_mask_storeu_ps(out.as_mut_ptr(), mask, mixed) };
        }
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn spread8(out: &mut [f32], row: &[f32], x: &RowBlend, windows: &[usize]) {
        let neighbours = x.lower.chunks_exact(8).zip(x.upper.chunks_exact(8));
        let weights = x.near.chunks_exact(8).zip(x.far.chunks_exact(8));
        let blocks = windows.iter().zip(neighbours.zip(weights));
        for (out, (&first, ((lower, upper), (near, far)))) in out.chunks_mut(8).zip(blocks) {
            let window = &row[first..first + 16];
            let left = load!(_mm256_loadu_ps, window[..8], 8);
            let right = load!(_mm256_loadu_ps, window[8..], 8);
            let lower = permute(left, right, load!(_mm256_loadu_si256, lower, 8));
            let upper = permute(left, right, load!(_mm256_loadu_si256, upper, 8));
            let (near, far) = (load!(_mm256_loadu_ps, near, 8), load!(_mm256_loadu_ps, far, 8));
            let mixed = _mm256_fmadd_ps(lower, near, _mm256_mul_ps(upper, far));
            let mut block = [0.0_f32; 8];
            // SAFETY: the block has eight elements.
            unsafe { _mm256_storeu_ps(block.as_mut_ptr(), mixed) };
            out.copy_from_slice(&block[..out.len()]);
        }
    }

    /// Elements 0 to 15 of two registers side by side.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn permute(left: __m256, right: __m256, index: __m256i) -> __m256 {
        let from_left = _mm256_permutevar8x32_ps(left, index);
        let from_right = _mm256_permutevar8x32_ps(right, index);
        // Bit 3 of an index says which register; blending looks at the sign bit.
        let side = _mm256_castsi256_ps(_mm256_slli_epi32::<28>(index));
        _mm256_blendv_ps(from_left, from_right, side)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resample::rule::Pair;

    fn blend(pairs: usize, step: f32) -> Blend {
        let pair = |index| {
            let position = index as f32 * step;
            let lower = position.floor() as usize;
            let far = position - lower as f32;
            Pair { lower, upper: lower + 1, near: 1.0 - far, far }
        };
        Blend { pairs: (0..pairs).map(pair).collect(), picks: false }
    }

    #[test]
    fn every_level_of_this_processor_gives_the_same_bits() {
        for (pairs, step) in [(1, 0.3), (7, 0.8), (16, 0.5), (45, 0.01), (100, 1.3), (50, 2.7)] {
            let blend = blend(pairs, step);
            let samples = (pairs as f32 * step) as usize + 2;
            let mut row: Vec<f32> = (0..samples).map(|i| (i as f32 * 1.7).sin()).collect();
            row.resize(samples + ROOM, 0.0);
            let mut expected = vec![0.0; pairs];
            let plain = RowBlend::new(&blend, Isa(Level::Baseline));
            look_up::<true>(&mut expected, &row, &plain);
            for isa in Isa::fused() {
                let mut out = vec![0.0; pairs];
                spread(isa, &mut out, &row, &RowBlend::new(&blend, isa));
                assert_eq!(out, expected, "{isa:?}, {pairs} outputs {step} apart");
            }
        }
    }
}
