//! From a native document on disk to records that can be compiled.

use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};

use patchwright_domain::intel::editions::ecosystems_of_edition;
use patchwright_domain::intel::snapshot::SideRecords;
use patchwright_domain::intel::snapshot::advisories::{is_bound, scheme_of};
use patchwright_domain::intel::snapshot::index::is_ecosystem_name;
use patchwright_domain::intel::{
    Advisory, Affected, CvssAssessment, EolCycle, EpssScore, Event, ExploitEvidence, Problem, RangeKind, SsvcPoint,
    Status, VendorWords, Withdrawal,
};
use patchwright_domain::time::{Date, Timestamp};
use patchwright_formats::bounded::{self, Limits};
use patchwright_formats::feed::csaf::{CPE_ECOSYSTEM, CsafRecord, NAME_ECOSYSTEM};
use patchwright_formats::feed::csaf_provider;
use patchwright_formats::feed::cve::CveState;
use patchwright_formats::feed::debian_cve_list::CveMark;
use patchwright_formats::feed::debian_support::{SourceSupport, SupportLeft};
use patchwright_formats::feed::kev::KevCatalog;
use patchwright_formats::feed::nvd::NvdRecord;
use patchwright_formats::feed::secdb::SecdbPackage;
use patchwright_formats::feed::ubuntu::ecosystem_of_code_name;
use patchwright_formats::feed::{self, FeedError, FeedFormat, FeedRecords, Records as _};

use super::belongs::{self, Foreign};
use super::registry::FeedSpec;
use crate::intel::{Age, FreshRecords, RecordIds};

/// Problems kept of one run; the rest is counted.
pub const PROBLEMS_KEPT: usize = 500;

/// Largest unpacked archive of CSAF or OpenVEX documents, in bytes.
const VEX_UNPACKED_MAX: u64 = 64 << 30;

/// A feed document after parsing.
#[derive(Debug, Default)]
pub struct ParsedFeed {
    /// Records by kind, ready to compile.
    pub records: Vec<FreshRecords>,
    /// What the records are about, for documents that hold only what changed.
    pub ids: RecordIds,
    /// Quarantined or repaired records.
    pub problems: Vec<Problem>,
    /// Records seen.
    pub read: u64,
    /// Records that could not be used; each is among the problems (up to [`PROBLEMS_KEPT`]).
    pub lost: u64,
    /// Why the document ended early, where it did: records after its end are missing, and nobody can say how many.
    pub early: Option<String>,
    /// Date that the source gives its data.
    pub date: Option<Date>,
    /// Records of another feed were in it.
    pub foreign: Option<Foreign>,
    /// How old the document is by its own word, for feeds whose documents say so.
    pub age: Option<Age>,
    /// Version words of the source.
    pub version: Option<String>,
}

/// Why a document could not be parsed at all.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// The file could not be opened.
    #[error("failed to open `{path}`: {why}")]
    Open {
        /// File.
        path: String,
        /// The system's words.
        why: String,
    },
    /// It is not a document of this feed.
    #[error("`{path}` is not a document of feed `{feed}`")]
    Format {
        /// File.
        path: String,
        /// Feed.
        feed: &'static str,
        /// The parser's words.
        #[source]
        source: FeedError,
    },
}

impl ConvertError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Open { .. } => "check that the file exists and is readable".to_owned(),
            Self::Format { source, .. } => source.hint().to_owned(),
        }
    }
}

/// The Debian release number of a code name, for the ecosystem name.
#[must_use]
pub fn debian_ecosystem(release: &str) -> String {
    let number = match release {
        "wheezy" => "7",
        "jessie" => "8",
        "stretch" => "9",
        "buster" => "10",
        "bullseye" => "11",
        "bookworm" => "12",
        "trixie" => "13",
        "forky" => "14",
        "duke" => "15",
        other => other,
    };
    format!("Debian:{number}")
}

