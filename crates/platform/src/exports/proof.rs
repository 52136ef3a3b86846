//! What binds a file to the ledger, and how to check it with nothing but the ledger's key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::cosign;
use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::proof;
use jialing_ledger::{Body, RECORD_LEN, Record};
use serde::{Deserialize, Serialize};

use super::store::Row;
use super::{NOTE_KIND, State};
use crate::clock::rfc3339;
use crate::history::Range;
use crate::id::ExportId;
use crate::receipts::{self, Trust};
use crate::{App, Problem, Result};

/// The format's name and version.
pub const PROOF_FORMAT: &str = "jialing-export-proof/1";
/// The first line of a manifest.
const MANIFEST: &str = "jialing-export/1";

/// What binds a file to the ledger. Save it beside the file: `jialing verify export` checks the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExportProof)]
pub struct Proof {
    /// `jialing-export-proof/1`.
    #[schema(example = "jialing-export-proof/1")]
    pub format: String,
    /// What the file is, line by line: its account, range, lines, balances, size and SHA-256. The ledger
    /// holds the SHA-256 of this text.
    pub manifest: String,
    /// That the ledger holds it: a record of its log under a signed checkpoint, as in a receipt.
    pub proof: receipts::Proof,
}

/// Why a file is not what its proof says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not a proof of this format.
    #[error("this is not an export's proof: {0}")]
    Unreadable(String),
    /// The file is another, or was changed.
    #[error("the file is not the one that was made: its SHA-256 is {found}, the manifest says {said}")]
    File {
        /// The file's.
        found: String,
        /// The manifest's.
        said: String,
    },
    /// The record in the log is about something else.
    #[error("the ledger's record is not about this manifest: {0}")]
    Record(String),
    /// The checkpoint is not signed by the ledger's key, or by too few witnesses.
    #[error("the checkpoint is not one of this ledger: {0}")]
    Checkpoint(String),
    /// The record is not under the checkpoint's root.
    #[error("the record is not in the log where the proof says: {0}")]
    Path(String),
}

/// A proof that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The manifest's lines as names and values.
    pub manifest: Vec<(String, String)>,
    /// The place of the record in the log.
    pub record: u64,
    /// When the ledger took note, RFC 3339.
    pub at: String,
    /// Records that the checkpoint covers.
    pub tree_size: u64,
}

/// The text that is noted in the ledger of a file of `bytes` bytes.
pub(super) fn manifest(row: &Row, bytes: u64, sha256: &str, sm3: &str) -> String {
    let range = Range { from: row.from_at, to: row.to_at };
    format!(
        "{MANIFEST}\nexport {}\naccount {}\nformat {}\nfrom {}\nto {}\nfirst_record {}\nend_record {}\nlines {}\nopening {}\nclosing {}\n\
         bytes {bytes}\nsha256 {sha256}\nsm3 {sm3}\ncontent {}\n",
        row.id,
        row.shown,
        row.format,
        range.from_text(),
        range.to_text(),
        row.first_seq,
        row.end_seq,
        row.row_count,
        row.opening,
        row.closing,
        row.content,
    )
}

/// The proof of an export that is ready.
pub(super) async fn of(app: &App, row: &Row) -> Result<Option<Proof>> {
    let (State::Ready, Some(manifest), Some(seq)) = (row.state, row.manifest.clone(), row.note_seq) else {
        return Ok(None);
    };
    let seq = u64::try_from(seq).map_err(Problem::internal)?;
    let (proof, _) = receipts::prove(app, seq, None).await?;
    Ok(Some(Proof { format: PROOF_FORMAT.to_owned(), manifest, proof }))
}

/// Checks that a file with the hash `sha256` is the one that the proof `json` is about, and that the
/// ledger took note of it, against the keys in `trust`.
///
/// # Errors
/// [`Fault`], the first that was found.
pub fn check(json: &str, sha256: &[u8; 32], trust: &Trust) -> Result<Checked, Fault> {
    let unreadable = |what: &str| Fault::Unreadable(what.to_owned());
    let proof: Proof = serde_json::from_str(json).map_err(|error| Fault::Unreadable(error.to_string()))?;
    if proof.format != PROOF_FORMAT {
        return Err(Fault::Unreadable(format!("its format is {:?}", proof.format)));
    }
    let text = proof.manifest.strip_prefix(MANIFEST).and_then(|text| text.strip_prefix('\n'));
    let text = text.ok_or_else(|| unreadable("the manifest begins with something else"))?;
    let lines =
        text.lines().map(|line| line.split_once(' ').map(|(name, value)| (name.into(), value.into())));
    let manifest: Vec<(String, String)> =
        lines.collect::<Option<_>>().ok_or_else(|| unreadable("a line of the manifest has no value"))?;
    let line = |wanted: &str| {
        let found = manifest.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
        found.ok_or_else(|| Fault::Unreadable(format!("the manifest does not say `{wanted}`")))
    };
    let (found, said) = (hex(sha256), line("sha256")?);
    if found != said {
        return Err(Fault::File { found, said });
    }
    let id: ExportId = line("export")?.parse().map_err(|_| unreadable("the manifest names no export"))?;
    let record = noted(&proof, id)?;
    let tree_size = included(&proof.proof, trust)?;
    let at = rfc3339((record.time / 1_000_000) as i64);
    Ok(Checked { manifest, record: record.seq, at, tree_size })
}

/// The record, which must be a note of this manifest.
fn noted(proof: &Proof, id: ExportId) -> Result<Record, Fault> {
    let about = |what: &str| Fault::Record(what.to_owned());
    let bytes: [u8; RECORD_LEN] = decode(&proof.proof.record)?;
    let record = Record::decode(&bytes).map_err(|bad| Fault::Unreadable(bad.to_string()))?;
    let Body::Note { kind: NOTE_KIND, id: noted, digest } = record.body else {
        return Err(about("it is not the note of an export"));
    };
    if noted != id.number() {
        return Err(about("it is the note of another export"));
    }
    if digest != HashAlgorithm::Sha256.digest(proof.manifest.as_bytes()) {
        return Err(about("it holds the hash of another text"));
    }
    if proof.proof.leaf_index != record.seq {
        return Err(about("it has another place in the log"));
    }
    Ok(record)
}

/// Records that the checkpoint covers, which is signed by the ledger and has the record below it.
fn included(proof: &receipts::Proof, trust: &Trust) -> Result<u64, Fault> {
    let opened = cosign::open(&proof.checkpoint, &trust.log, &trust.witnesses, trust.need);
    let (checkpoint, _) = opened.map_err(|error| Fault::Checkpoint(error.to_string()))?;
    let record: [u8; RECORD_LEN] = decode(&proof.record)?;
    let path = proof.path.iter().map(|hash| decode::<32>(hash)).collect::<Result<Vec<_>, _>>()?;
    let hash = trust.log.tree_hash();
    let leaf = proof::leaf_hash(hash, &record);
    proof::verify_inclusion(hash, &leaf, proof.leaf_index, checkpoint.size, &path, &checkpoint.root)
        .map_err(|error| Fault::Path(error.to_string()))?;
    Ok(checkpoint.size)
}

fn decode<const N: usize>(text: &str) -> Result<[u8; N], Fault> {
    let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| Fault::Unreadable(format!("a part of the proof is not {N} bytes in base64")))
}

/// Hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
