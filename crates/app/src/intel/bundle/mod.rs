//! Bundles: vulnerability data as one signed file, for installations without a network.
//!
//! ```text
//! 0   8  magic "PWBUNDL1"
//! 8   4  length of the envelope, little-endian
//! 12  E  DSSE envelope: the signed [`Manifest`] (issuer, sequence, dates, index, and of each chunk the length and the
//!        SHA-256 of its packed bytes)
//! …      the packed chunks (zstd, one frame each), one after the other in the order of the manifest, and nothing after them
//! ```
//!
//! Every length and every hash stands in the signed part, so that no byte of the file can be changed, moved, added or left out
//! without being noticed, and nothing is unpacked beyond the size that the issuer signed. Reading is streaming: one chunk is
//! written aside while it is checked, and chunks become visible only when the whole file was good.

mod export;
mod import;
mod keys;
mod read;
#[cfg(test)]
mod tests;

use patchwright_domain::intel::snapshot::SnapshotIndex;
use patchwright_domain::signing::PublicKey;
use patchwright_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

pub use export::{ExportOptions, Exported, export};
pub use import::{ImportOptions, Imported, TrustNew, import, verify};
pub use keys::{TrustedKey, trust_add, trust_list, trust_revoke};

/// First bytes of every bundle; the digit is the format version.
pub const MAGIC: &[u8; 8] = b"PWBUNDL1";
/// Kind of the signed statement.
pub const MANIFEST_TYPE: &str = "urn:patchwright:intel-bundle:1";
/// Days for which a bundle is good unless its issuer says otherwise.
pub const DAYS_DEFAULT: u32 = 30;
/// Most bytes that the chunks of one bundle may have unpacked: eight times today's whole set.
pub const UNPACKED_MAX: u64 = 16 << 30;
/// Largest zstd window that a reader makes room for, as a power of two: 128 MB.
const WINDOW_LOG_MAX: u32 = 27;
/// How far the issuer's clock may be ahead of ours.
const AHEAD_HOURS: i64 = 24;

/// A chunk in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packed {
    /// Content id: SHA-256 of the unpacked bytes.
    pub id: String,
    /// Unpacked bytes.
    pub bytes: u64,
    /// Bytes in the file.
    pub stored: u64,
    /// SHA-256 of the bytes in the file.
    pub stored_sha256: String,
}

/// What the issuer signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this document; 1.
    pub format: u32,
    /// The issuer's key. It proves nothing by itself; the reader has to know it.
    pub issuer: PublicKey,
    /// Grows with each bundle of this issuer.
    pub sequence: u64,
    /// When it was made.
    pub created: Timestamp,
    /// Until when it is good.
    pub expires: Timestamp,
    /// Sequence of an earlier bundle that the reader must have; nothing for a bundle that stands alone.
    pub since: Option<u64>,
    /// Providers in it: their chunks replace the reader's.
    pub providers: Vec<String>,
    /// The snapshot, cut to these providers.
    pub index: SnapshotIndex,
    /// The chunks in the file. Those of the index that are not here the reader has from the bundle `since`.
    pub chunks: Vec<Packed>,
}

