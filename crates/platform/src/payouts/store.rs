//! The tables `payout_batches`, `payout_lines` and `payout_misses`.

use std::collections::HashSet;

use sqlx::AssertSqlSafe;

use super::ask::{BadLine, PayoutAsk};
use super::check::{Checked, Good};
use super::{LineState, Purpose, State};
use crate::id::{MerchantId, PayoutId, PayoutLineId, PersonId, WalletId};
use crate::merchants::Caller;
use crate::page::Cursor;
use crate::{App, Code, Page, Problem, Result, Tx, db};

/// Lines that one transaction writes.
const TOGETHER: usize = 500;

/// A row of `payout_batches`. Amounts in fen, times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: PayoutId,
    pub(super) merchant: MerchantId,
    pub(super) out_batch_no: String,
    pub(super) name: String,
    pub(super) purpose: Purpose,
    pub(super) skip_invalid: i16,
    pub(super) notify_url: Option<String>,
    pub(super) content: String,
    pub(super) state: State,
    pub(super) total_count: i64,
    pub(super) total_amount: i64,
    pub(super) done_count: i64,
    pub(super) done_amount: i64,
    pub(super) failed_count: i64,
    pub(super) failed_amount: i64,
    pub(super) invalid_count: i64,
    pub(super) handed_line: i64,
    pub(super) digest: Vec<u8>,
    pub(super) approver: Option<PersonId>,
    pub(super) reason: Option<String>,
    pub(super) created_at: i64,
    pub(super) begun_at: Option<i64>,
    pub(super) ended_at: Option<i64>,
    pub(super) version: i64,
}

/// A row of `payout_lines`.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct LineRow {
    pub(super) id: PayoutLineId,
    pub(super) batch: PayoutId,
    pub(super) line: i64,
    pub(super) out_transfer_no: Option<String>,
    pub(super) wallet: Option<WalletId>,
    pub(super) payee: String,
    pub(super) amount: i64,
    pub(super) state: LineState,
    pub(super) problem: Option<String>,
    pub(super) field: Option<String>,
    pub(super) ended_at: Option<i64>,
}

pub(super) async fn find(app: &App, id: PayoutId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM payout_batches WHERE id = $1")
        .bind(id)
        .fetch_optional(app.db.read())
        .await?)
}

pub(super) async fn find_in(tx: &mut Tx, id: PayoutId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM payout_batches WHERE id = $1").bind(id).fetch_optional(tx).await?)
}

pub(super) async fn numbered(app: &App, merchant: MerchantId, out_batch_no: &str) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM payout_batches WHERE merchant = $1 AND out_batch_no = $2")
        .bind(merchant)
        .bind(out_batch_no.to_owned())
        .fetch_optional(app.db.read())
        .await?)
}

pub(super) async fn list(
    app: &App,
    merchant: MerchantId,
    state: Option<State>,
    cursor: &Cursor,
    limit: u32,
) -> Result<Page<Row>> {
    let rows = sqlx::query_as(crate::page::paged!(
        cursor,
        "SELECT * FROM payout_batches WHERE merchant = $1 AND (CAST($3 AS TEXT) IS NULL OR state = $3)",
        "id",
        "$2",
        "$4"
    ))
    .bind(merchant)
    .bind(cursor.from.clone())
    .bind(state)
    .bind(i64::from(limit) + 1)
    .fetch_all(app.db.read())
    .await?;
    Ok(cursor.page(rows, limit))
}

/// Lines of a batch after a place, in order, at most `most`.
pub(super) async fn lines(
    app: &App,
    batch: PayoutId,
    state: Option<LineState>,
    after: i64,
    most: u32,
) -> Result<Vec<LineRow>> {
    Ok(sqlx::query_as(
        "SELECT id, batch, line, out_transfer_no, wallet, payee, amount, state, problem, field, ended_at FROM payout_lines \
         WHERE batch = $1 AND line > $2 AND (CAST($3 AS TEXT) IS NULL OR state = $3) ORDER BY line LIMIT $4",
    )
    .bind(batch)
    .bind(after)
    .bind(state.map(|state| if state == LineState::Cancelled { LineState::Accepted } else { state }))
    .bind(i64::from(most))
    .fetch_all(app.db.read())
    .await?)
}

