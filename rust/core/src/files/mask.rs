use std::ops::BitOr;

use flate2::{Compress, Compression, FlushCompress, Status};
use ndarray::{ArrayView3, CowArray, Ix3};
use rayon::prelude::*;

use super::member::{HEADER, trailer};
use crate::{Error, Region, Result, Shape};

/// Uncompressed bytes of a member that holds voxels.
const BLOCK: usize = 1 << 15;
/// Blocks of zeros that one member stands for where a long run of them comes.
const RUN: usize = 32;
const LEVEL: u32 = 2;

/// A number that says which lesion a voxel belongs to.
pub trait Label: Copy + Default + PartialEq + BitOr<Output = Self> + Send + Sync {
    /// Writes the number, least significant byte first, into as many bytes as it has.
    fn write(self, bytes: &mut [u8]);
}

impl Label for u8 {
    fn write(self, bytes: &mut [u8]) {
        bytes[0] = self;
    }
}

impl Label for u16 {
    fn write(self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.to_le_bytes());
    }
}

/// Returns a gzip file of `header` and a grid of `shape` that is zero outside `region`.
///
/// The file is a row of gzip members, each for a block of bytes; blocks of zeros share one constant
/// member, so that the cost is that of the blocks that hold a label.
///
/// # Errors
/// [`Error::OutsideGrid`](crate::Error::OutsideGrid) where the region, which begins at `start`, leaves
/// the grid.
///
/// ```
/// use lesionlocator_core::files::compress_mask;
/// use ndarray::arr3;
/// let region = arr3(&[[[7_u8]]]);
/// let file = compress_mask(region.view(), b"head", [1, 1, 3], [0, 0, 1]).unwrap();
/// assert_eq!(&file[..2], [0x1f, 0x8b]);
/// ```
pub fn compress_mask<T: Label>(
    region: ArrayView3<T>,
    header: &[u8],
    shape: Shape,
    start: [usize; 3],
) -> Result<Vec<u8>> {
    let extent = [region.dim().0, region.dim().1, region.dim().2];
    let place = Region::new("region", start, extent, shape)?;
    let total = total_bytes(shape, size_of::<T>())?;
    let placed = Placed { region: region.as_standard_layout(), place };
    let blocks: Vec<Option<Vec<u8>>> = (0..total.div_ceil(BLOCK))
        .into_par_iter()
        .map_init(
            || (Gzip::new(), vec![0; BLOCK]),
            |(gzip, bytes), block| {
                let first = block * BLOCK;
                let bytes = &mut bytes[..BLOCK.min(total - first)];
                placed.fill(bytes, first).then(|| gzip.member(bytes))
            },
        )
        .collect();
    let mut file = Gzip::new().member(header);
    append(&mut file, &blocks, total);
    Ok(file)
}

/// Appends the members of all blocks; runs of blocks without labels as few members of zeros.
fn append(file: &mut Vec<u8>, blocks: &[Option<Vec<u8>>], total: usize) {
    let mut gzip = Gzip::new();
    let mut zeros = |bytes: usize| gzip.member(&vec![0; bytes]);
    let (one, run) = (zeros(BLOCK), zeros(RUN * BLOCK));
    let whole = total / BLOCK;
    let last = zeros(total % BLOCK);
    let mut block = 0;
    while block < blocks.len() {
        let free = blocks[block..whole.max(block)].iter().take(RUN).take_while(|b| b.is_none());
        let (member, step) = match &blocks[block] {
            Some(member) => (member, 1),
            None if free.count() == RUN => (&run, RUN),
            None if block < whole => (&one, 1),
            None => (&last, 1),
        };
        file.extend_from_slice(member);
        block += step;
    }
}

fn total_bytes(shape: Shape, size: usize) -> Result<usize> {
    let product = shape.iter().try_fold(size, |product, &n| product.checked_mul(n));
    product.ok_or_else(|| Error::InvalidValue {
        what: "shape",
        found: format!("{shape:?}"),
        legal: "a grid that can be addressed",
    })
}

/// A block of labels in the grid that it belongs to.
struct Placed<'a, T> {
    region: CowArray<'a, T, Ix3>,
    place: Region,
}

impl<T: Label> Placed<'_, T> {
    /// Writes the grid's bytes from byte `first` on, and says whether one of them is not zero.
    ///
    /// What was in `bytes` is lost; where the answer is no, they may be anything.
    fn fill(&self, bytes: &mut [u8], first: usize) -> bool {
        let size = size_of::<T>();
        let (begin, end) = (first / size, (first + bytes.len()) / size);
        let mut found = false;
        for (voxel, labels) in self.pieces(begin, end) {
            if is_background(labels) {
                continue;
            }
            if !found {
                bytes.fill(0);
                found = true;
            }
            let place = &mut bytes[(voxel - begin) * size..][..size_of_val(labels)];
            for (label, bytes) in labels.iter().zip(place.chunks_exact_mut(size)) {
                label.write(bytes);
            }
        }
        found
    }

    /// The parts of the region's rows in voxels `begin..end` of the grid, each with its first voxel.
    fn pieces(&self, begin: usize, end: usize) -> impl Iterator<Item = (usize, &[T])> {
        let ([z0, y0, x0], [depth, height, width]) = (self.place.start(), self.place.extent());
        let [_, rows, columns] = self.place.shape();
        let labels = self.region.as_slice().unwrap_or_default();
        let first_row = (begin / columns).max(z0 * rows);
        let last_row = end.div_ceil(columns).min((z0 + depth) * rows);
        let inside =
            (first_row..last_row).filter(move |row| (y0..y0 + height).contains(&(row % rows)));
        inside.filter_map(move |row| {
            let in_region = (row / rows - z0) * height + row % rows - y0;
            let origin = row * columns + x0;
            let (from, to) = (begin.max(origin), end.min(origin + width));
            let start = in_region * width + from.saturating_sub(origin);
            (from < to).then(|| (from, &labels[start..start + to - from]))
        })
    }
}

fn is_background<T: Label>(labels: &[T]) -> bool {
    let any =
        |part: &[T]| part.iter().fold(T::default(), |all, &label| all | label) != T::default();
    !labels.chunks(64).any(any)
}

/// Compresses one gzip member after another.
struct Gzip {
    deflate: Compress,
}

impl Gzip {
    fn new() -> Self {
        Gzip { deflate: Compress::new(Compression::new(LEVEL), false) }
    }

    fn member(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = HEADER.to_vec();
        self.deflate.reset();
        // Room for bytes that cannot be compressed: five more for each stored block.
        out.reserve(bytes.len() + bytes.len() / 1024 + 64);
        loop {
            let rest = &bytes[self.deflate.total_in() as usize..];
            match self.deflate.compress_vec(rest, &mut out, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => break,
                Ok(_) => out.reserve(bytes.len() / 8 + 64),
                Err(error) => unreachable!("deflate takes any bytes: {error}"),
            }
        }
        out.extend_from_slice(&trailer(crc32fast::hash(bytes), bytes.len() as u64));
        out
    }
}
