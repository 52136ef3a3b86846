//! Deposit money and wallet money through the edge: a person's whole way, a bank's requests, and real
//! banks over HTTP that fail in every way that the sandbox knows.

use std::sync::Arc;
use std::time::Duration;

use jialing_crypto::http_signature::{CallbackSignature, RequestSignature};
use jialing_crypto::seal::{BlindIndex, KeyRing, SealAlgorithm, SealKey};
use jialing_crypto::{SigningKey, Suite};
use jialing_platform::app::Parts;
use jialing_platform::exchange::{State, reconcile, resolve};
use jialing_platform::institutions::{self, NewKey};
use jialing_platform::wallets::{self, Class};
use jialing_platform::{App, Connectors};
use jialing_rails::CallLimits;
use jialing_rails::bank::iso::MESSAGES;
use jialing_rails::bank::{Bank, Dialect, EntryKind, HttpBank, IsoBank, NoticeState, OurSide};
use jialing_rails::iso20022::{PACS_028, PAIN_001};
use jialing_sandbox::{BankConfig, FaultKind, Ports, Sandbox, SandboxConfig, SettleAfter};
use reqwest::Method;
use serde_json::{Value, json};

use crate::citizen::{Citizen, PIN};
use crate::city::{self, bank};
use crate::door::{Door, Heard, hear, nothing_is_lost};
use crate::rails::{Fault, LINK_CODE};
use crate::saver::{self, Saver};
use crate::world::{World, on_each_backend};

fn money(fen: u64) -> Value {
    json!({ "amount": fen, "currency": "CNY" })
}

/// A top-up or withdrawal as a wallet app sends it.
fn exchange_ask(world: &World, saver: &Saver, noun: &str, number: &str, fen: u64) -> Value {
    let (action, payee) = match noun {
        "topup" => ("top_up", saver.wallet.to_string()),
        _ => ("withdraw", saver.link.to_string()),
    };
    let evidence = saver.citizen.sign(world, action, &payee, fen, number, saver.wallet);
    json!({
        format!("out_{noun}_no"): number, "wallet_id": saver.wallet, "link_id": saver.link,
        "amount": money(fen), "pin": PIN, "evidence": evidence,
    })
}

async fn post(door: &Door, citizen: &Citizen, target: &str, body: &Value) -> Heard {
    door.person(citizen, Method::POST, target, Some(body)).await
}

async fn get(door: &Door, citizen: &Citizen, target: &str) -> Heard {
    door.person(citizen, Method::GET, target, None).await
}

