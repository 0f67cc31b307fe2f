//! What to patch first on one host: findings grouped by patch (one source upgrade fixes many), in a total order.
//!
//! Order: urgency, overdue first, due date, risk removed, package, ecosystem, state. It does not depend on the order of the input.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::classify::Decision;
use super::cvss::Severity;
use super::policy::Urgency;
use super::risk::{self, Score};
use super::sla::DueDates;
use crate::exposure::{AffectedBinary, Evidence, Finding, FindingState};
use crate::intel::names::is_language;
use crate::intel::snapshot::advisories::scheme_of;
use crate::inventory::{
    Entitlement, HostFacts, KeptBack, Package, PackageFormat, PendingUpgrade, TransactionStep, Tri,
};
use crate::time::Timestamp;
use patchwright_versions::Scheme;

/// A finding with its judgement.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The finding.
    pub finding: Finding,
    /// How urgent and why.
    pub decision: Decision,
    /// Until when.
    pub due: DueDates,
}

/// What stands between this host and the fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PatchState {
    /// A configured repository offers a version with the fix, and every vulnerable binary moves to it.
    FixOffered,
    /// It is offered, but the package manager leaves a vulnerable binary where it is.
    KeptBack,
    /// An administrator holds a vulnerable binary: whatever is offered, it stays.
    Held,
    /// A fix exists, but no configured repository offers it.
    NotOffered,
    /// A fix exists; what the host's repositories offer was not looked at.
    OfferUnknown,
    /// On disk; a process still runs the old code.
    RestartPending,
    /// On disk; the running kernel is the old one.
    RebootPending,
    /// Nobody has published a fix.
    NoFix,
    /// A fix is published for customers of a subscription only, and no repository here offers it.
    Subscription,
}

impl PatchState {
    /// Words for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::FixOffered => "fix available",
            Self::KeptBack => "fix offered, not taken",
            Self::Held => "fix exists, held by an administrator",
            Self::NotOffered => "fix exists, no repository here offers it",
            Self::OfferUnknown => "fix exists, offers not looked at",
            Self::RestartPending => "installed, restart pending",
            Self::RebootPending => "installed, reboot pending",
            Self::NoFix => "no fix yet",
            Self::Subscription => "fix available with a subscription",
        }
    }
}

/// One patch: what it fixes on this host, how urgent that is, what it would do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PatchGroup {
    /// Source package (Debian) or binary package (rpm).
    pub package: String,
    /// Ecosystem with release.
    pub ecosystem: String,
    /// Installed version.
    pub from: String,
    /// Version after the patch; for a fix that is not offered the lowest version that fixes everything in the group.
    pub to: Option<String>,
    /// Places in the input, most urgent first.
    pub findings: Vec<usize>,
    /// The worst class of its findings.
    pub urgency: Urgency,
    /// The worst severity of its findings; nothing when none is rated.
    pub severity: Option<Severity>,
    /// The earliest due date.
    pub due: Option<Timestamp>,
    /// Milliseconds past that date.
    pub overdue_by_ms: Option<i64>,
    /// Risk that goes away.
    pub risk_removed: Score,
    /// Steps of the host's own transaction for binaries of this source.
    pub steps: Vec<TransactionStep>,
    /// Packages that come or go with it.
    pub extra: Vec<TransactionStep>,
    /// Binaries that are held or kept back, and why.
    pub kept_back: Vec<KeptBack>,
    /// Units to restart, as far as can be told.
    pub restart_units: Vec<String>,
    /// Whether a reboot is needed for it to be effective.
    pub reboot: Tri,
    /// Where it stands.
    pub state: PatchState,
    /// Why it stands where it does, in words.
    pub because: Vec<String>,
}

/// The ranked list.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Ranked {
    /// What can be done, first things first.
    pub patches: Vec<PatchGroup>,
    /// What nobody has a fix for, in the same order.
    pub unfixed: Vec<PatchGroup>,
    /// New and removed packages of the transaction that could not be told to belong to one patch.
    pub unattributed: Vec<TransactionStep>,
}

