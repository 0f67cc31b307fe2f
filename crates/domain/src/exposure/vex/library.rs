//! Statements by the vulnerability that they name: a host's are found without reading all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::Statement;
use crate::exposure::finding::Finding;

/// Statements of kept documents.
#[derive(Clone, Debug, Default)]
pub struct Library {
    statements: Vec<Statement>,
    /// Places by name of the vulnerability in lower case.
    by_name: BTreeMap<String, Vec<usize>>,
}

impl Library {
    /// Puts statements on the shelf.
    #[must_use]
    pub fn of(statements: Vec<Statement>) -> Self {
        let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, statement) in statements.iter().enumerate() {
            for name in std::iter::once(&statement.vulnerability).chain(&statement.aliases) {
                let places = by_name.entry(name.to_ascii_lowercase()).or_default();
                if places.last() != Some(&place) {
                    places.push(place);
                }
            }
        }
        Self { statements, by_name }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// Every statement, in order.
    #[must_use]
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Names of vulnerabilities in lower case, each with what is said about it.
    pub fn by_name(&self) -> impl Iterator<Item = (&str, Vec<&Statement>)> {
        let of = |places: &Vec<usize>| places.iter().filter_map(|place| self.statements.get(*place)).collect();
        self.by_name.iter().map(move |(name, places)| (name.as_str(), of(places)))
    }

    /// The statements that name a vulnerability of some findings, or an advisory about it, in their order.
    #[must_use]
    pub fn about<'a>(&self, findings: impl Iterator<Item = &'a Finding>) -> Vec<Statement> {
        let mut places: BTreeSet<usize> = BTreeSet::new();
        if self.is_empty() {
            return Vec::new();
        }
        for finding in findings {
            for name in std::iter::once(&finding.vuln).chain(&finding.advisories) {
                places.extend(self.by_name.get(&name.to_ascii_lowercase()).into_iter().flatten());
            }
        }
        places.into_iter().filter_map(|place| self.statements.get(place)).cloned().collect()
    }
}
