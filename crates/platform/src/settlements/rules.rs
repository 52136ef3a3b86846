//! Pure decisions about settlement.

use jiff::Timestamp;
use jiff::ToSpan;
use jiff::tz::{TimeZone, offset};

use super::State;

/// Minutes of a day.
pub const DAY: i64 = 1_440;

/// What a batch pays and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// To the bank account, fen.
    pub amount: i64,
    /// To the institution, fen.
    pub fee: i64,
}

/// What is due of a wallet that held `closing` at the cut: all but what is to stay, less the fee of
/// `points` basis points (rounded to the nearest fen, halves up) and `fixed` fen; none where that is
/// below `minimum` or nothing.
#[must_use]
pub fn due(closing: i64, keep: i64, minimum: i64, points: i64, fixed: i64) -> Option<Due> {
    let whole = closing.saturating_sub(keep);
    if whole <= 0 {
        return None;
    }
    let fee = (i128::from(whole) * i128::from(points) + 5_000) / 10_000 + i128::from(fixed);
    let fee = i64::try_from(fee).unwrap_or(i64::MAX);
    let amount = whole.saturating_sub(fee);
    (amount >= minimum.max(1)).then_some(Due { amount, fee })
}

/// The next time at UTC+8 that is `minute` minutes after midnight, strictly after `now`; milliseconds.
#[must_use]
pub fn next_cut(now: i64, minute: i64) -> i64 {
    let zone = TimeZone::fixed(offset(8));
    let at = Timestamp::from_millisecond(now).unwrap_or_default().to_zoned(zone);
    let midnight = at.start_of_day().unwrap_or(at);
    let today = midnight.timestamp().as_millisecond().saturating_add(minute * 60_000);
    match today > now {
        true => today,
        false => midnight
            .checked_add(1.day())
            .map_or(today, |next| next.timestamp().as_millisecond().saturating_add(minute * 60_000)),
    }
}

/// Whether a batch may be held from here.
#[must_use]
pub const fn can_be_held(state: State) -> bool {
    matches!(state, State::Open | State::Cut | State::Reconciled | State::Exception | State::Approved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_is_what_the_wallet_held_less_what_stays_and_the_fee() {
        let check =
            |closing: i64, keep: i64, minimum: i64, points: i64, fixed: i64, expect: Option<(i64, i64)>| {
                let due = due(closing, keep, minimum, points, fixed).map(|due| (due.amount, due.fee));
                assert_eq!(due, expect, "{closing} {keep} {minimum} {points} {fixed}");
            };
        check(1_000, 0, 100, 0, 0, Some((1_000, 0)));
        check(100, 0, 100, 0, 0, Some((100, 0)));
        check(99, 0, 100, 0, 0, None);
        check(1_000, 900, 100, 0, 0, Some((100, 0)));
        check(1_000, 901, 100, 0, 0, None);
        check(0, 0, 0, 0, 0, None);
        check(-5, 0, 0, 0, 0, None);
        check(10_000, 0, 1, 60, 0, Some((9_940, 60)));
        check(83, 0, 1, 60, 0, Some((83, 0)));
        check(84, 0, 1, 60, 0, Some((83, 1)));
        check(10_000, 0, 1, 60, 100, Some((9_840, 160)));
        check(100, 0, 1, 0, 100, None);
        check(i64::MAX, 0, 1, 10_000, 0, None);
    }

    #[test]
    fn the_next_cut_is_strictly_later_and_at_the_minute() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time").as_millisecond();
        let check = |now: &str, minute: i64, expect: &str| {
            assert_eq!(next_cut(at(now), minute), at(expect), "{now} {minute}");
        };
        check("2026-11-22T10:00:00+08:00", 1_380, "2026-11-22T23:00:00+08:00");
        check("2026-11-22T22:59:59.999+08:00", 1_380, "2026-11-22T23:00:00+08:00");
        check("2026-11-22T23:00:00+08:00", 1_380, "2026-11-23T23:00:00+08:00");
        check("2026-12-31T23:30:00+08:00", 0, "2027-01-01T00:00:00+08:00");
        check("2027-01-01T00:00:00+08:00", 0, "2027-01-02T00:00:00+08:00");
    }

    #[test]
    fn a_batch_is_held_before_its_money_is_on_its_way_and_not_after() {
        for state in State::ALL {
            let held = !matches!(state, State::Paying | State::Paid | State::Failed | State::Held);
            assert_eq!(can_be_held(*state), held, "{state}");
        }
    }
}
