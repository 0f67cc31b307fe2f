//! CVEs that a pending upgrade fixes, by the changelogs of what is on offer.
//!
//! A changelog travels inside the package, so this works for any repository, also for ones that no feed describes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use patchwright_domain::inventory::{CandidateFix, Package, PackageFormat, PendingUpgrade};
use patchwright_formats::host::changelog;

use crate::apt::Apt;
use crate::exec::Job;
use crate::history::gunzip;
use crate::look::{Look, Phase, chain};
use crate::memory::Memory;
use crate::order;
use crate::packages;
use crate::pending::{Offers, archive_name, archive_path, qualified};
use crate::tar;
use crate::{ChangelogMode, Options};

/// Compressed changelog in a package: the kernel's, the longest, is under 2 MiB.
const COMPRESSED_MAX: u64 = 8 << 20;

/// Changelog text read. Entries come newest first, so a cut loses the oldest only.
const TEXT_MAX: u64 = 16 << 20;

/// Unpacked size of a package: debug symbols of a browser have some gigabytes, and those are not what we pick.
const UNPACKED_MAX: usize = 2 << 30;

/// Packages fetched by one apt call: apt starts slowly, and progress is told between calls.
const FETCH_AT_ONCE: usize = 8;

/// Calls without a single package before we conclude that the mirror cannot be reached.
const FRUITLESS_MAX: usize = 2;

/// Binaries tried per source: some keep their documentation in a sibling's directory and carry no changelog.
const BINARIES_TRIED_MAX: usize = 3;

/// Time for one call; the deadline of the whole collection counts as well.
const FETCH_LIMIT: Duration = Duration::from_mins(2);

/// Sources named when their changelog was not found.
const NAMED_MAX: usize = 5;

/// One source package with pending upgrades.
struct Source<'a> {
    name: &'a str,
    /// Lowest installed source version among its binaries.
    installed: &'a str,
    candidate: &'a str,
    binaries: Vec<&'a PendingUpgrade>,
}

/// Collects fixes for every source with a pending upgrade.
pub(crate) fn collect(
    look: &mut Look<'_>,
    options: &Options,
    apt: Option<&Apt>,
    installed: &[Package],
    pending: &[PendingUpgrade],
    offers: &Offers,
) -> Vec<CandidateFix> {
    let mode = options.candidate_changelogs;
    if mode == ChangelogMode::Never || pending.is_empty() {
        return Vec::new();
    }
    let mut memory = remember(look, options.changelog_memory.as_deref());
    let sources = sources(installed, pending);
    let total = sources.len();
    let mut fixes = BTreeSet::new();
    let mut missing: Vec<&Source<'_>> = Vec::new();
    for (at, source) in sources.iter().enumerate() {
        look.part(Phase::Changelogs, &format!("{} {}", source.name, source.candidate), at, total);
        fixes.extend(from_siblings(look, source, installed));
        let (recalled, whole) = memory.recall(source.name, source.installed, source.candidate);
        fixes.extend(recalled);
        if whole {
            continue;
        }
        match from_archive(look, source) {
            Some(text) => fixes.extend(learn(&mut memory, source, &text)),
            None => missing.push(source),
        }
    }
    if let (ChangelogMode::Download { max_bytes_total, max_bytes_each }, Some(apt)) = (mode, apt) {
        let mut fetch = Fetch {
            apt,
            native: packages::native(installed).unwrap_or_default().to_owned(),
            left: max_bytes_total,
            each: max_bytes_each,
        };
        missing = fetch.all(look, missing, offers, total, &mut fixes, &mut memory);
    }
    if !missing.is_empty() {
        let mut names: Vec<&str> = missing.iter().map(|s| s.name).take(NAMED_MAX).collect();
        if missing.len() > NAMED_MAX {
            names.push("…");
        }
        look.unseen(
            format!("changelogs of {} sources on offer ({})", missing.len(), names.join(", ")),
            match mode {
                ChangelogMode::Download { .. } => {
                    "not fetched: out of reach, over the size limit or without a changelog"
                }
                ChangelogMode::Cached | ChangelogMode::Never => {
                    "no earlier look fetched them, and the packages are not in /var/cache/apt/archives"
                }
            },
            match mode {
                ChangelogMode::Download { .. } => {
                    "check that this machine reaches the mirrors in /etc/apt, or run `apt-get changelog PACKAGE`"
                }
                ChangelogMode::Cached | ChangelogMode::Never => {
                    "let `patchwright up` fetch them (without --offline and --no-sync), or run `apt-get changelog PACKAGE`"
                }
            },
        );
    }
    if let Some(path) = &options.changelog_memory
        && let Err(error) = memory.save(path)
    {
        look.unseen(
            "keeping what changelogs said",
            format!("`{}` cannot be written: {error}", path.display()),
            "make the folder writable; until then a look without network knows less",
        );
    }
    fixes.into_iter().collect()
}

