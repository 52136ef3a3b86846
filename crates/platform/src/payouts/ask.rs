//! What is asked for: a batch with its lines, by call or by file.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::hash::HashAlgorithm;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Purpose, store};
use crate::{App, Code, Money, Problem, Result, text};

/// The most lines that a call or a file may have, whatever the policy `payout_lines` says: what is read
/// stays bounded before anything is known.
pub const MAX_LINES: usize = 100_000;
/// Longest name of a batch, characters.
const MAX_NAME: usize = 60;

/// A batch to pay out.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayoutAsk {
    /// Your number of it, 1 to 64 letters, digits and `_-|*.:`; yours for ever.
    #[schema(example = "PAY-202611")]
    pub out_batch_no: String,
    /// What it is called, up to 60 characters.
    #[schema(example = "2026年11月工资")]
    pub name: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Leave out lines that are not valid, and pay the others; false by default: then nothing is paid.
    #[serde(default)]
    pub skip_invalid: bool,
    /// Where events about it are sent: http or https.
    pub notify_url: Option<String>,
    /// Who is paid how much, at most 100,000 lines.
    #[schema(value_type = Vec<LineAsk>, max_items = 100_000)]
    pub lines: Lines,
}

/// The same without lines: those are in the file.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FileAsk {
    /// Your number of it, 1 to 64 letters, digits and `_-|*.:`; yours for ever.
    pub out_batch_no: String,
    /// What it is called, up to 60 characters.
    pub name: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Leave out lines that are not valid, and pay the others; false by default: then nothing is paid.
    pub skip_invalid: Option<bool>,
    /// Where events about it are sent: http or https.
    pub notify_url: Option<String>,
}

impl FileAsk {
    /// The batch with the lines of the file.
    #[must_use]
    pub fn with(self, lines: Lines) -> PayoutAsk {
        PayoutAsk {
            out_batch_no: self.out_batch_no,
            name: self.name,
            purpose: self.purpose,
            skip_invalid: self.skip_invalid.unwrap_or(false),
            notify_url: self.notify_url,
            lines,
        }
    }
}

/// One payee. Name it by `wallet_id`, or by `phone` with `name`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PayoutLineAsk)]
pub struct LineAsk {
    /// Your number of the line, 1 to 64 letters, digits and `_-|*.:`; yours for ever.
    #[schema(example = "PAY-202611-0001")]
    pub out_transfer_no: String,
    /// The payee's wallet.
    #[schema(example = "wal_01k9zq6m8e0000000000000000")]
    pub wallet_id: Option<String>,
    /// Or the payee's phone, if they agreed to be found by it.
    #[schema(example = "13800000001")]
    pub phone: Option<String>,
    /// The payee's surname or whole name: needed with a phone, checked wherever it is given.
    #[schema(example = "李")]
    pub name: Option<String>,
    /// How much.
    pub amount: Money,
    /// A word to the payee, up to 100 characters.
    pub remark: Option<String>,
}

/// A line that cannot be paid.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct BadLine {
    /// Its place, from 1, without the header of a file.
    pub line: i64,
    /// The field at fault.
    pub field: String,
    /// A code of the registry.
    pub code: &'static str,
    /// What is wrong with it.
    pub reason: String,
    /// The merchant's number of it, where it could be read.
    #[serde(skip)]
    pub out_transfer_no: Option<String>,
}

impl BadLine {
    pub(super) fn new(line: usize, field: &str, code: Code, reason: impl Into<String>) -> Self {
        Self {
            line: line as i64,
            field: field.to_owned(),
            code: code.text(),
            reason: reason.into(),
            out_transfer_no: None,
        }
    }
}

/// Lines as they came: each is read, or says why it cannot be.
#[derive(Clone, Debug, Default)]
pub struct Lines(pub(super) Vec<std::result::Result<LineAsk, BadLine>>);

impl Lines {
    /// Adds the next line; false once there are too many.
    pub(super) fn push(&mut self, line: std::result::Result<LineAsk, BadLine>) -> bool {
        let fits = self.0.len() < MAX_LINES;
        if fits {
            self.0.push(line);
        }
        fits
    }

    /// The place of the next line.
    pub(super) fn next(&self) -> usize {
        self.0.len() + 1
    }
}

impl FromIterator<LineAsk> for Lines {
    fn from_iter<I: IntoIterator<Item = LineAsk>>(lines: I) -> Self {
        Self(lines.into_iter().map(Ok).collect())
    }
}

pub(super) fn too_many() -> String {
    format!("A batch has at most {MAX_LINES} lines.")
}

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Lines;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of lines")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Lines, A::Error> {
                let mut lines = Lines::default();
                while let Some(value) = seq.next_element::<Value>()? {
                    if !lines.push(line(lines.next(), value)) {
                        return Err(A::Error::custom(too_many()));
                    }
                }
                Ok(lines)
            }
        }
        from.deserialize_seq(Each)
    }
}

