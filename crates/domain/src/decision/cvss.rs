//! CVSS 2.0, 3.0, 3.1 and 4.0: scores recomputed from vectors in exact arithmetic, in tenths.
//!
//! Source: FIRST, "CVSS v2.0 Complete Guide" section 3, "CVSS v3.0/v3.1 Specification" section 7 and 3.1 appendix A,
//! "CVSS v4.0 Specification" sections 1.3 and 8. Versions 2 and 3 are computed here with integers, because binary floating
//! point is off by a tenth for some environmental vectors; version 4 is computed by the `cvss` crate.

mod metrics;
mod pick;
mod v2;
mod v3;
mod v4;
mod vector;

use serde::{Deserialize, Serialize};

pub use pick::{Disagreement, Picked, choose, pick};
pub use vector::{Vector, Version};

use super::profile::{AssetProfile, DataClass, Exposure, Tier};
use crate::intel::ExploitMaturity;
use metrics::Group;

/// Longest vector read, in bytes. The longest legal one (4.0 with every metric) has fewer than 250.
pub const VECTOR_BYTES_MAX: usize = 512;

/// Severity words. Bands: CVSS 3.1 section 5 and 4.0 section 6; version 2 has no `Critical` (NVD's bands).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// 0.0, or a vendor's "no effect".
    None,
    /// 0.1 to 3.9.
    Low,
    /// 4.0 to 6.9.
    Medium,
    /// 7.0 to 8.9; in version 2 up to 10.0.
    High,
    /// 9.0 to 10.0.
    Critical,
}

impl Severity {
    /// The band of a score in tenths.
    #[must_use]
    pub fn of_score(version: Version, e1: u8) -> Self {
        match e1 {
            0 => Self::None,
            1..=39 => Self::Low,
            40..=69 => Self::Medium,
            70..=89 => Self::High,
            90.. if version == Version::V2 => Self::High,
            90.. => Self::Critical,
        }
    }

    /// The word in documents and conditions.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Why a vector has no score.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CvssError {
    /// Longer than [`VECTOR_BYTES_MAX`].
    #[error("read a CVSS vector: longer than {VECTOR_BYTES_MAX} bytes")]
    TooLong,
    /// Nothing there.
    #[error("read a CVSS vector: it is empty")]
    Empty,
    /// A `CVSS:` prefix that is none of the four versions.
    #[error(
        "read a CVSS vector: unknown version `{prefix}` (known: CVSS:4.0, CVSS:3.1, CVSS:3.0; version 2 has no prefix)"
    )]
    UnknownVersion {
        /// The prefix as written.
        prefix: String,
    },
    /// A part that is not `METRIC:VALUE`.
    #[error("read a CVSS {version} vector: `{part}` is not METRIC:VALUE")]
    Malformed {
        /// Version being read.
        version: Version,
        /// The part.
        part: String,
    },
    /// A metric that this version does not have.
    #[error("read a CVSS {version} vector: unknown metric `{metric}`")]
    UnknownMetric {
        /// Version being read.
        version: Version,
        /// The metric.
        metric: String,
    },
    /// A value that this metric does not have.
    #[error("read a CVSS {version} vector: metric {metric} has no value `{value}` (values: {values})")]
    UnknownValue {
        /// Version being read.
        version: Version,
        /// The metric.
        metric: &'static str,
        /// The value as written.
        value: String,
        /// Legal values.
        values: String,
    },
    /// A metric given twice.
    #[error("read a CVSS {version} vector: metric {metric} is given twice")]
    Duplicate {
        /// Version being read.
        version: Version,
        /// The metric.
        metric: &'static str,
    },
    /// Base metrics that are not there.
    #[error("read a CVSS {version} vector: base metrics are missing: {metrics}")]
    Missing {
        /// Version being read.
        version: Version,
        /// Their names, with commas.
        metrics: String,
    },
    /// The version 4 calculator refused what our own reader accepted.
    #[error("score a CVSS 4.0 vector: {detail}")]
    Calculator {
        /// Its words.
        detail: String,
    },
}

/// A security requirement (CR, IR, AR) of an asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Requirement {
    /// Not defined.
    #[default]
    NotDefined,
    /// Loss would hurt little.
    Low,
    /// As the base score assumes.
    Medium,
    /// Loss would hurt badly.
    High,
}

impl Requirement {
    fn value(self) -> Option<&'static str> {
        match self {
            Self::NotDefined => None,
            Self::Low => Some("L"),
            Self::Medium => Some("M"),
            Self::High => Some("H"),
        }
    }
}

/// The nearest place from which the asset can be reached; only ever narrows a vector's attack vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// From the same network: a network attack becomes an adjacent one.
    Adjacent,
    /// Only from the machine itself.
    Local,
}

/// What the asset's classification says about the environmental metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EnvironmentalInput {
    /// CR.
    pub confidentiality: Requirement,
    /// IR.
    pub integrity: Requirement,
    /// AR.
    pub availability: Requirement,
    /// MAV, where reachability is known to be limited.
    pub reach: Option<Reach>,
}

