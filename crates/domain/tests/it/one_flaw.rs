//! One flaw of one package is one finding, however many publishers speak of it and under whatever names.

use patchwright_domain::exposure::fleet::{Day, FleetIndex, HostLoad, Intelligence};
use patchwright_domain::exposure::matching::ProviderChunk;
use patchwright_domain::exposure::subject::subjects;
use patchwright_domain::exposure::{Evidence, Finding};
use patchwright_domain::intel::snapshot::{AdvisoryChunk, compile_advisories};
use patchwright_domain::intel::{Advisory, Affected};
use patchwright_domain::inventory::{CandidateFix, HostFacts, Os, Package, PackageFormat};
use patchwright_versions::Scheme;

use crate::exposure::run_with;

const ROCKY: &str = "Rocky Linux:9";
const OLD: &str = "1:3.0.7-25.el9_3";
const FIXED: &str = "1:3.0.7-27.el9_4";

fn advisory(id: &str, cves: &[&str], packages: &[&str]) -> Advisory {
    Advisory {
        id: id.to_owned(),
        upstream: cves.iter().map(|cve| (*cve).to_owned()).collect(),
        affected: packages.iter().map(|package| Affected::fixed_in(ROCKY, package, FIXED)).collect(),
        ..Advisory::default()
    }
}

fn host(packages: &[(&str, &str)]) -> HostFacts {
    let package = |(name, version): &(&str, &str)| Package {
        name: (*name).to_owned(),
        version: (*version).to_owned(),
        arch: "x86_64".to_owned(),
        source: "openssl".to_owned(),
        source_version: (*version).to_owned(),
        ..Package::default()
    };
    HostFacts {
        schema: 1,
        os: Os::parse_short("rocky:9").unwrap(),
        format: Some(PackageFormat::Rpm),
        packages: packages.iter().map(package).collect(),
        ..HostFacts::default()
    }
}

fn pairs(found: &[Finding]) -> Vec<(&str, &str)> {
    found.iter().map(|f| (f.package.as_str(), f.vuln.as_str())).collect()
}

/// Who says it, the deciding provider first.
fn voices(finding: &Finding) -> Vec<&str> {
    finding
        .evidence
        .iter()
        .filter_map(|e| match e {
            Evidence::VersionInRange { provider, .. } | Evidence::AlsoSaid { provider, .. } => Some(provider.as_str()),
            _ => None,
        })
        .collect()
}

/// The index of the fleet must not count what the report of the host does not show.
fn agreed(host: &HostFacts, providers: &[(&str, &[Advisory])]) -> Vec<Finding> {
    let found = run_with(host, ROCKY, providers);
    let chunks: Vec<(&str, AdvisoryChunk)> = providers
        .iter()
        .map(|(name, list)| (*name, AdvisoryChunk::open(compile_advisories(list).remove(0).2).unwrap()))
        .collect();
    let list = chunks.iter().map(|(provider, chunk)| ProviderChunk { provider, chunk, subscription: false }).collect();
    let intel = Intelligence::from([(ROCKY, list)]);
    let mut index = FleetIndex::default();
    let subjects: Vec<_> = subjects(host, ROCKY, Scheme::Rpm).into_iter().map(|s| (s.key, Day(20_000))).collect();
    let profile = patchwright_domain::decision::profile::AssetProfile::default();
    let load =
        HostLoad { ecosystem: ROCKY, subjects: &subjects, packages: &host.packages, libraries: &[], profile: &profile };
    index.host_put(0, &load);
    index.rematch(&intel, 1);
    let claims: usize =
        index.host(0).unwrap().subjects.iter().filter_map(|s| index.subject(*s)).map(|s| s.claims.len()).sum();
    assert_eq!(claims, found.len(), "{found:#?}");
    found
}

