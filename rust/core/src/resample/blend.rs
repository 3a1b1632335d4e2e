use super::frame::Span;
use super::rule::{Pair, Rule};

/// The neighbours and weights of each target index along an axis, counted in the source block.
pub(super) struct Blend {
    pub(super) pairs: Vec<Pair>,
    /// One neighbour has all the weight, everywhere.
    pub(super) picks: bool,
}

impl Blend {
    pub(super) fn new(span: &Span) -> Self {
        let picks = span.line.rule == Rule::NearestIndex;
        let pair = |target| {
            if picks {
                let index = span.line.nearest(target);
                Pair { lower: index, upper: index, near: 1.0, far: 0.0 }
            } else {
                span.line.pair(target)
            }
        };
        let inside = |pair: Pair| Pair {
            lower: pair.lower - span.source_start,
            upper: pair.upper - span.source_start,
            ..pair
        };
        Blend { pairs: span.targets().map(pair).map(inside).collect(), picks }
    }
}
