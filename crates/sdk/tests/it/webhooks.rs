//! `tests/vectors/webhooks.json`: deliveries as the platform makes them, and ones to refuse. Every client is
//! tested with it; `UPDATE=1` makes it anew, with the keys of `signatures.json`.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::http_signature::CallbackSignature;
use jialing_crypto::parcel::Parcel;
use jialing_crypto::seal::{SealAlgorithm, SealKey};
use jialing_crypto::{PublicKey, SigningKey, Suite};
use jialing_sdk::webhook::{BadSecret, Newest, Receiver, sign_standard, sign_standard_asymmetric};
use serde_json::{Map, Value, json};

const NOW: i64 = 1_795_320_000;
const EVENT: &str = "evt_06f3k1v8q0m2r4t6w8y0a2c4e0";
const OTHER_EVENT: &str = "evt_06f3k1v8q0m2r4t6w8y0a2c4e1";
const SECRET: &[u8; 32] = b"a secret of an endpoint, 32 byte";
const FORMER: &[u8; 32] = b"its former secret, also 32 bytes";
/// The merchant's API keys, the older of SM4: their ids, ciphers and bytes.
const API_KEYS: [(&str, SealAlgorithm, &[u8]); 2] = [
    ("apk_06f3k1v8q0m2r4t6w8y0a2c4e1", SealAlgorithm::Aes256Gcm, b"an API key of a merchant of 32 b"),
    ("apk_06f3k1v8q0m2r4t6w8y0a2c4e0", SealAlgorithm::Sm4Gcm, b"and one of 16 by"),
];
const SUITES: [Suite; 3] = [Suite::Ed25519, Suite::Sm2Sm3, Suite::RsaSha256];

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name)
}

