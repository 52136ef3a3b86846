//! What a payer's device signs: exactly what is paid, to whom, from which wallet, until when.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::SigningKey;
use jialing_crypto::random;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// How long a signed evidence may be used, seconds. The platform takes up to 300.
const VALID_S: i64 = 240;

/// The present plus `seconds`, RFC 3339 in UTC with milliseconds: the form that is signed.
fn in_seconds(seconds: i64) -> String {
    let at = Timestamp::now().saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// The statement that a device signs.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    /// `pay`, `transfer`, `top_up`, `withdraw`, `mandate`…
    pub action: &'a str,
    /// Whom it goes to: a merchant's, wallet's or link's id.
    pub payee: &'a str,
    /// Minor units.
    pub amount: u64,
    /// What it is for: the order's id, or the client's own number of the transfer.
    pub subject: &'a str,
    /// The wallet it leaves.
    pub wallet: &'a str,
}

impl Evidence<'_> {
    /// The canonical text, as the guide on devices describes it.
    #[must_use]
    pub fn text(&self, expires_at: &str, nonce: &str) -> String {
        format!(
            "JIALING-EVIDENCE-1\naction:{}\npayee:{}\namount:{} CNY\nsubject:{}\nwallet:{}\nexpires:{expires_at}\nnonce:{nonce}\n",
            self.action, self.payee, self.amount, self.subject, self.wallet
        )
    }

    /// Signs it now; the answer is the request's `evidence` member.
    #[must_use]
    pub fn sign(&self, device_id: &str, key: &SigningKey) -> Value {
        let expires_at = in_seconds(VALID_S);
        let nonce = random::nonce();
        let signature = key.sign(self.text(&expires_at, &nonce).as_bytes());
        json!({ "device_id": device_id, "nonce": nonce, "expires_at": expires_at, "signature": STANDARD.encode(signature) })
    }
}
