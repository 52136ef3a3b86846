//! What an order says besides its amount, and the cashier that shows it to whoever holds its token.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join;
use jialing_platform::orders::cashier::{self, MAX_WAIT_MS, WaitAsk};
use jialing_platform::orders::{self, Goods, Name, Order, OrderAsk, State, carriers, goods};
use jialing_platform::payments::{self, PayAsk, ScanAsk, Scanned, Via};
use jialing_platform::{Code, Money, Problem};

use crate::citizen::PIN;
use crate::market::{Payer, Shop, found};
use crate::world::{World, on_each_backend};

fn line(name: &str) -> Goods {
    Goods { goods_id: "n-1".into(), name: name.into(), quantity: 2, unit_price: Money::fen(600) }
}

fn token(order: &Order) -> String {
    let address = order.cashier_url.clone().expect("it is scanned");
    let token = address.strip_prefix("http://127.0.0.1/cashier/").expect("the public address");
    token.to_owned()
}

async fn pair(world: &World) -> (Shop, Payer) {
    found(world).await;
    (Shop::open(world, 1, "BKA").await, Payer::with(world, 2, "BKB", 200_000).await)
}

#[test]
fn an_order_tells_back_what_is_sold_and_where() {
    on_each_backend(async |world: &mut World| {
        let (shop, _) = pair(world).await;
        let ask = || OrderAsk {
            goods_detail: Some(vec![line("小面"), line("豆花")]),
            terminal: Some("T-07".into()),
            return_url: Some("https://shop.example/done?o=1".into()),
            ..Shop::ask("A-1", 1_200)
        };
        let order = orders::create(&world.app, &shop.caller, ask()).await.expect("created").value;
        assert_eq!((&order.goods_detail, &order.terminal), (&ask().goods_detail, &Some("T-07".into())));
        assert_eq!(order.return_url.as_deref(), Some("https://shop.example/done?o=1"));
        assert!(order.qr_code.as_deref().expect("payable").contains("0704T-07"), "{order:?}");
        assert!(!orders::create(&world.app, &shop.caller, ask()).await.expect("there").fresh);
        let check = async |ask: OrderAsk, code: Code, field: &str| {
            let problem: Problem =
                orders::create(&world.app, &shop.caller, ask).await.expect_err("another or wrong");
            assert_eq!((problem.code, problem.field.as_deref()), (code, Some(field)));
        };
        check(OrderAsk { goods_detail: None, ..ask() }, Code::Conflict, "goods_detail").await;
        let other = Some(vec![line("小面"), line("豆浆")]);
        check(OrderAsk { goods_detail: other, ..ask() }, Code::Conflict, "goods_detail").await;
        check(OrderAsk { terminal: None, ..ask() }, Code::Conflict, "terminal").await;
        check(OrderAsk { return_url: None, ..ask() }, Code::Conflict, "return_url").await;
        let fresh = || OrderAsk { out_trade_no: "A-2".into(), ..ask() };
        check(OrderAsk { terminal: Some("t".repeat(26)), ..fresh() }, Code::InvalidRequest, "terminal").await;
        check(OrderAsk { terminal: Some("收银".into()), ..fresh() }, Code::InvalidRequest, "terminal").await;
        let bad = Some("javascript:alert(1)".into());
        check(OrderAsk { return_url: bad, ..fresh() }, Code::InvalidRequest, "return_url").await;
        let many = Some(vec![line("小面"); goods::MAX_LINES + 1]);
        check(OrderAsk { goods_detail: many, ..fresh() }, Code::InvalidRequest, "goods_detail").await;
        let most = OrderAsk {
            goods_detail: Some(vec![line("小面"); goods::MAX_LINES]),
            terminal: Some("t".repeat(25)),
            ..fresh()
        };
        orders::create(&world.app, &shop.caller, most).await.expect("exactly what is allowed");
    });
}

#[test]
fn camera_link_and_tag_lead_to_the_same_order() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let order = shop.order(world, "A-1", 1_250).await;
        let (code, link) =
            (order.qr_code.clone().expect("payable"), order.app_link.clone().expect("payable"));
        assert!(link.starts_with(carriers::LINK) && link.is_ascii());
        let tag = STANDARD.decode(order.nfc.as_deref().expect("payable")).expect("base64");
        assert!(tag.ends_with(link.as_bytes()));
        for payload in [code, link] {
            let seen = payments::scan(&world.app, &payer.citizen.actor, &ScanAsk { payload }).await;
            assert!(matches!(seen, Ok(Scanned::Order(seen)) if seen.id == order.id));
        }
        payer.pay(world, &order).await.expect("paid");
        let paid = shop.see(world, order.id).await;
        assert_eq!((paid.qr_code, paid.app_link, paid.nfc), (None, None, None));
        assert_eq!(paid.cashier_url, order.cashier_url, "the page goes on to show it");
    });
}

