//! Stories of hosts: facts, history, lists, classification.

use patchwright_domain::access::Scope;
use patchwright_domain::decision::profile::{AssetProfile, Tier};
use patchwright_domain::ids::HostId;
use patchwright_domain::inventory::{Component, HostFacts, Tri};
use patchwright_domain::time::Timestamp;
use patchwright_store::{FactsChange, FactsWrite, Generation, Host, HostCounters, HostFilter, HostOrder, StoreError};
use serde_json::json;

use crate::stage::{NOW, Stage, after, facts, id, on_every_engine};

on_every_engine!(
    a_new_host_reads_back,
    equal_hosts_share_one_package_set,
    unchanged_facts_only_move_last_seen,
    any_past_moment_can_be_asked,
    versions_name_their_libraries,
    facts_that_arrive_late_do_not_replace_newer_ones,
    facts_of_between_two_equal_looks_are_history,
    a_write_with_an_old_generation_is_a_conflict,
    one_machine_is_one_host,
    the_stamp_changes_with_every_change_of_a_host,
    values_that_one_engine_would_refuse_are_refused_on_both,
    lists_have_one_order_on_every_engine,
    lists_are_cut_to_the_filter_and_the_scope,
    the_longest_silent_host_comes_first,
    a_host_moves_between_environments,
    a_deleted_host_leaves_nothing,
    many_hosts_are_written_and_read_in_few_statements,
);

async fn a_new_host_reads_back(stage: Stage) {
    let mut seen = facts("web1", &["openssl=3.0.11-1", "curl=7.88.1-10"]);
    seen.machine = Some("m1".to_owned());
    seen.purls = vec!["pkg:pypi/jinja2@3.1.2".to_owned()];
    seen.container = true;
    let saved = stage.facts("1", None, NOW, &seen).await.unwrap();
    assert_eq!((saved.change, saved.generation), (FactsChange::New, Generation::FIRST));

    let mut read = stage.db.read().await.unwrap();
    let host = read.host_fetch(&id("1")).await.unwrap().unwrap();
    assert_eq!(
        host,
        Host {
            id: id("1"),
            hostname: "web1".to_owned(),
            machine: Some("m1".to_owned()),
            ecosystem: Some("Debian:12".to_owned()),
            os_pretty: "debian 12".to_owned(),
            profile: AssetProfile::default(),
            first_seen: NOW,
            last_seen: NOW,
            facts_at: NOW,
            collector: "agent".to_owned(),
            packages: 2,
            set_hash: saved.set_hash.clone(),
            facts_hash: saved.facts_hash,
            generation: Generation::FIRST,
        }
    );
    assert_eq!(read.host_by_machine("m1").await.unwrap(), Some(host.clone()));
    assert_eq!(read.host_by_hostname("web1").await.unwrap(), vec![host]);
    assert_eq!(read.host_fetch(&id("2")).await.unwrap(), None);
    assert_eq!(read.host_by_machine("m2").await.unwrap(), None);

    seen.packages.sort_by(|a, b| a.name.cmp(&b.name));
    let stored = read.host_facts_latest(&id("1")).await.unwrap().unwrap();
    assert_eq!((stored.at, &stored.facts), (NOW, &seen));
    let set = read.package_set_fetch(&saved.set_hash).await.unwrap().unwrap();
    assert_eq!((set.packages, set.purls), (seen.packages, seen.purls));
    assert_eq!(read.package_set_fetch("none").await.unwrap(), None);
}

async fn equal_hosts_share_one_package_set(stage: Stage) {
    let one = stage.facts("1", None, NOW, &facts("web1", &["a=1", "b=1"])).await.unwrap();
    let two = stage.facts("2", None, NOW, &facts("web2", &["b=1", "a=1"])).await.unwrap();
    assert_eq!(one.set_hash, two.set_hash);
    assert_ne!(one.facts_hash, two.facts_hash, "the host name is not part of the set");
    for (host, left) in [("1", 0), ("2", 1)] {
        let mut txn = stage.db.write().await.unwrap();
        txn.host_delete(&id(host), Generation::FIRST).await.unwrap();
        assert_eq!(txn.package_set_prune(100).await.unwrap(), left, "the set goes with its last host");
        txn.commit().await.unwrap();
    }
    assert_eq!(stage.db.read().await.unwrap().package_set_fetch(&one.set_hash).await.unwrap(), None);
}

