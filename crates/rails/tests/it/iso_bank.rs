//! The connector over ISO 20022 against a peer that answers well, badly and not at all.

use jialing_crypto::http_signature::CallbackSignature;
use jialing_crypto::{SigningKey, Suite};
use jialing_rails::bank::iso::{MESSAGES, NOT_SEEN};
use jialing_rails::bank::{
    BadNotice, Bank, BankNotice, Dialect, EntryKind, IsoBank, MAX_NOTICES, Money, Move, NoticeState, OurSide,
    Settled, read_notices,
};
use jialing_rails::iso20022::*;
use jialing_rails::{BadPeer, Outcome, Refusal, Why};
use jiff::Timestamp;
use jiff::civil::{Date, date};

use crate::peer::{Play, Server};

fn order() -> Move {
    Move {
        reference: "top_1".to_owned(),
        agreement: "agr_1".to_owned(),
        money: Money::cny(10_050),
        purpose: "数字人民币充值".to_owned(),
        not_after: "2026-11-22T10:00:00Z".parse().unwrap(),
    }
}

fn us() -> OurSide {
    OurSide { lei: Lei::parse("5493001KJTIIGC8Y1R12"), account: Some("JL-1".to_owned()) }
}

fn answer(document: Document) -> BusinessMessage {
    let header = Header {
        from: Agent::member("bank_a"),
        to: Agent::member("jialing"),
        id: "S-1".to_owned(),
        created: Timestamp::now(),
        possible_duplicate: None,
    };
    BusinessMessage { header, document }
}

fn signed(message: &BusinessMessage) -> Play {
    Play::Signed(String::from_utf8(message.write().unwrap()).unwrap())
}

fn status(code: Option<TxStatus>) -> TransactionStatus {
    TransactionStatus {
        id: None,
        original: Original {
            end_to_end: Some("top_1".to_owned()),
            uetr: Some(Uetr::of("bank_a", "top_1")),
            ..Original::default()
        },
        status: code,
        reasons: Vec::new(),
        accepted: None,
        servicer_reference: Some("B7".to_owned()),
        amount: Some(Amount::new(10_050, "CNY")),
    }
}

fn report(transactions: Vec<TransactionStatus>) -> StatusReport {
    StatusReport {
        id: "S-1".to_owned(),
        created: Timestamp::now(),
        instructing: None,
        instructed: None,
        groups: Vec::new(),
        transactions,
    }
}

fn saying(transactions: Vec<TransactionStatus>) -> BusinessMessage {
    answer(Document::StatusReport(report(transactions)))
}

fn because(code: CodeOr) -> Vec<Reason> {
    vec![Reason { code: Some(code), information: vec!["余额不足".to_owned()] }]
}

async fn check(message: BusinessMessage, expect: Outcome<Settled>) {
    let server = Server::start(vec![signed(&message)]).await;
    let bank = IsoBank::new(server.peer(), us()).unwrap();
    assert_eq!(bank.pull(&order()).await, expect);
}

fn unreadable(what: &'static str) -> Outcome<Settled> {
    Outcome::Unknown(Why::Unreadable(what))
}

#[tokio::test]
async fn each_status_means_what_the_code_set_says() {
    let done = Outcome::Done(Settled { bank_ref: "B7".to_owned() });
    for (code, expect) in [
        (Some(TxStatus::TechnicallyAccepted), Outcome::Accepted),
        (Some(TxStatus::ProfileAccepted), Outcome::Accepted),
        (Some(TxStatus::Pending), Outcome::Accepted),
        (Some(TxStatus::Settling), Outcome::Accepted),
        (Some(TxStatus::Settled), done),
        (Some(TxStatus::Rejected), Outcome::Refused(Refusal::new("REFUSED", ""))),
        (Some(TxStatus::Partly), Outcome::Unknown(Why::TheirsToo)),
        (None, Outcome::Unknown(Why::TheirsToo)),
        (Some(TxStatus::Other("CANC".into())), unreadable("a status that we do not know")),
    ] {
        check(saying(vec![status(code)]), expect).await;
    }
    let refused =
        TransactionStatus { reasons: because(CodeOr::code("AM04")), ..status(Some(TxStatus::Rejected)) };
    check(saying(vec![refused]), Outcome::Refused(Refusal::new("INSUFFICIENT_FUNDS", "余额不足"))).await;
}

