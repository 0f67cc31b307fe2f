//! Exceptions: which findings may wait or do not apply, who decided, and until when?

use askama::Template;
use patchwright_domain::access::{Action, Role};
use patchwright_domain::exposure::vex::Justification;
use patchwright_protocol::decisions::{
    DecisionPlan, EndingRow, ExceptionDetail, ExceptionRow, NotAffectedDetail, NotAffectedRow, VexDocumentRow,
};

use super::vex_documents::TypedDocument;
use crate::view::frame::Frame;
use crate::view::link::Link;
use crate::view::text::Num as _;
use crate::view::{link, parts, text};

fn role(frame: &Frame) -> Option<Role> {
    frame.user.as_ref().and_then(|user| Role::parse(&user.role))
}

fn may(frame: &Frame, action: Action) -> bool {
    role(frame).is_some_and(|role| role.does(action))
}

fn csrf(frame: &Frame) -> &str {
    frame.user.as_ref().map_or("", |u| u.csrf.as_str())
}

fn name(frame: &Frame) -> &str {
    frame.user.as_ref().map_or("", |u| u.name.as_str())
}

/// Address of an exception.
#[must_use]
pub fn exception(id: &str) -> String {
    format!("/exceptions/{}", link::segment(id))
}

/// Address of a statement of this organisation.
#[must_use]
pub fn statement(id: &str) -> String {
    format!("/not-affected/{}", link::segment(id))
}

/// Address of a decision that ends soon.
#[must_use]
pub fn ending(row: &EndingRow) -> String {
    match row.kind.as_str() {
        "exception" => exception(&row.id),
        "statement" => statement(&row.id),
        _ => super::vex_documents::address(&row.id),
    }
}

/// The list: what waits first, then what is in force, then what is over.
#[derive(Template)]
#[template(path = "exceptions.html")]
pub struct ExceptionsPage {
    frame: Frame,
    rows: Vec<ExceptionRow>,
    stated: Vec<NotAffectedRow>,
    documents: Vec<VexDocumentRow>,
    /// A document that was not taken.
    typed: TypedDocument,
    /// Only what ends soon is shown.
    ending: bool,
}

impl ExceptionsPage {
    /// Prepares the page.
    #[must_use]
    pub fn new(
        frame: Frame,
        rows: Vec<ExceptionRow>,
        stated: Vec<NotAffectedRow>,
        documents: Vec<VexDocumentRow>,
    ) -> Self {
        Self { frame, rows, stated, documents, typed: TypedDocument::default(), ending: false }
    }

    /// The same with a document that was typed and not taken.
    #[must_use]
    pub fn typed(self, typed: TypedDocument) -> Self {
        Self { typed, ..self }
    }

    /// The same with what ends soon only.
    #[must_use]
    pub fn ending(self, ending: bool) -> Self {
        Self { ending, ..self }
    }

    /// Everything here that ends soon.
    fn soon(&self) -> usize {
        self.rows.iter().filter(|r| r.ends_soon).count()
            + self.stated.iter().filter(|r| r.ends_soon).count()
            + self.documents.iter().filter(|r| r.ends_soon).count()
    }

    fn csrf(&self) -> &str {
        csrf(&self.frame)
    }

    fn imports(&self) -> bool {
        may(&self.frame, Action::StateNotAffected)
    }

    fn kept(&self) -> usize {
        self.documents.iter().filter(|r| r.state == "kept").count()
    }

    fn today(&self) -> String {
        self.frame.now.date().to_string()
    }

    fn review_latest(&self) -> String {
        let days = patchwright_domain::governance::not_affected::REVIEW_DAYS_MAX;
        self.frame.now.plus_days(days).date().to_string()
    }

    fn review_typed(&self) -> String {
        if self.typed.review_by.is_empty() {
            let days = patchwright_domain::governance::document::REVIEW_DAYS;
            self.frame.now.plus_days(days).date().to_string()
        } else {
            self.typed.review_by.clone()
        }
    }

    fn count(&self, state: &str) -> usize {
        self.rows.iter().filter(|r| r.state == state).count()
    }

