//! What stands against an upgrade before a plan is final: declared legacy constraints, and what the package manager's own
//! simulation keeps back or would remove. Each conflict carries the chain from the patch to whoever answers for the obstacle, and
//! becomes the draft of an exception instead of a failed installation.

mod range;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::condition::{Condition, Truth};
use super::profile::AssetProfile;
use super::variables::asset_variables;
use crate::ids::ExceptionId;
use crate::inventory::{HostFacts, KeptBack};
use crate::time::{Date, Timestamp};

pub use range::{RangeError, VersionRange};

/// Days that a draft proposes at most; an exception without an end is a decision to stay vulnerable.
pub const DRAFT_DAYS_MAX: i64 = 90;

/// Dependency lines that one chain shows.
const LINES_MAX: usize = 5;

/// A package that has to stay within a range of versions.
#[derive(Clone, Debug, PartialEq)]
pub struct ConstraintRule {
    /// Name, unique in its document.
    pub name: String,
    /// Binary or source package.
    pub package: String,
    /// Versions that are allowed.
    pub versions: VersionRange,
    /// Assets that it is about; all without one. Also applies where it cannot be told.
    pub when: Option<Condition>,
    /// Who answers for it.
    pub owner: String,
    /// Last day on which it holds.
    pub until: Option<Date>,
    /// Why, for people.
    pub because: String,
    /// Line of the rule in its document.
    pub line: usize,
}

impl ConstraintRule {
    /// Whether it no longer holds on a day.
    #[must_use]
    pub fn has_lapsed(&self, today: Date) -> bool {
        self.until.is_some_and(|until| until < today)
    }
}

/// The `constraints` section. Without rules only the package manager speaks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConstraintPolicy {
    /// Rules.
    pub rules: Vec<ConstraintRule>,
}

/// What kind of obstacle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// A declared constraint does not allow the version.
    Declared,
    /// The package manager's solver keeps the upgrade back.
    KeptBack,
    /// An administrator holds the package.
    Held,
    /// The full upgrade would remove an installed package.
    Removal,
}

impl Obstacle {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Declared, Self::KeptBack, Self::Held, Self::Removal];

    /// The stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::KeptBack => "kept_back",
            Self::Held => "held",
            Self::Removal => "removal",
        }
    }

    /// The word on screens.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Declared => "declared constraint",
            Self::KeptBack => "dependency",
            Self::Held => "hold",
            Self::Removal => "removal",
        }
    }
}

/// What one link of a chain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// The upgrade of a source package.
    Patch,
    /// The binary package that it changes.
    Package,
    /// The declared constraint.
    Constraint,
    /// The dependency, in the package manager's words.
    Dependency,
    /// Why the obstacle is there.
    Reason,
    /// Who answers for it.
    Owner,
}

impl LinkKind {
    /// The word on screens and in documents.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Package => "package",
            Self::Constraint => "constraint",
            Self::Dependency => "dependency",
            Self::Reason => "reason",
            Self::Owner => "owner",
        }
    }
}

/// One link of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChainLink {
    /// What it is.
    pub kind: LinkKind,
    /// In words.
    pub text: String,
}

/// An upgrade and what stands against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// What kind of obstacle.
    pub obstacle: Obstacle,
    /// Source package of the patch; the removed package where the full upgrade would remove one.
    pub source: String,
    /// Binary package.
    pub package: String,
    /// Installed version; empty for a new package.
    pub from: String,
    /// Version after the upgrade; empty for a removal.
    pub to: String,
    /// Name of the declared constraint.
    pub rule: Option<String>,
    /// Who answers for the obstacle; nothing when nobody has said.
    pub owner: Option<String>,
    /// Last day of the obstacle, where it has one.
    pub until: Option<Date>,
    /// From the patch to the owner.
    pub chain: Vec<ChainLink>,
}

/// What the constraints of a policy and the package manager say about a host's pending upgrades.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Review {
    /// Conflicts, by source, package and obstacle.
    pub conflicts: Vec<Conflict>,
    /// Declared constraints that would have spoken but have lapsed: one sentence each.
    pub lapsed: Vec<String>,
}

