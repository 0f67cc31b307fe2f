//! What is matched: one package as advisories name it, at one version, in one standing on a host.
//!
//! Two hosts with equal subjects have equal findings, whatever else differs between them: that is what lets a fleet be
//! matched once per distinct subject and not once per host.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_versions::{Scheme, compare_lenient};

use super::finding::Evidence;
use super::kernel::{KernelPart, canonical_source, carries_kernel, is_kernel_bystander, kernel_part, kernel_view};
use super::streams::Stream;
use crate::intel::modules::is_modular;
use crate::inventory::{HistoryEntry, HostFacts, Package, PackageFormat, PackageState, Unseen};
use crate::time::Timestamp;

/// How the version that is installed relates to the code that runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// The installed version is the one that counts.
    Installed,
    /// A process still maps files of an older version that was replaced on disk.
    Replaced {
        /// The version whose code still runs.
        old: String,
    },
    /// A kernel: what runs can be attacked now, what boots next after a reboot.
    Kernel {
        /// Version of the running kernel; nothing when no installed package owns it (containers, own builds).
        running: Option<String>,
        /// Version that boots next.
        next: String,
        /// Where nobody looked which one runs: every version that may, oldest first.
        may_run: Vec<String>,
    },
}

/// A vulnerability that the changelog of a version on offer names as fixed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offer {
    /// CVE id.
    pub vuln: String,
    /// Version whose changelog entry names it.
    pub fixed: String,
    /// The advisory of the host's repository that says so.
    pub advisory: Option<String>,
}

impl Offer {
    /// Whether the version on offer is newer than an installed one.
    #[must_use]
    pub fn is_newer(&self, scheme: Scheme, installed: &str) -> bool {
        compare_lenient(scheme, installed, &self.fixed).is_lt()
    }
}

/// Other names under which advisories speak of the same packages: of one distribution's publishers, one names sources
/// (`openssl`) and another binaries (`openssl-libs`).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kin {
    /// None: every publisher of the distribution uses the same names.
    #[default]
    None,
    /// The subject is a binary of this source.
    Source(String),
    /// The subject is a source, with these binaries installed, sorted.
    Binaries(Vec<String>),
}

/// The identity of a subject: equal keys have equal claims under equal intelligence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectKey {
    /// Source package (deb, apk) or binary package (rpm), as advisories name it.
    pub name: String,
    /// Installed version of it; empty for kernels, whose versions are in the standing.
    pub version: String,
    /// Module stream of an rpm package.
    pub module: Option<String>,
    /// How the version stands.
    pub standing: Standing,
    /// What changelogs on offer say, sorted; most hosts with full data have none that count.
    pub offers: Vec<Offer>,
    /// Other names of the same packages.
    pub kin: Kin,
}

impl SubjectKey {
    /// The rpm module stream that it belongs to.
    #[must_use]
    pub fn stream(&self, scheme: Scheme) -> Stream<'_> {
        match (&self.module, scheme) {
            (Some(name), Scheme::Rpm) => Stream::Named(name),
            (None, Scheme::Rpm) if is_modular(&self.version) => Stream::Unnamed,
            _ => Stream::None,
        }
    }
}

/// A subject of one host, with what only this host knows of it.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// Identity.
    pub key: SubjectKey,
    /// The binaries that carry it here.
    pub binaries: Vec<&'a Package>,
    /// Evidence of the standing: which processes map what.
    pub evidence: Vec<Evidence>,
}

