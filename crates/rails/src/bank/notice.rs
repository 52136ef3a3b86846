//! What a bank tells us without being asked: a movement has come to its end.
//!
//! The gateway's door for banks hands the five signature headers and the body to [`read_notice`].
//! A notice may come twice, late and out of order; it names our reference, so whoever acts on it
//! can see what is already known. It is a hint to look, and the signature makes it evidence.

use jialing_crypto::PublicKey;
use jialing_crypto::http_signature::{CallbackSignature, is_fresh};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Dialect, EntryKind, Money, iso};

/// The most notices that one message brings.
pub const MAX_NOTICES: usize = 100;

/// How a movement ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NoticeState {
    /// The money has moved.
    Done,
    /// Refused, and nothing happened.
    Refused,
    /// A push that was done has come back.
    Returned,
}

/// A bank's notice about one movement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankNotice {
    /// The notice's own id: the same when the notice is repeated.
    pub id: String,
    /// The bank's id with us.
    pub institution: String,
    /// Our reference.
    pub reference: String,
    /// Which way the money goes.
    pub kind: EntryKind,
    /// How it ended.
    pub state: NoticeState,
    /// How much.
    pub money: Money,
    /// The bank's name for the movement, where money moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank_ref: Option<String>,
    /// Why it is refused or returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it ended.
    pub at: Timestamp,
}

/// Why a notice is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadNotice {
    /// None of the bank's keys has the serial, or the signature does not fit.
    #[error("the notice is not signed by a key of this bank")]
    NotSigned,
    /// Outside the time window.
    #[error("the notice's timestamp is too far from our clock")]
    NotFresh,
    /// Signed, but not a notice.
    #[error("the notice cannot be read")]
    Unreadable,
    /// Signed by one bank, about another.
    #[error("the notice names another institution")]
    WrongInstitution,
}

/// Reads a notice of `institution`, whose keys are `keys`. `now` is Unix time in seconds, `window_s`
/// the allowed difference. Remembering nonces is the caller's part; repeats are harmless.
///
/// # Errors
/// [`BadNotice`].
pub fn read_notice(
    institution: &str,
    keys: &[PublicKey],
    signature: &CallbackSignature,
    body: &[u8],
    now: i64,
    window_s: u64,
) -> Result<BankNotice, BadNotice> {
    check(keys, signature, body, now, window_s)?;
    let notice: BankNotice = serde_json::from_slice(body).map_err(|_| BadNotice::Unreadable)?;
    if notice.institution != institution {
        return Err(BadNotice::WrongInstitution);
    }
    Ok(notice)
}

/// Reads the notices that a bank sends in its dialect: one in JSON, one or more in an ISO 20022
/// message. Otherwise as [`read_notice`].
///
/// # Errors
/// [`BadNotice`].
pub fn read_notices(
    (dialect, institution): (Dialect, &str),
    keys: &[PublicKey],
    signature: &CallbackSignature,
    body: &[u8],
    now: i64,
    window_s: u64,
) -> Result<Vec<BankNotice>, BadNotice> {
    match dialect {
        Dialect::Json => {
            read_notice(institution, keys, signature, body, now, window_s).map(|notice| vec![notice])
        }
        Dialect::Iso20022 => {
            check(keys, signature, body, now, window_s)?;
            iso::notices(institution, body)
        }
    }
}

fn check(
    keys: &[PublicKey],
    signature: &CallbackSignature,
    body: &[u8],
    now: i64,
    window_s: u64,
) -> Result<(), BadNotice> {
    let key = keys.iter().find(|key| key.id() == signature.serial).ok_or(BadNotice::NotSigned)?;
    signature.verify(key, body).map_err(|_| BadNotice::NotSigned)?;
    if is_fresh(signature.timestamp, now, window_s) { Ok(()) } else { Err(BadNotice::NotFresh) }
}
