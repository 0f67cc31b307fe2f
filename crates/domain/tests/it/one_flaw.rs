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

/// A system whose publishers name packages, or the sources that they are built from.
struct System {
    os: &'static str,
    ecosystem: &'static str,
    old: &'static str,
    fixed: &'static str,
    /// Two who speak of it, the one that decides first.
    providers: [&'static str; 2],
}

const SYSTEMS: [System; 4] = [
    System {
        os: "rocky:9",
        ecosystem: "Rocky Linux:9",
        old: "1:3.0.7-25.el9_3",
        fixed: "1:3.0.7-27.el9_4",
        providers: ["rocky-updateinfo", "osv-rocky"],
    },
    System {
        os: "azurelinux:3.0",
        ecosystem: "Azure Linux:3",
        old: "3.3.0-1.azl3",
        fixed: "3.3.3-2.azl3",
        providers: ["azurelinux-oval", "updateinfo"],
    },
    System {
        os: "rhel:9.4",
        ecosystem: "Red Hat:9",
        old: "1:3.0.7-25.el9_3",
        fixed: "1:3.0.7-27.el9_4",
        providers: ["redhat-vex", "redhat-csaf"],
    },
    System {
        os: "sles:15.6",
        ecosystem: "SUSE:Linux Enterprise Server 15 SP6",
        old: "3.1.4-150600.3.1",
        fixed: "3.1.4-150600.5.18.1",
        providers: ["suse-csaf", "suse-oval"],
    },
];

impl System {
    fn advisory(&self, id: &str, cves: &[&str], packages: &[&str]) -> Advisory {
        let affected = packages.iter().map(|package| Affected::fixed_in(self.ecosystem, package, self.fixed));
        Advisory {
            id: id.to_owned(),
            upstream: cves.iter().map(|cve| (*cve).to_owned()).collect(),
            affected: affected.collect(),
            ..Advisory::default()
        }
    }

    /// A host with packages that are built from one source, all in this version.
    fn host(&self, packages: &[&str], version: &str) -> HostFacts {
        let package = |name: &&str| Package {
            name: (*name).to_owned(),
            version: version.to_owned(),
            arch: "x86_64".to_owned(),
            source: "openssl".to_owned(),
            source_version: version.to_owned(),
            ..Package::default()
        };
        let os = Os::parse_short(self.os).unwrap();
        assert_eq!(os.ecosystem().as_deref(), Some(self.ecosystem));
        HostFacts {
            schema: 1,
            os,
            format: Some(PackageFormat::Rpm),
            packages: packages.iter().map(package).collect(),
            ..HostFacts::default()
        }
    }

    /// What the second provider says and what the first one says.
    fn both<'l>(&self, second: &'l [Advisory], first: &'l [Advisory]) -> [(&'static str, &'l [Advisory]); 2] {
        [(self.providers[1], second), (self.providers[0], first)]
    }

