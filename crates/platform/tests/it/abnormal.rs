//! Refunds that the wallet which paid cannot take, brought to an end.

use jialing_ledger::{AccountChange, Command};
use jialing_platform::orders::{self, Order, RefundState};
use jialing_platform::outbox::{self, EventsAsk};
use jialing_platform::refunds::{self, Name, Refund, RefundAsk, RejectAsk, State};
use jialing_platform::wallets::{self, CloseAsk, Control};
use jialing_platform::{Code, Money, Result};

use crate::city;
use crate::market::{Payer, Shop, found};
use crate::world::{World, on_each_backend};

/// A shop, a payer who has paid all there was in the wallet, and the order.
async fn spent(world: &World) -> (Shop, Payer, Order) {
    found(world).await;
    let (shop, payer) = (Shop::open(world, 1, "BKA").await, Payer::with(world, 2, "BKB", 1_000).await);
    let order = shop.order(world, "A-1", 1_000).await;
    payer.pay(world, &order).await.expect("paid");
    (shop, payer, order)
}

async fn refund(world: &World, shop: &Shop, number: &str, order: &Order, amount: u64) -> Refund {
    let ask = RefundAsk {
        out_refund_no: number.into(),
        order_id: Some(order.id),
        out_trade_no: None,
        amount: Money::fen(amount),
        reason: None,
        nature: None,
    };
    refunds::request(&world.app, &shop.caller, ask).await.expect("asked for").value
}

async fn redirect(world: &World, shop: &Shop, refund: &Refund) -> Result<Refund> {
    refunds::redirect(&world.app, &shop.caller, Name::Id(refund.id)).await
}

async fn close(world: &World, shop: &Shop, refund: &Refund) -> Result<Refund> {
    let ask = RejectAsk { reason: "paid back in cash".into() };
    refunds::close(&world.app, &shop.caller, Name::Id(refund.id), &ask).await
}

async fn told(world: &World, shop: &Shop) -> Vec<String> {
    let mut events = outbox::list(&world.app, shop.id, EventsAsk::default()).await.expect("events").items;
    // Of one moment, those about one thing are in the order of its versions.
    events.sort_by(|a, b| (&a.created_at, a.object_version).cmp(&(&b.created_at, b.object_version)));
    events.iter().map(|event| event.event.to_string()).collect()
}

#[test]
fn a_closed_wallets_refund_goes_to_another_of_the_same_person() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer, order) = spent(world).await;
        let actor = &payer.citizen.actor;
        wallets::close(&world.app, actor, payer.wallet, CloseAsk { sweep: None }).await.expect("closed");
        let stuck = refund(world, &shop, "R-1", &order, 400).await;
        assert_eq!((stuck.state, stuck.problem.as_deref()), (State::Abnormal, Some("wallet_unavailable")));
        let none = redirect(world, &shop, &stuck).await.expect_err("there is no other wallet");
        assert_eq!(none.code, Code::StateConflict);
        // Somebody else's wallet is never taken.
        Payer::with(world, 3, "BKB", 0).await;
        assert_eq!(redirect(world, &shop, &stuck).await.expect_err("still none").code, Code::StateConflict);
        let other = city::wallet(world, &payer.citizen, "BKC", 0).await;
        for _ in 0..2 {
            let done = redirect(world, &shop, &stuck).await.expect("redirected");
            assert_eq!((done.state, done.problem), (State::Success, None));
        }
        assert_eq!((city::balance(world, other).await, shop.holds(world).await), (400, 600));
        let seen = shop.see(world, order.id).await;
        assert_eq!((seen.refund_state, seen.refunding.amount), (RefundState::Partial, 0));
        assert_eq!(told(world, &shop).await, ["order.paid", "refund.abnormal", "refund.succeeded"]);
        let text =
            serde_json::to_string(&refunds::of(&world.app, shop.id, &Name::Id(stuck.id)).await.expect("own"));
        assert!(!text.expect("JSON").contains(&other.to_string()), "the merchant does not learn which");
        // The next refund of the order meets the closed wallet again.
        assert_eq!(refund(world, &shop, "R-2", &order, 100).await.state, State::Abnormal);
    });
}

