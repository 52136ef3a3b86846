//! Money out over HTTP: a batch by call and by file, a split, a settlement.

use jialing_crypto::Suite;
use jialing_platform::{payouts, settlements, splits};
use reqwest::Method;
use serde_json::json;

use crate::citizen::PIN;
use crate::city::{balance, found, fund};
use crate::door::{Door, Server, hear, nothing_is_lost};
use crate::market::{Payer, Shop};
use crate::saver::link;
use crate::world::{World, on_each_backend};

fn yuan(fen: u64) -> serde_json::Value {
    json!({ "amount": fen, "currency": "CNY" })
}

#[test]
fn a_batch_comes_by_call_or_by_file_and_its_report_goes_back() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let door = Door::with(world, |config| config.limits.large_body_bytes = 100_000).await;
        let shop = Shop::open(world, 1, "BKA").await;
        fund(world, shop.wallet, 10_000).await;
        let (server, payee) =
            (Server::of(world, &shop, Suite::Ed25519).await, Payer::with(world, 2, "BKB", 0).await);
        let call = async |method: Method, target: &str, ask: Option<&serde_json::Value>| {
            door.merchant(&server, method, target, ask).await
        };
        let ask = json!({
            "out_batch_no": "B-1", "name": "工资", "purpose": "PAYROLL",
            "lines": [
                { "out_transfer_no": "L-1", "wallet_id": payee.wallet, "amount": yuan(100) },
                { "out_transfer_no": "L-2", "wallet_id": payee.wallet, "amount": { "amount": 1.5, "currency": "CNY" } },
            ],
        });
        let refused = call(Method::POST, "/v1/merchant/payouts", Some(&ask)).await;
        refused.is("payout_lines_invalid");
        assert_eq!(
            (refused.body["lines"][0]["line"].as_i64(), &refused.body["lines"][0]["field"]),
            (Some(2), &json!("amount"))
        );
        let mut skipping = ask.clone();
        skipping["skip_invalid"] = true.into();
        let taken = call(Method::POST, "/v1/merchant/payouts", Some(&skipping)).await;
        assert_eq!((taken.status, taken.text("state")), (201, "ACCEPTED".into()), "{}", taken.body);
        let again = call(Method::POST, "/v1/merchant/payouts", Some(&skipping)).await;
        assert_eq!((again.status, again.text("id")), (200, taken.text("id")));
        // A file above the bound of ordinary bodies, and one above that of large ones.
        let target = "/v1/merchant/payouts/files?out_batch_no=F-1&name=file&purpose=OTHER";
        let send = async |file: String, kind: &str| {
            let signature = server.sign("POST", target, file.as_bytes());
            let request = door.request(Method::POST, target).header("Authorization", signature.to_header());
            hear(request.header("Content-Type", kind).body(file)).await
        };
        let line = |n: usize| format!("F-{n},{},1.00\r\n", payee.wallet);
        let file = |lines: usize| {
            format!("out_transfer_no,wallet_id,amount_yuan\r\n{}", (0..lines).map(line).collect::<String>())
        };
        send(file(10), "application/json").await.is("unsupported_media_type");
        send(file(3_000), "text/csv").await.is("body_too_large");
        assert!(file(1_800).len() > 64 << 10);
        send(file(1_800), "text/csv").await.is("balance_too_low");
        let by_file = send(file(10), "text/csv; charset=utf-8").await;
        assert_eq!(
            (by_file.status, &by_file.body["total"]["amount"]),
            (201, &yuan(1_000)),
            "{}",
            by_file.body
        );
        payouts::carry_out(&world.app).await.expect("carried out");
        world.settle().await;
        let of = format!("/v1/merchant/payouts/{}", taken.text("id"));
        let done = call(Method::GET, &of, None).await;
        assert_eq!((done.text("state"), done.body["invalid"].as_i64()), ("SUCCESS".into(), Some(1)));
        assert_eq!(call(Method::GET, "/v1/merchant/payouts/out-batch-no/B-1", None).await.body, done.body);
        let lines = call(Method::GET, &format!("{of}/lines?state=INVALID"), None).await;
        assert_eq!(lines.body["items"][0]["out_transfer_no"], "L-2");
        let one = call(Method::GET, "/v1/merchant/payouts/out-transfer-no/L-1", None).await;
        assert_eq!(one.text("state"), "SUCCESS");
        let report = format!("{of}/report");
        let signature = server.sign("GET", &report, b"");
        let answer =
            door.request(Method::GET, &report).header("Authorization", signature.to_header()).send().await;
        let text = answer.expect("answered").text().await.expect("a file");
        assert_eq!(text.lines().count(), 3, "{text}");
        call(Method::POST, &format!("{of}/cancel"), None).await.is("state_conflict");
        let listed = call(Method::GET, "/v1/merchant/payouts?state=SUCCESS", None).await;
        assert_eq!(listed.body["items"].as_array().map(Vec::len), Some(2));
        assert_eq!(balance(world, payee.wallet).await, 1_100);

        let owner = &shop.owner;
        let merchant = format!("/v1/wallet/merchants/{}", shop.id);
        let set = json!({ "approval_above": yuan(1) });
        door.person(owner, Method::PUT, &format!("{merchant}/payout-settings"), Some(&set)).await.went_well();
        for (number, verb) in [("W-1", "approve"), ("W-2", "reject")] {
            let ask = json!({ "out_batch_no": number, "name": "n", "purpose": "OTHER",
                "lines": [{ "out_transfer_no": number, "wallet_id": payee.wallet, "amount": yuan(5) }] });
            let waiting = call(Method::POST, "/v1/merchant/payouts", Some(&ask)).await;
            assert_eq!(waiting.text("state"), "PENDING_APPROVAL");
            let (id, subject) = (waiting.text("id"), shop.id.to_string());
            let evidence = owner.sign(world, payouts::ACTION, &subject, 5, &id, shop.wallet);
            let yes = json!({ "pin": PIN, "evidence": evidence });
            let no = json!({ "reason": "no" });
            let target = format!("{merchant}/payouts/{id}/{verb}");
            let decided = door
                .person(owner, Method::POST, &target, Some(if verb == "approve" { &yes } else { &no }))
                .await;
            assert_eq!(decided.text("state"), if verb == "approve" { "ACCEPTED" } else { "REJECTED" });
        }
        let listed =
            door.person(owner, Method::GET, &format!("{merchant}/payouts?state=REJECTED"), None).await;
        assert_eq!(listed.body["items"].as_array().map(Vec::len), Some(1));
        nothing_is_lost(world).await;
    });
}