    fn agreed(&self, host: &HostFacts, providers: &[(&str, &[Advisory])]) -> Vec<Finding> {
        agreed(self.ecosystem, host, providers)
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
fn agreed(ecosystem: &str, host: &HostFacts, providers: &[(&str, &[Advisory])]) -> Vec<Finding> {
    let found = run_with(host, ecosystem, providers);
    let chunks: Vec<(&str, AdvisoryChunk)> = providers
        .iter()
        .map(|(name, list)| (*name, AdvisoryChunk::open(compile_advisories(list).remove(0).2).unwrap()))
        .collect();
    let list = chunks.iter().map(|(provider, chunk)| ProviderChunk { provider, chunk, subscription: false }).collect();
    let intel = Intelligence::from([(ecosystem, list)]);
    let mut index = FleetIndex::default();
    let subjects: Vec<_> = subjects(host, ecosystem, Scheme::Rpm).into_iter().map(|s| (s.key, Day(20_000))).collect();
    let profile = patchwright_domain::decision::profile::AssetProfile::default();
    let load = HostLoad { ecosystem, subjects: &subjects, packages: &host.packages, libraries: &[], profile: &profile };
    index.host_put(0, &load);
    index.rematch(&intel, 1);
    let claims: usize =
        index.host(0).unwrap().subjects.iter().filter_map(|s| index.subject(*s)).map(|s| s.claims.len()).sum();
    assert_eq!(claims, found.len(), "{found:#?}");
    found
}

#[test]
fn one_cve_of_two_providers_is_one_finding_that_names_both() {
    for system in &SYSTEMS {
        let second = [system.advisory("RLSA-2026:1", &["CVE-2026-1001"], &["openssl"])];
        let first = [system.advisory("RLSA-2026:1", &["CVE-2026-1001"], &["openssl", "openssl-libs"])];
        let both = &system.both(&second, &first);
        let found = system.agreed(&system.host(&["openssl", "openssl-libs"], system.old), both);
        assert_eq!(pairs(&found), [("openssl", "CVE-2026-1001"), ("openssl-libs", "CVE-2026-1001")], "{}", system.os);
        for finding in &found {
            assert_eq!(voices(finding), system.providers, "{finding:#?}");
            assert_eq!(finding.advisories, ["RLSA-2026:1"]);
        }
        // Without a package of the source's name, the source is no second package.
        let found = system.agreed(&system.host(&["openssl-libs"], system.old), both);
        assert_eq!(pairs(&found), [("openssl-libs", "CVE-2026-1001")], "{}", system.os);
        assert_eq!(voices(&found[0]), system.providers, "{}", system.os);
        assert!(system.agreed(&system.host(&["openssl-libs"], system.fixed), both).is_empty());
    }
}

#[test]
fn an_advisory_without_cve_ids_is_the_cves_that_another_provider_names_for_it() {
    for system in &SYSTEMS {
        let second = [system.advisory("RLSA-2026:2", &[], &["openssl"])];
        let first = [system.advisory("RLSA-2026:2", &["CVE-2026-1002", "CVE-2026-1003"], &["openssl", "openssl-libs"])];
        let both = &system.both(&second, &first);
        for name in ["openssl", "openssl-libs"] {
            let found = system.agreed(&system.host(&[name], system.old), both);
            assert_eq!(pairs(&found), [(name, "CVE-2026-1002"), (name, "CVE-2026-1003")], "{}", system.os);
            assert!(found.iter().all(|f| voices(f) == system.providers), "{found:#?}");
        }
        // The other way round: the first names none, the second does.
        let second = [system.advisory("RLSA-2026:3", &["CVE-2026-1004"], &["openssl"])];
        let first = [system.advisory("RLSA-2026:3", &[], &["openssl-libs"])];
        let found = system.agreed(&system.host(&["openssl-libs"], system.old), &system.both(&second, &first));
        assert_eq!(pairs(&found), [("openssl-libs", "CVE-2026-1004")], "{}", system.os);
        assert_eq!(found[0].advisories, ["RLSA-2026:3"]);
        // Alone, the id of the advisory is what there is.
        let found = system.agreed(&system.host(&["openssl-libs"], system.old), &[(system.providers[0], &first)]);
        assert_eq!(pairs(&found), [("openssl-libs", "RLSA-2026:3")], "{}", system.os);
    }
}

/// The rule takes no finding away that only one of them knows.
#[test]
fn what_only_one_provider_says_stays() {
    for system in &SYSTEMS {
        let second = [
            system.advisory("RLSA-2026:4", &["CVE-2026-1005"], &["openssl"]),
            system.advisory("RLSA-2026:5", &["CVE-2026-1006", "CVE-2026-1007"], &["openssl"]),
        ];
        let first = [system.advisory("RLSA-2026:5", &["CVE-2026-1007"], &["openssl-libs"])];
        let both = &system.both(&second, &first);
        let found = system.agreed(&system.host(&["openssl-libs"], system.old), both);
        assert_eq!(
            pairs(&found),
            [("openssl", "CVE-2026-1005"), ("openssl", "CVE-2026-1006"), ("openssl-libs", "CVE-2026-1007")]
        );
    }
}

/// The repositories of the host itself name CVE ids as well.
#[test]
fn an_offer_of_the_hosts_repository_is_no_second_finding() {
    for system in &SYSTEMS {
        let second = [system.advisory("RLSA-2026:6", &[], &["openssl"])];
        for name in ["openssl", "openssl-libs"] {
            let mut host = system.host(&[name], system.old);
            host.candidate_fixes = vec![CandidateFix {
                source: name.to_owned(),
                cve: "CVE-2026-1008".to_owned(),
                fixed: system.fixed.to_owned(),
                advisory: Some("RLSA-2026:6".to_owned()),
            }];
            let found = system.agreed(&host, &[(system.providers[1], &second)]);
            assert_eq!(pairs(&found), [(name, "CVE-2026-1008")], "{found:#?}");
        }
    }
}
