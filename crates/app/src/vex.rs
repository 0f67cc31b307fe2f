//! VEX in a scan: reading statements from files, setting findings aside with their reason, and the report as documents that
//! other programs read.
//!
//! Statements gathered from a host's own evidence go the same way: they are [`Statement`]s with `Source::Evidence`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use patchwright_domain::decision::profile::Exposure;
use patchwright_domain::exposure::cpe::Cpe;
use patchwright_domain::exposure::runtime::{Candidate, Permit, statements};
use patchwright_domain::exposure::vex::{
    HostIdentity, Justification, NotApplied, Source, Statement, Subject, VexStatus, apply,
};
use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::{HostFacts, Os};
use patchwright_domain::time::Timestamp;
use patchwright_formats::bounded::Limits;
use patchwright_formats::vex::{self, Item, Outcome, VexError};
use patchwright_protocol::scan::{
    EvidenceCount, EvidenceView, FindingView, KeptStatement, ScanReport, SetAsideView, UntouchedView, VexView,
};
use sha2::{Digest as _, Sha256};

use crate::report::{Judgement, Question, finding_view, size};

/// Near misses and other statements that did nothing which are shown; the numbers count all.
const UNTOUCHED_SHOWN: usize = 200;

/// Statements and what the host is called in them.
#[derive(Clone, Debug, Default)]
pub struct VexInput {
    /// Statements of all documents and of evidence.
    pub statements: Vec<Statement>,
    /// The host as a product.
    pub host: HostIdentity,
}

/// A document that was read.
#[derive(Clone, Debug)]
pub struct ReadDocument {
    /// Its statements.
    pub statements: Vec<Statement>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// Why a document could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened.
    #[error("failed to open `{path}`")]
    Open {
        /// The file.
        path: String,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// It is no VEX document.
    #[error("failed to read `{path}` as VEX")]
    Format {
        /// The file.
        path: String,
        /// The reader's words.
        #[source]
        source: VexError,
    },
}

impl ReadError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Open { .. } => "check that the file exists and is readable",
            Self::Format { source, .. } => source.hint(),
        }
    }
}

/// Reads an OpenVEX, CSAF or CycloneDX document from a file.
///
/// # Errors
/// [`ReadError`] when it cannot be opened or is none of them. A statement that cannot be read is a problem, not an error.
pub fn read_file(path: &Path, now: Timestamp) -> Result<ReadDocument, ReadError> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|source| ReadError::Open { path: name.clone(), source })?;
    let document =
        vex::read(file, &Limits::default(), now).map_err(|source| ReadError::Format { path: name, source })?;
    Ok(ReadDocument { statements: document.statements, problems: document.problems })
}

/// What a host is called as a product: its names, its operating system, and the digest of the file that describes it.
///
/// # Errors
/// The file cannot be read.
pub fn identity_of(host: &HostFacts, file: Option<&Path>) -> std::io::Result<HostIdentity> {
    let mut identity = called(host);
    if let Some(path) = file.filter(|path| path.is_file()) {
        identity.names.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
        let mut hash = Sha256::new();
        let mut reader = File::open(path)?;
        let mut buffer = vec![0_u8; 64 * 1024];
        loop {
            let n = reader.read(&mut buffer)?;
            if n == 0 {
                break;
            }
            hash.update(buffer.get(..n).unwrap_or_default());
        }
        identity.hashes.push(("sha256".to_owned(), hex::encode(hash.finalize())));
    }
    identity.names.retain(|name| !name.is_empty());
    Ok(identity)
}

/// What a host is called as a product without a look at any file.
pub(crate) fn called(host: &HostFacts) -> HostIdentity {
    let cpes = os_cpe(&host.os).into_iter().collect();
    if host.hostname.is_empty() {
        return HostIdentity { cpes, ..HostIdentity::default() };
    }
    let [name, id] = names_of(&host.hostname);
    HostIdentity { ids: vec![id], names: vec![name], cpes, ..HostIdentity::default() }
}

/// Under which names documents may know a host: its own, and the IRI that documents of this program have for it.
pub(crate) fn names_of(hostname: &str) -> [String; 2] {
    [hostname.to_owned(), vex::product_id(hostname)]
}

/// The CPE name of an operating system, as its publisher writes it in `/etc/os-release` and in advisories.
fn os_cpe(os: &Os) -> Option<Cpe> {
    let major = os.version_id.split('.').next().unwrap_or_default();
    let (vendor, product, version) = match os.id.as_str() {
        "debian" => ("debian", "debian_linux", os.version_id.as_str()),
        "ubuntu" => ("canonical", "ubuntu_linux", os.version_id.as_str()),
        "rhel" => ("redhat", "enterprise_linux", major),
        "almalinux" => ("almalinux", "almalinux", major),
        "rocky" => ("rocky", "rocky", major),
        "alpine" => ("alpinelinux", "alpine_linux", os.version_id.as_str()),
        "fedora" => ("fedoraproject", "fedora", os.version_id.as_str()),
        _ => return None,
    };
    Cpe::parse(&format!("cpe:/o:{vendor}:{product}:{version}")).ok()
}

