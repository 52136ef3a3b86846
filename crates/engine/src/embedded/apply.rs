//! The applying thread: takes what waits, asks the kernel, hands over to the flush.
//!
//! It runs ahead of the disk by at most two batches. What it applied and the disk does not hold yet
//! is kept aside here, so that a repeated id is recognised at once; answers wait with the batch that
//! holds what they saw.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jialing_ledger::command::MAX_METERS;
use jialing_ledger::{Applied, Body, Command, Id, Ledger, Nanos, Op, Prior, Record, Transfer};

use crate::answer::{Outcome, SubmitError};
use crate::embedded::shared::{Answered, Inbox, Job, Sentinel, Shared};
use crate::embedded::slot::{Answer, Work};
use crate::index::Keyed;
use crate::record;

/// How often a hold's expiry is looked at while idle: the clock may be moved from outside.
const EXPIRY_LOOK: Duration = Duration::from_millis(50);

/// Most lapsed holds in one frame with commands.
const MAX_LAPSED: usize = 1024;

/// Runs until closed or stopped.
pub(crate) fn run(shared: Arc<Shared>, ledger: Ledger) {
    let _sentinel = Sentinel { shared: shared.clone(), thread: "applying" };
    let past = Past {
        shared: shared.clone(),
        recent: VecDeque::new(),
        ids: HashMap::default(),
        failed: RefCell::new(None),
    };
    let mut applying = Applying { shared, ledger, past, out: Vec::new(), work: Work::default() };
    while let Some(jobs) = applying.next_jobs() {
        if !applying.round(jobs) {
            return;
        }
    }
    applying.shared.slot.close();
}

struct Applying {
    shared: Arc<Shared>,
    ledger: Ledger,
    past: Past,
    out: Vec<Record>,
    work: Work,
}

impl Applying {
    /// What is to be done next, up to a batch; empty when only a hold's time came. `None` at the end.
    fn next_jobs(&self) -> Option<Vec<Job>> {
        let ready = |inbox: &mut Inbox| inbox.closing || !inbox.jobs.is_empty();
        let mut inbox = loop {
            match self.ledger.next_expiry() {
                None => break self.shared.inbox.wait(ready),
                Some(expiry) => {
                    let mut inbox = self.shared.inbox.wait_for(EXPIRY_LOOK, ready);
                    if ready(&mut inbox) || expiry <= self.shared.now() {
                        break inbox;
                    }
                }
            }
        };
        if inbox.jobs.is_empty() && inbox.closing {
            return None;
        }
        let (mut jobs, mut commands) = (Vec::new(), 0);
        while let Some(job) = inbox.jobs.front() {
            if commands > 0 && commands + job.commands() > self.shared.config.max_batch {
                break;
            }
            commands += job.commands();
            jobs.extend(inbox.jobs.pop_front());
        }
        inbox.commands -= commands;
        Some(jobs)
    }

    /// Does one round of jobs at one instant. `false` when the engine stopped.
    fn round(&mut self, jobs: Vec<Job>) -> bool {
        self.past.forget_indexed();
        let at = self.shared.now().max(self.ledger.now());
        if !self.lapse(at) {
            return false;
        }
        for job in jobs {
            match job {
                Job::One(command, reply) => {
                    let answered = self.apply(&command, at);
                    self.work.answers.push(Answer::One(answered, reply));
                }
                Job::Many(commands, reply) => {
                    let answered = commands.iter().map(|command| self.apply(command, at)).collect();
                    self.work.answers.push(Answer::Many(answered, reply));
                }
                Job::Read(read) => {
                    let release = read(&self.ledger, at);
                    self.work.answers.push(Answer::Read(release));
                }
            }
            if let Some(error) = self.past.failed.take() {
                self.shared.fail(&format!("a transfer could not be looked up: {error}"));
                return false;
            }
        }
        self.shared.figures.accounts.store(self.ledger.accounts().len() as u64, Ordering::Relaxed);
        self.hand_over()
    }

