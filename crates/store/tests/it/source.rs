//! Stories of sources: what hosts install from, and decisions about it.

use patchwright_domain::inventory::Os;
use patchwright_domain::inventory::source::assessment::{Answers, Assessment, Observed, Verdict};
use patchwright_domain::inventory::source::{ConfiguredSource, SourceKey, SourceKind, SourcePackage, Subject};
use patchwright_domain::time::Date;
use patchwright_store::{Generation, SourceContent, StoreError};

use crate::stage::{NOW, Stage, after, facts, id, on_every_engine};

on_every_engine!(
    sources_are_those_of_the_last_report_and_go_with_their_host,
    what_hosts_show_alike_is_read_once,
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

async fn what_hosts_show_alike_is_read_once(stage: Stage) {
    let uri = "https://a.example";
    let shown = |installed: Option<u32>, origin: &str, listed: usize| {
        let package =
            SourcePackage { name: "x".to_owned(), from_here: true, pending: true, ..SourcePackage::default() };
        let source = ConfiguredSource {
            installed,
            origin: Some(origin.to_owned()),
            packages: vec![package; listed],
            untold: vec![format!("{listed} are untold")],
            ..content(uri).source
        };
        [(subject(uri).id(), SourceContent { source, ..content(uri) })]
    };
    for (number, rows) in [shown(Some(3), "A", 1), shown(None, "A", 0), shown(None, "A", 2), shown(Some(0), "B", 0)]
        .into_iter()
        .enumerate()
    {
        let name = (number + 1).to_string();
        stage.facts(&name, None, NOW, &facts(&format!("web{name}"), &["a=1"])).await.unwrap();
        let mut txn = stage.db.write().await.unwrap();
        txn.host_sources_replace(&id(&name), &rows, NOW).await.unwrap();
        txn.commit().await.unwrap();
    }
    let sights = async || {
        let all = stage.db.read().await.unwrap().source_sight_list().await.unwrap();
        let mut short: Vec<_> = all
            .iter()
            .map(|s| (s.content.source.origin.clone().unwrap(), s.hosts, s.installed, s.pending, s.told))
            .collect();
        assert!(all.iter().all(|s| s.content.source.packages.is_empty() && s.content.source.untold.is_empty()));
        short.sort();
        short
    };
    let wanted = [("A".to_owned(), 3, 5, 3, 2), ("B".to_owned(), 1, 0, 0, 1)];
    assert_eq!(sights().await, wanted);
    // A row that an older program wrote counts by its content.
    stage.raw("UPDATE host_source SET sight_id = NULL, installed = 0, pending = 0, told = 0").await;
    let found = sights().await;
    assert_eq!(found.len(), 4, "{found:?}");
    assert_eq!(
        found.iter().map(|s| (s.1, s.2, s.3, s.4)).fold((0, 0, 0, 0), |a, b| (
            a.0 + b.0,
            a.1 + b.1,
            a.2 + b.2,
            a.3 + b.3
        )),
        (4, 5, 3, 3)
    );
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
