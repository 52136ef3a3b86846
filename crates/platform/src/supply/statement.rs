//! The text that a day's proof of supply stands on, and whose digest is in the log.
//!
//! One text for one day: where the log stood at the cut, and for every book (the accounts of one
//! currency with one liability holder) how many accounts there were, what was issued and redeemed,
//! and the root of the sum tree over all balances. Each names the digest of the one before, so that
//! two versions of a day lead to two versions of every later day.

use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::hash::{Digest, HashAlgorithm};
use jialing_crypto::sum_tree::SumNode;

use super::Day;

/// The first line.
const TITLE: &str = "jialing supply 1";
/// Books in a statement at most.
pub const MAX_BOOKS: usize = 10_000;

/// What is stated about one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The log's name.
    pub log: String,
    /// The day that has ended.
    pub day: Day,
    /// Records in the log before the day's cut.
    pub records: u64,
    /// The log's root over them.
    pub root: Digest,
    /// The hash of the log, of the trees and of this text.
    pub hash: HashAlgorithm,
    /// The digest of the statement before; none before the first.
    pub before: Option<Digest>,
    /// The books, by currency and holder.
    pub books: Vec<Book>,
}

/// All accounts of one currency with one liability holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Book {
    /// ISO 4217 numeric.
    pub currency: u16,
    /// The liability holder; 1 is the central bank.
    pub holder: u32,
    /// All it ever issued, minor units.
    pub issued: u64,
    /// All it ever took back.
    pub redeemed: u64,
    /// Accounts in the tree: all that are open, except those that issue.
    pub leaves: u64,
    /// The tree's root with the sum of their balances.
    pub tree: SumNode,
}

impl Book {
    /// Whether what was found in accounts is what was issued less what was redeemed.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.issued.checked_sub(self.redeemed) == Some(self.tree.sum)
    }
}

/// The text is no statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no statement of supply: {0}")]
pub struct BadStatement(&'static str);

impl Statement {
    /// The text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let before = self.before.map_or("-".to_owned(), |digest| STANDARD.encode(digest));
        let mut text = format!(
            "{TITLE}\nlog {}\nday {}\ncut {}\nrecords {}\nroot {}\nhash {}\nbefore {before}\n",
            self.log,
            self.day,
            self.day.cut(),
            self.records,
            STANDARD.encode(self.root),
            self.hash.wire_name(),
        );
        for book in &self.books {
            let Book { currency, holder, issued, redeemed, leaves, tree } = book;
            let root = STANDARD.encode(tree.hash);
            let _ = writeln!(
                text,
                "book {currency} {holder} issued {issued} redeemed {redeemed} leaves {leaves} sum {} tree {root}",
                tree.sum
            );
        }
        text
    }

    /// Reads the text. Only what [`Statement::to_text`] writes again the same way is accepted.
    ///
    /// # Errors
    /// [`BadStatement`]; also when a book does not balance, or books are not in order.
    pub fn parse(text: &str) -> Result<Self, BadStatement> {
        let mut lines = text.split('\n');
        let mut field = |name: &'static str| {
            lines.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(' ')).ok_or(BadStatement(name))
        };
        let version = field("jialing supply")?;
        let log = field("log")?.to_owned();
        let day: Day = field("day")?.parse().map_err(|_| BadStatement("day"))?;
        let cut: u64 = number(field("cut")?, "cut")?;
        let records = number(field("records")?, "records")?;
        let root = digest(field("root")?, "root")?;
        let hash = match field("hash")? {
            "SHA256" => HashAlgorithm::Sha256,
            "SM3" => HashAlgorithm::Sm3,
            _ => return Err(BadStatement("hash")),
        };
        let before = match field("before")? {
            "-" => None,
            text => Some(digest(text, "before")?),
        };
        let rest: Vec<&str> = lines.collect();
        let Some((&"", books)) = rest.split_last() else { return Err(BadStatement("its end")) };
        if version != "1" || cut != day.cut() || books.len() > MAX_BOOKS {
            return Err(BadStatement("another version"));
        }
        let books = books.iter().map(|line| book(line)).collect::<Result<Vec<_>, _>>()?;
        let statement = Self { log, day, records, root, hash, before, books };
        if statement.to_text() == text {
            statement.sound()
        } else {
            Err(BadStatement("not as it is written"))
        }
    }

    /// The statement, if its books stand in order and balance.
    fn sound(self) -> Result<Self, BadStatement> {
        let keys = self.books.iter().map(|book| (book.currency, book.holder));
        if !keys.is_sorted_by(|a, b| a < b) {
            return Err(BadStatement("the books are not in order"));
        }
        if self.books.iter().all(Book::is_balanced) {
            Ok(self)
        } else {
            Err(BadStatement("a book's accounts do not hold what was issued less what was redeemed"))
        }
    }

    /// The digest that the log holds.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.hash.digest(self.to_text().as_bytes())
    }
}

