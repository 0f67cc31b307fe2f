//! Since when this installation knows that a package has a vulnerability. It belongs to the installation, never to a chunk, and
//! is never cleaned up: a deadline must not start before anybody here could know.
//!
//! Each activation adds, for each ecosystem, the pairs of package and vulnerability that no earlier one had: lines of
//! `package<TAB>vulnerability`, sorted, packed with zstd, one row of the table `intel_known`. Installations of before that
//! table have `<data>/intel/known.tsv` (`vulnerability<TAB>milliseconds`), which is still read and never written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use patchwright_domain::intel::snapshot::{ChunkKind, SnapshotIndex};
use patchwright_domain::time::Timestamp;
use patchwright_store::{Reader, WriteTxn};

use super::Intel;
use crate::Result;
use crate::error::AppError;

/// Largest row after unpacking: two million pairs.
const PART_MAX: u64 = 128 << 20;
/// Compression level of a row.
const LEVEL: i32 = 3;

/// What is known of one ecosystem, and since when.
#[derive(Clone, Debug, Default)]
pub struct EcosystemKnown {
    /// Last activation in it.
    seq: u64,
    since: HashMap<String, HashMap<String, (Timestamp, u64)>>,
    /// The earliest of any package.
    vulns: HashMap<String, (Timestamp, u64)>,
    /// What `known.tsv` said.
    before: Arc<BTreeMap<String, Timestamp>>,
}

impl EcosystemKnown {
    fn add(&mut self, seq: u64, at: Timestamp, text: &str) {
        for (package, vuln) in text.lines().filter_map(|line| line.split_once('\t')) {
            let of_package = match self.since.get_mut(package) {
                Some(of_package) => of_package,
                None => self.since.entry(package.to_owned()).or_default(),
            };
            of_package.entry(vuln.to_owned()).or_insert((at, seq));
            if !self.vulns.contains_key(vuln) {
                self.vulns.insert(vuln.to_owned(), (at, seq));
            }
        }
        self.seq = self.seq.max(seq);
    }

    fn has(&self, package: &str, vuln: &str) -> bool {
        self.since.get(package).is_some_and(|vulns| vulns.contains_key(vuln))
    }

    /// Since when it is known that a package has a vulnerability. Where the publisher names the package differently than
    /// the caller does, the first statement about the vulnerability counts.
    #[must_use]
    pub fn since(&self, package: &str, vuln: &str) -> Option<Timestamp> {
        let found = self.since.get(package).and_then(|vulns| vulns.get(vuln)).or_else(|| self.vulns.get(vuln));
        match (found.map(|(at, _)| *at), self.before.get(vuln).copied()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Every package of which a vulnerability was known, with the moment and the activation, by name.
    #[must_use]
    pub fn packages(&self, vuln: &str) -> Vec<(&str, Timestamp, u64)> {
        let mut found: Vec<(&str, Timestamp, u64)> = self
            .since
            .iter()
            .filter_map(|(package, vulns)| vulns.get(vuln).map(|(at, seq)| (package.as_str(), *at, *seq)))
            .collect();
        found.sort_unstable();
        found
    }

    /// Pairs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.since.values().map(HashMap::len).sum()
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.since.is_empty()
    }
}

/// What was read so far, by ecosystem.
#[derive(Debug, Default)]
pub struct Known {
    read: Mutex<BTreeMap<String, Arc<EcosystemKnown>>>,
    before: Arc<BTreeMap<String, Timestamp>>,
}

impl Known {
    /// With what an earlier version of the program noted.
    ///
    /// # Errors
    /// [`AppError::File`] when its file is there and cannot be read.
    pub fn load(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join("intel").join("known.tsv");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(AppError::File { doing: "read", path: path.display().to_string(), source }),
        };
        Ok(Self { read: Mutex::default(), before: Arc::new(lines_of_before(&text)) })
    }

    /// What is known of an ecosystem; read from the database when something was added. Nothing is known since later than `now`: a clock
    /// that was ahead when it was noted would give every deadline its days again.
    ///
    /// # Errors
    /// When the query fails or a row cannot be unpacked.
    pub async fn of(&self, read: &mut Reader, ecosystem: &str, now: Timestamp) -> Result<Arc<EcosystemKnown>> {
        let lock = || self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let have = lock().get(ecosystem).cloned();
        let have = have
            .unwrap_or_else(|| Arc::new(EcosystemKnown { before: self.before.clone(), ..EcosystemKnown::default() }));
        if read.intel_known_last(ecosystem).await? <= have.seq {
            return Ok(have);
        }
        let mut fresh = EcosystemKnown::clone(&have);
        for part in read.intel_known_list(ecosystem, have.seq).await? {
            fresh.add(part.seq, part.at.min(now), &unpack(&part.content)?);
        }
        let fresh = Arc::new(fresh);
        lock().insert(ecosystem.to_owned(), fresh.clone());
        Ok(fresh)
    }

