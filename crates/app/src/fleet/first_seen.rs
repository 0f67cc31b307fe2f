//! When a finding was first there on a host: the later of "the version with the flaw was there" and "anybody here could know".

use std::collections::{BTreeMap, BTreeSet};

use patchwright_domain::exposure::Finding;
use patchwright_domain::exposure::kernel::{canonical_source, carries_kernel, is_kernel_source};
use patchwright_domain::exposure::subject::{Standing, SubjectKey};
use patchwright_domain::inventory::{Package, PackageFormat, PackageState};
use patchwright_domain::time::Timestamp;
use patchwright_store::{Host, PackageSet, Reader};

use crate::{Env, Result};

/// Versions of a host's history that are looked at; a longer presence counts from the oldest of them.
const HISTORY_MAX: u32 = 100;

/// Presence of the packages of one host, and the log of what is known.
pub(crate) struct FirstSeen {
    host: Timestamp,
    /// Since when a version of a package is, or last was, there: by name as findings have it, then by version.
    present: BTreeMap<String, BTreeMap<String, Timestamp>>,
    known: std::sync::Arc<crate::intel::EcosystemKnown>,
}

/// Since when a subject is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The version on disk; of kernels the one that boots next.
    pub(crate) installed: Timestamp,
    /// The version whose code runs: another one while a restart or a reboot is pending.
    pub(crate) running: Timestamp,
}

impl FirstSeen {
    /// Since when a version of a package is there.
    fn present(&self, package: &str, version: &str) -> Timestamp {
        self.present.get(package).and_then(|versions| versions.get(version)).copied().unwrap_or(self.host)
    }

    /// Whether the history speaks of a version.
    pub(crate) fn has(&self, package: &str, version: &str) -> bool {
        self.present.get(package).is_some_and(|versions| versions.contains_key(version))
    }

    /// Since when a subject is there. That a fixed version was installed beside the one that runs starts no new clock.
    pub(crate) fn subject(&self, key: &SubjectKey) -> Seen {
        match &key.standing {
            Standing::Installed => {
                let installed = self.present(&key.name, &key.version);
                Seen { installed, running: installed }
            }
            Standing::Replaced { old } => {
                Seen { installed: self.present(&key.name, &key.version), running: self.present(&key.name, old) }
            }
            Standing::Kernel { running, next } => {
                let installed = self.present(&key.name, next);
                Seen { installed, running: running.as_ref().map_or(installed, |v| self.present(&key.name, v)) }
            }
        }
    }

    pub(crate) fn at(&self, finding: &Finding) -> Timestamp {
        let present = self.present(&finding.package, finding.flawed_version());
        self.known.since(&finding.package, &finding.vuln).map_or(present, |known| known.max(present))
    }
}

/// Names and versions of a set as findings have them: sources for dpkg and apk; binaries for rpm, whose advisories name these, and
/// their sources, which some publishers name. Kernels count by the version of the image.
pub(super) fn versions(format: Option<PackageFormat>, packages: &[Package]) -> BTreeSet<(&str, &str)> {
    let mut out = BTreeSet::new();
    for p in packages.iter().filter(|p| p.state != PackageState::ConfigFiles) {
        if format == Some(PackageFormat::Rpm) {
            out.insert((p.name.as_str(), p.version.as_str()));
        }
        let source = canonical_source(&p.source);
        if !source.is_empty() {
            out.insert((source, p.source_version.as_str()));
        }
        if is_kernel_source(source) && carries_kernel(&p.name) {
            out.insert((source, p.version.as_str()));
        }
    }
    out
}

