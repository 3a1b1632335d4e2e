use std::fs::File;
use std::io::{BufRead, BufReader, Error as IoError, ErrorKind};
use std::path::Path;

use flate2::{Decompress, FlushDecompress, Status};

use super::member::{FIRST_BYTE, skip_header, skip_trailer};
use crate::{Error, Result};

const COMPRESSED_BUFFER: usize = 1 << 20;
/// Small enough that the checksum finds in the cache what was just inflated.
const PIECE: usize = 1 << 18;
const SCRATCH: usize = 512;

/// Inflates a gzip file into `out`, after the first `skip` of its uncompressed bytes.
///
/// The file may have several members. What follows the last byte asked for is left unread, but the
/// checksum of a member that ends there is compared.
///
/// # Errors
/// [`Error::Unreadable`] where the file cannot be opened, is damaged, or ends early; says how many of
/// how many bytes could be read.
pub fn read_gzip(path: &Path, out: &mut [u8], skip: usize) -> Result<()> {
    let unreadable =
        |reason: String| Error::Unreadable { path: path.display().to_string(), reason };
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let mut reader = BufReader::with_capacity(COMPRESSED_BUFFER, file);
    let mut target = Target { out, skip, filled: 0, scratch: [0; SCRATCH] };
    let fault = match inflate(&mut reader, &mut target) {
        Ok(()) if target.is_full() => return Ok(()),
        Ok(()) => "truncated".into(),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => "truncated".into(),
        Err(error) => format!("damaged ({error})"),
    };
    let (found, expected) = (target.filled.min(target.expected()), target.expected());
    Err(unreadable(format!("is {fault}: {found} of {expected} bytes could be read")))
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
    while target.filled <= target.expected() {
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

/// Where uncompressed bytes go: the first `skip` nowhere, then into `out`, and one more nowhere.
struct Target<'a> {
    out: &'a mut [u8],
    skip: usize,
    filled: usize,
    scratch: [u8; SCRATCH],
}

impl Target<'_> {
    fn expected(&self) -> usize {
        self.skip.saturating_add(self.out.len())
    }

    fn is_full(&self) -> bool {
        self.filled >= self.expected()
    }

    fn space(&mut self) -> &mut [u8] {
        if self.filled < self.skip {
            let wanted = SCRATCH.min(self.skip - self.filled);
            &mut self.scratch[..wanted]
        } else if self.is_full() {
            // Room for a byte too many, so that the decoder can come to the end of its member.
            &mut self.scratch[..1]
        } else {
            let start = self.filled - self.skip;
            let stop = self.out.len().min(start + PIECE);
            &mut self.out[start..stop]
        }
    }
}