impl EnvironmentalInput {
    /// The mapping of asset attributes: Restricted → CR:H, Confidential → CR:M, Public → CR:L; tag `integrity` → IR:H; tier
    /// T1 → AR:H; internal → MAV:A; isolated → MAV:L. What nobody has said stays undefined and lowers nothing.
    #[must_use]
    pub fn from_profile(profile: &AssetProfile) -> Self {
        Self {
            confidentiality: match profile.data_class {
                DataClass::Restricted => Requirement::High,
                DataClass::Confidential => Requirement::Medium,
                DataClass::Public => Requirement::Low,
                DataClass::Unknown => Requirement::NotDefined,
            },
            integrity: if profile.tags.iter().any(|tag| tag == "integrity") {
                Requirement::High
            } else {
                Requirement::NotDefined
            },
            availability: match profile.tier {
                Tier::T1 => Requirement::High,
                Tier::T2 | Tier::T3 | Tier::T4 => Requirement::NotDefined,
            },
            reach: match profile.exposure {
                Exposure::Internal => Some(Reach::Adjacent),
                Exposure::Isolated => Some(Reach::Local),
                Exposure::Internet | Exposure::Unknown => None,
            },
        }
    }
}

/// A score with everything it rests on. All scores are in tenths (`98` is 9.8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CvssScore {
    /// Version of the vector.
    pub version: Version,
    /// Metric groups that `effective_e1` used: `CVSS-B`, `-BT`, `-BE` or `-BTE` (4.0 section 1.3; used for every version).
    pub nomenclature: String,
    /// Base score.
    pub base_e1: u8,
    /// Base with threat (temporal) metrics, from the vector or from exploit evidence. An undefined metric counts as the
    /// worst, so weak evidence makes this score *fall*: it is shown, never decided on.
    pub threat_e1: Option<u8>,
    /// Base, threat and environmental metrics together.
    pub environmental_e1: Option<u8>,
    /// The score that decisions use: base and environment, with the threat metrics that the publisher gave, raised (never
    /// lowered) by our exploit evidence.
    pub effective_e1: u8,
    /// Severity word of the *base* score: it belongs to the vulnerability, not to the asset.
    pub severity: Severity,
    /// The vector in canonical order with the metrics that were added.
    pub vector: String,
}

/// Scores a vector for an asset.
///
/// Metrics that the vector itself gives win over `env`. `exploit` sets or raises the exploit maturity.
///
/// # Errors
/// [`CvssError`] when the text is not a complete vector of one of the four versions. That is "no score", never 0.
pub fn score(vector: &str, env: &EnvironmentalInput, exploit: Option<ExploitMaturity>) -> Result<CvssScore, CvssError> {
    let given = Vector::parse(vector)?;
    let base_only = given.only(&[Group::Base]);
    let base_e1 = compute(&base_only)?;

    let mut informed = given.clone();
    let published_maturity = given.is_set("E");
    if let Some(maturity) = exploit {
        raise_maturity(&mut informed, maturity);
    }
    add_environment(&mut informed, env);
    let has_threat = informed.has(Group::Threat);
    let has_env = informed.has(Group::Environmental);

    let threat_e1 = if has_threat { Some(compute(&informed.only(&[Group::Base, Group::Threat]))?) } else { None };
    let environmental_e1 = if has_env { Some(compute(&informed)?) } else { None };

    // An E that only our evidence defined is left out here: undefined already counts as attacked.
    let mut deciding = informed.clone();
    if !published_maturity {
        deciding.clear("E");
    }
    let effective_e1 = compute(&deciding)?;
    let nomenclature = match (deciding.has(Group::Threat), has_env) {
        (false, false) => "CVSS-B",
        (true, false) => "CVSS-BT",
        (false, true) => "CVSS-BE",
        (true, true) => "CVSS-BTE",
    };
    Ok(CvssScore {
        version: given.version(),
        nomenclature: nomenclature.to_owned(),
        base_e1,
        threat_e1,
        environmental_e1,
        effective_e1,
        severity: Severity::of_score(given.version(), base_e1),
        vector: informed.to_string(),
    })
}

/// The score of everything the vector defines, in tenths.
fn compute(vector: &Vector) -> Result<u8, CvssError> {
    match vector.version() {
        Version::V2 => Ok(v2::score(vector)),
        Version::V30 | Version::V31 => Ok(v3::score(vector)),
        Version::V40 => v4::score(vector),
    }
}

