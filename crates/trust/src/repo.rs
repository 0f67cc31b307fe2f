//! The chain of a Debian-style repository: a key vouches for the Release, the Release for its indexes, an index for
//! its packages. Every link gives its reasons, and the first broken one refuses all that hangs from it.

use std::io::{self, Read};

use patchwright_domain::intel::authenticity::{Reason, Verdict};
use patchwright_domain::time::{DAY_MS, Timestamp};

use crate::digest::{self, Measured};
use crate::index::{self, ENDINGS, ListedPackage};
use crate::keyring::Keyring;
use crate::release::{ListedFile, Release, is_inside};
use crate::{INDEX_MAX, SMALL_MAX, openpgp};

/// How far a `Date` may lie ahead of our clock, as in apt (`Acquire::Max-FutureTime`).
const AHEAD_MAX_MS: i64 = 10_000;

/// The files of a repository, by path from its root.
pub trait RepoFiles {
    /// Opens a file; nothing when the repository does not have it.
    ///
    /// # Errors
    /// When it is there, or may be there, and cannot be read.
    fn open(&mut self, path: &str) -> io::Result<Option<Box<dyn Read>>>;

    /// Whether reading costs no transfer. Then everything that is listed and there is looked at, else one form of each.
    fn is_local(&self) -> bool {
        true
    }
}

/// Whether `Valid-Until` counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ValidUntil {
    /// It does.
    #[default]
    Enforce,
    /// The source says `check-valid-until=no`.
    IgnoreUnsafe,
}

/// What is asked of a Release.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// What the verdict is about: address and suite.
    pub subject: String,
    /// Suite, as a source names it; one that ends in `/` is a folder of a flat repository and no name.
    pub suite: String,
    /// `Date` of the Release that was accepted last.
    pub accepted: Option<Timestamp>,
    /// Whether `Valid-Until` counts.
    pub valid_until: ValidUntil,
}

/// The Release of a repository as it lies there.
#[derive(Clone, Debug, Default)]
pub struct ReleaseFiles {
    /// `InRelease`.
    pub inline: Option<Vec<u8>>,
    /// `Release`.
    pub release: Option<Vec<u8>>,
    /// `Release.gpg`.
    pub signature: Option<Vec<u8>>,
}

/// A Release after the check.
#[derive(Clone, Debug)]
pub struct ReleaseCheck {
    /// The verdict.
    pub verdict: Verdict,
    /// Its fields; only when a good signature covers them. They are believed only when the verdict is `Verified`.
    pub release: Option<Release>,
    /// What to remember as accepted last: its `Date` when it is verified, else what was remembered before.
    pub accepted: Option<Timestamp>,
}

/// Folder of a suite's Release.
#[must_use]
pub fn folder(suite: &str) -> String {
    if suite == "/" || suite == "./" {
        String::new()
    } else if suite.ends_with('/') {
        suite.trim_start_matches('/').to_owned()
    } else {
        format!("dists/{suite}/")
    }
}

/// Reads the Release of a suite.
///
/// # Errors
/// When the repository cannot be read; a file that is not there is no error.
pub fn read_release(files: &mut dyn RepoFiles, suite: &str) -> io::Result<ReleaseFiles> {
    let folder = folder(suite);
    let mut read = |name: &str| -> io::Result<Option<Vec<u8>>> {
        match files.open(&format!("{folder}{name}"))? {
            Some(mut reader) => digest::read_at_most(&mut reader, SMALL_MAX).map(Some),
            None => Ok(None),
        }
    };
    let inline = read("InRelease")?;
    if inline.is_some() {
        return Ok(ReleaseFiles { inline, ..ReleaseFiles::default() });
    }
    Ok(ReleaseFiles { inline, release: read("Release")?, signature: read("Release.gpg")? })
}

/// Checks a Release: signature, fields, date, validity, suite, and that it is no older one served again.
#[must_use]
pub fn check_release(asked: &Asked, files: &ReleaseFiles, ring: &Keyring, now: Timestamp) -> ReleaseCheck {
    let (file, content, mut reasons) = signed_content(files, ring, now);
    let release = content.map(|bytes| Release::parse(&bytes));
    if let Some(release) = &release {
        judge(asked, file, release, now, &mut reasons);
    }
    let verdict = Verdict::of(asked.subject.clone(), reasons);
    let date = release.as_ref().and_then(|r| r.date);
    let accepted = if verdict.is_verified() { asked.accepted.max(date) } else { asked.accepted };
    ReleaseCheck { verdict, release, accepted }
}

