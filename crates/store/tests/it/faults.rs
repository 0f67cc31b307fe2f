//! What goes wrong around a database: full, locked, damaged, read only, missing, killed. Always a clear error with a hint, and
//! nothing half-written.

use std::path::{Path, PathBuf};
use std::time::Duration;

use patchwright_store::{Access, Create, Db, Options, StoreError};
use patchwright_testkit::skip::skip;
use sqlx::{Connection as _, Executor as _};

use crate::stage::{NOW, Place, Stage, address, block_on, entry, facts, on_every_engine, options};

on_every_engine!(a_locked_row_or_file_is_said_to_be_locked, a_closed_database_says_so);

fn hint(error: &StoreError) -> &str {
    error.hint().unwrap()
}

fn url(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("data").join("test.db")
    }
}

async fn a_locked_row_or_file_is_said_to_be_locked(stage: Stage) {
    let impatient = Options { busy: Duration::from_millis(200), ..options() };
    let other = Db::connect(&stage.url, &impatient).await.unwrap();
    let mut holder = stage.db.write().await.unwrap();
    holder.setting_save("key", "held", None).await.unwrap();
    let blocked = async {
        let mut txn = other.write().await?;
        txn.setting_save("key", "wanted", None).await?;
        txn.commit().await
    }
    .await
    .unwrap_err();
    assert!(matches!(blocked, StoreError::Locked { .. }) && blocked.is_retryable(), "{blocked}");
    assert!(hint(&blocked).contains("another patchwright process"));
    // Reading goes on while somebody writes.
    assert_eq!(other.read().await.unwrap().setting_fetch("key").await.unwrap(), None);
    holder.commit().await.unwrap();
    assert!(other.read().await.unwrap().setting_fetch("key").await.unwrap().is_some());
    other.close().await;
}

async fn a_closed_database_says_so(stage: Stage) {
    stage.db.close().await;
    let error = stage.db.read().await.map(|_| ()).unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
}

#[test]
fn a_full_disk_leaves_what_was_there() {
    let folder = Folder::new();
    block_on(async {
        let small = Options { pages_max: Some(120), ..options() };
        let db = Db::connect(&url(&folder.file()), &small).await.unwrap();
        let mut written = 0;
        let error = loop {
            let mut txn = db.write().await.unwrap();
            let one = txn.setting_save(&format!("key{written}"), &"x".repeat(9_000), None).await;
            txn.audit_append(entry("setting.edit", "key"));
            let done = match one {
                Ok(_) => txn.commit().await,
                Err(e) => Err(e),
            };
            match done {
                Ok(()) => written += 1,
                Err(e) => break e,
            }
            assert!(written < 500, "the file never got full");
        };
        assert!(matches!(error, StoreError::Full { .. }), "{error}");
        assert!(hint(&error).contains("nothing was half-written"));
        let mut read = db.read().await.unwrap();
        assert!(written > 0);
        assert_eq!(read.setting_list().await.unwrap().len(), written);
        assert_eq!(read.audit_verify(None).await.unwrap().head.seq, written as u64);
        drop(read);
        assert_eq!(db.check().await.unwrap().problems, Vec::<String>::new());
        // With room again the same database goes on.
        db.close().await;
        let db = Db::connect(&url(&folder.file()), &options()).await.unwrap();
        let mut txn = db.write().await.unwrap();
        txn.setting_save("more", &"x".repeat(9_000), None).await.unwrap();
        txn.commit().await.unwrap();
        db.close().await;
    });
}

#[test]
fn a_file_that_is_no_database_is_not_overwritten() {
    let folder = Folder::new();
    std::fs::create_dir(folder.file().parent().unwrap()).unwrap();
    let letter = "Dear all, this is a letter and no database. ".repeat(200);
    std::fs::write(folder.file(), &letter).unwrap();
    let error = block_on(Db::connect(&url(&folder.file()), &options())).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert!(hint(&error).contains("backup"));
    assert_eq!(std::fs::read_to_string(folder.file()).unwrap(), letter);
}

