//! `jialing operate feedback` and `jialing operate tickets`, against a platform in production that knows an operator.

use std::fs;

use serde_json::{Value, json};

use crate::program::{Server, run, said};
use crate::serve::Setup;

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_lists_reads_and_answers_what_was_written() {
    let mut setup = Setup::new();
    for name in ["li.pem", "strange.pem"] {
        let made = run(&["keys", "generate", setup.path(name).to_str().expect("a plain path")]);
        assert!(made.status.success(), "{}", said(&made));
    }
    setup.config += "\n[[operators]]\nname = \"li.ming\"\nkey = \"li.pem.pub\"\n";
    let server = Server::start(&["serve", "--config", &setup.file()]);
    let given: Value = reqwest::Client::new()
        .post(format!("{}/v1/public/feedback", server.url))
        .header("Idempotency-Key", "k-1")
        .json(&json!({ "topic": "WISH", "text": "想要 Go 语言的客户端。", "contact": "dev@shop.example" }))
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let id = given["id"].as_str().unwrap_or_else(|| panic!("{given}"));

    let at = |what: &str, key: &str, verb: &[&str]| {
        let key = setup.path(key);
        let key = key.to_str().expect("a plain path");
        let fixed = ["operate", what, "--url", &server.url, "--operator", "li.ming", "--key", key];
        run(&[&fixed[..], verb].concat())
    };
    let desk = |key: &str, verb: &[&str]| at("feedback", key, verb);
    let json = |verb: &[&str]| -> Value {
        let output = desk("li.pem", verb);
        assert!(output.status.success(), "{verb:?}: {}", said(&output));
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    assert_eq!(json(&["list", "--state", "OPEN"])["items"][0]["id"], id);
    assert_eq!(json(&["show", id])["contact"], "dev@shop.example");
    assert_eq!(json(&["answer", id, "--text", "已列入计划。"])["state"], "ANSWERED");
    assert_eq!(json(&["answer", id, "--text", "已列入计划。"])["answer"], "已列入计划。");
    assert_eq!(json(&["list", "--state", "OPEN"])["items"], json!([]));
    let check = |key: &str, verb: &[&str], words: &str| {
        let output = desk(key, verb);
        assert_eq!(output.status.code(), Some(1), "{verb:?}: {}", said(&output));
        assert!(said(&output).contains(words), "{verb:?}: {}", said(&output));
    };
    check("li.pem", &["answer", id, "--text", "别的"], "conflict");
    check("li.pem", &["show", "fbk_06f3k1v8q0m2r4t6w8y0a2c4e0"], "not_found");
    check("strange.pem", &["list"], "key_unknown");
    let none = at("tickets", "li.pem", &["list", "--state", "OPEN"]);
    assert_eq!(serde_json::from_slice::<Value>(&none.stdout).expect("JSON")["items"], json!([]));
    let nobody = "tkt_06f3k1v8q0m2r4t6w8y0a2c4e0";
    for verb in [&["show", nobody][..], &["answer", nobody, "--text", "x"], &["close", nobody]] {
        let output = at("tickets", "li.pem", verb);
        assert_eq!(output.status.code(), Some(1), "{verb:?}: {}", said(&output));
        assert!(said(&output).contains("not_found"), "{verb:?}: {}", said(&output));
    }
    fs::remove_file(setup.path("li.pem")).expect("removed");
    check("li.pem", &["list"], "cannot read");
    assert!(server.terminate());
}