fn signed_content(
    files: &ReleaseFiles,
    ring: &Keyring,
    now: Timestamp,
) -> (&'static str, Option<Vec<u8>>, Vec<Reason>) {
    if let Some(bytes) = &files.inline {
        let inline = openpgp::inline("InRelease", bytes, ring, now);
        return ("InRelease", inline.content, inline.reasons);
    }
    let file = "Release";
    match (&files.release, &files.signature) {
        (None, _) => (file, None, vec![Reason::FileMissing { file: "InRelease or Release".to_owned() }]),
        (Some(_), None) => (file, None, vec![Reason::NotSigned { file: file.to_owned() }]),
        (Some(bytes), Some(signature)) => {
            let reasons = openpgp::detached(file, signature, bytes.as_slice(), ring, now);
            let proven = Verdict::of("", reasons.clone()).is_verified();
            (file, proven.then(|| bytes.clone()), reasons)
        }
    }
}

fn judge(asked: &Asked, file: &str, release: &Release, now: Timestamp, reasons: &mut Vec<Reason>) {
    let name = || file.to_owned();
    match release.date {
        None => reasons.push(Reason::FieldMissing { file: name(), field: "Date".to_owned() }),
        Some(date) => {
            reasons.push(Reason::Dated { date, valid_until: release.valid_until });
            if date.0 > now.0.saturating_add(AHEAD_MAX_MS) {
                reasons.push(Reason::NotYetValid { file: name(), date });
            }
            if let Some(accepted) = asked.accepted.filter(|accepted| date < *accepted) {
                reasons.push(Reason::Replayed { file: name(), date, accepted });
            }
        }
    }
    if let Some(text) = &release.bad_valid_until {
        reasons.push(Reason::Malformed { file: name(), why: format!("Valid-Until is no date: `{text}`") });
    }
    if let Some(since) = release.valid_until.filter(|until| *until < now) {
        match asked.valid_until {
            ValidUntil::Enforce => {
                let days = now.0.saturating_sub(since.0) / DAY_MS;
                reasons.push(Reason::Expired { file: name(), since, days });
            }
            ValidUntil::IgnoreUnsafe => {
                reasons.push(Reason::CheckSwitchedOff { option: "check-valid-until=no".to_owned() });
            }
        }
    }
    suite(asked, file, release, reasons);
    for path in release.escapes.iter().take(10) {
        reasons.push(Reason::PathEscapes { file: name(), path: path.clone() });
    }
    for path in release.contradictions.iter().take(10) {
        reasons.push(Reason::Malformed { file: name(), why: format!("it lists {path} twice, and differently") });
    }
    if release.files.values().all(|f| f.sha256.is_none()) {
        let mut found: Vec<String> = release.files.values().flat_map(|f| f.weak.iter().cloned()).collect();
        found.sort();
        found.dedup();
        reasons.push(Reason::NoStrongDigest { file: "the indexes".to_owned(), found });
    }
}

/// The suite asked for has to be the `Suite` or the `Codename`; otherwise a mirror could answer with another, signed one.
fn suite(asked: &Asked, file: &str, release: &Release, reasons: &mut Vec<Reason>) {
    if asked.suite.is_empty() || asked.suite.ends_with('/') {
        return;
    }
    let found: Vec<String> = release.suite.iter().chain(&release.codename).cloned().collect();
    if found.is_empty() {
        reasons.push(Reason::FieldMissing { file: file.to_owned(), field: "Suite or Codename".to_owned() });
        return;
    }
    // Security suites of old releases are called `buster/updates` and say `buster`.
    let asked_plain = asked.suite.strip_suffix("/updates").unwrap_or(&asked.suite);
    let same = |f: &String| *f == asked.suite || f.strip_suffix("/updates").unwrap_or(f) == asked_plain;
    if !found.iter().any(same) {
        reasons.push(Reason::SuiteDiffers { asked: asked.suite.clone(), found });
    }
}

/// An index after the check.
#[derive(Clone, Debug)]
pub struct IndexCheck {
    /// Path from the folder of the Release.
    pub path: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Unpacked bytes; only when verified.
    pub bytes: Option<Vec<u8>>,
}

