//! Matching: one host's facts against an intelligence snapshot, as a pure function with evidence.
//!
//! For an OS package the distribution's own statements decide; upstream ranges never judge it. Among several providers
//! of one ecosystem the most authoritative one that speaks of (package, vulnerability) decides alone.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_versions::{Scheme, compare_lenient, sort_key};

use super::finding::{AffectedBinary, Evidence, Finding, FindingState};
use super::kernel::{canonical_source, carries_kernel, is_kernel_bystander, is_kernel_source, kernel_view};
use super::streams::{Stream, vulnerable_modular};
use crate::intel::snapshot::advisories::{AdvisoryChunk, Row, scheme_of};
use crate::intel::{Status, VendorWords};
use crate::inventory::{HostFacts, Package, PackageState};

/// An advisory chunk with the name of its provider.
pub struct ProviderChunk<'a> {
    /// Provider (`debian-tracker`).
    pub provider: &'a str,
    /// Its statements about the host's ecosystem.
    pub chunk: &'a AdvisoryChunk,
}

/// Authority of a provider for its own ecosystem: lower decides first. A distribution's tracker knows every state, its
/// advisory lists know fixes, aggregators copy them, and changelogs are the offline stand-in.
#[must_use]
pub fn authority(provider: &str) -> u8 {
    match provider {
        "debian-tracker" => 0,
        "debian-dsa" => 1,
        p if p.starts_with("almalinux") => 1,
        p if p.starts_with("osv") => 2,
        "debian-changelog" => 3,
        _ => 4,
    }
}

/// One package as advisories name it, with the binaries that carry it on this host.
pub(super) struct Subject<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) binaries: Vec<&'a Package>,
}

impl<'a> Subject<'a> {
    /// The rpm module stream that it belongs to; packages of one version come from one build.
    fn stream(&self, scheme: Scheme) -> Stream<'a> {
        match self.binaries.first() {
            Some(package) if scheme == Scheme::Rpm => Stream::of(package),
            Some(_) | None => Stream::None,
        }
    }
}

/// All findings of a host, sorted by package and vulnerability.
///
/// `chunks` are the advisory chunks of the host's ecosystem. An unknown ecosystem gives no findings: the caller says so.
#[must_use]
pub fn match_host(host: &HostFacts, ecosystem: &str, chunks: &[ProviderChunk<'_>]) -> Vec<Finding> {
    let Some(scheme) = scheme_of(ecosystem) else {
        return Vec::new();
    };
    let mut order: Vec<&ProviderChunk<'_>> = chunks.iter().collect();
    order.sort_by_key(|c| (authority(c.provider), c.provider));
    let mut findings = Vec::new();
    for subject in subjects(host, scheme) {
        let kernel = scheme == Scheme::Deb && is_kernel_source(subject.name)
            || scheme == Scheme::Rpm && carries_kernel(subject.name);
        if kernel {
            match_kernel(host, ecosystem, scheme, &subject, &order, &mut findings);
        } else {
            match_subject(host, ecosystem, scheme, &subject, &order, &mut findings);
        }
    }
    findings.sort_by(|a, b| (&a.package, &a.vuln, &a.installed).cmp(&(&b.package, &b.vuln, &b.installed)));
    findings
}

/// Groups installed packages the way advisories name them: by source for dpkg and apk, by binary for rpm.
fn subjects(host: &HostFacts, scheme: Scheme) -> Vec<Subject<'_>> {
    let mut map: BTreeMap<(&str, &str), Vec<&Package>> = BTreeMap::new();
    for package in &host.packages {
        if package.state == PackageState::ConfigFiles {
            continue;
        }
        let key = if scheme == Scheme::Rpm {
            if is_kernel_bystander(&package.name) {
                continue;
            }
            (package.name.as_str(), package.version.as_str())
        } else {
            let source = canonical_source(&package.source);
            if is_kernel_source(source) {
                if !carries_kernel(&package.name) {
                    continue;
                }
                // One subject for all installed images: which of them counts is the kernel rule's business.
                (source, "")
            } else {
                (source, package.source_version.as_str())
            }
        };
        map.entry(key).or_default().push(package);
    }
    map.into_iter().map(|((name, version), binaries)| Subject { name, version, binaries }).collect()
}

