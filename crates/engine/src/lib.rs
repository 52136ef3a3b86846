//! Runs the ledger durably.
//!
//! An [`Engine`] takes commands, lets the kernel decide, writes the decision to the journal, and
//! answers only once that is flushed. Submissions from many tasks form batches inside; a batch is
//! one flush. Every command is its own all-or-nothing. Nothing above this crate knows which engine
//! runs; today it is the embedded one (journal files and the state in memory).
//!
//! Ordering: answers and reads are linearizable. A read started after a submission returned sees it,
//! and no read sees what could still be lost. Cloning an [`Engine`] is cheap; all clones are one.
//!
//! Reading order: [`Engine`], [`Config`], `embedded` (the threads), `index` (look-ups and history),
//! `snapshot`, [`audit`] (the offline check of everything), [`look`] (reading a folder from outside),
//! [`backup`] and [`cold`] (its files elsewhere).

mod answer;
pub mod audit;
pub mod backup;
mod bulk;
pub mod cold;
mod config;
mod embedded;
mod files;
mod index;
pub mod look;
mod record;
mod snapshot;

use std::sync::Arc;

use embedded::Embedded;
use jialing_ledger::{
    Account, Allowance, Command, Hold, Id, Ledger, Meter, Nanos, PolicyVersion, Record, Totals,
};
use tokio::sync::watch;

pub use answer::{
    Checkpoint, Hash, OpenError, Opened, Outcome, ReadError, Receipt, Stats, Stopped, SubmitError,
};
pub use bulk::{Bulk, BulkOutcome};
pub use config::{Config, KeySource, MAX_ACCOUNTS_AT_ONCE, MAX_BATCH, TimeSource};
pub use files::FilesError;

/// A running ledger.
#[derive(Clone)]
pub struct Engine {
    kind: Arc<Embedded>,
}

impl Engine {
    /// Opens or makes the log in `config.dir`, recovers it, and starts the writer.
    ///
    /// Blocks while it recovers: call it before the runtime serves, or from a blocking task.
    ///
    /// # Errors
    /// See [`OpenError`]; nothing was changed on disk unless a torn tail was cut.
    pub fn open(config: Config) -> Result<(Self, Opened), OpenError> {
        let (embedded, opened) = Embedded::open(config)?;
        Ok((Self { kind: Arc::new(embedded) }, opened))
    }

    /// Carries out `command`; returns when its records are durable.
    ///
    /// Sending the same command again is safe: it is then already done, with the first result.
    ///
    /// # Errors
    /// See [`SubmitError`].
    pub async fn submit(&self, command: Command) -> Result<Outcome, SubmitError> {
        self.kind.submit(command).await
    }

    /// Carries out many commands in order, in as few flushes as possible. Each stands for itself:
    /// one that is refused does not stop the next. The answers are in the order of the commands.
    pub async fn submit_all(&self, commands: Vec<Command>) -> Vec<Result<Outcome, SubmitError>> {
        self.kind.submit_all(commands).await
    }

    /// Carries out many groups of legs in order, in as few flushes as possible; returns when all of
    /// them are durable. Each group stands for itself, as in [`Engine::submit_all`]. There is one
    /// outcome for each group, in order.
    ///
    /// # Errors
    /// [`SubmitError::Refused`] with [`jialing_ledger::Why::LegCount`] when the groups do not add up
    /// to the legs: nothing was done. Otherwise see [`SubmitError`]; a group's own refusal is in its
    /// outcome.
    pub async fn submit_bulk(&self, bulk: Bulk) -> Result<Vec<BulkOutcome>, SubmitError> {
        self.kind.submit_bulk(bulk).await
    }