/// Sets E to at least what the evidence shows; a publisher's stronger word stays.
fn raise_maturity(vector: &mut Vector, maturity: ExploitMaturity) {
    let order: &[&str] = match vector.version() {
        Version::V2 => &["U", "POC", "F", "H"],
        Version::V30 | Version::V31 => &["U", "P", "F", "H"],
        Version::V40 => &["U", "P", "A"],
    };
    let seen = match (vector.version(), maturity) {
        (Version::V2, ExploitMaturity::ProofOfConcept) => "POC",
        (Version::V30 | Version::V31 | Version::V40, ExploitMaturity::ProofOfConcept) => "P",
        (Version::V2 | Version::V30 | Version::V31, ExploitMaturity::Weaponised) => "F",
        (Version::V2 | Version::V30 | Version::V31, ExploitMaturity::Exploited) => "H",
        // 4.0 table 11: tools that simplify exploitation count as Attacked.
        (Version::V40, ExploitMaturity::Weaponised | ExploitMaturity::Exploited) => "A",
    };
    let place = |word: &str| order.iter().position(|v| *v == word);
    if vector.value("E").and_then(place) < place(seen) {
        vector.set("E", seen);
    }
}

fn add_environment(vector: &mut Vector, env: &EnvironmentalInput) {
    for (metric, requirement) in [("CR", env.confidentiality), ("IR", env.integrity), ("AR", env.availability)] {
        if let Some(value) = requirement.value()
            && !vector.is_set(metric)
        {
            vector.set(metric, value);
        }
    }
    // Version 2 has no modified attack vector. Narrow only: a local flaw does not become adjacent.
    if vector.version() == Version::V2 || vector.is_set("MAV") {
        return;
    }
    match (env.reach, vector.value("AV")) {
        (Some(Reach::Adjacent), Some("N")) => vector.set("MAV", "A"),
        (Some(Reach::Local), Some("N" | "A")) => vector.set("MAV", "L"),
        (Some(Reach::Adjacent | Reach::Local) | None, _) => {}
    }
}

/// What a vector implies about SSVC's decision points when nobody assessed them. Nothing where it implies nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Implied {
    /// Whether attack steps can be automated.
    pub automatable: Option<bool>,
    /// Whether the attacker gains total control (or total disclosure).
    pub total_impact: Option<bool>,
}

/// Reads from the base metrics what they imply for `Automatable` and `Technical Impact`.
///
/// Needing local or physical access, high privileges or another person's action breaks automation; network, low complexity, no
/// privileges and no person allow it. All three impacts complete is total; neither confidentiality nor integrity high is partial
/// (denial of service alone is partial). Everything between stays open. CVSS 4.0's own `AU` metric decides where it is given.
#[must_use]
pub fn implied(score: &CvssScore) -> Implied {
    let Ok(vector) = Vector::parse(&score.vector) else {
        return Implied::default();
    };
    let v = |metric: &str| vector.value(metric);
    let (privilege, person, impacts, high) = match vector.version() {
        Version::V2 => ("Au", None, ["C", "I", "A"], "C"),
        Version::V30 | Version::V31 => ("PR", Some("UI"), ["C", "I", "A"], "H"),
        Version::V40 => ("PR", Some("UI"), ["VC", "VI", "VA"], "H"),
    };
    let no_person = person.is_none_or(|metric| v(metric) == Some("N"));
    let automatable = match v("AU") {
        Some("Y") => Some(true),
        Some(_) => Some(false),
        None if matches!(v("AV"), Some("L" | "P")) || matches!(v(privilege), Some("H" | "M")) || !no_person => {
            Some(false)
        }
        None if v("AV") == Some("N")
            && v("AC") == Some("L")
            && v(privilege) == Some("N")
            // Version 2 has no user-interaction metric, so nothing is proven by its absence.
            && person.is_some()
            && v("AT").is_none_or(|at| at == "N") =>
        {
            Some(true)
        }
        None => None,
    };
    let complete = |metric: &str| v(metric) == Some(high);
    let [c, i, a] = impacts.map(complete);
    let total_impact = match (c, i, a) {
        (true, true, true) => Some(true),
        (false, false, _) => Some(false),
        (true, _, _) | (_, true, _) => None,
    };
    Implied { automatable, total_impact }
}

/// A score in tenths as people write it: `9.8`.
#[must_use]
pub fn tenths(e1: u8) -> String {
    format!("{}.{}", e1 / 10, e1 % 10)
}

/// The lines that `patchwright cvss VECTOR` prints: scores first, then every metric in words.
///
/// # Errors
/// As [`score`].
pub fn describe(vector: &str) -> Result<Vec<String>, CvssError> {
    let parsed = Vector::parse(vector)?;
    let scored = score(vector, &EnvironmentalInput::default(), None)?;
    let mut lines = vec![
        format!("CVSS {} · {} · {}", scored.version, scored.nomenclature, scored.vector),
        format!("base {} {}", tenths(scored.base_e1), scored.severity.word()),
    ];
    if let Some(e1) = scored.threat_e1 {
        let word = match scored.version {
            Version::V40 => "with threat metrics",
            Version::V2 | Version::V30 | Version::V31 => "temporal",
        };
        lines.push(format!("{word} {}", tenths(e1)));
    }
    if let Some(e1) = scored.environmental_e1 {
        lines.push(format!("environmental {}", tenths(e1)));
    }
    lines.extend(parsed.words());
    Ok(lines)
}