    fn apply(&mut self, command: &Command, at: Nanos) -> Answered {
        self.work.commands += 1;
        if self.past.failed.borrow().is_some() {
            // The round is thrown away.
            return Err(self.shared.gone().into());
        }
        let figures = &self.shared.figures;
        let applied = match self.ledger.apply(command, at, &self.past, &mut self.out) {
            Ok(applied) => applied,
            Err(refusal) => {
                figures.refused.fetch_add(1, Ordering::Relaxed);
                return Err(SubmitError::Refused(refusal));
            }
        };
        let counter = if applied.already { &figures.already } else { &figures.done };
        counter.fetch_add(1, Ordering::Relaxed);
        let records = if applied.already { self.past.records(&applied) } else { self.out.clone() };
        self.keep_written();
        let records: Vec<Record> =
            records.into_iter().filter(|r| !matches!(r.body, Body::Terms { .. })).collect();
        let first = records.first().map_or(applied.first, |record| record.seq);
        Ok(Outcome { first, records, already: applied.already })
    }

    /// Moves what the kernel wrote into the work, and remembers it.
    fn keep_written(&mut self) {
        for record in &self.out {
            self.work.batch.push(&record.encode());
            self.past.remember(*record);
        }
        self.work.records.append(&mut self.out);
    }

    /// Lapses the holds whose time has come. Many may lapse at once; each is a group of its own, so
    /// they go ahead in frames of their own, which keeps the commands' frame small enough.
    fn lapse(&mut self, at: Nanos) -> bool {
        self.ledger.expire(at, &mut self.out);
        let mut lapsed = std::mem::take(&mut self.out);
        while lapsed.len() > MAX_LAPSED {
            let rest = lapsed.split_off(MAX_LAPSED);
            self.out = std::mem::replace(&mut lapsed, rest);
            self.keep_written();
            if !self.hand_over() {
                return false;
            }
        }
        self.out = lapsed;
        self.keep_written();
        true
    }

    fn hand_over(&mut self) -> bool {
        self.shared.slot.put(std::mem::take(&mut self.work))
    }
}

/// All transfers so far, for the kernel: those not yet indexed from memory, others from the journal.
struct Past {
    shared: Arc<Shared>,
    /// Records that may not be indexed yet, without gaps.
    recent: VecDeque<Record>,
    ids: HashMap<Id, u64, Keyed>,
    /// A failed look-up; the kernel cannot be told, so the round is thrown away.
    failed: RefCell<Option<io::Error>>,
}

impl Past {
    fn remember(&mut self, record: Record) {
        if let Body::Transfer(transfer) = &record.body {
            self.ids.insert(transfer.id, record.seq);
        }
        self.recent.push_back(record);
    }

    /// Lets go of what the index holds by now.
    fn forget_indexed(&mut self) {
        let indexed = self.shared.indexed();
        while self.recent.front().is_some_and(|record| record.seq < indexed) {
            if let Some(Record { body: Body::Transfer(transfer), .. }) = self.recent.pop_front() {
                self.ids.remove(&transfer.id);
            }
        }
    }

    fn record(&self, seq: u64) -> io::Result<Record> {
        let oldest = self.recent.front().map_or(u64::MAX, |record| record.seq);
        match seq.checked_sub(oldest).and_then(|place| self.recent.get(place as usize)) {
            Some(record) => Ok(*record),
            None => record::decode(seq, &self.shared.reader.entry(seq)?),
        }
    }

    /// The records that answer a command that was already done.
    fn records(&self, applied: &Applied) -> Vec<Record> {
        let all = applied.first..applied.first + u64::from(applied.records);
        all.filter_map(|seq| self.or_fail(self.record(seq))).collect()
    }

    fn or_fail<T>(&self, result: io::Result<T>) -> Option<T> {
        result.map_err(|error| *self.failed.borrow_mut() = Some(error)).ok()
    }

    fn look_up(&self, id: Id) -> io::Result<Option<(Transfer, u64)>> {
        let seq = match self.ids.get(&id) {
            Some(&seq) => seq,
            None => match self.shared.index.find(id)? {
                Some(seq) => seq,
                None => return Ok(None),
            },
        };
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
