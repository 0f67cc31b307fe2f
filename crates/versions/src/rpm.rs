//! RPM versions: `[epoch:]version[-release]` (EVR).
//!
//! Source: `rpmverParse`, `rpmverCmp` and `rpmvercmp` of librpm 4.18, whose answers the tests ask for.
//!
//! # Order
//! Epoch, then version, then release. A missing epoch is 0. **A missing release comes before every
//! release**, also an empty one: that is what `rpmverCmp` (and `rpm.labelCompare`, `rpm.vercmp`) does, and
//! it is the only choice that leaves an order. Matching a *dependency* is something else: there librpm
//! compares releases only when both sides have one (`Requires: foo = 1.0` is met by `1.0-3`), so a caller
//! who means that looks at [`Evr::release`] itself.
//!
//! Two versions, or two releases, compare token by token. A token is `~`, `^`, a run of ASCII letters or a
//! run of ASCII digits; everything else only separates. At each position: `~` < the end < `^` < letters <
//! digits. Letters compare as bytes, digits as numbers of any length. So `1.0` equals `1..0_` and `1.00`.
//!
//! # What is refused
//! The empty text, and the character NUL, which no C string carries. librpm reads all else: an epoch is only
//! digits before the first colon (none count as 0; in `a:1` the colon separates), and the version or the
//! release may be empty (`1:`, `-1`, `1-`).
//!
//! # Sort key
//! ```text
//! key    = [0xFF number(epoch)]  token*(version)  (0x02 | 0x03 token*(release) 0x02)
//! token  = 0x01 | 0x04 | first(letter) next(letter)* | number
//! ```
//! with the epoch only when it is not 0, and 0x02 without a release where there is none. The first letter
//! of a run has its own code, below those of numbers, because letters come before digits; the letters
//! behind it have codes above everything that can begin the next token, because a run that ends comes
//! before one that goes on.
//!
//! | bytes | meaning |
//! |---|---|
//! | 0x00 | refused text follows |
//! | 0x01 | `~` |
//! | 0x02 | end of the text |
//! | 0x03 | end of the version, a release follows |
//! | 0x04 | `^` |
//! | 0x05–0x38 | first letter of a run, `A`–`Z` then `a`–`z` |
//! | 0x39–0xCA | number: 0x39–0xC1 the values 0–136, 0xC2–0xC9 then 1–8 bytes, 0xCA 20 digits or more |
//! | 0xCB–0xFE | a letter that continues a run |
//! | 0xFF | an epoch other than 0 follows |
//!
//! A value from 137 on is written less 137. Separators take no room, so keys are usually shorter than
//! their text.

use std::cmp::Ordering;
use std::fmt;

use crate::number::{Number, NumberCodes};
use crate::{Read, Scheme, VersionError, equality_by_order, put_refused};

const TILDE: u8 = 0x01;
const END: u8 = 0x02;
const END_RELEASE: u8 = 0x03;
const CARET: u8 = 0x04;
const FIRST_LETTER: u8 = 0x05;
const NUMBER: NumberCodes = NumberCodes::filling(FIRST_LETTER + 52, NEXT_LETTER - 1);
const NEXT_LETTER: u8 = 0xCB;
const EPOCH: u8 = 0xFF;
const _: () = assert!(NEXT_LETTER + 52 == EPOCH, "the codes fill the byte");

/// Epoch, version and release, as slices of their text.
///
/// `Ord` is librpm's order, and equality agrees with it: `1.0` equals `0:1.00`.
#[derive(Debug, Clone, Copy)]
pub struct Evr<'a> {
    epoch: Option<&'a str>,
    version: &'a str,
    release: Option<&'a str>,
}

impl<'a> Evr<'a> {
    /// Reads `[epoch:]version[-release]`.
    ///
    /// # Errors
    /// When librpm would refuse it; see the module's list.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        Self::parse_or_explain(text)
    }

    /// The digits before the first colon; `None` when there is no epoch. A missing epoch compares as 0.
    #[must_use]
    pub fn epoch(&self) -> Option<&'a str> {
        self.epoch
    }

    /// The version; may contain hyphens when there is a release, and is empty in texts like `1:` and `-1`.
    #[must_use]
    pub fn version(&self) -> &'a str {
        self.version
    }

    /// The release, behind the last hyphen; perhaps empty (`1.0-`), `None` when there is no hyphen.
    #[must_use]
    pub fn release(&self) -> Option<&'a str> {
        self.release
    }

    fn epoch_number(&self) -> Number<'a> {
        Number::take(self.epoch.unwrap_or_default().as_bytes()).0
    }
}

