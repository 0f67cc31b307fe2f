//! What was accepted last from each repository, so that an older one served again is seen.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use patchwright_domain::time::Timestamp;

use super::repository::{identity, is_address};
use crate::output;

/// One file in the data folder.
const FILE: &str = "accepted-repositories.json";

pub(super) struct Memory {
    path: PathBuf,
    dates: BTreeMap<String, Timestamp>,
    changed: bool,
}

impl Memory {
    /// What is remembered. A memory that is there and broken is said aloud: without it, replay is not seen.
    pub(super) fn open(data_dir: &Path) -> Self {
        let path = data_dir.join(FILE);
        let dates = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| e.to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(error.to_string()),
        };
        let dates = dates.unwrap_or_else(|why| {
            let path = path.display();
            output::talk(&format!(
                "warning: what was accepted before is not known ({path}: {why}); replay is not seen this time"
            ));
            BTreeMap::new()
        });
        Self { path, dates, changed: false }
    }

    /// The latest that was accepted of a repository, whose identity is the key. Addresses that were kept as they were typed count too.
    pub(super) fn get(&self, key: &str) -> Option<Timestamp> {
        let is_of = |kept: &str| {
            let (place, suite) = kept.split_once(' ').map_or((kept, ""), |(place, suite)| (place, suite));
            // A folder that was kept whole may have a space in it, and is its own identity.
            kept == key || (is_address(place) && key == format!("{} {suite}", identity(place)).trim_end())
        };
        self.dates.iter().filter(|(kept, _)| is_of(kept)).map(|(_, date)| *date).max()
    }

    pub(super) fn remember(&mut self, subject: &str, accepted: Option<Timestamp>) {
        if let Some(date) = accepted
            && self.dates.insert(subject.to_owned(), date) != Some(date)
        {
            self.changed = true;
        }
    }

    /// Writes it whole or not at all.
    pub(super) fn save(&self, quiet: bool) {
        if !self.changed {
            return;
        }
        if let Err(error) = self.write()
            && !quiet
        {
            let path = self.path.display();
            output::talk(&format!(
                "warning: failed to remember what was accepted ({path}: {error}); replay will not be seen"
            ));
        }
    }

    fn write(&self) -> std::io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec_pretty(&self.dates)?)?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|e| e.error)?;
        Ok(())
    }
}
