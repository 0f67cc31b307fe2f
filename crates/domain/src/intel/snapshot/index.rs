//! The index of a snapshot: which chunks make it, with a monotonic sequence.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::signing::{Envelope, PublicKey, SecretKey, SigningError, Statement, Subject, sign_statement};
use crate::time::{Date, Timestamp};

/// Kind of the signed statement that holds an index.
pub const INDEX_TYPE: &str = "urn:patchwright:intel-index:1";

/// Most chunks of one snapshot: a hundred providers with twenty releases each.
pub const CHUNKS_MAX: usize = 10_000;
/// Longest provider or ecosystem name, in bytes.
const NAME_MAX: usize = 128;
/// Largest chunk, in bytes; the largest real one is under 100 MB.
pub const CHUNK_BYTES_MAX: u64 = 1 << 30;

/// Why an index is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// A later program wrote it.
    #[error("its format is {0}, this program reads format 1")]
    Format(u32),
    /// More chunks than any real snapshot has.
    #[error("it names {0} chunks, more than {CHUNKS_MAX}")]
    TooMany(usize),
    /// A chunk id is not a SHA-256 in hex, so it must not become a file name.
    #[error("`{0}` is not the id of a chunk (64 lower-case hex digits)")]
    ChunkId(String),
    /// A provider or ecosystem name has characters that no name has.
    #[error("`{0}` is not the name of a provider or an ecosystem")]
    Name(String),
    /// A chunk is larger than any real one.
    #[error("chunk {0} has {1} bytes, more than {CHUNK_BYTES_MAX}")]
    Size(String, u64),
    /// Two chunks of one provider, kind and ecosystem.
    #[error("{0} has two chunks of the same kind and ecosystem")]
    Twice(String),
    /// The id is not that of the chunks.
    #[error("its id does not fit its chunks")]
    Id,
}

/// What a chunk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChunkKind {
    /// Statements of a provider about one ecosystem release.
    Advisories,
    /// CISA KEV.
    Kev,
    /// EPSS scores.
    Epss,
    /// CVSS vectors.
    Cvss,
    /// CISA SSVC points.
    Ssvc,
    /// Exploit evidence.
    Exploits,
    /// End-of-support dates.
    Eol,
    /// Binary → source names.
    Names,
    /// When vulnerabilities became public.
    Published,
    /// Advisories and CVE records that their publishers took back.
    Withdrawn,
    /// What the catalogue of exploited vulnerabilities lists no more.
    KevRemoved,
    /// Names that several databases have for one vulnerability.
    Aliases,
}

/// One chunk of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChunkMeta {
    /// Provider (`debian-tracker`, `epss`).
    pub provider: String,
    /// What it holds.
    pub kind: ChunkKind,
    /// Ecosystem and release, for advisories and names.
    pub ecosystem: Option<String>,
    /// SHA-256 of the uncompressed bytes, hex.
    pub id: String,
    /// Bytes.
    pub bytes: u64,
    /// Rows.
    pub records: u64,
    /// Date of the source data, where the source tells it.
    pub date: Option<Date>,
    /// Version words of the source.
    pub version: Option<String>,
    /// Came with the product.
    pub starter: bool,
}

/// Whether a text is a SHA-256 in lower-case hex.
#[must_use]
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Whether a text can be the name of an ecosystem with its release. It may have a slash: SUSE writes `CORE 9 for IBM S/390 31bit`.
#[must_use]
pub fn is_ecosystem_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_MAX && !text.starts_with('.') && !text.contains(char::is_control)
}

impl ChunkMeta {
    /// What a chunk is about; no two chunks of a snapshot share it.
    #[must_use]
    pub fn place(&self) -> (&str, ChunkKind, Option<&str>) {
        (&self.provider, self.kind, self.ecosystem.as_deref())
    }

