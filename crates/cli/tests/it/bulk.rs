//! Banks' bulk work through the binary: the example's payroll, and the bench that uses the same door.

use std::fs;

use jialing_crypto::SigningKey;
use serde_json::Value;

use crate::program::{run, said};
use crate::story::city;

#[path = "../../../sdk/examples/payroll/story.rs"]
mod payroll;

#[tokio::test]
async fn the_example_pays_a_thousand_salaries_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("demo");
    let demo = city(&data);
    let pem = fs::read_to_string(data.join("keys/treasury-0.pem")).expect("the demonstration keeps it");
    let key = SigningKey::from_pkcs8_pem(&pem).expect("a key");
    let mut printed = Vec::new();
    let told = payroll::tell(&demo.url, "JBB", key.clone(), &mut printed).await;
    let printed = String::from_utf8(printed).expect("UTF-8");
    let ending = told.unwrap_or_else(|error| panic!("{error}, after\n{printed}"));
    let staff = payroll::STAFF as usize;
    assert_eq!(ending, payroll::Ending { paid: staff, already: staff + 1, left: 9_500 }, "{printed}");
    assert!(printed.contains("bonus 0: Refused") && printed.contains("bonus 1: Done"), "{printed}");
    // Run a second time, all of it was there before.
    let again = payroll::tell(&demo.url, "JBB", key, &mut Vec::new()).await.expect("it runs again");
    assert_eq!(again, ending);

    let stranger = SigningKey::generate(jialing_crypto::Suite::Ed25519);
    let refused = payroll::tell(&demo.url, "JBB", stranger, &mut Vec::new()).await;
    let why = refused.expect_err("a stranger pays nobody").to_string();
    assert!(why.contains("key_unknown"), "{why}");
}

#[test]
fn the_bench_measures_through_the_door_and_without_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = |flags: &str, records: f64| {
        let dir = folder.path().join("ledger");
        let load = "bench ledger --json --transfers 3000 --before 600 --accounts 50 --batch 300";
        let args: Vec<&str> = load.split(' ').chain(flags.split_whitespace()).collect();
        let done = run(&[&args[..], &["--dir", dir.to_str().expect("UTF-8")]].concat());
        assert!(done.status.success(), "{flags}: {}", said(&done));
        assert!(!dir.exists(), "the folder is removed");
        let figures: Value = serde_json::from_slice(&done.stdout).expect("one JSON object");
        for field in [
            "transfers_per_second",
            "batch_p50_us",
            "batch_p99_us",
            "batch_max_us",
            "bytes_per_transfer",
            "peak_rss_mb",
            "server_cpu_ns_per_transfer",
        ] {
            assert!(figures[field].as_u64().is_some_and(|value| value > 0), "{flags}: {field} in {figures}");
        }
        assert_eq!(figures["records_per_transfer"].as_f64(), Some(records), "{flags}: {figures}");
        let found = figures["probe"]["find_p99_us"].as_u64();
        assert_eq!(found.is_some(), flags.contains("--probe"), "{flags}: {figures}");
        let clients = figures["client_cpu_ns_per_transfer"].as_u64();
        assert_eq!(clients > Some(0), !flags.contains("--in-process"), "{flags}: {figures}");
    };
    check("--probe", 1.0);
    check("--in-process --hot", 1.0);
    check("--clients 3 --depth 4 --pending", 2.0);
    // Terms stand before each leg that charges meters; posts charge none.
    check("--pending --groups 3 --meters 4", 3.0);
    check("--in-process --groups 3 --meters 1 --suite domestic", 2.0);

    let refused = run(&["bench", "ledger", "--batch", "2", "--groups", "3"]);
    assert!(!refused.status.success() && said(&refused).contains("--batch must hold at least one group"));
}
