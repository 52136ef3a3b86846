//! Requests whose values, or whose whole body, are sealed.

use jialing_crypto::Suite;
use jialing_crypto::jwe::DecryptionKey;
use jialing_platform::payouts;
use reqwest::Method;
use serde_json::{Value, json};

use crate::city::{balance, found, fund};
use crate::door::{Door, Heard, Server, hear};
use crate::market::{Payer, Shop};
use crate::world::{World, on_each_backend};

const TARGET: &str = "/v1/merchant/payouts";

async fn send(door: &Door, server: &Server, with: &str, body: &Value) -> Heard {
    let bytes = serde_json::to_vec(body).expect("JSON");
    let signature = server.sign("POST", TARGET, &bytes);
    let request = door.request(Method::POST, TARGET).header("Authorization", signature.to_header());
    hear(request.header("Content-Type", "application/json").header("Jialing-Sealed-With", with).body(bytes))
        .await
}

#[test]
fn a_payee_travels_sealed_under_either_pair_of_algorithms() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let keys =
            [Suite::RsaSha256, Suite::Sm2Sm3].map(|suite| DecryptionKey::generate(suite).expect("a key"));
        let door = Door::with(world, |config| config.decryption_keys = keys.clone().into()).await;
        let shop = Shop::open(world, 1, "BKA").await;
        fund(world, shop.wallet, 10_000).await;
        let server = Server::of(world, &shop, Suite::Ed25519).await;
        let payee = Payer::with(world, 2, "BKB", 0).await;
        let listed = door.get("/v1/public/keys").await;
        for (n, key) in keys.iter().enumerate() {
            let (shown, id) = (&listed.body["encryption"][n], key.public().key().id());
            assert_eq!(
                (&shown["serial_no"], &shown["algorithm"]),
                (&json!(id), &json!(key.public().algorithm()))
            );
            let seal = |text: &str| json!({ "jwe": key.public().encrypt(text.as_bytes()) });
            let ask = |number: &str, wallet: Value| {
                json!({ "out_batch_no": number, "name": "工资", "purpose": "PAYROLL", "lines": [
                    { "out_transfer_no": number, "wallet_id": wallet, "amount": { "amount": 100, "currency": "CNY" } },
                ] })
            };
            let (number, wallet) = (format!("B-{n}"), payee.wallet.to_string());
            let taken = send(&door, &server, id, &ask(&number, seal(&wallet))).await;
            assert_eq!(taken.status, 201, "{}", taken.body);
            // Sealed anew, or as a whole, it is the same request.
            let again = send(&door, &server, id, &ask(&number, seal(&wallet))).await;
            assert_eq!((again.status, again.text("id")), (200, taken.text("id")));
            let whole = seal(&ask(&number, json!(wallet)).to_string());
            let again = send(&door, &server, id, &whole).await;
            assert_eq!((again.status, again.text("id")), (200, taken.text("id")));
            // Sealed values without the header are no texts.
            let bare = door.merchant(&server, Method::POST, TARGET, Some(&ask("X", seal(&wallet)))).await;
            assert!((400..500).contains(&bare.status), "{}", bare.body);
            // Another key, a stranger's key, a changed value.
            let other = keys[1 - n].public().key().id();
            send(&door, &server, other, &ask("X", seal(&wallet)))
                .await
                .names("sealed_value_invalid", "lines.0.wallet_id");
            send(&door, &server, "0000000000000000", &ask("X", seal(&wallet)))
                .await
                .names("sealed_value_invalid", "Jialing-Sealed-With");
            let foreign = DecryptionKey::generate(key.public().key().suite()).expect("a key");
            let text = json!({ "jwe": foreign.public().encrypt(b"x") });
            send(&door, &server, id, &ask("X", text))
                .await
                .names("sealed_value_invalid", "lines.0.wallet_id");
        }
        payouts::carry_out(&world.app).await.expect("carried out");
        world.settle().await;
        assert_eq!(balance(world, payee.wallet).await, 200);
    });
}
