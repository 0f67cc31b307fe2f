//! Feeds: where they come from, how the last fetches went, and the records that could not be read.

use std::collections::BTreeMap;

use patchwright_domain::ids::FeedRunId;
use patchwright_domain::time::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::Generation;
use crate::error::StoreError;
use crate::link::{Bulk, Row, args, int, json, queries};
use crate::txn::{Reader, WriteTxn};

/// Longest excerpt of a broken record that is kept, in bytes: enough to recognise it.
const EXCERPT_BYTES_MAX: usize = 500;

/// Most different problems of one fetch that are kept; the count in [`FeedState::problems`] is always the whole one.
const PROBLEMS_MAX: usize = 10_000;

macro_rules! columns {
    () => {
        "id, config, last_attempt, last_success, etag, last_modified, records, problems, bytes, error, sha256, shrink, shrink_from, shrink_to, generation"
    };
}

macro_rules! run_columns {
    () => {
        "id, feed, started, finished, outcome, records, problems, bytes, sha256, error"
    };
}

queries! {
    FEED_FETCH = concat!("SELECT ", columns!(), " FROM feed WHERE id = $1");
    FEED_LIST = concat!("SELECT ", columns!(), " FROM feed");
    FEED_INSERT = "INSERT INTO feed (id, config, records, problems, bytes, shrink, generation) VALUES ($1, $2, 0, 0, 0, 'none', 1)";
    FEED_CONFIG_SAVE = "UPDATE feed SET config = $3, generation = generation + 1 WHERE id = $1 AND generation = $2";
    FEED_STATE_SAVE = "UPDATE feed SET last_attempt = $3, last_success = $4, etag = $5, last_modified = $6, records = $7, problems = $8, bytes = $9, \
        error = $10, sha256 = $11, shrink = $12, shrink_from = $13, shrink_to = $14, generation = generation + 1 WHERE id = $1 AND generation = $2";
    FEED_DELETE = "DELETE FROM feed WHERE id = $1 AND generation = $2";
    FEED_RUN_INSERT = "INSERT INTO feed_run (id, feed, started, outcome, records, problems, bytes) VALUES ($1, $2, $3, 'running', 0, 0, 0)";
    FEED_RUN_FINISH = "UPDATE feed_run SET finished = $2, outcome = $3, records = $4, problems = $5, bytes = $6, sha256 = $7, error = $8 \
        WHERE id = $1 AND finished IS NULL";
    FEED_RUN_LIST = concat!("SELECT ", run_columns!(), " FROM feed_run WHERE feed = $1 ORDER BY started DESC, id DESC LIMIT $2");
    FEED_RUN_UNFINISHED = concat!("SELECT ", run_columns!(), " FROM feed_run WHERE finished IS NULL ORDER BY started, id LIMIT 1000");
    FEED_RUN_PRUNE = "DELETE FROM feed_run WHERE started < $1 AND finished IS NOT NULL";
    FEED_PROBLEM_LIST = "SELECT what, excerpt, at, last_at, seen FROM feed_problem WHERE feed = $1 AND last_at >= $2 ORDER BY last_at DESC, digest LIMIT $3";
    FEED_PROBLEM_PRUNE = "DELETE FROM feed_problem WHERE feed = $1 AND last_at < $2";
}

const FEED_PROBLEM_SAVE: Bulk = Bulk {
    name: "FEED_PROBLEM_SAVE",
    head: "INSERT INTO feed_problem (feed, digest, what, excerpt, at, last_at, seen)",
    tail: "ON CONFLICT (feed, digest) DO UPDATE SET last_at = excluded.last_at, seen = feed_problem.seen + excluded.seen",
    columns: 7,
};

pub(crate) const BULKS: &[Bulk] = &[FEED_PROBLEM_SAVE];

