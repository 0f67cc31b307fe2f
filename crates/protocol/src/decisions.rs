//! Decisions about findings: exceptions, and what this organisation says is not affected.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::findings::UrgencyCounts;

/// Vulnerabilities of one package that a decision covers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CoveredRow {
    /// Package as advisories name it.
    pub package: String,
    /// Ecosystem and release.
    pub ecosystem: String,
    /// The installed version that is meant; every version when absent.
    pub version: Option<String>,
    /// Vulnerabilities, the first hundred.
    pub vulns: Vec<String>,
    /// All of them.
    pub vulns_total: u64,
    /// Hosts.
    pub hosts: u64,
    /// Findings: one for each vulnerability on each host.
    pub findings: u64,
}

/// A host that a decision covers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CoveredHost {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
}

/// What a decision about the findings of a query would cover, as of now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecisionPlan {
    /// Version of this shape.
    pub schema: u32,
    /// Query as it was asked.
    pub q: String,
    /// Findings: (host, package, vulnerability).
    pub findings: u64,
    /// Findings by urgency.
    pub counts: UrgencyCounts,
    /// Worst urgency; absent when there is no finding.
    pub worst: Option<String>,
    /// Hosts.
    pub hosts: u64,
    /// Distinct vulnerabilities.
    pub vulns: u64,
    /// Distinct packages.
    pub packages: u64,
    /// Findings among them that an exception covers already.
    pub excepted: u64,
    /// Last day that policy allows an exception of them, `YYYY-MM-DD`.
    pub latest: String,
    /// Names exactly these findings; give it back to decide about no others.
    pub digest: String,
    /// By package, the first hundred.
    pub rows: Vec<CoveredRow>,
}

/// Asks for an exception: of the findings of a query, or from a draft.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExceptionRequest {
    /// Query over findings. Every finding that it names now is covered, none that joins later.
    pub q: Option<String>,
    /// Id of a draft in the report of a host (`exc_…`), in place of a query.
    pub draft: Option<String>,
    /// Why the findings have to stay.
    pub reason: String,
    /// What keeps the risk down meanwhile.
    pub measure: Option<String>,
    /// Last day on which it holds, `YYYY-MM-DD`; that of the draft when absent.
    pub until: Option<String>,
    /// `digest` of the plan that was looked at; what is there now when absent.
    pub digest: Option<String>,
}

/// Decides about an exception.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptionDecision {
    /// `approve`, `refuse` or `revoke`.
    pub decision: String,
    /// Why.
    pub reason: String,
}

/// Asks to let an exception go on. The same findings are decided about again; the exception stays in force until its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RenewRequest {
    /// Last day of the renewal, `YYYY-MM-DD`.
    pub until: String,
    /// Why the findings have to stay still.
    pub reason: String,
    /// What keeps the risk down meanwhile; as before when absent.
    pub measure: Option<String>,
}

/// A decision whose end is near.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndingRow {
    /// `exception`, `statement` or `document`.
    pub kind: String,
    /// Id of it.
    pub id: String,
    /// What it is about, in one line.
    pub title: String,
    /// Last day, `YYYY-MM-DD`.
    pub last_day: String,
    /// Whole days until then, 0 on that day.
    pub days_left: i64,
    /// Findings that it covers, or sets aside.
    pub findings: u64,
    /// A renewal of it that waits for a decision.
    pub renewal: Option<String>,
}

