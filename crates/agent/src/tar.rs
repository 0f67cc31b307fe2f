//! Finds files in a tar stream (POSIX.1-1988 ustar, with GNU long names and POSIX.1-2001 extended headers for paths).
//!
//! Reads once, keeps nothing but the wanted files, and trusts no number in the stream.

use std::io::{self, Read};

/// Block size of the format.
const BLOCK: usize = 512;

/// Longest name or extended header read; paths on Linux are at most 4 KiB.
const NAME_MAX: u64 = 64 << 10;

/// Members looked at before giving up: the biggest packages have about 100,000.
const MEMBERS_MAX: usize = 1_000_000;

/// Reads members until `take` says that it has enough.
///
/// `wanted` is asked with the path (leading `./` removed) and, for wanted regular files, `take` gets the path and at
/// most `file_max` bytes; it answers whether to go on. A symbolic or hard link is never followed.
///
/// # Errors
/// What the reader says, and `InvalidData` for a stream that is not tar.
pub(crate) fn each_file(
    mut from: impl Read,
    file_max: u64,
    mut wanted: impl FnMut(&str) -> bool,
    mut take: impl FnMut(&str, Vec<u8>) -> bool,
) -> io::Result<()> {
    let mut long_name: Option<String> = None;
    for _ in 0..MEMBERS_MAX {
        let mut header = [0; BLOCK];
        if !read_block(&mut from, &mut header)? || header.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        check_sum(&header)?;
        let size = number(field(&header, 124, 12))?;
        let padded = size.checked_next_multiple_of(BLOCK as u64).ok_or_else(|| invalid("a member's size is absurd"))?;
        match header.get(156).copied() {
            // A GNU long name, or an extended header, belongs to the member that follows.
            Some(b'L') => long_name = Some(text(&small(&mut from, size, padded)?)),
            Some(b'x') => {
                let body = small(&mut from, size, padded)?;
                long_name = extended_path(&body).or(long_name);
            }
            Some(b'0' | 0) => {
                let path = long_name.take().unwrap_or_else(|| name(&header));
                let path = path.trim_start_matches("./").trim_start_matches('/');
                if wanted(path) {
                    let body = body(&mut from, size.min(file_max), padded)?;
                    if !take(path, body) {
                        return Ok(());
                    }
                } else {
                    skip(&mut from, padded)?;
                }
            }
            Some(_) | None => {
                long_name = None;
                skip(&mut from, padded)?;
            }
        }
    }
    Err(invalid("the archive has too many members"))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// A whole block, or false at the clean end of the stream.
fn read_block(from: &mut impl Read, block: &mut [u8; BLOCK]) -> io::Result<bool> {
    let mut at = 0;
    while let Some(rest) = block.get_mut(at..).filter(|rest| !rest.is_empty()) {
        match from.read(rest)? {
            0 if at == 0 => return Ok(false),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => at += n,
        }
    }
    Ok(true)
}

/// The sum of all header bytes, with the sum's own field read as blanks.
fn check_sum(header: &[u8; BLOCK]) -> io::Result<()> {
    let told = number(field(header, 148, 8))?;
    let sum: u64 = header
        .iter()
        .enumerate()
        .map(|(at, byte)| if (148..156).contains(&at) { u64::from(b' ') } else { u64::from(*byte) })
        .sum();
    if told == sum { Ok(()) } else { Err(invalid("a header's checksum is wrong: not a tar stream")) }
}

fn field(header: &[u8; BLOCK], at: usize, len: usize) -> &[u8] {
    header.get(at..at + len).unwrap_or_default()
}

/// Octal digits, or GNU's big-endian form with the top bit set.
fn number(field: &[u8]) -> io::Result<u64> {
    if let Some((first, rest)) = field.split_first()
        && first & 0x80 != 0
    {
        let mut value = u64::from(first & 0x3f);
        for byte in rest {
            value = value
                .checked_mul(256)
                .and_then(|v| v.checked_add(u64::from(*byte)))
                .ok_or_else(|| invalid("a member's size is absurd"))?;
        }
        return Ok(value);
    }
    let digits = text(field);
    let digits = digits.trim();
    if digits.is_empty() {
        return Ok(0);
    }
    u64::from_str_radix(digits, 8).map_err(|_| invalid("a number in a header is not octal"))
}

/// Bytes up to the first NUL.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0);
    let bytes = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or(bytes);
    String::from_utf8_lossy(bytes).into_owned()
}

