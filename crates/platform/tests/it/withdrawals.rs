//! Withdrawals: held first, then paid by the bank, then gone.

use futures_util::future::join_all;
use jialing_platform::exchange::{self, notice, resolve};
use jialing_platform::follow::{self, Follower};
use jialing_platform::wallets::{self, Control};
use jialing_platform::withdrawals::{self, State};
use jialing_platform::{Code, PageAsk};
use jialing_rails::bank::{EntryKind, NoticeState};

use crate::city::{bank, fund};
use crate::rails::Fault;
use crate::saver::{Saver, balanced, found_at_noon, later, notice as bank_notice};
use crate::world::{World, on_each_backend};

#[test]
fn wallet_money_becomes_deposit_money_between_banks_of_either_model() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        for (n, (wallet_at, account_at)) in
            (100..).zip([("BKA", "BKA"), ("BKB", "BKB"), ("BKA", "BKB"), ("BKB", "BKA"), ("BKB", "BKC")])
        {
            let before = world.banks[account_at].net();
            let saver = Saver::new(world, n, wallet_at, account_at).await;
            fund(world, saver.wallet, 10_000).await;
            let withdrawal = saver.withdraw(world, "W-1", 4_000).await.expect("taken in");
            assert_eq!(withdrawal.state, State::Success, "{wallet_at} to {account_at}");
            assert_eq!(saver.money(world).await, (6_000, 6_000));
            assert_eq!(world.banks[account_at].net() - before, -4_000);
            balanced(world).await;
        }
    });
}

#[test]
fn money_is_set_aside_while_the_bank_works() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKB", "BKC").await;
        fund(world, saver.wallet, 1_000).await;
        world.banks["BKC"].order(Fault::Later);
        let withdrawal = saver.withdraw(world, "W-1", 700).await.expect("taken in");
        assert_eq!((withdrawal.state, saver.money(world).await), (State::Processing, (1_000, 300)));
        let problem = saver.withdraw(world, "W-2", 301).await.expect_err("set aside already");
        assert_eq!(
            (problem.code, &problem.extra.expect("figures")["available"]),
            (Code::BalanceTooLow, &300.into())
        );
        world.banks["BKC"].finish(&withdrawal.withdrawal_id.to_string(), None);
        later(world, 40).await;
        assert_eq!(saver.withdrawal_now(world, &withdrawal).await.state, State::Success);
        assert_eq!(saver.money(world).await, (300, 300));
        let again = saver.withdraw(world, "W-1", 700).await.expect("the same number");
        assert_eq!((again.withdrawal_id, again.state), (withdrawal.withdrawal_id, State::Success));
        let list =
            withdrawals::list(&world.app, &saver.citizen.actor, &PageAsk::default()).await.expect("a page");
        let states: Vec<_> =
            list.items.iter().map(|item| (item.out_withdrawal_no.as_str(), item.state)).collect();
        assert_eq!(states, [("W-2", State::Fail), ("W-1", State::Success)]);
        balanced(world).await;
    });
}

/// What a bank does with a request, the states after it and after each further look, and what is paid.
async fn check(world: &World, n: u32, fault: Fault, refused: Option<&str>, states: &[State], paid: i64) {
    let saver = Saver::new(world, n, "BKB", "BKB").await;
    fund(world, saver.wallet, 1_000).await;
    let before = world.banks["BKB"].net();
    world.banks["BKB"].order(fault.clone());
    let mut withdrawal = saver.withdraw(world, "W-1", 600).await.expect("taken in");
    let mut seen = vec![withdrawal.state];
    if fault == Fault::Later {
        world.banks["BKB"].finish(&withdrawal.withdrawal_id.to_string(), refused);
    }
    while withdrawal.state.is_open() && seen.len() < 9 {
        assert_eq!(saver.money(world).await, (1_000, 400), "{fault:?}");
        later(world, 40).await;
        withdrawal = saver.withdrawal_now(world, &withdrawal).await;
        seen.push(withdrawal.state);
    }
    assert_eq!(seen, states, "{fault:?}");
    assert_eq!(saver.money(world).await, (1_000 - paid, 1_000 - paid), "{fault:?}");
    assert_eq!(before - world.banks["BKB"].net(), paid, "{fault:?}");
    assert_eq!(withdrawal.reason.as_deref(), (paid == 0).then_some("ACCOUNT_CLOSED"), "{fault:?}");
}

