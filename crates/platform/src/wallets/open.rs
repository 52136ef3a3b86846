//! Opening wallets, and the class that an identity allows.

use serde::Deserialize;

use super::{Class, Control, Owner, Standing, View, Wallet, apply, store, view};
use crate::audit::{self, Entry};
use crate::id::{MerchantId, OrganisationId, PersonId, WalletId, WalletTag};
use crate::institutions::{self, Institution};
use crate::{App, Code, Problem, Result, Tx, policies, text};

/// Longest name of a wallet, characters.
const MAX_NAME: usize = 40;

/// A wallet to open.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenAsk {
    /// The code of the operating bank that shall keep it.
    #[schema(example = "BKA")]
    pub institution: String,
    /// A name for it, up to 40 characters.
    pub name: Option<String>,
}

/// Opens a wallet for a person at an operating bank. Its class is what the person's identity allows:
/// IV for somebody known by phone alone.
///
/// # Errors
/// `invalid_request` for a bad name or an unknown bank; `state_conflict` when the person has as many
/// wallets as the policy `wallets_per_person` allows.
pub async fn open(app: &App, person: PersonId, ask: OpenAsk) -> Result<View> {
    let id = WalletId::new(app.clock.millis());
    open_as(app, person, id, ask).await
}

/// [`open`] under an id that the caller keeps for repetitions: the same id opens one wallet.
///
/// # Errors
/// As [`open`].
pub async fn open_as(app: &App, person: PersonId, id: WalletId, ask: OpenAsk) -> Result<View> {
    text::optional_line("name", ask.name.as_deref(), MAX_NAME)?;
    let bank = operating(app, &ask.institution).await?;
    let most = policies::number(app, "wallets_per_person").await?;
    let name = ask.name.unwrap_or_else(|| bank.name_zh.clone());
    let now = app.clock.millis();
    app.db
        .write(async move |tx: &mut Tx| {
            let owner = Owner::Person(person);
            if store::find(&mut *tx, id).await?.is_some_and(|wallet| wallet.owner == owner) {
                return Ok(());
            }
            let open = store::open_of(&mut *tx, owner).await?;
            if open.len() as i64 >= most {
                return Err(Problem::new(Code::StateConflict)
                    .detail(format!("A person may have {most} wallets. Close one first."))
                    .with("limit", most));
            }
            let class = store::class_of(&mut *tx, person).await?;
            opened(tx, &fresh(id, owner, &bank, class, name.clone(), now)).await
        })
        .await?;
    apply::apply(app, id).await?;
    view(app, person, id).await
}

/// Opens the wallet of a merchant of `organisation` at the bank with this code, or answers the one
/// there is: its id follows from the merchant's.
///
/// # Errors
/// `invalid_request` for an unknown bank.
pub async fn open_for_merchant(
    app: &App,
    merchant: MerchantId,
    organisation: OrganisationId,
    institution: &str,
) -> Result<WalletId> {
    let bank = operating(app, institution).await?;
    let id = merchant.cast::<WalletTag>();
    let now = app.clock.millis();
    app.db
        .write(async move |tx: &mut Tx| {
            let name = bank.name_zh.clone();
            let owner = Owner::Organisation(organisation);
            opened(tx, &fresh(id, owner, &bank, Class::Organisation, name, now)).await
        })
        .await?;
    apply::apply(app, id).await?;
    Ok(id)
}

/// Writes a new wallet's row with an audit entry; nothing if its id is there.
async fn opened(tx: &mut Tx, wallet: &Wallet) -> Result<()> {
    if store::insert(tx, wallet).await? {
        let entry = Entry::new(wallet.owner, "wallet.open", wallet.id, wallet.created_at);
        audit::log(tx, entry.after(wallet.status().text())).await?;
    }
    Ok(())
}

async fn operating(app: &App, code: &str) -> Result<Institution> {
    let unknown =
        || Problem::new(Code::InvalidRequest).field("institution").detail("No operating bank has this code.");
    let bank = institutions::by_code(app, code)
        .await
        .map_err(|problem| if problem.code == Code::NotFound { unknown() } else { problem })?;
    if bank.is_central() { Err(unknown()) } else { Ok(bank) }
}

fn fresh(id: WalletId, owner: Owner, bank: &Institution, class: Class, name: String, now: i64) -> Wallet {
    Wallet {
        id,
        owner,
        institution: bank.id,
        institution_code: bank.code.clone(),
        holder: bank.holder,
        name,
        standing: Standing { class, control: Control::Active, lost: false, closing: false, closed: false },
        own_limits: false,
        revision: 1,
        applied: 0,
        created_at: now,
    }
}

/// The class that a person's identity allows: of new wallets, and of those there are.
///
/// # Errors
/// Any fault of the database.
pub async fn class_of(app: &App, person: PersonId) -> Result<Class> {
    store::class_of(app.db.read(), person).await
}

/// Gives a person's wallets, present and future, the class that a confirmed identity allows.
///
/// The same class again changes nothing. A class is only ever raised: control is for the contrary.
///
/// # Errors
/// `state_conflict` if the person already has a higher class.
pub async fn raise_class(app: &App, person: PersonId, class: Class) -> Result<()> {
    let now = app.clock.millis();
    let wallets = app
        .db
        .write(async move |tx: &mut Tx| {
            if store::class_of(&mut *tx, person).await?.number() < class.number() {
                return Err(
                    Problem::new(Code::StateConflict).detail("The wallets have a higher class already.")
                );
            }
            store::set_class(tx, person, class, now).await?;
            let wallets = store::open_of(&mut *tx, Owner::Person(person)).await?;
            for wallet in &wallets {
                store::set_standing(tx, wallet, Standing { class, ..wallet.standing }).await?;
            }
            Ok(wallets)
        })
        .await?;
    for wallet in wallets {
        apply::apply(app, wallet.id).await?;
    }
    Ok(())
}
