//! The tables `split_orders`, `splits` and `split_moves`.
//!
//! What is asked for is reserved on the order's row by one conditional statement before anything moves,
//! so that shares, refunds and unfreezes never exceed what is frozen, however many run at once.

use super::{MoveKind, MoveState};
use crate::id::{MerchantId, OrderId, SplitId, SplitMoveId, SplitOrderId, SplitReceiverId, WalletId};
use crate::{App, Problem, Result, Tx};

/// A row of `split_orders`. Amounts in fen, times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: SplitOrderId,
    pub(super) order_id: OrderId,
    pub(super) merchant: MerchantId,
    pub(super) amount: i64,
    pub(super) taken: i64,
    pub(super) shared: i64,
    pub(super) returned: i64,
    pub(super) unfrozen: i64,
    pub(super) refunded: i64,
    pub(super) refunded_own: i64,
    pub(super) frozen_at: Option<i64>,
    pub(super) version: i64,
}

impl Row {
    /// What is frozen and promised to nobody.
    pub(super) const fn left(&self) -> i64 {
        match self.frozen_at {
            Some(_) => self.amount - self.taken + self.returned,
            None => 0,
        }
    }
}

/// A row of `splits`.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct SplitRow {
    pub(super) id: SplitId,
    pub(super) merchant: MerchantId,
    pub(super) out_split_no: String,
    pub(super) order_id: OrderId,
    pub(super) content: String,
    pub(super) created_at: i64,
    pub(super) ended_at: Option<i64>,
    pub(super) version: i64,
}

/// A row of `split_moves`.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Move {
    pub(super) id: SplitMoveId,
    pub(super) kind: MoveKind,
    pub(super) order_id: OrderId,
    pub(super) merchant: MerchantId,
    pub(super) of_what: String,
    pub(super) out_no: Option<String>,
    pub(super) receiver: Option<SplitReceiverId>,
    pub(super) wallet: Option<WalletId>,
    pub(super) amount: i64,
    pub(super) own: i64,
    pub(super) returned: i64,
    pub(super) description: Option<String>,
    pub(super) digest: Vec<u8>,
    pub(super) state: MoveState,
    pub(super) problem: Option<String>,
    pub(super) created_at: i64,
    pub(super) ended_at: Option<i64>,
    pub(super) version: i64,
}

/// A movement to write down.
pub(super) struct NewMove {
    /// Its place among those of one request: they are shown in that order.
    pub(super) place: u8,
    pub(super) kind: MoveKind,
    pub(super) of_what: String,
    pub(super) out_no: Option<String>,
    pub(super) receiver: Option<(SplitReceiverId, WalletId)>,
    pub(super) amount: i64,
    pub(super) own: i64,
    pub(super) description: Option<String>,
    pub(super) digest: [u8; 24],
}

pub(super) async fn begin_order(
    tx: &mut Tx,
    id: SplitOrderId,
    order: OrderId,
    merchant: MerchantId,
    amount: i64,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO split_orders (id, order_id, merchant, amount, taken, given, shared, returned, unfrozen, refunded, refunded_own, version) \
         VALUES ($1, $2, $3, $4, 0, 0, 0, 0, 0, 0, 0, 1)",
    )
    .bind(id)
    .bind(order)
    .bind(merchant)
    .bind(amount)
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn order(tx: &mut Tx, order: OrderId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM split_orders WHERE order_id = $1")
        .bind(order)
        .fetch_optional(tx)
        .await?)
}

/// The ledger says that the money is frozen; whether that is news.
pub(super) async fn frozen(tx: &mut Tx, id: SplitOrderId, at: i64, seq: i64) -> Result<()> {
    sqlx::query(
        "UPDATE split_orders SET frozen_at = $2, record_seq = $3, version = version + 1 WHERE id = $1 AND frozen_at IS NULL",
    )
    .bind(id)
    .bind(at)
    .bind(seq)
    .execute(tx)
    .await?;
    Ok(())
}

/// Reserves `amount` for shares if that much is left and `most` bounds what is given; the row then.
pub(super) async fn reserve_shares(
    tx: &mut Tx,
    order: OrderId,
    amount: i64,
    most: i64,
) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "UPDATE split_orders SET taken = taken + $2, given = given + $2, version = version + 1 \
         WHERE order_id = $1 AND frozen_at IS NOT NULL AND amount - taken + returned >= $2 AND given + $2 <= $3 RETURNING *",
    )
    .bind(order)
    .bind(amount)
    .bind(most)
    .fetch_optional(tx)
    .await?)
}

