//! Tickets and privacy over HTTP: what a person asks and decides, and the desk that answers.

use jialing_crypto::{SigningKey, Suite};
use jialing_gateway::OperatorKey;
use reqwest::Method;
use serde_json::{Value, json};

use crate::citizen::Citizen;
use crate::city;
use crate::door::{Door, Heard, hear};
use crate::files::operate;
use crate::market::{Payer, Shop};
use crate::world::{World, on_each_backend};

const TICKETS: &str = "/v1/wallet/tickets";
const DESK: &str = "/v1/operator/tickets";

async fn get(door: &Door, who: &Citizen, target: &str) -> Heard {
    door.person(who, Method::GET, target, None).await
}

async fn post(door: &Door, who: &Citizen, target: &str, body: Option<&Value>) -> Heard {
    door.person(who, Method::POST, target, body).await
}

#[test]
fn a_ticket_is_opened_once_answered_by_an_operator_and_closed() {
    on_each_backend(async |world: &mut World| {
        let li = SigningKey::generate(Suite::Ed25519);
        let door = Door::with(world, |config| {
            config.operators = vec![OperatorKey { name: "li.ming".into(), key: li.public().clone() }];
        })
        .await;
        let (ann, eve) = (Citizen::with_pin(world, 1).await, Citizen::with_pin(world, 2).await);
        let desk = async |method: Method, target: &str, body: Option<&Value>| {
            operate(world, &door, ("li.ming", &li), method, target, body).await
        };
        let ask = json!({ "topic": "QUESTION", "text": "怎么提现?" });
        let opened = door.keyed(&ann, TICKETS, "k-1", &ask).await;
        assert_eq!((opened.status, opened.text("state")), (201, "OPEN".into()), "{}", opened.body);
        let again = door.keyed(&ann, TICKETS, "k-1", &ask).await;
        assert_eq!((again.status, &again.body), (201, &opened.body), "once, however often it is sent");
        post(&door, &ann, TICKETS, Some(&ask)).await.is("idempotency_key_missing");
        for (change, field) in [
            (json!({ "topic": "SPAM" }), "topic"),
            (json!({ "text": "" }), "text"),
            (json!({ "text": "x".repeat(2_001) }), "text"),
            (json!({ "subject": "a b" }), "subject"),
            (json!({ "topic": "ASK_REFUND" }), "subject"),
            (json!({ "person": "per_1" }), "person"),
        ] {
            let mut body = ask.clone();
            let changes = change.as_object().expect("an object");
            changes.iter().for_each(|(name, value)| body[name] = value.clone());
            door.keyed(&ann, TICKETS, "k-2", &body).await.names("invalid_request", field);
        }
        let one = format!("{TICKETS}/{}", opened.text("id"));
        let (theirs, words) = (format!("{DESK}/{}", opened.text("id")), json!({ "text": "在「我的」里。" }));
        let waiting = desk(Method::GET, &format!("{DESK}?state=OPEN"), None).await;
        assert_eq!(waiting.body["items"][0]["id"], opened.body["id"], "{}", waiting.body);
        assert!(waiting.body["items"][0].get("messages").is_none());
        assert_eq!(desk(Method::GET, &theirs, None).await.body["messages"][0]["text"], "怎么提现?");
        let answered = desk(Method::POST, &format!("{theirs}/answer"), Some(&words)).await;
        assert_eq!(answered.text("state"), "ANSWERED", "{}", answered.body);
        assert_eq!(answered.body["messages"][1]["operator"], "li.ming");

        let read = get(&door, &ann, &one).await;
        assert_eq!(read.body["messages"][1]["from"], "STAFF", "{}", read.body);
        assert!(read.body["messages"][1].get("operator").is_none(), "who of the staff is not told");
        let told = get(&door, &ann, "/v1/wallet/notices").await;
        assert_eq!(told.body["items"][0]["code"], "TICKET_ANSWERED", "{}", told.body);
        let on = post(&door, &ann, &format!("{one}/messages"), Some(&json!({ "text": "谢谢" }))).await;
        assert_eq!(on.text("state"), "OPEN", "{}", on.body);
        post(&door, &ann, &format!("{one}/messages"), Some(&json!({ "text": " " })))
            .await
            .names("invalid_request", "text");
        for target in [one.clone(), format!("{TICKETS}/tkt_06f3k1v8q0m2r4t6w8y0a2c4e0")] {
            get(&door, &eve, &target).await.is("not_found");
            post(&door, &eve, &format!("{target}/close"), None).await.is("not_found");
        }
        let closed = post(&door, &ann, &format!("{one}/close"), None).await;
        assert_eq!(closed.text("state"), "CLOSED");
        desk(Method::POST, &format!("{theirs}/answer"), Some(&json!({ "text": "还有" })))
            .await
            .is("state_conflict");
        assert_eq!(desk(Method::POST, &format!("{theirs}/close"), None).await.text("state"), "CLOSED");
        desk(Method::GET, &format!("{DESK}?state=LOST"), None).await.names("invalid_request", "state");
        // A person's session opens no desk.
        hear(door.request(Method::GET, DESK).bearer_auth(&ann.token)).await.is("signature_missing");
    });
}

#[test]
fn privacy_shows_what_merchants_saw_switches_consents_and_copies_the_data() {
    on_each_backend(async |world: &mut World| {
        city::found(world).await;
        let door = Door::open(world).await;
        let shop = Shop::open(world, 1, "BKB").await;
        let ann = Payer::with(world, 2, "BKA", 9_000).await;
        let order = shop.order(world, "o-1", 300).await;
        ann.pay(world, &order).await.expect("paid");
        let who = &ann.citizen;
        let seen = get(&door, who, "/v1/wallet/privacy/merchants").await;
        let one = &seen.body["items"][0];
        assert_eq!((&one["merchant_id"], &one["payments"]), (&json!(shop.id), &json!(1)), "{}", seen.body);
        assert_eq!(one["saw"], json!(["amount", "time", "payer_reference"]));
        let consents = "/v1/wallet/privacy/consents";
        let before = get(&door, who, consents).await;
        let expect = json!({ "findable_by_phone": false, "payment_alerts": true, "sign_in_alerts": true, "marketing": false });
        assert_eq!(before.body, expect);
        let put = async |body: Value| door.person(who, Method::PUT, consents, Some(&body)).await;
        let after = put(json!({ "marketing": true })).await;
        assert_eq!((&after.body["marketing"], after.body["changed_at"].is_string()), (&json!(true), true));
        put(json!({ "marketing": "yes" })).await.names("invalid_request", "marketing");
        put(json!({ "cookies": true })).await.names("invalid_request", "cookies");
        let copy = get(&door, who, "/v1/wallet/privacy/data").await;
        assert_eq!(copy.status, 200, "{}", copy.body);
        assert_eq!(copy.body["profile"]["person_id"], json!(who.person));
        assert_eq!(copy.body["merchants_paid"]["items"][0]["merchant_id"], json!(shop.id));
        for target in ["merchants", "consents", "data"] {
            hear(door.request(Method::GET, &format!("/v1/wallet/privacy/{target}")))
                .await
                .is("unauthenticated");
        }
    });
}
