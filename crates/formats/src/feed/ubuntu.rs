//! What Ubuntu's feeds share: releases by code name, the places in the archive that need a subscription, and the words for states.
//!
//! | place | ecosystem |
//! |---|---|
//! | `jammy`, pocket `security` or `updates` | `Ubuntu:22.04:LTS` |
//! | `esm-infra/xenial`, `esm-apps/jammy`, `trusty/esm`, `esm-infra-legacy/trusty` | `Ubuntu:Pro:16.04:LTS` and so on |
//! | `fips/focal`, `fips-updates/jammy`, `realtime/jammy`, `ros-esm/focal` | `Ubuntu:Pro:FIPS:20.04:LTS` and so on: packages of their own |
//! | `upstream`, `devel`, `snap`, `product` | none: no release of the distribution |
//!
//! Source: the README of Ubuntu's CVE tracker; release numbers from distro-info.

use patchwright_domain::intel::{Affected, Status, VendorWords};

/// Code name and number of every release.
const RELEASES: [(&str, &str); 44] = [
    ("warty", "4.10"),
    ("hoary", "5.04"),
    ("breezy", "5.10"),
    ("dapper", "6.06"),
    ("edgy", "6.10"),
    ("feisty", "7.04"),
    ("gutsy", "7.10"),
    ("hardy", "8.04"),
    ("intrepid", "8.10"),
    ("jaunty", "9.04"),
    ("karmic", "9.10"),
    ("lucid", "10.04"),
    ("maverick", "10.10"),
    ("natty", "11.04"),
    ("oneiric", "11.10"),
    ("precise", "12.04"),
    ("quantal", "12.10"),
    ("raring", "13.04"),
    ("saucy", "13.10"),
    ("trusty", "14.04"),
    ("utopic", "14.10"),
    ("vivid", "15.04"),
    ("wily", "15.10"),
    ("xenial", "16.04"),
    ("yakkety", "16.10"),
    ("zesty", "17.04"),
    ("artful", "17.10"),
    ("bionic", "18.04"),
    ("cosmic", "18.10"),
    ("disco", "19.04"),
    ("eoan", "19.10"),
    ("focal", "20.04"),
    ("groovy", "20.10"),
    ("hirsute", "21.04"),
    ("impish", "21.10"),
    ("jammy", "22.04"),
    ("kinetic", "22.10"),
    ("lunar", "23.04"),
    ("mantic", "23.10"),
    ("noble", "24.04"),
    ("oracular", "24.10"),
    ("plucky", "25.04"),
    ("questing", "25.10"),
    ("resolute", "26.04"),
];

/// The ecosystem of a release number, as OSV spells it: `Ubuntu:22.04:LTS`, `Ubuntu:23.10`.
#[must_use]
pub fn ecosystem_of_version(version: &str) -> String {
    format!("Ubuntu:{}", with_lts(version))
}

/// The ecosystem of a code name: `Ubuntu:22.04:LTS` of `jammy`.
#[must_use]
pub fn ecosystem_of_code_name(codename: &str) -> Option<String> {
    RELEASES.iter().find(|(name, _)| *name == codename).map(|(_, version)| ecosystem_of_version(version))
}

fn with_lts(version: &str) -> String {
    let even = version.split('.').next().and_then(|year| year.parse::<u32>().ok()).is_some_and(|y| y.is_multiple_of(2));
    let lts = even && (version.ends_with(".04") || version == "6.06");
    format!("{version}{}", if lts { ":LTS" } else { "" })
}

/// Where a statement holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A release, with or without a subscription.
    Ecosystem(String),
    /// No release of the distribution.
    Elsewhere,
    /// A code name that is not known here.
    Unknown,
}

