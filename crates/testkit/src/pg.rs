//! A private PostgreSQL for tests: found or started once for a test binary, one schema for each test.
//!
//! `PATCHWRIGHT_TEST_PG` names a server to use (`postgres://USER@HOST/DATABASE`, with the right to create databases and schemas).
//! Without it a server is started from the machine's own binaries: it lives in a folder of its own, listens on a socket in that
//! folder and nowhere else, and goes away with the test process however that ends, because a small shell holds a pipe whose
//! other end is the test process.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How a database compares text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collation {
    /// By code points, like SQLite and the C locale.
    Codepoint,
    /// Like a dictionary: `a` before `B`, punctuation ignored at first. What most servers in the field have.
    Linguistic,
}

/// Why there is no PostgreSQL here; tests print it as `skipped: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable(pub String);

impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Longest wait for a server to start; `initdb` and start need about two seconds on an idle machine.
const START_TRIES: u32 = 600;

/// Pause between two looks at a starting server.
const START_PAUSE: Duration = Duration::from_millis(100);

/// Longest path of the socket's folder: the kernel takes 107 bytes for the socket itself, whose name PostgreSQL adds.
const SOCKET_FOLDER_BYTES_MAX: usize = 80;

/// The databases in which schemas are made.
struct Server {
    psql: PathBuf,
    codepoint: Address,
    linguistic: Result<Address, Unavailable>,
    /// Kept for its standard input: closing it is what stops the server.
    _guardian: Option<Child>,
}

/// A database address in two parts, because a search path has to go into the query.
#[derive(Clone)]
struct Address {
    /// `postgres://…/database`.
    base: String,
    /// `key=value&…`, maybe empty.
    query: String,
}

impl Address {
    fn url(&self, more: &str) -> String {
        let parts: Vec<&str> = [self.query.as_str(), more].into_iter().filter(|p| !p.is_empty()).collect();
        if parts.is_empty() { self.base.clone() } else { format!("{}?{}", self.base, parts.join("&")) }
    }

    fn sibling(&self, database: &str) -> Self {
        let server = self.base.rsplit_once('/').map_or(self.base.as_str(), |(server, _)| server);
        Self { base: format!("{server}/{database}"), query: self.query.clone() }
    }
}

static SERVER: OnceLock<Result<Server, Unavailable>> = OnceLock::new();

/// Number of schemas made by this process, to name the next one.
static SCHEMAS: AtomicU32 = AtomicU32::new(0);

/// Makes an empty schema and gives an address whose unqualified names mean it. The schema goes away with the private server; on
/// a server from `PATCHWRIGHT_TEST_PG` it stays, for a look at what a failed test left behind.
///
/// # Errors
/// Why there is none; `PATCHWRIGHT_REQUIRE_PG=1` is for the caller to honour.
pub fn schema(collation: Collation) -> Result<String, Unavailable> {
    let server = match SERVER.get_or_init(start) {
        Ok(server) => server,
        Err(why) => return Err(why.clone()),
    };
    let address = match (collation, &server.linguistic) {
        (Collation::Codepoint, _) => &server.codepoint,
        (Collation::Linguistic, Ok(address)) => address,
        (Collation::Linguistic, Err(why)) => return Err(why.clone()),
    };
    let name = format!("t{}_{}", std::process::id(), SCHEMAS.fetch_add(1, Ordering::Relaxed));
    run_sql(&server.psql, address, &format!("CREATE SCHEMA {name}"))?;
    Ok(address.url(&format!("options=-c%20search_path%3D{name}")))
}

/// Asks a server something through `psql`, for tests that need a second pair of hands; gives the answer without heads.
///
/// # Errors
/// What `psql` said.
pub fn ask(url: &str, sql: &str) -> Result<String, Unavailable> {
    let server = match SERVER.get_or_init(start) {
        Ok(server) => server,
        Err(why) => return Err(why.clone()),
    };
    let address = Address { base: url.to_owned(), query: String::new() };
    run_sql(&server.psql, &address, sql)
}

