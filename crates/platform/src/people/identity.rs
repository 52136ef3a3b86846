//! Identity: what is known of a person raises the class of their wallets.
//!
//! A check is kept before the identity service is asked and decided when it answers. Without an
//! outcome it stays PENDING and is asked again under the same reference, so the service checks and
//! bills once; what was submitted is erased from the check once it is decided. A verified check
//! raises the level, then the wallets; whatever a crash leaves between the two is finished by
//! [`retry_due`].

use std::time::Duration;

use jialing_rails::identity::{Claim, Verdict};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use super::rules::{self, Level};
use super::{audited, store};
use crate::clock::rfc3339;
use crate::id::{IdentityCheckId, PersonId};
use crate::sessions::Actor;
use crate::sessions::quotas::{self, Quota};
use crate::wallets::{self, Class};
use crate::{App, Code, Problem, Result, Tx, background, links, policies, text};

/// Characters of a person's name.
const MAX_NAME: usize = 64;
/// Checks that one round of [`retry_due`] takes up.
const BATCH: i64 = 100;
/// How often [`keep`] looks.
const EVERY: Duration = Duration::from_secs(1);

crate::stored! {
    /// How far a check is.
    pub enum CheckState {
        /// The identity service has not decided yet.
        Pending = "PENDING",
        /// Confirmed.
        Verified = "VERIFIED",
        /// Not confirmed.
        Refused = "REFUSED",
    }
}

/// A request to raise the identity level.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityAsk {
    /// `REMOTE_PHONE_ID` with name and number, or `REMOTE_BANK` with a signed bank account.
    pub level: Level,
    /// The name as the document has it.
    #[schema(example = "李明")]
    pub name: Option<String>,
    /// The identity number, 18 characters (GB 11643).
    #[schema(example = "11010519491231002X")]
    pub id_number: Option<String>,
}

/// A request to raise the identity level and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct IdentityCheck {
    /// Its id.
    pub check_id: IdentityCheckId,
    /// The level asked for.
    pub level: Level,
    /// How far it is.
    pub state: CheckState,
    /// Why it was refused: `NO_MATCH` or `IDENTITY_TAKEN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was asked for, RFC 3339.
    pub created_at: String,
    /// When it was decided, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: IdentityCheckId,
    person: PersonId,
    level: i16,
    state: CheckState,
    reason: Option<String>,
    name: Option<Vec<u8>>,
    identity_number: Option<Vec<u8>>,
    attempts: i64,
    applied: i16,
    created_at: i64,
    decided_at: Option<i64>,
}

const OF_ID: &str = "SELECT id, person, level, state, reason, name, identity_number, attempts, applied, created_at, \
                     decided_at FROM identity_checks WHERE id = $1";
const LATEST: &str = "SELECT id, person, level, state, reason, name, identity_number, attempts, applied, created_at, \
                      decided_at FROM identity_checks WHERE person = $1 ORDER BY id DESC LIMIT 1";

/// Asks for a higher level, under an id of the caller's: the same id again goes on with the same check.
/// The answer may still be PENDING.
///
/// # Errors
/// `invalid_request`; `state_conflict` when the level is reached already or skips one; `in_progress`
/// while an earlier check is PENDING; `rate_limited`; `identity_mismatch`; `identity_taken`;
/// `link_unusable` without a signed bank account; `forbidden` for a level that only an institution's
/// staff gives.
pub async fn submit(
    app: &App,
    actor: &Actor,
    id: IdentityCheckId,
    ask: IdentityAsk,
) -> Result<IdentityCheck> {
    if let Some(row) = find(app, id).await?.filter(|row| row.person == actor.person) {
        return outcome(advance(app, row.id).await?);
    }
    let present = store::person(app, actor.person).await?.level;
    if ask.level.class() >= present.class() {
        return Err(Problem::new(Code::StateConflict)
            .field("level")
            .detail("Your level is that high already."));
    }
    match ask.level {
        Level::Anonymous | Level::FaceToFace => {
            return Err(Problem::new(Code::Forbidden)
                .field("level")
                .detail("This level is given face to face, by an institution's staff."));
        }
        Level::RemotePhoneId => submit_identity(app, actor.person, id, &ask).await?,
        Level::RemoteBank => submit_bank(app, actor.person, id, present).await?,
    }
    outcome(advance(app, id).await?)
}

