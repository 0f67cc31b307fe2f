//! Matching: one host's facts against an intelligence snapshot, as a pure function with evidence.
//!
//! For an OS package the distribution's own statements decide; upstream ranges never judge it. Among several providers
//! of one ecosystem the most authoritative one that speaks of (package, vulnerability) decides alone.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_versions::{Scheme, sort_key};

use super::finding::{AffectedBinary, Evidence, Finding, FindingState};
use super::streams::{self, Stream, vulnerable_modular};
use super::subject::{Kin, Standing, Subject, SubjectKey, subjects};
use crate::intel::snapshot::advisories::{AdvisoryChunk, Row, scheme_of};
use crate::intel::{Status, VendorWords};
use crate::inventory::HostFacts;

/// An advisory chunk with the name of its provider.
pub struct ProviderChunk<'a> {
    /// Provider (`debian-tracker`).
    pub provider: &'a str,
    /// Its statements about the host's ecosystem, or about the one that a subscription adds to it.
    pub chunk: &'a AdvisoryChunk,
    /// The statements are about what a subscription adds (`Ubuntu:Pro:22.04:LTS`): their fixes are not free to take.
    pub subscription: bool,
}

/// What a subscription adds to an ecosystem: its name in OSV's spelling, and the subscription. A statement of it counts where the
/// ecosystem's own statements say nothing of the package and vulnerability, or know no fix.
#[must_use]
pub fn subscription_of(ecosystem: &str) -> Option<(String, &'static str)> {
    if ecosystem.starts_with("SUSE:Linux Enterprise Server ") {
        return (!ecosystem.ends_with("-LTSS")).then(|| (format!("{ecosystem}-LTSS"), "SUSE LTSS"));
    }
    let release = ecosystem.strip_prefix("Ubuntu:")?;
    (release.ends_with(":LTS") && !release.starts_with("Pro:")).then(|| (format!("Ubuntu:Pro:{release}"), "Ubuntu Pro"))
}

