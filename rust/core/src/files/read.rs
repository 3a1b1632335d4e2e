use std::fs::File;
use std::io::{BufRead, BufReader, Error as IoError, ErrorKind, Read, Seek};
use std::path::Path;

use flate2::{Decompress, FlushDecompress, Status};
use libdeflater::Decompressor;

use super::member::{FIRST_BYTE, skip_header, skip_trailer};
use crate::{Error, Result};

const COMPRESSED_BUFFER: usize = 1 << 20;
/// Small enough that the checksum finds in the cache what was just inflated.
const PIECE: usize = 1 << 18;
/// Uncompressed bytes for each byte of a file from which on it is mostly long copies: those go quicker in a stream.
const COPIES: u64 = 16;

/// Inflates the first bytes of a gzip file into `out`.
///
/// The file may have several members. What follows the last byte asked for is left unread, but the
/// checksum of a member that ends there is compared.
///
/// # Errors
/// [`Error::Unreadable`] where the file cannot be opened, is damaged, or ends early; says how many of
/// how many bytes could be read.
pub fn read_gzip(path: &Path, out: &mut [u8]) -> Result<()> {
    let unreadable =
        |reason: String| Error::Unreadable { path: path.display().to_string(), reason };
    let mut file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    match inflate_at_once(&mut file, out) {
        Ok(true) => return Ok(()),
        Ok(false) => {}
        Err(error) => return Err(unreadable(error.to_string())),
    }
    let mut reader = BufReader::with_capacity(COMPRESSED_BUFFER, file);
    let mut target = Target { out, filled: 0, beyond: [0] };
    let fault = match inflate(&mut reader, &mut target) {
        Ok(()) if target.is_full() => return Ok(()),
        Ok(()) => "truncated".into(),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => "truncated".into(),
        Err(error) => format!("damaged ({error})"),
    };
    let expected = target.out.len();
    let found = target.filled.min(expected);
    Err(unreadable(format!("is {fault}: {found} of {expected} bytes could be read")))
}

/// Inflates a file whose first member is what is asked for, and says whether it was such a file.
///
/// A stream tells what is wrong with a damaged one; this does not.
fn inflate_at_once(file: &mut File, out: &mut [u8]) -> std::io::Result<bool> {
    let (compressed, wanted) = (file.metadata()?.len(), out.len() as u64);
    if compressed > wanted || compressed.saturating_mul(COPIES) < wanted {
        return Ok(false);
    }
    let mut bytes = Vec::with_capacity(compressed as usize);
    file.read_to_end(&mut bytes)?;
    file.rewind()?;
    Ok(Decompressor::new().gzip_decompress(&bytes, out) == Ok(out.len()))
}

fn inflate(reader: &mut impl BufRead, target: &mut Target) -> std::io::Result<()> {
    while !target.is_full() && reader.fill_buf()?.first() == Some(&FIRST_BYTE) {
        skip_header(reader)?;
        inflate_member(reader, target)?;
    }
    Ok(())
}

fn inflate_member(reader: &mut impl BufRead, target: &mut Target) -> std::io::Result<()> {
    let mut inflate = Decompress::new(false);
    let mut checksum = crc32fast::Hasher::new();
    while target.filled <= target.out.len() {
        let input = reader.fill_buf()?;
        let space = target.space();
        let (read, written) = (inflate.total_in(), inflate.total_out());
        let status = inflate.decompress(input, space, FlushDecompress::None)?;
        let count = (inflate.total_out() - written) as usize;
        checksum.update(&space[..count]);
        let (used, at_end) = ((inflate.total_in() - read) as usize, input.is_empty());
        reader.consume(used);
        target.filled += count;
        match status {
            Status::StreamEnd => {
                return skip_trailer(reader, checksum.finalize(), inflate.total_out());
            }
            _ if used + count > 0 => {}
            _ if at_end => return Err(ErrorKind::UnexpectedEof.into()),
            _ => return Err(IoError::new(ErrorKind::InvalidData, "deflate stream is stuck")),
        }
    }
    Ok(())
}

/// Where uncompressed bytes go: into `out`, and one more nowhere.
struct Target<'a> {
    out: &'a mut [u8],
    filled: usize,
    beyond: [u8; 1],
}

impl Target<'_> {
    fn is_full(&self) -> bool {
        self.filled >= self.out.len()
    }

    fn space(&mut self) -> &mut [u8] {
        if self.is_full() {
            // Room for a byte too many, so that the decoder can come to the end of its member.
            return &mut self.beyond;
        }
        let stop = self.out.len().min(self.filled + PIECE);
        &mut self.out[self.filled..stop]
    }
}
