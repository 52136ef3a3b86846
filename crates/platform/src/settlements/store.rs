//! The tables `settlements` and `settlement_settings`.

use super::{State, When, tell};
use crate::id::{LinkId, MerchantId, PersonId, SettlementId};
use crate::page::Cursor;
use crate::{App, Page, Problem, Result, Tx};

/// A row of `settlements`. Amounts in fen, times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: SettlementId,
    pub(super) merchant: MerchantId,
    pub(super) out_settlement_no: Option<String>,
    pub(super) state: State,
    pub(super) held_from: Option<State>,
    pub(super) reason: Option<String>,
    pub(super) first_seq: i64,
    pub(super) end_seq: Option<i64>,
    pub(super) opening: Option<i64>,
    pub(super) closing: Option<i64>,
    pub(super) figures: Option<String>,
    pub(super) fee: i64,
    pub(super) amount: i64,
    pub(super) link: Option<LinkId>,
    pub(super) approver: Option<PersonId>,
    pub(super) created_at: i64,
    pub(super) cut_at: Option<i64>,
    pub(super) paid_at: Option<i64>,
    pub(super) ended_at: Option<i64>,
    pub(super) version: i64,
}

/// A row of `settlement_settings`.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Set {
    pub(super) merchant: MerchantId,
    pub(super) link: LinkId,
    pub(super) cut: When,
    pub(super) cut_minute: i64,
    pub(super) minimum: i64,
    pub(super) keep: i64,
    pub(super) approval_above: Option<i64>,
    pub(super) next_cut_at: Option<i64>,
}

pub(super) async fn find(tx: &mut Tx, id: SettlementId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM settlements WHERE id = $1").bind(id).fetch_optional(tx).await?)
}

pub(super) async fn numbered(tx: &mut Tx, merchant: MerchantId, number: &str) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM settlements WHERE merchant = $1 AND out_settlement_no = $2")
        .bind(merchant)
        .bind(number.to_owned())
        .fetch_optional(tx)
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
        "SELECT * FROM settlements WHERE merchant = $1 AND (CAST($3 AS TEXT) IS NULL OR state = $3)",
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

pub(super) async fn set_of(tx: &mut Tx, merchant: MerchantId) -> Result<Option<Set>> {
    Ok(sqlx::query_as("SELECT * FROM settlement_settings WHERE merchant = $1")
        .bind(merchant)
        .fetch_optional(tx)
        .await?)
}

pub(super) async fn put_set(tx: &mut Tx, set: &Set, now: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO settlement_settings (merchant, link, cut, cut_minute, minimum, keep, approval_above, next_cut_at, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         ON CONFLICT (merchant) DO UPDATE SET link = $2, cut = $3, cut_minute = $4, minimum = $5, keep = $6, approval_above = $7, \
         next_cut_at = $8, changed_at = $9",
    )
    .bind(set.merchant)
    .bind(set.link)
    .bind(set.cut)
    .bind(set.cut_minute)
    .bind(set.minimum)
    .bind(set.keep)
    .bind(set.approval_above)
    .bind(set.next_cut_at)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Merchants whose time for a cut has come.
pub(super) async fn due(app: &App, now: i64, most: i64) -> Result<Vec<Set>> {
    Ok(sqlx::query_as(
        "SELECT * FROM settlement_settings WHERE next_cut_at <= $1 ORDER BY next_cut_at LIMIT $2",
    )
    .bind(now)
    .bind(most)
    .fetch_all(app.db.read())
    .await?)
}

pub(super) async fn set_next_cut(tx: &mut Tx, merchant: MerchantId, at: i64) -> Result<()> {
    sqlx::query(
        "UPDATE settlement_settings SET next_cut_at = $2 WHERE merchant = $1 AND next_cut_at IS NOT NULL",
    )
    .bind(merchant)
    .bind(at)
    .execute(tx)
    .await?;
    Ok(())
}

/// Opens the merchant's next batch unless it has one that gathers or is held while it gathers.
pub(super) async fn open(tx: &mut Tx, merchant: MerchantId, first_seq: i64, now: i64) -> Result<()> {
    let there: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM settlements WHERE merchant = $1 AND (state = 'OPEN' OR held_from = 'OPEN')",
    )
    .bind(merchant)
    .fetch_one(&mut *tx)
    .await?;
    if there > 0 {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO settlements (id, merchant, state, first_seq, fee, amount, created_at, version) \
         VALUES ($1, $2, 'OPEN', $3, 0, 0, $4, 1) ON CONFLICT DO NOTHING",
    )
    .bind(SettlementId::new(now))
    .bind(merchant)
    .bind(first_seq)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn gathering(tx: &mut Tx, merchant: MerchantId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM settlements WHERE merchant = $1 AND state = 'OPEN'")
        .bind(merchant)
        .fetch_optional(tx)
        .await?)
}

