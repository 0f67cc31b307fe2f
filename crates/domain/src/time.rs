//! Instants and civil dates as plain values. Nobody in this crate asks what time it is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Milliseconds in one day.
pub const DAY_MS: i64 = 86_400_000;

/// An instant: milliseconds since 1970-01-01T00:00:00Z. Stored as an integer, shown as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads RFC 3339 (`2026-11-22T10:00:00Z`), or nothing when the text is not an instant.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.trim().parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_millisecond()))
    }

    /// The UTC day that holds this instant.
    #[must_use]
    pub fn date(self) -> Date {
        Date(i32::try_from(self.0.div_euclid(DAY_MS)).unwrap_or(i32::MAX))
    }

    /// This instant plus `days` of 24 hours.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(days.saturating_mul(DAY_MS)))
    }

    /// This instant plus `hours`.
    #[must_use]
    pub fn plus_hours(self, hours: i64) -> Self {
        Self(self.0.saturating_add(hours.saturating_mul(3_600_000)))
    }

    /// This instant plus one calendar month in UTC, the day clamped to the month's length ("one month" is not 30 days).
    #[must_use]
    pub fn plus_calendar_months(self, months: i32) -> Self {
        let Ok(t) = jiff::Timestamp::from_millisecond(self.0) else {
            return self;
        };
        let civil = t.to_zoned(jiff::tz::TimeZone::UTC);
        civil.checked_add(jiff::Span::new().months(months)).map_or(self, |z| Self(z.timestamp().as_millisecond()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(t) => write!(f, "{}", t.strftime("%Y-%m-%dT%H:%M:%SZ")),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

/// A civil day: days since 1970-01-01. Shown and read as `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub i32);

impl Date {
    /// Reads `YYYY-MM-DD`; a longer RFC 3339 text gives its day.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let day = text.trim().get(..10)?;
        let date: jiff::civil::Date = day.parse().ok()?;
        let epoch = jiff::civil::date(1970, 1, 1);
        date.since((jiff::Unit::Day, epoch)).ok().map(|s| Self(s.get_days()))
    }

    /// Midnight UTC at the start of this day.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp(i64::from(self.0) * DAY_MS)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.start().0) {
            Ok(t) => write!(f, "{}", t.strftime("%Y-%m-%d")),
            Err(_) => write!(f, "day {}", self.0),
        }
    }
}

impl Serialize for Date {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a date (YYYY-MM-DD)")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_round_trip_and_months_clamp() {
        for text in ["1970-01-01", "2026-11-22", "1999-12-31", "2024-02-29"] {
            assert_eq!(Date::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Date::parse("2026-02-30"), None);
        let jan31 = Timestamp::parse("2026-01-31T10:00:00Z").unwrap();
        assert_eq!(jan31.plus_calendar_months(1).to_string(), "2026-02-28T10:00:00Z");
        assert_eq!(jan31.date().to_string(), "2026-01-31");
        assert_eq!(Timestamp(-1).date().to_string(), "1969-12-31");
    }
}
