//! Filters of the history: what they find, and that none reads what it does not want.

use jialing_platform::db::Backend;
use jialing_platform::history::{self, Direction, HistoryAsk, InstitutionAccount, account};
use jialing_platform::id::{TransactionId, digits};
use jialing_platform::kind::Kind;
use jialing_platform::{Code, Tx};

use crate::city::{bank, found};
use crate::history::refund;
use crate::market::{Payer, Shop};
use crate::saver::Saver;
use crate::statements::own;
use crate::transfers::send;
use crate::world::{World, on_each_backend};

fn ask() -> HistoryAsk {
    HistoryAsk::default()
}

fn reference(text: &str) -> HistoryAsk {
    HistoryAsk { reference: Some(text.to_owned()), ..ask() }
}

fn amounts(low: Option<u64>, high: Option<u64>) -> HistoryAsk {
    HistoryAsk { min_amount: low, max_amount: high, ..ask() }
}

#[test]
fn a_person_and_a_merchant_find_movements_by_their_own_numbers_ids_and_amounts() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, ann) = (Shop::open(world, 1, "BKB").await, Payer::with(world, 2, "BKA", 10_000).await);
        let bob = Payer::with(world, 3, "BKA", 500).await;
        let order = shop.order(world, "A-1", 2_800).await;
        ann.pay(world, &order).await.expect("paid");
        refund(world, &shop, order.id, "R-1", 300).await;
        refund(world, &shop, order.id, "R-2", 301).await;
        let other = shop.order(world, "A-2", 300).await;
        bob.pay(world, &other).await.expect("paid");
        let sent = send(world, &ann, "T-1", &bob.wallet.to_string(), 300).await.expect("sent");
        let found = async |payer: Option<&Payer>, ask: &HistoryAsk| -> Vec<u64> {
            let page = match payer {
                Some(payer) => history::of_wallet(&world.app, &payer.citizen.actor, payer.wallet, ask).await,
                None => history::of_merchant(&world.app, shop.id, ask).await,
            };
            page.expect("a page").items.iter().map(|movement| movement.amount.amount).collect()
        };
        let anns = async |ask: HistoryAsk, expect: &[u64]| {
            assert_eq!(found(Some(&ann), &ask).await, expect, "{ask:?}");
        };
        let shops = async |ask: HistoryAsk, expect: &[u64]| {
            assert_eq!(found(None, &ask).await, expect, "{ask:?}");
        };
        // An order brings its refunds, by its id, its transaction, and the merchant's own number.
        let transaction = TransactionId::from_number(order.id.number()).to_string();
        for text in [order.id.to_string(), transaction, "A-1".into()] {
            shops(reference(&text), &[301, 300, 2_800]).await;
        }
        shops(reference("A-2"), &[300]).await;
        shops(reference("R-2"), &[301]).await;
        shops(reference("T-1"), &[]).await;
        shops(reference(&other.id.to_string()), &[300]).await;
        shops(HistoryAsk { kind: Some(Kind::Refund), ..reference("A-1") }, &[301, 300]).await;
        shops(HistoryAsk { max_amount: Some(300), ..reference("A-1") }, &[300]).await;
        anns(reference(&order.id.to_string()), &[301, 300, 2_800]).await;
        anns(reference("T-1"), &[300]).await;
        anns(reference(&sent.id.to_string()), &[300]).await;
        // A merchant's number is the merchant's, another's order is another's.
        anns(reference("A-1"), &[]).await;
        anns(reference(&other.id.to_string()), &[]).await;
        anns(reference("ord_00000000000000000000000000"), &[]).await;
        anns(reference("'; DROP TABLE movements; --"), &[]).await;
        assert_eq!(found(Some(&bob), &reference("T-1")).await, [0u64; 0], "the number is the payer's own");
        assert_eq!(found(Some(&bob), &reference(&sent.id.to_string())).await, [300]);

        anns(amounts(Some(300), Some(300)), &[300, 300]).await;
        anns(amounts(Some(301), None), &[301, 2_800, 10_000]).await;
        anns(amounts(None, Some(300)), &[300, 300]).await;
        anns(amounts(Some(10_001), None), &[]).await;
        anns(amounts(Some(u64::MAX), None), &[]).await;
        anns(amounts(None, Some(0)), &[]).await;
        anns(
            HistoryAsk { direction: Some(Direction::Out), ..amounts(Some(300), Some(5_000)) },
            &[300, 2_800],
        )
        .await;
        anns(HistoryAsk { limit: Some(1), ..amounts(Some(300), Some(301)) }, &[300]).await;
        let refused = async |ask: HistoryAsk, field: &str| {
            let problem = history::of_wallet(&world.app, &ann.citizen.actor, ann.wallet, &ask).await;
            let problem = problem.expect_err(field);
            assert_eq!((problem.code, problem.field.as_deref()), (Code::InvalidRequest, Some(field)));
        };
        refused(amounts(Some(2), Some(1)), "max_amount").await;
        refused(reference(""), "reference").await;
        refused(reference(&"9".repeat(65)), "reference").await;
    });
}

