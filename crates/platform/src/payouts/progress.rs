//! How far a batch has come: claims, lines that ended, and the batch's end.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use super::store::Row;
use super::{State, tell};
use crate::id::{PayoutId, PayoutLineId};
use crate::outbox::EventType;
use crate::{Code, Result, Tx};

/// Lines that one statement changes.
const TOGETHER: usize = 500;

/// A line that the ledger refused.
pub(super) struct Failed {
    pub(super) id: PayoutLineId,
    pub(super) code: Code,
}

/// Lines up to one were handed to the ledger.
pub(super) struct Handed {
    pub(super) batch: PayoutId,
    pub(super) claim: String,
    pub(super) line: i64,
    pub(super) failed: Vec<Failed>,
}

/// A line that the ledger moved.
pub(super) struct Moved {
    pub(super) id: PayoutLineId,
    pub(super) at: i64,
    pub(super) seq: i64,
}

/// Takes a batch that is to be carried out; `None` if another has it, or it has ended.
pub(super) async fn claim(
    tx: &mut Tx,
    id: PayoutId,
    claim: &str,
    now: i64,
    until: i64,
) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "UPDATE payout_batches SET claim = $2, claimed_until = $4, state = 'PROCESSING', begun_at = COALESCE(begun_at, $3), \
         version = CASE WHEN state = 'ACCEPTED' THEN version + 1 ELSE version END \
         WHERE id = $1 AND state IN ('ACCEPTED', 'PROCESSING') AND (claim IS NULL OR claimed_until <= $3) RETURNING *",
    )
    .bind(id)
    .bind(claim.to_owned())
    .bind(now)
    .bind(until)
    .fetch_optional(tx)
    .await?)
}

