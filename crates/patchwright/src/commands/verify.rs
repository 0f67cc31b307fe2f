//! `verify repo|deb|rpm|file|sources`: is it what its publisher signed, and if not, may it enter all the same.

mod file;
mod memory;
mod repository;

use std::fs::File;
use std::path::{Path, PathBuf};

use patchwright_app::Clock;
use patchwright_domain::intel::authenticity::{
    Admission, Approval, AuthenticityPolicy, Reason, RepositoryVerdict, Verdict, admit,
};
use patchwright_domain::time::{DAY_MS, Timestamp};
use patchwright_formats::host::apt_sources::AptSource;
use patchwright_formats::host::rpm_repositories::without_secrets;
use patchwright_trust::keyring::Keyring;
use patchwright_trust::repo::{self, Asked, Packages, RepoCheck};
use patchwright_trust::{digest, index, repomd, rpm};
use serde::Serialize;

use super::local::{Place, block_on};
use super::{input, policy};
use crate::args::{Judge, RepoArgs, Verify};
use crate::exit::{Code, Failure};
use crate::output::{self, Format, clean};
use memory::Memory;
use repository::Repository;

/// Largest Debian package that is read, in bytes.
const DEB_MAX: u64 = 16 << 30;

/// One artifact in the answer.
#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    verdict: Verdict,
    /// The reasons in words, in the order of `reasons`.
    words: Vec<String>,
    #[serde(flatten)]
    admission: Admission,
    /// Dates of a repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<String>,
}

/// Runs it.
pub(crate) fn run(place: &Place, command: &Verify) -> Result<Code, Failure> {
    let now = Clock::system().now();
    match command {
        Verify::Repo { target, repo, packages, judge } => {
            let verdicts = repository(place, target, repo, *packages, now)?;
            answer(place, verdicts, judge, now)
        }
        Verify::Deb { paths, repo, of, judge } => {
            let verdicts = debs(place, paths, repo, of, now)?;
            answer(place, verdicts, judge, now)
        }
        Verify::Rpm { paths, keyring: keys, judge } => {
            let ring = keyring(keys)?;
            let mut verdicts = Vec::new();
            for path in paths {
                let mut file = open(path)?;
                verdicts.push(rpm::check(&path.display().to_string(), &mut file, &ring, now).verdict);
            }
            answer(place, verdicts, judge, now)
        }
        Verify::File(args) => {
            let verdict = file::check(args, now)?;
            answer(place, vec![verdict], &args.judge, now)
        }
        Verify::Sources { judge } => sources(place, judge, now),
    }
}

fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|e| {
        Failure::new(
            Code::Input,
            format!("failed to open `{}`: {e}", path.display()),
            "check the path and that you may read it",
        )
    })
}

/// Keys of several files as one keyring.
fn keyring(paths: &[PathBuf]) -> Result<Keyring, Failure> {
    let names = paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ");
    let mut ring = Keyring::empty(names);
    for path in paths {
        let name = path.display().to_string();
        let more = Keyring::read(&name, &input::bytes(path)?).map_err(|e| {
            Failure::new(
                Code::Input,
                format!("`{name}` is no keyring: {e}"),
                "export the keys with `gpg --export` into a file of their own",
            )
        })?;
        ring.extend(more);
    }
    Ok(ring)
}

fn unreachable_repo(target: &str, error: &std::io::Error) -> Failure {
    let target = clean(target);
    Failure::new(
        Code::Input,
        format!("failed to read the repository `{target}`: {error}"),
        "check the address and the network",
    )
}