#[test]
fn a_saver_and_a_bank_find_theirs() {
    on_each_backend(async |world: &mut World| {
        crate::saver::found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKA", "BKA").await;
        let top_up = saver.top_up(world, "N-1", 900).await.expect("taken in");
        let withdrawal = saver.withdraw(world, "N-2", 200).await.expect("taken in");
        world.settle().await;
        let check = async |text: &str, expect: &[u64]| {
            let page =
                history::of_wallet(&world.app, &saver.citizen.actor, saver.wallet, &reference(text)).await;
            let amounts: Vec<u64> =
                page.expect("a page").items.iter().map(|line| line.amount.amount).collect();
            assert_eq!(amounts, expect, "{text}");
        };
        check("N-1", &[900]).await;
        check(&top_up.topup_id.to_string(), &[900]).await;
        check("N-2", &[200]).await;
        check(&withdrawal.withdrawal_id.to_string(), &[200]).await;
        check("N-3", &[]).await;
        let vault =
            account::institution(&world.app, bank(&world.app, "BKA").await, InstitutionAccount::Vault);
        let vault = vault.await.expect("a vault");
        let of = async |ask: &HistoryAsk| -> Vec<Kind> {
            let page = history::of_account(&world.app, &vault, ask).await.expect("a page");
            page.items.iter().map(|line| line.kind).collect()
        };
        assert_eq!(of(&reference("first-BKA")).await, [Kind::Issue]);
        assert_eq!(of(&reference("first-BKB")).await, [], "another bank's number");
        assert_eq!(of(&HistoryAsk { kind: Some(Kind::Issue), ..ask() }).await, [Kind::Issue]);
        assert_eq!(of(&reference("N-1")).await, [], "a person's own number is not the bank's");
        assert_eq!(of(&ask()).await, [Kind::Withdrawal, Kind::TopUp, Kind::Issue]);
    });
}

/// Rows of one large account among those of many others, without a ledger behind them.
async fn crowd(world: &World, account: &str) {
    let account = account.to_owned();
    let kinds = ["payment", "refund", "transfer"];
    world
        .app
        .db
        .write(async move |tx: &mut Tx| {
            for some in (0..12_000i64).collect::<Vec<_>>().chunks(500) {
                let rows: Vec<String> = some
                    .iter()
                    .map(|n| {
                        let wallet = if n % 2 == 0 { account.clone() } else { format!("wal_{n:026}") };
                        let seq = 1_000_000 + n;
                        let (kind, way) = if n % 3_000 == 0 { ("top_up", "in") } else { (kinds[*n as usize % 3], "out") };
                        let number = digits(u128::from(n.unsigned_abs()) << 4);
                        let amount = if n % 1_500 == 0 { 777 } else { 1_000 + n };
                        format!("('{wallet}', {seq}, '{number}', '{kind}', '{way}', {amount}, 1, NULL, NULL, 'ref{}', {seq})", n % 2_000)
                    })
                    .collect();
                jialing_platform::db::execute_trusted(tx, format!("INSERT INTO movements VALUES {}", rows.join(", "))).await?;
            }
            Ok(())
        })
        .await
        .expect("inserted");
    // What a running PostgreSQL does by itself after so many rows.
    if world.app.db.backend() == Backend::Postgres {
        let analyze = world.app.db.write(async |tx: &mut Tx| {
            jialing_platform::db::execute_trusted(tx, "ANALYZE movements".into()).await.map_err(Into::into)
        });
        analyze.await.expect("analyzed");
    }
}

