//! Tables as CSV (RFC 4180). Cells that a spreadsheet would run as a formula get a leading apostrophe.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// A table being written.
#[derive(Clone, Debug)]
pub(crate) struct Csv {
    name: String,
    text: String,
}

impl Csv {
    /// A table with its heading; `name` is the file's name without extension.
    #[must_use]
    pub(crate) fn new(name: &str, heading: &[&str]) -> Self {
        let mut csv = Self {
            name: name
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' })
                .take(80)
                .collect(),
            text: String::new(),
        };
        csv.row(heading.iter().map(|h| (*h).to_owned()));
        csv
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        for (place, cell) in cells.into_iter().enumerate() {
            if place > 0 {
                self.text.push(',');
            }
            self.cell(&cell);
        }
        self.text.push_str("\r\n");
    }

    fn cell(&mut self, cell: &str) {
        // One sign alone is no formula.
        let formula = cell.len() > 1 && cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
        if !formula && !cell.contains(['"', ',', '\n', '\r']) {
            self.text.push_str(cell);
            return;
        }
        self.text.push('"');
        if formula {
            self.text.push('\'');
        }
        self.text.push_str(&cell.replace('"', "\"\""));
        self.text.push('"');
    }
}

/// An optional text as a cell.
#[must_use]
pub(crate) fn opt(value: Option<&String>) -> String {
    value.cloned().unwrap_or_default()
}

/// Tenths as a decimal number; empty when unknown.
#[must_use]
pub(crate) fn tenths(value: Option<u8>) -> String {
    value.map(crate::view::text::score).unwrap_or_default()
}

/// Hundred-thousandths as a decimal number; empty when unknown.
#[must_use]
pub(crate) fn e5(value: Option<u32>) -> String {
    value.map(|v| format!("{}.{:05}", v / 100_000, v % 100_000)).unwrap_or_default()
}

impl IntoResponse for Csv {
    fn into_response(self) -> Response {
        let mut response = self.text.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
        if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{}.csv\"", self.name)) {
            headers.insert(header::CONTENT_DISPOSITION, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_are_defused() {
        let mut csv = Csv::new("hosts/../x", &["a", "b"]);
        csv.row(["plain".to_owned(), "with, comma and \"quotes\"".to_owned()]);
        csv.row(["=1+1".to_owned(), "@cmd\n".to_owned()]);
        csv.row(["-".to_owned(), "=".to_owned()]);
        assert_eq!(csv.text, "a,b\r\nplain,\"with, comma and \"\"quotes\"\"\"\r\n\"'=1+1\",\"'@cmd\n\"\r\n-,=\r\n");
        assert_eq!(csv.name, "hosts----x");
        assert_eq!(
            (tenths(Some(98)), e5(Some(94_321)), e5(None)),
            ("9.8".to_owned(), "0.94321".to_owned(), String::new())
        );
    }
}
