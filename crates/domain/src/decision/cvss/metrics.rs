//! The metrics of every version: keys, names and values as the specifications list them.

use super::vector::Version;

/// Metric groups; `Threat` is called temporal before 4.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Base,
    Threat,
    Environmental,
    Supplemental,
}

/// One metric.
pub(super) struct Metric {
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) group: Group,
    /// Value keys and their words.
    pub(super) values: &'static [(&'static str, &'static str)],
}

const fn metric(
    key: &'static str,
    name: &'static str,
    group: Group,
    values: &'static [(&'static str, &'static str)],
) -> Metric {
    Metric { key, name, group, values }
}

/// The metrics of a version in canonical order.
pub(super) fn table(version: Version) -> &'static [Metric] {
    match version {
        Version::V2 => V2,
        Version::V30 | Version::V31 => V3,
        Version::V40 => V4,
    }
}

const V2: &[Metric] = &[
    metric("AV", "Access Vector", Group::Base, &[("L", "Local"), ("A", "Adjacent Network"), ("N", "Network")]),
    metric("AC", "Access Complexity", Group::Base, &[("H", "High"), ("M", "Medium"), ("L", "Low")]),
    metric("Au", "Authentication", Group::Base, &[("M", "Multiple"), ("S", "Single"), ("N", "None")]),
    metric("C", "Confidentiality Impact", Group::Base, &[("N", "None"), ("P", "Partial"), ("C", "Complete")]),
    metric("I", "Integrity Impact", Group::Base, &[("N", "None"), ("P", "Partial"), ("C", "Complete")]),
    metric("A", "Availability Impact", Group::Base, &[("N", "None"), ("P", "Partial"), ("C", "Complete")]),
    metric(
        "E",
        "Exploitability",
        Group::Threat,
        &[("U", "Unproven"), ("POC", "Proof of Concept"), ("F", "Functional"), ("H", "High"), ("ND", "Not Defined")],
    ),
    metric(
        "RL",
        "Remediation Level",
        Group::Threat,
        &[
            ("OF", "Official Fix"),
            ("TF", "Temporary Fix"),
            ("W", "Workaround"),
            ("U", "Unavailable"),
            ("ND", "Not Defined"),
        ],
    ),
    metric(
        "RC",
        "Report Confidence",
        Group::Threat,
        &[("UC", "Unconfirmed"), ("UR", "Uncorroborated"), ("C", "Confirmed"), ("ND", "Not Defined")],
    ),
    metric(
        "CDP",
        "Collateral Damage Potential",
        Group::Environmental,
        &[
            ("N", "None"),
            ("L", "Low"),
            ("LM", "Low-Medium"),
            ("MH", "Medium-High"),
            ("H", "High"),
            ("ND", "Not Defined"),
        ],
    ),
    metric(
        "TD",
        "Target Distribution",
        Group::Environmental,
        &[("N", "None"), ("L", "Low"), ("M", "Medium"), ("H", "High"), ("ND", "Not Defined")],
    ),
    metric(
        "CR",
        "Confidentiality Requirement",
        Group::Environmental,
        &[("L", "Low"), ("M", "Medium"), ("H", "High"), ("ND", "Not Defined")],
    ),
    metric(
        "IR",
        "Integrity Requirement",
        Group::Environmental,
        &[("L", "Low"), ("M", "Medium"), ("H", "High"), ("ND", "Not Defined")],
    ),
    metric(
        "AR",
        "Availability Requirement",
        Group::Environmental,
        &[("L", "Low"), ("M", "Medium"), ("H", "High"), ("ND", "Not Defined")],
    ),
];

