//! Every account's balance at one place of the journal, in pages, and how records change them.
//!
//! The table holds 32 bytes for each open account, ordered by number, [`PER_PAGE`] to a page. The
//! records that follow are collected by account ([`Changes`]) and then merged with the table in one
//! pass, page by page: memory is bounded by the accounts that changed, not by those that there are.

use std::collections::HashMap;

use jialing_ledger::{AccountKind, Body, Id, Record};

use crate::{Problem, Result};

/// Bytes of an entry.
const LEN: usize = 32;
/// Entries in a page.
pub(super) const PER_PAGE: usize = 2048;
/// Accounts whose changes are collected before they are merged.
pub(super) const MOST_CHANGED: usize = 1 << 19;

/// An open account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) account: Id,
    pub(super) balance: i64,
    pub(super) currency: u16,
    pub(super) holder: u32,
    pub(super) kind: AccountKind,
}

impl Entry {
    /// The book that the account is in.
    pub(super) const fn book(&self) -> (u16, u32) {
        (self.currency, self.holder)
    }

    fn write(&self, to: &mut Vec<u8>) {
        to.extend(self.account.to_be_bytes());
        to.extend(self.balance.to_be_bytes());
        to.extend(self.currency.to_be_bytes());
        to.extend(self.holder.to_be_bytes());
        to.extend([self.kind as u8, 0]);
    }

    fn read(bytes: &[u8; LEN]) -> Option<Self> {
        let kind = AccountKind::from_number(bytes[30])?;
        (bytes[31] == 0).then(|| Self {
            account: u128::from_be_bytes(at(bytes, 0)),
            balance: i64::from_be_bytes(at(bytes, 16)),
            currency: u16::from_be_bytes(at(bytes, 24)),
            holder: u32::from_be_bytes(at(bytes, 26)),
            kind,
        })
    }
}

fn at<const N: usize>(bytes: &[u8; LEN], from: usize) -> [u8; N] {
    std::array::from_fn(|n| bytes[from + n])
}

/// The bytes of a page.
pub(super) fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * LEN);
    entries.iter().for_each(|entry| entry.write(&mut bytes));
    bytes
}

/// The entries of a page; `None` unless they are whole, in order and not too many.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<Entry>> {
    let (entries, rest) = bytes.as_chunks::<LEN>();
    if !rest.is_empty() || entries.is_empty() || entries.len() > PER_PAGE {
        return None;
    }
    let entries = entries.iter().map(Entry::read).collect::<Option<Vec<_>>>()?;
    entries.is_sorted_by(|a, b| a.account < b.account).then_some(entries)
}

/// What records did to one account.
#[derive(Clone, Copy, Debug, Default)]
struct Change {
    opened: Option<(u16, u32, AccountKind)>,
    balance: Option<i64>,
    closed: bool,
    /// Sums of what left and what arrived.
    debits: u64,
    credits: u64,
}

/// What records did to accounts, by account.
#[derive(Debug, Default)]
pub(super) struct Changes(HashMap<Id, Change>);

/// What was issued and redeemed in a book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flows {
    pub(super) issued: u64,
    pub(super) redeemed: u64,
}

