//! Stories of several writers and readers at once.

use patchwright_domain::decision::profile::AssetProfile;
use patchwright_store::{Activation, Db, FactsWrite, Generation, StoreError};
use tokio::task::JoinSet;

use crate::stage::{NOW, Stage, after, entry, facts, id, on_every_engine};

on_every_engine!(
    of_two_that_change_one_row_one_is_told,
    no_audit_record_is_lost_between_writers,
    a_reader_sees_one_moment,
    a_writer_sees_what_the_one_before_did,
    what_is_not_committed_never_happened,
    a_counter_that_everybody_raises_loses_nothing,
);

async fn of_two_that_change_one_row_one_is_told(stage: Stage) {
    stage.facts("1", None, NOW, &facts("web1", &["a=1"])).await.unwrap();
    let other = stage.again().await;
    let mut writers = JoinSet::new();
    for (n, db) in [stage.db.clone(), other.clone(), stage.db.clone(), other.clone()].into_iter().enumerate() {
        writers.spawn(async move {
            let mut txn = db.write().await?;
            let seen = facts("web1", &[&format!("a={n}0")]);
            let saved = txn
                .host_upsert_facts(&FactsWrite {
                    id: &id("1"),
                    expected: Some(Generation::FIRST),
                    at: after(1),
                    facts: &seen,
                    profile: &AssetProfile::default(),
                })
                .await?;
            txn.audit_append(entry("host.import", "hst_1"));
            txn.commit().await?;
            Ok::<_, StoreError>(saved)
        });
    }
    let results = writers.join_all().await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 3));
    for result in lost {
        assert!(matches!(result, Err(StoreError::Conflict { .. })), "{result:?}");
    }
    let mut read = stage.db.read().await.unwrap();
    let host = read.host_fetch(&id("1")).await.unwrap().unwrap();
    assert_eq!(host.generation, Generation(2));
    assert_eq!(host.set_hash, won[0].as_ref().unwrap().set_hash);
    assert_eq!(read.audit_head().await.unwrap().seq, 1, "who lost left no record either");
    drop(read);
    other.close().await;
}

async fn no_audit_record_is_lost_between_writers(stage: Stage) {
    const WRITERS: u64 = 24;
    let other = stage.again().await;
    let mut writers = JoinSet::new();
    for n in 0..WRITERS {
        let db = if n % 2 == 0 { stage.db.clone() } else { other.clone() };
        writers.spawn(async move {
            let mut txn = db.write().await.unwrap();
            txn.setting_save(&format!("key{n}"), "x", None).await.unwrap();
            txn.audit_append(entry("setting.edit", &format!("key{n}")));
            txn.audit_append(entry("setting.check", &format!("key{n}")));
            txn.outbox_append("changed", "{}", NOW);
            txn.commit().await.unwrap();
        });
    }
    writers.join_all().await;
    let mut read = stage.db.read().await.unwrap();
    assert_eq!(read.audit_verify(None).await.unwrap().head.seq, 2 * WRITERS);
    let ids: Vec<u64> = read.outbox_pending(1000).await.unwrap().into_iter().map(|r| r.id).collect();
    assert_eq!(ids, (1..=WRITERS).collect::<Vec<_>>());
    for pair in read.audit_list(0, 1000).await.unwrap().chunks(2) {
        let [one, two] = [pair[0].record().unwrap(), pair[1].record().unwrap()];
        assert_eq!(one.object, two.object, "records of one transaction stay together");
    }
    drop(read);
    other.close().await;
}

async fn a_reader_sees_one_moment(stage: Stage) {
    stage.facts("1", None, NOW, &facts("web1", &["a=1"])).await.unwrap();
    let mut before = stage.db.read().await.unwrap();
    assert!(before.host_fetch(&id("1")).await.unwrap().is_some());
    stage.facts("2", None, NOW, &facts("web2", &["a=1"])).await.unwrap();
    assert_eq!(before.host_fetch(&id("2")).await.unwrap(), None, "the moment of the first look");
    drop(before);
    let mut now = stage.db.read().await.unwrap();
    assert!(now.host_fetch(&id("2")).await.unwrap().is_some());
}

