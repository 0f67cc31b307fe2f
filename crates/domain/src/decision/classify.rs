//! The urgency of one finding, with every reason and every assumption.

use serde::Serialize;

use super::bod::{self, BodDecision};
use super::condition::{Condition, Truth, Value, Variables};
use super::cvss::{self, CvssScore, Disagreement, EnvironmentalInput, Severity, tenths};
use super::points;
use super::policy::{Policy, Rule, Urgency};
use super::profile::{Exposure, Tier};
use super::sla::DueDates;
use super::ssvc::{self, SsvcDecision};
use super::variables::{Derived, Input, World, same_worlds, variables, vendor_severity};
use crate::intel::ExploitMaturity;

/// How severe the vulnerability is in itself: apart from urgency, and never lowered by the asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeverityRank {
    /// The word; nothing when neither a score nor a vendor's word is known. That is not "none".
    pub value: Option<Severity>,
    /// Where it comes from (`CVSS 3.1 by cna: 9.8`, `vendor: Important`, `nobody has rated it`).
    pub from: String,
}

/// One rule that took part, with what it read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Rule name in the policy; `fallback` when no rule held.
    pub rule: String,
    /// What it means.
    pub text: String,
    /// Variables the rule read, with their values as shown to people.
    pub inputs: Vec<(String, String)>,
    /// What was assumed; empty when the rule holds by facts alone.
    pub assumed: Vec<String>,
}

/// Facts that the ranking weighs; kept so that ranking needs nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RiskFacts {
    /// EPSS score × 100,000, where there is one.
    pub epss_e5: Option<u32>,
    /// In KEV.
    pub kev: bool,
    /// Readiest exploit known.
    pub exploit: Option<ExploitMaturity>,
    /// Reachability of the asset.
    pub exposure: Exposure,
    /// Tier of the asset as its profile says.
    pub tier: Tier,
}

/// The judgement of one finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// Vulnerability id.
    pub vuln: String,
    /// How urgent.
    pub urgency: Urgency,
    /// How severe in itself.
    pub severity: SeverityRank,
    /// The score taken, for this asset.
    pub cvss: Option<CvssScore>,
    /// Who gave the vector that was taken.
    pub cvss_source: Option<String>,
    /// Published assessments that do not fit.
    pub cvss_disagreements: Vec<Disagreement>,
    /// SSVC deployer decision.
    pub ssvc: SsvcDecision,
    /// BOD 26-04 decision.
    pub bod: BodDecision,
    /// The rules that led to the class, facts before assumptions.
    pub because: Vec<Reason>,
    /// What the ranking weighs.
    pub risk: RiskFacts,
    /// Hash of the policy that was applied.
    pub policy_hash: String,
    /// The variables with every assumption at its worst, for deadline conditions.
    #[serde(skip)]
    pub(super) variables: Variables,
}

impl Decision {
    /// Whether a condition holds with everything unknown at its worst: what cannot be told does not hold.
    #[must_use]
    pub fn certainly(&self, condition: &Condition) -> bool {
        condition.holds(&self.variables)
    }

