//! Fetching the documents of a CSAF provider one by one: what changed since the last time, checked against its digest and its
//! signature.
//!
//! A provider's folder holds `journal.log` (one line for each document that is here, written after the document), `docs/`,
//! `keys/`, and at most one archive for each list. Killed at any moment, the next run fetches what has no line: nothing is lost,
//! and a document that was written without its line is written again under the same name. A document that is refused is not
//! written at all; an earlier one in its place stays.

mod checks;
mod describe;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use patchwright_domain::intel::Problem;
use patchwright_domain::intel::authenticity::Reason;
use patchwright_domain::intel::authenticity::provider::Taken;
use patchwright_domain::time::{Date, Timestamp};
use patchwright_formats::bounded::Limits;
use patchwright_formats::feed::csaf_provider::{self, Entry, Listed};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};

use super::port::{Document, FetchError, FetchRequest, Fetched, Fetcher, Progress};
use crate::error_chain;
use checks::Judged;
pub(super) use checks::{Checks, Counts};
pub(super) use describe::{Described, describe, save_keys};
use source::{Small, Source};

/// Largest list of a provider, in bytes. Red Hat's changes.csv has 20 MB.
const LIST_MAX: u64 = 256 << 20;
/// Largest single document, in bytes; the largest real one has 60 MB.
const DOCUMENT_MAX: u64 = 128 << 20;
/// From this many documents on, an archive is fetched first where the provider has one.
const ARCHIVE_FROM: usize = 200;
/// Digests of unchanged documents that are asked for in one list; in a longer one its times decide, and `--force`.
const HASHES_MAX: usize = 1_000;
/// Largest digest file, in bytes.
const HASH_BYTES_MAX: u64 = 64 << 10;
/// Lists of one provider that are followed.
const LISTS_MAX: usize = 32;
/// Folders below a mirror that are looked at for lists.
const MIRROR_FOLDERS_MAX: usize = 10_000;

/// What a run got.
pub(super) struct Gotten {
    /// The folder with everything, or nothing when it holds nothing new.
    pub(super) document: Option<Document>,
    /// What was wrong with single documents.
    pub(super) problems: Vec<Problem>,
    /// Documents that the provider lists and that could not be had, or must not be used.
    pub(super) lost: u64,
    /// Files of a folder that must not be used.
    pub(super) refused: BTreeSet<PathBuf>,
    /// How many documents are signed, where that is looked at.
    pub(super) counts: Option<Counts>,
}

impl Gotten {
    /// What a fetch gave that knows of no problems.
    pub(super) fn of(document: Option<Document>) -> Self {
        Self { document, problems: Vec::new(), lost: 0, refused: BTreeSet::new(), counts: None }
    }
}

/// A line of the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Line {
    /// Address of the list.
    list: String,
    /// Path in the list; for an archive its name.
    path: String,
    /// Time that the list gave.
    at: Option<i64>,
    /// File below the provider's folder; nothing when the document was deleted.
    file: Option<String>,
    /// The line is about an archive that holds everything before `at`.
    archive: bool,
    /// Key that vouched for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// A digest was beside it, and fit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    digest: bool,
    /// When its provider says it was made, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    released: Option<i64>,
    /// SHA-256 of the file, in hex: it can be altered under the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

impl Line {
    fn taken(&self) -> Taken {
        Taken { key: self.key.clone(), digest: self.digest }
    }
}

/// Where a provider begins.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Start {
    /// A description of the provider.
    Metadata(String),
    /// Folders with lists.
    Lists(Vec<Listed>),
    /// One document or archive: nothing to plan.
    Single,
}

/// Whether an address is a provider's rather than one document's.
pub(super) fn is_provider(url: &str) -> bool {
    start(url) != Start::Single
}

