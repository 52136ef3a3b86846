//! Limits of a link, waits between two questions.

use crate::{Code, Problem, Result};

/// The wait after a fault of our own, milliseconds.
pub(crate) const FIRST_WAIT_MS: i64 = 2_000;

/// What may pass over one link in one direction. Amounts in fen; `None` means no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkLimits {
    pub(crate) single: Option<i64>,
    pub(crate) day: Option<i64>,
    pub(crate) day_count: Option<i64>,
    pub(crate) year: Option<i64>,
}

/// What has passed over one link in one direction, what is still open included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) day: i64,
    pub(crate) day_count: i64,
    pub(crate) year: i64,
}

/// Whether `amount` fits.
///
/// # Errors
/// The bound it breaks, with the limit and what is left.
pub(crate) fn check(limits: &LinkLimits, used: &Used, amount: i64) -> Result<()> {
    let within = |code: Code, limit: Option<i64>, used: i64, more: i64| match limit {
        Some(limit) if used.saturating_add(more) > limit => {
            let left = (limit - used).max(0);
            Err(Problem::new(code).with("limited_by", "link").with("limit", limit).with("left", left))
        }
        _ => Ok(()),
    };
    within(Code::OverSingleLimit, limits.single, 0, amount)?;
    within(Code::OverDayLimit, limits.day, used.day, amount)?;
    within(Code::OverDayLimit, limits.day_count, used.day_count, 1)?;
    within(Code::OverYearLimit, limits.year, used.year, amount)
}

/// The wait before question number `tries` (from 1), milliseconds: doubled each time.
pub(crate) fn wait_ms(tries: i64, first_s: i64, longest_s: i64) -> i64 {
    let doublings = u32::try_from((tries - 1).clamp(0, 30)).unwrap_or(30);
    first_s.saturating_mul(1 << doublings).min(longest_s).saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_of_a_link_lets_its_edge_through_and_not_one_fen_more() {
        let limits = LinkLimits { single: Some(100), day: Some(250), day_count: Some(3), year: Some(1_000) };
        let check = |used: Used, amount: i64, expect: Option<(Code, i64)>| {
            let problem = check(&limits, &used, amount).err();
            let left = |problem: &Problem| {
                problem.extra.as_ref().and_then(|extra| extra["left"].as_i64()).expect("left is told")
            };
            assert_eq!(
                problem.as_ref().map(|problem| (problem.code, left(problem))),
                expect,
                "{used:?} + {amount}"
            );
        };
        let used = |day, day_count, year| Used { day, day_count, year };
        check(used(0, 0, 0), 100, None);
        check(used(0, 0, 0), 101, Some((Code::OverSingleLimit, 100)));
        check(used(150, 2, 150), 100, None);
        check(used(151, 2, 151), 100, Some((Code::OverDayLimit, 99)));
        check(used(10, 3, 10), 1, Some((Code::OverDayLimit, 0)));
        check(used(0, 0, 900), 100, None);
        check(used(0, 0, 901), 100, Some((Code::OverYearLimit, 99)));
        let none = LinkLimits { single: None, day: None, day_count: None, year: None };
        assert!(super::check(&none, &used(i64::MAX, i64::MAX, i64::MAX), i64::MAX).is_ok());
    }

    #[test]
    fn the_waits_double_up_to_the_longest() {
        let waits: Vec<i64> = (1..=6).map(|tries| wait_ms(tries, 2, 20)).collect();
        assert_eq!(waits, [2_000, 4_000, 8_000, 16_000, 20_000, 20_000]);
        assert_eq!(wait_ms(i64::MAX, 2, 600), 600_000);
    }
}
