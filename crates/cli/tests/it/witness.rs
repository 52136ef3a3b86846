//! A ledger, two witnesses, a city that pays, and a checker written from the specifications alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::program::{Acting, Server, run, said};

/// `jialing witness` on `folder`.
fn witness(folder: &Path, listen: &str, log: &str) -> (Server, String) {
    let name = format!("witness.example/{}", folder.file_name().expect("a name").to_string_lossy());
    let server = Server::start(&[
        "witness",
        "--name",
        &name,
        "--data",
        path(folder),
        "--listen",
        listen,
        "--log",
        log,
    ]);
    let key = server.line().strip_prefix("key ").expect("the line says the key").to_owned();
    (server, key)
}

fn city(data: &Path, witnesses: &[String]) -> Server {
    let mut args = vec!["demo", "--data", path(data), "--port", "0", "--no-traffic"];
    args.extend(["--people", "2", "--shops", "1", "--banks", "2", "--witness-quorum", "2"]);
    args.extend(witnesses.iter().flat_map(|witness| ["--witness", witness]));
    Server::start(&args)
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

fn check(args: &[&str], code: i32, words: &[&str]) {
    let output = run(args);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    for words in words {
        assert!(said.contains(words), "{args:?} says {words:?}: {said}");
    }
}

async fn get(url: &str, target: &str) -> String {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = client.get(format!("{url}{target}")).send().await.expect("an answer");
    answer.error_for_status().expect("it is there").text().await.expect("text")
}

/// The receipt of a new payment of the acting person.
async fn receipt(acting: &Acting, number: &str, file: &Path) -> Value {
    let transaction = acting.pay(number, 1250).await;
    let receipt = acting.wallet.receipt(&transaction).await.expect("a receipt");
    fs::write(file, receipt.to_string()).expect("written");
    receipt
}

fn python(args: &[&str]) -> (bool, String) {
    let checker = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tlog");
    let ran = Command::new("python3").args(args).current_dir(checker).output().expect("python3 runs");
    (ran.status.success(), said(&ran))
}

#[test]
fn the_python_checker_agrees_with_standards_and_vectors() {
    let (good, said) = python(&["-m", "unittest", "discover", "-s", "."]);
    assert!(good, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_carry_cosignatures_and_a_stranger_checks_them_with_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("city");
    let first = Server::city(&data);
    let log = ledger_key(&first.url).await;
    let old = folder.path().join("old.note");
    fs::write(&old, get(&first.url, "/v1/public/log/checkpoint").await).expect("written");
    assert!(first.terminate());

    let folders: [PathBuf; 2] = ["one", "two"].map(|name| folder.path().join(name));
    let (one, one_key) = witness(&folders[0], "127.0.0.1:0", &log);
    let (two, two_key) = witness(&folders[1], "127.0.0.1:0", &log);
    let city = city(&data, &[format!("{}={one_key}", one.url), format!("{}={two_key}", two.url)]);
    let acting = Acting::find(&data, &city.url).await;
    let file = folder.path().join("receipt.json");
    let made = receipt(&acting, "tea", &file).await;
    assert_eq!(made["cosigned"], serde_json::json!({ "has": 2, "need": 2, "of": 2 }));
    let both = ["--witness", &one_key, "--witness", &two_key];
    let base = ["verify", "receipt", path(&file), "--key", &log];
    check(&[&base, both.as_slice()].concat(), 0, &["cosigned      2 of 2", "saw the same log", "它证明"]);
    check(&base, 0, &["no witness that you trust cosigned it"]);
    check(&[&base, both.as_slice(), &["--need", "3"]].concat(), 1, &["2 witnesses are given"]);
    check(&["verify", "receipt", path(&file), "--key", &one_key], 2, &["not a verifier key"]);

    // A stranger, with keys, the old checkpoint and the receipt, and no code of ours.
    let prefix = format!("{}/v1/public/log", city.url);
    let checker =
        ["check.py", "--url", &prefix, "--key", &log, "--old", path(&old), "--receipt", path(&file)];
    let (good, said) = python(&[&checker, both.as_slice()].concat());
    assert!(good, "{said}");
    for words in ["cosigned: 2 of 2", "they lead to the root", "grew to", "receipt: record", "all holds"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let (good, said) = python(&["check.py", "--url", &prefix, "--key", &one_key]);
    assert!(!good && said.contains("witness's key"), "{said}");

    let directory: Value = serde_json::from_str(&get(&city.url, "/v1/public/keys").await).expect("JSON");
    assert_eq!(directory["policy"]["quorum"], 2);
    assert_eq!(directory["ledger"][0]["algorithm"], "RFC6962-SHA256+ED25519");
    assert_eq!(directory["witnesses"][0]["verifier_key"], one_key.as_str());

    // One is killed: the receipt says what is missing, and who needs both is not satisfied.
    let listen = two.url.strip_prefix("http://").expect("an address").to_owned();
    two.kill();
    let poor = folder.path().join("poor.json");
    assert_eq!(receipt(&acting, "cake", &poor).await["cosigned"]["has"], 1);
    let base = ["verify", "receipt", path(&poor), "--key", &log];
    check(&[&base, both.as_slice()].concat(), 1, &["does NOT hold", "1 of the trusted witnesses"]);
    check(&[&base, both.as_slice(), &["--need", "1"]].concat(), 0, &["cosigned      1 of 2"]);

    // It remembers, and goes on where it was.
    let (again, key) = witness(&folders[1], &listen, &log);
    assert_eq!(key, two_key);
    let mut round = 0;
    while receipt(&acting, &format!("again-{round}"), &poor).await["cosigned"]["has"] != 2 {
        round += 1;
        assert!(round < 30, "the second witness is not asked again");
    }
    check(&[&base, both.as_slice()].concat(), 0, &["cosigned      2 of 2"]);
    assert!(city.terminate() && again.terminate() && one.terminate());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_of_the_domestic_suite_is_witnessed_and_checked_the_same_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("city");
    let args = |witnesses: &[String]| -> Vec<String> {
        let fixed = ["demo", "--data", path(&data), "--port", "0", "--no-traffic", "--suite", "sm3-sm2"];
        let small = ["--people", "2", "--shops", "1", "--banks", "1"];
        let witnesses = witnesses.iter().flat_map(|witness| ["--witness", witness]);
        fixed.into_iter().chain(small).chain(witnesses).map(str::to_owned).collect()
    };
    let start = |args: &[String]| Server::start(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let first = start(&args(&[]));
    let log = ledger_key(&first.url).await;
    assert!(first.terminate());
    let (one, key) = witness(&folder.path().join("one"), "127.0.0.1:0", &log);
    let city = start(&args(&[format!("{}={key}", one.url)]));
    let acting = Acting::find(&data, &city.url).await;
    let transaction = acting.pay("tea", 1250).await;
    let receipt = acting.wallet.receipt_cosigned(&transaction, 1).await.expect("a receipt");
    assert_eq!(receipt["cosigned"], serde_json::json!({ "has": 1, "need": 1, "of": 1 }));
    assert_eq!(receipt["proof"]["algorithm"], "RFC6962-SM3+SM2");
    let file = folder.path().join("receipt.json");
    fs::write(&file, receipt.to_string()).expect("written");
    check(
        &["verify", "receipt", path(&file), "--key", &log, "--witness", &key],
        0,
        &["cosigned      1 of 1"],
    );
    let prefix = format!("{}/v1/public/log", city.url);
    let (good, said) =
        python(&["check.py", "--url", &prefix, "--key", &log, "--witness", &key, "--receipt", path(&file)]);
    assert!(good && said.contains("signed (sm2)") && said.contains("all holds"), "{said}");
    assert!(city.terminate() && one.terminate());
}

async fn ledger_key(url: &str) -> String {
    let keys: Value = serde_json::from_str(&get(url, "/v1/public/keys").await).expect("JSON");
    keys["ledger"][0]["verifier_key"].as_str().expect("a key").to_owned()
}

#[test]
fn a_witness_refuses_to_start_half_sure() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = "ledger.example.gov.cn+99afd376+AWa+fjMsekUzMr2dCn99sFX1xe8aBq2mbZizn7aBDEc6";
    let at = |data: &str, log: &str, code, words: &str| {
        check(
            &["witness", "--name", "w.example", "--data", data, "--listen", "127.0.0.1:0", "--log", log],
            code,
            &[words],
        );
    };
    at(path(folder.path()), "no key", 1, "not a note key");
    at("/dev/null/none", log, 1, "/dev/null/none");
    check(&["witness"], 2, &["--name", "--data", "--log"]);
    let file = folder.path().join("witness.toml");
    fs::write(
        &file,
        format!(
            "name = \"w.example\"\ndata = \"kept\"\nlisten = \"127.0.0.1:0\"\nlog = [{{ key = \"{log}\" }}]\n"
        ),
    )
    .expect("written");
    let server = Server::start(&["witness", "--config", path(&file)]);
    assert!(server.line().starts_with("key w.example+"));
    assert!(folder.path().join("kept/witness.key").exists(), "the folder is the file's");
    assert!(server.terminate());
}
