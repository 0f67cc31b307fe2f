//! Lists and pages of the console and the API: today, hosts, host, advisory.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::scan::{Counts, DataLabel, ReasonView, ScanReport};

/// A page of a list. `next` is the cursor of the following page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// Rows.
    pub items: Vec<T>,
    /// Rows in all that match the filter.
    pub total: u64,
    /// Opaque cursor of the next page.
    pub next: Option<String>,
}

/// One host in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostRow {
    /// Id (`hst_…`).
    pub id: String,
    /// Name.
    pub name: String,
    /// System in words.
    pub os: String,
    /// Ecosystem and release.
    pub ecosystem: Option<String>,
    /// `supported`, `lts`, `extended_only`, `ended`, `unknown`.
    pub support: String,
    /// Tier.
    pub tier: String,
    /// Environment.
    pub environment: String,
    /// Owner.
    pub owner: String,
    /// Exposure word.
    pub exposure: String,
    /// Who collected.
    pub collector: String,
    /// Last facts, RFC 3339.
    pub last_seen: String,
    /// Facts older than the policy's limit.
    pub stale: bool,
    /// Numbers.
    pub counts: Counts,
    /// Worst urgency, or nothing open.
    pub worst: Option<String>,
    /// `yes`, `no`, `unknown`.
    pub reboot: String,
    /// First of the reasons.
    pub reboot_because: Option<String>,
}

/// What a host list is filtered and ordered by; also the query string of the page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct HostQuery {
    /// Part of the name, a package (`package:openssl`) or a CVE.
    pub q: Option<String>,
    /// Ecosystem.
    pub os: Option<String>,
    /// Tier.
    pub tier: Option<String>,
    /// Environment.
    pub environment: Option<String>,
    /// Worst urgency at least this.
    pub urgency: Option<String>,
    /// `yes`: only hosts that need a reboot.
    pub reboot: Option<String>,
    /// `name`, `urgency`, `findings`, `last_seen`; a leading `-` turns it round.
    pub sort: Option<String>,
    /// Cursor.
    pub after: Option<String>,
    /// Rows a page, 1 to 500.
    pub limit: Option<u32>,
}

/// One row of "what to patch first" over the whole fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FleetPatch {
    /// 1 is first.
    pub rank: u32,
    /// Package.
    pub package: String,
    /// Ecosystem.
    pub ecosystem: String,
    /// Target version, where known.
    pub to: Option<String>,
    /// Worst urgency.
    pub urgency: String,
    /// Worst severity.
    pub severity: String,
    /// Vulnerabilities fixed.
    pub vulns: u32,
    /// Worst three, for the eye.
    pub examples: Vec<String>,
    /// Of which exploited.
    pub kev: u32,
    /// Hosts that need it.
    pub hosts: u32,
    /// Hosts past due.
    pub overdue: u32,
    /// Nobody has a fix that is free to take.
    #[serde(default)]
    pub unfixed: bool,
    /// Highest EPSS of the vulnerabilities fixed, in hundred-thousandths; absent where none is scored.
    pub epss_e5: Option<u32>,
    /// Earliest due date, RFC 3339.
    pub due: Option<String>,
    /// Risk removed over all hosts.
    pub risk_removed_u6: u64,
    /// Worst-placed host, for the link.
    pub first_host: Option<String>,
    /// Why it stands here.
    pub because: Vec<String>,
}

/// The Today page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Today {
    /// Version of this document.
    pub schema: u32,
    /// When it was computed, RFC 3339.
    pub at: String,
    /// The data.
    pub data: DataLabel,
    /// Hosts known.
    pub hosts: u32,
    /// Hosts whose facts are stale.
    pub hosts_stale: u32,
    /// Hosts whose system gets no free support any more.
    pub hosts_unsupported: u32,
    /// Hosts that need a reboot.
    pub hosts_reboot: u32,
    /// Hosts with services on replaced code.
    pub hosts_restart: u32,
    /// Numbers over all hosts.
    pub counts: Counts,
    /// Findings by tier and state against the due date.
    pub tiers: Vec<TierRow>,
    /// What to patch first.
    pub patches: Vec<FleetPatch>,
    /// Vulnerabilities known to be exploited that are open here.
    pub kev: Vec<AdvisoryRow>,
    /// Decisions about findings whose end is near, the nearest first.
    pub ending: Vec<crate::decisions::EndingRow>,
    /// Feeds that need a look.
    pub feeds: Vec<crate::intel::FeedRow>,
    /// Last things that happened, newest first.
    pub activity: Vec<ActivityRow>,
}

