//! The one error of this crate.

use std::fmt;

use crate::Scheme;

/// Longest part of a refused text that an error keeps, in bytes: enough to recognise a version (the
/// longest in Debian is below 80), short enough that a megabyte of rubbish does not travel into logs.
const KEPT_BYTES_MAX: usize = 200;

/// A text that its scheme does not allow as a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionError {
    scheme: Scheme,
    text: String,
    reason: &'static str,
}

impl VersionError {
    pub(crate) fn new(scheme: Scheme, text: &str, reason: &'static str) -> Self {
        let mut kept = String::with_capacity(text.len().min(KEPT_BYTES_MAX));
        for c in text.chars() {
            if kept.len() + c.len_utf8() > KEPT_BYTES_MAX {
                kept.push('…');
                break;
            }
            kept.push(c);
        }
        Self { scheme, text: kept, reason }
    }

    /// The scheme whose rules were applied.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The refused text; a text longer than 200 bytes is cut and ends in `…`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is wrong with it, as a lowercase fragment.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        self.reason
    }
}

impl fmt::Display for VersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Debug quoting, so that control characters of a hostile feed do not reach a terminal.
        write!(f, "failed to read {:?} as a version in the {} scheme: {}", self.text, self.scheme, self.reason)
    }
}

impl std::error::Error for VersionError {}
