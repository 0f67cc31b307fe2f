//! When a finding was first there on a host: the later of "the version with the flaw was there" and "anybody here could know".

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use patchwright_domain::exposure::Finding;
use patchwright_domain::exposure::components::{Library, libraries};
use patchwright_domain::exposure::kernel::{canonical_source, carries_kernel};
use patchwright_domain::exposure::subject::{Standing, SubjectKey};
use patchwright_domain::intel::names::is_component;
use patchwright_domain::inventory::{HostFacts, Package, PackageFormat, PackageState};
use patchwright_domain::time::Timestamp;
use patchwright_store::{Host, Reader};

use super::record::Record;
use crate::intel::EcosystemKnown;
use crate::{Env, Result};

/// Presence of the packages of one host, and the log of what is known.
///
/// A package counts from the first facts that had it, whatever the host's own log says: facts without any package of a language (a
/// list of dpkg alone, say) are facts in which they were not there.
pub(crate) struct FirstSeen {
    host: Timestamp,
    /// Since when a version of a package is, or last was, there: by name as findings have it, then by version.
    present: BTreeMap<String, BTreeMap<String, Timestamp>>,
    /// The same of packages of languages.
    libraries: BTreeMap<Library, Timestamp>,
    /// By ecosystem: that of the system, and those of languages.
    known: BTreeMap<String, Arc<EcosystemKnown>>,
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

    /// Since when a package of a language is there.
    pub(crate) fn library(&self, library: &Library) -> Timestamp {
        self.libraries.get(library).copied().unwrap_or(self.host)
    }

    /// Whether the history speaks of what a finding is about.
    pub(crate) fn has(&self, finding: &Finding) -> bool {
        let version = finding.flawed_version();
        match library_of(finding) {
            Some(library) => self.libraries.contains_key(&library),
            None => self.present.get(&finding.package).is_some_and(|versions| versions.contains_key(version)),
        }
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
            Standing::Kernel { running, next, may_run } => {
                let installed = self.present(&key.name, next);
                let running = running.iter().chain(may_run).map(|version| self.present(&key.name, version)).min();
                Seen { installed, running: running.unwrap_or(installed) }
            }
        }
    }

    pub(crate) fn at(&self, finding: &Finding) -> Timestamp {
        let present = match library_of(finding) {
            Some(library) => self.library(&library),
            None => self.present(&finding.package, finding.flawed_version()),
        };
        let known = self.known.get(&finding.ecosystem).and_then(|k| k.since(&finding.package, &finding.vuln));
        known.map_or(present, |known| known.max(present))
    }
}

/// The package of a language that a finding is about; nothing for one of the system.
pub(super) fn library_of(finding: &Finding) -> Option<Library> {
    is_component(&finding.ecosystem).then(|| Library {
        ecosystem: finding.ecosystem.clone(),
        name: finding.package.clone(),
        version: finding.flawed_version().to_owned(),
    })
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
        if carries_kernel(&p.name) && !source.is_empty() {
            out.insert((source, p.version.as_str()));
        }
    }
    out
}

/// Since when each version is there without a gap, walking back from the newest list. A version that is gone counts from the
/// beginning of its last presence: a process may still run it.
fn presence<V: Ord + Copy>(lists: impl IntoIterator<Item = (Timestamp, BTreeSet<V>)>) -> BTreeMap<V, Timestamp> {
    let mut going: BTreeMap<V, Timestamp> = BTreeMap::new();
    let mut ended: BTreeMap<V, Timestamp> = BTreeMap::new();
    for (at, there) in lists {
        let left: Vec<V> = going.keys().filter(|version| !there.contains(*version)).copied().collect();
        for version in left {
            ended.extend(going.remove(&version).map(|since| (version, since)));
        }
        for version in there.iter().filter(|version| !ended.contains_key(*version)) {
            going.insert(*version, at);
        }
    }
    going.extend(ended);
    going
}

/// Walks a host's history backwards while versions stay the same; `now` are its newest facts.
pub(crate) async fn of_host(env: &Env, read: &mut Reader, host: &Host, now: &HostFacts) -> Result<FirstSeen> {
    let record = Record::of(read, host, now).await?;
    of_record(env, read, host, now, &record).await
}

/// The same with the record at hand.
pub(crate) async fn of_record(
    env: &Env,
    read: &mut Reader,
    host: &Host,
    now: &HostFacts,
    record: &Record,
) -> Result<FirstSeen> {
    let mut ecosystems: BTreeSet<String> = libraries(now).into_iter().map(|library| library.ecosystem).collect();
    ecosystems.extend(record.libraries.iter().flat_map(|(_, list)| list.iter()).map(|l| l.ecosystem.clone()));
    ecosystems.extend(host.ecosystem.clone());
    let mut known = BTreeMap::new();
    for ecosystem in ecosystems {
        let of = env.known().of(read, &ecosystem, env.now()).await?;
        known.insert(ecosystem, of);
    }
    let mut out = FirstSeen { host: host.first_seen, present: BTreeMap::new(), libraries: BTreeMap::new(), known };
    for ((name, version), since) in
        presence(record.sets.iter().map(|(at, set)| (*at, versions(set.format, &set.packages))))
    {
        out.present.entry(name.to_owned()).or_default().insert(version.to_owned(), since);
    }
    let of_languages = presence(record.libraries.iter().map(|(at, list)| (*at, list.iter().collect())));
    out.libraries = of_languages.into_iter().map(|(library, since)| (library.clone(), since)).collect();
    Ok(out)
}

#[cfg(test)]
mod tests {
    use patchwright_store::PackageSet;

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
        let out = presence(sets);
        assert_eq!((out[&("curl", "1")], out[&("curl", "2")]), (day(30), day(50)));
        assert_eq!(out[&("zlib", "1")], day(40), "there was a gap before");
    }
}
