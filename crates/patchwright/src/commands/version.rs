//! `version compare|sort`: the version orders as a tool.

use std::io::BufRead as _;

use patchwright_versions::{Scheme, compare};

use crate::args::Version;
use crate::exit::{Code, Failure};
use crate::output;

/// Longest line read from stdin; the longest real version has under 200 characters.
const LINE_MAX: usize = 64 * 1024;

/// Runs it.
pub(crate) fn run(command: &Version) -> Result<Code, Failure> {
    match command {
        Version::Compare { scheme, a, b } => {
            let scheme = scheme_of(scheme)?;
            match (a, b) {
                (Some(a), Some(b)) => output::out(&line(scheme, a, b)?)?,
                (None, None) => batch(|text| {
                    let mut words = text.split_whitespace();
                    match (words.next(), words.next(), words.next()) {
                        (Some(a), Some(b), None) => line(scheme, a, b),
                        _ => Err(Failure::new(
                            Code::Input,
                            format!("`{}` is not a pair of versions", output::clean(text)),
                            "write two versions a line, separated by white space",
                        )),
                    }
                })?,
                _ => {
                    return Err(Failure::new(
                        Code::Usage,
                        "two versions are needed",
                        "give A and B, or none to read pairs from stdin",
                    ));
                }
            }
        }
        Version::Sort { scheme, versions } => {
            let scheme = scheme_of(scheme)?;
            let mut list = versions.clone();
            if list.is_empty() {
                batch(|text| {
                    list.push(text.trim().to_owned());
                    Ok(String::new())
                })?;
            }
            for version in &list {
                patchwright_versions::validate(scheme, version).map_err(|e| bad(&e))?;
            }
            list.sort_by(|a, b| patchwright_versions::compare_lenient(scheme, a, b));
            let mut text = list.join("\n");
            if !text.is_empty() {
                text.push('\n');
            }
            output::out(&text)?;
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

fn line(scheme: Scheme, a: &str, b: &str) -> Result<String, Failure> {
    let sign = match compare(scheme, a, b).map_err(|e| bad(&e))? {
        std::cmp::Ordering::Less => '<',
        std::cmp::Ordering::Equal => '=',
        std::cmp::Ordering::Greater => '>',
    };
    Ok(format!("{a}\t{b}\t{sign}\n"))
}

/// Calls `answer` for each line of stdin and prints what it gives; an empty line is passed over. A bad line is said on
/// stderr, the others are answered, and the command fails at the end.
pub(crate) fn batch(mut answer: impl FnMut(&str) -> Result<String, Failure>) -> Result<(), Failure> {
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
