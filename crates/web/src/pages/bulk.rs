//! One change of all hosts that a query names: what would it do?

use askama::Template;

use super::Choice;
use crate::view::frame::Frame;
use crate::view::{Html, link, parts, text};

/// Hosts that the preview names; the rest are counted and one link away.
pub const SHOWN: usize = 100;

/// Kinds of a change: word, label.
const KINDS: [(&str, &str); 4] =
    [("tag", "add a tag"), ("untag", "remove a tag"), ("owner", "set the owner"), ("tier", "set the tier")];

/// One host of a preview.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PreviewRow {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// The field before.
    pub before: String,
    /// The field afterwards.
    pub after: String,
}

/// What a change would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Preview {
    /// Hosts that the query names.
    pub hosts: u64,
    /// Hosts that would change.
    pub changed: u64,
    /// The first of them by name.
    pub rows: Vec<PreviewRow>,
    /// What the confirmation is bound to.
    pub digest: String,
}

/// What the reader asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Asked {
    /// Query.
    pub q: String,
    /// Kind of the change.
    pub kind: String,
    /// Its value.
    pub value: String,
}

/// Choosing a change, and confirming what was counted.
#[derive(Template)]
#[template(path = "bulk.html")]
pub struct BulkPage {
    frame: Frame,
    csrf: String,
    asked: Asked,
    preview: Option<Preview>,
    /// Why nothing was counted or done.
    refused: Option<String>,
}

impl BulkPage {
    /// Prepares the page.
    #[must_use]
    pub fn new(frame: Frame, asked: Asked, preview: Option<Preview>, refused: Option<String>) -> Self {
        let csrf = frame.user.as_ref().map(|u| u.csrf.clone()).unwrap_or_default();
        Self { frame, csrf, asked, preview, refused }
    }

    fn kinds(&self) -> Vec<Choice> {
        super::choices(&KINDS, &self.asked.kind)
    }

    fn findings(&self) -> String {
        link::findings(&self.asked.q, "host").href()
    }

    /// The change in words, for `n` hosts: `tag 1,204 hosts with “pci”`.
    fn sentence(&self, n: u64) -> String {
        let (hosts, value) = (text::count(n, "host", "hosts"), &self.asked.value);
        match self.asked.kind.as_str() {
            "tag" => format!("tag {hosts} with “{value}”"),
            "untag" => format!("take the tag “{value}” from {hosts}"),
            "owner" => format!("make “{value}” the owner of {hosts}"),
            "tier" => format!("put {hosts} into tier {value}"),
            other => format!("{other} {hosts}"),
        }
    }

    fn changed(&self, p: &Preview) -> Html {
        parts::number(p.changed)
    }

    fn more(&self, p: &Preview) -> u64 {
        p.changed.saturating_sub(text::Num::num(&p.rows.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_said_in_numbers() {
        let asked = |kind: &str| Asked { q: String::new(), kind: kind.to_owned(), value: "T1".to_owned() };
        let said = |kind: &str, n| BulkPage::new(Frame::default(), asked(kind), None, None).sentence(n);
        assert_eq!(said("tag", 1_204), "tag 1,204 hosts with “T1”");
        assert_eq!(said("tier", 1), "put 1 host into tier T1");
    }
}
