//! What the engine's threads and its callers share, and how all of it stops.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jialing_journal::disk::Disk;
use jialing_journal::{Checkpoint, Genesis, Reader};
use jialing_ledger::{Command, Ledger, Nanos};
use tokio::sync::{oneshot, watch};

use crate::answer::{Outcome, Stopped, SubmitError};
use crate::bulk::{BulkOutcome, Part};
use crate::config::Config;
use crate::embedded::figures::Figures;
use crate::embedded::slot::Slot;
use crate::index::Index;

/// The answer to one command.
pub(crate) type Answered = Result<Outcome, SubmitError>;

/// The answers to the groups of one part.
pub(crate) type BulkAnswered = Result<Vec<BulkOutcome>, SubmitError>;

/// Sends an answer that was found earlier, now that what it saw is durable.
pub(crate) type Release = Box<dyn FnOnce() + Send>;

/// A look at the state at an instant; gives what sends the answer.
pub(crate) type Look = Box<dyn FnOnce(&Ledger, Nanos) -> Release + Send>;

/// One thing that waits for the applying thread.
pub(crate) enum Job {
    /// One command.
    One(Command, oneshot::Sender<Answered>),
    /// Several, answered together.
    Many(Vec<Command>, oneshot::Sender<Vec<Answered>>),
    /// Groups of legs, answered together.
    Bulk(Part, oneshot::Sender<BulkAnswered>),
    /// A look at the state.
    Read(Look),
}

impl Job {
    pub(crate) fn commands(&self) -> usize {
        match self {
            Self::One(..) => 1,
            Self::Many(commands, _) => commands.len(),
            Self::Bulk(part, _) => part.groups.len(),
            Self::Read(_) => 0,
        }
    }
}

/// What waits for the applying thread.
#[derive(Default)]
pub(crate) struct Inbox {
    pub(crate) jobs: VecDeque<Job>,
    pub(crate) commands: usize,
    pub(crate) closing: bool,
}

/// What the signing thread is told.
#[derive(Default)]
pub(crate) struct Head {
    pub(crate) size: u64,
    pub(crate) root: [u8; 32],
    /// A checkpoint of at least this size is wanted at once; 0 when none is.
    pub(crate) wanted: u64,
    /// The signing thread has signed all there is, and waits for more.
    pub(crate) idle: bool,
    pub(crate) closing: bool,
}

/// What the keeping and the tidying thread are told.
#[derive(Default)]
pub(crate) struct Keep {
    /// Grows with every sealed segment, and with every part of the index that is ready to be written.
    pub(crate) turns: u64,
    /// The newest of these turns after which all that was ready is written.
    pub(crate) written: u64,
    pub(crate) closing: bool,
}

/// A value under a lock, with a bell. The bell is rung only when somebody waits for it: ringing costs
/// a call into the system each time.
#[derive(Default)]
pub(crate) struct Bell<T> {
    value: Mutex<T>,
    rung: Condvar,
    /// How many wait; changed under the lock only.
    waiting: AtomicUsize,
}

impl<T> Bell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { value: Mutex::new(value), rung: Condvar::new(), waiting: AtomicUsize::new(0) }
    }

    pub(crate) fn hold(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the value and wakes all who wait.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let mut held = self.hold();
        let result = change(&mut held);
        let waiting = self.waiting.load(Ordering::Relaxed);
        drop(held);
        if waiting > 0 {
            self.rung.notify_all();
        }
        result
    }

    /// Changes the value, and wakes those who wait only if the change says so.
    pub(crate) fn change_and_maybe_ring(&self, change: impl FnOnce(&mut T) -> bool) {
        if change(&mut self.hold()) {
            self.rung.notify_all();
        }
    }

    /// Waits until `ready`.
    pub(crate) fn wait<'a>(&'a self, mut ready: impl FnMut(&mut T) -> bool) -> MutexGuard<'a, T> {
        let mut held = self.hold();
        if !ready(&mut held) {
            self.waiting.fetch_add(1, Ordering::Relaxed);
            held = self.rung.wait_while(held, |value| !ready(value)).unwrap_or_else(PoisonError::into_inner);
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        held
    }

    /// Waits until `ready`, but no longer than `most`.
    pub(crate) fn wait_for<'a>(
        &'a self,
        most: Duration,
        mut ready: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        let mut held = self.hold();
        if !ready(&mut held) {
            self.waiting.fetch_add(1, Ordering::Relaxed);
            let waited = self.rung.wait_timeout_while(held, most, |value| !ready(value));
            held = waited.unwrap_or_else(PoisonError::into_inner).0;
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        held
    }
}

