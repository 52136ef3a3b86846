//! How a merchant's own file is read: its columns by name, its words, its amounts.
//!
//! A file is read twice, and held in memory neither time. What is kept of an item is its key, hashed to 16
//! bytes, its amount, state and line: 32 bytes each, so that a million take 32 MiB.

use std::io::Read;

use jialing_crypto::hash::HashAlgorithm;
use jialing_sheet::gzip;
use jialing_sheet::read::{Bounds, Row, Rows};
use serde::{Deserialize, Serialize};

use crate::stored;

stored! {
    /// The unit of a file's amounts.
    #[schema(as = ReconciliationUnit)]
    pub enum Unit {
        /// Yuan with up to two decimals, `12.50`.
        Yuan = "yuan",
        /// Whole fen, `1250`.
        Fen = "fen",
    }
}

/// How a file is to be read. The defaults read the platform's own statements of trades.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ReconciliationLayout)]
pub struct Layout {
    /// The column with your number of the order or refund.
    #[schema(example = "商户订单号")]
    pub number: String,
    /// The column with the amount.
    pub amount: String,
    /// The column that tells payments from refunds. Without such a column, amounts below zero are refunds.
    pub kind: String,
    /// The column with the state. Without such a column, everything has succeeded.
    pub state: String,
    /// The unit of amounts: `yuan` by default.
    pub amounts: Unit,
    /// Words for a payment.
    pub payment_words: Vec<String>,
    /// Words for a refund.
    pub refund_words: Vec<String>,
    /// Words for what has succeeded.
    pub success_words: Vec<String>,
    /// Words for what has not ended yet; any other state is a failure.
    pub pending_words: Vec<String>,
}

impl Default for Layout {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self {
            number: "out_no".into(),
            amount: "amount".into(),
            kind: "kind".into(),
            state: "state".into(),
            amounts: Unit::Yuan,
            payment_words: words(&["payment", "支付", "收款"]),
            refund_words: words(&["refund", "退款"]),
            success_words: words(&["SUCCESS", "支付成功", "退款成功", "成功"]),
            pending_words: words(&["PENDING", "PROCESSING", "USERPAYING", "处理中"]),
        }
    }
}

stored! {
    /// What an item is.
    #[schema(as = ReconciliationItemKind)]
    pub enum ItemKind {
        /// An order was paid.
        Payment = "payment",
        /// Something was given back.
        Refund = "refund",
    }
}

stored! {
    /// What the other side says of an item.
    #[schema(as = TheirState)]
    pub enum TheirState {
        /// It has succeeded.
        Success = "SUCCESS",
        /// It has not ended.
        Pending = "PENDING",
        /// It has failed.
        Failed = "FAILED",
    }
}

/// Longest title, and longest word, characters.
pub(super) const MAX_WORD: usize = 64;
/// Words of one meaning, at most.
pub(super) const MAX_WORDS: usize = 20;
/// Bytes of one row, at most.
pub const ROW_BYTES: usize = 64 << 10;
/// Fields of one row, at most.
pub const ROW_FIELDS: usize = 200;
/// How much larger a packed file may be once it is unpacked than any that is sent plain.
const UNPACKED: u64 = 4;

/// An item of the file. 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) key: Key,
    pub(super) amount: i64,
    pub(super) line: u32,
    pub(super) state: TheirState,
    /// Whether one of ours has been put beside it.
    pub(super) met: bool,
}

/// Which item: its kind and number, hashed.
pub(super) type Key = [u8; 16];

/// The key of an item.
pub(super) fn key(kind: ItemKind, number: &str) -> Key {
    let hash = HashAlgorithm::Sha256.digest_parts(&[kind.text().as_bytes(), b"/", number.as_bytes()]);
    std::array::from_fn(|place| hash[place])
}

/// Why a file cannot be read: what, and in which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) what: String,
    pub(super) line: Option<u64>,
}

impl Fault {
    fn at(line: u64, what: impl Into<String>) -> Self {
        Self { what: what.into(), line: Some(line) }
    }
}

impl From<jialing_sheet::read::Fault> for Fault {
    fn from(fault: jialing_sheet::read::Fault) -> Self {
        Self { line: fault.line(), what: fault.to_string() }
    }
}

/// An item as it stands in its line.
pub(super) struct Line<'a> {
    pub(super) number: &'a str,
    pub(super) kind: ItemKind,
    pub(super) amount: i64,
    pub(super) state: TheirState,
    pub(super) line: u32,
}

/// Where the columns are.
struct Places {
    number: usize,
    amount: usize,
    kind: Option<usize>,
    state: Option<usize>,
    count: usize,
}

impl Layout {
    fn places(&self, titles: &Row) -> Result<Places, Fault> {
        let place = |title: &str| titles.iter().position(|found| found.trim() == title);
        let needed = |title: &str| {
            place(title).ok_or_else(|| Fault::at(titles.line(), format!("there is no column {title:?}")))
        };
        Ok(Places {
            number: needed(&self.number)?,
            amount: needed(&self.amount)?,
            kind: place(&self.kind),
            state: place(&self.state),
            count: titles.len(),
        })
    }

