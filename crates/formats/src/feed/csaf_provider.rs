//! How CSAF publishers distribute their documents (CSAF 2.0, section 7): `provider-metadata.json`, ROLIE feeds (RFC 8322),
//! `index.txt` and `changes.csv`, and two lists that Red Hat adds, `deletions.csv` and `archive_latest.txt`.
//!
//! Every path is checked: it stays below the folder that the list stands in.

use std::io::Read;

use patchwright_domain::intel::Problem;
use patchwright_domain::time::{Date, Timestamp};
use serde_json::Value;

use super::csaf::tree::{list, text};
use super::scalar::timestamp;
use super::{FeedError, FeedFormat, Parsed, Tally, open};
use crate::bounded::{Limits, Line, Lines, read_whole};

/// A way to get the documents of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// A folder with `changes.csv` or `index.txt`.
    Directory {
        /// Address of the folder.
        url: String,
    },
    /// A ROLIE feed.
    Rolie {
        /// Address of the feed.
        url: String,
        /// TLP label of its documents (`WHITE`, `CLEAR`, …).
        tlp: String,
    },
}

/// A provider, by its own description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderMetadata {
    /// Where the description is at home.
    pub canonical_url: String,
    /// Publisher.
    pub publisher: String,
    /// `csaf_publisher`, `csaf_provider`, `csaf_trusted_provider`.
    pub role: String,
    /// OpenPGP keys: (fingerprint, address).
    pub keys: Vec<(Option<String>, String)>,
    /// Ways to the documents, in the order of the description.
    pub distributions: Vec<Listed>,
}

/// One document in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Path below the list's folder, or a whole address (ROLIE).
    pub path: String,
    /// When it changed; lists without times have none.
    pub at: Option<Timestamp>,
    /// Address of its digest, where the list names it.
    pub hash: Option<String>,
    /// Address of its signature, where the list names it.
    pub signature: Option<String>,
}

/// Reads `provider-metadata.json`.
///
/// # Errors
/// See [`FeedError`]; also when it names no way to any document.
pub fn provider_metadata<R: Read>(reader: R, limits: &Limits) -> Result<ProviderMetadata, FeedError> {
    let value = document(reader, limits)?;
    let own = |key: &str| text(&value, key).unwrap_or_default().to_owned();
    let mut out = ProviderMetadata {
        canonical_url: own("canonical_url"),
        role: own("role"),
        publisher: value.get("publisher").and_then(|p| text(p, "name")).unwrap_or_default().to_owned(),
        keys: list(&value, "public_openpgp_keys")
            .filter_map(|key| Some((text(key, "fingerprint").map(str::to_owned), text(key, "url")?.to_owned())))
            .collect(),
        distributions: Vec::new(),
    };
    for distribution in list(&value, "distributions") {
        let feeds = distribution.get("rolie").map(|rolie| list(rolie, "feeds").collect::<Vec<_>>());
        for feed in feeds.into_iter().flatten() {
            if let Some(url) = text(feed, "url") {
                let tlp = text(feed, "tlp_label").unwrap_or_default().to_owned();
                out.distributions.push(Listed::Rolie { url: url.to_owned(), tlp });
            }
        }
        // 2.1 puts the address of a folder one level deeper.
        let directory = distribution.get("directory").and_then(|d| text(d, "url"));
        if let Some(url) = text(distribution, "directory_url").or(directory) {
            out.distributions.push(Listed::Directory { url: url.to_owned() });
        }
    }
    if out.distributions.is_empty() {
        return Err(FeedError::not(FeedFormat::Csaf, "the provider metadata name no `distributions`"));
    }
    Ok(out)
}

/// Reads a ROLIE feed: entries that are CSAF documents, with their digests.
///
/// # Errors
/// See [`FeedError`].
pub fn rolie<R: Read>(reader: R, limits: &Limits) -> Result<Parsed<Vec<Entry>>, FeedError> {
    let value = document(reader, limits)?;
    let feed = value.get("feed").filter(|feed| feed.is_object());
    let feed = feed.ok_or_else(|| FeedError::not(FeedFormat::Csaf, "there is no object `feed`"))?;
    let mut tally = Tally::new();
    let mut entries = Vec::new();
    for (index, entry) in list(feed, "entry").enumerate() {
        tally.seen();
        let link = |rel: &str| list(entry, "link").find(|l| text(l, "rel") == Some(rel)).and_then(|l| text(l, "href"));
        // Some feeds leave out what a link is; the name of a digest or a signature tells.
        let named = |endings: &[&str]| {
            let names = list(entry, "link").filter_map(|l| text(l, "href"));
            names.filter(|href| endings.iter().any(|ending| href.ends_with(ending))).last()
        };
        let source = entry.get("content").and_then(|content| text(content, "src")).or_else(|| link("self"));
        match source {
            Some(path) => entries.push(Entry {
                path: path.to_owned(),
                at: text(entry, "updated").or_else(|| text(entry, "published")).and_then(timestamp),
                hash: link("hash").or_else(|| named(&[".sha512", ".sha256"])).map(str::to_owned),
                signature: link("signature").or_else(|| named(&[".asc"])).map(str::to_owned),
            }),
            None => tally.lose(format!("/feed/entry/{index}"), "entry has no address", &entry.to_string()),
        }
    }
    Ok(tally.finish(entries))
}

