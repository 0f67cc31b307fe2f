//! The nuclei scanner's templates for CVEs, in the forms in which they are handed out.
//!
//! | form | record | id | file |
//! |---|---|---|---|
//! | index, `cves.json` | JSON object a line | `ID` | `file_path` |
//! | list of ids | line | the line | none |
//! | service (`/v1/templates/public`, `/early`) | element of a list | `id`, `classification.cve-id` | `uri` |
//! | repository, tar or zip | YAML file | `id`, `info.classification.cve-id` | path below the repository |
//!
//! What they repeat of others (scores, EPSS, KEV) is left to their own feeds. The service and the repository have templates of all
//! kinds, most of them for no CVE: those are counted and give no evidence. The index has none but those for a CVE, so a line
//! without one is lost.

use std::io::{Read, Seek, SeekFrom};

use patchwright_domain::intel::{ExploitEvidence, ExploitKind, ExploitMaturity};
use serde_json::Value;

use super::documents::{self, Reader};
use super::exploits::{ExploitRecord, add_once};
use super::texts::{self, TextReader};
use super::yaml_record::{word, words};
use super::{FeedError, FeedFormat, Parsed, Tally, cve_id, open};
use crate::bounded::{Limits, Line, Lines, is_tar, peek};
use crate::json_stream::Fields;
use crate::yaml;

/// How much is looked at to tell the forms apart.
const LOOK_AHEAD: u64 = 4 << 10;

/// Reads any of the forms, by looking at the beginning.
///
/// # Errors
/// See [`FeedError`].
pub fn parse_any<R: Read + Seek>(mut reader: R, limits: &Limits) -> Result<Parsed<Vec<ExploitRecord>>, FeedError> {
    let format = FeedFormat::Nuclei;
    let failed = |err| FeedError::from_io(format, err, None);
    let head = {
        let mut intake = open(format, &mut reader, limits)?;
        let watch = intake.watch();
        peek(&mut intake, LOOK_AHEAD).map_err(|err| FeedError::from_io(format, err, Some(&watch)))?
    };
    reader.seek(SeekFrom::Start(0)).map_err(failed)?;
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head).trim_ascii_start();
    let packed = is_tar(&head) || head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06");
    if packed || text.starts_with(b"id:") {
        return texts::read_any::<Templates, _>(reader, limits).map(|texts| texts.tally.finish(texts.records));
    }
    // A page of the service may have its list in an outer object.
    let page = text.starts_with(b"{") && text.windows(10).any(|part| part == b"\"results\":");
    if text.starts_with(b"[") || page {
        return documents::read_any::<Service, _>(reader, limits).map(|found| found.tally.finish(found.records));
    }
    parse(reader, limits)
}

/// Reads the index, or a list of ids.
///
/// # Errors
/// See [`FeedError`].
pub fn parse<R: Read>(reader: R, limits: &Limits) -> Result<Parsed<Vec<ExploitRecord>>, FeedError> {
    let format = FeedFormat::Nuclei;
    let intake = open(format, reader, limits)?;
    let watch = intake.watch();
    let mut lines = Lines::new(intake, watch.clone(), limits.line);
    let mut tally = Tally::new();
    let mut records = Vec::new();
    while let Some(line) = lines.next().map_err(|err| FeedError::from_io(format, err, Some(&watch)))? {
        let (number, text) = match &line {
            Line::Text { text, .. } if text.trim().is_empty() => continue,
            Line::Text { number, text } => (*number, text.trim()),
            Line::TooLong { number, length, head } => {
                tally.seen();
                tally.lose(format!("line {number}"), format!("line of {length} bytes is too long"), head);
                continue;
            }
            Line::Cut { number, head } => {
                tally.seen();
                tally.lose(format!("line {number}"), "record is cut off", head);
                continue;
            }
        };
        tally.seen();
        match entry(text) {
            Ok(record) => records.push(record),
            Err(what) => tally.lose(format!("line {number}"), what, text),
        }
    }
    if records.is_empty() {
        return Err(FeedError::not(format, "no line has an `ID` that is a CVE id"));
    }
    tally.reader_done(&watch);
    Ok(tally.finish(records))
}

fn entry(text: &str) -> Result<ExploitRecord, String> {
    let (cve, reference) = if text.starts_with('{') {
        let fields = Fields::parse(text).map_err(|why| format!("line cannot be read: {why}"))?;
        let id = fields.text("ID").unwrap_or_default();
        let cve = of_template(&id).ok_or_else(|| format!("`{id}` is not a CVE id"))?;
        let path = fields.text("file_path").map(|path| path.trim().to_owned()).filter(|path| !path.is_empty());
        let reference = path.unwrap_or_else(|| cve.clone());
        (cve, reference)
    } else {
        let cve = of_template(text).ok_or("line is neither an object nor a CVE id")?;
        (cve.clone(), cve)
    };
    Ok(record(vec![cve], reference))
}

