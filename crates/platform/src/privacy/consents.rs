//! What a person agreed to beside what the service needs, each by a switch of its own.
//!
//! `payment_alerts` and `sign_in_alerts` are on at the beginning and decide what is sent outward and told;
//! `findable_by_phone` and `marketing` are off until somebody says yes. Every change is an entry of the
//! audit, `consent.give` or `consent.withdraw` (`alias.show` or `alias.hide` for being found).

use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::id::PersonId;
use crate::people::{self, audited};
use crate::sessions::Actor;
use crate::{App, Result, Tx};

/// What a person agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Consents {
    /// Others find the person by phone and see the masked name.
    pub findable_by_phone: bool,
    /// Movements of money are told outside the application too, such as by message.
    pub payment_alerts: bool,
    /// Every sign-in is told.
    pub sign_in_alerts: bool,
    /// Offers may be sent. The platform itself sends none; whoever does has to ask here.
    pub marketing: bool,
    /// When one of these was last changed, RFC 3339; absent before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub changed_at: Option<String>,
}

/// What a person agrees to from now on; what is left out stays.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentsAsk {
    /// Whether others find you by phone.
    pub findable_by_phone: Option<bool>,
    /// Whether movements of money are told outside the application too.
    pub payment_alerts: Option<bool>,
    /// Whether every sign-in is told.
    pub sign_in_alerts: Option<bool>,
    /// Whether offers may be sent.
    pub marketing: Option<bool>,
}

/// A row of `consents`.
#[derive(Clone, Copy, sqlx::FromRow)]
struct Row {
    payment_alerts: i16,
    sign_in_alerts: i16,
    marketing: i16,
    changed_at: i64,
}

/// What holds before anything was changed.
const AT_FIRST: Row = Row { payment_alerts: 1, sign_in_alerts: 1, marketing: 0, changed_at: 0 };
const SELECT: &str =
    "SELECT payment_alerts, sign_in_alerts, marketing, changed_at FROM consents WHERE person = $1";

/// What the actor agreed to.
///
/// # Errors
/// Any fault of the database.
pub async fn consents(app: &App, actor: &Actor) -> Result<Consents> {
    let findable_by_phone = people::is_findable(app, actor.person).await?;
    let row: Option<Row> = sqlx::query_as(SELECT).bind(actor.person).fetch_optional(app.db.read()).await?;
    let now = row.unwrap_or(AT_FIRST);
    Ok(Consents {
        findable_by_phone,
        payment_alerts: now.payment_alerts != 0,
        sign_in_alerts: now.sign_in_alerts != 0,
        marketing: now.marketing != 0,
        changed_at: row.map(|row| rfc3339(row.changed_at)),
    })
}

/// Changes what the actor agrees to. What is so already is no change.
///
/// # Errors
/// Any fault of the database.
pub async fn set_consents(app: &App, actor: &Actor, ask: ConsentsAsk) -> Result<Consents> {
    let (person, now) = (actor.person, app.clock.millis());
    app.db.write(async move |tx: &mut Tx| change(tx, person, ask, now).await).await?;
    consents(app, actor).await
}

async fn change(tx: &mut Tx, person: PersonId, ask: ConsentsAsk, now: i64) -> Result<()> {
    let mut row = find(tx, person).await?;
    let mut changed = match ask.findable_by_phone {
        Some(findable) => people::let_be_found(tx, person, findable, now).await?,
        None => false,
    };
    for (name, place, wanted) in [
        ("payment_alerts", &mut row.payment_alerts, ask.payment_alerts),
        ("sign_in_alerts", &mut row.sign_in_alerts, ask.sign_in_alerts),
        ("marketing", &mut row.marketing, ask.marketing),
    ] {
        let Some(wanted) = wanted.filter(|wanted| i16::from(*wanted) != *place) else { continue };
        *place = i16::from(wanted);
        changed = true;
        let action = if wanted { "consent.give" } else { "consent.withdraw" };
        audited(tx, person, action, name, None, now).await?;
    }
    if !changed {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO consents (person, payment_alerts, sign_in_alerts, marketing, changed_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (person) DO UPDATE SET payment_alerts = $2, sign_in_alerts = $3, marketing = $4, changed_at = $5",
    )
    .bind(person)
    .bind(row.payment_alerts)
    .bind(row.sign_in_alerts)
    .bind(row.marketing)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn find(tx: &mut Tx, person: PersonId) -> Result<Row> {
    let row: Option<Row> = sqlx::query_as(SELECT).bind(person).fetch_optional(&mut *tx).await?;
    Ok(row.unwrap_or(AT_FIRST))
}

/// Whether movements of money are told the person outside the application.
pub(crate) async fn wants_payment_alerts(app: &App, person: PersonId) -> Result<bool> {
    let row: Option<Row> = sqlx::query_as(SELECT).bind(person).fetch_optional(app.db.read()).await?;
    Ok(row.unwrap_or(AT_FIRST).payment_alerts != 0)
}

/// Whether the person is told of a sign-in.
pub(crate) async fn wants_sign_in_alerts(tx: &mut Tx, person: PersonId) -> Result<bool> {
    Ok(find(tx, person).await?.sign_in_alerts != 0)
}

pub(super) async fn forget(tx: &mut Tx, person: PersonId) -> Result<()> {
    sqlx::query("DELETE FROM consents WHERE person = $1").bind(person).execute(&mut *tx).await?;
    Ok(())
}
