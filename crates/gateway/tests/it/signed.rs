//! Signed requests: every suite, every way to get them wrong, and copies of good ones.

use jialing_crypto::http_signature::RequestSignature;
use jialing_crypto::{SigningKey, Suite};
use jialing_platform::merchants;
use reqwest::Method;
use serde_json::{Value, json};

use crate::door::{Door, Server, Street, hear, order_ask};
use crate::world::on_each_backend;

const ECHO: &str = "/v1/merchant/security/echo";

#[test]
fn each_suite_signs_requests_and_its_answers_come_back_signed() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        for suite in [Suite::Ed25519, Suite::Sm2Sm3, Suite::RsaSha256] {
            let server = Server::of(world, &street.shop, suite).await;
            let heard = door.merchant(&server, Method::POST, ECHO, Some(&json!({ "any": "thing" }))).await;
            assert_eq!((heard.status, heard.body["length"].as_u64()), (200, Some(15)), "{suite}");
            assert_eq!(heard.text("serial_no"), server.key.public().id());
            // The platform answers in the caller's suite where it has a key of it.
            let expected = if suite == Suite::RsaSha256 { Suite::Ed25519 } else { suite };
            assert_eq!(heard.headers["jialing-signature-type"], expected.wire_name());
            // Problems are signed too.
            door.merchant(&server, Method::GET, "/v1/merchant/orders/ord_nonsense", None)
                .await
                .is("not_found");
        }
    });
}

#[test]
fn a_signature_covers_method_path_query_body_time_and_nonce() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let body = serde_json::to_vec(&order_ask("A1", 100)).expect("JSON");
        let fresh = || street.server.sign("POST", "/v1/merchant/orders", &body);
        let send = async |signature: &RequestSignature, method, target: &str, body: &[u8]| {
            door.with_signature(signature, method, target, body.to_vec()).await
        };
        let orders = "/v1/merchant/orders";
        let changed = serde_json::to_vec(&order_ask("A1", 1)).expect("JSON");
        let heard = send(&fresh(), Method::POST, orders, &changed).await;
        heard.is("signature_invalid");
        let verified = &heard.body["verified"];
        assert_eq!((&verified["method"], &verified["path"]), (&json!("POST"), &json!(orders)));
        assert!(
            verified["text"].as_str().is_some_and(|text| text.contains("\"amount\":1,")),
            "the sandbox shows all of it"
        );
        assert!(!heard.headers.contains_key("jialing-signature"), "nobody's signature was accepted");

        send(&fresh(), Method::POST, ECHO, &body).await.is("signature_invalid");
        send(&fresh(), Method::PUT, orders, &body).await.is("method_not_allowed");
        send(&fresh(), Method::POST, "/v1/merchant/orders?limit=1", &body)
            .await
            .names("invalid_request", "limit");
        for change in [
            |signature: &mut RequestSignature| signature.timestamp -= 1,
            |signature: &mut RequestSignature| signature.nonce = "0123456789abcdef".into(),
            |signature: &mut RequestSignature| signature.signature[5] ^= 1,
        ] {
            let mut signature = fresh();
            change(&mut signature);
            send(&signature, Method::POST, orders, &body).await.is("signature_invalid");
        }
        assert!(merchants::get(&world.app, street.shop.id).await.is_ok());
        let none = door.merchant(&street.server, Method::GET, orders, None).await;
        assert_eq!(none.body["items"], json!([]), "nothing was made");
    });
}

#[test]
fn a_key_speaks_only_for_its_owner_in_its_suite_while_it_is_valid() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let server = &street.server;
        let echo = async |signature: &RequestSignature| {
            door.with_signature(signature, Method::POST, ECHO, Vec::new()).await
        };

        let mut other_suite = server.sign("POST", ECHO, b"");
        other_suite.suite = Suite::Sm2Sm3;
        echo(&other_suite).await.is("signature_suite_mismatch");

        let stranger = SigningKey::generate(Suite::Ed25519);
        let now = world.clock.millis() / 1000;
        echo(&RequestSignature::sign(&stranger, &street.shop.id.to_string(), "POST", ECHO, b"", now))
            .await
            .is("key_unknown");
        let other_merchant = "mch_00000000000000000000000000";
        echo(&RequestSignature::sign(&server.key, other_merchant, "POST", ECHO, b"", now))
            .await
            .is("key_unknown");
        echo(&RequestSignature::sign(&server.key, "nobody", "POST", ECHO, b"", now))
            .await
            .names("key_unknown", "mchid");
        let mut forged = server.sign("POST", ECHO, b"");
        forged.signature = stranger.sign(&forged.signed_text("POST", ECHO, b""));
        echo(&forged).await.is("signature_invalid");
        // A merchant's key opens no bank's door.
        let bank = server.sign("POST", "/v1/bank/security/echo", b"");
        door.with_signature(&bank, Method::POST, "/v1/bank/security/echo", Vec::new())
            .await
            .is("key_unknown");

        echo(&server.sign("POST", ECHO, b"")).await.went_well();
        merchants::revoke_key(&world.app, &street.shop.owner.actor, street.shop.id, server.key.public().id())
            .await
            .expect("revoked");
        echo(&server.sign("POST", ECHO, b"")).await.is("key_unknown");
    });
}

