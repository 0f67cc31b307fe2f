//! What publishers say about vulnerabilities, exploitation and support dates, from their native formats.
//!
//! Every parser gives a [`Parsed`] value: the records, the problems, and how many records it saw. A record is either in the
//! output or lost with a named problem ([`Parsed::adds_up`]). A whole document is refused ([`FeedError`]) only when it is not
//! of the format at all, goes past a limit, or cannot be read.
//!
//! To add a format: "Adding a feed" in ARCHITECTURE.md.

pub mod csaf;
pub mod csaf_provider;
pub mod cve;
pub mod debian_cve_list;
pub mod debian_list;
pub mod debian_support;
pub mod debian_tracker;
pub mod distro_info;
mod documents;
pub mod endoflife;
pub mod epss;
pub mod exploitdb;
pub mod exploits;
pub mod friends_of_php;
pub mod kev;
pub mod metasploit;
pub mod nuclei;
pub mod nvd;
pub mod osv;
pub mod osv_yaml;
pub mod oval;
pub mod repomd;
mod requirement;
pub mod rpm_errata;
mod rpm_update;
pub mod rubysec;
pub mod rustsec;
mod scalar;
pub mod secdb;
pub(crate) mod table;
mod texts;
pub mod tsv;
pub mod ubuntu;
pub mod ubuntu_cve;
pub mod ubuntu_tracker;
pub mod ubuntu_usn;
pub mod ubuntu_vex;
pub mod updateinfo;
mod yaml_record;

use std::fmt;
use std::io::{self, Read, Seek};

use patchwright_domain::intel::{Advisory, EolCycle, Problem};

use crate::bounded::{self, BoundError, Intake, Limits, Watch, ZipReadError};
use crate::json_stream::{Ended, Sink, read_document};
use crate::xml;

pub use scalar::cve_id;
pub(crate) use scalar::timestamp;

/// Most problems that one parse keeps word for word; the rest is counted in a last one. A feed with more is broken as such.
pub const PROBLEMS_MAX: usize = 1_000;

/// The document formats of the first set of feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FeedFormat {
    /// CISA Known Exploited Vulnerabilities, JSON.
    KevJson,
    /// CISA Known Exploited Vulnerabilities, CSV.
    KevCsv,
    /// Exploit Prediction Scoring System, CSV.
    Epss,
    /// CVE record format 5.x: one JSON record, a list, one record a line, or a zip of many.
    Cve,
    /// Open Source Vulnerability schema: one JSON record, a list, one record a line, or a zip of many.
    Osv,
    /// Debian security tracker, the JSON export.
    DebianTracker,
    /// Debian security tracker, `data/DSA/list` and `data/DLA/list`.
    DebianAdvisoryList,
    /// endoflife.date API v1.
    EndOfLife,
    /// `debian.csv` of distro-info-data.
    DebianReleases,
    /// `ubuntu.csv` of distro-info-data.
    UbuntuReleases,
    /// `files_exploits.csv` of Exploit-DB.
    ExploitDb,
    /// `modules_metadata_base.json` of the Metasploit Framework.
    Metasploit,
    /// nuclei templates: `cves.json`, pages of the service, or the repository as a zip or tar archive.
    Nuclei,
    /// Open Source Vulnerability schema as YAML (PyPA): one file, or a zip or tar archive of many.
    OsvYaml,
    /// RustSec, Markdown with TOML: one file, or a zip or tar archive of many.
    RustSec,
    /// RubySec, YAML: one file, or a zip or tar archive of many.
    RubySec,
    /// FriendsOfPHP, YAML: one file, or a zip or tar archive of many.
    FriendsOfPhp,
    /// National Vulnerability Database, API 2.0: pages of the service, or yearly files.
    Nvd,
    /// Common Security Advisory Framework 2.0 and 2.1: one JSON document, a list, one a line, or a zip or tar of many.
    Csaf,
    /// `updateinfo.xml` of an rpm repository.
    UpdateInfo,
    /// Errata of AlmaLinux and Rocky Linux as JSON: a list, or pages of the service.
    RpmErrata,
    /// OVAL 5 definitions of packages.
    Oval,
    /// Alpine's security database, JSON or YAML: one repository, or a zip or tar archive of many.
    Secdb,
    /// Ubuntu security notices: the database, or pages of the service.
    UbuntuUsn,
    /// Ubuntu's CVE service: pages.
    UbuntuCve,
    /// Ubuntu's CVE tracker repository: one file, or a zip or tar archive of many.
    UbuntuTracker,
    /// Ubuntu's OpenVEX documents: one, or an archive of many.
    UbuntuVex,
    /// Debian security tracker, `data/CVE/list`.
    DebianCveList,
    /// Lists of debian-security-support.
    DebianSupport,
}