    fn hold(&self) -> usize {
        self.stated.iter().filter(|r| r.state == "stated").count()
    }
}

/// One exception.
#[derive(Template)]
#[template(path = "exception.html")]
pub struct ExceptionPage {
    frame: Frame,
    d: ExceptionDetail,
    /// What was typed and not taken.
    typed: String,
}

impl ExceptionPage {
    /// Prepares the page.
    #[must_use]
    pub fn new(frame: Frame, detail: ExceptionDetail, typed: String) -> Self {
        Self { frame, d: detail, typed }
    }

    fn csrf(&self) -> &str {
        csrf(&self.frame)
    }

    fn asked_it(&self) -> bool {
        self.d.row.requested_by == name(&self.frame)
    }

    /// What the reader may decide now: word, label.
    fn decisions(&self) -> Vec<(&'static str, &'static str)> {
        let decides = may(&self.frame, Action::DecideException);
        match self.d.row.state.as_str() {
            "requested" if decides => {
                let mut list = vec![("approve", "approve"), ("refuse", "refuse")];
                if self.asked_it() {
                    list.push(("revoke", "take it back"));
                }
                list
            }
            "requested" if self.asked_it() => vec![("revoke", "take it back")],
            "approved" if may(&self.frame, Action::RevokeException) => {
                vec![("revoke", "revoke: the findings count again at once")]
            }
            _ => Vec::new(),
        }
    }

    /// Whether the reader may ask for its renewal now.
    fn renews(&self) -> bool {
        let row = &self.d.row;
        row.state == "approved" && row.renewed_by.is_none() && may(&self.frame, Action::RequestException)
    }

    /// Whether the end is near, or the renewal form has something to say, so that it stands open.
    fn presses(&self) -> bool {
        self.d.row.ends_soon || !self.typed.is_empty()
    }

    /// Whether what it covers is more urgent now than when it was asked for.
    fn graver(&self) -> Option<&str> {
        let now = self.d.worst_now.as_deref()?;
        let place = |word: &str| ["emergency", "critical", "high", "medium", "low"].iter().position(|w| *w == word);
        (place(now)? < place(&self.d.row.worst)?).then_some(now)
    }

    fn findings(&self) -> String {
        match self.d.row.draft {
            None => link::findings(&self.d.row.question, "host").href(),
            Some(_) => String::new(),
        }
    }
}

/// One statement that findings are not affected.
#[derive(Template)]
#[template(path = "not_affected.html")]
pub struct NotAffectedPage {
    frame: Frame,
    d: NotAffectedDetail,
}

impl NotAffectedPage {
    /// Prepares the page.
    #[must_use]
    pub fn new(frame: Frame, detail: NotAffectedDetail) -> Self {
        Self { frame, d: detail }
    }

    fn csrf(&self) -> &str {
        csrf(&self.frame)
    }

    fn withdraws(&self) -> bool {
        self.d.row.state != "withdrawn" && may(&self.frame, Action::StateNotAffected)
    }
}

/// Which decision is made about the findings of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They may wait.
    Defer,
    /// They do not apply.
    NotAffected,
}

impl Kind {
    /// Address of the form.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Defer => "/findings/defer",
            Self::NotAffected => "/findings/not-affected",
        }
    }
}

/// What was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Typed {
    /// Query.
    pub q: String,
    /// Reason.
    pub reason: String,
    /// Compensating measure.
    pub measure: String,
    /// Last day.
    pub until: String,
    /// Justification.
    pub justification: String,
}

/// Counting findings and deciding about those that were counted.
#[derive(Template)]
#[template(path = "decide.html")]
pub struct DecidePage {
    frame: Frame,
    kind: Kind,
    typed: Typed,
    plan: Option<DecisionPlan>,
    refused: Option<String>,
}

impl DecidePage {
    /// Prepares the page.
    #[must_use]
    pub fn new(frame: Frame, kind: Kind, typed: Typed, plan: Option<DecisionPlan>, refused: Option<String>) -> Self {
        Self { frame, kind, typed, plan, refused }
    }

