//! RPM repositories: `repomd.xml` and its signature, the metadata it lists, the packages that `primary.xml` lists.

use std::io;

use patchwright_domain::intel::authenticity::{Reason, Verdict};
use patchwright_domain::time::Timestamp;
use quick_xml::events::{BytesStart, Event};

use crate::digest::{self, Measured};
use crate::keyring::Keyring;
use crate::release::is_inside;
use crate::repo::RepoFiles;
use crate::{INDEX_MAX, SMALL_MAX, index, openpgp};

/// Most packages of one repository; Fedora's `everything` has about 80,000.
const PACKAGES_MAX: usize = 1_000_000;

/// A file with its digest, as `repomd.xml` and `primary.xml` list them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// `type` of the metadata (`primary`, `updateinfo`), or name, version and architecture of a package.
    pub label: String,
    /// `href` from the root of the repository.
    pub href: String,
    /// Size in bytes.
    pub size: Option<u64>,
    /// Digest's name and value (`sha256`, lower-case hex).
    pub checksum: Option<(String, String)>,
}

/// An RPM repository after the check.
#[derive(Clone, Debug)]
pub struct RpmRepoCheck {
    /// `repomd.xml`.
    pub root: Verdict,
    /// `revision` of `repomd.xml`: seconds since 1970, mostly. What to remember as accepted last.
    pub accepted: Option<Timestamp>,
    /// The metadata that was read, and the packages, when they were asked for.
    pub parts: Vec<Verdict>,
    /// Packages that the verified `primary.xml` lists.
    pub listed: usize,
    /// Metadata that `repomd.xml` lists and nobody looked at.
    pub unseen: Vec<String>,
}

impl RpmRepoCheck {
    /// Whether the whole chain holds.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.root.is_verified() && self.parts.iter().all(Verdict::is_verified)
    }
}

/// Checks a repository: `repodata/repomd.xml` by `repomd.xml.asc`, then the metadata that it lists by their digests (all that is
/// there where reading costs no transfer, else `primary` and `updateinfo`), then, when asked for, every package.
///
/// # Errors
/// When the repository cannot be read; a file that is not there is a reason and no error.
pub fn check(
    files: &mut dyn RepoFiles,
    subject: &str,
    accepted: Option<Timestamp>,
    packages: bool,
    ring: &Keyring,
    now: Timestamp,
) -> io::Result<RpmRepoCheck> {
    let name = "repodata/repomd.xml";
    let refuse = |reasons| RpmRepoCheck {
        root: Verdict::of(subject, reasons),
        accepted,
        parts: Vec::new(),
        listed: 0,
        unseen: Vec::new(),
    };
    let Some(root) = whole(files, name)? else {
        return Ok(refuse(vec![Reason::FileMissing { file: name.to_owned() }]));
    };
    let Some(signature) = whole(files, "repodata/repomd.xml.asc")? else {
        return Ok(refuse(vec![Reason::NotSigned { file: name.to_owned() }]));
    };
    let mut reasons = openpgp::detached(name, &signature, root.as_slice(), ring, now);
    if !Verdict::of("", reasons.clone()).is_verified() {
        return Ok(refuse(reasons));
    }
    let (revision, data) = match read_repomd(&root) {
        Ok(read) => read,
        Err(why) => {
            reasons.push(Reason::Malformed { file: name.to_owned(), why });
            return Ok(refuse(reasons));
        }
    };
    if let Some(date) = revision {
        reasons.push(Reason::Dated { date, valid_until: None });
        if let Some(accepted) = accepted.filter(|accepted| date < *accepted) {
            reasons.push(Reason::Replayed { file: name.to_owned(), date, accepted });
        }
    }
    let root = Verdict::of(subject, reasons);
    let mut done = RpmRepoCheck { accepted, root, parts: Vec::new(), listed: 0, unseen: Vec::new() };
    if !done.root.is_verified() {
        return Ok(done);
    }
    done.accepted = accepted.max(revision);
    for listed in &data {
        let needed = listed.label == "primary" || listed.label == "updateinfo";
        if !needed && !files.is_local() {
            done.unseen.push(listed.label.clone());
            continue;
        }
        let (verdict, bytes) = part(files, listed, name, needed);
        // A mirror may leave out what it does not need: that is said, and is no fault.
        if !needed && matches!(verdict.reasons.as_slice(), [Reason::FileMissing { .. }]) {
            done.unseen.push(listed.label.clone());
            continue;
        }
        done.parts.push(verdict);
        if listed.label != "primary" {
            continue;
        }
        match bytes.map(|bytes| read_primary(&bytes)) {
            None => {}
            Some(Ok(all)) => {
                done.listed = all.len();
                for package in all.iter().filter(|_| packages) {
                    done.parts.push(part(files, package, &listed.href, false).0);
                }
            }
            Some(Err(why)) => {
                let reason = Reason::Malformed { file: listed.href.clone(), why };
                done.parts.push(Verdict::of(listed.href.clone(), vec![reason]));
            }
        }
    }
    if !data.iter().any(|d| d.label == "primary") {
        let reason = Reason::NotListed { file: "primary".to_owned(), listed_in: name.to_owned() };
        done.parts.push(Verdict::of("primary", vec![reason]));
    }
    Ok(done)
}

