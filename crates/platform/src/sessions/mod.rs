//! Signing in and staying signed in.
//!
//! A session is an opaque token of 256 random bits; only its keyed hash is stored. It ends by
//! itself after some time without use and, whatever happens, at a fixed end; its holder can end it
//! anywhere. Signing in takes the phone, the password and a one-time code. Each failure is counted
//! before anything is checked, per phone and per address, and earns a growing wait, so parallel
//! guesses do not slip through. An unknown phone is treated in every step, and in time, like a
//! known one with a wrong password.

pub(crate) mod failures;
mod origin;
mod passwords;
pub(crate) mod quotas;
mod sign_in;
mod store;

use serde::Serialize;

use crate::clock::rfc3339;
use crate::id::{DeviceId, PersonId, SessionId};
use crate::notices::codes;
use crate::people::audited;
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx, devices, pins, policies};

pub use origin::Origin;
pub(crate) use passwords::Passwords;
pub use sign_in::{DeviceSignIn, RecoverAsk, SignInAsk, recover, sign_in};
pub(crate) use store::{Live, Opening};

/// Milliseconds of use that need not be written down: a session's last use is this coarse.
const TOUCH_MS: i64 = 60_000;

/// The acting person: who a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The person.
    pub person: PersonId,
    /// The session that speaks for the person.
    pub session: SessionId,
    /// The device the session is bound to.
    pub device: Option<DeviceId>,
}

/// A session, as its holder sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Session {
    /// The session's id; not its token.
    pub session_id: SessionId,
    /// The device it is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
    /// Since when, RFC 3339.
    pub created_at: String,
    /// Last use, RFC 3339, exact to a minute.
    pub last_used_at: String,
    /// The fixed end, RFC 3339.
    pub expires_at: String,
    /// Whether this is the session that asks.
    pub current: bool,
}

/// A fresh session with its token.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct SignedIn {
    /// Who signed in.
    pub person_id: PersonId,
    /// Send it as `Authorization: Bearer …`. It is shown once and stored nowhere.
    pub token: String,
    /// The session.
    pub session: Session,
}

/// Who the bearer of `token` is. One indexed read; the last use is written at most once a minute.
///
/// # Errors
/// `unauthenticated` when the token is unknown, expired or ended.
pub async fn authenticate(app: &App, token: &str) -> Result<Actor> {
    let now = app.clock.millis();
    let found = store::live(app, store::token_hash(app, token)).await?;
    let live = found.filter(|live| live.expires_at > now && live.last_used_at > now - idle_ms(app));
    let Some(Live { actor, last_used_at, .. }) = live else {
        return Err(Problem::new(Code::Unauthenticated));
    };
    if now - last_used_at >= TOUCH_MS {
        app.db.write(async move |tx: &mut Tx| store::touch(tx, actor.session, now).await).await?;
    }
    Ok(actor)
}

/// Lets pass whose session has not ended: for whoever was let in a while ago.
///
/// # Errors
/// `unauthenticated` once it has.
pub async fn require_live(app: &App, actor: &Actor) -> Result<()> {
    if store::lives(app, actor.session, app.clock.millis()).await? {
        Ok(())
    } else {
        Err(Problem::new(Code::Unauthenticated))
    }
}

/// The actor's live sessions, newest first.
///
/// # Errors
/// `invalid_request` for bad cursors.
pub async fn list(app: &App, actor: &Actor, ask: &PageAsk) -> Result<Page<Session>> {
    store::page(app, actor, ask, app.clock.millis(), idle_ms(app)).await
}

/// Ends one of the actor's sessions; ending an ended one again changes nothing.
///
/// # Errors
/// `not_found` when it is not the actor's.
pub async fn end(app: &App, actor: &Actor, session: SessionId) -> Result<()> {
    let (actor, now) = (*actor, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            if !store::is_of(tx, session, actor.person).await? {
                return Err(Problem::new(Code::NotFound));
            }
            store::end(tx, session, now, "signed_out").await?;
            audited(tx, actor.person, "session.end", session, None, now).await
        })
        .await
}

/// Ends all of the actor's sessions, the asking one too.
///
/// # Errors
/// Any fault of the database.
pub async fn end_all(app: &App, actor: &Actor) -> Result<()> {
    let (person, now) = (actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            store::end_all(tx, person, now, "signed_out").await?;
            audited(tx, person, "session.end_all", person, None, now).await
        })
        .await
}

/// Ends all sessions of `person`.
pub(crate) async fn end_of_person(tx: &mut Tx, person: PersonId, now: i64, reason: &str) -> Result<()> {
    store::end_all(tx, person, now, reason).await
}

/// Ends the sessions bound to `device`.
pub(crate) async fn end_of_device(tx: &mut Tx, device: DeviceId, now: i64) -> Result<()> {
    store::end_of_device(tx, device, now).await
}

/// Binds a session that has no device to one.
pub(crate) async fn bind_device(tx: &mut Tx, session: SessionId, device: DeviceId) -> Result<()> {
    store::bind_device(tx, session, device).await
}

/// When the session began, in milliseconds.
pub(crate) async fn began_at(tx: &mut Tx, session: SessionId) -> Result<i64> {
    store::began_at(tx, session).await
}

/// Deletes what is over: sessions, codes, challenges, failures, quotas, day sums. Safe to run at any time.
///
/// # Errors
/// Any fault of the database.
pub async fn sweep(app: &App) -> Result<()> {
    let now = app.clock.millis();
    let kept = policies::number(app, "ended_session_days").await? * 86_400_000;
    app.db
        .write(async move |tx: &mut Tx| {
            store::sweep(tx, now - kept).await?;
            codes::sweep(tx, now).await?;
            devices::sweep(tx, now).await?;
            failures::sweep(tx, now).await?;
            quotas::sweep(tx, now).await
        })
        .await?;
    pins::sweep(app).await
}

fn idle_ms(app: &App) -> i64 {
    i64::from(app.settings.session_idle_minutes) * 60_000
}

/// The resource for a session's row.
fn resource(
    session_id: SessionId,
    device_id: Option<DeviceId>,
    times: (i64, i64, i64),
    asking: Option<SessionId>,
) -> Session {
    let (created_at, last_used_at, expires_at) = times;
    Session {
        session_id,
        device_id,
        created_at: rfc3339(created_at),
        last_used_at: rfc3339(last_used_at),
        expires_at: rfc3339(expires_at),
        current: asking == Some(session_id),
    }
}
