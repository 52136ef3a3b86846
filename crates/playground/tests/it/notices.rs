//! Notices to a machine that nobody can reach from outside.

use std::collections::BTreeMap;

use jialing_crypto::PublicKey;
use jialing_crypto::http_signature::CallbackSignature;
use jialing_playground::{Bounds, SCHEDULE_S};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Sandbox, World};

/// The notices that come within `wait_ms`.
async fn due(sandbox: &Sandbox, wait_ms: u64) -> Vec<Value> {
    let due = sandbox.door(Method::GET, &format!("/notices?wait_ms={wait_ms}"), None).await;
    due.body["items"].as_array().expect("items").clone()
}

/// The one notice that comes next.
async fn next(sandbox: &Sandbox) -> Value {
    let mut due = due(sandbox, 20_000).await;
    assert_eq!(due.len(), 1, "{due:?}");
    due.remove(0)
}

/// What reporting `status` of this notice settles.
async fn report(sandbox: &Sandbox, notice: &Value, status: Option<u16>) -> Value {
    let path = format!("/notices/{}", notice["delivery_id"].as_str().expect("an id"));
    sandbox.post(&path, &json!({ "status": status })).await
}

async fn key(sandbox: &Sandbox) -> PublicKey {
    let mut keys = jialing_sdk::Public::new(&sandbox.base).platform_keys().await.expect("the keys");
    keys.remove(0)
}

/// Whether the platform signed this notice, and how many seconds ago.
fn signed(notice: &Value, key: &PublicKey) -> (bool, i64) {
    let headers: BTreeMap<String, String> =
        serde_json::from_value(notice["headers"].clone()).expect("headers");
    let signature = CallbackSignature::from_headers(|name| headers.get(name).map(String::as_str));
    let signature = signature.expect("it is signed");
    let body = notice["body"].as_str().expect("a body");
    let age = jiff::Timestamp::now().as_second() - signature.timestamp;
    (signature.verify(key, body.as_bytes()).is_ok(), age)
}

async fn fault(sandbox: &Sandbox, kind: &str) {
    sandbox.post("/faults", &json!({ "kind": kind, "event": "order.paid" })).await;
}

async fn paid(sandbox: &Sandbox) -> String {
    let paid = sandbox.post("/triggers", &json!({ "event": "order.paid" })).await;
    paid["event_id"].as_str().expect("an event").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_is_repeated_on_the_sandbox_s_clock_until_it_is_taken() {
    let world = World::start(Bounds::default()).await;
    let sandbox = world.create().await;
    let key = key(&sandbox).await;
    let event = paid(&sandbox).await;
    for (attempt, pause) in (1..=3).zip(SCHEDULE_S) {
        let notice = next(&sandbox).await;
        assert_eq!((&notice["event_id"], &notice["attempt"]), (&json!(event), &json!(attempt)));
        let (fits, age) = signed(&notice, &key);
        assert!(fits && age < 5, "each attempt is signed afresh");
        let status = [None, Some(500), Some(302)][attempt - 1];
        assert_eq!(report(&sandbox, &notice, status).await["acknowledged"], false);
        sandbox.post("/clock", &json!({ "advance_s": pause - 1 })).await;
        assert!(due(&sandbox, 0).await.is_empty(), "not before its time");
        sandbox.post("/clock", &json!({ "advance_s": 2 })).await;
    }
    let notice = next(&sandbox).await;
    assert_eq!(report(&sandbox, &notice, Some(204)).await["acknowledged"], true);
    let settled = sandbox.door(Method::GET, "", None).await;
    assert_eq!(settled.body["notices"], 0);
    let unknown = sandbox.door(Method::POST, "/notices/dlv_1", Some(&json!({ "status": 200 }))).await;
    assert_eq!(unknown.status, 404);

    // Sent again on order, and nothing but that.
    sandbox.post("/resends", &json!({ "event_id": event })).await;
    let again = next(&sandbox).await;
    assert_eq!((&again["event_id"], &again["body"]), (&json!(event), &notice["body"]));
    report(&sandbox, &again, Some(200)).await;
    let nobody = sandbox.door(Method::POST, "/resends", Some(&json!({ "event_id": "evt_1" }))).await;
    assert_eq!(nobody.status, 404);
    world.playground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_notices_does_what_its_name_says() {
    let world = World::start(Bounds::default()).await;
    let sandbox = world.create().await;
    let key = key(&sandbox).await;

    for kind in ["forged_notice", "stale_notice"] {
        fault(&sandbox, kind).await;
        let event = paid(&sandbox).await;
        let bad = next(&sandbox).await;
        let (fits, age) = signed(&bad, &key);
        assert_eq!((fits, age >= 600), (kind == "stale_notice", kind == "stale_notice"), "{kind}");
        assert_eq!(report(&sandbox, &bad, Some(401)).await["acknowledged"], false);
        let good = next(&sandbox).await;
        assert_eq!((&good["event_id"], &good["body"]), (&json!(event), &bad["body"]));
        assert!(signed(&good, &key).0);
        assert_eq!(report(&sandbox, &good, Some(200)).await["acknowledged"], true);
    }

    fault(&sandbox, "duplicate_notice").await;
    let event = paid(&sandbox).await;
    for _ in 0..2 {
        let notice = next(&sandbox).await;
        assert_eq!(notice["event_id"], json!(event));
        report(&sandbox, &notice, Some(200)).await;
    }

    fault(&sandbox, "out_of_order_notice").await;
    let (first, second) = (paid(&sandbox).await, paid(&sandbox).await);
    for event in [second, first] {
        let notice = next(&sandbox).await;
        assert_eq!(notice["event_id"], json!(event));
        report(&sandbox, &notice, Some(200)).await;
    }

    fault(&sandbox, "late_notice").await;
    let event = paid(&sandbox).await;
    assert!(due(&sandbox, 300).await.is_empty(), "a minute is not over");
    sandbox.post("/clock", &json!({ "advance_s": 61 })).await;
    let notice = next(&sandbox).await;
    assert_eq!(notice["event_id"], json!(event));
    report(&sandbox, &notice, Some(200)).await;

    fault(&sandbox, "lost_notice").await;
    let event = paid(&sandbox).await;
    sandbox.post("/clock", &json!({ "advance_s": 86_400 })).await;
    assert!(due(&sandbox, 300).await.is_empty(), "it never comes");
    sandbox.post("/resends", &json!({ "event_id": event })).await;
    report(&sandbox, &next(&sandbox).await, Some(200)).await;
    world.playground.stop().await;
}