fn outcome(row: Row) -> Result<IdentityCheck> {
    match row.reason.as_deref() {
        Some("IDENTITY_TAKEN") => Err(Problem::new(Code::IdentityTaken)),
        // What did not fit is not said: it would make the register an oracle.
        Some(_) => Err(Problem::new(Code::IdentityMismatch)),
        None => shown(row),
    }
}

async fn submit_identity(app: &App, person: PersonId, id: IdentityCheckId, ask: &IdentityAsk) -> Result<()> {
    let missing =
        |field: &str| Problem::new(Code::InvalidRequest).field(field).detail("This level needs it.");
    let name = ask.name.as_deref().ok_or_else(|| missing("name"))?;
    let number = ask.id_number.as_deref().ok_or_else(|| missing("id_number"))?;
    text::line("name", name, MAX_NAME)?;
    let now = app.clock.millis();
    let today = jiff::tz::TimeZone::fixed(jiff::tz::offset(8)).to_datetime(app.clock.now()).date();
    let number = rules::identity_number(number, today)?;

    let key = store::person(app, person).await?.key;
    let sealed =
        (key.seal("identity_checks.name", name), key.seal("identity_checks.identity_number", &number));
    let quota = Quota::of(app, "identity_checks").await?;
    let first = policies::number(app, "identity_retry_first").await? * 1000;
    app.db
        .write(async move |tx: &mut Tx| {
            let pending: Option<IdentityCheckId> =
                sqlx::query_scalar("SELECT id FROM identity_checks WHERE person = $1 AND state = 'PENDING'")
                    .bind(person)
                    .fetch_optional(&mut *tx)
                    .await?;
            if pending.is_some() {
                return Err(Problem::new(Code::InProgress).detail("An earlier check has no outcome yet."));
            }
            quotas::take(tx, &format!("identity_checks/person/{person}"), now, quota).await?;
            sqlx::query(
                "INSERT INTO identity_checks (id, person, level, state, name, identity_number, attempts, next_try_at, applied, created_at) \
                 VALUES ($1, $2, $3, 'PENDING', $4, $5, 0, $6, 0, $7)",
            )
            .bind(id)
            .bind(person)
            .bind(i16::from(Level::RemotePhoneId.class()))
            .bind(sealed.0.as_slice())
            .bind(sealed.1.as_slice())
            .bind(now + first)
            .bind(now)
            .execute(&mut *tx)
            .await?;
            audited(tx, person, "identity.submit", id, None, now).await
        })
        .await
}

async fn submit_bank(app: &App, person: PersonId, id: IdentityCheckId, present: Level) -> Result<()> {
    if present != Level::RemotePhoneId {
        return Err(Problem::new(Code::StateConflict).field("level").detail("Name and number come first."));
    }
    if !links::has_signed(app, person).await? {
        return Err(Problem::new(Code::LinkUnusable).detail("Link a bank account and sign it first."));
    }
    grant(app, person, id, &person.to_string(), Level::RemoteBank).await
}

/// Raises a person to FACE_TO_FACE, on the word of an institution's staff who saw the document. `who`
/// is the id of the institution or its operator.
///
/// # Errors
/// `state_conflict` unless the identity number is verified and the level is lower.
pub async fn confirm_in_person(app: &App, who: &str, person: PersonId) -> Result<IdentityCheck> {
    let present = store::person(app, person).await?.level;
    if !matches!(present, Level::RemotePhoneId | Level::RemoteBank) {
        return Err(Problem::new(Code::StateConflict).detail("Name and number are verified first, and once."));
    }
    let id = IdentityCheckId::new(app.clock.millis());
    grant(app, person, id, who, Level::FaceToFace).await?;
    shown(advance(app, id).await?)
}

