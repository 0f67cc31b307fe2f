//! Scores of the Exploit Prediction Scoring System (FIRST): `cve,epss,percentile`, usually as `.csv.gz`.
//!
//! Since February 2022 the first line is a comment with the model version and the score date; files of 2021 have neither the
//! comment nor the percentile. Numbers are kept as exact hundred-thousandths.

use std::io::Read;

use patchwright_domain::intel::{EpssRelease, EpssScore};
use patchwright_domain::time::Date;

use super::scalar::scaled;
use super::{FeedError, FeedFormat, Parsed, Records, Tally, cve_id, open};
use crate::bounded::{Limits, Line, Lines};

/// Score and percentile of 1, in the unit of [`EpssScore`].
const ONE_E5: u64 = 100_000;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpssRow {
    /// CVE id.
    pub cve: Box<str>,
    /// Its score.
    pub score: EpssScore,
}

/// One day's scores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpssTable {
    /// Which model, which day.
    pub release: EpssRelease,
    /// The rows, in the order of the file.
    pub rows: Vec<EpssRow>,
}

impl Records for EpssTable {
    fn record_count(&self) -> u64 {
        self.rows.record_count()
    }
}

/// What a streamed parse leaves behind: the release, and how many rows went to the callback.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpssStreamed {
    /// Which model, which day.
    pub release: EpssRelease,
    /// Rows given to the callback.
    pub given: u64,
}

impl Records for EpssStreamed {
    fn record_count(&self) -> u64 {
        self.given
    }
}

/// Reads all rows into memory (about 40 bytes a row; a full file has some 360,000).
///
/// # Errors
/// See [`FeedError`].
pub fn parse<R: Read>(reader: R, limits: &Limits) -> Result<Parsed<EpssTable>, FeedError> {
    let mut rows = Vec::new();
    let parsed = stream(reader, limits, &mut |cve, score| rows.push(EpssRow { cve: cve.into(), score }))?;
    Ok(parsed.map(|streamed| EpssTable { release: streamed.release, rows }))
}

/// Where the three columns are.
struct Columns {
    cve: usize,
    score: usize,
    percentile: Option<usize>,
}

impl Columns {
    fn of(header: &str) -> Option<Self> {
        let at = |name: &str| header.split(',').position(|column| bare(column).eq_ignore_ascii_case(name));
        Some(Self { cve: at("cve")?, score: at("epss")?, percentile: at("percentile") })
    }
}

/// Gives every row to `each` as it is read.
///
/// # Errors
/// See [`FeedError`].
pub fn stream<R: Read>(
    reader: R,
    limits: &Limits,
    each: &mut dyn FnMut(&str, EpssScore),
) -> Result<Parsed<EpssStreamed>, FeedError> {
    let format = FeedFormat::Epss;
    let intake = open(format, reader, limits)?;
    let watch = intake.watch();
    let mut lines = Lines::new(intake, watch.clone(), limits.line);
    let mut tally = Tally::new();
    let mut columns: Option<Columns> = None;
    let mut streamed = EpssStreamed::default();
    while let Some(line) = lines.next().map_err(|err| FeedError::from_io(format, err, Some(&watch)))? {
        let (number, text) = match &line {
            Line::Text { number, text } => (*number, text.trim()),
            Line::TooLong { number, .. } | Line::Cut { number, .. } if columns.is_none() => {
                return Err(FeedError::not(format, format!("line {number} is no header")));
            }
            Line::TooLong { number, length, head } => {
                tally.seen();
                tally.lose(format!("line {number}"), format!("line of {length} bytes is too long"), head);
                continue;
            }
            Line::Cut { number, head } => {
                tally.seen();
                tally.lose(format!("line {number}"), "row is cut off", head);
                continue;
            }
        };
        if text.is_empty() {
            continue;
        }
        if let Some(comment) = text.strip_prefix('#') {
            read_comment(comment, number, &mut streamed.release, &mut tally);
            continue;
        }
        let Some(columns) = &columns else {
            columns = Columns::of(text);
            if columns.is_none() {
                return Err(FeedError::not(format, format!("line {number} is not a header with `cve` and `epss`")));
            }
            continue;
        };
        tally.seen();
        match row(text, columns) {
            Ok((cve, score)) => {
                streamed.given = streamed.given.saturating_add(1);
                each(&cve, score);
            }
            Err(what) => tally.lose(format!("line {number}"), what, text),
        }
    }
    if columns.is_none() {
        return Err(FeedError::not(format, "there is no header with `cve` and `epss`"));
    }
    tally.reader_done(&watch);
    Ok(tally.finish(streamed))
}

/// A field without blanks and quotes around; no value of this table has a comma in it.
fn bare(field: &str) -> &str {
    let field = field.trim();
    field.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).map_or(field, str::trim)
}

fn row(text: &str, columns: &Columns) -> Result<(String, EpssScore), &'static str> {
    let field = |at: usize| text.split(',').nth(at).map(bare).filter(|field| !field.is_empty());
    let share = |field: &str| {
        let value = scaled(field, 5).filter(|value| *value <= ONE_E5)?;
        u32::try_from(value).ok()
    };
    let cve = field(columns.cve).and_then(cve_id).ok_or("row has no CVE id")?;
    let score_e5 = field(columns.score).and_then(share).ok_or("score is not a number from 0 to 1")?;
    let percentile_e5 = match columns.percentile.and_then(field) {
        None => None,
        Some(field) => Some(share(field).ok_or("percentile is not a number from 0 to 1")?),
    };
    Ok((cve, EpssScore { score_e5, percentile_e5 }))
}

/// `model_version:v2022.01.01,score_date:2022-02-04T00:00:00+0000`.
fn read_comment(comment: &str, line: u64, release: &mut EpssRelease, tally: &mut Tally) {
    for part in comment.split(',') {
        let Some((key, value)) = part.split_once(':') else {
            continue;
        };
        let value = value.trim();
        match key.trim() {
            "model_version" if !value.is_empty() => release.model_version = Some(value.to_owned()),
            "score_date" => {
                release.score_date = Date::parse(value);
                if release.score_date.is_none() {
                    tally.note(format!("line {line}"), "score date cannot be read", value);
                }
            }
            _other => {}
        }
    }
}
