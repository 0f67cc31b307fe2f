//! Noticing that another process (`feed sync`, `intel return`, `bundle import` beside a running server) activated a snapshot.
//!
//! Cheap enough for every other second: the file that names the active snapshot is looked at, not read, until it is another.
//! Nothing is matched here: reports and the fleet index are keyed by the snapshot and are made anew with the next question.

use std::path::Path;

use super::{Intel, IntelDir, reconcile};
use crate::{Env, Result};

/// Looks for which a snapshot that stands in no log yet is waited for: its maker is about to write it, with the name of who
/// did it and with what it is the first to know. After that it counts as made by somebody without the database.
const PATIENCE: u32 = 10;

/// What is seen of a file without opening it; a replaced file has another inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    bytes: u64,
    modified_s: i64,
    modified_ns: i64,
}

impl Stamp {
    pub(super) fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let meta = std::fs::metadata(path).ok()?;
        Some(Self { inode: meta.ino(), bytes: meta.len(), modified_s: meta.mtime(), modified_ns: meta.mtime_nsec() })
    }
}

/// What was seen so far. One for each environment that follows the data folder.
#[derive(Debug, Default)]
pub struct Watch {
    settled: Option<Stamp>,
    waited: u32,
}

impl Watch {
    /// Looks once; takes over what another process activated and says whether it did.
    ///
    /// # Errors
    /// When the index or a chunk cannot be read, or the database fails. What is in force stays in force then, and the next look
    /// tries again.
    pub async fn look(&mut self, env: &Env) -> Result<bool> {
        let dir = IntelDir::new(env.data_dir());
        let stamp = dir.stamp();
        if stamp.is_none() || stamp == self.settled {
            return Ok(false);
        }
        let Some(index) = dir.read_index()? else { return Ok(false) };
        let active = env.intel();
        if index.sequence <= active.index().sequence {
            // Ours; or older than ours, because this process is just replacing the file.
            if index.id == active.index().id {
                self.settle(stamp);
            }
            return Ok(false);
        }
        let latest = env.db().read().await?.intel_activation_latest().await?;
        let noted = latest.is_some_and(|a| a.snapshot_id == index.id && a.sequence == index.sequence);
        if !noted && self.waited < PATIENCE {
            self.waited += 1;
            return Ok(false);
        }
        let sequence = index.sequence;
        let intel = tokio::task::spawn_blocking(move || Intel::open(dir, index))
            .await
            .map_err(|e| crate::AppError::internal("failed to open the new snapshot", e))??;
        if env.intel().index().sequence < sequence {
            env.intel_replace(intel);
        }
        if !noted {
            reconcile(env).await?;
        }
        self.settle(stamp);
        Ok(true)
    }

    fn settle(&mut self, stamp: Option<Stamp>) {
        self.settled = stamp;
        self.waited = 0;
    }
}