/// Distributions whose hosts belong to a release, never to the distribution alone.
const WITH_RELEASES: [&str; 14] = [
    "AlmaLinux",
    "Alpine",
    "Amazon Linux",
    "Azure Linux",
    "Debian",
    "Fedora",
    "Mageia",
    "Oracle Linux",
    "Red Hat",
    "Rocky Linux",
    "SUSE",
    "Ubuntu",
    "openEuler",
    "openSUSE",
];

/// Everything that arrives before it is grouped.
#[derive(Default)]
struct Gathered {
    advisories: Vec<Advisory>,
    /// By CVE id: a folder may hold the catalogue as JSON and as CSV, or several editions of it.
    kev: BTreeMap<String, patchwright_domain::intel::KevEntry>,
    cvss: Vec<(String, CvssAssessment)>,
    ssvc: Vec<(String, SsvcPoint)>,
    eol: Vec<EolCycle>,
    epss: Option<(patchwright_domain::intel::EpssRelease, Vec<(String, EpssScore)>)>,
    exploits: Vec<(String, ExploitEvidence)>,
    published: Vec<(String, Timestamp)>,
    /// By CVE id: pages and increments repeat records, and the newest edition counts.
    nvd: BTreeMap<String, NvdFacts>,
    csaf: BTreeMap<(String, String), CsafRecord>,
    /// Releases that a newer one or a deletion replaces: they are no records in force.
    superseded: u64,
    /// File names of documents that the provider deleted, and when.
    deleted: BTreeMap<String, Timestamp>,
    /// The day of the run: what is announced for later is not in force.
    today: Date,
    /// What publishers took back, besides advisories that say so themselves.
    withdrawn: Vec<Withdrawal>,
}

/// What an advisory that was taken back had said.
fn withdrawals<'a>(
    spec: &'a FeedSpec,
    advisory: &'a Advisory,
    at: Option<Timestamp>,
) -> impl Iterator<Item = Withdrawal> + 'a {
    let mut packages: Vec<String> =
        advisory.affected.iter().map(|a| format!("{} {}", a.ecosystem, a.package)).collect();
    packages.sort();
    packages.dedup();
    advisory.vulnerabilities().into_iter().map(move |vuln| Withdrawal {
        vuln: vuln.to_owned(),
        advisory: advisory.id.clone(),
        provider: spec.id.to_owned(),
        at,
        packages: packages.clone(),
    })
}

/// Names of one vulnerability, two and two. An advisory of an update that covers several is another name of none of them, and an id
/// that only repeats the CVE id (`DEBIAN-CVE-…`) stands in every finding that it makes.
fn names_of(advisory: &Advisory) -> Vec<(String, String, String)> {
    let vulns = advisory.vulnerabilities();
    let [vuln] = vulns.as_slice() else { return Vec::new() };
    // What is only covered (`upstream`) is fixed by the advisory, not another name of it.
    let same = advisory.id == *vuln || advisory.aliases.iter().any(|alias| alias == vuln);
    if !same || advisory.withdrawn.is_some() {
        return Vec::new();
    }
    std::iter::once(&advisory.id)
        .chain(&advisory.aliases)
        .filter(|name| !name.ends_with(*vuln))
        .map(|name| (name.clone(), (*vuln).to_owned(), advisory.id.clone()))
        .collect()
}

/// The day of an edition of KEV (`2026.08.07`).
fn edition_day(version: &str) -> Option<Date> {
    Date::parse(&version.trim().replace('.', "-"))
}

/// What is kept of an NVD record.
struct NvdFacts {
    modified: Option<Timestamp>,
    published: Option<Timestamp>,
    cvss: Vec<CvssAssessment>,
    ssvc: Option<SsvcPoint>,
    rejected: bool,
}

