//! The `authenticity` section: named exceptions for artifacts that nothing vouches for.

use super::{Node, Reader, Table};
use crate::intel::authenticity::{AuthenticityException, AuthenticityPolicy, ReasonKind};

impl Reader<'_> {
    pub(super) fn authenticity(&mut self, node: &Node<'_>) -> Option<AuthenticityPolicy> {
        let table = self.table(node, &["exception"])?;
        let mut exceptions: Vec<AuthenticityException> = Vec::new();
        for row in self.list(table, "exception") {
            let Some(exception) = self.exception(row) else { continue };
            if exceptions.iter().any(|e| e.name == exception.name) {
                self.problem(row.span().start, format!("two exceptions are named `{}`", exception.name), None);
            }
            exceptions.push(exception);
        }
        Some(AuthenticityPolicy { exceptions })
    }

    fn exception(&mut self, node: &Node<'_>) -> Option<AuthenticityException> {
        let keys = ["name", "subjects", "excuses", "approvers", "needed", "valid_to", "because"];
        let row = self.table(node, &keys)?;
        let name = self.text_of(row, "name");
        let subjects = self.texts(row, "subjects");
        let excuses = self.texts(row, "excuses");
        for kind in excuses.iter().flatten() {
            if !ReasonKind::EXCEPTABLE.contains(&kind.as_str()) {
                let hint = format!("known: {}", ReasonKind::EXCEPTABLE.join(", "));
                self.problem(row.at, format!("`{kind}` is not a reason that can be excused"), Some(hint));
            }
        }
        let approvers = self.texts(row, "approvers");
        let needed = match self.optional(row, "needed") {
            None => Some(1),
            Some(node) => self.small(node, 9),
        };
        if let (Some(needed), Some(approvers)) = (needed, &approvers)
            && (needed == 0 || usize::from(needed) > approvers.len())
        {
            self.problem(row.at, "`needed` is at least 1 and at most the number of approvers", None);
        }
        let valid_to = self.required(row, "valid_to").and_then(|node| self.date(node));
        let because = self.text_of(row, "because");
        Some(AuthenticityException {
            name: name?,
            subjects: subjects?,
            excuses: excuses?,
            approvers: approvers?,
            needed: needed?,
            valid_to: valid_to?,
            because: because?,
        })
    }

    /// A list of texts that is not empty.
    fn texts(&mut self, table: Table<'_, '_>, key: &str) -> Option<Vec<String>> {
        let at = self.required(table, key)?.span().start;
        let mut texts = Vec::new();
        for node in self.list(table, key) {
            match node.get_ref().as_str().filter(|t| !t.trim().is_empty()) {
                Some(text) => texts.push(text.to_owned()),
                None => self.problem(node.span().start, format!("`{key}` lists texts that are not empty"), None),
            }
        }
        if texts.is_empty() {
            self.problem(at, format!("`{key}` lists at least one text"), None);
            return None;
        }
        Some(texts)
    }
}