#[test]
fn what_a_bank_does_not_answer_is_asked_again_until_it_is_known() {
    use State::{Fail, PresumedFail, PresumedSuccess, Processing, Success};
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        check(world, 1, Fault::AnswerLost, None, &[PresumedSuccess, Success], 600).await;
        check(world, 2, Fault::RequestLost, None, &[PresumedSuccess, PresumedFail, Success], 600).await;
        check(world, 3, Fault::Later, None, &[Processing, Success], 600).await;
        check(world, 4, Fault::Later, Some("ACCOUNT_CLOSED"), &[Processing, Fail], 0).await;
        check(world, 5, Fault::Refuse("ACCOUNT_CLOSED"), None, &[Fail], 0).await;
        balanced(world).await;
    });
}

#[test]
fn what_the_bank_has_not_seen_in_time_is_released() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKA", "BKA").await;
        fund(world, saver.wallet, 1_000).await;
        for _ in 0..2 {
            world.banks["BKA"].order(Fault::RequestLost);
        }
        let withdrawal = saver.withdraw(world, "W-1", 600).await.expect("taken in");
        later(world, 40).await;
        assert_eq!(saver.money(world).await, (1_000, 400));
        later(world, 300).await;
        let withdrawal = saver.withdrawal_now(world, &withdrawal).await;
        assert_eq!((withdrawal.state, withdrawal.reason.as_deref()), (State::Fail, Some("not_received")));
        assert_eq!((saver.money(world).await, world.banks["BKA"].net()), ((1_000, 1_000), 0));
    });
}

#[test]
fn a_push_that_comes_back_returns_to_the_wallet_in_whatever_order_we_hear_of_it() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        // Either the withdrawal was a success already, or nothing was known of it yet.
        for (n, known) in (1..).zip([true, false]) {
            let saver = Saver::new(world, n, "BKB", "BKC").await;
            fund(world, saver.wallet, 1_000).await;
            if !known {
                world.banks["BKC"].order(Fault::AnswerLost);
            }
            let withdrawal = saver.withdraw(world, "W-1", 600).await.expect("taken in");
            assert_eq!(withdrawal.state, if known { State::Success } else { State::PresumedSuccess });
            let reference = withdrawal.withdrawal_id.to_string();
            let back = bank_notice(world, "BKC", &reference, EntryKind::Return, NoticeState::Returned, 600);
            let id = bank(&world.app, "BKC").await;
            for notice in [back.clone(), back] {
                notice::take(&world.app, id, notice).await.expect("taken in");
            }
            let withdrawal = saver.withdrawal_now(world, &withdrawal).await;
            assert_eq!(
                (withdrawal.state, withdrawal.reason.as_deref()),
                (State::Returned, Some("ACCOUNT_CLOSED"))
            );
            assert_eq!(saver.money(world).await, (1_000, 1_000));
        }
        balanced(world).await;
    });
}

#[test]
fn a_wallet_frozen_meanwhile_keeps_the_outcome_open_until_it_is_lifted() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKA", "BKA").await;
        fund(world, saver.wallet, 1_000).await;
        world.banks["BKA"].order(Fault::Later);
        let withdrawal = saver.withdraw(world, "W-1", 600).await.expect("taken in");
        wallets::control(&world.app, saver.wallet, Control::Frozen).await.expect("frozen");
        world.banks["BKA"].finish(&withdrawal.withdrawal_id.to_string(), None);
        later(world, 40).await;
        let stuck = saver.withdrawal_now(world, &withdrawal).await;
        assert_eq!(
            (stuck.state, stuck.reason.as_deref()),
            (State::PresumedSuccess, Some("wallet_unavailable"))
        );
        assert_eq!(saver.money(world).await, (1_000, 400));
        wallets::control(&world.app, saver.wallet, Control::Active).await.expect("lifted");
        later(world, 40).await;
        assert_eq!(saver.withdrawal_now(world, &withdrawal).await.state, State::Success);
        assert_eq!(saver.money(world).await, (400, 400));
        wallets::control(&world.app, saver.wallet, Control::DebitFrozen).await.expect("frozen for debits");
        let refused = saver.withdraw(world, "W-2", 100).await.expect_err("frozen");
        assert_eq!(refused.code, Code::WalletUnavailable);
    });
}

