//! What a decision covers: vulnerabilities of packages on hosts, as they were listed when it was asked for.
//!
//! A decision never grows by itself. A host that joins later, or a vulnerability that becomes known later, was seen by nobody who
//! decided; it is open until somebody decides about it too. So the list is kept, not the question that it came from.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::ids::HostId;

/// Hosts in one decision at most.
pub const HOSTS_MAX: usize = 20_000;
/// Parts in one decision at most.
pub const PARTS_MAX: usize = 20_000;
/// Names of vulnerabilities in all parts at most.
pub const NAMES_MAX: usize = 200_000;

/// Vulnerabilities of one package on some of the hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Ecosystem with release.
    pub ecosystem: String,
    /// Package as advisories name it.
    pub package: String,
    /// The installed version that is meant; every version without one.
    pub version: Option<String>,
    /// Vulnerabilities, sorted.
    pub vulns: Vec<String>,
    /// On which hosts: half-open runs of places in [`Coverage::hosts`], in order.
    pub on: Vec<(u32, u32)>,
}

impl Part {
    fn is_on(&self, place: u32) -> bool {
        self.on.iter().any(|(from, to)| (*from..*to).contains(&place))
    }

    /// Number of hosts.
    #[must_use]
    pub fn hosts(&self) -> u64 {
        self.on.iter().map(|(from, to)| u64::from(to.saturating_sub(*from))).sum()
    }

    /// Whether it means a vulnerability of an installed package.
    #[must_use]
    pub fn means(&self, ecosystem: &str, package: &str, version: &str, vuln: &str) -> bool {
        self.ecosystem == ecosystem
            && self.package == package
            && self.version.as_deref().is_none_or(|v| v == version)
            && self.vulns.binary_search_by(|v| v.as_str().cmp(vuln)).is_ok()
    }
}

/// Hosts, and what is meant on which of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Hosts, sorted, each once.
    pub hosts: Vec<HostId>,
    /// What is meant.
    pub parts: Vec<Part>,
}

/// Some vulnerabilities of a package on some hosts, before they are put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Ecosystem with release.
    pub ecosystem: String,
    /// Package as advisories name it.
    pub package: String,
    /// The installed version that is meant; every version without one.
    pub version: Option<String>,
    /// Vulnerabilities.
    pub vulns: Vec<String>,
    /// Hosts.
    pub hosts: Vec<HostId>,
}

/// Ecosystem, package, version and vulnerabilities that are listed together.
type AlikeKey = (String, String, Option<String>, Vec<String>);
/// Ecosystem, package, version and hosts of a part.
type PartKey = (String, String, Option<String>, Vec<(u32, u32)>);

impl Coverage {
    /// Puts a list together: equal lists of vulnerabilities of a package share their hosts.
    #[must_use]
    pub fn of(list: Vec<Listed>) -> Self {
        let mut hosts: Vec<HostId> = list.iter().flat_map(|l| &l.hosts).cloned().collect();
        hosts.sort_unstable();
        hosts.dedup();
        let mut places: BTreeMap<AlikeKey, BTreeSet<u32>> = BTreeMap::new();
        for mut listed in list {
            listed.vulns.sort_unstable();
            listed.vulns.dedup();
            if listed.vulns.is_empty() || listed.hosts.is_empty() {
                continue;
            }
            let on = places.entry((listed.ecosystem, listed.package, listed.version, listed.vulns)).or_default();
            let place = |host: &HostId| hosts.binary_search(host).ok().and_then(|p| u32::try_from(p).ok());
            on.extend(listed.hosts.iter().filter_map(place));
        }
        // Then the other way round: what a package has on the same hosts is one part.
        let mut parts: BTreeMap<PartKey, BTreeSet<String>> = BTreeMap::new();
        for ((ecosystem, package, version, vulns), on) in places {
            parts.entry((ecosystem, package, version, runs(&on))).or_default().extend(vulns);
        }
        let part = |((ecosystem, package, version, on), vulns): (PartKey, BTreeSet<String>)| Part {
            ecosystem,
            package,
            version,
            vulns: vulns.into_iter().collect(),
            on,
        };
        Self { hosts, parts: parts.into_iter().map(part).collect() }
    }

