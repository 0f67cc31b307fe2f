//! Where a story plays: an empty database of one engine, gone afterwards.

use std::time::Duration;

use patchwright_domain::audit::AuditEntry;
use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::ids::HostId;
use patchwright_domain::inventory::{HostFacts, Os, Package, PackageFormat};
use patchwright_domain::time::Timestamp;
use patchwright_store::{Db, FactsSaved, FactsWrite, Generation, Options, StoreError};
use patchwright_testkit::pg::{self, Collation};
use patchwright_testkit::skip::skip;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

/// 2026-11-20T00:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp(1_795_132_800_000);

/// One of the three databases.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Sqlite,
    Codepoint,
    Linguistic,
}

pub(crate) struct Stage {
    pub(crate) db: Db,
    pub(crate) url: String,
    _folder: Option<tempfile::TempDir>,
}

/// `minutes` after [`NOW`].
pub(crate) fn after(minutes: i64) -> Timestamp {
    Timestamp(NOW.0 + minutes * 60_000)
}

pub(crate) fn options() -> Options {
    Options { busy: Duration::from_secs(30), connections: 6, ..Options::new(NOW) }
}

impl Stage {
    /// Opens the same database once more, like another process would.
    pub(crate) async fn again(&self) -> Db {
        Db::connect(&self.url, &options()).await.unwrap()
    }

    /// Does something behind the program's back.
    pub(crate) async fn raw(&self, sql: &str) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        if self.url.starts_with("sqlite:") {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            connection.execute(sql).await.unwrap();
            connection.close().await.unwrap();
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
            connection.execute(sql).await.unwrap();
            connection.close().await.unwrap();
        }
    }

    /// One write transaction that is committed.
    pub(crate) async fn facts(
        &self,
        host: &str,
        expected: Option<Generation>,
        at: Timestamp,
        facts: &HostFacts,
    ) -> Result<FactsSaved, StoreError> {
        let mut txn = self.db.write().await?;
        let saved = txn
            .host_upsert_facts(&FactsWrite { id: &id(host), expected, at, facts, profile: &AssetProfile::default() })
            .await?;
        txn.commit().await?;
        Ok(saved)
    }
}

/// The address of an empty database, or nothing when this machine has none.
pub(crate) fn address(place: Place) -> Option<(String, Option<tempfile::TempDir>)> {
    let collation = match place {
        Place::Sqlite => {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite://{}", folder.path().join("test.db").display());
            return Some((url, Some(folder)));
        }
        Place::Codepoint => Collation::Codepoint,
        Place::Linguistic => Collation::Linguistic,
    };
    match pg::schema(collation) {
        Ok(url) => Some((url, None)),
        Err(why) => {
            assert!(std::env::var_os("PATCHWRIGHT_REQUIRE_PG").is_none(), "{why}");
            skip(&format!("the store on PostgreSQL ({place:?})"), &why.to_string());
            None
        }
    }
}

pub(crate) fn block_on<T>(story: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(story)
}

/// Plays a story on an empty, migrated database.
pub(crate) fn play<F, Fut>(place: Place, story: F)
where
    F: FnOnce(Stage) -> Fut,
    Fut: Future<Output = ()>,
{
    let Some((url, folder)) = address(place) else {
        return;
    };
    block_on(async move {
        let db = Db::connect(&url, &options()).await.unwrap();
        let kept = db.clone();
        story(Stage { db, url, _folder: folder }).await;
        kept.close().await;
    });
}

/// Makes three tests of each story.
macro_rules! on_every_engine {
    ($($story:ident),+ $(,)?) => {$(
        mod $story {
            use crate::stage::{Place, play};

            #[test]
            fn sqlite() {
                play(Place::Sqlite, super::$story);
            }

            #[test]
            fn postgres_codepoint() {
                play(Place::Codepoint, super::$story);
            }

            #[test]
            fn postgres_linguistic() {
                play(Place::Linguistic, super::$story);
            }
        }
    )+};
}
pub(crate) use on_every_engine;

pub(crate) fn id(name: &str) -> HostId {
    HostId::from_unique(name)
}

/// A Debian host with these packages, each `name=version`.
pub(crate) fn facts(hostname: &str, packages: &[&str]) -> HostFacts {
    HostFacts {
        schema: 1,
        collected_at: NOW,
        collector: "agent".to_owned(),
        hostname: hostname.to_owned(),
        arch: "x86_64".to_owned(),
        os: Os::parse_short("debian:12").unwrap(),
        format: Some(PackageFormat::Deb),
        packages: packages
            .iter()
            .map(|p| {
                let (name, version) = p.split_once('=').unwrap();
                Package {
                    name: name.to_owned(),
                    version: version.to_owned(),
                    arch: "amd64".to_owned(),
                    source: name.to_owned(),
                    source_version: version.to_owned(),
                    ..Package::default()
                }
            })
            .collect(),
        ..HostFacts::default()
    }
}

pub(crate) fn entry(action: &str, object: &str) -> AuditEntry {
    AuditEntry {
        at: NOW,
        actor: "usr_1".to_owned(),
        action: action.to_owned(),
        object: object.to_owned(),
        reason: Some("because \u{1f600}".to_owned()),
        detail: json!({"n": 1}),
        request_id: "req1".to_owned(),
    }
}
