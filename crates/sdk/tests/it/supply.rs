//! Proofs of supply made here, byte by byte from `docs/reference/supply.md`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::note::{Checkpoint, NoteSigner};
use jialing_crypto::{SigningKey, Suite, proof};
use jialing_sdk::receipt::Trust;
use jialing_sdk::supply::{verify_balance, verify_total};
use serde_json::{Value, json};

const LOG: &str = "ledger.example/test";
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The midnight at UTC+8 that ends 21 November 2026, and that day's number.
const CUT: u64 = 1_795_276_800_000_000_000;
const DAY: u128 = 20_778;

fn digits(number: u128) -> String {
    (0..26).rev().map(|place| DIGITS[(number >> (5 * place) & 31) as usize] as char).collect()
}

fn account(n: u64) -> u128 {
    0x0123_4567_89ab_cdef_0123_4567_89ab_0000 + u128::from(n)
}

fn balance(n: u64) -> u64 {
    n * 37 % 11 * 100 + n
}

type Node = ([u8; 32], u64);

/// The published hashes.
struct Tree(HashAlgorithm);

impl Tree {
    fn leaf(&self, account: u128, nonce: [u8; 32], balance: u64) -> Node {
        let who = self.0.digest(&[b"JIALING-SUM-WHO-1".as_slice(), &account.to_be_bytes(), &nonce].concat());
        (self.0.digest(&[b"JIALING-SUM-LEAF-1".as_slice(), &who, &balance.to_be_bytes()].concat()), balance)
    }

    fn parent(&self, left: Node, right: Node) -> Node {
        let (l, r) = (left.1.to_be_bytes(), right.1.to_be_bytes());
        let text = [b"JIALING-SUM-NODE-1".as_slice(), &left.0, &l, &right.0, &r].concat();
        (self.0.digest(&text), left.1.wrapping_add(right.1))
    }

    /// The root over `leaves`, and the siblings of leaf `index`.
    fn root(&self, leaves: &[Node], index: usize) -> (Node, Vec<Node>) {
        if leaves.len() == 1 {
            return (leaves[0], Vec::new());
        }
        let mut split = 1;
        while split * 2 < leaves.len() {
            split *= 2;
        }
        let (left, right) = leaves.split_at(split);
        let (inside, other) = if index < split { (left, right) } else { (right, left) };
        let (own, mut path) = self.root(inside, index % split);
        let (sibling, _) = self.root(other, 0);
        path.push(sibling);
        let root = if index < split { self.parent(own, sibling) } else { self.parent(sibling, own) };
        (root, path)
    }
}

/// What spoils a published text, or an anchored record.
type SpoilText = Box<dyn Fn(String) -> String>;
type SpoilRecord = Box<dyn Fn(&mut [u8; 118])>;

/// What a platform would publish, and what may be spoiled in it before it is signed.
struct Made {
    suite: Suite,
    statement: SpoilText,
    record: SpoilRecord,
}

impl Default for Made {
    fn default() -> Self {
        Self { suite: Suite::Ed25519, statement: Box::new(|text| text), record: Box::new(|_| {}) }
    }
}

struct Files {
    key: String,
    trust: Trust,
    total: Value,
    balance: Value,
}

