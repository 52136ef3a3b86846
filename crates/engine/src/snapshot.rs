//! Snapshots of the state, so that a start need not replay the whole log.
//!
//! A snapshot is made beside the writer: the previous one is restored, the sealed segments after it
//! are replayed, the result is audited and written under a temporary name until it is whole and
//! durable. It names the log, the size and the root it stands for. The last two are kept. A snapshot
//! that does not fit in every way is passed over; the journal is the truth.

use std::io;

use jialing_journal::disk::{Disk, read_file, replace_file};
use jialing_journal::{Genesis, Hash, Reader};
use jialing_ledger::{Ledger, Record};

use crate::record;

const MAGIC: &[u8; 16] = b"jialing state 1\n";
const HEADER: usize = 16 + 32 + 8 + 32 + 8 + 4 + 4;
const KEPT: usize = 2;

/// The file of the snapshot of this size.
pub(crate) fn name(size: u64) -> String {
    format!("snapshots/{size:020}.snap")
}

/// The sizes of the snapshots on disk, oldest first.
pub(crate) fn sizes(disk: &dyn Disk) -> io::Result<Vec<u64>> {
    let names = match disk.list("snapshots") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    Ok(names.iter().filter_map(|name| name.strip_suffix(".snap")?.parse().ok()).collect())
}

/// The size of the newest snapshot on disk, 0 for none.
pub(crate) fn newest_size(disk: &dyn Disk) -> io::Result<u64> {
    Ok(sizes(disk)?.last().copied().unwrap_or(0))
}

fn header(log: &Hash, size: u64, root: &Hash, state: &[u8]) -> [u8; HEADER] {
    let mut bytes = Vec::with_capacity(HEADER);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(log);
    bytes.extend_from_slice(&size.to_le_bytes());
    bytes.extend_from_slice(root);
    bytes.extend_from_slice(&(state.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(state).to_le_bytes());
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes.try_into().expect("the fields make up the header")
}

/// The bytes that the snapshot file of this state has.
pub(crate) fn file_of(genesis: &Genesis, root: &Hash, ledger: &Ledger) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    ledger.snapshot_into(&mut bytes);
    let header = header(&genesis.log(), ledger.next_seq(), root, &bytes[HEADER..]);
    bytes[..HEADER].copy_from_slice(&header);
    bytes
}

/// Reads the snapshot of this size; an error says in words why it cannot be used.
pub(crate) fn load(disk: &dyn Disk, genesis: &Genesis, reader: &Reader, size: u64) -> Result<Ledger, String> {
    let bytes = read_file(disk, &name(size)).map_err(|error| error.to_string())?;
    let (stored, state) = bytes.split_first_chunk::<HEADER>().ok_or("it ends inside its header")?;
    if size > reader.durable() {
        return Err(format!("it covers {size} records, the journal has {}", reader.durable()));
    }
    let root = reader.root(size).map_err(|error| error.to_string())?;
    // The header can only be one thing, so making it again checks every field of it.
    if header(&genesis.log(), size, &root, state) != *stored {
        return Err("its header, checksum or root does not fit".to_owned());
    }
    let ledger = Ledger::restore(state).map_err(|error| error.to_string())?;
    if ledger.next_seq() == size {
        Ok(ledger)
    } else {
        Err(format!("its state is of {} records", ledger.next_seq()))
    }
}

/// The newest good snapshot, or an empty ledger. Bad ones above it are removed: they would count as
/// taken, and every start would look at them again.
pub(crate) fn newest(disk: &dyn Disk, genesis: &Genesis, reader: &Reader) -> io::Result<Ledger> {
    for size in sizes(disk)?.into_iter().rev() {
        match load(disk, genesis, reader, size) {
            Ok(ledger) => return Ok(ledger),
            Err(reason) => {
                tracing::warn!(size, reason, "a snapshot is bad and is removed");
                disk.remove(&name(size))?;
                disk.sync_folder("snapshots")?;
            }
        }
    }
    Ok(Ledger::new())
}

/// Why a replay ended early.
#[derive(Debug)]
pub(crate) enum ReplayFailed {
    /// The journal could not be read.
    Io(io::Error),
    /// A record contradicts the ones before it.
    Contradiction(u64, String),
}

impl From<io::Error> for ReplayFailed {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Records decoded ahead of their replay, so that the accounts they name lie in the cache by then.
const AHEAD: usize = 64;

/// Replays durable records up to `end`.
pub(crate) fn replay(
    ledger: &mut Ledger,
    reader: &Reader,
    end: u64,
    closing: impl Fn() -> bool,
) -> Result<(), ReplayFailed> {
    let mut ahead = Vec::with_capacity(AHEAD);
    reader.visit(ledger.next_seq(), end, |seq, entry| {
        if seq.is_multiple_of(4096) && closing() {
            return Err(io::Error::from(io::ErrorKind::Interrupted).into());
        }
        let record = record::decode(seq, entry)
            .map_err(|error| ReplayFailed::Contradiction(seq, error.to_string()))?;
        ahead.push(record);
        if ahead.len() == AHEAD { replay_some(ledger, &mut ahead) } else { Ok(()) }
    })?;
    replay_some(ledger, &mut ahead)?;
    if ledger.mid_group() {
        return Err(ReplayFailed::Contradiction(end, "the log ends inside a group".to_owned()));
    }
    Ok(())
}

fn replay_some(ledger: &mut Ledger, records: &mut Vec<Record>) -> Result<(), ReplayFailed> {
    ledger.warm_records(records);
    records.drain(..).try_for_each(|record| {
        ledger.replay(&record).map_err(|error| ReplayFailed::Contradiction(record.seq, error.to_string()))
    })
}

/// Makes the snapshot of the first `end` records from the previous one, unless `closing`.
pub(crate) fn advance(
    disk: &dyn Disk,
    genesis: &Genesis,
    reader: &Reader,
    end: u64,
    closing: impl Fn() -> bool,
) -> io::Result<()> {
    let mut ledger = newest(disk, genesis, reader)?;
    match replay(&mut ledger, reader, end, &closing) {
        Ok(()) => {}
        Err(ReplayFailed::Io(error)) if error.kind() == io::ErrorKind::Interrupted && closing() => {
            return Ok(());
        }
        Err(ReplayFailed::Io(error)) => return Err(error),
        Err(ReplayFailed::Contradiction(seq, what)) => {
            return Err(io::Error::other(format!("record {seq} contradicts the records before it: {what}")));
        }
    }
    ledger
        .audit()
        .map_err(|error| io::Error::other(format!("the state after {end} records is unsound: {error}")))?;
    let bytes = file_of(genesis, &reader.root(end)?, &ledger);
    disk.make_folder("snapshots")?;
    replace_file(disk, &name(end), &bytes)?;
    // What a killed process left half written.
    for name in disk.list("snapshots")?.iter().filter(|name| name.ends_with(".tmp")) {
        disk.remove(&format!("snapshots/{name}"))?;
    }
    let sizes = sizes(disk)?;
    for &old in &sizes[..sizes.len().saturating_sub(KEPT)] {
        disk.remove(&name(old))?;
    }
    // Or a power loss would bring old ones back.
    disk.sync_folder("snapshots")
}
