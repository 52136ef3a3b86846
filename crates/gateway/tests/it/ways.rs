//! Every way to pay over HTTP, as the guides tell it.

use std::time::{Duration, Instant};

use jialing_platform::{codes, debits, static_codes};
use reqwest::Method;
use serde_json::{Value, json};

use crate::citizen::PIN;
use crate::door::{Door, Street, nothing_is_lost, order_ask};
use crate::world::{World, on_each_backend};

const DEBIT_GUIDE: &str = include_str!("../../../../docs/guides/recurring-debit.md");

/// The body that the guide shows for this request.
fn body(request: &str) -> Value {
    let marker = format!("<!-- body: {request} -->\n```json\n");
    let start = DEBIT_GUIDE.find(&marker).expect("the guide shows it") + marker.len();
    let length = DEBIT_GUIDE[start..].find("```").expect("the fence ends");
    serde_json::from_str(&DEBIT_GUIDE[start..start + length]).expect("the guide shows JSON")
}

fn yuan(amount: u64) -> Value {
    json!({ "amount": amount * 100, "currency": "CNY" })
}

#[test]
fn a_cashier_page_reads_and_waits_without_signing_in() {
    on_each_backend(async |world: &mut World| {
        let street = Street::build(world).await;
        let door = Door::open(world).await;
        let order = door
            .merchant(&street.server, Method::POST, "/v1/merchant/orders", Some(&order_ask("A-1", 1_250)))
            .await;
        order.went_well();
        let url = order.text("cashier_url");
        let target = format!("/v1/public/cashier/{}", url.rsplit('/').next().expect("a token"));
        let seen = door.get(&target).await;
        assert_eq!(
            (seen.status, seen.text("state"), seen.text("order_id")),
            (200, "NOTPAY".into(), order.text("id"))
        );
        assert_eq!(
            (seen.text("qr_code"), seen.text("app_link")),
            (order.text("qr_code"), order.text("app_link"))
        );
        let origin = seen.headers.get("access-control-allow-origin").and_then(|value| value.to_str().ok());
        assert_eq!(origin, Some("*"));
        // A question about another state is answered at once; one about this state when it is over.
        let begun = Instant::now();
        let waiting = format!("{target}?seen=NOTPAY&wait_ms=25000");
        let pay = async {
            let order = street.shop.see(world, order.text("id").parse().expect("an id")).await;
            door.pay(world, &street.payer, street.wallet, &order).await.went_well();
        };
        let (changed, ()) = futures_util::future::join(door.get(&waiting), pay).await;
        assert_ne!(changed.text("state"), "NOTPAY");
        assert!(begun.elapsed() < Duration::from_secs(25), "it waited to the end");
        world.settle().await;
        let paid = door.get(&waiting).await;
        assert_eq!((paid.text("state"), paid.body.get("qr_code")), ("SUCCESS".into(), None));
        door.get(&format!("{target}?wait_ms=25001")).await.names("invalid_request", "wait_ms");
        door.get(&format!("{target}?seen=PAID")).await.names("invalid_request", "seen");
        door.get("/v1/public/cashier/0000").await.is("not_found");
        nothing_is_lost(world).await;
    });
}

