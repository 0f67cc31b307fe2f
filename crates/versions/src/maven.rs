//! Maven: numbers and qualifiers in segments, `1.0-alpha-1` < `1.0` < `1.0-1` < `1.0.1`.
//!
//! Source: the "Version Order Specification" of Maven's POM reference; the order is that of `ComparableVersion` of
//! Maven 3.8, which the tests ask.
//!
//! # What is read
//! Every text of visible ASCII characters. It falls into tokens at dots, at hyphens, and wherever a digit meets
//! another character; an empty token is the number 0. A hyphen begins a new *segment*, and so does every qualifier
//! (`1.0.Final` is `1.0-Final`) and every number directly behind one (`rc1` is `rc-1`). Letter case does not count.
//!
//! # Order
//! - `final`, `ga` and `release` mean nothing, like 0. A segment loses the meaningless tokens at its end, and a segment
//!   that has nothing else is dropped, unless a segment that begins with a number follows. So `1.0.0-GA` is `1`.
//! - Segments compare token by token. Where two versions part, from the least: `alpha` < `beta` < `milestone` < `rc`
//!   (`cr`) < `snapshot` < the end < `sp` < any other qualifier (as text) < a segment with a number < a dot and a number.
//! - `a`, `b` and `m` directly before a digit are `alpha`, `beta` and `milestone`.
//!
//! # Where `ComparableVersion` is not an order
//! It nests each segment in the one before, and compares what stands at one place first by kind (qualifier, segment,
//! number). Where a segment that means nothing was dropped before a qualifier, a nest in a nest remains, and the
//! comparison runs in a circle: `1-sp` < `1--alpha` < `1` < `1-sp`. We compare one flat sequence, as the specification
//! says, so `1--alpha` is `1-alpha`. The same holds for `1-ga-alpha` and `1-0-alpha`; publishers write none of them.
//! And a qualifier between a dot and another separator (`1.x-1`) stands one nest higher than the same one behind a hyphen
//! or before a digit, and so below all of those; here `.x` is `-x` everywhere.
//!
//! # Sort key
//! The tokens in order, then 0x06:
//!
//! | bytes | meaning |
//! |---|---|
//! | 0x00 | refused text follows |
//! | 0x01–0x05 | `alpha` `beta` `milestone` `rc` `snapshot` |
//! | 0x06 | the end |
//! | 0x07 | a qualifier that means nothing, numbers behind dots follow |
//! | 0x08 | `sp` |
//! | 0x09 | any other qualifier, its text follows in lower case; no code below can be a character of it |
//! | 0x0A | a segment that begins with a number, which follows |
//! | 0x0B | a number behind a dot, which follows |
//! | 0x0C–0xFF | number |

use std::cmp::Ordering;
use std::fmt;

use crate::number::{Number, NumberCodes};
use crate::{Read, Scheme, VersionError, equality_by_order, put_refused};

const END: u8 = 0x06;
const NOTHING: u8 = 0x07;
const SP: u8 = 0x08;
const OTHER: u8 = 0x09;
const SEGMENT: u8 = 0x0A;
const DOT: u8 = 0x0B;
const NUMBER: NumberCodes = NumberCodes::filling(DOT + 1, 0xFF);

/// Qualifiers with a meaning and their key codes; those below [`END`] come before the release.
const KNOWN: [(&str, u8); 10] = [
    ("alpha", 0x01),
    ("beta", 0x02),
    ("milestone", 0x03),
    ("rc", 0x04),
    ("cr", 0x04),
    ("snapshot", 0x05),
    ("final", NOTHING),
    ("ga", NOTHING),
    ("release", NOTHING),
    ("sp", SP),
];

/// What a letter means directly before a digit.
const SHORT: [(&str, u8); 3] = [("a", 0x01), ("b", 0x02), ("m", 0x03)];

/// A Maven version.
///
/// `Ord` is Maven's order, and equality agrees with it: `1.0.0` equals `1` and `1-GA`.
#[derive(Debug, Clone)]
pub struct Version<'a> {
    text: &'a str,
    /// In order, without what means nothing, with [`Token::End`] last.
    tokens: Vec<Token<'a>>,
}

/// One token. The variants stand in their order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    /// A qualifier before the release, by its key code.
    Before(u8),
    End,
    /// A qualifier that means nothing, kept because numbers behind dots follow it.
    Nothing,
    Sp,
    Other(Caseless<'a>),
    /// The number at the beginning of a segment.
    Segment(Number<'a>),
    Dot(Number<'a>),
}

/// ASCII text whose letter case does not count.
#[derive(Debug, Clone, Copy)]
struct Caseless<'a>(&'a str);

impl Ord for Caseless<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let lower = |byte: u8| byte.to_ascii_lowercase();
        self.0.bytes().map(lower).cmp(other.0.bytes().map(lower))
    }
}

