//! The state as bytes, so that a start need not replay the whole log.
//!
//! Little endian, no padding: a magic and a version, then sequence and time, then accounts in the
//! order they were opened, policy versions, meters in the order they were opened, and open holds by
//! id, each list led by its length. The same state gives the same bytes. There is no checksum: the
//! file around it has one. Totals are not stored but summed up again.

use core::fmt;

use super::accounts::{Origin, Slot, are_limits};
use super::holds::OpenHold;
use super::meters::{NO_METER, Tally, follows};
use super::{Discrepancy, Ledger, MAX_SUM};
use crate::command::MAX_AMOUNT;
use crate::{AccountKind, Freeze, Id, Meter, NewAccount, Policy, PolicyVersion, is_transfer_id};

const MAGIC: [u8; 8] = *b"JLLEDGER";
const VERSION: u32 = 1;

const ACCOUNT_LEN: usize = 104;
const POLICY_LEN: usize = 64;
const METER_LEN: usize = 66;
const HOLD_LEN: usize = 66;

/// Why bytes are not a snapshot that can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadSnapshot {
    /// They do not begin like one.
    Magic,
    /// Written by another version of this code.
    Version(u32),
    /// They end too early.
    Short,
    /// Bytes follow after the end.
    Trailing,
    /// A field has a value that no state has; its name.
    Field(&'static str),
    /// The state does not add up.
    Unsound(Discrepancy),
}

impl core::error::Error for BadSnapshot {}

impl fmt::Display for BadSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => write!(f, "not a ledger snapshot"),
            Self::Version(version) => write!(f, "snapshot version {version} is not {VERSION}"),
            Self::Short => write!(f, "the snapshot ends too early"),
            Self::Trailing => write!(f, "bytes follow after the snapshot's end"),
            Self::Field(field) => write!(f, "{field} has a value that no state has"),
            Self::Unsound(what) => write!(f, "the snapshot does not add up: {what}"),
        }
    }
}

