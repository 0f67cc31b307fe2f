//! Alpine versions: `digits{.digits}[letter]{_suffix[digits]}[~hash][-rdigits]`.
//!
//! Source: the version rules of apk-tools 3 (`apk version -t A B`), which Wolfi and Chainguard share.
//!
//! # Order
//! Versions compare token by token. Where two tokens of one kind meet:
//! - the first number, suffix numbers and revisions are numbers of any length;
//! - a later number that begins with `0` compares with any other number as text, as fractions do:
//!   `1.05` < `1.1`, `1.010` < `1.02`, `1.0` < `1.00`; all others compare as numbers;
//! - suffixes are ordered `alpha` < `beta` < `pre` < `rc` < `cvs` < `svn` < `git` < `hg` < `p`;
//! - letters and commit hashes compare as text.
//!
//! Where the kinds differ, from the least: a suffix up to `rc`, the end of the version, the revision, the
//! hash, a suffix number, a later suffix, the letter, a number. So `1.0_rc1` < `1.0` < `1.0-r0` <
//! `1.0_p1` < `1.0a` < `1.0.1`, and a missing revision comes before `-r0`.
//!
//! # What apk-tools 2 does otherwise
//! It allows digits behind the letter (`3.3.3p1`), which apk-tools 3 does not know. Alpine has shipped such
//! packages, so we read them, as the number they are: `1.0a` < `1.0a1` < `1.0a2` < `1.0b`. It also weighs
//! leading zeros differently (`1.00` < `1.0`, `1.09` < `1.010`); there we follow apk-tools 3.
//!
//! # Sort key
//! ```text
//! key    = number(first)  token*  0x05
//! token  = number                     a later number, and digits behind the letter
//!        | 0x28                       the number "0"
//!        | 0x29 digit+                a longer number with a leading 0, which is left out
//!        | letter | suffix | 0x08 number(suffix number) | 0x07 digit+ (hash) | 0x06 number(revision)
//! ```
//!
//! | bytes | meaning |
//! |---|---|
//! | 0x00 | refused text follows |
//! | 0x01–0x04 | `_alpha` `_beta` `_pre` `_rc` |
//! | 0x05 | the end |
//! | 0x06 | `-r`, its number follows |
//! | 0x07 | `~`, its digits follow |
//! | 0x08 | a suffix number follows |
//! | 0x09–0x0D | `_cvs` `_svn` `_git` `_hg` `_p` |
//! | 0x0E–0x27 | `a`–`z` |
//! | 0x28 0x29 | a number with a leading 0 |
//! | 0x2A–0xEF | number: 0x2A–0xE6 the values 0–188, 0xE7–0xEE then 1–8 bytes, 0xEF 20 digits or more |
//! | 0xF0–0xFF | hexadecimal digit inside 0x29 or 0x07; above all others, because a text that ends comes first |
//!
//! A value from 189 on is written less 189.

use std::cmp::Ordering;
use std::fmt;

use crate::number::{Number, NumberCodes};
use crate::{Read, Scheme, VersionError, equality_by_order, put_refused};

const END: u8 = 0x05;
const REVISION: u8 = 0x06;
const HASH: u8 = 0x07;
const SUFFIX_NUMBER: u8 = 0x08;
const LETTER: u8 = 0x0E;
const ZERO: u8 = LETTER + 26;
const ZERO_LONG: u8 = ZERO + 1;
const NUMBER: NumberCodes = NumberCodes::filling(ZERO_LONG + 1, DIGIT - 1);
const DIGIT: u8 = 0xF0;

/// Suffix words and their key codes, in their order; those up to [`END`] mark a pre-release.
const SUFFIXES: [(&str, u8); 9] = [
    ("alpha", 0x01),
    ("beta", 0x02),
    ("pre", 0x03),
    ("rc", 0x04),
    ("cvs", 0x09),
    ("svn", 0x0A),
    ("git", 0x0B),
    ("hg", 0x0C),
    ("p", 0x0D),
];

/// A version that the rules allow.
///
/// `Ord` is apk's order, and equality agrees with it: `1.2-r1` equals `01.2-r01`.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a>(&'a str);

impl<'a> Version<'a> {
    /// Reads a version.
    ///
    /// # Errors
    /// When the text does not have the form in the module's first line.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        Self::parse_or_explain(text)
    }

    /// The text that was read.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.0
    }
}

impl fmt::Display for Version<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl<'a> Read<'a> for Version<'a> {
    const SCHEME: Scheme = Scheme::Apk;

    fn read(text: &'a str) -> Result<Self, &'static str> {
        let mut reader = Reader::new(text);
        while reader.next()? != Token::End {}
        Ok(Self(text))
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut a, mut b) = (Reader::new(self.0), Reader::new(other.0));
        loop {
            // Both were read before, so neither fails; the end stands in for what cannot happen.
            let token_a = a.next().unwrap_or(Token::End);
            let token_b = b.next().unwrap_or(Token::End);
            match token_a.cmp(&token_b) {
                Ordering::Equal if token_a == Token::End => return Ordering::Equal,
                Ordering::Equal => {}
                unequal @ (Ordering::Less | Ordering::Greater) => return unequal,
            }
        }
    }
}

equality_by_order!(Version);

