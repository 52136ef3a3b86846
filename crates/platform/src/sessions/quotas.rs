//! How often something may be done in an hour and in a day.

use crate::sessions::failures::wait;
use crate::{App, Code, Result, Tx, policies};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// At most so many in a clock hour and in a day (both of UTC).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    /// In an hour.
    pub(crate) hour: i64,
    /// In a day.
    pub(crate) day: i64,
}

impl Quota {
    /// The policies `{name}_hour` and `{name}_day`.
    pub(crate) async fn of(app: &App, name: &str) -> Result<Self> {
        Ok(Self {
            hour: policies::number(app, &format!("{name}_hour")).await?,
            day: policies::number(app, &format!("{name}_day")).await?,
        })
    }
}

/// Counts one more in `bucket`.
///
/// # Errors
/// `rate_limited` when the hour's or the day's quota is used up; nothing is counted.
pub(crate) async fn take(tx: &mut Tx, bucket: &str, now: i64, quota: Quota) -> Result<()> {
    let row: Option<(i64, i64, i64, i64)> =
        sqlx::query_as("SELECT hour, hour_count, day, day_count FROM quotas WHERE bucket = $1")
            .bind(bucket)
            .fetch_optional(&mut *tx)
            .await?;
    let (hour, day) = (now.div_euclid(HOUR_MS), now.div_euclid(DAY_MS));
    let (last_hour, in_hour, last_day, in_day) = row.unwrap_or_default();
    let in_hour = if last_hour == hour { in_hour } else { 0 };
    let in_day = if last_day == day { in_day } else { 0 };
    if in_day >= quota.day {
        return Err(wait(Code::RateLimited, (day + 1) * DAY_MS - now));
    }
    if in_hour >= quota.hour {
        return Err(wait(Code::RateLimited, (hour + 1) * HOUR_MS - now));
    }
    sqlx::query(
        "INSERT INTO quotas (bucket, hour, hour_count, day, day_count) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (bucket) DO UPDATE SET hour = $2, hour_count = $3, day = $4, day_count = $5",
    )
    .bind(bucket)
    .bind(hour)
    .bind(in_hour + 1)
    .bind(day)
    .bind(in_day + 1)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Deletes the counts of past days.
pub(crate) async fn sweep(tx: &mut Tx, now: i64) -> Result<()> {
    sqlx::query("DELETE FROM quotas WHERE day < $1").bind(now.div_euclid(DAY_MS)).execute(&mut *tx).await?;
    Ok(())
}
