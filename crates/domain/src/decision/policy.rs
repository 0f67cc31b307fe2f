//! Policy as code: versioned TOML documents with `valid_from`, read whole, checked with line and column.
//!
//! A document holds sections by kind. Known today: `urgency`, `sla`, `authenticity`, `runtime`, `constraints` and
//! `exceptions`. A kind that a document does not hold comes from the
//! default policy, so that a site writes only what it wants different. [`Policy::hash`] covers everything that took part.

mod read;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::condition::Condition;
use super::constraint::ConstraintPolicy;
use super::profile::Tier;
use super::ssvc::HumanImpactVariant;
use crate::exposure::runtime::Wanted;
use crate::governance::exception::ExceptionPolicy;
use crate::intel::authenticity::AuthenticityPolicy;
use crate::inventory::Setting;
use crate::time::{Date, Timestamp};

/// The kinds of policy that this version understands.
pub const KINDS: &[&str] = &["urgency", "sla", "authenticity", "runtime", "constraints", "exceptions"];
/// Longest document, in bytes; the default policy has a twentieth of it.
pub const DOCUMENT_BYTES_MAX: usize = 256 * 1_024;
/// Most rules, targets or profiles in one list.
pub const LIST_MAX: usize = 500;

/// The policy that ships with the product.
pub const DEFAULT_TEXT: &str = include_str!("../../policy/default.toml");

/// How urgent, in the field's words; later values are more urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Urgency {
    /// P4.
    Low,
    /// P3.
    Medium,
    /// P2.
    High,
    /// P1.
    Critical,
    /// P0.
    Emergency,
}

impl Urgency {
    /// Every class, least urgent first.
    pub const ALL: [Self; 5] = [Self::Low, Self::Medium, Self::High, Self::Critical, Self::Emergency];

    /// The word in documents and on screens.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
            Self::Critical => "Critical",
            Self::Emergency => "Emergency",
        }
    }

    /// The priority number that SLA tables use.
    #[must_use]
    pub fn priority(self) -> &'static str {
        match self {
            Self::Low => "P4",
            Self::Medium => "P3",
            Self::High => "P2",
            Self::Critical => "P1",
            Self::Emergency => "P0",
        }
    }
}

/// A rule: a condition and the class it gives (or, in `limit`, the class it does not let a finding exceed).
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Name, unique in its list.
    pub name: String,
    /// Class.
    pub urgency: Urgency,
    /// When it applies.
    pub when: Condition,
    /// What it means, for people.
    pub because: String,
    /// Line of the rule in its document.
    pub line: usize,
}

/// The `urgency` section.
#[derive(Clone, Debug, PartialEq)]
pub struct UrgencyPolicy {
    /// Rules; the most urgent that holds decides.
    pub rules: Vec<Rule>,
    /// Upper limits; apply only where their condition certainly holds.
    pub limits: Vec<Rule>,
    /// Class when no rule holds.
    pub fallback: Urgency,
    /// The most urgent class that assumptions alone (no exploit evidence, not in KEV) can give.
    pub assumed_at_most: Urgency,
    /// Reading of human impact in SSVC.
    pub human_impact: HumanImpactVariant,
}

/// A length of time in a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// Hours.
    Hours(u16),
    /// Days of 24 hours.
    Days(u16),
    /// Calendar months, the day clamped to the month's length.
    Months(u8),
}

impl Span {
    /// Reads `48h`, `14d`, `2w`, `1mo`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let split = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = text.split_at_checked(split)?;
        let number: u16 = number.parse().ok().filter(|n| *n > 0)?;
        match unit.trim() {
            "h" => Some(Self::Hours(number)),
            "d" => Some(Self::Days(number)),
            "w" => number.checked_mul(7).map(Self::Days),
            "mo" => u8::try_from(number).ok().map(Self::Months),
            _ => None,
        }
    }

    /// This long after `start`.
    #[must_use]
    pub fn after(self, start: Timestamp) -> Timestamp {
        match self {
            Self::Hours(n) => start.plus_hours(i64::from(n)),
            Self::Days(n) => start.plus_days(i64::from(n)),
            Self::Months(n) => start.plus_calendar_months(i32::from(n)),
        }
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hours(n) => write!(f, "{n} h"),
            Self::Days(n) => write!(f, "{n} d"),
            Self::Months(1) => write!(f, "1 calendar month"),
            Self::Months(n) => write!(f, "{n} calendar months"),
        }
    }
}

