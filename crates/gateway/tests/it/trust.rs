//! What a key may do, from where, how often, and the second form of signatures.

use jialing_crypto::message_signature::{Message, Signed, content_digest};
use jialing_crypto::{SigningKey, Suite, random};
use jialing_gateway::Rate;
use jialing_platform::merchants::{self, KeyAsk, WARNINGS, warn_of_ending_keys};
use jialing_platform::outbox::{self, EventType, EventsAsk};
use reqwest::Method;
use serde_json::json;

use crate::door::{Door, Heard, Server, Street, hear, order_ask};
use crate::world::{World, on_each_backend};

const ECHO: &str = "/v1/merchant/security/echo";
const ORDERS: &str = "/v1/merchant/orders";
const DAY_MS: i64 = 86_400_000;

/// A server of the shop's with a key on these terms.
async fn server(world: &World, street: &Street, suite: Suite, terms: KeyAsk) -> Server {
    let key = SigningKey::generate(suite);
    let ask = KeyAsk { public_key: key.public().to_pem(), ..terms };
    merchants::register_key(&world.app, &street.shop.owner.actor, street.shop.id, ask)
        .await
        .expect("registered");
    Server { merchant: street.shop.id, key, clock: world.clock.clone() }
}

#[test]
fn a_key_with_scopes_does_what_they_say_and_nothing_else() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let scopes = Some(vec!["orders:write".to_owned(), "refunds:read".to_owned()]);
        let till = server(world, &street, Suite::Ed25519, KeyAsk { scopes, ..KeyAsk::default() }).await;
        let call = async |method: Method, target: &str| door.merchant(&till, method, target, None).await;
        door.merchant(&till, Method::POST, ORDERS, Some(&order_ask("A1", 100))).await.went_well();
        call(Method::GET, ORDERS).await.went_well();
        call(Method::GET, "/v1/merchant/refunds").await.went_well();
        call(Method::POST, ECHO).await.went_well();
        for (method, target, needed) in [
            (Method::POST, "/v1/merchant/refunds", "refunds:write"),
            (Method::GET, "/v1/merchant/events", "events:read"),
            (Method::POST, "/v1/merchant/api-keys", "webhooks:write"),
            (Method::GET, "/v1/merchant/balance", "statements:read"),
        ] {
            let refused = call(method, target).await;
            refused.is("scope_missing");
            assert_eq!(refused.text("needed"), needed);
        }
        let shown = call(Method::GET, "/v1/merchant/security/keys").await;
        let mine =
            shown.body.as_array().expect("keys").iter().find(|key| key["serial"] == till.key.public().id());
        assert_eq!(mine.expect("its own")["scopes"], json!(["orders:write", "refunds:read"]));
    });
}

#[test]
fn a_key_for_certain_addresses_works_from_nowhere_else() {
    on_each_backend(async |world| {
        let street = Street::build(world).await;
        let door = Door::with(world, |config| config.trusted_proxies = 1).await;
        let addresses = Some(vec!["203.0.113.0/24".to_owned(), "2001:db8::/32".to_owned()]);
        let terms = KeyAsk { addresses, ..KeyAsk::default() };
        let office = server(world, &street, Suite::Ed25519, terms).await;
        let from = async |address: &str| {
            let signature = office.sign("POST", ECHO, b"").to_header();
            let request = door.request(Method::POST, ECHO).header("Authorization", signature);
            hear(request.header("X-Forwarded-For", address)).await
        };
        from("203.0.113.9").await.went_well();
        from("2001:db8:1::9").await.went_well();
        from("203.0.114.9").await.is("address_not_allowed");
        from("127.0.0.1").await.is("address_not_allowed");
        from("nonsense").await.is("address_not_allowed");
    });
}

