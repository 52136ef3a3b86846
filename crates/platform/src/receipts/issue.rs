//! Making receipts for the two parties of a movement.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::PublicKey;
use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::note::NoteVerifier;
use jialing_ledger::{Body, RECORD_LEN, Record};

use super::{
    CosignaturesAsk, Cosigned, Described, DeviceEvidence, FORMAT, Proof, Proves, Receipt, ReceiptAsk, What,
};
use crate::history::{self, Direction, Movement};
use crate::id::{MerchantId, TransactionId, WalletId, digits};
use crate::kind::Kind;
use crate::sessions::Actor;
use crate::{App, Code, Problem, Result, devices, merchants, transfers, wallets};

/// The actor's receipt of a transaction of one of the actor's wallets.
///
/// # Errors
/// `not_found` unless the actor paid or was paid; any fault of the database or the ledger.
pub async fn of_person(
    app: &App,
    actor: &Actor,
    transaction: TransactionId,
    ask: &ReceiptAsk,
) -> Result<Receipt> {
    // Of a transfer between two wallets of the same person, the side that paid comes first.
    for movement in history::of_transaction(app, transaction).await? {
        if ask.movement.as_ref().is_some_and(|asked| *asked != movement.id) {
            continue;
        }
        match wallets::of(app, actor.person, movement.wallet_id).await {
            Ok(_) => {
                let mut receipt = issue(app, movement, ask.cosignatures).await?;
                receipt.evidence = evidence(app, actor, &receipt).await?;
                return Ok(receipt);
            }
            Err(problem) if problem.code == Code::NotFound => {}
            Err(problem) => return Err(problem),
        }
    }
    Err(Problem::new(Code::NotFound))
}

/// The merchant's receipt of a transaction of its wallet.
///
/// # Errors
/// `not_found` unless the merchant paid or was paid; any fault of the database or the ledger.
pub async fn of_merchant(
    app: &App,
    merchant: MerchantId,
    transaction: TransactionId,
    ask: &CosignaturesAsk,
) -> Result<Receipt> {
    let wallet: Option<WalletId> = merchants::get(app, merchant).await?.wallet_id;
    let movement = history::of_transaction(app, transaction)
        .await?
        .into_iter()
        .find(|movement| Some(movement.wallet_id) == wallet);
    issue(app, movement.ok_or(Problem::new(Code::NotFound))?, ask.cosignatures).await
}

/// The receipt of a transaction without names, from the side that was paid where there is one: for
/// pages that show a demonstration city to anyone.
///
/// # Errors
/// `not_found` for a transaction that no wallet's history has.
pub async fn without_names(app: &App, transaction: TransactionId) -> Result<Receipt> {
    let mut movements = history::of_transaction(app, transaction).await?;
    movements.sort_by_key(|movement| movement.direction == Direction::Out);
    let movement = movements.into_iter().next().ok_or(Problem::new(Code::NotFound))?;
    let mut receipt = issue(app, movement, Some(0)).await?;
    receipt.described = Described { counterparty: None, counterparty_en: None, memo: None };
    Ok(receipt)
}

async fn issue(app: &App, mut movement: Movement, cosignatures: Option<u8>) -> Result<Receipt> {
    let seq: u64 = movement.id.parse().map_err(Problem::internal)?;
    let (proof, cosigned) = prove(app, seq, cosignatures).await?;
    let (debit_account, credit_account) = accounts(&proof)?;
    history::add_memos(app, std::slice::from_mut(&mut movement)).await?;
    Ok(Receipt {
        format: FORMAT.to_owned(),
        what: What {
            transaction_id: movement.transaction_id,
            subject: movement.subject,
            kind: movement.kind,
            wallet_id: movement.wallet_id,
            direction: movement.direction,
            amount: movement.amount,
            balance: movement.balance,
            debit_account,
            credit_account,
            at: movement.at,
        },
        proof,
        cosigned,
        evidence: None,
        described: Described {
            counterparty: movement.counterparty.name,
            counterparty_en: movement.counterparty.name_en,
            memo: movement.memo,
        },
        proves: Proves::words(),
    })
}

