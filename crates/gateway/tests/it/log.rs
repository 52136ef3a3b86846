//! The public log: what a monitor reads, checked with nothing but the key directory.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::note::{Checkpoint, NoteVerifier};
use jialing_crypto::{PublicKey, Suite, proof};
use jialing_platform::db::Backend;
use jialing_platform::receipts::Trust;
use serde_json::Value;

use crate::city;
use crate::door::{Door, Street};
use crate::world::World;

const SHA: HashAlgorithm = HashAlgorithm::Sha256;

fn hashes(proof: &Value) -> Vec<[u8; 32]> {
    let path = proof["path"].as_array().expect("a path");
    path.iter()
        .map(|hash| {
            STANDARD.decode(hash.as_str().expect("text")).expect("base64").try_into().expect("32 bytes")
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_checks_the_log_with_the_directory_of_keys_alone() {
    let world = World::start(Backend::Sqlite).await;
    let street = Street::build(&world).await;
    let door = Door::open(&world).await;
    let keys = door.get("/v1/public/keys").await.body;
    let ledger = &keys["ledger"][0];
    let spki = STANDARD.decode(ledger["public_key"].as_str().expect("text")).expect("base64");
    let key = PublicKey::from_spki_der(&spki).expect("a key");
    assert_eq!((ledger["serial_no"].as_str(), key.suite()), (Some(key.id()), Suite::Ed25519));
    assert_eq!(keys["answers"].as_array().map(Vec::len), Some(2));
    let verifier = NoteVerifier::new(ledger["origin"].as_str().expect("text"), key).expect("a verifier");

    let read = async || {
        let note = String::from_utf8(door.get("/v1/public/log/checkpoint").await.bytes).expect("UTF-8");
        Checkpoint::open(&note, verifier.name(), std::slice::from_ref(&verifier))
            .expect("the ledger signed it")
    };
    let old = read().await;
    let order = street.shop.order(&world, "seen", 1_000).await;
    door.pay(&world, &street.payer, street.wallet, &order).await.went_well();
    let seq = world
        .app
        .engine
        .transfer(order.id.number())
        .await
        .expect("the engine runs")
        .expect("it was paid")
        .seq;
    // A receipt has a checkpoint that covers it signed at once.
    world.app.engine.receipt(seq).await.expect("a receipt");
    let new = read().await;
    assert!(new.size > seq && new.size > old.size);

    let path =
        door.get(&format!("/v1/public/proof/consistency?from={}&to={}", old.size, new.size)).await.body;
    proof::verify_consistency(SHA, old.size, new.size, &hashes(&path), &old.root, &new.root)
        .expect("the log only grew");
    let record = world.app.engine.receipt(seq).await.expect("a receipt").record;
    let leaf = HashAlgorithm::Sha256.digest_parts(&[&[0], &record]);
    let path = door.get(&format!("/v1/public/proof/inclusion?seq={seq}&size={}", new.size)).await.body;
    proof::verify_inclusion(SHA, &leaf, seq, new.size, &hashes(&path), &new.root).expect("it is in the log");

    // The partial tile holds the record's leaf hash, at its place.
    let (index, width) = (new.size / 256, new.size % 256);
    let tile = door.get(&format!("/v1/public/log/tile/0/{index:03}.p/{width}")).await;
    assert_eq!(tile.bytes.len() as u64, width * 32);
    let at = usize::try_from(seq % 256).expect("small") * 32;
    assert_eq!(tile.bytes[at..at + 32], leaf);
    assert_eq!(city::balance(&world, street.shop.wallet).await, 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_beyond_the_log_is_refused() {
    let world = World::start(Backend::Sqlite).await;
    city::found(&world).await;
    let door = Door::open(&world).await;
    let size = door.get("/v1/public/checkpoint").await.body["size"].as_u64().expect("a size");
    door.get(&format!("/v1/public/proof/inclusion?seq={size}&size={size}"))
        .await
        .names("invalid_request", "seq");
    door.get("/v1/public/proof/inclusion?seq=0&size=1000000").await.names("invalid_request", "size");
    door.get("/v1/public/proof/consistency?from=1000000").await.names("invalid_request", "from");
    door.get("/v1/public/proof/consistency?from=0&to=1000000").await.names("invalid_request", "to");
    for tile in [
        "0/001",
        "0/000.p/255",
        "7/000",
        "0/x999/999",
        "8/000",
        "0/0",
        "entries/000",
        "x",
        "0/000.p/999999999999999999999",
    ] {
        door.get(&format!("/v1/public/log/tile/{tile}")).await.is("not_found");
    }
    let status = door.get("/v1/public/status").await.body;
    assert_eq!((status["status"].as_str(), status["sandbox"].as_bool()), (Some("operational"), Some(true)));
    let errors = door.get("/v1/public/errors").await.body;
    assert_eq!(errors["items"].as_array().map(Vec::len), Some(jialing_platform::Code::ALL.len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_city_is_shown_live_without_names_and_only_when_asked_for() {
    let world = World::start(Backend::Sqlite).await;
    let street = Street::build(&world).await;
    let quiet = Door::open(&world).await;
    quiet.get("/v1/public/city").await.is("not_found");
    let door = Door::with(&world, |config| config.city = true).await;
    let mut live = door.request(reqwest::Method::GET, "/v1/public/city/live").send().await.expect("a stream");
    let order = street.shop.order(&world, "seen", 1_000).await;
    door.pay(&world, &street.payer, street.wallet, &order).await.went_well();
    let city = loop {
        let chunk = live.chunk().await.expect("the stream goes on").expect("until the payment is seen");
        let text = String::from_utf8_lossy(&chunk).into_owned();
        assert!(text.starts_with("event: city\ndata: "), "{text}");
        let view: Value = serde_json::from_str(
            text.lines().nth(1).and_then(|line| line.strip_prefix("data: ")).expect("data"),
        )
        .expect("JSON");
        if view["payments"]["today_count"] == 1 {
            break view;
        }
    };
    let supply = &city["supply"];
    let fen = |name: &str| supply[name].as_u64().expect("fen");
    let vaults: u64 = supply["vaults"]
        .as_array()
        .expect("vaults")
        .iter()
        .map(|vault| vault["amount"].as_u64().expect("fen"))
        .sum();
    assert_eq!(fen("issued") - fen("redeemed"), fen("circulating"));
    assert_eq!(vaults + fen("wallets") + fen("transit"), fen("circulating"));
    let paid = &city["latest"][0];
    assert_eq!(
        (paid["kind"].as_str(), paid["amount"].as_u64(), paid["place_en"].as_str()),
        (Some("payment"), Some(1_000), Some("Noodles 1"))
    );
    let text = city.to_string();
    assert!(!text.contains("李") && !text.contains(&street.wallet.to_string()), "{text}");

    let receipt =
        door.get(&format!("/v1/public/city/receipts/{}", paid["txn"].as_str().expect("an id"))).await;
    receipt.went_well();
    let key = Trust::in_ledger(&world.app.engine.verifier_key()).expect("a key");
    jialing_platform::receipts::verify(&String::from_utf8_lossy(&receipt.bytes), &key)
        .expect("the receipt verifies");
    assert!(
        receipt.body["evidence"].is_null() && receipt.body["described"] == serde_json::json!({}),
        "{}",
        receipt.body
    );

    // A stop ends the stream at once.
    door.running.stop().await;
    while live.chunk().await.is_ok_and(|chunk| chunk.is_some()) {}
}
