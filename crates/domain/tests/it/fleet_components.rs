//! Packages of languages in the index of the fleet: what it says of a host is what the host's own report says.

use std::collections::BTreeSet;

use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::exposure::components::{ecosystems, libraries, match_components};
use patchwright_domain::exposure::fleet::{Day, FleetIndex, HostLoad, Intelligence};
use patchwright_domain::exposure::matching::{ProviderChunk, match_host};
use patchwright_domain::exposure::subject::subjects;
use patchwright_domain::intel::snapshot::{AdvisoryChunk, compile_advisories};
use patchwright_domain::intel::{Advisory, Affected, Status};
use patchwright_domain::inventory::{Component, HostFacts, Os, Package};
use patchwright_versions::Scheme;

const DEBIAN: &str = "Debian:12";

fn component(ecosystem: &str, name: &str, version: &str) -> Component {
    Component {
        ecosystem: ecosystem.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        purl: format!("pkg:test/{name}@{version}"),
        ..Component::default()
    }
}

fn host(components: Vec<Component>) -> HostFacts {
    let jinja2 = Package {
        name: "python3-jinja2".to_owned(),
        version: "3.1.2-1".to_owned(),
        source: "jinja2".to_owned(),
        source_version: "3.1.2-1".to_owned(),
        ..Package::default()
    };
    HostFacts {
        schema: 1,
        os: Os::parse_short("debian:12").unwrap(),
        packages: vec![jinja2],
        components,
        ..HostFacts::default()
    }
}

fn advisory(id: &str, aliases: &[&str], ecosystem: &str, package: &str, fixed: &str) -> Advisory {
    Advisory {
        id: id.to_owned(),
        aliases: aliases.iter().map(|a| (*a).to_owned()).collect(),
        affected: vec![Affected::fixed_in(ecosystem, package, fixed)],
        ..Advisory::default()
    }
}

/// (ecosystem, package, version, vulnerability, status, state), with the vendor's severity word.
type Row = (String, String, String, String, Status, Option<String>);

