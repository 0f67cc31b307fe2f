//! The fleet index against the reports of the hosts, while hosts come, change and go.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_app::hosts::{find_host, host_delete, host_report, profile_save};
use patchwright_app::{AppError, Clock, Config, Ctx, Env, fleet};
use patchwright_domain::access::{Actor, Person, Role, Scope, Standing};
use patchwright_domain::decision::profile::{AssetProfile, Exposure, Tier};
use patchwright_domain::ids::{HostId, UserId};
use patchwright_domain::inventory::{Component, HostFacts, Os, Package, PackageFormat};
use patchwright_domain::time::Timestamp;
use patchwright_protocol::findings::{FindingGroup, FindingsAnswer, FindingsQuery};
use patchwright_protocol::fleet::HostQuery;

use crate::lists::lists_agree;

pub(crate) const START: &str = "2026-11-20T09:00:00Z";

fn package(name: &str, source: &str, version: &str) -> Package {
    Package {
        name: name.to_owned(),
        version: version.to_owned(),
        arch: "amd64".to_owned(),
        source: source.to_owned(),
        source_version: version.to_owned(),
        ..Package::default()
    }
}

pub(crate) fn host(name: &str, openssl: &str, curl: &str) -> HostFacts {
    HostFacts {
        schema: 1,
        hostname: name.to_owned(),
        os: Os::parse_short("debian:12").unwrap(),
        packages: vec![package("libssl3", "openssl", openssl), package("curl", "curl", curl)],
        ..HostFacts::default()
    }
}

pub(crate) fn local() -> Ctx {
    Ctx { actor: Actor::Local { account: "test".to_owned() }, request_id: "r".to_owned(), reason: None }
}

pub(crate) async fn env(dir: &std::path::Path, days: i64) -> Env {
    let config = Config { data_dir: dir.to_owned(), database_url: None, offline: true };
    Env::open(config, Clock::fixed(Timestamp::parse(START).unwrap().plus_days(days))).await.unwrap()
}

pub(crate) async fn ask(env: &Env, ctx: &Ctx, q: &str, group: &str) -> FindingsAnswer {
    let asked = FindingsQuery { q: Some(q.to_owned()), group: Some(group.to_owned()), ..FindingsQuery::default() };
    fleet::findings_query(env, ctx, &asked).await.unwrap()
}

pub(crate) fn by_name(answer: &FindingsAnswer) -> BTreeMap<String, FindingGroup> {
    answer.items.iter().map(|g| (g.name.clone(), g.clone())).collect()
}

/// Counts of every host as its own report has them, against those of queries. Returns (findings, overdue).
pub(crate) async fn agrees(env: &Env) -> (u64, u64) {
    lists_agree(env, &local()).await;
    let rows = fleet::host_list(env, &local(), &HostQuery::default()).await.unwrap().items;
    let all = by_name(&ask(env, &local(), "", "host").await);
    let overdue = by_name(&ask(env, &local(), "is:overdue", "host").await);
    let kev = by_name(&ask(env, &local(), "is:kev", "host").await);
    let fixable = by_name(&ask(env, &local(), "state:fix", "host").await);
    let excepted = by_name(&ask(env, &local(), "is:excepted", "host").await);
    let aside = by_name(&ask(env, &local(), "is:set-aside", "host").await);
    let count = |map: &BTreeMap<String, FindingGroup>, host: &str| map.get(host).map_or(0, |g| g.findings);
    let mut sum = (0, 0);
    for row in &rows {
        let (id, name) = (HostId::parse(&row.id).unwrap(), row.name.as_str());
        let report = fleet::host_detail(env, &local(), &id).await.unwrap().report;
        let c = &report.counts;
        assert_eq!(count(&all, name), u64::from(c.findings), "{name}");
        assert_eq!(count(&overdue, name), u64::from(c.overdue), "{name} overdue");
        assert_eq!(count(&kev, name), u64::from(c.kev), "{name} exploited");
        assert_eq!(count(&excepted, name), u64::from(c.excepted), "{name} excepted");
        let set_aside = report.vex.map_or(0, |vex| vex.set_aside.len() as u64);
        assert_eq!(count(&aside, name), set_aside, "{name} set aside");
        assert_eq!(count(&fixable, name), u64::from(c.fix_available), "{name} fixable");
        if let Some(group) = all.get(name) {
            let of = &group.counts;
            assert_eq!(
                [of.emergency, of.critical, of.high, of.medium, of.low],
                [c.emergency, c.critical, c.high, c.medium, c.low].map(u64::from),
                "{name}"
            );
            assert_eq!(Some(&group.urgency), row.worst.as_ref(), "{name}");
            assert_eq!(group.host.as_deref(), Some(row.id.as_str()));
        }
        sum.0 += u64::from(c.findings);
        sum.1 += u64::from(c.overdue);
    }
    assert!(all.len() <= rows.len());
    sum
}

