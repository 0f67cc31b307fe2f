//! Since when this installation knows of a vulnerability: a log that belongs to the installation, never to a chunk, and is
//! never cleaned up. A deadline must not start before anybody here could know.
//!
//! `<data>/intel/known.tsv`: `id<TAB>milliseconds`, appended; the first line of an id counts. A line `#snapshot<TAB>id` says
//! that everything of that snapshot is in the log, so that opening an installation does not read every chunk.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use patchwright_domain::time::Timestamp;

use super::Intel;
use crate::error::AppError;

/// The log in memory.
#[derive(Clone, Debug, Default)]
pub struct Known {
    since: BTreeMap<String, Timestamp>,
    snapshot: Option<String>,
}

/// First column of the line that names the last snapshot learned.
const SNAPSHOT: &str = "#snapshot";

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("intel").join("known.tsv")
}

fn file_error(doing: &'static str, path: &Path, source: std::io::Error) -> AppError {
    AppError::File { doing, path: path.display().to_string(), source }
}

impl Known {
    /// Reads the log; a missing one is empty. A last line without an end (a crash while appending) is left out.
    ///
    /// # Errors
    /// [`AppError::File`] when it is there and cannot be read.
    pub fn load(data_dir: &Path) -> Result<Self, AppError> {
        let path = path(data_dir);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(file_error("read", &path, e)),
        };
        let mut since = BTreeMap::new();
        let mut snapshot = None;
        for line in text.split_inclusive('\n') {
            let Some((id, at)) = line.strip_suffix('\n').and_then(|l| l.split_once('\t')) else {
                continue;
            };
            if id == SNAPSHOT {
                snapshot = Some(at.to_owned());
            } else if let Ok(at) = at.parse() {
                since.entry(id.to_owned()).or_insert(Timestamp(at));
            }
        }
        Ok(Self { since, snapshot })
    }

    /// Since when a vulnerability is known here.
    #[must_use]
    pub fn since(&self, vuln: &str) -> Option<Timestamp> {
        self.since.get(vuln).copied()
    }

    /// Adds every vulnerability of the snapshot that was not known yet, on disk first.
    ///
    /// # Errors
    /// [`AppError`] when a chunk cannot be read or the log cannot be written.
    pub fn learn(&mut self, data_dir: &Path, intel: &Intel, now: Timestamp) -> Result<usize, AppError> {
        if self.snapshot.as_deref() == Some(&intel.index().id) {
            return Ok(0);
        }
        let mut fresh: BTreeSet<String> = BTreeSet::new();
        for ecosystem in intel.ecosystems() {
            for (_, chunk) in intel.advisories(ecosystem)? {
                for package in chunk.packages() {
                    for row in chunk.rows(package) {
                        if !self.since.contains_key(row.vuln) {
                            fresh.insert(row.vuln.to_owned());
                        }
                    }
                }
            }
        }
        let path = path(data_dir);
        let mut text = String::new();
        // A torn last line of an earlier crash must not swallow our first one.
        if std::fs::read(&path).is_ok_and(|bytes| bytes.last().is_some_and(|b| *b != b'\n')) {
            text.push('\n');
        }
        for id in &fresh {
            text.push_str(&format!("{id}\t{}\n", now.0));
        }
        text.push_str(&format!("{SNAPSHOT}\t{}\n", intel.index().id));
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|e| file_error("open", &path, e))?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|e| file_error("append to", &path, e))?;
        let count = fresh.len();
        self.snapshot = Some(intel.index().id.clone());
        self.since.extend(fresh.into_iter().map(|id| (id, now)));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_is_left_out_and_the_first_line_of_an_id_counts() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("intel")).unwrap();
        std::fs::write(path(dir.path()), "CVE-2024-0001\t5\nCVE-2024-0001\t9\nCVE-2024-00").unwrap();
        let known = Known::load(dir.path()).unwrap();
        assert_eq!(known.since("CVE-2024-0001"), Some(Timestamp(5)));
        assert_eq!(known.since.len(), 1);
    }
}
