//! Findings: what is open, and where?

use askama::Template;
use patchwright_domain::access::{Action, Role};
use patchwright_domain::exposure::fleet::query;
use patchwright_protocol::findings::{FindingGroup, FindingsAnswer, FindingsQuery, UrgencyCounts, ViewRow};

use super::exceptions::{self, Kind};
use super::order::{SortChoice, sort_choices};
use crate::view::frame::Frame;
use crate::view::link::{self, Link};
use crate::view::text::Num as _;
use crate::view::{Html, parts, text};

/// Rows of a page when the address does not say.
const ROWS: u64 = 100;

/// Sort keys of the list and what each puts first.
const SORTS: [(&str, &str); 6] = [
    ("urgency", "most urgent first"),
    ("findings", "most findings first"),
    ("hosts", "most hosts first"),
    ("vulns", "most vulnerabilities first"),
    ("kev", "most in KEV first"),
    ("name", "by name"),
];

/// Questions to start from: query, what it asks.
const EXAMPLES: [(&str, &str); 5] = [
    ("is:kev state:fix", "known exploited (KEV), and a fix is published"),
    ("urgency>=critical and exposure:internet", "at least Critical on hosts that the internet reaches"),
    ("is:overdue and tier:T1", "overdue on the most important hosts"),
    ("state:restart,reboot", "installed, but the old version still runs"),
    ("epss>=0.5 and not is:kev", "likely to be exploited, not in KEV"),
];

/// By what the findings are put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Group {
    /// Source upgrade.
    #[default]
    Patch,
    /// Vulnerability.
    Vuln,
    /// Host.
    Host,
    /// Owner.
    Owner,
}

impl Group {
    /// Every grouping, in the order of the tabs.
    pub const ALL: [Self; 4] = [Self::Patch, Self::Vuln, Self::Host, Self::Owner];

    /// Reads the word of an address; nothing for an unknown one.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        if word.is_empty() { Some(Self::Patch) } else { Self::ALL.into_iter().find(|g| g.word() == word) }
    }

    /// Word in the address.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Vuln => "vuln",
            Self::Host => "host",
            Self::Owner => "owner",
        }
    }

    /// One of them.
    #[must_use]
    pub fn one(self) -> &'static str {
        match self {
            Self::Patch => "Patch",
            Self::Vuln => "Vulnerability",
            Self::Host => "Host",
            Self::Owner => "Owner",
        }
    }

    /// Several, as on the tab.
    #[must_use]
    pub fn many(self) -> &'static str {
        match self {
            Self::Patch => "Patches",
            Self::Vuln => "Vulnerabilities",
            Self::Host => "Hosts",
            Self::Owner => "Owners",
        }
    }

    /// The grouping that shows what is inside of one of these.
    fn inside(self) -> Self {
        match self {
            Self::Patch => Self::Vuln,
            Self::Vuln => Self::Host,
            Self::Host | Self::Owner => Self::Patch,
        }
    }
}

/// Why a question was not answered, and the place in the text where there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub what: String,
    /// What to write.
    pub hint: String,
    /// The query before the place, and from it.
    pub place: Option<(String, String)>,
}

impl Refusal {
    /// A refusal of `asked`, with the place marked when it is the query that cannot be read.
    #[must_use]
    pub fn new(asked: &FindingsQuery, what: String, hint: String) -> Self {
        let text = asked.q.as_deref().unwrap_or_default();
        let place = query::parse(text.trim()).err().map(|error| {
            let text = text.trim();
            let at = text.char_indices().nth(error.at).map_or(text.len(), |(at, _)| at);
            let (before, from) = text.split_at_checked(at).unwrap_or((text, ""));
            (before.to_owned(), from.to_owned())
        });
        Self { what: text::capital(&what), hint: text::capital(&hint), place }
    }
}

/// Findings in groups, or why there are none to show.
#[derive(Template)]
#[template(path = "findings.html")]
pub struct FindingsPage {
    frame: Frame,
    asked: FindingsQuery,
    group: Group,
    answer: Option<FindingsAnswer>,
    refusal: Option<Refusal>,
    base: Link,
    /// Kept questions of the reader.
    views: Vec<ViewRow>,
    /// The reader may change hosts.
    edits: bool,
    /// The reader may ask for an exception.
    defers: bool,
    /// The reader may say that findings are not affected.
    states: bool,
    /// Groups that a file may have at most.
    export_max: u64,
}

