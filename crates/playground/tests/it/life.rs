//! Sandboxes come, sleep, wake and go.

use jialing_playground::Bounds;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::world::{Sandbox, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_sleeps_to_make_room_and_wakes_with_everything_it_had() {
    let bounds = Bounds { awake: 1, rest_s: 0, most: 2, ..Bounds::default() };
    let world = World::start(bounds).await;
    let first = world.create().await;
    let merchant = first.merchant().await;
    let order = merchant.order("1", "tea", 1_280).await.expect("an order");
    first.post("/clock", &json!({ "advance_s": 60 })).await;

    let second = world.create().await;
    assert_eq!(world.playground.count().await, (2, 1), "one sleeps");
    assert_eq!(merchant.order_by_id(&order.id).await.expect("it wakes").state, "NOTPAY");
    assert_eq!(world.playground.count().await, (2, 1), "now the other one sleeps");
    assert_eq!(first.door(Method::GET, "/clock", None).await.body["ahead_s"], 60);
    let log = first.door(Method::GET, "/logs", None).await;
    assert!(log.body["items"].as_array().expect("items").len() >= 2, "what was noted stays");

    // Nobody's token opens another's doors, and nobody's key another's platform.
    let crossed = Sandbox { token: second.token.clone(), ..first };
    assert_eq!(crossed.door(Method::GET, "", None).await.status, 401);
    let crossed = Sandbox { base: second.base.clone(), ..crossed };
    let refused = crossed.order_with("2", 100, &[]).await.expect("an answer");
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.json::<Value>().await.expect("JSON")["code"], "key_unknown");

    // All places are taken until one is given back.
    let full = Client::new()
        .post(format!("{}/v1/sandbox", world.playground.url()))
        .json(&json!({}))
        .send()
        .await
        .expect("an answer");
    assert_eq!(full.status(), 503);
    assert_eq!(second.door(Method::DELETE, "", None).await.status, 204);
    assert_eq!(second.door(Method::GET, "", None).await.status, 404);
    world.create().await;
    world.playground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_outlives_its_process_and_a_rotated_key_stays_in_the_directory() {
    let world = World::start(Bounds::default()).await;
    let sandbox = world.create().await;
    let order = sandbox.merchant().await.order("1", "tea", 1_280).await.expect("an order");
    let before = sandbox.door(Method::GET, "", None).await.body["keys"].clone();
    let rotated = sandbox.post("/keys/rotation", &json!({})).await;
    let after = sandbox.door(Method::GET, "", None).await.body["keys"].clone();
    assert_eq!((&after[0], &after[1]), (&rotated["serial"], &before[0]));
    assert_ne!(after[0], before[0]);

    let world = world.again(Bounds::default()).await;
    let base = format!("{}/s/{}", world.playground.url(), sandbox.id);
    let sandbox = Sandbox { base, ..sandbox };
    // A client that reads the directory anew accepts what the new key signs.
    let merchant = sandbox.merchant().await;
    assert_eq!(merchant.order_by_id(&order.id).await.expect("it is there").state, "NOTPAY");
    let paid = merchant.order("2", "tea", 900).await.expect("an order");
    sandbox.hear("order.paid", &paid.id).await;
    world.playground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_may_ask_is_refused_at_the_front() {
    let world = World::start(Bounds::default()).await;
    let url = world.playground.url();
    let http = Client::new();
    let check = async |request: reqwest::RequestBuilder, status: u16, code: &str| {
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{code}");
        let body: Value = answer.json().await.expect("JSON");
        assert_eq!(body["code"], code);
    };
    let long = "x".repeat(61);
    let create = || http.post(format!("{url}/v1/sandbox"));
    check(create().body("{}"), 415, "unsupported_media_type").await;
    check(create().json(&json!({ "colour": 1 })), 400, "invalid_request").await;
    check(create().json(&json!({ "name": long })), 400, "invalid_request").await;
    check(create().header("host", "evil.example").json(&json!({})), 403, "forbidden").await;
    check(http.get(format!("{url}/s/sbx_0123456789abcdef0123/v1/public/status")), 404, "not_found").await;
    check(http.get(format!("{url}/s/..%2f..%2fetc/v1/public/status")), 404, "not_found").await;
    check(http.get(format!("{url}/s/sbx_0123456789abcdef0123/v1/sandbox")), 404, "not_found").await;
    assert_eq!(world.playground.count().await, (0, 0), "nothing was made");
    world.playground.stop().await;
}
