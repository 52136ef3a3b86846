//! A shop over HTTP, from registration to a revoked charge, with the bodies that the guide shows.

use jialing_crypto::{SigningKey, Suite};
use jialing_platform::mandates;
use reqwest::Method;
use serde_json::{Value, json};

use crate::citizen::{Citizen, PIN};
use crate::city::{self, licence};
use crate::door::{Door, Server, nothing_is_lost};
use crate::world::{World, on_each_backend};

const GUIDE: &str = include_str!("../../../../docs/guides/taking-a-payment.md");

/// The body that the guide shows for this request, with some members replaced.
fn body(request: &str, replaced: Value) -> Value {
    let marker = format!("<!-- body: {request} -->\n```json\n");
    let start =
        GUIDE.find(&marker).unwrap_or_else(|| panic!("the guide shows a body for {request}")) + marker.len();
    let length = GUIDE[start..].find("```").expect("the fence ends");
    let mut body: Value = serde_json::from_str(&GUIDE[start..start + length]).expect("the guide shows JSON");
    for (name, value) in replaced.as_object().expect("an object") {
        assert!(body.get(name).is_some(), "the guide's {request} has {name}");
        body[name] = value.clone();
    }
    body
}

/// The owner's side of the guide: a merchant, a store, a key. Answers their ids.
async fn register(world: &World, door: &Door, owner: &Citizen) -> (String, String) {
    let organisation = json!({ "name": "磁器口麻花有限公司", "licence": licence(1) });
    let organisation =
        door.person(owner, Method::POST, "/v1/wallet/organisations", Some(&organisation)).await;
    let named = json!({ "organisation_id": organisation.text("organisation_id") });
    let ask = body("POST /v1/wallet/merchants", named);
    let merchant = door.person(owner, Method::POST, "/v1/wallet/merchants", Some(&ask)).await;
    assert_eq!((merchant.status, merchant.text("status")), (201, "ACTIVE".into()), "{}", merchant.body);
    let again = door.person(owner, Method::POST, "/v1/wallet/merchants", Some(&ask)).await;
    assert_eq!(again.body, merchant.body);
    let id = merchant.text("id");
    let of = format!("/v1/wallet/merchants/{id}");
    assert_eq!(door.person(owner, Method::GET, &of, None).await.body, merchant.body);
    let listed = door.person(owner, Method::GET, "/v1/wallet/merchants", None).await;
    assert_eq!(listed.body, json!({ "items": [merchant.body], "has_more": false }));

    let stores = format!("{of}/stores");
    let ask = body("POST /v1/wallet/merchants/{merchant_id}/stores", json!({}));
    let store = door.keyed(owner, &stores, "store-1", &ask).await;
    assert_eq!(store.status, 201, "{}", store.body);
    let again = door.keyed(owner, &stores, "store-1", &ask).await;
    assert_eq!(
        (again.body, again.headers["idempotent-replayed"].to_str().ok()),
        (store.body.clone(), Some("true"))
    );
    let listed = door.person(owner, Method::GET, &stores, None).await;
    assert_eq!(listed.body["items"], json!([store.body]));

    let keys = format!("{of}/keys");
    let shown = body("POST /v1/wallet/merchants/{merchant_id}/keys", json!({}));
    let key = door.person(owner, Method::POST, &keys, Some(&shown)).await;
    assert_eq!((key.status, key.text("suite")), (201, "ED25519".into()), "{}", key.body);
    assert_eq!((key.text("serial"), &key.body["valid"]), ("06e3fd8fda29bb60".into(), &json!(true)));
    let listed = door.person(owner, Method::GET, &keys, None).await;
    assert_eq!(listed.body, json!([key.body]));
    let revoked = door.person(owner, Method::DELETE, &format!("{keys}/06e3fd8fda29bb60"), None).await;
    assert_eq!(revoked.body["valid"], json!(false));
    door.person(owner, Method::POST, &keys, Some(&shown)).await.is("state_conflict");
    world.settle().await;
    (id, store.text("id"))
}

/// A server with a fresh key of the shop's.
async fn server(world: &World, door: &Door, owner: &Citizen, merchant: &str, suite: Suite) -> Server {
    let key = SigningKey::generate(suite);
    let ask = json!({ "public_key": key.public().to_pem() });
    let keys = format!("/v1/wallet/merchants/{merchant}/keys");
    door.person(owner, Method::POST, &keys, Some(&ask)).await.went_well();
    Server { merchant: merchant.parse().expect("an id"), key, clock: world.clock.clone() }
}

