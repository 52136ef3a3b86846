//! Checks a receipt offline, with nothing but the ledger's verifier key.
//!
//! Written from the published format alone (`docs/reference/receipt.md`), so that it shares no code
//! with the platform that issues receipts: where the two disagree, one of them is wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::PublicKey;
use jialing_crypto::cosign::{self, Witness};
use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::note::NoteVerifier;
use jialing_crypto::proof;
use serde::Deserialize;
use serde_json::Value;

pub use jialing_crypto::cosign::Cosignature;

/// The format that is checked.
const FORMAT: &str = "jialing-receipt/1";
/// Bytes of a record.
const RECORD_LEN: usize = 118;
/// Crockford's digits, as ids are written.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The bits of a transfer id that name the thing paid for; the others number a leg.
const THING: u128 = !0xf;
/// The operations by which money moves: plain, post, reverse.
const MOVES: [u8; 3] = [16, 18, 21];
/// The kinds: number, name, and the prefix of the id of what it was for.
const KINDS: [(u16, &str, &str); 19] = [
    (1, "issue", "iss"),
    (2, "redeem", "iss"),
    (3, "top_up", "top"),
    (4, "withdrawal", "wdr"),
    (5, "payment", "ord"),
    (6, "refund", "ref"),
    (7, "transfer", "tra"),
    (8, "sweep", "wdr"),
    (9, "withdrawal_return", "wdr"),
    (11, "bulk", "blk"),
    (12, "payout", "pol"),
    (13, "split_freeze", "spf"),
    (14, "split", "spm"),
    (15, "split_release", "spm"),
    (16, "split_return", "spm"),
    (17, "settlement_fee", "set"),
    (18, "red_packet", "rpk"),
    (19, "red_packet_share", "rps"),
    (20, "red_packet_return", "rpk"),
];

/// What a receipt proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// `payment`, `refund`, …
    pub kind: String,
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
    /// Whether the payer's device signed it, and the receipt shows what.
    pub signed_by_device: bool,
    /// The trusted witnesses that cosigned the checkpoint.
    pub cosigned: Vec<Cosignature>,
}

impl Proven {
    /// What this proves and what it does not, for people.
    #[must_use]
    pub fn meaning(&self) -> crate::words::Meaning {
        crate::words::Meaning::of(self)
    }
}

/// What a receipt is checked against: keys from somewhere you trust, never from where the receipt is.
#[derive(Clone, Debug)]
pub struct Trust {
    pub(crate) ledger: NoteVerifier,
    pub(crate) witnesses: Vec<Witness>,
    pub(crate) need: usize,
}

impl Trust {
    /// The ledger whose verifier key this is. The key decides the suite.
    ///
    /// # Errors
    /// [`NotProven`] when it is no verifier key.
    pub fn in_ledger(verifier_key: &str) -> Result<Self, NotProven> {
        let ledger = NoteVerifier::from_vkey(verifier_key)
            .map_err(|error| no(format!("the verifier key: {error}")))?;
        Ok(Self { ledger, witnesses: Vec::new(), need: 0 })
    }

    /// And at least `need` of the witnesses with these verifier keys.
    ///
    /// # Errors
    /// [`NotProven`] when one is no witness's key, or fewer are given than needed.
    pub fn with_witnesses<'a>(
        mut self,
        keys: impl IntoIterator<Item = &'a str>,
        need: usize,
    ) -> Result<Self, NotProven> {
        let keys = keys.into_iter().map(Witness::from_vkey).collect::<Result<Vec<_>, _>>();
        self.witnesses = keys.map_err(|error| no(format!("a witness's key: {error}")))?;
        self.need = need;
        ensure(need <= self.witnesses.len(), "fewer witnesses are trusted than are needed")?;
        Ok(self)
    }
}

/// The receipt does not hold, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the receipt does not hold: {0}")]
pub struct NotProven(pub String);