#[test]
fn a_person_opens_links_tops_up_withdraws_freezes_and_closes() {
    on_each_backend(async |world| {
        city::found(world).await;
        let door = Door::open(world).await;
        let citizen = Citizen::identified(world, 1, "陈储蓄").await;
        let open = json!({ "institution": "BKB", "name": "零钱" });
        let opened = door.keyed(&citizen, "/v1/wallet/wallets", "open-1", &open).await;
        let again = door.keyed(&citizen, "/v1/wallet/wallets", "open-1", &open).await;
        assert_eq!((opened.status, &opened.body), (201, &again.body));
        assert_eq!((&opened.body["class"], &opened.body["liability"]), (&json!("III"), &json!("deposit")));
        let wallet = format!("/v1/wallet/wallets/{}", opened.text("wallet_id"));

        let ask = json!({ "institution": "BKC", "account_number": "6222020200112233" });
        let link = door.keyed(&citizen, "/v1/wallet/links", "link-1", &ask).await;
        assert_eq!((link.status, &link.body["state"]), (202, &json!("PENDING")));
        assert!(!link.body.to_string().contains("62220202"), "an account number is not told");
        let link = format!("/v1/wallet/links/{}", link.text("link_id"));
        let wrong = post(&door, &citizen, &format!("{link}/confirm"), &json!({ "code": "000000" })).await;
        wrong.names("code_invalid", "code");
        let signed = post(&door, &citizen, &format!("{link}/confirm"), &json!({ "code": LINK_CODE })).await;
        assert_eq!(signed.went_well().body["state"], "SIGNED");
        let list = get(&door, &citizen, "/v1/wallet/links?limit=1").await;
        assert_eq!(list.body["items"][0], signed.body);

        let (wallet_id, link_id) = (opened.text("wallet_id"), signed.text("link_id"));
        let saver = Saver {
            citizen,
            wallet: wallet_id.parse().expect("an id"),
            link: link_id.parse().expect("an id"),
        };
        let citizen = &saver.citizen;
        let topup = exchange_ask(world, &saver, "topup", "T-1", 1_000_000);
        let made = post(&door, citizen, "/v1/wallet/topups", &topup).await;
        assert_eq!((made.status, &made.body["state"]), (201, &json!("SUCCESS")));
        let same = post(&door, citizen, "/v1/wallet/topups", &topup).await;
        assert_eq!(same.body, made.body);
        let other = exchange_ask(world, &saver, "topup", "T-1", 1_000_001);
        post(&door, citizen, "/v1/wallet/topups", &other).await.names("conflict", "amount");
        let more = exchange_ask(world, &saver, "topup", "T-2", 1_000_001);
        let refused = post(&door, citizen, "/v1/wallet/topups", &more).await;
        assert_eq!(refused.is("balance_too_high").body["left"], 1_000_000);
        world.banks["BKC"].order(Fault::Later);
        let out = exchange_ask(world, &saver, "withdrawal", "W-1", 400_000);
        let out = post(&door, citizen, "/v1/wallet/withdrawals", &out).await;
        assert_eq!((out.status, &out.body["state"]), (202, &json!("PROCESSING")));
        let seen = get(&door, citizen, &wallet).await;
        assert_eq!((&seen.body["balance"], &seen.body["available"]), (&money(1_000_000), &money(600_000)));

        let frozen = post(&door, citizen, &format!("{wallet}/freeze"), &json!({})).await;
        assert_eq!(frozen.went_well().body["status"], "LOST");
        post(&door, citizen, &format!("{wallet}/lift"), &json!({})).await.is("second_factor_required");
        let code = citizen.second_factor(world).await;
        let lifted = post(&door, citizen, &format!("{wallet}/lift"), &json!({ "code": code })).await;
        assert_eq!(lifted.went_well().body["status"], "ACTIVE");

        world.banks["BKC"].finish(&out.text("withdrawal_id"), None);
        saver::later(world, 40).await;
        let out = get(&door, citizen, &format!("/v1/wallet/withdrawals/{}", out.text("withdrawal_id"))).await;
        assert_eq!(out.body["state"], "SUCCESS");
        post(&door, citizen, &format!("{wallet}/close"), &json!({})).await.is("wallet_not_empty");
        let mut sweep = exchange_ask(world, &saver, "withdrawal", "W-2", 600_000);
        sweep.as_object_mut().expect("an object").remove("wallet_id");
        let closed = post(&door, citizen, &format!("{wallet}/close"), &json!({ "sweep": sweep })).await;
        assert_eq!((closed.status, &closed.body["status"]), (200, &json!("CLOSED")));
        let ended = door.person(citizen, Method::DELETE, &link, None).await;
        assert_eq!(ended.went_well().body["state"], "ENDED");
        let list = get(&door, citizen, "/v1/wallet/withdrawals").await;
        let sweeps: Vec<_> =
            list.body["items"].as_array().expect("items").iter().map(|item| &item["sweep"]).collect();
        assert_eq!(sweeps, [&json!(true), &json!(false)]);
        assert_eq!(world.banks["BKC"].net(), 0);
        nothing_is_lost(world).await;
    });
}

