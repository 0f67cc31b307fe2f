//! The end of validity of an X.509 certificate (RFC 5280 section 4.1), for subscriptions that are certificates. Nothing else of it
//! is read, and no trust follows from it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use patchwright_domain::time::Timestamp;

/// Longest certificate read; entitlement certificates that list contents have some 100 KiB.
const PEM_MAX: usize = 4 << 20;

/// DER tags (X.690).
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// `notAfter` of the first certificate in a PEM file (RFC 7468); nothing when there is none that can be read.
#[must_use]
pub fn not_after(pem: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(pem.get(..PEM_MAX).unwrap_or(pem)).ok()?;
    let (_, after) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = after.split_once("-----END CERTIFICATE-----")?;
    let body: String = body.split_ascii_whitespace().collect();
    let der = STANDARD.decode(body).ok()?;
    // Certificate → tbsCertificate → [version] serialNumber signature issuer validity.
    let (_, certificate, _) = element(&der)?;
    let (_, fields, _) = element(certificate)?;
    let (tag, _, rest) = element(fields)?;
    let mut rest = if tag == VERSION { rest } else { fields };
    for _ in ["serialNumber", "signature", "issuer"] {
        rest = element(rest)?.2;
    }
    let (tag, validity, _) = element(rest)?;
    if tag != SEQUENCE {
        return None;
    }
    let (_, _, after_begin) = element(validity)?;
    let (tag, time, _) = element(after_begin)?;
    time_of(tag, std::str::from_utf8(time).ok()?)
}

/// Tag, content and what follows of the first element.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) =
            rest.split_at_checked(usize::from(first & 0x7f)).filter(|(d, _)| (1..=4).contains(&d.len()))?;
        (digits.iter().fold(0_usize, |sum, digit| sum << 8 | usize::from(*digit)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `YYMMDDHHMMSSZ` (years from 50 on are of the last century) or `YYYYMMDDHHMMSSZ` (RFC 5280 section 4.1.2.5).
fn time_of(tag: u8, text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z')?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            (format!("{}{year}", if year >= "50" { "19" } else { "20" }), rest)
        }
        GENERALIZED_TIME => text.split_at_checked(4).map(|(year, rest)| (year.to_owned(), rest))?,
        _ => return None,
    };
    let two = |at: usize| rest.get(at..at + 2);
    Timestamp::parse(&format!("{year}-{}-{}T{}:{}:{}Z", two(0)?, two(2)?, two(4)?, two(6)?, two(8)?))
}
