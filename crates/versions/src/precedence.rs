//! What Semantic Versioning and its relatives share: pre-release identifiers, their order and their keys.

use std::cmp::Ordering;

use crate::number::{Number, NumberCodes};

/// The end of an identifier that is a word, and the end of the pre-release: below all else.
const END: u8 = 0x01;
const NUMBER: NumberCodes = NumberCodes::filling(END + 1, WORD - 1);
const WORD: u8 = 0xFE;
const RELEASE: u8 = 0xFF;

/// Whether letter case counts in identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Counts,
    Ignored,
}

impl Case {
    fn fold(self, byte: u8) -> u8 {
        match self {
            Self::Counts => byte,
            Self::Ignored => byte.to_ascii_lowercase(),
        }
    }
}

pub(crate) fn check_identifier(identifier: &str) -> Result<(), &'static str> {
    if identifier.is_empty() {
        return Err("a dot has no identifier beside it");
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if identifier.bytes().all(allowed) {
        Ok(())
    } else {
        Err("an identifier contains something other than letters, digits and hyphens")
    }
}

pub(crate) fn is_numeric(identifier: &str) -> bool {
    !identifier.is_empty() && identifier.bytes().all(|byte| byte.is_ascii_digit())
}

/// Orders two pre-releases (without their hyphen; empty for a release) by section 11 of the specification.
pub(crate) fn compare_pre(case: Case, a: &str, b: &str) -> Ordering {
    match (a, b) {
        ("", "") => Ordering::Equal,
        ("", _) => Ordering::Greater,
        (_, "") => Ordering::Less,
        (a, b) => {
            let mut pairs = (a.split('.'), b.split('.'));
            loop {
                let order = match (pairs.0.next(), pairs.1.next()) {
                    (None, None) => return Ordering::Equal,
                    (None, Some(_)) => Ordering::Less,
                    (Some(_), None) => Ordering::Greater,
                    (Some(a), Some(b)) => compare_identifiers(case, a, b),
                };
                if order != Ordering::Equal {
                    return order;
                }
            }
        }
    }
}

fn compare_identifiers(case: Case, a: &str, b: &str) -> Ordering {
    match (is_numeric(a), is_numeric(b)) {
        (true, true) => Number::take(a.as_bytes()).0.cmp(&Number::take(b.as_bytes()).0),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.bytes().map(|byte| case.fold(byte)).cmp(b.bytes().map(|byte| case.fold(byte))),
    }
}

/// Appends the key: `numbers`, then the pre-release's identifiers and [`END`], or [`RELEASE`].
pub(crate) fn put_precedence(numbers: &[Number<'_>], case: Case, pre: &str, out: &mut Vec<u8>) {
    numbers.iter().for_each(|number| number.put(NUMBER, out));
    if pre.is_empty() {
        return out.push(RELEASE);
    }
    for identifier in pre.split('.') {
        if is_numeric(identifier) {
            Number::take(identifier.as_bytes()).0.put(NUMBER, out);
        } else {
            out.push(WORD);
            out.extend(identifier.bytes().map(|byte| case.fold(byte)));
            out.push(END);
        }
    }
    out.push(END);
}
