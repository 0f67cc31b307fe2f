//! Tables of comma-separated values (RFC 4180) with bounds: a field may span lines, an unclosed quote must not swallow the rest.

use std::collections::VecDeque;
use std::io::{self, Read};

use crate::bounded::{Line, Lines};

/// Most lines that one quoted field may join. Real feeds join none; a row that needs more has an unclosed quote.
const JOINED_LINES_MAX: usize = 1_000;
/// Most bytes that one row may have after joining.
const ROW_MAX: usize = 1 << 20;

/// One row of a table.
pub(crate) enum Row {
    /// The fields of a row that starts at `line`.
    Fields { line: u64, fields: Vec<String>, text: String },
    /// A row that cannot be read.
    Bad { line: u64, what: String, head: String },
}

/// The rows of a table, without blank ones.
pub(crate) struct Table<R> {
    lines: Lines<R>,
    again: VecDeque<Held>,
    separator: u8,
}

enum Held {
    Text(u64, String),
    Bad(u64, String, String),
}

impl<R: Read> Table<R> {
    pub(crate) fn new(lines: Lines<R>) -> Self {
        Self::separated(lines, b',')
    }

    /// A table whose fields another byte than the comma separates.
    pub(crate) fn separated(lines: Lines<R>, separator: u8) -> Self {
        Self { lines, again: VecDeque::new(), separator }
    }

    pub(crate) fn lines(&self) -> &Lines<R> {
        &self.lines
    }

    fn line(&mut self) -> io::Result<Option<Held>> {
        if let Some(held) = self.again.pop_front() {
            return Ok(Some(held));
        }
        Ok(self.lines.next()?.map(|line| match line {
            Line::Text { number, text } => Held::Text(number, text.into_owned()),
            Line::TooLong { number, length, head } => {
                Held::Bad(number, format!("line of {length} bytes is too long"), head)
            }
            Line::Cut { number, head } => Held::Bad(number, "row is cut off".to_owned(), head),
        }))
    }

    /// The next row, or nothing at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Row>> {
        loop {
            let (line, mut text) = match self.line()? {
                None => return Ok(None),
                Some(Held::Bad(line, what, head)) => {
                    return Ok(Some(Row::Bad { line, what, head }));
                }
                Some(Held::Text(_, text)) if text.trim().is_empty() => continue,
                Some(Held::Text(line, text)) => (line, text),
            };
            let first = text.clone();
            let mut joined = Vec::new();
            let mut open = quotes(&text) % 2 == 1;
            while open {
                match self.line()? {
                    Some(Held::Text(number, more))
                        if joined.len() < JOINED_LINES_MAX && text.len().saturating_add(more.len()) < ROW_MAX =>
                    {
                        open ^= quotes(&more) % 2 == 1;
                        text.push('\n');
                        text.push_str(&more);
                        joined.push(Held::Text(number, more));
                    }
                    other => {
                        // The quote is not closed: this row alone is bad, the lines after it are read again as rows.
                        joined.extend(other);
                        joined.extend(self.again.drain(..));
                        self.again = joined.into();
                        let what = "row has an unclosed quote".to_owned();
                        return Ok(Some(Row::Bad { line, what, head: first }));
                    }
                }
            }
            return Ok(Some(match split(&text, self.separator) {
                Ok(fields) => Row::Fields { line, fields, text },
                Err(what) => Row::Bad { line, what, head: text },
            }));
        }
    }
}

fn quotes(text: &str) -> usize {
    text.bytes().filter(|b| *b == b'"').count()
}

fn split(text: &str, separator: u8) -> Result<Vec<String>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(separator)
        .flexible(true)
        .buffer_capacity(text.len().clamp(64, 8 << 10))
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(true) => Ok(record.iter().map(|field| field.trim().to_owned()).collect()),
        Ok(false) => Err("row is empty".to_owned()),
        Err(err) => Err(err.to_string()),
    }
}

/// Where the columns of a header are.
pub(crate) struct Columns(Vec<String>);

impl Columns {
    pub(crate) fn new(header: Vec<String>) -> Self {
        Self(header)
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|column| column.eq_ignore_ascii_case(name))
    }

    /// The field of a row in the named column; nothing when the column or the field is absent or empty.
    pub(crate) fn get<'f>(&self, fields: &'f [String], name: &str) -> Option<&'f str> {
        let at = self.0.iter().position(|column| column.eq_ignore_ascii_case(name))?;
        fields.get(at).map(String::as_str).filter(|field| !field.is_empty())
    }
}
