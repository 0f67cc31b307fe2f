//! One run of one feed: fetch → parse → compile → activate, with every step on record.
//!
//! Killed at any point it leaves the old snapshot or the new one, never half of either; the next run goes on: a partial
//! download is resumed, a chunk that is there already is not written again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use patchwright_domain::access::{Action, Target};
use patchwright_domain::audit::AuditEntry;
use patchwright_domain::ids::FeedRunId;
use patchwright_domain::intel::Problem;
use patchwright_domain::intel::snapshot::{ChunkKind, ChunkMeta, SnapshotIndex};
use patchwright_domain::time::Timestamp;
use patchwright_store::{Feed, FeedOutcome, FeedRun, FeedState, FoundProblem, Shrink, StoreError};

use super::belongs;
use super::convert::{PROBLEMS_KEPT, ParsedFeed, parse_document};
use super::csaf::{self, Checks, Counts, Gotten};
use super::port::{Document, FetchError, FetchRequest, Fetched, Fetcher, Progress};
use super::registry::{self, Distribution, FeedSpec};
use super::{parts, providers, raw};
use crate::env::unique;
use crate::error::AppError;
use crate::intel::{Cause, Change, Older, prepare, record};
use crate::settings::IntelSettings;
use crate::{Ctx, Env, Result, error_chain};

/// Entries of the activation log that are looked through for the last load of a feed.
const LOOK_BACK: u32 = 2_000;
/// Below this many records a share says nothing.
const SHRINK_FLOOR: u64 = 50;