#[test]
fn a_replaced_key_ends_after_the_overlap_and_a_later_one_begins_at_its_time() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let old = &street.server;
        let echo = async |server: &Server| door.merchant(server, Method::POST, ECHO, None).await;
        let now = world.clock.millis();
        let terms = KeyAsk {
            valid_from: Some(jialing_platform::clock::rfc3339(now + 3_600_000)),
            replaces: Some(old.key.public().id().to_owned()),
            overlap_hours: Some(2),
            ..KeyAsk::default()
        };
        let new = server(world, &street, Suite::Sm2Sm3, terms).await;
        let early = new.sign("POST", ECHO, b"");
        door.with_signature(&early, Method::POST, ECHO, Vec::new()).await.is("key_unknown");
        assert!(echo(old).await.headers.get("jialing-key-expires").is_some(), "its end is near");
        world.clock.advance(3_601_000);
        echo(&new).await.went_well();
        echo(old).await.went_well();
        world.clock.advance(2 * 3_600_000);
        let late = old.sign("POST", ECHO, b"");
        door.with_signature(&late, Method::POST, ECHO, Vec::new()).await.is("key_unknown");
        assert!(echo(&new).await.headers.get("jialing-key-expires").is_none());

        let owner = &street.shop.owner.actor;
        let pem = || SigningKey::generate(Suite::Ed25519).public().to_pem();
        let far = jialing_platform::clock::rfc3339(world.clock.millis() + 91 * DAY_MS);
        for (terms, field) in [
            (KeyAsk { valid_from: Some("soon".into()), ..KeyAsk::default() }, "valid_from"),
            (KeyAsk { valid_from: Some(far), ..KeyAsk::default() }, "valid_from"),
            (KeyAsk { replaces: Some("0011223344556677".into()), ..KeyAsk::default() }, "replaces"),
            (KeyAsk { overlap_hours: Some(1), ..KeyAsk::default() }, "overlap_hours"),
            (KeyAsk { scopes: Some(vec!["money:write".into()]), ..KeyAsk::default() }, "scopes"),
            (KeyAsk { scopes: Some(Vec::new()), ..KeyAsk::default() }, "scopes"),
            (KeyAsk { addresses: Some(vec!["1.2.3.4/40".into()]), ..KeyAsk::default() }, "addresses"),
        ] {
            let ask = KeyAsk { public_key: pem(), ..terms };
            let refused = merchants::register_key(&world.app, owner, street.shop.id, ask).await;
            assert_eq!(refused.expect_err(field).field.as_deref(), Some(field));
        }
    });
}

#[test]
fn a_merchant_is_warned_of_a_key_s_end_three_times() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let terms = KeyAsk { valid_days: Some(40), ..KeyAsk::default() };
        let short = server(world, &street, Suite::Ed25519, terms).await;
        let warned = async || warn_of_ending_keys(&world.app).await.expect("warned");
        let header = async || {
            let heard = door.merchant(&short, Method::POST, ECHO, None).await;
            heard.headers.get("jialing-key-expires").is_some()
        };
        assert_eq!((warned().await, header().await), (0, false));
        world.clock.advance(9 * DAY_MS + 1_000);
        assert_eq!((warned().await, header().await), (0, false));
        for (left, before) in [(30, 31), (7, 30), (1, 7)] {
            world.clock.advance((before - left) * DAY_MS);
            assert_eq!((warned().await, warned().await), (1, 0), "{left} days before, once");
            assert!(header().await);
        }
        assert_eq!(WARNINGS, [30, 7, 1]);
        let told = outbox::list(&world.app, street.shop.id, EventsAsk::default()).await.expect("own events");
        let days: Vec<i64> = told
            .items
            .iter()
            .filter(|event| event.event == EventType::KeyExpiring)
            .filter_map(|event| event.resource["days"].as_i64())
            .collect();
        assert_eq!(days, [1, 7, 30]);
        assert!(told.items.windows(2).all(|two| two[0].object_version > two[1].object_version));
        let owner = &street.shop.owner.actor;
        let page = jialing_platform::PageAsk::default();
        let notices = jialing_platform::notices::list(&world.app, owner, &page).await.expect("own notices");
        assert_eq!(notices.items.iter().filter(|one| one.code.text() == "KEY_EXPIRING").count(), 3);
    });
}

#[test]
fn every_answer_says_how_full_the_buckets_are() {
    on_each_backend(async |world| {
        let street = Street::build(world).await;
        let door = Door::with(world, |config| {
            config.limits.key = Rate { burst: 50, per_minute: 1 };
            config.limits.heavy = Rate { burst: 1, per_minute: 1 };
        })
        .await;
        let call = async |method: Method, target: &str| {
            let signature = street.server.sign(method.as_str(), target, b"{}");
            door.with_signature(&signature, method, target, b"{}".to_vec()).await
        };
        let left = |heard: &Heard| heard.headers["ratelimit"].to_str().expect("ASCII").to_owned();
        let first = call(Method::POST, ECHO).await;
        assert_eq!(first.headers["ratelimit-policy"], "\"key\";q=50;w=3000");
        assert_eq!(left(&first), "\"key\";r=49;t=60");
        assert_eq!(left(&call(Method::POST, ECHO).await), "\"key\";r=48;t=120");

        let target = "/v1/merchant/events/redeliver";
        let heavy = call(Method::POST, target).await;
        heavy.went_well();
        assert_eq!(left(&heavy), "\"key\";r=47;t=180, \"heavy\";r=0;t=60");
        let refused = call(Method::POST, target).await;
        refused.is("rate_limited");
        assert_eq!(
            (&refused.body["bucket"]["name"], left(&refused)),
            (&json!("heavy"), "\"key\";r=46;t=240, \"heavy\";r=0;t=60".into())
        );
        door.check_signed(&refused);
        call(Method::POST, ECHO).await.went_well();
        let public = door.get("/v1/public/keys").await;
        assert!(left(&public).starts_with("\"public\";r="));
        let me = door.person(&street.shop.owner, Method::GET, "/v1/wallet/merchants", None).await;
        assert!(left(&me).starts_with("\"session\";r="));
    });
}

