//! A service's data on disk: a file of JSON lines, one per change.
//!
//! A change appends a line `[shelf, key, value]`; a later line of the same shelf and key replaces an
//! earlier one. Opening reads all lines, drops a torn last one, and writes the file anew with one
//! line per key. Lines are not flushed to the disk one by one: enough to survive a restart, not a
//! power cut, which is all a sandbox needs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Where changes go: a file, or nowhere.
#[derive(Debug, Default)]
pub(crate) struct Shelves {
    file: Option<File>,
}

/// What a file held when it was opened: values by shelf and key.
#[derive(Debug, Default)]
pub(crate) struct Held(BTreeMap<String, BTreeMap<String, Value>>);

impl Shelves {
    /// Opens `path`, or nothing.
    pub(crate) fn open(path: Option<&Path>) -> io::Result<(Self, Held)> {
        let Some(path) = path else {
            return Ok((Self::default(), Held::default()));
        };
        let held = Held::read(path)?;
        let fresh = path.with_extension("new");
        let mut file = File::create(&fresh)?;
        let mut lines = Vec::new();
        for (shelf, values) in &held.0 {
            for (key, value) in values {
                serde_json::to_writer(&mut lines, &(shelf, key, value))?;
                lines.push(b'\n');
            }
        }
        file.write_all(&lines)?;
        file.sync_all()?;
        std::fs::rename(&fresh, path)?;
        Ok((Self { file: Some(file) }, held))
    }

    /// Records a value.
    pub(crate) fn put<T: Serialize>(&mut self, shelf: &str, key: &str, value: &T) {
        let Some(file) = &mut self.file else { return };
        let written =
            serde_json::to_vec(&(shelf, key, value)).map_err(io::Error::from).and_then(|mut line| {
                line.push(b'\n');
                file.write_all(&line)
            });
        if let Err(error) = written {
            tracing::error!(%error, shelf, "the sandbox could not write its data");
        }
    }
}

impl Held {
    fn read(path: &Path) -> io::Result<Self> {
        let mut held = Self::default();
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(held),
            Err(error) => return Err(error),
        };
        for line in BufReader::new(file).split(b'\n') {
            let line = line?;
            let Ok((shelf, key, value)) = serde_json::from_slice::<(String, String, Value)>(&line) else {
                tracing::warn!("the sandbox skipped a torn line of its data");
                continue;
            };
            held.0.entry(shelf).or_default().insert(key, value);
        }
        Ok(held)
    }

    /// The values of a shelf by key. Values of another shape, from another version, are an error.
    pub(crate) fn take<T: DeserializeOwned>(&mut self, shelf: &str) -> io::Result<BTreeMap<String, T>> {
        self.0
            .remove(shelf)
            .unwrap_or_default()
            .into_iter()
            .map(|(key, value)| Ok((key, serde_json::from_value(value)?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_key_survives_and_a_torn_line_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bank.jsonl");
        let (mut shelves, _) = Shelves::open(Some(&path)).unwrap();
        shelves.put("accounts", "a", &1);
        shelves.put("accounts", "b", &2);
        shelves.put("accounts", "a", &3);
        shelves.put("links", "a", &"x");
        drop(shelves);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend_from_slice(b"[\"accounts\",\"b\",");
        std::fs::write(&path, bytes).unwrap();
        for _ in 0..2 {
            let (_, mut held) = Shelves::open(Some(&path)).unwrap();
            let accounts = held.take::<u64>("accounts").unwrap();
            assert_eq!(accounts, [("a".to_owned(), 3), ("b".to_owned(), 2)].into());
            assert!(held.take::<u64>("links").is_err());
            assert!(held.take::<u64>("nothing").unwrap().is_empty());
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);
    }
}
