//! Statements about whether a vulnerability can be exploited in a product (VEX), and what they do to findings.
//!
//! The words are those of OpenVEX 0.2, which are CISA's minimum requirements; CSAF and CycloneDX are mapped to them with their
//! own word kept. A statement comes from a document or from evidence gathered on the host, and both can lapse. Statements set
//! findings aside with a reason, they never delete one, and they never change a PCI DSS result by themselves.

mod apply;
mod identity;
mod library;
mod names;
mod vers;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::runtime::EvidenceKind;
use crate::ids::DocumentId;
use crate::time::Timestamp;

pub use apply::{Applied, NotApplied, SetAside, Subject, Untouched, apply};
pub use identity::{HostFit, HostIdentity, Identity, Purl, Refused, document_purl, package_purl, source_purl};
pub use library::Library;
pub use vers::{EXCEPT, Vers, WITHIN};

/// Where a product stands towards a vulnerability (OpenVEX 0.2, `status`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VexStatus {
    /// No action is needed.
    NotAffected,
    /// The product contains the fix.
    Fixed,
    /// Nobody knows yet.
    UnderInvestigation,
    /// Action is recommended.
    Affected,
}

impl VexStatus {
    /// Every status, the most reassuring first.
    pub const ALL: [Self; 4] = [Self::NotAffected, Self::Fixed, Self::UnderInvestigation, Self::Affected];

    /// The word of OpenVEX.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Fixed => "fixed",
            Self::UnderInvestigation => "under_investigation",
            Self::Affected => "affected",
        }
    }

    /// The status of a word of OpenVEX.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }

    /// Whether a finding may be set aside for it.
    #[must_use]
    pub fn sets_aside(self) -> bool {
        match self {
            Self::NotAffected | Self::Fixed => true,
            Self::UnderInvestigation | Self::Affected => false,
        }
    }
}

/// Why a product is not affected (OpenVEX 0.2, `justification`; the labels of CSAF 2.0 flags are the same five).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Justification {
    /// The component is not in the product.
    ComponentNotPresent,
    /// The component is there without the vulnerable code.
    VulnerableCodeNotPresent,
    /// The vulnerable code is never run.
    VulnerableCodeNotInExecutePath,
    /// The vulnerable code runs, an attacker cannot steer it.
    VulnerableCodeCannotBeControlledByAdversary,
    /// Something in the product prevents exploitation.
    InlineMitigationsAlreadyExist,
}

impl Justification {
    /// Every justification.
    pub const ALL: [Self; 5] = [
        Self::ComponentNotPresent,
        Self::VulnerableCodeNotPresent,
        Self::VulnerableCodeNotInExecutePath,
        Self::VulnerableCodeCannotBeControlledByAdversary,
        Self::InlineMitigationsAlreadyExist,
    ];

    /// The word of OpenVEX and CSAF.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ComponentNotPresent => "component_not_present",
            Self::VulnerableCodeNotPresent => "vulnerable_code_not_present",
            Self::VulnerableCodeNotInExecutePath => "vulnerable_code_not_in_execute_path",
            Self::VulnerableCodeCannotBeControlledByAdversary => "vulnerable_code_cannot_be_controlled_by_adversary",
            Self::InlineMitigationsAlreadyExist => "inline_mitigations_already_exist",
        }
    }

    /// The justification of a word of OpenVEX and CSAF.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|justification| justification.word() == word)
    }

    /// The nearest one for a word of CycloneDX (`impactAnalysisJustification`, 1.4 to 1.7).
    #[must_use]
    pub fn from_cyclonedx(word: &str) -> Option<Self> {
        Some(match word {
            "code_not_present" => Self::VulnerableCodeNotPresent,
            "code_not_reachable" | "requires_configuration" => Self::VulnerableCodeNotInExecutePath,
            "requires_dependency" => Self::ComponentNotPresent,
            "requires_environment" => Self::VulnerableCodeCannotBeControlledByAdversary,
            "protected_by_compiler"
            | "protected_at_runtime"
            | "protected_at_perimeter"
            | "protected_by_mitigating_control" => Self::InlineMitigationsAlreadyExist,
            _ => return None,
        })
    }

    /// The nearest word of CycloneDX. Its list has none for "not present as a component", so code that is not there stands in.
    #[must_use]
    pub fn cyclonedx(self) -> &'static str {
        match self {
            Self::ComponentNotPresent | Self::VulnerableCodeNotPresent => "code_not_present",
            Self::VulnerableCodeNotInExecutePath => "code_not_reachable",
            Self::VulnerableCodeCannotBeControlledByAdversary => "requires_environment",
            Self::InlineMitigationsAlreadyExist => "protected_by_mitigating_control",
        }
    }
}

