//! Balances at any time, statements and exports over HTTP, with the bodies that the guide shows.

use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::http_signature::RequestSignature;
use jialing_crypto::{SigningKey, Suite};
use jialing_platform::exports::{check, work};
use jialing_platform::institutions::{self, NewKey};
use jialing_platform::receipts::Trust;
use reqwest::Method;
use serde_json::{Value, json};

use crate::citizen::Citizen;
use crate::city;
use crate::door::{Door, Heard, Street, hear, nothing_is_lost, order_ask};
use crate::world::{World, on_each_backend};

const GUIDE: &str = include_str!("../../../../docs/guides/statements.md");

/// The members of the JSON that the guide shows after `mark`, sorted.
fn shown(mark: &str) -> Vec<String> {
    let (_, rest) = GUIDE.split_once(mark).unwrap_or_else(|| panic!("the guide has {mark}"));
    let body = rest.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
    members(&serde_json::from_str(body.expect("a body is shown")).expect("the guide shows JSON"))
}

fn members(object: &Value) -> Vec<String> {
    let mut names: Vec<String> = object.as_object().expect("an object").keys().cloned().collect();
    names.sort();
    names
}

/// A street on which a payment of 28.00 yuan was made.
async fn paid(world: &World) -> (Street, Door) {
    let street = Street::build(world).await;
    let door = Door::open(world).await;
    let ask = order_ask("20261122-7", 2_800);
    let order = door.merchant(&street.server, Method::POST, "/v1/merchant/orders", Some(&ask)).await;
    let order = serde_json::from_value(order.went_well().body.clone()).expect("an order");
    door.pay(world, &street.payer, street.wallet, &order).await.went_well();
    world.clock.advance(1_000);
    (street, door)
}

/// This year and the next: whatever the clock says when the test runs.
fn all_time() -> Value {
    json!({ "from": "2020-01-01T00:00:00Z", "to": "2029-12-31T00:00:00Z" })
}

