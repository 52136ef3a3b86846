//! What a movement was for, in the words of those who asked for it.
//!
//! The words stay in the rows they belong to, where a person's can be erased, and are looked up when
//! a page is read: one query per kind.

use std::collections::HashMap;

use super::Movement;
use crate::id::{OrderId, PayoutLineId, RedPacketId, RefundId, SplitMoveId, TransferId};
use crate::kind::Kind;
use crate::{App, Result};

/// Adds the words to each movement that has some.
pub(crate) async fn add(app: &App, movements: &mut [Movement]) -> Result<()> {
    let of = |kind: Kind| {
        movements
            .iter()
            .filter(move |movement| movement.kind == kind)
            .map(|movement| movement.transaction_id.number())
    };
    let orders: Vec<OrderId> = of(Kind::Payment).map(OrderId::from_number).collect();
    let refunds: Vec<RefundId> = of(Kind::Refund).map(RefundId::from_number).collect();
    let transfers: Vec<TransferId> = of(Kind::Transfer).map(TransferId::from_number).collect();
    let mut words: HashMap<u128, String> = HashMap::new();
    words.extend(
        crate::orders::descriptions(app, &orders).await?.into_iter().map(|(id, text)| (id.number(), text)),
    );
    words.extend(
        crate::refunds::reasons(app, &refunds).await?.into_iter().map(|(id, text)| (id.number(), text)),
    );
    words.extend(
        crate::transfers::notes(app, &transfers).await?.into_iter().map(|(id, text)| (id.number(), text)),
    );
    let payouts: Vec<PayoutLineId> = of(Kind::Payout).map(PayoutLineId::from_number).collect();
    words.extend(
        crate::payouts::remarks(app, &payouts).await?.into_iter().map(|(id, text)| (id.number(), text)),
    );
    let moves: Vec<SplitMoveId> = [Kind::Split, Kind::SplitReturn]
        .into_iter()
        .flat_map(|kind| of(kind).map(SplitMoveId::from_number))
        .collect();
    words.extend(
        crate::splits::descriptions(app, &moves).await?.into_iter().map(|(id, text)| (id.number(), text)),
    );
    let packets: Vec<RedPacketId> = [Kind::RedPacket, Kind::RedPacketReturn]
        .into_iter()
        .flat_map(|kind| of(kind).map(RedPacketId::from_number))
        .collect();
    words.extend(
        crate::red_packets::greetings(app, &packets).await?.into_iter().map(|(id, text)| (id.number(), text)),
    );
    for movement in movements {
        movement.memo = words.get(&movement.transaction_id.number()).cloned();
    }
    Ok(())
}
