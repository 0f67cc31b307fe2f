//! Intelligence on this machine: the chunk store in the data folder, the snapshot in use, and how it is built.
//!
//! `<data>/intel/chunks/<id>.chunk` are immutable and named by their SHA-256; `<data>/intel/index.json` is replaced by
//! an atomic rename, so a kill at any point leaves either the old snapshot or the new one.

mod build;
pub mod bundle;
mod checked;
pub mod complete;
mod disk;
mod known;
mod log;
mod named;
mod past;
mod starter;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use patchwright_domain::assurance::lifecycle::{SupportState, product_of, support_state};
use patchwright_domain::exposure::Finding;
use patchwright_domain::exposure::cleared::{Cleared, cleared};
use patchwright_domain::exposure::components::{self, match_components};
use patchwright_domain::exposure::matching::{ProviderChunk, match_host, subscription_of};
use patchwright_domain::exposure::vex::Statement;
use patchwright_domain::intel::names::is_component;
use patchwright_domain::intel::snapshot::advisories::{Row, scheme_of};
use patchwright_domain::intel::snapshot::{
    AdvisoryChunk, ChunkKind, ChunkMeta, SideTables, SnapshotIndex, side::SideTable,
};
use patchwright_domain::intel::{EpssRelease, VulnFacts, Withdrawal};
use patchwright_domain::inventory::{HostFacts, Os};
use patchwright_domain::time::{Date, Timestamp};
use patchwright_protocol::scan::{DataLabel, ProviderLabel};

pub use build::{Age, Change, FreshRecords, Older, Prepared, Rebuilt, RecordIds, prepare, reactivate, rebuild};
use checked::Checked;
pub use disk::{FileChunk, IntelDir, Retention, write_atomic};
pub use known::{EcosystemKnown, Known};
pub use log::{
    AsOf, DiffRow, Known as KnownRow, LogRow, activations, as_of, diff_chunks, diff_snapshots, known_since,
    return_from, return_to,
};
pub(crate) use log::{Cause, reconcile, record};
use named::Named;
pub(crate) use past::past;
pub use past::past_of;
pub use starter::{STARTER_DATE, starter_bytes, starter_records};
pub use watch::Watch;

use crate::error::AppError;
use crate::feeds::registry;

/// Bytes hashed beside an answer: SHA-256 reads about a gigabyte a second, and an answer must not wait for it.
const HASHED_MAX: u64 = 64 << 20;
/// Which chunks [`Intel::verify_for`] hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// All that the answer rests on.
    Nothing,
    /// Those that were touched since they were hashed last.
    Untouched,
}

/// Days after which data counts as old enough to warn about.
const STALE_AFTER_DAYS: i32 = 3;

/// The snapshot in use: index, side tables, and the advisory chunks that were needed so far.
pub struct Intel {
    index: SnapshotIndex,
    dir: IntelDir,
    side: SideTables,
    /// Tables that few questions need: opened when one does.
    rare: OnceLock<SideTables>,
    chunks: Mutex<BTreeMap<String, Arc<AdvisoryChunk>>>,
    /// Which packages of a chunk name which vulnerabilities and advisories, by chunk: made when the first page of a vulnerability asks.
    named: Mutex<BTreeMap<String, Arc<Named>>>,
}

/// What a warning says where no advisory judges the system.
pub const NOTHING_MATCHED: &str = "nothing was matched";
/// What a warning says while the starter set is most of what is known of a system.
pub const INCOMPLETE: &str = "come from the starter set, which is incomplete";
/// What a warning says while only lists of advisories are loaded.
pub const INCOMPLETE_LISTS: &str = "which is incomplete";

/// What is said beside the answers of a host whose repositories need a subscription that it has not.
pub(crate) fn not_entitled_words(why: &str) -> String {
    format!("Not entitled: {why}. That the package manager offers no update does not mean that the host is patched.")
}

/// The sentence that says how to load advisories, with a space before it; empty where no feed has them.
fn load_hint<'e>(ecosystems: impl IntoIterator<Item = &'e str>) -> String {
    registry::sync_command(ecosystems).map(|command| format!(" Run `{command}`.")).unwrap_or_default()
}

/// Tables that every finding looks into.
fn is_common(kind: ChunkKind) -> bool {
    match kind {
        ChunkKind::Kev
        | ChunkKind::Epss
        | ChunkKind::Cvss
        | ChunkKind::Ssvc
        | ChunkKind::Exploits
        | ChunkKind::Published
        | ChunkKind::KevRemoved => true,
        ChunkKind::Advisories | ChunkKind::Eol | ChunkKind::Names | ChunkKind::Withdrawn | ChunkKind::Aliases => false,
    }
}