#[tokio::test]
async fn only_one_status_about_our_order_from_the_bank_to_us_decides() {
    let settled = || status(Some(TxStatus::Settled));
    let original = |change: fn(&mut Original)| {
        let mut status = settled();
        change(&mut status.original);
        saying(vec![status])
    };
    let other = unreadable("an answer about another reference");
    check(original(|original| original.end_to_end = Some("top_2".into())), other.clone()).await;
    check(original(|original| original.end_to_end = None), other.clone()).await;
    check(original(|original| original.uetr = Some(Uetr::of("bank_a", "top_2"))), other).await;
    let dearer = TransactionStatus { amount: Some(Amount::new(10_051, "CNY")), ..settled() };
    check(saying(vec![dearer]), unreadable("an answer about another amount")).await;
    let nameless = TransactionStatus { servicer_reference: None, ..settled() };
    check(saying(vec![nameless]), unreadable("done, but a field is missing")).await;
    check(saying(vec![settled(), settled()]), unreadable("not exactly one status")).await;
    check(saying(vec![]), unreadable("not exactly one status")).await;
    let not_seen = TransactionStatus {
        reasons: because(CodeOr::proprietary(NOT_SEEN)),
        ..status(Some(TxStatus::Rejected))
    };
    check(saying(vec![not_seen]), unreadable("never seen, though just sent")).await;
    for (from, to) in [("bank_b", "jialing"), ("bank_a", "another")] {
        let mut message = saying(vec![settled()]);
        (message.header.from, message.header.to) = (Agent::member(from), Agent::member(to));
        check(message, unreadable("a message between others")).await;
    }
    let question = StatusRequest {
        id: "Q".into(),
        created: Timestamp::now(),
        instructing: None,
        instructed: None,
        questions: Vec::new(),
    };
    check(answer(Document::StatusRequest(question)), unreadable("another message than a status report"))
        .await;
}

#[tokio::test]
async fn a_message_refused_as_a_whole_is_refused_and_a_part_of_it_decides_nothing() {
    let group = |code: TxStatus, message: &str| {
        let group = GroupStatus {
            message: message.to_owned(),
            definition: PAIN_001.to_owned(),
            status: Some(code),
            reasons: because(CodeOr::code("AG01")),
        };
        answer(Document::StatusReport(StatusReport { groups: vec![group], ..report(Vec::new()) }))
    };
    let refused = Outcome::Refused(Refusal::new("AG01", "余额不足"));
    check(group(TxStatus::Rejected, "top_1"), refused).await;
    check(group(TxStatus::Rejected, "top_2"), Outcome::Unknown(Why::TheirsToo)).await;
    check(group(TxStatus::Partly, "top_1"), Outcome::Unknown(Why::TheirsToo)).await;
    check(group(TxStatus::Settled, "top_1"), Outcome::Unknown(Why::TheirsToo)).await;
}

#[tokio::test]
async fn what_is_not_a_signed_message_decides_nothing() {
    let text = String::from_utf8(saying(vec![status(Some(TxStatus::Settled))]).write().unwrap()).unwrap();
    for (play, why) in [
        (Play::Plain(text.clone()), Why::Unsigned),
        (Play::SignedByStranger(text.clone()), Why::Unsigned),
        (Play::SignedLongAgo(text.clone(), 330), Why::Unsigned),
        (Play::SignedOtherwise(text.clone()), Why::Unsigned),
        (Play::Status(500), Why::Status(500)),
        (Play::Silence, Why::TimedOut),
        (Play::Signed("{}".into()), Why::Unreadable("not the message we expect")),
        (Play::Signed(text.replace("ACSC", "ACSCX")), Why::Unreadable("not the message we expect")),
    ] {
        let server = Server::start(vec![play]).await;
        let bank = IsoBank::new(server.peer(), us()).unwrap();
        assert_eq!(bank.push(&order()).await, Outcome::Unknown(why));
    }
}

