//! Stories of accounts, sessions, one-time links and tokens.

use patchwright_domain::access::{Action, Role, Scope, Standing, Target, TokenScope, may};
use patchwright_domain::ids::{TokenId, UserId};
use patchwright_store::{ApiToken, Generation, NewUser, SecretHash, Session, StoreError, UserChange};

use crate::stage::{NOW, Stage, after, on_every_engine};

on_every_engine!(
    an_account_is_made_changed_and_disabled,
    a_session_lives_until_it_is_ended,
    a_link_works_once,
    of_two_that_use_a_link_at_once_one_gets_in,
    a_token_is_kept_and_taken_back,
);

fn new_user(n: &str, name: &str) -> NewUser {
    NewUser {
        id: UserId::from_unique(n),
        name: name.to_owned(),
        password_hash: None,
        role: Role::Operator,
        scope: Scope::environments(["staging"]),
        created: NOW,
    }
}

async fn insert(stage: &Stage, n: &str, name: &str) -> UserId {
    let mut txn = stage.db.write().await.unwrap();
    txn.user_insert(&new_user(n, name)).await.unwrap();
    txn.commit().await.unwrap();
    UserId::from_unique(n)
}

async fn an_account_is_made_changed_and_disabled(stage: Stage) {
    assert_eq!(stage.db.read().await.unwrap().user_count().await.unwrap(), 0);
    let ana = insert(&stage, "1", "Ana").await;
    insert(&stage, "2", "änne").await;
    insert(&stage, "3", "bo").await;
    for (name, expected) in [("ANA", "duplicate"), ("", "value"), (" x", "value"), ("a\0", "value")] {
        let mut txn = stage.db.write().await.unwrap();
        let error = txn.user_insert(&new_user("4", name)).await.unwrap_err();
        let found = match error {
            StoreError::Duplicate { .. } => "duplicate",
            StoreError::Value { .. } => "value",
            other => panic!("{other}"),
        };
        assert_eq!(found, expected, "{name:?}");
    }
    let mut read = stage.db.read().await.unwrap();
    let user = read.user_by_name("aNA").await.unwrap().unwrap();
    assert_eq!((&user.id, user.generation, user.standing), (&ana, Generation::FIRST, Standing::Active));
    assert_eq!(user.scope, Scope::environments(["staging"]));
    let names: Vec<String> = read.user_list().await.unwrap().into_iter().map(|u| u.name).collect();
    assert_eq!(names, ["Ana", "bo", "änne"]);
    assert_eq!(read.user_count().await.unwrap(), 3);
    drop(read);

    let change = UserChange {
        password_hash: Some("$argon2id$…".to_owned()),
        role: Role::Admin,
        scope: Scope::All,
        standing: Standing::Disabled,
        ..user.change()
    };
    let mut txn = stage.db.write().await.unwrap();
    let generation = txn.user_save(&ana, &change, user.generation).await.unwrap();
    let stale = txn.user_save(&ana, &change, user.generation).await;
    assert!(matches!(stale, Err(StoreError::Conflict { what: "account", .. })));
    txn.commit().await.unwrap();
    let user = stage.db.read().await.unwrap().user_fetch(&ana).await.unwrap().unwrap();
    assert_eq!((user.role, user.standing, user.generation), (Role::Admin, Standing::Disabled, generation));
    assert_eq!(user.password_hash.as_deref(), Some("$argon2id$…"));
    assert!(!format!("{user:?}").contains("argon2"), "a hash is not for logs");
    let actor = patchwright_domain::access::Actor::User(user.person());
    assert!(!may(&actor, Action::ViewHosts, &Target::OwnScope).allowed, "disabled");
}

fn session(byte: u8, user: &UserId) -> Session {
    Session {
        token_hash: SecretHash([byte; 32]),
        user: user.clone(),
        created: NOW,
        expires: after(60),
        last_used: NOW,
        csrf: vec![0, 255, byte],
    }
}

async fn a_session_lives_until_it_is_ended(stage: Stage) {
    let ana = insert(&stage, "1", "ana").await;
    let mut txn = stage.db.write().await.unwrap();
    for byte in [0, 1, 2] {
        txn.session_insert(&session(byte, &ana)).await.unwrap();
    }
    txn.session_touch(&SecretHash([1; 32]), after(5)).await.unwrap();
    txn.session_touch(&SecretHash([1; 32]), after(3)).await.unwrap();
    txn.commit().await.unwrap();
    let mut read = stage.db.read().await.unwrap();
    assert_eq!(read.session_fetch(&SecretHash([0; 32])).await.unwrap(), Some(session(0, &ana)));
    assert_eq!(read.session_fetch(&SecretHash([9; 32])).await.unwrap(), None);
    let list = read.session_list(&ana).await.unwrap();
    assert_eq!((list.len(), list[0].last_used), (3, after(5)));
    drop(read);

    let mut txn = stage.db.write().await.unwrap();
    assert!(txn.session_delete(&SecretHash([0; 32])).await.unwrap());
    assert!(!txn.session_delete(&SecretHash([0; 32])).await.unwrap());
    txn.link_insert(&SecretHash([7; 32]), &ana, NOW, after(60)).await.unwrap();
    assert_eq!(txn.session_delete_of_user(&ana).await.unwrap(), 2);
    assert_eq!(
        txn.link_consume(&SecretHash([7; 32]), after(1)).await.unwrap(),
        None,
        "the link went with the sessions"
    );
    txn.session_insert(&session(3, &ana)).await.unwrap();
    assert_eq!(txn.session_prune(after(59)).await.unwrap(), 0);
    assert_eq!(txn.session_prune(after(60)).await.unwrap(), 1);
    txn.session_insert(&session(4, &ana)).await.unwrap();
    txn.user_delete(&ana, Generation::FIRST).await.unwrap();
    assert_eq!(txn.session_fetch(&SecretHash([4; 32])).await.unwrap(), None, "sessions go with the account");
    let error = txn.session_insert(&session(5, &ana)).await.unwrap_err();
    assert!(matches!(error, StoreError::Dangling { .. }), "{error}");
}

