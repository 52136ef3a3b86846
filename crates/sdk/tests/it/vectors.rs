//! The vectors that every verifier is tested with: this one, the TypeScript client's, the page's, and the
//! Python checker's. `UPDATE=1` writes them anew.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::cosign::WitnessSigner;
use jialing_crypto::hash::{Digest, HashAlgorithm};
use jialing_crypto::note::{Checkpoint, NoteSigner, NoteVerifier, add_line};
use jialing_crypto::{SigningKey, Suite, proof};
use jialing_sdk::receipt::{Trust, verify_with};
use serde_json::{Value, json};

const LOG: &str = "ledger.example/vectors";
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 2026-11-22T06:20:00.123456789Z in nanoseconds.
const TIME: u64 = 1_795_328_400_123_456_789;
const ORDER: u128 = 0x1234_5678_9abc_def0_1234_5678_9abc_def0;
const PAYER: u128 = 0x0a0a;
const SHOP: u128 = 0x0b0b;
/// The payment's place, the older checkpoint's size and the newer one's.
const INDEX: usize = 257;
const OLDER: usize = 200;
const NEWER: usize = 300;
/// When witnesses cosigned.
const COSIGNED: u64 = 1_795_328_401;

fn digits(number: u128) -> String {
    (0..26).rev().map(|place| DIGITS[(number >> (5 * place) & 31) as usize] as char).collect()
}

/// A log of [`NEWER`] records with one payment in it.
struct Made {
    signer: NoteSigner,
    leaves: Vec<Digest>,
    record: [u8; 118],
    text: String,
    device: SigningKey,
    signature: Vec<u8>,
}

fn made(suite: Suite) -> Made {
    let key = match suite {
        Suite::Ed25519 => SigningKey::from_ed25519_seed(&[21; 32]).expect("a key"),
        suite => SigningKey::generate(suite),
    };
    let signer = NoteSigner::new(LOG, key).expect("a name");
    let device = SigningKey::generate(if suite == Suite::Ed25519 { Suite::Es256 } else { Suite::Ed25519 });
    let text = format!(
        "JIALING-EVIDENCE-1\naction:pay\npayee:mch_1\namount:3850 CNY\nsubject:ord_{}\nwallet:wal_{}\nexpires:2026-11-22T06:24:00.000Z\nnonce:0123456789abcdef\n",
        digits(ORDER),
        digits(PAYER)
    );
    let signature = device.sign(text.as_bytes());
    let parts: [&[u8]; 5] = [text.as_bytes(), &[0], device.public().id().as_bytes(), &[0], &signature];
    let record = record(&HashAlgorithm::Sha256.digest_parts(&parts)[..24]);
    let hash = signer.verifier().tree_hash();
    let leaves = (0..NEWER).map(|n| match n {
        INDEX => proof::leaf_hash(hash, &record),
        n => proof::leaf_hash(hash, format!("record {n}").as_bytes()),
    });
    Made { leaves: leaves.collect(), signer, record, text, device, signature }
}

fn record(link: &[u8]) -> [u8; 118] {
    let mut record = [0; 118];
    let mut put = |at: usize, bytes: &[u8]| record[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &(INDEX as u64).to_le_bytes());
    put(8, &TIME.to_le_bytes());
    put(16, &[16]);
    put(17, &(ORDER | 1).to_le_bytes());
    put(33, &PAYER.to_le_bytes());
    put(49, &SHOP.to_le_bytes());
    put(65, &3850_u64.to_le_bytes());
    put(73, &16150_i64.to_le_bytes());
    put(81, &3850_i64.to_le_bytes());
    put(89, link);
    put(113, &5_u16.to_le_bytes());
    record
}

fn root(hash: HashAlgorithm, leaves: &[Digest]) -> Digest {
    match leaves {
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            proof::node_hash(hash, &root(hash, left), &root(hash, right))
        }
    }
}

fn path(hash: HashAlgorithm, index: usize, leaves: &[Digest]) -> Vec<Digest> {
    if leaves.len() == 1 {
        return vec![];
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut nodes, sibling) = if index < left.len() {
        (path(hash, index, left), root(hash, right))
    } else {
        (path(hash, index - left.len(), right), root(hash, left))
    };
    nodes.push(sibling);
    nodes
}