async fn unchanged_facts_only_move_last_seen(stage: Stage) {
    let mut seen = facts("web1", &["a=1"]);
    let first = stage.facts("1", None, NOW, &seen).await.unwrap();
    seen.collected_at = after(9);
    let again = stage.facts("1", Some(first.generation), after(10), &seen).await.unwrap();
    assert_eq!((again.change, again.generation), (FactsChange::Unchanged, Generation(2)));
    seen.reboot.needed = Tri::Yes;
    let changed = stage.facts("1", Some(again.generation), after(20), &seen).await.unwrap();
    assert_eq!(changed.change, FactsChange::Changed);
    assert_eq!(changed.set_hash, first.set_hash);

    let mut read = stage.db.read().await.unwrap();
    let host = read.host_fetch(&id("1")).await.unwrap().unwrap();
    assert_eq!((host.first_seen, host.last_seen, host.facts_at), (NOW, after(20), after(20)));
    for (at, version) in [(after(19), NOW), (after(20), after(20))] {
        assert_eq!(read.host_facts_as_of(&id("1"), at).await.unwrap().unwrap().at, version, "{at}");
    }
    let changes = read.host_facts_changes(&id("1")).await.unwrap();
    assert_eq!(changes.iter().map(|h| h.at).collect::<Vec<_>>(), [NOW], "its packages are those of before");
}

async fn any_past_moment_can_be_asked(stage: Stage) {
    let mut generation = None;
    for (n, at) in [(1, NOW), (2, after(10)), (3, after(20))] {
        let seen = facts("web1", &[&format!("openssl=3.0.{n}")]);
        generation = Some(stage.facts("1", generation, at, &seen).await.unwrap().generation);
    }
    let mut read = stage.db.read().await.unwrap();
    for (at, version) in [(NOW, "3.0.1"), (after(9), "3.0.1"), (after(10), "3.0.2"), (after(500), "3.0.3")] {
        let then = read.host_facts_as_of(&id("1"), at).await.unwrap().unwrap();
        assert_eq!(then.facts.packages[0].version, version, "{at}");
        assert_eq!(then.host, id("1"));
    }
    assert_eq!(read.host_facts_as_of(&id("1"), after(-1)).await.unwrap(), None);
    assert_eq!(read.host_facts_as_of(&id("2"), NOW).await.unwrap(), None);
    let latest = read.host_facts_latest(&id("1")).await.unwrap().unwrap();
    assert_eq!(latest.facts.packages[0].version, "3.0.3");
    assert_eq!(read.host_facts_changes(&id("1")).await.unwrap().len(), 3);
}

async fn versions_name_their_libraries(stage: Stage) {
    let with = |version: &str| {
        let component = |name: &str, location: &str| Component {
            ecosystem: "PyPI".to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
            location: Some(location.to_owned()),
            ..Component::default()
        };
        HostFacts { components: vec![component("Jinja2", "/a"), component("jinja2", "/b")], ..facts("web1", &["a=1"]) }
    };
    let mut moved = with("3.1.2");
    moved.components.truncate(1);
    let mut generation = None;
    let steps = [facts("web1", &["a=1"]), with("3.1.2"), moved, with("3.1.3"), facts("web1", &["a=2"])];
    for (n, seen) in (0..).zip(&steps) {
        generation = Some(stage.facts("1", generation, after(10 * n), seen).await.unwrap().generation);
    }
    stage.raw("UPDATE host_facts SET libraries_hash = NULL WHERE set_hash IN (SELECT set_hash FROM host)").await;
    let mut read = stage.db.read().await.unwrap();
    let history = read.host_facts_changes(&id("1")).await.unwrap();
    let hashes: Vec<Option<&str>> = history.iter().rev().map(|v| v.libraries_hash.as_deref()).collect();
    // Where they lie is no change: the version `moved` is not told.
    let [none, first, other, unknown] = hashes[..] else { panic!("{hashes:?}") };
    assert_eq!((none, unknown), (Some(""), None), "no package of a language, and a row of before");
    assert!(first.is_some_and(|hash| hash.len() == 64));
    assert_ne!(first, other);
    let mut found = read.host_facts_at_many(&id("1"), &[after(30), after(10), after(11)]).await.unwrap();
    found.sort_by_key(|(at, _)| *at);
    let versions: Vec<(Timestamp, &str, usize)> =
        found.iter().map(|(at, f)| (*at, f.components[0].version.as_str(), f.packages.len())).collect();
    assert_eq!(versions, [(after(10), "3.1.2", 0), (after(30), "3.1.3", 0)], "packages are in the set");
}