#[test]
fn what_is_anothers_is_not_found() {
    on_each_backend(async |world| {
        city::found(world).await;
        let door = Door::open(world).await;
        let (owner, stranger) =
            (Saver::new(world, 1, "BKA", "BKA").await, Saver::new(world, 2, "BKA", "BKA").await);
        let topup = owner.top_up(world, "T-1", 100).await.expect("taken in").topup_id;
        let out = owner.withdraw(world, "W-1", 50).await.expect("taken in").withdrawal_id;
        for target in [
            format!("/v1/wallet/wallets/{}", owner.wallet),
            format!("/v1/wallet/links/{}", owner.link),
            format!("/v1/wallet/topups/{topup}"),
            format!("/v1/wallet/withdrawals/{out}"),
        ] {
            get(&door, &owner.citizen, &target).await.went_well();
            get(&door, &stranger.citizen, &target).await.is("not_found");
        }
        for act in ["freeze", "lift", "close"] {
            let target = format!("/v1/wallet/wallets/{}/{act}", owner.wallet);
            post(&door, &stranger.citizen, &target, &json!({})).await.is("not_found");
        }
        let link = format!("/v1/wallet/links/{}", owner.link);
        door.person(&stranger.citizen, Method::DELETE, &link, None).await.is("not_found");
        let theirs = Saver { citizen: stranger.citizen, wallet: owner.wallet, link: stranger.link };
        let ask = exchange_ask(world, &theirs, "withdrawal", "W-9", 10);
        post(&door, &theirs.citizen, "/v1/wallet/withdrawals", &ask).await.is("not_found");
        assert_eq!(owner.money(world).await, (50, 50));
    });
}

/// A bank's server.
struct BankServer {
    code: &'static str,
    key: SigningKey,
}

impl BankServer {
    async fn of(world: &World, code: &'static str, suite: Suite) -> Self {
        let key = SigningKey::generate(suite);
        let new = NewKey { public_key: key.public().to_pem(), expires_at: None };
        institutions::add_key(&world.app, bank(&world.app, code).await, new).await.expect("added");
        Self { code, key }
    }