#[test]
fn one_cve_of_two_providers_is_one_finding_that_names_both() {
    let osv = [advisory("RLSA-2026:1", &["CVE-2026-1001"], &["openssl"])];
    let repository = [advisory("RLSA-2026:1", &["CVE-2026-1001"], &["openssl", "openssl-libs"])];
    let both: &[(&str, &[Advisory])] = &[("osv-rocky", &osv), ("rocky-updateinfo", &repository)];
    let found = agreed(&host(&[("openssl", OLD), ("openssl-libs", OLD)]), both);
    assert_eq!(pairs(&found), [("openssl", "CVE-2026-1001"), ("openssl-libs", "CVE-2026-1001")]);
    for finding in &found {
        assert_eq!(voices(finding), ["rocky-updateinfo", "osv-rocky"], "{finding:#?}");
        assert_eq!(finding.advisories, ["RLSA-2026:1"]);
    }
    // Without a package of the source's name, the source is no second package.
    let found = agreed(&host(&[("openssl-libs", OLD)]), both);
    assert_eq!(pairs(&found), [("openssl-libs", "CVE-2026-1001")]);
    assert_eq!(voices(&found[0]), ["rocky-updateinfo", "osv-rocky"]);
    assert!(agreed(&host(&[("openssl-libs", FIXED)]), both).is_empty());
}

#[test]
fn an_advisory_without_cve_ids_is_the_cves_that_another_provider_names_for_it() {
    let osv = [advisory("RLSA-2026:2", &[], &["openssl"])];
    let repository = [advisory("RLSA-2026:2", &["CVE-2026-1002", "CVE-2026-1003"], &["openssl", "openssl-libs"])];
    let both: &[(&str, &[Advisory])] = &[("osv-rocky", &osv), ("rocky-updateinfo", &repository)];
    for packages in [&[("openssl", OLD)][..], &[("openssl-libs", OLD)]] {
        let found = agreed(&host(packages), both);
        let name = packages[0].0;
        assert_eq!(pairs(&found), [(name, "CVE-2026-1002"), (name, "CVE-2026-1003")]);
        assert!(found.iter().all(|f| voices(f) == ["rocky-updateinfo", "osv-rocky"]), "{found:#?}");
    }
    // The other way round: the repository names none, OSV does.
    let osv = [advisory("RLSA-2026:3", &["CVE-2026-1004"], &["openssl"])];
    let repository = [advisory("RLSA-2026:3", &[], &["openssl-libs"])];
    let found = agreed(&host(&[("openssl-libs", OLD)]), &[("osv-rocky", &osv), ("rocky-updateinfo", &repository)]);
    assert_eq!(pairs(&found), [("openssl-libs", "CVE-2026-1004")]);
    assert_eq!(found[0].advisories, ["RLSA-2026:3"]);
    // Alone, the id of the advisory is what there is.
    let found = agreed(&host(&[("openssl-libs", OLD)]), &[("rocky-updateinfo", &repository)]);
    assert_eq!(pairs(&found), [("openssl-libs", "RLSA-2026:3")]);
}

/// The rule takes no finding away that only one of them knows.
#[test]
fn what_only_one_provider_says_stays() {
    let osv = [
        advisory("RLSA-2026:4", &["CVE-2026-1005"], &["openssl"]),
        advisory("RLSA-2026:5", &["CVE-2026-1006", "CVE-2026-1007"], &["openssl"]),
    ];
    let repository = [advisory("RLSA-2026:5", &["CVE-2026-1007"], &["openssl-libs"])];
    let both: &[(&str, &[Advisory])] = &[("osv-rocky", &osv), ("rocky-updateinfo", &repository)];
    let found = agreed(&host(&[("openssl-libs", OLD)]), both);
    assert_eq!(
        pairs(&found),
        [("openssl", "CVE-2026-1005"), ("openssl", "CVE-2026-1006"), ("openssl-libs", "CVE-2026-1007")]
    );
}

/// The repositories of the host itself name CVE ids as well.
#[test]
fn an_offer_of_the_hosts_repository_is_no_second_finding() {
    let osv = [advisory("RLSA-2026:6", &[], &["openssl"])];
    for name in ["openssl", "openssl-libs"] {
        let mut host = host(&[(name, OLD)]);
        host.candidate_fixes = vec![CandidateFix {
            source: name.to_owned(),
            cve: "CVE-2026-1008".to_owned(),
            fixed: FIXED.to_owned(),
            advisory: Some("RLSA-2026:6".to_owned()),
        }];
        let found = agreed(&host, &[("osv-rocky", &osv)]);
        assert_eq!(pairs(&found), [(name, "CVE-2026-1008")], "{found:#?}");
    }
}
