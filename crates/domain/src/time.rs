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

/// Year, month and day of a count of days since 1970-01-01: the proleptic Gregorian calendar in 400-year eras, each of
/// which begins on a first of March so that the leap day comes last.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0.div_euclid(DAY_MS));
        let seconds = self.0.rem_euclid(DAY_MS) / 1_000;
        let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{:02}Z", seconds % 60)
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
        let (year, month, day) = civil(i64::from(self.0));
        write!(f, "{year:04}-{month:02}-{day:02}")
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

    /// jiff is the oracle of our own calendar.
    #[test]
    fn the_calendar_is_jiffs_over_eight_centuries() {
        for day in (-150_000..150_000i64).step_by(97) {
            for second in [0, 1, 59, 3_599, 86_399] {
                let at = day * DAY_MS + second * 1_000;
                let theirs = jiff::Timestamp::from_millisecond(at).unwrap().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
                assert_eq!(Timestamp(at).to_string(), theirs);
            }
        }
    }

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