    async fn send(
        &self,
        world: &World,
        door: &Door,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Heard {
        let bytes = body.map(|body| serde_json::to_vec(body).expect("JSON")).unwrap_or_default();
        let now = world.clock.millis() / 1000;
        let signature = RequestSignature::sign(&self.key, self.code, method.as_str(), target, &bytes, now);
        let heard = door.with_signature(&signature, method, target, bytes).await;
        door.check_signed(&heard);
        heard
    }
}

#[test]
fn a_bank_asks_for_issue_and_redemption() {
    on_each_backend(async |world| {
        city::found(world).await;
        let door = Door::open(world).await;
        let server = BankServer::of(world, "BKA", Suite::Sm2Sm3).await;
        let ask = |number: &str, fen: u64| json!({ "out_issuance_no": number, "amount": money(fen) });
        let issue = async |number: &str, fen: u64| {
            server.send(world, &door, Method::POST, "/v1/bank/issuances", Some(&ask(number, fen))).await
        };
        let issued = issue("I-1", 500).await;
        assert_eq!((issued.status, &issued.body["state"]), (201, &json!("SUCCESS")));
        assert_eq!(issue("I-1", 500).await.body, issued.body);
        issue("I-1", 501).await.names("conflict", "amount");
        let redeem = json!({ "out_issuance_no": "R-1", "amount": money(500) });
        let back = server.send(world, &door, Method::POST, "/v1/bank/redemptions", Some(&redeem)).await;
        assert_eq!((&back.body["direction"], &back.body["state"]), (&json!("REDEEM"), &json!("SUCCESS")));
        let target = format!("/v1/bank/issuances/{}", issued.text("issuance_id"));
        assert_eq!(server.send(world, &door, Method::GET, &target, None).await.body, issued.body);
        let other = BankServer::of(world, "BKB", Suite::Ed25519).await;
        other.send(world, &door, Method::GET, &target, None).await.is("not_found");
        let list = server.send(world, &door, Method::GET, "/v1/bank/issuances?limit=1", None).await;
        assert_eq!(
            (list.body["items"][0]["out_issuance_no"].as_str(), &list.body["has_more"]),
            (Some("R-1"), &json!(true))
        );
        let supply = door.get("/v1/public/supply").await;
        assert_eq!(supply.body["balanced"], true);
        assert_eq!(supply.body["holders"][0]["redeemed"], money(500));
        let institutions = door.get("/v1/public/institutions").await;
        assert_eq!(institutions.body["items"].as_array().map(Vec::len), Some(4));
        let policies = door.get("/v1/public/policies").await;
        let names: Vec<_> =
            policies.body["items"].as_array().expect("items").iter().map(|item| &item["name"]).collect();
        assert!(names.contains(&&json!("wallet_4_single")), "{names:?}");
    });
}

#[test]
fn a_notice_is_taken_from_its_bank_only() {
    on_each_backend(async |world| {
        city::found(world).await;
        let door = Door::open(world).await;
        let saver = Saver::new(world, 1, "BKA", "BKA").await;
        let (ours, theirs) = (
            BankServer::of(world, "BKA", Suite::Ed25519).await,
            BankServer::of(world, "BKB", Suite::Sm2Sm3).await,
        );
        world.banks["BKA"].order(Fault::Later);
        let topup = saver.top_up(world, "T-1", 100).await.expect("taken in");
        let reference = topup.topup_id.to_string();
        let send = async |server: &BankServer, notice: Value, spoil: bool| {
            let body = serde_json::to_vec(&notice).expect("JSON");
            let signature = CallbackSignature::sign(&server.key, &body, jiff::Timestamp::now().as_second());
            let mut request =
                door.request(Method::POST, "/v1/bank/notices").header("Content-Type", "application/json");
            for (name, value) in signature.headers() {
                request = request.header(name, value);
            }
            hear(request.body(if spoil { [body.as_slice(), b" "].concat() } else { body })).await
        };
        let notice = |bank: &str| {
            let notice = saver::notice(world, bank, &reference, EntryKind::Pull, NoticeState::Done, 100);
            serde_json::to_value(notice).expect("JSON")
        };
        send(&ours, notice("BKA"), true).await.is("signature_invalid");
        send(&ours, notice("BKB"), false).await.is("invalid_request");
        send(&theirs, notice("BKB"), false).await.is("not_found");
        let stranger = BankServer { code: "BKA", key: SigningKey::generate(Suite::Ed25519) };
        send(&stranger, notice("BKA"), false).await.is("key_unknown");
        hear(door.request(Method::POST, "/v1/bank/notices").json(&notice("BKA")))
            .await
            .is("signature_missing");
        assert_eq!(saver.top_up_now(world, &topup).await.state, State::Processing);
        for _ in 0..2 {
            assert_eq!(send(&ours, notice("BKA"), false).await.status, 204);
            assert_eq!(saver.top_up_now(world, &topup).await.state, State::Success);
        }
        assert_eq!(saver.money(world).await.0, 100);
    });
}

/// A platform over the world's database and ledger that calls a real bank over HTTP, in a dialect.
async fn town(world: &mut World, dialect: Dialect) -> (Sandbox, Door) {
    let key = SigningKey::generate(Suite::Ed25519);
    let bank = BankConfig { institution: "BKA".into(), suite: Suite::Sm2Sm3, port: 0, customers: Vec::new() };
    let sandbox = Sandbox::start(SandboxConfig {
        banks: vec![bank],
        residents: Vec::new(),
        ports: Ports::default(),
        caller_id: "jialing".into(),
        callers: vec![key.public().clone()],
        notice_door: None,
        settle_after: SettleAfter::AtOnce,
        folder: None,
        clock_offset_s: 0,
    })
    .await
    .expect("the sandbox starts");
    let address = sandbox.banks().next().expect("one bank").clone();
    let limits = CallLimits { answer_ms: 400, ..CallLimits::default() };
    let peer = address.peer("jialing", key, limits);
    let connector: Arc<dyn Bank> = match dialect {
        Dialect::Json => Arc::new(HttpBank::new(peer).expect("a peer")),
        Dialect::Iso20022 => Arc::new(IsoBank::new(peer, OurSide::default()).expect("a peer")),
    };
    let old = &world.app;
    let seal = SealKey::new(1, SealAlgorithm::Aes256Gcm, &[7; 32]).expect("32 bytes");
    world.app = App::new(Parts {
        db: old.db.clone(),
        engine: old.engine.clone(),
        clock: old.clock.clone(),
        settings: old.settings.clone(),
        seal: KeyRing::new(vec![seal], 1).expect("one key"),
        blind: BlindIndex::new([9; 32]),
        connectors: Connectors {
            banks: [("BKA".to_owned(), connector)].into(),
            identity: world.identity.clone(),
            notices: world.notices.clone(),
        },
        progress: old.progress.clone(),
        exports: old.exports.clone(),
        policies: old.policies.clone(),
        witnesses: Default::default(),
    });
    let key = NewKey { public_key: address.key.to_pem(), expires_at: None };
    institutions::add_key(&world.app, bank_id(world).await, key).await.expect("added");
    let door = Door::open(world).await;
    sandbox.set_notice_door(&format!("{}/v1/bank/notices", door.base));
    (sandbox, door)
}

async fn bank_id(world: &World) -> jialing_platform::id::InstitutionId {
    bank(&world.app, "BKA").await
}

/// Lets time pass for both sides, and background work be done, until `state` tells the end. What is
/// awaited is the ledger's next record; a refusal leaves none, so the look is repeated.
async fn until_final(world: &World, sandbox: &Sandbox, end: State, state: impl AsyncFn() -> State) -> State {
    let mut durable = world.app.engine.durable();
    for _ in 0..60 {
        let now = state().await;
        if now == end {
            return now;
        }
        sandbox.clock().advance(5);
        world.clock.advance(5_000);
        resolve::round(&world.app).await.expect("the background work runs");
        let _ = tokio::time::timeout(Duration::from_millis(50), durable.changed()).await;
    }
    state().await
}

/// A person of class II with a wallet and an account at the real bank.
async fn real_saver(world: &World, sandbox: &Sandbox) -> Saver {
    let citizen = Citizen::identified(world, 1, "陈储蓄").await;
    wallets::raise_class(&world.app, citizen.person, Class::Two).await.expect("raised");
    let wallet = city::wallet(world, &citizen, "BKA", 0).await;
    let ask = jialing_platform::links::LinkAsk {
        institution: "BKA".into(),
        account_number: "6210990000112233".into(),
    };
    let link =
        jialing_platform::links::start(&world.app, &citizen.actor, ask).await.expect("started").link_id;
    let code = sandbox.wait_for_message(&citizen.phone, 0).await.params["code"].clone();
    let ask = jialing_platform::links::ConfirmAsk { code };
    jialing_platform::links::confirm(&world.app, &citizen.actor, link, ask).await.expect("signed");
    Saver { citizen, wallet, link }
}

/// What the bank's account of the saver holds, fen.
async fn at_the_bank(sandbox: &Sandbox) -> i64 {
    let bank = sandbox.banks().next().expect("one bank").base_url();
    let account = reqwest::get(format!("{bank}/accounts/6210990000112233")).await.expect("answered");
    account.json::<Value>().await.expect("JSON")["balance"].as_i64().expect("a number")
}

#[test]
fn a_real_bank_that_fails_in_every_known_way_loses_nothing() {
    fails_in_every_known_way(Dialect::Json);
}

#[test]
fn a_real_bank_over_iso_20022_that_fails_in_every_known_way_loses_nothing() {
    fails_in_every_known_way(Dialect::Iso20022);
}

#[test]
fn an_outcome_that_no_question_tells_is_settled_by_the_statement_and_nothing_is_lost_or_doubled() {
    on_each_backend(async |world| {
        city::found(world).await;
        let (sandbox, _door) = town(world, Dialect::Iso20022).await;
        let saver = real_saver(world, &sandbox).await;
        let before = at_the_bank(&sandbox).await;
        let order = |kind, times, path: &str| {
            let fault = jialing_sandbox::Fault { times, ..jialing_sandbox::Fault::once(kind) };
            assert!(sandbox.order_fault("BKA", fault.on(&format!("{MESSAGES}/{path}"))));
        };
        // To every question the bank says that it does not know.
        order(FaultKind::Unknown, 1_000, PACS_028);
        order(FaultKind::LostNotice, 1, PAIN_001);
        let topup = saver.top_up(world, "T-1", 30_000).await.expect("taken in");
        assert_eq!(topup.state, State::Success, "the answer to the order tells");
        order(FaultKind::Timeout, 1, PAIN_001);
        let lost = saver.top_up(world, "T-2", 20_000).await.expect("taken in");
        let state = async || saver.top_up_now(world, &lost).await.state;
        let told = until_final(world, &sandbox, State::Success, state).await;
        assert_eq!(told, State::Success, "the notice of the booking tells");
        assert_eq!(saver.money(world).await, (50_000, 50_000));
        assert_eq!(at_the_bank(&sandbox).await, before - 50_000);

        // Neither an answer nor a notice arrives.
        let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let nobody = closed.local_addr().expect("an address");
        drop(closed);
        sandbox.set_notice_door(&format!("http://{nobody}"));
        order(FaultKind::Timeout, 1, PAIN_001);
        let silent = saver.top_up(world, "T-3", 10_000).await.expect("taken in");
        let now = async || saver.top_up_now(world, &silent).await;
        for _ in 0..3 {
            saver::later(world, 700).await;
        }
        assert_eq!(now().await.state, State::PresumedSuccess, "nobody tells, and nothing is guessed");
        assert_eq!(saver.money(world).await, (50_000, 50_000));
        for day in [sandbox.clock().today(), saver::today(world)] {
            reconcile::run(&world.app, "BKA", day).await.expect("compared");
        }
        world.settle().await;
        assert_eq!(now().await.state, State::Success, "the statement tells");
        assert_eq!(saver.money(world).await, (60_000, 60_000));
        assert_eq!(at_the_bank(&sandbox).await, before - 60_000);
        nothing_is_lost(world).await;
        sandbox.stop().await;
    });
}

fn fails_in_every_known_way(dialect: Dialect) {
    on_each_backend(async |world| {
        city::found(world).await;
        let (sandbox, _door) = town(world, dialect).await;
        let saver = real_saver(world, &sandbox).await;

        // The last two digits of an amount order the sandbox's faults; see docs/reference/sandbox.md.
        let mut expect = 0;
        for (ending, end) in [
            (0, State::Success),
            (81, State::Fail),
            (82, State::Success),
            (83, State::Success),
            (84, State::Success),
            (85, State::Success),
            (86, State::Success),
            (87, State::Success),
            (89, State::Fail),
        ] {
            let fen = 10_000 + ending;
            let topup = saver.top_up(world, &format!("T-{ending}"), fen).await.expect("taken in");
            let state =
                until_final(world, &sandbox, end, async || saver.top_up_now(world, &topup).await.state).await;
            assert_eq!(state, end, "a top-up of …{ending}: {:?}", saver.top_up_now(world, &topup).await);
            expect += if end == State::Success { i64::try_from(fen).expect("small") } else { 0 };
            assert_eq!(saver.money(world).await, (expect, expect), "a top-up of …{ending}");
        }
        for (ending, end) in [
            (0, State::Success),
            (81, State::Fail),
            (82, State::Success),
            (83, State::Success),
            (84, State::Success),
            (85, State::Success),
            (86, State::Success),
            (87, State::Success),
            (88, State::Returned),
            (89, State::Fail),
        ] {
            let fen = 1_000 + ending;
            let out = saver.withdraw(world, &format!("W-{ending}"), fen).await.expect("taken in");
            let state =
                until_final(world, &sandbox, end, async || saver.withdrawal_now(world, &out).await.state)
                    .await;
            assert_eq!(
                state,
                end,
                "a withdrawal of …{ending}: {:?}",
                saver.withdrawal_now(world, &out).await
            );
            expect -= if end == State::Success { i64::try_from(fen).expect("small") } else { 0 };
            assert_eq!(saver.money(world).await, (expect, expect), "a withdrawal of …{ending}");
        }
        world.settle().await;
        // The city's clock may have passed midnight.
        let first = saver::today(world).yesterday().expect("a day before");
        for day in [first, saver::today(world)] {
            let report = reconcile::run(&world.app, "BKA", day).await.expect("compared");
            assert!(report.breaks.is_empty(), "{report:?}");
        }
        nothing_is_lost(world).await;
        sandbox.stop().await;
    });
}
