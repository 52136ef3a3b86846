//! CSV that others wrote, read row by row.
//!
//! RFC 4180 and what is met beside it: a byte order mark, lines that end with LF alone, fields in quotation
//! marks with commas, doubled marks and line breaks in them. Memory holds one row, at most
//! [`Bounds::row_bytes`]. What is not UTF-8, or has a quotation mark out of place, is refused with its
//! line; nothing is guessed.

use std::io::{self, Read};

/// How much a file may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of the whole file, unpacked.
    pub bytes: u64,
    /// Bytes of one row.
    pub row_bytes: usize,
    /// Fields of one row.
    pub fields: usize,
}

/// Why a file is not read on. Lines count from 1, as an editor shows them.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The bytes could not be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is longer than allowed.
    #[error("it has more than {0} bytes")]
    Bytes(u64),
    /// A row is longer than allowed.
    #[error("line {0}: the row is longer than allowed; is a quotation mark not closed?")]
    Row(u64),
    /// A row has more fields than allowed.
    #[error("line {0}: the row has too many fields")]
    Fields(u64),
    /// A byte sequence is not UTF-8.
    #[error("line {0}: not UTF-8")]
    Utf8(u64),
    /// A quotation mark stands where none may.
    #[error("line {0}: a quotation mark out of place")]
    Quote(u64),
}

impl Fault {
    /// The line at fault, if it is one.
    #[must_use]
    pub const fn line(&self) -> Option<u64> {
        match self {
            Self::Row(line) | Self::Fields(line) | Self::Utf8(line) | Self::Quote(line) => Some(*line),
            Self::Io(_) | Self::Bytes(_) => None,
        }
    }
}

/// Bytes read at once.
const CHUNK: usize = 64 << 10;

/// Where in a row the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// At a field's first byte.
    Start,
    /// In a field without quotation marks.
    Plain,
    /// Within quotation marks.
    Quoted,
    /// After a mark within quotation marks: the field's end, or half of a doubled mark.
    Mark,
}

/// Reads rows.
#[derive(Debug)]
pub struct Rows<R> {
    from: R,
    bounds: Bounds,
    chunk: Vec<u8>,
    at: usize,
    read: u64,
    line: u64,
    row: Row,
    /// The last byte was a CR that ended a row: a LF after it belongs to it.
    after_cr: bool,
    is_over: bool,
}

/// One row; it lives until the next is read.
#[derive(Debug, Default)]
pub struct Row {
    text: Vec<u8>,
    ends: Vec<usize>,
    line: u64,
}

impl Row {
    /// The line on which the row begins.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// Its fields.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it has no field, which no row that was read is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The field at `place`, from 0.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&str> {
        let end = *self.ends.get(place)?;
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        std::str::from_utf8(&self.text[start..end]).ok()
    }

    /// Every field.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|place| self.get(place))
    }
}

impl<R: Read> Rows<R> {
    /// Reads from `from`.
    pub fn new(from: R, bounds: Bounds) -> Self {
        Self {
            from,
            bounds,
            chunk: Vec::new(),
            at: 0,
            read: 0,
            line: 1,
            row: Row::default(),
            after_cr: false,
            is_over: false,
        }
    }

    /// The next row; `None` at the end. Empty lines are passed over.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn read(&mut self) -> Result<Option<&Row>, Fault> {
        loop {
            if !self.fill_row()? {
                return Ok(None);
            }
            if self.row.len() != 1 || !self.row.text.is_empty() {
                return Ok(Some(&self.row));
            }
        }
    }

    /// Reads one line into the row; false at the end.
    fn fill_row(&mut self) -> Result<bool, Fault> {
        self.row.text.clear();
        self.row.ends.clear();
        self.row.line = self.line;
        let (mut at, mut any) = (At::Start, false);
        while let Some(byte) = self.byte()? {
            if std::mem::take(&mut self.after_cr) && byte == b'\n' && !any {
                continue;
            }
            any = true;
            at = match (at, byte) {
                (At::Start, b'"') => At::Quoted,
                (At::Quoted, b'"') => At::Mark,
                (At::Mark, b'"') => {
                    self.row.text.push(b'"');
                    At::Quoted
                }
                (At::Start | At::Plain | At::Mark, b',') => {
                    self.end_field()?;
                    At::Start
                }
                (At::Start | At::Plain | At::Mark, b'\r' | b'\n') => {
                    self.after_cr = byte == b'\r';
                    self.line += 1;
                    return self.end_row().map(|()| true);
                }
                (At::Plain, b'"') | (At::Mark, _) => return Err(Fault::Quote(self.line)),
                (At::Start | At::Plain, _) => {
                    self.row.text.push(byte);
                    At::Plain
                }
                (At::Quoted, _) => {
                    self.line += u64::from(byte == b'\n');
                    self.row.text.push(byte);
                    At::Quoted
                }
            };
            if self.row.text.len() > self.bounds.row_bytes {
                return Err(Fault::Row(self.row.line));
            }
        }
        if at == At::Quoted {
            return Err(Fault::Quote(self.row.line));
        }
        if !any {
            return Ok(false);
        }
        self.end_row().map(|()| true)
    }

    fn end_field(&mut self) -> Result<(), Fault> {
        let start = self.row.ends.last().copied().unwrap_or(0);
        if std::str::from_utf8(&self.row.text[start..]).is_err() {
            return Err(Fault::Utf8(self.row.line));
        }
        self.row.ends.push(self.row.text.len());
        if self.row.ends.len() > self.bounds.fields {
            return Err(Fault::Fields(self.row.line));
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Fault> {
        self.end_field()
    }

    fn byte(&mut self) -> Result<Option<u8>, Fault> {
        if self.at == self.chunk.len() && (self.is_over || !self.fill()?) {
            return Ok(None);
        }
        let byte = self.chunk[self.at];
        self.at += 1;
        Ok(Some(byte))
    }

    fn fill(&mut self) -> Result<bool, Fault> {
        self.chunk.resize(CHUNK, 0);
        self.at = 0;
        let begins = self.read == 0;
        let mut filled = 0;
        // A byte order mark is seen whole: its bytes may come one by one.
        while filled < if begins { 3 } else { 1 } {
            match self.from.read(&mut self.chunk[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.chunk.truncate(filled);
        self.read += filled as u64;
        if self.read > self.bounds.bytes {
            return Err(Fault::Bytes(self.bounds.bytes));
        }
        if begins && self.chunk.starts_with(crate::csv::BOM.as_bytes()) {
            self.at = crate::csv::BOM.len();
        }
        self.is_over = filled == 0;
        Ok(self.at < self.chunk.len() || (filled > 0 && self.fill()?))
    }
}
