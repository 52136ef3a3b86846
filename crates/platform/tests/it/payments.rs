//! Payments: one order, one payment, whoever tries, whatever breaks.

use futures_util::future::{join, join_all};
use jialing_ledger::{Command, Group};
use jialing_platform::id::OrderId;
use jialing_platform::kind::Kind;
use jialing_platform::orders::{self, Name, State};
use jialing_platform::payments::{self, Agreed, Attempt, Claim, PayAsk, Reserved, reserve};
use jialing_platform::refunds;
use jialing_platform::wallets::{self, Control, Movement, legs};
use jialing_platform::{Code, Problem, devices};

use crate::citizen::PIN;
use crate::market::{Payer, Shop, found, fund};
use crate::world::{World, on_each_backend};

/// The states an order went through.
async fn path(world: &World, order: OrderId) -> Vec<State> {
    orders::store::states(&world.app, order)
        .await
        .expect("readable")
        .into_iter()
        .map(|(state, _)| state)
        .collect()
}

/// What the payer's device signed, as a claim on the order.
async fn claim(world: &World, payer: &Payer, order: &orders::Order) -> Claim {
    let ask = payer.agree(world, order);
    let evidence = devices::Evidence {
        action: payments::ACTION,
        payee: order.merchant_id.to_string(),
        amount: order.amount,
        subject: order.id.to_string(),
        wallet: payer.wallet,
        expires_at: ask.evidence.expires_at,
        nonce: ask.evidence.nonce.clone(),
    };
    let signed =
        devices::check(&world.app, &payer.citizen.actor, &evidence, &ask.evidence).await.expect("signed");
    Claim {
        order: order.id,
        person: payer.citizen.person,
        wallet: payer.wallet,
        extra: None,
        amount: order.amount.amount,
        agreed: Agreed::Device(Box::new(signed)),
    }
}

/// Reserves the order for the payer, and goes no further.
async fn reserved(world: &World, payer: &Payer, order: &orders::Order) -> Attempt {
    match reserve(&world.app, &claim(world, payer, order).await).await.expect("reserved") {
        Reserved::Ours(attempt) => attempt,
        Reserved::Paid => panic!("nobody has paid"),
    }
}

/// Moves an attempt's money in the ledger, as the attempt would, and tells nobody.
async fn move_only(world: &World, shop: &Shop, attempt: &Attempt) {
    let from = wallets::find(&world.app, attempt.wallet).await.expect("a wallet").account();
    let to = wallets::find(&world.app, shop.wallet).await.expect("a wallet").account();
    let meters = [attempt.wallet.number()];
    let (id, digest) = (attempt.order.number(), attempt.digest);
    let movement = Movement { id, kind: Kind::Payment, amount: attempt.amount, digest, meters: &meters };
    let group = Group { legs: legs(&from, &to, &movement) };
    world.app.engine.submit(Command::Transfer(group)).await.expect("the money moves");
}

#[test]
fn a_person_pays_a_shop_across_banks_of_either_model() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let mut n = 10;
        for payers_bank in ["BKA", "BKB"] {
            for shops_bank in ["BKA", "BKB", "BKC"] {
                n += 2;
                let shop = Shop::open(world, n, shops_bank).await;
                let payer = Payer::with(world, n + 1, payers_bank, 10_000).await;
                let order = shop.order(world, "A-1", 1250).await;
                let paid = payer.pay(world, &order).await.expect("paid");
                assert_eq!(
                    (paid.state, paid.wallet_id),
                    (State::Success, Some(payer.wallet)),
                    "{payers_bank} {shops_bank}"
                );
                assert_eq!(paid.transaction_id.map(|id| id.number()), Some(order.id.number()));
                assert_eq!((payer.holds(world).await, shop.holds(world).await), (8_750, 1_250));
                assert_eq!(path(world, order.id).await, [State::NotPay, State::UserPaying, State::Success]);
            }
        }
    });
}

#[test]
fn the_same_payment_sent_again_answers_the_paid_order_and_moves_nothing() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let payer = Payer::with(world, 2, "BKB", 10_000).await;
        let order = shop.order(world, "A-1", 1250).await;
        let ask = payer.agree(world, &order);
        let tries = (0..5).map(|_| payments::pay(&world.app, &payer.citizen.actor, order.id, ask.clone()));
        for paid in join_all(tries).await {
            assert_eq!(paid.expect("paid, or paid already").state, State::Success);
        }
        let later = payer.pay(world, &order).await.expect("freshly signed, and told that it is paid");
        assert_eq!(later.state, State::Success);
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (8_750, 1_250));
    });
}

