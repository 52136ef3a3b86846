//! Signed checkpoints: the log's size and root at a moment, said by its key.
//!
//! The text is a C2SP `tlog-checkpoint` with one extension line, `time` in nanoseconds since 1970;
//! the whole is a C2SP `signed-note` under the suite's signature. With Ed25519 existing verifiers and
//! witnesses accept it; with SM2 those that know its type.
//! On disk checkpoints are fixed-size lines in `checkpoints`, appended and flushed before anyone
//! sees them. They are how a log that was rolled back is recognised.

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::disk::{Disk, File, read_exact};
use crate::hash::Hash;
use crate::key::{SecretKey, VerifierKey};
use crate::{JournalError, Suite, io_error};

const NAME: &str = "checkpoints";
/// Bytes of a checkpoint on disk: size, time, root, signature, CRC-32C.
pub const LINE: usize = 8 + 8 + 32 + 64 + 4;
/// Signs checkpoints for one log.
pub struct CheckpointSigner {
    origin: String,
    key: SecretKey,
}

impl CheckpointSigner {
    /// Signs as `origin` with the suite's key of this seed.
    #[must_use]
    pub fn new(suite: Suite, origin: impl Into<String>, seed: &[u8; 32]) -> Self {
        Self { origin: origin.into(), key: SecretKey::new(suite, seed) }
    }

    /// What its checkpoints verify under.
    #[must_use]
    pub fn verifier(&self) -> VerifierKey {
        VerifierKey { origin: self.origin.clone(), public: self.key.public() }
    }

    /// Signs that the log of `size` records has this root.
    #[must_use]
    pub fn sign(&self, size: u64, root: Hash, time: u64) -> Checkpoint {
        let signature = self.key.sign(text(&self.origin, size, &root, time).as_bytes());
        Checkpoint { size, root, time, signature }
    }
}

/// A signed tree head, without the name and key that go with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Records covered.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Hash,
    /// When it was signed, nanoseconds since 1970.
    pub time: u64,
    /// The suite's signature over the text.
    pub signature: [u8; 64],
}

fn text(origin: &str, size: u64, root: &Hash, time: u64) -> String {
    format!("{origin}\n{size}\n{}\ntime {time}\n", BASE64.encode(root))
}

impl Checkpoint {
    /// The signed note, ready to publish.
    #[must_use]
    pub fn note(&self, key: &VerifierKey) -> String {
        let mut signature = key.hash().to_vec();
        signature.extend_from_slice(&self.signature);
        let text = text(&key.origin, self.size, &self.root, self.time);
        format!("{text}\n\u{2014} {} {}\n", key.origin, BASE64.encode(signature))
    }

    /// Whether the key signed it.
    #[must_use]
    pub fn verify(&self, key: &VerifierKey) -> bool {
        let text = text(&key.origin, self.size, &self.root, self.time);
        key.public.verifies(text.as_bytes(), &self.signature)
    }

    /// Reads a signed note and verifies it; signatures by other keys (witnesses) are passed over.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Self, String> {
        let (body, signatures) = note.split_once("\n\n").ok_or("the note has no signatures")?;
        let mut lines = body.lines();
        if lines.next() != Some(&key.origin) {
            return Err(format!("the note is not by {}", key.origin));
        }
        let size = lines.next().and_then(|line| line.parse().ok()).ok_or("the second line is no size")?;
        let root =
            lines.next().and_then(|line| BASE64.decode(line).ok()).and_then(|root| root.try_into().ok());
        let root = root.ok_or("the third line is no root")?;
        let time = lines
            .next()
            .and_then(|line| line.strip_prefix("time ")?.parse().ok())
            .ok_or("the fourth line is no time")?;
        for line in signatures.lines() {
            let Some((name, signature)) =
                line.strip_prefix("\u{2014} ").and_then(|rest| rest.split_once(' '))
            else {
                return Err("a signature line is malformed".to_owned());
            };
            let bytes = BASE64.decode(signature).map_err(|_| "a signature is not base64")?;
            if name != key.origin || bytes.len() != 68 || bytes[..4] != key.hash() {
                continue;
            }
            let found =
                Self { size, root, time, signature: bytes[4..].try_into().expect("sixty-four bytes") };
            // Compared as a whole, so that nothing unsigned can stand beside what was signed.
            return if found.verify(key)
                && text(&key.origin, size, &root, time).strip_suffix('\n') == Some(body)
            {
                Ok(found)
            } else {
                Err("the signature does not fit".to_owned())
            };
        }
        Err(format!("the note carries no signature by {key}"))
    }

    fn encode(&self) -> [u8; LINE] {
        let mut bytes = [0; LINE];
        bytes[..8].copy_from_slice(&self.size.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.time.to_le_bytes());
        bytes[16..48].copy_from_slice(&self.root);
        bytes[48..112].copy_from_slice(&self.signature);
        let crc = crc32c::crc32c(&bytes[..112]);
        bytes[112..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let crc = u32::from_le_bytes(bytes.get(112..LINE)?.try_into().expect("four bytes"));
        (crc32c::crc32c(&bytes[..112]) == crc).then(|| Self {
            size: u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")),
            time: u64::from_le_bytes(bytes[8..16].try_into().expect("eight bytes")),
            root: bytes[16..48].try_into().expect("thirty-two bytes"),
            signature: bytes[48..112].try_into().expect("sixty-four bytes"),
        })
    }
}

