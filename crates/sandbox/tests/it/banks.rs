use jialing_crypto::http_signature::RequestSignature;
use jialing_crypto::{SigningKey, Suite};
use jialing_rails::bank::{Bank, EntryKind, HttpBank, Money, NoticeState};
use jialing_rails::{Outcome, Refusal, Why};
use jialing_sandbox::bank::{MAGIC_CODE_NEVER, VISITOR_PREFIX};
use jialing_sandbox::{Sandbox, SandboxError, SettleAfter};

use crate::world::{Door, World, bank_ref, link_ask, movement, small_city};

fn code_of<T: std::fmt::Debug>(outcome: Outcome<T>) -> String {
    match outcome {
        Outcome::Refused(Refusal { code, .. }) => code,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn money_goes_from_the_account_and_back_once_per_reference() {
    let world = World::start().await;
    let bank = world.bank();
    let before = world.balance().await;
    let agreement = world.link(&bank).await;
    let tail = &world.customer().account[15..];
    assert_eq!(agreement.account_mask, format!("**** {tail}"));

    let pull = movement("top_1", &agreement, 10_000);
    let first = bank_ref(bank.pull(&pull).await);
    assert_eq!(bank_ref(bank.pull(&pull).await), first);
    assert_eq!(bank_ref(bank.query("top_1").await.unwrap()), first);
    assert_eq!(world.balance().await, before - 10_000);

    let push = movement("wdr_1", &agreement, 4_000);
    bank_ref(bank.push(&push).await);
    bank_ref(bank.push(&push).await);
    assert_eq!(world.balance().await, before - 6_000);

    assert_eq!(code_of(bank.push(&pull).await), "REFERENCE_REUSED");
    let other = movement("top_1", &agreement, 10_001);
    assert_eq!(code_of(bank.pull(&other).await), "REFERENCE_REUSED");
    assert_eq!(bank.query("top_9").await, None);

    let statement = bank.statement(world.sandbox.clock().today()).await.unwrap();
    let lines: Vec<_> =
        statement.entries.iter().map(|e| (e.line, e.kind, e.reference.as_str(), e.money.amount)).collect();
    assert_eq!(lines, [(1, EntryKind::Pull, "top_1", 10_000), (2, EntryKind::Push, "wdr_1", 4_000)]);
    assert_eq!(statement.entries[0].bank_ref, first);
    world.sandbox.stop().await;
}

#[tokio::test]
async fn the_same_request_ten_times_at_once_moves_money_once() {
    let world = World::start().await;
    let bank = world.bank();
    let before = world.balance().await;
    let agreement = world.link(&bank).await;
    let pull = movement("top_1", &agreement, 10_000);
    let tries: Vec<_> = (0..10)
        .map(|_| {
            let (bank, pull) = (bank.clone(), pull.clone());
            tokio::spawn(async move { bank_ref(bank.pull(&pull).await) })
        })
        .collect();
    let mut refs = Vec::new();
    for each in tries {
        refs.push(each.await.unwrap());
    }
    refs.dedup();
    assert_eq!(refs.len(), 1);
    assert_eq!(world.balance().await, before - 10_000);
}

#[tokio::test]
async fn a_link_needs_the_holder_and_the_code() {
    let world = World::start().await;
    let bank = world.bank();
    let person = world.customer().clone();
    let refused = async |change: fn(&mut jialing_rails::bank::StartLink), expect: &str| {
        let mut ask = link_ask(&format!("lnk_{expect}"), &person);
        change(&mut ask);
        assert_eq!(code_of(bank.start_link(&ask).await), expect);
    };
    refused(|ask| ask.account = "1234".into(), "ACCOUNT_NOT_FOUND").await;
    refused(|ask| ask.holder_name = "某某".into(), "HOLDER_MISMATCH").await;
    refused(|ask| ask.id_number = "11010519491231002X".into(), "HOLDER_MISMATCH").await;
    refused(|ask| ask.phone = "16999999999".into(), "PHONE_MISMATCH").await;
    assert_eq!(world.sandbox.messages(&person.phone), []);

    let mut ask = link_ask("lnk_1", &person);
    ask.phone = format!("+86{}", person.phone);
    let Outcome::Done(started) = bank.start_link(&ask).await else {
        panic!("not started");
    };
    let link_id = &started.link_id;
    assert_eq!(bank.start_link(&ask).await, Outcome::Done(started.clone()));
    let messages = world.sandbox.messages(&person.phone);
    assert_eq!(messages.len(), 1, "a repeated request sends no second code");
    let code = messages[0].params["code"].clone();
    assert!(messages[0].text.contains(&code));

    assert_eq!(code_of(bank.confirm_link("c", "lnk_none", &code).await), "LINK_NOT_FOUND");
    for _ in 0..4 {
        let wrong = bank.confirm_link("c", link_id, MAGIC_CODE_NEVER).await;
        assert_eq!(code_of(wrong), "WRONG_CODE");
    }
    let Outcome::Done(agreement) = bank.confirm_link("c", link_id, &code).await else {
        panic!("not confirmed");
    };
    let again = bank.confirm_link("c", link_id, &code).await;
    assert_eq!(again, Outcome::Done(agreement.clone()));

    bank_ref(bank.pull(&movement("top_1", &agreement, 100)).await);
    assert_eq!(bank.end_link("e", &agreement.agreement).await, Outcome::Done(()));
    assert_eq!(bank.end_link("e", &agreement.agreement).await, Outcome::Done(()));
    let after_end = bank.pull(&movement("top_2", &agreement, 100)).await;
    assert_eq!(code_of(after_end), "AGREEMENT_NOT_FOUND");
    assert_eq!(code_of(bank.end_link("e", "agr_none").await), "AGREEMENT_NOT_FOUND");
}

#[tokio::test]
async fn guessing_and_waiting_end_a_link() {
    let world = World::start().await;
    let bank = world.bank();
    let person = world.customer();
    let start = async |reference: &str| match bank.start_link(&link_ask(reference, person)).await {
        Outcome::Done(started) => started.link_id,
        other => panic!("{other:?}"),
    };
    let guessed = start("lnk_1").await;
    for _ in 0..5 {
        bank.confirm_link("c", &guessed, MAGIC_CODE_NEVER).await;
    }
    let code = world.sandbox.messages(&person.phone)[0].params["code"].clone();
    assert_eq!(code_of(bank.confirm_link("c", &guessed, &code).await), "TOO_MANY_TRIES");

    let slow = start("lnk_2").await;
    let code = world.sandbox.messages(&person.phone)[0].params["code"].clone();
    world.sandbox.clock().advance(301);
    assert_eq!(code_of(bank.confirm_link("c", &slow, &code).await), "CODE_EXPIRED");
}

#[tokio::test]
async fn a_visitor_links_any_account_of_the_visitors_range() {
    let world = World::start().await;
    let bank = world.bank();
    let mut ask = link_ask("lnk_1", world.customer());
    ask.account = format!("{VISITOR_PREFIX}0000000001");
    ask.phone = "13800138001".to_owned();
    ask.holder_name = "访客".to_owned();
    assert!(matches!(bank.start_link(&ask).await, Outcome::Done(_)));
    let account = world.get("bank_jiangbei", &format!("/accounts/{}", ask.account)).await;
    assert_eq!(account["balance"], 5_000_000);
    ask.reference = "lnk_2".to_owned();
    ask.holder_name = "别人".to_owned();
    assert_eq!(code_of(bank.start_link(&ask).await), "HOLDER_MISMATCH");
}

#[tokio::test]
async fn a_movement_that_breaks_a_rule_is_refused_and_stays_refused() {
    let world = World::start().await;
    let bank = world.bank();
    let agreement = world.link(&bank).await;
    let balance = world.balance().await;
    let refused = async |reference: &str, change: fn(&mut jialing_rails::bank::Move), expect: &str| {
        let mut ask = movement(reference, &agreement, 100);
        change(&mut ask);
        assert_eq!(code_of(bank.pull(&ask).await), expect);
        assert_eq!(code_of(bank.pull(&ask).await), expect);
        assert_eq!(code_of(bank.query(reference).await.unwrap()), expect);
    };
    refused("m1", |m| m.money = Money::cny(u64::MAX), "INSUFFICIENT_FUNDS").await;
    refused("m2", |m| m.money.amount = 0, "BAD_AMOUNT").await;
    refused("m3", |m| m.money.currency = "USD".into(), "BAD_CURRENCY").await;
    refused("m4", |m| m.agreement = "agr_none".into(), "AGREEMENT_NOT_FOUND").await;
    refused("m5", |m| m.not_after = jiff::Timestamp::UNIX_EPOCH, "TOO_LATE").await;
    assert_eq!(code_of(bank.push(&movement("m6", &agreement, u64::MAX)).await), "BAD_AMOUNT");

    let whole = movement("m7", &agreement, balance);
    let one_more = movement("m8", &agreement, balance + 1);
    assert_eq!(code_of(bank.pull(&one_more).await), "INSUFFICIENT_FUNDS");
    bank_ref(bank.pull(&whole).await);
    assert_eq!(world.balance().await, 0);

    let path = format!("/accounts/{}", world.customer().account);
    let mut account = world.get("bank_jiangbei", &path).await;
    account["frozen"] = true.into();
    world.post("bank_jiangbei", "/accounts", &account.to_string()).await;
    refused("m9", |_| (), "ACCOUNT_FROZEN").await;
    assert_eq!(code_of(bank.start_link(&link_ask("lnk_9", world.customer())).await), "ACCOUNT_FROZEN");
}

#[tokio::test]
async fn an_accepted_movement_is_confirmed_later_by_a_signed_notice() {
    let world = World::start_with(|config| config.settle_after = SettleAfter::Millis(60_000)).await;
    let mut door = Door::open(&[503, 500]).await;
    let bank = world.bank();
    let agreement = world.link(&bank).await;
    let before = world.balance().await;
    let pull = movement("top_1", &agreement, 10_000);
    assert_eq!(bank.pull(&pull).await, Outcome::Accepted);
    assert_eq!(bank.query("top_1").await, Some(Outcome::Accepted));
    assert_eq!(world.balance().await, before - 10_000, "reserved");
    let today = world.sandbox.clock().today();
    assert_eq!(bank.statement(today).await.unwrap().entries, []);

    world.sandbox.clock().advance(60);
    let settled = bank_ref(bank.query("top_1").await.unwrap());
    // The notice waited for a door; two answers that are not 2xx make the bank send it again.
    world.sandbox.set_notice_door(&door.url);
    let first = door.next(&world).await;
    world.sandbox.clock().advance(3_600);
    let second = door.next(&world).await;
    world.sandbox.clock().advance(3_600);
    let third = door.next(&world).await;
    assert_eq!(first.reference, "top_1");
    assert_eq!(first.state, NoticeState::Done);
    assert_eq!(first.kind, EntryKind::Pull);
    assert_eq!(first.money, Money::cny(10_000));
    assert_eq!(first.bank_ref, Some(settled));
    assert_eq!((&second, &third), (&first, &first));
}

#[tokio::test]
async fn a_day_ends_at_midnight_in_chongqing() {
    let world = World::start().await;
    let bank = world.bank();
    let agreement = world.link(&bank).await;
    let clock = world.sandbox.clock();
    let set = async |time: &str| {
        let body = format!("{{\"set\":\"{time}\"}}");
        let answer = world.post("bank_jiangbei", "/clock", &body).await;
        assert!(answer.status().is_success());
    };
    let late = |mut ask: jialing_rails::bank::Move| {
        ask.not_after = "2031-01-01T00:00:00Z".parse().unwrap();
        ask
    };
    set("2030-06-30T15:30:00Z").await;
    bank_ref(bank.pull(&late(movement("top_1", &agreement, 100))).await);
    let first_day = clock.today();
    set("2030-06-30T16:00:01Z").await;
    bank_ref(bank.pull(&late(movement("top_2", &agreement, 200))).await);
    let second_day = clock.today();
    assert_eq!(first_day.to_string(), "2030-06-30");
    assert_eq!(second_day.to_string(), "2030-07-01");
    for (day, reference) in [(first_day, "top_1"), (second_day, "top_2")] {
        let statement = bank.statement(day).await.unwrap();
        assert_eq!(statement.entries.len(), 1);
        assert_eq!(statement.entries[0].reference, reference);
    }
}

#[tokio::test]
async fn a_long_statement_comes_in_pages() {
    let world = World::start().await;
    let bank = world.bank();
    let agreement = world.link(&bank).await;
    for n in 0..501 {
        bank_ref(bank.push(&movement(&format!("wdr_{n}"), &agreement, 100)).await);
    }
    let statement = bank.statement(world.sandbox.clock().today()).await.unwrap();
    assert_eq!(statement.entries.len(), 501);
    assert_eq!(statement.entries[500].reference, "wdr_500");
}

#[tokio::test]
async fn strangers_replays_and_changed_requests_are_not_served() {
    let world = World::start().await;
    let mut peer = world.peer("bank_jiangbei");
    let base = peer.base_url.clone();
    let unauthorised = Outcome::Unknown(Why::Status(401));

    peer.key = SigningKey::generate(Suite::Ed25519);
    let stranger = HttpBank::new(peer.clone()).unwrap();
    assert_eq!(stranger.query("top_1").await, Some(unauthorised.clone()));
    peer.key = world.key.clone();
    peer.caller_id = "another".to_owned();
    let other = HttpBank::new(peer).unwrap();
    assert_eq!(other.query("top_1").await, Some(unauthorised));

    let path = "/rail/v1/movements/top_1";
    let now = jiff::Timestamp::now().as_second();
    let ask = async |path: &str, signed_at: i64| {
        let signature =
            RequestSignature::sign(&world.key, "jialing", "GET", "/rail/v1/movements/top_1", b"", signed_at);
        let url = format!("{base}{path}");
        let send = async || {
            let request = reqwest::Client::new().get(&url);
            let request = request.header("authorization", signature.to_header());
            request.send().await.unwrap().status().as_u16()
        };
        (send().await, send().await)
    };
    assert_eq!(ask(path, now).await, (200, 401), "a nonce is good once");
    assert_eq!(ask(path, now - 310).await.0, 401);
    assert_eq!(ask("/rail/v1/movements/top_2", now).await.0, 401);
    let bare = reqwest::get(format!("{base}{path}")).await.unwrap();
    assert_eq!(bare.status().as_u16(), 401);
}

#[tokio::test]
async fn a_restart_continues_where_the_city_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("city");
    let key = SigningKey::generate(Suite::Ed25519);
    let city = small_city();
    let start = async || {
        let mut config = city.sandbox("jialing", vec![key.public().clone()]);
        config.folder = Some(path.clone());
        config.settle_after = SettleAfter::Millis(60_000);
        let sandbox = Sandbox::start(config).await.unwrap();
        World { city: city.clone(), sandbox, key: key.clone() }
    };
    let world = start().await;
    let keys: Vec<_> = world.sandbox.addresses().into_iter().map(|a| a.key).collect();
    let bank = world.bank();
    let agreement = world.link(&bank).await;
    let before = world.balance().await;
    let done = movement("top_1", &agreement, 100);
    bank.pull(&done).await;
    world.sandbox.clock().advance(61);
    let settled = bank_ref(bank.pull(&done).await);
    assert_eq!(bank.pull(&movement("top_2", &agreement, 200)).await, Outcome::Accepted);
    let phone = world.customer().phone.clone();
    let messages = world.sandbox.messages(&phone);
    world.sandbox.stop().await;

    let world = start().await;
    let again: Vec<_> = world.sandbox.addresses().into_iter().map(|a| a.key).collect();
    assert_eq!(again, keys);
    assert_eq!(world.sandbox.messages(&phone), messages);
    let bank = world.bank();
    assert_eq!(world.balance().await, before - 300);
    assert_eq!(bank_ref(bank.query("top_1").await.unwrap()), settled);
    let mut door = Door::open(&[]).await;
    world.sandbox.set_notice_door(&door.url);
    assert_eq!(door.next(&world).await.reference, "top_1", "the notice is not forgotten");
    world.sandbox.clock().advance(120);
    assert_eq!(door.next(&world).await.reference, "top_2");
    let next = bank.pull(&movement("top_3", &agreement, 1)).await;
    assert_eq!(next, Outcome::Accepted, "the agreement still stands");
    world.sandbox.stop().await;

    let mode = {
        use std::os::unix::fs::PermissionsExt;
        let file = std::fs::metadata(path.join("notice.key.pem")).unwrap();
        file.permissions().mode() & 0o777
    };
    assert_eq!(mode, 0o600);
    std::fs::write(path.join("notice.key.pem"), "rubbish").unwrap();
    let mut config = city.sandbox("jialing", vec![]);
    config.folder = Some(path);
    let refused = Sandbox::start(config).await;
    assert!(matches!(refused, Err(SandboxError::BadKey(_))));
}

#[tokio::test]
async fn a_city_that_cannot_be_is_refused() {
    let city = small_city();
    for institution in ["", "a/b", "..", "notice", "bank_yuzhong"] {
        let mut config = city.sandbox("jialing", vec![]);
        config.banks[0].institution = institution.to_owned();
        let refused = Sandbox::start(config).await;
        assert!(matches!(refused, Err(SandboxError::BadInstitution(_))), "{institution:?}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = city.sandbox("jialing", vec![]);
    config.ports.notice = taken.local_addr().unwrap().port();
    assert!(matches!(Sandbox::start(config).await, Err(SandboxError::Io { .. })));
}
