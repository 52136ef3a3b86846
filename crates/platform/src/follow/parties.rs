//! Who is behind the accounts that records name, as each side may see the other.

use std::collections::HashMap;
use std::sync::Arc;

use crate::history::rules::Side;
use crate::history::{Counterparty, InstitutionAccount, account_of_institution};
use crate::id::{InstitutionId, MerchantId, OrganisationId, PersonId, WalletId};
use crate::institutions::{self, Institution};
use crate::kind::bulk_bank;
use crate::wallets::{self, Owner};
use crate::{App, Result};

/// A public name in the two languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// Who holds a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A person.
    Person(PersonId),
    /// A merchant, by its name.
    Merchant(MerchantId, Name),
    /// An organisation's wallet that is no merchant's.
    Organisation(OrganisationId),
}

/// A wallet among the accounts.
struct Party {
    holder: Holder,
    institution: InstitutionId,
}

/// The wallets among some accounts, and the names of the institutions that keep them.
pub struct Parties {
    wallets: HashMap<u128, Party>,
    institutions: Arc<[Institution]>,
}

impl Parties {
    /// Looks the accounts up: at most three queries, however many there are. What a movement names was
    /// there before the money moved, so it need not be read in the follower's transaction.
    ///
    /// # Errors
    /// Any fault of the database.
    pub async fn read(app: &App, accounts: &[u128]) -> Result<Self> {
        let found = wallets::find_many(app, accounts).await?;
        let organised: Vec<WalletId> = found
            .iter()
            .filter(|wallet| matches!(wallet.owner, Owner::Organisation(_)))
            .map(|wallet| wallet.id)
            .collect();
        let mut merchants: HashMap<WalletId, (MerchantId, Name)> =
            crate::merchants::of_wallets(app, &organised)
                .await?
                .into_iter()
                .map(|(wallet, merchant, zh, en)| (wallet, (merchant, Name { zh, en })))
                .collect();
        let institutions = institutions::known(app).await?;
        let wallets = found
            .into_iter()
            .map(|wallet| {
                let holder = match (wallet.owner, merchants.remove(&wallet.id)) {
                    (Owner::Person(person), _) => Holder::Person(person),
                    (_, Some((merchant, name))) => Holder::Merchant(merchant, name),
                    (Owner::Organisation(organisation), None) => Holder::Organisation(organisation),
                };
                (wallet.id.number(), Party { holder, institution: wallet.institution })
            })
            .collect();
        Ok(Self { wallets, institutions })
    }

    /// Whether the account is a wallet.
    #[must_use]
    pub fn is_wallet(&self, account: u128) -> bool {
        self.wallets.contains_key(&account)
    }

    /// Who holds the wallet.
    #[must_use]
    pub fn holder(&self, wallet: u128) -> Option<&Holder> {
        self.wallets.get(&wallet).map(|party| &party.holder)
    }

    /// The other side of `side`, as this side may see it: a person sees a merchant's, a bank's, or a
    /// person's masked name; a merchant does not see who a person is.
    ///
    /// # Errors
    /// Any fault of the database.
    pub async fn counterparty(&self, app: &App, side: &Side) -> Result<Counterparty> {
        let viewer = self.wallets.get(&side.wallet);
        let (whose, name) =
            match side.other.and_then(|other| self.wallets.get(&other).map(|party| (other, party))) {
                Some((other, party)) => {
                    let name = match (&party.holder, viewer.map(|viewer| &viewer.holder)) {
                        (Holder::Merchant(_, name), _) => Some(name.clone()),
                        (Holder::Person(person), Some(Holder::Person(_))) => {
                            let masked = crate::people::display_name(app, *person).await?;
                            Some(Name { zh: masked.clone(), en: masked })
                        }
                        _ => None,
                    };
                    (WalletId::from_number(other).to_string(), name)
                }
                None => {
                    let own = viewer.map_or(InstitutionId::from_number(0), |viewer| viewer.institution);
                    let institution = side.other.and_then(|other| self.bank_of(other)).unwrap_or(own);
                    (institution.to_string(), self.institution(institution))
                }
            };
        Ok(shown(app, side, &whose, name))
    }

    /// The institution whose bulk account, vault or issuance account this is.
    fn bank_of(&self, account: u128) -> Option<InstitutionId> {
        match bulk_bank(account) {
            Some(number) => {
                self.institutions.iter().find(|known| known.number == number).map(|known| known.id)
            }
            None => account_of_institution(account).map(|(institution, _)| institution),
        }
    }

    /// The names of the institution, if there is one of this id.
    fn institution(&self, id: InstitutionId) -> Option<Name> {
        let known = self.institutions.iter().find(|known| known.id == id)?;
        Some(Name { zh: known.name_zh.clone(), en: known.name_en.clone() })
    }

    /// Which account of an institution this is, if it is one.
    #[must_use]
    pub fn institution_account(&self, account: u128) -> Option<InstitutionAccount> {
        let (institution, which) = account_of_institution(account)?;
        self.institutions.iter().any(|known| known.id == institution).then_some(which)
    }

    /// The other side of an institution's account: another institution by its name, a wallet without one.
    #[must_use]
    pub fn of_institution(&self, app: &App, side: &Side) -> Counterparty {
        let other = side.other.unwrap_or(0);
        match account_of_institution(other).and_then(|(id, _)| Some((id, self.institution(id)?))) {
            Some((institution, name)) => shown(app, side, &institution.to_string(), Some(name)),
            None => shown(app, side, &WalletId::from_number(other).to_string(), None),
        }
    }
}

/// The other side with a reference that is the same for the same pair and says nothing elsewhere.
fn shown(app: &App, side: &Side, whose: &str, name: Option<Name>) -> Counterparty {
    let mut reference = app.blind.of("history.counterparty", &format!("{:x} {whose}", side.wallet));
    reference.truncate(REFERENCE_DIGITS);
    let (name, name_en) = name.map_or((None, None), |name| (Some(name.zh), Some(name.en)));
    Counterparty { name, name_en, reference }
}

/// Hexadecimal digits of a counterparty's reference: 96 bits.
const REFERENCE_DIGITS: usize = 24;
