//! Accounts over HTTP: the whole way from a phone to an identified person with device and PIN, what
//! strangers see, and that known and unknown phones look alike.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::{SigningKey, Suite};
use jialing_platform::db::Backend;
use reqwest::Method;
use serde_json::{Value, json};

use crate::citizen::{Citizen, PASSWORD, identity_number, phone};
use crate::door::{Door, Heard, hear};
use crate::world::World;

async fn post(door: &Door, target: &str, body: &Value) -> Heard {
    hear(door.request(Method::POST, target).json(body)).await
}

async fn as_bearer(door: &Door, token: &str, method: Method, target: &str, body: Option<&Value>) -> Heard {
    let request = door.request(method, target).bearer_auth(token);
    hear(body.map_or(request.try_clone().expect("no stream"), |body| request.json(body))).await
}

/// A device with the proof over a fresh challenge, written from the guide.
async fn device(door: &Door, key: &SigningKey) -> Value {
    let drawn = hear(door.request(Method::POST, "/v1/wallet/devices/challenges")).await;
    assert_eq!(drawn.status, 201);
    let (challenge, nonce) = (drawn.text("challenge_id"), drawn.text("nonce"));
    let text = format!(
        "JIALING-DEVICE-1\naction:bind\nchallenge:{challenge}\nnonce:{nonce}\nkey:{}\n",
        key.public().id()
    );
    json!({
        "challenge_id": challenge, "public_key": STANDARD.encode(key.public().spki_der()), "name": "手机 📱",
        "signature": STANDARD.encode(key.sign(text.as_bytes())),
    })
}

