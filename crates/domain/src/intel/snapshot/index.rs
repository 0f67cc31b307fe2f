//! The index of a snapshot: which chunks make it, with a monotonic sequence.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::time::{Date, Timestamp};

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

/// A snapshot: its chunks in a fixed order, and the sequence of its activation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotIndex {
    /// Version of this document; 1.
    pub format: u32,
    /// Grows with each activation on this installation; never goes back.
    pub sequence: u64,
    /// When it was activated here.
    pub activated_at: Timestamp,
    /// Digest over the chunk list.
    pub id: String,
    /// Chunks, sorted.
    pub chunks: Vec<ChunkMeta>,
}

impl SnapshotIndex {
    /// An index over `chunks` in canonical order, with its content id.
    #[must_use]
    pub fn new(mut chunks: Vec<ChunkMeta>, sequence: u64, activated_at: Timestamp) -> Self {
        chunks.sort();
        let mut hash = Sha256::new();
        for chunk in &chunks {
            for part in [chunk.provider.as_str(), chunk.ecosystem.as_deref().unwrap_or("-"), chunk.id.as_str()] {
                hash.update(part.as_bytes());
                hash.update([0]);
            }
        }
        Self { format: 1, sequence, activated_at, id: hex::encode(hash.finalize()), chunks }
    }

    /// The index with the chunks of `provider` replaced: what a finished feed run activates.
    ///
    /// A provider's live chunks take the place of the starter's of the same kind and ecosystem, so that the two never
    /// add up.
    #[must_use]
    pub fn with_provider(&self, provider: &str, fresh: Vec<ChunkMeta>, now: Timestamp) -> Self {
        // KEV, EPSS and names are whole documents: a live one is complete, so the starter's copy goes. CVSS, SSVC,
        // exploits, end-of-support and publication dates come from several sources that add up.
        let whole = |kind: ChunkKind| match kind {
            ChunkKind::Kev | ChunkKind::Epss | ChunkKind::Names => true,
            ChunkKind::Advisories
            | ChunkKind::Cvss
            | ChunkKind::Ssvc
            | ChunkKind::Exploits
            | ChunkKind::Eol
            | ChunkKind::Published => false,
        };
        let replaced = |old: &ChunkMeta| {
            let by_live = |f: &ChunkMeta| f.kind == old.kind && f.ecosystem == old.ecosystem && f.records > 0;
            old.provider == provider || (old.starter && whole(old.kind) && fresh.iter().any(by_live))
        };
        let mut chunks: Vec<ChunkMeta> = self.chunks.iter().filter(|c| !replaced(c)).cloned().collect();
        chunks.extend(fresh);
        Self::new(chunks, self.sequence.saturating_add(1), now)
    }
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
    fn a_live_feed_replaces_the_starter_and_itself_and_moves_the_sequence() {
        let index = SnapshotIndex::new(vec![meta("starter", ChunkKind::Kev, "aa", true)], 4, Timestamp(0));
        let index = index.with_provider("cisa-kev", vec![meta("cisa-kev", ChunkKind::Kev, "bb", false)], Timestamp(1));
        let index = index.with_provider("cisa-kev", vec![meta("cisa-kev", ChunkKind::Kev, "cc", false)], Timestamp(2));
        assert_eq!(index.sequence, 6);
        assert_eq!(index.chunks.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["cc"]);
    }
}