/// Reads one line; a misfit names the field as far as it is known.
fn line(place: usize, value: Value) -> std::result::Result<LineAsk, BadLine> {
    let number = value.get("out_transfer_no").and_then(Value::as_str).map(str::to_owned);
    let amount_fits = value.get("amount").is_none_or(|amount| Money::deserialize(amount).is_ok());
    LineAsk::deserialize(value).map_err(|fault| {
        let fault = fault.to_string();
        let (field, code) = match fault.split('`').nth(1) {
            _ if !amount_fits => ("amount", Code::AmountInvalid),
            Some(field) if fault.contains(" field `") => (field, Code::InvalidRequest),
            _ => ("", Code::InvalidRequest),
        };
        let reason = match amount_fits {
            true if fault.contains(" field `") => format!("{fault}."),
            true => "A field is of the wrong type.".to_owned(),
            false => "An amount is whole fen above zero with its currency.".to_owned(),
        };
        let number = number.filter(|number| text::key("out_transfer_no", number).is_ok());
        BadLine { out_transfer_no: number, ..BadLine::new(place, field, code, reason) }
    })
}

impl PayoutAsk {
    /// The same without lines, for a job that keeps it.
    pub(super) fn head(&self) -> Self {
        Self {
            out_batch_no: self.out_batch_no.clone(),
            name: self.name.clone(),
            purpose: self.purpose,
            skip_invalid: self.skip_invalid,
            notify_url: self.notify_url.clone(),
            lines: Lines::default(),
        }
    }

    /// Checks what can be checked without the lines.
    pub(super) fn check(&self) -> Result<()> {
        text::key("out_batch_no", &self.out_batch_no)?;
        text::line("name", &self.name, MAX_NAME)?;
        self.notify_url.as_deref().map_or(Ok(()), |address| text::url("notify_url", address))?;
        if self.lines.0.is_empty() {
            return Err(Problem::new(Code::InvalidRequest).field("lines").detail("A batch has a line."));
        }
        Ok(())
    }

    /// A keyed digest of the lines: names and phones cannot be tried out against it.
    pub(super) fn content(&self, app: &App) -> String {
        let mut hash = HashAlgorithm::Sha256.hasher();
        for line in &self.lines.0 {
            let text = match line {
                Ok(line) => serde_json::to_vec(line),
                Err(bad) => serde_json::to_vec(bad),
            };
            hash.update(&text.unwrap_or_default());
            hash.update(b"\n");
        }
        app.blind.of("payouts.content", &STANDARD.encode(hash.finish()))
    }

    /// Whether this repeats what `row` was made from.
    ///
    /// # Errors
    /// `conflict`, naming the first field that differs.
    pub(super) fn same(&self, row: &store::Row, content: &str) -> Result<()> {
        let differs = [
            ("name", row.name != self.name),
            ("purpose", row.purpose != self.purpose),
            ("skip_invalid", (row.skip_invalid != 0) != self.skip_invalid),
            ("notify_url", row.notify_url != self.notify_url),
            ("lines", row.content != content),
        ];
        Problem::conflict_if(differs, |field| {
            format!("`out_batch_no` was used for a batch with other `{field}`.")
        })
        .map_err(|problem| problem.with("payout_id", row.id.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(value: Value, expect: Option<(&str, Code)>) {
        let bad = line(7, value.clone()).err();
        let found = bad.as_ref().map(|bad| (bad.field.as_str(), bad.code));
        assert_eq!(found, expect.map(|(field, code)| (field, code.text())), "{value}");
        assert!(bad.is_none_or(|bad| bad.line == 7));
    }

    #[test]
    fn a_line_that_cannot_be_read_says_which_field_is_wrong() {
        use Code::{AmountInvalid, InvalidRequest};
        let fen = json!({ "amount": 1, "currency": "CNY" });
        check(json!({ "out_transfer_no": "1", "wallet_id": "w", "amount": fen }), None);
        check(json!({ "wallet_id": "w", "amount": fen }), Some(("out_transfer_no", InvalidRequest)));
        check(json!({ "out_transfer_no": "1" }), Some(("amount", InvalidRequest)));
        check(
            json!({ "out_transfer_no": "1", "amount": { "amount": -1, "currency": "CNY" } }),
            Some(("amount", AmountInvalid)),
        );
        check(
            json!({ "out_transfer_no": "1", "amount": { "amount": 1.5, "currency": "CNY" } }),
            Some(("amount", AmountInvalid)),
        );
        check(json!({ "out_transfer_no": "1", "amount": fen, "bank": 1 }), Some(("bank", InvalidRequest)));
        check(json!({ "out_transfer_no": 1, "amount": fen }), Some(("", InvalidRequest)));
        check(json!(7), Some(("", InvalidRequest)));
    }

    #[test]
    fn one_line_too_many_is_refused_while_it_is_read() {
        let lines =
            |count: usize| serde_json::from_str::<Lines>(&format!("[{}]", vec!["0"; count].join(",")));
        assert_eq!(lines(MAX_LINES).expect("as many as allowed").0.len(), MAX_LINES);
        assert!(lines(MAX_LINES + 1).expect_err("one more").to_string().contains("100000"));
    }
}
