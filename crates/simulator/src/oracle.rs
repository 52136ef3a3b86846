//! What must hold of a running engine, asked through its public interface and compared with the book.

use jialing_engine::{Checkpoint, Engine, ReadError, Stopped};
use jialing_journal::{Checkpoint as Signed, Suite, VerifierKey, proof};
use jialing_ledger::{Body, Ledger, Record, Remembered};

use crate::book::Book;
use crate::clients::{Clients, ISSUANCE, METERS, WALLETS};
use crate::door::Door;
use crate::random::Random;

/// Who found something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Oracle {
    /// What a client was told does not fit what it asked, or what it was told before.
    Answers,
    /// Something acknowledged is not in the log, or not as it was.
    Acknowledged,
    /// Somebody who reads the log in order sees it change, or sees gaps.
    Feed,
    /// The naive ledger and real time: no order explains what was heard.
    History,
    /// Sums kept from the records: nothing twice, no money from nowhere.
    Book,
    /// The engine's state is not what its records replay to.
    State,
    /// A look-up or a history differs from a scan of the log.
    LookUps,
    /// A checkpoint seen before is not of this log, or is not stored any more.
    Checkpoints,
    /// A proof does not verify.
    Proofs,
    /// A follower's effects happened not at all, or twice.
    Follower,
    /// A folder that must open does not.
    Opens,
    /// The engine stopped, or gave no answer, and no fault explains it.
    NoAnswer,
    /// The engine stopped because of a defect of its own.
    Stops,
    /// The offline audit complains without reason, or is blind.
    Audit,
}

impl Oracle {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answers => "answers",
            Self::Acknowledged => "acknowledged",
            Self::Feed => "feed",
            Self::History => "history",
            Self::Book => "book",
            Self::State => "state",
            Self::LookUps => "look-ups",
            Self::Checkpoints => "checkpoints",
            Self::Proofs => "proofs",
            Self::Follower => "follower",
            Self::Opens => "opens",
            Self::NoAnswer => "no answer",
            Self::Stops => "stops",
            Self::Audit => "audit",
        }
    }
}

/// Why a check ended early.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The engine could not answer. Right when its disk was told to fail, or was damaged.
    NoAnswer(String),
    /// It gave a proof that does not verify: whoever checks it knows, but it is of no use.
    Unproven(String),
    /// It answered, and the answer is wrong.
    Wrong(Oracle, String),
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Beyond { .. } => Self::Wrong(Oracle::LookUps, error.to_string()),
            _ => Self::NoAnswer(error.to_string()),
        }
    }
}

impl From<Stopped> for Trouble {
    fn from(error: Stopped) -> Self {
        Self::NoAnswer(error.to_string())
    }
}

/// Words from one oracle.
pub(crate) trait By<T> {
    /// Says who found it.
    fn by(self, oracle: Oracle) -> Result<T, Trouble>;
}

impl<T, E: Into<String>> By<T> for Result<T, E> {
    fn by(self, oracle: Oracle) -> Result<T, Trouble> {
        self.map_err(|what| Trouble::Wrong(oracle, what.into()))
    }
}

pub(crate) fn ensure(holds: bool, oracle: Oracle, what: impl FnOnce() -> String) -> Result<(), Trouble> {
    if holds { Ok(()) } else { Err(Trouble::Wrong(oracle, what())) }
}

/// Checkpoints kept by somebody outside.
const KEPT: usize = 12;

/// What the outside world has seen and must be able to rely on for ever.
#[derive(Clone, Default)]
pub(crate) struct Witness {
    /// The feed, as far as a follower has read it.
    pub(crate) fed: Vec<Record>,
    /// Signed checkpoints, oldest first.
    pub(crate) checkpoints: Vec<Checkpoint>,
    /// Whether a published checkpoint may be missing in the file: only after damage to that file.
    pub(crate) forgives_lost: bool,
}

