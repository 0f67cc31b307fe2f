//! Tables as workbooks (Office Open XML, ECMA-376). Text is written as text: nothing in it is run as a formula.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use patchwright_domain::time::Timestamp;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, XlsxError};

use crate::failure::Failure;

/// Rows of a table at most: a workbook is made in memory, a CSV is the way for more.
pub(crate) const ROWS_MAX: usize = 20_000;
/// Longest text of a cell, in UTF-16 units; the format's own limit is 32,767.
const TEXT_MAX: usize = 32_000;
/// Type of the file.
const KIND: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// A cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Text.
    Text(String),
    /// A count.
    Count(u64),
}

/// A table and what it is about.
#[derive(Clone, Debug)]
pub(crate) struct Xlsx {
    /// File name without extension.
    pub(crate) name: &'static str,
    /// Columns: heading and width in characters.
    pub(crate) columns: Vec<(&'static str, f64)>,
    /// Rows, each as long as the columns.
    pub(crate) rows: Vec<Vec<Cell>>,
    /// A second sheet: what was asked, when, and what the answer leaves out.
    pub(crate) about: Vec<(String, String)>,
    /// When the table was made.
    pub(crate) at: Timestamp,
}

/// At most [`TEXT_MAX`] units of a text.
fn cut(text: &str) -> String {
    let mut units = 0;
    text.chars()
        .take_while(|c| {
            units += c.len_utf16();
            units <= TEXT_MAX
        })
        .collect()
}

impl Xlsx {
    /// Writes the workbook. Takes seconds of a core for a large table: never on the threads that answer requests.
    fn write(&self) -> Result<Vec<u8>, XlsxError> {
        let mut book = Workbook::new();
        let at = ExcelDateTime::from_timestamp(self.at.0 / 1_000)?;
        book.set_properties(&DocProperties::new().set_author("Patchwright").set_creation_datetime(&at));
        let bold = Format::new().set_bold();
        let sheet = book.add_worksheet().set_name("Findings")?.set_freeze_panes(1, 0)?;
        for (place, (heading, width)) in (0u16..).zip(&self.columns) {
            sheet.set_column_width(place, *width)?;
            sheet.write_string_with_format(0, place, *heading, &bold)?;
        }
        for (line, row) in (1u32..).zip(&self.rows) {
            for (place, cell) in (0u16..).zip(row) {
                match cell {
                    Cell::Text(text) if text.is_empty() => {}
                    Cell::Text(text) => {
                        sheet.write_string(line, place, cut(text))?;
                    }
                    // Counts of findings stay far below what a double holds exactly; a larger one is written as its digits.
                    Cell::Count(n) => match u32::try_from(*n) {
                        Ok(n) => {
                            sheet.write_number(line, place, n)?;
                        }
                        Err(_) => {
                            sheet.write_string(line, place, n.to_string())?;
                        }
                    },
                }
            }
        }
        let last = (u32::try_from(self.rows.len()), u16::try_from(self.columns.len().saturating_sub(1)));
        if let (Ok(row), Ok(column)) = last {
            sheet.autofilter(0, 0, row, column)?;
        }
        let sheet = book.add_worksheet().set_name("About")?;
        sheet.set_column_width(0, 16)?.set_column_width(1, 100)?;
        for (line, (what, text)) in (0u32..).zip(&self.about) {
            sheet.write_string_with_format(line, 0, cut(what), &bold)?;
            sheet.write_string(line, 1, cut(text))?;
        }
        book.save_to_buffer()
    }

    /// The workbook as a download.
    pub(crate) async fn respond(self) -> Result<Response, Failure> {
        let name = self.name;
        let failed = |error: &dyn std::error::Error| {
            tracing::error!(error = %error, "Workbook could not be written: {error}");
            Failure::of("internal", "the workbook could not be written")
        };
        let bytes = tokio::task::spawn_blocking(move || self.write())
            .await
            .map_err(|error| failed(&error))?
            .map_err(|error| failed(&error))?;
        let mut response = bytes.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(KIND));
        if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}.xlsx\"")) {
            headers.insert(header::CONTENT_DISPOSITION, value);
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use super::*;

    fn part(bytes: &[u8], name: &str) -> String {
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut text = String::new();
        zip.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn text_is_text_and_counts_are_numbers() {
        let table = Xlsx {
            name: "x",
            columns: vec![("name", 20.0), ("findings", 10.0)],
            rows: vec![
                vec![Cell::Text("=1+1".to_owned()), Cell::Count(42)],
                vec![Cell::Text("<b>&".to_owned()), Cell::Count(u64::MAX)],
                vec![Cell::Text("ü".repeat(40_000)), Cell::Count(0)],
            ],
            about: vec![("Query".to_owned(), "is:kev".to_owned())],
            at: Timestamp::parse("2026-11-22T10:00:00Z").unwrap(),
        };
        let bytes = table.write().unwrap();
        assert_eq!(bytes, table.write().unwrap(), "the same table is the same file");
        let sheet = part(&bytes, "xl/worksheets/sheet1.xml");
        assert!(!sheet.contains("<f>"), "{sheet}");
        assert!(sheet.contains("<c r=\"B2\"><v>42</v></c>"), "{sheet}");
        let strings = part(&bytes, "xl/sharedStrings.xml");
        for text in ["<t>=1+1</t>", "<t>&lt;b&gt;&amp;</t>", "<t>18446744073709551615</t>", "<t>is:kev</t>"] {
            assert!(strings.contains(text), "{text}");
        }
        assert!(strings.contains(&format!("<t>{}</t>", "ü".repeat(TEXT_MAX))));
    }
}