fn open_tables(
    dir: &IntelDir,
    index: &SnapshotIndex,
    wanted: impl Fn(ChunkKind) -> bool,
) -> Result<SideTables, AppError> {
    let mut tables = SideTables::default();
    for chunk in index.chunks.iter().filter(|c| c.kind != ChunkKind::Advisories && wanted(c.kind)) {
        let file = dir.chunk(&chunk.id)?;
        let table = SideTable::open(chunk.kind, Box::new(file)).map_err(|e| dir.damaged(&chunk.id, &e))?;
        tables.add(chunk.kind, chunk.ecosystem.clone(), table);
    }
    Ok(tables)
}

pub(crate) fn open_advisories(dir: &IntelDir, id: &str) -> Result<AdvisoryChunk, AppError> {
    AdvisoryChunk::open(dir.chunk(id)?).map_err(|e| dir.damaged(id, &e))
}

impl Intel {
    /// Opens the active snapshot; builds it from the data that ships with the product when there is none.
    ///
    /// # Errors
    /// [`AppError`] when the folder cannot be used or the chunks are damaged.
    pub fn open_or_build(data_dir: &Path, now: Timestamp) -> Result<Self, AppError> {
        let dir = IntelDir::new(data_dir);
        match dir.read_index()? {
            Some(index) => Self::open(dir, index),
            None => rebuild(data_dir, now).map(|built| built.intel),
        }
    }

    /// Opens a snapshot by its index.
    ///
    /// # Errors
    /// [`AppError::Intel`] when a chunk is missing or damaged.
    pub fn open(dir: IntelDir, index: SnapshotIndex) -> Result<Self, AppError> {
        let side = open_tables(&dir, &index, is_common)?;
        Ok(Self { index, dir, side, rare: OnceLock::new(), chunks: Mutex::default(), named: Mutex::default() })
    }

    fn rare(&self) -> Result<&SideTables, AppError> {
        if let Some(tables) = self.rare.get() {
            return Ok(tables);
        }
        let tables = open_tables(&self.dir, &self.index, |kind| !is_common(kind))?;
        Ok(self.rare.get_or_init(|| tables))
    }

    /// The index.
    #[must_use]
    pub fn index(&self) -> &SnapshotIndex {
        &self.index
    }

    /// Where the chunks are.
    #[must_use]
    pub fn dir(&self) -> &IntelDir {
        &self.dir
    }

    /// The advisory chunks of an ecosystem with their providers.
    ///
    /// # Errors
    /// [`AppError::Intel`] when a chunk cannot be read.
    pub fn advisories(&self, ecosystem: &str) -> Result<Vec<(String, Arc<AdvisoryChunk>)>, AppError> {
        let mut out = Vec::new();
        for meta in &self.index.chunks {
            if meta.kind != ChunkKind::Advisories || meta.ecosystem.as_deref() != Some(ecosystem) {
                continue;
            }
            out.push((meta.provider.clone(), self.chunk(&meta.id)?));
        }
        Ok(out)
    }

    /// The same without the chunks that `seen` knows, and without keeping them in memory.
    pub(crate) fn advisories_fresh(
        &self,
        ecosystem: &str,
        seen: &impl Fn(&str) -> bool,
    ) -> Result<Vec<(String, AdvisoryChunk)>, AppError> {
        self.index
            .chunks
            .iter()
            .filter(|c| c.kind == ChunkKind::Advisories && c.ecosystem.as_deref() == Some(ecosystem) && !seen(&c.id))
            .map(|meta| Ok((meta.provider.clone(), open_advisories(&self.dir, &meta.id)?)))
            .collect()
    }

    fn chunk(&self, id: &str) -> Result<Arc<AdvisoryChunk>, AppError> {
        let lock = || self.chunks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(chunk) = lock().get(id) {
            return Ok(chunk.clone());
        }
        let chunk = Arc::new(open_advisories(&self.dir, id)?);
        lock().insert(id.to_owned(), chunk.clone());
        Ok(chunk)
    }

