//! Receipts: what happened, with the proof that it is in the ledger's log.
//!
//! A receipt is a JSON file with three parts. `what` says in plain fields what the record says;
//! `proof` holds the record's bytes, its place in the tree, the path to the root and the signed
//! checkpoint; `described` adds names and words that the platform vouches for but the log does not
//! hold. For the payer, `evidence` adds what the own device signed, whose digest is in the record.
//! [`verify`] needs the file and the ledger's public key, no network and no trust in the platform.
//! The format is described in `docs/reference/receipt.md` for whoever writes another verifier.

mod issue;
mod verify;

use serde::{Deserialize, Serialize};

use crate::Money;
use crate::history::Direction;
use crate::id::{TransactionId, WalletId};
use crate::kind::Kind;

pub(crate) use issue::prove;
pub use issue::{of_merchant, of_person, without_names};
pub use verify::{Fault, Trust, Verified, verify};

/// The format's name and version.
pub const FORMAT: &str = "jialing-receipt/1";

/// Which receipt of a transaction is asked for.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReceiptAsk {
    /// The id of one movement of the history, where a transaction moved the money of your wallets more
    /// than once: a withdrawal that came back, a transfer between two wallets of yours.
    pub movement: Option<String>,
    /// How many cosignatures of witnesses to wait for, a short time; the operator's quorum by default.
    pub cosignatures: Option<u8>,
}

/// How well a merchant's receipt shall be witnessed.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CosignaturesAsk {
    /// How many cosignatures of witnesses to wait for, a short time; the operator's quorum by default.
    pub cosignatures: Option<u8>,
}

/// A receipt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// `jialing-receipt/1`.
    #[schema(example = "jialing-receipt/1")]
    pub format: String,
    /// What happened, each field proven.
    pub what: What,
    /// The proof.
    pub proof: Proof,
    /// How many witnesses cosigned the checkpoint; absent where the operator has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cosigned: Option<Cosigned>,
    /// What the payer's device signed; only in the payer's receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<DeviceEvidence>,
    /// Names and words; not proven.
    pub described: Described,
    /// What the proof shows, in words.
    pub proves: Proves,
}

/// What happened. Every field is checked against the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct What {
    /// The transaction.
    pub transaction_id: TransactionId,
    /// What it was for.
    pub subject: String,
    /// What it was.
    pub kind: Kind,
    /// The wallet that this receipt is for.
    pub wallet_id: WalletId,
    /// Whether the money left this wallet or arrived in it.
    pub direction: Direction,
    /// How much.
    pub amount: Money,
    /// What the wallet held after it.
    pub balance: Money,
    /// The debited account's number, 26 digits of base 32; for a wallet, the end of its id.
    pub debit_account: String,
    /// The credited account's number.
    pub credit_account: String,
    /// When the ledger decided, RFC 3339 at UTC+8, milliseconds.
    #[schema(format = DateTime)]
    pub at: String,
}

/// The proof that the record is in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReceiptProof)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// `RFC6962-SHA256+ED25519` or `RFC6962-SM3+SM2`, as the ledger's suite is.
    pub algorithm: String,
    /// The log's name, the first line of its checkpoints.
    pub log: String,
    /// The id of the log's key in signed notes: 8 hexadecimal digits.
    pub key_id: String,
    /// The record as logged, base64.
    pub record: String,
    /// Its place in the log, from 0.
    pub leaf_index: u64,
    /// Records that the checkpoint covers.
    pub tree_size: u64,
    /// Hashes from the leaf up to the root, base64.
    pub path: Vec<String>,
    /// The signed checkpoint, a C2SP note, with the cosignatures of witnesses.
    pub checkpoint: String,
}

/// How many witnesses cosigned, as the platform says. A verifier counts those that it trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cosigned {
    /// Cosignatures on the checkpoint.
    pub has: u8,
    /// Cosignatures that the operator's policy, or the request, asks for.
    pub need: u8,
    /// Witnesses that the operator asks.
    pub of: u8,
}

/// What the payer's device signed. Its digest is in the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceEvidence {
    /// What was signed, word for word.
    pub text: String,
    /// The device's public key: SPKI in base64.
    pub public_key: String,
    /// The signature, base64.
    pub signature: String,
}

/// What the platform says about the transaction beyond the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Described {
    /// The other side: a masked or public name, where it may be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counterparty: Option<String>,
    /// The same in English, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counterparty_en: Option<String>,
    /// What it was for, in the words of those who asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memo: Option<String>,
}

/// What the proof shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Proves {
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

impl Proves {
    /// The words of this format.
    #[must_use]
    pub fn words() -> Self {
        Self {
            zh: "本凭证证明:what 中的各项与账本的一条记录完全一致;该记录已写入账本日志,位于 leaf_index;签名检查点覆盖该记录。\
                 日志只能追加,若运营方日后修改或删除该记录,其公布的检查点将无法自洽。described 中的名称与说明由平台提供,不在证明范围内。"
                .to_owned(),
            en: "This receipt proves that every field of `what` is what one record of the ledger says, that this record is in the ledger's \
                 log at `leaf_index`, and that a signed checkpoint covers it. The log only grows: if its keeper changed or removed the record \
                 later, the published checkpoints would contradict each other. The names and words in `described` are the platform's and \
                 are not proven."
                .to_owned(),
        }
    }
}
