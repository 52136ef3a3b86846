//! Static codes: printed once, paid with an amount that the payer types.

use futures_util::future::join_all;
use jialing_platform::id::{StaticCodeId, StoreId};
use jialing_platform::merchants::{self, StoreAsk};
use jialing_platform::orders::{self, ListAsk, RefundState, State, TradeType};
use jialing_platform::outbox::{self, EventsAsk};
use jialing_platform::payments::{self, PayerOrder, ScanAsk, Scanned};
use jialing_platform::refunds::{self, RefundAsk};
use jialing_platform::static_codes::{self, StaticCode, StaticCodeAsk, StaticPayAsk};
use jialing_platform::{Code, Money, PageAsk, Result};

use crate::citizen::PIN;
use crate::market::{Payer, Shop, found};
use crate::world::{World, on_each_backend};

fn ask() -> StaticCodeAsk {
    StaticCodeAsk { store_id: None, terminal: None, description: "小面".into(), notify_url: None }
}

async fn print(world: &World, shop: &Shop, ask: StaticCodeAsk) -> StaticCode {
    static_codes::create(&world.app, shop.id, "test", ask).await.expect("made").value
}

fn agree(world: &World, payer: &Payer, code: &StaticCode, amount: u64) -> StaticPayAsk {
    let (payee, subject) = (code.merchant_id.to_string(), code.id.to_string());
    let evidence = payer.citizen.sign(world, static_codes::ACTION, &payee, amount, &subject, payer.wallet);
    StaticPayAsk { wallet_id: payer.wallet, amount: Money::fen(amount), pin: Some(PIN.into()), evidence }
}

async fn send(world: &World, payer: &Payer, code: &StaticCode, ask: StaticPayAsk) -> Result<PayerOrder> {
    static_codes::pay(&world.app, &payer.citizen.actor, code.id, ask).await
}

async fn pay(world: &World, payer: &Payer, code: &StaticCode, amount: u64) -> Result<PayerOrder> {
    send(world, payer, code, agree(world, payer, code, amount)).await
}

async fn pair(world: &World) -> (Shop, Payer) {
    found(world).await;
    (Shop::open(world, 1, "BKA").await, Payer::with(world, 2, "BKB", 500_000).await)
}

#[test]
fn a_place_has_one_code_at_a_time() {
    on_each_backend(async |world: &mut World| {
        let (shop, _) = pair(world).await;
        let id = StoreId::new(world.clock.millis());
        let store =
            StoreAsk {
                name: "解放碑店".into(), address: "民权路1号".into(), district: "渝中区".into()
            };
        merchants::add_store(&world.app, &shop.owner.actor, shop.id, id, store).await.expect("added");
        let place = || StaticCodeAsk { store_id: Some(id), terminal: Some("T-1".into()), ..ask() };
        let tries = (0..8).map(|_| static_codes::create(&world.app, shop.id, "test", place()));
        let made: Vec<_> =
            join_all(tries).await.into_iter().map(|made| made.expect("made or there")).collect();
        assert_eq!(made.iter().filter(|made| made.fresh).count(), 1);
        assert!(made.iter().all(|each| each.value == made[0].value));
        let code = &made[0].value;
        assert!(code.qr_code.starts_with("000201010211") && code.qr_code.contains("0703T-1"), "{code:?}");
        let till = print(world, &shop, ask()).await;
        assert_ne!(till.id, code.id);
        let other = StaticCodeAsk { description: "豆花".into(), ..place() };
        let problem =
            static_codes::create(&world.app, shop.id, "test", other.clone()).await.expect_err("taken");
        assert_eq!((problem.code, problem.field.as_deref()), (Code::Conflict, Some("description")));
        // Revoked, the place is free.
        for _ in 0..2 {
            let ended = static_codes::revoke(&world.app, shop.id, "test", code.id).await.expect("revoked");
            assert_eq!(ended.state, static_codes::State::Revoked);
        }
        assert_ne!(print(world, &shop, other).await.id, code.id);
        let page = static_codes::list(&world.app, shop.id, &PageAsk::default()).await.expect("a page");
        assert_eq!(page.items.len(), 3);
        for (wrong, field) in [
            (StaticCodeAsk { description: String::new(), ..ask() }, "description"),
            (StaticCodeAsk { terminal: Some("t".repeat(26)), ..ask() }, "terminal"),
            (StaticCodeAsk { notify_url: Some("ftp://x".into()), ..ask() }, "notify_url"),
            (StaticCodeAsk { store_id: Some(StoreId::new(1)), ..ask() }, "store_id"),
        ] {
            let problem = static_codes::create(&world.app, shop.id, "test", wrong).await.expect_err("wrong");
            assert_eq!((problem.code, problem.field.as_deref()), (Code::InvalidRequest, Some(field)));
        }
    });
}