    fn check(&self) -> Result<(), IndexError> {
        if !is_sha256(&self.id) {
            return Err(IndexError::ChunkId(self.id.chars().take(NAME_MAX).collect()));
        }
        // A provider's name goes into file names, both into tables and terminals.
        let is_provider = is_ecosystem_name(&self.provider) && !self.provider.contains(['/', '\\']);
        let mut bad = std::iter::once(&self.provider)
            .filter(|_| !is_provider)
            .chain(self.ecosystem.iter().filter(|name| !is_ecosystem_name(name)));
        if let Some(name) = bad.next() {
            return Err(IndexError::Name(name.chars().take(NAME_MAX).filter(|c| !c.is_control()).collect()));
        }
        if self.bytes > CHUNK_BYTES_MAX {
            return Err(IndexError::Size(self.id.clone(), self.bytes));
        }
        Ok(())
    }
}

impl ChunkKind {
    /// Whether the chunk remembers what is gone: that one of these gets smaller, or goes, is no loss of data.
    #[must_use]
    pub fn is_memory(self) -> bool {
        matches!(self, Self::Withdrawn | Self::KevRemoved)
    }

    /// Whether the chunk is what this installation saw happen: it lies beside the data, under the same signature, and is no part of
    /// the id of the data. Who never had what is gone knows nothing of it.
    #[must_use]
    pub fn is_local(self) -> bool {
        matches!(self, Self::KevRemoved)
    }

    /// The word in tables and documents.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Advisories => "advisories",
            Self::Kev => "kev",
            Self::Epss => "epss",
            Self::Cvss => "cvss",
            Self::Ssvc => "ssvc",
            Self::Exploits => "exploits",
            Self::Eol => "eol",
            Self::Names => "names",
            Self::Published => "published",
            Self::Withdrawn => "withdrawn",
            Self::KevRemoved => "kev_removed",
            Self::Aliases => "aliases",
        }
    }
}

/// A snapshot: its chunks in a fixed order, and the sequence of its activation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotIndex {
    /// Version of this document; 1.
    pub format: u32,
    /// Grows with each activation on this installation; never goes back.
    pub sequence: u64,
    /// When it was activated here.
    pub activated_at: Timestamp,
    /// Digest over the chunks of data: equal data has the same on every machine.
    pub id: String,
    /// Chunks, sorted.
    pub chunks: Vec<ChunkMeta>,
}

impl SnapshotIndex {
    /// An index over `chunks` in canonical order, with its content id.
    #[must_use]
    pub fn new(mut chunks: Vec<ChunkMeta>, sequence: u64, activated_at: Timestamp) -> Self {
        chunks.sort();
        let id = content_id(chunks.iter().filter(|chunk| !chunk.kind.is_local()));
        Self { format: 1, sequence, activated_at, id, chunks }
    }

    /// The index with the chunks of `provider` replaced: what a finished feed run activates.
    ///
    /// A provider's live chunks take the place of the starter's of the same kind and ecosystem, so that the two never
    /// add up.
    #[must_use]
    pub fn with_provider(&self, provider: &str, fresh: Vec<ChunkMeta>, now: Timestamp) -> Self {
        self.with_providers(&[provider], fresh, now)
    }

    /// The same for the chunks of several providers at once: what an imported bundle activates.
    #[must_use]
    pub fn with_providers(&self, providers: &[&str], fresh: Vec<ChunkMeta>, now: Timestamp) -> Self {
        let displaced: Vec<_> = self.displaced(providers, &fresh).into_iter().map(ChunkMeta::place).collect();
        let mut chunks: Vec<ChunkMeta> =
            self.chunks.iter().filter(|c| !displaced.contains(&c.place())).cloned().collect();
        chunks.extend(fresh);
        Self::new(chunks, self.sequence.saturating_add(1), now)
    }