pub(super) async fn line_numbered(
    app: &App,
    merchant: MerchantId,
    out_transfer_no: &str,
) -> Result<Option<LineRow>> {
    Ok(sqlx::query_as(
        "SELECT id, batch, line, out_transfer_no, wallet, payee, amount, state, problem, field, ended_at FROM payout_lines \
         WHERE merchant = $1 AND out_transfer_no = $2 AND state <> 'INVALID'",
    )
    .bind(merchant)
    .bind(out_transfer_no.to_owned())
    .fetch_optional(app.db.read())
    .await?)
}

/// Which of these numbers the merchant has used.
pub(super) async fn used(app: &App, merchant: MerchantId, numbers: &[&str]) -> Result<HashSet<String>> {
    let mut used = HashSet::new();
    for some in numbers.chunks(TOGETHER) {
        let sql = format!(
            "SELECT out_transfer_no FROM payout_lines WHERE merchant = $1 AND state <> 'INVALID' AND out_transfer_no IN ({})",
            db::places(2, some.len())
        );
        let mut query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(merchant);
        for number in some {
            query = query.bind((*number).to_owned());
        }
        let found: Vec<String> = query.fetch_all(app.db.read()).await?;
        used.extend(found);
    }
    Ok(used)
}

pub(super) async fn misses(app: &App, merchant: MerchantId, day: i64) -> Result<i64> {
    let misses: Option<i64> =
        sqlx::query_scalar("SELECT misses FROM payout_misses WHERE merchant = $1 AND day = $2")
            .bind(merchant)
            .bind(day)
            .fetch_optional(app.db.read())
            .await?;
    Ok(misses.unwrap_or(0))
}

pub(super) async fn count_misses(tx: &mut Tx, merchant: MerchantId, day: i64, misses: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO payout_misses (merchant, day, misses) VALUES ($1, $2, $3) \
         ON CONFLICT (merchant, day) DO UPDATE SET misses = payout_misses.misses + $3",
    )
    .bind(merchant)
    .bind(day)
    .bind(misses)
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes a batch down, lines in transactions of [`TOGETHER`], and lets it begin as `state`; `None` if
/// there is one with its number. What cannot be finished is taken back.
pub(super) async fn receive(
    app: &App,
    caller: &Caller,
    ask: &PayoutAsk,
    content: &str,
    checked: Checked,
    state: State,
) -> Result<Option<Row>> {
    let now = app.clock.millis();
    let id = PayoutId::new(now);
    if !begin(app, id, caller, ask, content, &checked, now).await? {
        return Ok(None);
    }
    let written = write_lines(app, id, caller.merchant, checked, now).await;
    match written {
        Ok(()) => {
            let received = app.db.write(async move |tx: &mut Tx| received(tx, id, state).await).await?;
            // Dropped meanwhile, by a start of the platform that took it for a crash's.
            received.map(Some).ok_or(Problem::new(Code::InProgress))
        }
        Err(problem) => {
            drop_batch(app, id).await?;
            Err(problem)
        }
    }
}

