//! Webhooks: merchants' servers are told what happened, each over a queue of its own.
//!
//! An event reaches the queues in the transaction that writes it, so none is lost; a delivery is done
//! when the endpoint answered 2xx and that was written down, so each event comes at least once. An
//! endpoint that fails is tried again by a published schedule; one that says 410, or fails for
//! [`rules::DISABLE_MS`], is disabled, and its owner is told. Endpoints share nothing but the worker's
//! lanes ([`deliver`]), so a dead one delays nobody else.
//!
//! Beside the endpoints that a merchant registers there is one for each host that its orders name as
//! `notify_url`, made when it is first named.
//!
//! `ACTIVE ↔ DISABLED`; a delivery goes `PENDING → DELIVERED | FAILED`, and by replay back to
//! `PENDING`.

pub mod deliver;
mod deliveries;
mod envelope;
pub mod health;
mod manage;
mod notify;
mod queue;
mod replay;
pub mod rules;
mod secrets;
mod store;

use serde::{Deserialize, Serialize};

use crate::id::{EventId, MerchantId, WebhookId, WebhookSecretId};
use crate::merchants::{self, Caller, api_keys::NewApiKey};
use crate::outbox::EventType;
use crate::sessions::Actor;
use crate::{App, Result};

pub use deliveries::{deliveries, expire};
pub use envelope::{Signers, told, whpk};
pub use manage::{change, create, delete, get, list};
pub(crate) use queue::{Queued, To, fan_out};

pub use replay::{ping, redeliver, redeliver_many};
pub use secrets::rotate;

/// Endpoints that a merchant may register.
pub const MAX_WEBHOOKS: i64 = 20;
/// Hosts that a merchant's orders may name with a queue of their own; further ones share one.
pub const MAX_NOTIFY_HOSTS: i64 = 50;
/// Events that one call of bulk replay queues.
pub const MAX_REPLAYED: i64 = 1_000;

crate::stored! {
    /// Whether an endpoint is told.
    #[schema(as = WebhookStatus)]
    pub enum Status {
        /// It is told.
        Active = "ACTIVE",
        /// It is not; what happens meanwhile waits up to 7 days.
        Disabled = "DISABLED",
    }
}

crate::stored! {
    /// Why an endpoint was disabled.
    pub enum DisabledReason {
        /// The merchant did it.
        Owner = "OWNER",
        /// It answered 410.
        Gone = "GONE",
        /// It failed for 120 hours.
        Failing = "FAILING",
    }
}

crate::stored! {
    /// Where an endpoint comes from.
    #[schema(as = WebhookSource)]
    pub enum Source {
        /// The merchant registered it.
        Registered = "REGISTERED",
        /// Orders name it.
        NotifyUrl = "NOTIFY_URL",
    }
}

crate::stored! {
    /// Where a delivery stands.
    pub enum DeliveryState {
        /// It waits for its first or next try.
        Pending = "PENDING",
        /// The endpoint answered 2xx.
        Delivered = "DELIVERED",
        /// It was given up: after 7 days, or because the endpoint said 410.
        Failed = "FAILED",
    }
}

/// Who manages a merchant's webhooks: its server, or its owner.
#[derive(Clone, Debug)]
pub struct Manager {
    pub(crate) merchant: MerchantId,
    pub(crate) who: String,
}

impl Manager {
    /// The server that signed a request.
    #[must_use]
    pub fn server(caller: &Caller) -> Self {
        Self { merchant: caller.merchant, who: format!("{}/{}", caller.merchant, caller.serial) }
    }

    /// The owner of the merchant.
    ///
    /// # Errors
    /// `not_found` unless the actor owns it.
    pub async fn owner(app: &App, actor: &Actor, merchant: MerchantId) -> Result<Self> {
        merchants::owned(app, actor, merchant).await?;
        Ok(Self { merchant, who: actor.person.to_string() })
    }
}

/// An endpoint, as its merchant sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Where messages are posted; for `NOTIFY_URL` the host only, since each order has its own address.
    #[schema(example = "https://shop.example/jialing")]
    pub url: String,
    /// Your note about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The event types it is told of; `*` for all.
    pub events: Vec<String>,
    /// Whether it is told.
    pub status: Status,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<DisabledReason>,
    /// Since when not, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub disabled_at: Option<String>,
    /// Where it comes from.
    pub source: Source,
    /// How it is doing.
    pub health: Health,
    /// The secrets that sign its messages now; two while one is being replaced.
    pub secrets: Vec<SecretInfo>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// How an endpoint is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = WebhookHealth)]
pub struct Health {
    /// Deliveries that wait.
    pub pending: u64,
    /// Since when it fails without a success, RFC 3339; disabled 120 hours later.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub failing_since: Option<String>,
    /// Nothing is sent before, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub rests_until: Option<String>,
    /// When it last took an event, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub last_delivered_at: Option<String>,
}

