//! The JSON of the bank rail, as it travels. Both sides use these types.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /rail/v1/links` | [`StartLink`] | [`Reply`] with `link_id` |
//! | `POST /rail/v1/links/confirm` | [`ConfirmLink`] | [`Reply`] with `agreement`, `account_mask` |
//! | `POST /rail/v1/links/end` | [`EndLink`] | [`Reply`] |
//! | `POST /rail/v1/pulls` | [`Move`] | [`Reply`] with `bank_ref` |
//! | `POST /rail/v1/pushes` | [`Move`] | [`Reply`] with `bank_ref` |
//! | `GET /rail/v1/movements/{reference}` | | [`Reply`], `NOT_SEEN` if unknown |
//! | `GET /rail/v1/statements/{day}?after={line}` | | [`StatementPage`] |
//!
//! Requests carry `Authorization: JIALING1-…`, answers the five `Jialing-…` headers. A business
//! refusal is an answer with status 200 and state `REFUSED`; other statuses decide nothing.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Entry, Money};

/// Where links are started.
pub const LINKS: &str = "/rail/v1/links";
/// Where links are confirmed.
pub const LINKS_CONFIRM: &str = "/rail/v1/links/confirm";
/// Where links are ended.
pub const LINKS_END: &str = "/rail/v1/links/end";
/// Where money is pulled.
pub const PULLS: &str = "/rail/v1/pulls";
/// Where money is pushed.
pub const PUSHES: &str = "/rail/v1/pushes";
/// Where a movement is queried; the reference follows.
pub const MOVEMENTS: &str = "/rail/v1/movements";
/// Where statements are; the day follows.
pub const STATEMENTS: &str = "/rail/v1/statements";

/// See [`super::StartLink`].
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of the public request")]
pub struct StartLink {
    pub reference: String,
    pub account: String,
    pub holder_name: String,
    pub id_number: String,
    pub phone: String,
}

/// Confirms a link with a code.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ConfirmLink {
    pub reference: String,
    pub link_id: String,
    pub code: String,
}

/// Ends an agreement.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct EndLink {
    pub reference: String,
    pub agreement: String,
}

/// See [`super::Move`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are those of the public request")]
pub struct Move {
    pub reference: String,
    pub agreement: String,
    pub money: Money,
    pub purpose: String,
    pub not_after: Timestamp,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Taken in, not finished.
    Accepted,
    /// Finished.
    Done,
    /// Refused, and nothing happened.
    Refused,
    /// The bank does not know either.
    Unknown,
    /// The bank has never seen the reference.
    NotSeen,
}

/// The answer to every request but a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The request's reference, echoed: an answer about another one decides nothing.
    pub reference: String,
    /// How far it has come.
    pub state: State,
    /// The bank's name for a movement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank_ref: Option<String>,
    /// The bank's name for an attempt to link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_id: Option<String>,
    /// The bank's name for an agreement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<String>,
    /// The linked account, masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_mask: Option<String>,
    /// Why it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Reply {
    /// An answer with a state and nothing else.
    pub fn new(reference: &str, state: State) -> Self {
        Self {
            reference: reference.to_owned(),
            state,
            bank_ref: None,
            link_id: None,
            agreement: None,
            account_mask: None,
            code: None,
            message: None,
        }
    }

    /// A refusal.
    pub fn refused(reference: &str, code: &str, message: &str) -> Self {
        Self {
            code: Some(code.to_owned()),
            message: Some(message.to_owned()),
            ..Self::new(reference, State::Refused)
        }
    }
}

/// A part of a day's statement, in the order of `line`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementPage {
    /// The day.
    pub day: Date,
    /// The entries after the line that was asked for.
    pub entries: Vec<Entry>,
    /// Whether more follow.
    pub has_more: bool,
    /// How many entries the whole day has.
    pub count: u64,
    /// The sum of all pulls of the day, in minor units.
    pub pulled: u64,
    /// The sum of all pushes of the day, in minor units.
    pub pushed: u64,
    /// The sum of all returned pushes of the day, in minor units.
    pub returned: u64,
}
