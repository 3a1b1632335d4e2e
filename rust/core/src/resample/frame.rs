use std::ops::Range;

use super::rule::{Line, Rule};
use crate::{Axis, Error, Region, Result, Shape};

/// How target voxels are made from source voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// The nearest voxel.
    Nearest,
    /// Linear between neighbours.
    Linear,
    /// Cubic B-spline.
    Cubic,
}

impl TryFrom<&str> for Interpolation {
    type Error = Error;

    fn try_from(name: &str) -> Result<Self> {
        match name {
            "nearest" => Ok(Interpolation::Nearest),
            "linear" => Ok(Interpolation::Linear),
            "cubic" => Ok(Interpolation::Cubic),
            other => Err(Error::InvalidValue {
                what: "interpolation",
                found: other.to_owned(),
                legal: "nearest, linear, cubic",
            }),
        }
    }
}

impl Interpolation {
    const fn rule(self) -> Rule {
        match self {
            Interpolation::Nearest => Rule::NearestExact,
            Interpolation::Linear => Rule::Linear,
            Interpolation::Cubic => Rule::Cubic,
        }
    }
}

/// The grids of a resampling, and where the two blocks begin in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Shape of the whole source grid.
    pub source_shape: Shape,
    /// First voxel of the source block.
    pub source_start: [usize; 3],
    /// Shape of the whole target grid.
    pub target_shape: Shape,
    /// First voxel of the target block.
    pub target_start: [usize; 3],
    /// An axis along which the nearest voxel is taken, whatever is done along the others.
    pub separate_axis: Option<Axis>,
}

impl Frame {
    /// The frame of two whole grids.
    pub const fn whole(source_shape: Shape, target_shape: Shape) -> Self {
        let (source_start, target_start) = ([0; 3], [0; 3]);
        Frame { source_shape, source_start, target_shape, target_start, separate_axis: None }
    }

    /// The three axes, once it is sure that the source block holds what the target block needs.
    pub(super) fn spans(
        &self,
        interpolation: Interpolation,
        source: Shape,
        target: Shape,
    ) -> Result<[Span; 3]> {
        Region::new("source", self.source_start, source, self.source_shape)?;
        let out = Region::new("out", self.target_start, target, self.target_shape)?;
        let lines = self.lines(interpolation)?;
        let needed = needed_block(&lines, &out);
        let holds = (0..3).all(|axis| {
            let start = self.source_start[axis];
            start <= needed[axis].start && needed[axis].end <= start + source[axis]
        });
        if !holds {
            return Err(Error::InvalidValue {
                what: "source block",
                found: format!(
                    "{source:?} voxels from {:?}, where {needed:?} is needed",
                    self.source_start
                ),
                legal: "a block that holds the whole source block of the target block",
            });
        }
        Ok(std::array::from_fn(|axis| Span {
            line: lines[axis],
            source_start: self.source_start[axis],
            target_start: self.target_start[axis],
            target: target[axis],
        }))
    }

    fn lines(&self, interpolation: Interpolation) -> Result<[Line; 3]> {
        lines(interpolation, self.separate_axis, self.source_shape, self.target_shape)
    }
}

/// One axis of a source block and of a target block, in their grids.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) line: Line,
    pub(super) source_start: usize,
    pub(super) target_start: usize,
    pub(super) target: usize,
}

impl Span {
    /// Target voxels of the block, counted in the whole grid.
    pub(super) fn targets(&self) -> Range<usize> {
        self.target_start..self.target_start + self.target
    }

    /// For each target voxel of the block the nearest source voxel, counted in the block.
    pub(super) fn nearest(&self) -> Vec<usize> {
        self.targets().map(|target| self.line.nearest(target) - self.source_start).collect()
    }
}

/// The source block that a target block needs: start and stop.
///
/// Cubic blocks include the margin that the spline prefilter needs where the grid goes on.
///
/// # Errors
/// [`Error::OutsideGrid`] where the source grid is empty, [`Error::InvalidValue`] where an axis is longer
/// than single precision counts.
///
/// ```
/// use lesionlocator_core::Region;
/// use lesionlocator_core::resample::{Interpolation, source_block};
/// let target = Region::new("target", [2, 2, 2], [2, 2, 2], [8, 8, 8]).unwrap();
/// let block = source_block(Interpolation::Linear, [4, 4, 4], target, None);
/// assert_eq!(block, Ok(([0, 0, 0], [3, 3, 3])));
/// ```
pub fn source_block(
    interpolation: Interpolation,
    source_shape: Shape,
    target: Region,
    separate_axis: Option<Axis>,
) -> Result<([usize; 3], [usize; 3])> {
    Region::new("source", [0; 3], source_shape, source_shape)?;
    let lines = lines(interpolation, separate_axis, source_shape, target.shape())?;
    let needed = needed_block(&lines, &target);
    Ok((needed.each_ref().map(|range| range.start), needed.each_ref().map(|range| range.end)))
}

/// The target block whose linear stencils lie wholly in a source block: start and stop.
///
/// Both neighbours of a voxel count, also one of weight 0. None where there is no such voxel.
///
/// # Errors
/// As [`source_block`], the grids' parts exchanged.
///
/// ```
/// use lesionlocator_core::Region;
/// use lesionlocator_core::resample::covered_block;
/// let source = Region::new("source", [1, 0, 0], [2, 4, 4], [4, 4, 4]).unwrap();
/// assert_eq!(covered_block(source, [8, 8, 8], None), Ok(Some(([3, 0, 0], [5, 8, 8]))));
/// ```
pub fn covered_block(
    source: Region,
    target_shape: Shape,
    separate_axis: Option<Axis>,
) -> Result<Option<([usize; 3], [usize; 3])>> {
    Region::new("target", [0; 3], target_shape, target_shape)?;
    let lines = lines(Interpolation::Linear, separate_axis, source.shape(), target_shape)?;
    let covered: [Range<usize>; 3] = std::array::from_fn(|axis| {
        let start = source.start()[axis];
        lines[axis].covered(start..start + source.extent()[axis])
    });
    let (start, stop) = (covered.each_ref().map(|r| r.start), covered.each_ref().map(|r| r.end));
    Ok(covered.iter().all(|range| !range.is_empty()).then_some((start, stop)))
}

/// Single precision, in which positions are computed, counts no further.
const LONGEST_AXIS: usize = 1 << 24;

fn lines(
    interpolation: Interpolation,
    separate_axis: Option<Axis>,
    source: Shape,
    target: Shape,
) -> Result<[Line; 3]> {
    if source.iter().chain(&target).any(|&size| size > LONGEST_AXIS) {
        return Err(Error::InvalidValue {
            what: "grid shape",
            found: format!("{source:?} or {target:?}"),
            legal: "at most 16777216 voxels along an axis",
        });
    }
    Ok(std::array::from_fn(|axis| {
        let separate = separate_axis.is_some_and(|separate| separate.index() == axis);
        let rule = if separate { Rule::NearestIndex } else { interpolation.rule() };
        Line { rule, source: source[axis], target: target[axis] }
    }))
}

fn needed_block(lines: &[Line; 3], target: &Region) -> [Range<usize>; 3] {
    std::array::from_fn(|axis| {
        let start = target.start()[axis];
        lines[axis].needed(start..start + target.extent()[axis])
    })
}
