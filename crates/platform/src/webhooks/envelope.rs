//! The message: the event with its resource sealed, and the headers that prove where it comes from.
//!
//! Two signatures stand side by side. Ours, as on answers: `TIMESTAMP\nNONCE\nBODY\n` under the
//! platform's key. And that of Standard Webhooks: `ID.TIMESTAMP.BODY` under each secret of the
//! endpoint (`v1`, HMAC-SHA-256) and under the platform's Ed25519 key (`v1a`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::hash::hmac_sha256;
use jialing_crypto::http_signature::CallbackSignature;
use jialing_crypto::{PublicKey, SigningKey, Suite};
use serde::Serialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::secrets;
use crate::id::{ApiKeyId, EventId, MerchantId, WebhookId};
use crate::merchants::{self, api_keys};
use crate::outbox::{Event, EventType};
use crate::{App, Problem, Result};

/// The platform's keys that sign messages: the one of the merchant's suite, else the first.
#[derive(Clone, Debug)]
pub struct Signers(Vec<SigningKey>);

impl Signers {
    /// Signs with these, in this order of preference.
    #[must_use]
    pub fn new(keys: Vec<SigningKey>) -> Self {
        Self(keys)
    }

    fn of(&self, suite: Option<Suite>) -> Option<&SigningKey> {
        self.0.iter().find(|key| Some(key.suite()) == suite).or(self.0.first())
    }

    fn ed25519(&self) -> Option<&SigningKey> {
        self.0.iter().find(|key| key.suite() == Suite::Ed25519)
    }
}

/// A public Ed25519 key as Standard Webhooks writes it: `whpk_` and base64; none for other suites.
#[must_use]
pub fn whpk(key: &PublicKey) -> Option<String> {
    (key.suite() == Suite::Ed25519).then(|| format!("whpk_{}", STANDARD.encode(key.raw())))
}

/// The body of a message.
#[derive(Serialize)]
struct Envelope<'a> {
    id: EventId,
    #[serde(rename = "type")]
    event: EventType,
    created_at: &'a str,
    api_version: &'a str,
    object_version: i64,
    resource: serde_json::Value,
}

/// What all of a merchant's messages are sealed and signed with: read once for all of its endpoints
/// that are served together.
pub(super) struct MerchantSeals {
    key: Option<(ApiKeyId, jialing_crypto::seal::SealKey)>,
    suite: Option<Suite>,
}

impl MerchantSeals {
    pub(super) async fn of(app: &App, merchant: MerchantId) -> Result<Self> {
        Ok(Self {
            key: api_keys::sealing(app, merchant).await?,
            suite: merchants::newest_suite(app, merchant).await?,
        })
    }

    /// The body that tells of `event`.
    ///
    /// A merchant without a sealing key is told that something happened, and reads what it was over
    /// its signed API: nothing leaves unsealed.
    pub(super) fn body(&self, event: &Event) -> Result<Vec<u8>> {
        let resource = match &self.key {
            Some((id, key)) => {
                let plain = serde_json::to_vec(&event.resource).map_err(Problem::internal)?;
                let place = event.id.to_string();
                let locked = key.lock(&plain, place.as_bytes());
                json!({
                    "algorithm": key.algorithm().wire_name(),
                    "key_id": id,
                    "nonce": STANDARD.encode(locked.nonce),
                    "associated_data": place,
                    "ciphertext": STANDARD.encode(&locked.ciphertext),
                })
            }
            None => json!({ "algorithm": "NONE", "href": format!("/v1/merchant/events/{}", event.id) }),
        };
        let envelope = Envelope {
            id: event.id,
            event: event.event,
            created_at: &event.created_at,
            api_version: &event.api_version,
            object_version: event.object_version,
            resource,
        };
        serde_json::to_vec(&envelope).map_err(Problem::internal)
    }
}

/// The body that tells one of the merchant's endpoints of `event`, for who delivers it in another way.
///
/// # Errors
/// Those of the database, and a sealing key that does not open.
pub async fn told(app: &App, merchant: MerchantId, event: &Event) -> Result<Vec<u8>> {
    MerchantSeals::of(app, merchant).await?.body(event)
}

/// The same with the endpoint's own secrets, read once for a batch.
pub(super) struct Seals<'a> {
    merchant: &'a MerchantSeals,
    secrets: Vec<Zeroizing<Vec<u8>>>,
}

impl<'a> Seals<'a> {
    pub(super) async fn of(app: &App, merchant: &'a MerchantSeals, webhook: WebhookId) -> Result<Self> {
        Ok(Self { merchant, secrets: secrets::signing(app, webhook).await? })
    }

    /// The body that tells of `event`.
    pub(super) fn body(&self, event: &Event) -> Result<Vec<u8>> {
        self.merchant.body(event)
    }

    /// The headers that sign `body` at `now`, Unix seconds.
    pub(super) fn headers(
        &self,
        signers: &Signers,
        event: EventId,
        body: &[u8],
        now: i64,
    ) -> Vec<(&'static str, String)> {
        let mut text = format!("{event}.{now}.").into_bytes();
        text.extend_from_slice(body);
        let v1 =
            self.secrets.iter().map(|secret| format!("v1,{}", STANDARD.encode(hmac_sha256(secret, &text))));
        let v1a = signers.ed25519().map(|key| format!("v1a,{}", STANDARD.encode(key.sign(&text))));
        let signatures: Vec<String> = v1.chain(v1a).collect();
        let mut headers = vec![("webhook-id", event.to_string()), ("webhook-timestamp", now.to_string())];
        if !signatures.is_empty() {
            headers.push(("webhook-signature", signatures.join(" ")));
        }
        if let Some(key) = signers.of(self.merchant.suite) {
            headers.extend(CallbackSignature::sign(key, body, now).headers());
        }
        headers
    }
}