async fn begin(
    app: &App,
    id: PayoutId,
    caller: &Caller,
    ask: &PayoutAsk,
    content: &str,
    checked: &Checked,
    now: i64,
) -> Result<bool> {
    let (caller, content) = (caller.clone(), content.to_owned());
    let ask = ask.head();
    let (count, amount, bad) = (checked.good.len() as i64, checked.amount, checked.bad.len() as i64);
    app.db
        .write(async move |tx: &mut Tx| {
            let done = sqlx::query(
                "INSERT INTO payout_batches (id, merchant, out_batch_no, name, purpose, skip_invalid, notify_url, content, state, \
                 total_count, total_amount, done_count, done_amount, failed_count, failed_amount, invalid_count, handed_line, digest, requested_by, created_at, version) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'RECEIVING', $9, $10, 0, 0, 0, 0, $11, 0, $12, $13, $14, 1) \
                 ON CONFLICT (merchant, out_batch_no) DO NOTHING",
            )
            .bind(id)
            .bind(caller.merchant)
            .bind(ask.out_batch_no.clone())
            .bind(ask.name.clone())
            .bind(ask.purpose)
            .bind(i16::from(ask.skip_invalid))
            .bind(ask.notify_url.clone())
            .bind(content.clone())
            .bind(count)
            .bind(amount)
            .bind(bad)
            .bind(caller.digest().to_vec())
            .bind(caller.serial.clone())
            .bind(now)
            .execute(tx)
            .await?;
            Ok(done.rows_affected() == 1)
        })
        .await
}

async fn write_lines(
    app: &App,
    batch: PayoutId,
    merchant: MerchantId,
    checked: Checked,
    now: i64,
) -> Result<()> {
    let (good, bad) = (checked.good, checked.bad);
    for some in good.chunks(TOGETHER) {
        let rows = some.iter().map(|line| NewLine::good(app, line, now)).collect::<Vec<_>>();
        app.db.write(async move |tx: &mut Tx| insert(tx, batch, merchant, &rows).await).await?;
    }
    for some in bad.chunks(TOGETHER) {
        let rows = some.iter().map(|line| NewLine::bad(line, now)).collect::<Vec<_>>();
        app.db.write(async move |tx: &mut Tx| insert(tx, batch, merchant, &rows).await).await?;
    }
    Ok(())
}

/// A line to insert.
struct NewLine {
    id: PayoutLineId,
    line: i64,
    out_transfer_no: Option<String>,
    wallet: Option<WalletId>,
    payee: String,
    amount: i64,
    remark: Option<Vec<u8>>,
    state: LineState,
    problem: Option<String>,
    field: Option<String>,
    ended_at: Option<i64>,
}

impl NewLine {
    fn good(app: &App, line: &Good, now: i64) -> Self {
        let id = id(line.line, now);
        let seal = |remark: &String| app.seal.seal(remark.as_bytes(), place(id).as_bytes());
        Self {
            id,
            line: line.line,
            out_transfer_no: Some(line.out_transfer_no.clone()),
            wallet: Some(line.wallet),
            payee: line.payee.clone(),
            amount: line.amount,
            remark: line.remark.as_ref().map(seal),
            state: LineState::Accepted,
            problem: None,
            field: None,
            ended_at: None,
        }
    }

    fn bad(line: &BadLine, now: i64) -> Self {
        Self {
            id: id(line.line, now),
            line: line.line,
            out_transfer_no: line.out_transfer_no.clone(),
            wallet: None,
            payee: String::new(),
            amount: 0,
            remark: None,
            state: LineState::Invalid,
            problem: Some(format!("{}: {}", line.code, line.reason)),
            field: Some(line.field.clone()).filter(|field| !field.is_empty()),
            ended_at: Some(now),
        }
    }
}

/// A line's id: of the lines of a batch, the later one sorts higher.
fn id(line: i64, now: i64) -> PayoutLineId {
    const PLACE: u32 = 59;
    let random = PayoutLineId::new(0).number() & ((1 << PLACE) - 1);
    PayoutLineId::from_parts(now, (line as u128) << PLACE | random)
}

/// Where a remark is sealed to.
pub(super) fn place(id: PayoutLineId) -> String {
    format!("payout_lines.remark/{id}")
}

