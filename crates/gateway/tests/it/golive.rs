//! Monitoring over HTTP: what is counted for whom, and what nobody else can add or see.

use jialing_crypto::Suite;
use jialing_gateway::Rate;
use jialing_platform::merchants::{self, KeyAsk};
use jialing_platform::monitoring::{self, Key, Meter, alerts};
use reqwest::Method;
use serde_json::{Value, json};

use crate::acting::{act, provider};
use crate::door::{Door, Server, Street, order_ask};
use crate::world::{World, on_each_backend};

const MONITORING: &str = "/v1/merchant/monitoring";
const ORDERS: &str = "/v1/merchant/orders";

fn counts(body: &Value) -> Vec<(String, u64)> {
    let codes = body["total"]["codes"].as_array().expect("codes");
    let one = |code: &Value| {
        (code["code"].as_str().expect("a code").to_owned(), code["count"].as_u64().expect("a count"))
    };
    codes.iter().map(one).collect()
}

#[test]
fn a_merchant_sees_what_its_servers_asked_and_how_it_went() {
    on_each_backend(async |world: &mut World| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let call = async |method: Method, target: &str, body: Option<&Value>| {
            door.merchant(&street.server, method, target, body).await
        };
        for n in 0..3 {
            call(Method::POST, ORDERS, Some(&order_ask(&format!("m-{n}"), 100))).await.went_well();
        }
        call(Method::POST, ORDERS, Some(&order_ask("m-0", 200))).await.is("conflict");
        call(Method::GET, "/v1/merchant/orders/ord_06f3k1v8q0m2r4t6w8y0a2c4e0", None).await.is("not_found");
        call(Method::GET, "/v1/merchant/orders?limit=0", None).await.is("invalid_request");
        // A forged signature and a stranger's key change nothing of its figures.
        let mut forged = street.server.sign("GET", ORDERS, b"");
        forged.signature[0] ^= 1;
        door.with_signature(&forged, Method::GET, ORDERS, Vec::new()).await.is("signature_invalid");
        let seen = call(Method::GET, MONITORING, None).await;
        assert_eq!(seen.status, 200, "{}", seen.body);
        assert_eq!((&seen.body["total"]["requests"], &seen.body["total"]["failed"]), (&json!(6), &json!(3)));
        assert_eq!(seen.body["total"]["success_percent"], 50.0);
        assert_eq!(
            counts(&seen.body),
            [("conflict".into(), 1), ("invalid_request".into(), 1), ("not_found".into(), 1)]
        );
        assert!(seen.body["total"]["p99_ms"].as_u64().expect("a bound") > 0);
        // Written by the node itself when a minute has passed, as the stop writes it too.
        let Door { running, .. } = door;
        running.stop().await;
        let kept =
            monitoring::of(&world.app, &Meter::default(), &street.shop.caller, &Default::default()).await;
        assert_eq!(kept.expect("figures").total.requests, 7, "with the question itself");
    });
}

#[test]
fn figures_are_their_owners_and_a_key_needs_the_scope() {
    on_each_backend(async |world: &mut World| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let owner = &street.shop.owner;
        let of_shop = format!("/v1/wallet/merchants/{}/monitoring", street.shop.id);
        door.merchant(&street.server, Method::GET, ORDERS, None).await.went_well();
        let owned = door.person(owner, Method::GET, &of_shop, None).await;
        assert_eq!(owned.body["total"]["requests"], 1, "{}", owned.body);
        door.person(&street.payer, Method::GET, &of_shop, None).await.is("not_found");
        let unknown = "/v1/wallet/merchants/mch_06f3k1v8q0m2r4t6w8y0a2c4e0/monitoring";
        door.person(owner, Method::GET, unknown, None).await.is("not_found");
        for (query, field) in [
            ("from=yesterday", "from"),
            ("to=2026-02-30T00:00:00Z", "to"),
            ("from=2030-01-01T00:00:00Z&to=2029-01-01T00:00:00Z", "to"),
            ("from=2020-01-01T00:00:00Z&to=2021-01-01T00:00:00Z", "to"),
        ] {
            let target = format!("{MONITORING}?{query}");
            door.merchant(&street.server, Method::GET, &target, None).await.names("invalid_request", field);
        }
        let key = |scope: &str| {
            let key = jialing_crypto::SigningKey::generate(Suite::Ed25519);
            let scopes = Some(vec![scope.to_owned()]);
            (KeyAsk { public_key: key.public().to_pem(), scopes, ..KeyAsk::default() }, key)
        };
        for (scope, code) in [("orders:read", Some("scope_missing")), ("monitoring:read", None)] {
            let (ask, key) = key(scope);
            merchants::register_key(&world.app, &owner.actor, street.shop.id, ask).await.expect("registered");
            let server = Server { merchant: street.shop.id, key, clock: world.clock.clone() };
            let heard = door.merchant(&server, Method::GET, MONITORING, None).await;
            match code {
                Some(code) => heard.is(code),
                None => heard.went_well(),
            };
        }
        let seen = door.person(owner, Method::GET, &of_shop, None).await;
        assert!(
            counts(&seen.body).contains(&("scope_missing".into(), 1)),
            "what the gate refuses is counted"
        );
    });
}

