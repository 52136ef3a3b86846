//! A shop's server: signed requests, and answers whose signature is checked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::http_signature::{CallbackSignature, RequestSignature, is_fresh};
use jialing_crypto::{PublicKey, SigningKey};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::http::{Answer, Http, Request};

/// How far an answer's time may be from ours, seconds.
const WINDOW_S: u64 = 300;

/// A merchant's client. Cheap to clone.
#[derive(Clone)]
pub struct Merchant {
    http: Http,
    id: String,
    key: SigningKey,
    platform: Arc<BTreeMap<String, PublicKey>>,
}

/// An order, as its merchant sees it. Members this client does not use are left out.
#[derive(Clone, Debug, Deserialize)]
pub struct Order {
    /// The order's id; also the number of the transaction that pays it.
    pub id: String,
    /// The merchant's number of it.
    pub out_trade_no: String,
    /// `NOTPAY`, `USERPAYING`, `SUCCESS`, `CLOSED`, `PAYERROR` or `REVOKED`.
    pub state: String,
    /// What to show as a QR code, while it can be paid.
    pub qr: Option<String>,
    /// `NONE`, `PARTIAL` or `FULL`.
    pub refund_state: String,
    /// The transaction that paid it.
    pub transaction_id: Option<String>,
}

/// A refund.
#[derive(Clone, Debug, Deserialize)]
pub struct Refund {
    /// The refund's id.
    pub id: String,
    /// The merchant's number of it.
    pub out_refund_no: String,
    /// `PENDING_APPROVAL`, `PROCESSING`, `SUCCESS`, `CLOSED` or `ABNORMAL`.
    pub state: String,
}

#[derive(Deserialize)]
struct Directory {
    answers: Vec<DirectoryKey>,
}

#[derive(Deserialize)]
struct DirectoryKey {
    public_key: String,
}

impl Merchant {
    /// A client for the merchant `id` at the platform `base`, signing with `key`. Reads the platform's
    /// keys once, over the connection it was given: pin them where that connection is not trusted.
    ///
    /// # Errors
    /// No answer, or keys that cannot be read.
    pub async fn connect(base: &str, id: &str, key: SigningKey) -> Result<Self> {
        let http = Http::new(base);
        let answer = http.send(&Request::new(Method::GET, "/v1/public/keys", None), |_| None).await?;
        let directory: Directory = answer.json()?;
        let mut platform = BTreeMap::new();
        for entry in directory.answers {
            let der = STANDARD.decode(&entry.public_key).map_err(|error| answer.unacceptable(error.to_string()))?;
            let key = PublicKey::from_spki_der(&der).map_err(|error| answer.unacceptable(error.to_string()))?;
            platform.insert(key.id().to_owned(), key);
        }
        Ok(Self { http, id: id.to_owned(), key, platform: Arc::new(platform) })
    }

    /// The merchant's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Makes an order of `amount` fen. The same number with the same content answers the same order.
    ///
    /// # Errors
    /// `conflict` when the number was used for something else.
    pub async fn order(&self, out_trade_no: &str, description: &str, amount: u64) -> Result<Order> {
        let ask = json!({ "out_trade_no": out_trade_no, "description": description, "amount": { "amount": amount, "currency": "CNY" } });
        self.post("/v1/merchant/orders", &ask).await?.json()
    }

    /// The order with this id.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn order_by_id(&self, id: &str) -> Result<Order> {
        self.get(&format!("/v1/merchant/orders/{id}")).await?.json()
    }

    /// Gives back `amount` fen of an order. The same number with the same content answers the same refund.
    ///
    /// # Errors
    /// `refund_exceeds_paid`, `conflict`.
    pub async fn refund(&self, order_id: &str, out_refund_no: &str, amount: u64, reason: &str) -> Result<Refund> {
        let ask = json!({ "out_refund_no": out_refund_no, "order_id": order_id, "amount": { "amount": amount, "currency": "CNY" }, "reason": reason });
        self.post("/v1/merchant/refunds", &ask).await?.json()
    }

    /// A receipt of one of this merchant's transactions, for [`crate::receipt::verify`].
    ///
    /// # Errors
    /// `not_found`.
    pub async fn receipt(&self, transaction_id: &str) -> Result<Value> {
        self.get(&format!("/v1/merchant/receipts/{transaction_id}")).await?.json()
    }

    /// What the platform has to tell and was not acknowledged.
    ///
    /// # Errors
    /// As every call.
    pub async fn undelivered_events(&self) -> Result<Value> {
        self.get("/v1/merchant/events?delivered=false").await?.json()
    }

    async fn get(&self, target: &str) -> Result<Answer> {
        self.send(Request::new(Method::GET, target, None)).await
    }

    async fn post(&self, target: &str, ask: &Value) -> Result<Answer> {
        self.send(Request::new(Method::POST, target, Some(ask))).await
    }

    async fn send(&self, request: Request) -> Result<Answer> {
        let sign = |request: &Request| {
            let signed = RequestSignature::sign(&self.key, &self.id, request.method.as_str(), &request.target, &request.body, now());
            Some(signed.to_header())
        };
        let answer = self.http.send(&request, sign).await?;
        self.check(&answer)?;
        Ok(answer)
    }

    /// The platform's signature over an answer: forged or stale ones are not believed.
    fn check(&self, answer: &Answer) -> Result<()> {
        let header = |name: &'static str| answer.headers.get(name).and_then(|value| value.to_str().ok());
        let signature = CallbackSignature::from_headers(header).map_err(|error| answer.unacceptable(error.to_string()))?;
        let unacceptable = |why: &str| Error::Unacceptable { target: answer.target.clone(), why: why.to_owned() };
        let key = self.platform.get(&signature.serial).ok_or_else(|| unacceptable("signed by a key that is not the platform's"))?;
        signature.verify(key, &answer.body).map_err(|error| unacceptable(&error.to_string()))?;
        if is_fresh(signature.timestamp, now(), WINDOW_S) { Ok(()) } else { Err(unacceptable("its time is more than 300 s from ours")) }
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}
