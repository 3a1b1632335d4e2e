/// What a kernel refuses, and why.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// An array does not have the shape that its role asks for.
    #[error("{what} has shape {found:?}, expected {expected:?}")]
    ShapeMismatch {
        /// The array's role.
        what: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// The legal shape.
        expected: Vec<usize>,
    },
    /// A region leaves the grid it belongs to.
    #[error(
        "{what} starts at {start:?} with shape {extent:?}, outside the grid of shape {shape:?}"
    )]
    OutsideGrid {
        /// The region's role.
        what: &'static str,
        /// Its first voxel.
        start: [usize; 3],
        /// Its size.
        extent: [usize; 3],
        /// The grid's size.
        shape: [usize; 3],
    },
    /// A value is outside its legal range.
    #[error("{what} is {found}; legal: {legal}")]
    InvalidValue {
        /// The argument.
        what: &'static str,
        /// What was passed.
        found: String,
        /// What may be passed.
        legal: &'static str,
    },
    /// A file cannot be read, or does not hold what was asked for.
    #[error("{path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The result of a kernel.
pub type Result<T> = std::result::Result<T, Error>;