#[tokio::test]
async fn orders_say_what_is_asked_and_are_the_same_when_sent_again() {
    let done = saying(vec![status(Some(TxStatus::Settled))]);
    let server = Server::start((0..4).map(|_| signed(&done)).collect()).await;
    let bank = IsoBank::new(server.peer(), us()).unwrap();
    assert_eq!((bank.institution(), bank.dialect()), ("bank_a", Dialect::Iso20022));
    for _ in 0..2 {
        assert!(bank.pull(&order()).await.is_final());
        assert!(bank.push(&order()).await.is_final());
    }
    let asked = server.asked();
    let targets: Vec<_> = asked.iter().take(2).map(|asked| asked.target.as_str()).collect();
    assert_eq!(targets, [format!("{MESSAGES}/{PAIN_001}"), format!("{MESSAGES}/{PACS_008}")]);
    let documents: Vec<Document> =
        asked.iter().map(|asked| BusinessMessage::read(asked.body.as_bytes()).unwrap().document).collect();
    for (document, kind) in documents.iter().zip([EntryKind::Pull, EntryKind::Push].into_iter().cycle()) {
        let (way, read) = jialing_rails::bank::iso::read_order(document).unwrap();
        assert_eq!((way, read.reference.as_str(), read.agreement.as_str()), (kind, "top_1", "agr_1"));
        assert_eq!(
            (read.money, read.purpose, read.not_after),
            (order().money, order().purpose, order().not_after)
        );
    }
    let Document::Initiation(first) = &documents[0] else { panic!("{:?}", documents[0]) };
    let Document::Initiation(again) = &documents[2] else { panic!("{:?}", documents[2]) };
    assert_eq!((&first.payments, &first.id), (&again.payments, &again.id));
    assert_eq!(first.payments[0].execution, date(2026, 11, 22));
    assert!(!asked[0].body.contains("6222"), "no account number travels");
}

#[tokio::test]
async fn a_question_is_answered_with_what_is_known_or_never_seen() {
    let not_seen = TransactionStatus {
        reasons: because(CodeOr::proprietary(NOT_SEEN)),
        ..status(Some(TxStatus::Rejected))
    };
    // The published code is a refusal's; only the word says never seen.
    let refused =
        TransactionStatus { reasons: because(CodeOr::code(NOT_SEEN)), ..status(Some(TxStatus::Rejected)) };
    let plays =
        [not_seen, refused, status(Some(TxStatus::Settling))].map(|status| signed(&saying(vec![status])));
    let server = Server::start(plays.into()).await;
    let bank = IsoBank::new(server.peer(), us()).unwrap();
    assert_eq!(bank.query("top_1").await, None);
    assert!(matches!(bank.query("top_1").await, Some(Outcome::Refused(_))));
    assert_eq!(bank.query("top_1").await, Some(Outcome::Accepted));
    for hostile in ["", "../x", "a b", "渝", &"x".repeat(36)] {
        assert_eq!(bank.query(hostile).await, Some(unreadable("our own reference")), "{hostile}");
        let ask = Move { reference: hostile.to_owned(), ..order() };
        assert_eq!(bank.pull(&ask).await, unreadable("our own reference"));
        assert_eq!(bank.push(&ask).await, unreadable("our own reference"));
    }
    let ask = Move { purpose: "x".repeat(141), ..order() };
    assert_eq!(bank.pull(&ask).await, unreadable("our own message"));
    assert_eq!(server.asked().len(), 3, "what cannot be written is never sent");
}

#[tokio::test]
async fn names_that_do_not_fit_a_message_are_refused_at_once() {
    let server = Server::start(vec![]).await;
    let mut peer = server.peer();
    peer.caller_id = "j".repeat(36);
    assert_eq!(IsoBank::new(peer, us()).err(), Some(BadPeer::IdTooLong));
    let mut peer = server.peer();
    peer.name = "b".repeat(36);
    assert_eq!(IsoBank::new(peer, us()).err(), Some(BadPeer::IdTooLong));
}

const DAY: Date = date(2026, 11, 21);

fn entry(line: u64, credit: bool, reversal: bool) -> Entry {
    Entry {
        reference: Some(line.to_string()),
        amount: Amount::new(100, "CNY"),
        credit,
        reversal,
        status: CodeOr::code("BOOK"),
        booked: Some("2026-11-21T04:00:00Z".parse().unwrap()),
        servicer_reference: Some(format!("B{line}")),
        code: BankCode::Proprietary("X".to_owned()),
        bookings: vec![Booking {
            original: Original { end_to_end: Some(format!("top_{line}")), ..Original::default() },
            ..Booking::default()
        }],
    }
}

fn page(number: u32, last: bool, entries: Vec<Entry>, closing: u64) -> StatementMessage {
    let balance = |kind: &str, minor: u64| Balance {
        kind: CodeOr::code(kind),
        amount: Amount::new(minor, "CNY"),
        credit: true,
        day: DAY,
    };
    let total = |count: u64| Some(Total { count, sum: Amount::new(100 * count, "CNY") });
    StatementMessage {
        id: "C-1".to_owned(),
        created: Timestamp::now(),
        page: Some(Page { number, last }),
        statements: vec![AccountStatement {
            id: "C-1".to_owned(),
            period: Some(("2026-11-20T16:00:00Z".parse().unwrap(), "2026-11-21T16:00:00Z".parse().unwrap())),
            account: Account::number("JL-1"),
            balances: vec![balance("OPBD", 500), balance("CLBD", closing)],
            credits: total(2),
            debits: total(1),
            entries,
        }],
    }
}