    fn csrf(&self) -> &str {
        csrf(&self.frame)
    }

    fn defers(&self) -> bool {
        self.kind == Kind::Defer
    }

    fn action(&self) -> &'static str {
        self.kind.path()
    }

    fn findings(&self) -> String {
        link::findings(&self.typed.q, "patch").href()
    }

    fn excepted(&self) -> String {
        let narrowed = patchwright_domain::exposure::fleet::query::narrowed(&self.typed.q, "is:excepted");
        link::findings(&narrowed, "patch").href()
    }

    /// `12 findings on 3 hosts`.
    fn counted(p: &DecisionPlan) -> String {
        let findings = text::count(p.findings, "finding", "findings");
        format!("{findings} on {}", text::count(p.hosts, "host", "hosts"))
    }

    fn justifications(&self) -> Vec<(&'static str, String, bool)> {
        Justification::ALL
            .iter()
            .map(|j| (j.word(), text::words(j.word()), j.word() == self.typed.justification))
            .collect()
    }

    fn today(&self) -> String {
        self.frame.now.date().to_string()
    }

    fn review_latest(&self) -> String {
        let days = patchwright_domain::governance::not_affected::REVIEW_DAYS_MAX;
        self.frame.now.plus_days(days).date().to_string()
    }

    /// The last day that was typed, or the last one that policy allows.
    fn until(&self, p: &DecisionPlan) -> String {
        match (self.typed.until.is_empty(), self.defers()) {
            (false, _) => self.typed.until.clone(),
            (true, true) => p.latest.clone(),
            (true, false) => String::new(),
        }
    }

    fn more(&self, p: &DecisionPlan) -> u64 {
        p.packages.saturating_sub(p.rows.len().num())
    }
}

/// Address of a decision about the findings of a query.
#[must_use]
pub fn decide(kind: Kind, q: &str) -> String {
    Link::to(kind.path()).with("q", q).href()
}

/// Whether a role may make this decision.
#[must_use]
pub fn offers(role: Option<Role>, kind: Kind) -> bool {
    let action = match kind {
        Kind::Defer => Action::RequestException,
        Kind::NotAffected => Action::StateNotAffected,
    };
    role.is_some_and(|role| role.does(action))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::samples;
    use crate::view::frame::{Area, Theme};

    fn page(state: &str, role: &str, who: &str) -> ExceptionPage {
        let mut frame = samples::frame("Exception", Area::Exceptions, Theme::Auto);
        if let Some(user) = frame.user.as_mut() {
            (user.role, user.name) = (role.to_owned(), who.to_owned());
        }
        let row = ExceptionRow { state: state.to_owned(), requested_by: "ann".to_owned(), ..ExceptionRow::default() };
        ExceptionPage::new(frame, ExceptionDetail { row, ..ExceptionDetail::default() }, String::new())
    }

    #[test]
    fn only_what_can_be_decided_is_offered() {
        let words = |state: &str, role: &str, who: &str| -> Vec<&str> {
            page(state, role, who).decisions().into_iter().map(|(word, _)| word).collect()
        };
        assert_eq!(words("requested", "approver", "bob"), ["approve", "refuse"]);
        assert_eq!(words("requested", "operator", "ann"), ["revoke"], "whoever asked takes it back");
        assert_eq!(words("requested", "operator", "bob"), [""; 0]);
        assert_eq!(words("requested", "viewer", "bob"), [""; 0]);
        assert_eq!(words("approved", "security_officer", "bob"), ["revoke"]);
        assert_eq!(words("expired", "admin", "ann"), [""; 0]);
    }

    #[test]
    fn what_became_more_urgent_is_said() {
        let mut page = page("requested", "admin", "ann");
        page.d.row.worst = "high".to_owned();
        assert_eq!(page.graver(), None);
        page.d.worst_now = Some("critical".to_owned());
        assert_eq!(page.graver(), Some("critical"));
        page.d.worst_now = Some("low".to_owned());
        assert_eq!(page.graver(), None);
    }
}