#[test]
fn a_shop_follows_the_guide_from_registration_to_refunds() {
    on_each_backend(async |world: &mut World| {
        city::found(world).await;
        let door = Door::open(world).await;
        let owner = Citizen::identified(world, 1, "王掌柜").await;
        let payer = Citizen::identified(world, 2, "李雷").await;
        let wallet = city::wallet(world, &payer, "BKB", 100_000).await;
        let (merchant, store) = register(world, &door, &owner).await;
        let server = server(world, &door, &owner, &merchant, Suite::Sm2Sm3).await;
        let call = async |method: Method, target: &str, ask: Option<&Value>| {
            door.merchant(&server, method, target, ask).await
        };

        let ask = body("POST /v1/merchant/orders", json!({ "store_id": store }));
        let order = call(Method::POST, "/v1/merchant/orders", Some(&ask)).await;
        assert_eq!((order.status, order.text("state")), (201, "NOTPAY".into()), "{}", order.body);
        let again = call(Method::POST, "/v1/merchant/orders", Some(&ask)).await;
        assert_eq!((again.status, &again.body), (200, &order.body));
        let mut other = ask.clone();
        other["amount"]["amount"] = 1251.into();
        call(Method::POST, "/v1/merchant/orders", Some(&other)).await.names("conflict", "amount");

        let scanned = json!({ "payload": order.text("qr_code") });
        let seen = door.person(&payer, Method::POST, "/v1/wallet/scans", Some(&scanned)).await;
        assert_eq!((seen.text("id"), seen.text("merchant_name_zh")), (order.text("id"), "磁器口麻花".into()));
        assert_eq!(seen.text("store_name"), "解放碑店");
        door.person(&payer, Method::POST, "/v1/wallet/scans", Some(&json!({ "payload": "hello" })))
            .await
            .names("invalid_request", "payload");
        let evidence = payer.sign(world, "pay", &merchant, 1250, &order.text("id"), wallet);
        let pay = json!({ "wallet_id": wallet, "evidence": evidence });
        let paid = door
            .person(
                &payer,
                Method::POST,
                &format!("/v1/wallet/orders/{}/payments", order.text("id")),
                Some(&pay),
            )
            .await;
        assert_eq!((paid.status, paid.text("state")), (200, "SUCCESS".into()), "{}", paid.body);

        let by_id = call(Method::GET, &format!("/v1/merchant/orders/{}", order.text("id")), None).await;
        let by_number = call(Method::GET, "/v1/merchant/orders/out-trade-no/20261122-0001", None).await;
        assert_eq!(by_id.body, by_number.body);
        assert_eq!((by_id.text("state"), by_id.body.get("qr_code")), ("SUCCESS".into(), None));
        assert!(
            !by_id.body.to_string().contains(&payer.person.to_string())
                && !by_id.body.to_string().contains(&wallet.to_string())
        );
        call(Method::POST, &format!("/v1/merchant/orders/{}/close", order.text("id")), None)
            .await
            .is("order_paid");
        call(Method::POST, &format!("/v1/merchant/orders/{}/revoke", order.text("id")), None)
            .await
            .is("state_conflict");
        let listed = call(Method::GET, "/v1/merchant/orders?state=SUCCESS&limit=5", None).await;
        assert_eq!(listed.body, json!({ "items": [by_id.body], "has_more": false }));
        call(Method::GET, "/v1/merchant/orders?state=PAID", None).await.names("invalid_request", "state");

        let ask = body("POST /v1/merchant/refunds", json!({}));
        let refund = call(Method::POST, "/v1/merchant/refunds", Some(&ask)).await;
        assert_eq!((refund.status, refund.text("state")), (201, "SUCCESS".into()), "{}", refund.body);
        let again = call(Method::POST, "/v1/merchant/refunds", Some(&ask)).await;
        assert_eq!((again.status, &again.body), (200, &refund.body));
        for target in [
            format!("/v1/merchant/refunds/{}", refund.text("id")),
            "/v1/merchant/refunds/out-refund-no/20261122-0001-R1".into(),
        ] {
            assert_eq!(call(Method::GET, &target, None).await.body, refund.body);
        }
        let retried =
            call(Method::POST, &format!("/v1/merchant/refunds/{}/retry", refund.text("id")), None).await;
        assert_eq!(retried.body, refund.body);

        let settings = body(
            "PUT /v1/wallet/merchants/{merchant_id}/settings",
            json!({ "refund_approval_above": { "amount": 99, "currency": "CNY" } }),
        );
        let of = format!("/v1/wallet/merchants/{merchant}");
        door.person(&owner, Method::PUT, &format!("{of}/settings"), Some(&settings)).await.went_well();
        for (number, verb) in [("R2", "approve"), ("R3", "reject")] {
            let ask = json!({ "out_refund_no": number, "order_id": order.text("id"), "amount": { "amount": 100, "currency": "CNY" } });
            let asked = call(Method::POST, "/v1/merchant/refunds", Some(&ask)).await;
            assert_eq!(asked.text("state"), "PENDING_APPROVAL");
            let waiting =
                door.person(&owner, Method::GET, &format!("{of}/refunds?state=PENDING_APPROVAL"), None).await;
            assert_eq!(waiting.body["items"], json!([asked.body]));
            let target = format!("{of}/refunds/{}/{verb}", asked.text("id"));
            door.person(&payer, Method::POST, &target, Some(&json!({ "reason": "mine" })))
                .await
                .is("not_found");
            let no = body("POST /v1/wallet/merchants/{merchant_id}/refunds/{refund_id}/reject", json!({}));
            let decided = door.person(&owner, Method::POST, &target, (verb == "reject").then_some(&no)).await;
            assert_eq!(decided.text("state"), if verb == "approve" { "SUCCESS" } else { "CLOSED" });
        }
        let listed =
            call(Method::GET, &format!("/v1/merchant/refunds?order_id={}", order.text("id")), None).await;
        assert_eq!(listed.body["items"].as_array().map(Vec::len), Some(3));
        assert_eq!(city::balance(world, wallet).await, 100_000 - 1_250 + 350);
        nothing_is_lost(world).await;
    });
}