/// SLA state of one tier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TierRow {
    /// Tier.
    pub tier: String,
    /// Hosts.
    pub hosts: u32,
    /// Open findings in time.
    pub in_time: u32,
    /// Due within seven days.
    pub due_soon: u32,
    /// Past due.
    pub overdue: u32,
}

/// One thing that happened, from the audit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActivityRow {
    /// When, RFC 3339.
    pub at: String,
    /// Who, by name; by id when the account or token is gone.
    pub actor: String,
    /// Who, as the record has it: `usr_…`, `tok_…`, `local:NAME`, `system:PART`.
    #[serde(default)]
    pub actor_id: String,
    /// What, in words, with the present name of the host, account or token.
    pub text: String,
    /// What it was done to, as the record has it: an id, or the name of what has none.
    #[serde(default)]
    pub object_id: String,
    /// Sequence number in the audit.
    pub seq: u64,
}

/// One vulnerability in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdvisoryRow {
    /// CVE id or the publisher's.
    pub vuln: String,
    /// Packages concerned here.
    pub packages: Vec<String>,
    /// Worst urgency here.
    pub urgency: String,
    /// Severity rank.
    pub severity: String,
    /// CVSS × 10.
    pub cvss_e1: Option<u8>,
    /// EPSS × 100,000.
    pub epss_e5: Option<u32>,
    /// KEV day.
    pub kev: Option<String>,
    /// Ransomware use known.
    pub ransomware: bool,
    /// Exploit code known.
    pub exploit: bool,
    /// Hosts affected.
    pub hosts: u32,
    /// Hosts for which a fix exists.
    pub fixable: u32,
    /// Earliest due date.
    pub due: Option<String>,
    /// Findings past due.
    pub overdue: u32,
}

/// Filter of the advisory list; also the query string.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct AdvisoryQuery {
    /// CVE, package or word.
    pub q: Option<String>,
    /// Urgency at least.
    pub urgency: Option<String>,
    /// `yes`: only exploited.
    pub kev: Option<String>,
    /// `urgency`, `vuln`, `epss`, `cvss`, `hosts`, `due`; a leading `-` turns it round.
    pub sort: Option<String>,
    /// Cursor.
    pub after: Option<String>,
    /// Rows a page, 1 to 500.
    pub limit: Option<u32>,
}

/// What a provider says about a vulnerability in one package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatementRow {
    /// Ecosystem and release.
    pub ecosystem: String,
    /// Package.
    pub package: String,
    /// Status word.
    pub status: String,
    /// Fixed version.
    pub fixed: Option<String>,
    /// Advisory id.
    pub advisory: Option<String>,
    /// Provider.
    pub provider: String,
    /// Vendor words.
    pub vendor: Option<String>,
}

/// One host under an advisory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdvisoryHost {
    /// Host id.
    pub id: String,
    /// Host name.
    pub name: String,
    /// Package.
    pub package: String,
    /// Installed.
    pub installed: String,
    /// Fixed.
    pub fixed: Option<String>,
    /// State in words.
    pub state: String,
    /// Urgency here.
    pub urgency: String,
    /// Due, RFC 3339.
    pub due: Option<String>,
    /// Past due.
    pub overdue: bool,
    /// Why it is excepted, when an exception in force covers it.
    #[serde(default)]
    pub excepted: Option<String>,
}

/// The Advisory page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdvisoryDetail {
    /// Version of this document.
    pub schema: u32,
    /// The row.
    pub row: AdvisoryRow,
    /// The data.
    pub data: DataLabel,
    /// All vectors: source, vector, computed score × 10, published score × 10.
    pub cvss: Vec<CvssRow>,
    /// EPSS model version and date in words.
    pub epss_model: Option<String>,
    /// EPSS percentile × 100,000.
    pub epss_percentile_e5: Option<u32>,
    /// KEV product and due date in words.
    pub kev_detail: Option<String>,
    /// SSVC points of CISA in words.
    pub ssvc: Option<String>,
    /// Exploit evidence.
    pub exploits: Vec<String>,
    /// What providers say.
    pub statements: Vec<StatementRow>,
    /// Packages on hosts affected, the most urgent first; not all of them where there are very many.
    pub hosts: Vec<AdvisoryHost>,
    /// Packages on hosts affected in all.
    #[serde(default)]
    pub hosts_total: u64,
    /// Why the worst urgency here.
    pub because: Vec<ReasonView>,
    /// Known at all: false when no provider names it.
    pub known: bool,
    /// Upgrades that fix it here, and packages for which there is none.
    pub covered: Vec<CoverRow>,
    /// Hosts on which everything affected has a fix that is free to take: an upgrade, a restart or a reboot.
    pub covered_hosts: u32,
    /// Hosts of which the versions on offer in `covered` were looked at: all that are affected, or the most urgent ones.
    #[serde(default)]
    pub offers_of: u32,
    /// What its publishers took back, one sentence each.
    #[serde(default)]
    pub withdrawn: Vec<String>,
    /// That CISA's catalogue lists it no more, and since which snapshot.
    #[serde(default)]
    pub kev_removed: Option<String>,
    /// What changed about it here, oldest first, as far as the log and the kept snapshots tell.
    #[serde(default)]
    pub past: Vec<PastRow>,
}

