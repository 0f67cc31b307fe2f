//! Taking in hosts: of when facts are, what replaces what, and who learns what.

use std::collections::BTreeSet;

use patchwright_app::hosts::{Kept, find_host, host_report, host_take};
use patchwright_app::{Ctx, Env, audit, fleet};
use patchwright_domain::access::{Actor, Person, Role, Scope, Standing};
use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::ids::UserId;
use patchwright_domain::inventory::{HistoryEntry, HostFacts, Kernel, Package, StaleFile, StaleProcess};
use patchwright_domain::time::Timestamp;
use patchwright_protocol::findings::FindingsQuery;
use patchwright_protocol::fleet::HostQuery;

use crate::findings::{START, agrees, classify, env, host, local};

fn day(days: i64) -> Timestamp {
    Timestamp::parse(START).unwrap().plus_days(days)
}

fn of(days: i64, facts: HostFacts) -> HostFacts {
    HostFacts { collected_at: day(days), ..facts }
}

async fn installed(env: &Env, name: &str) -> Vec<String> {
    let id = find_host(env, &local(), name).await.unwrap().id;
    let packages = fleet::host_detail(env, &local(), &id).await.unwrap().packages;
    packages.into_iter().filter(|p| p.name == "libssl3").map(|p| p.version).collect()
}

#[tokio::test]
async fn facts_count_from_when_they_were_collected() {
    let dir = tempfile::tempdir().unwrap();
    let env = env(dir.path(), 0).await;
    host_report(&env, &local(), of(-50, host("web-01", "3.0.9-1", "7.88.1-10"))).await.unwrap();
    let seen = find_host(&env, &local(), "web-01").await.unwrap();
    assert_eq!((seen.first_seen, seen.last_seen, seen.facts_at), (day(-50), day(-50), day(-50)));
    let rows = |q: &'static str| {
        let query = HostQuery { q: Some(q.to_owned()), ..HostQuery::default() };
        let env = &env;
        async move { fleet::host_list(env, &local(), &query).await.unwrap().items }
    };
    let stale = rows("is:stale").await;
    assert_eq!(stale.iter().map(|row| (row.name.as_str(), row.stale)).collect::<Vec<_>>(), [("web-01", true)]);
    // Without a word of when, it is now; and nobody collects in the future, or before the program was made.
    for (name, collected, doubt) in [
        ("a", Timestamp(0), None),
        ("b", day(0).plus_days(400), Some("their date is more than a day ahead")),
        ("c", Timestamp(day(0).0 + 60_000), None),
        ("d", day(-400), Some("their date is long before this program was made")),
    ] {
        let facts = HostFacts { collected_at: collected, ..host(name, "3.0.9-1", "7.88.1-10") };
        let taken = host_take(&env, &local(), facts).await.unwrap();
        assert_eq!((taken.kept, taken.doubt), (Kept::Current, doubt), "{name}");
        let seen = find_host(&env, &local(), name).await.unwrap();
        assert_eq!((seen.first_seen, seen.last_seen), (day(0), day(0)), "{name}");
        let report = fleet::host_detail(&env, &local(), &seen.id).await.unwrap().report;
        let said = report.unseen.iter().any(|u| u.what == "when the facts were collected");
        assert_eq!(said, doubt.is_some(), "{name}");
    }
    assert_eq!(rows("is:stale").await.len(), 1);
}