/// Statements of the host's own evidence that rules of the policy permit; none without rules.
#[must_use]
pub fn evidence(judgement: &Judgement, host: &HostFacts, question: &Question<'_>) -> Vec<Statement> {
    let rules = &question.policy.runtime.rules;
    let mut candidates = Vec::new();
    for judged in &judgement.judged {
        let permits: Vec<Permit> = rules
            .iter()
            .filter(|rule| judged.decision.certainly(&rule.when))
            .map(|rule| Permit {
                evidence: rule.evidence.clone(),
                rule: rule.name.clone(),
                approved_by: rule.approved_by.clone(),
                because: rule.because.clone(),
                expires: rule.expires.start(),
            })
            .collect();
        if !permits.is_empty() {
            candidates.push(Candidate {
                finding: &judged.finding,
                vector: judged.decision.cvss.as_ref().map(|score| score.vector.as_str()),
                isolated: question.profile.exposure == Exposure::Isolated,
                permits,
            });
        }
    }
    statements(host, &candidates, question.policy.runtime.facts_count_for.after(host.collected_at), question.now)
}

/// Splits judged findings into those that stay and what statements set aside.
#[must_use]
pub fn split(judgement: Judgement, input: &VexInput, now: Timestamp) -> (Judgement, VexView) {
    let findings: Vec<_> = judgement.judged.iter().map(|j| j.finding.clone()).collect();
    let applied = apply(&input.statements, &Subject { host: &input.host, findings: &findings }, now);
    let came_back = size(applied.came_back());
    let untouched = applied
        .untouched
        .iter()
        .take(UNTOUCHED_SHOWN)
        .filter_map(|u| {
            let (finding, statement) = (findings.get(u.finding)?, input.statements.get(u.statement)?);
            Some(UntouchedView {
                vuln: finding.vuln.clone(),
                package: finding.package.clone(),
                why: why_word(u.why).to_owned(),
                text: u.text.clone(),
                source: statement.source.to_string(),
            })
        })
        .collect();
    let mut aside = applied.set_aside.iter().peekable();
    let mut left = Judgement { judged: Vec::new(), facts: Vec::new() };
    let mut set_aside = Vec::new();
    for (place, (judged, facts)) in judgement.judged.into_iter().zip(judgement.facts).enumerate() {
        let Some(decided) = aside.next_if(|s| s.finding == place) else {
            left.judged.push(judged);
            left.facts.push(facts);
            continue;
        };
        let justification =
            decided.statements.iter().filter_map(|s| input.statements.get(*s)).find_map(|s| s.justification);
        let evidence: Vec<EvidenceView> = decided
            .statements
            .iter()
            .filter_map(|s| input.statements.get(*s))
            .filter_map(|statement| evidence_view(statement, now))
            .collect();
        let kept = decided.statements.iter().filter_map(|s| input.statements.get(*s)).filter_map(kept_place).collect();
        set_aside.push(SetAsideView {
            kept,
            by_evidence: !evidence.is_empty(),
            evidence,
            finding: finding_view(&judged, &facts, now),
            status: decided.status.word().to_owned(),
            justification: justification.map(|j| j.word().to_owned()),
            because: decided.because.clone(),
            until: decided.until.map(|at| at.to_string()),
            changes_pci_result: decided.changes_pci_result,
        });
    }
    let view = VexView {
        statements: size(input.statements.len()),
        found: size(findings.len()),
        left: size(left.judged.len()),
        came_back,
        silent: size(applied.silent),
        by_kind: by_kind(&set_aside),
        by_evidence: size(set_aside.iter().filter(|aside| aside.by_evidence).count()),
        set_aside,
        untouched,
    };
    (left, view)
}

/// Where a statement stands in a kept document; nothing for one from elsewhere.
fn kept_place(statement: &Statement) -> Option<KeptStatement> {
    match &statement.source {
        Source::Kept { document, statement, .. } => {
            Some(KeptStatement { document: document.to_string(), statement: *statement })
        }
        Source::Document { .. } | Source::Evidence { .. } => None,
    }
}

/// The evidence of a statement with its age; nothing for a statement of a document.
fn evidence_view(statement: &Statement, now: Timestamp) -> Option<EvidenceView> {
    let Source::Evidence { host: _, evidence, facts, gathered } = &statement.source else { return None };
    Some(EvidenceView {
        kind: evidence.word().to_owned(),
        label: evidence.label().to_owned(),
        facts: facts.clone(),
        gathered: gathered.to_string(),
        age_s: u64::try_from((now.0 - gathered.0).max(0) / 1_000).unwrap_or_default(),
        until: statement.expires.map(|at| at.to_string()),
        rule: statement.impact.clone().unwrap_or_default(),
        approved_by: statement.author.clone(),
    })
}