/// The rows that decide, per vulnerability: those of the most authoritative provider that speaks of it and of this stream.
fn deciding<'a>(
    name: &str,
    stream: Stream<'_>,
    order: &[&'a ProviderChunk<'a>],
) -> BTreeMap<&'a str, (&'a str, Vec<Row<'a>>, BTreeSet<&'a str>)> {
    let mut map: BTreeMap<&str, (&str, Vec<Row<'_>>, BTreeSet<&str>)> = BTreeMap::new();
    for provider in order {
        for row in provider.chunk.rows(name).filter(|row| stream.is_judged_by(row)) {
            let entry = map.entry(row.vuln).or_insert_with(|| (provider.provider, Vec::new(), BTreeSet::new()));
            entry.2.extend(row.advisory);
            if entry.0 == provider.provider {
                entry.1.push(row);
            }
        }
    }
    map
}

/// The row that says "vulnerable" for a version, if any says so and none says "not affected".
pub(super) fn vulnerable<'r, 'a>(
    scheme: Scheme,
    version: &str,
    key: Option<&[u8]>,
    stream: Stream<'_>,
    rows: &'r [Row<'a>],
) -> Option<&'r Row<'a>> {
    if stream != Stream::None && rows.iter().all(|row| row.status != Status::NotAffected) {
        return vulnerable_modular(version, stream, rows, &|row| row.holds(scheme, version, key));
    }
    let mut worst: Option<&Row<'a>> = None;
    for row in rows {
        if row.status == Status::NotAffected {
            if row.holds(scheme, version, key) {
                return None;
            }
            continue;
        }
        if row.holds(scheme, version, key) {
            // A row that names a fix is worth more than one that does not.
            if worst.is_none_or(|w| w.fixed().is_none() && row.fixed().is_some()) {
                worst = Some(row);
            }
        }
    }
    worst
}

fn order_word(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Deb => "dpkg",
        Scheme::Rpm => "rpm",
        Scheme::Apk => "apk",
        Scheme::Semver => "semver",
        Scheme::Pep440 => "pep440",
    }
}

fn binaries(list: &[&Package]) -> Vec<AffectedBinary> {
    let mut out: Vec<AffectedBinary> = list
        .iter()
        .map(|p| AffectedBinary { name: p.name.clone(), version: p.version.clone(), arch: p.arch.clone() })
        .collect();
    out.sort();
    out.dedup();
    out
}

pub(super) fn finding(
    ecosystem: &str,
    scheme: Scheme,
    subject: &Subject<'_>,
    installed: &str,
    provider: &str,
    row: &Row<'_>,
    advisories: &BTreeSet<&str>,
) -> Finding {
    let fixed = row.fixed().map(str::to_owned);
    let evidence = if row.bound.is_some() || row.introduced.is_some() {
        Evidence::VersionInRange {
            advisory: row.advisory.unwrap_or(provider).to_owned(),
            provider: provider.to_owned(),
            installed: installed.to_owned(),
            fixed: fixed.clone(),
            order: order_word(scheme).to_owned(),
        }
    } else {
        Evidence::Stated { provider: provider.to_owned(), status: row.status }
    };
    let state = if fixed.is_some() { FindingState::FixAvailable } else { FindingState::NoFix };
    let status = if row.status == Status::Fixed && fixed.is_none() { Status::Affected } else { row.status };
    Finding {
        vuln: row.vuln.to_owned(),
        ecosystem: ecosystem.to_owned(),
        package: subject.name.to_owned(),
        installed: installed.to_owned(),
        fixed,
        status,
        state,
        advisories: advisories.iter().map(|a| (*a).to_owned()).collect(),
        vendor: VendorWords {
            severity: row.severity.map(str::to_owned),
            sub_state: row.sub_state.map(str::to_owned),
            reason: None,
        },
        binaries: binaries(&subject.binaries),
        evidence: vec![evidence],
    }
}

