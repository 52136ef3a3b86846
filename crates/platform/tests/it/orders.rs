//! Orders: natural keys, expiry, closing, and what a merchant sees.

use futures_util::future::join_all;
use jialing_platform::id::StoreId;
use jialing_platform::merchants::{self, StoreAsk};
use jialing_platform::orders::{self, CloseReason, ListAsk, Name, OrderAsk, State};
use jialing_platform::{Code, Money, Problem};

use crate::market::{Payer, Shop, found};
use crate::world::{World, on_each_backend};

/// The code and field of a problem.
fn said(problem: &Problem) -> (Code, Option<&str>) {
    (problem.code, problem.field.as_deref())
}

async fn refused(world: &World, shop: &Shop, ask: OrderAsk) -> Problem {
    orders::create(&world.app, &shop.caller, ask).await.expect_err("the order is refused")
}

#[test]
fn an_order_is_checked_field_by_field() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let ask = || Shop::ask("A-1", 1250);
        let elsewhere = StoreId::new(world.clock.millis());
        for (ask, code, field) in [
            (OrderAsk { out_trade_no: String::new(), ..ask() }, Code::InvalidRequest, "out_trade_no"),
            (OrderAsk { out_trade_no: "订单".into(), ..ask() }, Code::InvalidRequest, "out_trade_no"),
            (OrderAsk { out_trade_no: "9".repeat(65), ..ask() }, Code::InvalidRequest, "out_trade_no"),
            (OrderAsk { description: "a\u{202e}b".into(), ..ask() }, Code::InvalidRequest, "description"),
            (OrderAsk { description: "d".repeat(128), ..ask() }, Code::InvalidRequest, "description"),
            (OrderAsk { amount: Money::fen(0), ..ask() }, Code::AmountInvalid, "amount"),
            (OrderAsk { amount: Money::fen(Money::MAX + 1), ..ask() }, Code::AmountInvalid, "amount"),
            (OrderAsk { expires_in: Some(59), ..ask() }, Code::InvalidRequest, "expires_in"),
            (OrderAsk { expires_in: Some(604_801), ..ask() }, Code::InvalidRequest, "expires_in"),
            (OrderAsk { attach: Some("a\nb".into()), ..ask() }, Code::InvalidRequest, "attach"),
            (
                OrderAsk { notify_url: Some("ftp://shop.example".into()), ..ask() },
                Code::InvalidRequest,
                "notify_url",
            ),
            (OrderAsk { goods_tag: Some("t".repeat(33)), ..ask() }, Code::InvalidRequest, "goods_tag"),
            (OrderAsk { store_id: Some(elsewhere), ..ask() }, Code::InvalidRequest, "store_id"),
        ] {
            let shown = format!("{ask:?}");
            assert_eq!(said(&refused(world, &shop, ask).await), (code, Some(field)), "{shown}");
        }
        let emoji = OrderAsk { description: "🍜 小面 👩‍🍳".into(), expires_in: Some(60), ..ask() };
        assert!(orders::create(&world.app, &shop.caller, emoji).await.expect("fine").fresh);
    });
}

