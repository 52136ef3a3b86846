//! The whole ledger as a table, from the folder of a running and of a stopped platform.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::note::{Checkpoint, NoteVerifier};
use jialing_crypto::proof::{leaf_hash, node_hash};
use jialing_ledger::{AccountKind, Body, Op, Policy, RECORD_LEN, Record, Transfer};
use jialing_platform::id::parse_number;
use serde_json::Value;

use crate::program::{Acting, Server, run, said};

fn check(args: &[&str], code: i32, words: &str) {
    let output = run(args);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", said(&output));
    assert!(said(&output).contains(words), "{args:?} says {words:?}: {}", said(&output));
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// A line of the table, cell by cell.
struct Line<'a>(Vec<&'a str>);

impl Line<'_> {
    fn text(&self, column: &str) -> &str {
        let place = COLUMNS.split(',').position(|known| known == column).expect("a known column");
        self.0[place]
    }

    fn number<T: std::str::FromStr>(&self, column: &str) -> T {
        let text = self.text(column);
        text.parse().unwrap_or_else(|_| panic!("{column} is {text:?}"))
    }

    fn id(&self, column: &str) -> u128 {
        parse_number(self.text(column)).unwrap_or_else(|| panic!("{column} is no id"))
    }

    fn bytes<const N: usize>(&self, column: &str) -> [u8; N] {
        let text = self.text(column);
        assert_eq!(text.len(), 2 * N, "{column}");
        std::array::from_fn(|n| u8::from_str_radix(&text[2 * n..2 * n + 2], 16).expect("hexadecimal"))
    }

    fn flag(&self, column: &str) -> bool {
        self.number::<u8>(column) == 1
    }

    /// The record that the line says, made without looking at the journal.
    fn record(&self) -> Record {
        let time: jiff::Timestamp = self.text("time").parse().expect("a time");
        let body = match self.text("what") {
            "account_opened" => Body::AccountOpened {
                id: self.id("id"),
                currency: self.number("currency"),
                kind: AccountKind::from_number(self.number("account_kind")).expect("a kind"),
                holder: self.number("holder"),
                min: self.number("minimum"),
                max: self.number("maximum"),
            },
            "account_changed" => Body::AccountChanged {
                id: self.id("id"),
                min: self.number("minimum"),
                max: self.number("maximum"),
                debit_frozen: self.flag("debit_frozen"),
                credit_frozen: self.flag("credit_frozen"),
                closed: self.flag("closed"),
                balance: self.number("balance"),
            },
            "policy_published" => Body::PolicyPublished {
                policy: self.number("policy"),
                version: self.number("version"),
                from: self.number("in_force_from"),
                bounds: Policy {
                    single: self.number("single"),
                    day: self.number("day"),
                    day_count: self.number("day_count"),
                    year: self.number("year"),
                    year_count: self.number("year_count"),
                },
            },
            "meter_set" => Body::MeterSet { meter: self.id("id"), policy: self.number("policy") },
            "terms" => Body::Terms {
                meters: ["meter_1", "meter_2", "meter_3", "meter_4"].map(|column| self.id(column)),
                expires: self.number("expires"),
            },
            "note" => {
                Body::Note { kind: self.number("kind"), id: self.id("id"), digest: self.bytes("digest") }
            }
            op => Body::Transfer(self.transfer(op)),
        };
        let time = u64::try_from(time.as_nanosecond()).expect("after 1970");
        Record { seq: self.number("record"), time, body }
    }

    fn transfer(&self, op: &str) -> Transfer {
        let names = ["plain", "hold", "post", "void", "expire", "reverse"];
        let place =
            names.iter().position(|known| *known == op).unwrap_or_else(|| panic!("{op} is no record"));
        Transfer {
            id: self.id("id"),
            op: Op::ALL[place],
            kind: self.number("kind"),
            debit: self.id("debit"),
            credit: self.id("credit"),
            amount: self.number("amount"),
            debit_balance: self.number("debit_balance"),
            credit_balance: self.number("credit_balance"),
            link: self.bytes("link"),
            leg: self.number("leg"),
            legs: self.number("legs"),
            has_terms: self.flag("has_terms"),
        }
    }
}

const COLUMNS: &str = "record,time,what,id,debit,credit,amount,debit_balance,credit_balance,link,kind,leg,legs,has_terms,\
currency,account_kind,holder,minimum,maximum,debit_frozen,credit_frozen,closed,balance,policy,version,in_force_from,single,day,\
day_count,year,year_count,meter_1,meter_2,meter_3,meter_4,expires,digest";

/// The records of a CSV file.
fn records(file: &Path) -> Vec<Record> {
    let text = fs::read_to_string(file).expect("UTF-8");
    let mut lines = text.split_terminator("\r\n");
    assert_eq!(lines.next(), Some(COLUMNS));
    lines.map(|line| Line(line.split(',').collect()).record()).collect()
}

