use jialing_crypto::http_signature::CallbackSignature;
use jialing_crypto::{SigningKey, Suite};
use jialing_rails::bank::{
    Agreement, BadNotice, Bank, BankNotice, EntryKind, HttpBank, LinkStarted, Money, Move, NoticeState,
    Settled, StartLink, read_notice,
};
use jialing_rails::{Outcome, Refusal, Why};
use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;

use crate::peer::{Play, Server};

fn top_up() -> Move {
    Move {
        reference: "top_1".to_owned(),
        agreement: "agr_1".to_owned(),
        money: Money::cny(10_000),
        purpose: "top-up".to_owned(),
        not_after: "2026-11-22T10:00:00Z".parse().unwrap(),
    }
}

/// What one pull comes to under one play.
async fn check(play: Play, expect: Outcome<Settled>) {
    let server = Server::start(vec![play]).await;
    let bank = HttpBank::new(server.peer()).unwrap();
    assert_eq!(bank.pull(&top_up()).await, expect);
    assert_eq!(server.asked().len(), 1);
}

fn json(state: &str, more: &str) -> String {
    format!("{{\"reference\":\"{{reference}}\",\"state\":\"{state}\"{more}}}")
}

fn unknown(why: Why) -> Outcome<Settled> {
    Outcome::Unknown(why)
}

#[tokio::test]
async fn a_signed_answer_about_our_reference_decides() {
    let done = json("DONE", ",\"bank_ref\":\"B7\"");
    let bank_ref = "B7".to_owned();
    check(Play::Signed(done), Outcome::Done(Settled { bank_ref })).await;
    check(Play::Signed(json("ACCEPTED", "")), Outcome::Accepted).await;
    check(
        Play::Signed(json("REFUSED", ",\"code\":\"INSUFFICIENT_FUNDS\",\"message\":\"余额不足\"")),
        Outcome::Refused(Refusal::new("INSUFFICIENT_FUNDS", "余额不足")),
    )
    .await;
    check(Play::Signed(json("UNKNOWN", "")), unknown(Why::TheirsToo)).await;
}

#[tokio::test]
async fn nothing_else_does() {
    let done = || json("DONE", ",\"bank_ref\":\"B7\"");
    check(Play::Silence, unknown(Why::TimedOut)).await;
    for status in [301, 400, 401, 404, 409, 429, 500, 502, 503] {
        check(Play::Status(status), unknown(Why::Status(status))).await;
    }
    check(Play::Plain(done()), unknown(Why::Unsigned)).await;
    check(Play::SignedByStranger(done()), unknown(Why::Unsigned)).await;
    check(Play::SignedOtherwise(done()), unknown(Why::Unsigned)).await;
    check(Play::SignedLongAgo(done(), 330), unknown(Why::Unsigned)).await;
    check(Play::SignedLongAgo(done(), -330), unknown(Why::Unsigned)).await;
    let unreadable = |what| unknown(Why::Unreadable(what));
    let other = done().replace("{reference}", "top_2");
    check(Play::Signed(other), unreadable("an answer about another reference")).await;
    check(Play::Signed(json("DONE", "")), unreadable("done, but a field is missing")).await;
    let empty = json("DONE", ",\"bank_ref\":\"\"");
    check(Play::Signed(empty), unreadable("done, but a field is missing")).await;
    check(Play::Signed(json("SEEN", "")), unreadable("not the JSON we expect")).await;
    check(Play::Signed("<html>".into()), unreadable("not the JSON we expect")).await;
    check(Play::Signed(" ".repeat(2_000_000)), unreadable("longer than the limit")).await;
    let not_seen = json("NOT_SEEN", "");
    check(Play::Signed(not_seen), unreadable("never seen, though just sent")).await;
}

#[tokio::test]
async fn a_bank_that_is_not_there_is_unknown() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let server = Server::start(vec![]).await;
    let mut peer = server.peer();
    peer.base_url = format!("http://{address}");
    let bank = HttpBank::new(peer).unwrap();
    assert_eq!(bank.pull(&top_up()).await, unknown(Why::Disconnected));
}

#[tokio::test]
async fn a_connection_torn_in_the_middle_of_an_answer_is_unknown() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::start(vec![]).await;
    let mut peer = server.peer();
    peer.base_url = format!("http://{}", listener.local_addr().unwrap());
    let tear = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut some = [0; 16];
        stream.read_exact(&mut some).await.unwrap();
        let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"reference\"";
        stream.write_all(half).await.unwrap();
    });
    let bank = HttpBank::new(peer).unwrap();
    assert_eq!(bank.pull(&top_up()).await, unknown(Why::Disconnected));
    tear.await.unwrap();
}

#[tokio::test]
async fn every_suite_carries_the_rail() {
    for suite in Suite::ALL {
        let play = Play::Signed(json("DONE", ",\"bank_ref\":\"B7\""));
        let server = Server::start_with(vec![play], suite).await;
        let bank = HttpBank::new(server.peer()).unwrap();
        assert!(bank.push(&top_up()).await.is_final());
    }
}

