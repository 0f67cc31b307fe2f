//! The outer shape of a chunk: magic, a header that names sections, then the sections, all little-endian.
//!
//! ```text
//! 0   8  magic "PWINTEL1"
//! 8   4  header length H
//! 12  H  header: JSON {"sections":[["name",offset,length],…]}; offsets count from the end of the header
//! 12+H   sections, one after the other
//! ```

use serde::{Deserialize, Serialize};

/// First bytes of every chunk; the digit is the format version.
pub const MAGIC: &[u8; 8] = b"PWINTEL1";

/// Largest header a reader accepts: a few sections with short names.
const HEADER_MAX: usize = 64 * 1024;

/// Largest section a reader takes into memory at once. The largest real one (EPSS, 400,000 rows) is under 8 MB.
const SECTION_MAX: u64 = 1 << 30;

/// A chunk cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ChunkError {
    /// The bytes could not be fetched.
    #[error("failed to read {len} bytes at {offset}: {why}")]
    Read {
        /// Where.
        offset: u64,
        /// How many.
        len: usize,
        /// The reader's words.
        why: String,
    },
    /// The bytes are not a chunk, or not one of this version.
    #[error("not a chunk of format 1: {0}")]
    Format(&'static str),
    /// A section that this kind of chunk must have is missing.
    #[error("the chunk has no section `{0}`")]
    Missing(&'static str),
    /// An offset points outside its section.
    #[error("the chunk is damaged: {0}")]
    Damaged(&'static str),
}

/// Positioned reads: a file, or bytes in memory.
pub trait ReadAt {
    /// Reads exactly `len` bytes at `offset`.
    ///
    /// # Errors
    /// [`ChunkError::Read`] when the source is shorter or cannot be read.
    fn read_at(&self, offset: u64, len: usize) -> Result<Vec<u8>, ChunkError>;
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, offset: u64, len: usize) -> Result<Vec<u8>, ChunkError> {
        let start = usize::try_from(offset).map_err(|_| ChunkError::Damaged("offset over the address space"))?;
        start
            .checked_add(len)
            .and_then(|end| self.get(start..end))
            .map(<[u8]>::to_vec)
            .ok_or_else(|| ChunkError::Read { offset, len, why: "the chunk is shorter".to_owned() })
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    sections: Vec<(String, u64, u64)>,
}

/// Puts sections together into a chunk.
#[derive(Default)]
pub(super) struct Writer {
    sections: Vec<(String, Vec<u8>)>,
}

impl Writer {
    pub(super) fn section(&mut self, name: &str, bytes: Vec<u8>) {
        self.sections.push((name.to_owned(), bytes));
    }

    pub(super) fn finish(self) -> Vec<u8> {
        let mut offset = 0u64;
        let mut header = Header { sections: Vec::new() };
        for (name, bytes) in &self.sections {
            let len = bytes.len() as u64;
            header.sections.push((name.clone(), offset, len));
            offset += len;
        }
        let json = serde_json::to_vec(&header).unwrap_or_default();
        let mut out = Vec::with_capacity(12 + json.len() + usize::try_from(offset).unwrap_or(0));
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&u32::try_from(json.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&json);
        for (_, bytes) in &self.sections {
            out.extend_from_slice(bytes);
        }
        out
    }
}

/// Finds sections in a chunk.
pub(super) struct Reader<R> {
    source: R,
    base: u64,
    header: Header,
}

impl<R: ReadAt> Reader<R> {
    pub(super) fn open(source: R) -> Result<Self, ChunkError> {
        let start = source.read_at(0, 12)?;
        if start.get(..8) != Some(MAGIC.as_slice()) {
            return Err(ChunkError::Format("the first bytes are not `PWINTEL1`"));
        }
        let len = u32_at(&start, 8).ok_or(ChunkError::Format("too short"))? as usize;
        if len > HEADER_MAX {
            return Err(ChunkError::Format("the header is too long"));
        }
        let json = source.read_at(12, len)?;
        let header: Header =
            serde_json::from_slice(&json).map_err(|_| ChunkError::Format("the header is not the expected JSON"))?;
        Ok(Self { source, base: 12 + len as u64, header })
    }

    fn find(&self, name: &'static str) -> Result<(u64, u64), ChunkError> {
        self.header
            .sections
            .iter()
            .find(|(n, _, _)| n == name)
            .map(|(_, offset, len)| (*offset, *len))
            .ok_or(ChunkError::Missing(name))
    }

    pub(super) fn section_len(&self, name: &'static str) -> Result<u64, ChunkError> {
        self.find(name).map(|(_, len)| len)
    }

    /// The whole section.
    pub(super) fn section(&self, name: &'static str) -> Result<Vec<u8>, ChunkError> {
        let (offset, len) = self.find(name)?;
        if len > SECTION_MAX {
            return Err(ChunkError::Damaged("a section is larger than any real one"));
        }
        let len = usize::try_from(len).map_err(|_| ChunkError::Damaged("section length"))?;
        self.source.read_at(self.base.saturating_add(offset), len)
    }

    /// `len` bytes at `at` inside the section.
    pub(super) fn part(&self, name: &'static str, at: u64, len: usize) -> Result<Vec<u8>, ChunkError> {
        let (offset, section) = self.find(name)?;
        if at.saturating_add(len as u64) > section {
            return Err(ChunkError::Damaged("a position outside its section"));
        }
        self.source.read_at(self.base.saturating_add(offset).saturating_add(at), len)
    }
}

/// The little-endian `u32` at byte `at`.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let part: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(u32::from_le_bytes(part))
}

/// The little-endian `u64` at byte `at`.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let part: [u8; 8] = bytes.get(at..at.checked_add(8)?)?.try_into().ok()?;
    Some(u64::from_le_bytes(part))
}

