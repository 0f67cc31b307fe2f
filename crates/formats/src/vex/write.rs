//! What is written as VEX, SARIF and CycloneDX: the findings of one host with what was decided about each.

use patchwright_domain::exposure::vex::{self, Justification, VexStatus, document_purl};
use patchwright_domain::time::Timestamp;

/// What was decided about a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It stands.
    Open,
    /// The publisher is still looking.
    UnderInvestigation,
    /// A statement sets it aside.
    SetAside {
        /// The status that decided.
        status: VexStatus,
        /// Why not affected.
        justification: Option<Justification>,
        /// The reason in words.
        because: String,
        /// When it comes back.
        until: Option<String>,
    },
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// CVE id or the publisher's id.
    pub vuln: String,
    /// Ecosystem of the package: the host's own, or that of a language (`PyPI`).
    pub ecosystem: String,
    /// Package that the advisory names.
    pub package: String,
    /// Installed version of `package`.
    pub installed: String,
    /// Version that fixes it.
    pub fixed: Option<String>,
    /// Binary packages: name, version, architecture.
    pub binaries: Vec<(String, String, String)>,
    /// `critical`, `high`, `medium`, `low`, `none`, `unknown`.
    pub severity: String,
    /// Urgency word.
    pub urgency: String,
    /// Effective CVSS × 10.
    pub score_e1: Option<u8>,
    /// CVSS vector.
    pub vector: Option<String>,
    /// Publisher's status word.
    pub vendor_status: String,
    /// Advisory ids.
    pub advisories: Vec<String>,
    /// Why the finding is there.
    pub evidence: Vec<String>,
    /// What was decided.
    pub outcome: Outcome,
}

/// The findings of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Version of the program.
    pub tool_version: String,
    /// Who answers for the statements.
    pub author: String,
    /// Host name.
    pub host: String,
    /// Operating system in words.
    pub os: String,
    /// Operating system and its release (`debian`, `12`), where both are known.
    pub system: Option<(String, String)>,
    /// When it was made.
    pub made: Timestamp,
    /// Id of the document; the same findings at the same time have the same.
    pub uuid: String,
    /// Content id of the vulnerability data.
    pub snapshot: String,
    /// The findings, open ones first.
    pub items: Vec<Item>,
}

impl Report {
    /// The host as an IRI (RFC 8141), for documents that name products by one.
    #[must_use]
    pub fn product_id(&self) -> String {
        product_id(&self.host)
    }
}

/// The IRI of a host name.
#[must_use]
pub fn product_id(host: &str) -> String {
    let mut out = String::from("urn:patchwright:host:");
    for byte in host.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

impl Item {
    /// The package URLs of the binary packages, or of the package itself where no binary is known.
    #[must_use]
    pub fn purls(&self) -> Vec<String> {
        let ecosystem = self.ecosystem.as_str();
        let mut out: Vec<String> =
            self.binaries.iter().map(|(name, version, arch)| purl_text(ecosystem, name, version, Some(arch))).collect();
        if out.is_empty() {
            out.push(purl_text(ecosystem, &self.package, &self.installed, None));
        }
        out.sort();
        out.dedup();
        out
    }
}

/// A package URL of an installed package, as it is known again when the document is read.
#[must_use]
pub fn purl_text(ecosystem: &str, name: &str, version: &str, arch: Option<&str>) -> String {
    let purl = document_purl(ecosystem, name, version, arch).unwrap_or_else(|| vex::Purl {
        kind: "generic".to_owned(),
        name: name.to_owned(),
        version: Some(version.to_owned()).filter(|v| !v.is_empty()),
        qualifiers: arch.filter(|a| !a.is_empty()).map(|a| ("arch".to_owned(), a.to_owned())).into_iter().collect(),
        ..vex::Purl::default()
    });
    let vex::Purl { kind, namespace, name, version, qualifiers, subpath } = purl;
    crate::host::purl::Purl { kind, namespace, name, version, qualifiers, subpath }.to_string()
}

/// What to do about an open finding.
pub(super) fn action_words(item: &Item) -> String {
    match &item.fixed {
        Some(fixed) => format!("Upgrade {} from {} to {fixed} or later.", item.package, item.installed),
        None => format!(
            "No fixed version of {} is known (publisher's status: {}). Mitigate or accept the risk until one is there.",
            item.package, item.vendor_status
        ),
    }
}

/// A score with one decimal as a JSON number.
pub(super) fn score(e1: u8) -> serde_json::Value {
    serde_json::Value::from(f64::from(e1) / 10.0)
}

/// Where people read about a vulnerability.
pub(super) fn page_of(vuln: &str) -> Option<String> {
    vuln.starts_with("CVE-").then(|| format!("https://www.cve.org/CVERecord?id={vuln}"))
}
