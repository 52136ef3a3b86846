//! Failures in a row and the growing waits they earn.
//!
//! A failure is counted *before* the secret is checked and taken back when it fitted. So however
//! many guesses arrive at once, no more are checked than the count allows.

use crate::{App, Code, Problem, Result, Tx, policies};

/// A bucket without failures for this long starts anew, milliseconds: a day.
const FORGOTTEN_AFTER_MS: i64 = 86_400_000;

/// How many tries are free of a wait, and the waits after them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waits {
    /// The failure that earns the first wait.
    pub(crate) tries: i64,
    /// Seconds, for that failure and each further one; the last holds for all that follow.
    pub(crate) seconds: [i64; 5],
}

impl Waits {
    /// The policies `{name}_tries` and `{name}_wait_1` to `{name}_wait_5`.
    pub(crate) async fn of(app: &App, name: &str) -> Result<Self> {
        let tries = policies::number(app, &format!("{name}_tries")).await?;
        let mut seconds = [0; 5];
        for (n, wait) in seconds.iter_mut().enumerate() {
            *wait = policies::number(app, &format!("{name}_wait_{}", n + 1)).await?;
        }
        Ok(Self { tries, seconds })
    }

    /// The wait in seconds that failure number `count` earns; 0 for none.
    pub(crate) fn after(&self, count: i64) -> i64 {
        match count - self.tries {
            ..0 => 0,
            over => self.seconds[usize::try_from(over).unwrap_or(usize::MAX).min(self.seconds.len() - 1)],
        }
    }
}

/// Counts a failure ahead of its check.
///
/// # Errors
/// `rate_limited` with the seconds left while an earlier failure's wait lasts; nothing is counted.
pub(crate) async fn count(tx: &mut Tx, bucket: &str, now: i64, waits: &Waits) -> Result<()> {
    let row: Option<(i64, i64, i64)> =
        sqlx::query_as("SELECT count, locked_until, last_at FROM failures WHERE bucket = $1")
            .bind(bucket)
            .fetch_optional(&mut *tx)
            .await?;
    let (before, locked_until, last_at) = row.unwrap_or_default();
    if locked_until > now {
        return Err(wait(Code::RateLimited, locked_until - now));
    }
    let count = if now - last_at.max(locked_until) > FORGOTTEN_AFTER_MS { 1 } else { before + 1 };
    let locked_until = now + waits.after(count) * 1000;
    sqlx::query(
        "INSERT INTO failures (bucket, count, locked_until, last_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (bucket) DO UPDATE SET count = $2, locked_until = $3, last_at = $4",
    )
    .bind(bucket)
    .bind(count)
    .bind(locked_until)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Forgets all failures: the secret fitted.
pub(crate) async fn forget(tx: &mut Tx, bucket: &str) -> Result<()> {
    sqlx::query("DELETE FROM failures WHERE bucket = $1").bind(bucket).execute(&mut *tx).await?;
    Ok(())
}

/// Takes back the one failure counted ahead and the wait it earned. For buckets that many share:
/// one who succeeds must not wash away the failures of another at the same address.
pub(crate) async fn take_back(tx: &mut Tx, bucket: &str) -> Result<()> {
    sqlx::query("UPDATE failures SET count = count - 1, locked_until = 0 WHERE bucket = $1 AND count > 0")
        .bind(bucket)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Deletes buckets that start anew anyway.
pub(crate) async fn sweep(tx: &mut Tx, now: i64) -> Result<()> {
    sqlx::query("DELETE FROM failures WHERE last_at < $1 AND locked_until < $1")
        .bind(now - FORGOTTEN_AFTER_MS)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// The problem that asks to wait `millis`.
pub(crate) fn wait(code: Code, millis: i64) -> Problem {
    let seconds = u64::try_from(millis.max(1)).unwrap_or(1).div_ceil(1000);
    Problem::new(code).retry_after(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_begin_at_the_last_free_try_and_grow_to_the_longest() {
        let waits = Waits { tries: 5, seconds: [30, 60, 300, 1800, 86_400] };
        let check = |count, expect| assert_eq!(waits.after(count), expect, "failure {count}");
        check(0, 0);
        check(4, 0);
        check(5, 30);
        check(6, 60);
        check(7, 300);
        check(8, 1800);
        check(9, 86_400);
        check(1_000, 86_400);
        check(i64::MAX, 86_400);
    }
}
