//! The Debian security tracker's JSON export: source package → vulnerability → release → state.
//!
//! The file has some 70 MB; it is streamed one source package at a time. Every state and sub-state is mapped and the
//! publisher's own words are kept beside it:
//!
//! | `status` | with | status | sub-state |
//! |---|---|---|---|
//! | `resolved` | `fixed_version` `0` | not affected | |
//! | `resolved` | another `fixed_version` | fixed | |
//! | `open` | `urgency` `end-of-life` | end of life | `end-of-life` |
//! | `open` | `nodsa_reason` `ignored` | will not fix | `ignored` |
//! | `open` | `nodsa_reason` `postponed` | fix deferred | `postponed` |
//! | `open` | `nodsa` with an empty reason | fix deferred | `no-dsa` |
//! | `open` | nothing else | affected | |
//! | `undetermined` | | unknown | `undetermined` |
//!
//! `urgency` is kept as severity; `unimportant` is also the sub-state where there is no other.

use std::io::Read;
use std::sync::Arc;

use patchwright_domain::intel::{Affected, Status, VendorWords};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{FeedError, FeedFormat, FeedSink, Parsed, Records, Tally, cve_id, open, stream_json};
use crate::bounded::Limits;
use crate::json_stream::{Fields, Sink, object_of};

/// What the tracker says of one source package, one vulnerability and one release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebianRow {
    /// Source package.
    pub source: Arc<str>,
    /// `CVE-2024-3094`, or the tracker's own `TEMP-0000000-0CA7E3` where there is no CVE id.
    pub cve: Arc<str>,
    /// Release by its series name (`bookworm`, `sid`).
    pub release: Arc<str>,
    /// The mapped state.
    pub status: Status,
    /// The version that fixes it, exactly when the state is fixed.
    pub fixed: Option<String>,
    /// Urgency, sub-state and the security team's reason, verbatim.
    pub vendor: VendorWords,
}

impl DebianRow {
    /// The row as part of an advisory, for an ecosystem such as `Debian:12`.
    #[must_use]
    pub fn affected(&self, ecosystem: &str) -> Affected {
        match &self.fixed {
            Some(fixed) => {
                Affected { vendor: self.vendor.clone(), ..Affected::fixed_in(ecosystem, &self.source, fixed) }
            }
            None => Affected::stated(ecosystem, &self.source, self.status, self.vendor.clone()),
        }
    }
}

/// How many rows went to the callback of [`stream`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowsGiven(pub u64);

impl Records for RowsGiven {
    fn record_count(&self) -> u64 {
        self.0
    }
}

/// Reads all rows into memory (some 300,000 in the full file).
///
/// # Errors
/// See [`FeedError`].
pub fn parse<R: Read>(reader: R, limits: &Limits) -> Result<Parsed<Vec<DebianRow>>, FeedError> {
    let mut rows = Vec::new();
    let parsed = stream(reader, limits, &mut |row| rows.push(row))?;
    Ok(parsed.map(|_given| rows))
}

/// Gives every row to `each` as it is read.
///
/// # Errors
/// See [`FeedError`].
pub fn stream<R: Read>(
    reader: R,
    limits: &Limits,
    each: &mut dyn FnMut(DebianRow),
) -> Result<Parsed<RowsGiven>, FeedError> {
    let format = FeedFormat::DebianTracker;
    let intake = open(format, reader, limits)?;
    let watch = intake.watch();
    let mut sink = Tracker { tally: Tally::new(), each, given: 0, releases: Vec::new(), shaped: false };
    stream_json(format, intake, &watch, limits, &[], &mut sink)?;
    Ok(sink.tally.finish(RowsGiven(sink.given)))
}

/// One release's entry as written.
#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    fixed_version: Option<String>,
    #[serde(default)]
    urgency: Option<String>,
    #[serde(default)]
    nodsa: Option<String>,
    #[serde(default)]
    nodsa_reason: Option<String>,
}

struct Tracker<'e> {
    tally: Tally,
    each: &'e mut dyn FnMut(DebianRow),
    given: u64,
    /// One shared name per release: the full file repeats them 300,000 times.
    releases: Vec<Arc<str>>,
    shaped: bool,
}

