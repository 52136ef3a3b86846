//! Many tasks at once.

use jialing_engine::SubmitError;
use jialing_ledger::Why;

use crate::bank::{Bank, everything, found, pay};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thirty_two_tasks_share_one_wallet_and_exactly_the_money_there_is_leaves() {
    let bank = Bank::new();
    let engine = bank.open();
    found(&engine, 2).await;
    let tasks: Vec<_> = (0..32u128)
        .map(|task| {
            let engine = engine.clone();
            tokio::spawn(async move {
                let mut paid = 0u64;
                for n in 0..50 {
                    match engine.submit(pay(1000 + task * 100 + n, 2, 3, 1000)).await {
                        Ok(outcome) => {
                            assert!(!outcome.already);
                            // Visible in the history and by id as soon as it is answered.
                            assert_eq!(
                                engine.transfer(outcome.records[0].transfer_id()).await.unwrap(),
                                Some(outcome.records[0])
                            );
                            paid += 1;
                        }
                        Err(SubmitError::Refused(refusal)) => assert_eq!(refusal.why, Why::BalanceTooLow),
                        Err(other) => panic!("{other}"),
                    }
                }
                paid
            })
        })
        .collect();
    let mut paid = 0;
    for task in tasks {
        paid += task.await.unwrap();
    }
    assert_eq!(paid, 1000);
    assert_eq!(engine.account(2).await.unwrap().unwrap().balance(), 0);
    let stats = engine.stats();
    assert_eq!((stats.refused, stats.done), (600, 1000 + 5));
    assert!(stats.batches < 1600, "{} batches: tasks share flushes", stats.batches);
    assert_eq!(everything(&engine).await.len() as u64, stats.records);
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_payment_sent_many_times_at_once_happens_once() {
    let bank = Bank::new();
    let engine = bank.open();
    found(&engine, 2).await;
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.submit(pay(77, 2, 3, 10)).await.unwrap() })
        })
        .collect();
    let mut first = 0;
    let mut seqs = Vec::new();
    for task in tasks {
        let outcome = task.await.unwrap();
        first += u32::from(!outcome.already);
        seqs.push((outcome.first, outcome.records));
    }
    assert_eq!(first, 1);
    assert!(seqs.iter().all(|one| *one == seqs[0]));
    assert_eq!(engine.account(3).await.unwrap().unwrap().balance(), 1_000_010);
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_says_when_to_try_again_and_loses_nothing() {
    let bank = Bank::new();
    let engine =
        jialing_engine::Engine::open(jialing_engine::Config { queue: 10, ..bank.config() }).unwrap().0;
    found(&engine, 2).await;
    let waiting: Vec<_> = (0..40u128)
        .map(|n| {
            let engine = engine.clone();
            let many = (0..8).map(|m| pay(1000 + n * 8 + m, 2, 3, 1)).collect();
            tokio::spawn(async move { engine.submit_all(many).await })
        })
        .collect();
    let mut paid = 0;
    for task in waiting {
        let answers = task.await.unwrap();
        let overloaded =
            |a: &Result<_, SubmitError>| matches!(a, Err(SubmitError::Overloaded { retry_after_ms: 1.. }));
        // All of a submission or none of it is taken.
        assert!(answers.iter().all(Result::is_ok) || answers.iter().all(overloaded), "{answers:?}");
        paid += answers.iter().filter(|answer| answer.is_ok()).count() as u64;
    }
    assert_eq!(engine.account(2).await.unwrap().unwrap().debits, paid);
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_accounts_than_one_look_takes_come_in_pages_in_the_order_asked() {
    let bank = Bank::new();
    let engine = bank.open();
    found(&engine, 3).await;
    let page = jialing_engine::MAX_ACCOUNTS_AT_ONCE as u128;
    for count in [0, 1, page - 1, page, page + 1, 2 * page, 20 * page + 7] {
        // Known accounts only on both sides of each page's end.
        let ids: Vec<u128> =
            (0..count).map(|n| if (n + 2) % page < 4 { 2 + n % 3 } else { 1000 + n }).collect();
        let found = engine.accounts(&ids).await.unwrap();
        assert_eq!(found.len(), ids.len());
        for (id, account) in ids.iter().zip(found) {
            assert_eq!(account.map(|account| account.id), (*id < 5).then_some(*id), "{id} of {count}");
        }
    }
    engine.shutdown().await;
}

trait TransferId {
    fn transfer_id(&self) -> u128;
}

impl TransferId for jialing_ledger::Record {
    fn transfer_id(&self) -> u128 {
        match self.body {
            jialing_ledger::Body::Transfer(transfer) => transfer.id,
            _ => 0,
        }
    }
}
