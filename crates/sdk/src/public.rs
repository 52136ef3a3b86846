//! What anybody may read: whether the platform works, its keys, its banks, the money supply.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::PublicKey;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::answers::{Institution, Page, Status, Supply};
use crate::error::Result;
use crate::http::{Http, Request};

/// A reader of the public pages. Cheap to clone.
#[derive(Clone)]
pub struct Public(Http);

#[derive(Deserialize)]
struct Keys {
    ledger: Vec<LedgerKey>,
}

#[derive(Deserialize)]
struct Directory {
    answers: Vec<AnswerKey>,
}

#[derive(Deserialize)]
struct AnswerKey {
    public_key: String,
}

#[derive(Deserialize)]
struct LedgerKey {
    verifier_key: String,
    active: bool,
}

impl Public {
    /// A reader of the platform at `base`.
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self(Http::new(base))
    }

    /// Whether the platform works.
    ///
    /// # Errors
    /// No answer.
    pub async fn status(&self) -> Result<Status> {
        self.read("/v1/public/status").await
    }

    /// The banks.
    ///
    /// # Errors
    /// No answer.
    pub async fn institutions(&self) -> Result<Vec<Institution>> {
        let page: Page<Institution> = self.read("/v1/public/institutions").await?;
        Ok(page.items)
    }

    /// The money supply now.
    ///
    /// # Errors
    /// No answer.
    pub async fn supply(&self) -> Result<Supply> {
        self.read("/v1/public/supply").await
    }

    /// The key that the ledger signs its checkpoints with: all that [`crate::receipt::verify`] needs.
    /// Fetch it once, over a way you trust, and keep it: a key fetched together with a receipt proves
    /// nothing.
    ///
    /// # Errors
    /// No answer, or none that names an active key.
    pub async fn verifier_key(&self) -> Result<String> {
        let answer = self.0.send(&Request::new(Method::GET, "/v1/public/keys", None), |_| None).await?;
        let keys: Keys = answer.json()?;
        let active = keys.ledger.into_iter().find(|key| key.active);
        active.map(|key| key.verifier_key).ok_or_else(|| answer.unacceptable("it names no active ledger key"))
    }

    /// The keys that the platform proves itself with, to merchants, banks and at the bulk door. Fetch
    /// them once, over a way you trust, and keep them.
    ///
    /// # Errors
    /// No answer, or keys that cannot be read.
    pub async fn platform_keys(&self) -> Result<Vec<PublicKey>> {
        let answer = self.0.send(&Request::new(Method::GET, "/v1/public/keys", None), |_| None).await?;
        let directory: Directory = answer.json()?;
        let read = |entry: AnswerKey| {
            let der = STANDARD.decode(&entry.public_key).map_err(|error| error.to_string())?;
            PublicKey::from_spki_der(&der).map_err(|error| error.to_string())
        };
        let keys: std::result::Result<_, String> = directory.answers.into_iter().map(read).collect();
        keys.map_err(|error| answer.unacceptable(error))
    }

    /// The proof of a day's supply, for [`crate::supply::verify_total`]; `newest` is the newest day.
    ///
    /// # Errors
    /// `not_found` for a day that is not published.
    pub async fn supply_proof(&self, day: &str) -> Result<Value> {
        self.read(&format!("/v1/public/supply/proofs/{day}")).await
    }

    /// Any other public page.
    ///
    /// # Errors
    /// As the platform answers.
    pub async fn get(&self, target: &str) -> Result<Value> {
        self.read(target).await
    }

    async fn read<T: serde::de::DeserializeOwned>(&self, target: &str) -> Result<T> {
        self.0.send(&Request::new(Method::GET, target, None), |_| None).await?.json()
    }
}
