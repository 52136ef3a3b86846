//! Payment codes: shown by a payer, charged once, and what is asked when the PIN is needed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::{join, join_all};
use jialing_platform::codes::{self, CodePaymentAsk, PaymentCode, PaymentCodesAsk};
use jialing_platform::orders::{self, CloseReason, Name, Order, RefundState, State};
use jialing_platform::outbox::{self, EventsAsk};
use jialing_platform::payments::{self, PayAsk};
use jialing_platform::wallets::{self, Control};
use jialing_platform::{Code, Money, PageAsk, Problem, Result, devices, notices};
use jialing_rails::consumer_code::ConsumerCode;

use crate::citizen::PIN;
use crate::market::{Payer, Shop, found};
use crate::world::{World, on_each_backend};

fn wish(world: &World, payer: &Payer, count: i64, pin_free: u64) -> PaymentCodesAsk {
    let subject = codes::subject(count);
    let evidence = payer.citizen.sign(world, codes::ACTION, codes::PAYEE, pin_free, &subject, payer.wallet);
    PaymentCodesAsk { wallet_id: payer.wallet, count, pin_free_up_to: Money::fen(pin_free), evidence }
}

async fn draw(world: &World, payer: &Payer, count: i64, pin_free: u64) -> Vec<PaymentCode> {
    let ask = wish(world, payer, count, pin_free);
    codes::draw(&world.app, &payer.citizen.actor, ask).await.expect("drawn").items
}

/// One code that pays up to 1,000 yuan without PIN, as far as its payer goes.
async fn one(world: &World, payer: &Payer) -> String {
    draw(world, payer, 1, 100_000).await.remove(0).code
}

/// The code as the phone shows it `ahead` milliseconds from now, without network.
fn shown(world: &World, code: &PaymentCode, ahead: i64) -> String {
    let bytes = |text: &str| STANDARD.decode(text).expect("base64");
    let number = bytes(&code.number).try_into().expect("16 bytes");
    let at = u32::try_from((world.clock.millis() + ahead) / 1000).expect("a time");
    ConsumerCode::show(number, &bytes(&code.key), at).encode()
}

fn ask(number: &str, amount: u64, code: &str) -> CodePaymentAsk {
    CodePaymentAsk {
        out_trade_no: number.into(),
        description: "小面".into(),
        amount: Money::fen(amount),
        payment_code: code.into(),
        goods_detail: None,
        store_id: None,
        terminal: Some("T-1".into()),
        attach: None,
        notify_url: None,
        goods_tag: None,
    }
}

async fn charge(world: &World, shop: &Shop, number: &str, amount: u64, code: &str) -> Result<Order> {
    Ok(codes::charge(&world.app, &shop.caller, ask(number, amount, code)).await?.value)
}

async fn refused(world: &World, shop: &Shop, number: &str, amount: u64, code: &str) -> Problem {
    charge(world, shop, number, amount, code).await.expect_err("refused")
}

/// Pays what waits, with the PIN.
async fn confirm(world: &World, payer: &Payer, order: &Order) -> Result<payments::PayerOrder> {
    let ask = PayAsk { pin: Some(PIN.into()), ..payer.agree(world, order) };
    payments::pay(&world.app, &payer.citizen.actor, order.id, ask).await
}

async fn waiting(world: &World, payer: &Payer) -> Vec<String> {
    let page = codes::confirmations(&world.app, &payer.citizen.actor).await.expect("a list");
    page.items.into_iter().map(|order| order.id.to_string()).collect()
}

/// The types of the shop's events, oldest first.
async fn told(world: &World, shop: &Shop) -> Vec<String> {
    let mut events = outbox::list(&world.app, shop.id, EventsAsk::default()).await.expect("events").items;
    // Of one moment, those about one thing are in the order of its versions.
    events.sort_by(|a, b| (&a.created_at, a.object_version).cmp(&(&b.created_at, b.object_version)));
    events.iter().map(|event| event.event.to_string()).collect()
}

async fn pair(world: &World) -> (Shop, Payer) {
    found(world).await;
    (Shop::open(world, 1, "BKA").await, Payer::with(world, 2, "BKB", 500_000).await)
}

