//! What people do among themselves, and what keeps their accounts safe, over HTTP.

use jialing_crypto::{SigningKey, Suite};
use jialing_platform::db::Backend;
use reqwest::Method;
use serde_json::{Value, json};

use crate::authenticator::{Application, SoftKey};
use crate::citizen::{Citizen, PASSWORD, PIN};
use crate::city;
use crate::door::{Door, Heard, hear, nothing_is_lost};
use crate::world::{World, on_each_backend};

async fn call(door: &Door, who: &Citizen, method: Method, target: &str, body: Value) -> Heard {
    let body = (!body.is_null()).then_some(&body);
    door.person(who, method, &format!("/v1/wallet{target}"), body).await
}

async fn get(door: &Door, who: &Citizen, target: &str) -> Heard {
    call(door, who, Method::GET, target, Value::Null).await
}

async fn post(door: &Door, who: &Citizen, target: &str, body: Value) -> Heard {
    call(door, who, Method::POST, target, body).await
}

/// The text of a ceremony over a fresh challenge, written from the guide.
async fn ceremony(door: &Door, action: &str) -> (String, String) {
    let drawn = hear(door.request(Method::POST, "/v1/wallet/devices/challenges")).await;
    let (challenge, nonce) = (drawn.text("challenge_id"), drawn.text("nonce"));
    let text = format!("JIALING-PASSKEY-1\naction:{action}\nchallenge:{challenge}\nnonce:{nonce}\n");
    (challenge, text)
}