/// What the folder of a CSAF provider says is deleted. An archive may still hold it.
fn deleted_below(folder: &Path) -> BTreeMap<String, Timestamp> {
    let Ok(file) = File::open(folder.join("deletions.csv")) else {
        return BTreeMap::new();
    };
    let Ok(parsed) = csaf_provider::changes(file, &Limits::default()) else {
        return BTreeMap::new();
    };
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    parsed.records.into_iter().filter_map(|entry| Some((name(&entry.path), entry.at?))).collect()
}

/// Parses a document (a file, or a folder of files) of a feed.
///
/// # Errors
/// [`ConvertError`] when a single-file document is not of this feed. In a folder a bad file is a problem, not an error.
pub fn parse_document(
    spec: &FeedSpec,
    path: &Path,
    files: &[PathBuf],
    today: Date,
) -> Result<ParsedFeed, ConvertError> {
    let mut out = ParsedFeed::default();
    let mut gathered = Gathered { today, ..Gathered::default() };
    if files.is_empty() {
        parse_file(spec, path, Alone::Yes, &mut out, &mut gathered)?;
    } else {
        gathered.deleted = deleted_below(path);
        for file in files {
            let name = file.strip_prefix(path).unwrap_or(file).display().to_string();
            // A repository also holds files that are not records.
            if !spec.format.wants(&name) {
                continue;
            }
            let before = out.problems.len();
            let early = out.early.is_some();
            let parsed = parse_file(spec, file, Alone::No, &mut out, &mut gathered);
            if let Some(why) = out.early.as_mut().filter(|_| !early) {
                *why = format!("{name}: {why}");
            }
            for problem in out.problems.iter_mut().skip(before) {
                problem.at = format!("{name} {}", problem.at);
            }
            if let Err(error) = parsed {
                if let ConvertError::Format { source: FeedError::Sibling { feed, .. }, .. } = &error {
                    // The release table of the other distribution lies beside it in their repository.
                    out.foreign.get_or_insert(Foreign { feed: Some(feed) });
                    let what = format!("the file is of the feed {feed} and is passed over");
                    out.problems.push(Problem::new(name, what, ""));
                    continue;
                }
                out.read += 1;
                out.lost += 1;
                out.problems.push(Problem::new(name, crate::error_chain(&error), ""));
            }
        }
    }
    gathered.finish(spec, &mut out);
    out.problems.truncate(PROBLEMS_KEPT);
    Ok(out)
}

/// Whether a file is the whole document of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alone {
    Yes,
    /// One of a folder.
    No,
}

fn parse_file(
    spec: &FeedSpec,
    path: &Path,
    alone: Alone,
    out: &mut ParsedFeed,
    gathered: &mut Gathered,
) -> Result<(), ConvertError> {
    let open = |e: std::io::Error| ConvertError::Open { path: path.display().to_string(), why: e.to_string() };
    let mut file = File::open(path).map_err(open)?;
    let format = match spec.format {
        FeedFormat::KevJson | FeedFormat::KevCsv => {
            let kev = if first_byte(&mut file).map_err(open)? == Some(b'{') {
                FeedFormat::KevJson
            } else {
                FeedFormat::KevCsv
            };
            file.rewind().map_err(open)?;
            kev
        }
        other => other,
    };
    // These archives repeat themselves for every architecture; their documents are read and dropped one by one.
    let repeats = matches!(format, FeedFormat::Csaf | FeedFormat::UbuntuVex);
    let unpacked = if repeats { VEX_UNPACKED_MAX } else { Limits::default().unpacked };
    let limits = Limits { input: spec.max_bytes, unpacked, ..Limits::default() };
    let mut parsed = match feed::parse(format, file, &limits) {
        Ok(parsed) => parsed,
        Err(source) => {
            // One that was cut off before anything that shows its format is no other document.
            let cut = if matches!(source, FeedError::NotThisFormat { .. }) { ends_early(path, &limits) } else { None };
            let Some(why) = cut.filter(|_| alone == Alone::Yes) else {
                return Err(ConvertError::Format { path: path.display().to_string(), feed: spec.id, source });
            };
            out.early.get_or_insert(why);
            return Ok(());
        }
    };
    debug_assert!(parsed.adds_up(), "a record of {} is neither kept nor named", spec.id);
    out.read += parsed.read;
    out.lost += parsed.read.saturating_sub(parsed.records.record_count());
    // In a folder a file may be one record: where that is cut off it is lost, and named, like any other that cannot be read.
    if let Some(why) = parsed.early.filter(|_| alone == Alone::Yes || parsed.records.record_count() > 0) {
        out.early.get_or_insert(why);
    }
    out.problems.extend(parsed.problems);
    belongs::sift(spec, &mut parsed.records, alone == Alone::Yes, out);
    gathered.take(spec, parsed.records, out);
    Ok(())
}

