//! A new device asks to be let in, and an old one decides.
//!
//! `PENDING → APPROVED | REFUSED | EXPIRED`. The new device proves that it holds its key when it asks,
//! and shows a number of two digits; whoever approves types that number on a device that is bound, with
//! the PIN or a second factor. A wrong number ends the request: whoever approves without having the new
//! device in hand is most likely being talked into it.

use jialing_crypto::{PublicKey, random};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::challenge::NewKey;
use super::{NewDevice, prepare, store};
use crate::clock::rfc3339;
use crate::factors::{self, FactorAsk, told};
use crate::id::{DeviceId, DeviceRequestId, DeviceRequestTag, NoticeId, PersonId, SessionId};
use crate::notices::{self, NoticeCode};
use crate::people::audited;
use crate::sessions::{self, Actor, Origin};
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx, pins, stored};

/// How long a request waits, milliseconds.
pub const VALID_MS: i64 = 600_000;
/// Requests of a person that may wait at the same time.
pub const MOST_PENDING: i64 = 3;
/// Digits of the number that the new device shows.
pub const NUMBER_DIGITS: usize = 2;
/// How long a request is kept after its end, milliseconds.
const KEPT_MS: i64 = 30 * 86_400_000;

stored! {
    /// Where a request stands.
    #[schema(as = DeviceRequestState)]
    pub enum State {
        /// It waits for an old device.
        Pending = "PENDING",
        /// The new device is bound.
        Approved = "APPROVED",
        /// The new device was not let in.
        Refused = "REFUSED",
        /// Nobody decided in time.
        Expired = "EXPIRED",
    }
}

/// A new device's request to be let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeviceRequest {
    /// Its id.
    pub id: DeviceRequestId,
    /// What its owner calls the device.
    pub name: String,
    /// Two digits for the one who approves to type; told only to the session that asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "42")]
    pub number: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Whether this session asked.
    pub own: bool,
    /// The device, once bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
    /// When it was asked, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Until when it waits, RFC 3339.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// When it was decided, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub decided_at: Option<String>,
}

/// A new device asks to be let in.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceRequestAsk {
    /// The device and its proof.
    pub device: NewDevice,
}

/// An old device lets the new one in.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeviceApproveAsk)]
pub struct ApproveAsk {
    /// The number that the new device shows.
    #[schema(example = "42")]
    pub number: String,
    /// The payment PIN; or a factor.
    pub pin: Option<String>,
    /// A second factor; or the PIN.
    pub factor: Option<FactorAsk>,
}

/// A row of `device_requests`.
#[derive(Clone, sqlx::FromRow)]
struct Row {
    id: DeviceRequestId,
    session: SessionId,
    name: String,
    spki: Vec<u8>,
    number: String,
    state: State,
    device: Option<DeviceId>,
    created_at: i64,
    expires_at: i64,
    decided_at: Option<i64>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, session, name, spki, number, state, device, created_at, expires_at, decided_at FROM device_requests ",
            $rest
        )
    };
}

impl Row {
    fn shown(self, app: &App, actor: &Actor) -> DeviceRequest {
        let own = self.session == actor.session;
        DeviceRequest {
            id: self.id,
            name: self.name,
            number: own.then_some(self.number),
            state: if self.state == State::Pending && self.expires_at <= app.clock.millis() {
                State::Expired
            } else {
                self.state
            },
            own,
            device_id: self.device,
            created_at: rfc3339(self.created_at),
            expires_at: rfc3339(self.expires_at),
            decided_at: self.decided_at.map(rfc3339),
        }
    }
}

/// Asks an old device to let this one in.
///
/// # Errors
/// `proof_of_possession_invalid`; `state_conflict` when the session has a device, the person has none,
/// or too many requests wait.
pub async fn ask(app: &App, actor: &Actor, ask: DeviceRequestAsk) -> Result<DeviceRequest> {
    let refused = |why: &str| Problem::new(Code::StateConflict).detail(why);
    if actor.device.is_some() {
        return Err(refused("This session is bound to a device already."));
    }
    let prepared = prepare(app, Some(&ask.device)).await?.ok_or(Problem::new(Code::InvalidRequest))?;
    let (actor_, now) = (*actor, app.clock.millis());
    let (id, number) = (DeviceRequestId::new(now), random::digits(NUMBER_DIGITS));
    app.db
        .write(async move |tx: &mut Tx| {
            prepared.spend(tx).await?;
            if store::count_active(tx, actor_.person).await? == 0 {
                return Err(refused("No device of yours could let this one in. Bind it with a second factor."));
            }
            let waiting: i64 = sqlx::query_scalar(
                "SELECT COUNT(*) FROM device_requests WHERE person = $1 AND state = 'PENDING' AND expires_at > $2",
            )
            .bind(actor_.person)
            .bind(now)
            .fetch_one(&mut *tx)
            .await?;
            if waiting >= MOST_PENDING {
                return Err(refused("Too many requests wait. Decide them, or wait until they end."));
            }
            sqlx::query(
                "INSERT INTO device_requests (id, person, session, name, spki, number, state, created_at, expires_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, 'PENDING', $7, $8)",
            )
            .bind(id)
            .bind(actor_.person)
            .bind(actor_.session)
            .bind(&prepared.key.name)
            .bind(prepared.key.key.spki_der())
            .bind(&number)
            .bind(now)
            .bind(now + VALID_MS)
            .execute(&mut *tx)
            .await?;
            audited(tx, actor_.person, "device.request", id, None, now).await?;
            let params = json!({ "name": prepared.key.name });
            let (notice, code) = (NoticeId::new(now), NoticeCode::DeviceRequest);
            notices::tell_once(tx, notice, actor_.person, code, &params, id.to_string(), now).await
        })
        .await?;
    one(app, actor, id).await
}