/// Every subject of a host, sorted by name and version.
///
/// Packages are grouped by source for dpkg and apk, and are their own name for rpm; where the publisher of an rpm
/// distribution names sources, these are subjects too. Configuration leftovers and the kernel's bystanders (headers, tools)
/// are no subjects.
#[must_use]
pub fn subjects<'a>(host: &'a HostFacts, ecosystem: &str, scheme: Scheme) -> Vec<Subject<'a>> {
    let installed: BTreeSet<&str> = if names_sources(ecosystem) {
        host.packages.iter().map(|p| p.name.as_str()).collect()
    } else {
        BTreeSet::new()
    };
    // Of the source of an installed kernel every other package is a bystander.
    let kernels: BTreeSet<&str> = host
        .packages
        .iter()
        .filter(|package| package.state != PackageState::ConfigFiles)
        .map(|package| (canonical_source(&package.source), package))
        .filter(|(source, package)| kernel_part(source, &package.name) == KernelPart::Image)
        .map(|(source, _)| source)
        .collect();
    let mut groups: BTreeMap<(&str, &str, Option<&str>), Vec<&Package>> = BTreeMap::new();
    for package in &host.packages {
        if package.state == PackageState::ConfigFiles {
            continue;
        }
        let module = package.module.as_deref();
        let key = if scheme == Scheme::Rpm {
            if is_kernel_bystander(&package.name) {
                continue;
            }
            // One subject for all installed images: which of them counts is the kernel rule's business.
            let version = if carries_kernel(&package.name) { "" } else { package.version.as_str() };
            let source = package.source.as_str();
            // A package of the source's own name is judged in its stead: it has the version that advisories count in.
            let judged = installed.contains(source) || is_debug(&package.name);
            // Nor has what is built beside a kernel its flaws (`libperf`).
            let beside = carries_kernel(source) && !carries_kernel(&package.name);
            if names_sources(ecosystem) && !source.is_empty() && !judged && !beside {
                let of_source = if version.is_empty() { "" } else { package.source_version.as_str() };
                groups.entry((source, of_source, module)).or_default().push(package);
            }
            (package.name.as_str(), version, module)
        } else {
            let source = canonical_source(&package.source);
            match kernel_part(source, &package.name) {
                KernelPart::Image => (source, "", module),
                KernelPart::Bystander => continue,
                KernelPart::Other if kernels.contains(source) => continue,
                KernelPart::Other => (source, package.source_version.as_str(), module),
            }
        };
        groups.entry(key).or_default().push(package);
    }
    groups
        .into_iter()
        .filter_map(|((name, version, module), binaries)| {
            let kin = if names_sources(ecosystem) { kin(name, &binaries) } else { Kin::None };
            subject(host, scheme, (name, version, module), kin, binaries)
        })
        .collect()
}

/// The other names of a subject that `binaries` make.
fn kin(name: &str, binaries: &[&Package]) -> Kin {
    if binaries.iter().all(|package| package.name != name) {
        let names: BTreeSet<&str> = binaries.iter().map(|package| package.name.as_str()).collect();
        return Kin::Binaries(names.into_iter().map(str::to_owned).collect());
    }
    let source = binaries.iter().map(|package| package.source.as_str()).find(|source| !source.is_empty());
    source.filter(|source| *source != name).map_or(Kin::None, |source| Kin::Source(source.to_owned()))
}

/// Whether publishers of an rpm ecosystem name source packages, all of them or some: Microsoft does, Red Hat where it says that a package
/// is affected and not fixed, and OSV's data of Rocky Linux, SUSE, openEuler and Mageia (`openssl` for `openssl-libs`). AlmaLinux,
/// Amazon, Fedora and Oracle name binaries.
#[must_use]
pub fn names_sources(ecosystem: &str) -> bool {
    let family = ecosystem.split(':').next().unwrap_or_default();
    matches!(family, "Rocky Linux" | "Azure Linux" | "Red Hat" | "SUSE" | "openSUSE" | "openEuler" | "Mageia")
}

/// Whether an rpm holds symbols or sources for debuggers: no code that runs, so that nothing is said of its source for it.
fn is_debug(binary: &str) -> bool {
    binary.split('-').any(|word| matches!(word, "debuginfo" | "debugsource"))
}

