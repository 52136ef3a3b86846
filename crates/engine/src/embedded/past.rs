//! All transfers so far, for the kernel: where they are from the index, what they say from the batch
//! being made or from the journal.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;

use jialing_journal::disk::tiered::is_away;
use jialing_journal::{Batch, ENTRY_LEN};
use jialing_ledger::command::MAX_METERS;
use jialing_ledger::{Applied, Body, Id, Leg, Nanos, Op, Prior, Record, Transfer};

use crate::embedded::shared::Shared;
use crate::index::View;
use crate::record;

/// The past of the applying thread, which reaches to the record applied last.
pub(crate) struct Past {
    shared: Arc<Shared>,
    view: Arc<View>,
    /// Records of this round, and the number of the first.
    batch: Batch,
    batch_from: u64,
    /// A failed look-up; the kernel cannot be told, so the round is thrown away.
    failed: RefCell<Option<io::Error>>,
}

impl Past {
    pub(crate) fn new(shared: Arc<Shared>, next: u64) -> Self {
        let view = shared.index.view();
        Self { shared, view, batch: Batch::default(), batch_from: next, failed: RefCell::new(None) }
    }

    /// Looks at what the index has become.
    pub(crate) fn refresh(&mut self) {
        self.shared.index.refresh(&mut self.view);
    }

    /// Writes a record into the batch and into the index.
    pub(crate) fn remember(&mut self, record: &Record) {
        self.batch.push(&record.encode());
        self.shared.index.add(&mut self.view, record);
    }

    /// The batch so far, to be handed over.
    pub(crate) fn take_batch(&mut self) -> Batch {
        self.batch_from += self.batch.len() as u64;
        std::mem::take(&mut self.batch)
    }

    /// Memory for the next batch.
    pub(crate) fn give_batch(&mut self, batch: Batch) {
        debug_assert!(batch.is_empty() && self.batch.is_empty(), "batches change hands empty");
        self.batch = batch;
    }

    /// Takes back a failed look-up when cold storage was away, which is no fault of the log. Only sound
    /// while nothing was written for the command that looked.
    pub(crate) fn was_away(&self) -> bool {
        let away = self.failed.borrow().as_ref().is_some_and(is_away);
        if away && let Some(error) = self.failed.take() {
            tracing::warn!(%error, "a command is put off");
        }
        away
    }

    /// Why a look-up failed, if one did.
    pub(crate) fn failure(&self) -> Option<io::Error> {
        self.failed.take()
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.borrow().is_some()
    }

    /// Reads where these legs' ids will be looked for, so that it lies in the cache.
    pub(crate) fn warm(&self, legs: &[Leg]) {
        let live = self.view.live();
        legs.iter().for_each(|leg| live.warm(leg.id));
    }

    /// A record that was applied. One that was handed over and is not durable yet is waited for.
    fn record(&self, seq: u64) -> io::Result<Record> {
        if let Some(place) = seq.checked_sub(self.batch_from) {
            let at = place as usize * ENTRY_LEN;
            let entry = self.batch.entries().get(at..at + ENTRY_LEN).and_then(|entry| entry.try_into().ok());
            let missing = || io::Error::other(format!("record {seq} is not written yet"));
            return record::decode(seq, entry.ok_or_else(missing)?);
        }
        if seq >= self.shared.indexed() && !self.shared.slot.until_durable(seq) {
            return Err(io::Error::other("the engine stopped"));
        }
        record::decode(seq, &self.shared.reader.entry(seq)?)
    }

    /// The records that answer a command that was already done.
    pub(crate) fn records(&self, applied: &Applied) -> Vec<Record> {
        let all = applied.first..applied.first + u64::from(applied.records);
        all.filter_map(|seq| self.or_fail(self.record(seq))).collect()
    }

    /// The first transfer record among those that answer a group that was already done.
    pub(crate) fn first_transfer(&self, applied: &Applied) -> u64 {
        let led_by_terms = self
            .or_fail(self.record(applied.first))
            .is_some_and(|record| matches!(record.body, Body::Terms { .. }));
        applied.first + u64::from(led_by_terms)
    }

    fn or_fail<T>(&self, result: io::Result<T>) -> Option<T> {
        result.map_err(|error| *self.failed.borrow_mut() = Some(error)).ok()
    }

    fn look_up(&self, id: Id) -> io::Result<Option<(Transfer, u64)>> {
        let Some(seq) = self.view.find_added(id)? else { return Ok(None) };
        match self.record(seq)?.body {
            Body::Transfer(transfer) => Ok(Some((transfer, seq))),
            _ => Err(io::Error::other(format!("record {seq} is no transfer, yet the index says so"))),
        }
    }
}

/// What the kernel is shown in place of a transfer that could not be read: equal to nothing that can be
/// asked and nothing that can be reversed, so it refuses and changes nothing.
const fn unreadable(id: Id) -> Transfer {
    Transfer {
        id,
        op: Op::Void,
        kind: 0,
        debit: 0,
        credit: 0,
        amount: 0,
        debit_balance: 0,
        credit_balance: 0,
        link: [0; 24],
        leg: 0,
        legs: 0,
        has_terms: false,
    }
}

impl Prior for Past {
    fn find(&self, id: Id) -> Option<(Transfer, u64)> {
        self.or_fail(self.look_up(id)).unwrap_or_else(|| Some((unreadable(id), 0)))
    }

    fn terms(&self, seq: u64) -> Option<([Id; MAX_METERS], Nanos)> {
        match self.or_fail(self.record(seq.checked_sub(1)?))?.body {
            Body::Terms { meters, expires } => Some((meters, expires)),
            _ => None,
        }
    }
}
