//! The tabs of a host's page: each renders to a piece of markup that [`super::host::HostPage`] frames.

use askama::Template;
use patchwright_domain::access::Role;
use patchwright_domain::decision::profile::{AssetProfile, DataClass, Exposure, Tier};
use patchwright_domain::time::Timestamp;
use patchwright_protocol::fleet::{HistoryRow, HostDetail, PackageRow};
use patchwright_protocol::scan::{ExceptionView, FindingView, PatchView, ReasonView, ScanReport};

use super::exceptions::{self, Kind};
use super::host_orders::{FINDINGS, HISTORY, PACKAGES, PATCHES};
use super::order::Order;
use super::{Choice, Slice, choices, reasons, urgency_at_least, urgency_choices};
use crate::view::frame::User;
use crate::view::link::Link;
use crate::view::{Html, link, parts, text};

/// States of a finding, for the filter.
const STATE_CHOICES: [(&str, &str); 6] = [
    ("", "any"),
    ("fix_available", "fix available"),
    ("restart_pending", "installed, restart pending"),
    ("reboot_pending", "installed, reboot pending"),
    ("no_fix", "no fix yet"),
    ("fix_with_subscription", "fix available with a subscription"),
];

/// What a tab is asked for; also its query string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TabQuery {
    /// Part of a vulnerability's id, a package or a source.
    pub q: String,
    /// Urgency at least.
    pub urgency: String,
    /// State of a finding.
    pub state: String,
    /// `pending`: only packages with a newer version on offer.
    pub only: String,
    /// Order of the table; a leading `-` turns it round.
    pub sort: String,
    /// Page of the list, 1 first.
    pub page: usize,
}

fn contains(text: &str, part: &str) -> bool {
    part.is_empty() || text.to_ascii_lowercase().contains(&part.to_ascii_lowercase())
}

/// Patches of a host in the order of a query.
#[must_use]
pub fn patches<'a>(host: &'a HostDetail, query: &TabQuery) -> Vec<&'a PatchView> {
    Order::read(&PATCHES, &query.sort, &Link::default()).apply(host.report.patches.iter().collect())
}

/// Past changes of a host in the order of a query.
#[must_use]
pub fn changes<'a>(host: &'a HostDetail, query: &TabQuery) -> Vec<&'a HistoryRow> {
    Order::read(&HISTORY, &query.sort, &Link::default()).apply(host.history.iter().collect())
}

/// Findings of a host that a query keeps, in its order.
#[must_use]
pub fn findings<'a>(host: &'a HostDetail, query: &TabQuery) -> Vec<&'a FindingView> {
    let kept = host
        .report
        .findings
        .iter()
        .filter(|f| {
            contains(&f.vuln, &query.q)
                || contains(&f.package, &query.q)
                || f.binaries.iter().any(|b| contains(&b.name, &query.q))
        })
        .filter(|f| urgency_at_least(&f.urgency, &query.urgency))
        .filter(|f| query.state.is_empty() || f.state == query.state)
        .collect();
    Order::read(&FINDINGS, &query.sort, &Link::default()).apply(kept)
}

/// Packages of a host that a query keeps, in its order.
#[must_use]
pub fn packages<'a>(host: &'a HostDetail, query: &TabQuery) -> Vec<&'a PackageRow> {
    let kept = host
        .packages
        .iter()
        .filter(|p| contains(&p.name, &query.q) || contains(&p.source, &query.q))
        .filter(|p| query.only != "pending" || p.candidate.is_some())
        .collect();
    Order::read(&PACKAGES, &query.sort, &Link::default()).apply(kept)
}

fn here(host: &HostDetail, tab: &str, query: &TabQuery) -> Link {
    Link::to(&link::host(&host.row.id))
        .with("tab", tab)
        .with("q", &query.q)
        .with("urgency", &query.urgency)
        .with("state", &query.state)
        .with("only", &query.only)
        .with("sort", &query.sort)
}

fn findings_of(host: &str, package: &str) -> String {
    Link::to(&link::host(host)).with("tab", "findings").with("q", package).href()
}

#[derive(Template)]
#[template(path = "host_available.html")]
struct Available<'a> {
    host: &'a HostDetail,
    csrf: &'a str,
    /// The reader may ask for an exception.
    asks: bool,
    r: &'a ScanReport,
    slice: Slice<'a, PatchView>,
    order: Order<PatchView>,
    largest: u64,
    action: String,
    csv: String,
    now: Timestamp,
}