fn start() -> Result<Server, Unavailable> {
    match std::env::var("PATCHWRIGHT_TEST_PG") {
        Ok(url) if !url.is_empty() => use_given(&url),
        Ok(_) | Err(_) => start_private(),
    }
}

fn use_given(url: &str) -> Result<Server, Unavailable> {
    let psql = find("psql")
        .ok_or_else(|| Unavailable("PATCHWRIGHT_TEST_PG is set and there is no psql to prepare it with".to_owned()))?;
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let codepoint = Address { base: base.to_owned(), query: query.to_owned() };
    run_sql(&psql, &codepoint, "SELECT 1")?;
    let linguistic = linguistic_database(&psql, &codepoint);
    Ok(Server { psql, codepoint, linguistic, _guardian: None })
}

fn start_private() -> Result<Server, Unavailable> {
    let missing =
        |name: &str| Unavailable(format!("postgresql: `{name}` was not found under /usr/lib/postgresql or in PATH"));
    let initdb = find("initdb").ok_or_else(|| missing("initdb"))?;
    let postgres = find("postgres").ok_or_else(|| missing("postgres"))?;
    let psql = find("psql").ok_or_else(|| missing("psql"))?;
    let folder = private_folder()?;
    let account = Account::choose(&folder)?;
    let data = folder.join("data");
    let made = output(account.command(&initdb).arg("-D").arg(&data).args([
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    ]));
    if let Err(why) = made {
        remove(&folder);
        return Err(Unavailable(format!("postgresql: initdb failed: {}", why.0)));
    }
    let guardian = guard(&account, &postgres, &data, &folder)?;
    let codepoint = Address {
        base: "postgres://postgres@localhost/postgres".to_owned(),
        query: format!("host={}", escape(&folder)),
    };
    let mut answer = Err(Unavailable("postgresql: never asked".to_owned()));
    for _ in 0..START_TRIES {
        answer = run_sql(&psql, &codepoint, "SELECT 1");
        if answer.is_ok() {
            break;
        }
        std::thread::sleep(START_PAUSE);
    }
    if let Err(why) = answer {
        let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        // Dropping the guardian closes its input, so the half-started server goes and the folder with it.
        drop(guardian);
        return Err(Unavailable(format!("postgresql: did not start: {}; {}", why.0, last_line(&log))));
    }
    let linguistic = linguistic_database(&psql, &codepoint);
    Ok(Server { psql, codepoint, linguistic, _guardian: Some(guardian) })
}

/// Makes (or finds) a database that compares text like a dictionary: by ICU where the server has it, else by a locale of the
/// system. Whether it really does is asked, not assumed.
fn linguistic_database(psql: &Path, first: &Address) -> Result<Address, Unavailable> {
    let ways = [
        ("patchwright_icu", "LOCALE_PROVIDER icu ICU_LOCALE 'und' LOCALE 'C'"),
        ("patchwright_icu_en", "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8'"),
        ("patchwright_en", "LOCALE 'en_US.UTF-8'"),
    ];
    let mut why = String::from("postgresql: no database that compares like a dictionary:");
    for (name, options) in ways {
        let database = first.sibling(name);
        let create = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' {options}");
        if let Err(e) = run_sql(psql, first, &create) {
            // It may be there from an earlier run on a given server.
            if !e.0.contains("already exists") {
                // Writing to a String cannot fail; the reason is complete without this part too.
                write!(why, " {}", e.0).unwrap_or_default();
                continue;
            }
        }
        match run_sql(psql, &database, "SELECT 'a' < 'B'") {
            Ok(answer) if answer == "t" => return Ok(database),
            Ok(_) => write!(why, " {name} compares by code points").unwrap_or_default(),
            Err(e) => write!(why, " {}", e.0).unwrap_or_default(),
        }
    }
    Err(Unavailable(why))
}