fn record(cves: Vec<String>, reference: String) -> ExploitRecord {
    let evidence =
        ExploitEvidence { kind: ExploitKind::Nuclei, reference, maturity: ExploitMaturity::ProofOfConcept, date: None };
    ExploitRecord { cves, evidence }
}

/// The CVE ids of a template: that in its own id, and those of its classification.
fn cves_of(id: &str, classification: Option<&Value>) -> Vec<String> {
    let mut cves: Vec<String> = of_template(id).into_iter().collect();
    for text in words(classification.and_then(|c| c.get("cve-id"))) {
        for part in text.split([',', ' ']) {
            if let Some(cve) = of_template(part) {
                add_once(&mut cves, cve);
            }
        }
    }
    cves
}

/// Whether a file of a folder is an index, a page of the service or a template. The repository has other lists at its top.
pub(super) fn is_part(path: &str) -> bool {
    let list = [".json", ".ndjson", ".jsonl", ".txt"].iter().any(|end| path.ends_with(end));
    let about = path.starts_with("TEMPLATES-") || path.contains("checksum");
    Templates::wants(path) || (list && !path.contains('/') && !about)
}

/// Templates as the service hands them out.
enum Service {}

impl Reader for Service {
    type Record = ExploitRecord;
    const FORMAT: FeedFormat = FeedFormat::Nuclei;
    const LISTS: &'static [&'static str] = &["results"];
    const MISSING: &'static str = "there is no list of templates with `template_id`";

    fn recognises(fields: &Fields<'_>) -> bool {
        fields.has("template_id") || (fields.has("id") && fields.has("template_type"))
    }

    fn wants(path: &str) -> bool {
        path.ends_with(".json")
    }

    fn record(_at: &str, fields: &Fields<'_>, _tally: &mut Tally) -> Result<ExploitRecord, String> {
        let id = fields.text("id").or_else(|| fields.text("template_id")).unwrap_or_default();
        if id.trim().is_empty() {
            return Err("template has no id".to_owned());
        }
        let cves = cves_of(&id, fields.value("classification").ok().as_ref());
        let path = fields.text("uri").filter(|path| !path.trim().is_empty());
        Ok(record(cves, path.unwrap_or(id).trim().to_owned()))
    }
}

/// Templates of the repository.
enum Templates {}

impl TextReader for Templates {
    type Record = ExploitRecord;
    const FORMAT: FeedFormat = FeedFormat::Nuclei;
    const MISSING: &'static str = "there is no template with `id`";

    fn wants(path: &str) -> bool {
        // Settings of the scanner have the ending `.yml`, below `profiles`.
        path.ends_with(".yaml") && !super::is_housekeeping(path)
    }

    fn read(at: &str, text: &str, tally: &mut Tally, records: &mut Vec<ExploitRecord>) -> bool {
        tally.seen();
        let (id, classification) = match yaml::documents(text) {
            Ok(documents) => {
                let template = documents.into_iter().next().unwrap_or_default();
                let classification = template.pointer("/info/classification").cloned();
                (word(&template, "id").map(str::to_owned), classification)
            }
            // What a template sends need not be YAML that everybody reads; its id stands in the first lines.
            Err(why) => {
                tally.note(at, format!("only the id of the template is taken: {why}"), text);
                let id = text.lines().find_map(|line| line.strip_prefix("id:"));
                (id.map(|id| id.trim().trim_matches(['"', '\'']).to_owned()).filter(|id| !id.is_empty()), None)
            }
        };
        let Some(id) = id else {
            tally.lose(at, "file has no `id` of a template", text);
            return false;
        };
        let cves = cves_of(&id, classification.as_ref());
        records.push(record(cves, below_repository(at, &id)));
        true
    }
}

/// The path of a template as the index has it: without the folder that an archive is packed in.
fn below_repository(at: &str, id: &str) -> String {
    match at.split_once('/') {
        // A template by itself has no path.
        Some(("", _)) => id.to_owned(),
        Some((top, rest)) if top.starts_with("nuclei-templates") => rest.to_owned(),
        Some(_) | None => at.to_owned(),
    }
}

/// The CVE id of a template; a second template for one CVE has a word after it (`CVE-2021-44228-apache`), and lists made from
/// file names have endings (`CVE-2018-25031.js`).
fn of_template(id: &str) -> Option<String> {
    let id = id.trim().trim_matches('`');
    let mut parts = id.splitn(3, '-');
    let (cve, year, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, after) = rest.split_at(end);
    let apart = after.is_empty() || after.starts_with(['-', '.', '_']);
    if apart { cve_id(&format!("{cve}-{year}-{number}")) } else { None }
}