#[tokio::test]
async fn older_facts_become_history_and_replace_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let env = env(dir.path(), 0).await;
    host_report(&env, &local(), of(-1, host("web-01", "3.0.11-1", "7.88.1-10"))).await.unwrap();
    let old = of(-26, host("web-01", "3.0.9-1", "7.88.1-10"));
    let records = || async { audit::list(&env, &local(), 0, 50).await.unwrap().len() };
    let before = records().await;
    let taken = host_take(&env, &local(), old.clone()).await.unwrap();
    assert_eq!((taken.kept, taken.doubt), (Kept::History, None));
    assert_eq!(installed(&env, "web-01").await, ["3.0.11-1"]);
    let seen = find_host(&env, &local(), "web-01").await.unwrap();
    assert_eq!((seen.first_seen, seen.last_seen), (day(-26), day(-1)), "its first observation");
    assert_eq!(records().await, before + 1);
    assert_eq!(host_take(&env, &local(), old).await.unwrap().kept, Kept::History);
    assert_eq!(records().await, before + 1, "the same once more is no news");
    let newer = host_take(&env, &local(), host("web-01", "3.0.12-1", "7.88.1-10")).await.unwrap();
    assert_eq!(newer.kept, Kept::Current);
    assert_eq!(installed(&env, "web-01").await, ["3.0.12-1"]);
}

/// That it has many more packages today says nothing against a list of before.
#[tokio::test]
async fn an_older_list_that_is_shorter_was_not_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let env = env(dir.path(), 0).await;
    let mut many = of(-1, host("web-01", "3.0.11-1", "7.88.1-10"));
    let curl = many.packages[1].clone();
    many.packages
        .extend((0..200).map(|n| patchwright_domain::inventory::Package { name: format!("p{n}"), ..curl.clone() }));
    host_report(&env, &local(), many).await.unwrap();
    let few = host("web-01", "3.0.9-1", "7.88.1-10");
    assert!(host_take(&env, &local(), few.clone()).await.is_err(), "as news it was cut off");
    assert_eq!(host_take(&env, &local(), of(-26, few)).await.unwrap().kept, Kept::History);
}

/// A refusal tells nobody which hosts there are in environments of others, nor how these are called or what they have.
#[tokio::test]
async fn a_refused_report_tells_nothing_of_hosts_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let env = env(dir.path(), 0).await;
    let profile = |environment: &str| AssetProfile { environment: environment.to_owned(), ..AssetProfile::default() };
    for (name, environment) in [("prod-01", "production"), ("lab-01", "lab")] {
        let mut facts = host(name, "3.0.9-1", "7.88.1-10");
        let curl = facts.packages[1].clone();
        facts
            .packages
            .extend((0..200).map(|n| patchwright_domain::inventory::Package { name: format!("p{n}"), ..curl.clone() }));
        host_report(&env, &local(), facts).await.unwrap();
        classify(&env, name, profile(environment)).await;
    }
    let person = Person {
        id: UserId::from_unique("u"),
        name: "lab".to_owned(),
        role: Role::Operator,
        scope: Scope::environments(["lab"]),
        standing: Standing::Active,
    };
    let lab = Ctx { actor: Actor::User(person), ..local() };
    let mut answers = Vec::new();
    for name in ["prod-01", "unknown-01"] {
        let error = host_take(&env, &lab, host(name, "3.0.9-1", "7.88.1-10")).await.unwrap_err();
        answers.push((error.code(), error.to_string(), error.hint()));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].0, "forbidden");
    assert!(!answers[0].1.contains("production") && answers[0].1.contains("your scope"), "{answers:?}");
    let own = host_take(&env, &lab, host("lab-01", "3.0.9-1", "7.88.1-10")).await.unwrap_err();
    assert_eq!(own.code(), "host_shrunk", "of a host of theirs they are told what is wrong");
}

/// A list that came out empty closes no finding, however few packages the host had.
#[tokio::test]
async fn facts_without_packages_replace_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let env = env(dir.path(), 0).await;
    host_report(&env, &local(), host("web-01", "3.0.9-1", "7.88.1-10")).await.unwrap();
    let empty = HostFacts { packages: Vec::new(), ..host("web-01", "3.0.9-1", "7.88.1-10") };
    assert_eq!(host_take(&env, &local(), empty).await.unwrap_err().code(), "host_shrunk");
    assert!(find_host(&env, &local(), "web-01").await.unwrap().packages > 0);
    // Of a system whose packages nobody reads nothing is known, and that is said.
    let bare = HostFacts { packages: Vec::new(), ..host("bare-01", "3.0.9-1", "7.88.1-10") };
    let id = host_report(&env, &local(), bare).await.unwrap();
    let report = fleet::host_detail(&env, &local(), &id).await.unwrap().report;
    assert_eq!(report.counts.findings, 0);
    assert!(report.data.warnings.iter().any(|w| w.contains("nothing was matched")), "{:?}", report.data.warnings);
}