fn book(line: &str) -> Result<Book, BadStatement> {
    const BAD: BadStatement = BadStatement("a book");
    let words: Vec<&str> = line.split(' ').collect();
    let [
        "book",
        currency,
        holder,
        "issued",
        issued,
        "redeemed",
        redeemed,
        "leaves",
        leaves,
        "sum",
        sum,
        "tree",
        tree,
    ] = words[..]
    else {
        return Err(BAD);
    };
    Ok(Book {
        currency: number(currency, "a book's currency")?,
        holder: number(holder, "a book's holder")?,
        issued: number(issued, "a book's amount issued")?,
        redeemed: number(redeemed, "a book's amount redeemed")?,
        leaves: number(leaves, "a book's leaves")?,
        tree: SumNode { hash: digest(tree, "a book's tree")?, sum: number(sum, "a book's sum")? },
    })
}

fn number<N: std::str::FromStr>(text: &str, what: &'static str) -> Result<N, BadStatement> {
    text.parse().map_err(|_| BadStatement(what))
}

fn digest(text: &str, what: &'static str) -> Result<Digest, BadStatement> {
    STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(BadStatement(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement() -> Statement {
        let book = |holder, issued, redeemed, sum| Book {
            currency: 156,
            holder,
            issued,
            redeemed,
            leaves: 3,
            tree: SumNode { hash: [holder as u8; 32], sum },
        };
        Statement {
            log: "test/log".to_owned(),
            day: "2026-11-21".parse().expect("a day"),
            records: 42,
            root: [7; 32],
            hash: HashAlgorithm::Sha256,
            before: Some([9; 32]),
            books: vec![book(1, 100, 20, 80), book(2, u64::MAX, 1, u64::MAX - 1)],
        }
    }

    #[test]
    fn a_statement_is_read_as_it_was_written() {
        let text = statement().to_text();
        assert_eq!(Statement::parse(&text), Ok(statement()));
        assert!(text.starts_with(
            "jialing supply 1\nlog test/log\nday 2026-11-21\ncut 1795276800000000000\nrecords 42\nroot BwcH"
        ));
        assert!(text.ends_with(
            " leaves 3 sum 18446744073709551614 tree AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n"
        ));
        let first = Statement { before: None, books: Vec::new(), ..statement() };
        assert_eq!(Statement::parse(&first.to_text()), Ok(first));
    }

    #[test]
    fn a_statement_that_does_not_add_up_is_none() {
        let check = |change: fn(&mut Statement), expect: &str| {
            let mut changed = statement();
            change(&mut changed);
            let fault = Statement::parse(&changed.to_text()).expect_err(expect).to_string();
            assert!(fault.contains(expect), "{fault}");
        };
        check(|s| s.books[0].tree.sum += 1, "issued less");
        check(|s| s.books[0].redeemed = 101, "issued less");
        check(|s| s.books.swap(0, 1), "in order");
        check(|s| s.books[1] = s.books[0], "in order");
    }

    /// Every text one byte away from a statement is another statement, written in full, or none.
    #[test]
    fn no_other_text_is_read_as_the_same_statement() {
        let text = statement().to_text();
        for at in 0..text.len() {
            for byte in *b"0 1-\nA~" {
                let mut bytes = text.clone().into_bytes();
                bytes[at] = byte;
                let changed = String::from_utf8(bytes).expect("ASCII");
                if let Ok(read) = Statement::parse(&changed) {
                    assert_eq!(read.to_text(), changed);
                    assert_eq!(read == statement(), changed == text, "at {at}");
                }
            }
            assert!(Statement::parse(&text[..at]).map_or(true, |read| read.books.len() < 2), "cut at {at}");
        }
        for extra in ["\n", "book\n", "x"] {
            assert!(Statement::parse(&format!("{text}{extra}")).is_err());
        }
    }
}
