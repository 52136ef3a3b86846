//! Payment codes: what a payer shows and a merchant charges.
//!
//! A device draws codes ahead of use, at most 15 at a time, with a signature that also says how much
//! one may pay without the PIN. A code is a random number with a key: when it is shown, the phone adds
//! the second and a MAC over it, so it needs no network then, and every code that is seen is worthless
//! a minute later. The table keeps the hash of the number; the key follows from the number and a secret
//! of ours. A code pays one order of one merchant, once, from one wallet, as long as its device is
//! bound.
//!
//! Within what may be paid without the PIN (the payer's own bound, the policies `no_pin_single` and
//! `no_pin_day`, and the ledger's meter of risk class C) a charge is paid at once. Above it the payer
//! is asked: the order is `USERPAYING`, the phone shows it among [`confirmations`], and the payer pays
//! it with PIN and device like any order, or refuses. What nobody answers is taken back when its time
//! is over.

mod charge;
mod confirm;
mod store;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::hash::{HashAlgorithm, hmac_sha256};
use jialing_rails::consumer_code::ConsumerCode;
use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::id::{OrderId, PaymentCodeId, WalletId};
use crate::sessions::Actor;
use crate::{App, Code, Money, Problem, Result, Tx, devices, policies, stored, wallets};

pub use charge::{CodePaymentAsk, charge};
pub(crate) use confirm::{Asked, asked};
pub use confirm::{confirmations, refuse};

/// The action a device signs to draw codes.
pub const ACTION: &str = "payment_codes";
/// Whom a device names as payee when it draws codes.
pub const PAYEE: &str = "whoever scans it";

stored! {
    /// Where a code stands.
    #[schema(as = PaymentCodeState)]
    pub enum State {
        /// It can be shown and charged.
        Live = "LIVE",
        /// A merchant has charged it.
        Used = "USED",
        /// Its time is over, or newer codes of the device have taken its place.
        Ended = "ENDED",
    }
}

/// Codes to draw.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentCodesAsk {
    /// The wallet that pays.
    pub wallet_id: WalletId,
    /// How many, 1 to 15.
    #[schema(minimum = 1, maximum = 15)]
    pub count: i64,
    /// The most that one of them pays without your PIN; 0 asks for it always. The operator's own bound
    /// holds beside it.
    pub pin_free_up_to: Money,
    /// What your device signed: action `payment_codes`, payee `whoever scans it`, amount
    /// `pin_free_up_to`, subject `count:` with the count.
    pub evidence: devices::EvidenceAsk,
}

/// Codes that were drawn. They are told once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PaymentCodes {
    /// The codes.
    pub items: Vec<PaymentCode>,
}

/// A code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PaymentCode {
    /// Its id; not secret.
    pub id: PaymentCodeId,
    /// The code as shown now, to draw: good for 60 seconds.
    pub code: String,
    /// Until when `code` is good, RFC 3339.
    pub code_expires_at: String,
    /// What to show it with later, without network: the number, 16 bytes in base64.
    pub number: String,
    /// And the key, 32 bytes in base64. Keep it where nobody else reads it.
    pub key: String,
    /// Until when it can be shown at all, RFC 3339.
    pub valid_until: String,
}

/// What became of a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CodeStatus {
    /// Its id.
    pub id: PaymentCodeId,
    /// Where it stands.
    pub state: State,
    /// The order it was charged for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
}

/// The subject a device signs to draw `count` codes.
#[must_use]
pub fn subject(count: i64) -> String {
    format!("count:{count}")
}

/// Draws codes. Of each device the newest `consumer_codes_cached` stay good.
///
/// # Errors
/// `invalid_request`, naming `count`; `amount_invalid`; `not_found` for a wallet that is not the
/// actor's; `wallet_unavailable`; those of device evidence, and `nonce_reused` where codes were drawn
/// with it; `rate_limited` beyond `consumer_codes_hour`.
pub async fn draw(app: &App, actor: &Actor, ask: PaymentCodesAsk) -> Result<PaymentCodes> {
    let cached = policies::number(app, "consumer_codes_cached").await?;
    if !(1..=cached).contains(&ask.count) {
        return Err(Problem::new(Code::InvalidRequest)
            .field("count")
            .detail(format!("From 1 to {cached} codes are drawn at once.")));
    }
    if ask.pin_free_up_to.amount > 0 {
        ask.pin_free_up_to.positive("pin_free_up_to")?;
    }
    wallets::of(app, actor.person, ask.wallet_id).await?.may_pay()?;
    let evidence = devices::Evidence {
        action: ACTION,
        payee: PAYEE.to_owned(),
        amount: ask.pin_free_up_to,
        subject: subject(ask.count),
        wallet: ask.wallet_id,
        expires_at: ask.evidence.expires_at,
        nonce: ask.evidence.nonce.clone(),
    };
    let signed = devices::check(app, actor, &evidence, &ask.evidence).await?;
    let now = app.clock.millis();
    let drawn: Vec<Drawn> =
        (0..ask.count).map(|_| (PaymentCodeId::new(now), jialing_crypto::random::bytes())).collect();
    keep(app, actor, &ask, signed, drawn.clone(), now).await?;
    shown(app, drawn, now).await
}

