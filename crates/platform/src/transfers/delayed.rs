//! Transfers that arrive later, and can be taken back until then.
//!
//! The ledger sets the money aside when the transfer is accepted: it can no longer be spent, and there is
//! room for it at the payee's. When its time has come the background work posts it, before that the payer
//! may have it released; the ledger takes whichever comes first, and once. What the payee's wallet cannot
//! take then is released, and the transfer has failed. A payer's wallet that is frozen meanwhile keeps the
//! money set aside until the freeze is lifted.

use std::time::Duration;

use jialing_engine::SubmitError;
use jialing_ledger::{Command, Group, Leg, Refusal, Why};
use tokio::task::JoinHandle;

use super::store::{self, Row};
use super::{State, Transfer, get, submit};
use crate::kind::Kind;
use crate::sessions::Actor;
use crate::wallets::{self, AccountRef, Movement};
use crate::{App, Code, Problem, Result, Tx, background, payments, stored};

/// How often transfers are looked for whose time has come.
const EVERY: Duration = Duration::from_secs(5);
/// Transfers brought to their end in one round.
const BATCH: i64 = 200;

stored! {
    /// How much later a transfer arrives.
    #[schema(as = TransferDelay)]
    pub enum Delay {
        /// A day.
        Day = "24h",
    }
}

impl Delay {
    /// Milliseconds.
    #[must_use]
    pub const fn millis(self) -> i64 {
        match self {
            Self::Day => 86_400_000,
        }
    }
}

/// Takes one of the actor's transfers back that has not arrived. Done again, it changes nothing.
///
/// # Errors
/// `not_found`; `state_conflict` once it has arrived, or if it never waited.
pub async fn revoke(app: &App, actor: &Actor, name: &str) -> Result<Transfer> {
    let transfer = get(app, actor, name).await?;
    if transfer.state == State::Revoked {
        return Ok(transfer);
    }
    let (id, now) = (transfer.id, app.clock.millis());
    if app.db.write(async move |tx: &mut Tx| store::revoke(tx, id, now).await).await? {
        let row = store::find(app, id).await?.ok_or(Problem::new(Code::NotFound))?;
        release(app, &row).await?;
    }
    // The same request beside this one may have taken it back a moment ago.
    let transfer = get(app, actor, name).await?;
    if transfer.state == State::Revoked {
        return Ok(transfer);
    }
    Err(Problem::new(Code::StateConflict)
        .detail("Only a transfer that waits can be taken back, before its time has come."))
}

/// Lets every transfer arrive whose time has come, and releases what was taken back or cannot arrive. Each
/// ends once, however often and wherever this runs.
///
/// # Errors
/// Any fault of the database or the ledger; safe to repeat.
pub async fn arrive_due(app: &App) -> Result<()> {
    let now = app.clock.millis();
    for row in store::due(app, now, now - submit::SILENT_MS, BATCH).await? {
        let id = row.id;
        if !app.db.write(async move |tx: &mut Tx| store::ending(tx, id, now).await).await? {
            continue;
        }
        if row.revoked_at.is_some() || row.problem.is_some() {
            release(app, &row).await?;
        } else {
            arrive(app, &row).await?;
        }
    }
    Ok(())
}

async fn arrive(app: &App, row: &Row) -> Result<()> {
    let (payer, payee) = sides(app, row).await?;
    let Some(refusal) = end(app, wallets::posts(&payer, &payee, &movement(row)?)).await? else {
        return Ok(());
    };
    match refusal.why {
        Why::HoldClosed => {
            ended(app).await;
            Ok(())
        }
        // The payer's wallet is frozen: tried again.
        Why::DebitFrozen => {
            tracing::warn!(transfer = %row.id, %refusal, "a delayed transfer waits for its payer's wallet");
            Ok(())
        }
        _ => {
            let (id, code) = (row.id, wallets::code_for_payer(&refusal));
            app.db.write(async move |tx: &mut Tx| store::cannot_arrive(tx, id, code.text()).await).await?;
            release(app, row).await
        }
    }
}

async fn release(app: &App, row: &Row) -> Result<()> {
    let (payer, payee) = sides(app, row).await?;
    match end(app, wallets::voids(&payer, &payee, &movement(row)?)).await? {
        None => Ok(()),
        Some(refusal) if refusal.why == Why::HoldClosed => {
            ended(app).await;
            Ok(())
        }
        Some(refusal) => {
            Err(Problem::internal(format!("what {} set aside could not be released: {refusal}", row.id)))
        }
    }
}

/// It has ended in another way: waits until the followers have said how.
async fn ended(app: &App) {
    let records = *app.engine.durable().borrow();
    if let Some(last) = records.checked_sub(1) {
        app.progress.passed(last).await;
    }
}

async fn sides(app: &App, row: &Row) -> Result<(AccountRef, AccountRef)> {
    Ok((wallets::account(app, row.from_wallet).await?, wallets::account(app, row.to_wallet).await?))
}

/// The movement as it was set aside; what is charged was charged then.
fn movement(row: &Row) -> Result<Movement<'static>> {
    let digest = row.digest.as_slice().try_into();
    let digest = digest.map_err(|_| Problem::internal("a kept digest is not 24 bytes long"))?;
    let amount = row.amount.unsigned_abs();
    Ok(Movement { id: row.id.number(), kind: Kind::Transfer, amount, digest, meters: &[] })
}

async fn end(app: &App, legs: Vec<Leg>) -> Result<Option<Refusal>> {
    match app.engine.submit(Command::Transfer(Group { legs })).await {
        Ok(outcome) => {
            payments::passed(app, &outcome).await;
            Ok(None)
        }
        Err(SubmitError::Refused(refusal)) => Ok(Some(refusal)),
        Err(error) => Err(wallets::stopped(error)),
    }
}

/// Lets delayed transfers arrive for as long as the handle lives.
#[must_use]
pub fn keep(app: &App) -> JoinHandle<()> {
    background::every(app, EVERY, "delayed transfers could not arrive", |app| async move {
        arrive_due(&app).await
    })
}
