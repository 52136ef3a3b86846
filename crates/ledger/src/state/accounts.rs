//! Opening and changing accounts.
//!
//! An account belongs to a *book*: all accounts of one currency that are the same institution's
//! liability. Money moves only inside a book, so a book's balances always sum to zero, and its totals
//! are kept up to date with every movement.

use super::shelf::Numbered;
use super::{Applied, Ledger, MAX_SUM, ensure, is_name};
use crate::{Account, AccountChange, AccountKind, Body, Freeze, Id, Nanos, NewAccount, Record, Refusal, Why};

/// An account as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) id: Id,
    pub(super) debits: u64,
    pub(super) credits: u64,
    pub(super) debits_held: u64,
    pub(super) credits_held: u64,
    pub(super) min: i64,
    pub(super) max: i64,
    /// Place of the book in the ledger's list.
    pub(super) book: u32,
    pub(super) kind: AccountKind,
    pub(super) freeze: Freeze,
    pub(super) closed: bool,
}

/// What an account was opened as, and by which records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) opened: u64,
    /// The last record that changed it; `opened` when none did.
    pub(super) changed: u64,
    pub(super) min: i64,
    pub(super) max: i64,
}

/// All accounts of one currency that are the same institution's liability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Book {
    pub(super) currency: u16,
    pub(super) holder: u32,
    /// Debits of issuance accounts.
    pub(super) issued: u64,
    /// Credits of issuance accounts.
    pub(super) redeemed: u64,
    /// Open holds.
    pub(super) held: u64,
    /// Sum of balances, by the kind's number less one.
    pub(super) by_kind: [i64; 5],
}

impl Numbered for Slot {
    fn id(&self) -> Id {
        self.id
    }
}

impl Slot {
    pub(super) const fn balance(&self) -> i64 {
        self.credits as i64 - self.debits as i64
    }

    /// Nothing on it, and nothing promised from or to it.
    pub(super) const fn is_empty(&self) -> bool {
        self.credits == self.debits && self.debits_held == 0 && self.credits_held == 0
    }

    /// What may leave counts from here: the balance less what is held to leave.
    pub(super) const fn unheld(&self) -> i64 {
        self.balance() - self.debits_held as i64
    }

    /// Where the balance would be if all that is held to arrive had arrived.
    pub(super) const fn expected(&self) -> i128 {
        self.balance() as i128 + self.credits_held as i128
    }
}

impl Book {
    const fn new(currency: u16, holder: u32) -> Self {
        Self { currency, holder, issued: 0, redeemed: 0, held: 0, by_kind: [0; 5] }
    }
}

/// Whether an account of this kind may have these limits.
pub(super) fn are_limits(kind: AccountKind, min: i64, max: i64) -> bool {
    min <= max && (min >= 0 || kind == AccountKind::Issuance)
}

impl Ledger {
    pub(super) fn view(&self, slot: &Slot) -> Account {
        let book = &self.books[slot.book as usize];
        Account {
            id: slot.id,
            currency: book.currency,
            kind: slot.kind,
            holder: book.holder,
            debits: slot.debits,
            credits: slot.credits,
            debits_held: slot.debits_held,
            credits_held: slot.credits_held,
            min: slot.min,
            max: slot.max,
            freeze: slot.freeze,
            closed: slot.closed,
        }
    }

    pub(super) fn open_account(
        &mut self,
        new: &NewAccount,
        at: Nanos,
        out: &mut Vec<Record>,
    ) -> Result<Applied, Refusal> {
        ensure(is_name(new.id), Why::IdInvalid)?;
        if let Some(place) = self.accounts.find(new.id) {
            return match self.opened_otherwise(place, new) {
                Some(field) => Err(Refusal::taken(0, field)),
                None => Ok(Applied::already(self.origins[place as usize].opened)),
            };
        }
        ensure(self.accounts.has_room(), Why::Overflow)?;
        ensure(are_limits(new.kind, new.min, new.max) && new.min <= 0 && new.max >= 0, Why::LimitsInvalid)?;
        self.put_account(new, self.next);
        let body = Body::AccountOpened {
            id: new.id,
            currency: new.currency,
            kind: new.kind,
            holder: new.holder,
            min: new.min,
            max: new.max,
        };
        Ok(self.write(body, at, out))
    }

