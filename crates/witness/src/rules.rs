//! What a request to cosign says, and what follows from it.
//!
//! Everything here is a pure function of the request and of what was cosigned last. The refusals and
//! their order are those of C2SP `tlog-witness`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::hash::Digest;
use jialing_crypto::note::{Checkpoint, NoteError, NoteVerifier, SignedNote};
use jialing_crypto::proof;

/// The most hashes a consistency proof may have.
pub const MAX_PROOF: usize = 63;

/// The longest request in bytes: a note of 64 KiB, the proof, and the line before it.
pub const MAX_REQUEST: usize = 68 * 1024;

/// A request to cosign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The size that the proof begins at.
    pub old: u64,
    /// The consistency proof from there.
    pub proof: Vec<Digest>,
    /// The checkpoint, as it came.
    pub note: String,
}

/// What was cosigned last for a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Records covered.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
}

/// Why a checkpoint is not cosigned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request is not of the form.
    #[error("the request is malformed: {0}")]
    Malformed(&'static str),
    /// No log of this origin is witnessed here.
    #[error("no log of this origin is witnessed here")]
    UnknownLog,
    /// No trusted key of the log signed the checkpoint.
    #[error("the checkpoint is not signed by the log's key")]
    NotSigned,
    /// The proof would begin above the checkpoint.
    #[error("the old size {old} is above the checkpoint's size {size}")]
    Backwards {
        /// Where the proof begins.
        old: u64,
        /// The checkpoint's size.
        size: u64,
    },
    /// The proof begins elsewhere than at what was cosigned last.
    #[error("the checkpoint cosigned last has {latest} records{}", if *.rollback { ", more than this one: the log went back" } else { "" })]
    OtherSize {
        /// The size cosigned last.
        latest: u64,
        /// Whether the checkpoint is smaller than that: an old one again, or a log that was cut.
        rollback: bool,
    },
    /// The checkpoint has the size that was cosigned last, and another root.
    #[error("a fork: another root was cosigned for the same {size} records")]
    Fork {
        /// The size of both.
        size: u64,
    },
    /// The proof does not lead from what was cosigned last to this checkpoint.
    #[error("the proof does not show that the log only grew: {0}")]
    NotConsistent(String),
    /// What is to be remembered could not be written; nothing was cosigned.
    #[error("the witness cannot keep its state and cosigns nothing: {0}")]
    Storage(String),
}

impl Refusal {
    /// Whether a trusted key signed what is refused, so that the request itself is evidence.
    #[must_use]
    pub fn is_evidence(&self) -> bool {
        matches!(self, Self::Fork { .. } | Self::NotConsistent(_))
    }
}

impl Ask {
    /// Reads a request's body: the old size, the proof, an empty line, the note.
    ///
    /// # Errors
    /// [`Refusal::Malformed`].
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        const BAD_LINE: Refusal = Refusal::Malformed("a line of the proof is not a hash in base64");
        let body = std::str::from_utf8(body).map_err(|_| Refusal::Malformed("it is not UTF-8"))?;
        let (head, note) =
            body.split_once("\n\n").ok_or(Refusal::Malformed("no empty line before the checkpoint"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(decimal);
        let old = old.ok_or(Refusal::Malformed("the first line is not `old` and a size"))?;
        let mut hashes = Vec::new();
        for line in lines {
            if hashes.len() == MAX_PROOF {
                return Err(Refusal::Malformed("the proof has more than 63 hashes"));
            }
            let hash = STANDARD.decode(line).ok().and_then(|hash| hash.try_into().ok());
            hashes.push(hash.ok_or(BAD_LINE)?);
        }
        Ok(Self { old, proof: hashes, note: note.to_owned() })
    }

    /// The body that says this.
    #[must_use]
    pub fn to_body(&self) -> String {
        let hashes: String = self.proof.iter().map(|hash| STANDARD.encode(hash) + "\n").collect();
        format!("old {}\n{hashes}\n{}", self.old, self.note)
    }

    /// The note's checkpoint, unverified: to find out which log it says to be of.
    ///
    /// # Errors
    /// [`Refusal::Malformed`].
    pub fn claimed(&self) -> Result<Checkpoint, Refusal> {
        let malformed = |_: NoteError| Refusal::Malformed("there is no signed checkpoint");
        let note = SignedNote::parse(&self.note).map_err(malformed)?;
        Checkpoint::parse(note.unverified_text()).map_err(malformed)
    }
}

/// A number without sign or leading zero.
fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

/// Whether the checkpoint that `ask` brings may be cosigned by a witness that cosigned `seen` last.
///
/// # Errors
/// [`Refusal`], the first that the specification names.
pub fn decide(ask: &Ask, log: &NoteVerifier, seen: Option<Seen>) -> Result<Checkpoint, Refusal> {
    let checkpoint =
        Checkpoint::open(&ask.note, log.name(), std::slice::from_ref(log)).map_err(|_| Refusal::NotSigned)?;
    let size = checkpoint.size;
    if ask.old > size {
        return Err(Refusal::Backwards { old: ask.old, size });
    }
    let latest = seen.map_or(0, |seen| seen.size);
    if ask.old != latest {
        return Err(Refusal::OtherSize { latest, rollback: size < latest });
    }
    let hash = log.tree_hash();
    if let Some(seen) = seen
        && seen.size == size
        && seen.root != checkpoint.root
    {
        return Err(Refusal::Fork { size });
    }
    let old_root = seen.map_or_else(|| proof::empty_root(hash), |seen| seen.root);
    if size == 0 && checkpoint.root != proof::empty_root(hash) {
        return Err(Refusal::NotConsistent("the root of no records is another".to_owned()));
    }
    proof::verify_consistency(hash, ask.old, size, &ask.proof, &old_root, &checkpoint.root)
        .map_err(|error| Refusal::NotConsistent(error.to_string()))?;
    Ok(checkpoint)
}
