//! Lines out of a CSV file: RFC 4180, UTF-8, a header, read record by record.
//!
//! Columns are found by the header's names, in any order. `amount_fen` has whole fen, `amount_yuan`
//! yuan with up to two decimals; a file has one of the two. A byte order mark, spaces around a field
//! and lines that are empty are let pass; an apostrophe that a spreadsheet program put before a sign is
//! taken off.

use super::ask::{BadLine, LineAsk, Lines, too_many};
use crate::{Code, Money, Problem, Result};

/// Longest field, bytes: far beyond any that fits.
const MAX_FIELD: usize = 1_024;
/// The columns that a file may have.
const COLUMNS: [&str; 7] =
    ["out_transfer_no", "wallet_id", "phone", "name", "amount_fen", "amount_yuan", "remark"];

/// Reads the lines of a file. What is wrong with a single line is told with the others' faults.
///
/// # Errors
/// `invalid_request` for what is no UTF-8, a header that does not fit, a quotation that does not end,
/// or too many lines.
pub fn read(file: &[u8]) -> Result<Lines> {
    let text = std::str::from_utf8(file)
        .map_err(|fault| bad(format!("The file is not UTF-8 from byte {} on.", fault.valid_up_to())))?;
    let mut records = Records { rest: text.strip_prefix('\u{feff}').unwrap_or(text) };
    let header = records.next().transpose()?.ok_or_else(|| bad("The file is empty.".into()))?;
    let columns = columns(&header)?;
    let mut lines = Lines::default();
    while let Some(record) = records.next().transpose()? {
        if record.iter().all(String::is_empty) {
            continue;
        }
        if !lines.push(line(lines.next(), &columns, record)) {
            return Err(bad(too_many()));
        }
    }
    Ok(lines)
}

fn bad(detail: String) -> Problem {
    Problem::new(Code::InvalidRequest).field("file").detail(detail)
}

/// Which column each field of the header names.
fn columns(header: &[String]) -> Result<Vec<&'static str>> {
    let mut columns = Vec::with_capacity(header.len());
    for name in header {
        let known = COLUMNS.into_iter().find(|known| known.eq_ignore_ascii_case(name));
        let known = known.ok_or_else(|| bad(format!("The header may name {}.", COLUMNS.join(", "))))?;
        if columns.contains(&known) {
            return Err(bad(format!("The header names `{known}` twice.")));
        }
        columns.push(known);
    }
    let amounts = columns.iter().filter(|column| column.starts_with("amount_")).count();
    if !columns.contains(&"out_transfer_no") || amounts != 1 {
        return Err(bad(
            "The header names `out_transfer_no` and either `amount_fen` or `amount_yuan`.".into()
        ));
    }
    Ok(columns)
}

fn line(place: usize, columns: &[&str], record: Vec<String>) -> std::result::Result<LineAsk, BadLine> {
    if record.len() != columns.len() {
        let reason = format!("The line has {} fields, the header {}.", record.len(), columns.len());
        return Err(BadLine::new(place, "", Code::InvalidRequest, reason));
    }
    let mut ask = LineAsk {
        out_transfer_no: String::new(),
        wallet_id: None,
        phone: None,
        name: None,
        amount: Money::fen(0),
        remark: None,
    };
    let mut amount = None;
    for (column, field) in columns.iter().zip(record) {
        let given = (!field.is_empty()).then(|| field.clone());
        match *column {
            "out_transfer_no" => ask.out_transfer_no = field,
            "wallet_id" => ask.wallet_id = given,
            "phone" => ask.phone = given,
            "name" => ask.name = given,
            "remark" => ask.remark = given,
            "amount_fen" => amount = whole(&field),
            _ => amount = hundredths(&field),
        }
    }
    let number = ask.out_transfer_no.clone();
    match amount {
        Some(fen) => Ok(LineAsk { amount: Money::fen(fen), ..ask }),
        None => Err(BadLine {
            out_transfer_no: crate::text::key("out_transfer_no", &number).is_ok().then_some(number),
            ..BadLine::new(place, "amount", Code::AmountInvalid, "The amount is no number.")
        }),
    }
}

fn whole(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Fen of yuan with up to two decimals.
fn hundredths(text: &str) -> Option<u64> {
    let (yuan, rest) = text.split_once('.').unwrap_or((text, "0"));
    let fen = match rest.len() {
        1 => whole(rest)? * 10,
        2 => whole(rest)?,
        _ => return None,
    };
    whole(yuan)?.checked_mul(100)?.checked_add(fen)
}

/// The records of a file, one after the other.
struct Records<'a> {
    rest: &'a str,
}

