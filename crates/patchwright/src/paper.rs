//! How text for people is laid out: width, wrapping, tables and colour. Colour never carries meaning alone; it is off where
//! stdout is no terminal, with `NO_COLOR` (no-color.org), with `TERM=dumb`, and with `--color never`.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

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

/// Width of a terminal that nobody told about, where something has to be chosen.
const WIDTH: u16 = 110;
/// Longest line of prose: longer ones are hard to read however wide the terminal is.
const PROSE: usize = 110;
/// Cells up to this width give way last: ids, versions, dates.
const WHOLE: usize = 26;
/// Spaces between columns.
const GAP: usize = 2;
/// Lines of one row of a table that has columns to spare: sooner one of those goes than that every row gets longer.
const LINES_CALM: usize = 2;
/// Lines of one row; a table that would need more is printed row by row instead: nobody reads towers of words.
const LINES_MAX: usize = 4;

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
pub(crate) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Headings of columns that can be looked up elsewhere: the first goes first where a line is too short for all.
    spare: Vec<String>,
    /// Lines that a row may have.
    lines: usize,
    /// Nothing where nobody told a width: what a program reads is never broken.
    width: Option<usize>,
}

/// What gives way to make a table fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrap {
    /// Sentences, into [`LINES_CALM`] lines.
    Sentences,
    /// Every cell with a space in it.
    All,
}

impl Table {
    /// Names the columns that may be left out where lines are short, the first of them first.
    pub(crate) fn spare(&mut self, columns: &[&str]) {
        self.spare = columns.iter().map(|c| c.to_uppercase()).collect();
    }

    /// Lets rows have as many lines as they need: for a table of few rows, each of which is read.
    pub(crate) fn tall(&mut self) {
        self.lines = usize::MAX;
    }

    pub(crate) fn add_row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut row: Vec<String> = cells.into_iter().collect();
        row.resize(self.head.len(), String::new());
        self.rows.push(row);
    }

    /// The widest of each column by a measure of a text.
    fn widest(&self, of: impl Fn(&str) -> usize) -> Vec<usize> {
        let mut widths: Vec<usize> = self.head.iter().map(|cell| of(cell)).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(of(cell));
            }
        }
        widths
    }

    /// The table with as many of its columns as fit, and their widths; nothing where even the fewest do not.
    fn shown(&self, width: usize) -> Option<(Table, Vec<usize>)> {
        [Wrap::Sentences, Wrap::All].into_iter().find_map(|wrap| {
            (0..=self.spare.len()).find_map(|gone| {
                let table = self.without(self.spare.get(..gone).unwrap_or_default());
                table.fitting(width, wrap).map(|widths| (table, widths))
            })
        })
    }

    /// The table without some of its columns.
    fn without(&self, gone: &[String]) -> Table {
        let stays: Vec<bool> = self.head.iter().map(|head| !gone.contains(head)).collect();
        let kept = |cells: &Vec<String>| -> Vec<String> {
            cells.iter().zip(&stays).filter(|(_, stays)| **stays).map(|(cell, _)| cell.clone()).collect()
        };
        Table {
            head: kept(&self.head),
            rows: self.rows.iter().map(kept).collect(),
            spare: self.spare.clone(),
            lines: self.lines,
            width: self.width,
        }
    }

    /// The widths that fit, wrapped at spaces only; nothing where a row would be a tower or a word would be broken.
    fn fitting(&self, width: usize, wrapped: Wrap) -> Option<Vec<usize>> {
        let least = self.widest(|cell| cell.split(' ').map(visible).max().unwrap_or_default());
        let mut widths = self.widest(visible);
        let gaps = GAP * self.head.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > width {
            let gives = |long: bool| {
                let can = widths
                    .iter()
                    .zip(&least)
                    .enumerate()
                    .filter(move |(_, (have, least))| have > least && (**have > WHOLE) == long);
                can.max_by_key(|(_, (have, _))| **have).map(|(place, _)| place)
            };
            let place = gives(true).or_else(|| if wrapped == Wrap::All { gives(false) } else { None })?;
            *widths.get_mut(place)? -= 1;
        }
        let most = if wrapped == Wrap::Sentences && !self.spare.is_empty() { LINES_CALM } else { self.lines };
        let lines = |row: &Vec<String>| row.iter().zip(&widths).map(|(cell, w)| wrap(cell, *w).len()).max();
        self.rows.iter().filter_map(lines).all(|lines| lines <= most).then_some(widths)
    }
}

/// A table with these headings.
pub(crate) fn table(columns: &[&str]) -> Table {
    Table {
        head: columns.iter().map(|c| c.to_uppercase()).collect(),
        rows: Vec::new(),
        spare: Vec::new(),
        lines: LINES_MAX,
        width: told_width().map(usize::from),
    }
}

