//! Cosignatures: what witnesses add to a log's checkpoint (C2SP `tlog-cosignature`, version 1).
//!
//! A log signs its own checkpoints, so it could show one history to one reader and another to the
//! next. A *witness* remembers the newest checkpoint of a log, checks that each later one only adds
//! to it, and signs what it saw with the time. A reader who wants the cosignatures of some witnesses
//! is sure that all readers who want the same ones see one history, unless that many witnesses lie.
//!
//! Cosignatures are Ed25519 (type 0x04), whatever the suite of the log. The signed message does not
//! hold the witness's name, so one key under two names is one witness here and counts once.

use crate::note::{self, Checkpoint, NoteError, NoteVerifier, SignedNote};
use crate::{BadSignature, KeyError, PublicKey, SigningKey, Suite};

const TYPE_COSIGNATURE: u8 = 0x04;
const TIME_LEN: usize = 8;
/// Ed25519.
const SIGNATURE_LEN: usize = 64;

/// A witness: its name and public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    name: String,
    key: PublicKey,
}

impl Witness {
    /// A witness of this name, which is often a host and path, and key.
    ///
    /// # Errors
    /// [`NoteError::BadName`], or [`NoteError::BadSuite`] unless the key is Ed25519.
    pub fn new(name: &str, key: PublicKey) -> Result<Self, NoteError> {
        note::check_name(name)?;
        if key.suite() != Suite::Ed25519 {
            return Err(NoteError::BadSuite);
        }
        Ok(Self { name: name.to_owned(), key })
    }

    /// The name in signature lines.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The first four bytes of `SHA-256(name || 0x0A || 0x04 || key)`.
    pub fn key_id(&self) -> [u8; 4] {
        note::key_id(&self.name, &self.typed())
    }

    /// The text form `name+hash+key`, type 0x04.
    pub fn to_vkey(&self) -> String {
        note::to_vkey(&self.name, &self.typed())
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// [`NoteError::BadKey`], also for the key of a log, which is of another type.
    pub fn from_vkey(vkey: &str) -> Result<Self, NoteError> {
        let (name, typed) = note::split_vkey(vkey)?;
        let raw = typed.strip_prefix(&[TYPE_COSIGNATURE]).ok_or(NoteError::BadKey)?;
        Self::new(name, PublicKey::from_raw(Suite::Ed25519, raw).map_err(|_| NoteError::BadKey)?)
    }

    fn typed(&self) -> Vec<u8> {
        [&[TYPE_COSIGNATURE], self.key.raw()].concat()
    }

    /// When this witness cosigned the note, seconds since 1970, or `None` if it did not. Of several
    /// cosignatures the newest counts.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] when a line of this witness does not verify.
    pub fn cosigned(&self, note: &SignedNote) -> Result<Option<u64>, NoteError> {
        let mut newest = None;
        for stamped in note.signatures(&self.name, self.key_id()) {
            if stamped.len() != TIME_LEN + SIGNATURE_LEN {
                return Err(NoteError::BadSignature);
            }
            let (time, signature) = stamped.split_first_chunk::<TIME_LEN>().ok_or(BadSignature)?;
            let time = u64::from_be_bytes(*time);
            self.key.verify(message(note.unverified_text(), time).as_bytes(), signature)?;
            newest = newest.max(Some(time));
        }
        Ok(newest)
    }
}

/// What a witness signs: two lines of its own, then the checkpoint's whole text.
fn message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// A witness's secret key with its name.
#[derive(Clone, Debug)]
pub struct WitnessSigner {
    key: SigningKey,
    public: Witness,
}

impl WitnessSigner {
    /// The witness of this name whose Ed25519 key has this seed.
    ///
    /// # Errors
    /// [`NoteError::BadName`], or [`NoteError::BadKey`] for a seed whose point is weak.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let key = SigningKey::from_ed25519_seed(seed).map_err(|_: KeyError| NoteError::BadKey)?;
        let public = Witness::new(name, key.public().clone())?;
        Ok(Self { key, public })
    }

    /// The public side.
    pub fn public(&self) -> &Witness {
        &self.public
    }

    /// The signature line, with its newline, for the checkpoint `text` as seen at `time`, seconds
    /// since 1970.
    pub fn line(&self, text: &str, time: u64) -> String {
        let signature = self.key.sign(message(text, time).as_bytes());
        let stamped = [time.to_be_bytes().as_slice(), &signature].concat();
        note::signature_line(&self.public.name, self.public.key_id(), &stamped)
    }
}

/// That one of the trusted witnesses cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// The witness's name.
    pub name: String,
    /// When it says that this was the log's newest checkpoint, seconds since 1970.
    pub time: u64,
}

/// The cosignatures of `witnesses` on `note`, in their order. A key counts once, whatever names it
/// goes by, and the log's own key never.
///
/// # Errors
/// [`NoteError::BadSignature`] when a line of a trusted witness does not verify.
pub fn cosignatures(
    note: &SignedNote,
    log: &NoteVerifier,
    witnesses: &[Witness],
) -> Result<Vec<Cosignature>, NoteError> {
    let mut keys: Vec<&PublicKey> = vec![log.key()];
    let mut found = Vec::new();
    for witness in witnesses {
        if let Some(time) = witness.cosigned(note)?
            && !keys.contains(&&witness.key)
        {
            keys.push(&witness.key);
            found.push(Cosignature { name: witness.name.clone(), time });
        }
    }
    Ok(found)
}

/// Opens a checkpoint of `log` that at least `need` of `witnesses` cosigned.
///
/// # Errors
/// [`NoteError`]: not the log's, a false line, or [`NoteError::TooFewCosignatures`].
pub fn open(
    text: &str,
    log: &NoteVerifier,
    witnesses: &[Witness],
    need: usize,
) -> Result<(Checkpoint, Vec<Cosignature>), NoteError> {
    let checkpoint = Checkpoint::open(text, log.name(), std::slice::from_ref(log))?;
    let found = cosignatures(&SignedNote::parse(text)?, log, witnesses)?;
    if found.len() < need {
        return Err(NoteError::TooFewCosignatures { has: found.len(), need });
    }
    Ok((checkpoint, found))
}