async fn set(db: &Db, value: &str, expected: Option<Generation>) -> Result<Generation, StoreError> {
    let mut txn = db.write().await?;
    let generation = txn.setting_save("key", value, expected).await?;
    txn.commit().await?;
    Ok(generation)
}

async fn a_writer_sees_what_the_one_before_did(stage: Stage) {
    let first = set(&stage.db, "one", None).await.unwrap();
    let mut txn = stage.db.write().await.unwrap();
    let second = txn.setting_save("key", "two", Some(first)).await.unwrap();
    assert_eq!(txn.setting_fetch("key").await.unwrap().unwrap().value, "two", "its own change");
    let waiting = {
        let db = stage.db.clone();
        tokio::spawn(async move { set(&db, "three", Some(second)).await })
    };
    let mut read = stage.db.read().await.unwrap();
    assert_eq!(read.setting_fetch("key").await.unwrap().unwrap().value, "one", "nobody else sees it yet");
    drop(read);
    txn.commit().await.unwrap();
    // On PostgreSQL the second writer may have looked before the commit; then it is told, and does it again.
    let done = match waiting.await.unwrap() {
        Err(StoreError::Conflict { .. }) => set(&stage.db, "three", Some(second)).await,
        other => other,
    };
    assert_eq!(done.unwrap(), second.next());
    assert_eq!(stage.db.read().await.unwrap().setting_fetch("key").await.unwrap().unwrap().value, "three");
}

async fn what_is_not_committed_never_happened(stage: Stage) {
    // A transaction given up after each number of its statements, as by a request that went away.
    for statements in 0..4 {
        let mut txn = stage.db.write().await.unwrap();
        if statements > 0 {
            txn.host_upsert_facts(&FactsWrite {
                id: &id("1"),
                expected: None,
                at: NOW,
                facts: &facts("web1", &["a=1"]),
                profile: &AssetProfile::default(),
            })
            .await
            .unwrap();
        }
        if statements > 1 {
            txn.setting_save("key", "x", None).await.unwrap();
        }
        if statements > 2 {
            txn.intel_activation_append(&Activation {
                snapshot_id: "snap".to_owned(),
                at: NOW,
                ..Activation::default()
            })
            .await
            .unwrap();
        }
        txn.audit_append(entry("host.import", "hst_1"));
        txn.outbox_append("changed", "{}", NOW);
        drop(txn);
        let mut read = stage.db.read().await.unwrap();
        assert_eq!(read.host_fetch(&id("1")).await.unwrap(), None);
        assert_eq!(read.setting_fetch("key").await.unwrap(), None);
        assert_eq!(read.intel_activation_latest().await.unwrap(), None);
        assert_eq!(read.audit_head().await.unwrap().seq, 0);
        assert_eq!(read.outbox_pending(10).await.unwrap(), vec![]);
    }
    // The connection is whole afterwards.
    stage.facts("1", None, NOW, &facts("web1", &["a=1"])).await.unwrap();
}

async fn a_counter_that_everybody_raises_loses_nothing(stage: Stage) {
    set(&stage.db, "0", None).await.unwrap();
    let other = stage.again().await;
    let mut writers = JoinSet::new();
    for n in 0..6 {
        let db = if n % 2 == 0 { stage.db.clone() } else { other.clone() };
        writers.spawn(async move {
            for _ in 0..10 {
                loop {
                    let seen = db.read().await.unwrap().setting_fetch("key").await.unwrap().unwrap();
                    let next = (seen.value.parse::<u32>().unwrap() + 1).to_string();
                    match set(&db, &next, Some(seen.generation)).await {
                        Ok(_) => break,
                        Err(StoreError::Conflict { .. }) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
            }
        });
    }
    writers.join_all().await;
    let seen = stage.db.read().await.unwrap().setting_fetch("key").await.unwrap().unwrap();
    assert_eq!((seen.value.as_str(), seen.generation), ("60", Generation(61)));
    other.close().await;
}
