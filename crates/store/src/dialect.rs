//! Every place where SQLite and PostgreSQL differ. Nothing else in this crate looks at the engine, except to hand a statement to
//! the right driver. At most ten, counted by a test: an eleventh means that the SQL stopped being portable.

use std::time::Duration;

use crate::link::Sql;

/// The differences, in the order in which they stand below.
pub const EXCEPTIONS: &[&str] = &[
    "bytes are BLOB or BYTEA",
    "a writing transaction takes its lock at once on SQLite",
    "a reading transaction names its isolation on PostgreSQL",
    "migrations run under an advisory lock on PostgreSQL",
    "integrity is checked by the engine's own means",
    "the engine tells its version and settings by its own words",
    "the size of the database is asked in the engine's own words",
    "a session sets its lock time limit by statement on PostgreSQL",
    "error codes",
];

/// Which engine a database is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// The embedded one.
    Sqlite,
    /// The server.
    Postgres,
}

impl Engine {
    /// 1: migration text for this engine. `BLOB` is a word that our migrations use for nothing else.
    pub(crate) fn migration_text(self, text: &str) -> String {
        match self {
            Self::Sqlite => text.to_owned(),
            Self::Postgres => text.replace("BLOB", "BYTEA"),
        }
    }

    /// 2: SQLite upgrades a reading transaction to a writing one without waiting its turn, whatever the busy time limit says;
    /// `IMMEDIATE` takes the lock first. PostgreSQL locks rows, and guarded updates see what others committed.
    pub(crate) fn begin_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// 3: a reader sees one moment. On SQLite every transaction does.
    pub(crate) fn begin_read(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// 4: two servers that start at once must not both migrate. On SQLite `BEGIN IMMEDIATE` is the lock.
    pub(crate) fn migration_lock(self) -> Option<Sql> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(Sql {
                name: "MIGRATION_LOCK",
                // The number is the first eight bytes of SHA-256 of `patchwright migrations`, sign bit cleared.
                text: "SELECT CAST(pg_advisory_xact_lock(202230166382302987) AS TEXT) AS locked",
            }),
        }
    }

    /// 5: rows of column `problem`; `ok` means none. PostgreSQL has no check over SQL without an extension, so there only the
    /// indexes are asked whether they are usable.
    pub(crate) fn integrity_check(self) -> Sql {
        match self {
            Self::Sqlite => {
                Sql { name: "INTEGRITY_CHECK", text: "SELECT quick_check AS problem FROM pragma_quick_check" }
            }
            Self::Postgres => Sql {
                name: "INTEGRITY_CHECK",
                text: "SELECT CAST('index ' || c.relname || ' is not valid' AS TEXT) AS problem FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
                       JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT i.indisvalid AND n.nspname = current_schema() LIMIT 100",
            },
        }
    }

    /// 5: the first problem alone, where the engine cannot go on after it.
    pub(crate) fn integrity_first(self) -> Option<Sql> {
        match self {
            Self::Sqlite => Some(Sql {
                name: "INTEGRITY_FIRST",
                text: "SELECT quick_check AS problem FROM pragma_quick_check LIMIT 1",
            }),
            Self::Postgres => None,
        }
    }

    /// 5: reads every page of a table, and none of its indexes. The name is one that the engine gave.
    pub(crate) fn integrity_walk(self, table: &str) -> Option<String> {
        match self {
            Self::Sqlite => Some(format!("SELECT COUNT(*) FROM \"{}\" NOT INDEXED", table.replace('"', "\"\""))),
            Self::Postgres => None,
        }
    }

    /// 5: where problems of [`Engine::integrity_check`] are: columns `name` (of a table or an index), `place` (its table) and `root`, the
    /// number by which SQLite calls its tree. PostgreSQL names things itself.
    pub(crate) fn integrity_places(self) -> Option<Sql> {
        match self {
            Self::Sqlite => Some(Sql {
                name: "INTEGRITY_PLACES",
                text: "SELECT name, tbl_name AS place, CAST(rootpage AS BIGINT) AS root FROM sqlite_schema WHERE rootpage > 0",
            }),
            Self::Postgres => None,
        }
    }

    /// 6: columns `version`, `encoding` and `durability`.
    pub(crate) fn describe(self) -> Sql {
        match self {
            Self::Sqlite => Sql {
                name: "DESCRIBE",
                text: "SELECT sqlite_version() AS version, (SELECT encoding FROM pragma_encoding) AS encoding, \
                       (SELECT journal_mode FROM pragma_journal_mode) AS durability",
            },
            Self::Postgres => Sql {
                name: "DESCRIBE",
                text: "SELECT current_setting('server_version') AS version, current_setting('server_encoding') AS encoding, \
                       current_setting('fsync') AS durability",
            },
        }
    }

    /// 6: what `encoding` and `durability` of [`Engine::describe`] have to say, and what it means when they do not.
    pub(crate) fn expected(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Sqlite => (
                "UTF-8",
                "wal",
                "the journal mode is not WAL (a network file system?): readers and the writer block each other",
            ),
            Self::Postgres => ("UTF8", "on", "the server runs with fsync off: a power cut can lose or damage data"),
        }
    }

    /// 7: column `bytes`.
    pub(crate) fn size(self) -> Sql {
        match self {
            Self::Sqlite => Sql {
                name: "SIZE",
                text: "SELECT CAST(p.page_count * s.page_size AS BIGINT) AS bytes FROM pragma_page_count p, pragma_page_size s",
            },
            Self::Postgres => {
                Sql { name: "SIZE", text: "SELECT CAST(pg_database_size(current_database()) AS BIGINT) AS bytes" }
            }
        }
    }

    /// 8: statements for a new session. SQLite's settings are connection options of the driver.
    pub(crate) fn session_setup(self, busy: Duration) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => {
                Some(format!("SET lock_timeout = {}; SET client_min_messages = warning", busy.as_millis()))
            }
        }
    }
}

