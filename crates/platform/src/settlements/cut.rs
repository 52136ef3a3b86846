//! Cutting: a batch ends at the journal's present end, and the next one begins there.

use serde::Deserialize;

use super::store::{self, Cut, Set};
use super::{Settlement, rules, tell};
use crate::history::account::{Account, merchant_wallet};
use crate::history::range::{self, Places};
use crate::history::statement::balances;
use crate::id::MerchantId;
use crate::merchants::Caller;
use crate::orders::Made;
use crate::{App, Code, Problem, Result, Tx, policies, text};

/// A batch to cut now.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SettlementAsk)]
pub struct RequestAsk {
    /// Your number of it, 1 to 64 letters, digits and `_-|*.:`; yours for ever.
    #[schema(example = "SET-20261122")]
    pub out_settlement_no: String,
}

/// Cuts the merchant's batch now. The same number again answers the batch it cut.
///
/// # Errors
/// `invalid_request`; `not_found` while no settlement account is chosen; `state_conflict` while the
/// last batch is under way, or the present one is held; `settlement_too_small` with what there is.
pub async fn request(app: &App, caller: &Caller, ask: RequestAsk) -> Result<Made<Settlement>> {
    text::key("out_settlement_no", &ask.out_settlement_no)?;
    let mut connection = app.db.read().acquire().await?;
    let known = store::numbered(&mut connection, caller.merchant, &ask.out_settlement_no).await?;
    let set = store::set_of(&mut connection, caller.merchant).await?;
    drop(connection);
    if let Some(row) = known {
        return Ok(Made { value: row.into(), fresh: false });
    }
    let no_account = || Problem::new(Code::NotFound).detail("The owner has not chosen a settlement account.");
    let set = set.ok_or_else(no_account)?;
    let row = cut(app, &set, Some(ask.out_settlement_no)).await?;
    Ok(Made { value: row.into(), fresh: true })
}

/// The daily cut of a merchant. Where there is nothing to settle, or the last batch is under way, the
/// present one goes on gathering until the next day's.
///
/// # Errors
/// Any fault of the database or the ledger.
pub(super) async fn daily(app: &App, set: &Set) -> Result<()> {
    match cut(app, set, None).await {
        Ok(_) => {}
        Err(problem) if matches!(problem.code, Code::SettlementTooSmall | Code::StateConflict) => {
            tracing::info!(merchant = %set.merchant, %problem, "no settlement was cut");
        }
        Err(problem) => return Err(problem),
    }
    let (merchant, at) = (set.merchant, rules::next_cut(app.clock.millis(), set.cut_minute));
    app.db.write(async move |tx: &mut Tx| store::set_next_cut(tx, merchant, at).await).await
}

async fn cut(app: &App, set: &Set, number: Option<String>) -> Result<store::Row> {
    let account = merchant_wallet(app, set.merchant).await?;
    let end = present_end(app, &account).await?;
    let (_, closing) = balances(app, &account, Places { first: end, end, is_over: true }).await?;
    let points = policies::number(app, "settlement_fee_points").await?;
    let fixed = policies::number(app, "settlement_fee_fixed").await?;
    let due = rules::due(closing, set.keep, set.minimum, points, fixed);
    let Some(due) = due else {
        return Err(Problem::new(Code::SettlementTooSmall)
            .with("balance", closing)
            .with("keep", set.keep)
            .with("minimum", set.minimum));
    };
    let (merchant, now) = (set.merchant, app.clock.millis());
    let fixed =
        Cut { number, end_seq: end as i64, closing, amount: due.amount, fee: due.fee, link: set.link };
    app.db.write(async move |tx: &mut Tx| write(tx, merchant, &fixed, now).await).await
}

async fn write(tx: &mut Tx, merchant: MerchantId, fixed: &Cut, now: i64) -> Result<store::Row> {
    if let Some(row) = store::under_way(tx, merchant).await? {
        return Err(Problem::new(Code::StateConflict)
            .detail(format!("The last batch is {}; batches follow each other.", row.state))
            .with("settlement_id", row.id.to_string()));
    }
    let open = store::gathering(tx, merchant).await?;
    let open = open.ok_or_else(|| Problem::internal("a merchant that settles has no open batch"))?;
    let row = store::cut(tx, open.id, fixed, now).await?.ok_or_else(Problem::again)?;
    tell(tx, row.clone(), now).await?;
    store::open(tx, merchant, fixed.end_seq, now).await?;
    Ok(row)
}

/// The number of durable records now, once the history has them all.
async fn present_end(app: &App, account: &Account) -> Result<u64> {
    // Answered in order with the submissions, once what came before is durable.
    app.engine.account(account.number()).await.map_err(Problem::internal)?;
    let end = *app.engine.durable().borrow();
    range::told(app, end).await?;
    Ok(end)
}