impl Ledger {
    /// The whole state as bytes; the same state gives the same bytes.
    ///
    /// # Panics
    /// In the middle of a group (see [`Ledger::mid_group`]), which is not a state to return to.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.snapshot_into(&mut out);
        out
    }

    /// Appends what [`Ledger::snapshot`] gives: with millions of accounts it is a gigabyte, which nobody
    /// wants to copy behind a header.
    ///
    /// # Panics
    /// As [`Ledger::snapshot`] does.
    pub fn snapshot_into(&self, out: &mut Vec<u8>) {
        assert!(self.partial.is_none(), "a snapshot is taken between groups");
        let policies = self.policies.values().map(Vec::len).sum::<usize>();
        let len = 60
            + self.accounts.len() * ACCOUNT_LEN
            + policies * POLICY_LEN
            + self.meters.len() * METER_LEN
            + self.holds.len() * HOLD_LEN;
        let begin = out.len();
        out.reserve_exact(len);
        out.extend(MAGIC);
        out.extend(VERSION.to_le_bytes());
        out.extend(self.next.to_le_bytes());
        out.extend(self.now.to_le_bytes());
        out.extend((self.accounts.len() as u64).to_le_bytes());
        for (slot, origin) in self.accounts.iter().zip(&self.origins) {
            self.write_account(slot, origin, out);
        }
        out.extend((policies as u64).to_le_bytes());
        for published in self.policies.values().flatten() {
            write_policy(&published.version, published.seq, out);
        }
        out.extend((self.meters.len() as u64).to_le_bytes());
        for tally in self.meters.iter() {
            write_meter(tally, out);
        }
        out.extend((self.holds.len() as u64).to_le_bytes());
        for (id, hold) in self.sorted_holds() {
            write_hold(id, hold, out);
        }
        debug_assert_eq!(out.len() - begin, len, "lengths of the lists' items");
    }

    /// The ledger that [`Ledger::snapshot`] wrote.
    ///
    /// # Errors
    /// Anything that `snapshot` does not write is refused, also a state that does not add up.
    pub fn restore(bytes: &[u8]) -> Result<Self, BadSnapshot> {
        let mut r = Reader { rest: bytes };
        if r.array::<8>()? != MAGIC {
            return Err(BadSnapshot::Magic);
        }
        let version = r.u32()?;
        if version != VERSION {
            return Err(BadSnapshot::Version(version));
        }
        let mut ledger = Self::new();
        ledger.next = r.u64()?;
        ledger.now = r.u64()?;
        require(ledger.next > 0 || ledger.now == 0, "now")?;
        for _ in 0..r.count(ACCOUNT_LEN)? {
            ledger.read_account(&mut r)?;
        }
        for _ in 0..r.count(POLICY_LEN)? {
            ledger.read_policy(&mut r)?;
        }
        for _ in 0..r.count(METER_LEN)? {
            ledger.read_meter(&mut r)?;
        }
        let mut last = 0;
        for _ in 0..r.count(HOLD_LEN)? {
            last = ledger.read_hold(last, &mut r)?;
        }
        if !r.rest.is_empty() {
            return Err(BadSnapshot::Trailing);
        }
        ledger.audit().map_err(BadSnapshot::Unsound)?;
        Ok(ledger)
    }

    fn write_account(&self, slot: &Slot, origin: &Origin, out: &mut Vec<u8>) {
        let book = &self.books[slot.book as usize];
        out.extend(slot.id.to_le_bytes());
        out.extend(book.currency.to_le_bytes());
        out.extend(book.holder.to_le_bytes());
        let Freeze { debit, credit } = slot.freeze;
        out.extend([slot.kind as u8, u8::from(debit) | u8::from(credit) << 1 | u8::from(slot.closed) << 2]);
        for sum in [slot.debits, slot.credits, slot.debits_held, slot.credits_held] {
            out.extend(sum.to_le_bytes());
        }
        for limit in [slot.min, slot.max, origin.min, origin.max] {
            out.extend(limit.to_le_bytes());
        }
        out.extend(origin.opened.to_le_bytes());
        out.extend(origin.changed.to_le_bytes());
    }

    fn read_account(&mut self, r: &mut Reader<'_>) -> Result<(), BadSnapshot> {
        let (id, currency, holder) = (r.u128()?, r.u16()?, r.u32()?);
        let [kind, flags] = r.array()?;
        let kind = AccountKind::from_number(kind).ok_or(BadSnapshot::Field("kind"))?;
        let [debits, credits, debits_held, credits_held] = [r.u64()?, r.u64()?, r.u64()?, r.u64()?];
        let [min, max, first_min, first_max] = [r.i64()?, r.i64()?, r.i64()?, r.i64()?];
        let [opened, changed] = [r.u64()?, r.u64()?];

        require(super::is_name(id) && self.accounts.find(id).is_none(), "account id")?;
        require(flags <= 0b111, "account flags")?;
        let spans_zero = first_min <= 0 && first_max >= 0;
        require(spans_zero && are_limits(kind, first_min, first_max), "first limits")?;
        require(are_limits(kind, min, max), "limits")?;
        let after_last = self.origins.last().is_none_or(|last| opened > last.opened);
        require(after_last && opened <= changed && changed < self.next, "account sequence")?;
        let as_opened = flags == 0 && (min, max) == (first_min, first_max);
        require(changed > opened || as_opened, "limits")?;
        require([debits, credits].into_iter().all(|sum| sum <= MAX_SUM), "sums")?;

        let place = self
            .put_account(&NewAccount { id, currency, kind, holder, min: first_min, max: first_max }, opened);
        self.origins[place as usize].changed = changed;
        let slot = &mut self.accounts[place];
        (slot.debits, slot.credits) = (debits, credits);
        (slot.debits_held, slot.credits_held) = (debits_held, credits_held);
        (slot.min, slot.max) = (min, max);
        slot.freeze = Freeze { debit: flags & 1 != 0, credit: flags & 2 != 0 };
        slot.closed = flags & 4 != 0;
        self.sum_up(place)
    }

    /// Adds a restored account to its book.
    fn sum_up(&mut self, place: u32) -> Result<(), BadSnapshot> {
        let slot = &self.accounts[place];
        let book = &mut self.books[slot.book as usize];
        let mut add = || {
            if slot.kind == AccountKind::Issuance {
                book.issued = book.issued.checked_add(slot.debits)?;
                book.redeemed = book.redeemed.checked_add(slot.credits)?;
            }
            let sum = &mut book.by_kind[slot.kind as usize - 1];
            *sum = sum.checked_add(slot.balance())?;
            Some(())
        };
        add().ok_or(BadSnapshot::Field("sums"))
    }

    fn read_policy(&mut self, r: &mut Reader<'_>) -> Result<(), BadSnapshot> {
        let version = PolicyVersion {
            policy: r.u32()?,
            version: r.u32()?,
            from: r.u64()?,
            bounds: Policy {
                single: r.u64()?,
                day: r.u64()?,
                day_count: r.u64()?,
                year: r.u64()?,
                year_count: r.u64()?,
            },
        };
        let seq = r.u64()?;
        require(seq < self.next, "policy sequence")?;
        let in_order = self.policies.last_key_value().is_none_or(|(&last, _)| last <= version.policy);
        let versions = self.policies.get(&version.policy).map_or(&[][..], Vec::as_slice);
        let sequenced = versions.last().is_none_or(|last| last.seq < seq);
        require(in_order && sequenced && follows(&version, versions), "policy version")?;
        self.put_policy(version, seq);
        Ok(())
    }

    fn read_meter(&mut self, r: &mut Reader<'_>) -> Result<(), BadSnapshot> {
        let meter = Meter {
            id: r.u128()?,
            policy: r.u32()?,
            day: r.u32()?,
            year: r.u16()?,
            day_amount: r.u64()?,
            day_count: r.u64()?,
            year_amount: r.u64()?,
            year_count: r.u64()?,
        };
        let set = r.u64()?;
        require(super::is_name(meter.id) && self.meters.find(meter.id).is_none(), "meter id")?;
        require(set < self.next, "meter sequence")?;
        self.meters.put(Tally { meter, set });
        Ok(())
    }

    fn read_hold(&mut self, last: Id, r: &mut Reader<'_>) -> Result<Id, BadSnapshot> {
        let id = r.u128()?;
        let hold = OpenHold {
            debit: r.u32()?,
            credit: r.u32()?,
            amount: r.u64()?,
            expires: r.u64()?,
            at: r.u64()?,
            kind: r.u16()?,
            meters: [r.u32()?, r.u32()?, r.u32()?, r.u32()?],
        };
        require(is_transfer_id(id) && id > last, "hold id")?;
        let accounts = self.accounts.len() as u32;
        require(hold.debit < accounts && hold.credit < accounts, "hold account")?;
        require(hold.amount > 0 && hold.amount <= MAX_AMOUNT, "hold amount")?;
        require(hold.expires == 0 || hold.expires > hold.at, "hold expiry")?;
        require(hold.at <= self.now, "hold time")?;
        let known = |&place: &u32| place == NO_METER || place < self.meters.len() as u32;
        require(hold.meters.iter().all(known), "hold meters")?;
        let book = &mut self.books[self.accounts[hold.debit].book as usize];
        book.held = book.held.checked_add(hold.amount).ok_or(BadSnapshot::Field("held"))?;
        self.keep(id, hold);
        Ok(id)
    }
}

