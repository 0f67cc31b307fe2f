//! Vulnerability data: how fresh is what we know?

use askama::Template;
use patchwright_domain::access::{Action, Role};
use patchwright_protocol::intel::{FeedProblem, FeedRow};
use patchwright_protocol::scan::DataLabel;

use super::data_strip;
use crate::view::frame::Frame;
use crate::view::text::Num as _;
use crate::view::{Html, link, parts, text};

/// One entry of the activation log.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SnapshotRow {
    /// Place in the log.
    pub seq: u64,
    /// Content id.
    pub id: String,
    /// From when.
    pub at: String,
    /// What it is.
    pub label: String,
    /// What brought it.
    pub provider: String,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
    /// Rows of all chunks.
    pub records: u64,
    /// `active`, `earlier` (the same as the active one), `kept` (can be returned to) or `gone`.
    pub state: String,
}

impl SnapshotRow {
    /// The beginning of the content id, which names it well enough for people.
    fn short(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }
}

/// The activation log as the page shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SnapshotLog {
    /// Entries, newest first.
    pub rows: Vec<SnapshotRow>,
    /// There are older ones, which `/data?log=all` shows.
    pub more: bool,
}

/// Feeds, their state and the records that could not be read.
#[derive(Template)]
#[template(path = "data.html")]
pub struct DataPage {
    frame: Frame,
    feeds: Vec<FeedRow>,
    chosen: Option<String>,
    problems: Vec<FeedProblem>,
    label: Html,
    log: SnapshotLog,
    /// The reader may return to an earlier snapshot.
    edits: bool,
}

impl DataPage {
    /// Prepares the page; `chosen` is the feed whose problems are shown.
    ///
    /// # Errors
    /// When a part cannot be written.
    pub fn new(
        frame: Frame,
        feeds: Vec<FeedRow>,
        label: &DataLabel,
        chosen: Option<String>,
        problems: Vec<FeedProblem>,
        log: SnapshotLog,
    ) -> askama::Result<Self> {
        let role = frame.user.as_ref().and_then(|user| Role::parse(&user.role));
        let edits = role.is_some_and(|role| role.does(Action::EditFeeds));
        Ok(Self { label: data_strip(label, frame.now)?, frame, feeds, chosen, problems, log, edits })
    }

    /// Problems of the chosen feed beyond those shown.
    fn hidden_problems(&self) -> u64 {
        let all = self.feeds.iter().find(|f| Some(&f.id) == self.chosen.as_ref()).map_or(0, |f| f.problems);
        all.num().saturating_sub(self.problems.len().num())
    }

    fn summary(&self) -> String {
        let total = self.feeds.len();
        let of = |state: &str| self.feeds.iter().filter(|f| f.state == state).count();
        let mut parts = vec![format!("{} up to date", text::share(of("ok"), total))];
        for (state, words) in [
            ("failed", "failed"),
            ("partial", "partly read"),
            ("stale", "stale"),
            ("never", "never fetched"),
            ("off", "switched off"),
        ] {
            if of(state) > 0 {
                parts.push(format!("{} {words}", text::number(of(state))));
            }
        }
        if total == 0 {
            return "No feed is configured; only the data that came with the product is loaded.".to_owned();
        }
        format!("Feeds: {}.", parts.join(", "))
    }
}

/// One chunk that is not the same in both snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ChunkRow {
    /// Provider.
    pub provider: String,
    /// What it holds.
    pub kind: String,
    /// Ecosystem and release.
    pub ecosystem: Option<String>,
    /// Rows now.
    pub now: u64,
    /// Rows afterwards.
    pub after: u64,
}

/// Confirming the way back to an earlier snapshot.
#[derive(Template)]
#[template(path = "data_return.html")]
pub struct ReturnPage {
    frame: Frame,
    csrf: String,
    /// The active one.
    active: SnapshotRow,
    /// The one to return to.
    to: SnapshotRow,
    chunks: Vec<ChunkRow>,
    /// Why nothing was done.
    refused: Option<String>,
}

impl ReturnPage {
    /// Prepares the page.
    #[must_use]
    pub fn new(
        frame: Frame,
        active: SnapshotRow,
        to: SnapshotRow,
        chunks: Vec<ChunkRow>,
        refused: Option<String>,
    ) -> Self {
        let csrf = frame.user.as_ref().map(|u| u.csrf.clone()).unwrap_or_default();
        Self { frame, csrf, active, to, chunks, refused }
    }
}
