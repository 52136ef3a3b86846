//! `signatures.json`: requests and answers under the three suites of servers, and ones to refuse.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::http_signature::{
    CallbackSignature, RequestSignature, callback_text, names, request_text,
};
use jialing_crypto::{PublicKey, SigningKey, Suite, key};
use serde_json::{Value, json};

use super::{kept, list, text};
use crate::openssl::{Folder, digest_options};

const SUITES: [Suite; 3] = [Suite::Ed25519, Suite::Sm2Sm3, Suite::RsaSha256];
const MCHID: &str = "mch_06f3k1v8q0m2r4t6w8y0a2c4e0";
const AT: i64 = 1_795_320_000;
const ORDER: &str = r#"{"out_trade_no":"T20261122-0001","description":"麻花两斤 🥨","amount":{"amount":1250,"currency":"CNY"}}"#;
const ANSWER: &str = r#"{"id":"ord_06f3k1v8q0m2r4t6w8y0a2c4e0","out_trade_no":"T20261122-0001","state":"NOTPAY","amount":{"amount":1250,"currency":"CNY"}}"#;
const PROBLEM: &str =
    r#"{"type":"https://pay.example/docs/errors#conflict","status":409,"code":"conflict","field":"amount"}"#;

/// Method, path with query, body.
const REQUESTS: [(&str, &str, &str); 4] = [
    ("POST", "/v1/merchant/orders", ORDER),
    ("GET", "/v1/merchant/orders?limit=100&state=SUCCESS", ""),
    ("GET", "/v1/merchant/orders/out-trade-no/T20261122%7C0001", ""),
    ("POST", "/v1/merchant/events/evt_06f3k1v8q0m2r4t6w8y0a2c4e0/ack", "{}"),
];

fn made(before: &Value) -> Value {
    let signing = |suite: Suite| {
        before["keys"][suite.wire_name()]["private_key"].as_str().map_or_else(
            || SigningKey::generate(suite),
            |pem| SigningKey::from_pkcs8_pem(pem).expect("a key"),
        )
    };
    let keys = SUITES.map(signing);
    let shown = |key: &SigningKey| {
        json!({
            "private_key": key.to_pem().as_str(),
            "public_key": STANDARD.encode(key.public().spki_der()),
            "serial_no": key.public().id(),
        })
    };
    let by_suite: serde_json::Map<_, _> =
        keys.iter().map(|key| (key.suite().wire_name().to_owned(), shown(key))).collect();
    json!({
        "about": "Keys are public: never register them. Texts are UTF-8. ED25519 and SHA256-RSA2048 sign the same text \
                  the same way every time; SM2-WITH-SM3 does not.",
        "sm2_user_id": "1234567812345678",
        "sm2_standard": {
            "about": "GB/T 32918.5-2017, A.2: the signature under the given k.",
            "private": "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8",
            "public": "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13",
            "message": "message digest",
            "k": "59276e27d506861a16680f3ad9c02dccef3cc1fa3cdbe4ce6d54b80deac1bc21",
            "signature": "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa",
        },
        "keys": by_suite,
        "requests": keys.iter().flat_map(|key| REQUESTS.map(|one| request(key, one))).collect::<Vec<_>>(),
        "answers": keys.iter().flat_map(|key| [ANSWER, PROBLEM, ""].map(|body| answer(key, body))).collect::<Vec<_>>(),
        "refused_requests": keys.iter().flat_map(refused_requests).collect::<Vec<_>>(),
        "refused_answers": keys.iter().flat_map(|key| refused_answers(key, &keys)).collect::<Vec<_>>(),
    })
}

fn request(key: &SigningKey, (method, target, body): (&str, &str, &str)) -> Value {
    let signed = RequestSignature::sign(key, MCHID, method, target, body.as_bytes(), AT);
    let signs = request_text(method, target, AT, &signed.nonce, body.as_bytes());
    json!({
        "suite": key.suite(), "mchid": MCHID, "method": method, "target": target, "timestamp": AT,
        "nonce": signed.nonce, "body": body, "text": String::from_utf8(signs).expect("UTF-8"),
        "authorization": signed.to_header(),
    })
}

