//! The table `refunds`.

use serde::Deserialize;

use super::{Name, Nature, Origin, RefundAsk, State, rules};
use crate::id::{MerchantId, OrderId, PersonId, RefundId, RefundTag, WalletId};
use crate::merchants::Caller;
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx, orders, splits};

macro_rules! list_sql {
    () => {
        "SELECT * FROM refunds WHERE merchant = $1
         AND (CAST($3 AS TEXT) IS NULL OR state = $3) AND (CAST($4 AS TEXT) IS NULL OR order_id = $4)"
    };
}

/// A row of `refunds`. Amounts in fen, times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    /// Its id.
    pub id: RefundId,
    /// The merchant.
    pub merchant: MerchantId,
    /// The order it belongs to.
    pub order_id: OrderId,
    /// The merchant's number.
    pub out_refund_no: String,
    /// What is given back.
    pub amount: i64,
    /// Why, in words.
    pub reason: Option<String>,
    /// Why, by kind.
    pub nature: Nature,
    /// What it came from.
    pub origin: Origin,
    /// Where it stands.
    pub state: State,
    /// What stands in the way.
    pub problem: Option<String>,
    /// Where it goes instead of the wallet that paid.
    pub to_wallet: Option<WalletId>,
    /// Why its merchant gave it up.
    pub close_reason: Option<String>,
    /// What the ledger record carries.
    pub digest: Vec<u8>,
    /// Who approved or rejected it.
    pub approver: Option<PersonId>,
    /// When it was asked for.
    pub created_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// Grows with every change.
    pub version: i64,
}

/// Which refunds are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAsk {
    /// Only those in this state.
    pub state: Option<State>,
    /// Only those of this order.
    pub order_id: Option<OrderId>,
    /// Items wanted, 1 to 100; 20 by default.
    pub limit: Option<u32>,
    /// The last id of the page before this one.
    pub after: Option<String>,
    /// The first id of the page after this one.
    pub before: Option<String>,
}

impl ListAsk {
    /// The page asked for.
    fn page(&self) -> PageAsk {
        PageAsk { limit: self.limit, after: self.after.clone(), before: self.before.clone() }
    }
}

/// The refund with this id, if there is one.
///
/// # Errors
/// Any fault of the database.
pub async fn find(tx: &mut Tx, id: RefundId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM refunds WHERE id = $1").bind(id).fetch_optional(&mut *tx).await?)
}

pub(super) async fn numbered(tx: &mut Tx, merchant: MerchantId, out_refund_no: &str) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM refunds WHERE merchant = $1 AND out_refund_no = $2")
        .bind(merchant)
        .bind(out_refund_no.to_owned())
        .fetch_optional(&mut *tx)
        .await?)
}

pub(super) async fn named(tx: &mut Tx, merchant: MerchantId, name: &Name) -> Result<Row> {
    let row = match name {
        Name::Id(id) => find(tx, *id).await?.filter(|row| row.merchant == merchant),
        Name::OutRefundNo(number) => numbered(tx, merchant, number).await?,
    };
    row.ok_or(Problem::new(Code::NotFound))
}

pub(super) async fn count(tx: &mut Tx, order: OrderId) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM refunds WHERE order_id = $1 AND state <> 'CLOSED'")
        .bind(order)
        .fetch_one(&mut *tx)
        .await?)
}

pub(super) async fn insert(
    tx: &mut Tx,
    ask: &RefundAsk,
    order: &orders::store::Row,
    caller: &Caller,
    state: State,
    now: i64,
) -> Result<Row> {
    add(
        tx,
        New {
            id: RefundId::new(now),
            out_refund_no: ask.out_refund_no.clone(),
            amount: ask.amount.amount as i64,
            reason: ask.reason.clone(),
            nature: ask.nature.unwrap_or(Nature::Merchant),
            origin: Origin::Request,
            state,
            digest: caller.digest(),
            requested_by: caller.serial.clone(),
        },
        order,
        now,
    )
    .await?
    // The number was free at the look and is not now: the same request came twice, so look again.
    .ok_or_else(Problem::again)
}