#[test]
fn damage_in_the_middle_is_found() {
    let folder = Folder::new();
    block_on(async {
        let db = Db::connect(&url(&folder.file()), &options()).await.unwrap();
        let mut txn = db.write().await.unwrap();
        // Enough that the second half of the file is theirs alone: opening reads the first.
        for n in 0..1_200 {
            txn.setting_save(&format!("key{n}"), &"x".repeat(500), None).await.unwrap();
        }
        txn.commit().await.unwrap();
        db.close().await;
    });
    let mut bytes = std::fs::read(folder.file()).unwrap();
    let (from, to) = (bytes.len() / 2, bytes.len() - 4096);
    bytes[from..to].fill(0xa5);
    std::fs::write(folder.file(), bytes).unwrap();
    block_on(async {
        let db = Db::connect(&url(&folder.file()), &options()).await.unwrap();
        let report = db.check().await.unwrap();
        assert!(!report.problems.is_empty());
        assert_eq!(report.damaged, ["setting"], "{:?}", report.problems);
        let error = db.read().await.unwrap().setting_list().await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        db.close().await;
    });
}

#[test]
fn a_cut_off_file_is_found() {
    let folder = Folder::new();
    block_on(async {
        Db::connect(&url(&folder.file()), &options()).await.unwrap().close().await;
    });
    let bytes = std::fs::read(folder.file()).unwrap();
    std::fs::write(folder.file(), &bytes[..bytes.len() / 3]).unwrap();
    let error = block_on(async {
        let db = Db::connect(&url(&folder.file()), &options()).await?;
        let report = db.check().await?;
        assert!(!report.problems.is_empty());
        Ok::<_, StoreError>(())
    });
    if let Err(error) = error {
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    }
}

#[test]
fn the_file_and_its_folder_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    block_on(async {
        let db = Db::connect(&url(&folder.file()), &options()).await.unwrap();
        let mut txn = db.write().await.unwrap();
        txn.setting_save("key", "value", None).await.unwrap();
        txn.commit().await.unwrap();
        assert_eq!(mode(folder.file().parent().unwrap()), 0o700);
        let mut found = 0;
        for file in std::fs::read_dir(folder.file().parent().unwrap()).unwrap() {
            assert_eq!(mode(&file.unwrap().path()), 0o600);
            found += 1;
        }
        assert!(found >= 2, "the file and its log");
        std::fs::set_permissions(folder.file(), std::fs::Permissions::from_mode(0o644)).unwrap();
        let report = db.check().await.unwrap();
        assert!(report.warnings.iter().any(|w| w.contains("0644")), "{report:?}");
        db.close().await;
    });
}

#[test]
fn a_missing_file_is_made_only_when_wanted() {
    let folder = Folder::new();
    let never = Options { create: Create::Never, ..options() };
    let error = block_on(Db::connect(&url(&folder.file()), &never)).unwrap_err();
    assert!(matches!(error, StoreError::NoFile { .. }), "{error}");
    assert!(hint(&error).contains("patchwright up"));
    assert!(!folder.file().exists());
    let error = block_on(Db::connect(&url(folder.folder.path()), &options())).unwrap_err();
    assert!(matches!(error, StoreError::OpenFile { .. }), "a folder is no file: {error}");
}

#[test]
fn a_read_only_folder_is_said_to_be_one() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    std::fs::set_permissions(folder.folder.path(), std::fs::Permissions::from_mode(0o500)).unwrap();
    // Root writes into any folder of a disk, so for root it has to be a file system that takes no files from anybody.
    let is_root = std::fs::write(folder.folder.path().join("probe"), "").is_ok();
    let path = if is_root { PathBuf::from("/proc/patchwright/test.db") } else { folder.file() };
    let error = block_on(Db::connect(&url(&path), &options())).unwrap_err();
    std::fs::set_permissions(folder.folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    assert!(matches!(error, StoreError::OpenFile { .. }), "{error}");
    assert!(hint(&error).contains("read-only file system"));
}