impl Available<'_> {
    fn findings_of(&self, package: &str) -> String {
        findings_of(&self.host.row.id, package)
    }

    /// Whether the reader may make an exception of a draft: nothing is open without a finding, and one request is enough.
    fn asks(&self, draft: &ExceptionView) -> bool {
        let over = draft.request.as_ref().is_none_or(|r| !matches!(r.state.as_str(), "requested" | "approved"));
        self.asks && over && !draft.stays_open.is_empty()
    }

    fn first_three<'v>(&self, vulns: &'v [String]) -> &'v [String] {
        vulns.get(..3).unwrap_or(vulns)
    }
}

/// Patches in order and what the package manager would run.
///
/// # Errors
/// When the template cannot be written.
pub fn available(host: &HostDetail, query: &TabQuery, user: &User, now: Timestamp) -> askama::Result<Html> {
    let r = &host.report;
    let here = here(host, "available", query);
    Available {
        host,
        csrf: &user.csrf,
        asks: exceptions::offers(Role::parse(&user.role), Kind::Defer),
        r,
        slice: Slice::cut(patches(host, query), query.page, &here),
        order: Order::read(&PATCHES, &query.sort, &here),
        action: link::host(&host.row.id),
        largest: r.patches.iter().map(|p| p.risk_removed_u6).max().unwrap_or_default(),
        csv: here.with("format", "csv").href(),
        now,
    }
    .render()
    .map(Html)
}

#[derive(Template)]
#[template(path = "host_findings.html")]
struct Findings<'a> {
    r: &'a ScanReport,
    slice: Slice<'a, FindingView>,
    order: Order<FindingView>,
    shown: usize,
    filtered: bool,
    q: &'a str,
    urgencies: Vec<Choice>,
    states: Vec<Choice>,
    action: String,
    csv: String,
    now: Timestamp,
}

impl Findings<'_> {
    fn reasons(&self, list: &[ReasonView]) -> askama::Result<Html> {
        reasons(list)
    }
}

/// Every finding with its evidence, reasons and due dates.
///
/// # Errors
/// When the template cannot be written.
pub fn findings_tab(host: &HostDetail, query: &TabQuery, now: Timestamp) -> askama::Result<Html> {
    let kept = findings(host, query);
    let here = here(host, "findings", query);
    Findings {
        r: &host.report,
        shown: kept.len(),
        slice: Slice::cut(kept, query.page, &here),
        order: Order::read(&FINDINGS, &query.sort, &here),
        filtered: !(query.q.is_empty() && query.urgency.is_empty() && query.state.is_empty()),
        q: &query.q,
        urgencies: urgency_choices(Some(&query.urgency)),
        states: choices(&STATE_CHOICES, &query.state),
        action: link::host(&host.row.id),
        csv: here.with("format", "csv").href(),
        now,
    }
    .render()
    .map(Html)
}

#[derive(Template)]
#[template(path = "host_state.html")]
struct State<'a> {
    host: &'a HostDetail,
    now: Timestamp,
}

/// Kernels, reboot, processes on replaced code, sockets and blind spots.
///
/// # Errors
/// When the template cannot be written.
pub fn state(host: &HostDetail, now: Timestamp) -> askama::Result<Html> {
    State { host, now }.render().map(Html)
}

#[derive(Template)]
#[template(path = "host_packages.html")]
struct Packages<'a> {
    host: &'a HostDetail,
    slice: Slice<'a, PackageRow>,
    order: Order<PackageRow>,
    shown: usize,
    all: usize,
    filtered: bool,
    q: &'a str,
    only: &'a str,
    action: String,
    csv: String,
}

impl Packages<'_> {
    fn findings_of(&self, package: &str) -> String {
        findings_of(&self.host.row.id, package)
    }
}

/// Installed packages.
///
/// # Errors
/// When the template cannot be written.
pub fn packages_tab(host: &HostDetail, query: &TabQuery) -> askama::Result<Html> {
    let kept = packages(host, query);
    let here = here(host, "packages", query);
    Packages {
        host,
        shown: kept.len(),
        slice: Slice::cut(kept, query.page, &here),
        order: Order::read(&PACKAGES, &query.sort, &here),
        all: host.packages.len(),
        filtered: !(query.q.is_empty() && query.only.is_empty()),
        q: &query.q,
        only: &query.only,
        action: link::host(&host.row.id),
        csv: here.with("format", "csv").href(),
    }
    .render()
    .map(Html)
}

#[derive(Template)]
#[template(path = "host_history.html")]
struct History<'a> {
    slice: Slice<'a, HistoryRow>,
    order: Order<HistoryRow>,
    action: String,
    csv: String,
    now: Timestamp,
}