/// Shared by the threads and all clones of the engine.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) genesis: Genesis,
    pub(crate) reader: Reader,
    pub(crate) index: Index,
    pub(crate) inbox: Bell<Inbox>,
    pub(crate) slot: Slot,
    pub(crate) head: Bell<Head>,
    pub(crate) keep: Bell<Keep>,
    pub(crate) checkpoint: watch::Sender<Checkpoint>,
    pub(crate) figures: Figures,
    /// Number of durable records that are also indexed; gone when the engine stopped.
    durable: Mutex<Option<watch::Sender<u64>>>,
    /// The same number, for the applying thread.
    indexed: AtomicU64,
    /// Time of the newest durable record.
    last_time: AtomicU64,
    stopped: OnceLock<Arc<str>>,
    stopping: watch::Sender<bool>,
}

impl Shared {
    #[expect(clippy::too_many_arguments, reason = "called once; each is one part")]
    pub(crate) fn new(
        config: Config,
        disk: Arc<dyn Disk>,
        genesis: Genesis,
        reader: Reader,
        index: Index,
        head: Head,
        checkpoint: Checkpoint,
        last_time: Nanos,
    ) -> Self {
        let durable = Mutex::new(Some(watch::channel(reader.durable()).0));
        let indexed = AtomicU64::new(reader.durable());
        Self {
            slot: Slot::new(config.max_batch, reader.durable()),
            config,
            disk,
            genesis,
            reader,
            index,
            inbox: Bell::default(),
            head: Bell::new(head),
            // The keeper begins with a look at what an earlier run left undone.
            keep: Bell::new(Keep { turns: 1, ..Keep::default() }),
            checkpoint: watch::channel(checkpoint).0,
            figures: Figures::default(),
            durable,
            indexed,
            last_time: AtomicU64::new(last_time),
            stopped: OnceLock::new(),
            stopping: watch::channel(false).0,
        }
    }

    /// The clock's time, never before the newest durable record's.
    pub(crate) fn now(&self) -> Nanos {
        (self.config.time)().max(self.last_time.load(Ordering::Acquire))
    }

    /// Tells everyone that more is durable.
    pub(crate) fn publish(&self, records: u64, time: Nanos) {
        self.last_time.store(time, Ordering::Release);
        self.indexed.store(records, Ordering::SeqCst);
        if let Some(durable) = self.durable.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            durable.send_replace(records);
        }
    }

    /// Records that are durable and indexed.
    pub(crate) fn indexed(&self) -> u64 {
        self.indexed.load(Ordering::SeqCst)
    }

    /// Follows the number of durable records.
    pub(crate) fn durable(&self) -> watch::Receiver<u64> {
        let durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        durable.as_ref().map_or_else(|| watch::channel(self.reader.durable()).1, watch::Sender::subscribe)
    }

    /// Why the engine stopped, if it did.
    pub(crate) fn stopped(&self) -> Option<Stopped> {
        self.stopped.get().map(|reason| Stopped(reason.clone()))
    }

    /// Waits until the engine has stopped.
    pub(crate) async fn until_stopped(&self) -> Stopped {
        let mut stopping = self.stopping.subscribe();
        // The sender lives as long as this.
        let _ = stopping.wait_for(|stopping| *stopping).await;
        self.gone()
    }

    /// Why an answer never came.
    pub(crate) fn gone(&self) -> Stopped {
        self.stopped().unwrap_or_else(|| Stopped("the answer was lost".into()))
    }

    /// An error unless the engine runs.
    pub(crate) fn running(&self) -> Result<(), Stopped> {
        self.stopped().map_or(Ok(()), Err)
    }

    /// Stops for good. Everybody who waits hears the reason; only the first reason counts.
    pub(crate) fn stop(&self, reason: &str) {
        if self.stopped.set(reason.into()).is_err() {
            return;
        }
        self.stopping.send_replace(true);
        self.slot.abandon();
        self.head.change(|head| head.closing = true);
        self.keep.change(|keep| keep.closing = true);
        // Dropping the senders wakes the receivers; they then ask for the reason.
        let waiting = self.inbox.change(|inbox| {
            inbox.closing = true;
            inbox.commands = 0;
            std::mem::take(&mut inbox.jobs)
        });
        drop(waiting);
        self.durable.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Stops because of a failure, and says so in the log.
    pub(crate) fn fail(&self, reason: &str) {
        if self.stopped.get().is_none() {
            tracing::error!(
                reason,
                "the ledger stops for good; nothing acknowledged is lost; restart to recover"
            );
        }
        self.stop(reason);
    }
}

/// Stops the engine when its thread panics.
pub(crate) struct Sentinel {
    pub(crate) shared: Arc<Shared>,
    pub(crate) thread: &'static str,
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.shared.fail(&format!("the {} thread met a defect (see the log above)", self.thread));
        }
    }
}