/// One change in what is known of a vulnerability.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PastRow {
    /// When the snapshot came into force, RFC 3339.
    pub at: String,
    /// Its number in the log of snapshots.
    pub seq: u64,
    /// What changed.
    pub text: String,
}

/// One upgrade that fixes a vulnerability, with the hosts where the same has to happen next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CoverRow {
    /// Ecosystem and release.
    pub ecosystem: String,
    /// Source package (Debian) or package (rpm).
    pub package: String,
    /// `fix_available`, `restart_pending`, `reboot_pending`, `fix_with_subscription`, `no_fix`.
    pub state: String,
    /// The state in words.
    pub state_label: String,
    /// Hosts.
    pub hosts: u32,
    /// Versions that the hosts are offered, the most frequent first.
    pub offers: Vec<CoverOffer>,
}

/// A version that hosts are offered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CoverOffer {
    /// Version after the upgrade; absent where no fix is known.
    pub to: Option<String>,
    /// What stands in the way or has to happen, in words.
    pub state: String,
    /// Hosts.
    pub hosts: u32,
}

/// One vector with both scores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CvssRow {
    /// Who scored.
    pub source: String,
    /// Vector.
    pub vector: String,
    /// Computed base score × 10; absent when the vector does not parse.
    pub computed_e1: Option<u8>,
    /// Published score × 10.
    pub published_e1: Option<u8>,
    /// Used for decisions.
    pub used: bool,
}

/// The Host page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostDetail {
    /// Version of this document.
    pub schema: u32,
    /// The row.
    pub row: HostRow,
    /// The answer about it.
    pub report: ScanReport,
    /// Kernels: package, version, marks (`running`, `next boot`).
    pub kernels: Vec<KernelRow>,
    /// Processes on replaced code.
    pub stale: Vec<StaleRow>,
    /// Listening sockets.
    pub listeners: Vec<ListenerRow>,
    /// Enabled units.
    pub units: Vec<String>,
    /// Past changes, newest first.
    pub history: Vec<HistoryRow>,
    /// Packages.
    pub packages: Vec<PackageRow>,
    /// Asset profile, name and value, with who said it.
    pub profile: Vec<(String, String)>,
    /// ETag of the host record.
    pub generation: i64,
}

/// One kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KernelRow {
    /// Release.
    pub release: String,
    /// Package version.
    pub version: String,
    /// Running.
    pub running: bool,
    /// Next boot.
    pub next_boot: bool,
}

/// A process on replaced code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StaleRow {
    /// Process id.
    pub pid: u32,
    /// Executable.
    pub exe: String,
    /// Unit.
    pub unit: Option<String>,
    /// Only a reboot replaces it.
    pub reboot_only: bool,
    /// Files and their packages.
    pub files: Vec<String>,
}

/// A listening socket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ListenerRow {
    /// `tcp 0.0.0.0:22`.
    pub socket: String,
    /// Loopback only.
    pub loopback: bool,
    /// Executable.
    pub exe: Option<String>,
    /// Unit.
    pub unit: Option<String>,
    /// Package.
    pub package: Option<String>,
}

/// A past change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryRow {
    /// When, RFC 3339.
    pub at: String,
    /// Package.
    pub name: String,
    /// Before.
    pub from: Option<String>,
    /// After.
    pub to: Option<String>,
    /// Log; such dates are reconstructed.
    pub source: String,
}

/// One installed package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackageRow {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Architecture.
    pub arch: String,
    /// Source.
    pub source: String,
    /// Version on offer.
    pub candidate: Option<String>,
    /// Held by an administrator.
    pub held: bool,
    /// Open findings.
    pub findings: u32,
}

/// One hit of the Ctrl-K search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchHit {
    /// `host`, `advisory`, `package`, `page`.
    pub kind: String,
    /// What to show.
    pub title: String,
    /// Second line.
    pub detail: String,
    /// Where it leads, a path of the console.
    pub href: String,
}
