//! Ubuntu security notices: the database of all (`database.json`, keyed `4011-1`), and the pages of the service (`notices`).
//!
//! | form | sources | subscription |
//! |---|---|---|
//! | database | `releases.<code name>.sources.<name>.version` | the `pocket` of the binaries of the same version (`esm-infra`) |
//! | service | `release_packages.<code name>[]` with `is_source` | `pocket`, in newer notices |
//!
//! Old notices name binaries only, without versions, or no CVE id; such a notice is kept and gives no statement about a
//! package it has no version of. Live patches (`LSN-…`) replace code in a running kernel and no package: no statement.
//! Descriptions and instructions are not kept.

use std::io::{Read, Seek};

use patchwright_domain::intel::{Advisory, Affected};
use patchwright_domain::time::Timestamp;
use serde_json::Value;
use serde_json::value::RawValue;

use super::scalar::{cve_id, timestamp};
use super::ubuntu::{Place, place};
use super::ubuntu_cve::is_paid;
use super::{FeedError, FeedFormat, FeedSink, Parsed, Tally, open, stream_json};
use crate::bounded::Limits;
use crate::json_stream::Sink;

/// Reads the database, or a page of the service.
///
/// # Errors
/// See [`FeedError`].
pub fn parse<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Parsed<Vec<Advisory>>, FeedError> {
    let format = FeedFormat::UbuntuUsn;
    let intake = open(format, reader, limits)?;
    let watch = intake.watch();
    let mut sink = Notices { tally: Tally::new(), records: Vec::new(), recognised: false };
    stream_json(format, intake, &watch, limits, &["notices"], &mut sink)?;
    Ok(sink.tally.finish(sink.records))
}

struct Notices {
    tally: Tally,
    records: Vec<Advisory>,
    recognised: bool,
}

impl Notices {
    fn take(&mut self, at: &str, raw: &RawValue, key: Option<&str>) {
        self.tally.seen();
        let record: Value = match serde_json::from_str(raw.get()) {
            Ok(record) => record,
            Err(err) => return self.tally.lose(at, format!("notice cannot be read: {err}"), raw.get()),
        };
        match notice(at, &record, key, &mut self.tally) {
            Ok(advisory) => {
                self.recognised = true;
                self.records.push(advisory);
            }
            Err(why) => self.tally.lose(at, why, raw.get()),
        }
    }
}

impl Sink for Notices {
    fn field(&mut self, key: &str, raw: &RawValue) {
        match key {
            "total_results" => self.recognised = true,
            "limit" | "offset" => {}
            _notice => self.take(&format!("/{key}"), raw, Some(key)),
        }
    }

    fn element(&mut self, list: &str, index: u64, raw: &RawValue) {
        self.take(&format!("/{list}/{index}"), raw, None);
    }

    fn object(&mut self, list: &str, fields: &[(String, Box<RawValue>)]) {
        self.tally.seen();
        self.tally.lose(format!("/{list}"), format!("is an object of {} fields, not a list", fields.len()), "");
    }
}

impl FeedSink for Notices {
    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn missing(&self) -> Option<&'static str> {
        (!self.recognised).then_some("there is no notice with `releases` or `release_packages`")
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default().trim()
}

