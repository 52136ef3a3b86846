//! Apache Parquet, as much of it as a flat table needs.
//!
//! Written from the format's specification: pages of version 1 without compression, plain values,
//! a dictionary for text that repeats, definition levels for columns with empty cells, and the
//! smallest and largest value and the number of empty cells of each group, so that a reader can skip
//! groups. Any reader takes it; the tests read it back with two that share no code with this.

mod column;
mod meta;
mod thrift;

use std::io::{self, Write};

use crate::{Cell, Column};
use column::Values;
use meta::{Chunk, Group};

/// Rows in a group at most.
pub const GROUP_ROWS: usize = 65_536;
/// Bytes of values in memory after which a group is written.
pub const GROUP_BYTES: usize = 8 << 20;

const MAGIC: &[u8; 4] = b"PAR1";

/// A file being written.
pub(crate) struct File<W> {
    out: W,
    at: u64,
    columns: Vec<Column>,
    values: Vec<Values>,
    rows: usize,
    groups: Vec<Group>,
    notes: Vec<(String, String)>,
}

impl<W: Write> File<W> {
    pub(crate) fn begin(out: W, columns: &[Column], notes: &[(&str, &str)]) -> io::Result<Self> {
        let mut file = Self {
            out,
            at: 0,
            values: columns.iter().map(Values::new).collect(),
            columns: columns.to_vec(),
            rows: 0,
            groups: Vec::new(),
            notes: notes.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect(),
        };
        file.put(MAGIC)?;
        Ok(file)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        for (values, cell) in self.values.iter_mut().zip(cells) {
            values.push(cell);
        }
        self.rows += 1;
        if self.rows == GROUP_ROWS || self.values.iter().map(Values::bytes).sum::<usize>() >= GROUP_BYTES {
            self.group()?;
        }
        Ok(())
    }

    /// Writes what is in memory as a group: the chunk of each column, one after the other.
    fn group(&mut self) -> io::Result<()> {
        let fresh = self.columns.iter().map(Values::new).collect();
        let values = std::mem::replace(&mut self.values, fresh);
        let mut group = Group { rows: self.rows as u64, chunks: Vec::with_capacity(values.len()) };
        for values in values {
            let begin = self.at;
            let pages = values.pages(self.rows);
            if let Some(dictionary) = &pages.dictionary {
                self.put(dictionary)?;
            }
            let data = self.at;
            self.put(&pages.data)?;
            group.chunks.push(Chunk {
                begin,
                data,
                size: self.at - begin,
                has_dictionary: pages.dictionary.is_some(),
                range: pages.range,
                empty: pages.empty,
            });
        }
        self.groups.push(group);
        self.rows = 0;
        Ok(())
    }

    /// Adds a note to the file's metadata.
    pub(crate) fn note(&mut self, key: String, value: String) {
        self.notes.push((key, value));
    }

    pub(crate) fn finish(mut self) -> io::Result<W> {
        if self.rows > 0 {
            self.group()?;
        }
        let footer = meta::footer(&self.columns, &self.groups, &self.notes);
        self.put(&footer)?;
        let length = u32::try_from(footer.len()).map_err(io::Error::other)?;
        self.put(&length.to_le_bytes())?;
        self.put(MAGIC)?;
        Ok(self.out)
    }
}
