//! Tar archives with bounds (POSIX.1-2001 `pax`, `ustar`, and the GNU long names and sizes), read as a stream.

use std::io::{self, Read};

use super::{BoundError, Intake, Limits, as_u64};

/// Bytes of a header and of the grid that contents are padded to.
const BLOCK: u64 = 512;
/// Longest name or extended header that is kept, in bytes.
const NAME_MAX: u64 = 64 << 10;

/// One file of an archive.
#[derive(Debug)]
pub enum FileInTar<'a> {
    /// The bytes.
    Bytes {
        /// Path inside the archive.
        name: &'a str,
        /// The file.
        bytes: &'a [u8],
    },
    /// The file is larger than a record may be, or cut off; it is skipped.
    Bad {
        /// Path inside the archive.
        name: &'a str,
        /// What is wrong with it.
        why: String,
    },
}

/// How an archive ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TarEnd {
    /// With its end mark, or at the end of a block as some writers leave it.
    Whole,
    /// In the middle, or with something that is no header; files after this place are not known.
    Cut(String),
}

/// Whether the first bytes of a document are a tar header.
#[must_use]
pub fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

/// Gives every plain file whose path `wanted` accepts to `each`, in the archive's order.
///
/// # Errors
/// The limit on the number of files, as an I/O error of the reader's watch, or an I/O error of the source.
pub fn each_file_in_tar(
    reader: &mut Intake<'_>,
    limits: &Limits,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(FileInTar<'_>),
) -> io::Result<TarEnd> {
    let watch = reader.watch();
    let mut next_name: Option<String> = None;
    let mut next_size: Option<u64> = None;
    let mut count = 0_u64;
    let mut bytes = Vec::new();
    loop {
        let header = super::peek(reader, BLOCK)?;
        if header.is_empty() {
            return Ok(watch.cut().map_or(TarEnd::Whole, TarEnd::Cut));
        }
        if as_u64(header.len()) < BLOCK {
            return Ok(TarEnd::Cut("tar archive ends inside of a header".to_owned()));
        }
        if header.iter().all(|b| *b == 0) {
            return Ok(TarEnd::Whole);
        }
        if !checksum_holds(&header) {
            return Ok(TarEnd::Cut("tar header is damaged".to_owned()));
        }
        let kind = header.get(156).copied().unwrap_or_default();
        let stated = number(header.get(124..136).unwrap_or_default());
        let Some(size) = next_size.take().or(stated) else {
            return Ok(TarEnd::Cut("tar header has no readable size".to_owned()));
        };
        let padding = (BLOCK - size % BLOCK) % BLOCK;
        match kind {
            b'L' | b'x' => {
                bytes.clear();
                let got = reader.by_ref().take(size.min(NAME_MAX)).read_to_end(&mut bytes)?;
                skip(reader, size.saturating_sub(as_u64(got)).saturating_add(padding))?;
                if kind == b'L' {
                    next_name = Some(String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned());
                } else {
                    for (key, value) in pax(&bytes) {
                        match key.as_str() {
                            "path" => next_name = Some(value),
                            "size" => next_size = value.parse().ok(),
                            _ => {}
                        }
                    }
                }
            }
            b'0' | 0 | b'7' => {
                count = count.saturating_add(1);
                if count > limits.files {
                    return Err(watch.refuse(BoundError::TooManyFiles { count, limit: limits.files }));
                }
                let name = next_name.take().unwrap_or_else(|| short_name(&header));
                if !wanted(&name) {
                    skip(reader, size.saturating_add(padding))?;
                    continue;
                }
                if size > limits.record {
                    let why = BoundError::RecordTooLarge { limit: limits.record }.to_string();
                    each(FileInTar::Bad { name: &name, why });
                    skip(reader, size.saturating_add(padding))?;
                    continue;
                }
                bytes.clear();
                let got = reader.by_ref().take(size).read_to_end(&mut bytes)?;
                if as_u64(got) < size {
                    each(FileInTar::Bad { name: &name, why: "file is cut off".to_owned() });
                    return Ok(TarEnd::Cut(watch.cut().unwrap_or_else(|| "tar archive ends early".to_owned())));
                }
                each(FileInTar::Bytes { name: &name, bytes: &bytes });
                skip(reader, padding)?;
            }
            _folder_link_or_extension => {
                // A global header (`g`) has no file of its own: names for the next file stay.
                if kind != b'g' {
                    next_name = None;
                }
                skip(reader, size.saturating_add(padding))?;
            }
        }
    }
}

fn skip<R: Read>(reader: &mut R, count: u64) -> io::Result<()> {
    io::copy(&mut reader.by_ref().take(count), &mut io::sink()).map(|_| ())
}

fn short_name(header: &[u8]) -> String {
    let text = |from: usize, to: usize| {
        let field = header.get(from..to).unwrap_or_default();
        let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
        String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
    };
    let (name, prefix) = (text(0, 100), text(345, 500));
    // GNU tar keeps times where ustar keeps the prefix; its magic has a blank there.
    let posix = header.get(257..263) == Some(b"ustar\0");
    if posix && !prefix.is_empty() { format!("{prefix}/{name}") } else { name }
}

/// Octal digits, or a big-endian number when the first bit is set (GNU).
fn number(field: &[u8]) -> Option<u64> {
    if let Some((first, rest)) = field.split_first()
        && first & 0x80 != 0
    {
        let start = u64::from(first & 0x7f);
        return rest.iter().try_fold(start, |value, byte| (value >> 56 == 0).then(|| (value << 8) | u64::from(*byte)));
    }
    let text = std::str::from_utf8(field).ok()?;
    let digits = text.trim_matches(|c: char| c == '\0' || c == ' ');
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// The sum of all header bytes with the checksum field as blanks (POSIX `ustar`).
fn checksum_holds(header: &[u8]) -> bool {
    let stated = number(header.get(148..156).unwrap_or_default());
    let sum: u64 =
        header.iter().enumerate().map(|(at, b)| if (148..156).contains(&at) { 32 } else { u64::from(*b) }).sum();
    stated == Some(sum)
}

/// Records of an extended header: `LENGTH KEY=VALUE\n`.
fn pax(mut bytes: &[u8]) -> Vec<(String, String)> {
    let mut out = Vec::new();
    while let Some(blank) = bytes.iter().position(|b| *b == b' ') {
        let length = std::str::from_utf8(bytes.get(..blank).unwrap_or_default()).ok().and_then(|n| n.parse().ok());
        let Some(length) = length.filter(|n: &usize| *n > blank && *n <= bytes.len()) else { break };
        let record = bytes.get(blank + 1..length).unwrap_or_default();
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        if let Some(equals) = record.iter().position(|b| *b == b'=') {
            let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
            out.push((
                text(record.get(..equals).unwrap_or_default()),
                text(record.get(equals + 1..).unwrap_or_default()),
            ));
        }
        bytes = bytes.get(length..).unwrap_or_default();
    }
    out
}
