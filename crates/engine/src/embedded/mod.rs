//! The embedded engine: one journal, the state in memory, five threads.
//!
//! ```text
//!  callers ─► inbox ─► applying ─► slot ─► flushing ─► answers
//!                   (kernel, index)        (journal) ├─► signing (checkpoints)
//!                                                    └─► keeping (index files) ─► tidying (merges, snapshots)
//! ```
//!
//! Look-ups of what is durable go to the journal's reader and the index, from any thread.

mod apply;
mod asof;
mod figures;
mod flush;
mod keep;
mod open;
mod past;
mod shared;
mod sign;
mod slot;

use std::sync::Arc;

use jialing_journal::{Checkpoint, proof};
use jialing_ledger::{Command, Id, Ledger, Nanos, RECORD_LEN, Record};
use tokio::sync::{oneshot, watch};

use crate::answer::{self, Hash, OpenError, Opened, ReadError, Receipt, Stats, Stopped, SubmitError};
use crate::bulk::{Bulk, BulkOutcome, Part};
use crate::config::Config;
use crate::index::discard_bad;
use crate::record;
use shared::{Answered, Job, Shared};

/// What all clones of an engine hold. When the last one goes, the engine closes.
pub(crate) struct Embedded {
    shared: Arc<Shared>,
    ended: watch::Receiver<bool>,
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.close();
    }
}

impl Embedded {
    pub(crate) fn open(config: Config) -> Result<(Self, Opened), OpenError> {
        open::open(config)
    }

    fn close(&self) {
        self.shared.inbox.change(|inbox| inbox.closing = true);
    }

    pub(crate) async fn shutdown(&self) {
        self.close();
        let mut ended = self.ended.clone();
        // An error means that the supervising thread is gone, and with it all others.
        let _ = ended.wait_for(|ended| *ended).await;
    }

    pub(crate) async fn stopped(&self) -> Stopped {
        self.shared.until_stopped().await
    }

    /// Puts a job in the queue.
    fn enqueue(&self, jobs: Vec<Job>) -> Result<(), SubmitError> {
        self.shared.running()?;
        let commands: usize = jobs.iter().map(Job::commands).sum();
        let config = &self.shared.config;
        self.shared.inbox.change(|inbox| {
            if inbox.closing {
                return Err(SubmitError::Stopped(Stopped("it is being shut down".into())));
            }
            // A submission larger than the queue is taken when nothing waits, or it never could be.
            if inbox.commands > 0 && commands > 0 && inbox.commands + commands > config.queue {
                let batches = inbox.commands / config.max_batch;
                return Err(SubmitError::Overloaded { retry_after_ms: self.shared.figures.wait_ms(batches) });
            }
            inbox.commands += commands;
            inbox.jobs.extend(jobs);
            Ok(())
        })
    }

    pub(crate) async fn submit(&self, command: Command) -> Answered {
        let (reply, answer) = oneshot::channel();
        self.enqueue(vec![Job::One(command, reply)])?;
        answer.await.unwrap_or_else(|_| Err(self.shared.gone().into()))
    }

    pub(crate) async fn submit_all(&self, commands: Vec<Command>) -> Vec<Answered> {
        let total = commands.len();
        let (mut jobs, mut parts) = (Vec::new(), Vec::new());
        let mut commands = commands.into_iter();
        while commands.len() > 0 {
            let part: Vec<Command> = commands.by_ref().take(self.shared.config.max_batch).collect();
            let (reply, answer) = oneshot::channel();
            parts.push((part.len(), answer));
            jobs.push(Job::Many(part, reply));
        }
        if let Err(error) = self.enqueue(jobs) {
            return vec![Err(error); total];
        }
        let mut answers = Vec::with_capacity(total);
        for (count, answer) in parts {
            match answer.await {
                Ok(part) => answers.extend(part),
                Err(_) => answers.extend(vec![Err(SubmitError::Stopped(self.shared.gone())); count]),
            }
        }
        answers
    }

