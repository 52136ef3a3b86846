//! The newest cosigned checkpoint of each log, on disk.
//!
//! One file a log, `logs/<id>.note`, the id being the first 32 hexadecimal digits of the SHA-256 of the
//! origin: the checkpoint with the log's signature and our cosignature. A new one is written beside it,
//! flushed, put in its place, and the folder is flushed, all before anybody hears of it: after a crash
//! at any moment the file is whole, and never older than what was given out.
//!
//! `evidence/` keeps signed checkpoints that contradict what was cosigned, at most [`MAX_EVIDENCE`] a
//! log. `lock` is held by the process that uses the folder.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jialing_crypto::hash::HashAlgorithm;

/// Contradictions kept for one log; further ones are told in the log only.
pub const MAX_EVIDENCE: usize = 32;

/// A witness's folder.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// Held while the process lives.
    _lock: File,
}

impl Store {
    /// Opens the folder, made when missing, for this process alone.
    ///
    /// # Errors
    /// When it cannot be made, or another process uses it.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder.join("logs"))?;
        fs::create_dir_all(folder.join("evidence"))?;
        let lock = File::create(folder.join("lock"))?;
        lock.try_lock().map_err(|_| io::Error::other("another process uses this folder"))?;
        File::open(folder)?.sync_all()?;
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    /// The note kept for the log of this origin.
    ///
    /// # Errors
    /// When there is one that cannot be read.
    pub fn load(&self, origin: &str) -> io::Result<Option<String>> {
        match fs::read_to_string(self.place(origin)) {
            Ok(note) => Ok(Some(note)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps `note` for the log of this origin. When it returns, a crash does not lose it.
    ///
    /// # Errors
    /// When any step fails; the note kept before may then still be there.
    pub fn save(&self, origin: &str, note: &str) -> io::Result<()> {
        let place = self.place(origin);
        let fresh = place.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(note.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &place)?;
        File::open(self.folder.join("logs"))?.sync_all()
    }

    /// Keeps what contradicts the note kept for the log of this origin, together with it. True if it
    /// was not known yet and there was room.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_evidence(&self, origin: &str, refused: &str) -> io::Result<bool> {
        let folder = self.folder.join("evidence");
        let id = id(origin);
        let kept = fs::read_dir(&folder)?
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(&id))
            .count();
        let place = folder.join(format!("{id}-{}.txt", &digest(refused)[..16]));
        if kept >= MAX_EVIDENCE || place.exists() {
            return Ok(false);
        }
        let cosigned = self.load(origin)?.unwrap_or_default();
        let mut file = File::create_new(place)?;
        write!(file, "cosigned:\n\n{cosigned}\nrefused:\n\n{refused}")?;
        file.sync_all()?;
        File::open(folder)?.sync_all()?;
        Ok(true)
    }

    fn place(&self, origin: &str) -> PathBuf {
        self.folder.join("logs").join(format!("{}.note", id(origin)))
    }
}

/// The name of a log's file: an origin may hold slashes.
fn id(origin: &str) -> String {
    digest(origin)[..32].to_owned()
}

fn digest(text: &str) -> String {
    hex::encode(HashAlgorithm::Sha256.digest(text.as_bytes()))
}
