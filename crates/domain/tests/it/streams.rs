//! rpm module streams: the wrong answers of other scanners, each by name.

use patchwright_domain::exposure::subject::streams_unseen;
use patchwright_domain::exposure::{Evidence, Finding, FindingState};
use patchwright_domain::intel::{Advisory, Affected, Event, Range, RangeKind};
use patchwright_domain::inventory::{HostFacts, Os, Package};

use crate::exposure::{ids, run_with};

const ALMA: &str = "AlmaLinux:8";

fn package(name: &str, version: &str, module: Option<&str>) -> Package {
    Package {
        name: name.to_owned(),
        version: version.to_owned(),
        arch: "x86_64".to_owned(),
        source: name.to_owned(),
        source_version: version.to_owned(),
        module: module.map(str::to_owned),
        ..Package::default()
    }
}

fn host(packages: Vec<Package>) -> HostFacts {
    HostFacts { schema: 1, os: Os::parse_short("almalinux:8").unwrap(), packages, ..HostFacts::default() }
}

/// An update advisory as AlmaLinux publishes it: streams in the title only.
fn advisory(id: &str, cve: &str, title: &str, package: &str, fixed: &[&str]) -> Advisory {
    let range = |version: &&str| Range {
        kind: RangeKind::Ecosystem,
        events: vec![Event::Introduced("0".to_owned()), Event::Fixed((*version).to_owned())],
    };
    Advisory {
        id: id.to_owned(),
        upstream: vec![cve.to_owned()],
        title: Some(title.to_owned()),
        affected: vec![Affected {
            ranges: fixed.iter().map(range).collect(),
            ..Affected::fixed_in(ALMA, package, fixed.first().unwrap())
        }],
        ..Advisory::default()
    }
}

fn run(host: &HostFacts, list: &[Advisory]) -> Vec<Finding> {
    run_with(host, ALMA, &[("almalinux", list)])
}

fn nodejs() -> Vec<Advisory> {
    vec![
        advisory(
            "ALSA-2026:0018",
            "CVE-2026-1800",
            "Important: nodejs:18 security update",
            "nodejs",
            &["1:18.20.4-1.module_el8.10.0+3905+1"],
        ),
        advisory(
            "ALSA-2026:0020",
            "CVE-2026-1800",
            "Important: nodejs:20 security update",
            "nodejs",
            &["1:20.16.0-1.module_el8.10.0+3906+1"],
        ),
    ]
}

/// trivy #771: every stream below the newest stream's fix was reported.
#[test]
fn trivy_771_a_stream_is_judged_by_its_own_fix() {
    let patched = package("nodejs", "1:18.20.4-1.module_el8.10.0+3905+1", Some("nodejs:18"));
    assert_eq!(run(&host(vec![patched]), &nodejs()), []);
    let old = package("nodejs", "1:18.20.2-1.module_el8.10.0+3800+1", Some("nodejs:18"));
    let found = run(&host(vec![old]), &nodejs());
    assert_eq!(ids(&found), ["CVE-2026-1800"]);
    assert_eq!(found[0].fixed.as_deref(), Some("1:18.20.4-1.module_el8.10.0+3905+1"));
    assert_eq!(found[0].advisories, ["ALSA-2026:0018"]);
    assert_eq!(found[0].state, FindingState::FixAvailable);
    // A stream that no advisory speaks of is not judged by the others'.
    let other = package("nodejs", "1:16.20.2-1.module_el8.10.0+3700+1", Some("nodejs:16"));
    assert_eq!(run(&host(vec![other]), &nodejs()), []);
}

