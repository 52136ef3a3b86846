//! How a movement ends: what was reserved becomes done, or is free again.

use super::store::{self, Change, Move};
use super::{MoveKind, MoveState, Return, Split, SplitOrder};
use crate::id::SplitMoveId;
use crate::outbox::{self, EventType, NewEvent};
use crate::{Code, Problem, Result, Tx};

/// The ledger has made the movement, whatever was believed of it. Safe to run again.
pub(super) async fn made(tx: &mut Tx, id: SplitMoveId, at: i64) -> Result<()> {
    let ended = store::end(tx, id, MoveState::Processing, MoveState::Success, None, at).await?;
    let row = match ended {
        Some(row) => row,
        None => match store::end(tx, id, MoveState::Closed, MoveState::Success, None, at).await? {
            // What was given up is reserved again, and then done.
            Some(row) => {
                reserved(tx, &row, 1).await?;
                row
            }
            None => return Ok(()),
        },
    };
    let amount = row.amount;
    let change = match row.kind {
        MoveKind::Share => Change { shared: amount, ..Change::default() },
        MoveKind::Unfreeze => Change { unfrozen: amount, ..Change::default() },
        MoveKind::Return => Change { returned: amount, given: -amount, ..Change::default() },
        MoveKind::Refund => Change { refunded: amount, ..Change::default() },
    };
    store::change(tx, row.order_id, change).await?;
    tell(tx, row, at).await
}

/// The movement was not made and will not be.
pub(super) async fn given_up(tx: &mut Tx, id: SplitMoveId, code: Code, at: i64) -> Result<()> {
    let ended = store::end(tx, id, MoveState::Processing, MoveState::Closed, Some(code.text()), at).await?;
    let Some(row) = ended else { return Ok(()) };
    reserved(tx, &row, -1).await?;
    tell(tx, row, at).await
}

/// Reserves what the movement takes, or frees it with `sign` -1.
async fn reserved(tx: &mut Tx, row: &Move, sign: i64) -> Result<()> {
    let amount = sign * row.amount;
    let change = match row.kind {
        MoveKind::Share => Change { taken: amount, given: amount, ..Change::default() },
        MoveKind::Unfreeze => Change { taken: amount, ..Change::default() },
        MoveKind::Refund => Change { taken: amount, refunded_own: sign * row.own, ..Change::default() },
        MoveKind::Return => return store::free_return(tx, &row.of_what, -amount).await,
    };
    store::change(tx, row.order_id, change).await
}

/// Tells the merchant what ended: a request with its last share, an unfreeze, a return.
async fn tell(tx: &mut Tx, row: Move, at: i64) -> Result<()> {
    let merchant = row.merchant;
    let (event, object, version, resource) = match (row.kind, row.state) {
        (MoveKind::Share | MoveKind::Unfreeze, _) if row.of_what.starts_with("spl_") => {
            let Some(split) = store::end_split(tx, &row.of_what, at).await? else { return Ok(()) };
            let version = split.version;
            let split = Split::read(tx, split).await?;
            (EventType::SplitFinished, split.id.to_string(), version, serde_json::to_value(split))
        }
        (MoveKind::Unfreeze, MoveState::Success) => {
            let order = store::order(tx, row.order_id).await?;
            let order = order.ok_or_else(|| Problem::internal("an unfreeze of no order"))?;
            let (id, version) = (order.id.to_string(), order.version);
            (EventType::SplitUnfrozen, id, version, serde_json::to_value(SplitOrder::from(order)))
        }
        (MoveKind::Return, state) => {
            let event = match state {
                MoveState::Success => EventType::SplitReturned,
                _ => EventType::SplitReturnClosed,
            };
            (event, row.id.to_string(), row.version, serde_json::to_value(Return::from(row)))
        }
        _ => return Ok(()),
    };
    let event = NewEvent {
        merchant,
        event,
        object,
        object_version: version,
        occasion: version,
        resource: resource.map_err(Problem::internal)?,
        notify_url: None,
        at,
    };
    outbox::publish(tx, event).await
}
