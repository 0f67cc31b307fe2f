//! Stories of feeds: state, runs, problems.

use patchwright_domain::ids::FeedRunId;
use patchwright_store::{FeedOutcome, FeedRun, FeedState, FoundProblem, Generation, Shrink, StoreError};
use serde_json::json;

use crate::stage::{NOW, Stage, after, on_every_engine};

on_every_engine!(a_feed_keeps_its_state, a_run_ends_once, problems_are_counted_not_repeated);

async fn a_feed_keeps_its_state(stage: Stage) {
    let mut txn = stage.db.write().await.unwrap();
    txn.feed_insert("epss", &json!({"url": "https://e.example"})).await.unwrap();
    txn.feed_insert("cisa-kev", &json!({})).await.unwrap();
    let state = FeedState {
        last_attempt: Some(after(1)),
        last_success: Some(NOW),
        etag: Some("\"x\"".to_owned()),
        last_modified: Some("Fri, 20 Nov 2026 00:00:00 GMT".to_owned()),
        records: 10,
        problems: 2,
        bytes: 5_000_000_000,
        error: Some("timed out".to_owned()),
        sha256: Some("ab".to_owned()),
        shrink: Shrink::Refused { from: 10, to: 1 },
    };
    let generation = txn.feed_state_save("epss", &state, Generation::FIRST).await.unwrap();
    let generation = txn.feed_config_save("epss", &json!({"url": "file:///mirror"}), generation).await.unwrap();
    txn.commit().await.unwrap();

    let mut read = stage.db.read().await.unwrap();
    let feed = read.feed_fetch("epss").await.unwrap().unwrap();
    assert_eq!((feed.state, feed.generation), (state, generation));
    assert_eq!(feed.config, json!({"url": "file:///mirror"}));
    let ids: Vec<String> = read.feed_list().await.unwrap().into_iter().map(|f| f.id).collect();
    assert_eq!(ids, ["cisa-kev", "epss"]);
    assert_eq!(read.feed_fetch("cisa-kev").await.unwrap().unwrap().state, FeedState::default());
    assert_eq!(read.feed_fetch("none").await.unwrap(), None);
    drop(read);

    let mut txn = stage.db.write().await.unwrap();
    let accepted = FeedState { shrink: Shrink::Accepted { from: 10, to: 1 }, ..FeedState::default() };
    for conflict in [
        txn.feed_state_save("epss", &accepted, Generation::FIRST).await.map(|_| ()),
        txn.feed_config_save("epss", &json!({}), Generation::FIRST).await.map(|_| ()),
        txn.feed_delete("epss", Generation::FIRST).await,
    ] {
        assert!(matches!(conflict, Err(StoreError::Conflict { what: "feed", .. })));
    }
    txn.feed_state_save("epss", &accepted, generation).await.unwrap();
    txn.commit().await.unwrap();
    let feed = stage.db.read().await.unwrap().feed_fetch("epss").await.unwrap().unwrap();
    assert_eq!(feed.state, accepted);

    let mut txn = stage.db.write().await.unwrap();
    let error = txn.feed_insert("epss", &json!({})).await.unwrap_err();
    assert!(matches!(error, StoreError::Duplicate { .. }), "{error}");
}

async fn a_run_ends_once(stage: Stage) {
    let run = FeedRunId::from_unique("1");
    let mut txn = stage.db.write().await.unwrap();
    txn.feed_insert("kev", &json!({})).await.unwrap();
    txn.feed_run_insert(&run, "kev", NOW).await.unwrap();
    txn.feed_run_insert(&FeedRunId::from_unique("2"), "kev", after(5)).await.unwrap();
    txn.commit().await.unwrap();
    let ended = FeedRun {
        id: run.clone(),
        feed: "kev".to_owned(),
        started: NOW,
        finished: Some(after(1)),
        outcome: FeedOutcome::Loaded,
        records: 3,
        problems: 1,
        bytes: 100,
        sha256: Some("ab".to_owned()),
        error: None,
    };
    let mut txn = stage.db.write().await.unwrap();
    txn.feed_run_finish(&ended, after(1)).await.unwrap();
    let again = txn.feed_run_finish(&ended, after(2)).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })));
    txn.commit().await.unwrap();

    let mut read = stage.db.read().await.unwrap();
    let runs = read.feed_run_list("kev", 10).await.unwrap();
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[1], ended);
    assert_eq!(runs[0].outcome, FeedOutcome::Running);
    assert_eq!(read.feed_run_unfinished().await.unwrap(), vec![runs[0].clone()]);
    drop(read);

    let mut txn = stage.db.write().await.unwrap();
    assert_eq!(txn.feed_run_prune(after(60)).await.unwrap(), 1, "a run that has not ended is kept");
    let error = txn.feed_run_insert(&FeedRunId::from_unique("3"), "none", NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::Dangling { .. }), "{error}");
}

async fn problems_are_counted_not_repeated(stage: Stage) {
    let problem = |what: &str, excerpt: &str| FoundProblem { what: what.to_owned(), excerpt: excerpt.to_owned() };
    let mut txn = stage.db.write().await.unwrap();
    txn.feed_insert("kev", &json!({})).await.unwrap();
    let first = [problem("no id", "{\"a\":1\0}"), problem("no id", "{\"a\":1\0}"), problem("bad date", "x")];
    txn.feed_problem_save("kev", NOW, &first).await.unwrap();
    txn.feed_problem_save("kev", after(10), &first[..1]).await.unwrap();
    txn.feed_problem_save("kev", after(10), &[]).await.unwrap();
    txn.commit().await.unwrap();

    let mut read = stage.db.read().await.unwrap();
    let all = read.feed_problem_list("kev", NOW, 10).await.unwrap();
    let seen: Vec<(&str, &str, u64)> = all.iter().map(|p| (p.what.as_str(), p.excerpt.as_str(), p.seen)).collect();
    assert_eq!(seen, [("no id", "{\"a\":1\u{fffd}}", 3), ("bad date", "x", 1)]);
    assert_eq!((all[0].at, all[0].last_at), (NOW, after(10)));
    assert_eq!(
        read.feed_problem_list("kev", after(10), 10).await.unwrap().len(),
        1,
        "the others are gone from the source"
    );
    drop(read);

    let mut txn = stage.db.write().await.unwrap();
    assert_eq!(txn.feed_problem_prune("kev", after(10)).await.unwrap(), 1);
    let many: Vec<FoundProblem> = (0..1_300).map(|n| problem("broken", &n.to_string())).collect();
    txn.feed_problem_save("kev", after(20), &many).await.unwrap();
    assert_eq!(txn.feed_problem_list("kev", after(20), 5_000).await.unwrap().len(), 1_300);
}
