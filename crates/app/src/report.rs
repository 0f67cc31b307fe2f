//! The answer about one host: facts, snapshot and policy in, [`ScanReport`] out. Everything is computed here once and shown by
//! the CLI, the API and the console alike.

mod compared;
mod exceptions;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use patchwright_domain::decision::classify::{Reason, classify};
use patchwright_domain::decision::constraint::review;
use patchwright_domain::decision::cvss::Severity;
use patchwright_domain::decision::policy::{Policy, Urgency};
use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::decision::rank::{Judged, PatchGroup, PatchState, Ranked, rank};
use patchwright_domain::decision::sla::{Clocks, DueDates, due};
use patchwright_domain::decision::variables::Input;
use patchwright_domain::exposure::cleared::{Cleared, Why};
use patchwright_domain::exposure::kernel::running_unseen;
use patchwright_domain::exposure::subject::{replaced_unseen, streams_unseen};
use patchwright_domain::exposure::{Evidence, Finding, FindingState};
use patchwright_domain::intel::{ExploitEvidence, ExploitKind, VulnFacts};
use patchwright_domain::inventory::{
    Entitlement, HostFacts, KeptBack, Patcher, RebootReason, Transaction, TransactionStep, Tri,
};
use patchwright_domain::time::Timestamp;
use patchwright_protocol::SCHEMA;
use patchwright_protocol::scan::{
    BinaryView, ClearedView, Counts, DataLabel, DueView, FactorView, FindingView, HostLabel, PatchView, ReasonView,
    RebootView, ScanReport, StepView, SupportView, TransactionView, UnseenView,
};

use crate::decisions::Decided;
use crate::error::AppError;
use crate::intel::Intel;
use crate::vex::{VexInput, called, evidence, split};

pub use compared::compare;

/// What a report is made for, besides the facts.
pub struct Question<'a> {
    /// What the host is to the organisation.
    pub profile: &'a AssetProfile,
    /// Policy in force.
    pub policy: &'a Policy,
    /// Now.
    pub now: Timestamp,
    /// When a finding was first there; for a host that is not kept, [`first_seen_alone`].
    pub first_seen: &'a dyn Fn(&Finding, &VulnFacts) -> Timestamp,
}

/// When a finding was first there, from the facts of the host alone: now. But a kernel that waits for a reboot was replaced when
/// the fixed one was installed, and the clock goes on from there; never from before the vulnerability was public.
#[must_use]
pub fn first_seen_alone(finding: &Finding, facts: &VulnFacts, now: Timestamp) -> Timestamp {
    for evidence in &finding.evidence {
        if let Evidence::FixedAtNextBoot { since: Some(since), .. } = evidence {
            return facts.published.map_or(*since, |published| published.max(*since)).min(now);
        }
    }
    now
}

/// A host's findings, each judged, with the facts about their vulnerabilities in the same order.
pub struct Judgement {
    /// Findings with decision and due dates.
    pub judged: Vec<Judged>,
    /// Facts of each finding's vulnerability.
    pub facts: Vec<Arc<VulnFacts>>,
}

impl Judgement {
    /// Findings with their facts.
    pub fn pairs(&self) -> impl Iterator<Item = (&Judged, &VulnFacts)> {
        self.judged.iter().zip(self.facts.iter().map(Arc::as_ref))
    }
}

/// Matches and judges a host.
///
/// # Errors
/// [`AppError::Intel`] when the snapshot cannot be read.
pub fn judge(intel: &Intel, host: &HostFacts, question: &Question<'_>) -> Result<Judgement, AppError> {
    judge_found(intel, intel.findings(host)?, question)
}

