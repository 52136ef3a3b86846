//! Checks a receipt offline, with nothing but the ledger's verifier key.
//!
//! Written from the published format alone (`docs/reference/receipt.md`), so that it shares no code
//! with the platform that issues receipts: where the two disagree, one of them is wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::note::{Checkpoint, NoteVerifier};
use jialing_crypto::proof;
use serde_json::Value;

/// Bytes of a record.
const RECORD_LEN: usize = 118;
/// Crockford's digits, as ids are written.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The bits of a transfer id that name the thing paid for; the others number a leg.
const THING: u128 = !0xf;

/// What a receipt proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Minor units.
    pub amount: u64,
    /// The debited account, 26 digits.
    pub debit: String,
    /// The credited account, 26 digits.
    pub credit: String,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// The record's place in the log.
    pub index: u64,
    /// Records that the checkpoint covers.
    pub tree_size: u64,
}

/// The receipt does not hold, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the receipt does not hold: {0}")]
pub struct NotProven(pub String);

/// Checks `receipt` against the ledger's verifier key (`verifier_key` of `/v1/public/keys`, obtained
/// once over a way you trust): the checkpoint's signature, the path from the record to its root, and
/// that the receipt's words say what the record says.
///
/// # Errors
/// [`NotProven`], with the first fault.
pub fn verify(receipt: &Value, verifier_key: &str) -> Result<Proven, NotProven> {
    let no = |why: &str| NotProven(why.to_owned());
    let proof = &receipt["proof"];
    let verifier = NoteVerifier::from_vkey(verifier_key).map_err(|error| NotProven(format!("the verifier key: {error}")))?;
    let origin = verifier.name().to_owned();
    let note = proof["checkpoint"].as_str().ok_or_else(|| no("it has no checkpoint"))?;
    let checkpoint = Checkpoint::open(note, &origin, &[verifier]).map_err(|error| NotProven(format!("the checkpoint: {error}")))?;
    let record: [u8; RECORD_LEN] = bytes(&proof["record"]).ok_or_else(|| no("the record is not 118 bytes in base64"))?;
    let index = proof["leaf_index"].as_u64().ok_or_else(|| no("it has no leaf index"))?;
    let path = proof["path"].as_array().ok_or_else(|| no("it has no path"))?;
    let path: Vec<[u8; 32]> = path.iter().map(bytes).collect::<Option<_>>().ok_or_else(|| no("the path is not hashes in base64"))?;
    let leaf = proof::leaf_hash(HashAlgorithm::Sha256, &record);
    proof::verify_inclusion(HashAlgorithm::Sha256, &leaf, index, checkpoint.size, &path, &checkpoint.root).map_err(|error| NotProven(format!("the path: {error}")))?;
    let said = Record::read(&record);
    if said.seq != index {
        return Err(no("the record's number is not its place in the log"));
    }
    said.compare(&receipt["what"])?;
    Ok(Proven { amount: said.amount, debit: digits(said.debit), credit: digits(said.credit), time: said.time, index, tree_size: checkpoint.size })
}

/// The fields of a transfer record, little endian.
struct Record {
    seq: u64,
    time: u64,
    id: u128,
    debit: u128,
    credit: u128,
    amount: u64,
    debit_balance: i64,
    credit_balance: i64,
}

impl Record {
    fn read(bytes: &[u8; RECORD_LEN]) -> Self {
        let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap_or_default());
        let u128_at = |at: usize| u128::from_le_bytes(bytes[at..at + 16].try_into().unwrap_or_default());
        Self {
            seq: u64_at(SEQ),
            time: u64_at(TIME),
            id: u128_at(ID),
            debit: u128_at(DEBIT),
            credit: u128_at(CREDIT),
            amount: u64_at(AMOUNT),
            debit_balance: u64_at(DEBIT_BALANCE) as i64,
            credit_balance: u64_at(CREDIT_BALANCE) as i64,
        }
    }

    /// Whether the receipt's words are the record's.
    fn compare(&self, what: &Value) -> Result<(), NotProven> {
        let (own, balance) = match what["direction"].as_str() {
            Some("out") => (self.debit, self.debit_balance),
            Some("in") => (self.credit, self.credit_balance),
            _ => return Err(NotProven("`direction` is neither in nor out".into())),
        };
        let checks = [
            ("transaction_id", ends_with(&what["transaction_id"], self.id & THING)),
            ("debit_account", what["debit_account"] == digits(self.debit)),
            ("credit_account", what["credit_account"] == digits(self.credit)),
            ("wallet_id", ends_with(&what["wallet_id"], own)),
            ("amount", what["amount"]["amount"].as_u64() == Some(self.amount) && what["amount"]["currency"] == "CNY"),
            ("balance", what["balance"]["amount"].as_i64() == Some(balance)),
            ("at", milliseconds(&what["at"]) == i64::try_from(self.time / 1_000_000).ok()),
        ];
        match checks.iter().find(|(_, same)| !same) {
            None => Ok(()),
            Some((field, _)) => Err(NotProven(format!("`{field}` is not what the record says"))),
        }
    }
}

/// Where the fields of a transfer record stand.
const SEQ: usize = 0;
const TIME: usize = 8;
const ID: usize = 17;
const DEBIT: usize = 33;
const CREDIT: usize = 49;
const AMOUNT: usize = 65;
const DEBIT_BALANCE: usize = 73;
const CREDIT_BALANCE: usize = 81;

fn milliseconds(value: &Value) -> Option<i64> {
    value.as_str()?.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

fn ends_with(id: &Value, number: u128) -> bool {
    id.as_str().and_then(|id| id.split_once('_')).is_some_and(|(_, end)| end == digits(number))
}

fn digits(number: u128) -> String {
    (0..26).rev().map(|place| DIGITS[(number >> (5 * place) & 31) as usize] as char).collect()
}

fn bytes<const N: usize>(value: &Value) -> Option<[u8; N]> {
    STANDARD.decode(value.as_str()?).ok()?.try_into().ok()
}
