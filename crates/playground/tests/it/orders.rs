//! Orders in a sandbox, and payers who pay them on their own.

use jialing_playground::Bounds;
use reqwest::Method;
use serde_json::json;

use crate::world::{World, until};

#[tokio::test(flavor = "multi_thread")]
async fn payers_do_with_an_order_what_its_amount_asks() {
    let world = World::start(Bounds::default()).await;
    let sandbox = world.create().await;
    let merchant = sandbox.merchant().await;
    let made =
        async |number: &str, amount: u64| merchant.order(number, "tea", amount).await.expect("an order").id;

    // Ordinary orders, also one above what a payer holds at first, are paid by themselves.
    for (number, amount) in [("plain", 1_250), ("large", 1_200_000), ("wrong-pin", 1_282), ("two", 1_284)] {
        let id = made(number, amount).await;
        let paid = sandbox.hear("order.paid", &id).await;
        assert_eq!(paid["resource"]["state"], "SUCCESS", "{number}");
    }

    // A payer without money tries and gives up, nobody pays, and one pays in a minute of this clock.
    let (poor, never, later) =
        (made("poor", 1_281).await, made("never", 1_280).await, made("later", 1_283).await);
    until("the seventh order", async || {
        let log = sandbox.door(Method::GET, "/logs", None).await;
        let orders =
            log.body["items"].as_array()?.iter().filter(|entry| entry["path"] == "/v1/merchant/orders");
        (orders.count() == 7).then_some(())
    })
    .await;
    sandbox.post("/clock", &json!({ "advance_s": 61 })).await;
    assert_eq!(sandbox.hear("order.paid", &later).await["resource"]["out_trade_no"], "later");
    for id in [&poor, &never] {
        assert_ne!(merchant.order_by_id(id).await.expect("it is there").state, "SUCCESS");
    }
    // Told to, a payer pays even that; told again, it is paid already, once.
    let paid = sandbox.post("/payments", &json!({ "order_id": never })).await;
    assert_eq!(paid["state"], "SUCCESS");
    let again = sandbox.post("/payments", &json!({ "order_id": never })).await;
    assert_eq!(again, paid);
    let unknown = sandbox.door(Method::POST, "/payments", Some(&json!({ "order_id": "ord_1" }))).await;
    assert_eq!((unknown.status, &unknown.body["code"]), (404, &json!("not_found")));

    // Told to wait, they wait.
    let manner = json!({ "pays": "when_told", "after_s": 0 });
    assert_eq!(sandbox.door(Method::PUT, "/payers", Some(&manner)).await.body, manner);
    let waiting = made("waiting", 700).await;
    let last = made("last", 785).await;
    let auto = json!({ "pays": "auto", "after_s": 5 });
    sandbox.door(Method::PUT, "/payers", Some(&auto)).await;
    assert_eq!(sandbox.door(Method::GET, "/payers", None).await.body, auto);
    assert_eq!(merchant.order_by_id(&waiting).await.expect("it is there").state, "NOTPAY");
    let soon = made("soon", 701).await;
    sandbox.post("/clock", &json!({ "advance_s": 6 })).await;
    sandbox.hear("order.paid", &soon).await;
    for id in [&waiting, &last] {
        assert_eq!(merchant.order_by_id(id).await.expect("it is there").state, "NOTPAY");
    }
    let too_late = json!({ "pays": "auto", "after_s": 86_401 });
    assert_eq!(sandbox.door(Method::PUT, "/payers", Some(&too_late)).await.body["field"], "after_s");
    world.playground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_triggered_really_happens() {
    let world = World::start(Bounds::default()).await;
    let sandbox = world.create().await;
    let merchant = sandbox.merchant().await;

    let asked = json!({ "event": "order.paid", "override": { "amount": 990, "out_trade_no": "T1" } });
    let paid = sandbox.post("/triggers", &asked).await;
    let order = merchant.order_by_number("T1").await.expect("it is there");
    assert_eq!((order.state.as_str(), order.amount.amount), ("SUCCESS", 990));
    assert_eq!(paid["resource"]["id"], json!(order.id));

    let closed = sandbox.post("/triggers", &json!({ "event": "order.closed" })).await;
    let id = closed["resource"]["id"].as_str().expect("an id");
    assert_eq!(merchant.order_by_id(id).await.expect("it is there").state, "CLOSED");

    let asked =
        json!({ "event": "refund.succeeded", "override": { "refund_amount": 250, "out_refund_no": "R1" } });
    let refunded = sandbox.post("/triggers", &asked).await;
    assert_eq!(refunded["resource"]["amount"]["amount"], 250);
    assert_eq!(merchant.refund_by_number("R1").await.expect("it is there").state, "SUCCESS");

    let closed = sandbox.post("/triggers", &json!({ "event": "refund.closed" })).await;
    assert_eq!(closed["resource"]["state"], "CLOSED");

    let check = async |body: serde_json::Value, code: &str, field: &str| {
        let refused = sandbox.door(Method::POST, "/triggers", Some(&body)).await;
        assert_eq!((&refused.body["code"], &refused.body["field"]), (&json!(code), &json!(field)), "{body}");
    };
    check(json!({ "event": "sun.rises" }), "invalid_request", "event").await;
    check(
        json!({ "event": "order.paid", "override": { "colour": 1 } }),
        "invalid_request",
        "override.colour",
    )
    .await;
    check(json!({ "event": "order.paid", "override": { "amount": 0 } }), "amount_invalid", "override.amount")
        .await;
    world.playground.stop().await;
}