#[test]
fn of_two_people_at_once_exactly_one_pays() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let (anna, bo) =
            (Payer::with(world, 2, "BKA", 50_000).await, Payer::with(world, 3, "BKB", 50_000).await);
        for round in 0..10 {
            let order = shop.order(world, &format!("A-{round}"), 1_000).await;
            let (a, b) = join(anna.pay(world, &order), bo.pay(world, &order)).await;
            let problem = match (a, b) {
                (Ok(_), Err(problem)) | (Err(problem), Ok(_)) => problem,
                both => panic!("one pays: {both:?}"),
            };
            assert!(matches!(problem.code, Code::InProgress | Code::OrderPaid), "{problem}");
        }
        assert_eq!(shop.holds(world).await, 10_000);
        assert_eq!(anna.holds(world).await + bo.holds(world).await, 90_000);
    });
}

#[test]
fn while_one_pays_another_waits_and_then_hears_that_it_is_paid() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let (anna, bo) =
            (Payer::with(world, 2, "BKA", 5_000).await, Payer::with(world, 3, "BKA", 5_000).await);
        let order = shop.order(world, "A-1", 1_000).await;
        let attempt = reserved(world, &anna, &order).await;
        assert_eq!(shop.see(world, order.id).await.state, State::UserPaying);
        assert_eq!(bo.pay(world, &order).await.expect_err("held").code, Code::InProgress);
        let closing = orders::close(&world.app, shop.id, Name::Id(order.id)).await;
        assert_eq!(closing.expect_err("being paid").code, Code::InProgress);
        move_only(world, &shop, &attempt).await;
        world.settle().await;
        assert_eq!(bo.pay(world, &order).await.expect_err("paid").code, Code::OrderPaid);
        assert_eq!((anna.holds(world).await, bo.holds(world).await), (4_000, 5_000));
    });
}

#[test]
fn what_the_ledger_refuses_fails_the_attempt_and_the_order_waits_again() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let payer = Payer::with(world, 2, "BKB", 500).await;
        let order = shop.order(world, "A-1", 1_250).await;
        let problem = payer.pay(world, &order).await.expect_err("too little");
        assert_eq!(problem.code, Code::BalanceTooLow);
        assert_eq!(problem.extra.as_deref().and_then(|extra| extra.get("available")), Some(&500.into()));
        assert_eq!(shop.see(world, order.id).await.state, State::PayError);
        let seen = payments::view(&world.app, &payer.citizen.actor, order.id).await.expect("seen");
        assert_eq!(seen.last_problem.as_deref(), Some("balance_too_low"));
        orders::sweep(&world.app).await.expect("swept");
        assert_eq!(shop.see(world, order.id).await.state, State::NotPay);
        assert_eq!(payer.pay(world, &order).await.expect_err("still too little").code, Code::BalanceTooLow);
        fund(world, payer.wallet, 1_000).await;
        payer.pay(world, &order).await.expect("paid now");
        let failed = [State::NotPay, State::UserPaying, State::PayError];
        let paid = [State::NotPay, State::UserPaying, State::Success];
        assert_eq!(path(world, order.id).await, [failed, failed, paid].concat());
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (250, 1_250));
    });
}

