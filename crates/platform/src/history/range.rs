//! Ranges of time, and the places of the journal they take.
//!
//! A time of the API is a whole millisecond. A range takes its first moment and leaves its last one
//! out, so ranges that touch share nothing and miss nothing. Days, months and years are those of
//! UTC+8, like the ledger's.

use jiff::civil::Date;
use jiff::{ToSpan, tz};
use serde::Deserialize;

use super::time;
use crate::clock::rfc3339;
use crate::follow::Follower;
use crate::{App, Code, Problem, Result};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// A range of time: a period, or from one moment to another.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RangeAsk {
    /// A year, month or day at UTC+8: `2026`, `2026-11` or `2026-11-22`; instead of `from` and `to`.
    #[schema(example = "2026-11")]
    pub period: Option<String>,
    /// Not before this time, RFC 3339.
    #[schema(format = DateTime)]
    pub from: Option<String>,
    /// Before this time, RFC 3339.
    #[schema(format = DateTime)]
    pub to: Option<String>,
}

/// A checked range, milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first moment.
    pub from: i64,
    /// The first moment after it.
    pub to: i64,
}

/// The places of the journal that a range takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    /// The first record in it.
    pub(crate) first: u64,
    /// The first record after it.
    pub(crate) end: u64,
    /// Whether no further record can come into the range.
    pub(crate) is_over: bool,
}

impl RangeAsk {
    /// The range that is asked for.
    ///
    /// # Errors
    /// `invalid_request`, naming the field.
    pub fn range(&self) -> Result<Range> {
        match (&self.period, &self.from, &self.to) {
            (Some(text), None, None) => period(text)
                .ok_or_else(|| refused("period", "`period` is a year, month or day as in 2026-11.")),
            (Some(_), ..) => Err(refused("period", "Give `period`, or `from` and `to`, not both.")),
            (None, None, _) => Err(refused("from", "A range is needed: `period`, or `from` and `to`.")),
            (None, _, None) => Err(refused("to", "A range is needed: `period`, or `from` and `to`.")),
            (None, Some(from), Some(to)) => {
                let range = Range { from: time("from", from)?, to: time("to", to)? };
                if range.to < range.from {
                    return Err(refused("to", "`to` is not before `from`."));
                }
                Ok(range)
            }
        }
    }
}

impl Range {
    /// The same, if it is not longer than the policy `most` (days) allows and begins before the ledger's
    /// present. 29 February counts for nothing: a year is at most 366 days.
    ///
    /// # Errors
    /// `invalid_request`, naming the field.
    pub(crate) fn within(self, most: i64, now: i64) -> Result<Self> {
        if self.to - self.from > most.saturating_mul(DAY_MS) {
            return Err(refused("to", &format!("A range has at most {most} days.")));
        }
        if self.from > now {
            return Err(refused("from", "The range lies in the future."));
        }
        Ok(self)
    }

    /// Its beginning, RFC 3339 at UTC+8.
    #[must_use]
    pub fn from_text(&self) -> String {
        rfc3339(self.from)
    }

    /// Its end, RFC 3339 at UTC+8.
    #[must_use]
    pub fn to_text(&self) -> String {
        rfc3339(self.to)
    }
}

/// What is in the range, as places of the journal. Whatever was decided before this was called is
/// durable and counted.
pub(crate) async fn places(app: &App, account: u128, range: Range) -> Result<Places> {
    // Answered in order with the submissions, once what came before is durable.
    app.engine.account(account).await.map_err(Problem::internal)?;
    let now = app.engine.now();
    let (first, end) = (before(app, range.from).await?, before(app, range.to).await?);
    Ok(Places { first, end, is_over: nanos(range.to) <= now })
}

/// The number of records before a time in milliseconds.
pub(crate) async fn before(app: &App, millis: i64) -> Result<u64> {
    app.engine.records_before(nanos(millis)).await.map_err(Problem::internal)
}

pub(super) fn nanos(millis: i64) -> u64 {
    u64::try_from(millis).unwrap_or(0).saturating_mul(1_000_000)
}

/// Waits until the history holds the first `count` records.
///
/// # Errors
/// `overloaded` when it takes too long.
pub(crate) async fn told(app: &App, count: u64) -> Result<()> {
    if app.progress.caught_up(Follower::History, count).await {
        return Ok(());
    }
    Err(Problem::new(Code::Overloaded)
        .retry_after(2)
        .detail("The history is still being read from the ledger."))
}

