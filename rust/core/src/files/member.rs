//! What stands around the compressed bytes of a gzip member (RFC 1952).

use std::io::{BufRead, Error, ErrorKind, Read, Result};

/// What every member begins with.
pub(super) const FIRST_BYTE: u8 = 0x1f;

/// A header without name, time or anything else that differs between two runs.
pub(super) const HEADER: [u8; 10] = [FIRST_BYTE, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

const HEADER_CHECKSUM: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;

/// Returns the trailer of a member of `length` bytes.
pub(super) fn trailer(checksum: u32, length: u64) -> [u8; 8] {
    let mut trailer = [0; 8];
    trailer[..4].copy_from_slice(&checksum.to_le_bytes());
    // The format keeps the length modulo 2^32.
    trailer[4..].copy_from_slice(&(length as u32).to_le_bytes());
    trailer
}

pub(super) fn skip_header(reader: &mut impl BufRead) -> Result<()> {
    let mut fixed = HEADER;
    reader.read_exact(&mut fixed)?;
    if fixed[..3] != HEADER[..3] {
        return Err(Error::new(ErrorKind::InvalidData, "no gzip header"));
    }
    let flags = fixed[3];
    if flags & EXTRA != 0 {
        let mut length = [0; 2];
        reader.read_exact(&mut length)?;
        skip_bytes(reader, u16::from_le_bytes(length).into())?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            reader.skip_until(0)?;
        }
    }
    skip_bytes(reader, if flags & HEADER_CHECKSUM != 0 { 2 } else { 0 })
}

pub(super) fn skip_trailer(reader: &mut impl BufRead, checksum: u32, length: u64) -> Result<()> {
    let mut found = [0; 8];
    reader.read_exact(&mut found)?;
    if found == trailer(checksum, length) {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::InvalidData, "checksum or length differs"))
    }
}

fn skip_bytes(reader: &mut impl BufRead, count: u64) -> Result<()> {
    std::io::copy(&mut reader.take(count), &mut std::io::sink()).map(|_| ())
}
