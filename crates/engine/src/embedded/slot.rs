//! Between applying and flushing: one place for one batch.
//!
//! While a batch is flushed, the next one grows here; the flushing thread takes it whole. So batches
//! are as small as the load allows and as large as the disk demands. When the place is full, the
//! applying thread waits: that is the back-pressure.

use jialing_journal::Batch;
use jialing_journal::format::MAX_FRAME_ENTRIES;
use jialing_ledger::{MAX_LEGS, Record};
use tokio::sync::oneshot;

use crate::config::MAX_BATCH;
use crate::embedded::shared::{Answered, Bell, Release};

/// An answer that waits until what it saw is durable.
pub(crate) enum Answer {
    One(Answered, oneshot::Sender<Answered>),
    Many(Vec<Answered>, oneshot::Sender<Vec<Answered>>),
    Read(Release),
}

impl Answer {
    /// Sends it. Whoever asked may have gone; that is their affair.
    pub(crate) fn send(self) {
        match self {
            Self::One(answered, reply) => drop(reply.send(answered)),
            Self::Many(answered, reply) => drop(reply.send(answered)),
            Self::Read(release) => release(),
        }
    }
}

/// What is flushed together.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) batch: Batch,
    pub(crate) records: Vec<Record>,
    pub(crate) answers: Vec<Answer>,
    /// Commands in it.
    pub(crate) commands: usize,
}

impl Work {
    fn is_idle(&self) -> bool {
        self.records.is_empty() && self.answers.is_empty()
    }

    fn absorb(&mut self, other: Self) {
        if self.is_idle() {
            *self = other;
            return;
        }
        self.batch.append(&other.batch);
        self.records.extend(other.records);
        self.answers.extend(other.answers);
        self.commands += other.commands;
    }
}

#[derive(Default)]
struct State {
    work: Work,
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
    pub(crate) fn new(max_commands: usize) -> Self {
        Self { state: Bell::default(), max_commands }
    }

    /// Puts work in, waiting for room. `false` when the engine stopped.
    pub(crate) fn put(&self, work: Work) -> bool {
        let fits = |state: &State| {
            state.work.is_idle()
                || (state.work.commands + work.commands <= self.max_commands
                    && state.work.records.len() + work.records.len() <= MAX_RECORDS)
        };
        drop(self.state.wait(|state| state.abandoned || fits(state)));
        self.state.change(|state| {
            if !state.abandoned {
                state.work.absorb(work);
            }
            !state.abandoned
        })
    }

    /// Takes what is there, waiting for some. `None` when nothing will come any more.
    pub(crate) fn take(&self) -> Option<Work> {
        drop(self.state.wait(|state| state.abandoned || state.closing || !state.work.is_idle()));
        self.state.change(|state| {
            let work = std::mem::take(&mut state.work);
            (!state.abandoned && !work.is_idle()).then_some(work)
        })
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
