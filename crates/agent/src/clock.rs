//! The clock of a managed host. Nothing else in this crate asks what time it is.

use std::time::{Duration, Instant, SystemTime};

use patchwright_domain::time::Timestamp;

/// The wall clock of this host.
#[must_use]
pub fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "this is the one place on a host that reads the wall clock")]
    let now = SystemTime::now();
    from_system(now)
}

/// A file time as an instant; times before 1970 become negative.
#[must_use]
pub(crate) fn from_system(time: SystemTime) -> Timestamp {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => Timestamp(i64::try_from(after.as_millis()).unwrap_or(i64::MAX)),
        Err(before) => {
            Timestamp(i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| millis.saturating_neg()))
        }
    }
}

/// A point on the monotonic clock after which work stops.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

/// Longest deadline that is honoured; longer ones are cut to it so that adding to an instant cannot overflow.
const DEADLINE_MAX: Duration = Duration::from_hours(24);

impl Deadline {
    /// `limit` from now, at most 24 hours.
    #[must_use]
    pub fn after(limit: Duration) -> Self {
        Self(Instant::now() + limit.min(DEADLINE_MAX))
    }

    /// This deadline or `limit` from now, whichever comes first.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self(self.0.min(Self::after(limit).0))
    }

    /// Time left; zero when it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether no time is left.
    #[must_use]
    pub fn passed(self) -> bool {
        self.remaining().is_zero()
    }
}
