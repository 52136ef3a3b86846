//! The authenticator application of a person, and its recovery codes.
//!
//! `NONE → PENDING → ACTIVE → NONE`. Enrolling shows the secret once; it counts from the moment a code
//! of it was given, so nobody is locked out by a picture that was not scanned. With that come recovery
//! codes, each good once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::{random, totp};
use serde::{Deserialize, Serialize};

use super::{FactorAsk, Guesses, allowed, invalid, required, store, told};
use crate::clock::rfc3339;
use crate::id::PersonId;
use crate::sessions::{Actor, Origin};
use crate::{App, Code, Problem, Result, Tx, people, stored};

/// Recovery codes that are made together.
pub const RECOVERY_CODES: usize = 10;
/// Letters and digits of a recovery code: 80 random bits.
const CODE_CHARS: usize = 16;
/// The column that the secret is sealed for.
const COLUMN: &str = "authenticators.secret";
/// Who issued the secret, as the application shows it.
const ISSUER: &str = "Jialing";

stored! {
    /// Whether there is an authenticator.
    pub enum AuthenticatorState {
        /// There is none.
        None = "NONE",
        /// Its secret was shown; no code of it was given yet.
        Pending = "PENDING",
        /// Its codes are a second factor.
        Active = "ACTIVE",
    }
}

/// What is known of the actor's authenticator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Authenticator {
    /// Whether there is one.
    pub state: AuthenticatorState,
    /// Since when its codes count, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub confirmed_at: Option<String>,
    /// Recovery codes that were not used.
    pub recovery_codes_left: i64,
}

/// An authenticator is to be enrolled.
#[derive(Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthenticatorAsk {
    /// A second factor. Only the first factor, soon after signing in, needs none.
    pub factor: Option<FactorAsk>,
}

/// The secret, shown this once.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Enrolment {
    /// The secret in base32, to type in.
    pub secret: String,
    /// The same as an `otpauth` address, to show as a QR code.
    pub uri: String,
}

/// A first code proves that the secret arrived.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AuthenticatorConfirmAsk)]
pub struct ConfirmAsk {
    /// The code that the application shows.
    #[schema(example = "123456")]
    pub totp: String,
}

/// A change that a second factor confirms.
#[derive(Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepUpAsk {
    /// A second factor.
    pub factor: Option<FactorAsk>,
}

/// Recovery codes, shown this once.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RecoveryCodes {
    /// Each is good once.
    #[schema(example = json!(["abcd-efgh-ijkl-mnop"]))]
    pub recovery_codes: Vec<String>,
}

/// What is known of the actor's authenticator.
///
/// # Errors
/// Any fault of the database.
pub async fn read(app: &App, actor: &Actor) -> Result<Authenticator> {
    let row = store::authenticator(app, actor.person).await?;
    let left = store::codes_left(app, actor.person).await?;
    Ok(Authenticator {
        state: row.as_ref().map_or(AuthenticatorState::None, |row| row.state),
        confirmed_at: row.and_then(|row| row.confirmed_at).map(rfc3339),
        recovery_codes_left: left,
    })
}

/// Makes a secret for the actor's authenticator, in the place of one that was not confirmed.
///
/// # Errors
/// `state_conflict` while one is active; `second_factor_required` and those of a factor.
pub async fn enrol(app: &App, actor: &Actor, origin: Origin, ask: AuthenticatorAsk) -> Result<Enrolment> {
    let allowed = allowed(app, actor, origin, ask.factor.as_ref()).await?;
    let secret = random::bytes::<{ totp::SECRET_LEN }>();
    let sealed = people::seal(app, actor.person, COLUMN, &STANDARD.encode(secret)).await?;
    let phone = people::phone_of(app, actor.person).await?.ok_or(Problem::new(Code::Unauthenticated))?;
    let (actor, now) = (*actor, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            allowed.spend(tx, &actor, now).await?;
            if !store::begin(tx, actor.person, &sealed, now).await? {
                return Err(is_active());
            }
            Ok(())
        })
        .await?;
    let secret = totp::base32(&secret);
    let uri = format!(
        "otpauth://totp/{ISSUER}:{}?secret={secret}&issuer={ISSUER}&algorithm=SHA1&digits={}&period={}",
        phone.masked(),
        totp::DIGITS,
        totp::STEP_SECONDS
    );
    Ok(Enrolment { secret, uri })
}

/// Makes the authenticator count, by a first code of it. Answers the recovery codes.
///
/// # Errors
/// `factor_invalid`; `state_conflict` unless one is pending; `rate_limited` after too many wrong codes.
pub async fn confirm(app: &App, actor: &Actor, origin: Origin, ask: ConfirmAsk) -> Result<RecoveryCodes> {
    let row = store::authenticator(app, actor.person).await?;
    let row = row.filter(|row| row.state == AuthenticatorState::Pending).ok_or_else(|| {
        Problem::new(Code::StateConflict).detail("No authenticator waits for its first code. Enrol one.")
    })?;
    let guesses = Guesses::count(app, actor, origin).await?;
    let step = fitting(app, actor.person, &row, &ask.totp).await?;
    let step = step.ok_or_else(|| invalid().field("totp"))?;
    let (codes, hashes) = draw(app, actor.person);
    let (person, now) = (actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            if !store::activate(tx, person, row.created_at, step, now).await? {
                return Err(Problem::new(Code::StateConflict).detail("Another secret was made meanwhile."));
            }
            store::put_codes(tx, person, &hashes).await?;
            guesses.forget(tx).await?;
            told(tx, person, "authenticator.add", person, now).await
        })
        .await?;
    Ok(codes)
}