#[test]
fn an_orders_money_is_split_and_what_the_shop_keeps_is_settled() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let door = Door::open(world).await;
        let (shop, partner) = (Shop::open(world, 1, "BKB").await, Shop::open(world, 2, "BKA").await);
        let payer = Payer::with(world, 3, "BKA", 5_000).await;
        let server = Server::of(world, &shop, Suite::Ed25519).await;
        let theirs = Server::of(world, &partner, Suite::Sm2Sm3).await;
        let call = async |method: Method, target: &str, ask: Option<&serde_json::Value>| {
            door.merchant(&server, method, target, ask).await
        };
        let mut ask = crate::door::order_ask("A-1", 1_000);
        ask["split"] = true.into();
        let order = call(Method::POST, "/v1/merchant/orders", Some(&ask)).await;
        assert_eq!((order.status, &order.body["split"]), (201, &json!(true)), "{}", order.body);
        let made = serde_json::from_value(order.body.clone()).expect("an order");
        door.pay(world, &payer.citizen, payer.wallet, &made).await.went_well();
        let register = json!({ "wallet_id": partner.wallet, "relation": "PARTNER", "name": "伙伴" });
        let receiver = call(Method::POST, "/v1/merchant/split-receivers", Some(&register)).await;
        let shares = json!({ "out_split_no": "S-1", "out_trade_no": "A-1",
            "shares": [{ "receiver_id": receiver.text("id"), "basis_points": 3000 }] });
        let done = call(Method::POST, "/v1/merchant/splits", Some(&shares)).await;
        assert_eq!((done.status, done.text("state")), (201, "FINISHED".into()), "{}", done.body);
        for target in [
            format!("/v1/merchant/splits/{}", done.text("id")),
            "/v1/merchant/splits/out-split-no/S-1".into(),
        ] {
            assert_eq!(call(Method::GET, &target, None).await.body, done.body);
        }
        let agreement = door.merchant(&theirs, Method::GET, "/v1/merchant/split-agreements", None).await;
        let agreement = agreement.body["items"][0]["id"].as_str().expect("an id").to_owned();
        let target = format!("/v1/merchant/split-agreements/{agreement}/agree");
        door.merchant(&theirs, Method::POST, &target, None).await.went_well();
        let back =
            json!({ "out_return_no": "R-1", "share_id": done.body["shares"][0]["id"], "amount": yuan(100) });
        let returned = call(Method::POST, "/v1/merchant/split-returns", Some(&back)).await;
        assert_eq!((returned.status, returned.text("state")), (201, "SUCCESS".into()), "{}", returned.body);
        assert_eq!(
            call(Method::GET, "/v1/merchant/split-returns/out-return-no/R-1", None).await.body,
            returned.body
        );
        door.merchant(&theirs, Method::POST, &target.replace("/agree", "/refuse"), None).await.went_well();
        let of = format!("/v1/merchant/orders/{}", order.text("id"));
        let seen = call(Method::GET, &format!("{of}/split"), None).await;
        assert_eq!((seen.text("progress"), &seen.body["left"]), ("PARTIAL".into(), &yuan(800)));
        let rest = call(Method::POST, &format!("{of}/unfreeze"), None).await;
        assert_eq!(rest.text("progress"), "DONE");
        let listed = call(Method::GET, "/v1/merchant/split-receivers", None).await;
        assert_eq!(listed.body["items"].as_array().map(Vec::len), Some(1));
        let target = format!("/v1/merchant/split-receivers/{}", receiver.text("id"));
        assert_eq!(call(Method::DELETE, &target, None).await.text("state"), "REMOVED");
        splits::carry_out(&world.app).await.expect("nothing waits");

        let owner = &shop.owner;
        let link = link(world, owner, "BKC", "6222020000000001").await;
        let merchant = format!("/v1/wallet/merchants/{}", shop.id);
        let evidence = owner.sign(
            world,
            settlements::ACTION_SET,
            &link.to_string(),
            0,
            &shop.id.to_string(),
            shop.wallet,
        );
        let set = json!({ "link_id": link, "cut": "ON_DEMAND", "approval_above": yuan(1), "pin": PIN, "evidence": evidence });
        let target = format!("{merchant}/settlement-settings");
        let chosen = door.person(owner, Method::PUT, &target, Some(&set)).await;
        assert_eq!(chosen.status, 200, "{}", chosen.body);
        assert_eq!(door.person(owner, Method::GET, &target, None).await.body, chosen.body);
        let ask = json!({ "out_settlement_no": "T-1" });
        let cut = call(Method::POST, "/v1/merchant/settlements", Some(&ask)).await;
        assert_eq!(
            (cut.status, cut.text("state"), &cut.body["amount"]),
            (201, "CUT".into(), &yuan(800)),
            "{}",
            cut.body
        );
        let settlement = format!("{merchant}/settlements/{}", cut.text("id"));
        let held = door
            .person(owner, Method::POST, &format!("{settlement}/hold"), Some(&json!({ "reason": "wait" })))
            .await;
        assert_eq!(held.text("state"), "HELD");
        let released = door.person(owner, Method::POST, &format!("{settlement}/release"), None).await;
        assert_eq!(released.text("state"), "CUT");
        settlements::round(&world.app).await.expect("a round");
        let evidence = owner.sign(
            world,
            settlements::ACTION_APPROVE,
            &shop.id.to_string(),
            800,
            &cut.text("id"),
            shop.wallet,
        );
        let yes = json!({ "pin": PIN, "evidence": evidence });
        let approved = door.person(owner, Method::POST, &format!("{settlement}/approve"), Some(&yes)).await;
        assert_eq!(approved.text("state"), "APPROVED", "{}", approved.body);
        settlements::round(&world.app).await.expect("a round");
        world.settle().await;
        let of = format!("/v1/merchant/settlements/{}", cut.text("id"));
        let paid = call(Method::GET, &of, None).await;
        assert_eq!(paid.text("state"), "PAID");
        assert_eq!(
            call(Method::GET, "/v1/merchant/settlements/out-settlement-no/T-1", None).await.body,
            paid.body
        );
        call(Method::POST, &format!("{of}/recheck"), None).await.is("state_conflict");
        let listed = call(Method::GET, "/v1/merchant/settlements?state=PAID", None).await;
        assert_eq!(listed.body["items"], json!([paid.body]));
        let listed =
            door.person(owner, Method::GET, &format!("{merchant}/settlements?state=PAID"), None).await;
        assert_eq!(listed.body["items"], json!([paid.body]));
        assert_eq!(balance(world, shop.wallet).await, 0);
        nothing_is_lost(world).await;
    });
}
