//! Cubic B-splines through edge-extended lines: prefilter and evaluation, many lines side by side.
//!
//! Lines lie in columns: `lines` holds `width` lines, sample after sample, with [`PAD`] samples of room at
//! both ends for the extension.

use super::frame::Span;
use super::rule::Rule;
use crate::isa::{multiply_add, row_kernel};

/// Extension that the four-point stencil can reach.
pub(super) const PAD: usize = 2;

/// Pole of the cubic B-spline's inverse filter, sqrt(3) - 2.
const POLE: f32 = -0.267_949_2;

/// What the cubic kernel does along one axis; indices are counted in the source block.
pub(super) enum Curve {
    /// Takes one sample for each target voxel.
    Pick(Vec<usize>),
    /// Weighs four coefficients, the first counted from the start of the padding.
    Spline(Vec<(usize, [f32; 4])>),
}

impl Curve {
    pub(super) fn new(span: &Span) -> Self {
        let line = &span.line;
        if line.rule == Rule::NearestIndex {
            Curve::Pick(span.nearest())
        } else if line.source == line.target {
            Curve::Pick(span.targets().map(|target| target - span.source_start).collect())
        } else {
            let coefficients = |target| {
                let (first, weights) = line.spline(target);
                let first = first + PAD as isize - span.source_start as isize;
                (first as usize, weights)
            };
            Curve::Spline(span.targets().map(coefficients).collect())
        }
    }
}

/// Repeats the first and last sample of the lines into the padding.
pub(super) fn extend_edges(lines: &mut [f32], width: usize) {
    let (first, last) = (PAD * width, lines.len() - (PAD + 1) * width);
    for pad in 0..PAD {
        lines.copy_within(first..first + width, pad * width);
        lines.copy_within(last..last + width, last + (pad + 1) * width);
    }
}

row_kernel! {
    /// Turns samples into spline coefficients, as if the first and last sample went on for ever.
    pub(super) fn prefilter(lines: &mut [f32], width: usize) {
        let before = 1.0 / (1.0 - POLE);
        let last = lines.len() - width;
        for value in lines.iter_mut() {
            *value *= 6.0;
        }
        // The causal pass turns a constant c into c / (1 - pole), and what differs from it decays.
        let ends: Vec<f32> = lines[last..].iter().map(|sample| sample * before).collect();
        for value in &mut lines[..width] {
            *value *= before;
        }
        for row in 1..lines.len() / width {
            let (done, rest) = lines.split_at_mut(row * width);
            let previous = &done[(row - 1) * width..];
            for (value, &previous) in rest[..width].iter_mut().zip(previous) {
                *value = multiply_add::<FMA>(POLE, previous, *value);
            }
        }
        for (value, &end) in lines[last..].iter_mut().zip(&ends) {
            *value = -POLE * (end * before + (*value - end) / (1.0 - POLE * POLE));
        }
        for row in (0..lines.len() / width - 1).rev() {
            let (rest, done) = lines.split_at_mut((row + 1) * width);
            for (value, &next) in rest[row * width..].iter_mut().zip(&done[..width]) {
                *value = POLE * (next - *value);
            }
        }
    }
}

row_kernel! {
    /// One target sample of each line from four rows of coefficients.
    pub(super) fn evaluate(out: &mut [f32], rows: &[f32], weights: &[f32; 4]) {
        let width = out.len();
        let (a, rest) = rows.split_at(width);
        let (b, rest) = rest.split_at(width);
        let (c, rest) = rest.split_at(width);
        let others = b.iter().zip(c).zip(&rest[..width]);
        for ((out, &a), ((&b, &c), &d)) in out.iter_mut().zip(a).zip(others) {
            let outer = multiply_add::<FMA>(d, weights[3], a * weights[0]);
            let inner = multiply_add::<FMA>(c, weights[2], b * weights[1]);
            *out = outer + inner;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;

    #[test]
    fn coefficients_reproduce_the_samples() {
        let samples = [3.0_f32, -1.0, 4.0, 1.0, -5.0, 9.0];
        let mut lines = vec![0.0; samples.len() + 2 * PAD];
        lines[PAD..PAD + samples.len()].copy_from_slice(&samples);
        extend_edges(&mut lines, 1);
        prefilter(Isa::detect(), &mut lines, 1);
        for (index, sample) in samples.iter().enumerate() {
            let near = &lines[index + PAD - 1..];
            let value = (near[0] + 4.0 * near[1] + near[2]) / 6.0;
            assert!((value - sample).abs() < 1e-5, "{index}: {value} is not {sample}");
        }
    }

    #[test]
    fn a_constant_line_stays_constant() {
        let mut lines = vec![2.5; 9];
        prefilter(Isa::detect(), &mut lines, 1);
        assert!(lines.iter().all(|value| (value - 2.5).abs() < 1e-6), "{lines:?}");
    }
}
