//! Stories of sources: what hosts install from, and decisions about it.

use patchwright_domain::inventory::Os;
use patchwright_domain::inventory::source::assessment::{Answers, Assessment, Observed, Verdict};
use patchwright_domain::inventory::source::{ConfiguredSource, SourceKey, SourceKind, Subject};
use patchwright_domain::time::Date;
use patchwright_store::{Generation, SourceContent, StoreError};

use crate::stage::{NOW, Stage, after, facts, id, on_every_engine};

on_every_engine!(
    sources_are_those_of_the_last_report_and_go_with_their_host,
    a_decision_is_guarded_and_never_forgotten,
);

fn content(uri: &str) -> SourceContent {
    SourceContent {
        os: Os::parse_short("debian:12").unwrap(),
        source: ConfiguredSource {
            key: SourceKey::new(SourceKind::Apt, uri, "bookworm", &["main".to_owned()]),
            origin: Some("Döcker".to_owned()),
            ..ConfiguredSource::default()
        },
    }
}

fn subject(uri: &str) -> Subject {
    Subject::Repository(content(uri).source.key)
}

async fn sources_are_those_of_the_last_report_and_go_with_their_host(stage: Stage) {
    let one = stage.facts("1", None, NOW, &facts("web1", &["a=1"])).await.unwrap().generation;
    stage.facts("2", None, NOW, &facts("web2", &["a=1"])).await.unwrap();
    let (a, b) = ("https://a.example", "https://b.example");
    let row = |uri: &str| (subject(uri).id(), content(uri));
    let mut txn = stage.db.write().await.unwrap();
    txn.host_sources_replace(&id("1"), &[row(a), row(b)], NOW).await.unwrap();
    txn.host_sources_replace(&id("2"), &[row(a)], NOW).await.unwrap();
    txn.host_sources_replace(&id("1"), &[row(a)], after(1)).await.unwrap();
    txn.commit().await.unwrap();
    let mut read = stage.db.read().await.unwrap();
    let of_a = read.host_source_of(&subject(a).id()).await.unwrap();
    let short: Vec<_> = of_a.iter().map(|s| (s.hostname.as_str(), s.seen_at, &s.content)).collect();
    assert_eq!(short, [("web1", after(1), &content(a)), ("web2", NOW, &content(a))]);
    assert_eq!(read.host_source_of(&subject(b).id()).await.unwrap(), []);
    assert_eq!(read.host_source_list().await.unwrap(), of_a);
    drop(read);
    let mut txn = stage.db.write().await.unwrap();
    assert!(txn.host_sources_replace(&id("3"), &[row(a)], NOW).await.is_err(), "there is no such host");
    drop(txn);
    let mut txn = stage.db.write().await.unwrap();
    txn.host_delete(&id("1"), one).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(stage.db.read().await.unwrap().host_source_list().await.unwrap().len(), 1);
}

async fn a_decision_is_guarded_and_never_forgotten(stage: Stage) {
    let subject = subject("https://a.example");
    let decided = Assessment {
        answers: Answers { publisher: "Ä".to_owned(), ..Answers::default() },
        verdict: Verdict::AcceptedWithConditions {
            review_by: Date::parse("2027-01-01").unwrap(),
            conditions: vec!["x".to_owned()],
        },
        reviewer: "r".to_owned(),
        reason: "why".to_owned(),
        decided_at: NOW,
        observed: Observed::default(),
    };
    let mut txn = stage.db.write().await.unwrap();
    assert_eq!(txn.source_assessment_save(&subject, Some(&decided), None).await.unwrap(), Generation::FIRST);
    txn.commit().await.unwrap();
    let mut txn = stage.db.write().await.unwrap();
    let first_again = txn.source_assessment_save(&subject, None, None).await.unwrap_err();
    assert!(matches!(first_again, StoreError::Conflict { .. }), "{first_again}");
    drop(txn);
    let mut txn = stage.db.write().await.unwrap();
    let old = txn.source_assessment_save(&subject, None, Some(Generation(7))).await.unwrap_err();
    assert!(matches!(old, StoreError::Conflict { .. }), "{old}");
    drop(txn);
    let found = stage.db.read().await.unwrap().source_assessment_fetch(&subject.id()).await.unwrap().unwrap();
    assert_eq!((found.assessment.as_ref(), &found.subject), (Some(&decided), &subject), "a conflict changed nothing");
    let mut txn = stage.db.write().await.unwrap();
    assert_eq!(txn.source_assessment_save(&subject, None, Some(found.generation)).await.unwrap(), Generation(2));
    txn.commit().await.unwrap();
    let list = stage.db.read().await.unwrap().source_assessment_list().await.unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!((list[0].assessment.as_ref(), list[0].generation), (None, Generation(2)), "withdrawn");
}
