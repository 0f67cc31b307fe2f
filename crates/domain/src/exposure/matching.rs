//! Matching: one host's facts against an intelligence snapshot, as a pure function with evidence.
//!
//! For an OS package the distribution's own statements decide; upstream ranges never judge it. Among several providers
//! of one ecosystem the most authoritative one that speaks of (package, vulnerability) decides alone.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_versions::{Scheme, compare_lenient, sort_key};

use super::finding::{AffectedBinary, Evidence, Finding, FindingState};
use super::streams::{Stream, vulnerable_modular};
use super::subject::{Standing, Subject, SubjectKey, subjects};
use crate::intel::snapshot::advisories::{AdvisoryChunk, Row, scheme_of};
use crate::intel::{Status, VendorWords};
use crate::inventory::HostFacts;

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
        "redhat-vex" | "ubuntu-vex" => 0,
        "redhat-csaf" | "suse-csaf" => 1,
        p if p.starts_with("almalinux") => 1,
        p if p.starts_with("osv") => 2,
        "debian-changelog" => 3,
        _ => 4,
    }
}

/// One vulnerability that a subject has, before anything of a single host is added.
#[derive(Clone, Debug)]
pub struct Claim<'c> {
    /// CVE id, or the publisher's id where there is none.
    pub vuln: &'c str,
    /// The version that has it: the installed one, or the one that still runs.
    pub version: &'c str,
    /// What has to happen.
    pub state: FindingState,
    /// What says so.
    pub basis: Basis<'c>,
}

/// What a claim rests on.
#[derive(Clone, Debug)]
pub enum Basis<'c> {
    /// A provider's statement.
    Statement {
        /// Provider (`debian-tracker`).
        provider: &'c str,
        /// The row that holds.
        row: Row<'c>,
        /// Update advisories that every provider names for it.
        advisories: &'c BTreeSet<&'c str>,
    },
    /// The changelog of a version on offer, or an advisory of the host's repository, names it as fixed, and no provider speaks of it.
    Changelog {
        /// Version whose entry names it.
        fixed: &'c str,
        /// The advisory of the host's repository that says so, where it is one and not a changelog.
        advisory: Option<&'c str>,
    },
}

impl Claim<'_> {
    /// The publisher's status; a claim that names no fixed version is never "fixed".
    #[must_use]
    pub fn status(&self) -> Status {
        match &self.basis {
            Basis::Statement { row, .. } if row.status == Status::Fixed && row.fixed().is_none() => Status::Affected,
            Basis::Statement { row, .. } => row.status,
            Basis::Changelog { .. } => Status::Fixed,
        }
    }

    /// First fixed version, where one is known.
    #[must_use]
    pub fn fixed(&self) -> Option<&str> {
        match &self.basis {
            Basis::Statement { row, .. } => row.fixed(),
            Basis::Changelog { fixed, .. } => Some(fixed),
        }
    }

    /// The publisher's own words.
    #[must_use]
    pub fn vendor(&self) -> VendorWords {
        match &self.basis {
            Basis::Statement { row, .. } => VendorWords {
                severity: row.severity.map(str::to_owned),
                sub_state: row.sub_state.map(str::to_owned),
                reason: None,
            },
            Basis::Changelog { .. } => VendorWords::default(),
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
    let order = by_authority(chunks);
    let mut findings = Vec::new();
    for subject in subjects(host, ecosystem, scheme) {
        // Most packages are up to date: nothing is grouped before a row is known to hold.
        if !touched(&subject.key, scheme, &order) {
            continue;
        }
        let statements = Statements::of(&subject.key.name, subject.key.stream(scheme), &order);
        for claim in statements.claims(scheme, &subject.key) {
            findings.push(finding(host, ecosystem, scheme, &subject, &claim));
        }
    }
    findings.sort_by(|a, b| (&a.package, &a.vuln, &a.installed).cmp(&(&b.package, &b.vuln, &b.installed)));
    findings
}

/// The chunks in the order in which they decide.
#[must_use]
pub fn by_authority<'a>(chunks: &'a [ProviderChunk<'a>]) -> Vec<&'a ProviderChunk<'a>> {
    let mut order: Vec<&ProviderChunk<'_>> = chunks.iter().collect();
    order.sort_by_key(|c| (authority(c.provider), c.provider));
    order
}

/// A version with its sort key, made once.
struct Keyed<'a> {
    text: &'a str,
    key: Option<Vec<u8>>,
}

impl<'a> Keyed<'a> {
    fn new(scheme: Scheme, text: &'a str) -> Self {
        Self { text, key: sort_key(scheme, text) }
    }
}