impl FeedFormat {
    /// Every format.
    pub const ALL: [Self; 29] = [
        Self::KevJson,
        Self::KevCsv,
        Self::Epss,
        Self::Cve,
        Self::Osv,
        Self::DebianTracker,
        Self::DebianAdvisoryList,
        Self::EndOfLife,
        Self::DebianReleases,
        Self::UbuntuReleases,
        Self::ExploitDb,
        Self::Metasploit,
        Self::Nuclei,
        Self::OsvYaml,
        Self::RustSec,
        Self::RubySec,
        Self::FriendsOfPhp,
        Self::Nvd,
        Self::Csaf,
        Self::UpdateInfo,
        Self::RpmErrata,
        Self::Oval,
        Self::Secdb,
        Self::UbuntuUsn,
        Self::UbuntuCve,
        Self::UbuntuTracker,
        Self::UbuntuVex,
        Self::DebianCveList,
        Self::DebianSupport,
    ];

    /// Whether a file of this path, in a folder that mirrors the feed, is part of the feed. Repositories hold other files too.
    #[must_use]
    pub fn wants(self, path: &str) -> bool {
        use documents::Reader as _;
        use texts::TextReader as _;
        let packed = [".gz", ".zst", ".bz2", ".xz", ".zip", ".tar"].iter().any(|end| path.ends_with(end));
        match self {
            Self::Cve => packed || cve::Cve::wants(path),
            // Records one a line have other endings.
            Self::Osv => packed || path.ends_with(".ndjson") || path.ends_with(".jsonl") || osv::Osv::wants(path),
            Self::OsvYaml => packed || osv_yaml::OsvYaml::wants(path),
            Self::RustSec => packed || rustsec::RustSec::wants(path),
            // Below the folder of one gem nothing says `gems`; `spec` holds the schemas of the repository.
            Self::RubySec => packed || (path.ends_with(".yml") && !path.starts_with("spec/") && !is_housekeeping(path)),
            Self::FriendsOfPhp => packed || friends_of_php::Php::wants(path),
            Self::Nvd => packed || nvd::Nvd::wants(path),
            Self::Csaf => packed || path.ends_with(".ndjson") || csaf::is_document_name(path),
            // A mirror of a repository holds all its metadata.
            Self::UpdateInfo => path.rsplit('/').next().is_some_and(|name| name.contains("updateinfo.xml")),
            Self::RpmErrata => packed || rpm_errata::RpmErrata::wants(path),
            Self::Oval => path.contains(".xml"),
            Self::Secdb => packed || secdb::Secdb::wants(path),
            Self::UbuntuUsn => path.contains(".json"),
            Self::UbuntuCve => packed || path.ends_with(".ndjson") || ubuntu_cve::UbuntuCve::wants(path),
            Self::UbuntuTracker => packed || ubuntu_tracker::UbuntuTracker::wants(path),
            Self::UbuntuVex => packed || path.ends_with(".ndjson") || ubuntu_vex::UbuntuVex::wants(path),
            Self::Nuclei => packed || nuclei::is_part(path),
            Self::KevJson
            | Self::KevCsv
            | Self::Epss
            | Self::DebianCveList
            | Self::DebianSupport
            | Self::DebianTracker
            | Self::DebianAdvisoryList
            | Self::EndOfLife
            | Self::DebianReleases
            | Self::UbuntuReleases
            | Self::ExploitDb
            | Self::Metasploit => true,
        }
    }
}

/// Files of a repository that are about the repository: indexes and the settings of its host.
fn is_housekeeping(path: &str) -> bool {
    let mut folders = path.split('/');
    let _name = folders.next_back();
    folders.any(|folder| folder == "index" || (folder.starts_with('.') && folder.len() > 1 && folder != ".."))
}

