//! RubyGems: numbers and words, `1.0.a` < `1.0` = `1` < `1.0.1`.
//!
//! Source: the documentation of `Gem::Version`, which the tests ask.
//!
//! # What is read
//! Digits, then parts of letters and digits behind dots, then perhaps a hyphen and parts of letters, digits and
//! hyphens; blanks around are passed over. A hyphen means `.pre.`. The empty text is refused here, although RubyGems
//! reads it as 0: in vulnerability data it is a slip.
//!
//! # Order
//! A version is a sequence of segments, runs of digits and runs of letters (`1.0.rc2` is 1, 0, rc, 2). Zeros before the
//! first word and zeros at the end are dropped; then segments compare one by one, where a missing one is the number 0.
//! A word comes before any number, so every version with a word is a pre-release. Words compare as text, and letter case
//! counts; numbers have no upper limit.
//!
//! # Sort key
//! Because a missing segment is 0, the end is worth as much as any number of zeros. Runs of zeros are therefore counted:
//!
//! | bytes | meaning |
//! |---|---|
//! | 0x00 | refused text follows |
//! | 0x01 | a word follows, then 0x00 |
//! | 0x02, count | so many zeros, then a word as above |
//! | 0x03 | the end |
//! | 0x04, 0xFF-complement of count | so many zeros, then a number above 0 |
//! | 0x05–0xFF | a number above 0 |
//!
//! The count is a number code, which is complemented byte by byte where more zeros are less.

use std::cmp::Ordering;
use std::fmt;

use crate::number::{Number, NumberCodes};
use crate::{Read, Scheme, VersionError, equality_by_order, put_refused};

const WORD: u8 = 0x01;
const ZEROS_WORD: u8 = 0x02;
const END: u8 = 0x03;
const ZEROS_NUMBER: u8 = 0x04;
const NUMBER: NumberCodes = NumberCodes::filling(ZEROS_NUMBER + 1, 0xFF);
const COUNT: NumberCodes = NumberCodes::filling(0x01, 0xFF);

/// A RubyGems version.
///
/// `Ord` is RubyGems' order, and equality agrees with it: `1.0` equals `1`, and `1-a` equals `1.pre.a`.
#[derive(Debug, Clone)]
pub struct Version<'a> {
    text: &'a str,
    /// Without zeros before the first word and at the end.
    segments: Vec<Segment<'a>>,
}

/// The variants stand in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Segment<'a> {
    Word(&'a str),
    Number(Number<'a>),
}

const ZERO: Segment<'_> = Segment::Number(Number::ZERO);

impl<'a> Version<'a> {
    /// Reads a version.
    ///
    /// # Errors
    /// When the text does not have the form that the module describes.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        Self::parse_or_explain(text)
    }
}

impl fmt::Display for Version<'_> {
    /// As written, without blanks around.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl<'a> Read<'a> for Version<'a> {
    const SCHEME: Scheme = Scheme::Gem;

    fn read(text: &'a str) -> Result<Self, &'static str> {
        let text = text.trim_matches(|c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}'));
        if text.is_empty() {
            return Err("it is empty");
        }
        let (public, pre) = match text.split_once('-') {
            None => (text, None),
            Some((before, after)) => (before, Some(after)),
        };
        let mut parts = public.split('.');
        let first = parts.next().unwrap_or_default();
        if first.is_empty() || !first.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("it does not begin with a number");
        }
        let fine = |part: &str, also: &[u8]| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || also.contains(&byte))
        };
        if !parts.all(|part| fine(part, b"")) {
            return Err("a part between dots is not letters and digits");
        }
        if !pre.is_none_or(|pre| pre.split('.').all(|part| fine(part, b"-"))) {
            return Err("what follows the hyphen is not letters, digits and hyphens in parts");
        }
        Ok(Self { text, segments: segments(text) })
    }
}

fn segments(text: &str) -> Vec<Segment<'_>> {
    let mut out: Vec<Segment<'_>> = Vec::new();
    let mut words = false;
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let kind: fn(&u8) -> bool = match first {
            b'0'..=b'9' => u8::is_ascii_digit,
            b'a'..=b'z' | b'A'..=b'Z' => u8::is_ascii_alphabetic,
            _ => |byte| !byte.is_ascii_alphanumeric(),
        };
        let length = rest.bytes().take_while(kind).count();
        let (run, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
        rest = tail;
        let mut word = |word| {
            if !std::mem::replace(&mut words, true) {
                drop_zeros(&mut out);
            }
            out.push(Segment::Word(word));
        };
        match first {
            b'0'..=b'9' => out.push(Segment::Number(Number::take(run.as_bytes()).0)),
            b'a'..=b'z' | b'A'..=b'Z' => word(run),
            _ => run.bytes().filter(|byte| *byte == b'-').for_each(|_| word("pre")),
        }
    }
    drop_zeros(&mut out);
    out
}

fn drop_zeros(segments: &mut Vec<Segment<'_>>) {
    while segments.last() == Some(&ZERO) {
        segments.pop();
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let longer = self.segments.len().max(other.segments.len());
        let padded = |version: &Self| {
            version.segments.iter().copied().chain(std::iter::repeat(ZERO)).take(longer).collect::<Vec<_>>()
        };
        padded(self).cmp(&padded(other))
    }
}

equality_by_order!(Version);

pub(crate) fn key_into(text: &str, out: &mut Vec<u8>) {
    let Ok(version) = Version::read(text) else {
        return put_refused(text, out);
    };
    out.reserve(text.len() + 4);
    let mut zeros = 0_u64;
    for segment in version.segments {
        match segment {
            ZERO => zeros += 1,
            Segment::Number(number) => {
                if zeros > 0 {
                    out.push(ZEROS_NUMBER);
                    let start = out.len();
                    COUNT.put_value(zeros, out);
                    out.iter_mut().skip(start).for_each(|byte| *byte = !*byte);
                }
                zeros = 0;
                number.put(NUMBER, out);
            }
            Segment::Word(word) => {
                if zeros > 0 {
                    out.push(ZEROS_WORD);
                    COUNT.put_value(zeros, out);
                } else {
                    out.push(WORD);
                }
                zeros = 0;
                out.extend_from_slice(word.as_bytes());
                out.push(0x00);
            }
        }
    }
    out.push(END);
}
