//! Service providers: merchants that act for other merchants, as far as those let them.
//!
//! A grant is the sub-merchant's owner's: scopes that the provider may use, until it is revoked. Every
//! request of a provider asks for the grant anew, so a revocation holds from the next request on. Without
//! a grant a merchant that there is and one that there is not answer the same.

use serde::{Deserialize, Serialize};

use super::{Scope, owned, store};
use crate::audit::{self, Entry};
use crate::clock::rfc3339;
use crate::id::{MerchantId, MerchantTag, PersonId};
use crate::outbox::{self, EventType, NewEvent};
use crate::sessions::Actor;
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx, stored};

stored! {
    /// What a merchant is.
    #[schema(as = MerchantKind)]
    pub enum Kind {
        /// It sells.
        Merchant = "MERCHANT",
        /// It acts for merchants that let it.
        Provider = "PROVIDER",
    }
}

stored! {
    /// Whether a grant holds.
    #[schema(as = GrantState)]
    pub enum GrantState {
        /// It holds.
        Active = "ACTIVE",
        /// It was taken back.
        Revoked = "REVOKED",
    }
}

/// What a merchant lets a service provider do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ProviderGrant)]
pub struct Grant {
    /// The merchant that lets.
    pub merchant_id: MerchantId,
    /// The service provider that may.
    pub provider_id: MerchantId,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Whether it holds.
    pub state: GrantState,
    /// When it was given last, RFC 3339.
    #[schema(format = DateTime)]
    pub granted_at: String,
    /// When it was taken back, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub revoked_at: Option<String>,
    /// Grows with every change.
    pub version: i64,
}

/// What to let a service provider do; the whole set is replaced.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProviderGrantAsk)]
pub struct GrantAsk {
    /// At least one.
    pub scopes: Vec<Scope>,
}

#[derive(Clone, sqlx::FromRow)]
struct Row {
    merchant: MerchantId,
    provider: MerchantId,
    scopes: String,
    state: GrantState,
    granted_at: i64,
    revoked_at: Option<i64>,
    version: i64,
}

impl Row {
    fn shown(&self) -> Grant {
        Grant {
            merchant_id: self.merchant,
            provider_id: self.provider,
            scopes: self.scopes.split(' ').filter_map(|scope| scope.parse().ok()).collect(),
            state: self.state,
            granted_at: rfc3339(self.granted_at),
            revoked_at: self.revoked_at.map(rfc3339),
            version: self.version,
        }
    }
}

/// Lets a service provider act for one's own merchant. Done again with other scopes, those hold.
///
/// # Errors
/// `not_found` unless the actor owns the merchant; `invalid_request`, naming the field, without a scope or
/// where no active service provider has this id.
pub async fn grant(
    app: &App,
    actor: &Actor,
    merchant: MerchantId,
    provider: MerchantId,
    ask: GrantAsk,
) -> Result<Grant> {
    owned(app, actor, merchant).await?;
    let refused = |field: &str, detail: &str| Problem::new(Code::InvalidRequest).field(field).detail(detail);
    if ask.scopes.is_empty() {
        return Err(refused("scopes", "Name at least one scope."));
    }
    let asked = Scope::all().filter(|scope| ask.scopes.contains(scope));
    let scopes = asked.map(String::from).collect::<Vec<_>>().join(" ");
    let (person, now) = (actor.person, app.clock.millis());
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            let found = store::find(tx, provider).await?;
            let fits = |row: &store::Row| {
                row.kind == Kind::Provider && row.status == super::Status::Active && row.id != merchant
            };
            if !found.is_some_and(|row| fits(&row)) {
                return Err(refused("provider_id", "No service provider has this id."));
            }
            let before = find(tx, merchant, provider).await?;
            if let Some(same) = before.clone().filter(|row| row.state == GrantState::Active && row.scopes == scopes) {
                return Ok(same);
            }
            let row: Row = sqlx::query_as(
                "INSERT INTO provider_grants (merchant, provider, scopes, state, granted_by, granted_at, version)
                 VALUES ($1, $2, $3, 'ACTIVE', $4, $5, 1) ON CONFLICT (merchant, provider) DO UPDATE SET
                 scopes = excluded.scopes, state = 'ACTIVE', granted_by = excluded.granted_by, granted_at = excluded.granted_at,
                 revoked_at = NULL, version = provider_grants.version + 1 RETURNING *",
            )
            .bind(merchant)
            .bind(provider)
            .bind(scopes.clone())
            .bind(person)
            .bind(now)
            .fetch_one(&mut *tx)
            .await?;
            changed(tx, person, before.as_ref(), &row, now).await?;
            Ok(row)
        })
        .await?;
    Ok(row.shown())
}

/// Takes a grant back: the provider's next request is refused. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless the actor owns the merchant and there is a grant.
pub async fn revoke(app: &App, actor: &Actor, merchant: MerchantId, provider: MerchantId) -> Result<Grant> {
    owned(app, actor, merchant).await?;
    let (person, now) = (actor.person, app.clock.millis());
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            let before = find(tx, merchant, provider).await?.ok_or(Problem::new(Code::NotFound))?;
            if before.state == GrantState::Revoked {
                return Ok(before);
            }
            let row: Row = sqlx::query_as(
                "UPDATE provider_grants SET state = 'REVOKED', revoked_at = $3, version = version + 1
                 WHERE merchant = $1 AND provider = $2 RETURNING *",
            )
            .bind(merchant)
            .bind(provider)
            .bind(now)
            .fetch_one(&mut *tx)
            .await?;
            changed(tx, person, Some(&before), &row, now).await?;
            Ok(row)
        })
        .await?;
    Ok(row.shown())
}