/// Takes the actor's authenticator away, and its recovery codes with it.
///
/// # Errors
/// `not_found` without one; `second_factor_required` and those of a factor.
pub async fn remove(app: &App, actor: &Actor, origin: Origin, ask: StepUpAsk) -> Result<()> {
    if store::authenticator(app, actor.person).await?.is_none() {
        return Err(Problem::new(Code::NotFound));
    }
    let factor = required(app, actor, origin, ask.factor.as_ref()).await?;
    let (person, now) = (actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            factor.spend(tx).await?;
            store::forget(tx, person).await?;
            told(tx, person, "authenticator.remove", person, now).await
        })
        .await
}

/// Makes new recovery codes; the old ones end.
///
/// # Errors
/// `state_conflict` without an active authenticator; `second_factor_required` and those of a factor.
pub async fn renew_recovery_codes(
    app: &App,
    actor: &Actor,
    origin: Origin,
    ask: StepUpAsk,
) -> Result<RecoveryCodes> {
    let factor = required(app, actor, origin, ask.factor.as_ref()).await?;
    let (codes, hashes) = draw(app, actor.person);
    let (person, now) = (actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            factor.spend(tx).await?;
            if !store::is_active(tx, person).await? {
                return Err(Problem::new(Code::StateConflict)
                    .detail("Recovery codes belong to an authenticator. Enrol one first."));
            }
            store::put_codes(tx, person, &hashes).await?;
            told(tx, person, "recovery_codes.renew", person, now).await
        })
        .await?;
    Ok(codes)
}

/// The step whose code was given, if it is one of the person's active authenticator and newer than the
/// last that was taken.
pub(super) async fn step_of(app: &App, person: PersonId, code: &str) -> Result<Option<i64>> {
    match store::authenticator(app, person).await? {
        Some(row) if row.state == AuthenticatorState::Active => fitting(app, person, &row, code).await,
        _ => Ok(None),
    }
}

async fn fitting(app: &App, person: PersonId, row: &store::Row, code: &str) -> Result<Option<i64>> {
    let secret = people::open(app, person, COLUMN, &row.secret).await?;
    let secret = zeroize::Zeroizing::new(STANDARD.decode(secret.as_bytes()).map_err(Problem::internal)?);
    // An application goes by real time, which a sandbox does not move.
    Ok(totp::step_of(&secret, code, app.clock.wire().div_euclid(1000), row.last_step))
}

/// What is kept of a recovery code, if the person has it and has not used it.
pub(super) async fn recovery_hash(app: &App, person: PersonId, code: &str) -> Result<Option<String>> {
    let Some(code) = plain(code) else { return Ok(None) };
    let hash = hash(app, person, &code);
    Ok(store::has_code(app, person, &hash).await?.then_some(hash))
}

/// New codes, and what is kept of them.
fn draw(app: &App, person: PersonId) -> (RecoveryCodes, Vec<String>) {
    let drawn: Vec<String> =
        (0..RECOVERY_CODES).map(|_| totp::base32(&random::bytes::<10>()).to_ascii_lowercase()).collect();
    let hashes = drawn.iter().map(|code| hash(app, person, code)).collect();
    let shown = drawn.iter().map(|code| [&code[..4], &code[4..8], &code[8..12], &code[12..]].join("-"));
    (RecoveryCodes { recovery_codes: shown.collect() }, hashes)
}

/// A code as it was drawn, however it was typed.
fn plain(typed: &str) -> Option<String> {
    if typed.len() > 2 * CODE_CHARS {
        return None;
    }
    let code: String = typed.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
    let fits = code.len() == CODE_CHARS && code.bytes().all(|b| b.is_ascii_alphanumeric());
    fits.then(|| code.to_ascii_lowercase())
}

fn hash(app: &App, person: PersonId, code: &str) -> String {
    app.blind.of("recovery_codes.hash", &format!("{person}/{code}"))
}

fn is_active() -> Problem {
    Problem::new(Code::StateConflict).detail("An authenticator is active. Remove it first.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_code_is_read_however_it_is_typed() {
        let check =
            |typed: &str, expect: Option<&str>| assert_eq!(plain(typed).as_deref(), expect, "{typed}");
        check("abcd-efgh-2345-mnop", Some("abcdefgh2345mnop"));
        check("ABCD EFGH 2345 MNOP", Some("abcdefgh2345mnop"));
        check("abcdefgh2345mnop", Some("abcdefgh2345mnop"));
        check("abcdefgh2345mno", None);
        check("abcd-efgh-2345-mnopq", None);
        check("abcdefgh2345mno,", None);
        check("", None);
        check(&"-".repeat(100), None);
    }
}