/// Checks one index (`main/binary-amd64/Packages`, without its ending) against a verified Release.
pub fn check_index(files: &mut dyn RepoFiles, release: &Release, suite: &str, path: &str) -> IndexCheck {
    let listed: Vec<(String, &ListedFile)> = ENDINGS
        .iter()
        .filter_map(|ending| {
            let name = format!("{path}{ending}");
            release.files.get(&name).map(|listed| (name, listed))
        })
        .collect();
    let refuse = |name: &str, reason: Reason| IndexCheck {
        path: name.to_owned(),
        verdict: Verdict::of(name, vec![reason]),
        bytes: None,
    };
    if listed.is_empty() {
        return refuse(path, Reason::NotListed { file: path.to_owned(), listed_in: "the Release".to_owned() });
    }
    for (name, listed) in listed {
        let packed = match files.open(&format!("{}{name}", folder(suite))) {
            Ok(None) => continue,
            Ok(Some(mut reader)) => read_listed(&mut reader, listed.size),
            Err(error) => Err(error),
        };
        let packed = match packed {
            Ok(packed) => packed,
            Err(error) => return refuse(&name, Reason::Unreadable { file: name.clone(), why: error.to_string() }),
        };
        let measured = measured_of(&packed);
        let mut reasons =
            compare(&name, &measured, Some(listed.size), listed.sha256.as_deref(), &listed.weak, "the Release");
        let mut verdict = Verdict::of(name.clone(), reasons.clone());
        if !verdict.is_verified() {
            return IndexCheck { path: name, verdict, bytes: None };
        }
        let bytes = match index::unpack(&packed) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                reasons.push(Reason::Malformed { file: name.clone(), why: error.to_string() });
                verdict = Verdict::of(name.clone(), reasons);
                None
            }
        };
        return IndexCheck { path: name, verdict, bytes };
    }
    refuse(path, Reason::FileMissing { file: path.to_owned() })
}

/// Checks unpacked bytes of an index that something else unpacked (apt keeps its lists in another packing) against a
/// verified Release.
#[must_use]
pub fn check_unpacked_index(release: &Release, path: &str, bytes: &[u8]) -> Verdict {
    let Some(listed) = release.files.get(path) else {
        let reason = Reason::NotListed { file: path.to_owned(), listed_in: "the Release".to_owned() };
        return Verdict::of(path, vec![reason]);
    };
    let measured = measured_of(bytes);
    let reasons = compare(path, &measured, Some(listed.size), listed.sha256.as_deref(), &listed.weak, "the Release");
    Verdict::of(path, reasons)
}

/// One byte more than listed is read, so that a longer file is seen and an endless one is not read.
fn read_listed(reader: &mut dyn Read, size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(size.min(INDEX_MAX).saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn measured_of(bytes: &[u8]) -> Measured {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    // The long digest is not compared here.
    Measured { size, sha256: digest::sha256(bytes), sha512: String::new() }
}

/// Compares what was read with what a verified document lists.
fn compare(
    file: &str,
    found: &Measured,
    size: Option<u64>,
    sha256: Option<&str>,
    weak: &std::collections::BTreeSet<String>,
    listed_in: &str,
) -> Vec<Reason> {
    let name = || file.to_owned();
    let mut reasons = Vec::new();
    match size {
        None => reasons.push(Reason::FieldMissing { file: listed_in.to_owned(), field: format!("Size of {file}") }),
        Some(expected) if expected != found.size => {
            reasons.push(Reason::SizeDiffers { file: name(), expected, found: found.size });
        }
        Some(_) => {}
    }
    match sha256 {
        None => reasons.push(Reason::NoStrongDigest { file: name(), found: weak.iter().cloned().collect() }),
        Some(expected) if expected != found.sha256 => reasons.push(Reason::DigestDiffers {
            file: name(),
            algorithm: "SHA-256".to_owned(),
            expected: expected.to_owned(),
            found: found.sha256.clone(),
        }),
        Some(expected) => reasons.push(Reason::DigestMatches {
            file: name(),
            algorithm: "SHA-256".to_owned(),
            digest: expected.to_owned(),
            listed_in: listed_in.to_owned(),
        }),
    }
    reasons
}

/// Compares a package that was read with its entry in a verified index.
#[must_use]
pub fn check_package(listed: &ListedPackage, found: &Measured, listed_in: &str) -> Vec<Reason> {
    compare(listed.file(), found, listed.size, listed.sha256.as_deref(), &listed.weak, listed_in)
}

/// Checks a package of the repository itself.
pub fn check_package_file(files: &mut dyn RepoFiles, listed: &ListedPackage, listed_in: &str) -> Verdict {
    let subject = listed.label();
    if !is_inside(&listed.filename) {
        let reason = Reason::PathEscapes { file: listed_in.to_owned(), path: listed.filename.clone() };
        return Verdict::of(subject, vec![reason]);
    }
    let read = match files.open(&listed.filename) {
        Ok(Some(mut reader)) => digest::measure(&mut reader, listed.size.unwrap_or(0)),
        Ok(None) => return Verdict::of(subject, vec![Reason::FileMissing { file: listed.filename.clone() }]),
        Err(error) => Err(error),
    };
    match read {
        Ok(found) => Verdict::of(subject, check_package(listed, &found, listed_in)),
        Err(error) => {
            Verdict::of(subject, vec![Reason::Unreadable { file: listed.filename.clone(), why: error.to_string() }])
        }
    }
}

/// Which packages of a repository are read and compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Packages {
    /// None: the chain ends at the indexes.
    #[default]
    None,
    /// All.
    All,
}

/// A whole repository after the check.
#[derive(Clone, Debug)]
pub struct RepoCheck {
    /// The Release.
    pub release: ReleaseCheck,
    /// Indexes that were asked for.
    pub indexes: Vec<IndexCheck>,
    /// Packages that were read.
    pub packages: Vec<Verdict>,
    /// Packages that the verified indexes list.
    pub listed: usize,
    /// Files that the Release lists and nobody looked at.
    pub unseen: Vec<String>,
}

impl RepoCheck {
    /// Every verdict, in the order of the chain.
    pub fn verdicts(&self) -> impl Iterator<Item = &Verdict> {
        std::iter::once(&self.release.verdict).chain(self.indexes.iter().map(|i| &i.verdict)).chain(&self.packages)
    }

    /// Whether the whole chain holds.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.verdicts().all(Verdict::is_verified)
    }
}

