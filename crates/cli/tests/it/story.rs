//! The example tells its whole story against a real demonstration.

use std::fs;
use std::path::Path;

use crate::program::{Server, run, said};

#[path = "../../../sdk/examples/pay_a_shop/story/mod.rs"]
mod pay_a_shop;

/// A small city without traffic in `folder`, once it is ready.
pub(crate) fn city(folder: &Path) -> Server {
    let folder = folder.to_str().expect("UTF-8");
    Server::start(&["demo", "--port", "0", "--people", "4", "--shops", "2", "--no-traffic", "--data", folder])
}

#[tokio::test]
async fn the_example_tells_its_whole_story() {
    let folder = tempfile::tempdir().expect("a folder");
    let demo = city(&folder.path().join("demo"));
    let receipts = folder.path().join("receipts");
    let mut printed = Vec::new();
    let told = pay_a_shop::tell(&demo.url, Some(&receipts), &mut printed).await;
    let printed = String::from_utf8(printed).expect("UTF-8");
    let ending = told.unwrap_or_else(|error| panic!("{error}, after\n{printed}"));
    assert_eq!(
        ending,
        pay_a_shop::Ending { steps: 12, payer_balance: 17_000, shop_balance: 3_000, receipts: 4 }
    );
    for step in 1..=ending.steps {
        assert!(printed.contains(&format!("\n{step:2}. ")), "step {step} is missing in\n{printed}");
    }

    // The other verifier, which shares no code with the client's, agrees about the files.
    for (file, fen) in
        [("payment-payer", 3850), ("payment-shop", 3850), ("refund-payer", 850), ("refund-shop", 850)]
    {
        let file = receipts.join(format!("{file}.json"));
        let verify =
            |file: &Path| run(&["verify", "receipt", "--url", &demo.url, file.to_str().expect("UTF-8")]);
        let found = verify(&file);
        assert!(found.status.success(), "{}: {}", file.display(), said(&found));
        let text = fs::read_to_string(&file).expect("the receipt");
        let more = text.replace(&format!("\"amount\": {fen}"), &format!("\"amount\": {}", fen + 1));
        assert_ne!(more, text, "the amount stands in the file");
        let forged = receipts.join("forged.json");
        fs::write(&forged, more).expect("a folder");
        assert_eq!(verify(&forged).status.code(), Some(1), "a forged {} was believed", file.display());
    }
}

#[tokio::test]
async fn the_story_says_why_it_ends_early() {
    let printed = &mut Vec::new();
    let why =
        pay_a_shop::tell("http://127.0.0.1:1", None, printed).await.expect_err("nobody is there").to_string();
    assert!(why.contains("GET /v1/public/status"), "{why}");
}