fn repository(
    place: &Place,
    target: &str,
    args: &RepoArgs,
    all: bool,
    now: Timestamp,
) -> Result<Vec<Verdict>, Failure> {
    let ring = keyring(&args.keyring)?;
    let mut files = Repository::of(target, place.config.offline)?;
    let mut memory = Memory::open(&place.config.data_dir);
    let Some(suite) = &args.suite else {
        let key = repository::identity(target);
        let check = repomd::check(&mut files, target, memory.get(&key), all, &ring, now)
            .map_err(|e| unreachable_repo(target, &e))?;
        memory.remember(&key, check.accepted);
        memory.save(place.quiet);
        not_looked_at(place, &check.unseen, "repomd.xml");
        return Ok(std::iter::once(check.root).chain(check.parts).collect());
    };
    let check = debian(&mut files, target, suite, args, all, &memory, &ring, now)?;
    memory.remember(&key_of(target, suite), check.release.accepted);
    memory.save(place.quiet);
    not_looked_at(place, &check.unseen, "the Release");
    Ok(check.verdicts().cloned().collect())
}

/// What a suite of a repository is remembered as, whoever names it: apt's sources or the command line.
fn key_of(target: &str, suite: &str) -> String {
    format!("{} {suite}", repository::identity(&without_secrets(target)))
}

/// "Verified" is about what was read: what was not is said with it.
fn not_looked_at(place: &Place, unseen: &[String], listed_in: &str) {
    /// Names that are said.
    const NAMED: usize = 5;
    if unseen.is_empty() || place.quiet {
        return;
    }
    let named: Vec<String> = unseen.iter().take(NAMED).map(|name| clean(name)).collect();
    let more = unseen.len().saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let files = if unseen.len() == 1 { "file" } else { "files" };
    output::talk(&format!(
        "not looked at: {} {files} that {listed_in} lists ({}{more}); the rows are about what was read",
        unseen.len(),
        named.join(", ")
    ));
}

fn debian(
    files: &mut Repository,
    target: &str,
    suite: &str,
    args: &RepoArgs,
    all: bool,
    memory: &Memory,
    ring: &Keyring,
    now: Timestamp,
) -> Result<RepoCheck, Failure> {
    let subject = format!("{target} {suite}");
    let accepted = memory.get(&key_of(target, suite));
    let asked = Asked { subject, suite: suite.to_owned(), accepted, ..Asked::default() };
    let packages = if all { Packages::All } else { Packages::None };
    let done = repo::check(files, &asked, (&args.component, &args.arch), &packages, ring, now)
        .map_err(|e| unreachable_repo(target, &e))?;
    if done.release.verdict.is_verified() && done.indexes.is_empty() {
        // Nothing to check is not "all is well".
        let named = done.release.release.as_ref().map(|r| r.components.join(", ")).unwrap_or_default();
        return Err(Failure::new(
            Code::Input,
            format!("the Release of `{}` names no index of what was asked for", output::clean(target)),
            format!("its components are: {}", if named.is_empty() { "none" } else { &named }),
        ));
    }
    Ok(done)
}

/// Packages that lie here, against the chain of a repository.
fn debs(
    place: &Place,
    paths: &[PathBuf],
    target: &str,
    args: &RepoArgs,
    now: Timestamp,
) -> Result<Vec<Verdict>, Failure> {
    let Some(suite) = &args.suite else {
        return Err(Failure::new(
            Code::Usage,
            "--suite is missing",
            "name the suite of the repository, as in --suite bookworm",
        ));
    };
    let ring = keyring(&args.keyring)?;
    let mut files = Repository::of(target, place.config.offline)?;
    let mut memory = Memory::open(&place.config.data_dir);
    let check = debian(&mut files, target, suite, args, false, &memory, &ring, now)?;
    memory.remember(&key_of(target, suite), check.release.accepted);
    memory.save(place.quiet);
    if !check.is_verified() {
        return Ok(check.verdicts().filter(|v| !v.is_verified()).cloned().collect());
    }
    let mut verdicts = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        let measured = digest::measure(&mut open(path)?, DEB_MAX)
            .map_err(|e| Failure::plain(Code::Input, format!("failed to read `{name}`: {e}")))?;
        let base = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        // By its bytes first: a file may have been renamed. By its name then: that is what it claims to be.
        let mut found = None;
        for index_check in &check.indexes {
            for listed in index_check.bytes.iter().flat_map(|bytes| index::packages(bytes)) {
                let same = listed.sha256.as_ref() == Some(&measured.sha256);
                if same || (found.is_none() && listed.file() == base) {
                    found = Some((listed, index_check.path.clone(), same));
                }
                if same {
                    break;
                }
            }
            if found.as_ref().is_some_and(|(_, _, same)| *same) {
                break;
            }
        }
        let mut reasons = check.release.verdict.reasons.clone();
        match found {
            Some((listed, path, _)) => reasons.extend(repo::check_package(&listed, &measured, &path)),
            None => reasons.push(Reason::NotListed { file: base, listed_in: format!("{target} {suite}") }),
        }
        verdicts.push(Verdict::of(name, reasons));
    }
    Ok(verdicts)
}

