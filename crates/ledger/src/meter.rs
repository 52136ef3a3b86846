//! Meters: how much may still be spent.
//!
//! A meter counts what passed in the current day and year against the policy version in force at
//! that moment. Days and years are natural ones at UTC+8, derived from the command's time. Charging
//! is O(1); a charge that would exceed any bound changes nothing and says which bound.

use crate::{Id, Nanos, Why, calendar};

/// The bounds of one policy version; `u64::MAX` means none. Amounts in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// One transfer.
    pub single: u64,
    /// Sum of a natural day.
    pub day: u64,
    /// Number in a natural day.
    pub day_count: u64,
    /// Sum of a natural year.
    pub year: u64,
    /// Number in a natural year.
    pub year_count: u64,
}

/// A dated version of a policy. The newest version whose `from` has come is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// The policy's number.
    pub policy: u32,
    /// Grows with each version, from 1.
    pub version: u32,
    /// In force from this time on.
    pub from: Nanos,
    /// The bounds.
    pub bounds: Policy,
}

/// A meter's present state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter {
    /// The meter's number.
    pub id: Id,
    /// The policy it is under.
    pub policy: u32,
    /// Days since 1970-01-01 at UTC+8 that the day's figures are for.
    pub day: u32,
    /// The calendar year that the year's figures are for.
    pub year: u16,
    /// Passed this day, minor units.
    pub day_amount: u64,
    /// Passed this day, times.
    pub day_count: u64,
    /// Passed this year, minor units.
    pub year_amount: u64,
    /// Passed this year, times.
    pub year_count: u64,
}

/// What a meter still allows at a moment. `u64::MAX` means no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The meter, with figures of past days and years cleared.
    pub meter: Meter,
    /// The policy version in force; `None` while none has come, and then every charge is refused.
    pub version: Option<PolicyVersion>,
    /// Largest next transfer by the single limit alone, minor units.
    pub single: u64,
    /// Left this day, minor units.
    pub day: u64,
    /// Left this day, times.
    pub day_count: u64,
    /// Left this year, minor units.
    pub year: u64,
    /// Left this year, times.
    pub year_count: u64,
}

impl Allowance {
    /// The largest amount that one transfer may have now, minor units; 0 when none may pass.
    #[must_use]
    pub fn largest(&self) -> u64 {
        if self.day_count == 0 || self.year_count == 0 { 0 } else { self.single.min(self.day).min(self.year) }
    }
}

impl Policy {
    /// No bound at all.
    pub const UNBOUNDED: Self =
        Self { single: u64::MAX, day: u64::MAX, day_count: u64::MAX, year: u64::MAX, year_count: u64::MAX };
}

impl Meter {
    /// A meter on which nothing has passed.
    #[must_use]
    pub const fn new(id: Id, policy: u32) -> Self {
        Self { id, policy, day: 0, year: 0, day_amount: 0, day_count: 0, year_amount: 0, year_count: 0 }
    }

    /// The meter as it stands at `at`: the figures of a day or year that has passed are cleared.
    #[must_use]
    pub fn rolled(mut self, at: Nanos) -> Self {
        let today = calendar::day(at);
        // The year follows from the day; a meter that was never charged has none yet.
        if self.day == today && self.year != 0 {
            return self;
        }
        if self.day != today {
            self.day = today;
            self.day_amount = 0;
            self.day_count = 0;
        }
        let year = calendar::year_of_day(today);
        if self.year != year {
            self.year = year;
            self.year_amount = 0;
            self.year_count = 0;
        }
        self
    }

    /// Why `amount` may not pass at `at` under `bounds`: the lowest number that applies.
    #[must_use]
    pub fn refusal(&self, bounds: &Policy, amount: u64, at: Nanos) -> Option<Why> {
        let now = self.rolled(at);
        let over =
            |passed: u64, more: u64, bound: u64| u128::from(passed) + u128::from(more) > u128::from(bound);
        // A bound of `u64::MAX` means none, so a sum that passes even that has left the counter.
        let breach = |passed: u64, more: u64, bound: u64, why: Why| {
            over(passed, more, bound).then_some(if bound == u64::MAX { Why::Overflow } else { why })
        };
        [
            breach(0, amount, bounds.single, Why::OverSingleLimit),
            breach(now.day_amount, amount, bounds.day, Why::OverDayLimit),
            breach(now.day_count, 1, bounds.day_count, Why::OverDayCount),
            breach(now.year_amount, amount, bounds.year, Why::OverYearLimit),
            breach(now.year_count, 1, bounds.year_count, Why::OverYearCount),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Count `amount` once. The caller has asked [`Meter::refusal`] first.
    pub(crate) fn charge(&mut self, amount: u64, at: Nanos) {
        *self = self.rolled(at);
        self.day_amount += amount;
        self.day_count += 1;
        self.year_amount += amount;
        self.year_count += 1;
    }

    /// Give back part of what was charged at `charged`, where its day and year are still running.
    pub(crate) fn give_back(&mut self, amount: u64, count: u64, charged: Nanos, at: Nanos) {
        let (day, today) = (calendar::day(charged), calendar::day(at));
        if day == today {
            assert_eq!(self.day, today, "a charge of today is on today's figures");
            self.day_amount -= amount;
            self.day_count -= count;
        } else {
            let this_year = calendar::year_of_day(today);
            if calendar::year_of_day(day) != this_year {
                return;
            }
            assert_eq!(self.year, this_year, "a charge of this year is on this year's figures");
        }
        self.year_amount -= amount;
        self.year_count -= count;
    }

    /// What is left at `at` under `version`, the one in force then.
    pub(crate) fn allowance(&self, version: Option<PolicyVersion>, at: Nanos) -> Allowance {
        let meter = self.rolled(at);
        let bounds = version.map(|v| v.bounds);
        let left = |bound: fn(&Policy) -> u64, passed: u64| match bounds.as_ref().map(bound) {
            None => 0,
            Some(u64::MAX) => u64::MAX,
            Some(bound) => bound.saturating_sub(passed),
        };
        Allowance {
            meter,
            version,
            single: left(|p| p.single, 0),
            day: left(|p| p.day, meter.day_amount),
            day_count: left(|p| p.day_count, meter.day_count),
            year: left(|p| p.year, meter.year_amount),
            year_count: left(|p| p.year_count, meter.year_count),
        }
    }
}
