//! A city that runs is backed up, restored, looked at, and goes on from its backup.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::program::{Acting, Server, jialing, run, said};

fn json(args: &[&str]) -> Value {
    let output = run(args);
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

fn fails(args: &[&str], words: &str) {
    let output = run(args);
    assert!(
        !output.status.success() && said(&output).contains(words),
        "{args:?} says {words:?}: {}",
        said(&output)
    );
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

#[tokio::test]
async fn a_running_city_is_backed_up_and_restored_and_an_earlier_state_is_for_looking_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let [data, backup, restored, earlier] =
        ["city", "backup", "restored", "earlier"].map(|name| folder.path().join(name));
    let server = Server::city(&data);
    let acting = Acting::find(&data, &server.url).await;
    acting.pay("tea", 1250).await;
    let first = json(&["backup", "--data", path(&data), "--to", path(&backup), "--json"]);
    assert_eq!(first["tables"], true, "{first}");
    acting.pay("cake", 2200).await;
    assert!(server.terminate());
    let second = json(&["backup", "--data", path(&data), "--to", path(&backup), "--json"]);
    let (before, records) =
        (first["records"].as_u64().expect("a number"), second["records"].as_u64().expect("a number"));
    assert!(records > before && second["before"] == before, "{first} {second}");
    assert!(second["bytes_copied"].as_u64() < first["bytes_copied"].as_u64(), "{first} {second}");
    let output = run(&["verify", "--data", path(&backup)]);
    assert!(output.status.success(), "{}", said(&output));
    unread(&["verify", "--data", path(&backup)]);

    let published = folder.path().join("newest.txt");
    fs::write(&published, second["checkpoint"].as_str().expect("a note")).expect("written");
    let args = [
        "restore",
        "--from",
        path(&backup),
        "--to",
        path(&restored),
        "--published",
        path(&published),
        "--json",
    ];
    let done = json(&args);
    assert_eq!((&done["records"], &done["marked"]), (&second["records"], &Value::Bool(false)), "{done}");
    fails(&args, "not empty");
    let report = json(&["verify", "--data", path(&restored), "--json"]);
    assert_eq!(
        (&report["sound"], &report["tables"]["behind"]),
        (&Value::Bool(true), &Value::from(0)),
        "{report}"
    );
    // With its keys the city goes on.
    fs::copy(data.join("ledger/checkpoint.key"), restored.join("ledger/checkpoint.key")).expect("copied");
    for name in ["keys", "sandbox"] {
        copy(&data.join(name), &restored.join(name));
    }
    for entry in fs::read_dir(&data).expect("a folder").flatten().filter(|entry| entry.path().is_file()) {
        let to = restored.join(entry.file_name());
        if !entry.file_name().to_string_lossy().starts_with("jialing.db") {
            fs::copy(entry.path(), to).expect("copied");
        }
    }
    let server = Server::city(&restored);
    Acting::find(&restored, &server.url).await.pay("bread", 800).await;
    assert!(server.terminate());

    let position = before.to_string();
    let args =
        ["restore", "--from", path(&backup), "--to", path(&earlier), "--position", &position, "--json"];
    let done = json(&args);
    assert_eq!((&done["marked"], &done["tables"]), (&Value::Bool(true), &Value::Bool(false)), "{done}");
    let report = json(&["verify", "--data", path(&earlier), "--ledger-only", "--json"]);
    assert_eq!(report["sound"], true, "{report}");
    fs::copy(data.join("ledger/checkpoint.key"), earlier.join("ledger/checkpoint.key")).expect("copied");
    fails(&["demo", "--data", path(&earlier), "--port", "0"], "was restored to record");

    fails(&["cold", "--data", path(&data), "--to", path(&folder.path().join("away"))], "must be there");
    let cold = folder.path().join("cold");
    fs::create_dir(&cold).expect("made");
    let moved = json(&["cold", "--data", path(&data), "--to", path(&cold), "--json"]);
    assert_eq!(moved["segments"], 0, "a small city has nothing that is cold: {moved}");
}

fn copy(from: &Path, to: &Path) {
    let Ok(entries) = fs::read_dir(from) else { return };
    fs::create_dir_all(to).expect("made");
    for entry in entries.flatten() {
        fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}

/// An output that nobody reads ends the program quietly, and not as if all were well.
fn unread(args: &[&str]) {
    let mut child = jialing(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(141), "{}", said(&output));
    assert!(!said(&output).contains("panicked"), "{}", said(&output));
}