/// Why a packed file ends early, where it does.
fn ends_early(path: &Path, limits: &Limits) -> Option<String> {
    let mut intake = bounded::open(File::open(path).ok()?, limits).ok()?;
    std::io::copy(&mut intake, &mut std::io::sink()).ok()?;
    intake.watch().cut()
}

/// The first byte that is not white space or a byte order mark, after unpacking.
fn first_byte(file: &mut File) -> std::io::Result<Option<u8>> {
    let mut head = Vec::new();
    bounded::open(file, &Limits::default())?.take(64).read_to_end(&mut head)?;
    Ok(head.iter().copied().find(|b| !b.is_ascii_whitespace() && !matches!(b, 0xef | 0xbb | 0xbf)))
}

impl Gathered {
    fn take(&mut self, spec: &FeedSpec, records: FeedRecords, out: &mut ParsedFeed) {
        match records {
            FeedRecords::Kev(catalog) => self.take_kev(catalog, out),
            FeedRecords::Epss(table) => {
                out.version.clone_from(&table.release.model_version);
                out.date = table.release.score_date;
                out.age = out.date.map(Age::Of);
                let rows = table.rows.into_iter().map(|r| (r.cve.into_string(), r.score)).collect();
                self.epss = Some((table.release, rows));
            }
            FeedRecords::Cve(list) => {
                for record in list {
                    out.ids.cves.push(record.id.clone());
                    out.date = out.date.max(record.updated.map(Timestamp::date));
                    self.cvss.extend(record.cvss.into_iter().map(|a| (record.id.clone(), a)));
                    self.ssvc.extend(record.ssvc.map(|p| (record.id.clone(), p)));
                    match record.state {
                        CveState::Published => self.published.extend(record.published.map(|at| (record.id, at))),
                        CveState::Rejected => self.reject(spec, record.id, record.rejected.or(record.updated)),
                        CveState::Other(_) => {}
                    }
                }
            }
            FeedRecords::Advisories(list) => {
                let newest = list.iter().filter_map(|a| a.modified.or(a.published)).max();
                out.date = out.date.max(newest.map(Timestamp::date));
                for advisory in &list {
                    out.ids.advisories.push(advisory.id.clone());
                    if let [only] = advisory.vulnerabilities().as_slice() {
                        out.ids.cves.push((*only).to_owned());
                    }
                    let own = advisory.severities.iter().map(|a| {
                        let source =
                            if matches!(a.source.as_str(), "cna" | "adp" | "nvd") || a.source.starts_with("vendor:") {
                                a.source.clone()
                            } else {
                                format!("vendor:{}", spec.id)
                            };
                        CvssAssessment { source, ..a.clone() }
                    });
                    for assessment in own {
                        let ids = advisory.vulnerabilities();
                        // A vector of an update that covers many CVEs rates the worst of them: it is nobody's own.
                        if let [only] = ids.as_slice() {
                            self.cvss.push(((*only).to_owned(), assessment));
                        }
                    }
                }
                self.advisories.extend(list);
            }
            FeedRecords::DebianTracker(rows) => {
                for row in rows {
                    self.advisories.push(Advisory {
                        id: row.cve.to_string(),
                        affected: vec![row.affected(&debian_ecosystem(&row.release))],
                        ..Advisory::default()
                    });
                }
            }
            FeedRecords::DebianAdvisories(list) => {
                for item in list {
                    out.date = out.date.max(Some(item.date));
                    self.advisories.push(item.advisory(debian_ecosystem));
                }
            }
            FeedRecords::EndOfLife(list) => self.eol.extend(list),
            FeedRecords::Releases(list) => self.eol.extend(list.into_iter().map(|r| r.cycle)),
            FeedRecords::Exploits(list) => {
                for record in list {
                    let evidence = record.evidence;
                    self.exploits.extend(record.cves.into_iter().map(|cve| (cve, evidence.clone())));
                }
            }
            FeedRecords::Nvd(list) => {
                for record in list {
                    out.date = out.date.max(record.modified.map(Timestamp::date));
                    self.nvd_record(record, out);
                }
            }
            FeedRecords::Secdb(list) => {
                self.advisories.extend(list.iter().flat_map(SecdbPackage::advisories));
            }
            FeedRecords::DebianCves(list) => {
                let (rejected, standing): (Vec<_>, Vec<_>) =
                    list.into_iter().partition(|entry| entry.mark == CveMark::Rejected);
                for entry in rejected {
                    self.reject(spec, entry.id, None);
                }
                let open = standing.into_iter().filter(|entry| !entry.lines.is_empty());
                self.advisories.extend(open.map(|entry| entry.advisory(debian_ecosystem)));
            }
            FeedRecords::DebianSupport(list) => {
                for entry in list {
                    self.debian_support(spec, entry, out);
                }
            }
            FeedRecords::Csaf(list) => {
                for record in list {
                    out.date = out.date.max(record.updated.map(patchwright_domain::time::Timestamp::date));
                    if record.status == "draft" {
                        out.lost += 1;
                        let what =
                            "the document is a draft, which its publisher has not published; nothing of it counts";
                        out.problems.push(Problem::new(record.id, what, ""));
                        continue;
                    }
                    self.take_csaf(spec, record);
                }
            }
        }
    }

