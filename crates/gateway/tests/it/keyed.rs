//! The `Idempotency-Key` through the door.

use jialing_platform::idempotency::{self, Begun, Key};
use reqwest::Method;
use serde_json::{Value, json};

use crate::citizen::Citizen;
use crate::door::{Door, Street, hear};
use crate::world::on_each_backend;

fn store(name: &str) -> Value {
    json!({ "name": name, "address": "磁器口正街 1 号", "district": "沙坪坝" })
}

#[test]
fn a_success_is_kept_and_answered_again_to_its_owner_only() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let target = format!("/v1/wallet/merchants/{}/stores", street.shop.id);
        let first = door.keyed(&street.shop.owner, &target, "k-1", &store("一店")).await;
        assert_eq!(first.status, 201, "{}", first.body);
        assert!(!first.headers.contains_key("idempotent-replayed"));
        let again = door.keyed(&street.shop.owner, &target, "k-1", &store("一店")).await;
        assert_eq!((again.status, &again.bytes), (201, &first.bytes));
        assert_eq!(again.headers["idempotent-replayed"], "true");
        assert_eq!(again.headers["content-type"], "application/json");
        assert_ne!(again.headers["request-id"], first.headers["request-id"]);

        door.keyed(&street.shop.owner, &target, "k-1", &store("二店")).await.is("idempotency_key_reused");
        let second = door.keyed(&street.shop.owner, &target, "k-2", &store("二店")).await;
        assert_eq!(second.status, 201);
        // Another person's same key is another key.
        let stranger = Citizen::new(world, 9).await;
        door.keyed(&stranger, &target, "k-1", &store("一店")).await.is("not_found");
        let stores = door.person(&street.shop.owner, Method::GET, &target, None).await;
        assert_eq!(stores.body["items"].as_array().map(Vec::len), Some(2));

        // It holds at another node and after a restart.
        world.crash().await;
        let door = Door::open(world).await;
        let again = door.keyed(&street.shop.owner, &target, "k-1", &store("一店")).await;
        assert_eq!(again.bytes, first.bytes);
    });
}

#[test]
fn keys_are_needed_and_have_a_form() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let target = format!("/v1/wallet/merchants/{}/stores", street.shop.id);
        door.person(&street.shop.owner, Method::POST, &target, Some(&store("一店")))
            .await
            .is("idempotency_key_missing");
        for key in ["", " ", "a b", "é", &"x".repeat(65)] {
            let value = reqwest::header::HeaderValue::from_bytes(key.as_bytes()).expect("bytes");
            let request = door
                .request(Method::POST, &target)
                .bearer_auth(&street.shop.owner.token)
                .header("Idempotency-Key", value);
            hear(request.json(&store("一店"))).await.names("invalid_request", "Idempotency-Key");
        }
        let twice = door.request(Method::POST, &target).bearer_auth(&street.shop.owner.token);
        let twice = twice.header("Idempotency-Key", "a").header("Idempotency-Key", "b");
        hear(twice.json(&store("一店"))).await.names("invalid_request", "Idempotency-Key");
        door.keyed(&street.shop.owner, &target, &"x".repeat(64), &store("一店")).await.went_well();
    });
}

#[test]
fn a_refusal_frees_the_key_and_requests_at_once_do_one_thing() {
    on_each_backend(async |world| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let target = format!("/v1/wallet/merchants/{}/stores", street.shop.id);
        let mut wrong = store("一店");
        wrong["name"] = json!("");
        door.keyed(&street.shop.owner, &target, "k", &wrong).await.names("invalid_request", "name");
        wrong["name"] = json!(7);
        door.keyed(&street.shop.owner, &target, "k", &wrong).await.names("invalid_request", "name");
        let body = store("一店");
        let heard = futures_util::future::join_all(
            (0..10).map(|_| door.keyed(&street.shop.owner, &target, "k", &body)),
        )
        .await;
        let made: Vec<_> = heard.iter().filter(|heard| heard.status == 201).collect();
        assert!(!made.is_empty());
        made.iter().for_each(|heard| assert_eq!(heard.bytes, made[0].bytes));
        heard
            .iter()
            .filter(|heard| heard.status != 201)
            .for_each(|heard| assert_eq!(heard.text("code"), "in_progress"));
        let stores = door.person(&street.shop.owner, Method::GET, &target, None).await;
        assert_eq!(stores.body["items"].as_array().map(Vec::len), Some(1));
    });
}

