//! What must hold of a running engine, asked through its public interface and compared with the book.

use jialing_engine::{Checkpoint, Engine, ReadError, Stopped};
use jialing_journal::{Checkpoint as Signed, Suite, VerifierKey, proof};
use jialing_ledger::{Body, Ledger, Record, Remembered};

use crate::book::Book;
use crate::clients::{Clients, ISSUANCE, METERS, WALLETS};
use crate::random::Random;

/// Why a check ended early.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The engine could not answer. Right when its disk was told to fail, or was damaged.
    NoAnswer(String),
    /// It gave a proof that does not verify: whoever checks it knows, but it is of no use.
    Unproven(String),
    /// It answered, and the answer is wrong.
    Wrong(String),
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Beyond { .. } => Self::Wrong(error.to_string()),
            _ => Self::NoAnswer(error.to_string()),
        }
    }
}

impl From<Stopped> for Trouble {
    fn from(error: Stopped) -> Self {
        Self::NoAnswer(error.to_string())
    }
}

impl From<String> for Trouble {
    fn from(what: String) -> Self {
        Self::Wrong(what)
    }
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), Trouble> {
    if holds { Ok(()) } else { Err(Trouble::Wrong(what())) }
}

/// What the outside world has seen and must be able to rely on for ever.
#[derive(Default)]
pub(crate) struct Witness {
    /// The feed, as far as a follower has read it.
    pub(crate) fed: Vec<Record>,
    /// Signed checkpoints, oldest first.
    pub(crate) checkpoints: Vec<Checkpoint>,
}

impl Witness {
    /// Reads on in the feed.
    pub(crate) async fn follow(&mut self, engine: &Engine, page: usize) -> Result<(), Trouble> {
        loop {
            let more = engine.feed(self.fed.len() as u64, page).await?;
            if more.is_empty() {
                return Ok(());
            }
            self.fed.extend(more);
        }
    }

    /// Takes the newest checkpoint.
    pub(crate) fn notice(&mut self, engine: &Engine) -> Result<(), Trouble> {
        let checkpoint = engine.checkpoint();
        match self.checkpoints.last() {
            Some(last) if last == &checkpoint => return Ok(()),
            Some(last) => ensure(last.size <= checkpoint.size, || {
                format!("after a checkpoint of {} records comes one of {}", last.size, checkpoint.size)
            })?,
            None => {}
        }
        let key = VerifierKey { origin: engine.origin().to_owned(), public: engine.public_key() };
        let signed = Signed::open(&checkpoint.note, &key)?;
        ensure((signed.size, signed.root) == (checkpoint.size, checkpoint.root), || {
            format!("the note says something else than the checkpoint: {checkpoint:?}")
        })?;
        self.checkpoints.push(checkpoint);
        if self.checkpoints.len() > 24 {
            // Old ones matter as much as new ones: thin out the middle.
            self.checkpoints.remove(12);
        }
        Ok(())
    }
}

/// Everything. The clock must stand still meanwhile.
pub(crate) async fn check(
    engine: &Engine,
    clients: &Clients,
    witness: &mut Witness,
    random: &mut Random,
) -> Result<(), Trouble> {
    // A look lets what is due lapse; after it the log stands still too.
    engine.totals().await?;
    witness.notice(engine)?;
    let mut now = Witness::default();
    now.follow(engine, random.within(1, 300) as usize).await?;
    let common = now.fed.iter().zip(&witness.fed).take_while(|(now, then)| now == then).count();
    ensure(common == witness.fed.len(), || {
        format!(
            "a follower was fed {:?}, now record {common} is {:?}",
            witness.fed[common],
            now.fed.get(common)
        )
    })?;
    witness.fed = now.fed;
    let records = &witness.fed;
    let book = Book::of(records)?;
    for (&seq, record) in &clients.acknowledged {
        let found = records.get(seq as usize);
        ensure(found == Some(record), || format!("acknowledged {record:?}, now it is {found:?}"))?;
    }
    for record in records {
        if let Body::Transfer(transfer) = record.body {
            let lapse = transfer.op == jialing_ledger::Op::Expire;
            ensure(lapse || clients.explains(transfer.id), || {
                format!("nobody asked for {record:?}, or it was refused")
            })?;
        }
    }
    state(engine, records, &book).await?;
    look_ups(engine, clients, &book, random).await?;
    proofs(engine, witness, &book, random).await
}