/// The headers of a message signature over these components.
struct Headers {
    input: String,
    signature: String,
    digest: Option<String>,
}

struct How<'a> {
    covered: &'a str,
    created: i64,
    alg: Option<&'a str>,
}

fn message(door: &Door, server: &Server, method: &str, target: &str, body: &[u8], how: &How<'_>) -> Headers {
    let digest = (!body.is_empty()).then(|| content_digest(body));
    let alg = how.alg.map(|alg| format!(";alg=\"{alg}\"")).unwrap_or_default();
    let parameters = format!(
        ";created={};keyid=\"{}/{}\";nonce=\"{}\"{alg}",
        how.created,
        server.merchant,
        server.key.public().id(),
        random::nonce(),
    );
    let input = format!("sig1=({}){parameters}", how.covered);
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let field =
        |name: &str| (name == "content-digest").then(|| digest.clone().map(|one| vec![one])).flatten();
    let authority = door.base.trim_start_matches("http://");
    let request = Signed { method, scheme: "http", authority, path, query, field: &field, body };
    let draft = Message::parse(&input, "sig1=::").expect("well-formed");
    let base = draft.base(&request).expect("every component is there");
    use base64::Engine;
    let signature = base64::engine::general_purpose::STANDARD.encode(server.key.sign(base.as_bytes()));
    Headers { input, signature: format!("sig1=:{signature}:"), digest }
}

async fn send(door: &Door, method: Method, target: &str, body: &[u8], headers: &Headers) -> Heard {
    let mut request = door
        .request(method, target)
        .header("Signature-Input", &headers.input)
        .header("Signature", &headers.signature)
        .header("Content-Type", "application/json");
    if let Some(digest) = &headers.digest {
        request = request.header("Content-Digest", digest);
    }
    hear(request.body(body.to_vec())).await
}

#[test]
fn http_message_signatures_open_the_same_doors() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let created = world.clock.millis() / 1_000;
        let all = "\"@method\" \"@path\" \"@query\" \"@authority\" \"content-digest\"";
        for (suite, alg) in [
            (Suite::Ed25519, Some("ed25519")),
            (Suite::RsaSha256, Some("rsa-v1_5-sha256")),
            (Suite::Sm2Sm3, None),
        ] {
            let server = server(world, &street, suite, KeyAsk::default()).await;
            let how = How { covered: all, created, alg };
            let headers = message(&door, &server, "POST", ECHO, b"{}", &how);
            let heard = send(&door, Method::POST, ECHO, b"{}", &headers).await;
            heard.went_well();
            door.check_signed(&heard);
            assert_eq!(heard.text("form"), "RFC9421");
            assert_eq!(
                heard.body["covered"],
                json!(["@method", "@path", "@query", "@authority", "content-digest"])
            );
            send(&door, Method::POST, ECHO, b"{}", &headers).await.is("nonce_reused");
        }
        let ours = door.merchant(&street.server, Method::POST, ECHO, None).await;
        assert_eq!((ours.text("form"), &ours.body["covered"][4]), ("JIALING1".into(), &json!("body")));
    });
}