/// What an error of the driver means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Locked,
    Corrupt,
    Full,
    Disk,
    NotWritable,
    Unreachable,
    Duplicate,
    Dangling,
    Other,
}

/// 9: SQLite's result codes (its low byte is the primary code) and PostgreSQL's SQLSTATE (its appendix A).
pub(crate) fn classify(error: &sqlx::Error) -> Class {
    match error {
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            if database.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
                classify_sqlite(code.parse().unwrap_or_default())
            } else {
                classify_sqlstate(&code)
            }
        }
        sqlx::Error::PoolTimedOut => Class::Locked,
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed | sqlx::Error::Configuration(_) => {
            Class::Unreachable
        }
        // The enum is the driver's and open; everything else is a defect of ours or of the driver, not of the surroundings.
        _ => Class::Other,
    }
}

fn classify_sqlite(code: u32) -> Class {
    match code {
        // UNIQUE, PRIMARY KEY, ROWID.
        2067 | 1555 | 2579 => return Class::Duplicate,
        // FOREIGN KEY.
        787 => return Class::Dangling,
        _ => {}
    }
    match code & 0xff {
        // BUSY, LOCKED, PROTOCOL.
        5 | 6 | 15 => Class::Locked,
        // CORRUPT, NOTADB.
        11 | 26 => Class::Corrupt,
        // IOERR: what a full disk gives where SQLite does not see that it is full (the shared memory of the log: 4874), and a
        // failing one.
        10 => Class::Disk,
        // FULL.
        13 => Class::Full,
        // PERM, READONLY, CANTOPEN.
        3 | 8 | 14 => Class::NotWritable,
        _ => Class::Other,
    }
}

fn classify_sqlstate(code: &str) -> Class {
    match code {
        "23505" => Class::Duplicate,
        "23503" => Class::Dangling,
        // Serialization failure, deadlock, lock not available.
        "40001" | "40P01" | "55P03" => Class::Locked,
        // Disk full.
        "53100" => Class::Full,
        // The server's own files.
        "58030" => Class::Disk,
        // Read-only transaction (a standby), insufficient privilege.
        "25006" | "42501" => Class::NotWritable,
        // Data corrupted, index corrupted.
        "XX001" | "XX002" => Class::Corrupt,
        // No such database, too many connections, shutting down or starting.
        "3D000" | "53300" | "57P01" | "57P02" | "57P03" => Class::Unreachable,
        _ if code.starts_with("08") || code.starts_with("28") => Class::Unreachable,
        _ => Class::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_exceptions_is_short_and_numbered_below() {
        assert!(EXCEPTIONS.len() <= 10);
        let source = include_str!("dialect.rs");
        for n in 1..=EXCEPTIONS.len() {
            assert!(source.contains(&format!("/// {n}: ")), "exception {n} has no place in the file");
        }
        assert!(!source.contains(&format!("/// {}: ", EXCEPTIONS.len() + 1)), "an exception is not in the list");
    }

    #[test]
    fn codes_mean_what_the_engines_say() {
        assert_eq!(classify_sqlite(5 | (2 << 8)), Class::Locked, "SQLITE_BUSY_SNAPSHOT");
        assert_eq!(classify_sqlite(8 | (6 << 8)), Class::NotWritable, "SQLITE_READONLY_DIRECTORY");
        assert_eq!(classify_sqlite(4874), Class::Disk, "SQLITE_IOERR_SHMSIZE");
        assert_eq!(classify_sqlite(778), Class::Disk, "SQLITE_IOERR_WRITE");
        assert_eq!(classify_sqlite(19), Class::Other, "SQLITE_CONSTRAINT without a kind");
        assert_eq!(classify_sqlstate("28P01"), Class::Unreachable, "invalid password");
        assert_eq!(classify_sqlstate("42601"), Class::Other, "syntax error");
    }
}
