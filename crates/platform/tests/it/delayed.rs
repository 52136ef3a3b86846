//! Transfers that arrive later: set aside, taken back in time, or there after a day.

use futures_util::future::join_all;
use jialing_platform::notices::{self, NoticeCode};
use jialing_platform::transfers::{self, DELAYED_ACTION, Delay, State, Transfer, TransferAsk, delayed};
use jialing_platform::{Code, PageAsk, Problem, Result, wallets};

use crate::city::{balance, found};
use crate::market::Payer;
use crate::transfers::ask;
use crate::verify::audit_funded;
use crate::world::{World, on_each_backend};

fn refused<T>(answer: Result<T>, code: Code) -> Problem {
    let problem = answer.err().unwrap_or_else(|| panic!("not refused, expected {code}"));
    assert_eq!(problem.code, code, "{problem:?}");
    problem
}

fn later(world: &World, payer: &Payer, number: &str, payee: &str, fen: u64) -> TransferAsk {
    TransferAsk {
        delay: Some(Delay::Day),
        evidence: payer.citizen.sign(world, DELAYED_ACTION, payee, fen, number, payer.wallet),
        ..ask(world, payer, number, payee, fen)
    }
}

async fn send(world: &World, payer: &Payer, asked: TransferAsk) -> Result<Transfer> {
    transfers::send(&world.app, &payer.citizen.actor, asked).await
}

async fn revoke(world: &World, payer: &Payer, number: &str) -> Result<Transfer> {
    transfers::revoke(&world.app, &payer.citizen.actor, number).await
}

async fn state(world: &World, payer: &Payer, number: &str) -> State {
    world.settle().await;
    transfers::get(&world.app, &payer.citizen.actor, number).await.expect("one's own").state
}

async fn available(world: &World, payer: &Payer) -> i64 {
    let account = world.app.engine.account(payer.wallet.number()).await.expect("the engine runs");
    account.expect("an account").available()
}

#[test]
fn money_that_is_set_aside_arrives_after_a_day_and_once() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        for (payer_bank, payee_bank) in [("BKA", "BKB"), ("BKB", "BKC"), ("BKA", "BKA")] {
            let n = 10 * (payer_bank.as_bytes()[2] as u32) + payee_bank.as_bytes()[2] as u32;
            let ann = Payer::with(world, n, payer_bank, 10_000).await;
            let bob = Payer::with(world, n + 1_000, payee_bank, 0).await;
            let to = bob.wallet.to_string();
            let asked = later(world, &ann, "t-1", &to, 4_000);
            // Signed as one that arrives at once, it is another act.
            let wrong =
                TransferAsk { evidence: ask(world, &ann, "t-1", &to, 4_000).evidence, ..asked.clone() };
            refused(send(world, &ann, wrong).await, Code::DeviceSignatureInvalid);
            let sent = send(world, &ann, asked.clone()).await.expect("accepted");
            assert!(sent.arrives_at.is_some());
            assert_eq!(state(world, &ann, "t-1").await, State::Pending);
            assert_eq!((balance(world, ann.wallet).await, available(world, &ann).await), (10_000, 6_000));
            let at_once = ask(world, &ann, "t-1", &to, 4_000);
            assert_eq!(
                refused(send(world, &ann, at_once).await, Code::Conflict).field.as_deref(),
                Some("delay")
            );
            refused(send(world, &ann, ask(world, &ann, "t-2", &to, 6_001)).await, Code::BalanceTooLow);
            delayed::arrive_due(&world.app).await.expect("nothing is due");
            assert_eq!(state(world, &ann, "t-1").await, State::Pending);
            let told =
                notices::list(&world.app, &bob.citizen.actor, &PageAsk::default()).await.expect("notices");
            assert_eq!(told.items[0].code, NoticeCode::TransferComing);
            world.clock.advance(Delay::Day.millis());
            for done in join_all((0..3).map(|_| delayed::arrive_due(&world.app))).await {
                done.expect("arrived");
            }
            assert_eq!(state(world, &ann, "t-1").await, State::Success);
            assert_eq!((balance(world, ann.wallet).await, balance(world, bob.wallet).await), (6_000, 4_000));
            refused(revoke(world, &ann, "t-1").await, Code::StateConflict);
        }
        let report = audit_funded(world).await;
        assert!(report.is_clean(), "{:?}", report.findings);
    });
}

