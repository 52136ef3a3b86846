//! Receipts made here, byte by byte from `docs/reference/receipt.md`, in a log of three records.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::hash::HashAlgorithm::Sha256;
use jialing_crypto::note::{Checkpoint, NoteSigner};
use jialing_crypto::{SigningKey, Suite, proof};
use jialing_sdk::receipt::verify;
use serde_json::{Value, json};

const LOG: &str = "ledger.example/test";
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 2026-11-22T06:20:00.123456789Z in nanoseconds.
const TIME: u64 = 1_795_328_400_123_456_789;
const ORDER: u128 = 0x1234_5678_9abc_def0_1234_5678_9abc_def0;
const PAYER: u128 = 0x0a0a;
const SHOP: u128 = 0x0b0b;

fn digits(number: u128) -> String {
    (0..26).rev().map(|place| DIGITS[(number >> (5 * place) & 31) as usize] as char).collect()
}

/// A log with the payment as its second record.
struct Log {
    vkey: String,
    receipt: Value,
}

/// The payment's record; `change` may spoil it before it is logged.
fn record(link: &[u8], change: impl Fn(&mut [u8; 118])) -> [u8; 118] {
    let mut record = [0; 118];
    let mut put = |at: usize, bytes: &[u8]| record[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &1_u64.to_le_bytes());
    put(8, &TIME.to_le_bytes());
    put(16, &[16]);
    // The second leg of the order's group.
    put(17, &(ORDER | 1).to_le_bytes());
    put(33, &PAYER.to_le_bytes());
    put(49, &SHOP.to_le_bytes());
    put(65, &3850_u64.to_le_bytes());
    put(73, &16150_i64.to_le_bytes());
    put(81, &3850_i64.to_le_bytes());
    put(89, link);
    put(113, &5_u16.to_le_bytes());
    change(&mut record);
    record
}

fn log(change: impl Fn(&mut [u8; 118])) -> Log {
    let wallet = format!("wal_{}", digits(PAYER));
    let device = SigningKey::generate(Suite::Es256);
    let text = format!(
        "JIALING-EVIDENCE-1\naction:pay\npayee:mch_1\namount:3850 CNY\nsubject:ord_1\nwallet:{wallet}\nexpires:2026-11-22T06:24:00.000Z\nnonce:0123456789abcdef\n"
    );
    let signature = device.sign(text.as_bytes());
    let link =
        Sha256.digest_parts(&[text.as_bytes(), &[0], device.public().id().as_bytes(), &[0], &signature]);
    let record = record(&link[..24], change);
    let [before, leaf, after] =
        [b"before".as_slice(), &record, b"after"].map(|bytes| proof::leaf_hash(Sha256, bytes));
    let root = proof::node_hash(Sha256, &proof::node_hash(Sha256, &before, &leaf), &after);
    let signer = NoteSigner::new(LOG, SigningKey::generate(Suite::Ed25519)).expect("a log's name");
    let checkpoint = Checkpoint { origin: LOG.into(), size: 3, root, extensions: Vec::new() };
    let key_id: String = signer.verifier().key_id().iter().map(|byte| format!("{byte:02x}")).collect();
    let receipt = json!({
        "format": "jialing-receipt/1",
        "what": {
            "transaction_id": format!("txn_{}", digits(ORDER)), "subject": format!("ord_{}", digits(ORDER)), "kind": "payment",
            "wallet_id": wallet, "direction": "out",
            "amount": { "amount": 3850, "currency": "CNY" }, "balance": { "amount": 16150, "currency": "CNY" },
            "debit_account": digits(PAYER), "credit_account": digits(SHOP),
            "at": jiff::Timestamp::from_millisecond((TIME / 1_000_000) as i64).expect("a time").to_string(),
        },
        "proof": {
            "algorithm": "RFC6962-SHA256+ED25519", "log": LOG, "key_id": key_id, "record": STANDARD.encode(record),
            "leaf_index": 1, "tree_size": 3, "path": [STANDARD.encode(before), STANDARD.encode(after)],
            "checkpoint": signer.sign(&checkpoint.to_text()).expect("a text"),
        },
        "evidence": { "text": text, "public_key": STANDARD.encode(device.public().spki_der()), "signature": STANDARD.encode(&signature) },
        "described": { "counterparty": "山城小面" },
        "proves": { "zh": "…", "en": "…" },
    });
    Log { vkey: signer.verifier().to_vkey(), receipt }
}

#[test]
fn a_receipt_made_from_the_format_alone_holds() {
    let log = log(|_| {});
    let proven = verify(&log.receipt, &log.vkey).expect("it holds");
    assert_eq!(
        (proven.kind.as_str(), proven.amount, proven.index, proven.tree_size),
        ("payment", 3850, 1, 3)
    );
    assert_eq!((proven.debit, proven.credit, proven.time), (digits(PAYER), digits(SHOP), TIME));
    assert!(proven.signed_by_device);
}