async fn a_link_works_once(stage: Stage) {
    let ana = insert(&stage, "1", "ana").await;
    let (good, late) = (SecretHash([1; 32]), SecretHash([2; 32]));
    let mut txn = stage.db.write().await.unwrap();
    txn.link_insert(&good, &ana, NOW, after(10)).await.unwrap();
    txn.link_insert(&late, &ana, NOW, after(10)).await.unwrap();
    txn.commit().await.unwrap();
    for (link, at, answer) in
        [(good, 9, Some(ana.clone())), (good, 9, None), (late, 10, None), (SecretHash([3; 32]), 1, None)]
    {
        let mut txn = stage.db.write().await.unwrap();
        assert_eq!(txn.link_consume(&link, after(at)).await.unwrap(), answer);
        txn.commit().await.unwrap();
    }
}

async fn of_two_that_use_a_link_at_once_one_gets_in(stage: Stage) {
    let ana = insert(&stage, "1", "ana").await;
    let link = SecretHash([1; 32]);
    let mut txn = stage.db.write().await.unwrap();
    txn.link_insert(&link, &ana, NOW, after(10)).await.unwrap();
    txn.commit().await.unwrap();
    let other = stage.again().await;
    let mut tries = tokio::task::JoinSet::new();
    for n in 0..8 {
        let db = if n % 2 == 0 { stage.db.clone() } else { other.clone() };
        tries.spawn(async move {
            let mut txn = db.write().await.unwrap();
            let got = txn.link_consume(&link, after(1)).await.unwrap();
            txn.commit().await.unwrap();
            got
        });
    }
    let got: Vec<UserId> = tries.join_all().await.into_iter().flatten().collect();
    assert_eq!(got, [ana]);
    other.close().await;
}

async fn a_token_is_kept_and_taken_back(stage: Stage) {
    let ana = insert(&stage, "1", "ana").await;
    let token = ApiToken {
        id: TokenId::from_unique("1"),
        token_hash: SecretHash([200; 32]),
        name: "ci".to_owned(),
        owner: ana.clone(),
        scopes: [TokenScope::Read, TokenScope::InventoryWrite].into(),
        environments: Scope::All,
        created: NOW,
        expires: Some(after(600)),
        last_used: None,
        revoked_at: None,
    };
    let second = ApiToken {
        id: TokenId::from_unique("2"),
        token_hash: SecretHash([201; 32]),
        created: after(1),
        expires: None,
        ..token.clone()
    };
    let mut txn = stage.db.write().await.unwrap();
    txn.token_insert(&token).await.unwrap();
    txn.token_insert(&second).await.unwrap();
    txn.commit().await.unwrap();

    let mut read = stage.db.read().await.unwrap();
    assert_eq!(read.token_by_hash(&token.token_hash).await.unwrap(), Some(token.clone()));
    assert_eq!(read.token_fetch(&second.id).await.unwrap(), Some(second.clone()));
    assert_eq!(read.token_list(None).await.unwrap(), vec![second.clone(), token.clone()]);
    assert_eq!(read.token_list(Some(&UserId::from_unique("9"))).await.unwrap(), vec![]);
    let owner = read.user_fetch(&ana).await.unwrap().unwrap();
    let actor = token.actor(&owner);
    assert!(may(&actor, Action::ImportHost, &Target::Environment("staging")).allowed);
    assert!(!may(&actor, Action::ImportHost, &Target::Environment("production")).allowed, "its owner may not");
    drop(read);

    let mut txn = stage.db.write().await.unwrap();
    txn.token_touch(&token.id, after(5)).await.unwrap();
    txn.token_touch(&token.id, after(4)).await.unwrap();
    txn.token_revoke(&token.id, after(6)).await.unwrap();
    let again = txn.token_revoke(&token.id, after(7)).await;
    assert!(matches!(again, Err(StoreError::Conflict { what: "token", .. })));
    assert_eq!(txn.token_revoke_of_user(&ana, after(8)).await.unwrap(), 1);
    txn.commit().await.unwrap();
    let list = stage.db.read().await.unwrap().token_list(Some(&ana)).await.unwrap();
    assert_eq!((list[1].last_used, list[1].revoked_at), (Some(after(5)), Some(after(6))));
    assert_eq!(list[0].revoked_at, Some(after(8)));
}