    /// The chunks that are no longer in force once `fresh` of these providers is.
    #[must_use]
    pub fn displaced(&self, providers: &[&str], fresh: &[ChunkMeta]) -> Vec<&ChunkMeta> {
        // KEV, EPSS and names are whole documents: a live one is complete, so the starter's copy goes. CVSS, SSVC,
        // exploits, end-of-support and publication dates come from several sources that add up.
        let whole = |kind: ChunkKind| match kind {
            ChunkKind::Kev | ChunkKind::Epss | ChunkKind::Names => true,
            ChunkKind::Advisories
            | ChunkKind::Cvss
            | ChunkKind::Ssvc
            | ChunkKind::Exploits
            | ChunkKind::Eol
            | ChunkKind::Published
            | ChunkKind::Withdrawn
            | ChunkKind::KevRemoved
            | ChunkKind::Aliases => false,
        };
        let replaced = |old: &&ChunkMeta| {
            let by_live = |f: &ChunkMeta| f.kind == old.kind && f.ecosystem == old.ecosystem && f.records > 0;
            providers.contains(&old.provider.as_str()) || (old.starter && whole(old.kind) && fresh.iter().any(by_live))
        };
        self.chunks.iter().filter(replaced).collect()
    }

    /// Whether the index is well formed: ids that may become file names, sane sizes, and the id of its own chunks.
    ///
    /// # Errors
    /// [`IndexError`] with the first thing that is wrong.
    pub fn check(&self) -> Result<(), IndexError> {
        if self.format != 1 {
            return Err(IndexError::Format(self.format));
        }
        if self.chunks.len() > CHUNKS_MAX {
            return Err(IndexError::TooMany(self.chunks.len()));
        }
        for chunk in &self.chunks {
            chunk.check()?;
        }
        let mut places: Vec<_> = self.chunks.iter().map(ChunkMeta::place).collect();
        places.sort_unstable();
        if let Some([twice, _]) = places.windows(2).find(|w| matches!(w, [a, b] if a == b)) {
            return Err(IndexError::Twice(twice.0.to_owned()));
        }
        let again = Self::new(self.chunks.clone(), self.sequence, self.activated_at);
        // Snapshots of before took what is only known here into their id.
        let is_own = again.id == self.id || content_id(self.chunks.iter()) == self.id;
        if is_own && again.chunks == self.chunks { Ok(()) } else { Err(IndexError::Id) }
    }

    /// The index as a signed statement.
    ///
    /// # Errors
    /// [`SigningError`]; never for an index of this program.
    pub fn sign(&self, key: &SecretKey) -> Result<Envelope, SigningError> {
        sign_statement(key, INDEX_TYPE, vec![Subject::sha256("intel-snapshot", &self.id)], self)
    }

    /// The index of a signed statement.
    ///
    /// # Errors
    /// [`SigningError`] when it is not signed by `key` or the subject is not the index.
    pub fn open_signed(envelope: &Envelope, key: &PublicKey) -> Result<Self, SigningError> {
        let statement = Statement::<Self>::open(envelope, key, INDEX_TYPE)?;
        if statement.subject != [Subject::sha256("intel-snapshot", &statement.predicate.id)] {
            return Err(SigningError::NotStatement("its subject is not the snapshot it holds".to_owned()));
        }
        Ok(statement.predicate)
    }
}

/// Digest over a sorted list of chunks.
fn content_id<'c>(chunks: impl Iterator<Item = &'c ChunkMeta>) -> String {
    let mut hash = Sha256::new();
    for chunk in chunks {
        for part in [chunk.provider.as_str(), chunk.ecosystem.as_deref().unwrap_or("-"), chunk.id.as_str()] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
    }
    hex::encode(hash.finalize())
}

