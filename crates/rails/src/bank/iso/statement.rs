//! The statement of a day from the pages of a camt.053.
//!
//! The account is ours with the bank: a credit is money pulled from a customer, a debit money pushed
//! to one, and a credit that reverses a debit is a push that came back. Lines, totals and balances
//! must all agree, or the statement is not believed.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{TimeZone, offset};

use crate::Why;
use crate::bank::{Entry, EntryKind, Money, Statement};
use crate::iso20022::{self, AccountStatement, Balance, CodeOr, StatementMessage};

/// The one statement of a message, if it is of `day`.
pub(super) fn only(day: Date, message: StatementMessage) -> Result<AccountStatement, Why> {
    let mut statements = message.statements.into_iter();
    let (Some(statement), None) = (statements.next(), statements.next()) else {
        return Err(Why::Unreadable("not exactly one statement"));
    };
    let begins = |day: Date| day.to_zoned(TimeZone::fixed(offset(8))).ok().map(|day| day.timestamp());
    match statement.period {
        Some((from, _)) if begins(day) == Some(from) => Ok(statement),
        _ => Err(Why::Unreadable("a statement of another day")),
    }
}

/// Joins the pages of a day and checks them against the bank's own totals and balances.
pub(super) fn assemble(day: Date, pages: Vec<AccountStatement>) -> Result<Statement, Why> {
    let bad = Why::Unreadable("the statement does not add up");
    let first = pages.first().ok_or(bad.clone())?;
    let said = [&first.credits, &first.debits].map(|total| total.as_ref().map(|t| (t.count, t.sum.minor)));
    let (opening, closing) = (balance(first, "OPBD")?, balance(first, "CLBD")?);
    let currency = first.balances.first().map(|balance| balance.amount.currency.clone()).unwrap_or_default();
    let mut sums = [(0u64, 0u64); 2];
    let mut entries: Vec<Entry> = Vec::new();
    for entry in pages.into_iter().flat_map(|page| page.entries) {
        let credit = entry.credit;
        let entry = line(entry)?;
        if entry.line != entries.len() as u64 + 1 {
            return Err(Why::Unreadable("a line of the statement is missing"));
        }
        if entry.money.currency != currency {
            return Err(Why::Unreadable("an entry of another currency than the account's"));
        }
        let (count, sum) = &mut sums[usize::from(!credit)];
        *count += 1;
        *sum = sum.checked_add(entry.money.amount).ok_or(Why::Unreadable("the statement's sum overflows"))?;
        entries.push(entry);
    }
    let moved = i128::from(sums[0].1) - i128::from(sums[1].1);
    if said != sums.map(Some) || opening + moved != closing {
        return Err(bad);
    }
    Ok(Statement { day, entries })
}

/// A balance of the kind, below zero where it is a debit.
fn balance(statement: &AccountStatement, kind: &str) -> Result<i128, Why> {
    let of_kind = |balance: &&Balance| balance.kind == CodeOr::code(kind);
    let balance = statement
        .balances
        .iter()
        .find(of_kind)
        .ok_or(Why::Unreadable("a balance of the statement is missing"))?;
    let amount = i128::from(balance.amount.minor);
    Ok(if balance.credit { amount } else { -amount })
}

fn line(entry: iso20022::Entry) -> Result<Entry, Why> {
    let unreadable = Why::Unreadable;
    if !entry.is_booked() {
        return Err(unreadable("an entry that is not booked"));
    }
    let kind = kind(&entry).ok_or(unreadable("an entry of a kind that we do not know"))?;
    let [booking] = entry.bookings.as_slice() else {
        return Err(unreadable("an entry of not exactly one payment"));
    };
    let reference =
        booking.original.end_to_end.clone().ok_or(unreadable("an entry without our reference"))?;
    let line =
        entry.reference.and_then(|line| line.parse().ok()).ok_or(unreadable("an entry without a line"))?;
    let bank_ref = entry.servicer_reference.or(booking.servicer_reference.clone());
    Ok(Entry {
        line,
        bank_ref: bank_ref.ok_or(unreadable("an entry without the bank's name"))?,
        reference,
        kind,
        money: Money { amount: entry.amount.minor, currency: entry.amount.currency },
        at: entry.booked.unwrap_or(Timestamp::UNIX_EPOCH),
    })
}

/// Which way an entry's money went.
pub(super) fn kind(entry: &iso20022::Entry) -> Option<EntryKind> {
    match (entry.credit, entry.reversal) {
        (true, false) => Some(EntryKind::Pull),
        (false, false) => Some(EntryKind::Push),
        (true, true) => Some(EntryKind::Return),
        (false, true) => None,
    }
}