fn whole() -> Vec<StatementMessage> {
    vec![
        page(1, false, vec![entry(1, true, false), entry(2, false, false)], 600),
        page(2, true, vec![entry(3, true, true)], 600),
    ]
}

async fn read(pages: Vec<StatementMessage>) -> Result<jialing_rails::bank::Statement, Why> {
    let plays = pages.into_iter().map(|page| signed(&answer(Document::Statement(page))));
    let server = Server::start(plays.collect()).await;
    let bank = IsoBank::new(server.peer(), us()).unwrap();
    let statement = bank.statement(DAY).await;
    let first = &server.asked()[0];
    assert_eq!(first.target, format!("{MESSAGES}/{CAMT_053}/2026-11-21?page=1"));
    statement
}

#[tokio::test]
async fn a_statement_is_read_to_its_end_and_must_add_up() {
    let statement = read(whole()).await.unwrap();
    let lines: Vec<_> = statement
        .entries
        .iter()
        .map(|e| (e.line, e.kind, e.reference.as_str(), e.bank_ref.as_str()))
        .collect();
    assert_eq!(
        lines,
        [
            (1, EntryKind::Pull, "top_1", "B1"),
            (2, EntryKind::Push, "top_2", "B2"),
            (3, EntryKind::Return, "top_3", "B3")
        ]
    );
    let refused = async |change: fn(&mut [StatementMessage]), what| {
        let mut pages = whole();
        change(&mut pages);
        assert_eq!(read(pages).await, Err(Why::Unreadable(what)));
    };
    let sums = "the statement does not add up";
    refused(|pages| pages[1].statements[0].entries.clear(), sums).await;
    refused(|pages| pages[0].statements[0].balances[1].amount.minor = 601, sums).await;
    refused(|pages| pages[0].statements[0].credits = None, sums).await;
    refused(|pages| pages[0].statements[0].debits.as_mut().unwrap().sum.minor = 99, sums).await;
    refused(
        |pages| pages[0].statements[0].balances[0].kind = CodeOr::code("PRCD"),
        "a balance of the statement is missing",
    )
    .await;
    refused(
        |pages| pages[0].statements[0].entries[1].reference = Some("3".into()),
        "a line of the statement is missing",
    )
    .await;
    refused(|pages| pages[0].statements[0].entries[0].reference = None, "an entry without a line").await;
    refused(
        |pages| pages[0].statements[0].entries[0].status = CodeOr::code("PDNG"),
        "an entry that is not booked",
    )
    .await;
    refused(
        |pages| pages[0].statements[0].entries[1].reversal = true,
        "an entry of a kind that we do not know",
    )
    .await;
    refused(
        |pages| pages[0].statements[0].entries[0].bookings.clear(),
        "an entry of not exactly one payment",
    )
    .await;
    refused(
        |pages| pages[0].statements[0].entries[0].bookings[0].original.end_to_end = None,
        "an entry without our reference",
    )
    .await;
    refused(
        |pages| pages[0].statements[0].entries[0].servicer_reference = None,
        "an entry without the bank's name",
    )
    .await;
    refused(
        |pages| pages[0].statements[0].entries[0].amount.currency = "USD".into(),
        "an entry of another currency than the account's",
    )
    .await;
    refused(|pages| pages[1].page = None, "another page than the one asked for").await;
    refused(
        |pages| pages[1].page = Some(Page { number: 3, last: true }),
        "another page than the one asked for",
    )
    .await;
    refused(|pages| pages[0].statements[0].period = None, "a statement of another day").await;
    refused(
        |pages| {
            let two = pages[0].statements[0].clone();
            pages[0].statements.push(two);
        },
        "not exactly one statement",
    )
    .await;
}

fn notices_of(message: &BusinessMessage) -> Result<Vec<BankNotice>, BadNotice> {
    const NOW: i64 = 1_790_000_000;
    let key = SigningKey::generate(Suite::Ed25519);
    let body = message.write().unwrap();
    let signature = CallbackSignature::sign(&key, &body, NOW);
    let keys = [key.public().clone()];
    let read = |dialect, body: &[u8]| read_notices((dialect, "bank_a"), &keys, &signature, body, NOW, 300);
    assert_eq!(read(Dialect::Iso20022, &[&body[..], b" "].concat()), Err(BadNotice::NotSigned));
    assert_eq!(read(Dialect::Json, &body), Err(BadNotice::Unreadable), "the dialect is the connection's");
    read(Dialect::Iso20022, &body)
}

