//! Stories of the audit trail: it grows with what was done, and nobody changes it unseen.

use patchwright_domain::audit::{Anchor, BreakKind, ChainHead};
use patchwright_store::{Db, StoreError};
use serde_json::json;

use crate::stage::{NOW, Stage, entry, facts, on_every_engine};

on_every_engine!(
    records_are_written_with_what_they_tell_of,
    a_record_without_canonical_form_stops_the_whole_transaction,
    tampering_in_the_database_is_found,
    a_long_trail_verifies_in_pages,
    a_trail_without_its_last_row_says_what_to_do,
);

async fn append(db: &Db, records: u32) {
    let mut txn = db.write().await.unwrap();
    for n in 0..records {
        txn.audit_append(entry("test.write", &format!("obj_{n}")));
    }
    txn.commit().await.unwrap();
}

async fn records_are_written_with_what_they_tell_of(stage: Stage) {
    let mut read = stage.db.read().await.unwrap();
    assert_eq!(
        read.audit_head().await.unwrap(),
        ChainHead::empty(),
        "the migration starts the chain where the rules do"
    );
    assert_eq!(read.audit_verify(None).await.unwrap().head, ChainHead::empty());
    drop(read);

    append(&stage.db, 2).await;
    let mut dropped = stage.db.write().await.unwrap();
    dropped.audit_append(entry("never", "x"));
    drop(dropped);
    append(&stage.db, 1).await;

    let mut read = stage.db.read().await.unwrap();
    let records = read.audit_list(0, 10).await.unwrap();
    assert_eq!(records.iter().map(|r| r.seq).collect::<Vec<_>>(), [1, 2, 3]);
    let first = records[0].record().unwrap();
    assert_eq!((first.action.as_str(), first.object.as_str(), first.at), ("test.write", "obj_0", NOW));
    assert_eq!(first.reason.as_deref(), Some("because \u{1f600}"));
    let head = read.audit_verify(None).await.unwrap().head;
    assert_eq!(head, records[2].head());
    assert_eq!(read.audit_head().await.unwrap(), head);
    let newest: Vec<u64> = read.audit_list_latest(None, 2).await.unwrap().iter().map(|r| r.seq).collect();
    assert_eq!(newest, [3, 2]);
    assert_eq!(read.audit_list_latest(Some(2), 10).await.unwrap().len(), 1);
    assert_eq!(read.audit_list(2, 10).await.unwrap().len(), 1);
    let anchor = Anchor::new(records[1].head(), NOW);
    assert!(read.audit_verify(Some(&anchor)).await.is_ok());
}

async fn a_trail_without_its_last_row_says_what_to_do(stage: Stage) {
    append(&stage.db, 2).await;
    stage.raw("DELETE FROM audit_head").await;
    let error = stage.db.read().await.unwrap().audit_verify(None).await.unwrap_err();
    assert!(matches!(error, StoreError::AuditHeadGone), "{error}");
    assert!(error.hint().unwrap().contains("audit verify --anchor"), "{error}");
    let mut txn = stage.db.write().await.unwrap();
    txn.audit_append(entry("test.write", "x"));
    assert!(
        matches!(txn.commit().await, Err(StoreError::AuditHeadGone)),
        "nothing is written behind a trail that is lost"
    );
}

async fn a_record_without_canonical_form_stops_the_whole_transaction(stage: Stage) {
    append(&stage.db, 1).await;
    let mut txn = stage.db.write().await.unwrap();
    txn.setting_save("key", "value", None).await.unwrap();
    txn.outbox_append("mail", "{}", NOW);
    let mut bad = entry("test.write", "x");
    bad.detail = json!({"score": 9.8});
    txn.audit_append(entry("good", "x"));
    txn.audit_append(bad);
    let error = txn.commit().await.unwrap_err();
    assert!(matches!(error, StoreError::AuditEntry(_)), "{error}");

    let mut read = stage.db.read().await.unwrap();
    assert_eq!(read.setting_fetch("key").await.unwrap(), None);
    assert_eq!(read.outbox_pending(10).await.unwrap(), vec![]);
    assert_eq!(read.audit_verify(None).await.unwrap().head.seq, 1);
}

