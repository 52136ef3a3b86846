//! Checks proofs of supply offline, with nothing but the ledger's verifier key.
//!
//! [`verify_total`] checks what the platform publishes for a day: that the log holds the digest of the
//! statement, and that in every book the accounts' balances add up to what was issued less what was
//! redeemed. [`verify_balance`] checks that one account's balance is counted in it.
//!
//! Written from the published format alone (`docs/reference/supply.md`), so that it shares no code with
//! the platform that builds the trees: where the two disagree, one of them is wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::cosign::{self, Cosignature};
use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::proof;
use serde::Deserialize;
use serde_json::Value;

use crate::receipt::Trust;

const TOTAL_FORMAT: &str = "jialing-supply-total/1";
const BALANCE_FORMAT: &str = "jialing-supply-balance/1";
/// Bytes of a record.
const RECORD_LEN: usize = 118;
/// Crockford's digits, as account numbers are written.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Nanoseconds of a day, and of eight hours.
const DAY: u128 = 86_400_000_000_000;
const EIGHT_HOURS: u128 = 28_800_000_000_000;

/// The proof does not hold, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not hold: {0}")]
pub struct NotProven(pub String);

/// A day's supply that is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    /// The day, such as `2026-11-21`; it ended at midnight UTC+8.
    pub day: String,
    /// Records in the log before that midnight.
    pub records: u64,
    /// The books, by currency and holder.
    pub books: Vec<Book>,
    /// The digest of the statement: compare it with what others were given.
    pub digest: [u8; 32],
    /// The digest of the statement before.
    pub before: Option<[u8; 32]>,
    /// The record that holds the digest.
    pub record: u64,
    /// The trusted witnesses that cosigned the checkpoint.
    pub cosigned: Vec<Cosignature>,
}

/// All accounts of one currency with one liability holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book {
    /// ISO 4217 numeric.
    pub currency: u16,
    /// The number of the liability holder; 1 is the central bank.
    pub holder: u32,
    /// All it ever issued, minor units.
    pub issued: u64,
    /// All it ever took back.
    pub redeemed: u64,
    /// Accounts counted.
    pub accounts: u64,
    /// What they held together: issued less redeemed.
    pub sum: u64,
    tree: [u8; 32],
}

