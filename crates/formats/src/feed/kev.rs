//! CISA's Known Exploited Vulnerabilities catalogue, JSON and CSV.
//! Source: the catalogue's own JSON schema; the CSV has the same fields in another order.

use std::io::Read;

use patchwright_domain::intel::KevEntry;
use patchwright_domain::time::{Date, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::scalar::timestamp;
use super::table::{Columns, Row, Table};
use super::{FeedError, FeedFormat, FeedSink, Parsed, Records, Tally, cve_id, open, stream_json};
use crate::bounded::{Limits, Lines};
use crate::json_stream::{Sink, object_of};

/// One edition of the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KevCatalog {
    /// Edition as written (`2026.08.07`); the CSV does not say.
    pub version: Option<String>,
    /// When the edition was released; the CSV does not say.
    pub released: Option<Timestamp>,
    /// Its entries, in the order of the document.
    pub entries: Vec<KevEntry>,
}

impl Records for KevCatalog {
    fn record_count(&self) -> u64 {
        self.entries.record_count()
    }
}

/// The fields of one row as written, before any is judged.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Written {
    #[serde(rename = "cveID")]
    cve: Option<String>,
    vendor_project: Option<String>,
    product: Option<String>,
    date_added: Option<String>,
    due_date: Option<String>,
    known_ransomware_campaign_use: Option<String>,
    cwes: Option<Vec<Option<String>>>,
}

/// Reads one row; notes what is odd about it, gives the reason when it is unusable.
fn entry(written: Written, at: &str, tally: &mut Tally) -> Result<KevEntry, String> {
    let cve = written.cve.as_deref().unwrap_or_default();
    let cve = cve_id(cve).ok_or_else(|| format!("`{cve}` is not a CVE id"))?;
    let added = written.date_added.as_deref().unwrap_or_default();
    let due_date = match written.due_date.as_deref().map(str::trim).filter(|due| !due.is_empty()) {
        None => None,
        Some(due) => {
            let date = Date::parse(due);
            if date.is_none() {
                tally.note(at, format!("dueDate of {cve} is not a date and is left out"), due);
            }
            date
        }
    };
    // A vulnerability is no less exploited for a date that cannot be read.
    let date_added = match (Date::parse(added), due_date) {
        (Some(day), _) => day,
        (None, Some(due)) => {
            tally.note(at, format!("dateAdded of {cve} is not a date; its dueDate stands in for it"), added);
            due
        }
        (None, None) => return Err(format!("dateAdded `{added}` of {cve} is not a date, and there is no dueDate")),
    };
    let ransomware = written.known_ransomware_campaign_use.as_deref().unwrap_or("Unknown").trim();
    let ransomware_known = ransomware.eq_ignore_ascii_case("known");
    if !ransomware_known && !ransomware.eq_ignore_ascii_case("unknown") {
        tally.note(at, format!("knownRansomwareCampaignUse of {cve} is neither Known nor Unknown"), ransomware);
    }
    let cwes = written.cwes.unwrap_or_default();
    Ok(KevEntry {
        cve,
        date_added,
        due_date,
        ransomware_known,
        vendor: written.vendor_project.unwrap_or_default(),
        product: written.product.unwrap_or_default(),
        cwes: cwes.into_iter().flatten().map(|cwe| cwe.trim().to_owned()).filter(|cwe| !cwe.is_empty()).collect(),
    })
}

struct KevSink {
    tally: Tally,
    catalog: KevCatalog,
    stated: Option<u64>,
    listed: bool,
}

impl Sink for KevSink {
    fn field(&mut self, key: &str, raw: &RawValue) {
        match key {
            "catalogVersion" => self.catalog.version = serde_json::from_str(raw.get()).ok(),
            "dateReleased" => {
                let text: Option<String> = serde_json::from_str(raw.get()).ok();
                self.catalog.released = text.as_deref().and_then(timestamp);
                if self.catalog.released.is_none() {
                    self.tally.note("/dateReleased", "release time cannot be read", raw.get());
                }
            }
            "count" => self.stated = serde_json::from_str(raw.get()).ok(),
            "vulnerabilities" => self.tally.note("/vulnerabilities", "is not a list", raw.get()),
            _other => {}
        }
    }

