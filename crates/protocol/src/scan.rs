//! The answer about one host: what is wrong, what to patch first, why, and what would happen.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where the vulnerability data behind an answer comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DataLabel {
    /// Content id of the snapshot (SHA-256, hex).
    pub snapshot: String,
    /// When it was activated here, RFC 3339.
    pub activated_at: String,
    /// One line for people: `starter set of 2026-11-22, incomplete`.
    pub label: String,
    /// True when the data is known to be incomplete (starter set).
    pub incomplete: bool,
    /// One entry per provider in the snapshot.
    pub providers: Vec<ProviderLabel>,
    /// What the reader must know before trusting a "nothing found".
    pub warnings: Vec<String>,
}

/// One provider of a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProviderLabel {
    /// Provider (`debian-changelog`, `cisa-kev`, `epss`).
    pub provider: String,
    /// Date of its data, `YYYY-MM-DD`.
    pub date: String,
    /// Records held.
    pub records: u64,
    /// Came with the product rather than from a feed.
    pub starter: bool,
    /// Version words of the source (EPSS model, KEV catalogue).
    pub version: Option<String>,
}

/// One reason of a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReasonView {
    /// Rule or table that spoke (`urgency.kev`, `ssvc:DT_DP:1.0.0`).
    pub rule: String,
    /// The reason in words.
    pub text: String,
    /// Inputs it saw, name and value.
    pub inputs: Vec<(String, String)>,
    /// Inputs nobody had told, and what was assumed.
    pub assumed: Vec<String>,
}

/// One candidate due date.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DueView {
    /// Profile (`default`, `bod-26-04`).
    pub profile: String,
    /// Due, RFC 3339.
    pub due: String,
    /// Mitigate by, RFC 3339, where the profile asks for it.
    pub mitigate_by: Option<String>,
    /// Clock it starts from (`first_seen`) and the start.
    pub clock: String,
    /// Start of the clock, RFC 3339.
    pub start: String,
    /// Why this long.
    pub because: String,
    /// This candidate decides.
    pub winner: bool,
}

/// One vulnerability in one package of one host, with its decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindingView {
    /// CVE id or the publisher's id.
    pub vuln: String,
    /// Package that the advisory names (source package on Debian).
    pub package: String,
    /// Ecosystem and release.
    pub ecosystem: String,
    /// Installed version.
    pub installed: String,
    /// Version that fixes it.
    pub fixed: Option<String>,
    /// Publisher's status: one of the eight words.
    pub status: String,
    /// What has to happen: `fix_available`, `restart_pending`, `reboot_pending`, `no_fix`, `fix_with_subscription`.
    pub state: String,
    /// The state in words.
    pub state_label: String,
    /// Urgency: `emergency`, `critical`, `high`, `medium`, `low`.
    pub urgency: String,
    /// Severity rank: `critical`, `high`, `medium`, `low`, `none`, `unknown`. Separate from urgency.
    pub severity: String,
    /// Effective CVSS × 10; absent means no score, which is not 0.
    pub cvss_e1: Option<u8>,
    /// CVSS vector with the metrics that were added.
    pub cvss_vector: Option<String>,
    /// `CVSS-B`, `CVSS-BTE`, … with the version.
    pub cvss_label: Option<String>,
    /// Who scored.
    pub cvss_source: Option<String>,
    /// EPSS × 100,000; absent means not scored.
    pub epss_e5: Option<u32>,
    /// In CISA's catalogue of exploited vulnerabilities since this day.
    pub kev: Option<String>,
    /// Known use in ransomware campaigns.
    pub ransomware: bool,
    /// Exploit evidence in words (`Metasploit module exploit/…`).
    pub exploits: Vec<String>,
    /// SSVC deployer outcome.
    pub ssvc: String,
    /// BOD 26-04 outcome.
    pub bod: String,
    /// Earliest due date, RFC 3339.
    pub due: Option<String>,
    /// Every candidate.
    pub due_candidates: Vec<DueView>,
    /// Binary packages that carry it.
    pub binaries: Vec<BinaryView>,
    /// Advisory ids, the vendor's first.
    pub advisories: Vec<String>,
    /// Vendor severity verbatim.
    pub vendor_severity: Option<String>,
    /// Vendor's finer state verbatim.
    pub vendor_state: Option<String>,
    /// Why the finding is there, one sentence each.
    pub evidence: Vec<String>,
    /// Why this urgency.
    pub because: Vec<ReasonView>,
    /// The exception in force that covers it: it is not overdue before that ends.
    #[serde(default)]
    pub excepted: Option<ExceptedView>,
}

