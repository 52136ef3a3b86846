//! A log on a disk in memory, and entries that can be told apart.

use std::sync::Arc;

use jialing_journal::{
    Batch, CheckpointSigner, Checkpoints, Entry, Genesis, Journal, JournalError, Memory, Recovered, Suite,
};

/// The first segment's file.
pub(crate) const FIRST: &str = "segments/00000000000000000000.seg";

pub(crate) fn signer() -> CheckpointSigner {
    CheckpointSigner::new(Suite::Sha256Ed25519, "test/log", &[9; 32])
}

pub(crate) fn genesis() -> Genesis {
    Genesis { key: signer().verifier() }
}

pub(crate) fn try_open(
    disk: &Memory,
    segment: u64,
) -> Result<(Journal, Checkpoints, Recovered), JournalError> {
    Journal::open(Arc::new(disk.clone()), &genesis(), segment)
}

pub(crate) fn open(disk: &Memory, segment: u64) -> (Journal, Recovered) {
    let (journal, _, recovered) = try_open(disk, segment).expect("the log opens");
    (journal, recovered)
}

pub(crate) fn entry(seq: u64) -> Entry {
    let mut entry = [0; 118];
    entry[..8].copy_from_slice(&seq.to_le_bytes());
    entry[100] = 0xa5;
    entry[117] = seq as u8 | 1;
    entry
}

/// Appends the next `count` entries as one frame.
pub(crate) fn append(journal: &mut Journal, count: u64) -> jialing_journal::Appended {
    let mut batch = Batch::default();
    let first = journal.head().0;
    (first..first + count).for_each(|seq| batch.push(&entry(seq)));
    journal.append(&mut batch).expect("the append succeeds")
}

/// All entries as a reader gives them, checked one by one and in frames.
pub(crate) fn check_entries(journal: &Journal, count: u64) {
    let reader = journal.reader();
    assert_eq!(reader.durable(), count);
    let expected: Vec<Entry> = (0..count).map(entry).collect();
    assert_eq!(reader.entries(0, count as usize + 5).unwrap(), expected);
    for seq in 0..count {
        assert_eq!(reader.entry(seq).unwrap(), entry(seq));
    }
    assert!(reader.entry(count).is_err());
}