#[test]
fn no_filter_reads_the_table_from_end_to_end() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let ann = Payer::with(world, 1, "BKA", 10_000).await;
        let account = own(world, &ann).await;
        crowd(world, &ann.wallet.to_string()).await;
        let check = async |ask: HistoryAsk, index: &str| {
            let plan = history::plan(&world.app, &account, &ask).await.expect("a plan").join("\n");
            match world.app.db.backend() {
                Backend::Sqlite => {
                    assert!(!plan.contains("SCAN"), "{ask:?}:\n{plan}");
                    assert!(
                        plan.contains(&format!("USING INDEX {index} (")),
                        "{ask:?} should use {index}:\n{plan}"
                    );
                }
                Backend::Postgres => {
                    assert!(!plan.contains("Seq Scan"), "{ask:?}:\n{plan}");
                    assert!(plan.contains("Index"), "{ask:?}:\n{plan}");
                }
            }
            plan
        };
        let primary = "sqlite_autoindex_movements_1";
        let plain = check(ask(), primary).await;
        assert!(
            !plain.contains("SORT") && !plain.contains("Sort"),
            "the newest come first by themselves:\n{plain}"
        );
        let kind = check(HistoryAsk { kind: Some(Kind::TopUp), ..ask() }, "movements_by_kind").await;
        assert!(!kind.contains("TEMP B-TREE"), "{kind}");
        check(HistoryAsk { direction: Some(Direction::In), ..ask() }, "movements_by_direction").await;
        check(HistoryAsk { counterparty: Some("ref7".into()), ..ask() }, "movements_by_counterparty").await;
        check(reference("ord_0000000000000000000000001g"), "movements_by_transaction").await;
        check(amounts(Some(777), Some(777)), "movements_by_amount").await;
        check(amounts(Some(777), Some(780)), "movements_by_amount").await;
        // Where many fit, the page is full before many others are passed.
        check(amounts(Some(1_000), None), primary).await;
        check(HistoryAsk { from: Some("2026-01-01T00:00:00Z".into()), ..ask() }, primary).await;
        check(
            HistoryAsk {
                kind: Some(Kind::TopUp),
                direction: Some(Direction::In),
                from: Some("2026-01-01T00:00:00Z".into()),
                min_amount: Some(1),
                before: Some("5".into()),
                ..ask()
            },
            "movements_by_kind_and_direction",
        )
        .await;
    });
}

#[test]
fn a_range_of_amounts_finds_the_same_whether_few_or_many_lie_in_it() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let ann = Payer::with(world, 1, "BKA", 10_000).await;
        let account = own(world, &ann).await;
        crowd(world, &ann.wallet.to_string()).await;
        // Of the account's rows, every second of 12,000, those of 1,000 + n fen, but 777 for each 1,500th.
        let check = async |low: u64, high: u64, expect: &[u64]| {
            let ask = HistoryAsk { limit: Some(4), ..amounts(Some(low), Some(high)) };
            let page = history::of_account(&world.app, &account, &ask).await.expect("a page");
            let found: Vec<u64> = page.items.iter().map(|line| line.amount.amount).collect();
            assert_eq!(found, expect, "{low} to {high}");
        };
        check(1_001, 1_006, &[1_006, 1_004, 1_002]).await;
        check(1_001, 9_000, &[9_000, 8_998, 8_996, 8_994]).await;
        check(777, 778, &[777, 777, 777, 777]).await;
        check(13_000, 20_000, &[]).await;
    });
}
