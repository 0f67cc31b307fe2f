//! Language packages: who judges them, and under which name and id.

use patchwright_domain::exposure::components::{ecosystems, match_components};
use patchwright_domain::exposure::matching::ProviderChunk;
use patchwright_domain::exposure::{Evidence, Finding};
use patchwright_domain::intel::snapshot::{AdvisoryChunk, compile_advisories};
use patchwright_domain::intel::{Advisory, Affected};
use patchwright_domain::inventory::{Component, HostFacts, Os, Package};

use crate::exposure::{ids, run_with};

fn component(ecosystem: &str, name: &str, version: &str, owned_by: Option<&str>) -> Component {
    Component {
        ecosystem: ecosystem.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        purl: format!("pkg:test/{name}@{version}"),
        location: Some(format!("/somewhere/{name}")),
        owned_by: owned_by.map(str::to_owned),
    }
}

fn host(components: Vec<Component>) -> HostFacts {
    HostFacts { schema: 1, os: Os::parse_short("debian:12").unwrap(), components, ..HostFacts::default() }
}

fn advisory(id: &str, aliases: &[&str], ecosystem: &str, package: &str, fixed: &str) -> Advisory {
    Advisory {
        id: id.to_owned(),
        aliases: aliases.iter().map(|a| (*a).to_owned()).collect(),
        affected: vec![Affected::fixed_in(ecosystem, package, fixed)],
        ..Advisory::default()
    }
}

fn run(host: &HostFacts, ecosystem: &str, providers: &[(&str, &[Advisory])]) -> Vec<Finding> {
    let chunks: Vec<(&str, AdvisoryChunk)> = providers
        .iter()
        .flat_map(|(name, list)| {
            let of = compile_advisories(list).into_iter().filter(|(found, _, _)| found == ecosystem);
            of.map(|(_, _, bytes)| (*name, AdvisoryChunk::open(bytes).unwrap()))
        })
        .collect();
    let chunks: Vec<ProviderChunk<'_>> =
        chunks.iter().map(|(provider, chunk)| ProviderChunk { provider, chunk, subscription: false }).collect();
    match_components(host, ecosystem, &chunks)
}

/// grype #3405, #3672, #1387 and many more: a distribution's python3-… was judged by PyPI's version ranges, although its
/// maintainers had backported the fix.
#[test]
fn grype_3405_a_component_of_an_os_package_is_judged_as_that_package_only() {
    let list = [advisory("GHSA-h5c8-rqwp-cp95", &["CVE-2024-22195"], "PyPI", "jinja2", "3.1.3")];
    let mut h = host(vec![component("PyPI", "Jinja2", "3.1.2", Some("python3-jinja2"))]);
    assert_eq!(run(&h, "PyPI", &[("ghsa", &list)]), []);
    assert!(ecosystems(&h).is_empty());
    // The package itself is judged by the distribution.
    h.packages = vec![Package {
        name: "python3-jinja2".to_owned(),
        version: "3.1.2-1+deb12u1".to_owned(),
        source: "jinja2".to_owned(),
        source_version: "3.1.2-1+deb12u1".to_owned(),
        ..Package::default()
    }];
    let debian = [Advisory {
        id: "CVE-2024-22195".to_owned(),
        affected: vec![Affected::fixed_in("Debian:12", "jinja2", "3.1.2-1+deb12u1")],
        ..Advisory::default()
    }];
    assert_eq!(run_with(&h, "Debian:12", &[("debian-tracker", &debian)]), []);
    // The same version that pip has installed is nobody's backport.
    h.components.push(component("PyPI", "Jinja2", "3.1.2", None));
    let found = run(&h, "PyPI", &[("ghsa", &list)]);
    assert_eq!(ids(&found), ["CVE-2024-22195"]);
    // Named as advisories name it; as the host writes it in the evidence.
    assert_eq!((found[0].package.as_str(), found[0].fixed.as_deref()), ("jinja2", Some("3.1.3")));
    assert!(found[0].evidence.iter().any(|e| matches!(
        e,
        Evidence::FoundAt { location: Some(place), purl, .. }
            if place == "/somewhere/Jinja2" && purl == "pkg:test/Jinja2@3.1.2"
    )));
    assert_eq!(ecosystems(&h).into_iter().collect::<Vec<_>>(), ["PyPI"]);
}

#[test]
fn names_are_compared_as_the_ecosystem_compares_them() {
    let list = [advisory("PYSEC-2026-1", &["CVE-2026-0101"], "PyPI", "Zope.Interface", "6.0")];
    let h = host(vec![component("PyPI", "zope_interface", "5.0", None)]);
    assert_eq!(ids(&run(&h, "PyPI", &[("pypa", &list)])), ["CVE-2026-0101"]);
    let list = [advisory("RUSTSEC-2026-0001", &[], "crates.io", "tokio_util", "0.7.1")];
    let h = host(vec![component("crates.io", "tokio-util", "0.7.0", None)]);
    assert_eq!(ids(&run(&h, "crates.io", &[("rustsec", &list)])), ["RUSTSEC-2026-0001"]);
}

#[test]
fn one_vulnerability_of_several_databases_is_one_finding() {
    let ghsa = [
        advisory("GHSA-aaaa-bbbb-cccc", &["CVE-2026-0201"], "crates.io", "hyper", "1.2.0"),
        advisory("GHSA-dddd-eeee-ffff", &[], "crates.io", "hyper", "1.2.0"),
    ];
    let rustsec = [
        // Knows only GitHub's id of the first, and the second under its own.
        advisory("RUSTSEC-2026-0002", &["GHSA-aaaa-bbbb-cccc"], "crates.io", "hyper", "1.1.9"),
        advisory("RUSTSEC-2026-0003", &["GHSA-dddd-eeee-ffff"], "crates.io", "hyper", "1.1.8"),
    ];
    let h = host(vec![component("crates.io", "hyper", "1.0.0", None)]);
    let found = run(&h, "crates.io", &[("ghsa", &ghsa), ("rustsec", &rustsec)]);
    assert_eq!(ids(&found), ["CVE-2026-0201", "GHSA-dddd-eeee-ffff"]);
    // The ecosystem's own database decides about versions; all of them are named.
    assert_eq!(found[0].fixed.as_deref(), Some("1.1.9"));
    assert_eq!(found[0].advisories, ["GHSA-aaaa-bbbb-cccc", "RUSTSEC-2026-0002"]);
    assert_eq!(found[1].fixed.as_deref(), Some("1.1.8"));
}

#[test]
fn two_places_of_one_version_are_one_finding_and_two_versions_are_two() {
    let list = [advisory("PYSEC-2026-2", &["CVE-2026-0301"], "PyPI", "requests", "2.32.0")];
    let mut elsewhere = component("PyPI", "requests", "2.30.0", None);
    elsewhere.location = Some("/opt/app/requests".to_owned());
    let h = host(vec![
        component("PyPI", "requests", "2.30.0", None),
        elsewhere,
        component("PyPI", "requests", "2.31.0", None),
        component("PyPI", "requests", "2.32.0", None),
    ]);
    let found = run(&h, "PyPI", &[("pypa", &list)]);
    assert_eq!(found.iter().map(|f| f.installed.as_str()).collect::<Vec<_>>(), ["2.30.0", "2.31.0"]);
    let places = found[0].evidence.iter().filter(|e| matches!(e, Evidence::FoundAt { .. })).count();
    assert_eq!(places, 2);
}