impl Tracker<'_> {
    fn lose(&mut self, at: String, what: String, excerpt: &str) {
        self.tally.seen();
        self.tally.lose(at, what, excerpt);
    }

    fn release(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.releases.iter().find(|known| known.as_ref() == name) {
            return known.clone();
        }
        let new: Arc<str> = name.into();
        // Real files name ten releases; a hostile one must not make this list long.
        if self.releases.len() < 64 {
            self.releases.push(new.clone());
        }
        new
    }

    fn vulnerability(&mut self, source: &Arc<str>, cve: &str, raw: &RawValue) {
        let at = format!("/{source}/{cve}");
        let releases = match Fields::parse(raw.get()).and_then(|fields| {
            let has = fields.has("releases");
            fields.object("releases").map(|releases| (has, releases))
        }) {
            Ok((true, releases)) => releases,
            Ok((false, _)) => return self.lose(at, "entry has no releases".to_owned(), raw.get()),
            Err(why) => return self.lose(at, format!("entry cannot be read: {why}"), raw.get()),
        };
        self.shaped = true;
        let cve: Arc<str> = cve_id(cve).map_or_else(|| cve.into(), Into::into);
        for (release, raw) in releases.0 {
            self.tally.seen();
            let at = format!("{at}/releases/{release}");
            let written = match object_of::<Written>(raw) {
                Ok(written) => written,
                Err(err) => {
                    self.tally.lose(at, format!("release entry cannot be read: {err}"), raw.get());
                    continue;
                }
            };
            let (status, fixed, vendor) = judge(written, |what, excerpt| self.tally.note(at.as_str(), what, excerpt));
            let row = DebianRow {
                source: source.clone(),
                cve: cve.clone(),
                release: self.release(&release),
                status,
                fixed,
                vendor,
            };
            self.given = self.given.saturating_add(1);
            (self.each)(row);
        }
    }
}

impl Sink for Tracker<'_> {
    fn field(&mut self, source: &str, raw: &RawValue) {
        match Fields::parse(raw.get()) {
            Ok(vulnerabilities) => {
                let name: Arc<str> = source.into();
                for (cve, raw) in vulnerabilities.0 {
                    self.vulnerability(&name, &cve, raw);
                }
            }
            Err(why) => self.lose(format!("/{source}"), format!("source package cannot be read: {why}"), raw.get()),
        }
    }

    fn element(&mut self, _list: &str, index: u64, raw: &RawValue) {
        self.lose(format!("/{index}"), "is an element of a list, not a source package".to_owned(), raw.get());
    }

    fn object(&mut self, _list: &str, _fields: &[(String, Box<RawValue>)]) {}
}

impl FeedSink for Tracker<'_> {
    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn missing(&self) -> Option<&'static str> {
        (!self.shaped).then_some("there is no source package with vulnerabilities and releases")
    }
}

/// The table in the module description.
fn judge(written: Written, mut note: impl FnMut(&str, &str)) -> (Status, Option<String>, VendorWords) {
    let said = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let urgency = said(written.urgency);
    let unimportant = urgency.as_deref() == Some("unimportant");
    let no_dsa = match (said(written.nodsa_reason), written.nodsa.is_some()) {
        (Some(reason), _) => Some(reason),
        (None, true) => Some("no-dsa".to_owned()),
        (None, false) => None,
    };
    let mut fixed = None;
    let (status, sub_state) = match written.status.as_deref().map(str::trim) {
        Some("resolved") => match said(written.fixed_version) {
            Some(zero) if zero == "0" => (Status::NotAffected, no_dsa),
            Some(version) => {
                fixed = Some(version);
                (Status::Fixed, no_dsa)
            }
            None => {
                note("is resolved without a fixed version; taken as unknown", "");
                (Status::Unknown, no_dsa)
            }
        },
        Some("open") if urgency.as_deref() == Some("end-of-life") => {
            (Status::EndOfLife, Some("end-of-life".to_owned()))
        }
        Some("open") => match no_dsa.as_deref() {
            Some("ignored") => (Status::WillNotFix, no_dsa),
            Some("postponed" | "no-dsa") => (Status::FixDeferred, no_dsa),
            Some(other) => {
                note("has an unknown nodsa_reason; taken as a deferred fix", other);
                (Status::FixDeferred, no_dsa)
            }
            None => (Status::Affected, None),
        },
        Some("undetermined") => (Status::Unknown, Some("undetermined".to_owned())),
        other => {
            note("has an unknown status; taken as unknown", other.unwrap_or_default());
            (Status::Unknown, other.map(str::to_owned))
        }
    };
    let vendor = VendorWords {
        sub_state: sub_state.or_else(|| unimportant.then(|| "unimportant".to_owned())),
        severity: urgency,
        reason: said(written.nodsa),
    };
    (status, fixed, vendor)
}