/// Authority of a provider for its own ecosystem: lower decides first. A distribution's tracker knows every state, its
/// advisory lists know fixes, aggregators copy them, and changelogs are the offline stand-in.
#[must_use]
pub fn authority(provider: &str) -> u8 {
    match provider {
        "debian-tracker" => 0,
        "debian-dsa" | "debian-dla" => 1,
        "redhat-vex" | "ubuntu-vex" | "ubuntu-tracker" | "ubuntu-cve" => 0,
        "redhat-csaf" | "suse-csaf" | "ubuntu-usn" => 1,
        // The two lists above hold the fixes that this one does not repeat: it decides where they are silent.
        "debian-cve-list" => 2,
        p if p.starts_with("almalinux") || p.starts_with("rocky-") || p.starts_with("alpine-secdb") => 1,
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
    /// The version that is installed, or the kernel that it is about.
    pub version: &'c str,
    /// The version whose code has it: the same, or the replaced one that a process still runs.
    pub code: &'c str,
    /// What has to happen.
    pub state: FindingState,
    /// What says so.
    pub basis: Basis<'c>,
    /// What every provider says of it, the deciding one too: (provider, row).
    pub said: &'c [(&'c str, Row<'c>)],
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
        let statements = Statements::of(&subject.key.name, subject.key.stream(scheme), &subject.key.kin, &order);
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
pub(super) struct Keyed<'a> {
    pub(super) text: &'a str,
    pub(super) key: Option<Vec<u8>>,
}

impl<'a> Keyed<'a> {
    pub(super) fn new(scheme: Scheme, text: &'a str) -> Self {
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
        Standing::Kernel { running, next, may_run } => {
            running.iter().chain([next]).chain(may_run).map(|version| Keyed::new(scheme, version)).collect()
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
    /// What a subscription adds, with its provider; empty rows for nearly all packages.
    pub(super) paid: (&'c str, Vec<Row<'c>>),
    pub(super) advisories: BTreeSet<&'c str>,
    /// What every provider says, the deciding one too, but for what a subscription adds.
    pub(super) all: Vec<(&'c str, Row<'c>)>,
}

impl<'c> Said<'c> {
    pub(super) fn new(vuln: &'c str) -> Self {
        Self {
            vuln,
            provider: "",
            rows: Vec::new(),
            paid: ("", Vec::new()),
            advisories: BTreeSet::new(),
            all: Vec::new(),
        }
    }
}

/// Which names are one flaw: a publisher that knows no CVE ids files a flaw under the id of its advisory, another one says which CVE
/// ids that advisory is about.
struct SameFlaw<'c> {
    /// CVE ids of each advisory; empty where every row has a CVE id.
    of_advisory: BTreeMap<&'c str, BTreeSet<&'c str>>,
}

impl<'c> SameFlaw<'c> {
    fn of<'r>(rows: impl Iterator<Item = &'r Row<'c>> + Clone) -> Self
    where
        'c: 'r,
    {
        let mut of_advisory: BTreeMap<&'c str, BTreeSet<&'c str>> = BTreeMap::new();
        if rows.clone().any(|row| !is_cve(row.vuln)) {
            for row in rows.filter(|row| is_cve(row.vuln)) {
                if let Some(advisory) = row.advisory {
                    of_advisory.entry(advisory).or_default().insert(row.vuln);
                }
            }
        }
        Self { of_advisory }
    }

    /// The CVE ids that a row is about, else its own id.
    fn names(&self, row: &Row<'c>) -> Vec<&'c str> {
        match self.of_advisory.get(row.vuln) {
            Some(cves) if !is_cve(row.vuln) => cves.iter().copied().collect(),
            Some(_) | None => vec![row.vuln],
        }
    }
}

fn is_cve(id: &str) -> bool {
    id.starts_with("CVE-")
}

/// Everything that is said of one package name (in one module stream), read once and asked for each version of it.
pub struct Statements<'c> {
    /// Sorted by vulnerability.
    pub(super) said: Vec<Said<'c>>,
}

impl<'c> Statements<'c> {
    /// Reads the rows of a package. Per vulnerability the most authoritative provider that speaks of it and of this stream decides
    /// alone.
    ///
    /// Statements under the names of `kin` are about the same packages. What is said under the name of a source counts there only
    /// where nothing is said under the names of its binaries, so that one flaw of a package is one finding.
    #[must_use]
    pub fn of(name: &str, stream: Stream<'_>, kin: &Kin, order: &[&'c ProviderChunk<'c>]) -> Self {
        let rows_of = |name: &str| -> Vec<(&'c ProviderChunk<'c>, Row<'c>)> {
            let judging = |p: &&'c ProviderChunk<'c>| {
                let provider = *p;
                let rows = provider.chunk.rows(name).filter(|row| stream.is_judged_by(row));
                rows.map(move |row| (provider, row)).collect::<Vec<_>>()
            };
            order.iter().flat_map(judging).collect()
        };
        let own = rows_of(name);
        let of_kin: Vec<(&'c ProviderChunk<'c>, Row<'c>)> = match kin {
            // What nobody speaks of under its own name is nobody's duplicate.
            _ if own.is_empty() => Vec::new(),
            Kin::None => Vec::new(),
            Kin::Source(source) => rows_of(source),
            Kin::Binaries(names) => names.iter().flat_map(|name| rows_of(name)).collect(),
        };
        let same = SameFlaw::of(own.iter().chain(&of_kin).map(|(_, row)| row));
        let mut map: BTreeMap<&'c str, Said<'c>> = BTreeMap::new();
        for (provider, row) in own {
            for vuln in same.names(&row) {
                let entry = map.entry(vuln).or_insert_with(|| Said::new(vuln));
                entry.hear(row);
                let (first, rows) = match provider.subscription {
                    true => (&mut entry.paid.0, &mut entry.paid.1),
                    false => (&mut entry.provider, &mut entry.rows),
                };
                // Who only says that nobody knows does not silence who knows a fix.
                let undecided = *first != provider.provider && rows.iter().all(|row| row.status == Status::Unknown);
                if rows.is_empty() || (undecided && row.fixed().is_some()) {
                    rows.clear();
                    *first = provider.provider;
                }
                if *first == provider.provider {
                    rows.push(row);
                }
                if !provider.subscription {
                    entry.all.push((provider.provider, row));
                }
            }
        }
        for (provider, row) in of_kin {
            for vuln in same.names(&row) {
                match kin {
                    Kin::None => {}
                    Kin::Source(_) => {
                        if let Some(entry) = map.get_mut(vuln) {
                            entry.hear(row);
                            entry.all.push((provider.provider, row));
                        }
                    }
                    Kin::Binaries(_) => {
                        map.remove(vuln);
                    }
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

    /// Whether any provider names an advisory for a vulnerability of the package.
    #[must_use]
    pub fn names_advisory(&self, vuln: &str, advisory: &str) -> bool {
        self.said.iter().any(|said| said.vuln == vuln && said.advisories.contains(advisory))
    }

    /// The claims about a subject of this name, in the order of their vulnerability ids; claims by changelog come last.
    #[must_use]
    pub fn claims<'s>(&'s self, scheme: Scheme, subject: &'s SubjectKey) -> Vec<Claim<'s>> {
        let mut out = Vec::new();
        let stream = self.stream(subject, scheme);
        let said = self.said.iter().filter(|said| !told_by_an_offer(scheme, subject, said.vuln));
        match &subject.standing {
            Standing::Installed => {
                let now = Keyed::new(scheme, &subject.version);
                for said in said {
                    out.extend(said.claim(scheme, stream, &now, FindingState::FixAvailable));
                }
            }
            Standing::Replaced { old } => {
                let (now, before) = (Keyed::new(scheme, &subject.version), Keyed::new(scheme, old));
                for said in said {
                    let claim = said.claim(scheme, stream, &now, FindingState::FixAvailable);
                    out.extend(claim.or_else(|| {
                        let running = said.claim(scheme, stream, &before, FindingState::RestartPending)?;
                        Some(Claim { version: now.text, state: FindingState::RestartPending, ..running })
                    }));
                }
            }
            Standing::Kernel { running, next, may_run } => {
                let next = Keyed::new(scheme, next);
                let mut now: Vec<Keyed<'_>> =
                    running.iter().chain(may_run).map(|version| Keyed::new(scheme, version)).collect();
                if now.is_empty() {
                    now.push(Keyed::new(scheme, next.text));
                }
                for said in said {
                    // Of versions that may run the oldest that has it speaks.
                    let now = now.iter().find_map(|one| said.claim(scheme, stream, one, FindingState::FixAvailable));
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

    /// The stream that judges a subject: where it has no label, the one that its version lets assume.
    pub(super) fn stream<'s>(&'s self, subject: &'s SubjectKey, scheme: Scheme) -> Stream<'s> {
        match subject.stream(scheme) {
            Stream::Unnamed => {
                let rows = self.said.iter().flat_map(|said| said.all.iter().map(|(_, row)| *row));
                streams::assumed(&subject.version, rows).map_or(Stream::Unnamed, Stream::Assumed)
            }
            told => told,
        }
    }

    /// CVEs that the changelog of the version on offer names and that no provider speaks of for this package. What is on offer for
    /// the binaries of a source is said of those.
    fn offered<'s>(&'s self, scheme: Scheme, subject: &'s SubjectKey, out: &mut Vec<Claim<'s>>) {
        let find = |vuln: &str| self.said.binary_search_by(|s| s.vuln.cmp(vuln)).ok().and_then(|at| self.said.get(at));
        for offer in subject.offers.iter().filter(|_| !matches!(subject.kin, Kin::Binaries(_))) {
            if find(&offer.vuln).is_none() && offer.is_newer(scheme, &subject.version) {
                let said = offer.advisory.as_deref().and_then(find).map_or(&[][..], |said| &said.all);
                out.push(Claim {
                    vuln: &offer.vuln,
                    version: &subject.version,
                    code: &subject.version,
                    state: FindingState::FixAvailable,
                    basis: Basis::Changelog { fixed: &offer.fixed, advisory: offer.advisory.as_deref() },
                    said,
                });
            }
        }
    }
}

/// Whether the repository of the host says more exactly what a provider files under the id of an advisory, or says it of the
/// binaries of this source.
fn told_by_an_offer(scheme: Scheme, subject: &SubjectKey, vuln: &str) -> bool {
    let of_binaries = matches!(subject.kin, Kin::Binaries(_));
    subject.offers.iter().any(|offer| {
        (offer.advisory.as_deref() == Some(vuln) || (of_binaries && offer.vuln == vuln))
            && offer.is_newer(scheme, &subject.version)
    })
}

impl<'c> Said<'c> {
    /// Takes the names of a row down.
    fn hear(&mut self, row: Row<'c>) {
        self.advisories.extend(row.advisory);
        if row.vuln != self.vuln {
            self.advisories.insert(row.vuln);
        }
    }

    /// The claim about a version; `fixable` is its state where a fix is known.
    fn claim<'s>(
        &'s self,
        scheme: Scheme,
        stream: Stream<'_>,
        version: &Keyed<'s>,
        fixable: FindingState,
    ) -> Option<Claim<'s>> {
        let free = vulnerable(&self.rows, scheme, stream, version);
        let claim = |provider, row: Row<'c>, fixable| {
            let state = if row.fixed().is_some() { fixable } else { FindingState::NoFix };
            let basis = Basis::Statement { provider, row, advisories: &self.advisories };
            Claim { vuln: self.vuln, version: version.text, code: version.text, state, basis, said: &self.all }
        };
        let (paid_by, paid_rows) = &self.paid;
        match free {
            // What the ecosystem itself says is fixed, here or in a version that is free to take, needs no subscription.
            None if !self.rows.is_empty() => None,
            Some(row) if row.fixed().is_some() || paid_rows.is_empty() => Some(claim(self.provider, *row, fixable)),
            free => {
                // A version that the subscription fixed, or that it says has not the flaw, has it not: the free statement is
                // about the last version that was free.
                let paid = vulnerable(paid_rows, scheme, stream, version)?;
                let fixable = match fixable {
                    FindingState::FixAvailable => FindingState::FixWithSubscription,
                    FindingState::RestartPending
                    | FindingState::RebootPending
                    | FindingState::NoFix
                    | FindingState::FixWithSubscription => fixable,
                };
                Some(match free {
                    Some(row) if paid.fixed().is_none() => claim(self.provider, *row, fixable),
                    Some(_) | None => claim(paid_by, *paid, fixable),
                })
            }
        }
    }
}

/// The row that says "vulnerable" for a version, if any says so and none says "not affected".
pub(super) fn vulnerable<'r, 'c>(
    rows: &'r [Row<'c>],
    scheme: Scheme,
    stream: Stream<'_>,
    version: &Keyed<'_>,
) -> Option<&'r Row<'c>> {
    let holds = |row: &Row<'c>| row.holds(scheme, version.text, version.key.as_deref());
    if stream != Stream::None && rows.iter().all(|row| row.status != Status::NotAffected) {
        return vulnerable_modular(version.text, stream, rows, &holds);
    }
    let mut worst: Option<&Row<'c>> = None;
    for row in rows {
        if !holds(row) || !stream.is_judged_by(row) {
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

pub(super) fn order_word(scheme: Scheme) -> &'static str {
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
        Scheme::Composer => "composer",
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

/// Providers besides the deciding one whose statements hold as well.
fn also_said(scheme: Scheme, stream: Stream<'_>, claim: &Claim<'_>) -> Vec<Evidence> {
    let deciding = match &claim.basis {
        Basis::Statement { provider, .. } => *provider,
        Basis::Changelog { .. } => "",
    };
    let mut others: BTreeMap<&str, Vec<Row<'_>>> = BTreeMap::new();
    for (provider, row) in claim.said.iter().filter(|(provider, _)| *provider != deciding) {
        others.entry(provider).or_default().push(*row);
    }
    if others.is_empty() {
        return Vec::new();
    }
    let code = Keyed::new(scheme, claim.code);
    others
        .into_iter()
        .filter_map(|(provider, rows)| {
            let row = vulnerable(&rows, scheme, stream, &code)?;
            let own_id = (row.vuln != claim.vuln).then_some(row.vuln);
            Some(Evidence::AlsoSaid {
                provider: provider.to_owned(),
                advisory: row.advisory.or(own_id).map(str::to_owned),
                fixed: row.fixed().map(str::to_owned),
            })
        })
        .collect()
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
                    installed: claim.code.to_owned(),
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
    let stream = subject.key.stream(scheme);
    if let Basis::Statement { row, .. } = &claim.basis
        && stream == Stream::Unnamed
    {
        evidence.push(Evidence::StreamAssumed { stream: row.module.map(streams::words) });
    }
    evidence.extend(also_said(scheme, stream, claim));
    if claim.state == FindingState::FixWithSubscription
        && let Some((_, program)) = subscription_of(ecosystem)
    {
        evidence.push(Evidence::SubscriptionOnly { program: program.to_owned() });
    }
    if claim.state == FindingState::RestartPending {
        evidence.extend(subject.evidence.iter().cloned());
    }
    if let Standing::Kernel { running: Some(version), .. } = &subject.key.standing
        && claim.version == version
        && let Some(release) = &host.kernel.running_release
    {
        evidence.push(Evidence::RunningKernel { running: release.clone(), version: version.clone() });
    }
    if let Standing::Kernel { may_run, .. } = &subject.key.standing
        && may_run.iter().any(|version| version == claim.version)
    {
        evidence.push(Evidence::RunningKernelAssumed { version: claim.version.to_owned() });
    }
    if claim.state == FindingState::RebootPending
        && let Standing::Kernel { next, .. } = &subject.key.standing
    {
        evidence.push(Evidence::FixedAtNextBoot { version: next.clone(), since: host.reboot.since });
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
