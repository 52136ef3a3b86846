//! The suite against a small shop, and against one that does everything wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use jialing_conform::{Scenario, signed};
use jialing_crypto::http_signature::{CallbackSignature, is_fresh};
use jialing_crypto::{PublicKey, SigningKey};
use jialing_playground::Bounds;
use jialing_playground::drive::{Target, drive};
use jialing_sdk::{Merchant, Public};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::world::{Sandbox, World};

/// What the shop's books say of an order.
#[derive(Clone, Default)]
struct Row {
    order_id: String,
    state: &'static str,
}

/// A small shop with books in memory.
#[derive(Clone)]
struct Shop {
    base: String,
    merchant_id: String,
    key: SigningKey,
    keys: Arc<Mutex<BTreeMap<String, PublicKey>>>,
    books: Arc<Mutex<BTreeMap<String, Row>>>,
    /// Believes whatever it is told.
    careless: bool,
}

impl Shop {
    /// Opens it; where its receiver and its trigger are.
    async fn open(sandbox: &Sandbox, careless: bool) -> (Target, tokio::task::JoinHandle<()>) {
        let shop = Self {
            base: sandbox.base.clone(),
            merchant_id: sandbox.merchant_id.clone(),
            key: sandbox.key.clone(),
            keys: Arc::default(),
            books: Arc::default(),
            careless,
        };
        let routes = Router::new().route("/notices", post(take)).route("/suite", post(act)).with_state(shop);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.expect("it serves") });
        let target = Target {
            receiver: format!("http://{address}/notices"),
            trigger: format!("http://{address}/suite"),
            secret: Some("between us".into()),
        };
        (target, serving)
    }

    /// A client with the platform's keys of this moment: the platform may change them.
    async fn merchant(&self) -> Merchant {
        Merchant::connect(&self.base, &self.merchant_id, self.key.clone()).await.expect("the keys")
    }

    fn set(&self, number: &str, state: &'static str) {
        self.books.lock().expect("nobody panics").entry(number.to_owned()).or_default().state = state;
    }

    /// Whether the platform signed this notice just now.
    async fn believes(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let header = |name: &'static str| headers.get(name).and_then(|value| value.to_str().ok());
        let Ok(signature) = CallbackSignature::from_headers(header) else { return false };
        let known = || self.keys.lock().expect("nobody panics").get(&signature.serial).cloned();
        if known().is_none() {
            let keys = Public::new(&self.base).platform_keys().await.expect("the keys");
            let keys = keys.into_iter().map(|key| (key.id().to_owned(), key)).collect();
            *self.keys.lock().expect("nobody panics") = keys;
        }
        let fresh = is_fresh(signature.timestamp, jiff::Timestamp::now().as_second(), 300);
        fresh && known().is_some_and(|key| signature.verify(&key, body).is_ok())
    }
}

/// The shop's receiver.
async fn take(State(shop): State<Shop>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if !shop.careless && !shop.believes(&headers, &body).await {
        return StatusCode::UNAUTHORIZED;
    }
    // The shop has no key that opens: it is told which event there is, and reads it.
    let told: Value = serde_json::from_slice(&body).expect("JSON");
    let id = told["id"].as_str().expect("an id");
    let event = shop.merchant().await.event(id).await.expect("its own event");
    let resource = event.resource;
    let number = resource["out_trade_no"].as_str().unwrap_or_default();
    match told["type"].as_str() {
        Some("order.paid") => shop.set(number, "PAID"),
        Some("refund.succeeded") => {
            let order = resource["order_id"].as_str().expect("an order").to_owned();
            let books = shop.books.lock().expect("nobody panics").clone();
            if let Some((number, _)) = books.iter().find(|(_, row)| row.order_id == order) {
                shop.set(number, "REFUNDED");
            }
        }
        _ => {}
    }
    StatusCode::NO_CONTENT
}

