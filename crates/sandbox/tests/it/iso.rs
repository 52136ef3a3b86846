//! A bank of the city over ISO 20022, through the platform's own connector and byte by byte.

use jialing_crypto::http_signature::RequestSignature;
use jialing_rails::bank::iso::MESSAGES;
use jialing_rails::bank::{
    Agreement, Bank, BankNotice, Dialect, EntryKind, IsoBank, NoticeState, OurSide, Settled, read_notices,
};
use jialing_rails::iso20022::{
    Agent, BusinessMessage, CONTENT_TYPE, Document, Header, Original, PACS_008, PACS_028, PAIN_001,
    StatusQuestion, StatusRequest,
};
use jialing_rails::{Outcome, Refusal, Why};
use jialing_sandbox::bank::MAGIC_AMOUNTS;
use jialing_sandbox::{Fault, FaultKind, SettleAfter};
use jiff::Timestamp;

use crate::world::{Door, World, bank_ref, movement};

struct Scene {
    world: World,
    bank: IsoBank,
    agreement: Agreement,
    before: u64,
}

impl Scene {
    async fn set() -> Self {
        Self::set_with(SettleAfter::AtOnce).await
    }

    async fn set_with(settle_after: SettleAfter) -> Self {
        let world = World::start_with(|config| config.settle_after = settle_after).await;
        let agreement = world.link(&world.bank()).await;
        let bank = IsoBank::new(world.peer("bank_jiangbei"), OurSide::default()).unwrap();
        let before = world.balance().await;
        Self { world, bank, agreement, before }
    }

    fn order(&self, fault: Fault) {
        assert!(self.world.sandbox.order_fault("bank_jiangbei", fault));
    }

    async fn pull(&self) -> Outcome<Settled> {
        self.bank.pull(&movement("top_1", &self.agreement, 100)).await
    }

    /// The next message to the platform, checked as the platform checks it.
    async fn told(&self, door: &mut Door) -> BankNotice {
        let (signature, body) = door.next_raw().await;
        let keys = self.world.peer("bank_jiangbei").peer_keys;
        let now = Timestamp::now().as_second();
        let from = (Dialect::Iso20022, "bank_jiangbei");
        let mut notices = read_notices(from, &keys, &signature, &body, now, 300).unwrap();
        assert_eq!(notices.len(), 1);
        notices.remove(0)
    }
}

#[tokio::test]
async fn money_goes_from_the_account_and_back_once_per_reference() {
    let Scene { world, bank, agreement, before } = Scene::set().await;
    let pull = movement("top_1", &agreement, 10_000);
    let first = bank_ref(bank.pull(&pull).await);
    assert_eq!(bank_ref(bank.pull(&pull).await), first);
    assert_eq!(bank_ref(bank.query("top_1").await.unwrap()), first);
    assert_eq!(world.balance().await, before - 10_000);
    bank_ref(bank.push(&movement("wdr_1", &agreement, 4_000)).await);
    assert_eq!(world.balance().await, before - 6_000);

    let refused = |code: &str, outcome: Outcome<Settled>| {
        assert!(matches!(&outcome, Outcome::Refused(refusal) if refusal.code == code), "{outcome:?}");
    };
    refused("REFERENCE_REUSED", bank.push(&pull).await);
    refused("REFERENCE_REUSED", bank.pull(&movement("top_1", &agreement, 10_001)).await);
    refused("INSUFFICIENT_FUNDS", bank.pull(&movement("top_2", &agreement, before)).await);
    refused("BAD_AMOUNT", bank.pull(&movement("top_3", &agreement, 0)).await);
    let mut late = movement("top_4", &agreement, 1);
    late.not_after = Timestamp::UNIX_EPOCH;
    refused("TOO_LATE", bank.push(&late).await);
    let mut yen = movement("top_5", &agreement, 1);
    yen.money.currency = "JPY".to_owned();
    refused("BAD_CURRENCY", bank.push(&yen).await);
    let mut strange = movement("top_6", &agreement, 1);
    strange.agreement = "agr_none".to_owned();
    refused("AGREEMENT_NOT_FOUND", bank.pull(&strange).await);
    assert_eq!(bank.query("top_9").await, None);

    let statement = bank.statement(world.sandbox.clock().today()).await.unwrap();
    let lines: Vec<_> =
        statement.entries.iter().map(|e| (e.line, e.kind, e.reference.as_str(), e.money.amount)).collect();
    assert_eq!(lines, [(1, EntryKind::Pull, "top_1", 10_000), (2, EntryKind::Push, "wdr_1", 4_000)]);
    // The same day in the other dialect says the same.
    assert_eq!(world.bank().statement(world.sandbox.clock().today()).await.unwrap(), statement);
    world.sandbox.stop().await;
}

