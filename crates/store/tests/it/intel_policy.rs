//! Stories of the activation log, policy versions, settings and the outbox.

use patchwright_domain::ids::PolicyId;
use patchwright_store::{Generation, PolicyVersion, StoreError};

use crate::stage::{NOW, Stage, after, on_every_engine};

on_every_engine!(
    the_activation_log_says_what_was_known_when,
    one_policy_of_a_kind_is_in_force,
    settings_are_guarded,
    the_outbox_delivers_what_was_committed,
);

async fn the_activation_log_says_what_was_known_when(stage: Stage) {
    assert_eq!(stage.db.read().await.unwrap().intel_activation_latest().await.unwrap(), None);
    for (n, at) in [(1, NOW), (2, after(10)), (3, after(5))] {
        let mut txn = stage.db.write().await.unwrap();
        assert_eq!(txn.intel_activation_append(&format!("snap{n}"), "starter", at).await.unwrap(), n);
        txn.commit().await.unwrap();
    }
    // A transaction that is not committed leaves no gap.
    let mut txn = stage.db.write().await.unwrap();
    assert_eq!(txn.intel_activation_append("never", "", NOW).await.unwrap(), 4);
    drop(txn);
    let mut txn = stage.db.write().await.unwrap();
    assert_eq!(txn.intel_activation_append("snap4", "", after(20)).await.unwrap(), 4);
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
