//! Events that really happen on somebody's order: through the API, with the sandbox's own merchant and
//! payers, so that what is told afterwards is true.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, header};
use jialing_crypto::SigningKey;
use jialing_crypto::http_signature::RequestSignature;
use jialing_crypto::random;
use jialing_platform::outbox::{self, EventType, EventsAsk};
use jialing_platform::{Code, Problem};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::pass::{Behind, pass};
use crate::payers::Ordered;
use crate::yard::{Yard, real_seconds};

/// How long the event is waited for.
const WAIT: Duration = Duration::from_secs(10);
/// Between two looks for it.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The longest answer that is read.
const ANSWER_BYTES: usize = 1 << 20;

/// What shall happen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trigger {
    /// The event's type.
    event: String,
    /// What differs from the usual: `amount`, `description`, `out_trade_no`, `attach`, `notify_url`,
    /// `refund_amount`, `reason`.
    #[serde(default, rename = "override")]
    overrides: BTreeMap<String, Value>,
}

/// What happened.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Happened {
    /// The event's type.
    #[serde(rename = "type")]
    event: String,
    /// The event.
    event_id: String,
    /// What it is about.
    resource: Value,
}

/// Which triggers there are.
pub(crate) const EVENTS: [EventType; 4] =
    [EventType::OrderPaid, EventType::OrderClosed, EventType::RefundSucceeded, EventType::RefundClosed];

/// Members of an order that may be overridden.
const OF_ORDERS: [&str; 7] =
    ["amount", "description", "out_trade_no", "attach", "notify_url", "goods_tag", "expires_in"];
/// Members of a refund that may be overridden.
const OF_REFUNDS: [&str; 3] = ["refund_amount", "out_refund_no", "reason"];

/// Makes it happen, and answers the event that tells of it.
pub(crate) async fn pull(yard: &Arc<Yard>, trigger: &Trigger) -> Result<Happened, Problem> {
    let event = EVENTS.iter().copied().find(|event| event.text() == trigger.event);
    let event = event.ok_or_else(|| {
        let known: Vec<_> = EVENTS.iter().map(|event| event.text()).collect();
        Problem::new(Code::InvalidRequest).field("event").detail(format!("One of {}.", known.join(", ")))
    })?;
    let unknown = trigger
        .overrides
        .keys()
        .find(|name| !OF_ORDERS.contains(&name.as_str()) && !OF_REFUNDS.contains(&name.as_str()));
    if let Some(name) = unknown {
        return Err(Problem::new(Code::InvalidRequest).field(format!("override.{name}")));
    }
    let act = Act { yard, overrides: &trigger.overrides };
    let object = match event {
        EventType::OrderPaid => act.paid().await?,
        EventType::OrderClosed => act.closed().await?,
        EventType::RefundSucceeded => act.refunded().await?,
        _ => act.refund_closed().await?,
    };
    told(yard, event, &object).await
}

struct Act<'a> {
    yard: &'a Arc<Yard>,
    overrides: &'a BTreeMap<String, Value>,
}

