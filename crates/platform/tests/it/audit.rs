//! The audit chain: every act has its entry, and no entry can change without showing.

use jialing_platform::audit::{self, Entry};
use jialing_platform::db::execute_trusted;
use jialing_platform::{App, Tx};
use serde_json::json;

use crate::world::{World, on_each_backend};

async fn log(app: &App, n: i64) {
    let at = app.clock.millis() + n;
    app.db
        .write(async move |tx: &mut Tx| {
            let entry = Entry::new("per_test", "device.revoke", format!("dev_{n}"), at)
                .before(json!({"state": "ACTIVE", "n": n}))
                .after(json!({"state": "REVOKED"}));
            audit::log(tx, entry).await.map(drop)
        })
        .await
        .expect("logged");
}

async fn tamper(world: &World, sql: &'static str) {
    world
        .app
        .db
        .write(async move |tx: &mut Tx| {
            assert_ne!(execute_trusted(tx, sql.into()).await?, 0, "nothing was tampered with");
            Ok(())
        })
        .await
        .expect("the database obeys whoever holds it");
}

#[test]
fn entries_are_chained_in_order_and_anchored_in_the_log() {
    on_each_backend(async |world: &mut World| {
        for n in 0..7 {
            log(&world.app, n).await;
        }
        assert_eq!(audit::verify(&world.app).await.expect("checked").waiting, 7);
        assert!(audit::seal(&world.app).await.expect("sealed"), "the log got an anchor");
        assert!(!audit::seal(&world.app).await.expect("sealed"), "nothing new, no anchor");
        log(&world.app, 8).await;
        assert!(audit::seal(&world.app).await.expect("sealed"));
        let report = audit::verify(&world.app).await.expect("checked");
        assert_eq!((report.chained, report.waiting, report.anchors), (8, 0, 2));
        assert_eq!(report.findings, Vec::<String>::new());
    });
}

#[test]
fn a_refused_act_leaves_no_entry() {
    on_each_backend(async |world: &mut World| {
        let refused = world
            .app
            .db
            .write(async |tx: &mut Tx| {
                audit::log(tx, Entry::new("per_test", "wallet.close", "wal_1", 1)).await?;
                Err::<(), _>(jialing_platform::Problem::new(jialing_platform::Code::WalletNotEmpty))
            })
            .await;
        assert!(refused.is_err());
        assert_eq!(audit::verify(&world.app).await.expect("checked").waiting, 0);
    });
}

#[test]
fn whatever_is_changed_shows() {
    on_each_backend(async |world: &mut World| {
        for n in 0..5 {
            log(&world.app, n).await;
        }
        audit::seal(&world.app).await.expect("sealed");
        let changes = [
            (
                "UPDATE audit_entries SET who = 'per_other' WHERE position = 3",
                "UPDATE audit_entries SET who = 'per_test' WHERE position = 3",
            ),
            (
                "UPDATE audit_entries SET action = 'x' WHERE position = 3",
                "UPDATE audit_entries SET action = 'device.revoke' WHERE position = 3",
            ),
            (
                "UPDATE audit_entries SET subject = 'x' WHERE position = 3",
                "UPDATE audit_entries SET subject = 'dev_2' WHERE position = 3",
            ),
            (
                "UPDATE audit_entries SET at = at + 1 WHERE position = 5",
                "UPDATE audit_entries SET at = at - 1 WHERE position = 5",
            ),
            (
                "UPDATE audit_entries SET after_text = NULL WHERE position = 1",
                "UPDATE audit_entries SET after_text = '{\"state\":\"REVOKED\"}' WHERE position = 1",
            ),
            (
                "UPDATE audit_anchors SET record_seq = record_seq - 1",
                "UPDATE audit_anchors SET record_seq = record_seq + 1",
            ),
        ];
        for (change, back) in changes {
            tamper(world, change).await;
            assert_eq!(audit::verify(&world.app).await.expect("checked").findings.len(), 1, "{change}");
            tamper(world, back).await;
            assert_eq!(
                audit::verify(&world.app).await.expect("checked").findings,
                Vec::<String>::new(),
                "{back}"
            );
        }
        // The last entry removed: only the log remembers it.
        tamper(world, "DELETE FROM audit_entries WHERE position = 5").await;
        assert_eq!(audit::verify(&world.app).await.expect("checked").findings.len(), 1);
        tamper(world, "DELETE FROM audit_entries WHERE position = 2").await;
        assert!(
            audit::verify(&world.app)
                .await
                .expect("checked")
                .findings
                .iter()
                .any(|finding| finding.contains("missing"))
        );
    });
}

#[test]
fn an_anchor_lost_between_the_log_and_the_table_is_written_again() {
    on_each_backend(async |world: &mut World| {
        log(&world.app, 1).await;
        audit::seal(&world.app).await.expect("sealed");
        tamper(world, "DELETE FROM audit_anchors").await;
        assert!(audit::seal(&world.app).await.expect("sealed"));
        let report = audit::verify(&world.app).await.expect("checked");
        assert_eq!((report.anchors, report.findings.len()), (1, 0));
    });
}