#[test]
fn a_merchant_charges_a_code_once_and_within_the_limits_nobody_is_asked() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let code = one(world, &payer).await;
        let paid = charge(world, &shop, "C-1", 1_250, &code).await.expect("paid");
        assert_eq!((paid.state, paid.trade_type), (State::Success, orders::TradeType::Code));
        assert_eq!((paid.qr_code, paid.cashier_url, paid.ask_again_after), (None, None, None));
        let told = serde_json::to_string(&shop.see(world, paid.id).await).expect("JSON");
        for secret in [payer.wallet.to_string(), payer.citizen.person.to_string()] {
            assert!(!told.contains(&secret), "{told}");
        }
        // The same request again answers the paid order; another one needs another code.
        let again = codes::charge(&world.app, &shop.caller, ask("C-1", 1_250, &code)).await.expect("there");
        assert!(!again.fresh && again.value.state == State::Success);
        assert_eq!(refused(world, &shop, "C-2", 1_250, &code).await.code, Code::PaymentCodeUsed);
        let other = Shop::open(world, 3, "BKC").await;
        assert_eq!(refused(world, &other, "C-1", 1_250, &code).await.code, Code::PaymentCodeUsed);
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (498_750, 1_250));
    });
}

#[test]
fn twenty_merchants_that_charge_one_code_at_once_make_one_payment() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let code = one(world, &payer).await;
        let numbers: Vec<String> = (0..20).map(|n| format!("C-{n}")).collect();
        let tries = join_all(numbers.iter().map(|number| charge(world, &shop, number, 100, &code))).await;
        let (paid, other): (Vec<_>, Vec<_>) = tries.into_iter().partition(Result::is_ok);
        assert_eq!(paid.len(), 1);
        assert!(other.iter().all(|answer| answer.as_ref().is_err_and(|p| p.code == Code::PaymentCodeUsed)));
        assert_eq!(payer.holds(world).await, 499_900);
        // The same order asked for twenty times at once is paid once.
        let code = one(world, &payer).await;
        let tries = join_all((0..20).map(|_| charge(world, &shop, "D-1", 100, &code))).await;
        assert!(tries.iter().all(Result::is_ok), "{tries:?}");
        world.settle().await;
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (499_800, 200));
    });
}

#[test]
fn a_code_is_good_for_a_minute_after_it_is_shown_whenever_it_was_drawn() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let drawn = draw(world, &payer, 15, 100_000).await;
        let first = drawn[0].code.clone();
        world.clock.advance(58_000);
        charge(world, &shop, "C-1", 1, &first).await.expect("58 seconds old");
        let old = shown(world, &drawn[1], 0);
        world.clock.advance(61_000);
        assert_eq!(refused(world, &shop, "C-2", 1, &old).await.code, Code::PaymentCodeExpired);
        // Hours later, without network: the phone shows it anew.
        world.clock.advance(20 * 3_600_000);
        charge(world, &shop, "C-2", 1, &shown(world, &drawn[1], 0)).await.expect("shown just now");
        // A clock that is a little fast is borne with, one that is far ahead is not.
        charge(world, &shop, "C-3", 1, &shown(world, &drawn[2], 28_000)).await.expect("a fast clock");
        let unused = codes::status(&world.app, &payer.citizen.actor, drawn[3].id).await.expect("one's own");
        assert_eq!((unused.state, unused.order_id), (codes::State::Live, None));
        let ahead = shown(world, &drawn[3], 32_000);
        assert_eq!(refused(world, &shop, "C-4", 1, &ahead).await.code, Code::PaymentCodeExpired);
        world.clock.advance(4 * 3_600_000);
        let late = shown(world, &drawn[3], 0);
        assert_eq!(refused(world, &shop, "C-4", 1, &late).await.code, Code::PaymentCodeExpired);
        codes::forget(&world.app).await.expect("swept");
        world.clock.advance(86_400_000);
        codes::forget(&world.app).await.expect("swept");
        let gone = codes::status(&world.app, &payer.citizen.actor, drawn[3].id).await;
        assert_eq!(gone.expect_err("forgotten").code, Code::NotFound);
        let used = codes::status(&world.app, &payer.citizen.actor, drawn[1].id).await.expect("kept");
        assert_eq!(used.state, codes::State::Used);
    });
}