impl Witness {
    /// Reads on in the feed.
    pub(crate) async fn follow(&mut self, door: &Door, page: usize) -> Result<(), Trouble> {
        loop {
            let from = self.fed.len() as u64;
            let more = door.feed(from, page).await?;
            if more.is_empty() {
                return Ok(());
            }
            for (seq, record) in (from..).zip(more) {
                ensure(record.seq == seq, Oracle::Feed, || {
                    format!("asked for record {seq}, fed {record:?}")
                })?;
                self.fed.push(record);
            }
        }
    }

    /// Takes the newest checkpoint.
    pub(crate) fn notice(&mut self, door: &Door) -> Result<(), Trouble> {
        let checkpoint = door.checkpoint();
        match self.checkpoints.last() {
            Some(last) if last == &checkpoint => return Ok(()),
            Some(last) => ensure(last.size <= checkpoint.size, Oracle::Checkpoints, || {
                format!("after a checkpoint of {} records comes one of {}", last.size, checkpoint.size)
            })?,
            None => {}
        }
        let key = VerifierKey::parse(&door.engine.verifier_key());
        let key = key.ok_or("the verifier key cannot be read").by(Oracle::Checkpoints)?;
        let signed = Signed::open(&checkpoint.note, &key).by(Oracle::Checkpoints)?;
        ensure(
            (signed.size, signed.root) == (checkpoint.size, checkpoint.root),
            Oracle::Checkpoints,
            || format!("the note says something else than the checkpoint: {checkpoint:?}"),
        )?;
        self.checkpoints.push(checkpoint);
        if self.checkpoints.len() > KEPT {
            // Old ones matter as much as new ones: thin out the middle.
            self.checkpoints.remove(KEPT / 2);
        }
        Ok(())
    }
}

/// Everything that can be asked of an engine. The clock must stand still meanwhile.
pub(crate) async fn check(
    door: &Door,
    clients: &Clients,
    witness: &mut Witness,
    random: &mut Random,
) -> Result<(), Trouble> {
    // A look lets what is due lapse; after it the log stands still too.
    door.engine.totals().await?;
    witness.notice(door)?;
    let mut now = Witness::default();
    now.follow(door, random.within(1, 300) as usize).await?;
    let common = now.fed.iter().zip(&witness.fed).take_while(|(now, then)| now == then).count();
    ensure(common == witness.fed.len(), Oracle::Feed, || {
        let (then, now) = (witness.fed[common], now.fed.get(common));
        format!("a follower was fed {then:?}, now record {common} is {now:?}")
    })?;
    witness.fed = now.fed;
    let records = &witness.fed;
    for (&seq, record) in &clients.acknowledged {
        let found = records.get(seq as usize);
        ensure(found == Some(record), Oracle::Acknowledged, || {
            format!("acknowledged {record:?}, now it is {found:?}")
        })?;
    }
    let book = Book::of(records).by(Oracle::Book)?;
    for record in records {
        if let Body::Transfer(transfer) = record.body {
            let lapse = transfer.op == jialing_ledger::Op::Expire;
            ensure(lapse || clients.explains(transfer.id), Oracle::Answers, || {
                format!("nobody asked for {record:?}, or it was refused")
            })?;
        }
    }
    state(&door.engine, records, &book).await?;
    look_ups(door, clients, &book, random).await?;
    proofs(door, witness, &book, random).await
}

/// The engine's state is what a fresh ledger replays, and what the book says.
async fn state(engine: &Engine, records: &[Record], book: &Book) -> Result<(), Trouble> {
    fn same<T: PartialEq + std::fmt::Debug>(seen: T, replayed: T) -> Result<(), Trouble> {
        ensure(seen == replayed, Oracle::State, || format!("{seen:?}, the log replays to {replayed:?}"))
    }
    let (mut ledger, mut past) = (Ledger::new(), Remembered::new());
    for record in records {
        let replayed = ledger.replay_with(record, &past);
        replayed.map_err(|error| format!("{error:?}: {record:?}")).by(Oracle::State)?;
        past.remember(record);
    }
    ensure(!ledger.mid_group(), Oracle::State, || "the log ends inside a group".to_owned())?;
    ledger.audit().map_err(|error| format!("the replayed state is unsound: {error}")).by(Oracle::State)?;
    let ids: Vec<_> = ISSUANCE.into_iter().chain(WALLETS).collect();
    for (&id, account) in ids.iter().zip(engine.accounts(&ids).await?) {
        book.agrees(id, account).by(Oracle::State)?;
        same(account, ledger.account(id))?;
    }
    for meter in METERS {
        same(engine.meter(meter).await?, ledger.meter(meter))?;
    }
    same(engine.totals().await?, ledger.totals_all().collect::<Vec<_>>())?;
    same(engine.policies().await?, ledger.policies().collect::<Vec<_>>())?;
    for hold in ledger.holds() {
        same(engine.hold(hold.id).await?, Some(hold))?;
    }
    Ok(())
}