/// Runs one test of this binary in a process of its own, with `name` set to `value`; as somebody without rights when `as_nobody`.
fn in_a_process_of_its_own(
    test: &str,
    name: &str,
    value: &str,
    as_nobody: bool,
) -> std::io::Result<std::process::ExitStatus> {
    let program = std::env::current_exe().unwrap();
    #[expect(clippy::disallowed_methods, reason = "these tests need a process that they may kill or take rights from")]
    let mut command = if as_nobody {
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(program);
        command
    } else {
        std::process::Command::new(program)
    };
    command
        .args(["--exact", test])
        .env(name, value)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
}

/// Says to [`a_database_in_a_read_only_folder_is_said_to_be_one`]'s second process what to open.
const READ_ONLY: &str = "PATCHWRIGHT_TEST_READ_ONLY";

#[test]
fn read_only_visitor() {
    let Ok(url) = std::env::var(READ_ONLY) else {
        return;
    };
    let error = block_on(Db::connect(&url, &options())).unwrap_err();
    assert!(matches!(error, StoreError::NotWritable { .. }), "{error}");
    assert!(hint(&error).contains("read-only file system"));
    // Who only looks may look, and writes nothing.
    block_on(async {
        let db = Db::connect(&url, &Options { access: Access::Read, ..options() }).await.unwrap();
        assert!(db.is_read_only());
        assert_eq!(db.read().await.unwrap().audit_verify(None).await.unwrap().head.seq, 0);
        assert_eq!(db.check().await.unwrap().problems, Vec::<String>::new());
        let error = db.write().await.map(|_| ()).unwrap_err();
        assert!(matches!(error, StoreError::NotWritable { .. }), "{error}");
        db.close().await;
    });
    let path = url.trim_start_matches("sqlite://").replace("test.db", "other.db");
    let error = block_on(Db::connect(&format!("sqlite://{path}"), &options())).unwrap_err();
    assert!(matches!(error, StoreError::OpenFile { .. }), "{error}");
}

#[test]
fn a_database_in_a_read_only_folder_is_said_to_be_one() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let folder = Folder::new();
    block_on(async {
        Db::connect(&url(&folder.file()), &options()).await.unwrap().close().await;
    });
    let data = folder.file().parent().unwrap().to_owned();
    mode(&folder.file(), 0o444);
    mode(&data, 0o555);
    mode(folder.folder.path(), 0o755);
    // Root may write anywhere, so for root it is somebody else who looks.
    let is_root = std::fs::write(data.join("probe"), "").is_ok();
    let before = std::fs::read(folder.file()).unwrap();
    let done = in_a_process_of_its_own("faults::read_only_visitor", READ_ONLY, &url(&folder.file()), is_root);
    mode(&data, 0o755);
    match done.map(|status| status.code()) {
        Ok(Some(0)) => assert_eq!(std::fs::read(folder.file()).unwrap(), before),
        Ok(Some(126 | 127)) | Err(_) => {
            skip("a read-only data folder", "no setpriv, or this test binary is not readable for others")
        }
        Ok(code) => {
            panic!("the second process ended with {code:?}; run `faults::read_only_visitor` with {READ_ONLY} set")
        }
    }
}

/// A server in recovery, or a role without rights, answers with SQLSTATE 25006 and 42501.
#[test]
fn a_server_that_takes_no_writes_is_said_to_be_one() {
    let Some((url, _)) = address(Place::Codepoint) else {
        return;
    };
    block_on(async {
        Db::connect(&url, &options()).await.unwrap().close().await;
        let read_only = url.replace("options=", "options=-c%20default_transaction_read_only%3Don%20");
        let error = Db::connect(&read_only, &options()).await.unwrap_err();
        assert!(matches!(error, StoreError::NotWritable { .. }), "{error}");
        assert!(hint(&error).contains("read-only"));
    });
}

