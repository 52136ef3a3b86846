//! Mandates: what a merchant may charge without asking, and nothing more.

use futures_util::future::join_all;
use jialing_platform::id::{MandateId, WalletId};
use jialing_platform::mandates::{self, ChargeAsk, Mandate, MandateAsk, State};
use jialing_platform::merchants::Caller;
use jialing_platform::orders::{self, Name, Order, RefundState};
use jialing_platform::wallets::{self, Control};
use jialing_platform::{Code, Money, PageAsk, Problem, Result, merchants, outbox, refunds};

use crate::citizen::PIN;
use crate::market::{Payer, Shop, found, fund, request};
use crate::world::{World, on_each_backend};

/// What pushing a mandate with these limits takes, signed by the device.
fn agree(world: &World, payer: &Payer, shop: &Shop, single: u64, day: u64) -> MandateAsk {
    let subject = mandates::subject(single);
    let evidence =
        payer.citizen.sign(world, mandates::ACTION, &shop.id.to_string(), day, &subject, payer.wallet);
    MandateAsk {
        merchant_id: shop.id,
        wallet_id: payer.wallet,
        single: Money::fen(single),
        day: Money::fen(day),
        pin: PIN.into(),
        evidence,
    }
}

async fn push(world: &World, payer: &Payer, shop: &Shop, single: u64, day: u64) -> Mandate {
    let ask = agree(world, payer, shop, single, day);
    mandates::create(&world.app, &payer.citizen.actor, ask).await.expect("pushed")
}

fn ask(number: &str, amount: u64) -> ChargeAsk {
    ChargeAsk {
        out_trade_no: number.into(),
        description: "地铁 2 号线".into(),
        amount: Money::fen(amount),
        store_id: None,
        goods_detail: None,
        terminal: None,
        attach: None,
        notify_url: None,
        goods_tag: None,
    }
}

async fn charge(world: &World, shop: &Shop, token: &str, number: &str, amount: u64) -> Result<Order> {
    Ok(mandates::charge(&world.app, &shop.caller, token, ask(number, amount)).await?.value)
}

/// A shop and a payer with 500 yuan.
async fn pair(world: &World) -> (Shop, Payer) {
    found(world).await;
    (Shop::open(world, 1, "BKA").await, Payer::with(world, 2, "BKB", 50_000).await)
}

#[test]
fn a_merchant_charges_without_pin_inside_the_limits_and_learns_a_token_only() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let mandate = push(world, &payer, &shop, 1_000, 2_500).await;
        assert_eq!((mandate.state, mandate.paid_today.amount), (State::Active, 0));
        let paid = charge(world, &shop, &mandate.token, "M-1", 1_000).await.expect("within both limits");
        assert_eq!(paid.state, orders::State::Success);
        let told = serde_json::to_string(&paid).expect("JSON");
        for secret in [mandate.id.to_string(), payer.wallet.to_string(), payer.citizen.person.to_string()] {
            assert!(!told.contains(&secret), "{told}");
        }
        for (number, amount, code) in [
            ("M-2", 1_001, Code::OverSingleLimit),
            ("M-3", 1_000, Code::Internal),
            ("M-4", 501, Code::OverDayLimit),
        ] {
            match charge(world, &shop, &mandate.token, number, amount).await {
                Ok(order) => assert_eq!((number, order.state), ("M-3", orders::State::Success)),
                Err(problem) => assert_eq!(problem.code, code, "{number}"),
            }
        }
        charge(world, &shop, &mandate.token, "M-5", 500).await.expect("exactly the rest of the day");
        let seen =
            mandates::of(&world.app, &payer.citizen.actor, mandate.id).await.expect("the person's own");
        assert_eq!(seen.paid_today.amount, 2_500);
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (47_500, 2_500));
        world.clock.advance(86_400_000);
        charge(world, &shop, &mandate.token, "M-6", 1_000).await.expect("another day");
    });
}

#[test]
fn of_ten_charges_at_once_exactly_those_that_fit_the_day_pass() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        // Seven of 300 are 2,100; the limit is 2,399.
        let mandate = push(world, &payer, &shop, 300, 2_399).await;
        let numbers: Vec<String> = (0..10).map(|n| format!("M-{n}")).collect();
        let answers =
            join_all(numbers.iter().map(|number| charge(world, &shop, &mandate.token, number, 300))).await;
        let refused: Vec<&Problem> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
        assert_eq!(refused.iter().map(|problem| problem.code).collect::<Vec<_>>(), [Code::OverDayLimit; 3]);
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (47_900, 2_100));
    });
}