    /// An account's durable state.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn account(&self, id: Id) -> Result<Option<Account>, Stopped> {
        self.kind.look(move |ledger, _| ledger.account(id)).await
    }

    /// Many accounts' durable state, in the order asked: up to [`MAX_ACCOUNTS_AT_ONCE`] of them at one
    /// instant. A longer list is read in pages of that many, each at an instant of its own, so that
    /// no question holds up the payments behind it.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn accounts(&self, ids: &[Id]) -> Result<Vec<Option<Account>>, Stopped> {
        let mut found = Vec::with_capacity(ids.len());
        loop {
            let rest = &ids[found.len()..];
            let page = rest[..rest.len().min(MAX_ACCOUNTS_AT_ONCE)].to_vec();
            let look = move |ledger: &Ledger, _| page.iter().map(|&id| ledger.account(id)).collect();
            let seen: Vec<Option<Account>> = self.kind.look(look).await?;
            found.extend(seen);
            if found.len() == ids.len() {
                return Ok(found);
            }
        }
    }

    /// A meter's state as last charged; figures of a past day or year are not yet set back.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn meter(&self, id: Id) -> Result<Option<Meter>, Stopped> {
        self.kind.look(move |ledger, _| ledger.meter(id)).await
    }

    /// What a meter still allows now. `None` for no such meter.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn allowance(&self, meter: Id) -> Result<Option<Allowance>, Stopped> {
        self.kind.look(move |ledger, at| ledger.allowance(meter, at)).await
    }

    /// All policy versions, by policy and version.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn policies(&self) -> Result<Vec<PolicyVersion>, Stopped> {
        self.kind.look(|ledger, _| ledger.policies().collect()).await
    }

    /// An open hold; `None` when there never was one, or it was posted, voided or has lapsed.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn hold(&self, id: Id) -> Result<Option<Hold>, Stopped> {
        self.kind.look(move |ledger, _| ledger.hold(id)).await
    }

    /// The money supply of every currency and liability holder at one instant, in the order of their
    /// first accounts.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn totals(&self) -> Result<Vec<Totals>, Stopped> {
        self.kind.look(|ledger, _| ledger.totals_all().collect()).await
    }

    /// The transfer record with this id.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn transfer(&self, id: Id) -> Result<Option<Record>, ReadError> {
        self.kind.transfer(id).await
    }

    /// Transfer records that name `account` as debit or credit, newest first: those with a sequence
    /// number below `before` (all when `None`), at most `limit`. To go on, pass the last one's number.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn history(
        &self,
        account: Id,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Record>, ReadError> {
        self.kind.history(account, before, limit).await
    }

    /// Durable records of all kinds in order, from sequence number `from`, at most `limit`; empty
    /// when there are none yet.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn feed(&self, from: u64, limit: usize) -> Result<Vec<Record>, ReadError> {
        self.kind.feed(from, limit).await
    }

    /// The number of durable records with a time before `time`, which is also the place of the first
    /// record at or after it. Reads about one record for each doubling of the log.
    ///
    /// More may still come for a time that is not before [`Engine::now`].
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn records_before(&self, time: Nanos) -> Result<u64, ReadError> {
        self.kind.records_before(time).await
    }

    /// Durable record `seq`.
    ///
    /// # Errors
    /// [`ReadError::Beyond`] when there is none yet.
    pub async fn record(&self, seq: u64) -> Result<Record, ReadError> {
        self.kind.record(seq).await
    }

    /// The number of durable records. A follower reads [`Engine::feed`] until it has them all, then
    /// waits for a change. The sender goes away when the engine stops.
    #[must_use]
    pub fn durable(&self) -> watch::Receiver<u64> {
        self.kind.durable()
    }

    /// The newest signed checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        self.kind.checkpoint()
    }

    /// The oldest signed checkpoint on disk that covers at least `size` records, if any.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn checkpoint_covering(&self, size: u64) -> Result<Option<Checkpoint>, ReadError> {
        self.kind.checkpoint_covering(size).await
    }

    /// RFC 6962 inclusion path of record `seq` in the tree of the first `size` records.
    ///
    /// # Errors
    /// [`ReadError::Beyond`] unless `seq < size` and `size` is durable.
    pub async fn inclusion(&self, seq: u64, size: u64) -> Result<Vec<Hash>, ReadError> {
        self.kind.inclusion(seq, size).await
    }

    /// RFC 6962 consistency proof from the tree of `old` records to that of `new`.
    ///
    /// # Errors
    /// [`ReadError::Beyond`] unless `old <= new` and `new` is durable.
    pub async fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, ReadError> {
        self.kind.consistency(old, new).await
    }

    /// Record `seq` with a signed checkpoint that covers it and the path between them. When the
    /// newest checkpoint does not cover it yet, one is signed at once.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn receipt(&self, seq: u64) -> Result<Receipt, ReadError> {
        self.kind.receipt(seq).await
    }

    /// A C2SP `tlog-tiles` hash tile: `width` hashes of 32 bytes (1 to 256) at `level`, tile `index`.
    ///
    /// # Errors
    /// [`ReadError::Beyond`] when the newest checkpoint does not cover the tile.
    pub async fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, ReadError> {
        self.kind.tile(level, index, width).await
    }

    /// A C2SP `tlog-tiles` entry bundle: `width` records (1 to 256), each preceded by its length as
    /// two big-endian bytes.
    ///
    /// # Errors
    /// [`ReadError::Beyond`] when the newest checkpoint does not cover the bundle.
    pub async fn entries(&self, index: u64, width: u16) -> Result<Vec<u8>, ReadError> {
        self.kind.entries(index, width).await
    }

    /// The log's name in its checkpoints.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.kind.genesis().key.origin
    }

    /// What the tree is hashed with and checkpoints are signed with.
    #[must_use]
    pub fn suite(&self) -> jialing_journal::Suite {
        self.kind.genesis().suite()
    }

    /// The public key that checkpoints verify under.
    #[must_use]
    pub fn public_key(&self) -> jialing_journal::PublicKey {
        self.kind.genesis().key.public
    }

    /// The same as a C2SP note verifier key: `<origin>+<hash>+<base64>`.
    #[must_use]
    pub fn verifier_key(&self) -> String {
        self.kind.genesis().key.to_string()
    }

    /// The ledger's present time: the clock's, never before the last durable record's.
    #[must_use]
    pub fn now(&self) -> Nanos {
        self.kind.now()
    }

    /// Figures since the start.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.kind.stats()
    }

    /// Finishes what waits, flushes, signs a last checkpoint and stops. Afterwards every call
    /// answers [`Stopped`]. Dropping the last clone does the same without waiting.
    pub async fn shutdown(&self) {
        self.kind.shutdown().await
    }

    /// Waits until the engine has stopped, and says why: after [`Engine::shutdown`], or for good
    /// because the disk failed. The process should then end; a restart recovers. To open the folder
    /// again in the same process, wait for [`Engine::shutdown`] too.
    pub async fn stopped(&self) -> Stopped {
        self.kind.stopped().await
    }
}