#[test]
fn who_may_not_pay_is_told_why_and_nothing_moves() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let payer = Payer::with(world, 2, "BKA", 900_000).await;
        let stranger = Payer::with(world, 3, "BKA", 900_000).await;
        let order = shop.order(world, "A-1", 1_250).await;
        let large = shop.order(world, "A-2", 150_000).await;
        let huge = shop.order(world, "A-3", 600_000).await;
        let closed = shop.order(world, "A-4", 1_250).await;
        orders::close(&world.app, shop.id, Name::Id(closed.id)).await.expect("closed");
        let agree = |order: &orders::Order| payer.agree(world, order);
        let pinned = |ask: PayAsk, pin: &str| PayAsk { pin: Some(pin.into()), ..ask };
        let elsewhere = PayAsk { wallet_id: stranger.wallet, ..agree(&order) };
        let other_amount = {
            let (payee, subject) = (shop.id.to_string(), order.id.to_string());
            let evidence = payer.citizen.sign(world, "pay", &payee, 1, &subject, payer.wallet);
            PayAsk { evidence, ..agree(&order) }
        };
        let expired = PayAsk {
            evidence: devices::EvidenceAsk { expires_at: world.clock.millis() - 1, ..agree(&order).evidence },
            ..agree(&order)
        };
        let unknown = OrderId::new(world.clock.millis());
        for (id, ask, code) in [
            (unknown, agree(&order), Code::NotFound),
            (order.id, elsewhere, Code::NotFound),
            (order.id, other_amount, Code::DeviceSignatureInvalid),
            (order.id, agree(&large), Code::DeviceSignatureInvalid),
            (order.id, expired, Code::EvidenceExpired),
            (large.id, agree(&large), Code::PinRequired),
            (large.id, pinned(agree(&large), "000000"), Code::PinInvalid),
            (huge.id, pinned(agree(&huge), PIN), Code::OverSingleLimit),
            (closed.id, agree(&closed), Code::OrderClosed),
        ] {
            let refused = payments::pay(&world.app, &payer.citizen.actor, id, ask).await;
            assert_eq!(refused.expect_err("refused").code, code);
        }
        payments::pay(&world.app, &payer.citizen.actor, large.id, pinned(agree(&large), PIN))
            .await
            .expect("with the PIN");
        wallets::control(&world.app, payer.wallet, Control::DebitFrozen).await.expect("frozen");
        assert_eq!(payer.pay(world, &order).await.expect_err("frozen").code, Code::WalletUnavailable);
        wallets::control(&world.app, payer.wallet, Control::Active).await.expect("free again");
        world.clock.advance(1_300_000);
        assert_eq!(payer.pay(world, &order).await.expect_err("expired").code, Code::OrderClosed);
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (750_000, 150_000));
    });
}

#[test]
fn a_nonce_serves_one_order_and_a_revoked_device_none() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let payer = Payer::with(world, 2, "BKA", 10_000).await;
        let (first, second) = (shop.order(world, "A-1", 100).await, shop.order(world, "A-2", 100).await);
        let signed = payer.agree(world, &first);
        payments::pay(&world.app, &payer.citizen.actor, first.id, signed.clone()).await.expect("paid");
        let replayed = devices::Evidence {
            action: payments::ACTION,
            payee: shop.id.to_string(),
            amount: second.amount,
            subject: second.id.to_string(),
            wallet: payer.wallet,
            expires_at: signed.evidence.expires_at,
            nonce: signed.evidence.nonce.clone(),
        };
        let ask = PayAsk { evidence: payer.citizen.sign_evidence(&replayed), ..signed };
        let refused = payments::pay(&world.app, &payer.citizen.actor, second.id, ask).await;
        assert_eq!(refused.expect_err("the nonce was used").code, Code::NonceReused);
        devices::revoke(&world.app, &payer.citizen.actor, payer.citizen.device).await.expect("revoked");
        assert_eq!(payer.pay(world, &second).await.expect_err("revoked").code, Code::DeviceUnknown);
        assert_eq!(shop.see(world, second.id).await.state, State::NotPay);
    });
}

#[test]
fn at_the_edge_of_a_days_limit_exactly_the_allowed_payments_pass() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKB").await;
        // Class III: 5,000 yuan at once, 10,000 a day. Seven of 1,400 fit; an eighth does not.
        let payer = Payer::with(world, 2, "BKB", 2_000_000).await;
        let mut orders = Vec::new();
        for n in 0..10 {
            orders.push(shop.order(world, &format!("A-{n}"), 140_000).await);
        }
        let tries = orders.iter().map(|order| {
            let ask = PayAsk { pin: Some(PIN.into()), ..payer.agree(world, order) };
            payments::pay(&world.app, &payer.citizen.actor, order.id, ask)
        });
        let answers = join_all(tries).await;
        let refused: Vec<&Problem> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
        assert_eq!(refused.iter().map(|problem| problem.code).collect::<Vec<_>>(), [Code::OverDayLimit; 3]);
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (2_000_000 - 980_000, 980_000));
    });
}