impl fmt::Display for FeedFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KevJson => "CISA KEV JSON",
            Self::KevCsv => "CISA KEV CSV",
            Self::Epss => "EPSS CSV",
            Self::Cve => "CVE JSON 5",
            Self::Osv => "OSV",
            Self::DebianTracker => "Debian security tracker JSON",
            Self::DebianAdvisoryList => "Debian advisory list",
            Self::EndOfLife => "endoflife.date API v1",
            Self::DebianReleases => "distro-info debian.csv",
            Self::UbuntuReleases => "distro-info ubuntu.csv",
            Self::ExploitDb => "Exploit-DB CSV",
            Self::Metasploit => "Metasploit module index",
            Self::Nuclei => "nuclei templates",
            Self::OsvYaml => "OSV YAML",
            Self::RustSec => "RustSec advisories",
            Self::RubySec => "RubySec advisories",
            Self::FriendsOfPhp => "FriendsOfPHP advisories",
            Self::Nvd => "NVD API 2.0",
            Self::Csaf => "CSAF",
            Self::UpdateInfo => "updateinfo.xml",
            Self::RpmErrata => "rpm errata JSON",
            Self::Oval => "OVAL",
            Self::Secdb => "Alpine security database",
            Self::UbuntuUsn => "Ubuntu security notices",
            Self::UbuntuCve => "Ubuntu CVE service",
            Self::UbuntuTracker => "Ubuntu CVE tracker",
            Self::UbuntuVex => "Ubuntu VEX",
            Self::DebianCveList => "Debian CVE list",
            Self::DebianSupport => "debian-security-support list",
        })
    }
}

/// Why a whole document was refused.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The document went past a limit, or is not text.
    #[error("failed to read {format} within its limits")]
    Bound {
        /// What was being read.
        format: FeedFormat,
        /// The limit.
        #[source]
        bound: BoundError,
    },
    /// The source failed.
    #[error("failed to read {format}")]
    Read {
        /// What was being read.
        format: FeedFormat,
        /// What the source said.
        #[source]
        source: io::Error,
    },
    /// The zip archive has no readable directory.
    #[error("failed to open the zip archive of {format}")]
    Zip {
        /// What was being read.
        format: FeedFormat,
        /// What the archive reader said.
        #[source]
        source: zip::result::ZipError,
    },
    /// The document is something else.
    #[error("failed to recognise the input as {format}: {why}")]
    NotThisFormat {
        /// What was expected.
        format: FeedFormat,
        /// What is missing.
        why: String,
    },
    /// The document is of the same format and of another feed.
    #[error("failed to take the input for {format}: {why}")]
    Sibling {
        /// What was expected.
        format: FeedFormat,
        /// What shows it.
        why: String,
        /// Id of the feed that it belongs to.
        feed: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// A table lacks a column that it must have.
    #[error("failed to read the table: its header has no column `{column}`")]
    MissingColumn {
        /// The column that was looked for.
        column: String,
    },
}

impl FeedError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Bound { bound, .. } => bound.hint(),
            Self::Read { .. } => "check that the file can be read and that the disk or network works, then try again",
            Self::Zip { .. } => {
                "download the archive again: its directory, at the end of the file, is missing or damaged"
            }
            Self::NotThisFormat { .. } => {
                "check that this file belongs to this feed; a mirror may have answered with an error page"
            }
            Self::Sibling { hint, .. } => hint,
            Self::MissingColumn { .. } => "the table was made by another version; make it again",
        }
    }

    pub(crate) fn from_io(format: FeedFormat, source: io::Error, watch: Option<&Watch>) -> Self {
        let bound = watch.and_then(Watch::refused).or_else(|| bounded::bound_of(&source).cloned());
        match bound {
            Some(bound) => Self::Bound { format, bound },
            None => Self::Read { format, source },
        }
    }

    pub(crate) fn from_zip(format: FeedFormat, err: ZipReadError) -> Self {
        match err {
            ZipReadError::Bound(bound) => Self::Bound { format, bound },
            ZipReadError::Directory(source) => Self::Zip { format, source },
            ZipReadError::Read(source) => Self::Read { format, source },
        }
    }

    pub(crate) fn not(format: FeedFormat, why: impl Into<String>) -> Self {
        Self::NotThisFormat { format, why: why.into() }
    }
}