/// An exception in force, on a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExceptedView {
    /// Id (`exc_…`).
    pub id: String,
    /// Last day, `YYYY-MM-DD`.
    pub until: String,
    /// One sentence: until when, why, and who approved it.
    pub because: String,
}

/// A package that publishers speak of under a vulnerability's or an advisory's id, and that does not have it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClearedView {
    /// CVE id or the publisher's id.
    pub vuln: String,
    /// Package as the publisher names it.
    pub package: String,
    /// Version that counts.
    pub installed: String,
    /// Binary packages that carry it.
    pub binaries: Vec<String>,
    /// `fixed`, `not_affected` or `other_versions`.
    pub why: String,
    /// First version with the fix, where that is the reason.
    pub fixed: Option<String>,
    /// The mark of a fix that was put into an older version (`+deb12u3`, `.el9`).
    pub backport: Option<String>,
    /// Advisory.
    pub advisory: Option<String>,
    /// Provider that decides.
    pub provider: String,
    /// Why, one sentence each.
    pub evidence: Vec<String>,
}

/// A binary package that carries a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BinaryView {
    /// Name.
    pub name: String,
    /// Installed version.
    pub version: String,
    /// Architecture.
    pub arch: String,
}

/// One step of the transaction that a patch would run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepView {
    /// Binary package.
    pub name: String,
    /// Old version; absent for a new package.
    pub from: Option<String>,
    /// New version; absent for a removal.
    pub to: Option<String>,
    /// Repository.
    pub origin: Option<String>,
    /// Pulled in as a dependency rather than asked for.
    pub extra: bool,
}

/// One factor of a score.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FactorView {
    /// Name.
    pub name: String,
    /// Contribution in words or figures.
    pub value: String,
}

/// One patch: a source upgrade that fixes one or many vulnerabilities on a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PatchView {
    /// 1 is first.
    pub rank: u32,
    /// Source package (Debian) or package (rpm).
    pub package: String,
    /// Ecosystem and release.
    pub ecosystem: String,
    /// Installed source version.
    pub from: String,
    /// Version after the patch; absent where no fix is known.
    pub to: Option<String>,
    /// `available`, `not_offered`, `offer_unknown`, `restart_pending`, `reboot_pending`, `no_fix`, `subscription`, `held`, `kept_back`.
    pub state: String,
    /// The state in words.
    pub state_label: String,
    /// Worst urgency.
    pub urgency: String,
    /// Worst severity.
    pub severity: String,
    /// Earliest due date, RFC 3339.
    pub due: Option<String>,
    /// Past due now.
    pub overdue: bool,
    /// Vulnerabilities it fixes, worst first.
    pub vulns: Vec<String>,
    /// Of which in CISA's catalogue.
    pub kev: u32,
    /// Risk removed, in millionths of an expected exploitation per day (index, see docs/reference/risk.md).
    pub risk_removed_u6: u64,
    /// What the risk is made of.
    pub risk_factors: Vec<FactorView>,
    /// Binary packages changed, extras marked.
    pub steps: Vec<StepView>,
    /// Kept back or held, with the reason.
    pub blocked: Vec<String>,
    /// Units to restart afterwards.
    pub restart_units: Vec<String>,
    /// `yes`, `no`, `unknown`.
    pub reboot: String,
    /// Why it stands here.
    pub because: Vec<String>,
}

/// Numbers of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// Installed packages.
    pub packages: u32,
    /// Packages of languages.
    #[serde(default)]
    pub components: u32,
    /// Of which a package of the operating system brought, and which are judged as that package.
    #[serde(default)]
    pub components_owned: u32,
    /// Upgrades the repositories offer.
    pub pending: u32,
    /// Of which from a security repository.
    pub pending_security: u32,
    /// Findings, all states.
    pub findings: u32,
    /// Findings by urgency.
    pub emergency: u32,
    /// Findings by urgency.
    pub critical: u32,
    /// Findings by urgency.
    pub high: u32,
    /// Findings by urgency.
    pub medium: u32,
    /// Findings by urgency.
    pub low: u32,
    /// Findings of vulnerabilities known to be exploited.
    pub kev: u32,
    /// Findings past their due date.
    pub overdue: u32,
    /// Findings that an exception in force covers; among `findings`, never among `overdue`.
    #[serde(default)]
    pub excepted: u32,
    /// Findings with a fixed version that is not installed.
    pub fix_available: u32,
    /// Installed, restart pending.
    pub restart_pending: u32,
    /// Installed, reboot pending.
    pub reboot_pending: u32,
    /// No fix yet.
    pub no_fix: u32,
    /// A fixed version exists for customers of a subscription only; not among `fix_available`.
    #[serde(default)]
    pub fix_with_subscription: u32,
}

