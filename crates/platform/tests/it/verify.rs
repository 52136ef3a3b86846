//! The auditor: a busy city is clean, and every kind of tampering shows.

use jialing_ledger::Record;
use jialing_platform::audit::{self, Entry};
use jialing_platform::db::execute_trusted;
use jialing_platform::verify::{self, Report};
use jialing_platform::{Tx, exchange};
use jialing_rails::bank::{EntryKind, NoticeState};

use crate::city::bank;
use crate::history::refund;
use crate::market::{Payer, Shop};
use crate::saver::{Saver, found_at_noon, notice};
use crate::transfers::send;
use crate::world::{World, on_each_backend};

async fn records(world: &World) -> Vec<Record> {
    let (mut all, mut from) = (Vec::new(), 0);
    loop {
        let some = world.app.engine.feed(from, 1_000).await.expect("the engine runs");
        let Some(last) = some.last() else { return all };
        from = last.seq + 1;
        all.extend(some);
    }
}

/// What the auditor says.
async fn audit(world: &World) -> Report {
    verify::compare(&world.app.db, records(world).await).await.expect("compared")
}

/// The same, without the top-ups that tests make without a bank.
pub async fn audit_funded(world: &World) -> Report {
    let mut report = audit(world).await;
    let funding = |finding: &String| {
        finding.contains("as a top_up of top_") || finding.contains("top-ups that succeeded")
    };
    report.found -= report.findings.iter().filter(|finding| funding(finding)).count() as u64;
    report.findings.retain(|finding| !funding(finding));
    report
}

async fn change(world: &World, sql: &str) {
    let sql = sql.to_owned();
    let job = async move |tx: &mut Tx| {
        assert_ne!(execute_trusted(tx, sql.clone()).await?, 0, "nothing was changed by {sql}");
        Ok(())
    };
    world.app.db.write(job).await.expect("the database obeys whoever holds it");
}

/// A city in which everything has happened once; one of its people.
async fn busy(world: &World) -> Payer {
    found_at_noon(world).await;
    let shop = Shop::open(world, 1, "BKB").await;
    let saver = Saver::new(world, 2, "BKA", "BKC").await;
    saver.top_up(world, "T-1", 10_000).await.expect("topped up");
    saver.withdraw(world, "W-1", 500).await.expect("withdrawn");
    let back = saver.withdraw(world, "W-2", 600).await.expect("withdrawn");
    let reference = back.withdrawal_id.to_string();
    let back = notice(world, "BKC", &reference, EntryKind::Return, NoticeState::Returned, 600);
    exchange::notice::take(&world.app, bank(&world.app, "BKC").await, back).await.expect("taken in");
    let ann = Payer { citizen: saver.citizen, wallet: saver.wallet };
    let bob = Payer::with(world, 3, "BKC", 0).await;
    let order = shop.order(world, "o-1", 2_800).await;
    ann.pay(world, &order).await.expect("paid");
    shop.order(world, "o-2", 1).await;
    refund(world, &shop, order.id, "r-1", 300).await;
    send(world, &ann, "t-1", &bob.wallet.to_string(), 50).await.expect("sent");
    send(world, &bob, "t-1", &ann.wallet.to_string(), 51).await.expect_err("too little");
    let at = world.clock.millis();
    let entry = async move |tx: &mut Tx| {
        audit::log(tx, Entry::new("per_test", "device.revoke", "dev_1", at)).await.map(drop)
    };
    world.app.db.write(entry).await.expect("logged");
    audit::seal(&world.app).await.expect("sealed");
    world.settle().await;
    ann
}

#[test]
fn a_busy_city_is_clean() {
    on_each_backend(async |world: &mut World| {
        busy(world).await;
        let report = audit(world).await;
        assert_eq!(report.findings, Vec::<String>::new());
        assert!(report.is_clean());
        // Three issues, a top-up, two withdrawals of which one came back, a payment, a refund, a transfer:
        // ten sides of wallets, and sixteen of institutions' vaults and issuance accounts.
        assert_eq!((report.movements, report.sides, report.behind), (10, 26, 0));
        assert!(report.audit_entries >= 1 && report.anchors == 1 && report.records > 0, "{report:?}");
    });
}

