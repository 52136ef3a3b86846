//! Pure decisions about debits.

use jialing_ledger::Policy;
use jiff::tz::{TimeZone, offset};
use jiff::{Timestamp, Zoned};

use super::{DebitState, Period, Retry, State, store};
use crate::clock::rfc3339;
use crate::id::DebitAgreementId;

/// The subject a device signs to approve an agreement: which, how often, until when. The most that one
/// debit takes is the amount.
#[must_use]
pub fn subject(id: DebitAgreementId, max_count: i64, period: Period, valid_until: &str) -> String {
    format!("{id} {max_count} per {period} until {valid_until}")
}

pub(super) fn subject_of(row: &store::Row) -> String {
    subject(row.id, row.max_count, row.period, &rfc3339(row.valid_until))
}

/// The state at `now`: a proposal expires and an agreement ends when its time is over.
pub(super) const fn state_at(state: State, expires_at: i64, valid_until: i64, now: i64) -> State {
    match state {
        State::Proposed if expires_at <= now => State::Expired,
        State::Opening | State::Active if valid_until <= now => State::Ended,
        state => state,
    }
}

/// The bounds that the ledger keeps for an agreement's meters. The ledger counts days and years; a
/// month and a quarter have meters of their own, which count the year's like ones apart.
pub(super) const fn bounds(period: Period, max_amount: u64, max_count: u64) -> Policy {
    let bounds = Policy { single: max_amount, ..Policy::UNBOUNDED };
    match period {
        Period::Day => Policy { day_count: max_count, ..bounds },
        Period::Month | Period::Quarter | Period::Year => Policy { year_count: max_count, ..bounds },
    }
}

/// The meter that counts a debit made at `at`: one for all days and years, one for each month or quarter
/// of a year.
pub(super) fn meter(agreement: DebitAgreementId, period: Period, at: i64) -> u128 {
    let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    let month = Zoned::new(at, TimeZone::fixed(offset(8))).month().unsigned_abs();
    match period {
        Period::Day | Period::Year => agreement.number(),
        Period::Month => agreement.part(month),
        Period::Quarter => agreement.part((month - 1) / 3 + 1),
    }
}

/// How often and within how many days a debit that failed is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Patience {
    pub(super) tries: i64,
    pub(super) days: i64,
}

impl Patience {
    /// What `retry` comes to under the numbers in force.
    pub(super) const fn of(retry: Retry, tries: i64, days: i64) -> Self {
        match retry {
            Retry::None => Self { tries: 0, days: 0 },
            Retry::ThreeInSevenDays => Self { tries, days },
        }
    }

    /// Where a debit goes whose try number `tries` (from 1) failed, and when it is tried next: the
    /// further tries are spread evenly, the last at the end.
    pub(super) const fn after(self, tries: i64, due_at: i64) -> (DebitState, i64) {
        if tries > self.tries {
            return (DebitState::Failed, due_at);
        }
        (DebitState::Retrying, due_at + tries * self.days * 86_400_000 / self.tries)
    }

    /// When its order closes: a day after the last try, so that one that began can end.
    pub(super) const fn until(self, due_at: i64) -> i64 {
        due_at + (self.days + 1) * 86_400_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    #[test]
    fn a_debit_that_failed_is_tried_again_three_times_in_seven_days_or_not_at_all() {
        let check = |retry: Retry, tries: i64, expect: (DebitState, i64)| {
            let (state, at) = Patience::of(retry, 3, 7).after(tries, 10 * DAY);
            assert_eq!((state, at), expect, "{retry} {tries}");
        };
        check(Retry::None, 1, (DebitState::Failed, 10 * DAY));
        check(Retry::ThreeInSevenDays, 1, (DebitState::Retrying, 10 * DAY + 7 * DAY / 3));
        check(Retry::ThreeInSevenDays, 2, (DebitState::Retrying, 10 * DAY + 14 * DAY / 3));
        check(Retry::ThreeInSevenDays, 3, (DebitState::Retrying, 17 * DAY));
        check(Retry::ThreeInSevenDays, 4, (DebitState::Failed, 10 * DAY));
        assert_eq!(Patience::of(Retry::ThreeInSevenDays, 3, 7).until(10 * DAY), 18 * DAY);
        assert_eq!(Patience::of(Retry::None, 3, 7).until(10 * DAY), 11 * DAY);
    }

    #[test]
    fn each_month_and_quarter_of_a_year_has_a_meter_of_its_own() {
        let agreement = DebitAgreementId::from_parts(1_780_000_000_000, 0xabcd_0000);
        let check = |period: Period, at: &str, part: u8| {
            let at: Timestamp = at.parse().expect("a time");
            assert_eq!(meter(agreement, period, at.as_millisecond()), agreement.part(part), "{period} {at}");
        };
        check(Period::Day, "2026-05-05T12:00:00+08:00", 0);
        check(Period::Year, "2026-05-05T12:00:00+08:00", 0);
        check(Period::Month, "2026-01-01T00:00:00+08:00", 1);
        check(Period::Month, "2026-01-31T23:59:59+08:00", 1);
        check(Period::Month, "2026-02-01T00:00:00+08:00", 2);
        check(Period::Month, "2026-12-31T23:59:59+08:00", 12);
        check(Period::Quarter, "2026-03-31T23:59:59+08:00", 1);
        check(Period::Quarter, "2026-04-01T00:00:00+08:00", 2);
        check(Period::Quarter, "2026-12-31T23:59:59+08:00", 4);
    }

    #[test]
    fn time_ends_what_waits_and_what_runs_and_nothing_else() {
        let check = |state: State, now: i64, expect: State| {
            assert_eq!(state_at(state, 100, 200, now), expect, "{state} {now}");
        };
        check(State::Proposed, 99, State::Proposed);
        check(State::Proposed, 100, State::Expired);
        check(State::Active, 199, State::Active);
        check(State::Active, 200, State::Ended);
        check(State::Opening, 200, State::Ended);
        check(State::Cancelled, 300, State::Cancelled);
        check(State::Refused, 300, State::Refused);
    }

    #[test]
    fn the_ledger_bounds_one_debit_and_their_number() {
        let day = bounds(Period::Day, 500, 2);
        assert_eq!((day.single, day.day_count, day.year_count), (500, 2, u64::MAX));
        let month = bounds(Period::Month, 500, 1);
        assert_eq!((month.single, month.day_count, month.year_count), (500, u64::MAX, 1));
    }
}
