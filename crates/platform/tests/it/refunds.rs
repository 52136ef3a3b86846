//! Refunds: never more than was paid, and to the end whatever happens.

use futures_util::future::join_all;
use jialing_ledger::{AccountChange, Command};
use jialing_platform::orders::{self, Order, RefundState};
use jialing_platform::refunds::{self, ListAsk, Name, Nature, Refund, RefundAsk, RejectAsk, State};
use jialing_platform::wallets::{self, Control};
use jialing_platform::{Code, Money, Result, merchants};

use crate::market::{Payer, Shop, found, fund, request};
use crate::world::{World, on_each_backend};

fn ask(number: &str, order: &Order, amount: u64) -> RefundAsk {
    RefundAsk {
        out_refund_no: number.into(),
        order_id: Some(order.id),
        out_trade_no: None,
        amount: Money::fen(amount),
        reason: None,
        nature: None,
    }
}

async fn refund(world: &World, shop: &Shop, ask: RefundAsk) -> Result<Refund> {
    Ok(refunds::request(&world.app, &shop.caller, ask).await?.value)
}

async fn code(world: &World, shop: &Shop, ask: RefundAsk) -> (Code, Option<String>) {
    let problem = refund(world, shop, ask).await.expect_err("refused");
    (problem.code, problem.field)
}

/// A shop, a payer, and an order of 1,000 fen that was paid.
async fn paid(world: &World) -> (Shop, Payer, Order) {
    found(world).await;
    let shop = Shop::open(world, 1, "BKA").await;
    let payer = Payer::with(world, 2, "BKB", 5_000).await;
    let order = shop.order(world, "A-1", 1_000).await;
    payer.pay(world, &order).await.expect("paid");
    (shop, payer, order)
}

#[test]
fn a_payment_is_given_back_in_parts_until_nothing_is_left() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer, order) = paid(world).await;
        let mut left = 1_000;
        for (number, amount, progress) in [
            ("R-1", 300, RefundState::Partial),
            ("R-2", 699, RefundState::Partial),
            ("R-3", 1, RefundState::Full),
        ] {
            let done = refund(world, &shop, ask(number, &order, amount)).await.expect("refunded");
            assert_eq!((done.state, done.amount.amount), (State::Success, amount));
            assert_eq!(done.transaction_id.map(|id| id.number()), Some(done.id.number()));
            left -= amount;
            assert_eq!(shop.see(world, order.id).await.refund_state, progress);
            assert_eq!(shop.holds(world).await, left as i64);
        }
        assert_eq!(payer.holds(world).await, 5_000);
        let (code, field) = code(world, &shop, ask("R-4", &order, 1)).await;
        assert_eq!((code, field.as_deref()), (Code::RefundExceedsPaid, Some("amount")));
    });
}

#[test]
fn a_refunds_number_is_used_once_for_ever_and_a_conflict_names_the_field() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer, order) = paid(world).await;
        let other = shop.order(world, "A-2", 1_000).await;
        payer.pay(world, &other).await.expect("paid");
        let first =
            refunds::request(&world.app, &shop.caller, ask("R-1", &order, 300)).await.expect("refunded");
        let again =
            refunds::request(&world.app, &shop.caller, ask("R-1", &order, 300)).await.expect("there already");
        assert!(first.fresh && !again.fresh);
        assert_eq!(first.value, again.value);
        for (ask, field) in [
            (ask("R-1", &other, 300), "order_id"),
            (ask("R-1", &order, 301), "amount"),
            (RefundAsk { reason: Some("cold".into()), ..ask("R-1", &order, 300) }, "reason"),
            (RefundAsk { nature: Some(Nature::Operational), ..ask("R-1", &order, 300) }, "nature"),
        ] {
            assert_eq!(code(world, &shop, ask).await, (Code::Conflict, Some(field.into())));
        }
        let by_number =
            RefundAsk { order_id: None, out_trade_no: Some("A-1".into()), ..ask("R-1", &order, 300) };
        assert_eq!(refund(world, &shop, by_number).await.expect("the same order by its number"), first.value);
    });
}