equality_by_order!(Caseless);

impl<'a> Version<'a> {
    /// Reads a version.
    ///
    /// # Errors
    /// When the text is empty or has a character other than visible ASCII.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        Self::parse_or_explain(text)
    }

    /// The text that was read.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.text
    }
}

impl fmt::Display for Version<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl<'a> Read<'a> for Version<'a> {
    const SCHEME: Scheme = Scheme::Maven;

    fn read(text: &'a str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("it is empty");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("it contains something other than visible ASCII characters");
        }
        Ok(Self { text, tokens: tokens(text) })
    }
}

/// Splits a text into its tokens, drops those that mean nothing, and puts the end behind them.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut out = Vec::with_capacity(text.len().min(16) + 1);
    let mut rest = text;
    let mut behind_dot = false;
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let word = rest.bytes().take_while(|b| !b.is_ascii_digit() && !matches!(b, b'.' | b'-')).count();
        let (token, tail) = rest.split_at_checked(digits.max(word)).unwrap_or((rest, ""));
        out.push(if word > 0 {
            qualifier(token, tail.starts_with(|c: char| c.is_ascii_digit()))
        } else {
            let (number, _) = Number::take(token.as_bytes());
            if behind_dot { Token::Dot(number) } else { Token::Segment(number) }
        });
        (behind_dot, rest) = match (tail.strip_prefix('.'), tail.strip_prefix('-')) {
            (Some(tail), _) => (true, tail),
            (None, Some(tail)) => (false, tail),
            (None, None) => (false, tail),
        };
        // A separator at the very end is followed by one more empty token, which means nothing.
        if rest.is_empty() {
            break;
        }
    }
    drop_nothing(&mut out);
    out.push(Token::End);
    out
}

fn qualifier(word: &str, before_digit: bool) -> Token<'_> {
    let named = |list: &[(&str, u8)]| list.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, c)| *c);
    let short = if before_digit { named(&SHORT) } else { None };
    match short.or_else(|| named(&KNOWN)) {
        Some(NOTHING) => Token::Nothing,
        Some(SP) => Token::Sp,
        Some(code) => Token::Before(code),
        None => Token::Other(Caseless(word)),
    }
}

/// Goes from the end to the beginning, so that each segment is judged by what remains behind it.
fn drop_nothing(tokens: &mut Vec<Token<'_>>) {
    let mut kept: Vec<Token<'_>> = Vec::with_capacity(tokens.len() + 1);
    // Whether what was kept last stands behind a dot in this segment, and whether it begins a segment with a number.
    let (mut dot_follows, mut number_follows) = (false, false);
    while let Some(token) = tokens.pop() {
        match token {
            Token::Dot(Number::ZERO) if !dot_follows => continue,
            Token::Dot(_) => (dot_follows, number_follows) = (true, false),
            Token::Segment(Number::ZERO) | Token::Nothing if !dot_follows => {
                if !number_follows {
                    continue;
                }
                kept.push(Token::Segment(Number::ZERO));
                continue;
            }
            Token::Segment(_) => (dot_follows, number_follows) = (false, true),
            Token::Nothing | Token::Before(_) | Token::End | Token::Sp | Token::Other(_) => {
                (dot_follows, number_follows) = (false, false);
            }
        }
        kept.push(token);
    }
    kept.reverse();
    *tokens = kept;
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.tokens.cmp(&other.tokens)
    }
}

equality_by_order!(Version);

pub(crate) fn key_into(text: &str, out: &mut Vec<u8>) {
    let Ok(version) = Version::read(text) else {
        return put_refused(text, out);
    };
    out.reserve(text.len() + 4);
    for token in version.tokens {
        match token {
            Token::Before(code) => out.push(code),
            Token::End => out.push(END),
            Token::Nothing => out.push(NOTHING),
            Token::Sp => out.push(SP),
            Token::Other(word) => {
                out.push(OTHER);
                out.extend(word.0.bytes().map(|byte| byte.to_ascii_lowercase()));
            }
            Token::Segment(number) => {
                out.push(SEGMENT);
                number.put(NUMBER, out);
            }
            Token::Dot(number) => {
                out.push(DOT);
                number.put(NUMBER, out);
            }
        }
    }
}
