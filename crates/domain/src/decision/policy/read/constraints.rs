//! The `constraints` section: packages that have to stay within a range of versions, for whom, why and until when.

use patchwright_versions::Scheme;

use super::{Node, Reader};
use crate::decision::constraint::{ConstraintPolicy, ConstraintRule, VersionRange};
use crate::decision::variables::ASSET_SCHEMA;

impl Reader<'_> {
    pub(super) fn constraints(&mut self, node: &Node<'_>) -> Option<ConstraintPolicy> {
        let table = self.table(node, &["rule"])?;
        let mut policy = ConstraintPolicy::default();
        for row in self.list(table, "rule") {
            let Some(rule) = self.constraint(row) else { continue };
            if policy.rules.iter().any(|r| r.name == rule.name) {
                self.problem(row.span().start, format!("two constraints are named `{}`", rule.name), None);
            }
            policy.rules.push(rule);
        }
        Some(policy)
    }

    fn constraint(&mut self, node: &Node<'_>) -> Option<ConstraintRule> {
        let keys = ["name", "package", "versions", "scheme", "when", "owner", "until", "because"];
        let row = self.table(node, &keys)?;
        let name = self.text_of(row, "name");
        let package = self.text_of(row, "package");
        let scheme = self.required(row, "scheme").and_then(|n| self.word(n, &Scheme::ALL.map(|s| (s.name(), s))));
        let text = self.text_of(row, "versions");
        let at = self.optional(row, "versions").map_or(row.at, |n| n.span().start);
        let versions = match (scheme, text) {
            (Some(scheme), Some(text)) => match VersionRange::parse(scheme, &text) {
                Ok(range) => Some(range),
                Err(error) => {
                    let hint = Some("write \"< 3.1\" or \">= 1.1, < 3.1\"".to_owned());
                    self.problem(at, format!("`versions`: {error}"), hint);
                    None
                }
            },
            (None, _) | (_, None) => None,
        };
        let when = self.optional(row, "when").map(|n| self.condition_over(n, ASSET_SCHEMA));
        let owner = self.text_of(row, "owner");
        let until = self.optional(row, "until").map(|n| self.date(n));
        let because = self.text_of(row, "because");
        // A condition or a day that could not be read must not turn into "always".
        if matches!(when, Some(None)) || matches!(until, Some(None)) {
            return None;
        }
        Some(ConstraintRule {
            name: name?,
            package: package?,
            versions: versions?,
            when: when.flatten(),
            owner: owner?,
            until: until.flatten(),
            because: because?,
            line: self.line(node.span().start),
        })
    }
}