#[test]
fn what_cannot_be_refunded_is_refused_with_the_reason() {
    on_each_backend(async |world: &mut World| {
        let (shop, _, order) = paid(world).await;
        let stranger = Shop::open(world, 3, "BKA").await;
        let unpaid = shop.order(world, "A-2", 1_000).await;
        let both = RefundAsk { out_trade_no: Some("A-1".into()), ..ask("R-1", &order, 1) };
        let neither = RefundAsk { order_id: None, ..ask("R-1", &order, 1) };
        for (by, ask, code) in [
            (&shop, ask("R-1", &order, 0), Code::AmountInvalid),
            (&shop, ask("R-1", &order, 1_001), Code::RefundExceedsPaid),
            (&shop, ask("R 1", &order, 1), Code::InvalidRequest),
            (
                &shop,
                RefundAsk { reason: Some("a\u{0}".into()), ..ask("R-1", &order, 1) },
                Code::InvalidRequest,
            ),
            (&shop, both, Code::InvalidRequest),
            (&shop, neither, Code::InvalidRequest),
            (&shop, ask("R-1", &unpaid, 1), Code::StateConflict),
            (&stranger, ask("R-1", &order, 1), Code::NotFound),
        ] {
            assert_eq!(refund(world, by, ask).await.expect_err("refused").code, code);
        }
        world.clock.advance(365 * 86_400_000 - 60_000);
        refund(world, &shop, ask("R-1", &order, 1)).await.expect("just within a year");
        world.clock.advance(120_000);
        assert_eq!(code(world, &shop, ask("R-2", &order, 1)).await.0, Code::RefundWindowClosed);
        assert_eq!(shop.holds(world).await, 999);
    });
}

#[test]
fn refunds_at_once_never_give_back_more_than_was_paid() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer, order) = paid(world).await;
        // Nine of 110 would be 990; a tenth would be too much.
        let tries = (0..20).map(|n| refund(world, &shop, ask(&format!("R-{n}"), &order, 110)));
        let answers = join_all(tries).await;
        let done = answers
            .iter()
            .filter(|answer| answer.as_ref().is_ok_and(|refund| refund.state == State::Success))
            .count();
        let refused = answers
            .iter()
            .filter(|answer| answer.as_ref().is_err_and(|p| p.code == Code::RefundExceedsPaid))
            .count();
        assert_eq!((done, refused), (9, 11), "{answers:?}");
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (4_990, 10));
        let told = shop.see(world, order.id).await;
        assert_eq!((told.refunded.amount, told.refunding.amount), (990, 0));
    });
}

#[test]
fn one_number_at_once_is_one_refund() {
    on_each_backend(async |world: &mut World| {
        let (shop, _, order) = paid(world).await;
        let tries = (0..10).map(|_| refunds::request(&world.app, &shop.caller, ask("R-1", &order, 400)));
        let made: Vec<_> =
            join_all(tries).await.into_iter().map(|made| made.expect("made or there")).collect();
        assert_eq!(made.iter().filter(|made| made.fresh).count(), 1);
        assert!(made.iter().all(|each| each.value.id == made[0].value.id));
        assert_eq!(shop.holds(world).await, 600);
    });
}

#[test]
fn what_the_payers_wallet_cannot_take_stays_owed_until_a_retry_succeeds() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer, order) = paid(world).await;
        wallets::control(&world.app, payer.wallet, Control::CreditFrozen).await.expect("frozen");
        let stuck = refund(world, &shop, ask("R-1", &order, 400)).await.expect("asked for");
        assert_eq!((stuck.state, stuck.problem.as_deref()), (State::Abnormal, Some("wallet_unavailable")));
        let told = shop.see(world, order.id).await;
        assert_eq!(
            (told.refunded.amount, told.refunding.amount, told.refund_state),
            (0, 400, RefundState::None)
        );
        assert_eq!(code(world, &shop, ask("R-2", &order, 601)).await.0, Code::RefundExceedsPaid);
        let again = refunds::retry(&world.app, shop.id, Name::Id(stuck.id)).await.expect("tried again");
        assert_eq!(again.state, State::Abnormal);
        wallets::control(&world.app, payer.wallet, Control::Active).await.expect("free again");
        // A full wallet cannot take it either.
        let held = payer.holds(world).await;
        let full = AccountChange { id: payer.wallet.number(), max: Some(held + 399), ..Default::default() };
        world.app.engine.submit(Command::ChangeAccount(full)).await.expect("changed");
        let full =
            refunds::retry(&world.app, shop.id, Name::OutRefundNo("R-1".into())).await.expect("tried again");
        assert_eq!((full.state, full.problem.as_deref()), (State::Abnormal, Some("balance_too_high")));
        let room = AccountChange { id: payer.wallet.number(), max: Some(held + 400), ..Default::default() };
        world.app.engine.submit(Command::ChangeAccount(room)).await.expect("changed");
        for _ in 0..2 {
            let done = refunds::retry(&world.app, shop.id, Name::Id(stuck.id)).await.expect("tried again");
            assert_eq!((done.state, done.problem), (State::Success, None));
        }
        assert_eq!(payer.holds(world).await, held + 400);
    });
}

