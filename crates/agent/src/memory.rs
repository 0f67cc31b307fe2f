//! What changelogs said, kept in a file from one look to the next: a look without network must not know less than the one before.
//!
//! Only facts about source packages are kept, never an offer: what is not on offer any more says nothing, however much of it is kept.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use patchwright_domain::inventory::{CandidateFix, PackageFormat, ToldByChangelog};

use crate::order;
use crate::root::read_file;

/// Largest file read; a host that is years behind keeps less than a megabyte.
const FILE_MAX: u64 = 32 << 20;

/// Changelogs kept in all.
const KEPT_MAX: usize = 20_000;

/// Versions of one source that are kept: the one on offer and those it came after.
const VERSIONS_MAX: usize = 3;

/// What is kept, by source.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    told: BTreeMap<String, Vec<ToldByChangelog>>,
    changed: bool,
}

impl Memory {
    /// Reads the file; a file that is not there is an empty memory.
    pub(crate) fn load(path: &Path) -> io::Result<Self> {
        let bytes = match read_file(path, FILE_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let list: Vec<ToldByChangelog> = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
        let mut memory = Self::default();
        for told in list {
            memory.told.entry(told.source.clone()).or_default().push(told);
        }
        Ok(memory)
    }

    /// Fixes after the installed version up to the one on offer, and whether the changelog of the offer itself was read for them.
    pub(crate) fn recall(&self, source: &str, installed: &str, candidate: &str) -> (Vec<CandidateFix>, bool) {
        let mut fixes = Vec::new();
        let mut whole = false;
        for told in self.told.get(source).into_iter().flatten() {
            // The changelog of a version says nothing of what an older one holds.
            if compare(&told.version, candidate).is_gt() {
                continue;
            }
            whole |= told.version == candidate && compare(&told.since, installed).is_le();
            fixes.extend(told.fixes.iter().filter(|(_, fixed)| compare(fixed, installed).is_gt()).map(
                |(cve, fixed)| CandidateFix {
                    source: source.to_owned(),
                    cve: cve.clone(),
                    fixed: fixed.clone(),
                    advisory: None,
                },
            ));
        }
        (fixes, whole)
    }

    /// Notes what the changelog of a version says.
    pub(crate) fn learn(&mut self, source: &str, since: &str, version: &str, fixes: &[CandidateFix]) {
        let told = ToldByChangelog {
            source: source.to_owned(),
            version: version.to_owned(),
            since: since.to_owned(),
            fixes: fixes.iter().map(|fix| (fix.cve.clone(), fix.fixed.clone())).collect(),
        };
        let of_source = self.told.entry(source.to_owned()).or_default();
        if of_source.contains(&told) {
            return;
        }
        of_source.retain(|old| old.version != told.version || compare(&old.since, &told.since).is_lt());
        of_source.push(told);
        of_source.sort_by(|a, b| compare(&b.version, &a.version));
        of_source.truncate(VERSIONS_MAX);
        self.changed = true;
    }

    /// Writes what was learnt, together with what another look has written meanwhile.
    pub(crate) fn save(self, path: &Path) -> io::Result<()> {
        if !self.changed {
            return Ok(());
        }
        // A file that cannot be read is replaced: what it held is read again from the packages.
        let mut all = Self::load(path).unwrap_or_default();
        for told in self.told.into_values().flatten() {
            let fixes: Vec<CandidateFix> = told
                .fixes
                .into_iter()
                .map(|(cve, fixed)| CandidateFix { source: told.source.clone(), cve, fixed, advisory: None })
                .collect();
            all.learn(&told.source, &told.since, &told.version, &fixes);
        }
        let list: Vec<&ToldByChangelog> = all.told.values().flatten().take(KEPT_MAX).collect();
        let bytes = serde_json::to_vec(&list).map_err(io::Error::other)?;
        let dir = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(".changelogs-").tempfile_in(dir)?;
        file.write_all(&bytes)?;
        file.as_file().sync_all()?;
        // Others who may read the data folder may read this too: it holds nothing that is not published.
        fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    }
}

fn compare(a: &str, b: &str) -> std::cmp::Ordering {
    order::compare(Some(PackageFormat::Deb), a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fix(cve: &str, fixed: &str) -> CandidateFix {
        CandidateFix { source: "alpha".into(), cve: cve.into(), fixed: fixed.into(), advisory: None }
    }

    #[test]
    fn what_was_read_answers_for_the_same_offer_and_in_part_for_a_later_one() {
        let mut memory = Memory::default();
        memory.learn("alpha", "1.0-1", "1.1-2", &[fix("CVE-2026-1111", "1.1-1"), fix("CVE-2026-2222", "1.1-2")]);
        assert_eq!(
            memory.recall("alpha", "1.0-1", "1.1-2"),
            (vec![fix("CVE-2026-1111", "1.1-1"), fix("CVE-2026-2222", "1.1-2")], true)
        );
        // Half of it is installed meanwhile.
        assert_eq!(memory.recall("alpha", "1.1-1", "1.1-2"), (vec![fix("CVE-2026-2222", "1.1-2")], true));
        // A later offer came after what was read; its own changelog still has to be read.
        assert!(!memory.recall("alpha", "1.0-1", "1.1-3").1);
        assert_eq!(memory.recall("alpha", "1.0-1", "1.1-3").0.len(), 2);
        // An older one does not hold what the newer one says.
        assert_eq!(memory.recall("alpha", "1.0-1", "1.1-1"), (Vec::new(), false));
        // After a downgrade the part before `since` is not known.
        assert!(!memory.recall("alpha", "0.9-1", "1.1-2").1);
        assert_eq!(memory.recall("beta", "1", "2"), (Vec::new(), false));
    }

    #[test]
    fn a_file_that_is_not_ours_is_an_error_and_is_replaced_by_what_is_learnt() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("changelogs.json");
        assert!(Memory::load(&path).unwrap().told.is_empty());
        fs::write(&path, b"{").unwrap();
        assert!(Memory::load(&path).is_err());
        let mut memory = Memory::default();
        memory.learn("alpha", "1", "2", &[]);
        memory.save(&path).unwrap();
        // Another look beside this one learnt something else.
        let mut other = Memory::default();
        other.learn("beta", "1", "2", &[]);
        other.save(&path).unwrap();
        let both = Memory::load(&path).unwrap();
        assert!(both.recall("alpha", "1", "2").1 && both.recall("beta", "1", "2").1);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