#[test]
fn a_number_is_used_once_for_ever_and_a_conflict_names_the_field() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let store =
            StoreAsk {
                name: "解放碑店".into(), address: "民权路1号".into(), district: "渝中区".into()
            };
        let id = StoreId::new(world.clock.millis());
        let store =
            merchants::add_store(&world.app, &shop.owner.actor, shop.id, id, store).await.expect("added");
        let ask = || OrderAsk {
            store_id: Some(store.id),
            expires_in: Some(600),
            attach: Some("table 7".into()),
            notify_url: Some("https://shop.example/paid".into()),
            goods_tag: Some("noodles".into()),
            ..Shop::ask("A-1", 1250)
        };
        let first = orders::create(&world.app, &shop.caller, ask()).await.expect("created");
        let again = orders::create(&world.app, &shop.caller, ask()).await.expect("there already");
        assert!(first.fresh && !again.fresh);
        assert_eq!(first.value, again.value);
        for (ask, field) in [
            (OrderAsk { amount: Money::fen(1251), ..ask() }, "amount"),
            (OrderAsk { description: "other".into(), ..ask() }, "description"),
            (OrderAsk { store_id: None, ..ask() }, "store_id"),
            (OrderAsk { expires_in: None, ..ask() }, "expires_in"),
            (OrderAsk { attach: Some("table 8".into()), ..ask() }, "attach"),
            (OrderAsk { notify_url: None, ..ask() }, "notify_url"),
            (OrderAsk { goods_tag: Some("tea".into()), ..ask() }, "goods_tag"),
        ] {
            assert_eq!(said(&refused(world, &shop, ask).await), (Code::Conflict, Some(field)));
        }
        // Another merchant's numbers are its own.
        let other = Shop::open(world, 2, "BKB").await;
        assert!(orders::create(&world.app, &other.caller, Shop::ask("A-1", 1)).await.expect("created").fresh);
        // A merchant that is suspended is still told what it ordered, and orders nothing new.
        merchants::suspend(&world.app, shop.id, "inspection", "test").await.expect("suspended");
        assert!(!orders::create(&world.app, &shop.caller, ask()).await.expect("told").fresh);
        assert_eq!(refused(world, &shop, Shop::ask("A-2", 1)).await.code, Code::MerchantInactive);
    });
}

#[test]
fn twenty_identical_orders_at_once_are_one_order() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let tries = (0..20).map(|_| orders::create(&world.app, &shop.caller, Shop::ask("A-1", 1250)));
        let made: Vec<_> =
            join_all(tries).await.into_iter().map(|made| made.expect("created or there")).collect();
        assert_eq!(made.iter().filter(|made| made.fresh).count(), 1);
        assert!(made.iter().all(|each| each.value.id == made[0].value.id));
    });
}

#[test]
fn an_order_is_closed_by_its_merchant_or_by_time() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let by_merchant = shop.order(world, "A-1", 100).await;
        assert_eq!(by_merchant.state, State::NotPay);
        assert!(by_merchant.qr_code.is_some());
        for _ in 0..2 {
            let closed =
                orders::close(&world.app, shop.id, Name::OutTradeNo("A-1".into())).await.expect("closed");
            assert_eq!((closed.state, closed.close_reason), (State::Closed, Some(CloseReason::Merchant)));
            assert!(closed.qr_code.is_none() && closed.closed_at.is_some());
        }
        let by_time = shop.order(world, "A-2", 100).await;
        world.clock.advance(1_200_000 - 5_000);
        assert_eq!(shop.see(world, by_time.id).await.state, State::NotPay);
        world.clock.advance(10_000);
        // Time closes it at the moment of reading; the sweeper writes the same down.
        let read = shop.see(world, by_time.id).await;
        assert_eq!((read.state, read.close_reason), (State::Closed, Some(CloseReason::Expired)));
        orders::sweep(&world.app).await.expect("swept");
        let swept = shop.see(world, by_time.id).await;
        assert_eq!(
            (swept.state, &swept.close_reason, &swept.closed_at),
            (read.state, &read.close_reason, &read.closed_at)
        );
        assert_eq!(swept.closed_at, Some(by_time.expires_at));
        // What is not the merchant's is not there.
        let other = Shop::open(world, 2, "BKA").await;
        let closing = orders::close(&world.app, other.id, Name::Id(by_time.id)).await;
        assert_eq!(closing.expect_err("not theirs").code, Code::NotFound);
    });
}