#[test]
fn a_mandate_is_pushed_charged_paused_and_revoked_over_http() {
    on_each_backend(async |world: &mut World| {
        city::found(world).await;
        let door = Door::open(world).await;
        let owner = Citizen::identified(world, 1, "王掌柜").await;
        let payer = Citizen::identified(world, 2, "李雷").await;
        let wallet = city::wallet(world, &payer, "BKA", 100_000).await;
        let (merchant, _) = register(world, &door, &owner).await;
        let server = server(world, &door, &owner, &merchant, Suite::RsaSha256).await;

        let evidence = payer.sign(world, mandates::ACTION, &merchant, 2_000, &mandates::subject(500), wallet);
        let yuan = |amount: u64| json!({ "amount": amount, "currency": "CNY" });
        let ask = json!({
            "merchant_id": merchant, "wallet_id": wallet, "single": yuan(500), "day": yuan(2_000),
            "pin": PIN, "evidence": evidence,
        });
        let pushed = door.person(&payer, Method::POST, "/v1/wallet/mandates", Some(&ask)).await;
        assert_eq!((pushed.status, pushed.text("state")), (201, "ACTIVE".into()), "{}", pushed.body);
        let mine = format!("/v1/wallet/mandates/{}", pushed.text("id"));
        let turn =
            async |verb: &str| door.person(&payer, Method::POST, &format!("{mine}/{verb}"), None).await;

        let listed = door.merchant(&server, Method::GET, "/v1/merchant/mandates", None).await;
        let token = listed.body["items"][0]["token"].as_str().expect("a token").to_owned();
        assert_eq!(token, pushed.text("token"));
        assert_eq!(
            door.merchant(&server, Method::GET, &format!("/v1/merchant/mandates/{token}"), None).await.body,
            listed.body["items"][0]
        );
        assert!(!listed.body.to_string().contains(&pushed.text("id")));

        let target = format!("/v1/merchant/mandates/{token}/orders");
        let ask = body("POST /v1/merchant/mandates/{token}/orders", json!({}));
        let charge = async |ask: &Value| door.merchant(&server, Method::POST, &target, Some(ask)).await;
        let paid = charge(&ask).await;
        assert_eq!(
            (paid.status, paid.text("state"), paid.text("trade_type")),
            (201, "SUCCESS".into(), "MANDATE".into()),
            "{}",
            paid.body
        );
        assert_eq!(charge(&ask).await.body, paid.body);
        let seen = door.person(&payer, Method::GET, &mine, None).await;
        assert_eq!(seen.body["paid_today"], yuan(400));

        let other = |number: &str, amount: u64| {
            body(
                "POST /v1/merchant/mandates/{token}/orders",
                json!({ "out_trade_no": number, "amount": yuan(amount) }),
            )
        };
        let over = charge(&other("M-2", 501)).await;
        over.is("over_single_limit");
        assert!(over.body.get("limit").is_none() && over.body.get("left").is_none(), "{}", over.body);
        assert_eq!(turn("pause").await.text("state"), "PAUSED");
        charge(&other("M-3", 100)).await.is("mandate_unusable");
        assert_eq!(turn("resume").await.text("state"), "ACTIVE");
        charge(&other("M-3", 100)).await.went_well();

        let revoked = door
            .merchant(&server, Method::POST, &format!("/v1/merchant/orders/{}/revoke", paid.text("id")), None)
            .await;
        assert_eq!(
            (revoked.text("state"), revoked.text("refund_state")),
            ("REVOKED".into(), "FULL".into()),
            "{}",
            revoked.body
        );
        assert_eq!(turn("revoke").await.text("state"), "REVOKED");
        turn("resume").await.is("mandate_unusable");
        charge(&other("M-4", 100)).await.is("mandate_unusable");
        let listed = door.person(&payer, Method::GET, "/v1/wallet/mandates", None).await;
        assert_eq!(listed.body["items"][0]["state"], "REVOKED");
        assert_eq!(city::balance(world, wallet).await, 99_900);
        nothing_is_lost(world).await;
    });
}
