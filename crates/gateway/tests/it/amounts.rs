//! Amounts and currencies that are none.

use reqwest::Method;
use serde_json::json;

use crate::door::{Door, Street, nothing_is_lost, order_ask};
use crate::world::on_each_backend;

#[test]
fn amounts_are_whole_fen_above_zero_in_yuan() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let orders = "/v1/merchant/orders";
        let check = async |amount: &str, code: &str| {
            let body = format!(r#"{{"out_trade_no":"B1","description":"x","amount":{amount}}}"#).into_bytes();
            let signature = street.server.sign("POST", orders, &body);
            door.with_signature(&signature, Method::POST, orders, body).await.is(code);
        };
        for (amount, code) in [
            (r#"{"amount":0,"currency":"CNY"}"#, "amount_invalid"),
            (r#"{"amount":-1,"currency":"CNY"}"#, "amount_invalid"),
            (r#"{"amount":12.5,"currency":"CNY"}"#, "amount_invalid"),
            (r#"{"amount":1e3,"currency":"CNY"}"#, "amount_invalid"),
            (r#"{"amount":"100","currency":"CNY"}"#, "amount_invalid"),
            (r#"{"amount":null,"currency":"CNY"}"#, "amount_invalid"),
            (r#"{"amount":1000000000001,"currency":"CNY"}"#, "amount_invalid"),
            (r#"{"amount":9223372036854775808,"currency":"CNY"}"#, "amount_invalid"),
            (r#"{"amount":18446744073709551616,"currency":"CNY"}"#, "amount_invalid"),
            (r#"{"amount":100,"currency":"USD"}"#, "currency_unsupported"),
            (r#"{"amount":100,"currency":"cny"}"#, "currency_unsupported"),
            (r#"{"amount":100,"currency":156}"#, "currency_unsupported"),
            (r#"{"amount":100}"#, "invalid_request"),
            (r#"{"amount":100,"currency":"CNY","fen":1}"#, "invalid_request"),
            (r#"{"amount":100,"amount":1,"currency":"CNY"}"#, "invalid_request"),
            ("100", "amount_invalid"),
        ] {
            check(amount, code).await;
        }
        let none = door.merchant(&street.server, Method::GET, orders, None).await;
        assert_eq!(none.body["items"], json!([]), "nothing was made");

        let made = door
            .merchant(&street.server, Method::POST, orders, Some(&order_ask("B2", 1_000_000_000_000)))
            .await;
        assert_eq!(made.status, 201, "the largest amount: {}", made.body);
        nothing_is_lost(world).await;
    });
}

#[test]
fn a_refund_takes_no_other_amounts_either() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let order = street.shop.order(world, "B3", 500).await;
        door.pay(world, &street.payer, street.wallet, &order).await.went_well();
        let refund = async |number: &str, amount: serde_json::Value| {
            let ask = json!({ "out_refund_no": number, "order_id": order.id, "amount": { "amount": amount, "currency": "CNY" } });
            door.merchant(&street.server, Method::POST, "/v1/merchant/refunds", Some(&ask)).await
        };
        refund("R0", json!(0)).await.is("amount_invalid");
        refund("R1", json!(-5)).await.is("amount_invalid");
        refund("R2", json!(0.5)).await.is("amount_invalid");
        refund("R3", json!(501)).await.is("refund_exceeds_paid");
        refund("R4", json!(500)).await.went_well();
        refund("R5", json!(1)).await.is("refund_exceeds_paid");
        nothing_is_lost(world).await;
    });
}