    fn line<'a>(&self, row: &'a Row, places: &Places) -> Result<Line<'a>, Fault> {
        let refused = |what: String| Fault::at(row.line(), what);
        if row.len() != places.count {
            return Err(refused(format!("{} fields under {} titles", row.len(), places.count)));
        }
        let field = |place: usize| row.get(place).unwrap_or_default().trim();
        let number = field(places.number);
        if number.is_empty() || number.len() > crate::text::MAX_KEY + 1 {
            return Err(refused(format!("column {:?} holds no number", self.number)));
        }
        // A number that begins like a formula has an apostrophe in front in our own files.
        let number = number.strip_prefix('\'').unwrap_or(number);
        let amount = self.amounts.read(field(places.amount));
        let amount = amount.ok_or_else(|| refused(format!("column {:?} holds no amount", self.amount)))?;
        let is = |words: &[String], text: &str| words.iter().any(|word| word == text);
        let kind = match places.kind.map(field) {
            Some(text) if is(&self.payment_words, text) => ItemKind::Payment,
            Some(text) if is(&self.refund_words, text) => ItemKind::Refund,
            Some(_) => return Err(refused(format!("column {:?} holds another word", self.kind))),
            None if amount < 0 => ItemKind::Refund,
            None => ItemKind::Payment,
        };
        if kind == ItemKind::Payment && amount < 0 {
            return Err(refused("a payment is below zero".into()));
        }
        let state = match places.state.map(field) {
            None => TheirState::Success,
            Some(text) if is(&self.success_words, text) => TheirState::Success,
            Some(text) if is(&self.pending_words, text) => TheirState::Pending,
            Some(_) => TheirState::Failed,
        };
        let line = u32::try_from(row.line()).map_err(|_| refused("too many lines".into()))?;
        Ok(Line { number, kind, amount: amount.abs(), state, line })
    }
}

impl Unit {
    /// An amount in fen; `None` where the text is none. Never more than a payment can be.
    fn read(self, text: &str) -> Option<i64> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let number = |text: &str| {
            (!text.is_empty() && text.len() <= 15 && text.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| text.parse::<i64>().ok())
                .flatten()
        };
        let fen = match self {
            Self::Fen => number(digits)?,
            Self::Yuan => {
                let (yuan, part) = digits.split_once('.').unwrap_or((digits, ""));
                let part = match part.len() {
                    0 if !digits.ends_with('.') => 0,
                    1 => number(part)? * 10,
                    2 => number(part)?,
                    _ => return None,
                };
                number(yuan)?.checked_mul(100)?.checked_add(part)?
            }
        };
        Some(if negative { -fen } else { fen })
    }
}

