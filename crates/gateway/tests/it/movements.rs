//! Money that has moved, over HTTP: transfers, histories, receipts, notices, events.

use jialing_platform::receipts;
use reqwest::Method;
use serde_json::{Value, json};

use crate::citizen::{Citizen, PIN};
use crate::city;
use crate::door::{Door, Street, nothing_is_lost, order_ask};
use crate::world::{World, on_each_backend};

const GUIDE: &str = include_str!("../../../../docs/guides/history-and-receipts.md");

/// The members of a JSON object, sorted.
fn members(object: &Value) -> Vec<&String> {
    let mut names: Vec<&String> = object.as_object().expect("an object").keys().collect();
    names.sort();
    names
}

#[test]
fn a_person_sends_money_to_a_phone_as_the_guide_says() {
    on_each_backend(async |world: &mut World| {
        city::found(world).await;
        let door = Door::open(world).await;
        let (ann, bob) =
            (Citizen::identified(world, 1, "李雷").await, Citizen::identified(world, 2, "韩梅梅").await);
        let (from, to) =
            (city::wallet(world, &ann, "BKA", 10_000).await, city::wallet(world, &bob, "BKB", 0).await);
        let lookup = "/v1/wallet/payees/lookup";
        let phone = json!({ "phone": bob.phone });
        door.person(&ann, Method::POST, lookup, Some(&phone)).await.is("payee_unknown");
        let findable = json!({ "findable_by_phone": true });
        door.person(&bob, Method::PUT, "/v1/wallet/me/alias", Some(&findable)).await.went_well();
        let payee = door.person(&ann, Method::POST, lookup, Some(&phone)).await;
        assert_eq!((payee.status, payee.text("name")), (200, "**梅".into()), "{}", payee.body);

        let token = payee.text("payee_token");
        let mut ask = json!({
            "out_transfer_no": "lunch-1", "from_wallet_id": from, "payee": token, "note": "午饭 🍜", "pin": PIN,
            "amount": { "amount": 2_500, "currency": "CNY" },
            "evidence": ann.sign(world, "transfer", &token, 2_500, "lunch-1", from),
        });
        let sent = door.person(&ann, Method::POST, "/v1/wallet/transfers", Some(&ask)).await;
        assert_eq!((sent.status, sent.text("state")), (201, "SUCCESS".into()), "{}", sent.body);
        let again = door.person(&ann, Method::POST, "/v1/wallet/transfers", Some(&ask)).await;
        assert_eq!(again.body, sent.body);
        for name in ["lunch-1".to_owned(), sent.text("id")] {
            let read = door.person(&ann, Method::GET, &format!("/v1/wallet/transfers/{name}"), None).await;
            assert_eq!(read.body, sent.body);
            let stolen = door.person(&bob, Method::GET, &format!("/v1/wallet/transfers/{name}"), None).await;
            stolen.is("not_found");
        }
        let listed = door.person(&ann, Method::GET, "/v1/wallet/transfers?limit=1", None).await;
        assert_eq!(listed.body, json!({ "items": [sent.body], "has_more": false }));

        ask["amount"]["amount"] = 2_501.into();
        door.person(&ann, Method::POST, "/v1/wallet/transfers", Some(&ask)).await.names("conflict", "amount");
        ask["out_transfer_no"] = "lunch-2".into();
        door.person(&ann, Method::POST, "/v1/wallet/transfers", Some(&ask))
            .await
            .is("device_signature_invalid");
        ask["urgent"] = true.into();
        door.person(&ann, Method::POST, "/v1/wallet/transfers", Some(&ask))
            .await
            .names("invalid_request", "urgent");
        assert_eq!((city::balance(world, from).await, city::balance(world, to).await), (7_500, 2_500));
        nothing_is_lost(world).await;
    });
}

