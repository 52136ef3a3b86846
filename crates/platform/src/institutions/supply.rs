//! The money supply: what was issued, what was redeemed, and where the rest is.
//!
//! For every liability holder, what was issued less what was redeemed equals what is in vaults,
//! wallets and on its way. The report takes these sums from the ledger in one instant, so the
//! equation is either true or the ledger is broken. The break-down by bank is taken at the same
//! place of the journal; the one by institution and class is counted wallet by wallet now and then
//! ([`count`]) and says when.

use std::collections::BTreeMap;

use jialing_ledger::Totals;
use serde::Serialize;
use sqlx::Row;

use super::{Institution, all};
use crate::clock::rfc3339;
use crate::id::InstitutionId;
use crate::money::Currency;
use crate::wallets::{self, Class, legs::CENTRAL_BANK};
use crate::{App, Money, Problem, Result, Tx};

/// Times that the sums are read again because a vault moved in between.
const ATTEMPTS: usize = 8;

/// The money supply at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Supply {
    /// Records in the journal when it was read, at least.
    pub records: u64,
    /// When it was read, RFC 3339.
    pub as_of: String,
    /// The central bank's digital yuan: issued less redeemed.
    pub in_circulation: Money,
    /// Whether the equation holds for every holder.
    pub balanced: bool,
    /// The sums of each liability holder.
    pub holders: Vec<Holder>,
    /// What each operating bank holds at the central bank.
    pub vaults: Vec<Vault>,
    /// Whether `vaults` is of the same instant: false only while they move too fast to be read.
    pub vaults_exact: bool,
    /// Money in wallets by institution and class, as last counted.
    pub in_wallets: Vec<InWallets>,
}

/// One liability holder: `issued − redeemed = in_vaults + in_wallets + in_organisations + in_transit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SupplyOfHolder)]
pub struct Holder {
    /// The institution's code.
    pub institution: String,
    /// All it ever issued.
    pub issued: Money,
    /// All it ever took back.
    pub redeemed: Money,
    /// In vaults of operating banks.
    pub in_vaults: Money,
    /// In persons' wallets.
    pub in_wallets: Money,
    /// In organisations' wallets.
    pub in_organisations: Money,
    /// On its way between accounts.
    pub in_transit: Money,
    /// Part of the above that is set aside for movements not yet final.
    pub set_aside: Money,
    /// Whether the equation holds.
    pub check: SupplyCheck,
}

/// The two sides of the equation, in fen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SupplyCheck {
    /// Issued less redeemed.
    pub outstanding: i64,
    /// Found in accounts.
    pub found: i64,
    /// Whether they are equal.
    pub equal: bool,
}

/// A bank's vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SupplyInVault)]
pub struct Vault {
    /// The bank's code.
    pub institution: String,
    /// What it holds.
    pub amount: Money,
}

/// Money in the wallets of one institution and class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SupplyInWallets)]
pub struct InWallets {
    /// The bank's code.
    pub institution: String,
    /// The wallets' class.
    pub class: Class,
    /// How many are open.
    pub wallets: u64,
    /// What they hold together.
    pub amount: Money,
    /// When they were counted, RFC 3339.
    pub counted_at: String,
}

/// The money supply now.
///
/// # Errors
/// Any fault of the database or the ledger.
pub async fn supply(app: &App) -> Result<Supply> {
    let institutions = all(app).await?;
    let (totals, vaults, vaults_exact) = at_one_instant(app, &institutions).await?;
    let holders = holders(&institutions, &totals);
    let central = holders.first().map_or(0, |holder| holder.check.outstanding);
    let records = *app.engine.durable().borrow();
    Ok(Supply {
        records,
        as_of: rfc3339(app.clock.millis()),
        in_circulation: fen(central),
        balanced: holders.iter().all(|holder| holder.check.equal),
        holders,
        vaults,
        vaults_exact,
        in_wallets: counted(app).await?,
    })
}

/// The sums, and the vaults of the same instant: read until their own sum is the one in the sums.
async fn at_one_instant(app: &App, institutions: &[Institution]) -> Result<(Vec<Totals>, Vec<Vault>, bool)> {
    let banks: Vec<&Institution> =
        institutions.iter().filter(|institution| !institution.is_central()).collect();
    let numbers: Vec<u128> = banks.iter().map(|bank| bank.vault()).collect();
    for attempt in 1.. {
        let accounts = app.engine.accounts(&numbers).await.map_err(Problem::internal)?;
        let totals = app.engine.totals().await.map_err(Problem::internal)?;
        let balances: Vec<i64> =
            accounts.iter().map(|account| account.map_or(0, |account| account.balance())).collect();
        let all = totals
            .iter()
            .find(|totals| totals.holder == CENTRAL_BANK && totals.currency == Currency::CNY.numeric());
        let exact = all.map_or(0, |all| i128::from(all.vault))
            == balances.iter().map(|&balance| i128::from(balance)).sum::<i128>();
        if exact || attempt == ATTEMPTS {
            let vaults = banks
                .iter()
                .zip(balances)
                .map(|(bank, balance)| Vault { institution: bank.code.clone(), amount: fen(balance) })
                .collect();
            return Ok((totals, vaults, exact));
        }
    }
    unreachable!("the loop ends by itself")
}

/// The sums of each holder, the central bank's first.
fn holders(institutions: &[Institution], totals: &[Totals]) -> Vec<Holder> {
    let mut issuers: Vec<&Institution> =
        institutions.iter().filter(|institution| institution.issues()).collect();
    issuers.sort_by_key(|institution| institution.holder);
    issuers.into_iter().map(|issuer| holder(issuer, totals)).collect()
}