fn name(header: &[u8; BLOCK]) -> String {
    let name = text(field(header, 0, 100));
    let ustar = field(header, 257, 5) == b"ustar";
    // Old GNU archives keep times where POSIX keeps the prefix; they have a blank after the magic.
    let posix = ustar && field(header, 262, 1) == b"\0";
    let prefix = text(field(header, 345, 155));
    if posix && !prefix.is_empty() { format!("{prefix}/{name}") } else { name }
}

/// The `path` record of an extended header: `LENGTH path=VALUE\n`.
fn extended_path(body: &[u8]) -> Option<String> {
    let mut rest = body;
    let mut path = None;
    while let Some(space) = rest.iter().position(|byte| *byte == b' ') {
        let length: usize = text(rest.get(..space)?).parse().ok()?;
        let record = rest.get(space + 1..length)?;
        if let Some(value) = record.strip_prefix(b"path=") {
            path = Some(text(value.strip_suffix(b"\n").unwrap_or(value)));
        }
        rest = rest.get(length..)?;
    }
    path
}

fn small(from: &mut impl Read, size: u64, padded: u64) -> io::Result<Vec<u8>> {
    if size > NAME_MAX {
        return Err(invalid("a member's name is too long"));
    }
    body(from, size, padded)
}

/// The first `keep` bytes of a member; the rest of its blocks is skipped.
fn body(from: &mut impl Read, keep: u64, padded: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(keep).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len < keep) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    skip(from, padded - keep)?;
    Ok(bytes)
}

fn skip(from: &mut impl Read, bytes: u64) -> io::Result<()> {
    let skipped = io::copy(&mut from.take(bytes), &mut io::sink())?;
    if skipped == bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(path: &str, kind: u8, body: &[u8]) -> Vec<u8> {
        let mut header = [0_u8; BLOCK];
        header[..path.len()].copy_from_slice(path.as_bytes());
        let size = format!("{:011o}", body.len());
        header[124..135].copy_from_slice(size.as_bytes());
        header[156] = kind;
        header[257..263].copy_from_slice(b"ustar\0");
        header[148..156].copy_from_slice(b"        ");
        let sum: u64 = header.iter().map(|b| u64::from(*b)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        let mut out = header.to_vec();
        out.extend_from_slice(body);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
        out
    }

    fn files(tar: &[u8], max: u64) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut out = Vec::new();
        each_file(
            tar,
            max,
            |path| path.ends_with(".gz"),
            |path, body| {
                out.push((path.to_owned(), body));
                true
            },
        )?;
        Ok(out)
    }

    #[test]
    fn wanted_files_come_out_and_links_do_not() {
        let long = format!("./usr/share/doc/{}/changelog.gz", "p".repeat(120));
        let pax = format!("{} path={long}\n", long.len() + 10);
        assert_eq!(pax.len(), long.len() + 10, "the record counts itself");
        let tar = [
            member("./", b'5', b""),
            member("./etc/x", b'0', &[7; 700]),
            member("./usr/a.gz", b'0', b"first"),
            member("./usr/link.gz", b'2', b""),
            member("././@LongLink", b'L', long.as_bytes()),
            member("./usr/share/doc/cut", b'0', b"second"),
            member("./PaxHeaders/x", b'x', pax.as_bytes()),
            member("./usr/share/doc/cut", 0, b"third"),
            vec![0; 1024],
        ]
        .concat();
        let found = files(&tar, 4).unwrap();
        let long = long.trim_start_matches("./");
        assert_eq!(
            found,
            [
                ("usr/a.gz".to_owned(), b"firs".to_vec()),
                (long.to_owned(), b"seco".to_vec()),
                (long.to_owned(), b"thir".to_vec()),
            ]
        );
    }

    #[test]
    fn damage_is_an_error_not_a_surprise() {
        let tar = member("./usr/a.gz", b'0', b"first");
        let mut flipped = tar.clone();
        flipped[3] ^= 1;
        assert!(files(&flipped, 100).is_err());
        assert!(files(&tar[..600], 100).is_err());
        assert!(files(&tar[..100], 100).is_err());
        assert!(files(b"", 100).unwrap().is_empty());
        let mut huge = tar;
        huge[124..136].copy_from_slice(&[0xff; 12]);
        assert!(files(&huge, 100).is_err());
    }
}