/// AlmaLinux #2342: modular advisories were matched against packages outside of modules, and the other way round.
#[test]
fn alma_2342_modular_and_other_packages_do_not_judge_each_other() {
    let list = [
        advisory(
            "ALSA-2026:0530",
            "CVE-2026-5300",
            "Moderate: perl:5.30 security update",
            "perl",
            &["4:5.30.1-452.module_el8.5.0+160+d7199140"],
        ),
        advisory("ALSA-2026:0526", "CVE-2026-5260", "Moderate: perl security update", "perl", &["4:5.26.3-423.el8_10"]),
    ];
    let base = package("perl", "4:5.26.3-420.el8", None);
    assert_eq!(ids(&run(&host(vec![base]), &list)), ["CVE-2026-5260"]);
    let modular = package("perl", "4:5.24.4-404.module_el8.1.0+6019+b22674e1", Some("perl:5.24"));
    assert_eq!(run(&host(vec![modular]), &list), []);
    let stream = package("perl", "4:5.30.1-450.module_el8.4.0+2179+01326e37", Some("perl:5.30"));
    assert_eq!(ids(&run(&host(vec![stream]), &list)), ["CVE-2026-5300"]);
}

/// vuls #1968: rpm of Oracle Linux 8 and Fedora 28 gives no MODULARITYLABEL; the release still tells a modular build.
#[test]
fn vuls_1968_without_a_label_the_versions_choose_the_stream() {
    let one = |title| {
        advisory(
            "ALSA-2026:0100",
            "CVE-2026-1000",
            title,
            "nodejs",
            &["1:18.20.4-1.module_el8.10.0+3905+1", "1:20.16.0-1.module_el8.10.0+3906+1"],
        )
    };
    let list = [one("Important: nodejs security update")];
    let patched = package("nodejs", "1:18.20.4-1.module_el8.10.0+3905+1", None);
    assert_eq!(run(&host(vec![patched]), &list), [], "20.16.0 is another stream's fix");
    let old = package("nodejs", "1:18.20.3-1.module_el8.10.0+3905+1", None);
    let found = run(&host(vec![old.clone()]), &list);
    assert_eq!(found[0].fixed.as_deref(), Some("1:18.20.4-1.module_el8.10.0+3905+1"));
    // The title names streams, the package still has no label.
    assert_eq!(ids(&run(&host(vec![old]), &[one("Important: nodejs:18 and nodejs:20 security update")])).len(), 1);
    // No number in common: rather a finding too many than a hole.
    let far = package("nodejs", "1:14.21.3-1.module_el8.7.0+3500+1", None);
    assert_eq!(run(&host(vec![far]), &list).len(), 1);
    // A package outside of modules is none of their business.
    let plain = package("nodejs", "1:10.24.0-1.el8", None);
    assert_eq!(run(&host(vec![plain]), &list), []);
}

/// No label and several streams in the data: the one that is named after the version judges, and the answer says that it is assumed.
#[test]
fn without_a_label_the_stream_that_is_named_after_the_version_judges() {
    let mut list = nodejs();
    list.push(advisory(
        "ALSA-2026:0022",
        "CVE-2026-2200",
        "Important: nodejs:22 security update",
        "nodejs",
        &["1:22.4.1-1.module_el8.10.0+3907+1"],
    ));
    let of = |version| host(vec![package("nodejs", version, None)]);
    let patched = of("1:18.20.8-1.module_el8.10.0+4000+1");
    assert_eq!(run(&patched, &list), [], "22 and 20 are other streams");
    let said = streams_unseen(&patched).unwrap();
    assert!(said.why.starts_with("1 package is from a module and names no stream"), "{said:?}");
    let found = run(&of("1:18.20.2-1.module_el8.10.0+3800+1"), &list);
    assert_eq!(ids(&found), ["CVE-2026-1800"]);
    let assumed = Evidence::StreamAssumed { stream: Some("nodejs:18".to_owned()) };
    assert!(found[0].evidence.contains(&assumed), "{:?}", found[0].evidence);
    // No stream bears this version: rather a finding too many than a hole, and it says so too.
    let found = run(&of("1:16.20.2-1.module_el8.10.0+3700+1"), &list);
    assert_eq!(ids(&found), ["CVE-2026-1800", "CVE-2026-2200"]);
    assert!(found.iter().all(|f| f.evidence.iter().any(|e| matches!(e, Evidence::StreamAssumed { .. }))));
    let labelled = host(vec![package("nodejs", "1:18.20.2-1.module_el8.10.0+3800+1", Some("nodejs:18"))]);
    assert_eq!(streams_unseen(&labelled), None);
    assert!(run(&labelled, &list)[0].evidence.iter().all(|e| !matches!(e, Evidence::StreamAssumed { .. })));
}

