//! What a host shows about itself, as statements: a finding whose code certainly does not run here may be set aside, for a
//! while, where security approved that kind of evidence.
//!
//! The statements go the way of every other ([`super::vex`]): they lapse with their facts, so that a finding comes back by
//! itself, and they never change a PCI DSS result. What could not be looked at is never evidence.

use serde::{Deserialize, Serialize};

use super::finding::Finding;
use super::vex::{Component, Identity, Justification, Product, Source, Statement, VexStatus, package_purl};
use crate::inventory::HostFacts;
use crate::time::Timestamp;

/// A kind of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// No process has code of the packages loaded, and they have no command that could be started.
    NotMapped,
    /// The asset is isolated and the vulnerability is exploited over a network (`AV:N`).
    NetworkIsolated,
}

impl EvidenceKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::NotMapped, Self::NetworkIsolated];

    /// The word in policies.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotMapped => "not_mapped",
            Self::NetworkIsolated => "network_isolated",
        }
    }
}

/// A rule of the policy whose condition holds for a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// The evidence that it asks for.
    pub evidence: EvidenceKind,
    /// Name of the rule.
    pub rule: String,
    /// Who approved it.
    pub approved_by: String,
    /// Why it is safe.
    pub because: String,
    /// From when on it no longer counts.
    pub expires: Timestamp,
}

/// A finding with what decides whether evidence may set it aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// CVSS vector taken for it, where there is one.
    pub vector: Option<&'a str>,
    /// Whether the profile of the asset says isolated.
    pub isolated: bool,
    /// Rules that hold for it.
    pub permits: Vec<Permit>,
}

/// Statements that the facts support and a rule permits. `counts_until` is when the facts are too old to be evidence; a
/// statement that has lapsed by now is given too, so that what came back can be told.
#[must_use]
pub fn statements(
    host: &HostFacts,
    candidates: &[Candidate<'_>],
    counts_until: Timestamp,
    now: Timestamp,
) -> Vec<Statement> {
    let mut out = Vec::new();
    for candidate in candidates {
        for permit in &candidate.permits {
            let shown = match permit.evidence {
                EvidenceKind::NotMapped => not_mapped(host, candidate.finding),
                EvidenceKind::NetworkIsolated => network_isolated(candidate),
            };
            if let Some(facts) = shown {
                out.extend(statement(host, candidate.finding, permit, facts, counts_until, now));
            }
        }
    }
    out
}

/// The facts that show it, or nothing where one package is mapped, has a command, or was not looked at.
fn not_mapped(host: &HostFacts, finding: &Finding) -> Option<Vec<String>> {
    let code = host.mapped_code.as_ref().filter(|code| code.processes > 0)?;
    let unused = |name: &String| code.libraries.contains(name) && !code.mapped.contains(name);
    if finding.binaries.is_empty() || !finding.binaries.iter().all(|binary| unused(&binary.name)) {
        return None;
    }
    let mut names: Vec<&str> = finding.binaries.iter().map(|binary| binary.name.as_str()).collect();
    names.dedup();
    Some(vec![format!("none of {} processes maps a file of {}", code.processes, names.join(", "))])
}

fn network_isolated(candidate: &Candidate<'_>) -> Option<Vec<String>> {
    let vector = candidate.vector.filter(|vector| vector.split('/').any(|part| part == "AV:N"))?;
    candidate.isolated.then(|| {
        vec!["the asset profile says isolated".to_owned(), format!("the attack comes over a network ({vector})")]
    })
}

/// The statement; nothing where the packages have no package URL, because then it could not name what it is about.
fn statement(
    host: &HostFacts,
    finding: &Finding,
    permit: &Permit,
    facts: Vec<String>,
    counts_until: Timestamp,
    now: Timestamp,
) -> Option<Statement> {
    let subcomponents: Vec<Component> = finding
        .binaries
        .iter()
        .map(|b| package_purl(&finding.ecosystem, &b.name, &b.version, &b.arch))
        .map(|purl| purl.map(|purl| Component { ids: vec![Identity::Purl(purl)] }))
        .collect::<Option<_>>()?;
    // The profile is what people say now; it does not age with what the host showed.
    let (gathered, expires) = match permit.evidence {
        EvidenceKind::NotMapped => (host.collected_at, permit.expires.min(counts_until)),
        EvidenceKind::NetworkIsolated => (now, permit.expires),
    };
    if subcomponents.is_empty() || host.hostname.is_empty() {
        return None;
    }
    Some(Statement {
        vulnerability: finding.vuln.clone(),
        aliases: Vec::new(),
        products: vec![Product { ids: vec![Identity::Name { name: host.hostname.clone() }], subcomponents }],
        status: VexStatus::NotAffected,
        justification: Some(match permit.evidence {
            EvidenceKind::NotMapped => Justification::VulnerableCodeNotInExecutePath,
            EvidenceKind::NetworkIsolated => Justification::VulnerableCodeCannotBeControlledByAdversary,
        }),
        own_word: None,
        impact: Some(format!("rule `{}`: {}", permit.rule, permit.because)),
        action: None,
        author: permit.approved_by.clone(),
        issued: gathered,
        expires: Some(expires),
        source: Source::Evidence { host: host.hostname.clone(), facts, gathered },
    })
}