/// Whether the last document had so few records that it was not taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shrink {
    /// No such thing.
    #[default]
    None,
    /// A document with `to` records instead of `from` waits for a person; the old records stay in force.
    Refused {
        /// Records in force.
        from: u64,
        /// Records of the refused document.
        to: u64,
    },
    /// A person accepted it: the next document may have this few.
    Accepted {
        /// Records before.
        from: u64,
        /// Records that were accepted.
        to: u64,
    },
}

/// How the last fetches of a feed went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedState {
    /// Last time it was tried.
    pub last_attempt: Option<Timestamp>,
    /// Last time it was up to date.
    pub last_success: Option<Timestamp>,
    /// `ETag` of the last document.
    pub etag: Option<String>,
    /// `Last-Modified` of the last document, verbatim.
    pub last_modified: Option<String>,
    /// Records in force.
    pub records: u64,
    /// Problems of the last document.
    pub problems: u64,
    /// Size of the last document.
    pub bytes: u64,
    /// Why the last try failed.
    pub error: Option<String>,
    /// SHA-256 in hex of the last raw document.
    pub sha256: Option<String>,
    /// Shrunk document.
    pub shrink: Shrink,
}

/// A feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Its name (`cisa-kev`).
    pub id: String,
    /// Where it comes from and how often, in the caller's shape.
    pub config: serde_json::Value,
    /// State.
    pub state: FeedState,
    /// Generation.
    pub generation: Generation,
}

/// How a fetch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedOutcome {
    /// Has not ended, or its process died.
    Running,
    /// The source had nothing new.
    Unchanged,
    /// New records are in force.
    Loaded,
    /// The document shrank too much.
    Refused,
    /// It failed.
    Failed,
}

impl FeedOutcome {
    /// The word in the database and the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Unchanged => "unchanged",
            Self::Loaded => "loaded",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Running, Self::Unchanged, Self::Loaded, Self::Refused, Self::Failed]
            .into_iter()
            .find(|outcome| outcome.word() == text)
    }
}

/// One fetch of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedRun {
    /// Id.
    pub id: FeedRunId,
    /// Feed.
    pub feed: String,
    /// Begin.
    pub started: Timestamp,
    /// End.
    pub finished: Option<Timestamp>,
    /// How it ended.
    pub outcome: FeedOutcome,
    /// Records.
    pub records: u64,
    /// Problems.
    pub problems: u64,
    /// Bytes fetched.
    pub bytes: u64,
    /// SHA-256 in hex of the raw document.
    pub sha256: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
}

/// A record that could not be read, as a parser reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundProblem {
    /// What is wrong with it.
    pub what: String,
    /// The beginning of the record.
    pub excerpt: String,
}

/// A problem as it is kept: one for each different text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedProblem {
    /// What is wrong.
    pub what: String,
    /// The beginning of the record.
    pub excerpt: String,
    /// First time.
    pub at: Timestamp,
    /// Last time.
    pub last_at: Timestamp,
    /// How many times.
    pub seen: u64,
}

fn feed(row: &Row) -> Result<Feed, StoreError> {
    let from = row.opt_int("shrink_from")?.and_then(|n| u64::try_from(n).ok()).unwrap_or_default();
    let to = row.opt_int("shrink_to")?.and_then(|n| u64::try_from(n).ok()).unwrap_or_default();
    Ok(Feed {
        id: row.text("id")?,
        config: row.json("config")?,
        state: FeedState {
            last_attempt: row.opt_at("last_attempt")?,
            last_success: row.opt_at("last_success")?,
            etag: row.opt_text("etag")?,
            last_modified: row.opt_text("last_modified")?,
            records: row.count("records")?,
            problems: row.count("problems")?,
            bytes: row.count("bytes")?,
            error: row.opt_text("error")?,
            sha256: row.opt_text("sha256")?,
            shrink: row.parse("shrink", |word| match word {
                "none" => Some(Shrink::None),
                "refused" => Some(Shrink::Refused { from, to }),
                "accepted" => Some(Shrink::Accepted { from, to }),
                _ => None,
            })?,
        },
        generation: row.generation()?,
    })
}

