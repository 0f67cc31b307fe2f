//! The small values that many feeds share.

use patchwright_domain::time::{Date, Timestamp};

/// A CVE id in its canonical spelling (`CVE-`, four digits, at least four digits), or nothing when the text is not one.
/// Source: CVE record format 5.1, `cveId` pattern.
#[must_use]
pub fn cve_id(text: &str) -> Option<String> {
    let id = text.trim().to_ascii_uppercase();
    let (year, number) = id.strip_prefix("CVE-")?.split_once('-')?;
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    (year.len() == 4 && (4..=19).contains(&number.len()) && digits(year) && digits(number)).then_some(id)
}

/// An instant: RFC 3339; without a zone it is UTC (CVE and NVD records); a zone without a colon and a bare day also work.
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    Timestamp::parse(text)
        .or_else(|| Timestamp::parse(&format!("{text}Z")))
        .or_else(|| {
            let (start, zone) = text.split_at_checked(text.len().checked_sub(4)?)?;
            let (hours, minutes) = zone.split_at_checked(2)?;
            Timestamp::parse(&format!("{start}{hours}:{minutes}"))
        })
        .or_else(|| (text.len() == 10).then(|| Date::parse(text)).flatten().map(Date::start))
}

/// A decimal number of at least zero, times ten to the `places`, rounded half up. Exact, without floating point.
/// `0.03351` with 5 places is 3351; `1e-05` is 1. Nothing for anything else, or for more than 18 digits.
pub(crate) fn scaled(text: &str, places: i32) -> Option<u64> {
    let text = text.trim();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = [whole, fraction].concat();
    if digits.is_empty() || digits.len() > 18 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    let shift = places.checked_add(exponent)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let power = |n: u32| 10_u64.checked_pow(n);
    match u32::try_from(shift) {
        Ok(up) if value > 0 => value.checked_mul(power(up)?),
        Ok(_) => Some(0),
        Err(_) => Some(match power(shift.unsigned_abs()) {
            Some(divisor) => value.saturating_add(divisor / 2) / divisor,
            None => 0,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (text, places, want) in [
            ("0.03351", 5, Some(3351)),
            ("0.87650", 5, Some(87650)),
            ("1", 5, Some(100_000)),
            ("1.0", 5, Some(100_000)),
            ("1e-05", 5, Some(1)),
            ("9.4E-04", 5, Some(94)),
            ("0.000004", 5, Some(0)),
            ("0.000005", 5, Some(1)),
            (".5", 5, Some(50_000)),
            ("9.8", 1, Some(98)),
            ("10", 1, Some(100)),
            ("0e99", 1, Some(0)),
            ("1e-99", 1, Some(0)),
            ("1e99", 1, None),
            ("-0.1", 5, None),
            ("NaN", 5, None),
            ("", 5, None),
            (".", 5, None),
            ("1e", 5, None),
            ("0x10", 5, None),
        ] {
            assert_eq!(scaled(text, places), want, "{text}");
        }
    }

    #[test]
    fn instants_in_the_forms_that_feeds_use() {
        for (text, want) in [
            ("2026-08-07T16:45:47.0648Z", "2026-08-07T16:45:47Z"),
            ("2024-04-17T04:00:13.543064Z", "2024-04-17T04:00:13Z"),
            ("2024-10-24T10:00:00", "2024-10-24T10:00:00Z"),
            ("2022-02-04T00:00:00+0000", "2022-02-04T00:00:00Z"),
            ("2022-02-04T02:00:00+0200", "2022-02-04T00:00:00Z"),
            ("2026-11-22", "2026-11-22T00:00:00Z"),
        ] {
            assert_eq!(timestamp(text).map(|t| t.to_string()).as_deref(), Some(want), "{text}");
        }
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "2026-11-2é"] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn cve_ids_are_checked_and_made_canonical() {
        assert_eq!(cve_id(" cve-2024-3094 ").as_deref(), Some("CVE-2024-3094"));
        assert_eq!(cve_id("CVE-2024-1000001").as_deref(), Some("CVE-2024-1000001"));
        for bad in ["CVE-2024-XXXX", "CVE-24-1234", "CVE-2024-123", "TEMP-0000000-0CA7E3", "CVE-2024-1234 x", ""] {
            assert_eq!(cve_id(bad), None, "{bad}");
        }
    }
}