/// Writes down who changed a grant, and tells both sides.
async fn changed(tx: &mut Tx, by: PersonId, before: Option<&Row>, row: &Row, now: i64) -> Result<()> {
    let told = |row: &Row| serde_json::json!({ "state": row.state, "scopes": row.scopes });
    let active = row.state == GrantState::Active;
    let action = if active { "provider.grant" } else { "provider.revoke" };
    let subject = format!("{}/{}", row.merchant, row.provider);
    let mut entry = Entry::new(by, action, &subject, now).after(told(row));
    entry.before = before.map(told);
    audit::log(tx, entry).await?;
    let resource = serde_json::to_value(row.shown()).map_err(Problem::internal)?;
    for merchant in [row.merchant, row.provider] {
        let event = NewEvent {
            merchant,
            event: if active { EventType::ProviderGranted } else { EventType::ProviderRevoked },
            object: format!("{subject}/{merchant}"),
            object_version: row.version,
            occasion: row.version,
            resource: resource.clone(),
            notify_url: None,
            at: now,
        };
        outbox::publish(tx, event).await?;
    }
    Ok(())
}

async fn find(tx: &mut Tx, merchant: MerchantId, provider: MerchantId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM provider_grants WHERE merchant = $1 AND provider = $2")
        .bind(merchant)
        .bind(provider)
        .fetch_optional(&mut *tx)
        .await?)
}

/// Grants that a merchant's owner is shown at most.
const MOST: i64 = 100;

/// The service providers that one's own merchant ever let act, by id.
///
/// # Errors
/// `not_found` unless the actor owns the merchant.
pub async fn grants(app: &App, actor: &Actor, merchant: MerchantId) -> Result<Vec<Grant>> {
    owned(app, actor, merchant).await?;
    let sql = "SELECT * FROM provider_grants WHERE merchant = $1 ORDER BY provider DESC LIMIT $2";
    let rows: Vec<Row> = sqlx::query_as(sql).bind(merchant).bind(MOST).fetch_all(app.db.read()).await?;
    Ok(rows.iter().map(Row::shown).collect())
}

/// The merchants that let this provider act now, by id. Cursors are ids of merchants.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn sub_merchants(app: &App, provider: MerchantId, page: &PageAsk) -> Result<Page<Grant>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<MerchantTag>()?);
    let rows: Vec<Row> = sqlx::query_as(crate::page::paged!(
        cursor,
        "SELECT * FROM provider_grants WHERE provider = $1 AND state = 'ACTIVE'",
        "merchant",
        "$2",
        "$3"
    ))
    .bind(provider)
    .bind(cursor.from.clone())
    .bind(i64::from(limit) + 1)
    .fetch_all(app.db.read())
    .await?;
    Ok(cursor.page(rows, limit).map(|row| row.shown()))
}

/// Checks that `provider` may use `scope` for `merchant` now.
///
/// # Errors
/// `forbidden`, in the same words whether there is no such merchant or no grant; naming the scope where there
/// is a grant without it.
pub async fn may(app: &App, provider: MerchantId, merchant: MerchantId, scope: Scope) -> Result<()> {
    let scopes: Option<String> = sqlx::query_scalar(
        "SELECT g.scopes FROM provider_grants g JOIN merchants m ON m.id = g.provider
         WHERE g.merchant = $1 AND g.provider = $2 AND g.state = 'ACTIVE' AND m.kind = 'PROVIDER' AND m.status = 'ACTIVE'",
    )
    .bind(merchant)
    .bind(provider)
    .fetch_optional(app.db.read())
    .await?;
    let scopes = scopes.ok_or_else(|| {
        Problem::new(Code::Forbidden)
            .field(SUB_MERCHANT)
            .detail("No merchant of this id lets you act for it.")
    })?;
    if scopes
        .split(' ')
        .filter_map(|granted| granted.parse().ok())
        .any(|granted: Scope| granted.covers(scope))
    {
        return Ok(());
    }
    Err(Problem::new(Code::Forbidden)
        .field(SUB_MERCHANT)
        .detail(format!("The merchant did not grant you `{scope}`."))
        .with("scope", String::from(scope)))
}

/// The header that names the merchant a service provider acts for.
pub const SUB_MERCHANT: &str = "Jialing-Sub-Merchant";

/// Makes an existing merchant one that sells or a service provider, in the transaction of whoever decides.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn set_kind_in(tx: &mut Tx, id: MerchantId, kind: Kind) -> Result<()> {
    sqlx::query("UPDATE merchants SET kind = $2, version = version + 1 WHERE id = $1 AND kind <> $2")
        .bind(id)
        .bind(kind)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Makes an existing merchant one that sells or a service provider. `by` names who decided, for the record.
///
/// # Errors
/// `not_found`; any fault of the database.
pub async fn set_kind(app: &App, id: MerchantId, kind: Kind, by: &str) -> Result<super::Merchant> {
    let (by, now) = (by.to_owned(), app.clock.millis());
    let row = app
        .db
        .write(async move |tx: &mut Tx| {
            let before = store::find(tx, id).await?.ok_or(Problem::new(Code::NotFound))?;
            set_kind_in(tx, id, kind).await?;
            let entry = Entry::new(&by, "merchant.set_kind", id, now);
            audit::log(tx, entry.before(before.kind.text()).after(kind.text())).await?;
            store::find(tx, id).await?.ok_or(Problem::new(Code::NotFound))
        })
        .await?;
    Ok(row.into())
}
