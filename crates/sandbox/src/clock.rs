//! The city's clock: real time plus an offset that can be moved.

use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// How far the clock may be moved from real time, either way: about 30 years.
const MOST_OFFSET_S: i64 = 1_000_000_000;

/// One clock for all services. It runs at the speed of real time; moving it wakes whoever waits.
#[derive(Clone, Debug)]
pub struct CityClock {
    offset_s: watch::Sender<i64>,
    /// Where the offset is kept over a restart.
    file: Option<PathBuf>,
}

impl Default for CityClock {
    fn default() -> Self {
        Self::new(0)
    }
}

impl CityClock {
    /// A clock that is `offset_s` seconds ahead of real time.
    pub fn new(offset_s: i64) -> Self {
        Self { offset_s: watch::Sender::new(offset_s.clamp(-MOST_OFFSET_S, MOST_OFFSET_S)), file: None }
    }

    /// The clock whose offset is kept in `file`; `offset_s` counts where there is no file yet.
    pub(crate) fn kept_in(file: &Path, offset_s: i64) -> io::Result<Self> {
        let offset_s = match std::fs::read_to_string(file) {
            Ok(text) => text
                .trim()
                .parse()
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not a number of seconds"))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => offset_s,
            Err(error) => return Err(error),
        };
        Ok(Self { file: Some(file.to_owned()), ..Self::new(offset_s) })
    }

    /// The city's time.
    pub fn now(&self) -> Timestamp {
        let offset = SignedDuration::from_secs(*self.offset_s.borrow());
        Timestamp::now().checked_add(offset).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The natural day at UTC+8.
    pub fn today(&self) -> Date {
        day_of(self.now())
    }

    /// Moves the clock by `seconds`, forwards or backwards, and returns the new time. It never gets
    /// more than about 30 years away from real time.
    pub fn advance(&self, seconds: i64) -> Timestamp {
        self.offset_s.send_modify(|offset| {
            *offset = offset.saturating_add(seconds).clamp(-MOST_OFFSET_S, MOST_OFFSET_S);
            if let Some(file) = &self.file
                && let Err(error) = std::fs::write(file, format!("{offset}\n"))
            {
                tracing::error!(%error, "the sandbox could not keep its clock");
            }
        });
        self.now()
    }

    /// How far the clock is ahead of real time, in seconds.
    pub fn offset_s(&self) -> i64 {
        *self.offset_s.borrow()
    }

    /// Wakes when the clock is moved.
    pub(crate) fn moves(&self) -> watch::Receiver<i64> {
        self.offset_s.subscribe()
    }
}

/// The natural day at UTC+8 that `at` falls on.
pub(crate) fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::fixed(Offset::constant(8))).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_sixteen_hours_utc() {
        let check = |at: &str, expect: &str| {
            assert_eq!(day_of(at.parse().unwrap()).to_string(), expect);
        };
        check("2026-11-21T15:59:59.999Z", "2026-11-21");
        check("2026-11-21T16:00:00Z", "2026-11-22");
    }

    #[test]
    fn a_moved_clock_stays_within_thirty_years() {
        let clock = CityClock::default();
        assert!(clock.advance(86_400) > Timestamp::now());
        assert_eq!(clock.offset_s(), 86_400);
        clock.advance(-2 * 86_400);
        assert_eq!(clock.offset_s(), -86_400);
        clock.advance(i64::MAX);
        assert_eq!(clock.offset_s(), MOST_OFFSET_S);
        clock.advance(i64::MIN);
        assert_eq!(clock.offset_s(), -MOST_OFFSET_S);
    }
}
