//! The integrator's commands, from making a sandbox to a report, as a terminal or CI runs them.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::program::{Server, jialing, said};

/// Runs a command in `folder`, where the sandbox's file is.
fn run(folder: &Path, args: &[&str]) -> Output {
    jialing(args).current_dir(folder).output().expect("the binary runs")
}

/// What a command answered in JSON.
fn json(folder: &Path, args: &[&str]) -> Value {
    let output = run(folder, args);
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    let text = String::from_utf8(output.stdout).expect("text");
    serde_json::from_str(text.trim()).unwrap_or(Value::Null)
}

/// A receiver that answers everything with 204 and tells how often it was asked.
async fn receiver() -> (String, std::sync::Arc<std::sync::atomic::AtomicU32>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/webhooks", listener.local_addr().expect("an address"));
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 64 << 10];
            let _ = stream.read(&mut head).await;
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
            let _ = stream.write_all(answer).await;
        }
    });
    (url, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integrator_makes_a_sandbox_and_uses_it_without_any_account() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let data = folder.join("sandboxes");
    let server = Server::start(&["sandbox", "serve", "--port", "0", "--data", data.to_str().expect("plain")]);

    let missing = run(folder, &["clock", "show"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(said(&missing).contains("jialing sandbox create"), "{}", said(&missing));

    let made = json(folder, &["sandbox", "create", "--url", &server.url, "--name", "shop", "--json"]);
    assert!(made["merchant"]["private_key"].as_str().expect("a key").contains("PRIVATE KEY"));
    let again = run(folder, &["sandbox", "create", "--url", &server.url]);
    assert_eq!(again.status.code(), Some(1), "what opens a sandbox is never overwritten");

    let (url, asked) = receiver().await;
    let happened = json(folder, &["trigger", "order.paid", "--override", "amount=990", "--json"]);
    assert_eq!(happened["resource"]["amount"]["amount"], 990);
    let heard = run(folder, &["listen", "--forward-to", &url, "--count", "1", "--json"]);
    assert!(heard.status.success(), "{}", said(&heard));
    assert!(said(&heard).contains(r#""right":true"#), "{}", said(&heard));
    let event = happened["event_id"].as_str().expect("an event");
    json(folder, &["events", "resend", event, "--json"]);
    assert!(run(folder, &["listen", "--forward-to", &url, "--count", "1"]).status.success());
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 2);

    // A receiver that takes a forged notice is told so, and CI sees it.
    json(folder, &["fault", "forged_notice", "--event", "order.paid", "--json"]);
    json(folder, &["trigger", "order.paid", "--json"]);
    let fooled = run(folder, &["listen", "--forward-to", &url, "--count", "1"]);
    assert_eq!(fooled.status.code(), Some(1), "{}", said(&fooled));
    assert!(said(&fooled).contains("TAKEN THOUGH IT MUST BE REFUSED"), "{}", said(&fooled));

    assert_eq!(json(folder, &["clock", "advance", "1d12h", "--json"])["ahead_s"], 129_600);
    assert_eq!(run(folder, &["clock", "advance", "tomorrow"]).status.code(), Some(2));
    json(folder, &["fault", "error", "--route", "POST /v1/merchant/refunds", "--times", "3", "--json"]);
    let waiting = run(folder, &["fault"]);
    assert!(said(&waiting).contains(r#""times":3"#), "{}", said(&waiting));
    assert!(run(folder, &["fault", "--clear"]).status.success());
    let logs = run(folder, &["logs", "--text"]);
    assert!(said(&logs).contains("POST   /v1/merchant/orders  code -  signature fits"), "{}", said(&logs));
    assert!(said(&logs).contains("| POST"), "{}", said(&logs));

    let status = run(folder, &["conform", "status"]);
    assert_eq!(status.status.code(), Some(1), "nothing of an integrator's was seen yet");
    let report = run(folder, &["conform", "report", "--system", "shop"]);
    assert_eq!(report.status.code(), Some(1), "{}", said(&report));
    for file in ["conformance.json", "conformance.html"] {
        let verified = run(folder, &["conform", "verify", file]);
        assert_eq!(verified.status.code(), Some(1), "the suite has not passed: {}", said(&verified));
        assert!(said(&verified).contains("the signature fits"), "{}", said(&verified));
    }

    assert!(run(folder, &["sandbox", "show"]).status.success());
    assert!(run(folder, &["sandbox", "remove"]).status.success());
    assert_eq!(run(folder, &["sandbox", "show"]).status.code(), Some(1));
    assert!(server.terminate(), "an orderly stop is a success");
}