#[test]
fn a_paid_order_is_neither_closed_nor_payable_and_time_does_not_touch_it() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let payer = Payer::with(world, 2, "BKB", 10_000).await;
        let order = shop.order(world, "A-1", 1250).await;
        payer.pay(world, &order).await.expect("paid");
        let closing = orders::close(&world.app, shop.id, Name::Id(order.id)).await;
        assert_eq!(closing.expect_err("paid").code, Code::OrderPaid);
        world.clock.advance(3_600_000);
        orders::sweep(&world.app).await.expect("swept");
        let paid = shop.see(world, order.id).await;
        assert_eq!((paid.state, paid.qr_code), (State::Success, None));
        assert!(paid.paid_at.is_some() && paid.transaction_id.is_some());
        let revoking = orders::revoke(&world.app, &shop.caller, Name::Id(order.id)).await;
        assert_eq!(revoking.expect_err("scanned, not charged").code, Code::StateConflict);
    });
}

#[test]
fn a_list_is_filtered_and_turned_page_by_page() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let mut numbers = Vec::new();
        for n in 0..5 {
            world.clock.advance(2);
            numbers.push(shop.order(world, &format!("A-{n}"), 100 + n).await.id);
        }
        orders::close(&world.app, shop.id, Name::Id(numbers[1])).await.expect("closed");
        let list = async |ask: ListAsk| {
            let page = orders::list(&world.app, shop.id, &ask).await.expect("a page");
            (
                page.items
                    .iter()
                    .map(|order| numbers.iter().position(|id| *id == order.id).expect("ours"))
                    .collect::<Vec<_>>(),
                page.has_more,
            )
        };
        let two = |after: Option<usize>, before: Option<usize>| ListAsk {
            limit: Some(2),
            after: after.map(|n| numbers[n].to_string()),
            before: before.map(|n| numbers[n].to_string()),
            ..ListAsk::default()
        };
        assert_eq!(list(ListAsk::default()).await, (vec![4, 3, 2, 1, 0], false));
        assert_eq!(list(two(None, None)).await, (vec![4, 3], true));
        assert_eq!(list(two(Some(3), None)).await, (vec![2, 1], true));
        assert_eq!(list(two(Some(1), None)).await, (vec![0], false));
        assert_eq!(list(two(None, Some(1))).await, (vec![3, 2], true));
        assert_eq!(list(two(None, Some(3))).await, (vec![4], false));
        let closed = ListAsk { state: Some(State::Closed), ..ListAsk::default() };
        assert_eq!(list(closed.clone()).await, (vec![1], false));
        let from = shop.see(world, numbers[3]).await.created_at;
        assert_eq!(
            list(ListAsk { from: Some(from.clone()), ..ListAsk::default() }).await,
            (vec![4, 3], false)
        );
        assert_eq!(list(ListAsk { to: Some(from), ..ListAsk::default() }).await, (vec![2, 1, 0], false));
        world.clock.advance(1_300_000);
        assert_eq!(list(closed).await, (vec![4, 3, 2, 1, 0], false), "what time closed is closed");
        let bad = ListAsk { from: Some("yesterday".into()), ..ListAsk::default() };
        assert_eq!(
            orders::list(&world.app, shop.id, &bad).await.expect_err("no time").field.as_deref(),
            Some("from")
        );
    });
}

#[test]
fn an_orders_code_leads_the_payer_to_the_order() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let payer = Payer::with(world, 2, "BKA", 0).await;
        let order = shop.order(world, "A-1", 1250).await;
        let payload = order.qr_code.clone().expect("it can be paid");
        assert!(payload.starts_with("000201010212") && payload.contains("5303156"), "{payload}");
        assert_eq!(orders::qr::named_in(&payload).expect("ours"), orders::qr::Named::Order(order.id));
        let ask = jialing_platform::payments::ScanAsk { payload };
        let seen = jialing_platform::payments::scan(&world.app, &payer.citizen.actor, &ask).await;
        let Ok(jialing_platform::payments::Scanned::Order(seen)) = seen else { panic!("{seen:?}") };
        assert_eq!(
            (seen.id, seen.merchant_id, seen.amount, seen.state),
            (order.id, shop.id, order.amount, State::NotPay)
        );
        assert_eq!(seen.merchant_name_zh, "小面馆1");
    });
}