/// Writes a check that is verified by what is known already, and raises the level with it.
async fn grant(app: &App, person: PersonId, id: IdentityCheckId, who: &str, level: Level) -> Result<()> {
    let (now, who) = (app.clock.millis(), who.to_owned());
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query(
                "INSERT INTO identity_checks (id, person, level, state, attempts, next_try_at, applied, created_at, decided_at) \
                 VALUES ($1, $2, $3, 'VERIFIED', 0, $4, 0, $4, $4)",
            )
            .bind(id)
            .bind(person)
            .bind(i16::from(level.class()))
            .bind(now)
            .execute(&mut *tx)
            .await?;
            if !store::raise(tx, person, level).await? {
                return Err(Problem::new(Code::StateConflict).field("level").detail("The level is that high already."));
            }
            let entry = crate::audit::Entry {
                who: who.clone(),
                action: "identity.raise",
                subject: person.to_string(),
                before: None,
                after: Some(level.text().into()),
                at: now,
            };
            crate::audit::log(tx, entry).await.map(drop)
        })
        .await
}

/// The actor's newest check.
///
/// # Errors
/// `not_found` when there was none.
pub async fn latest(app: &App, actor: &Actor) -> Result<IdentityCheck> {
    let row: Option<Row> = sqlx::query_as(LATEST).bind(actor.person).fetch_optional(app.db.read()).await?;
    shown(row.ok_or_else(|| Problem::new(Code::NotFound))?)
}

/// Asks again about checks without outcome whose time has come, and finishes verified ones whose
/// wallets were not told yet. Answers how many it took up.
///
/// # Errors
/// Any fault of the database.
pub async fn retry_due(app: &App) -> Result<usize> {
    let due: Vec<IdentityCheckId> = sqlx::query_scalar(
        "SELECT id FROM identity_checks WHERE (state = 'PENDING' AND next_try_at <= $1) \
         OR (state = 'VERIFIED' AND applied = 0 AND next_try_at <= $1) ORDER BY id LIMIT $2",
    )
    .bind(app.clock.millis())
    .bind(BATCH)
    .fetch_all(app.db.read())
    .await?;
    for id in &due {
        // One that cannot be carried on must not keep the others waiting.
        if let Err(problem) = advance(app, *id).await {
            tracing::error!(check = %id, %problem, fault = problem.internal.as_deref(), "an identity check could not be carried on and will be tried again");
            postponed(app, *id).await?;
        }
    }
    Ok(due.len())
}

/// Runs [`retry_due`] for as long as the handle lives.
#[must_use]
pub fn keep(app: &App) -> JoinHandle<()> {
    background::every(app, EVERY, "identity checks could not be carried on", |app| async move {
        retry_due(&app).await
    })
}

/// Takes a check as far as it goes now.
async fn advance(app: &App, id: IdentityCheckId) -> Result<Row> {
    let mut row = read(app, id).await?;
    if row.state == CheckState::Pending {
        ask(app, &row).await?;
        row = read(app, id).await?;
    }
    if row.state == CheckState::Verified && row.applied == 0 {
        apply(app, &row).await?;
    }
    Ok(row)
}

async fn find(app: &App, id: IdentityCheckId) -> Result<Option<Row>> {
    Ok(sqlx::query_as(OF_ID).bind(id).fetch_optional(app.db.read()).await?)
}

async fn read(app: &App, id: IdentityCheckId) -> Result<Row> {
    find(app, id).await?.ok_or_else(|| Problem::new(Code::NotFound))
}