/// The engine's state is what a fresh ledger replays, and what the book says.
async fn state(engine: &Engine, records: &[Record], book: &Book) -> Result<(), Trouble> {
    let (mut ledger, mut past) = (Ledger::new(), Remembered::new());
    for record in records {
        ledger.replay_with(record, &past).map_err(|error| format!("{error:?}: {record:?}"))?;
        past.remember(record);
    }
    ensure(!ledger.mid_group(), || "the log ends inside a group".to_owned())?;
    ledger.audit().map_err(|error| format!("the replayed state is unsound: {error}"))?;
    let ids: Vec<_> = ISSUANCE.into_iter().chain(WALLETS).collect();
    for (&id, account) in ids.iter().zip(engine.accounts(&ids).await?) {
        book.agrees(id, account)?;
        ensure(account == ledger.account(id), || format!("{account:?} replays to {:?}", ledger.account(id)))?;
    }
    for meter in METERS {
        let (seen, replayed) = (engine.meter(meter).await?, ledger.meter(meter));
        ensure(seen == replayed, || format!("{seen:?} replays to {replayed:?}"))?;
    }
    let (seen, replayed) = (engine.totals().await?, ledger.totals_all().collect::<Vec<_>>());
    ensure(seen == replayed, || format!("{seen:?} replay to {replayed:?}"))?;
    let (seen, replayed) = (engine.policies().await?, ledger.policies().collect::<Vec<_>>());
    ensure(seen == replayed, || format!("{seen:?} replay to {replayed:?}"))?;
    for hold in ledger.holds() {
        let seen = engine.hold(hold.id).await?;
        ensure(seen == Some(hold), || format!("{hold:?} is {seen:?}"))?;
    }
    Ok(())
}

/// History and look-ups are what a scan of the feed finds.
async fn look_ups(
    engine: &Engine,
    clients: &Clients,
    book: &Book,
    random: &mut Random,
) -> Result<(), Trouble> {
    for (&account, expected) in &book.history {
        let (mut before, mut found) = (None, Vec::new());
        let limit = random.within(1, 200) as usize;
        loop {
            let page = engine.history(account, before, limit).await?;
            ensure(page.len() <= limit, || format!("{} records, asked for {limit}", page.len()))?;
            let Some(last) = page.last() else { break };
            before = Some(last.seq);
            found.extend(page);
        }
        found.reverse();
        ensure(found == *expected, || {
            let differs = found.iter().zip(expected).position(|(a, b)| a != b);
            let (found, expected) = (found.len(), expected.len());
            format!("history of account {account}: {found} of {expected} records, first other at {differs:?}")
        })?;
    }
    let ids: Vec<_> = clients.ids().collect();
    let some = (0..150).filter_map(|_| random.pick(&ids).copied()).collect::<Vec<_>>();
    let last = ids.iter().rev().take(50).copied();
    for id in some.into_iter().chain(last) {
        let (seen, expected) = (engine.transfer(id).await?, book.transfers.get(&id).copied());
        ensure(seen == expected, || format!("transfer {id:#x} is {seen:?}, the feed has {expected:?}"))?;
    }
    Ok(())
}

/// Every checkpoint ever seen is one of this log's, and proofs verify under plain RFC 6962.
async fn proofs(engine: &Engine, witness: &Witness, book: &Book, random: &mut Random) -> Result<(), Trouble> {
    let now = engine.checkpoint();
    for checkpoint in witness.checkpoints.iter().chain([&now]) {
        ensure(checkpoint.size <= book.size(), || {
            format!("a checkpoint of {} records was signed, there are {}", checkpoint.size, book.size())
        })?;
        let root = book.root(checkpoint.size);
        ensure(root == checkpoint.root, || {
            format!("the checkpoint of {} records has another root than they have", checkpoint.size)
        })?;
        if checkpoint.size <= now.size {
            let path = engine.consistency(checkpoint.size, now.size).await?;
            let fits = proof::consistent(Suite::Sha256Ed25519, checkpoint.size, &root, now.size, &now.root, &path);
            if !fits {
                let what = format!("no consistency from {} to {} records", checkpoint.size, now.size);
                return Err(Trouble::Unproven(what));
            }
        }
    }
    for _ in 0..8 {
        let seq = random.below(book.size());
        if seq < book.size() {
            let receipt = engine.receipt(seq).await?;
            let head = &receipt.checkpoint;
            let root = book.root(head.size);
            let fits = proof::includes(Suite::Sha256Ed25519, &book.leaf(seq), seq, head.size, &receipt.path, &root);
            ensure(fits && root == head.root, || format!("the receipt of record {seq} does not verify"))?;
        }
    }
    Ok(())
}