/// The proof that record `seq` is in the log, under a checkpoint with as many cosignatures as are asked
/// for, or as came in time.
pub(crate) async fn prove(
    app: &App,
    seq: u64,
    cosignatures: Option<u8>,
) -> Result<(Proof, Option<Cosigned>)> {
    let witnesses = app.witnesses.all().len();
    let need = cosignatures.map_or(app.witnesses.policy().quorum, usize::from);
    let cosigned = app.witnesses.covering(app, seq, need).await;
    let proven = app.engine.receipt(seq).await.map_err(Problem::internal)?;
    let (note, size, has) = match cosigned {
        Some(cosigned) => (cosigned.note, cosigned.size, cosigned.cosigned),
        None => (proven.checkpoint.note, proven.checkpoint.size, 0),
    };
    let path = if size == proven.checkpoint.size {
        proven.path
    } else {
        app.engine.inclusion(seq, size).await.map_err(Problem::internal)?
    };
    let log = NoteVerifier::from_vkey(&app.engine.verifier_key()).map_err(Problem::internal)?;
    let proof = Proof {
        algorithm: log.algorithm().to_owned(),
        log: log.name().to_owned(),
        key_id: key_id(&log),
        record: STANDARD.encode(proven.record),
        leaf_index: seq,
        tree_size: size,
        path: path.iter().map(|hash| STANDARD.encode(hash)).collect(),
        checkpoint: note,
    };
    let small = |count: usize| u8::try_from(count).unwrap_or(u8::MAX);
    let cosigned =
        (witnesses > 0).then(|| Cosigned { has: small(has), need: small(need), of: small(witnesses) });
    Ok((proof, cosigned))
}

/// The debited and credited accounts of a proof's record, as digits.
fn accounts(proof: &Proof) -> Result<(String, String)> {
    match record(proof).map(|record| record.body) {
        Some(Body::Transfer(transfer)) => Ok((digits(transfer.debit), digits(transfer.credit))),
        _ => Err(Problem::internal("a movement's record is no transfer")),
    }
}

/// The record in a proof.
fn record(proof: &Proof) -> Option<Record> {
    let bytes: [u8; RECORD_LEN] = STANDARD.decode(&proof.record).ok()?.try_into().ok()?;
    Record::decode(&bytes).ok()
}

/// The id of the log's key in signed notes, hexadecimal.
pub(super) fn key_id(log: &NoteVerifier) -> String {
    log.key_id().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the actor's device signed for the money that left: the statement whose digest is in the
/// record.
async fn evidence(app: &App, actor: &Actor, receipt: &Receipt) -> Result<Option<DeviceEvidence>> {
    if receipt.what.direction != Direction::Out {
        return Ok(None);
    }
    let subject = match receipt.what.kind {
        // A transfer is signed under the payer's own number, before it has an id.
        Kind::Transfer => transfers::get(app, actor, &receipt.what.subject).await?.out_transfer_no,
        _ => receipt.what.subject.clone(),
    };
    let statements = devices::evidence_of(app, &subject).await?;
    Ok(statements
        .into_iter()
        .map(|statement| DeviceEvidence {
            text: statement.text,
            public_key: statement.public_key,
            signature: statement.signature,
        })
        .find(|evidence| evidence.digest().is_some_and(|digest| record_link(receipt) == Some(digest))))
}

fn record_link(receipt: &Receipt) -> Option<[u8; 24]> {
    match record(&receipt.proof)?.body {
        Body::Transfer(transfer) => Some(transfer.link),
        _ => None,
    }
}

impl DeviceEvidence {
    /// The digest that the ledger's record carries: the first 24 bytes of SHA-256 over the text, a
    /// zero byte, the key's id, a zero byte and the signature. `None` if a part cannot be read.
    #[must_use]
    pub fn digest(&self) -> Option<[u8; 24]> {
        let key = PublicKey::from_spki_der(&STANDARD.decode(&self.public_key).ok()?).ok()?;
        let signature = STANDARD.decode(&self.signature).ok()?;
        let whole = HashAlgorithm::Sha256.digest_parts(&[
            self.text.as_bytes(),
            &[0],
            key.id().as_bytes(),
            &[0],
            &signature,
        ]);
        whole[..24].try_into().ok()
    }
}