/// The shop's side of the suite's contract.
async fn act(State(shop): State<Shop>, headers: HeaderMap, body: Bytes) -> Response {
    assert_eq!(headers["authorization"], "Bearer between us");
    let ask: Value = serde_json::from_slice(&body).expect("JSON");
    let number = ask["out_trade_no"].as_str().unwrap_or_default().to_owned();
    let row = || shop.books.lock().expect("nobody panics").get(&number).cloned().unwrap_or_default();
    let answer = match ask["do"].as_str() {
        Some("order") => {
            // The client sends the same number again when the answer is lost.
            let sent = if shop.careless {
                format!("{number}-{}", jialing_crypto::random::nonce())
            } else {
                number.clone()
            };
            let amount = ask["amount"].as_u64().expect("an amount");
            match shop.merchant().await.order(&sent, "conformance", amount).await {
                Ok(order) => {
                    let state = if row().state.is_empty() { "UNPAID" } else { row().state };
                    let row = Row { order_id: order.id.clone(), state };
                    shop.books.lock().expect("nobody panics").insert(sent, row);
                    json!({ "state": state, "order_id": order.id })
                }
                Err(error) => return (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
            }
        }
        Some("refund") => {
            let amount = ask["amount"].as_u64().expect("an amount");
            let refund = ask["out_refund_no"].as_str().expect("a number");
            match shop.merchant().await.refund(&row().order_id, refund, amount, "conformance").await {
                Ok(_) => json!({ "state": row().state }),
                Err(error) => return (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
            }
        }
        Some("reconcile") => {
            let mut breaks = Vec::new();
            let books = shop.books.lock().expect("nobody panics").clone();
            for (number, _) in books.iter().filter(|(_, row)| row.state == "UNPAID" && !shop.careless) {
                let order = shop.merchant().await.order_by_number(number).await.expect("it is there");
                if order.state == "SUCCESS" {
                    shop.set(number, "PAID");
                    breaks.push(number.clone());
                }
            }
            json!({ "breaks": breaks })
        }
        _ => json!({ "state": if row().state.is_empty() { "NONE" } else { row().state } }),
    };
    axum::Json(answer).into_response()
}

/// Drives the suite; the signed report as the file of it.
async fn report(sandbox: &Sandbox, target: &Target) -> String {
    let doors = jialing_sdk::Sandbox::new(&sandbox.base, &sandbox.token);
    let outcomes = drive(&doors, target, |_, _| {}).await.expect("the sandbox answers");
    let ask = json!({ "system": { "name": "a small shop", "version": "1" }, "outcomes": outcomes });
    sandbox.post("/conformance/reports", &ask).await.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_follows_the_guides_passes_and_its_report_verifies_offline() {
    let world = World::start(Bounds::default()).await;
    let sandbox = world.create().await;
    let before = sandbox.door(Method::GET, "/conformance", None).await;
    assert_eq!(
        (&before.body["passed"], before.body["items"].as_array().map(Vec::len)),
        (&json!(false), Some(10))
    );
    let (target, shop) = Shop::open(&sandbox, false).await;
    let file = report(&sandbox, &target).await;
    let keys = Public::new(&sandbox.base).platform_keys().await.expect("the keys");
    let verified = signed::verify(&file, &keys).expect("it was signed by the platform");
    assert!(verified.pinned);
    for outcome in &verified.report.outcomes {
        assert!(outcome.passed(), "{outcome:#?}");
    }
    assert!(verified.report.passed());
    assert_eq!(verified.report.merchant_id, sandbox.merchant_id);
    assert_eq!(sandbox.door(Method::GET, "/conformance", None).await.body["passed"], true);

    // What was seen stays when the server starts anew.
    let world = world.again(Bounds::default()).await;
    let base = format!("{}/s/{}", world.playground.url(), sandbox.id);
    let sandbox = Sandbox { base, ..sandbox };
    assert_eq!(sandbox.door(Method::GET, "/conformance", None).await.body["passed"], true);
    shop.abort();
    world.playground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_careless_shop_fails_where_it_is_careless() {
    let world = World::start(Bounds::default()).await;
    let sandbox = world.create().await;
    let (target, shop) = Shop::open(&sandbox, true).await;
    let file = report(&sandbox, &target).await;
    let verified = signed::verify(&file, &[]).expect("it is signed");
    assert!(!verified.report.passed());
    for outcome in &verified.report.outcomes {
        let careless = [
            Scenario::DuplicateSubmit,
            Scenario::ForgedNotice,
            Scenario::ReplayedNotice,
            Scenario::Reconciliation,
        ];
        if careless.contains(&outcome.scenario) {
            assert!(!outcome.passed(), "{outcome:#?}");
            assert!(outcome.seen.is_none() || outcome.steps.iter().any(|step| !step.right), "{outcome:#?}");
        }
    }
    // A driver's word alone passes nothing: the sandbox did not see it.
    let claimed: Vec<Value> = Scenario::ALL
        .iter()
        .map(|scenario| {
            let step = json!({ "what": "x", "expected": "y", "got": "y", "right": true });
            json!({ "scenario": scenario, "steps": [step], "seen": { "at": "now", "evidence": "trust me" } })
        })
        .collect();
    let signed = sandbox.post("/conformance/reports", &json!({ "outcomes": claimed })).await;
    let claimed = signed::verify(&signed.to_string(), &[]).expect("it is signed");
    assert!(!claimed.report.passed());
    shop.abort();
    world.playground.stop().await;
}
