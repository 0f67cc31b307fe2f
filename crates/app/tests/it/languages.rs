//! Packages of languages over the fleet: what queries say is what the pages of the hosts say, with the same clocks.

use std::collections::BTreeSet;
use std::path::PathBuf;

use patchwright_app::decisions::{By, exception_decide, exception_request, not_affected_state, plan};
use patchwright_app::feeds::port::{Boxed, Document, FetchError, FetchRequest, Fetched, Fetcher, Progress};
use patchwright_app::feeds::{SyncOptions, registry, sync};
use patchwright_app::hosts::{find_host, host_report};
use patchwright_app::vex::{Export, export};
use patchwright_app::{Ctx, Env, fleet};
use patchwright_domain::decision::profile::{AssetProfile, Exposure, Tier};
use patchwright_domain::inventory::{Component, HostFacts};
use patchwright_domain::time::Timestamp;
use patchwright_protocol::decisions::{ExceptionDecision, ExceptionRequest, NotAffectedRequest};
use patchwright_protocol::findings::{FindingsAnswer, FindingsQuery};
use sha2::{Digest as _, Sha256};

use crate::decisions::{account, bob, sara};
use crate::findings::{START, agrees, ask, by_name, classify, env, host, local};

/// A document that lies in a file.
struct Lying(PathBuf);

impl Fetcher for Lying {
    fn fetch<'a>(&'a self, _: &'a FetchRequest, _: Progress<'a>) -> Boxed<'a, Result<Fetched, FetchError>> {
        let content = std::fs::read(&self.0).unwrap();
        let document = Document {
            path: self.0.clone(),
            sha256: hex::encode(Sha256::digest(&content)),
            bytes: content.len() as u64,
            etag: None,
            last_modified: None,
            temporary: false,
        };
        Box::pin(async move { Ok(Fetched::Document(document)) })
    }
}

/// One advisory in OSV's form.
pub(crate) fn osv(id: &str, alias: &str, ecosystem: &str, name: &str, fixed: &str) -> String {
    format!(
        r#"{{"id":"{id}","modified":"2026-01-01T00:00:00Z","aliases":["{alias}"],"affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"{name}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"{fixed}"}}]}}]}}]}}
"#
    )
}

pub(crate) async fn load(env: &Env, feed: &str, records: &[String]) {
    let path = env.data_dir().join(format!("{feed}.ndjson"));
    std::fs::write(&path, records.concat()).unwrap();
    let options = SyncOptions { accept_shrink: true, ..SyncOptions::default() };
    let ctx = Ctx { reason: Some("a test".to_owned()), ..local() };
    let spec = registry::feed(feed).unwrap();
    let done = sync(env, &ctx, spec, &options, &Lying(path), &|_, _| {}).await.unwrap();
    assert_eq!((done.outcome.as_str(), done.problems), ("loaded", 0), "{done:?}");
}

/// Two databases of PyPI, one of Maven; CVE-2021-44228 is known to be exploited.
async fn advisories(env: &Env) {
    let ghsa = [
        osv("GHSA-h5c8-rqwp-cp95", "CVE-2024-22195", "PyPI", "Jinja2", "3.1.3"),
        osv("GHSA-jfh8-c2jp-5v3q", "CVE-2021-44228", "Maven", "org.apache.logging.log4j:log4j-core", "2.15.0"),
        osv("GHSA-aaaa-bbbb-cccc", "CVE-2026-0701", "PyPI", "zope.interface", "6.0"),
    ];
    load(env, "ghsa", &ghsa).await;
    // Another database of the same ecosystem, later and under another id.
    load(env, "bitnami", &[osv("BIT-2026-7", "GHSA-aaaa-bbbb-cccc", "PyPI", "zope-interface", "7.0")]).await;
}

fn component(ecosystem: &str, name: &str, version: &str) -> Component {
    Component {
        ecosystem: ecosystem.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        purl: format!("pkg:test/{name}@{version}"),
        ..Component::default()
    }
}

