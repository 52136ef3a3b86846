//! What the journal says that tables must say too.

use jialing_ledger::{Body, Record};

use crate::kind::Kind;
use crate::wallets::legs::thing;

/// A movement of money, whole: from whom to whom, however many legs it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// The number of what it paid for.
    pub(super) id: u128,
    /// The first record of it.
    pub(super) seq: u64,
    /// What it was.
    pub(super) kind: Kind,
    /// Minor units.
    pub(super) amount: u64,
    /// Where it came from.
    pub(super) debit: u128,
    /// Where it ended.
    pub(super) credit: u128,
}

/// Whether no leg follows that belongs to the same group as `record`.
pub(super) const fn ends_group(record: &Record) -> bool {
    match &record.body {
        Body::Terms { .. } => false,
        Body::Transfer(transfer) => transfer.leg + 1 >= transfer.legs,
        _ => true,
    }
}

/// The movements of money in `records`, which hold whole groups.
///
/// Legs of one group with the same thing behind them are one movement: the first says who paid, the
/// last who was paid.
pub(super) fn of(records: &[Record]) -> Vec<Claim> {
    let mut claims: Vec<(u64, Claim)> = Vec::new();
    let mut group = 0;
    for record in records {
        let Body::Transfer(transfer) = &record.body else { continue };
        if transfer.leg == 0 {
            group = record.seq;
        }
        let Some(kind) = Kind::from_number(transfer.kind) else { continue };
        if !transfer.op.moves() {
            continue;
        }
        let id = thing(transfer.id);
        match claims.last_mut() {
            Some((same, claim)) if *same == group && claim.id == id => claim.credit = transfer.credit,
            _ => claims.push((
                group,
                Claim {
                    id,
                    seq: record.seq,
                    kind,
                    amount: transfer.amount,
                    debit: transfer.debit,
                    credit: transfer.credit,
                },
            )),
        }
    }
    claims.into_iter().map(|(_, claim)| claim).collect()
}

#[cfg(test)]
mod tests {
    use jialing_ledger::{Op, Transfer};

    use super::*;

    fn leg(
        seq: u64,
        id: u128,
        leg: u8,
        legs: u8,
        (debit, credit): (u128, u128),
        kind: Kind,
        op: Op,
    ) -> Record {
        let transfer = Transfer {
            id,
            op,
            kind: kind as u16,
            debit,
            credit,
            amount: 5,
            debit_balance: 0,
            credit_balance: 0,
            link: [0; 24],
            leg,
            legs,
            has_terms: false,
        };
        Record { seq, time: 0, body: Body::Transfer(transfer) }
    }

    fn check(records: &[Record], expect: &[(u128, u64, u128, u128)]) {
        let found: Vec<_> =
            of(records).iter().map(|claim| (claim.id, claim.seq, claim.debit, claim.credit)).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn legs_of_one_thing_are_one_movement() {
        use Kind::{Payment, Settlement, TopUp, Withdrawal};
        check(&[leg(4, 0x70, 0, 1, (1, 2), Payment, Op::Plain)], &[(0x70, 4, 1, 2)]);
        check(
            &[
                leg(4, 0x70, 0, 3, (1, 11), Payment, Op::Plain),
                leg(5, 0x71, 1, 3, (12, 13), Settlement, Op::Plain),
                leg(6, 0x72, 2, 3, (14, 2), Payment, Op::Plain),
                leg(7, 0x80, 0, 1, (3, 4), TopUp, Op::Plain),
            ],
            &[(0x70, 4, 1, 2), (0x80, 7, 3, 4)],
        );
        check(
            &[
                leg(4, 0x70, 0, 1, (1, 2), Withdrawal, Op::Hold),
                leg(5, 0x74, 0, 1, (1, 2), Withdrawal, Op::Post),
            ],
            &[(0x70, 5, 1, 2)],
        );
        check(&[leg(4, 0x78, 0, 1, (1, 2), Withdrawal, Op::Void)], &[]);
        // Two payments in one group stay two.
        check(
            &[leg(4, 0x70, 0, 2, (1, 2), Payment, Op::Plain), leg(5, 0x90, 1, 2, (1, 3), Payment, Op::Plain)],
            &[(0x70, 4, 1, 2), (0x90, 5, 1, 3)],
        );
    }
}