    pub(crate) async fn submit_bulk(&self, bulk: Bulk) -> Result<Vec<BulkOutcome>, SubmitError> {
        let total = bulk.groups.len();
        let parts = Part::parts(bulk, self.shared.config.max_batch)?;
        let (jobs, answers): (Vec<_>, Vec<_>) = parts
            .into_iter()
            .map(|part| {
                let (reply, answer) = oneshot::channel();
                (Job::Bulk(part, reply), answer)
            })
            .unzip();
        self.enqueue(jobs)?;
        let mut outcomes = Vec::new();
        for answer in answers {
            let part = answer.await.map_err(|_| self.shared.gone())??;
            if outcomes.is_empty() {
                // Mostly the only part.
                outcomes = part;
                outcomes.reserve(total - outcomes.len());
            } else {
                outcomes.extend(part);
            }
        }
        Ok(outcomes)
    }

    /// Looks at the state in order with the submissions; the answer comes once what it saw is durable.
    pub(crate) async fn look<R: Send + 'static>(
        &self,
        look: impl FnOnce(&Ledger, Nanos) -> R + Send + 'static,
    ) -> Result<R, Stopped> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Read(Box::new(move |ledger, at| {
            let seen = look(ledger, at);
            Box::new(move || drop(reply.send(seen)))
        }));
        // A look is no command, so the queue is never too full for it.
        if let Err(SubmitError::Stopped(stopped)) = self.enqueue(vec![job]) {
            return Err(stopped);
        }
        answer.await.map_err(|_| self.shared.gone())
    }

    /// Reads files away from the callers' threads.
    async fn read<R: Send + 'static>(
        &self,
        read: impl FnOnce(&Shared) -> std::io::Result<R> + Send + 'static,
    ) -> Result<R, ReadError> {
        self.shared.running()?;
        let shared = self.shared.clone();
        let read = tokio::task::spawn_blocking(move || {
            read(&shared).map_err(|error| {
                discard_bad(&*shared.disk, &error);
                ReadError::Io(error.to_string())
            })
        });
        read.await.unwrap_or_else(|error| Err(ReadError::Io(error.to_string())))
    }

    pub(crate) async fn transfer(&self, id: Id) -> Result<Option<Record>, ReadError> {
        self.read(move |shared| match shared.index.find(id, shared.indexed())? {
            Some(seq) => record::decode(seq, &shared.reader.entry(seq)?).map(Some),
            None => Ok(None),
        })
        .await
    }

    pub(crate) async fn history(
        &self,
        account: Id,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Record>, ReadError> {
        self.read(move |shared| {
            let before = before.unwrap_or(u64::MAX).min(shared.indexed());
            let found = shared.index.history(account, before, limit)?;
            found.into_iter().map(|seq| record::decode(seq, &shared.reader.entry(seq)?)).collect()
        })
        .await
    }

    pub(crate) async fn feed(&self, from: u64, limit: usize) -> Result<Vec<Record>, ReadError> {
        self.read(move |shared| {
            // Not beyond what look-ups know, so that a follower may look up what it was fed.
            let left = shared.indexed().saturating_sub(from);
            let limit = usize::try_from(left).map_or(limit, |left| left.min(limit));
            let entries = shared.reader.entries(from, limit)?;
            (from..).zip(&entries).map(|(seq, entry)| record::decode(seq, entry)).collect()
        })
        .await
    }

    pub(crate) fn durable(&self) -> watch::Receiver<u64> {
        self.shared.durable()
    }

    pub(crate) fn checkpoint(&self) -> answer::Checkpoint {
        self.present(&self.shared.checkpoint.borrow())
    }

    fn present(&self, checkpoint: &Checkpoint) -> answer::Checkpoint {
        let key = &self.shared.genesis.key;
        answer::Checkpoint {
            origin: key.origin.clone(),
            size: checkpoint.size,
            root: checkpoint.root,
            time: checkpoint.time,
            note: checkpoint.note(key),
            signature: checkpoint.signature,
        }
    }

    pub(crate) async fn checkpoint_covering(
        &self,
        size: u64,
    ) -> Result<Option<answer::Checkpoint>, ReadError> {
        let found = self
            .read(move |shared| jialing_journal::Checkpoints::look(&*shared.disk)?.covering(size))
            .await?;
        Ok(found.map(|checkpoint| self.present(&checkpoint)))
    }

    /// An error unless `asked` lies within the durable records.
    fn within(&self, asked: u64, fits: bool) -> Result<(), ReadError> {
        let durable = self.shared.indexed();
        if fits && asked <= durable { Ok(()) } else { Err(ReadError::Beyond { asked, durable }) }
    }

    pub(crate) async fn inclusion(&self, seq: u64, size: u64) -> Result<Vec<Hash>, ReadError> {
        self.within(size, true)?;
        self.within(seq, seq < size)?;
        self.read(move |shared| shared.reader.inclusion(seq, size)).await
    }

    pub(crate) async fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, ReadError> {
        self.within(new, true)?;
        self.within(old, old <= new)?;
        self.read(move |shared| shared.reader.consistency(old, new)).await
    }

    pub(crate) async fn receipt(&self, seq: u64) -> Result<Receipt, ReadError> {
        self.shared.running()?;
        self.within(seq, seq < self.shared.indexed())?;
        let mut checkpoints = self.shared.checkpoint.subscribe();
        self.shared.head.change(|head| head.wanted = head.wanted.max(seq + 1));
        // Two things end the wait: the checkpoint, or the engine.
        let covering = tokio::select! {
            covering = checkpoints.wait_for(|checkpoint| checkpoint.size > seq) => covering.map(|found| *found).ok(),
            _ = self.stopped() => None,
        };
        let checkpoint = covering.ok_or_else(|| self.shared.gone())?;
        let (record, path): ([u8; RECORD_LEN], _) = self
            .read(move |shared| {
                let (record, size) = (shared.reader.entry(seq)?, checkpoint.size);
                let path = shared.reader.inclusion(seq, size)?;
                // Hash files that were damaged since must not become somebody's evidence.
                let suite = shared.reader.suite();
                if proof::includes(suite, &suite.leaf(&record), seq, size, &path, &checkpoint.root) {
                    Ok((record, path))
                } else {
                    let what = format!("tree/ is damaged near record {seq}: remove tree/mark and restart");
                    Err(std::io::Error::new(std::io::ErrorKind::InvalidData, what))
                }
            })
            .await?;
        Ok(Receipt { record, index: seq, checkpoint: self.present(&checkpoint), path })
    }

    pub(crate) async fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, ReadError> {
        self.covered(u32::from(level), index, width)?;
        self.read(move |shared| shared.reader.tile(level, index, width)).await
    }

    pub(crate) async fn entries(&self, index: u64, width: u16) -> Result<Vec<u8>, ReadError> {
        self.covered(0, index, width)?;
        self.read(move |shared| {
            let entries = shared.reader.entries(index * 256, usize::from(width))?;
            let length = (RECORD_LEN as u16).to_be_bytes();
            Ok(entries.iter().flat_map(|entry| length.into_iter().chain(*entry)).collect())
        })
        .await
    }

    /// An error unless the newest checkpoint's tree has these hashes of a level.
    fn covered(&self, level: u32, index: u64, width: u16) -> Result<(), ReadError> {
        let size = self.shared.checkpoint.borrow().size;
        let hashes = if level < 8 { size >> (8 * level) } else { 0 };
        let end = index.checked_mul(256).and_then(|first| first.checked_add(u64::from(width)));
        let fits = (1..=256).contains(&width) && end.is_some_and(|end| end <= hashes);
        if fits { Ok(()) } else { Err(ReadError::Beyond { asked: end.unwrap_or(u64::MAX), durable: hashes }) }
    }

    pub(crate) fn genesis(&self) -> &jialing_journal::Genesis {
        &self.shared.genesis
    }

    pub(crate) fn now(&self) -> Nanos {
        self.shared.now()
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            records: self.shared.indexed(),
            queued: self.shared.inbox.hold().commands as u64,
            bytes: self.bytes(),
            ..self.shared.figures.stats()
        }
    }

    /// Bytes of all files; those that vanish meanwhile do not count.
    fn bytes(&self) -> u64 {
        let disk = &self.shared.disk;
        let size = |path: String| disk.open(&path, false).and_then(|file| file.size()).unwrap_or(0);
        let inside = |folder: &str| {
            let names = disk.list(folder).unwrap_or_default();
            names.into_iter().map(|name| size(format!("{folder}/{name}"))).sum::<u64>()
        };
        ["segments", "tree", "index", "snapshots"].into_iter().map(inside).sum::<u64>()
            + size("checkpoints".to_owned())
    }
}
