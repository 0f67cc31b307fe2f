//! The `runtime` section: which evidence of a host may set which findings aside, and on whose word.

use super::{Node, Reader};
use crate::decision::policy::{RuntimePolicy, RuntimeRule, Span};
use crate::exposure::runtime::EvidenceKind;

impl Reader<'_> {
    pub(super) fn runtime(&mut self, node: &Node<'_>) -> Option<RuntimePolicy> {
        let table = self.table(node, &["facts_count_for", "rule"])?;
        let mut policy = RuntimePolicy::default();
        if let Some(node) = self.optional(table, "facts_count_for") {
            match node.get_ref().as_str().and_then(Span::parse) {
                Some(span) => policy.facts_count_for = span,
                None => {
                    let hint = Some("write \"24h\" or \"2d\"".to_owned());
                    self.problem(node.span().start, "`facts_count_for` is not a length of time", hint);
                }
            }
        }
        for row in self.list(table, "rule") {
            let Some(rule) = self.runtime_rule(row) else { continue };
            if policy.rules.iter().any(|r| r.name == rule.name) {
                self.problem(row.span().start, format!("two runtime rules are named `{}`", rule.name), None);
            }
            policy.rules.push(rule);
        }
        Some(policy)
    }

    fn runtime_rule(&mut self, node: &Node<'_>) -> Option<RuntimeRule> {
        let row = self.table(node, &["name", "evidence", "when", "approved_by", "expires", "because"])?;
        let name = self.text_of(row, "name");
        let words = EvidenceKind::ALL.map(|kind| (kind.word(), kind));
        let evidence = self.required(row, "evidence").and_then(|n| self.word(n, &words));
        let when = self.required(row, "when").and_then(|n| self.condition(n));
        let approved_by = self.text_of(row, "approved_by");
        let expires = self.required(row, "expires").and_then(|n| self.date(n));
        let because = self.text_of(row, "because");
        Some(RuntimeRule {
            name: name?,
            evidence: evidence?,
            when: when?,
            approved_by: approved_by?,
            expires: expires?,
            because: because?,
        })
    }
}