/// Where a statement comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Source {
    /// A VEX document.
    Document {
        /// Id of the document.
        id: String,
        /// Format and place, for people (`OpenVEX, statement 3`).
        place: String,
    },
    /// A VEX document that this installation keeps.
    Kept {
        /// The document here.
        document: DocumentId,
        /// Place of the statement among those of the document, from 0.
        statement: u32,
        /// Id that the document gives itself.
        id: String,
        /// Format and place, for people.
        place: String,
    },
    /// Facts that were looked up on the host itself. Such a statement always has an expiry: facts change.
    Evidence {
        /// Host that the facts are of.
        host: String,
        /// Which kind of evidence.
        evidence: EvidenceKind,
        /// The facts, one sentence each (`no process maps /usr/lib/…/libfoo.so.1`).
        facts: Vec<String>,
        /// When they were gathered.
        gathered: Timestamp,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document { id, place } | Self::Kept { document: _, statement: _, id, place } => {
                write!(f, "{id} ({place})")
            }
            Self::Evidence { host, evidence: _, facts, gathered } => {
                write!(f, "evidence of {host} at {gathered}: {}", facts.join("; "))
            }
        }
    }
}

/// A product of a statement, in as many spellings as the document gives, and the components in it that are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Spellings of one product; any of them identifies it.
    pub ids: Vec<Identity>,
    /// Components inside of the product; without any the statement is about the product as a whole.
    pub subcomponents: Vec<Component>,
}

/// A component of a product, in as many spellings as the document gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Spellings of one component.
    pub ids: Vec<Identity>,
}

/// How far its publisher stands by a document (CSAF 2.0 and 2.1, `tracking.status`). Other formats know no such word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Published, and not expected to change.
    #[default]
    Final,
    /// Published, and expected to change soon.
    Interim,
    /// Not published yet, for a few people to look at.
    Draft,
}

impl Standing {
    /// The standing of a word of CSAF; a document that says none stands as it is.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "final" => Some(Self::Final),
            "interim" => Some(Self::Interim),
            "draft" => Some(Self::Draft),
            _ => None,
        }
    }
}

/// One statement: a vulnerability, products, a status, and who says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Id of the vulnerability (`CVE-2024-3094`).
    pub vulnerability: String,
    /// Other names of it.
    pub aliases: Vec<String>,
    /// What it is about.
    pub products: Vec<Product>,
    /// The status.
    pub status: VexStatus,
    /// Why not affected.
    pub justification: Option<Justification>,
    /// The document's own word for status or justification, where it is none of ours.
    pub own_word: Option<String>,
    /// Why not affected, in words.
    pub impact: Option<String>,
    /// What to do about it.
    pub action: Option<String>,
    /// Who says so.
    pub author: String,
    /// When it was known to be true; of several statements the latest decides.
    pub issued: Timestamp,
    /// When it stops counting; a finding that it set aside comes back then.
    pub expires: Option<Timestamp>,
    /// How far its publisher stands by it.
    #[serde(default)]
    pub standing: Standing,
    /// Where it comes from.
    pub source: Source,
}

impl Statement {
    /// Why it has no effect whatever it is about: nothing of a draft counts, and what is expected to change sets nothing aside. That
    /// something is affected counts from an interim document: it is the careful side.
    #[must_use]
    pub fn held(&self) -> Option<&'static str> {
        match self.standing {
            Standing::Final => None,
            Standing::Interim if !self.status.sets_aside() => None,
            Standing::Interim => Some(
                "its document is interim: its publisher expects it to change, and it sets nothing aside until it is final",
            ),
            Standing::Draft => Some("its document is a draft, which its publisher has not published"),
        }
    }

    /// One sentence of why, for the reader of a report.
    #[must_use]
    pub fn reason(&self) -> String {
        let word = match (self.justification, &self.own_word) {
            (Some(justification), Some(own)) => format!(": {} ({own})", justification.word()),
            (Some(justification), None) => format!(": {}", justification.word()),
            (None, Some(own)) => format!(": {own}"),
            (None, None) => String::new(),
        };
        let impact = self.impact.as_deref().map(|text| format!(", {text}")).unwrap_or_default();
        format!("{}{word}{impact}; says {} in {}", self.status.word(), self.author, self.source)
    }

    /// Whether it counts at a time.
    #[must_use]
    pub fn in_force(&self, now: Timestamp) -> bool {
        self.issued <= now && self.expires.is_none_or(|end| now < end)
    }

    /// Whether it speaks of a vulnerability under one of its names, letter case aside.
    #[must_use]
    pub fn names(&self, vulnerability: &str) -> bool {
        std::iter::once(&self.vulnerability).chain(&self.aliases).any(|name| name.eq_ignore_ascii_case(vulnerability))
    }
}
