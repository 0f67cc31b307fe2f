//! Advisories: which vulnerabilities touch us, and where does one of them?

use askama::Template;
use patchwright_domain::exposure::fleet::query;
use patchwright_protocol::fleet::{AdvisoryDetail, AdvisoryHost, AdvisoryQuery, AdvisoryRow, CoverRow, Page};
use patchwright_protocol::scan::ReasonView;

use super::host_orders::AFFECTED;
use super::order::{Order, SortChoice, sort_choices};
use super::{Choice, Slice, data_strip, reasons, urgency_choices};
use crate::view::frame::Frame;
use crate::view::link::Link;
use crate::view::{Html, link, parts, text};

/// Sort keys of the list and what each puts first.
const SORTS: [(&str, &str); 6] = [
    ("urgency", "most urgent first"),
    ("epss", "likeliest first (EPSS)"),
    ("cvss", "highest CVSS first"),
    ("hosts", "most hosts first"),
    ("due", "due first"),
    ("vuln", "by id"),
];

/// Packages of "covered by" in sight, and how many more of them are not worth a fold.
const COVERED_SHOWN: usize = 10;
const COVERED_SPARE: usize = 4;

/// The list of vulnerabilities.
#[derive(Template)]
#[template(path = "advisories.html")]
pub struct AdvisoriesPage {
    frame: Frame,
    page: Page<AdvisoryRow>,
    query: AdvisoryQuery,
    base: Link,
    csv: String,
    first: String,
    next: Option<String>,
}

impl AdvisoriesPage {
    /// Prepares the page of `query`.
    #[must_use]
    pub fn new(frame: Frame, page: Page<AdvisoryRow>, query: AdvisoryQuery) -> Self {
        let base = address(&query);
        Self {
            csv: base.clone().with("format", "csv").href(),
            first: base.clone().without("after").href(),
            next: page.next.as_deref().map(|cursor| base.clone().with("after", cursor).href()),
            frame,
            page,
            query,
            base,
        }
    }

    fn filtered(&self) -> bool {
        let q = &self.query;
        [&q.q, &q.urgency, &q.kev].iter().any(|v| v.as_deref().is_some_and(|v| !v.is_empty()))
    }

    fn partial(&self) -> bool {
        text::Num::num(&self.page.items.len()) < self.page.total
    }

    fn urgencies(&self) -> Vec<Choice> {
        urgency_choices(self.query.urgency.as_deref())
    }

    /// Orders for narrow screens, where the headings are not seen.
    fn sorts(&self) -> Vec<SortChoice> {
        sort_choices(SORTS.iter().copied(), self.query.sort.as_deref().unwrap_or("urgency"))
    }

    fn th(&self, label: &str, key: &str, descending: bool, class: &str) -> Html {
        parts::heading(label, key, descending, self.query.sort.as_deref().unwrap_or("urgency"), &self.base, class)
    }
}

/// Address of the list that `query` describes.
#[must_use]
pub fn address(query: &AdvisoryQuery) -> Link {
    Link::to("/advisories")
        .with_opt("q", query.q.as_deref())
        .with_opt("urgency", query.urgency.as_deref())
        .with_opt("kev", query.kev.as_deref())
        .with_opt("sort", query.sort.as_deref())
        .with_opt("after", query.after.as_deref())
        .with("limit", &query.limit.map(|n| n.to_string()).unwrap_or_default())
}

/// Hosts of a vulnerability in an order.
#[must_use]
pub fn affected<'a>(a: &'a AdvisoryDetail, sort: &str) -> Vec<&'a AdvisoryHost> {
    Order::read(&AFFECTED, sort, &Link::default()).apply(a.hosts.iter().collect())
}

/// One vulnerability.
#[derive(Template)]
#[template(path = "advisory.html")]
pub struct AdvisoryPage<'a> {
    frame: Frame,
    a: &'a AdvisoryDetail,
    slice: Slice<'a, AdvisoryHost>,
    order: Order<AdvisoryHost>,
    action: String,
    data: Html,
    csv: String,
}

impl<'a> AdvisoryPage<'a> {
    /// Prepares the page; `sort` orders the list of hosts, `page` is its page, 1 first.
    ///
    /// # Errors
    /// When a part cannot be written.
    pub fn new(frame: Frame, a: &'a AdvisoryDetail, sort: &str, page: usize) -> askama::Result<Self> {
        let here = Link::to(&link::advisory(&a.row.vuln)).with("sort", sort);
        Ok(Self {
            data: data_strip(&a.data, frame.now)?,
            slice: Slice::cut(affected(a, sort), page, &here),
            order: Order::read(&AFFECTED, sort, &here),
            action: link::advisory(&a.row.vuln),
            csv: here.with("format", "csv").href(),
            frame,
            a,
        })
    }

    /// The rows of "covered by" that are in sight, and those behind a fold: an advisory of glibc names hundreds of language packs.
    fn covered(&self) -> (&'a [CoverRow], &'a [CoverRow]) {
        let all = &self.a.covered;
        all.split_at(if all.len() > COVERED_SHOWN + COVERED_SPARE { COVERED_SHOWN } else { all.len() })
    }

    /// Findings of a row of "covered by": of this vulnerability by host, or all that the same upgrade fixes.
    fn cover_href(&self, c: &CoverRow, group: &str) -> String {
        let state = match c.state.as_str() {
            "fix_available" => "fix",
            "restart_pending" => "restart",
            "reboot_pending" => "reboot",
            "fix_with_subscription" => "subscription",
            _ => "none",
        };
        let mut q = format!(
            "{} and {} and state:{state}",
            query::term("source", &c.package),
            query::term("ecosystem", &c.ecosystem)
        );
        if group == "host" {
            q = query::narrowed(&query::term("cve", &self.a.row.vuln), &q);
        }
        link::findings(&q, group).href()
    }

    fn reasons(&self, list: &[ReasonView]) -> askama::Result<Html> {
        reasons(list)
    }
}