impl Act<'_> {
    /// An order that waits to be paid.
    async fn ordered(&self) -> Result<Value, Problem> {
        let mut ask = json!({
            "out_trade_no": format!("T-{}", random::nonce()),
            "description": "jialing trigger",
            "amount": { "amount": 1250, "currency": "CNY" },
        });
        for name in OF_ORDERS {
            match self.overrides.get(name) {
                Some(Value::Number(fen)) if name == "amount" => ask["amount"]["amount"] = json!(fen),
                Some(value) => ask[name] = value.clone(),
                None => {}
            }
        }
        self.signed(Method::POST, "/v1/merchant/orders", &ask).await
    }

    /// An order that is paid.
    async fn pays(&self) -> Result<Value, Problem> {
        let order = self.ordered().await?;
        let ordered = Ordered {
            order_id: text(&order, "id"),
            merchant_id: text(&order, "merchant_id"),
            amount: order["amount"]["amount"].as_u64().unwrap_or_default(),
            expires_at: 0,
        };
        let paid = self.yard.payers()?.pay(&ordered).await;
        paid.map_err(|error| {
            Problem::new(Code::StateConflict).detail(format!("The payer could not pay: {error}"))
        })?;
        Ok(order)
    }

    async fn paid(&self) -> Result<String, Problem> {
        Ok(text(&self.pays().await?, "id"))
    }

    async fn closed(&self) -> Result<String, Problem> {
        let id = text(&self.ordered().await?, "id");
        self.signed(Method::POST, &format!("/v1/merchant/orders/{id}/close"), &Value::Null).await?;
        Ok(id)
    }

    async fn refunds(&self) -> Result<Value, Problem> {
        let order = self.pays().await?;
        let amount = self.overrides.get("refund_amount").unwrap_or(&order["amount"]["amount"]).clone();
        let mut ask = json!({
            "out_refund_no": format!("R-{}", random::nonce()),
            "order_id": order["id"],
            "amount": { "amount": amount, "currency": "CNY" },
            "reason": "jialing trigger",
        });
        for name in ["out_refund_no", "reason"] {
            if let Some(value) = self.overrides.get(name) {
                ask[name] = value.clone();
            }
        }
        self.signed(Method::POST, "/v1/merchant/refunds", &ask).await
    }

    async fn refunded(&self) -> Result<String, Problem> {
        Ok(text(&self.refunds().await?, "id"))
    }

    /// A refund that the shop's owner does not approve.
    async fn refund_closed(&self) -> Result<String, Problem> {
        let (merchant, _) = self.yard.merchant()?;
        let settings = format!("/v1/wallet/merchants/{merchant}/settings");
        let above = |fen: Option<u64>| match fen {
            Some(fen) => json!({ "refund_approval_above": { "amount": fen, "currency": "CNY" } }),
            None => json!({ "refund_approval_above": null }),
        };
        self.owner(Method::PUT, &settings, &above(Some(1))).await?;
        let refund = self.refunds().await;
        self.owner(Method::PUT, &settings, &above(None)).await?;
        let id = text(&refund?, "id");
        let reject = format!("/v1/wallet/merchants/{merchant}/refunds/{id}/reject");
        self.owner(Method::POST, &reject, &json!({ "reason": "jialing trigger" })).await?;
        Ok(id)
    }

    /// A request of the merchant's server.
    async fn signed(&self, method: Method, path: &str, ask: &Value) -> Result<Value, Problem> {
        let (_, merchant) = self.yard.merchant()?;
        let key = SigningKey::from_pkcs8_pem(&merchant.key).map_err(Problem::internal)?;
        let body = if ask.is_null() { Vec::new() } else { ask.to_string().into_bytes() };
        let id = &merchant.merchant_id;
        let signature = RequestSignature::sign(&key, id, method.as_str(), path, &body, real_seconds());
        self.send(method, path, signature.to_header(), body, Behind::Trigger).await
    }

    /// A request of the shop's owner.
    async fn owner(&self, method: Method, path: &str, ask: &Value) -> Result<Value, Problem> {
        let payers = self.yard.payers()?;
        let body = ask.to_string().into_bytes();
        let mut ended = false;
        loop {
            let token = payers.owner_token(ended).await.map_err(Problem::internal)?;
            let authorization = format!("Bearer {token}");
            match self.send(method.clone(), path, authorization, body.clone(), Behind::House).await {
                Err(problem) if problem.code == Code::Unauthenticated && !ended => ended = true,
                done => return done,
            }
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        authorization: String,
        body: Vec<u8>,
        behind: Behind,
    ) -> Result<Value, Problem> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .map_err(Problem::internal)?;
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let response = pass(self.yard.clone(), peer, behind, request).await;
        let ok = response.status().is_success();
        let bytes = to_bytes(response.into_body(), ANSWER_BYTES).await.map_err(Problem::internal)?;
        let answer: Value = serde_json::from_slice(&bytes).map_err(Problem::internal)?;
        if ok { Ok(answer) } else { Err(passed_on(&answer)) }
    }
}

/// What the API refused, as the trigger's own answer.
fn passed_on(answer: &Value) -> Problem {
    let code = Code::ALL.iter().copied().find(|code| Some(code.text()) == answer["code"].as_str());
    let mut problem = Problem::new(code.unwrap_or(Code::Internal)).detail(text(answer, "detail"));
    if let Some(field) = answer["field"].as_str() {
        problem = problem.field(format!("override.{field}"));
    }
    problem
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// The event about `object`, once the followers have written it.
async fn told(yard: &Yard, event: EventType, object: &str) -> Result<Happened, Problem> {
    let (merchant, _) = yard.merchant()?;
    let look = async {
        loop {
            let ask = EventsAsk { limit: Some(100), ..EventsAsk::default() };
            let page = outbox::list(&yard.app, merchant, ask).await?;
            let found =
                page.items.into_iter().find(|known| known.event == event && known.resource["id"] == object);
            if let Some(found) = found {
                return Ok(Happened {
                    event: event.text().to_owned(),
                    event_id: found.id.to_string(),
                    resource: found.resource,
                });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(WAIT, look).await.unwrap_or_else(|_| {
        Err(Problem::new(Code::OutcomeUnknown).detail("It happened; its event is not there yet."))
    })
}
