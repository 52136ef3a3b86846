//! Tables written row by row: CSV for people, Parquet for programs.
//!
//! A [`Sheet`] takes rows of [`Cell`]s for fixed [`Column`]s and writes them to anything that takes
//! bytes. It never goes back, so what it writes can be hashed, sealed or sent while it is made. CSV
//! keeps nothing in memory; Parquet keeps one row group, at most [`GROUP_ROWS`] rows or about
//! [`GROUP_BYTES`] bytes, and a few hundred bytes for each group that is done.
//!
//! The same cells give the same table in both forms: money is exact in both, as `28.00` in CSV and as
//! a decimal of scale 2 in Parquet, and so are times. Only text differs: CSV is made safe for
//! spreadsheet programs (see [`mod@csv`]), Parquet holds it as it is. [`read`] takes in CSV that others
//! wrote, row by row and bounded; [`gzip`] packs and unpacks.

pub mod csv;
pub mod gzip;
mod parquet;
pub mod read;

use std::io::{self, Write};

pub use parquet::{GROUP_BYTES, GROUP_ROWS};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Number,
    /// A whole number from zero to 2^64 − 1.
    Natural,
    /// Hundredths of a currency's unit, such as fen: shown with two decimals.
    Hundredths,
    /// Milliseconds since 1970: shown as RFC 3339 at UTC+8.
    Millis,
    /// Nanoseconds since 1970: shown as RFC 3339 at UTC+8.
    Nanos,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name for programs: lower case, fixed.
    pub name: &'static str,
    /// What stands above it in CSV.
    pub title: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether a cell may be empty.
    pub optional: bool,
}

impl Column {
    /// A column that every row fills; its title is its name.
    #[must_use]
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, title: name, kind, optional: false }
    }

    /// The same with cells that may be empty.
    #[must_use]
    pub const fn or_empty(self) -> Self {
        Self { optional: true, ..self }
    }

    /// The same under another title.
    #[must_use]
    pub const fn titled(self, title: &'static str) -> Self {
        Self { title, ..self }
    }
}

/// One cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Nothing; only in an optional column.
    Empty,
    /// For [`Kind::Text`].
    Text(&'a str),
    /// For [`Kind::Number`], [`Kind::Hundredths`], [`Kind::Millis`] and [`Kind::Nanos`].
    Number(i64),
    /// For [`Kind::Natural`].
    Natural(u64),
}

impl<'a> Cell<'a> {
    /// Text, or an empty cell.
    #[must_use]
    pub fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Empty, Self::Text)
    }

    /// A number, or an empty cell.
    #[must_use]
    pub fn number(number: Option<i64>) -> Self {
        number.map_or(Self::Empty, Self::Number)
    }

    /// A natural number, or an empty cell.
    #[must_use]
    pub fn natural(number: Option<u64>) -> Self {
        number.map_or(Self::Empty, Self::Natural)
    }

    const fn fits(&self, column: &Column) -> bool {
        match (self, column.kind) {
            (Self::Empty, _) => column.optional,
            (Self::Text(_), Kind::Text) | (Self::Natural(_), Kind::Natural) => true,
            (Self::Number(_), kind) => !matches!(kind, Kind::Text | Kind::Natural),
            _ => false,
        }
    }
}

/// The form of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, UTF-8, lines ended by CR LF.
    Csv {
        /// Begin with a byte order mark: some spreadsheet programs need it to see that it is UTF-8.
        bom: bool,
    },
    /// Apache Parquet.
    Parquet,
}

/// A table being written.
pub struct Sheet<W: Write> {
    columns: Vec<Column>,
    rows: u64,
    form: Form<W>,
}

enum Form<W: Write> {
    Csv(csv::Lines<W>),
    Parquet(parquet::File<W>),
}

impl<W: Write> Sheet<W> {
    /// Begins a table. `notes` go into a Parquet file's metadata; CSV has no place for them.
    ///
    /// # Errors
    /// The writer's.
    pub fn new(out: W, format: Format, columns: Vec<Column>, notes: &[(&str, &str)]) -> io::Result<Self> {
        let form = match format {
            Format::Csv { bom } => Form::Csv(csv::Lines::begin(out, bom, &columns)?),
            Format::Parquet => Form::Parquet(parquet::File::begin(out, &columns, notes)?),
        };
        Ok(Self { columns, rows: 0, form })
    }

    /// Adds a row: one cell for each column.
    ///
    /// # Errors
    /// `InvalidInput` when the cells do not fit the columns; the writer's.
    pub fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        if cells.len() != self.columns.len() {
            return Err(misfit(format!("{} cells for {} columns", cells.len(), self.columns.len())));
        }
        if let Some((column, cell)) = self.columns.iter().zip(cells).find(|(column, cell)| !cell.fits(column))
        {
            return Err(misfit(format!("{cell:?} does not belong into column {}", column.name)));
        }
        self.rows += 1;
        match &mut self.form {
            Form::Csv(lines) => lines.row(&self.columns, cells),
            Form::Parquet(file) => file.row(cells),
        }
    }

    /// Adds what stands below the rows: a line of titles and a line of values in CSV, notes named
    /// `summary.` and the column's name in Parquet. No row may follow.
    ///
    /// # Errors
    /// `InvalidInput` when the cells do not fit the columns; the writer's.
    pub fn summary(&mut self, columns: &[Column], cells: &[Cell<'_>]) -> io::Result<()> {
        if columns.len() != cells.len() || columns.iter().zip(cells).any(|(column, cell)| !cell.fits(column))
        {
            return Err(misfit("the summary's cells do not belong into its columns".to_owned()));
        }
        match &mut self.form {
            Form::Csv(lines) => {
                lines.titles(columns)?;
                lines.row(columns, cells)
            }
            Form::Parquet(file) => {
                for (column, cell) in columns.iter().zip(cells) {
                    file.note(format!("summary.{}", column.name), csv::shown(column.kind, cell));
                }
                Ok(())
            }
        }
    }

    /// Rows so far.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the table and gives the writer back, flushed.
    ///
    /// # Errors
    /// The writer's.
    pub fn finish(self) -> io::Result<W> {
        let mut out = match self.form {
            Form::Csv(lines) => lines.finish(),
            Form::Parquet(file) => file.finish()?,
        };
        out.flush()?;
        Ok(out)
    }
}

fn misfit(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}