/// RFC 6962's root over the records, the plain way.
fn root(records: &[Record]) -> [u8; 32] {
    let hash = HashAlgorithm::Sha256;
    fn over(hash: HashAlgorithm, leaves: &[[u8; 32]]) -> [u8; 32] {
        match leaves {
            [one] => *one,
            _ => {
                let half = leaves.len().next_power_of_two() / 2;
                node_hash(hash, &over(hash, &leaves[..half]), &over(hash, &leaves[half..]))
            }
        }
    }
    let leaves: Vec<[u8; 32]> = records
        .iter()
        .map(|record| {
            let bytes: [u8; RECORD_LEN] = record.encode();
            leaf_hash(hash, &bytes)
        })
        .collect();
    over(hash, &leaves)
}

#[tokio::test]
async fn the_whole_ledger_is_exported_while_it_runs_and_leads_to_its_signed_root() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("city");
    let server = Server::city(&data);
    let acting = Acting::find(&data, &server.url).await;
    acting.pay("tea", 1250).await;
    let running = folder.path().join("running.csv");
    check(&["export", "--data", path(&data), "--format", "csv", "--out", path(&running)], 0, "checkpoint");
    assert!(server.terminate());
    let whole = folder.path().join("whole.csv");
    check(
        &["export", "--data", path(&data), "--format", "csv", "--out", path(&whole), "--quiet"],
        0,
        "sha256",
    );
    let all = records(&whole);
    let so_far = records(&running);
    assert!(so_far.len() > 20 && all[..so_far.len()] == so_far[..], "{} of {}", so_far.len(), all.len());
    assert_eq!(fs::metadata(&whole).expect("there").permissions().mode() & 0o777, 0o600);

    let about = fs::read_to_string(folder.path().join("whole.csv.checkpoint.json")).expect("written");
    let about: Value = serde_json::from_str(&about).expect("JSON");
    let hash = HashAlgorithm::Sha256.digest(&fs::read(&whole).expect("read"));
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        (about["sha256"].as_str(), about["tree_size"].as_u64()),
        (Some(&*hash), Some(all.len() as u64))
    );
    let key = NoteVerifier::from_vkey(about["verifier_key"].as_str().expect("a key")).expect("a key");
    let note = about["checkpoint"].as_str().expect("a note");
    let checkpoint = Checkpoint::open(note, key.name(), std::slice::from_ref(&key)).expect("signed");
    assert_eq!(checkpoint.root, root(&all), "every field of every record is in the table");

    // Money: what every account ends with is what its movements add up to, and all of it sums to zero.
    let mut balances = std::collections::BTreeMap::new();
    let mut last = std::collections::BTreeMap::new();
    for record in &all {
        let Body::Transfer(transfer) = record.body else { continue };
        last.insert(transfer.debit, transfer.debit_balance);
        last.insert(transfer.credit, transfer.credit_balance);
        if transfer.op.moves() {
            *balances.entry(transfer.debit).or_insert(0i64) -= transfer.amount as i64;
            *balances.entry(transfer.credit).or_insert(0i64) += transfer.amount as i64;
        }
    }
    for (account, balance) in &balances {
        assert_eq!(last.get(account), Some(balance), "account {account:x}");
    }
    assert_eq!(balances.values().sum::<i64>(), 0);

    ranges(folder.path(), &data, &all);
}

/// Parts by record and by time, the same as Parquet, and what is refused.
fn ranges(folder: &Path, data: &Path, all: &[Record]) {
    let export = |name: &str, more: &[&str]| {
        let out = folder.join(name);
        let form = if name.ends_with("parquet") { "parquet" } else { "csv" };
        let args = ["export", "--data", path(data), "--format", form, "--out", path(&out), "--quiet"];
        check(&[&args, more].concat(), 0, "sha256");
        out
    };
    assert_eq!(records(&export("part.csv", &["--from", "3", "--to", "9"])), all[3..9]);
    let middle = all[all.len() / 2].time;
    let time = jiff::Timestamp::from_nanosecond(i128::from(middle)).expect("a time").to_string();
    let split = all.iter().position(|record| record.time == middle).expect("its first");
    assert_eq!(records(&export("late.csv", &["--from", &time])), all[split..]);
    assert_eq!(records(&export("early.csv", &["--to", &time])), all[..split]);
    assert_eq!(records(&export("none.csv", &["--from", "2000-01-01", "--to", "2000-02"])), []);
    let parquet = fs::read(export("whole.parquet", &[])).expect("read");
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    assert!(parquet.len() < fs::metadata(folder.join("whole.csv")).expect("there").len() as usize * 2);

    let refused = |more: &[&str], words: &str| {
        let out = folder.join("refused.csv");
        let args = ["export", "--data", path(data), "--format", "csv", "--out", path(&out)];
        check(&[&args, more].concat(), 1, words);
        assert!(!out.exists() && !folder.join("refused.csv.part").exists());
    };
    refused(&["--from", "9", "--to", "3"], "before --from");
    refused(&["--from", "soon"], "neither a record's number nor a time");
    let nothing = folder.join("nothing");
    check(
        &["export", "--data", path(&nothing), "--format", "csv", "--out", path(&folder.join("x.csv"))],
        1,
        "nothing",
    );
    let whole = folder.join("whole.csv");
    check(&["export", "--data", path(data), "--format", "csv", "--out", path(&whole)], 1, "is there already");
}
