//! Zip archives with bounds: how many files, how large each, how much in all.

use std::io::{self, Read, Seek, SeekFrom};

use super::{BoundError, Limits, as_u64, check_output};

/// Length of the tail that can hold the end-of-central-directory record: 22 bytes and a comment of 65,535 at most (APPNOTE 4.3.16).
const TAIL_MAX: u64 = 22 + 65_535;
/// Length of the zip64 end-of-central-directory record up to and including its file count (APPNOTE 4.3.14).
const ZIP64_HEAD: u64 = 40;

/// One file of an archive.
#[derive(Debug)]
pub enum FileInZip<'a> {
    /// The unpacked bytes.
    Bytes {
        /// Path inside the archive.
        name: &'a str,
        /// The file.
        bytes: &'a [u8],
    },
    /// The file could not be unpacked within the limits, or at all; the others go on.
    Bad {
        /// Path inside the archive.
        name: &'a str,
        /// What is wrong with it.
        why: String,
    },
}

/// Why an archive could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ZipReadError {
    /// A limit was hit.
    #[error(transparent)]
    Bound(#[from] BoundError),
    /// The archive has no readable directory.
    #[error("failed to read the directory of the zip archive")]
    Directory(#[source] zip::result::ZipError),
    /// The source failed.
    #[error("failed to read the zip archive")]
    Read(#[from] io::Error),
}

/// Gives every file whose path `wanted` accepts to `each`, in the archive's order. Folders are left out.
///
/// # Errors
/// A limit on the archive as a whole, an unreadable directory, or an I/O error. A single bad file is a [`FileInZip::Bad`].
pub fn each_file_in_zip<R: Read + Seek>(
    mut reader: R,
    limits: &Limits,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(FileInZip<'_>),
) -> Result<(), ZipReadError> {
    let size = reader.seek(SeekFrom::End(0))?;
    if size > limits.input {
        return Err(BoundError::InputTooLarge { limit: limits.input }.into());
    }
    let count = listed_files(&mut reader, size)?;
    if count > limits.files {
        return Err(BoundError::TooManyFiles { count, limit: limits.files }.into());
    }
    reader.seek(SeekFrom::Start(0))?;
    let mut archive = zip::ZipArchive::new(reader).map_err(ZipReadError::Directory)?;
    let mut given_in_all: u64 = 0;
    let mut bytes = Vec::new();
    for index in 0..archive.len() {
        bytes.clear();
        let (name, outcome) = match archive.by_index(index) {
            Ok(mut file) => {
                let name = file.name().map_or_else(|_| format!("file {index}"), |name| name.into_owned());
                if file.is_dir() || !wanted(&name) {
                    continue;
                }
                let packed = file.compressed_size();
                let outcome = unpack(&mut file, packed, limits, &mut bytes);
                (name, outcome)
            }
            // A place outside the file is damage of this entry; any other I/O error is a failing source.
            Err(zip::result::ZipError::Io(err)) if err.kind() != io::ErrorKind::UnexpectedEof => {
                return Err(err.into());
            }
            Err(err) => (format!("file {index}"), Err(err.to_string())),
        };
        given_in_all = given_in_all.saturating_add(as_u64(bytes.len()));
        if given_in_all > limits.unpacked {
            return Err(BoundError::UnpackedTooLarge { limit: limits.unpacked }.into());
        }
        // Files that share their packed bytes unpack to more than the whole archive could.
        check_output(given_in_all, size, limits)?;
        match outcome {
            Ok(()) => each(FileInZip::Bytes { name: &name, bytes: &bytes }),
            Err(why) => each(FileInZip::Bad { name: &name, why }),
        }
    }
    Ok(())
}

fn unpack<R: Read>(file: &mut R, packed: u64, limits: &Limits, bytes: &mut Vec<u8>) -> Result<(), String> {
    let got = file
        .take(limits.record.saturating_add(1))
        .read_to_end(bytes)
        .map_err(|err| format!("file does not unpack: {err}"))?;
    if as_u64(got) > limits.record {
        return Err(BoundError::RecordTooLarge { limit: limits.record }.to_string());
    }
    check_output(as_u64(got), packed, limits).map_err(|bound| bound.to_string())
}

/// The largest file count that any end-of-central-directory record in the tail states. Asked before the directory is read,
/// because reading it takes memory for every file it lists.
fn listed_files<R: Read + Seek>(reader: &mut R, size: u64) -> io::Result<u64> {
    let start = size.saturating_sub(TAIL_MAX);
    reader.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    reader.by_ref().take(TAIL_MAX).read_to_end(&mut tail)?;
    let mut most = 0;
    let mut zip64_places = Vec::new();
    for at in 0..tail.len() {
        let Some(record) = tail.get(at..) else { break };
        if record.starts_with(b"PK\x05\x06") {
            most = most.max(little_endian(record, 10, 2));
        } else if record.starts_with(b"PK\x06\x07") && zip64_places.len() < 16 {
            zip64_places.push(little_endian(record, 8, 8));
        }
    }
    for place in zip64_places {
        if place >= size {
            continue;
        }
        reader.seek(SeekFrom::Start(place))?;
        let mut record = Vec::new();
        reader.by_ref().take(ZIP64_HEAD).read_to_end(&mut record)?;
        if record.starts_with(b"PK\x06\x06") {
            most = most.max(little_endian(&record, 32, 8));
        }
    }
    Ok(most)
}

fn little_endian(bytes: &[u8], at: usize, length: usize) -> u64 {
    let field = bytes.get(at..at.saturating_add(length)).unwrap_or_default();
    field.iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte))
}
