//! Time as an input: the system's clock, or one that a test or sandbox moves.
//!
//! Two times are told. [`Clock::millis`] is the time of business: expiry, days, retries. [`Clock::wire`]
//! dates what travels: signatures and nonces. They are one, except in a sandbox, where business is
//! moved ahead while the other side's signatures stay dated by its own, real clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{Timestamp, Zoned, tz};
use tokio::sync::watch;

/// A clock that can be moved forward and back against the system's. Cheap to clone; clones are one.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Nanoseconds added to the system's time.
    offset: Arc<AtomicI64>,
    /// What travels is dated by the system's time, however this clock is moved.
    real_wire: bool,
    /// How often it was moved: whoever waits for a time looks again.
    moved: watch::Sender<u64>,
}

impl Clock {
    /// A sandbox's clock, `ahead_ms` milliseconds before the system's: what travels is still dated by
    /// the system's time, since the integrator's own clock was not moved.
    #[must_use]
    pub fn of_sandbox(ahead_ms: i64) -> Self {
        let clock = Self { real_wire: true, ..Self::default() };
        clock.advance(ahead_ms);
        clock
    }

    /// The time that dates what travels, in milliseconds since 1970: for the timestamps of signatures,
    /// their window, and how long nonces are kept.
    #[must_use]
    pub fn wire(&self) -> i64 {
        if self.real_wire { Timestamp::now().as_millisecond() } else { self.millis() }
    }

    /// Changes when the clock is moved, so that whoever waits for a time of business looks again.
    #[must_use]
    pub fn moves(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// How far it is before the system's time, milliseconds.
    #[must_use]
    pub fn ahead_millis(&self) -> i64 {
        self.offset.load(Ordering::Relaxed) / 1_000_000
    }

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

    /// Moves the clock by `millis`, and wakes whoever waits for a time; for tests and the sandbox.
    pub fn advance(&self, millis: i64) {
        self.offset.fetch_add(millis.saturating_mul(1_000_000), Ordering::Relaxed);
        self.moved.send_modify(|times| *times += 1);
    }
}

/// `millis` since 1970 as RFC 3339 at UTC+8, the zone of the ledger's days.
#[must_use]
pub fn rfc3339(millis: i64) -> String {
    let at = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH);
    Zoned::new(at, tz::TimeZone::fixed(tz::offset(8))).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn a_sandbox_s_clock_moves_business_and_leaves_what_travels_in_real_time() {
        let check = |clock: Clock, wire_moves: bool| {
            clock.advance(DAY_MS);
            let real = Timestamp::now().as_millisecond();
            assert!(clock.millis() - real > DAY_MS - 1_000, "business is a day ahead");
            assert_eq!(clock.wire() - real > DAY_MS - 1_000, wire_moves);
            assert_eq!(clock.ahead_millis(), DAY_MS);
        };
        check(Clock::of_sandbox(0), false);
        check(Clock::default(), true);
    }

    #[tokio::test]
    async fn moving_the_clock_wakes_whoever_waits_for_it() {
        let clock = Clock::default();
        let mut moves = clock.clone().moves();
        assert!(!moves.has_changed().expect("the clock is there"));
        clock.advance(1);
        moves.changed().await.expect("the clock is there");
    }
}
