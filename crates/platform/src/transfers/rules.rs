//! Decisions about transfers and look-ups that need nothing but their input.

use super::{TransferAsk, payees, store};
use crate::{App, Problem, Result};

/// Whether `ask` is the transfer that `row` is.
///
/// # Errors
/// `conflict`, naming the first field that differs.
pub fn same(app: &App, row: &store::Row, ask: &TransferAsk) -> Result<()> {
    let differs = [
        ("from_wallet_id", row.from_wallet != ask.from_wallet_id),
        ("payee", row.payee_hash != payees::hash(app, &ask.payee)),
        ("amount", u64::try_from(row.amount) != Ok(ask.amount.amount)),
        ("note", store::note(app, row)?.as_deref() != ask.note.as_deref()),
        ("delay", row.arrives_at.is_some() != ask.delay.is_some()),
    ];
    Problem::conflict_if(differs, |field| {
        format!("A transfer with this out_transfer_no exists with another `{field}`.")
    })
}

/// The bucket's numbers, in points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Most points.
    pub most: i64,
    /// Points that come back each minute.
    pub refill_minute: i64,
    /// Points a look-up that finds somebody costs.
    pub hit: i64,
    /// Points a look-up that finds nobody costs.
    pub miss: i64,
    /// Points a payment to somebody found gives back.
    pub payment: i64,
}

/// `n / by` rounded up, for numbers that are not negative.
const fn ceil(n: i64, by: i64) -> i64 {
    (n + by - 1) / by
}

/// Thousandths in a point.
const MILLI: i64 = 1000;
const MINUTE_MS: i64 = 60_000;

impl Bucket {
    /// A full bucket, in thousandths.
    #[must_use]
    pub const fn full(&self) -> i64 {
        self.most * MILLI
    }

    /// The level now, of a bucket that held `level` thousandths `elapsed_ms` ago. A clock that went
    /// back takes nothing away.
    #[must_use]
    pub fn refilled(&self, level: i64, elapsed_ms: i64) -> i64 {
        let gained = elapsed_ms.max(0).saturating_mul(self.refill_minute * MILLI) / MINUTE_MS;
        level.saturating_add(gained).min(self.full())
    }

    /// Whether somebody with `level` may ask. A miss may take the level below zero, and then one
    /// waits all the longer.
    #[must_use]
    pub const fn allows(&self, level: i64) -> bool {
        level >= self.hit * MILLI
    }

    /// The level after a look-up.
    #[must_use]
    pub const fn charged(&self, level: i64, hit: bool) -> i64 {
        level - if hit { self.hit } else { self.miss } * MILLI
    }

    /// The level after a payment to somebody found.
    #[must_use]
    pub fn paid(&self, level: i64) -> i64 {
        (level + self.payment * MILLI).min(self.full())
    }

    /// Whole seconds until somebody with `level` may ask.
    #[must_use]
    pub fn wait_seconds(&self, level: i64) -> u64 {
        let missing = (self.hit * MILLI - level).max(0);
        let ms = ceil(missing * MINUTE_MS, self.refill_minute.max(1) * MILLI);
        u64::try_from(ceil(ms, 1000)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUCKET: Bucket = Bucket { most: 100, refill_minute: 2, hit: 1, miss: 20, payment: 1 };

    #[test]
    fn a_bucket_refills_with_time_and_never_overflows() {
        let check = |level: i64, elapsed_ms: i64, expect: i64| {
            assert_eq!(BUCKET.refilled(level, elapsed_ms), expect, "{level} {elapsed_ms}")
        };
        check(0, 0, 0);
        check(0, 30_000, 1_000);
        check(0, 60_000, 2_000);
        check(99_000, 600_000, 100_000);
        check(100_000, 1, 100_000);
        check(-19_000, 600_000, 1_000);
        check(50_000, -600_000, 50_000);
        check(0, i64::MAX, 100_000);
    }

    #[test]
    fn a_scan_ends_after_five_misses_and_a_user_has_a_hundred_hits() {
        let run = |hit: bool| {
            let (mut level, mut asked) = (BUCKET.full(), 0);
            while BUCKET.allows(level) {
                level = BUCKET.charged(level, hit);
                asked += 1;
            }
            (asked, level)
        };
        assert_eq!(run(false), (5, 0));
        assert_eq!(run(true), (100, 0));
    }

    #[test]
    fn the_wait_is_as_long_as_the_refill_takes() {
        let check = |level: i64, seconds: u64| assert_eq!(BUCKET.wait_seconds(level), seconds, "{level}");
        check(1_000, 0);
        check(999, 1);
        check(0, 30);
        check(-19_000, 600);
    }

    #[test]
    fn a_payment_gives_a_point_back_but_not_more_than_there_is_room_for() {
        assert_eq!(BUCKET.paid(5_000), 6_000);
        assert_eq!(BUCKET.paid(99_500), 100_000);
    }
}