/// Judges what was found, in its order.
fn judge_found(intel: &Intel, found: Vec<Finding>, question: &Question<'_>) -> Result<Judgement, AppError> {
    let mut known: BTreeMap<String, Arc<VulnFacts>> = BTreeMap::new();
    let mut out = Judgement { judged: Vec::new(), facts: Vec::new() };
    for finding in found {
        let facts = match known.get(&finding.vuln) {
            Some(facts) => facts.clone(),
            None => {
                let facts = Arc::new(intel.facts(&finding.vuln)?);
                known.insert(finding.vuln.clone(), facts.clone());
                facts
            }
        };
        let decision = classify(
            question.policy,
            &Input {
                vuln: facts.as_ref(),
                vendor: &finding.vendor,
                status: finding.status,
                profile: question.profile,
                package: &finding.package,
                ecosystem: &finding.ecosystem,
            },
        );
        let clocks = Clocks {
            // What is on record may be from a time when the clock was wrong: nothing begins later than now.
            first_seen: (question.first_seen)(&finding, &facts).min(question.now),
            patch_available: None,
            kev_added: facts.kev.as_ref().map(|k| k.date_added.start()),
            published: facts.published,
        };
        let due = due(question.policy, &decision, &clocks, question.profile, question.now);
        out.judged.push(Judged { finding, decision, due });
        out.facts.push(facts);
    }
    Ok(out)
}

/// The whole report.
///
/// # Errors
/// [`AppError::Intel`] when the snapshot cannot be read.
pub fn report(
    intel: &Intel,
    host: &HostFacts,
    question: &Question<'_>,
    problems: &[String],
) -> Result<ScanReport, AppError> {
    report_with_vex(intel, host, question, problems, None)
}

/// A report as of what people decided about the host: exceptions and statements of this organisation.
///
/// # Errors
/// [`AppError::Intel`] when the snapshot cannot be read.
pub fn report_decided(
    intel: &Intel,
    host: &HostFacts,
    question: &Question<'_>,
    problems: &[String],
    decided: &Decided,
) -> Result<ScanReport, AppError> {
    whole(intel, host, question, problems, decided.vex.as_ref(), decided)
}

/// The whole report, with statements about exploitability applied after matching.
///
/// # Errors
/// [`AppError::Intel`] when the snapshot cannot be read.
pub fn report_with_vex(
    intel: &Intel,
    host: &HostFacts,
    question: &Question<'_>,
    problems: &[String],
    vex: Option<&VexInput>,
) -> Result<ScanReport, AppError> {
    whole(intel, host, question, problems, vex, &Decided::default())
}