const JINJA2: (&str, &str, &str) = ("PyPI", "jinja2", "3.1.2");
const LOG4J: (&str, &str, &str) = ("Maven", "org.apache.logging.log4j:log4j-core", "2.14.1");

fn with(name: &str, components: &[(&str, &str, &str)]) -> HostFacts {
    let components = components.iter().map(|(ecosystem, name, version)| component(ecosystem, name, version)).collect();
    HostFacts { components, ..host(name, "3.0.9-1", "7.88.1-10") }
}

async fn report(env: &Env, facts: HostFacts) {
    host_report(env, &local(), facts).await.unwrap();
}

async fn count(env: &Env, q: &str) -> u64 {
    ask(env, &local(), q, "patch").await.findings
}

async fn on(env: &Env, day: &str, q: &str) -> FindingsAnswer {
    let asked = FindingsQuery {
        q: Some(q.to_owned()),
        as_of: Some(day.to_owned()),
        known: Some("now".to_owned()),
        ..FindingsQuery::default()
    };
    fleet::findings_query(env, &local(), &asked).await.unwrap()
}

/// Days since the start from which deadlines of a package count, as the page of the host has them.
async fn starts(env: &Env, host: &str, package: &str) -> BTreeSet<i64> {
    let id = find_host(env, &local(), host).await.unwrap().id;
    let findings = fleet::host_detail(env, &local(), &id).await.unwrap().report.findings;
    let of = findings.iter().filter(|f| f.package == package).flat_map(|f| &f.due_candidates);
    let start = Timestamp::parse(START).unwrap();
    of.filter(|due| due.clock == "first_seen")
        .map(|due| (Timestamp::parse(&due.start).unwrap().0 - start.0) / 86_400_000)
        .collect()
}

fn tier(tier: Tier) -> AssetProfile {
    AssetProfile { tier, exposure: Exposure::Internet, ..AssetProfile::default() }
}

#[tokio::test]
async fn queries_find_what_the_pages_of_the_hosts_show() {
    let dir = tempfile::tempdir().unwrap();
    let env = env(dir.path(), 0).await;
    report(&env, with("web-01", &[JINJA2, ("npm", "left-pad", "1.0.0"), ("PyPI", "zope_interface", "5.0")])).await;
    let notes = ask(&env, &local(), "", "host").await.notes;
    let note = |ecosystem: &str| notes.iter().any(|n| n.contains(ecosystem) && n.contains("nothing was matched"));
    assert!(note("2 packages of PyPI on 1 host") && note("1 package of npm on 1 host"), "{notes:?}");
    agrees(&env).await;

    advisories(&env).await;
    report(&env, with("web-02", &[("PyPI", "Jinja2", "3.1.2"), ("PyPI", "JINJA2", "3.1.2"), LOG4J])).await;
    report(&env, with("db-01", &[("PyPI", "Zope.Interface", "6.5"), ("PyPI", "jinja2", "3.1.1"), JINJA2])).await;
    classify(&env, "web-02", tier(Tier::T1)).await;
    let (all, _) = agrees(&env).await;
    let patches = ask(&env, &local(), "ecosystem:PyPI,Maven", "patch").await;
    let groups = by_name(&patches);
    let of = |name: &str| {
        let group = &groups[name];
        (group.ecosystem.as_deref().unwrap().to_owned(), group.findings, group.hosts)
    };
    assert_eq!(groups.len(), 3, "{groups:?}");
    assert_eq!(of("jinja2"), ("PyPI".to_owned(), 4, 3), "two versions on one host are two findings");
    assert_eq!(of("zope-interface"), ("PyPI".to_owned(), 1, 1), "GitHub decides, and knows an earlier fix");
    assert_eq!(of("org.apache.logging.log4j:log4j-core"), ("Maven".to_owned(), 1, 1));
    assert_eq!(count(&env, "ecosystem:debian").await + 6, all);
    assert_eq!(count(&env, "os:debian").await, all, "the system of the host, whatever the package");
    assert_eq!(count(&env, "os:pypi").await, 0);
    for q in ["source:Zope.Interface", "package:zope_*", "cve:CVE-2026-0701", "zope-interface and is:exploited or zope"]
    {
        assert_eq!(count(&env, q).await, 1, "{q}");
    }
    assert_eq!(count(&env, "is:kev and package:org.apache.logging.log4j:log4j-core and state:fix").await, 1);
    assert_eq!(count(&env, "source:jinja2 and host:web-*").await, 2);
    assert!(!ask(&env, &local(), "", "host").await.notes.iter().any(|n| n.contains("PyPI")));
    let asked = FindingsQuery { q: Some("jinja2".to_owned()), ..FindingsQuery::default() };
    let file = fleet::findings_export(&env, &local(), &asked).await.unwrap();
    assert_eq!(file.items[0].ecosystem.as_deref(), Some("PyPI"));
    let detail = fleet::advisory_detail(&env, &local(), "CVE-2024-22195", 100).await.unwrap();
    let covered: Vec<(&str, &str, u32)> =
        detail.covered.iter().map(|c| (c.ecosystem.as_str(), c.package.as_str(), c.hosts)).collect();
    assert_eq!(covered, [("PyPI", "jinja2", 3)]);

    // An SBOM of an application has no system that anything is missed of.
    let bare = HostFacts { os: Default::default(), packages: Vec::new(), ..with("app-01", &[JINJA2]) };
    report(&env, bare).await;
    agrees(&env).await;
    let notes = ask(&env, &local(), "", "host").await.notes;
    assert!(!notes.iter().any(|n| n.contains("without an advisory ecosystem")), "{notes:?}");
    assert_eq!(count(&env, "source:jinja2").await, 5);
    let counted = plan(&env, &local(), "source:jinja2", By::Package).await.unwrap();
    let by_class = counted.counts;
    let classes = by_class.emergency + by_class.critical + by_class.high + by_class.medium + by_class.low;
    assert_eq!((counted.findings, classes), (5, 5), "a plan counts two versions on one host as the list does");

    // A feed that no longer knows of it.
    load(&env, "ghsa", &[osv("GHSA-h5c8-rqwp-cp95", "CVE-2024-22195", "PyPI", "Jinja2", "3.1.2")]).await;
    assert_eq!(count(&env, "source:jinja2").await, 1);
    agrees(&env).await;
}

