//! A shop's server: signed requests, and answers whose signature is checked.

use futures_util::Stream;
use jialing_crypto::{PublicKey, SigningKey};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answers::{Amount, Event, Movement, Page};
use crate::error::Result;
use crate::listing::{self, Listed, encoded};
use crate::signed::Signed;

/// A merchant's client. Cheap to clone.
#[derive(Clone)]
pub struct Merchant(Signed);

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
    pub qr_code: Option<String>,
    /// `NONE`, `PARTIAL` or `FULL`.
    pub refund_state: String,
    /// What is to be paid, or was.
    pub amount: Amount,
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
    /// What is given back.
    pub amount: Amount,
    /// `PENDING_APPROVAL`, `PROCESSING`, `SUCCESS`, `CLOSED` or `ABNORMAL`.
    pub state: String,
}

impl Merchant {
    /// A client for the merchant `id` at the platform `base`, signing with `key`. Reads the platform's
    /// keys over the connection it was given, again when an answer is signed by a new one: pin them where that
    /// connection is not trusted.
    ///
    /// # Errors
    /// No answer, or keys that cannot be read.
    pub async fn connect(base: &str, id: &str, key: SigningKey) -> Result<Self> {
        Signed::connect(base, id, key).await.map(Self)
    }

    /// A client that believes answers signed by one of `platform` and by no other key.
    #[must_use]
    pub fn pinned(
        base: &str,
        id: &str,
        key: SigningKey,
        platform: impl IntoIterator<Item = PublicKey>,
    ) -> Self {
        Self(Signed::pinned(base, id, key, platform))
    }