/// What a parser made of one document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed<T> {
    /// The records that were read.
    pub records: T,
    /// What was wrong: lost records, and records that were read only in part.
    pub problems: Vec<Problem>,
    /// Records seen, counted before any of them was parsed.
    pub read: u64,
    /// Records that are not in `records`; each has its problem (the first [`PROBLEMS_MAX`] word for word).
    pub lost: u64,
    /// False when the input ended early, so that records after the end are missing and nobody can say how many.
    pub complete: bool,
    /// Why it ended early, where it did.
    pub early: Option<String>,
}

impl<T: Records> Parsed<T> {
    /// Zero lost without a word: every record seen is in the output or is a named problem.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let named = self.lost == 0 || !self.problems.is_empty();
        named && self.read == self.records.record_count().saturating_add(self.lost)
    }
}

impl<T> Parsed<T> {
    /// The same parse with its records changed.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Parsed<U> {
        Parsed {
            records: change(self.records),
            problems: self.problems,
            read: self.read,
            lost: self.lost,
            complete: self.complete,
            early: self.early,
        }
    }
}

/// Something that holds a number of records.
pub trait Records {
    /// How many.
    fn record_count(&self) -> u64;
}

impl<T> Records for Vec<T> {
    fn record_count(&self) -> u64 {
        bounded::as_u64(self.len())
    }
}

/// Counts and problems of a parse in progress.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) read: u64,
    pub(crate) lost: u64,
    early: Option<String>,
    problems: Vec<Problem>,
    left_out: u64,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self { read: 0, lost: 0, early: None, problems: Vec::new(), left_out: 0 }
    }

    /// A record was seen.
    pub(crate) fn seen(&mut self) {
        self.read = self.read.saturating_add(1);
    }

    /// The record that was seen last is lost.
    pub(crate) fn lose(&mut self, at: impl Into<String>, what: impl Into<String>, excerpt: &str) {
        self.lost = self.lost.saturating_add(1);
        self.note(at, what, excerpt);
    }

    /// Something is wrong that loses no record.
    pub(crate) fn note(&mut self, at: impl Into<String>, what: impl Into<String>, excerpt: &str) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem::new(at, what, excerpt));
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// Whether the input came to its end.
    pub(crate) fn is_complete(&self) -> bool {
        self.early.is_none()
    }

    /// The input ended early.
    pub(crate) fn cut(&mut self, at: impl Into<String>, what: impl Into<String>) {
        let what = what.into();
        self.early.get_or_insert_with(|| what.clone());
        self.note(at, what, "");
    }

    /// Adds what the reader saw: an early end, repaired text.
    pub(crate) fn reader_done(&mut self, watch: &Watch) {
        if let Some(why) = watch.cut() {
            // The cause: that the document inside ends early follows from it.
            self.early = Some(why.clone());
            self.cut("end of input", why);
        }
        let (lines, repairs) = watch.repaired();
        if let Some(first) = lines.first() {
            let named: Vec<String> = lines.iter().map(u64::to_string).collect();
            let what = format!("invalid UTF-8 replaced in {repairs} place(s), lines {}", named.join(", "));
            self.note(format!("line {first}"), what, "");
        }
    }

    pub(crate) fn finish<T>(mut self, records: T) -> Parsed<T> {
        if self.left_out > 0 {
            let what = format!("{} more problem(s) are not shown", self.left_out);
            self.problems.push(Problem::new("end of input", what, ""));
        }
        Parsed {
            records,
            problems: self.problems,
            read: self.read,
            lost: self.lost,
            complete: self.early.is_none(),
            early: self.early,
        }
    }
}

/// Opens the bounded reader for a format.
pub(crate) fn open<'a, R: Read + 'a>(format: FeedFormat, reader: R, limits: &Limits) -> Result<Intake<'a>, FeedError> {
    bounded::open(reader, limits).map_err(|err| FeedError::from_io(format, err, None))
}

/// A sink that counts, and knows whether it saw what makes the format.
pub(crate) trait FeedSink: Sink {
    fn tally(&mut self) -> &mut Tally;
    /// What is missing that every document of the format has; nothing once it was seen.
    fn missing(&self) -> Option<&'static str>;
}