/// A secret, without the secret itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = WebhookSecretInfo)]
pub struct SecretInfo {
    /// Its id.
    pub id: WebhookSecretId,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it stops signing, RFC 3339; absent for the one that stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub valid_to: Option<String>,
}

/// An endpoint to register.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookAsk)]
pub struct CreateAsk {
    /// `https://…` on a public host, port 443 or 1024 and above, at most 512 characters.
    pub url: String,
    /// Event types; all where it is absent.
    pub events: Option<Vec<String>>,
    /// Up to 100 characters.
    pub description: Option<String>,
}

/// What to change of an endpoint; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookChange)]
pub struct ChangeAsk {
    /// As at registration. Not for a `NOTIFY_URL` endpoint.
    pub url: Option<String>,
    /// As at registration; `["*"]` for all.
    pub events: Option<Vec<String>>,
    /// Up to 100 characters.
    pub description: Option<String>,
    /// `ACTIVE` or `DISABLED`. Activating starts with a clean slate: what waited is sent now.
    pub status: Option<Status>,
}

/// A fresh endpoint with what is shown this once.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NewWebhook {
    /// The endpoint.
    #[serde(flatten)]
    pub webhook: Webhook,
    /// The secret that signs its messages: `whsec_` and base64. Shown this once.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub secret: String,
    /// The key that unseals resources, if you had none. Shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<NewApiKey>,
}

/// How a secret is replaced.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookSecretAsk)]
pub struct RotateAsk {
    /// Hours that the old secret signs beside the new one, 0 to 168; 24 by default.
    pub overlap_hours: Option<i64>,
}

/// A fresh secret.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = WebhookSecret)]
pub struct NewSecret {
    /// Its id.
    pub id: WebhookSecretId,
    /// The secret: `whsec_` and base64. Shown this once.
    pub secret: String,
    /// When the old ones stop signing, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub old_valid_to: Option<String>,
}

/// An event on its way to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = WebhookDelivery)]
pub struct Delivery {
    /// The endpoint.
    pub webhook_id: WebhookId,
    /// The event.
    pub event_id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    pub event: EventType,
    /// Where it stands.
    pub state: DeliveryState,
    /// When it was queued, or queued again, RFC 3339.
    #[schema(format = DateTime)]
    pub queued_at: String,
    /// When it is tried next, RFC 3339; absent once it is finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub next_try_at: Option<String>,
    /// When it was delivered or given up, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub finished_at: Option<String>,
    /// What came of each try, the newest first; the newest 30 at most.
    pub attempts: Vec<ShownAttempt>,
}

/// What came of one try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = WebhookAttempt)]
pub struct ShownAttempt {
    /// 1 for the first.
    pub number: i64,
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
    /// How long it took, milliseconds.
    pub took_ms: i64,
    /// The HTTP status, if there was an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<i16>,
    /// Why there was none, or what is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The beginning of your server's answer, up to 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// An attempt as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) number: i64,
    pub(crate) at: i64,
    pub(crate) took_ms: i64,
    pub(crate) status: Option<i16>,
    pub(crate) fault: Option<String>,
    pub(crate) answer: Option<String>,
}

/// Which deliveries are asked for.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveriesAsk {
    /// Only those in this state.
    pub state: Option<DeliveryState>,
    /// Items wanted, 1 to 100; 20 by default.
    pub limit: Option<u32>,
    /// The last event's id of the page before this one.
    pub after: Option<String>,
    /// The first event's id of the page after this one.
    pub before: Option<String>,
}

/// An event to deliver again.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedeliverAsk {
    /// To this endpoint only; to all that are told of it where it is absent.
    pub webhook_id: Option<WebhookId>,
}

/// Events to deliver again.
#[derive(Clone, Debug, Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedeliverManyAsk {
    /// Only of this type.
    #[serde(rename = "type")]
    pub event: Option<EventType>,
    /// Only from this time on, RFC 3339.
    #[schema(format = DateTime)]
    pub since: Option<String>,
    /// Only before this time, RFC 3339.
    #[schema(format = DateTime)]
    pub until: Option<String>,
    /// Only those delivered, or only those not.
    pub delivered: Option<bool>,
    /// To this endpoint only; to all that are told of them where it is absent.
    pub webhook_id: Option<WebhookId>,
    /// Go on behind this event: the `last` of the answer before.
    pub after: Option<EventId>,
}

/// What was queued again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Redelivered {
    /// Deliveries queued.
    pub queued: u64,
    /// The last event looked at, oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<EventId>,
    /// Whether more events fit: ask again with `after`.
    pub has_more: bool,
}
