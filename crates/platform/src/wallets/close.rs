//! Closing a wallet: empty at once, or emptied into a linked account first.

use serde::Deserialize;

use super::{Standing, View, apply, change, find_in, of, store, view};
use crate::devices::evidence::EvidenceAsk;
use crate::id::{LinkId, WalletId};
use crate::sessions::Actor;
use crate::withdrawals::{self, WithdrawalAsk};
use crate::{App, Code, Money, Problem, Result, Tx, exchange};

/// How a wallet is to be closed.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseAsk {
    /// Where the rest of the money goes; needed unless the wallet is empty.
    pub sweep: Option<SweepAsk>,
}

/// Where the rest of a closing wallet's money goes: a withdrawal of the whole balance, signed like
/// one.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepAsk {
    /// The app's own number for the withdrawal.
    #[schema(max_length = 64)]
    pub out_withdrawal_no: String,
    /// The linked account.
    pub link_id: LinkId,
    /// The whole available balance, as the holder has seen it.
    pub amount: Money,
    /// The payment PIN, where the amount asks for it.
    pub pin: Option<String>,
    /// The device's evidence for the withdrawal.
    pub evidence: EvidenceAsk,
}

/// Closes the actor's own wallet. One that holds money is emptied into the linked account first: it
/// takes no more money from then on, and is closed when the bank has paid.
///
/// # Errors
/// `not_found`; `wallet_not_empty` where money is left and no account is named, or the amount is not
/// the whole; those of a withdrawal. The wallet is then open as before.
pub async fn close(app: &App, actor: &Actor, id: WalletId, ask: CloseAsk) -> Result<View> {
    let wallet = of(app, actor.person, id).await?;
    if wallet.standing.closed {
        return view(app, actor.person, id).await;
    }
    wallet.may_pay()?;
    // Nothing may arrive any more, so that what is swept is the whole.
    change(app, id, actor.person.to_string(), "wallet.close", |standing| Standing {
        closing: true,
        ..standing
    })
    .await?;
    let account = app.engine.account(id.number()).await.map_err(Problem::internal)?;
    let balance = account.map_or(0, |account| u64::try_from(account.balance()).unwrap_or(0));
    let done = match (balance, ask.sweep) {
        (0, _) => close_empty(app, id).await,
        (_, Some(sweep)) => start_sweep(app, actor, id, balance, sweep).await,
        (_, None) => Err(Problem::new(Code::WalletNotEmpty).with("balance", balance)),
    };
    if let Err(problem) = done {
        reopen(app, id).await?;
        return Err(problem);
    }
    view(app, actor.person, id).await
}

async fn close_empty(app: &App, id: WalletId) -> Result<()> {
    let now = app.clock.millis();
    app.db.write(async move |tx: &mut Tx| swept(tx, id, now).await).await?;
    apply::apply(app, id).await
}

async fn start_sweep(app: &App, actor: &Actor, id: WalletId, balance: u64, ask: SweepAsk) -> Result<()> {
    if ask.amount.amount != balance {
        return Err(Problem::new(Code::WalletNotEmpty)
            .field("sweep.amount")
            .detail("The amount is not the whole balance.")
            .with("balance", balance));
    }
    let ask = WithdrawalAsk {
        out_withdrawal_no: ask.out_withdrawal_no,
        wallet_id: id,
        link_id: ask.link_id,
        amount: ask.amount,
        pin: ask.pin,
        evidence: ask.evidence,
    };
    let withdrawal = withdrawals::reserve(app, actor, ask, true).await?;
    exchange::drive_for_a_moment(app, &withdrawal.to_string()).await
}

/// Opens a wallet again that could not be closed; nothing if a sweep is under way.
async fn reopen(app: &App, id: WalletId) -> Result<()> {
    app.db.write(async move |tx: &mut Tx| sweep_failed(tx, id).await).await?;
    apply::apply(app, id).await
}

/// Opens wallets again whose closing a crash has stopped before it began. Answers how many. Runs at
/// the start, before requests.
///
/// # Errors
/// Any fault of the database or the ledger.
pub async fn reopen_abandoned(app: &App) -> Result<usize> {
    let closing = store::closing(app.db.read()).await?;
    for id in &closing {
        reopen(app, *id).await?;
    }
    Ok(closing.len())
}

/// The wallet is empty for good: its row says closed, and the ledger follows.
pub(crate) async fn swept(tx: &mut Tx, id: WalletId, at: i64) -> Result<()> {
    let wallet = find_in(tx, id).await?;
    if !wallet.standing.closed {
        store::set_closed_at(tx, id, Some(at)).await?;
    }
    store::set_standing(tx, &wallet, Standing { closing: true, closed: true, ..wallet.standing }).await
}

/// The wallet was not emptied: it is open as before, unless another sweep of it is under way.
pub(crate) async fn sweep_failed(tx: &mut Tx, id: WalletId) -> Result<()> {
    let wallet = find_in(tx, id).await?;
    if wallet.standing.closed || exchange::is_sweeping(tx, id).await? {
        return Ok(());
    }
    store::set_standing(tx, &wallet, Standing { closing: false, ..wallet.standing }).await
}

/// Brings the ledger to a row that a follower has changed.
pub(crate) async fn follow_up(app: &App, id: WalletId) -> Result<()> {
    match apply::apply(app, id).await {
        // Money came in by a return before the account was closed: the wallet is open again.
        Err(problem) if problem.code == Code::WalletNotEmpty => Ok(()),
        other => other,
    }
}
