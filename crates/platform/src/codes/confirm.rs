//! What waits for the payer's PIN.

use super::store;
use crate::id::{DeviceId, OrderId, PersonId, WalletId};
use crate::orders::{self, State, TradeType};
use crate::outbox::{self, EventType};
use crate::payments::{self, PayerOrder};
use crate::sessions::Actor;
use crate::{App, Code, Page, Problem, Result, Tx, policies};

/// Orders that are listed at most.
const MOST: i64 = 20;

/// Whose code an order charges: who alone may pay it, from which wallet, with which device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The payer.
    pub(crate) person: PersonId,
    /// The code's wallet.
    pub(crate) wallet: WalletId,
    /// The device that drew the code.
    pub(crate) device: DeviceId,
}

/// Whose code the order charges; `None` for other orders.
pub(crate) async fn asked(tx: &mut Tx, order: &orders::store::Row) -> Result<Option<Asked>> {
    if order.trade_type != TradeType::Code {
        return Ok(None);
    }
    let payer = store::payer(tx, order.id).await?;
    Ok(payer.map(|payer| Asked { person: payer.person, wallet: payer.wallet, device: payer.device }))
}

/// The orders for which the actor is asked for the PIN, newest first. Pay one like any order, with PIN
/// and the device that showed the code, or [`refuse`] it.
///
/// # Errors
/// Any fault of the database.
pub async fn confirmations(app: &App, actor: &Actor) -> Result<Page<PayerOrder>> {
    let longest = policies::number(app, "code_order_validity").await? * 1000;
    let now = app.clock.millis();
    let mut items = Vec::new();
    for id in store::charged(app, actor.person, now - longest, MOST).await? {
        let mut connection = app.db.read().acquire().await?;
        let row = orders::store::find(&mut connection, id).await?;
        drop(connection);
        if row.is_some_and(|row| row.state_at(now) == State::UserPaying && row.attempt.is_none()) {
            items.push(payments::view(app, actor, id).await?);
        }
    }
    Ok(Page { items, has_more: false })
}

/// Says no to an order for which the actor is asked for the PIN: the merchant hears `payer_refused`, and
/// may charge another code. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless the actor is asked; `in_progress` while it is being paid; `order_paid`;
/// `order_closed`.
pub async fn refuse(app: &App, actor: &Actor, id: OrderId) -> Result<PayerOrder> {
    let (told, person, now) = (app.clone(), actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let row = orders::store::find(tx, id).await?.ok_or(Problem::new(Code::NotFound))?;
            if asked(tx, &row).await?.is_none_or(|asked| asked.person != person) {
                return Err(Problem::new(Code::NotFound));
            }
            match row.state_at(now) {
                State::UserPaying if row.attempt.is_none() => {}
                State::UserPaying => return Err(orders::rules::being_paid()),
                State::Success => return Err(Problem::new(Code::OrderPaid)),
                State::Closed | State::Revoked => return Err(Problem::new(Code::OrderClosed)),
                State::NotPay | State::PayError => return Ok(()),
            }
            let refused = orders::store::refuse(tx, id, Code::PayerRefused.text(), now).await?;
            match refused {
                Some(row) => outbox::order(&told, tx, EventType::OrderPayError, row, now).await,
                None => Err(Problem::again()),
            }
        })
        .await?;
    payments::view(app, actor, id).await
}