fn consistency(hash: HashAlgorithm, first: usize, leaves: &[Digest], whole: bool) -> Vec<Digest> {
    if first == leaves.len() {
        return if whole { vec![] } else { vec![root(hash, leaves)] };
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut nodes, sibling) = if first <= left.len() {
        (consistency(hash, first, left, whole), root(hash, right))
    } else {
        (consistency(hash, first - left.len(), right, false), root(hash, left))
    };
    nodes.push(sibling);
    nodes
}

fn encoded(hashes: &[Digest]) -> Vec<String> {
    hashes.iter().map(|hash| STANDARD.encode(hash)).collect()
}

impl Made {
    fn hash(&self) -> HashAlgorithm {
        self.signer.verifier().tree_hash()
    }

    fn text(leaves: &[Digest], hash: HashAlgorithm) -> String {
        let extensions = vec![format!("time {TIME}")];
        let (origin, size) = (LOG.to_owned(), leaves.len() as u64);
        Checkpoint { origin, size, root: root(hash, leaves), extensions }.to_text()
    }

    fn note(&self, leaves: &[Digest]) -> String {
        self.signer.sign(&Self::text(leaves, self.hash())).expect("a text")
    }

    fn receipt(&self, witnesses: &[WitnessSigner]) -> Value {
        let text = Self::text(&self.leaves, self.hash());
        let note = witnesses.iter().fold(self.note(&self.leaves), |note, witness| {
            add_line(&note, &witness.line(&text, COSIGNED)).expect("a line")
        });
        let key_id: String =
            self.signer.verifier().key_id().iter().map(|byte| format!("{byte:02x}")).collect();
        json!({
            "format": "jialing-receipt/1",
            "what": {
                "transaction_id": format!("txn_{}", digits(ORDER)), "subject": format!("ord_{}", digits(ORDER)), "kind": "payment",
                "wallet_id": format!("wal_{}", digits(PAYER)), "direction": "out",
                "amount": { "amount": 3850, "currency": "CNY" }, "balance": { "amount": 16150, "currency": "CNY" },
                "debit_account": digits(PAYER), "credit_account": digits(SHOP), "at": "2026-11-22T14:20:00.123+08:00",
            },
            "proof": {
                "algorithm": self.signer.verifier().algorithm(), "log": LOG, "key_id": key_id, "record": STANDARD.encode(self.record),
                "leaf_index": INDEX, "tree_size": NEWER, "path": encoded(&path(self.hash(), INDEX, &self.leaves)), "checkpoint": note,
            },
            "cosigned": { "has": 2, "need": 2, "of": 3 },
            "evidence": {
                "text": self.text, "public_key": STANDARD.encode(self.device.public().spki_der()), "signature": STANDARD.encode(&self.signature),
            },
            "described": { "counterparty": "山城小面" },
            "proves": { "zh": "…", "en": "…" },
        })
    }

    fn growth(&self) -> Value {
        let mut forked = self.leaves.clone();
        forked[3] = proof::leaf_hash(self.hash(), b"another record");
        let notes = |leaves: &[Digest]| (self.note(&leaves[..OLDER]), self.note(leaves));
        let ((older, newer), (fork, rewritten)) = (notes(&self.leaves), notes(&forked));
        json!({
            "older": older, "newer": newer, "proof": encoded(&consistency(self.hash(), OLDER, &self.leaves, true)),
            "fork": fork, "rewritten": rewritten, "rewritten_proof": encoded(&consistency(self.hash(), OLDER, &forked, true)),
        })
    }
}