/// One change that is on offer.
struct Change<'a> {
    package: &'a str,
    source: String,
    from: &'a str,
    to: &'a str,
}

/// Checks every pending upgrade before anything is planned. Same inputs, same answer.
#[must_use]
pub fn review(host: &HostFacts, profile: &AssetProfile, policy: &ConstraintPolicy, now: Timestamp) -> Review {
    let mut out = Review::default();
    let sources = sources(host);
    let changes = changes(host, &sources);
    let variables = asset_variables(profile);
    for rule in &policy.rules {
        let assumed = match rule.when.as_ref().map(|when| when.evaluate(&variables)) {
            None | Some(Truth::True) => Vec::new(),
            Some(Truth::False) => continue,
            Some(Truth::Unknown(why)) => why,
        };
        for change in changes.iter().filter(|c| c.package == rule.package || c.source == rule.package) {
            let allowed = rule.versions.allows(change.to);
            if allowed == Ok(true) {
                continue;
            }
            if rule.has_lapsed(now.date()) {
                let day = rule.until.map(|d| d.to_string()).unwrap_or_default();
                out.lapsed.push(format!(
                    "constraint `{}` ({} {}) lapsed after {day} and no longer stands against {} {}",
                    rule.name, rule.package, rule.versions, change.package, change.to
                ));
                continue;
            }
            out.conflicts.push(declared(rule, change, &assumed, allowed.err().map(|e| e.to_string())));
        }
    }
    kept_back(host, profile, &sources, &mut out);
    removals(host, profile, policy, &sources, &variables, now, &mut out);
    out.conflicts.sort_by(|a, b| {
        (&a.source, &a.package, a.obstacle, &a.rule).cmp(&(&b.source, &b.package, b.obstacle, &b.rule))
    });
    out.conflicts.dedup();
    out.lapsed.sort();
    out.lapsed.dedup();
    out
}

/// Source package of each binary package that is installed or on offer.
fn sources(host: &HostFacts) -> BTreeMap<&str, &str> {
    let installed = host.packages.iter().map(|p| (p.name.as_str(), p.source.as_str()));
    let offered = host.pending.iter().map(|p| (p.name.as_str(), p.source.as_str()));
    installed.chain(offered).filter(|(_, source)| !source.is_empty()).collect()
}

/// Everything that the transaction or a repository would change, each once.
fn changes<'a>(host: &'a HostFacts, sources: &BTreeMap<&str, &str>) -> Vec<Change<'a>> {
    let steps = host
        .transaction
        .iter()
        .flat_map(|t| &t.steps)
        .filter_map(|s| Some((s.name.as_str(), s.from.as_deref().unwrap_or_default(), s.to.as_deref()?)));
    let pending = host.pending.iter().map(|p| (p.name.as_str(), p.installed.as_str(), p.candidate.as_str()));
    let mut seen = BTreeSet::new();
    steps
        .chain(pending)
        .filter(|(package, _, to)| seen.insert((*package, *to)))
        .map(|(package, from, to)| Change {
            package,
            source: sources.get(package).copied().unwrap_or(package).to_owned(),
            from,
            to,
        })
        .collect()
}

fn link(kind: LinkKind, text: impl Into<String>) -> ChainLink {
    ChainLink { kind, text: text.into() }
}

fn moved(name: &str, from: &str, to: &str) -> String {
    match (from.is_empty(), to.is_empty()) {
        (true, _) => format!("{name} {to} (new)"),
        (false, true) => format!("{name} {from} → a newer version that nobody named"),
        (false, false) => format!("{name} {from} → {to}"),
    }
}

