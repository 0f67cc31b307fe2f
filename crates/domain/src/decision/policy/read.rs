//! TOML to policy values. Collects every problem instead of stopping at the first.

mod authenticity;
mod constraints;
mod exceptions;
mod runtime;

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{
    Clock, DOCUMENT_BYTES_MAX, Goal, KINDS, LIST_MAX, PolicyProblem, ProfileRule, RegulatoryProfile, Rule,
    RuntimePolicy, SlaPolicy, Span, Target, Urgency, UrgencyPolicy,
};
use crate::decision::condition::{Condition, Schema, nearest};
use crate::decision::constraint::ConstraintPolicy;
use crate::decision::profile::Tier;
use crate::decision::ssvc::HumanImpactVariant;
use crate::decision::variables::SCHEMA;
use crate::governance::exception::ExceptionPolicy;
use crate::intel::authenticity::AuthenticityPolicy;
use crate::time::Date;

/// The version of this document shape.
const SCHEMA_VERSION: &str = "1";

pub(super) struct Document {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) valid_from: Date,
    pub(super) valid_to: Option<Date>,
    pub(super) urgency: Option<UrgencyPolicy>,
    pub(super) sla: Option<SlaPolicy>,
    pub(super) authenticity: Option<AuthenticityPolicy>,
    pub(super) runtime: Option<RuntimePolicy>,
    pub(super) constraints: Option<ConstraintPolicy>,
    pub(super) exceptions: Option<ExceptionPolicy>,
}

pub(super) fn document(text: &str) -> Result<Document, Vec<PolicyProblem>> {
    let mut reader = Reader { text, problems: Vec::new() };
    if text.len() > DOCUMENT_BYTES_MAX {
        reader.problem(0, format!("read a policy: longer than {DOCUMENT_BYTES_MAX} bytes"), None);
        return Err(reader.problems);
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        for error in errors.iter().take(LIST_MAX) {
            let at = error.span().map_or(0, |s| s.start);
            reader.problem(at, format!("read TOML: {}", error.message()), None);
        }
        return Err(reader.problems);
    }
    let document = reader.root(root.get_ref());
    match document {
        Some(document) if reader.problems.is_empty() => Ok(document),
        Some(_) | None => {
            reader.problems.sort_by_key(|p| (p.line, p.column));
            Err(reader.problems)
        }
    }
}

type Node<'i> = Spanned<DeValue<'i>>;

struct Reader<'t> {
    text: &'t str,
    problems: Vec<PolicyProblem>,
}

/// A table with the place to blame when something is missing from it.
#[derive(Clone, Copy)]
struct Table<'d, 'i> {
    table: &'d DeTable<'i>,
    at: usize,
}

