//! What is on record of a host: its package sets and its packages of languages, since when each list was as it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use patchwright_domain::exposure::components::{Library, libraries};
use patchwright_domain::inventory::HostFacts;
use patchwright_domain::time::Timestamp;
use patchwright_store::{FactsVersion, Host, PackageSet, Reader};

use crate::Result;

type Libraries = Arc<BTreeSet<Library>>;

/// The record of one host. Both lists are newest first, neighbours differ, and the first is what the host has now; a list is empty
/// where it never was another one.
#[derive(Default)]
pub(crate) struct Record {
    /// Package sets.
    pub(crate) sets: Vec<(Timestamp, Arc<PackageSet>)>,
    /// Packages of languages that are judged by themselves.
    pub(crate) libraries: Vec<(Timestamp, Libraries)>,
}

impl Record {
    /// Reads what is on record of a host; `now` are its newest facts.
    ///
    /// # Errors
    /// The database.
    pub(crate) async fn of(read: &mut Reader, host: &Host, now: &HostFacts) -> Result<Self> {
        let history = read.host_facts_changes(&host.id).await?;
        let sets = sets(read, &history).await?;
        let libraries = libraries_of(read, host, &history, now).await?;
        Ok(Self { sets, libraries })
    }
}

async fn sets(read: &mut Reader, history: &[FactsVersion]) -> Result<Vec<(Timestamp, Arc<PackageSet>)>> {
    let distinct: BTreeSet<&String> = history.iter().map(|v| &v.set_hash).collect();
    if distinct.len() < 2 {
        return Ok(Vec::new());
    }
    let hashes: Vec<String> = distinct.into_iter().cloned().collect();
    let stored = read.package_set_fetch_many(&hashes).await?;
    let stored: HashMap<String, Arc<PackageSet>> =
        stored.into_iter().map(|(hash, set)| (hash, Arc::new(set))).collect();
    // Of neighbours with one set the oldest counts.
    let oldest = history.chunk_by(|a, b| a.set_hash == b.set_hash).filter_map(<[FactsVersion]>::last);
    Ok(oldest.filter_map(|v| Some((v.at, stored.get(&v.set_hash)?.clone()))).collect())
}

/// Facts are read where they have another list than those before and after them, and where nobody noted whether they do: most
/// versions of a host differ in what runs on it, not in its packages of languages.
async fn libraries_of(
    read: &mut Reader,
    host: &Host,
    history: &[FactsVersion],
    now: &HostFacts,
) -> Result<Vec<(Timestamp, Libraries)>> {
    let Some(newest) = history.first() else { return Ok(Vec::new()) };
    if newest.libraries_hash.is_some() && history.iter().all(|v| v.libraries_hash == newest.libraries_hash) {
        return Ok(Vec::new());
    }
    // Of equal lists at the end the oldest version is the newest change, and what the host has now is its list.
    let mut by_hash: BTreeMap<&str, Timestamp> = BTreeMap::new();
    let mut wanted: Vec<Timestamp> = Vec::new();
    for version in history.iter().skip(1) {
        match version.libraries_hash.as_deref() {
            Some("") => {}
            Some(hash) => {
                by_hash.entry(hash).or_insert(version.at);
            }
            None => wanted.push(version.at),
        }
    }
    wanted.extend(by_hash.values());
    let mut lists: HashMap<Timestamp, Libraries> = HashMap::from([(newest.at, Arc::new(libraries(now)))]);
    for (at, facts) in read.host_facts_at_many(&host.id, &wanted).await? {
        lists.insert(at, Arc::new(libraries(&facts)));
    }
    let mut out: Vec<(Timestamp, Libraries)> = Vec::new();
    for version in history {
        let place = match version.libraries_hash.as_deref() {
            Some(hash) if version.at != newest.at => by_hash.get(hash).copied().unwrap_or(version.at),
            Some(_) | None => version.at,
        };
        // An empty list is not read.
        let list = lists.get(&place).cloned().unwrap_or_default();
        match out.last_mut() {
            Some((at, last)) if *last == list => *at = version.at,
            Some(_) | None => out.push((version.at, list)),
        }
    }
    if out.len() < 2 {
        out.clear();
    }
    Ok(out)
}