const V3: &[Metric] = &[
    metric(
        "AV",
        "Attack Vector",
        Group::Base,
        &[("N", "Network"), ("A", "Adjacent"), ("L", "Local"), ("P", "Physical")],
    ),
    metric("AC", "Attack Complexity", Group::Base, &[("L", "Low"), ("H", "High")]),
    metric("PR", "Privileges Required", Group::Base, &[("N", "None"), ("L", "Low"), ("H", "High")]),
    metric("UI", "User Interaction", Group::Base, &[("N", "None"), ("R", "Required")]),
    metric("S", "Scope", Group::Base, &[("U", "Unchanged"), ("C", "Changed")]),
    metric("C", "Confidentiality Impact", Group::Base, &[("N", "None"), ("L", "Low"), ("H", "High")]),
    metric("I", "Integrity Impact", Group::Base, &[("N", "None"), ("L", "Low"), ("H", "High")]),
    metric("A", "Availability Impact", Group::Base, &[("N", "None"), ("L", "Low"), ("H", "High")]),
    metric(
        "E",
        "Exploit Code Maturity",
        Group::Threat,
        &[("X", "Not Defined"), ("U", "Unproven"), ("P", "Proof of Concept"), ("F", "Functional"), ("H", "High")],
    ),
    metric(
        "RL",
        "Remediation Level",
        Group::Threat,
        &[
            ("X", "Not Defined"),
            ("O", "Official Fix"),
            ("T", "Temporary Fix"),
            ("W", "Workaround"),
            ("U", "Unavailable"),
        ],
    ),
    metric(
        "RC",
        "Report Confidence",
        Group::Threat,
        &[("X", "Not Defined"), ("U", "Unknown"), ("R", "Reasonable"), ("C", "Confirmed")],
    ),
    metric(
        "CR",
        "Confidentiality Requirement",
        Group::Environmental,
        &[("X", "Not Defined"), ("L", "Low"), ("M", "Medium"), ("H", "High")],
    ),
    metric(
        "IR",
        "Integrity Requirement",
        Group::Environmental,
        &[("X", "Not Defined"), ("L", "Low"), ("M", "Medium"), ("H", "High")],
    ),
    metric(
        "AR",
        "Availability Requirement",
        Group::Environmental,
        &[("X", "Not Defined"), ("L", "Low"), ("M", "Medium"), ("H", "High")],
    ),
    metric(
        "MAV",
        "Modified Attack Vector",
        Group::Environmental,
        &[("X", "Not Defined"), ("N", "Network"), ("A", "Adjacent"), ("L", "Local"), ("P", "Physical")],
    ),
    metric(
        "MAC",
        "Modified Attack Complexity",
        Group::Environmental,
        &[("X", "Not Defined"), ("L", "Low"), ("H", "High")],
    ),
    metric(
        "MPR",
        "Modified Privileges Required",
        Group::Environmental,
        &[("X", "Not Defined"), ("N", "None"), ("L", "Low"), ("H", "High")],
    ),
    metric(
        "MUI",
        "Modified User Interaction",
        Group::Environmental,
        &[("X", "Not Defined"), ("N", "None"), ("R", "Required")],
    ),
    metric("MS", "Modified Scope", Group::Environmental, &[("X", "Not Defined"), ("U", "Unchanged"), ("C", "Changed")]),
    metric(
        "MC",
        "Modified Confidentiality Impact",
        Group::Environmental,
        &[("X", "Not Defined"), ("N", "None"), ("L", "Low"), ("H", "High")],
    ),
    metric(
        "MI",
        "Modified Integrity Impact",
        Group::Environmental,
        &[("X", "Not Defined"), ("N", "None"), ("L", "Low"), ("H", "High")],
    ),
    metric(
        "MA",
        "Modified Availability Impact",
        Group::Environmental,
        &[("X", "Not Defined"), ("N", "None"), ("L", "Low"), ("H", "High")],
    ),
];

