//! Many at once: exactly what is allowed passes, each answer is right, nothing is lost.

use futures_util::future::join_all;
use jialing_platform::orders::Order;
use reqwest::Method;
use serde_json::json;

use crate::citizen::Citizen;
use crate::city;
use crate::door::{Door, Heard, Street, nothing_is_lost};
use crate::world::{World, on_each_backend};

/// How many went well; the others are one of these problems.
#[track_caller]
fn passed(all: &[Heard], refusals: &[&str]) -> usize {
    let (well, refused): (Vec<_>, Vec<_>) = all.iter().partition(|heard| heard.status < 300);
    for heard in refused {
        let code = heard.text("code");
        assert!(refusals.contains(&code.as_str()), "{}", heard.body);
    }
    well.len()
}

async fn orders(world: &World, street: &Street, many: u64, fen: u64) -> Vec<Order> {
    let mut orders = Vec::new();
    for n in 0..many {
        orders.push(street.shop.order(world, &format!("race-{n}"), fen).await);
    }
    orders
}

#[test]
fn of_ten_payments_at_once_exactly_those_within_the_days_limit_pass() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        city::fund(world, street.wallet, 1_000_000).await;
        // Class III pays 10,000 yuan a day: six times 1,500, and then 1,000 more to the fen.
        let orders = orders(world, &street, 10, 150_000).await;
        let heard =
            join_all(orders.iter().map(|order| door.pay(world, &street.payer, street.wallet, order))).await;
        assert_eq!(passed(&heard, &["over_day_limit"]), 6);
        assert_eq!(city::balance(world, street.shop.wallet).await, 900_000);
        let over = street.shop.order(world, "one-fen-over", 100_001).await;
        door.pay(world, &street.payer, street.wallet, &over).await.is("over_day_limit");
        let edge = street.shop.order(world, "to-the-edge", 100_000).await;
        door.pay(world, &street.payer, street.wallet, &edge).await.went_well();
        let fen = street.shop.order(world, "one-fen", 1).await;
        door.pay(world, &street.payer, street.wallet, &fen).await.is("over_day_limit");
        assert_eq!(city::balance(world, street.shop.wallet).await, 1_000_000);
        nothing_is_lost(world).await;
    });
}

#[test]
fn of_ten_payments_at_once_exactly_those_that_the_balance_covers_pass() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let wallet = city::wallet(world, &street.payer, "BKB", 10_050).await;
        let orders = orders(world, &street, 10, 2_000).await;
        let heard = join_all(orders.iter().map(|order| door.pay(world, &street.payer, wallet, order))).await;
        assert_eq!(passed(&heard, &["balance_too_low"]), 5);
        assert_eq!(city::balance(world, wallet).await, 50);
        assert_eq!(city::balance(world, street.shop.wallet).await, 10_000);
        nothing_is_lost(world).await;
    });
}

#[test]
fn two_people_and_many_repetitions_pay_an_order_once() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let friend = Citizen::identified(world, 3, "韩梅梅").await;
        let friends = city::wallet(world, &friend, "BKC", 500_000).await;
        let order = street.shop.order(world, "one", 3_000).await;
        let mut all = Vec::new();
        for _ in 0..4 {
            all.push(door.pay(world, &street.payer, street.wallet, &order));
            all.push(door.pay(world, &friend, friends, &order));
        }
        let heard = join_all(all).await;
        assert!(passed(&heard, &["order_paid", "in_progress"]) >= 1);
        let left = city::balance(world, street.wallet).await + city::balance(world, friends).await;
        assert_eq!((left, city::balance(world, street.shop.wallet).await), (1_497_000, 3_000));
        nothing_is_lost(world).await;
    });
}

#[test]
fn the_same_request_sent_many_times_at_once_moves_money_once() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let order = street.shop.order(world, "same", 3_000).await;
        let (merchant, id): (String, String) = (order.merchant_id.to_string(), order.id.to_string());
        let evidence = street.payer.sign(world, "pay", &merchant, 3_000, &id, street.wallet);
        let ask = json!({ "wallet_id": street.wallet, "pin": crate::citizen::PIN, "evidence": evidence });
        let target = format!("/v1/wallet/orders/{id}/payments");
        let heard =
            join_all((0..8).map(|_| door.person(&street.payer, Method::POST, &target, Some(&ask)))).await;
        assert!(passed(&heard, &["in_progress"]) >= 1);
        // A lost answer is asked for again, with the same bytes.
        let again = door.person(&street.payer, Method::POST, &target, Some(&ask)).await;
        assert_eq!((again.status, again.text("state").as_str()), (200, "SUCCESS"), "{}", again.body);
        assert_eq!(city::balance(world, street.wallet).await, 997_000);
        nothing_is_lost(world).await;
    });
}

#[test]
fn refunds_at_once_never_give_back_more_than_was_paid() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let order = street.shop.order(world, "back", 1_000).await;
        door.pay(world, &street.payer, street.wallet, &order).await.went_well();
        let asks: Vec<_> = (0..10)
            .map(|n| json!({ "out_refund_no": format!("back-{n}"), "order_id": order.id, "amount": { "amount": 300, "currency": "CNY" } }))
            .collect();
        let heard = join_all(
            asks.iter()
                .map(|ask| door.merchant(&street.server, Method::POST, "/v1/merchant/refunds", Some(ask))),
        )
        .await;
        assert_eq!(passed(&heard, &["refund_exceeds_paid", "in_progress"]), 3);
        world.settle().await;
        assert_eq!(city::balance(world, street.shop.wallet).await, 100);
        assert_eq!(city::balance(world, street.wallet).await, 999_900);
        nothing_is_lost(world).await;
    });
}

#[test]
fn an_order_whose_time_is_over_cannot_be_paid() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let order = street.shop.order(world, "late", 1_000).await;
        world.clock.advance(1_201_000);
        door.pay(world, &street.payer, street.wallet, &order).await.is("order_closed");
        assert_eq!(city::balance(world, street.wallet).await, 1_000_000);
        nothing_is_lost(world).await;
    });
}

#[test]
fn a_clock_that_goes_back_loses_nothing_and_lets_nothing_happen_twice() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let first = street.shop.order(world, "before", 1_000).await;
        door.pay(world, &street.payer, street.wallet, &first).await.went_well();
        world.clock.advance(-3_600_000);
        let again = door.pay(world, &street.payer, street.wallet, &first).await;
        assert_eq!((again.status, again.text("state").as_str()), (200, "SUCCESS"), "{}", again.body);
        let second = street.shop.order(world, "after", 2_000).await;
        door.pay(world, &street.payer, street.wallet, &second).await.went_well();
        world.clock.advance(3_600_000);
        let read = door
            .merchant(&street.server, Method::GET, &format!("/v1/merchant/orders/{}", second.id), None)
            .await;
        assert_eq!(read.text("state"), "SUCCESS");
        assert_eq!(city::balance(world, street.shop.wallet).await, 3_000);
        nothing_is_lost(world).await;
    });
}
