//! Printing: tables for people, JSON, NDJSON and CSV for programs.

use std::io::{IsTerminal as _, Write as _};

use serde::Serialize;

use crate::exit::{Code, Failure};
use crate::paper;

/// How a command prints its data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A table for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One JSON document a line, one line a row.
    Ndjson,
    /// Comma-separated values with a header line (RFC 4180).
    Csv,
}

/// Writes to stdout; a reader that went away (`| head`) ends the command quietly.
pub(crate) fn out(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(e) => Err(Failure::new(
            Code::Failed,
            format!("failed to write to standard output: {e}"),
            "check the disk or the program that reads the output",
        )),
    }
}

/// Writes text for people: wrapped on a terminal.
pub(crate) fn page(text: &str) -> Result<(), Failure> {
    out(&paper::fill(text))
}

/// Writes talk to stderr. Failing to talk is not a reason to fail.
pub(crate) fn talk(text: &str) {
    let text = if std::io::stderr().is_terminal() { paper::fill(text) } else { text.to_owned() };
    let mut stderr = std::io::stderr().lock();
    if stderr.write_all(text.as_bytes()).and_then(|()| stderr.write_all(b"\n")).is_err() {
        tracing::trace!("nobody reads stderr");
    }
}

/// Prints a failure the way every command does.
pub(crate) fn print_failure(failure: &Failure) {
    talk(&format!("error: {}", failure.message));
    let hint = failure.hint.as_deref().unwrap_or_else(|| failure.code.usual_step());
    talk(&format!("\nhint: {hint}"));
}

/// Starts logging to stderr; `RUST_LOG` overrides.
pub(crate) fn start_logging(verbose: u8) {
    use tracing_subscriber::EnvFilter;
    let default = match verbose {
        0 => "error",
        1 => "patchwright=info,patchwright_app=info,patchwright_web=info,warn",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
    if started.is_err() {
        tracing::trace!("logging was started already");
    }
}

/// One row of a list as text cells, in the order of the columns.
pub(crate) type Cells = Vec<String>;

/// Prints a list in any format. `rows` are the typed rows, `columns` the headings, `cells` makes a row's text.
pub(crate) fn list<T: Serialize>(
    format: Format,
    rows: &[T],
    columns: &[&str],
    cells: impl Fn(&T) -> Cells,
) -> Result<(), Failure> {
    list_sparing(format, rows, columns, &[], cells)
}

/// The same with columns that may be left out of the table where lines are too short, the first of them first. The other formats
/// always have all.
pub(crate) fn list_sparing<T: Serialize>(
    format: Format,
    rows: &[T],
    columns: &[&str],
    spare: &[&str],
    cells: impl Fn(&T) -> Cells,
) -> Result<(), Failure> {
    match format {
        Format::Table => {
            let mut table = paper::table(columns);
            table.spare(spare);
            for row in rows {
                table.add_row(cells(row));
            }
            out(&format!("{}\n", paper::render(table)))
        }
        Format::Json => json(&rows),
        Format::Ndjson => {
            let mut text = String::new();
            for row in rows {
                text.push_str(&to_json(row, false)?);
                text.push('\n');
            }
            out(&text)
        }
        Format::Csv => csv(columns, rows.iter().map(cells)),
    }
}

/// Prints the one answer of a command: `text` for people, one JSON document, or a list of one row.
pub(crate) fn one<T: Serialize>(
    format: Format,
    row: &T,
    text: &str,
    columns: &[&str],
    cells: impl Fn(&T) -> Cells,
) -> Result<(), Failure> {
    match format {
        Format::Table => out(text),
        Format::Json => json(row),
        Format::Ndjson | Format::Csv => list(format, std::slice::from_ref(row), columns, cells),
    }
}

/// Prints what a command made of a record, for programs; people are told on stderr.
pub(crate) fn changed(format: Format, id: &str, state: &str) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Changed<'a> {
        id: &'a str,
        state: &'a str,
    }
    one(format, &Changed { id, state }, "", &["id", "state"], |c| vec![clean(c.id), clean(c.state)])
}

/// Prints rows as CSV. A cell that a spreadsheet would run as a formula gets a leading quote.
pub(crate) fn csv(columns: &[&str], rows: impl Iterator<Item = Cells>) -> Result<(), Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let fail = |e: csv::Error| Failure::plain(Code::Failed, format!("failed to write CSV: {e}"));
    writer.write_record(columns).map_err(fail)?;
    for row in rows {
        writer.write_record(row.iter().map(|c| defuse(c))).map_err(fail)?;
    }
    let bytes = writer.into_inner().map_err(|e| Failure::plain(Code::Failed, format!("failed to write CSV: {e}")))?;
    out(&String::from_utf8_lossy(&bytes))
}

fn defuse(cell: &str) -> String {
    // One sign alone is no formula: `=` is what `version compare` answers.
    let more = cell.len() > 1;
    if more
        && (cell.starts_with(['=', '+', '@', '\t', '\r'])
            || (cell.starts_with('-') && !cell.chars().nth(1).is_some_and(|c| c.is_ascii_digit())))
    {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// Prints one document as JSON: indented on a terminal, compact for programs.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<(), Failure> {
    let mut text = to_json(value, std::io::stdout().is_terminal())?;
    text.push('\n');
    out(&text)
}

/// A value as JSON text.
pub(crate) fn to_json<T: Serialize>(value: &T, pretty: bool) -> Result<String, Failure> {
    let text = if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    text.map_err(|e| Failure::plain(Code::Failed, format!("failed to write JSON: {e}")))
}

/// A line of input as a message quotes it: cut where it is long, a tab as `\\t`, so that one sees what separates.
pub(crate) fn quoted(line: &str) -> String {
    /// Characters of a line that are quoted; a version or a vector is recognised by far less.
    const QUOTED_MAX: usize = 200;
    let mut out = clean(&line.chars().take(QUOTED_MAX).collect::<String>().replace('\t', "\\t"));
    if line.chars().nth(QUOTED_MAX).is_some() {
        out.push('…');
    }
    out
}

/// Text without characters that would drive a terminal: names come from files nobody controls.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// `2026-11-26T15:16:50Z` as people read it in a list; always UTC.
pub(crate) fn minute(instant: &str) -> String {
    instant.get(..16).map_or_else(|| instant.to_owned(), |text| text.replace('T', " "))
}