#[test]
fn ten_at_once_take_what_there_is_and_no_more_than_the_day_allows() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let (poor, rich) =
            (Saver::new(world, 1, "BKA", "BKA").await, Saver::new(world, 2, "BKB", "BKB").await);
        fund(world, poor.wallet, 1_000).await;
        fund(world, rich.wallet, 30_000_000).await;
        for (saver, fen, passes, code, left) in
            [(&poor, 300, 3, Code::BalanceTooLow, 100), (&rich, 2_000_000, 5, Code::OverDayLimit, 20_000_000)]
        {
            let numbers: Vec<String> = (0..10).map(|n| format!("W-{n}")).collect();
            let answers = join_all(numbers.iter().map(|number| saver.withdraw(world, number, fen))).await;
            assert!(answers.into_iter().filter_map(Result::err).all(|problem| problem.code == code));
            later(world, 6).await;
            let ask = PageAsk { limit: Some(100), ..PageAsk::default() };
            let list = withdrawals::list(&world.app, &saver.citizen.actor, &ask).await.expect("a page");
            let states: Vec<State> = list.items.iter().map(|item| item.state).collect();
            assert_eq!(states.iter().filter(|state| **state == State::Success).count(), passes, "{states:?}");
            assert!(states.iter().all(|state| !state.is_open()), "{states:?}");
            assert_eq!(saver.money(world).await, (left, left));
        }
        assert_eq!((world.banks["BKA"].net(), world.banks["BKB"].net()), (-900, -10_000_000));
        balanced(world).await;
    });
}

#[test]
fn a_crash_between_any_two_steps_repairs_itself() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKB", "BKC").await;
        fund(world, saver.wallet, 1_000).await;
        let ask = saver.withdrawal_ask(world, "W-1", 600);
        let id = withdrawals::reserve(&world.app, &saver.citizen.actor, ask, false).await.expect("taken in");
        let mut seen = Vec::new();
        for _ in 0..4 {
            world.crash().await;
            exchange::step(&world.app, &id.to_string()).await.expect("a step");
            world.settle().await;
            let state =
                withdrawals::read(&world.app, &saver.citizen.actor, id).await.expect("readable").state;
            seen.push((state, saver.money(world).await.1));
        }
        use State::{Processing, Success};
        assert_eq!(seen, [(Processing, 400), (Processing, 400), (Success, 400), (Success, 400)]);
        let ask = saver.withdrawal_ask(world, "W-2", 100);
        let second =
            withdrawals::reserve(&world.app, &saver.citizen.actor, ask, false).await.expect("taken in");
        let third = withdrawals::reserve(
            &world.app,
            &saver.citizen.actor,
            saver.withdrawal_ask(world, "W-3", 50),
            false,
        )
        .await
        .expect("taken in");
        // One has been held when the process dies, the other not even that; both come too late.
        exchange::step(&world.app, &second.to_string()).await.expect("held");
        world.crash().await;
        world.clock.advance(301_000);
        resolve::round(&world.app).await.expect("a round");
        world.settle().await;
        for id in [second, third] {
            let ended = withdrawals::read(&world.app, &saver.citizen.actor, id).await.expect("readable");
            assert_eq!((ended.state, ended.reason.as_deref()), (State::Fail, Some("expired")));
        }
        assert_eq!((saver.money(world).await, world.banks["BKC"].net()), ((400, 400), -600));
        balanced(world).await;
    });
}

#[test]
fn the_states_can_be_written_anew_from_the_journal() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKB", "BKC").await;
        fund(world, saver.wallet, 10_000).await;
        saver.top_up(world, "T-1", 500).await.expect("taken in");
        saver.withdraw(world, "gone", 100).await.expect("taken in");
        world.banks["BKC"].order(Fault::Refuse("ACCOUNT_CLOSED"));
        saver.withdraw(world, "refused", 200).await.expect("taken in");
        let back = saver.withdraw(world, "back", 300).await.expect("taken in").withdrawal_id.to_string();
        let returned = bank_notice(world, "BKC", &back, EntryKind::Return, NoticeState::Returned, 300);
        notice::take(&world.app, bank(&world.app, "BKC").await, returned).await.expect("taken in");
        world.banks["BKC"].order(Fault::Later);
        saver.withdraw(world, "open", 400).await.expect("taken in");
        let states = async || {
            let sql = "SELECT out_no, state, reason, settled_at FROM exchanges ORDER BY id";
            let rows: Vec<(String, String, Option<String>, Option<i64>)> =
                sqlx::query_as(sql).fetch_all(world.app.db.read()).await.expect("readable");
            rows
        };
        let before = states().await;
        let ends: Vec<&str> = before.iter().map(|(_, state, ..)| state.as_str()).collect();
        assert_eq!(ends, ["SUCCESS", "SUCCESS", "FAIL", "RETURNED", "PROCESSING"]);
        follow::rebuild(&world.app, Follower::Settlement).await.expect("set back");
        // A further record wakes the follower, which starts over.
        fund(world, saver.wallet, 1).await;
        assert_eq!(states().await, before);
        balanced(world).await;
    });
}