#[test]
fn both_sides_of_a_payment_read_their_history_and_a_receipt_that_holds() {
    on_each_backend(async |world: &mut World| {
        let street = Street::build(world).await;
        let door = Door::open(world).await;
        let ask = order_ask("20261122-7", 2_800);
        let order = door.merchant(&street.server, Method::POST, "/v1/merchant/orders", Some(&ask)).await;
        let order = serde_json::from_value(order.went_well().body.clone()).expect("an order");
        door.pay(world, &street.payer, street.wallet, &order).await.went_well();

        let history = format!("/v1/wallet/wallets/{}/history", street.wallet);
        let page = door.person(&street.payer, Method::GET, &format!("{history}?kind=payment"), None).await;
        let paid = &page.went_well().body["items"][0];
        assert_eq!((&paid["amount"]["amount"], &paid["direction"]), (&2_800.into(), &"out".into()));
        let shown: Value = {
            let start = GUIDE.find("```json\n").expect("the guide shows a movement") + 8;
            let length = GUIDE[start..].find("```").expect("the fence ends");
            serde_json::from_str(&GUIDE[start..start + length]).expect("the guide shows JSON")
        };
        assert_eq!(members(paid), members(&shown), "the guide shows the members there are");
        for (query, field) in
            [("kind=tax", "kind"), ("from=noon", "from"), ("colour=red", "colour"), ("limit=0", "limit")]
        {
            let refused = door.person(&street.payer, Method::GET, &format!("{history}?{query}"), None).await;
            refused.names("invalid_request", field);
        }
        let eve = Citizen::new(world, 9).await;
        door.person(&eve, Method::GET, &history, None).await.is("not_found");

        let server = &street.server;
        let taken = door.merchant(server, Method::GET, "/v1/merchant/transactions?direction=in", None).await;
        let taken = &taken.went_well().body["items"][0];
        assert_eq!(
            (&taken["amount"]["amount"], &taken["counterparty"]["name"]),
            (&2_800.into(), &Value::Null)
        );

        let transaction = paid["transaction_id"].as_str().expect("an id");
        let key = receipts::Trust::in_ledger(&world.app.engine.verifier_key()).expect("a key");
        let own = format!("/v1/wallet/receipts/{transaction}");
        let receipt = door.person(&street.payer, Method::GET, &own, None).await;
        receipts::verify(&String::from_utf8_lossy(&receipt.went_well().bytes), &key)
            .expect("the payer's holds");
        let theirs = format!("/v1/merchant/receipts/{transaction}");
        let receipt = door.merchant(server, Method::GET, &theirs, None).await;
        door.check_signed(&receipt);
        receipts::verify(&String::from_utf8_lossy(&receipt.went_well().bytes), &key)
            .expect("the shop's holds");
        door.person(&eve, Method::GET, &own, None).await.is("not_found");
    });
}

#[test]
fn notices_and_events_are_read_and_taken_note_of() {
    on_each_backend(async |world: &mut World| {
        let street = Street::build(world).await;
        let door = Door::open(world).await;
        let (payer, server) = (&street.payer, &street.server);
        let ask = order_ask("20261122-8", 100);
        let order = door.merchant(server, Method::POST, "/v1/merchant/orders", Some(&ask)).await;
        let order = serde_json::from_value(order.went_well().body.clone()).expect("an order");
        door.pay(world, payer, street.wallet, &order).await.went_well();

        let unread = async || {
            door.person(payer, Method::GET, "/v1/wallet/notices/unread", None).await.body["unread"].clone()
        };
        let page = door.person(payer, Method::GET, "/v1/wallet/notices?limit=1", None).await;
        let newest = page.went_well().body["items"][0].clone();
        assert_eq!((&newest["code"], &newest["params"]["amount"]), (&"PAYMENT_MADE".into(), &100.into()));
        assert_eq!(unread().await, 2, "the top-up and the payment");
        let up_to = json!({ "up_to": newest["id"] });
        let eve = Citizen::new(world, 9).await;
        door.person(&eve, Method::POST, "/v1/wallet/notices/read", Some(&up_to)).await.is("not_found");
        door.person(payer, Method::POST, "/v1/wallet/notices/read", Some(&up_to)).await.went_well();
        assert_eq!(unread().await, 0);

        let open = "/v1/merchant/events?delivered=false";
        let events = door.merchant(server, Method::GET, open, None).await;
        let event = events.went_well().body["items"][0].clone();
        assert_eq!((&event["type"], &event["resource"]["state"]), (&"order.paid".into(), &"SUCCESS".into()));
        let one = format!("/v1/merchant/events/{}", event["id"].as_str().expect("an id"));
        assert_eq!(door.merchant(server, Method::GET, &one, None).await.body, event);
        let taken = door.merchant(server, Method::POST, &format!("{one}/ack"), None).await;
        assert!(taken.went_well().body["delivered_at"].is_string());
        let rest = door.merchant(server, Method::GET, open, None).await;
        assert_eq!(rest.body, json!({ "items": [], "has_more": false }));
        let missing = "/v1/merchant/events/evt_00000000000000000000000000";
        door.merchant(server, Method::GET, missing, None).await.is("not_found");
    });
}
