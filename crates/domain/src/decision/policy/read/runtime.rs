//! The `runtime` section: which evidence of a host may set which findings aside, and on whose word.

use super::{Node, Reader, Table};
use crate::decision::policy::{RuntimePolicy, RuntimeRule, Span};
use crate::exposure::runtime::{EvidenceKind, Wanted};
use crate::inventory::Setting;

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
        let known = ["name", "evidence", "when", "approved_by", "expires", "because", "module", "file", "key", "value"];
        let row = self.table(node, &known)?;
        let name = self.text_of(row, "name");
        let words = EvidenceKind::ALL.map(|kind| (kind.word(), kind));
        let kind = self.required(row, "evidence").and_then(|n| self.word(n, &words));
        let evidence = kind.and_then(|kind| self.wanted(row, kind));
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

    /// The evidence with what it is about. Keys of another kind are a mistake: the author meant something else.
    fn wanted(&mut self, row: Table<'_, '_>, kind: EvidenceKind) -> Option<Wanted> {
        let own: &[&str] = match kind {
            EvidenceKind::NotMapped | EvidenceKind::NetworkIsolated | EvidenceKind::ServiceOff => &[],
            EvidenceKind::ModuleBlocked => &["module"],
            EvidenceKind::FeatureOff => &["file", "key", "value"],
        };
        let mut good = true;
        for key in ["module", "file", "key", "value"].iter().filter(|key| !own.contains(key)) {
            if let Some(node) = self.optional(row, key) {
                self.problem(node.span().start, format!("`{key}` does not go with evidence `{}`", kind.word()), None);
                good = false;
            }
        }
        let wanted = match kind {
            EvidenceKind::NotMapped => Wanted::NotMapped,
            EvidenceKind::NetworkIsolated => Wanted::NetworkIsolated,
            EvidenceKind::ServiceOff => Wanted::ServiceOff,
            EvidenceKind::ModuleBlocked => {
                let module = self.text_of(row, "module")?.replace('-', "_");
                if !module.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                    let at = self.optional(row, "module").map_or(row.at, |node| node.span().start);
                    self.problem(at, "`module` is no name of a kernel module", None);
                    good = false;
                }
                Wanted::ModuleBlocked { module }
            }
            EvidenceKind::FeatureOff => {
                let (file, key, value) =
                    (self.text_of(row, "file"), self.text_of(row, "key"), self.text_of(row, "value"));
                let setting = Setting { file: file?, key: key?, value: value? };
                if let Err(why) = readable(&setting.file) {
                    let at = self.optional(row, "file").map_or(row.at, |node| node.span().start);
                    let hint = format!("readable are files under {}", READABLE.join(", "));
                    self.problem(at, format!("`file` {why}"), Some(hint));
                    good = false;
                }
                Wanted::FeatureOff { setting }
            }
        };
        good.then_some(wanted)
    }
}

/// Where configuration lives. A rule can ask about nothing else, so that a policy is no way to look into a host.
const READABLE: [&str; 5] = ["/etc/", "/usr/lib/", "/usr/share/", "/usr/local/etc/", "/opt/"];

/// Names under them that hold secrets.
const SECRET: [&str; 8] = ["shadow", "gshadow", "private", "keys", "keytab", "secret", "passwd", "sudoers"];

/// Whether a rule may name a file.
fn readable(file: &str) -> Result<(), &'static str> {
    if !READABLE.iter().any(|dir| file.starts_with(dir)) {
        return Err("is not under a place of configuration");
    }
    if file.split('/').any(|part| part == "..") || file.ends_with('/') || file.contains("**") {
        return Err("is no plain path of a file");
    }
    let lower = file.to_ascii_lowercase();
    if SECRET.iter().any(|word| lower.contains(word)) || lower.ends_with(".key") || lower.ends_with(".pem") {
        return Err("is a place of secrets");
    }
    Ok(())
}
