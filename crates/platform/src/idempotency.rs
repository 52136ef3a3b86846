//! Writes that are carried out once: what became of an `Idempotency-Key`.
//!
//! A key belongs to one owner and one request. Its first use stores a *work id*; whoever does the work
//! makes its resource under that id, so doing it again finds it done. While it is being done a lease
//! holds off repetitions; a lease that ran out (a crash, a lost node) lets the next repetition go on
//! under the same work id. Each take-over counts up `run`, so that a worker who was given up cannot
//! undo what its successor did.
//!
//! Answers are kept sealed, because they may hold balances and masked names. All of this is held by
//! the uniqueness of (owner, key) in the database, so it also holds across nodes.

use sqlx::Row;

use crate::id::TransactionId;
use crate::{App, Code, Problem, Result, Tx};

/// How long a worker has the work to itself, milliseconds.
pub const LEASE_MS: i64 = 60_000;
/// Fewest hours that a key is remembered.
pub const MIN_HOURS: u64 = 24;
/// Rows that one cleaning job removes at most.
pub const CLEANED_TOGETHER: i64 = 5_000;

/// A key and whom it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The public id of the person, merchant or bank.
    pub owner: String,
    /// What the caller chose.
    pub key: String,
}

/// Work under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// The number that the resource is made under.
    pub id: u128,
    /// 1 for the first worker, one more for each that took over.
    pub run: i64,
}

/// What a key's use begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// The work is the caller's, until the lease ends.
    Work(Work),
    /// It was done before; this was the answer.
    Done {
        /// The HTTP status.
        status: u16,
        /// The body.
        answer: Vec<u8>,
    },
}

/// How work without a success ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was refused and nothing was done.
    Refused,
    /// It may have been done in part.
    Unknown,
}

struct Kept {
    print: Vec<u8>,
    work: TransactionId,
    run: i64,
    leased_until: i64,
    status: Option<i16>,
    answer: Option<Vec<u8>>,
}

/// Begins the work of the request with the fingerprint `print` under `key`, or finds it done.
///
/// # Errors
/// `idempotency_key_reused` when the key came with another request; `in_progress` while another
/// worker has it.
pub async fn begin(app: &App, key: &Key, print: &[u8]) -> Result<Begun> {
    let now = app.clock.millis();
    let (at, wanted) = (key.clone(), print.to_vec());
    let kept = app.db.write(async move |tx: &mut Tx| claim(tx, &at, &wanted, now).await).await?;
    match (kept.status, kept.answer) {
        (Some(status), Some(sealed)) => {
            let answer = app.seal.open(&sealed, &place(key)).map_err(Problem::internal)?;
            Ok(Begun::Done { status: status as u16, answer: answer.to_vec() })
        }
        _ => Ok(Begun::Work(Work { id: kept.work.number(), run: kept.run })),
    }
}

async fn claim(tx: &mut Tx, key: &Key, print: &[u8], now: i64) -> Result<Kept> {
    let fresh = TransactionId::new(now);
    let until = now + LEASE_MS;
    let inserted = sqlx::query(
        "INSERT INTO idempotency_keys (owner, key, print, work, run, leased_until, used_at) VALUES ($1, $2, $3, $4, 1, $5, $6) \
         ON CONFLICT (owner, key) DO NOTHING",
    )
    .bind(key.owner.as_str())
    .bind(key.key.as_str())
    .bind(print.to_vec())
    .bind(fresh)
    .bind(until)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let mut kept = read(tx, key).await?.ok_or_else(|| Problem::internal("an idempotency key vanished"))?;
    if inserted.rows_affected() == 1 {
        return Ok(kept);
    }
    if kept.print != print {
        return Err(Problem::new(Code::IdempotencyKeyReused));
    }
    if kept.status.is_some() {
        return Ok(kept);
    }
    // A lease that ends later than a new one would was given by a clock that has gone back since.
    if kept.leased_until > now && kept.leased_until <= until {
        let seconds = (kept.leased_until - now).unsigned_abs().div_ceil(1000);
        return Err(Problem::new(Code::InProgress).retry_after(seconds.min(2)));
    }
    kept.run += 1;
    sqlx::query(
        "UPDATE idempotency_keys SET run = $3, leased_until = $4, used_at = $5 WHERE owner = $1 AND key = $2",
    )
    .bind(key.owner.as_str())
    .bind(key.key.as_str())
    .bind(kept.run)
    .bind(until)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(kept)
}

async fn read(tx: &mut Tx, key: &Key) -> Result<Option<Kept>> {
    let row = sqlx::query("SELECT print, work, run, leased_until, status, answer FROM idempotency_keys WHERE owner = $1 AND key = $2")
        .bind(key.owner.as_str())
        .bind(key.key.as_str())
        .fetch_optional(tx)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Kept {
        print: row.try_get(0)?,
        work: row.try_get(1)?,
        run: row.try_get(2)?,
        leased_until: row.try_get(3)?,
        status: row.try_get(4)?,
        answer: row.try_get(5)?,
    }))
}

/// Keeps the answer of a success. It stays even if the lease had run out meanwhile: the work id was
/// the same, so the successor did the same thing.
///
/// # Errors
/// Any fault of the database.
pub async fn done(app: &App, key: &Key, status: u16, answer: &[u8]) -> Result<()> {
    let sealed = app.seal.seal(answer, &place(key));
    let (key, now) = (key.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query("UPDATE idempotency_keys SET status = $3, answer = $4, used_at = $5 WHERE owner = $1 AND key = $2 AND status IS NULL")
                .bind(key.owner.as_str())
                .bind(key.key.as_str())
                .bind(status as i16)
                .bind(sealed.clone())
                .bind(now)
                .execute(&mut *tx)
                .await?;
            Ok(())
        })
        .await
}

/// Gives the work of `run` up without a success. When the first worker was refused, the key is as if
/// never used. A later worker's refusal may come from what an earlier one did, so then the work id
/// stays, as it does when the outcome is unknown.
///
/// # Errors
/// Any fault of the database.
pub async fn release(app: &App, key: &Key, run: i64, ended: Ended) -> Result<()> {
    let sql = if run == 1 && ended == Ended::Refused {
        "DELETE FROM idempotency_keys WHERE owner = $1 AND key = $2 AND run = $3 AND status IS NULL"
    } else {
        "UPDATE idempotency_keys SET leased_until = 0 WHERE owner = $1 AND key = $2 AND run = $3 AND status IS NULL"
    };
    let key = key.clone();
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query(sql)
                .bind(key.owner.as_str())
                .bind(key.key.as_str())
                .bind(run)
                .execute(&mut *tx)
                .await?;
            Ok(())
        })
        .await
}

/// Forgets keys that were last used more than `hours` ago (at least [`MIN_HOURS`]); how many.
///
/// # Errors
/// Any fault of the database.
pub async fn clean(app: &App, hours: u64) -> Result<u64> {
    let before = app.clock.millis() - hours.max(MIN_HOURS) as i64 * 3_600_000;
    app.db
        .write(async move |tx: &mut Tx| {
            let gone = sqlx::query(
                "DELETE FROM idempotency_keys WHERE (owner, key) IN \
                 (SELECT owner, key FROM idempotency_keys WHERE used_at < $1 ORDER BY used_at LIMIT $2)",
            )
            .bind(before)
            .bind(CLEANED_TOGETHER)
            .execute(&mut *tx)
            .await?;
            Ok(gone.rows_affected())
        })
        .await
}

/// Where an answer is kept, which its seal is bound to.
fn place(key: &Key) -> Vec<u8> {
    format!("idempotency_keys/{}/{}", key.owner, key.key).into_bytes()
}