/// End-of-support state of the operating system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SupportView {
    /// `supported`, `lts`, `extended_only`, `ended`, `unknown`.
    pub state: String,
    /// One plain sentence.
    pub text: String,
    /// End of regular security support.
    pub security_until: Option<String>,
    /// End of long-term support.
    pub lts_until: Option<String>,
    /// End of paid support.
    pub extended_until: Option<String>,
}

/// Something that could not be looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnseenView {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do.
    pub hint: String,
}

/// Identity of the host in a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostLabel {
    /// Host name, or the file that was scanned.
    pub name: String,
    /// Operating system in words.
    pub os: String,
    /// Operating system and its release, as `--os` takes them (`debian:12`); absent where the release has no number.
    #[serde(default)]
    pub system: Option<String>,
    /// Ecosystem and release that was matched.
    pub ecosystem: Option<String>,
    /// Architecture.
    pub arch: String,
    /// Running kernel.
    pub kernel: Option<String>,
    /// Who collected the facts.
    pub collector: String,
    /// When, RFC 3339.
    pub collected_at: String,
}

/// The whole answer about one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScanReport {
    /// Version of this document.
    pub schema: u32,
    /// The host.
    pub host: HostLabel,
    /// The data.
    pub data: DataLabel,
    /// The policy: hash and name.
    pub policy: String,
    /// Support state of the system.
    pub support: SupportView,
    /// Numbers.
    pub counts: Counts,
    /// What to patch, first first.
    pub patches: Vec<PatchView>,
    /// Every finding.
    pub findings: Vec<FindingView>,
    /// What the package manager says a full upgrade does.
    pub transaction: Option<TransactionView>,
    /// Reboot needed: `yes`, `no`, `unknown`, with reasons.
    pub reboot: RebootView,
    /// Units on replaced code.
    pub restart_units: Vec<String>,
    /// Who patches this host already.
    pub patchers: Vec<String>,
    /// Repositories that are not what their publishers signed, each with its reasons in one line.
    #[serde(default)]
    pub repositories_refused: Vec<String>,
    /// Why the absence of updates proves nothing here: subscriptions that lapsed or are missing, one sentence each.
    #[serde(default)]
    pub not_entitled: Vec<String>,
    /// What could not be looked at.
    pub unseen: Vec<UnseenView>,
    /// Problems while reading the input.
    pub problems: Vec<String>,
    /// What VEX statements did to the findings; absent where none were given. `counts` and `findings` are what is left.
    #[serde(default)]
    pub vex: Option<VexView>,
    /// Drafts of exceptions: one for each pending upgrade that a declared constraint or the package manager stands against.
    #[serde(default)]
    pub exceptions: Vec<ExceptionView>,
    /// Declared constraints that would have stood against an upgrade and have lapsed.
    #[serde(default)]
    pub constraints_lapsed: Vec<String>,
}

/// The draft of an exception. It grants nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExceptionView {
    /// Id (`exc_…`); the same conflict of the same host has the same id.
    pub id: String,
    /// `declared`, `kept_back`, `held` or `removal`.
    pub obstacle: String,
    /// The obstacle in words.
    pub obstacle_label: String,
    /// Source package of the patch; the package itself for a removal.
    pub source: String,
    /// Binary package.
    pub package: String,
    /// Installed version; empty for a new package.
    pub from: String,
    /// Version after the upgrade; empty for a removal.
    pub to: String,
    /// Name of the declared constraint.
    pub rule: Option<String>,
    /// Who answers for the obstacle.
    pub owner: Option<String>,
    /// From the patch to the owner.
    pub chain: Vec<ChainLinkView>,
    /// Vulnerabilities with a fix that stay open meanwhile.
    pub stays_open: Vec<String>,
    /// Proposed last day, `YYYY-MM-DD`.
    pub expires: String,
    /// What has to be said before anybody can be asked.
    pub missing: Vec<String>,
    /// The exception that was asked for from this draft, the latest; only where decisions are kept.
    #[serde(default)]
    pub request: Option<DraftRequest>,
}

