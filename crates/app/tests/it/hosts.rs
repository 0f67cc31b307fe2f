//! Taking in hosts: of when facts are, what replaces what, and who learns what.

use patchwright_app::hosts::{Kept, find_host, host_report, host_take};
use patchwright_app::{Ctx, Env, audit, fleet};
use patchwright_domain::access::{Actor, Person, Role, Scope, Standing};
use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::ids::UserId;
use patchwright_domain::inventory::{HostFacts, Kernel, StaleFile, StaleProcess};
use patchwright_domain::time::Timestamp;
use patchwright_protocol::fleet::HostQuery;

use crate::findings::{START, classify, env, host, local};

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