impl Iterator for Records<'_> {
    type Item = Result<Vec<String>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let mut record = Vec::new();
        loop {
            match self.field() {
                Ok((field, ends)) => {
                    record.push(field);
                    if ends {
                        return Some(Ok(record));
                    }
                }
                Err(problem) => {
                    self.rest = "";
                    return Some(Err(problem));
                }
            }
        }
    }
}

impl Records<'_> {
    /// The next field, and whether it ends the record.
    fn field(&mut self) -> Result<(String, bool)> {
        let trimmed = self.rest.trim_start_matches([' ', '\t']);
        let mut field = String::new();
        if let Some(quoted) = trimmed.strip_prefix('"') {
            self.rest = quoted;
            loop {
                let end = self.rest.find('"').ok_or_else(|| bad("A quotation does not end.".into()))?;
                field.push_str(&self.rest[..end]);
                self.rest = &self.rest[end + 1..];
                match self.rest.strip_prefix('"') {
                    Some(rest) => {
                        field.push('"');
                        self.rest = rest;
                    }
                    None => break,
                }
            }
        }
        let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
        field.push_str(self.rest[..end].trim());
        if field.len() > MAX_FIELD {
            return Err(bad(format!("A field is longer than {MAX_FIELD} bytes.")));
        }
        let ends = !self.rest[end..].starts_with(',');
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        // What a spreadsheet program does so that a text is not taken for a formula.
        if let Some(plain) = field.strip_prefix('\'').filter(|plain| plain.starts_with(['+', '-', '=', '@']))
        {
            field = plain.to_owned();
        }
        Ok((field, ends))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, expect: &[(&str, Option<&str>, Option<u64>)]) {
        let lines = read(file.as_bytes()).expect("a file");
        let found: Vec<_> = lines
            .0
            .iter()
            .map(|line| match line {
                Ok(line) => (line.out_transfer_no.as_str(), line.remark.as_deref(), Some(line.amount.amount)),
                Err(bad) => (bad.field.as_str(), None, None),
            })
            .collect();
        assert_eq!(found, expect, "{file:?}");
    }

    #[test]
    fn a_file_is_read_as_spreadsheet_programs_write_it() {
        check("out_transfer_no,amount_fen\n1,5\n", &[("1", None, Some(5))]);
        check(
            "\u{feff}Amount_Yuan,out_transfer_no,remark\r\n12.5,1,工资\r\n\r\n7,2,\r\n",
            &[("1", Some("工资"), Some(1_250)), ("2", None, Some(700))],
        );
        check(
            "out_transfer_no,amount_yuan,remark\n1,\"0.01\",\"a, \"\"b\"\"\nc\"\n'+2,3,'=x",
            &[("1", Some("a, \"b\"\nc"), Some(1)), ("+2", Some("=x"), Some(300))],
        );
        check(
            "out_transfer_no,amount_yuan\n1,1.234\n2,-1\n3,1e3\n4\n5,,6\n",
            &[
                ("amount", None, None),
                ("amount", None, None),
                ("amount", None, None),
                ("", None, None),
                ("", None, None),
            ],
        );
        check("out_transfer_no,amount_fen\n", &[]);
    }

    #[test]
    fn a_file_that_is_none_is_refused_as_a_whole() {
        let check = |file: &[u8], says: &str| {
            let problem = read(file).expect_err("no file of ours");
            assert!(problem.detail.as_deref().unwrap_or_default().contains(says), "{problem}");
        };
        check(b"", "empty");
        check(b"out_transfer_no,amount_fen\n\xff,1\n", "byte 27");
        check(b"out_transfer_no,amount_fen,salary\n", "may name");
        check(b"out_transfer_no,out_transfer_no,amount_fen\n", "twice");
        check(b"out_transfer_no,amount_fen,amount_yuan\n", "either");
        check(b"amount_fen\n", "out_transfer_no");
        check(b"out_transfer_no,amount_fen\n\"1,2\n", "does not end");
        check(format!("out_transfer_no,amount_fen\n{},1\n", "x".repeat(2_000)).as_bytes(), "longer");
        check(format!("out_transfer_no,amount_fen\n{}", "1,1\n".repeat(100_001)).as_bytes(), "100000");
    }
}
