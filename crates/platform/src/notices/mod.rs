//! What people are told: a code and its parameters, in the app and outward.
//!
//! A follower of the journal writes one notice per person and movement. The words belong to the
//! reader's language: the app has a catalogue, the notice service has registered templates under the
//! same codes. [`send_due`] sends what waits over the notice connector, and tries again with growing
//! pauses until [`MAX_TRIES`]; the service takes a repeated reference once.

pub mod codes;
pub mod follow;
mod send;
mod store;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{NoticeId, PersonId};
use crate::sessions::Actor;
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx};

pub use send::{BATCH, MAX_TRIES, keep_sending, pause_ms, send_due};
pub(crate) use store::{New, insert as tell};

crate::stored! {
    /// What a notice says.
    pub enum NoticeCode {
        /// You paid a merchant.
        PaymentMade = "PAYMENT_MADE",
        /// A merchant gave back.
        RefundReceived = "REFUND_RECEIVED",
        /// You sent money to a person.
        TransferMade = "TRANSFER_MADE",
        /// A person sent you money.
        TransferReceived = "TRANSFER_RECEIVED",
        /// Your top-up arrived.
        TopUpDone = "TOP_UP_DONE",
        /// Your withdrawal left.
        WithdrawalDone = "WITHDRAWAL_DONE",
        /// Your withdrawal came back.
        WithdrawalReturned = "WITHDRAWAL_RETURNED",
        /// The rest of a closed wallet went to the bank.
        WalletSwept = "WALLET_SWEPT",
        /// An endpoint of your merchant's is no longer told of events.
        WebhookDisabled = "WEBHOOK_DISABLED",
        /// A signing key of your merchant's ends soon.
        KeyExpiring = "KEY_EXPIRING",
        /// A merchant charged your code and waits for your PIN.
        ConfirmPayment = "CONFIRM_PAYMENT",
        /// A merchant will debit you in some days.
        DebitAhead = "DEBIT_AHEAD",
        /// A debit could not be made.
        DebitFailed = "DEBIT_FAILED",
        /// Something about your account's security changed: `event` says what.
        Security = "SECURITY",
        /// A new device asks to be let in: `name` is its owner's, `number` is shown on it.
        DeviceRequest = "DEVICE_REQUEST",
        /// You opened a red packet.
        RedPacketReceived = "RED_PACKET_RECEIVED",
        /// What nobody took of your red packet came back.
        RedPacketReturned = "RED_PACKET_RETURNED",
        /// Somebody asks you for money.
        PaymentRequested = "PAYMENT_REQUESTED",
        /// Whom you asked has paid.
        RequestPaid = "REQUEST_PAID",
        /// Whom you asked will not pay.
        RequestDeclined = "REQUEST_DECLINED",
        /// Somebody sends you money that arrives later.
        TransferComing = "TRANSFER_COMING",
        /// Money that was to arrive was taken back before.
        TransferRevoked = "TRANSFER_REVOKED",
        /// A ticket of yours was answered.
        TicketAnswered = "TICKET_ANSWERED",
    }
}

impl NoticeCode {
    /// Whether it tells of money that has moved, so that whoever wants no payment alerts reads it in the
    /// application only. What one has to act on, or what protects one, is always sent.
    const fn is_payment_alert(self) -> bool {
        matches!(
            self,
            Self::PaymentMade
                | Self::RefundReceived
                | Self::TransferMade
                | Self::TransferReceived
                | Self::TopUpDone
                | Self::WithdrawalDone
                | Self::RedPacketReceived
                | Self::RedPacketReturned
                | Self::RequestPaid
                | Self::TransferComing
        )
    }
}

/// A notice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Notice {
    /// Its id.
    pub id: NoticeId,
    /// What it says.
    pub code: NoticeCode,
    /// What fills the words: `amount` and `balance` in fen, `counterparty` and `counterparty_en` where
    /// money moved; `merchant`, `merchant_en` and what it is about where a shop is told.
    #[schema(value_type = Object)]
    pub params: Value,
    /// The id of what it is about.
    pub subject: String,
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was read, RFC 3339; absent before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub read_at: Option<String>,
}

/// How many notices were not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Unread {
    /// The number.
    pub unread: u64,
}

/// Notices are marked as read up to one.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadAsk {
    /// This notice and all before it.
    pub up_to: NoticeId,
}

/// Tells `person` something in the transaction that makes it true; once, however often this is called
/// with one id.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn tell_once(
    tx: &mut Tx,
    id: NoticeId,
    person: PersonId,
    code: NoticeCode,
    params: &Value,
    subject: String,
    at: i64,
) -> Result<()> {
    store::insert(tx, New { id, person, code, params: params.to_string(), subject, at }).await
}

/// The actor's notices, newest first.
///
/// # Errors
/// `invalid_request` for a bad page; any fault of the database.
pub async fn list(app: &App, actor: &Actor, page: &PageAsk) -> Result<Page<Notice>> {
    store::list(app, actor.person, page).await
}

/// The actor's notices after one, the oldest first, at most `limit`: for whoever listens.
///
/// # Errors
/// Any fault of the database.
pub async fn since(app: &App, actor: &Actor, after: NoticeId, limit: u32) -> Result<Vec<Notice>> {
    store::since(app, actor.person, after, limit).await
}

/// How many of the actor's notices were not read.
///
/// # Errors
/// Any fault of the database.
pub async fn unread(app: &App, actor: &Actor) -> Result<Unread> {
    Ok(Unread { unread: store::unread(app, actor.person).await? })
}

/// Marks the notice and all before it as read; what is read stays so.
///
/// # Errors
/// `not_found` for another's notice; any fault of the database.
pub async fn mark_read(app: &App, actor: &Actor, ask: &ReadAsk) -> Result<Unread> {
    let (person, up_to, now): (PersonId, NoticeId, i64) = (actor.person, ask.up_to, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            if store::belongs(tx, person, up_to).await? {
                store::mark_read(tx, person, up_to, now).await
            } else {
                Err(Problem::new(Code::NotFound))
            }
        })
        .await?;
    unread(app, actor).await
}