/// Where a deadline's clock starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// First seen on this host (the default SLA's clock).
    FirstSeen,
    /// The fixed version became available.
    PatchAvailable,
    /// CISA added it to KEV.
    KevAdded,
    /// The vulnerability became public.
    Published,
}

impl Clock {
    /// Every clock.
    pub const ALL: [Self; 4] = [Self::FirstSeen, Self::PatchAvailable, Self::KevAdded, Self::Published];

    /// The word in documents.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::FirstSeen => "first_seen",
            Self::PatchAvailable => "patch_available",
            Self::KevAdded => "kev_added",
            Self::Published => "published",
        }
    }
}

/// What has to be done until when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Goal {
    /// Mitigation proven.
    pub mitigate: Option<Span>,
    /// Fixed and effective.
    pub remediate: Option<Span>,
    /// Looked at again.
    pub review: Option<Span>,
}

/// One cell of the SLA matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Class.
    pub urgency: Urgency,
    /// Tier after the adjustments of the section.
    pub tier: Tier,
    /// Applies only when this holds (or cannot be told); always when absent.
    pub when: Option<Condition>,
    /// Deadlines.
    pub goal: Goal,
}

/// One deadline rule of a regulatory profile.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileRule {
    /// When it applies (or cannot be told).
    pub when: Condition,
    /// Deadlines.
    pub goal: Goal,
    /// What it means, for people.
    pub because: String,
}

/// A regulation with its own clock.
#[derive(Clone, Debug, PartialEq)]
pub struct RegulatoryProfile {
    /// Id (`pci-4.0.1`).
    pub id: String,
    /// Title.
    pub title: String,
    /// The latest of these starts the clock.
    pub clock: Vec<Clock>,
    /// Rules; the earliest deadline counts.
    pub rules: Vec<ProfileRule>,
}

/// The `sla` section.
#[derive(Clone, Debug, PartialEq)]
pub struct SlaPolicy {
    /// The latest of these starts the default clock.
    pub clock: Vec<Clock>,
    /// Tier that an internet-facing asset has at least.
    pub internet_tier: Option<Tier>,
    /// Tiers that restricted data moves an asset up.
    pub restricted_up: u8,
    /// The matrix.
    pub targets: Vec<Target>,
    /// Ids of the regulatory profiles that count, besides the matrix.
    pub active: Vec<String>,
    /// Regulatory profiles that are defined.
    pub profiles: Vec<RegulatoryProfile>,
}

/// Evidence that security lets set findings aside, and which.
#[derive(Clone, Debug, PartialEq)]
pub struct RuntimeRule {
    /// Name, unique in the list.
    pub name: String,
    /// The evidence that is needed.
    pub evidence: Wanted,
    /// Findings that it may set aside; must hold for certain.
    pub when: Condition,
    /// Who approved it.
    pub approved_by: String,
    /// First day on which it no longer counts.
    pub expires: Date,
    /// Why it is safe, for people.
    pub because: String,
}

/// The `runtime` section. Without rules nothing is set aside.
#[derive(Clone, Debug, PartialEq)]
pub struct RuntimePolicy {
    /// Facts older than this are no evidence.
    pub facts_count_for: Span,
    /// Rules.
    pub rules: Vec<RuntimeRule>,
}

impl Default for RuntimePolicy {
    fn default() -> Self {
        Self { facts_count_for: Span::Hours(24), rules: Vec::new() }
    }
}

impl RuntimePolicy {
    /// What a host is asked about its configuration: the questions of rules that still count, each once. Nothing else of its
    /// configuration is read.
    #[must_use]
    pub fn settings(&self, now: Timestamp) -> Vec<Setting> {
        let mut out: Vec<Setting> = Vec::new();
        for rule in self.rules.iter().filter(|rule| now < rule.expires.start()) {
            if let Wanted::FeatureOff { setting } = &rule.evidence
                && !out.contains(setting)
            {
                out.push(setting.clone());
            }
        }
        out
    }
}

