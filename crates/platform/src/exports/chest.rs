//! Where finished files lie: one folder, each file sealed in pieces under a key of its own.
//!
//! A piece is [`PIECE`] bytes of the file, the last one fewer; sealed it is an envelope bound to the
//! file's id and its place, so pieces cannot be exchanged, and where one begins follows from its number, so
//! reading can begin anywhere. Only the process's user may read folder and files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jialing_crypto::hash::{Digest, HashAlgorithm, Hasher};
use jialing_crypto::seal::{DataKey, OVERHEAD};

use crate::id::{Id, Tag};
use crate::{App, Problem, Result};

/// Bytes of the file in a sealed piece.
pub(crate) const PIECE: usize = 64 << 10;

/// The folder of finished files.
#[derive(Clone, Debug)]
pub struct Chest(PathBuf);

impl Chest {
    /// The chest in this folder, which is made when the first file is.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The chest in the folder of this name beside this one.
    pub(crate) fn beside(&self, name: &str) -> Self {
        Self(self.0.with_file_name(name))
    }

    fn path<T: Tag>(&self, id: Id<T>) -> PathBuf {
        self.0.join(id.to_string())
    }

    /// Begins the file with this id, in place of an unfinished one.
    pub(crate) fn begin<T: Tag>(&self, id: Id<T>, key: DataKey) -> io::Result<Writer> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        let path = self.path(id);
        // Not written over: whoever has the old one open must not see the new one in it.
        remove(&path)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Writer {
            name: name(id),
            file,
            key,
            piece: Vec::with_capacity(PIECE),
            pieces: 0,
            bytes: 0,
            sha256: HashAlgorithm::Sha256.hasher(),
            sm3: HashAlgorithm::Sm3.hasher(),
        })
    }

    /// Opens a finished file of `size` bytes.
    pub(crate) fn open<T: Tag>(&self, id: Id<T>, key: DataKey, size: u64) -> io::Result<Reader> {
        Ok(Reader { name: name(id), file: File::open(self.path(id))?, key, at: 0, end: size, size })
    }

    /// Removes a file, if there is one.
    pub(crate) fn remove<T: Tag>(&self, id: Id<T>) -> io::Result<()> {
        remove(&self.path(id))
    }

    /// The ids that have a file.
    pub(crate) fn files<T: Tag>(&self) -> io::Result<Vec<Id<T>>> {
        let names = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            names => names?,
        };
        let id = |name: io::Result<fs::DirEntry>| name.map(|name| name.file_name().to_str()?.parse().ok());
        names.filter_map(|name| id(name).transpose()).collect()
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// A fresh key for a file, and its sealed form.
pub(crate) fn new_key<T: Tag>(app: &App, id: Id<T>) -> (DataKey, Vec<u8>) {
    app.seal.new_data_key(key_place(id).as_bytes())
}

/// The key out of its sealed form.
pub(crate) fn open_key<T: Tag>(app: &App, id: Id<T>, sealed: &[u8]) -> Result<DataKey> {
    app.seal.open_data_key(sealed, key_place(id).as_bytes()).map_err(Problem::internal)
}

fn key_place<T: Tag>(id: Id<T>) -> String {
    format!("exports.data_key/{id}")
}

/// What a file's pieces are bound to, before their numbers.
fn name<T: Tag>(id: Id<T>) -> String {
    format!("exports/{id}")
}

fn place(name: &str, piece: u64) -> String {
    format!("{name}/{piece}")
}

/// A file being written: hashed as it is, stored sealed.
pub(crate) struct Writer {
    name: String,
    file: File,
    key: DataKey,
    piece: Vec<u8>,
    pieces: u64,
    bytes: u64,
    sha256: Hasher,
    sm3: Hasher,
}

/// A file that is whole on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Bytes of it.
    pub(crate) bytes: u64,
    /// Of all of them.
    pub(crate) sha256: Digest,
    /// The same under the domestic hash.
    pub(crate) sm3: Digest,
}

impl Writer {
    fn seal(&mut self) -> io::Result<()> {
        let sealed = self.key.seal(&self.piece, place(&self.name, self.pieces).as_bytes());
        self.file.write_all(&sealed)?;
        self.pieces += 1;
        self.piece.clear();
        Ok(())
    }

