//! Which log this is: its name, its key, its algorithms, fixed for ever in a small text file.
//!
//! The hash of the file is in every segment's header, so segments of two logs cannot be mixed.

use crate::disk::{self, Disk};
use crate::hash::Hash;
use crate::key::{VerifierKey, valid_origin};
use crate::{JournalError, Suite, io_error};

const NAME: &str = "genesis";
/// The first line, up to the number of the format and the names of hash and signature.
const BEGINS: &str = "jialing ledger, format ";
const FORMAT: &str = "1";
const NOTHING_KNOWN: &str = "is not of a format known here";

/// A log's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// The key that checkpoints verify under, with the log's name.
    pub key: VerifierKey,
}

impl Genesis {
    /// What the tree is hashed with and checkpoints are signed with.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.key.public.suite()
    }

    fn text(&self) -> String {
        format!("{BEGINS}{FORMAT}, {}\n{}\n", self.suite().name(), self.key)
    }

    /// The log's number: the suite's hash of the file.
    #[must_use]
    pub fn log(&self) -> Hash {
        self.suite().digest(self.text().as_bytes())
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
        let found = std::str::from_utf8(&bytes).map_err(|_| NOTHING_KNOWN.to_owned()).and_then(Self::parse);
        found.map(Some).map_err(|what| JournalError::Mismatch(format!("{}/{NAME} {what}", disk.name())))
    }

    /// Reads the file's text; an error says in words why it cannot be used.
    fn parse(text: &str) -> Result<Self, String> {
        let nothing = || NOTHING_KNOWN.to_owned();
        let (format, rest) =
            text.strip_prefix(BEGINS).and_then(|rest| rest.split_once(", ")).ok_or_else(nothing)?;
        if format != FORMAT && format.parse::<u32>().is_ok() {
            return Err(format!(
                "is of format {format}, this version reads format {FORMAT}: use a newer one"
            ));
        }
        let (suite, rest) = rest.split_once('\n').ok_or_else(nothing)?;
        let suite = Suite::parse(suite).ok_or_else(|| {
            format!("names the suite {suite:?}, which is not known here: use a newer version")
        })?;
        let key = rest.strip_suffix('\n').and_then(VerifierKey::parse).ok_or_else(nothing)?;
        let found = Self { key };
        // Compared as a whole: there is one way to write each identity.
        if found.suite() == suite && found.text() == text { Ok(found) } else { Err(nothing()) }
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
            Some(found) if found.suite() != self.suite() => Err(JournalError::Mismatch(format!(
                "its suite is {:?}, the settings say {:?}; a log keeps its suite for ever",
                found.suite().name(),
                self.suite().name()
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