/// Groups and ranks.
///
/// Versions are compared by the host's package format (dpkg when it is not known). The risk formula is in [`risk`].
#[must_use]
pub fn rank(judged: &[Judged], host: &HostFacts, now: Timestamp) -> Ranked {
    let scheme = match host.format {
        Some(PackageFormat::Deb) | None => Scheme::Deb,
        Some(PackageFormat::Rpm) => Scheme::Rpm,
        Some(PackageFormat::Apk) => Scheme::Apk,
    };
    let view = HostView { host, scheme };
    let mut groups: BTreeMap<(String, String, PatchState), Vec<usize>> = BTreeMap::new();
    for (place, j) in judged.iter().enumerate() {
        let key = (j.finding.package.clone(), j.finding.ecosystem.clone(), view.state(&j.finding));
        groups.entry(key).or_default().push(place);
    }
    let mut ranked = Ranked::default();
    for ((package, ecosystem, state), places) in groups {
        let members: Vec<(usize, &Judged)> = places.iter().filter_map(|p| judged.get(*p).map(|j| (*p, j))).collect();
        let Some(group) = build(&view, package, ecosystem, state, members, now) else {
            continue;
        };
        if state == PatchState::NoFix {
            ranked.unfixed.push(group);
        } else {
            ranked.patches.push(group);
        }
    }
    ranked.patches.sort_by_cached_key(key);
    ranked.unfixed.sort_by_cached_key(key);
    attribute(&mut ranked, host);
    ranked
}

type Key = (Reverse<Urgency>, bool, bool, Option<Timestamp>, Reverse<u64>, String, String, PatchState);

fn key(g: &PatchGroup) -> Key {
    (
        Reverse(g.urgency),
        g.overdue_by_ms.is_none(),
        g.due.is_none(),
        g.due,
        Reverse(g.risk_removed.value_micro),
        g.package.clone(),
        g.ecosystem.clone(),
        g.state,
    )
}