fn whole(files: &mut dyn RepoFiles, path: &str) -> io::Result<Option<Vec<u8>>> {
    match files.open(path)? {
        Some(mut reader) => digest::read_at_most(&mut reader, SMALL_MAX).map(Some),
        None => Ok(None),
    }
}

/// One listed file: its verdict and, when wanted and verified, its unpacked bytes.
fn part(files: &mut dyn RepoFiles, listed: &Listed, listed_in: &str, keep: bool) -> (Verdict, Option<Vec<u8>>) {
    let refuse = |reason| (Verdict::of(listed.label.clone(), vec![reason]), None);
    if !is_inside(&listed.href) {
        return refuse(Reason::PathEscapes { file: listed_in.to_owned(), path: listed.href.clone() });
    }
    let unreadable = |error: io::Error| Reason::Unreadable { file: listed.href.clone(), why: error.to_string() };
    let mut reader = match files.open(&listed.href) {
        Ok(Some(reader)) => reader,
        Ok(None) => return refuse(Reason::FileMissing { file: listed.href.clone() }),
        Err(error) => return refuse(unreadable(error)),
    };
    let max = listed.size.unwrap_or(INDEX_MAX);
    let read = if keep {
        digest::read_at_most(&mut reader, max.min(INDEX_MAX)).map(|bytes| {
            let measured = digest::measure(&mut bytes.as_slice(), INDEX_MAX);
            (measured, Some(bytes))
        })
    } else {
        Ok((digest::measure(&mut reader, max), None))
    };
    let (measured, bytes) = match read {
        Ok((Ok(measured), bytes)) => (measured, bytes),
        Ok((Err(error), _)) | Err(error) => return refuse(unreadable(error)),
    };
    let mut reasons = compare(listed, &measured, listed_in);
    let verified = Verdict::of("", reasons.clone()).is_verified();
    let unpacked = match bytes.filter(|_| verified).map(|bytes| index::unpack(&bytes)) {
        None => None,
        Some(Ok(bytes)) => Some(bytes),
        Some(Err(error)) => {
            reasons.push(Reason::Malformed { file: listed.href.clone(), why: error.to_string() });
            None
        }
    };
    (Verdict::of(listed.label.clone(), reasons), unpacked)
}

/// Compares a file with what a verified document lists.
#[must_use]
pub fn compare(listed: &Listed, found: &Measured, listed_in: &str) -> Vec<Reason> {
    let file = || listed.href.rsplit('/').next().unwrap_or_default().to_owned();
    let mut reasons = Vec::new();
    if let Some(expected) = listed.size.filter(|size| *size != found.size) {
        reasons.push(Reason::SizeDiffers { file: file(), expected, found: found.size });
    }
    let Some((algorithm, expected)) = &listed.checksum else {
        reasons.push(Reason::NoStrongDigest { file: file(), found: Vec::new() });
        return reasons;
    };
    let (algorithm, digest) = match algorithm.as_str() {
        "sha256" => ("SHA-256", &found.sha256),
        "sha512" => ("SHA-512", &found.sha512),
        other => {
            reasons.push(Reason::NoStrongDigest { file: file(), found: vec![other.to_owned()] });
            return reasons;
        }
    };
    let (algorithm, expected) = (algorithm.to_owned(), expected.clone());
    reasons.push(if expected == *digest {
        Reason::DigestMatches { file: file(), algorithm, digest: expected, listed_in: listed_in.to_owned() }
    } else {
        Reason::DigestDiffers { file: file(), algorithm, expected, found: digest.clone() }
    });
    reasons
}