async fn code(world: &World, door: &Door, phone: &str, purpose: &str) -> String {
    let sent = post(door, "/v1/wallet/codes", &json!({ "phone": phone, "purpose": purpose })).await;
    assert_eq!((sent.status, &sent.body["purpose"]), (202, &purpose.into()));
    world.notices.code_for(phone)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_becomes_an_identified_person_with_device_and_pin() {
    let world = World::start(Backend::Sqlite).await;
    let door = Door::open(&world).await;
    let (phone, key) = (phone(1), SigningKey::generate(Suite::Es256));

    let sign_up = json!({
        "phone": phone, "code": code(&world, &door, &phone, "sign_up").await, "password": PASSWORD,
        "device": device(&door, &key).await,
    });
    let signed_in = post(&door, "/v1/wallet/people", &sign_up).await;
    assert_eq!(signed_in.status, 201, "{}", signed_in.body);
    let token = signed_in.text("token");
    let device_id = signed_in.body["session"]["device_id"].as_str().expect("bound").to_owned();
    let call = async |method: Method, target: &str, body: Option<Value>| {
        as_bearer(&door, &token, method, target, body.as_ref()).await
    };

    let me = call(Method::GET, "/v1/wallet/me", None).await;
    assert_eq!(
        (me.text("phone"), me.text("level"), me.text("wallet_class")),
        ("138****0001".into(), "ANONYMOUS".into(), "IV".into())
    );
    assert_eq!((&me.body["pin_set"], &me.body["findable_by_phone"]), (&false.into(), &false.into()));

    call(Method::PUT, "/v1/wallet/pin", Some(json!({ "pin": "123456" }))).await.names("pin_weak", "pin");
    call(Method::PUT, "/v1/wallet/pin", Some(json!({ "pin": "284917" }))).await.went_well();
    call(Method::PUT, "/v1/wallet/pin", Some(json!({ "pin": "571938" }))).await.is("second_factor_required");
    let sent = call(Method::POST, "/v1/wallet/codes/second-factor", Some(json!({ "language": "en" }))).await;
    assert_eq!(sent.status, 202);
    assert_eq!(world.notices.last_to(&phone).expect("sent").language, "en");
    let second_factor = world.notices.code_for(&phone);
    let change = json!({ "pin": "571938", "code": second_factor });
    let state = call(Method::PUT, "/v1/wallet/pin", Some(change)).await;
    assert_eq!((&state.body["set"], &state.body["tries_left"]), (&true.into(), &5.into()));

    let ask = json!({ "level": "REMOTE_PHONE_ID", "name": "李明", "id_number": identity_number(1) });
    let raise = async |key: &str| {
        hear(
            door.request(Method::POST, "/v1/wallet/identity")
                .bearer_auth(&token)
                .header("Idempotency-Key", key)
                .json(&ask),
        )
        .await
    };
    call(Method::POST, "/v1/wallet/identity", Some(ask.clone())).await.is("idempotency_key_missing");
    let raised = raise("one").await;
    assert_eq!((raised.status, raised.text("state")), (201, "VERIFIED".into()), "{}", raised.body);
    let again = raise("one").await;
    assert_eq!(
        (again.body, again.headers["idempotent-replayed"].to_str().ok()),
        (raised.body.clone(), Some("true"))
    );
    raise("two").await.names("state_conflict", "level");
    assert_eq!(call(Method::GET, "/v1/wallet/identity", None).await.body, raised.body);

    let me = call(Method::PUT, "/v1/wallet/me/alias", Some(json!({ "findable_by_phone": true }))).await;
    assert_eq!(
        (me.text("name"), me.text("level"), me.text("wallet_class")),
        ("*明".into(), "REMOTE_PHONE_ID".into(), "III".into())
    );
    assert!(!me.body.to_string().contains(&phone) && !me.body.to_string().contains(&identity_number(1)));

    let organisation = json!({ "name": "重庆嘉陵小面馆有限公司", "licence": "91350100M000100Y43" });
    let made = call(Method::POST, "/v1/wallet/organisations", Some(organisation.clone())).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(call(Method::POST, "/v1/wallet/organisations", Some(organisation)).await.body, made.body);
    let of = format!("/v1/wallet/organisations/{}", made.text("organisation_id"));
    assert_eq!(call(Method::GET, &of, None).await.body, made.body);
    let listed = call(Method::GET, "/v1/wallet/organisations", None).await;
    assert_eq!(listed.body, json!({ "items": [made.body], "has_more": false }));

    // Revoking the device ends the session that is bound to it.
    let of = format!("/v1/wallet/devices/{device_id}");
    assert_eq!(call(Method::GET, &of, None).await.text("suite"), "ES256");
    let revoked = call(Method::POST, &format!("{of}/revoke"), None).await;
    assert_eq!(revoked.text("state"), "REVOKED");
    call(Method::GET, "/v1/wallet/me", None).await.is("unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn known_and_unknown_phones_answer_the_same_bytes() {
    let world = World::start(Backend::Sqlite).await;
    let door = Door::open(&world).await;
    Citizen::new(&world, 1).await;
    // All but the request's own id, which differs for every request.
    let shape = |heard: Heard| {
        let mut body = heard.body;
        body.as_object_mut().expect("an object").remove("request_id");
        (heard.status, body.to_string())
    };
    let wrong = |n: u32| {
        let right = world.notices.code_for(&phone(n));
        if right == "000000" { "000001" } else { "000000" }
    };
    for purpose in ["sign_up", "sign_in", "recover"] {
        let ask = |n: u32| json!({ "phone": phone(n), "purpose": purpose });
        world.clock.advance(61_000);
        let (known, unknown) =
            (post(&door, "/v1/wallet/codes", &ask(1)).await, post(&door, "/v1/wallet/codes", &ask(2)).await);
        assert_eq!(shape(known), shape(unknown));
        let (target, ask): (&str, fn(&str, &str) -> Value) = match purpose {
            "sign_up" => (
                "/v1/wallet/people",
                |phone, code| json!({ "phone": phone, "code": code, "password": PASSWORD }),
            ),
            "sign_in" => (
                "/v1/wallet/sessions",
                |phone, code| json!({ "phone": phone, "code": code, "password": PASSWORD }),
            ),
            _ => (
                "/v1/wallet/people/recover",
                |phone, code| json!({ "phone": phone, "code": code, "password": PASSWORD }),
            ),
        };
        let known = post(&door, target, &ask(&phone(1), wrong(1))).await;
        let unknown = post(&door, target, &ask(&phone(2), wrong(2))).await;
        assert!(known.status >= 400, "{}", known.body);
        assert_eq!(shape(known), shape(unknown), "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_persons_things_are_not_there() {
    let world = World::start(Backend::Sqlite).await;
    let door = Door::open(&world).await;
    let (one, other) = (Citizen::new(&world, 1).await, Citizen::new(&world, 2).await);
    let device = format!("/v1/wallet/devices/{}", one.device);
    door.person(&other, Method::GET, &device, None).await.is("not_found");
    door.person(&other, Method::POST, &format!("{device}/revoke"), None).await.is("not_found");
    let session = format!("/v1/wallet/sessions/{}", one.actor.session);
    door.person(&other, Method::DELETE, &session, None).await.is("not_found");
    door.person(&one, Method::GET, "/v1/wallet/devices/dev_x", None).await.is("not_found");
    let devices = door.person(&other, Method::GET, "/v1/wallet/devices", None).await;
    assert_eq!(devices.body["items"].as_array().map(Vec::len), Some(1));
    door.person(&one, Method::GET, &device, None).await.went_well();
    assert_eq!(door.person(&one, Method::DELETE, &session, None).await.status, 204);
    door.person(&one, Method::GET, &device, None).await.is("unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_do_not_fit_name_the_field() {
    let world = World::start(Backend::Sqlite).await;
    let door = Door::open(&world).await;
    let check = async |target: &str, body: Value, code: &str, field: &str| {
        post(&door, target, &body).await.names(code, field);
    };
    let codes = "/v1/wallet/codes";
    check(codes, json!({ "phone": "13800000001" }), "invalid_request", "purpose").await;
    check(codes, json!({ "phone": "13800000001", "purpose": "spy" }), "invalid_request", "purpose").await;
    check(codes, json!({ "phone": "13800000001", "purpose": "second_factor" }), "invalid_request", "purpose")
        .await;
    check(codes, json!({ "phone": "1\u{0}3", "purpose": "sign_up" }), "invalid_request", "phone").await;
    check(codes, json!({ "phone": "🙂", "purpose": "sign_up" }), "invalid_request", "phone").await;
    check(
        codes,
        json!({ "phone": "13800000001", "purpose": "sign_up", "language": "xx" }),
        "invalid_request",
        "language",
    )
    .await;
    check(
        codes,
        json!({ "phone": "13800000001", "purpose": "sign_up", "more": 1 }),
        "invalid_request",
        "more",
    )
    .await;
    let people = "/v1/wallet/people";
    let ask = json!({ "phone": "13800000001", "code": "000000", "password": PASSWORD });
    let with = |name: &str, value: Value| {
        let mut ask = ask.clone();
        ask[name] = value;
        ask
    };
    check(people, with("password", "short".into()), "password_weak", "password").await;
    check(people, with("code", 123.into()), "invalid_request", "code").await;
    check(people, with("code", "🙂".into()), "code_invalid", "code").await;
    check(people, with("device", json!({ "name": "x" })), "invalid_request", "device.challenge_id").await;
    let private = json!({
        "challenge_id": "chl_00000000000000000000000000", "name": "x", "signature": "AAAA",
        "public_key": { "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA" },
    });
    check(people, with("device", private), "invalid_request", "public_key").await;
}
