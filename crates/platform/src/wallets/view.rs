//! A wallet as its holder sees it: money, limits, and what is left of them.

use jialing_ledger::{Account, Allowance};
use serde::Serialize;

use super::{Class, Owner, Status, Wallet, of, store};
use crate::clock::rfc3339;
use crate::id::{PersonId, WalletId};
use crate::{App, Money, Problem, Result, policies};

/// A wallet as its holder sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Wallet)]
pub struct View {
    /// The wallet's id.
    pub wallet_id: WalletId,
    /// The code of the institution that keeps it.
    #[schema(example = "BKA")]
    pub institution: String,
    /// Whose liability its money is: `central` for the central bank, `deposit` for the institution.
    #[schema(example = "central")]
    pub liability: &'static str,
    /// The holder's name for it.
    pub name: String,
    /// Its class.
    pub class: Class,
    /// What it may do now.
    pub status: Status,
    /// Whether it is being emptied in order to close.
    pub closing: bool,
    /// What it holds.
    pub balance: Money,
    /// What may leave now: the balance less what is set aside.
    pub available: Money,
    /// Its limits, and what is left of them.
    pub limits: Limits,
    /// The next class and what it needs; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<Upgrade>,
    /// When it was opened, RFC 3339.
    pub opened_at: String,
}

/// The limits that apply to a wallet now. A limit that is absent does not bind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = WalletLimits)]
pub struct Limits {
    /// Whose limits apply: the wallet's class, or IV under control.
    pub class: Class,
    /// Highest balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<Limit>,
    /// One payment; `left` is the largest that the other limits still let through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub single: Option<Limit>,
    /// Payments of today.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<Limit>,
    /// Payments of this year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<Limit>,
}

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = WalletLimit)]
pub struct Limit {
    /// The limit.
    pub limit: Money,
    /// What is left of it now.
    pub left: Money,
}

/// The class a holder may rise to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = WalletUpgrade)]
pub struct Upgrade {
    /// The next class.
    pub class: Class,
    /// What has to be shown: `identity`, `phone`, `bank_account`, `presence`.
    pub needs: Vec<&'static str>,
    /// Highest balance there; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<Money>,
    /// One payment there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub single: Option<Money>,
    /// Payments of a day there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<Money>,
    /// Payments of a year there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<Money>,
}

/// The person's own wallet `id` with its money.
///
/// # Errors
/// `not_found`.
pub async fn view(app: &App, person: PersonId, id: WalletId) -> Result<View> {
    let wallet = of(app, person, id).await?;
    let mut views = with_money(app, vec![wallet]).await?;
    views.pop().ok_or_else(|| Problem::internal("one wallet has one view"))
}

/// The person's wallets, newest first. There are few: the policy `wallets_per_person` bounds those
/// that are open.
///
/// # Errors
/// Any fault of the database or the ledger.
pub async fn list(app: &App, person: PersonId) -> Result<Vec<View>> {
    let wallets = store::all_of(app.db.read(), Owner::Person(person)).await?;
    with_money(app, wallets).await
}

/// Any wallets with their money, all balances at one instant.
async fn with_money(app: &App, wallets: Vec<Wallet>) -> Result<Vec<View>> {
    let numbers: Vec<u128> = wallets.iter().map(|wallet| wallet.id.number()).collect();
    let accounts = app.engine.accounts(&numbers).await.map_err(Problem::internal)?;
    let mut views = Vec::with_capacity(wallets.len());
    for (wallet, account) in wallets.into_iter().zip(accounts) {
        let allowance = app.engine.allowance(wallet.id.number()).await.map_err(Problem::internal)?;
        views.push(one(app, wallet, account.as_ref(), allowance.as_ref()).await?);
    }
    Ok(views)
}

async fn one(
    app: &App,
    wallet: Wallet,
    account: Option<&Account>,
    allowance: Option<&Allowance>,
) -> Result<View> {
    let (balance, available) = account.map_or((0, 0), |account| (account.balance(), account.available()));
    Ok(View {
        wallet_id: wallet.id,
        liability: if wallet.holder == super::legs::CENTRAL_BANK { "central" } else { "deposit" },
        class: wallet.standing.class,
        status: wallet.status(),
        closing: wallet.standing.closing && !wallet.standing.closed,
        balance: fen(balance),
        available: fen(available),
        limits: limits(wallet.standing.limits_of(), account, allowance),
        upgrade: upgrade(app, &wallet).await?,
        opened_at: rfc3339(wallet.created_at),
        institution: wallet.institution_code,
        name: wallet.name,
    })
}

