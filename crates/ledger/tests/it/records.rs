//! The bytes of a record: laid out as documented, one encoding each, and nothing else accepted.

use jialing_ledger::*;
use proptest::prelude::*;

fn kind() -> impl Strategy<Value = AccountKind> {
    prop::sample::select(AccountKind::ALL.to_vec())
}

fn opened() -> impl Strategy<Value = Body> {
    (any::<Id>(), any::<u16>(), kind(), any::<u32>(), any::<i64>(), any::<i64>()).prop_map(
        |(id, currency, kind, holder, min, max)| Body::AccountOpened { id, currency, kind, holder, min, max },
    )
}

fn changed() -> impl Strategy<Value = Body> {
    (any::<Id>(), any::<[i64; 3]>(), any::<[bool; 3]>()).prop_map(
        |(id, [min, max, balance], [debit_frozen, credit_frozen, closed])| Body::AccountChanged {
            id,
            min,
            max,
            debit_frozen,
            credit_frozen,
            closed,
            balance,
        },
    )
}

fn published() -> impl Strategy<Value = Body> {
    (any::<[u32; 2]>(), any::<[u64; 6]>()).prop_map(
        |([policy, version], [from, single, day, day_count, year, year_count])| Body::PolicyPublished {
            policy,
            version,
            from,
            bounds: Policy { single, day, day_count, year, year_count },
        },
    )
}

fn transfer() -> impl Strategy<Value = Body> {
    let op = prop::sample::select(Op::ALL.to_vec());
    let place = (any::<u8>(), any::<u8>(), any::<bool>());
    (any::<[Id; 3]>(), op, any::<u16>(), any::<u64>(), any::<[i64; 2]>(), any::<[u8; 24]>(), place).prop_map(
        |([id, debit, credit], op, kind, amount, [debit_balance, credit_balance], link, place)| {
            let (leg, legs, has_terms) = place;
            let transfer = Transfer {
                id,
                op,
                kind,
                debit,
                credit,
                amount,
                debit_balance,
                credit_balance,
                link,
                leg,
                legs,
                has_terms,
            };
            Body::Transfer(transfer)
        },
    )
}

fn record() -> impl Strategy<Value = Record> {
    let body = prop_oneof![
        opened(),
        changed(),
        published(),
        (any::<Id>(), any::<u32>()).prop_map(|(meter, policy)| Body::MeterSet { meter, policy }),
        (any::<[Id; 4]>(), any::<u64>()).prop_map(|(meters, expires)| Body::Terms { meters, expires }),
        transfer(),
        (any::<u16>(), any::<Id>(), any::<[u8; 32]>()).prop_map(|(kind, id, digest)| Body::Note {
            kind,
            id,
            digest
        }),
    ];
    (any::<u64>(), any::<u64>(), body).prop_map(|(seq, time, body)| Record { seq, time, body })
}

/// Bytes that often come close to a record.
fn bytes() -> impl Strategy<Value = [u8; RECORD_LEN]> {
    let wild = prop::collection::vec(any::<u8>(), RECORD_LEN);
    let near = (record(), 0..RECORD_LEN, any::<u8>()).prop_map(|(record, at, byte)| {
        let mut bytes = record.encode();
        bytes[at] = byte;
        bytes.to_vec()
    });
    let tagged = (prop::collection::vec(any::<u8>(), RECORD_LEN), 0u8..24).prop_map(|(mut bytes, tag)| {
        bytes[16] = tag;
        bytes
    });
    prop_oneof![wild, near, tagged].prop_map(|bytes| bytes.try_into().expect("the right length"))
}

proptest! {
    #[test]
    fn what_was_encoded_is_decoded(record in record()) {
        prop_assert_eq!(Record::decode(&record.encode()), Ok(record));
    }

    #[test]
    fn bytes_are_the_encoding_of_one_record_or_of_none(bytes in bytes()) {
        if let Ok(record) = Record::decode(&bytes) {
            prop_assert_eq!(record.encode(), bytes);
        }
    }
}

/// A transfer with a different value in every field.
fn sample() -> Record {
    Record {
        seq: 0x0807_0605_0403_0201,
        time: 0x1817_1615_1413_1211,
        body: Body::Transfer(Transfer {
            id: 0x21,
            op: Op::Hold,
            kind: 0x2322,
            debit: 0x24,
            credit: 0x25,
            amount: 0x26,
            debit_balance: 0x27,
            credit_balance: -1,
            link: [0x28; 24],
            leg: 0x29,
            legs: 0x2a,
            has_terms: true,
        }),
    }
}