fn period(text: &str) -> Option<Range> {
    let number = |text: &str, digits: usize| {
        (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<i16>().ok())
            .flatten()
    };
    let parts: Vec<&str> = text.split('-').collect();
    let (first, span) = match parts[..] {
        [year] => (Date::new(number(year, 4)?, 1, 1).ok()?, 1.year()),
        [year, month] => {
            (Date::new(number(year, 4)?, i8::try_from(number(month, 2)?).ok()?, 1).ok()?, 1.month())
        }
        [year, month, day] => {
            let (month, day) = (i8::try_from(number(month, 2)?).ok()?, i8::try_from(number(day, 2)?).ok()?);
            (Date::new(number(year, 4)?, month, day).ok()?, 1.day())
        }
        _ => return None,
    };
    let midnight = |date: Date| {
        let at = date.to_zoned(tz::TimeZone::fixed(tz::offset(8))).ok()?;
        Some(at.timestamp().as_millisecond())
    };
    Some(Range { from: midnight(first)?, to: midnight(first.checked_add(span).ok()?)? })
}

fn refused(field: &'static str, detail: &str) -> Problem {
    Problem::new(Code::InvalidRequest).field(field).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(period: Option<&str>, from: Option<&str>, to: Option<&str>) -> RangeAsk {
        RangeAsk { period: period.map(Into::into), from: from.map(Into::into), to: to.map(Into::into) }
    }

    #[test]
    fn a_period_is_a_year_month_or_day_of_utc_8() {
        let check = |text: &str, expect: Option<(&str, &str)>| {
            let range = ask(Some(text), None, None).range().ok();
            let shown = range.map(|range| (range.from_text(), range.to_text()));
            let expect = expect
                .map(|(from, to)| (format!("{from}T00:00:00.000+08:00"), format!("{to}T00:00:00.000+08:00")));
            assert_eq!(shown, expect, "{text}");
        };
        check("2026-11-22", Some(("2026-11-22", "2026-11-23")));
        check("2026-12-31", Some(("2026-12-31", "2027-01-01")));
        check("2028-02-29", Some(("2028-02-29", "2028-03-01")));
        check("2026-11", Some(("2026-11-01", "2026-12-01")));
        check("2026-02", Some(("2026-02-01", "2026-03-01")));
        check("2026-12", Some(("2026-12-01", "2027-01-01")));
        check("2028", Some(("2028-01-01", "2029-01-01")));
        for odd in [
            "2026-02-29",
            "2026-13",
            "2026-00",
            "26",
            "2026-1",
            "2026-11-5",
            "-2026",
            "2026-11-22T00",
            "",
            "9999",
            "二〇二六",
        ] {
            check(odd, None);
        }
    }

    #[test]
    fn a_range_is_given_once_and_runs_forward() {
        let check = |ask: RangeAsk, expect: Result<(i64, i64), &str>| {
            let found = ask.range();
            let found = found.as_ref().map(|range| (range.from, range.to)).map_err(|problem| {
                assert_eq!(problem.code, Code::InvalidRequest);
                problem.field.as_deref().unwrap_or_default()
            });
            assert_eq!(found, expect, "{ask:?}");
        };
        let (one, two) = ("1970-01-01T08:00:00.001+08:00", "1970-01-01T00:00:00.002Z");
        check(ask(None, Some(one), Some(two)), Ok((1, 2)));
        check(ask(None, Some(one), Some(one)), Ok((1, 1)));
        check(ask(None, Some(two), Some(one)), Err("to"));
        check(ask(None, Some(one), None), Err("to"));
        check(ask(None, None, Some(one)), Err("from"));
        check(ask(None, None, None), Err("from"));
        check(ask(Some("2026"), Some(one), None), Err("period"));
        check(ask(Some("soon"), None, None), Err("period"));
        check(ask(None, Some("yesterday"), Some(one)), Err("from"));
        check(ask(None, Some(one), Some("2026-02-30T00:00:00Z")), Err("to"));
    }

    #[test]
    fn a_range_is_bounded_and_begins_before_the_present() {
        let check = |range: Range, expect: Option<&str>| {
            let problem = range.within(2, 10 * DAY_MS).err();
            assert_eq!(problem.as_ref().and_then(|problem| problem.field.as_deref()), expect, "{range:?}");
        };
        check(Range { from: 0, to: 2 * DAY_MS }, None);
        check(Range { from: 0, to: 2 * DAY_MS + 1 }, Some("to"));
        check(Range { from: 10 * DAY_MS, to: 11 * DAY_MS }, None);
        check(Range { from: 10 * DAY_MS + 1, to: 11 * DAY_MS }, Some("from"));
    }
}