fn match_subject(
    host: &HostFacts,
    ecosystem: &str,
    scheme: Scheme,
    subject: &Subject<'_>,
    order: &[&ProviderChunk<'_>],
    out: &mut Vec<Finding>,
) {
    let key = sort_key(scheme, subject.version);
    let stream = subject.stream(scheme);
    let before = replaced_version(host, scheme, subject);
    let before_key = before.as_ref().and_then(|(v, _)| sort_key(scheme, v));
    // Most packages are up to date: nothing is grouped before a row is known to hold.
    let touched = order.iter().flat_map(|p| p.chunk.rows(subject.name)).any(|row| {
        stream.is_judged_by(&row)
            && (row.holds(scheme, subject.version, key.as_deref())
                || before.as_ref().is_some_and(|(old, _)| row.holds(scheme, old, before_key.as_deref())))
    });
    if !touched && !host.candidate_fixes.iter().any(|f| f.source == subject.name) {
        return;
    }
    let rows = deciding(subject.name, stream, order);
    let mut spoken: BTreeSet<&str> = BTreeSet::new();
    for (vuln, (provider, rows, advisories)) in &rows {
        spoken.insert(vuln);
        if let Some(row) = vulnerable(scheme, subject.version, key.as_deref(), stream, rows) {
            out.push(finding(ecosystem, scheme, subject, subject.version, provider, row, advisories));
            continue;
        }
        let Some((old, mapped)) = &before else {
            continue;
        };
        if let Some(row) = vulnerable(scheme, old, before_key.as_deref(), stream, rows) {
            let mut f = finding(ecosystem, scheme, subject, subject.version, provider, row, advisories);
            f.state = FindingState::RestartPending;
            f.evidence.extend(mapped.iter().cloned());
            out.push(f);
        }
    }
    candidate_findings(host, ecosystem, scheme, subject, &spoken, out);
}

/// The version whose code a process still runs: the one before the last recorded change of a package of this subject,
/// when a process maps a replaced file of it. Without a package log the version is not known, and nothing is claimed.
fn replaced_version(host: &HostFacts, scheme: Scheme, subject: &Subject<'_>) -> Option<(String, Vec<Evidence>)> {
    let names: BTreeSet<&str> = subject.binaries.iter().map(|p| p.name.as_str()).collect();
    let mut mapped = Vec::new();
    let mut owners: BTreeSet<&str> = BTreeSet::new();
    for process in &host.stale {
        for file in &process.files {
            if let Some(owner) = file.package.as_deref().filter(|o| names.contains(o)) {
                owners.insert(owner);
                mapped.push(Evidence::StillMapped {
                    pid: process.pid,
                    exe: process.exe.clone(),
                    unit: process.unit.clone(),
                    file: file.path.clone(),
                });
            }
        }
    }
    let old = host
        .history
        .iter()
        .filter(|h| owners.contains(h.name.as_str()))
        .filter(|h| h.to.is_some())
        .max_by_key(|h| h.at)
        .and_then(|h| h.from.clone())?;
    // Histories name binary versions; a binary rebuild differs from its source only by `+bN`.
    let old = strip_rebuild(scheme, &old);
    (!mapped.is_empty()).then_some((old, mapped))
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

/// CVEs that the changelog of the version on offer, or an advisory of the host's repository, names and that no provider speaks
/// of for this package.
fn candidate_findings(
    host: &HostFacts,
    ecosystem: &str,
    scheme: Scheme,
    subject: &Subject<'_>,
    spoken: &BTreeSet<&str>,
    out: &mut Vec<Finding>,
) {
    for fix in host.candidate_fixes.iter().filter(|f| f.source == subject.name) {
        if spoken.contains(fix.cve.as_str()) {
            continue;
        }
        if compare_lenient(scheme, subject.version, &fix.fixed) != std::cmp::Ordering::Less {
            continue;
        }
        out.push(Finding {
            vuln: fix.cve.clone(),
            ecosystem: ecosystem.to_owned(),
            package: subject.name.to_owned(),
            installed: subject.version.to_owned(),
            fixed: Some(fix.fixed.clone()),
            status: Status::Fixed,
            state: FindingState::FixAvailable,
            advisories: fix.advisory.iter().cloned().collect(),
            vendor: VendorWords::default(),
            binaries: binaries(&subject.binaries),
            evidence: vec![match &fix.advisory {
                Some(advisory) => Evidence::RepositoryAdvisory { advisory: advisory.clone(), fixed: fix.fixed.clone() },
                None => Evidence::CandidateChangelog { fixed: fix.fixed.clone() },
            }],
        });
    }
}

fn match_kernel(
    host: &HostFacts,
    ecosystem: &str,
    scheme: Scheme,
    subject: &Subject<'_>,
    order: &[&ProviderChunk<'_>],
    out: &mut Vec<Finding>,
) {
    let view = kernel_view(host, &subject.binaries, scheme);
    let Some(next) = view.next.as_deref().or(view.newest.as_deref()) else {
        return;
    };
    let next_key = sort_key(scheme, next);
    let running_key = view.running.as_deref().and_then(|v| sort_key(scheme, v));
    for (_, (provider, rows, advisories)) in deciding(subject.name, Stream::None, order) {
        let now = match view.running.as_deref() {
            Some(running) => vulnerable(scheme, running, running_key.as_deref(), Stream::None, &rows),
            None => vulnerable(scheme, next, next_key.as_deref(), Stream::None, &rows),
        };
        let after = vulnerable(scheme, next, next_key.as_deref(), Stream::None, &rows);
        let Some(row) = now.or(after) else {
            continue;
        };
        let installed = match (now, view.running.as_deref()) {
            (Some(_), Some(running)) => running,
            _ => next,
        };
        let mut f = finding(ecosystem, scheme, subject, installed, provider, row, &advisories);
        f.binaries.retain(|b| b.version == installed);
        if let (Some(release), Some(version)) = (&host.kernel.running_release, &view.running)
            && now.is_some()
        {
            f.evidence.push(Evidence::RunningKernel { running: release.clone(), version: version.clone() });
        }
        if now.is_some() && after.is_none() {
            f.state = FindingState::RebootPending;
        }
        out.push(f);
    }
}
