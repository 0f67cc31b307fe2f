//! `version compare|sort`: the version orders as a tool.

use std::cell::RefCell;
use std::io::{BufRead as _, Read as _};

use patchwright_versions::{Scheme, compare};

use crate::args::Version;
use crate::exit::{Code, Failure};
use crate::output::{self, Format};

/// Longest line read from stdin; the longest real version has under 200 characters.
const LINE_MAX: usize = 64 * 1024;
/// Bytes of one line that are passed over to find its end; behind more there is no list of versions.
const SKIPPED_MAX: usize = 16 << 20;

/// A line of a batch that cannot be answered.
pub(crate) struct Unanswered {
    /// The line, cut where it is too long.
    text: String,
    is_long: bool,
    /// Why.
    pub(crate) why: String,
}

impl Unanswered {
    /// The line and `?`, tab-separated.
    pub(crate) fn marked(&self) -> String {
        format!("{}\t?\n", marked(&self.text, self.is_long))
    }

    /// The line, for a row of its own.
    pub(crate) fn line(&self) -> String {
        if self.is_long { output::quoted(&self.text) } else { self.text.clone() }
    }
}

/// Two versions and how they stand.
#[derive(serde::Serialize)]
struct Pair {
    a: String,
    b: Option<String>,
    order: Option<char>,
    /// Why there is no answer. A line that is no pair stands in `a`.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Runs it.
pub(crate) fn run(command: &Version) -> Result<Code, Failure> {
    match command {
        Version::Compare { scheme, a, b, output: format } => {
            let scheme = scheme_of(scheme)?;
            let pairs = RefCell::new(Vec::new());
            let mut unread = Ok(());
            let take = |pair: Pair, line: String| {
                if *format == Format::Table {
                    return line;
                }
                pairs.borrow_mut().push(pair);
                String::new()
            };
            let answer = |a: &str, b: &str| {
                let order = order(scheme, a, b)?;
                let line = format!("{a}\t{b}\t{order}\n");
                Ok(take(Pair { a: a.to_owned(), b: Some(b.to_owned()), order: Some(order), error: None }, line))
            };
            match (a, b) {
                (Some(a), Some(b)) => output::out(&answer(a, b)?)?,
                (None, None) => {
                    let unanswered = |bad: &Unanswered| {
                        let line = bad.line();
                        let words: Vec<&str> = line.split_whitespace().collect();
                        let (a, b) = match words[..] {
                            [a, b] => (a.to_owned(), Some(b.to_owned())),
                            _ => (line.clone(), None),
                        };
                        take(Pair { a, b, order: None, error: Some(bad.why.clone()) }, bad.marked())
                    };
                    unread = batch(unanswered, |text| {
                        let mut words = text.split_whitespace();
                        match (words.next(), words.next(), words.next()) {
                            (Some(a), Some(b), None) => answer(a, b),
                            _ => Err(Failure::new(
                                Code::Input,
                                format!("`{}` is not a pair of versions", output::quoted(text)),
                                "write two versions a line, separated by white space",
                            )),
                        }
                    })
                }
                _ => {
                    return Err(Failure::new(
                        Code::Usage,
                        "two versions are needed",
                        "give A and B, or none to read pairs from stdin",
                    ));
                }
            }
            if *format != Format::Table {
                output::list(*format, &pairs.into_inner(), &["a", "b", "order", "error"], |p| {
                    let or = |text: &Option<String>| text.clone().unwrap_or_default();
                    vec![p.a.clone(), or(&p.b), p.order.map(String::from).unwrap_or_default(), or(&p.error)]
                })?;
            }
            unread?;
        }
        Version::Sort { scheme, versions, output: format } => {
            let scheme = scheme_of(scheme)?;
            let mut list = versions.clone();
            // Those that can be read are sorted, and the command fails at the end.
            let mut unread = Ok(());
            if list.is_empty() {
                // They have no place in the order, so they are on stderr alone.
                unread = batch(
                    |_| String::new(),
                    |text| {
                        patchwright_versions::validate(scheme, text).map_err(|e| bad(&e))?;
                        list.push(text.to_owned());
                        Ok(String::new())
                    },
                );
            }
            for version in versions {
                patchwright_versions::validate(scheme, version).map_err(|e| bad(&e))?;
            }
            list.sort_by(|a, b| patchwright_versions::compare_lenient(scheme, a, b));
            if *format != Format::Table {
                output::list(*format, &list, &["version"], |version| vec![version.clone()])?;
                return unread.map(|()| Code::Ok);
            }
            let mut text = list.join("\n");
            if !text.is_empty() {
                text.push('\n');
            }
            output::out(&text)?;
            unread?;
        }
    }
    Ok(Code::Ok)
}

fn bad(error: &patchwright_versions::VersionError) -> Failure {
    Failure::new(Code::Input, error.to_string(), "check the version, or choose another --scheme")
}

fn scheme_of(text: &str) -> Result<Scheme, Failure> {
    Scheme::parse(text).ok_or_else(|| {
        let known: Vec<&str> = Scheme::ALL.iter().map(|s| s.name()).collect();
        Failure::new(
            Code::Usage,
            format!("`{text}` is not a version scheme"),
            format!("use one of: {}", known.join(", ")),
        )
    })
}

fn order(scheme: Scheme, a: &str, b: &str) -> Result<char, Failure> {
    Ok(match compare(scheme, a, b).map_err(|e| bad(&e))? {
        std::cmp::Ordering::Less => '<',
        std::cmp::Ordering::Equal => '=',
        std::cmp::Ordering::Greater => '>',
    })
}

/// Calls `answer` for each line of stdin and prints what it gives; an empty line is passed over. A bad line is said on
/// stderr, the others are answered, and the command fails at the end. Where a line has no end within [`SKIPPED_MAX`], reading stops.
///
/// Whoever reads line by line beside the input keeps the place: a line without an answer gives what `unanswered` makes of it.
pub(crate) fn batch(
    mut unanswered: impl FnMut(&Unanswered) -> String,
    mut answer: impl FnMut(&str) -> Result<String, Failure>,
) -> Result<(), Failure> {
    let mut stdin = std::io::stdin().lock();
    let mut out = String::new();
    let mut first_bad: Option<Failure> = None;
    let mut number = 0u64;
    loop {
        let line = match next_line(&mut stdin) {
            Ok(line) => line,
            Err(failure) => {
                // What was answered so far is an answer.
                output::out(&out)?;
                return Err(failure);
            }
        };
        if let Line::None = line {
            break;
        }
        number += 1;
        let (bytes, long) = match &line {
            Line::None => break,
            Line::Whole(bytes) => (bytes, None),
            Line::TooLong { begin, ends } => (begin, Some(*ends)),
        };
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim();
        if text.is_empty() && long.is_none() {
            continue;
        }
        let answered = match long {
            None => answer(text),
            Some(_) => Err(Failure::new(
                Code::Input,
                format!("longer than {LINE_MAX} bytes: `{}`", output::quoted(text)),
                "give one item a line",
            )),
        };
        match answered {
            Ok(line) => out.push_str(&line),
            Err(failure) => {
                output::talk(&format!("error: line {number}: {}", failure.message));
                out.push_str(&unanswered(&Unanswered {
                    text: text.to_owned(),
                    is_long: long.is_some(),
                    why: failure.message.clone(),
                }));
                first_bad.get_or_insert(Failure { message: format!("line {number}: {}", failure.message), ..failure });
            }
        }
        if long == Some(Ends::No) {
            let hint = "give one item a line; the lines before it are answered";
            first_bad = Some(Failure::new(
                Code::Input,
                format!("line {number} does not end within {SKIPPED_MAX} bytes: nothing behind it was read"),
                hint,
            ));
            break;
        }
        if out.len() > LINE_MAX {
            output::out(&out)?;
            out.clear();
        }
    }
    output::out(&out)?;
    match first_bad {
        Some(failure) => Err(Failure {
            message: format!("some lines could not be answered; the first: {}", failure.message),
            ..failure
        }),
        None => Ok(()),
    }
}

/// A line that has no answer as it stands in front of its `?`: with its tabs, which separate here, and without what drives a terminal.
fn marked(text: &str, long: bool) -> String {
    let cells: Vec<String> = text.split('\t').map(output::clean).collect();
    if long { output::quoted(text) } else { cells.join("\t") }
}

/// Whether the end of a line that is too long was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    Yes,
    No,
}

