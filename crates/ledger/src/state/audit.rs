//! The money supply, and the check that it adds up.

use core::fmt;

use super::accounts::{Book, Slot};
use super::meters::NO_METER;
use super::{Ledger, MAX_SUM};
use crate::{AccountKind, Id, Meter, calendar};

/// All money of one currency that is the same institution's liability, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// ISO 4217 numeric.
    pub currency: u16,
    /// Whose liability.
    pub holder: u32,
    /// All that ever left issuance accounts.
    pub issued: u64,
    /// All that ever came back to them.
    pub redeemed: u64,
    /// Issued less redeemed; what all other accounts hold together.
    pub circulating: u64,
    /// Held by operating institutions.
    pub vault: u64,
    /// In people's wallets.
    pub personal: u64,
    /// In organisations' wallets.
    pub organisation: u64,
    /// On its way.
    pub transit: u64,
    /// Set aside by open holds; still part of the balances above.
    pub held: u64,
}

/// What does not add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discrepancy {
    /// The kept totals of a book differ from the sums over its accounts.
    Totals {
        /** ISO 4217 numeric. */
        currency: u16,
        /** Liability holder. */
        holder: u32,
    },
    /// A book's balances do not sum to zero.
    Conservation {
        /** ISO 4217 numeric. */
        currency: u16,
        /** Liability holder. */
        holder: u32,
    },
    /// An account's held sums differ from its open holds.
    Held(Id),
    /// An account's sums left 64 bits.
    Range(Id),
    /// An account is outside limits that were never changed, or is closed and not empty.
    Limits(Id),
    /// A hold joins two books, or is not in the order of lapsing, or names accounts that do not exist.
    Hold(Id),
    /// A meter's figures cannot be, or it is under an unknown policy.
    Meter(Id),
}

impl core::error::Error for Discrepancy {}

impl fmt::Display for Discrepancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Totals { currency, holder } => {
                write!(f, "totals of currency {currency}, holder {holder} differ from their accounts")
            }
            Self::Conservation { currency, holder } => {
                write!(f, "balances of currency {currency}, holder {holder} do not sum to zero")
            }
            Self::Held(id) => write!(f, "account {id:032x} holds other sums than its open holds"),
            Self::Range(id) => write!(f, "account {id:032x} has sums out of range"),
            Self::Limits(id) => write!(f, "account {id:032x} is outside its limits"),
            Self::Hold(id) => write!(f, "hold {id:032x} is not sound"),
            Self::Meter(id) => write!(f, "meter {id:032x} is not sound"),
        }
    }
}

impl Ledger {
    /// The money supply of one currency and liability holder. `None` when no account was opened.
    #[must_use]
    pub fn totals(&self, currency: u16, holder: u32) -> Option<Totals> {
        self.books.iter().find(|book| book.currency == currency && book.holder == holder).map(Book::totals)
    }

    /// The money supply of every currency and liability holder, in the order of their first accounts.
    pub fn totals_all(&self) -> impl ExactSizeIterator<Item = Totals> {
        self.books.iter().map(Book::totals)
    }

    /// Recomputes every total and held sum from the accounts and holds and compares.
    ///
    /// Visits everything once. Balances must sum to zero per book; an account may be outside its
    /// limits only if they were changed after it was opened.
    ///
    /// # Errors
    /// The first thing that does not add up.
    pub fn audit(&self) -> Result<(), Discrepancy> {
        let held = self.audit_holds()?;
        let mut sums: Vec<[i128; 8]> = vec![[0; 8]; self.books.len()];
        for (place, slot) in self.accounts.iter().enumerate() {
            self.audit_account(place, slot)?;
            if held[place] != (u128::from(slot.debits_held), u128::from(slot.credits_held)) {
                return Err(Discrepancy::Held(slot.id));
            }
            let sum = &mut sums[slot.book as usize];
            sum[slot.kind as usize - 1] += i128::from(slot.balance());
            sum[5] += i128::from(slot.debits_held);
            if slot.kind == AccountKind::Issuance {
                sum[6] += i128::from(slot.debits);
                sum[7] += i128::from(slot.credits);
            }
        }
        for (book, sum) in self.books.iter().zip(&sums) {
            audit_book(book, sum)?;
        }
        self.audit_meters()
    }