    /// The first field in which `new` differs from what the account was opened as.
    fn opened_otherwise(&self, place: u32, new: &NewAccount) -> Option<&'static str> {
        let (slot, origin) = (&self.accounts[place], &self.origins[place as usize]);
        let book = &self.books[slot.book as usize];
        [
            (book.currency == new.currency, "currency"),
            (slot.kind == new.kind, "kind"),
            (book.holder == new.holder, "holder"),
            (origin.min == new.min, "min"),
            (origin.max == new.max, "max"),
        ]
        .into_iter()
        .find_map(|(same, field)| (!same).then_some(field))
    }

    pub(super) fn put_account(&mut self, new: &NewAccount, seq: u64) -> u32 {
        let book = self.book(new.currency, new.holder);
        self.origins.push(Origin { opened: seq, changed: seq, min: new.min, max: new.max });
        self.accounts.put(Slot {
            id: new.id,
            debits: 0,
            credits: 0,
            debits_held: 0,
            credits_held: 0,
            min: new.min,
            max: new.max,
            book,
            kind: new.kind,
            freeze: Freeze::default(),
            closed: false,
        })
    }

    /// The place of a book, made when it is the first account's.
    fn book(&mut self, currency: u16, holder: u32) -> u32 {
        let known = self.books.iter().position(|b| b.currency == currency && b.holder == holder);
        known.unwrap_or_else(|| {
            self.books.push(Book::new(currency, holder));
            self.books.len() - 1
        }) as u32
    }

    pub(super) fn change_account(
        &mut self,
        change: &AccountChange,
        at: Nanos,
        out: &mut Vec<Record>,
    ) -> Result<Applied, Refusal> {
        ensure(is_name(change.id), Why::IdInvalid)?;
        let place = self.accounts.find(change.id).ok_or(Refusal::new(Why::AccountUnknown, 0))?;
        let slot = self.accounts[place];
        let after = Slot {
            min: change.min.unwrap_or(slot.min),
            max: change.max.unwrap_or(slot.max),
            freeze: change.freeze.unwrap_or(slot.freeze),
            closed: slot.closed || change.close,
            ..slot
        };
        if after == slot {
            return Ok(Applied::already(self.origins[place as usize].changed));
        }
        ensure(!after.closed || slot.is_empty(), Why::AccountNotEmpty)?;
        ensure(are_limits(slot.kind, after.min, after.max), Why::LimitsInvalid)?;
        ensure(!slot.closed, Why::AccountClosed)?;
        self.accounts[place] = after;
        self.origins[place as usize].changed = self.next;
        let body = Body::AccountChanged {
            id: after.id,
            min: after.min,
            max: after.max,
            debit_frozen: after.freeze.debit,
            credit_frozen: after.freeze.credit,
            closed: after.closed,
            balance: after.balance(),
        };
        Ok(self.write(body, at, out))
    }

    /// Moves `amount` from one account to another of the same book.
    pub(super) fn settle(&mut self, debit: u32, credit: u32, amount: u64) {
        let from = &mut self.accounts[debit];
        from.debits += amount;
        assert!(from.debits <= MAX_SUM, "sums were checked before money moved");
        let (book, from_kind) = (from.book, from.kind);
        let to = &mut self.accounts[credit];
        to.credits += amount;
        assert!(to.credits <= MAX_SUM, "sums were checked before money moved");
        assert_eq!(to.book, book, "money stays in its book");
        let to_kind = to.kind;
        let book = &mut self.books[book as usize];
        if from_kind == AccountKind::Issuance {
            book.issued += amount;
        }
        if to_kind == AccountKind::Issuance {
            book.redeemed += amount;
        }
        if from_kind != to_kind {
            book.by_kind[from_kind as usize - 1] -= amount as i64;
            book.by_kind[to_kind as usize - 1] += amount as i64;
        }
    }
}
