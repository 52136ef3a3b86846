//! A second ledger, kept the slow way: from the feed alone, with nothing but sums and lists.
//!
//! It decides nothing. It says what balances, holds, history and tree hashes follow from the records.

use std::collections::BTreeMap;

use jialing_engine::Hash;
use jialing_ledger::{Account, Body, Id, Op, Record, Transfer};

use sha2::{Digest, Sha256};

use crate::clients::holder;

/// An account's sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    debits: u64,
    credits: u64,
    debits_held: u64,
    credits_held: u64,
}

impl Sums {
    const fn balance(&self) -> i64 {
        self.credits as i64 - self.debits as i64
    }
}

/// SHA-256 after a prefix byte, by the library and not by the journal's own code.
fn hash(prefix: u8, parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new_with_prefix([prefix]);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// What follows from some records.
#[derive(Default)]
pub(crate) struct Book {
    accounts: BTreeMap<Id, Sums>,
    /// Open holds: what is set aside.
    holds: BTreeMap<Id, Transfer>,
    /// Transfers by id.
    pub(crate) transfers: BTreeMap<Id, Record>,
    /// The transfers of each account, oldest first.
    pub(crate) history: BTreeMap<Id, Vec<Record>>,
    leaves: Vec<Hash>,
}

impl Book {
    /// Keeps the book of all records. An error says what cannot be.
    pub(crate) fn of(records: &[Record]) -> Result<Self, String> {
        let mut book = Self::default();
        let mut time = 0;
        for (seq, record) in (0..).zip(records) {
            if record.seq != seq {
                return Err(format!("record {seq} says that it is number {}", record.seq));
            }
            if record.time < time {
                return Err(format!("record {seq} is from before the one before it"));
            }
            time = record.time;
            book.leaves.push(hash(0, &[&record.encode()]));
            match record.body {
                Body::AccountOpened { id, .. } if book.accounts.insert(id, Sums::default()).is_some() => {
                    return Err(format!("record {seq} opens account {id} again"));
                }
                Body::Transfer(transfer) => {
                    book.enter(record, &transfer).map_err(|what| format!("record {seq}: {what}"))?;
                }
                _ => {}
            }
        }
        book.conserved()?;
        Ok(book)
    }

    fn enter(&mut self, record: &Record, transfer: &Transfer) -> Result<(), String> {
        let Transfer { id, op, debit, credit, amount, .. } = *transfer;
        if self.transfers.insert(id, *record).is_some() {
            return Err(format!("transfer {id:#x} happens a second time"));
        }
        for account in [debit, credit] {
            self.history.entry(account).or_default().push(*record);
        }
        let set_aside = match op {
            Op::Post | Op::Void | Op::Expire => {
                let hold = transfer.target().and_then(|hold| self.holds.remove(&hold));
                hold.ok_or("it acts on a hold that is not open")?.amount
            }
            _ => 0,
        };
        for (account, leaves) in [(debit, true), (credit, false)] {
            let sums =
                self.accounts.get_mut(&account).ok_or(format!("account {account} was never opened"))?;
            let (moved, held) = match leaves {
                true => (&mut sums.debits, &mut sums.debits_held),
                false => (&mut sums.credits, &mut sums.credits_held),
            };
            *held = held.checked_sub(set_aside).ok_or("more is released than was held")?;
            match op {
                Op::Plain | Op::Post | Op::Reverse => *moved += amount,
                Op::Hold => *held += amount,
                Op::Void | Op::Expire => {}
            }
        }
        if op == Op::Hold {
            self.holds.insert(id, *transfer);
        }
        let after = (self.accounts[&debit].balance(), self.accounts[&credit].balance());
        if after != (transfer.debit_balance, transfer.credit_balance) {
            return Err(format!("it says balances {transfer:?}, they are {after:?}"));
        }
        Ok(())
    }

    /// Per liability holder, everything together is nothing, and nobody but issuance owes.
    fn conserved(&self) -> Result<(), String> {
        for of in [1, 2] {
            let mine = self.accounts.iter().filter(|&(&id, _)| holder(id) == of);
            let sum: i64 = mine.map(|(_, sums)| sums.balance()).sum();
            if sum != 0 {
                return Err(format!("{sum} fen of holder {of} appeared from nowhere"));
            }
        }
        match self.accounts.iter().find(|(id, sums)| **id > 2 && sums.balance() < sums.debits_held as i64) {
            Some((id, sums)) => Err(format!("account {id} promised more than it has: {sums:?}")),
            None => Ok(()),
        }
    }

    /// Whether an account's state is what the book says.
    pub(crate) fn agrees(&self, id: Id, account: Option<Account>) -> Result<(), String> {
        let seen = account.map(|account| Sums {
            debits: account.debits,
            credits: account.credits,
            debits_held: account.debits_held,
            credits_held: account.credits_held,
        });
        let kept = self.accounts.get(&id).copied();
        if seen == kept { Ok(()) } else { Err(format!("account {id} is {seen:?}, the records say {kept:?}")) }
    }

    /// Records entered.
    pub(crate) fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// RFC 6962, section 2.1, word for word.
    pub(crate) fn root(&self, size: u64) -> Hash {
        fn root(leaves: &[Hash]) -> Hash {
            match leaves {
                [] => Sha256::digest([]).into(),
                [leaf] => *leaf,
                _ => {
                    let mut split = 1;
                    while split * 2 < leaves.len() {
                        split *= 2;
                    }
                    hash(1, &[&root(&leaves[..split]), &root(&leaves[split..])])
                }
            }
        }
        root(&self.leaves[..size as usize])
    }

    /// The hash of one record.
    pub(crate) fn leaf(&self, seq: u64) -> Hash {
        self.leaves[seq as usize]
    }
}