#[tokio::test]
async fn requests_are_what_the_protocol_says() {
    let done = json("DONE", ",\"bank_ref\":\"B7\",\"link_id\":\"L1\"");
    let server = Server::start((0..5).map(|_| Play::Signed(done.clone())).collect()).await;
    let bank = HttpBank::new(server.peer()).unwrap();
    bank.pull(&top_up()).await;
    bank.push(&top_up()).await;
    bank.query("top_1").await;
    let ask = StartLink {
        reference: "lnk_1".to_owned(),
        account: "6222".to_owned(),
        holder_name: "王芳".to_owned(),
        id_number: "x".to_owned(),
        phone: "1".to_owned(),
    };
    assert_eq!(format!("{ask:?}"), "StartLink(lnk_1)");
    let started = bank.start_link(&ask).await;
    assert_eq!(started, Outcome::Done(LinkStarted { link_id: "L1".to_owned() }));
    bank.end_link("lnk_2", "agr_1").await;
    let asked = server.asked();
    let lines: Vec<_> = asked.iter().map(|a| format!("{} {} {}", a.method, a.target, a.body)).collect();
    let body = "{\"reference\":\"top_1\",\"agreement\":\"agr_1\",\
        \"money\":{\"amount\":10000,\"currency\":\"CNY\"},\"purpose\":\"top-up\",\
        \"not_after\":\"2026-11-22T10:00:00Z\"}";
    assert_eq!(
        lines,
        [
            &format!("POST /rail/v1/pulls {body}"),
            &format!("POST /rail/v1/pushes {body}"),
            "GET /rail/v1/movements/top_1 ",
            "POST /rail/v1/links {\"reference\":\"lnk_1\",\"account\":\"6222\",\
             \"holder_name\":\"王芳\",\"id_number\":\"x\",\"phone\":\"1\"}",
            "POST /rail/v1/links/end {\"reference\":\"lnk_2\",\"agreement\":\"agr_1\"}",
        ]
    );
}

#[tokio::test]
async fn a_confirmed_link_gives_an_agreement_and_a_masked_account() {
    let whole = json("DONE", ",\"agreement\":\"agr_9\",\"account_mask\":\"**** 4321\"");
    let part = json("DONE", ",\"agreement\":\"agr_9\"");
    let wrong = json("REFUSED", ",\"code\":\"WRONG_CODE\"");
    let server = Server::start(vec![Play::Signed(whole), Play::Signed(part), Play::Signed(wrong)]).await;
    let bank = HttpBank::new(server.peer()).unwrap();
    assert_eq!(
        bank.confirm_link("lnk_1", "L1", "123456").await,
        Outcome::Done(Agreement { agreement: "agr_9".to_owned(), account_mask: "**** 4321".to_owned() })
    );
    assert!(matches!(bank.confirm_link("lnk_1", "L1", "1").await, Outcome::Unknown(_)));
    assert_eq!(bank.confirm_link("lnk_1", "L1", "1").await, Outcome::Refused(Refusal::new("WRONG_CODE", "")));
}

#[tokio::test]
async fn only_a_signed_never_seen_means_never_seen() {
    let not_seen = json("NOT_SEEN", "");
    let server = Server::start(vec![
        Play::Signed(not_seen.clone()),
        Play::Plain(not_seen.clone()),
        Play::Signed(not_seen.replace("{reference}", "top_2")),
        Play::Status(404),
    ])
    .await;
    let bank = HttpBank::new(server.peer()).unwrap();
    assert_eq!(bank.query("top_1").await, None);
    for _ in 0..3 {
        assert!(matches!(bank.query("top_1").await, Some(Outcome::Unknown(_))));
    }
    for hostile in ["", "../statements/2026-01-01", "a?b", "a/b", "a%2Fb", "渝"] {
        assert!(matches!(bank.query(hostile).await, Some(Outcome::Unknown(_))), "{hostile}");
    }
    assert_eq!(server.asked().len(), 4, "hostile references are never sent");
}

fn page(lines: std::ops::RangeInclusive<u64>, has_more: bool, count: u64, pulled: u64) -> Play {
    let entries: Vec<String> = lines
        .map(|line| {
            format!(
                "{{\"line\":{line},\"bank_ref\":\"B{line}\",\"reference\":\"top_{line}\",\
                 \"kind\":\"PULL\",\"money\":{{\"amount\":100,\"currency\":\"CNY\"}},\
                 \"at\":\"2026-11-21T04:00:00Z\"}}"
            )
        })
        .collect();
    Play::Signed(format!(
        "{{\"day\":\"2026-11-21\",\"entries\":[{}],\"has_more\":{has_more},\"count\":{count},\
         \"pulled\":{pulled},\"pushed\":0,\"returned\":0}}",
        entries.join(",")
    ))
}