/// A code's id and number.
type Drawn = (PaymentCodeId, [u8; 16]);

/// Keeps the codes with the signature that drew them, and ends those that they replace.
async fn keep(
    app: &App,
    actor: &Actor,
    ask: &PaymentCodesAsk,
    signed: devices::Signed,
    drawn: Vec<Drawn>,
    now: i64,
) -> Result<()> {
    let hourly = policies::number(app, "consumer_codes_hour").await?;
    let cached = policies::number(app, "consumer_codes_cached").await?;
    let until = now + policies::number(app, "consumer_code_cache").await? * 1000;
    let (person, wallet, count) = (actor.person, ask.wallet_id, ask.count);
    let pin_free = ask.pin_free_up_to.amount as i64;
    app.db
        .write(async move |tx: &mut Tx| {
            let proof = signed.keep(tx).await?;
            if store::drawn_with(tx, person, &proof.digest).await? {
                return Err(Problem::new(Code::NonceReused).field("evidence.nonce"));
            }
            if store::drawn_since(tx, person, now - 3_600_000).await? + count > hourly {
                return Err(Problem::new(Code::RateLimited)
                    .detail(format!("At most {hourly} codes are drawn in an hour."))
                    .retry_after(60));
            }
            for (id, number) in &drawn {
                let (device, digest) = (proof.device, proof.digest);
                let (id, hash) = (*id, hash(number));
                let new = store::New { id, hash, person, wallet, device, pin_free, digest, now, until };
                store::insert(tx, new).await?;
            }
            store::end_older(tx, proof.device, cached, now).await
        })
        .await
}

/// The codes as they are told, shown at `now`.
async fn shown(app: &App, drawn: Vec<Drawn>, now: i64) -> Result<PaymentCodes> {
    let shown_at = u32::try_from(now / 1000).map_err(Problem::internal)?;
    let good = policies::number(app, "consumer_code_validity").await?;
    let until = now + policies::number(app, "consumer_code_cache").await? * 1000;
    let items = drawn
        .into_iter()
        .map(|(id, number)| {
            let key = key(app, &number);
            PaymentCode {
                id,
                code: ConsumerCode::show(number, &key, shown_at).encode(),
                code_expires_at: rfc3339((i64::from(shown_at) + good) * 1000),
                number: STANDARD.encode(number),
                key: STANDARD.encode(key),
                valid_until: rfc3339(until),
            }
        })
        .collect();
    Ok(PaymentCodes { items })
}

/// What became of one of the actor's codes.
///
/// # Errors
/// `not_found`.
pub async fn status(app: &App, actor: &Actor, id: PaymentCodeId) -> Result<CodeStatus> {
    let mut connection = app.db.read().acquire().await?;
    let row = store::find(&mut connection, id).await?.filter(|row| row.person == actor.person);
    let row = row.ok_or(Problem::new(Code::NotFound))?;
    let state = match row.order_id {
        Some(_) => State::Used,
        None if row.live_at(app.clock.millis()) => State::Live,
        None => State::Ended,
    };
    Ok(CodeStatus { id, state, order_id: row.order_id })
}

/// Forgets codes that were never used and are over since a day.
///
/// # Errors
/// Any fault of the database.
pub async fn forget(app: &App) -> Result<()> {
    let before = app.clock.millis() - 86_400_000;
    app.db.write(async move |tx: &mut Tx| store::forget(tx, before).await).await
}

/// What a number is found by.
fn hash(number: &[u8; 16]) -> String {
    STANDARD.encode(HashAlgorithm::Sha256.digest(number))
}

/// The key of a number: whoever has the tables alone cannot show a code.
fn key(app: &App, number: &[u8; 16]) -> [u8; 32] {
    hmac_sha256(app.blind.of("payment_codes.key", "").as_bytes(), number)
}