fn notice(at: &str, record: &Value, key: Option<&str>, tally: &mut Tally) -> Result<Advisory, String> {
    let has = |key: &str| record.get(key).is_some_and(Value::is_object);
    if !has("releases") && !has("release_packages") {
        return Err("notice names no release".to_owned());
    }
    let number = match text(record, "id") {
        "" => key.unwrap_or_default(),
        id => id,
    };
    if number.is_empty() {
        return Err("notice has no id".to_owned());
    }
    let id = if number.starts_with(|c: char| c.is_ascii_digit()) { format!("USN-{number}") } else { number.to_owned() };
    let cves = record.get("cves_ids").or_else(|| record.get("cves")).and_then(Value::as_array);
    let mut upstream: Vec<String> = Vec::new();
    for item in cves.map(Vec::as_slice).unwrap_or_default() {
        let word = item.as_str().unwrap_or_else(|| text(item, "id"));
        // The database also lists addresses of bug reports here.
        upstream.extend(cve_id(word));
    }
    upstream.sort_unstable();
    upstream.dedup();
    let published = match record.get("timestamp").and_then(Value::as_f64) {
        Some(seconds) => seconds_of(&seconds.to_string()),
        None => timestamp(text(record, "published")),
    };
    let mut advisory = Advisory {
        title: Some(text(record, "title").to_owned()).filter(|title| !title.is_empty()),
        upstream,
        published,
        id,
        ..Advisory::default()
    };
    let hidden = record.get("is_hidden").and_then(Value::as_bool) == Some(true);
    let live = advisory.id.starts_with("LSN-") || text(record, "type") == "LSN";
    if !hidden && !live {
        let mut odd = Vec::new();
        if let Some(releases) = record.get("releases").and_then(Value::as_object) {
            for (codename, release) in releases {
                database(codename, release, &mut advisory.affected, &mut odd);
            }
        }
        if let Some(releases) = record.get("release_packages").and_then(Value::as_object) {
            for (codename, packages) in releases {
                service(codename, packages, &mut advisory.affected, &mut odd);
            }
        }
        for what in odd {
            tally.note(at, format!("{what} ({})", advisory.id), "");
        }
    }
    Ok(advisory)
}

/// Whole seconds of a decimal number of seconds since 1970.
fn seconds_of(text: &str) -> Option<Timestamp> {
    let whole = text.split('.').next()?;
    whole.parse::<i64>().ok()?.checked_mul(1_000).map(Timestamp)
}

fn add(codename: &str, pocket: &str, name: &str, version: &str, out: &mut Vec<Affected>, odd: &mut Vec<String>) {
    let track = if is_paid(version) && !pocket.starts_with("esm") { "esm" } else { pocket };
    match place(codename, track) {
        Place::Ecosystem(ecosystem) => out.push(Affected::fixed_in(&ecosystem, name, version)),
        Place::Elsewhere => {}
        Place::Unknown => odd.push(format!("`{codename}` is no known release")),
    }
}

fn database(codename: &str, release: &Value, out: &mut Vec<Affected>, odd: &mut Vec<String>) {
    let object = |key: &str| release.get(key).and_then(Value::as_object);
    let mut binaries: Vec<(&str, &str)> = Vec::new();
    for (_, binary) in ["binaries", "allbinaries"].iter().filter_map(|key| object(key)).flatten() {
        binaries.push((text(binary, "version"), text(binary, "pocket")));
    }
    for (name, source) in object("sources").into_iter().flatten() {
        let version = text(source, "version");
        if version.is_empty() {
            continue;
        }
        let same: Vec<&str> = binaries.iter().filter(|(v, _)| *v == version).map(|(_, pocket)| *pocket).collect();
        let any = || binaries.iter().map(|(_, pocket)| *pocket);
        // Binaries of another version than their source (kernels' meta packages) tell the pocket when none of the same does; a
        // pocket that needs a subscription counts unless a free one is there.
        let pocket = match same.as_slice() {
            [] if any().any(|p| p.starts_with("esm")) => any().find(|p| p.starts_with("esm")).unwrap_or_default(),
            [] => any().find(|p| !p.is_empty()).unwrap_or_default(),
            some => some.iter().find(|p| !p.starts_with("esm")).or(some.first()).copied().unwrap_or_default(),
        };
        add(codename, pocket, name, version, out, odd);
    }
}

fn service(codename: &str, packages: &Value, out: &mut Vec<Affected>, odd: &mut Vec<String>) {
    let list = packages.as_array().map(Vec::as_slice).unwrap_or_default();
    let binaries: Vec<&Value> =
        list.iter().filter(|p| p.get("is_source").and_then(Value::as_bool) != Some(true)).collect();
    for package in list.iter().filter(|p| p.get("is_source").and_then(Value::as_bool) == Some(true)) {
        let (name, version) = (text(package, "name"), text(package, "version"));
        if name.is_empty() || version.is_empty() {
            continue;
        }
        let own = text(package, "pocket");
        let of_binaries = || binaries.iter().map(|b| text(b, "pocket")).find(|p| !p.is_empty()).unwrap_or_default();
        let pocket = if own.is_empty() { of_binaries() } else { own };
        add(codename, pocket, name, version, out, odd);
    }
}
