//! `version compare|sort`: the version orders as a tool.

use std::io::BufRead as _;

use patchwright_versions::{Scheme, compare};

use crate::args::Version;
use crate::exit::{Code, Failure};
use crate::output::{self, Format};

/// Longest line read from stdin; the longest real version has under 200 characters.
const LINE_MAX: usize = 64 * 1024;

/// What a line of a batch gives that cannot be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// The line and `?`, tab-separated.
    Marked,
    /// Nothing: the answers are no lines beside the input.
    LeftOut,
}

impl Unanswered {
    pub(crate) fn of(format: Format) -> Self {
        if format == Format::Table { Self::Marked } else { Self::LeftOut }
    }
}

/// Two versions and how they stand.
#[derive(serde::Serialize)]
struct Pair {
    a: String,
    b: String,
    order: char,
}

/// Runs it.
pub(crate) fn run(command: &Version) -> Result<Code, Failure> {
    match command {
        Version::Compare { scheme, a, b, output: format } => {
            let scheme = scheme_of(scheme)?;
            let mut pairs = Vec::new();
            let mut unread = Ok(());
            let mut take = |pair: Pair| {
                let line = format!("{}\t{}\t{}\n", pair.a, pair.b, pair.order);
                if *format == Format::Table {
                    return line;
                }
                pairs.push(pair);
                String::new()
            };
            match (a, b) {
                (Some(a), Some(b)) => output::out(&take(pair(scheme, a, b)?))?,
                (None, None) => {
                    unread = batch(Unanswered::of(*format), |text| {
                        let mut words = text.split_whitespace();
                        match (words.next(), words.next(), words.next()) {
                            (Some(a), Some(b), None) => Ok(take(pair(scheme, a, b)?)),
                            _ => Err(Failure::new(
                                Code::Input,
                                format!("`{}` is not a pair of versions", output::clean(text)),
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
                output::list(*format, &pairs, &["a", "b", "order"], |p| {
                    vec![p.a.clone(), p.b.clone(), p.order.to_string()]
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
                unread = batch(Unanswered::LeftOut, |text| {
                    patchwright_versions::validate(scheme, text).map_err(|e| bad(&e))?;
                    list.push(text.to_owned());
                    Ok(String::new())
                });
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

fn pair(scheme: Scheme, a: &str, b: &str) -> Result<Pair, Failure> {
    let order = match compare(scheme, a, b).map_err(|e| bad(&e))? {
        std::cmp::Ordering::Less => '<',
        std::cmp::Ordering::Equal => '=',
        std::cmp::Ordering::Greater => '>',
    };
    Ok(Pair { a: a.to_owned(), b: b.to_owned(), order })
}

/// Calls `answer` for each line of stdin and prints what it gives; an empty line is passed over. A bad line is said on
/// stderr, the others are answered, and the command fails at the end.
///
/// Whoever reads line by line beside the input keeps the place: a line without an answer is [`Unanswered::Marked`].
pub(crate) fn batch(
    unanswered: Unanswered,
    mut answer: impl FnMut(&str) -> Result<String, Failure>,
) -> Result<(), Failure> {
    let mut stdin = std::io::stdin().lock();
    let mut out = String::new();
    let mut first_bad: Option<Failure> = None;
    let mut number = 0u64;
    loop {
        let mut bytes = Vec::new();
        let mut limited = std::io::Read::take(&mut stdin, LINE_MAX as u64);
        let n = limited
            .read_until(b'\n', &mut bytes)
            .map_err(|e| Failure::plain(Code::Input, format!("failed to read standard input: {e}")))?;
        if n == 0 {
            break;
        }
        number += 1;
        if n == LINE_MAX && bytes.last() != Some(&b'\n') {
            return Err(Failure::new(
                Code::Input,
                format!("line {number} is longer than {LINE_MAX} bytes"),
                "give one item a line",
            ));
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        match answer(text) {
            Ok(line) => out.push_str(&line),
            Err(failure) => {
                output::talk(&format!("error: line {number}: {}", failure.message));
                if let Unanswered::Marked = unanswered {
                    out.push_str(&format!("{}\t?\n", output::clean(text)));
                }
                first_bad.get_or_insert(failure);
            }
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
