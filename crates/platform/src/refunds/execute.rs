//! Making a refund: claim it, move the money, say what came of it.

use jialing_engine::SubmitError;
use jialing_ledger::{Command, Group, Refusal};

use super::{State, rules, store};
use crate::id::RefundId;
use crate::kind::Kind;
use crate::wallets::{self, Movement, Side, legs};
use crate::{App, Problem, Result, Tx, merchants, orders, outbox, payments, splits};

/// How long one who makes a refund keeps others from it, milliseconds.
const CLAIM_MS: i64 = 30_000;

/// Makes a refund that is `PROCESSING`; does nothing with one that is not, or that another makes now.
///
/// Afterwards it is `SUCCESS`, `CLOSED` or `ABNORMAL`; or still `PROCESSING` where the ledger was
/// overloaded, and the sweeper tries again.
///
/// # Errors
/// Any fault of the database or the ledger; the refund then stays `PROCESSING`.
pub async fn execute(app: &App, id: RefundId) -> Result<()> {
    let (claim, now) = (jialing_crypto::random::nonce(), app.clock.millis());
    let mine = claim.clone();
    let claimed = app
        .db
        .write(async move |tx: &mut Tx| match store::claim(tx, id, &mine, now, now + CLAIM_MS).await? {
            Some(refund) => Ok(orders::store::find(tx, refund.order_id).await?.map(|order| (refund, order))),
            None => Ok(None),
        })
        .await?;
    let Some((refund, order)) = claimed else { return Ok(()) };
    match submit(app, &refund, &order).await? {
        Came::Moved => Ok(()),
        Came::Refused(state, code) => say(app, refund, claim, Some((state, code))).await,
        Came::Later => say(app, refund, claim, None).await,
    }
}

/// What came of asking the ledger.
enum Came {
    Moved,
    /// Where the refund goes, and the code of what stands in the way.
    Refused(State, &'static str),
    /// The ledger was overloaded.
    Later,
}

async fn submit(app: &App, refund: &store::Row, order: &orders::store::Row) -> Result<Came> {
    let payer = refund
        .to_wallet
        .or(order.payer_wallet)
        .ok_or_else(|| Problem::internal("a refund of an order that nobody paid"))?;
    let merchant = merchants::read(app, refund.merchant).await?;
    let wallet =
        merchant.wallet.ok_or_else(|| Problem::internal("a merchant that was paid has no wallet"))?;
    let (from, to) =
        (wallets::find(app, wallet).await?.account(), wallets::find(app, payer).await?.account());
    let digest = <[u8; 24]>::try_from(refund.digest.as_slice())
        .map_err(|_| Problem::internal("a stored digest has another length"))?;
    let movement = Movement {
        id: refund.id.number(),
        kind: Kind::Refund,
        amount: refund.amount.unsigned_abs(),
        digest,
        meters: &[],
    };
    // Frozen money is let go in the group that refunds it: it is never free in between.
    let released = match order.split {
        0 => None,
        _ => splits::refunds::leg(app, refund.id, &from).await?,
    };
    let before = released.iter().len() as u8;
    let legs = released.into_iter().chain(legs(&from, &to, &movement)).collect();
    match app.engine.submit(Command::Transfer(Group { legs })).await {
        Ok(outcome) => {
            payments::passed(app, &outcome).await;
            Ok(Came::Moved)
        }
        Err(SubmitError::Refused(refusal)) => {
            let refusal = Refusal { leg: refusal.leg.saturating_sub(before), ..refusal };
            let tried =
                wallets::Attempt { payer: &from, payee: &to, amount: movement.amount, asks: Side::Payer };
            let code = wallets::refused(app, &refusal, &tried).await.code.text();
            Ok(Came::Refused(rules::after_refusal(&refusal, refund.origin), code))
        }
        Err(SubmitError::Overloaded { .. }) => Ok(Came::Later),
        Err(SubmitError::Stopped(stopped)) => Err(Problem::internal(stopped)),
    }
}

/// Says what a refusal made of the refund, or without one gives the claim back.
async fn say(
    app: &App,
    refund: store::Row,
    claim: String,
    after: Option<(State, &'static str)>,
) -> Result<()> {
    let now = app.clock.millis();
    app.db
        .write(async move |tx: &mut Tx| {
            let held = store::unclaim(tx, refund.id, &claim, after, now).await?;
            if held && after.is_some_and(|(state, _)| state == State::Closed) {
                orders::store::end_refund(tx, refund.order_id, refund.amount, 0).await?;
                splits::refunds::give_up(tx, refund.id, now).await?;
            }
            if held && after.is_some() {
                outbox::stuck(tx, refund.id, now).await?;
            }
            Ok(())
        })
        .await
}

/// Makes every refund that is to be made and that nobody is making.
///
/// # Errors
/// Any fault of the database or the ledger.
pub async fn carry_out(app: &App) -> Result<()> {
    for id in store::to_make(app, app.clock.millis(), orders::sweep::BATCH).await? {
        execute(app, id).await?;
    }
    Ok(())
}

/// Frees refunds that a stopped process was making; the next run of [`carry_out`] makes them. Run at
/// the start, before requests are taken. Making one again that was made changes nothing.
///
/// # Errors
/// Any fault of the database.
pub async fn reconcile(app: &App) -> Result<()> {
    app.db.write(async |tx: &mut Tx| store::unclaim_all(tx).await).await
}
