//! Limits that a holder sets for a wallet, below those of its class.
//!
//! They are limits of spending: payments, transfers and red packets count. Withdrawals, which go to a bank
//! account of the holder's own, do not, nor do they count against the class.
//!
//! They are a policy of the wallet's own in the ledger, counted by a second meter, so payments at once
//! cannot pass them. Whoever holds a stolen phone must not undo them: lowering holds at once, raising or
//! lifting only with a second factor, or [`RAISE_AFTER_MS`] later. Each change is a new policy, and the
//! meter goes on counting; today's spending before the first limit was set does not count against it.
//!
//! The row is the intention, the ledger follows, and [`apply_due`] finishes what a crash left in between.

use std::time::Duration;

use jialing_engine::SubmitError;
use jialing_ledger::{Command, Policy, PolicyVersion};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use super::{Wallet, of, store};
use crate::clock::rfc3339;
use crate::factors::{self, FactorAsk, told};
use crate::id::WalletId;
use crate::sessions::{Actor, Origin};
use crate::{App, Code, Money, Problem, Result, Tx, background, mandates};

/// How much later a raise without a second factor holds, milliseconds: a day.
pub const RAISE_AFTER_MS: i64 = 86_400_000;
/// Which of a wallet's sixteen numbers the meter of its holder has.
const METER: u8 = 7;
/// How often changes are looked for whose time has come.
const EVERY: Duration = Duration::from_secs(5);
/// Changes made in one round.
const BATCH: i64 = 200;

/// A holder's own limits of what a wallet spends: withdrawals to the own bank account do not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OwnLimits {
    /// The wallet.
    pub wallet_id: WalletId,
    /// The most of one payment; absent for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub single: Option<Money>,
    /// The most of a natural day; absent for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<Money>,
    /// What holds later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingLimits>,
}

/// Limits that hold later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PendingLimits {
    /// The most of one payment; absent for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub single: Option<Money>,
    /// The most of a natural day; absent for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<Money>,
    /// From when on, RFC 3339.
    #[schema(format = DateTime)]
    pub from: String,
}

/// A holder's own limits are to be set.
#[derive(Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnLimitsAsk {
    /// The most of one payment; absent for none.
    pub single: Option<Money>,
    /// The most of a natural day; absent for none.
    pub day: Option<Money>,
    /// A second factor: with it a raise holds at once.
    pub factor: Option<FactorAsk>,
}

/// A row of `own_limits`.
#[derive(Clone, Debug, sqlx::FromRow)]
struct Row {
    policy: i64,
    single: Option<i64>,
    day: Option<i64>,
    changed_at: i64,
    next_single: Option<i64>,
    next_day: Option<i64>,
    next_from: Option<i64>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT policy, single, day, changed_at, next_single, next_day, next_from FROM own_limits ",
            $rest
        )
    };
}

impl Wallet {
    /// The meters that a payment from this wallet charges: its class's, and its holder's if there is one.
    #[must_use]
    pub fn meters(&self) -> Vec<u128> {
        let own = self.own_limits.then(|| meter(self.id));
        [self.id.number()].into_iter().chain(own).collect()
    }
}

/// The meter of the holder of `wallet`.
pub(super) const fn meter(wallet: WalletId) -> u128 {
    wallet.part(METER)
}

/// The actor's own limits of a wallet.
///
/// # Errors
/// `not_found`.
pub async fn own_limits(app: &App, actor: &Actor, id: WalletId) -> Result<OwnLimits> {
    of(app, actor.person, id).await?;
    let row: Option<Row> =
        sqlx::query_as(select!("WHERE wallet = $1")).bind(id).fetch_optional(app.db.read()).await?;
    let money = |fen: i64| Money::fen(fen.unsigned_abs());
    Ok(match row {
        None => OwnLimits { wallet_id: id, single: None, day: None, pending: None },
        Some(row) => OwnLimits {
            wallet_id: id,
            single: row.single.map(money),
            day: row.day.map(money),
            pending: row.next_from.map(|from| PendingLimits {
                single: row.next_single.map(money),
                day: row.next_day.map(money),
                from: rfc3339(from),
            }),
        },
    })
}

/// Sets the actor's own limits of a wallet. What is lowered holds at once; what is raised or lifted holds
/// at once with a second factor, else a day later.
///
/// # Errors
/// `not_found`; `amount_invalid`; those of a factor.
pub async fn set_own_limits(
    app: &App,
    actor: &Actor,
    origin: Origin,
    id: WalletId,
    ask: OwnLimitsAsk,
) -> Result<OwnLimits> {
    of(app, actor.person, id).await?;
    let fen = |field: &'static str, money: Option<Money>| match money {
        Some(money) => money.positive(field).map(|fen| Some(fen as i64)),
        None => Ok(None),
    };
    let wanted = (fen("single", ask.single)?, fen("day", ask.day)?);
    if let (Some(single), Some(day)) = wanted
        && single > day
    {
        return Err(Problem::new(Code::AmountInvalid)
            .field("single")
            .detail("One payment is at most what a day allows."));
    }
    let factor = match &ask.factor {
        Some(factor) => Some(factors::required(app, actor, origin, Some(factor)).await?),
        None => None,
    };
    let (person, now) = (actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            if let Some(factor) = &factor {
                factor.spend(tx).await?;
            }
            let row: Option<Row> =
                sqlx::query_as(select!("WHERE wallet = $1")).bind(id).fetch_optional(&mut *tx).await?;
            let present = row.map_or((None, None), |row| (row.single, row.day));
            let at_once = match &factor {
                Some(_) => wanted,
                None => (lower(present.0, wanted.0), lower(present.1, wanted.1)),
            };
            let later = (at_once != wanted).then_some((wanted, now + RAISE_AFTER_MS));
            put(tx, id, at_once, later, now).await?;
            told(tx, person, "wallet.limit", id, now).await
        })
        .await?;
    follow(app, id).await?;
    own_limits(app, actor, id).await
}

