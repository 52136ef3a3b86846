//! Random commands with restarts, against a model that is only a map and a list.

use std::collections::BTreeMap;

use jialing_engine::SubmitError;
use jialing_journal::disk::Surviving;
use jialing_ledger::{Id, Why};
use proptest::prelude::*;

use crate::bank::{Bank, ISSUANCE, everything, found, pay};

const WALLETS: u64 = 4;

#[derive(Clone, Debug)]
enum Step {
    Pay {
        id: Id,
        debit: Id,
        credit: Id,
        amount: u64,
    },
    PayMany(Vec<(Id, Id, Id, u64)>),
    Restart,
    /// Power is lost; which unsynced sectors land is up to the seed.
    Crash(u64),
}

fn payment() -> impl Strategy<Value = (Id, Id, Id, u64)> {
    let id = (1..40u128).prop_map(|n| (n << 80) | 0x1000);
    (id, 1..3 + u128::from(WALLETS), 1..3 + u128::from(WALLETS), 0..700_000u64)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => payment().prop_map(|(id, debit, credit, amount)| Step::Pay { id, debit, credit, amount }),
        3 => proptest::collection::vec(payment(), 1..150).prop_map(Step::PayMany),
        1 => Just(Step::Restart),
        1 => (1..u64::MAX).prop_map(Step::Crash),
    ]
}

/// The ledger as a schoolbook would have it.
#[derive(Default)]
struct Model {
    balances: BTreeMap<Id, i64>,
    done: BTreeMap<Id, (Id, Id, u64)>,
}

impl Model {
    /// Whether the payment is done now (`Some(false)`), was done (`Some(true)`), or is refused.
    fn pay(&mut self, (id, debit, credit, amount): (Id, Id, Id, u64)) -> Option<bool> {
        if let Some(earlier) = self.done.get(&id) {
            return (*earlier == (debit, credit, amount)).then_some(true);
        }
        let known = self.balances.contains_key(&debit) && self.balances.contains_key(&credit);
        if !known || debit == credit || amount == 0 {
            return None;
        }
        if debit != ISSUANCE && self.balances[&debit] < amount as i64 {
            return None;
        }
        // Money that goes back to issuance is redeemed; that is allowed.
        *self.balances.get_mut(&debit).unwrap() -= amount as i64;
        *self.balances.get_mut(&credit).unwrap() += amount as i64;
        self.done.insert(id, (debit, credit, amount));
        Some(false)
    }
}

fn verdict(answer: &Result<jialing_engine::Outcome, SubmitError>) -> Option<bool> {
    match answer {
        Ok(outcome) => Some(outcome.already),
        Err(SubmitError::Refused(refusal)) => {
            assert_ne!(refusal.why, Why::Overflow);
            None
        }
        Err(other) => panic!("{other}"),
    }
}

async fn run(steps: Vec<Step>) {
    let mut bank = Bank { segment_bytes: 16 << 10, ..Bank::new() };
    let mut engine = bank.open();
    found(&engine, WALLETS).await;
    let mut model = Model::default();
    model.balances.insert(ISSUANCE, -(WALLETS as i64) * 1_000_000);
    model.balances.extend((2..2 + u128::from(WALLETS)).map(|id| (id, 1_000_000)));
    for step in steps {
        bank.pass(1_000_000);
        match step {
            Step::Pay { id, debit, credit, amount } => {
                let answer = engine.submit(pay(id, debit, credit, amount)).await;
                assert_eq!(verdict(&answer), model.pay((id, debit, credit, amount)));
            }
            Step::PayMany(many) => {
                let commands =
                    many.iter().map(|&(id, debit, credit, amount)| pay(id, debit, credit, amount)).collect();
                for (answer, &payment) in engine.submit_all(commands).await.iter().zip(&many) {
                    assert_eq!(verdict(answer), model.pay(payment));
                }
            }
            Step::Restart => {
                engine.shutdown().await;
                engine = bank.open();
            }
            Step::Crash(seed) => {
                // Everything so far was answered, so everything must be there.
                let crashed = bank.on(bank.disk.crash(Surviving::Some(seed)));
                engine.shutdown().await;
                bank = crashed;
                engine = bank.open();
            }
        }
    }
    for (&id, &balance) in &model.balances {
        assert_eq!(engine.account(id).await.unwrap().unwrap().balance(), balance, "account {id}");
    }
    for &id in model.done.keys() {
        assert!(engine.transfer(id).await.unwrap().is_some());
    }
    let founding = 1 + 2 * WALLETS as usize;
    assert_eq!(everything(&engine).await.len(), founding + model.done.len());
    engine.shutdown().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_a_plain_model_through_restarts(steps in proptest::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(run(steps));
    }
}