/// An exception in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExceptionRow {
    /// Id (`exc_…`).
    pub id: String,
    /// `requested`, `approved`, `expired`, `revoked` or `refused`, as of now.
    pub state: String,
    /// The state in words.
    pub state_label: String,
    /// What it is about, in one line.
    pub title: String,
    /// Query or draft that it was made from.
    pub question: String,
    /// Id of the draft, when it was made from one.
    pub draft: Option<String>,
    /// Why the findings have to stay.
    pub reason: String,
    /// What keeps the risk down meanwhile.
    pub measure: Option<String>,
    /// Last day, `YYYY-MM-DD`.
    pub until: String,
    /// When it ends by itself, RFC 3339.
    pub ends: String,
    /// Whole days until its last day while it waits or holds, 0 on that day.
    pub days_left: Option<i64>,
    /// It holds, its end is near by the policy (`notice_days`), and no approved renewal follows.
    pub ends_soon: bool,
    /// The exception that it lets go on.
    pub renews: Option<String>,
    /// The latest renewal of it that waits or holds.
    pub renewed_by: Option<String>,
    /// Worst urgency when it was asked for.
    pub worst: String,
    /// Findings covered, on the hosts that the caller may see; so are the numbers below and the title.
    pub findings: u64,
    /// Hosts covered.
    pub hosts: u64,
    /// Distinct vulnerabilities covered.
    pub vulns: u64,
    /// It covers more hosts, which are gone or in environments that the caller may not see.
    pub partly: bool,
    /// Who asked.
    pub requested_by: String,
    /// When, RFC 3339.
    pub requested_at: String,
    /// Who decided last.
    pub decided_by: Option<String>,
    /// When, RFC 3339.
    pub decided_at: Option<String>,
    /// Why, in the words of whoever decided.
    pub decided_because: Option<String>,
    /// Who approved it, also when it ended since.
    pub approved_by: Option<String>,
    /// The one who asked approved it: the installation has one account.
    pub alone: bool,
    /// Grows with every change; `"gN"` is enough as `If-Match` of a decision.
    pub generation: i64,
}

/// An exception with what it covers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExceptionDetail {
    /// Version of this shape.
    pub schema: u32,
    /// The exception.
    pub row: ExceptionRow,
    /// Worst urgency of what it covers, as of now; absent when none of it is open.
    pub worst_now: Option<String>,
    /// Last day that policy would allow now, `YYYY-MM-DD`.
    pub latest: String,
    /// By package, the first five hundred.
    pub covers: Vec<CoveredRow>,
    /// Hosts that the caller may see, the first five hundred by name.
    pub on: Vec<CoveredHost>,
    /// Hosts that are gone; not told to whom does not see all of it.
    pub gone: u64,
}

/// Says of the findings of a query that they are not affected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NotAffectedRequest {
    /// Query over findings. Every finding that it names now is covered, at the version that is installed now.
    pub q: String,
    /// `component_not_present`, `vulnerable_code_not_present`, `vulnerable_code_not_in_execute_path`,
    /// `vulnerable_code_cannot_be_controlled_by_adversary` or `inline_mitigations_already_exist`.
    pub justification: String,
    /// Why, in words.
    pub reason: String,
    /// Last day on which it holds, `YYYY-MM-DD`: then somebody has to look again.
    pub review_by: String,
    /// `digest` of the plan that was looked at; what is there now when absent.
    pub digest: Option<String>,
}

/// Takes a statement back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawRequest {
    /// Why.
    pub reason: String,
}

/// A decision that findings are not affected, in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotAffectedRow {
    /// Id (`vex_…`).
    pub id: String,
    /// `stated`, `lapsed` or `withdrawn`, as of now.
    pub state: String,
    /// What it is about, in one line.
    pub title: String,
    /// Query that it was made from.
    pub question: String,
    /// Why, as VEX has it.
    pub justification: String,
    /// Why, in words.
    pub reason: String,
    /// Last day, `YYYY-MM-DD`.
    pub review_by: String,
    /// Whole days until then while it holds, 0 on that day.
    pub days_left: Option<i64>,
    /// It holds, and its review is near by the policy (`notice_days`).
    pub ends_soon: bool,
    /// Findings covered, on the hosts that the caller may see; so are the numbers below and the title.
    pub findings: u64,
    /// Hosts covered.
    pub hosts: u64,
    /// Distinct vulnerabilities covered.
    pub vulns: u64,
    /// It covers more hosts, which are gone or in environments that the caller may not see.
    pub partly: bool,
    /// Who says so.
    pub stated_by: String,
    /// When, RFC 3339.
    pub stated_at: String,
    /// Who took it back.
    pub withdrawn_by: Option<String>,
    /// Why it was taken back.
    pub withdrawn_because: Option<String>,
    /// Grows with every change; `"gN"` is enough as `If-Match` of a withdrawal.
    pub generation: i64,
}