fn start(url: &str) -> Start {
    if url == "-" {
        return Start::Single;
    }
    if let Some(path) = url.strip_prefix("file://") {
        return mirror(Path::new(path));
    }
    let Some((_, rest)) = url.split_once("://") else {
        return Start::Single;
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let name = path.rsplit('/').next().unwrap_or_default();
    if name == "provider-metadata.json" {
        Start::Metadata(url.to_owned())
    } else if path.is_empty() {
        let scheme = url.split("://").next().unwrap_or("https");
        Start::Metadata(format!("{scheme}://{host}/.well-known/csaf/provider-metadata.json"))
    } else if name.contains("feed-tlp-") {
        Start::Lists(vec![Listed::Rolie { url: url.to_owned(), tlp: String::new() }])
    } else if name.is_empty() {
        Start::Lists(vec![Listed::Directory { url: url.to_owned() }])
    } else if name.contains('.') {
        Start::Single
    } else {
        Start::Lists(vec![Listed::Directory { url: format!("{url}/") }])
    }
}

/// The folders of a mirror that have a list of changes; a folder without any is read as it is.
fn mirror(root: &Path) -> Start {
    if !root.is_dir() {
        return Start::Single;
    }
    let mut lists = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    let mut looked = 0;
    while let Some(folder) = folders.pop() {
        looked += 1;
        if folder.join("changes.csv").is_file() {
            lists.push(Listed::Directory { url: format!("file://{}/", folder.display()) });
            continue;
        }
        let inner = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        if looked < MIRROR_FOLDERS_MAX {
            folders.extend(inner.filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).map(|e| e.path()));
        }
    }
    lists.sort_by_key(|list| format!("{list:?}"));
    if lists.is_empty() { Start::Single } else { Start::Lists(lists) }
}

struct Run<'a> {
    source: Source<'a>,
    checks: &'a Checks,
    progress: Progress<'a>,
    known: BTreeMap<(String, String), Line>,
    gotten: Gotten,
    counts: Counts,
    bytes: u64,
    /// Everything is fetched again, whatever the lists say of when it changed.
    again: bool,
}

fn file_error(doing: &'static str, path: &Path, why: &std::io::Error) -> FetchError {
    FetchError::File { doing, path: path.display().to_string(), why: why.to_string() }
}

/// The folder of what comes from one address: another source is another set of documents.
fn provider_folder(request: &FetchRequest) -> PathBuf {
    request.folder.join(format!("{}.csaf", request.feed)).join(short_hash(request.url.as_bytes()))
}

/// Brings the folder of a provider up to date.
///
/// # Errors
/// [`FetchError`] when the provider cannot be reached; what was fetched until then stays.
pub(super) async fn fetch(
    request: &FetchRequest,
    checks: &Checks,
    fetcher: &dyn Fetcher,
    progress: Progress<'_>,
) -> Result<Gotten, FetchError> {
    let folder = provider_folder(request);
    let mut run = Run {
        known: read_journal(&folder),
        source: Source { feed: &request.feed, folder, now: request.now, max_bytes: request.max_bytes, fetcher },
        checks,
        progress,
        gotten: Gotten::of(None),
        counts: Counts::default(),
        bytes: 0,
        again: request.again,
    };
    let docs = run.folder().join("docs");
    std::fs::create_dir_all(&docs).map_err(|e| file_error("make", &docs, &e))?;
    run.let_go()?;
    let lists = match (start(&request.url), &checks.lists) {
        (Start::Lists(lists), _) => lists,
        (Start::Metadata(_), Some(lists)) => lists.clone(),
        (Start::Metadata(_), None) | (Start::Single, _) => Vec::new(),
    };
    let mut deletions = Vec::new();
    for list in lists.iter().take(LISTS_MAX) {
        match list {
            Listed::Directory { url } => run.directory(url, &mut deletions).await?,
            Listed::Rolie { url, .. } => run.rolie(url).await?,
        }
    }
    let sha256 = run.seal(&deletions)?;
    let mut counts = run.counts;
    for line in run.known.values().filter(|line| line.file.is_some()) {
        counts.take(&line.taken());
    }
    let (folder, bytes) = (run.source.folder, run.bytes);
    let mut gotten = run.gotten;
    gotten.counts = Some(counts);
    if request.have_sha256.as_deref() != Some(&sha256) || gotten.lost > 0 || !checks.notices.is_empty() {
        gotten.document =
            Some(Document { path: folder, sha256, bytes, etag: None, last_modified: None, temporary: false });
    }
    Ok(gotten)
}

