//! Top-ups: whatever the bank does, the money is in one place.

use futures_util::future::join_all;
use jialing_platform::exchange::{self, notice, resolve};
use jialing_platform::topups::{self, State};
use jialing_platform::wallets::{self, Control};
use jialing_platform::{Code, PageAsk};
use jialing_rails::bank::{EntryKind, NoticeState};

use crate::city::{bank, fund};
use crate::rails::Fault;
use crate::saver::{Saver, balanced, found_at_noon, later, notice as bank_notice};
use crate::world::{World, on_each_backend};

#[test]
fn deposit_money_becomes_wallet_money_between_banks_of_either_model() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        for (n, (wallet_at, account_at)) in
            (100..).zip([("BKA", "BKA"), ("BKB", "BKB"), ("BKA", "BKB"), ("BKB", "BKA"), ("BKB", "BKC")])
        {
            let before = world.banks[account_at].net();
            let saver = Saver::new(world, n, wallet_at, account_at).await;
            let topup = saver.top_up(world, "T-1", 12_345).await.expect("taken in");
            assert_eq!(
                (topup.state, topup.reason.as_deref()),
                (State::Success, None),
                "{wallet_at} from {account_at}"
            );
            assert!(topup.settled_at.is_some());
            assert_eq!(saver.money(world).await, (12_345, 12_345));
            assert_eq!(world.banks[account_at].net() - before, 12_345);
            balanced(world).await;
        }
    });
}

#[test]
fn a_number_tops_up_once() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKA", "BKA").await;
        let first = saver.top_up(world, "T-1", 500).await.expect("taken in");
        // Signed anew, as an app does that lost the answer.
        let second = saver.top_up(world, "T-1", 500).await.expect("the same");
        assert_eq!(first, second);
        let other = saver.top_up(world, "T-1", 501).await.expect_err("another amount");
        assert_eq!((other.code, other.field.as_deref()), (Code::Conflict, Some("amount")));
        let at_once = join_all((0..5).map(|_| saver.top_up(world, "T-2", 700))).await;
        let ids: Vec<_> = at_once.into_iter().map(|topup| topup.expect("one of five").topup_id).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        later(world, 6).await;
        assert_eq!((saver.money(world).await, world.banks["BKA"].net()), ((1_200, 1_200), 1_200));
        let list = topups::list(&world.app, &saver.citizen.actor, &PageAsk::default()).await.expect("a page");
        assert_eq!(
            list.items.iter().map(|topup| topup.out_topup_no.as_str()).collect::<Vec<_>>(),
            ["T-2", "T-1"]
        );
    });
}

/// What a bank does with a request, the states after it and after each further look, and the balance.
async fn check(world: &World, n: u32, fault: Fault, refused: Option<&str>, states: &[State], balance: i64) {
    let saver = Saver::new(world, n, "BKB", "BKB").await;
    let before = world.banks["BKB"].net();
    world.banks["BKB"].order(fault.clone());
    let mut topup = saver.top_up(world, "T-1", 1_000).await.expect("taken in");
    let mut seen = vec![topup.state];
    if fault == Fault::Later {
        world.banks["BKB"].finish(&topup.topup_id.to_string(), refused);
    }
    while topup.state.is_open() && seen.len() < 9 {
        later(world, 40).await;
        topup = saver.top_up_now(world, &topup).await;
        seen.push(topup.state);
    }
    assert_eq!(seen, states, "{fault:?}");
    assert_eq!(saver.money(world).await.0, balance, "{fault:?}");
    assert_eq!(world.banks["BKB"].net() - before, balance, "{fault:?}");
    assert_eq!(topup.reason.as_deref(), (balance == 0).then_some("NO_FUNDS"), "{fault:?}");
}