#[test]
fn the_cashier_shows_an_order_to_whoever_holds_its_token_and_to_nobody_else() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let (one, two) = (shop.order(world, "A-1", 1_250).await, shop.order(world, "A-2", 1_250).await);
        assert_ne!(token(&one), token(&two));
        let seen = cashier::of(&world.app, &token(&one)).await.expect("shown");
        assert_eq!((seen.order_id, seen.state, seen.amount), (one.id, State::NotPay, one.amount));
        assert_eq!((seen.qr_code, seen.app_link), (one.qr_code.clone(), one.app_link.clone()));
        assert_eq!((seen.merchant.name_zh.as_str(), seen.merchant.mcc.as_str()), ("小面馆1", "5812"));
        for wrong in ["", "0", &one.id.to_string(), &token(&one).replace(|_: char| true, "0")] {
            let problem = cashier::of(&world.app, wrong).await.expect_err("no such token");
            assert_eq!(problem.code, Code::NotFound);
        }
        payer.pay(world, &one).await.expect("paid");
        let paid = cashier::of(&world.app, &token(&one)).await.expect("shown");
        assert_eq!((paid.state, &paid.qr_code), (State::Success, &None));
        let told = serde_json::to_string(&paid).expect("JSON");
        for secret in [payer.wallet.to_string(), payer.citizen.person.to_string(), "A-1".into()] {
            assert!(!told.contains(&secret), "{told}");
        }
    });
}

#[test]
fn a_question_waits_until_the_order_leaves_the_state_that_was_seen() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let order = shop.order(world, "A-1", 1_250).await;
        let (token, long) = (token(&order), Duration::from_millis(MAX_WAIT_MS));
        let ask = cashier::wait(&world.app, &token, State::NotPay, long);
        let (seen, paid) = join(ask, payer.pay(world, &order)).await;
        paid.expect("paid");
        // An attempt passes through USERPAYING; a page that saw that asks again.
        let seen = seen.expect("shown").state;
        assert!(matches!(seen, State::UserPaying | State::Success), "{seen}");
        let again = cashier::wait(&world.app, &token, State::UserPaying, long).await.expect("shown");
        assert_eq!(again.state, State::Success);
        // Nothing changes any more: the answer comes when its time is over.
        let still = cashier::wait(&world.app, &token, State::Success, Duration::from_millis(1)).await;
        assert_eq!(still.expect("shown").state, State::Success);
        // Time alone closes an order.
        let order = shop.order(world, "A-2", 1_250).await;
        let token = self::token(&order);
        let close = async { world.clock.advance(1_200_000) };
        let (closed, ()) = join(cashier::wait(&world.app, &token, State::NotPay, long), close).await;
        assert_eq!(closed.expect("shown").state, State::Closed);
    });
}

#[test]
fn a_question_waits_at_most_so_long() {
    let check = |wait_ms: Option<u64>, expect: Option<u64>| {
        let patience = WaitAsk { seen: None, wait_ms }.patience().ok();
        assert_eq!(patience, expect.map(Duration::from_millis), "{wait_ms:?}");
    };
    check(None, Some(0));
    check(Some(MAX_WAIT_MS), Some(MAX_WAIT_MS));
    check(Some(MAX_WAIT_MS + 1), None);
}

#[test]
fn a_payment_of_another_amount_is_refused() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let order = shop.order(world, "A-1", 1_250).await;
        let pay = |ask: PayAsk| payments::pay(&world.app, &payer.citizen.actor, order.id, ask);
        let named = PayAsk { amount: Some(Money::fen(1_249)), ..payer.agree(world, &order) };
        let problem = pay(named).await.expect_err("another amount");
        assert_eq!((problem.code, problem.field.as_deref()), (Code::AmountMismatch, Some("amount")));
        assert_eq!(problem.extra.expect("the order's amount")["amount"], 1_250);
        // Unnamed, the signed text decides.
        let other = Order { amount: Money::fen(1_249), ..order.clone() };
        let problem = pay(payer.agree(world, &other)).await.expect_err("another amount was signed");
        assert_eq!(problem.code, Code::DeviceSignatureInvalid);
        let named = PayAsk { amount: Some(order.amount), ..payer.agree(world, &order) };
        assert_eq!(pay(named).await.expect("paid").state, State::Success);
    });
}

#[test]
fn a_code_read_from_a_picture_is_under_the_limit_of_static_codes() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let pay = async |number: &str, amount: u64, via: Via| {
            let order = shop.order(world, number, amount).await;
            let ask = PayAsk { via: Some(via), pin: Some(PIN.into()), ..payer.agree(world, &order) };
            payments::pay(&world.app, &payer.citizen.actor, order.id, ask).await
        };
        pay("A-1", 50_000, Via::Image).await.expect("all of the day's 500 yuan");
        let problem = pay("A-2", 1, Via::Image).await.expect_err("nothing is left");
        assert_eq!(problem.code, Code::OverDayLimit);
        let figures = problem.extra.expect("figures");
        assert_eq!(
            (&figures["limited_by"], &figures["limit"], &figures["left"]),
            (&"static_code".into(), &50_000.into(), &0.into())
        );
        for (number, via) in [("A-3", Via::Camera), ("A-4", Via::Link), ("A-5", Via::Nfc)] {
            pay(number, 1, via).await.expect("seen where it is shown");
        }
        world.clock.advance(86_400_000);
        pay("A-6", 50_000, Via::Image).await.expect("another day");
        assert_eq!(shop.holds(world).await, 100_003);
    });
}

#[test]
fn a_merchant_finds_its_order_by_either_name() {
    on_each_backend(async |world: &mut World| {
        let (shop, _) = pair(world).await;
        let order = shop.order(world, "A-1", 1_250).await;
        for name in [Name::Id(order.id), Name::OutTradeNo("A-1".into())] {
            assert_eq!(orders::of(&world.app, shop.id, &name).await.expect("its own").id, order.id);
        }
    });
}