/// A package that counts otherwise than its module may look like another stream of it.
#[test]
fn the_version_of_a_package_of_another_count_names_no_stream() {
    let npm = |id: &str, cve: &str, title: &str, version: &str| advisory(id, cve, title, "npm", &[version]);
    let list = [
        npm("ALSA-2026:0010", "CVE-2026-1", "Low: nodejs:10 security update", "1:6.14.11-1.module_el8.3.0+1+1"),
        npm("ALSA-2026:0018", "CVE-2026-2", "Low: nodejs:18 security update", "1:10.8.4-1.module_el8.10.0+1+1"),
    ];
    let old = host(vec![package("npm", "1:10.8.2-1.module_el8.10.0+1+1", None)]);
    assert_eq!(ids(&run(&old, &list)), ["CVE-2026-2"]);
}

/// One advisory lists two builds of the same fix (ALSA-2023:6938 does): to have the first is to be fixed.
#[test]
fn any_build_that_an_advisory_lists_is_a_fix() {
    let list = [advisory(
        "ALSA-2026:0938",
        "CVE-2026-9380",
        "Moderate: container-tools:4.0 security update",
        "criu",
        &["3.15-3.module_el8.6.0+2877+8e437bf5", "3.15-3.module_el8.6.0+3137+d33c3efb"],
    )];
    let with = |version| host(vec![package("criu", version, Some("container-tools:4.0"))]);
    assert_eq!(run(&with("3.15-3.module_el8.6.0+2877+8e437bf5"), &list), []);
    assert_eq!(run(&with("3.15-1.module_el8.5.0+2613+1b78b731"), &list).len(), 1);
    // A rolling stream moves to new versions: the label is enough, the numbers need not agree.
    let rolling = [advisory(
        "ALSA-2026:0939",
        "CVE-2026-9390",
        "Moderate: container-tools:rhel8 security update",
        "podman",
        &["4:4.9.4-1.module_el8.10.0+3845+1"],
    )];
    let old = host(vec![package("podman", "3:3.4.4-1.module_el8.6.0+2877+1", Some("container-tools:rhel8"))]);
    assert_eq!(run(&old, &rolling).len(), 1);
}

/// Data without titles still tells streams apart that are named after their versions.
#[test]
fn a_stream_named_after_its_version_is_not_judged_by_another_version() {
    let list = [advisory(
        "ALSA-2026:0100",
        "CVE-2026-1000",
        "Important: nodejs security update",
        "nodejs",
        &["1:20.16.0-1.module_el8.10.0+3906+1"],
    )];
    let of = |version, module| host(vec![package("nodejs", version, Some(module))]);
    assert_eq!(run(&of("1:18.20.4-1.module_el8.10.0+3905+1", "nodejs:18"), &list), []);
    assert_eq!(run(&of("1:20.11.0-1.module_el8.10.0+3905+1", "nodejs:20"), &list).len(), 1);
    // A stream that is not named so says nothing about versions.
    assert_eq!(run(&of("1:18.20.4-1.module_el8.10.0+3905+1", "tools:rhel8"), &list).len(), 1);
}

/// A publisher that names the stream in its data (Red Hat's CSAF) is believed before any title.
#[test]
fn a_stream_in_the_data_wins_over_the_title() {
    let mut named = advisory(
        "RHSA-2026:0001",
        "CVE-2026-7000",
        "Important: php:8.0 security update",
        "php",
        &["8.2.13-1.module_el8.10.0+1+1"],
    );
    named.affected[0].module = Some("php:8.2".to_owned());
    let of = |module| host(vec![package("php", "8.0.30-1.module_el8.10.0+1+1", Some(module))]);
    assert_eq!(run(&of("php:8.0"), &[named.clone()]), []);
    assert_eq!(run(&of("php:8.2"), &[named]).len(), 1);
}