/// A balance that is counted in a day's supply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The account's number, 26 digits.
    pub account: String,
    /// What it held at the cut, minor units.
    pub balance: u64,
    /// The book it is counted in.
    pub book: Book,
    /// The day's supply.
    pub total: Total,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TotalFile {
    format: String,
    statement: String,
    proof: NoteProof,
    /// For reading; not looked at.
    #[serde(rename = "described")]
    _described: Value,
    #[serde(rename = "proves")]
    _proves: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BalanceFile {
    format: String,
    account: String,
    balance: Money,
    holder: u32,
    nonce: String,
    leaf_index: u64,
    path: Vec<PathNode>,
    statement: String,
    proof: NoteProof,
    #[serde(rename = "proves")]
    _proves: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoteProof {
    log: String,
    key_id: String,
    record: String,
    leaf_index: u64,
    tree_size: u64,
    path: Vec<String>,
    checkpoint: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Money {
    amount: u64,
    currency: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PathNode {
    hash: String,
    sum: String,
}

/// Checks a day's total (`/v1/public/supply/proofs/{day}`).
///
/// # Errors
/// [`NotProven`], with the first fault.
pub fn verify_total(file: &Value, trust: &Trust) -> Result<Total, NotProven> {
    let file =
        TotalFile::deserialize(file).map_err(|error| no(format!("it is not of the format: {error}")))?;
    ensure(file.format == TOTAL_FORMAT, "its format is another")?;
    stated(&file.statement, &file.proof, trust)
}

/// Checks the proof of an account's balance (`/v1/wallet/wallets/{id}/supply-proof`).
///
/// # Errors
/// [`NotProven`], with the first fault.
pub fn verify_balance(file: &Value, trust: &Trust) -> Result<Counted, NotProven> {
    let file =
        BalanceFile::deserialize(file).map_err(|error| no(format!("it is not of the format: {error}")))?;
    ensure(file.format == BALANCE_FORMAT, "its format is another")?;
    let total = stated(&file.statement, &file.proof, trust)?;
    ensure(file.balance.currency == "CNY", "its currency is unknown")?;
    let book = total.books.iter().find(|book| (book.currency, book.holder) == (156, file.holder));
    let book = book.ok_or_else(|| no("the statement has no such book"))?.clone();
    let account = number(&file.account).ok_or_else(|| no("`account` is not 26 digits of base 32"))?;
    let nonce: [u8; 32] = decode("`nonce`", &file.nonce)?;
    let path = file.path.iter().map(Node::read).collect::<Result<Vec<_>, _>>()?;
    let tree = Tree(trust.ledger.tree_hash());
    let root =
        tree.root(tree.leaf(account, &nonce, file.balance.amount), file.leaf_index, book.accounts, &path)?;
    ensure(
        root == Node { hash: book.tree, sum: book.sum },
        "the path does not lead to the root and sum that the statement names",
    )?;
    Ok(Counted { account: file.account, balance: file.balance.amount, book, total })
}

/// A hash and the sum under it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Node {
    hash: [u8; 32],
    sum: u64,
}

impl Node {
    fn read(node: &PathNode) -> Result<Self, NotProven> {
        let sum: u64 = node.sum.parse().map_err(|_| no("a sum on the path is no amount"))?;
        ensure(sum.to_string() == node.sum, "a sum on the path is not as it is written")?;
        Ok(Self { hash: decode("the path", &node.hash)?, sum })
    }
}

/// The sum tree's hashes.
struct Tree(HashAlgorithm);

impl Tree {
    fn leaf(&self, account: u128, nonce: &[u8; 32], balance: u64) -> Node {
        let who = self.0.digest_parts(&[b"JIALING-SUM-WHO-1", &account.to_be_bytes(), nonce]);
        Node {
            hash: self.0.digest_parts(&[b"JIALING-SUM-LEAF-1", &who, &balance.to_be_bytes()]),
            sum: balance,
        }
    }

    fn parent(&self, left: Node, right: Node) -> Result<Node, NotProven> {
        let sum = left.sum.checked_add(right.sum).ok_or_else(|| no("the sums on the path overflow"))?;
        let mut text = b"JIALING-SUM-NODE-1".to_vec();
        for node in [left, right] {
            text.extend(node.hash);
            text.extend(node.sum.to_be_bytes());
        }
        Ok(Node { hash: self.0.digest(&text), sum })
    }

    /// The root that `path` leads to from leaf `index` of `size`: at each level, the subtree that holds
    /// the leaf is split as RFC 6962 splits it, from the root down; the path is read from its end.
    fn root(&self, leaf: Node, index: u64, size: u64, path: &[Node]) -> Result<Node, NotProven> {
        ensure(index < size, "the leaf is outside the tree")?;
        if size == 1 {
            ensure(path.is_empty(), "the path is too long")?;
            return Ok(leaf);
        }
        let (sibling, below) = path.split_last().ok_or_else(|| no("the path is too short"))?;
        let split = 1_u64 << (size - 1).ilog2();
        if index < split {
            self.parent(self.root(leaf, index, split, below)?, *sibling)
        } else {
            self.parent(*sibling, self.root(leaf, index - split, size - split, below)?)
        }
    }
}

/// The statement, once it is known that the log holds its digest, and that it adds up.
fn stated(statement: &str, held: &NoteProof, trust: &Trust) -> Result<Total, NotProven> {
    let hash = trust.ledger.tree_hash();
    let digest = hash.digest(statement.as_bytes());
    let mut lines =
        Lines(statement.strip_suffix('\n').ok_or_else(|| no("the statement has no end"))?.split('\n'));
    ensure(lines.next("jialing supply")? == "1", "the statement is of another version")?;
    ensure(lines.next("log")? == trust.ledger.name(), "the statement is of another log")?;
    let day = lines.next("day")?.to_owned();
    let cut: u64 = whole(lines.next("cut")?)?;
    ensure(ends(&day) == Some(cut.into()), "the cut is not the midnight after the day")?;
    let records = whole(lines.next("records")?)?;
    decode::<32>("the log's root", lines.next("root")?)?;
    ensure(lines.next("hash")? == hash.wire_name(), "the statement's hash is not the log's")?;
    let before = match lines.next("before")? {
        "-" => None,
        text => Some(decode("the digest of the statement before", text)?),
    };
    let books = lines.0.map(book).collect::<Result<Vec<_>, _>>()?;
    let in_order = books.is_sorted_by(|a, b| (a.currency, a.holder) < (b.currency, b.holder));
    ensure(in_order, "the books are not in order")?;
    let (record, cosigned) = noted(held, trust)?;
    ensure(record[16] == 6 && record[17..19] == [2, 0], "the record is no note of a supply")?;
    let number = u128::from_le_bytes(std::array::from_fn(|n| record[19 + n]));
    let noted_day = number.checked_add(1).and_then(|days| days.checked_mul(DAY));
    ensure(noted_day == Some(u128::from(cut) + EIGHT_HOURS), "the record is about another day")?;
    ensure(record[35..67] == digest, "the record holds another digest")?;
    let time = u64::from_le_bytes(std::array::from_fn(|n| record[8 + n]));
    ensure(time >= cut && held.leaf_index >= records, "the statement is older than the end of its day")?;
    Ok(Total { day, records, books, digest, before, record: held.leaf_index, cosigned })
}

/// The lines of a statement, each with its name.
struct Lines<'a>(std::str::Split<'a, char>);

impl<'a> Lines<'a> {
    fn next(&mut self, name: &str) -> Result<&'a str, NotProven> {
        let value = self.0.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.ok_or_else(|| no(format!("the statement has no `{name}` where it should")))
    }
}

/// A book's line; it must add up.
fn book(line: &str) -> Result<Book, NotProven> {
    let words: Vec<&str> = line.split(' ').collect();
    let names = [0, 3, 5, 7, 9, 11].map(|at| words.get(at).copied().unwrap_or_default());
    ensure(
        words.len() == 13 && names == ["book", "issued", "redeemed", "leaves", "sum", "tree"],
        "a line of the statement is no book",
    )?;
    let book = Book {
        currency: whole(words[1])?,
        holder: whole(words[2])?,
        issued: whole(words[4])?,
        redeemed: whole(words[6])?,
        accounts: whole(words[8])?,
        sum: whole(words[10])?,
        tree: decode("a book's tree", words[12])?,
    };
    let balanced = book.issued.checked_sub(book.redeemed) == Some(book.sum);
    ensure(balanced, "a book's accounts do not hold what was issued less what was redeemed")?;
    Ok(book)
}

/// The note's bytes, once they are known to be in the ledger's log, and who cosigned that.
fn noted(held: &NoteProof, trust: &Trust) -> Result<([u8; RECORD_LEN], Vec<Cosignature>), NotProven> {
    let ledger = &trust.ledger;
    ensure(held.log == ledger.name(), "it is about another log")?;
    let key_id: String = ledger.key_id().iter().map(|byte| format!("{byte:02x}")).collect();
    ensure(held.key_id == key_id, "`key_id` is not the ledger's")?;
    let (checkpoint, cosigned) = cosign::open(&held.checkpoint, ledger, &trust.witnesses, trust.need)
        .map_err(|error| no(format!("the checkpoint: {error}")))?;
    ensure(held.tree_size == checkpoint.size, "`tree_size` is not what the checkpoint says")?;
    let record: [u8; RECORD_LEN] = decode("the record", &held.record)?;
    let path = held.path.iter().map(|hash| decode("the path", hash)).collect::<Result<Vec<_>, _>>()?;
    let hash = ledger.tree_hash();
    let leaf = proof::leaf_hash(hash, &record);
    proof::verify_inclusion(hash, &leaf, held.leaf_index, checkpoint.size, &path, &checkpoint.root)
        .map_err(|error| no(format!("the path in the log: {error}")))?;
    ensure(record[..8] == held.leaf_index.to_le_bytes(), "the record's number is not its place in the log")?;
    Ok((record, cosigned))
}

/// The midnight at UTC+8 that ends the day, nanoseconds since 1970.
fn ends(day: &str) -> Option<u128> {
    let date: jiff::civil::Date = day.parse().ok()?;
    let midnight = date.tomorrow().ok()?.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8))).ok()?;
    (date.to_string() == day).then(|| u128::try_from(midnight.timestamp().as_nanosecond()).ok()).flatten()
}

/// A whole number, written the one way there is.
fn whole<N: std::str::FromStr + ToString>(text: &str) -> Result<N, NotProven> {
    let number: Option<N> = text.parse().ok();
    number.filter(|number| number.to_string() == text).ok_or_else(|| no(format!("`{text}` is no number")))
}

/// The number of 26 digits.
fn number(text: &str) -> Option<u128> {
    let mut digits = text.bytes().map(|byte| DIGITS.iter().position(|digit| *digit == byte));
    let first = digits.next()??;
    if text.len() != 26 || first > 7 {
        return None;
    }
    digits.try_fold(first as u128, |number, digit| Some(number << 5 | digit? as u128))
}

fn no(why: impl Into<String>) -> NotProven {
    NotProven(why.into())
}

fn ensure(holds: bool, otherwise: &str) -> Result<(), NotProven> {
    if holds { Ok(()) } else { Err(no(otherwise)) }
}

fn decode<const N: usize>(what: &str, text: &str) -> Result<[u8; N], NotProven> {
    let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| no(format!("{what} is not {N} bytes in base64")))
}