#[test]
fn the_same_charge_again_answers_the_paid_order_and_a_refused_one_is_tried_again() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let mandate = push(world, &payer, &shop, 60_000, 100_000).await;
        let tries =
            (0..8).map(|_| mandates::charge(&world.app, &shop.caller, &mandate.token, ask("M-1", 1_000)));
        let made: Vec<_> =
            join_all(tries).await.into_iter().map(|made| made.expect("paid or there")).collect();
        assert_eq!(made.iter().filter(|made| made.fresh).count(), 1);
        assert!(
            made.iter()
                .all(|each| each.value.id == made[0].value.id && each.value.state == orders::State::Success)
        );
        assert_eq!(payer.holds(world).await, 49_000);
        let other = mandates::charge(&world.app, &shop.caller, &mandate.token, ask("M-1", 1_001)).await;
        let problem = other.expect_err("another amount");
        assert_eq!((problem.code, problem.field.as_deref()), (Code::Conflict, Some("amount")));
        let by_hand =
            orders::create(&world.app, &shop.caller, Shop::ask("M-1", 1_000)).await.expect_err("another way");
        assert_eq!((by_hand.code, by_hand.field.as_deref()), (Code::Conflict, Some("token")));

        let poor = charge(world, &shop, &mandate.token, "M-2", 49_001).await.expect_err("one fen too much");
        assert_eq!(poor.code, Code::BalanceTooLow);
        let extra = poor.extra.unwrap_or_default();
        assert_eq!(extra.keys().collect::<Vec<_>>(), ["order_id"], "nothing about the wallet");
        let waiting = orders::of(&world.app, shop.id, &Name::OutTradeNo("M-2".into())).await.expect("there");
        assert_eq!((waiting.state, waiting.qr_code), (orders::State::PayError, None));
        fund(world, payer.wallet, 1).await;
        let paid = charge(world, &shop, &mandate.token, "M-2", 49_001).await.expect("tried again");
        assert_eq!((paid.id, paid.state), (waiting.id, orders::State::Success));
    });
}

#[test]
fn a_paused_mandate_is_not_charged_a_resumed_one_is_a_revoked_one_never_again() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let mandate = push(world, &payer, &shop, 1_000, 2_500).await;
        let (app, actor) = (&world.app, &payer.citizen.actor);
        charge(world, &shop, &mandate.token, "M-1", 100).await.expect("active");
        for _ in 0..2 {
            assert_eq!(mandates::pause(app, actor, mandate.id).await.expect("paused").state, State::Paused);
        }
        assert_eq!(
            charge(world, &shop, &mandate.token, "M-2", 100).await.expect_err("paused").code,
            Code::MandateUnusable
        );
        assert_eq!(
            charge(world, &shop, &mandate.token, "M-1", 100).await.expect("told").state,
            orders::State::Success
        );
        assert_eq!(mandates::resume(app, actor, mandate.id).await.expect("resumed").state, State::Active);
        charge(world, &shop, &mandate.token, "M-2", 100).await.expect("active again");
        for _ in 0..2 {
            assert_eq!(
                mandates::revoke(app, actor, mandate.id).await.expect("revoked").state,
                State::Revoked
            );
        }
        for answer in
            [mandates::pause(app, actor, mandate.id).await, mandates::resume(app, actor, mandate.id).await]
        {
            assert_eq!(answer.expect_err("for good").code, Code::MandateUnusable);
        }
        assert_eq!(
            charge(world, &shop, &mandate.token, "M-3", 100).await.expect_err("revoked").code,
            Code::MandateUnusable
        );
        let told = mandates::of_merchant(app, shop.id, &mandate.token).await.expect("told");
        assert_eq!(told.state, State::Revoked);
        assert_eq!(payer.holds(world).await, 49_800);
    });
}

