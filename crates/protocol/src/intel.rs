//! Vulnerability data: feeds and snapshots.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One feed with its state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeedRow {
    /// Id (`cisa-kev`).
    pub id: String,
    /// Title.
    pub title: String,
    /// Publisher.
    pub publisher: String,
    /// Home URL or mirror in use.
    pub url: String,
    /// Licence of the data.
    pub licence: String,
    /// `ok`, `never`, `stale`, `failed`, `partial`, `off`.
    pub state: String,
    /// Last success, RFC 3339.
    pub last_success: Option<String>,
    /// Last try, RFC 3339.
    pub last_attempt: Option<String>,
    /// Age of the data in hours.
    pub age_hours: Option<i64>,
    /// Records.
    pub records: u64,
    /// Problems of the last run.
    pub problems: u64,
    /// Bytes of the last document.
    pub bytes: u64,
    /// Error of the last try.
    pub error: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Records came with the product.
    pub starter: bool,
    /// How its documents stand that a provider signs: how many are signed, by which keys, since when those count.
    pub signatures: Option<String>,
}

/// A quarantined record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeedProblem {
    /// Feed.
    pub feed: String,
    /// Where in the document.
    pub at: String,
    /// What is wrong.
    pub what: String,
    /// First characters.
    pub excerpt: String,
}
