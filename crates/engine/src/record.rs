//! Records to journal entries and back.

use std::io;

use jialing_journal::{ENTRY_LEN, Entry};
use jialing_ledger::{RECORD_LEN, Record};

// The journal knows bytes; this is where the two agree on how many.
const _: () = assert!(ENTRY_LEN == RECORD_LEN);

/// Reads a record that was stored at `seq`.
pub(crate) fn decode(seq: u64, entry: &Entry) -> io::Result<Record> {
    let bad = |what: String| io::Error::new(io::ErrorKind::InvalidData, format!("record {seq}: {what}"));
    let record = Record::decode(entry).map_err(|error| bad(error.to_string()))?;
    if record.seq == seq { Ok(record) } else { Err(bad(format!("it says that it is number {}", record.seq))) }
}