fn write_policy(version: &PolicyVersion, seq: u64, out: &mut Vec<u8>) {
    out.extend(version.policy.to_le_bytes());
    out.extend(version.version.to_le_bytes());
    let Policy { single, day, day_count, year, year_count } = version.bounds;
    for field in [version.from, single, day, day_count, year, year_count, seq] {
        out.extend(field.to_le_bytes());
    }
}

fn write_meter(tally: &Tally, out: &mut Vec<u8>) {
    let meter = &tally.meter;
    out.extend(meter.id.to_le_bytes());
    out.extend(meter.policy.to_le_bytes());
    out.extend(meter.day.to_le_bytes());
    out.extend(meter.year.to_le_bytes());
    for field in [meter.day_amount, meter.day_count, meter.year_amount, meter.year_count, tally.set] {
        out.extend(field.to_le_bytes());
    }
}

fn write_hold(id: Id, hold: &OpenHold, out: &mut Vec<u8>) {
    out.extend(id.to_le_bytes());
    out.extend(hold.debit.to_le_bytes());
    out.extend(hold.credit.to_le_bytes());
    for field in [hold.amount, hold.expires, hold.at] {
        out.extend(field.to_le_bytes());
    }
    out.extend(hold.kind.to_le_bytes());
    for place in hold.meters {
        out.extend(place.to_le_bytes());
    }
}

const fn require(holds: bool, field: &'static str) -> Result<(), BadSnapshot> {
    if holds { Ok(()) } else { Err(BadSnapshot::Field(field)) }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], BadSnapshot> {
        let (field, rest) = self.rest.split_first_chunk().ok_or(BadSnapshot::Short)?;
        self.rest = rest;
        Ok(*field)
    }

    /// A list's length. Its items must still be there, so a wild length ends here.
    fn count(&mut self, item_len: usize) -> Result<u64, BadSnapshot> {
        let count = self.u64()?;
        let fits = count <= (self.rest.len() / item_len) as u64 && count < u64::from(u32::MAX);
        if fits { Ok(count) } else { Err(BadSnapshot::Short) }
    }

    fn u16(&mut self) -> Result<u16, BadSnapshot> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, BadSnapshot> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, BadSnapshot> {
        self.array().map(u64::from_le_bytes)
    }

    fn i64(&mut self) -> Result<i64, BadSnapshot> {
        self.array().map(i64::from_le_bytes)
    }

    fn u128(&mut self) -> Result<u128, BadSnapshot> {
        self.array().map(u128::from_le_bytes)
    }
}