#[test]
fn a_message_signature_that_does_not_fit_says_why() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let server = &street.server;
        let created = world.clock.millis() / 1_000;
        let both = How { covered: "\"@method\" \"@path\"", created, alg: None };
        let check = |heard: &Heard, code: &str, part: &str| {
            heard.is(code);
            assert!(heard.text("detail").contains(part), "{}", heard.body);
        };
        let list =
            async |headers: &Headers, target: &str| send(&door, Method::GET, target, b"", headers).await;
        let fresh = |how: &How<'_>| message(&door, server, "GET", ORDERS, b"", how);
        list(&fresh(&both), ORDERS).await.went_well();
        check(&list(&fresh(&both), "/v1/merchant/orders?limit=1").await, "signature_invalid", "\"@query\"");
        let moved = list(&fresh(&both), "/v1/merchant/refunds").await;
        moved.is("signature_invalid");
        assert!(
            moved.body["verified"]["text"]
                .as_str()
                .is_some_and(|base| base.starts_with("\"@method\": GET\n\"@path\": /v1/merchant/refunds\n")),
            "{}",
            moved.body
        );
        check(
            &list(&fresh(&How { alg: Some("hmac-sha256"), ..both }), ORDERS).await,
            "signature_suite_mismatch",
            "ed25519",
        );
        list(&fresh(&How { created: created - 400, ..both }), ORDERS).await.is("timestamp_out_of_window");
        let mut expired = fresh(&both);
        expired.input = expired.input.replace(";keyid", &format!(";expires={};keyid", created - 10));
        list(&expired, ORDERS).await.is("timestamp_out_of_window");
        let mut no_nonce = fresh(&both);
        no_nonce.input = no_nonce.input.split(";nonce").next().expect("a beginning").to_owned();
        check(&list(&no_nonce, ORDERS).await, "signature_invalid", "nonce");
        let mut nobody = fresh(&both);
        nobody.input = nobody.input.replace("mch_", "mch-");
        list(&nobody, ORDERS).await.is("key_unknown");
        let mut bare = fresh(&both);
        bare.input = bare.input.replace(&format!("{}/", street.shop.id), "");
        check(&list(&bare, ORDERS).await, "signature_invalid", "keyid");

        let with_body = How { covered: "\"@method\" \"@path\" \"content-digest\"", ..both };
        let body = serde_json::to_vec(&order_ask("A1", 100)).expect("JSON");
        let uncovered = message(&door, server, "POST", ORDERS, &body, &both);
        check(
            &send(&door, Method::POST, ORDERS, &body, &uncovered).await,
            "signature_invalid",
            "content-digest",
        );
        let covered = message(&door, server, "POST", ORDERS, &body, &with_body);
        let other = serde_json::to_vec(&order_ask("A1", 1)).expect("JSON");
        check(
            &send(&door, Method::POST, ORDERS, &other, &covered).await,
            "signature_invalid",
            "Content-Digest",
        );
        send(&door, Method::POST, ORDERS, &body, &covered).await.went_well();
        let lone = hear(door.request(Method::GET, ORDERS).header("Signature-Input", "sig1=()")).await;
        check(&lone, "signature_invalid", "Signature");
        let twice = door
            .request(Method::GET, ORDERS)
            .header("Authorization", server.sign("GET", ORDERS, b"").to_header())
            .header("Signature-Input", &fresh(&both).input);
        check(&hear(twice).await, "signature_invalid", "one form");
    });
}

#[test]
fn the_sandbox_names_the_usual_mistakes() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let target = "/v1/merchant/orders?limit=5";
        let hinted = async |change: &dyn Fn(&str, &str) -> Vec<u8>, body: &[u8]| {
            let mut signature = street.server.sign("GET", target, body);
            let whole = String::from_utf8(signature.signed_text("GET", target, body)).expect("UTF-8");
            let text = change(&whole, target);
            signature.signature = street.server.key.sign(&text);
            let heard = door.with_signature(&signature, Method::GET, target, body.to_vec()).await;
            heard.is("signature_invalid");
            heard.body["hint"].as_str().unwrap_or("none").to_owned()
        };
        for (change, part) in [
            (
                &(|whole: &str, _: &str| whole.trim_end().into()) as &dyn Fn(&str, &str) -> Vec<u8>,
                "last line feed",
            ),
            (&|whole, target| whole.replace(target, ORDERS).into(), "without its query"),
            (&|whole, _| whole.replace("{}", "").into(), "without the body"),
            (&|whole, _| whole.replace("{}", "{}\n").into(), "behind the body was signed"),
            (&|whole, _| whole.replace("GET", "get").into(), "lower case"),
            (&|whole, _| whole.replace("GET\n", "").into(), "method was left out"),
            (&|whole, _| whole.replace("limit", "LIMIT").into(), "none"),
        ] {
            let hint = hinted(change, b"{}").await;
            assert!(hint.contains(part), "{part}: {hint}");
        }
        let trimmed = hinted(&|whole, _| whole.replace("{} \n", "{}\n").into(), b"{} ").await;
        assert!(trimmed.contains("White space"), "{trimmed}");
    });
}