/// Since when each version is there without a gap, walking back from the newest set. A version that is gone counts from the
/// beginning of its last presence: a process may still run it.
fn presence(sets: &[(Timestamp, BTreeSet<(&str, &str)>)]) -> BTreeMap<String, BTreeMap<String, Timestamp>> {
    let mut going: BTreeMap<(&str, &str), Timestamp> = BTreeMap::new();
    let mut ended: BTreeMap<(&str, &str), Timestamp> = BTreeMap::new();
    for (at, there) in sets {
        let left: Vec<(&str, &str)> = going.keys().filter(|pair| !there.contains(*pair)).copied().collect();
        for pair in left {
            ended.extend(going.remove(&pair).map(|since| (pair, since)));
        }
        for pair in there.iter().filter(|pair| !ended.contains_key(*pair)) {
            going.insert(*pair, *at);
        }
    }
    let mut out: BTreeMap<String, BTreeMap<String, Timestamp>> = BTreeMap::new();
    for ((name, version), since) in going.into_iter().chain(ended) {
        out.entry(name.to_owned()).or_default().insert(version.to_owned(), since);
    }
    out
}

/// Walks a host's history backwards while package versions stay the same.
pub(crate) async fn of_host(env: &Env, read: &mut Reader, host: &Host) -> Result<FirstSeen> {
    let known = env.known().of(read, host.ecosystem.as_deref().unwrap_or_default()).await?;
    let mut out = FirstSeen { host: host.first_seen, present: BTreeMap::new(), known };
    let history = read.host_facts_history(&host.id, HISTORY_MAX).await?;
    if history.iter().all(|v| v.set_hash == host.set_hash) {
        return Ok(out);
    }
    let mut hashes: Vec<String> = history.iter().map(|v| v.set_hash.clone()).collect();
    hashes.sort();
    hashes.dedup();
    let stored: BTreeMap<String, PackageSet> = read.package_set_fetch_many(&hashes).await?.into_iter().collect();
    let mut sets: Vec<(Timestamp, BTreeSet<(&str, &str)>)> = Vec::new();
    // Newest first; of neighbours with one set the oldest counts.
    for same in history.chunk_by(|a, b| a.set_hash == b.set_hash) {
        if let Some(oldest) = same.last()
            && let Some(set) = stored.get(&oldest.set_hash)
        {
            sets.push((oldest.at, versions(set.format, &set.packages)));
        }
    }
    out.present = presence(&sets);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, source: &str, version: &str) -> Package {
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
            source: source.to_owned(),
            source_version: version.to_owned(),
            ..Package::default()
        }
    }

    fn of(set: &PackageSet) -> BTreeSet<(&str, &str)> {
        versions(set.format, &set.packages)
    }

    fn set(format: PackageFormat, packages: &[Package]) -> PackageSet {
        PackageSet { schema: 1, format: Some(format), packages: packages.to_vec(), purls: Vec::new() }
    }

    #[test]
    fn findings_of_rpm_hosts_have_the_names_of_binaries() {
        let list = [package("openssl-libs", "openssl", "3.0.7-1.el9")];
        let rpm = set(PackageFormat::Rpm, &list);
        let expected = BTreeSet::from([("openssl", "3.0.7-1.el9"), ("openssl-libs", "3.0.7-1.el9")]);
        assert_eq!(of(&rpm), expected);
        let deb = set(PackageFormat::Deb, &list);
        assert_eq!(of(&deb), BTreeSet::from([("openssl", "3.0.7-1.el9")]), "sources only");
        let image = package("linux-image-6.1.0-9-amd64", "linux-signed-amd64", "6.1.27-1");
        let signed = Package { source_version: "6.1.27+1".to_owned(), ..image };
        let kernel = set(PackageFormat::Deb, &[signed]);
        assert!(of(&kernel).contains(&("linux", "6.1.27-1")), "the version of the image");
    }

    #[test]
    fn a_version_counts_from_the_beginning_of_its_last_presence() {
        let day = |n: i64| Timestamp(n);
        let sets = [
            (day(50), BTreeSet::from([("curl", "2"), ("zlib", "1")])),
            (day(40), BTreeSet::from([("curl", "1"), ("zlib", "1")])),
            (day(30), BTreeSet::from([("curl", "1")])),
            (day(20), BTreeSet::from([("curl", "2"), ("zlib", "1")])),
        ];
        let out = presence(&sets);
        assert_eq!(out["curl"], BTreeMap::from([("1".to_owned(), day(30)), ("2".to_owned(), day(50))]));
        assert_eq!(out["zlib"]["1"], day(40), "there was a gap before");
    }
}