/// The operating-system account under which the server runs: PostgreSQL refuses root.
enum Account {
    Own,
    Other { uid: u32, gid: u32, setpriv: PathBuf },
}

impl Account {
    /// Chooses the account and gives it the folder.
    fn choose(folder: &Path) -> Result<Self, Unavailable> {
        if output(command(Path::new("id")).arg("-u"))? != "0" {
            return Ok(Self::Own);
        }
        let setpriv = find("setpriv").ok_or_else(|| {
            Unavailable("postgresql: refuses to run as root, and there is no setpriv to change the account".to_owned())
        })?;
        let passwd = std::fs::read_to_string("/etc/passwd")
            .map_err(|e| Unavailable(format!("postgresql: cannot read /etc/passwd: {e}")))?;
        let (uid, gid) =
            ["postgres", "nobody"].into_iter().find_map(|name| account_ids(&passwd, name)).ok_or_else(|| {
                Unavailable(
                    "postgresql: refuses to run as root, and there is no account `postgres` or `nobody`".to_owned(),
                )
            })?;
        #[cfg(unix)]
        std::os::unix::fs::chown(folder, Some(uid), Some(gid))
            .map_err(|e| Unavailable(format!("postgresql: cannot give away {}: {e}", folder.display())))?;
        Ok(Self::Other { uid, gid, setpriv })
    }

    fn command(&self, program: &Path) -> Command {
        match self {
            Self::Own => command(program),
            Self::Other { uid, gid, setpriv } => {
                let mut command = command(setpriv);
                command.args([format!("--reuid={uid}"), format!("--regid={gid}")]);
                command.args(["--clear-groups", "--"]).arg(program);
                command
            }
        }
    }
}

