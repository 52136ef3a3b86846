//! Second factors: what proves, beside a password or a session, that it is the holder who acts.
//!
//! Four kinds: a one-time code by message, a passkey, the code of an authenticator application
//! (RFC 6238), and a recovery code for when that is lost. Any of them confirms a change, and any but
//! the message's own is chosen at signing in as well. Each is checked before the transaction of what it
//! allows and spent in it, so that it allows one thing once.
//!
//! Guesses are counted before anything is compared, per person, per device and per address, and earn
//! growing waits. Whoever has no factor yet adds the first one soon after signing in; from then on
//! every change of factors needs one.

mod authenticator;
mod store;

use serde::Deserialize;
use serde_json::json;

use crate::id::PersonId;
use crate::notices::codes::{self, Try};
use crate::notices::{self, NoticeCode};
use crate::passkeys::{self, Ceremony, CeremonyAssertion};
use crate::people::audited;
use crate::sessions::failures::{self, Waits};
use crate::sessions::{self, Actor, Origin};
use crate::{App, Code, Problem, Result, Tx, policies};

pub use authenticator::{
    Authenticator, AuthenticatorAsk, AuthenticatorState, ConfirmAsk, Enrolment, RECOVERY_CODES,
    RecoveryCodes, StepUpAsk, confirm, enrol, read, remove, renew_recovery_codes,
};

/// A second factor: exactly one of its members.
#[derive(Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FactorAsk {
    /// A one-time code that was sent for `second_factor`.
    #[schema(example = "123456")]
    pub code: Option<String>,
    /// The code that the authenticator application shows.
    pub totp: Option<String>,
    /// One of the recovery codes.
    pub recovery_code: Option<String>,
    /// What a passkey signed over the ceremony's text.
    pub passkey: Option<CeremonyAssertion>,
}