#[test]
fn what_was_not_made_by_the_payer_s_phone_is_no_code() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let drawn = draw(world, &payer, 2, 100_000).await;
        let seen = ConsumerCode::decode(&drawn[0].code).expect("a code");
        let forged = [
            "".into(),
            "281234567890123456".into(),
            shop.order(world, "A-1", 1).await.qr_code.expect("a merchant's code"),
            ConsumerCode { shown_at: seen.shown_at + 1, ..seen }.encode(),
            ConsumerCode { number: [0; 16], ..seen }.encode(),
            ConsumerCode::show(seen.number, &[0; 32], seen.shown_at).encode(),
        ];
        for code in forged {
            let problem = refused(world, &shop, "C-1", 1, &code).await;
            assert_eq!(
                (problem.code, problem.field.as_deref()),
                (Code::PaymentCodeInvalid, Some("payment_code"))
            );
        }
        // Nothing was made of it.
        let unknown = orders::of(&world.app, shop.id, &Name::OutTradeNo("C-1".into())).await;
        assert_eq!(unknown.expect_err("no order").code, Code::NotFound);
        // A device that was revoked shows nothing good any more.
        devices::revoke(&world.app, &payer.citizen.actor, payer.citizen.device).await.expect("revoked");
        assert_eq!(refused(world, &shop, "C-1", 1, &drawn[0].code).await.code, Code::PaymentCodeInvalid);
    });
}

#[test]
fn drawing_is_bounded_signed_and_told_once() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let draws = |ask: PaymentCodesAsk| codes::draw(&world.app, &payer.citizen.actor, ask);
        for count in [0, -1, 16] {
            let problem = draws(wish(world, &payer, count, 0)).await.expect_err("out of bounds");
            assert_eq!((problem.code, problem.field.as_deref()), (Code::InvalidRequest, Some("count")));
        }
        let ask = wish(world, &payer, 2, 1_000);
        let more = PaymentCodesAsk { pin_free_up_to: Money::fen(1_001), ..ask.clone() };
        assert_eq!(draws(more).await.expect_err("not signed").code, Code::DeviceSignatureInvalid);
        let more = PaymentCodesAsk { count: 3, ..ask.clone() };
        assert_eq!(draws(more).await.expect_err("not signed").code, Code::DeviceSignatureInvalid);
        let first = draws(ask.clone()).await.expect("drawn").items;
        assert_eq!(draws(ask).await.expect_err("told once").code, Code::NonceReused);
        // Fifteen newer ones take the place of the first two.
        world.clock.advance(10);
        draw(world, &payer, 15, 1_000).await;
        let status = codes::status(&world.app, &payer.citizen.actor, first[0].id).await.expect("known");
        assert_eq!(status.state, codes::State::Ended);
        assert_eq!(refused(world, &shop, "C-1", 1, &first[0].code).await.code, Code::PaymentCodeExpired);
        // 17 are drawn; with 38 more fifteens and 13 the hour is full.
        for _ in 0..38 {
            draw(world, &payer, 15, 1_000).await;
        }
        draw(world, &payer, 13, 1_000).await;
        assert_eq!(draws(wish(world, &payer, 1, 1_000)).await.expect_err("full").code, Code::RateLimited);
        world.clock.advance(3_601_000);
        let last = draw(world, &payer, 1, 1_000).await.remove(0);
        let other = Payer::with(world, 5, "BKA", 0).await;
        let foreign = codes::status(&world.app, &other.citizen.actor, last.id).await;
        assert_eq!(foreign.expect_err("another's").code, Code::NotFound);
        let theirs = PaymentCodesAsk { wallet_id: other.wallet, ..wish(world, &payer, 1, 0) };
        assert_eq!(draws(theirs).await.expect_err("another's wallet").code, Code::NotFound);
    });
}

