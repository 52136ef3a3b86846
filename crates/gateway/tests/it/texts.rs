//! Control characters, direction marks and emoji in every text field.

use reqwest::Method;
use serde_json::{Value, json};

use crate::door::{Door, Street, nothing_is_lost, order_ask};
use crate::world::on_each_backend;

const HOSTILE: [&str; 6] = ["a\u{0}b", "a\nb", "a\u{1b}[31mb", "a\u{202e}b", "a\u{7f}b", "\u{feff}a"];
const FRIENDLY: [&str; 3] = ["麻花 🥨 两斤", "café ☕️", "👨‍👩‍👧"];

#[test]
fn texts_with_control_characters_are_refused_and_emoji_come_back_whole() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let mut number = 0;
        let mut order = async |field: &str, text: &str| {
            number += 1;
            let mut ask = order_ask(&format!("t-{number}"), 100);
            ask[field] = json!(text);
            door.merchant(&street.server, Method::POST, "/v1/merchant/orders", Some(&ask)).await
        };
        for text in HOSTILE {
            for field in ["out_trade_no", "description", "attach", "goods_tag", "notify_url", "store_id"] {
                let heard = order(field, text).await;
                assert_eq!(
                    (heard.status, heard.text("field").as_str()),
                    (400, field),
                    "{text:?}: {}",
                    heard.body
                );
            }
        }
        for text in FRIENDLY {
            let heard = order("description", text).await;
            assert_eq!((heard.status, heard.text("description").as_str()), (201, text), "{}", heard.body);
            order("out_trade_no", text).await.names("invalid_request", "out_trade_no");
        }

        let target = format!("/v1/wallet/merchants/{}/stores", street.shop.id);
        let mut key = 0;
        let mut store = async |field: &str, text: &str| {
            key += 1;
            let mut ask = json!({ "name": "一店", "address": "正街", "district": "渝中" });
            ask[field] = json!(text);
            door.keyed(&street.shop.owner, &target, &format!("k-{key}"), &ask).await
        };
        for field in ["name", "address", "district"] {
            for text in HOSTILE {
                store(field, text).await.names("invalid_request", field);
            }
            assert_eq!(store(field, FRIENDLY[0]).await.text(field), FRIENDLY[0]);
        }
        nothing_is_lost(world).await;
    });
}

/// Puts `text` in place of every string in `ask`, one at a time.
fn each_replaced(ask: &Value, text: &str) -> Vec<Value> {
    let fields = ask.as_object().expect("an object");
    let strings = fields.iter().filter(|(_, value)| value.is_string());
    strings
        .map(|(name, _)| {
            let mut changed = ask.clone();
            changed[name] = json!(text);
            changed
        })
        .collect()
}

#[test]
fn no_text_makes_any_door_fail_inside() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let asks = [
            ("POST", "/v1/wallet/codes".to_owned(), json!({ "phone": "x", "purpose": "sign_in" })),
            ("POST", "/v1/wallet/sessions".to_owned(), json!({ "phone": "x", "password": "x", "code": "x" })),
            ("POST", "/v1/wallet/people".to_owned(), json!({ "phone": "x", "password": "x", "code": "x" })),
            ("PUT", "/v1/wallet/pin".to_owned(), json!({ "pin": "x", "code": "x" })),
            ("POST", "/v1/wallet/payees/lookup".to_owned(), json!({ "phone": "x" })),
            ("POST", "/v1/wallet/organisations".to_owned(), json!({ "name": "x", "licence": "x" })),
            ("POST", "/v1/wallet/scans".to_owned(), json!({ "code": "x" })),
            ("POST", format!("/v1/wallet/merchants/{}/keys", street.shop.id), json!({ "public_key": "x" })),
        ];
        let long = "字".repeat(5_000);
        for (method, target, ask) in &asks {
            for text in HOSTILE.iter().chain(&FRIENDLY).copied().chain([
                long.as_str(),
                "",
                "'; DROP TABLE people; --",
                "%00",
                "\\",
            ]) {
                for changed in each_replaced(ask, text) {
                    let method: Method = method.parse().expect("a method");
                    let heard = door.person(&street.payer, method, target, Some(&changed)).await;
                    assert!(
                        (400..500).contains(&heard.status),
                        "{target} {changed}: {} {}",
                        heard.status,
                        heard.body
                    );
                }
            }
        }
    });
}
