//! Whose history is asked for: an account that the one who asks may see.

use crate::id::{InstitutionId, MerchantId, WalletId};
use crate::sessions::Actor;
use crate::wallets::legs;
use crate::{App, Code, Problem, Result, institutions, merchants, wallets};

crate::stored! {
    /// An account of an institution.
    pub enum InstitutionAccount {
        /// Its central-bank money.
        Vault = "vault",
        /// What it owes the holders of its own money: the other side of what it issued.
        Issuance = "issuance",
    }
}

/// An account, and who may see it. Made only by the functions that check that.
#[derive(Clone, Debug)]
pub struct Account {
    pub(super) number: u128,
    /// Who asks: the id of a person, a merchant or an institution.
    pub(crate) asker: Asker,
    /// How the account is named to the one who asks.
    pub(crate) shown: String,
    /// When it was opened, milliseconds; 0 where nobody wrote it down.
    pub(super) opened_at: i64,
    /// Its ledger account is below zero by what is owed.
    pub(super) is_owed: bool,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    Person(crate::id::PersonId),
    Merchant(MerchantId),
    Institution(InstitutionId),
}

impl std::fmt::Display for Asker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Person(id) => id.fmt(f),
            Self::Merchant(id) => id.fmt(f),
            Self::Institution(id) => id.fmt(f),
        }
    }
}

impl Account {
    /// The account's number in the ledger.
    #[must_use]
    pub const fn number(&self) -> u128 {
        self.number
    }

    /// What the history keeps the account's rows under.
    pub(crate) fn key(&self) -> String {
        key(self.number)
    }

    /// A balance or amount of the account as it is shown: what an issuance owes is shown as money.
    pub(super) const fn shown_balance(&self, balance: i64) -> i64 {
        if self.is_owed { -balance } else { balance }
    }
}

/// What the history keeps the rows of the account `number` under: its number, written like a wallet's id.
pub(super) fn key(number: u128) -> String {
    WalletId::from_number(number).to_string()
}

/// Which account of an institution the number is, if it is one: the vault or the issuance.
pub(crate) fn of_number(number: u128) -> Option<(InstitutionId, InstitutionAccount)> {
    let institution = InstitutionId::from_number(number & !0xf);
    [
        (legs::vault(institution), InstitutionAccount::Vault),
        (legs::issuance(institution), InstitutionAccount::Issuance),
    ]
    .into_iter()
    .find(|(account, _)| *account == number)
    .map(|(_, which)| (institution, which))
}

/// The actor's own wallet.
///
/// # Errors
/// `not_found` if there is none or it is somebody else's.
pub async fn own_wallet(app: &App, actor: &Actor, wallet: WalletId) -> Result<Account> {
    let found = wallets::of(app, actor.person, wallet).await?;
    Ok(of_wallet(&found, Asker::Person(actor.person)))
}

/// The wallet of a merchant that the actor owns.
///
/// # Errors
/// `not_found` if it is somebody else's, or it has no wallet yet.
pub async fn owned_merchant(app: &App, actor: &Actor, merchant: MerchantId) -> Result<Account> {
    merchants::of(app, actor, merchant).await?;
    let account = merchant_wallet(app, merchant).await?;
    Ok(Account { asker: Asker::Person(actor.person), ..account })
}

/// The merchant's wallet.
///
/// # Errors
/// `not_found` if it has none yet.
pub async fn merchant_wallet(app: &App, merchant: MerchantId) -> Result<Account> {
    let wallet = merchants::get(app, merchant).await?.wallet_id;
    let wallet =
        wallet.ok_or_else(|| Problem::new(Code::NotFound).detail("The merchant has no wallet yet."))?;
    Ok(of_wallet(&wallets::find(app, wallet).await?, Asker::Merchant(merchant)))
}

/// An account of the institution.
///
/// # Errors
/// `not_found` if it has no such account: only who owes money itself has an issuance.
pub async fn institution(app: &App, id: InstitutionId, which: InstitutionAccount) -> Result<Account> {
    let institution = institutions::by_id(app, id).await?;
    let (number, is_owed) = match which {
        InstitutionAccount::Vault => (institution.vault(), false),
        InstitutionAccount::Issuance => (institution.issuance(), true),
    };
    if app.engine.account(number).await.map_err(Problem::internal)?.is_none() {
        return Err(Problem::new(Code::NotFound)
            .detail(format!("{} has no account called {which}.", institution.code)));
    }
    let shown = format!("{}/{which}", institution.code);
    Ok(Account { number, asker: Asker::Institution(id), shown, opened_at: 0, is_owed })
}

fn of_wallet(wallet: &wallets::Wallet, asker: Asker) -> Account {
    Account {
        number: wallet.id.number(),
        asker,
        shown: wallet.id.to_string(),
        opened_at: wallet.created_at,
        is_owed: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_institutions_accounts_are_told_from_wallets_by_their_numbers() {
        let bank = InstitutionId::from_parts(1_780_000_000_000, 64);
        let check = |number: u128, expect: Option<(InstitutionId, InstitutionAccount)>| {
            assert_eq!(of_number(number), expect, "{number:x}");
        };
        check(legs::vault(bank), Some((bank, InstitutionAccount::Vault)));
        check(legs::issuance(bank), Some((bank, InstitutionAccount::Issuance)));
        check(bank.number(), None);
        check(bank.part(3), None);
    }
}
