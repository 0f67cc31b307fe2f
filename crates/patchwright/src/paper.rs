//! How text for people is laid out: width, wrapping, tables and colour. Colour never carries meaning alone; it is off where
//! stdout is no terminal, with `NO_COLOR` (no-color.org), with `TERM=dumb`, and with `--color never`.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use comfy_table::{ColumnConstraint, ContentArrangement, Table};

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal.
    #[default]
    Auto,
    /// Always, for pagers that understand it.
    Always,
    /// Never.
    Never,
}

/// What a colour stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Act now, failed.
    Bad,
    /// Look at it.
    Attention,
    /// In order.
    Good,
    /// Said in passing.
    Soft,
    /// The answer.
    Strong,
}

static COLOUR: OnceLock<bool> = OnceLock::new();

/// Decides once for the process.
pub(crate) fn start(colour: Colour) {
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    let on = match colour {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => {
            std::io::stdout().is_terminal()
                && !set("NO_COLOR")
                && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        }
    };
    // Only the first word counts; there is one command a process.
    COLOUR.get_or_init(|| on);
}

/// Text in a tone, where colour is on.
pub(crate) fn paint(tone: Tone, text: &str) -> String {
    if !COLOUR.get().copied().unwrap_or_default() || text.is_empty() {
        return text.to_owned();
    }
    let code = match tone {
        Tone::Bad => "1;31",
        Tone::Attention => "33",
        Tone::Good => "32",
        Tone::Soft => "2",
        Tone::Strong => "1",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// The tone of an urgency, a severity or a state; most words have none.
pub(crate) fn tone_of(word: &str) -> Option<Tone> {
    match word.to_ascii_lowercase().as_str() {
        "emergency" | "critical" | "failed" | "bad" | "refused" => Some(Tone::Bad),
        "high" | "attention" | "stale" | "partial" | "not offered" | "restart pending" | "reboot pending" | "held"
        | "kept back" => Some(Tone::Attention),
        "good" | "ok" | "loaded" => Some(Tone::Good),
        "low" | "unknown" | "never" | "unchanged" | "no fix yet" => Some(Tone::Soft),
        _ if word.ends_with(" overdue") => Some(Tone::Bad),
        _ => None,
    }
}

/// Columns whose words are coloured.
const TONED: [&str; 6] = ["URGENCY", "SEVERITY", "STATE", "OUTCOME", "WORST", "DUE"];

/// Columns of a terminal that nobody told about, so that files and tests get the same text everywhere.
const WIDTH: u16 = 110;
/// Longest line of prose: longer ones are hard to read however wide the terminal is.
const PROSE: usize = 110;
/// Cells up to this width are never broken: ids, versions, dates. Longer ones give way.
const WHOLE: u16 = 26;

fn told_width() -> Option<u16> {
    let said = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    let seen = || {
        let terminal = std::io::stdout().is_terminal();
        terminal.then(terminal_size::terminal_size).flatten().map(|(terminal_size::Width(w), _)| w)
    };
    said.or_else(seen).filter(|w| *w >= 40)
}

/// Whether lines are so short that tables leave out what can be looked up.
pub(crate) fn narrow() -> bool {
    told_width().unwrap_or(WIDTH) < 100
}

/// A table without frames; [`render`] makes it fit.
pub(crate) fn table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(told_width().unwrap_or(WIDTH));
    table.set_header(columns.iter().map(|c| c.to_uppercase()));
    table
}

/// The table's text, without spaces at the ends of lines. Short cells stay whole; what does not fit is wrapped in the long ones.
pub(crate) fn render(mut table: Table) -> String {
    let widths = table.column_max_content_widths();
    for (column, width) in table.column_iter_mut().zip(&widths) {
        column.set_padding((0, 2));
        if *width <= WHOLE {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    let text = table.to_string();
    let mut lines = text.lines().map(str::trim_end);
    let Some(head) = lines.next() else { return String::new() };
    let toned: Vec<usize> = TONED.iter().filter_map(|name| column_at(head, name)).collect();
    let mut out = paint(Tone::Soft, head);
    for line in lines {
        out.push('\n');
        out.push_str(&tone_line(line, &toned));
    }
    out
}

/// Where a heading begins, in characters.
fn column_at(head: &str, name: &str) -> Option<usize> {
    let padded = format!("  {head}  ");
    padded.find(&format!("  {name}  ")).map(|at| padded.get(..at).unwrap_or_default().chars().count())
}

fn tone_line(line: &str, columns: &[usize]) -> String {
    let chars: Vec<char> = line.chars().collect();
    let mut out = String::with_capacity(line.len() + 16);
    let mut at = 0;
    let mut columns = columns.to_vec();
    columns.sort_unstable();
    for column in columns {
        let rest = chars.get(column..).unwrap_or_default();
        let length = rest.windows(2).position(|w| w == [' ', ' ']).unwrap_or(rest.len());
        let word: String = rest.iter().take(length).collect();
        if let Some(tone) = tone_of(&word) {
            out.extend(chars.get(at..column).unwrap_or_default());
            out.push_str(&paint(tone, &word));
            at = column + length;
        }
    }
    out.extend(chars.get(at..).unwrap_or_default());
    out
}

/// Wraps long lines for a terminal, each with its own indent and two more. Where nobody told a width, text stays as it is: a
/// program that reads it must not find a sentence broken.
pub(crate) fn fill(text: &str) -> String {
    match told_width() {
        None => text.to_owned(),
        Some(width) => fill_to(text, usize::from(width)),
    }
}

fn fill_to(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let body = line.trim_end_matches('\n');
        if visible(body) <= width {
            out.push_str(line);
            continue;
        }
        let indent = body.len() - body.trim_start_matches(' ').len();
        let hang = " ".repeat(indent + 2);
        let mut used = indent;
        out.push_str(body.get(..indent).unwrap_or_default());
        let mut first = true;
        for word in body.split(' ').filter(|w| !w.is_empty()) {
            let length = visible(word);
            if !first && used + 1 + length > width.min(PROSE) {
                out.push('\n');
                out.push_str(&hang);
                used = hang.len();
            } else if !first {
                out.push(' ');
                used += 1;
            }
            out.push_str(word);
            used += length;
            first = false;
        }
        out.push_str(line.get(body.len()..).unwrap_or_default());
    }
    out
}

/// Characters that take a place: colour codes take none.
fn visible(text: &str) -> usize {
    let mut count = 0;
    let mut code = false;
    for c in text.chars() {
        match (code, c) {
            (false, '\x1b') => code = true,
            (true, 'm') => code = false,
            (true, _) => {}
            (false, _) => count += 1,
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_hang_and_no_word_is_lost() {
        let text = "short\n  ! one two three four five six seven eight nine ten eleven twelve\n";
        let filled = fill_to(text, 40);
        assert!(filled.lines().all(|l| l.chars().count() <= 40), "{filled}");
        assert!(filled.lines().skip(2).all(|l| l.starts_with("    ")), "{filled}");
        let words = |t: &str| t.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&filled), words(text));
        assert_eq!(fill_to("https://example.org/a-very-long-address-that-cannot-be-broken", 20).lines().count(), 1);
    }

    #[test]
    fn colour_codes_take_no_place() {
        assert_eq!(visible("\x1b[1;31mCritical\x1b[0m"), 8);
    }

    #[test]
    fn headings_are_found_as_whole_words() {
        assert_eq!(column_at("PATCH  STATE  DUE", "DUE"), Some(14));
        assert_eq!(column_at("OVERDUE  STATE", "DUE"), None);
        assert_eq!(column_at("DUE  STATE", "DUE"), Some(0));
    }

    #[test]
    fn ids_are_never_broken_and_long_cells_give_way() {
        let mut t = table(&["vuln", "words"]);
        t.set_width(60);
        t.add_row(["CVE-2026-2034440", "a sentence that is a good deal longer than what is left of the line here"]);
        let text = render(t);
        assert!(text.contains("CVE-2026-2034440"), "{text}");
        assert!(text.lines().count() > 2 && text.lines().all(|l| l.chars().count() <= 60), "{text}");
    }
}