#[test]
fn money_that_is_taken_back_in_time_never_arrives() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKB", 10_000).await, Payer::with(world, 2, "BKC", 0).await);
        let to = bob.wallet.to_string();
        send(world, &ann, later(world, &ann, "t-1", &to, 4_000)).await.expect("accepted");
        refused(revoke(world, &bob, "t-1").await, Code::NotFound);
        for answer in join_all((0..3).map(|_| revoke(world, &ann, "t-1"))).await {
            assert_eq!(answer.expect("taken back").state, State::Revoked);
        }
        assert_eq!(available(world, &ann).await, 10_000);
        world.clock.advance(Delay::Day.millis());
        delayed::arrive_due(&world.app).await.expect("nothing is left");
        assert_eq!(state(world, &ann, "t-1").await, State::Revoked);
        assert_eq!((balance(world, ann.wallet).await, balance(world, bob.wallet).await), (10_000, 0));
        // One that never waited, and one whose time has come.
        send(world, &ann, ask(world, &ann, "t-2", &to, 1)).await.expect("sent");
        refused(revoke(world, &ann, "t-2").await, Code::StateConflict);
        send(world, &ann, later(world, &ann, "t-3", &to, 5)).await.expect("accepted");
        world.clock.advance(Delay::Day.millis());
        refused(revoke(world, &ann, "t-3").await, Code::StateConflict);
        let report = audit_funded(world).await;
        assert!(report.is_clean(), "{:?}", report.findings);
    });
}

#[test]
fn taking_back_and_arriving_at_once_is_one_of_the_two() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 10_000).await, Payer::with(world, 2, "BKB", 0).await);
        for n in 0..4 {
            let number = format!("t-{n}");
            send(world, &ann, later(world, &ann, &number, &bob.wallet.to_string(), 100))
                .await
                .expect("accepted");
            let before = balance(world, bob.wallet).await;
            world.clock.advance(Delay::Day.millis() - 1);
            let moves = async {
                world.clock.advance(1);
                delayed::arrive_due(&world.app).await
            };
            let (revoked, arrived) = futures_util::future::join(revoke(world, &ann, &number), moves).await;
            arrived.expect("the round ends");
            let state = state(world, &ann, &number).await;
            let gained = balance(world, bob.wallet).await - before;
            match revoked {
                Ok(_) => assert_eq!((state, gained), (State::Revoked, 0)),
                Err(_) => assert!(
                    matches!((state, gained), (State::Success, 100) | (State::Pending, 0)),
                    "{state} {gained}"
                ),
            }
        }
    });
}

#[test]
fn what_the_payee_cannot_take_any_more_is_free_again() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 10_000).await, Payer::with(world, 2, "BKB", 0).await);
        send(world, &ann, later(world, &ann, "t-1", &bob.wallet.to_string(), 4_000)).await.expect("accepted");
        wallets::control(&world.app, bob.wallet, wallets::Control::Frozen)
            .await
            .expect("frozen by the operator");
        world.clock.advance(Delay::Day.millis());
        delayed::arrive_due(&world.app).await.expect("released");
        world.settle().await;
        let ended = transfers::get(&world.app, &ann.citizen.actor, "t-1").await.expect("one's own");
        assert_eq!((ended.state, ended.problem.as_deref()), (State::Fail, Some("wallet_unavailable")));
        assert_eq!((available(world, &ann).await, balance(world, bob.wallet).await), (10_000, 0));
    });
}

#[test]
fn a_frozen_payer_s_money_waits_for_the_freeze_to_be_lifted() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (ann, bob) = (Payer::with(world, 1, "BKA", 10_000).await, Payer::with(world, 2, "BKB", 0).await);
        send(world, &ann, later(world, &ann, "t-1", &bob.wallet.to_string(), 4_000)).await.expect("accepted");
        wallets::freeze(&world.app, ann.citizen.person, ann.wallet).await.expect("reported lost");
        world.clock.advance(Delay::Day.millis());
        delayed::arrive_due(&world.app).await.expect("waits");
        assert_eq!(state(world, &ann, "t-1").await, State::Pending);
        let ask = wallets::LiftAsk { code: Some(ann.citizen.second_factor(world).await) };
        wallets::lift(&world.app, &ann.citizen.actor, ann.wallet, ask).await.expect("lifted");
        world.clock.advance(120_000);
        delayed::arrive_due(&world.app).await.expect("arrives");
        assert_eq!(state(world, &ann, "t-1").await, State::Success);
        assert_eq!(balance(world, bob.wallet).await, 4_000);
    });
}