/// Why a bundle is refused. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The file cannot be read.
    #[error("failed to read the bundle: {0}")]
    Read(#[source] std::io::Error),
    /// Not a bundle, or one of a later format.
    #[error("not a bundle of format 1: {0}")]
    Format(String),
    /// It ends too early.
    #[error("the file is cut off: {0}")]
    Truncated(String),
    /// Something follows the last chunk.
    #[error("there are extra bytes after the last chunk")]
    ExtraBytes,
    /// The signed part is damaged or signed by another key.
    #[error("the signature is not good: {0}")]
    Signature(#[source] patchwright_domain::signing::SigningError),
    /// Nobody here trusts the key.
    #[error("the bundle is signed by key {id}, which is not trusted here")]
    UnknownKey {
        /// Its id.
        id: String,
    },
    /// The key was trusted once.
    #[error("the key {id} was revoked on {at}")]
    RevokedKey {
        /// Its id.
        id: String,
        /// When.
        at: Timestamp,
    },
    /// The key given is not the one that signed.
    #[error("the bundle is signed by key {found}, not by the given key {given}")]
    WrongKey {
        /// Who signed, as the file says.
        found: String,
        /// Whom the caller named.
        given: String,
    },
    /// Too old.
    #[error("the bundle expired on {expires}")]
    Expired {
        /// When.
        expires: Timestamp,
    },
    /// From the future.
    #[error("the bundle was made on {created}, which is in the future here: one of the two clocks is wrong")]
    FromTheFuture {
        /// When.
        created: Timestamp,
    },
    /// Its dates make no sense.
    #[error("the bundle expires on {expires}, before it was made on {created}")]
    Dates {
        /// Made.
        created: Timestamp,
        /// Expires.
        expires: Timestamp,
    },
    /// The same or an older one of this issuer.
    #[error("replay: the bundle has sequence {found}, and {last} of this issuer was taken already")]
    Replay {
        /// In the file.
        found: u64,
        /// Taken.
        last: u64,
    },
    /// A newer number with older content.
    #[error("downgrade: {0}")]
    Downgrade(String),
    /// It would take away more than a feed may lose in one run.
    #[error("of {provider}: {words}; the old records stay in force")]
    Shrunk {
        /// Whose records.
        provider: String,
        /// What is gone.
        words: String,
    },
    /// The index in it is not one.
    #[error("the index in the bundle is not well formed: {0}")]
    Index(String),
    /// More than any real bundle, or more than was signed.
    #[error("refused to unpack: {0}")]
    TooLarge(String),
    /// A chunk has other bytes than its issuer signed.
    #[error("chunk {id} was changed: {why}")]
    Chunk {
        /// Which.
        id: String,
        /// What is wrong.
        why: String,
    },
    /// It builds on a bundle that was not taken here.
    #[error("the bundle holds only what changed since sequence {since}, and chunk {chunk} of that is not here")]
    NeedsEarlier {
        /// Which bundle.
        since: u64,
        /// A chunk that is missing.
        chunk: String,
    },
}

impl BundleError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read(_) => "bundle_unreadable",
            Self::Format(_) => "bundle_format",
            Self::Truncated(_) => "bundle_truncated",
            Self::ExtraBytes => "bundle_extra_bytes",
            Self::Signature(_) => "bundle_signature",
            Self::UnknownKey { .. } => "bundle_key_unknown",
            Self::RevokedKey { .. } => "bundle_key_revoked",
            Self::WrongKey { .. } => "bundle_key_wrong",
            Self::Expired { .. } => "bundle_expired",
            Self::FromTheFuture { .. } => "bundle_from_the_future",
            Self::Dates { .. } => "bundle_dates",
            Self::Replay { .. } => "bundle_replay",
            Self::Downgrade(_) => "bundle_downgrade",
            Self::Shrunk { .. } => "bundle_shrunk",
            Self::Index(_) => "bundle_index",
            Self::TooLarge(_) => "bundle_too_large",
            Self::Chunk { .. } => "bundle_chunk",
            Self::NeedsEarlier { .. } => "bundle_needs_earlier",
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Read(_) => "check the path and the medium",
            Self::Format(_) | Self::Truncated(_) | Self::ExtraBytes | Self::Chunk { .. } | Self::Signature(_) => {
                "copy the file again and compare its SHA-256 with the issuer's; what was in force stays in force"
            }
            Self::UnknownKey { .. } => {
                "compare the key with what `patchwright intel key` prints at the issuer, then name it: `patchwright bundle verify FILE --key KEY`, `patchwright bundle import FILE --trust KEY`, or once for all `patchwright bundle trust add KEY`"
            }
            Self::RevokedKey { .. } | Self::WrongKey { .. } => "ask the issuer for a bundle signed with the right key",
            Self::Expired { .. } => "ask the issuer for a fresh bundle",
            Self::FromTheFuture { .. } | Self::Dates { .. } => "check the clocks of both machines",
            Self::Replay { .. } | Self::Downgrade(_) => {
                "ask the issuer for a newer bundle; to go back on purpose use `patchwright intel activate`"
            }
            Self::Shrunk { .. } => {
                "ask the issuer whether that is meant; if it is: `patchwright bundle import FILE --accept-shrink --reason WHY`"
            }
            Self::Index(_) | Self::TooLarge(_) => "do not use this file; tell its issuer",
            Self::NeedsEarlier { .. } => "take the earlier bundle first, or one that was exported without --since",
        }
    }
}

impl From<BundleError> for crate::AppError {
    fn from(error: BundleError) -> Self {
        Self::invalid(error.code(), crate::error_chain(&error), error.hint())
    }
}