fn sources(place: &Place, judge: &Judge, now: Timestamp) -> Result<Code, Failure> {
    let mut memory = Memory::open(&place.config.data_dir);
    let accepted = |source: &AptSource| memory.get(&key_of(&source.uri, &source.suite));
    let (checks, problems) = patchwright_agent::repositories::check(&patchwright_agent::Root::host(), &accepted, now);
    for (source, check) in &checks {
        memory.remember(&key_of(&source.uri, &source.suite), check.accepted);
    }
    memory.save(place.quiet);
    if !place.quiet {
        for problem in &problems {
            output::talk(&format!("warning: {}", clean(problem)));
        }
        if checks.is_empty() {
            output::talk("this machine has no apt source");
        }
    }
    let repositories: Vec<RepositoryVerdict> = checks.into_iter().map(|(_, check)| check.repository).collect();
    let rows = rows(place, repositories.iter().map(|r| r.verdict.clone()).collect(), judge, now)?;
    let rows: Vec<Row> = rows
        .into_iter()
        .zip(&repositories)
        .map(|(row, r)| Row {
            date: r.date.map(|d| d.to_string()),
            valid_until: r.valid_until.map(|d| d.to_string()),
            ..row
        })
        .collect();
    let columns = ["source", "verdict", "key", "date", "age", "valid until", "why"];
    print(&rows, &columns, judge.output, |row| {
        let age = row.date.as_deref().and_then(Timestamp::parse).map(|d| age(d, now)).unwrap_or_default();
        let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let why = if row.verdict.is_verified() { String::new() } else { clean(&row.verdict.summary()) };
        vec![
            clean(&row.verdict.subject),
            row.verdict.outcome.word().to_owned(),
            key(&row.verdict),
            dash(&row.date),
            age,
            dash(&row.valid_until),
            why,
        ]
    })?;
    Ok(code(&rows))
}

/// The keys that vouch.
fn key(verdict: &Verdict) -> String {
    let keys: Vec<&str> = verdict
        .reasons
        .iter()
        .filter_map(|r| if let Reason::SignedBy { key, .. } = r { Some(key.as_str()) } else { None })
        .collect();
    if keys.is_empty() { "-".to_owned() } else { clean(&keys.join(" ")) }
}

fn age(date: Timestamp, now: Timestamp) -> String {
    format!("{} d", now.0.saturating_sub(date.0) / DAY_MS)
}

fn rows(place: &Place, verdicts: Vec<Verdict>, judge: &Judge, now: Timestamp) -> Result<Vec<Row>, Failure> {
    let policy = authenticity(place, judge)?;
    let mut approvals = Vec::new();
    for text in &judge.approve {
        let Some((exception, approver)) = text.split_once('=') else {
            return Err(Failure::new(
                Code::Usage,
                format!("`{text}` is no approval"),
                "write --approve EXCEPTION=APPROVER",
            ));
        };
        // What the command line says is a question: what would this approval come to, given today.
        approvals.extend(verdicts.iter().map(|v| Approval {
            exception: exception.to_owned(),
            approver: approver.to_owned(),
            subject: v.subject.clone(),
            seen: v.refusals().map(ToString::to_string).collect(),
            at: now,
        }));
    }
    Ok(verdicts
        .into_iter()
        .map(|verdict| Row {
            words: verdict.reasons.iter().map(ToString::to_string).collect(),
            admission: admit(&verdict, &policy, &approvals, now.date()),
            verdict,
            date: None,
            valid_until: None,
        })
        .collect())
}