/// Checks a repository from its Release to its packages. Of a flat repository the only index is `Packages`; of others
/// those of `components` and `architectures` (all that the Release names when empty).
///
/// # Errors
/// When the Release cannot be read for another reason than that it is not there.
pub fn check(
    files: &mut dyn RepoFiles,
    asked: &Asked,
    (components, architectures): (&[String], &[String]),
    packages: &Packages,
    ring: &Keyring,
    now: Timestamp,
) -> io::Result<RepoCheck> {
    let found = read_release(files, &asked.suite)?;
    let release = check_release(asked, &found, ring, now);
    let mut done = RepoCheck { release, indexes: Vec::new(), packages: Vec::new(), listed: 0, unseen: Vec::new() };
    let Some(fields) = done.release.release.clone().filter(|_| done.release.verdict.is_verified()) else {
        return Ok(done);
    };
    for path in index_paths(&fields, &asked.suite, components, architectures) {
        let check = check_index(files, &fields, &asked.suite, &path);
        for listed in check.bytes.iter().flat_map(|bytes| index::packages(bytes)) {
            done.listed += 1;
            match packages {
                Packages::None => {}
                Packages::All => done.packages.push(check_package_file(files, &listed, &check.path)),
            }
        }
        let others =
            if files.is_local() { other_forms(files, &fields, &asked.suite, &path, &check.path) } else { Vec::new() };
        done.indexes.push(check);
        done.indexes.extend(others);
    }
    let seen = |path: &String| done.indexes.iter().any(|index| index.path == *path);
    done.unseen = fields.files.keys().filter(|path| !seen(path)).cloned().collect();
    Ok(done)
}

/// The same index in its other packings, where they are there: whoever takes another one than we did must not get what nobody signed.
fn other_forms(
    files: &mut dyn RepoFiles,
    release: &Release,
    suite: &str,
    path: &str,
    looked_at: &str,
) -> Vec<IndexCheck> {
    let names = ENDINGS.iter().map(|ending| format!("{path}{ending}")).filter(|name| name != looked_at);
    let mut done = Vec::new();
    for name in names {
        let Some(listed) = release.files.get(&name) else { continue };
        let measured = match files.open(&format!("{}{name}", folder(suite))) {
            Ok(None) => continue,
            Ok(Some(mut reader)) => digest::measure(&mut reader, listed.size),
            Err(error) => Err(error),
        };
        let reasons = match measured {
            Ok(found) => {
                compare(&name, &found, Some(listed.size), listed.sha256.as_deref(), &listed.weak, "the Release")
            }
            Err(error) => vec![Reason::Unreadable { file: name.clone(), why: error.to_string() }],
        };
        done.push(IndexCheck { verdict: Verdict::of(name.clone(), reasons), path: name, bytes: None });
    }
    done
}

/// Paths of the wanted indexes, without endings.
#[must_use]
pub fn index_paths(release: &Release, suite: &str, components: &[String], architectures: &[String]) -> Vec<String> {
    if suite.ends_with('/') {
        return vec!["Packages".to_owned()];
    }
    let components = if components.is_empty() { &release.components } else { components };
    let named = !architectures.is_empty();
    let architectures = if named { architectures } else { &release.architectures };
    let mut paths = Vec::new();
    for component in components {
        for architecture in architectures {
            let of = |component: &str| format!("{component}/binary-{architecture}/Packages");
            let is_listed =
                |path: &str| ENDINGS.iter().any(|ending| release.files.contains_key(&format!("{path}{ending}")));
            let whole = of(component);
            // Debian's security archive calls a component `updates/main` and lists it as `main`; apt looks there too.
            let last = component.rsplit_once('/').map(|(_, last)| of(last));
            let path = match last {
                Some(last) if !is_listed(&whole) && is_listed(&last) => last,
                Some(_) | None => whole,
            };
            // `all` and architectures of installers may be named without an index of their own.
            if (is_listed(&path) || named) && !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    paths
}