/// Without a package log, what the reports before had tells which version replaced code is of.
#[tokio::test]
async fn earlier_reports_tell_the_version_that_still_runs() {
    let dir = tempfile::tempdir().unwrap();
    let maps = |days: i64, openssl: &str| {
        let mut facts = host("web-01", openssl, "7.88.1-10");
        facts.kernel = Kernel { booted_at: Some(day(-100)), ..Kernel::default() };
        facts.stale = vec![StaleProcess {
            pid: 77,
            started_at: Some(day(days)),
            files: vec![StaleFile { path: "/usr/lib/libssl.so.3".to_owned(), package: Some("libssl3".to_owned()) }],
            ..StaleProcess::default()
        }];
        facts
    };
    let waiting = |env: Env| async move {
        let id = find_host(&env, &local(), "web-01").await.unwrap().id;
        let report = fleet::host_detail(&env, &local(), &id).await.unwrap().report;
        let unknown = report.unseen.iter().any(|u| u.what.contains("replaced code that still runs: libssl3"));
        let of: std::collections::BTreeSet<String> = report
            .findings
            .iter()
            .filter(|f| f.package == "openssl" && f.state == "restart_pending")
            .flat_map(|f| &f.evidence)
            .filter_map(|words| Some(words.split_once(" is older than ")?.0.to_owned()))
            .collect();
        (unknown, of.into_iter().collect::<Vec<_>>())
    };
    let first = env(dir.path(), 0).await;
    host_report(&first, &local(), maps(-9, "3.0.9-1")).await.unwrap();
    assert_eq!(waiting(first).await, (true, Vec::new()), "nothing tells it");
    for (days, openssl) in [(2, "3.0.11-1"), (4, "3.0.20-1"), (6, "3.0.20-1")] {
        let later = env(dir.path(), days).await;
        host_report(&later, &local(), maps(-9, openssl)).await.unwrap();
        assert_eq!(waiting(later).await, (false, vec!["3.0.9-1".to_owned()]), "{openssl}");
    }
}

/// A host is looked at every four hours, and nearly nothing changes: however many looks there are, the clock stays where it began,
/// and the days before are answered.
#[tokio::test]
async fn the_number_of_looks_moves_no_clock() {
    let dir = tempfile::tempdir().unwrap();
    let first = env(dir.path(), 0).await;
    let at = |look: i64, curl: &str| HostFacts {
        collected_at: Timestamp(day(0).0 + look * 4 * 3_600_000),
        kernel: Kernel { running_release: Some(format!("6.1.0-{look}-amd64")), ..Kernel::default() },
        ..host("web-01", "3.0.9-1", curl)
    };
    host_report(&first, &local(), at(0, "7.88.1-10")).await.unwrap();
    let later = env(dir.path(), 20).await;
    for look in 1..113 {
        let curl = if look < 60 { "7.88.1-10" } else { "7.88.1-10+deb12u1" };
        host_report(&later, &local(), at(look, curl)).await.unwrap();
    }
    let id = find_host(&later, &local(), "web-01").await.unwrap().id;
    let findings = fleet::host_detail(&later, &local(), &id).await.unwrap().report.findings;
    let starts = |package: &str| -> BTreeSet<String> {
        let of = findings.iter().filter(|f| f.package == package).flat_map(|f| &f.due_candidates);
        of.filter(|d| d.clock == "first_seen").map(|d| d.start.clone()).collect()
    };
    assert_eq!(starts("openssl"), BTreeSet::from([day(0).to_string()]));
    assert_eq!(starts("curl"), BTreeSet::from([day(10).to_string()]), "the version of the sixtieth look");
    agrees(&later).await;
    let asked = FindingsQuery { as_of: Some("2026-11-21".to_owned()), ..FindingsQuery::default() };
    let past = fleet::findings_query(&later, &local(), &asked).await.unwrap();
    assert!(past.findings > 0 && past.hosts == 1, "{past:?}");
}

