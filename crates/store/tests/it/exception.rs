//! Stories of decisions about findings: exceptions, and what is said to be not affected.

use patchwright_domain::decision::policy::Urgency;
use patchwright_domain::exposure::vex::Justification;
use patchwright_domain::governance::Party;
use patchwright_domain::governance::coverage::{Coverage, Listed};
use patchwright_domain::governance::exception::{Accounts, Counts, Exception, ExceptionPolicy, Plea, Standing};
use patchwright_domain::governance::not_affected::{Claim, NotAffected};
use patchwright_domain::ids::{ExceptionId, StatementId};
use patchwright_domain::time::Date;
use patchwright_store::{Generation, StoreError};

use crate::stage::{NOW, Stage, after, entry, facts, id, on_every_engine};

on_every_engine!(
    an_exception_moves_step_by_step_and_is_guarded,
    only_what_holds_is_in_force,
    a_statement_is_kept_and_taken_back,
    what_a_decision_covers_outlives_its_hosts,
);

fn who(name: &str) -> Party {
    Party { word: format!("usr_{name}"), name: format!("Ä {name}") }
}

fn covers() -> Coverage {
    Coverage::of(vec![Listed {
        ecosystem: "Debian:12".to_owned(),
        package: "openssl".to_owned(),
        version: None,
        vulns: vec!["CVE-2026-1".to_owned(), "CVE-2026-2".to_owned()],
        hosts: vec![id("1"), id("2"), id("4")],
    }])
}

fn exception(no: &str, until: &str) -> Exception {
    let plea = Plea {
        title: "openssl on 2 hosts".to_owned(),
        question: "source:openssl \"x\"".to_owned(),
        draft: Some("exc_aa".to_owned()),
        renews: None,
        reason: "later\nline".to_owned(),
        measure: None,
        until: Date::parse(until).unwrap(),
        by: who("ann"),
        at: NOW,
        worst: Urgency::Medium,
        counts: Counts { findings: 6, hosts: 3, vulns: 2 },
    };
    Exception::request(ExceptionId::from_unique(no), plea, &ExceptionPolicy::default()).unwrap()
}

fn approved(e: Exception) -> Exception {
    e.approve(who("bob"), "fine", Accounts::Several, Urgency::Low, &ExceptionPolicy::default(), NOW).unwrap()
}

async fn an_exception_moves_step_by_step_and_is_guarded(stage: Stage) {
    let first = exception("01", "2026-12-20");
    let mut txn = stage.db.write().await.unwrap();
    txn.exception_insert(&first, &covers()).await.unwrap();
    txn.audit_append(entry("exception.request", "exc_01"));
    txn.commit().await.unwrap();
    let mut txn = stage.db.write().await.unwrap();
    let twice = txn.exception_insert(&first, &covers()).await.unwrap_err();
    assert!(matches!(twice, StoreError::Duplicate { .. }), "{twice}");
    drop(txn);

    let mut read = stage.db.read().await.unwrap();
    let found = read.exception_fetch(first.id()).await.unwrap().unwrap();
    assert_eq!((&found.exception, found.generation), (&first, Generation::FIRST));
    assert_eq!(read.exception_coverage(first.id()).await.unwrap().unwrap(), covers());
    assert_eq!(read.exception_fetch(&ExceptionId::from_unique("99")).await.unwrap(), None);
    assert_eq!(read.exception_coverage(&ExceptionId::from_unique("99")).await.unwrap(), None);
    drop(read);

    // Two people decide at once: the second saw what is no longer there, and nothing of it is kept, its audit record neither.
    let refused = first.clone().refuse(who("eve"), "no", NOW).unwrap();
    let next = approved(first.clone());
    let mut txn = stage.db.write().await.unwrap();
    assert_eq!(txn.exception_save(&next, found.generation).await.unwrap(), Generation(2));
    txn.audit_append(entry("exception.approve", "exc_01"));
    txn.commit().await.unwrap();
    let mut txn = stage.db.write().await.unwrap();
    txn.audit_append(entry("exception.refuse", "exc_01"));
    let late = txn.exception_save(&refused, found.generation).await.unwrap_err();
    assert!(matches!(late, StoreError::Conflict { .. }), "{late}");
    drop(txn);
    let mut read = stage.db.read().await.unwrap();
    let now = read.exception_fetch(first.id()).await.unwrap().unwrap();
    assert_eq!((&now.exception, now.generation), (&next, Generation(2)));
    assert_eq!(read.audit_head().await.unwrap().seq, 2);
    assert_eq!(read.exception_coverage(first.id()).await.unwrap().unwrap(), covers(), "it does not change");
}