#[test]
fn what_the_shop_cannot_pay_is_closed_and_can_be_asked_for_anew() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer, order) = paid(world).await;
        wallets::control(&world.app, shop.wallet, Control::DebitFrozen).await.expect("frozen");
        let closed = refund(world, &shop, ask("R-1", &order, 400)).await.expect("asked for");
        assert_eq!((closed.state, closed.problem.as_deref()), (State::Closed, Some("wallet_unavailable")));
        assert!(closed.ended_at.is_some());
        assert_eq!(shop.see(world, order.id).await.refunding.amount, 0);
        wallets::control(&world.app, shop.wallet, Control::Active).await.expect("free again");
        assert_eq!(
            refund(world, &shop, ask("R-1", &order, 400)).await.expect("told").state,
            State::Closed,
            "for ever"
        );
        let retried = refunds::retry(&world.app, shop.id, Name::Id(closed.id)).await;
        assert_eq!(retried.expect_err("closed").code, Code::StateConflict);
        assert_eq!(
            refund(world, &shop, ask("R-2", &order, 1_000)).await.expect("anew").state,
            State::Success
        );
        assert_eq!(payer.holds(world).await, 5_000);
        // Another order's money cannot be given back once the shop has spent it.
        let second = shop.order(world, "A-2", 500).await;
        payer.pay(world, &second).await.expect("paid");
        let spent = AccountChange { id: shop.wallet.number(), min: Some(200), ..Default::default() };
        world.app.engine.submit(Command::ChangeAccount(spent)).await.expect("a reserve of 200");
        let poor = refund(world, &shop, ask("R-3", &second, 400)).await.expect("asked for");
        assert_eq!((poor.state, poor.problem.as_deref()), (State::Closed, Some("balance_too_low")));
    });
}

#[test]
fn a_large_refund_waits_for_the_owner() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer, order) = paid(world).await;
        let settings = merchants::SettingsAsk { refund_approval_above: Some(Money::fen(299)) };
        merchants::set(&world.app, &shop.owner.actor, shop.id, settings).await.expect("set");
        assert_eq!(refund(world, &shop, ask("R-0", &order, 299)).await.expect("small").state, State::Success);
        let (yes, no) = (ask("R-1", &order, 300), ask("R-2", &order, 401));
        let yes = refund(world, &shop, yes).await.expect("asked for");
        let no = refund(world, &shop, no).await.expect("asked for");
        assert_eq!((yes.state, no.state), (State::PendingApproval, State::PendingApproval));
        assert_eq!(
            code(world, &shop, ask("R-3", &order, 1)).await.0,
            Code::RefundExceedsPaid,
            "both are set aside"
        );
        let app = &world.app;
        let owner = &shop.owner.actor;
        let by_stranger = refunds::approve(app, &payer.citizen.actor, shop.id, yes.id).await;
        assert_eq!(by_stranger.expect_err("not theirs").code, Code::NotFound);
        let retried = refunds::retry(app, shop.id, Name::Id(yes.id)).await;
        assert_eq!(retried.expect_err("it waits").code, Code::StateConflict);
        let waiting = ListAsk { state: Some(State::PendingApproval), ..Default::default() };
        assert_eq!(refunds::list_owned(app, owner, shop.id, &waiting).await.expect("a page").items.len(), 2);
        let reason = RejectAsk { reason: "the noodles were eaten".into() };
        for _ in 0..2 {
            assert_eq!(
                refunds::approve(app, owner, shop.id, yes.id).await.expect("approved").state,
                State::Success
            );
            assert_eq!(
                refunds::reject(app, owner, shop.id, no.id, &reason).await.expect("rejected").state,
                State::Closed
            );
        }
        let late = refunds::approve(app, owner, shop.id, no.id).await;
        assert_eq!(late.expect_err("rejected").code, Code::StateConflict);
        let late = refunds::reject(app, owner, shop.id, yes.id, &reason).await;
        assert_eq!(late.expect_err("approved").code, Code::StateConflict);
        assert_eq!(payer.holds(world).await, 4_000 + 599);
        let told = shop.see(world, order.id).await;
        assert_eq!((told.refunded.amount, told.refunding.amount), (599, 0));
    });
}