/// The refund of a whole order whose payment came too late. `pay_late` has set the amount aside.
pub(crate) async fn late(tx: &mut Tx, order: &orders::store::Row, now: i64) -> Result<()> {
    // What is bound into the ledger says why: nobody signed this.
    let digest = rules::automatic_id(order.id).number().to_le_bytes();
    automatic(
        tx,
        order,
        Origin::LatePayment,
        std::array::from_fn(|i| if i < 16 { digest[i] } else { 0 }),
        "platform",
        now,
    )
    .await
    .map(drop)
}

/// The refund of a whole order that its merchant took back; the amount is set aside already.
pub(crate) async fn whole(
    tx: &mut Tx,
    order: &orders::store::Row,
    origin: Origin,
    caller: &Caller,
    now: i64,
) -> Result<RefundId> {
    automatic(tx, order, origin, caller.digest(), &caller.serial, now).await
}

async fn automatic(
    tx: &mut Tx,
    order: &orders::store::Row,
    origin: Origin,
    digest: [u8; 24],
    by: &str,
    now: i64,
) -> Result<RefundId> {
    let id = rules::automatic_id(order.id);
    let new = New {
        id,
        out_refund_no: rules::automatic_no(order.id),
        amount: order.amount,
        reason: None,
        nature: Nature::Operational,
        origin,
        state: State::Processing,
        digest,
        requested_by: by.to_owned(),
    };
    add(tx, new, order, now).await?;
    Ok(id)
}

struct New {
    id: RefundId,
    out_refund_no: String,
    amount: i64,
    reason: Option<String>,
    nature: Nature,
    origin: Origin,
    state: State,
    digest: [u8; 24],
    requested_by: String,
}

/// Adds a refund, and reserves what it takes out of frozen money; `None` if there is one with that id or
/// number.
async fn add(tx: &mut Tx, new: New, order: &orders::store::Row, now: i64) -> Result<Option<Row>> {
    let row = write(tx, new, order, now).await?;
    if let Some(row) = &row {
        splits::refunds::reserve(tx, order, row.id, row.amount, now).await?;
    }
    Ok(row)
}

async fn write(tx: &mut Tx, new: New, order: &orders::store::Row, now: i64) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "INSERT INTO refunds (id, merchant, order_id, out_refund_no, amount, reason, nature, origin, state, digest,
            requested_by, created_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1) ON CONFLICT DO NOTHING RETURNING *",
    )
    .bind(new.id)
    .bind(order.merchant)
    .bind(order.id)
    .bind(new.out_refund_no)
    .bind(new.amount)
    .bind(new.reason)
    .bind(new.nature)
    .bind(new.origin)
    .bind(new.state)
    .bind(new.digest.to_vec())
    .bind(new.requested_by)
    .bind(now)
    .fetch_optional(&mut *tx)
    .await?)
}

/// Sends a refund on from `from` to `PROCESSING`.
pub(super) async fn resume(
    tx: &mut Tx,
    id: RefundId,
    from: State,
    approver: Option<PersonId>,
) -> Result<Row> {
    sqlx::query_as(
        "UPDATE refunds SET state = 'PROCESSING', problem = NULL, approver = COALESCE($3, approver), version = version + 1
         WHERE id = $1 AND state = $2 RETURNING *",
    )
    .bind(id)
    .bind(from)
    .bind(approver)
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Problem::new(Code::StateConflict))
}

/// Sends an abnormal refund on to `to`; false if it is not abnormal any more.
pub(super) async fn redirect(tx: &mut Tx, id: RefundId, to: WalletId) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE refunds SET state = 'PROCESSING', problem = NULL, to_wallet = $2, version = version + 1
         WHERE id = $1 AND state = 'ABNORMAL'",
    )
    .bind(id)
    .bind(to)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives up an abnormal refund; `None` if it is not abnormal any more.
pub(super) async fn give_up(tx: &mut Tx, id: RefundId, reason: &str, now: i64) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "UPDATE refunds SET state = 'CLOSED', close_reason = $2, ended_at = $3, version = version + 1
         WHERE id = $1 AND state = 'ABNORMAL' RETURNING *",
    )
    .bind(id)
    .bind(reason.to_owned())
    .bind(now)
    .fetch_optional(&mut *tx)
    .await?)
}

