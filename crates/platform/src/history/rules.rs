//! What a group of legs means for each wallet in it. Pure.

use jialing_ledger::{Body, Record, Transfer};

use crate::kind::Kind;
use crate::wallets::legs::thing;

use super::Direction;
use super::account::InstitutionAccount;

/// One account's side of a movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// The account: a wallet's, or an institution's.
    pub wallet: u128,
    /// The record that names it.
    pub seq: u64,
    /// When, milliseconds.
    pub at: i64,
    /// The number of what it was for.
    pub transaction: u128,
    /// What it was.
    pub kind: Kind,
    /// Out of the wallet or into it.
    pub direction: Direction,
    /// Minor units.
    pub amount: u64,
    /// The account's balance after.
    pub balance: i64,
    /// The wallet at the other end, if there is one; for an institution, and for what a bank moved by
    /// itself, the account at the other end.
    pub other: Option<u128>,
}

/// The accounts that `records` debit or credit, for looking up which of them are wallets.
pub fn accounts(records: &[Record]) -> Vec<u128> {
    let mut accounts: Vec<u128> = moved(records)
        .flat_map(|(_, transfer)| {
            let beside = giver(transfer).unwrap_or(transfer.debit);
            [transfer.debit, transfer.credit, beside]
        })
        .collect();
    accounts.sort_unstable();
    accounts.dedup();
    accounts
}

/// Every wallet's side of what `records` moved, in order. The records hold whole groups.
///
/// A movement across liability holders passes accounts of institutions on its way. The other end of
/// a wallet's leg is the nearest wallet further along the group (for money that leaves) or further
/// back (for money that arrives).
pub fn sides(records: &[Record], is_wallet: impl Fn(u128) -> bool) -> Vec<Side> {
    let legs: Vec<(&Record, &Transfer)> = moved(records).collect();
    let mut sides = Vec::new();
    for (place, (record, transfer)) in legs.iter().enumerate() {
        let Some(kind) = Kind::from_number(transfer.kind) else { continue };
        // A group's records are adjacent, each with its leg's number.
        let first = place - usize::from(transfer.leg).min(place);
        let last = (place + usize::from(transfer.legs - transfer.leg)).min(legs.len());
        let side = |wallet, direction, balance, other| Side {
            wallet,
            seq: record.seq,
            at: (record.time / 1_000_000) as i64,
            transaction: thing(transfer.id),
            kind,
            direction,
            amount: transfer.amount,
            balance,
            other,
        };
        // A bank's bulk work names the bank by its account.
        let by_bank = |account| (kind == Kind::Bulk).then_some(account);
        if is_wallet(transfer.debit) {
            let other =
                legs[place..last].iter().map(|(_, leg)| leg.credit).find(|&account| is_wallet(account));
            let other = other.or(by_bank(transfer.credit));
            sides.push(side(transfer.debit, Direction::Out, transfer.debit_balance, other));
        }
        if is_wallet(transfer.credit) {
            let other = legs[first..=place]
                .iter()
                .rev()
                .map(|(_, leg)| leg.debit)
                .find(|&account| is_wallet(account));
            let other = other.or(by_bank(transfer.debit)).or_else(|| giver(legs[first].1));
            sides.push(side(transfer.credit, Direction::In, transfer.credit_balance, other));
        }
    }
    sides
}

/// The wallet that a share of a red packet came from: the account that held it is beside that wallet.
fn giver(transfer: &Transfer) -> Option<u128> {
    (transfer.kind == Kind::RedPacketShare as u16).then(|| thing(transfer.debit))
}

/// Every side of institutions' accounts in what `records` moved, in order. `which` says what the account
/// of an institution is.
///
/// An issuance account is below zero by what the institution owes. Its history is that of the debt:
/// what leaves the account makes the debt larger and is shown as coming, the debt as its balance.
pub fn institution_sides(
    records: &[Record],
    which: impl Fn(u128) -> Option<InstitutionAccount>,
) -> Vec<Side> {
    let mut sides = Vec::new();
    for (record, transfer) in moved(records) {
        let Some(kind) = Kind::from_number(transfer.kind) else { continue };
        for (account, other, direction, balance) in [
            (transfer.debit, transfer.credit, Direction::Out, transfer.debit_balance),
            (transfer.credit, transfer.debit, Direction::In, transfer.credit_balance),
        ] {
            let Some(which) = which(account) else { continue };
            let is_debt = which == InstitutionAccount::Issuance;
            sides.push(Side {
                wallet: account,
                seq: record.seq,
                at: (record.time / 1_000_000) as i64,
                transaction: thing(transfer.id),
                kind,
                direction: if is_debt { direction.turned() } else { direction },
                amount: transfer.amount,
                balance: if is_debt { -balance } else { balance },
                other: Some(other),
            });
        }
    }
    sides
}