    fn element(&mut self, list: &str, index: u64, raw: &RawValue) {
        self.listed |= !list.is_empty();
        self.tally.seen();
        let at = format!("/vulnerabilities/{index}");
        let read = object_of::<Written>(raw)
            .map_err(|err| format!("entry cannot be read: {err}"))
            .and_then(|written| entry(written, &at, &mut self.tally));
        match read {
            Ok(entry) => self.catalog.entries.push(entry),
            Err(what) => self.tally.lose(at, what, raw.get()),
        }
    }

    fn object(&mut self, _list: &str, _fields: &[(String, Box<RawValue>)]) {
        self.tally.note("/vulnerabilities", "is an object, not a list", "");
    }
}

impl FeedSink for KevSink {
    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn missing(&self) -> Option<&'static str> {
        let empty_edition = self.catalog.version.is_some() && self.stated == Some(0);
        (!self.listed && !empty_edition)
            .then_some("there is no list `vulnerabilities`, or it is empty and no `count` of 0 says so")
    }
}

/// Reads the JSON catalogue. A stated `count` that differs from the entries seen is a problem.
///
/// # Errors
/// See [`FeedError`].
pub fn parse_json<R: Read>(reader: R, limits: &Limits) -> Result<Parsed<KevCatalog>, FeedError> {
    let format = FeedFormat::KevJson;
    let intake = open(format, reader, limits)?;
    let watch = intake.watch();
    let mut sink = KevSink { tally: Tally::new(), catalog: KevCatalog::default(), stated: None, listed: false };
    stream_json(format, intake, &watch, limits, &["vulnerabilities"], &mut sink)?;
    if let Some(stated) = sink.stated
        && stated != sink.tally.read
    {
        let what = format!("catalogue states {stated} entries and holds {}", sink.tally.read);
        sink.tally.note("/count", what, "");
    }
    Ok(sink.tally.finish(sink.catalog))
}

/// Reads the CSV catalogue by its header, in any column order. `cwes` is a comma-separated text there.
///
/// # Errors
/// See [`FeedError`].
pub fn parse_csv<R: Read>(reader: R, limits: &Limits) -> Result<Parsed<KevCatalog>, FeedError> {
    let format = FeedFormat::KevCsv;
    let intake = open(format, reader, limits)?;
    let watch = intake.watch();
    let mut table = Table::new(Lines::new(intake, watch.clone(), limits.line));
    let mut tally = Tally::new();
    let mut columns: Option<Columns> = None;
    let mut catalog = KevCatalog::default();
    while let Some(row) = table.next().map_err(|err| FeedError::from_io(format, err, Some(&watch)))? {
        let Some(header) = &columns else {
            let Row::Fields { fields, .. } = row else {
                return Err(FeedError::not(format, "the header cannot be read"));
            };
            let header = Columns::new(fields);
            if !header.has("cveID") || !header.has("dateAdded") {
                return Err(FeedError::not(format, "the header has no columns `cveID` and `dateAdded`"));
            }
            columns = Some(header);
            continue;
        };
        tally.seen();
        match row {
            Row::Bad { line, what, head } => tally.lose(format!("line {line}"), what, &head),
            Row::Fields { line, fields, text } => {
                let at = format!("line {line}");
                let get = |name| header.get(&fields, name).map(str::to_owned);
                let written = Written {
                    cve: get("cveID"),
                    vendor_project: get("vendorProject"),
                    product: get("product"),
                    date_added: get("dateAdded"),
                    due_date: get("dueDate"),
                    known_ransomware_campaign_use: get("knownRansomwareCampaignUse"),
                    cwes: get("cwes").map(|cwes| cwes.split(',').map(|cwe| Some(cwe.to_owned())).collect()),
                };
                match entry(written, &at, &mut tally) {
                    Ok(entry) => catalog.entries.push(entry),
                    Err(what) => tally.lose(at, what, &text),
                }
            }
        }
    }
    if columns.is_none() {
        return Err(FeedError::not(format, "the input is empty"));
    }
    tally.reader_done(table.lines().watch());
    Ok(tally.finish(catalog))
}