/// Distinct byte strings, sorted, with a reference each. Sorted, so that compilation is deterministic.
#[derive(Default)]
pub(super) struct Strings {
    set: std::collections::BTreeMap<Vec<u8>, u32>,
}

/// The reference that means "nothing".
pub(super) const NONE: u32 = u32::MAX;

impl Strings {
    pub(super) fn add(&mut self, text: &[u8]) {
        if !self.set.contains_key(text) {
            self.set.insert(text.to_vec(), 0);
        }
    }

    pub(super) fn add_opt(&mut self, text: Option<&str>) {
        if let Some(text) = text {
            self.add(text.as_bytes());
        }
    }

    /// Gives every string its number; after this `id` answers.
    pub(super) fn number(&mut self) {
        for (next, value) in (0u32..).zip(self.set.values_mut()) {
            *value = next;
        }
    }

    pub(super) fn id(&self, text: &[u8]) -> u32 {
        self.set.get(text).copied().unwrap_or(NONE)
    }

    pub(super) fn id_opt(&self, text: Option<&str>) -> u32 {
        text.map_or(NONE, |t| self.id(t.as_bytes()))
    }

    /// Sections `<name>.off` (n + 1 offsets, u32) and `<name>` (the bytes).
    pub(super) fn write(&self, name: &str, writer: &mut Writer) {
        let mut offsets = Vec::with_capacity((self.set.len() + 1) * 4);
        let mut bytes = Vec::new();
        for text in self.set.keys() {
            offsets.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(text);
        }
        offsets.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        writer.section(&format!("{name}.off"), offsets);
        writer.section(name, bytes);
    }
}

/// A string table in memory.
pub(super) struct StringTable {
    offsets: Vec<u8>,
    bytes: Vec<u8>,
}

impl StringTable {
    pub(super) fn open<R: ReadAt>(
        reader: &Reader<R>,
        offsets: &'static str,
        bytes: &'static str,
    ) -> Result<Self, ChunkError> {
        Ok(Self { offsets: reader.section(offsets)?, bytes: reader.section(bytes)? })
    }

    pub(super) fn bytes(&self, id: u32) -> Option<&[u8]> {
        if id == NONE {
            return None;
        }
        let at = (id as usize).checked_mul(4)?;
        let start = u32_at(&self.offsets, at)? as usize;
        let end = u32_at(&self.offsets, at.checked_add(4)?)? as usize;
        self.bytes.get(start..end)
    }

    pub(super) fn text(&self, id: u32) -> Option<&str> {
        self.bytes(id).and_then(|b| std::str::from_utf8(b).ok())
    }
}
