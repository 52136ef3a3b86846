//! A sandbox's own clock.

use jialing_playground::{Bounds, MOST_AHEAD_MS};
use reqwest::Method;
use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn moving_the_clock_expires_orders_and_leaves_signatures_in_real_time() {
    let world = World::start(Bounds::default()).await;
    let (moved, other) = tokio::join!(world.create(), world.create());
    let (merchant, elsewhere) = (moved.merchant().await, other.merchant().await);
    let order = merchant.order("1", "tea", 1_280).await.expect("an order");
    let untouched = elsewhere.order("1", "tea", 1_280).await.expect("an order");

    let shown = moved.post("/clock", &json!({ "advance_s": 86_400 })).await;
    assert_eq!(shown["ahead_s"], 86_400);
    // The integrator's own clock was not moved: requests and answers are signed in real time.
    assert_eq!(merchant.order_by_id(&order.id).await.expect("signed as before").state, "CLOSED");
    let told = moved.hear("order.closed", &order.id).await;
    assert_eq!(told["resource"]["close_reason"], "EXPIRED");
    // Payers stay signed in, and their devices' signatures hold.
    let paid = merchant.order("2", "tea", 900).await.expect("an order");
    moved.hear("order.paid", &paid.id).await;
    assert_eq!(elsewhere.order_by_id(&untouched.id).await.expect("it is there").state, "NOTPAY");
    assert_eq!(other.door(Method::GET, "/clock", None).await.body["ahead_s"], 0);

    let check = async |advance_s: i64, status: u16| {
        let answer = moved.door(Method::POST, "/clock", Some(&json!({ "advance_s": advance_s }))).await;
        assert_eq!(answer.status, status, "{advance_s}: {answer:?}");
    };
    let most = MOST_AHEAD_MS / 1000;
    check(-1, 400).await;
    check(most - 86_400 + 1, 400).await;
    check(i64::MAX, 400).await;
    check(most - 86_400, 200).await;
    let paid = merchant.order("3", "tea", 900).await.expect("an order");
    moved.hear("order.paid", &paid.id).await;
    world.playground.stop().await;
}
