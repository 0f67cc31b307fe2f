//! Opening, checking and closing a database.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use patchwright_domain::time::Timestamp;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool, SqlitePool};

use crate::dialect::Engine;
use crate::error::StoreError;
use crate::link::{Link, with_list};
use crate::txn::{Reader, WriteTxn};
use crate::{
    account, asset, audit, exception, feed, host, intel, inventory, link, migrate, outbox, policy, saved_view, setting,
    source, token, vex_document,
};

/// What to do when there is no database yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Create {
    /// Make the file (mode 0600) and its folder (mode 0700). PostgreSQL databases are never created here.
    IfMissing,
    /// Fail with [`StoreError::NoFile`]: a mistyped path must not look like an empty fleet.
    Never,
}

/// What to do when the schema is older than this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrate {
    /// Apply what is missing.
    Apply,
    /// Fail with [`StoreError::Behind`].
    Refuse,
}

/// What to do with a SQLite file that cannot be written. On a server every session may write, or says so when it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Fail with [`StoreError::NotWritable`].
    Write,
    /// Open it for reading, so that what is known can be looked up where nothing may be changed. Every write fails then.
    Read,
}

/// How to open a database.
#[derive(Clone, Debug)]
pub struct Options {
    /// Now, for the record of applied migrations.
    pub now: Timestamp,
    /// When there is no file.
    pub create: Create,
    /// When the schema is old.
    pub migrate: Migrate,
    /// When it cannot be written.
    pub access: Access,
    /// Longest wait for a lock that another process holds.
    pub busy: Duration,
    /// Connections that read (SQLite) or read and write (PostgreSQL).
    pub connections: u32,
    /// Largest size of a SQLite file in pages of 4 KiB; a write beyond it fails with [`StoreError::Full`] before the disk is full.
    pub pages_max: Option<u32>,
}

impl Options {
    /// The usual way: create, migrate, wait ten seconds for locks, eight connections.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            create: Create::IfMissing,
            migrate: Migrate::Apply,
            access: Access::Write,
            busy: Duration::from_secs(10),
            connections: 8,
            pages_max: None,
        }
    }
}

/// The database. Cheap to clone; all clones share the connections.
#[derive(Clone, Debug)]
pub struct Db {
    pools: Pools,
    place: Arc<str>,
    file: Option<Arc<PathBuf>>,
}

#[derive(Clone, Debug)]
enum Pools {
    /// One connection writes, the others only read: SQLite has one writer anyway, and this way they queue here, in order,
    /// instead of polling for the file lock.
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    /// A file that is only read, because it cannot be written.
    SqliteRead(SqlitePool),
    /// Any connection does anything.
    Postgres(PgPool),
}

/// What [`Db::check`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// The engine.
    pub engine: Engine,
    /// Its version as it says it.
    pub version: String,
    /// Where the database is, without a password.
    pub place: String,
    /// Schema number.
    pub schema: u32,
    /// Size in bytes.
    pub bytes: u64,
    /// Statements of this program that the engine has read without complaint.
    pub statements: usize,
    /// Damage, in the engine's words: the database should not be used as it is.
    pub problems: Vec<String>,
    /// The tables that the damage is in, as far as it can be told.
    pub damaged: Vec<String>,
    /// Things that work and should be changed all the same.
    pub warnings: Vec<String>,
}

/// Whether a file is there that this process may not write.
fn is_kept_from_writing(path: &Path) -> bool {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    let opened = std::fs::OpenOptions::new().write(true).open(path);
    opened.is_err_and(|e| matches!(e.kind(), PermissionDenied | ReadOnlyFilesystem) && path.exists())
}

/// A file of the database that is there, or in a folder that is, and that this account may not read: asked of the system itself, since
/// SQLite says of it only that it cannot open it.
fn unreadable(path: &Path) -> Option<StoreError> {
    let source = std::fs::File::open(path).err().filter(|e| e.kind() == std::io::ErrorKind::PermissionDenied)?;
    // In a folder that may not be entered only the folder tells whose it is.
    let owner = path.ancestors().find_map(|place| std::fs::metadata(place).ok()).map_or(0, |meta| meta.uid());
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let owner = match account_of(&passwd, owner) {
        Some(name) => format!("`{name}`"),
        None => format!("uid {owner}"),
    };
    Some(StoreError::NotReadable { path: path.display().to_string(), owner, source })
}

