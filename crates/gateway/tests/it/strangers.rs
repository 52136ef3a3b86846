//! Other people's things, revoked devices, guesses and scans.

use jialing_platform::devices;
use jialing_platform::transfers::LookupAsk;
use jialing_platform::{Code, sessions};
use reqwest::Method;
use serde_json::{Value, json};

use crate::citizen::{Citizen, PIN, phone};
use crate::city;
use crate::door::{Door, Server, Street, hear, nothing_is_lost, order_ask};
use crate::market::Shop;
use crate::world::on_each_backend;

#[test]
fn what_is_somebody_elses_looks_like_what_does_not_exist() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let stranger = Citizen::identified(world, 3, "韩梅梅").await;
        let wallet = street.wallet.to_string();
        let get = async |target: &str| door.person(&stranger, Method::GET, target, None).await;
        let same = async |theirs: &str, nobodys: &str| {
            let (theirs, nobodys) = (get(theirs).await, get(nobodys).await);
            theirs.is("not_found");
            assert_eq!((theirs.status, &theirs.body["detail"]), (nobodys.status, &nobodys.body["detail"]));
        };
        same(&format!("/v1/wallet/wallets/{wallet}"), "/v1/wallet/wallets/wal_06f3k1v8q0m2r4t6w8y0a2c4e0")
            .await;
        same(
            &format!("/v1/wallet/devices/{}", street.payer.device),
            "/v1/wallet/devices/dev_06f3k1v8q0m2r4t6w8y0a2c4e0",
        )
        .await;
        same(
            &format!("/v1/wallet/merchants/{}", street.shop.id),
            "/v1/wallet/merchants/mch_06f3k1v8q0m2r4t6w8y0a2c4e0",
        )
        .await;

        // Paying from another's wallet, with one's own device and PIN.
        let order = street.shop.order(world, "theirs", 1_000).await;
        door.pay(world, &stranger, street.wallet, &order).await.is("not_found");
        // Another's device under one's own session.
        let evidence = street.payer.sign(
            world,
            "pay",
            &order.merchant_id.to_string(),
            1_000,
            &order.id.to_string(),
            street.wallet,
        );
        let ask = json!({ "wallet_id": city::wallet(world, &stranger, "BKA", 5_000).await, "pin": PIN, "evidence": evidence });
        door.person(&stranger, Method::POST, &format!("/v1/wallet/orders/{}/payments", order.id), Some(&ask))
            .await
            .is("device_unknown");

        // Another merchant's order.
        let other = Shop::open(world, 4, "BKB").await;
        let server = Server::of(world, &other, jialing_crypto::Suite::Sm2Sm3).await;
        door.merchant(&server, Method::GET, &format!("/v1/merchant/orders/{}", order.id), None)
            .await
            .is("not_found");
        door.merchant(&server, Method::POST, &format!("/v1/merchant/orders/{}/close", order.id), None)
            .await
            .is("not_found");
        let refund = json!({ "out_refund_no": "x", "order_id": order.id, "amount": { "amount": 1, "currency": "CNY" } });
        door.merchant(&server, Method::POST, "/v1/merchant/refunds", Some(&refund)).await.is("not_found");
        assert_eq!(city::balance(world, street.wallet).await, 1_000_000);
        nothing_is_lost(world).await;
    });
}

#[test]
fn a_device_signs_exactly_what_is_paid_until_it_is_revoked() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let payer = &street.payer;
        let order = street.shop.order(world, "signed", 1_000).await;
        let other = street.shop.order(world, "other", 1_000).await;
        let (merchant, id): (String, String) = (order.merchant_id.to_string(), order.id.to_string());
        let pay = async |evidence: Value| {
            let ask = json!({ "wallet_id": street.wallet, "pin": PIN, "evidence": evidence });
            door.person(payer, Method::POST, &format!("/v1/wallet/orders/{id}/payments"), Some(&ask)).await
        };
        let signed = |action: &'static str, payee: &str, amount: u64, subject: &str| {
            json!(payer.sign(world, action, payee, amount, subject, street.wallet))
        };
        pay(signed("transfer", &merchant, 1_000, &id)).await.is("device_signature_invalid");
        pay(signed("pay", "mch_06f3k1v8q0m2r4t6w8y0a2c4e0", 1_000, &id)).await.is("device_signature_invalid");
        pay(signed("pay", &merchant, 1, &id)).await.is("device_signature_invalid");
        pay(signed("pay", &merchant, 1_000, &other.id.to_string())).await.is("device_signature_invalid");
        let mut forged = signed("pay", &merchant, 1_000, &id);
        forged["signature"] = json!("AAAA");
        pay(forged).await.is("device_signature_invalid");
        let old = signed("pay", &merchant, 1_000, &id);
        world.clock.advance(301_000);
        pay(old).await.is("evidence_expired");

        // A nonce that signed one thing signs no other.
        let good = signed("pay", &merchant, 1_000, &id);
        pay(good.clone()).await.went_well();
        let evidence = devices::Evidence {
            action: "pay",
            payee: merchant.clone(),
            amount: jialing_platform::Money::fen(1_000),
            subject: other.id.to_string(),
            wallet: street.wallet,
            expires_at: world.clock.millis() + 60_000,
            nonce: good["nonce"].as_str().expect("a nonce").to_owned(),
        };
        let ask =
            json!({ "wallet_id": street.wallet, "pin": PIN, "evidence": payer.sign_evidence(&evidence) });
        door.person(payer, Method::POST, &format!("/v1/wallet/orders/{}/payments", other.id), Some(&ask))
            .await
            .is("nonce_reused");

        let revoke = format!("/v1/wallet/devices/{}/revoke", payer.device);
        door.person(payer, Method::POST, &revoke, None).await.went_well();
        let after = door.pay(world, payer, street.wallet, &other).await;
        assert!(
            ["device_unknown", "unauthenticated"].contains(&after.text("code").as_str()),
            "{}",
            after.body
        );
        assert_eq!(city::balance(world, street.wallet).await, 999_000);
        nothing_is_lost(world).await;
    });
}

