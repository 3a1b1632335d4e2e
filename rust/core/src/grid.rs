use crate::{Error, Result};

/// Number of voxels along z, y, x.
pub type Shape = [usize; 3];

/// One axis of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Slices.
    Z,
    /// Rows.
    Y,
    /// Columns.
    X,
}

impl Axis {
    /// Position of the axis in an array indexed z, y, x.
    pub const fn index(self) -> usize {
        match self {
            Axis::Z => 0,
            Axis::Y => 1,
            Axis::X => 2,
        }
    }
}

impl TryFrom<usize> for Axis {
    type Error = Error;

    fn try_from(index: usize) -> Result<Self> {
        match index {
            0 => Ok(Axis::Z),
            1 => Ok(Axis::Y),
            2 => Ok(Axis::X),
            other => Err(Error::InvalidValue {
                what: "axis",
                found: other.to_string(),
                legal: "0 (z), 1 (y), 2 (x)",
            }),
        }
    }
}

/// A block of voxels inside a grid of known shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    start: [usize; 3],
    extent: Shape,
    shape: Shape,
}

impl Region {
    /// The block of `extent` voxels that begins at `start` in a grid of `shape`.
    ///
    /// # Errors
    /// [`Error::OutsideGrid`] where the block leaves the grid, or the grid or block has no voxels.
    ///
    /// ```
    /// use lesionlocator_core::Region;
    /// assert!(Region::new("source", [0, 1, 2], [4, 4, 4], [4, 5, 6]).is_ok());
    /// assert!(Region::new("source", [1, 1, 2], [4, 4, 4], [4, 5, 6]).is_err());
    /// ```
    pub fn new(what: &'static str, start: [usize; 3], extent: Shape, shape: Shape) -> Result<Self> {
        let inside = (0..3).all(|axis| {
            extent[axis] > 0
                && start[axis].checked_add(extent[axis]).is_some_and(|stop| stop <= shape[axis])
        });
        if inside {
            Ok(Region { start, extent, shape })
        } else {
            Err(Error::OutsideGrid { what, start, extent, shape })
        }
    }

    /// First voxel.
    pub const fn start(&self) -> [usize; 3] {
        self.start
    }

    /// Number of voxels along each axis.
    pub const fn extent(&self) -> Shape {
        self.extent
    }

    /// Shape of the whole grid.
    pub const fn shape(&self) -> Shape {
        self.shape
    }
}
