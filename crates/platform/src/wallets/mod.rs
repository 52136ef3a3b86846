//! Wallets: classes, limits, status, closing.
//!
//! A wallet is a row that says who holds it, where, and what it may do, and a ledger account of the
//! same number that holds the money. The row is the intention, the ledger follows: every change
//! raises the row's `revision`, the ledger is brought to it, and `applied` remembers up to which
//! revision that was done. A crash in between leaves the two numbers apart, and [`repair`] finishes
//! the work. What a wallet may spend is counted by the ledger's meter of the same number, under the
//! policy of its class.

mod apply;
mod class;
mod close;
pub mod legs;
mod open;
mod own_limits;
mod refused;
mod status;
mod store;
mod view;

use serde::Deserialize;

use crate::audit::{self, Entry};
use crate::id::{InstitutionId, OrganisationId, PersonId, WalletId};
use crate::notices::codes;
use crate::sessions::Actor;
use crate::{App, Code, Problem, Result, Tx};

pub use apply::{repair, reshape};
pub use class::Class;
pub use close::{CloseAsk, SweepAsk, close, reopen_abandoned};
pub(crate) use close::{follow_up, sweep_failed, swept};
pub use legs::{AccountRef, Movement, holds, legs, posts, voids};
pub use open::{OpenAsk, class_of, open, open_as, open_for_merchant, raise_class};
pub use own_limits::{
    OwnLimits, OwnLimitsAsk, PendingLimits, RAISE_AFTER_MS, apply_due, keep_own_limits, own_limits,
    set_own_limits,
};
pub use refused::{Attempt, Side, refused};
pub(crate) use refused::{code_for_payer, room, stopped, too_high};
pub use status::{Control, Standing, Status};
pub use view::{Limit, Limits, Upgrade, View, list, view};

/// Who holds a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A person.
    Person(PersonId),
    /// An organisation.
    Organisation(OrganisationId),
}

/// A wallet as the tables know it: everything but its money.
#[derive(Clone, Debug)]
pub struct Wallet {
    /// Its id, also its account and meter in the ledger.
    pub id: WalletId,
    /// Who holds it.
    pub owner: Owner,
    /// The institution that keeps it.
    pub institution: InstitutionId,
    /// That institution's code.
    pub institution_code: String,
    /// Whose liability its money is.
    pub holder: u32,
    /// Its holder's name for it.
    pub name: String,
    /// Class, control, loss, closing.
    pub standing: Standing,
    /// Whether its holder has set limits of its own.
    pub own_limits: bool,
    /// Counts the changes of its standing.
    pub revision: i64,
    /// Up to which revision the ledger has followed.
    pub applied: i64,
    /// When it was opened, milliseconds.
    pub created_at: i64,
}

impl Wallet {
    /// The ledger account, for [`legs`].
    #[must_use]
    pub const fn account(&self) -> AccountRef {
        AccountRef { number: self.id.number(), holder: self.holder, institution: self.institution }
    }

    /// The status shown.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.standing.status()
    }

    /// Whether it may pay now.
    ///
    /// # Errors
    /// `wallet_unavailable`, saying why. The ledger decides again when the money moves.
    pub fn may_pay(&self) -> Result<()> {
        let freeze = self.standing.freeze();
        if self.standing.closed || freeze.debit { Err(self.unavailable("pay")) } else { Ok(()) }
    }

    /// Whether it may be paid now.
    ///
    /// # Errors
    /// `wallet_unavailable`. The ledger decides again when the money moves.
    pub fn may_receive(&self) -> Result<()> {
        if self.standing.freeze().credit { Err(self.unavailable("receive")) } else { Ok(()) }
    }

    fn unavailable(&self, what: &str) -> Problem {
        let status =
            if self.standing.closing { "being closed".to_owned() } else { self.status().to_string() };
        Problem::new(Code::WalletUnavailable)
            .detail(format!("The wallet is {status} and cannot {what} now."))
            .with("status", self.status().text())
    }
}

/// The person's own wallet `id`.
///
/// # Errors
/// `not_found` if there is none or it is somebody else's.
pub async fn of(app: &App, person: PersonId, id: WalletId) -> Result<Wallet> {
    let wallet = find(app, id).await?;
    if wallet.owner == Owner::Person(person) { Ok(wallet) } else { Err(Problem::new(Code::NotFound)) }
}

/// Any wallet, whoever holds it: for payees and for the platform's own work.
///
/// # Errors
/// `not_found`.
pub async fn find(app: &App, id: WalletId) -> Result<Wallet> {
    let memory = &app.memory().wallets;
    let at = match memory.get(&app.db, &id) {
        Ok(wallet) => return Ok(wallet),
        Err(at) => at,
    };
    let wallet = store::find(&mut app.db.quick().await?, id).await?.ok_or(Problem::new(Code::NotFound))?;
    memory.put(at, id, &wallet);
    Ok(wallet)
}

/// The account of any wallet, for a payee.
///
/// # Errors
/// `not_found`.
pub async fn account(app: &App, id: WalletId) -> Result<AccountRef> {
    find(app, id).await.map(|wallet| wallet.account())
}

/// The account of the actor's own wallet, which may pay now.
///
/// # Errors
/// `not_found` if it is not the actor's; `wallet_unavailable`.
pub async fn spendable(app: &App, actor: &Actor, id: WalletId) -> Result<AccountRef> {
    let wallet = of(app, actor.person, id).await?;
    wallet.may_pay().map(|()| wallet.account())
}