/// Whether any row could make a claim about the subject; never false when one does.
fn touched(subject: &SubjectKey, scheme: Scheme, order: &[&ProviderChunk<'_>]) -> bool {
    if !subject.offers.is_empty() {
        return true;
    }
    let versions: Vec<Keyed<'_>> = match &subject.standing {
        Standing::Installed => vec![Keyed::new(scheme, &subject.version)],
        Standing::Replaced { old } => vec![Keyed::new(scheme, &subject.version), Keyed::new(scheme, old)],
        Standing::Kernel { running, next } => {
            running.iter().chain([next]).map(|version| Keyed::new(scheme, version)).collect()
        }
    };
    let stream = subject.stream(scheme);
    order
        .iter()
        .flat_map(|p| p.chunk.rows(&subject.name))
        .any(|row| stream.is_judged_by(&row) && versions.iter().any(|v| row.holds(scheme, v.text, v.key.as_deref())))
}

/// What is said of one vulnerability of a package: the rows that decide, and the advisories that anybody names.
pub(super) struct Said<'c> {
    pub(super) vuln: &'c str,
    pub(super) provider: &'c str,
    pub(super) rows: Vec<Row<'c>>,
    pub(super) advisories: BTreeSet<&'c str>,
}

/// Everything that is said of one package name (in one module stream), read once and asked for each version of it.
pub struct Statements<'c> {
    /// Sorted by vulnerability.
    said: Vec<Said<'c>>,
}

impl<'c> Statements<'c> {
    /// Reads the rows of a package. Per vulnerability the most authoritative provider that speaks of it and of this stream decides
    /// alone.
    #[must_use]
    pub fn of(name: &str, stream: Stream<'_>, order: &[&'c ProviderChunk<'c>]) -> Self {
        let mut map: BTreeMap<&'c str, Said<'c>> = BTreeMap::new();
        for provider in order {
            for row in provider.chunk.rows(name).filter(|row| stream.is_judged_by(row)) {
                let entry = map.entry(row.vuln).or_insert_with(|| Said {
                    vuln: row.vuln,
                    provider: provider.provider,
                    rows: Vec::new(),
                    advisories: BTreeSet::new(),
                });
                entry.advisories.extend(row.advisory);
                if entry.provider == provider.provider {
                    entry.rows.push(row);
                }
            }
        }
        Self { said: map.into_values().collect() }
    }

    /// What somebody else has put together; sorted by vulnerability here.
    pub(super) fn of_said(mut said: Vec<Said<'c>>) -> Self {
        said.sort_by(|a, b| a.vuln.cmp(b.vuln));
        Self { said }
    }

    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.said.is_empty()
    }

    /// The claims about a subject of this name, in the order of their vulnerability ids; claims by changelog come last.
    #[must_use]
    pub fn claims<'s>(&'s self, scheme: Scheme, subject: &'s SubjectKey) -> Vec<Claim<'s>> {
        let mut out = Vec::new();
        let stream = subject.stream(scheme);
        match &subject.standing {
            Standing::Installed => {
                let now = Keyed::new(scheme, &subject.version);
                for said in &self.said {
                    out.extend(said.claim(scheme, stream, &now, FindingState::FixAvailable));
                }
            }
            Standing::Replaced { old } => {
                let (now, before) = (Keyed::new(scheme, &subject.version), Keyed::new(scheme, old));
                for said in &self.said {
                    let claim = said.claim(scheme, stream, &now, FindingState::FixAvailable);
                    out.extend(claim.or_else(|| {
                        let running = said.claim(scheme, stream, &before, FindingState::RestartPending)?;
                        Some(Claim { version: now.text, state: FindingState::RestartPending, ..running })
                    }));
                }
            }
            Standing::Kernel { running, next } => {
                let next = Keyed::new(scheme, next);
                let running = running.as_deref().map(|r| Keyed::new(scheme, r));
                for said in &self.said {
                    let now = said.claim(scheme, stream, running.as_ref().unwrap_or(&next), FindingState::FixAvailable);
                    let after = said.claim(scheme, stream, &next, FindingState::FixAvailable);
                    out.extend(match (now, after) {
                        (Some(now), None) => Some(Claim { state: FindingState::RebootPending, ..now }),
                        (now, after) => now.or(after),
                    });
                }
            }
        }
        self.offered(scheme, subject, &mut out);
        out
    }

    /// CVEs that the changelog of the version on offer names and that no provider speaks of for this package.
    fn offered<'s>(&'s self, scheme: Scheme, subject: &'s SubjectKey, out: &mut Vec<Claim<'s>>) {
        for offer in &subject.offers {
            let spoken = self.said.binary_search_by(|s| s.vuln.cmp(&offer.vuln)).is_ok();
            let older = compare_lenient(scheme, &subject.version, &offer.fixed) == std::cmp::Ordering::Less;
            if !spoken && older {
                out.push(Claim {
                    vuln: &offer.vuln,
                    version: &subject.version,
                    state: FindingState::FixAvailable,
                    basis: Basis::Changelog { fixed: &offer.fixed, advisory: offer.advisory.as_deref() },
                });
            }
        }
    }
}

