//! What goes wrong on order, call by call.

use jialing_crypto::PublicKey;
use jialing_crypto::http_signature::CallbackSignature;
use jialing_playground::{Bounds, FaultKind};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Sandbox, World, until};

/// Whether an order of this number is there.
async fn is_there(sandbox: &Sandbox, number: &str) -> bool {
    let path = format!("/v1/merchant/orders/out-trade-no/{number}");
    let answer = sandbox.signed(Method::GET, &path, None, &[]).await.expect("an answer");
    answer.status().is_success()
}

/// The platform's key.
async fn platform_key(sandbox: &Sandbox) -> PublicKey {
    let mut keys = jialing_sdk::Public::new(&sandbox.base).platform_keys().await.expect("the keys");
    keys.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_calls_has_the_effect_and_the_answer_that_the_reference_says() {
    let world = World::start(Bounds::default()).await;
    let sandbox = world.create().await;
    let key = platform_key(&sandbox).await;
    // What each kind answers, and whether the order is there afterwards.
    let check = async |kind: &str, status: Option<u16>, code: Option<&str>, effect: bool| {
        let number = kind.split(';').next().expect("a kind");
        let headers = [("jialing-sandbox-fault", kind)];
        let sent = sandbox.order_with(number, 1_280, &headers);
        let Ok(sent) = tokio::time::timeout(std::time::Duration::from_millis(1500), sent).await else {
            assert_eq!(status, None, "{kind}: no answer came");
            assert_eq!(is_there(&sandbox, number).await, effect, "{kind}");
            return;
        };
        let answer = sent.expect("a head at least");
        let got = answer.status().as_u16();
        let body = answer.json::<Value>().await;
        match status {
            Some(status) => {
                let body = body.expect("JSON");
                assert_eq!((got, body["code"].as_str()), (status, code), "{kind}: {body}");
            }
            None => assert!(body.is_err(), "{kind}: the answer breaks off"),
        }
        assert_eq!(is_there(&sandbox, number).await, effect, "{kind}");
    };
    check("timeout_before", None, None, false).await;
    check("timeout_after", None, None, true).await;
    check("unknown", Some(504), Some("outcome_unknown"), true).await;
    check("late_success; delay_s=1", Some(504), Some("outcome_unknown"), false).await;
    check("error", Some(500), Some("internal"), false).await;
    check("error_after", Some(500), Some("internal"), true).await;
    check("overloaded", Some(503), Some("overloaded"), false).await;
    check("rate_limited", Some(429), Some("rate_limited"), false).await;
    check("torn", None, None, true).await;
    check("bad_signature", Some(201), None, true).await;
    check("mischief", Some(400), Some("invalid_request"), false).await;
    until("the late order", async || is_there(&sandbox, "late_success").await.then_some(())).await;

    let fits = async |headers: &[(&str, &str)]| {
        let answer = sandbox.order_with("signed", 1_280, headers).await.expect("an answer");
        let header =
            |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let names = [
            "jialing-timestamp",
            "jialing-nonce",
            "jialing-serial",
            "jialing-signature",
            "jialing-signature-type",
        ];
        let kept: Vec<_> = names.iter().map(|name| (*name, header(name))).collect();
        let signature = CallbackSignature::from_headers(|name| {
            kept.iter().find(|(known, _)| *known == name).and_then(|(_, value)| value.as_deref())
        });
        let body = answer.bytes().await.expect("a body");
        signature.expect("it is signed").verify(&key, &body).is_ok()
    };
    assert!(fits(&[]).await);
    assert!(!fits(&[("jialing-sandbox-fault", "bad_signature")]).await);
    world.playground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ordered_faults_wait_for_their_route_and_the_log_tells_of_them() {
    let world = World::start(Bounds::default()).await;
    let sandbox = world.create().await;
    let route = "GET /v1/merchant/orders/{order_id}";
    let waiting = sandbox.post("/faults", &json!({ "kind": "error", "times": 2, "route": route })).await;
    assert_eq!(waiting["items"][0]["times"], 2);
    let wrong = sandbox.door(Method::POST, "/faults", Some(&json!({ "kind": "error", "times": 0 }))).await;
    assert_eq!((wrong.status, &wrong.body["field"]), (400, &json!("times")));

    let made = sandbox.order_with("1", 1_280, &[]).await.expect("an answer");
    assert_eq!(made.status(), 201, "the fault waits for another route");
    let made: Value = made.json().await.expect("JSON");
    let path = format!("/v1/merchant/orders/{}", made["id"].as_str().expect("an id"));
    for status in [500, 500, 200] {
        let read = sandbox.signed(Method::GET, &path, None, &[]).await.expect("an answer");
        assert_eq!(read.status(), status);
    }

    // A signature over another path shows the text that the server checked, and what helps.
    let stranger = sandbox.http.post(format!("{}/v1/merchant/orders", sandbox.base)).body("{}");
    let whole = format!("/s/{}/v1/merchant/orders", sandbox.id);
    let signature = jialing_crypto::http_signature::RequestSignature::sign(
        &sandbox.key,
        &sandbox.merchant_id,
        "POST",
        &whole,
        b"{}",
        jiff::Timestamp::now().as_second(),
    );
    let refused = stranger.header("authorization", signature.to_header()).send().await.expect("an answer");
    assert_eq!(refused.status(), 401);

    let log = sandbox.door(Method::GET, "/logs?after=0&wait_ms=1000", None).await;
    let entries = log.body["items"].as_array().expect("items");
    let shown: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                entry["status"].as_u64(),
                entry["code"].as_str(),
                entry["fault"].as_str(),
                entry["signature"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (Some(201), None, None, Some("fits")),
            (Some(500), Some("internal"), Some("error"), None),
            (Some(500), Some("internal"), Some("error"), None),
            (Some(200), None, None, Some("fits")),
            (Some(401), Some("signature_invalid"), None, Some("signature_invalid")),
        ]
    );
    let last = &entries[4];
    let text = last["signed_text"].as_str().expect("the text");
    assert!(text.starts_with("POST\n/v1/merchant/orders\n"), "{text}");
    assert!(last["hint"].as_str().expect("a hint").contains(&whole));
    assert_eq!(entries[0]["body"].as_str().expect("a body"), crate::world::order("1", 1_280).to_string());

    sandbox.post("/faults", &json!({ "kind": "torn" })).await;
    assert_eq!(sandbox.door(Method::DELETE, "/faults", None).await.status, 204);
    assert_eq!(sandbox.door(Method::GET, "/faults", None).await.body, json!({ "items": [] }));
    world.playground.stop().await;
}

#[test]
fn the_reference_explains_every_kind() {
    let page = include_str!("../../../../docs/reference/sandbox.md");
    for kind in FaultKind::ALL {
        let name = serde_json::to_value(kind).expect("JSON");
        let name = name.as_str().expect("a text");
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
}