/// Checks one document that was fetched by itself, from wherever, with what lies beside it there.
///
/// # Errors
/// [`FetchError`] when the network fails.
pub(super) async fn single(
    request: &FetchRequest,
    document: &Document,
    checks: &Checks,
    fetcher: &dyn Fetcher,
) -> Result<Result<Counts, String>, FetchError> {
    let folder = provider_folder(request);
    let source = Source { feed: &request.feed, folder, now: request.now, max_bytes: request.max_bytes, fetcher };
    let name = request.url.rsplit('/').next().unwrap_or_default();
    let signature = checks.signature(&source, &request.url, None).await?;
    let beside = checks.beside(&source, &request.url, None, signature).await?;
    let judged = checks.judge_file(name, &document.path, beside, false, request.now).await;
    Ok(judged.map(|taken| {
        let mut counts = Counts::default();
        counts.take(&taken);
        counts
    }))
}

fn short_hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes)).get(..16).unwrap_or_default().to_owned()
}

/// Lines whose file is there; a torn last line is no line.
fn read_journal(folder: &Path) -> BTreeMap<(String, String), Line> {
    let text = std::fs::read_to_string(folder.join("journal.log")).unwrap_or_default();
    let mut known = BTreeMap::new();
    for line in text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
        let there = line.file.as_ref().is_none_or(|file| folder.join(file).is_file());
        if there {
            known.insert((line.list.clone(), line.path.clone()), line);
        }
    }
    known
}

/// An address that a document of a provider may lead to: the same scheme, or a safer one.
fn allowed(from: &str, to: &str) -> bool {
    let scheme = |url: &str| url.split("://").next().unwrap_or_default().to_ascii_lowercase();
    to.contains("://") && (scheme(to) == scheme(from) || scheme(to) == "https")
}

/// The address of a document of a folder's list. Some lists give paths from further up (`csaf_files/OT/white/2024/a.json` in
/// the folder `csaf_files/OT/white/`): the part that both share stands once.
fn document_url(base: &str, path: &str) -> String {
    let shared = path
        .match_indices('/')
        .map(|(at, _)| at + 1)
        .rfind(|end| path.get(..*end).is_some_and(|head| base.ends_with(&format!("/{head}"))))
        .unwrap_or(0);
    format!("{base}{}", path.get(shared..).unwrap_or(path).replace(' ', "%20"))
}