#[test]
fn a_person_a_merchant_and_its_owner_read_balances_and_statements_as_the_guide_shows() {
    on_each_backend(async |world: &mut World| {
        let (street, door) = paid(world).await;
        let (payer, owner) = (&street.payer, &street.shop.owner);
        let own = format!("/v1/wallet/wallets/{}", street.wallet);
        let balance = door.person(payer, Method::GET, &format!("{own}/balance"), None).await;
        let balance = &balance.went_well().body;
        assert_eq!(members(balance), shown("## The balance at any time"), "{balance}");
        assert_eq!(balance["balance"]["amount"], 997_200);
        let past =
            door.person(payer, Method::GET, &format!("{own}/balance?at=2020-01-01T00:00:00Z"), None).await;
        assert_eq!((&past.body["balance"]["amount"], &past.body["settled"]), (&json!(0), &json!(true)));

        let today = jialing_platform::clock::rfc3339(world.clock.millis());
        let (year, day) = (&today[..4], &today[..10]);
        let statement =
            door.person(payer, Method::GET, &format!("{own}/statement?period={year}"), None).await;
        let statement = &statement.went_well().body;
        assert_eq!(members(statement), shown("## Statements"), "{statement}");
        assert_eq!(statement["closing"]["amount"], 997_200);
        assert_eq!(
            statement["total_out"],
            json!({ "count": 1, "amount": { "amount": 2_800, "currency": "CNY" } })
        );
        let line = statement["lines"].as_array().expect("lines").last().expect("the payment");
        assert_eq!((&line["kind"], &line["memo"]), (&json!("payment"), &json!("小面")));
        assert!(line.get("wallet_id").is_none());
        for (query, field) in [
            ("statement?period=2026-13", "period"),
            ("statement?from=2026-01-01T00:00:00Z", "to"),
            ("statement?period=2026&from=2026-01-01T00:00:00Z", "period"),
            ("statement?year=2026", "year"),
            ("statement", "from"),
            ("balance?at=noon", "at"),
            ("balance?at=2999-01-01T00:00:00Z", "at"),
        ] {
            let refused = door.person(payer, Method::GET, &format!("{own}/{query}"), None).await;
            refused.names("invalid_request", field);
        }
        let eve = Citizen::new(world, 9).await;
        for query in ["balance", "statement?period=2026"] {
            door.person(&eve, Method::GET, &format!("{own}/{query}"), None).await.is("not_found");
            let shops = format!("/v1/wallet/merchants/{}/{query}", street.shop.id);
            door.person(&eve, Method::GET, &shops, None).await.is("not_found");
        }

        let taken = door.merchant(&street.server, Method::GET, "/v1/merchant/balance", None).await;
        assert_eq!(taken.went_well().body["balance"]["amount"], 2_800);
        let target = format!("/v1/merchant/statement?period={day}");
        let statement = door.merchant(&street.server, Method::GET, &target, None).await;
        assert_eq!(statement.went_well().body["closing"]["amount"], 2_800);
        let target = format!("/v1/wallet/merchants/{}", street.shop.id);
        let same = door.person(owner, Method::GET, &format!("{target}/statement?period={day}"), None).await;
        assert_eq!(same.went_well().body["lines"], statement.body["lines"]);
        let held = door.person(owner, Method::GET, &format!("{target}/balance"), None).await;
        assert_eq!(held.went_well().body["balance"]["amount"], 2_800);

        let found = async |query: &str| {
            let target = format!("/v1/merchant/transactions?{query}");
            let page = door.merchant(&street.server, Method::GET, &target, None).await;
            page.went_well().body["items"].as_array().expect("items").len()
        };
        assert_eq!(found("reference=20261122-7").await, 1);
        assert_eq!(found("reference=20261122-8").await, 0);
        assert_eq!((found("min_amount=2800&max_amount=2800").await, found("min_amount=2801").await), (1, 0));
        let target = "/v1/merchant/transactions?min_amount=-1";
        door.merchant(&street.server, Method::GET, target, None).await.names("invalid_request", "min_amount");
        nothing_is_lost(world).await;
    });
}

