//! A small readable language over a fleet's findings: `cve:CVE-2026-* and zone:dmz and not is:excepted`.
//!
//! ```text
//! query  = or
//! or     = and { "or" and }
//! and    = not { [ "and" ] not }        terms side by side are joined by "and"
//! not    = "not" not | "(" or ")" | term
//! term   = field ":" value { "," value }       any of the values; "*" stands for any characters
//!        | field ( ">" | ">=" | "<" | "<=" | "=" ) value
//!        | word                               part of a host's name, a package's name or a vulnerability's id
//! ```
//! Upper and lower case are the same. Values with spaces, commas or parentheses stand in double quotes. Findings that
//! are set aside are in no answer unless the query asks about them (`is:set-aside`). What is not known (a
//! missing score, no EPSS) fulfils no comparison. [`parse`] reads the text, [`Asking`] answers it.

mod eval;
mod gather;
mod parse;
#[cfg(test)]
mod tests;

pub use eval::{Answer, Asking, Bucket, BucketKey, Found, GroupBy, HostRows};
pub use parse::{FIELDS, QueryError, narrowed, parse, term};

use crate::intel::names::normal_name;

/// A query that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub(super) root: Expr,
    pub(super) terms: Vec<Term>,
}

impl Query {
    /// Whether it asks about deadlines: those are looked at host by host.
    #[must_use]
    pub fn reads_deadlines(&self) -> bool {
        self.terms.contains(&Term::Is(Flag::Overdue))
    }

    /// Whether it asks about findings that are set aside: without asking they are left out.
    #[must_use]
    pub fn reads_set_aside(&self) -> bool {
        self.terms.contains(&Term::Is(Flag::SetAside))
    }
}

/// How terms are joined.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    /// The empty query: every finding.
    All,
    /// A place in [`Query::terms`].
    Term(usize),
    Not(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
}

/// What one term asks of a finding.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Term {
    /// A text of the finding or its host equals one of the patterns.
    Text(TextField, Vec<Pattern>),
    /// Classes, as a set of places: see the function that gives the place of each.
    Tier(Set),
    Exposure(Set),
    Data(Set),
    Urgency(Set),
    Severity(Set),
    State(Set),
    /// EPSS probability × 100,000.
    Epss(Op, f64),
    /// CVSS base score × 10.
    Cvss(Op, f64),
    Is(Flag),
    /// A word without a field.
    Word(Pattern),
}

/// Fields that are compared as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextField {
    Vuln,
    Package,
    /// The source package alone: the name of a patch.
    Source,
    /// Where the package is from.
    Ecosystem,
    Host,
    /// The operating system of the host.
    Os,
    Environment,
    Zone,
    Owner,
    Service,
    Tag,
}

/// States that a finding is in or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flag {
    Kev,
    Exploited,
    Overdue,
    Excepted,
    SetAside,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Greater,
    AtLeast,
    Less,
    AtMost,
    Equal,
}

impl Op {
    pub(super) fn holds(self, have: f64, want: f64) -> bool {
        match self {
            Self::Greater => have > want,
            Self::AtLeast => have >= want,
            Self::Less => have < want,
            Self::AtMost => have <= want,
            Self::Equal => (have - want).abs() < 1e-6,
        }
    }
}

/// Places of at most eight classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set(pub(super) u8);

impl Set {
    pub(super) fn has(self, place: usize) -> bool {
        place < 8 && self.0 & (1 << place) != 0
    }

    pub(super) fn add(&mut self, place: usize) {
        if place < 8 {
            self.0 |= 1 << place;
        }
    }
}

/// A text in lower case in which `*` stands for any characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    pieces: Vec<String>,
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        Self { pieces: text.to_lowercase().split('*').map(str::to_owned).collect() }
    }

    /// For words: found anywhere, unless it has a `*`.
    pub(super) fn within(text: &str) -> Self {
        if text.contains('*') { Self::new(text) } else { Self::new(&format!("*{text}*")) }
    }

    /// Whether it stands for the whole of a text.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let (Some(first), Some(last)) = (self.pieces.first(), self.pieces.last()) else { return false };
        if self.pieces.len() == 1 {
            return text == *first;
        }
        let Some(rest) = text.strip_prefix(first.as_str()) else { return false };
        let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
        // The leftmost place of each piece leaves the most for those after it.
        for piece in self.pieces.get(1..self.pieces.len() - 1).unwrap_or(&[]) {
            match rest.find(piece.as_str()) {
                Some(at) => rest = rest.get(at + piece.len()..).unwrap_or(""),
                None => return false,
            }
        }
        true
    }

    /// For package names of an ecosystem: in the spelling that it compares, so that `Zope.Interface` means `zope-interface`.
    pub(super) fn in_ecosystem(&self, ecosystem: &str) -> Self {
        Self { pieces: self.pieces.iter().map(|piece| normal_name(ecosystem, piece).into_owned()).collect() }
    }

    /// For ecosystems: the family alone (`debian`) means each of its releases.
    pub(super) fn matches_family(&self, text: &str) -> bool {
        self.matches(text) || text.split_once(':').is_some_and(|(family, _)| self.matches(family))
    }
}