fn subject<'a>(
    host: &'a HostFacts,
    scheme: Scheme,
    (name, version, module): (&str, &str, Option<&str>),
    kin: Kin,
    binaries: Vec<&'a Package>,
) -> Option<Subject<'a>> {
    let mut evidence = Vec::new();
    let standing = if version.is_empty() && is_kernel(scheme, name, &binaries) {
        let view = kernel_view(host, &binaries, scheme);
        Standing::Kernel { running: view.running, next: view.next?, may_run: view.may_run }
    } else if let Some((old, mapped)) = replaced_version(host, scheme, &binaries) {
        evidence = mapped;
        Standing::Replaced { old }
    } else {
        Standing::Installed
    };
    let mut offers: Vec<Offer> = match standing {
        Standing::Kernel { .. } => Vec::new(),
        Standing::Installed | Standing::Replaced { .. } => host
            .candidate_fixes
            .iter()
            .filter(|f| match &kin {
                // What is on offer for binaries says which statements about their source are told already.
                Kin::Binaries(names) => names.contains(&f.source),
                Kin::None | Kin::Source(_) => f.source == name,
            })
            .map(|f| Offer { vuln: f.cve.clone(), fixed: f.fixed.clone(), advisory: f.advisory.clone() })
            .collect(),
    };
    offers.sort_unstable();
    offers.dedup();
    let key = SubjectKey {
        name: name.to_owned(),
        version: version.to_owned(),
        module: module.map(str::to_owned),
        standing,
        offers,
        kin,
    };
    Some(Subject { key, binaries, evidence })
}

/// Whether advisories of this name speak of a kernel.
fn is_kernel(scheme: Scheme, name: &str, binaries: &[&Package]) -> bool {
    if scheme == Scheme::Rpm {
        return carries_kernel(name) || binaries.iter().all(|package| carries_kernel(&package.name));
    }
    binaries.iter().all(|package| kernel_part(name, &package.name) == KernelPart::Image)
}

/// The version whose code a process still runs, when one maps a replaced file of a package of this subject: of several the oldest,
/// which has the most flaws. Where nothing tells it, nothing is claimed; [`unlogged`] names these.
fn replaced_version(host: &HostFacts, scheme: Scheme, binaries: &[&Package]) -> Option<(String, Vec<Evidence>)> {
    if host.stale.is_empty() {
        return None;
    }
    let names: BTreeSet<&str> = binaries.iter().map(|p| p.name.as_str()).collect();
    let mut mapped = Vec::new();
    let mut ran: BTreeSet<(&str, Option<Timestamp>)> = BTreeSet::new();
    for process in &host.stale {
        for file in &process.files {
            if let Some(owner) = file.package.as_deref().filter(|o| names.contains(o)) {
                ran.insert((owner, process.started_at));
                mapped.push(Evidence::StillMapped {
                    pid: process.pid,
                    exe: process.exe.clone(),
                    unit: process.unit.clone(),
                    file: file.path.clone(),
                });
            }
        }
    }
    let old = ran
        .into_iter()
        .filter_map(|(owner, started)| version_at(host, scheme, binaries, owner, started))
        // Histories name binary versions; a binary rebuild differs from its source only by `+bN`.
        .map(|version| strip_rebuild(scheme, version))
        .min_by(|a, b| compare_lenient(scheme, a, b))?;
    Some((old, mapped))
}

/// The version of a package that a process of before its replacement maps: the one that was there when the process started, or, where
/// nobody knows when, when the host booted. Without either, it is the one before the last recorded change.
///
/// Logs without a zone are read as UTC: where a process seems to have started after the last change, the clock is not trusted over the
/// fact that it maps a file of before.
fn version_at<'h>(
    host: &'h HostFacts,
    scheme: Scheme,
    binaries: &[&Package],
    owner: &str,
    started: Option<Timestamp>,
) -> Option<&'h str> {
    // Histories are kept newest first.
    let mut log: Vec<&HistoryEntry> = host.history.iter().rev().filter(|entry| entry.name == owner).collect();
    log.sort_by_key(|entry| entry.at);
    if let Some(since) = started.or(host.kernel.booted_at)
        && let Some(from) = log.iter().filter(|entry| entry.at >= since).find_map(|entry| entry.from.as_deref())
    {
        return Some(from);
    }
    let last = log.iter().rev().find(|entry| entry.to.is_some())?;
    let to = last.to.as_deref()?;
    let is_installed = binaries.iter().any(|p| p.name == owner && compare_lenient(scheme, &p.version, to).is_eq());
    // A log that does not end at what is installed misses the last change: what it ends at was replaced.
    if is_installed { last.from.as_deref() } else { Some(to) }
}