/// What each verifier must refuse: a place in the receipt, and what stands there instead.
fn changes(made: &Made, stranger: &NoteSigner) -> Vec<Value> {
    let swapped = |leaves: &[Digest]| stranger.sign(&Made::text(leaves, made.hash())).expect("a text");
    let other_leaf = encoded(&path(made.hash(), INDEX - 1, &made.leaves));
    let smaller = made.note(&made.leaves[..OLDER]);
    [
        ("/format", json!("jialing-receipt/2")),
        ("/what/transaction_id", json!(format!("txn_{}", digits(ORDER ^ 16)))),
        ("/what/subject", json!(format!("ref_{}", digits(ORDER)))),
        ("/what/kind", json!("refund")),
        ("/what/wallet_id", json!(format!("wal_{}", digits(SHOP)))),
        ("/what/direction", json!("in")),
        ("/what/direction", json!("sideways")),
        ("/what/amount/amount", json!(3851)),
        ("/what/amount/currency", json!("USD")),
        ("/what/balance/amount", json!(16151)),
        ("/what/debit_account", json!(digits(SHOP))),
        ("/what/credit_account", json!(digits(PAYER))),
        ("/what/at", json!("2026-11-22T14:20:01.123+08:00")),
        ("/proof/algorithm", json!("none")),
        ("/proof/log", json!("another.example/log")),
        ("/proof/key_id", json!("00000000")),
        ("/proof/leaf_index", json!(INDEX - 1)),
        ("/proof/tree_size", json!(NEWER + 1)),
        ("/proof/path", json!([])),
        ("/proof/path", json!(other_leaf)),
        ("/proof/record", json!(STANDARD.encode([0; 118]))),
        ("/proof/record", json!("AAAA")),
        ("/proof/checkpoint", json!("a note by nobody\n")),
        ("/proof/checkpoint", json!(swapped(&made.leaves))),
        ("/proof/checkpoint", json!(smaller)),
        ("/evidence/text", json!("JIALING-EVIDENCE-1\n")),
        ("/evidence/signature", json!(STANDARD.encode([7; 64]))),
        ("/evidence", json!({ "text": "" })),
        ("/what", json!({ "amount": 1 })),
    ]
    .into_iter()
    .map(|(pointer, value)| json!({ "pointer": pointer, "value": value }))
    .collect()
}

fn vectors(suite: Suite) -> Value {
    let made = made(suite);
    let witness = |name: &str, seed: u8| WitnessSigner::from_seed(name, &[seed; 32]).expect("a witness");
    let witnesses = [witness("witness.example/one", 31), witness("witness.example/two", 32)];
    let (absent, twin) = (witness("witness.example/three", 33), witness("witness.example/twin", 31));
    let stranger = NoteSigner::new(LOG, SigningKey::generate(suite)).expect("a name");
    let receipt = made.receipt(&witnesses);
    let [one, two] = [&witnesses[0], &witnesses[1]].map(|signer| signer.public().to_vkey());
    let [three, twin] = [absent, twin].map(|signer| signer.public().to_vkey());
    let mut false_line = receipt.clone();
    let stale = witnesses[0].line("another checkpoint\n", COSIGNED);
    false_line["proof"]["checkpoint"] = json!(add_line(&made.note(&made.leaves), &stale).expect("a line"));
    let trust = |keys: &[&String], need: usize, holds: bool| json!({ "witnesses": keys, "need": need, "holds": holds });
    let vkey = made.signer.verifier().to_vkey();
    let meaning = |keys: &[&String]| {
        let trust = Trust::in_ledger(&vkey).expect("a key");
        let trust = trust.with_witnesses(keys.iter().map(|key| key.as_str()), keys.len()).expect("keys");
        json!(verify_with(&receipt, &trust).expect("it holds").meaning())
    };
    json!({
        "ledger": vkey,
        "stranger": stranger.verifier().to_vkey(),
        "receipt": receipt,
        "false_cosignature": false_line,
        "changes": changes(&made, &stranger),
        "trusts": [
            trust(&[], 0, true), trust(&[&one], 1, true), trust(&[&one, &two], 2, true), trust(&[&one, &two, &three], 2, true),
            trust(&[&one, &two, &three], 3, false), trust(&[&three], 1, false), trust(&[&three], 0, true),
            trust(&[&one, &one], 2, false), trust(&[&one, &twin], 2, false), trust(&[&one], 2, false),
            trust(&[&vkey], 0, false),
        ],
        "meaning": meaning(&[]),
        "meaning_cosigned": meaning(&[&one, &two]),
        "growth": made.growth(),
    })
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/receipts")
}

const FILES: [(Suite, &str); 2] = [(Suite::Ed25519, "sha256-ed25519.json"), (Suite::Sm2Sm3, "sm3-sm2.json")];

/// Written once, whichever test comes first.
fn update() {
    std::fs::create_dir_all(folder()).expect("a folder");
    for (suite, name) in FILES {
        let text = serde_json::to_string_pretty(&vectors(suite)).expect("JSON") + "\n";
        std::fs::write(folder().join(name), text).expect("written");
    }
}