fn whole(
    intel: &Intel,
    host: &HostFacts,
    question: &Question<'_>,
    problems: &[String],
    vex: Option<&VexInput>,
    decided: &Decided,
) -> Result<ScanReport, AppError> {
    let judgement = judge(intel, host, question)?;
    let vex = stated(&judgement, host, question, vex, decided);
    let (mut judgement, vex) = match vex {
        Some(input) => {
            let (left, view) = split(judgement, &input, question.now);
            (left, Some(view))
        }
        None => (judgement, None),
    };
    let excepted = exceptions::apply(&mut judgement, &decided.excepted);
    let ranking = ranked(&judgement, host, question.now);
    let support = intel.support(host, question.now.date())?;
    let overdue = |d: &DueDates| d.due().is_some_and(|at| at < question.now);
    let mut counts = Counts {
        packages: size(host.packages.len()),
        components: size(host.components.len()),
        components_owned: size(host.components.iter().filter(|c| c.owned_by.is_some()).count()),
        pending: size(host.pending.len()),
        pending_security: size(host.pending.iter().filter(|p| p.security).count()),
        findings: size(judgement.judged.len()),
        ..Counts::default()
    };
    counts.excepted = size(excepted.iter().flatten().count());
    for (j, facts) in judgement.pairs() {
        *by_urgency(&mut counts, j.decision.urgency) += 1;
        counts.kev += u32::from(facts.kev.is_some());
        counts.overdue += u32::from(overdue(&j.due));
        match j.finding.state {
            FindingState::FixAvailable => counts.fix_available += 1,
            FindingState::RestartPending => counts.restart_pending += 1,
            FindingState::RebootPending => counts.reboot_pending += 1,
            FindingState::NoFix => counts.no_fix += 1,
            FindingState::FixWithSubscription => counts.fix_with_subscription += 1,
        }
    }
    let review = review(host, question.profile, &question.policy.constraints, question.now);
    let mut patches: Vec<PatchView> = Vec::new();
    for (rank, group) in (1u32..).zip(ranking.patches.iter().chain(&ranking.unfixed)) {
        let mut patch = patch_view(rank, group, &judgement, question.now);
        patch.blocked.extend(exceptions::blocked(&review, &patch.package));
        patches.push(patch);
    }
    let mut findings: Vec<FindingView> = judgement
        .pairs()
        .zip(excepted)
        .map(|((j, facts), excepted)| FindingView { excepted, ..finding_view(j, facts, question.now) })
        .collect();
    findings.sort_by(|a, b| order_key(a).cmp(&order_key(b)));
    let reboot = reboot_view(host, counts.reboot_pending, question.now);
    Ok(ScanReport {
        schema: SCHEMA,
        host: HostLabel {
            name: host.hostname.clone(),
            os: host.os.pretty.clone(),
            system: host.os.short(),
            ecosystem: host.os.ecosystem(),
            arch: host.arch.clone(),
            kernel: host.kernel.running_release.clone(),
            collector: host.collector.clone(),
            // A file that does not say when it was written must not claim to be of 1970.
            collected_at: if host.collected_at.0 == 0 { String::new() } else { host.collected_at.to_string() },
        },
        data: label(intel, host, question),
        policy: format!("{} {}", question.policy.name, question.policy.hash.get(..12).unwrap_or(&question.policy.hash)),
        support: SupportView {
            state: support.support.word().to_owned(),
            text: support.text,
            security_until: support.security_until.map(|d| d.to_string()),
            lts_until: support.lts_until.map(|d| d.to_string()),
            extended_until: support.extended_until.map(|d| d.to_string()),
        },
        counts,
        patches,
        findings,
        transaction: host.transaction.as_ref().map(transaction_view),
        reboot,
        not_entitled: not_entitled(host),
        restart_units: restart_units(host),
        patchers: host.patchers.iter().map(patcher_words).collect(),
        repositories_refused: host
            .repositories
            .iter()
            .filter(|r| !r.verdict.is_verified())
            .map(|r| format!("{}: {}", r.verdict.subject, r.verdict.summary()))
            .collect(),
        unseen: host
            .unseen
            .iter()
            .cloned()
            .chain(running_unseen(host))
            .chain(streams_unseen(host))
            .chain(replaced_unseen(host))
            .map(|u| UnseenView { what: u.what, why: u.why, hint: u.hint })
            .collect(),
        problems: problems.to_vec(),
        vex,
        exceptions: exceptions::drafts(&review, host, &judgement, question.now),
        constraints_lapsed: review.lapsed,
    })
}

/// Every statement about a host's findings: those that are given, of documents that are kept, and of its own evidence.
fn stated<'v>(
    judgement: &Judgement,
    host: &HostFacts,
    question: &Question<'_>,
    vex: Option<&'v VexInput>,
    decided: &Decided,
) -> Option<Cow<'v, VexInput>> {
    let shown = evidence(judgement, host, question);
    let kept = decided.documents.about(judgement.judged.iter().map(|j| &j.finding));
    if shown.is_empty() && kept.is_empty() {
        vex.map(Cow::Borrowed)
    } else {
        let mut input = vex.cloned().unwrap_or_default();
        if !kept.is_empty() {
            // Documents of others name a host as they would for `scan --vex`.
            let called = called(host);
            input.host.ids.extend(called.ids);
            input.host.names.extend(called.names);
            input.host.cpes.extend(called.cpes);
        }
        if !shown.is_empty() {
            input.host.names.push(host.hostname.clone());
        }
        input.statements.extend(kept);
        input.statements.extend(shown);
        Some(Cow::Owned(input))
    }
}

/// Ranks judged findings by patch.
#[must_use]
pub fn ranked(judgement: &Judgement, host: &HostFacts, now: Timestamp) -> Ranked {
    rank(&judgement.judged, host, now)
}

/// A count that fits the wire type; nobody has four billion packages.
#[must_use]
pub fn size(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The counter of an urgency.
pub fn by_urgency(counts: &mut Counts, urgency: Urgency) -> &mut u32 {
    match urgency {
        Urgency::Emergency => &mut counts.emergency,
        Urgency::Critical => &mut counts.critical,
        Urgency::High => &mut counts.high,
        Urgency::Medium => &mut counts.medium,
        Urgency::Low => &mut counts.low,
    }
}

/// The stable word of an urgency on the wire.
#[must_use]
pub fn urgency_word(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Emergency => "emergency",
        Urgency::Critical => "critical",
        Urgency::High => "high",
        Urgency::Medium => "medium",
        Urgency::Low => "low",
    }
}