impl Made {
    /// The files of leaf `index` among `count`.
    fn files(&self, index: u64, count: u64) -> Files {
        let hash = if self.suite == Suite::Sm2Sm3 { HashAlgorithm::Sm3 } else { HashAlgorithm::Sha256 };
        let tree = Tree(hash);
        let leaves: Vec<Node> =
            (0..count).map(|n| tree.leaf(account(n), [n as u8; 32], balance(n))).collect();
        let (root, path) = tree.root(&leaves, index as usize);
        let nobody = tree.0.digest(b"JIALING-SUM-NONE-1");
        let statement = (self.statement)(format!(
            "jialing supply 1\nlog {LOG}\nday 2026-11-21\ncut {CUT}\nrecords 2\nroot {}\nhash {}\nbefore -\n\
             book 156 1 issued {} redeemed 5 leaves {count} sum {} tree {}\n\
             book 156 2 issued 7 redeemed 7 leaves 0 sum 0 tree {}\n",
            STANDARD.encode([3; 32]),
            hash.wire_name(),
            root.1 + 5,
            root.1,
            STANDARD.encode(root.0),
            STANDARD.encode(nobody),
        ));
        let mut record = [0; 118];
        let mut put = |at: usize, bytes: &[u8]| record[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &2_u64.to_le_bytes());
        put(8, &(CUT + 5).to_le_bytes());
        put(16, &[6, 2, 0]);
        put(19, &DAY.to_le_bytes());
        put(35, &hash.digest(statement.as_bytes()));
        (self.record)(&mut record);
        let [one, two, note] =
            [b"one".as_slice(), b"two", &record].map(|bytes| proof::leaf_hash(hash, bytes));
        let before = proof::node_hash(hash, &one, &two);
        let signer = NoteSigner::new(LOG, SigningKey::generate(self.suite)).expect("a log's name");
        let checkpoint = Checkpoint {
            origin: LOG.into(),
            size: 3,
            root: proof::node_hash(hash, &before, &note),
            extensions: Vec::new(),
        };
        let key_id: String = signer.verifier().key_id().iter().map(|byte| format!("{byte:02x}")).collect();
        let held = json!({
            "log": LOG, "key_id": key_id, "record": STANDARD.encode(record), "leaf_index": 2, "tree_size": 3,
            "path": [STANDARD.encode(before)], "checkpoint": signer.sign(&checkpoint.to_text()).expect("a text"),
        });
        let path: Vec<Value> = path
            .iter()
            .map(|(hash, sum)| json!({ "hash": STANDARD.encode(hash), "sum": sum.to_string() }))
            .collect();
        let key = signer.verifier().to_vkey();
        Files {
            trust: Trust::in_ledger(&key).expect("a key"),
            key,
            total: json!({
                "format": "jialing-supply-total/1", "statement": statement, "proof": held, "described": null, "proves": null,
            }),
            balance: json!({
                "format": "jialing-supply-balance/1", "account": digits(account(index)),
                "balance": { "amount": balance(index), "currency": "CNY" }, "holder": 1,
                "nonce": STANDARD.encode([index as u8; 32]), "leaf_index": index, "path": path,
                "statement": statement, "proof": held, "proves": null,
            }),
        }
    }
}

#[test]
fn files_made_from_the_format_alone_hold_for_every_leaf_of_every_tree() {
    for count in 1..70 {
        for index in [0, count / 3, count / 2, count - 1] {
            let files = Made::default().files(index, count);
            let total = verify_total(&files.total, &files.trust).expect("it holds");
            let sum: u64 = (0..count).map(balance).sum();
            assert_eq!((total.day.as_str(), total.records, total.record), ("2026-11-21", 2, 2));
            assert_eq!(
                (total.books[0].sum, total.books[0].accounts, total.books[0].issued),
                (sum, count, sum + 5)
            );
            let counted = verify_balance(&files.balance, &files.trust).expect("it holds");
            assert_eq!((counted.balance, counted.account), (balance(index), digits(account(index))));
            assert_eq!(counted.total, total);
        }
    }
    let domestic = Made { suite: Suite::Sm2Sm3, ..Made::default() }.files(4, 9);
    assert!(verify_total(&domestic.total, &domestic.trust).is_ok());
    assert!(verify_balance(&domestic.balance, &domestic.trust).is_ok());
    let other = Made::default().files(4, 9);
    assert!(verify_total(&domestic.total, &other.trust).is_err(), "another suite");
}

#[test]
fn every_changed_field_of_a_balance_is_found() {
    let files = Made::default().files(5, 11);
    let check = |pointer: &str, value: Value, expect: &str| {
        let mut changed = files.balance.clone();
        let field = changed.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} is not there"));
        assert_ne!(*field, value, "{pointer} is not changed");
        *field = value;
        let fault = verify_balance(&changed, &files.trust).expect_err(pointer).to_string();
        assert!(fault.contains(expect), "{pointer}: {fault}");
    };
    let (sum, hash) = (balance(4), STANDARD.encode([0; 32]));
    check("/format", json!("jialing-supply-balance/2"), "format");
    check("/account", json!(digits(account(6))), "does not lead");
    check("/account", json!("8zzzzzzzzzzzzzzzzzzzzzzzzz"), "26 digits");
    check("/account", json!("wal_1"), "26 digits");
    check("/balance/amount", json!(balance(5) + 1), "does not lead");
    check("/balance/amount", json!(-1), "format");
    check("/balance/currency", json!("USD"), "currency");
    check("/holder", json!(2), "outside the tree");
    check("/holder", json!(3), "no such book");
    check("/nonce", json!(hash), "does not lead");
    check("/nonce", json!("AA=="), "32 bytes");
    check("/leaf_index", json!(4), "does not lead");
    check("/leaf_index", json!(11), "outside");
    check("/path/0/sum", json!((sum + 1).to_string()), "does not lead");
    check("/path/0/sum", json!(format!("0{sum}")), "as it is written");
    check("/path/0/sum", json!("-1"), "no amount");
    check("/path/0/sum", json!(u64::MAX.to_string()), "overflow");
    check("/path/1/hash", json!(hash), "does not lead");
    check("/path", json!([]), "too short");
    check("/statement", json!("jialing supply 1\n"), "`log`");
    check("/proof/log", json!("another.example/log"), "another log");
    check("/proof/key_id", json!("00000000"), "`key_id`");
    check("/proof/leaf_index", json!(1), "the path in the log");
    check("/proof/tree_size", json!(4), "`tree_size`");
    check("/proof/record", json!(STANDARD.encode([0; 118])), "the path in the log");
    check("/proof/checkpoint", json!("a note by nobody\n"), "the checkpoint");
    let mut longer = files.balance["path"].as_array().expect("a path").clone();
    longer.push(longer[0].clone());
    check("/path", Value::Array(longer), "too long");
    let other = Made::default().files(5, 11);
    assert!(verify_balance(&files.balance, &other.trust).is_err(), "another ledger's key");
}

