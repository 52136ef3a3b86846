//! Proofs of supply over HTTP, checked by the client that was written from the format alone.

use jialing_crypto::http_signature::RequestSignature;
use jialing_crypto::{SigningKey, Suite};
use jialing_platform::audit;
use jialing_platform::institutions::{self, NewKey};
use jialing_platform::supply;
use jialing_sdk::receipt::Trust;
use jialing_sdk::supply::{Counted, Total, verify_balance, verify_total};
use reqwest::Method;
use serde_json::Value;

use crate::citizen::Citizen;
use crate::city;
use crate::door::{Door, Heard, Street, hear, order_ask};
use crate::world::{World, on_each_backend};

const DAY_MS: i64 = 86_400_000;

/// A street on which something was paid at noon, one midnight later.
async fn night(world: &World) -> (Street, Door, Trust) {
    let now = world.clock.millis();
    // Noon at UTC+8, so that the test's own time does not reach a midnight.
    world.clock.advance((now / DAY_MS + 1) * DAY_MS + DAY_MS / 6 - now);
    let street = Street::build(world).await;
    let door = Door::open(world).await;
    let order = door
        .merchant(&street.server, Method::POST, "/v1/merchant/orders", Some(&order_ask("o-1", 2_800)))
        .await;
    let order = serde_json::from_value(order.went_well().body.clone()).expect("an order");
    door.pay(world, &street.payer, street.wallet, &order).await.went_well();
    door.get("/v1/public/supply/proofs/newest").await.is("not_found");
    world.clock.advance(DAY_MS);
    while supply::publish_next(&world.app).await.expect("published").is_some() {}
    let keys = door.get("/v1/public/keys").await;
    let key = keys.went_well().body["ledger"][0]["verifier_key"].as_str().expect("a key").to_owned();
    (street, door, Trust::in_ledger(&key).expect("a verifier key"))
}

fn total(heard: &Heard, trust: &Trust) -> Total {
    verify_total(&heard.went_well().body, trust).expect("the total holds")
}

fn counted(heard: &Heard, trust: &Trust) -> Counted {
    verify_balance(&heard.went_well().body, trust).expect("the balance is counted")
}

#[test]
fn anyone_checks_the_total_and_everyone_the_own_balance() {
    on_each_backend(async |world: &mut World| {
        let (street, door, trust) = night(world).await;
        let newest = door.get("/v1/public/supply/proofs/newest").await;
        let newest = total(&newest, &trust);
        assert_eq!(newest.books[0].sum, 3 * city::ISSUED, "all that was issued is somewhere");
        let days = door.get("/v1/public/supply/proofs").await;
        let listed = &days.went_well().body["items"][0];
        assert_eq!(listed["day"], newest.day.as_str());
        assert_eq!(
            (&listed["books"][0]["institution"], &listed["books"][1]["institution"]),
            (&"CB".into(), &"BKB".into())
        );
        let day = format!("/v1/public/supply/proofs/{}", newest.day);
        assert_eq!(total(&door.get(&day).await, &trust), newest);

        let own = format!("/v1/wallet/wallets/{}/supply-proof", street.wallet);
        let proof = counted(&door.person(&street.payer, Method::GET, &own, None).await, &trust);
        assert_eq!((proof.balance, &proof.total), (997_200, &newest));
        let same = format!("{own}?day={}", newest.day);
        assert_eq!(counted(&door.person(&street.payer, Method::GET, &same, None).await, &trust), proof);
        let shop = door.merchant(&street.server, Method::GET, "/v1/merchant/supply-proof", None).await;
        assert_eq!(counted(&shop, &trust).balance, 2_800);

        let stranger = Citizen::new(world, 9).await;
        door.person(&stranger, Method::GET, &own, None).await.is("not_found");
        door.person(&street.payer, Method::GET, &format!("{own}?day=2020-01-01"), None).await.is("not_found");
        for bad in ["yesterday", "2020-1-1", "%20"] {
            let asked = format!("{own}?day={bad}");
            door.person(&street.payer, Method::GET, &asked, None).await.names("invalid_request", "day");
        }
        door.get("/v1/public/supply/proofs/yesterday").await.names("invalid_request", "day");
        door.get("/v1/public/supply/proofs?limit=0").await.names("invalid_request", "limit");
        door.get("/v1/public/supply/proofs?before=x").await.names("invalid_request", "before");
    });
}

#[test]
fn a_banks_vault_is_counted_and_anchors_have_receipts() {
    on_each_backend(async |world: &mut World| {
        let (_, door, trust) = night(world).await;
        let key = SigningKey::generate(Suite::Ed25519);
        let new = NewKey { public_key: key.public().to_pem(), expires_at: None };
        institutions::add_key(&world.app, city::bank(&world.app, "BKC").await, new).await.expect("added");
        let signed = async |target: &str| {
            let seconds = world.clock.millis() / 1000;
            let signature = RequestSignature::sign(&key, "BKC", "GET", target, &[], seconds);
            hear(door.request(Method::GET, target).header("Authorization", signature.to_header())).await
        };
        let vault = signed("/v1/bank/supply-proof").await;
        assert_eq!(counted(&vault, &trust).balance, city::ISSUED);

        audit::seal(&world.app).await.expect("sealed");
        let anchors = door.get("/v1/public/anchors?limit=100").await;
        let items = anchors.went_well().body["items"].as_array().expect("anchors").clone();
        let kinds = |kind: &str| items.iter().filter(|anchor| anchor["kind"] == kind).count();
        assert!(kinds("audit") >= 1 && kinds("supply") >= 1, "{items:?}");
        for anchor in &items {
            let target = format!("/v1/public/anchors/{}", anchor["record"]);
            let proven = door.get(&target).await;
            let body: &Value = &proven.went_well().body;
            assert_eq!(body["anchor"], *anchor);
            assert_eq!(body["proof"]["leaf_index"], anchor["record"]);
        }
        door.get("/v1/public/anchors/999999999").await.is("not_found");
        door.get("/v1/public/anchors/0").await.is("not_found");
        door.get("/v1/public/anchors?kind=x").await.is("invalid_request");
        let only = door.get("/v1/public/anchors?kind=supply&limit=1").await;
        assert_eq!(only.went_well().body["items"][0]["kind"], "supply");
    });
}
