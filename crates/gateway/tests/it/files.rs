//! Statements, reconciliations and onboarding over HTTP: files that are sent and fetched, and who may.

use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::http_signature::RequestSignature;
use jialing_crypto::{SigningKey, Suite};
use jialing_gateway::OperatorKey;
use jialing_platform::{reconciliations, statements};
use reqwest::Method;
use serde_json::{Value, json};

use crate::citizen::Citizen;
use crate::city;
use crate::door::{Door, Heard, Street, hear, order_ask};
use crate::world::{World, on_each_backend};

const GUIDE: &str = include_str!("../../../../docs/guides/statements.md");

fn members(object: &Value) -> Vec<String> {
    let mut names: Vec<String> = object.as_object().expect("an object").keys().cloned().collect();
    names.sort();
    names
}

fn shown(mark: &str) -> Vec<String> {
    let (_, rest) = GUIDE.split_once(mark).unwrap_or_else(|| panic!("the guide has {mark}"));
    let body = rest.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
    members(&serde_json::from_str(body.expect("a body is shown")).expect("the guide shows JSON"))
}

fn promise(bytes: &[u8]) -> Value {
    json!({ "bytes": bytes.len(), "sha256": hex(&HashAlgorithm::Sha256.digest(bytes)) })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The path of an address that an answer names.
fn path(url: &str) -> String {
    let (_, rest) = url.split_once("/v1/").expect("an address of ours");
    format!("/v1/{rest}")
}

async fn put(door: &Door, url: &str, bytes: &[u8]) -> Heard {
    hear(door.request(Method::PUT, &path(url)).body(bytes.to_vec())).await
}

/// A street where 28.00 were paid yesterday.
async fn yesterday(world: &World) -> (Street, Door, String) {
    let street = Street::build(world).await;
    let door = Door::open(world).await;
    let day = jialing_platform::clock::rfc3339(world.clock.millis())[..10].to_owned();
    let ask = order_ask("20261122-7", 2_800);
    let order = door.merchant(&street.server, Method::POST, "/v1/merchant/orders", Some(&ask)).await;
    let order = serde_json::from_value(order.went_well().body.clone()).expect("an order");
    door.pay(world, &street.payer, street.wallet, &order).await.went_well();
    world.clock.advance(86_400_000);
    (street, door, day)
}

async fn make(world: &World) {
    while jialing_platform::exports::work::make_next_statement(&world.app).await.expect("made") {}
    statements::work::advance(&world.app).await.expect("told");
    while reconciliations::work::make_next(&world.app).await.expect("made") {}
}

#[test]
fn a_statement_is_told_by_its_hashes_and_fetched_by_a_link_without_a_signature() {
    on_each_backend(async |world: &mut World| {
        let (street, door, day) = yesterday(world).await;
        let ask = json!({ "day": day, "kind": "trades" });
        let call = async |method: Method, target: &str, ask: Option<&Value>| {
            door.merchant(&street.server, method, target, ask).await
        };
        let asked = call(Method::POST, "/v1/merchant/statements", Some(&ask)).await;
        assert_eq!((asked.status, asked.text("state")), (202, "MAKING".into()), "{}", asked.body);
        make(world).await;
        let ready = call(Method::POST, "/v1/merchant/statements", Some(&ask)).await;
        assert_eq!((ready.status, ready.text("state")), (200, "READY".into()), "{}", ready.body);
        assert_eq!(members(&ready.body), shown("## Daily statements for merchants"), "{}", ready.body);
        let url = ready.body["download"]["url"].as_str().expect("a link").to_owned();
        let file = hear(door.request(Method::GET, &path(&url))).await;
        assert_eq!(
            (file.status, &file.headers["content-type"]),
            (200, &"application/gzip".parse().expect("text"))
        );
        assert_eq!(ready.text("sha256"), hex(&HashAlgorithm::Sha256.digest(&file.bytes)));
        assert_eq!(ready.text("sm3"), hex(&HashAlgorithm::Sm3.digest(&file.bytes)));
        let part = hear(door.request(Method::GET, &path(&url)).header("range", "bytes=2-")).await;
        assert_eq!((part.status, part.bytes.as_slice()), (206, &file.bytes[2..]));
        hear(door.request(Method::GET, "/v1/public/downloads/AAAA")).await.is("not_found");
        world.clock.advance(301_000);
        hear(door.request(Method::GET, &path(&url))).await.is("not_found");
        let one = format!("/v1/merchant/statements/{}", ready.text("id"));
        let again = call(Method::GET, &one, None).await;
        let fresh = again.body["download"]["url"].as_str().expect("a fresh link");
        assert_eq!(hear(door.request(Method::GET, &path(fresh))).await.bytes, file.bytes);
        let listed = call(Method::GET, &format!("/v1/merchant/statements?day={day}"), None).await;
        assert_eq!(listed.body["items"].as_array().map(Vec::len), Some(1));
        let today = jialing_platform::clock::rfc3339(world.clock.millis())[..10].to_owned();
        let ask = json!({ "day": today, "kind": "funds" });
        call(Method::POST, "/v1/merchant/statements", Some(&ask)).await.names("invalid_request", "day");
    });
}

#[test]
fn a_large_file_is_sent_compared_and_its_cases_ended() {
    on_each_backend(async |world: &mut World| {
        let (street, door, day) = yesterday(world).await;
        let call = async |method: Method, target: &str, ask: Option<&Value>| {
            let bytes = ask.map(|ask| serde_json::to_vec(ask).expect("JSON")).unwrap_or_default();
            let signature = street.server.sign(method.as_str(), target, &bytes);
            let request = door.request(method, target).header("Authorization", signature.to_header());
            let request = request.header("Content-Type", "application/json").header("Idempotency-Key", "r-1");
            hear(request.body(bytes)).await
        };
        let mut text = String::from("out_no,amount\n20261122-7,28.00\n");
        for n in 0..10_000 {
            text += &format!("unknown-{n},1.00\n");
        }
        assert!(text.len() > 128 << 10, "larger than any other body may be");
        let ask = json!({ "day": day, "file": promise(text.as_bytes()) });
        let begun = call(Method::POST, "/v1/merchant/reconciliations", Some(&ask)).await;
        assert_eq!((begun.status, begun.text("state")), (202, "AWAITING_FILE".into()), "{}", begun.body);
        let url = begun.body["upload"]["url"].as_str().expect("an address").to_owned();
        put(&door, &url, b"another file").await.is("invalid_request");
        put(&door, &url, &[text.as_bytes(), b"x"].concat()).await.is("body_too_large");
        put(&door, "http://x/v1/public/uploads/AAAA", text.as_bytes()).await.is("not_found");
        assert_eq!(put(&door, &url, text.as_bytes()).await.status, 204);
        put(&door, &url, text.as_bytes()).await.is("state_conflict");
        make(world).await;
        let one = format!("/v1/merchant/reconciliations/{}", begun.text("id"));
        let done = call(Method::GET, &one, None).await;
        assert_eq!((&done.body["counts"]["same"], &done.body["counts"]["less"]), (&json!(1), &json!(10_000)));
        let file = call(Method::GET, &format!("{one}/file"), None).await;
        assert_eq!(done.body["result"]["sha256"], hex(&HashAlgorithm::Sha256.digest(&file.bytes)));
        let listed = call(Method::GET, "/v1/merchant/cases?state=OPEN&outcome=LESS&limit=100", None).await;
        assert_eq!(
            (listed.body["items"].as_array().map(Vec::len), &listed.body["has_more"]),
            (Some(100), &json!(true))
        );
        let case = format!("/v1/merchant/cases/{}", listed.body["items"][0]["id"].as_str().expect("an id"));
        let note = json!({ "note": "a test of ours" });
        let explained = call(Method::POST, &format!("{case}/explain"), Some(&note)).await;
        assert_eq!(explained.text("state"), "EXPLAINED", "{}", explained.body);
        let resolved = call(Method::POST, &format!("{case}/resolve"), Some(&note)).await;
        assert_eq!(resolved.text("state"), "RESOLVED");
        assert_eq!(call(Method::GET, &case, None).await.body, resolved.body);
        let listed = call(Method::GET, "/v1/merchant/reconciliations", None).await;
        assert_eq!(listed.body["items"].as_array().map(Vec::len), Some(1));
        let source = "/v1/merchant/reconciliation-source";
        call(Method::PUT, source, Some(&json!({ "url": "https://10.0.0.1/{day}" })))
            .await
            .names("invalid_request", "url");
        let set =
            call(Method::PUT, source, Some(&json!({ "url": "https://shop.example/{day}.csv?key=s" }))).await;
        assert_eq!(set.went_well().text("host"), "shop.example");
        assert_eq!(call(Method::GET, source, None).await.body, set.body);
        assert_eq!(call(Method::DELETE, source, None).await.status, 204);
        call(Method::GET, source, None).await.is("not_found");
    });
}

#[test]
fn a_file_that_stops_coming_is_given_up_and_only_so_many_come_at_once() {
    on_each_backend(async |world: &mut World| {
        let (street, _door, day) = yesterday(world).await;
        let door = Door::with(world, |config| {
            config.limits.body_seconds = 1;
            config.limits.uploads = 1;
        })
        .await;
        let ask = serde_json::to_vec(&json!({ "day": day, "file": promise(&[b'x'; 100]) })).expect("JSON");
        let signature = street.server.sign("POST", "/v1/merchant/reconciliations", &ask);
        let request = door.request(Method::POST, "/v1/merchant/reconciliations").body(ask);
        let request = request.header("Authorization", signature.to_header()).header("Idempotency-Key", "r-1");
        let begun = hear(request.header("Content-Type", "application/json")).await;
        let url = path(begun.went_well().body["upload"]["url"].as_str().expect("an address"));
        let address = door.running.address;
        let open = async || {
            let mut socket = tokio::net::TcpStream::connect(address).await.expect("connected");
            let head = format!("PUT {url} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nxxxx");
            tokio::io::AsyncWriteExt::write_all(&mut socket, head.as_bytes()).await.expect("sent");
            let mut answer = vec![0; 64];
            let count = tokio::io::AsyncReadExt::read(&mut socket, &mut answer).await.expect("an answer");
            String::from_utf8_lossy(&answer[..count]).lines().next().unwrap_or_default().to_owned()
        };
        let mut both = <[String; 2]>::from(tokio::join!(open(), open()));
        both.sort();
        assert_eq!(both, ["HTTP/1.1 408 Request Timeout", "HTTP/1.1 503 Service Unavailable"]);
    });
}

/// A signed request of an operator.
pub async fn operate(
    world: &World,
    door: &Door,
    (name, key): (&str, &SigningKey),
    method: Method,
    target: &str,
    body: Option<&Value>,
) -> Heard {
    let bytes = body.map(|body| serde_json::to_vec(body).expect("JSON")).unwrap_or_default();
    let seconds = world.clock.millis() / 1000;
    let signature = RequestSignature::sign(key, name, method.as_str(), target, &bytes, seconds);
    let request = door.request(method, target).header("Authorization", signature.to_header());
    hear(request.header("Content-Type", "application/json").body(bytes)).await
}

#[test]
fn an_application_is_reviewed_by_two_operators_and_nobody_else_gets_in() {
    on_each_backend(async |world: &mut World| {
        city::found(world).await;
        let (li, zhao) = (SigningKey::generate(Suite::Ed25519), SigningKey::generate(Suite::Sm2Sm3));
        let door = Door::with(world, |config| {
            config.operators = [("li.ming", &li), ("zhao.wei", &zhao)]
                .map(|(name, key)| OperatorKey { name: name.into(), key: key.public().clone() })
                .into();
        })
        .await;
        let owner = Citizen::identified(world, 1, "王掌柜").await;
        let eve = Citizen::identified(world, 2, "伊芙").await;
        let organisation = json!({ "name": "磁器口麻花有限公司", "licence": city::licence(1) });
        let organisation =
            door.person(&owner, Method::POST, "/v1/wallet/organisations", Some(&organisation)).await;
        let guide = include_str!("../../../../docs/guides/onboarding.md");
        let business = guide.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
        let business: Value = serde_json::from_str(business.expect("a body is shown")).expect("JSON");
        let ask = json!({
            "organisation_id": organisation.text("organisation_id"), "kind": "MERCHANT", "business": business,
        });
        let begun = door.keyed(&owner, "/v1/wallet/applications", "a-1", &ask).await;
        assert_eq!((begun.status, begun.text("state")), (201, "DRAFT".into()), "{}", begun.body);
        let mine = format!("/v1/wallet/applications/{}", begun.text("id"));
        let pdf = b"%PDF-1.7 a licence";
        let mut document = String::new();
        for kind in ["LICENCE", "LEGAL_REPRESENTATIVE", "PREMISES"] {
            let ask = json!({ "kind": kind, "content_type": "application/pdf", "file": promise(pdf) });
            let promised = door.keyed(&owner, &format!("{mine}/documents"), kind, &ask).await;
            let url = promised.went_well().body["upload"]["url"].as_str().expect("an address").to_owned();
            assert_eq!(put(&door, &url, pdf).await.status, 204);
            document = promised.text("id");
        }
        door.person(&eve, Method::POST, &format!("{mine}/submit"), None).await.is("not_found");
        door.person(&eve, Method::GET, &mine, None).await.is("not_found");
        door.person(&owner, Method::POST, &format!("{mine}/submit"), None).await.went_well();
        let desk = format!("/v1/operator/applications/{}", begun.text("id"));
        let as_li = async |method: Method, target: &str, body: Option<&Value>| {
            operate(world, &door, ("li.ming", &li), method, target, body).await
        };
        // A stranger's key, another's name, and a person's session get nowhere.
        let strange = SigningKey::generate(Suite::Ed25519);
        operate(world, &door, ("li.ming", &strange), Method::GET, &desk, None).await.is("key_unknown");
        operate(world, &door, ("zhao.wei", &li), Method::GET, &desk, None).await.is("key_unknown");
        door.person(&owner, Method::GET, &desk, None).await.is("signature_missing");
        let waiting = as_li(Method::GET, "/v1/operator/applications?state=SUBMITTED", None).await;
        assert_eq!(waiting.body["items"].as_array().map(Vec::len), Some(1), "{}", waiting.body);
        as_li(Method::POST, &format!("{desk}/take"), None).await.went_well();
        let file = as_li(Method::GET, &format!("{desk}/documents/{document}/file"), None).await;
        assert_eq!(file.bytes, pdf);
        let wrong = json!({ "corrections": [{ "field": "state", "note": "x" }] });
        as_li(Method::POST, &format!("{desk}/return"), Some(&wrong)).await.is("invalid_request");
        let right = json!({ "corrections": [{ "field": "mcc", "note": "5462" }] });
        as_li(Method::POST, &format!("{desk}/return"), Some(&right)).await.went_well();
        let returned = door.person(&owner, Method::GET, &mine, None).await;
        assert_eq!(returned.body["corrections"], right["corrections"]);
        door.person(&owner, Method::PUT, &mine, Some(&business)).await.went_well();
        door.person(&owner, Method::POST, &format!("{mine}/submit"), None).await.went_well();
        as_li(Method::POST, &format!("{desk}/take"), None).await.went_well();
        for _ in 0..2 {
            let once = as_li(Method::POST, &format!("{desk}/approve"), None).await;
            assert_eq!((once.text("state"), &once.body["approvals"]), ("IN_REVIEW".into(), &json!(1)));
        }
        let twice =
            operate(world, &door, ("zhao.wei", &zhao), Method::POST, &format!("{desk}/approve"), None).await;
        assert_eq!(twice.text("state"), "AGREEMENT_PENDING", "{}", twice.body);
        let version = &twice.body["agreement"]["version"];
        let text = door.person(&owner, Method::GET, &format!("/v1/wallet/agreements/{version}"), None).await;
        assert_eq!(text.body["sha256"], twice.body["agreement"]["sha256"]);
        for version in [0, -1, i64::MIN, i64::MAX] {
            let none = format!("/v1/wallet/agreements/{version}");
            door.person(&owner, Method::GET, &none, None).await.is("not_found");
        }
        let report = json!({ "sha256": "ab".repeat(32), "suite": "jialing-conformance/1" });
        let kept = as_li(Method::POST, &format!("{desk}/conformance"), Some(&report)).await;
        assert_eq!(kept.body["conformance"]["sha256"], report["sha256"]);
        let no = json!({ "reason": "too late" });
        as_li(Method::POST, &format!("{desk}/refuse"), Some(&no)).await.is("state_conflict");
    });
}