/// Findings by kind of evidence; one that two kinds set aside together counts for both.
fn by_kind(set_aside: &[SetAsideView]) -> Vec<EvidenceCount> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for aside in set_aside {
        let kinds: BTreeSet<&str> = aside.evidence.iter().map(|e| e.kind.as_str()).collect();
        for kind in kinds {
            *counts.entry(kind).or_default() += 1;
        }
    }
    let mut out: Vec<EvidenceCount> =
        counts.into_iter().map(|(kind, findings)| EvidenceCount { kind: kind.to_owned(), findings }).collect();
    out.sort_by(|a, b| b.findings.cmp(&a.findings).then_with(|| a.kind.cmp(&b.kind)));
    out
}

/// The stable word of a reason.
fn why_word(why: NotApplied) -> &'static str {
    match why {
        NotApplied::Lapsed => "lapsed",
        NotApplied::NotYet => "not_yet",
        NotApplied::OtherProduct => "other_product",
        NotApplied::NearMiss => "near_miss",
        NotApplied::Partly => "partly",
        NotApplied::Confirms => "confirms",
        NotApplied::Overruled => "overruled",
        NotApplied::NotFinal => "not_final",
    }
}

/// A form in which a report leaves for other programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// SARIF 2.1.0.
    Sarif,
    /// CycloneDX 1.6 with vulnerabilities and analysis.
    CycloneDx,
    /// OpenVEX 0.2.0.
    OpenVex,
    /// CSAF 2.0, profile VEX.
    CsafVex,
}

/// A report as a document of another format. `author` answers for the statements in it.
#[must_use]
pub fn export(report: &ScanReport, form: Export, author: &str, now: Timestamp) -> serde_json::Value {
    let mut items: Vec<Item> = report.findings.iter().map(|finding| item(finding, open_outcome(finding))).collect();
    for aside in report.vex.iter().flat_map(|view| &view.set_aside) {
        let outcome = Outcome::SetAside {
            status: VexStatus::from_word(&aside.status).unwrap_or(VexStatus::NotAffected),
            justification: aside.justification.as_deref().and_then(Justification::from_word),
            because: aside.because.join(" | "),
            until: aside.until.clone(),
        };
        items.push(item(&aside.finding, outcome));
    }
    let out = vex::Report {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        author: author.to_owned(),
        host: report.host.name.clone(),
        os: report.host.os.clone(),
        system: report
            .host
            .system
            .as_deref()
            .and_then(|system| system.split_once(':'))
            .map(|(id, release)| (id.to_owned(), release.to_owned())),
        made: now,
        uuid: document_uuid(report, now),
        snapshot: report.data.snapshot.clone(),
        items,
    };
    match form {
        Export::Sarif => vex::sarif(&out),
        Export::CycloneDx => vex::cyclonedx(&out),
        Export::OpenVex => vex::openvex(&out),
        Export::CsafVex => vex::csaf_vex(&out),
    }
}

fn open_outcome(finding: &FindingView) -> Outcome {
    if finding.status == "under_investigation" { Outcome::UnderInvestigation } else { Outcome::Open }
}

fn item(finding: &FindingView, outcome: Outcome) -> Item {
    Item {
        vuln: finding.vuln.clone(),
        ecosystem: finding.ecosystem.clone(),
        package: finding.package.clone(),
        installed: finding.installed.clone(),
        fixed: finding.fixed.clone(),
        binaries: finding.binaries.iter().map(|b| (b.name.clone(), b.version.clone(), b.arch.clone())).collect(),
        severity: finding.severity.clone(),
        urgency: finding.urgency.clone(),
        score_e1: finding.cvss_e1,
        vector: finding.cvss_vector.clone(),
        vendor_status: finding.status.clone(),
        advisories: finding.advisories.clone(),
        evidence: finding.evidence.clone(),
        outcome,
    }
}

/// An id made of what the document is about, so that the same scan at the same time has the same: name-based in the layout of
/// RFC 9562, version 5, with SHA-256 in place of SHA-1.
fn document_uuid(report: &ScanReport, now: Timestamp) -> String {
    let mut hash = Sha256::new();
    let counts = format!("{}/{}", report.findings.len(), report.vex.as_ref().map_or(0, |v| v.set_aside.len()));
    for part in [&report.host.name, &report.data.snapshot, &report.policy, &now.to_string(), &counts] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let hex = hex::encode(hash.finalize());
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-5{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}
