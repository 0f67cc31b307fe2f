//! Support state of an operating system release: said plainly, with the dates and the source's meaning of each.

use serde::{Deserialize, Serialize};

use crate::intel::EolCycle;
use crate::inventory::Os;
use crate::time::Date;

/// How a release is supported on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// Regular security support.
    Supported,
    /// Regular support is over, free long-term support goes on for a subset of packages.
    Lts,
    /// Only paid support is left: counts only with the entitlement on the host.
    ExtendedOnly,
    /// Nobody publishes fixes any more.
    Ended,
    /// No date is known.
    Unknown,
}

impl Support {
    /// The word in documents.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Supported => "supported",
            Self::Lts => "lts",
            Self::ExtendedOnly => "extended_only",
            Self::Ended => "ended",
            Self::Unknown => "unknown",
        }
    }
}

/// The support state of a system with its dates and one plain sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportState {
    /// The state.
    pub support: Support,
    /// One sentence for people.
    pub text: String,
    /// End of regular security support.
    pub security_until: Option<Date>,
    /// End of free long-term support.
    pub lts_until: Option<Date>,
    /// End of paid support.
    pub extended_until: Option<Date>,
}

/// The product key of endoflife.date for an `ID` of os-release, where it differs.
#[must_use]
pub fn product_of(os: &Os) -> &str {
    match os.id.as_str() {
        "rocky" => "rocky-linux",
        "ol" => "oracle-linux",
        "amzn" => "amazon-linux",
        "alpine" => "alpine-linux",
        "photon" => "vmware-photon",
        "opensuse-leap" => "opensuse",
        // One product in several editions: their service packs end with those of the server.
        "sled" | "sles_sap" | "sle_hpc" => "sles",
        "sl-micro" | "sle-micro" => "suse-linux-micro",
        "pop" => "pop-os",
        "raspbian" => "debian",
        // CentOS Linux ended with 8, CentOS Stream began with it: both call themselves `centos`.
        "centos" if is_stream(os) => "centos-stream",
        id => id,
    }
}

fn is_stream(os: &Os) -> bool {
    let major = os.version_id.split('.').next().and_then(|number| number.parse::<u16>().ok());
    major.is_some_and(|number| number > 8) || (major == Some(8) && os.pretty.contains("Stream"))
}

/// Whether a cycle name is the one of this system: `12`, `9` for `9.4`, `22.04`.
fn is_cycle(os: &Os, cycle: &str) -> bool {
    os.version_id == cycle
        || os.version_id.split('.').next() == Some(cycle)
        || (os.version_id.starts_with(cycle) && os.version_id.get(cycle.len()..).is_some_and(|r| r.starts_with('.')))
}