impl fmt::Display for Evr<'_> {
    /// The text that was read, with `0` where a colon had no epoch before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(epoch) = self.epoch {
            write!(f, "{epoch}:")?;
        }
        f.write_str(self.version)?;
        match self.release {
            Some(release) => write!(f, "-{release}"),
            None => Ok(()),
        }
    }
}

impl<'a> Read<'a> for Evr<'a> {
    const SCHEME: Scheme = Scheme::Rpm;

    #[inline]
    fn read(text: &'a str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("it is empty");
        }
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (epoch, rest) = match text.as_bytes().get(digits) {
            Some(b':') => (
                Some(text.get(..digits).filter(|e| !e.is_empty()).unwrap_or("0")),
                text.get(digits + 1..).unwrap_or_default(),
            ),
            Some(_) | None => (None, text),
        };
        let mut hyphen = None;
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                b'-' => hyphen = Some(at),
                0 => return Err("it contains the character NUL"),
                _ => {}
            }
        }
        let (version, release) = match hyphen {
            Some(hyphen) => (rest.get(..hyphen).unwrap_or_default(), Some(rest.get(hyphen + 1..).unwrap_or_default())),
            None => (rest, None),
        };
        Ok(Self { epoch, version, release })
    }
}

impl Ord for Evr<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.epoch_number()
            .cmp(&other.epoch_number())
            .then_with(|| compare_version(self.version, other.version))
            .then_with(|| match (self.release, other.release) {
                (Some(a), Some(b)) => compare_version(a, b),
                (Some(_), None) => Ordering::Greater,
                (None, Some(_)) => Ordering::Less,
                (None, None) => Ordering::Equal,
            })
    }
}

equality_by_order!(Evr);

/// Compares two versions or two releases: `rpmvercmp`.
///
/// Unlike [`Evr`] this takes any text, the empty one too, and gives epochs and hyphens no meaning.
#[must_use]
pub fn compare_version(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        let (token_a, tail_a) = Token::take(a);
        let (token_b, tail_b) = Token::take(b);
        match token_a.cmp(&token_b) {
            Ordering::Equal if token_a == Token::End => return Ordering::Equal,
            Ordering::Equal => (a, b) = (tail_a, tail_b),
            unequal @ (Ordering::Less | Ordering::Greater) => return unequal,
        }
    }
}

/// The variants stand in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    Tilde,
    End,
    Caret,
    Letters(&'a [u8]),
    Number(Number<'a>),
}

impl<'a> Token<'a> {
    /// Drops separators, takes the token behind them and returns the rest.
    #[inline]
    fn take(mut text: &'a [u8]) -> (Self, &'a [u8]) {
        loop {
            match text {
                [] => return (Self::End, text),
                [b'~', tail @ ..] => return (Self::Tilde, tail),
                [b'^', tail @ ..] => return (Self::Caret, tail),
                [b'0'..=b'9', ..] => {
                    let (number, tail) = Number::take(text);
                    return (Self::Number(number), tail);
                }
                [b'A'..=b'Z' | b'a'..=b'z', ..] => {
                    let length = text.iter().take_while(|b| b.is_ascii_alphabetic()).count();
                    let (letters, tail) = text.split_at_checked(length).unwrap_or((text, &[]));
                    return (Self::Letters(letters), tail);
                }
                [_, tail @ ..] => text = tail,
            }
        }
    }
}

pub(crate) fn key_into(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 4);
    let Ok(evr) = Evr::read(text) else {
        return put_refused(text, out);
    };
    let epoch = evr.epoch_number();
    if epoch != Number::ZERO {
        out.push(EPOCH);
        epoch.put(NUMBER, out);
    }
    put_tokens(evr.version.as_bytes(), out);
    if let Some(release) = evr.release {
        out.push(END_RELEASE);
        put_tokens(release.as_bytes(), out);
    }
    out.push(END);
}

#[inline]
fn put_tokens(mut text: &[u8], out: &mut Vec<u8>) {
    loop {
        let (token, tail) = Token::take(text);
        text = tail;
        match token {
            Token::End => return,
            Token::Tilde => out.push(TILDE),
            Token::Caret => out.push(CARET),
            Token::Number(number) => number.put(NUMBER, out),
            Token::Letters(letters) => {
                let mut base = FIRST_LETTER;
                for letter in letters {
                    out.push(base + letter_index(*letter));
                    base = NEXT_LETTER;
                }
            }
        }
    }
}

/// 0–51 in ASCII order.
#[inline]
fn letter_index(letter: u8) -> u8 {
    if letter >= b'a' { letter - b'a' + 26 } else { letter - b'A' }
}