fn headers(signed: &CallbackSignature) -> Value {
    Value::Object(signed.headers().map(|(name, value)| (name.to_owned(), json!(value))).into_iter().collect())
}

fn answer(key: &SigningKey, body: &str) -> Value {
    let signed = CallbackSignature::sign(key, body.as_bytes(), AT);
    let signs = callback_text(AT, &signed.nonce, body.as_bytes());
    json!({
        "suite": key.suite(), "body": body, "text": String::from_utf8(signs).expect("UTF-8"),
        "headers": headers(&signed),
    })
}

/// One thing of a well-signed request changed at a time.
fn refused_requests(key: &SigningKey) -> Vec<Value> {
    let good = request(key, REQUESTS[0]);
    let changed = |why: &str, member: &str, value: Value| {
        let mut one = good.clone();
        one[member] = value;
        one["why"] = json!(why);
        one
    };
    let header = text(&good["authorization"]);
    let signature = RequestSignature::parse(header).expect("it is ours").signature;
    let mut flipped = signature.clone();
    flipped[9] ^= 1;
    let with = |bytes: &[u8]| json!(header.replace(&STANDARD.encode(&signature), &STANDARD.encode(bytes)));
    let other = SUITES.into_iter().find(|other| *other != key.suite()).expect("there are three");
    let mut refused = vec![
        changed("another method", "method", json!("PUT")),
        changed("a query that was not signed", "target", json!("/v1/merchant/orders?limit=1")),
        changed("another body", "body", json!(ORDER.replace("1250", "1251"))),
        changed("a body written in another way", "body", json!(ORDER.replace(':', ": "))),
        changed("one bit of the signature", "authorization", with(&flipped)),
        changed("half a signature", "authorization", with(&signature[..signature.len() / 2])),
        changed(
            "another time",
            "authorization",
            json!(header.replace(&AT.to_string(), &(AT + 1).to_string())),
        ),
        changed(
            "another suite",
            "authorization",
            json!(header.replace(key.suite().wire_name(), other.wire_name())),
        ),
        changed("signed by another key", "authorization", {
            let stranger = SigningKey::generate(key.suite());
            let nonce = text(&good["nonce"]);
            with(&stranger.sign(&request_text("POST", REQUESTS[0].1, AT, nonce, ORDER.as_bytes())))
        }),
    ];
    if key.suite() == Suite::Sm2Sm3 {
        let der = key::signature_to_der(Suite::Sm2Sm3, &signature).expect("64 bytes");
        refused.push(changed("a signature in DER", "authorization", with(&der)));
    }
    refused
}

fn refused_answers(key: &SigningKey, keys: &[SigningKey]) -> Vec<Value> {
    let good = answer(key, ANSWER);
    let changed = |why: &str, header: &str, value: &str| {
        let mut one = good.clone();
        one["why"] = json!(why);
        match header {
            "body" => one["body"] = json!(value),
            _ => one["headers"][header] = json!(value),
        }
        one
    };
    let other = keys.iter().find(|other| other.suite() != key.suite()).expect("there are three");
    let signed = CallbackSignature::sign(other, ANSWER.as_bytes(), AT);
    vec![
        changed("another body", "body", &ANSWER.replace("NOTPAY", "SUCCESS")),
        changed("another time", names::TIMESTAMP, &(AT - 1).to_string()),
        changed("another nonce", names::NONCE, "0123456789abcdef0123456789abcdef"),
        changed("another suite", names::SIGNATURE_TYPE, other.suite().wire_name()),
        changed("a key that is not the platform's", names::SERIAL, "0123456789abcdef"),
        changed("another key's signature", names::SIGNATURE, &STANDARD.encode(&signed.signature)),
        changed("no signature", names::SIGNATURE, ""),
    ]
}

/// The key of the vectors with this serial.
fn key_of(vectors: &Value, serial: &str) -> Option<PublicKey> {
    let known = vectors["keys"].as_object().expect("keys");
    let key = known.values().find(|key| key["serial_no"] == serial)?;
    Some(
        PublicKey::from_spki_der(&STANDARD.decode(text(&key["public_key"])).expect("base64")).expect("a key"),
    )
}

