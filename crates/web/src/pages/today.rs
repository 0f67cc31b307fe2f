//! Today: what needs patching first?

use askama::Template;
use patchwright_protocol::fleet::{FleetPatch, Today};
use patchwright_protocol::intel::FeedRow;

use super::data_strip;
use crate::view::frame::Frame;
use crate::view::{Html, link, parts, text};

/// Rows of the ranked table before the reader asks for all of them.
const FIRST_ROWS: usize = 12;

/// Rows that have to give the same reason before it is said once for all.
const SHARED_MIN: usize = 3;

/// The Today page.
#[derive(Template)]
#[template(path = "today.html")]
pub struct TodayPage {
    frame: Frame,
    today: Today,
    data: Html,
    largest: u64,
    tier_largest: u32,
    all: bool,
}

impl TodayPage {
    /// Prepares the page; `all` shows every patch instead of the first rows.
    ///
    /// # Errors
    /// When a part cannot be written.
    pub fn new(frame: Frame, today: Today, all: bool) -> askama::Result<Self> {
        Ok(Self {
            data: data_strip(&today.data, frame.now)?,
            largest: today.patches.iter().map(|p| p.risk_removed_u6).max().unwrap_or_default(),
            tier_largest: today
                .tiers
                .iter()
                .map(|t| t.overdue.saturating_add(t.due_soon).saturating_add(t.in_time))
                .max()
                .unwrap_or_default(),
            frame,
            today,
            all,
        })
    }

    fn shown(&self) -> &[FleetPatch] {
        let rows = if self.all { self.today.patches.len() } else { FIRST_ROWS.min(self.today.patches.len()) };
        self.today.patches.get(..rows).unwrap_or_default()
    }

    /// Feeds that need a look, those in the same state together: a machine without a network has one trouble, not nine.
    fn feed_groups(&self) -> Vec<Vec<&FeedRow>> {
        let mut groups: Vec<Vec<&FeedRow>> = Vec::new();
        for feed in &self.today.feeds {
            match groups.iter_mut().find(|g| g.first().is_some_and(|f| f.state == feed.state)) {
                Some(group) => group.push(feed),
                None => groups.push(vec![feed]),
            }
        }
        groups
    }

    /// Reasons that most of the rows share: said once above them. What everybody has explains nobody's place.
    fn shared(&self) -> Vec<&str> {
        let rows = self.shown();
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for reason in rows.iter().flat_map(|p| &p.because) {
            match counts.iter_mut().find(|(known, _)| known == reason) {
                Some((_, count)) => *count += 1,
                None => counts.push((reason, 1)),
            }
        }
        let most = |count: usize| count >= SHARED_MIN && count * 2 > rows.len();
        counts.into_iter().filter(|(_, count)| most(*count)).map(|(reason, _)| reason).collect()
    }

    /// The reasons of a row that are its own.
    fn own(&self, patch: &FleetPatch) -> Vec<String> {
        let shared = self.shared();
        patch.because.iter().filter(|reason| !shared.contains(&reason.as_str())).cloned().collect()
    }

    fn more(&self) -> usize {
        self.today.patches.len().saturating_sub(self.shown().len())
    }

    /// Where a patch's name leads: its transaction on the host where it matters most, or the hosts that need it.
    fn patch_href(&self, patch: &FleetPatch) -> String {
        match &patch.first_host {
            Some(host) => format!("{}#patch-{}", link::host_tab(host, "available"), link::segment(&patch.package)),
            None => link::hosts_with_package(&patch.package),
        }
    }

    fn more_vulns(&self, patch: &FleetPatch) -> bool {
        text::Num::num(&patch.vulns) > text::Num::num(&patch.examples.len()) && !patch.examples.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_most_rows_share_is_said_once() {
        let patch = |reasons: &[&str]| FleetPatch {
            because: reasons.iter().map(|r| (*r).to_owned()).collect(),
            ..FleetPatch::default()
        };
        let of = |patches: Vec<FleetPatch>| {
            let today = Today { hosts: 1, patches, ..Today::default() };
            TodayPage::new(Frame::default(), today, false).unwrap()
        };
        let page = of(vec![patch(&["assumed", "exploited"]), patch(&["assumed"]), patch(&["assumed", "rated high"])]);
        assert_eq!(page.shared(), ["assumed"]);
        assert_eq!(page.own(&page.today.patches[0]), ["exploited"]);
        assert_eq!(page.render().unwrap().matches("assumed").count(), 1);
        assert!(of(vec![patch(&["assumed"]), patch(&["assumed"])]).shared().is_empty(), "two rows are no crowd");
    }
}