pub(crate) async fn classify(env: &Env, name: &str, profile: AssetProfile) {
    let host = find_host(env, &local(), name).await.unwrap();
    profile_save(env, &local(), &host.id, profile, host.generation.0).await.unwrap();
}

#[tokio::test]
async fn the_index_follows_the_hosts() {
    let dir = tempfile::tempdir().unwrap();
    let first = env(dir.path(), 0).await;
    assert_eq!(ask(&first, &local(), "", "patch").await.findings, 0);
    for (name, openssl, curl) in
        [("web-01", "3.0.9-1", "7.88.1-10"), ("web-02", "3.0.9-1", "7.88.1-10"), ("db-01", "3.0.11-1", "7.88.1-10")]
    {
        host_report(&first, &local(), host(name, openssl, curl)).await.unwrap();
    }
    let mut python = host("app-01", "3.0.9-1", "7.88.1-10");
    python.components = vec![Component {
        ecosystem: "PyPI".to_owned(),
        name: "jinja2".to_owned(),
        version: "99.0".to_owned(),
        purl: "pkg:pypi/jinja2@99.0".to_owned(),
        location: None,
        owned_by: None,
    }];
    host_report(&first, &local(), python).await.unwrap();
    let profile = |tier, zone: &str, environment: &str| AssetProfile {
        tier,
        zone: zone.to_owned(),
        environment: environment.to_owned(),
        exposure: Exposure::Isolated,
        ..AssetProfile::default()
    };
    classify(&first, "web-01", profile(Tier::T1, "dmz", "production")).await;
    classify(&first, "db-01", profile(Tier::T4, "office", "test")).await;
    let (all, late) = agrees(&first).await;
    assert!(all > 10, "{all}");

    // Terms, groups and what is left out.
    let dmz = ask(&first, &local(), "package:openssl and zone:dmz", "vuln").await;
    assert!(dmz.findings > 0 && dmz.hosts == 1);
    let one = &dmz.items[0].name;
    let on = ask(&first, &local(), &format!("cve:{one} and not tier:T4"), "host").await;
    assert!(by_name(&on).contains_key("web-02") && !by_name(&on).contains_key("db-01"));
    let binary = ask(&first, &local(), "package:libssl3", "patch").await;
    assert_eq!(by_name(&binary).keys().collect::<Vec<_>>(), ["openssl"]);
    assert!(dmz.notes.iter().any(|n| n.contains("1 package of PyPI on 1 host")), "{:?}", dmz.notes);

    // A caller sees the hosts of its environments and nothing else, whatever it asks for.
    let reader = Ctx {
        actor: Actor::User(Person {
            id: UserId::from_unique("u"),
            name: "reader".to_owned(),
            role: Role::Viewer,
            scope: Scope::environments(["production"]),
            standing: Standing::Active,
        }),
        ..local()
    };
    let seen = ask(&first, &reader, "not zone:nowhere or host:*", "host").await;
    assert_eq!(by_name(&seen).keys().collect::<Vec<_>>(), ["web-01"]);
    assert_eq!(seen.hosts, 1);
    assert!(!seen.notes.iter().any(|n| n.contains("PyPI")), "that host is not theirs: {:?}", seen.notes);

    // Deadlines pass; the index of another process says the same.
    let later = env(dir.path(), 45).await;
    let (_, later_late) = agrees(&later).await;
    assert!(later_late > late, "{later_late} overdue after 45 days, {late} before");

    // An upgrade, another classification, a host that goes and one that takes its place.
    host_report(&later, &local(), host("web-02", "3.0.18-1~deb12u2", "7.88.1-10")).await.unwrap();
    let (fewer, _) = agrees(&later).await;
    assert!(fewer < all, "{fewer} after the upgrade, {all} before");
    let stats = fleet::findings_stats(&later, &local()).await.unwrap();
    let fixed: u64 = stats.latency.iter().map(|l| l.fixed).sum();
    assert_eq!(fixed, all - fewer, "the upgrade ended them: {stats:?}");
    // The day before the upgrade is still answered, with what was known then and with what is known now.
    let on = |day: &str, known: &str| FindingsQuery {
        group: Some("host".to_owned()),
        as_of: Some(day.to_owned()),
        known: Some(known.to_owned()),
        ..FindingsQuery::default()
    };
    for known in ["then", "now"] {
        let past = fleet::findings_query(&later, &local(), &on("2026-12-01", known)).await.unwrap();
        assert_eq!((past.findings, past.hosts, past.as_of.as_deref()), (all, 4, Some("2026-12-01")), "{known}");
        assert_eq!(past.at, "2026-12-02T00:00:00Z");
        assert!(past.notes.iter().any(|n| n.contains("end of 2026-12-01")), "{:?}", past.notes);
        let today = fleet::findings_query(&later, &local(), &on("2027-01-04", known)).await.unwrap();
        assert_eq!(today.findings, fewer, "{known}");
    }
    let before = fleet::findings_query(&later, &local(), &on("2026-11-01", "now")).await.unwrap();
    assert_eq!((before.findings, before.hosts), (0, 0), "no host was known");
    let seen = fleet::findings_query(&later, &reader, &on("2026-12-01", "now")).await.unwrap();
    assert_eq!(by_name(&seen).keys().collect::<Vec<_>>(), ["web-01"], "a scope holds for the past as well");
    classify(&later, "web-02", profile(Tier::T1, "dmz", "production")).await;
    agrees(&later).await;
    let zone = ask(&later, &local(), "zone:dmz", "host").await;
    assert!(by_name(&zone).contains_key("web-02"));
    let gone = find_host(&later, &local(), "web-01").await.unwrap();
    host_delete(&later, &local(), &gone.id).await.unwrap();
    agrees(&later).await;
    host_report(&later, &local(), host("new-01", "3.0.9-1", "7.88.1-10")).await.unwrap();
    let (now, _) = agrees(&later).await;
    assert!(!by_name(&ask(&later, &local(), "", "host").await).contains_key("web-01"));
    let stats = fleet::findings_stats(&later, &local()).await.unwrap();
    assert_eq!(stats.tiers.iter().map(|t| t.open).sum::<u64>(), now);
    assert_eq!(stats.latency.iter().map(|l| l.open).sum::<u64>(), now);
    assert!(stats.tiers.iter().all(|t| t.overdue + t.due_soon <= t.open));
    assert_eq!(stats.hosts, 4);
}