/// Closes a refund that waits for approval.
pub(super) async fn close(
    tx: &mut Tx,
    id: RefundId,
    problem: &str,
    approver: Option<PersonId>,
    now: i64,
) -> Result<Row> {
    sqlx::query_as(
        "UPDATE refunds SET state = 'CLOSED', problem = $2, approver = $3, ended_at = $4, version = version + 1
         WHERE id = $1 AND state = 'PENDING_APPROVAL' RETURNING *",
    )
    .bind(id)
    .bind(problem.to_owned())
    .bind(approver)
    .bind(now)
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Problem::new(Code::StateConflict))
}

/// Takes a refund that is to be made, so that one carries it out at a time; `None` if another does.
pub(super) async fn claim(
    tx: &mut Tx,
    id: RefundId,
    claim: &str,
    now: i64,
    until: i64,
) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "UPDATE refunds SET claim = $2, claimed_until = $4
         WHERE id = $1 AND state = 'PROCESSING' AND (claim IS NULL OR claimed_until <= $3) RETURNING *",
    )
    .bind(id)
    .bind(claim.to_owned())
    .bind(now)
    .bind(until)
    .fetch_optional(&mut *tx)
    .await?)
}

/// Gives a claim back, and where the ledger refused, says where the refund goes; false if the claim
/// was no longer held.
pub(super) async fn unclaim(
    tx: &mut Tx,
    id: RefundId,
    claim: &str,
    after: Option<(State, &str)>,
    now: i64,
) -> Result<bool> {
    let (state, problem) = after.unzip();
    let done = sqlx::query(
        "UPDATE refunds SET claim = NULL, claimed_until = NULL, state = COALESCE($3, state), problem = $4,
            ended_at = CASE WHEN $3 = 'CLOSED' THEN $5 ELSE ended_at END, version = version + 1
         WHERE id = $1 AND claim = $2 AND state = 'PROCESSING'",
    )
    .bind(id)
    .bind(claim.to_owned())
    .bind(state)
    .bind(problem.map(str::to_owned))
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives every claim back: nobody makes a refund now.
pub(super) async fn unclaim_all(tx: &mut Tx) -> Result<()> {
    sqlx::query("UPDATE refunds SET claim = NULL, claimed_until = NULL WHERE state = 'PROCESSING' AND claim IS NOT NULL")
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// The ledger says that the refund was made.
pub(super) async fn succeed(tx: &mut Tx, id: RefundId, at: i64, seq: i64) -> Result<()> {
    sqlx::query(
        "UPDATE refunds SET state = 'SUCCESS', problem = NULL, claim = NULL, claimed_until = NULL, ended_at = $2,
            record_seq = $3, version = version + 1 WHERE id = $1",
    )
    .bind(id)
    .bind(at)
    .bind(seq)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Refunds that are to be made and nobody is making at `now`, oldest first.
pub(super) async fn to_make(app: &App, now: i64, most: i64) -> Result<Vec<RefundId>> {
    let ids: Vec<(RefundId,)> = sqlx::query_as(
        "SELECT id FROM refunds WHERE state = 'PROCESSING' AND (claim IS NULL OR claimed_until <= $1) ORDER BY id LIMIT $2",
    )
    .bind(now)
    .bind(most)
    .fetch_all(app.db.read())
    .await?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

/// How many of the merchant's refunds were made by records from `first` to before `end`, and how much
/// together.
pub(crate) async fn made_between(
    tx: &mut Tx,
    merchant: MerchantId,
    first: i64,
    end: i64,
) -> Result<(i64, i64)> {
    Ok(sqlx::query_as(
        "SELECT COUNT(*), CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM refunds WHERE merchant = $1 AND record_seq >= $2 AND record_seq < $3",
    )
    .bind(merchant)
    .bind(first)
    .bind(end)
    .fetch_one(tx)
    .await?)
}

pub(super) async fn list(app: &App, merchant: MerchantId, ask: &ListAsk) -> Result<Page<Row>> {
    let page = ask.page();
    let (limit, cursor) = (page.limit()?, page.cursor::<RefundTag>()?);
    let rows = sqlx::query_as(crate::page::paged!(cursor, list_sql!(), "id", "$2", "$5"))
        .bind(merchant)
        .bind(cursor.from.clone())
        .bind(ask.state)
        .bind(ask.order_id)
        .bind(i64::from(limit) + 1)
        .fetch_all(app.db.read())
        .await?;
    Ok(cursor.page(rows, limit))
}