/// Reads `changes.csv` or `deletions.csv`: path and time, quoted or not.
///
/// # Errors
/// See [`FeedError`].
pub fn changes<R: Read>(reader: R, limits: &Limits) -> Result<Parsed<Vec<Entry>>, FeedError> {
    lines(reader, limits, |line| {
        let mut fields = line.split(',').map(|field| field.trim().trim_matches('"'));
        let path = fields.next().unwrap_or_default();
        let at = fields.next().and_then(timestamp).ok_or("line has no time")?;
        Ok(Entry { path: below(path)?.to_owned(), at: Some(at), hash: None, signature: None })
    })
}

/// Reads `index.txt`: one path a line.
///
/// # Errors
/// See [`FeedError`].
pub fn index<R: Read>(reader: R, limits: &Limits) -> Result<Parsed<Vec<Entry>>, FeedError> {
    lines(reader, limits, |line| {
        Ok(Entry { path: below(line.trim())?.to_owned(), at: None, hash: None, signature: None })
    })
}

/// Reads `archive_latest.txt`: the name of the archive and the day that it holds everything of, where the name tells it
/// (`csaf_vex_2024-08-04.tar.zst`).
///
/// # Errors
/// See [`FeedError`].
pub fn archive_latest<R: Read>(reader: R, limits: &Limits) -> Result<(String, Option<Date>), FeedError> {
    let whole = read_whole(reader, limits).map_err(|err| FeedError::from_io(FeedFormat::Csaf, err, None))?;
    let text = String::from_utf8_lossy(&whole.bytes);
    let name = below(text.trim()).map_err(|why| FeedError::not(FeedFormat::Csaf, why))?;
    if name.contains('/') || name.contains(char::is_whitespace) {
        return Err(FeedError::not(FeedFormat::Csaf, "the name of the archive is not one file name"));
    }
    let day = (0..name.len()).find_map(|at| name.get(at..at.checked_add(10)?).and_then(Date::parse));
    Ok((name.to_owned(), day))
}

/// The first digest of a `.sha256` or `.sha512` file: hex, a blank, the file's name. Lower case.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes.get(..4096).unwrap_or(bytes)).ok()?;
    let word = text.split_whitespace().next()?;
    let hex = word.bytes().all(|b| b.is_ascii_hexdigit()) && matches!(word.len(), 64 | 128);
    hex.then(|| word.to_ascii_lowercase())
}

/// The file name that CSAF gives a document by its id (CSAF 2.0, section 5.1).
#[must_use]
pub fn file_name(id: &str) -> String {
    let mut out = String::new();
    let mut gap = false;
    for c in id.to_lowercase().chars() {
        if c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '+' | '-') {
            out.push(c);
            gap = false;
        } else if !gap {
            out.push('_');
            gap = true;
        }
    }
    format!("{out}.json")
}

fn document<R: Read>(reader: R, limits: &Limits) -> Result<Value, FeedError> {
    let whole = read_whole(reader, limits).map_err(|err| FeedError::from_io(FeedFormat::Csaf, err, None))?;
    let bytes = whole.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&whole.bytes);
    serde_json::from_slice(bytes).map_err(|err| FeedError::not(FeedFormat::Csaf, err.to_string()))
}

fn lines<R: Read>(
    reader: R,
    limits: &Limits,
    entry: impl Fn(&str) -> Result<Entry, &'static str>,
) -> Result<Parsed<Vec<Entry>>, FeedError> {
    let intake = open(FeedFormat::Csaf, reader, limits)?;
    let watch = intake.watch();
    let mut tally = Tally::new();
    let mut entries = Vec::new();
    let mut lines = Lines::new(intake, watch.clone(), limits.line);
    while let Some(line) = lines.next().map_err(|err| FeedError::from_io(FeedFormat::Csaf, err, Some(&watch)))? {
        match &line {
            Line::Text { text, .. } if text.trim().is_empty() => {}
            Line::Text { number, text } => {
                tally.seen();
                match entry(text) {
                    Ok(entry) => entries.push(entry),
                    Err(why) => tally.lose(format!("line {number}"), why, text),
                }
            }
            Line::TooLong { number, head, .. } | Line::Cut { number, head } => {
                tally.seen();
                tally.lose(format!("line {number}"), "line is too long or cut off", head);
            }
        }
    }
    tally.reader_done(&watch);
    if entries.is_empty() && tally.lost > 0 {
        return Err(FeedError::not(FeedFormat::Csaf, "no line is a path"));
    }
    Ok(tally.finish(entries))
}

/// A relative path that stays below its folder and has no part that a file system would take for something else.
fn below(path: &str) -> Result<&str, &'static str> {
    let path = path.strip_prefix("./").unwrap_or(path);
    let plain = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && !part.contains(|c: char| c.is_control() || matches!(c, '\\' | ':' | '?' | '#' | '%' | '<' | '>'))
    };
    if path.split('/').all(plain) { Ok(path) } else { Err("path leads out of the folder or is no path") }
}

/// What was odd about a list, for a report that has its own place for it.
#[must_use]
pub fn problems_of(list: &str, parsed: &Parsed<Vec<Entry>>) -> Vec<Problem> {
    let place = |p: &Problem| Problem { at: format!("{list} {}", p.at), ..p.clone() };
    parsed.problems.iter().map(place).collect()
}
