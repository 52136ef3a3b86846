//! Feedback over HTTP: the public letter box, merchants' own, and operators who answer; and the requirements form.

use jialing_crypto::{SigningKey, Suite};
use jialing_gateway::{OperatorKey, Rate};
use jialing_platform::merchants::{self, KeyAsk};
use reqwest::Method;
use serde_json::{Value, json};

use crate::citizen::Citizen;
use crate::city;
use crate::door::{Door, Heard, Server, Street, hear};
use crate::files::operate;
use crate::market::Shop;
use crate::world::{World, on_each_backend};

const PUBLIC: &str = "/v1/public/feedback";
const MERCHANT: &str = "/v1/merchant/feedback";
const DESK: &str = "/v1/operator/feedback";

fn ask(text: &str) -> Value {
    json!({ "topic": "DOCUMENTS", "text": text, "about": "guides/webhooks", "contact": "dev@shop.example" })
}

async fn post(door: &Door, key: Option<&str>, body: &Value) -> Heard {
    let request = door.request(Method::POST, PUBLIC).json(body);
    hear(match key {
        Some(key) => request.header("Idempotency-Key", key),
        None => request,
    })
    .await
}

/// The same as a merchant's server.
async fn give(door: &Door, server: &Server, key: &str, body: &Value) -> Heard {
    let bytes = serde_json::to_vec(body).expect("JSON");
    let signature = server.sign("POST", MERCHANT, &bytes).to_header();
    let request = door.request(Method::POST, MERCHANT).header("Authorization", signature);
    let heard =
        hear(request.header("Content-Type", "application/json").header("Idempotency-Key", key).body(bytes))
            .await;
    door.check_signed(&heard);
    heard
}

/// A gateway that knows an operator.
async fn with_operator(world: &World, key: &SigningKey) -> Door {
    Door::with(world, |config| {
        config.operators = vec![OperatorKey { name: "li.ming".into(), key: key.public().clone() }];
    })
    .await
}

#[test]
fn anyone_may_write_and_operators_answer() {
    on_each_backend(async |world: &mut World| {
        let li = SigningKey::generate(Suite::Ed25519);
        let door = with_operator(world, &li).await;
        let desk = async |method: Method, target: &str, body: Option<&Value>| {
            operate(world, &door, ("li.ming", &li), method, target, body).await
        };
        let given = post(&door, Some("k-1"), &ask("第二步的 curl 少了引号。\n谢谢!")).await;
        assert_eq!((given.status, given.text("state")), (201, "OPEN".into()), "{}", given.body);
        assert!(given.body.get("contact").is_none() && given.body.get("text").is_none());
        let again = post(&door, Some("k-1"), &ask("第二步的 curl 少了引号。\n谢谢!")).await;
        assert_eq!((again.status, &again.body), (201, &given.body), "once, however often it is sent");
        post(&door, Some("k-1"), &ask("另一件事")).await.is("idempotency_key_reused");
        post(&door, None, &ask("x")).await.is("idempotency_key_missing");
        for (change, field) in [
            (json!({ "topic": "SPAM" }), "topic"),
            (json!({ "text": "" }), "text"),
            (json!({ "text": "x".repeat(4_001) }), "text"),
            (json!({ "text": "a\u{0}b" }), "text"),
            (json!({ "about": "a\nb" }), "about"),
            (json!({ "contact": "x".repeat(121) }), "contact"),
            (json!({ "merchant_id": "mch_1" }), "merchant_id"),
        ] {
            let mut body = ask("x");
            let changes = change.as_object().expect("an object");
            changes.iter().for_each(|(name, value)| body[name] = value.clone());
            post(&door, Some("k-2"), &body).await.names("invalid_request", field);
        }
        let huge = json!({ "topic": "WISH", "text": "x".repeat(70_000) });
        post(&door, Some("k-3"), &huge).await.is("body_too_large");

        let open = desk(Method::GET, &format!("{DESK}?state=OPEN"), None).await;
        assert_eq!(open.body["items"].as_array().map(Vec::len), Some(1), "{}", open.body);
        let one = format!("{DESK}/{}", given.text("id"));
        let shown = desk(Method::GET, &one, None).await;
        assert_eq!(
            (shown.text("contact"), shown.text("about")),
            ("dev@shop.example".into(), "guides/webhooks".into())
        );
        desk(Method::POST, &format!("{one}/answer"), Some(&json!({ "answer": "" })))
            .await
            .names("invalid_request", "answer");
        let words = json!({ "answer": "已更正,谢谢。" });
        let answered = desk(Method::POST, &format!("{one}/answer"), Some(&words)).await;
        assert_eq!((answered.text("state"), &answered.body["answer"]), ("ANSWERED".into(), &words["answer"]));
        desk(Method::POST, &format!("{one}/answer"), Some(&words)).await.went_well();
        let others = json!({ "answer": "别的" });
        desk(Method::POST, &format!("{one}/answer"), Some(&others)).await.names("conflict", "answer");
        let nobody = format!("{DESK}/fbk_06f3k1v8q0m2r4t6w8y0a2c4e0");
        desk(Method::GET, &nobody, None).await.is("not_found");
        desk(Method::GET, &format!("{DESK}?state=LOST"), None).await.names("invalid_request", "state");
        // A stranger's key opens no desk.
        let strange = SigningKey::generate(Suite::Ed25519);
        operate(world, &door, ("li.ming", &strange), Method::GET, DESK, None).await.is("key_unknown");
    });
}