/// Place of an urgency word, most urgent first; for sorting views.
#[must_use]
pub fn urgency_place(word: &str) -> u8 {
    match word {
        "emergency" => 0,
        "critical" => 1,
        "high" => 2,
        "medium" => 3,
        "low" => 4,
        _ => 5,
    }
}

fn order_key(f: &FindingView) -> (u8, bool, std::cmp::Reverse<Option<u32>>, &str, &str) {
    (urgency_place(&f.urgency), f.kev.is_none(), std::cmp::Reverse(f.epss_e5), &f.package, &f.vuln)
}

/// Severity as a word; no score is `unknown`, which is not `none`.
#[must_use]
pub fn severity_word(severity: Option<Severity>) -> &'static str {
    severity.map_or("unknown", Severity::word)
}

/// One finding for the wire.
#[must_use]
pub fn finding_view(j: &Judged, facts: &VulnFacts, now: Timestamp) -> FindingView {
    let cvss = j.decision.cvss.as_ref();
    FindingView {
        vuln: j.finding.vuln.clone(),
        package: j.finding.package.clone(),
        ecosystem: j.finding.ecosystem.clone(),
        installed: j.finding.installed.clone(),
        fixed: j.finding.fixed.clone(),
        status: j.finding.status.word().to_owned(),
        state: state_word(j.finding.state).to_owned(),
        state_label: j.finding.state.label().to_owned(),
        urgency: urgency_word(j.decision.urgency).to_owned(),
        severity: severity_word(j.decision.severity.value).to_owned(),
        cvss_e1: cvss.map(|c| c.effective_e1),
        cvss_vector: cvss.map(|c| c.vector.clone()),
        cvss_label: cvss.map(|c| c.nomenclature.clone()),
        cvss_source: j.decision.cvss_source.clone(),
        epss_e5: facts.epss.map(|e| e.score_e5),
        kev: facts.kev.as_ref().map(|k| k.date_added.to_string()),
        ransomware: facts.kev.as_ref().is_some_and(|k| k.ransomware_known),
        exploits: facts.exploits.iter().map(exploit_words).collect(),
        ssvc: j.decision.ssvc.outcome.word().to_owned(),
        bod: j.decision.bod.outcome.word().to_owned(),
        due: j.due.due().map(|d| d.to_string()),
        due_candidates: due_views(&j.due),
        binaries: j
            .finding
            .binaries
            .iter()
            .map(|b| BinaryView { name: b.name.clone(), version: b.version.clone(), arch: b.arch.clone() })
            .collect(),
        advisories: j.finding.advisories.clone(),
        vendor_severity: j.finding.vendor.severity.clone(),
        vendor_state: j.finding.vendor.sub_state.clone(),
        evidence: j.finding.evidence.iter().map(|e| evidence_words(e, now)).collect(),
        because: j.decision.because.iter().map(reason_view).collect(),
        excepted: None,
    }
}

/// A package without a vulnerability, for the wire.
#[must_use]
pub fn cleared_view(c: &Cleared) -> ClearedView {
    let (why, fixed, backport) = match &c.why {
        Why::Fixed { fixed, backport, order: _ } => {
            ("fixed", Some(fixed.clone()), backport.as_ref().map(|b| b.mark.clone()))
        }
        Why::NotAffected => ("not_affected", None, None),
        Why::OtherVersions { .. } => ("other_versions", None, None),
    };
    ClearedView {
        vuln: c.vuln.clone(),
        package: c.package.clone(),
        installed: c.installed.clone(),
        binaries: c.binaries.clone(),
        why: why.to_owned(),
        fixed,
        backport,
        advisory: c.advisory.clone(),
        provider: c.provider.clone(),
        evidence: c.sentences(),
    }
}

/// The stable word of a finding state.
#[must_use]
pub fn state_word(state: FindingState) -> &'static str {
    match state {
        FindingState::FixAvailable => "fix_available",
        FindingState::RestartPending => "restart_pending",
        FindingState::RebootPending => "reboot_pending",
        FindingState::NoFix => "no_fix",
        FindingState::FixWithSubscription => "fix_with_subscription",
    }
}