#[tokio::test]
async fn what_cannot_be_read_is_told_with_place_and_hint() {
    let dir = tempfile::tempdir().unwrap();
    let env = env(dir.path(), 0).await;
    let fails = async |asked: FindingsQuery| match fleet::findings_query(&env, &local(), &asked).await {
        Err(AppError::Invalid { code, detail, hint }) => (code, detail, hint.unwrap_or_default()),
        other => panic!("{other:?}"),
    };
    let with = |q: &str, group: &str, after: Option<&str>| FindingsQuery {
        q: Some(q.to_owned()),
        group: Some(group.to_owned()),
        after: after.map(str::to_owned),
        ..FindingsQuery::default()
    };
    let (code, detail, hint) = fails(with("zone:dmz and ownr:x", "patch", None)).await;
    assert_eq!(code, "query");
    assert!(detail.contains("at character 14") && hint.contains("`owner`"), "{detail} {hint}");
    assert_eq!(fails(with("", "colour", None)).await.0, "group");
    assert_eq!(fails(with("", "patch", Some("x"))).await.0, "cursor");
    let day = |as_of: &str, known: Option<&str>| FindingsQuery {
        as_of: Some(as_of.to_owned()),
        known: known.map(str::to_owned),
        ..FindingsQuery::default()
    };
    assert_eq!(fails(day("yesterday", None)).await.0, "as_of");
    assert_eq!(fails(day("2030-01-01", None)).await.0, "as_of", "it has not come yet");
    assert_eq!(fails(day("2026-11-20", Some("later"))).await.0, "known");
    let (code, detail, hint) = fails(day("2026-11-01", None)).await;
    assert!(code == "as_of" && detail.contains("nothing was known") && hint.contains("known now"), "{detail} {hint}");
    assert_eq!(fails(FindingsQuery { sort: Some("-colour".to_owned()), ..FindingsQuery::default() }).await.0, "sort");
}

