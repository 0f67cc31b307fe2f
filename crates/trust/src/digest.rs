//! Digests of readers.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256, Sha512};

/// Bytes read at once.
const CHUNK: usize = 64 * 1_024;

/// What was read, without keeping it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Bytes.
    pub size: u64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
    /// SHA-512, lower-case hex.
    pub sha512: String,
}

/// Reads to the end, or one byte past `max`: then `size` is larger than `max` and the digests are of that beginning.
///
/// # Errors
/// What the reader says.
pub fn measure(reader: &mut dyn Read, max: u64) -> io::Result<Measured> {
    let (mut short, mut long, mut size) = (Sha256::new(), Sha512::new(), 0u64);
    let mut buffer = vec![0u8; CHUNK];
    let mut reader = reader.take(max.saturating_add(1));
    loop {
        let got = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = buffer.get(..got).unwrap_or_default();
        short.update(bytes);
        long.update(bytes);
        size = size.saturating_add(u64::try_from(got).unwrap_or(u64::MAX));
    }
    Ok(Measured { size, sha256: hex::encode(short.finalize()), sha512: hex::encode(long.finalize()) })
}

/// SHA-256 of bytes, lower-case hex.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Reads a whole document of at most `max` bytes.
///
/// # Errors
/// What the reader says, and an error for a document that is larger.
pub fn read_at_most(reader: &mut dyn Read, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let got = reader.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(got).unwrap_or(u64::MAX) > max {
        return Err(io::Error::other(format!("larger than {max} bytes")));
    }
    Ok(bytes)
}
