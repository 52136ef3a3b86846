use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt, TryStreamExt};
use jialing_crypto::http_signature::CallbackSignature;
use jialing_crypto::{SigningKey, Suite};
use jialing_sdk::merchant::Order;
use jialing_sdk::{Code, Error, Merchant};
use serde_json::json;

use crate::server::{Asked, Reply, Server};

const ORDER: &str = r#"{"id":"ord_1","out_trade_no":"A-1","state":"NOTPAY","refund_state":"NONE","amount":{"amount":3850,"currency":"CNY"},"later":true}"#;
const OTHER: &str = r#"{"id":"ord_1","out_trade_no":"A-1","state":"SUCCESS","refund_state":"NONE","amount":{"amount":3850,"currency":"CNY"}}"#;

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64
}

/// The key directory with these keys for answers.
fn directory(keys: &[&SigningKey]) -> String {
    let entry = |key: &&SigningKey| json!({ "public_key": STANDARD.encode(key.public().spki_der()) });
    json!({ "ledger": [], "answers": keys.iter().map(entry).collect::<Vec<_>>() }).to_string()
}

/// The key directory, and one answer to everything else.
async fn platform(key: &SigningKey, answer: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Server {
    let directory = directory(&[key]);
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
    // A key that is not known is looked for in the directory once more; the order is never asked for again.
    let cases = [
        ("not signed at all", Vec::new(), 2),
        ("signed by somebody else", signed(&thiefs, ORDER, now()), 3),
        ("another body than was signed", signed(&platforms, OTHER, now()), 2),
        ("an old answer played again", signed(&platforms, ORDER, now() - 400), 2),
    ];
    for (how, headers, asked) in cases {
        let server = platform(&platforms, move |_| Some((200, headers.clone(), ORDER.into()))).await;
        let refused = order(&server).await.expect_err(how);
        assert!(matches!(refused, Error::Unacceptable { .. }), "{how}: {refused}");
        assert_eq!(server.asked().len(), asked, "{how}: what was answered is not asked again");
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

fn problem(code: &str, status: u16) -> String {
    json!({ "type": "about:blank", "title": "It is so", "status": status, "code": code, "field": "amount" })
        .to_string()
}

#[tokio::test]
async fn a_refusal_carries_the_platforms_code_and_is_not_repeated() {
    let key = SigningKey::generate(Suite::Ed25519);
    let (signs, body) = (key.clone(), problem("conflict", 409));
    let server = platform(&key, move |_| Some((409, signed(&signs, &body, now()), body.clone()))).await;
    let refused = order(&server).await.expect_err("it was refused");
    assert_eq!((refused.code(), refused.known_code()), (Some("conflict"), Some(Code::Conflict)));
    assert!(refused.is(Code::Conflict) && !refused.is(Code::NotFound));
    assert!(matches!(refused, Error::Refused(problem) if problem.signed));
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn an_unsigned_refusal_is_believed_only_where_nothing_could_be_signed_yet() {
    let key = SigningKey::generate(Suite::Ed25519);
    let check = async |code: &'static str, status: u16, believed: bool| {
        let server = platform(&key, move |_| Some((status, Vec::new(), problem(code, status)))).await;
        let refused = order(&server).await.expect_err(code);
        assert_eq!(matches!(refused, Error::Refused(_)), believed, "{code}: {refused}");
        assert_eq!(matches!(refused, Error::Unacceptable { .. }), !believed, "{code}: {refused}");
    };
    check("signature_invalid", 401, true).await;
    check("rate_limited", 429, true).await;
    check("body_too_large", 413, true).await;
    check("conflict", 409, false).await;
    check("not_found", 404, false).await;
    check("a_code_of_tomorrow", 400, false).await;
}

#[tokio::test]
async fn who_pins_the_platforms_keys_asks_for_no_directory() {
    let key = SigningKey::generate(Suite::Sm2Sm3);
    let signs = key.clone();
    let server = platform(&key, move |_| Some((200, signed(&signs, ORDER, now()), ORDER.into()))).await;
    let pinned =
        |keys: Vec<_>| Merchant::pinned(&server.url, "mch_1", SigningKey::generate(Suite::RsaSha256), keys);
    assert_eq!(pinned(vec![key.public().clone()]).order_by_number("A|1").await.expect("signed").id, "ord_1");
    assert_eq!(server.asked()[0].line, "GET /v1/merchant/orders/out-trade-no/A%7C1 HTTP/1.1");
    let stranger = SigningKey::generate(Suite::Sm2Sm3).public().clone();
    let refused = pinned(vec![stranger]).order_by_id("ord_1").await.expect_err("another key");
    assert!(matches!(refused, Error::Unacceptable { .. }), "{refused}");
    assert!(server.asked().iter().all(|asked| !asked.line.contains("/v1/public/")));
}

#[tokio::test]
async fn a_key_of_later_is_looked_for_in_the_directory_and_a_strangers_is_not_believed() {
    let (first, second) = (SigningKey::generate(Suite::Ed25519), SigningKey::generate(Suite::Sm2Sm3));
    let stranger = SigningKey::generate(Suite::Ed25519);
    let directories = [directory(&[&first]), directory(&[&first, &second]), directory(&[&first, &second])];
    let (signers, reads) = ([first, second, stranger], AtomicUsize::new(0));
    let server = Server::start(move |asked, _| {
        if asked.line.starts_with("GET /v1/public/keys") {
            let place = reads.fetch_add(1, Ordering::SeqCst);
            return Some((200, Vec::new(), directories[place].clone()));
        }
        let signer =
            asked.line.split(['/', ' ']).find_map(|part| part.strip_prefix("ord_")).expect("an order");
        let signer = &signers[signer.parse::<usize>().expect("a number")];
        Some((200, signed(signer, ORDER, now()), ORDER.into()))
    })
    .await;
    let key = SigningKey::generate(Suite::Ed25519);
    let shop = Merchant::connect(&server.url, "mch_1", key).await.expect("the directory");
    let reads = || server.asked().iter().filter(|asked| asked.line.contains("/v1/public/keys")).count();
    for (order, expected) in [("ord_0", 1), ("ord_1", 2), ("ord_1", 2), ("ord_0", 2)] {
        shop.order_by_id(order).await.expect("signed by a key of the platform");
        assert_eq!(reads(), expected, "{order}");
    }
    let refused = shop.order_by_id("ord_2").await.expect_err("a stranger");
    assert!(matches!(refused, Error::Unacceptable { .. }), "{refused}");
    assert_eq!(reads(), 3);
}

#[tokio::test]
async fn a_list_is_read_page_by_page_as_far_as_one_goes() {
    let key = SigningKey::generate(Suite::Ed25519);
    let signs = key.clone();
    let event = |id: &str| json!({ "id": id, "type": "order.paid", "object_version": 1, "resource": {} });
    let pages = [
        json!({ "items": [event("evt_3"), event("evt_2")], "has_more": true }).to_string(),
        json!({ "items": [event("evt_1")], "has_more": false }).to_string(),
    ];
    let server = platform(&key, move |before| {
        let page = pages[before % 2].clone();
        Some((200, signed(&signs, &page, now()), page))
    })
    .await;
    let shop =
        Merchant::pinned(&server.url, "mch_1", SigningKey::generate(Suite::Ed25519), [key.public().clone()]);
    let ids = |wanted: usize| {
        let events = shop.events(&[("delivered", "false")]).take(wanted);
        events.map_ok(|event| event.id).try_collect::<Vec<_>>()
    };
    let asked = |server: &Server| server.asked().into_iter().map(|asked| asked.line).collect::<Vec<_>>();
    assert_eq!(ids(9).await.expect("signed"), ["evt_3", "evt_2", "evt_1"]);
    let first = "GET /v1/merchant/events?limit=100&delivered=false HTTP/1.1";
    let second = "GET /v1/merchant/events?limit=100&delivered=false&after=evt_2 HTTP/1.1";
    assert_eq!(asked(&server), [first, second]);
    server.forget();
    assert_eq!(ids(2).await.expect("signed").len(), 2);
    assert_eq!(asked(&server), [first], "nobody asked for the second page");
}

#[test]
fn every_code_that_the_client_knows_is_in_the_registry() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/errors.md");
    let registry = std::fs::read_to_string(file).expect("the page of errors");
    for code in Code::ALL {
        assert!(registry.contains(&format!("\n## {}\n", code.text())), "{}", code.text());
        assert_eq!(Code::of(code.text()), Some(*code));
    }
    assert_eq!(Code::of("a_code_of_tomorrow"), None);
}