/// Candidate due dates for the wire.
#[must_use]
pub fn due_views(dates: &DueDates) -> Vec<DueView> {
    dates
        .candidates
        .iter()
        .enumerate()
        .map(|(i, c)| DueView {
            profile: c.profile.clone(),
            due: c.due.or(c.review_by).map(|d| d.to_string()).unwrap_or_default(),
            mitigate_by: c.mitigate_by.map(|d| d.to_string()),
            clock: c.clock.word().to_owned(),
            start: c.start.to_string(),
            because: c.because.clone(),
            winner: dates.winner == Some(i),
        })
        .collect()
}

/// A reason for the wire.
#[must_use]
pub fn reason_view(reason: &Reason) -> ReasonView {
    ReasonView {
        rule: reason.rule.clone(),
        text: reason.text.clone(),
        inputs: reason.inputs.clone(),
        assumed: reason.assumed.clone(),
    }
}

/// Exploit evidence in words.
#[must_use]
pub fn exploit_words(e: &ExploitEvidence) -> String {
    match e.kind {
        ExploitKind::Metasploit => format!("Metasploit module {}", e.reference),
        ExploitKind::Nuclei => format!("nuclei template {}", e.reference),
        ExploitKind::ExploitDb => format!("Exploit-DB {}", e.reference),
        ExploitKind::Vendor => format!("vendor reports exploitation ({})", e.reference),
    }
}

fn evidence_words(e: &Evidence, now: Timestamp) -> String {
    match e {
        Evidence::VersionInRange { advisory, provider, installed, fixed, order } => match fixed {
            Some(fixed) => {
                format!(
                    "{installed} is older than {fixed} in {order} order, where {advisory} is fixed (data: {provider})"
                )
            }
            None => format!("{installed} lies in the affected range of {advisory} in {order} order (data: {provider})"),
        },
        Evidence::Stated { provider, status } => {
            format!("{provider} states it as `{}` for this release, whatever the version", status.word())
        }
        Evidence::AlsoSaid { provider, advisory, fixed } => {
            let advisory = advisory.as_deref().map(|id| format!(" in {id}")).unwrap_or_default();
            let fixed = fixed.as_deref().map(|version| format!(", fixed in {version}")).unwrap_or_default();
            format!("{provider} says it too{advisory}{fixed}")
        }
        Evidence::FixedAtNextBoot { version, since } => match since {
            Some(since) => format!(
                "{version} is installed and boots next: a reboot is pending since {}, {}",
                since.date(),
                days_words(days_since(*since, now))
            ),
            None => format!("{version} is installed and boots next: a reboot is pending, nobody knows since when"),
        },
        Evidence::StillMapped { pid, exe, unit, file } => {
            let unit = unit.as_deref().map(|u| format!(" of {u}")).unwrap_or_default();
            format!("process {pid} ({exe}){unit} still runs the replaced {file}")
        }
        Evidence::RunningKernel { running, version } => format!("the running kernel {running} is version {version}"),
        Evidence::StreamAssumed { stream } => {
            let of = stream.as_deref().map_or_else(|| "this statement".to_owned(), |s| format!("what is said of {s}"));
            format!("assumed: nobody says which module stream the package is from, and {of} counts for it")
        }
        Evidence::RunningKernelAssumed { version } => {
            format!("assumed: nobody looked which kernel runs, and version {version} is installed and may be the one")
        }
        Evidence::OldKernelInstalled { package } => format!("{package} is installed and not running"),
        Evidence::CandidateChangelog { fixed } => {
            format!("the changelog of the version on offer names it as fixed in {fixed}")
        }
        Evidence::RepositoryAdvisory { advisory, fixed } => {
            format!("{advisory}, an advisory of a repository configured on this host, names it as fixed in {fixed}")
        }
        Evidence::SubscriptionOnly { program } => {
            format!("no fix is free to take; customers of {program} get this one")
        }
        Evidence::FoundAt { purl, location, owner: Some(owner) } => {
            let place = location.as_deref().map(|place| format!(" lies in {place} and")).unwrap_or_default();
            format!(
                "{purl}{place} came with `{owner}`, a package of a third party: nothing that the system's vendor ships fixes it"
            )
        }
        Evidence::FoundAt { purl, location, owner: None } => match location {
            Some(place) => format!("{purl} lies in {place}, and no package of the operating system owns it"),
            None => format!("{purl} is listed, and no package of the operating system is known to own it"),
        },
    }
}

