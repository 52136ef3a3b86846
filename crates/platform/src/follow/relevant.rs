//! What of the journal any follower has something to do with.
//!
//! A bank's bulk work between accounts of its own is nobody's row: a million such transfers a second
//! must not hold up the payments between them. They are left out here, so a follower's transaction
//! holds what it has to do and its cursor passes over the rest.

use jialing_ledger::{Body, Record};

use crate::kind::{Kind, bulk_bank};

/// The first of `records`, without what no follower has to do with, at most `most` of them (or one
/// group more), and the sequence number after all that was looked at. The records hold whole groups.
pub(super) fn relevant(records: &[Record], most: usize) -> (Vec<Record>, Option<u64>) {
    let (mut kept, mut next): (Vec<Record>, _) = (Vec::new(), None);
    let (mut group, mut wanted) = (0, false);
    for (place, record) in records.iter().enumerate() {
        wanted |= concerns(record);
        if !ends_group(record) {
            continue;
        }
        if wanted {
            kept.extend_from_slice(&records[group..=place]);
        }
        (group, wanted, next) = (place + 1, false, Some(record.seq + 1));
        if kept.len() >= most {
            break;
        }
    }
    (kept, next)
}

/// Whether no leg follows that belongs to the same group.
pub(super) const fn ends_group(record: &Record) -> bool {
    match &record.body {
        Body::Terms { .. } => false,
        Body::Transfer(transfer) => transfer.leg + 1 >= transfer.legs,
        _ => true,
    }
}

const fn concerns(record: &Record) -> bool {
    match &record.body {
        Body::Transfer(transfer) => {
            transfer.kind != Kind::Bulk as u16
                || bulk_bank(transfer.debit).is_none()
                || bulk_bank(transfer.credit).is_none()
        }
        // Terms concern whoever their transfer concerns.
        Body::Terms { .. } => false,
        Body::AccountOpened { id, .. } => bulk_bank(*id).is_none(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use jialing_ledger::{Op, Transfer};

    use super::*;

    const OWN: u128 = 0x3F00 << 112 | 7 << 80;
    const WALLET: u128 = 0x0190 << 112;

    fn leg(seq: u64, leg: u8, legs: u8, kind: Kind, debit: u128, credit: u128) -> Record {
        let transfer = Transfer {
            id: 1,
            op: Op::Plain,
            kind: kind as u16,
            debit,
            credit,
            amount: 1,
            debit_balance: 0,
            credit_balance: 0,
            link: [0; 24],
            leg,
            legs,
            has_terms: false,
        };
        Record { seq, time: 0, body: Body::Transfer(transfer) }
    }

    fn check(records: &[Record], most: usize, kept: &[u64], next: Option<u64>) {
        let (found, after) = relevant(records, most);
        let found: Vec<u64> = found.iter().map(|record| record.seq).collect();
        assert_eq!((found, after), (kept.to_vec(), next));
    }

    #[test]
    fn what_moves_between_bulk_accounts_is_passed_over() {
        let bulk = |seq| leg(seq, 0, 1, Kind::Bulk, OWN | 1, OWN | 2);
        let pays = |seq| leg(seq, 0, 1, Kind::Bulk, OWN | 1, WALLET);
        let payment = |seq| leg(seq, 0, 1, Kind::Payment, WALLET, WALLET | 16);
        check(&[], 9, &[], None);
        check(&[bulk(3), bulk(4)], 9, &[], Some(5));
        check(&[bulk(3), pays(4), bulk(5), payment(6), bulk(7)], 9, &[4, 6], Some(8));
        check(&[bulk(3), pays(4), bulk(5), payment(6), bulk(7)], 1, &[4], Some(5));
        // A bank that names another kind cannot make itself unseen, nor can one that takes.
        check(&[leg(3, 0, 1, Kind::Payment, OWN | 1, OWN | 2)], 9, &[3], Some(4));
        check(&[leg(3, 0, 1, Kind::Bulk, WALLET, OWN | 2)], 9, &[3], Some(4));
    }

    #[test]
    fn a_group_is_kept_or_passed_over_as_a_whole() {
        let group = |last: u128| {
            [leg(3, 0, 2, Kind::Bulk, OWN | 1, OWN | 2), leg(4, 1, 2, Kind::Bulk, OWN | 2, last)]
        };
        check(&group(WALLET), 9, &[3, 4], Some(5));
        check(&group(OWN | 9), 9, &[], Some(5));
        let terms = Record { seq: 3, time: 0, body: Body::Terms { meters: [1, 0, 0, 0], expires: 0 } };
        check(&[terms, leg(4, 0, 1, Kind::Bulk, OWN | 1, WALLET)], 9, &[3, 4], Some(5));
        check(&[terms, leg(4, 0, 1, Kind::Bulk, OWN | 1, OWN | 2)], 9, &[], Some(5));
    }
}