/// The checkpoints on disk, oldest first; sizes grow strictly.
pub struct Checkpoints {
    file: Arc<dyn File>,
    count: u64,
    newest: Option<Checkpoint>,
}

impl Checkpoints {
    /// Opens the file, making it when missing and `write`; a torn last line is cut.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] when the last whole lines are bad: a torn append reaches one line.
    pub fn open(disk: &dyn Disk, write: bool) -> Result<Self, JournalError> {
        let wrap = |error| io_error(format!("opening {}/{NAME}", disk.name()), error);
        let file = match disk.open(NAME, write) {
            Err(error) if write && error.kind() == io::ErrorKind::NotFound => {
                let file = disk.create(NAME).map_err(wrap)?;
                disk.sync_folder("").map_err(wrap)?;
                file
            }
            opened => opened.map_err(wrap)?,
        };
        let mut found = Self { count: file.size().map_err(wrap)? / LINE as u64, file, newest: None };
        if found.count > 0 && found.read_surely(found.count - 1).map_err(wrap)?.is_none() {
            found.count -= 1;
        }
        if found.count > 0 {
            let newest = found.read_surely(found.count - 1).map_err(wrap)?;
            found.newest = Some(newest.ok_or_else(|| JournalError::Damaged {
                file: NAME.to_owned(),
                byte: (found.count - 1) * LINE as u64,
                seq: 0,
                what: "the checksum of a stored checkpoint does not fit".to_owned(),
            })?);
        }
        if let (true, Some(newest)) = (write, found.newest) {
            // Before it is written again: what was read may have come from an older line's place.
            let before =
                if found.count > 1 { found.read_surely(found.count - 2).map_err(wrap)? } else { None };
            if before.is_some_and(|before| before.size >= newest.size) {
                return Err(JournalError::Damaged {
                    file: NAME.to_owned(),
                    byte: (found.count - 1) * LINE as u64,
                    seq: newest.size,
                    what:
                        "the newest stored checkpoint is not newer than the one before it; start again, and \
                           if it stays so, restore the file from a copy"
                            .to_owned(),
                });
            }
            // Its writer may have been killed before the flush, or the flush may have failed.
            found.file.write_at(&newest.encode(), (found.count - 1) * LINE as u64).map_err(wrap)?;
            found.file.sync().map_err(wrap)?;
        }
        Ok(found)
    }

    /// Opens the file for reading, while somebody else may be writing.
    ///
    /// # Errors
    /// The system's.
    pub fn look(disk: &dyn Disk) -> io::Result<Self> {
        let file = disk.open(NAME, false)?;
        let mut found = Self { count: file.size()? / LINE as u64, file, newest: None };
        // A line that is being written now is not there yet.
        while found.count > 0 && found.newest.is_none() {
            found.newest = found.read(found.count - 1)?;
            found.count -= u64::from(found.newest.is_none());
        }
        Ok(found)
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The newest.
    #[must_use]
    pub const fn newest(&self) -> Option<&Checkpoint> {
        self.newest.as_ref()
    }

    /// One of them by its place; `None` when its checksum does not fit.
    ///
    /// # Errors
    /// The system's.
    pub fn read(&self, place: u64) -> io::Result<Option<Checkpoint>> {
        Ok(Checkpoint::decode(&read_exact(&*self.file, place * LINE as u64, LINE)?))
    }

    /// Reads one twice, and where the two differ a third time: a read that went wrong once must not be
    /// taken for a torn line, which the next append would write over.
    fn read_surely(&self, place: u64) -> io::Result<Option<Checkpoint>> {
        let (once, again) = (self.read(place)?, self.read(place)?);
        if once == again { Ok(once) } else { self.read(place) }
    }

    /// Appends one and makes it durable.
    ///
    /// # Errors
    /// The system's.
    pub fn append(&mut self, checkpoint: Checkpoint) -> io::Result<()> {
        self.file.write_at(&checkpoint.encode(), self.count * LINE as u64)?;
        self.file.sync()?;
        self.count += 1;
        self.newest = Some(checkpoint);
        Ok(())
    }

    /// The oldest that covers `size` records.
    ///
    /// # Errors
    /// The system's; also when a line on the way is bad.
    pub fn covering(&self, size: u64) -> io::Result<Option<Checkpoint>> {
        let bad = || io::Error::new(io::ErrorKind::InvalidData, "a stored checkpoint is damaged");
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            if self.read(middle)?.ok_or_else(bad)?.size < size {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if low == self.count { Ok(None) } else { self.read(low)?.ok_or_else(bad).map(Some) }
    }
}
