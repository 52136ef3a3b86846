//! People and organisations: sign-up, identity levels, sealed personal data.
//!
//! A person is opened by a phone and a one-time code and starts anonymous. Identity data raises the
//! level, and with it the class of the person's wallets. All personal data lies sealed under a key
//! of the person's own; a keyed index finds a phone or an identity number without opening anything;
//! every answer shows masks only.

mod close;
mod erase;
mod identity;
mod many;
mod organisations;
mod phone;
mod profile;
mod rules;
mod sealed;
mod sign_up;
mod store;

use std::fmt::Display;

use jiff::civil::Date;
use serde_json::Value;

use crate::audit::{self, Entry};
use crate::id::PersonId;
use crate::sessions::Actor;
use crate::{App, Code, Problem, Result, Tx};

pub use close::{CloseAccountAsk, close_account};
pub use erase::erase;
pub use identity::{
    CheckState, IdentityAsk, IdentityCheck, confirm_in_person, keep, latest, retry_due, submit,
};
pub(crate) use many::{found_by, is_named, names_of};
pub use organisations::{Organisation, OrganisationAsk, organisation, organisations, register};
pub use phone::Phone;
pub use profile::{AliasAsk, Profile, me, set_alias};
pub(crate) use profile::{is_findable, let_be_found};
pub(crate) use rules::is_run;
pub use rules::{Level, MAX_PASSWORD_CHARS, MIN_PASSWORD_CHARS, check_password, masked_name as mask_name};
pub use sign_up::{SignUpAsk, sign_up};
pub(crate) use store::{password, set_password};

/// The person's identity level.
///
/// # Errors
/// `not_found`.
pub async fn level(app: &App, person: PersonId) -> Result<Level> {
    Ok(store::person(app, person).await?.level)
}

/// Lets pass who is known at least as well as wallets of `class` (4 to 1) need.
///
/// # Errors
/// `forbidden` with the level that is needed.
pub async fn require_level(app: &App, actor: &Actor, class: u8) -> Result<()> {
    let level = level(app, actor.person).await?;
    if level.class() <= class {
        return Ok(());
    }
    let needed = Level::of_class(i16::from(class))?;
    Err(Problem::new(Code::Forbidden)
        .detail("Your identity is not known well enough for this.")
        .with("level", level.text())
        .with("level_needed", needed.text()))
}

/// Who is found under a phone number, if they agreed to be found.
///
/// # Errors
/// `invalid_request` for what is no phone number.
pub async fn by_phone(app: &App, phone: &str) -> Result<Option<PersonId>> {
    store::findable(app, &Phone::parse(phone)?.index(app)).await
}

/// The person's name with all but the last character hidden; `None` while anonymous.
///
/// # Errors
/// `not_found`.
pub async fn masked_name(app: &App, person: PersonId) -> Result<Option<String>> {
    Ok(store::person(app, person).await?.name()?.map(|name| rules::masked_name(&name)))
}

/// How another person sees this one: the masked name, or the masked phone while anonymous. An erased
/// person is `***`.
///
/// # Errors
/// Any fault of the database.
pub async fn display_name(app: &App, person: PersonId) -> Result<String> {
    match store::person(app, person).await {
        Ok(person) => match person.name()? {
            Some(name) => Ok(rules::masked_name(&name)),
            None => Ok(person.phone()?.masked()),
        },
        Err(problem) if problem.code == Code::NotFound => Ok("***".into()),
        Err(problem) => Err(problem),
    }
}

/// The person's phone, for sending to it; `None` for somebody unknown or erased.
///
/// # Errors
/// Any fault of the database.
pub async fn phone_of(app: &App, person: PersonId) -> Result<Option<Phone>> {
    match store::person(app, person).await {
        Ok(person) => person.phone().map(Some),
        Err(problem) if problem.code == Code::NotFound => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Seals `plain` under the person's own key for `column`, written `table.column`.
pub(crate) async fn seal(app: &App, person: PersonId, column: &str, plain: &str) -> Result<Vec<u8>> {
    Ok(store::person(app, person).await?.key.seal(column, plain))
}

/// Opens what was sealed under the person's own key.
///
/// # Errors
/// `not_found` once the person is erased.
pub(crate) async fn open(
    app: &App,
    person: PersonId,
    column: &str,
    sealed: &[u8],
) -> Result<zeroize::Zeroizing<String>> {
    store::person(app, person).await?.key.text(column, sealed)
}

/// The value a phone is found by.
pub(crate) fn phone_index(app: &App, phone: &Phone) -> String {
    phone.index(app)
}

/// What others may know of a person and must not be the PIN: the phone and the date of birth.
pub(crate) async fn guessable(app: &App, person: PersonId) -> Result<(Phone, Option<Date>)> {
    let person = store::person(app, person).await?;
    let born = person.identity_number()?.and_then(|number| rules::birth(&number));
    Ok((person.phone()?, born))
}

/// A confirmed identity in clear, for a bank that compares it with its own.
pub(crate) struct Identified {
    /// The name as the identity document has it.
    pub(crate) name: zeroize::Zeroizing<String>,
    /// The identity number.
    pub(crate) number: zeroize::Zeroizing<String>,
    /// The phone.
    pub(crate) phone: Phone,
}

/// The person's confirmed identity.
///
/// # Errors
/// `forbidden` while it is not confirmed.
pub(crate) async fn identity_of(app: &App, person: PersonId) -> Result<Identified> {
    let person = store::person(app, person).await?;
    let (Some(name), Some(number)) = (person.name()?, person.identity_number()?) else {
        return Err(Problem::new(Code::Forbidden).detail("The identity is not confirmed yet."));
    };
    Ok(Identified { name, number, phone: person.phone()? })
}

/// Whether `number` is the verified identity number of the person; true for a person without one.
pub(crate) async fn is_identified_by(app: &App, person: PersonId, number: Option<&str>) -> Result<bool> {
    let Some(known) = store::person(app, person).await?.identity_number()? else { return Ok(true) };
    let given = number.unwrap_or_default().to_ascii_uppercase();
    Ok(jialing_crypto::random::same(known.as_bytes(), given.as_bytes()))
}

/// Writes an audit entry of what `person` did, with the states before and after.
pub(crate) async fn audited(
    tx: &mut Tx,
    person: PersonId,
    action: &'static str,
    subject: impl Display,
    change: Option<(&str, &str)>,
    at: i64,
) -> Result<()> {
    let (before, after) = change.map(|(before, after)| (Value::from(before), Value::from(after))).unzip();
    let entry = Entry { who: person.to_string(), action, subject: subject.to_string(), before, after, at };
    audit::log(tx, entry).await.map(drop)
}