#[test]
fn a_statement_that_lies_is_found_though_it_is_signed() {
    let check = |made: Made, expect: &str| {
        let files = made.files(1, 4);
        let fault = verify_total(&files.total, &files.trust).expect_err(expect).to_string();
        assert!(fault.contains(expect), "{fault}");
        assert_eq!(verify_balance(&files.balance, &files.trust).expect_err(expect).to_string(), fault);
    };
    let text = |from: &'static str, to: &'static str| Made {
        statement: Box::new(move |text| {
            assert!(text.contains(from), "{from} is not there");
            text.replace(from, to)
        }),
        ..Made::default()
    };
    check(text("redeemed 5 ", "redeemed 4 "), "issued less what was redeemed");
    check(text("issued 7 redeemed 7", "issued 7 redeemed 8"), "issued less what was redeemed");
    check(text("jialing supply 1", "jialing supply 2"), "another version");
    check(text("log ledger.example/test", "log ledger.example/other"), "another log");
    check(text("day 2026-11-21", "day 2026-11-22"), "midnight");
    check(text("day 2026-11-21", "day 20261121"), "midnight");
    check(text("hash SHA256", "hash SM3"), "hash");
    check(text("book 156 1 ", "book 156 3 "), "in order");
    check(text("book 156 2 ", "book 156 02 "), "no number");
    check(text("leaves 0 ", ""), "no book");
    check(text("records 2", "records +2"), "no number");
    let record = |change: fn(&mut [u8; 118])| Made { record: Box::new(change), ..Made::default() };
    check(record(|record| record[16] = 5), "no note");
    check(record(|record| record[17] = 1), "no note");
    check(record(|record| record[19] ^= 1), "another day");
    check(record(|record| record[19..35].fill(0xff)), "another day");
    check(record(|record| record[35] ^= 1), "another digest");
    check(record(|record| record[0] = 1), "not its place");
    check(record(|record| record[8..16].copy_from_slice(&(CUT - 1).to_le_bytes())), "older");
    check(text("records 2", "records 3"), "older");
}

/// The platform leaves out a fen of one and shows its neighbour more: both see the pair's sum unchanged.
#[test]
fn money_moved_between_two_people_shows_to_both() {
    for index in [4, 5] {
        let files = Made::default().files(index, 11);
        let mut lie = files.balance.clone();
        let sibling: u64 = lie["path"][0]["sum"].as_str().and_then(|sum| sum.parse().ok()).expect("fen");
        lie["balance"]["amount"] = (balance(index) - 1).into();
        lie["path"][0]["sum"] = (sibling + 1).to_string().into();
        let fault = verify_balance(&lie, &files.trust).expect_err("a lie").to_string();
        assert!(fault.contains("does not lead"), "{fault}");
    }
}

/// Bytes changed, cut and doubled at seeded places: what is still accepted says the same.
#[test]
fn no_mutation_of_a_file_is_accepted_as_something_else() {
    let files = Made::default().files(5, 11);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound as u64) as usize
    };
    let mut refused = 0;
    for (file, verify) in [(&files.total, true), (&files.balance, false)] {
        let text = file.to_string();
        for _ in 0..1_500 {
            let mut bytes = text.clone().into_bytes();
            let at = next(bytes.len());
            match next(4) {
                0 => bytes[at] ^= 1 << next(8),
                1 => bytes[at] = b"0123456789ABCDEFabcdef\"{}[],:-+ =/"[next(34)],
                2 => drop(bytes.drain(at..(at + 1 + next(40)).min(text.len()))),
                _ => {
                    let again: Vec<u8> = bytes[at..(at + 1 + next(40)).min(text.len())].to_vec();
                    bytes.splice(at..at, again);
                }
            }
            let Ok(changed) = serde_json::from_slice::<Value>(&bytes) else { continue };
            let held = if verify {
                verify_total(&changed, &files.trust).map(drop)
            } else {
                verify_balance(&changed, &files.trust).map(drop)
            };
            refused += usize::from(held.is_err());
            if held.is_ok() {
                // The words that prove nothing may differ; nothing else may.
                let mut same = changed;
                for free in ["described", "proves"] {
                    if let Some(words) = same.get_mut(free) {
                        *words = Value::Null;
                    }
                }
                assert_eq!(same, *file);
            }
        }
    }
    assert!(refused > 500, "only {refused} changed files could be read at all");
}