impl<'t> Reader<'t> {
    fn problem(&mut self, at: usize, message: impl Into<String>, hint: Option<String>) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        self.problems.push(PolicyProblem {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            message: message.into(),
            hint,
        });
    }

    fn line(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or(self.text).matches('\n').count() + 1
    }

    fn root(&mut self, table: &DeTable<'_>) -> Option<Document> {
        let table = Table { table, at: 0 };
        let header = ["schema", "name", "version", "valid_from", "valid_to"];
        for key in table.table.keys() {
            let name = key.get_ref().as_ref();
            if !header.contains(&name) && !KINDS.contains(&name) {
                let hint = nearest(name, header.iter().chain(KINDS).copied()).map_or_else(
                    || format!("known kinds: {}; known keys: {}", KINDS.join(", "), header.join(", ")),
                    |near| format!("did you mean `{near}`? known kinds: {}", KINDS.join(", ")),
                );
                self.problem(key.span().start, format!("unknown policy kind or key `{name}`"), Some(hint));
            }
        }
        let schema = self.required(table, "schema")?;
        if schema.get_ref().as_integer().map(|i| i.as_str()) != Some(SCHEMA_VERSION) {
            let hint = format!("write schema = {SCHEMA_VERSION}");
            self.problem(schema.span().start, "this version reads policy schema 1 only", Some(hint));
        }
        let name = self.text_of(table, "name");
        let version = self.text_of(table, "version");
        let valid_from = self.required(table, "valid_from").and_then(|node| self.date(node));
        let valid_to = self.optional(table, "valid_to").map(|node| self.date(node));
        let urgency = self.optional(table, "urgency").map(|node| self.urgency(node));
        let sla = self.optional(table, "sla").map(|node| self.sla(node));
        let authenticity = self.optional(table, "authenticity").map(|node| self.authenticity(node));
        let runtime = self.optional(table, "runtime").map(|node| self.runtime(node));
        let constraints = self.optional(table, "constraints").map(|node| self.constraints(node));
        let exceptions = self.optional(table, "exceptions").map(|node| self.exceptions(node));
        if let (Some(from), Some(Some(to))) = (valid_from, valid_to)
            && to < from
        {
            let at = self.optional(table, "valid_to").map_or(0, |n| n.span().start);
            self.problem(at, "valid_to is before valid_from", None);
        }
        Some(Document {
            name: name?,
            version: version?,
            valid_from: valid_from?,
            valid_to: valid_to.flatten(),
            urgency: urgency.flatten(),
            sla: sla.flatten(),
            authenticity: authenticity.flatten(),
            runtime: runtime.flatten(),
            constraints: constraints.flatten(),
            exceptions: exceptions.flatten(),
        })
    }

    fn urgency(&mut self, node: &Node<'_>) -> Option<UrgencyPolicy> {
        let table = self.table(node, &["fallback", "assumed_at_most", "human_impact", "rule", "limit"])?;
        let fallback = self.required(table, "fallback").and_then(|n| self.urgency_word(n));
        let assumed = self.required(table, "assumed_at_most").and_then(|n| self.urgency_word(n));
        let human_impact = match self.optional(table, "human_impact") {
            None => Some(HumanImpactVariant::default()),
            Some(n) => self.word(n, &[("text", HumanImpactVariant::Text), ("table", HumanImpactVariant::Table)]),
        };
        let rules = self.rules(table, "rule", "urgency");
        let limits = self.rules(table, "limit", "at_most");
        Some(UrgencyPolicy {
            rules,
            limits,
            fallback: fallback?,
            assumed_at_most: assumed?,
            human_impact: human_impact?,
        })
    }

    fn rules(&mut self, table: Table<'_, '_>, key: &str, class_key: &'static str) -> Vec<Rule> {
        let mut names = BTreeSet::new();
        let mut rules = Vec::new();
        for node in self.list(table, key) {
            let Some(row) = self.table(node, &["name", class_key, "when", "because"]) else {
                continue;
            };
            let name = self.text_of(row, "name");
            let urgency = self.required(row, class_key).and_then(|n| self.urgency_word(n));
            let when = self.required(row, "when").and_then(|n| self.condition(n));
            let because = self.text_of(row, "because");
            if let Some(name) = &name
                && !names.insert(name.clone())
            {
                self.problem(node.span().start, format!("two {key} entries are named `{name}`"), None);
            }
            if let (Some(name), Some(urgency), Some(when), Some(because)) = (name, urgency, when, because) {
                rules.push(Rule { name, urgency, when, because, line: self.line(node.span().start) });
            }
        }
        rules
    }

    fn sla(&mut self, node: &Node<'_>) -> Option<SlaPolicy> {
        let table = self.table(node, &["clock", "internet_tier", "restricted_up", "targets", "profiles", "profile"])?;
        let clock = self.clocks(table);
        let internet_tier = self.optional(table, "internet_tier").map(|n| self.tier(n));
        let restricted_up = match self.optional(table, "restricted_up") {
            None => Some(0),
            Some(n) => self.small(n, 3),
        };
        let mut targets = Vec::new();
        for row in self.list(table, "targets") {
            targets.extend(self.target(row));
        }
        let mut profiles: Vec<RegulatoryProfile> = Vec::new();
        for row in self.list(table, "profile") {
            if let Some(profile) = self.profile(row) {
                if profiles.iter().any(|p| p.id == profile.id) {
                    self.problem(row.span().start, format!("two profiles have the id `{}`", profile.id), None);
                }
                profiles.push(profile);
            }
        }
        let mut active = Vec::new();
        for entry in self.list(table, "profiles") {
            let Some(id) = entry.get_ref().as_str() else {
                self.problem(entry.span().start, "`profiles` lists ids of profiles as texts", None);
                continue;
            };
            if profiles.iter().any(|p| p.id == id) {
                active.push(id.to_owned());
            } else {
                let known = profiles.iter().map(|p| p.id.as_str()).collect::<Vec<_>>().join(", ");
                self.problem(
                    entry.span().start,
                    format!("unknown profile `{id}`"),
                    Some(format!("defined here: {known}")),
                );
            }
        }
        self.gaps(node.span().start, &targets);
        Some(SlaPolicy {
            clock: clock?,
            internet_tier: internet_tier.flatten(),
            restricted_up: restricted_up?,
            targets,
            active,
            profiles,
        })
    }

    /// Every class in every tier needs a target that always applies; otherwise a finding could have no deadline unseen.
    fn gaps(&mut self, at: usize, targets: &[Target]) {
        for urgency in Urgency::ALL {
            for (word, tier) in TIERS {
                let covered = targets.iter().any(|t| t.urgency == urgency && t.tier == *tier && t.when.is_none());
                if !covered {
                    self.problem(
                        at,
                        format!("no target without `when` for urgency {} in tier {word}", urgency.word()),
                        Some("add one to `targets`; `review` alone is enough where no deadline is wanted".to_owned()),
                    );
                }
            }
        }
    }

    fn target(&mut self, node: &Node<'_>) -> Option<Target> {
        let row = self.table(node, &["urgency", "tier", "when", "mitigate", "remediate", "review"])?;
        let urgency = self.required(row, "urgency").and_then(|n| self.urgency_word(n));
        let tier = self.required(row, "tier").and_then(|n| self.tier(n));
        let when = self.optional(row, "when").map(|n| self.condition(n));
        let goal = self.goal(row);
        // A condition that could not be read must not turn into "always".
        let when = match when {
            Some(None) => return None,
            Some(Some(condition)) => Some(condition),
            None => None,
        };
        Some(Target { urgency: urgency?, tier: tier?, when, goal: goal? })
    }

    fn profile(&mut self, node: &Node<'_>) -> Option<RegulatoryProfile> {
        let row = self.table(node, &["id", "title", "clock", "rule"])?;
        let id = self.text_of(row, "id");
        let title = self.text_of(row, "title");
        let clock = self.clocks(row);
        let mut rules = Vec::new();
        for rule in self.list(row, "rule") {
            let Some(entry) = self.table(rule, &["when", "because", "mitigate", "remediate", "review"]) else {
                continue;
            };
            let when = self.required(entry, "when").and_then(|n| self.condition(n));
            let because = self.text_of(entry, "because");
            let goal = self.goal(entry);
            if let (Some(when), Some(because), Some(goal)) = (when, because, goal) {
                rules.push(ProfileRule { when, goal, because });
            }
        }
        Some(RegulatoryProfile { id: id?, title: title?, clock: clock?, rules })
    }

    fn goal(&mut self, row: Table<'_, '_>) -> Option<Goal> {
        let mut spans = [None, None, None];
        let mut good = true;
        for (slot, key) in spans.iter_mut().zip(["mitigate", "remediate", "review"]) {
            if let Some(node) = self.optional(row, key) {
                *slot = node.get_ref().as_str().and_then(Span::parse);
                if slot.is_none() {
                    good = false;
                    let hint = Some("write \"48h\", \"14d\", \"2w\" or \"1mo\"".to_owned());
                    self.problem(node.span().start, format!("`{key}` is not a length of time"), hint);
                }
            }
        }
        let [mitigate, remediate, review] = spans;
        if good && spans.iter().all(Option::is_none) {
            self.problem(row.at, "at least one of mitigate, remediate and review is needed", None);
            good = false;
        }
        good.then_some(Goal { mitigate, remediate, review })
    }

    fn clocks(&mut self, table: Table<'_, '_>) -> Option<Vec<Clock>> {
        let node = self.required(table, "clock")?;
        let words = Clock::ALL.map(|c| (c.word(), c));
        let nodes = self.list(table, "clock");
        if nodes.is_empty() {
            self.problem(node.span().start, "`clock` lists at least one start", Some(choices(&words)));
            return None;
        }
        let mut clocks = Vec::new();
        for entry in nodes {
            clocks.push(self.word(entry, &words)?);
        }
        Some(clocks)
    }

    fn condition(&mut self, node: &Node<'_>) -> Option<Condition> {
        self.condition_over(node, SCHEMA)
    }

    fn condition_over(&mut self, node: &Node<'_>, schema: Schema) -> Option<Condition> {
        let Some(source) = node.get_ref().as_str() else {
            self.problem(node.span().start, "a condition is a text in quotes", None);
            return None;
        };
        match Condition::parse(source, schema) {
            Ok(condition) => Some(condition),
            Err(error) => {
                let at = self.inside(&node.span(), error.offset);
                self.problem(at, format!("condition: {}", error.message), error.hint);
                None
            }
        }
    }

    /// The document offset of an offset inside a quoted text. Exact unless the text uses escapes; then the text's start.
    fn inside(&self, span: &Range<usize>, offset: usize) -> usize {
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let escapes = raw.starts_with('"') && raw.contains('\\');
        if escapes {
            return span.start;
        }
        let quotes = if raw.starts_with("'''") || raw.starts_with("\"\"\"") { 3 } else { 1 };
        // TOML drops a newline that follows the opening quotes of a long text.
        let body = raw.get(quotes..).unwrap_or_default();
        let newline = match (quotes, body) {
            (3, b) if b.starts_with("\r\n") => 2,
            (3, b) if b.starts_with('\n') => 1,
            (_, _) => 0,
        };
        span.start + quotes + newline + offset
    }

    fn table<'d, 'i>(&mut self, node: &'d Node<'i>, known: &[&str]) -> Option<Table<'d, 'i>> {
        let at = node.span().start;
        let Some(table) = node.get_ref().as_table() else {
            self.problem(at, "expected a table", None);
            return None;
        };
        for key in table.keys() {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                let hint = nearest(name, known.iter().copied())
                    .map_or_else(|| format!("known: {}", known.join(", ")), |near| format!("did you mean `{near}`?"));
                self.problem(key.span().start, format!("unknown key `{name}`"), Some(hint));
            }
        }
        Some(Table { table, at })
    }

    fn optional<'d, 'i>(&self, table: Table<'d, 'i>, key: &str) -> Option<&'d Node<'i>> {
        table.table.iter().find(|(k, _)| k.get_ref().as_ref() == key).map(|(_, node)| node)
    }

    fn required<'d, 'i>(&mut self, table: Table<'d, 'i>, key: &str) -> Option<&'d Node<'i>> {
        let found = self.optional(table, key);
        if found.is_none() {
            self.problem(table.at, format!("`{key}` is missing"), None);
        }
        found
    }

    fn list<'d, 'i>(&mut self, table: Table<'d, 'i>, key: &str) -> Vec<&'d Node<'i>> {
        let Some(node) = self.optional(table, key) else {
            return Vec::new();
        };
        let Some(array) = node.get_ref().as_array() else {
            self.problem(node.span().start, format!("`{key}` is a list"), None);
            return Vec::new();
        };
        if array.iter().count() > LIST_MAX {
            self.problem(node.span().start, format!("`{key}` has more than {LIST_MAX} entries"), None);
        }
        array.iter().take(LIST_MAX).collect()
    }

    fn text_of(&mut self, table: Table<'_, '_>, key: &str) -> Option<String> {
        let node = self.required(table, key)?;
        let text = node.get_ref().as_str().filter(|t| !t.trim().is_empty());
        if text.is_none() {
            self.problem(node.span().start, format!("`{key}` is a text that is not empty"), None);
        }
        text.map(str::to_owned)
    }

    fn date(&mut self, node: &Node<'_>) -> Option<Date> {
        let date = node.get_ref().as_datetime().and_then(|d| Date::parse(&d.to_string()));
        if date.is_none() {
            self.problem(node.span().start, "expected a day", Some("write 2026-11-22 without quotes".to_owned()));
        }
        date
    }

    fn small(&mut self, node: &Node<'_>, max: u8) -> Option<u8> {
        let value = node.get_ref().as_integer().and_then(|i| i.as_str().parse::<u8>().ok()).filter(|n| *n <= max);
        if value.is_none() {
            self.problem(node.span().start, format!("expected a number from 0 to {max}"), None);
        }
        value
    }

    fn urgency_word(&mut self, node: &Node<'_>) -> Option<Urgency> {
        self.word(node, &Urgency::ALL.map(|u| (u.word(), u)))
    }

    fn tier(&mut self, node: &Node<'_>) -> Option<Tier> {
        self.word(node, TIERS)
    }

    fn word<T: Copy>(&mut self, node: &Node<'_>, words: &[(&str, T)]) -> Option<T> {
        let text = node.get_ref().as_str();
        let found = words.iter().find(|(word, _)| Some(*word) == text).map(|(_, value)| *value);
        if found.is_none() {
            let shown = text.map_or_else(|| "this value".to_owned(), |t| format!("`{t}`"));
            self.problem(node.span().start, format!("{shown} is not one of the known words"), Some(choices(words)));
        }
        found
    }
}

const TIERS: &[(&str, Tier)] = &[("T1", Tier::T1), ("T2", Tier::T2), ("T3", Tier::T3), ("T4", Tier::T4)];

fn choices<T>(words: &[(&str, T)]) -> String {
    format!("known: {}", words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", "))
}