#[tokio::test]
async fn clocks_start_with_the_version_and_with_knowing() {
    let dir = tempfile::tempdir().unwrap();
    let first = env(dir.path(), 0).await;
    advisories(&first).await;
    report(&first, with("web-01", &[JINJA2])).await;
    report(&first, with("web-02", &[JINJA2, LOG4J])).await;
    for name in ["web-01", "web-02"] {
        classify(&first, name, tier(Tier::T1)).await;
    }
    agrees(&first).await;

    // pip and a new application on the first host: their clocks start on that day, the others go on.
    let log4j = "org.apache.logging.log4j:log4j-core";
    let later = env(dir.path(), 30).await;
    report(&later, with("web-01", &[JINJA2, LOG4J, ("PyPI", "zope.interface", "5.0")])).await;
    assert_eq!(starts(&later, "web-01", log4j).await, BTreeSet::from([30]));
    assert_eq!(starts(&later, "web-02", log4j).await, BTreeSet::from([0]));
    assert_eq!(starts(&later, "web-01", "jinja2").await, BTreeSet::from([0]));
    assert_eq!(starts(&later, "web-01", "zope-interface").await, BTreeSet::from([30]));
    agrees(&later).await;
    let late = by_name(&ask(&later, &local(), "is:overdue and ecosystem:Maven", "host").await);
    assert_eq!(late.keys().collect::<Vec<_>>(), ["web-02"], "the other one has it since today");
    // A process that reads all of it anew says the same.
    let again = env(dir.path(), 30).await;
    agrees(&again).await;
    assert_eq!(starts(&again, "web-01", log4j).await, BTreeSet::from([30]));

    // What people know later starts later, although it lay there all along.
    let news = [
        osv("GHSA-h5c8-rqwp-cp95", "CVE-2024-22195", "PyPI", "Jinja2", "3.1.3"),
        osv("GHSA-dddd-eeee-ffff", "CVE-2026-0801", "PyPI", "Jinja2", "3.1.4"),
        osv("GHSA-jfh8-c2jp-5v3q", "CVE-2021-44228", "Maven", log4j, "2.15.0"),
    ];
    let known = env(dir.path(), 40).await;
    load(&known, "ghsa", &news).await;
    assert_eq!(starts(&known, "web-01", "jinja2").await, BTreeSet::from([0, 40]));
    agrees(&known).await;

    // An upgrade that keeps a hole is another version; one that goes and comes back starts anew, and so do both paths.
    let upgraded = env(dir.path(), 50).await;
    report(&upgraded, with("web-01", &[("PyPI", "jinja2", "3.1.3")])).await;
    report(&upgraded, with("web-02", &[JINJA2])).await;
    assert_eq!(starts(&upgraded, "web-01", "jinja2").await, BTreeSet::from([50]));
    let (open, _) = agrees(&upgraded).await;
    let stats = fleet::findings_stats(&upgraded, &local()).await.unwrap();
    assert_eq!(stats.tiers.iter().map(|t| t.open).sum::<u64>(), open);
    // jinja2's first, log4j on both, zope.interface; nothing else of the hosts changed.
    assert_eq!(stats.latency.iter().map(|l| l.fixed).sum::<u64>(), 4, "{stats:?}");
    let back = env(dir.path(), 60).await;
    report(&back, with("web-02", &[JINJA2, LOG4J])).await;
    assert_eq!(starts(&back, "web-02", log4j).await, BTreeSet::from([60]));
    agrees(&back).await;

    // The fleet of past days has them as they were.
    let hosts = async |day: &str, q: &str| {
        let answer = on(&back, day, q).await;
        (answer.findings, answer.hosts)
    };
    for (day, jinja2, maven, zope) in [
        ("2026-12-01", (4, 2), (1, 1), (0, 0)),
        ("2026-12-25", (4, 2), (2, 2), (1, 1)),
        ("2027-01-12", (3, 2), (0, 0), (0, 0)),
        ("2027-01-19", (3, 2), (1, 1), (0, 0)),
    ] {
        assert_eq!(hosts(day, "source:jinja2").await, jinja2, "{day}");
        assert_eq!(hosts(day, "ecosystem:Maven").await, maven, "{day}");
        // The second database is the only one left that speaks of it.
        assert_eq!(hosts(day, "source:zope.interface").await, zope, "{day}");
    }
}

