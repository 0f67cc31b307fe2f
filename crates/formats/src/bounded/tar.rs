//! Tar archives with bounds: ustar (POSIX.1-1988), pax paths and sizes (POSIX.1-2001), and GNU long names.
//!
//! Only regular files are given on; links, devices and folders are passed over, and nothing is ever written to a disk.

use std::io::{self, Read};

use super::{BoundError, FileInZip, Limits, as_u64};

/// One block.
const BLOCK: u64 = 512;
/// Longest extended header or long name.
const EXTENDED_MAX: u64 = 1 << 20;

/// How an archive ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TarEnd {
    /// At its end mark, or at a border between files.
    Whole,
    /// In the middle, or at something that is not a header.
    Cut(String),
}

/// Whether a document begins like a tar archive.
#[must_use]
pub fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

/// Gives every file whose path `wanted` accepts to `each`, in the archive's order.
///
/// # Errors
/// Too many files, or an I/O error of the reader below (its limits among them). A file over the record limit is a [`FileInZip::Bad`].
pub fn each_file_in_tar<R: Read>(
    reader: &mut R,
    limits: &Limits,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(FileInZip<'_>),
) -> io::Result<TarEnd> {
    let mut header = Vec::new();
    let (mut long_name, mut long_size) = (None, None);
    let mut files = 0_u64;
    loop {
        take(reader, BLOCK, &mut header)?;
        if header.is_empty() || header.iter().all(|b| *b == 0) {
            return Ok(TarEnd::Whole);
        }
        if as_u64(header.len()) < BLOCK || !checksum_fits(&header) {
            return Ok(TarEnd::Cut("archive ends early or a header in it is damaged".to_owned()));
        }
        let Some(size) = number(header.get(124..136).unwrap_or_default()) else {
            return Ok(TarEnd::Cut("a header has no size".to_owned()));
        };
        let size = long_size.take().unwrap_or(size);
        let padded = size.div_ceil(BLOCK).saturating_mul(BLOCK);
        match header.get(156) {
            Some(kind @ (b'x' | b'L')) => {
                let mut body = Vec::new();
                if size > EXTENDED_MAX || !take(reader, padded, &mut body)? {
                    return Ok(TarEnd::Cut("an extended header is cut off or too large".to_owned()));
                }
                body.truncate(usize::try_from(size).unwrap_or(usize::MAX));
                if *kind == b'L' {
                    long_name = Some(text(&body));
                } else {
                    let (name, size) = pax(&body);
                    long_name = name.or(long_name);
                    long_size = size;
                }
            }
            Some(b'0' | 0 | b'7') => {
                files = files.saturating_add(1);
                if files > limits.files {
                    return Err(io::Error::other(BoundError::TooManyFiles { count: files, limit: limits.files }));
                }
                let name = long_name.take().unwrap_or_else(|| name_of(&header));
                if !wanted(&name) {
                    if !skip(reader, padded)? {
                        return Ok(TarEnd::Cut(format!("archive ends in `{name}`")));
                    }
                } else if size > limits.record {
                    let why = BoundError::RecordTooLarge { limit: limits.record }.to_string();
                    each(FileInZip::Bad { name: &name, why });
                    if !skip(reader, padded)? {
                        return Ok(TarEnd::Cut(format!("archive ends in `{name}`")));
                    }
                } else {
                    let mut body = Vec::new();
                    if !take(reader, padded, &mut body)? {
                        each(FileInZip::Bad { name: &name, why: "file is cut off".to_owned() });
                        return Ok(TarEnd::Cut(format!("archive ends in `{name}`")));
                    }
                    body.truncate(usize::try_from(size).unwrap_or(usize::MAX));
                    each(FileInZip::Bytes { name: &name, bytes: &body });
                }
            }
            Some(_folder_link_or_device) => {
                long_name = None;
                if !skip(reader, padded)? {
                    return Ok(TarEnd::Cut("archive ends early".to_owned()));
                }
            }
            None => return Ok(TarEnd::Cut("archive ends early".to_owned())),
        }
    }
}

/// Reads exactly `count` bytes into `into`; false at an early end.
fn take<R: Read>(reader: &mut R, count: u64, into: &mut Vec<u8>) -> io::Result<bool> {
    into.clear();
    Ok(as_u64(reader.by_ref().take(count).read_to_end(into)?) == count)
}

fn skip<R: Read>(reader: &mut R, count: u64) -> io::Result<bool> {
    Ok(io::copy(&mut reader.by_ref().take(count), &mut io::sink())? == count)
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

fn name_of(header: &[u8]) -> String {
    let field = |from: usize, to: usize| text(header.get(from..to).unwrap_or_default());
    let prefix = if header.get(257..263) == Some(b"ustar\0") { field(345, 500) } else { String::new() };
    if prefix.is_empty() { field(0, 100) } else { format!("{prefix}/{}", field(0, 100)) }
}

/// Octal digits, or GNU's base 256 where the first bit is set.
fn number(field: &[u8]) -> Option<u64> {
    match field.split_first() {
        Some((0x80, rest)) => {
            rest.iter().try_fold(0_u64, |value, byte| value.checked_mul(256)?.checked_add(u64::from(*byte)))
        }
        _octal => {
            let digits = text(field);
            let digits = digits.trim();
            if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
        }
    }
}

/// The sum of the header's bytes, its own field counted as blanks.
fn checksum_fits(header: &[u8]) -> bool {
    let stated = number(header.get(148..156).unwrap_or_default());
    let sum: u64 =
        header.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) }).sum();
    stated == Some(sum)
}

/// `path` and `size` of a pax header: records `LENGTH KEY=VALUE\n`.
fn pax(body: &[u8]) -> (Option<String>, Option<u64>) {
    let (mut path, mut size) = (None, None);
    let mut rest = body;
    while let Some(blank) = rest.iter().position(|b| *b == b' ') {
        let length = rest.get(..blank).and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok());
        let Some(length) = length.filter(|length| *length > blank && *length <= rest.len()) else { break };
        let record = rest.get(blank.saturating_add(1)..length).unwrap_or_default();
        let record = String::from_utf8_lossy(record.strip_suffix(b"\n").unwrap_or(record)).into_owned();
        match record.split_once('=') {
            Some(("path", value)) => path = Some(value.to_owned()),
            Some(("size", value)) => size = value.parse().ok(),
            Some(_) | None => {}
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    (path, size)
}
