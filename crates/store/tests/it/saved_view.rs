//! Stories of saved views: one name per owner, gone with the owner, nobody else's.

use patchwright_domain::access::{Role, Scope};
use patchwright_domain::ids::{UserId, ViewId};
use patchwright_store::{NewUser, SavedView, StoreError};

use crate::stage::{NOW, Stage, after, on_every_engine};

on_every_engine!(a_name_is_taken_once_per_owner, a_view_belongs_to_its_owner, a_view_is_of_a_known_grouping,);

async fn owner(stage: &Stage, name: &str) -> UserId {
    let id = UserId::from_unique(name);
    let mut txn = stage.db.write().await.unwrap();
    txn.user_insert(&NewUser {
        id: id.clone(),
        name: name.to_owned(),
        password_hash: None,
        role: Role::Viewer,
        scope: Scope::All,
        created: NOW,
    })
    .await
    .unwrap();
    txn.commit().await.unwrap();
    id
}

fn view(owner: &UserId, id: &str, name: &str) -> SavedView {
    SavedView {
        id: ViewId::from_unique(id),
        owner: owner.clone(),
        name: name.to_owned(),
        query: "is:kev and zone:\"größte, Zone\"".to_owned(),
        grouped: "host".to_owned(),
        sorted: "-findings".to_owned(),
        created: after(1),
    }
}

async fn save(stage: &Stage, view: &SavedView) -> Result<(), StoreError> {
    let mut txn = stage.db.write().await?;
    txn.saved_view_insert(view).await?;
    txn.commit().await?;
    Ok(())
}

async fn a_name_is_taken_once_per_owner(stage: Stage) {
    let (ann, bob) = (owner(&stage, "ann").await, owner(&stage, "bob").await);
    save(&stage, &view(&ann, "1", "Mine")).await.unwrap();
    let again = save(&stage, &view(&ann, "2", "mINE")).await.unwrap_err();
    assert!(matches!(again, StoreError::Duplicate { .. }), "{again}");
    save(&stage, &view(&bob, "3", "Mine")).await.unwrap();
    save(&stage, &SavedView { created: after(0), ..view(&ann, "4", "Earlier") }).await.unwrap();
    let mut read = stage.db.read().await.unwrap();
    let names: Vec<String> = read.saved_view_list(&ann).await.unwrap().into_iter().map(|v| v.name).collect();
    assert_eq!(names, ["Earlier", "Mine"]);
    let found = read.saved_view_fetch(&ViewId::from_unique("1"), &ann).await.unwrap();
    assert_eq!(found, Some(view(&ann, "1", "Mine")));
}

async fn a_view_belongs_to_its_owner(stage: Stage) {
    let (ann, bob) = (owner(&stage, "ann").await, owner(&stage, "bob").await);
    let kept = view(&ann, "1", "Mine");
    save(&stage, &kept).await.unwrap();
    assert_eq!(stage.db.read().await.unwrap().saved_view_fetch(&kept.id, &bob).await.unwrap(), None);
    let mut txn = stage.db.write().await.unwrap();
    let error = txn.saved_view_delete(&kept.id, &bob).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    drop(txn);
    let mut txn = stage.db.write().await.unwrap();
    txn.saved_view_delete(&kept.id, &ann).await.unwrap();
    txn.commit().await.unwrap();
    assert!(stage.db.read().await.unwrap().saved_view_list(&ann).await.unwrap().is_empty());
    let nobody = UserId::from_unique("nobody");
    let dangling = save(&stage, &view(&nobody, "9", "x")).await.unwrap_err();
    assert!(matches!(dangling, StoreError::Dangling { .. }), "{dangling}");
}

async fn a_view_is_of_a_known_grouping(stage: Stage) {
    let ann = owner(&stage, "ann").await;
    assert!(save(&stage, &SavedView { grouped: "colour".to_owned(), ..view(&ann, "1", "x") }).await.is_err());
}