fn declared(rule: &ConstraintRule, change: &Change<'_>, assumed: &[String], unreadable: Option<String>) -> Conflict {
    let until = rule.until.map(|d| format!(", until {d}")).unwrap_or_default();
    let mut chain = vec![
        link(LinkKind::Patch, moved(&change.source, change.from, change.to)),
        link(LinkKind::Package, moved(change.package, change.from, change.to)),
        link(LinkKind::Constraint, format!("{}: {} {}{until}", rule.name, rule.package, rule.versions)),
        link(LinkKind::Reason, rule.because.clone()),
    ];
    if let Some(why) = unreadable {
        chain.push(link(LinkKind::Reason, format!("counts as outside of the range: {why}")));
    }
    if !assumed.is_empty() {
        let text = format!("applies because it cannot be told that it does not: {}", assumed.join(", "));
        chain.push(link(LinkKind::Reason, text));
    }
    chain.push(link(LinkKind::Owner, rule.owner.clone()));
    Conflict {
        obstacle: Obstacle::Declared,
        source: change.source.clone(),
        package: change.package.to_owned(),
        from: change.from.to_owned(),
        to: change.to.to_owned(),
        rule: Some(rule.name.clone()),
        owner: Some(rule.owner.clone()),
        until: rule.until,
        chain,
    }
}

fn owner_of(profile: &AssetProfile) -> Option<String> {
    Some(profile.owner.clone()).filter(|o| !o.is_empty())
}

fn owner_link(owner: Option<&String>) -> ChainLink {
    let text = owner.map_or_else(
        || "nobody has said who owns this host".to_owned(),
        |owner| format!("{owner} (owner of this host)"),
    );
    link(LinkKind::Owner, text)
}

/// Upgrades that the solver or an administrator keeps back. What comes by itself, and what only the cautious command keeps back
/// while the simulated transaction takes it, is no conflict.
fn kept_back(host: &HostFacts, profile: &AssetProfile, sources: &BTreeMap<&str, &str>, out: &mut Review) {
    let Some(transaction) = &host.transaction else { return };
    let taken = |kept: &KeptBack| {
        // What would be removed is said as a removal.
        transaction.steps.iter().any(|s| s.name == name_of(kept) && s.to.is_none())
            || transaction
                .steps
                .iter()
                .any(|s| s.name == name_of(kept) && s.to.as_deref() == Some(kept.candidate.as_str()))
    };
    let waits = |kept: &KeptBack| kept.phased.is_some() && !kept.held;
    for kept in transaction.kept_back.iter().filter(|k| !taken(k) && !waits(k)) {
        let name = name_of(kept);
        let source = sources.get(name).copied().unwrap_or(name);
        let mut chain = vec![
            link(LinkKind::Patch, moved(source, &kept.installed, &kept.candidate)),
            link(LinkKind::Package, moved(name, &kept.installed, &kept.candidate)),
        ];
        let lines = kept.because.iter().take(LINES_MAX).map(|line| link(LinkKind::Dependency, line.clone()));
        if kept.held {
            chain.push(link(LinkKind::Reason, "an administrator holds the package"));
        } else {
            chain.extend(lines);
            let command = Some(transaction.simulated.as_str()).filter(|c| !c.is_empty()).unwrap_or("the simulation");
            chain.push(link(LinkKind::Reason, format!("the package manager keeps it back ({command})")));
        }
        let owner = owner_of(profile);
        chain.push(owner_link(owner.as_ref()));
        out.conflicts.push(Conflict {
            obstacle: if kept.held { Obstacle::Held } else { Obstacle::KeptBack },
            source: source.to_owned(),
            package: name.to_owned(),
            from: kept.installed.clone(),
            to: kept.candidate.clone(),
            rule: None,
            owner,
            until: None,
            chain,
        });
    }
}

/// `name` of `name:arch`.
fn name_of(kept: &KeptBack) -> &str {
    kept.name.split(':').next().unwrap_or_default()
}