impl FindingsPage {
    /// Prepares the page of an answer or of a refusal.
    #[must_use]
    pub fn new(
        frame: Frame,
        asked: FindingsQuery,
        found: Result<FindingsAnswer, Refusal>,
        views: Vec<ViewRow>,
        export_max: usize,
    ) -> Self {
        let (answer, refusal) = match found {
            Ok(answer) => (Some(answer), None),
            Err(refusal) => (None, Some(refusal)),
        };
        let group = Group::parse(asked.group.as_deref().unwrap_or_default()).unwrap_or_default();
        let base = address(&asked);
        let role = frame.user.as_ref().and_then(|user| Role::parse(&user.role));
        let edits = role.is_some_and(|role| role.does(Action::EditHost));
        let (defers, states) = (exceptions::offers(role, Kind::Defer), exceptions::offers(role, Kind::NotAffected));
        Self { base, frame, asked, group, answer, refusal, views, edits, defers, states, export_max: export_max.num() }
    }

    fn q(&self) -> &str {
        self.asked.q.as_deref().unwrap_or_default()
    }

    fn asks(&self) -> bool {
        !self.q().trim().is_empty()
    }

    fn sort(&self) -> &str {
        self.asked.sort.as_deref().filter(|s| !s.is_empty()).unwrap_or("urgency")
    }

    fn csrf(&self) -> &str {
        self.frame.user.as_ref().map_or("", |user| &user.csrf)
    }

    /// Kept questions: the row, its address, whether it is this one.
    fn kept(&self) -> Vec<(&ViewRow, String, bool)> {
        let own = |v: &ViewRow| link::findings(&v.q, &v.group).with("sort", &v.sort);
        let here = (self.q().trim(), self.group.word(), self.asked.sort.as_deref().unwrap_or_default());
        self.views
            .iter()
            .map(|v| (v, own(v).href(), (v.q.as_str(), v.group.as_str(), v.sort.as_str()) == here))
            .collect()
    }

    fn bulk(&self) -> String {
        Link::to("/findings/bulk").with("q", self.q().trim()).href()
    }

    fn defer(&self) -> String {
        exceptions::decide(Kind::Defer, self.q().trim())
    }

    fn not_affected(&self) -> String {
        exceptions::decide(Kind::NotAffected, self.q().trim())
    }

    /// The question narrowed to what is excepted, or to what is set aside.
    fn only(&self, flag: &str) -> String {
        self.ask(&query::narrowed(self.q().trim(), &format!("is:{flag}")), self.group).href()
    }

    fn tabs(&self) -> Vec<(&'static str, String, bool)> {
        let here = self.base.clone().without("after");
        Group::ALL.map(|g| (g.many(), here.clone().with("group", g.word()).href(), g == self.group)).to_vec()
    }

    /// Orders for narrow screens, where the headings are not seen.
    fn sorts(&self) -> Vec<SortChoice> {
        sort_choices(SORTS.iter().copied(), self.sort())
    }

    fn th(&self, label: &str, key: &str, descending: bool, class: &str) -> Html {
        parts::heading(label, key, descending, self.sort(), &self.base, class)
    }

    fn examples(&self) -> Vec<(&'static str, String, &'static str)> {
        EXAMPLES.iter().map(|(q, what)| (*q, self.ask(q, self.group).href(), *what)).collect()
    }

