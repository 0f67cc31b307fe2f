//! The nuclei scanner's index of templates for CVEs, `cves.json`: one JSON object a line (`ID`, `Info`, `file_path`).
//!
//! What the index repeats of others (scores, EPSS, KEV) is left to their own feeds. A line may also be a bare CVE id: lists of
//! ids are passed around in place of the index.

use std::io::Read;

use patchwright_domain::intel::{ExploitEvidence, ExploitKind, ExploitMaturity};

use super::exploits::ExploitRecord;
use super::{FeedError, FeedFormat, Parsed, Tally, cve_id, open};
use crate::bounded::{Limits, Line, Lines};
use crate::json_stream::Fields;

/// Reads the index.
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
    let evidence =
        ExploitEvidence { kind: ExploitKind::Nuclei, reference, maturity: ExploitMaturity::ProofOfConcept, date: None };
    Ok(ExploitRecord { cves: vec![cve], evidence })
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
