//! The migration list and its runner. Migrations expand first and contract in a later release, so that the release before can
//! still run on the new schema.

use patchwright_domain::time::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::error::StoreError;
use crate::link::{Link, Sql, args, queries};

/// One migration: a folder `migrations/NNNN_name` with `up.sql`.
struct Migration {
    number: u32,
    name: &'static str,
    up: &'static str,
}

/// Every migration, in order, without gaps. A released one is never edited: its checksum is in the databases of others.
const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "foundation", up: include_str!("../migrations/0001_foundation/up.sql") },
    Migration { number: 2, name: "intel_log", up: include_str!("../migrations/0002_intel_log/up.sql") },
    Migration { number: 3, name: "asset", up: include_str!("../migrations/0003_asset/up.sql") },
    Migration { number: 4, name: "saved_view", up: include_str!("../migrations/0004_saved_view/up.sql") },
    Migration { number: 5, name: "source", up: include_str!("../migrations/0005_source/up.sql") },
    Migration { number: 6, name: "exception", up: include_str!("../migrations/0006_exception/up.sql") },
    Migration { number: 7, name: "libraries", up: include_str!("../migrations/0007_libraries/up.sql") },
    Migration { number: 8, name: "source_sight", up: include_str!("../migrations/0008_source_sight/up.sql") },
    Migration { number: 9, name: "vex_document", up: include_str!("../migrations/0009_vex_document/up.sql") },
    Migration { number: 10, name: "facts_changes", up: include_str!("../migrations/0010_facts_changes/up.sql") },
];

/// Schema number of this program.
pub(crate) fn known() -> u32 {
    MIGRATIONS.last().map_or(0, |m| m.number)
}

const TABLE: Sql = Sql {
    name: "MIGRATION_TABLE",
    text: "CREATE TABLE IF NOT EXISTS schema_migration (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)",
};

queries! {
    MIGRATION_LIST = "SELECT number, name, checksum FROM schema_migration ORDER BY number";
    MIGRATION_INSERT = "INSERT INTO schema_migration (number, name, checksum, applied_at) VALUES ($1, $2, $3, $4)";
}

impl Migration {
    /// SHA-256 in hex of the file as it is in the repository, so that both engines have the same.
    fn checksum(&self) -> String {
        hex::encode(Sha256::digest(self.up.as_bytes()))
    }
}

/// Applies what is missing, inside the caller's transaction: all of it or nothing.
///
/// # Errors
/// When the database is newer than this program or was made by other migrations, or when `apply` is off and something is missing.
pub(crate) async fn migrate(link: &mut Link, now: Timestamp, apply: bool) -> Result<Vec<&'static str>, StoreError> {
    if let Some(lock) = link.engine().migration_lock() {
        link.one(lock, Vec::new()).await?;
    }
    link.execute(TABLE, Vec::new()).await?;
    let found = applied(link).await?;
    if found < known() && !apply {
        return Err(StoreError::Behind { found, known: known() });
    }
    let mut done = Vec::new();
    for migration in MIGRATIONS.iter().filter(|m| m.number > found) {
        let text = link.engine().migration_text(migration.up);
        link.script(&format!("applying migration {} `{}`", migration.number, migration.name), text).await?;
        link.execute(MIGRATION_INSERT, args![i64::from(migration.number), migration.name, migration.checksum(), now])
            .await?;
        tracing::info!(
            migration.number,
            migration.name,
            "Applied database migration {} `{}`",
            migration.number,
            migration.name
        );
        done.push(migration.name);
    }
    Ok(done)
}

/// Whether the schema is that of this program, for a database that is only read.
///
/// # Errors
/// When it is older or newer, or was made by other migrations.
pub(crate) async fn check(link: &mut Link) -> Result<(), StoreError> {
    let found = applied(link).await?;
    if found < known() { Err(StoreError::Behind { found, known: known() }) } else { Ok(()) }
}

/// Number of the last migration in the database.
async fn applied(link: &mut Link) -> Result<u32, StoreError> {
    let applied = link.all(MIGRATION_LIST, Vec::new()).await?;
    let mut found = 0;
    for row in &applied {
        let number = u32::try_from(row.int("number")?).unwrap_or(u32::MAX);
        found = found.max(number);
        let Some(ours) = MIGRATIONS.iter().find(|m| m.number == number) else {
            continue;
        };
        if row.text("checksum")? != ours.checksum() {
            return Err(StoreError::MigrationChanged { number, name: ours.name });
        }
    }
    if found > known() {
        return Err(StoreError::TooNew { found, known: known() });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_gaps_and_folders_have_the_names() {
        for (n, migration) in (1_u32..).zip(MIGRATIONS) {
            assert_eq!(migration.number, n);
            let folder = format!("{}/migrations/{n:04}_{}", env!("CARGO_MANIFEST_DIR"), migration.name);
            assert!(std::path::Path::new(&folder).join("up.sql").is_file(), "{folder}");
        }
        let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap().count();
        assert_eq!(folders, MIGRATIONS.len(), "every folder is in the list");
    }
}
