//! What can go wrong, in words that say what was attempted and, where a person can act, what to do.

use patchwright_domain::audit::{CanonicalError, ChainBreak};

use crate::dialect::{self, Class};

/// Error of the store. `Display` is the fragment for people without its source; [`StoreError::hint`] is the next step.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database address is none that we open.
    #[error("database address `{url}` is not understood")]
    Url {
        /// The address, without a password.
        url: String,
    },
    /// The database file or its folder could not be created or opened.
    #[error("failed to open database file `{path}`")]
    OpenFile {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The account of this process may not even read a file of the database, nor what it is in.
    #[error("this account may not read the database file `{path}`; it belongs to {owner}")]
    NotReadable {
        /// The file, of the database or of its log.
        path: String,
        /// Whose it is, by name where one is known.
        owner: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There is no database file and none was to be made.
    #[error("there is no database at `{path}`")]
    NoFile {
        /// The file.
        path: String,
    },
    /// The server did not answer, refused the account, or has no such database.
    #[error("failed to reach the database while {doing}")]
    Unreachable {
        /// What was attempted.
        doing: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// Another process or transaction held what was needed for longer than the time limit. Trying again may succeed.
    #[error("the database stayed locked by another process while {doing}")]
    Locked {
        /// What was attempted.
        doing: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The file is not a database or its content is damaged.
    #[error("the database is damaged or is no database: found while {doing}")]
    Corrupt {
        /// What was attempted.
        doing: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// No room left. Nothing of the transaction was kept.
    #[error("no space left for the database while {doing}")]
    Full {
        /// What was attempted.
        doing: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// Reading or writing the database's files failed. Nothing of the transaction was kept.
    #[error("the disk refused what the database asked while {doing}")]
    Disk {
        /// What was attempted.
        doing: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The database, its folder or its account may be read only.
    #[error("the database cannot be written while {doing}")]
    NotWritable {
        /// What was attempted.
        doing: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// What the database's log holds cannot be read where nothing beside it may be written. Without it the file would tell an earlier
    /// state, so it is not read at all.
    #[error("what was written last stands in `{log}`, which can be read only where its folder can be written")]
    LogUnread {
        /// The log.
        log: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A newer program made this database.
    #[error("the database has schema {found}, this program knows up to {known}")]
    TooNew {
        /// Schema in the database.
        found: u32,
        /// Newest schema of this program.
        known: u32,
    },
    /// The database needs migrations and the caller asked not to apply them.
    #[error("the database has schema {found}, this program needs {known}")]
    Behind {
        /// Schema in the database; 0 for an empty one.
        found: u32,
        /// Schema of this program.
        known: u32,
    },
    /// The database was made by other migrations than the ones in this program.
    #[error("migration {number} of the database is not migration `{name}` of this program")]
    MigrationChanged {
        /// Number of the migration.
        number: u32,
        /// Its name in this program.
        name: &'static str,
    },
    /// The server cannot hold our text.
    #[error("the database keeps text as {found}, it has to be UTF8")]
    Encoding {
        /// Encoding of the server's database.
        found: String,
    },
    /// Somebody else changed it first, or it is no longer there. Load it again and decide again.
    #[error("{what} `{id}` was changed by somebody else in the meantime")]
    Conflict {
        /// Kind of thing.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// Something with this key is there already.
    #[error("there is one already: {doing}")]
    Duplicate {
        /// What was attempted.
        doing: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// Refers to something that is not there.
    #[error("refers to something that is not there: {doing}")]
    Dangling {
        /// What was attempted.
        doing: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A value that the store does not take: both engines refuse the same ones.
    #[error("{what} cannot be stored: {why}")]
    Value {
        /// Which value.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// A page cursor that this program did not make.
    #[error("page cursor `{text}` is not one of this list")]
    Cursor {
        /// The cursor.
        text: String,
    },
    /// A row does not read back: it was written by something else.
    #[error("column `{column}` does not read back: {why}")]
    Row {
        /// Column.
        column: &'static str,
        /// Why.
        why: String,
    },
    /// An audit entry that has no canonical form.
    #[error("failed to append to the audit trail")]
    AuditEntry(#[source] CanonicalError),
    /// The audit chain does not hold.
    #[error("the audit trail does not verify")]
    AuditBroken(#[source] ChainBreak),
    /// The head row and the chain disagree: records were cut off or added behind the program's back.
    #[error("the audit trail ends at record {chain}, its head row says {head}")]
    AuditHead {
        /// Last record.
        chain: u64,
        /// Sequence number in the head row.
        head: u64,
    },
    /// The row that says where the audit trail ends is gone: nothing of the program removes it.
    #[error("the audit trail has lost the row that says where it ends")]
    AuditHeadGone,
    /// Any other failure of a query.
    #[error("database query failed while {doing}")]
    Query {
        /// What was attempted.
        doing: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
}

impl StoreError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Url { .. } => Some("use sqlite://PATH for a file or postgres://USER@HOST/DATABASE for a server"),
            Self::OpenFile { .. } | Self::NotWritable { .. } => Some(
                "check that the data folder exists, belongs to the account that runs patchwright, and is not on a read-only file system",
            ),
            Self::NotReadable { .. } => Some(
                "run the command as the account that it belongs to (`sudo -u NAME patchwright …`), or name a data folder of your own with --data-dir",
            ),
            Self::NoFile { .. } => Some("run `patchwright up` to create it, or give the right path"),
            Self::Unreachable { .. } => Some(
                "check that PostgreSQL runs, that the address, account and password are right, and that the database was created",
            ),
            Self::Locked { .. } => {
                Some("another patchwright process or a backup tool holds the database; stop it or try again")
            }
            Self::Corrupt { .. } => {
                Some("stop patchwright, keep a copy of the file with its -wal and -shm, and restore the last backup")
            }
            Self::LogUnread { .. } => Some(
                "run any command once as the account that owns the folder, or read a copy of the folder that can be written (--data-dir)",
            ),
            Self::Full { .. } => Some("free space on the disk that holds the database; nothing was half-written"),
            Self::Disk { .. } => Some(
                "most often no space is left: free some on the disk that holds the database; else look for disk errors in the system's log. Nothing was half-written",
            ),
            Self::TooNew { .. } => {
                Some("install the newer patchwright again, or restore a backup that was made before the upgrade")
            }
            Self::Behind { .. } => {
                Some("start `patchwright serve` once, which upgrades the database; back it up first")
            }
            Self::MigrationChanged { .. } => {
                Some("this database belongs to another build of patchwright; do not mix them")
            }
            Self::Encoding { .. } => Some("create the database with ENCODING 'UTF8'"),
            Self::Conflict { .. } => Some("load it again and repeat the change"),
            Self::AuditBroken(_) | Self::AuditHead { .. } | Self::AuditHeadGone => Some(
                "somebody changed the audit trail outside patchwright, or the file was damaged: keep a copy, compare with an exported anchor \
                 (`patchwright audit verify --anchor FILE`) and restore the last backup",
            ),
            Self::Row { .. } | Self::Query { .. } => Some(
                "`patchwright doctor` looks whether the database is damaged; where it finds nothing, report this message as a bug",
            ),
            Self::Cursor { .. } => Some("begin the list anew, without a cursor"),
            Self::Duplicate { .. } | Self::Dangling { .. } | Self::Value { .. } | Self::AuditEntry(_) => None,
        }
    }

    /// Whether the same call may succeed when made again after loading anew.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Locked { .. } | Self::Conflict { .. } | Self::Unreachable { .. })
    }

    /// Sorts a driver error by what it means for the caller.
    pub(crate) fn sort(doing: impl Into<String>, source: sqlx::Error) -> Self {
        let doing = doing.into();
        match dialect::classify(&source) {
            Class::Locked => Self::Locked { doing, source },
            Class::Corrupt => Self::Corrupt { doing, source },
            Class::Full => Self::Full { doing, source },
            Class::Disk => Self::Disk { doing, source },
            Class::NotWritable => Self::NotWritable { doing, source },
            Class::Unreachable => Self::Unreachable { doing, source },
            Class::Duplicate => Self::Duplicate { doing, source },
            Class::Dangling => Self::Dangling { doing, source },
            Class::Other => Self::Query { doing, source },
        }
    }
}
