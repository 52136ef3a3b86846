//! Legs and frames as bytes: what is written is read, and nothing else is.

use jialing_bulk::frame::{BadFrame, FrameKind, Header, NewMeter};
use jialing_bulk::leg::{BadLeg, Groups, LEG_LEN, decode, encode};
use jialing_bulk::{AccountKind, Balance, Batch, BatchFull, Id, Leg, LegOp, MAX_GROUPS, NewAccount, Welcome};
use proptest::collection::vec;
use proptest::prelude::*;

pub(crate) fn plain(id: Id) -> Leg {
    let op = LegOp::Plain { debit: 0x11, credit: 0x22, amount: 1250 };
    Leg { id, op, kind: 11, digest: [0xd1; 24], meters: [0; 4] }
}

fn ops() -> impl Strategy<Value = (LegOp, [u8; 24])> {
    prop_oneof![
        (any::<Id>(), any::<Id>(), any::<u64>(), any::<[u8; 24]>())
            .prop_map(|(debit, credit, amount, digest)| (LegOp::Plain { debit, credit, amount }, digest)),
        (any::<Id>(), any::<Id>(), any::<u64>(), any::<u64>(), any::<[u8; 24]>()).prop_map(
            |(debit, credit, amount, expires, digest)| {
                (LegOp::Hold { debit, credit, amount, expires }, digest)
            }
        ),
        (any::<Id>(), any::<u64>()).prop_map(|(hold, amount)| (LegOp::Post { hold, amount }, [0; 24])),
        any::<Id>().prop_map(|hold| (LegOp::Void { hold }, [0; 24])),
        any::<Id>().prop_map(|transfer| (LegOp::Reverse { transfer }, [0; 24])),
    ]
}

fn legs() -> impl Strategy<Value = Leg> {
    (any::<Id>(), ops(), any::<u16>(), vec(1..Id::MAX, 0..=4)).prop_map(|(id, (op, digest), kind, named)| {
        let mut meters = [0; 4];
        meters[..named.len()].copy_from_slice(&named);
        Leg { id, op, kind, digest, meters }
    })
}

fn write(groups: &[Vec<Leg>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for group in groups {
        for (place, leg) in group.iter().enumerate() {
            encode(leg, place + 1 < group.len(), &mut bytes);
        }
    }
    bytes
}

/// What decoding made, written again.
fn rewrite(groups: &Groups) -> Vec<u8> {
    let mut legs = groups.legs.iter().copied();
    let groups: Vec<Vec<Leg>> =
        groups.groups.iter().map(|&count| legs.by_ref().take(count.into()).collect()).collect();
    write(&groups)
}

proptest! {
    #[test]
    fn groups_come_back_as_they_were(groups in vec(vec(legs(), 1..=8), 0..20)) {
        let bytes = write(&groups);
        let mut read = Groups::default();
        decode(&bytes, &mut read).expect("what was written is read");
        prop_assert_eq!(read.groups.iter().map(|&n| usize::from(n)).collect::<Vec<_>>(), groups.iter().map(Vec::len).collect::<Vec<_>>());
        prop_assert_eq!(read.legs, groups.concat());
    }

    /// Whatever the bytes, decoding ends without a panic; and if it reads something, it was the one
    /// way to write it.
    #[test]
    fn there_is_one_way_to_write_legs(
        groups in vec(vec(legs(), 1..=3), 1..6),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let mut bytes = write(&groups);
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        let mut read = Groups::default();
        if decode(&bytes, &mut read).is_ok() {
            prop_assert_eq!(rewrite(&read), bytes);
        }
    }

    #[test]
    fn any_header_is_read_or_refused(bytes in vec(any::<u8>(), 0..64)) {
        if let Ok((header, rest)) = Header::split(&bytes) {
            prop_assert_eq!([&header.encode()[..], rest].concat(), bytes);
        }
    }
}

#[test]
fn bytes_that_are_no_leg_are_refused_with_the_reason() {
    let check = |at: usize, value: u8, leg: Leg, what: &'static str| {
        let mut bytes = write(&[vec![plain(1)], vec![leg]]);
        bytes[LEG_LEN + at] = value;
        assert_eq!(decode(&bytes, &mut Groups::default()), Err(BadLeg { leg: 1, what }), "byte {at}");
    };
    let unused = "a field that this operation has no use for is set";
    let with = |op| Leg { op, digest: [0; 24], ..plain(2) };
    check(90, 0, plain(2), "its operation is none");
    check(90, 20, plain(2), "its operation is none");
    check(56, 1, plain(2), unused);
    for at in [32, 56, 64] {
        check(at, 1, with(LegOp::Post { hold: 9, amount: 5 }), unused);
    }
    for at in [32, 48, 56, 64, 87] {
        check(at, 1, with(LegOp::Void { hold: 9 }), unused);
        check(at, 1, with(LegOp::Reverse { transfer: 9 }), unused);
    }
    check(91, 5, plain(2), "it names more than four meters");
    check(91, 1, plain(2), "a meter is missing");
    check(92, 2, plain(2), "bytes 92 to 95 are none of ours");
    check(93, 1, plain(2), "bytes 92 to 95 are none of ours");
    check(95, 1, plain(2), "bytes 92 to 95 are none of ours");
    let metered = Leg { meters: [7, 0, 0, 0], ..plain(2) };
    check(96, 0, metered, "a meter is zero");
}