/// As [`find`], inside a transaction.
///
/// # Errors
/// `not_found`.
pub async fn find_in(tx: &mut Tx, id: WalletId) -> Result<Wallet> {
    store::find(tx, id).await?.ok_or(Problem::new(Code::NotFound))
}

/// Those of the ledger's `accounts` that are wallets, in no order.
///
/// # Errors
/// Any fault of the database.
pub async fn find_many_in(tx: &mut Tx, accounts: &[u128]) -> Result<Vec<Wallet>> {
    store::find_many(tx, accounts).await
}

/// Those of the ledger's `accounts` that are wallets, in no order, as they were last committed.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn find_many(app: &App, accounts: &[u128]) -> Result<Vec<Wallet>> {
    let memory = &app.memory().wallets;
    let (mut found, mut missing, mut since) = (Vec::with_capacity(accounts.len()), Vec::new(), None);
    for account in accounts {
        match memory.get(&app.db, &WalletId::from_number(*account)) {
            Ok(wallet) => found.push(wallet),
            Err(at) => {
                missing.push(*account);
                since.get_or_insert(at);
            }
        }
    }
    if let Some(at) = since {
        for wallet in store::find_many(&mut app.db.quick().await?, &missing).await? {
            memory.put(at, wallet.id, &wallet);
            found.push(wallet);
        }
    }
    Ok(found)
}

/// Where money for each of these persons arrives when no wallet is named, as [`receiving`] finds it;
/// persons without such a wallet are missing.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn receiving_of(
    app: &App,
    persons: &[PersonId],
) -> Result<std::collections::HashMap<PersonId, WalletId>> {
    let mut found = std::collections::HashMap::new();
    for wallet in store::open_of_many(app.db.read(), persons).await? {
        if let (Owner::Person(person), Ok(())) = (wallet.owner, wallet.may_receive()) {
            found.entry(person).or_insert(wallet.id);
        }
    }
    Ok(found)
}

/// Wallets of a person that are not closed, oldest first.
///
/// # Errors
/// Any fault of the database.
pub async fn open_of(app: &App, person: PersonId) -> Result<Vec<Wallet>> {
    store::open_of(app.db.read(), Owner::Person(person)).await
}

/// Open wallets of anyone with ids after `after`, in order, some at a time: for sweeps.
pub(crate) async fn open_after(app: &App, after: &str) -> Result<Vec<Wallet>> {
    store::open_after(app.db.read(), after, apply::SWEEP).await
}

/// Where money for a person arrives when no wallet is named: the oldest that may receive.
///
/// # Errors
/// `payee_unknown` if there is none.
pub async fn receiving(app: &App, person: PersonId) -> Result<Wallet> {
    let wallets = open_of(app, person).await?;
    wallets.into_iter().find(|wallet| wallet.may_receive().is_ok()).ok_or(Problem::new(Code::PayeeUnknown))
}

/// Reports the person's wallet lost: nothing leaves it any more. Done again, it changes nothing.
///
/// # Errors
/// `not_found`; `wallet_unavailable` once it is closed.
pub async fn freeze(app: &App, person: PersonId, id: WalletId) -> Result<View> {
    set_lost(app, person, id, true).await
}

/// What lifting a loss asks for.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LiftAsk {
    /// A fresh one-time code as second factor.
    pub code: Option<String>,
}

/// Lifts a loss that the holder reported. What the operator has frozen stays frozen.
///
/// # Errors
/// `not_found`; `second_factor_required`, `code_invalid`, `rate_limited`; `wallet_unavailable` once
/// it is closed.
pub async fn lift(app: &App, actor: &Actor, id: WalletId, ask: LiftAsk) -> Result<View> {
    of(app, actor.person, id).await?;
    let code = codes::second_factor(app, actor, ask.code.as_deref()).await?;
    app.db.write(async move |tx: &mut Tx| code.spend(tx).await).await?;
    set_lost(app, actor.person, id, false).await
}

async fn set_lost(app: &App, person: PersonId, id: WalletId, lost: bool) -> Result<View> {
    of(app, person, id).await?;
    let act = if lost { "wallet.freeze" } else { "wallet.lift" };
    change(app, id, person.to_string(), act, move |standing| Standing { lost, ..standing }).await?;
    view(app, person, id).await
}

/// Puts a wallet under the operator's control, or lifts it with [`Control::Active`].
///
/// # Errors
/// `not_found`; `wallet_unavailable` once it is closed.
pub async fn control(app: &App, id: WalletId, control: Control) -> Result<Wallet> {
    change(app, id, OPERATOR.to_owned(), "wallet.control", move |standing| Standing { control, ..standing })
        .await?;
    find(app, id).await
}

/// Who acts where the operator does.
const OPERATOR: &str = "operator";

/// Changes an open wallet's standing in the table, with an audit entry, then in the ledger.
async fn change(
    app: &App,
    id: WalletId,
    who: String,
    action: &'static str,
    to: impl Fn(Standing) -> Standing + Send + 'static,
) -> Result<()> {
    let now = app.clock.millis();
    app.db
        .write(async move |tx: &mut Tx| {
            let wallet = find_in(tx, id).await?;
            if wallet.standing.closed {
                return Err(Problem::new(Code::WalletUnavailable).detail("The wallet is closed."));
            }
            let standing = to(wallet.standing);
            if standing != wallet.standing {
                let entry = Entry::new(&who, action, id, now);
                let entry = entry.before(wallet.standing.status().text()).after(standing.status().text());
                audit::log(tx, entry).await?;
            }
            store::set_standing(tx, &wallet, standing).await
        })
        .await?;
    apply::apply(app, id).await
}