fn read(name: &str) -> Value {
    static UPDATED: std::sync::Once = std::sync::Once::new();
    if std::env::var_os("UPDATE").is_some() {
        UPDATED.call_once(update);
    }
    let file = folder().join(name);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).expect("JSON")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// Whether the receipt holds for who trusts `keys`.
fn holds(vectors: &Value, receipt: &Value, keys: &[Value], need: usize) -> bool {
    let trust = Trust::in_ledger(text(&vectors["ledger"])).expect("the ledger's key");
    trust.with_witnesses(keys.iter().map(text), need).and_then(|trust| verify_with(receipt, &trust)).is_ok()
}

#[test]
fn the_vectors_are_what_this_verifier_says() {
    for (_, name) in FILES {
        let vectors = read(name);
        let receipt = &vectors["receipt"];
        for trust in vectors["trusts"].as_array().expect("a list") {
            let keys = trust["witnesses"].as_array().expect("keys");
            let need = trust["need"].as_u64().expect("a number") as usize;
            assert_eq!(holds(&vectors, receipt, keys, need), trust["holds"], "{name}: {trust}");
        }
        let changes = vectors["changes"].as_array().expect("a list");
        assert!(changes.len() >= 25, "{name}");
        for change in changes {
            let mut changed = receipt.clone();
            *changed.pointer_mut(text(&change["pointer"])).expect("a place") = change["value"].clone();
            assert!(!holds(&vectors, &changed, &[], 0), "{name}: {change}");
        }
        let one = &vectors["trusts"][1]["witnesses"].as_array().expect("keys").clone();
        assert!(
            holds(&vectors, &vectors["false_cosignature"], &[], 0),
            "{name}: who knows no witness ignores it"
        );
        assert!(
            !holds(&vectors, &vectors["false_cosignature"], one, 0),
            "{name}: a false line of a trusted one"
        );
        let stranger = Trust::in_ledger(text(&vectors["stranger"])).expect("a key");
        assert!(verify_with(receipt, &stranger).is_err(), "{name}: another ledger's key");
        let trust = Trust::in_ledger(text(&vectors["ledger"])).expect("a key");
        let plain = verify_with(receipt, &trust).expect("it holds");
        assert_eq!(json!(plain.meaning()), vectors["meaning"], "{name}");
        let both = vectors["trusts"][2]["witnesses"].as_array().expect("keys");
        let trust = trust.with_witnesses(both.iter().map(text), 2).expect("keys");
        let cosigned = verify_with(receipt, &trust).expect("it holds");
        assert_eq!(json!(cosigned.meaning()), vectors["meaning_cosigned"], "{name}");
    }
}

#[test]
fn growth_is_proven_and_a_fork_a_rewriting_and_a_shrinking_are_not() {
    for (_, name) in FILES {
        let vectors = read(name);
        let log = NoteVerifier::from_vkey(text(&vectors["ledger"])).expect("a key");
        let growth = &vectors["growth"];
        let open = |which: &str| {
            Checkpoint::open(text(&growth[which]), log.name(), std::slice::from_ref(&log))
                .expect("it is signed")
        };
        let hashes = |which: &str| -> Vec<Digest> {
            let list = growth[which].as_array().expect("a list").iter();
            list.map(|hash| STANDARD.decode(text(hash)).expect("base64").try_into().expect("a hash"))
                .collect()
        };
        let check = |older: &str, newer: &str, proof: &[Digest], holds: bool| {
            let (first, second) = (open(older), open(newer));
            let said = proof::verify_consistency(
                log.tree_hash(),
                first.size,
                second.size,
                proof,
                &first.root,
                &second.root,
            );
            assert_eq!(said.is_ok(), holds, "{name}: {older} to {newer}: {said:?}");
        };
        let (good, rewritten) = (hashes("proof"), hashes("rewritten_proof"));
        check("older", "newer", &good, true);
        check("older", "older", &[], true);
        check("fork", "rewritten", &rewritten, true);
        check("older", "fork", &[], false);
        check("older", "rewritten", &good, false);
        check("older", "rewritten", &rewritten, false);
        check("newer", "older", &good, false);
        check("older", "newer", &good[1..], false);
    }
}