/// A receipt as it is written. A member of another name makes it another format.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Receipt {
    format: String,
    what: What,
    proof: Proof,
    /// What the platform says about cosignatures, which are counted anew.
    #[serde(rename = "cosigned", default)]
    _cosigned: Option<Value>,
    evidence: Option<DeviceEvidence>,
    /// Names and words, which prove nothing and are not looked at.
    #[serde(rename = "described")]
    _described: Value,
    /// The same words in every receipt.
    #[serde(rename = "proves")]
    _proves: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct What {
    transaction_id: String,
    subject: String,
    kind: String,
    wallet_id: String,
    direction: String,
    amount: Money,
    balance: Money,
    debit_account: String,
    credit_account: String,
    at: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Money {
    amount: i64,
    currency: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    algorithm: String,
    log: String,
    key_id: String,
    record: String,
    leaf_index: u64,
    tree_size: u64,
    path: Vec<String>,
    checkpoint: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceEvidence {
    text: String,
    public_key: String,
    signature: String,
}

/// Checks `receipt` against the ledger's verifier key (`verifier_key` of `/v1/public/keys`, obtained
/// once over a way you trust): the checkpoint's signature, the path from the record to its root, that
/// the receipt's words say what the record says, and what the payer's device signed where it is there.
///
/// # Errors
/// [`NotProven`], with the first fault.
pub fn verify(receipt: &Value, verifier_key: &str) -> Result<Proven, NotProven> {
    verify_with(receipt, &Trust::in_ledger(verifier_key)?)
}

/// Checks `receipt` as [`verify`] does, and that enough of the trusted witnesses cosigned its checkpoint.
///
/// # Errors
/// [`NotProven`], with the first fault.
pub fn verify_with(receipt: &Value, trust: &Trust) -> Result<Proven, NotProven> {
    let receipt: Receipt =
        Receipt::deserialize(receipt).map_err(|error| no(format!("it is not of the format: {error}")))?;
    ensure(receipt.format == FORMAT, "its format is another")?;
    ensure(receipt.proof.algorithm == trust.ledger.algorithm(), "its algorithm is another")?;
    let (record, cosigned) = included(&receipt.proof, trust)?;
    record.compare(&receipt.what)?;
    if let Some(evidence) = &receipt.evidence {
        record.signed_for(evidence, &receipt.what)?;
    }
    Ok(Proven {
        kind: receipt.what.kind,
        amount: record.amount,
        debit: digits(record.debit),
        credit: digits(record.credit),
        time: record.time,
        index: record.seq,
        tree_size: receipt.proof.tree_size,
        signed_by_device: receipt.evidence.is_some(),
        cosigned,
    })
}

/// The record, once it is known to be in the ledger's log, and who cosigned that.
fn included(proof: &Proof, trust: &Trust) -> Result<(Record, Vec<Cosignature>), NotProven> {
    let ledger = &trust.ledger;
    ensure(proof.log == ledger.name(), "it is about another log")?;
    ensure(proof.key_id == hex(&ledger.key_id()), "`key_id` is not the ledger's")?;
    let (checkpoint, cosigned) = cosign::open(&proof.checkpoint, ledger, &trust.witnesses, trust.need)
        .map_err(|error| no(format!("the checkpoint: {error}")))?;
    ensure(proof.tree_size == checkpoint.size, "`tree_size` is not what the checkpoint says")?;
    let bytes: [u8; RECORD_LEN] = decode("the record", &proof.record)?;
    let path: Vec<[u8; 32]> =
        proof.path.iter().map(|hash| decode("the path", hash)).collect::<Result<_, _>>()?;
    let hash = ledger.tree_hash();
    let leaf = proof::leaf_hash(hash, &bytes);
    proof::verify_inclusion(hash, &leaf, proof.leaf_index, checkpoint.size, &path, &checkpoint.root)
        .map_err(|error| no(format!("the path: {error}")))?;
    let record = Record::read(&bytes);
    ensure(record.seq == proof.leaf_index, "the record's number is not its place in the log")?;
    ensure(MOVES.contains(&record.operation), "the record moved no money")?;
    Ok((record, cosigned))
}

/// The fields of a transfer record, little endian.
struct Record {
    seq: u64,
    time: u64,
    operation: u8,
    id: u128,
    debit: u128,
    credit: u128,
    amount: u64,
    debit_balance: i64,
    credit_balance: i64,
    link: [u8; 24],
    kind: u16,
}

impl Record {
    fn read(bytes: &[u8; RECORD_LEN]) -> Self {
        Self {
            seq: u64::from_le_bytes(at(bytes, 0)),
            time: u64::from_le_bytes(at(bytes, 8)),
            operation: bytes[16],
            id: u128::from_le_bytes(at(bytes, 17)),
            debit: u128::from_le_bytes(at(bytes, 33)),
            credit: u128::from_le_bytes(at(bytes, 49)),
            amount: u64::from_le_bytes(at(bytes, 65)),
            debit_balance: i64::from_le_bytes(at(bytes, 73)),
            credit_balance: i64::from_le_bytes(at(bytes, 81)),
            link: at(bytes, 89),
            kind: u16::from_le_bytes(at(bytes, 113)),
        }
    }

    /// Whether the receipt's words are the record's.
    fn compare(&self, what: &What) -> Result<(), NotProven> {
        let (own, balance) = match what.direction.as_str() {
            "out" => (self.debit, self.debit_balance),
            "in" => (self.credit, self.credit_balance),
            _ => return Err(no("`direction` is neither in nor out")),
        };
        let (_, kind, prefix) = KINDS
            .iter()
            .find(|(number, ..)| *number == self.kind)
            .ok_or_else(|| no("the record's kind is unknown"))?;
        let thing = digits(self.id & THING);
        let checks = [
            ("transaction_id", what.transaction_id == format!("txn_{thing}")),
            ("subject", what.subject == format!("{prefix}_{thing}")),
            ("kind", what.kind == *kind),
            ("debit_account", what.debit_account == digits(self.debit)),
            ("credit_account", what.credit_account == digits(self.credit)),
            ("wallet_id", what.wallet_id == format!("wal_{}", digits(own))),
            ("amount", what.amount.currency == "CNY" && u64::try_from(what.amount.amount) == Ok(self.amount)),
            ("balance", what.balance.currency == "CNY" && what.balance.amount == balance),
            ("at", milliseconds(&what.at) == i64::try_from(self.time / 1_000_000).ok()),
        ];
        match checks.iter().find(|(_, same)| !same) {
            None => Ok(()),
            Some((field, _)) => Err(no(format!("`{field}` is not what the record says"))),
        }
    }

    /// Whether the device's signature is good and the one that the record holds the digest of.
    fn signed_for(&self, evidence: &DeviceEvidence, what: &What) -> Result<(), NotProven> {
        let fault = |why: &str| no(format!("the device's evidence: {why}"));
        let spki = STANDARD.decode(&evidence.public_key).map_err(|_| fault("its key is not base64"))?;
        let key = PublicKey::from_spki_der(&spki).map_err(|error| fault(&error.to_string()))?;
        let signature =
            STANDARD.decode(&evidence.signature).map_err(|_| fault("its signature is not base64"))?;
        key.verify(evidence.text.as_bytes(), &signature)
            .map_err(|_| fault("the signature does not fit the text"))?;
        let parts: [&[u8]; 5] = [evidence.text.as_bytes(), &[0], key.id().as_bytes(), &[0], &signature];
        let digest = HashAlgorithm::Sha256.digest_parts(&parts);
        if digest[..24] != self.link {
            return Err(fault("the record holds another digest"));
        }
        let lines = [format!("amount:{} CNY", self.amount), format!("wallet:{}", what.wallet_id)];
        let says = |line: &String| evidence.text.lines().any(|said| said == line);
        if what.direction == "out" && lines.iter().all(says) {
            Ok(())
        } else {
            Err(fault("the text is about another amount or wallet"))
        }
    }
}

fn no(why: impl Into<String>) -> NotProven {
    NotProven(why.into())
}

fn ensure(holds: bool, otherwise: &str) -> Result<(), NotProven> {
    if holds { Ok(()) } else { Err(no(otherwise)) }
}

/// `N` bytes of a record.
fn at<const N: usize>(bytes: &[u8; RECORD_LEN], from: usize) -> [u8; N] {
    std::array::from_fn(|n| bytes[from + n])
}

fn milliseconds(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

fn digits(number: u128) -> String {
    (0..26).rev().map(|place| DIGITS[(number >> (5 * place) & 31) as usize] as char).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn decode<const N: usize>(what: &str, text: &str) -> Result<[u8; N], NotProven> {
    let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| no(format!("{what} is not {N} bytes in base64")))
}
