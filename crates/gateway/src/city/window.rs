//! What the city's view keeps of the journal: today's sums, a minute's counts, the latest movements.
//!
//! Pure: records in, figures out. A group of legs is one movement: its id, kind and payer come from
//! the first leg, its payee from the last.

use std::collections::VecDeque;

use jialing_ledger::{Body, Op, Record, Transfer};
use jialing_platform::id::TransactionId;
use jialing_platform::kind::Kind;

/// Seconds that the pace is shown for.
pub(super) const SECONDS: usize = 60;
/// Movements that are shown.
pub(super) const LATEST: usize = 20;
/// Milliseconds of a day, and what the ledger's zone (UTC+8) is ahead.
const DAY: i64 = 86_400_000;
const AHEAD: i64 = 8 * 3_600_000;

/// A movement of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Movement {
    pub(super) id: TransactionId,
    pub(super) kind: Kind,
    pub(super) amount: u64,
    /// Milliseconds since 1970.
    pub(super) at: i64,
    /// Where it came from and went to.
    pub(super) payer: u128,
    pub(super) payee: u128,
}

/// What is kept.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// The first leg of a group whose last has not come yet.
    first: Option<Transfer>,
    /// Newest first.
    pub(super) latest: VecDeque<Movement>,
    /// The second and how many payments fell in it, oldest first.
    seconds: VecDeque<(i64, u64)>,
    /// The day's beginning, its payments and their sum.
    today: (i64, u64, u64),
}

impl Window {
    /// Takes the next record.
    pub(super) fn take(&mut self, record: &Record) {
        let Body::Transfer(transfer) = &record.body else { return };
        if !matches!(transfer.op, Op::Plain | Op::Post) {
            return;
        }
        if transfer.leg == 0 {
            self.first = Some(*transfer);
        }
        let last = transfer.leg + 1 >= transfer.legs;
        if let Some(first) = self.first.take_if(|_| last) {
            self.moved(&first, transfer, millis(record.time));
        }
    }

    fn moved(&mut self, first: &Transfer, last: &Transfer, at: i64) {
        let Some(kind) = Kind::from_number(first.kind) else { return };
        let shown =
            matches!(kind, Kind::Payment | Kind::Refund | Kind::Transfer | Kind::TopUp | Kind::Withdrawal);
        if !shown {
            return;
        }
        let id = TransactionId::from_number(first.id);
        self.latest.push_front(Movement {
            id,
            kind,
            amount: first.amount,
            at,
            payer: first.debit,
            payee: last.credit,
        });
        self.latest.truncate(LATEST);
        if matches!(kind, Kind::Payment | Kind::Transfer) {
            self.count(first.amount, at);
        }
    }

    fn count(&mut self, amount: u64, at: i64) {
        let (day, second) = (start_of_day(at), at.div_euclid(1000));
        if self.today.0 != day {
            self.today = (day, 0, 0);
        }
        self.today.1 += 1;
        self.today.2 = self.today.2.saturating_add(amount);
        match self.seconds.back_mut() {
            Some((last, count)) if *last == second => *count += 1,
            _ => self.seconds.push_back((second, 1)),
        }
        while self.seconds.len() > SECONDS + 1 {
            self.seconds.pop_front();
        }
    }

    /// Payments in each of the last full [`SECONDS`], oldest first.
    pub(super) fn per_second(&self, now: i64) -> Vec<u64> {
        let end = now.div_euclid(1000);
        let count = |second| self.seconds.iter().find(|(at, _)| *at == second).map_or(0, |(_, count)| *count);
        (end - SECONDS as i64..end).map(count).collect()
    }

    /// Today's payments and their sum in fen.
    pub(super) fn today(&self, now: i64) -> (u64, u64) {
        if self.today.0 == start_of_day(now) { (self.today.1, self.today.2) } else { (0, 0) }
    }
}

/// The beginning of the natural day (UTC+8) that `at` falls in.
pub(super) const fn start_of_day(at: i64) -> i64 {
    (at + AHEAD).div_euclid(DAY) * DAY - AHEAD
}

/// The ledger's nanoseconds as milliseconds.
pub(super) fn millis(nanos: u64) -> i64 {
    i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: Kind, leg: u8, legs: u8, at: i64) -> Record {
        let transfer = Transfer {
            id: 0x50 + u128::from(leg),
            op: Op::Plain,
            kind: kind as u16,
            debit: 100 + u128::from(leg),
            credit: 200 + u128::from(leg),
            amount: 1250,
            debit_balance: 0,
            credit_balance: 0,
            link: [0; 24],
            leg,
            legs,
            has_terms: false,
        };
        Record { seq: 0, time: at as u64 * 1_000_000, body: Body::Transfer(transfer) }
    }

    #[test]
    fn a_group_of_legs_is_one_movement_from_the_first_payer_to_the_last_payee() {
        let mut window = Window::default();
        (0..3).for_each(|leg| {
            window.take(&record(if leg == 1 { Kind::Settlement } else { Kind::Payment }, leg, 3, 5_000))
        });
        let all: Vec<_> = window.latest.iter().map(|m| (m.id.number(), m.kind, m.payer, m.payee)).collect();
        assert_eq!(all, [(0x50, Kind::Payment, 100, 202)]);
        assert_eq!(window.today(5_000), (1, 1250));
    }

    #[test]
    fn the_pace_counts_the_last_full_minute_and_the_day_begins_at_midnight_in_the_east() {
        let mut window = Window::default();
        for at in [1_000, 1_999, 3_000, 61_000] {
            window.take(&record(Kind::Payment, 0, 1, at));
        }
        window.take(&record(Kind::Refund, 0, 1, 61_500));
        let pace = window.per_second(62_000);
        assert_eq!((pace.len(), pace[0], pace[1], pace[59]), (SECONDS, 0, 1, 1));
        assert_eq!(pace.iter().sum::<u64>(), 2);
        assert_eq!(window.today(62_000).0, 4);
        assert_eq!(window.today(16 * 3_600_000), (0, 0));
        assert_eq!(start_of_day(16 * 3_600_000), 16 * 3_600_000);
        assert_eq!(window.latest.len(), 5);
    }
}