#[test]
fn a_payer_shows_a_code_and_confirms_above_the_limit() {
    on_each_backend(async |world: &mut World| {
        let street = Street::build(world).await;
        let door = Door::open(world).await;
        let evidence =
            street.payer.sign(world, codes::ACTION, codes::PAYEE, 10_000, "count:2", street.wallet);
        let ask = json!({ "wallet_id": street.wallet, "count": 2, "pin_free_up_to": yuan(100), "evidence": evidence });
        let drawn = door.person(&street.payer, Method::POST, "/v1/wallet/payment-codes", Some(&ask)).await;
        assert_eq!((drawn.status, drawn.body["items"].as_array().map(Vec::len)), (201, Some(2)));
        let code = |n: usize| drawn.body["items"][n]["code"].as_str().expect("a code").to_owned();
        let target = "/v1/merchant/orders/code-payments";
        let charge = |number: &str, fen: u64, code: &str| {
            let mut ask = order_ask(number, fen);
            ask["payment_code"] = json!(code);
            ask
        };
        let ask = charge("C-1", 10_000, &code(0));
        let paid = door.merchant(&street.server, Method::POST, target, Some(&ask)).await;
        assert_eq!((paid.status, paid.text("state")), (201, "SUCCESS".into()), "{}", paid.body);
        let again = door.merchant(&street.server, Method::POST, target, Some(&ask)).await;
        assert_eq!((again.status, again.text("id")), (200, paid.text("id")));
        let ask = charge("C-2", 10_000, &code(0));
        door.merchant(&street.server, Method::POST, target, Some(&ask))
            .await
            .names("payment_code_used", "payment_code");
        let ask = charge("C-2", 10_000, "x");
        door.merchant(&street.server, Method::POST, target, Some(&ask))
            .await
            .names("payment_code_invalid", "payment_code");
        let ask = charge("C-2", 10_001, &code(1));
        let waits = door.merchant(&street.server, Method::POST, target, Some(&ask)).await;
        assert_eq!(
            (waits.status, waits.text("state"), &waits.body["ask_again_after"]),
            (202, "USERPAYING".into(), &json!(2))
        );
        let listed = door.person(&street.payer, Method::GET, "/v1/wallet/confirmations", None).await;
        assert_eq!(listed.body["items"][0]["id"], waits.body["id"]);
        let order = format!("/v1/wallet/orders/{}", waits.text("id"));
        let evidence = street.payer.sign(
            world,
            "pay",
            &street.shop.id.to_string(),
            10_001,
            &waits.text("id"),
            street.wallet,
        );
        let ask = json!({ "wallet_id": street.wallet, "pin": PIN, "amount": { "amount": 10_000, "currency": "CNY" }, "evidence": evidence });
        let pay = format!("{order}/payments");
        door.person(&street.payer, Method::POST, &pay, Some(&ask)).await.names("amount_mismatch", "amount");
        let ask = json!({ "wallet_id": street.wallet, "pin": PIN, "evidence": evidence });
        let paid = door.person(&street.payer, Method::POST, &pay, Some(&ask)).await;
        assert_eq!((paid.status, paid.text("state")), (200, "SUCCESS".into()), "{}", paid.body);
        door.person(&street.payer, Method::POST, &format!("{order}/refuse"), None).await.is("order_paid");
        let status =
            format!("/v1/wallet/payment-codes/{}", drawn.body["items"][1]["id"].as_str().expect("an id"));
        let status = door.person(&street.payer, Method::GET, &status, None).await;
        assert_eq!((status.text("state"), status.text("order_id")), ("USED".into(), waits.text("id")));
        nothing_is_lost(world).await;
    });
}

#[test]
fn a_printed_code_is_scanned_and_paid() {
    on_each_backend(async |world: &mut World| {
        let street = Street::build(world).await;
        let door = Door::open(world).await;
        let ask = json!({ "terminal": "T-1", "description": "小面" });
        let made = door.merchant(&street.server, Method::POST, "/v1/merchant/static-codes", Some(&ask)).await;
        assert_eq!((made.status, made.text("state")), (201, "ACTIVE".into()), "{}", made.body);
        let owned = format!("/v1/wallet/merchants/{}/static-codes", street.shop.id);
        let again = door.person(&street.shop.owner, Method::POST, &owned, Some(&ask)).await;
        assert_eq!((again.status, &again.body), (200, &made.body));
        let listed = door.person(&street.shop.owner, Method::GET, &owned, None).await;
        assert_eq!(listed.body["items"], json!([made.body]));
        let scan = json!({ "payload": made.text("qr_code") });
        let place = door.person(&street.payer, Method::POST, "/v1/wallet/scans", Some(&scan)).await;
        assert_eq!((place.text("static_code_id"), &place.body["left_today"]), (made.text("id"), &yuan(500)));
        let evidence = street.payer.sign(
            world,
            static_codes::ACTION,
            &street.shop.id.to_string(),
            1_200,
            &made.text("id"),
            street.wallet,
        );
        let ask = json!({ "wallet_id": street.wallet, "amount": yuan(12), "evidence": evidence });
        let target = format!("/v1/wallet/static-codes/{}/payments", made.text("id"));
        let paid = door.person(&street.payer, Method::POST, &target, Some(&ask)).await;
        assert_eq!((paid.status, paid.text("state")), (200, "SUCCESS".into()), "{}", paid.body);
        let again = door.person(&street.payer, Method::POST, &target, Some(&ask)).await;
        assert_eq!(again.text("id"), paid.text("id"));
        let order = format!("/v1/merchant/orders/{}", paid.text("id"));
        let order = door.merchant(&street.server, Method::GET, &order, None).await;
        assert_eq!((order.text("trade_type"), order.text("terminal")), ("STATIC".into(), "T-1".into()));
        let one = format!("/v1/merchant/static-codes/{}", made.text("id"));
        assert_eq!(door.merchant(&street.server, Method::GET, &one, None).await.body, made.body);
        let ended = door.merchant(&street.server, Method::POST, &format!("{one}/revoke"), None).await;
        assert_eq!(ended.text("state"), "REVOKED");
        door.person(&street.payer, Method::POST, "/v1/wallet/scans", Some(&scan)).await.is("not_found");
        let revoke = format!("{owned}/{}/revoke", made.text("id"));
        door.person(&street.shop.owner, Method::POST, &revoke, None).await.went_well();
        let listed = door.merchant(&street.server, Method::GET, "/v1/merchant/static-codes", None).await;
        assert_eq!(listed.body["items"][0]["state"], "REVOKED");
        nothing_is_lost(world).await;
    });
}