#[test]
fn above_the_payer_s_own_bound_the_payer_is_asked_and_pays_with_the_pin() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let code = draw(world, &payer, 1, 1_000).await.remove(0);
        let asked = charge(world, &shop, "C-1", 1_001, &code.code).await.expect("waits");
        assert_eq!((asked.state, asked.ask_again_after), (State::UserPaying, Some(2)));
        assert_eq!(waiting(world, &payer).await, [asked.id.to_string()]);
        let page =
            notices::list(&world.app, &payer.citizen.actor, &PageAsk::default()).await.expect("notices");
        let notice = page.items.iter().find(|notice| notice.subject == asked.id.to_string()).expect("told");
        assert_eq!(
            (notice.code, &notice.params["amount"]),
            (notices::NoticeCode::ConfirmPayment, &1_001.into())
        );
        // Charging again changes nothing, whatever code comes with it.
        let again = charge(world, &shop, "C-1", 1_001, "anything").await.expect("as it stands");
        assert_eq!((again.id, again.state), (asked.id, State::UserPaying));
        world.clock.advance(15_000);
        assert_eq!(shop.see(world, asked.id).await.ask_again_after, Some(5));
        // Somebody else neither sees nor pays it.
        let other = Payer::with(world, 5, "BKA", 10_000).await;
        let view = payments::view(&world.app, &other.citizen.actor, asked.id).await;
        assert_eq!(view.expect_err("not theirs").code, Code::NotFound);
        assert_eq!(confirm(world, &other, &asked).await.expect_err("not theirs").code, Code::NotFound);
        let pay = |ask: PayAsk| payments::pay(&world.app, &payer.citizen.actor, asked.id, ask);
        let without = pay(payer.agree(world, &asked)).await.expect_err("without PIN");
        assert_eq!(without.code, Code::PinRequired);
        let paid = confirm(world, &payer, &asked).await.expect("paid");
        assert_eq!((paid.state, paid.wallet_id), (State::Success, Some(payer.wallet)));
        assert!(waiting(world, &payer).await.is_empty());
        let status = codes::status(&world.app, &payer.citizen.actor, code.id).await.expect("known");
        assert_eq!((status.state, status.order_id), (codes::State::Used, Some(asked.id)));
        assert_eq!(shop.see(world, asked.id).await.ask_again_after, None);
        assert_eq!(told(world, &shop).await, ["order.user_paying", "order.paid"]);
    });
}

#[test]
fn only_the_wallet_and_the_device_of_the_code_pay_it() {
    on_each_backend(async |world: &mut World| {
        let (shop, mut payer) = pair(world).await;
        let code = draw(world, &payer, 1, 0).await.remove(0).code;
        let asked = charge(world, &shop, "C-1", 100, &code).await.expect("waits");
        let other = crate::city::wallet(world, &payer.citizen, "BKC", 1_000).await;
        let kept = std::mem::replace(&mut payer.wallet, other);
        let problem = confirm(world, &payer, &asked).await.expect_err("another wallet");
        assert_eq!(problem.field.as_deref(), Some("wallet_id"));
        payer.wallet = kept;
        let key = jialing_crypto::SigningKey::generate(jialing_crypto::Suite::Ed25519);
        let device = payer.citizen.bind(world, &key).await;
        let (key, device) = (
            std::mem::replace(&mut payer.citizen.key, key),
            std::mem::replace(&mut payer.citizen.device, device),
        );
        let problem = confirm(world, &payer, &asked).await.expect_err("another device");
        assert_eq!(problem.code, Code::DeviceUnknown);
        (payer.citizen.key, payer.citizen.device) = (key, device);
        confirm(world, &payer, &asked).await.expect("paid");
    });
}

#[test]
fn a_payer_who_refuses_is_not_asked_again_until_a_fresh_code_is_charged() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let codes = draw(world, &payer, 2, 0).await;
        let asked = charge(world, &shop, "C-1", 100, &codes[0].code).await.expect("waits");
        let stranger = Payer::with(world, 5, "BKA", 0).await;
        let foreign = codes::refuse(&world.app, &stranger.citizen.actor, asked.id).await;
        assert_eq!(foreign.expect_err("not theirs").code, Code::NotFound);
        for _ in 0..2 {
            codes::refuse(&world.app, &payer.citizen.actor, asked.id).await.expect("refused");
        }
        let seen = shop.see(world, asked.id).await;
        assert_eq!((seen.state, seen.last_problem.as_deref()), (State::PayError, Some("payer_refused")));
        assert!(waiting(world, &payer).await.is_empty());
        assert_eq!(confirm(world, &payer, &asked).await.expect_err("not asked").code, Code::StateConflict);
        let again = charge(world, &shop, "C-1", 100, &codes[1].code).await.expect("asked again");
        assert_eq!((again.id, again.state), (asked.id, State::UserPaying));
        confirm(world, &payer, &again).await.expect("paid");
        let late = codes::refuse(&world.app, &payer.citizen.actor, asked.id).await;
        assert_eq!(late.expect_err("paid").code, Code::OrderPaid);
        assert_eq!(
            told(world, &shop).await,
            ["order.user_paying", "order.pay_error", "order.user_paying", "order.paid"]
        );
    });
}

