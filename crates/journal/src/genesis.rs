//! Which log this is: its name, its key, its algorithms, fixed for ever in a small text file.
//!
//! The SHA-256 of the file is in every segment's header, so segments of two logs cannot be mixed.

use crate::checkpoint::{VerifierKey, valid_origin};
use crate::disk::{self, Disk};
use crate::hash::{Hash, sha256};
use crate::{JournalError, io_error};

const NAME: &str = "genesis";
const FIRST_LINE: &str = "jialing ledger, format 1, sha256, ed25519";

/// A log's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// The key that checkpoints verify under, with the log's name.
    pub key: VerifierKey,
}

impl Genesis {
    fn text(&self) -> String {
        format!("{FIRST_LINE}\n{}\n", self.key)
    }

    /// The log's number: SHA-256 of the file.
    #[must_use]
    pub fn log(&self) -> Hash {
        sha256(self.text().as_bytes())
    }

    /// The identity of the log on this disk; `None` when the disk has no log.
    ///
    /// # Errors
    /// [`JournalError::Mismatch`] when the file is of another format.
    pub fn load(disk: &dyn Disk) -> Result<Option<Self>, JournalError> {
        let bytes = match disk::read_file(disk, NAME) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(format!("reading {}/{NAME}", disk.name()), error)),
        };
        let other =
            || JournalError::Mismatch(format!("{}/{NAME} is not of a format known here", disk.name()));
        let text = String::from_utf8(bytes).map_err(|_| other())?;
        let rest =
            text.strip_prefix(FIRST_LINE).and_then(|rest| rest.strip_prefix('\n')).ok_or_else(other)?;
        let key = rest.strip_suffix('\n').and_then(VerifierKey::parse).ok_or_else(other)?;
        Ok(Some(Self { key }))
    }

    /// Loads the identity, or stores this one on a new disk. Says whether it was new.
    ///
    /// # Errors
    /// [`JournalError::Mismatch`] when the disk has another log.
    pub fn load_or_store(&self, disk: &dyn Disk) -> Result<bool, JournalError> {
        if !valid_origin(&self.key.origin) {
            return Err(JournalError::Mismatch(format!(
                "{:?} cannot name a log: use one to 200 visible characters without space or plus sign",
                self.key.origin
            )));
        }
        match Self::load(disk)? {
            Some(found) if found == *self => Ok(false),
            Some(found) if found.key.origin != self.key.origin => Err(JournalError::Mismatch(format!(
                "it is named {:?}, the settings say {:?}",
                found.key.origin, self.key.origin
            ))),
            Some(found) => Err(JournalError::Mismatch(format!(
                "its checkpoints verify under {}, the given key is {}",
                found.key, self.key
            ))),
            None => {
                disk::replace_file(disk, NAME, self.text().as_bytes())
                    .map_err(|error| io_error(format!("writing {}/{NAME}", disk.name()), error))?;
                Ok(true)
            }
        }
    }
}