/// Of a past day nothing is said of the kernels of hosts that came later, and a caller is told nothing of hosts elsewhere.
#[tokio::test]
async fn kernels_that_changed_are_told_of_hosts_of_that_day_and_of_the_caller() {
    let dir = tempfile::tempdir().unwrap();
    let with = |name: &str, version: &str| {
        let mut facts = host(name, "3.0.9-1", "7.88.1-10");
        let image = Package {
            name: format!("linux-image-{version}-amd64"),
            source: "linux-signed-amd64".to_owned(),
            version: version.to_owned(),
            source_version: version.to_owned(),
            ..facts.packages[0].clone()
        };
        facts.packages.push(image);
        facts
    };
    let first = env(dir.path(), 0).await;
    host_report(&first, &local(), with("old-01", "6.1.38-1")).await.unwrap();
    let later = env(dir.path(), 20).await;
    host_report(&later, &local(), with("old-01", "6.1.176-1")).await.unwrap();
    host_report(&later, &local(), with("new-01", "6.1.176-1")).await.unwrap();
    for (name, environment) in [("old-01", "production"), ("new-01", "lab")] {
        classify(&later, name, AssetProfile { environment: environment.to_owned(), ..AssetProfile::default() }).await;
    }
    let viewer = |environment: &str| {
        let person = Person {
            id: UserId::from_unique("u"),
            name: environment.to_owned(),
            role: Role::Viewer,
            scope: Scope::environments([environment]),
            standing: Standing::Active,
        };
        Ctx { actor: Actor::User(person), ..local() }
    };
    for (ctx, told) in [(local(), true), (viewer("production"), true), (viewer("lab"), false)] {
        let asked = FindingsQuery {
            as_of: Some("2026-11-25".to_owned()),
            known: Some("now".to_owned()),
            ..FindingsQuery::default()
        };
        let notes = fleet::findings_query(&later, &ctx, &asked).await.unwrap().notes;
        assert_eq!(notes.iter().any(|n| n.starts_with("The kernel of 1 host has changed since")), told, "{notes:?}");
        assert_eq!(notes.iter().any(|n| n.starts_with("The kernel of")), told, "{notes:?}");
    }
}

/// What a host's own log tells is shown whole.
#[tokio::test]
async fn a_long_history_is_not_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let env = env(dir.path(), 0).await;
    let entry = |n: i64| HistoryEntry {
        at: day(-n),
        name: format!("p{n}"),
        from: Some("1".to_owned()),
        to: Some("2".to_owned()),
        source: "dpkg.log".to_owned(),
    };
    let facts = HostFacts { history: (0..1_300).map(entry).collect(), ..host("web-01", "3.0.9-1", "7.88.1-10") };
    let id = host_report(&env, &local(), facts).await.unwrap();
    assert_eq!(fleet::host_detail(&env, &local(), &id).await.unwrap().history.len(), 1_300);
}

#[tokio::test]
async fn one_record_of_the_audit_is_one_record() {
    let dir = tempfile::tempdir().unwrap();
    let env = env(dir.path(), 0).await;
    let mut seen = Vec::new();
    for n in 0..3 {
        let records = audit::list(&env, &local(), 0, 50).await.unwrap().len();
        let said = audit::verify(&env, &local()).await.unwrap();
        let wanted = if records == 1 { "1 record, ".to_owned() } else { format!("{records} records, ") };
        assert!(said.starts_with(&wanted), "{said}");
        seen.push(records);
        host_report(&env, &local(), host(&format!("web-{n}"), "3.0.9-1", "7.88.1-10")).await.unwrap();
    }
    assert!(seen.contains(&1), "{seen:?}");
}
