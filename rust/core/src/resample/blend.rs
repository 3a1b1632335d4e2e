use super::frame::Span;
use super::rule::{Pair, Rule};
use crate::{Error, Result};

/// In which precision positions between two voxels are computed.
///
/// It shows where a label's weight is exactly one half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Positions {
    /// Single, as torch does.
    Single,
    /// Double, from a scale in single.
    Double,
}

impl TryFrom<&str> for Positions {
    type Error = Error;

    fn try_from(name: &str) -> Result<Self> {
        match name {
            "single" => Ok(Positions::Single),
            "double" => Ok(Positions::Double),
            other => Err(Error::InvalidValue {
                what: "positions",
                found: other.to_owned(),
                legal: "single, double",
            }),
        }
    }
}

/// The neighbours and weights of each target index along an axis, counted in the source block.
pub(super) struct Blend {
    pub(super) pairs: Vec<Pair>,
    /// One neighbour has all the weight, everywhere.
    pub(super) picks: bool,
}

impl Blend {
    pub(super) fn new(span: &Span, positions: Positions) -> Self {
        let picks = span.line.rule == Rule::NearestIndex;
        let pair = |target| {
            if picks {
                let index = span.line.nearest(target);
                Pair { lower: index, upper: index, near: 1.0, far: 0.0 }
            } else if positions == Positions::Double {
                span.line.pair_in_double(target)
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