fn run(row: &Row) -> Result<FeedRun, StoreError> {
    Ok(FeedRun {
        id: row.parse("id", FeedRunId::parse)?,
        feed: row.text("feed")?,
        started: row.at("started")?,
        finished: row.opt_at("finished")?,
        outcome: row.parse("outcome", FeedOutcome::parse)?,
        records: row.count("records")?,
        problems: row.count("problems")?,
        bytes: row.count("bytes")?,
        sha256: row.opt_text("sha256")?,
        error: row.opt_text("error")?,
    })
}

/// The beginning of a text that comes from outside: cut at a character, and without the zero characters that no text column takes.
fn excerpt(text: &str) -> String {
    let mut end = text.len().min(EXCERPT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().replace('\0', "\u{fffd}")
}

impl Reader {
    /// One feed.
    ///
    /// # Errors
    /// When the query fails or the row does not read back.
    pub async fn feed_fetch(&mut self, id: &str) -> Result<Option<Feed>, StoreError> {
        let row = self.link.optional(FEED_FETCH, args![id]).await?;
        row.as_ref().map(feed).transpose()
    }

    /// Every feed, by name.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn feed_list(&mut self) -> Result<Vec<Feed>, StoreError> {
        let rows = self.link.all(FEED_LIST, Vec::new()).await?;
        let mut feeds = rows.iter().map(feed).collect::<Result<Vec<Feed>, StoreError>>()?;
        feeds.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(feeds)
    }

    /// The last fetches of a feed, newest first.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn feed_run_list(&mut self, id: &str, limit: u32) -> Result<Vec<FeedRun>, StoreError> {
        let rows = self.link.all(FEED_RUN_LIST, args![id, i64::from(limit)]).await?;
        rows.iter().map(run).collect()
    }

    /// Fetches that have not ended: after a start of the server these are the ones whose process died.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn feed_run_unfinished(&mut self) -> Result<Vec<FeedRun>, StoreError> {
        let rows = self.link.all(FEED_RUN_UNFINISHED, Vec::new()).await?;
        rows.iter().map(run).collect()
    }

    /// Problems of a feed that were last met at `since` or later, newest first.
    ///
    /// # Errors
    /// When the query fails or a row does not read back.
    pub async fn feed_problem_list(
        &mut self,
        id: &str,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<FeedProblem>, StoreError> {
        let rows = self.link.all(FEED_PROBLEM_LIST, args![id, since, i64::from(limit)]).await?;
        rows.iter()
            .map(|row| {
                Ok(FeedProblem {
                    what: row.text("what")?,
                    excerpt: row.text("excerpt")?,
                    at: row.at("at")?,
                    last_at: row.at("last_at")?,
                    seen: row.count("seen")?,
                })
            })
            .collect()
    }
}

impl WriteTxn {
    /// Adds a feed.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when the name is taken.
    pub async fn feed_insert(&mut self, id: &str, config: &serde_json::Value) -> Result<Generation, StoreError> {
        self.link.execute(FEED_INSERT, args![id, json("feed configuration", config)?]).await?;
        Ok(Generation::FIRST)
    }

    /// Changes where a feed comes from.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the feed is not at the expected generation.
    pub async fn feed_config_save(
        &mut self,
        id: &str,
        config: &serde_json::Value,
        expected: Generation,
    ) -> Result<Generation, StoreError> {
        let args = args![id, expected, json("feed configuration", config)?];
        self.link.guarded(FEED_CONFIG_SAVE, args, "feed", id).await?;
        Ok(expected.next())
    }