/// The name of an account in the words of `/etc/passwd`.
fn account_of(passwd: &str, uid: u32) -> Option<String> {
    let name = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })?;
    Some(name.chars().filter(|c| !c.is_control()).take(64).collect())
}

impl Db {
    /// Opens `sqlite://PATH` or `postgres://…` and brings the schema up to date.
    ///
    /// # Errors
    /// A variant for each thing that can be wrong with the surroundings; see [`StoreError::hint`].
    pub async fn connect(url: &str, options: &Options) -> Result<Self, StoreError> {
        if let Some(error) = sqlite_path(url).and_then(unreadable) {
            return Err(error);
        }
        // With a log and its index beside it, SQLite opens such a file for writing without a word, and fails at the first write.
        if options.access == Access::Read
            && let Some(path) = sqlite_path(url).filter(|path| is_kept_from_writing(path))
        {
            return Self::connect_to_read(path, options).await;
        }
        match Self::connect_to_write(url, options).await {
            Err(StoreError::NotWritable { doing, source }) if options.access == Access::Read => {
                let Some(path) = sqlite_path(url) else { return Err(StoreError::NotWritable { doing, source }) };
                match Self::connect_to_read(path, options).await {
                    // It cannot be read either: the first reason is the one to mend.
                    Err(StoreError::NotWritable { .. }) => Err(StoreError::NotWritable { doing, source }),
                    opened => opened,
                }
            }
            opened => opened,
        }
    }

    async fn connect_to_write(url: &str, options: &Options) -> Result<Self, StoreError> {
        let db = if url.starts_with("sqlite:") {
            let path = sqlite_path(url).ok_or_else(|| StoreError::Url { url: url.to_owned() })?;
            Self::connect_sqlite(path, options).await?
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::connect_postgres(url, options).await?
        } else {
            return Err(StoreError::Url { url: without_password(url) });
        };
        let mut link = db.begin_write().await?;
        db.check_encoding(&mut link).await?;
        migrate::migrate(&mut link, options.now, options.migrate == Migrate::Apply).await?;
        link.commit().await?;
        Ok(db)
    }

