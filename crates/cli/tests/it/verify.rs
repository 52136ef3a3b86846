//! `jialing verify` finds what was changed behind the platform's back.

use std::fs;
use std::path::Path;
use std::time::Duration;

use jialing_platform::{Db, Tx};
use serde_json::Value;

use crate::program::{Acting, Server, run, said};

fn check(args: &[&str], code: i32, words: &str) {
    let output = run(args);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", said(&output));
    assert!(said(&output).contains(words), "{args:?} says {words:?}: {}", said(&output));
}

#[tokio::test]
async fn an_audit_passes_a_good_folder_and_finds_a_changed_byte_and_a_changed_row() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("city");
    let server = Server::city(&data);
    let acting = Acting::find(&data, &server.url).await;
    let transaction = acting.pay("tea", 1250).await;
    receipts(folder.path(), &data, &server.url, receipt(&acting, &transaction).await);
    assert!(server.terminate());

    check(&["verify", "--data", path(&data)], 0, "is sound");
    let report: Value =
        serde_json::from_slice(&run(&["verify", "--data", path(&data), "--json"]).stdout).expect("JSON");
    assert_eq!(report["sound"], true);
    assert_eq!(report["tables"]["behind"], 0);
    let issued: u64 = report["supply"]
        .as_array()
        .expect("holders")
        .iter()
        .map(|holder| holder["issued"].as_u64().expect("fen"))
        .sum();
    assert!(issued > 0, "{report}");
    let key = report["ledger"]["verifier_key"].as_str().expect("a key");
    check(&["verify", "--data", path(&data), "--key", key], 0, "is sound");

    let damaged = folder.path().join("damaged");
    copy(&data, &damaged);
    flip(&damaged.join("ledger/segments"));
    check(&["verify", "--data", path(&damaged)], 1, "at byte");

    let forged = folder.path().join("forged");
    copy(&data, &forged);
    raise_an_order(&forged).await;
    check(&["verify", "--data", path(&forged)], 1, "1251");
    check(&["verify", "--data", path(&forged), "--ledger-only"], 0, "not compared");

    check(&["verify", "--data", path(&folder.path().join("nothing"))], 1, "holds no ledger");
}

/// The receipt, once a checkpoint covers it.
async fn receipt(acting: &Acting, transaction: &str) -> Value {
    for _ in 0..600 {
        match acting.wallet.receipt(transaction).await {
            Ok(receipt) => return receipt,
            Err(error) if error.code().is_some() => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("no receipt in a minute");
}

/// A receipt holds as it is, and not with one word changed, nor under another log's key.
fn receipts(folder: &Path, data: &Path, url: &str, receipt: Value) {
    let good = folder.join("receipt.json");
    fs::write(&good, receipt.to_string()).expect("written");
    check(&["verify", "receipt", path(&good), "--data", path(data)], 0, "The receipt holds");
    check(&["verify", "receipt", path(&good), "--url", url], 0, "It does not prove");
    for (place, forged) in [
        ("/what/amount/amount", Value::from(1251)),
        ("/what/at", Value::from("2026-01-01T00:00:00.000+08:00")),
        ("/proof/leaf_index", Value::from(1)),
    ] {
        let mut changed = receipt.clone();
        *changed.pointer_mut(place).expect("a field") = forged;
        let file = folder.join("changed.json");
        fs::write(&file, changed.to_string()).expect("written");
        check(&["verify", "receipt", path(&file), "--data", path(data)], 1, "does NOT hold");
    }
    let other = "jialing.example/other+a3f1ad84+AYopC51kjtD+pZn3+FAimE5/ACKWtYIIt4wyjZsda2NX";
    let output = run(&["verify", "receipt", path(&good), "--key", other]);
    assert!(
        !output.status.success(),
        "a key that fits neither itself nor the log is refused: {}",
        said(&output)
    );
    check(&["verify", "receipt", path(&good)], 2, "required");
}

/// Changes one bit of the first sealed frame.
fn flip(segments: &Path) {
    let mut files: Vec<_> =
        fs::read_dir(segments).expect("segments").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let mut bytes = fs::read(&files[0]).expect("a segment");
    bytes[400] ^= 0x10;
    fs::write(&files[0], bytes).expect("written");
}

async fn raise_an_order(data: &Path) {
    let db = Db::sqlite(&data.join("jialing.db")).await.expect("the tables");
    let changed = db
        .write(async |tx: &mut Tx| {
            let done = sqlx::query("UPDATE orders SET amount = amount + 1 WHERE state = 'SUCCESS'")
                .execute(&mut *tx)
                .await?;
            Ok(done.rows_affected())
        })
        .await
        .expect("changed");
    assert_eq!(changed, 1);
    db.close().await;
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}
