//! Our records against a bank's statement.

use jialing_platform::Code;
use jialing_platform::exchange::notice;
use jialing_platform::exchange::reconcile::{self, Compared, Report};
use jialing_platform::topups::State as TopUpState;
use jialing_platform::withdrawals::State;
use jialing_rails::bank::{EntryKind, NoticeState};

use crate::city::{bank, fund};
use crate::rails::Fault;
use crate::saver::{Saver, balanced, found_at_noon, later, notice as bank_notice, today};
use crate::world::{World, on_each_backend};

fn breaks(report: &Report) -> Vec<(&str, Compared)> {
    report.breaks.iter().map(|item| (item.reference.as_str(), item.outcome)).collect()
}

#[test]
fn every_movement_gets_its_outcome() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKA", "BKA").await;
        fund(world, saver.wallet, 100_000).await;
        let (test_bank, day) = (world.banks["BKA"].clone(), today(world));
        let same = saver.top_up(world, "same", 100).await.expect("taken in");
        let same_push = saver.withdraw(world, "same", 100).await.expect("taken in");
        let more = saver.top_up(world, "more", 200).await.expect("taken in").topup_id.to_string();
        test_bank.forget(&more);
        test_bank.book("never-ours", EntryKind::Push, 7);
        let diff = saver.top_up(world, "diff", 300).await.expect("taken in").topup_id.to_string();
        test_bank.book(&diff, EntryKind::Pull, 301);
        test_bank.order(Fault::Refuse("ACCOUNT_CLOSED"));
        let state_diff =
            saver.withdraw(world, "state", 400).await.expect("taken in").withdrawal_id.to_string();
        test_bank.book(&state_diff, EntryKind::Push, 400);
        test_bank.order(Fault::Later);
        let pending = saver.top_up(world, "pending", 500).await.expect("taken in").topup_id.to_string();

        let report = reconcile::run(&world.app, "BKA", day).await.expect("compared");
        let mut expect = [
            (more.as_str(), Compared::More),
            ("never-ours", Compared::Less),
            (diff.as_str(), Compared::Diff),
            (state_diff.as_str(), Compared::StateDiff),
            (pending.as_str(), Compared::Pending),
        ];
        expect.sort_by_key(|(reference, _)| *reference);
        assert_eq!(breaks(&report), expect);
        assert_eq!((report.entries, report.same), (5, 2));
        assert_eq!((same.state, same_push.state), (TopUpState::Success, State::Success));

        // The open one ends, and the same day compared again says so.
        test_bank.finish(&pending, None);
        later(world, 40).await;
        let report = reconcile::run(&world.app, "BKA", day).await.expect("compared again");
        assert_eq!((report.same, report.pending, report.breaks.len()), (3, 0, 4));
        balanced(world).await;
    });
}

#[test]
fn a_statement_settles_what_no_answer_did() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKB", "BKB").await;
        fund(world, saver.wallet, 1_000).await;
        let (test_bank, day) = (world.banks["BKB"].clone(), today(world));
        test_bank.order(Fault::AnswerLost);
        let topup = saver.top_up(world, "T-1", 100).await.expect("taken in");
        test_bank.order(Fault::AnswerLost);
        let withdrawal = saver.withdraw(world, "W-1", 200).await.expect("taken in");
        // The bank refused, and took the money all the same.
        test_bank.order(Fault::Refuse("NO_FUNDS"));
        let late = saver.top_up(world, "T-2", 300).await.expect("taken in");
        test_bank.book(&late.topup_id.to_string(), EntryKind::Pull, 300);

        let report = reconcile::run(&world.app, "BKB", day).await.expect("compared");
        assert_eq!((report.entries, report.same, report.state_diff), (3, 2, 1));
        assert_eq!(saver.top_up_now(world, &topup).await.state, TopUpState::Success);
        assert_eq!(saver.withdrawal_now(world, &withdrawal).await.state, State::Success);
        assert_eq!(saver.top_up_now(world, &late).await.state, TopUpState::Returned);
        assert_eq!((saver.money(world).await.0, test_bank.net()), (900, -100));
        // The push that gave the money back is an entry of its own, and ours.
        let report = reconcile::run(&world.app, "BKB", day).await.expect("compared again");
        assert_eq!((report.entries, report.same, report.breaks.len()), (4, 4, 0));
        balanced(world).await;
    });
}

#[test]
fn a_notice_of_another_amount_is_a_break_at_once() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKA", "BKA").await;
        world.banks["BKA"].order(Fault::Later);
        let topup = saver.top_up(world, "T-1", 100).await.expect("taken in").topup_id.to_string();
        let wrong = bank_notice(world, "BKA", &topup, EntryKind::Pull, NoticeState::Done, 99);
        notice::take(&world.app, bank(&world.app, "BKA").await, wrong).await.expect("taken in");
        world.banks["BKA"].finish(&topup, None);
        let day = today(world);
        // The statement has the right amount: the break is over.
        let report = reconcile::run(&world.app, "BKA", day).await.expect("compared");
        assert_eq!((report.same, report.breaks.len()), (1, 0));
    });
}

#[test]
fn the_day_before_is_compared_once_for_every_bank() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        assert_eq!(reconcile::catch_up(&world.app).await.expect("compared"), 3);
        assert_eq!(reconcile::catch_up(&world.app).await.expect("nothing left"), 0);
        world.clock.advance(86_400_000);
        assert_eq!(reconcile::catch_up(&world.app).await.expect("the next day"), 3);
        let unknown = reconcile::run(&world.app, "BKX", today(world)).await.expect_err("no such bank");
        assert_eq!(unknown.code, Code::NotFound);
    });
}