/// Asks the identity service and writes down what it says.
async fn ask(app: &App, row: &Row) -> Result<()> {
    let person = store::person(app, row.person).await?;
    let (Some(name), Some(number)) = (&row.name, &row.identity_number) else {
        return Err(Problem::internal("a pending identity check without its data"));
    };
    let name = person.key.text("identity_checks.name", name)?;
    let number = person.key.text("identity_checks.identity_number", number)?;
    let claim = Claim {
        reference: row.id.to_string(),
        name: name.to_string(),
        id_number: number.to_string(),
        phone: Some(person.phone()?.text().to_owned()),
    };
    match app.connectors.identity.check(&claim).await {
        Verdict::Match { .. } => {
            let found = Found {
                name: person.key.seal("people.name", &name),
                number: person.key.seal("people.identity_number", &number),
                index: app.blind.of("people.identity_number", &number),
            };
            verified(app, row, found).await
        }
        Verdict::NoMatch { .. } => refused(app, row, "NO_MATCH").await,
        Verdict::Unknown(why) => {
            tracing::info!(check = %row.id, %why, "an identity check has no outcome yet");
            postponed(app, row.id).await
        }
    }
}

/// What a verified person gets: name and number sealed, and the number's index.
#[derive(Clone)]
struct Found {
    name: Vec<u8>,
    number: Vec<u8>,
    index: String,
}

async fn verified(app: &App, row: &Row, found: Found) -> Result<()> {
    let (id, person, now) = (row.id, row.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            if !store::identify(tx, person, &found.name, &found.number, &found.index).await? {
                return decide(tx, id, CheckState::Refused, Some("IDENTITY_TAKEN"), now).await.map(drop);
            }
            if decide(tx, id, CheckState::Verified, None, now).await? {
                store::raise(tx, person, Level::RemotePhoneId).await?;
                let change = Some((Level::Anonymous.text(), Level::RemotePhoneId.text()));
                audited(tx, person, "identity.raise", person, change, now).await?;
            }
            Ok(())
        })
        .await
}

async fn refused(app: &App, row: &Row, reason: &'static str) -> Result<()> {
    let (id, person, now) = (row.id, row.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            if decide(tx, id, CheckState::Refused, Some(reason), now).await? {
                audited(tx, person, "identity.refuse", id, None, now).await?;
            }
            Ok(())
        })
        .await
}

/// Decides a pending check and erases what was submitted; false if it was decided before.
async fn decide(
    tx: &mut Tx,
    id: IdentityCheckId,
    state: CheckState,
    reason: Option<&str>,
    now: i64,
) -> Result<bool> {
    let decided = sqlx::query(
        "UPDATE identity_checks SET state = $1, reason = $2, decided_at = $3, name = NULL, identity_number = NULL \
         WHERE id = $4 AND state = 'PENDING'",
    )
    .bind(state)
    .bind(reason)
    .bind(now)
    .bind(id)
    .execute(&mut *tx)
    .await?;
    Ok(decided.rows_affected() == 1)
}

/// Puts the next try off, twice as long as the last time.
async fn postponed(app: &App, id: IdentityCheckId) -> Result<()> {
    let attempts = read(app, id).await?.attempts;
    let first = policies::number(app, "identity_retry_first").await?;
    let longest = policies::number(app, "identity_retry_longest").await?;
    let seconds = first.saturating_mul(1_i64 << attempts.clamp(0, 30)).min(longest);
    let next = app.clock.millis() + seconds * 1000;
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query("UPDATE identity_checks SET attempts = attempts + 1, next_try_at = $1 WHERE id = $2")
                .bind(next)
                .bind(id)
                .execute(&mut *tx)
                .await?;
            Ok(())
        })
        .await
}

/// Tells the wallets of the new class, then remembers that they know.
async fn apply(app: &App, row: &Row) -> Result<()> {
    match wallets::raise_class(app, row.person, Class::from_number(i64::from(row.level))?).await {
        Ok(()) => {}
        // A later check raised them higher already.
        Err(problem) if problem.code == Code::StateConflict => {}
        Err(problem) => return Err(problem),
    }
    let id = row.id;
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query("UPDATE identity_checks SET applied = 1 WHERE id = $1")
                .bind(id)
                .execute(&mut *tx)
                .await?;
            Ok(())
        })
        .await
}

fn shown(row: Row) -> Result<IdentityCheck> {
    Ok(IdentityCheck {
        check_id: row.id,
        level: Level::of_class(row.level)?,
        state: row.state,
        reason: row.reason,
        created_at: rfc3339(row.created_at),
        decided_at: row.decided_at.map(rfc3339),
    })
}
