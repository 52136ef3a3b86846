//! Checking a receipt with nothing but the ledger's public key.

use std::fmt::Display;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::cosign::{self, Cosignature, Witness};
use jialing_crypto::hash::Digest;
use jialing_crypto::note::{NoteError, NoteVerifier};
use jialing_crypto::{PublicKey, proof};
use jialing_ledger::{Body, RECORD_LEN, Record, Transfer};

use super::{DeviceEvidence, FORMAT, Proves, Receipt, issue::key_id};
use crate::Money;
use crate::clock::rfc3339;
use crate::history::{Direction, subject_prefix};
use crate::id::digits;
use crate::kind::Kind;
use crate::wallets::legs::thing;

/// A receipt that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    /// The receipt.
    pub receipt: Receipt,
    /// The record that its bytes say.
    pub record: Record,
    /// The root that the record is under.
    pub root: Digest,
    /// The trusted witnesses that cosigned the checkpoint.
    pub cosignatures: Vec<Cosignature>,
}

/// What a receipt is checked against: keys that the checker has from somewhere it trusts.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The ledger's log.
    pub log: NoteVerifier,
    /// Witnesses.
    pub witnesses: Vec<Witness>,
    /// How many of them must have cosigned.
    pub need: usize,
}

impl Trust {
    /// Trust in the ledger whose verifier key this is, without witnesses.
    ///
    /// # Errors
    /// [`NoteError::BadKey`].
    pub fn in_ledger(verifier_key: &str) -> Result<Self, NoteError> {
        Ok(Self { log: NoteVerifier::from_vkey(verifier_key)?, witnesses: Vec::new(), need: 0 })
    }
}

/// Why a receipt does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not a receipt of this format.
    #[error("this is not a receipt: {0}")]
    Unreadable(String),
    /// The checkpoint is not signed by the ledger's key.
    #[error("the checkpoint is not one of this ledger: {0}")]
    Checkpoint(String),
    /// Fewer trusted witnesses cosigned than are needed.
    #[error("{0}")]
    Witnesses(String),
    /// The record is not under the checkpoint's root.
    #[error("the record is not in the log where the receipt says: {0}")]
    Path(String),
    /// A field says something else than the record.
    #[error("`{field}` says {says}, but the record says {record}")]
    Differs {
        /// The field.
        field: &'static str,
        /// What the receipt says.
        says: String,
        /// What the record says.
        record: String,
    },
    /// What the device signed is not what the record holds the digest of.
    #[error("the device's evidence does not belong to this record: {0}")]
    Evidence(String),
}

/// Checks the receipt `json` against the keys in `trust`: the signature of the checkpoint, its
/// cosignatures, the path from the record to its root, every field of `what` against the record, and
/// the device's evidence where there is some.
///
/// # Errors
/// [`Fault`], the first that was found.
pub fn verify(json: &str, trust: &Trust) -> Result<Verified, Fault> {
    let receipt: Receipt =
        serde_json::from_str(json).map_err(|error| Fault::Unreadable(error.to_string()))?;
    same("format", &receipt.format, FORMAT)?;
    same("proof.algorithm", &receipt.proof.algorithm, trust.log.algorithm())?;
    if receipt.proves != Proves::words() {
        return Err(Fault::Unreadable("`proves` is not the text of this format".to_owned()));
    }
    let (root, cosignatures) = included(&receipt, trust)?;
    let bytes: [u8; RECORD_LEN] = decode("proof.record", &receipt.proof.record)?;
    let record = Record::decode(&bytes).map_err(|bad| Fault::Unreadable(bad.to_string()))?;
    same("proof.leaf_index", &receipt.proof.leaf_index, &record.seq)?;
    let Body::Transfer(transfer) = &record.body else {
        return Err(Fault::Unreadable("the record is no transfer".to_owned()));
    };
    says(&receipt, &record, transfer)?;
    if let Some(evidence) = &receipt.evidence {
        signed(evidence, &receipt, transfer)?;
    }
    Ok(Verified { record, root, cosignatures, receipt })
}

