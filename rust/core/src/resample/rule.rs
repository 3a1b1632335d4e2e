//! Where a target voxel finds its source voxels along one axis, and with which weights.

use std::ops::Range;

/// What interpolation does along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Nearest neighbour as torch's "nearest-exact" has it.
    NearestExact,
    /// Nearest neighbour as scipy's `map_coordinates` of order 0 has it.
    NearestIndex,
    /// Linear as torch's `interpolate` has it.
    Linear,
    /// Cubic B-spline over an edge-extended line.
    Cubic,
}

/// One axis of a source grid and of a target grid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) rule: Rule,
    pub(super) source: usize,
    pub(super) target: usize,
}

/// Two neighbours and their weights.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) lower: usize,
    pub(super) upper: usize,
    pub(super) near: f32,
    pub(super) far: f32,
}

/// Voxels that the spline prefilter looks beyond a block: the pole to this power is below 1e-9.
const PREFILTER_MARGIN: usize = 16;

impl Line {
    /// Half-open range of the source voxels that weigh on a target voxel, also with weight 0.
    ///
    /// Both ends never decrease from one target voxel to the next.
    pub(super) fn stencil(&self, target: usize) -> Range<usize> {
        match self.rule {
            Rule::NearestExact | Rule::NearestIndex => {
                let index = self.nearest(target);
                index..index + 1
            }
            Rule::Linear => {
                let pair = self.pair(target);
                pair.lower..pair.upper + 1
            }
            Rule::Cubic if self.source == self.target => target..target + 1,
            Rule::Cubic => {
                let (first, _) = self.spline(target);
                let clamp = |index: isize| index.clamp(0, self.source as isize - 1) as usize;
                clamp(first)..clamp(first + 3) + 1
            }
        }
    }

    /// Half-open range of the source voxels that a range of target voxels needs.
    pub(super) fn needed(&self, target: Range<usize>) -> Range<usize> {
        let first = self.stencil(target.start).start;
        let stop = self.stencil(target.end - 1).end;
        if self.rule == Rule::Cubic && self.source != self.target {
            first.saturating_sub(PREFILTER_MARGIN)..(stop + PREFILTER_MARGIN).min(self.source)
        } else {
            first..stop
        }
    }

    /// Half-open range of the target voxels whose stencils lie inside a range of source voxels.
    pub(super) fn covered(&self, source: Range<usize>) -> Range<usize> {
        let start = first_where(self.target, |target| self.stencil(target).start >= source.start);
        let stop = first_where(self.target, |target| self.stencil(target).end > source.end);
        start..stop
    }

    /// The source voxel of a nearest-neighbour rule.
    pub(super) fn nearest(&self, target: usize) -> usize {
        let last = self.source - 1;
        if self.rule == Rule::NearestExact {
            // torch's vectorised kernel: single precision, the position computed with one rounding.
            let scale = self.source as f32 / self.target as f32;
            let position = scale.mul_add(target as f32 + 0.5, -0.5).max(0.0);
            ((position + 0.5).floor() as usize).min(last)
        } else {
            ((self.position(target) + 0.5).floor().max(0.0) as usize).min(last)
        }
    }

    /// The neighbours and weights of the linear rule, in torch's single-precision arithmetic.
    pub(super) fn pair(&self, target: usize) -> Pair {
        if self.source == self.target {
            return Pair { lower: target, upper: target, near: 1.0, far: 0.0 };
        }
        let scale = self.source as f32 / self.target as f32;
        let position = (scale * (target as f32 + 0.5) - 0.5).max(0.0);
        let lower = (position.floor() as usize).min(self.source - 1);
        let far = (position - lower as f32).clamp(0.0, 1.0);
        Pair { lower, upper: (lower + 1).min(self.source - 1), near: 1.0 - far, far }
    }

    /// As [`pair`](Self::pair), the weights from a position in double precision.
    ///
    /// The scale is rounded to single precision first: that is how the published label maps come out where
    /// a voxel lies exactly between a label and its background.
    pub(super) fn pair_in_double(&self, target: usize) -> Pair {
        let pair = self.pair(target);
        if pair.lower == pair.upper {
            return pair;
        }
        let scale = f64::from(self.source as f32 / self.target as f32);
        let position = scale * (target as f64 + 0.5) - 0.5;
        let far = (position - pair.lower as f64).clamp(0.0, 1.0) as f32;
        Pair { near: 1.0 - far, far, ..pair }
    }

    /// The first of four spline coefficients, at least -2, and their weights.
    pub(super) fn spline(&self, target: usize) -> (isize, [f32; 4]) {
        let position = self.position(target);
        let floor = position.floor().clamp(-1.0, (self.source - 1) as f64);
        let t = (position - floor).clamp(0.0, 1.0);
        let s = 1.0 - t;
        let weights = [
            s * s * s / 6.0,
            (4.0 - 6.0 * t * t + 3.0 * t * t * t) / 6.0,
            (4.0 - 6.0 * s * s + 3.0 * s * s * s) / 6.0,
            t * t * t / 6.0,
        ];
        (floor as isize - 1, weights.map(|weight| weight as f32))
    }

    fn position(&self, target: usize) -> f64 {
        self.source as f64 / self.target as f64 * (target as f64 + 0.5) - 0.5
    }
}

/// The first index below `count` where a condition that stays true once it is true holds, else `count`.
fn first_where(count: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(rule: Rule, source: usize, target: usize) -> Line {
        Line { rule, source, target }
    }

    #[test]
    fn doubling_a_line_gives_quarter_weights() {
        let pair = line(Rule::Linear, 4, 8).pair(1);
        assert_eq!((pair.lower, pair.upper, pair.near, pair.far), (0, 1, 0.75, 0.25));
    }

    #[test]
    fn stencils_never_step_back() {
        for rule in [Rule::NearestExact, Rule::NearestIndex, Rule::Linear, Rule::Cubic] {
            for (source, target) in [(1, 9), (9, 1), (7, 7), (10, 33), (33, 10), (255, 254)] {
                let line = line(rule, source, target);
                for d in 1..target {
                    let (a, b) = (line.stencil(d - 1), line.stencil(d));
                    assert!(a.start <= b.start && a.end <= b.end && b.end <= source);
                }
            }
        }
    }

    #[test]
    fn covered_voxels_are_those_whose_stencil_is_inside() {
        for rule in [Rule::NearestIndex, Rule::Linear] {
            for (source, target) in [(5, 12), (12, 5), (6, 6), (1, 4)] {
                let line = line(rule, source, target);
                for start in 0..source {
                    for stop in start + 1..=source {
                        let inside = |d: &usize| {
                            let stencil = line.stencil(*d);
                            stencil.start >= start && stencil.end <= stop
                        };
                        let slow: Vec<usize> = (0..target).filter(inside).collect();
                        let fast: Vec<usize> = line.covered(start..stop).collect();
                        assert_eq!(slow, fast, "{rule:?} {source}->{target} {start}..{stop}");
                    }
                }
            }
        }
    }

    #[test]
    fn spline_weights_sum_to_one_and_stay_near_the_line() {
        for (source, target) in [(5, 12), (12, 5), (1, 4), (3, 100)] {
            for d in 0..target {
                let (first, weights) = line(Rule::Cubic, source, target).spline(d);
                assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-6);
                assert!(first >= -2 && first + 3 <= source as isize + 1);
            }
        }
    }
}
