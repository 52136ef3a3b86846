//! Sharing out, unfreezing, taking back: what merchants ask for.

use super::receivers::{self, ReceiverState};
use super::store::{self, NewMove};
use super::{MoveKind, Return, ReturnAsk, Split, SplitAsk, SplitOrder, execute, rules};
use crate::id::{MerchantId, SplitId, SplitMoveId};
use crate::merchants::{self, Caller};
use crate::orders::{self, Made};
use crate::{App, Code, Problem, Result, Tx, policies, text};

/// How a merchant names a split.
#[derive(Clone, Debug)]
pub enum Name {
    /// By its id.
    Id(SplitId),
    /// By the merchant's own number.
    OutSplitNo(String),
}

/// Shares an order's frozen money out. The same parameters again answer the split there is, as it
/// stands now, and finish what was left in between.
///
/// # Errors
/// `invalid_request` or `amount_invalid`, naming the field; `merchant_inactive`; `not_found` for an
/// order that is not the merchant's or is not split; `state_conflict` for one that is not paid, or a
/// receiver that was removed; `split_exceeds_left`; `split_share_too_high`; `conflict`.
pub async fn split(app: &App, caller: &Caller, ask: SplitAsk) -> Result<Made<Split>> {
    let order = rules::check(&ask, policies::number(app, "split_shares").await?)?;
    let used = merchants::active(app, caller.merchant).await.map(drop);
    let most = policies::number(app, "split_share_most").await?;
    let content = serde_json::to_string(&ask).map_err(Problem::internal)?;
    let (caller, now) = (caller.clone(), app.clock.millis());
    let (id, fresh) = app
        .db
        .write(async move |tx: &mut Tx| {
            if let Some(row) = store::split_numbered(tx, caller.merchant, &ask.out_split_no).await? {
                same(&row, &content)?;
                return Ok((row.id, false));
            }
            used.clone()?;
            let order = orders::store::named(tx, caller.merchant, &order).await?;
            let id = SplitId::new(now);
            let number = &ask.out_split_no;
            store::insert_split(tx, id, caller.merchant, number, order.id, &content, now).await?;
            reserve(tx, &caller, &ask, &order, id, most, now).await?;
            Ok((id, true))
        })
        .await?;
    finish(app, &id.to_string()).await?;
    Ok(Made { value: read(app, id).await?, fresh })
}

fn same(row: &store::SplitRow, content: &str) -> Result<()> {
    if row.content == content {
        return Ok(());
    }
    Err(Problem::new(Code::Conflict)
        .field("shares")
        .detail("`out_split_no` was used for a split with other content.")
        .with("split_id", row.id.to_string()))
}

/// Reserves every share, and the rest if it is to be unfrozen, and writes the movements down.
async fn reserve(
    tx: &mut Tx,
    caller: &Caller,
    ask: &SplitAsk,
    order: &orders::store::Row,
    split: SplitId,
    most: i64,
    now: i64,
) -> Result<()> {
    let frozen = store::order(tx, order.id).await?.ok_or(Problem::new(Code::NotFound))?;
    if order.state != orders::State::Success || frozen.frozen_at.is_none() {
        return Err(Problem::new(Code::StateConflict).detail(format!(
            "The order is {}; only the money of a paid order is shared out.",
            order.state_at(now)
        )));
    }
    let amounts = rules::amounts(ask, order.amount)?;
    let sum = amounts.iter().fold(0i64, |sum, amount| sum.saturating_add(*amount));
    let bound = rules::part(order.amount, most);
    if store::reserve_shares(tx, order.id, sum, bound).await?.is_none() {
        return Err(match sum > frozen.left() {
            true => Problem::new(Code::SplitExceedsLeft).field("shares").with("left", frozen.left()),
            false => Problem::new(Code::SplitShareTooHigh).field("shares").with("limit", bound),
        });
    }
    for ((share, amount), place) in ask.shares.iter().zip(amounts).zip(0u8..) {
        let receiver = receivers::find(tx, caller.merchant, share.receiver_id).await?;
        let receiver = receiver.ok_or(Problem::new(Code::NotFound).field("receiver_id"))?;
        if receiver.state != ReceiverState::Active {
            return Err(Problem::new(Code::StateConflict)
                .field("receiver_id")
                .detail("The receiver was removed."));
        }
        let new = NewMove {
            place,
            kind: MoveKind::Share,
            of_what: split.to_string(),
            out_no: None,
            receiver: Some((receiver.id, receiver.wallet)),
            amount,
            own: 0,
            description: share.description.clone(),
            digest: caller.digest(),
        };
        store::insert(tx, order.id, caller.merchant, new, now).await?;
    }
    if ask.unfreeze_rest {
        rest(tx, caller, order, split.to_string(), now).await?;
    }
    Ok(())
}

/// Reserves what is left and writes the movement to the merchant down; none where nothing is left.
async fn rest(
    tx: &mut Tx,
    caller: &Caller,
    order: &orders::store::Row,
    of_what: String,
    now: i64,
) -> Result<Option<SplitMoveId>> {
    let amount = store::reserve_rest(tx, order.id).await?;
    if amount == 0 {
        return Ok(None);
    }
    let new = NewMove {
        place: u8::MAX,
        kind: MoveKind::Unfreeze,
        of_what,
        out_no: None,
        receiver: None,
        amount,
        own: 0,
        description: None,
        digest: caller.digest(),
    };
    Ok(Some(store::insert(tx, order.id, caller.merchant, new, now).await?.id))
}