/// What earlier looks have read.
fn remember(look: &mut Look<'_>, path: Option<&Path>) -> Memory {
    let Some(path) = path else { return Memory::default() };
    Memory::load(path).unwrap_or_else(|error| {
        look.unseen(
            "what changelogs said before",
            format!("`{}` cannot be read: {error}", path.display()),
            "it is written anew when changelogs are next fetched",
        );
        Memory::default()
    })
}

/// Fixes that a changelog names, kept for the next look.
fn learn(memory: &mut Memory, source: &Source<'_>, text: &[u8]) -> Vec<CandidateFix> {
    let fixes = read(source, text);
    memory.learn(source.name, source.installed, source.candidate, &fixes);
    fixes
}

/// Groups pending upgrades by source.
fn sources<'a>(installed: &'a [Package], pending: &'a [PendingUpgrade]) -> Vec<Source<'a>> {
    let mut groups: BTreeMap<&str, Source<'a>> = BTreeMap::new();
    for upgrade in pending {
        let now = installed
            .iter()
            .find(|package| package.name == upgrade.name && package.arch == upgrade.arch)
            .map_or(upgrade.installed.as_str(), |package| package.source_version.as_str());
        let source = groups.entry(&upgrade.source).or_insert_with(|| Source {
            name: &upgrade.source,
            installed: now,
            candidate: &upgrade.candidate_source_version,
            binaries: Vec::new(),
        });
        if compare(now, source.installed).is_lt() {
            source.installed = now;
        }
        if compare(&upgrade.candidate_source_version, source.candidate).is_gt() {
            source.candidate = &upgrade.candidate_source_version;
        }
        source.binaries.push(upgrade);
    }
    groups.into_values().collect()
}

fn compare(a: &str, b: &str) -> std::cmp::Ordering {
    order::compare(Some(PackageFormat::Deb), a, b)
}

/// Fixes after the installed version, up to the one on offer.
fn read(source: &Source<'_>, text: &[u8]) -> Vec<CandidateFix> {
    let (entries, _) = changelog::parse(text);
    changelog::fixes_between(&entries, Some(source.installed))
        .into_iter()
        .filter(|fix| compare(&fix.fixed, source.candidate).is_le())
        .map(|fix| CandidateFix { source: source.name.to_owned(), ..fix })
        .collect()
}

/// A half-upgraded source has binaries that are newer than others: their changelogs are on the host already.
fn from_siblings(look: &Look<'_>, source: &Source<'_>, installed: &[Package]) -> Vec<CandidateFix> {
    installed
        .iter()
        .filter(|package| package.source == source.name && compare(&package.source_version, source.installed).is_gt())
        .find_map(|package| {
            let path = format!("usr/share/doc/{}/changelog.Debian.gz", package.name);
            let bytes = look.root.read(path, COMPRESSED_MAX).ok()?;
            Some(read(source, &gunzip(&bytes, TEXT_MAX).ok()?))
        })
        .unwrap_or_default()
}

/// The changelog of a package that apt has fetched before.
fn from_archive(look: &Look<'_>, source: &Source<'_>) -> Option<Vec<u8>> {
    source.binaries.iter().find_map(|upgrade| {
        let path = look.root.path(archive_path(&upgrade.name, &upgrade.candidate, &upgrade.arch));
        if !path.is_file() {
            return None;
        }
        match changelog_of(look, &path) {
            Ok(text) => text,
            Err(error) => {
                tracing::debug!(%error, path = %path.display(), "a fetched package cannot be read");
                None
            }
        }
    })
}

/// Reads the changelog out of a package file; nothing when it carries none of its own.
fn changelog_of(look: &Look<'_>, path: &Path) -> io::Result<Option<Vec<u8>>> {
    let job = Job::new("dpkg-deb")
        .args(["--fsys-tarfile".as_ref(), path.as_os_str()])
        .limit(Duration::from_mins(1))
        .output_max(UNPACKED_MAX);
    let mut debian = None;
    let mut native = None;
    let streamed = job.stream(look.deadline, |pipe| {
        tar::each_file(
            pipe,
            COMPRESSED_MAX,
            |path| {
                path.starts_with("usr/share/doc/")
                    && (path.ends_with("/changelog.Debian.gz") || path.ends_with("/changelog.gz"))
            },
            |path, body| {
                if path.ends_with("/changelog.Debian.gz") {
                    debian = Some(body);
                    return false;
                }
                // A native package keeps its only changelog here, any other the upstream one.
                native = Some(body);
                true
            },
        )
    });
    let (_, tar) = streamed.map_err(io::Error::other)?;
    tar?;
    debian.or(native).map(|bytes| gunzip(&bytes, TEXT_MAX)).transpose()
}

/// Fetching within limits.
struct Fetch<'a> {
    apt: &'a Apt,
    native: String,
    left: u64,
    each: u64,
}

