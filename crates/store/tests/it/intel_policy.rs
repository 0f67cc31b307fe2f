//! Stories of the activation log, policy versions, settings and the outbox.

use patchwright_domain::ids::PolicyId;
use patchwright_store::{Activation, BundleKey, Generation, KnownPart, PolicyVersion, StoreError};

use crate::stage::{NOW, Stage, after, on_every_engine};

on_every_engine!(
    the_activation_log_says_what_was_known_when,
    what_each_activation_was_first_to_know_comes_back_in_order,
    keys_of_bundles_keep_their_progress,
    one_policy_of_a_kind_is_in_force,
    settings_are_guarded,
    the_outbox_delivers_what_was_committed,
);

fn activation(snapshot: &str, at: patchwright_domain::time::Timestamp) -> Activation {
    Activation {
        seq: 0,
        snapshot_id: snapshot.to_owned(),
        label: "starter".to_owned(),
        at,
        sequence: 3,
        provider: "bundle:0123".to_owned(),
        actor: "local:me".to_owned(),
        reason: Some("why".to_owned()),
        records: 5,
    }
}

async fn what_each_activation_was_first_to_know_comes_back_in_order(stage: Stage) {
    let mut txn = stage.db.write().await.unwrap();
    for n in 1..=3u64 {
        let at = after(i64::try_from(n).unwrap());
        let seq = txn.intel_activation_append(&activation(&format!("snap{n}"), at)).await.unwrap();
        txn.intel_known_insert(seq, "Debian:12", n, format!("pairs {n}").as_bytes()).await.unwrap();
    }
    txn.intel_known_insert(2, "Alpine:3.20", 1, b"x").await.unwrap();
    txn.commit().await.unwrap();
    // What an activation knew first is said once.
    let mut txn = stage.db.write().await.unwrap();
    assert!(txn.intel_known_insert(2, "Alpine:3.20", 1, b"y").await.is_err());
    drop(txn);
    let mut txn = stage.db.write().await.unwrap();
    assert!(txn.intel_known_insert(9, "Alpine:3.20", 1, b"y").await.is_err(), "no such activation");
    drop(txn);

    let mut read = stage.db.read().await.unwrap();
    let part = |seq, minutes, text: &str| KnownPart { seq, at: after(minutes), content: text.as_bytes().to_vec() };
    let found = read.intel_known_list("Debian:12", 1).await.unwrap();
    assert_eq!(found, [part(2, 2, "pairs 2"), part(3, 3, "pairs 3")]);
    assert_eq!(read.intel_known_list("Debian:12", 0).await.unwrap().len(), 3);
    assert_eq!(read.intel_known_last("Debian:12").await.unwrap(), 3);
    assert_eq!(read.intel_known_last("Debian:11").await.unwrap(), 0);
    assert_eq!(read.intel_known_ecosystems().await.unwrap(), ["Alpine:3.20", "Debian:12"]);
    let newest = read.intel_activation_newest(2).await.unwrap();
    assert_eq!(newest[0], Activation { seq: 3, ..activation("snap3", after(3)) });
    assert_eq!(newest[1].seq, 2);
}

async fn keys_of_bundles_keep_their_progress(stage: Stage) {
    let mut txn = stage.db.write().await.unwrap();
    txn.bundle_key_insert("aa", "ed25519:x", "one", NOW, "usr_1").await.unwrap();
    txn.bundle_key_insert("bb", "ed25519:y", "two", after(1), "usr_1").await.unwrap();
    txn.commit().await.unwrap();
    let mut txn = stage.db.write().await.unwrap();
    let error = txn.bundle_key_insert("aa", "ed25519:z", "three", NOW, "usr_1").await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    drop(txn);
    let read = stage.db.read().await.unwrap().bundle_key_fetch("aa").await.unwrap().unwrap();
    let saved = BundleKey {
        last_sequence: 7,
        last_created: Some(NOW),
        last_snapshot: Some("snap".to_owned()),
        revoked_at: Some(after(5)),
        ..read.clone()
    };
    let mut txn = stage.db.write().await.unwrap();
    txn.bundle_key_save(&saved).await.unwrap();
    let error = txn.bundle_key_save(&saved).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    drop(txn);
    let mut txn = stage.db.write().await.unwrap();
    txn.bundle_key_save(&saved).await.unwrap();
    txn.commit().await.unwrap();
    let list = stage.db.read().await.unwrap().bundle_key_list().await.unwrap();
    assert_eq!(list[0], BundleKey { generation: read.generation.next(), ..saved });
    assert_eq!(list[1].id, "bb");
    assert_eq!(stage.db.read().await.unwrap().bundle_key_fetch("cc").await.unwrap(), None);
}

async fn the_activation_log_says_what_was_known_when(stage: Stage) {
    assert_eq!(stage.db.read().await.unwrap().intel_activation_latest().await.unwrap(), None);
    for (n, at) in [(1, NOW), (2, after(10)), (3, after(5))] {
        let mut txn = stage.db.write().await.unwrap();
        assert_eq!(txn.intel_activation_append(&activation(&format!("snap{n}"), at)).await.unwrap(), n);
        txn.commit().await.unwrap();
    }
    // A transaction that is not committed leaves no gap.
    let mut txn = stage.db.write().await.unwrap();
    assert_eq!(txn.intel_activation_append(&activation("never", NOW)).await.unwrap(), 4);
    drop(txn);
    let mut txn = stage.db.write().await.unwrap();
    assert_eq!(txn.intel_activation_append(&activation("snap4", after(20))).await.unwrap(), 4);
    txn.commit().await.unwrap();

    let mut read = stage.db.read().await.unwrap();
    for (at, known) in [
        (-1, None),
        (0, Some("snap1")),
        (4, Some("snap1")),
        (6, Some("snap3")),
        (10, Some("snap3")),
        (30, Some("snap4")),
    ] {
        let found = read.intel_activation_as_of(after(at)).await.unwrap();
        assert_eq!(found.as_ref().map(|a| a.snapshot_id.as_str()), known, "{at}");
    }
    assert_eq!(read.intel_activation_latest().await.unwrap().unwrap().seq, 4);
    let tail = read.intel_activation_list(2, 10).await.unwrap();
    assert_eq!(tail.iter().map(|a| a.seq).collect::<Vec<_>>(), [3, 4]);
}