    /// Takes a catalogue. Of an entry that several have the newest edition counts, and it counts once.
    fn take_kev(&mut self, catalog: KevCatalog, out: &mut ParsedFeed) {
        let day = catalog.released.map(Timestamp::date).or_else(|| edition_day(catalog.version.as_deref()?));
        let newest = day >= out.date;
        if newest {
            out.version = catalog.version.or(out.version.take());
            out.date = day;
        }
        for entry in catalog.entries {
            match self.kev.entry(entry.cve.clone()) {
                btree_map::Entry::Vacant(free) => {
                    free.insert(entry);
                }
                btree_map::Entry::Occupied(mut known) => {
                    out.read = out.read.saturating_sub(1);
                    if newest {
                        known.insert(entry);
                    }
                }
            }
        }
        let newest_entry = self.kev.values().map(|entry| entry.date_added).max();
        out.age = out.date.map(Age::Of).or_else(|| newest_entry.map(Age::AtLeast));
    }

    /// Takes a record, unless a newer edition of it is there. One that is seen twice counts once.
    fn nvd_record(&mut self, record: NvdRecord, out: &mut ParsedFeed) {
        let (modified, rejected) = (record.modified, record.is_rejected());
        let facts = if rejected {
            NvdFacts { modified, published: None, cvss: Vec::new(), ssvc: None, rejected }
        } else {
            NvdFacts { modified, published: record.published, cvss: record.cvss, ssvc: record.ssvc, rejected }
        };
        match self.nvd.entry(record.id) {
            btree_map::Entry::Vacant(entry) => {
                entry.insert(facts);
            }
            btree_map::Entry::Occupied(mut entry) => {
                out.read = out.read.saturating_sub(1);
                if entry.get().modified <= facts.modified {
                    entry.insert(facts);
                }
            }
        }
    }