#[test]
fn guessing_a_pin_locks_it_and_guesses_at_once_do_not_slip_through() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let order = street.shop.order(world, "guess", 200_000).await;
        let guess = async |pin: String| {
            let evidence = street.payer.sign(
                world,
                "pay",
                &order.merchant_id.to_string(),
                200_000,
                &order.id.to_string(),
                street.wallet,
            );
            let ask = json!({ "wallet_id": street.wallet, "pin": pin, "evidence": evidence });
            door.person(
                &street.payer,
                Method::POST,
                &format!("/v1/wallet/orders/{}/payments", order.id),
                Some(&ask),
            )
            .await
        };
        let heard = futures_util::future::join_all((0..20).map(|n| guess(format!("9{n:05}")))).await;
        let (wrong, locked): (Vec<_>, Vec<_>) =
            heard.iter().partition(|heard| heard.text("code") == "pin_invalid");
        assert!(wrong.len() <= 5, "{} guesses were tried", wrong.len());
        for heard in locked {
            heard.is("pin_locked");
            assert!(heard.headers.contains_key("retry-after"), "{}", heard.body);
        }
        guess(PIN.into()).await.is("pin_locked");
        assert_eq!(city::balance(world, street.wallet).await, 1_000_000);
    });
}

#[test]
fn phones_cannot_be_told_apart_by_signing_in_nor_scanned_by_looking_up() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let code = async |phone: &str| {
            let ask = json!({ "phone": phone, "purpose": "sign_in" });
            hear(door.request(Method::POST, "/v1/wallet/codes").json(&ask)).await
        };
        let (known, unknown) = (code(&phone(2)).await, code(&phone(77)).await);
        assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
        let sign_in = async |phone: &str| {
            let ask = json!({ "phone": phone, "password": "not the password 1", "code": "000000" });
            hear(door.request(Method::POST, "/v1/wallet/sessions").json(&ask)).await
        };
        let (known, unknown) = (sign_in(&phone(2)).await, sign_in(&phone(77)).await);
        known.is("sign_in_failed");
        assert_eq!((known.status, &known.body["detail"]), (unknown.status, &unknown.body["detail"]));

        // Each miss costs: a scan ends after a handful.
        let mut misses = 0;
        for n in 100..130 {
            let ask = LookupAsk { phone: phone(n) };
            let heard = door
                .person(
                    &street.payer,
                    Method::POST,
                    "/v1/wallet/payees/lookup",
                    Some(&json!({ "phone": ask.phone })),
                )
                .await;
            match heard.text("code").as_str() {
                "payee_unknown" => misses += 1,
                code => assert_eq!(code, Code::RateLimited.text(), "{}", heard.body),
            }
        }
        assert!((1..=8).contains(&misses), "{misses} numbers were tried");
    });
}

#[test]
fn a_session_that_ended_speaks_for_nobody() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let payer = &street.payer;
        door.person(payer, Method::GET, "/v1/wallet/sessions", None).await.went_well();
        hear(
            door.request(Method::GET, "/v1/wallet/sessions")
                .header("Authorization", format!("bearer {}", payer.token)),
        )
        .await
        .went_well();
        for other in ["", "Bearer", "Bearer ", "Basic abc", "Bearer \u{e9}"] {
            let value = reqwest::header::HeaderValue::from_bytes(other.as_bytes()).expect("bytes");
            hear(door.request(Method::GET, "/v1/wallet/sessions").header("Authorization", value))
                .await
                .is("unauthenticated");
        }
        sessions::end(&world.app, &payer.actor, payer.actor.session).await.expect("it is one's own");
        door.person(payer, Method::GET, "/v1/wallet/sessions", None).await.is("unauthenticated");
        let made = door
            .merchant(&street.server, Method::POST, "/v1/merchant/orders", Some(&order_ask("still", 1)))
            .await;
        made.went_well();
    });
}