fn version(n: &str, kind: &str) -> PolicyVersion {
    PolicyVersion {
        id: PolicyId::from_unique(n),
        kind: kind.to_owned(),
        text: format!("# {n}\nkind = \"{kind}\"\n"),
        hash: format!("hash{n}"),
        valid_from: after(60),
        author: "usr_1".to_owned(),
        created: NOW,
        active: false,
    }
}

async fn one_policy_of_a_kind_is_in_force(stage: Stage) {
    let mut txn = stage.db.write().await.unwrap();
    for (n, kind) in [("1", "sla"), ("2", "sla"), ("3", "urgency")] {
        txn.policy_insert(&version(n, kind)).await.unwrap();
    }
    let (one, two, three) = (PolicyId::from_unique("1"), PolicyId::from_unique("2"), PolicyId::from_unique("3"));
    txn.policy_activate(&one, "sla", None).await.unwrap();
    txn.policy_activate(&three, "urgency", None).await.unwrap();
    txn.commit().await.unwrap();

    // Somebody who did not see the first come into force.
    let mut txn = stage.db.write().await.unwrap();
    let error = txn.policy_activate(&two, "sla", None).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { what: "policy", .. }), "{error}");
    drop(txn);
    for (id, kind, replaces) in [(&two, "sla", Some(&three)), (&two, "urgency", None), (&one, "sla", None)] {
        let mut txn = stage.db.write().await.unwrap();
        let error = txn.policy_activate(id, kind, replaces).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict { what: "policy", .. }), "{error}");
    }
    let mut txn = stage.db.write().await.unwrap();
    txn.policy_activate(&two, "sla", Some(&one)).await.unwrap();
    txn.commit().await.unwrap();

    let mut read = stage.db.read().await.unwrap();
    let active = read.policy_active("sla").await.unwrap().unwrap();
    assert_eq!(active, PolicyVersion { active: true, ..version("2", "sla") });
    assert_eq!(read.policy_fetch(&one).await.unwrap(), Some(version("1", "sla")));
    let ids = |list: Vec<PolicyVersion>| list.into_iter().map(|v| v.id).collect::<Vec<_>>();
    assert_eq!(ids(read.policy_active_list().await.unwrap()), [two.clone(), three]);
    assert_eq!(ids(read.policy_list("sla", 10).await.unwrap()), [two, one]);
    assert_eq!(read.policy_active("none").await.unwrap(), None);
}

async fn settings_are_guarded(stage: Stage) {
    let mut txn = stage.db.write().await.unwrap();
    let first = txn.setting_save("zone", "Europe/Berlin", None).await.unwrap();
    assert!(matches!(txn.setting_save("zone", "UTC", None).await, Err(StoreError::Conflict { .. })));
    let second = txn.setting_save("zone", "UTC", Some(first)).await.unwrap();
    assert_eq!(second, Generation(2));
    assert!(matches!(txn.setting_save("zone", "x", Some(first)).await, Err(StoreError::Conflict { .. })));
    txn.setting_save("Area", "", None).await.unwrap();
    txn.commit().await.unwrap();
    let mut read = stage.db.read().await.unwrap();
    assert_eq!(read.setting_fetch("zone").await.unwrap().unwrap().value, "UTC");
    assert_eq!(read.setting_fetch("none").await.unwrap(), None);
    let keys: Vec<String> = read.setting_list().await.unwrap().into_iter().map(|(k, _)| k).collect();
    assert_eq!(keys, ["Area", "zone"]);
}

async fn the_outbox_delivers_what_was_committed(stage: Stage) {
    let mut txn = stage.db.write().await.unwrap();
    txn.outbox_append("lost", "{}", NOW);
    drop(txn);
    for n in 0..2 {
        let mut txn = stage.db.write().await.unwrap();
        txn.outbox_append("mail", format!("{{\"n\":{n}}}"), NOW);
        txn.outbox_append("hook", "{}", NOW);
        txn.commit().await.unwrap();
    }
    let pending = stage.db.read().await.unwrap().outbox_pending(10).await.unwrap();
    let seen: Vec<(u64, &str)> = pending.iter().map(|r| (r.id, r.topic.as_str())).collect();
    assert_eq!(seen, [(1, "mail"), (2, "hook"), (3, "mail"), (4, "hook")]);
    assert_eq!(pending[2].payload, "{\"n\":1}");

    let mut txn = stage.db.write().await.unwrap();
    assert_eq!(txn.outbox_delivered(&[1, 3, 99], after(1)).await.unwrap(), 2);
    assert_eq!(txn.outbox_delivered(&[1, 2], after(2)).await.unwrap(), 1, "delivered once");
    assert_eq!(txn.outbox_delivered(&[], after(2)).await.unwrap(), 0);
    assert_eq!(txn.outbox_prune(after(2)).await.unwrap(), 2);
    txn.commit().await.unwrap();
    let pending = stage.db.read().await.unwrap().outbox_pending(10).await.unwrap();
    assert_eq!(pending.iter().map(|r| r.id).collect::<Vec<_>>(), [4]);
}