    /// A meter's figures are of one day and its year, and include what open holds would give back.
    fn audit_meters(&self) -> Result<(), Discrepancy> {
        // By meter: amounts and counts of open holds made in the meter's day, then year.
        let mut owed = vec![[0u128; 4]; self.meters.len()];
        for hold in self.holds.values() {
            let day = calendar::day(hold.at);
            for &place in hold.meters.iter().filter(|&&place| place != NO_METER) {
                let meter = &self.meters[place].meter;
                let (same_day, same_year) = (meter.day == day, meter.year == calendar::year_of_day(day));
                if day > meter.day {
                    return Err(Discrepancy::Meter(meter.id));
                }
                let owed = &mut owed[place as usize];
                let amount = u128::from(hold.amount);
                for (sum, more) in owed.iter_mut().zip([
                    amount * u128::from(same_day),
                    u128::from(same_day),
                    amount * u128::from(same_year),
                    u128::from(same_year),
                ]) {
                    *sum += more;
                }
            }
        }
        let today = calendar::day(self.now);
        for (tally, owed) in self.meters.iter().zip(&owed) {
            let meter = &tally.meter;
            let figures = [meter.day_amount, meter.day_count, meter.year_amount, meter.year_count];
            let fresh = *meter == Meter::new(meter.id, meter.policy);
            let dated = meter.day <= today && meter.year == calendar::year_of_day(meter.day);
            // What an earlier day's hold gives back leaves that day's figures as they were.
            let part_of_year = meter.day < today
                || (meter.year_amount >= meter.day_amount && meter.year_count >= meter.day_count);
            let sound = (fresh || dated)
                && part_of_year
                && figures.iter().zip(owed).all(|(&figure, &owed)| u128::from(figure) >= owed)
                && self.policies.contains_key(&meter.policy);
            if !sound {
                return Err(Discrepancy::Meter(meter.id));
            }
        }
        Ok(())
    }

    fn audit_account(&self, place: usize, slot: &Slot) -> Result<(), Discrepancy> {
        let in_range = |moved: u64, held: u64| moved.checked_add(held).is_some_and(|sum| sum <= MAX_SUM);
        if !in_range(slot.debits, slot.debits_held) || !in_range(slot.credits, slot.credits_held) {
            return Err(Discrepancy::Range(slot.id));
        }
        let within = slot.unheld() >= slot.min && slot.expected() <= i128::from(slot.max);
        let origin = &self.origins[place];
        let as_opened = origin.changed == origin.opened;
        let below_zero = slot.kind != AccountKind::Issuance && slot.unheld() < 0;
        if below_zero || (slot.closed && !slot.is_empty()) || (!within && as_opened) {
            return Err(Discrepancy::Limits(slot.id));
        }
        Ok(())
    }

    /// Checks open holds and sums them up by account: to leave, to arrive.
    fn audit_holds(&self) -> Result<Vec<(u128, u128)>, Discrepancy> {
        let mut held = vec![(0, 0); self.accounts.len()];
        let mut lapsing = 0;
        for (id, hold) in self.sorted_holds() {
            let (debit, credit) = (hold.debit as usize, hold.credit as usize);
            if debit == credit || self.accounts[hold.debit].book != self.accounts[hold.credit].book {
                return Err(Discrepancy::Hold(id));
            }
            if hold.expires != 0 {
                lapsing += 1;
                if !self.due.contains(&(hold.expires, id)) {
                    return Err(Discrepancy::Hold(id));
                }
            }
            held[debit].0 += u128::from(hold.amount);
            held[credit].1 += u128::from(hold.amount);
        }
        match self.due.iter().find(|(_, id)| !self.holds.contains_key(id)) {
            Some(&(_, id)) => Err(Discrepancy::Hold(id)),
            None => {
                assert_eq!(lapsing, self.due.len(), "every lapse belongs to one hold");
                Ok(held)
            }
        }
    }
}

/// `sum`: balances by kind, held, issued, redeemed.
fn audit_book(book: &Book, sum: &[i128; 8]) -> Result<(), Discrepancy> {
    let &Book { currency, holder, .. } = book;
    if sum[..5].iter().sum::<i128>() != 0 {
        return Err(Discrepancy::Conservation { currency, holder });
    }
    let kept = [i128::from(book.held), i128::from(book.issued), i128::from(book.redeemed)];
    let same_kinds = book.by_kind.iter().zip(sum).all(|(&kept, &sum)| i128::from(kept) == sum);
    let in_range = book.held <= MAX_SUM && book.issued <= MAX_SUM && book.redeemed <= MAX_SUM;
    if kept != sum[5..] || !same_kinds || !in_range {
        return Err(Discrepancy::Totals { currency, holder });
    }
    Ok(())
}

impl Book {
    fn totals(&self) -> Totals {
        // Balances other than issuance never fall below zero, so their sums do not either.
        let of = |kind: AccountKind| self.by_kind[kind as usize - 1].unsigned_abs();
        Totals {
            currency: self.currency,
            holder: self.holder,
            issued: self.issued,
            redeemed: self.redeemed,
            circulating: self.issued - self.redeemed,
            vault: of(AccountKind::Vault),
            personal: of(AccountKind::Personal),
            organisation: of(AccountKind::Organisation),
            transit: of(AccountKind::Transit),
            held: self.held,
        }
    }
}