    /// Of several releases of one document the newest counts: an archive and the documents that changed since hold both.
    /// A source without support is a statement about every version of it. Which release the list is for, only the feed knows.
    fn debian_support(&mut self, spec: &FeedSpec, entry: SourceSupport, out: &mut ParsedFeed) {
        let SupportLeft::Ended { on, .. } = entry.left else {
            // Limited support is a matter of how the package is used, and no flaw of it.
            return;
        };
        let Some((_, release)) = spec.id.rsplit_once('-').filter(|_| on <= self.today) else {
            return;
        };
        if entry.is_prefix {
            let what = format!("`{}.*` stands for several packages, and is not matched with any", entry.source);
            out.problems.push(Problem::new(spec.id, what, ""));
            return;
        }
        let vendor = VendorWords {
            sub_state: Some("security support ended".to_owned()),
            reason: entry.reason,
            ..VendorWords::default()
        };
        self.advisories.push(Advisory {
            id: format!("DEBIAN-SUPPORT-ENDED-{}", entry.source),
            affected: vec![Affected::stated(&format!("Debian:{release}"), &entry.source, Status::EndOfLife, vendor)],
            published: Some(on.start()),
            ..Advisory::default()
        });
    }

    /// Takes down that the record of a CVE was rejected.
    fn reject(&mut self, spec: &FeedSpec, cve: String, at: Option<Timestamp>) {
        let (advisory, provider) = (cve.clone(), spec.id.to_owned());
        self.withdrawn.push(Withdrawal { vuln: cve, advisory, provider, at, packages: Vec::new() });
    }

    fn take_csaf(&mut self, spec: &FeedSpec, record: CsafRecord) {
        let name = csaf_provider::file_name(&record.id);
        let gone = self.deleted.get(&name).is_some_and(|at| record.updated.is_none_or(|updated| updated <= *at));
        if gone {
            let at = self.deleted.get(&name).copied();
            self.withdrawn.extend(record.advisories.iter().flat_map(|advisory| withdrawals(spec, advisory, at)));
            self.superseded += 1;
            return;
        }
        match self.csaf.entry((record.namespace.clone(), record.id.clone())) {
            btree_map::Entry::Occupied(mut known) if known.get().updated <= record.updated => {
                known.insert(record);
                self.superseded += 1;
            }
            btree_map::Entry::Occupied(_) => self.superseded += 1,
            btree_map::Entry::Vacant(free) => {
                free.insert(record);
            }
        }
    }

    /// Puts numbers in place of the code names of releases (`Debian:bookworm`), and names statements about a distribution without a
    /// release: OSV allows them, and they are matched with no host.
    fn releases(&mut self, out: &mut ParsedFeed) {
        let mut without: BTreeMap<String, u64> = BTreeMap::new();
        for advisory in &mut self.advisories {
            let in_force = advisory.withdrawn.is_none();
            for affected in &mut advisory.affected {
                let numbered = match affected.ecosystem.split_once(':') {
                    Some(("Debian", release)) => Some(debian_ecosystem(release)),
                    Some(("Ubuntu", release)) => ecosystem_of_code_name(release),
                    Some(_) => None,
                    None => {
                        if in_force && WITH_RELEASES.contains(&affected.ecosystem.as_str()) {
                            *without.entry(affected.ecosystem.clone()).or_default() += 1;
                        }
                        None
                    }
                };
                if let Some(numbered) = numbered {
                    affected.ecosystem = numbered;
                }
            }
        }
        self.editions();
        for (ecosystem, count) in without {
            let what = format!("{count} statements about {ecosystem} name no release: they are matched with no host");
            out.problems.push(Problem::new(ecosystem, what, ""));
        }
    }

