//! The tab-separated tables of the starter set: a header line, then rows; no quoting, no escapes, UTF-8.

use patchwright_domain::intel::Problem;

use super::FeedError;

/// The rows of a table, read in place without copying.
#[derive(Clone, Debug)]
pub struct Rows<'a, const N: usize> {
    rest: &'a [u8],
    line: u64,
    at: [usize; N],
    wanted: usize,
}

/// Reads a table that must have the `expected` columns, in any order and among others.
///
/// # Errors
/// [`FeedError::MissingColumn`] when the header lacks one.
pub fn rows<'a, const N: usize>(bytes: &'a [u8], expected: [&str; N]) -> Result<Rows<'a, N>, FeedError> {
    let (header, rest) = first_line(bytes);
    let header = String::from_utf8_lossy(header);
    let header = header.trim_start_matches('\u{feff}');
    let mut at = [0; N];
    for (slot, name) in at.iter_mut().zip(expected) {
        *slot = header
            .split('\t')
            .position(|column| column.trim() == name)
            .ok_or_else(|| FeedError::MissingColumn { column: name.to_owned() })?;
    }
    Ok(Rows { rest, line: 1, wanted: at.iter().max().map_or(0, |last| last.saturating_add(1)), at })
}

fn first_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|b| *b == b'\n');
    let (line, rest) = match end.and_then(|end| bytes.split_at_checked(end)) {
        Some((line, rest)) => (line, rest.get(1..).unwrap_or_default()),
        None => (bytes, <&[u8]>::default()),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

impl<'a, const N: usize> Iterator for Rows<'a, N> {
    /// The expected columns in the order they were asked for, or why the row cannot be read. Blank lines are skipped.
    type Item = Result<[&'a str; N], Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let (line, rest) = first_line(self.rest);
            self.rest = rest;
            self.line = self.line.saturating_add(1);
            if line.is_empty() {
                continue;
            }
            let problem =
                |what: String| Problem::new(format!("line {}", self.line), what, &String::from_utf8_lossy(line));
            let Ok(text) = std::str::from_utf8(line) else {
                return Some(Err(problem("row is not UTF-8".to_owned())));
            };
            let mut fields = [""; N];
            let mut found = 0;
            for (index, field) in text.split('\t').enumerate() {
                found = index.saturating_add(1);
                for (slot, at) in fields.iter_mut().zip(self.at) {
                    if at == index {
                        *slot = field;
                    }
                }
            }
            if found < self.wanted {
                return Some(Err(problem(format!("row has {found} columns, {} are needed", self.wanted))));
            }
            return Some(Ok(fields));
        }
    }
}
