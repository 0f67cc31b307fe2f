//! Debian versions: `[epoch:]upstream[-revision]`.
//!
//! Source: Debian Policy Manual section 5.6.12, deb-version(7), and what `dpkg --compare-versions`
//! (1.21) accepts, which is more: it only warns about characters that Policy forbids and about a version
//! that does not begin with a digit, and so do we accept them.
//!
//! # Order
//! Epochs compare as numbers; then the upstream versions, then the revisions, each by this rule: the two
//! texts are read in turns of a run of non-digits and a run of digits. Non-digits compare character by
//! character, `~` before the end of the run, the end before letters, letters (in ASCII order) before
//! everything else (bytes from 0x80 first, then the rest in ASCII order). Digits compare as numbers of any
//! length, and no digits are the number 0. So `1.0` equals `1.00` and `1.`, and a missing revision equals
//! `0`.
//!
//! Bytes from 0x80 are forbidden by Policy; their place is that of dpkg where C's `char` is signed, as
//! on amd64.
//!
//! # What is refused
//! The empty text (dpkg's "no version"), `<unknown>` (the same), blanks inside (around it they are
//! dropped, as by dpkg), the character NUL, an epoch that is not a number from 0 to 2147483647, and an
//! empty version or revision (`1:`, `1-`). The epoch is read as C's `strtol` does, so `+1:2` is allowed.
//!
//! # Sort key
//! ```text
//! key      = [0xFF number(epoch)]  part(upstream)  ending      the epoch only when it is not 0
//! part     = (code(non-digit)* number)+                        at least one number, 0 where digits are missing
//! ending   = 0x03                                              the revision equals "0" (or is missing)
//!          | 0x02 part(revision) 0x03                          the revision is less: zeros, if any, then '~'
//!          | 0x04 part(revision) 0x03                          the revision is greater
//! ```
//! The codes keep the order of the rule above. A number begins where a run of non-digits ends, so the
//! bytes that begin numbers lie between those of `~` and of letters; so do the endings, which stand only
//! behind a number, where no other number can stand.
//!
//! | bytes | meaning |
//! |---|---|
//! | 0x00 | refused text follows |
//! | 0x01 | `~` |
//! | 0x02 0x03 0x04 | endings |
//! | 0x05–0xA8 | number: 0x05–0x9F the values 0–154, 0xA0–0xA7 then 1–8 bytes, 0xA8 20 digits or more |
//! | 0xA9–0xDC | `A`–`Z`, `a`–`z` |
//! | 0xDD b | byte b from 0x80 |
//! | 0xDE b | control character b, 0x01–0x1F |
//! | 0xDF–0xFD | the 31 other printable characters in ASCII order |
//! | 0xFE | character 0x7F |
//! | 0xFF | an epoch other than 0 follows |
//!
//! A value from 155 on is written less 155. A text of n bytes has a key of at most 2n + 6 bytes, and
//! usually of about n.

use std::cmp::Ordering;
use std::fmt;

use crate::number::{Number, NumberCodes};
use crate::{Read, Scheme, VersionError, equality_by_order, put_refused};

/// The largest epoch dpkg reads: the largest C `int`.
const EPOCH_MAX: u64 = i32::MAX as u64;

const TILDE: u8 = 0x01;
const END_BELOW: u8 = 0x02;
const END: u8 = 0x03;
const END_ABOVE: u8 = 0x04;
const NUMBER: NumberCodes = NumberCodes::filling(0x05, LETTER - 1);
const LETTER: u8 = 0xA9;
const HIGH_BYTE: u8 = LETTER + 52;
const CONTROL: u8 = HIGH_BYTE + 1;
const PRINTABLE: u8 = CONTROL + 1;
const DELETE: u8 = PRINTABLE + 31;
const EPOCH: u8 = DELETE + 1;
const _: () = assert!(EPOCH == 0xFF, "the codes fill the byte");

/// A Debian version, as slices of its text.
///
/// `Ord` is the version order, and equality agrees with it: `1.0` equals `0:1.00-0`.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    epoch: u32,
    upstream: &'a str,
    revision: &'a str,
}

impl<'a> Version<'a> {
    /// Reads a version.
    ///
    /// # Errors
    /// When dpkg would refuse it; see the module's list.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        Self::parse_or_explain(text)
    }

    /// The epoch; 0 when the text has none.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The upstream version: never empty. It may contain hyphens, and colons when there is an epoch.
    #[must_use]
    pub fn upstream(&self) -> &'a str {
        self.upstream
    }

    /// The Debian revision, behind the last hyphen; empty when the text has none.
    #[must_use]
    pub fn revision(&self) -> &'a str {
        self.revision
    }
}

impl fmt::Display for Version<'_> {
    /// The version without blanks around it and with the epoch only when it is not 0.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without it, a colon further on would be taken for the epoch's.
        if self.epoch != 0 || self.upstream.contains(':') || self.revision.contains(':') {
            write!(f, "{}:", self.epoch)?;
        }
        f.write_str(self.upstream)?;
        if !self.revision.is_empty() {
            write!(f, "-{}", self.revision)?;
        }
        Ok(())
    }
}