/// Fetches a file, or a part of it.
async fn fetch(door: &Door, citizen: &Citizen, target: &str, headers: &[(&'static str, &str)]) -> Heard {
    let request = door.request(Method::GET, target).bearer_auth(&citizen.token);
    hear(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

#[test]
fn a_person_exports_fetches_in_parts_proves_and_destroys() {
    on_each_backend(async |world: &mut World| {
        let (street, door) = paid(world).await;
        let payer = &street.payer;
        let target = format!("/v1/wallet/wallets/{}/exports", street.wallet);
        let mut ask = all_time();
        ask["format"] = "csv".into();
        door.person(payer, Method::POST, &target, Some(&ask)).await.is("idempotency_key_missing");
        let asked = door.keyed(payer, &target, "e-1", &ask).await;
        assert_eq!((asked.status, asked.text("state")), (202, "QUEUED".into()), "{}", asked.body);
        let again = door.keyed(payer, &target, "e-1", &ask).await;
        assert_eq!(
            (again.status, &again.bytes),
            (202, &asked.bytes),
            "one export, however often it is asked for"
        );
        let one = format!("/v1/wallet/exports/{}", asked.text("id"));
        fetch(&door, payer, &format!("{one}/file"), &[]).await.is("state_conflict");
        while work::make_next(&world.app).await.expect("the database answers") {}
        let ready = door.person(payer, Method::GET, &one, None).await;
        assert_eq!((ready.text("state"), &ready.body["rows"]), ("READY".into(), &json!(2)), "{}", ready.body);
        let listed = door.person(payer, Method::GET, "/v1/wallet/exports", None).await;
        assert_eq!(listed.body["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(listed.body["items"][0].get("proof"), None);

        let file = format!("{one}/file");
        let whole = fetch(&door, payer, &file, &[]).await;
        let header = |heard: &Heard, name: &str| heard.headers[name].to_str().expect("ASCII").to_owned();
        assert_eq!((whole.status, header(&whole, "accept-ranges")), (200, "bytes".into()));
        assert!(header(&whole, "content-type").starts_with("text/csv"));
        let name = format!("attachment; filename=\"jialing-{}-2020-01-01-2029-12-31.csv\"", asked.text("id"));
        assert_eq!(header(&whole, "content-disposition"), name);
        let size = whole.bytes.len();
        assert_eq!(ready.body["bytes"], size);
        assert!(String::from_utf8_lossy(&whole.bytes).contains(",支付,支出,28.00,9972.00,小面馆1,"));
        let tag = header(&whole, "etag");
        assert_eq!(tag, format!("\"{}\"", ready.text("sha256")));
        let half = format!("bytes={}-", size / 2);
        let part = fetch(&door, payer, &file, &[("range", &half), ("if-range", &tag)]).await;
        assert_eq!((part.status, part.bytes.as_slice()), (206, &whole.bytes[size / 2..]));
        assert_eq!(header(&part, "content-range"), format!("bytes {}-{}/{size}", size / 2, size - 1));
        let other = fetch(&door, payer, &file, &[("range", &half), ("if-range", "\"old\"")]).await;
        assert_eq!((other.status, other.bytes.len()), (200, size), "a part of another file would not fit");
        let beyond = format!("bytes={size}-");
        fetch(&door, payer, &file, &[("range", &beyond)]).await.names("invalid_request", "Range");

        let hash = HashAlgorithm::Sha256.digest(&whole.bytes);
        let trust = Trust::in_ledger(&world.app.engine.verifier_key()).expect("a key");
        check(&ready.body["proof"].to_string(), &hash, &trust).expect("the proof holds");

        let eve = Citizen::new(world, 9).await;
        for target in [&one, &file] {
            door.person(&eve, Method::GET, target, None).await.is("not_found");
        }
        door.person(&eve, Method::DELETE, &one, None).await.is("not_found");
        let stolen = format!("/v1/wallet/wallets/{}/exports", street.wallet);
        door.keyed(&eve, &stolen, "e-1", &ask).await.is("not_found");
        let gone = door.person(payer, Method::DELETE, &one, None).await;
        assert_eq!(gone.text("state"), "CANCELLED");
        fetch(&door, payer, &file, &[]).await.is("state_conflict");
        ask["format"] = "xlsx".into();
        door.keyed(payer, &target, "e-2", &ask).await.names("invalid_request", "format");
        let mut odd = all_time();
        (odd["format"], odd["rows"]) = ("csv".into(), 5.into());
        door.keyed(payer, &target, "e-3", &odd).await.names("invalid_request", "rows");
    });
}

/// A bank's server with its key.
struct BankServer {
    key: SigningKey,
    code: &'static str,
}

impl BankServer {
    async fn of(world: &World, code: &'static str) -> Self {
        let key = SigningKey::generate(Suite::Sm2Sm3);
        let new = NewKey { public_key: key.public().to_pem(), expires_at: None };
        institutions::add_key(&world.app, city::bank(&world.app, code).await, new).await.expect("added");
        Self { key, code }
    }

    async fn call(
        &self,
        world: &World,
        door: &Door,
        method: Method,
        target: &str,
        ask: Option<&Value>,
    ) -> Heard {
        let body = ask.map(|ask| serde_json::to_vec(ask).expect("JSON")).unwrap_or_default();
        let seconds = world.clock.millis() / 1000;
        let signature = RequestSignature::sign(&self.key, self.code, method.as_str(), target, &body, seconds);
        let request = door.request(method, target).header("Authorization", signature.to_header());
        let request = request.header("Idempotency-Key", "b-1").header("Content-Type", "application/json");
        hear(request.body(body)).await
    }
}

#[test]
fn a_merchants_and_a_banks_server_export_and_what_can_be_signed_is() {
    on_each_backend(async |world: &mut World| {
        let (street, door) = paid(world).await;
        let mut ask = all_time();
        ask["format"] = "parquet".into();
        let bytes = serde_json::to_vec(&ask).expect("JSON");
        let signature = street.server.sign("POST", "/v1/merchant/exports", &bytes);
        let request = door.request(Method::POST, "/v1/merchant/exports").body(bytes);
        let request = request.header("Authorization", signature.to_header()).header("Idempotency-Key", "m-1");
        let asked = hear(request.header("Content-Type", "application/json")).await;
        assert_eq!(asked.status, 202, "{}", asked.body);
        door.check_signed(&asked);
        let bank = BankServer::of(world, "BKA").await;
        let call = async |method: Method, target: &str, ask: Option<&Value>| {
            bank.call(world, &door, method, target, ask).await
        };
        let banks = call(Method::POST, "/v1/bank/accounts/vault/exports", Some(&ask)).await;
        assert_eq!(banks.status, 202, "{}", banks.body);
        door.check_signed(&banks);
        while work::make_next(&world.app).await.expect("the database answers") {}

        let one = format!("/v1/merchant/exports/{}", asked.text("id"));
        let ready = door.merchant(&street.server, Method::GET, &one, None).await;
        assert_eq!(ready.text("state"), "READY");
        let file = format!("{one}/file");
        let signature = street.server.sign("GET", &file, b"");
        let fetched = door.with_signature(&signature, Method::GET, &file, Vec::new()).await;
        assert_eq!(fetched.status, 200);
        assert_eq!(&fetched.bytes[..4], b"PAR1");
        assert!(!fetched.headers.contains_key("jialing-signature"), "a stream is not signed");
        let hash: String =
            HashAlgorithm::Sha256.digest(&fetched.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(ready.text("sha256"), hash, "its hash is, in the signed answer");
        // A refusal on the same route is small, and signed.
        let missing = "/v1/merchant/exports/exp_00000000000000000000000000/file";
        door.merchant(&street.server, Method::GET, missing, None).await.is("not_found");
        let banks_own = format!("/v1/merchant/exports/{}", banks.text("id"));
        door.merchant(&street.server, Method::GET, &banks_own, None).await.is("not_found");

        let vault = "/v1/bank/accounts/vault";
        let statement = call(
            Method::GET,
            &format!("{vault}/statement?from=2020-01-01T00:00:00Z&to=2020-06-01T00:00:00Z"),
            None,
        )
        .await;
        assert_eq!(statement.went_well().body["closing"]["amount"], 0);
        door.check_signed(&statement);
        let balance = call(Method::GET, &format!("{vault}/balance"), None).await;
        assert_eq!(balance.went_well().body["balance"]["amount"], city::ISSUED - 1_000_000);
        assert_eq!(balance.text("account"), "BKA/vault");
        let listed =
            call(Method::GET, &format!("{vault}/transactions?kind=issue&reference=first-BKA"), None).await;
        assert_eq!(listed.went_well().body["items"].as_array().map(Vec::len), Some(1));
        call(Method::GET, "/v1/bank/accounts/issuance/balance", None).await.is("not_found");
        call(Method::GET, "/v1/bank/accounts/safe/balance", None).await.is("not_found");
        let one = format!("/v1/bank/exports/{}", banks.text("id"));
        assert_eq!(call(Method::GET, &one, None).await.text("state"), "READY");
        let listed = call(Method::GET, "/v1/bank/exports", None).await;
        assert_eq!(listed.body["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(call(Method::GET, &format!("{one}/file"), None).await.status, 200);
        assert_eq!(call(Method::DELETE, &one, None).await.text("state"), "CANCELLED");
    });
}
