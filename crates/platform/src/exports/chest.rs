//! Where finished files lie: one folder, each file sealed in pieces under a key of its own.
//!
//! A piece is [`PIECE`] bytes of the file, the last one fewer; sealed it is an envelope bound to the
//! export and its place, so pieces cannot be exchanged, and where one begins follows from its number, so
//! reading can begin anywhere. Only the process's user may read folder and files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jialing_crypto::hash::{HashAlgorithm, Hasher};
use jialing_crypto::seal::{DataKey, OVERHEAD};

use crate::id::ExportId;
use crate::{App, Problem, Result};

/// Bytes of the file in a sealed piece.
pub(super) const PIECE: usize = 64 << 10;

/// The folder of finished files.
#[derive(Clone, Debug)]
pub struct Chest(PathBuf);

impl Chest {
    /// The chest in this folder, which is made when the first file is.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    fn path(&self, id: ExportId) -> PathBuf {
        self.0.join(id.to_string())
    }

    /// Begins the file of an export, in place of an unfinished one.
    pub(super) fn begin(&self, id: ExportId, key: DataKey) -> io::Result<Writer> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        let path = self.path(id);
        // Not written over: whoever has the old one open must not see the new one in it.
        remove(&path)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Writer {
            id,
            file,
            key,
            piece: Vec::with_capacity(PIECE),
            pieces: 0,
            bytes: 0,
            hash: HashAlgorithm::Sha256.hasher(),
        })
    }

    /// Opens a finished file of `size` bytes.
    pub(super) fn open(&self, id: ExportId, key: DataKey, size: u64) -> io::Result<Reader> {
        Ok(Reader { id, file: File::open(self.path(id))?, key, at: 0, end: size, size })
    }

    /// Removes a file, if there is one.
    pub(super) fn remove(&self, id: ExportId) -> io::Result<()> {
        remove(&self.path(id))
    }

    /// The exports that have a file.
    pub(super) fn files(&self) -> io::Result<Vec<ExportId>> {
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

/// A fresh key for an export's file, and its sealed form.
pub(super) fn new_key(app: &App, id: ExportId) -> (DataKey, Vec<u8>) {
    app.seal.new_data_key(key_place(id).as_bytes())
}

/// The key out of its sealed form.
pub(super) fn open_key(app: &App, id: ExportId, sealed: &[u8]) -> Result<DataKey> {
    app.seal.open_data_key(sealed, key_place(id).as_bytes()).map_err(Problem::internal)
}

fn key_place(id: ExportId) -> String {
    format!("exports.data_key/{id}")
}

fn place(id: ExportId, piece: u64) -> String {
    format!("exports/{id}/{piece}")
}

/// A file being written: hashed as it is, stored sealed.
pub(super) struct Writer {
    id: ExportId,
    file: File,
    key: DataKey,
    piece: Vec<u8>,
    pieces: u64,
    bytes: u64,
    hash: Hasher,
}

impl Writer {
    fn seal(&mut self) -> io::Result<()> {
        let sealed = self.key.seal(&self.piece, place(self.id, self.pieces).as_bytes());
        self.file.write_all(&sealed)?;
        self.pieces += 1;
        self.piece.clear();
        Ok(())
    }

    /// Ends the file: its size and SHA-256, once it is on the disk.
    pub(super) fn finish(mut self) -> io::Result<(u64, [u8; 32])> {
        if !self.piece.is_empty() {
            self.seal()?;
        }
        self.file.sync_all()?;
        Ok((self.bytes, self.hash.finish()))
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        self.hash.update(&bytes[..taken]);
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
    id: ExportId,
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
        let plain = self.key.open(&sealed, place(self.id, number).as_bytes());
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
            let (length, hash) = writer.finish().expect("finished");
            assert_eq!((length, hash), (size as u64, HashAlgorithm::Sha256.digest(&bytes)));
            let open = || chest.open(ID, key(), length).expect("opened");
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
        assert_eq!(chest.files().expect("listed"), [ID]);
        chest.remove(ID).expect("removed");
        chest.remove(ID).expect("removed again");
        assert_eq!(chest.files().expect("listed"), []);
    }

    #[test]
    fn nobody_else_can_read_a_file_and_no_piece_can_be_exchanged() {
        let ((_folder, chest), key) = (chest(), keys());
        let mut writer = chest.begin(ID, key()).expect("begun");
        writer.write_all(&vec![b'x'; 2 * PIECE]).expect("written");
        let (size, _) = writer.finish().expect("finished");
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