fn build(
    view: &HostView<'_>,
    package: String,
    ecosystem: String,
    state: PatchState,
    mut members: Vec<(usize, &Judged)>,
    now: Timestamp,
) -> Option<PatchGroup> {
    let part = |j: &Judged| risk::factor(&j.decision.vuln, &j.decision.risk);
    members.sort_by_cached_key(|(_, j)| {
        (Reverse(j.decision.urgency), Reverse(part(j).micro), j.decision.vuln.clone(), j.finding.installed.clone())
    });
    let (_, worst) = members.first()?;
    let risk_removed = risk::sum(members.iter().map(|(_, j)| part(j)).collect());
    let due = members.iter().filter_map(|(_, j)| j.due.due()).min();
    let own = HostView { host: view.host, scheme: scheme_of(&ecosystem).unwrap_or(view.scheme) };
    let from = members.iter().map(|(_, j)| j.finding.installed.as_str()).max_by(|a, b| own.compare(a, b))?.to_owned();
    let fixed = members.iter().filter_map(|(_, j)| j.finding.fixed.as_deref()).max_by(|a, b| own.compare(a, b));
    let to = match state {
        PatchState::FixOffered | PatchState::KeptBack | PatchState::Held => {
            // What comes may be older than what preferences keep out.
            let comes = view.coming(&package).filter(|_| state == PatchState::FixOffered);
            let named = comes.or_else(|| view.candidate(&package));
            named.filter(|c| fixed.is_none_or(|f| own.compare(c, f).is_ge())).or_else(|| fixed.map(str::to_owned))
        }
        PatchState::NotOffered | PatchState::OfferUnknown | PatchState::Subscription => fixed.map(str::to_owned),
        PatchState::RestartPending | PatchState::RebootPending | PatchState::NoFix => None,
    };
    let language = is_language(&ecosystem);
    let names = match language {
        // The package manager may know another package of that name.
        true => BTreeSet::new(),
        false => view.binaries(&package, members.iter().map(|(_, j)| &j.finding)),
    };
    let split = view.split(members.iter().map(|(_, j)| &j.finding));
    let steps = match state {
        PatchState::FixOffered => view.steps(&package, &names),
        // What moves although the rest stays: shown, and said to fix nothing.
        PatchState::KeptBack | PatchState::Held if !split.moving.is_empty() => view.steps(&package, &split.moving),
        _ => Vec::new(),
    };
    let kept_back = match state {
        PatchState::FixOffered
        | PatchState::KeptBack
        | PatchState::Held
        | PatchState::NotOffered
        | PatchState::OfferUnknown
        | PatchState::Subscription => view.kept_back(&names),
        PatchState::RestartPending | PatchState::RebootPending | PatchState::NoFix => Vec::new(),
    };
    let restart_units = match state {
        PatchState::NoFix
        | PatchState::NotOffered
        | PatchState::OfferUnknown
        | PatchState::RebootPending
        | PatchState::Subscription => Vec::new(),
        PatchState::FixOffered | PatchState::KeptBack | PatchState::Held | PatchState::RestartPending => {
            view.units(&names)
        }
    };
    let reboot = if language { Tri::No } else { view.reboot(&package, &names, state) };
    let mut group = PatchGroup {
        findings: members.iter().map(|(place, _)| *place).collect(),
        urgency: worst.decision.urgency,
        severity: members.iter().filter_map(|(_, j)| j.decision.severity.value).max(),
        due,
        overdue_by_ms: due.map(|d| now.0.saturating_sub(d.0)).filter(|ms| *ms > 0),
        because: Vec::new(),
        extra: Vec::new(),
        package,
        ecosystem,
        from,
        to,
        risk_removed,
        steps,
        kept_back,
        restart_units,
        reboot,
        state,
    };
    group.because = because(&group, worst, &members, &split, view, now);
    Some(group)
}

