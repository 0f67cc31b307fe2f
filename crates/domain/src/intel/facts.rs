//! Facts about a vulnerability that do not depend on a package: scores, exploitation, decision points; and end-of-support dates.

use serde::{Deserialize, Serialize};

use crate::time::{Date, Timestamp};

/// One row of CISA's Known Exploited Vulnerabilities catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KevEntry {
    /// CVE id.
    pub cve: String,
    /// Day CISA added it.
    pub date_added: Date,
    /// The catalogue's due date: a ceiling for exposed assets, not the date of a given asset (BOD 26-04).
    pub due_date: Option<Date>,
    /// `Known` → true. `Unknown` means unconfirmed, not "no".
    pub ransomware_known: bool,
    /// Vendor as written.
    pub vendor: String,
    /// Product as written.
    pub product: String,
    /// CWE ids, possibly none.
    pub cwes: Vec<String>,
}

/// A CVE that the catalogue of exploited vulnerabilities listed and lists no more, as this installation saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KevRemoval {
    /// CVE id.
    pub cve: String,
    /// Day on which CISA had added it.
    pub date_added: Date,
    /// When the first snapshot without it came into force.
    pub at: Timestamp,
    /// Sequence of that snapshot.
    pub sequence: u64,
    /// Version of the catalogue that does not list it.
    pub catalogue: Option<String>,
    /// Records of that catalogue could not be read: it may be among those.
    pub doubtful: bool,
}

impl KevRemoval {
    /// One sentence without a full stop.
    #[must_use]
    pub fn text(&self) -> String {
        let catalogue = self.catalogue.as_deref().map(|version| format!(" (catalogue {version})")).unwrap_or_default();
        let doubt = match self.doubtful {
            true => "; records of that catalogue could not be read, and it may be among those",
            false => "",
        };
        format!(
            "CISA listed it as exploited on {}, and removed it: snapshot {} of {}{catalogue} is the first without it{doubt}",
            self.date_added,
            self.sequence,
            self.at.date()
        )
    }
}

/// An advisory, or the record of a CVE, that its publisher took back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Withdrawal {
    /// CVE id, or the publisher's id where there is none.
    pub vuln: String,
    /// The record that was taken back.
    pub advisory: String,
    /// Whose data says so.
    pub provider: String,
    /// When, where the publisher says.
    pub at: Option<Timestamp>,
    /// What it was about: ecosystem and package, with a blank between, sorted.
    pub packages: Vec<String>,
}

impl Withdrawal {
    /// One sentence without a full stop.
    #[must_use]
    pub fn text(&self) -> String {
        let on = self.at.map(|at| format!(" on {}", at.date())).unwrap_or_default();
        match self.advisory == self.vuln {
            true => format!("{} was withdrawn by its publisher{on} (data: {})", self.vuln, self.provider),
            false => {
                format!("{}, which named {}, was withdrawn{on} (data: {})", self.advisory, self.vuln, self.provider)
            }
        }
    }
}

/// The release of the EPSS model that a set of scores comes from. Scores of two models are not comparable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpssRelease {
    /// Model version as written (`v2025.03.14`), or nothing where the file does not say.
    pub model_version: Option<String>,
    /// Day of the scores.
    pub score_date: Option<Date>,
}

/// One EPSS score. Both numbers are in units of 0.00001, so that they are exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpssScore {
    /// Probability of exploitation activity seen anywhere in the next 30 days, × 100,000.
    pub score_e5: u32,
    /// Share of scored CVEs at or below this one, × 100,000; nothing in files of 2021.
    pub percentile_e5: Option<u32>,
}

impl EpssScore {
    /// The score as a probability between 0 and 1.
    #[must_use]
    pub fn probability(self) -> f64 {
        f64::from(self.score_e5) / 100_000.0
    }
}

/// A severity vector as somebody published it. The score is always recomputed from the vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CvssAssessment {
    /// Who scored: `cna`, `adp` (CISA Vulnrichment), `vendor:<name>`, `nvd`.
    pub source: String,
    /// The vector, prefix included for 3.x and 4.0.
    pub vector: String,
    /// The score printed beside the vector, × 10; kept to show where it disagrees with the formula.
    pub published_e1: Option<u8>,
}

/// CISA's SSVC decision points for a CVE (Vulnrichment ADP container), keys as published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SsvcPoint {
    /// `none`, `poc` or `active`.
    pub exploitation: String,
    /// `yes` or `no`.
    pub automatable: String,
    /// `partial` or `total`.
    pub technical_impact: String,
    /// Day of the assessment.
    pub date: Option<Date>,
}

/// What kind of exploit evidence a source gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExploitKind {
    /// A module of the Metasploit framework.
    Metasploit,
    /// A template of the nuclei scanner: detection or exploitation of a real target.
    Nuclei,
    /// An entry of Exploit-DB.
    ExploitDb,
    /// The vendor says it is exploited.
    Vendor,
}

/// How ready an exploit is, for CVSS 3.x `E` and 4.0 `E`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExploitMaturity {
    /// Works somewhere, by hand.
    ProofOfConcept,
    /// A ready tool.
    Weaponised,
    /// Seen in attacks.
    Exploited,
}

/// One piece of evidence that exploit code exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExploitEvidence {
    /// Kind of source.
    pub kind: ExploitKind,
    /// Name inside the source (`exploit/linux/http/…`), or the source's id.
    pub reference: String,
    /// How ready it is.
    pub maturity: ExploitMaturity,
    /// Day of disclosure as the source gives it.
    pub date: Option<Date>,
}

/// Everything known about one vulnerability that does not depend on a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VulnFacts {
    /// CVE id or the publisher's id.
    pub id: String,
    /// Listed as exploited by CISA.
    pub kev: Option<KevEntry>,
    /// No longer listed, and since when.
    #[serde(default)]
    pub kev_removed: Option<KevRemoval>,
    /// Exploit prediction score.
    pub epss: Option<EpssScore>,
    /// Vectors in the order of trust: CNA, CISA ADP, vendor, NVD.
    pub cvss: Vec<CvssAssessment>,
    /// CISA's decision points.
    pub ssvc: Option<SsvcPoint>,
    /// Exploit code that is known to exist.
    pub exploits: Vec<ExploitEvidence>,
    /// When the CVE became public, where known.
    pub published: Option<Timestamp>,
}

/// One release cycle of a product with its support dates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EolCycle {
    /// Product key (`debian`, `postgresql`).
    pub product: String,
    /// Cycle name (`12`, `22.04`, `15`).
    pub cycle: String,
    /// First release.
    pub release: Option<Date>,
    /// End of active support.
    pub active_until: Option<Date>,
    /// End of free security support. Nothing: unknown or not announced.
    pub security_until: Option<Date>,
    /// The source says support has ended without giving a day.
    pub ended_undated: bool,
    /// End of free long-term support where the project has one after `security_until` (Debian LTS).
    pub lts_until: Option<Date>,
    /// End of paid extended support (ESM, ELTS, ELS): counts only with the entitlement on the host.
    pub extended_until: Option<Date>,
    /// Long-term-support cycle.
    pub is_lts: bool,
    /// Newest version of the cycle.
    pub latest: Option<String>,
    /// Day of the newest version.
    pub latest_date: Option<Date>,
}