/// Changes that every client must refuse: in which file, where, to what.
fn lies(files: &Files) -> Vec<(&'static str, &'static str, Value)> {
    let zero = STANDARD.encode([0; 32]);
    let statement = files.total["statement"].as_str().expect("a text");
    let record = files.total["proof"]["record"].as_str().expect("a text");
    let mut changed = STANDARD.decode(record).expect("base64");
    changed[40] ^= 1;
    let mut lies = vec![
        ("balance", "/account", json!(digits(account(6)))),
        ("balance", "/balance/amount", json!(balance(5) + 1)),
        ("balance", "/balance/amount", json!(-1)),
        ("balance", "/balance/currency", json!("USD")),
        ("balance", "/holder", json!(2)),
        ("balance", "/nonce", json!(zero)),
        ("balance", "/leaf_index", json!(4)),
        ("balance", "/leaf_index", json!(11)),
        ("balance", "/path/0/sum", json!((balance(4) + 1).to_string())),
        ("balance", "/path/0/sum", json!(u64::MAX.to_string())),
        ("balance", "/path/0/sum", json!(format!("0{}", balance(4)))),
        ("balance", "/path/1/hash", json!(zero)),
        ("balance", "/path", json!([])),
    ];
    for file in ["balance", "total"] {
        lies.extend([
            (file, "/format", json!("jialing-supply/2")),
            (file, "/statement", json!(statement.replace("redeemed 5 ", "redeemed 4 "))),
            (file, "/statement", json!(statement.replace("records 2", "records 1"))),
            (file, "/statement", json!(statement.trim_end())),
            (file, "/proof/log", json!("another.example/log")),
            (file, "/proof/key_id", json!("00000000")),
            (file, "/proof/leaf_index", json!(1)),
            (file, "/proof/tree_size", json!(4)),
            (file, "/proof/path", json!([])),
            (file, "/proof/record", json!(STANDARD.encode(&changed))),
            (file, "/proof/checkpoint", json!("a note by nobody\n")),
        ]);
    }
    lies
}

/// The files that the TypeScript client is tested with too: both must say the same.
/// `UPDATE=1` writes them anew.
#[test]
fn the_vectors_hold_and_none_of_their_lies_does() {
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/supply"));
    for (name, suite) in [("sha256-ed25519", Suite::Ed25519), ("sm3-sm2", Suite::Sm2Sm3)] {
        let path = folder.join(format!("{name}.json"));
        if std::env::var_os("UPDATE").is_some() {
            let files = Made { suite, ..Made::default() }.files(5, 11);
            let stranger = Made { suite, ..Made::default() }.files(5, 11).key;
            let lies: Vec<Value> = lies(&files)
                .into_iter()
                .map(|(file, pointer, value)| json!({ "file": file, "pointer": pointer, "value": value }))
                .collect();
            let vectors = json!({
                "ledger": files.key, "stranger": stranger, "total": files.total, "balance": files.balance, "lies": lies,
            });
            std::fs::create_dir_all(folder).expect("a folder");
            let text = serde_json::to_string_pretty(&vectors).expect("JSON") + "\n";
            std::fs::write(&path, text).expect("written");
        }
        let vectors: Value =
            serde_json::from_str(&std::fs::read_to_string(&path).expect("the vectors")).expect("JSON");
        let trust = |key: &str| Trust::in_ledger(vectors[key].as_str().expect("a key")).expect("a key");
        let held = |file: &str, value: &Value, trust: &Trust| match file {
            "total" => verify_total(value, trust).is_ok(),
            _ => verify_balance(value, trust).is_ok(),
        };
        for file in ["total", "balance"] {
            assert!(held(file, &vectors[file], &trust("ledger")), "{name}: {file}");
            assert!(!held(file, &vectors[file], &trust("stranger")), "{name}: {file} of another ledger");
        }
        let lies = vectors["lies"].as_array().expect("lies");
        assert!(lies.len() > 30);
        for lie in lies {
            let (file, pointer) =
                (lie["file"].as_str().expect("a file"), lie["pointer"].as_str().expect("a place"));
            let mut changed = vectors[file].clone();
            let place = changed.pointer_mut(pointer).expect("a place");
            assert_ne!(*place, lie["value"], "{pointer} is not changed");
            *place = lie["value"].clone();
            assert!(!held(file, &changed, &trust("ledger")), "{name}: {lie}");
        }
    }
}