fn because(
    group: &PatchGroup,
    worst: &Judged,
    members: &[(usize, &Judged)],
    split: &Split,
    view: &HostView<'_>,
    now: Timestamp,
) -> Vec<String> {
    let count = group.risk_removed.factors.len();
    let kev =
        members.iter().filter(|(_, j)| j.decision.risk.kev).map(|(_, j)| &j.decision.vuln).collect::<BTreeSet<_>>();
    let mut lines = vec![format!(
        "{} {count} {}{}",
        match group.state {
            PatchState::FixOffered | PatchState::OfferUnknown => "fixes",
            // Nothing that can be run here now does it.
            PatchState::KeptBack | PatchState::Held | PatchState::NotOffered => "would fix",
            PatchState::RestartPending | PatchState::RebootPending => "makes effective the fix of",
            PatchState::NoFix => "nobody has fixed",
            PatchState::Subscription => "fixes, for customers of a subscription,",
        },
        if count == 1 { "vulnerability" } else { "vulnerabilities" },
        if kev.is_empty() { String::new() } else { format!(", {} known to be exploited (KEV)", kev.len()) }
    )];
    if let Some(reason) = worst.decision.because.first() {
        lines.push(format!("{} is {}: {}", worst.decision.vuln, worst.decision.urgency.word(), reason.text));
        lines.extend(reason.assumed.iter().map(|a| format!("assumed: {a}")));
    }
    let priors = group.risk_removed.factors.iter().filter(|f| f.assumed).count();
    if priors > 0 {
        lines.push(format!("{priors} of {count} have no EPSS score: a prior of 1 % was taken"));
    }
    match group.state {
        PatchState::NotOffered if is_language(&group.ecosystem) => {
            let owners = members.iter().flat_map(|(_, j)| &j.finding.evidence).filter_map(|e| match e {
                Evidence::FoundAt { owner, .. } => owner.as_deref(),
                _ => None,
            });
            let owners: Vec<&str> = owners.collect::<BTreeSet<&str>>().into_iter().collect();
            let (ecosystem, from) = (&group.ecosystem, owners.join(", "));
            lines.push(match from.is_empty() {
                true => format!(
                    "not a package of the operating system: upgrade it where it was installed from ({ecosystem})"
                ),
                false => format!(
                    "not a package of the operating system: it came with {from}, whose publisher has to ship it"
                ),
            });
        }
        PatchState::NotOffered => {
            lines.push(view.not_offered(&group.package, members, split));
            lines.extend(
                view.host
                    .entitlements
                    .iter()
                    .filter_map(Entitlement::complaint)
                    .map(|why| format!("{why}: that no update is offered here does not mean that the host is patched")),
            );
        }
        PatchState::OfferUnknown => lines.push(NOT_LOOKED_AT.to_owned()),
        PatchState::KeptBack if group.kept_back.is_empty() => {
            lines.push("the simulated transaction does not take it, and does not say why".to_owned());
        }
        PatchState::Held => {
            let held: BTreeSet<String> =
                group.kept_back.iter().filter(|k| k.held).map(|k| bare(&k.name).0.to_owned()).collect();
            lines.push(format!("no upgrade before the hold on {} is lifted", named(&held)));
            if !view.asked() && view.host.pending.is_empty() {
                lines.push(NOT_LOOKED_AT.to_owned());
            }
        }
        PatchState::FixOffered if view.host.transaction.is_none() => {
            lines.push("no transaction was simulated: the steps are the pending upgrades".to_owned());
        }
        PatchState::Subscription => {
            let programs = members.iter().flat_map(|(_, j)| &j.finding.evidence).filter_map(|e| match e {
                Evidence::SubscriptionOnly { program } => Some(program.as_str()),
                _ => None,
            });
            let names: BTreeSet<&str> = programs.collect();
            let names: Vec<&str> = names.into_iter().collect();
            lines.push(format!("no fix is free to take: {} offers one", names.join(", ")));
        }
        PatchState::RebootPending => {
            if let Some(since) = view.host.reboot.since {
                let days = now.0.saturating_sub(since.0).max(0) / 86_400_000;
                lines.push(format!(
                    "the fixed kernel waits for a reboot since {} ({days} days); the deadline does not wait",
                    since.date()
                ));
            }
        }
        PatchState::FixOffered | PatchState::KeptBack | PatchState::RestartPending | PatchState::NoFix => {}
    }
    if matches!(group.state, PatchState::KeptBack | PatchState::Held) {
        if !split.moving.is_empty() && !split.staying.is_empty() {
            let (moving, staying) = (named(&split.moving), named(&split.staying));
            lines.push(format!("{moving} would be upgraded, {staying} would not: nothing is fixed by that"));
        }
        if view.host.transaction.is_some() && view.candidate(&group.package).is_none() {
            lines.push("a newer version is on offer; nobody says which".to_owned());
        }
    }
    if group.reboot == Tri::Unknown {
        lines.push("long-running processes may keep the old code until a reboot".to_owned());
    }
    lines
}

const NOT_LOOKED_AT: &str =
    "a fixed version is published; whether a repository of this host offers it was not looked at";

/// Names in a sentence, the first few of many.
fn named(names: &BTreeSet<String>) -> String {
    const SHOWN: usize = 4;
    let first: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// A name as a package manager lists it (`libc6:i386`), without its architecture, and that.
fn bare(listed: &str) -> (&str, Option<&str>) {
    listed.split_once(':').map_or((listed, None), |(name, arch)| (name, Some(arch)))
}

/// Why a vulnerable binary stays where it is, what weighs most first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Obstacle {
    Held,
    KeptBack,
    Unoffered,
}

/// The vulnerable binaries of a patch by what becomes of them.
#[derive(Default)]
struct Split {
    moving: BTreeSet<String>,
    staying: BTreeSet<String>,
}

struct HostView<'a> {
    host: &'a HostFacts,
    scheme: Scheme,
}