/// Streams one JSON document into `sink`.
pub(crate) fn stream_json<R: Read, S: FeedSink>(
    format: FeedFormat,
    reader: R,
    watch: &Watch,
    limits: &Limits,
    lists: &[&str],
    sink: &mut S,
) -> Result<(), FeedError> {
    let ended = read_document(reader, watch, limits, lists, sink);
    let missing = sink.missing();
    match (ended, missing) {
        (Ended::Failed(source), _) => return Err(FeedError::from_io(format, source, Some(watch))),
        (Ended::Whole | Ended::Trailing(_), Some(missing)) => {
            return Err(FeedError::not(format, missing));
        }
        (Ended::Early(why) | Ended::Broken(why), Some(_)) => {
            return Err(FeedError::not(format, why));
        }
        (Ended::Whole, None) => {}
        (Ended::Trailing(why), None) => {
            sink.tally().note("end of input", format!("something follows the document: {why}"), "")
        }
        (Ended::Early(why), None) => sink.tally().cut("end of input", format!("document ends early: {why}")),
        (Ended::Broken(why), None) => {
            sink.tally().cut("end of input", format!("document is damaged, the rest is not read: {why}"))
        }
    }
    sink.tally().reader_done(watch);
    Ok(())
}

/// Accounts for the end of an XML document: refuses one with another root, names an early end.
pub(crate) fn xml_ended(
    format: FeedFormat,
    seen: xml::Seen,
    roots: &[&str],
    missing: &'static str,
    watch: &Watch,
    tally: &mut Tally,
) -> Result<(), FeedError> {
    let is_root = seen.root.as_deref().is_some_and(|root| roots.contains(&root));
    let why = match seen.ended {
        xml::Ended::Failed(source) => return Err(FeedError::from_io(format, source, Some(watch))),
        xml::Ended::Whole | xml::Ended::Early(_) | xml::Ended::Broken(_) if !is_root => {
            return Err(FeedError::not(format, missing));
        }
        xml::Ended::Whole => None,
        xml::Ended::Early(why) => Some(format!("document ends early: {why}")),
        xml::Ended::Broken(why) => Some(format!("document is damaged, the rest is not read: {why}")),
    };
    if let Some(why) = why {
        if seen.cut_record {
            tally.seen();
            tally.lose("end of input", "record is cut off", "");
        }
        tally.cut("end of input", why);
    }
    tally.reader_done(watch);
    Ok(())
}

/// The records of any format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedRecords {
    /// Known exploited vulnerabilities.
    Kev(kev::KevCatalog),
    /// Exploit prediction scores.
    Epss(epss::EpssTable),
    /// Facts of CVE records.
    Cve(Vec<cve::CveRecord>),
    /// Advisories.
    Advisories(Vec<Advisory>),
    /// Rows of the Debian tracker.
    DebianTracker(Vec<debian_tracker::DebianRow>),
    /// Debian advisories.
    DebianAdvisories(Vec<debian_list::DebianAdvisory>),
    /// Support dates of products.
    EndOfLife(Vec<EolCycle>),
    /// Distribution releases.
    Releases(Vec<distro_info::DistroRelease>),
    /// Entries of exploit collections.
    Exploits(Vec<exploits::ExploitRecord>),
    /// CVE records of NVD.
    Nvd(Vec<nvd::NvdRecord>),
    /// CSAF documents with their advisories.
    Csaf(Vec<csaf::CsafRecord>),
    /// Packages of security databases.
    Secdb(Vec<secdb::SecdbPackage>),
    /// Entries of Debian's CVE list.
    DebianCves(Vec<debian_cve_list::DebianCve>),
    /// Sources with less support than their release.
    DebianSupport(Vec<debian_support::SourceSupport>),
}

impl Records for FeedRecords {
    fn record_count(&self) -> u64 {
        match self {
            Self::Kev(catalog) => catalog.record_count(),
            Self::Epss(table) => table.record_count(),
            Self::Cve(records) => records.record_count(),
            Self::Advisories(records) => records.record_count(),
            Self::DebianTracker(records) => records.record_count(),
            Self::DebianAdvisories(records) => records.record_count(),
            Self::EndOfLife(records) => records.record_count(),
            Self::Releases(records) => records.record_count(),
            Self::Exploits(records) => records.record_count(),
            Self::Nvd(records) => records.record_count(),
            Self::Csaf(records) => records.record_count(),
            Self::Secdb(records) => records.record_count(),
            Self::DebianCves(records) => records.record_count(),
            Self::DebianSupport(records) => records.record_count(),
        }
    }
}

