//! What a backup holds: a small text file, replaced as a whole.
//!
//! ```text
//! jialing backup, format 1
//! log 1f0c…
//! verified 120000 5b1e…
//! complete 120000 5b1e… 1767225600000000000 42
//! segment 0 67108800 3a1f09c2 100000 sealed
//! segment 100000 2365000 99e01b77 120000 open
//! end 7be0c1d4
//! ```
//!
//! `verified`: records whose copies were read again and found to be linked, and their root. `complete`:
//! the newest backup that came to its end, as records, root, the checkpoint's time, and how many
//! checkpoints. A segment: its first record, the bytes that count, their CRC-32C, the record after its
//! last. The last line is the CRC-32C of all before it.

use std::fmt::Write;
use std::io;

use jialing_journal::Hash;
use jialing_journal::disk::{Disk, read_file, replace_file};
use jialing_journal::hash::hex;

const NAME: &str = "backup";
const FIRST_LINE: &str = "jialing backup, format 1";

/// A segment in a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) base: u64,
    pub(crate) bytes: u64,
    pub(crate) crc: u32,
    pub(crate) end: u64,
    pub(crate) sealed: bool,
}

/// A backup that came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Complete {
    pub(crate) records: u64,
    pub(crate) root: Hash,
    pub(crate) time: u64,
    pub(crate) checkpoints: u64,
}

/// The file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) log: Hash,
    pub(crate) verified: (u64, Hash),
    pub(crate) complete: Option<Complete>,
    pub(crate) segments: Vec<Kept>,
}

impl Manifest {
    pub(crate) const fn new(log: Hash, empty: Hash) -> Self {
        Self { log, verified: (0, empty), complete: None, segments: Vec::new() }
    }

    /// The manifest on this disk; `None` when there is none.
    ///
    /// # Errors
    /// The system's; `InvalidData` when it is not whole or of another format.
    pub(crate) fn load(disk: &dyn Disk) -> io::Result<Option<Self>> {
        let bytes = match read_file(disk, NAME) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let text = String::from_utf8_lossy(&bytes);
        if let Some(first) = text.lines().next().filter(|first| *first != FIRST_LINE) {
            let what = format!("its first line is {first:?}, which is no format known here");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let bad = || io::Error::new(io::ErrorKind::InvalidData, "the file is damaged");
        Self::parse(&text).map(Some).ok_or_else(bad)
    }

    pub(crate) fn store(&self, disk: &dyn Disk) -> io::Result<()> {
        replace_file(disk, NAME, self.text().as_bytes())
    }

    fn text(&self) -> String {
        let mut text = format!("{FIRST_LINE}\nlog {}\n", hex(&self.log));
        let (records, root) = self.verified;
        let _ = writeln!(text, "verified {records} {}", hex(&root));
        if let Some(Complete { records, root, time, checkpoints }) = &self.complete {
            let _ = writeln!(text, "complete {records} {} {time} {checkpoints}", hex(root));
        }
        for Kept { base, bytes, crc, end, sealed } in &self.segments {
            let word = if *sealed { "sealed" } else { "open" };
            let _ = writeln!(text, "segment {base} {bytes} {crc:08x} {end} {word}");
        }
        let crc = crc32c::crc32c(text.as_bytes());
        let _ = writeln!(text, "end {crc:08x}");
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let (body, last) = text.strip_suffix('\n')?.rsplit_once('\n')?;
        let crc = u32::from_str_radix(last.strip_prefix("end ")?, 16).ok()?;
        if crc32c::crc32c(format!("{body}\n").as_bytes()) != crc {
            return None;
        }
        let mut lines = body.lines().skip(1);
        let log = hash(lines.next()?.strip_prefix("log ")?)?;
        let mut verified = lines.next()?.strip_prefix("verified ")?.split(' ');
        let verified = (verified.next()?.parse().ok()?, hash(verified.next()?)?);
        let mut found = Self { log, verified, complete: None, segments: Vec::new() };
        for line in lines {
            let mut words = line.split(' ');
            match words.next()? {
                "complete" => {
                    found.complete = Some(Complete {
                        records: words.next()?.parse().ok()?,
                        root: hash(words.next()?)?,
                        time: words.next()?.parse().ok()?,
                        checkpoints: words.next()?.parse().ok()?,
                    });
                }
                "segment" => found.segments.push(Kept {
                    base: words.next()?.parse().ok()?,
                    bytes: words.next()?.parse().ok()?,
                    crc: u32::from_str_radix(words.next()?, 16).ok()?,
                    end: words.next()?.parse().ok()?,
                    sealed: match words.next()? {
                        "sealed" => true,
                        "open" => false,
                        _ => return None,
                    },
                }),
                _ => return None,
            }
        }
        Some(found)
    }
}

fn hash(text: &str) -> Option<Hash> {
    let digit = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    let mut hash = [0; 32];
    for (place, byte) in hash.iter_mut().enumerate() {
        *byte = digit(2 * place)?;
    }
    (text.len() == 64).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jialing_journal::Memory;

    #[test]
    fn what_is_stored_is_read_back_and_any_other_byte_is_refused() {
        let disk = Memory::new();
        assert_eq!(Manifest::load(&disk).unwrap(), None);
        let mut manifest = Manifest::new([7; 32], [0xab; 32]);
        let kept = Kept { base: 0, bytes: 67_108_800, crc: 0x3a1f, end: 100_000, sealed: true };
        manifest.segments = vec![kept.clone(), Kept { base: 100_000, sealed: false, ..kept }];
        manifest.complete =
            Some(Complete { records: 120_000, root: [9; 32], time: u64::MAX, checkpoints: 42 });
        manifest.store(&disk).unwrap();
        assert_eq!(Manifest::load(&disk).unwrap().as_ref(), Some(&manifest));
        let good = disk.bytes(NAME).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            disk.plant(NAME, &bad);
            assert!(Manifest::load(&disk).is_err(), "byte {at}");
            disk.plant(NAME, &good[..at]);
            assert!(Manifest::load(&disk).is_err(), "{at} bytes");
        }
    }
}
