//! What good clients get done.

use std::sync::atomic::Ordering;

use jialing_bulk::frame::NewMeter;
use jialing_bulk::{
    AccountKind, Answer, Error, Fault, Leg, LegOp, NewAccount, Outcome, account, reversal_id, transfer,
};
use jialing_crypto::tunnel::TunnelSuite;
use jialing_crypto::{SigningKey, Suite};
use jialing_ledger::{Command, Policy, PolicyVersion};

use super::{Door, OTHER, OWN, VAULT, batch, new_account, own, pay, told};

#[test]
fn frames_under_way_are_done_in_order_and_answered_in_order() {
    let door = Door::open();
    let mut bank = door.connect();
    assert_eq!((bank.welcome().institution, bank.welcome().vault, bank.welcome().kind), (OWN, VAULT, 11));
    let opened = bank.open(&(10..510).map(|n| new_account(own(n))).collect::<Vec<_>>()).expect("answered");
    assert!(opened.iter().all(|outcome| matches!(outcome, Outcome::Done { .. })), "{opened:?}");
    // Each frame spends what the one before brought: another order would be refused.
    let frames: Vec<_> = (0..20u128)
        .map(|n| {
            let (from, to) = (if n == 0 { own(1) } else { own(9 + n) }, own(10 + n));
            let mut frame = batch(&[pay(n, from, to, 10_000)]);
            (bank.send(&mut frame).expect("sent"), n)
        })
        .collect();
    for (number, n) in frames {
        let (of, answer) = bank.receive().expect("answered");
        let Answer::Outcomes(outcomes) = answer else { panic!("{answer:?}") };
        assert_eq!((of, told(&outcomes)), (number, vec!["done".to_owned()]), "frame {n}");
    }
    assert_eq!(bank.close().expect("farewell"), []);
    assert_eq!((door.balance(own(1)), door.balance(own(29))), (0, 10_000));
}

#[test]
fn a_bad_group_says_which_and_why_and_the_rest_is_done() {
    let door = Door::open();
    let mut bank = door.connect();
    let (other, records) = (account(OTHER, 1), door.records());
    let elses = Leg { id: transfer(OTHER, 9, 0), ..pay(9, own(1), own(2), 1) };
    let mut frame = batch(&[
        pay(1, own(1), own(2), 100),
        pay(2, other, own(1), 100),
        elses,
        pay(3, own(1), own(2), 1_000_000),
        pay(4, own(1), VAULT + 2, 100),
        pay(5, own(1), own(99), 100),
    ]);
    // Two legs, of which the second may not be: the first does not happen either.
    frame.group(&[pay(6, own(1), own(2), 5), pay(7, other, own(2), 5)]).expect("room");
    frame.group(&[pay(8, own(1), other, 5), Leg { kind: 5, ..pay(9, own(1), own(2), 5) }]).expect("room");
    frame.group(&[pay(10, VAULT, own(1), 7), pay(11, own(1), other, 7)]).expect("room");
    let outcomes = bank.transfer(&mut frame).expect("answered");
    assert_eq!(
        told(&outcomes),
        [
            "done",
            "leg 0: DebitNotOwn (1002)",
            "leg 0: IdNotOwn (1001)",
            "leg 0: BalanceTooLow (26)",
            "leg 0: CreditNotAllowed (1003)",
            "leg 0: CreditAccountUnknown (7)",
            "leg 1: DebitNotOwn (1002)",
            "leg 1: KindNotBulk (1006)",
            "done",
        ]
    );
    assert_eq!(door.records(), records + 3);
    assert_eq!((door.balance(own(1)), door.balance(own(2)), door.balance(other)), (9_900, 10_100, 10_007));
    // And where nothing may be, nothing is asked of the ledger.
    let none = bank.transfer(&mut batch(&[pay(2, other, own(1), 100)])).expect("answered");
    assert_eq!(told(&none), ["leg 0: DebitNotOwn (1002)"]);
    assert_eq!(bank.transfer(&mut batch(&[])).expect("answered"), []);
}

