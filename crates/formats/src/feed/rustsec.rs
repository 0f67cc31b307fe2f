//! The RustSec advisory database: Markdown files that begin with a block of TOML.
//!
//! It states the versions that are safe (`patched`, `unaffected`); [`super::requirement`] turns them round. Informational
//! advisories are no vulnerabilities: `unmaintained` is the end of support, `notice` says nothing about versions, `unsound`
//! is kept with its word. Advisories of the Rust distribution itself (`rust/`, ids of CVE) are no crates.

use std::io::{Read, Seek};

use patchwright_domain::intel::{Advisory, Affected, CvssAssessment, Range, RangeKind, Status, VendorWords};
use patchwright_domain::time::Date;
use toml::{Table, Value};

use super::requirement::{Grammar, vulnerable};
use super::texts::{self, TextReader};
use super::{FeedError, FeedFormat, Parsed, Tally};
use crate::bounded::Limits;

/// Longest front matter read, in bytes; the longest measured has 5 KB.
const FRONT_MAX: usize = 256 << 10;

/// Reads an advisory, or a zip or tar archive of them.
///
/// # Errors
/// See [`FeedError`].
pub fn parse_any<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Parsed<Vec<Advisory>>, FeedError> {
    texts::read_any::<RustSec, _>(reader, limits).map(|texts| texts.tally.finish(texts.records))
}

pub(super) enum RustSec {}

impl TextReader for RustSec {
    type Record = Advisory;
    const FORMAT: FeedFormat = FeedFormat::RustSec;
    const MISSING: &'static str = "there is no TOML block with `[advisory]` at the beginning";

    fn wants(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.ends_with(".md") && (name.starts_with("RUSTSEC-") || name.starts_with("CVE-"))
    }

    fn read(at: &str, text: &str, tally: &mut Tally, records: &mut Vec<Advisory>) -> bool {
        tally.seen();
        let front = front_matter(text);
        let recognised = front.is_some();
        let read = front
            .ok_or_else(|| "file does not begin with a TOML block".to_owned())
            .and_then(|(front, body)| advisory(at, front, body, tally));
        match read {
            Ok(advisory) => records.push(advisory),
            Err(why) => tally.lose(at, why, text),
        }
        recognised
    }
}

/// The TOML block and what follows it.
fn front_matter(text: &str) -> Option<(&str, &str)> {
    let rest = text.trim_start().strip_prefix("```toml")?;
    let end = rest.find("\n```")?;
    Some((rest.get(..end)?, rest.get(end..)?.get(4..)?))
}

/// A text, or a TOML date as text.
fn word(table: &Table, key: &str) -> Option<String> {
    let text = match table.get(key)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Datetime(day) => day.to_string(),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Array(_) | Value::Table(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn words(table: Option<&Table>, key: &str) -> Vec<String> {
    let list = table.and_then(|table| table.get(key)).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(|word| word.trim().to_owned()).collect()
}

fn advisory(at: &str, front: &str, body: &str, tally: &mut Tally) -> Result<Advisory, String> {
    if front.len() > FRONT_MAX {
        return Err(format!("TOML block of {} bytes is too long", front.len()));
    }
    let table: Table =
        front.parse().map_err(|err: toml::de::Error| format!("TOML block cannot be read: {}", err.message()))?;
    let part = |name: &str| table.get(name).and_then(Value::as_table);
    let about = part("advisory").ok_or("TOML block has no table `advisory`")?;
    let id = word(about, "id").ok_or("advisory has no id")?;
    let package = word(about, "package").ok_or_else(|| format!("{id} names no package"))?;
    let mut day = |key: &str| {
        let text = word(about, key)?;
        let date = Date::parse(&text);
        if date.is_none() {
            tally.note(at, format!("{key} of {id} is not a date"), &text);
        }
        date.map(Date::start)
    };
    let published = day("date");
    let withdrawn = day("withdrawn");
    if withdrawn.is_none() && about.contains_key("withdrawn") {
        return Err(format!("{id} is withdrawn at a time that cannot be read"));
    }
    let versions = part("versions");
    let mut safe = words(versions, "patched");
    safe.extend(words(versions, "unaffected"));
    let (events, odd) = vulnerable(Grammar::Cargo, &safe);
    for why in odd {
        tally.note(at, format!("{why} and counts as not safe ({id})"), "");
    }
    let informational = word(about, "informational");
    let fixed = !words(versions, "patched").is_empty();
    let status = match informational.as_deref() {
        Some("unmaintained") => Status::EndOfLife,
        Some("notice") => Status::Unknown,
        Some(_) | None if events.is_empty() => Status::NotAffected,
        Some(_) | None if fixed => Status::Fixed,
        Some(_) | None => Status::Affected,
    };
    let limits = [("os", words(part("affected"), "os")), ("arch", words(part("affected"), "arch"))];
    let reason: Vec<String> = limits
        .iter()
        .filter(|(_, list)| !list.is_empty())
        .map(|(what, list)| format!("{what}: {}", list.join(", ")))
        .collect();
    let ranges = if events.is_empty() { Vec::new() } else { vec![Range { kind: RangeKind::Semver, events }] };
    let mut aliases = words(Some(about), "aliases");
    aliases.sort_by_key(|alias| !alias.starts_with("CVE-"));
    let cvss = word(about, "cvss").map(|vector| CvssAssessment {
        source: "vendor:rustsec".to_owned(),
        vector,
        published_e1: None,
    });
    Ok(Advisory {
        affected: vec![Affected {
            ecosystem: if id.starts_with("CVE-") { "Rust" } else { "crates.io" }.to_owned(),
            package,
            status,
            ranges,
            vendor: VendorWords {
                sub_state: informational,
                reason: (!reason.is_empty()).then(|| reason.join("; ")),
                ..VendorWords::default()
            },
            ..Affected::default()
        }],
        aliases,
        severities: cvss.into_iter().collect(),
        title: body.lines().find_map(|line| line.strip_prefix("# ")).map(|title| title.trim().to_owned()),
        published,
        withdrawn,
        id,
        ..Advisory::default()
    })
}