/// A text in lines of a width, broken at spaces; a word that is longer stands alone.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if visible(line) + 1 + visible(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The table's text, without spaces at the ends of lines. Words are never broken; a table that cannot fit is printed row by row,
/// a line a cell.
pub(crate) fn render(table: Table) -> String {
    let (table, widths) = match table.width {
        None => {
            let widths = table.widest(visible);
            (table, widths)
        }
        Some(width) => match table.shown(width) {
            Some(shown) => shown,
            None => return cards(&table, width),
        },
    };
    let head = line_up(&table.head, &widths);
    let toned: Vec<usize> = TONED.iter().filter_map(|name| column_at(&head.join("\n"), name)).collect();
    let mut out = head.iter().map(|line| paint(Tone::Soft, line)).collect::<Vec<_>>().join("\n");
    for row in &table.rows {
        for line in line_up(row, &widths) {
            out.push('\n');
            out.push_str(&tone_line(&line, &toned));
        }
    }
    out
}

/// The lines of a row.
fn line_up(cells: &[String], widths: &[usize]) -> Vec<String> {
    let cells: Vec<Vec<String>> = cells.iter().zip(widths).map(|(cell, width)| wrap_or_keep(cell, *width)).collect();
    let count = cells.iter().map(Vec::len).max().unwrap_or_default();
    (0..count)
        .map(|number| {
            let mut line = String::new();
            for (cell, width) in cells.iter().zip(widths) {
                let part = cell.get(number).map(String::as_str).unwrap_or_default();
                line.push_str(part);
                line.extend(std::iter::repeat_n(' ', width.saturating_sub(visible(part)) + GAP));
            }
            line.trim_end().to_owned()
        })
        .collect()
}

fn wrap_or_keep(cell: &str, width: usize) -> Vec<String> {
    if visible(cell) <= width { vec![cell.to_owned()] } else { wrap(cell, width) }
}

/// Row by row: heading and cell, those with nothing in them left out.
fn cards(table: &Table, width: usize) -> String {
    let label = table.head.iter().map(|cell| visible(cell)).max().unwrap_or_default() + GAP;
    let card = |row: &Vec<String>| {
        let mut lines = Vec::new();
        for (head, cell) in table.head.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
            for (number, part) in wrap(cell, width.saturating_sub(label).max(WHOLE)).iter().enumerate() {
                let head = if number == 0 { head.as_str() } else { "" };
                let toned = TONED.contains(&head).then(|| tone_of(part)).flatten();
                let part = toned.map_or_else(|| part.clone(), |tone| paint(tone, part));
                let room = " ".repeat(label.saturating_sub(visible(head)));
                lines.push(format!("{}{room}{part}", paint(Tone::Soft, head)));
            }
        }
        lines.join("\n")
    };
    table.rows.iter().map(card).collect::<Vec<_>>().join("\n\n")
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

    fn of(width: Option<usize>, head: &[&str], rows: &[&[&str]]) -> String {
        let mut t = Table { width, ..table(head) };
        for row in rows {
            t.add_row(row.iter().map(|cell| (*cell).to_owned()));
        }
        render(t)
    }

    #[test]
    fn ids_are_never_broken_and_long_cells_give_way() {
        let row = ["CVE-2026-2034440", "a sentence that is a good deal longer than what is left of the line here"];
        let text = of(Some(60), &["vuln", "words"], &[&row]);
        assert!(text.contains("CVE-2026-2034440"), "{text}");
        assert!(text.lines().count() > 2 && text.lines().all(|l| l.chars().count() <= 60), "{text}");
        let piped = of(None, &["vuln", "words"], &[&row]);
        assert_eq!(piped.lines().count(), 2, "what a program reads is never broken: {piped}");
    }

    #[test]
    fn columns_to_spare_go_before_rows_get_longer() {
        let mut t = Table { width: Some(48), ..table(&["vuln", "severity", "epss", "packages", "due"]) };
        t.spare(&["severity", "epss"]);
        t.add_row(["CVE-2026-2034440", "critical", "93.1 %", "openssl", "2026-11-30"].map(str::to_owned));
        let head =
            |t: Table| render(t).lines().next().unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let mut wide = t.without(&[]);
        assert_eq!(head(t), ["VULN", "EPSS", "PACKAGES", "DUE"]);
        wide.width = Some(30);
        let card = render(wide);
        assert!(card.starts_with("VULN ") && card.contains("\nSEVERITY "), "a card has room for all: {card}");
    }

    #[test]
    fn no_word_and_no_heading_is_broken_however_narrow() {
        let head = ["host", "os", "support", "tier", "findings", "worst", "overdue", "reboot", "seen"];
        let row = [
            "db-primary-0042.eu-central.example.org",
            "Debian GNU/Linux 12 (bookworm)",
            "security support until 2028-06-30",
            "T1",
            "217",
            "emergency",
            "12",
            "unknown",
            "2026-11-27 09:12",
        ];
        for width in [40, 60, 80, 110, 140] {
            let text = of(Some(width), &head, &[&row, &row]);
            let words: Vec<&str> = text.split_whitespace().collect();
            for word in row.iter().flat_map(|cell| cell.split(' ')) {
                assert!(words.contains(&word), "`{word}` is broken at {width}:\n{text}");
            }
            for heading in head {
                assert!(words.contains(&heading.to_uppercase().as_str()), "`{heading}` is broken at {width}:\n{text}");
            }
            assert!(text.lines().all(|l| l.chars().count() <= width.max(60)), "{width}:\n{text}");
        }
        let card = of(Some(60), &head, &[&row]);
        assert!(card.lines().next().unwrap().starts_with("HOST      db-primary"), "{card}");
    }
}
