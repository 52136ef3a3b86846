//! What an account held at any time.
//!
//! Every record of the ledger carries the balances after it, so the balance at a time is in the last
//! record up to then that names the account: found by halving over the log's times, then by one
//! look into the account's index. Nothing is added up.

use jialing_ledger::{Body, Record};
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::range::{before, nanos};
use super::time;
use crate::clock::rfc3339;
use crate::{App, Code, Money, Problem, Result};

/// Which time a balance is asked for.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BalanceAsk {
    /// The time, RFC 3339; the present where it is left out. Movements of this very millisecond count.
    #[param(format = DateTime)]
    pub at: Option<String>,
}

/// What an account held at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BalanceAt {
    /// The wallet's id, or the institution's code and account.
    #[schema(example = "wal_01k9zq5v4c0000000000000000")]
    pub account: String,
    /// The time, RFC 3339 at UTC+8.
    #[schema(format = DateTime)]
    pub at: String,
    /// What it held, money set aside included.
    pub balance: Money,
    /// The last record of the ledger up to then that names the account; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_record: Option<String>,
    /// Records in the ledger up to then. The same question answers the same for ever once it is
    /// `settled`.
    pub records: u64,
    /// Whether the time is over, so that nothing can change the answer.
    pub settled: bool,
    /// When the account was opened, RFC 3339; before that its balance is zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub opened_at: Option<String>,
}

/// What `account` held at a time.
///
/// # Errors
/// `invalid_request` for a time that is none or lies in the future; any fault of the ledger.
pub async fn balance_at(app: &App, account: &Account, ask: &BalanceAsk) -> Result<BalanceAt> {
    let asked = ask.at.as_deref().map(|text| time("at", text)).transpose()?;
    // Answered in order with the submissions, once what came before is durable.
    app.engine.account(account.number).await.map_err(Problem::internal)?;
    let now = app.engine.now();
    let at = asked.unwrap_or((now / 1_000_000) as i64);
    if nanos(at) > now {
        return Err(Problem::new(Code::InvalidRequest).field("at").detail("The time lies in the future."));
    }
    let next = at.saturating_add(1);
    let records = before(app, next).await?;
    let held = held(app, account, records).await?;
    Ok(BalanceAt {
        account: account.shown.clone(),
        at: rfc3339(at),
        balance: money(held.balance)?,
        last_record: held.record.map(|seq| seq.to_string()),
        records,
        settled: nanos(next) <= now,
        opened_at: (account.opened_at > 0).then(|| rfc3339(account.opened_at)),
    })
}

/// What an account held after some records.
pub(super) struct Held {
    /// Minor units, as shown.
    pub(super) balance: i64,
    /// The last record that names it.
    pub(super) record: Option<u64>,
}

/// What `account` held after the first `records` records.
pub(super) async fn held(app: &App, account: &Account, records: u64) -> Result<Held> {
    let found = app.engine.history(account.number, Some(records), 1).await.map_err(Problem::internal)?;
    Ok(found.first().map_or(Held { balance: 0, record: None }, |record| Held {
        balance: account.shown_balance(of_record(record, account.number)),
        record: Some(record.seq),
    }))
}

/// The account's balance after a record that names it.
const fn of_record(record: &Record, account: u128) -> i64 {
    match &record.body {
        Body::Transfer(transfer) if transfer.debit == account => transfer.debit_balance,
        Body::Transfer(transfer) if transfer.credit == account => transfer.credit_balance,
        _ => 0,
    }
}

/// A balance as money.
pub(super) fn money(fen: i64) -> Result<Money> {
    u64::try_from(fen)
        .map(Money::fen)
        .map_err(|_| Problem::internal(format!("a balance of {fen} is shown as money")))
}
