//! PINs in SQL.

use crate::id::PersonId;
use crate::sessions::failures::Waits;
use crate::{App, Result, Tx};

/// What is shown of a PIN.
#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub(super) failures: i64,
    pub(super) locked_until: i64,
    pub(super) changed_at: i64,
}

pub(super) async fn row(app: &App, person: PersonId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT failures, locked_until, changed_at FROM pins WHERE person = $1")
        .bind(person)
        .fetch_optional(app.db.read())
        .await?)
}

pub(super) async fn is_set(tx: &mut Tx, person: PersonId) -> Result<bool> {
    let found: Option<i64> = sqlx::query_scalar("SELECT changed_at FROM pins WHERE person = $1")
        .bind(person)
        .fetch_optional(&mut *tx)
        .await?;
    Ok(found.is_some())
}

/// Sets the PIN and forgets all failures.
pub(super) async fn put(tx: &mut Tx, person: PersonId, hash: &str, now: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO pins (person, hash, failures, locked_until, changed_at) VALUES ($1, $2, 0, 0, $3) \
         ON CONFLICT (person) DO UPDATE SET hash = $2, failures = 0, locked_until = 0, changed_at = $3",
    )
    .bind(person)
    .bind(hash)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// What counting a try came to.
pub(super) enum Tried {
    /// There is no PIN.
    NotSet,
    /// Wait so many milliseconds; nothing was counted.
    Locked(i64),
    /// The try stands as a failure until [`succeed`] takes it back.
    Counted {
        /// What the PIN is compared with.
        hash: String,
        /// Failures in a row, this one included.
        failures: i64,
    },
}

/// Counts a failure ahead of its check.
pub(super) async fn count(tx: &mut Tx, person: PersonId, now: i64, waits: &Waits) -> Result<Tried> {
    let row: Option<(String, i64, i64)> =
        sqlx::query_as("SELECT hash, failures, locked_until FROM pins WHERE person = $1")
            .bind(person)
            .fetch_optional(&mut *tx)
            .await?;
    let Some((hash, failures, locked_until)) = row else { return Ok(Tried::NotSet) };
    if locked_until > now {
        return Ok(Tried::Locked(locked_until - now));
    }
    let failures = failures + 1;
    sqlx::query("UPDATE pins SET failures = $1, locked_until = $2 WHERE person = $3")
        .bind(failures)
        .bind(now + waits.after(failures) * 1000)
        .bind(person)
        .execute(&mut *tx)
        .await?;
    Ok(Tried::Counted { hash, failures })
}

/// The PIN was right: the failures in a row are over, unless it was changed meanwhile.
pub(super) async fn succeed(tx: &mut Tx, person: PersonId, hash: &str) -> Result<()> {
    sqlx::query("UPDATE pins SET failures = 0, locked_until = 0 WHERE person = $1 AND hash = $2")
        .bind(person)
        .bind(hash)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Spends `amount` of the day's sum without PIN; false, and nothing is spent, if it does not fit.
pub(super) async fn spend_free(
    tx: &mut Tx,
    person: PersonId,
    day: i64,
    amount: i64,
    most: i64,
) -> Result<bool> {
    if amount > most {
        return Ok(false);
    }
    let spent = sqlx::query(
        "INSERT INTO pin_free_days (person, day, amount) VALUES ($1, $2, $3) ON CONFLICT (person, day) \
         DO UPDATE SET amount = pin_free_days.amount + $3 WHERE pin_free_days.amount + $3 <= $4",
    )
    .bind(person)
    .bind(day)
    .bind(amount)
    .bind(most)
    .execute(&mut *tx)
    .await?;
    Ok(spent.rows_affected() == 1)
}

pub(super) async fn sweep(tx: &mut Tx, before: i64) -> Result<()> {
    sqlx::query("DELETE FROM pin_free_days WHERE day < $1").bind(before).execute(&mut *tx).await?;
    Ok(())
}

pub(super) async fn remove(tx: &mut Tx, person: PersonId) -> Result<()> {
    sqlx::query("DELETE FROM pins WHERE person = $1").bind(person).execute(&mut *tx).await?;
    Ok(())
}
