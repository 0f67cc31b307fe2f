//! What changed between two snapshots: which chunks, and inside an advisory chunk which statements. The second part says
//! which components have to be matched again; everything else keeps its findings.

use std::cmp::Ordering;

use serde::Serialize;

use super::advisories::{AdvisoryChunk, Row};
use super::index::{ChunkKind, ChunkMeta, SnapshotIndex};

/// A package with a vulnerability.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct PackageVuln {
    /// Package, as the publisher names it.
    pub package: String,
    /// CVE id, or the publisher's id.
    pub vuln: String,
}

/// What changed inside an advisory chunk; each list is sorted, and a pair is in one of them at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChunkDiff {
    /// Pairs that only the new chunk has.
    pub came: Vec<PackageVuln>,
    /// Pairs that only the old chunk has.
    pub went: Vec<PackageVuln>,
    /// Pairs whose statements are not the same.
    pub changed: Vec<PackageVuln>,
}

impl ChunkDiff {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.came.is_empty() && self.went.is_empty() && self.changed.is_empty()
    }

    /// Packages that have to be matched again, sorted, each once.
    #[must_use]
    pub fn packages(&self) -> Vec<&str> {
        let all = self.came.iter().chain(&self.went).chain(&self.changed);
        let mut names: Vec<&str> = all.map(|p| p.package.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Compares two chunks of one provider and ecosystem; an absent chunk has no statements.
#[must_use]
pub fn diff(old: Option<&AdvisoryChunk>, new: Option<&AdvisoryChunk>) -> ChunkDiff {
    let mut out = ChunkDiff::default();
    let mut before = old.into_iter().flat_map(AdvisoryChunk::packages).peekable();
    let mut after = new.into_iter().flat_map(AdvisoryChunk::packages).peekable();
    loop {
        let order = match (before.peek(), after.peek()) {
            (None, None) => return out,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.cmp(b),
        };
        let package = match order {
            Ordering::Less => before.next(),
            Ordering::Greater => after.next(),
            Ordering::Equal => {
                before.next();
                after.next()
            }
        };
        let Some(package) = package else { return out };
        // The side that does not have the package gives no rows.
        let old_rows: Vec<Row<'_>> = old.into_iter().flat_map(|chunk| chunk.rows(package)).collect();
        let new_rows: Vec<Row<'_>> = new.into_iter().flat_map(|chunk| chunk.rows(package)).collect();
        diff_rows(package, &old_rows, &new_rows, &mut out);
    }
}

/// Both lists are in the order of their vulnerability ids.
fn diff_rows(package: &str, old: &[Row<'_>], new: &[Row<'_>], out: &mut ChunkDiff) {
    let mut before = old.chunk_by(|a, b| a.vuln == b.vuln).peekable();
    let mut after = new.chunk_by(|a, b| a.vuln == b.vuln).peekable();
    let pair = |rows: &[Row<'_>]| PackageVuln {
        package: package.to_owned(),
        vuln: rows.first().map_or_else(String::new, |r| r.vuln.to_owned()),
    };
    loop {
        let order = match (before.peek(), after.peek()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.first().map(|r| r.vuln).cmp(&b.first().map(|r| r.vuln)),
        };
        match order {
            Ordering::Less => out.went.extend(before.next().map(pair)),
            Ordering::Greater => out.came.extend(after.next().map(pair)),
            Ordering::Equal => {
                if let (Some(a), Some(b)) = (before.next(), after.next())
                    && !(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.says_the_same(b)))
                {
                    out.changed.push(pair(b));
                }
            }
        }
    }
}

/// A chunk that is not the same in two snapshots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChunkChange {
    /// Provider.
    pub provider: String,
    /// What it holds.
    pub kind: ChunkKind,
    /// Ecosystem and release.
    pub ecosystem: Option<String>,
    /// In the first snapshot.
    pub old: Option<ChunkMeta>,
    /// In the second.
    pub new: Option<ChunkMeta>,
}

/// The chunks that are not the same in two snapshots, in the order of provider, kind and ecosystem.
#[must_use]
pub fn changed_chunks(old: &SnapshotIndex, new: &SnapshotIndex) -> Vec<ChunkChange> {
    let mut keys: Vec<_> = old.chunks.iter().chain(&new.chunks).map(ChunkMeta::place).collect();
    keys.sort_unstable();
    keys.dedup();
    let find = |index: &SnapshotIndex, key| index.chunks.iter().find(|c| c.place() == key).cloned();
    keys.into_iter()
        .filter_map(|key| {
            let (old, new) = (find(old, key), find(new, key));
            let same = old.as_ref().map(|c| &c.id) == new.as_ref().map(|c| &c.id);
            let (provider, kind, ecosystem) = key;
            (!same).then(|| ChunkChange {
                provider: provider.to_owned(),
                kind,
                ecosystem: ecosystem.map(str::to_owned),
                old,
                new,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::advisory::{Advisory, Affected};
    use crate::intel::snapshot::compile_advisories;

    fn chunk(rows: &[(&str, &str, &str)]) -> AdvisoryChunk {
        let list: Vec<Advisory> = rows
            .iter()
            .map(|(package, vuln, fixed)| Advisory {
                id: (*vuln).to_owned(),
                affected: vec![Affected::fixed_in("Debian:12", package, fixed)],
                ..Advisory::default()
            })
            .collect();
        AdvisoryChunk::open(compile_advisories(&list).remove(0).2).unwrap()
    }

    fn pairs(list: &[PackageVuln]) -> Vec<(&str, &str)> {
        list.iter().map(|p| (p.package.as_str(), p.vuln.as_str())).collect()
    }

    #[test]
    fn what_came_went_and_changed() {
        let old = chunk(&[
            ("curl", "CVE-2024-0001", "1"),
            ("curl", "CVE-2024-0002", "1"),
            ("gone", "CVE-2024-0003", "1"),
            ("same", "CVE-2024-0004", "1"),
        ]);
        let new = chunk(&[
            ("curl", "CVE-2024-0001", "2"),
            ("curl", "CVE-2024-0005", "1"),
            ("fresh", "CVE-2024-0003", "1"),
            ("same", "CVE-2024-0004", "1"),
        ]);
        let changes = diff(Some(&old), Some(&new));
        assert_eq!(pairs(&changes.came), [("curl", "CVE-2024-0005"), ("fresh", "CVE-2024-0003")]);
        assert_eq!(pairs(&changes.went), [("curl", "CVE-2024-0002"), ("gone", "CVE-2024-0003")]);
        assert_eq!(pairs(&changes.changed), [("curl", "CVE-2024-0001")]);
        assert_eq!(changes.packages(), ["curl", "fresh", "gone"]);
        assert!(diff(Some(&old), Some(&old)).is_empty());
        assert_eq!(diff(None, Some(&old)).came.len(), 4);
        assert_eq!(diff(Some(&old), None).went.len(), 4);
    }
}
