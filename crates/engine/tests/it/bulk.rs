//! Bulk work: many groups in one submission, each all or nothing and each for itself.

use jialing_engine::{Bulk, BulkOutcome, Engine, SubmitError};
use jialing_ledger::{Body, Id, Leg, LegOp, Refusal, Why};

use crate::bank::{Bank, everything, found, leg, pay, submit};

fn plain(id: Id, debit: Id, credit: Id, amount: u64) -> Leg {
    leg(id, LegOp::Plain { debit, credit, amount })
}

/// Groups as lists of legs, end to end.
fn bulk(groups: &[Vec<Leg>]) -> Bulk {
    Bulk { legs: groups.concat(), groups: groups.iter().map(|group| group.len() as u8).collect() }
}

const fn done(first: u64) -> BulkOutcome {
    BulkOutcome::Done { first, already: false }
}

const fn already(first: u64) -> BulkOutcome {
    BulkOutcome::Done { first, already: true }
}

const fn refused(why: Why, leg: u8) -> BulkOutcome {
    BulkOutcome::Refused(Refusal::new(why, leg))
}

async fn balances(engine: &Engine) -> [i64; 3] {
    let mut found = [0; 3];
    for (balance, id) in found.iter_mut().zip(2..) {
        *balance = engine.account(id).await.unwrap().unwrap().balance();
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_group_in_the_middle_is_named_with_its_leg_and_the_others_are_done() {
    let bank = Bank::new();
    let engine = bank.open();
    found(&engine, 3).await;
    let before = everything(&engine).await.len() as u64;
    let work = bulk(&[
        vec![plain(100, 2, 3, 5)],
        vec![plain(101, 2, 3, 10), plain(102, 3, 4, 1 << 40)],
        vec![plain(103, 2, 99, 1)],
        vec![plain(104, 2, 3, 20), plain(105, 3, 4, 30)],
        vec![],
        vec![plain(0, 2, 3, 1)],
        vec![plain(106, 4, 2, 7)],
    ]);
    assert_eq!(
        engine.submit_bulk(work).await.unwrap(),
        [
            done(before),
            refused(Why::BalanceTooLow, 1),
            refused(Why::CreditAccountUnknown, 0),
            done(before + 1),
            refused(Why::LegCount, 0),
            refused(Why::IdInvalid, 0),
            done(before + 3),
        ]
    );
    // Nothing of the second group happened, its good first leg included.
    assert_eq!(
        balances(&engine).await,
        [1_000_000 - 5 - 20 + 7, 1_000_000 + 5 + 20 - 30, 1_000_000 + 30 - 7]
    );
    let ids: Vec<Id> = everything(&engine).await[before as usize..]
        .iter()
        .map(|record| match record.body {
            Body::Transfer(transfer) => transfer.id,
            _ => 0,
        })
        .collect();
    assert_eq!(ids, [100, 104, 105, 106]);
    assert_eq!(engine.transfer(101).await.unwrap(), None);
    let stats = engine.stats();
    assert_eq!((stats.refused, stats.already), (4, 0));
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_answered_by_its_first_leg_wherever_the_first_one_is() {
    let bank = Bank::new();
    let engine = bank.open();
    found(&engine, 3).await;
    // With terms before it, so that the answer must step over them.
    let expiring = leg(201, LegOp::Hold { debit: 2, credit: 3, amount: 5, expires: u64::MAX });
    let group = vec![expiring, plain(202, 3, 4, 2)];
    // In the same submission, so before anything of it is durable.
    let outcomes = engine.submit_bulk(bulk(&[group.clone(), group.clone()])).await.unwrap();
    let BulkOutcome::Done { first, already: false } = outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(outcomes[1], already(first));
    assert!(matches!(everything(&engine).await[first as usize].body, Body::Transfer(t) if t.id == 201));
    // In flight at the same time, later on disk, as a command, and after a restart.
    let twice: Vec<_> = (0..2)
        .map(|_| {
            let (engine, group) = (engine.clone(), vec![plain(203, 2, 3, 1)]);
            tokio::spawn(async move { engine.submit_bulk(bulk(&[group])).await.unwrap()[0] })
        })
        .collect();
    let mut firsts = Vec::new();
    for one in twice {
        firsts.push(one.await.unwrap());
    }
    firsts.sort_by_key(|outcome| matches!(outcome, BulkOutcome::Done { already: true, .. }));
    let BulkOutcome::Done { first: single, already: false } = firsts[0] else { panic!("{firsts:?}") };
    assert_eq!(firsts[1], already(single));
    let command = submit(&engine, pay(203, 2, 3, 1)).await;
    assert_eq!((command.first, command.already), (single, true));
    engine.shutdown().await;
    let engine = bank.open();
    let mut other = group.clone();
    other[1].kind = 9;
    let outcomes = engine.submit_bulk(bulk(&[group, other])).await.unwrap();
    assert_eq!(outcomes, [already(first), BulkOutcome::Refused(Refusal::taken(1, "kind"))]);
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_that_do_not_add_up_to_the_legs_are_refused_whole() {
    let bank = Bank::new();
    let engine = bank.open();
    found(&engine, 2).await;
    let before = everything(&engine).await.len();
    let legs = || vec![plain(301, 2, 3, 1), plain(302, 2, 3, 1)];
    for groups in [vec![], vec![1], vec![2, 1], vec![3], vec![1, 255]] {
        let refused = engine.submit_bulk(Bulk { legs: legs(), groups: groups.clone() }).await;
        let expected = SubmitError::Refused(Refusal::new(Why::LegCount, 0));
        assert_eq!(refused, Err(expected), "{groups:?}");
    }
    assert_eq!(engine.submit_bulk(Bulk::default()).await, Ok(Vec::new()));
    // Too many legs in one group is that group's own affair.
    let many: Vec<Leg> = (0..9).map(|n| plain(400 + n, 2, 3, 1)).collect();
    let outcomes = engine.submit_bulk(bulk(&[many, vec![plain(303, 2, 3, 1)]])).await.unwrap();
    assert_eq!(outcomes, [refused(Why::LegCount, 0), done(before as u64)]);
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_longer_than_a_batch_is_done_in_order_and_longer_than_the_queue_only_when_nothing_waits() {
    let bank = Bank { segment_bytes: 16 << 10, ..Bank::new() };
    let config = jialing_engine::Config { queue: 100, ..bank.config() };
    let engine = Engine::open(config).unwrap().0;
    found(&engine, 3).await;
    let before = everything(&engine).await.len() as u64;
    // Groups of one and of two legs: 1,500 legs, 64 groups a batch, and many parts of the index.
    let groups: Vec<Vec<Leg>> = (0..1000u128)
        .map(|n| (0..1 + n % 2).map(|leg| plain(1000 + 2 * n + leg, 2, 3, 1)).collect())
        .collect();
    let expected: Vec<BulkOutcome> = groups
        .iter()
        .scan(before, |first, group| {
            let outcome = done(*first);
            *first += group.len() as u64;
            Some(outcome)
        })
        .collect();
    assert_eq!(engine.submit_bulk(bulk(&groups)).await.unwrap(), expected);
    assert_eq!(balances(&engine).await[..2], [1_000_000 - 1500, 1_000_000 + 1500]);
    // Two at once: each is taken whole, or told to come again.
    let racing: Vec<_> = (0..8u128)
        .map(|task| {
            let engine = engine.clone();
            let legs: Vec<Vec<Leg>> =
                (0..200).map(|n| vec![plain(10_000 + task * 200 + n, 2, 3, 1)]).collect();
            tokio::spawn(async move { engine.submit_bulk(bulk(&legs)).await })
        })
        .collect();
    let mut taken = 0;
    for task in racing {
        match task.await.unwrap() {
            Ok(outcomes) => {
                assert!(outcomes.iter().all(|o| matches!(o, BulkOutcome::Done { already: false, .. })));
                taken += outcomes.len() as i64;
            }
            Err(error) => {
                assert!(matches!(error, SubmitError::Overloaded { retry_after_ms: 1.. }), "{error}")
            }
        }
    }
    assert!(taken >= 200);
    assert_eq!(balances(&engine).await[1], 1_000_000 + 1500 + taken);
    engine.shutdown().await;
    assert!(matches!(engine.submit_bulk(bulk(&groups)).await, Err(SubmitError::Stopped(_))));
}
