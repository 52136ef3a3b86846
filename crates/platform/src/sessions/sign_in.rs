//! Signing in, and getting back in without the password.

use serde::Deserialize;

use super::failures::{self, Waits};
use super::{Origin, SignedIn, store};
use crate::devices::{self, NewDevice};
use crate::factors::{self, FactorAsk};
use crate::id::{ChallengeId, DeviceId, PersonId};
use crate::notices::codes::{Purpose, Try};
use crate::people::{self, Phone, audited};
use crate::{App, Code, Problem, Result, Tx, privacy};

/// What signs somebody in.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInAsk {
    /// The phone; a code for `sign_in` was sent to it.
    #[schema(example = "13800000001")]
    pub phone: String,
    /// The password.
    pub password: String,
    /// The code. Exactly one of `code` and `factor` is sent.
    #[schema(example = "123456")]
    pub code: Option<String>,
    /// A second factor in place of the code: `totp`, `recovery_code`, or a `passkey` that signed the text
    /// for `sign_in`.
    pub factor: Option<FactorAsk>,
    /// The bound device that signs in, so that revoking it ends the session.
    pub device: Option<DeviceSignIn>,
    /// A device to bind at once; the sign-in is its second factor.
    pub new_device: Option<NewDevice>,
}

/// A bound device's part in signing in.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceSignIn {
    /// The device.
    pub device_id: DeviceId,
    /// The challenge that it signed.
    pub challenge_id: ChallengeId,
    /// Its signature over the sign-in text, base64.
    pub signature: String,
}

/// What chooses a new password.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoverAsk {
    /// The phone; a code for `recover` was sent to it.
    #[schema(example = "13800000001")]
    pub phone: String,
    /// The code.
    #[schema(example = "123456")]
    pub code: String,
    /// The new password, 10 to 128 characters.
    pub password: String,
    /// The identity number, needed once the account's identity is verified.
    pub id_number: Option<String>,
}

/// Signs in with phone, password and a second factor.
///
/// # Errors
/// `invalid_request` unless there is exactly one second factor; `sign_in_failed` without telling which
/// of the three is wrong, the same for a phone that has no account; `rate_limited` after too many failures; with a device also `device_unknown` and
/// `proof_of_possession_invalid`.
pub async fn sign_in(app: &App, origin: Origin, ask: SignInAsk) -> Result<SignedIn> {
    if ask.device.is_some() && ask.new_device.is_some() {
        return Err(Problem::new(Code::InvalidRequest)
            .field("new_device")
            .detail("Sign in with a bound device or bind a new one, not both."));
    }
    if ask.code.is_some() == ask.factor.is_some() {
        return Err(Problem::new(Code::InvalidRequest)
            .field("factor")
            .detail("Send a code or another second factor, one of the two."));
    }
    let new_device = devices::prepare(app, ask.new_device.as_ref()).await?;
    let attempt = Attempt::count(app, &ask.phone, Purpose::SignIn, ask.code.as_deref(), origin).await?;
    let (person, stored) = attempt.person(app).await?.unzip();
    // Looked for with a wrong password and for nobody too, so that the time of the answer tells nothing.
    let factor = match &ask.factor {
        Some(factor) => factors::of_sign_in(app, person.unwrap_or(NOBODY), factor).await?,
        None => None,
    };
    let right = app.passwords().fits(&ask.password, stored.clone()).await?;
    let proven = attempt.code_fits || factor.is_some();
    let (Some(person), Some(stored), true, true) = (person, stored, right, proven) else {
        return Err(Problem::new(Code::SignInFailed));
    };

    let known_device = match &ask.device {
        Some(device) => Some(devices::prove(app, person, device).await?),
        None => None,
    };
    let renewed = match app.passwords().is_outdated(&stored) {
        true => Some(app.passwords().hash(&ask.password).await?),
        false => None,
    };
    let opening = store::Opening::new(app).await?;
    app.db
        .write(async move |tx: &mut Tx| {
            attempt.succeed(tx).await?;
            if let Some(factor) = &factor {
                factor.spend(tx).await.map_err(|problem| match problem.code {
                    Code::FactorInvalid => Problem::new(Code::SignInFailed),
                    _ => problem,
                })?;
            }
            if let Some(hash) = &renewed {
                people::set_password(tx, person, hash).await?;
            }
            let device = match (&known_device, &new_device) {
                (Some(known), _) => Some(known.spend(tx).await?),
                (None, Some(new)) => Some(new.bind(tx, person).await?),
                (None, None) => None,
            };
            let signed_in = opening.open(tx, person, device).await?;
            let session = signed_in.session.session_id;
            if privacy::wants_sign_in_alerts(tx, person).await? {
                factors::told(tx, person, "session.sign_in", session, attempt.now).await?;
            } else {
                audited(tx, person, "session.sign_in", session, None, attempt.now).await?;
            }
            Ok(signed_in)
        })
        .await
}

