//! `Packages` indexes: unpacking, and what they say about each package (deb-control fields, `apt-ftparchive(1)`).

use std::collections::BTreeSet;
use std::io::{self, Read};

use patchwright_formats::bounded::{self, Limits};

use crate::{INDEX_MAX, digest};

/// Endings in the order they are looked for: the smallest first.
pub const ENDINGS: &[&str] = &[".xz", ".zst", ".gz", ""];

/// Unpacks an index by its magic number: gzip, zstd, xz or none. To be called on verified bytes only.
///
/// # Errors
/// Damage, and anything over [`INDEX_MAX`] bytes.
pub fn unpack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    if bytes.starts_with(b"\xfd7zXZ\x00") {
        return digest::read_at_most(&mut lzma_rust2::XzReader::new(bytes, true), INDEX_MAX);
    }
    let limits = Limits { unpacked: INDEX_MAX, record: INDEX_MAX, ..Limits::default() };
    let whole = bounded::read_whole(bytes, &limits)?;
    match whole.cut {
        None => Ok(whole.bytes),
        Some(why) => Err(io::Error::other(why)),
    }
}

/// Unpacks a reader of a packed index by its magic number.
///
/// # Errors
/// As [`unpack`].
pub fn unpack_reader(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    unpack(&digest::read_at_most(reader, INDEX_MAX)?)
}

/// What an index says about one package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedPackage {
    /// `Package`.
    pub package: String,
    /// `Version`.
    pub version: String,
    /// `Architecture`.
    pub architecture: String,
    /// `Filename`, from the root of the repository.
    pub filename: String,
    /// `Size` in bytes.
    pub size: Option<u64>,
    /// `SHA256`, lower-case hex.
    pub sha256: Option<String>,
    /// Digests that are listed and can be forged.
    pub weak: BTreeSet<String>,
}

impl ListedPackage {
    /// `openssl 3.0.20-1~deb12u2 amd64`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} {} {}", self.package, self.version, self.architecture)
    }

    /// Name of the file without its folders.
    #[must_use]
    pub fn file(&self) -> &str {
        self.filename.rsplit('/').next().unwrap_or_default()
    }
}

/// The packages of an unpacked index, in its order. A stanza without `Filename` is none.
pub fn packages(index: &[u8]) -> impl Iterator<Item = ListedPackage> {
    let mut lines = index.split(|b| *b == b'\n');
    let mut ended = false;
    std::iter::from_fn(move || {
        let mut found = ListedPackage::default();
        while !ended {
            let Some(line) = lines.next() else {
                ended = true;
                break;
            };
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                if !found.filename.is_empty() {
                    return Some(found);
                }
                found = ListedPackage::default();
                continue;
            }
            field(&mut found, line);
        }
        (!found.filename.is_empty()).then_some(found)
    })
}

fn field(found: &mut ListedPackage, line: &[u8]) {
    let Some(colon) = line.iter().position(|b| *b == b':') else { return };
    let (key, value) = line.split_at(colon);
    let text = || String::from_utf8_lossy(value.get(1..).unwrap_or_default()).trim().to_owned();
    match key {
        b"Package" => found.package = text(),
        b"Version" => found.version = text(),
        b"Architecture" => found.architecture = text(),
        b"Filename" => found.filename = text().trim_start_matches("./").to_owned(),
        b"Size" => found.size = text().parse().ok(),
        b"SHA256" => found.sha256 = Some(text().to_ascii_lowercase()),
        b"MD5sum" | b"SHA1" => {
            found.weak.insert(String::from_utf8_lossy(key).to_uppercase());
        }
        _ => {}
    }
}
