//! Tables of official examples, and the rules around the formulas.

use patchwright_domain::decision::cvss::{
    CvssError, Disagreement, EnvironmentalInput, Requirement, Severity, Version, describe, implied, pick, score,
};
use patchwright_domain::decision::profile::{DataClass, Exposure, Tier};
use patchwright_domain::intel::{CvssAssessment, ExploitMaturity};

use super::support::profile;

/// Vector, base, temporal or threat, environmental, what it is.
type Example = (&'static str, u8, Option<u8>, Option<u8>, &'static str);

#[test]
fn the_published_examples_score_as_published() {
    let none = None;
    let table: &[Example] = &[
        // CVSS v2 guide 3.3.1 to 3.3.3.
        (
            "AV:N/AC:L/Au:N/C:N/I:N/A:C/E:F/RL:OF/RC:C/CDP:N/TD:N/CR:M/IR:M/AR:H",
            78,
            Some(64),
            Some(0),
            "v2 CVE-2002-0392",
        ),
        (
            "AV:N/AC:L/Au:N/C:N/I:N/A:C/E:F/RL:OF/RC:C/CDP:H/TD:H/CR:M/IR:M/AR:H",
            78,
            Some(64),
            Some(92),
            "v2 CVE-2002-0392",
        ),
        (
            "AV:N/AC:L/Au:N/C:C/I:C/A:C/E:F/RL:OF/RC:C/CDP:H/TD:H/CR:M/IR:M/AR:L",
            100,
            Some(83),
            Some(90),
            "v2 CVE-2003-0818",
        ),
        (
            "AV:L/AC:H/Au:N/C:C/I:C/A:C/E:POC/RL:OF/RC:C/CDP:H/TD:H/CR:M/IR:M/AR:M",
            62,
            Some(49),
            Some(75),
            "v2 CVE-2003-0062",
        ),
        // CVSS v3.1 examples document.
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:L/A:N", 54, none, none, "CVE-2013-0375 as 3.1 unchanged"),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 64, none, none, "CVE-2013-0375"),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 31, none, none, "CVE-2014-3566"),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", 99, none, none, "CVE-2012-1516"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 75, none, none, "CVE-2014-0160"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 98, none, none, "CVE-2014-6271"),
        ("CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 68, none, none, "CVE-2014-2005"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 100, none, none, "worst"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0, none, none, "no impact"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N/CR:H", 75, none, Some(93), "requirement high"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N/CR:L", 75, none, Some(57), "requirement low"),
        // The measured case that binary floating point gets wrong.
        ("CVSS:3.0/AV:L/AC:H/PR:H/UI:N/S:U/C:N/I:N/A:H/RC:U", 41, Some(38), none, "3.0 temporal"),
        // CVSS v4.0 specification and examples.
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 100, none, none, "v4 worst"),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 93, none, none, "v4"),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", 0, none, none, "v4 no impact"),
        ("CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:A", 73, Some(73), none, "v4 with attacks"),
        (
            "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:L/VA:L/SC:N/SI:N/SA:N/E:P",
            88,
            Some(78),
            none,
            "v4 with a proof of concept (value of the Python package)",
        ),
    ];
    for (vector, base, threat, environmental, whose) in table {
        let s = score(vector, &EnvironmentalInput::default(), None).unwrap_or_else(|e| panic!("{vector}: {e}"));
        assert_eq!((s.base_e1, s.threat_e1, s.environmental_e1), (*base, *threat, *environmental), "{whose}: {vector}");
    }
}

#[test]
fn bands_differ_between_version_2_and_the_others() {
    let table = [
        (Version::V31, 0, Severity::None),
        (Version::V31, 1, Severity::Low),
        (Version::V31, 39, Severity::Low),
        (Version::V31, 40, Severity::Medium),
        (Version::V31, 69, Severity::Medium),
        (Version::V31, 70, Severity::High),
        (Version::V40, 89, Severity::High),
        (Version::V40, 90, Severity::Critical),
        (Version::V2, 100, Severity::High),
    ];
    for (version, e1, severity) in table {
        assert_eq!(Severity::of_score(version, e1), severity, "{version} {e1}");
    }
}