async fn tampering_in_the_database_is_found(stage: Stage) {
    append(&stage.db, 6).await;
    let anchor = Anchor::new(stage.db.read().await.unwrap().audit_head().await.unwrap(), NOW);
    stage.raw("CREATE TABLE kept AS SELECT * FROM audit; CREATE TABLE kept_head AS SELECT * FROM audit_head").await;
    let restore = "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept; \
        DELETE FROM audit_head; INSERT INTO audit_head SELECT * FROM kept_head";
    // What is done, where it is found, whether an anchor is needed to find it.
    let cases = [
        ("UPDATE audit SET record = REPLACE(record, 'obj_2', 'obj_9') WHERE seq = 3", 3, false),
        ("UPDATE audit SET record = REPLACE(record, ',\"seq\":', ', \"seq\":') WHERE seq = 2", 2, false),
        ("UPDATE audit SET record = 'gone' WHERE seq = 4", 4, false),
        ("UPDATE audit SET hash = (SELECT hash FROM kept WHERE seq = 1) WHERE seq = 5", 5, false),
        ("DELETE FROM audit WHERE seq = 1", 1, false),
        ("DELETE FROM audit WHERE seq = 4", 4, false),
        (
            "UPDATE audit SET record = (SELECT k.record FROM kept k WHERE k.seq = 7 - audit.seq), hash = (SELECT k.hash FROM kept k WHERE k.seq = 7 - audit.seq)",
            1,
            false,
        ),
        ("INSERT INTO audit SELECT seq + 7, hash, record FROM kept WHERE seq = 1", 7, false),
        (
            "DELETE FROM audit WHERE seq > 4; UPDATE audit_head SET seq = 4, hash = (SELECT hash FROM kept WHERE seq = 4)",
            6,
            true,
        ),
        (
            "DELETE FROM audit; UPDATE audit_head SET seq = 0, hash = 'f0193460953d6d94230633c88de9948d08e3e156ba0f631f0e7c23a8383bf3e6'",
            6,
            true,
        ),
    ];
    for (sql, at, needs_anchor) in cases {
        stage.raw(sql).await;
        let mut read = stage.db.read().await.unwrap();
        assert_eq!(read.audit_verify(None).await.is_ok(), needs_anchor, "{sql}");
        match read.audit_verify(Some(&anchor)).await {
            Err(StoreError::AuditBroken(broken)) => assert_eq!(broken.seq, at, "{sql}: {broken}"),
            other => panic!("{sql}: {other:?}"),
        }
        drop(read);
        stage.raw(restore).await;
        assert!(stage.db.read().await.unwrap().audit_verify(Some(&anchor)).await.is_ok());
    }
    // Cut off without touching the head row: the head row itself gives it away.
    stage.raw("DELETE FROM audit WHERE seq > 4").await;
    let error = stage.db.read().await.unwrap().audit_verify(None).await.unwrap_err();
    assert!(matches!(error, StoreError::AuditHead { chain: 4, head: 6 }) && error.hint().is_some(), "{error}");
    match stage.db.read().await.unwrap().audit_verify(Some(&anchor)).await {
        Err(StoreError::AuditBroken(broken)) => {
            assert_eq!(broken.what, BreakKind::Truncated { last: 4 })
        }
        other => panic!("{other:?}"),
    }
}

async fn a_long_trail_verifies_in_pages(stage: Stage) {
    append(&stage.db, 1_500).await;
    append(&stage.db, 1_000).await;
    let mut txn = stage.db.write().await.unwrap();
    txn.audit_append(entry("host.import", "hst_1"));
    txn.host_upsert_facts(&patchwright_store::FactsWrite {
        id: &crate::stage::id("1"),
        expected: None,
        at: NOW,
        facts: &facts("web1", &["a=1"]),
        profile: &patchwright_domain::decision::profile::AssetProfile::default(),
    })
    .await
    .unwrap();
    txn.commit().await.unwrap();
    let head = stage.db.read().await.unwrap().audit_verify(None).await.unwrap().head;
    assert_eq!(head.seq, 2_501);
    stage.raw("UPDATE audit SET record = REPLACE(record, 'usr_1', 'usr_2') WHERE seq = 2001").await;
    match stage.db.read().await.unwrap().audit_verify(None).await {
        Err(StoreError::AuditBroken(broken)) => {
            assert_eq!((broken.seq, broken.what), (2_001, BreakKind::Hash))
        }
        other => panic!("{other:?}"),
    }
}
