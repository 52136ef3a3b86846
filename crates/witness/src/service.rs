//! The witness itself: its key, its logs, and what it cosigned last for each.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use jialing_crypto::cosign::WitnessSigner;
use jialing_crypto::note::{Checkpoint, NoteVerifier, SignedNote, add_line};

use crate::key;
use crate::rules::{self, Ask, Refusal, Seen};
use crate::store::Store;

/// Why a witness does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder, the key or a state cannot be read or made.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// What is kept for a log is not what this witness wrote.
    #[error(
        "what is kept for {origin} cannot be trusted: {why}. Restore the folder from a copy that is not older; a witness that forgets can be shown a fork"
    )]
    BadState {
        /// The log.
        origin: String,
        /// What is wrong with it.
        why: String,
    },
    /// Two logs of one origin.
    #[error("two keys are given for the log {0}")]
    TwoKeys(String),
}

/// A witness. All calls may block on the disk: make them where that is allowed.
#[derive(Debug)]
pub struct Witness {
    signer: WitnessSigner,
    store: Store,
    logs: BTreeMap<String, Log>,
}

#[derive(Debug)]
struct Log {
    key: NoteVerifier,
    /// Held from the look at what was cosigned last until the next one is on disk.
    kept: Mutex<Option<Kept>>,
}

#[derive(Clone, Debug)]
struct Kept {
    seen: Seen,
    /// The checkpoint with the log's signature and our cosignature.
    note: String,
}

impl Witness {
    /// Opens the folder of the witness `name` for these logs, and reads what it cosigned last.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(folder: &Path, name: &str, logs: &[NoteVerifier]) -> Result<Self, OpenError> {
        let io = |what: &str, source| OpenError::Io { what: format!("{what} {}", folder.display()), source };
        let store = Store::open(folder).map_err(|error| io("opening", error))?;
        let signer = key::load_or_make(folder, name).map_err(|error| io("the key in", error))?;
        let mut open = BTreeMap::new();
        for key in logs {
            let kept = kept(&store, key, &signer)?;
            let log = Log { key: key.clone(), kept: Mutex::new(kept) };
            if open.insert(key.name().to_owned(), log).is_some() {
                return Err(OpenError::TwoKeys(key.name().to_owned()));
            }
        }
        Ok(Self { signer, store, logs: open })
    }

    /// The verifier key, `name+hash+key`: what readers trust.
    #[must_use]
    pub fn verifier_key(&self) -> String {
        self.signer.public().to_vkey()
    }

    /// The witnessed logs, with the size cosigned last.
    #[must_use]
    pub fn logs(&self) -> Vec<(NoteVerifier, Option<Seen>)> {
        self.logs.values().map(|log| (log.key.clone(), log.look().map(|kept| kept.seen))).collect()
    }

    /// The newest cosigned checkpoint of a log, with the log's signature and our cosignature.
    #[must_use]
    pub fn checkpoint(&self, origin: &str) -> Option<String> {
        self.logs.get(origin)?.look().map(|kept| kept.note)
    }

    /// Cosigns the checkpoint that a request's body brings, once it is on disk: the signature line.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was cosigned.
    pub fn add(&self, body: &[u8]) -> Result<String, Refusal> {
        let ask = Ask::parse(body)?;
        let origin = ask.claimed()?.origin;
        let log = self.logs.get(&origin).ok_or(Refusal::UnknownLog)?;
        let mut kept = log.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = kept.as_ref().map(|kept| kept.seen);
        let checkpoint = rules::decide(&ask, &log.key, seen).inspect_err(|refusal| {
            self.tell(&origin, refusal, &ask);
        })?;
        let line = self.signer.line(&checkpoint.to_text(), now());
        let next = Seen { size: checkpoint.size, root: checkpoint.root };
        if seen != Some(next) {
            let note = self.note(&ask, log, &line)?;
            self.store.save(&origin, &note).map_err(|error| {
                tracing::error!(origin, %error, "the state cannot be kept; nothing is cosigned");
                Refusal::Storage(error.to_string())
            })?;
            tracing::info!(origin, size = next.size, "cosigned");
            *kept = Some(Kept { seen: next, note });
        }
        Ok(line)
    }

    /// The checkpoint with two signatures: whatever other lines came are left out.
    fn note(&self, ask: &Ask, log: &Log, line: &str) -> Result<String, Refusal> {
        let failed = |error: jialing_crypto::note::NoteError| Refusal::Storage(error.to_string());
        let note = SignedNote::parse(&ask.note).and_then(|note| note.signed_by(&log.key)).map_err(failed)?;
        add_line(&note, line).map_err(failed)
    }

    /// Says what was refused, and keeps what is evidence.
    fn tell(&self, origin: &str, refusal: &Refusal, ask: &Ask) {
        if !refusal.is_evidence() {
            tracing::info!(origin, %refusal, "refused");
            return;
        }
        match self.store.keep_evidence(origin, &ask.to_body()) {
            Ok(new) => {
                tracing::error!(origin, %refusal, new, "the log contradicts itself; the evidence is kept")
            }
            Err(error) => {
                tracing::error!(origin, %refusal, %error, "the log contradicts itself; the evidence cannot be kept")
            }
        }
    }
}

impl Log {
    fn look(&self) -> Option<Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What is kept for a log, checked as if somebody else had written it.
fn kept(store: &Store, key: &NoteVerifier, signer: &WitnessSigner) -> Result<Option<Kept>, OpenError> {
    let origin = key.name();
    let bad = |why: String| OpenError::BadState { origin: origin.to_owned(), why };
    let Some(note) = store.load(origin).map_err(|error| bad(error.to_string()))? else {
        return Ok(None);
    };
    let checkpoint =
        Checkpoint::open(&note, origin, std::slice::from_ref(key)).map_err(|error| bad(error.to_string()))?;
    let ours = SignedNote::parse(&note).and_then(|parsed| signer.public().cosigned(&parsed));
    if ours.map_err(|error| bad(error.to_string()))?.is_none() {
        return Err(bad("it does not carry our cosignature; was the key or the name changed?".to_owned()));
    }
    Ok(Some(Kept { seen: Seen { size: checkpoint.size, root: checkpoint.root }, note }))
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