#[test]
fn an_owner_prints_codes_from_the_wallet_app_and_nobody_else_does() {
    on_each_backend(async |world: &mut World| {
        let (shop, stranger) = pair(world).await;
        let (owner, other) = (&shop.owner.actor, &stranger.citizen.actor);
        let code = static_codes::create_owned(&world.app, owner, shop.id, ask()).await.expect("made").value;
        let foreign = static_codes::create_owned(&world.app, other, shop.id, ask()).await;
        assert_eq!(foreign.expect_err("not theirs").code, Code::NotFound);
        let page = static_codes::list_owned(&world.app, owner, shop.id, &PageAsk::default()).await;
        assert_eq!(page.expect("a page").items, std::slice::from_ref(&code));
        let foreign = static_codes::list_owned(&world.app, other, shop.id, &PageAsk::default()).await;
        assert_eq!(foreign.expect_err("not theirs").code, Code::NotFound);
        let foreign = static_codes::revoke_owned(&world.app, other, shop.id, code.id).await;
        assert_eq!(foreign.expect_err("not theirs").code, Code::NotFound);
        let second = Shop::open(world, 5, "BKC").await;
        let foreign = static_codes::revoke(&world.app, second.id, "test", code.id).await;
        assert_eq!(foreign.expect_err("not theirs").code, Code::NotFound);
        let foreign = static_codes::of(&world.app, second.id, code.id).await;
        assert_eq!(foreign.expect_err("not theirs").code, Code::NotFound);
        static_codes::revoke_owned(&world.app, owner, shop.id, code.id).await.expect("revoked");
    });
}

#[test]
fn the_payer_types_the_amount_and_an_order_of_its_own_is_paid() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let code = print(world, &shop, StaticCodeAsk { terminal: Some("T-1".into()), ..ask() }).await;
        for payload in [code.qr_code.clone(), code.app_link.clone()] {
            let seen = payments::scan(&world.app, &payer.citizen.actor, &ScanAsk { payload }).await;
            let Ok(Scanned::Place(place)) = seen else { panic!("{seen:?}") };
            assert_eq!((place.static_code_id, place.merchant_id), (code.id, shop.id));
            assert_eq!(place.left_today, Some(Money::fen(50_000)));
        }
        let paid = pay(world, &payer, &code, 1_250).await.expect("paid");
        assert_eq!((paid.state, paid.amount.amount), (State::Success, 1_250));
        let seen = shop.see(world, paid.id).await;
        assert_eq!((seen.trade_type, seen.terminal.as_deref()), (TradeType::Static, Some("T-1")));
        assert_eq!((seen.out_trade_no, seen.cashier_url), (format!("~{}", paid.id), None));
        // It is the payer's alone, and nobody pays it again.
        let other = Payer::with(world, 5, "BKA", 1_000).await;
        let foreign = payments::view(&world.app, &other.citizen.actor, paid.id).await;
        assert_eq!(foreign.expect_err("not theirs").code, Code::NotFound);
        // Like any order it is told and refunded.
        let events = outbox::list(&world.app, shop.id, EventsAsk::default()).await.expect("events").items;
        assert_eq!(events[0].event, outbox::EventType::OrderPaid);
        let back = RefundAsk {
            out_refund_no: "R-1".into(),
            order_id: Some(paid.id),
            out_trade_no: None,
            amount: Money::fen(250),
            reason: None,
            nature: None,
        };
        refunds::request(&world.app, &shop.caller, back).await.expect("refunded");
        assert_eq!(shop.see(world, paid.id).await.refund_state, RefundState::Partial);
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (499_000, 1_000));
    });
}

