//! Questions over the whole fleet: what a query found, in groups, and how the fleet keeps its deadlines.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A question; also the query string of the endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct FindingsQuery {
    /// Query text; every finding when empty.
    pub q: Option<String>,
    /// `patch` (the default), `vuln`, `host` or `owner`.
    pub group: Option<String>,
    /// Cursor.
    pub after: Option<String>,
    /// Rows a page, 1 to 500.
    pub limit: Option<u32>,
    /// `urgency` (the default), `findings`, `hosts`, `vulns`, `kev` or `name`; a leading `-` turns the order round.
    pub sort: Option<String>,
    /// Day (`2026-09-30`, UTC): the fleet as it was at its end instead of now.
    pub as_of: Option<String>,
    /// With `as_of`: `then` (the default), what was known on that day, or `now`, what is known today.
    pub known: Option<String>,
}

/// Findings by urgency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UrgencyCounts {
    /// Emergency.
    pub emergency: u64,
    /// Critical.
    pub critical: u64,
    /// High.
    pub high: u64,
    /// Medium.
    pub medium: u64,
    /// Low.
    pub low: u64,
}

/// Findings of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindingGroup {
    /// Package, vulnerability, host name or owner; empty for hosts without an owner.
    pub name: String,
    /// Ecosystem and release, of a patch.
    pub ecosystem: Option<String>,
    /// Id of the host, of a host.
    pub host: Option<String>,
    /// Worst urgency: `emergency`, `critical`, `high`, `medium`, `low`.
    pub urgency: String,
    /// Findings: (host, package at a version, vulnerability).
    pub findings: u64,
    /// Findings by urgency.
    pub counts: UrgencyCounts,
    /// Hosts.
    pub hosts: u64,
    /// Distinct vulnerabilities.
    pub vulns: u64,
    /// Those of them in CISA's catalogue of exploited vulnerabilities.
    pub kev: u64,
    /// Distinct packages.
    pub packages: u64,
    /// Up to three vulnerabilities, exploited and urgent ones first.
    pub examples: Vec<String>,
    /// Up to three packages.
    pub example_packages: Vec<String>,
    /// Up to three hosts.
    pub example_hosts: Vec<String>,
}

/// What a query found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindingsAnswer {
    /// Version of this shape.
    pub schema: u32,
    /// The moment that it is about, RFC 3339.
    pub at: String,
    /// Day that was asked for, when it was not now.
    pub as_of: Option<String>,
    /// Snapshot of vulnerability data behind it.
    pub snapshot: String,
    /// Query as it was asked.
    pub q: String,
    /// `patch`, `vuln`, `host` or `owner`.
    pub group: String,
    /// Findings in all groups.
    pub findings: u64,
    /// Findings by urgency.
    pub counts: UrgencyCounts,
    /// Of the findings, those that an exception in force covers: open, not overdue.
    #[serde(default)]
    pub excepted: u64,
    /// Findings that match and are left out, because a VEX statement or evidence of their host sets them aside; ask for them with
    /// `is:set-aside`.
    #[serde(default)]
    pub set_aside: u64,
    /// Hosts in all groups.
    pub hosts: u64,
    /// Distinct vulnerabilities in all groups.
    pub vulns: u64,
    /// What this answer leaves out, in words.
    pub notes: Vec<String>,
    /// Groups, worst urgency first.
    pub items: Vec<FindingGroup>,
    /// Groups in all.
    pub total: u64,
    /// Cursor of the next page.
    pub next: Option<String>,
}

/// A question that a person keeps under a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ViewRow {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Query text.
    pub q: String,
    /// `patch`, `vuln`, `host` or `owner`.
    pub group: String,
    /// Order; the natural one when empty.
    pub sort: String,
    /// When it was kept, RFC 3339.
    pub created: String,
}

/// Deadlines of one tier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TierStats {
    /// Tier.
    pub tier: String,
    /// Open findings.
    pub open: u64,
    /// Past their deadline.
    pub overdue: u64,
    /// Due within a week.
    pub due_soon: u64,
    /// Covered by an exception in force; not among the others.
    #[serde(default)]
    pub excepted: u64,
    /// Set aside by a VEX statement or evidence of their host; not among the others.
    #[serde(default)]
    pub set_aside: u64,
}

/// How long findings of one urgency stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LatencyStats {
    /// Urgency.
    pub urgency: String,
    /// Episodes that ended.
    pub fixed: u64,
    /// Episodes that go on.
    pub open: u64,
    /// Days until half of the findings were fixed; nothing when fewer were so far.
    pub p50_days: Option<u16>,
    /// Days until nine in ten were.
    pub p90_days: Option<u16>,
}

/// How the fleet keeps its deadlines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindingsStats {
    /// Version of this shape.
    pub schema: u32,
    /// When, RFC 3339.
    pub at: String,
    /// Snapshot of vulnerability data behind it.
    pub snapshot: String,
    /// Hosts counted.
    pub hosts: u64,
    /// By tier, T1 first.
    pub tiers: Vec<TierStats>,
    /// By urgency, the most urgent first.
    pub latency: Vec<LatencyStats>,
    /// What this answer leaves out, in words.
    pub notes: Vec<String>,
}