#[test]
fn a_merchant_takes_back_after_fifteen_seconds_what_nobody_paid() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let codes = draw(world, &payer, 3, 1_000).await;
        let revoke = async |order: &Order| orders::revoke(&world.app, &shop.caller, Name::Id(order.id)).await;
        let asked = charge(world, &shop, "C-1", 2_000, &codes[0].code).await.expect("waits");
        let early = revoke(&asked).await.expect_err("too early");
        assert_eq!((early.code, early.retry_after), (Code::InProgress, Some(15)));
        world.clock.advance(15_001);
        for _ in 0..2 {
            assert_eq!(revoke(&asked).await.expect("revoked").state, State::Revoked);
        }
        assert_eq!(confirm(world, &payer, &asked).await.expect_err("over").code, Code::OrderClosed);
        assert!(waiting(world, &payer).await.is_empty());
        // One that was paid goes back whole.
        let paid = charge(world, &shop, "C-2", 900, &codes[1].code).await.expect("paid");
        let back = revoke(&paid).await.expect("revoked");
        assert_eq!((back.state, back.refund_state), (State::Revoked, RefundState::Full));
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (500_000, 0));
        // One that is scanned is not taken back.
        let scanned = shop.order(world, "A-1", 100).await;
        assert_eq!(revoke(&scanned).await.expect_err("scanned").code, Code::StateConflict);
        assert_eq!(
            told(world, &shop).await,
            ["order.user_paying", "order.revoked", "order.paid", "order.revoked", "refund.succeeded"]
        );
    });
}

#[test]
fn what_nobody_answers_is_taken_back_by_itself() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let codes = draw(world, &payer, 2, 0).await;
        let asked = charge(world, &shop, "C-1", 2_000, &codes[0].code).await.expect("waits");
        let refused = charge(world, &shop, "C-2", 2_000, &codes[1].code).await.expect("waits");
        codes::refuse(&world.app, &payer.citizen.actor, refused.id).await.expect("refused");
        world.clock.advance(120_000);
        for id in [asked.id, refused.id] {
            // Time does it at the moment of reading; the sweeper writes the same down.
            let read = shop.see(world, id).await;
            assert_eq!((read.state, read.close_reason), (State::Revoked, Some(CloseReason::Expired)));
            let list = orders::ListAsk { state: Some(State::Revoked), ..Default::default() };
            let listed = orders::list(&world.app, shop.id, &list).await.expect("a page");
            assert!(listed.items.iter().any(|order| order.id == id));
        }
        assert_eq!(confirm(world, &payer, &asked).await.expect_err("over").code, Code::OrderClosed);
        let late = codes::refuse(&world.app, &payer.citizen.actor, asked.id).await;
        assert_eq!(late.expect_err("over").code, Code::OrderClosed);
        let before = shop.see(world, asked.id).await;
        orders::sweep(&world.app).await.expect("swept");
        orders::sweep(&world.app).await.expect("swept");
        let after = shop.see(world, asked.id).await;
        assert_eq!((after.state, after.closed_at), (State::Revoked, before.closed_at));
        let types = told(world, &shop).await;
        assert_eq!(types.iter().filter(|event| *event == "order.revoked").count(), 2, "{types:?}");
        assert_eq!(payer.holds(world).await, 500_000);
    });
}