    /// Everything that was assumed anywhere on the way to the class, sorted.
    #[must_use]
    pub fn assumed(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.because.iter().flat_map(|r| r.assumed.iter().map(String::as_str)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// The name under which a removal from KEV is told; no rule of the policy.
pub const KEV_REMOVED: &str = "kev-removed";

/// Most reasons kept; the default policy has eleven rules.
const REASONS_MAX: usize = 16;

/// Judges one finding. Same policy and input, same answer.
#[must_use]
pub fn classify(policy: &Policy, input: &Input<'_>) -> Decision {
    let exploit = points::exploit_maturity(input.vuln);
    let env = EnvironmentalInput::from_profile(input.profile);
    let picked = cvss::pick(&input.vuln.cvss, &env, exploit);
    let (cvss_source, score) = picked.chosen.map(|(_, source, score)| (source, score)).unzip();
    let bod = bod::decide(input.vuln, score.as_ref(), input.profile);
    let ssvc = ssvc::decide(input.vuln, score.as_ref(), input.profile, policy.urgency.human_impact);
    let severity = severity_rank(input, score.as_ref(), cvss_source.as_deref());
    let derived = Derived { cvss: score.as_ref(), severity: severity.value, bod: &bod, ssvc: &ssvc };
    let worst = variables(input, &derived, World::Worst);
    let apart = (!same_worlds(&derived)).then(|| variables(input, &derived, World::Best));
    let worlds = Worlds { worst: &worst, best: apart.as_ref().unwrap_or(&worst), bod: &bod, ssvc: &ssvc };

    let evidence = input.vuln.kev.is_some() || exploit.is_some();
    let (urgency, mut because) = judge(policy, &worlds, evidence);
    // Nothing follows from it; without it nobody could say why the urgency fell.
    because.extend(input.vuln.kev_removed.as_ref().map(|removal| Reason {
        rule: KEV_REMOVED.to_owned(),
        text: format!("{}: that no longer counts", removal.text()),
        inputs: Vec::new(),
        assumed: Vec::new(),
    }));
    Decision {
        vuln: input.vuln.id.clone(),
        urgency,
        severity,
        risk: RiskFacts {
            epss_e5: input.vuln.epss.map(|e| e.score_e5),
            kev: input.vuln.kev.is_some(),
            exploit,
            exposure: input.profile.exposure,
            tier: input.profile.tier,
        },
        cvss: score,
        cvss_source,
        cvss_disagreements: picked.disagreements,
        ssvc,
        bod,
        because,
        policy_hash: policy.hash.clone(),
        variables: worst,
    }
}

struct Worlds<'a> {
    worst: &'a Variables,
    best: &'a Variables,
    bod: &'a BodDecision,
    ssvc: &'a SsvcDecision,
}

fn judge(policy: &Policy, worlds: &Worlds<'_>, evidence: bool) -> (Urgency, Vec<Reason>) {
    let rules = &policy.urgency;
    let mut hits: Vec<(Urgency, Reason)> =
        rules.rules.iter().filter_map(|rule| hit(policy, rule, worlds, evidence)).collect();
    let urgency = hits.iter().map(|(class, _)| *class).max().unwrap_or(rules.fallback).max(rules.fallback);
    hits.retain(|(class, _)| *class == urgency);
    let mut because: Vec<Reason> = hits.into_iter().map(|(_, reason)| reason).collect();
    // Facts before assumptions; the policy's order within each.
    because.sort_by_key(|reason| !reason.assumed.is_empty());
    because.truncate(REASONS_MAX);
    if because.is_empty() {
        because.push(Reason {
            rule: "fallback".to_owned(),
            text: format!("no rule of the policy holds, so it is {}", rules.fallback.word()),
            inputs: Vec::new(),
            assumed: Vec::new(),
        });
    }
    let limit = rules
        .limits
        .iter()
        .filter(|l| l.urgency < urgency)
        .filter(|l| l.when.holds(worlds.worst) && l.when.holds(worlds.best))
        .min_by_key(|l| l.urgency);
    match limit {
        None => (urgency, because),
        Some(limit) => {
            let reason = Reason {
                rule: limit.name.clone(),
                text: format!("{}; without that it would be {}", limit.because, urgency.word()),
                inputs: inputs(limit, worlds.worst),
                assumed: Vec::new(),
            };
            because.insert(0, reason);
            (limit.urgency, because)
        }
    }
}

/// What a rule gives, if it holds by facts, by assumption, or cannot be told.
fn hit(policy: &Policy, rule: &Rule, worlds: &Worlds<'_>, evidence: bool) -> Option<(Urgency, Reason)> {
    if rule.when.holds(worlds.best) {
        let reason = Reason {
            rule: rule.name.clone(),
            text: rule.because.clone(),
            inputs: inputs(rule, worlds.best),
            assumed: Vec::new(),
        };
        return Some((rule.urgency, reason));
    }
    let mut assumed = match rule.when.evaluate(worlds.worst) {
        Truth::False => return None,
        Truth::True => Vec::new(),
        Truth::Unknown(why) => why,
    };
    let mut reads = rule.when.places().map(|(_, name)| name);
    if reads.clone().any(|name| name == "bod.outcome") {
        assumed.extend(assumptions(&worlds.bod.points));
    }
    if reads.any(|name| name.starts_with("ssvc.")) {
        assumed.extend(assumptions(&worlds.ssvc.points));
    }
    assumed.sort_unstable();
    assumed.dedup();
    let capped = !evidence && rule.urgency > policy.urgency.assumed_at_most;
    let urgency = if capped { policy.urgency.assumed_at_most } else { rule.urgency };
    let text = if capped {
        format!(
            "{} if the assumptions hold; assumptions alone count as {} at most",
            rule.because,
            policy.urgency.assumed_at_most.word()
        )
    } else {
        format!("{} if the assumptions hold", rule.because)
    };
    let reason = Reason { rule: rule.name.clone(), text, inputs: inputs(rule, worlds.worst), assumed };
    Some((urgency, reason))
}

fn assumptions(points: &[points::Point]) -> impl Iterator<Item = String> + '_ {
    points.iter().filter(|p| p.assumed).map(|p| format!("{} {}: {}", p.name, p.value, p.because))
}

fn inputs(rule: &Rule, variables: &Variables) -> Vec<(String, String)> {
    rule.when
        .places()
        .map(|(place, name)| (name.to_owned(), variables.get(place).map_or("unknown".to_owned(), show)))
        .collect()
}

fn show(value: &Value) -> String {
    match value {
        Value::Bool(b) => b.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Double(n) => n.to_string(),
        Value::Str(s) => s.clone().into_owned(),
        Value::List(list) => list.iter().map(show).collect::<Vec<_>>().join(", "),
    }
}

fn severity_rank(input: &Input<'_>, score: Option<&CvssScore>, source: Option<&str>) -> SeverityRank {
    if let Some(score) = score {
        return SeverityRank {
            value: Some(score.severity),
            from: format!("CVSS {} by {}: {}", score.version, source.unwrap_or("unknown"), tenths(score.base_e1)),
        };
    }
    match vendor_severity(input.vendor) {
        Some(value) => SeverityRank {
            value: Some(value),
            from: format!(
                "vendor: {}",
                input.vendor.severity.as_deref().or(input.vendor.sub_state.as_deref()).unwrap_or_default()
            ),
        },
        None => SeverityRank { value: None, from: "nobody has rated it".to_owned() },
    }
}

/// The whole judgement as lines for people: class, severity, reasons, tables, deadlines.
#[must_use]
pub fn explain(decision: &Decision, due: Option<&DueDates>) -> Vec<String> {
    let severity = decision.severity.value.map_or("unknown", Severity::word);
    let mut lines = vec![format!(
        "{}: urgency {} ({}), severity {severity} ({})",
        decision.vuln,
        decision.urgency.word(),
        decision.urgency.priority(),
        decision.severity.from
    )];
    for reason in &decision.because {
        lines.push(format!("  because {} [rule {}]", reason.text, reason.rule));
        for (name, value) in &reason.inputs {
            lines.push(format!("    {name} = {value}"));
        }
        lines.extend(reason.assumed.iter().map(|a| format!("    assumed: {a}")));
    }
    if let Some(score) = &decision.cvss {
        lines.push(format!(
            "  {} {} for this asset, base {}  {}",
            score.nomenclature,
            tenths(score.effective_e1),
            tenths(score.base_e1),
            score.vector
        ));
    }
    for disagreement in &decision.cvss_disagreements {
        lines.push(match disagreement {
            Disagreement::Printed { source, published_e1, computed_e1 } => {
                format!("  {source} printed {} but its vector gives {}", tenths(*published_e1), tenths(*computed_e1))
            }
            Disagreement::Other { source, version, base_e1 } => {
                format!("  {source} scores {} (CVSS {version})", tenths(*base_e1))
            }
            Disagreement::Unreadable { source, why } => {
                format!("  vector of {source} left out: {why}")
            }
        });
    }
    for (title, outcome, points) in [
        ("SSVC", decision.ssvc.outcome.word(), &decision.ssvc.points),
        ("BOD 26-04", decision.bod.outcome.word(), &decision.bod.points),
    ] {
        lines.push(format!("  {title}: {outcome}"));
        lines.extend(points.iter().map(|p| format!("    {} = {} ({})", p.name, p.value, p.because)));
    }
    if decision.bod.forensic {
        lines.push("    take evidence before patching".to_owned());
    }
    if let Some(due) = due {
        lines.extend(due.lines().into_iter().map(|l| format!("  {l}")));
    }
    lines
}