async fn facts_that_arrive_late_do_not_replace_newer_ones(stage: Stage) {
    let now = stage.facts("1", None, NOW, &facts("web1", &["a=2"])).await.unwrap();
    let late = stage.facts("1", Some(now.generation), after(-60), &facts("web1", &["a=1"])).await.unwrap();
    assert_eq!(late.change, FactsChange::Older);
    // The same message once more changes nothing.
    let twice = stage.facts("1", Some(late.generation), after(-60), &facts("web1", &["a=1"])).await.unwrap();
    assert_eq!(twice.change, FactsChange::Older);

    let mut read = stage.db.read().await.unwrap();
    let host = read.host_fetch(&id("1")).await.unwrap().unwrap();
    assert_eq!((host.first_seen, host.last_seen, host.facts_at), (after(-60), NOW, NOW));
    assert_eq!(host.set_hash, now.set_hash);
    assert_eq!(read.host_facts_changes(&id("1")).await.unwrap().len(), 2);
    let then = read.host_facts_as_of(&id("1"), after(-30)).await.unwrap().unwrap();
    assert_eq!(then.facts.packages[0].version, "1");
}

/// The newest of a host's history is what it has now, whatever arrives of the time between two looks that found the same.
async fn facts_of_between_two_equal_looks_are_history(stage: Stage) {
    let first = stage.facts("1", None, after(-60), &facts("web1", &["a=2"])).await.unwrap();
    let again = stage.facts("1", Some(first.generation), NOW, &facts("web1", &["a=2"])).await.unwrap();
    assert_eq!(again.change, FactsChange::Unchanged);
    let seen = stage.facts("1", Some(again.generation), after(-40), &facts("web1", &["a=2"])).await.unwrap();
    assert_eq!(seen.change, FactsChange::Unchanged, "the same in between is no news");
    let between = stage.facts("1", Some(seen.generation), after(-30), &facts("web1", &["a=1"])).await.unwrap();
    assert_eq!(between.change, FactsChange::Older);

    let mut read = stage.db.read().await.unwrap();
    let host = read.host_fetch(&id("1")).await.unwrap().unwrap();
    assert_eq!((host.first_seen, host.last_seen, host.facts_at), (after(-60), NOW, NOW));
    assert_eq!(host.set_hash, first.set_hash);
    let latest = read.host_facts_latest(&id("1")).await.unwrap().unwrap();
    assert_eq!((latest.at, latest.facts.packages[0].version.as_str()), (NOW, "2"));
    let history = read.host_facts_changes(&id("1")).await.unwrap();
    let sets: Vec<(Timestamp, bool)> = history.iter().map(|v| (v.at, v.set_hash == first.set_hash)).collect();
    assert_eq!(sets, [(NOW, true), (after(-30), false), (after(-60), true)]);
}

fn is_conflict(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict { what: "host", id } if id == "hst_1")
}

async fn a_write_with_an_old_generation_is_a_conflict(stage: Stage) {
    let seen = facts("web1", &["a=1"]);
    let first = stage.facts("1", None, NOW, &seen).await.unwrap();
    stage.facts("1", Some(first.generation), after(1), &seen).await.unwrap();

    let error = stage.facts("1", Some(first.generation), after(2), &facts("web1", &["a=2"])).await.unwrap_err();
    assert!(is_conflict(&error) && error.is_retryable(), "{error}");
    let error = stage.facts("1", None, after(2), &seen).await.unwrap_err();
    assert!(matches!(error, StoreError::Duplicate { .. }), "{error}");

    let mut txn = stage.db.write().await.unwrap();
    let stale = Generation::FIRST;
    assert!(is_conflict(&txn.host_profile_save(&id("1"), &AssetProfile::default(), stale).await.unwrap_err()));
    assert!(is_conflict(&txn.host_delete(&id("1"), stale).await.unwrap_err()));
    drop(txn);
    let host = stage.db.read().await.unwrap().host_fetch(&id("1")).await.unwrap().unwrap();
    assert_eq!((host.generation, host.last_seen), (Generation(2), after(1)));
}