    /// Whether nothing is meant.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// What is meant on a host.
    pub fn on_host(&self, host: &HostId) -> impl Iterator<Item = &Part> {
        let place = self.hosts.binary_search(host).ok().and_then(|p| u32::try_from(p).ok());
        self.parts.iter().filter(move |part| place.is_some_and(|p| part.is_on(p)))
    }

    /// The hosts of a part.
    pub fn hosts_of<'a>(&'a self, part: &'a Part) -> impl Iterator<Item = &'a HostId> {
        part.on.iter().flat_map(|(from, to)| self.hosts.get(*from as usize..*to as usize).unwrap_or(&[]))
    }

    /// What is meant on some of the hosts alone.
    #[must_use]
    pub fn within(&self, keep: impl Fn(&HostId) -> bool) -> Self {
        let listed = |part: &Part| Listed {
            ecosystem: part.ecosystem.clone(),
            package: part.package.clone(),
            version: part.version.clone(),
            vulns: part.vulns.clone(),
            hosts: self.hosts_of(part).filter(|host| keep(host)).cloned().collect(),
        };
        Self::of(self.parts.iter().map(listed).collect())
    }

    /// Every vulnerability.
    #[must_use]
    pub fn vulns(&self) -> BTreeSet<&str> {
        self.parts.iter().flat_map(|p| &p.vulns).map(String::as_str).collect()
    }

    /// Every package.
    #[must_use]
    pub fn packages(&self) -> BTreeSet<&str> {
        self.parts.iter().map(|p| p.package.as_str()).collect()
    }

    /// Findings: one for each vulnerability of a package on a host.
    #[must_use]
    pub fn findings(&self) -> u64 {
        self.parts.iter().map(|p| p.hosts().saturating_mul(p.vulns.len() as u64)).sum()
    }

    /// What a decision about it is about, in one line: `openssl (3 vulnerabilities) on 12 hosts`.
    #[must_use]
    pub fn title(&self) -> String {
        let hosts = counted(self.hosts.len(), "host");
        let vulns = self.vulns();
        let packages: Vec<&str> = self.packages().into_iter().collect();
        let what = match (vulns.len(), vulns.first(), &packages[..]) {
            (1, Some(vuln), [package]) => format!("{vuln} in {package}"),
            (1, Some(vuln), _) => (*vuln).to_owned(),
            (n, _, [package]) => format!("{package} ({n} vulnerabilities)"),
            (n, _, packages) => format!("{n} vulnerabilities in {}", counted(packages.len(), "package")),
        };
        format!("{what} on {hosts}")
    }

    /// Names what is covered: SHA-256 in hex.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        let mut text = |part: &str| {
            // The length first, so that moving text between two fields changes the digest.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        };
        for host in &self.hosts {
            text(host.as_str());
        }
        for part in &self.parts {
            text("part");
            text(&part.ecosystem);
            text(&part.package);
            text(part.version.as_deref().unwrap_or("*"));
            for vuln in &part.vulns {
                text(vuln);
            }
            for (from, to) in &part.on {
                text(&format!("{from}-{to}"));
            }
        }
        hex::encode(hash.finalize())
    }

    /// What makes it too large for one decision, if anything does.
    #[must_use]
    pub fn excess(&self) -> Option<String> {
        let names: usize = self.parts.iter().map(|p| p.vulns.len()).sum();
        if self.hosts.len() > HOSTS_MAX {
            return Some(format!("{} hosts, {HOSTS_MAX} are decided about at once at most", self.hosts.len()));
        }
        if self.parts.len() > PARTS_MAX || names > NAMES_MAX {
            return Some(format!("{} packages with {names} vulnerabilities between them", self.parts.len()));
        }
        None
    }
}

fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

fn runs(places: &BTreeSet<u32>) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for place in places {
        match runs.last_mut() {
            Some((_, to)) if *to == *place => *to += 1,
            _ => runs.push((*place, place.saturating_add(1))),
        }
    }
    runs
}