#[test]
fn the_letter_box_has_the_rate_of_other_doors() {
    on_each_backend(async |world: &mut World| {
        let door = Door::with(world, |config| {
            config.limits.doors = Rate { burst: 2, per_minute: 1 };
            config.trusted_proxies = 1;
        })
        .await;
        let from = async |address: &str, key: &str| {
            let request = door.request(Method::POST, PUBLIC).header("X-Forwarded-For", address);
            hear(request.header("Idempotency-Key", key).json(&ask("x"))).await
        };
        let first = from("203.0.113.7", "k").await;
        assert_eq!(first.status, 201, "{}", first.body);
        // The key is the address's: another one's means another letter.
        let other = from("203.0.113.8", "k").await;
        assert_ne!(first.text("id"), other.text("id"));
        from("203.0.113.7", "k-2").await.went_well();
        assert_eq!(from("203.0.113.7", "k-3").await.is("rate_limited").body["bucket"]["name"], "doors");
        from("203.0.113.8", "k-2").await.went_well();
        let owners: Vec<String> = sqlx::query_scalar("SELECT owner FROM idempotency_keys")
            .fetch_all(world.app.db.read())
            .await
            .expect("the rows");
        assert!(
            owners.iter().all(|owner| owner.starts_with("visitor/") && !owner.contains("203.0")),
            "{owners:?}"
        );
    });
}

#[test]
fn a_merchant_s_feedback_is_its_own_and_its_answer_is_told() {
    on_each_backend(async |world: &mut World| {
        let street = Street::build(world).await;
        let li = SigningKey::generate(Suite::Ed25519);
        let door = with_operator(world, &li).await;
        let given = give(&door, &street.server, "k-1", &ask("通知晚了一小时。")).await;
        assert_eq!(given.status, 201, "{}", given.body);
        assert_eq!(give(&door, &street.server, "k-1", &ask("通知晚了一小时。")).await.body, given.body);
        let mine = format!("{MERCHANT}/{}", given.text("id"));
        let read = door.merchant(&street.server, Method::GET, &mine, None).await;
        assert_eq!((read.text("text"), read.text("state")), ("通知晚了一小时。".into(), "OPEN".into()));
        let other = Shop::open(world, 4, "BKB").await;
        let strangers = Server::of(world, &other, Suite::Sm2Sm3).await;
        door.merchant(&strangers, Method::GET, &mine, None).await.is("not_found");
        let key = SigningKey::generate(Suite::Ed25519);
        let terms = KeyAsk {
            public_key: key.public().to_pem(),
            scopes: Some(vec!["monitoring:read".into()]),
            ..KeyAsk::default()
        };
        merchants::register_key(&world.app, &street.shop.owner.actor, street.shop.id, terms)
            .await
            .expect("a key");
        let reads = Server { merchant: street.shop.id, key, clock: world.clock.clone() };
        give(&door, &reads, "k-2", &ask("x")).await.is("scope_missing");
        door.merchant(&reads, Method::GET, &mine, None).await.went_well();

        let words = json!({ "answer": "端点返回 503,已按计划重试。" });
        let target = format!("{DESK}/{}/answer", given.text("id"));
        operate(world, &door, ("li.ming", &li), Method::POST, &target, Some(&words)).await.went_well();
        let events = door.merchant(&street.server, Method::GET, "/v1/merchant/events", None).await;
        let told = &events.body["items"][0];
        assert_eq!(
            (&told["type"], &told["resource"]["answer"]),
            (&json!("feedback.answered"), &words["answer"])
        );
        assert_eq!(door.merchant(&street.server, Method::GET, &mine, None).await.text("state"), "ANSWERED");
    });
}