#[test]
fn a_refund_that_a_crash_left_behind_is_made_at_the_next_start() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer, order) = paid(world).await;
        // The process stops after the owner's yes was written and before the money moved.
        let settings = merchants::SettingsAsk { refund_approval_above: Some(Money::fen(1)) };
        merchants::set(&world.app, &shop.owner.actor, shop.id, settings).await.expect("set");
        let waiting = refund(world, &shop, ask("R-1", &order, 400)).await.expect("asked for");
        let id = waiting.id;
        world
            .app
            .db
            .write(async move |tx: &mut jialing_platform::Tx| {
                sqlx::query("UPDATE refunds SET state = 'PROCESSING', claim = 'gone', claimed_until = $2 WHERE id = $1")
                    .bind(id)
                    .bind(i64::MAX)
                    .execute(&mut *tx)
                    .await?;
                Ok(())
            })
            .await
            .expect("as the stopped process left it");
        world.crash().await;
        orders::reconcile(&world.app).await.expect("reconciled");
        let made = refunds::of(&world.app, shop.id, &Name::Id(id)).await.expect("there");
        assert_eq!(made.state, State::Success);
        orders::reconcile(&world.app).await.expect("reconciled again");
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (4_400, 600));
    });
}

#[test]
fn a_refund_whose_follower_was_stopped_is_told_as_done_afterwards() {
    on_each_backend(async |world: &mut World| {
        let (shop, payer, order) = paid(world).await;
        world.settle().await;
        world.stop_followers().await;
        let moved = refund(world, &shop, ask("R-1", &order, 400)).await.expect("asked for");
        assert_eq!(moved.state, State::Processing, "the ledger has it, the tables not yet");
        world.crash().await;
        orders::reconcile(&world.app).await.expect("reconciled");
        world.settle().await;
        let told = refunds::of(&world.app, shop.id, &Name::Id(moved.id)).await.expect("there");
        assert_eq!(told.state, State::Success);
        assert_eq!((payer.holds(world).await, shop.holds(world).await), (4_400, 600));
    });
}

#[test]
fn a_refund_carries_the_digest_of_the_signed_request() {
    on_each_backend(async |world: &mut World| {
        let (mut shop, _, order) = paid(world).await;
        shop.caller = request(shop.id, "{\"out_refund_no\":\"R-1\"}");
        fund(world, shop.wallet, 1).await;
        let made = refund(world, &shop, ask("R-1", &order, 400)).await.expect("refunded");
        let record = world.app.engine.transfer(made.id.number()).await.expect("readable").expect("there");
        let jialing_ledger::record::Body::Transfer(transfer) = record.body else { panic!("a transfer") };
        assert_eq!(transfer.link, shop.caller.digest());
    });
}

#[test]
fn an_order_has_fifty_refunds_and_no_more_and_closed_ones_do_not_count() {
    on_each_backend(async |world: &mut World| {
        let (shop, _, order) = paid(world).await;
        wallets::control(&world.app, shop.wallet, Control::DebitFrozen).await.expect("frozen");
        let closed = refund(world, &shop, ask("R-closed", &order, 1)).await.expect("asked for");
        assert_eq!(closed.state, State::Closed);
        wallets::control(&world.app, shop.wallet, Control::Active).await.expect("free again");
        for n in 0..50 {
            assert_eq!(
                refund(world, &shop, ask(&format!("R-{n}"), &order, 1)).await.expect("one of fifty").state,
                State::Success
            );
        }
        assert_eq!(code(world, &shop, ask("R-50", &order, 1)).await.0, Code::StateConflict);
        assert_eq!(shop.holds(world).await, 950);
    });
}