    /// Every statement that names a vulnerability or an advisory in an ecosystem: provider, package and its row are given to `each`, until
    /// that says to stop.
    ///
    /// # Errors
    /// [`AppError::Intel`] when a chunk cannot be read.
    pub fn statements_on(
        &self,
        ecosystem: &str,
        id: &str,
        mut each: impl FnMut(&str, &str, Row<'_>) -> bool,
    ) -> Result<(), AppError> {
        let of = |c: &&ChunkMeta| c.kind == ChunkKind::Advisories && c.ecosystem.as_deref() == Some(ecosystem);
        for meta in self.index.chunks.iter().filter(of) {
            let chunk = self.chunk(&meta.id)?;
            let named = self.named(&meta.id, &chunk);
            for package in named.packages(id) {
                let Some(package) = chunk.package(package) else { continue };
                for row in chunk.rows(package).filter(|row| row.vuln == id || row.advisory == Some(id)) {
                    if !each(&meta.provider, package, row) {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn named(&self, id: &str, chunk: &AdvisoryChunk) -> Arc<Named> {
        let lock = || self.named.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(named) = lock().get(id) {
            return named.clone();
        }
        let named = Arc::new(Named::of(chunk));
        lock().insert(id.to_owned(), named.clone());
        named
    }

    /// Ecosystems that have advisory chunks.
    #[must_use]
    pub fn ecosystems(&self) -> Vec<&str> {
        let mut list: Vec<&str> = self.index.chunks.iter().filter_map(|c| c.ecosystem.as_deref()).collect();
        list.sort_unstable();
        list.dedup();
        list
    }

    /// The findings of a host: of its operating system's packages, then of packages of languages that none of those brought.
    ///
    /// # Errors
    /// [`AppError::Intel`] when a chunk cannot be read.
    pub fn findings(&self, host: &HostFacts) -> Result<Vec<Finding>, AppError> {
        let mut findings = Vec::new();
        if let Some(ecosystem) = host.os.ecosystem() {
            findings = self.matched(&ecosystem, |chunks| match_host(host, &ecosystem, chunks))?;
        }
        for ecosystem in components::ecosystems(host) {
            findings.extend(self.matched(ecosystem, |chunks| match_components(host, ecosystem, chunks))?);
        }
        Ok(findings)
    }

    /// The advisory chunks that judge a host of an ecosystem, each with its provider and whether a subscription is needed for its
    /// fixes.
    ///
    /// # Errors
    /// [`AppError::Intel`] when a chunk cannot be read.
    pub fn judging(&self, ecosystem: &str) -> Result<Vec<(String, Arc<AdvisoryChunk>, bool)>, AppError> {
        let mut out: Vec<_> = self.advisories(ecosystem)?.into_iter().map(|(p, c)| (p, c, false)).collect();
        if let Some((paid, _)) = subscription_of(ecosystem) {
            out.extend(self.advisories(&paid)?.into_iter().map(|(p, c)| (p, c, true)));
        }
        Ok(out)
    }

    fn matched<T>(&self, ecosystem: &str, by: impl FnOnce(&[ProviderChunk<'_>]) -> Vec<T>) -> Result<Vec<T>, AppError> {
        let list = self.judging(ecosystem)?;
        let chunks: Vec<ProviderChunk<'_>> = list
            .iter()
            .map(|(provider, chunk, subscription)| ProviderChunk { provider, chunk, subscription: *subscription })
            .collect();
        Ok(by(&chunks))
    }

    /// Facts about a vulnerability.
    ///
    /// # Errors
    /// [`AppError::Intel`] when a table cannot be read.
    pub fn facts(&self, vuln: &str) -> Result<VulnFacts, AppError> {
        self.side
            .facts(vuln)
            .map_err(|e| AppError::Intel { path: self.dir.root().display().to_string(), why: e.to_string() })
    }

    /// What publishers took back of a vulnerability.
    ///
    /// # Errors
    /// [`AppError::Intel`] when a table cannot be read.
    pub fn withdrawals(&self, vuln: &str) -> Result<Vec<Withdrawal>, AppError> {
        self.rare()?
            .withdrawals(vuln)
            .map_err(|e| AppError::Intel { path: self.dir.root().display().to_string(), why: e.to_string() })
    }

    /// Other names of a vulnerability in the databases that are loaded, sorted.
    ///
    /// # Errors
    /// [`AppError::Intel`] when a table cannot be read.
    pub fn aliases(&self, name: &str) -> Result<Vec<String>, AppError> {
        self.rare()?
            .aliases(name)
            .map_err(|e| AppError::Intel { path: self.dir.root().display().to_string(), why: e.to_string() })
    }

    /// Gives each statement the other names that the loaded databases have for its vulnerability: a document that knows only the id
    /// of a second database speaks of the finding under its CVE id.
    ///
    /// # Errors
    /// [`AppError::Intel`] when a table cannot be read.
    pub fn name_fully(&self, statements: &mut [Statement]) -> Result<(), AppError> {
        for statement in statements {
            let said: Vec<String> =
                std::iter::once(&statement.vulnerability).chain(&statement.aliases).cloned().collect();
            for name in said {
                let new: Vec<String> =
                    self.aliases(&name)?.into_iter().filter(|other| !statement.names(other)).collect();
                statement.aliases.extend(new);
            }
        }
        Ok(())
    }

    /// Packages of a host that are spoken of under a vulnerability's or an advisory's id and do not have it, with the reason.
    ///
    /// # Errors
    /// [`AppError::Intel`] when a chunk cannot be read.
    pub fn cleared(&self, host: &HostFacts, id: &str) -> Result<Vec<Cleared>, AppError> {
        let mut ecosystems: Vec<String> = host.os.ecosystem().into_iter().collect();
        ecosystems.extend(components::ecosystems(host).into_iter().map(str::to_owned));
        let mut out = Vec::new();
        for ecosystem in ecosystems {
            out.extend(self.matched(&ecosystem, |chunks| cleared(host, &ecosystem, chunks, id))?);
        }
        Ok(out)
    }

    /// The EPSS model in use.
    #[must_use]
    pub fn epss_release(&self) -> Option<EpssRelease> {
        self.side.epss_release()
    }

    /// The source package of a binary, for inputs that name binaries only.
    ///
    /// # Errors
    /// [`AppError::Intel`] when the table cannot be read.
    pub fn source_of(&self, ecosystem: &str, binary: &str) -> Result<Option<String>, AppError> {
        self.rare()?
            .source_of(ecosystem, binary)
            .map_err(|e| AppError::Intel { path: self.dir.root().display().to_string(), why: e.to_string() })
    }

    /// Support state of the host's system on a day.
    ///
    /// # Errors
    /// [`AppError::Intel`] when the table cannot be read.
    pub fn support(&self, host: &HostFacts, today: Date) -> Result<SupportState, AppError> {
        self.support_of(&host.os, today)
    }

    /// The support state of an operating system on a day.
    ///
    /// # Errors
    /// [`AppError::Intel`] when the table cannot be read.
    pub fn support_of(&self, os: &Os, today: Date) -> Result<SupportState, AppError> {
        let cycles = self
            .rare()?
            .cycles(product_of(os))
            .map_err(|e| AppError::Intel { path: self.dir.root().display().to_string(), why: e.to_string() })?;
        Ok(support_state(os, &cycles, today))
    }

    /// What the reader must know about the data behind an answer. Pure in everything but `self`.
    #[must_use]
    pub fn label(&self) -> DataLabel {
        let mut providers: BTreeMap<&str, ProviderLabel> = BTreeMap::new();
        for chunk in &self.index.chunks {
            let entry = providers.entry(&chunk.provider).or_insert_with(|| ProviderLabel {
                provider: chunk.provider.clone(),
                starter: chunk.starter,
                ..ProviderLabel::default()
            });
            // What is gone is remembered, and is no record in force.
            if !chunk.kind.is_memory() {
                entry.records += chunk.records;
            }
            if let Some(date) = chunk.date {
                entry.date = entry.date.clone().max(date.to_string());
            }
            entry.version = entry.version.clone().or_else(|| chunk.version.clone());
        }
        let starters = providers.values().filter(|p| p.starter).count();
        let live = providers.len() - starters;
        let label = match (starters, live) {
            (0, 1) => "1 live feed".to_owned(),
            (0, _) => format!("{live} live feeds"),
            (_, 0) => format!("starter set of {STARTER_DATE}, incomplete"),
            (_, 1) => format!("1 live feed over the starter set of {STARTER_DATE}, incomplete"),
            _ => format!("{live} live feeds over the starter set of {STARTER_DATE}, incomplete"),
        };
        DataLabel {
            snapshot: self.index.id.clone(),
            activated_at: self.index.activated_at.to_string(),
            label,
            incomplete: starters > 0,
            providers: providers.into_values().collect(),
            warnings: Vec::new(),
        }
    }

    /// Whether what an answer about this host rests on has the bytes that its names say: every table, and the advisories of its
    /// ecosystems. At most [`HASHED_MAX`] bytes are read, the small ones first; `intel verify` reads all. With [`Trust::Untouched`]
    /// files that were hashed before and were not touched since are believed.
    ///
    /// # Errors
    /// [`AppError::Intel`] naming the first chunk that has not.
    pub fn verify_for(&self, host: &HostFacts, trust: Trust) -> Result<(), AppError> {
        let mut ecosystems: Vec<String> = components::ecosystems(host).into_iter().map(str::to_owned).collect();
        if let Some(own) = host.os.ecosystem() {
            ecosystems.extend(subscription_of(&own).map(|(paid, _)| paid));
            ecosystems.push(own);
        }
        let asked = |c: &&ChunkMeta| {
            c.kind != ChunkKind::Advisories || c.ecosystem.as_ref().is_some_and(|name| ecosystems.contains(name))
        };
        let mut chunks: Vec<&ChunkMeta> = self.index.chunks.iter().filter(asked).collect();
        chunks.sort_by_key(|c| c.bytes);
        let mut left = HASHED_MAX;
        let mut checked = Checked::read(self.dir.root());
        let now = crate::env::Clock::system().now();
        for chunk in chunks {
            let look = self.dir.look(&chunk.id);
            if trust == Trust::Untouched && checked.has(&chunk.id, look) {
                continue;
            }
            let Some(rest) = left.checked_sub(chunk.bytes) else { break };
            left = rest;
            self.dir.verify_chunk(&chunk.id)?;
            checked.add(&chunk.id, look, now);
        }
        let ids: Vec<&str> = self.index.chunks.iter().map(|c| c.id.as_str()).collect();
        checked.keep(&ids);
        Ok(())
    }

    /// Whether any advisory for this host's system is loaded: without one, an empty list of findings says nothing.
    #[must_use]
    pub fn judges(&self, host: &HostFacts) -> bool {
        host.os.ecosystem().is_some_and(|name| {
            self.index.chunks.iter().any(|c| c.kind == ChunkKind::Advisories && c.ecosystem.as_ref() == Some(&name))
        })
    }

    /// Why no verdict can be given about this host: its system, or packages of a language, are not matched against anything. With the
    /// command that fetches what is missing, where a feed has it.
    #[must_use]
    pub fn no_verdict(&self, host: &HostFacts) -> Option<(String, Option<String>)> {
        let system = (!host.packages.is_empty() || host.components.is_empty()) && !self.judges(host);
        let mut missing: Vec<String> = self.unjudged_languages(host).into_keys().map(str::to_owned).collect();
        if system {
            missing.extend(host.os.ecosystem());
        } else if missing.is_empty() {
            return None;
        }
        let why = if system {
            "no advisory for this system is loaded, so nothing was matched".to_owned()
        } else {
            format!("packages of {} were not matched: no advisories for them are loaded", missing.join(", "))
        };
        Some((why, registry::sync_command(missing.iter().map(String::as_str))))
    }

    /// Ecosystems of languages that this host has packages of and that there is no data or no version order for.
    fn unjudged_languages<'h>(&self, host: &'h HostFacts) -> BTreeMap<&'h str, usize> {
        let is_loaded = |name: &str| {
            let of = |c: &&ChunkMeta| c.kind == ChunkKind::Advisories && c.ecosystem.as_deref() == Some(name);
            is_component(name) && scheme_of(name).is_some() && self.index.chunks.iter().any(|c| of(&c))
        };
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for component in components::judged(host).filter(|c| !is_loaded(&c.ecosystem)) {
            *counts.entry(component.ecosystem.as_str()).or_default() += 1;
        }
        counts
    }

    /// What is said of each language of which only a sample is loaded.
    fn language_samples(&self, host: &HostFacts) -> Vec<String> {
        let names: BTreeSet<&str> = components::judged(host).map(|c| c.ecosystem.as_str()).collect();
        let of = |name: &&str| {
            let chunks = self.index.chunks.iter();
            let own = chunks.filter(|c| c.kind == ChunkKind::Advisories && c.ecosystem.as_deref() == Some(*name));
            complete::sample_only(name, &own.collect::<Vec<_>>())
        };
        names.iter().filter_map(of).collect()
    }

    fn unjudged(&self, host: &HostFacts) -> Option<String> {
        let counts = self.unjudged_languages(host);
        let named: Vec<String> = counts.iter().map(|(name, count)| format!("{count} of {name}")).collect();
        (!named.is_empty()).then(|| {
            format!(
                "Packages of languages were not matched ({}): no advisories for them are loaded, which is not the same as nothing found.{}",
                named.join(", "),
                load_hint(counts.keys().copied())
            )
        })
    }

    /// The label with the warnings that matter for a host on a day.
    #[must_use]
    pub fn label_for(&self, host: &HostFacts, today: Date) -> DataLabel {
        let mut label = self.label();
        let ecosystem = host.os.ecosystem();
        match &ecosystem {
            // A bill of materials of an application has no operating system.
            None if host.packages.is_empty() && !host.components.is_empty() => {}
            _ if host.packages.is_empty() => label.warnings.push(format!(
                "No package of the system is known: of those {NOTHING_MATCHED}, which is not the same as nothing found. Read are the \
                 databases of dpkg, rpm and apk."
            )),
            None => label.warnings.push(format!(
                "There is no advisory ecosystem for `{}`: {NOTHING_MATCHED}, which is not the same as nothing found. Systems that have \
                 one: {}; where a FILE is misnamed, correct --os (ID:VERSION, as debian:12).",
                if host.os.pretty.is_empty() { "unknown system" } else { &host.os.pretty },
                Os::KNOWN.join(", ")
            )),
            Some(name) => {
                let chunks: Vec<_> = self
                    .index
                    .chunks
                    .iter()
                    .filter(|c| c.kind == ChunkKind::Advisories && c.ecosystem.as_ref() == Some(name))
                    .collect();
                if chunks.is_empty() {
                    label.warnings.push(format!(
                        "No advisories for {name} are loaded: {NOTHING_MATCHED}, which is not the same as nothing found.{}",
                        load_hint([name.as_str()])
                    ));
                } else {
                    label.warnings.extend(self.coverage_words(name, &chunks, Some(host)));
                    label.warnings.extend(self.sources_missing(host).map(|missing| missing.words()));
                }
            }
        }
        label.warnings.extend(self.unjudged(host));
        label.warnings.extend(self.language_samples(host));
        label.warnings.extend(crate::report::not_entitled(host).iter().map(|why| not_entitled_words(why)));
        label.warnings.extend(self.age_words(ecosystem.as_deref(), today));
        label
    }

    /// The label with the warnings that matter for any host of some systems; what is loaded for none of them is the caller's to say, who
    /// knows how many hosts that are.
    #[must_use]
    pub fn label_for_systems(&self, ecosystems: &BTreeSet<&str>, today: Date) -> DataLabel {
        let mut label = self.label();
        let mut warnings: Vec<String> = Vec::new();
        for name in ecosystems {
            let of = |c: &&ChunkMeta| c.kind == ChunkKind::Advisories && c.ecosystem.as_deref() == Some(*name);
            let chunks: Vec<_> = self.index.chunks.iter().filter(of).collect();
            if !chunks.is_empty() {
                warnings.extend(self.coverage_words(name, &chunks, None));
            }
        }
        for ecosystem in ecosystems {
            warnings.extend(self.age_words(Some(ecosystem), today));
        }
        for warning in warnings {
            if !label.warnings.contains(&warning) {
                label.warnings.push(warning);
            }
        }
        label
    }

    /// What is said where what is loaded of a system is less than the whole.
    fn coverage_words(&self, ecosystem: &str, chunks: &[&ChunkMeta], host: Option<&HostFacts>) -> Option<String> {
        self.starter_words(ecosystem, chunks, host)
            .or_else(|| complete::lists_only(ecosystem, chunks))
            .or_else(|| complete::sample_only(ecosystem, chunks))
    }

    /// What is said where the clock or the data is old.
    fn age_words(&self, ecosystem: Option<&str>, today: Date) -> Vec<String> {
        let mut words = Vec::new();
        let made = Date::parse(STARTER_DATE).unwrap_or_default();
        if today < made {
            words.push(format!(
                "The clock says {today}, before the data of {made} was made: ages, deadlines and ends of support are wrong until it is set."
            ));
        }
        // Fresh scores beside old advisories are old data all the same.
        let of = |c: &&ChunkMeta| c.kind == ChunkKind::Advisories && c.ecosystem.as_deref() == ecosystem;
        let advisories = self.index.chunks.iter().filter(of).filter_map(|c| c.date).max();
        let newest = advisories.or_else(|| self.index.chunks.iter().filter_map(|c| c.date).max());
        if let Some(newest) = newest
            && today.0.saturating_sub(newest.0) > STALE_AFTER_DAYS
        {
            words.push(format!(
                "The newest vulnerability data is of {newest}, {} days old: later vulnerabilities are not known here.",
                today.0 - newest.0
            ));
        }
        words
    }
}
