//! Institutions: the central bank and the operating banks, what they issue, and the money supply.
//!
//! The central bank issues digital yuan into an operating bank's vault and takes it back, within the
//! authorised amount. An operating bank of the model `central` passes that money on: its wallets
//! are the central bank's liability. One of the model `deposit` owes its wallets' money itself: it
//! has an issuance account of its own, and its vault holds what it settles with other banks.
//! Every institution's ledger accounts have numbers derived from its id.

mod establish;
pub mod follow;
mod issuances;
mod keys;
mod numbers;
mod store;
mod supply;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::InstitutionId;
use crate::wallets::legs;
use crate::{App, Code, Money, Problem, Result};

pub use establish::{Founding, NewInstitution, authorise, establish};
pub use issuances::{Direction, Issuance, IssuanceAsk, IssuanceState, issuances, read, repair, request};
pub use keys::{Key, NewKey, add_key, by_serial, key, revoke_key};
pub(crate) use numbers::number_of;
pub use supply::{Holder, InWallets, Supply, SupplyCheck, Vault, count, supply};

crate::stored! {
    /// What an institution does.
    pub enum Role {
        /// Issues digital yuan.
        Central = "CENTRAL",
        /// Keeps wallets and exchanges digital yuan with the public.
        Operating = "OPERATING",
    }
}

crate::stored! {
    /// Whose liability the money in an institution's wallets is.
    pub enum Model {
        /// The central bank's.
        Central = "central",
        /// The institution's own.
        Deposit = "deposit",
    }
}

/// An institution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Institution {
    /// Its id.
    pub id: InstitutionId,
    /// Its number, from 1: what its bulk accounts and transfers carry in theirs.
    pub number: u32,
    /// Its short code, such as `BKA`.
    pub code: String,
    /// What it does.
    pub role: Role,
    /// Whose liability its wallets are.
    pub model: Model,
    /// The liability holder of its wallets' money; 1 is the central bank.
    pub holder: u32,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// What its issuance account may go below zero by, in fen.
    pub authorised: u64,
}

/// An institution as anyone may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Institution)]
pub struct Listed {
    /// Its id.
    pub institution_id: InstitutionId,
    /// Its short code.
    #[schema(example = "BKA")]
    pub code: String,
    /// What it does.
    pub role: Role,
    /// Whose liability its wallets are: `central` or its own, `deposit`.
    pub model: Model,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// What it may issue of its own liability; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorised: Option<Money>,
}

impl Institution {
    /// Whether it is the central bank.
    #[must_use]
    pub fn is_central(&self) -> bool {
        self.role == Role::Central
    }

    /// Whether it issues money of its own liability, the central bank included.
    #[must_use]
    pub fn issues(&self) -> bool {
        self.is_central() || self.model == Model::Deposit
    }

    /// Its issuance account.
    #[must_use]
    pub const fn issuance(&self) -> u128 {
        legs::issuance(self.id)
    }

    /// Its vault: the account of its central-bank money.
    #[must_use]
    pub const fn vault(&self) -> u128 {
        legs::vault(self.id)
    }
}

impl From<Institution> for Listed {
    fn from(institution: Institution) -> Self {
        Self {
            authorised: institution.issues().then(|| Money::fen(institution.authorised)),
            institution_id: institution.id,
            code: institution.code,
            role: institution.role,
            model: institution.model,
            name_zh: institution.name_zh,
            name_en: institution.name_en,
        }
    }
}

/// Every institution, by code.
///
/// # Errors
/// Any fault of the database.
pub async fn all(app: &App) -> Result<Vec<Institution>> {
    known(app).await.map(|all| all.to_vec())
}

/// The same, shared.
pub(crate) async fn known(app: &App) -> Result<Arc<[Institution]>> {
    let memory = &app.memory().institutions;
    let at = match memory.get(&app.db, &()) {
        Ok(all) => return Ok(all),
        Err(at) => at,
    };
    let all: Arc<[Institution]> = store::all(&mut app.db.quick().await?).await?.into();
    memory.put(at, (), &all);
    Ok(all)
}

/// Every institution as anyone may see it.
///
/// # Errors
/// Any fault of the database.
pub async fn list(app: &App) -> Result<Vec<Listed>> {
    Ok(all(app).await?.into_iter().map(Listed::from).collect())
}

/// The institution with this code.
///
/// # Errors
/// `not_found`.
pub async fn by_code(app: &App, code: &str) -> Result<Institution> {
    known(app).await?.iter().find(|known| known.code == code).cloned().ok_or(Problem::new(Code::NotFound))
}

/// The institution with this id.
///
/// # Errors
/// `not_found`.
pub async fn by_id(app: &App, id: InstitutionId) -> Result<Institution> {
    known(app).await?.iter().find(|known| known.id == id).cloned().ok_or(Problem::new(Code::NotFound))
}

/// The central bank.
///
/// # Errors
/// `internal` before [`establish`].
pub async fn central(app: &App) -> Result<Institution> {
    let all = all(app).await?;
    all.into_iter()
        .find(Institution::is_central)
        .ok_or_else(|| Problem::internal("there is no central bank: the institutions are not established"))
}
