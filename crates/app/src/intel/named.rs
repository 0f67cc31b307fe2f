//! Where a chunk of advisories names a vulnerability: chunks are sorted by package, and the page of a vulnerability asks the other way round.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use patchwright_domain::intel::snapshot::advisories::AdvisoryChunk;

/// Packages by what they name. Ids are kept as hashes: who looks one up compares the rows.
#[derive(Debug)]
pub(super) struct Named(Vec<(u64, u32)>);

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

impl Named {
    pub(super) fn of(chunk: &AdvisoryChunk) -> Self {
        let mut list: Vec<(u64, u32)> = Vec::new();
        for (place, package) in (0u32..).zip(chunk.packages()) {
            for row in chunk.rows(package) {
                list.push((hash(row.vuln), place));
                list.extend(row.advisory.map(|advisory| (hash(advisory), place)));
            }
        }
        list.sort_unstable();
        list.dedup();
        list.shrink_to_fit();
        Self(list)
    }

    /// Places of the packages that may name an id, sorted.
    pub(super) fn packages(&self, id: &str) -> impl Iterator<Item = usize> {
        let hash = hash(id);
        let from = self.0.partition_point(|(known, _)| *known < hash);
        let rest = self.0.get(from..).unwrap_or_default();
        rest.iter().take_while(move |(known, _)| *known == hash).map(|(_, place)| *place as usize)
    }
}