/// Findings of rpm hosts carry names of binaries; an upgrade that does not fix them starts the clock of the new version.
#[tokio::test]
async fn a_finding_of_an_rpm_host_is_first_seen_with_its_version() {
    let dir = tempfile::tempdir().unwrap();
    let rpm = |openssl: &str| HostFacts {
        schema: 1,
        hostname: "alma-01".to_owned(),
        os: Os::parse_short("almalinux:9").unwrap(),
        format: Some(PackageFormat::Rpm),
        packages: vec![package("openssl-libs", "openssl", openssl), package("curl-minimal", "curl", "7.76.1-14.el9")],
        ..HostFacts::default()
    };
    let first = env(dir.path(), 0).await;
    host_report(&first, &local(), rpm("1:3.0.1-40.el9")).await.unwrap();
    let later = env(dir.path(), 20).await;
    host_report(&later, &local(), rpm("1:3.0.1-41.el9_0")).await.unwrap();
    let host = find_host(&later, &local(), "alma-01").await.unwrap();
    let detail = fleet::host_detail(&later, &local(), &host.id).await.unwrap();
    let starts = |package: &str| -> BTreeSet<String> {
        let of = detail.report.findings.iter().filter(|f| f.package == package);
        of.flat_map(|f| &f.due_candidates).filter(|d| d.clock == "first_seen").map(|d| d.start.clone()).collect()
    };
    let day = |days| BTreeSet::from([Timestamp::parse(START).unwrap().plus_days(days).to_string()]);
    assert_eq!(starts("openssl-libs"), day(20), "the version that came with the upgrade");
    assert_eq!(starts("curl-minimal"), day(0), "it has been there all along");
    let much_later = env(dir.path(), 60).await;
    let (all, late) = agrees(&much_later).await;
    assert!(late > 0 && late <= all, "{late} of {all}");
}

/// A look at a machine that is a host here goes on with the host's clocks; what changed since counts from now.
#[tokio::test]
async fn a_known_machine_keeps_its_clocks() {
    let dir = tempfile::tempdir().unwrap();
    let start = Timestamp::parse(START).unwrap();
    let facts = host("web-01", "3.0.9-1", "7.88.1-1");
    {
        let env = env(dir.path(), 0).await;
        assert!(fleet::known_host(&env, &local(), &facts).await.unwrap().is_none());
        let id = host_report(&env, &local(), facts.clone()).await.unwrap();
        let profile = AssetProfile { tier: Tier::T1, ..AssetProfile::default() };
        profile_save(&env, &local(), &id, profile, 1).await.unwrap();
    }
    let later = env(dir.path(), 20).await;
    let seen = |known: &fleet::KnownHost, facts: &HostFacts, package: &str| {
        let found = later.intel().findings(facts).unwrap().into_iter().find(|f| f.package == package).unwrap();
        known.first_seen(&found, &later.intel().facts(&found.vuln).unwrap())
    };
    let known = fleet::known_host(&later, &local(), &facts).await.unwrap().unwrap();
    assert_eq!((known.name.as_str(), known.since, known.profile.tier), ("web-01", start, Tier::T1));
    assert_eq!(seen(&known, &facts, "openssl"), start);
    let upgraded = host("web-01", "3.0.11-1", "7.88.1-1");
    let known = fleet::known_host(&later, &local(), &upgraded).await.unwrap().unwrap();
    assert_eq!(seen(&known, &upgraded, "openssl"), start.plus_days(20));
    assert_eq!(seen(&known, &upgraded, "curl"), start);
    assert!(fleet::known_host(&later, &local(), &host("web-02", "3.0.9-1", "1")).await.unwrap().is_none());
}

/// A page may be looked at in the minute in which a deadline passes.
#[tokio::test]
async fn a_host_is_overdue_from_the_instant_on() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { data_dir: dir.path().to_owned(), database_url: None, offline: true };
    // Deadlines then lie within an hour, and not on its edge.
    let start = Timestamp(Timestamp::parse(START).unwrap().0 + 1_800_123);
    let clock = Clock::fixed(start);
    let env = Env::open(config, clock.clone()).await.unwrap();
    host_report(&env, &local(), host("web-01", "3.0.9-1", "7.88.1-10")).await.unwrap();
    let id = find_host(&env, &local(), "web-01").await.unwrap().id;
    let report = async || fleet::host_detail(&env, &local(), &id).await.unwrap().report;
    let dues: BTreeSet<i64> =
        report().await.findings.iter().filter_map(|f| Timestamp::parse(f.due.as_deref()?)).map(|at| at.0).collect();
    // A report names whole seconds; the clock of the host began within one.
    let due = dues.into_iter().find(|at| *at > start.0 && at % 3_600_000 == 1_800_000).unwrap() + 123;
    clock.put(Timestamp(due - 60_000));
    let before = report().await.counts.overdue;
    clock.put(Timestamp(due));
    assert_eq!(report().await.counts.overdue, before, "it is due at the instant");
    clock.put(Timestamp(due + 1_000));
    let after = report().await;
    assert!(after.counts.overdue > before, "{before}");
    assert!(after.patches.iter().any(|p| p.overdue));
    agrees(&env).await;
}