fn holder(issuer: &Institution, totals: &[Totals]) -> Holder {
    let own = totals
        .iter()
        .find(|totals| (totals.currency, totals.holder) == (Currency::CNY.numeric(), issuer.holder));
    let sum = |of: fn(&Totals) -> u64| own.map_or(0, of);
    let outstanding = i128::from(sum(|t| t.issued)) - i128::from(sum(|t| t.redeemed));
    let found = own.map_or(0, |t| {
        [t.vault, t.personal, t.organisation, t.transit].into_iter().map(i128::from).sum::<i128>()
    });
    Holder {
        institution: issuer.code.clone(),
        issued: Money::fen(sum(|t| t.issued)),
        redeemed: Money::fen(sum(|t| t.redeemed)),
        in_vaults: Money::fen(sum(|t| t.vault)),
        in_wallets: Money::fen(sum(|t| t.personal)),
        in_organisations: Money::fen(sum(|t| t.organisation)),
        in_transit: Money::fen(sum(|t| t.transit)),
        set_aside: Money::fen(sum(|t| t.held)),
        check: SupplyCheck {
            outstanding: outstanding as i64,
            found: found as i64,
            equal: outstanding == found,
        },
    }
}

fn fen(amount: i64) -> Money {
    Money::fen(u64::try_from(amount).unwrap_or(0))
}

/// Counts the money in wallets by institution and class, and replaces the last count.
///
/// Reads every open wallet's row once; the balances come from memory.
///
/// # Errors
/// Any fault of the database or the ledger.
pub async fn count(app: &App) -> Result<()> {
    let mut sums: BTreeMap<(InstitutionId, u32), (i64, i64)> = BTreeMap::new();
    let mut after = String::new();
    loop {
        let wallets = wallets::open_after(app, &after).await?;
        let Some(last) = wallets.last() else { break };
        after = last.id.to_string();
        let numbers: Vec<u128> = wallets.iter().map(|wallet| wallet.id.number()).collect();
        let accounts = app.engine.accounts(&numbers).await.map_err(Problem::internal)?;
        for (wallet, account) in wallets.iter().zip(accounts) {
            let sum = sums.entry((wallet.institution, wallet.standing.class.number())).or_default();
            sum.0 += 1;
            sum.1 += account.map_or(0, |account| account.balance());
        }
    }
    let now = app.clock.millis();
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query("DELETE FROM supply_in_wallets").execute(&mut *tx).await?;
            for ((institution, class), (wallets, amount)) in &sums {
                sqlx::query("INSERT INTO supply_in_wallets (institution_id, class, wallets, amount, counted_at) VALUES ($1, $2, $3, $4, $5)")
                    .bind(*institution)
                    .bind(i64::from(*class))
                    .bind(*wallets)
                    .bind(*amount)
                    .bind(now)
                    .execute(&mut *tx)
                    .await?;
            }
            Ok(())
        })
        .await
}

async fn counted(app: &App) -> Result<Vec<InWallets>> {
    let rows = sqlx::query("SELECT i.code, s.class, s.wallets, s.amount, s.counted_at FROM supply_in_wallets s JOIN institutions i ON i.id = s.institution_id ORDER BY i.code, s.class")
        .fetch_all(app.db.read())
        .await?;
    let read = |row: &sqlx::any::AnyRow| -> Result<InWallets> {
        Ok(InWallets {
            institution: row.try_get("code")?,
            class: Class::from_number(row.try_get::<i16, _>("class")?.into())?,
            wallets: u64::try_from(row.try_get::<i64, _>("wallets")?).map_err(Problem::internal)?,
            amount: fen(row.try_get("amount")?),
            counted_at: rfc3339(row.try_get("counted_at")?),
        })
    };
    rows.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::institutions::{Model, Role};

    fn institution(code: &str, role: Role, model: Model, holder: u32) -> Institution {
        Institution {
            id: InstitutionId::from_number(u128::from(holder) << 4),
            number: holder,
            code: code.into(),
            role,
            model,
            holder,
            name_zh: code.into(),
            name_en: code.into(),
            authorised: 1_000,
        }
    }

    #[test]
    fn each_holder_has_an_equation_of_its_own() {
        let institutions = [
            institution("BKA", Role::Operating, Model::Central, 1),
            institution("BKB", Role::Operating, Model::Deposit, 2),
            institution("PBC", Role::Central, Model::Central, 1),
        ];
        let nothing = Totals {
            currency: 156,
            holder: 0,
            issued: 0,
            redeemed: 0,
            circulating: 0,
            vault: 0,
            personal: 0,
            organisation: 0,
            transit: 0,
            held: 0,
        };
        let totals = [
            Totals {
                holder: 2,
                issued: 70,
                circulating: 70,
                personal: 50,
                organisation: 19,
                held: 6,
                ..nothing
            },
            Totals {
                holder: 1,
                issued: 100,
                redeemed: 10,
                circulating: 90,
                vault: 60,
                personal: 30,
                ..nothing
            },
        ];
        let holders = holders(&institutions, &totals);
        let sums: Vec<_> = holders
            .iter()
            .map(|holder| {
                (
                    holder.institution.as_str(),
                    holder.check.outstanding,
                    holder.check.found,
                    holder.check.equal,
                )
            })
            .collect();
        assert_eq!(sums, [("PBC", 90, 90, true), ("BKB", 70, 69, false)]);
        assert_eq!(holders[1].set_aside, Money::fen(6));
        assert_eq!(holders[1].in_organisations, Money::fen(19));
    }
}
