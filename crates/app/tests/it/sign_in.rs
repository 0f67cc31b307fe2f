//! Failed sign-ins over a restart: they are counted from the record, each name and place by itself.

use std::net::IpAddr;

use patchwright_app::auth::{self, Reset};
use patchwright_app::{AppError, Clock, Config, Ctx, Env};
use patchwright_domain::time::Timestamp;

use crate::findings::{START, local};

const GOOD: &str = "correct horse battery";

/// The same installation, started anew some minutes later.
async fn started(dir: &std::path::Path, minutes: i64) -> Env {
    let config = Config { data_dir: dir.to_owned(), database_url: None, offline: true };
    let at = Timestamp(Timestamp::parse(START).unwrap().0 + minutes * 60_000);
    Env::open(config, Clock::fixed(at)).await.unwrap()
}

async fn tries(env: &Env, from: IpAddr, password: &str, times: usize) -> Result<(), AppError> {
    let mut last = Ok(());
    for _ in 0..times {
        last = auth::password_sign_in(env, "admin", password, Some(from)).await.map(|_| ());
    }
    last
}

#[tokio::test]
async fn a_restart_gives_nobody_more_tries() {
    let dir = tempfile::tempdir().unwrap();
    let env = started(dir.path(), 0).await;
    auth::first_start(&env).await.unwrap();
    let link = auth::link_issue(&env, &local(), "admin", Reset::Nothing).await.unwrap();
    let signed = auth::link_redeem(&env, &link.secret).await.unwrap();
    let session = auth::session_find(&env, &signed.secret).await.unwrap().unwrap();
    auth::password_set(&env, &Ctx { actor: session.actor, ..local() }, "", GOOD).await.unwrap();

    let (stranger, owner): (IpAddr, IpAddr) = ("192.0.2.66".parse().unwrap(), "192.0.2.7".parse().unwrap());
    assert!(matches!(tries(&env, stranger, "wrong", 5).await, Err(AppError::Unauthenticated { .. })));
    // Somebody who mistypes and gets in has all tries again, also after a restart.
    assert!(tries(&env, owner, "wrong", 7).await.is_err());
    tries(&env, owner, GOOD, 1).await.unwrap();
    env.db().close().await;

    let env = started(dir.path(), 1).await;
    assert!(matches!(tries(&env, stranger, "wrong", 3).await, Err(AppError::Unauthenticated { .. })));
    assert!(matches!(tries(&env, stranger, GOOD, 1).await, Err(AppError::TooMany { .. })), "eight in all");
    env.db().close().await;

    let env = started(dir.path(), 2).await;
    assert!(matches!(tries(&env, stranger, GOOD, 1).await, Err(AppError::TooMany { .. })), "a restart lifts nothing");
    assert!(matches!(tries(&env, owner, "wrong", 7).await, Err(AppError::Unauthenticated { .. })));
    tries(&env, owner, GOOD, 1).await.unwrap();
    env.db().close().await;

    let env = started(dir.path(), 12).await;
    tries(&env, stranger, GOOD, 1).await.unwrap();
}