async fn insert(tx: &mut Tx, batch: PayoutId, merchant: MerchantId, rows: &[NewLine]) -> Result<()> {
    const COLUMNS: usize = 11;
    let values: Vec<String> =
        (0..rows.len()).map(|n| format!("($1, $2, {})", db::places(3 + n * COLUMNS, COLUMNS))).collect();
    let sql = format!(
        "INSERT INTO payout_lines (batch, merchant, id, line, out_transfer_no, wallet, payee, amount, remark, state, problem, field, ended_at) VALUES {}",
        values.join(", ")
    );
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(batch).bind(merchant);
    for row in rows {
        query = query
            .bind(row.id)
            .bind(row.line)
            .bind(row.out_transfer_no.clone())
            .bind(row.wallet)
            .bind(row.payee.clone())
            .bind(row.amount)
            .bind(row.remark.clone())
            .bind(row.state)
            .bind(row.problem.clone())
            .bind(row.field.clone())
            .bind(row.ended_at);
    }
    match query.execute(tx).await {
        Err(error) if db::is_taken(&error) => Err(Problem::new(Code::Conflict)
            .field("out_transfer_no")
            .detail("Another batch with lines of the same numbers was taken in at the same time.")),
        done => Ok(done.map(drop)?),
    }
}

async fn received(tx: &mut Tx, id: PayoutId, state: State) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "UPDATE payout_batches SET state = $2 WHERE id = $1 AND state = 'RECEIVING' RETURNING *",
    )
    .bind(id)
    .bind(state)
    .fetch_optional(tx)
    .await?)
}

/// Drops a batch that is being taken in; its number is free again.
pub(super) async fn drop_batch(app: &App, id: PayoutId) -> Result<()> {
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query("DELETE FROM payout_lines WHERE batch = $1").bind(id).execute(&mut *tx).await?;
            sqlx::query("DELETE FROM payout_batches WHERE id = $1 AND state = 'RECEIVING'")
                .bind(id)
                .execute(tx)
                .await?;
            Ok(())
        })
        .await
}

/// Batches in a state, oldest first.
pub(super) async fn in_state(app: &App, state: State) -> Result<Vec<PayoutId>> {
    Ok(sqlx::query_scalar("SELECT id FROM payout_batches WHERE state = $1 ORDER BY id")
        .bind(state)
        .fetch_all(app.db.read())
        .await?)
}

/// Ends a batch that has not begun; `None` if it has, or has ended.
pub(super) async fn end(
    tx: &mut Tx,
    id: PayoutId,
    state: State,
    reason: Option<&str>,
    approver: Option<PersonId>,
    now: i64,
) -> Result<Option<Row>> {
    // Cancelling reaches a batch that waits for nobody too; a no of the owner only one that waits.
    let from = if state == State::Cancelled { "ACCEPTED" } else { "PENDING_APPROVAL" };
    Ok(sqlx::query_as(
        "UPDATE payout_batches SET state = $2, reason = $3, approver = COALESCE(CAST($4 AS TEXT), approver), ended_at = $5, version = version + 1 \
         WHERE id = $1 AND state IN ('PENDING_APPROVAL', $6) RETURNING *",
    )
    .bind(id)
    .bind(state)
    .bind(reason.map(str::to_owned))
    .bind(approver)
    .bind(now)
    .bind(from)
    .fetch_optional(tx)
    .await?)
}

/// Lets a batch begin that waits for approval; `None` if it does not wait.
pub(super) async fn approve(tx: &mut Tx, id: PayoutId, approver: PersonId) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "UPDATE payout_batches SET state = 'ACCEPTED', approver = $2, version = version + 1 WHERE id = $1 AND state = 'PENDING_APPROVAL' RETURNING *",
    )
    .bind(id)
    .bind(approver)
    .fetch_optional(tx)
    .await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_batch_sort_as_they_came_and_their_numbers_leave_room_for_legs() {
        let ids: Vec<String> =
            [1, 2, 3, 99_999, 100_000].map(|line| id(line, 1_780_000_000_000).to_string()).into();
        assert!(ids.is_sorted(), "{ids:?}");
        assert_ne!(id(1, 5), id(1, 5));
        let number = id(100_000, 1_780_000_000_000).number();
        assert!(jialing_ledger::is_transfer_id(number) && number & 0xf == 0);
    }
}