    /// Bytes so far.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Ends the file: its size and hashes, once it is on the disk.
    pub(crate) fn finish(mut self) -> io::Result<Written> {
        if !self.piece.is_empty() {
            self.seal()?;
        }
        self.file.sync_all()?;
        Ok(Written { bytes: self.bytes, sha256: self.sha256.finish(), sm3: self.sm3.finish() })
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        self.sha256.update(&bytes[..taken]);
        self.sm3.update(&bytes[..taken]);
        self.bytes += taken as u64;
        if self.piece.len() == PIECE {
            self.seal()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A finished file, read piece by piece from anywhere.
#[derive(Debug)]
pub struct Reader {
    name: String,
    file: File,
    key: DataKey,
    at: u64,
    end: u64,
    size: u64,
}

impl Reader {
    /// Bytes of the whole file.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The same, from byte `from` to before byte `to`; both within the file.
    #[must_use]
    pub fn between(self, from: u64, to: u64) -> Self {
        Self { at: from.min(self.size), end: to.min(self.size), ..self }
    }

    /// The next bytes, at most [`PIECE`]; `None` at the end. Blocks for one read.
    ///
    /// # Errors
    /// The system's; `InvalidData` when the piece is not what was written.
    pub fn piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        if self.at >= self.end {
            return Ok(None);
        }
        let number = self.at / PIECE as u64;
        let begins = number * PIECE as u64;
        let length = (self.size - begins).min(PIECE as u64) as usize;
        let mut sealed = vec![0; length + OVERHEAD];
        self.file.seek(SeekFrom::Start(number * (PIECE + OVERHEAD) as u64))?;
        self.file.read_exact(&mut sealed)?;
        let plain = self.key.open(&sealed, place(&self.name, number).as_bytes());
        let plain = plain.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let (from, to) = ((self.at - begins) as usize, (self.end - begins).min(length as u64) as usize);
        self.at = begins + to as u64;
        Ok(Some(plain[from..to].to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use jialing_crypto::seal::{KeyRing, SealAlgorithm, SealKey};

    use super::*;
    use crate::id::{ExportId, ExportTag};

    fn chest() -> (tempfile::TempDir, Chest) {
        let folder = tempfile::tempdir().expect("a folder");
        let chest = Chest::new(folder.path().join("exports"));
        (folder, chest)
    }

    fn keys() -> impl Fn() -> DataKey {
        let key = SealKey::new(1, SealAlgorithm::Aes256Gcm, &[7; 32]).expect("32 bytes");
        let ring = KeyRing::new(vec![key], 1).expect("one key");
        let (_, sealed) = ring.new_data_key(b"place");
        move || ring.open_data_key(&sealed, b"place").expect("opens")
    }

    fn all(mut reader: Reader) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Some(piece) = reader.piece()? {
            bytes.extend(piece);
        }
        Ok(bytes)
    }

    const ID: ExportId = ExportId::from_parts(1_780_000_000_000, 64);

    #[test]
    fn what_was_put_in_comes_out_from_any_byte_on() {
        let ((_folder, chest), key) = (chest(), keys());
        for size in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 17] {
            let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            let mut writer = chest.begin(ID, key()).expect("begun");
            bytes.chunks(1000).for_each(|some| writer.write_all(some).expect("written"));
            let written = writer.finish().expect("finished");
            let hash = |algorithm: HashAlgorithm| algorithm.digest(&bytes);
            let (sha256, sm3) = (hash(HashAlgorithm::Sha256), hash(HashAlgorithm::Sm3));
            assert_eq!(written, Written { bytes: size as u64, sha256, sm3 });
            let open = || chest.open(ID, key(), written.bytes).expect("opened");
            assert!(all(open()).expect("read") == bytes);
            for (from, to) in
                [(0, 0), (0, 1), (PIECE - 1, PIECE + 1), (PIECE, 2 * PIECE), (7, size), (size, size + 9)]
            {
                let part = all(open().between(from as u64, to as u64)).expect("read");
                assert!(
                    part == bytes[from.min(size)..to.min(size).max(from.min(size))],
                    "{from} to {to} of {size}"
                );
            }
        }
        assert_eq!(chest.files::<ExportTag>().expect("listed"), [ID]);
        chest.remove(ID).expect("removed");
        chest.remove(ID).expect("removed again");
        assert_eq!(chest.files::<ExportTag>().expect("listed"), []);
    }

    #[test]
    fn nobody_else_can_read_a_file_and_no_piece_can_be_exchanged() {
        let ((_folder, chest), key) = (chest(), keys());
        let mut writer = chest.begin(ID, key()).expect("begun");
        writer.write_all(&vec![b'x'; 2 * PIECE]).expect("written");
        let size = writer.finish().expect("finished").bytes;
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&chest.0), mode(&chest.path(ID))), (0o700, 0o600));
        let mut stored = fs::read(chest.path(ID)).expect("read");
        assert!(!stored.windows(8).any(|part| part == b"xxxxxxxx"), "it lies sealed");
        let half = stored.len() / 2;
        stored.rotate_left(half);
        fs::write(chest.path(ID), &stored).expect("written");
        let error = all(chest.open(ID, key(), size).expect("opened")).expect_err("the pieces changed places");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        stored.rotate_left(half);
        stored.truncate(half);
        fs::write(chest.path(ID), &stored).expect("written");
        let error = all(chest.open(ID, key(), size).expect("opened")).expect_err("a piece is missing");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(all(chest.open(ID, keys()(), size).expect("opened")).is_err(), "another key opens nothing");
    }
}