    async fn connect_sqlite(path: &Path, options: &Options) -> Result<Self, StoreError> {
        file_ready(path, options.create).await?;
        let mut sqlite = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .busy_timeout(options.busy)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal);
        if let Some(pages) = options.pages_max {
            sqlite = sqlite.pragma("max_page_count", pages.to_string());
        }
        // The wait for our own queue is longer than the wait for another process, so that the reason of a wait is told right.
        let queue = options.busy.saturating_mul(3);
        let place = format!("sqlite://{}", path.display());
        let writer = open_writer(&sqlite, queue, options.busy, &place).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(options.connections.max(1))
            .acquire_timeout(queue)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(sqlite.pragma("query_only", "ON"));
        Ok(Self {
            pools: Pools::Sqlite { writer, readers },
            place: place.into(),
            file: Some(Arc::new(path.to_owned())),
        })
    }

    /// Opens a file that cannot be written, nor anything made beside it. With a log there SQLite needs its index (`-shm`) as well, and
    /// reads both. Without one nobody is writing, and the file is the whole database: only then it may be called immutable, because
    /// SQLite looks at no log and no lock of such a file.
    async fn connect_to_read(path: &Path, options: &Options) -> Result<Self, StoreError> {
        let beside = |ending: &str| {
            let mut file = path.as_os_str().to_owned();
            file.push(ending);
            PathBuf::from(file)
        };
        let log = beside("-wal");
        if let Some(error) = [log.clone(), beside("-shm")].iter().find_map(|file| unreadable(file)) {
            return Err(error);
        }
        let kept = tokio::fs::metadata(&log).await.map(|meta| meta.len()).ok();
        let plain = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .read_only(true)
            .busy_timeout(options.busy);
        let opened = Self::read_pool(plain.clone().immutable(kept.is_none()), options, path).await;
        match (opened, kept) {
            (Err(StoreError::NotWritable { .. }), Some(0)) => {
                Self::read_pool(plain.immutable(true), options, path).await
            }
            (Err(StoreError::NotWritable { source, .. }), Some(_)) => {
                Err(StoreError::LogUnread { log: log.display().to_string(), source })
            }
            (opened, _) => opened,
        }
    }

    async fn read_pool(sqlite: SqliteConnectOptions, options: &Options, path: &Path) -> Result<Self, StoreError> {
        let place = format!("sqlite://{}", path.display());
        let readers = SqlitePoolOptions::new()
            .max_connections(options.connections.max(1))
            .acquire_timeout(options.busy.saturating_mul(3))
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(sqlite)
            .await
            .map_err(|e| StoreError::sort(format!("opening {place} to read"), e))?;
        let db = Self { pools: Pools::SqliteRead(readers), place: place.into(), file: Some(Arc::new(path.to_owned())) };
        migrate::check(&mut db.read().await?.link).await?;
        Ok(db)
    }

    async fn connect_postgres(url: &str, options: &Options) -> Result<Self, StoreError> {
        let place = without_password(url);
        let postgres = PgConnectOptions::from_str(url)
            .map_err(|_| StoreError::Url { url: place.clone() })?
            .application_name("patchwright");
        // Asked once outside of the pool, which would try a server that refuses again and again, and then say "timed out".
        let opening = || format!("opening {place}");
        let first = tokio::time::timeout(options.busy, PgConnection::connect_with(&postgres));
        match first.await {
            Ok(Ok(connection)) => connection.close().await.map_err(|e| StoreError::sort(opening(), e))?,
            Ok(Err(source)) => return Err(StoreError::sort(opening(), source)),
            Err(_) => {
                let source = sqlx::Error::Io(std::io::Error::new(
                    std::io::ErrorKind::TimedOut,
                    format!("no answer within {} s", options.busy.as_secs()),
                ));
                return Err(StoreError::Unreachable { doing: opening(), source });
            }
        }
        let setup = Engine::Postgres.session_setup(options.busy);
        let pool = PgPoolOptions::new()
            .max_connections(options.connections.max(1))
            .acquire_timeout(options.busy.saturating_mul(3))
            .after_connect(move |connection, _| {
                let setup = setup.clone();
                Box::pin(async move {
                    if let Some(setup) = setup {
                        connection.execute(sqlx::raw_sql(AssertSqlSafe(setup))).await?;
                    }
                    Ok(())
                })
            })
            .connect_with(postgres)
            .await
            .map_err(|source| match source {
                // Nobody holds a connection of a pool that is being opened: a time-out here is a server that does not answer.
                sqlx::Error::PoolTimedOut => StoreError::Unreachable { doing: format!("opening {place}"), source },
                other => StoreError::sort(format!("opening {place}"), other),
            })?;
        Ok(Self { pools: Pools::Postgres(pool), place: place.into(), file: None })
    }

    /// Which engine this is on.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self.pools {
            Pools::Sqlite { .. } | Pools::SqliteRead(_) => Engine::Sqlite,
            Pools::Postgres(_) => Engine::Postgres,
        }
    }

    /// Whether it was opened for reading alone, because it cannot be written.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        matches!(self.pools, Pools::SqliteRead(_))
    }

    /// Where the database is, for people; never with a password.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Begins to read one moment.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn read(&self) -> Result<Reader, StoreError> {
        let begin = self.engine().begin_read();
        let link = match &self.pools {
            Pools::Sqlite { readers, .. } | Pools::SqliteRead(readers) => {
                readers.begin_with(begin).await.map(Link::Sqlite)
            }
            Pools::Postgres(pool) => pool.begin_with(begin).await.map(Link::Postgres),
        }
        .map_err(|e| StoreError::sort("beginning to read", e))?;
        Ok(Reader { link })
    }

    /// Begins to write. On SQLite this waits until every earlier writer is done.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process writes for longer than [`Options::busy`].
    pub async fn write(&self) -> Result<WriteTxn, StoreError> {
        Ok(WriteTxn::new(self.begin_write().await?))
    }

    async fn begin_write(&self) -> Result<Link, StoreError> {
        let begin = self.engine().begin_write();
        match &self.pools {
            Pools::Sqlite { writer, .. } => writer.begin_with(begin).await.map(Link::Sqlite),
            Pools::SqliteRead(_) => {
                let source = sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::ReadOnlyFilesystem));
                return Err(StoreError::NotWritable { doing: "beginning to write".to_owned(), source });
            }
            Pools::Postgres(pool) => pool.begin_with(begin).await.map(Link::Postgres),
        }
        .map_err(|e| StoreError::sort("beginning to write", e))
    }

    async fn check_encoding(&self, link: &mut Link) -> Result<(), StoreError> {
        let row = link.one(self.engine().describe(), Vec::new()).await?;
        let found = row.text("encoding")?;
        if found == self.engine().expected().0 { Ok(()) } else { Err(StoreError::Encoding { found }) }
    }

    /// Looks for damage: the engine's own integrity check, every statement of this program, the settings and the file mode. The
    /// audit chain has its own check, [`Reader::audit_verify`].
    ///
    /// # Errors
    /// When the check itself cannot run, as with a file that is no database at all.
    pub async fn check(&self) -> Result<CheckReport, StoreError> {
        let engine = self.engine();
        let mut problems = Vec::new();
        let statements = damage(self.prepare_all().await, &mut problems)?.unwrap_or_default();
        let mut reader = self.read().await?;
        let described = reader.link.one(engine.describe(), Vec::new()).await?;
        let bytes = reader.link.one(engine.size(), Vec::new()).await?.count("bytes")?;
        let mut checked = reader.link.all(engine.integrity_check(), Vec::new()).await;
        let broken_off = matches!(checked, Err(StoreError::Corrupt { .. }));
        if let Some(first) = engine.integrity_first().filter(|_| broken_off) {
            // What it had found until then is lost with the error.
            let first = reader.link.all(first, Vec::new()).await;
            checked = damage(checked, &mut problems).and(first);
        }
        for row in damage(checked, &mut problems)?.unwrap_or_default() {
            let problem = row.text("problem")?;
            if problem != "ok" {
                problems.push(problem);
            }
        }
        let damaged = if problems.is_empty() { BTreeSet::new() } else { damaged(&mut reader.link, &problems).await? };
        let mut warnings = Vec::new();
        let (_, durability, meaning) = engine.expected();
        if described.text("durability")? != durability && !self.is_read_only() {
            warnings.push(meaning.to_owned());
        }
        if let Some(file) = &self.file {
            warnings.extend(file_mode_warning(file).await);
        }
        Ok(CheckReport {
            engine,
            version: described.text("version")?,
            place: self.place.to_string(),
            schema: migrate::known(),
            bytes,
            statements,
            problems,
            damaged: damaged.into_iter().collect(),
            warnings,
        })
    }

    /// Lets the engine read every statement of this program and gives their number.
    ///
    /// # Errors
    /// The first statement that the engine does not understand, by name.
    pub async fn prepare_all(&self) -> Result<usize, StoreError> {
        let mut reader = self.read().await?;
        let (queries, bulks) = statements();
        for query in &queries {
            // A list stands last; its places follow the highest number in the text.
            let first = (1..=99).rev().find(|n| query.text.contains(&format!("${n}"))).map_or(1, |n| n + 1);
            reader.link.prepare(query.name, with_list(query.text, first, 2)).await?;
        }
        for bulk in &bulks {
            reader.link.prepare(bulk.name, bulk.text(2)).await?;
        }
        Ok(queries.len() + bulks.len())
    }

    /// Closes every connection; SQLite folds its log back into the file. Without it the log is folded at the next start.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::SqliteRead(readers) => readers.close().await,
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

