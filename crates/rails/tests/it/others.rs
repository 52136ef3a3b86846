use jialing_rails::identity::{Claim, HttpIdentity, Identity, Mismatch, Verdict};
use jialing_rails::notice::{HttpNotices, Message, Notices, Sent};
use jialing_rails::{Outcome, Refusal, Why};

use crate::peer::{Play, Server};

fn claim() -> Claim {
    Claim {
        reference: "idc_1".to_owned(),
        name: "王芳".to_owned(),
        id_number: "11010519491231002X".to_owned(),
        phone: None,
    }
}

fn code_message() -> Message {
    Message {
        reference: "msg_1".to_owned(),
        phone: "19900000001".to_owned(),
        template: "SIGN_UP_CODE".to_owned(),
        params: [("code".to_owned(), "123456".to_owned())].into(),
        language: "zh-CN".to_owned(),
    }
}

#[tokio::test]
async fn an_identity_is_a_match_no_match_or_unknown() {
    let check = async |play: Play, expect: Verdict| {
        let server = Server::start(vec![play]).await;
        let identity = HttpIdentity::new(server.peer()).unwrap();
        assert_eq!(identity.check(&claim()).await, expect);
        assert_eq!(server.asked()[0].target, "/rail/v1/checks");
        assert!(!server.asked()[0].body.contains("phone"));
    };
    let reply =
        |more: &str| Play::Signed(format!("{{\"reference\":\"{{reference}}\",\"check_id\":\"C1\",{more}}}"));
    let check_id = || "C1".to_owned();
    check(reply("\"matches\":true"), Verdict::Match { check_id: check_id() }).await;
    check(
        reply("\"matches\":false,\"mismatch\":\"NAME\""),
        Verdict::NoMatch { check_id: check_id(), mismatch: Mismatch::Name },
    )
    .await;
    check(Play::Silence, Verdict::Unknown(Why::TimedOut)).await;
    check(Play::Status(503), Verdict::Unknown(Why::Status(503))).await;
    check(Play::Plain("{}".into()), Verdict::Unknown(Why::Unsigned)).await;
}

#[tokio::test]
async fn a_message_is_taken_refused_or_unknown() {
    let check = async |play: Play, expect: Outcome<Sent>| {
        let server = Server::start(vec![play]).await;
        let notices = HttpNotices::new(server.peer()).unwrap();
        assert_eq!(notices.send(&code_message()).await, expect);
        assert_eq!(server.asked()[0].target, "/rail/v1/messages");
    };
    let reply = |more: &str| Play::Signed(format!("{{\"reference\":\"{{reference}}\"{more}}}"));
    let message_id = "M1".to_owned();
    check(reply(",\"message_id\":\"M1\""), Outcome::Done(Sent { message_id })).await;
    check(
        reply(",\"code\":\"BLOCKED_NUMBER\",\"message\":\"停机\""),
        Outcome::Refused(Refusal::new("BLOCKED_NUMBER", "停机")),
    )
    .await;
    let neither = Outcome::Unknown(Why::Unreadable("neither sent nor refused"));
    check(reply(""), neither.clone()).await;
    check(reply(",\"code\":\"X\",\"message_id\":\"M1\""), neither).await;
    check(Play::Silence, Outcome::Unknown(Why::TimedOut)).await;
}

#[test]
fn secrets_and_personal_data_are_not_shown_by_debug() {
    assert_eq!(format!("{:?}", claim()), "Claim(idc_1)");
    assert_eq!(format!("{:?}", code_message()), "Message(msg_1 SIGN_UP_CODE)");
}
