//! Pure decisions: times, percentiles, and when an integration is told that something is wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Code;

/// Upper bounds of the histogram of times, milliseconds. What takes longer counts to the last.
pub const BOUNDS_MS: [u64; 12] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];
/// Days that figures are kept.
pub const KEPT_DAYS: i64 = 30;
/// Points of a series at most.
pub const MAX_POINTS: i64 = 200;
/// Minutes between two points, the shortest that keeps to [`MAX_POINTS`] is taken.
const STEPS: [i64; 7] = [1, 5, 15, 30, 60, 180, 360];

/// Minutes that an alert looks at.
pub const WINDOW_MINUTES: i64 = 5;
/// Requests in them below which nothing is said.
pub const LEAST_REQUESTS: u64 = 20;
/// Successes below this share of all requests are told, per cent.
pub const LEAST_SUCCESS_PERCENT: u64 = 95;
/// One code above this share of all requests is told, per cent.
pub const MOST_OF_ONE_CODE_PERCENT: u64 = 10;
/// A slowest hundredth above this is told, milliseconds; one of [`BOUNDS_MS`], so that it is exact.
pub const MOST_P99_MS: u64 = 1_000;
/// An endpoint that fails for this long is told, minutes.
pub const ENDPOINT_FAILS_MINUTES: i64 = 10;
/// Minutes without the rule broken after which an incident is over, so that one that comes and goes is one.
pub const QUIET_MINUTES: i64 = 5;

crate::stored! {
    /// What was found wrong.
    pub enum AlertRule {
        /// Fewer than 95 in 100 requests of the last 5 minutes, at least 20, succeeded.
        SuccessRate = "SUCCESS_RATE",
        /// More than 10 in 100 of them were answered with this one code.
        ErrorCode = "ERROR_CODE",
        /// The slowest hundredth of them took longer than 1 s.
        Latency = "LATENCY",
        /// An endpoint has failed for 10 minutes without a success.
        Endpoint = "ENDPOINT",
    }
}

impl AlertRule {
    /// The bound that was crossed: per cent, milliseconds, or for an endpoint minutes.
    #[must_use]
    pub const fn threshold(self) -> u64 {
        match self {
            Self::SuccessRate => LEAST_SUCCESS_PERCENT,
            Self::ErrorCode => MOST_OF_ONE_CODE_PERCENT,
            Self::Latency => MOST_P99_MS,
            Self::Endpoint => ENDPOINT_FAILS_MINUTES.unsigned_abs(),
        }
    }
}

/// The bucket of [`BOUNDS_MS`] that a time falls into.
pub(super) fn bucket(took: Duration) -> usize {
    let fits = |bound: &u64| took <= Duration::from_millis(*bound);
    BOUNDS_MS.iter().position(fits).unwrap_or(BOUNDS_MS.len() - 1)
}

/// How a bucket stands in the table.
pub(super) fn bucket_text(place: usize) -> String {
    format!("le_{}", BOUNDS_MS[place])
}

/// What is counted under `what` in the table.
enum What {
    Time(usize),
    Code(Code),
}

/// A text that is neither was written by a newer version of the platform and is left out.
fn read(what: &str) -> Option<What> {
    if let Some(bound) = what.strip_prefix("le_") {
        let bound: u64 = bound.parse().ok()?;
        return BOUNDS_MS.iter().position(|known| *known == bound).map(What::Time);
    }
    Code::ALL.iter().find(|code| code.text() == what).map(|code| What::Code(*code))
}

/// How often a code was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MonitoringCode)]
pub struct CodeCount {
    /// The code of the problem.
    pub code: String,
    /// How often.
    pub count: u64,
}

/// Figures of a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MonitoringFigures)]
pub struct Figures {
    /// Requests whose key was proved.
    pub requests: u64,
    /// Those that were answered with a problem.
    pub failed: u64,
    /// Successes in 100 requests, to two decimals; absent without a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 99.87)]
    pub success_percent: Option<f64>,
    /// Half of the requests took at most so many milliseconds: a bound of the histogram.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<u64>,
    /// 99 in 100 took at most so many milliseconds: a bound of the histogram.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<u64>,
    /// Problems by code, the most frequent first.
    pub codes: Vec<CodeCount>,
}

/// Sums over any number of cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) times: [u64; BOUNDS_MS.len()],
    pub(super) codes: BTreeMap<&'static str, u64>,
}

impl Sums {
    /// Adds a row of the table.
    pub(super) fn add(&mut self, what: &str, count: u64) {
        match read(what) {
            Some(What::Time(place)) => self.times[place] += count,
            Some(What::Code(code)) => *self.codes.entry(code.text()).or_default() += count,
            None => {}
        }
    }

    /// Adds other sums.
    pub(super) fn join(&mut self, other: &Self) {
        for (mine, theirs) in self.times.iter_mut().zip(other.times) {
            *mine += theirs;
        }
        for (code, count) in &other.codes {
            *self.codes.entry(*code).or_default() += count;
        }
    }

    pub(super) fn requests(&self) -> u64 {
        self.times.iter().sum()
    }

    pub(super) fn failed(&self) -> u64 {
        self.codes.values().sum()
    }

    /// The bound within which so many in 100 requests were answered.
    pub(super) fn percentile(&self, percent: u64) -> Option<u64> {
        let all = self.requests();
        let wanted = (all * percent).div_ceil(100);
        let mut seen = 0;
        let within = self.times.iter().zip(BOUNDS_MS).find(|(count, _)| {
            seen += **count;
            seen >= wanted
        });
        within.filter(|_| all > 0).map(|(_, bound)| bound)
    }