fn request_holds(vectors: &Value, one: &Value) -> bool {
    let Ok(signed) = RequestSignature::parse(text(&one["authorization"])) else { return false };
    let body = text(&one["body"]).as_bytes();
    key_of(vectors, &signed.serial_no)
        .is_some_and(|key| signed.verify(&key, text(&one["method"]), text(&one["target"]), body).is_ok())
}

fn answer_holds(vectors: &Value, one: &Value) -> bool {
    let header = |name: &'static str| one["headers"][name].as_str();
    let Ok(signed) = CallbackSignature::from_headers(header) else { return false };
    key_of(vectors, &signed.serial)
        .is_some_and(|key| signed.verify(&key, text(&one["body"]).as_bytes()).is_ok())
}

#[test]
fn the_signed_requests_and_answers_of_the_vectors_hold_and_the_others_do_not() {
    let vectors = kept("signatures.json", made);
    let check = |which: &str, at_least: usize, holds: fn(&Value, &Value) -> bool, expect: bool| {
        let all = list(&vectors[which]);
        assert!(all.len() >= at_least, "{which}");
        for one in all {
            assert_eq!(holds(&vectors, one), expect, "{which}: {one}");
        }
    };
    check("requests", 12, request_holds, true);
    check("answers", 9, answer_holds, true);
    check("refused_requests", 28, request_holds, false);
    check("refused_answers", 21, answer_holds, false);
    for (suite, key) in vectors["keys"].as_object().expect("keys") {
        let private = SigningKey::from_pkcs8_pem(text(&key["private_key"])).expect("a key");
        assert_eq!(key["serial_no"], private.public().id(), "{suite}");
        assert_eq!(private.suite().wire_name(), suite);
    }
}

#[test]
fn a_suite_without_chance_signs_the_vectors_again_in_the_same_way() {
    let vectors = kept("signatures.json", made);
    for one in list(&vectors["requests"]).iter().filter(|one| one["suite"] != "SM2-WITH-SM3") {
        let key = &vectors["keys"][text(&one["suite"])];
        let private = SigningKey::from_pkcs8_pem(text(&key["private_key"])).expect("a key");
        let signed = STANDARD.encode(private.sign(text(&one["text"]).as_bytes()));
        assert!(text(&one["authorization"]).contains(&format!("signature=\"{signed}\"")), "{one}");
    }
}

#[test]
fn the_signature_in_the_sm2_standard_holds() {
    let vectors = kept("signatures.json", made);
    let standard = &vectors["sm2_standard"];
    let bytes = |name: &str| hex::decode(text(&standard[name])).expect("hexadecimal");
    let key = PublicKey::from_raw(Suite::Sm2Sm3, &bytes("public")).expect("a point");
    assert_eq!(key.verify(text(&standard["message"]).as_bytes(), &bytes("signature")), Ok(()));
}

#[test]
fn openssl_says_the_same_of_the_signed_texts() {
    let vectors = kept("signatures.json", made);
    for (suite, key) in SUITES.map(|suite| (suite, &vectors["keys"][suite.wire_name()])) {
        let folder = Folder::new();
        let public = key_of(&vectors, text(&key["serial_no"])).expect("it is there");
        folder.write("public.pem", public.to_pem());
        for which in ["requests", "answers"] {
            for one in list(&vectors[which]).iter().filter(|one| one["suite"] == suite.wire_name()) {
                let signature = match which {
                    "answers" => STANDARD.decode(text(&one["headers"][names::SIGNATURE])).expect("base64"),
                    _ => RequestSignature::parse(text(&one["authorization"])).expect("ours").signature,
                };
                folder.write("text", text(&one["text"]));
                folder.write("signature", key::signature_to_der(suite, &signature).expect("its form"));
                let verify =
                    ["pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin", "-in", "text"];
                folder.must(&[&verify[..], &["-sigfile", "signature"], digest_options(suite)].concat());
            }
        }
    }
}