/// Reserves whatever is left; how much that was.
pub(super) async fn reserve_rest(tx: &mut Tx, order: OrderId) -> Result<i64> {
    let row = self::order(tx, order).await?;
    let left = row.map_or(0, |row| row.left()).max(0);
    if left > 0 {
        change(tx, order, Change { taken: left, ..Change::default() }).await?;
    }
    Ok(left)
}

/// Reserves `amount` of a share to be returned, if that much of it is with the receiver.
pub(super) async fn reserve_return(tx: &mut Tx, share: SplitMoveId, amount: i64) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE split_moves SET returned = returned + $2, version = version + 1 \
         WHERE id = $1 AND kind = 'SHARE' AND state = 'SUCCESS' AND returned + $2 <= amount",
    )
    .bind(share)
    .bind(amount)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn free_return(tx: &mut Tx, share: &str, amount: i64) -> Result<()> {
    sqlx::query("UPDATE split_moves SET returned = returned - $2, version = version + 1 WHERE id = $1")
        .bind(share.to_owned())
        .bind(amount)
        .execute(tx)
        .await?;
    Ok(())
}

/// What is added to an order's figures.
#[derive(Clone, Copy, Default)]
pub(super) struct Change {
    pub(super) taken: i64,
    pub(super) given: i64,
    pub(super) shared: i64,
    pub(super) returned: i64,
    pub(super) unfrozen: i64,
    pub(super) refunded: i64,
    pub(super) refunded_own: i64,
}