#[test]
fn what_is_frozen_is_not_paid_around_and_what_can_be_taken_is_retried() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer, order) = spent(world).await;
        city::wallet(world, &payer.citizen, "BKC", 0).await;
        wallets::control(&world.app, payer.wallet, Control::CreditFrozen).await.expect("frozen");
        let stuck = refund(world, &shop, "R-1", &order, 400).await;
        assert_eq!(stuck.state, State::Abnormal);
        assert_eq!(redirect(world, &shop, &stuck).await.expect_err("frozen").code, Code::StateConflict);
        wallets::control(&world.app, payer.wallet, Control::Active).await.expect("free again");
        assert_eq!(redirect(world, &shop, &stuck).await.expect_err("retry").code, Code::StateConflict);
        // A wallet that is too full for it is passed over.
        let full = AccountChange { id: payer.wallet.number(), max: Some(399), ..Default::default() };
        world.app.engine.submit(Command::ChangeAccount(full)).await.expect("changed");
        assert_eq!(redirect(world, &shop, &stuck).await.expect("redirected").state, State::Success);
    });
}

#[test]
fn a_merchant_gives_up_what_it_asked_for_and_the_amount_is_free_again() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer, order) = spent(world).await;
        wallets::control(&world.app, payer.wallet, Control::CreditFrozen).await.expect("frozen");
        let stuck = refund(world, &shop, "R-1", &order, 1_000).await;
        let other = Shop::open(world, 5, "BKC").await;
        assert_eq!(close(world, &other, &stuck).await.expect_err("not theirs").code, Code::NotFound);
        assert_eq!(redirect(world, &other, &stuck).await.expect_err("not theirs").code, Code::NotFound);
        let ask = RejectAsk { reason: String::new() };
        let problem = refunds::close(&world.app, &shop.caller, Name::Id(stuck.id), &ask).await;
        assert_eq!(problem.expect_err("no reason").field.as_deref(), Some("reason"));
        for _ in 0..2 {
            let closed = close(world, &shop, &stuck).await.expect("given up");
            assert_eq!(
                (closed.state, closed.close_reason.as_deref()),
                (State::Closed, Some("paid back in cash"))
            );
        }
        assert_eq!(shop.see(world, order.id).await.refunding.amount, 0);
        assert_eq!(redirect(world, &shop, &stuck).await.expect_err("closed").code, Code::StateConflict);
        wallets::control(&world.app, payer.wallet, Control::Active).await.expect("free again");
        let done = refund(world, &shop, "R-2", &order, 1_000).await;
        assert_eq!(done.state, State::Success);
        assert_eq!(close(world, &shop, &done).await.expect_err("done").code, Code::StateConflict);
        assert_eq!(
            told(world, &shop).await,
            ["order.paid", "refund.abnormal", "refund.closed", "refund.succeeded"]
        );
    });
}

#[test]
fn what_the_platform_owes_is_not_given_up() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, payer) = (Shop::open(world, 1, "BKA").await, Payer::with(world, 2, "BKB", 5_000).await);
        let ask = jialing_platform::codes::PaymentCodesAsk {
            wallet_id: payer.wallet,
            count: 1,
            pin_free_up_to: Money::fen(1_000),
            evidence: payer.citizen.sign(
                world,
                jialing_platform::codes::ACTION,
                jialing_platform::codes::PAYEE,
                1_000,
                &jialing_platform::codes::subject(1),
                payer.wallet,
            ),
        };
        let code = jialing_platform::codes::draw(&world.app, &payer.citizen.actor, ask).await.expect("drawn");
        let charge: jialing_platform::codes::CodePaymentAsk = serde_json::from_value(serde_json::json!({
            "out_trade_no": "C-1", "description": "小面", "amount": Money::fen(900),
            "payment_code": code.items[0].code,
        }))
        .expect("a request");
        let paid =
            jialing_platform::codes::charge(&world.app, &shop.caller, charge).await.expect("paid").value;
        wallets::control(&world.app, payer.wallet, Control::CreditFrozen).await.expect("frozen");
        let revoked =
            orders::revoke(&world.app, &shop.caller, orders::Name::Id(paid.id)).await.expect("revoked");
        assert_eq!((revoked.state, revoked.refunding.amount), (orders::State::Revoked, 900));
        let owed =
            refunds::of(&world.app, shop.id, &Name::OutRefundNo(format!("~{}", paid.id))).await.expect("own");
        assert_eq!(owed.state, State::Abnormal);
        assert_eq!(close(world, &shop, &owed).await.expect_err("owed").code, Code::StateConflict);
    });
}
