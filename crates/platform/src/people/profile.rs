//! What people see of themselves, and whether others find them.

use serde::{Deserialize, Serialize};

use super::rules::{Level, masked_identity_number, masked_name};
use super::{audited, store};
use crate::clock::rfc3339;
use crate::id::PersonId;
use crate::privacy::{self, ConsentsAsk};
use crate::sessions::Actor;
use crate::wallets::Class;
use crate::{App, Result, Tx, pins};

/// A person, as they see themselves: masked, because a screen is seen by others too.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Profile {
    /// Their id.
    pub person_id: PersonId,
    /// The phone, masked.
    #[schema(example = "138****0001")]
    pub phone: String,
    /// The verified name, masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "*明")]
    pub name: Option<String>,
    /// The verified identity number, masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_number: Option<String>,
    /// How surely it is known who they are.
    pub level: Level,
    /// The class of their wallets.
    pub wallet_class: Class,
    /// Whether others find them by phone.
    pub findable_by_phone: bool,
    /// Whether a payment PIN is set.
    pub pin_set: bool,
    /// Since when, RFC 3339.
    pub created_at: String,
}

/// Whether others may find a person by phone.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AliasAsk {
    /// True to be found; others then see the masked name.
    pub findable_by_phone: bool,
}

/// The actor.
///
/// # Errors
/// Any fault of the database.
pub async fn me(app: &App, actor: &Actor) -> Result<Profile> {
    let person = store::person(app, actor.person).await?;
    Ok(Profile {
        person_id: person.id,
        phone: person.phone()?.masked(),
        name: person.name()?.map(|name| masked_name(&name)),
        id_number: person.identity_number()?.map(|number| masked_identity_number(&number)),
        level: person.level,
        wallet_class: Class::from_number(i64::from(person.level.class()))?,
        findable_by_phone: person.findable,
        pin_set: pins::state(app, actor).await?.set,
        created_at: rfc3339(person.created_at),
    })
}

/// Lets others find the actor by phone, or not. Nobody is found who did not ask to be.
///
/// # Errors
/// Any fault of the database.
pub async fn set_alias(app: &App, actor: &Actor, ask: AliasAsk) -> Result<Profile> {
    let findable_by_phone = Some(ask.findable_by_phone);
    privacy::set_consents(app, actor, ConsentsAsk { findable_by_phone, ..ConsentsAsk::default() }).await?;
    me(app, actor).await
}

/// Whether others find the person by phone.
///
/// # Errors
/// `not_found`.
pub(crate) async fn is_findable(app: &App, person: PersonId) -> Result<bool> {
    Ok(store::person(app, person).await?.findable)
}

/// Lets others find the person by phone, or not; false if that is so already.
pub(crate) async fn let_be_found(tx: &mut Tx, person: PersonId, findable: bool, now: i64) -> Result<bool> {
    if !store::set_findable(tx, person, findable).await? {
        return Ok(false);
    }
    let action = if findable { "alias.show" } else { "alias.hide" };
    audited(tx, person, action, person, None, now).await?;
    Ok(true)
}