#[test]
fn a_membership_is_debited_as_the_guide_tells() {
    on_each_backend(async |world: &mut World| {
        let street = Street::build(world).await;
        let door = Door::open(world).await;
        let mut ask = body("POST /v1/merchant/debit-agreements");
        ask["valid_until"] = json!(jialing_platform::clock::rfc3339(world.clock.millis() + 86_400_000 * 300));
        let target = "/v1/merchant/debit-agreements";
        let proposed = door.merchant(&street.server, Method::POST, target, Some(&ask)).await;
        assert_eq!((proposed.status, proposed.text("state")), (201, "PROPOSED".into()), "{}", proposed.body);
        let id = proposed.text("id");
        let by_number = format!("{target}/out-agreement-no/{}", proposed.text("out_agreement_no"));
        assert_eq!(door.merchant(&street.server, Method::GET, &by_number, None).await.text("id"), id);
        let own = format!("/v1/wallet/debit-agreements/{id}");
        let seen = door.person(&street.payer, Method::GET, &own, None).await;
        let evidence = street.payer.sign(
            world,
            debits::ACTION,
            &street.shop.id.to_string(),
            19_900,
            &seen.text("subject"),
            street.wallet,
        );
        let yes = json!({ "wallet_id": street.wallet, "pin": PIN, "evidence": evidence });
        let active = door.person(&street.payer, Method::POST, &format!("{own}/approve"), Some(&yes)).await;
        assert_eq!(active.body["agreement"]["state"], "ACTIVE", "{}", active.body);
        door.person(&street.payer, Method::POST, &format!("{own}/refuse"), None)
            .await
            .is("debit_agreement_unusable");
        let ask = body("POST /v1/merchant/debit-agreements/{debit_agreement_id}/debits");
        let announce = format!("{target}/{id}/debits");
        let debit = door.merchant(&street.server, Method::POST, &announce, Some(&ask)).await;
        assert_eq!((debit.status, debit.text("state")), (201, "NOTICED".into()), "{}", debit.body);
        world.clock.advance(86_400_000 + 1_000);
        debits::sweep(&world.app).await.expect("swept");
        world.settle().await;
        let one = format!("/v1/merchant/debits/{}", debit.text("id"));
        assert_eq!(door.merchant(&street.server, Method::GET, &one, None).await.text("state"), "SUCCESS");
        door.merchant(&street.server, Method::POST, &format!("{one}/cancel"), None).await.is("order_paid");
        let listed = door.merchant(&street.server, Method::GET, &announce, None).await;
        assert_eq!(listed.body["items"][0]["state"], "SUCCESS");
        let listed = door.merchant(&street.server, Method::GET, target, None).await;
        assert_eq!(listed.body["items"][0]["id"], json!(id));
        let cancelled =
            door.merchant(&street.server, Method::POST, &format!("{target}/{id}/cancel"), None).await;
        assert_eq!(
            (cancelled.text("state"), cancelled.text("ended_by")),
            ("CANCELLED".into(), "MERCHANT".into())
        );
        let listed = door.person(&street.payer, Method::GET, "/v1/wallet/debit-agreements", None).await;
        assert_eq!(listed.body["items"][0]["agreement"]["state"], "CANCELLED");
        let listed = door.person(&street.payer, Method::GET, &format!("{own}/debits"), None).await;
        assert_eq!(listed.body["items"][0]["state"], "SUCCESS");
        let again = door.person(&street.payer, Method::POST, &format!("{own}/cancel"), None).await;
        assert_eq!(again.body["agreement"]["ended_by"], "MERCHANT");
        nothing_is_lost(world).await;
    });
}