/// The legs that move money. What is only set aside or released is not in the history.
fn moved(records: &[Record]) -> impl Iterator<Item = (&Record, &Transfer)> {
    records.iter().filter_map(|record| match &record.body {
        Body::Transfer(transfer) if transfer.op.moves() => Some((record, transfer)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use jialing_ledger::Op;

    use super::*;

    const ANN: u128 = 0x100;
    const SHOP: u128 = 0x200;
    const BANK: u128 = 0xa1;
    const BANK_ISSUES: u128 = 0xa2;
    const OTHER_BANK: u128 = 0xb1;
    const OTHER_ISSUES: u128 = 0xb2;

    fn leg(seq: u64, leg: u8, legs: u8, debit: u128, credit: u128, kind: Kind, op: Op) -> Record {
        let transfer = Transfer {
            id: 0x70 | u128::from(leg),
            op,
            kind: kind as u16,
            debit,
            credit,
            amount: 1250,
            debit_balance: 1000,
            credit_balance: 2000,
            link: [0; 24],
            leg,
            legs,
            has_terms: false,
        };
        Record { seq, time: 5_000_000, body: Body::Transfer(transfer) }
    }

    type Row = (u128, u64, Direction, i64, Option<u128>);

    fn check(records: &[Record], expect: &[Row]) {
        let rows: Vec<Row> = sides(records, |account| account == ANN || account == SHOP)
            .iter()
            .map(|s| (s.wallet, s.seq, s.direction, s.balance, s.other))
            .collect();
        assert_eq!(rows, expect);
    }

    #[test]
    fn both_ends_of_one_leg_have_a_side() {
        check(
            &[leg(9, 0, 1, ANN, SHOP, Kind::Payment, Op::Plain)],
            &[(ANN, 9, Direction::Out, 1000, Some(SHOP)), (SHOP, 9, Direction::In, 2000, Some(ANN))],
        );
    }

    #[test]
    fn the_two_ends_meet_across_liability_holders() {
        let group = [
            leg(3, 0, 3, ANN, BANK_ISSUES, Kind::Payment, Op::Plain),
            leg(4, 1, 3, BANK, OTHER_BANK, Kind::Settlement, Op::Plain),
            leg(5, 2, 3, OTHER_ISSUES, SHOP, Kind::Payment, Op::Plain),
        ];
        check(
            &group,
            &[(ANN, 3, Direction::Out, 1000, Some(SHOP)), (SHOP, 5, Direction::In, 2000, Some(ANN))],
        );
    }

    #[test]
    fn a_group_does_not_look_into_its_neighbours() {
        let records = [
            leg(3, 0, 1, SHOP, BANK, Kind::Withdrawal, Op::Plain),
            leg(4, 0, 1, BANK, ANN, Kind::TopUp, Op::Plain),
            leg(5, 0, 1, BANK, SHOP, Kind::TopUp, Op::Plain),
        ];
        check(
            &records,
            &[
                (SHOP, 3, Direction::Out, 1000, None),
                (ANN, 4, Direction::In, 2000, None),
                (SHOP, 5, Direction::In, 2000, None),
            ],
        );
    }

    #[test]
    fn what_is_only_set_aside_is_not_history() {
        let check_op = |op: Op, rows: usize| {
            assert_eq!(
                sides(&[leg(3, 0, 1, ANN, BANK, Kind::Withdrawal, op)], |a| a == ANN).len(),
                rows,
                "{op:?}"
            )
        };
        check_op(Op::Hold, 0);
        check_op(Op::Void, 0);
        check_op(Op::Expire, 0);
        check_op(Op::Post, 1);
        check_op(Op::Reverse, 1);
    }
}