#[test]
fn sending_again_after_a_lost_answer_is_already_done() {
    let door = Door::open();
    let mut frame = batch(&[pay(1, own(1), own(2), 100), pay(2, own(1), own(2), 50)]);
    let mut lost = door.connect();
    lost.send(&mut frame).expect("sent");
    // The answer is never read. Once the frame is durable, the bank comes back.
    while door.balance(own(2)) != 10_150 {
        std::thread::yield_now();
    }
    drop(lost);
    let again = door.connect().transfer(&mut frame).expect("answered");
    assert_eq!(told(&again), ["already", "already"]);
    let first = |outcome: &Outcome| match outcome {
        Outcome::Already { first } | Outcome::Done { first } => *first,
        Outcome::Refused(_) => u64::MAX,
    };
    assert_eq!(first(&again[1]), first(&again[0]) + 1);
    // Under the same number, but more of it: refused, naming the field.
    let more = door.connect().transfer(&mut batch(&[pay(1, own(1), own(2), 101)])).expect("answered");
    assert_eq!(told(&more), ["leg 0: IdTaken (3), amount differs"]);
    assert_eq!(door.balance(own(2)), 10_150);
}

#[test]
fn holds_posts_voids_reversals_and_meters() {
    let door = Door::open();
    let no = u64::MAX;
    let bounds = Policy { single: 300, day: no, day_count: no, year: no, year_count: no };
    let policy = PolicyVersion { policy: 77, version: 1, from: 0, bounds };
    door.runtime.block_on(door.engine.submit(Command::PublishPolicy(policy))).expect("published");
    let mut bank = door.connect();
    let meters = [NewMeter { id: own(50), policy: 77 }, NewMeter { id: account(OTHER, 50), policy: 77 }];
    assert_eq!(told(&bank.set_meters(&meters).expect("answered")), ["done", "leg 0: AccountNotOwn (1007)"]);
    let leg = |n: u128, op| Leg { op, ..pay(n, own(1), own(2), 0) };
    let hold = LegOp::Hold { debit: own(1), credit: own(2), amount: 300, expires: 0 };
    let metered = |n, amount| Leg { meters: [own(50), 0, 0, 0], ..pay(n, own(1), own(2), amount) };
    let outcomes = bank.transfer(&mut batch(&[
        leg(1, hold),
        leg(2, hold),
        leg(3, LegOp::Post { hold: transfer(OWN, 1, 0), amount: 200 }),
        leg(4, LegOp::Void { hold: transfer(OWN, 2, 0) }),
        leg(5, LegOp::Void { hold: 3 }),
        Leg {
            id: reversal_id(transfer(OWN, 3, 0)),
            ..leg(0, LegOp::Reverse { transfer: transfer(OWN, 3, 0) })
        },
        metered(6, 300),
        metered(7, 301),
    ]));
    assert_eq!(
        told(&outcomes.expect("answered")),
        [
            "done",
            "done",
            "done",
            "done",
            "leg 0: TargetNotOwn (1004)",
            "done",
            "done",
            "leg 0: OverSingleLimit (21)",
        ]
    );
    assert_eq!((door.balance(own(1)), door.balance(own(2))), (9_700, 10_300));
}

#[test]
fn a_bank_opens_and_sees_accounts_of_its_own_only() {
    let door = Door::open();
    let mut bank = door.connect();
    let personal = NewAccount { kind: AccountKind::Personal, ..new_account(own(51)) };
    let capped = NewAccount { max: 5, kind: AccountKind::Transit, ..new_account(own(52)) };
    let asked =
        [new_account(own(50)), new_account(own(1)), new_account(account(OTHER, 50)), personal, capped];
    assert_eq!(
        told(&bank.open(&asked).expect("answered")),
        ["done", "already", "leg 0: AccountNotOwn (1007)", "leg 0: AccountKindNotAllowed (1008)", "done"]
    );
    let over = bank.transfer(&mut batch(&[pay(1, own(1), own(52), 6)])).expect("answered");
    assert_eq!(told(&over), ["leg 0: BalanceTooHigh (27)"]);
    let asked = [own(1), own(50), own(99), account(OTHER, 1), VAULT, 0];
    let seen = bank.balances(&asked).expect("answered");
    let seen: Vec<_> = seen.iter().map(|seen| (seen.found, seen.balance, seen.available)).collect();
    let (none, vault) = ((false, 0, 0), 1_000_000_000 - 30_000);
    assert_eq!(seen, [(true, 10_000, 10_000), (true, 0, 0), none, none, (true, vault, vault), none]);
    bank.ping().expect("somebody is there");
    assert!(matches!(bank.balances(&vec![own(1); 8191]), Err(Error::TooLarge(8190))));
}