#[test]
fn whoever_goes_on_after_a_crash_goes_on_with_the_same_work() {
    on_each_backend(async |world| {
        let key = Key { owner: "per_x".into(), key: "k".into() };
        let begin = async || idempotency::begin(&world.app, &key, b"print").await;
        let Ok(Begun::Work(first)) = begin().await else { panic!("the first use is work") };
        assert_eq!(first.run, 1);
        let busy = begin().await.expect_err("somebody has it");
        assert_eq!((busy.code.text(), busy.retry_after), ("in_progress", Some(2)));
        // The worker is gone: its lease ends, and the work goes on under the same id.
        world.clock.advance(idempotency::LEASE_MS + 1);
        let Ok(Begun::Work(second)) = begin().await else { panic!("it is to be gone on with") };
        assert_eq!((second.id, second.run), (first.id, 2));
        // What the one who was given up says no longer counts.
        idempotency::release(&world.app, &key, first.run, idempotency::Ended::Refused)
            .await
            .expect("no fault");
        begin().await.expect_err("the second has it");
        // A later refusal may come from what an earlier run did, so the work stays.
        idempotency::release(&world.app, &key, second.run, idempotency::Ended::Refused)
            .await
            .expect("no fault");
        let Ok(Begun::Work(third)) = begin().await else { panic!("it is to be gone on with") };
        assert_eq!((third.id, third.run), (first.id, 3));
        idempotency::done(&world.app, &key, 201, b"{}").await.expect("kept");
        let done = Begun::Done { status: 201, answer: b"{}".to_vec() };
        assert_eq!(begin().await.expect("done"), done);
        // A clock that goes back neither blocks nor repeats.
        world.clock.advance(-3_600_000);
        assert_eq!(begin().await.expect("done"), done);
        world.clock.advance(3_600_000);

        world.clock.advance(24 * 3_600_000 - 1000);
        assert_eq!(idempotency::clean(&world.app, 1).await.expect("no fault"), 0, "a day is the least");
        world.clock.advance(2000);
        assert_eq!(idempotency::clean(&world.app, 24).await.expect("no fault"), 1);
        let Ok(Begun::Work(new)) = begin().await else { panic!("the key is forgotten") };
        assert_ne!(new.id, first.id);
    });
}

#[test]
fn a_first_refusal_frees_a_key_and_an_unknown_end_keeps_its_work() {
    on_each_backend(async |world| {
        let key = Key { owner: "per_x".into(), key: "k".into() };
        let begin = async |print: &[u8]| idempotency::begin(&world.app, &key, print).await;
        let Ok(Begun::Work(first)) = begin(b"a").await else { panic!("work") };
        idempotency::release(&world.app, &key, 1, idempotency::Ended::Refused).await.expect("no fault");
        let Ok(Begun::Work(second)) = begin(b"b").await else { panic!("another request may have it") };
        assert_ne!(first.id, second.id);
        idempotency::release(&world.app, &key, 1, idempotency::Ended::Unknown).await.expect("no fault");
        assert_eq!(begin(b"c").await.expect_err("it is b's").code.text(), "idempotency_key_reused");
        let Ok(Begun::Work(third)) = begin(b"b").await else {
            panic!("at once, without waiting for the lease")
        };
        assert_eq!((third.id, third.run), (second.id, 2));
        // A lease given by a clock that ran ahead does not block for ever.
        world.clock.advance(-24 * 3_600_000);
        let Ok(Begun::Work(fourth)) = begin(b"b").await else { panic!("it is to be gone on with") };
        assert_eq!((fourth.id, fourth.run), (second.id, 3));
    });
}

#[test]
fn nonces_are_kept_longer_than_a_copy_could_pass() {
    on_each_backend(async |world| {
        use jialing_platform::nonces;
        nonces::spend(&world.app, "a/1", "n").await.expect("unused");
        nonces::spend(&world.app, "a/2", "n").await.expect("another key's");
        world.clock.advance(601_000);
        assert_eq!(nonces::clean(&world.app).await.expect("no fault"), 0);
        assert_eq!(
            nonces::spend(&world.app, "a/1", "n").await.expect_err("used").code.text(),
            "nonce_reused"
        );
        world.clock.advance(nonces::KEEP_MS);
        assert_eq!(nonces::clean(&world.app).await.expect("no fault"), 2);
    });
}