/// The actor's requests, newest first.
///
/// # Errors
/// `invalid_request` for bad cursors.
pub async fn list(app: &App, actor: &Actor, ask: &PageAsk) -> Result<Page<DeviceRequest>> {
    let (limit, cursor) = (ask.limit()?, ask.cursor::<DeviceRequestTag>()?);
    let sql = crate::page::paged!(cursor, select!("WHERE person = $1"), "id", "$2", "$3");
    let rows: Vec<Row> = sqlx::query_as(sql)
        .bind(actor.person)
        .bind(cursor.from.clone())
        .bind(i64::from(limit) + 1)
        .fetch_all(app.db.read())
        .await?;
    Ok(cursor.page(rows, limit).map(|row| row.shown(app, actor)))
}

/// One of the actor's requests.
///
/// # Errors
/// `not_found`.
pub async fn one(app: &App, actor: &Actor, id: DeviceRequestId) -> Result<DeviceRequest> {
    Ok(find(app, actor.person, id).await?.shown(app, actor))
}

async fn find(app: &App, person: PersonId, id: DeviceRequestId) -> Result<Row> {
    let row: Option<Row> = sqlx::query_as(select!("WHERE id = $1 AND person = $2"))
        .bind(id)
        .bind(person)
        .fetch_optional(app.db.read())
        .await?;
    row.ok_or(Problem::new(Code::NotFound))
}

/// Lets the new device in: it is bound, and the session that asked with it. Done again, it changes
/// nothing.
///
/// # Errors
/// `not_found`; `device_unknown` from a session without an active device; `invalid_request` unless there
/// is the PIN or a factor; those of the PIN and of factors; `state_conflict` for a wrong number, which
/// ends the request, or one that was decided or has expired; those of binding a device.
pub async fn approve(
    app: &App,
    actor: &Actor,
    origin: Origin,
    id: DeviceRequestId,
    ask: ApproveAsk,
) -> Result<DeviceRequest> {
    let row = find(app, actor.person, id).await?;
    let Some(device) = actor.device else {
        return Err(Problem::new(Code::DeviceUnknown).detail("Approve from a session of a bound device."));
    };
    if row.state == State::Approved {
        return Ok(row.shown(app, actor));
    }
    let factor = match (&ask.pin, &ask.factor) {
        (Some(pin), None) => {
            pins::verify(app, actor, pin).await?;
            None
        }
        (None, Some(factor)) => Some(factors::required(app, actor, origin, Some(factor)).await?),
        _ => {
            return Err(Problem::new(Code::InvalidRequest)
                .field("factor")
                .detail("Send the PIN or a second factor, one of the two."));
        }
    };
    let right = random::same(ask.number.as_bytes(), row.number.as_bytes());
    let key = PublicKey::from_spki_der(&row.spki).map_err(Problem::internal)?;
    let key = NewKey::new(app, row.name.clone(), key).await?;
    let (person, now) = (actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            if let Some(factor) = &factor {
                factor.spend(tx).await?;
            }
            if !store::is_active(tx, person, device).await? {
                return Err(Problem::new(Code::DeviceUnknown));
            }
            let to = if right { State::Approved } else { State::Refused };
            if !decide(tx, id, person, to, now).await? {
                return Err(over());
            }
            if !right {
                return told(tx, person, "device.refuse", id, now).await;
            }
            let bound = key.bind(tx, person).await?;
            sqlx::query("UPDATE device_requests SET device = $2 WHERE id = $1")
                .bind(id)
                .bind(bound)
                .execute(&mut *tx)
                .await?;
            sessions::bind_device(tx, row.session, bound).await?;
            told(tx, person, "device.approve", bound, now).await
        })
        .await?;
    if right {
        one(app, actor, id).await
    } else {
        Err(Problem::new(Code::StateConflict)
            .field("number")
            .detail("This is not the number that the new device shows. The request has ended."))
    }
}

/// Does not let the new device in. Done again, it changes nothing.
///
/// # Errors
/// `not_found`; `state_conflict` once it was approved or has expired.
pub async fn refuse(app: &App, actor: &Actor, id: DeviceRequestId) -> Result<DeviceRequest> {
    if find(app, actor.person, id).await?.state == State::Refused {
        return one(app, actor, id).await;
    }
    let (person, now) = (actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            if !decide(tx, id, person, State::Refused, now).await? {
                return Err(over());
            }
            told(tx, person, "device.refuse", id, now).await
        })
        .await?;
    one(app, actor, id).await
}

async fn decide(tx: &mut Tx, id: DeviceRequestId, person: PersonId, to: State, now: i64) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE device_requests SET state = $3, decided_at = $4 \
         WHERE id = $1 AND person = $2 AND state = 'PENDING' AND expires_at > $4",
    )
    .bind(id)
    .bind(person)
    .bind(to)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

fn over() -> Problem {
    Problem::new(Code::StateConflict).detail("The request was decided or has expired.")
}

/// Forgets old requests.
pub(super) async fn sweep(tx: &mut Tx, before: i64) -> Result<()> {
    sqlx::query("DELETE FROM device_requests WHERE expires_at < $1")
        .bind(before - KEPT_MS)
        .execute(&mut *tx)
        .await?;
    Ok(())
}