#[test]
fn an_address_that_is_none_is_said_to_be_none() {
    for bad in ["", "sqlite://", "sqlite::memory:", "sqlite:///x?mode=memory", "mysql://u:secret@h/x", "/var/lib/x.db"]
    {
        let error = block_on(Db::connect(bad, &Options::new(NOW))).unwrap_err();
        assert!(matches!(error, StoreError::Url { .. }), "{bad}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(hint(&error).contains("sqlite://PATH"));
    }
}

#[test]
fn a_server_that_is_not_there_is_said_not_to_be() {
    let impatient = Options { busy: Duration::from_millis(500), ..options() };
    // Port 1 of the loopback: nothing listens there.
    let error = block_on(Db::connect("postgres://ana:secret@127.0.0.1:1/pw", &impatient)).unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    assert!(!error.to_string().contains("secret") && error.to_string().contains("127.0.0.1:1"), "{error}");
    assert!(hint(&error).contains("PostgreSQL"));
    // The server's refusal itself, at once; not "timed out" after a wait.
    let patient = Options { busy: Duration::from_secs(60), ..options() };
    let began = std::time::Instant::now();
    let error = block_on(Db::connect("postgres://ana:secret@127.0.0.1:1/pw", &patient)).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("refused") && began.elapsed() < Duration::from_secs(10), "{:?}: {cause}", began.elapsed());
    if let Some((url, _)) = address(Place::Codepoint) {
        let other = url.replace("/postgres?", "/no_such_database?");
        assert_ne!(other, url);
        let error = block_on(Db::connect(&other, &impatient)).unwrap_err();
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    }
}

/// Says to [`victim`], in a process of its own, where to write before it dies.
const VICTIM: &str = "PATCHWRIGHT_TEST_VICTIM";

/// The part that is killed: it has written and not committed.
#[test]
fn victim() {
    let Ok(url) = std::env::var(VICTIM) else {
        return;
    };
    block_on(async {
        let db = Db::connect(&url, &options()).await.unwrap();
        let mut txn = db.write().await.unwrap();
        for n in 0..300 {
            txn.setting_save(&format!("lost{n}"), &"x".repeat(9_000), None).await.unwrap();
        }
        std::process::abort();
    });
}

#[test]
fn killed_between_statements_leaves_nothing() {
    for place in [Place::Sqlite, Place::Codepoint] {
        let Some((url, _folder)) = address(place) else {
            continue;
        };
        block_on(async {
            let db = Db::connect(&url, &options()).await.unwrap();
            let mut txn = db.write().await.unwrap();
            txn.setting_save("kept", "value", None).await.unwrap();
            txn.audit_append(entry("setting.edit", "kept"));
            txn.commit().await.unwrap();
            db.close().await;
        });
        let status = in_a_process_of_its_own("faults::victim", VICTIM, &url, false).unwrap();
        assert_eq!(status.code(), None, "it died of a signal: {status}");
        block_on(async {
            let db = Db::connect(&url, &options()).await.unwrap();
            let mut read = db.read().await.unwrap();
            let keys: Vec<String> = read.setting_list().await.unwrap().into_iter().map(|(key, _)| key).collect();
            assert_eq!(keys, ["kept"]);
            assert_eq!(read.audit_verify(None).await.unwrap().head.seq, 1);
            drop(read);
            assert_eq!(db.check().await.unwrap().problems, Vec::<String>::new());
            db.close().await;
        });
    }
}

/// Another program (a backup tool, the sqlite shell) that holds the file.
#[test]
fn a_file_that_another_program_holds_is_said_to_be_locked() {
    let folder = Folder::new();
    block_on(async {
        Db::connect(&url(&folder.file()), &options()).await.unwrap().close().await;
        let mut other = sqlx::SqliteConnection::connect(&url(&folder.file())).await.unwrap();
        other.execute("BEGIN IMMEDIATE").await.unwrap();
        let impatient = Options { busy: Duration::from_millis(200), ..options() };
        let error = Db::connect(&url(&folder.file()), &impatient).await.unwrap_err();
        assert!(matches!(error, StoreError::Locked { .. }), "{error}");
        other.execute("ROLLBACK").await.unwrap();
        let db = Db::connect(&url(&folder.file()), &impatient).await.unwrap();
        let mut txn = db.write().await.unwrap();
        txn.host_upsert_facts(&patchwright_store::FactsWrite {
            id: &crate::stage::id("1"),
            expected: None,
            at: NOW,
            facts: &facts("web1", &["a=1"]),
            profile: &patchwright_domain::decision::profile::AssetProfile::default(),
        })
        .await
        .unwrap();
        txn.commit().await.unwrap();
        db.close().await;
    });
}
