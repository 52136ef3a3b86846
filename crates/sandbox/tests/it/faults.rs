use jialing_rails::bank::wire::{MOVEMENTS, PULLS};
use jialing_rails::bank::{Agreement, Bank, HttpBank, NoticeState, Settled};
use jialing_rails::{Outcome, Why};
use jialing_sandbox::bank::MAGIC_AMOUNTS;
use jialing_sandbox::{Fault, FaultKind, SettleAfter};

use crate::world::{Door, World, bank_ref, movement};

struct Scene {
    world: World,
    bank: HttpBank,
    agreement: Agreement,
    before: u64,
}

impl Scene {
    async fn set() -> Self {
        let world = World::start().await;
        let bank = world.bank();
        let agreement = world.link(&bank).await;
        let before = world.balance().await;
        Self { world, bank, agreement, before }
    }

    fn order(&self, fault: Fault) {
        assert!(self.world.sandbox.order_fault("bank_jiangbei", fault));
    }

    async fn pull(&self) -> Outcome<Settled> {
        self.bank.pull(&movement("top_1", &self.agreement, 100)).await
    }

    async fn query(&self) -> Option<Outcome<Settled>> {
        self.bank.query("top_1").await
    }

    async fn moved(&self) -> bool {
        self.world.balance().await != self.before
    }
}

fn unknown(why: Why) -> Outcome<Settled> {
    Outcome::Unknown(why)
}

#[tokio::test]
async fn faults_before_the_effect_leave_nothing_and_a_retry_succeeds() {
    for (kind, why) in [(FaultKind::TimeoutBefore, Why::TimedOut), (FaultKind::Error500, Why::Status(500))] {
        let scene = Scene::set().await;
        scene.order(Fault::once(kind).on(PULLS));
        assert_eq!(scene.pull().await, unknown(why));
        assert_eq!(scene.query().await, None, "{kind:?}");
        assert!(!scene.moved().await);
        bank_ref(scene.pull().await);
        assert!(scene.moved().await);
        scene.world.sandbox.stop().await;
    }
}

#[tokio::test]
async fn faults_after_the_effect_are_unknown_until_a_query_tells() {
    for (kind, why) in [
        (FaultKind::Timeout, Why::TimedOut),
        (FaultKind::Error500After, Why::Status(500)),
        (FaultKind::Torn, Why::Disconnected),
        (FaultKind::BadSignature, Why::Unsigned),
        (FaultKind::Unknown, Why::TheirsToo),
    ] {
        let scene = Scene::set().await;
        scene.order(Fault::once(kind).containing("top_1"));
        assert_eq!(scene.pull().await, unknown(why));
        assert!(scene.moved().await, "{kind:?}");
        let told = bank_ref(scene.query().await.unwrap());
        assert_eq!(bank_ref(scene.pull().await), told);
        assert_eq!(scene.world.balance().await, scene.before - 100);
    }
}

#[tokio::test]
async fn a_bank_that_stays_unknown_is_resolved_by_its_statement() {
    let scene = Scene::set().await;
    scene.order(Fault { times: 1_000, ..Fault::once(FaultKind::Unknown).containing("top_1") });
    assert_eq!(scene.pull().await, unknown(Why::TheirsToo));
    assert_eq!(scene.query().await, Some(unknown(Why::TheirsToo)));
    let today = scene.world.sandbox.clock().today();
    let statement = scene.bank.statement(today).await.unwrap();
    assert_eq!(statement.entries[0].reference, "top_1");
}

#[tokio::test]
async fn a_refusal_on_order_has_its_code_and_stays() {
    let scene = Scene::set().await;
    scene.order(Fault { code: Some("CARD_EXPIRED".to_owned()), ..Fault::once(FaultKind::Refusal) });
    for outcome in [scene.pull().await, scene.pull().await, scene.query().await.unwrap()] {
        assert!(matches!(outcome, Outcome::Refused(refusal) if refusal.code == "CARD_EXPIRED"));
    }
    assert!(!scene.moved().await);
    scene.order(Fault::once(FaultKind::Refusal));
    let ended = scene.bank.end_link("e", &scene.agreement.agreement).await;
    assert!(matches!(ended, Outcome::Refused(refusal) if refusal.code == "SANDBOX_REFUSAL"));
}

#[tokio::test]
async fn late_endings_come_when_the_clock_gets_there() {
    for (kind, expect) in
        [(FaultKind::LateSuccess, NoticeState::Done), (FaultKind::LateRefusal, NoticeState::Refused)]
    {
        let scene = Scene::set().await;
        let mut door = Door::open(&[]).await;
        scene.world.sandbox.set_notice_door(&door.url);
        scene.order(Fault::once(kind));
        assert_eq!(scene.pull().await, Outcome::Accepted);
        assert!(scene.moved().await, "reserved");
        scene.world.sandbox.clock().advance(29);
        assert_eq!(scene.query().await, Some(Outcome::Accepted));
        scene.world.sandbox.clock().advance(2);
        let notice = door.next(&scene.world).await;
        assert_eq!(notice.state, expect);
        assert!(scene.query().await.unwrap().is_final());
        assert_eq!(scene.moved().await, expect == NoticeState::Done);
    }
}

