//! The pages as values: each is a struct over protocol types and its template. Pure, so that every page can be rendered
//! from its `sample()` in a test and looked at in the gallery.

pub mod advisories;
pub mod api;
pub mod bulk;
pub mod data;
pub mod exceptions;
pub mod findings;
pub mod host;
pub mod host_orders;
pub mod host_tabs;
pub mod hosts;
pub mod order;
pub mod plain;
pub mod samples;
pub mod search;
pub mod settings;
pub mod sign_in;
pub mod sources;
pub mod today;
pub mod vex_documents;

use askama::Template;
use patchwright_domain::time::Timestamp;
use patchwright_protocol::scan::{DataLabel, ReasonView};

use crate::view::link::Link;
use crate::view::{Html, escape, parts, text};

/// Rows that one page of a long list inside a page shows; longer lists get a page number in their address.
pub const SLICE_ROWS: usize = 200;

/// One choice of a select: value, label, chosen.
pub type Choice = (&'static str, &'static str, bool);

/// Steps of urgency for "at least" filters.
const URGENCY_CHOICES: [(&str, &str); 6] = [
    ("", "any"),
    ("emergency", "Emergency"),
    ("critical", "Critical"),
    ("high", "High"),
    ("medium", "Medium"),
    ("low", "Low"),
];

/// Tiers for filters.
const TIER_CHOICES: [(&str, &str); 5] = [("", "any"), ("T1", "T1"), ("T2", "T2"), ("T3", "T3"), ("T4", "T4")];

/// A select's choices with the current one marked.
#[must_use]
pub fn choices(all: &[(&'static str, &'static str)], current: &str) -> Vec<Choice> {
    all.iter().map(|(value, label)| (*value, *label, *value == current)).collect()
}

/// Choices of "urgency at least".
#[must_use]
pub fn urgency_choices(current: Option<&str>) -> Vec<Choice> {
    choices(&URGENCY_CHOICES, current.unwrap_or_default())
}

/// Choices of a tier.
#[must_use]
pub fn tier_choices(current: Option<&str>) -> Vec<Choice> {
    choices(&TIER_CHOICES, current.unwrap_or_default())
}

/// Whether `urgency` is at least `floor`; an unknown floor lets everything through.
#[must_use]
pub fn urgency_at_least(urgency: &str, floor: &str) -> bool {
    let place = |word: &str| ["emergency", "critical", "high", "medium", "low"].iter().position(|w| *w == word);
    match (place(urgency), place(floor)) {
        (Some(this), Some(floor)) => this <= floor,
        (None, Some(_)) => false,
        (_, None) => true,
    }
}

/// The part of a long list that one page shows, and the links to the others.
#[derive(Clone, Debug)]
pub struct Slice<'a, T> {
    /// Rows of this page.
    pub rows: Vec<&'a T>,
    /// Links to the other pages; empty when there is one page only.
    pub nav: Html,
}

impl<'a, T> Slice<'a, T> {
    /// Cuts page `page` (1 is first) out of `all`; a page beyond the end shows the last one.
    #[must_use]
    pub fn cut(all: Vec<&'a T>, page: usize, here: &Link) -> Self {
        let pages = all.len().div_ceil(SLICE_ROWS).max(1);
        let page = page.clamp(1, pages);
        let total = all.len();
        let rows: Vec<&T> = all.into_iter().skip((page - 1) * SLICE_ROWS).take(SLICE_ROWS).collect();
        if pages == 1 {
            return Self { rows, nav: Html::default() };
        }
        let to =
            |n: usize| escape(&here.clone().with("page", &if n == 1 { String::new() } else { n.to_string() }).href());
        let mut nav = String::from(r#"<nav class="pages" aria-label="Pages">"#);
        if page > 1 {
            nav.push_str(&format!(r#"<a rel="prev" href="{}">Previous page</a>"#, to(page - 1)));
        }
        nav.push_str(&format!("<span>Page {page} of {pages}, {} rows</span>", text::number(total)));
        if page < pages {
            nav.push_str(&format!(r#"<a rel="next" href="{}">Next page</a>"#, to(page + 1)));
        }
        nav.push_str("</nav>");
        Self { rows, nav: Html(nav) }
    }
}

#[derive(Template)]
#[template(path = "part_data.html")]
struct DataStrip<'a> {
    label: &'a DataLabel,
    age: Option<String>,
}

/// The label of the data behind a page: its date, that it is incomplete, its sources and warnings.
///
/// # Errors
/// When the template cannot be written, which only a formatter's error causes.
pub fn data_strip(label: &DataLabel, now: Timestamp) -> askama::Result<Html> {
    DataStrip { label, age: text::age(&label.activated_at, now) }.render().map(Html)
}

#[derive(Template)]
#[template(path = "part_reasons.html")]
struct Reasons<'a> {
    reasons: &'a [ReasonView],
}

/// Reasons of a decision as a list, with the inputs they saw and what was assumed.
pub(crate) fn reasons(reasons: &[ReasonView]) -> askama::Result<Html> {
    if reasons.is_empty() {
        return Ok(parts::unknown("no reason recorded"));
    }
    Reasons { reasons }.render().map(Html)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_cover_the_list_exactly_once() {
        let all: Vec<usize> = (0..401).collect();
        let here = Link::to("/hosts/x").with("tab", "findings");
        let mut seen = Vec::new();
        for page in 1..=3 {
            seen.extend(Slice::cut(all.iter().collect(), page, &here).rows.into_iter().copied());
        }
        assert_eq!(seen, all);
        assert_eq!(Slice::cut(all.iter().collect(), 99, &here).rows, [&400]);
        let first = Slice::cut(all.iter().collect(), 0, &here);
        assert!(first.nav.0.contains("page=2") && first.nav.0.contains("Page 1 of 3"), "{}", first.nav);
        let none: Vec<usize> = Vec::new();
        assert!(Slice::cut(none.iter().collect(), 1, &here).nav.0.is_empty());
    }

    #[test]
    fn a_floor_lets_through_what_is_at_least_as_urgent() {
        assert!(urgency_at_least("emergency", "high") && urgency_at_least("high", "high"));
        assert!(!urgency_at_least("medium", "high") && !urgency_at_least("", "low"));
        assert!(urgency_at_least("", "") && urgency_at_least("low", "nonsense"));
    }
}