    /// Notes what an activation is the first to have. `before` is the snapshot in force until then: its chunks have nothing new.
    ///
    /// # Errors
    /// When a chunk cannot be read or the database fails.
    pub(crate) async fn learn(
        &self,
        txn: &mut WriteTxn,
        intel: &Intel,
        before: Option<&SnapshotIndex>,
        seq: u64,
        now: Timestamp,
    ) -> Result<u64> {
        let seen = |id: &str| before.is_some_and(|b| b.chunks.iter().any(|c| c.id == id));
        let mut touched: BTreeSet<&str> = BTreeSet::new();
        for chunk in intel.index().chunks.iter().filter(|c| c.kind == ChunkKind::Advisories && !seen(&c.id)) {
            touched.extend(chunk.ecosystem.as_deref());
        }
        let mut all = 0;
        for ecosystem in touched {
            let known = self.of(txn, ecosystem, now).await?;
            let mut fresh: BTreeSet<String> = BTreeSet::new();
            for (_, chunk) in intel.advisories_fresh(ecosystem, &seen)? {
                for package in chunk.packages() {
                    for row in chunk.rows(package) {
                        if !known.has(package, row.vuln) {
                            fresh.insert(format!("{package}\t{}\n", row.vuln));
                        }
                    }
                }
            }
            if fresh.is_empty() {
                continue;
            }
            let pairs = fresh.len() as u64;
            let text: String = fresh.into_iter().collect();
            txn.intel_known_insert(seq, ecosystem, pairs, &pack(&text)?).await?;
            all += pairs;
        }
        Ok(all)
    }
}

/// The first line of an id counts; a last line without an end (a crash while appending) and notes of the file are left out.
fn lines_of_before(text: &str) -> BTreeMap<String, Timestamp> {
    let mut since = BTreeMap::new();
    for line in text.split_inclusive('\n') {
        if let Some((id, at)) = line.strip_suffix('\n').and_then(|l| l.split_once('\t'))
            && !id.starts_with('#')
            && let Ok(at) = at.parse()
        {
            since.entry(id.to_owned()).or_insert(Timestamp(at));
        }
    }
    since
}

fn pack(text: &str) -> Result<Vec<u8>> {
    zstd::encode_all(text.as_bytes(), LEVEL).map_err(|e| AppError::internal("failed to pack what is known", e))
}

fn unpack(bytes: &[u8]) -> Result<String> {
    let fail = |e| AppError::internal("failed to unpack what is known", e);
    let mut text = String::new();
    zstd::Decoder::new(bytes).map_err(fail)?.take(PART_MAX).read_to_string(&mut text).map_err(fail)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_before_counts_where_it_is_earlier() {
        let before = lines_of_before("CVE-2024-0001\t5\nCVE-2024-0001\t9\n#snapshot\tabc\nCVE-2024-00");
        assert_eq!(before.len(), 1);
        let mut known = EcosystemKnown { before: Arc::new(before), ..EcosystemKnown::default() };
        known.add(3, Timestamp(100), "curl\tCVE-2024-0001\ncurl\tCVE-2024-0002\n");
        known.add(4, Timestamp(200), "wget\tCVE-2024-0002\ncurl\tCVE-2024-0002\n");
        assert_eq!(known.since("curl", "CVE-2024-0001"), Some(Timestamp(5)));
        assert_eq!(known.since("curl", "CVE-2024-0002"), Some(Timestamp(100)), "the first one counts");
        assert_eq!(known.since("wget", "CVE-2024-0002"), Some(Timestamp(200)), "each package by itself");
        assert_eq!(known.since("linux", "CVE-2024-0002"), Some(Timestamp(100)));
        assert_eq!(known.since("curl", "CVE-2024-0003"), None);
        assert_eq!(known.packages("CVE-2024-0002"), [("curl", Timestamp(100), 3), ("wget", Timestamp(200), 4)]);
        assert_eq!((known.len(), known.seq), (3, 4));
    }

    #[test]
    fn packing_comes_back() {
        let text = "curl\tCVE-2024-0001\n".repeat(1000);
        assert_eq!(unpack(&pack(&text).unwrap()).unwrap(), text);
        assert!(unpack(b"nonsense").is_err());
    }
}
