//! `jialing keys` signs as the API checks.

use std::os::unix::fs::PermissionsExt;

use crate::program::{run, run_with, said};

fn check(suite: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("key.pem");
    let (secret, public) = (secret.to_str().expect("a plain path"), format!("{}.pub", secret.display()));
    let made = run(&["keys", "generate", "--suite", suite, secret]);
    assert!(made.status.success(), "{suite}: {}", said(&made));
    let mode = std::fs::metadata(secret).expect("the key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{suite}: only its owner reads it");

    let body = br#"{"out_trade_no":"1"}"#;
    let signed =
        run_with(&["keys", "sign", "--key", secret, "--mchid", "mch_1", "POST", "/v1/merchant/orders"], body);
    assert!(signed.status.success(), "{suite}: {}", said(&signed));
    let header = String::from_utf8(signed.stdout).expect("text");
    let verify = |method: &str, target: &str, body: &[u8]| {
        let args = ["keys", "verify", "--key", &public, "--authorization", header.trim(), method, target];
        run_with(&args, body).status.code()
    };
    assert_eq!(verify("POST", "/v1/merchant/orders", body), Some(0), "{suite}");
    assert_eq!(verify("POST", "/v1/merchant/orders", b"{}"), Some(1), "{suite}: another body");
    assert_eq!(verify("POST", "/v1/merchant/refunds", body), Some(1), "{suite}: another path");
    assert_eq!(verify("PUT", "/v1/merchant/orders", body), Some(1), "{suite}: another method");

    let again = run(&["keys", "generate", "--suite", suite, secret]);
    assert_eq!(again.status.code(), Some(1), "{suite}: a key is never overwritten");
}

#[test]
fn what_one_key_of_any_suite_signs_its_public_key_verifies() {
    check("ED25519");
    check("SM2-WITH-SM3");
    check("SHA256-RSA2048");
    check("ES256");
}

#[test]
fn an_unknown_suite_is_answered_with_the_known_ones() {
    let output = run(&["keys", "generate", "--suite", "DSA", "nowhere.pem"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("SM2-WITH-SM3"), "{}", said(&output));
}
