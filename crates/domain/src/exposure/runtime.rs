//! What a host shows about itself, as statements: a finding whose code certainly does not run here may be set aside, for a
//! while, where security approved that kind of evidence.
//!
//! The statements go the way of every other ([`super::vex`]): they lapse with their facts, so that a finding comes back by
//! itself, and they never change a PCI DSS result. What could not be looked at is never evidence.

use serde::{Deserialize, Serialize};

use super::finding::Finding;
use super::kernel::carries_kernel;
use super::vex::{Component, Identity, Justification, Product, Source, Standing, Statement, VexStatus, package_purl};
use crate::inventory::{HostFacts, Setting};
use crate::time::Timestamp;

/// A kind of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// No process has code of the packages loaded, and they have no command that could be started.
    NotMapped,
    /// The asset is isolated and the vulnerability is exploited over a network (`AV:N`).
    NetworkIsolated,
    /// The service is neither enabled nor running, nothing listens for it and nothing else starts it.
    ServiceOff,
    /// The kernel module is not loaded and does not come in by itself.
    ModuleBlocked,
    /// The feature is switched off in the configuration.
    FeatureOff,
}

impl EvidenceKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::NotMapped, Self::NetworkIsolated, Self::ServiceOff, Self::ModuleBlocked, Self::FeatureOff];

    /// The word in policies.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotMapped => "not_mapped",
            Self::NetworkIsolated => "network_isolated",
            Self::ServiceOff => "service_off",
            Self::ModuleBlocked => "module_blocked",
            Self::FeatureOff => "feature_off",
        }
    }

    /// What is shown, for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::NotMapped => "library not loaded",
            Self::NetworkIsolated => "host isolated",
            Self::ServiceOff => "service off",
            Self::ModuleBlocked => "kernel module blocked",
            Self::FeatureOff => "feature off",
        }
    }

    fn justification(self) -> Justification {
        match self {
            Self::NotMapped | Self::ServiceOff | Self::ModuleBlocked | Self::FeatureOff => {
                Justification::VulnerableCodeNotInExecutePath
            }
            Self::NetworkIsolated => Justification::VulnerableCodeCannotBeControlledByAdversary,
        }
    }
}

/// The evidence that a rule asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// [`EvidenceKind::NotMapped`].
    NotMapped,
    /// [`EvidenceKind::NetworkIsolated`].
    NetworkIsolated,
    /// [`EvidenceKind::ServiceOff`].
    ServiceOff,
    /// [`EvidenceKind::ModuleBlocked`], of the module that the rule names: no feed says which module a CVE is in.
    ModuleBlocked {
        /// Module name with underscores.
        module: String,
    },
    /// [`EvidenceKind::FeatureOff`].
    FeatureOff {
        /// Where the configuration says so.
        setting: Setting,
    },
}

impl Wanted {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> EvidenceKind {
        match self {
            Self::NotMapped => EvidenceKind::NotMapped,
            Self::NetworkIsolated => EvidenceKind::NetworkIsolated,
            Self::ServiceOff => EvidenceKind::ServiceOff,
            Self::ModuleBlocked { .. } => EvidenceKind::ModuleBlocked,
            Self::FeatureOff { .. } => EvidenceKind::FeatureOff,
        }
    }
}

/// A rule of the policy whose condition holds for a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// The evidence that it asks for.
    pub evidence: Wanted,
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
            let shown = match &permit.evidence {
                Wanted::NotMapped => not_mapped(host, candidate.finding),
                Wanted::NetworkIsolated => network_isolated(candidate),
                Wanted::ServiceOff => service_off(host, candidate.finding),
                Wanted::ModuleBlocked { module } => module_blocked(host, candidate.finding, module),
                Wanted::FeatureOff { setting } => feature_off(host, setting),
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

/// Every package of the finding is a service that is off, or a library that no process maps; at least one is a service.
fn service_off(host: &HostFacts, finding: &Finding) -> Option<Vec<String>> {
    let code = host.mapped_code.as_ref().filter(|code| code.processes > 0)?;
    let services = host.services.as_ref()?;
    let mut facts: Vec<String> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for binary in &finding.binaries {
        let name = binary.name.as_str();
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        if code.mapped.contains(&binary.name) {
            return None;
        }
        let Some(service) = services.iter().find(|service| service.package == name) else {
            if code.libraries.contains(&binary.name) {
                continue;
            }
            return None;
        };
        let listens = host.listeners.iter().any(|listener| {
            let unit = |unit: &String| service.units.contains(unit);
            listener.package.as_deref() == Some(name) || listener.unit.as_ref().is_some_and(unit)
        });
        if service.units.is_empty() || !service.starts.is_empty() || !service.commands.is_empty() || listens {
            return None;
        }
        facts.push(format!("{name}: {} neither enabled nor active, no listening socket", service.units.join(", ")));
    }
    if facts.is_empty() {
        return None;
    }
    facts.push(format!("none of {} processes maps a file of {}", code.processes, seen.join(", ")));
    Some(facts)
}

/// Only of findings about the kernel itself, and only where the module is neither in the image nor loaded.
fn module_blocked(host: &HostFacts, finding: &Finding, module: &str) -> Option<Vec<String>> {
    let modules = host.kernel_modules.as_ref().filter(|_| !host.container)?;
    let about_kernel = !finding.binaries.is_empty() && finding.binaries.iter().all(|b| carries_kernel(&b.name));
    let has = |list: &[String]| list.iter().any(|name| name == module);
    if !about_kernel || has(&modules.loaded) || has(&modules.built_in) {
        return None;
    }
    let by = match modules.blocked.iter().find(|blocked| blocked.name == module) {
        Some(blocked) => blocked.by.clone(),
        None if modules.loading_disabled => {
            "kernel.modules_disabled is 1: no module comes in before a reboot".to_owned()
        }
        None => return None,
    };
    Some(vec![format!("module {module} is neither loaded nor built into {}", modules.release), by])
}

fn feature_off(host: &HostFacts, setting: &Setting) -> Option<Vec<String>> {
    let answer = host.settings.iter().find(|answer| &answer.asked == setting)?;
    let files = answer.holds()?;
    Some(vec![format!("`{}` is `{}` in {}", setting.key, setting.value, files.join(", "))])
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
    let kind = permit.evidence.kind();
    let (gathered, expires) = match kind {
        EvidenceKind::NotMapped | EvidenceKind::ServiceOff | EvidenceKind::ModuleBlocked | EvidenceKind::FeatureOff => {
            (host.collected_at, permit.expires.min(counts_until))
        }
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
        justification: Some(kind.justification()),
        own_word: None,
        impact: Some(format!("rule `{}`: {}", permit.rule, permit.because)),
        action: None,
        author: permit.approved_by.clone(),
        issued: gathered,
        expires: Some(expires),
        standing: Standing::Final,
        source: Source::Evidence { host: host.hostname.clone(), evidence: kind, facts, gathered },
    })
}