/// The file that an address of SQLite names. A file name may carry parameters behind `?` there; ours are options.
fn sqlite_path(url: &str) -> Option<&Path> {
    let rest = url.strip_prefix("sqlite:")?;
    let path = rest.strip_prefix("//").unwrap_or(rest);
    (!path.is_empty() && !path.contains('?') && !path.starts_with(":memory:")).then(|| Path::new(path))
}

/// The tables that problems are in: those that they name, and those that cannot be read from end to end. Where the list of tables itself
/// is damaged, the problems have to do.
async fn damaged(link: &mut Link, problems: &[String]) -> Result<BTreeSet<String>, StoreError> {
    let engine = link.engine();
    let Some(places) = engine.integrity_places() else { return Ok(BTreeSet::new()) };
    let mut found = BTreeSet::new();
    for row in damage(link.all(places, Vec::new()).await, &mut Vec::new())?.unwrap_or_default() {
        let (name, place, root) = (row.text("name")?, row.text("place")?, row.int("root")?);
        let unreadable = match engine.integrity_walk(&name).filter(|_| name == place) {
            Some(walk) => {
                matches!(
                    link.script("reading a table", walk).await,
                    Err(StoreError::Corrupt { .. } | StoreError::Disk { .. })
                )
            }
            None => false,
        };
        if unreadable || problems.iter().any(|problem| is_in(problem, &name, root)) {
            found.insert(place);
        }
    }
    Ok(found)
}

