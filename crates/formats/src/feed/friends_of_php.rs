//! The FriendsOfPHP database of advisories: one YAML file for each Composer package and vulnerability.
//!
//! `branches` are intervals of vulnerable versions: the comparisons of one branch must all hold, the branches add up. Many files
//! name no CVE; such an advisory is named as its file is, by package and day.

use std::io::{Read, Seek};

use patchwright_domain::intel::{Advisory, Affected, Event, Range, RangeKind, Status};
use patchwright_domain::time::Timestamp;
use serde_json::Value;

use super::scalar::{cve_id, timestamp};
use super::texts::{self, TextReader};
use super::yaml_record::{word, words};
use super::{FeedError, FeedFormat, Parsed, Tally};
use crate::bounded::Limits;
use crate::yaml;

/// Reads an advisory, or a zip or tar archive of them.
///
/// # Errors
/// See [`FeedError`].
pub fn parse_any<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Parsed<Vec<Advisory>>, FeedError> {
    texts::read_any::<Php, _>(reader, limits).map(|texts| texts.tally.finish(texts.records))
}

pub(super) enum Php {}

impl TextReader for Php {
    type Record = Advisory;
    const FORMAT: FeedFormat = FeedFormat::FriendsOfPhp;
    const MISSING: &'static str = "there is no document with `branches` and `reference`";

    fn wants(path: &str) -> bool {
        path.ends_with(".yaml") && !super::is_housekeeping(path)
    }

    fn read(at: &str, text: &str, tally: &mut Tally, records: &mut Vec<Advisory>) -> bool {
        let documents = match yaml::documents(text) {
            Ok(documents) => documents,
            Err(why) => {
                tally.seen();
                tally.lose(at, format!("document cannot be read: {why}"), text);
                return false;
            }
        };
        let mut recognised = false;
        for document in documents {
            tally.seen();
            recognised |= document.get("branches").is_some() && document.get("reference").is_some();
            match advisory(at, &document, tally) {
                Ok(advisory) => records.push(advisory),
                Err(why) => tally.lose(at, why, text),
            }
        }
        recognised
    }
}

fn advisory(at: &str, record: &Value, tally: &mut Tally) -> Result<Advisory, String> {
    let reference = word(record, "reference").ok_or("document has no reference")?;
    let package = reference.strip_prefix("composer://").unwrap_or(reference).trim();
    if package.is_empty() || !package.contains('/') {
        return Err(format!("reference `{reference}` names no Composer package"));
    }
    let cve = match word(record, "cve") {
        None => None,
        Some(text) => {
            let id = cve_id(text);
            if id.is_none() {
                tally.note(at, format!("the CVE id of an advisory of {package} cannot be read and is left out"), text);
            }
            id
        }
    };
    let branches = record
        .get("branches")
        .and_then(Value::as_object)
        .ok_or_else(|| format!("advisory of {package} has no branches"))?;
    let mut first: Option<Timestamp> = None;
    let mut events = Vec::new();
    for (name, branch) in branches {
        if let Some(text) = word(branch, "time") {
            match time(text) {
                Some(time) => first = Some(first.map_or(time, |known| known.min(time))),
                None => tally.note(at, format!("time of branch `{name}` of {package} cannot be read"), text),
            }
        }
        match interval(&words(branch.get("versions"))) {
            Ok((list, odd)) => {
                events.extend(list);
                if let Some(odd) = odd {
                    tally.note(at, format!("branch `{name}` of {package}: {odd}"), "");
                }
            }
            Err(why) => tally.note(at, format!("branch `{name}` of {package} is left out: {why}"), &branch.to_string()),
        }
    }
    if events.is_empty() {
        return Err(format!("advisory of {package} has no branch that can be read"));
    }
    let fixed = events.iter().any(|event| matches!(event, Event::Fixed(_)));
    let link = word(record, "link").unwrap_or_default();
    let ghsa = link.split('/').find(|part| part.starts_with("GHSA-")).map(str::to_owned);
    let of_file = || first.map_or_else(|| package.to_owned(), |time| format!("{package}/{}", time.date()));
    let mut ids = cve.into_iter().chain(ghsa);
    let id = ids.next().unwrap_or_else(of_file);
    let ecosystem = match word(record, "composer-repository") {
        Some(home) if home.starts_with("http") && !home.contains("packagist.org") => format!("Packagist:{home}"),
        Some(_) | None => "Packagist".to_owned(),
    };
    Ok(Advisory {
        aliases: ids.collect(),
        affected: vec![Affected {
            ecosystem,
            package: package.to_owned(),
            status: if fixed { Status::Fixed } else { Status::Affected },
            ranges: vec![Range { kind: RangeKind::Ecosystem, events }],
            ..Affected::default()
        }],
        title: word(record, "title").map(str::to_owned),
        published: first,
        id,
        ..Advisory::default()
    })
}

/// `2026-05-19 18:22:00`, with or without a zone after it; single digits (`2017-11-1 0:41:41`) are real.
fn time(text: &str) -> Option<Timestamp> {
    let padded = |text: &str, sign: char| {
        let parts: Vec<String> = text.split(sign).map(|part| format!("{part:0>2}")).collect();
        parts.join(&sign.to_string())
    };
    let mut parts = text.split_whitespace();
    let day = padded(parts.next()?, '-');
    let Some(clock) = parts.next() else {
        return timestamp(&day);
    };
    let zone: String = parts.collect();
    timestamp(&format!("{day}T{}{zone}", padded(clock, ':')))
}

/// One branch as events; beside them what had to be taken differently.
fn interval(comparisons: &[String]) -> Result<(Vec<Event>, Option<String>), String> {
    let (mut from, mut to, mut odd) = (None, None, None);
    for text in comparisons {
        let split = text.find(|c: char| !"<>=! ".contains(c)).unwrap_or(text.len());
        let (operator, version) = text.split_at(split);
        let version = version.trim().to_owned();
        if version.is_empty() || version.contains(char::is_whitespace) {
            return Err(format!("comparison `{text}` cannot be read"));
        }
        let twice = match operator.trim() {
            ">=" => from.replace(version).is_some(),
            ">" => {
                let next = next(&version);
                if next.is_none() {
                    odd = Some(format!("`{text}` is read as `>={version}`"));
                }
                from.replace(next.unwrap_or(version)).is_some()
            }
            "<" => to.replace(Event::Fixed(version)).is_some(),
            "<=" => to.replace(Event::LastAffected(version)).is_some(),
            "=" | "==" => from.replace(version.clone()).is_some() | to.replace(Event::LastAffected(version)).is_some(),
            _other => return Err(format!("comparison `{text}` cannot be read")),
        };
        if twice {
            return Err("two comparisons bound the same side".to_owned());
        }
    }
    if from.is_none() && to.is_none() {
        return Err("there is no comparison".to_owned());
    }
    let mut events = vec![Event::Introduced(from.unwrap_or_else(|| "0".to_owned()))];
    events.extend(to);
    Ok((events, odd))
}

/// The next version of four numbers, which is how Composer compares; nothing for other spellings.
fn next(version: &str) -> Option<String> {
    let mut numbers = version.split('.').map(|part| part.parse::<u64>().ok()).collect::<Option<Vec<u64>>>()?;
    numbers.resize(4, 0);
    if let Some(last) = numbers.last_mut() {
        *last = last.checked_add(1)?;
    }
    Some(numbers.iter().map(u64::to_string).collect::<Vec<_>>().join("."))
}