#[tokio::test]
async fn people_decide_about_them() {
    let dir = tempfile::tempdir().unwrap();
    let env = env(dir.path(), 0).await;
    advisories(&env).await;
    account(&env, "bob", patchwright_domain::access::Role::Approver).await;
    account(&env, "sara", patchwright_domain::access::Role::SecurityOfficer).await;
    report(&env, with("web-01", &[("PyPI", "Jinja2", "3.1.2"), LOG4J])).await;
    report(&env, with("web-02", &[JINJA2, ("PyPI", "jinja2", "3.1.1"), LOG4J])).await;
    let (all, _) = agrees(&env).await;

    let request = ExceptionRequest {
        q: Some("ecosystem:PyPI and source:jinja2".to_owned()),
        reason: "the vendor ships it in spring".to_owned(),
        until: Some("2026-11-24".to_owned()),
        ..ExceptionRequest::default()
    };
    let made = exception_request(&env, &local(), &request).await.unwrap();
    // It is of the package on a host, in whatever versions.
    assert_eq!((made.row.findings, made.row.hosts), (2, 2));
    let wish = ExceptionDecision { decision: "approve".to_owned(), reason: "looked at it".to_owned() };
    exception_decide(&env, &bob(), &made.row.id, &wish, None).await.unwrap();
    assert_eq!(count(&env, "is:excepted").await, 3);
    agrees(&env).await;

    // A name with a namespace has to come back as the same package.
    let request = NotAffectedRequest {
        q: "ecosystem:Maven".to_owned(),
        justification: "vulnerable_code_not_in_execute_path".to_owned(),
        reason: "look-ups are switched off".to_owned(),
        review_by: "2027-05-01".to_owned(),
        digest: None,
    };
    let said = not_affected_state(&env, &sara(), &request).await.unwrap();
    assert_eq!((said.row.findings, said.row.hosts), (2, 2));
    assert_eq!((count(&env, "is:set-aside").await, count(&env, "").await), (2, all - 2));
    agrees(&env).await;
    let id = find_host(&env, &local(), "web-01").await.unwrap().id;
    let shown = fleet::host_detail(&env, &local(), &id).await.unwrap().report;
    let vex = export(&shown, Export::OpenVex, "us", env.now()).to_string();
    assert!(vex.contains("pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"), "{vex}");
    assert!(vex.contains("pkg:pypi/jinja2@3.1.2"), "{vex}");

    // Another version is another product; the exception goes on through it.
    let moved = [("PyPI", "jinja2", "3.1.0"), ("Maven", "org.apache.logging.log4j:log4j-core", "2.14.0")];
    report(&env, with("web-01", &moved)).await;
    assert_eq!((count(&env, "is:set-aside").await, count(&env, "is:excepted").await), (1, 3));
    agrees(&env).await;
}

