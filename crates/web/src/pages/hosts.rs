//! Hosts: which hosts are at risk?

use askama::Template;
use patchwright_protocol::fleet::{HostQuery, HostRow, Page};

use super::order::{SortChoice, sort_choices};
use super::{Choice, tier_choices, urgency_choices};
use crate::view::frame::Frame;
use crate::view::link::Link;
use crate::view::{Html, link, parts, text};

/// Sort keys of the list and what each puts first.
const SORTS: [(&str, &str); 4] = [
    ("urgency", "most urgent first"),
    ("findings", "most findings first"),
    ("name", "by name"),
    ("last_seen", "longest silent first"),
];

/// The list of hosts.
#[derive(Template)]
#[template(path = "hosts.html")]
pub struct HostsPage {
    frame: Frame,
    page: Page<HostRow>,
    query: HostQuery,
    base: Link,
    csv: String,
    first: String,
    next: Option<String>,
}

impl HostsPage {
    /// Prepares the page of `query`.
    #[must_use]
    pub fn new(frame: Frame, page: Page<HostRow>, query: HostQuery) -> Self {
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
        [&q.q, &q.os, &q.tier, &q.environment, &q.urgency, &q.reboot]
            .iter()
            .any(|v| v.as_deref().is_some_and(|v| !v.is_empty()))
    }

    fn tiers(&self) -> Vec<Choice> {
        tier_choices(self.query.tier.as_deref())
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
pub fn address(query: &HostQuery) -> Link {
    Link::to("/hosts")
        .with_opt("q", query.q.as_deref())
        .with_opt("os", query.os.as_deref())
        .with_opt("tier", query.tier.as_deref())
        .with_opt("environment", query.environment.as_deref())
        .with_opt("urgency", query.urgency.as_deref())
        .with_opt("reboot", query.reboot.as_deref())
        .with_opt("sort", query.sort.as_deref())
        .with_opt("after", query.after.as_deref())
        .with("limit", &query.limit.map(|n| n.to_string()).unwrap_or_default())
}