pub(super) async fn unclaim(tx: &mut Tx, id: PayoutId, claim: &str) -> Result<()> {
    sqlx::query("UPDATE payout_batches SET claim = NULL, claimed_until = NULL WHERE id = $1 AND claim = $2")
        .bind(id)
        .bind(claim.to_owned())
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn unclaim_all(tx: &mut Tx) -> Result<()> {
    sqlx::query("UPDATE payout_batches SET claim = NULL, claimed_until = NULL WHERE state = 'PROCESSING' AND claim IS NOT NULL")
        .execute(tx)
        .await?;
    Ok(())
}

/// Writes down what was handed over and refused; false if the claim is another's by now.
pub(super) async fn handed(tx: &mut Tx, handed: &Handed, now: i64, until: i64) -> Result<bool> {
    let kept = sqlx::query(
        "UPDATE payout_batches SET handed_line = $3, claimed_until = $4 WHERE id = $1 AND claim = $2",
    )
    .bind(handed.batch)
    .bind(handed.claim.clone())
    .bind(handed.line)
    .bind(until)
    .execute(&mut *tx)
    .await?;
    if kept.rows_affected() == 0 {
        return Ok(false);
    }
    for some in handed.failed.chunks(TOGETHER) {
        let values: Vec<String> =
            (0..some.len()).map(|n| format!("(${}, ${})", 2 * n + 2, 2 * n + 3)).collect();
        let sql = format!(
            "WITH v (id, code) AS (VALUES {}) UPDATE payout_lines SET state = 'FAIL', problem = v.code, ended_at = $1 \
             FROM v WHERE payout_lines.id = v.id AND payout_lines.state = 'ACCEPTED' RETURNING payout_lines.amount",
            values.join(", ")
        );
        let mut query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(now);
        for line in some {
            query = query.bind(line.id).bind(line.code.text().to_owned());
        }
        let amounts: Vec<i64> = query.fetch_all(&mut *tx).await?;
        count(
            tx,
            handed.batch,
            Counted {
                failed: amounts.len() as i64,
                failed_amount: amounts.iter().sum(),
                ..Counted::default()
            },
        )
        .await?;
    }
    finish(tx, handed.batch, now).await?;
    Ok(true)
}

/// Writes down what the ledger moved, whatever was believed of it. Safe to run again.
pub(super) async fn moved(tx: &mut Tx, lines: &[Moved]) -> Result<()> {
    let mut batches: BTreeMap<String, (PayoutId, Counted, i64)> = BTreeMap::new();
    for some in lines.chunks(TOGETHER) {
        // A line that was believed to have failed is counted over.
        for (from, was_failed) in [("ACCEPTED", false), ("FAIL", true)] {
            let values: Vec<String> = (0..some.len())
                .map(|n| {
                    format!(
                        "(${}, CAST(${} AS BIGINT), CAST(${} AS BIGINT))",
                        3 * n + 1,
                        3 * n + 2,
                        3 * n + 3
                    )
                })
                .collect();
            let sql = format!(
                "WITH v (id, at, seq) AS (VALUES {}) UPDATE payout_lines SET state = 'SUCCESS', problem = NULL, ended_at = v.at, record_seq = v.seq \
                 FROM v WHERE payout_lines.id = v.id AND payout_lines.state = '{from}' \
                 RETURNING payout_lines.batch, payout_lines.amount, payout_lines.ended_at",
                values.join(", ")
            );
            let mut query = sqlx::query_as(AssertSqlSafe(sql));
            for line in some {
                query = query.bind(line.id).bind(line.at).bind(line.seq);
            }
            let rows: Vec<(PayoutId, i64, i64)> = query.fetch_all(&mut *tx).await?;
            let all = rows.len() == some.len();
            for (batch, amount, at) in rows {
                let (_, counted, last) =
                    batches.entry(batch.to_string()).or_insert((batch, Counted::default(), at));
                counted.add(amount, was_failed);
                *last = (*last).max(at);
            }
            if all {
                break;
            }
        }
    }
    for (batch, counted, at) in batches.into_values() {
        count(tx, batch, counted).await?;
        finish(tx, batch, at).await?;
    }
    Ok(())
}

/// What is added to a batch's figures.
#[derive(Clone, Copy, Default)]
struct Counted {
    done: i64,
    done_amount: i64,
    failed: i64,
    failed_amount: i64,
}

impl Counted {
    fn add(&mut self, amount: i64, was_failed: bool) {
        self.done += 1;
        self.done_amount += amount;
        if was_failed {
            self.failed -= 1;
            self.failed_amount -= amount;
        }
    }
}

async fn count(tx: &mut Tx, batch: PayoutId, more: Counted) -> Result<()> {
    sqlx::query(
        "UPDATE payout_batches SET done_count = done_count + $2, done_amount = done_amount + $3, \
         failed_count = failed_count + $4, failed_amount = failed_amount + $5 WHERE id = $1",
    )
    .bind(batch)
    .bind(more.done)
    .bind(more.done_amount)
    .bind(more.failed)
    .bind(more.failed_amount)
    .execute(tx)
    .await?;
    Ok(())
}

/// Ends a batch whose every line has ended, and tells the merchant.
async fn finish(tx: &mut Tx, batch: PayoutId, at: i64) -> Result<()> {
    let row: Option<Row> = sqlx::query_as(
        "UPDATE payout_batches SET state = CASE WHEN failed_count = 0 THEN $2 WHEN done_count = 0 THEN $3 ELSE $4 END, \
         ended_at = $5, claim = NULL, claimed_until = NULL, version = version + 1 \
         WHERE id = $1 AND done_count + failed_count = total_count \
         AND state IN ('ACCEPTED', 'PROCESSING', CASE WHEN failed_count = 0 THEN 'PARTIAL' ELSE 'FAIL' END) RETURNING *",
    )
    .bind(batch)
    .bind(State::Success)
    .bind(State::Fail)
    .bind(State::Partial)
    .bind(at)
    .fetch_optional(&mut *tx)
    .await?;
    match row {
        Some(row) => tell(tx, row, EventType::PayoutFinished, at).await,
        None => Ok(()),
    }
}
