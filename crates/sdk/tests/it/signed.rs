use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::http_signature::CallbackSignature;
use jialing_crypto::{SigningKey, Suite};
use jialing_sdk::merchant::Order;
use jialing_sdk::{Error, Merchant};
use serde_json::json;

use crate::server::{Asked, Reply, Server};

const ORDER: &str = r#"{"id":"ord_1","out_trade_no":"A-1","state":"NOTPAY","refund_state":"NONE","amount":{"amount":3850,"currency":"CNY"},"later":true}"#;
const OTHER: &str = r#"{"id":"ord_1","out_trade_no":"A-1","state":"SUCCESS","refund_state":"NONE","amount":{"amount":3850,"currency":"CNY"}}"#;

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64
}

/// The key directory, and one answer to everything else.
async fn platform(key: &SigningKey, answer: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Server {
    let directory =
        json!({ "ledger": [], "answers": [{ "public_key": STANDARD.encode(key.public().spki_der()) }] })
            .to_string();
    Server::start(move |asked: &Asked, before| {
        if asked.line.starts_with("GET /v1/public/keys ") {
            Some((200, Vec::new(), directory.clone()))
        } else {
            answer(before)
        }
    })
    .await
}

async fn order(server: &Server) -> Result<Order, Error> {
    let shop = Merchant::connect(&server.url, "mch_1", SigningKey::generate(Suite::Ed25519))
        .await
        .expect("the directory is read");
    shop.order("A-1", "小面", 3850).await
}

fn signed(key: &SigningKey, signs: &str, at: i64) -> Vec<(&'static str, String)> {
    CallbackSignature::sign(key, signs.as_bytes(), at).headers().to_vec()
}

#[tokio::test]
async fn an_answer_that_the_platform_signed_is_taken() {
    let key = SigningKey::generate(Suite::Ed25519);
    let signs = key.clone();
    let server = platform(&key, move |_| Some((201, signed(&signs, ORDER, now()), ORDER.into()))).await;
    let order = order(&server).await.expect("it is signed");
    assert_eq!((order.id.as_str(), order.amount.amount), ("ord_1", 3850));
    let head = server.asked().pop().expect("a request").head.to_ascii_lowercase();
    assert!(head.contains("authorization: jialing1-ed25519 "), "{head}");
}

#[tokio::test]
async fn forged_answers_are_refused() {
    let platforms = SigningKey::generate(Suite::Ed25519);
    let thiefs = SigningKey::generate(Suite::Ed25519);
    let cases = [
        ("not signed at all", Vec::new()),
        ("signed by somebody else", signed(&thiefs, ORDER, now())),
        ("another body than was signed", signed(&platforms, OTHER, now())),
        ("an old answer played again", signed(&platforms, ORDER, now() - 400)),
    ];
    for (how, headers) in cases {
        let server = platform(&platforms, move |_| Some((200, headers.clone(), ORDER.into()))).await;
        let refused = order(&server).await.expect_err(how);
        assert!(matches!(refused, Error::Unacceptable { .. }), "{how}: {refused}");
        assert_eq!(server.asked().len(), 2, "{how}: what was answered is not asked again");
    }
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_a_fresh_nonce() {
    let key = SigningKey::generate(Suite::Ed25519);
    let signs = key.clone();
    // The directory is the request before; the first try of the order finds a broken connection.
    let server =
        platform(&key, move |before| (before > 1).then(|| (201, signed(&signs, ORDER, now()), ORDER.into())))
            .await;
    order(&server).await.expect("the second try");
    let asked = server.asked();
    let header = |asked: &Asked| {
        asked
            .head
            .lines()
            .find(|line| line.to_ascii_lowercase().starts_with("authorization"))
            .map(str::to_owned)
    };
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[1].line, asked[2].line);
    assert_ne!(header(&asked[1]), header(&asked[2]), "a signature's nonce is used once");
}

#[tokio::test]
async fn an_outcome_that_stays_unknown_is_said_to_be_unknown() {
    let key = SigningKey::generate(Suite::Ed25519);
    let server = platform(&key, |_| None).await;
    let unknown = order(&server).await.expect_err("no answer ever came");
    assert!(matches!(unknown, Error::Unknown { .. }), "{unknown}");
    assert_eq!(unknown.code(), None);
}

#[tokio::test]
async fn a_refusal_carries_the_platforms_code_and_is_not_repeated() {
    let key = SigningKey::generate(Suite::Ed25519);
    let problem = json!({ "type": "about:blank", "title": "It exists with other content", "status": 409, "code": "conflict", "field": "amount" }).to_string();
    let server = platform(&key, move |_| Some((409, Vec::new(), problem.clone()))).await;
    let refused = order(&server).await.expect_err("it was refused");
    assert_eq!(refused.code(), Some("conflict"));
    assert_eq!(server.asked().len(), 2);
}