async fn only_what_holds_is_in_force(stage: Stage) {
    let day = 24 * 60;
    let mut txn = stage.db.write().await.unwrap();
    for (no, until, approve) in [
        ("01", "2026-11-21", true),
        ("02", "2026-12-20", true),
        ("03", "2026-12-20", false),
        ("04", "2026-11-20", false),
    ] {
        let e = exception(no, until);
        txn.exception_insert(&e, &covers()).await.unwrap();
        if approve {
            txn.exception_save(&approved(e), Generation::FIRST).await.unwrap();
        }
    }
    txn.commit().await.unwrap();
    let ids = |list: &[patchwright_store::StoredException]| -> Vec<String> {
        list.iter().map(|s| s.exception.id().to_string()).collect()
    };
    let mut read = stage.db.read().await.unwrap();
    assert_eq!(
        ids(&read.exception_list().await.unwrap()),
        ["exc_04", "exc_03", "exc_02", "exc_01"],
        "the latest first"
    );
    assert_eq!(ids(&read.exception_in_force(NOW).await.unwrap()), ["exc_02", "exc_01"]);
    // NOW is the first instant of 2026-11-20: the last day of a decision belongs to it.
    assert_eq!(ids(&read.exception_in_force(after(2 * day - 1)).await.unwrap()), ["exc_02", "exc_01"]);
    assert_eq!(ids(&read.exception_in_force(after(2 * day)).await.unwrap()), ["exc_02"]);
    assert_eq!(ids(&read.exception_over(after(2 * day)).await.unwrap()), ["exc_01", "exc_04"]);
    let over = read.exception_over(after(2 * day)).await.unwrap().remove(0);
    drop(read);
    let noted = over.exception.expire(after(2 * day)).unwrap();
    let mut txn = stage.db.write().await.unwrap();
    txn.exception_save(&noted, over.generation).await.unwrap();
    txn.commit().await.unwrap();
    let mut read = stage.db.read().await.unwrap();
    assert_eq!(ids(&read.exception_over(after(2 * day)).await.unwrap()), ["exc_04"]);
    let found = read.exception_fetch(noted.id()).await.unwrap().unwrap();
    assert_eq!(found.exception.standing(NOW), Standing::Expired, "what was noted stays");
}

async fn a_statement_is_kept_and_taken_back(stage: Stage) {
    let claim = Claim {
        title: "openssl on 2 hosts".to_owned(),
        question: "cve:CVE-2026-1".to_owned(),
        justification: Justification::VulnerableCodeNotPresent,
        reason: "built without it".to_owned(),
        by: who("sara"),
        at: NOW,
        review_by: Date::parse("2027-05-01").unwrap(),
        counts: Counts { findings: 6, hosts: 3, vulns: 2 },
    };
    let said = NotAffected::state_it(StatementId::from_unique("01"), claim, &covers()).unwrap();
    let mut txn = stage.db.write().await.unwrap();
    txn.not_affected_insert(&said, &covers()).await.unwrap();
    txn.commit().await.unwrap();
    let mut read = stage.db.read().await.unwrap();
    let found = read.not_affected_fetch(said.id()).await.unwrap().unwrap();
    assert_eq!((&found.decision, found.generation), (&said, Generation::FIRST));
    assert_eq!(read.not_affected_coverage(said.id()).await.unwrap().unwrap(), covers());
    assert_eq!(read.not_affected_in_force(NOW).await.unwrap(), std::slice::from_ref(&found));
    assert_eq!(read.not_affected_in_force(said.ends()).await.unwrap(), [], "after its review date");
    drop(read);
    let back = said.clone().withdraw(who("bob"), "wrong", NOW).unwrap();
    for (generation, good) in [(Generation(7), false), (Generation::FIRST, true), (Generation::FIRST, false)] {
        let mut txn = stage.db.write().await.unwrap();
        let saved = txn.not_affected_save(&back, generation).await;
        assert_eq!(saved.is_ok(), good, "{saved:?}");
        if good {
            txn.commit().await.unwrap();
        }
    }
    let mut read = stage.db.read().await.unwrap();
    assert_eq!(read.not_affected_in_force(NOW).await.unwrap(), []);
    assert_eq!(read.not_affected_list().await.unwrap()[0].decision, back);
}

async fn what_a_decision_covers_outlives_its_hosts(stage: Stage) {
    let facts = facts("web1", &["a=1"]);
    let one = stage.facts("1", None, NOW, &facts).await.unwrap().generation;
    let mut txn = stage.db.write().await.unwrap();
    txn.exception_insert(&exception("01", "2026-12-20"), &covers()).await.unwrap();
    txn.host_delete(&id("1"), one).await.unwrap();
    txn.commit().await.unwrap();
    let mut read = stage.db.read().await.unwrap();
    assert_eq!(read.exception_coverage(&ExceptionId::from_unique("01")).await.unwrap().unwrap(), covers());
}
