//! Carrying batches out: claim one, hand its lines to the ledger a thousand at a time, write down what
//! the ledger refused. What it moved, the follower writes down.
//!
//! A batch remembers up to which line it was handed over, in the transaction that writes the refusals.
//! After a crash the lines from there on are handed over again; the ledger answers that those it has
//! moved are done.

use std::time::Duration;

use jialing_engine::{Bulk, BulkOutcome, SubmitError};
use tokio::task::JoinHandle;

use super::progress::{self, Failed, Handed};
use super::store::{self, Row};
use super::{LineState, State};
use crate::id::{PayoutId, TransactionId, WalletId};
use crate::kind::Kind;
use crate::wallets::{self, AccountRef, Movement};
use crate::{App, Code, Problem, Result, Tx, background, merchants};

/// How often batches to carry out are looked for.
const EVERY: Duration = Duration::from_millis(500);
/// Lines handed to the ledger together.
pub const LINES: u32 = 1_000;
/// How long a batch is kept from others by whoever carries it out, since its last sign of life,
/// milliseconds.
pub const LEASE_MS: i64 = 30_000;

/// Carries batches out for as long as the handle lives.
#[must_use]
pub fn keep(app: &App) -> JoinHandle<()> {
    background::every(
        app,
        EVERY,
        "payouts could not be carried out",
        |app| async move { carry_out(&app).await },
    )
}

/// Carries out every batch that is to be and that nobody carries out now.
///
/// # Errors
/// Any fault of the database or the ledger; what was done stays done.
pub async fn carry_out(app: &App) -> Result<()> {
    for state in [State::Processing, State::Accepted] {
        for id in store::in_state(app, state).await? {
            execute(app, id).await?;
        }
    }
    Ok(())
}

/// Drops what a stopped process was taking in, and frees what it was carrying out. Run it at the start,
/// before requests are taken.
///
/// # Errors
/// Any fault of the database.
pub async fn reconcile(app: &App) -> Result<()> {
    for id in store::in_state(app, State::Receiving).await? {
        store::drop_batch(app, id).await?;
    }
    app.db.write(async |tx: &mut Tx| progress::unclaim_all(tx).await).await
}

/// Carries one batch out, as far as the ledger takes its lines; nothing if another does, or it has
/// ended.
///
/// # Errors
/// As [`carry_out`].
async fn execute(app: &App, id: PayoutId) -> Result<()> {
    let claim = TransactionId::new(app.clock.millis()).to_string();
    let Some(batch) = begin(app, id, &claim).await? else { return Ok(()) };
    let payer = payer(app, &batch).await?;
    let digest = <[u8; 24]>::try_from(batch.digest.as_slice())
        .map_err(|_| Problem::internal("a stored digest has another length"))?;
    let mut after = batch.handed_line;
    loop {
        let lines = store::lines(app, id, Some(LineState::Accepted), after, LINES).await?;
        let Some(last) = lines.last().map(|line| line.line) else { break };
        let Some(failed) = hand_over(app, &payer, digest, &lines).await? else { break };
        let handed = Handed { batch: id, claim: claim.clone(), line: last, failed };
        let until = app.clock.millis() + LEASE_MS;
        let now = app.clock.millis();
        if !app.db.write(async move |tx: &mut Tx| progress::handed(tx, &handed, now, until).await).await? {
            return Ok(());
        }
        after = last;
    }
    app.db.write(async move |tx: &mut Tx| progress::unclaim(tx, id, &claim).await).await
}

/// Takes a batch and makes it `PROCESSING`.
async fn begin(app: &App, id: PayoutId, claim: &str) -> Result<Option<Row>> {
    let (claim, now) = (claim.to_owned(), app.clock.millis());
    app.db.write(async move |tx: &mut Tx| progress::claim(tx, id, &claim, now, now + LEASE_MS).await).await
}

async fn payer(app: &App, batch: &Row) -> Result<AccountRef> {
    let merchant = merchants::read(app, batch.merchant).await?;
    let wallet: WalletId =
        merchant.wallet.ok_or_else(|| Problem::internal("a merchant that pays out has no wallet"))?;
    wallets::account(app, wallet).await
}

/// Hands lines to the ledger, each a group of its own; those it refused. `None` where it is busy.
async fn hand_over(
    app: &App,
    payer: &AccountRef,
    digest: [u8; 24],
    lines: &[store::LineRow],
) -> Result<Option<Vec<Failed>>> {
    let numbers: Vec<u128> = lines.iter().filter_map(|line| Some(line.wallet?.number())).collect();
    let mut connection = app.db.read().acquire().await?;
    let payees = wallets::find_many_in(&mut connection, &numbers).await?;
    drop(connection);
    let payees: std::collections::HashMap<WalletId, AccountRef> =
        payees.iter().map(|wallet| (wallet.id, wallet.account())).collect();
    let (mut bulk, mut failed, mut handed) = (Bulk::default(), Vec::new(), Vec::new());
    for line in lines {
        let Some(payee) = line.wallet.and_then(|wallet| payees.get(&wallet)) else {
            failed.push(Failed { id: line.id, code: Code::PayeeUnknown });
            continue;
        };
        let movement = Movement {
            id: line.id.number(),
            kind: Kind::Payout,
            amount: line.amount.unsigned_abs(),
            digest,
            meters: &[payer.number],
        };
        let legs = wallets::legs(payer, payee, &movement);
        bulk.groups.push(legs.len() as u8);
        bulk.legs.extend(legs);
        handed.push(line.id);
    }
    let outcomes = match app.engine.submit_bulk(bulk).await {
        Ok(outcomes) => outcomes,
        Err(SubmitError::Overloaded { .. }) => return Ok(None),
        Err(error) => return Err(wallets::stopped(error)),
    };
    failed.extend(handed.into_iter().zip(outcomes).filter_map(|(id, outcome)| match outcome {
        BulkOutcome::Done { .. } => None,
        BulkOutcome::Refused(refusal) => Some(Failed { id, code: wallets::code_for_payer(&refusal) }),
    }));
    Ok(Some(failed))
}
