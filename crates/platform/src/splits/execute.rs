//! Making a movement: claim it, move the money, say what came of it.
//!
//! A share passes from the frozen money through the merchant's wallet to the receiver in one group of
//! the ledger, all or nothing, so that the merchant's history shows it and the receiver sees who gave. A
//! return takes the same way back.

use std::time::Duration;

use jialing_engine::SubmitError;
use jialing_ledger::{AccountKind, Command, Group, Leg, LegOp, MAX_METERS, NewAccount};
use tokio::task::JoinHandle;

use super::store::{self, Move};
use super::{MoveKind, end, rules};
use crate::id::{OrderId, SplitMoveId, WalletId};
use crate::kind::Kind;
use crate::money::Currency;
use crate::wallets::{self, AccountRef, Movement};
use crate::{App, Code, Problem, Result, Tx, background, merchants, payments};

/// How often movements to make are looked for.
const EVERY: Duration = Duration::from_secs(1);
/// Movements that one round makes.
const BATCH: i64 = 200;
/// How long one who makes a movement keeps others from it, milliseconds.
const CLAIM_MS: i64 = 30_000;
/// Which of a movement's sixteen numbers the leg between wallet and frozen money has.
const INNER: u128 = 8;
/// Which of a wallet's sixteen numbers its frozen money has as an account.
const FROZEN: u8 = 5;

/// Where a merchant's frozen money is: an account beside its wallet that only splitting touches.
#[must_use]
pub(super) const fn frozen(wallet: &AccountRef) -> AccountRef {
    AccountRef { number: WalletId::from_number(wallet.number).part(FROZEN), ..*wallet }
}

/// Opens the account for frozen money beside a wallet. Done again, it changes nothing.
///
/// # Errors
/// Any fault of the ledger.
pub(super) async fn open(app: &App, wallet: &AccountRef) -> Result<()> {
    let account = frozen(wallet);
    if app.engine.account(account.number).await.map_err(Problem::internal)?.is_some() {
        return Ok(());
    }
    let new = NewAccount {
        id: account.number,
        currency: Currency::CNY.numeric(),
        kind: AccountKind::Transit,
        holder: account.holder,
        min: 0,
        max: i64::MAX,
    };
    match app.engine.submit(Command::OpenAccount(new)).await {
        Ok(_) => Ok(()),
        Err(error) => Err(wallets::stopped(error)),
    }
}

/// The leg that freezes what a payment brings: the last of the payment's own group, so that the money
/// is never free in between.
#[must_use]
pub(crate) fn freeze(order: OrderId, wallet: &AccountRef, amount: u64) -> Leg {
    let to = frozen(wallet).number;
    plain(rules::freeze_id(order).number(), Kind::SplitFreeze, wallet.number, to, amount, [0; 24])
}

/// The leg that lets frozen money go back to the wallet, for a refund: the first of its group.
pub(super) fn release(id: SplitMoveId, wallet: &AccountRef, amount: u64) -> Leg {
    let from = frozen(wallet).number;
    plain(id.number(), Kind::SplitRelease, from, wallet.number, amount, [0; 24])
}

fn plain(id: u128, kind: Kind, debit: u128, credit: u128, amount: u64, digest: [u8; 24]) -> Leg {
    let op = LegOp::Plain { debit, credit, amount };
    Leg { id, op, kind: kind as u16, digest, meters: [0; MAX_METERS] }
}

/// Makes every movement that is to be made and that nobody makes now.
///
/// # Errors
/// Any fault of the database or the ledger.
pub async fn carry_out(app: &App) -> Result<()> {
    for id in store::to_make(app, app.clock.millis(), BATCH).await? {
        execute(app, id).await?;
    }
    Ok(())
}

/// Makes movements for as long as the handle lives.
#[must_use]
pub fn keep(app: &App) -> JoinHandle<()> {
    background::every(
        app,
        EVERY,
        "splits could not be carried out",
        |app| async move { carry_out(&app).await },
    )
}

/// Frees what a stopped process was making; [`carry_out`] makes it. Making what was made changes
/// nothing.
///
/// # Errors
/// Any fault of the database.
pub async fn reconcile(app: &App) -> Result<()> {
    app.db.write(async |tx: &mut Tx| store::unclaim_all(tx).await).await
}

/// Makes a movement that is `PROCESSING`; nothing if it is not, or another makes it now.
///
/// # Errors
/// Any fault of the database or the ledger; it is then tried again.
pub(super) async fn execute(app: &App, id: SplitMoveId) -> Result<()> {
    let (claim, now) = (jialing_crypto::random::nonce(), app.clock.millis());
    let mine = claim.clone();
    let claimed =
        app.db.write(async move |tx: &mut Tx| store::claim(tx, id, &mine, now, now + CLAIM_MS).await).await?;
    let Some(row) = claimed else { return Ok(()) };
    let legs = legs(app, &row).await?;
    match app.engine.submit(Command::Transfer(Group { legs })).await {
        Ok(outcome) => {
            payments::passed(app, &outcome).await;
            Ok(())
        }
        Err(SubmitError::Refused(refusal)) => {
            let (code, now) = (wallets::code_for_payer(&refusal), app.clock.millis());
            app.db.write(async move |tx: &mut Tx| end::given_up(tx, id, code, now).await).await
        }
        Err(SubmitError::Overloaded { .. }) => {
            app.db.write(async move |tx: &mut Tx| store::unclaim(tx, id, &claim).await).await
        }
        Err(SubmitError::Stopped(stopped)) => Err(Problem::internal(stopped)),
    }
}

async fn legs(app: &App, row: &Move) -> Result<Vec<Leg>> {
    let merchant = merchants::read(app, row.merchant).await?;
    let wallet = merchant.wallet.ok_or_else(|| Problem::internal("a merchant that splits has no wallet"))?;
    let own = wallets::account(app, wallet).await?;
    let (amount, number) = (row.amount.unsigned_abs(), row.id.number());
    let digest = <[u8; 24]>::try_from(row.digest.as_slice())
        .map_err(|_| Problem::internal("a stored digest has another length"))?;
    let inner = |kind: Kind, from: u128, to: u128| plain(number | INNER, kind, from, to, amount, digest);
    let other = match row.wallet {
        Some(wallet) => Some(wallets::account(app, wallet).await?),
        None => None,
    };
    let movement = |kind: Kind| Movement { id: number, kind, amount, digest, meters: &[] };
    Ok(match (row.kind, other) {
        (MoveKind::Share, Some(receiver)) => {
            let out = inner(Kind::Split, frozen(&own).number, own.number);
            [out].into_iter().chain(wallets::legs(&own, &receiver, &movement(Kind::Split))).collect()
        }
        (MoveKind::Return, Some(receiver)) => {
            let back = inner(Kind::SplitReturn, own.number, frozen(&own).number);
            wallets::legs(&receiver, &own, &movement(Kind::SplitReturn)).into_iter().chain([back]).collect()
        }
        (MoveKind::Unfreeze, _) => vec![release(row.id, &own, amount)],
        _ => return Err(Problem::internal(Code::Internal.title())),
    })
}