/// The batch that was cut last and has not ended, or is held.
pub(super) async fn under_way(tx: &mut Tx, merchant: MerchantId) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "SELECT * FROM settlements WHERE merchant = $1 AND state NOT IN ('OPEN', 'PAID', 'FAILED') ORDER BY id DESC LIMIT 1",
    )
    .bind(merchant)
    .fetch_optional(tx)
    .await?)
}

/// The batch before one: where its places end, this one's begin.
pub(super) async fn before(tx: &mut Tx, row: &Row) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "SELECT * FROM settlements WHERE merchant = $1 AND end_seq = $2 AND id <> $3 ORDER BY id DESC LIMIT 1",
    )
    .bind(row.merchant)
    .bind(row.first_seq)
    .bind(row.id)
    .fetch_optional(tx)
    .await?)
}

/// What a cut fixes.
pub(super) struct Cut {
    pub(super) number: Option<String>,
    pub(super) end_seq: i64,
    pub(super) closing: i64,
    pub(super) amount: i64,
    pub(super) fee: i64,
    pub(super) link: LinkId,
}

pub(super) async fn cut(tx: &mut Tx, id: SettlementId, cut: &Cut, now: i64) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "UPDATE settlements SET state = 'CUT', out_settlement_no = $2, end_seq = $3, closing = $4, amount = $5, fee = $6, link = $7, \
         cut_at = $8, version = version + 1 WHERE id = $1 AND state = 'OPEN' RETURNING *",
    )
    .bind(id)
    .bind(cut.number.clone())
    .bind(cut.end_seq)
    .bind(cut.closing)
    .bind(cut.amount)
    .bind(cut.fee)
    .bind(cut.link)
    .bind(now)
    .fetch_optional(tx)
    .await?)
}

/// Sends a batch from one state to another and tells the merchant; `None` if it was not there.
pub(super) async fn step(
    tx: &mut Tx,
    id: SettlementId,
    from: State,
    to: State,
    reason: Option<&str>,
    now: i64,
) -> Result<Option<Row>> {
    let row: Option<Row> = sqlx::query_as(
        "UPDATE settlements SET state = $3, reason = $4, held_from = CASE WHEN $3 = 'HELD' THEN $2 ELSE NULL END, \
         reconciled_at = CASE WHEN $3 = 'RECONCILED' THEN $5 ELSE reconciled_at END, \
         approved_at = CASE WHEN $3 = 'APPROVED' THEN $5 ELSE approved_at END, \
         paid_at = CASE WHEN $3 = 'PAID' THEN $5 ELSE paid_at END, \
         ended_at = CASE WHEN $3 IN ('PAID', 'FAILED') THEN $5 ELSE ended_at END, version = version + 1 \
         WHERE id = $1 AND state = $2 RETURNING *",
    )
    .bind(id)
    .bind(from)
    .bind(to)
    .bind(reason.map(str::to_owned))
    .bind(now)
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(row) = &row {
        tell(tx, row.clone(), now).await?;
    }
    Ok(row)
}

pub(super) async fn set_figures(
    tx: &mut Tx,
    id: SettlementId,
    opening: i64,
    closing: i64,
    figures: &str,
) -> Result<()> {
    sqlx::query("UPDATE settlements SET opening = $2, closing = $3, figures = $4 WHERE id = $1")
        .bind(id)
        .bind(opening)
        .bind(closing)
        .bind(figures.to_owned())
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn set_approver(tx: &mut Tx, id: SettlementId, by: PersonId) -> Result<()> {
    sqlx::query("UPDATE settlements SET approver = $2 WHERE id = $1").bind(id).bind(by).execute(tx).await?;
    Ok(())
}

pub(super) async fn set_fee_taken(tx: &mut Tx, id: SettlementId, at: i64) -> Result<()> {
    sqlx::query("UPDATE settlements SET fee_taken_at = $2 WHERE id = $1 AND fee_taken_at IS NULL")
        .bind(id)
        .bind(at)
        .execute(tx)
        .await?;
    Ok(())
}

/// Batches in a state, oldest first.
pub(super) async fn in_state(app: &App, state: State, most: i64) -> Result<Vec<Row>> {
    Ok(sqlx::query_as("SELECT * FROM settlements WHERE state = $1 ORDER BY id LIMIT $2")
        .bind(state)
        .bind(most)
        .fetch_all(app.db.read())
        .await?)
}

/// Paid batches whose fee was not taken yet.
pub(super) async fn owing(app: &App, most: i64) -> Result<Vec<Row>> {
    Ok(sqlx::query_as(
        "SELECT * FROM settlements WHERE state = 'PAID' AND fee > 0 AND fee_taken_at IS NULL ORDER BY id LIMIT $1",
    )
    .bind(most)
    .fetch_all(app.db.read())
    .await?)
}

/// The batch must be there.
pub(super) async fn read(tx: &mut Tx, id: SettlementId) -> Result<Row> {
    find(tx, id).await?.ok_or_else(|| Problem::internal(format!("{id} is gone")))
}
