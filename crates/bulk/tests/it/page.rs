//! The page that other clients are written from says what the code does.

use jialing_bulk::answer::FIELDS;
use jialing_bulk::frame::{FrameKind, Header};
use jialing_bulk::{
    AccountKind, Balance, Fault, Leg, LegOp, NewAccount, NotAllowed, Outcome, Reason, Refused, Why, account,
    leg, transfer,
};
use jialing_crypto::tunnel::{self, TunnelSuite};

const PAGE: &str = include_str!("../../../../docs/reference/bulk.md");

fn vectors() -> Vec<(&'static str, String)> {
    let mut vectors = vec![
        ("account 1 of bank 7", format!("{:032x}", account(7, 1))),
        ("transfer 1 of bank 7, its second leg", format!("{:032x}", transfer(7, 1, 1))),
    ];
    let one = |leg: &Leg, more: bool| {
        let mut bytes = Vec::new();
        leg::encode(leg, more, &mut bytes);
        hex::encode(bytes)
    };
    let op = LegOp::Plain { debit: account(7, 1), credit: account(7, 2), amount: 1250 };
    let plain = Leg { id: transfer(7, 1, 0), op, kind: 11, digest: [0xd1; 24], meters: [0; 4] };
    let hold = LegOp::Hold {
        debit: account(7, 1),
        credit: account(7, 2),
        amount: 5,
        expires: 1_800_000_000_000_000_000,
    };
    let post = LegOp::Post { hold: transfer(7, 2, 0), amount: 0 };
    vectors.push(("leg: transfer 1 moves 12.50 from account 1 to 2, digest d1…", one(&plain, false)));
    vectors.push((
        "leg: the same, charging meter 9, in a group that goes on",
        one(&Leg { meters: [account(7, 9), 0, 0, 0], ..plain }, true),
    ));
    vectors.push((
        "leg: transfer 2 holds 0.05, digest 00…",
        one(&Leg { id: transfer(7, 2, 0), op: hold, digest: [0; 24], ..plain }, false),
    ));
    vectors.push((
        "leg: transfer 3 posts the whole of it",
        one(&Leg { id: transfer(7, 3, 0), op: post, digest: [0; 24], ..plain }, false),
    ));
    let taken = Refused { reason: Reason::Ledger(Why::IdTaken), leg: 1, field: Some("amount") };
    vectors.push(("answer: done, record 4660", hex::encode(Outcome::Done { first: 0x1234 }.encode())));
    vectors.push((
        "answer: leg 1 refused, its id is taken by another amount",
        hex::encode(Outcome::Refused(taken).encode()),
    ));
    let new = NewAccount { id: account(7, 1), kind: AccountKind::Organisation, currency: 156, max: i64::MAX };
    vectors
        .push(("account 1 of bank 7 to open, in yuan, without a highest balance", hex::encode(new.encode())));
    let balance = Balance { id: account(7, 1), found: true, balance: 500, available: 400, debits: 1250 };
    vectors
        .push(("its balance 5.00, of which 4.00 may leave; 12.50 ever left", hex::encode(balance.encode())));
    let header = Header { kind: FrameKind::Legs, count: 1, number: 258 };
    vectors.push(("header: one leg, frame 258", hex::encode(header.encode())));
    for (suite, name) in [(TunnelSuite::International, "suite 1"), (TunnelSuite::Domestic, "suite 2")] {
        let labels = ("jialing bulk 1, to the server", "jialing bulk 1, to the client");
        let (mut sealer, _) = tunnel::keys(suite, &[0x5e; 32], &[0xa1; 32], labels.0, labels.1);
        for n in ["first", "second"] {
            let mut wire = Vec::new();
            sealer.seal(&Header { kind: FrameKind::Ping, count: 0, number: 1 }.encode(), &mut wire);
            let what = match (name, n) {
                ("suite 1", "first") => {
                    "suite 1, secret 5e…, said a1…: the first frame to the server, a ping with number 1"
                }
                ("suite 1", _) => "the same ping as the second frame",
                (_, "first") => {
                    "suite 2, secret 5e…, said a1…: the first frame to the server, a ping with number 1"
                }
                _ => "the same ping as the second frame of suite 2",
            };
            vectors.push((what, hex::encode(wire)));
        }
    }
    vectors
}

#[test]
fn every_vector_stands_on_the_page() {
    let shown: String =
        vectors().iter().map(|(what, bytes)| format!("{what}\n\n```text\n{bytes}\n```\n\n")).collect();
    for (what, bytes) in vectors() {
        let both = format!("{what}\n\n```text\n{bytes}\n```\n");
        assert!(PAGE.contains(&both), "{what} is not on the page; these are:\n\n{shown}");
    }
}

#[test]
fn every_fault_reason_and_field_stands_on_the_page() {
    for fault in Fault::ALL {
        let line = format!("| {} | `{}` | {} |", fault.number(), fault.name(), fault.meaning());
        assert!(PAGE.contains(&line), "{line}");
    }
    for why in NotAllowed::ALL {
        let line = format!("| {} | `{why:?}` |", why.number());
        assert!(PAGE.contains(&line), "{line}");
    }
    let fields: Vec<_> = FIELDS.iter().zip(1..).map(|(name, n)| format!("{n} {name}")).collect();
    assert!(PAGE.contains(&format!("Fields: {}.", fields.join(", "))));
}