#[tokio::test]
async fn a_statement_is_read_to_its_end_and_must_add_up() {
    let day = date(2026, 11, 21);
    let read = async |plays: Vec<Play>| {
        let server = Server::start(plays).await;
        let bank = HttpBank::new(server.peer()).unwrap();
        let statement = bank.statement(day).await;
        let targets: Vec<_> = server.asked().into_iter().map(|a| a.target).collect();
        (statement, targets)
    };
    let (statement, targets) = read(vec![page(1..=2, true, 3, 300), page(3..=3, false, 3, 300)]).await;
    let statement = statement.unwrap();
    assert_eq!(statement.entries.len(), 3);
    assert_eq!(statement.entries[2].reference, "top_3");
    assert_eq!(targets, ["/rail/v1/statements/2026-11-21?after=0", "/rail/v1/statements/2026-11-21?after=2"]);
    #[expect(clippy::reversed_empty_ranges, reason = "a page without entries")]
    let (empty, _) = read(vec![page(1..=0, false, 0, 0)]).await;
    assert_eq!(empty.unwrap().entries, []);

    let refused = async |plays, what| {
        assert_eq!(read(plays).await.0, Err(Why::Unreadable(what)));
    };
    refused(vec![page(1..=2, false, 3, 300)], "the statement does not add up").await;
    refused(vec![page(1..=3, false, 3, 301)], "the statement does not add up").await;
    refused(vec![page(2..=3, false, 2, 200)], "a line of the statement is missing").await;
    refused(
        vec![page(1..=2, true, 3, 300), page(2..=3, false, 3, 300)],
        "a line of the statement is missing",
    )
    .await;
    refused(vec![page(1..=2, true, 3, 300), page(1..=2, true, 3, 300)], "a page that does not move on").await;
    let other_day = Play::Signed(
        "{\"day\":\"2026-11-20\",\"entries\":[],\"has_more\":false,\"count\":0,\"pulled\":0,\
         \"pushed\":0,\"returned\":0}"
            .to_owned(),
    );
    refused(vec![other_day], "a statement of another day").await;
    let (torn, _) = read(vec![page(1..=2, true, 3, 300), Play::Status(500)]).await;
    assert_eq!(torn, Err(Why::Status(500)));
}

fn notice() -> BankNotice {
    BankNotice {
        id: "ntc_1".to_owned(),
        institution: "bank_a".to_owned(),
        reference: "top_1".to_owned(),
        kind: EntryKind::Pull,
        state: NoticeState::Done,
        money: Money::cny(100),
        bank_ref: Some("B7".to_owned()),
        code: None,
        message: None,
        at: Timestamp::UNIX_EPOCH,
    }
}

#[test]
fn a_notice_is_believed_when_the_bank_signed_it_lately() {
    const NOW: i64 = 1_790_000_000;
    let (old, new) = (SigningKey::generate(Suite::Sm2Sm3), SigningKey::generate(Suite::Sm2Sm3));
    let keys = [old.public().clone(), new.public().clone()];
    let body = serde_json::to_vec(&notice()).unwrap();
    let read = |institution: &str, key: &SigningKey, signed_at, received: &[u8]| {
        let signature = CallbackSignature::sign(key, &body, signed_at);
        read_notice(institution, &keys, &signature, received, NOW, 300)
    };
    assert_eq!(read("bank_a", &old, NOW, &body), Ok(notice()));
    assert_eq!(read("bank_a", &new, NOW - 300, &body), Ok(notice()));
    assert_eq!(read("bank_a", &new, NOW - 301, &body), Err(BadNotice::NotFresh));
    assert_eq!(read("bank_b", &new, NOW, &body), Err(BadNotice::WrongInstitution));
    assert_eq!(read("bank_a", &new, NOW, b"{}"), Err(BadNotice::NotSigned));
    let stranger = SigningKey::generate(Suite::Sm2Sm3);
    assert_eq!(read("bank_a", &stranger, NOW, &body), Err(BadNotice::NotSigned));
    let mut as_known = CallbackSignature::sign(&stranger, &body, NOW);
    as_known.serial = old.public().id().to_owned();
    assert_eq!(read_notice("bank_a", &keys, &as_known, &body, NOW, 300), Err(BadNotice::NotSigned));
    let rubbish = b"{\"id\":1}";
    let signed = CallbackSignature::sign(&new, rubbish, NOW);
    assert_eq!(read_notice("bank_a", &keys, &signed, rubbish, NOW, 300), Err(BadNotice::Unreadable));
}

proptest! {
    #[test]
    fn a_refusal_s_texts_are_bounded_and_clean(code in "\\PC{0,90}[\\x00-\\x1f]?", message in "(?s).{0,300}") {
        let refusal = Refusal::new(&code, &message);
        prop_assert!(refusal.code.chars().count() <= 64);
        prop_assert!(refusal.message.chars().count() <= 200);
        prop_assert!(!refusal.to_string().chars().any(char::is_control));
    }
}