/// Packages of which a process maps a replaced file, without anything that tells the version that it started with.
#[must_use]
pub fn unlogged(host: &HostFacts) -> BTreeSet<&str> {
    let scheme = match host.format {
        Some(PackageFormat::Deb) | None => Scheme::Deb,
        Some(PackageFormat::Rpm) => Scheme::Rpm,
        Some(PackageFormat::Apk) => Scheme::Apk,
    };
    let mut unknown: BTreeSet<&str> = BTreeSet::new();
    if host.stale.is_empty() {
        return unknown;
    }
    let mut packages: BTreeMap<&str, Vec<&Package>> = BTreeMap::new();
    for package in host.packages.iter().filter(|package| package.state != PackageState::ConfigFiles) {
        packages.entry(package.name.as_str()).or_default().push(package);
    }
    for process in &host.stale {
        for owner in process.files.iter().filter_map(|file| file.package.as_deref()) {
            if let Some(binaries) = packages.get(owner).filter(|_| !unknown.contains(owner))
                && version_at(host, scheme, binaries, owner, process.started_at).is_none()
            {
                unknown.insert(owner);
            }
        }
    }
    unknown
}

/// What is said of a host where the version of code that still runs is not known, so that its flaws are not among the findings.
#[must_use]
pub fn replaced_unseen(host: &HostFacts) -> Option<Unseen> {
    /// Names that are written out.
    const SHOWN: usize = 5;
    let unknown = unlogged(host);
    let names: Vec<&str> = unknown.iter().copied().take(SHOWN).collect();
    let more = match unknown.len().saturating_sub(names.len()) {
        _ if names.is_empty() => return None,
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    Some(Unseen {
        what: format!("vulnerabilities of replaced code that still runs: {}{more}", names.join(", ")),
        why: "processes map files of an older version, and no package log says which".to_owned(),
        hint:
            "restart these processes, or the machine, and look again; the package manager's log (`/var/log/dpkg.log`, \
               `dnf history`) tells the version as long as it is kept"
                .to_owned(),
    })
}

/// What is said of a host with packages of modules that carry no label of their stream.
#[must_use]
pub fn streams_unseen(host: &HostFacts) -> Option<Unseen> {
    if matches!(host.format, Some(PackageFormat::Deb | PackageFormat::Apk)) {
        return None;
    }
    let unnamed = host.packages.iter().filter(|p| p.module.is_none() && is_modular(&p.version)).count();
    let packages = match unnamed {
        0 => return None,
        1 => "1 package is from a module and names no stream: it is".to_owned(),
        n => format!("{n} packages are from modules and name no stream: they are"),
    };
    Some(Unseen {
        what: "module streams".to_owned(),
        why: format!(
            "{packages} judged by the stream that is named after the version, or by every stream where none is"
        ),
        hint: "collect with `patchwright collect`, or with `%{MODULARITYLABEL}` in the query of rpm; rpm of Oracle Linux 8 writes no \
               labels"
            .to_owned(),
    })
}

fn strip_rebuild(scheme: Scheme, version: &str) -> String {
    if scheme != Scheme::Deb {
        return version.to_owned();
    }
    match version.rsplit_once("+b") {
        Some((head, tail)) if !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_digit()) => head.to_owned(),
        _ => version.to_owned(),
    }
}