#[test]
fn a_mandate_is_its_persons_and_its_merchants_alone() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let (other_shop, stranger) =
            (Shop::open(world, 3, "BKA").await, Payer::with(world, 4, "BKA", 50_000).await);
        let mandate = push(world, &payer, &shop, 1_000, 2_500).await;
        let app = &world.app;
        assert_eq!(
            charge(world, &other_shop, &mandate.token, "M-1", 1).await.expect_err("not theirs").code,
            Code::NotFound
        );
        assert_eq!(
            charge(world, &shop, "mtk_guess", "M-1", 1).await.expect_err("unknown").code,
            Code::NotFound
        );
        assert_eq!(
            mandates::of_merchant(app, other_shop.id, &mandate.token).await.expect_err("not theirs").code,
            Code::NotFound
        );
        assert_eq!(
            mandates::revoke(app, &stranger.citizen.actor, mandate.id).await.expect_err("not theirs").code,
            Code::NotFound
        );
        assert_eq!(
            mandates::of(app, &stranger.citizen.actor, mandate.id).await.expect_err("not theirs").code,
            Code::NotFound
        );
        let second = push(world, &payer, &shop, 10, 10).await;
        let page = |limit| PageAsk { limit: Some(limit), ..PageAsk::default() };
        let tokens = mandates::list_of_merchant(app, shop.id, &page(1)).await.expect("a page");
        assert_eq!((tokens.items[0].token.as_str(), tokens.has_more), (second.token.as_str(), true));
        let next = PageAsk { after: Some(second.token.clone()), ..page(1) };
        let tokens = mandates::list_of_merchant(app, shop.id, &next).await.expect("a page");
        assert_eq!((tokens.items[0].token.as_str(), tokens.has_more), (mandate.token.as_str(), false));
        assert!(
            mandates::list_of_merchant(app, other_shop.id, &page(1)).await.expect("a page").items.is_empty()
        );
        let mine = mandates::list(app, &payer.citizen.actor, &page(10)).await.expect("a page");
        assert_eq!(
            mine.items.iter().map(|each| each.id).collect::<Vec<MandateId>>(),
            [second.id, mandate.id]
        );
    });
}

#[test]
fn a_mandate_is_pushed_by_a_device_and_a_pin_within_sane_limits() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let stranger = Payer::with(world, 3, "BKA", 0).await;
        let good = || agree(world, &payer, &shop, 1_000, 2_500);
        let fen = Money::fen;
        for (ask, code) in [
            (MandateAsk { single: fen(0), ..good() }, Code::AmountInvalid),
            (MandateAsk { day: fen(999), ..good() }, Code::AmountInvalid),
            (MandateAsk { single: fen(1_001), ..good() }, Code::DeviceSignatureInvalid),
            (MandateAsk { day: fen(2_501), ..good() }, Code::DeviceSignatureInvalid),
            (MandateAsk { wallet_id: stranger.wallet, ..good() }, Code::NotFound),
            (MandateAsk { wallet_id: WalletId::new(0), ..good() }, Code::NotFound),
            (MandateAsk { pin: "000000".into(), ..good() }, Code::PinInvalid),
        ] {
            let refused = mandates::create(&world.app, &payer.citizen.actor, ask).await;
            assert_eq!(refused.expect_err("refused").code, code);
        }
        let ask = good();
        let first = mandates::create(&world.app, &payer.citizen.actor, ask.clone()).await.expect("pushed");
        let again =
            mandates::create(&world.app, &payer.citizen.actor, ask).await.expect("the same signature");
        assert_eq!(first, again);
        merchants::suspend(&world.app, shop.id, "inspection", "test").await.expect("suspended");
        let refused = mandates::create(&world.app, &payer.citizen.actor, good()).await;
        assert_eq!(refused.expect_err("suspended").code, Code::MerchantInactive);
    });
}

#[test]
fn a_wallet_has_so_many_mandates_and_each_its_own_policy() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let mut first = None;
        for n in 0..50 {
            let mandate = push(world, &payer, &shop, 10 + n, 10 + n).await;
            let meter = world.app.engine.meter(mandate.id.number()).await.expect("readable").expect("opened");
            assert_eq!(u64::from(meter.policy), 1_000 + n);
            first.get_or_insert(mandate.id);
        }
        let one_more = agree(world, &payer, &shop, 1, 1);
        let refused =
            mandates::create(&world.app, &payer.citizen.actor, one_more).await.expect_err("too many");
        assert_eq!(refused.code, Code::StateConflict);
        mandates::revoke(&world.app, &payer.citizen.actor, first.expect("fifty were pushed"))
            .await
            .expect("revoked");
        push(world, &payer, &shop, 1, 1).await;
    });
}

#[test]
fn a_mandate_that_a_crash_left_opening_is_finished_at_the_next_start() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let mandate = push(world, &payer, &shop, 1_000, 2_500).await;
        let id = mandate.id;
        let back = async move |tx: &mut jialing_platform::Tx| {
            sqlx::query("UPDATE mandates SET state = 'OPENING' WHERE id = $1")
                .bind(id)
                .execute(&mut *tx)
                .await?;
            Ok(())
        };
        world.app.db.write(back).await.expect("as the stopped process left it");
        assert_eq!(
            charge(world, &shop, &mandate.token, "M-1", 1).await.expect_err("opening").code,
            Code::MandateUnusable
        );
        world.crash().await;
        orders::reconcile(&world.app).await.expect("reconciled");
        assert_eq!(
            charge(world, &shop, &mandate.token, "M-1", 1).await.expect("active").state,
            orders::State::Success
        );
        // Twice is once: the same limits are published again and nothing changes.
        world.app.db.write(back).await.expect("as another stopped process left it");
        orders::reconcile(&world.app).await.expect("reconciled");
        let seen = mandates::of(&world.app, &payer.citizen.actor, id).await.expect("seen");
        assert_eq!((seen.state, seen.paid_today.amount), (State::Active, 1));
    });
}