#[test]
fn the_payees_receipt_needs_no_evidence() {
    let Log { vkey, mut receipt } = log(|_| {});
    receipt.as_object_mut().expect("an object").remove("evidence");
    receipt["what"]["direction"] = "in".into();
    receipt["what"]["wallet_id"] = format!("wal_{}", digits(SHOP)).into();
    receipt["what"]["balance"]["amount"] = 3850.into();
    assert!(!verify(&receipt, &vkey).expect("it holds").signed_by_device);
}

#[test]
fn every_changed_field_is_found() {
    let Log { vkey, receipt } = log(|_| {});
    let check = |pointer: &str, value: Value, expect: &str| {
        let mut changed = receipt.clone();
        let field = changed.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} is not there"));
        assert_ne!(*field, value, "{pointer} is not changed");
        *field = value;
        let fault = verify(&changed, &vkey).expect_err(pointer).to_string();
        assert!(fault.contains(expect), "{pointer}: {fault}");
    };
    check("/format", json!("jialing-receipt/2"), "format");
    check("/what/transaction_id", json!(format!("txn_{}", digits(ORDER ^ 16))), "`transaction_id`");
    check("/what/subject", json!(format!("ref_{}", digits(ORDER))), "`subject`");
    check("/what/kind", json!("refund"), "`kind`");
    check("/what/wallet_id", json!(format!("wal_{}", digits(SHOP))), "`wallet_id`");
    check("/what/direction", json!("in"), "`wallet_id`");
    check("/what/direction", json!("sideways"), "`direction`");
    check("/what/amount/amount", json!(3851), "`amount`");
    check("/what/amount/amount", json!(-3850), "`amount`");
    check("/what/amount/currency", json!("USD"), "`amount`");
    check("/what/balance/amount", json!(16151), "`balance`");
    check("/what/balance/currency", json!("USD"), "`balance`");
    check("/what/debit_account", json!(digits(SHOP)), "`debit_account`");
    check("/what/credit_account", json!(digits(PAYER)), "`credit_account`");
    check("/what/at", json!("2026-11-22T06:20:01.123Z"), "`at`");
    check("/proof/algorithm", json!("none"), "algorithm");
    check("/proof/log", json!("another.example/log"), "another log");
    check("/proof/key_id", json!("00000000"), "`key_id`");
    check("/proof/leaf_index", json!(0), "the path");
    check("/proof/tree_size", json!(4), "`tree_size`");
    check("/proof/path", json!([]), "the path");
    check("/proof/record", json!(STANDARD.encode([0; 118])), "the path");
    check("/proof/record", json!("AAAA"), "118 bytes");
    check("/proof/checkpoint", json!("a note by nobody\n"), "the checkpoint");
    check("/evidence/text", json!("JIALING-EVIDENCE-1\n"), "does not fit the text");
    check("/evidence/signature", json!(STANDARD.encode([7; 64])), "does not fit the text");
    check("/evidence", json!({ "text": "" }), "format");
}

#[test]
fn a_device_that_signed_something_else_is_no_evidence() {
    let Log { vkey, mut receipt } = log(|_| {});
    let other = SigningKey::generate(Suite::Ed25519);
    let text = receipt["evidence"]["text"].as_str().expect("a text").to_owned();
    receipt["evidence"]["public_key"] = STANDARD.encode(other.public().spki_der()).into();
    receipt["evidence"]["signature"] = STANDARD.encode(other.sign(text.as_bytes())).into();
    let fault = verify(&receipt, &vkey).expect_err("it is another device's").to_string();
    assert!(fault.contains("another digest"), "{fault}");
}

#[test]
fn a_record_that_moved_no_money_proves_no_payment() {
    let check = |change: fn(&mut [u8; 118]), expect: &str| {
        let log = log(change);
        let fault = verify(&log.receipt, &log.vkey).expect_err(expect).to_string();
        assert!(fault.contains(expect), "{fault}");
    };
    check(|record| record[16] = 17, "moved no money");
    check(|record| record[0] = 9, "not its place");
    check(|record| record[113] = 10, "kind is unknown");
}

#[test]
fn a_checkpoint_of_another_key_or_an_unknown_member_is_refused() {
    let Log { mut receipt, vkey } = log(|_| {});
    let other = log(|_| {});
    assert!(verify(&receipt, &other.vkey).is_err(), "another ledger's key");
    assert!(verify(&receipt, "not a key").is_err());
    receipt["what"]["bonus"] = 1.into();
    let fault = verify(&receipt, &vkey).expect_err("a member that the format does not know").to_string();
    assert!(fault.contains("bonus"), "{fault}");
}