fn read(name: &str) -> Value {
    let text = std::fs::read(file(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_slice(&text).expect("JSON")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn secret(bytes: &[u8]) -> String {
    format!("whsec_{}", STANDARD.encode(bytes))
}

fn order() -> Value {
    json!({
        "id": "ord_06f3k1v8q0m2r4t6w8y0a2c4e0", "merchant_id": "mch_06f3k1v8q0m2r4t6w8y0a2c4e0",
        "out_trade_no": "T20261122-0001", "trade_type": "QR", "state": "SUCCESS", "description": "麻花两斤 🥨",
        "amount": { "amount": 1250, "currency": "CNY" }, "refund_state": "NONE",
        "refunded": { "amount": 0, "currency": "CNY" }, "refunding": { "amount": 0, "currency": "CNY" },
        "created_at": "2026-11-22T11:59:40.000+08:00", "paid_at": "2026-11-22T11:59:59.123+08:00",
        "expires_at": "2026-11-22T12:19:40.000+08:00", "transaction_id": "txn_06f3k1v8q0m2r4t6w8y0a2c4e0", "version": 3
    })
}

/// The order, sealed under the merchant's key of this cipher for the event `sealed_for`.
fn sealed(algorithm: SealAlgorithm, sealed_for: &str) -> Parcel {
    let (id, _, bytes) = API_KEYS.into_iter().find(|(_, known, _)| *known == algorithm).expect("a key");
    sealed_under(SealKey::new(0, algorithm, bytes).expect("a key"), id, sealed_for)
}

fn sealed_under(key: SealKey, id: &str, sealed_for: &str) -> Parcel {
    Parcel::seal(&key, id, sealed_for, order().to_string().as_bytes())
}

/// The envelope's bytes. Written by hand, because the order of members is part of what is signed.
fn envelope(resource: &Value) -> String {
    format!(
        r#"{{"id":"{EVENT}","type":"order.paid","created_at":"2026-11-22T11:59:59.123+08:00","api_version":"2026-11-22","object_version":3,"resource":{resource}}}"#
    )
}

type Headers = Map<String, Value>;

fn own(key: &SigningKey, body: &str, at: i64) -> Headers {
    CallbackSignature::sign(key, body.as_bytes(), at)
        .headers()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .into_iter()
        .collect()
}

fn standard(id: &str, at: i64, signatures: &[String]) -> Headers {
    [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ]
    .map(|(name, value)| (name.to_owned(), json!(value)))
    .into_iter()
    .collect()
}

fn v1(bytes: &[u8], body: &str, at: i64) -> String {
    sign_standard(&secret(bytes), EVENT, at, body.as_bytes()).expect("a secret")
}

fn v1a(key: &SigningKey, body: &str, at: i64) -> String {
    sign_standard_asymmetric(key, EVENT, at, body.as_bytes()).expect("an Ed25519 key")
}

fn delivery(name: &str, headers: Headers, body: &str) -> Value {
    json!({ "name": name, "headers": headers, "body": body })
}

fn both(mut one: Headers, other: Headers) -> Headers {
    one.extend(other);
    one
}

/// The platform's keys, by suite.
fn keys(signatures: &Value) -> [SigningKey; 3] {
    SUITES.map(|suite| {
        SigningKey::from_pkcs8_pem(text(&signatures["keys"][suite.wire_name()]["private_key"]))
            .expect("a key")
    })
}

fn made() -> Value {
    let signing = keys(&read("signatures.json"));
    let public = |key: &SigningKey| json!({ "serial_no": key.public().id(), "suite": key.suite(), "public_key": STANDARD.encode(key.public().spki_der()) });
    json!({
        "about": "What the platform sends to an endpoint: `headers` and the exact bytes of `body`. An endpoint has one secret, \
                  whsec_ and base64 of 32 bytes. Jialing-Signature covers TIMESTAMP LF NONCE LF BODY LF; webhook-signature covers \
                  ID.TIMESTAMP.BODY, v1 by HMAC-SHA-256 under the secret's bytes, v1a by the platform's Ed25519 key; the parts are \
                  separated by a space. `webhook-id` is the envelope's id. The resource is a parcel (parcels.json) under the \
                  merchant's API key that `key_id` names, with the event's id as associated data; a merchant without one gets \
                  {algorithm: NONE, href} instead. Of two secrets, one is being changed over to the other: a delivery then carries \
                  a v1 of each. An endpoint made for an order's notify_url has no secret: the platform's own form stands alone, \
                  beside v1a.",
        "now": NOW,
        "window_s": 300,
        "secrets": [secret(SECRET), secret(FORMER)],
        "api_keys": API_KEYS.map(|(id, algorithm, bytes)| json!({ "id": id, "algorithm": algorithm, "key": STANDARD.encode(bytes) })),
        "platform_keys": signing.iter().map(public).collect::<Vec<_>>(),
        "v1a_public_key": format!("whpk_{}", STANDARD.encode(signing[0].public().raw())),
        "event": {
            "id": EVENT, "type": "order.paid", "created_at": "2026-11-22T11:59:59.123+08:00", "api_version": "2026-11-22",
            "object_version": 3, "resource": order(),
        },
        "deliveries": deliveries(&signing),
        "refused": refused(&signing),
    })
}

fn deliveries(signing: &[SigningKey; 3]) -> Vec<Value> {
    let aes = envelope(&json!(sealed(SealAlgorithm::Aes256Gcm, EVENT)));
    let sm4 = envelope(&json!(sealed(SealAlgorithm::Sm4Gcm, EVENT)));
    let left = envelope(&json!({ "algorithm": "NONE", "href": format!("/v1/merchant/events/{EVENT}") }));
    let [ed25519, sm2, rsa] = signing;
    let whole = |key: &SigningKey, body: &str| {
        both(own(key, body, NOW), standard(EVENT, NOW, &[v1(SECRET, body, NOW), v1a(ed25519, body, NOW)]))
    };
    vec![
        delivery("as sent, Ed25519 and AES-256-GCM", whole(ed25519, &aes), &aes),
        delivery("as sent, SM2 and SM4-GCM", whole(sm2, &sm4), &sm4),
        delivery("as sent, RSA and AES-256-GCM", whole(rsa, &aes), &aes),
        delivery("the platform's own form alone", own(sm2, &aes, NOW), &aes),
        delivery("v1 alone", standard(EVENT, NOW, &[v1(SECRET, &aes, NOW)]), &aes),
        delivery("v1a alone", standard(EVENT, NOW, &[v1a(ed25519, &sm4, NOW)]), &sm4),
        delivery(
            "while the secret is changed over",
            standard(EVENT, NOW, &[v1(SECRET, &aes, NOW), v1(FORMER, &aes, NOW)]),
            &aes,
        ),
        delivery("under the former secret", standard(EVENT, NOW, &[v1(FORMER, &aes, NOW)]), &aes),
        delivery(
            "to an order's notify_url, which has no secret",
            both(own(rsa, &sm4, NOW), standard(EVENT, NOW, &[v1a(ed25519, &sm4, NOW)])),
            &sm4,
        ),
        {
            let mut one = delivery("to a merchant without an API key", whole(ed25519, &left), &left);
            one["href"] = json!(format!("/v1/merchant/events/{EVENT}"));
            one
        },
        delivery(
            "an unknown version beside a known one",
            standard(EVENT, NOW, &["v9,AAAA".to_owned(), v1(SECRET, &aes, NOW)]),
            &aes,
        ),
        delivery("as old as it may be", whole_at(ed25519, &aes, NOW - 300), &aes),
        delivery("as new as it may be", whole_at(ed25519, &aes, NOW + 300), &aes),
    ]
}

fn whole_at(ed25519: &SigningKey, body: &str, at: i64) -> Headers {
    both(own(ed25519, body, at), standard(EVENT, at, &[v1(SECRET, body, at)]))
}

fn refused(signing: &[SigningKey; 3]) -> Vec<Value> {
    let [ed25519, sm2, _] = signing;
    let body = envelope(&json!(sealed(SealAlgorithm::Aes256Gcm, EVENT)));
    let changed = body.replace("\"object_version\":3", "\"object_version\":4");
    let (good, v1_good) = (own(ed25519, &body, NOW), || v1(SECRET, &body, NOW));
    let stranger = SigningKey::generate(Suite::Ed25519);
    let refused = |why: &str, name: &str, headers: Headers, body: &str| {
        let mut one = delivery(name, headers, body);
        one["why"] = json!(why);
        one
    };
    let replaced = |name: &str, value: &str| {
        let mut headers = good.clone();
        headers.insert(name.to_owned(), json!(value));
        headers
    };
    let with = |change: &dyn Fn(&mut Parcel)| {
        let mut parcel = sealed(SealAlgorithm::Sm4Gcm, EVENT);
        change(&mut parcel);
        envelope(&json!(parcel))
    };
    let moved = envelope(&json!(sealed(SealAlgorithm::Aes256Gcm, OTHER_EVENT)));
    let relabelled = {
        let mut parcel = sealed(SealAlgorithm::Aes256Gcm, OTHER_EVENT);
        EVENT.clone_into(&mut parcel.associated_data);
        envelope(&json!(parcel))
    };
    let other_key = SealKey::generate(0, SealAlgorithm::Aes256Gcm);
    let strange = envelope(&json!(sealed_under(other_key, API_KEYS[0].0, EVENT)));
    let unknown = with(&|parcel| parcel.key_id = "apk_06f3k1v8q0m2r4t6w8y0a2c4e9".into());
    let crossed = with(&|parcel| parcel.key_id = API_KEYS[0].0.into());
    let bare = r#"{"id":"evt_06f3k1v8q0m2r4t6w8y0a2c4e0","type":"order.paid"}"#;
    let one_v1 = |body: &str| standard(EVENT, NOW, &[v1(SECRET, body, NOW)]);
    vec![
        refused("unsigned", "no signature", Headers::new(), &body),
        refused("bad_signature", "a changed body", both(good.clone(), one_v1(&body)), &changed),
        refused("bad_signature", "a changed body, the platform's own form", good.clone(), &changed),
        refused("bad_signature", "a changed body, v1", one_v1(&body), &changed),
        refused(
            "bad_signature",
            "one form good, the other false",
            both(good.clone(), one_v1(&changed)),
            &body,
        ),
        refused(
            "bad_signature",
            "the other form good, one false",
            both(replaced("jialing-nonce", "0123456789abcdef"), one_v1(&body)),
            &body,
        ),
        refused(
            "bad_signature",
            "another suite",
            replaced("jialing-signature-type", "SHA256-RSA2048"),
            &body,
        ),
        refused(
            "bad_signature",
            "no nonce",
            {
                let mut headers = good.clone();
                headers.remove("jialing-nonce");
                headers
            },
            &body,
        ),
        refused("unknown_key", "a key that is not the platform's", own(&stranger, &body, NOW), &body),
        refused(
            "bad_signature",
            "the serial of another key",
            replaced("jialing-serial", sm2.public().id()),
            &body,
        ),
        refused(
            "bad_signature",
            "another endpoint's secret",
            standard(EVENT, NOW, &[v1(&[7; 32], &body, NOW)]),
            &body,
        ),
        refused(
            "bad_signature",
            "v1a by a stranger",
            standard(EVENT, NOW, &[v1a(&stranger, &body, NOW)]),
            &body,
        ),
        refused("bad_signature", "another id", standard(OTHER_EVENT, NOW, &[v1_good()]), &body),
        refused("bad_signature", "another time", standard(EVENT, NOW + 1, &[v1_good()]), &body),
        refused(
            "bad_signature",
            "no id",
            {
                let mut headers = one_v1(&body);
                headers.remove("webhook-id");
                headers
            },
            &body,
        ),
        refused("stale", "too old", whole_at(ed25519, &body, NOW - 301), &body),
        refused("stale", "too new", whole_at(ed25519, &body, NOW + 301), &body),
        refused("stale", "too old, v1", standard(EVENT, NOW - 301, &[v1(SECRET, &body, NOW - 301)]), &body),
        refused("does_not_open", "sealed for another event", one_v1(&moved), &moved),
        refused(
            "does_not_open",
            "sealed for another event under this one's name",
            one_v1(&relabelled),
            &relabelled,
        ),
        refused("does_not_open", "sealed under another key", one_v1(&strange), &strange),
        refused("does_not_open", "sealed under a key that is not known", one_v1(&unknown), &unknown),
        refused("does_not_open", "under the id of a key of another cipher", one_v1(&crossed), &crossed),
        refused("not_an_envelope", "signed, but no envelope", one_v1(bare), bare),
        refused("not_an_envelope", "signed, but no JSON", one_v1("[]"), "[]"),
        refused(
            "not_an_envelope",
            "signed under the id of another event",
            {
                let signature =
                    sign_standard(&secret(SECRET), OTHER_EVENT, NOW, body.as_bytes()).expect("a secret");
                standard(OTHER_EVENT, NOW, &[signature])
            },
            &body,
        ),
    ]
}

fn vectors() -> Value {
    static UPDATED: std::sync::Once = std::sync::Once::new();
    if std::env::var_os("UPDATE").is_some() {
        UPDATED.call_once(|| {
            let text = serde_json::to_string_pretty(&made()).expect("JSON") + "\n";
            std::fs::write(file("webhooks.json"), text).expect("the file can be written");
        });
    }
    read("webhooks.json")
}

fn receiver(vectors: &Value) -> Receiver {
    let secrets = vectors["secrets"].as_array().expect("secrets");
    let keys = vectors["platform_keys"].as_array().expect("keys").iter().map(|key| {
        PublicKey::from_spki_der(&STANDARD.decode(text(&key["public_key"])).expect("base64")).expect("a key")
    });
    let with_secrets = secrets
        .iter()
        .try_fold(Receiver::new().trusting(keys), |one, secret| one.with_secret(text(secret)))
        .expect("secrets");
    holding_keys(with_secrets, vectors)
}

fn holding_keys(receiver: Receiver, vectors: &Value) -> Receiver {
    let keys = vectors["api_keys"].as_array().expect("keys");
    keys.iter()
        .try_fold(receiver, |one, key| one.with_api_key(text(&key["id"]), text(&key["key"])))
        .expect("keys")
}

fn open(receiver: &Receiver, one: &Value) -> Result<Value, &'static str> {
    let header = |name: &'static str| one["headers"][name].as_str();
    let notice = receiver.open(header, text(&one["body"]).as_bytes(), NOW).map_err(|why| why.code())?;
    Ok(json!({
        "id": notice.id, "type": notice.kind, "created_at": notice.created_at, "api_version": notice.api_version,
        "object_version": notice.object_version, "resource": notice.resource, "href": notice.href,
    }))
}

/// What a delivery tells: the event, with the object or where to read it.
fn told(vectors: &Value, one: &Value) -> Value {
    let mut event = vectors["event"].clone();
    event["href"] = one["href"].clone();
    if !one["href"].is_null() {
        event["resource"] = Value::Null;
    }
    event
}

#[test]
fn deliveries_of_the_vectors_are_opened_and_the_others_refused_for_their_reason() {
    let vectors = vectors();
    let receiver = receiver(&vectors);
    let (good, bad) =
        (vectors["deliveries"].as_array().expect("a list"), vectors["refused"].as_array().expect("a list"));
    assert!(good.len() >= 13 && bad.len() >= 26);
    for one in good {
        assert_eq!(open(&receiver, one), Ok(told(&vectors, one)), "{}", one["name"]);
    }
    for one in bad {
        assert_eq!(open(&receiver, one), Err(text(&one["why"])), "{}", one["name"]);
    }
}

#[test]
fn a_receiver_without_the_platforms_keys_believes_its_secret_alone() {
    let vectors = vectors();
    let receiver = holding_keys(Receiver::new().with_secret(&secret(SECRET)).expect("a secret"), &vectors);
    let by_name = |name: &str| {
        let all = vectors["deliveries"].as_array().expect("a list");
        all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    assert!(open(&receiver, &by_name("as sent, SM2 and SM4-GCM")).is_ok());
    assert_eq!(open(&receiver, &by_name("the platform's own form alone")), Err("unsigned"));
    assert_eq!(open(&receiver, &by_name("v1a alone")), Err("unsigned"));
    assert_eq!(open(&receiver.within(299), &by_name("as old as it may be")), Err("stale"));
    for bad in ["", "whsec_", "whsec_!", "whsec_c2hvcnQ=", &STANDARD.encode(SECRET)] {
        assert_eq!(Receiver::new().with_secret(bad).err(), Some(BadSecret), "{bad}");
    }
    for bad in ["", "!", "c2hvcnQ=", &STANDARD.encode([7; 24])] {
        assert_eq!(Receiver::new().with_api_key("apk_1", bad).err(), Some(BadSecret), "{bad}");
    }
    assert_eq!(open(&Receiver::new(), &by_name("as sent, SM2 and SM4-GCM")), Err("unsigned"));
}

#[test]
fn openssl_gives_the_same_v1_signatures() {
    let vectors = vectors();
    let hex: String = SECRET.iter().map(|byte| format!("{byte:02x}")).collect();
    let folder = std::env::temp_dir().join(format!("jialing-webhooks-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for one in vectors["deliveries"].as_array().expect("a list") {
        let Some(at) = one["headers"]["webhook-timestamp"].as_str() else { continue };
        std::fs::write(folder.join("text"), format!("{EVENT}.{at}.{}", text(&one["body"]))).expect("written");
        let key = format!("hexkey:{hex}");
        let found = std::process::Command::new("openssl")
            .args(["dgst", "-sha256", "-mac", "HMAC", "-macopt", &key, "-binary", "text"])
            .current_dir(&folder)
            .output()
            .expect("openssl is installed");
        let tag = format!("v1,{}", STANDARD.encode(&found.stdout));
        let signatures = text(&one["headers"]["webhook-signature"]);
        let by_the_newer_secret = !matches!(
            text(&one["name"]),
            "v1a alone" | "under the former secret" | "to an order's notify_url, which has no secret"
        );
        assert_eq!(signatures.contains(&tag), by_the_newer_secret, "{}", one["name"]);
    }
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn of_two_versions_of_an_object_the_higher_is_newer_in_whatever_order_they_come() {
    let mut newest = Newest::default();
    let mut check = |object: &str, version: i64, expect: bool| {
        assert_eq!(newest.take(object, version), expect, "{object} {version}");
    };
    check("ord_1", 2, true);
    check("ord_1", 1, false);
    check("ord_1", 2, false);
    check("ord_2", 1, true);
    check("ord_1", 3, true);
}