/// Reads a document of a known format, packed with gzip or zstd or not; formats where a file is a record also from zip and tar.
///
/// # Errors
/// Only when the document is not of this format at all, goes past a limit, or cannot be read.
pub fn parse<R: Read + Seek>(format: FeedFormat, reader: R, limits: &Limits) -> Result<Parsed<FeedRecords>, FeedError> {
    Ok(match format {
        FeedFormat::KevJson => kev::parse_json(reader, limits)?.map(FeedRecords::Kev),
        FeedFormat::KevCsv => kev::parse_csv(reader, limits)?.map(FeedRecords::Kev),
        FeedFormat::Epss => epss::parse(reader, limits)?.map(FeedRecords::Epss),
        FeedFormat::Cve => cve::parse_any(reader, limits)?.map(FeedRecords::Cve),
        FeedFormat::Osv => osv::parse_any(reader, limits)?.map(FeedRecords::Advisories),
        FeedFormat::DebianTracker => debian_tracker::parse(reader, limits)?.map(FeedRecords::DebianTracker),
        FeedFormat::DebianAdvisoryList => debian_list::parse(reader, limits)?.map(FeedRecords::DebianAdvisories),
        FeedFormat::EndOfLife => endoflife::parse(reader, limits)?.map(FeedRecords::EndOfLife),
        FeedFormat::DebianReleases => {
            distro_info::parse(reader, distro_info::Distro::Debian, limits)?.map(FeedRecords::Releases)
        }
        FeedFormat::UbuntuReleases => {
            distro_info::parse(reader, distro_info::Distro::Ubuntu, limits)?.map(FeedRecords::Releases)
        }
        FeedFormat::ExploitDb => exploitdb::parse(reader, limits)?.map(FeedRecords::Exploits),
        FeedFormat::Metasploit => metasploit::parse(reader, limits)?.map(FeedRecords::Exploits),
        FeedFormat::Nuclei => nuclei::parse_any(reader, limits)?.map(FeedRecords::Exploits),
        FeedFormat::OsvYaml => osv_yaml::parse_any(reader, limits)?.map(FeedRecords::Advisories),
        FeedFormat::RustSec => rustsec::parse_any(reader, limits)?.map(FeedRecords::Advisories),
        FeedFormat::RubySec => rubysec::parse_any(reader, limits)?.map(FeedRecords::Advisories),
        FeedFormat::FriendsOfPhp => friends_of_php::parse_any(reader, limits)?.map(FeedRecords::Advisories),
        FeedFormat::Nvd => nvd::parse_any(reader, limits)?.map(FeedRecords::Nvd),
        FeedFormat::Csaf => csaf::parse_any(reader, limits)?.map(FeedRecords::Csaf),
        FeedFormat::UpdateInfo => updateinfo::parse(reader, limits)?.map(FeedRecords::Advisories),
        FeedFormat::RpmErrata => rpm_errata::parse_any(reader, limits)?.map(FeedRecords::Advisories),
        FeedFormat::Oval => oval::parse(reader, limits)?.map(FeedRecords::Advisories),
        FeedFormat::Secdb => secdb::parse_any(reader, limits)?.map(FeedRecords::Secdb),
        FeedFormat::UbuntuUsn => ubuntu_usn::parse(reader, limits)?.map(FeedRecords::Advisories),
        FeedFormat::UbuntuCve => ubuntu_cve::parse_any(reader, limits)?.map(FeedRecords::Advisories),
        FeedFormat::UbuntuTracker => ubuntu_tracker::parse_any(reader, limits)?.map(FeedRecords::Advisories),
        FeedFormat::UbuntuVex => ubuntu_vex::parse_any(reader, limits)?.map(FeedRecords::Advisories),
        FeedFormat::DebianCveList => debian_cve_list::parse(reader, limits)?.map(FeedRecords::DebianCves),
        FeedFormat::DebianSupport => debian_support::parse(reader, limits)?.map(FeedRecords::DebianSupport),
    })
}
