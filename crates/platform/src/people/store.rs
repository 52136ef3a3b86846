//! People in SQL.

use zeroize::Zeroizing;

use super::phone::Phone;
use super::rules::Level;
use super::sealed::PersonKey;
use crate::id::PersonId;
use crate::{App, Code, Problem, Result, Tx};

/// A person's row, with the key to its sealed fields.
pub(crate) struct Person {
    pub(crate) id: PersonId,
    pub(crate) key: PersonKey,
    pub(crate) level: Level,
    pub(crate) findable: bool,
    pub(crate) created_at: i64,
    phone: Vec<u8>,
    name: Option<Vec<u8>>,
    identity_number: Option<Vec<u8>>,
}

#[derive(sqlx::FromRow)]
struct Row {
    data_key: Option<Vec<u8>>,
    phone: Option<Vec<u8>>,
    name: Option<Vec<u8>>,
    identity_number: Option<Vec<u8>>,
    level: i16,
    findable: i16,
    created_at: i64,
}

impl Person {
    pub(crate) fn phone(&self) -> Result<Phone> {
        Phone::parse(&self.key.text("people.phone", &self.phone)?).map_err(Problem::internal)
    }

    pub(crate) fn name(&self) -> Result<Option<Zeroizing<String>>> {
        self.name.as_deref().map(|name| self.key.text("people.name", name)).transpose()
    }

    pub(crate) fn identity_number(&self) -> Result<Option<Zeroizing<String>>> {
        self.identity_number
            .as_deref()
            .map(|number| self.key.text("people.identity_number", number))
            .transpose()
    }
}

/// The person, unless unknown or erased.
///
/// # Errors
/// `not_found`.
pub(crate) async fn person(app: &App, id: PersonId) -> Result<Person> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT data_key, phone, name, identity_number, level, findable, created_at FROM people WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(&mut app.db.quick().await?)
    .await?;
    let Some(Row {
        data_key: Some(data_key),
        phone: Some(phone),
        name,
        identity_number,
        level,
        findable,
        created_at,
    }) = row
    else {
        return Err(Problem::new(Code::NotFound));
    };
    Ok(Person {
        id,
        key: PersonKey::open(app, id, &data_key)?,
        level: Level::of_class(level)?,
        findable: findable != 0,
        created_at,
        phone,
        name,
        identity_number,
    })
}

/// The person with this phone index and the stored password.
pub(crate) async fn password(app: &App, phone_index: &str) -> Result<Option<(PersonId, String)>> {
    Ok(sqlx::query_as("SELECT id, password FROM people WHERE phone_index = $1")
        .bind(phone_index)
        .fetch_optional(app.db.read())
        .await?)
}

/// A person to be: everything that is computed before the transaction.
#[derive(Clone)]
pub(super) struct Newcomer {
    pub(super) id: PersonId,
    pub(super) phone_index: String,
    pub(super) data_key: Vec<u8>,
    pub(super) phone: Vec<u8>,
    pub(super) password: String,
    pub(super) created_at: i64,
}

/// Adds a person.
///
/// # Errors
/// `phone_taken`.
pub(super) async fn insert(tx: &mut Tx, new: &Newcomer) -> Result<()> {
    let added = sqlx::query(
        "INSERT INTO people (id, state, phone_index, data_key, phone, password, level, findable, created_at) \
         VALUES ($1, 'ACTIVE', $2, $3, $4, $5, 4, 0, $6) ON CONFLICT (phone_index) DO NOTHING",
    )
    .bind(new.id)
    .bind(&new.phone_index)
    .bind(new.data_key.as_slice())
    .bind(new.phone.as_slice())
    .bind(&new.password)
    .bind(new.created_at)
    .execute(&mut *tx)
    .await?;
    if added.rows_affected() == 1 { Ok(()) } else { Err(Problem::new(Code::PhoneTaken)) }
}

/// Replaces a person's password.
pub(crate) async fn set_password(tx: &mut Tx, person: PersonId, hash: &str) -> Result<()> {
    sqlx::query("UPDATE people SET password = $1 WHERE id = $2")
        .bind(hash)
        .bind(person)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Lets the person be found by phone, or not; false if that is so already.
pub(super) async fn set_findable(tx: &mut Tx, person: PersonId, findable: bool) -> Result<bool> {
    let done = sqlx::query("UPDATE people SET findable = $1 WHERE id = $2 AND findable <> $1")
        .bind(i16::from(findable))
        .bind(person)
        .execute(&mut *tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The person with this phone index, if they agreed to be found.
pub(super) async fn findable(app: &App, phone_index: &str) -> Result<Option<PersonId>> {
    Ok(sqlx::query_scalar("SELECT id FROM people WHERE phone_index = $1 AND findable = 1")
        .bind(phone_index)
        .fetch_optional(app.db.read())
        .await?)
}

/// Gives the person a verified name and identity number and the level they stand for. False if the
/// number is verified for somebody else.
pub(super) async fn identify(
    tx: &mut Tx,
    person: PersonId,
    name: &[u8],
    number: &[u8],
    number_index: &str,
) -> Result<bool> {
    let other: Option<PersonId> =
        sqlx::query_scalar("SELECT id FROM people WHERE identity_index = $1 AND id <> $2")
            .bind(number_index)
            .bind(person)
            .fetch_optional(&mut *tx)
            .await?;
    if other.is_some() {
        return Ok(false);
    }
    sqlx::query("UPDATE people SET name = $1, identity_number = $2, identity_index = $3 WHERE id = $4")
        .bind(name)
        .bind(number)
        .bind(number_index)
        .bind(person)
        .execute(&mut *tx)
        .await?;
    Ok(true)
}

/// Raises the level; false if it is that high already.
pub(super) async fn raise(tx: &mut Tx, person: PersonId, level: Level) -> Result<bool> {
    let raised = sqlx::query("UPDATE people SET level = $1 WHERE id = $2 AND level > $1")
        .bind(i16::from(level.class()))
        .bind(person)
        .execute(&mut *tx)
        .await?;
    Ok(raised.rows_affected() == 1)
}

/// Destroys the person's key and everything they could be found by; false if that was done before.
///
/// # Errors
/// `not_found`.
pub(super) async fn erase(tx: &mut Tx, person: PersonId) -> Result<bool> {
    let state: Option<String> = sqlx::query_scalar("SELECT state FROM people WHERE id = $1")
        .bind(person)
        .fetch_optional(&mut *tx)
        .await?;
    match state.as_deref() {
        None => return Err(Problem::new(Code::NotFound)),
        Some("ERASED") => return Ok(false),
        Some(_) => {}
    }
    sqlx::query(
        "UPDATE people SET state = 'ERASED', phone_index = NULL, identity_index = NULL, data_key = NULL, phone = NULL, \
         name = NULL, identity_number = NULL, password = '', findable = 0 WHERE id = $1",
    )
    .bind(person)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "UPDATE identity_checks SET name = NULL, identity_number = NULL, state = 'REFUSED', reason = 'ERASED' \
         WHERE person = $1 AND state = 'PENDING'",
    )
    .bind(person)
    .execute(&mut *tx)
    .await?;
    Ok(true)
}