const V4: &[Metric] = &[
    metric(
        "AV",
        "Attack Vector",
        Group::Base,
        &[("N", "Network"), ("A", "Adjacent"), ("L", "Local"), ("P", "Physical")],
    ),
    metric("AC", "Attack Complexity", Group::Base, &[("L", "Low"), ("H", "High")]),
    metric("AT", "Attack Requirements", Group::Base, &[("N", "None"), ("P", "Present")]),
    metric("PR", "Privileges Required", Group::Base, &[("N", "None"), ("L", "Low"), ("H", "High")]),
    metric("UI", "User Interaction", Group::Base, &[("N", "None"), ("P", "Passive"), ("A", "Active")]),
    metric("VC", "Vulnerable System Confidentiality", Group::Base, &[("H", "High"), ("L", "Low"), ("N", "None")]),
    metric("VI", "Vulnerable System Integrity", Group::Base, &[("H", "High"), ("L", "Low"), ("N", "None")]),
    metric("VA", "Vulnerable System Availability", Group::Base, &[("H", "High"), ("L", "Low"), ("N", "None")]),
    metric("SC", "Subsequent System Confidentiality", Group::Base, &[("H", "High"), ("L", "Low"), ("N", "None")]),
    metric("SI", "Subsequent System Integrity", Group::Base, &[("H", "High"), ("L", "Low"), ("N", "None")]),
    metric("SA", "Subsequent System Availability", Group::Base, &[("H", "High"), ("L", "Low"), ("N", "None")]),
    metric(
        "E",
        "Exploit Maturity",
        Group::Threat,
        &[("X", "Not Defined"), ("A", "Attacked"), ("P", "Proof of Concept"), ("U", "Unreported")],
    ),
    metric(
        "CR",
        "Confidentiality Requirement",
        Group::Environmental,
        &[("X", "Not Defined"), ("H", "High"), ("M", "Medium"), ("L", "Low")],
    ),
    metric(
        "IR",
        "Integrity Requirement",
        Group::Environmental,
        &[("X", "Not Defined"), ("H", "High"), ("M", "Medium"), ("L", "Low")],
    ),
    metric(
        "AR",
        "Availability Requirement",
        Group::Environmental,
        &[("X", "Not Defined"), ("H", "High"), ("M", "Medium"), ("L", "Low")],
    ),
    metric(
        "MAV",
        "Modified Attack Vector",
        Group::Environmental,
        &[("X", "Not Defined"), ("N", "Network"), ("A", "Adjacent"), ("L", "Local"), ("P", "Physical")],
    ),
    metric(
        "MAC",
        "Modified Attack Complexity",
        Group::Environmental,
        &[("X", "Not Defined"), ("L", "Low"), ("H", "High")],
    ),
    metric(
        "MAT",
        "Modified Attack Requirements",
        Group::Environmental,
        &[("X", "Not Defined"), ("N", "None"), ("P", "Present")],
    ),
    metric(
        "MPR",
        "Modified Privileges Required",
        Group::Environmental,
        &[("X", "Not Defined"), ("N", "None"), ("L", "Low"), ("H", "High")],
    ),
    metric(
        "MUI",
        "Modified User Interaction",
        Group::Environmental,
        &[("X", "Not Defined"), ("N", "None"), ("P", "Passive"), ("A", "Active")],
    ),
    metric(
        "MVC",
        "Modified Vulnerable System Confidentiality",
        Group::Environmental,
        &[("X", "Not Defined"), ("H", "High"), ("L", "Low"), ("N", "None")],
    ),
    metric(
        "MVI",
        "Modified Vulnerable System Integrity",
        Group::Environmental,
        &[("X", "Not Defined"), ("H", "High"), ("L", "Low"), ("N", "None")],
    ),
    metric(
        "MVA",
        "Modified Vulnerable System Availability",
        Group::Environmental,
        &[("X", "Not Defined"), ("H", "High"), ("L", "Low"), ("N", "None")],
    ),
    metric(
        "MSC",
        "Modified Subsequent System Confidentiality",
        Group::Environmental,
        &[("X", "Not Defined"), ("H", "High"), ("L", "Low"), ("N", "Negligible")],
    ),
    metric(
        "MSI",
        "Modified Subsequent System Integrity",
        Group::Environmental,
        &[("X", "Not Defined"), ("S", "Safety"), ("H", "High"), ("L", "Low"), ("N", "Negligible")],
    ),
    metric(
        "MSA",
        "Modified Subsequent System Availability",
        Group::Environmental,
        &[("X", "Not Defined"), ("S", "Safety"), ("H", "High"), ("L", "Low"), ("N", "Negligible")],
    ),
    metric("S", "Safety", Group::Supplemental, &[("X", "Not Defined"), ("N", "Negligible"), ("P", "Present")]),
    metric("AU", "Automatable", Group::Supplemental, &[("X", "Not Defined"), ("N", "No"), ("Y", "Yes")]),
    metric(
        "R",
        "Recovery",
        Group::Supplemental,
        &[("X", "Not Defined"), ("A", "Automatic"), ("U", "User"), ("I", "Irrecoverable")],
    ),
    metric("V", "Value Density", Group::Supplemental, &[("X", "Not Defined"), ("D", "Diffuse"), ("C", "Concentrated")]),
    metric(
        "RE",
        "Vulnerability Response Effort",
        Group::Supplemental,
        &[("X", "Not Defined"), ("L", "Low"), ("M", "Moderate"), ("H", "High")],
    ),
    metric(
        "U",
        "Provider Urgency",
        Group::Supplemental,
        &[("X", "Not Defined"), ("Clear", "Clear"), ("Green", "Green"), ("Amber", "Amber"), ("Red", "Red")],
    ),
];