#[test]
fn an_applicant_fills_in_the_requirements_of_the_guide_and_is_told_what_fits() {
    on_each_backend(async |world: &mut World| {
        city::found(world).await;
        let li = SigningKey::generate(Suite::Ed25519);
        let door = with_operator(world, &li).await;
        let owner = Citizen::identified(world, 1, "王掌柜").await;
        let eve = Citizen::identified(world, 2, "伊芙").await;
        let organisation = json!({ "name": "磁器口麻花有限公司", "licence": city::licence(1) });
        let organisation =
            door.person(&owner, Method::POST, "/v1/wallet/organisations", Some(&organisation)).await;
        let shown = |guide: &str| -> Value {
            let body = guide.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
            serde_json::from_str(body.expect("a body is shown")).expect("JSON")
        };
        let business = shown(include_str!("../../../../docs/guides/onboarding.md"));
        let ask = json!({
            "organisation_id": organisation.text("organisation_id"), "kind": "MERCHANT", "business": business,
        });
        let begun = door.keyed(&owner, "/v1/wallet/applications", "a-1", &ask).await;
        let mine = format!("/v1/wallet/applications/{}/requirements", begun.went_well().text("id"));
        let mut form = shown(include_str!("../../../../docs/guides/going-live.md"));
        let soon = jialing_platform::clock::rfc3339(world.clock.millis() + 60 * 86_400_000);
        form["planned_on"] = json!(&soon[..10]);
        door.person(&eve, Method::PUT, &mine, Some(&form)).await.is("not_found");
        let filled = door.person(&owner, Method::PUT, &mine, Some(&form)).await;
        assert_eq!((filled.status, &filled.body["requirements"]), (200, &form), "{}", filled.body);
        let products: Vec<&str> = filled.body["choice"]["products"]
            .as_array()
            .expect("products")
            .iter()
            .filter_map(|one| one["product"].as_str())
            .collect();
        assert_eq!(
            products,
            ["DYNAMIC_CODE", "CASHIER", "CONSUMER_CODE", "REFUND", "WEBHOOK", "RECONCILIATION"]
        );
        for (change, code, field) in [
            (json!({ "products": ["TELEPATHY"] }), "invalid_request", "products[0]"),
            (json!({ "products": [] }), "invalid_request", "products"),
            (json!({ "payments_per_peak_second": 0 }), "invalid_request", "payments_per_peak_second"),
            (
                json!({ "average_amount": { "amount": -1, "currency": "CNY" } }),
                "amount_invalid",
                "average_amount.amount",
            ),
            (json!({ "planned_on": "2020-01-01" }), "invalid_request", "planned_on"),
            (
                json!({ "contact": { "name": "张工", "phone": "x", "mail": null } }),
                "invalid_request",
                "contact.phone",
            ),
            (json!({ "colour": "red" }), "invalid_request", "colour"),
        ] {
            let mut bad = form.clone();
            change.as_object().expect("an object").iter().for_each(|(name, value)| bad[name] = value.clone());
            door.person(&owner, Method::PUT, &mine, Some(&bad)).await.names(code, field);
        }
        let desk = format!("/v1/operator/applications/{}", begun.text("id"));
        let seen = operate(world, &door, ("li.ming", &li), Method::GET, &desk, None).await;
        assert_eq!((&seen.body["requirements"], &seen.body["choice"]), (&form, &filled.body["choice"]));
    });
}