/// The place of a code name and a track (`esm-infra`, `fips-updates`, empty for the plain archive).
pub(super) fn place(codename: &str, track: &str) -> Place {
    if matches!(codename, "upstream" | "devel" | "snap" | "product") || matches!(track, "snap" | "product" | "upstream")
    {
        return Place::Elsewhere;
    }
    let Some((_, version)) = RELEASES.iter().find(|(name, _)| *name == codename) else {
        return Place::Unknown;
    };
    let release = with_lts(version);
    let program = match track {
        "" | "security" | "updates" | "release" | "proposed" | "backports" => {
            return Place::Ecosystem(format!("Ubuntu:{release}"));
        }
        track if track.starts_with("esm") => return Place::Ecosystem(format!("Ubuntu:Pro:{release}")),
        "fips" => "FIPS",
        "fips-updates" => "FIPS-updates",
        "fips-preview" => "FIPS-preview",
        "realtime" => "Realtime-kernel",
        other => other,
    };
    Place::Ecosystem(format!("Ubuntu:Pro:{program}:{release}"))
}

/// The place of a tracker's release word: `jammy`, `esm-infra/xenial`, `trusty/esm`.
pub(super) fn place_of_word(word: &str) -> Place {
    match word.split_once('/') {
        None => place(word, ""),
        // The oldest form has them the other way round.
        Some((codename, "esm")) => place(codename, "esm"),
        Some((track, codename)) => place(codename, track),
    }
}

/// A tracker's state of a package, with what stands in brackets behind it, as a statement; nothing where the package is not in
/// the release. Also says what is odd about it.
pub(super) fn statement(
    ecosystem: &str,
    package: &str,
    state: &str,
    remark: &str,
    priority: Option<&str>,
) -> (Option<Affected>, Option<String>) {
    let mut vendor = VendorWords {
        severity: priority.map(str::to_owned),
        sub_state: Some(state.to_owned()),
        reason: (!remark.is_empty()).then(|| remark.to_owned()),
    };
    let ended = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["end of life", "end-of-life", "end of standard support", "out of standard support", "end of esm support"]
            .iter()
            .any(|words| text.contains(words))
    };
    let status = match state {
        "DNE" => return (None, None),
        "released" => {
            let version = remark.split_whitespace().next().unwrap_or_default();
            if version.starts_with(|c: char| c.is_ascii_digit()) {
                vendor.sub_state = None;
                return (Some(Affected { vendor, ..Affected::fixed_in(ecosystem, package, version) }), None);
            }
            let odd = format!("{package} is released without a version for {ecosystem}; taken as unknown");
            return (Some(Affected::stated(ecosystem, package, Status::Unknown, vendor)), Some(odd));
        }
        "not-affected" => Status::NotAffected,
        "needed" | "pending" | "in-progress" | "active" => Status::Affected,
        "needs-triage" => Status::UnderInvestigation,
        "deferred" => Status::FixDeferred,
        "ignored" if ended(remark) => Status::EndOfLife,
        "ignored" => Status::WillNotFix,
        other => {
            let odd = format!("{package} has the unknown state `{other}` for {ecosystem}; taken as unknown");
            return (Some(Affected::stated(ecosystem, package, Status::Unknown, vendor)), Some(odd));
        }
    };
    (Some(Affected::stated(ecosystem, package, status, vendor)), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        for (word, want) in [
            ("jammy", "Ubuntu:22.04:LTS"),
            ("mantic", "Ubuntu:23.10"),
            ("dapper", "Ubuntu:6.06:LTS"),
            ("esm-infra/xenial", "Ubuntu:Pro:16.04:LTS"),
            ("esm-apps/jammy", "Ubuntu:Pro:22.04:LTS"),
            ("esm-infra-legacy/trusty", "Ubuntu:Pro:14.04:LTS"),
            ("trusty/esm", "Ubuntu:Pro:14.04:LTS"),
            ("fips/focal", "Ubuntu:Pro:FIPS:20.04:LTS"),
            ("fips-updates/jammy", "Ubuntu:Pro:FIPS-updates:22.04:LTS"),
            ("realtime/jammy", "Ubuntu:Pro:Realtime-kernel:22.04:LTS"),
            ("ros-esm/focal", "Ubuntu:Pro:ros-esm:20.04:LTS"),
        ] {
            assert_eq!(place_of_word(word), Place::Ecosystem(want.to_owned()), "{word}");
        }
        for word in ["upstream", "devel", "snap/core22", "product/multipass"] {
            assert_eq!(place_of_word(word), Place::Elsewhere, "{word}");
        }
        assert_eq!(place_of_word("zany"), Place::Unknown);
    }
}
