//! A small bank on a disk in memory with a clock that the test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jialing_engine::{Config, Engine, KeySource, OpenError, Opened, Outcome, SubmitError};
use jialing_journal::Memory;
use jialing_ledger::{AccountKind, Command, Group, Id, Leg, LegOp, NewAccount};

/// The issuance account that all money comes from.
pub(crate) const ISSUANCE: Id = 1;
/// 2026-01-01T00:00:00Z.
pub(crate) const START: u64 = 1_767_225_600_000_000_000;

/// A disk, a clock, and settings small enough that segments are sealed and merged often.
#[derive(Clone)]
pub(crate) struct Bank {
    pub(crate) disk: Memory,
    pub(crate) clock: Arc<AtomicU64>,
    pub(crate) segment_bytes: u64,
    pub(crate) max_batch: usize,
}

impl Bank {
    pub(crate) fn new() -> Self {
        Self {
            disk: Memory::new(),
            clock: Arc::new(AtomicU64::new(START)),
            segment_bytes: 64 << 10,
            max_batch: 64,
        }
    }

    /// The same bank on another disk: what a crash left.
    pub(crate) fn on(&self, disk: Memory) -> Self {
        Self { disk, ..self.clone() }
    }

    pub(crate) fn config(&self) -> Config {
        let clock = self.clock.clone();
        Config {
            origin: "test/ledger".to_owned(),
            key: KeySource::Seed([7; 32]),
            time: Arc::new(move || clock.load(Ordering::SeqCst)),
            segment_bytes: self.segment_bytes,
            max_batch: self.max_batch,
            checkpoint_every: Duration::from_secs(3600),
            snapshot_segments: 2,
            index_fan_in: 3,
            disk: Some(Arc::new(self.disk.clone())),
            ..Config::new("memory")
        }
    }

    pub(crate) fn try_open(&self) -> Result<(Engine, Opened), OpenError> {
        Engine::open(self.config())
    }

    pub(crate) fn open(&self) -> Engine {
        self.try_open().expect("the engine opens").0
    }

    pub(crate) fn pass(&self, nanos: u64) {
        self.clock.fetch_add(nanos, Ordering::SeqCst);
    }
}

/// Opens the issuance account and `count` wallets, 2 and up, with 1,000,000 fen each.
pub(crate) async fn found(engine: &Engine, count: u64) {
    let mut commands = vec![account(ISSUANCE, AccountKind::Issuance, -1_000_000_000_000)];
    for id in 2..2 + Id::from(count) {
        commands.push(account(id, AccountKind::Personal, 0));
        commands.push(pay(1 << 100 | id, ISSUANCE, id, 1_000_000));
    }
    for answer in engine.submit_all(commands).await {
        answer.expect("founding is allowed");
    }
}

pub(crate) fn account(id: Id, kind: AccountKind, min: i64) -> Command {
    Command::OpenAccount(NewAccount { id, currency: 156, kind, holder: 1, min, max: i64::MAX })
}

pub(crate) fn leg(id: Id, op: LegOp) -> Leg {
    Leg { id, op, kind: 1, digest: [3; 24], meters: [0; 4] }
}

pub(crate) fn pay(id: Id, debit: Id, credit: Id, amount: u64) -> Command {
    Command::Transfer(Group { legs: vec![leg(id, LegOp::Plain { debit, credit, amount })] })
}

pub(crate) fn hold(id: Id, debit: Id, credit: Id, amount: u64, expires: u64) -> Command {
    Command::Transfer(Group { legs: vec![leg(id, LegOp::Hold { debit, credit, amount, expires })] })
}

pub(crate) async fn submit(engine: &Engine, command: Command) -> Outcome {
    engine.submit(command).await.expect("the command is carried out")
}

pub(crate) fn is_stopped<T: std::fmt::Debug>(answer: &Result<T, SubmitError>) -> bool {
    matches!(answer, Err(SubmitError::Stopped(_)))
}

/// Waits until all records so far are fed, and gives them.
pub(crate) async fn everything(engine: &Engine) -> Vec<jialing_ledger::Record> {
    let mut all = Vec::new();
    loop {
        let page = engine.feed(all.len() as u64, 100).await.expect("the feed reads");
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}
