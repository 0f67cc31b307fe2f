//! What policy conditions may read: advisory facts and asset-profile attributes. No time, no host id.

use super::bod::BodDecision;
use super::condition::{Schema, Type, Value, Variables};
use super::cvss::{CvssScore, Severity};
use super::points;
use super::profile::{AssetProfile, DataClass, Exposure, Tier};
use super::ssvc::SsvcDecision;
use crate::intel::{Status, VendorWords, VulnFacts};

/// Names and types, in the order of the documentation.
pub const SCHEMA: Schema = &[
    ("vuln.id", Type::Str),
    ("vuln.kev", Type::Bool),
    ("vuln.kev_ransomware", Type::Bool),
    ("vuln.epss", Type::Double),
    ("vuln.epss_percentile", Type::Double),
    ("vuln.cvss", Type::Double),
    ("vuln.cvss_base", Type::Double),
    ("vuln.severity", Type::Str),
    ("vuln.exploit", Type::Str),
    ("vuln.vendor_severity", Type::Str),
    ("vuln.ssvc.exploitation", Type::Str),
    ("vuln.ssvc.automatable", Type::Str),
    ("vuln.ssvc.technical_impact", Type::Str),
    ("vuln.automatable", Type::Bool),
    ("vuln.technical_impact", Type::Str),
    ("bod.outcome", Type::Str),
    ("ssvc.outcome", Type::Str),
    ("ssvc.human_impact", Type::Str),
    ("asset.tier", Type::Str),
    ("asset.environment", Type::Str),
    ("asset.data_class", Type::Str),
    ("asset.exposure", Type::Str),
    ("asset.zone", Type::Str),
    ("asset.owner", Type::Str),
    ("asset.services", Type::StrList),
    ("asset.tags", Type::StrList),
    ("finding.status", Type::Str),
    ("finding.vendor_state", Type::Str),
    ("package.name", Type::Str),
    ("ecosystem", Type::Str),
];

/// The part of [`SCHEMA`] that is about the asset alone, for rules that no vulnerability takes part in.
pub const ASSET_SCHEMA: Schema = &[
    ("asset.tier", Type::Str),
    ("asset.environment", Type::Str),
    ("asset.data_class", Type::Str),
    ("asset.exposure", Type::Str),
    ("asset.zone", Type::Str),
    ("asset.owner", Type::Str),
    ("asset.services", Type::StrList),
    ("asset.tags", Type::StrList),
];

/// One finding as a policy sees it. Equal inputs are judged once.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Facts about the vulnerability.
    pub vuln: &'a VulnFacts,
    /// The publisher's words.
    pub vendor: &'a VendorWords,
    /// The publisher's status.
    pub status: Status,
    /// The asset.
    pub profile: &'a AssetProfile,
    /// Source package (or binary package for rpm).
    pub package: &'a str,
    /// Ecosystem with release.
    pub ecosystem: &'a str,
}

/// Whether both worlds are the same: nothing that a table assumed changes its outcome.
pub(super) fn same_worlds(derived: &Derived<'_>) -> bool {
    derived.bod.outcome == derived.bod.at_least
        && derived.ssvc.outcome == derived.ssvc.at_least
        && derived.ssvc.human_impact == derived.ssvc.human_impact_at_least
}

/// Which end of the unknown decision-table inputs the variables show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum World {
    /// Every assumption at its worst.
    Worst,
    /// Every assumption at its best: what holds by facts alone.
    Best,
}

/// Everything that was derived before conditions are evaluated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Derived<'a> {
    pub(super) cvss: Option<&'a CvssScore>,
    pub(super) severity: Option<Severity>,
    pub(super) bod: &'a BodDecision,
    pub(super) ssvc: &'a SsvcDecision,
}

