//! Refunds of orders whose money is frozen: what is not shared out goes first, then what was unfrozen
//! before. What was shared out has to be returned first.

use super::store::{self, Change, NewMove};
use super::{MoveKind, MoveState, end, execute, rules};
use crate::id::RefundId;
use crate::wallets::AccountRef;
use crate::{App, Code, Problem, Result, Tx, orders};

/// Reserves a refund in the transaction that asks for it; nothing for an order that is not split.
///
/// # Errors
/// `split_return_needed` with what has to be returned first.
pub(crate) async fn reserve(
    tx: &mut Tx,
    order: &orders::store::Row,
    refund: RefundId,
    amount: i64,
    now: i64,
) -> Result<()> {
    if order.split == 0 {
        return Ok(());
    }
    let row = store::order(tx, order.id).await?;
    let row = row.ok_or_else(|| Problem::internal("an order that is split has no freeze"))?;
    // A payment that came too late is given back by the follower that sees it, before the one that
    // freezes: all of it is frozen then.
    let left = if row.frozen_at.is_some() { row.left() } else { row.amount - row.taken };
    let (frozen, own) = rules::refund(left, row.unfrozen - row.refunded_own, amount)?;
    let change = Change { taken: frozen, refunded_own: own, ..Change::default() };
    store::change(tx, order.id, change).await?;
    let new = NewMove {
        place: 0,
        kind: MoveKind::Refund,
        of_what: refund.to_string(),
        out_no: None,
        receiver: None,
        amount: frozen,
        own,
        description: None,
        digest: [0; 24],
    };
    store::insert(tx, order.id, order.merchant, new, now).await.map(drop)
}

/// Frees what a refund has reserved that was closed.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn give_up(tx: &mut Tx, refund: RefundId, now: i64) -> Result<()> {
    for row in store::of_what(tx, &refund.to_string()).await? {
        end::given_up(tx, row.id, Code::StateConflict, now).await?;
    }
    Ok(())
}

/// A refund was made: so was what it took out of the freeze, even if that was nothing.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn made(tx: &mut Tx, refund: RefundId, at: i64) -> Result<()> {
    for row in store::of_what(tx, &refund.to_string()).await? {
        end::made(tx, row.id, at).await?;
    }
    Ok(())
}

/// The leg that a refund begins with, if it takes something out of the freeze.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn leg(
    app: &App,
    refund: RefundId,
    wallet: &AccountRef,
) -> Result<Option<jialing_ledger::Leg>> {
    let mut connection = app.db.read().acquire().await?;
    let rows = store::of_what(&mut connection, &refund.to_string()).await?;
    let takes = rows.into_iter().find(|row| row.amount > 0 && row.state != MoveState::Closed);
    Ok(takes.map(|row| execute::release(row.id, wallet, row.amount.unsigned_abs())))
}