impl Fetch<'_> {
    /// Fetches the smallest binary of each source, then the next smallest of those without a changelog; gives back the
    /// sources that stayed without one.
    fn all<'s>(
        &mut self,
        look: &mut Look<'_>,
        sources: Vec<&'s Source<'s>>,
        offers: &Offers,
        total: usize,
        fixes: &mut BTreeSet<CandidateFix>,
        memory: &mut Memory,
    ) -> Vec<&'s Source<'s>> {
        let mut out_of_limits = Vec::new();
        let mut left = sources;
        let mut fruitless = 0;
        for rank in 0..BINARIES_TRIED_MAX {
            let mut chosen: Vec<(&Source<'_>, &PendingUpgrade)> = Vec::new();
            for source in left {
                match self.choose(source, offers, rank) {
                    Some(upgrade) => chosen.push((source, upgrade)),
                    None => out_of_limits.push(source),
                }
            }
            left = Vec::new();
            for batch in chosen.chunks(FETCH_AT_ONCE) {
                let before = left.len();
                if fruitless < FRUITLESS_MAX && !look.deadline.passed() {
                    self.batch(look, batch, total, &mut left, &mut |source, text| {
                        fixes.extend(learn(memory, source, text));
                    });
                } else {
                    left.extend(batch.iter().map(|(source, _)| *source));
                }
                let nothing = left.len() == before + batch.len();
                fruitless = if nothing { fruitless + 1 } else { 0 };
            }
        }
        left.extend(out_of_limits);
        left
    }

    /// Fetches and reads one batch; sources without a changelog go to `without`.
    fn batch<'s>(
        &self,
        look: &mut Look<'_>,
        batch: &[(&'s Source<'s>, &PendingUpgrade)],
        total: usize,
        without: &mut Vec<&'s Source<'s>>,
        found: &mut dyn FnMut(&Source<'_>, &[u8]),
    ) {
        let done = |left: usize| total.saturating_sub(left);
        let names: Vec<&str> = batch.iter().map(|(source, _)| source.name).collect();
        look.part(Phase::Changelogs, &format!("fetching {}", names.join(", ")), done(batch.len()), total);
        let fetched = self.fetch(look, batch);
        for (at, (source, upgrade)) in batch.iter().enumerate() {
            look.part(
                Phase::Changelogs,
                &format!("{} {}", source.name, source.candidate),
                done(batch.len() - at),
                total,
            );
            let file = fetched.join(archive_name(&upgrade.name, &upgrade.candidate, &upgrade.arch));
            match changelog_of_fetched(look, &file) {
                Ok(Some(text)) => found(source, &text),
                Ok(None) => without.push(source),
                Err(error) => {
                    tracing::debug!(%error, source = source.name, "no changelog from the fetched package");
                    without.push(source);
                }
            }
        }
    }

    /// The binary of this rank by size, if its size is known and within what is left.
    fn choose<'s>(&mut self, source: &'s Source<'s>, offers: &Offers, rank: usize) -> Option<&'s PendingUpgrade> {
        let mut sized: Vec<(u64, &PendingUpgrade)> = source
            .binaries
            .iter()
            .filter_map(|upgrade| {
                let offer = offers.get(&(upgrade.name.clone(), upgrade.candidate.clone()))?;
                Some((offer.size?, *upgrade))
            })
            .collect();
        sized.sort_by_key(|(size, _)| *size);
        let (size, upgrade) = sized.get(rank).copied()?;
        if size > self.each || size > self.left {
            return None;
        }
        self.left -= size;
        Some(upgrade)
    }

    /// Fetches into the private directory. apt checks each file against its signed lists.
    fn fetch(&self, look: &mut Look<'_>, batch: &[(&Source<'_>, &PendingUpgrade)]) -> std::path::PathBuf {
        let dir = self.apt.downloads();
        let names = batch.iter().map(|(_, u)| qualified(&u.name, &u.arch, &u.candidate, &self.native));
        let job = self
            .apt
            .job("apt-get")
            .args([
                "-q",
                "-o",
                "Acquire::Retries=0",
                "-o",
                "Acquire::http::Timeout=10",
                "-o",
                "Acquire::https::Timeout=10",
                "download",
            ])
            .args(names)
            .dir(&dir)
            .limit(FETCH_LIMIT);
        match job.run(look.deadline) {
            // A failed download does not spoil the others; what is missing is told at the end.
            Ok(output) if output.code != Some(0) => {
                tracing::debug!(stderr = %output.stderr, "apt fetched not all packages");
            }
            Ok(_) => {}
            Err(error) => {
                look.unseen("some changelogs of packages on offer", chain(&error), "run `apt-get download PACKAGE`")
            }
        }
        dir
    }
}

/// Reads a fetched package and removes it at once: a fleet of upgrades may be hundreds of megabytes.
fn changelog_of_fetched(look: &Look<'_>, file: &Path) -> io::Result<Option<Vec<u8>>> {
    if !file.is_file() {
        return Ok(None);
    }
    let text = changelog_of(look, file);
    fs::remove_file(file)?;
    text
}