#[test]
fn what_cannot_be_read_has_no_score_and_says_why() {
    let long = format!("CVSS:3.1/{}", "AV:N/".repeat(200));
    let table: &[(&str, &str)] = &[
        ("", "it is empty"),
        ("CVSS:3.1/", "it is empty"),
        ("CVSS:5.0/AV:N", "unknown version `CVSS:5.0`"),
        ("CVSS:3.1/AV:N/AC:L", "base metrics are missing: PR, UI, S, C, I, A"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:X", "metric A has no value `X`"),
        ("CVSS:3.1/AV:N/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "metric AV is given twice"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/", "`` is not METRIC:VALUE"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/ZZ:1", "unknown metric `ZZ`"),
        ("AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "unknown metric `PR`"),
        (&long, "longer than"),
    ];
    for (vector, says) in table {
        let error = score(vector, &EnvironmentalInput::default(), None).unwrap_err();
        assert!(error.to_string().contains(says), "{vector}: {error}");
    }
    assert!(matches!(score("", &EnvironmentalInput::default(), None), Err(CvssError::Empty)));
}

#[test]
fn spellings_that_publishers_use_are_read() {
    let plain = score("AV:N/AC:L/Au:N/C:P/I:P/A:P", &EnvironmentalInput::default(), None).unwrap();
    for other in
        ["CVSS:2.0/AV:N/AC:L/Au:N/C:P/I:P/A:P", "(AV:N/AC:L/Au:N/C:P/I:P/A:P)", " AV:N/Au:N/AC:L/C:P/I:P/A:P/E:ND\n"]
    {
        assert_eq!(score(other, &EnvironmentalInput::default(), None).unwrap(), plain, "{other}");
    }
    let shuffled = "CVSS:4.0/SA:N/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/E:X";
    let s = score(shuffled, &EnvironmentalInput::default(), None).unwrap();
    assert_eq!(s.vector, "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N");
}

#[test]
fn the_asset_sets_environmental_metrics_and_only_narrows_the_attack_vector() {
    let network = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N";
    let local = "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H";
    let table = [
        (network, Tier::T3, DataClass::Restricted, Exposure::Internet, 93, "CVSS-BE", "/CR:H"),
        (network, Tier::T3, DataClass::Public, Exposure::Internet, 57, "CVSS-BE", "/CR:L"),
        (network, Tier::T3, DataClass::Unknown, Exposure::Internal, 65, "CVSS-BE", "/MAV:A"),
        (network, Tier::T3, DataClass::Unknown, Exposure::Isolated, 62, "CVSS-BE", "/MAV:L"),
        (network, Tier::T3, DataClass::Unknown, Exposure::Unknown, 75, "CVSS-B", "A:N"),
        (network, Tier::T1, DataClass::Confidential, Exposure::Internet, 75, "CVSS-BE", "/CR:M/AR:H"),
        (local, Tier::T3, DataClass::Unknown, Exposure::Internal, 78, "CVSS-B", "A:H"),
        (local, Tier::T3, DataClass::Unknown, Exposure::Isolated, 78, "CVSS-B", "A:H"),
    ];
    for (vector, tier, data, exposure, effective, nomenclature, ends) in table {
        let env = EnvironmentalInput::from_profile(&profile(tier, data, exposure));
        let s = score(vector, &env, None).unwrap();
        assert_eq!((s.effective_e1, s.nomenclature.as_str()), (effective, nomenclature), "{data:?} {exposure:?}");
        assert!(s.vector.ends_with(ends), "{} does not end with {ends}", s.vector);
    }
    let mut tagged = profile(Tier::T3, DataClass::Unknown, Exposure::Unknown);
    tagged.tags.push("integrity".to_owned());
    assert_eq!(EnvironmentalInput::from_profile(&tagged).integrity, Requirement::High);
}

#[test]
fn exploit_evidence_shows_in_the_threat_score_and_never_lowers_the_effective_one() {
    let undefined = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
    let unproven = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:U";
    let v4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";
    let table = [
        (undefined, None, None, 98, "CVSS-B"),
        (undefined, Some(ExploitMaturity::ProofOfConcept), Some(93), 98, "CVSS-B"),
        (undefined, Some(ExploitMaturity::Exploited), Some(98), 98, "CVSS-B"),
        (unproven, None, Some(90), 90, "CVSS-BT"),
        (unproven, Some(ExploitMaturity::ProofOfConcept), Some(93), 93, "CVSS-BT"),
        (unproven, Some(ExploitMaturity::Weaponised), Some(96), 96, "CVSS-BT"),
        (unproven, Some(ExploitMaturity::Exploited), Some(98), 98, "CVSS-BT"),
        (v4, Some(ExploitMaturity::ProofOfConcept), Some(89), 93, "CVSS-B"),
        (v4, Some(ExploitMaturity::Weaponised), Some(93), 93, "CVSS-B"),
    ];
    for (vector, exploit, threat, effective, nomenclature) in table {
        let s = score(vector, &EnvironmentalInput::default(), exploit).unwrap();
        assert_eq!(
            (s.threat_e1, s.effective_e1, s.nomenclature.as_str()),
            (threat, effective, nomenclature),
            "{vector} {exploit:?}"
        );
    }
}

#[test]
fn the_choice_follows_source_then_version_and_keeps_what_does_not_fit() {
    let a = |source: &str, vector: &str, published_e1| CvssAssessment {
        source: source.to_owned(),
        vector: vector.to_owned(),
        published_e1,
    };
    let nvd = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
    let cna3 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:N/A:N";
    let cna4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:L/VA:N/SC:N/SI:N/SA:N";
    let list =
        [a("nvd", nvd, Some(75)), a("vendor:acme", "nonsense", None), a("cna", cna3, Some(65)), a("cna", cna4, None)];
    let picked = pick(&list, &EnvironmentalInput::default(), None);
    let (place, source, chosen) = picked.chosen.unwrap();
    assert_eq!((place, source.as_str(), chosen.version, chosen.base_e1), (3, "cna", Version::V40, 69));
    let kinds: Vec<String> = picked
        .disagreements
        .iter()
        .map(|d| match d {
            Disagreement::Printed { source, published_e1, computed_e1 } => {
                format!("{source} printed {published_e1} not {computed_e1}")
            }
            Disagreement::Other { source, base_e1, .. } => format!("{source} {base_e1}"),
            Disagreement::Unreadable { source, .. } => format!("{source} unreadable"),
        })
        .collect();
    assert_eq!(kinds, ["nvd printed 75 not 98", "nvd 98", "vendor:acme unreadable", "cna 65"]);
    assert_eq!(pick(&[a("cna", "nonsense", None)], &EnvironmentalInput::default(), None).chosen, None);
}

#[test]
fn vectors_imply_decision_points_only_where_they_settle_them() {
    let table = [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Some(true), Some(true)),
        ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", Some(false), Some(true)),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:N/I:N/A:H", Some(false), Some(false)),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N", None, None),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:L/A:L", None, Some(false)),
        ("AV:N/AC:L/Au:N/C:C/I:C/A:C", None, Some(true)),
        ("AV:L/AC:L/Au:N/C:P/I:P/A:P", Some(false), Some(false)),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/AU:N", Some(false), Some(true)),
        ("CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:N/VC:N/VI:L/VA:H/SC:N/SI:N/SA:N", None, Some(false)),
    ];
    for (vector, automatable, total) in table {
        let i = implied(&score(vector, &EnvironmentalInput::default(), None).unwrap());
        assert_eq!((i.automatable, i.total_impact), (automatable, total), "{vector}");
    }
}

#[test]
fn description_names_scores_and_metrics() {
    let lines = describe("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P").unwrap();
    assert_eq!(lines[1], "base 9.8 critical");
    assert_eq!(lines[2], "temporal 9.3");
    assert!(lines.contains(&"AV:N  Attack Vector: Network".to_owned()), "{lines:#?}");
    assert!(describe("x").is_err());
}