impl HostView<'_> {
    /// By version, then by text, so that two spellings of one version do not leave the order open.
    fn compare(&self, a: &str, b: &str) -> Ordering {
        patchwright_versions::compare_lenient(self.scheme, a, b).then_with(|| a.cmp(b))
    }

    fn state(&self, finding: &Finding) -> PatchState {
        match finding.state {
            FindingState::RestartPending => return PatchState::RestartPending,
            FindingState::RebootPending => return PatchState::RebootPending,
            FindingState::NoFix => return PatchState::NoFix,
            FindingState::FixAvailable | FindingState::FixWithSubscription => {}
        }
        // A host that has the subscription is offered the version by its repository.
        let missing = match finding.state == FindingState::FixWithSubscription {
            true => PatchState::Subscription,
            false if self.offers_unknown(finding) => PatchState::OfferUnknown,
            false => PatchState::NotOffered,
        };
        let Some(fixed) = finding.fixed.as_ref().filter(|_| !is_language(&finding.ecosystem)) else {
            return missing;
        };
        let candidate = self.candidate(&finding.package);
        let offered = candidate.as_ref().is_some_and(|c| self.reaches(c, fixed));
        // Whoever holds a package keeps it from a fix of a subscription too, but first somebody has to offer that.
        let untold = missing != PatchState::Subscription && candidate.is_none() && self.offer_untold(finding);
        let affected = || finding.binaries.iter().filter_map(|binary| self.obstacle(finding, binary));
        let obstacle = match is_kernel(&finding.package) {
            true => self.kernel_obstacle(&finding.package),
            false => affected().min(),
        };
        match obstacle {
            None if offered => PatchState::FixOffered,
            Some(Obstacle::Held) if offered || untold => PatchState::Held,
            Some(Obstacle::KeptBack) if offered || untold => PatchState::KeptBack,
            Some(_) | None => missing,
        }
    }

    fn reaches(&self, version: &str, fixed: &str) -> bool {
        patchwright_versions::compare_lenient(self.scheme, version, fixed).is_ge()
    }

    /// Something newer may be on offer, and nobody says which version: apt's list of what it keeps back has none unless it is asked
    /// for them, and where no upgrade was looked for a hold is all that is known.
    fn offer_untold(&self, finding: &Finding) -> bool {
        let unasked = self.host.transaction.is_none() && self.host.pending.is_empty();
        unasked || finding.binaries.iter().any(|binary| self.told(binary).is_some())
    }

    /// What stands between a vulnerable binary and the fix; nothing where the package manager would replace or remove it.
    fn obstacle(&self, finding: &Finding, binary: &AffectedBinary) -> Option<Obstacle> {
        let other_arch = |o: &AffectedBinary| o.name == binary.name && o.arch != binary.arch;
        let alone = !finding.binaries.iter().any(other_arch);
        // An architecture that changes (`all`) still is the same package where there is only one.
        let same = |name: &str, arch: &str| {
            name == binary.name && (alone || arch.is_empty() || arch == binary.arch || arch == "all")
        };
        let pending = self.host.pending.iter().find(|p| same(&p.name, &p.arch));
        let held = self.is_held(&binary.name, &binary.arch);
        let taken = match &self.host.transaction {
            Some(transaction) => transaction.steps.iter().any(|s| same(&s.name, &s.arch)),
            None => pending.is_some() && !held,
        };
        let short = pending.and_then(|p| offer(&finding.package, p)).zip(finding.fixed.as_deref());
        if taken && short.is_none_or(|(version, fixed)| self.reaches(version, fixed)) {
            return None;
        }
        let told = self.told(binary);
        Some(if held || told.is_some_and(|k| k.held) {
            Obstacle::Held
        } else if told.is_some() || pending.is_some() {
            Obstacle::KeptBack
        } else {
            Obstacle::Unoffered
        })
    }

    /// An upgrade of a kernel leaves the vulnerable image where it is and installs another one: an image has to come.
    fn kernel_obstacle(&self, package: &str) -> Option<Obstacle> {
        let held = self.host.packages.iter().any(|p| p.held && follows_kernel(&p.name));
        let comes = match &self.host.transaction {
            Some(_) => self.kernel_steps(package).next().is_some(),
            None => !held && self.host.pending.iter().any(|p| is_kernel_image(&p.name)),
        };
        (!comes).then_some(if held { Obstacle::Held } else { Obstacle::KeptBack })
    }

    fn is_held(&self, name: &str, arch: &str) -> bool {
        self.host.packages.iter().any(|p| p.held && p.name == name && p.arch == arch)
    }

    /// What the package manager says of a binary that it does not upgrade.
    fn told(&self, binary: &AffectedBinary) -> Option<&KeptBack> {
        self.host.transaction.iter().flat_map(|t| &t.kept_back).find(|k| {
            let (name, arch) = bare(&k.name);
            name == binary.name && arch.is_none_or(|arch| arch == binary.arch)
        })
    }

    /// What becomes of the vulnerable binaries of findings.
    fn split<'f>(&self, findings: impl Iterator<Item = &'f Finding>) -> Split {
        let mut split = Split::default();
        for finding in findings.filter(|f| !is_kernel(&f.package) && !is_language(&f.ecosystem)) {
            for binary in &finding.binaries {
                let stays = self.obstacle(finding, binary).is_some();
                let side = if stays { &mut split.staying } else { &mut split.moving };
                side.insert(binary.name.clone());
            }
        }
        split
    }

    /// Nobody has asked the package manager, or it did not answer: a list of packages, a bill of materials, a look at packages only, a
    /// host without package lists or with a simulation that failed. What languages bring
    /// no repository of the system offers in any case.
    fn offers_unknown(&self, finding: &Finding) -> bool {
        !self.asked() && self.host.pending.is_empty() && !is_language(&finding.ecosystem)
    }

    fn asked(&self) -> bool {
        self.host.transaction.is_some() || !self.host.entitlements.is_empty()
    }

    /// The newest version of the package on offer, in the terms in which advisories speak of it.
    fn candidate(&self, package: &str) -> Option<String> {
        let coming = self.coming(package);
        let kept = self.kept_offers(package);
        coming.as_deref().into_iter().chain(kept).max_by(|a, b| self.compare(a, b)).map(str::to_owned)
    }

    /// The newest that an upgrade names.
    fn coming(&self, package: &str) -> Option<String> {
        // Headers and libc-dev of a kernel source are no kernel.
        let carries = |name: &str| !is_kernel(package) || is_kernel_image(name);
        let pending = self.host.pending.iter().filter(|p| carries(&p.name)).filter_map(|p| offer(package, p));
        let kernel = self.kernel_steps(package).filter_map(|s| s.to.as_deref());
        pending.chain(kernel).max_by(|a, b| self.compare(a, b)).map(str::to_owned)
    }

    /// Versions that a package manager names with what it keeps back, where they are counted as advisories count.
    fn kept_offers<'s>(&'s self, package: &'s str) -> impl Iterator<Item = &'s str> {
        let counted = move |p: &Package| match p.source == package {
            true => p.source_version == p.version,
            false => p.name == package,
        };
        let listed = self.host.transaction.iter().flat_map(|t| &t.kept_back).filter(|k| !k.candidate.is_empty());
        let ours = move |k: &&KeptBack| {
            let installed = self.host.packages.iter().find(|p| p.name == bare(&k.name).0);
            !is_kernel(package) && installed.is_some_and(counted)
        };
        listed.filter(ours).map(|k| k.candidate.as_str())
    }

    /// A kernel upgrade installs a new image beside the old one, pulled in by a meta package of another source.
    fn kernel_steps(&self, package: &str) -> impl Iterator<Item = &TransactionStep> {
        let kernel = is_kernel(package);
        self.host
            .transaction
            .iter()
            .flat_map(|t| &t.steps)
            .filter(move |s| kernel && s.to.is_some() && is_kernel_image(&s.name))
    }

    fn binaries<'f>(&self, package: &str, findings: impl Iterator<Item = &'f Finding>) -> BTreeSet<String> {
        // A kernel comes with what follows it from version to version, whose source is another one.
        let follows = |name: &str| is_kernel(package) && follows_kernel(name);
        let of = |p: &&Package| p.source == package || follows(&p.name);
        let installed = self.host.packages.iter().filter(of).map(|p| p.name.clone());
        let pending =
            self.host.pending.iter().filter(|p| p.source == package || p.name == package).map(|p| p.name.clone());
        let affected = findings.flat_map(|f| f.binaries.iter().map(|b| b.name.clone()));
        installed.chain(pending).chain(affected).collect()
    }

    fn steps(&self, package: &str, names: &BTreeSet<String>) -> Vec<TransactionStep> {
        let Some(transaction) = &self.host.transaction else {
            return self
                .host
                .pending
                .iter()
                .filter(|p| names.contains(&p.name) && !self.is_held(&p.name, &p.arch))
                .map(|p| TransactionStep {
                    name: p.name.clone(),
                    arch: p.arch.clone(),
                    from: Some(p.installed.clone()),
                    to: Some(p.candidate.clone()),
                    origin: p.origin.clone(),
                })
                .collect();
        };
        let own = transaction.steps.iter().filter(|s| names.contains(&s.name) && s.to.is_some());
        let mut steps: Vec<TransactionStep> = own.cloned().collect();
        for step in self.kernel_steps(package) {
            if !steps.contains(step) {
                steps.push(step.clone());
            }
        }
        steps
    }

    fn kept_back(&self, names: &BTreeSet<String>) -> Vec<KeptBack> {
        let of = |k: &&KeptBack| names.contains(bare(&k.name).0);
        let told = self.host.transaction.iter().flat_map(|t| &t.kept_back).filter(of);
        let mut list: Vec<KeptBack> = told.cloned().collect();
        for p in self.host.packages.iter().filter(|p| p.held && names.contains(&p.name)) {
            if list.iter().all(|k| bare(&k.name).0 != p.name) {
                let candidate = self.host.pending.iter().find(|u| u.name == p.name).map(|u| u.candidate.clone());
                list.push(KeptBack {
                    name: p.name.clone(),
                    installed: p.version.clone(),
                    candidate: candidate.unwrap_or_default(),
                    held: true,
                    because: vec!["held by an administrator".to_owned()],
                    phased: None,
                });
            }
        }
        list
    }

    /// Units whose program belongs to the patch, and units that still run its replaced files.
    fn units(&self, names: &BTreeSet<String>) -> Vec<String> {
        let ours = |package: &Option<String>| package.as_ref().is_some_and(|p| names.contains(p));
        let listening = self.host.listeners.iter().filter(|l| ours(&l.package)).filter_map(|l| l.unit.clone());
        let stale =
            self.host.stale.iter().filter(|p| p.files.iter().any(|f| ours(&f.package))).filter_map(|p| p.unit.clone());
        let units: BTreeSet<String> = listening.chain(stale).collect();
        units.into_iter().collect()
    }

    fn reboot(&self, package: &str, names: &BTreeSet<String>, state: PatchState) -> Tri {
        if self.host.container && is_kernel(package) {
            // The kernel of a container belongs to the machine.
            return Tri::No;
        }
        let stuck = self.host.stale.iter().any(|p| {
            (p.pid == 1 || p.restart_refused)
                && p.files.iter().any(|f| f.package.as_ref().is_some_and(|owner| names.contains(owner)))
        });
        match state {
            PatchState::NoFix => Tri::No,
            PatchState::RebootPending => Tri::Yes,
            PatchState::RestartPending if stuck => Tri::Yes,
            PatchState::RestartPending => Tri::No,
            PatchState::FixOffered
            | PatchState::KeptBack
            | PatchState::Held
            | PatchState::NotOffered
            | PatchState::OfferUnknown
            | PatchState::Subscription => {
                match package {
                    p if is_kernel(p) || p.ends_with("-microcode") || p == "microcode_ctl" => Tri::Yes,
                    // Mapped by process 1 and by most sessions.
                    "glibc" | "systemd" | "dbus" => Tri::Unknown,
                    _ => Tri::No,
                }
            }
        }
    }

    fn not_offered(&self, package: &str, members: &[(usize, &Judged)], split: &Split) -> String {
        let candidate = self.candidate(package);
        let has_fix =
            |c: &String| members.iter().all(|(_, j)| j.finding.fixed.as_ref().is_some_and(|f| self.reaches(c, f)));
        match (candidate, self.host.lists_refreshed_at) {
            (Some(candidate), _) if has_fix(&candidate) => {
                format!("{candidate} is offered, but no newer version of {}", named(&split.staying))
            }
            (Some(candidate), _) => {
                format!("the repositories configured here offer {candidate} only, which is older than the fix")
            }
            (None, Some(at)) => format!("the repositories configured here offer nothing newer (lists of {at})"),
            (None, None) => {
                "the repositories configured here offer nothing newer, or their lists were never fetched".to_owned()
            }
        }
    }
}

