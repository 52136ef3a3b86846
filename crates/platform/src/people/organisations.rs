//! Organisations, registered by a verified person who represents them.

use serde::{Deserialize, Serialize};

use super::rules::{self, Level};
use super::{audited, display_name, require_level};
use crate::clock::rfc3339;
use crate::id::{OrganisationId, OrganisationTag, PersonId};
use crate::sessions::Actor;
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx, policies, text};

/// Characters of an organisation's name.
const MAX_NAME: usize = 100;

/// A request to register an organisation.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganisationAsk {
    /// The name on the licence.
    #[schema(example = "重庆嘉陵小面馆有限公司")]
    pub name: String,
    /// The unified social credit code: 18 characters (GB 32100-2015).
    #[schema(example = "91350100M000100Y43")]
    pub licence: String,
}

/// An organisation, as its representative sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Organisation {
    /// Its id.
    pub organisation_id: OrganisationId,
    /// The name on the licence.
    pub name: String,
    /// The unified social credit code.
    pub licence: String,
    /// The representative's name, masked.
    pub representative: String,
    /// When it was registered, RFC 3339.
    pub created_at: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: OrganisationId,
    name: String,
    licence: String,
    representative: PersonId,
    created_at: i64,
}

/// Registers an organisation that the actor represents. The licence number is its natural key: the
/// same registration again answers the organisation there is.
///
/// # Errors
/// `forbidden` below REMOTE_PHONE_ID; `invalid_request`; `conflict`, naming the field, when the
/// licence is registered with another name or by somebody else.
pub async fn register(app: &App, actor: &Actor, ask: OrganisationAsk) -> Result<Organisation> {
    require_level(app, actor, Level::RemotePhoneId.class()).await?;
    text::line("name", &ask.name, MAX_NAME)?;
    let (name, licence) = (ask.name, rules::licence_number(&ask.licence)?);
    let most = policies::number(app, "organisations_per_person").await?;
    let (person, now) = (actor.person, app.clock.millis());
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            if let Some(row) = by_licence(tx, &licence).await? {
                return same(row, person, &name);
            }
            let count: i64 =
                sqlx::query_scalar("SELECT COUNT(*) FROM organisations WHERE representative = $1")
                    .bind(person)
                    .fetch_one(&mut *tx)
                    .await?;
            if count >= most {
                return Err(Problem::new(Code::StateConflict).detail("You represent too many organisations."));
            }
            let row = Row {
                id: OrganisationId::new(now),
                name: name.clone(),
                licence: licence.clone(),
                representative: person,
                created_at: now,
            };
            insert(tx, &row).await?;
            audited(tx, person, "organisation.register", row.id, None, now).await?;
            Ok(row)
        })
        .await?;
    resource(app, row).await
}

fn same(row: Row, person: PersonId, name: &str) -> Result<Row> {
    let differs = if row.representative != person {
        "licence"
    } else if row.name != name {
        "name"
    } else {
        return Ok(row);
    };
    Err(Problem::new(Code::Conflict).field(differs))
}

/// One of the organisations that the actor represents.
///
/// # Errors
/// `not_found`.
pub async fn organisation(app: &App, actor: &Actor, id: OrganisationId) -> Result<Organisation> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, name, licence, representative, created_at FROM organisations WHERE id = $1 AND representative = $2",
    )
    .bind(id)
    .bind(actor.person)
    .fetch_optional(app.db.read())
    .await?;
    resource(app, row.ok_or_else(|| Problem::new(Code::NotFound))?).await
}

/// The organisations that the actor represents, newest first.
///
/// # Errors
/// `invalid_request` for bad cursors.
pub async fn organisations(app: &App, actor: &Actor, ask: &PageAsk) -> Result<Page<Organisation>> {
    let limit = ask.limit()?;
    let cursor = ask.cursor::<OrganisationTag>()?;
    let rows: Vec<Row> = sqlx::query_as(crate::page::paged!(
        cursor,
        "SELECT id, name, licence, representative, created_at FROM organisations WHERE representative = $1",
        "id",
        "$2",
        "$3"
    ))
    .bind(actor.person)
    .bind(&cursor.from)
    .bind(i64::from(limit) + 1)
    .fetch_all(app.db.read())
    .await?;
    let representative = display_name(app, actor.person).await?;
    Ok(cursor.page(rows, limit).map(|row| shown(row, representative.clone())))
}

async fn resource(app: &App, row: Row) -> Result<Organisation> {
    let representative = display_name(app, row.representative).await?;
    Ok(shown(row, representative))
}

fn shown(row: Row, representative: String) -> Organisation {
    Organisation {
        organisation_id: row.id,
        name: row.name,
        licence: row.licence,
        representative,
        created_at: rfc3339(row.created_at),
    }
}

async fn by_licence(tx: &mut Tx, licence: &str) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "SELECT id, name, licence, representative, created_at FROM organisations WHERE licence = $1",
    )
    .bind(licence)
    .fetch_optional(&mut *tx)
    .await?)
}

async fn insert(tx: &mut Tx, row: &Row) -> Result<()> {
    sqlx::query(
        "INSERT INTO organisations (id, name, licence, representative, created_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(row.id)
    .bind(&row.name)
    .bind(&row.licence)
    .bind(row.representative)
    .bind(row.created_at)
    .execute(&mut *tx)
    .await?;
    Ok(())
}
