//! The payment PIN: six digits, needed above the no-PIN amount.
//!
//! A wrong PIN is counted before it is compared and taken back when it was right, so parallel
//! guesses cannot slip past the count. Failures in a row earn growing waits that outlive a restart.
//! Within one process a person's PINs are compared one after the other, so right ones sent at once
//! do not lock each other out. Changing the PIN takes a second factor and ends the wait.

pub mod rules;
mod store;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::clock::rfc3339;
use crate::id::PersonId;
use crate::notices::codes;
use crate::people::{self, audited};
use crate::sessions::Actor;
use crate::sessions::failures::{Waits, wait};
use crate::{App, Code, Problem, Result, Tx, policies};

/// Comparisons of different people that may meet in one queue: people share these locks.
const QUEUES: usize = 256;
static QUEUE: [Mutex<()>; QUEUES] = [const { Mutex::const_new(()) }; QUEUES];

/// A request to set or change the PIN.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PinAsk {
    /// The new PIN: six digits, not easily guessed.
    #[schema(example = "284917")]
    pub pin: String,
    /// A code for `second_factor`, needed to change a PIN that is set.
    pub code: Option<String>,
}

/// What is known about the actor's PIN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PinState {
    /// Whether there is one.
    pub set: bool,
    /// When it was last changed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<String>,
    /// Failures in a row.
    pub failures: i64,
    /// Tries until the next wait begins; 0 once each failure earns one.
    pub tries_left: i64,
    /// Seconds until it can be tried again; 0 now.
    pub locked_for: i64,
}

/// What is known about the actor's PIN.
///
/// # Errors
/// Any fault of the database.
pub async fn state(app: &App, actor: &Actor) -> Result<PinState> {
    let waits = Waits::of(app, "pin").await?;
    let now = app.clock.millis();
    let row = store::row(app, actor.person).await?;
    Ok(match row {
        None => {
            PinState { set: false, changed_at: None, failures: 0, tries_left: waits.tries, locked_for: 0 }
        }
        Some(row) => PinState {
            set: true,
            changed_at: Some(rfc3339(row.changed_at)),
            failures: row.failures,
            tries_left: (waits.tries - row.failures).max(0),
            locked_for: (row.locked_until - now).max(0).div_euclid(1000)
                + i64::from((row.locked_until - now).max(0) % 1000 > 0),
        },
    })
}

/// Sets the first PIN, or changes it with a second factor, which also ends any wait.
///
/// # Errors
/// `invalid_request`, `pin_weak`, `second_factor_required`, `code_invalid`, `rate_limited`.
pub async fn set(app: &App, actor: &Actor, ask: PinAsk) -> Result<PinState> {
    let (phone, born) = people::guessable(app, actor.person).await?;
    rules::check_strength(&ask.pin, phone.text(), born)?;
    let code = match &ask.code {
        Some(code) => Some(codes::second_factor(app, actor, Some(code)).await?),
        None => None,
    };
    let hash = app.passwords().hash(&ask.pin).await?;
    let (person, now) = (actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let is_set = store::is_set(tx, person).await?;
            match &code {
                Some(code) => code.spend(tx).await?,
                None if is_set => return Err(Problem::new(Code::SecondFactorRequired)),
                None => {}
            }
            store::put(tx, person, &hash, now).await?;
            let action = if is_set { "pin.change" } else { "pin.set" };
            audited(tx, person, action, person, None, now).await
        })
        .await?;
    state(app, actor).await
}

/// Asks for the PIN when `amount`, in fen, is above what may be paid without, in one payment or with
/// the day's others. A PIN that is sent is checked in any case. What is let through without PIN is
/// counted for the natural day at UTC+8, a repeated request again.
///
/// # Errors
/// `pin_required`, `pin_not_set`, `pin_invalid`, `pin_locked` with the seconds left.
pub async fn require(app: &App, actor: &Actor, pin: Option<&str>, amount: u64) -> Result<()> {
    if let Some(pin) = pin {
        return verify(app, actor, pin).await;
    }
    if spend_free(app, actor.person, amount).await? { Ok(()) } else { Err(missing(app, actor).await?) }
}

/// As [`require`], where a passkey that signed the same thing stands for the PIN. A PIN that is sent is
/// checked all the same.
///
/// # Errors
/// As [`require`].
pub async fn require_unless(
    app: &App,
    actor: &Actor,
    by_passkey: bool,
    pin: Option<&str>,
    amount: u64,
) -> Result<()> {
    match (by_passkey, pin) {
        (true, None) => Ok(()),
        _ => require(app, actor, pin, amount).await,
    }
}