/// The version of an offer as advisories of `package` count; nothing where the offer is not of it or nobody says.
fn offer<'p>(package: &str, offered: &'p PendingUpgrade) -> Option<&'p str> {
    let version = if offered.source == package {
        &offered.candidate_source_version
    } else if offered.name == package || (is_kernel(package) && is_kernel(&offered.source)) {
        // rpm advisories name the binary package and its own version; what follows a kernel has the kernel's.
        &offered.candidate
    } else {
        return None;
    };
    Some(version.as_str()).filter(|v| !v.is_empty())
}

/// A package that brings each new kernel: not one image, whose name has its version.
fn follows_kernel(binary: &str) -> bool {
    let one = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    is_kernel_image(binary) && !binary.strip_prefix("linux-image-").is_some_and(one)
}

fn is_kernel(package: &str) -> bool {
    package == "linux" || package == "kernel" || package == "kernel-core" || package.starts_with("linux-signed-")
}

fn is_kernel_image(binary: &str) -> bool {
    binary.starts_with("linux-image-") || binary == "kernel" || binary.starts_with("kernel-core")
}

/// Gives new and removed packages to the patch they come with. One full-upgrade simulation does not say who pulled whom in, so only
/// two cases are certain: the new package has the very version that the patch brings, or the patch is all that is upgraded.
fn attribute(ranked: &mut Ranked, host: &HostFacts) {
    let Some(transaction) = &host.transaction else {
        return;
    };
    let taken: BTreeSet<(String, String)> =
        ranked.patches.iter().flat_map(|g| g.steps.iter().map(|s| (s.name.clone(), s.arch.clone()))).collect();
    let others = transaction
        .steps
        .iter()
        .filter(|s| (s.from.is_none() || s.to.is_none()) && !taken.contains(&(s.name.clone(), s.arch.clone())));
    let acting = ranked.patches.iter().filter(|g| !g.steps.is_empty()).count();
    let elsewhere = transaction
        .steps
        .iter()
        .any(|s| s.from.is_some() && s.to.is_some() && !taken.contains(&(s.name.clone(), s.arch.clone())));
    let alone = acting == 1 && !elsewhere;
    for step in others {
        let same_upload = |g: &PatchGroup| step.to.is_some() && g.steps.iter().any(|own| own.to == step.to);
        let mut owners: Vec<&mut PatchGroup> =
            ranked.patches.iter_mut().filter(|g| !g.steps.is_empty() && (alone || same_upload(g))).collect();
        match owners.as_mut_slice() {
            [only] => only.extra.push(step.clone()),
            _ => ranked.unattributed.push(step.clone()),
        }
    }
}
