//! Time as an input: the system's clock, or one that a test or sandbox moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{Timestamp, Zoned, tz};

/// A clock that can be moved forward and back against the system's.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Nanoseconds added to the system's time.
    offset: Arc<AtomicI64>,
}

impl Clock {
    /// The present.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let offset = self.offset.load(Ordering::Relaxed);
        Timestamp::from_nanosecond(Timestamp::now().as_nanosecond() + i128::from(offset))
            .unwrap_or(Timestamp::MAX)
    }

    /// The present in milliseconds since 1970, as the tables keep it.
    #[must_use]
    pub fn millis(&self) -> i64 {
        self.now().as_millisecond()
    }

    /// The present in nanoseconds since 1970, as the ledger keeps it.
    #[must_use]
    pub fn nanos(&self) -> u64 {
        u64::try_from(self.now().as_nanosecond()).unwrap_or(0)
    }

    /// Moves the clock by `millis`; for tests and the sandbox.
    pub fn advance(&self, millis: i64) {
        self.offset.fetch_add(millis.saturating_mul(1_000_000), Ordering::Relaxed);
    }
}

/// `millis` since 1970 as RFC 3339 at UTC+8, the zone of the ledger's days.
#[must_use]
pub fn rfc3339(millis: i64) -> String {
    let at = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH);
    Zoned::new(at, tz::TimeZone::fixed(tz::offset(8))).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}