#[test]
fn cut_and_unfinished_groups_are_refused() {
    let check = |bytes: &[u8], leg: usize, what: &'static str| {
        assert_eq!(decode(bytes, &mut Groups::default()), Err(BadLeg { leg, what }));
    };
    let whole = write(&[vec![plain(1)], vec![plain(2), plain(3)]]);
    check(&whole[..whole.len() - 1], 2, "it is cut");
    check(&whole[..2 * LEG_LEN], 2, "the last group goes on, but no leg follows");
    let long = write(&[vec![plain(1); 256]]);
    check(&long, 255, "the group has more than 255 legs");
    assert_eq!(decode(&write(&[vec![plain(1); 255]]), &mut Groups::default()), Ok(()));
}

#[test]
fn a_batch_takes_what_a_frame_may_hold() {
    let mut batch = Batch::new();
    assert_eq!(batch.group(&[]), Err(BatchFull::Group));
    assert_eq!(batch.group(&[plain(1); 9]), Err(BatchFull::Group));
    for n in 0..MAX_GROUPS {
        batch.leg(&plain(n as Id)).expect("room");
    }
    assert_eq!((batch.leg(&plain(0)), batch.groups()), (Err(BatchFull::Frame), MAX_GROUPS));
    batch.clear();
    assert!(batch.is_empty());
    // Three legs with four meters each fit for all groups; eight legs do not.
    let metered = Leg { meters: [1, 2, 3, 4], ..plain(1) };
    let fits = |legs: &[Leg]| {
        let mut batch = Batch::new();
        (0..MAX_GROUPS).take_while(|_| batch.group(legs).is_ok()).count()
    };
    assert_eq!(fits(&[metered; 3]), MAX_GROUPS);
    assert_eq!(fits(&[plain(1); 8]), 5461);
}

#[test]
fn headers_must_fit_what_follows() {
    let check = |header: [u8; 16], body: usize, expect: Result<(), &'static str>| {
        let frame = [&header[..], &vec![0; body]].concat();
        let split = Header::split(&frame).map(|_| ()).map_err(|BadFrame(why)| why);
        assert_eq!(split, expect, "{header:?} {body}");
    };
    let header = |kind: u8, count: u32| {
        let mut bytes = [0; 16];
        bytes[0] = kind;
        bytes[4..8].copy_from_slice(&count.to_le_bytes());
        bytes
    };
    let (unfit, above) = ("the length does not fit the count", "the count is outside the limits");
    check(header(2, 2), 64, Ok(()));
    check(header(2, 2), 63, Err(unfit));
    check(header(2, 8191), 8191 * 32, Err(above));
    check(header(1, 65_521), 0, Err(above));
    check(header(3, 1), 24, Ok(()));
    check(header(4, 1), 17, Err(unfit));
    check(header(5, 0), 0, Ok(()));
    check(header(5, 1), 0, Err(above));
    check(header(6, 0), 1, Err(unfit));
    check(header(133, 0), 0, Err(above));
    check(header(134, 2), 4, Err(above));
    check(header(0, 0), 0, Err("no frame is of this kind"));
    check(header(7, 0), 0, Err("no frame is of this kind"));
    let mut dirty = header(5, 0);
    dirty[2] = 1;
    check(dirty, 0, Err("bytes 1 to 3 of the header are not zero"));
    assert_eq!(Header::split(&[0; 15]), Err(BadFrame("the header is cut")));
}

#[test]
fn accounts_meters_balances_and_the_welcome_come_back() {
    let account = NewAccount { id: Id::MAX - 1, kind: AccountKind::Transit, currency: 156, max: i64::MIN };
    assert_eq!(NewAccount::decode(&account.encode()), Ok(account));
    let meter = NewMeter { id: 1 << 127, policy: u32::MAX };
    assert_eq!(NewMeter::decode(&meter.encode()), Ok(meter));
    let balance = Balance { id: 5, found: true, balance: -7, available: i64::MIN, debits: u64::MAX };
    assert_eq!(Balance::decode(&balance.encode()), Ok(balance));
    let welcome = Welcome {
        institution: 7,
        holder: 3,
        vault: Id::MAX,
        issuance: 1,
        kind: 11,
        window: 4,
        frame_bytes: 4 << 20,
        groups: 8190,
        idle_seconds: 60,
    };
    let frame = welcome.encode();
    let (header, body) = Header::split(&frame).expect("a frame");
    assert_eq!((header.kind, Welcome::decode(body)), (FrameKind::Welcome, Ok(welcome)));

    let mut bytes = account.encode();
    (0..5).for_each(|n| {
        bytes[27 + n] = 1;
        assert!(NewAccount::decode(&bytes).is_err());
        bytes[27 + n] = 0;
    });
    bytes[26] = 6;
    assert!(NewAccount::decode(&bytes).is_err());
    let mut bytes = meter.encode();
    bytes[23] = 1;
    assert!(NewMeter::decode(&bytes).is_err());
    let mut bytes = balance.encode();
    bytes[40] = 2;
    assert!(Balance::decode(&bytes).is_err());
}