#[test]
fn what_a_bank_does_not_answer_is_asked_again_until_it_is_known() {
    use State::{Fail, PresumedFail, PresumedSuccess, Processing, Success};
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        check(world, 1, Fault::AnswerLost, None, &[PresumedSuccess, Success], 1_000).await;
        check(world, 2, Fault::RequestLost, None, &[PresumedSuccess, PresumedFail, Success], 1_000).await;
        check(world, 3, Fault::Later, None, &[Processing, Success], 1_000).await;
        check(world, 4, Fault::Later, Some("NO_FUNDS"), &[Processing, Fail], 0).await;
        check(world, 5, Fault::Refuse("NO_FUNDS"), None, &[Fail], 0).await;
        balanced(world).await;
    });
}

#[test]
fn what_the_bank_has_not_seen_in_time_has_failed() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKA", "BKA").await;
        for _ in 0..2 {
            world.banks["BKA"].order(Fault::RequestLost);
        }
        let topup = saver.top_up(world, "T-1", 1_000).await.expect("taken in");
        assert_eq!(topup.state, State::PresumedSuccess);
        later(world, 40).await;
        assert_eq!(saver.top_up_now(world, &topup).await.state, State::PresumedFail);
        // The bank would refuse it from now on, so "never seen" is certain.
        later(world, 300).await;
        let topup = saver.top_up_now(world, &topup).await;
        assert_eq!((topup.state, topup.reason.as_deref()), (State::Fail, Some("not_received")));
        assert_eq!((saver.money(world).await.0, world.banks["BKA"].net()), (0, 0));
    });
}

#[test]
fn notices_may_come_twice_late_wrong_and_from_others() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKA", "BKA").await;
        let id = bank(&world.app, "BKA").await;
        world.banks["BKA"].order(Fault::Later);
        let topup = saver.top_up(world, "T-1", 1_000).await.expect("taken in");
        let reference = topup.topup_id.to_string();
        world.banks["BKA"].finish(&reference, None);
        let done = bank_notice(world, "BKA", &reference, EntryKind::Pull, NoticeState::Done, 1_000);

        let stranger = bank(&world.app, "BKB").await;
        let refused = notice::take(&world.app, stranger, done.clone()).await.expect_err("another bank's");
        assert_eq!(refused.code, Code::NotFound);
        let unknown = bank_notice(world, "BKA", "top_none", EntryKind::Pull, NoticeState::Done, 1_000);
        assert_eq!(notice::take(&world.app, id, unknown).await.expect_err("unknown").code, Code::NotFound);
        let wrong = bank_notice(world, "BKA", &reference, EntryKind::Pull, NoticeState::Done, 1_001);
        notice::take(&world.app, id, wrong).await.expect("taken in, and not believed");
        assert_eq!(saver.top_up_now(world, &topup).await.state, State::Processing);

        for notice in [done.clone(), done] {
            notice::take(&world.app, id, notice).await.expect("taken in");
            assert_eq!(saver.top_up_now(world, &topup).await.state, State::Success);
        }
        let late = bank_notice(world, "BKA", &reference, EntryKind::Pull, NoticeState::Refused, 1_000);
        notice::take(&world.app, id, late).await.expect("taken in, and too late");
        later(world, 40).await;
        assert_eq!(saver.top_up_now(world, &topup).await.state, State::Success);
        assert_eq!((saver.money(world).await.0, world.banks["BKA"].net()), (1_000, 1_000));
    });
}

#[test]
fn money_that_comes_after_a_failure_goes_back_to_the_account() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKB", "BKB").await;
        world.banks["BKB"].order(Fault::Refuse("NO_FUNDS"));
        let topup = saver.top_up(world, "T-1", 1_000).await.expect("taken in");
        assert_eq!(topup.state, State::Fail);
        // The bank changes its mind.
        let reference = topup.topup_id.to_string();
        world.banks["BKB"].book(&reference, EntryKind::Pull, 1_000);
        let late = bank_notice(world, "BKB", &reference, EntryKind::Pull, NoticeState::Done, 1_000);
        notice::take(&world.app, bank(&world.app, "BKB").await, late).await.expect("taken in");
        let topup = saver.top_up_now(world, &topup).await;
        assert_eq!((topup.state, topup.reason.as_deref()), (State::Returned, Some("late_success")));
        assert_eq!((saver.money(world).await.0, world.banks["BKB"].net()), (0, 0));
        balanced(world).await;
    });
}