async fn signed(door: &Door, key: &mut SoftKey, action: &str) -> Value {
    let (challenge, text) = ceremony(door, action).await;
    let mut passkey = json!(key.sign(&text));
    passkey["challenge_id"] = challenge.into();
    json!({ "passkey": passkey })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_adds_a_passkey_and_an_authenticator_and_signs_in_with_either() {
    let world = World::start(Backend::Sqlite).await;
    let door = Door::open(&world).await;
    let ann = Citizen::with_pin(&world, 1).await;
    let mut key = SoftKey::new();
    let options = get(&door, &ann, "/passkeys/options").await;
    assert_eq!((options.status, options.text("rp_id")), (200, "localhost".into()));
    let (challenge, text) = ceremony(&door, "register").await;
    let (client, attestation) = key.created(&text);
    let ask = json!({ "name": "手机", "challenge_id": challenge, "client_data_json": client, "attestation_object": attestation });
    let made = post(&door, &ann, "/passkeys", ask.clone()).await;
    assert_eq!((made.status, made.text("algorithm")), (201, "ES256".into()), "{}", made.body);
    post(&door, &ann, "/passkeys", ask).await.is("passkey_invalid");
    let listed = get(&door, &ann, "/passkeys").await;
    assert_eq!(listed.body, json!({ "items": [made.body], "has_more": false }));

    post(&door, &ann, "/authenticator", json!({})).await.is("second_factor_required");
    let enrolled =
        post(&door, &ann, "/authenticator", json!({ "factor": signed(&door, &mut key, "step_up").await }))
            .await;
    assert_eq!(enrolled.status, 201, "{}", enrolled.body);
    let application = Application::with(&enrolled.text("secret"));
    let confirm = json!({ "totp": application.shows(&world) });
    let codes = post(&door, &ann, "/authenticator/confirm", confirm).await;
    assert_eq!(codes.body["recovery_codes"].as_array().map(Vec::len), Some(10), "{}", codes.body);
    assert_eq!(get(&door, &ann, "/authenticator").await.text("state"), "ACTIVE");

    let sign_in = async |factor: Value| {
        let ask = json!({ "phone": ann.phone, "password": PASSWORD, "factor": factor });
        hear(door.request(Method::POST, "/v1/wallet/sessions").json(&ask)).await
    };
    let by_passkey = signed(&door, &mut key, "sign_in").await;
    assert_eq!(sign_in(by_passkey.clone()).await.status, 201);
    sign_in(by_passkey).await.is("sign_in_failed");
    world.clock.advance(60_000);
    assert_eq!(sign_in(json!({ "totp": application.shows(&world) })).await.status, 201);
    assert_eq!(sign_in(json!({ "recovery_code": codes.body["recovery_codes"][3] })).await.status, 201);
    sign_in(json!({ "recovery_code": codes.body["recovery_codes"][3] })).await.is("sign_in_failed");
    sign_in(json!({ "totp": "1", "code": "2" })).await.names("invalid_request", "factor.code");
    sign_in(json!({})).await.names("invalid_request", "factor");
    sign_in(json!({ "sms": "1" })).await.is("invalid_request");

    let remove = format!("/passkeys/{}/remove", made.text("id"));
    let other = Citizen::with_pin(&world, 2).await;
    post(&door, &other, &remove, json!({})).await.is("not_found");
    post(&door, &ann, &remove, json!({})).await.is("second_factor_required");
    let factor = signed(&door, &mut key, "step_up").await;
    assert_eq!(post(&door, &ann, &remove, json!({ "factor": factor })).await.status, 204);

    let log = get(&door, &ann, "/security-log").await;
    let events: Vec<&str> = log.body["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|item| item["event"].as_str())
        .collect();
    for event in
        ["passkey.add", "passkey.remove", "authenticator.add", "recovery_code.use", "session.sign_in"]
    {
        assert!(events.contains(&event), "{event}: {events:?}");
    }
    let told = get(&door, &ann, "/notices").await;
    assert_eq!(
        (told.body["items"][0]["code"].as_str(), told.body["items"][0]["params"]["event"].as_str()),
        (Some("SECURITY"), Some("passkey.remove"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_device_lets_a_new_one_in_over_http() {
    let world = World::start(Backend::Sqlite).await;
    let door = Door::open(&world).await;
    let ann = Citizen::with_pin(&world, 1).await;
    let code =
        crate::citizen::code(&world, &ann.phone, jialing_platform::notices::codes::Purpose::SignIn).await;
    let ask = json!({ "phone": ann.phone, "password": PASSWORD, "code": code });
    let session = hear(door.request(Method::POST, "/v1/wallet/sessions").json(&ask)).await;
    let new = Citizen {
        token: session.text("token"),
        key: SigningKey::generate(Suite::Es256),
        ..Citizen::with_pin(&world, 2).await
    };
    let drawn = hear(door.request(Method::POST, "/v1/wallet/devices/challenges")).await;
    let text = format!(
        "JIALING-DEVICE-1\naction:bind\nchallenge:{}\nnonce:{}\nkey:{}\n",
        drawn.text("challenge_id"),
        drawn.text("nonce"),
        new.key.public().id()
    );
    use base64::Engine as _;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let device = json!({ "challenge_id": drawn.text("challenge_id"), "name": "新手机", "public_key": encode(new.key.public().spki_der()), "signature": encode(&new.key.sign(text.as_bytes())) });
    let asked = post(&door, &new, "/device-requests", json!({ "device": device })).await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    let target = format!("/device-requests/{}", asked.text("id"));
    let seen = get(&door, &ann, &target).await;
    assert!(seen.body["number"].is_null(), "only the new device shows it: {}", seen.body);
    let approve = json!({ "number": asked.text("number"), "pin": PIN });
    let approved = post(&door, &ann, &format!("{target}/approve"), approve).await;
    assert_eq!((approved.status, approved.text("state")), (200, "APPROVED".into()), "{}", approved.body);
    post(&door, &ann, &format!("{target}/refuse"), Value::Null).await.is("state_conflict");
    let sessions = get(&door, &new, "/sessions").await;
    let own =
        sessions.body["items"].as_array().expect("items").iter().find(|one| one["current"] == true).cloned();
    assert_eq!(own.expect("this one")["device_id"], approved.body["device_id"]);
}

fn money(fen: u64) -> Value {
    json!({ "amount": fen, "currency": "CNY" })
}

#[test]
fn red_packets_requests_and_delayed_transfers_over_http() {
    on_each_backend(async |world: &mut World| {
        city::found(world).await;
        let door = Door::open(world).await;
        let (ann, bob) =
            (Citizen::identified(world, 1, "李雷").await, Citizen::identified(world, 2, "韩梅梅").await);
        let eve = Citizen::with_pin(world, 3).await;
        let from = city::wallet(world, &ann, "BKA", 10_000).await;
        let to = city::wallet(world, &bob, "BKB", 5_000).await;

        let ask = json!({
            "out_packet_no": "p-1", "from_wallet_id": from, "kind": "EQUAL", "amount": money(600), "shares": 2, "greeting": "🧧",
            "pin": PIN, "evidence": ann.sign(world, "red_packet", "anyone", 600, "p-1", from),
        });
        let given = post(&door, &ann, "/red-packets", ask.clone()).await;
        assert_eq!((given.status, given.text("state")), (201, "OPEN".into()), "{}", given.body);
        assert_eq!(post(&door, &ann, "/red-packets", ask).await.body, given.body);
        let token = given.text("token");
        assert!(given.text("link").ends_with(&format!("/wallet/r/{token}")));
        let taken = post(&door, &bob, &format!("/red-packets/tokens/{token}/claim"), json!({})).await;
        assert_eq!((taken.status, &taken.body["amount"]), (200, &money(300)), "{}", taken.body);
        post(&door, &eve, &format!("/red-packets/tokens/{token}/claim"), json!({})).await.is("payee_unknown");
        let view = get(&door, &bob, &format!("/red-packets/tokens/{token}")).await;
        assert_eq!((&view.body["mine"], &view.body["claimed_shares"]), (&taken.body, &json!(1)));
        assert!(view.body["token"].is_null() && view.body["amount"].is_null(), "{}", view.body);
        get(&door, &bob, &format!("/red-packets/{}", given.text("id"))).await.is("not_found");
        let own = get(&door, &ann, "/red-packets/p-1").await;
        assert_eq!(own.body["claims"][0]["name"], "**梅");
        assert_eq!(get(&door, &bob, "/red-packets/claims").await.body["items"][0], taken.body);
        assert_eq!(get(&door, &ann, "/red-packets").await.body["items"].as_array().map(Vec::len), Some(1));

        let ask = json!({ "out_request_no": "r-1", "payer": to, "amount": money(250), "note": "咖啡", "to_wallet_id": from });
        let asked = post(&door, &ann, "/payment-requests", ask).await;
        assert_eq!((asked.status, asked.text("state")), (201, "PENDING".into()), "{}", asked.body);
        let target = format!("/payment-requests/{}", asked.text("id"));
        get(&door, &eve, &target).await.is("not_found");
        let seen = get(&door, &bob, &target).await;
        let pay = json!({
            "from_wallet_id": to, "pin": PIN,
            "evidence": bob.sign(world, "transfer", &seen.text("payee"), 250, &asked.text("id"), to),
        });
        post(&door, &ann, &format!("{target}/pay"), pay.clone()).await.is("not_found");
        let paid = post(&door, &bob, &format!("{target}/pay"), pay.clone()).await;
        assert_eq!((paid.status, paid.text("state")), (201, "SUCCESS".into()), "{}", paid.body);
        assert_eq!(post(&door, &bob, &format!("{target}/pay"), pay).await.body, paid.body);
        assert_eq!(get(&door, &ann, &target).await.text("state"), "PAID");
        let sent = get(&door, &ann, "/payment-requests?direction=SENT&limit=5").await;
        assert_eq!(sent.body["items"].as_array().map(Vec::len), Some(1));
        get(&door, &ann, "/payment-requests?direction=BOTH").await.is("invalid_request");
        let bill = json!({ "out_split_no": "b-1", "title": "火锅", "to_wallet_id": from, "total": money(900), "shares": [{ "payer": to, "amount": money(450) }] });
        let split = post(&door, &ann, "/bill-splits", bill).await;
        assert_eq!((split.status, &split.body["count"]), (201, &json!(1)), "{}", split.body);
        let decline =
            format!("/payment-requests/{}/decline", split.body["requests"][0]["id"].as_str().expect("an id"));
        assert_eq!(post(&door, &bob, &decline, Value::Null).await.text("state"), "DECLINED");
        let read = get(&door, &ann, &format!("/bill-splits/{}", split.text("id"))).await;
        assert_eq!(read.text("state"), "DONE");

        let payee = to.to_string();
        let ask = json!({
            "out_transfer_no": "t-1", "from_wallet_id": from, "payee": payee, "amount": money(100), "delay": "24h", "pin": PIN,
            "evidence": ann.sign(world, "transfer_delayed", &payee, 100, "t-1", from),
        });
        let sent = post(&door, &ann, "/transfers", ask).await;
        assert_eq!((sent.status, sent.text("state")), (201, "PENDING".into()), "{}", sent.body);
        post(&door, &bob, "/transfers/t-1/revoke", Value::Null).await.is("not_found");
        assert_eq!(post(&door, &ann, "/transfers/t-1/revoke", Value::Null).await.text("state"), "REVOKED");
        nothing_is_lost(world).await;
    });
}

/// The next event of a stream.
async fn event(stream: &mut reqwest::Response, heard: &mut String) -> Value {
    loop {
        if let Some((event, rest)) =
            heard.split_once("\n\n").map(|(event, rest)| (event.to_owned(), rest.to_owned()))
        {
            *heard = rest;
            let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) else { continue };
            let notice: Value = serde_json::from_str(data).expect("JSON");
            assert!(event.contains("event: notice"), "{event}");
            assert!(event.contains(&format!("id: {}", notice["id"].as_str().expect("an id"))), "{event}");
            return notice;
        }
        let chunk = stream.chunk().await.expect("the stream goes on").expect("it has not ended");
        heard.push_str(&String::from_utf8_lossy(&chunk));
    }
}

#[test]
fn notices_are_heard_live_and_a_lost_stream_goes_on() {
    on_each_backend(async |world: &mut World| {
        city::found(world).await;
        let door = Door::open(world).await;
        let (ann, bob) =
            (Citizen::identified(world, 1, "李雷").await, Citizen::identified(world, 2, "韩梅梅").await);
        let (from, to) =
            (city::wallet(world, &ann, "BKA", 10_000).await, city::wallet(world, &bob, "BKB", 0).await);
        let listen = |who: &Citizen, after: Option<&str>| {
            let request = door.request(Method::GET, "/v1/wallet/notices/stream").bearer_auth(&who.token);
            match after {
                Some(id) => request.header("Last-Event-ID", id),
                None => request,
            }
        };
        hear(door.request(Method::GET, "/v1/wallet/notices/stream")).await.is("unauthenticated");
        hear(listen(&bob, Some("yesterday"))).await.names("invalid_request", "Last-Event-ID");
        let send = async |number: &str, fen: u64| {
            let ask = json!({
                "out_transfer_no": number, "from_wallet_id": from, "payee": to, "amount": money(fen), "pin": PIN,
                "evidence": ann.sign(world, "transfer", &to.to_string(), fen, number, from),
            });
            post(&door, &ann, "/transfers", ask).await.went_well();
        };
        let mut stream = listen(&bob, None).send().await.expect("a stream");
        assert_eq!(stream.headers()["content-type"], "text/event-stream");
        let mut heard = String::new();
        send("t-1", 111).await;
        let first = event(&mut stream, &mut heard).await;
        assert_eq!(
            (first["code"].as_str(), first["params"]["amount"].as_u64()),
            (Some("TRANSFER_RECEIVED"), Some(111))
        );
        drop(stream);
        send("t-2", 222).await;
        send("t-3", 333).await;
        let mut stream = listen(&bob, first["id"].as_str()).send().await.expect("a stream");
        let mut heard = String::new();
        for fen in [222, 333] {
            assert_eq!(event(&mut stream, &mut heard).await["params"]["amount"], fen);
        }
        // Three at once, not four; another person's count for themselves.
        let _held = [
            listen(&bob, None).send().await.expect("a stream"),
            listen(&bob, None).send().await.expect("a stream"),
        ];
        hear(listen(&bob, None)).await.is("rate_limited");
        assert_eq!(listen(&ann, None).send().await.expect("a stream").status(), 200);
        // A session that ends takes its streams with it.
        call(&door, &bob, Method::DELETE, "/sessions", Value::Null).await.went_well();
        while stream.chunk().await.expect("the stream ends well").is_some() {}
    });
}
