//! An invented Chongqing: people, shops and habits, all from one seed.
//!
//! The same seed gives the same city on every machine, and a larger city keeps the people of a
//! smaller one. Phones, identity numbers and accounts are in ranges that belong to nobody:
//! [`PHONE_PREFIX`], [`AREA_CODE`], [`ACCOUNT_PREFIX`].

mod dice;
mod names;
mod people;
mod rhythm;
mod shops;

use jialing_crypto::{PublicKey, Suite};

pub use dice::Dice;
pub use people::{ACCOUNT_PREFIX, AREA_CODE, PHONE_PREFIX, Person};
pub use rhythm::{Errand, is_open};
pub use shops::{Basket, Shop, ShopKind};

use crate::identity::Resident;
use crate::sandbox::{BankConfig, BankCustomer, Ports, SandboxConfig, SettleAfter};

/// How large a city is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CitySize {
    /// At most 1,000.
    pub people: usize,
    /// At least one.
    pub shops: usize,
    /// 1 to 6.
    pub banks: usize,
}

impl Default for CitySize {
    fn default() -> Self {
        Self { people: 200, shops: 40, banks: 3 }
    }
}

/// A bank of the city.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CityBank {
    /// The institution's id.
    pub institution: &'static str,
    /// In Chinese.
    pub name: &'static str,
    /// In English.
    pub name_en: &'static str,
    /// The suite of its key.
    pub suite: Suite,
}

const BANKS: [CityBank; 6] = [
    CityBank {
        institution: "bank_jiangbei",
        name: "江北银行",
        name_en: "Jiangbei Bank",
        suite: Suite::Sm2Sm3,
    },
    CityBank {
        institution: "bank_yuzhong",
        name: "渝中银行",
        name_en: "Yuzhong Bank",
        suite: Suite::Ed25519,
    },
    CityBank {
        institution: "bank_nanshan",
        name: "南山银行",
        name_en: "Nanshan Bank",
        suite: Suite::RsaSha256,
    },
    CityBank {
        institution: "bank_ciqikou",
        name: "磁器口银行",
        name_en: "Ciqikou Bank",
        suite: Suite::Sm2Sm3,
    },
    CityBank {
        institution: "bank_beibei", name: "北碚银行", name_en: "Beibei Bank", suite: Suite::Ed25519
    },
    CityBank {
        institution: "bank_wujiang", name: "乌江银行", name_en: "Wujiang Bank", suite: Suite::Es256
    },
];

/// An invented city.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct City {
    /// What it grew from.
    pub seed: u64,
    /// Its banks.
    pub banks: Vec<CityBank>,
    /// Its people.
    pub people: Vec<Person>,
    /// Its shops.
    pub shops: Vec<Shop>,
}

impl City {
    /// Invents a city. Sizes beyond the bounds of [`CitySize`] are brought into them.
    pub fn invent(seed: u64, size: CitySize) -> Self {
        let banks = BANKS[..size.banks.clamp(1, BANKS.len())].to_vec();
        let people =
            (0..size.people.clamp(2, 1_000)).map(|index| Person::invent(seed, index, banks.len())).collect();
        Self { seed, people, shops: Shop::invent(seed, size.shops.max(1)), banks }
    }

    /// The districts people and shops are in, in Chinese and English.
    pub fn districts() -> &'static [(&'static str, &'static str)] {
        &names::DISTRICTS
    }

    /// The register of the identity service.
    pub fn residents(&self) -> Vec<Resident> {
        self.people
            .iter()
            .map(|person| Resident {
                name: person.name.clone(),
                id_number: person.id_number.clone(),
                phone: Some(person.phone.clone()),
            })
            .collect()
    }

    /// The customers of the bank at this place.
    pub fn customers(&self, bank: usize) -> Vec<BankCustomer> {
        let mine = self.people.iter().filter(|person| person.bank == bank);
        mine.map(|person| BankCustomer {
            number: person.account.clone(),
            holder_name: person.name.clone(),
            id_number: person.id_number.clone(),
            phone: person.phone.clone(),
            balance: person.deposit,
            frozen: false,
        })
        .collect()
    }

    /// A sandbox with this city's banks and register, on any ports, in memory. Change what you like
    /// before starting it.
    pub fn sandbox(&self, caller_id: &str, callers: Vec<PublicKey>) -> SandboxConfig {
        let banks = self.banks.iter().enumerate();
        SandboxConfig {
            banks: banks
                .map(|(place, bank)| BankConfig {
                    institution: bank.institution.to_owned(),
                    suite: bank.suite,
                    port: 0,
                    customers: self.customers(place),
                })
                .collect(),
            residents: self.residents(),
            ports: Ports::default(),
            caller_id: caller_id.to_owned(),
            callers,
            notice_door: None,
            settle_after: SettleAfter::Millis(1_500),
            folder: None,
            clock_offset_s: 0,
        }
    }
}