pub(super) async fn change(tx: &mut Tx, order: OrderId, more: Change) -> Result<()> {
    sqlx::query(
        "UPDATE split_orders SET taken = taken + $2, given = given + $3, shared = shared + $4, returned = returned + $5, \
         unfrozen = unfrozen + $6, refunded = refunded + $7, refunded_own = refunded_own + $8, version = version + 1 WHERE order_id = $1",
    )
    .bind(order)
    .bind(more.taken)
    .bind(more.given)
    .bind(more.shared)
    .bind(more.returned)
    .bind(more.unfrozen)
    .bind(more.refunded)
    .bind(more.refunded_own)
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn insert_split(
    tx: &mut Tx,
    id: SplitId,
    merchant: MerchantId,
    out_split_no: &str,
    order: OrderId,
    content: &str,
    now: i64,
) -> Result<()> {
    let done = sqlx::query(
        "INSERT INTO splits (id, merchant, out_split_no, order_id, content, created_at, version) \
         VALUES ($1, $2, $3, $4, $5, $6, 1) ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(merchant)
    .bind(out_split_no.to_owned())
    .bind(order)
    .bind(content.to_owned())
    .bind(now)
    .execute(tx)
    .await?;
    // The number was free at the look and is not now: look again.
    if done.rows_affected() == 1 { Ok(()) } else { Err(Problem::again()) }
}

pub(super) async fn split(tx: &mut Tx, id: SplitId) -> Result<Option<SplitRow>> {
    Ok(sqlx::query_as("SELECT * FROM splits WHERE id = $1").bind(id).fetch_optional(tx).await?)
}

pub(super) async fn split_numbered(
    tx: &mut Tx,
    merchant: MerchantId,
    out_split_no: &str,
) -> Result<Option<SplitRow>> {
    Ok(sqlx::query_as("SELECT * FROM splits WHERE merchant = $1 AND out_split_no = $2")
        .bind(merchant)
        .bind(out_split_no.to_owned())
        .fetch_optional(tx)
        .await?)
}

/// Ends a request of which nothing is under way any more; the row, if that is news.
pub(super) async fn end_split(tx: &mut Tx, id: &str, at: i64) -> Result<Option<SplitRow>> {
    Ok(sqlx::query_as(
        "UPDATE splits SET ended_at = $2, version = version + 1 WHERE id = $1 AND ended_at IS NULL \
         AND NOT EXISTS (SELECT 1 FROM split_moves WHERE of_what = $1 AND state = 'PROCESSING') RETURNING *",
    )
    .bind(id.to_owned())
    .bind(at)
    .fetch_optional(tx)
    .await?)
}

/// A movement's id: of those of one request, the later one sorts higher.
fn id(place: u8, now: i64) -> SplitMoveId {
    const PLACE: u32 = 72;
    let random = SplitMoveId::new(0).number() & ((1 << PLACE) - 1);
    SplitMoveId::from_parts(now, u128::from(place) << PLACE | random)
}

pub(super) async fn insert(
    tx: &mut Tx,
    order: OrderId,
    merchant: MerchantId,
    new: NewMove,
    now: i64,
) -> Result<Move> {
    let (receiver, wallet) = new.receiver.unzip();
    sqlx::query_as(
        "INSERT INTO split_moves (id, kind, order_id, merchant, of_what, out_no, receiver, wallet, amount, own, returned, description, digest, state, created_at, version) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, $12, 'PROCESSING', $13, 1) ON CONFLICT DO NOTHING RETURNING *",
    )
    .bind(id(new.place, now))
    .bind(new.kind)
    .bind(order)
    .bind(merchant)
    .bind(new.of_what)
    .bind(new.out_no)
    .bind(receiver)
    .bind(wallet)
    .bind(new.amount)
    .bind(new.own)
    .bind(new.description)
    .bind(new.digest.to_vec())
    .bind(now)
    .fetch_optional(tx)
    .await?
    .ok_or_else(Problem::again)
}

pub(super) async fn find(tx: &mut Tx, id: SplitMoveId) -> Result<Option<Move>> {
    Ok(sqlx::query_as("SELECT * FROM split_moves WHERE id = $1").bind(id).fetch_optional(tx).await?)
}

/// The movements of a request, a share or a refund, oldest first.
pub(super) async fn of_what(tx: &mut Tx, of_what: &str) -> Result<Vec<Move>> {
    Ok(sqlx::query_as("SELECT * FROM split_moves WHERE of_what = $1 ORDER BY id")
        .bind(of_what.to_owned())
        .fetch_all(tx)
        .await?)
}

pub(super) async fn return_numbered(tx: &mut Tx, merchant: MerchantId, out_no: &str) -> Result<Option<Move>> {
    Ok(sqlx::query_as("SELECT * FROM split_moves WHERE merchant = $1 AND kind = 'RETURN' AND out_no = $2")
        .bind(merchant)
        .bind(out_no.to_owned())
        .fetch_optional(tx)
        .await?)
}

/// Takes a movement that is to be made; `None` if another makes it, or it has ended.
pub(super) async fn claim(
    tx: &mut Tx,
    id: SplitMoveId,
    claim: &str,
    now: i64,
    until: i64,
) -> Result<Option<Move>> {
    Ok(sqlx::query_as(
        "UPDATE split_moves SET claim = $2, claimed_until = $4 WHERE id = $1 AND state = 'PROCESSING' \
         AND kind <> 'REFUND' AND (claim IS NULL OR claimed_until <= $3) RETURNING *",
    )
    .bind(id)
    .bind(claim.to_owned())
    .bind(now)
    .bind(until)
    .fetch_optional(tx)
    .await?)
}

pub(super) async fn unclaim(tx: &mut Tx, id: SplitMoveId, claim: &str) -> Result<()> {
    sqlx::query("UPDATE split_moves SET claim = NULL, claimed_until = NULL WHERE id = $1 AND claim = $2")
        .bind(id)
        .bind(claim.to_owned())
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn unclaim_all(tx: &mut Tx) -> Result<()> {
    sqlx::query("UPDATE split_moves SET claim = NULL, claimed_until = NULL WHERE state = 'PROCESSING' AND claim IS NOT NULL")
        .execute(tx)
        .await?;
    Ok(())
}

/// Movements that are to be made and nobody makes now, oldest first. Refunds make their own.
pub(super) async fn to_make(app: &App, now: i64, most: i64) -> Result<Vec<SplitMoveId>> {
    Ok(sqlx::query_scalar(
        "SELECT id FROM split_moves WHERE state = 'PROCESSING' AND kind <> 'REFUND' AND (claim IS NULL OR claimed_until <= $1) ORDER BY id LIMIT $2",
    )
    .bind(now)
    .bind(most)
    .fetch_all(app.db.read())
    .await?)
}

/// Ends a movement from one state; the row, if it was in it.
pub(super) async fn end(
    tx: &mut Tx,
    id: SplitMoveId,
    from: MoveState,
    to: MoveState,
    problem: Option<&str>,
    at: i64,
) -> Result<Option<Move>> {
    Ok(sqlx::query_as(
        "UPDATE split_moves SET state = $3, problem = $4, ended_at = $5, claim = NULL, claimed_until = NULL, version = version + 1 \
         WHERE id = $1 AND state = $2 RETURNING *",
    )
    .bind(id)
    .bind(from)
    .bind(to)
    .bind(problem.map(str::to_owned))
    .bind(at)
    .fetch_optional(tx)
    .await?)
}