#[test]
fn notices_come_as_status_reports_returns_and_advices() {
    let about = |definition: &str, code| TransactionStatus {
        original: Original {
            message: Some(("top_1".to_owned(), definition.to_owned())),
            ..status(None).original
        },
        ..status(Some(code))
    };
    let one = |message: &BusinessMessage| {
        let mut notices = notices_of(message).unwrap();
        assert_eq!(notices.len(), 1);
        let notice = notices.remove(0);
        assert_eq!((notice.id.as_str(), notice.institution.as_str()), ("S-1", "bank_a"));
        (notice.kind, notice.state, notice.reference, notice.money, notice.bank_ref, notice.code)
    };
    let (name, money) = (Some("B7".to_owned()), Money::cny(10_050));
    assert_eq!(
        one(&saying(vec![about(PAIN_001, TxStatus::Settled)])),
        (EntryKind::Pull, NoticeState::Done, "top_1".into(), money.clone(), name.clone(), None)
    );
    let rejected =
        TransactionStatus { reasons: because(CodeOr::code("AC06")), ..about(PACS_008, TxStatus::Rejected) };
    let frozen = Some("ACCOUNT_FROZEN".to_owned());
    assert_eq!(
        one(&saying(vec![rejected])),
        (EntryKind::Push, NoticeState::Refused, "top_1".into(), money.clone(), name, frozen)
    );
    let back = ReturnedTransfer {
        id: None,
        original: status(None).original,
        original_amount: None,
        amount: Amount::new(10_050, "CNY"),
        reasons: because(CodeOr::code("AC04")),
    };
    let returned = PaymentReturn {
        id: "R".into(),
        created: Timestamp::now(),
        settlement: Settlement { method: SettlementMethod::Instructing, account: None },
        instructing: None,
        instructed: None,
        transactions: vec![back],
    };
    assert_eq!(
        one(&answer(Document::PaymentReturn(returned))),
        (EntryKind::Push, NoticeState::Returned, "top_1".into(), money, None, Some("AC04".into()))
    );
    // What decides nothing is no notice.
    assert_eq!(notices_of(&saying(vec![about(PAIN_001, TxStatus::Settling)])), Ok(vec![]));
    // What says too little is none that can be believed.
    let mut amountless = about(PAIN_001, TxStatus::Settled);
    amountless.amount = None;
    assert_eq!(notices_of(&saying(vec![amountless])), Err(BadNotice::Unreadable));
    assert_eq!(notices_of(&saying(vec![status(Some(TxStatus::Settled))])), Err(BadNotice::Unreadable));
    let mut other = saying(vec![]);
    other.header.from = Agent::member("bank_b");
    assert_eq!(notices_of(&other), Err(BadNotice::WrongInstitution));
    let statement = answer(Document::Statement(page(1, true, vec![], 500)));
    assert_eq!(notices_of(&statement), Err(BadNotice::Unreadable));
}

#[test]
fn an_advice_brings_a_notice_for_each_booked_entry() {
    let advice = |entries: Vec<Entry>| {
        let notification = Notification { id: "A".into(), account: Account::number("JL-1"), entries };
        let created = Timestamp::now();
        answer(Document::Advice(Advice { id: "A".into(), created, notifications: vec![notification] }))
    };
    let mut pending = entry(4, true, false);
    pending.status = CodeOr::code("PDNG");
    let entries = vec![entry(1, true, false), entry(2, false, false), entry(3, true, true), pending];
    let notices = notices_of(&advice(entries)).unwrap();
    let seen: Vec<_> =
        notices.iter().map(|n| (n.id.as_str(), n.kind, n.state, n.reference.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("S-1#0", EntryKind::Pull, NoticeState::Done, "top_1"),
            ("S-1#1", EntryKind::Push, NoticeState::Done, "top_2"),
            ("S-1#2", EntryKind::Push, NoticeState::Returned, "top_3"),
        ]
    );
    let many = |count: usize| notices_of(&advice((0..count).map(|n| entry(n as u64, true, false)).collect()));
    assert_eq!(many(MAX_NOTICES).unwrap().len(), MAX_NOTICES);
    assert_eq!(many(MAX_NOTICES + 1), Err(BadNotice::Unreadable));
}