impl<'c> Said<'c> {
    /// The claim about a version; `fixable` is its state where a fix is known.
    fn claim<'s>(
        &'s self,
        scheme: Scheme,
        stream: Stream<'_>,
        version: &Keyed<'s>,
        fixable: FindingState,
    ) -> Option<Claim<'s>> {
        let row = *self.vulnerable(scheme, stream, version)?;
        let state = if row.fixed().is_some() { fixable } else { FindingState::NoFix };
        let basis = Basis::Statement { provider: self.provider, row, advisories: &self.advisories };
        Some(Claim { vuln: self.vuln, version: version.text, state, basis })
    }

    /// The row that says "vulnerable" for a version, if any says so and none says "not affected".
    fn vulnerable(&self, scheme: Scheme, stream: Stream<'_>, version: &Keyed<'_>) -> Option<&Row<'c>> {
        let holds = |row: &Row<'c>| row.holds(scheme, version.text, version.key.as_deref());
        if stream != Stream::None && self.rows.iter().all(|row| row.status != Status::NotAffected) {
            return vulnerable_modular(version.text, stream, &self.rows, &holds);
        }
        let mut worst: Option<&Row<'c>> = None;
        for row in &self.rows {
            if !holds(row) {
                continue;
            }
            if row.status == Status::NotAffected {
                return None;
            }
            // A row that names a fix is worth more than one that does not.
            if worst.is_none_or(|w| w.fixed().is_none() && row.fixed().is_some()) {
                worst = Some(row);
            }
        }
        worst
    }
}

fn order_word(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Deb => "dpkg",
        Scheme::Rpm => "rpm",
        Scheme::Apk => "apk",
        Scheme::Semver => "semver",
        Scheme::Pep440 => "pep440",
        Scheme::Maven => "maven",
        Scheme::Gem => "gem",
        Scheme::Go => "go",
        Scheme::Nuget => "nuget",
    }
}

fn binaries(subject: &Subject<'_>, version: &str) -> Vec<AffectedBinary> {
    let kernel = matches!(subject.key.standing, Standing::Kernel { .. });
    let mut out: Vec<AffectedBinary> = subject
        .binaries
        .iter()
        .filter(|p| !kernel || p.version == version)
        .map(|p| AffectedBinary { name: p.name.clone(), version: p.version.clone(), arch: p.arch.clone() })
        .collect();
    out.sort();
    out.dedup();
    out
}

/// A claim with everything that this host adds to it.
pub(super) fn finding(
    host: &HostFacts,
    ecosystem: &str,
    scheme: Scheme,
    subject: &Subject<'_>,
    claim: &Claim<'_>,
) -> Finding {
    let (evidence, advisories) = match &claim.basis {
        Basis::Statement { provider, row, advisories } => {
            let evidence = if row.bound.is_some() || row.introduced.is_some() {
                Evidence::VersionInRange {
                    advisory: row.advisory.unwrap_or(provider).to_owned(),
                    provider: (*provider).to_owned(),
                    installed: claim.version.to_owned(),
                    fixed: row.fixed().map(str::to_owned),
                    order: order_word(scheme).to_owned(),
                }
            } else {
                Evidence::Stated { provider: (*provider).to_owned(), status: row.status }
            };
            (evidence, advisories.iter().map(|a| (*a).to_owned()).collect())
        }
        Basis::Changelog { fixed, advisory: None } => {
            (Evidence::CandidateChangelog { fixed: (*fixed).to_owned() }, Vec::new())
        }
        Basis::Changelog { fixed, advisory: Some(advisory) } => (
            Evidence::RepositoryAdvisory { advisory: (*advisory).to_owned(), fixed: (*fixed).to_owned() },
            vec![(*advisory).to_owned()],
        ),
    };
    let mut evidence = vec![evidence];
    if claim.state == FindingState::RestartPending {
        evidence.extend(subject.evidence.iter().cloned());
    }
    if let Standing::Kernel { running: Some(version), .. } = &subject.key.standing
        && claim.version == version
        && let Some(release) = &host.kernel.running_release
    {
        evidence.push(Evidence::RunningKernel { running: release.clone(), version: version.clone() });
    }
    Finding {
        vuln: claim.vuln.to_owned(),
        ecosystem: ecosystem.to_owned(),
        package: subject.key.name.clone(),
        installed: claim.version.to_owned(),
        fixed: claim.fixed().map(str::to_owned),
        status: claim.status(),
        state: claim.state,
        advisories,
        vendor: claim.vendor(),
        binaries: binaries(subject, claim.version),
        evidence,
    }
}
