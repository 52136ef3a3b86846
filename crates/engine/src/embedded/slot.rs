//! Between applying and flushing: one place for one batch.
//!
//! While a batch is flushed, the next one grows here; the flushing thread takes it whole. So batches
//! are as small as the load allows and as large as the disk demands. When the place is full, the
//! applying thread waits: that is the back-pressure. Memory of flushed batches comes back the same way.

use jialing_journal::Batch;
use jialing_journal::format::MAX_FRAME_ENTRIES;
use jialing_ledger::{MAX_LEGS, Nanos};
use tokio::sync::oneshot;

use crate::config::MAX_BATCH;
use crate::embedded::shared::{Answered, Bell, BulkAnswered, Release};

/// An answer that waits until what it saw is durable.
pub(crate) enum Answer {
    One(Answered, oneshot::Sender<Answered>),
    Many(Vec<Answered>, oneshot::Sender<Vec<Answered>>),
    Bulk(BulkAnswered, oneshot::Sender<BulkAnswered>),
    Read(Release),
}

impl Answer {
    /// Sends it. Whoever asked may have gone; that is their affair.
    pub(crate) fn send(self) {
        match self {
            Self::One(answered, reply) => drop(reply.send(answered)),
            Self::Many(answered, reply) => drop(reply.send(answered)),
            Self::Bulk(outcomes, reply) => drop(reply.send(outcomes)),
            Self::Read(release) => release(),
        }
    }
}

/// What is flushed together.
#[derive(Default)]
pub(crate) struct Work {
    /// The records.
    pub(crate) batch: Batch,
    /// Time of the last of them.
    pub(crate) time: Nanos,
    pub(crate) answers: Vec<Answer>,
    /// Commands in it.
    pub(crate) commands: usize,
}

impl Work {
    fn is_idle(&self) -> bool {
        self.batch.is_empty() && self.answers.is_empty()
    }

    /// Takes in other work, and leaves its memory.
    fn absorb(&mut self, mut other: Self) -> Batch {
        let spare = if self.batch.is_empty() {
            std::mem::replace(&mut self.batch, other.batch)
        } else {
            self.batch.append(&other.batch);
            other.batch.clear();
            other.batch
        };
        self.time = self.time.max(other.time);
        self.answers.append(&mut other.answers);
        self.commands += other.commands;
        spare
    }
}

#[derive(Default)]
struct State {
    work: Work,
    /// Memory of a flushed batch.
    spare: Option<Batch>,
    /// Records that are durable.
    durable: u64,
    closing: bool,
    abandoned: bool,
}

/// The place.
pub(crate) struct Slot {
    state: Bell<State>,
    max_commands: usize,
}

/// Most records that grow together: the largest batch's, eight legs with terms each. With what one
/// round may add, still below what the journal takes in a frame.
const MAX_RECORDS: usize = MAX_BATCH * MAX_LEGS * 2;
const _: () = assert!(MAX_RECORDS * 3 / 2 < MAX_FRAME_ENTRIES as usize);

impl Slot {
    pub(crate) fn new(max_commands: usize, durable: u64) -> Self {
        Self { state: Bell::new(State { durable, ..State::default() }), max_commands }
    }

    /// Puts work in, waiting for room, and gives memory for the next batch. `None` when the engine
    /// stopped.
    pub(crate) fn put(&self, work: Work) -> Option<Batch> {
        let fits = |state: &State| {
            state.work.is_idle()
                || (state.work.commands + work.commands <= self.max_commands
                    && state.work.batch.len() + work.batch.len() <= MAX_RECORDS)
        };
        drop(self.state.wait(|state| state.abandoned || fits(state)));
        self.state.change(|state| {
            if state.abandoned {
                return None;
            }
            let batch = state.work.absorb(work);
            Some(state.spare.take().unwrap_or(batch))
        })
    }

    /// Takes what is there, waiting for some; says how many records are durable by now, and leaves
    /// the last batch's memory. `None` when nothing will come any more.
    pub(crate) fn take(&self, durable: u64, spare: Option<Batch>) -> Option<Work> {
        self.state.change(|state| {
            state.durable = durable;
            if spare.is_some() {
                state.spare = spare;
            }
        });
        drop(self.state.wait(|state| state.abandoned || state.closing || !state.work.is_idle()));
        self.state.change(|state| {
            let work = std::mem::take(&mut state.work);
            (!state.abandoned && !work.is_idle()).then_some(work)
        })
    }

    /// Waits until record `seq`, which was put in, is durable. `false` when the engine stopped.
    pub(crate) fn until_durable(&self, seq: u64) -> bool {
        !self.state.wait(|state| state.abandoned || state.durable > seq).abandoned
    }

    /// No more work will be put in.
    pub(crate) fn close(&self) {
        self.state.change(|state| state.closing = true);
    }

    /// Throws away what is there, and everything after.
    pub(crate) fn abandon(&self) {
        let work = self.state.change(|state| {
            state.abandoned = true;
            std::mem::take(&mut state.work)
        });
        drop(work);
    }
}
