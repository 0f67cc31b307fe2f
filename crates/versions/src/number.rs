//! Decimal numbers of any length, and their byte-comparable encoding.
//!
//! Versions carry dates, counters and commit numbers; all schemes here compare digit runs as numbers
//! without a limit on their size, so no machine integer is wide enough.

use std::cmp::Ordering;
use std::fmt;

/// Every number with this many digits fits an `u64` (2^64 - 1 has 20 digits, and not all of those fit).
const U64_DIGITS: usize = 19;

/// A non-negative decimal number, as its digits without leading zeros; zero has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number<'a> {
    digits: &'a [u8],
    /// The value modulo 2^64: exact for up to [`U64_DIGITS`] digits, unused beyond.
    low: u64,
}

impl<'a> Number<'a> {
    pub(crate) const ZERO: Self = Self { digits: &[], low: 0 };

    /// Takes the digits at the front of `text` (perhaps none, which is zero) and returns the rest.
    #[inline]
    pub(crate) fn take(text: &'a [u8]) -> (Self, &'a [u8]) {
        let mut start = text;
        while let [b'0', tail @ ..] = start {
            start = tail;
        }
        let mut rest = start;
        let mut low = 0_u64;
        while let [digit @ b'0'..=b'9', tail @ ..] = rest {
            low = low.wrapping_mul(10).wrapping_add(u64::from(*digit - b'0'));
            rest = tail;
        }
        let length = start.len() - rest.len();
        // `rest` is a tail of `start`, so the length is within it; the fallback is never taken.
        let digits = start.get(..length).unwrap_or(start);
        (Self { digits, low }, rest)
    }

    /// Like [`Number::take`], but at least one digit must be there.
    pub(crate) fn take_some(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        match text {
            [b'0'..=b'9', ..] => Some(Self::take(text)),
            _ => None,
        }
    }

    /// The value when it fits.
    pub(crate) fn value(self) -> Option<u64> {
        (self.digits.len() <= U64_DIGITS).then_some(self.low)
    }

    /// Appends the number's code; see [`NumberCodes`].
    #[inline]
    pub(crate) fn put(self, codes: NumberCodes, out: &mut Vec<u8>) {
        match self.value() {
            Some(value) => codes.put_value(value, out),
            None => codes.put_long(self.digits, out),
        }
    }
}

impl Ord for Number<'_> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        // Without leading zeros more digits are a larger number, and equal counts compare as text.
        self.digits.len().cmp(&other.digits.len()).then_with(|| self.digits.cmp(other.digits))
    }
}

impl PartialOrd for Number<'_> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::str::from_utf8(self.digits) {
            Ok("") | Err(_) => f.write_str("0"),
            Ok(digits) => f.write_str(digits),
        }
    }
}

/// The block of first bytes that a scheme's keys set aside for numbers.
///
/// With `first` = f and `direct` = d, a number n is written, so that bytes compare as numbers do:
///
/// | n | bytes |
/// |---|---|
/// | 0 ≤ n < d | the one byte f + n |
/// | up to 19 digits | f + d + k - 1, then n - d as k big-endian bytes, k from 1 to 8 the least that holds it |
/// | 20 digits or more | f + d + 8, then the count of digits less 20 as one byte j and j big-endian bytes (j from 0 to 8 the least that holds it), then the digits two to a byte as 10·a + b, the first digit alone when their count is odd |
///
/// The block is the d + 9 bytes from f.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NumberCodes {
    pub(crate) first: u8,
    pub(crate) direct: u8,
}

impl NumberCodes {
    /// The block that fills all bytes from `first` to `last`.
    pub(crate) const fn filling(first: u8, last: u8) -> Self {
        Self { first, direct: last - first + 1 - 9 }
    }

    #[inline]
    pub(crate) fn put_value(self, value: u64, out: &mut Vec<u8>) {
        let direct = u64::from(self.direct);
        if value < direct {
            let [low, ..] = value.to_le_bytes();
            out.push(self.first + low);
        } else {
            let (bytes, skip) = minimal_bytes(value - direct);
            // At least one byte: for n = d all eight are zero.
            let skip = skip.min(7);
            let [count, ..] = (7 - skip).to_le_bytes();
            out.push(self.first + self.direct + count);
            out.extend(bytes.into_iter().skip(skip));
        }
    }

    #[cold]
    fn put_long(self, digits: &[u8], out: &mut Vec<u8>) {
        out.push(self.first + self.direct + 8);
        let above = u64::try_from(digits.len() - U64_DIGITS - 1).unwrap_or(u64::MAX);
        let (bytes, skip) = minimal_bytes(above);
        let [count, ..] = (8 - skip).to_le_bytes();
        out.push(count);
        out.extend(bytes.into_iter().skip(skip));
        let (pairs_of, single) = match digits {
            [single, tail @ ..] if digits.len() % 2 == 1 => (tail, Some(single)),
            _ => (digits, None),
        };
        out.extend(single.map(|digit| digit - b'0'));
        let (pairs, _) = pairs_of.as_chunks::<2>();
        out.extend(pairs.iter().map(|[a, b]| 10 * (a - b'0') + (b - b'0')));
    }
}

/// The big-endian bytes of a value and how many of them are leading zeros (8 for the value 0).
#[inline]
fn minimal_bytes(value: u64) -> ([u8; 8], usize) {
    let bytes = value.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    (bytes, zeros)
}