/// A policy that leaves every class where it is may still set findings aside, and ask for others tomorrow.
#[tokio::test]
async fn a_simulation_says_what_is_set_aside_and_which_deadlines_move() {
    let dir = tempfile::tempdir().unwrap();
    let first = env(dir.path(), 0).await;
    let mut facts = host("web-01", "3.0.9-1", "7.88.1-10");
    facts.collected_at = first.now();
    host_report(&first, &local(), facts).await.unwrap();
    let isolated = AssetProfile { tier: Tier::T3, exposure: Exposure::Isolated, ..AssetProfile::default() };
    classify(&first, "web-01", isolated).await;
    let shipped = patchwright_domain::decision::policy::DEFAULT_TEXT;
    let rule = "\n[[runtime.rule]]\nname = \"isolated-zone\"\nevidence = \"network_isolated\"\n\
                when = 'asset.exposure == \"isolated\"'\napproved_by = \"Example Security\"\nexpires = 2099-01-01\n\
                because = \"no route into the zone\"\n";
    let shorter = shipped.replace(
        "urgency = \"High\", tier = \"T2\", remediate = \"30d\"",
        "urgency = \"High\", tier = \"T2\", remediate = \"1d\"",
    );
    assert_ne!(shorter, shipped);
    let policy = |text: &str| patchwright_app::policy::PolicySet::parse(text).unwrap();
    let all = ask(&first, &local(), "", "patch").await.findings;
    let high = ask(&first, &local(), "urgency:high", "patch").await.findings;
    let same = fleet::simulate(&first, &local(), &policy(shipped)).await.unwrap();
    assert_eq!((same.total, same.changed, same.due_earlier, same.newly_set_aside), (all, 0, 0, 0));
    let moved = fleet::simulate(&first, &local(), &policy(&shorter)).await.unwrap();
    assert_eq!((moved.changed, moved.due_earlier, moved.due_later, moved.newly_overdue), (0, high, 0, 0), "{moved:?}");
    let both = format!("{shorter}{rule}");
    let report = fleet::simulate(&first, &local(), &policy(&both)).await.unwrap();
    assert!(report.newly_set_aside > 0 && report.newly_set_aside < all, "{report:?}");
    assert_eq!((report.total, report.changed, report.set_aside), (all, 0, 0));
    assert!(report.aside_examples[0].because.contains("evidence of web-01"), "{report:?}");

    // Two days later, and in force: what is aside is not open, and the old policy would bring it back.
    let aside = report.newly_set_aside;
    let ctx = Ctx { reason: Some("tried".to_owned()), ..local() };
    let later = env(dir.path(), 2).await;
    let report = fleet::simulate(&later, &local(), &policy(&shorter)).await.unwrap();
    assert_eq!((report.newly_overdue, report.due_earlier), (high, high), "{report:?}");
    patchwright_app::policy::apply(&first, &ctx, &both).await.unwrap();
    let report = fleet::simulate(&first, &local(), &policy(shipped)).await.unwrap();
    assert_eq!((report.total, report.come_back, report.set_aside), (all - aside, aside, 0), "{report:?}");
    let report = fleet::simulate(&first, &local(), &policy(&both)).await.unwrap();
    assert_eq!((report.total, report.come_back, report.set_aside), (all - aside, 0, aside), "{report:?}");
}

/// What is left out of an answer is said in it.
#[tokio::test]
async fn the_statistics_say_that_fixes_of_kernels_are_not_counted() {
    let dir = tempfile::tempdir().unwrap();
    let env = env(dir.path(), 0).await;
    let notes = fleet::findings_stats(&env, &local()).await.unwrap().notes;
    assert!(notes.iter().any(|note| note.contains("kernels")), "{notes:?}");
}