/// What the answer rests on: the data, and a policy whose last day is over.
fn label(intel: &Intel, host: &HostFacts, question: &Question<'_>) -> DataLabel {
    let mut label = intel.label_for(host, question.now.date());
    label.warnings.extend(crate::policy::over(question.policy, question.now));
    label
}

fn step_view(step: &TransactionStep, extra: bool) -> StepView {
    StepView {
        name: step.name.clone(),
        from: step.from.clone(),
        to: step.to.clone(),
        origin: step.origin.clone(),
        extra,
    }
}

fn patch_view(rank: u32, group: &PatchGroup, judgement: &Judgement, now: Timestamp) -> PatchView {
    // In the order of the ranking, the worst first: the one that the reasons speak of.
    // A package that is there in two versions has one vulnerability in two findings: it is named once.
    let mut named = BTreeSet::new();
    let members: Vec<(&str, &VulnFacts)> = group
        .findings
        .iter()
        .filter_map(|i| Some((judgement.judged.get(*i)?.finding.vuln.as_str(), judgement.facts.get(*i)?.as_ref())))
        .filter(|(vuln, _)| named.insert(*vuln))
        .collect();
    let mut steps: Vec<StepView> = group.steps.iter().map(|s| step_view(s, false)).collect();
    steps.extend(group.extra.iter().map(|s| step_view(s, true)));
    PatchView {
        rank,
        package: group.package.clone(),
        ecosystem: group.ecosystem.clone(),
        from: group.from.clone(),
        to: group.to.clone(),
        state: patch_state_word(group.state).to_owned(),
        state_label: group.state.label().to_owned(),
        urgency: urgency_word(group.urgency).to_owned(),
        severity: severity_word(group.severity).to_owned(),
        due: group.due.map(|d| d.to_string()),
        overdue: group.due.is_some_and(|d| d < now),
        vulns: members.iter().map(|(vuln, _)| (*vuln).to_owned()).collect(),
        kev: size(members.iter().filter(|(_, facts)| facts.kev.is_some()).count()),
        risk_removed_u6: group.risk_removed.value_micro,
        risk_factors: group
            .risk_removed
            .factors
            .iter()
            .map(|f| FactorView { name: f.vuln.clone(), value: f.because.clone() })
            .collect(),
        steps,
        blocked: group.kept_back.iter().map(kept_back_words).collect(),
        restart_units: group.restart_units.clone(),
        reboot: tri_word(group.reboot).to_owned(),
        because: brief(&group.because),
    }
}

/// Reasons for a row of a list: what was assumed is counted here and listed with each finding.
fn brief(because: &[String]) -> Vec<String> {
    let (assumed, mut rest): (Vec<String>, Vec<String>) =
        because.iter().cloned().partition(|line| line.starts_with("assumed:"));
    if !assumed.is_empty() {
        let n = assumed.len();
        rest.push(format!("{n} {} assumed, see the finding", if n == 1 { "input is" } else { "inputs are" }));
    }
    rest
}

/// The stable word of a patch state.
#[must_use]
pub fn patch_state_word(state: PatchState) -> &'static str {
    match state {
        PatchState::FixOffered => "available",
        PatchState::NotOffered => "not_offered",
        PatchState::OfferUnknown => "offer_unknown",
        PatchState::KeptBack => "kept_back",
        PatchState::Held => "held",
        PatchState::RestartPending => "restart_pending",
        PatchState::RebootPending => "reboot_pending",
        PatchState::NoFix => "no_fix",
        PatchState::Subscription => "subscription",
    }
}

/// `yes`, `no`, `unknown`.
#[must_use]
pub fn tri_word(tri: Tri) -> &'static str {
    match tri {
        Tri::Yes => "yes",
        Tri::No => "no",
        Tri::Unknown => "unknown",
    }
}

fn transaction_view(t: &Transaction) -> TransactionView {
    TransactionView {
        steps: t.steps.iter().map(|s| step_view(s, s.from.is_none())).collect(),
        kept_back: t.kept_back.iter().map(kept_back_words).collect(),
        download_bytes: t.download_bytes,
        simulated: t.simulated.clone(),
    }
}