/// How to run a feed.
#[derive(Clone, Debug, Default)]
pub struct SyncOptions {
    /// Read from here instead of the home address.
    pub from: Option<String>,
    /// Take a document that shrank, or that is older than the one in force.
    pub accept_shrink: bool,
    /// Fetch although the publisher says nothing changed.
    pub force: bool,
    /// The document holds only the records that changed: they take the place of those of the same id, all others stay.
    pub delta: bool,
    /// Fingerprints of keys of the provider that a person accepts.
    pub accept_keys: Vec<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SyncOutcome {
    /// Feed.
    pub feed: String,
    /// `loaded`, `unchanged`, `refused`, `failed`.
    pub outcome: String,
    /// Records in force.
    pub records: u64,
    /// Records that could not be read.
    pub problems: u64,
    /// Bytes of the document.
    pub bytes: u64,
    /// Why, when it failed or was refused.
    pub error: Option<String>,
    /// What to do.
    pub hint: Option<String>,
    /// Set when there was no connection at all, with the system's words: the same for every feed of a machine without a network.
    #[serde(skip)]
    pub no_connection: Option<String>,
}

struct Loaded {
    document: Document,
    parsed: ParsedFeed,
    records: u64,
    /// What a person accepted.
    shrunk: Option<Shrunk>,
}

/// How a run went that did not fail.
struct Done {
    /// Nothing when the publisher has nothing newer.
    loaded: Option<Loaded>,
    stands: Option<Stands>,
}

/// How the documents of a provider stand.
struct Stands {
    url: String,
    counts: Counts,
    /// There was a key, so signatures were looked at.
    checked: bool,
}

struct Failed {
    outcome: FeedOutcome,
    no_connection: Option<String>,
    error: String,
    hint: String,
    shrink: Shrink,
}

impl Failed {
    fn new(error: String, hint: String) -> Self {
        Self { outcome: FeedOutcome::Failed, error, hint, shrink: Shrink::None, no_connection: None }
    }
}

impl From<providers::Stopped> for Failed {
    fn from(stopped: providers::Stopped) -> Self {
        let outcome = if stopped.refused { FeedOutcome::Refused } else { FeedOutcome::Failed };
        Self { outcome, no_connection: stopped.no_connection, ..Self::new(stopped.error, stopped.hint) }
    }
}

/// Runs one feed. A failed run is an outcome, not an error: it is on record and hurts no other feed.
///
/// # Errors
/// [`AppError::Forbidden`], or the database.
pub async fn sync(
    env: &Env,
    ctx: &Ctx,
    spec: &'static FeedSpec,
    options: &SyncOptions,
    fetcher: &dyn Fetcher,
    progress: Progress<'_>,
) -> Result<SyncOutcome> {
    ctx.authorize(Action::SyncFeeds, &Target::Installation)?;
    if options.accept_shrink {
        ctx.authorize(Action::EditFeeds, &Target::Installation)?;
        ctx.reason_needed("taking a feed that shrank or is older")?;
    }
    if !options.accept_keys.is_empty() {
        ctx.authorize(Action::EditFeeds, &Target::Installation)?;
        ctx.reason_needed("accepting a key of a provider")?;
        if spec.distribution != Distribution::CsafProvider {
            return Err(AppError::invalid(
                "feed_without_keys",
                format!("the documents of {} are not signed by keys of a provider", spec.id),
                "--accept-key goes with CSAF providers: csaf, redhat-vex, redhat-csaf, suse-csaf",
            ));
        }
    }
    let settings = IntelSettings::load(env.db()).await?;
    let started = env.now();
    let feed = feed_row(env, spec).await?;
    let run = FeedRunId::from_unique(&unique());
    let mut txn = env.db().write().await?;
    txn.feed_run_insert(&run, spec.id, started).await?;
    txn.commit().await?;

    let result = attempt(env, ctx, spec, &feed, options, settings, fetcher, progress).await;
    let mut state = FeedState { last_attempt: Some(started), ..feed.state.clone() };
    let mut report = FeedRun {
        id: run,
        feed: spec.id.to_owned(),
        started,
        finished: None,
        outcome: FeedOutcome::Failed,
        records: feed.state.records,
        problems: 0,
        bytes: 0,
        sha256: None,
        error: None,
    };
    let mut problems = Vec::new();
    let mut hint = None;
    let mut no_connection = None;
    let mut accepted: Option<Shrunk> = None;
    let mut stands = None;
    let now = env.now();
    match result {
        Ok(Done { loaded: None, stands: counted }) => {
            stands = counted;
            report.outcome = FeedOutcome::Unchanged;
            state.last_success = Some(now);
            state.error = None;
        }
        Ok(Done { loaded: Some(Loaded { document, parsed, records, shrunk }), stands: counted }) => {
            stands = counted;
            report.outcome = FeedOutcome::Loaded;
            report.records = records;
            accepted = shrunk;
            report.problems = parsed.problems.len() as u64;
            report.bytes = document.bytes;
            report.sha256 = Some(document.sha256.clone());
            state = FeedState {
                last_attempt: Some(started),
                last_success: Some(now),
                etag: document.etag,
                last_modified: document.last_modified,
                records: report.records,
                problems: report.problems,
                bytes: document.bytes,
                error: None,
                sha256: Some(document.sha256),
                shrink: match &accepted {
                    Some(Shrunk { counts: Some((from, to)), .. }) => Shrink::Accepted { from: *from, to: *to },
                    Some(Shrunk { counts: None, .. }) | None => Shrink::None,
                },
            };
            problems = parsed
                .problems
                .iter()
                .map(|p| FoundProblem { what: format!("{} · {}", p.at, p.what), excerpt: p.excerpt.clone() })
                .collect();
        }
        Err(failed) => {
            report.outcome = failed.outcome;
            report.error = Some(failed.error.clone());
            state.error = Some(failed.error);
            state.shrink = failed.shrink;
            hint = Some(failed.hint);
            no_connection = failed.no_connection;
        }
    }
    let mut txn = env.db().write().await?;
    let row = txn.feed_fetch(spec.id).await?;
    let mut fresh = row.as_ref().map_or(feed.generation, |f| f.generation);
    if let (Some(Stands { url, counts, checked }), Some(row)) = (stands, row) {
        fresh = providers::note(&mut txn, &row, &url, counts, checked, now).await?;
    }
    txn.feed_state_save(spec.id, &state, fresh).await?;
    txn.feed_run_finish(&report, now).await?;
    if report.outcome == FeedOutcome::Loaded {
        txn.feed_problem_save(spec.id, now, &problems).await?;
        let intel = env.intel();
        let cause = Cause { provider: spec.id.to_owned(), actor: ctx.actor.word(), reason: ctx.reason.clone() };
        record(env, &mut txn, &intel, cause, now).await?;
    }
    txn.audit_append(AuditEntry {
        at: now,
        actor: ctx.actor.word(),
        action: Action::SyncFeeds.word().to_owned(),
        object: spec.id.to_owned(),
        reason: ctx.reason.clone(),
        detail: serde_json::json!({
            "outcome": report.outcome.word(), "records": report.records, "problems": report.problems, "sha256": report.sha256,
            "error": report.error, "accepted_shrink": accepted.as_ref().map(|s| s.words.clone()),
        }),
        request_id: ctx.request_id.clone(),
    });
    txn.commit().await?;
    env.event("feeds", &format!("{}: {}", spec.id, report.outcome.word()));
    Ok(SyncOutcome {
        feed: spec.id.to_owned(),
        outcome: report.outcome.word().to_owned(),
        records: report.records,
        problems: report.problems,
        bytes: report.bytes,
        error: report.error,
        hint,
        no_connection,
    })
}

async fn feed_row(env: &Env, spec: &FeedSpec) -> Result<Feed> {
    if let Some(feed) = env.db().read().await?.feed_fetch(spec.id).await? {
        return Ok(feed);
    }
    let mut txn = env.db().write().await?;
    match txn.feed_insert(spec.id, &serde_json::json!({})).await {
        Ok(_) => txn.commit().await?,
        Err(StoreError::Duplicate { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    env.db()
        .read()
        .await?
        .feed_fetch(spec.id)
        .await?
        .ok_or_else(|| AppError::NotFound { what: "feed", id: spec.id.to_owned() })
}

async fn attempt(
    env: &Env,
    ctx: &Ctx,
    spec: &'static FeedSpec,
    feed: &Feed,
    options: &SyncOptions,
    settings: IntelSettings,
    fetcher: &dyn Fetcher,
    progress: Progress<'_>,
) -> std::result::Result<Done, Failed> {
    let folder = env.data_dir().join("raw");
    // What we have of it may not be in force any more, after a rebuild of the starter set for example.
    let in_force = |c: &ChunkMeta| c.provider == spec.id && !c.starter && !c.kind.is_memory();
    let gone = feed.state.records > 0 && !env.intel().index().chunks.iter().any(in_force);
    let moved = put_back(env, spec.id).await.map_err(|e| Failed::new(error_chain(&e), e.hint().unwrap_or_default()))?;
    let anew = options.force || gone || moved;
    let url = options.from.clone().unwrap_or_else(|| spec.home.to_owned());
    // What one server calls unchanged says nothing about the document of another.
    let same = raw::origin(&folder, spec.id).map_or(options.from.is_none(), |origin| origin == url);
    let keep = |value: &Option<String>| if anew || !same { None } else { value.clone() };
    let request = FetchRequest {
        feed: spec.id.to_owned(),
        url,
        etag: keep(&feed.state.etag),
        last_modified: keep(&feed.state.last_modified),
        have_sha256: if anew { None } else { feed.state.sha256.clone() },
        max_bytes: spec.max_bytes,
        folder: folder.clone(),
        distribution: spec.distribution,
        again: options.force,
        now: env.now(),
    };
    let checks = match spec.distribution {
        Distribution::CsafProvider => {
            let accepted = &options.accept_keys;
            providers::meet(env, ctx, spec, &request, accepted, settings.signatures, fetcher).await?
        }
        Distribution::SingleDocument
        | Distribution::NvdApi
        | Distribution::Files(_)
        | Distribution::RpmRepositories(_)
        | Distribution::Mirror => Checks::default(),
    };
    let (got, stands) = get(spec, &request, checks, fetcher, progress).await?;
    let Some((document, parsed)) = got else { return Ok(Done { loaded: None, stands }) };
    guard_end(spec, &parsed, options.from.as_deref())?;
    let before = feed.state.records;
    let fewer = if options.delta { None } else { guard_document(before, &parsed, settings.shrink_percent) };
    refuse(spec, fewer.as_ref(), options)?;
    let work = env.clone();
    let (now, options) = (env.now(), options.clone());
    let compiled = tokio::task::spawn_blocking(move || {
        let failed = |error: AppError| Failed::new(error_chain(&error), error.hint().unwrap_or_default());
        let change = Change {
            provider: spec.id,
            records: &parsed.records,
            delta: options.delta.then_some(&parsed.ids),
            date: parsed.date,
            age: parsed.age,
            version: parsed.version.as_deref(),
            at: now,
            lost: parsed.lost,
        };
        let prepared = prepare(&work.intel(), &change).map_err(failed)?;
        let older = prepared.older().map(guard_day);
        refuse(spec, older.as_ref(), &options)?;
        let lost = guard_chunks(spec.id, prepared.base(), prepared.chunks(), settings.shrink_percent)
            // Changes are few by nature; those of this feed's own records were merged above.
            .filter(|_| !options.delta);
        refuse(spec, lost.as_ref(), &options)?;
        let intel = prepared.activate(spec.id, now, settings.into()).map_err(failed)?;
        let accepted = fewer.or(lost).into_iter().chain(older).reduce(Shrunk::and).filter(|_| options.accept_shrink);
        Ok::<_, Failed>((parsed, intel, accepted, options.delta))
    })
    .await
    .map_err(|e| Failed::new(format!("failed to compile: {e}"), "try again".to_owned()))?;
    let (parsed, intel, shrunk, delta) = compiled?;
    env.intel_replace(intel);
    let kept = parsed.read.saturating_sub(parsed.lost);
    let records = if delta { before.max(kept) } else { kept };
    raw::note_origin(&folder, spec.id, &request.url);
    raw::keep(&folder, spec.id, &document, settings);
    Ok(Done { loaded: Some(Loaded { document, parsed, records, shrunk }), stands })
}

/// Whether something else than feeds changed the data in force since this feed was loaded, and its part with it: an earlier
/// snapshot that was returned to, a bundle, a rebuild. What the publisher calls unchanged is not what is in force then.
async fn put_back(env: &Env, feed: &str) -> Result<bool> {
    let log = env.db().read().await?.intel_activation_newest(LOOK_BACK).await?;
    let loaded = log.iter().position(|a| a.provider == feed);
    let since = log.get(..loaded.unwrap_or(log.len())).unwrap_or_default();
    let Some(loaded) =
        loaded.and_then(|at| log.get(at)).filter(|_| since.iter().any(|a| registry::feed(&a.provider).is_none()))
    else {
        return Ok(false);
    };
    let intel = env.intel();
    let Some(then) = intel.dir().snapshot(&loaded.snapshot_id)? else { return Ok(true) };
    let of = |index: &SnapshotIndex| -> Vec<(ChunkKind, Option<String>, String)> {
        let own = index.chunks.iter().filter(|c| c.provider == feed && !c.kind.is_local());
        own.map(|c| (c.kind, c.ecosystem.clone(), c.id.clone())).collect()
    };
    Ok(of(&then) != of(intel.index()))
}

/// Fetches what there is and parses it; no document when the publisher has nothing newer.
async fn get(
    spec: &'static FeedSpec,
    request: &FetchRequest,
    checks: Checks,
    fetcher: &dyn Fetcher,
    progress: Progress<'_>,
) -> std::result::Result<(Option<(Document, ParsedFeed)>, Option<Stands>), Failed> {
    let by_provider = spec.distribution == Distribution::CsafProvider;
    let fetched = match spec.distribution {
        Distribution::CsafProvider if csaf::is_provider(&request.url) => {
            csaf::fetch(request, &checks, fetcher, progress).await
        }
        Distribution::Files(files) if parts::is_root(&request.url) => {
            parts::fetch(request, files, false, fetcher, progress).await
        }
        Distribution::RpmRepositories(roots) if parts::is_root(&request.url) => {
            parts::fetch(request, roots, true, fetcher, progress).await
        }
        Distribution::Mirror if request.url == spec.home => {
            return Err(Failed::new(
                format!("{} is read from a mirror only", spec.id),
                format!(
                    "copy {} and give the file or folder: `patchwright feed sync {} --from file:///path`",
                    spec.home, spec.id
                ),
            ));
        }
        Distribution::CsafProvider
        | Distribution::SingleDocument
        | Distribution::NvdApi
        | Distribution::Files(_)
        | Distribution::RpmRepositories(_)
        | Distribution::Mirror => fetcher.fetch(request, progress).await.map(|fetched| {
            Gotten::of(match fetched {
                Fetched::NotModified => None,
                Fetched::Document(document) => Some(document),
            })
        }),
    };
    let unreachable = |error: FetchError| {
        let failed = Failed::new(error_chain(&error), error.hint());
        let no_connection = if let FetchError::NoConnection { why, .. } = error { Some(why) } else { None };
        Failed { no_connection, ..failed }
    };
    let mut gotten = fetched.map_err(unreachable)?;
    let checked = checks.ring.is_some();
    let stands = |counts: Option<Counts>| counts.map(|counts| Stands { url: request.url.clone(), counts, checked });
    let Some(document) = gotten.document.take() else { return Ok((None, stands(gotten.counts))) };
    if by_provider && gotten.counts.is_none() {
        if document.path.is_dir() {
            gotten = plain_folder(spec, &document, &checks, request.now).await?;
        } else if request.url != "-" {
            let judged = csaf::single(request, &document, &checks, fetcher).await.map_err(unreachable)?;
            gotten.counts = Some(judged.map_err(|why| {
                let what = format!("{}: {why}", request.url);
                Failed::new(what, "ask the provider; what was known before stays in force".to_owned())
            })?);
        }
    }
    let mut parsed = match parse(spec, document.clone(), gotten.refused, request).await {
        Ok(parsed) => parsed,
        Err(failed) => {
            // Why single documents could not be had says more than that none is there.
            let first = gotten.problems.first().map(|p| format!("; {}: {}", p.at, p.what)).unwrap_or_default();
            let mut error = format!("{}{first}", failed.error);
            if request.url == "-" {
                // Where we put it meanwhile is nobody's business.
                error = error.replace(&document.path.display().to_string(), "standard input");
            }
            return Err(Failed { error, ..failed });
        }
    };
    parsed.read += gotten.lost;
    parsed.lost += gotten.lost;
    // What concerns the provider comes first: the list is cut at its end.
    let mut problems = checks.notices;
    if let Some(counts) = gotten.counts.filter(|counts| checks.lenient && counts.unsigned > 0) {
        let what = format!("{} files that nobody signed were taken: the setting does not ask for it", counts.unsigned);
        problems.push(Problem::new(request.url.clone(), what, ""));
    }
    problems.extend(gotten.problems);
    problems.append(&mut parsed.problems);
    problems.truncate(PROBLEMS_KEPT);
    parsed.problems = problems;
    Ok((Some((document, parsed)), stands(gotten.counts)))
}

/// Holds each document of a folder without lists against what lies beside it.
async fn plain_folder(
    spec: &'static FeedSpec,
    document: &Document,
    checks: &Checks,
    now: Timestamp,
) -> std::result::Result<Gotten, Failed> {
    let (root, checks) = (document.path.clone(), checks.clone());
    let judged = tokio::task::spawn_blocking(move || {
        let files = files_below(&root)?;
        let wanted = wanted(spec, &root, files.clone());
        Ok::<_, std::io::Error>(checks.folder(&root, &files, &wanted, now))
    });
    let stopped =
        |why: String| Failed::new(format!("failed to check the mirror folder: {why}"), "check the folder".to_owned());
    let (refused, problems, counts) =
        judged.await.map_err(|e| stopped(e.to_string()))?.map_err(|e| stopped(e.to_string()))?;
    Ok(Gotten { problems, lost: counts.refused, refused, counts: Some(counts), ..Gotten::of(None) })
}

/// The files that belong to a feed. Names count below the folder: what stands above it is the machine's business.
fn wanted(spec: &FeedSpec, root: &Path, mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    files.retain(|file| spec.format.wants(&file.strip_prefix(root).unwrap_or(file).display().to_string()));
    files
}

async fn parse(
    spec: &'static FeedSpec,
    document: Document,
    refused: BTreeSet<PathBuf>,
    request: &FetchRequest,
) -> std::result::Result<ParsedFeed, Failed> {
    let today = request.now.date();
    let parsed = tokio::task::spawn_blocking(move || {
        let files = if document.path.is_dir() { files_below(&document.path) } else { Ok(Vec::new()) };
        match files {
            Ok(files) => {
                let mut files = wanted(spec, &document.path, files);
                files.retain(|file| !refused.contains(file));
                if files.is_empty() && document.path.is_dir() {
                    return Err(Failed::new(
                        format!("there is no document of {} here", spec.id),
                        "check that the address leads to this feed; what was known before stays in force".to_owned(),
                    ));
                }
                parse_document(spec, &document.path, &files, today).map_err(|e| Failed::new(error_chain(&e), e.hint()))
            }
            Err(e) => Err(Failed::new(format!("failed to list the mirror folder: {e}"), "check the folder".to_owned())),
        }
    })
    .await
    .map_err(|e| {
        Failed::new(format!("the parser of {} stopped: {e}", spec.id), "report this document as a bug".to_owned())
    })??;
    let kept = parsed.read.saturating_sub(parsed.lost);
    // One that ends before its first record is told to end early.
    if kept == 0 && parsed.early.is_none() {
        if let Some(foreign) = parsed.foreign {
            let (error, hint) = belongs::refusal(spec, foreign, &request.url);
            return Err(Failed::new(error, hint));
        }
        return Err(Failed::new(
            format!("the document holds no usable record ({} seen)", parsed.read),
            "check that the address leads to this feed; what was known before stays in force".to_owned(),
        ));
    }
    Ok(parsed)
}

/// All files below a folder, sorted; links are not followed.
fn files_below(root: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// A document, or a part of it, that lost more than the policy allows, or one that is older than what is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shrunk {
    words: String,
    /// Records before and now; nothing where it is only older.
    counts: Option<(u64, u64)>,
}

impl Shrunk {
    /// Both of two reasons.
    fn and(self, other: Self) -> Self {
        Self { words: format!("{}; {}", self.words, other.words), counts: self.counts.or(other.counts) }
    }
}

/// Whether `to` records are too few after `from`.
fn too_few(from: u64, to: u64, percent: u64) -> bool {
    from >= SHRINK_FLOOR && to.saturating_mul(100) < from.saturating_mul(percent)
}

/// A document that lost a larger share of its records than the policy allows.
fn guard_document(from: u64, parsed: &ParsedFeed, percent: u64) -> Option<Shrunk> {
    let to = parsed.read.saturating_sub(parsed.lost);
    let words = format!("the document has {to} records, {from} are in force");
    too_few(from, to, percent).then_some(Shrunk { words, counts: Some((from, to)) })
}

/// A document of before the one in force would take back what its publisher has said since.
fn guard_day(older: Older) -> Shrunk {
    let whose = if older.starter { " from the starter set" } else { "" };
    let words = format!("the document is of {}, the one in force{whose} is of {}", older.document, older.in_force);
    Shrunk { words, counts: None }
}

/// A document that ends early says nothing of what its publisher has: that it became smaller, or that a record is gone. So it is not
/// compared with what is in force, and nobody can accept it.
fn guard_end(spec: &FeedSpec, parsed: &ParsedFeed, from: Option<&str>) -> std::result::Result<(), Failed> {
    let Some(early) = &parsed.early else { return Ok(()) };
    let read = parsed.read.saturating_sub(parsed.lost);
    let again = match from {
        None => format!("`patchwright feed sync {}` fetches it anew", spec.id),
        Some(from) => format!("copy or fetch `{from}` again, and compare its size or checksum with the publisher's"),
    };
    Err(Failed {
        outcome: FeedOutcome::Refused,
        ..Failed::new(
            format!("the file ends early ({early}), after {read} records; the old records stay in force"),
            again,
        )
    })
}

/// The same for each release and each kind of fact by itself: a feed that loses one release whole, or most of it, can still
/// have most of its records. What ships with the program counts like what was fetched: a first document of one record must
/// not take the place of thousands.
fn guard_chunks(provider: &str, base: &SnapshotIndex, fresh: &[ChunkMeta], percent: u64) -> Option<Shrunk> {
    let mut before = base.displaced(&[provider], fresh);
    // These stay, but with the first live ones the product no longer says that what it knows of the release is incomplete.
    before.extend(base.chunks.iter().filter(|old| {
        old.starter
            && old.kind == ChunkKind::Advisories
            && old.provider != provider
            && super::stands_in(provider, &old.provider)
    }));
    before.into_iter().filter(|old| old.records > 0 && !old.kind.is_memory()).find_map(|old| {
        // A bundle brings the chunks of many: what the same provider says now counts, else what takes its place.
        let same = |new: &&ChunkMeta, whose: &str| {
            new.provider == whose && new.kind == old.kind && new.ecosystem == old.ecosystem
        };
        let of = |whose: &str| fresh.iter().find(|new| same(new, whose)).map(|new| new.records);
        let to = of(&old.provider).or_else(|| of(provider)).unwrap_or(0);
        let what = old.ecosystem.clone().unwrap_or_else(|| format!("its {} table", old.kind.word()));
        let whose = if old.starter { " from the starter set" } else { "" };
        let words = if to == 0 {
            format!("{what} is gone from the document, {} rows{whose} are in force", old.records)
        } else if too_few(old.records, to, percent) {
            format!("{what} has {to} rows, {}{whose} are in force", old.records)
        } else {
            return None;
        };
        Some(Shrunk { words, counts: Some((old.records, to)) })
    })
}

/// The first release or table of `provider` that lost more of its rows than the policy allows, in words.
pub(crate) fn lost_rows(provider: &str, base: &SnapshotIndex, fresh: &[ChunkMeta], percent: u64) -> Option<String> {
    guard_chunks(provider, base, fresh, percent).map(|shrunk| shrunk.words)
}

/// Refuses what shrank, or is older, until a person accepts it.
fn refuse(spec: &FeedSpec, shrunk: Option<&Shrunk>, options: &SyncOptions) -> std::result::Result<(), Failed> {
    let Some(shrunk) = shrunk.filter(|_| !options.accept_shrink) else {
        return Ok(());
    };
    let from = options.from.as_ref().map(|from| format!(" --from {from}")).unwrap_or_default();
    let meant = if shrunk.counts.is_some() {
        "if the publisher really means it"
    } else {
        "fetch the newest document; if the older one is really meant"
    };
    Err(Failed {
        outcome: FeedOutcome::Refused,
        no_connection: None,
        error: format!("{}; the old records stay in force", shrunk.words),
        hint: format!("{meant}: `patchwright feed sync {}{from} --accept-shrink --reason WHY`", spec.id),
        shrink: shrunk.counts.map_or(Shrink::None, |(from, to)| Shrink::Refused { from, to }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(ecosystem: &str, records: u64) -> ChunkMeta {
        ChunkMeta {
            provider: "osv".to_owned(),
            kind: ChunkKind::Advisories,
            ecosystem: Some(ecosystem.to_owned()),
            id: "0".repeat(64),
            bytes: 1,
            records,
            date: None,
            version: None,
            starter: false,
        }
    }

    #[test]
    fn one_release_that_is_lost_or_halved_is_enough() {
        let base = SnapshotIndex::new(
            vec![meta("Debian:12", 1000), meta("Debian:11", 1000), meta("Debian:3", 2)],
            1,
            Timestamp(0),
        );
        let lost = |fresh: &[ChunkMeta]| guard_chunks("osv", &base, fresh, 67).map(|s| s.words);
        assert_eq!(lost(&[meta("Debian:12", 700), meta("Debian:11", 2000), meta("Debian:3", 1)]), None);
        let words = lost(&[meta("Debian:12", 5000), meta("Debian:3", 2)]).unwrap();
        assert_eq!(words, "Debian:11 is gone from the document, 1000 rows are in force");
        let words = lost(&[meta("Debian:12", 5000), meta("Debian:11", 669), meta("Debian:3", 2)]).unwrap();
        assert_eq!(words, "Debian:11 has 669 rows, 1000 are in force");
        assert!(lost(&[meta("Debian:12", 1000), meta("Debian:11", 1000)]).unwrap().starts_with("Debian:3 is gone"));
        assert_eq!(guard_chunks("other", &base, &[], 67), None);
    }

    #[test]
    fn what_ships_counts_as_in_force() {
        let starter = |provider: &str, kind: ChunkKind, ecosystem: Option<&str>, records: u64| ChunkMeta {
            provider: provider.to_owned(),
            kind,
            ecosystem: ecosystem.map(str::to_owned),
            starter: true,
            ..meta("", records)
        };
        let live = |chunk: &ChunkMeta, provider: &str, records: u64| ChunkMeta {
            provider: provider.to_owned(),
            records,
            starter: false,
            ..chunk.clone()
        };
        let kev = starter("cisa-kev", ChunkKind::Kev, None, 1673);
        let names = starter("debian-names", ChunkKind::Names, Some("Debian:12"), 42_895);
        let debian = starter("debian-changelog", ChunkKind::Advisories, Some("Debian:12"), 11_744);
        let ssvc = starter("cisa-ssvc", ChunkKind::Ssvc, None, 44_027);
        let chunks = vec![kev.clone(), names.clone(), debian.clone(), ssvc.clone()];
        let base = SnapshotIndex::new(chunks, 1, Timestamp(0));
        let lost = |provider: &str, fresh: ChunkMeta| guard_chunks(provider, &base, &[fresh], 67).map(|s| s.words);
        let words = lost("cisa-kev", live(&kev, "cisa-kev", 1)).unwrap();
        assert_eq!(words, "its kev table has 1 rows, 1673 from the starter set are in force");
        assert_eq!(lost("cisa-kev", live(&kev, "cisa-kev", 1700)), None);
        assert!(
            lost("debian-tracker", live(&debian, "debian-tracker", 8)).unwrap().starts_with("Debian:12 has 8 rows")
        );
        assert_eq!(lost("debian-tracker", live(&debian, "debian-tracker", 60_000)), None);
        assert!(lost("other-names", live(&names, "other-names", 3)).is_some(), "names of whomever take its place");
        assert_eq!(lost("osv-debian", live(&debian, "osv-debian", 8)), None, "it adds to what is there");
        assert_eq!(lost("vulnrichment", live(&ssvc, "vulnrichment", 8)), None, "it adds to what is there");
    }
}