#[test]
fn one_signature_makes_one_payment_however_often_it_comes() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let code = print(world, &shop, ask()).await;
        let ask = agree(world, &payer, &code, 700);
        let paid = join_all((0..8).map(|_| send(world, &payer, &code, ask.clone()))).await;
        let first = paid.iter().flatten().next().expect("paid").id;
        assert!(paid.iter().flatten().all(|order| order.id == first));
        assert_eq!(send(world, &payer, &code, ask.clone()).await.expect("there").id, first);
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (499_300, 700));
        // What was signed is what is paid, where it was signed for.
        let other = StaticPayAsk { amount: Money::fen(701), ..ask.clone() };
        let problem = send(world, &payer, &code, other).await.expect_err("another amount");
        assert_eq!(problem.code, Code::DeviceSignatureInvalid);
        let second = Shop::open(world, 5, "BKC").await;
        let elsewhere = print(world, &second, self::ask()).await;
        let problem = send(world, &payer, &elsewhere, ask).await.expect_err("another shop");
        assert_eq!(problem.code, Code::DeviceSignatureInvalid);
        let orders = orders::list(&world.app, shop.id, &ListAsk::default()).await.expect("a page");
        assert_eq!(orders.items.len(), 1);
    });
}

#[test]
fn a_payer_pays_five_hundred_yuan_a_day_to_static_codes_wherever_they_hang() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let second = Shop::open(world, 5, "BKC").await;
        let codes = [print(world, &shop, ask()).await, print(world, &second, ask()).await];
        // Ten of 60 yuan at once: eight fit.
        let tries = (0..10).map(|n| pay(world, &payer, &codes[n % 2], 6_000));
        let (paid, refused): (Vec<_>, Vec<_>) = join_all(tries).await.into_iter().partition(Result::is_ok);
        assert_eq!((paid.len(), refused.len()), (8, 2));
        for problem in refused.into_iter().map(|refused| refused.expect_err("over")) {
            assert_eq!(problem.code, Code::OverDayLimit);
            assert_eq!(problem.extra.expect("figures")["limited_by"], "static_code");
        }
        pay(world, &payer, &codes[0], 2_000).await.expect("the rest of the day");
        assert_eq!(
            pay(world, &payer, &codes[1], 1).await.expect_err("nothing is left").code,
            Code::OverDayLimit
        );
        // It is each payer's own limit, and a code for one payment is not under it.
        let other = Payer::with(world, 6, "BKA", 50_000).await;
        pay(world, &other, &codes[0], 50_000).await.expect("another payer");
        let order = shop.order(world, "A-1", 1_000).await;
        payer.pay(world, &order).await.expect("not a static code");
        world.clock.advance(86_400_000);
        pay(world, &payer, &codes[0], 50_000).await.expect("another day");
    });
}

#[test]
fn a_revoked_code_and_a_suspended_merchant_take_no_money() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let code = print(world, &shop, ask()).await;
        static_codes::revoke(&world.app, shop.id, "test", code.id).await.expect("revoked");
        let scan = ScanAsk { payload: code.qr_code.clone() };
        let seen = payments::scan(&world.app, &payer.citizen.actor, &scan).await;
        assert_eq!(seen.expect_err("revoked").code, Code::NotFound);
        assert_eq!(pay(world, &payer, &code, 100).await.expect_err("revoked").code, Code::NotFound);
        let unknown = StaticCode { id: StaticCodeId::new(1), ..code };
        assert_eq!(pay(world, &payer, &unknown, 100).await.expect_err("unknown").code, Code::NotFound);
        let code = print(world, &shop, ask()).await;
        let zero = pay(world, &payer, &code, 0).await.expect_err("nothing");
        assert_eq!(zero.code, Code::AmountInvalid);
        merchants::suspend(&world.app, shop.id, "inspection", "test").await.expect("suspended");
        assert_eq!(pay(world, &payer, &code, 100).await.expect_err("suspended").code, Code::MerchantInactive);
        let more = static_codes::create(
            &world.app,
            shop.id,
            "test",
            StaticCodeAsk { terminal: Some("T-9".into()), ..ask() },
        );
        assert_eq!(more.await.expect_err("suspended").code, Code::MerchantInactive);
    });
}