#[tokio::test]
async fn notices_come_twice_out_of_order_or_never() {
    let scene = Scene::set().await;
    let mut door = Door::open(&[]).await;
    scene.world.sandbox.set_notice_door(&door.url);
    let pull = async |reference: &str| {
        bank_ref(scene.bank.pull(&movement(reference, &scene.agreement, 100)).await);
    };
    scene.order(Fault::once(FaultKind::DuplicateNotice));
    pull("twice").await;
    let first = door.next(&scene.world).await;
    assert_eq!(door.next(&scene.world).await, first);

    scene.order(Fault::once(FaultKind::OutOfOrder));
    scene.order(Fault::once(FaultKind::LostNotice));
    pull("slow").await;
    pull("lost").await;
    pull("quick").await;
    assert_eq!(door.next(&scene.world).await.reference, "quick");
    scene.world.sandbox.clock().advance(10);
    assert_eq!(door.next(&scene.world).await.reference, "slow");
    assert!(door.is_empty());
    assert!(scene.bank.query("lost").await.unwrap().is_final());
}

#[tokio::test]
async fn a_withdrawal_can_come_back() {
    let scene = Scene::set().await;
    let mut door = Door::open(&[]).await;
    scene.world.sandbox.set_notice_door(&door.url);
    scene.order(Fault { delay_s: Some(86_400), ..Fault::once(FaultKind::Returned) });
    let push = movement("wdr_1", &scene.agreement, 500);
    let pushed = bank_ref(scene.bank.push(&push).await);
    assert_eq!(door.next(&scene.world).await.state, NoticeState::Done);
    assert_eq!(scene.world.balance().await, scene.before + 500);
    scene.world.sandbox.clock().advance(86_401);
    let notice = door.next(&scene.world).await;
    assert_eq!(notice.state, NoticeState::Returned);
    assert_eq!(notice.bank_ref, Some(pushed));
    assert_eq!(scene.world.balance().await, scene.before);
    let today = scene.world.sandbox.clock().today();
    let statement = scene.bank.statement(today).await.unwrap();
    assert_eq!(statement.entries[0].kind, jialing_rails::bank::EntryKind::Return);
}

#[tokio::test]
async fn every_magic_amount_does_what_its_line_says() {
    for (end, kind, code) in MAGIC_AMOUNTS {
        let scene = Scene::set().await;
        let push = movement("wdr_1", &scene.agreement, 10_000 + end);
        let first = scene.bank.push(&push).await;
        let second = scene.bank.push(&push).await;
        match kind {
            FaultKind::Refusal => {
                assert!(matches!(&first, Outcome::Refused(r) if Some(r.code.as_str()) == code));
                assert_eq!(second, first);
            }
            FaultKind::LateSuccess | FaultKind::LateRefusal => {
                assert_eq!((first, second), (Outcome::Accepted, Outcome::Accepted));
                scene.world.sandbox.clock().advance(31);
                let last = scene.bank.query("wdr_1").await.unwrap();
                assert_eq!(matches!(last, Outcome::Done(_)), kind == FaultKind::LateSuccess);
            }
            FaultKind::DuplicateNotice | FaultKind::Returned => {
                assert_eq!(bank_ref(first), bank_ref(second));
            }
            _ => {
                assert!(matches!(first, Outcome::Unknown(_)), "{kind:?}");
                bank_ref(second);
            }
        }
    }
}

#[tokio::test]
async fn faults_are_ordered_listed_and_cleared_over_http() {
    let world = World::start_with(|config| config.settle_after = SettleAfter::AtOnce).await;
    let bank = world.bank();
    let body = format!("{{\"kind\":\"error_500\",\"times\":2,\"match\":{{\"path\":\"{MOVEMENTS}\"}}}}");
    let ordered = world.post("bank_jiangbei", "/faults", &body).await;
    assert_eq!(ordered.status().as_u16(), 201);
    assert_eq!(bank.query("a").await, Some(unknown(Why::Status(500))));
    let waiting = world.get("bank_jiangbei", "/faults").await;
    assert_eq!(waiting[0]["times"], 1);
    let url = format!("{}/faults", world.peer("bank_jiangbei").base_url);
    reqwest::Client::new().delete(url).send().await.unwrap();
    assert_eq!(bank.query("a").await, None);
    for bad in ["", "{}", "{\"kind\":\"mischief\"}", "{\"kind\":\"torn\",\"times\":-1}"] {
        let refused = world.post("bank_jiangbei", "/faults", bad).await;
        assert!(refused.status().is_client_error(), "{bad}");
    }
    assert!(!world.sandbox.order_fault("bank_nowhere", Fault::once(FaultKind::Torn)));
}

#[tokio::test]
async fn stopping_does_not_wait_for_a_request_that_is_never_answered() {
    let scene = Scene::set().await;
    scene.order(Fault::once(FaultKind::TimeoutBefore));
    let mut peer = scene.world.peer("bank_jiangbei");
    peer.limits.answer_ms = 60_000;
    let patient = HttpBank::new(peer).unwrap();
    let held = tokio::spawn(async move { patient.query("top_1").await });
    while !scene.world.get("bank_jiangbei", "/faults").await.as_array().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    scene.world.sandbox.stop().await;
    assert!(matches!(held.await.unwrap(), Some(Outcome::Unknown(_))));
}