#[test]
fn times_outside_the_window_and_headers_out_of_form_are_refused() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let at = async |offset: i64| {
            let now = world.clock.millis() / 1000 + offset;
            let signature = RequestSignature::sign(
                &street.server.key,
                &street.shop.id.to_string(),
                "POST",
                ECHO,
                b"",
                now,
            );
            door.with_signature(&signature, Method::POST, ECHO, Vec::new()).await
        };
        at(-290).await.went_well();
        at(290).await.went_well();
        let late = at(-310).await;
        late.is("timestamp_out_of_window");
        assert!(late.body["server_time"].is_i64(), "{}", late.body);
        at(310).await.is("timestamp_out_of_window");

        let header =
            async |value: &str| hear(door.request(Method::POST, ECHO).header("Authorization", value)).await;
        let good = street.server.sign("POST", ECHO, b"").to_header();
        header("").await.is("signature_missing");
        header("Bearer abc").await.is("signature_missing");
        header(&good.replace("JIALING1-ED25519", "JIALING1-NONE")).await.is("signature_missing");
        header(&good.replace(",timestamp", ",extra=\"1\",timestamp")).await.is("signature_invalid");
        header(&good.replace("nonce_str=\"", "nonce_str=\"!")).await.is("signature_invalid");
        header(&good.replace("serial_no", "serial")).await.is("signature_invalid");
        header(&format!("{good},{}", "x".repeat(3000))).await.is("signature_invalid");
        header(&good).await.went_well();
    });
}

#[test]
fn a_copy_is_refused_also_after_a_restart_and_at_another_node() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        world.clock.advance(600_000);
        let body = serde_json::to_vec(&order_ask("A1", 100)).expect("JSON");
        let signature = street.server.sign("POST", "/v1/merchant/orders", &body);
        let send = async |door: &Door| {
            door.with_signature(&signature, Method::POST, "/v1/merchant/orders", body.clone()).await
        };
        send(&door).await.went_well();
        send(&door).await.is("nonce_reused");
        send(&Door::open(world).await).await.is("nonce_reused");
        door.running.stop().await;
        world.crash().await;
        let door = Door::open(world).await;
        send(&door).await.is("nonce_reused");
        // Sent again under a fresh signature it is safe: the number is the order's for ever.
        let again = door
            .merchant(&street.server, Method::POST, "/v1/merchant/orders", Some(&order_ask("A1", 100)))
            .await;
        assert_eq!(again.status, 200, "{}", again.body);
        // A clock that goes back opens no door to old copies.
        world.clock.advance(-120_000);
        send(&door).await.is("nonce_reused");
        world.clock.advance(2 * 3_600_000);
        send(&door).await.is("timestamp_out_of_window");
    });
}

#[test]
fn many_copies_at_once_pass_once() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let signature = street.server.sign("POST", ECHO, b"");
        let copies = (0..20).map(|_| door.with_signature(&signature, Method::POST, ECHO, Vec::new()));
        let heard = futures_util::future::join_all(copies).await;
        let passed = heard.iter().filter(|heard| heard.status == 200).count();
        assert_eq!(passed, 1);
        heard
            .iter()
            .filter(|heard| heard.status != 200)
            .for_each(|heard| assert_eq!(heard.text("code"), "nonce_reused"));
    });
}

#[test]
fn the_same_number_with_other_content_is_refused_by_name() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let create = async |ask: &Value| {
            door.merchant(&street.server, Method::POST, "/v1/merchant/orders", Some(ask)).await
        };
        assert_eq!(create(&order_ask("A1", 100)).await.status, 201);
        assert_eq!(create(&order_ask("A1", 100)).await.status, 200);
        create(&order_ask("A1", 101)).await.names("conflict", "amount");
        let mut ask = order_ask("A1", 100);
        ask["description"] = json!("something else");
        create(&ask).await.names("conflict", "description");
    });
}