#[test]
fn every_suite_of_keys_and_ciphers_serves() {
    for suite in [TunnelSuite::International, TunnelSuite::Domestic] {
        for key in [Suite::Sm2Sm3, Suite::RsaSha256, Suite::Es256] {
            let mut door = Door::open();
            let key = SigningKey::generate(key);
            // The door was opened for another key; this bank comes with its own.
            let register = jialing_gateway::Registered(vec![(
                "BKX".to_owned(),
                jialing_gateway::Member { key: key.public().clone(), ..door.register.member.clone() },
            )]);
            door.stop();
            let config =
                jialing_gateway::BulkConfig::new(([127, 0, 0, 1], 0).into(), vec![door.platform.clone()]);
            let serve = jialing_gateway::Bulk::serve(door.engine.clone(), register, config);
            let running = door.runtime.block_on(serve).expect("a free port");
            let mut who = jialing_bulk::Who::new("BKX", key, vec![door.platform.public().clone()]);
            who.suite = suite;
            let mut bank = jialing_bulk::Client::connect(running.address, &who).expect("it is who it says");
            let paid = bank.transfer(&mut batch(&[pay(1, own(1), own(2), 1)])).expect("answered");
            assert_eq!(told(&paid), ["done"], "{suite:?}");
            bank.close().expect("farewell");
            door.runtime.block_on(running.stop());
        }
    }
}

#[test]
fn while_followers_lag_frames_are_busy_and_nothing_of_them_is_done() {
    let door = Door::open();
    let mut bank = door.connect();
    door.register.lag.store(40_001, Ordering::SeqCst);
    let mut frame = batch(&[pay(1, own(1), own(2), 100)]);
    bank.send(&mut frame).expect("sent");
    assert_eq!(bank.receive().expect("answered").1, Answer::Busy { retry_after_ms: 50 });
    assert_eq!(door.balance(own(2)), 10_000);
    // Reading and pinging go on.
    assert_eq!(bank.balances(&[own(2)]).expect("answered")[0].balance, 10_000);
    door.register.lag.store(40_000, Ordering::SeqCst);
    assert_eq!(told(&bank.transfer(&mut frame).expect("answered")), ["done"]);
}

#[test]
fn a_stop_answers_what_was_taken_and_says_why_it_closes() {
    let mut door = Door::open();
    let mut bank = door.connect();
    for n in 0..4 {
        bank.send(&mut batch(&(0..2000).map(|m| pay(n * 2000 + m, own(1), own(2), 1)).collect::<Vec<_>>()))
            .expect("sent");
    }
    bank.receive().expect("the first is answered");
    door.stop();
    let mut done = 1;
    let fault = loop {
        match bank.receive() {
            Ok((_, Answer::Outcomes(outcomes))) => {
                assert!(told(&outcomes).iter().all(|told| told == "done"));
                done += 1;
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    assert!(matches!(fault, Error::Closed(Fault::Stopping)), "{fault:?}");
    // What was answered is what was done: nothing is done that was not answered.
    assert_eq!(door.balance(own(2)), 10_000 + 2000 * done);
    assert!(matches!(door.refused(&door.who), Error::Io(_)), "nobody listens any more");
}

#[test]
fn when_the_ledger_stops_the_bank_is_told() {
    let door = Door::open();
    let mut bank = door.connect();
    door.runtime.block_on(door.engine.shutdown());
    let told = bank.transfer(&mut batch(&[pay(1, own(1), own(2), 1)]));
    assert!(matches!(told, Err(Error::Closed(Fault::LedgerStopped))), "{told:?}");
}