#[test]
fn every_kind_of_tampering_shows_and_undone_it_is_clean_again() {
    on_each_backend(async |world: &mut World| {
        busy(world).await;
        let changes = [
            (
                "UPDATE orders SET state = 'NOTPAY' WHERE out_trade_no = 'o-1'",
                "UPDATE orders SET state = 'SUCCESS' WHERE out_trade_no = 'o-1'",
            ),
            (
                "UPDATE orders SET amount = amount + 1 WHERE out_trade_no = 'o-1'",
                "UPDATE orders SET amount = amount - 1 WHERE out_trade_no = 'o-1'",
            ),
            (
                "UPDATE orders SET record_seq = record_seq + 1 WHERE out_trade_no = 'o-1'",
                "UPDATE orders SET record_seq = record_seq - 1 WHERE out_trade_no = 'o-1'",
            ),
            (
                "UPDATE orders SET state = 'SUCCESS' WHERE out_trade_no = 'o-2'",
                "UPDATE orders SET state = 'NOTPAY' WHERE out_trade_no = 'o-2'",
            ),
            ("UPDATE refunds SET state = 'PROCESSING'", "UPDATE refunds SET state = 'SUCCESS'"),
            ("UPDATE refunds SET amount = 299", "UPDATE refunds SET amount = 300"),
            (
                "UPDATE transfers SET state = 'FAIL' WHERE state = 'SUCCESS'",
                "UPDATE transfers SET state = 'SUCCESS' WHERE record_seq IS NOT NULL",
            ),
            (
                "UPDATE transfers SET state = 'SUCCESS' WHERE state = 'FAIL'",
                "UPDATE transfers SET state = 'FAIL' WHERE record_seq IS NULL",
            ),
            (
                "UPDATE transfers SET from_wallet = to_wallet, to_wallet = from_wallet WHERE state = 'SUCCESS'",
                "UPDATE transfers SET from_wallet = to_wallet, to_wallet = from_wallet WHERE state = 'SUCCESS'",
            ),
            (
                "UPDATE issuances SET amount = amount + 1 WHERE out_issuance_no = 'first-BKA'",
                "UPDATE issuances SET amount = amount - 1 WHERE out_issuance_no = 'first-BKA'",
            ),
            (
                "UPDATE issuances SET state = 'REFUSED' WHERE out_issuance_no = 'first-BKA'",
                "UPDATE issuances SET state = 'SUCCESS' WHERE out_issuance_no = 'first-BKA'",
            ),
            (
                "UPDATE exchanges SET state = 'FAIL' WHERE out_no = 'T-1'",
                "UPDATE exchanges SET state = 'SUCCESS' WHERE out_no = 'T-1'",
            ),
            (
                "UPDATE exchanges SET amount = amount + 1 WHERE out_no = 'W-1'",
                "UPDATE exchanges SET amount = amount - 1 WHERE out_no = 'W-1'",
            ),
            (
                "UPDATE exchanges SET state = 'SUCCESS' WHERE out_no = 'W-2'",
                "UPDATE exchanges SET state = 'RETURNED' WHERE out_no = 'W-2'",
            ),
            (
                "UPDATE exchanges SET state = 'PROCESSING' WHERE out_no = 'W-1'",
                "UPDATE exchanges SET state = 'SUCCESS' WHERE out_no = 'W-1'",
            ),
            (
                "UPDATE movements SET amount = amount + 1 WHERE kind = 'refund'",
                "UPDATE movements SET amount = amount - 1 WHERE kind = 'refund'",
            ),
            (
                "UPDATE movements SET balance = balance + 1 WHERE kind = 'transfer'",
                "UPDATE movements SET balance = balance - 1 WHERE kind = 'transfer'",
            ),
            (
                "UPDATE movements SET direction = 'x' WHERE direction = 'in' AND kind = 'payment'",
                "UPDATE movements SET direction = 'in' WHERE direction = 'x'",
            ),
            (
                "UPDATE movements SET seq = seq + 1000 WHERE kind = 'refund'",
                "UPDATE movements SET seq = seq - 1000 WHERE kind = 'refund'",
            ),
            (
                "UPDATE audit_entries SET who = 'per_other' WHERE who = 'per_test'",
                "UPDATE audit_entries SET who = 'per_test' WHERE who = 'per_other'",
            ),
        ];
        for (tamper, back) in changes {
            change(world, tamper).await;
            assert!(!audit(world).await.is_clean(), "{tamper}");
            change(world, back).await;
            assert_eq!(audit(world).await.findings, Vec::<String>::new(), "{back}");
        }
        for tamper in [
            "DELETE FROM movements WHERE kind = 'refund' AND direction = 'in'",
            "DELETE FROM transfers WHERE state = 'SUCCESS'",
            "DELETE FROM orders",
        ] {
            let before = audit(world).await.found;
            change(world, tamper).await;
            assert!(audit(world).await.found > before, "{tamper}");
        }
    });
}

#[test]
fn what_the_followers_have_still_to_do_is_not_a_finding() {
    on_each_backend(async |world: &mut World| {
        let ann = busy(world).await;
        world.stop_followers().await;
        let shop = Shop::open(world, 9, "BKA").await;
        let order = shop.order(world, "o-1", 10).await;
        ann.pay(world, &order).await.expect("the money has moved");
        let report = audit(world).await;
        assert_eq!((report.findings, report.behind > 0), (Vec::new(), true));
        world.crash().await;
        world.settle().await;
        let report = audit(world).await;
        assert_eq!((report.findings, report.behind), (Vec::new(), 0));
    });
}