    pub(super) fn figures(&self) -> Figures {
        let (requests, failed) = (self.requests(), self.failed());
        let mut codes: Vec<CodeCount> = self
            .codes
            .iter()
            .map(|(code, count)| CodeCount { code: (*code).to_owned(), count: *count })
            .collect();
        codes.sort_by_key(|one| std::cmp::Reverse(one.count));
        let hundredths = (requests.saturating_sub(failed) * 10_000).checked_div(requests);
        Figures {
            requests,
            failed,
            success_percent: hundredths.map(|count| count as f64 / 100.0),
            p50_ms: self.percentile(50),
            p99_ms: self.percentile(99),
            codes,
        }
    }

    /// Which rules these requests of the window break: the rule, what it is about, what was measured.
    pub(super) fn broken(&self) -> Vec<(AlertRule, &'static str, u64)> {
        let requests = self.requests();
        if requests < LEAST_REQUESTS {
            return Vec::new();
        }
        let mut broken = Vec::new();
        let successes = requests.saturating_sub(self.failed());
        if successes * 100 < requests * LEAST_SUCCESS_PERCENT {
            broken.push((AlertRule::SuccessRate, "", successes * 100 / requests));
        }
        for (code, count) in &self.codes {
            if count * 100 > requests * MOST_OF_ONE_CODE_PERCENT {
                broken.push((AlertRule::ErrorCode, *code, count * 100 / requests));
            }
        }
        if let Some(p99) = self.percentile(99).filter(|p99| *p99 > MOST_P99_MS) {
            broken.push((AlertRule::Latency, "", p99));
        }
        broken
    }
}

/// Minutes between the points of a series over so many minutes.
pub(super) fn step(minutes: i64) -> i64 {
    STEPS.into_iter().find(|step| minutes <= step * MAX_POINTS).unwrap_or(STEPS[STEPS.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(times: &[(u64, u64)], codes: &[(&str, u64)]) -> Sums {
        let mut sums = Sums::default();
        for (bound, count) in times {
            sums.add(&format!("le_{bound}"), *count);
        }
        for (code, count) in codes {
            sums.add(code, *count);
        }
        sums
    }

    #[test]
    fn a_time_falls_into_the_first_bound_that_holds_it() {
        let check = |micros: u64, bound: u64| {
            assert_eq!(BOUNDS_MS[bucket(Duration::from_micros(micros))], bound, "{micros} µs");
        };
        check(0, 5);
        check(5_000, 5);
        check(5_001, 10);
        check(1_000_000, 1_000);
        check(1_000_001, 2_500);
        check(30_000_000, 30_000);
        check(99_000_000, 30_000);
        assert!(BOUNDS_MS.contains(&MOST_P99_MS), "the bound of an alert is one of the histogram's");
    }

    #[test]
    fn figures_are_sums_and_percentiles_are_bounds() {
        let check = |times: &[(u64, u64)], codes: &[(&str, u64)], percent: Option<f64>, p50, p99| {
            let figures = sums(times, codes).figures();
            assert_eq!(
                (figures.success_percent, figures.p50_ms, figures.p99_ms),
                (percent, p50, p99),
                "{times:?}"
            );
        };
        check(&[], &[], None, None, None);
        check(&[(5, 1)], &[], Some(100.0), Some(5), Some(5));
        check(&[(5, 99), (2_500, 1)], &[], Some(100.0), Some(5), Some(5));
        check(&[(5, 98), (2_500, 2)], &[("conflict", 1)], Some(99.0), Some(5), Some(2_500));
        check(&[(25, 1), (50, 2)], &[("not_found", 1)], Some(66.66), Some(50), Some(50));
        check(&[(25, 3)], &[("a_code_of_tomorrow", 2)], Some(100.0), Some(25), Some(25));
        let figures = sums(&[(5, 9)], &[("conflict", 1), ("not_found", 3)]).figures();
        let codes: Vec<(&str, u64)> =
            figures.codes.iter().map(|one| (one.code.as_str(), one.count)).collect();
        assert_eq!((figures.failed, codes), (4, vec![("not_found", 3), ("conflict", 1)]));
    }

    #[test]
    fn a_rule_is_broken_beyond_its_bound_and_not_at_it() {
        use AlertRule::{ErrorCode, Latency, SuccessRate};
        let check = |times: &[(u64, u64)], codes: &[(&str, u64)], expect: &[(AlertRule, &str, u64)]| {
            assert_eq!(sums(times, codes).broken(), expect, "{times:?} {codes:?}");
        };
        check(&[(5, 100)], &[], &[]);
        check(&[(5, 19)], &[("conflict", 19)], &[]);
        check(&[(5, 20)], &[("conflict", 1)], &[]);
        check(&[(5, 20)], &[("conflict", 2)], &[(SuccessRate, "", 90)]);
        check(&[(5, 100)], &[("conflict", 5)], &[]);
        check(&[(5, 100)], &[("conflict", 6)], &[(SuccessRate, "", 94)]);
        check(
            &[(5, 100)],
            &[("conflict", 10), ("not_found", 11)],
            &[(SuccessRate, "", 79), (ErrorCode, "not_found", 11)],
        );
        check(&[(5, 99), (2_500, 1)], &[], &[]);
        check(&[(5, 98), (1_000, 2)], &[], &[]);
        check(&[(5, 98), (2_500, 2)], &[], &[(Latency, "", 2_500)]);
    }

    #[test]
    fn a_series_has_at_most_so_many_points() {
        let check = |minutes: i64, expect: i64| assert_eq!(step(minutes), expect, "{minutes}");
        check(1, 1);
        check(200, 1);
        check(201, 5);
        check(1_440, 15);
        check(7 * 1_440, 60);
        check(KEPT_DAYS * 1_440, 360);
        assert!(KEPT_DAYS * 1_440 / step(KEPT_DAYS * 1_440) <= MAX_POINTS);
    }
}
