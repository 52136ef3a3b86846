use jialing_rails::Outcome;
use jialing_rails::identity::{Claim, Identity, Mismatch, Verdict, check_character};
use jialing_rails::notice::{Message, Notices};
use jialing_sandbox::{Fault, FaultKind};

use crate::world::World;

fn claim(reference: &str, name: &str, id_number: &str, phone: Option<&str>) -> Claim {
    Claim {
        reference: reference.to_owned(),
        name: name.to_owned(),
        id_number: id_number.to_owned(),
        phone: phone.map(str::to_owned),
    }
}

fn mismatch(verdict: Verdict) -> Option<Mismatch> {
    match verdict {
        Verdict::Match { .. } => None,
        Verdict::NoMatch { mismatch, .. } => Some(mismatch),
        Verdict::Unknown(why) => panic!("{why}"),
    }
}

#[tokio::test]
async fn the_register_knows_its_residents_and_admits_visitors() {
    let world = World::start().await;
    let identity = world.identity();
    let known = world.customer().clone();
    let plus = format!("+86{}", known.phone);
    let visitor = {
        let first_17 = "50019919900101777";
        format!("{first_17}{}", check_character(first_17).unwrap())
    };
    let mut n = 0;
    let mut check = async |name: &str, number: &str, phone: Option<&str>, expect| {
        n += 1;
        let claim = claim(&format!("idc_{n}"), name, number, phone);
        let verdict = identity.check(&claim).await;
        assert_eq!(identity.check(&claim).await, verdict, "repeated");
        assert_eq!(mismatch(verdict), expect, "{name} {number}");
    };
    check(&known.name, &known.id_number, None, None).await;
    check(&known.name, &known.id_number, Some(&known.phone), None).await;
    check(&known.name, &known.id_number, Some(&plus), None).await;
    check(&known.name, &known.id_number, Some("16988888888"), Some(Mismatch::Phone)).await;
    check("别人", &known.id_number, None, Some(Mismatch::Name)).await;
    check("访客", "500199199001017770", None, Some(Mismatch::NoSuchNumber)).await;
    check("访客", &visitor, Some("13800138001"), None).await;
    check("另一位", &visitor, None, Some(Mismatch::Name)).await;
    check("访客", &visitor, Some("13800138002"), Some(Mismatch::Phone)).await;
    check("查无此人", &visitor, None, Some(Mismatch::NoSuchNumber)).await;
    check("姓名不符", &visitor, None, Some(Mismatch::Name)).await;
    check("手机不符", &visitor, None, Some(Mismatch::Phone)).await;
    check("证件注销", &visitor, None, Some(Mismatch::Document)).await;
}

#[tokio::test]
async fn a_resident_is_added_by_hand() {
    let world = World::start().await;
    let body = "{\"name\":\"陈嘉陵\",\"id_number\":\"11010519491231002X\",\"phone\":\"+8613800138000\"}";
    assert!(world.post("identity", "/residents", body).await.status().is_success());
    let claim = claim("idc_1", "陈嘉陵", "11010519491231002X", Some("13800138000"));
    assert_eq!(mismatch(world.identity().check(&claim).await), None);
}

#[tokio::test]
async fn an_identity_service_can_be_slow_and_wrong_on_order() {
    let world = World::start().await;
    let known = world.customer().clone();
    let claim = claim("idc_1", &known.name, &known.id_number, None);
    for kind in [FaultKind::TimeoutBefore, FaultKind::BadSignature, FaultKind::Torn] {
        world.sandbox.order_fault("identity", Fault::once(kind));
        let verdict = world.identity().check(&claim).await;
        assert!(matches!(verdict, Verdict::Unknown(_)), "{kind:?}");
    }
    assert_eq!(mismatch(world.identity().check(&claim).await), None);
}

fn message(reference: &str, phone: &str) -> Message {
    Message {
        reference: reference.to_owned(),
        phone: phone.to_owned(),
        template: "SIGN_UP_CODE".to_owned(),
        params: [("code".to_owned(), "493817".to_owned())].into(),
        language: "zh-CN".to_owned(),
    }
}