/// A checked policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Name.
    pub name: String,
    /// Version, as the author counts.
    pub version: String,
    /// First day it applies.
    pub valid_from: Date,
    /// Last day it applies.
    pub valid_to: Option<Date>,
    /// How urgent.
    pub urgency: UrgencyPolicy,
    /// Until when.
    pub sla: SlaPolicy,
    /// What may enter without proof, and on whose word; empty where the document does not say.
    pub authenticity: AuthenticityPolicy,
    /// Which evidence of a host may set which findings aside; empty where the document does not say.
    pub runtime: RuntimePolicy,
    /// Which packages have to stay where they are, for whom; empty where the document does not say.
    pub constraints: ConstraintPolicy,
    /// How long exceptions may last; the default bounds where the document does not say.
    pub exceptions: ExceptionPolicy,
    /// SHA-256 over the document, and over the default policy where a section came from it; lower-case hex.
    pub hash: String,
}

impl Policy {
    /// Every condition that takes part in a class or a deadline; of regulatory profiles only the active ones.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let urgency = self.urgency.rules.iter().chain(&self.urgency.limits).map(|r| &r.when);
        let matrix = self.sla.targets.iter().filter_map(|t| t.when.as_ref());
        let active = self.sla.profiles.iter().filter(|p| self.sla.active.contains(&p.id));
        urgency.chain(matrix).chain(active.flat_map(|p| p.rules.iter().map(|r| &r.when)))
    }
}

/// Something wrong in a policy document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyProblem {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Lower-case fragment.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl std::fmt::Display for PolicyProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl Policy {
    /// Reads a document.
    ///
    /// # Errors
    /// Every problem found, in the order of the document: syntax, unknown keys and kinds, bad conditions, gaps in the matrix.
    pub fn parse(text: &str) -> Result<Self, Vec<PolicyProblem>> {
        let document = read::document(text)?;
        let (urgency, sla, hash) = match (document.urgency, document.sla) {
            (Some(urgency), Some(sla)) => (urgency, sla, digest(&[text])),
            (urgency, sla) => {
                let default = read::document(DEFAULT_TEXT)?;
                let (Some(default_urgency), Some(default_sla)) = (default.urgency, default.sla) else {
                    return Err(vec![PolicyProblem {
                        line: 1,
                        column: 1,
                        message: "complete the policy from the default one: the default policy has to hold every kind"
                            .to_owned(),
                        hint: None,
                    }]);
                };
                (urgency.unwrap_or(default_urgency), sla.unwrap_or(default_sla), digest(&[text, DEFAULT_TEXT]))
            }
        };
        Ok(Self {
            name: document.name,
            version: document.version,
            valid_from: document.valid_from,
            valid_to: document.valid_to,
            urgency,
            sla,
            authenticity: document.authenticity.unwrap_or_default(),
            runtime: document.runtime.unwrap_or_default(),
            constraints: document.constraints.unwrap_or_default(),
            exceptions: document.exceptions.unwrap_or_default(),
            hash,
        })
    }

    /// The policy that ships with the product.
    ///
    /// # Errors
    /// Never for a released build: a test reads it.
    pub fn shipped() -> Result<Self, Vec<PolicyProblem>> {
        Self::parse(DEFAULT_TEXT)
    }

    /// Why it does not apply on a day; nothing where it does.
    #[must_use]
    pub fn outside(&self, day: Date) -> Option<String> {
        let name = format!("{} {}", self.name, self.version);
        match self.valid_to {
            Some(to) if to < day => Some(format!("the policy `{name}` ended on {to} (`valid_to`)")),
            _ if self.valid_from > day => {
                Some(format!("the policy `{name}` applies from {} on (`valid_from`)", self.valid_from))
            }
            _ => None,
        }
    }

    /// The policy of several versions that applies on a day: the latest `valid_from` that is not after it, unless it has ended.
    #[must_use]
    pub fn in_force(versions: &[Self], day: Date) -> Option<&Self> {
        versions
            .iter()
            .filter(|p| p.valid_from <= day && p.valid_to.is_none_or(|to| day <= to))
            .max_by_key(|p| p.valid_from)
    }
}

fn digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        // The length first, so that moving text between two parts changes the hash.
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hex::encode(hasher.finalize())
}
