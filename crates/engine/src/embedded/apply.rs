//! The applying thread: takes what waits, asks the kernel, hands over to the flush.
//!
//! It runs ahead of the disk by at most two batches. What it applied is in the index at once, for
//! itself, so that a repeated id is recognised; others see it there when it is durable. Answers wait
//! with the batch that holds what they saw.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jialing_ledger::{Applied, Body, Command, Ledger, Leg, Looked, Nanos, Record};

use crate::answer::{Outcome, SubmitError};
use crate::bulk::{BulkOutcome, Part};
use crate::embedded::past::Past;
use crate::embedded::shared::{Answered, BulkAnswered, Inbox, Job, Sentinel, Shared};
use crate::embedded::slot::{Answer, Work};
use crate::index::discard_bad;

/// How often a hold's expiry is looked at while idle: the clock may be moved from outside.
const EXPIRY_LOOK: Duration = Duration::from_millis(50);

/// When to ask again for what lies in cold storage that is away.
const COLD_RETRY_MS: u32 = 5000;

/// Most lapsed holds in one frame with commands.
const MAX_LAPSED: usize = 1024;

/// Full tails of the index that may wait to be written before the writer waits for that.
const MAX_BACKLOG: usize = 4;

/// Legs whose accounts are looked at ahead, together.
const AHEAD: usize = 64;

/// Runs until closed or stopped.
pub(crate) fn run(shared: Arc<Shared>, ledger: Ledger) {
    let _sentinel = Sentinel { shared: shared.clone(), thread: "applying" };
    let past = Past::new(shared.clone(), ledger.next_seq());
    let mut applying = Applying {
        shared,
        ledger,
        past,
        out: Vec::new(),
        answers: Vec::new(),
        commands: 0,
        counts: Counts::default(),
    };
    while let Some(jobs) = applying.next_jobs() {
        if !applying.round(jobs) {
            return;
        }
    }
    applying.shared.slot.close();
}

/// What came of the commands of a round.
#[derive(Default)]
struct Counts {
    done: u64,
    refused: u64,
    already: u64,
}