/// Installed packages that the transaction would remove without putting another version of them in place.
fn removals(
    host: &HostFacts,
    profile: &AssetProfile,
    policy: &ConstraintPolicy,
    sources: &BTreeMap<&str, &str>,
    variables: &super::condition::Variables,
    now: Timestamp,
    out: &mut Review,
) {
    let Some(transaction) = &host.transaction else { return };
    let stays = |name: &str| transaction.steps.iter().any(|s| s.name == name && s.to.is_some());
    for step in transaction.steps.iter().filter(|s| s.to.is_none() && !stays(&s.name)) {
        let from = step.from.clone().unwrap_or_default();
        let rule = policy.rules.iter().find(|r| {
            r.package == step.name
                && !r.has_lapsed(now.date())
                && r.when.as_ref().is_none_or(|w| w.evaluate(variables) != Truth::False)
        });
        let removed = format!("the full upgrade would remove {} {from} ({})", step.name, transaction.simulated);
        let broken: Vec<_> = transaction.broken.iter().filter(|b| b.package == step.name).take(LINES_MAX).collect();
        let cause = broken
            .first()
            .and_then(|b| transaction.steps.iter().find(|s| s.name == b.by).and_then(|s| Some((s, s.to.as_deref()?))));
        let mut chain = match cause {
            Some((by, to)) => {
                let before = by.from.as_deref().unwrap_or_default();
                let source = sources.get(by.name.as_str()).copied().unwrap_or(&by.name);
                vec![
                    link(LinkKind::Patch, moved(source, before, to)),
                    link(LinkKind::Package, moved(&by.name, before, to)),
                ]
            }
            None => vec![link(LinkKind::Package, format!("{} {from}", step.name))],
        };
        chain.extend(broken.iter().map(|b| link(LinkKind::Dependency, b.dependency.clone())));
        chain.push(link(LinkKind::Reason, removed));
        let owner = match rule {
            Some(rule) => {
                chain.push(link(LinkKind::Constraint, format!("{}: {} {}", rule.name, rule.package, rule.versions)));
                chain.push(link(LinkKind::Reason, rule.because.clone()));
                chain.push(link(LinkKind::Owner, rule.owner.clone()));
                Some(rule.owner.clone())
            }
            None => {
                let owner = owner_of(profile);
                chain.push(owner_link(owner.as_ref()));
                owner
            }
        };
        out.conflicts.push(Conflict {
            obstacle: Obstacle::Removal,
            source: step.name.clone(),
            package: step.name.clone(),
            from,
            to: String::new(),
            rule: rule.map(|r| r.name.clone()),
            owner,
            until: rule.and_then(|r| r.until),
            chain,
        });
    }
}

/// What is still missing before a draft can be put to anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Nobody answers for the obstacle.
    Owner,
    /// What lowers the risk meanwhile.
    CompensatingControl,
    /// Somebody who may accept the risk.
    Approval,
}

impl Missing {
    /// The words on screens.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Owner => "an owner",
            Self::CompensatingControl => "a compensating control",
            Self::Approval => "an approval",
        }
    }
}

/// An exception that somebody would have to ask for, prepared as far as facts go. It grants nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionDraft {
    /// Id.
    pub id: ExceptionId,
    /// When it was drafted.
    pub drafted_at: Timestamp,
    /// The host.
    pub host: String,
    /// What stands against what.
    pub conflict: Conflict,
    /// Vulnerabilities that stay open meanwhile, sorted.
    pub stays_open: Vec<String>,
    /// Proposed last day: that of the obstacle, and at most [`DRAFT_DAYS_MAX`] days away.
    pub expires: Date,
    /// What is missing.
    pub missing: Vec<Missing>,
}

/// Drafts an exception for a conflict.
#[must_use]
pub fn draft(
    id: ExceptionId,
    host: &str,
    conflict: Conflict,
    stays_open: BTreeSet<String>,
    now: Timestamp,
) -> ExceptionDraft {
    let latest = now.plus_days(DRAFT_DAYS_MAX).date();
    let mut missing = vec![Missing::CompensatingControl, Missing::Approval];
    if conflict.owner.is_none() {
        missing.insert(0, Missing::Owner);
    }
    ExceptionDraft {
        id,
        drafted_at: now,
        host: host.to_owned(),
        expires: conflict.until.map_or(latest, |until| until.min(latest)),
        conflict,
        stays_open: stays_open.into_iter().collect(),
        missing,
    }
}