    /// The merchant's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.id()
    }

    /// Makes an order of `amount` fen. The same number with the same content answers the same order.
    ///
    /// # Errors
    /// `conflict` when the number was used for something else.
    pub async fn order(&self, out_trade_no: &str, description: &str, amount: u64) -> Result<Order> {
        let ask = json!({ "out_trade_no": out_trade_no, "description": description, "amount": { "amount": amount, "currency": "CNY" } });
        self.0.post("/v1/merchant/orders", &ask).await?.json()
    }

    /// The order with this id.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn order_by_id(&self, id: &str) -> Result<Order> {
        self.0.get(&format!("/v1/merchant/orders/{id}")).await?.json()
    }

    /// The order with this number of yours: the way to learn what became of a lost answer.
    ///
    /// # Errors
    /// `not_found` if no order was made.
    pub async fn order_by_number(&self, out_trade_no: &str) -> Result<Order> {
        self.0.get(&format!("/v1/merchant/orders/out-trade-no/{}", encoded(out_trade_no))).await?.json()
    }

    /// The refund with this number of yours.
    ///
    /// # Errors
    /// `not_found` if none was asked for.
    pub async fn refund_by_number(&self, out_refund_no: &str) -> Result<Refund> {
        self.0.get(&format!("/v1/merchant/refunds/out-refund-no/{}", encoded(out_refund_no))).await?.json()
    }

    /// Gives back `amount` fen of an order. The same number with the same content answers the same refund.
    ///
    /// # Errors
    /// `refund_exceeds_paid`, `conflict`.
    pub async fn refund(
        &self,
        order_id: &str,
        out_refund_no: &str,
        amount: u64,
        reason: &str,
    ) -> Result<Refund> {
        let ask = json!({ "out_refund_no": out_refund_no, "order_id": order_id, "amount": { "amount": amount, "currency": "CNY" }, "reason": reason });
        self.0.post("/v1/merchant/refunds", &ask).await?.json()
    }

    /// The orders, the newest first, read page by page; `filters` are query parameters, such as
    /// `("state", "SUCCESS")`.
    pub fn orders(&self, filters: &[(&str, &str)]) -> impl Stream<Item = Result<Order>> + use<> {
        listing::items(self.0.clone(), "/v1/merchant/orders", filters)
    }

    /// The refunds, as [`Merchant::orders`] lists orders.
    pub fn refunds(&self, filters: &[(&str, &str)]) -> impl Stream<Item = Result<Refund>> + use<> {
        listing::items(self.0.clone(), "/v1/merchant/refunds", filters)
    }

    /// The events, as [`Merchant::orders`] lists orders; `("delivered", "false")` for those not acknowledged.
    pub fn events(&self, filters: &[(&str, &str)]) -> impl Stream<Item = Result<Event>> + use<> {
        listing::items(self.0.clone(), "/v1/merchant/events", filters)
    }

    /// Every movement of the merchant's wallet, as [`Merchant::orders`] lists orders.
    pub fn movements(&self, filters: &[(&str, &str)]) -> impl Stream<Item = Result<Movement>> + use<> {
        listing::items(self.0.clone(), "/v1/merchant/transactions", filters)
    }

    /// Closes an unpaid order. Done again, it changes nothing.
    ///
    /// # Errors
    /// `order_paid`, `in_progress`.
    pub async fn close(&self, order_id: &str) -> Result<Order> {
        self.0.post(&format!("/v1/merchant/orders/{order_id}/close"), &json!({})).await?.json()
    }

    /// Tries an `ABNORMAL` refund again.
    ///
    /// # Errors
    /// `state_conflict`.
    pub async fn retry_refund(&self, refund_id: &str) -> Result<Refund> {
        self.0.post(&format!("/v1/merchant/refunds/{refund_id}/retry"), &json!({})).await?.json()
    }

    /// Any other read: path with query, percent-encoded.
    ///
    /// # Errors
    /// As the platform answers.
    pub async fn get(&self, target: &str) -> Result<Value> {
        self.0.get(target).await?.json()
    }

    /// Any other write that has a number of yours in it.
    ///
    /// # Errors
    /// As the platform answers.
    pub async fn post(&self, target: &str, ask: &Value) -> Result<Value> {
        self.0.post(target, ask).await?.json()
    }

    /// Any other write: made once for each `idempotency_key`, which you made before the first try.
    ///
    /// # Errors
    /// As the platform answers.
    pub async fn post_once(&self, target: &str, ask: &Value, idempotency_key: &str) -> Result<Value> {
        self.0.post_once(target, ask, idempotency_key).await?.json()
    }

    /// The newest movements of the merchant's wallet.
    ///
    /// # Errors
    /// As every call.
    pub async fn transactions(&self) -> Result<Page<Movement>> {
        self.0.get("/v1/merchant/transactions").await?.json()
    }

    /// A receipt of one of this merchant's transactions, for [`crate::receipt::verify`].
    ///
    /// # Errors
    /// `not_found`.
    pub async fn receipt(&self, transaction_id: &str) -> Result<Value> {
        self.0.get(&format!("/v1/merchant/receipts/{transaction_id}")).await?.json()
    }

    /// What the platform has to tell and was not acknowledged.
    ///
    /// # Errors
    /// As every call.
    pub async fn undelivered_events(&self) -> Result<Page<Event>> {
        self.0.get("/v1/merchant/events?delivered=false").await?.json()
    }

    /// An event by its id: what a notice tells of, where nothing is sealed in it.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn event(&self, event_id: &str) -> Result<Event> {
        self.0.get(&format!("/v1/merchant/events/{event_id}")).await?.json()
    }

    /// Says that an event was dealt with; it is not listed as undelivered again.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn acknowledge(&self, event_id: &str) -> Result<()> {
        self.0.post(&format!("/v1/merchant/events/{event_id}/ack"), &json!({})).await.map(drop)
    }
}

impl Listed for Order {
    fn cursor(&self) -> &str {
        &self.id
    }
}

impl Listed for Refund {
    fn cursor(&self) -> &str {
        &self.id
    }
}

impl Listed for Event {
    fn cursor(&self) -> &str {
        &self.id
    }
}

impl Listed for Movement {
    fn cursor(&self) -> &str {
        &self.id
    }
}