struct Applying {
    shared: Arc<Shared>,
    ledger: Ledger,
    past: Past,
    out: Vec<Record>,
    answers: Vec<Answer>,
    commands: usize,
    counts: Counts,
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
        let index = &self.shared.index;
        if index.waiting() > MAX_BACKLOG {
            // All that was applied has been handed over, so it will be durable and then written.
            drop(self.shared.keep.wait(|keep| keep.closing || index.waiting() <= MAX_BACKLOG));
        }
        self.past.refresh();
        let at = self.shared.now().max(self.ledger.now());
        if !self.lapse(at) {
            return false;
        }
        for job in jobs {
            match job {
                Job::One(command, reply) => {
                    let answered = self.apply(&command, at);
                    self.answers.push(Answer::One(answered, reply));
                }
                Job::Many(commands, reply) => {
                    let answered = commands.iter().map(|command| self.apply(command, at)).collect();
                    self.answers.push(Answer::Many(answered, reply));
                }
                Job::Bulk(part, reply) => {
                    let outcomes = self.apply_part(&part, at);
                    self.answers.push(Answer::Bulk(outcomes, reply));
                }
                Job::Read(read) => {
                    let release = read(&self.ledger, at);
                    self.answers.push(Answer::Read(release));
                }
            }
            if let Some(error) = self.past.failure() {
                discard_bad(&*self.shared.disk, &error);
                self.shared.fail(&format!("a transfer could not be looked up: {error}"));
                return false;
            }
        }
        let figures = &self.shared.figures;
        let Counts { done, refused, already } = std::mem::take(&mut self.counts);
        for (counter, more) in
            [(&figures.done, done), (&figures.refused, refused), (&figures.already, already)]
        {
            counter.fetch_add(more, Ordering::Relaxed);
        }
        figures.accounts.store(self.ledger.accounts().len() as u64, Ordering::Relaxed);
        self.hand_over()
    }

    fn apply(&mut self, command: &Command, at: Nanos) -> Answered {
        self.commands += 1;
        if self.past.has_failed() {
            // The round is thrown away.
            return Err(self.shared.gone().into());
        }
        let applied = self.ledger.apply(command, at, &self.past, &mut self.out);
        self.put_off()?;
        let applied = self.count(applied).map_err(SubmitError::Refused)?;
        let mut records = if applied.already { self.past.records(&applied) } else { self.out.clone() };
        self.put_off()?;
        self.keep_written();
        records.retain(|record| !matches!(record.body, Body::Terms { .. }));
        let first = records.first().map_or(applied.first, |record| record.seq);
        Ok(Outcome { first, records, already: applied.already })
    }

    /// An error when the answer lies in cold storage that is away and nothing was written: the same
    /// command can be sent again, as when the queue is full.
    fn put_off(&self) -> Result<(), SubmitError> {
        if self.out.is_empty() && self.past.was_away() {
            return Err(SubmitError::Overloaded { retry_after_ms: COLD_RETRY_MS });
        }
        Ok(())
    }

    fn apply_part(&mut self, part: &Part, at: Nanos) -> BulkAnswered {
        let (groups, mut legs) = part.groups_and_legs();
        self.commands += groups.len();
        let mut outcomes = Vec::with_capacity(groups.len());
        // What was looked at ahead, and how many legs of that are done.
        let (mut looked, mut used) = (Vec::with_capacity(AHEAD), 0);
        for &count in groups {
            let (group, rest) = legs.split_at(usize::from(count));
            if used + group.len() > looked.len() {
                let ahead = &legs[..legs.len().min(AHEAD.max(group.len()))];
                self.ledger.look_ahead(ahead, &mut looked);
                self.past.warm(ahead);
                used = 0;
            }
            let found = &looked[used..used + group.len()];
            used += group.len();
            legs = rest;
            // What was done before stays done; asked again it is answered as such.
            self.apply_group(group, found, at, &mut outcomes)?;
            if self.past.has_failed() {
                // The round is thrown away.
                break;
            }
        }
        Ok(outcomes)
    }

    /// Carries out one group, and puts its outcome to the others.
    fn apply_group(
        &mut self,
        group: &[Leg],
        looked: &[Looked],
        at: Nanos,
        outcomes: &mut Vec<BulkOutcome>,
    ) -> Result<(), SubmitError> {
        let applied = self.ledger.apply_legs(group, looked, at, &self.past, &mut self.out);
        self.put_off()?;
        let applied = match self.count(applied) {
            Ok(applied) => applied,
            Err(refusal) => {
                outcomes.push(BulkOutcome::Refused(refusal));
                return Ok(());
            }
        };
        let first = if applied.already {
            let first = self.past.first_transfer(&applied);
            self.put_off()?;
            first
        } else {
            applied.first + u64::from(matches!(self.out[0].body, Body::Terms { .. }))
        };
        self.keep_written();
        outcomes.push(BulkOutcome::Done { first, already: applied.already });
        Ok(())
    }

    fn count<E>(&mut self, applied: Result<Applied, E>) -> Result<Applied, E> {
        match &applied {
            Ok(applied) if applied.already => self.counts.already += 1,
            Ok(_) => self.counts.done += 1,
            Err(_) => self.counts.refused += 1,
        }
        applied
    }

    /// Moves what the kernel wrote into the batch, and remembers it.
    fn keep_written(&mut self) {
        self.out.drain(..).for_each(|record| self.past.remember(&record));
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
        let work = Work {
            batch: self.past.take_batch(),
            time: self.ledger.now(),
            answers: std::mem::take(&mut self.answers),
            commands: std::mem::take(&mut self.commands),
        };
        match self.shared.slot.put(work) {
            Some(batch) => {
                self.past.give_batch(batch);
                true
            }
            None => false,
        }
    }
}
