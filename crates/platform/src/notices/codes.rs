//! One-time codes: six digits that prove that somebody reads a phone now.
//!
//! A code serves one purpose, once, for a few minutes and a few tries. Only its keyed hash is
//! stored. Every try is counted before the code is compared. Sending is limited per phone and per
//! address, and goes the same way whether or not the phone has an account, so nobody learns which
//! do.

use jialing_rails::Outcome;
use jialing_rails::notice::Message;
use serde::{Deserialize, Serialize};

use crate::people::Phone;
use crate::sessions::failures::{self, Waits, wait};
use crate::sessions::quotas::{self, Quota};
use crate::sessions::{Actor, Origin};
use crate::{App, Code, Problem, Result, Tx, people, policies};

/// Digits of a code.
pub const DIGITS: usize = 6;

crate::stored! {
    /// What a code is for; it is refused for anything else.
    pub enum Purpose {
        /// To open an account.
        SignUp = "sign_up",
        /// To sign in, with the password.
        SignIn = "sign_in",
        /// To choose a new password.
        Recover = "recover",
        /// To confirm a change while signed in: another device, a new PIN.
        SecondFactor = "second_factor",
    }
}

crate::stored! {
    /// The language of a message.
    #[schema(as = MessageLanguage)]
    pub enum Language {
        /// Chinese.
        Chinese = "zh-CN",
        /// English.
        English = "en",
    }
}

impl Purpose {
    /// The notice service's template. Each says what the code is for, so that nobody is talked into
    /// reading one out for something else.
    const fn template(self) -> &'static str {
        match self {
            Self::SignUp => "SIGN_UP_CODE",
            Self::SignIn => "SIGN_IN_CODE",
            Self::Recover => "RECOVER_CODE",
            Self::SecondFactor => "SECOND_FACTOR_CODE",
        }
    }
}

/// A request for a code by somebody who is not signed in.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeAsk {
    /// Where to send it.
    #[schema(example = "13800000001")]
    pub phone: String,
    /// `sign_up`, `sign_in` or `recover`.
    pub purpose: Purpose,
    /// The language of the message: `zh-CN`, unless said otherwise, or `en`.
    pub language: Option<Language>,
}

/// A request for a second factor by somebody who is signed in.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondFactorAsk {
    /// The language of the message: `zh-CN`, unless said otherwise, or `en`.
    pub language: Option<Language>,
}

/// A code is on its way. The answer is the same for every phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CodeSent {
    /// What it is for.
    pub purpose: Purpose,
    /// Seconds that it can be used.
    pub expires_in: i64,
    /// Seconds until another can be asked for.
    pub resend_after: i64,
}

/// Sends a code to somebody who is not signed in.
///
/// # Errors
/// `invalid_request`, `rate_limited`, `notice_unavailable`.
pub async fn send(app: &App, origin: Origin, ask: CodeAsk) -> Result<CodeSent> {
    if ask.purpose == Purpose::SecondFactor {
        return Err(Problem::new(Code::InvalidRequest)
            .field("purpose")
            .detail("Ask for a second factor while signed in, at /v1/wallet/codes/second-factor."));
    }
    send_to(app, &Phone::parse(&ask.phone)?, ask.purpose, ask.language, origin).await
}

/// Sends the actor a code that confirms a change.
///
/// # Errors
/// `rate_limited`, `notice_unavailable`.
pub async fn send_second_factor(
    app: &App,
    actor: &Actor,
    origin: Origin,
    language: Option<Language>,
) -> Result<CodeSent> {
    let phone = own_phone(app, actor).await?;
    send_to(app, &phone, Purpose::SecondFactor, language, origin).await
}