#[test]
fn a_crash_after_the_reservation_lets_the_order_be_paid_again() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let (anna, bo) =
            (Payer::with(world, 2, "BKA", 5_000).await, Payer::with(world, 3, "BKA", 5_000).await);
        let order = shop.order(world, "A-1", 1_000).await;
        reserved(world, &anna, &order).await;
        world.crash().await;
        assert_eq!(shop.see(world, order.id).await.state, State::UserPaying);
        orders::reconcile(&world.app).await.expect("reconciled");
        assert_eq!(shop.see(world, order.id).await.state, State::NotPay);
        bo.pay(world, &order).await.expect("paid by another");
        assert_eq!((anna.holds(world).await, bo.holds(world).await), (5_000, 4_000));
    });
}

#[test]
fn a_crash_between_the_ledger_and_the_follower_loses_nothing() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let payer = Payer::with(world, 2, "BKB", 5_000).await;
        let order = shop.order(world, "A-1", 1_000).await;
        let attempt = reserved(world, &payer, &order).await;
        world.settle().await;
        world.stop_followers().await;
        move_only(world, &shop, &attempt).await;
        assert_eq!(shop.see(world, order.id).await.state, State::UserPaying);
        world.crash().await;
        orders::reconcile(&world.app).await.expect("reconciled");
        world.settle().await;
        assert_eq!(shop.see(world, order.id).await.state, State::Success);
        assert_eq!(payer.pay(world, &order).await.expect("the lost answer").state, State::Success);
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (4_000, 1_000));
    });
}

#[test]
fn an_attempt_that_was_never_heard_of_again_gives_way_when_its_time_is_over() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let (anna, bo) =
            (Payer::with(world, 2, "BKA", 5_000).await, Payer::with(world, 3, "BKA", 5_000).await);
        let order = shop.order(world, "A-1", 1_000).await;
        let slow = reserved(world, &anna, &order).await;
        world.clock.advance(29_000);
        assert_eq!(bo.pay(world, &order).await.expect_err("held").code, Code::InProgress);
        world.clock.advance(2_000);
        bo.pay(world, &order).await.expect("the ledger knows of no transfer, so the order is free");
        // The slow attempt wakes up: the ledger lets one transfer of the order's number pass.
        let from = wallets::find(&world.app, anna.wallet).await.expect("a wallet");
        let to = wallets::find(&world.app, shop.wallet).await.expect("a wallet").account();
        let late = payments::move_money(&world.app, &slow, &from, &to).await;
        assert_eq!(late.expect_err("paid by another").code, Code::OrderPaid);
        assert_eq!((anna.holds(world).await, bo.holds(world).await), (5_000, 4_000));
        assert_eq!(shop.see(world, order.id).await.state, State::Success);
    });
}

#[test]
fn a_payment_that_lands_on_a_closed_order_is_given_back_by_itself() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let shop = Shop::open(world, 1, "BKA").await;
        let payer = Payer::with(world, 2, "BKB", 5_000).await;
        let order = shop.order(world, "A-1", 1_000).await;
        let slow = reserved(world, &payer, &order).await;
        world.clock.advance(31_000);
        orders::sweep(&world.app).await.expect("the attempt is given up");
        let closed = orders::close(&world.app, shop.id, Name::Id(order.id)).await.expect("closed");
        assert_eq!(closed.state, State::Closed);
        move_only(world, &shop, &slow).await;
        world.settle().await;
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (4_000, 1_000));
        // A crash before the refund is made: it is found by its state.
        world.crash().await;
        let made = async || {
            let all = refunds::ListAsk { order_id: Some(order.id), ..Default::default() };
            refunds::list(&world.app, shop.id, &all).await.expect("a page").items
        };
        assert_eq!(
            made().await.iter().map(|refund| refund.state).collect::<Vec<_>>(),
            [refunds::State::Processing]
        );
        orders::reconcile(&world.app).await.expect("reconciled");
        orders::sweep(&world.app).await.expect("done already");
        let refund = made().await.remove(0);
        assert_eq!((refund.state, refund.origin), (refunds::State::Success, refunds::Origin::LatePayment));
        assert_eq!(refund.amount.amount, 1_000);
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (5_000, 0));
        let told = shop.see(world, order.id).await;
        assert_eq!((told.state, told.refund_state), (State::Closed, orders::RefundState::Full));
        assert_eq!((told.refunded.amount, told.refunding.amount), (1_000, 0));
    });
}