fn kept_back_words(k: &KeptBack) -> String {
    let word = if k.held { "held by an administrator" } else { "kept back by the package manager" };
    // What readers of lists say in their own words is not said twice.
    let said = |why: &&str| !matches!(*why, "held by an administrator" | "kept back by apt");
    let why: Vec<&str> = k.because.iter().map(String::as_str).filter(said).collect();
    let why = match why.join("; ") {
        none if none.is_empty() => word.to_owned(),
        own if own.starts_with(word) => own,
        more => format!("{word}: {more}"),
    };
    let installed = if k.installed.is_empty() { String::new() } else { format!(" {}", k.installed) };
    let candidate = if k.candidate.is_empty() { String::new() } else { format!(" → {}", k.candidate) };
    format!("{}{installed}{candidate} {why}", k.name)
}

/// Whether a reboot is needed. Where fixes are installed and wait for one, it is, whoever collected the facts.
fn reboot_view(host: &HostFacts, waiting: u32, now: Timestamp) -> RebootView {
    let mut because: Vec<String> = host.reboot.because.iter().map(reboot_words).collect();
    let mut needed = host.reboot.needed;
    if waiting > 0 && needed != Tri::Yes {
        needed = Tri::Yes;
        because.push(running_waits(host.kernel.running_release.as_deref(), waiting));
    }
    RebootView {
        needed: tri_word(needed).to_owned(),
        because,
        since: host.reboot.since.map(|s| s.to_string()),
        days: host.reboot.since.map(|s| days_since(s, now)),
    }
}

/// Why a kernel that is on disk asks for a reboot.
pub(crate) fn running_waits(running: Option<&str>, fixes: u32) -> String {
    format!("the kernel {} still runs, and the installed one has {fixes} fixes", running.unwrap_or("of before"))
}

/// Whole days from an instant to now.
fn days_since(at: Timestamp, now: Timestamp) -> u32 {
    u32::try_from(now.0.saturating_sub(at.0) / 86_400_000).unwrap_or_default()
}

fn days_words(days: u32) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

/// Why the absence of updates on this host proves nothing; empty where it has what its repositories ask for.
#[must_use]
pub fn not_entitled(host: &HostFacts) -> Vec<String> {
    host.entitlements.iter().filter_map(Entitlement::complaint).collect()
}

/// A reboot reason in words.
#[must_use]
pub fn reboot_words(reason: &RebootReason) -> String {
    match reason {
        RebootReason::NewerKernel { running, installed } => {
            format!("kernel {installed} is installed, {running} is running")
        }
        RebootReason::FlagFile { packages } if packages.is_empty() => "a package asked for a reboot".to_owned(),
        RebootReason::FlagFile { packages } => format!("asked for by {}", packages.join(", ")),
        RebootReason::InitStale { file } => format!("process 1 still runs the replaced {file}"),
    }
}

/// Units (or executables, where no unit is known) that run replaced code, sorted.
#[must_use]
pub fn restart_units(host: &HostFacts) -> Vec<String> {
    let mut list: Vec<String> = host.stale.iter().map(|s| s.unit.clone().unwrap_or_else(|| s.exe.clone())).collect();
    list.sort();
    list.dedup();
    list
}

fn patcher_words(p: &Patcher) -> String {
    use patchwright_domain::inventory::PatcherKind as K;
    let name = match p.kind {
        K::UnattendedUpgrades => "unattended-upgrades",
        K::DnfAutomatic => "dnf-automatic",
        K::AptDaily => "apt-daily timers",
        K::Landscape => "Landscape",
        K::Puppet => "Puppet",
        K::Chef => "Chef",
        K::Salt => "Salt",
        K::AnsiblePull => "ansible-pull",
        K::Satellite => "Satellite",
        K::PackageKit => "PackageKit",
    };
    let installs = match p.installs {
        Tri::Yes => "installs upgrades by itself",
        Tri::No => "present, does not install by itself",
        Tri::Unknown => "present, could not tell whether it installs",
    };
    format!("{name}: {installs} ({})", p.evidence.join("; "))
}
