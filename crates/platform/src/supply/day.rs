//! Natural days at UTC+8, the days of the ledger's meters.

use std::fmt;
use std::str::FromStr;

use jialing_ledger::{Nanos, calendar};

use crate::clock::rfc3339;

/// Nanoseconds in a day.
const DAY: u64 = 86_400_000_000_000;
/// How far the ledger's days are ahead of UTC.
const OFFSET: u64 = 8 * 3_600_000_000_000;

/// A natural day at UTC+8, written `2026-11-22`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u32);

impl Day {
    /// The day with this number: 0 is 1 January 1970.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// Days since 1 January 1970.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The day that the moment `at` is in.
    #[must_use]
    pub const fn of(at: Nanos) -> Self {
        Self(calendar::day(at))
    }

    /// The first moment after this day: its midnight at UTC+8. A record at this moment belongs to the
    /// next day. Saturates at the end of time.
    #[must_use]
    pub const fn cut(self) -> Nanos {
        let cut = (self.0 as u128 + 1) * DAY as u128 - OFFSET as u128;
        if cut > u64::MAX as u128 { u64::MAX } else { cut as u64 }
    }

    /// The day after.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noon = i64::from(self.0) * 86_400_000 + 4 * 3_600_000;
        f.write_str(&rfc3339(noon)[..10])
    }
}

/// The text is no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a day is written like 2026-11-22")]
pub struct BadDay;

impl FromStr for Day {
    type Err = BadDay;
    fn from_str(text: &str) -> Result<Self, BadDay> {
        let date: jiff::civil::Date = text.parse().map_err(|_| BadDay)?;
        let days = date.since(jiff::civil::date(1970, 1, 1)).map_err(|_| BadDay)?.get_days();
        let day = u32::try_from(days).map(Self).map_err(|_| BadDay)?;
        // One way to write a day: other forms that the parser knows are refused.
        if day.0 < 200_000 && day.to_string() == text { Ok(day) } else { Err(BadDay) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T00:00:00+08:00.
    const MIDNIGHT: u64 = 1_795_276_800_000_000_000;

    #[test]
    fn a_day_ends_with_the_last_nanosecond_before_midnight_at_utc_8() {
        let check = |at: u64, day: &str| assert_eq!(Day::of(at).to_string(), day);
        check(0, "1970-01-01");
        check(MIDNIGHT - 1, "2026-11-21");
        check(MIDNIGHT, "2026-11-22");
        check(MIDNIGHT + DAY - 1, "2026-11-22");
        check(u64::MAX, "2554-07-22");
        assert_eq!(Day::of(MIDNIGHT - 1).cut(), MIDNIGHT);
        assert_eq!(Day::of(MIDNIGHT).cut(), MIDNIGHT + DAY);
        assert_eq!(Day::of(u64::MAX).cut(), u64::MAX);
    }

    #[test]
    fn a_day_is_written_in_one_way_only() {
        let check = |text: &str, known: bool| assert_eq!(text.parse::<Day>().is_ok(), known, "{text:?}");
        for day in ["1970-01-01", "2024-02-29", "2026-11-22"] {
            check(day, true);
            assert_eq!(day.parse::<Day>().expect("a day").to_string(), day);
        }
        for text in [
            "",
            "2026-2-1",
            "20261122",
            "2026-02-29",
            "2026-11-22T00:00:00Z",
            " 2026-11-22",
            "1969-12-31",
            "+002026-11-22",
        ] {
            check(text, false);
        }
    }
}
