//! `jialing verify supply` on the vectors that every client is tested with.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::{run, said};

fn check(args: &[&str], code: i32, words: &str) -> String {
    let output = run(&[&["verify", "supply"], args].concat());
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", said(&output));
    assert!(said(&output).contains(words), "{args:?} says {words:?}: {}", said(&output));
    said(&output)
}

fn write(folder: &Path, name: &str, value: &Value) -> String {
    let path = folder.join(name);
    fs::write(&path, value.to_string()).expect("written");
    path.to_str().expect("a plain path").to_owned()
}

#[test]
fn a_total_and_a_balance_hold_and_lies_do_not() {
    let folder = tempfile::tempdir().expect("a folder");
    for suite in ["sha256-ed25519", "sm3-sm2"] {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/vectors/supply/{suite}.json"));
        let vectors: Value = serde_json::from_str(&fs::read_to_string(path).expect("vectors")).expect("JSON");
        let key = vectors["ledger"].as_str().expect("a key");
        let (total, own) = (
            write(folder.path(), "total.json", &vectors["total"]),
            write(folder.path(), "own.json", &vectors["balance"]),
        );
        check(&[&total, "--key", key], 0, "It does not prove");
        let said = check(&[&own, "--total", &total, "--key", key], 0, "of the same statement");
        assert!(said.contains("2026-11-21, to midnight UTC+8"), "{said}");
        check(&[&own, "--key", vectors["stranger"].as_str().expect("a key")], 1, "does NOT hold");
        check(&[&own, "--total", &own, "--key", key], 1, "not a total");
        let report = run(&["verify", "supply", &own, "--key", key, "--json"]);
        let report: Value = serde_json::from_slice(&report.stdout).expect("JSON");
        assert_eq!(
            (&report["valid"], &report["balance"]["amount"]),
            (&Value::Bool(true), &vectors["balance"]["balance"]["amount"])
        );
        let mut lie = vectors["balance"].clone();
        lie["balance"]["amount"] = 1.into();
        let lie = write(folder.path(), "lie.json", &lie);
        check(&[&lie, "--key", key], 1, "does NOT hold");
    }
    let nothing = write(folder.path(), "nothing.json", &Value::Null);
    let key = "jialing.example/other+a3f1ad84+AYopC51kjtD+pZn3+FAimE5/ACKWtYIIt4wyjZsda2NX";
    assert!(!run(&["verify", "supply", &nothing, "--key", key]).status.success());
    check(&[&nothing], 2, "required");
}