/// Chooses a new password and ends every session.
///
/// # Errors
/// `sign_in_failed` without telling what is wrong; `password_weak`, `rate_limited`.
pub async fn recover(app: &App, origin: Origin, ask: RecoverAsk) -> Result<()> {
    people::check_password(&ask.password, Phone::parse(&ask.phone)?.text())?;
    let attempt = Attempt::count(app, &ask.phone, Purpose::Recover, Some(&ask.code), origin).await?;
    let person = attempt.person(app).await?.map(|(person, _)| person);
    // Made for everybody, so that the time of the answer tells nothing.
    let hash = app.passwords().hash(&ask.password).await?;
    let (Some(person), true) = (person, attempt.code_fits) else {
        return Err(Problem::new(Code::SignInFailed));
    };
    if !people::is_identified_by(app, person, ask.id_number.as_deref()).await? {
        return Err(Problem::new(Code::SignInFailed));
    }
    app.db
        .write(async move |tx: &mut Tx| {
            attempt.succeed(tx).await?;
            people::set_password(tx, person, &hash).await?;
            store::end_all(tx, person, attempt.now, "recovered").await?;
            audited(tx, person, "person.recover", person, None, attempt.now).await
        })
        .await
}

/// No person has this number.
const NOBODY: PersonId = PersonId::from_number(0);

/// A try to get in, counted before anything is compared.
struct Attempt {
    phone_bucket: String,
    address_bucket: Option<String>,
    phone_index: String,
    /// Absent where another factor stands for it.
    code: Option<Try>,
    code_fits: bool,
    now: i64,
}

impl Attempt {
    async fn count(
        app: &App,
        phone: &str,
        purpose: Purpose,
        code: Option<&str>,
        origin: Origin,
    ) -> Result<Self> {
        let phone = Phone::parse(phone)?;
        let phone_index = people::phone_index(app, &phone);
        let code = match code {
            Some(code) => Some(Try::new(app, &phone, purpose, code).await?),
            None => None,
        };
        // Recovering needs no password, so its wrong codes wait longer.
        let name = if purpose == Purpose::Recover { "code" } else { "sign_in" };
        let waits = (Waits::of(app, name).await?, Waits::of(app, "sign_in_address").await?);
        let mut attempt = Self {
            phone_bucket: format!("{purpose}/phone/{phone_index}"),
            address_bucket: origin.bucket(app, "sign_in"),
            phone_index,
            code,
            code_fits: false,
            now: app.clock.millis(),
        };
        let (phone, address, code, now) =
            (attempt.phone_bucket.clone(), attempt.address_bucket.clone(), attempt.code.clone(), attempt.now);
        attempt.code_fits = app
            .db
            .write(async move |tx: &mut Tx| {
                failures::count(tx, &phone, now, &waits.0).await?;
                if let Some(address) = &address {
                    failures::count(tx, address, now, &waits.1).await?;
                }
                match &code {
                    Some(code) => code.compare(tx).await,
                    None => Ok(false),
                }
            })
            .await?;
        Ok(attempt)
    }

    async fn person(&self, app: &App) -> Result<Option<(PersonId, String)>> {
        people::password(app, &self.phone_index).await
    }

    /// Uses the code up and takes the failures back.
    async fn succeed(&self, tx: &mut Tx) -> Result<()> {
        if let Some(code) = &self.code {
            code.spend(tx).await.map_err(|problem| match problem.code {
                Code::CodeInvalid => Problem::new(Code::SignInFailed),
                _ => problem,
            })?;
        }
        failures::forget(tx, &self.phone_bucket).await?;
        match &self.address_bucket {
            Some(address) => failures::take_back(tx, address).await,
            None => Ok(()),
        }
    }
}