type Repomd = (Option<Timestamp>, Vec<Listed>);

/// Reads `repomd.xml`: its revision and the metadata it lists.
fn read_repomd(bytes: &[u8]) -> Result<Repomd, String> {
    let mut revision = None;
    let mut found = Vec::new();
    read_xml(bytes, "data", &mut |event| match event {
        Seen::Text("revision", text) => {
            let seconds = text.trim().parse::<i64>().ok();
            revision = seconds.and_then(|s| s.checked_mul(1_000)).map(Timestamp);
        }
        Seen::Text(..) => {}
        Seen::Record(record) => found.push(Listed { label: record.kind, ..record.listed }),
    })?;
    Ok((revision, found))
}

/// Reads `primary.xml`: its packages.
fn read_primary(bytes: &[u8]) -> Result<Vec<Listed>, String> {
    let mut found = Vec::new();
    read_xml(bytes, "package", &mut |event| {
        if let Seen::Record(record) = event
            && found.len() < PACKAGES_MAX
        {
            found.push(record.listed);
        }
    })?;
    Ok(found)
}

#[derive(Default)]
struct Record {
    kind: String,
    listed: Listed,
}

enum Seen<'a> {
    /// Text of an element outside records.
    Text(&'a str, &'a str),
    Record(Record),
}

/// One pass over both documents, which share the elements that matter here.
fn read_xml(bytes: &[u8], record_name: &str, seen: &mut dyn FnMut(Seen<'_>)) -> Result<(), String> {
    let mut reader = quick_xml::Reader::from_reader(bytes);
    let mut record: Option<Record> = None;
    let mut element = String::new();
    let mut text = String::new();
    let mut checksum_kind = String::new();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).map_err(|e| e.to_string())? {
            Event::Eof => return Ok(()),
            Event::Start(start) | Event::Empty(start) => {
                let name = start.local_name().as_ref().to_owned();
                if name == record_name {
                    let kind = attribute(&start, "type")?.unwrap_or_default();
                    record = Some(Record { kind, listed: Listed::default() });
                } else if let Some(record) = &mut record {
                    match name.as_str() {
                        "location" => record.listed.href = attribute(&start, "href")?.unwrap_or_default(),
                        "checksum" => checksum_kind = attribute(&start, "type")?.unwrap_or_default(),
                        "version" => {
                            let part = |name: &str| attribute(&start, name).map(Option::unwrap_or_default);
                            let version = format!(" {}-{}", part("ver")?, part("rel")?);
                            record.listed.label.push_str(&version);
                        }
                        "size" => {
                            let size = attribute(&start, "package")?;
                            record.listed.size = record.listed.size.or(size.and_then(|s| s.parse().ok()));
                        }
                        _ => {}
                    }
                }
                element = name;
                text.clear();
            }
            Event::Text(part) => text.push_str(&part.xml10_content()),
            Event::End(end) => {
                let name = end.local_name().as_ref().to_owned();
                if name == record_name {
                    if let Some(record) = record.take() {
                        seen(Seen::Record(record));
                    }
                } else if name == element {
                    match &mut record {
                        None => seen(Seen::Text(&name, &text)),
                        Some(record) => closed(record, &name, text.trim(), &checksum_kind),
                    }
                }
                text.clear();
            }
            _ => {}
        }
    }
}

fn closed(record: &mut Record, name: &str, text: &str, checksum_kind: &str) {
    match name {
        "checksum" if record.listed.checksum.is_none() => {
            record.listed.checksum = Some((checksum_kind.to_ascii_lowercase(), text.to_ascii_lowercase()));
        }
        "size" => record.listed.size = record.listed.size.or(text.parse().ok()),
        "name" => record.listed.label = text.to_owned(),
        _ => {}
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    for found in start.attributes() {
        let found = found.map_err(|e| e.to_string())?;
        if found.key.local_name().as_ref() == name {
            // The five names of XML are all that addresses and digests need.
            return quick_xml::escape::unescape(&found.value).map(|t| Some(t.into_owned())).map_err(|e| e.to_string());
        }
    }
    Ok(None)
}