#[test]
fn a_transfer_is_laid_out_as_documented() {
    let bytes = sample().encode();
    let check = |at: usize, expected: &[u8]| assert_eq!(&bytes[at..at + expected.len()], expected, "at {at}");
    check(0, &[1, 2, 3, 4, 5, 6, 7, 8]);
    check(8, &[0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18]);
    check(16, &[17]);
    check(17, &[0x21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    check(33, &[0x24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    check(49, &[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    check(65, &[0x26, 0, 0, 0, 0, 0, 0, 0]);
    check(73, &[0x27, 0, 0, 0, 0, 0, 0, 0]);
    check(81, &[0xff; 8]);
    check(89, &[0x28; 24]);
    check(113, &[0x22, 0x23, 0x29, 0x2a, 1]);
}

#[test]
fn the_other_records_are_laid_out_as_documented() {
    let check = |body: Body, tag: u8, fields: &[&[u8]]| {
        let bytes = Record { seq: 0, time: 0, body }.encode();
        let mut expected = [&[0; 16][..], &[tag]].concat();
        expected.extend(fields.concat());
        expected.resize(RECORD_LEN, 0);
        assert_eq!(bytes[..], expected[..], "{body:?}");
    };
    let id = 5u128.to_le_bytes();
    check(
        Body::AccountOpened { id: 5, currency: 156, kind: AccountKind::Personal, holder: 9, min: -2, max: 3 },
        1,
        &[&id, &[156, 0], &[3], &[9, 0, 0, 0], &(-2i64).to_le_bytes(), &3i64.to_le_bytes()],
    );
    check(
        Body::AccountChanged {
            id: 5,
            min: 1,
            max: 2,
            debit_frozen: true,
            credit_frozen: false,
            closed: true,
            balance: 7,
        },
        2,
        &[&id, &1i64.to_le_bytes(), &2i64.to_le_bytes(), &[0b101], &7i64.to_le_bytes()],
    );
    let bounds = Policy { single: 1, day: 2, day_count: 3, year: 4, year_count: 5 };
    let mut fields = [[6, 0, 0, 0], [7, 0, 0, 0]].concat();
    fields.extend([8u64, 1, 2, 3, 4, 5].map(u64::to_le_bytes).concat());
    check(Body::PolicyPublished { policy: 6, version: 7, from: 8, bounds }, 3, &[&fields]);
    check(Body::MeterSet { meter: 5, policy: 6 }, 4, &[&id, &[6, 0, 0, 0]]);
    let meters = [1u128, 2, 0, 3];
    check(
        Body::Terms { meters, expires: 9 },
        5,
        &[&meters.map(u128::to_le_bytes).concat(), &9u64.to_le_bytes()],
    );
    check(Body::Note { kind: 258, id: 5, digest: [6; 32] }, 6, &[&[2, 1], &id, &[6; 32]]);
}

#[test]
fn what_encode_never_writes_is_refused() {
    let check = |at: usize, byte: u8, expected: BadRecord| {
        let mut bytes = Record { seq: 1, time: 2, body: Body::MeterSet { meter: 5, policy: 6 } }.encode();
        bytes[at] = byte;
        assert_eq!(Record::decode(&bytes), Err(expected));
    };
    for tag in (0..=u8::MAX).filter(|tag| !(1..=6).contains(tag) && !(16..=21).contains(tag)) {
        check(16, tag, BadRecord::Tag(tag));
    }
    for at in 37..RECORD_LEN {
        check(at, 1, BadRecord::Padding(at));
    }
    let mut bytes = sample().encode();
    bytes[117] = 2;
    assert_eq!(Record::decode(&bytes), Err(BadRecord::Flag(2)));
    let mut bytes = [0; RECORD_LEN];
    bytes[16] = 2;
    bytes[49] = 8;
    assert_eq!(Record::decode(&bytes), Err(BadRecord::Flag(8)));
    for kind in [0, 6, 255] {
        let mut bytes = [0; RECORD_LEN];
        bytes[16] = 1;
        bytes[35] = kind;
        assert_eq!(Record::decode(&bytes), Err(BadRecord::Kind(kind)));
    }
}

#[test]
fn a_target_is_read_from_the_link() {
    let target = |op, link| {
        let Body::Transfer(transfer) = sample().body else { panic!("the sample is a transfer") };
        Transfer { op, link, ..transfer }.target()
    };
    let mut link = [0; 24];
    link[..2].copy_from_slice(&[2, 1]);
    for (op, expected) in [
        (Op::Plain, None),
        (Op::Hold, None),
        (Op::Post, Some(258)),
        (Op::Void, Some(258)),
        (Op::Expire, Some(258)),
        (Op::Reverse, Some(258)),
    ] {
        assert_eq!(target(op, link), expected, "{op:?}");
    }
}