/// The content id of a chunk.
#[must_use]
pub fn chunk_id(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(provider: &str, kind: ChunkKind, id: &str, starter: bool) -> ChunkMeta {
        ChunkMeta {
            provider: provider.to_owned(),
            kind,
            ecosystem: None,
            id: id.to_owned(),
            bytes: 1,
            records: 1,
            date: None,
            version: None,
            starter,
        }
    }

    #[test]
    fn the_id_names_the_content_not_the_order_or_the_time() {
        let a = meta("epss", ChunkKind::Epss, "aa", false);
        let b = meta("cisa-kev", ChunkKind::Kev, "bb", false);
        let one = SnapshotIndex::new(vec![a.clone(), b.clone()], 1, Timestamp(5));
        let two = SnapshotIndex::new(vec![b, a], 9, Timestamp(7));
        assert_eq!(one.id, two.id);
    }

    #[test]
    fn a_signed_index_comes_back_and_tricks_in_names_are_refused() {
        let key = SecretKey::from_seed(&[5; 32]);
        let id = "ab".repeat(32);
        let good = SnapshotIndex::new(vec![meta("epss", ChunkKind::Epss, &id, false)], 3, Timestamp(5));
        good.check().unwrap();
        assert_eq!(SnapshotIndex::open_signed(&good.sign(&key).unwrap(), &key.public()).unwrap(), good);
        for bad in ["../../../etc/passwd", "ABAB", &"ab".repeat(31), &format!("{}/", "a".repeat(63)), ""] {
            let index = SnapshotIndex::new(vec![meta("epss", ChunkKind::Epss, bad, false)], 3, Timestamp(5));
            assert!(matches!(index.check(), Err(IndexError::ChunkId(_))), "{bad}");
        }
        for bad in ["../x", "a/b", "", ".x", "a\u{1b}[2J"] {
            let index = SnapshotIndex::new(vec![meta(bad, ChunkKind::Epss, &id, false)], 3, Timestamp(5));
            assert!(matches!(index.check(), Err(IndexError::Name(_))), "{bad}");
        }
        assert_eq!(SnapshotIndex { id: "00".repeat(32), ..good.clone() }.check(), Err(IndexError::Id));
        assert_eq!(SnapshotIndex { format: 2, ..good }.check(), Err(IndexError::Format(2)));
        let twice = vec![meta("epss", ChunkKind::Epss, &id, false), meta("epss", ChunkKind::Epss, &id, true)];
        assert!(matches!(SnapshotIndex::new(twice, 1, Timestamp(0)).check(), Err(IndexError::Twice(_))));
    }

    #[test]
    fn what_only_this_installation_saw_is_no_part_of_the_id_and_old_ids_still_hold() {
        let (kev, gone) = ("ab".repeat(32), "cd".repeat(32));
        let kev = meta("cisa-kev", ChunkKind::Kev, &kev, false);
        let seen = meta("cisa-kev", ChunkKind::KevRemoved, &gone, false);
        let plain = SnapshotIndex::new(vec![kev.clone()], 1, Timestamp(5));
        let with = SnapshotIndex::new(vec![kev, seen], 1, Timestamp(5));
        assert_eq!(plain.id, with.id);
        assert_eq!(with.chunks.len(), 2, "it is kept, and signed with the rest");
        with.check().unwrap();
        let before = SnapshotIndex { id: content_id(with.chunks.iter()), ..with.clone() };
        assert_ne!(before.id, with.id);
        before.check().unwrap();
    }

    #[test]
    fn ecosystems_may_have_a_slash_and_no_control_character() {
        let of = |name: &str| {
            let chunk = ChunkMeta {
                ecosystem: Some(name.to_owned()),
                ..meta("suse-oval", ChunkKind::Advisories, &"ab".repeat(32), false)
            };
            SnapshotIndex::new(vec![chunk], 1, Timestamp(5)).check()
        };
        of("SUSE:CORE 9 for IBM S/390 31bit").unwrap();
        for bad in ["", ".x", "SUSE:a\u{1b}[2J", &"x".repeat(129)] {
            assert!(matches!(of(bad), Err(IndexError::Name(_))), "{bad}");
        }
    }

    #[test]
    fn a_live_feed_replaces_the_starter_and_itself_and_moves_the_sequence() {
        let index = SnapshotIndex::new(vec![meta("starter", ChunkKind::Kev, "aa", true)], 4, Timestamp(0));
        let index = index.with_provider("cisa-kev", vec![meta("cisa-kev", ChunkKind::Kev, "bb", false)], Timestamp(1));
        let index = index.with_provider("cisa-kev", vec![meta("cisa-kev", ChunkKind::Kev, "cc", false)], Timestamp(2));
        assert_eq!(index.sequence, 6);
        assert_eq!(index.chunks.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["cc"]);
    }
}