/// Past changes, reconstructed from logs.
///
/// # Errors
/// When the template cannot be written.
pub fn history(host: &HostDetail, query: &TabQuery, now: Timestamp) -> askama::Result<Html> {
    let here = here(host, "history", query);
    History {
        slice: Slice::cut(changes(host, query), query.page, &here),
        order: Order::read(&HISTORY, &query.sort, &here),
        action: link::host(&host.row.id),
        csv: here.with("format", "csv").href(),
        now,
    }
    .render()
    .map(Html)
}

#[derive(Template)]
#[template(path = "host_policy.html")]
struct Policy<'a> {
    host: &'a HostDetail,
    csrf: &'a str,
    profile: AssetProfile,
    tiers: Vec<Choice>,
    exposures: Vec<Choice>,
    classes: Vec<Choice>,
    action: String,
}

/// What the host is to us: the asset profile as a form, and forgetting the host.
///
/// # Errors
/// When the template cannot be written.
pub fn policy(host: &HostDetail, csrf: &str) -> askama::Result<Html> {
    let profile = profile_of(host);
    let tier = match profile.tier {
        Tier::T1 => "T1",
        Tier::T2 => "T2",
        Tier::T3 => "T3",
        Tier::T4 => "T4",
    };
    let exposure = match profile.exposure {
        Exposure::Internet => "internet",
        Exposure::Internal => "internal",
        Exposure::Isolated => "isolated",
        Exposure::Unknown => "unknown",
    };
    let class = match profile.data_class {
        DataClass::Restricted => "restricted",
        DataClass::Confidential => "confidential",
        DataClass::Public => "public",
        DataClass::Unknown => "unknown",
    };
    Policy {
        host,
        csrf,
        tiers: choices(
            &[
                ("T1", "T1, mission-critical"),
                ("T2", "T2, important"),
                ("T3", "T3, standard"),
                ("T4", "T4, laboratory or isolated"),
            ],
            tier,
        ),
        exposures: choices(
            &[
                ("unknown", "unknown, judged as internet"),
                ("internet", "reachable from the internet"),
                ("internal", "from inside only"),
                ("isolated", "isolated"),
            ],
            exposure,
        ),
        classes: choices(
            &[
                ("unknown", "unknown"),
                ("restricted", "restricted: cardholder data, ePHI, secrets"),
                ("confidential", "confidential"),
                ("public", "public"),
            ],
            class,
        ),
        profile,
        action: link::host(&host.row.id),
    }
    .render()
    .map(Html)
}

/// The asset profile that a page shows, read back from its name and value pairs; what is not told is unknown.
#[must_use]
pub fn profile_of(host: &HostDetail) -> AssetProfile {
    let said =
        |name: &str| host.profile.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str()).unwrap_or_default();
    let known = |text: &str| if is_unsaid(text) { String::new() } else { text.to_owned() };
    let list = |text: &str| split_list(if is_unsaid(text) { "" } else { text });
    AssetProfile {
        environment: known(&host.row.environment),
        tier: parse_tier(&host.row.tier),
        data_class: parse_class(said("data class")),
        exposure: parse_exposure(&host.row.exposure),
        zone: known(said("zone")),
        owner: known(&host.row.owner),
        services: list(said("services")),
        tags: list(said("tags")),
    }
}

/// The words that pages show where nobody has said anything.
fn is_unsaid(text: &str) -> bool {
    matches!(text, "" | "unknown" | "not said")
}

/// A comma-separated list, trimmed, sorted, without repetition.
#[must_use]
pub fn split_list(text: &str) -> Vec<String> {
    let mut list: Vec<String> =
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    list.sort();
    list.dedup();
    list
}

/// Reads a tier; anything else is the standard tier.
#[must_use]
pub fn parse_tier(text: &str) -> Tier {
    match text {
        "T1" => Tier::T1,
        "T2" => Tier::T2,
        "T4" => Tier::T4,
        _ => Tier::T3,
    }
}

/// Reads an exposure; anything else is unknown.
#[must_use]
pub fn parse_exposure(text: &str) -> Exposure {
    match text {
        "internet" => Exposure::Internet,
        "internal" => Exposure::Internal,
        "isolated" => Exposure::Isolated,
        _ => Exposure::Unknown,
    }
}

/// Reads a data class; anything else is unknown.
#[must_use]
pub fn parse_class(text: &str) -> DataClass {
    match text {
        "restricted" => DataClass::Restricted,
        "confidential" => DataClass::Confidential,
        "public" => DataClass::Public,
        _ => DataClass::Unknown,
    }
}
