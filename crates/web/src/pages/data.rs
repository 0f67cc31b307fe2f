//! Vulnerability data: how fresh is what we know?

use askama::Template;
use patchwright_protocol::intel::{FeedProblem, FeedRow};
use patchwright_protocol::scan::DataLabel;

use super::data_strip;
use crate::view::frame::Frame;
use crate::view::{Html, link, parts, text};

/// Feeds, their state and the records that could not be read.
#[derive(Template)]
#[template(path = "data.html")]
pub struct DataPage {
    frame: Frame,
    feeds: Vec<FeedRow>,
    chosen: Option<String>,
    problems: Vec<FeedProblem>,
    label: Html,
}

impl DataPage {
    /// Prepares the page; `chosen` is the feed whose problems are shown.
    ///
    /// # Errors
    /// When a part cannot be written.
    pub fn new(
        frame: Frame,
        feeds: Vec<FeedRow>,
        label: &DataLabel,
        chosen: Option<String>,
        problems: Vec<FeedProblem>,
    ) -> askama::Result<Self> {
        Ok(Self { label: data_strip(label, frame.now)?, frame, feeds, chosen, problems })
    }

    fn summary(&self) -> String {
        let total = self.feeds.len();
        let of = |state: &str| self.feeds.iter().filter(|f| f.state == state).count();
        let mut parts = vec![format!("{} up to date", text::share(of("ok"), total))];
        for (state, words) in [
            ("failed", "failed"),
            ("partial", "partly read"),
            ("stale", "stale"),
            ("never", "never fetched"),
            ("off", "switched off"),
        ] {
            if of(state) > 0 {
                parts.push(format!("{} {words}", text::number(of(state))));
            }
        }
        if total == 0 {
            return "No feed is configured; only the data that came with the product is loaded.".to_owned();
        }
        format!("Feeds: {}.", parts.join(", "))
    }
}