#[tokio::test]
async fn a_long_statement_comes_in_pages_and_the_next_day_begins_where_it_ended() {
    let Scene { world, bank, agreement, .. } = Scene::set().await;
    for n in 0..201 {
        bank_ref(bank.push(&movement(&format!("wdr_{n}"), &agreement, 100)).await);
    }
    let today = world.sandbox.clock().today();
    assert_eq!(bank.statement(today).await.unwrap().entries.len(), 201);
    world.sandbox.clock().advance(86_400);
    let mut pull = movement("top_1", &agreement, 5);
    pull.not_after = world.sandbox.clock().now() + jiff::SignedDuration::from_mins(10);
    bank_ref(bank.pull(&pull).await);
    let tomorrow = world.sandbox.clock().today();
    assert_eq!(bank.statement(tomorrow).await.unwrap().entries.len(), 1);
    assert_eq!(bank.statement(tomorrow.tomorrow().unwrap()).await.unwrap().entries, []);
}

#[tokio::test]
async fn every_fault_has_the_outcome_it_has_in_json() {
    for (kind, why, moves) in [
        (FaultKind::TimeoutBefore, Why::TimedOut, false),
        (FaultKind::Error500, Why::Status(500), false),
        (FaultKind::Timeout, Why::TimedOut, true),
        (FaultKind::Error500After, Why::Status(500), true),
        (FaultKind::Torn, Why::Disconnected, true),
        (FaultKind::BadSignature, Why::Unsigned, true),
        (FaultKind::Unknown, Why::TheirsToo, true),
    ] {
        let scene = Scene::set().await;
        scene.order(Fault::once(kind).on(&format!("{MESSAGES}/{PAIN_001}")).containing("top_1"));
        assert_eq!(scene.pull().await, Outcome::Unknown(why), "{kind:?}");
        assert_eq!(scene.world.balance().await != scene.before, moves, "{kind:?}");
        match scene.bank.query("top_1").await {
            None => assert!(!moves, "{kind:?}"),
            Some(outcome) => assert!(moves && outcome.is_final(), "{kind:?}: {outcome:?}"),
        }
        bank_ref(scene.pull().await);
        assert_eq!(scene.world.balance().await, scene.before - 100);
    }
    let scene = Scene::set().await;
    scene.order(Fault { code: Some("CARD_EXPIRED".to_owned()), ..Fault::once(FaultKind::Refusal) });
    let refused = Outcome::Refused(Refusal::new("CARD_EXPIRED", "refused on order"));
    assert_eq!((scene.pull().await, scene.pull().await), (refused.clone(), refused));
}

#[tokio::test]
async fn a_bank_that_stays_unknown_is_resolved_by_its_statement() {
    let scene = Scene::set().await;
    scene.order(Fault { times: 1_000, ..Fault::once(FaultKind::Unknown).containing("top_1") });
    assert_eq!(scene.pull().await, Outcome::Unknown(Why::TheirsToo));
    assert_eq!(scene.bank.query("top_1").await, Some(Outcome::Unknown(Why::TheirsToo)));
    let statement = scene.bank.statement(scene.world.sandbox.clock().today()).await.unwrap();
    assert_eq!(statement.entries[0].reference, "top_1");
}

#[tokio::test]
async fn endings_are_told_in_the_dialect_of_the_order_and_bookings_are_advised() {
    let scene = Scene::set_with(SettleAfter::Millis(30_000)).await;
    let mut door = Door::open(&[]).await;
    scene.world.sandbox.set_notice_door(&door.url);
    scene.order(Fault::once(FaultKind::LateRefusal).containing("top_2"));
    scene.order(Fault { delay_s: Some(3_600), ..Fault::once(FaultKind::Returned).containing("wdr_1") });
    assert_eq!(scene.pull().await, Outcome::Accepted);
    assert_eq!(scene.bank.query("top_1").await, Some(Outcome::Accepted));
    scene.world.sandbox.clock().advance(31);
    let settled = scene.told(&mut door).await;
    assert_eq!(
        (settled.kind, settled.state, settled.money.amount),
        (EntryKind::Pull, NoticeState::Done, 100)
    );
    let advised = scene.told(&mut door).await;
    assert_eq!(
        (advised.kind, advised.state, &advised.bank_ref),
        (settled.kind, settled.state, &settled.bank_ref)
    );
    assert_ne!(advised.id, settled.id);

    let soon = |reference: &str| {
        let mut ask = movement(reference, &scene.agreement, 100);
        ask.not_after = scene.world.sandbox.clock().now() + jiff::SignedDuration::from_mins(10);
        ask
    };
    assert_eq!(scene.bank.pull(&soon("top_2")).await, Outcome::Accepted);
    scene.world.sandbox.clock().advance(31);
    let refused = scene.told(&mut door).await;
    assert_eq!((refused.state, refused.code.as_deref()), (NoticeState::Refused, Some("REFUSED_LATE")));

    assert_eq!(scene.bank.push(&soon("wdr_1")).await, Outcome::Accepted);
    scene.world.sandbox.clock().advance(31);
    let states = [scene.told(&mut door).await.state, scene.told(&mut door).await.state];
    assert_eq!(states, [NoticeState::Done; 2]);
    scene.world.sandbox.clock().advance(3_601);
    let back = [scene.told(&mut door).await, scene.told(&mut door).await];
    assert!(
        back.iter().all(|notice| notice.state == NoticeState::Returned && notice.kind == EntryKind::Push)
    );
    let statement = scene.bank.statement(scene.world.sandbox.clock().today()).await.unwrap();
    assert_eq!(statement.entries.last().unwrap().kind, EntryKind::Return);
}

