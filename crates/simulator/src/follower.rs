//! A follower over slow and failing SQL: it reads the feed and keeps its cursor in the same
//! transaction as its effects, so that each effect happens exactly once.
//!
//! The store is tiny: two tables, one transaction at a time. A commit may fail before anything
//! happened, or be in doubt: it happened, and the answer got lost. The follower's own memory goes with
//! the process; the store outlives it. Effects are sums, so that one too many or too few shows.

use std::collections::BTreeMap;

use jialing_ledger::{Body, Id, Record};

use crate::coverage::{Coverage, Topic};
use crate::door::Door;
use crate::mutants::Defect;
use crate::oracle::{Oracle, Trouble, ensure};
use crate::random::Random;

/// What an account's history adds up to: records, arrived, left.
type Effect = (u64, u64, u64);

/// What is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tables {
    cursor: u64,
    effects: BTreeMap<Id, Effect>,
}

impl Tables {
    fn take(&mut self, record: &Record) {
        let Body::Transfer(transfer) = record.body else { return };
        let moved = if transfer.op.moves() { transfer.amount } else { 0 };
        for (account, arrived, left) in [(transfer.debit, 0, moved), (transfer.credit, moved, 0)] {
            let effect = self.effects.entry(account).or_default();
            *effect = (effect.0 + 1, effect.1 + arrived, effect.2 + left);
        }
    }
}

/// A commit that did not say yes.
struct NotCommitted;

/// The store.
#[derive(Clone)]
struct Store {
    tables: Tables,
    random: Random,
    commits: u64,
    failed: u64,
    in_doubt: u64,
    slow: u64,
}

impl Store {
    /// One transaction: all of `change`, or nothing.
    async fn commit(&mut self, change: impl FnOnce(&mut Tables)) -> Result<(), NotCommitted> {
        self.commits += 1;
        if self.random.percent(12) {
            self.slow += 1;
            for _ in 0..self.random.within(1, 20) {
                tokio::task::yield_now().await;
            }
        }
        if self.random.percent(9) {
            self.failed += 1;
            return Err(NotCommitted);
        }
        change(&mut self.tables);
        if self.random.percent(7) {
            self.in_doubt += 1;
            return Err(NotCommitted);
        }
        Ok(())
    }
}

/// The follower with its store.
#[derive(Clone)]
pub(crate) struct Follower {
    store: Store,
    defect: Option<Defect>,
    /// Where it stands, as it remembers; `None` after a restart, or when it is not sure.
    cursor: Option<u64>,
}

impl Follower {
    pub(crate) fn new(random: Random, defect: Option<Defect>) -> Self {
        let store = Store { tables: Tables::default(), random, commits: 0, failed: 0, in_doubt: 0, slow: 0 };
        Self { store, defect, cursor: None }
    }

    /// The process ended; the store is another machine's.
    pub(crate) const fn restart(&mut self) {
        self.cursor = None;
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    /// Reads at most `pages` pages and stores what follows from them; all there is when `None`.
    pub(crate) async fn follow(&mut self, door: &Door, pages: Option<u64>) -> Result<(), Trouble> {
        let mut left = pages;
        while left != Some(0) {
            let from = self.cursor.unwrap_or(self.store.tables.cursor);
            let limit = self.store.random.within(1, 40) as usize;
            let page = door.feed(from, limit).await?;
            if page.is_empty() {
                return Ok(());
            }
            let to = from + page.len() as u64;
            self.cursor = match self.store_page(&page, to).await {
                Ok(()) => Some(to),
                Err(NotCommitted) if self.is(Defect::TrustsFailedCommit) => Some(to),
                Err(NotCommitted) if self.is(Defect::RepeatsDoubtfulCommit) => Some(from),
                // Only the store knows whether it happened.
                Err(NotCommitted) => None,
            };
            left = left.map(|left| left - 1);
        }
        Ok(())
    }

    async fn store_page(&mut self, page: &[Record], to: u64) -> Result<(), NotCommitted> {
        let effects = |tables: &mut Tables| page.iter().for_each(|record| tables.take(record));
        let cursor = |tables: &mut Tables| tables.cursor = to;
        match self.defect {
            Some(Defect::CursorForgotten) => self.store.commit(effects).await,
            Some(Defect::CursorFirst) => {
                self.store.commit(cursor).await?;
                self.store.commit(effects).await
            }
            Some(Defect::EffectsFirst) => {
                self.store.commit(effects).await?;
                self.store.commit(cursor).await
            }
            _ => {
                let both = |tables: &mut Tables| {
                    effects(tables);
                    cursor(tables);
                };
                self.store.commit(both).await
            }
        }
    }

    /// Catches up, and compares what is stored with what the feed says.
    pub(crate) async fn check(&mut self, door: &Door, feed: &[Record]) -> Result<(), Trouble> {
        self.follow(door, None).await?;
        let mut expected = Tables { cursor: feed.len() as u64, ..Tables::default() };
        feed.iter().for_each(|record| expected.take(record));
        let stored = &self.store.tables;
        ensure(stored.effects == expected.effects, Oracle::Follower, || {
            let differs = |(id, effect): &(&Id, &Effect)| expected.effects.get(id) != Some(effect);
            let found = stored.effects.iter().find(differs);
            let wanted = found.and_then(|(id, _)| expected.effects.get(id));
            format!("a follower at {} stored {found:?}, the feed says {wanted:?}", stored.cursor)
        })?;
        ensure(stored.cursor == expected.cursor, Oracle::Follower, || {
            format!("a follower that read all of {} stands at {}", expected.cursor, stored.cursor)
        })
    }

    /// Adds what happened to the store.
    pub(crate) fn cover(&self, coverage: &mut Coverage) {
        let Store { commits, failed, in_doubt, slow, .. } = self.store;
        for (what, count) in [
            ("commits", commits),
            ("failed commits", failed),
            ("commits in doubt", in_doubt),
            ("slow commits", slow),
        ] {
            coverage.count(Topic::Follower, what, count);
        }
    }
}