struct World(Vec<(&'static str, String, AdvisoryChunk)>);

impl World {
    fn new(providers: &[(&'static str, Vec<Advisory>)]) -> Self {
        let compiled = |(provider, list): &(&'static str, Vec<Advisory>)| {
            let provider = *provider;
            compile_advisories(list).into_iter().map(move |(ecosystem, _, bytes)| (provider, ecosystem, bytes))
        };
        let open = |(provider, ecosystem, bytes)| (provider, ecosystem, AdvisoryChunk::open(bytes).unwrap());
        Self(providers.iter().flat_map(compiled).map(open).collect())
    }

    fn intel(&self) -> Intelligence<'_> {
        let mut intel = Intelligence::new();
        for (provider, ecosystem, chunk) in &self.0 {
            let of = intel.entry(ecosystem.as_str()).or_default();
            of.push(ProviderChunk { provider, chunk, subscription: false });
        }
        intel
    }

    fn of_host(&self, host: &HostFacts) -> Vec<Row> {
        let intel = self.intel();
        let mut found = match_host(host, DEBIAN, &intel[DEBIAN]);
        for ecosystem in ecosystems(host) {
            found.extend(intel.get(ecosystem).map_or_else(Vec::new, |list| match_components(host, ecosystem, list)));
        }
        let row = |f: patchwright_domain::exposure::Finding| {
            (f.ecosystem, f.package, f.installed, f.vuln, f.status, f.vendor.severity)
        };
        let mut rows: Vec<Row> = found.into_iter().map(row).collect();
        rows.sort();
        rows
    }
}

fn put(index: &mut FleetIndex, no: u32, facts: &HostFacts) {
    let subjects: Vec<_> = subjects(facts, DEBIAN, Scheme::Deb).into_iter().map(|s| (s.key, Day(20_000))).collect();
    let libraries: Vec<_> = libraries(facts).into_iter().map(|library| (library, Day(20_001))).collect();
    let profile = AssetProfile::default();
    let load = HostLoad {
        ecosystem: DEBIAN,
        subjects: &subjects,
        packages: &facts.packages,
        libraries: &libraries,
        profile: &profile,
    };
    index.host_put(no, &load);
}

fn of_index(index: &FleetIndex, no: u32) -> Vec<Row> {
    let mut rows = Vec::new();
    for subject in index.host(no).unwrap().subjects.iter().filter_map(|s| index.subject(*s)) {
        let name = index.name(subject.name).unwrap();
        for claim in &subject.claims {
            let case = &index.cases()[claim.case as usize];
            rows.push((
                index.ecosystem(name.ecosystem).to_owned(),
                name.name.to_string(),
                subject.key.version.clone(),
                index.vuln(claim.vuln).to_owned(),
                case.status,
                case.vendor().severity,
            ));
        }
    }
    rows.sort();
    rows
}

#[test]
fn the_index_says_what_the_hosts_say() {
    let ghsa = vec![
        advisory("GHSA-h5c8-rqwp-cp95", &["CVE-2024-22195"], "PyPI", "Jinja2", "3.1.3"),
        advisory("GHSA-aaaa-bbbb-cccc", &["CVE-2026-0201"], "crates.io", "hyper", "1.2.0"),
        advisory("GHSA-dddd-eeee-ffff", &[], "crates.io", "hyper", "1.2.0"),
        advisory("GHSA-gggg-hhhh-iiii", &["CVE-2026-0301"], "npm", "JSONStream", "2.0.0"),
        advisory("BIT-activemq-2020-1", &["CVE-2020-11998"], "Bitnami", "activemq", "5.16.0"),
    ];
    // The ecosystem's own database decides about versions, whatever the order in which they come.
    let own = vec![
        advisory("RUSTSEC-2026-0002", &["GHSA-aaaa-bbbb-cccc"], "crates.io", "hyper", "1.1.0"),
        advisory("RUSTSEC-2026-0003", &["GHSA-dddd-eeee-ffff"], "crates.io", "hyper", "1.3.0"),
    ];
    let debian = vec![advisory("CVE-2024-22195", &[], DEBIAN, "jinja2", "3.1.2-1+deb12u1")];
    let providers = [("ghsa", ghsa), ("rustsec", own), ("debian-tracker", debian)];
    let world = World::new(&providers);
    let hosts = [
        host(vec![component("PyPI", "Jinja2", "3.1.2"), component("PyPI", "jinja2", "3.1.2")]),
        host(vec![component("PyPI", "jinja2", "3.1.1"), component("PyPI", "JINJA2", "3.1.2")]),
        host(vec![component("crates.io", "hyper", "1.1.5"), component("npm", "JSONStream", "1.0.0")]),
        host(vec![component("crates.io", "Hyper", "1.0.0"), component("npm", "jsonstream", "1.0.0")]),
        host(vec![
            Component { owned_by: Some("python3-jinja2".to_owned()), ..component("PyPI", "Jinja2", "3.1.2") },
            // An ecosystem of a system is none of components: nobody judges it.
            component(DEBIAN, "jinja2", "3.1.2"),
            component("Packagist", "a/b", "1.0"),
            component("Bitnami", "activemq", "5.15.12"),
        ]),
    ];
    let mut index = FleetIndex::default();
    for (no, facts) in (0..).zip(&hosts) {
        put(&mut index, no, facts);
    }
    index.rematch(&world.intel(), 2);
    let mut all: BTreeSet<Row> = BTreeSet::new();
    for (no, facts) in (0..).zip(&hosts) {
        let expected = world.of_host(facts);
        assert_eq!(of_index(&index, no), expected, "host {no}");
        all.extend(expected);
    }
    let named = |ecosystem: &str, version: &str| -> Vec<&str> {
        all.iter().filter(|r| r.0 == ecosystem && r.2 == version).map(|r| r.3.as_str()).collect()
    };
    assert_eq!(named(DEBIAN, "3.1.2-1"), ["CVE-2024-22195"]);
    assert_eq!(named("PyPI", "3.1.2"), ["CVE-2024-22195"]);
    assert_eq!(named("crates.io", "1.1.5"), ["GHSA-dddd-eeee-ffff"], "RustSec knows a later fix, and an earlier one");
    assert_eq!(named("crates.io", "1.0.0"), ["CVE-2026-0201", "GHSA-dddd-eeee-ffff"]);
    assert_eq!(named("npm", "1.0.0"), ["CVE-2026-0301"]);
    assert_eq!(named("Bitnami", "5.15.12"), ["CVE-2020-11998"], "no language, and beside the system as well");

    // One package whatever its spelling, with the hosts of all of them; apart from the system's package of that name.
    let name = |ecosystem: &str, name: &str| index.name_no(ecosystem, name).and_then(|no| index.name(no));
    assert!(name("PyPI", "Jinja2").is_none());
    let pypi = name("PyPI", "jinja2").unwrap();
    let versions: BTreeSet<&str> =
        pypi.subjects.iter().filter_map(|s| index.subject(*s)).map(|s| s.key.version.as_str()).collect();
    assert_eq!(versions, BTreeSet::from(["3.1.1", "3.1.2"]));
    assert_eq!(index.host(0).unwrap().subjects.len(), 2, "two spellings of one version are one");
    let vuln = index.vuln_no("CVE-2026-0201").unwrap();
    assert_eq!(index.vuln_hosts(vuln).iter().collect::<Vec<_>>(), [3]);
    assert_eq!(name(DEBIAN, "jinja2").unwrap().subjects.len(), 1, "only the package of the system");
    // Each has its own day.
    let entry = index.host(0).unwrap();
    let days: BTreeSet<u16> = (0..entry.subjects.len()).map(|place| entry.present(place).0).collect();
    assert_eq!(days, BTreeSet::from([20_000, 20_001]));

    // News of one ecosystem touch its hosts only; a host that upgrades leaves.
    put(&mut index, 0, &host(vec![component("PyPI", "Jinja2", "3.1.3")]));
    index.rematch(&world.intel(), 1);
    assert_eq!(of_index(&index, 0), world.of_host(&host(Vec::new())));
    let [ghsa, _, debian] = providers;
    let delta = index.rematch(&World::new(&[ghsa, debian]).intel(), 1);
    assert_eq!(delta.hosts.iter().collect::<Vec<_>>(), [2], "GitHub's statement decides about hyper now");
}