#[test]
fn a_charged_order_is_revoked_whole() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let mandate = push(world, &payer, &shop, 40_000, 60_000).await;
        let revoke =
            async |by: &Caller, order: &Order| orders::revoke(&world.app, by, Name::Id(order.id)).await;
        let paid = charge(world, &shop, &mandate.token, "M-1", 1_000).await.expect("paid");
        for _ in 0..2 {
            let back = revoke(&shop.caller, &paid).await.expect("revoked");
            assert_eq!((back.state, back.refund_state), (orders::State::Revoked, RefundState::Full));
        }
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (50_000, 0));
        let all = refunds::ListAsk { order_id: Some(paid.id), ..Default::default() };
        let made = refunds::list(&world.app, shop.id, &all).await.expect("a page").items;
        assert_eq!(
            made.iter().map(|refund| refund.origin).collect::<Vec<_>>(),
            [refunds::Origin::Revocation]
        );

        // One that could not be paid is revoked too, and then never paid.
        wallets::control(&world.app, payer.wallet, Control::DebitFrozen).await.expect("frozen");
        let refused = charge(world, &shop, &mandate.token, "M-2", 1_000).await.expect_err("frozen");
        assert_eq!(refused.code, Code::WalletUnavailable);
        let unpaid = orders::of(&world.app, shop.id, &Name::OutTradeNo("M-2".into())).await.expect("there");
        assert_eq!(revoke(&shop.caller, &unpaid).await.expect("revoked").state, orders::State::Revoked);
        wallets::control(&world.app, payer.wallet, Control::Active).await.expect("free again");
        let told = charge(world, &shop, &mandate.token, "M-2", 1_000).await.expect("told");
        assert_eq!(told.state, orders::State::Revoked);

        let other = request(Shop::open(world, 3, "BKA").await.id, "{}");
        let part = charge(world, &shop, &mandate.token, "M-3", 1_000).await.expect("paid");
        assert_eq!(revoke(&other, &part).await.expect_err("not theirs").code, Code::NotFound);
        let some = refunds::RefundAsk {
            out_refund_no: "R-1".into(),
            order_id: Some(part.id),
            out_trade_no: None,
            amount: Money::fen(1),
            reason: None,
            nature: None,
        };
        refunds::request(&world.app, &shop.caller, some).await.expect("refunded in part");
        assert_eq!(revoke(&shop.caller, &part).await.expect_err("in part").code, Code::StateConflict);
        let settings = merchants::SettingsAsk { refund_approval_above: Some(Money::fen(1_999)) };
        merchants::set(&world.app, &shop.owner.actor, shop.id, settings).await.expect("set");
        let large = charge(world, &shop, &mandate.token, "M-4", 2_000).await.expect("paid");
        assert_eq!(revoke(&shop.caller, &large).await.expect_err("to be approved").code, Code::StateConflict);
        let old = charge(world, &shop, &mandate.token, "M-5", 100).await.expect("paid");
        world.clock.advance(86_400_000 + 1_000);
        assert_eq!(revoke(&shop.caller, &old).await.expect_err("too late").code, Code::StateConflict);
    });
}

#[test]
fn a_merchant_hears_of_each_turn_of_a_mandate_by_its_token_alone() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer) = pair(world).await;
        let mandate = push(world, &payer, &shop, 1_000, 2_500).await;
        let (app, actor) = (&world.app, &payer.citizen.actor);
        for _ in 0..2 {
            mandates::pause(app, actor, mandate.id).await.expect("paused");
        }
        mandates::resume(app, actor, mandate.id).await.expect("resumed");
        mandates::revoke(app, actor, mandate.id).await.expect("revoked");
        let page = outbox::list(app, shop.id, outbox::EventsAsk::default()).await.expect("events");
        let mut told: Vec<_> =
            page.items.iter().map(|event| (event.event.text(), event.object_version)).collect();
        told.sort_by_key(|(_, version)| *version);
        assert_eq!(
            told,
            [("mandate.activated", 2), ("mandate.paused", 3), ("mandate.resumed", 4), ("mandate.revoked", 5)]
        );
        let text = serde_json::to_string(&page.items).expect("JSON");
        assert!(text.contains(&mandate.token) && !text.contains(&mandate.id.to_string()), "{text}");
        assert!(!text.contains(&payer.wallet.to_string()), "{text}");
    });
}