/// The support state of `os` on the day `today`, from the cycles of its product.
#[must_use]
pub fn support_state(os: &Os, cycles: &[EolCycle], today: Date) -> SupportState {
    if os.id.is_empty() && os.pretty.is_empty() {
        let text = "Which operating system this is, is not known, so neither is the end of its support.".to_owned();
        return SupportState {
            support: Support::Unknown,
            text,
            security_until: None,
            lts_until: None,
            extended_until: None,
        };
    }
    let name = if os.pretty.is_empty() { format!("{} {}", os.id, os.version_id) } else { os.pretty.clone() };
    let name = if name.trim().is_empty() { "a document without an operating system".to_owned() } else { name };
    // Several sources may know the cycle: the one with more dates speaks first, the others fill its gaps.
    let mut found: Vec<&EolCycle> = cycles.iter().filter(|c| is_cycle(os, &c.cycle)).collect();
    found.sort_by_key(|c| {
        std::cmp::Reverse([c.security_until, c.lts_until, c.extended_until].into_iter().flatten().count())
    });
    let pick = |field: fn(&EolCycle) -> Option<Date>| found.iter().find_map(|c| field(c));
    let security = pick(|c| c.security_until);
    let lts = pick(|c| c.lts_until);
    let extended = pick(|c| c.extended_until);
    let state = |support, text: String| SupportState {
        support,
        text,
        security_until: security,
        lts_until: lts,
        extended_until: extended,
    };
    let after = |date: Option<Date>| date.filter(|d| *d >= today);
    if let Some(until) = after(security) {
        let days = until.0.saturating_sub(today.0);
        let soon = if days <= 183 { ", plan the move now" } else { "" };
        return state(Support::Supported, format!("{name} gets security support until {until}{soon}."));
    }
    let ended = security.map(|d| format!("Regular security support of {name} ended on {d}."));
    match (ended, after(lts), after(extended)) {
        (Some(ended), Some(lts), _) => state(
            Support::Lts,
            format!(
                "{ended} It is on long-term support until {lts}: a subset of packages and architectures, by a separate team."
            ),
        ),
        (Some(ended), None, Some(extended)) => state(
            Support::ExtendedOnly,
            format!(
                "{ended} Only paid support is left, until {extended}; it counts only where the host holds the entitlement."
            ),
        ),
        (Some(ended), None, None) => state(
            Support::Ended,
            format!(
                "{ended} No further fixes are known to be published for free: a host that shows no pending upgrades is not thereby patched."
            ),
        ),
        (None, ..) if found.iter().any(|c| c.ended_undated) => {
            state(Support::Ended, format!("Support of {name} has ended; the source gives no day."))
        }
        (None, ..) => state(Support::Unknown, format!("No end-of-support date is known for {name}.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn bookworm_is_said_to_be_on_lts() {
        let os = Os::parse_short("debian:12").unwrap();
        let cycles = vec![EolCycle {
            cycle: "12".to_owned(),
            security_until: Some(day("2026-07-11")),
            lts_until: Some(day("2028-06-30")),
            ..EolCycle::default()
        }];
        let on = |d: &str| support_state(&os, &cycles, day(d));
        assert_eq!(on("2026-07-11").support, Support::Supported);
        assert!(on("2026-07-01").text.contains("plan the move now"));
        let today = on("2026-11-22");
        assert_eq!(today.support, Support::Lts);
        assert!(today.text.contains("ended on 2026-07-11") && today.text.contains("2028-06-30"), "{}", today.text);
        assert_eq!(on("2028-07-01").support, Support::Ended);
        assert_eq!(support_state(&os, &[], day("2026-01-01")).support, Support::Unknown);
        let none = support_state(&Os::default(), &[], day("2026-01-01")).text;
        assert_eq!(none, "Which operating system this is, is not known, so neither is the end of its support.");
    }

    #[test]
    fn systems_are_looked_up_under_the_name_of_their_product() {
        for (os, product) in [
            ("opensuse-leap:15.4", "opensuse"),
            ("sles_sap:15.5", "sles"),
            ("sled:15.5", "sles"),
            ("centos:7", "centos"),
            ("centos:8", "centos"),
            ("centos:9", "centos-stream"),
            ("photon:5.0", "vmware-photon"),
            ("debian:12", "debian"),
        ] {
            assert_eq!(product_of(&Os::parse_short(os).unwrap()), product, "{os}");
        }
        let stream = Os { pretty: "CentOS Stream 8".to_owned(), ..Os::parse_short("centos:8").unwrap() };
        assert_eq!(product_of(&stream), "centos-stream");
    }

    #[test]
    fn a_point_release_belongs_to_its_major_cycle_and_paid_support_is_not_support() {
        let os = Os::parse_short("almalinux:9.4").unwrap();
        let cycles =
            vec![EolCycle { cycle: "9".to_owned(), security_until: Some(day("2032-05-31")), ..EolCycle::default() }];
        assert_eq!(support_state(&os, &cycles, day("2026-01-01")).support, Support::Supported);
        let ubuntu = Os::parse_short("ubuntu:20.04").unwrap();
        let cycles = vec![EolCycle {
            cycle: "20.04".to_owned(),
            security_until: Some(day("2025-05-31")),
            extended_until: Some(day("2030-04-02")),
            ..EolCycle::default()
        }];
        assert_eq!(support_state(&ubuntu, &cycles, day("2026-01-01")).support, Support::ExtendedOnly);
    }
}
