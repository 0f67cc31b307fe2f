//! A VEX document of somebody else: what does it say, and what does that do here?

use askama::Template;
use patchwright_domain::access::{Action, Role};
use patchwright_protocol::decisions::VexDocumentDetail;

use crate::view::frame::Frame;
use crate::view::{link, parts, text};

/// Address of a document.
#[must_use]
pub fn address(id: &str) -> String {
    format!("/vex-documents/{}", link::segment(id))
}

/// What was typed and not taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TypedDocument {
    /// Name.
    pub name: String,
    /// The document.
    pub document: String,
    /// Reason.
    pub reason: String,
    /// Last day.
    pub review_by: String,
}

impl TypedDocument {
    /// Whether nothing was typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One document.
#[derive(Template)]
#[template(path = "vex_document.html")]
pub struct VexDocumentPage {
    frame: Frame,
    d: VexDocumentDetail,
}

impl VexDocumentPage {
    /// Prepares the page.
    #[must_use]
    pub fn new(frame: Frame, detail: VexDocumentDetail) -> Self {
        Self { frame, d: detail }
    }

    fn csrf(&self) -> &str {
        self.frame.user.as_ref().map_or("", |u| u.csrf.as_str())
    }

    fn withdraws(&self) -> bool {
        let role = self.frame.user.as_ref().and_then(|user| Role::parse(&user.role));
        self.d.row.state == "kept" && role.is_some_and(|role| role.does(Action::StateNotAffected))
    }

    fn more(&self) -> u64 {
        self.d.row.statements.saturating_sub(self.d.statements.len() as u64)
    }

    /// What a statement does, in words.
    fn does(effect: &str) -> &'static str {
        match effect {
            "applied" => "sets findings aside",
            "open" => "nothing: it is no all-clear",
            "idle" => "nothing: another product or version, overruled, or not final",
            "unmatched" => "nothing: no host has it",
            _ => "nothing any more",
        }
    }
}