/// A line of stdin.
enum Line {
    /// There is none any more.
    None,
    Whole(Vec<u8>),
    TooLong {
        begin: Vec<u8>,
        ends: Ends,
    },
}

/// The next line; what is behind [`LINE_MAX`] is passed over, up to [`SKIPPED_MAX`].
fn next_line(input: &mut impl std::io::BufRead) -> Result<Line, Failure> {
    let fail = |e: std::io::Error| Failure::plain(Code::Input, format!("failed to read standard input: {e}"));
    let mut bytes = Vec::new();
    let taken = input.by_ref().take(LINE_MAX as u64).read_until(b'\n', &mut bytes).map_err(fail)?;
    if taken == 0 {
        return Ok(Line::None);
    }
    if taken < LINE_MAX || bytes.last() == Some(&b'\n') {
        return Ok(Line::Whole(bytes));
    }
    let mut left = SKIPPED_MAX;
    let mut seen = 0usize;
    while left > 0 {
        let part = input.fill_buf().map_err(fail)?;
        let end = part.iter().position(|byte| *byte == b'\n');
        let passed = end.map_or(part.len(), |end| end + 1).min(left);
        let at_end = part.is_empty();
        input.consume(passed);
        left -= passed;
        seen += passed;
        if at_end && seen == 0 {
            // The input ends exactly here: a line of the largest size.
            return Ok(Line::Whole(bytes));
        }
        if at_end || end.is_some_and(|end| end < passed) {
            return Ok(Line::TooLong { begin: bytes, ends: Ends::Yes });
        }
    }
    Ok(Line::TooLong { begin: bytes, ends: Ends::No })
}