/// Makes what is under way of a request now.
async fn finish(app: &App, of_what: &str) -> Result<()> {
    let mut connection = app.db.read().acquire().await?;
    let moves = store::of_what(&mut connection, of_what).await?;
    drop(connection);
    for made in moves {
        execute::execute(app, made.id).await?;
    }
    Ok(())
}

async fn read(app: &App, id: SplitId) -> Result<Split> {
    let mut connection = app.db.read().acquire().await?;
    let row = store::split(&mut connection, id).await?.ok_or(Problem::new(Code::NotFound))?;
    Split::read(&mut connection, row).await
}

/// One of the merchant's splits.
///
/// # Errors
/// `not_found` unless it is the merchant's.
pub async fn of(app: &App, merchant: MerchantId, name: &Name) -> Result<Split> {
    let mut connection = app.db.read().acquire().await?;
    let row = match name {
        Name::Id(id) => store::split(&mut connection, *id).await?.filter(|row| row.merchant == merchant),
        Name::OutSplitNo(number) => store::split_numbered(&mut connection, merchant, number).await?,
    };
    Split::read(&mut connection, row.ok_or(Problem::new(Code::NotFound))?).await
}

/// Gives the merchant what is left of an order's frozen money. Where nothing is left it changes
/// nothing.
///
/// # Errors
/// `not_found` unless the order is the merchant's and is split; `state_conflict` for one that is not
/// paid.
pub async fn unfreeze(app: &App, caller: &Caller, name: orders::Name) -> Result<SplitOrder> {
    let (by, order, now) = (caller.clone(), name.clone(), app.clock.millis());
    let made = app
        .db
        .write(async move |tx: &mut Tx| {
            let order = orders::store::named(tx, by.merchant, &order).await?;
            let frozen = store::order(tx, order.id).await?.ok_or(Problem::new(Code::NotFound))?;
            if frozen.frozen_at.is_none() {
                return Err(Problem::new(Code::StateConflict).detail("The order is not paid."));
            }
            rest(tx, &by, &order, frozen.id.to_string(), now).await
        })
        .await?;
    if let Some(id) = made {
        execute::execute(app, id).await?;
    }
    super::order(app, caller.merchant, &name).await
}

/// Takes a share back from its receiver, whole or in part, into what is frozen of the order. The
/// receiver has to be a merchant that agreed to returns: nobody else's wallet is ever debited so.
///
/// # Errors
/// `invalid_request` or `amount_invalid`; `not_found` for a share that is not the merchant's;
/// `forbidden` unless the receiver agreed; `split_exceeds_left` for more than the receiver still has of
/// it; `conflict`.
pub async fn give_back(app: &App, caller: &Caller, ask: ReturnAsk) -> Result<Made<Return>> {
    text::key("out_return_no", &ask.out_return_no)?;
    text::optional_line("description", ask.description.as_deref(), rules::MAX_DESCRIPTION)?;
    let amount = ask.amount.positive("amount")? as i64;
    let (asked, by, now) = (app.clone(), caller.clone(), app.clock.millis());
    let (id, fresh) = app
        .db
        .write(async move |tx: &mut Tx| {
            if let Some(row) = store::return_numbered(tx, by.merchant, &ask.out_return_no).await? {
                same_return(&row, &ask)?;
                return Ok((row.id, false));
            }
            let share = store::find(tx, ask.share_id).await?.filter(|share| share.merchant == by.merchant);
            let share =
                share.filter(|share| share.kind == MoveKind::Share).ok_or(Problem::new(Code::NotFound))?;
            let (Some(receiver), Some(wallet)) = (share.receiver, share.wallet) else {
                return Err(Problem::internal("a share without a receiver"));
            };
            let known = receivers::find(tx, by.merchant, receiver).await?;
            let is_merchant = !merchants::of_wallets(&asked, &[wallet]).await?.is_empty();
            if !is_merchant || known.is_none_or(|known| known.returns_agreed == 0) {
                return Err(Problem::new(Code::Forbidden)
                    .detail("The receiver has not agreed that you take back what you gave."));
            }
            if !store::reserve_return(tx, share.id, amount).await? {
                return Err(Problem::new(Code::SplitExceedsLeft)
                    .field("amount")
                    .with("left", share.amount - share.returned));
            }
            let new = NewMove {
                place: 0,
                kind: MoveKind::Return,
                of_what: share.id.to_string(),
                out_no: Some(ask.out_return_no.clone()),
                receiver: Some((receiver, wallet)),
                amount,
                own: 0,
                description: ask.description.clone(),
                digest: by.digest(),
            };
            Ok((store::insert(tx, share.order_id, by.merchant, new, now).await?.id, true))
        })
        .await?;
    execute::execute(app, id).await?;
    let mut connection = app.db.read().acquire().await?;
    let row = store::find(&mut connection, id).await?.ok_or(Problem::new(Code::NotFound))?;
    Ok(Made { value: row.into(), fresh })
}

fn same_return(row: &store::Move, ask: &ReturnAsk) -> Result<()> {
    let differs = [
        ("share_id", row.of_what != ask.share_id.to_string()),
        ("amount", row.amount.unsigned_abs() != ask.amount.amount),
        ("description", row.description != ask.description),
    ];
    Problem::conflict_if(differs, |field| {
        format!("`out_return_no` was used for a return with another `{field}`.")
    })
}

/// One of the merchant's returns, by its own number.
///
/// # Errors
/// `not_found`.
pub async fn return_of(app: &App, merchant: MerchantId, out_return_no: &str) -> Result<Return> {
    let mut connection = app.db.read().acquire().await?;
    let row = store::return_numbered(&mut connection, merchant, out_return_no).await?;
    row.map(Into::into).ok_or(Problem::new(Code::NotFound))
}