/// The exception that a draft became.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DraftRequest {
    /// Id (`exc_…`).
    pub id: String,
    /// `requested`, `approved`, `expired`, `revoked` or `refused`.
    pub state: String,
}

/// One link of the chain from a patch to whoever answers for what stands against it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChainLinkView {
    /// `patch`, `package`, `constraint`, `dependency`, `reason` or `owner`.
    pub kind: String,
    /// In words.
    pub text: String,
}

/// What VEX statements did to the findings of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VexView {
    /// Statements given.
    pub statements: u32,
    /// Findings before.
    pub found: u32,
    /// Findings that stay.
    pub left: u32,
    /// Findings that came back because a statement lapsed.
    pub came_back: u32,
    /// Statements that name no vulnerability found here.
    pub silent: u32,
    /// Findings set aside where evidence of the host took part; the others rest on documents alone.
    #[serde(default)]
    pub by_evidence: u32,
    /// The same by kind of evidence, the most first.
    #[serde(default)]
    pub by_kind: Vec<EvidenceCount>,
    /// Findings set aside.
    pub set_aside: Vec<SetAsideView>,
    /// Statements that name a vulnerability found here and did not set it aside.
    pub untouched: Vec<UntouchedView>,
}

/// A finding that a statement sets aside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SetAsideView {
    /// The finding, as it would stand.
    pub finding: FindingView,
    /// Whether evidence of the host took part, which lapses with its facts.
    #[serde(default)]
    pub by_evidence: bool,
    /// `not_affected` or `fixed`.
    pub status: String,
    /// One of the five words of OpenVEX, where the statement has one.
    pub justification: Option<String>,
    /// Why, one sentence for each deciding statement.
    pub because: Vec<String>,
    /// When the finding comes back, RFC 3339.
    pub until: Option<String>,
    /// Evidence of the host that took part, with its age.
    #[serde(default)]
    pub evidence: Vec<EvidenceView>,
    /// Kept documents of others that took part.
    #[serde(default)]
    pub kept: Vec<KeptStatement>,
    /// Whether a PCI DSS result changes by it: never without a person's attestation.
    pub changes_pci_result: bool,
}

/// A statement of a document that this installation keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct KeptStatement {
    /// Id of the document (`vdc_…`).
    pub document: String,
    /// Place of the statement in it, from 0.
    pub statement: u32,
}

/// How many findings one kind of evidence set aside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceCount {
    /// `not_mapped`, `network_isolated`, `service_off`, `module_blocked` or `feature_off`.
    pub kind: String,
    /// Findings.
    pub findings: u32,
}

/// What a host showed, and how old that is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceView {
    /// As in [`EvidenceCount`].
    pub kind: String,
    /// The kind in words (`service off`).
    pub label: String,
    /// The facts, one sentence each.
    pub facts: Vec<String>,
    /// When they were gathered, RFC 3339.
    pub gathered: String,
    /// Age when the report was made, in seconds.
    pub age_s: u64,
    /// When it stops counting, RFC 3339.
    pub until: Option<String>,
    /// The rule of the policy, and why it is safe.
    pub rule: String,
    /// Who approved the rule.
    pub approved_by: String,
}

/// A statement that came near a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UntouchedView {
    /// Vulnerability.
    pub vuln: String,
    /// Package of the finding.
    pub package: String,
    /// `lapsed`, `not_yet`, `other_product`, `near_miss`, `partly`, `confirms`, `overruled`, `not_final`.
    pub why: String,
    /// The reason in words.
    pub text: String,
    /// Where the statement comes from.
    pub source: String,
}

/// A resolved transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TransactionView {
    /// Steps in order.
    pub steps: Vec<StepView>,
    /// Kept back or held: `name installed → candidate: why`.
    pub kept_back: Vec<String>,
    /// Bytes to fetch.
    pub download_bytes: Option<u64>,
    /// The simulated command.
    pub simulated: String,
}

/// Reboot state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RebootView {
    /// `yes`, `no`, `unknown`.
    pub needed: String,
    /// Reasons in words.
    pub because: Vec<String>,
    /// Since when, RFC 3339.
    pub since: Option<String>,
    /// Whole days since then.
    #[serde(default)]
    pub days: Option<u32>,
}
