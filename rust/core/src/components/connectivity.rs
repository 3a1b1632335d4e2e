use crate::{Error, Result};

/// Which neighbours belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connectivity {
    /// Voxels that share a face.
    Six,
    /// Voxels that share a face or an edge.
    Eighteen,
    /// Voxels that share a face, an edge or a corner.
    TwentySix,
}

/// A row whose runs may touch those of the current row, and how far apart they may be along it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NeighbourRow {
    pub(crate) dz: isize,
    pub(crate) dy: isize,
    /// 1 where diagonal steps along the row count, else 0.
    pub(crate) reach: u32,
    /// Bit i says that this row and row i of the list touch in all steps that count for the current row:
    /// what lies between voxels of this row and the current one in row i, joins them.
    pub(crate) beside: u8,
}

const fn row(dz: isize, dy: isize, reach: u32, beside: u8) -> NeighbourRow {
    NeighbourRow { dz, dy, reach, beside }
}

impl Connectivity {
    /// The rows before the current one in raster order that hold neighbours.
    pub(crate) const fn preceding_rows(self) -> &'static [NeighbourRow] {
        match self {
            Self::Six => const { &[row(0, -1, 0, 0), row(-1, 0, 0, 0)] },
            Self::Eighteen => {
                const { &[row(0, -1, 1, 0), row(-1, -1, 0, 0), row(-1, 0, 1, 0), row(-1, 1, 0, 0)] }
            }
            Self::TwentySix => {
                const {
                    &[
                        row(-1, 0, 1, 0),
                        row(0, -1, 1, 0b1),
                        row(-1, 1, 1, 0b1),
                        row(-1, -1, 1, 0b11),
                    ]
                }
            }
        }
    }
}

impl TryFrom<usize> for Connectivity {
    type Error = Error;

    fn try_from(neighbours: usize) -> Result<Self> {
        match neighbours {
            6 => Ok(Self::Six),
            18 => Ok(Self::Eighteen),
            26 => Ok(Self::TwentySix),
            other => Err(Error::InvalidValue {
                what: "connectivity",
                found: other.to_string(),
                legal: "6, 18, 26",
            }),
        }
    }
}
