//! Events for merchants: one per change, versions that grow, kept 30 days.

use jialing_platform::follow::{self, Follower};
use jialing_platform::outbox::{self, EventType, EventsAsk, KEPT_MS};
use jialing_platform::{Code, orders, wallets};

use crate::city::found;
use crate::history::refund;
use crate::market::{Payer, Shop};
use crate::world::{World, on_each_backend};

async fn events(world: &World, shop: &Shop, delivered: Option<bool>) -> Vec<outbox::Event> {
    let ask = EventsAsk { delivered, ..EventsAsk::default() };
    outbox::list(&world.app, shop.id, ask).await.expect("own events").items
}

#[test]
fn a_merchant_hears_of_a_payment_and_its_refunds_once() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, ann) = (Shop::open(world, 1, "BKB").await, Payer::with(world, 2, "BKA", 10_000).await);
        let order = shop.order(world, "o-1", 2_800).await;
        assert_eq!(events(world, &shop, None).await, []);
        ann.pay(world, &order).await.expect("paid");
        refund(world, &shop, order.id, "r-1", 300).await;
        refund(world, &shop, order.id, "r-2", 200).await;
        let told = events(world, &shop, None).await;
        let types: Vec<EventType> = told.iter().map(|event| event.event).collect();
        assert_eq!(types, [EventType::RefundSucceeded, EventType::RefundSucceeded, EventType::OrderPaid]);
        let paid = &told[2].resource;
        assert_eq!(
            (paid["id"].as_str(), paid["state"].as_str()),
            (Some(order.id.to_string().as_str()), Some("SUCCESS"))
        );
        assert_eq!(paid["version"].as_i64(), Some(told[2].object_version));
        assert_eq!(
            (told[1].resource["out_refund_no"].as_str(), told[1].resource["state"].as_str()),
            (Some("r-1"), Some("SUCCESS"))
        );
        // Nobody learns from it who paid.
        let text = serde_json::to_string(&told).expect("JSON");
        assert!(!text.contains(&ann.wallet.to_string()) && !text.contains(&ann.citizen.person.to_string()));
        // Read again from the first record on, the journal tells nothing new.
        follow::rebuild(&world.app, Follower::Outbox).await.expect("set back");
        world.crash().await;
        world.settle().await;
        assert_eq!(events(world, &shop, None).await, told);
    });
}

#[test]
fn a_merchant_hears_of_orders_that_closed_and_refunds_that_did_not_come_through() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, ann) = (Shop::open(world, 1, "BKA").await, Payer::with(world, 2, "BKA", 10_000).await);
        let order = shop.order(world, "paid", 2_800).await;
        ann.pay(world, &order).await.expect("paid");
        for number in ["by-the-shop", "by-time"] {
            shop.order(world, number, 100).await;
        }
        let name = || orders::Name::OutTradeNo("by-the-shop".into());
        orders::close(&world.app, shop.id, name()).await.expect("closed");
        orders::close(&world.app, shop.id, name()).await.expect("closed before");
        // The payer's wallet can take nothing back, then it is lifted and the refund is tried again.
        wallets::control(&world.app, ann.wallet, wallets::Control::CreditFrozen).await.expect("frozen");
        refund(world, &shop, order.id, "r-1", 300).await;
        world.clock.advance(2_000_000);
        orders::sweep(&world.app).await.expect("swept");
        orders::sweep(&world.app).await.expect("nothing is left");
        let told = events(world, &shop, None).await;
        let lines: Vec<(EventType, &str)> = told
            .iter()
            .map(|event| (event.event, event.resource["state"].as_str().unwrap_or_default()))
            .collect();
        assert_eq!(
            lines,
            [
                (EventType::OrderClosed, "CLOSED"),
                (EventType::RefundAbnormal, "ABNORMAL"),
                (EventType::OrderClosed, "CLOSED"),
                (EventType::OrderPaid, "SUCCESS"),
            ]
        );
        assert_eq!(told[0].resource["close_reason"], "EXPIRED");
        assert_eq!(told[2].resource["close_reason"], "MERCHANT");
    });
}

#[test]
fn an_acknowledged_event_is_delivered_and_only_its_merchant_can_do_that() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, ann) = (Shop::open(world, 1, "BKB").await, Payer::with(world, 2, "BKA", 10_000).await);
        let other = Shop::open(world, 3, "BKB").await;
        for number in ["o-1", "o-2"] {
            ann.pay(world, &shop.order(world, number, 100).await).await.expect("paid");
        }
        let id = events(world, &shop, Some(false)).await[1].id;
        assert_eq!(
            outbox::acknowledge(&world.app, other.id, id).await.expect_err("another's event").code,
            Code::NotFound
        );
        assert_eq!(
            outbox::get(&world.app, other.id, id).await.expect_err("another's event").code,
            Code::NotFound
        );
        let first = outbox::acknowledge(&world.app, shop.id, id).await.expect("acknowledged");
        world.clock.advance(60_000);
        assert_eq!(
            outbox::acknowledge(&world.app, shop.id, id).await.expect("again"),
            first,
            "the first time counts"
        );
        assert_eq!(
            (events(world, &shop, Some(false)).await.len(), events(world, &shop, Some(true)).await.len()),
            (1, 1)
        );
        assert_eq!(events(world, &other, None).await, []);
    });
}

#[test]
fn events_are_kept_thirty_days_and_a_rebuild_brings_none_back() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, ann) = (Shop::open(world, 1, "BKB").await, Payer::with(world, 2, "BKA", 10_000).await);
        ann.pay(world, &shop.order(world, "o-1", 100).await).await.expect("paid");
        world.clock.advance(KEPT_MS - 60_000);
        assert_eq!(outbox::expire(&world.app).await.expect("swept"), 0);
        world.clock.advance(120_000);
        assert_eq!(outbox::expire(&world.app).await.expect("swept"), 1);
        follow::rebuild(&world.app, Follower::Outbox).await.expect("set back");
        world.crash().await;
        world.settle().await;
        assert_eq!(events(world, &shop, None).await, []);
    });
}