#[test]
fn approval_and_reversal_at_once_come_to_one_outcome() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        for round in 0..6 {
            let code = draw(world, &payer, 1, 0).await.remove(0).code;
            let asked = charge(world, &shop, &format!("C-{round}"), 100, &code).await.expect("waits");
            world.clock.advance(16_000);
            let (paid, revoked) = join(
                confirm(world, &payer, &asked),
                orders::revoke(&world.app, &shop.caller, Name::Id(asked.id)),
            )
            .await;
            world.settle().await;
            let end = shop.see(world, asked.id).await;
            match (paid.is_ok(), revoked.is_ok()) {
                // Paid first, then taken back: the money is back.
                (true, true) => {
                    assert_eq!((end.state, end.refund_state), (State::Revoked, RefundState::Full))
                }
                (true, false) => assert_eq!(end.state, State::Success),
                (false, true) => assert_eq!((end.state, end.refunded.amount), (State::Revoked, 0)),
                (false, false) => panic!("somebody wins"),
            }
            if end.state == State::Success {
                orders::revoke(&world.app, &shop.caller, Name::Id(asked.id)).await.expect("taken back");
            }
            world.settle().await;
        }
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (500_000, 0));
    });
}

#[test]
fn without_pin_a_payer_s_codes_pay_a_thousand_yuan_a_day_even_at_once() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        // Seven of 150 yuan fit neither: six are 900, a seventh would pass 1,000.
        let codes = draw(world, &payer, 8, 100_000).await;
        let numbers: Vec<String> = (0..8).map(|n| format!("C-{n}")).collect();
        let charges =
            numbers.iter().zip(&codes).map(|(number, code)| charge(world, &shop, number, 15_000, &code.code));
        let orders: Vec<Order> =
            join_all(charges).await.into_iter().map(|order| order.expect("paid or waits")).collect();
        let paid = orders.iter().filter(|order| order.state == State::Success).count();
        let waits: Vec<&Order> = orders.iter().filter(|order| order.state == State::UserPaying).collect();
        assert_eq!((paid, waits.len()), (6, 2), "{orders:?}");
        assert_eq!(payer.holds(world).await, 500_000 - 90_000);
        // With the PIN the limit is the wallet's own.
        for order in waits {
            confirm(world, &payer, order).await.expect("paid with the PIN");
        }
        world.clock.advance(86_400_000);
        let code = one(world, &payer).await;
        assert_eq!(charge(world, &shop, "D-1", 100_000, &code).await.expect("paid").state, State::Success);
    });
}

#[test]
fn a_merchant_learns_that_a_payer_could_not_pay_and_nothing_more() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, poor) = (Shop::open(world, 1, "BKA").await, Payer::with(world, 2, "BKB", 500).await);
        let codes = draw(world, &poor, 3, 100_000).await;
        let problem = refused(world, &shop, "C-1", 501, &codes[0].code).await;
        assert_eq!(problem.code, Code::BalanceTooLow);
        assert!(problem.extra.expect("the order")["order_id"].is_string());
        let seen = orders::of(&world.app, shop.id, &Name::OutTradeNo("C-1".into())).await.expect("an order");
        assert_eq!((seen.state, seen.last_problem.as_deref()), (State::PayError, Some("balance_too_low")));
        // A fresh code under the same number, once there is money.
        crate::market::fund(world, poor.wallet, 1).await;
        let paid = charge(world, &shop, "C-1", 501, &codes[1].code).await.expect("paid");
        assert_eq!((paid.state, paid.last_problem), (State::Success, None));
        wallets::control(&world.app, poor.wallet, Control::Frozen).await.expect("frozen");
        let problem = refused(world, &shop, "C-2", 1, &codes[2].code).await;
        assert_eq!(problem.code, Code::WalletUnavailable);
    });
}

#[test]
fn a_crash_between_two_steps_of_a_charge_loses_nothing() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let codes = draw(world, &payer, 2, 1_000).await;
        let waits = charge(world, &shop, "C-1", 2_000, &codes[0].code).await.expect("waits");
        let paid = charge(world, &shop, "C-2", 900, &codes[1].code).await.expect("paid");
        world.crash().await;
        orders::reconcile(&world.app).await.expect("repaired");
        assert_eq!(shop.see(world, waits.id).await.state, State::UserPaying, "it goes on waiting");
        assert_eq!(shop.see(world, paid.id).await.state, State::Success);
        confirm(world, &payer, &waits).await.expect("paid");
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (497_100, 2_900));
    });
}