    fn fields(&self) -> &'static [(&'static str, &'static str)] {
        query::FIELDS
    }

    /// Another question about the same day.
    fn ask(&self, q: &str, group: Group) -> Link {
        link::findings(q, group.word())
            .with_opt("as_of", self.asked.as_of.as_deref())
            .with_opt("known", self.asked.known.as_deref())
    }

    /// The day that is asked about, when it is not now.
    fn as_of(&self) -> Option<&str> {
        self.asked.as_of.as_deref().map(str::trim).filter(|day| !day.is_empty())
    }

    fn known_now(&self) -> bool {
        self.asked.known.as_deref() == Some("now")
    }

    fn today(&self) -> String {
        self.frame.now.date().to_string()
    }

    /// The query with another term, in a grouping.
    fn narrow(&self, term: &str, group: Group) -> String {
        self.ask(&query::narrowed(self.q(), term), group).href()
    }

    /// Findings by urgency: word, count, share of all, address of the rows.
    fn classes(&self, answer: &FindingsAnswer) -> Vec<(&'static str, u64, String, String)> {
        by_urgency(&answer.counts)
            .into_iter()
            .map(|(word, n)| {
                (word, n, text::percent(n, answer.findings), self.narrow(&query::term("urgency", word), self.group))
            })
            .collect()
    }

    /// What asks for this group alone.
    fn term(&self, g: &FindingGroup) -> String {
        match self.group {
            Group::Patch => {
                let source = query::term("source", &g.name);
                match &g.ecosystem {
                    Some(ecosystem) => format!("{source} and {}", query::term("ecosystem", ecosystem)),
                    None => source,
                }
            }
            Group::Vuln => query::term("cve", &g.name),
            Group::Host => query::term("host", &g.name),
            Group::Owner => query::term("owner", &g.name),
        }
    }

    /// Address of a row's own page, or of what is inside of it.
    fn open(&self, g: &FindingGroup) -> String {
        match (self.group, &g.host) {
            (Group::Vuln, _) => link::advisory(&g.name),
            (Group::Host, Some(id)) => link::host_tab(id, "findings"),
            (Group::Patch | Group::Host | Group::Owner, _) => self.inside(g),
        }
    }

    fn inside(&self, g: &FindingGroup) -> String {
        self.narrow(&self.term(g), self.group.inside())
    }

    fn rows_as(&self, g: &FindingGroup, group: &str) -> String {
        self.narrow(&self.term(g), Group::parse(group).unwrap_or_default())
    }

    fn exploited(&self, g: &FindingGroup) -> String {
        let both = query::narrowed(&query::narrowed(self.q(), &self.term(g)), "is:kev");
        self.ask(&both, Group::Vuln).href()
    }

    /// The urgencies that a group has: word, count, address of the rows.
    fn split(&self, g: &FindingGroup) -> Vec<(&'static str, u64, String)> {
        let inside = query::narrowed(self.q(), &self.term(g));
        by_urgency(&g.counts)
            .into_iter()
            .filter(|(_, n)| *n > 0)
            .map(|(word, n)| {
                let q = query::narrowed(&inside, &query::term("urgency", word));
                (word, n, self.ask(&q, self.group.inside()).href())
            })
            .collect()
    }

    /// How many there are beyond those named.
    fn beyond(&self, named: &[String], all: &u64) -> u64 {
        all.saturating_sub(named.num_rows())
    }

    fn start(&self) -> u64 {
        self.asked.after.as_deref().and_then(|after| after.parse().ok()).unwrap_or(0)
    }

    fn limit(&self) -> u64 {
        self.asked.limit.map_or(ROWS, |n| u64::from(n.clamp(1, 500)))
    }

    /// Address of the page before, when this is not the first.
    fn previous(&self) -> Option<String> {
        let start = self.start();
        (start > 0).then(|| {
            let to = start.saturating_sub(self.limit());
            let to = if to == 0 { String::new() } else { to.to_string() };
            self.base.clone().with("after", &to).href()
        })
    }

    fn next(&self, answer: &FindingsAnswer) -> Option<String> {
        answer.next.as_deref().map(|cursor| self.base.clone().with("after", cursor).href())
    }

    /// `Rows 101 to 200 of 1,204`.
    fn range(&self, answer: &FindingsAnswer) -> String {
        let start = self.start();
        if start == 0 && answer.next.is_none() {
            return text::count(answer.total, "row", "rows");
        }
        let end = start.saturating_add(answer.items.num_rows());
        format!("Rows {} to {} of {}", text::number(start + 1), text::number(end), text::number(answer.total))
    }

    /// Rows that a workbook has at most.
    fn sheet_max(&self) -> u64 {
        crate::xlsx::ROWS_MAX.num()
    }

    fn file(&self, format: &str) -> String {
        self.base.clone().without("after").without("limit").with("format", format).href()
    }
}

/// Length of a slice as a count.
trait Rows {
    fn num_rows(&self) -> u64;
}

impl<T> Rows for [T] {
    fn num_rows(&self) -> u64 {
        self.len().num()
    }
}