/// A decision that findings are not affected, with what it covers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotAffectedDetail {
    /// Version of this shape.
    pub schema: u32,
    /// The decision.
    pub row: NotAffectedRow,
    /// By package and version, the first five hundred.
    pub covers: Vec<CoveredRow>,
    /// Hosts that the caller may see, the first five hundred by name.
    pub on: Vec<CoveredHost>,
    /// Hosts that are gone; not told to whom does not see all of it.
    pub gone: u64,
}

/// A VEX document of somebody else that this installation keeps, in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VexDocumentRow {
    /// Id here (`vdc_…`).
    pub id: String,
    /// `kept`, `lapsed`, `superseded` or `withdrawn`, as of now.
    pub state: String,
    /// Who answers for it, as the document says; nobody proved it.
    pub author: String,
    /// Id that the document gives itself; absent without one.
    pub document: Option<String>,
    /// Version that the document gives itself; empty without one.
    pub version: String,
    /// When the document says that it was issued, RFC 3339.
    pub issued: Option<String>,
    /// `OpenVEX`, `CSAF` or `CycloneDX`.
    pub format: String,
    /// Name under which it came, of a file for example.
    pub name: String,
    /// SHA-256 of the document in hex.
    pub digest: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Statements that were read.
    pub statements: u64,
    /// Statements that could not be read.
    pub lost: u64,
    /// Statements that set a finding aside now.
    pub applied: u64,
    /// Statements that say affected, or that nobody knows yet: they set nothing aside.
    pub open: u64,
    /// Statements about vulnerabilities that are found here, which set nothing aside: of another product or version, overruled, or of a document that is not final.
    pub idle: u64,
    /// Statements that match nothing: no host has a finding of their vulnerability.
    pub unmatched: u64,
    /// Findings that it sets aside now, on the hosts of the caller.
    pub set_aside: u64,
    /// Hosts with such findings.
    pub hosts: u64,
    /// Last day on which it holds, `YYYY-MM-DD`.
    pub review_by: String,
    /// Whole days until then while it counts, 0 on that day.
    pub days_left: Option<i64>,
    /// It counts, and its review is near by the policy (`notice_days`).
    pub ends_soon: bool,
    /// Why it was taken in.
    pub reason: String,
    /// Who took it in.
    pub imported_by: String,
    /// When, RFC 3339.
    pub imported_at: String,
    /// The newer version that took its place.
    pub superseded_by: Option<String>,
    /// Who took it back.
    pub withdrawn_by: Option<String>,
    /// Why it was taken back.
    pub withdrawn_because: Option<String>,
    /// Grows with every change; `"gN"` is enough as `If-Match` of a withdrawal.
    pub generation: i64,
}

/// One statement of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VexDocumentStatement {
    /// Place in the document, for people.
    pub place: String,
    /// Vulnerability.
    pub vuln: String,
    /// `not_affected`, `fixed`, `under_investigation` or `affected`.
    pub status: String,
    /// One of the five words of OpenVEX, where the statement has one.
    pub justification: Option<String>,
    /// Products, the first ten.
    pub products: Vec<String>,
    /// All of them.
    pub products_total: u64,
    /// `applied`, `open`, `idle` or `unmatched`; empty for a document that does not count any more.
    pub effect: String,
}

/// A document with what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VexDocumentDetail {
    /// Version of this shape.
    pub schema: u32,
    /// The document.
    pub row: VexDocumentRow,
    /// Its statements, the first five hundred.
    pub statements: Vec<VexDocumentStatement>,
    /// What could not be read when it was taken in; only in the answer to that.
    pub problems: Vec<String>,
    /// Earlier versions whose place it took; only in the answer to taking it in.
    pub supersedes: Vec<String>,
}