/// The one member that was sent.
enum Chosen<'a> {
    Code(&'a str),
    Totp(&'a str),
    Recovery(&'a str),
    Passkey(&'a CeremonyAssertion),
}

impl FactorAsk {
    fn chosen(&self) -> Result<Chosen<'_>> {
        match (&self.code, &self.totp, &self.recovery_code, &self.passkey) {
            (Some(code), None, None, None) => Ok(Chosen::Code(code)),
            (None, Some(totp), None, None) => Ok(Chosen::Totp(totp)),
            (None, None, Some(code), None) => Ok(Chosen::Recovery(code)),
            (None, None, None, Some(passkey)) => Ok(Chosen::Passkey(passkey)),
            _ => Err(Problem::new(Code::InvalidRequest)
                .field("factor")
                .detail("Send exactly one of `code`, `totp`, `recovery_code` and `passkey`.")),
        }
    }
}

/// A factor that fits, to be spent with what it allows.
#[derive(Clone)]
pub(crate) struct Factor {
    person: PersonId,
    kind: Kind,
    /// Absent where others count.
    guesses: Option<Guesses>,
    now: i64,
}

#[derive(Clone)]
enum Kind {
    Code(Try),
    Totp { step: i64 },
    Recovery { hash: String },
    Passkey(Box<passkeys::Used>),
}

/// The second factor of a change.
///
/// # Errors
/// `second_factor_required` without one; `code_invalid` for a wrong code by message, `factor_invalid`
/// for anything else that is wrong; `rate_limited` after too many.
pub(crate) async fn required(
    app: &App,
    actor: &Actor,
    origin: Origin,
    ask: Option<&FactorAsk>,
) -> Result<Factor> {
    let ask = ask.ok_or(Problem::new(Code::SecondFactorRequired))?;
    let now = app.clock.millis();
    if let Chosen::Code(code) = ask.chosen()? {
        let code = codes::second_factor(app, actor, Some(code)).await?;
        return Ok(Factor { person: actor.person, kind: Kind::Code(code), guesses: None, now });
    }
    let guesses = Guesses::count(app, actor, origin).await?;
    let kind = fitting(app, actor.person, Ceremony::StepUp, ask).await?.ok_or_else(invalid)?;
    Ok(Factor { person: actor.person, kind, guesses: Some(guesses), now })
}

/// The second factor of a sign-in, if it fits. The caller counts failures, and asks for nobody as for
/// somebody.
///
/// # Errors
/// `invalid_request` for none or several, or for a code by message, which has a place of its own.
pub(crate) async fn of_sign_in(app: &App, person: PersonId, ask: &FactorAsk) -> Result<Option<Factor>> {
    if ask.code.is_some() {
        return Err(Problem::new(Code::InvalidRequest)
            .field("factor.code")
            .detail("A code for `sign_in` is sent as `code`, beside the password."));
    }
    let kind = fitting(app, person, Ceremony::SignIn, ask).await?;
    Ok(kind.map(|kind| Factor { person, kind, guesses: None, now: app.clock.millis() }))
}

async fn fitting(app: &App, person: PersonId, ceremony: Ceremony, ask: &FactorAsk) -> Result<Option<Kind>> {
    match ask.chosen()? {
        Chosen::Code(_) => Ok(None),
        Chosen::Totp(code) => {
            Ok(authenticator::step_of(app, person, code).await?.map(|step| Kind::Totp { step }))
        }
        Chosen::Recovery(code) => {
            Ok(authenticator::recovery_hash(app, person, code).await?.map(|hash| Kind::Recovery { hash }))
        }
        Chosen::Passkey(assertion) => {
            match passkeys::check_ceremony(app, person, ceremony, assertion).await {
                Ok(used) => Ok(Some(Kind::Passkey(Box::new(used)))),
                Err(problem) if problem.code == Code::PasskeyInvalid => Ok(None),
                Err(problem) => Err(problem),
            }
        }
    }
}

impl Factor {
    /// Uses the factor up, and forgets the failures before it.
    ///
    /// # Errors
    /// `factor_invalid`, or `code_invalid` for a code by message, when somebody was faster.
    pub(crate) async fn spend(&self, tx: &mut Tx) -> Result<()> {
        match &self.kind {
            Kind::Code(code) => code.spend(tx).await?,
            Kind::Totp { step } if store::take_step(tx, self.person, *step).await? => {}
            Kind::Recovery { hash } if store::use_code(tx, self.person, hash, self.now).await? => {
                told(tx, self.person, "recovery_code.use", self.person, self.now).await?;
            }
            Kind::Passkey(used) => used.keep(tx).await.map_err(|problem| match problem.code {
                Code::PasskeyInvalid => invalid(),
                _ => problem,
            })?,
            Kind::Totp { .. } | Kind::Recovery { .. } => return Err(invalid()),
        }
        match &self.guesses {
            Some(guesses) => guesses.forget(tx).await,
            None => Ok(()),
        }
    }
}

/// What allows a change of factors: a factor, or for the first one a sign-in of a moment ago.
#[derive(Clone)]
pub(crate) enum Allowed {
    /// A factor.
    By(Box<Factor>),
    /// A session that is younger than this many milliseconds, while there is no other factor.
    Fresh(i64),
}

/// What allows a change of factors; looked at again when it is spent.
///
/// # Errors
/// Those of [`required`] where a factor was sent.
pub(crate) async fn allowed(
    app: &App,
    actor: &Actor,
    origin: Origin,
    ask: Option<&FactorAsk>,
) -> Result<Allowed> {
    match ask {
        Some(_) => Ok(Allowed::By(Box::new(required(app, actor, origin, ask).await?))),
        None => Ok(Allowed::Fresh(policies::number(app, "fresh_sign_in").await? * 1000)),
    }
}

impl Allowed {
    /// Spends it in the transaction of the change.
    ///
    /// # Errors
    /// `second_factor_required` where a factor is needed and was not sent; those of [`Factor::spend`].
    pub(crate) async fn spend(&self, tx: &mut Tx, actor: &Actor, now: i64) -> Result<()> {
        match self {
            Self::By(factor) => factor.spend(tx).await,
            Self::Fresh(most_ms) => {
                let fresh = now - sessions::began_at(tx, actor.session).await? < *most_ms;
                let has_other =
                    passkeys::has_any(tx, actor.person).await? || store::is_active(tx, actor.person).await?;
                if fresh && !has_other { Ok(()) } else { Err(Problem::new(Code::SecondFactorRequired)) }
            }
        }
    }
}

/// Wrong guesses of a person, of its device and from its address.
#[derive(Clone)]
struct Guesses {
    own: Vec<String>,
    address: Option<String>,
}

impl Guesses {
    /// Counts a failure ahead of its check.
    async fn count(app: &App, actor: &Actor, origin: Origin) -> Result<Self> {
        let person = Some(format!("factor/person/{}", actor.person));
        let device = actor.device.map(|device| format!("factor/device/{device}"));
        let guesses =
            Self { own: person.into_iter().chain(device).collect(), address: origin.bucket(app, "factor") };
        let waits = (Waits::of(app, "code").await?, Waits::of(app, "sign_in_address").await?);
        let (counted, now) = (guesses.clone(), app.clock.millis());
        app.db
            .write(async move |tx: &mut Tx| {
                for bucket in &counted.own {
                    failures::count(tx, bucket, now, &waits.0).await?;
                }
                match &counted.address {
                    Some(address) => failures::count(tx, address, now, &waits.1).await,
                    None => Ok(()),
                }
            })
            .await?;
        Ok(guesses)
    }

    async fn forget(&self, tx: &mut Tx) -> Result<()> {
        for bucket in &self.own {
            failures::forget(tx, bucket).await?;
        }
        match &self.address {
            Some(address) => failures::take_back(tx, address).await,
            None => Ok(()),
        }
    }
}

/// Writes what happened to the person's security into the audit, and tells the person.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn told(
    tx: &mut Tx,
    person: PersonId,
    event: &'static str,
    subject: impl std::fmt::Display,
    now: i64,
) -> Result<()> {
    let subject = subject.to_string();
    audited(tx, person, event, &subject, None, now).await?;
    let params = json!({ "event": event });
    notices::tell(tx, notices::New::about(person, NoticeCode::Security, params, subject, now)).await
}

/// Takes the factors of an erased person away.
pub(crate) async fn forget(tx: &mut Tx, person: PersonId) -> Result<()> {
    passkeys::forget(tx, person).await?;
    store::forget(tx, person).await
}

fn invalid() -> Problem {
    Problem::new(Code::FactorInvalid).field("factor")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_factor_is_chosen() {
        let one = FactorAsk { totp: Some("1".into()), ..FactorAsk::default() };
        assert!(matches!(one.chosen(), Ok(Chosen::Totp("1"))));
        let two = FactorAsk { code: Some("2".into()), ..one };
        for ask in [two, FactorAsk::default()] {
            let problem = ask.chosen().err().expect("not one");
            assert_eq!((problem.code, problem.field.as_deref()), (Code::InvalidRequest, Some("factor")));
        }
    }
}