impl<'a> Read<'a> for Version<'a> {
    const SCHEME: Scheme = Scheme::Deb;

    #[inline]
    fn read(text: &'a str) -> Result<Self, &'static str> {
        let text = text.trim_matches([' ', '\t']);
        match text {
            "" => return Err("it is empty"),
            "<unknown>" => return Err("it is the word dpkg uses for no version"),
            _ => {}
        }
        let (mut colon, mut hyphen) = (None, None);
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b':' if colon.is_none() => colon = Some(at),
                b'-' => hyphen = Some(at),
                b' ' | b'\t' => return Err("it has a blank inside"),
                0 => return Err("it contains the character NUL"),
                _ => {}
            }
        }
        let mut epoch = 0;
        let mut start = 0;
        if let Some(colon) = colon {
            epoch = read_epoch(text.get(..colon).unwrap_or_default())?;
            start = colon + 1;
            if start == text.len() {
                return Err("nothing follows the epoch's colon");
            }
        }
        // The epoch `-0` has a hyphen too.
        let (upstream, revision) = match hyphen.filter(|at| *at >= start) {
            None => (text.get(start..), ""),
            Some(hyphen) => match text.get(hyphen + 1..).unwrap_or_default() {
                "" => return Err("nothing follows the last hyphen, where the revision belongs"),
                revision => (text.get(start..hyphen), revision),
            },
        };
        match upstream.unwrap_or_default() {
            "" => Err("the upstream version is empty"),
            upstream => Ok(Self { epoch, upstream, revision }),
        }
    }
}

/// Reads an epoch as `strtol` with base 10 does: white space, a sign, digits.
fn read_epoch(text: &str) -> Result<u32, &'static str> {
    let unsigned = text.trim_start_matches(['\n', '\x0b', '\x0c', '\r']);
    let (negative, digits) = match unsigned.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let (number, rest) = Number::take_some(digits).ok_or("there is a colon but no number as epoch before it")?;
    if !rest.is_empty() {
        return Err("the epoch, before the first colon, is not a number");
    }
    match number.value() {
        Some(value) if value > 0 && negative => Err("the epoch is negative"),
        Some(value) if value <= EPOCH_MAX => u32::try_from(value).map_err(|_| "the epoch is larger than 2147483647"),
        Some(_) | None => Err("the epoch is larger than 2147483647"),
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| compare_part(self.upstream.as_bytes(), other.upstream.as_bytes()))
            .then_with(|| compare_part(self.revision.as_bytes(), other.revision.as_bytes()))
    }
}

equality_by_order!(Version);

fn compare_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !(a.is_empty() && b.is_empty()) {
        loop {
            let (weight_a, weight_b) = (weight(a.first()), weight(b.first()));
            match weight_a.cmp(&weight_b) {
                Ordering::Equal if weight_a == RUN_END => break,
                Ordering::Equal => {}
                unequal @ (Ordering::Less | Ordering::Greater) => return unequal,
            }
            // Equal and not an end: both have a character here.
            if let ([_, tail_a @ ..], [_, tail_b @ ..]) = (a, b) {
                (a, b) = (tail_a, tail_b);
            }
        }
        let (number_a, tail_a) = Number::take(a);
        let (number_b, tail_b) = Number::take(b);
        match number_a.cmp(&number_b) {
            Ordering::Equal => (a, b) = (tail_a, tail_b),
            unequal @ (Ordering::Less | Ordering::Greater) => return unequal,
        }
    }
    Ordering::Equal
}

/// The weight of the end of a run of non-digits.
const RUN_END: u16 = 1;

#[inline]
fn weight(byte: Option<&u8>) -> u16 {
    match byte {
        Some(b'~') => 0,
        None | Some(b'0'..=b'9') => RUN_END,
        Some(byte @ (b'A'..=b'Z' | b'a'..=b'z' | 0x80..)) => u16::from(*byte),
        Some(byte) => 256 + u16::from(*byte),
    }
}

/// First byte of a non-digit's code; 0 for digits, and for blanks and NUL, which no version contains.
static CODES: [u8; 256] = codes();

#[expect(clippy::indexing_slicing, reason = "runs in the compiler, where an index out of bounds is a compile error")]
#[expect(clippy::cast_possible_truncation, reason = "`byte` stays below 256; const code has no try_from")]
const fn codes() -> [u8; 256] {
    let mut codes = [0; 256];
    let mut printable = PRINTABLE;
    let mut byte = 0;
    while byte < 256 {
        codes[byte] = match byte as u8 {
            b'~' => TILDE,
            letter @ b'A'..=b'Z' => LETTER + (letter - b'A'),
            letter @ b'a'..=b'z' => LETTER + 26 + (letter - b'a'),
            0x80.. => HIGH_BYTE,
            0x01..=0x1F => CONTROL,
            0x7F => DELETE,
            0x00 | b' ' | b'0'..=b'9' => 0,
            _ => {
                printable += 1;
                printable - 1
            }
        };
        byte += 1;
    }
    assert!(printable == DELETE, "the printable characters fill their codes");
    codes
}

pub(crate) fn key_into(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 4);
    let Ok(version) = Version::read(text) else {
        return put_refused(text, out);
    };
    if version.epoch != 0 {
        out.push(EPOCH);
        NUMBER.put_value(u64::from(version.epoch), out);
    }
    put_part(version.upstream.as_bytes(), out);
    let revision = version.revision.as_bytes();
    match revision.iter().find(|byte| **byte != b'0') {
        None => {}
        Some(b'~') => {
            out.push(END_BELOW);
            put_part(revision, out);
        }
        Some(_) => {
            out.push(END_ABOVE);
            put_part(revision, out);
        }
    }
    out.push(END);
}

#[inline]
fn put_part(mut rest: &[u8], out: &mut Vec<u8>) {
    loop {
        while let [byte, tail @ ..] = rest {
            if byte.is_ascii_digit() {
                break;
            }
            #[expect(clippy::indexing_slicing, reason = "the table has an entry for every byte")]
            let code = CODES[usize::from(*byte)];
            out.push(code);
            if code == HIGH_BYTE || code == CONTROL {
                out.push(*byte);
            }
            rest = tail;
        }
        let (number, tail) = Number::take(rest);
        number.put(NUMBER, out);
        rest = tail;
        if rest.is_empty() {
            return;
        }
    }
}