#[tokio::test]
async fn every_magic_amount_does_the_same_in_both_dialects() {
    for (end, kind, _) in MAGIC_AMOUNTS {
        let scene = Scene::set().await;
        let iso = scene.bank.push(&movement("wdr_1", &scene.agreement, 10_000 + end)).await;
        let json = scene.world.bank().push(&movement("wdr_2", &scene.agreement, 10_000 + end)).await;
        let same = match (&iso, &json) {
            (Outcome::Done(_), Outcome::Done(_)) => true,
            (iso, json) => iso == json,
        };
        assert!(same, "{kind:?}: {iso:?} {json:?}");
    }
}

/// Posts bytes as the platform would, and answers status and body.
async fn post(world: &World, target: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
    let now = Timestamp::now().as_second();
    let signature = RequestSignature::sign(&world.key, "jialing", "POST", target, &body, now);
    let url = format!("{}{target}", world.peer("bank_jiangbei").base_url);
    let request = reqwest::Client::new().post(url).header("authorization", signature.to_header());
    let answer = request.header("content-type", CONTENT_TYPE).body(body).send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
}

fn question(id: &str, reference: &str) -> BusinessMessage {
    let header = Header {
        from: Agent::member("jialing"),
        to: Agent::member("bank_jiangbei"),
        id: id.to_owned(),
        created: Timestamp::now(),
        possible_duplicate: None,
    };
    let original = Original { end_to_end: Some(reference.to_owned()), ..Original::default() };
    let request = StatusRequest {
        id: id.to_owned(),
        created: Timestamp::now(),
        instructing: None,
        instructed: None,
        questions: vec![StatusQuestion { id: None, original }],
    };
    BusinessMessage { header, document: Document::StatusRequest(request) }
}

#[tokio::test]
async fn a_repeated_question_gets_the_same_report_until_something_changes() {
    let scene = Scene::set_with(SettleAfter::Millis(30_000)).await;
    assert_eq!(scene.pull().await, Outcome::Accepted);
    let target = format!("{MESSAGES}/{PACS_028}");
    let ask = async |id: &str| post(&scene.world, &target, question(id, "top_1").write().unwrap()).await;
    let (status, first) = ask("Q-1").await;
    assert_eq!(status, 200);
    assert_eq!(ask("Q-2").await.1, first);
    scene.world.sandbox.clock().advance(31);
    let settled = ask("Q-3").await.1;
    assert_ne!(settled, first);
    assert_eq!(ask("Q-4").await.1, settled);
}

#[tokio::test]
async fn what_is_no_order_is_not_served() {
    let scene = Scene::set().await;
    let world = &scene.world;
    let check = async |definition: &str, body: Vec<u8>, expect: u16| {
        assert_eq!(post(world, &format!("{MESSAGES}/{definition}"), body).await.0, expect, "{definition}");
    };
    let asked = question("Q-1", "top_1");
    check(PACS_028, asked.write().unwrap(), 200).await;
    check(PAIN_001, asked.write().unwrap(), 400).await;
    check(PACS_008, b"<a/>".to_vec(), 400).await;
    check(PACS_028, Vec::new(), 400).await;
    check("pain.001.001.03", asked.write().unwrap(), 404).await;
    let mut elsewhere = asked.clone();
    elsewhere.header.to = Agent::member("bank_yuzhong");
    check(PACS_028, elsewhere.write().unwrap(), 400).await;
    let Document::StatusRequest(mut two) = asked.document.clone() else { panic!("{asked:?}") };
    two.questions.push(two.questions[0].clone());
    check(
        PACS_028,
        BusinessMessage { document: Document::StatusRequest(two), ..asked }.write().unwrap(),
        400,
    )
    .await;
}
