//! When a finding was first there on a host: the later of "the package version was there" and "anybody here could know".

use std::collections::BTreeMap;

use patchwright_domain::exposure::kernel::canonical_source;
use patchwright_domain::time::Timestamp;
use patchwright_store::{Host, PackageSet, Reader};

use crate::{Env, Result};

/// Versions of a host's history that are looked at; a longer presence counts from the oldest of them.
const HISTORY_MAX: u32 = 100;

/// Presence of the packages of one host, and the log of what is known.
pub(crate) struct FirstSeen {
    host: Timestamp,
    present: BTreeMap<String, Timestamp>,
    known: std::sync::Arc<crate::intel::EcosystemKnown>,
}

impl FirstSeen {
    /// Since when a package is there in its version.
    pub(crate) fn present(&self, package: &str) -> Timestamp {
        self.present.get(package).copied().unwrap_or(self.host)
    }

    pub(crate) fn at(&self, package: &str, vuln: &str) -> Timestamp {
        let present = self.present(package);
        self.known.since(package, vuln).map_or(present, |known| known.max(present))
    }
}

/// Source packages of a set with their versions, the highest spelling deciding between several.
fn versions(set: &PackageSet) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    for p in &set.packages {
        map.insert(canonical_source(&p.source).to_owned(), p.source_version.clone());
    }
    map
}

/// Walks a host's history backwards while package versions stay the same.
pub(crate) async fn of_host(env: &Env, read: &mut Reader, host: &Host) -> Result<FirstSeen> {
    let known = env.known().of(read, host.ecosystem.as_deref().unwrap_or_default()).await?;
    let mut out = FirstSeen { host: host.first_seen, present: BTreeMap::new(), known };
    let history = read.host_facts_history(&host.id, HISTORY_MAX).await?;
    let changes = history.iter().any(|v| v.set_hash != host.set_hash);
    if !changes {
        return Ok(out);
    }
    let mut hashes: Vec<String> = history.iter().map(|v| v.set_hash.clone()).collect();
    hashes.sort();
    hashes.dedup();
    let sets: BTreeMap<String, BTreeMap<String, String>> =
        read.package_set_fetch_many(&hashes).await?.into_iter().map(|(hash, set)| (hash, versions(&set))).collect();
    let Some(current) = sets.get(&host.set_hash) else {
        return Ok(out);
    };
    let mut going: BTreeMap<&str, Timestamp> = current.keys().map(|k| (k.as_str(), host.facts_at)).collect();
    for version in &history {
        let Some(then) = sets.get(&version.set_hash) else { continue };
        let mut ended = Vec::new();
        for (source, since) in &mut going {
            if then.get(*source) == current.get(*source) {
                *since = (*since).min(version.at);
            } else {
                ended.push((*source).to_owned());
            }
        }
        for source in ended {
            if let Some(since) = going.remove(source.as_str()) {
                out.present.insert(source, since);
            }
        }
    }
    out.present.extend(going.into_iter().map(|(source, since)| (source.to_owned(), since)));
    Ok(out)
}