fn account_ids(passwd: &str, name: &str) -> Option<(u32, u32)> {
    let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// Starts the server under a shell that ends it, by its own process id, when the shell's input ends. The shell is in a process
/// group of its own, so that Ctrl-C reaches the tests first and the shell sees their end.
fn guard(account: &Account, postgres: &Path, data: &Path, folder: &Path) -> Result<Child, Unavailable> {
    const SCRIPT: &str = r#"
        folder=$1; shift
        "$@" </dev/null >"$folder/log" 2>&1 &
        server=$!
        cat >/dev/null
        kill -INT "$server"
        wait "$server"
        rm -rf "$folder"
    "#;
    let server = account.command(postgres);
    let mut shell = command(Path::new("sh"));
    shell.arg("-c").arg(SCRIPT).arg("guardian").arg(folder);
    shell.arg(server.get_program()).args(server.get_args()).arg("-D").arg(data).arg("-k").arg(folder);
    for setting in [
        "listen_addresses=",
        // The data is thrown away: waiting for the disk proves nothing here.
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "max_connections=200",
        "shared_buffers=32MB",
        "autovacuum=off",
    ] {
        shell.arg("-c").arg(setting);
    }
    shell.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    shell.spawn().map_err(|e| Unavailable(format!("postgresql: cannot start a shell: {e}")))
}

/// A folder with a short name that only the server's account may enter.
fn private_folder() -> Result<PathBuf, Unavailable> {
    let failed = |e: std::io::Error| Unavailable(format!("postgresql: no folder for its data: {e}"));
    let short = std::env::temp_dir();
    let parent = if short.as_os_str().len() > SOCKET_FOLDER_BYTES_MAX { PathBuf::from("/tmp") } else { short };
    let folder = tempfile::Builder::new().prefix("pw-pg-").tempdir_in(parent).map_err(failed)?;
    // The guardian removes it: it is the one that outlives this process.
    Ok(folder.keep())
}

fn remove(folder: &Path) {
    if let Err(e) = std::fs::remove_dir_all(folder) {
        // Nothing depends on it and a test helper has no log; the name says whose it is.
        drop(e);
    }
}

/// The newest installed PostgreSQL first, then the search path.
fn find(program: &str) -> Option<PathBuf> {
    let mut installed: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin").join(program))))
        .collect();
    installed.sort_by(|a, b| b.cmp(a));
    let searched = std::env::var_os("PATH").unwrap_or_default();
    installed
        .into_iter()
        .map(|(_, path)| path)
        .chain(std::env::split_paths(&searched).map(|folder| folder.join(program)))
        .find(|path| path.is_file())
}

fn run_sql(psql: &Path, address: &Address, sql: &str) -> Result<String, Unavailable> {
    // psql wants the settings of a session as a variable, not in the address.
    let mut plain = Vec::new();
    let mut options = String::new();
    let url = address.url("");
    let (base, query) = url.split_once('?').unwrap_or((&url, ""));
    for part in query.split('&').filter(|p| !p.is_empty()) {
        match part.strip_prefix("options=") {
            Some(value) => options = value.replace("%20", " ").replace("%3D", "="),
            None => plain.push(part),
        }
    }
    let url = if plain.is_empty() { base.to_owned() } else { format!("{base}?{}", plain.join("&")) };
    output(
        command(psql)
            .env("PGOPTIONS", options)
            .env("PGCONNECT_TIMEOUT", "10")
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d"])
            .arg(url)
            .args(["-c", sql]),
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test helper that starts a database server; nothing here runs on managed hosts"
)]
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// Runs a command to its end and gives its output without the last line end.
fn output(command: &mut Command) -> Result<String, Unavailable> {
    // A file instead of pipes: a server process that inherits a pipe would keep it open for ever.
    let failed = |e: std::io::Error| Unavailable(e.to_string());
    let mut out = tempfile::tempfile().map_err(failed)?;
    let mut err = tempfile::tempfile().map_err(failed)?;
    let status = command
        .current_dir("/")
        .stdout(out.try_clone().map_err(failed)?)
        .stderr(err.try_clone().map_err(failed)?)
        .status()
        .map_err(|e| Unavailable(format!("{}: {e}", command.get_program().to_string_lossy())))?;
    let text = |file: &mut std::fs::File| -> std::io::Result<String> {
        let mut text = String::new();
        std::io::Seek::rewind(file)?;
        file.read_to_string(&mut text)?;
        Ok(text.trim_end().to_owned())
    };
    if status.success() {
        text(&mut out).map_err(failed)
    } else {
        Err(Unavailable(last_line(&text(&mut err).map_err(failed)?).to_owned()))
    }
}

fn last_line(text: &str) -> &str {
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message")
}

/// A path inside the query of an address.
fn escape(path: &Path) -> String {
    path.to_string_lossy().replace('%', "%25").replace('/', "%2F").replace(' ', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_compare_as_they_say() {
        let mut different = Vec::new();
        for (collation, answer) in [(Collation::Codepoint, "f"), (Collation::Linguistic, "t")] {
            match schema(collation) {
                Ok(url) => {
                    assert_eq!(ask(&url, "SELECT 'a' < 'B'"), Ok(answer.to_owned()));
                    different.push(ask(&url, "SELECT current_schema()"));
                }
                Err(why) => println!("skipped: {why}"),
            }
        }
        assert!(different.iter().all(|s| s.as_ref().is_ok_and(|s| s.starts_with('t'))), "{different:?}");
        different.dedup();
        assert!(different.len() != 1 || SERVER.get().is_some_and(Result::is_ok), "every schema is its own");
    }

    #[test]
    fn account_ids_come_from_passwd() {
        let passwd = "root:x:0:0::/root:/bin/sh\npostgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(account_ids(passwd, "postgres"), Some((101, 104)));
        assert_eq!(account_ids(passwd, "post"), None);
    }

    #[test]
    fn what_failed_is_said() {
        let failed = output(command(Path::new("sh")).args(["-c", "echo one >&2; echo two >&2; exit 3"]));
        assert_eq!(failed, Err(Unavailable("two".to_owned())));
        assert!(output(&mut command(Path::new("/no/such/program"))).is_err());
    }
}