#[test]
fn more_than_the_wallet_may_hold_is_refused_before_the_bank_is_asked() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKA", "BKA").await;
        fund(world, saver.wallet, 49_000_000).await;
        let problem = saver.top_up(world, "T-1", 1_000_001).await.expect_err("too much");
        assert_eq!(problem.code, Code::BalanceTooHigh);
        let extra = problem.extra.expect("figures");
        assert_eq!((&extra["limit"], &extra["left"]), (&50_000_000.into(), &1_000_000.into()));
        assert_eq!(extra["upgrade"]["class"], "I");
        // What is under way counts.
        world.banks["BKA"].order(Fault::Later);
        let topup = saver.top_up(world, "T-2", 600_000).await.expect("fits");
        let problem = saver.top_up(world, "T-3", 400_001).await.expect_err("too much together");
        assert_eq!(problem.code, Code::BalanceTooHigh);
        assert_eq!(world.banks["BKA"].calls(), 1);
        world.banks["BKA"].finish(&topup.topup_id.to_string(), None);
        later(world, 40).await;
        assert_eq!(saver.top_up(world, "T-4", 400_000).await.expect("exactly").state, State::Success);
        assert_eq!(saver.money(world).await.0, 50_000_000);
    });
}

#[test]
fn what_cannot_arrive_any_more_goes_back_even_through_further_faults() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        for (n, fault) in
            (1..).zip([None, Some(Fault::AnswerLost), Some(Fault::RequestLost), Some(Fault::Refuse("BUSY"))])
        {
            let saver = Saver::new(world, n, "BKA", "BKA").await;
            world.banks["BKA"].order(Fault::Later);
            let topup = saver.top_up(world, "T-1", 1_000).await.expect("taken in");
            wallets::control(&world.app, saver.wallet, Control::CreditFrozen).await.expect("frozen");
            world.banks["BKA"].finish(&topup.topup_id.to_string(), None);
            if let Some(fault) = fault.clone() {
                world.banks["BKA"].order(fault);
            }
            for _ in 0..4 {
                later(world, 400).await;
            }
            let topup = saver.top_up_now(world, &topup).await;
            assert_eq!(
                (topup.state, topup.reason.as_deref()),
                (State::Returned, Some("wallet_unavailable")),
                "{fault:?}"
            );
            assert_eq!((saver.money(world).await.0, world.banks["BKA"].net()), (0, 0), "{fault:?}");
        }
        balanced(world).await;
    });
}

#[test]
fn ten_at_once_pass_the_days_limit_as_far_as_it_goes() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKA", "BKA").await;
        let single = saver.top_up(world, "T-s", 5_000_001).await.expect_err("above the single limit");
        assert_eq!(single.code, Code::OverSingleLimit);
        let numbers: Vec<String> = (0..10).map(|n| format!("T-{n}")).collect();
        let answers = join_all(numbers.iter().map(|number| saver.top_up(world, number, 2_000_000))).await;
        let (passed, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!(passed.len(), 5);
        for problem in refused.into_iter().filter_map(Result::err) {
            assert_eq!(problem.code, Code::OverDayLimit);
            assert_eq!(problem.extra.expect("figures")["left"], 0);
        }
        later(world, 6).await;
        assert_eq!((saver.money(world).await.0, world.banks["BKA"].net()), (10_000_000, 10_000_000));
        // A refused one frees its part; a new day begins anew.
        later(world, 86_400).await;
        world.banks["BKA"].order(Fault::Refuse("NO_FUNDS"));
        for (number, state) in [("N-1", State::Fail), ("N-2", State::Success), ("N-3", State::Success)] {
            assert_eq!(
                saver.top_up(world, number, 5_000_000).await.expect("within the day").state,
                state,
                "{number}"
            );
        }
        let problem = saver.top_up(world, "N-4", 1).await.expect_err("one fen more");
        assert_eq!(problem.code, Code::OverDayLimit);
    });
}

