//! Stories of assets: records of inventories, sources of profile fields, sightings of machine digests.

use patchwright_domain::inventory::asset::{Field, Source, Sources, Standing};
use patchwright_store::StoredAsset;
use serde_json::json;

use crate::stage::{NOW, Stage, after, facts, id, on_every_engine};

on_every_engine!(an_import_replaces_its_own_records_only, sources_stay_with_their_host, a_machine_keeps_its_names,);

fn record(source: &str, name: &str, minutes: i64) -> StoredAsset {
    StoredAsset {
        source: source.to_owned(),
        name_key: name.to_owned(),
        content: json!({"keys": {"hostname": name}, "umlaut": "ü"}),
        imported_at: after(minutes),
    }
}

async fn an_import_replaces_its_own_records_only(stage: Stage) {
    let mut txn = stage.db.write().await.unwrap();
    txn.asset_records_replace("cmdb", &[record("cmdb", "a", 0), record("cmdb", "b", 0)]).await.unwrap();
    txn.asset_records_replace("ansible", &[record("ansible", "a", 1)]).await.unwrap();
    txn.asset_records_replace("cmdb", &[record("cmdb", "a", 2)]).await.unwrap();
    txn.commit().await.unwrap();
    let mut read = stage.db.read().await.unwrap();
    let all = read.asset_record_list().await.unwrap();
    assert_eq!(all, [record("ansible", "a", 1), record("cmdb", "a", 2)], "the oldest import first");
    let named = read.asset_record_by_name(&["a".to_owned(), "none".to_owned()]).await.unwrap();
    assert_eq!(named, all);
    drop(read);
    let mut txn = stage.db.write().await.unwrap();
    assert!(txn.asset_records_replace("x", &[record("x", "a", 0), record("x", "a", 0)]).await.is_err());
}

async fn sources_stay_with_their_host(stage: Stage) {
    let generation = stage.facts("1", None, NOW, &facts("web1", &["a=1"])).await.unwrap().generation;
    let said = Source { by: Standing::Import, who: "cmdb".to_owned(), at: NOW };
    let sources = Sources::from([(Field::Owner, said)]);
    let mut txn = stage.db.write().await.unwrap();
    txn.profile_sources_save(&id("1"), &Sources::new()).await.unwrap();
    txn.profile_sources_save(&id("1"), &sources).await.unwrap();
    txn.commit().await.unwrap();
    let ids = [id("1"), id("2")];
    let found = stage.db.read().await.unwrap().profile_sources_fetch(&ids).await.unwrap();
    assert_eq!(found, [(id("1"), sources.clone())]);
    let mut txn = stage.db.write().await.unwrap();
    assert!(txn.profile_sources_save(&id("2"), &sources).await.is_err(), "there is no such host");
    drop(txn);
    let mut txn = stage.db.write().await.unwrap();
    txn.host_delete(&id("1"), generation).await.unwrap();
    txn.commit().await.unwrap();
    assert!(stage.db.read().await.unwrap().profile_sources_fetch(&ids).await.unwrap().is_empty());
}

async fn a_machine_keeps_its_names(stage: Stage) {
    let mut txn = stage.db.write().await.unwrap();
    for (machine, name, minutes) in [("m", "a", 0), ("m", "b", 1), ("m", "a", 2), ("n", "c", 0)] {
        txn.sighting_save(machine, name, after(minutes)).await.unwrap();
    }
    txn.commit().await.unwrap();
    let mut read = stage.db.read().await.unwrap();
    let of = read.sightings_of("m").await.unwrap();
    let spans: Vec<_> = of.iter().map(|s| (s.hostname.as_str(), s.first, s.last)).collect();
    assert_eq!(spans, [("a", NOW, after(2)), ("b", after(1), after(1))]);
    assert_eq!(read.sightings_shared().await.unwrap(), of, "one name of one machine is no news");
    drop(read);
    // A report that arrives late is of its time: it moves the beginning, and not the end back.
    let mut txn = stage.db.write().await.unwrap();
    txn.sighting_save("m", "a", after(-5)).await.unwrap();
    txn.commit().await.unwrap();
    let of = stage.db.read().await.unwrap().sightings_of("m").await.unwrap();
    assert_eq!((of[0].first, of[0].last), (after(-5), after(2)));
}