async fn one_machine_is_one_host(stage: Stage) {
    let mut seen = facts("web1", &["a=1"]);
    seen.machine = Some("m1".to_owned());
    stage.facts("1", None, NOW, &seen).await.unwrap();
    let error = stage.facts("2", None, NOW, &seen).await.unwrap_err();
    assert!(matches!(error, StoreError::Duplicate { .. }), "{error}");
    seen.machine = None;
    stage.facts("2", None, NOW, &seen).await.unwrap();
    stage.facts("3", None, NOW, &seen).await.unwrap();
    assert_eq!(stage.db.read().await.unwrap().host_by_hostname("web1").await.unwrap().len(), 3);
}

async fn the_stamp_changes_with_every_change_of_a_host(stage: Stage) {
    let stamp = async || stage.db.read().await.unwrap().host_stamp().await.unwrap();
    let mut seen = vec![stamp().await];
    let first = stage.facts("1", None, NOW, &facts("web1", &["a=1"])).await.unwrap();
    seen.push(stamp().await);
    let again = stage.facts("1", Some(first.generation), after(1), &facts("web1", &["a=1"])).await.unwrap();
    seen.push(stamp().await);
    stage.facts("2", None, after(2), &facts("web2", &["a=1"])).await.unwrap();
    seen.push(stamp().await);
    let mut txn = stage.db.write().await.unwrap();
    txn.host_profile_save(&id("1"), &AssetProfile::default(), again.generation).await.unwrap();
    txn.commit().await.unwrap();
    seen.push(stamp().await);
    // Another host of the same age in the place of one that is gone.
    let mut txn = stage.db.write().await.unwrap();
    txn.host_delete(&id("2"), Generation::FIRST).await.unwrap();
    txn.commit().await.unwrap();
    seen.push(stamp().await);
    stage.facts("3", None, after(3), &facts("web3", &["a=1"])).await.unwrap();
    seen.push(stamp().await);
    for (n, one) in seen.iter().enumerate() {
        assert!(!seen[n + 1..].contains(one), "{n}: {seen:?}");
    }
    assert_eq!(stamp().await, seen[seen.len() - 1]);
    let all = stage.db.read().await.unwrap().host_all().await.unwrap();
    assert_eq!(all.iter().map(|h| h.hostname.as_str()).collect::<Vec<_>>(), ["web1", "web3"]);
}

async fn values_that_one_engine_would_refuse_are_refused_on_both(stage: Stage) {
    for name in ["", "a\0b", &"x".repeat(256)] {
        let error = stage.facts("1", None, NOW, &facts(name, &["a=1"])).await.unwrap_err();
        assert!(matches!(error, StoreError::Value { .. }), "{name:?}: {error}");
    }
    // Inside a document a zero character is only an escape, and facts come from outside: it has to survive.
    let seen = facts("web1", &["a=1\0", "b=\u{1f600}"]);
    stage.facts("1", None, NOW, &seen).await.unwrap();
    let stored = stage.db.read().await.unwrap().host_facts_latest(&id("1")).await.unwrap().unwrap();
    assert_eq!(stored.facts, seen);
}

/// Every page of a list, one after the other.
async fn names(stage: &Stage, filter: &HostFilter, order: HostOrder, limit: u32) -> Vec<String> {
    let mut names = Vec::new();
    let mut after = None;
    loop {
        let mut read = stage.db.read().await.unwrap();
        let page = read.host_list(filter, order, after.as_deref(), limit).await.unwrap();
        assert!(page.hosts.len() <= limit as usize);
        names.extend(page.hosts.into_iter().map(|h| h.hostname));
        after = page.next;
        if after.is_none() {
            assert_eq!(page.total, names.len() as u64);
            return names;
        }
    }
}