/// One token. The variants stand in their order; a suffix is its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    SuffixBefore(u8),
    End,
    Revision(Number<'a>),
    Hash(&'a [u8]),
    SuffixNumber(Number<'a>),
    SuffixAfter(u8),
    Letter(u8),
    /// A number with a leading zero, with that zero: less than any number without.
    Fraction(&'a [u8]),
    Number(Number<'a>),
}

/// What was read last, in the order in which the parts of a version follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Start,
    Number,
    Letter,
    LetterNumber,
    Suffix,
    SuffixNumber,
    Hash,
    Revision,
}

struct Reader<'a> {
    rest: &'a [u8],
    place: Place,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text.as_bytes(), place: Place::Start }
    }

    fn next(&mut self) -> Result<Token<'a>, &'static str> {
        let rest = self.rest;
        if self.place == Place::Start {
            return match rest {
                [] => Err("it is empty"),
                _ => self.number(rest, Place::Number, "it does not begin with a digit", Token::Number),
            };
        }
        match rest {
            [] => Ok(Token::End),
            [letter @ b'a'..=b'z', tail @ ..] => {
                if self.place != Place::Number {
                    return Err("a letter stands where only one, behind the numbers, is allowed");
                }
                (self.rest, self.place) = (tail, Place::Letter);
                Ok(Token::Letter(*letter))
            }
            [b'0'..=b'9', ..] => match self.place {
                Place::Letter => self.number(rest, Place::LetterNumber, "", Token::Number),
                Place::Suffix => self.number(rest, Place::SuffixNumber, "", Token::SuffixNumber),
                // All other places took every digit, so none can follow.
                Place::Start
                | Place::Number
                | Place::LetterNumber
                | Place::SuffixNumber
                | Place::Hash
                | Place::Revision => Err("digits stand where none are allowed"),
            },
            [b'.', tail @ ..] => self.dotted(tail),
            [b'_', tail @ ..] => self.suffix(tail),
            [b'~', tail @ ..] => {
                if self.place >= Place::Hash {
                    return Err("a commit hash stands behind the hash or the revision");
                }
                let (hash, tail) = split_while(tail, |b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                if hash.is_empty() {
                    return Err("`~` is not followed by a commit hash in lowercase hexadecimal digits");
                }
                (self.rest, self.place) = (tail, Place::Hash);
                Ok(Token::Hash(hash))
            }
            [b'-', b'r', tail @ ..] if self.place < Place::Revision => {
                self.number(tail, Place::Revision, "`-r` is not followed by a number", Token::Revision)
            }
            [b'-', ..] => Err("a hyphen does not begin the one revision `-rN` at the end"),
            _ => Err("it contains a character that no version has"),
        }
    }

    fn number(
        &mut self,
        digits: &'a [u8],
        place: Place,
        missing: &'static str,
        token: fn(Number<'a>) -> Token<'a>,
    ) -> Result<Token<'a>, &'static str> {
        let (number, tail) = Number::take_some(digits).ok_or(missing)?;
        (self.rest, self.place) = (tail, place);
        Ok(token(number))
    }

    fn dotted(&mut self, tail: &'a [u8]) -> Result<Token<'a>, &'static str> {
        if self.place != Place::Number {
            return Err("a dot stands behind the numbers");
        }
        match tail {
            [b'0', ..] => {
                let (digits, tail) = split_while(tail, |b| b.is_ascii_digit());
                self.rest = tail;
                Ok(Token::Fraction(digits))
            }
            _ => self.number(tail, Place::Number, "a dot is not followed by a number", Token::Number),
        }
    }

    fn suffix(&mut self, tail: &'a [u8]) -> Result<Token<'a>, &'static str> {
        if self.place > Place::SuffixNumber {
            return Err("a suffix stands behind the hash or the revision");
        }
        let (word, tail) = split_while(tail, |b| b.is_ascii_lowercase());
        let (_, code) = SUFFIXES
            .iter()
            .find(|(name, _)| name.as_bytes() == word)
            .ok_or("a suffix is none of alpha, beta, pre, rc, cvs, svn, git, hg, p")?;
        (self.rest, self.place) = (tail, Place::Suffix);
        Ok(if *code < END { Token::SuffixBefore(*code) } else { Token::SuffixAfter(*code) })
    }
}

fn split_while(text: &[u8], wanted: fn(u8) -> bool) -> (&[u8], &[u8]) {
    let length = text.iter().take_while(|byte| wanted(**byte)).count();
    text.split_at_checked(length).unwrap_or((text, &[]))
}

pub(crate) fn key_into(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 4);
    let start = out.len();
    let mut reader = Reader::new(text);
    loop {
        match reader.next() {
            Ok(Token::End) => return out.push(END),
            Ok(token) => put(token, out),
            Err(_) => {
                out.truncate(start);
                return put_refused(text, out);
            }
        }
    }
}

fn put(token: Token<'_>, out: &mut Vec<u8>) {
    match token {
        Token::End => out.push(END),
        Token::SuffixBefore(code) | Token::SuffixAfter(code) => out.push(code),
        Token::Letter(letter) => out.push(LETTER + (letter - b'a')),
        Token::Number(number) => number.put(NUMBER, out),
        Token::SuffixNumber(number) => {
            out.push(SUFFIX_NUMBER);
            number.put(NUMBER, out);
        }
        Token::Revision(number) => {
            out.push(REVISION);
            number.put(NUMBER, out);
        }
        Token::Fraction([_, more @ ..]) if !more.is_empty() => {
            out.push(ZERO_LONG);
            out.extend(more.iter().map(|digit| DIGIT + (digit - b'0')));
        }
        Token::Fraction(_) => out.push(ZERO),
        Token::Hash(hash) => {
            out.push(HASH);
            out.extend(hash.iter().map(|digit| match digit {
                b'a'..=b'f' => DIGIT + 10 + (digit - b'a'),
                _ => DIGIT + (digit - b'0'),
            }));
        }
    }
}
