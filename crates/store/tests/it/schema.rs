//! Migrations and the SQL text: the same on every engine, applied once, never mixed with another program's.

use patchwright_store::{Db, EXCEPTIONS, Engine, Migrate, Options, StoreError};
use sqlx::{AssertSqlSafe, Column as _, Connection as _, Executor as _, SqlSafeStr as _, Statement as _};

use crate::stage::{NOW, Place, Stage, address, block_on, on_every_engine, options};

on_every_engine!(
    every_statement_is_understood,
    opening_again_changes_nothing,
    a_database_of_a_newer_program_is_refused,
    a_database_of_another_build_is_refused,
    an_old_database_is_refused_when_asked_to,
    a_check_of_a_whole_database_finds_nothing,
);

async fn every_statement_is_understood(stage: Stage) {
    assert!(stage.db.prepare_all().await.unwrap() >= 80);
    assert!(EXCEPTIONS.len() <= 10);
}

async fn opening_again_changes_nothing(stage: Stage) {
    let mut txn = stage.db.write().await.unwrap();
    txn.setting_save("key", "value", None).await.unwrap();
    txn.commit().await.unwrap();
    for _ in 0..2 {
        let again = stage.again().await;
        assert_eq!(again.read().await.unwrap().setting_fetch("key").await.unwrap().unwrap().value, "value");
        again.close().await;
    }
}

async fn a_database_of_a_newer_program_is_refused(stage: Stage) {
    stage.raw("INSERT INTO schema_migration (number, name, checksum, applied_at) VALUES (900, 'later', 'x', 0)").await;
    let error = Db::connect(&stage.url, &options()).await.unwrap_err();
    assert!(matches!(error, StoreError::TooNew { found: 900, known } if known >= 1), "{error}");
    assert!(error.hint().unwrap().contains("newer patchwright"));
}

async fn a_database_of_another_build_is_refused(stage: Stage) {
    stage.raw("UPDATE schema_migration SET checksum = 'x' WHERE number = 1").await;
    let error = Db::connect(&stage.url, &options()).await.unwrap_err();
    assert!(matches!(error, StoreError::MigrationChanged { number: 1, name: "foundation" }), "{error}");
}

async fn an_old_database_is_refused_when_asked_to(stage: Stage) {
    let Some((url, _folder)) = address(match stage.db.engine() {
        Engine::Sqlite => Place::Sqlite,
        Engine::Postgres => Place::Codepoint,
    }) else {
        return;
    };
    let refuse = Options { migrate: Migrate::Refuse, ..options() };
    for _ in 0..2 {
        let error = Db::connect(&url, &refuse).await.unwrap_err();
        assert!(matches!(error, StoreError::Behind { found: 0, .. }), "{error}");
    }
    Db::connect(&url, &options()).await.unwrap().close().await;
    Db::connect(&url, &refuse).await.unwrap().close().await;
}

async fn a_check_of_a_whole_database_finds_nothing(stage: Stage) {
    let report = stage.db.check().await.unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert!(report.bytes > 0 && report.schema >= 1 && !report.version.is_empty(), "{report:?}");
    match report.engine {
        Engine::Sqlite => assert_eq!(report.warnings, Vec::<String>::new()),
        // The servers of the tests run without fsync; the check has to say so.
        Engine::Postgres => {
            if std::env::var_os("PATCHWRIGHT_TEST_PG").is_none() {
                assert_eq!(report.warnings.len(), 1);
                assert!(report.warnings[0].contains("fsync"), "{report:?}");
            }
        }
    }
}

/// Many starts of an empty database at once: one migrates, the others find it done.
#[test]
fn starting_at_once_migrates_once() {
    for place in [Place::Sqlite, Place::Codepoint] {
        let Some((url, _folder)) = address(place) else {
            continue;
        };
        block_on(async move {
            let mut starts = tokio::task::JoinSet::new();
            for _ in 0..5 {
                let url = url.clone();
                starts.spawn(async move { Db::connect(&url, &Options { connections: 2, ..options() }).await });
            }
            for db in starts.join_all().await {
                let db = db.unwrap();
                assert_eq!(db.read().await.unwrap().audit_head().await.unwrap().seq, 0);
                db.close().await;
            }
        });
    }
}

/// Columns of a table as a driver names them.
async fn columns(url: &str, table: &str) -> Vec<String> {
    let sql = AssertSqlSafe(format!("SELECT * FROM {table}")).into_sql_str();
    if url.starts_with("sqlite:") {
        let mut connection = sqlx::SqliteConnection::connect(url).await.unwrap();
        let statement = connection.prepare(sql).await.unwrap();
        statement.columns().iter().map(|c| c.name().to_owned()).collect()
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        let statement = connection.prepare(sql).await.unwrap();
        statement.columns().iter().map(|c| c.name().to_owned()).collect()
    }
}

#[test]
fn both_engines_have_the_same_tables() {
    let (Some((sqlite, _folder)), Some((postgres, _))) = (address(Place::Sqlite), address(Place::Codepoint)) else {
        return;
    };
    block_on(async move {
        for url in [&sqlite, &postgres] {
            Db::connect(url, &Options::new(NOW)).await.unwrap().close().await;
        }
        let text = concat!(
            include_str!("../../migrations/0001_foundation/up.sql"),
            include_str!("../../migrations/0002_intel_log/up.sql"),
            include_str!("../../migrations/0003_asset/up.sql"),
        );
        let tables: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split_whitespace().next()).collect();
        assert!(tables.len() >= 18, "{tables:?}");
        for table in tables {
            let found = columns(&sqlite, table).await;
            assert!(!found.is_empty());
            assert_eq!(found, columns(&postgres, table).await, "{table}");
        }
    });
}