#[tokio::test]
async fn several_versions_at_once_are_each_followed() {
    let dir = tempfile::tempdir().unwrap();
    let first = env(dir.path(), 0).await;
    advisories(&first).await;
    let jinja2 = |versions: &[&'static str]| {
        let all: Vec<_> = versions.iter().map(|version| ("PyPI", "jinja2", *version)).collect();
        with("app-01", &all)
    };
    report(&first, jinja2(&["3.1.1", "3.1.2"])).await;
    agrees(&first).await;
    for (day, versions) in [(10, &["3.1.0", "3.1.2"][..]), (20, &["3.1.2"]), (30, &["3.1.2", "3.1.3"])] {
        let env = env(dir.path(), day).await;
        report(&env, jinja2(versions)).await;
        agrees(&env).await;
    }
    let last = env(dir.path(), 40).await;
    agrees(&last).await;
    assert_eq!(starts(&last, "app-01", "jinja2").await, BTreeSet::from([0]), "it was there all along");
    for (day, findings) in [("2026-11-25", 2), ("2026-12-05", 2), ("2026-12-15", 1), ("2026-12-25", 1)] {
        assert_eq!(on(&last, day, "source:jinja2").await.findings, findings, "{day}");
    }
    let stats = fleet::findings_stats(&last, &local()).await.unwrap();
    let fixed: u64 = stats.latency.iter().map(|l| l.fixed).sum();
    assert_eq!(fixed, 1, "3.1.0 took the hole of 3.1.1 over and was removed: {stats:?}");
}

/// A look at a machine that is a host here: what lay there before goes on, what pip brought since counts from now.
#[tokio::test]
async fn a_known_machine_keeps_the_clocks_of_its_libraries() {
    let dir = tempfile::tempdir().unwrap();
    let first = env(dir.path(), 0).await;
    advisories(&first).await;
    report(&first, with("web-01", &[("PyPI", "Jinja2", "3.1.2"), ("PyPI", "curl", "7.88.1-10")])).await;
    let later = env(dir.path(), 20).await;
    let facts = with("web-01", &[JINJA2, ("PyPI", "Zope.Interface", "5.0")]);
    let known = fleet::known_host(&later, &local(), &facts).await.unwrap().unwrap();
    let found = later.intel().findings(&facts).unwrap();
    let since = |package: &str, ecosystem: &str| {
        let finding = found.iter().find(|f| f.package == package && f.ecosystem == ecosystem).unwrap();
        known.first_seen(finding, &later.intel().facts(&finding.vuln).unwrap())
    };
    let start = Timestamp::parse(START).unwrap();
    assert_eq!(since("jinja2", "PyPI"), start, "whatever its spelling");
    assert_eq!(since("zope-interface", "PyPI"), start.plus_days(20));
    assert_eq!(since("curl", "Debian:12"), start);
}