fn by_urgency(c: &UrgencyCounts) -> [(&'static str, u64); 5] {
    [("emergency", c.emergency), ("critical", c.critical), ("high", c.high), ("medium", c.medium), ("low", c.low)]
}

/// Address of the page that `asked` describes.
#[must_use]
pub fn address(asked: &FindingsQuery) -> Link {
    Link::to("/findings")
        .with("q", asked.q.as_deref().unwrap_or_default().trim())
        .with_opt("group", asked.group.as_deref())
        .with_opt("sort", asked.sort.as_deref())
        .with_opt("as_of", asked.as_of.as_deref())
        .with_opt("known", asked.known.as_deref())
        .with_opt("after", asked.after.as_deref())
        .with("limit", &asked.limit.map(|n| n.to_string()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::samples;
    use crate::view::frame::{Area, Theme};

    fn page(q: &str, group: &str) -> FindingsPage {
        let asked = FindingsQuery { q: Some(q.to_owned()), group: Some(group.to_owned()), ..FindingsQuery::default() };
        let answer = samples::findings(Group::parse(group).unwrap(), 3);
        FindingsPage::new(samples::frame("Findings", Area::Findings, Theme::Auto), asked, Ok(answer), Vec::new(), 100)
    }

    #[test]
    fn the_rows_of_a_number_keep_the_question() {
        let page = page("is:kev or tier:T1", "patch");
        let row = FindingGroup {
            name: "libx".to_owned(),
            ecosystem: Some("Debian:12".to_owned()),
            ..FindingGroup::default()
        };
        assert_eq!(
            page.rows_as(&row, "host"),
            "/findings?q=(is:kev+or+tier:T1)+and+source:libx+and+ecosystem:Debian:12&group=host"
        );
        assert_eq!(
            page.exploited(&row),
            "/findings?q=(is:kev+or+tier:T1)+and+source:libx+and+ecosystem:Debian:12+and+is:kev&group=vuln"
        );
        let nobody = super::tests::page("", "owner");
        assert_eq!(nobody.inside(&FindingGroup::default()), "/findings?q=owner:%22%22&group=patch");
    }

    #[test]
    fn a_refusal_marks_the_place() {
        let asked = FindingsQuery { q: Some("  zone:dmz and ownr:x".to_owned()), ..FindingsQuery::default() };
        let refusal = Refusal::new(&asked, String::new(), String::new());
        assert_eq!(refusal.place, Some(("zone:dmz and ".to_owned(), "ownr:x".to_owned())));
        let asked = FindingsQuery { q: Some("zone:dmz and".to_owned()), ..FindingsQuery::default() };
        assert_eq!(
            Refusal::new(&asked, String::new(), String::new()).place,
            Some(("zone:dmz and".to_owned(), String::new()))
        );
        assert_eq!(Refusal::new(&FindingsQuery::default(), "x".to_owned(), String::new()).place, None);
    }

    #[test]
    fn pages_lead_back_and_on() {
        let mut page = page("", "host");
        page.asked.after = Some("150".to_owned());
        page.base = address(&page.asked);
        assert_eq!(page.previous().as_deref(), Some("/findings?group=host&after=50"));
        page.asked.after = Some("100".to_owned());
        assert_eq!(page.previous().as_deref(), Some("/findings?group=host"));
        page.asked.after = None;
        assert_eq!(page.previous(), None);
    }

    #[test]
    fn a_past_day_can_be_chosen_on_every_width_and_nothing_is_changed_from_there() {
        let page = |as_of: Option<&str>| {
            let asked = FindingsQuery { as_of: as_of.map(str::to_owned), ..FindingsQuery::default() };
            let answer = samples::findings(Group::Patch, 3);
            let frame = samples::frame("Findings", Area::Findings, Theme::Auto);
            FindingsPage::new(frame, asked, Ok(answer), Vec::new(), 100).render().unwrap()
        };
        let (now, past) = (page(None), page(Some("2026-09-30")));
        assert!(now.contains("<label>As of <input type=\"date\"") && !now.contains("name=\"known\""));
        assert!(past.contains("<label>Known <select") && past.contains("as_of=2026-09-30"));
        for change in ["/findings/bulk", "Defer…", "Keep this as a view"] {
            assert!(!past.contains(change), "{change}");
        }
        assert!(now.contains("Keep this as a view"));
    }
}
