use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::{SigningKey, Suite};
use jialing_sdk::Evidence;
use jiff::Timestamp;

const GUIDE: &str = include_str!("../../../../docs/guides/signing-in-and-devices.md");

const EVIDENCE: Evidence<'_> = Evidence {
    action: "pay",
    payee: "mch_06c1v0q3000000000000000000",
    amount: 1250,
    subject: "ord_06c1v0q3000000000000000000",
    wallet: "wal_06c1v0q3000000000000000000",
};

#[test]
fn the_text_is_the_one_in_the_guide() {
    let text = EVIDENCE.text("2026-11-22T06:20:00.000Z", "0123456789abcdef0123456789abcdef");
    assert!(GUIDE.contains(&format!("```text\n{text}```")), "the guide does not show\n{text}");
}

#[test]
fn what_is_sent_is_signed_under_either_suite_of_devices() {
    for suite in [Suite::Es256, Suite::Ed25519] {
        let key = SigningKey::generate(suite);
        let sent = EVIDENCE.sign("dev_1", &key);
        let field = |name: &str| sent[name].as_str().expect("a text").to_owned();
        let signature = STANDARD.decode(field("signature")).expect("base64");
        let text = EVIDENCE.text(&field("expires_at"), &field("nonce"));
        key.public().verify(text.as_bytes(), &signature).expect("the signature fits the text");
        let other = Evidence { amount: 1251, ..EVIDENCE }.text(&field("expires_at"), &field("nonce"));
        assert!(key.public().verify(other.as_bytes(), &signature).is_err(), "another amount is another text");
        assert_eq!(field("device_id"), "dev_1");
    }
}

#[test]
fn it_expires_within_the_300_seconds_that_the_platform_takes() {
    let sent = EVIDENCE.sign("dev_1", &SigningKey::generate(Suite::Ed25519));
    let expires: Timestamp = sent["expires_at"].as_str().expect("a text").parse().expect("RFC 3339");
    let ahead = expires.as_second() - Timestamp::now().as_second();
    assert!((1..=300).contains(&ahead), "{ahead} s");
}