/// Whether a problem is in the tree of this root page, or in the index of this name: `Tree 61 page 267: …`, `row 3 missing from index
/// host_by_set`.
fn is_in(problem: &str, name: &str, root: i64) -> bool {
    let words: Vec<&str> = problem.split(|c: char| c.is_whitespace() || c == ':').collect();
    let root = root.to_string();
    words.windows(2).any(|pair| matches!(pair, ["Tree", number] if *number == root))
        || words.windows(2).any(|pair| matches!(pair, ["index" | "table", called] if *called == name))
}

/// Damage that ends a part of the check is what the check looks for, not a failure of it.
fn damage<T>(result: Result<T, StoreError>, problems: &mut Vec<String>) -> Result<Option<T>, StoreError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::Corrupt { doing, source }) => {
            problems.push(format!("{doing}: {source}"));
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

/// Every statement of this crate that does not only describe the engine.
fn statements() -> (Vec<link::Sql>, Vec<link::Bulk>) {
    let queries = [
        account::ALL,
        asset::ALL,
        audit::ALL,
        exception::ALL,
        feed::ALL,
        host::ALL,
        intel::ALL,
        inventory::ALL,
        migrate::ALL,
        outbox::ALL,
        policy::ALL,
        saved_view::ALL,
        setting::ALL,
        source::ALL,
        token::ALL,
        vex_document::ALL,
    ];
    let bulks = [asset::BULKS, audit::BULKS, feed::BULKS, host::BULKS, inventory::BULKS, outbox::BULKS, source::BULKS];
    (queries.concat(), bulks.concat())
}

/// Makes the file before SQLite does, because SQLite would give it the mode of the umask. `-wal` and `-shm` take the mode of
/// the file.
async fn file_ready(path: &Path, create: Create) -> Result<(), StoreError> {
    let failed = |source| StoreError::OpenFile { path: path.display().to_string(), source };
    match tokio::fs::metadata(path).await {
        Ok(found) if found.is_dir() => {
            return Err(failed(std::io::Error::from(std::io::ErrorKind::IsADirectory)));
        }
        Ok(_) => return Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(failed(e)),
    }
    match create {
        Create::Never => {
            return Err(StoreError::NoFile { path: path.display().to_string() });
        }
        Create::IfMissing => {}
    }
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        let mut builder = tokio::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        builder.mode(0o700);
        builder.create(folder).await.map_err(failed)?;
    }
    let mut open = tokio::fs::OpenOptions::new();
    open.write(true).create(true).truncate(false);
    #[cfg(unix)]
    open.mode(0o600);
    open.open(path).await.map_err(failed)?;
    Ok(())
}

/// Says so when others may read a file that holds password hashes and the fleet's weak points.
async fn file_mode_warning(path: &Path) -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = tokio::fs::metadata(path).await.ok()?.permissions().mode() & 0o777;
        (mode & 0o077 != 0).then(|| {
            format!("file mode is {mode:04o}, so other accounts of this machine can read it; it should be 0600")
        })
    }
    #[cfg(not(unix))]
    {
        let _unused = path;
        None
    }
}

/// An address for people: what stands between the colon and the at-sign of the authority is left out, and so is the query.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
    let (authority, path) = rest.split_once('/').map_or((rest, String::new()), |(a, p)| (a, format!("/{p}")));
    let authority = match authority.rsplit_once('@') {
        Some((user, server)) => format!("{}@{server}", user.split_once(':').map_or(user, |(name, _)| name)),
        None => authority.to_owned(),
    };
    format!("{scheme}://{authority}{path}")
}

/// How long to wait before a locked file is tried again.
const LOCKED_PAUSE: Duration = Duration::from_millis(50);

/// Opens the writing connection. SQLite answers "locked" at once, without its usual wait, when another process switches the same new
/// file to WAL in that moment; so the wait is ours here, and no longer than the usual one.
async fn open_writer(
    sqlite: &SqliteConnectOptions,
    queue: Duration,
    busy: Duration,
    place: &str,
) -> Result<SqlitePool, StoreError> {
    let began = std::time::Instant::now();
    loop {
        let opened = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(queue)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(sqlite.clone())
            .await;
        match opened.map_err(|e| StoreError::sort(format!("opening {place}"), e)) {
            Err(StoreError::Locked { .. }) if began.elapsed() < busy => tokio::time::sleep(LOCKED_PAUSE).await,
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (url, shown) in [
            ("postgres://ana:se:cret@db.example/pw?password=x", "postgres://ana@db.example/pw"),
            ("postgres://db.example:5432/pw", "postgres://db.example:5432/pw"),
            ("postgres:///pw?host=/run/postgresql", "postgres:///pw"),
            ("mysql://u:p@h", "mysql://u@h"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