pub(super) fn variables(input: &Input<'_>, derived: &Derived<'_>, world: World) -> Variables {
    let vuln = input.vuln;
    let text = |t: &str| Some(Value::Str(t.to_owned().into()));
    let word = |t: &'static str| Some(Value::Str(t.into()));
    let said = |t: &str| if t.is_empty() { None } else { text(t) };
    let [tier, environment, data_class, exposure, zone, owner, services, tags] = asset_values(input.profile);
    let tenths = |e1: u8| Some(Value::Double(f64::from(e1) / 10.0));
    let point = |name: &str| derived.bod.points.iter().find(|p| p.name == name && !p.assumed).map(|p| p.value.as_str());
    let (bod, ssvc, impact) = match world {
        World::Worst => (derived.bod.outcome, derived.ssvc.outcome, &derived.ssvc.human_impact),
        World::Best => (derived.bod.at_least, derived.ssvc.at_least, &derived.ssvc.human_impact_at_least),
    };
    let values: [(&str, Option<Value>); SCHEMA.len()] = [
        ("vuln.id", text(&vuln.id)),
        ("vuln.kev", Some(Value::Bool(vuln.kev.is_some()))),
        ("vuln.kev_ransomware", ransomware(vuln).map(Value::Bool)),
        ("vuln.epss", vuln.epss.map(|e| Value::Double(e.probability()))),
        (
            "vuln.epss_percentile",
            vuln.epss.and_then(|e| e.percentile_e5).map(|p| Value::Double(f64::from(p) / 100_000.0)),
        ),
        ("vuln.cvss", derived.cvss.and_then(|c| tenths(c.effective_e1))),
        ("vuln.cvss_base", derived.cvss.and_then(|c| tenths(c.base_e1))),
        ("vuln.severity", derived.severity.and_then(|s| word(s.word()))),
        ("vuln.exploit", word(points::exploit_word(points::exploit_maturity(vuln)))),
        ("vuln.vendor_severity", vendor_severity(input.vendor).and_then(|s| word(s.word()))),
        ("vuln.ssvc.exploitation", vuln.ssvc.as_ref().and_then(|s| said(&s.exploitation))),
        ("vuln.ssvc.automatable", vuln.ssvc.as_ref().and_then(|s| said(&s.automatable))),
        ("vuln.ssvc.technical_impact", vuln.ssvc.as_ref().and_then(|s| said(&s.technical_impact))),
        ("vuln.automatable", point("Automatable").map(|v| Value::Bool(v == "yes"))),
        ("vuln.technical_impact", point("Technical Impact").and_then(text)),
        ("bod.outcome", word(bod.word())),
        ("ssvc.outcome", word(ssvc.word())),
        ("ssvc.human_impact", text(impact)),
        tier,
        environment,
        data_class,
        exposure,
        zone,
        owner,
        services,
        tags,
        ("finding.status", word(input.status.word())),
        ("finding.vendor_state", input.vendor.sub_state.as_deref().and_then(said)),
        ("package.name", text(input.package)),
        ("ecosystem", text(input.ecosystem)),
    ];
    debug_assert!(
        values.iter().zip(SCHEMA).all(|((ours, _), (theirs, _))| ours == theirs),
        "values stand in the schema's order"
    );
    Variables::in_order(values.map(|(_, value)| value))
}

/// What conditions over [`ASSET_SCHEMA`] read. What nobody has said about an asset is unknown: empty lists too, and the tier of an
/// asset of which nothing is said at all. A profile does not tell a T3 that somebody said from the one that stands in for it; as soon
/// as anything else is said, it counts as said.
#[must_use]
pub fn asset_variables(profile: &AssetProfile) -> Variables {
    let mut variables = Variables::unknown(ASSET_SCHEMA);
    let unsaid = *profile == AssetProfile::default();
    for (name, value) in asset_values(profile) {
        let stands_in = unsaid && name == "asset.tier";
        let value = value.filter(|v| !stands_in && !matches!(v, Value::List(list) if list.is_empty()));
        variables.set(ASSET_SCHEMA, name, value);
    }
    variables
}

fn asset_values(profile: &AssetProfile) -> [(&'static str, Option<Value>); 8] {
    let word = |t: &'static str| Some(Value::Str(t.into()));
    let said = |t: &str| if t.is_empty() { None } else { Some(Value::Str(t.to_owned().into())) };
    let texts = |list: &[String]| Some(Value::List(list.iter().map(|t| Value::Str(t.clone().into())).collect()));
    [
        ("asset.tier", word(tier_word(profile.tier))),
        ("asset.environment", said(&profile.environment)),
        ("asset.data_class", data_class_word(profile.data_class).and_then(word)),
        ("asset.exposure", exposure_word(profile.exposure).and_then(word)),
        ("asset.zone", said(&profile.zone)),
        ("asset.owner", said(&profile.owner)),
        ("asset.services", texts(&profile.services)),
        ("asset.tags", texts(&profile.tags)),
    ]
}

/// KEV's `Unknown` means unconfirmed, so it is unknown here and not "no".
fn ransomware(vuln: &VulnFacts) -> Option<bool> {
    match &vuln.kev {
        None => Some(false),
        Some(kev) if kev.ransomware_known => Some(true),
        Some(_) => None,
    }
}

/// A vendor's severity on our scale; nothing when the vendor has not said. Mapping version 1 (`reference: Debian urgency, Ubuntu
/// priority, Red Hat and MSRC severity`); the verbatim word stays in [`VendorWords`].
#[must_use]
pub fn vendor_severity(words: &VendorWords) -> Option<Severity> {
    if words.sub_state.as_deref() == Some("unimportant") {
        return Some(Severity::None);
    }
    let word = words.severity.as_deref()?.trim().trim_end_matches('*').to_ascii_lowercase();
    match word.as_str() {
        "critical" => Some(Severity::Critical),
        "high" | "important" => Some(Severity::High),
        "medium" | "moderate" => Some(Severity::Medium),
        "low" => Some(Severity::Low),
        "unimportant" | "negligible" | "none" => Some(Severity::None),
        _ => None,
    }
}

/// `T1` to `T4`.
#[must_use]
pub fn tier_word(tier: Tier) -> &'static str {
    match tier {
        Tier::T1 => "T1",
        Tier::T2 => "T2",
        Tier::T3 => "T3",
        Tier::T4 => "T4",
    }
}

fn data_class_word(class: DataClass) -> Option<&'static str> {
    match class {
        DataClass::Restricted => Some("restricted"),
        DataClass::Confidential => Some("confidential"),
        DataClass::Public => Some("public"),
        DataClass::Unknown => None,
    }
}

fn exposure_word(exposure: Exposure) -> Option<&'static str> {
    match exposure {
        Exposure::Internet => Some("internet"),
        Exposure::Internal => Some("internal"),
        Exposure::Isolated => Some("isolated"),
        Exposure::Unknown => None,
    }
}
