//! Sources: where does software come from, and who decided about it?

use askama::Template;
use patchwright_protocol::sources::{NewSource, SourceAnswers, SourceDetail, SourceList, SourceQuery, SourceRow};

use super::order::{SortChoice, sort_choices};
use super::{Choice, choices};
use crate::view::frame::Frame;
use crate::view::link::Link;
use crate::view::{Html, link, parts, text};

/// Sort keys of the list and what each puts first.
const SORTS: [(&str, &str); 6] = [
    ("attention", "what needs attention first"),
    ("title", "by address or name"),
    ("hosts", "most hosts first"),
    ("installed", "most installed first"),
    ("pending", "most pending first"),
    ("review_by", "next review first"),
];
const CLASSES: [(&str, &str); 6] = [
    ("", "any"),
    ("vendor", "vendor"),
    ("vendor_backports", "vendor backports"),
    ("third_party", "third party"),
    ("unknown", "unknown"),
    ("none", "artifact or patch"),
];
const DECISIONS: [(&str, &str); 5] = [
    ("", "any"),
    ("none", "none"),
    ("refused", "refused"),
    ("accepted_with_conditions", "accepted with conditions"),
    ("accepted", "accepted"),
];

/// What was typed into the form for an artifact or a patch and not taken.
#[derive(Clone, Debug, Default)]
pub struct Typed(pub Option<NewSource>);

/// The list of sources.
#[derive(Template)]
#[template(path = "sources.html")]
pub struct SourcesPage {
    frame: Frame,
    list: SourceList,
    query: SourceQuery,
    base: Link,
    csv: String,
    first: String,
    next: Option<String>,
    typed: NewSource,
    answers: SourceAnswers,
    open: bool,
}

impl SourcesPage {
    /// Prepares the page of `query`.
    #[must_use]
    pub fn new(frame: Frame, list: SourceList, query: SourceQuery, typed: Typed) -> Self {
        let base = address(&query);
        let open = typed.0.is_some();
        let typed = typed.0.unwrap_or_default();
        Self {
            csv: base.clone().without("after").with("format", "csv").href(),
            first: base.clone().without("after").href(),
            next: list.next.as_deref().map(|cursor| base.clone().with("after", cursor).href()),
            answers: typed.assess.answers.clone().unwrap_or_default(),
            frame,
            list,
            query,
            base,
            typed,
            open,
        }
    }

    fn csrf(&self) -> &str {
        self.frame.user.as_ref().map_or("", |u| u.csrf.as_str())
    }

    fn filtered(&self) -> bool {
        let q = &self.query;
        [&q.q, &q.class, &q.decision, &q.lapsed].iter().any(|v| v.as_deref().is_some_and(|v| !v.is_empty()))
    }

    fn partial(&self) -> bool {
        text::Num::num(&self.list.items.len()) < self.list.total
    }

    /// Sources whose patches do not simply enter.
    fn waiting(&self) -> u64 {
        self.list.totals.closed + self.list.totals.needs_approval
    }

    fn classes(&self) -> Vec<Choice> {
        choices(&CLASSES, self.query.class.as_deref().unwrap_or_default())
    }

    fn decisions(&self) -> Vec<Choice> {
        choices(&DECISIONS, self.query.decision.as_deref().unwrap_or_default())
    }

    /// Orders for narrow screens, where the headings are not seen.
    fn sorts(&self) -> Vec<SortChoice> {
        sort_choices(SORTS.iter().copied(), self.query.sort.as_deref().unwrap_or("attention"))
    }

    fn th(&self, label: &str, key: &str, descending: bool, class: &str) -> Html {
        parts::heading(label, key, descending, self.query.sort.as_deref().unwrap_or("attention"), &self.base, class)
    }

    fn fields(&self) -> [FieldText<'_>; 8] {
        fields(&self.answers)
    }

    fn is_typed(&self, word: &str) -> bool {
        self.typed.what == word
    }

    fn is_decision(&self, word: &str) -> bool {
        self.typed.assess.decision == word
    }

    /// Packages that came from it, as far as the hosts can say.
    fn installed(&self, r: &SourceRow) -> Html {
        if r.hosts > 0 && r.hosts_untold >= r.hosts {
            return parts::unknown("not told");
        }
        parts::number(r.installed)
    }

    /// Upgrades that wait, where they are counted.
    fn pending(&self, r: &SourceRow) -> Html {
        if r.pending_told { parts::number(r.pending) } else { parts::unknown("not told") }
    }

    /// How many hosts do not say so, where some do.
    fn untold(&self, r: &SourceRow) -> Option<String> {
        (r.hosts_untold > 0 && r.hosts_untold < r.hosts).then(|| text::count(r.hosts_untold, "host does", "hosts do"))
    }
}

/// Address of the list that `query` describes.
#[must_use]
pub fn address(query: &SourceQuery) -> Link {
    Link::to("/sources")
        .with_opt("q", query.q.as_deref())
        .with_opt("class", query.class.as_deref())
        .with_opt("decision", query.decision.as_deref())
        .with_opt("lapsed", query.lapsed.as_deref())
        .with_opt("sort", query.sort.as_deref())
        .with_opt("after", query.after.as_deref())
        .with("limit", &query.limit.map(|n| n.to_string()).unwrap_or_default())
}

/// One source.
#[derive(Template)]
#[template(path = "source.html")]
pub struct SourcePage {
    frame: Frame,
    d: SourceDetail,
}

/// Fields of the form: name, label, what belongs there.
type FieldText<'a> = (&'static str, &'static str, &'static str, &'a str);

impl SourcePage {
    /// Prepares the page.
    #[must_use]
    pub fn new(frame: Frame, detail: SourceDetail) -> Self {
        Self { frame, d: detail }
    }

    fn csrf(&self) -> &str {
        self.frame.user.as_ref().map_or("", |u| u.csrf.as_str())
    }

    fn fields(&self) -> [FieldText<'_>; 8] {
        fields(&self.d.answers)
    }
}

fn fields(a: &SourceAnswers) -> [FieldText<'_>; 8] {
    [
        ("publisher", "Publisher", "who publishes it, and how to reach them", &a.publisher),
        ("origin_commit", "Origin commit", "commit or release that it is built from", &a.origin_commit),
        ("builder", "Builder", "who or what builds it", &a.builder),
        ("key", "Key", "key or digest that vouches for it, and how it was checked", &a.key),
        ("pinning", "Pinning", "what keeps hosts from taking more from it than wanted", &a.pinning),
        ("support", "Support promise", "by whom, until when", &a.support),
        ("tests", "Tests", "what was tested", &a.tests),
        ("departure", "Departure", "how far from the vendor’s version, and why", &a.departure),
    ]
}