impl Run<'_> {
    fn problem(&mut self, at: &str, what: &str) {
        self.gotten.problems.push(Problem::new(at, what, ""));
    }

    fn folder(&self) -> &Path {
        &self.source.folder
    }

    /// Lets go of what does not meet today's demands: documents that were taken before signatures were demanded.
    fn let_go(&mut self) -> Result<(), FetchError> {
        let demand = self.checks.demand;
        let unfit = |line: &&Line| {
            line.file.is_some() && ((demand.signature && line.key.is_none()) || (demand.digest && !line.digest))
        };
        for line in self.known.values().filter(unfit).cloned().collect::<Vec<_>>() {
            self.remove(&line)?;
            self.note(Line { file: None, ..line })?;
        }
        Ok(())
    }

    fn remove(&self, line: &Line) -> Result<(), FetchError> {
        let Some(file) = &line.file else { return Ok(()) };
        let path = self.folder().join(file);
        std::fs::remove_file(&path).map_err(|e| file_error("remove", &path, &e))
    }

    async fn get(&self, url: &str, max: u64) -> Result<Option<Vec<u8>>, FetchError> {
        self.source.get(url, max).await
    }

    async fn must_get(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        self.get(url, LIST_MAX).await?.ok_or_else(|| FetchError::Status { url: url.to_owned(), status: 404 })
    }

    async fn directory(&mut self, base: &str, deletions: &mut Vec<Entry>) -> Result<(), FetchError> {
        let limits = Limits::default();
        let broken =
            |url: &str, e: &dyn std::error::Error| FetchError::Address { url: url.to_owned(), why: error_chain(e) };
        let (name, entries) = match self.get(&format!("{base}changes.csv"), LIST_MAX).await? {
            Some(bytes) => ("changes.csv", csaf_provider::changes(bytes.as_slice(), &limits)),
            None => {
                let bytes = self.must_get(&format!("{base}index.txt")).await?;
                ("index.txt", csaf_provider::index(bytes.as_slice(), &limits))
            }
        };
        let entries = entries.map_err(|e| broken(&format!("{base}{name}"), &e))?;
        self.gotten.problems.extend(csaf_provider::problems_of(name, &entries));
        self.gotten.lost += entries.lost;
        let mut deleted = Vec::new();
        if let Some(bytes) = self.get(&format!("{base}deletions.csv"), LIST_MAX).await?.filter(|b| !b.is_empty()) {
            let read = csaf_provider::changes(bytes.as_slice(), &limits)
                .map_err(|e| broken(&format!("{base}deletions.csv"), &e))?;
            self.gotten.problems.extend(csaf_provider::problems_of("deletions.csv", &read));
            deleted = read.records;
        }
        let archived = self.archive(base, entries.records.len()).await?;
        let gone: BTreeMap<&str, Option<Timestamp>> = deleted.iter().map(|e| (e.path.as_str(), e.at)).collect();
        let wanted: Vec<Entry> = entries
            .records
            .into_iter()
            .filter(|entry| gone.get(entry.path.as_str()).is_none_or(|at| *at < entry.at))
            .filter(|entry| archived.is_none_or(|day| entry.at.is_some_and(|at| at >= day.start())))
            .collect();
        self.documents(base, wanted, |entry| document_url(base, &entry.path)).await?;
        for entry in &deleted {
            self.delete(base, entry)?;
        }
        deletions.extend(deleted);
        Ok(())
    }

    async fn rolie(&mut self, url: &str) -> Result<(), FetchError> {
        let bytes = self.must_get(url).await?;
        let entries = csaf_provider::rolie(bytes.as_slice(), &Limits::default())
            .map_err(|e| FetchError::Address { url: url.to_owned(), why: error_chain(&e) })?;
        self.gotten.problems.extend(csaf_provider::problems_of("ROLIE feed", &entries));
        self.gotten.lost += entries.lost;
        let (follow, refuse): (Vec<Entry>, Vec<Entry>) = entries.records.into_iter().partition(|e| {
            [Some(&e.path), e.hash.as_ref(), e.signature.as_ref()].into_iter().flatten().all(|to| allowed(url, to))
        });
        for entry in refuse {
            self.gotten.lost += 1;
            self.problem(&entry.path, "feed leads to an address of another kind; it is not followed");
        }
        self.documents(url, follow, |entry| entry.path.clone()).await
    }

    /// The day that an archive holds everything before of, fetched when nothing of the list is here yet and it is long. An
    /// archive whose name tells no day is left: what changed since could not be told.
    async fn archive(&mut self, base: &str, listed: usize) -> Result<Option<Date>, FetchError> {
        let here = self.known.values().find(|line| line.list == base && line.archive && line.file.is_some());
        let is_here = here.is_some();
        if let Some(line) = here.filter(|_| !self.again) {
            return Ok(line.at.map(|at| Timestamp(at).date()));
        }
        if !is_here && (listed < ARCHIVE_FROM || self.known.values().any(|line| line.list == base)) {
            return Ok(None);
        }
        let Some(text) = self.get(&format!("{base}archive_latest.txt"), LIST_MAX).await? else {
            return Ok(None);
        };
        let (name, day) = match csaf_provider::archive_latest(text.as_slice(), &Limits::default()) {
            Ok(read) => read,
            Err(error) => {
                self.problem("archive_latest.txt", &error_chain(&error));
                return Ok(None);
            }
        };
        let Some(day) = day else { return Ok(None) };
        let url = format!("{base}{name}");
        let request = self.source.request(format!("{}-archive", self.source.feed), &url, self.source.max_bytes);
        let document = match self.source.fetcher.fetch(&request, self.progress).await {
            Ok(Fetched::Document(document)) => document,
            Ok(Fetched::NotModified) | Err(FetchError::Status { status: 404 | 410, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let signature = self.checks.signature(&self.source, &url, None).await?;
        let beside = self.checks.beside(&self.source, &url, None, signature).await?;
        let taken = match self.checks.judge_file(&name, &document.path, beside, false, self.source.now).await {
            Ok(taken) => taken,
            Err(why) => {
                self.problem(&name, &format!("{why}; single documents are fetched in place of this archive"));
                if !url.starts_with("file://") {
                    std::fs::remove_file(&document.path).map_err(|e| file_error("remove", &document.path, &e))?;
                }
                return Ok(None);
            }
        };
        let suffix = if name.ends_with(".zip") { "zip" } else { "tar.zst" };
        let file = format!("archive-{}.{suffix}", short_hash(base.as_bytes()));
        let target = self.folder().join(&file);
        if url.starts_with("file://") {
            std::fs::copy(&document.path, &target).map_err(|e| file_error("copy", &document.path, &e))?;
        } else {
            std::fs::rename(&document.path, &target).map_err(|e| file_error("rename", &document.path, &e))?;
        }
        self.bytes += document.bytes;
        self.note(Line {
            list: base.to_owned(),
            path: name,
            at: Some(day.start().0),
            file: Some(file),
            archive: true,
            key: taken.key,
            digest: taken.digest,
            released: None,
            sha256: Some(document.sha256),
        })?;
        Ok(Some(day))
    }

    /// Fetches what is new in a list, eight at a time.
    async fn documents(
        &mut self,
        list: &str,
        entries: Vec<Entry>,
        url_of: impl Fn(&Entry) -> String,
    ) -> Result<(), FetchError> {
        let known = |entry: &Entry| self.known.get(&(list.to_owned(), entry.path.clone()));
        let is_new = |entry: &Entry| {
            known(entry).is_none_or(|line| line.file.is_none() || entry.at.is_some_and(|at| line.at != Some(at.0)))
        };
        let mut seen = std::collections::BTreeSet::new();
        let (mut wanted, mut here): (Vec<Entry>, Vec<Entry>) = entries
            .into_iter()
            .filter(|entry| patchwright_formats::feed::csaf::is_document_name(&entry.path))
            .filter(|entry| seen.insert(entry.path.clone()))
            .partition(|entry| self.again || is_new(entry));
        here.retain(|entry| entry.hash.is_some());
        if here.len() <= HASHES_MAX {
            wanted.extend(self.altered(list, here).await?);
        }
        let whole = u64::try_from(wanted.len()).ok();
        let mut done = 0_u64;
        for group in wanted.chunks(8) {
            let one = |n: usize| {
                let (run, entry) = (&*self, group.get(n));
                let url = entry.map(&url_of);
                async move {
                    match (entry, url) {
                        (Some(entry), Some(url)) => Some((entry, run.checked(list, entry, &url).await)),
                        (_, _) => None,
                    }
                }
            };
            let got = tokio::join!(one(0), one(1), one(2), one(3), one(4), one(5), one(6), one(7));
            let got = [got.0, got.1, got.2, got.3, got.4, got.5, got.6, got.7];
            let mut broken = None;
            for (entry, outcome) in got.into_iter().flatten() {
                match outcome {
                    Ok(Ok(judged)) => self.keep(list, entry, judged)?,
                    Ok(Err(why)) => {
                        self.gotten.lost += 1;
                        self.counts.refused += 1;
                        self.problem(&entry.path, &why);
                    }
                    Err(error) => broken = Some(error),
                }
                done += 1;
            }
            (self.progress)(done, whole);
            if let Some(error) = broken {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Of documents whose times did not change, those of which the list names another digest than that of the file here.
    async fn altered(&self, list: &str, entries: Vec<Entry>) -> Result<Vec<Entry>, FetchError> {
        let mut out = Vec::new();
        for group in entries.chunks(8) {
            let one = |n: usize| {
                let entry = group.get(n);
                async move {
                    match entry {
                        Some(entry) => self.is_altered(list, entry).await.map(|altered| altered.then(|| entry.clone())),
                        None => Ok(None),
                    }
                }
            };
            let got = tokio::join!(one(0), one(1), one(2), one(3), one(4), one(5), one(6), one(7));
            for found in [got.0, got.1, got.2, got.3, got.4, got.5, got.6, got.7] {
                out.extend(found?);
            }
        }
        Ok(out)
    }

    /// Whether the digest that the list names is another than that of the file here; one that cannot be had says nothing.
    async fn is_altered(&self, list: &str, entry: &Entry) -> Result<bool, FetchError> {
        let file = self.known.get(&(list.to_owned(), entry.path.clone())).and_then(|line| line.file.clone());
        let (Some(file), Some(place)) = (file, &entry.hash) else { return Ok(false) };
        let Small::There(bytes) = self.source.small(place, HASH_BYTES_MAX).await? else { return Ok(false) };
        let Some(stated) = csaf_provider::digest_of(&bytes) else { return Ok(false) };
        let path = self.folder().join(file);
        let content = std::fs::read(&path).map_err(|e| file_error("read", &path, &e))?;
        let found = match stated.len() {
            64 => hex::encode(Sha256::digest(&content)),
            _ => hex::encode(Sha512::digest(&content)),
        };
        Ok(found != stated)
    }

    /// A document that was checked: the inner error is one that must not be used, or is not there.
    async fn checked(&self, list: &str, entry: &Entry, url: &str) -> Result<Result<Judged, String>, FetchError> {
        let known = self.known.get(&(list.to_owned(), entry.path.clone()));
        let was_signed = known.is_some_and(|line| line.key.is_some());
        let signature = self.checks.signature(&self.source, url, entry.signature.as_deref()).await?;
        if signature.is_none() && self.checks.needs_signature(was_signed) {
            let why = Reason::NotSigned { file: entry.path.clone() };
            return Ok(Err(format!("quarantined: {why}, and its provider signs")));
        }
        let bytes = match self.get(url, DOCUMENT_MAX).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(Err("the provider lists the document and does not have it".to_owned())),
            Err(error @ FetchError::TooLarge { .. }) => return Ok(Err(format!("quarantined: {error}"))),
            Err(error) => return Err(error),
        };
        let beside = self.checks.beside(&self.source, url, entry.hash.as_deref(), signature).await?;
        let judged = self.checks.judge_bytes(&entry.path, bytes, beside, was_signed, self.source.now).await;
        let before = known.filter(|_| was_signed).and_then(|line| line.released).map(Timestamp);
        Ok(judged.and_then(|judged| match (before, judged.released) {
            // Signed once is signed for ever: an old document can be served under a new time.
            (Some(accepted), Some(date)) if date < accepted => {
                let why = Reason::Replayed { file: entry.path.clone(), date, accepted };
                Err(format!("quarantined: {why}"))
            }
            (_, _) => Ok(judged),
        }))
    }

    /// Writes a document, then its line.
    fn keep(&mut self, list: &str, entry: &Entry, judged: Judged) -> Result<(), FetchError> {
        let key = short_hash(format!("{list}\0{}", entry.path).as_bytes());
        let base: String = entry
            .path
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+') { c } else { '_' })
            .take(150)
            .collect();
        let shelf = key.get(..2).unwrap_or("00").to_owned();
        let file = format!("docs/{shelf}/{key}-{}.json", base.trim_end_matches(".json"));
        let target = self.folder().join(&file);
        let parent = target.parent().unwrap_or(self.folder()).to_path_buf();
        std::fs::create_dir_all(&parent).map_err(|e| file_error("make", &parent, &e))?;
        let half = parent.join(format!("{key}.part"));
        let write = || -> std::io::Result<()> {
            let mut out = std::fs::File::create(&half)?;
            out.write_all(&judged.bytes)?;
            out.sync_all()?;
            std::fs::rename(&half, &target)
        };
        write().map_err(|e| file_error("write", &target, &e))?;
        self.bytes += u64::try_from(judged.bytes.len()).unwrap_or_default();
        let at = entry.at.map(|at| at.0);
        self.note(Line {
            list: list.to_owned(),
            path: entry.path.clone(),
            at,
            file: Some(file),
            archive: false,
            key: judged.taken.key,
            digest: judged.taken.digest,
            released: judged.released.map(|at| at.0),
            sha256: Some(hex::encode(Sha256::digest(&judged.bytes))),
        })
    }

    fn delete(&mut self, list: &str, entry: &Entry) -> Result<(), FetchError> {
        let Some(line) = self.known.get(&(list.to_owned(), entry.path.clone())).cloned() else {
            return Ok(());
        };
        let newer = line.at.zip(entry.at).is_some_and(|(here, gone)| here > gone.0);
        if newer || line.file.is_none() {
            return Ok(());
        }
        self.remove(&line)?;
        self.note(Line { file: None, at: entry.at.map(|at| at.0), ..line })
    }

    fn note(&mut self, line: Line) -> Result<(), FetchError> {
        let path = self.folder().join("journal.log");
        let mut text = serde_json::to_vec(&line).unwrap_or_default();
        text.push(b'\n');
        let write = || -> std::io::Result<()> {
            let mut out = std::fs::OpenOptions::new().create(true).append(true).open(&path)?;
            // A line that was torn by a kill must not swallow this one.
            if out.metadata()?.len() > 0 && !ends_line(&path)? {
                out.write_all(b"\n")?;
            }
            out.write_all(&text)?;
            out.sync_data()
        };
        write().map_err(|e| file_error("write", &path, &e))?;
        self.known.insert((line.list.clone(), line.path.clone()), line);
        Ok(())
    }

    /// Writes the list of deleted documents for the reader, and gives the digest of all that is here.
    fn seal(&self, deletions: &[Entry]) -> Result<String, FetchError> {
        let mut text = String::new();
        for entry in deletions {
            if let Some(at) = entry.at {
                text.push_str(&format!("{},{at}\n", entry.path));
            }
        }
        let path = self.folder().join("deletions.csv");
        std::fs::write(&path, &text).map_err(|e| file_error("write", &path, &e))?;
        let mut hash = Sha256::new();
        for line in self.known.values() {
            hash.update(serde_json::to_vec(line).unwrap_or_default());
        }
        hash.update(text.as_bytes());
        Ok(hex::encode(hash.finalize()))
    }
}

fn ends_line(path: &Path) -> std::io::Result<bool> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut file = std::fs::File::open(path)?;
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0_u8; 1];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_provider_begins() {
        let directory = |url: &str| Start::Lists(vec![Listed::Directory { url: url.to_owned() }]);
        for (url, want) in [
            (
                "https://example.com",
                Start::Metadata("https://example.com/.well-known/csaf/provider-metadata.json".to_owned()),
            ),
            (
                "https://example.com/",
                Start::Metadata("https://example.com/.well-known/csaf/provider-metadata.json".to_owned()),
            ),
            ("https://a/b/provider-metadata.json", Start::Metadata("https://a/b/provider-metadata.json".to_owned())),
            ("https://a/csaf/v2/vex/", directory("https://a/csaf/v2/vex/")),
            ("https://a/csaf/vex", directory("https://a/csaf/vex/")),
            ("https://a/csaf_vex_2024-08-04.tar.zst", Start::Single),
            ("https://a/rhsa-2023_7435.json", Start::Single),
            ("-", Start::Single),
            ("file:///no/such/folder", Start::Single),
        ] {
            assert_eq!(start(url), want, "{url}");
        }
        for (path, want) in [
            ("2024/a.json", "https://x/csaf_files/OT/white/2024/a.json"),
            ("csaf_files/OT/white/2024/a.json", "https://x/csaf_files/OT/white/2024/a.json"),
            ("white/2024/a b.json", "https://x/csaf_files/OT/white/2024/a%20b.json"),
            ("ite/a.json", "https://x/csaf_files/OT/white/ite/a.json"),
        ] {
            assert_eq!(document_url("https://x/csaf_files/OT/white/", path), want);
        }
        assert!(allowed("http://127.0.0.1/x", "http://127.0.0.1/y") && allowed("http://a/", "https://b/"));
        assert!(
            !allowed("https://a/", "http://a/x")
                && !allowed("https://a/", "file:///etc/passwd")
                && !allowed("https://a/", "x")
        );
    }
}