impl Changes {
    /// Adds what `record` did.
    ///
    /// # Errors
    /// `internal` when sums overflow.
    pub(super) fn take(&mut self, record: &Record) -> Result<()> {
        match record.body {
            Body::AccountOpened { id, currency, kind, holder, .. } => {
                self.0.entry(id).or_default().opened = Some((currency, holder, kind));
            }
            Body::AccountChanged { id, closed, balance, .. } => {
                let change = self.0.entry(id).or_default();
                change.closed = closed;
                change.balance = Some(balance);
            }
            Body::Transfer(transfer) if transfer.op.moves() => {
                let debit = self.0.entry(transfer.debit).or_default();
                debit.balance = Some(transfer.debit_balance);
                debit.debits = sum(debit.debits, transfer.amount)?;
                let credit = self.0.entry(transfer.credit).or_default();
                credit.balance = Some(transfer.credit_balance);
                credit.credits = sum(credit.credits, transfer.amount)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether it is time to merge.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MOST_CHANGED
    }

    /// The changes in the order of accounts, ready to be merged.
    pub(super) fn sorted(self) -> Merge {
        let mut changes: Vec<(Id, Change)> = self.0.into_iter().collect();
        changes.sort_unstable_by_key(|(account, _)| *account);
        Merge { changes: changes.into_iter().peekable(), flows: HashMap::new() }
    }
}

fn sum(a: u64, b: u64) -> Result<u64> {
    a.checked_add(b).ok_or_else(|| Problem::internal("the amounts of the journal overflow"))
}

/// A merge of changes with the table.
pub(super) struct Merge {
    changes: std::iter::Peekable<std::vec::IntoIter<(Id, Change)>>,
    flows: HashMap<(u16, u32), Flows>,
}

impl Merge {
    /// The entries after the changes, from those of the next page of the table before them.
    ///
    /// # Errors
    /// `internal` when the records contradict the table.
    pub(super) fn page(&mut self, before: Vec<Entry>, after: &mut Vec<Entry>) -> Result<()> {
        for entry in before {
            self.up_to(Some(entry.account), after)?;
            match self.changes.next_if(|(account, _)| *account == entry.account) {
                None => after.push(entry),
                Some((account, change)) if change.opened.is_some() => {
                    return Err(contradiction(account, "was opened twice"));
                }
                Some((_, change)) => self.put(entry, &change, after)?,
            }
        }
        Ok(())
    }

    /// The accounts that were opened after the last of the table, and what was issued and redeemed in
    /// each book by all that was merged.
    ///
    /// # Errors
    /// As [`Merge::page`].
    pub(super) fn rest(mut self, after: &mut Vec<Entry>) -> Result<HashMap<(u16, u32), Flows>> {
        self.up_to(None, after)?;
        Ok(self.flows)
    }

    /// New accounts with numbers below `bound`.
    fn up_to(&mut self, bound: Option<Id>, after: &mut Vec<Entry>) -> Result<()> {
        while let Some((account, change)) =
            self.changes.next_if(|(account, _)| bound.is_none_or(|bound| *account < bound))
        {
            let (currency, holder, kind) =
                change.opened.ok_or_else(|| contradiction(account, "moved money and was never opened"))?;
            self.put(Entry { account, balance: 0, currency, holder, kind }, &change, after)?;
        }
        Ok(())
    }

    fn put(&mut self, mut entry: Entry, change: &Change, after: &mut Vec<Entry>) -> Result<()> {
        entry.balance = change.balance.unwrap_or(entry.balance);
        let flows = self.flows.entry(entry.book()).or_default();
        if entry.kind == AccountKind::Issuance {
            flows.issued = sum(flows.issued, change.debits)?;
            flows.redeemed = sum(flows.redeemed, change.credits)?;
        }
        match (change.closed, entry.balance) {
            (false, _) => after.push(entry),
            // Closed for good: it holds nothing and never will.
            (true, 0) => {}
            (true, _) => return Err(contradiction(entry.account, "was closed with money in it")),
        }
        Ok(())
    }
}

fn contradiction(account: Id, what: &str) -> Problem {
    Problem::internal(format!(
        "account {account:x} {what}: the journal contradicts itself; run `jialing verify`"
    ))
}

#[cfg(test)]
mod tests {
    use jialing_ledger::{Op, Transfer};

    use super::*;

    const KINDS: [AccountKind; 3] = [AccountKind::Issuance, AccountKind::Vault, AccountKind::Personal];

    fn opened(id: Id, kind: AccountKind) -> Body {
        Body::AccountOpened { id, currency: 156, kind, holder: 1, min: 0, max: i64::MAX }
    }

    fn moved(
        op: Op,
        (debit, debit_balance): (Id, i64),
        (credit, credit_balance): (Id, i64),
        amount: u64,
    ) -> Body {
        Body::Transfer(Transfer {
            id: 1,
            op,
            kind: 1,
            debit,
            credit,
            amount,
            debit_balance,
            credit_balance,
            link: [0; 24],
            leg: 0,
            legs: 1,
            has_terms: false,
        })
    }

    fn closed(id: Id, balance: i64) -> Body {
        Body::AccountChanged {
            id,
            min: 0,
            max: 0,
            debit_frozen: false,
            credit_frozen: false,
            closed: true,
            balance,
        }
    }

    /// What a page's balances, the flows and the new table are.
    type Merged = (Vec<(Id, i64)>, Flows, Vec<Entry>);

    /// The table and the flows after `bodies`, merged into `table`, in pages of one entry.
    fn merged(table: Vec<Entry>, bodies: &[Body]) -> Result<Merged> {
        let mut changes = Changes::default();
        for (seq, body) in (0..).zip(bodies) {
            changes.take(&Record { seq, time: 0, body: *body })?;
        }
        let (mut merge, mut after) = (changes.sorted(), Vec::new());
        for entry in table {
            merge.page(vec![entry], &mut after)?;
        }
        let flows = merge.rest(&mut after)?;
        let rows = after.iter().map(|entry| (entry.account, entry.balance)).collect();
        Ok((rows, flows.get(&(156, 1)).copied().unwrap_or_default(), after))
    }

    #[test]
    fn balances_follow_the_records_and_only_issuance_counts_as_issued() {
        let [issuance, vault, personal] = KINDS;
        let first = [
            opened(5, personal),
            opened(1, issuance),
            opened(3, vault),
            moved(Op::Plain, (1, -100), (3, 100), 100),
            moved(Op::Hold, (3, 100), (5, 0), 40),
            moved(Op::Post, (3, 70), (5, 30), 30),
        ];
        let (rows, flows, table) = merged(Vec::new(), &first).expect("sound");
        assert_eq!(rows, [(1, -100), (3, 70), (5, 30)]);
        assert_eq!(flows, Flows { issued: 100, redeemed: 0 });
        let then = [
            moved(Op::Plain, (3, 60), (1, -90), 10),
            moved(Op::Plain, (5, 0), (3, 90), 30),
            closed(5, 0),
            opened(4, personal),
            opened(9, personal),
        ];
        let (rows, flows, _) = merged(table, &then).expect("sound");
        assert_eq!(rows, [(1, -90), (3, 90), (4, 0), (9, 0)]);
        assert_eq!(flows, Flows { issued: 0, redeemed: 10 });
    }

    #[test]
    fn records_that_contradict_the_table_are_refused() {
        let personal = AccountKind::Personal;
        let table = vec![Entry { account: 5, balance: 1, currency: 156, holder: 1, kind: personal }];
        let check = |bodies: &[Body], expect: &str| {
            let fault = merged(table.clone(), bodies).expect_err(expect).internal.expect("told to the log");
            assert!(fault.contains(expect), "{fault}");
        };
        check(&[opened(5, personal)], "opened twice");
        check(&[moved(Op::Plain, (4, 0), (5, 0), 1)], "never opened");
        check(&[moved(Op::Plain, (5, 0), (6, 1), 1)], "never opened");
        check(&[closed(5, 1)], "with money in it");
        let most = moved(Op::Plain, (5, 0), (5, 0), u64::MAX);
        check(&[most, most], "overflow");
    }

    #[test]
    fn a_page_is_read_as_it_was_written_and_nothing_else_is_a_page() {
        let entry = |account, balance, kind| Entry { account, balance, currency: 156, holder: 7, kind };
        let entries =
            vec![entry(1, -5, AccountKind::Issuance), entry(u128::MAX, i64::MAX, AccountKind::Transit)];
        let page = encode(&entries);
        assert_eq!(page.len(), 64);
        assert_eq!(decode(&page), Some(entries.clone()));
        assert_eq!(decode(&[]), None);
        assert_eq!(decode(&page[..63]), None);
        assert_eq!(decode(&encode(&[entries[1], entries[0]])), None, "not in order");
        assert_eq!(decode(&encode(&[entries[0], entries[0]])), None, "twice");
        let many: Vec<Entry> = (1..=PER_PAGE as u128 + 1).map(|n| entry(n, 0, AccountKind::Vault)).collect();
        assert_eq!(decode(&encode(&many[..PER_PAGE])).map(|page| page.len()), Some(PER_PAGE));
        assert_eq!(decode(&encode(&many)), None, "too many");
        // Every changed byte is another page or none.
        for at in 0..page.len() {
            for bit in 0..8 {
                let mut changed = page.clone();
                changed[at] ^= 1 << bit;
                if let Some(read) = decode(&changed) {
                    assert_eq!(encode(&read), changed);
                    assert_ne!(read, entries);
                }
            }
        }
    }
}