async fn send_to(
    app: &App,
    phone: &Phone,
    purpose: Purpose,
    language: Option<Language>,
    origin: Origin,
) -> Result<CodeSent> {
    let now = app.clock.millis();
    let validity = policies::number(app, "code_validity").await?;
    let resend_after = policies::number(app, "code_resend_wait").await?;
    let quotas = (Quota::of(app, "codes_per_phone").await?, Quota::of(app, "codes_per_address").await?);
    let index = phone.index(app);
    let code = jialing_crypto::random::digits(DIGITS);
    let live = Live {
        hash: hash(app, &index, purpose, &code),
        index,
        purpose,
        sent_at: now,
        expires_at: now + validity * 1000,
        resend_ms: resend_after * 1000,
    };
    let address = origin.bucket(app, "codes");
    let kept = live.clone();
    app.db
        .write(async move |tx: &mut Tx| {
            kept.insert(tx).await?;
            quotas::take(tx, &format!("codes/phone/{}", kept.index), now, quotas.0).await?;
            match &address {
                Some(address) => quotas::take(tx, address, now, quotas.1).await,
                None => Ok(()),
            }
        })
        .await?;
    let message = Message {
        reference: jialing_crypto::random::nonce(),
        phone: phone.text().to_owned(),
        template: purpose.template().to_owned(),
        params: [("code".to_owned(), code), ("minutes".to_owned(), (validity / 60).to_string())].into(),
        language: language.unwrap_or(Language::Chinese).text().to_owned(),
    };
    if let Err(why) = deliver(app, &message).await {
        // It may have arrived all the same, so it stays valid; only the wait for another is lifted.
        app.db.write(async move |tx: &mut Tx| live.allow_resend(tx).await).await?;
        return Err(Problem { internal: Some(why), ..Problem::new(Code::NoticeUnavailable) });
    }
    Ok(CodeSent { purpose, expires_in: validity, resend_after })
}

/// Hands the message to the notice service; once more under the same reference if it stays silent.
async fn deliver(app: &App, message: &Message) -> Result<(), String> {
    let mut outcome = app.connectors.notices.send(message).await;
    if let Outcome::Unknown(_) = outcome {
        outcome = app.connectors.notices.send(message).await;
    }
    match outcome {
        Outcome::Done(_) | Outcome::Accepted => Ok(()),
        Outcome::Refused(refusal) => Err(format!("the notice service refused: {}", refusal.code)),
        Outcome::Unknown(why) => Err(why.to_string()),
    }
}

/// A code as it lies in the table.
#[derive(Clone)]
struct Live {
    index: String,
    purpose: Purpose,
    hash: String,
    sent_at: i64,
    expires_at: i64,
    resend_ms: i64,
}

impl Live {
    /// Puts the code in the place of an earlier one for the same purpose.
    async fn insert(&self, tx: &mut Tx) -> Result<()> {
        let sent_at: Option<i64> =
            sqlx::query_scalar("SELECT sent_at FROM one_time_codes WHERE phone_index = $1 AND purpose = $2")
                .bind(&self.index)
                .bind(self.purpose)
                .fetch_optional(&mut *tx)
                .await?;
        if let Some(left) =
            sent_at.map(|sent_at| sent_at + self.resend_ms - self.sent_at).filter(|left| *left > 0)
        {
            return Err(wait(Code::RateLimited, left));
        }
        sqlx::query(
            "INSERT INTO one_time_codes (phone_index, purpose, hash, tries, sent_at, expires_at) \
             VALUES ($1, $2, $3, 0, $4, $5) ON CONFLICT (phone_index, purpose) DO UPDATE \
             SET hash = $3, tries = 0, sent_at = $4, expires_at = $5, used_at = NULL",
        )
        .bind(&self.index)
        .bind(self.purpose)
        .bind(&self.hash)
        .bind(self.sent_at)
        .bind(self.expires_at)
        .execute(&mut *tx)
        .await?;
        Ok(())
    }

    async fn allow_resend(&self, tx: &mut Tx) -> Result<()> {
        sqlx::query(
            "UPDATE one_time_codes SET sent_at = 0 WHERE phone_index = $1 AND purpose = $2 AND hash = $3",
        )
        .bind(&self.index)
        .bind(self.purpose)
        .bind(&self.hash)
        .execute(&mut *tx)
        .await?;
        Ok(())
    }
}

/// A try of a code: prepared outside, counted in one transaction, spent in a later one.
#[derive(Clone)]
pub(crate) struct Try {
    index: String,
    purpose: Purpose,
    hash: String,
    most: i64,
    waits: Waits,
    now: i64,
}