async fn lists_have_one_order_on_every_engine(stage: Stage) {
    // A dictionary puts `web-1` beside `web1` and `äther` before `b`; bytes do not.
    let hosts = ["web1", "Web-1", "web.2", "WEB_3", "äther", "b", "zeta", "web10", "web2", "a b", "b"];
    for (n, name) in hosts.iter().enumerate() {
        stage.facts(&format!("{n:02}"), None, NOW, &facts(name, &["a=1"])).await.unwrap();
    }
    let mut sorted: Vec<(Vec<u8>, usize, &str)> =
        hosts.iter().enumerate().map(|(n, h)| (h.to_lowercase().into_bytes(), n, *h)).collect();
    sorted.sort();
    let expected: Vec<&str> = sorted.into_iter().map(|(_, _, h)| h).collect();
    for limit in [1, 2, 3, 11, 500] {
        let found = names(&stage, &HostFilter::of(Scope::All), HostOrder::Name, limit).await;
        assert_eq!(found, expected, "pages of {limit}");
    }
    let mut read = stage.db.read().await.unwrap();
    for bad in ["", "x", "s5.00", "nzz"] {
        let error = read.host_list(&HostFilter::of(Scope::All), HostOrder::Name, Some(bad), 5).await.unwrap_err();
        assert!(matches!(error, StoreError::Cursor { .. }), "{bad}");
    }
}

fn profile(environment: &str, tier: Tier, owner: &str) -> AssetProfile {
    AssetProfile {
        environment: environment.to_owned(),
        tier,
        owner: owner.to_owned(),
        services: vec!["shop_100%".to_owned()],
        ..AssetProfile::default()
    }
}

async fn lists_are_cut_to_the_filter_and_the_scope(stage: Stage) {
    let mut txn = stage.db.write().await.unwrap();
    let rows = [
        ("1", "web1", profile("production", Tier::T1, "Ana")),
        ("2", "web2", profile("staging", Tier::T3, "Bo")),
        ("3", "db1", profile("", Tier::T3, "Bo")),
    ];
    for (n, name, profile) in &rows {
        let mut seen = facts(name, &["a=1"]);
        if *n == "3" {
            seen.os = patchwright_domain::inventory::Os::parse_short("almalinux:9").unwrap();
        }
        txn.host_upsert_facts(&FactsWrite {
            id: &id(n),
            expected: None,
            at: after(n.parse().unwrap()),
            facts: &seen,
            profile,
        })
        .await
        .unwrap();
    }
    txn.commit().await.unwrap();

    let all = || HostFilter::of(Scope::All);
    let text = |t: &str| HostFilter { text: Some(t.to_owned()), ..all() };
    let within = |names: &[&str]| HostFilter::of(Scope::environments(names.iter().copied()));
    let cases: Vec<(HostFilter, &[&str])> = vec![
        (all(), &["db1", "web1", "web2"]),
        (text("WEB"), &["web1", "web2"]),
        (text(" bo "), &["db1", "web2"]),
        (text("alma"), &["db1"]),
        (text("shop_100%"), &["db1", "web1", "web2"]),
        (text("w_b"), &[]),
        (text("%"), &["db1", "web1", "web2"]),
        (text("1%x"), &[]),
        (text("!"), &[]),
        (HostFilter { ecosystem: Some("AlmaLinux:9".to_owned()), ..all() }, &["db1"]),
        (HostFilter { tier: Some(Tier::T1), ..all() }, &["web1"]),
        (HostFilter { environment: Some("staging".to_owned()), ..all() }, &["web2"]),
        (HostFilter { silent_since: Some(after(2)), ..all() }, &["web1"]),
        (within(&["staging"]), &["web2"]),
        (within(&["staging", "production", "x", "y", "z"]), &["web1", "web2"]),
        (within(&[""]), &["db1"]),
        (within(&[]), &[]),
        (HostFilter { text: Some("web1".to_owned()), ..within(&["staging"]) }, &[]),
    ];
    for (filter, expected) in cases {
        assert_eq!(names(&stage, &filter, HostOrder::Name, 2).await, expected, "{filter:?}");
    }
}

async fn the_longest_silent_host_comes_first(stage: Stage) {
    for (n, name, at) in [("1", "c", 5), ("2", "a", 7), ("3", "b", 5), ("4", "d", 1)] {
        stage.facts(n, None, after(at), &facts(name, &["a=1"])).await.unwrap();
    }
    for limit in [1, 3, 10] {
        let found = names(&stage, &HostFilter::of(Scope::All), HostOrder::LastSeen, limit).await;
        assert_eq!(found, ["d", "b", "c", "a"], "pages of {limit}");
    }
}

