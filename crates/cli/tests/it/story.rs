//! The example tells its whole story against a real demonstration.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

#[path = "../../../sdk/examples/pay_a_shop/story/mod.rs"]
mod pay_a_shop;

/// A running demonstration; it ends with the test.
pub(crate) struct Demo {
    pub(crate) url: String,
    pub(crate) folder: TempDir,
    child: Child,
}

impl Demo {
    /// A small city without traffic, once it is ready.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(env!("CARGO_BIN_EXE_jialing"))
            .args(["demo", "--port", "0", "--people", "4", "--shops", "2", "--no-traffic", "--data"])
            .arg(folder.path().join("demo"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let url = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("ready ").map(str::to_owned));
        let Some(url) = url else { panic!("the demonstration ended before it was ready: {:?}", child.wait()) };
        Self { url, folder, child }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn the_example_tells_its_whole_story() {
    let demo = Demo::start();
    let receipts = demo.folder.path().join("receipts");
    let mut printed = Vec::new();
    let told = pay_a_shop::tell(&demo.url, Some(&receipts), &mut printed).await;
    let printed = String::from_utf8(printed).expect("UTF-8");
    let ending = told.unwrap_or_else(|error| panic!("{error}, after\n{printed}"));
    assert_eq!(ending, pay_a_shop::Ending { steps: 12, payer_balance: 17_000, shop_balance: 3_000, receipts: 4 });
    for step in 1..=ending.steps {
        assert!(printed.contains(&format!("\n{step:2}. ")), "step {step} is missing in\n{printed}");
    }

    // The other verifier, which shares no code with the client's, agrees about the files.
    for (file, fen) in [("payment-payer", 3850), ("payment-shop", 3850), ("refund-payer", 850), ("refund-shop", 850)] {
        let file = receipts.join(format!("{file}.json"));
        let verify = |file: &std::path::Path| {
            let verify = ["verify", "receipt", "--url", &demo.url];
            Command::new(env!("CARGO_BIN_EXE_jialing")).args(verify).arg(file).output().expect("it runs")
        };
        let found = verify(&file);
        assert!(found.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&found.stdout));
        let text = std::fs::read_to_string(&file).expect("the receipt");
        let more = text.replace(&format!("\"amount\": {fen}"), &format!("\"amount\": {}", fen + 1));
        assert_ne!(more, text, "the amount stands in the file");
        let forged = receipts.join("forged.json");
        std::fs::write(&forged, more).expect("a folder");
        assert_eq!(verify(&forged).status.code(), Some(1), "a forged {} was believed", file.display());
    }
}

#[tokio::test]
async fn the_story_says_why_it_ends_early() {
    let printed = &mut Vec::new();
    let why = pay_a_shop::tell("http://127.0.0.1:1", None, printed).await.expect_err("nobody is there").to_string();
    assert!(why.contains("GET /v1/public/status"), "{why}");
}