/// History and look-ups are what a scan of the feed finds.
async fn look_ups(door: &Door, clients: &Clients, book: &Book, random: &mut Random) -> Result<(), Trouble> {
    for (&account, expected) in &book.history {
        let (mut before, mut found) = (None, Vec::new());
        let limit = random.within(1, 200) as usize;
        loop {
            let page = door.history(account, before, limit).await?;
            ensure(page.len() <= limit, Oracle::LookUps, || {
                format!("{} records, asked for {limit}", page.len())
            })?;
            let Some(last) = page.last() else { break };
            before = Some(last.seq);
            found.extend(page);
        }
        found.reverse();
        ensure(found == *expected, Oracle::LookUps, || {
            let differs = found.iter().zip(expected).position(|(a, b)| a != b);
            let (found, expected) = (found.len(), expected.len());
            format!("history of account {account}: {found} of {expected} records, first other at {differs:?}")
        })?;
    }
    let ids: Vec<_> = clients.ids().collect();
    let some = (0..150).filter_map(|_| random.pick(&ids).copied()).collect::<Vec<_>>();
    let last = ids.iter().rev().take(50).copied();
    for id in some.into_iter().chain(last) {
        let (seen, expected) = (door.transfer(id).await?, book.transfers.get(&id).copied());
        ensure(seen == expected, Oracle::LookUps, || {
            format!("transfer {id:#x} is {seen:?}, the feed has {expected:?}")
        })?;
    }
    Ok(())
}

/// Every checkpoint ever seen is one of this log's and still stored, and proofs verify under plain
/// RFC 6962: between every two checkpoints, and of some records.
async fn proofs(door: &Door, witness: &Witness, book: &Book, random: &mut Random) -> Result<(), Trouble> {
    let now = door.checkpoint();
    let seen: Vec<_> = witness.checkpoints.iter().chain([&now]).collect();
    for (place, new) in seen.iter().enumerate() {
        ensure(new.size <= book.size(), Oracle::Checkpoints, || {
            format!("a checkpoint of {} records was signed, there are {}", new.size, book.size())
        })?;
        ensure(book.root(new.size) == new.root, Oracle::Checkpoints, || {
            format!("the checkpoint of {} records has another root than they have", new.size)
        })?;
        let stored = door.engine.checkpoint_covering(new.size).await?;
        ensure(stored.as_ref() == Some(new) || witness.forgives_lost, Oracle::Checkpoints, || {
            let size = stored.as_ref().map(|stored| stored.size);
            format!("the checkpoint of {} records was published, stored is one of {size:?}", new.size)
        })?;
        for old in &seen[..place] {
            let path = door.consistency(old.size, new.size).await?;
            if !proof::consistent(Suite::Sha256Ed25519, old.size, &old.root, new.size, &new.root, &path) {
                let what = format!("no consistency from {} to {} records", old.size, new.size);
                return Err(Trouble::Unproven(what));
            }
        }
    }
    for _ in 0..8 {
        let seq = random.below(book.size());
        if seq < book.size() {
            let receipt = door.receipt(seq).await?;
            let head = &receipt.checkpoint;
            let root = book.root(head.size);
            let fits =
                proof::includes(Suite::Sha256Ed25519, &book.leaf(seq), seq, head.size, &receipt.path, &root);
            ensure(fits && root == head.root, Oracle::Proofs, || {
                format!("the receipt of record {seq} does not verify")
            })?;
        }
    }
    Ok(())
}