    /// Keeps the state after a fetch.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the feed is not at the expected generation.
    pub async fn feed_state_save(
        &mut self,
        id: &str,
        state: &FeedState,
        expected: Generation,
    ) -> Result<Generation, StoreError> {
        let (shrink, from, to) = match state.shrink {
            Shrink::None => ("none", None, None),
            Shrink::Refused { from, to } => ("refused", Some(int("records", from)?), Some(int("records", to)?)),
            Shrink::Accepted { from, to } => ("accepted", Some(int("records", from)?), Some(int("records", to)?)),
        };
        let args = args![
            id,
            expected,
            state.last_attempt,
            state.last_success,
            &state.etag,
            &state.last_modified,
            int("records", state.records)?,
            int("problems", state.problems)?,
            int("bytes", state.bytes)?,
            &state.error,
            &state.sha256,
            shrink,
            from,
            to,
        ];
        self.link.guarded(FEED_STATE_SAVE, args, "feed", id).await?;
        Ok(expected.next())
    }

    /// Removes a feed with its runs and problems.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the feed is not at the expected generation.
    pub async fn feed_delete(&mut self, id: &str, expected: Generation) -> Result<(), StoreError> {
        self.link.guarded(FEED_DELETE, args![id, expected], "feed", id).await
    }

    /// Notes that a fetch began.
    ///
    /// # Errors
    /// [`StoreError::Dangling`] when there is no such feed.
    pub async fn feed_run_insert(&mut self, id: &FeedRunId, feed: &str, started: Timestamp) -> Result<(), StoreError> {
        self.link.execute(FEED_RUN_INSERT, args![id.as_str(), feed, started]).await?;
        Ok(())
    }

    /// Notes how a fetch ended; `run.started` and `run.feed` are not changed.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it has ended already or was never begun.
    pub async fn feed_run_finish(&mut self, run: &FeedRun, finished: Timestamp) -> Result<(), StoreError> {
        let args = args![
            run.id.as_str(),
            finished,
            run.outcome.word(),
            int("records", run.records)?,
            int("problems", run.problems)?,
            int("bytes", run.bytes)?,
            &run.sha256,
            &run.error,
        ];
        self.link.guarded(FEED_RUN_FINISH, args, "feed run", run.id.as_str()).await
    }

    /// Deletes ended fetches that began before `before`; gives their number.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn feed_run_prune(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        self.link.execute(FEED_RUN_PRUNE, args![before]).await
    }

    /// Keeps the problems of a fetch at `at`: new ones are added, known ones are counted on. At most 10,000 different ones.
    ///
    /// # Errors
    /// [`StoreError::Dangling`] when there is no such feed.
    pub async fn feed_problem_save(
        &mut self,
        feed: &str,
        at: Timestamp,
        found: &[FoundProblem],
    ) -> Result<(), StoreError> {
        let mut different: BTreeMap<String, (String, String, i64)> = BTreeMap::new();
        for problem in found {
            let (what, text) = (excerpt(&problem.what), excerpt(&problem.excerpt));
            let digest = hex::encode(Sha256::digest(format!("{what}\0{text}").as_bytes()));
            if different.len() >= PROBLEMS_MAX && !different.contains_key(&digest) {
                continue;
            }
            different.entry(digest).or_insert((what, text, 0)).2 += 1;
        }
        let rows = different
            .into_iter()
            .map(|(digest, (what, text, times))| args![feed, digest, what, text, at, at, times])
            .collect();
        self.link.bulk(FEED_PROBLEM_SAVE, rows).await?;
        Ok(())
    }

    /// Deletes problems of a feed that were last met before `before`; gives their number.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn feed_problem_prune(&mut self, feed: &str, before: Timestamp) -> Result<u64, StoreError> {
        self.link.execute(FEED_PROBLEM_PRUNE, args![feed, before]).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_cut_at_a_character() {
        let text = format!("{}é", "x".repeat(EXCERPT_BYTES_MAX - 1));
        assert_eq!(excerpt(&text).len(), EXCERPT_BYTES_MAX - 1);
        assert_eq!(excerpt("a\0b"), "a\u{fffd}b");
    }
}
