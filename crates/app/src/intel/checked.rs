//! Which chunks were hashed before and have not been touched since, so that a look at one host need not hash all of them again.
//!
//! `<data>/intel/checked.tsv` has a line for each: id, device, inode, size and the time of the last change of the inode in
//! nanoseconds. Whatever writes, replaces or restores a file changes one of these. Decay of a disk below the file system does not:
//! `up`, `intel verify` and `doctor` always hash.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use patchwright_domain::time::Timestamp;

/// A file that changed so recently may change again within one tick of its clock.
const SETTLED_NS: i128 = 2_000_000_000;

/// How a file looked when it was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    device: u64,
    inode: u64,
    size: u64,
    changed_ns: i128,
}

impl Look {
    /// How a file looks now; nothing when it cannot be looked at.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let meta = std::fs::metadata(path).ok()?;
        Some(Self {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.size(),
            changed_ns: i128::from(meta.ctime()) * 1_000_000_000 + i128::from(meta.ctime_nsec()),
        })
    }

    fn settled(self, now: Timestamp) -> bool {
        i128::from(now.0) * 1_000_000 - self.changed_ns > SETTLED_NS
    }
}

/// What was hashed.
#[derive(Debug, Default)]
pub(super) struct Checked {
    path: PathBuf,
    looks: BTreeMap<String, Look>,
    grown: bool,
}

impl Checked {
    /// What earlier looks noted. A note that is missing or cannot be read means that everything is hashed.
    pub(super) fn read(root: &Path) -> Self {
        let path = root.join("checked.tsv");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        Self { path, looks: text.lines().filter_map(parse).collect(), grown: false }
    }

    /// Whether a chunk was hashed while it looked like this.
    pub(super) fn has(&self, id: &str, look: Option<Look>) -> bool {
        look.is_some() && self.looks.get(id).copied() == look
    }

    /// Notes that the hash of a chunk was right. `look` is from before it was read; `now` is by the clock that stamps files.
    pub(super) fn add(&mut self, id: &str, look: Option<Look>, now: Timestamp) {
        if let Some(look) = look.filter(|look| look.settled(now)) {
            self.looks.insert(id.to_owned(), look);
            self.grown = true;
        }
    }

    /// Keeps the notes about the chunks of `ids`. Where the folder cannot be written, the next look hashes again: that costs
    /// time and changes no answer, so it is no failure.
    pub(super) fn keep(self, ids: &[&str]) {
        if !self.grown {
            return;
        }
        let mut text = String::new();
        for (id, look) in self.looks.iter().filter(|(id, _)| ids.contains(&id.as_str())) {
            let Look { device, inode, size, changed_ns } = look;
            if writeln!(text, "{id}\t{device}\t{inode}\t{size}\t{changed_ns}").is_err() {
                return;
            }
        }
        let fresh = self.path.with_extension(format!("{}.tmp", std::process::id()));
        if std::fs::write(&fresh, text).and_then(|()| std::fs::rename(&fresh, &self.path)).is_err() {
            drop(std::fs::remove_file(&fresh));
        }
    }
}

fn parse(line: &str) -> Option<(String, Look)> {
    let mut fields = line.split('\t');
    let id = fields.next()?.to_owned();
    let look = Look {
        device: fields.next()?.parse().ok()?,
        inode: fields.next()?.parse().ok()?,
        size: fields.next()?.parse().ok()?,
        changed_ns: fields.next()?.parse().ok()?,
    };
    Some((id, look))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_written_again_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.chunk");
        std::fs::write(&file, "one").unwrap();
        let look = Look::of(&file).unwrap();
        let mut fresh = Checked::read(dir.path());
        let now = Timestamp(i64::try_from(look.changed_ns / 1_000_000).unwrap() + 1_000);
        fresh.add("a", Some(look), now);
        assert!(!fresh.has("a", Some(look)), "it may still change within this tick");
        let old = Look { changed_ns: look.changed_ns - 10 * SETTLED_NS, ..look };
        let mut checked = Checked::read(dir.path());
        checked.add("a", Some(old), now);
        checked.add("gone", Some(old), now);
        checked.keep(&["a"]);
        let again = Checked::read(dir.path());
        assert!(again.has("a", Some(old)) && !again.has("gone", Some(old)));
        assert!(!again.has("a", Some(look)), "another time of change");
        assert!(!again.has("a", None), "a file that is gone");
        std::fs::write(dir.path().join("checked.tsv"), "a\tx\n\nnonsense").unwrap();
        assert!(!Checked::read(dir.path()).has("a", Some(old)));
    }
}