/// What is said where the PIN is needed and was not sent.
pub(crate) async fn missing(app: &App, actor: &Actor) -> Result<Problem> {
    if store::row(app, actor.person).await?.is_none() {
        return Ok(Problem::new(Code::PinNotSet).field("pin"));
    }
    Ok(Problem::new(Code::PinRequired)
        .field("pin")
        .with("no_pin_single", policies::number(app, "no_pin_single").await?)
        .with("no_pin_day", policies::number(app, "no_pin_day").await?))
}

/// What is to be spent of the sum that a person may pay without the PIN.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Free {
    person: PersonId,
    day: i64,
    amount: i64,
    most: i64,
}

impl Free {
    /// `amount`, in fen, of today's sum; `None` if it is too much for one payment.
    pub(crate) async fn of(app: &App, person: PersonId, amount: u64) -> Result<Option<Self>> {
        let single = policies::number(app, "no_pin_single").await?;
        let most = policies::number(app, "no_pin_day").await?;
        let amount = i64::try_from(amount).unwrap_or(i64::MAX);
        Ok((amount <= single).then(|| Self { person, day: day_of(app.clock.millis()), amount, most }))
    }

    /// Spends it in the transaction of what it allows; false, and nothing is spent, if the day's sum does
    /// not suffice.
    pub(crate) async fn spend(self, tx: &mut Tx) -> Result<bool> {
        store::spend_free(tx, self.person, self.day, self.amount, self.most).await
    }
}

/// Spends `amount`, in fen, of what the person may pay without the PIN; false, and nothing is spent,
/// where it does not fit.
pub(crate) async fn spend_free(app: &App, person: PersonId, amount: u64) -> Result<bool> {
    let Some(free) = Free::of(app, person, amount).await? else { return Ok(false) };
    app.db.write(async move |tx: &mut Tx| free.spend(tx).await).await
}

/// Checks the PIN, whatever the amount.
///
/// # Errors
/// `pin_not_set`, `pin_invalid` with the tries left, `pin_locked` with the seconds left.
pub async fn verify(app: &App, actor: &Actor, pin: &str) -> Result<()> {
    let person = actor.person;
    let waits = Waits::of(app, "pin").await?;
    let _turn = QUEUE[(person.number() >> 4) as usize % QUEUES].lock().await;
    let now = app.clock.millis();
    let counted = waits.clone();
    let tried = app.db.write(async move |tx: &mut Tx| store::count(tx, person, now, &counted).await).await?;
    let (hash, failures) = match tried {
        store::Tried::NotSet => return Err(Problem::new(Code::PinNotSet).field("pin")),
        store::Tried::Locked(millis) => return Err(wait(Code::PinLocked, millis).field("pin")),
        store::Tried::Counted { hash, failures } => (hash, failures),
    };
    if app.passwords().fits(pin, Some(hash.clone())).await? {
        return app.db.write(async move |tx: &mut Tx| store::succeed(tx, person, &hash).await).await;
    }
    let left = (waits.tries - failures).max(0);
    let problem = Problem::new(Code::PinInvalid).field("pin").with("tries_left", left);
    Err(match waits.after(failures) {
        0 => problem,
        seconds => problem.retry_after(u64::try_from(seconds).unwrap_or(0)),
    })
}

/// Forgets the sums of days before yesterday.
///
/// # Errors
/// Any fault of the database.
pub async fn sweep(app: &App) -> Result<()> {
    let day = day_of(app.clock.millis());
    app.db.write(async move |tx: &mut Tx| store::sweep(tx, day - 1).await).await
}

/// The person's natural day at UTC+8, counted from 1970.
fn day_of(millis: i64) -> i64 {
    (millis + 8 * 3_600_000).div_euclid(86_400_000)
}

/// Removes the PIN of an erased person.
pub(crate) async fn remove(tx: &mut Tx, person: PersonId) -> Result<()> {
    store::remove(tx, person).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_utc_plus_8() {
        let check = |text: &str, expect| {
            let at: jiff::Timestamp = text.parse().expect("a time");
            assert_eq!(day_of(at.as_millisecond()), expect, "{text}");
        };
        check("1970-01-01T00:00:00+08:00", 0);
        check("1970-01-01T23:59:59.999+08:00", 0);
        check("1970-01-02T00:00:00+08:00", 1);
        check("1969-12-31T23:59:59.999+08:00", -1);
    }
}