/// The lower of two limits, of which none is no limit.
fn lower(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

type Bounds = (Option<i64>, Option<i64>);

async fn put(
    tx: &mut Tx,
    wallet: WalletId,
    (single, day): Bounds,
    later: Option<(Bounds, i64)>,
    now: i64,
) -> Result<()> {
    let policy = mandates::next_policy(tx).await?;
    let (next, next_from) = later.unzip();
    let (next_single, next_day) = next.unwrap_or_default();
    sqlx::query(
        "INSERT INTO own_limits (wallet, policy, single, day, applied, changed_at, next_single, next_day, next_from) \
         VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8) ON CONFLICT (wallet) DO UPDATE \
         SET policy = $2, single = $3, day = $4, applied = 0, changed_at = $5, next_single = $6, next_day = $7, next_from = $8",
    )
    .bind(wallet)
    .bind(policy)
    .bind(single)
    .bind(day)
    .bind(now)
    .bind(next_single)
    .bind(next_day)
    .bind(next_from)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Brings the ledger to the row; the wallet charges its second meter from then on. Safe to repeat: two
/// changes at once may overtake each other on the way, and whoever finds that the row has moved on goes
/// round again.
async fn follow(app: &App, wallet: WalletId) -> Result<()> {
    loop {
        let row: Option<Row> = sqlx::query_as(select!("WHERE wallet = $1 AND applied = 0"))
            .bind(wallet)
            .fetch_optional(app.db.read())
            .await?;
        let Some(row) = row else { return Ok(()) };
        let policy = u32::try_from(row.policy).map_err(Problem::internal)?;
        let most = |limit: Option<i64>| limit.map_or(u64::MAX, i64::unsigned_abs);
        let bounds = Policy { single: most(row.single), day: most(row.day), ..Policy::UNBOUNDED };
        let from = row.changed_at.unsigned_abs() * 1_000_000;
        let published = Command::PublishPolicy(PolicyVersion { policy, version: 1, from, bounds });
        for command in [published, Command::SetMeter { meter: meter(wallet), policy }] {
            match app.engine.submit(command).await {
                Ok(_) => {}
                Err(SubmitError::Refused(refusal)) => {
                    return Err(Problem::internal(format!(
                        "the ledger refused a holder's limits: {refusal}"
                    )));
                }
                Err(other) => return Err(super::stopped(other)),
            }
        }
        let policy = row.policy;
        app.db.write(async move |tx: &mut Tx| store::own_limits_applied(tx, wallet, policy).await).await?;
    }
}

/// Makes every change whose time has come, and finishes what a crash left in between.
///
/// # Errors
/// Any fault of the database or the ledger; safe to repeat.
pub async fn apply_due(app: &App) -> Result<()> {
    let now = app.clock.millis();
    let due: Vec<WalletId> =
        sqlx::query_scalar("SELECT wallet FROM own_limits WHERE next_from <= $1 ORDER BY next_from LIMIT $2")
            .bind(now)
            .bind(BATCH)
            .fetch_all(app.db.read())
            .await?;
    for wallet in due {
        app.db
            .write(async move |tx: &mut Tx| {
                let row: Option<Row> = sqlx::query_as(select!("WHERE wallet = $1 AND next_from <= $2"))
                    .bind(wallet)
                    .bind(now)
                    .fetch_optional(&mut *tx)
                    .await?;
                match row {
                    Some(row) => put(tx, wallet, (row.next_single, row.next_day), None, now).await,
                    None => Ok(()),
                }
            })
            .await?;
    }
    let behind: Vec<WalletId> =
        sqlx::query_scalar("SELECT wallet FROM own_limits WHERE applied = 0 ORDER BY wallet LIMIT $1")
            .bind(BATCH)
            .fetch_all(app.db.read())
            .await?;
    for wallet in behind {
        follow(app, wallet).await?;
    }
    Ok(())
}

/// Makes changes whose time has come for as long as the handle lives.
#[must_use]
pub fn keep_own_limits(app: &App) -> JoinHandle<()> {
    background::every(app, EVERY, "limits that holders set could not be changed", |app| async move {
        apply_due(&app).await
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_limit_holds_and_none_is_the_highest() {
        let check = |one, other, expect| assert_eq!(lower(one, other), expect);
        check(None, None, None);
        check(Some(5), None, Some(5));
        check(None, Some(5), Some(5));
        check(Some(4), Some(5), Some(4));
        check(Some(5), Some(4), Some(4));
    }
}