#[test]
fn a_crash_between_any_two_steps_repairs_itself() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKB", "BKC").await;
        let ask = saver.top_up_ask(world, "T-1", 1_000);
        let id = topups::reserve(&world.app, &saver.citizen.actor, ask).await.expect("taken in");
        let mut states = Vec::new();
        for _ in 0..4 {
            world.crash().await;
            exchange::step(&world.app, &id.to_string()).await.expect("a step");
            world.settle().await;
            states.push(topups::read(&world.app, &saver.citizen.actor, id).await.expect("readable").state);
        }
        assert_eq!(states, [State::Processing, State::Success, State::Success, State::Success]);
        // Nobody goes on with it in the request: the background work takes it up.
        let ask = saver.top_up_ask(world, "T-2", 500);
        let id = topups::reserve(&world.app, &saver.citizen.actor, ask).await.expect("taken in");
        world.crash().await;
        assert_eq!(resolve::round(&world.app).await.expect("a round"), 0, "too early");
        later(world, 6).await;
        let topup = topups::read(&world.app, &saver.citizen.actor, id).await.expect("readable");
        assert_eq!(topup.state, State::Success);
        assert_eq!((saver.money(world).await.0, world.banks["BKC"].net()), (1_500, 1_500));
        balanced(world).await;
    });
}

#[test]
fn what_was_never_asked_in_time_ends_without_the_bank() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKA", "BKA").await;
        let ask = saver.top_up_ask(world, "T-1", 1_000);
        let id = topups::reserve(&world.app, &saver.citizen.actor, ask).await.expect("taken in");
        let before = topups::read(&world.app, &saver.citizen.actor, id).await.expect("readable");
        assert_eq!(before.state, State::Accepted);
        world.crash().await;
        later(world, 301).await;
        let topup = topups::read(&world.app, &saver.citizen.actor, id).await.expect("readable");
        assert_eq!((topup.state, topup.reason.as_deref()), (State::Fail, Some("expired")));
        assert_eq!(world.banks["BKA"].calls(), 0);
    });
}

#[test]
fn what_is_anothers_or_was_not_signed_is_refused() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let (saver, other) =
            (Saver::new(world, 1, "BKA", "BKA").await, Saver::new(world, 2, "BKA", "BKA").await);
        let app = &world.app;
        let code =
            async |ask| topups::request(app, &saver.citizen.actor, ask).await.expect_err("refused").code;
        let ask = || saver.top_up_ask(world, "T-1", 100);
        assert_eq!(code(topups::TopUpAsk { wallet_id: other.wallet, ..ask() }).await, Code::NotFound);
        assert_eq!(code(topups::TopUpAsk { link_id: other.link, ..ask() }).await, Code::NotFound);
        let more = topups::TopUpAsk { amount: jialing_platform::Money::fen(101), ..ask() };
        assert_eq!(code(more).await, Code::DeviceSignatureInvalid);
        assert_eq!(code(topups::TopUpAsk { pin: Some("111222".into()), ..ask() }).await, Code::PinInvalid);
        assert_eq!(
            code(topups::TopUpAsk { out_topup_no: "a b".into(), ..ask() }).await,
            Code::InvalidRequest
        );
        let nothing = topups::TopUpAsk { amount: jialing_platform::Money::fen(0), ..ask() };
        assert_eq!(code(nothing).await, Code::AmountInvalid);
        assert_eq!(world.banks["BKA"].calls(), 0);
        let topup = other.top_up(world, "T-1", 100).await.expect("one's own");
        let read = topups::read(app, &saver.citizen.actor, topup.topup_id).await;
        assert_eq!(read.expect_err("another's").code, Code::NotFound);
    });
}