#[tokio::test]
async fn a_phone_s_inbox_shows_its_messages_newest_first() {
    let world = World::start().await;
    let notices = world.notices();
    let first = notices.send(&message("m1", "+8616900000001")).await;
    assert_eq!(notices.send(&message("m1", "+8616900000001")).await, first);
    notices.send(&message("m2", "16900000002")).await;
    let mut english = message("m3", "16900000001");
    english.language = "en".to_owned();
    notices.send(&english).await;
    let mut paid = message("m4", "16900000001");
    paid.params = [("amount".to_owned(), "12.50".to_owned())].into();
    notices.send(&paid).await;

    let inbox = world.get("notice", "/messages?phone=16900000001").await;
    let texts: Vec<_> = inbox.as_array().unwrap().iter().map(|m| m["text"].as_str().unwrap()).collect();
    assert_eq!(
        texts,
        [
            "【嘉陵】SIGN_UP_CODE amount: 12.50",
            "[Jialing] Your code is 493817. Tell it to nobody.",
            "【嘉陵】您的验证码是 493817，请勿告诉他人。"
        ]
    );
    let newer = world.get("notice", "/messages?phone=16900000001&after=1").await;
    assert_eq!(newer.as_array().unwrap().len(), 2);
    assert_eq!(world.get("notice", "/messages").await.as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn waiting_for_a_message_ends_when_it_comes() {
    let world = World::start().await;
    let notices = world.notices();
    let wait = world.sandbox.wait_for_message("16900000001", 0);
    let message = message("m1", "16900000001");
    let send = notices.send(&message);
    let (arrived, _) = tokio::join!(wait, send);
    assert_eq!(arrived.reference, "m1");
}

#[tokio::test]
async fn blocked_numbers_and_ordered_refusals_are_not_sent() {
    let world = World::start().await;
    let notices = world.notices();
    let refused = |outcome| match outcome {
        Outcome::Refused(refusal) => jialing_rails::Refusal::clone(&refusal).code,
        other => panic!("{other:?}"),
    };
    for phone in ["16900000000", "+8613800130000", "", "12"] {
        assert_eq!(refused(notices.send(&message("m1", phone)).await), "BLOCKED_NUMBER");
    }
    world.sandbox.order_fault("notice", Fault::once(FaultKind::Refusal));
    assert_eq!(refused(notices.send(&message("m2", "16900000001")).await), "SANDBOX_REFUSAL");
    world.sandbox.order_fault("notice", Fault::once(FaultKind::Error500After));
    assert!(matches!(notices.send(&message("m3", "16900000001")).await, Outcome::Unknown(_)));
    let inbox = world.sandbox.messages("16900000001");
    assert_eq!(inbox.len(), 1);
    assert_eq!(inbox[0].reference, "m3");
}

#[tokio::test]
async fn every_service_says_who_it_is_and_moves_the_common_clock() {
    let world = World::start().await;
    for address in world.sandbox.addresses() {
        let index = world.get(&address.name, "/").await;
        assert_eq!(index["sandbox"], address.name);
        assert_eq!(index["key_id"], address.key.id());
        world.post(&address.name, "/clock", "{\"advance_s\":60}").await;
    }
    let moved = 60 * world.sandbox.addresses().len() as i64;
    assert_eq!(world.sandbox.clock().offset_s(), moved);
    for bad in ["{}", "{\"set\":\"yesterday\"}", "{\"advance_s\":\"1\"}", "[]"] {
        let refused = world.post("notice", "/clock", bad).await;
        assert!(refused.status().is_client_error(), "{bad}");
    }
    assert_eq!(world.sandbox.clock().offset_s(), moved);
    let huge = format!("{{\"reference\":\"{}\"}}", "x".repeat(70_000));
    assert!(world.post("notice", "/rail/v1/messages", &huge).await.status().is_client_error());
}