fn authenticity(place: &Place, judge: &Judge) -> Result<AuthenticityPolicy, Failure> {
    match &judge.policy {
        Some(file) => Ok(policy::parse(file)?.0.authenticity),
        None => Ok(block_on(policy::in_force(place))?.authenticity),
    }
}

fn answer(place: &Place, verdicts: Vec<Verdict>, judge: &Judge, now: Timestamp) -> Result<Code, Failure> {
    let rows = rows(place, verdicts, judge, now)?;
    print(&rows, &["artifact", "verdict", "release", "why"], judge.output, |row| {
        let release = if row.admission.is_allowed() { "allowed" } else { "refused" };
        let why = row.admission.because().join("; ");
        vec![clean(&row.verdict.subject), row.verdict.outcome.word().to_owned(), release.to_owned(), clean(&why)]
    })?;
    Ok(code(&rows))
}

fn print(rows: &[Row], columns: &[&str], format: Format, cells: impl Fn(&Row) -> Vec<String>) -> Result<(), Failure> {
    output::list(format, rows, columns, cells)
}

/// 1 when anything may not enter a release.
fn code(rows: &[Row]) -> Code {
    if rows.iter().all(|row| row.admission.is_allowed()) { Code::Ok } else { Code::Findings }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchwright_formats::host::apt_sources;

    /// What apt's sources name and what the command line names is one repository, remembered once.
    #[test]
    fn a_repository_has_one_key_whoever_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let repo = dir.path().join("repo");
        std::fs::create_dir(&repo).unwrap();
        let here = repo.display().to_string();
        let local = [
            format!("deb file:{here} stable main"),
            format!("deb [trusted=yes] file://{here}/ stable main"),
            format!("deb [ arch=amd64 signed-by=/k.gpg ] copy:{here}// stable main"),
            format!("Types: deb\nURIs: FILE://localhost{here}\nSuites: stable\nComponents: main\n"),
        ];
        let web = [
            "deb http://h/r stable main",
            "deb http://h/r/ stable main",
            "deb [arch=amd64 signed-by=/k.gpg] HTTP://H:80//r stable main",
            "Types: deb\nURIs: http://me:word@h/r/\nSuites: stable\nComponents: main\n",
        ];
        let mirrors = ["deb mirror+http://h/r stable main", "deb [arch=amd64] mirror+HTTP://H:80/r/ stable main"];
        for (typed, lines) in [
            (here.as_str(), local.iter().map(String::as_str).collect::<Vec<_>>()),
            ("http://h/r", web.to_vec()),
            ("mirror+http://h/r", mirrors.to_vec()),
        ] {
            let mut memory = Memory::open(dir.path());
            for line in lines {
                let (sources, problems) = apt_sources::parse(line.as_bytes());
                assert!(problems.is_empty(), "{problems:?}");
                let key = key_of(&sources[0].uri, &sources[0].suite);
                assert_eq!(key, key_of(typed, "stable"), "{line}");
                memory.remember(&key, Some(Timestamp(1)));
                // As earlier versions kept it.
                let mut kept = Memory::open(dir.path());
                kept.remember(&format!("{} stable", sources[0].uri), Some(Timestamp(2)));
                assert_eq!(kept.get(&key), Some(Timestamp(2)), "{line}");
            }
            assert_eq!(memory.get(&key_of(typed, "stable")), Some(Timestamp(1)));
            assert_eq!(memory.get(&key_of(typed, "testing")), None);
        }
    }
}
