//! Governance: what people decided about findings, within which bounds, and until when.

pub mod coverage;
pub mod document;
pub mod exception;
pub mod not_affected;

use serde::{Deserialize, Serialize};

use crate::ids::UserId;

/// Longest free text of a decision, in bytes.
pub const TEXT_MAX: usize = 4_000;

/// Somebody who asked or decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The person as the audit names them: `usr_…` (also where a token of theirs acted), `local:NAME`.
    pub word: String,
    /// Name for people.
    pub name: String,
}

impl Party {
    /// Whether it is an account of this installation, and not the command line or a part of the server.
    #[must_use]
    pub fn is_account(&self) -> bool {
        UserId::parse(&self.word).is_some()
    }
}

/// A text that says something and is not too long.
fn says_something(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= TEXT_MAX
}