    /// Files what is said of a product that lies on hosts of another one under the ecosystem of these hosts. Where it is said there that a
    /// package is fixed, another product without a fix does not count.
    fn editions(&mut self) {
        for advisory in &mut self.advisories {
            let mut moved: Vec<Affected> = Vec::new();
            advisory.affected.retain(|affected| match ecosystems_of_edition(&affected.ecosystem) {
                None => true,
                Some(ecosystems) => {
                    moved.extend(ecosystems.into_iter().map(|ecosystem| Affected { ecosystem, ..affected.clone() }));
                    false
                }
            });
            if moved.is_empty() {
                continue;
            }
            let fixed: BTreeSet<(String, String)> = advisory
                .affected
                .iter()
                .chain(&moved)
                .filter(|affected| affected.status == Status::Fixed)
                .map(|affected| (affected.ecosystem.clone(), affected.package.clone()))
                .collect();
            moved.retain(|affected| {
                affected.status == Status::Fixed
                    || !fixed.contains(&(affected.ecosystem.clone(), affected.package.clone()))
            });
            for affected in moved {
                if !advisory.affected.contains(&affected) {
                    advisory.affected.push(affected);
                }
            }
        }
    }

    /// Takes out what is said of ecosystems whose names no snapshot can hold: one of them must not cost the whole document.
    fn quarantine(&mut self, out: &mut ParsedFeed) {
        let mut lost: Vec<String> = Vec::new();
        self.advisories.retain_mut(|advisory| {
            let Some(bad) = advisory.affected.iter().find(|a| !is_ecosystem_name(&a.ecosystem)) else { return true };
            let what = format!("an ecosystem of {} has a name that cannot be one; it is left out", advisory.id);
            out.problems.push(Problem::new(advisory.id.clone(), what, &bad.ecosystem));
            advisory.affected.retain(|a| is_ecosystem_name(&a.ecosystem));
            let kept = !advisory.affected.is_empty();
            if !kept {
                lost.push(advisory.id.clone());
            }
            kept
        });
        out.lost += lost.len() as u64;
        out.ids.advisories.retain(|id| !lost.contains(id));
    }

    /// Says what can be matched with nothing, because no version order is known for its ecosystem. Products of CSAF documents that are
    /// no packages are not meant for matching at all.
    fn left_out(&self, out: &mut ParsedFeed) {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for affected in self.advisories.iter().filter(|a| a.withdrawn.is_none()).flat_map(|a| &a.affected) {
            let ecosystem = affected.ecosystem.as_str();
            let product = matches!(ecosystem, CPE_ECOSYSTEM | NAME_ECOSYSTEM);
            if scheme_of(ecosystem).is_none() && !product {
                *counts.entry(ecosystem).or_default() += 1;
            }
        }
        for (ecosystem, count) in counts {
            let what = format!(
                "{count} statements about packages of {ecosystem} are left out: no version order is known for it here"
            );
            out.problems.push(Problem::new(ecosystem, what, ""));
        }
    }

    /// Names fixes that are no versions: nothing is known to be fixed there.
    fn no_versions(&self, out: &mut ParsedFeed) {
        for advisory in self.advisories.iter().filter(|advisory| advisory.withdrawn.is_none()) {
            for affected in &advisory.affected {
                let Some(scheme) = scheme_of(&affected.ecosystem) else { continue };
                let events = affected.ranges.iter().filter(|r| r.kind != RangeKind::Git).flat_map(|r| &r.events);
                for event in events {
                    let (Event::Fixed(version) | Event::LastAffected(version)) = event else { continue };
                    if !is_bound(scheme, version) {
                        let (package, ecosystem) = (&affected.package, &affected.ecosystem);
                        let what = format!(
                            "the version that fixes {package} of {ecosystem} is none; taken as affected without a fix"
                        );
                        out.problems.push(Problem::new(advisory.id.clone(), what, version));
                    }
                }
            }
        }
    }