/// The limits as the ledger has them now, with what is left.
fn limits(class: Class, account: Option<&Account>, allowance: Option<&Allowance>) -> Limits {
    let bounds = allowance.and_then(|allowance| allowance.version).map(|version| version.bounds);
    let limit = |limit: u64, left: u64| {
        (limit != u64::MAX).then(|| Limit { limit: Money::fen(limit), left: Money::fen(left) })
    };
    let most = account.filter(|account| account.max != i64::MAX);
    let payable = account.map_or(0, |account| u64::try_from(account.available()).unwrap_or(0));
    Limits {
        class,
        balance: most.map(|account| Limit { limit: fen(account.max), left: fen(super::room(account)) }),
        single: bounds
            .zip(allowance)
            .and_then(|(bounds, left)| limit(bounds.single, left.largest().min(payable))),
        day: bounds.zip(allowance).and_then(|(bounds, left)| limit(bounds.day, left.day)),
        year: bounds.zip(allowance).and_then(|(bounds, left)| limit(bounds.year, left.year)),
    }
}

/// What the wallet's holder could have by proving more.
pub(super) async fn upgrade(app: &App, wallet: &Wallet) -> Result<Option<Upgrade>> {
    let Some(class) = wallet.standing.class.next() else { return Ok(None) };
    let bounds = policies::limits(app, class).await?;
    Ok(Some(Upgrade {
        class,
        needs: class.needs().to_vec(),
        balance: bounds.balance.map(fen),
        single: bounds.single.map(fen),
        day: bounds.day.map(fen),
        year: bounds.year.map(fen),
    }))
}

fn fen(amount: i64) -> Money {
    Money::fen(u64::try_from(amount).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use jialing_ledger::{AccountKind, Freeze, Meter, Policy, PolicyVersion};

    use super::*;

    fn account(balance: u64, held: u64, max: i64) -> Account {
        Account {
            id: 1,
            currency: 156,
            kind: AccountKind::Personal,
            holder: 1,
            debits: 0,
            credits: balance,
            debits_held: held,
            credits_held: 0,
            min: 0,
            max,
            freeze: Freeze::default(),
            closed: false,
        }
    }

    fn allowance(bounds: Policy, today: u64, this_year: u64) -> Allowance {
        let left = |bound: u64, used: u64| if bound == u64::MAX { bound } else { bound.saturating_sub(used) };
        Allowance {
            meter: Meter::new(1, 4),
            version: Some(PolicyVersion { policy: 4, version: 1, from: 0, bounds }),
            single: bounds.single,
            day: left(bounds.day, today),
            day_count: u64::MAX,
            year: left(bounds.year, this_year),
            year_count: u64::MAX,
        }
    }

    #[test]
    fn what_is_left_is_what_the_narrowest_limit_lets_through() {
        let bounds = Policy { single: 200, day: 500, year: 5_000, ..Policy::UNBOUNDED };
        let check = |balance, held, today, this_year, expect: (u64, u64, u64, u64)| {
            let limits = limits(
                Class::Four,
                Some(&account(balance, held, 1_000)),
                Some(&allowance(bounds, today, this_year)),
            );
            let left = |limit: Option<Limit>| limit.expect("class IV has all four").left.amount;
            assert_eq!(
                (left(limits.balance), left(limits.single), left(limits.day), left(limits.year)),
                expect
            );
        };
        check(0, 0, 0, 0, (1_000, 0, 500, 5_000));
        check(900, 0, 0, 0, (100, 200, 500, 5_000));
        check(900, 750, 0, 0, (100, 150, 500, 5_000));
        check(900, 0, 400, 400, (100, 100, 100, 4_600));
        check(900, 0, 500, 5_000, (100, 0, 0, 0));
        check(1_200, 0, 700, 700, (0, 0, 0, 4_300));
    }

    #[test]
    fn what_does_not_bind_is_not_shown() {
        let shown = limits(
            Class::Organisation,
            Some(&account(5, 0, i64::MAX)),
            Some(&allowance(Policy::UNBOUNDED, 7, 7)),
        );
        assert_eq!(
            shown,
            Limits { class: Class::Organisation, balance: None, single: None, day: None, year: None }
        );
    }
}
