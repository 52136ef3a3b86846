//! Merchants are told what the journal says of their orders and refunds.

use jialing_ledger::Record;
use serde::Serialize;

use super::{EventType, KEPT_MS, NewEvent, publish};
use crate::id::{OrderId, RefundId};
use crate::kind::Kind;
use crate::orders::{self, follow::first_leg};
use crate::refunds::{self, Refund};
use crate::{App, Problem, Result, Tx};

/// Writes an event for each order that `records` paid and each refund that they made. The follower
/// of states has handled them before. Safe to run again: the record makes it one event.
///
/// # Errors
/// Any fault of the database.
pub async fn enqueue(app: &App, tx: &mut Tx, records: &[Record]) -> Result<()> {
    let oldest = app.clock.millis() - KEPT_MS;
    for record in records {
        let at = (record.time / 1_000_000) as i64;
        if at < oldest {
            continue;
        }
        if let Some(transfer) = first_leg(record, Kind::Payment) {
            paid(app, tx, OrderId::from_number(transfer.id), record.seq as i64, at).await?;
        } else if let Some(transfer) = first_leg(record, Kind::Refund) {
            refunded(tx, RefundId::from_number(transfer.id), record.seq as i64, at).await?;
        }
    }
    Ok(())
}

/// Tells the merchant what became of an order without money moving, in the transaction that makes it so.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn order(
    app: &App,
    tx: &mut Tx,
    event: EventType,
    row: orders::store::Row,
    at: i64,
) -> Result<()> {
    let (id, merchant, notify_url, object_version) =
        (row.id, row.merchant, row.notify_url.clone(), row.version);
    let resource = json(&orders::shown(app, row).await?)?;
    publish(
        tx,
        NewEvent {
            merchant,
            event,
            object: id.to_string(),
            object_version,
            occasion: object_version,
            resource,
            notify_url,
            at,
        },
    )
    .await
}

/// Tells the merchant that a refund was closed or cannot go on by itself, in the transaction that
/// says so; other states are not told here.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn stuck(tx: &mut Tx, id: RefundId, at: i64) -> Result<()> {
    let Some(row) = refunds::store::find(tx, id).await? else { return Ok(()) };
    let event = match row.state {
        refunds::State::Closed => EventType::RefundClosed,
        refunds::State::Abnormal => EventType::RefundAbnormal,
        _ => return Ok(()),
    };
    let notify_url = orders::store::find(tx, row.order_id).await?.and_then(|order| order.notify_url);
    let (merchant, object_version) = (row.merchant, row.version);
    let resource = json(&Refund::from(row))?;
    publish(
        tx,
        NewEvent {
            merchant,
            event,
            object: id.to_string(),
            object_version,
            occasion: object_version,
            resource,
            notify_url,
            at,
        },
    )
    .await
}

async fn paid(app: &App, tx: &mut Tx, id: OrderId, seq: i64, at: i64) -> Result<()> {
    let Some(row) = orders::store::find(tx, id).await? else { return Ok(()) };
    // A payment that came too late is given back: the merchant hears of the refund, not of an order
    // to deliver.
    if row.state != orders::State::Success {
        return Ok(());
    }
    let (merchant, notify_url, object_version) = (row.merchant, row.notify_url.clone(), row.version);
    let resource = json(&orders::shown(app, row).await?)?;
    publish(
        tx,
        NewEvent {
            merchant,
            event: EventType::OrderPaid,
            object: id.to_string(),
            object_version,
            occasion: seq,
            resource,
            notify_url,
            at,
        },
    )
    .await
}

async fn refunded(tx: &mut Tx, id: RefundId, seq: i64, at: i64) -> Result<()> {
    let Some(row) = refunds::store::find(tx, id).await? else { return Ok(()) };
    let notify_url = orders::store::find(tx, row.order_id).await?.and_then(|order| order.notify_url);
    let (merchant, object_version) = (row.merchant, row.version);
    let resource = json(&Refund::from(row))?;
    publish(
        tx,
        NewEvent {
            merchant,
            event: EventType::RefundSucceeded,
            object: id.to_string(),
            object_version,
            occasion: seq,
            resource,
            notify_url,
            at,
        },
    )
    .await
}

fn json(resource: &impl Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(resource).map_err(Problem::internal)
}