async fn a_host_moves_between_environments(stage: Stage) {
    let seen = facts("web1", &["a=1"]);
    let saved = stage.facts("1", None, NOW, &seen).await.unwrap();
    let wanted = profile("production", Tier::T1, "Ana");
    let mut txn = stage.db.write().await.unwrap();
    let generation = txn.host_profile_save(&id("1"), &wanted, saved.generation).await.unwrap();
    txn.commit().await.unwrap();
    // New facts keep the classification and can still be found by it.
    stage.facts("1", Some(generation), after(1), &facts("web1", &["a=2"])).await.unwrap();
    let host = stage.db.read().await.unwrap().host_fetch(&id("1")).await.unwrap().unwrap();
    assert_eq!((host.profile, host.generation), (wanted, Generation(3)));
    let filter = HostFilter {
        text: Some("ana".to_owned()),
        tier: Some(Tier::T1),
        ..HostFilter::of(Scope::environments(["production"]))
    };
    assert_eq!(names(&stage, &filter, HostOrder::Name, 10).await, ["web1"]);
}

async fn a_deleted_host_leaves_nothing(stage: Stage) {
    let saved = stage.facts("1", None, NOW, &facts("web1", &["a=1"])).await.unwrap();
    let counters = HostCounters { host: id("1"), digest: "d".to_owned(), counters: json!({}) };
    let mut txn = stage.db.write().await.unwrap();
    txn.host_counters_save(std::slice::from_ref(&counters)).await.unwrap();
    txn.host_delete(&id("1"), saved.generation).await.unwrap();
    txn.commit().await.unwrap();
    let mut read = stage.db.read().await.unwrap();
    assert_eq!(read.host_fetch(&id("1")).await.unwrap(), None);
    assert_eq!(read.host_facts_changes(&id("1")).await.unwrap(), vec![]);
    assert_eq!(read.host_counters_fetch(&[id("1")]).await.unwrap(), vec![]);
    drop(read);
    let mut txn = stage.db.write().await.unwrap();
    let error = txn.host_counters_save(&[counters]).await.unwrap_err();
    assert!(matches!(error, StoreError::Dangling { .. }), "{error}");
}

async fn many_hosts_are_written_and_read_in_few_statements(stage: Stage) {
    const HOSTS: usize = 1_203;
    let ids: Vec<HostId> = (0..HOSTS).map(|n| id(&format!("{n:05}"))).collect();
    let seen: Vec<_> = (0..HOSTS).map(|n| facts(&format!("host{n}"), &[&format!("a={}", n % 7)])).collect();
    let profile = AssetProfile::default();
    let writes: Vec<FactsWrite<'_>> = ids
        .iter()
        .zip(&seen)
        .map(|(id, facts)| FactsWrite { id, expected: None, at: NOW, facts, profile: &profile })
        .collect();
    let mut txn = stage.db.write().await.unwrap();
    let saved = txn.host_insert_many(&writes).await.unwrap();
    let counters = |digest: &str| -> Vec<HostCounters> {
        ids.iter()
            .map(|id| HostCounters {
                host: id.clone(),
                digest: digest.to_owned(),
                counters: json!({"critical": id.as_str().len()}),
            })
            .collect()
    };
    // One host twice in one call: the later counts are meant.
    let mut twice = counters("one");
    twice.extend(counters("two"));
    txn.host_counters_save(&twice).await.unwrap();
    txn.commit().await.unwrap();

    assert_eq!(saved.len(), HOSTS);
    let sets: std::collections::BTreeSet<&str> = saved.iter().map(|s| s.set_hash.as_str()).collect();
    assert_eq!(sets.len(), 7);
    let mut read = stage.db.read().await.unwrap();
    assert_eq!(read.host_fetch_many(&ids).await.unwrap().len(), HOSTS);
    let mut stored = read.host_facts_latest_many(&ids).await.unwrap();
    stored.sort_by(|a, b| a.host.cmp(&b.host));
    assert_eq!(stored.iter().map(|s| &s.facts).collect::<Vec<_>>(), seen.iter().collect::<Vec<_>>());
    let kept = read.host_counters_fetch(&ids).await.unwrap();
    assert_eq!((kept.len(), kept.iter().all(|c| c.digest == "two")), (HOSTS, true));
    assert_eq!(read.host_fetch_many(&[]).await.unwrap(), vec![]);
    drop(read);

    let mut txn = stage.db.write().await.unwrap();
    assert_eq!(txn.host_counters_clear().await.unwrap(), HOSTS as u64);
    let error = txn.host_insert_many(&writes[..2]).await.unwrap_err();
    assert!(matches!(error, StoreError::Duplicate { .. }), "{error}");
}