    fn finish(mut self, spec: &FeedSpec, out: &mut ParsedFeed) {
        let side = |records| FreshRecords::Side(records, None);
        for (cve, facts) in std::mem::take(&mut self.nvd) {
            if facts.rejected {
                self.reject(spec, cve.clone(), facts.modified);
            }
            self.cvss.extend(facts.cvss.into_iter().map(|assessment| (cve.clone(), assessment)));
            self.ssvc.extend(facts.ssvc.map(|point| (cve.clone(), point)));
            self.published.extend(facts.published.map(|at| (cve, at)));
        }
        out.read = out.read.saturating_sub(self.superseded);
        for record in std::mem::take(&mut self.csaf).into_values() {
            for advisory in record.advisories {
                if record.withdrawn.is_none()
                    && let [only] = advisory.vulnerabilities().as_slice()
                {
                    self.cvss.extend(advisory.severities.iter().map(|a| ((*only).to_owned(), a.clone())));
                }
                self.advisories.push(advisory);
            }
        }
        self.releases(out);
        self.quarantine(out);
        self.left_out(out);
        self.no_versions(out);
        let mut names: Vec<(String, String, String)> = self.advisories.iter().flat_map(names_of).collect();
        names.sort();
        names.dedup();
        if !names.is_empty() {
            out.records.push(side(SideRecords::Aliases(names)));
        }
        let mut withdrawn = self.withdrawn;
        let taken_back = self.advisories.iter().filter(|advisory| advisory.withdrawn.is_some());
        withdrawn.extend(taken_back.flat_map(|advisory| withdrawals(spec, advisory, advisory.withdrawn)));
        if !withdrawn.is_empty() {
            out.records.push(side(SideRecords::Withdrawn(withdrawn)));
        }
        if !self.advisories.is_empty() || matches!(spec.format, FeedFormat::Osv | FeedFormat::Csaf) {
            out.records.push(FreshRecords::Advisories(self.advisories));
        }
        if !self.kev.is_empty() {
            out.records.push(side(SideRecords::Kev(self.kev.into_values().collect())));
        }
        if let Some((release, rows)) = self.epss {
            out.records.push(side(SideRecords::Epss(release, rows)));
        }
        if !self.cvss.is_empty() {
            out.records.push(side(SideRecords::Cvss(self.cvss)));
        }
        if !self.ssvc.is_empty() {
            out.records.push(side(SideRecords::Ssvc(self.ssvc)));
        }
        if !self.eol.is_empty() {
            out.records.push(side(SideRecords::Eol(self.eol)));
        }
        if !self.exploits.is_empty() {
            out.records.push(side(SideRecords::Exploits(self.exploits)));
        }
        if !self.published.is_empty() {
            out.records.push(side(SideRecords::Published(self.published)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_names_are_releases_and_a_distribution_without_one_is_named() {
        let affected = |ecosystem: &str| Affected::fixed_in(ecosystem, "sample", "1.2-1");
        let names = ["Debian:bookworm", "Ubuntu:jammy", "Debian:12", "Alpine:edge", "Debian", "npm", "Wolfi"];
        let mut gathered = Gathered {
            advisories: vec![Advisory {
                id: "CVE-2026-1101".to_owned(),
                affected: names.map(affected).to_vec(),
                ..Advisory::default()
            }],
            ..Gathered::default()
        };
        let mut out = ParsedFeed::default();
        gathered.releases(&mut out);
        let left: Vec<&str> =
            gathered.advisories.iter().flat_map(|a| &a.affected).map(|a| a.ecosystem.as_str()).collect();
        assert_eq!(left, ["Debian:12", "Ubuntu:22.04:LTS", "Debian:12", "Alpine:edge", "Debian", "npm", "Wolfi"]);
        let said: Vec<String> = out.problems.iter().map(Problem::words).collect();
        assert_eq!(said, ["Debian: 1 statements about Debian name no release: they are matched with no host"]);
    }
}
