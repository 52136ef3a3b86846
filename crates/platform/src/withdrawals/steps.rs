//! The steps of a withdrawal: each may be repeated.

use jialing_ledger::{Refusal, Why};

use super::rules::{self, Step};
use crate::exchange::store::{self, Row};
use crate::exchange::{self, State, Turn, rules::FIRST_WAIT_MS, rules::wait_ms};
use crate::kind::Kind;
use crate::wallets::{self, AccountRef, Attempt, Movement, Side};
use crate::{App, Problem, Result, Tx, policies};

/// Where the numbers of a return's legs begin among a withdrawal's sixteen.
const RETURNS: u128 = 12;

/// Takes the next step of the row.
pub(crate) async fn step(app: &App, row: &Row) -> Result<Turn> {
    match rules::next(row, app.clock.millis()) {
        Step::Hold => hold(app, row).await,
        Step::Ask => exchange::ask(app, row).await,
        Step::Query => exchange::query(app, row).await,
        Step::Post => post(app, row).await,
        Step::Release => release(app, row).await,
        Step::Restore => restore(app, row).await,
        Step::Rest => Ok(Turn::Rest),
    }
}

fn movement(row: &Row) -> Result<Movement<'static>> {
    let kind = if row.sweep == 1 { Kind::Sweep } else { Kind::Withdrawal };
    Ok(Movement { id: row.number()?, kind, amount: row.fen(), digest: row.digest()?, meters: &[] })
}

/// Sets the money aside. The follower writes that it is held; so does this, for a quick next step.
async fn hold(app: &App, row: &Row) -> Result<Turn> {
    let (bank, wallet) = exchange::sides(app, row).await?;
    let movement = movement(row)?;
    let id = row.id.clone();
    match exchange::submit(app, wallets::holds(&wallet, &bank, &movement, 0)).await? {
        Ok(_) => {
            app.db.write(async move |tx: &mut Tx| store::set_held(tx, &id).await).await?;
            Ok(Turn::More)
        }
        Err(refusal) => {
            let attempt =
                Attempt { payer: &wallet, payee: &bank, amount: movement.amount, asks: Side::Payer };
            let problem = wallets::refused(app, &refusal, &attempt).await;
            let (sweep, wallet, code) = (row.sweep == 1, row.wallet_id, problem.code);
            app.db
                .write(async move |tx: &mut Tx| {
                    store::finish(tx, &id, State::Fail, Some(code.text())).await?;
                    if sweep { wallets::sweep_failed(tx, wallet).await } else { Ok(()) }
                })
                .await?;
            wallets::follow_up(app, wallet).await?;
            Err(problem)
        }
    }
}

/// The bank has paid: what is held leaves for good. A wallet frozen meanwhile stops even that; the
/// money then stays held until the freeze is lifted.
async fn post(app: &App, row: &Row) -> Result<Turn> {
    let (bank, wallet) = exchange::sides(app, row).await?;
    match exchange::submit(app, wallets::posts(&wallet, &bank, &movement(row)?)).await? {
        Ok(_) => {
            if row.sweep == 1 {
                wallets::follow_up(app, row.wallet_id).await?;
            }
            Ok(Turn::More)
        }
        Err(refusal) => stuck(app, row, Some(State::PresumedSuccess), &refusal).await,
    }
}

/// Releases what is held. Where nothing was ever held, the withdrawal just ends.
async fn release(app: &App, row: &Row) -> Result<Turn> {
    let (bank, wallet) = exchange::sides(app, row).await?;
    let refusal = match exchange::submit(app, wallets::voids(&wallet, &bank, &movement(row)?)).await? {
        Ok(_) => {
            let id = row.id.clone();
            app.db.write(async move |tx: &mut Tx| store::set_reason(tx, &id, "expired").await).await?;
            // The follower has opened a swept wallet's row again; the ledger follows.
            wallets::follow_up(app, row.wallet_id).await?;
            return Ok(Turn::Rest);
        }
        Err(refusal) => refusal,
    };
    if refusal.why != Why::TargetUnknown {
        return Err(Problem::internal(format!("the hold of {} could not be released: {refusal}", row.id)));
    }
    let (id, sweep, wallet) = (row.id.clone(), row.sweep == 1, row.wallet_id);
    app.db
        .write(async move |tx: &mut Tx| {
            store::finish(tx, &id, State::Fail, Some("expired")).await?;
            if sweep { wallets::sweep_failed(tx, wallet).await } else { Ok(()) }
        })
        .await?;
    wallets::follow_up(app, wallet).await?;
    Ok(Turn::Rest)
}

/// Moves what the bank has sent back into the wallet. A wallet that cannot take it leaves the money
/// with the bank, to be tried again; a closed wallet leaves it there for a person to settle.
async fn restore(app: &App, row: &Row) -> Result<Turn> {
    let (bank, wallet): (AccountRef, AccountRef) = exchange::sides(app, row).await?;
    let movement = Movement {
        id: row.number()? | RETURNS,
        kind: Kind::WithdrawalReturn,
        amount: row.fen(),
        digest: [0; 24],
        meters: &[],
    };
    match exchange::submit(app, wallets::legs(&bank, &wallet, &movement)).await? {
        Ok(_) => Ok(Turn::Rest),
        Err(refusal) => stuck(app, row, None, &refusal).await,
    }
}

async fn stuck(app: &App, row: &Row, state: Option<State>, refusal: &Refusal) -> Result<Turn> {
    tracing::warn!(withdrawal = row.id, %refusal, "a withdrawal waits for its wallet");
    let longest = policies::number(app, "bank_query_longest").await?;
    let (id, again) =
        (row.id.clone(), app.clock.millis() + wait_ms(row.tries + 1, FIRST_WAIT_MS / 1000, longest));
    app.db
        .write(async move |tx: &mut Tx| store::set_stuck(tx, &id, state, "wallet_unavailable", again).await)
        .await?;
    Ok(Turn::Rest)
}
