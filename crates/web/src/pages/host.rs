//! Host: what is wrong with it and what would fix it?

use askama::Template;
use patchwright_protocol::fleet::HostDetail;
use patchwright_protocol::scan::Counts;

use super::data_strip;
use crate::view::frame::Frame;
use crate::view::{Html, link, parts, text};

/// A tab of the page, each its own address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// Patches in order and the transaction.
    #[default]
    Available,
    /// Every finding with evidence and reasons.
    Findings,
    /// Kernels, restarts, reboot, sockets, blind spots.
    State,
    /// Installed packages.
    Packages,
    /// Past changes.
    History,
    /// Asset profile.
    Policy,
}

impl Tab {
    /// Every tab in order.
    pub const ALL: [Self; 6] =
        [Self::Available, Self::Findings, Self::State, Self::Packages, Self::History, Self::Policy];

    /// The word in the query string.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Findings => "findings",
            Self::State => "state",
            Self::Packages => "packages",
            Self::History => "history",
            Self::Policy => "policy",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Available => "Available",
            Self::Findings => "Findings",
            Self::State => "State",
            Self::Packages => "Packages",
            Self::History => "History",
            Self::Policy => "Policy",
        }
    }

    /// Reads the word; anything unknown is the first tab.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|t| t.word() == text).unwrap_or_default()
    }
}

/// The page around a tab.
#[derive(Template)]
#[template(path = "host.html")]
pub struct HostPage<'a> {
    frame: Frame,
    host: &'a HostDetail,
    data: Html,
    tab: &'static str,
    body: Html,
}

impl<'a> HostPage<'a> {
    /// Puts a rendered tab into its page.
    ///
    /// # Errors
    /// When a part cannot be written.
    pub fn new(frame: Frame, host: &'a HostDetail, tab: Tab, body: Html) -> askama::Result<Self> {
        Ok(Self { data: data_strip(&host.report.data, frame.now)?, frame, host, tab: tab.word(), body })
    }

    fn c(&self) -> &Counts {
        &self.host.report.counts
    }

    fn tab_href(&self, tab: &str) -> String {
        link::host_tab(&self.host.row.id, tab)
    }

    fn tabs(&self) -> Vec<(&'static str, &'static str, Option<usize>)> {
        Tab::ALL
            .into_iter()
            .map(|tab| {
                let number = match tab {
                    Tab::Available => Some(self.host.report.patches.len()),
                    Tab::Findings => Some(self.host.report.findings.len()),
                    Tab::Packages => Some(self.host.packages.len()),
                    Tab::History => Some(self.host.history.len()),
                    Tab::State | Tab::Policy => None,
                };
                (tab.word(), tab.label(), number)
            })
            .collect()
    }

    fn worst(&self) -> Html {
        match &self.host.row.worst {
            Some(word) => parts::urgency(word),
            None => parts::none("none open"),
        }
    }

    /// The answer in one sentence.
    fn verdict(&self) -> String {
        let c = self.c();
        if c.findings == 0 {
            return "No finding in the data we hold; what that data covers stands below.".to_owned();
        }
        let mut parts = vec![format!(
            "{} from {}",
            text::count(c.findings, "finding", "findings"),
            text::count(self.host.report.patches.len(), "package", "packages")
        )];
        for (value, words) in [
            (c.fix_available, "with a fix published"),
            (c.restart_pending, "installed, restart pending"),
            (c.reboot_pending, "installed, reboot pending"),
            (c.no_fix, "without a fix yet"),
            (c.fix_with_subscription, "with a fix for subscribers only"),
        ] {
            if value > 0 {
                parts.push(format!("{} {words}", text::number(value)));
            }
        }
        format!("{}.", parts.join("; "))
    }
}