impl Try {
    pub(crate) async fn new(app: &App, phone: &Phone, purpose: Purpose, code: &str) -> Result<Self> {
        let index = phone.index(app);
        Ok(Self {
            hash: hash(app, &index, purpose, code),
            index,
            purpose,
            most: policies::number(app, "code_attempts").await?,
            waits: Waits::of(app, "code").await?,
            now: app.clock.millis(),
        })
    }

    /// Counts the try among the phone's wrong codes, then as [`Try::compare`].
    ///
    /// # Errors
    /// `rate_limited` after too many wrong codes.
    async fn count(&self, tx: &mut Tx) -> Result<bool> {
        failures::count(tx, &self.bucket(), self.now, &self.waits).await?;
        self.compare(tx).await
    }

    /// Takes one of the code's tries, then tells whether it is the live code. For callers that count
    /// failures themselves.
    ///
    /// # Errors
    /// Any fault of the database.
    pub(crate) async fn compare(&self, tx: &mut Tx) -> Result<bool> {
        let live: Option<String> = sqlx::query_scalar(
            "UPDATE one_time_codes SET tries = tries + 1 WHERE phone_index = $1 AND purpose = $2 \
             AND used_at IS NULL AND expires_at > $3 AND tries < $4 RETURNING hash",
        )
        .bind(&self.index)
        .bind(self.purpose)
        .bind(self.now)
        .bind(self.most)
        .fetch_optional(&mut *tx)
        .await?;
        Ok(live.is_some_and(|live| jialing_crypto::random::same(live.as_bytes(), self.hash.as_bytes())))
    }

    /// Uses the code up, together with what it allows.
    ///
    /// # Errors
    /// `code_invalid` when somebody was faster.
    pub(crate) async fn spend(&self, tx: &mut Tx) -> Result<()> {
        let spent = sqlx::query(
            "UPDATE one_time_codes SET used_at = $1 WHERE phone_index = $2 AND purpose = $3 AND hash = $4 \
             AND used_at IS NULL AND expires_at > $1",
        )
        .bind(self.now)
        .bind(&self.index)
        .bind(self.purpose)
        .bind(&self.hash)
        .execute(&mut *tx)
        .await?;
        if spent.rows_affected() != 1 {
            return Err(invalid());
        }
        failures::forget(tx, &self.bucket()).await
    }

    fn bucket(&self) -> String {
        format!("code/{}/{}", self.purpose, self.index)
    }
}

/// Counts and checks a code; what it answers is spent with what it allows.
///
/// # Errors
/// `code_invalid`; `rate_limited` after too many wrong codes.
pub(crate) async fn check(app: &App, phone: &Phone, purpose: Purpose, code: &str) -> Result<Try> {
    let attempt = Try::new(app, phone, purpose, code).await?;
    let counted = attempt.clone();
    let fits = app.db.write(async move |tx: &mut Tx| counted.count(tx).await).await?;
    if fits { Ok(attempt) } else { Err(invalid()) }
}

/// The second factor of a change: the code, or the problem that asks for one.
///
/// # Errors
/// `second_factor_required`, `code_invalid`, `rate_limited`.
pub(crate) async fn second_factor(app: &App, actor: &Actor, code: Option<&str>) -> Result<Try> {
    let code = code.ok_or_else(|| Problem::new(Code::SecondFactorRequired))?;
    let phone = own_phone(app, actor).await?;
    check(app, &phone, Purpose::SecondFactor, code).await
}

async fn own_phone(app: &App, actor: &Actor) -> Result<Phone> {
    people::phone_of(app, actor.person).await?.ok_or_else(|| Problem::new(Code::Unauthenticated))
}

/// Deletes codes that expired before.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn sweep(tx: &mut Tx, before: i64) -> Result<()> {
    sqlx::query("DELETE FROM one_time_codes WHERE expires_at < $1").bind(before).execute(&mut *tx).await?;
    Ok(())
}

fn invalid() -> Problem {
    Problem::new(Code::CodeInvalid).field("code")
}

/// Six digits are guessed in a second from a plain hash; with the key they are not.
fn hash(app: &App, index: &str, purpose: Purpose, code: &str) -> String {
    app.blind.of("one_time_codes.hash", &format!("{purpose}/{index}/{code}"))
}