/// The root that a checkpoint of the ledger signs and that the record is under, and who cosigned it.
fn included(receipt: &Receipt, trust: &Trust) -> Result<(Digest, Vec<Cosignature>), Fault> {
    let (proof, log) = (&receipt.proof, &trust.log);
    same("proof.log", proof.log.as_str(), log.name())?;
    same("proof.key_id", &proof.key_id, &key_id(log))?;
    let opened = cosign::open(&proof.checkpoint, log, &trust.witnesses, trust.need);
    let (checkpoint, cosignatures) = opened.map_err(|error| match error {
        NoteError::TooFewCosignatures { .. } => Fault::Witnesses(error.to_string()),
        error => Fault::Checkpoint(error.to_string()),
    })?;
    same("proof.tree_size", &proof.tree_size, &checkpoint.size)?;
    let path =
        proof.path.iter().map(|hash| decode::<32>("proof.path", hash)).collect::<Result<Vec<_>, _>>()?;
    let record: [u8; RECORD_LEN] = decode("proof.record", &proof.record)?;
    let hash = log.tree_hash();
    let leaf = proof::leaf_hash(hash, &record);
    proof::verify_inclusion(hash, &leaf, proof.leaf_index, checkpoint.size, &path, &checkpoint.root)
        .map_err(|error| Fault::Path(error.to_string()))?;
    Ok((checkpoint.root, cosignatures))
}

/// Compares every field of `what` with the record.
fn says(receipt: &Receipt, record: &Record, transfer: &Transfer) -> Result<(), Fault> {
    let what = &receipt.what;
    let number = thing(transfer.id);
    let kind = Kind::from_number(transfer.kind)
        .ok_or_else(|| Fault::Unreadable(format!("no kind has the number {}", transfer.kind)))?;
    if !transfer.op.moves() {
        return Err(Fault::Unreadable("the record moved no money".to_owned()));
    }
    let (own, balance) = match what.direction {
        Direction::Out => (transfer.debit, transfer.debit_balance),
        Direction::In => (transfer.credit, transfer.credit_balance),
    };
    same("what.transaction_id", &what.transaction_id.number(), &number)?;
    same("what.kind", what.kind.name(), kind.name())?;
    same("what.subject", what.subject.as_str(), &format!("{}_{}", subject_prefix(kind), digits(number)))?;
    same("what.debit_account", what.debit_account.as_str(), &digits(transfer.debit))?;
    same("what.credit_account", what.credit_account.as_str(), &digits(transfer.credit))?;
    same("what.wallet_id", digits(what.wallet_id.number()).as_str(), &digits(own))?;
    same("what.amount", &fen(what.amount), &i128::from(transfer.amount))?;
    same("what.balance", &fen(what.balance), &i128::from(balance))?;
    same("what.at", what.at.as_str(), &rfc3339((record.time / 1_000_000) as i64))
}

const fn fen(money: Money) -> i128 {
    money.amount as i128
}

/// Checks the device's signature and that the record holds its digest.
fn signed(evidence: &DeviceEvidence, receipt: &Receipt, transfer: &Transfer) -> Result<(), Fault> {
    let bad = |what: &str| Fault::Evidence(what.to_owned());
    let spki = STANDARD.decode(&evidence.public_key).map_err(|_| bad("the key is not base64"))?;
    let key = PublicKey::from_spki_der(&spki).map_err(|error| Fault::Evidence(error.to_string()))?;
    let signature = STANDARD.decode(&evidence.signature).map_err(|_| bad("the signature is not base64"))?;
    key.verify(evidence.text.as_bytes(), &signature)
        .map_err(|_| bad("the signature does not fit the text"))?;
    if evidence.digest() != Some(transfer.link) {
        return Err(bad("the record holds another digest"));
    }
    let amount = format!("\namount:{} {:?}\n", receipt.what.amount.amount, receipt.what.amount.currency);
    let wallet = format!("\nwallet:{}\n", receipt.what.wallet_id);
    if receipt.what.direction != Direction::Out
        || !evidence.text.contains(&amount)
        || !evidence.text.contains(&wallet)
    {
        return Err(bad("the text is about another amount or wallet"));
    }
    Ok(())
}

fn same<T: PartialEq<U> + Display + ?Sized, U: Display + ?Sized>(
    field: &'static str,
    says: &T,
    record: &U,
) -> Result<(), Fault> {
    if says == record {
        Ok(())
    } else {
        Err(Fault::Differs { field, says: says.to_string(), record: record.to_string() })
    }
}

fn decode<const N: usize>(field: &'static str, text: &str) -> Result<[u8; N], Fault> {
    let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| Fault::Unreadable(format!("`{field}` is not {N} bytes in base64")))
}
