//! CSV as RFC 4180 has it, safe to open in a spreadsheet program.
//!
//! Fields with a comma, a quotation mark or a line break are quoted. A text that a spreadsheet
//! program would take for a formula (it begins with `=`, `+`, `-`, `@`, a tab or a line break, also in
//! full width or after spaces) gets an apostrophe in front; control characters become spaces. So what
//! somebody wrote into a remark can be read and does nothing. Numbers and times are ours and stay as
//! they are, a minus sign included.

use std::fmt::Write as _;
use std::io::{self, Write};

use jiff::{Timestamp, Zoned, tz};

use crate::{Cell, Column, Kind};

/// The byte order mark of UTF-8.
pub const BOM: &str = "\u{feff}";

/// CSV being written, line by line.
pub(crate) struct Lines<W> {
    out: W,
    line: String,
}

impl<W: Write> Lines<W> {
    pub(crate) fn begin(mut out: W, bom: bool, columns: &[Column]) -> io::Result<Self> {
        if bom {
            out.write_all(BOM.as_bytes())?;
        }
        let mut lines = Self { out, line: String::new() };
        lines.titles(columns)?;
        Ok(lines)
    }

    /// A line of the columns' titles.
    pub(crate) fn titles(&mut self, columns: &[Column]) -> io::Result<()> {
        self.line.clear();
        for (place, column) in columns.iter().enumerate() {
            if place > 0 {
                self.line.push(',');
            }
            quote(&mut self.line, &harmless(column.title));
        }
        self.line.push_str("\r\n");
        self.out.write_all(self.line.as_bytes())
    }

    pub(crate) fn row(&mut self, columns: &[Column], cells: &[Cell<'_>]) -> io::Result<()> {
        self.line.clear();
        for (place, (column, cell)) in columns.iter().zip(cells).enumerate() {
            if place > 0 {
                self.line.push(',');
            }
            match cell {
                Cell::Empty => {}
                Cell::Text(text) => quote(&mut self.line, &harmless(text)),
                Cell::Number(number) => number_as(&mut self.line, column.kind, *number),
                Cell::Natural(number) => {
                    let _ = write!(self.line, "{number}");
                }
            }
        }
        self.line.push_str("\r\n");
        self.out.write_all(self.line.as_bytes())
    }

    pub(crate) fn finish(self) -> W {
        self.out
    }
}

/// A cell as CSV shows it, before quotation marks.
pub(crate) fn shown(kind: Kind, cell: &Cell<'_>) -> String {
    let mut text = String::new();
    match cell {
        Cell::Empty => {}
        Cell::Text(words) => text.push_str(words),
        Cell::Number(number) => number_as(&mut text, kind, *number),
        Cell::Natural(number) => {
            let _ = write!(text, "{number}");
        }
    }
    text
}

fn number_as(line: &mut String, kind: Kind, number: i64) {
    let _ = match kind {
        Kind::Hundredths => {
            let (sign, whole) = (if number < 0 { "-" } else { "" }, number.unsigned_abs());
            write!(line, "{sign}{}.{:02}", whole / 100, whole % 100)
        }
        Kind::Millis => write!(line, "{}", time(Timestamp::from_millisecond(number), "%.3f")),
        Kind::Nanos => {
            write!(line, "{}", time(Timestamp::from_nanosecond(i128::from(number)), "%.9f"))
        }
        Kind::Text | Kind::Number | Kind::Natural => write!(line, "{number}"),
    };
}

/// RFC 3339 at UTC+8.
fn time(at: Result<Timestamp, jiff::Error>, fraction: &str) -> String {
    let at = Zoned::new(at.unwrap_or(Timestamp::UNIX_EPOCH), tz::TimeZone::fixed(tz::offset(8)));
    at.strftime(&format!("%Y-%m-%dT%H:%M:%S{fraction}%:z")).to_string()
}

/// The text without what a spreadsheet program would act upon.
#[must_use]
pub fn harmless(text: &str) -> String {
    let acts = |c: char| matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠');
    let first = text.trim_start_matches([' ', '\u{3000}', '\u{a0}', '\u{feff}']).chars().next();
    let mut safe = String::with_capacity(text.len() + 1);
    if first.is_some_and(acts) {
        safe.push('\'');
    }
    let plain = |c: char| if c.is_control() && !matches!(c, '\n' | '\r') { ' ' } else { c };
    safe.extend(text.chars().map(plain));
    safe
}

/// Adds a field, in quotation marks where it needs them.
fn quote(line: &mut String, text: &str) {
    if text.contains([',', '"', '\r', '\n']) || text.starts_with(' ') || text.ends_with(' ') {
        line.push('"');
        line.push_str(&text.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(text);
    }
}
