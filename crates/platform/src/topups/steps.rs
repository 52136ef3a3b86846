//! The steps of a top-up: each may be repeated.

use super::rules::{self, Step};
use crate::exchange::store::{self, Row};
use crate::exchange::{self, State, Turn};
use crate::kind::Kind;
use crate::wallets::{self, Attempt, Movement, Side};
use crate::{App, Result, Tx};

/// Takes the next step of the row.
pub(crate) async fn step(app: &App, row: &Row) -> Result<Turn> {
    match rules::next(row, app.clock.millis()) {
        Step::Ask => exchange::ask(app, row).await,
        Step::Query => exchange::query(app, row).await,
        Step::Credit => credit(app, row).await,
        Step::SendBack => send_back(app, row).await,
        Step::Fail => fail(app, row).await,
        Step::Rest => Ok(Turn::Rest),
    }
}

/// Moves the money into the wallet. If it cannot arrive, it goes back to the account.
async fn credit(app: &App, row: &Row) -> Result<Turn> {
    let (bank, wallet) = exchange::sides(app, row).await?;
    let movement = Movement {
        id: row.number()?,
        kind: Kind::TopUp,
        amount: row.fen(),
        digest: row.digest()?,
        meters: &[],
    };
    let Err(refusal) = exchange::submit(app, wallets::legs(&bank, &wallet, &movement)).await? else {
        return Ok(Turn::Rest);
    };
    let attempt = Attempt { payer: &bank, payee: &wallet, amount: movement.amount, asks: Side::Payee };
    let problem = wallets::refused(app, &refusal, &attempt).await;
    tracing::warn!(topup = row.id, %refusal, "a top-up could not arrive and goes back to the account");
    let (id, now) = (row.id.clone(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| store::set_returning(tx, &id, problem.code.text(), now).await)
        .await?;
    Ok(Turn::More)
}

async fn send_back(app: &App, row: &Row) -> Result<Turn> {
    if row.give_back > 0 {
        return exchange::send_back(app, row).await;
    }
    let (id, now) = (row.id.clone(), app.clock.millis());
    app.db.write(async move |tx: &mut Tx| store::set_returning(tx, &id, "late_success", now).await).await?;
    Ok(Turn::More)
}

async fn fail(app: &App, row: &Row) -> Result<Turn> {
    let (id, reason) = (row.id.clone(), row.reason.is_none().then_some("expired"));
    app.db.write(async move |tx: &mut Tx| store::finish(tx, &id, State::Fail, reason).await).await?;
    Ok(Turn::Rest)
}