/// Reads the file, unpacked where it is packed, and hands each item on until `each` says false.
pub(super) fn read(
    file: impl Read,
    layout: &Layout,
    most_bytes: u64,
    mut each: impl FnMut(Line<'_>) -> Result<bool, Fault>,
) -> Result<(), Fault> {
    let mut file = std::io::BufReader::with_capacity(ROW_BYTES, file);
    let head = std::io::BufRead::fill_buf(&mut file)
        .map_err(|error| Fault { what: format!("the file cannot be read: {error}"), line: None })?;
    let packed = head.starts_with(&gzip::MAGIC);
    let plain: Box<dyn Read> = if packed { Box::new(gzip::unpack(file)) } else { Box::new(file) };
    let bytes = if packed { most_bytes.saturating_mul(UNPACKED) } else { most_bytes };
    let mut rows = Rows::new(plain, Bounds { bytes, row_bytes: ROW_BYTES, fields: ROW_FIELDS });
    let Some(titles) = rows.read()? else {
        return Err(Fault { what: "the file holds no titles".into(), line: None });
    };
    let places = layout.places(titles)?;
    while let Some(row) = rows.read()? {
        // What follows the lines of one of our own statements is its summary.
        if row.get(0) == Some(crate::statements::lines::SUMMARY) || row.get(0) == Some("汇总") {
            return Ok(());
        }
        if !each(layout.line(row, &places)?)? {
            return Ok(());
        }
    }
    Ok(())
}

/// Every item of the file, by key and line.
pub(super) fn items(
    file: impl Read,
    layout: &Layout,
    most_bytes: u64,
    most_items: usize,
) -> Result<Vec<Item>, Fault> {
    let mut items = Vec::new();
    read(file, layout, most_bytes, |line| {
        if items.len() == most_items {
            return Err(Fault::at(u64::from(line.line), format!("a file has at most {most_items} items")));
        }
        let key = key(line.kind, line.number);
        items.push(Item { key, amount: line.amount, line: line.line, state: line.state, met: false });
        Ok(true)
    })?;
    items.sort_unstable_by_key(|item| (item.key, item.line));
    Ok(items)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn an_item_takes_32_bytes() {
        assert_eq!(size_of::<Item>(), 32);
    }

    #[test]
    fn amounts_are_read_to_the_fen_or_refused() {
        let check =
            |unit: Unit, text: &str, expect: Option<i64>| assert_eq!(unit.read(text), expect, "{text}");
        check(Unit::Yuan, "12.50", Some(1_250));
        check(Unit::Yuan, "12.5", Some(1_250));
        check(Unit::Yuan, "12", Some(1_200));
        check(Unit::Yuan, "+0.01", Some(1));
        check(Unit::Yuan, "-28.00", Some(-2_800));
        for odd in ["", ".", "12.", ".5", "1.234", "1,000.00", "1e3", "--1", "¥1", "1.-1", "9999999999999999"]
        {
            check(Unit::Yuan, odd, None);
        }
        check(Unit::Fen, "1250", Some(1_250));
        check(Unit::Fen, "-1", Some(-1));
        check(Unit::Fen, "12.50", None);
        check(Unit::Fen, "999999999999999", Some(999_999_999_999_999));
        check(Unit::Yuan, "999999999999999.99", Some(99_999_999_999_999_999));
    }

    type Found = (String, ItemKind, i64, TheirState, u32);

    fn read_all(text: &[u8], layout: &Layout) -> Result<Vec<Found>, Fault> {
        let mut found = Vec::new();
        read(text, layout, 1 << 20, |line| {
            found.push((line.number.to_owned(), line.kind, line.amount, line.state, line.line));
            Ok(true)
        })?;
        Ok(found)
    }

    #[test]
    fn columns_are_found_by_name_and_words_are_understood() {
        let layout = Layout {
            number: "商户订单号".into(),
            amount: "金额".into(),
            kind: "类型".into(),
            state: "状态".into(),
            ..Layout::default()
        };
        let text = "时间,状态, 金额 ,类型,商户订单号\n1,成功,28.00,收款,o-1\n2,处理中,3,退款,r-1\n3,关闭,-1.5,退款,r-2\n";
        let expect = [
            ("o-1".to_owned(), ItemKind::Payment, 2_800, TheirState::Success, 2),
            ("r-1".to_owned(), ItemKind::Refund, 300, TheirState::Pending, 3),
            ("r-2".to_owned(), ItemKind::Refund, 150, TheirState::Failed, 4),
        ];
        assert_eq!(read_all(text.as_bytes(), &layout).expect("readable"), expect);
        let mut packed = gzip::Packer::new(Vec::new());
        packed.write_all(text.as_bytes()).expect("packed");
        assert_eq!(read_all(&packed.finish().expect("packed"), &layout).expect("readable"), expect);
        let bare = "out_no,amount\no-1,1\nr-1,-2\nsummary,lines\ntotal,2\n";
        let found = read_all(bare.as_bytes(), &Layout::default()).expect("readable");
        assert_eq!(
            found.iter().map(|item| (item.1, item.2)).collect::<Vec<_>>(),
            [(ItemKind::Payment, 100), (ItemKind::Refund, 200)]
        );
    }

    #[test]
    fn what_cannot_be_understood_is_refused_with_its_line() {
        let check = |text: &str, what: &str, line: Option<u64>| {
            let fault = read_all(text.as_bytes(), &Layout::default()).expect_err(what);
            assert_eq!((fault.what.as_str(), fault.line), (what, line), "{text}");
        };
        check("", "the file holds no titles", None);
        check("a,b\n", "there is no column \"out_no\"", Some(1));
        check("out_no,amount\no-1\n", "1 fields under 2 titles", Some(2));
        check("out_no,amount\n,1\n", "column \"out_no\" holds no number", Some(2));
        check("out_no,amount\no-1,one\n", "column \"amount\" holds no amount", Some(2));
        check("out_no,amount,kind\no-1,1,gift\n", "column \"kind\" holds another word", Some(2));
        check("out_no,amount,kind\no-1,-1,payment\n", "a payment is below zero", Some(2));
        check("out_no,amount\n\"o-1,1\n", "line 2: a quotation mark out of place", Some(2));
    }

    #[test]
    fn a_file_holds_so_many_items_and_a_packed_one_does_not_burst() {
        let text = format!("out_no,amount\n{}", "o,1\n".repeat(3));
        assert_eq!(items(text.as_bytes(), &Layout::default(), 1 << 20, 3).expect("three fit").len(), 3);
        let fault = items(text.as_bytes(), &Layout::default(), 1 << 20, 2).expect_err("three do not");
        assert_eq!(fault.line, Some(4));
        let mut packed = gzip::Packer::new(Vec::new());
        packed.write_all(format!("out_no,amount\n{}", "o,1\n".repeat(100_000)).as_bytes()).expect("packed");
        let packed = packed.finish().expect("packed");
        let most = packed.len() as u64;
        let fault = items(packed.as_slice(), &Layout::default(), most, usize::MAX).expect_err("too much");
        assert!(fault.what.contains("bytes"), "{}", fault.what);
    }
}