#[test]
fn a_provider_s_requests_are_the_merchant_s_figures_only_with_a_grant() {
    on_each_backend(async |world: &mut World| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let (acting, server) = provider(world, 3).await;
        let (sub, owner) = (street.shop.id.to_string(), &street.shop.owner);
        let of_shop = format!("/v1/wallet/merchants/{sub}/monitoring");
        act(&door, &server, &sub, Method::GET, ORDERS, None).await.is("forbidden");
        let before = door.person(owner, Method::GET, &of_shop, None).await;
        assert_eq!(before.body["total"]["requests"], 0, "without a grant it is nothing of the merchant's");
        let grant = format!("/v1/wallet/merchants/{sub}/providers/{}", acting.id);
        let scopes = json!({ "scopes": ["orders:read", "monitoring:read"] });
        door.person(owner, Method::PUT, &grant, Some(&scopes)).await.went_well();
        for _ in 0..2 {
            act(&door, &server, &sub, Method::GET, ORDERS, None).await.went_well();
        }
        door.merchant(&street.server, Method::GET, ORDERS, None).await.went_well();
        let own = door.person(owner, Method::GET, &of_shop, None).await;
        assert_eq!(
            (&own.body["total"]["requests"], own.body["providers"].as_array().map(Vec::len)),
            (&json!(3), Some(1))
        );
        assert_eq!(own.body["providers"][0]["merchant_id"], acting.id.to_string());
        assert_eq!(own.body["providers"][0]["requests"], 2);
        let narrow = act(&door, &server, &sub, Method::GET, MONITORING, None).await;
        assert_eq!(narrow.body["total"]["requests"], 2, "only what it asked itself: {}", narrow.body);
        let mine = door.merchant(&server, Method::GET, MONITORING, None).await;
        assert_eq!(mine.body["acting_for"][0]["merchant_id"], sub);
        assert_eq!(mine.body["acting_for"][0]["requests"], 3, "{}", mine.body);
        assert_eq!(counts(&mine.body), [("forbidden".into(), 1)], "the refusal is its own");
        act(&door, &server, &sub, Method::POST, "/v1/merchant/feedback", Some(&json!({})))
            .await
            .is("forbidden");
    });
}

#[test]
fn an_alert_reaches_the_merchant_as_an_event() {
    on_each_backend(async |world: &mut World| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let meter = Meter::default();
        let minute = world.clock.millis() / 60_000;
        let key = Key { merchant: street.shop.id, minute, provider: None };
        for _ in 0..30 {
            meter.note(key, std::time::Duration::from_secs(2), None);
        }
        monitoring::flush(&world.app, &meter).await.expect("written");
        world.clock.advance(120_000);
        alerts::look(&world.app).await.expect("looked");
        let events = door.merchant(&street.server, Method::GET, "/v1/merchant/events", None).await;
        let alert = &events.body["items"][0];
        assert_eq!(
            (&alert["type"], &alert["resource"]["rule"]),
            (&json!("integration.alert"), &json!("LATENCY"))
        );
        assert_eq!(
            (&alert["resource"]["measured"], &alert["resource"]["threshold"]),
            (&json!(2_500), &json!(1_000))
        );
        let seen = door.merchant(&street.server, Method::GET, MONITORING, None).await;
        assert_eq!(seen.body["alerts"][0]["rule"], "LATENCY");
    });
}

#[test]
fn looking_at_figures_is_limited_like_other_costly_routes() {
    on_each_backend(async |world: &mut World| {
        let street = Street::build(world).await;
        let door = Door::with(world, |config| config.limits.heavy = Rate { burst: 1, per_minute: 1 }).await;
        door.merchant(&street.server, Method::GET, MONITORING, None).await.went_well();
        let refused = door.merchant(&street.server, Method::GET, MONITORING, None).await;
        assert_eq!(refused.is("rate_limited").body["bucket"]["name"], "heavy");
        door.merchant(&street.server, Method::GET, ORDERS, None).await.went_well();
    });
}
