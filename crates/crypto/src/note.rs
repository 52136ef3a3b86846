//! Signed notes and the checkpoints in them (C2SP `signed-note` and `tlog-checkpoint`).
//!
//! A note is a text that ends in a newline, an empty line, and signature lines
//! `— NAME BASE64(key id (4 bytes) || signature)`. A checkpoint is a note whose text is the log's
//! origin, its size and its root. Lines of keys we do not know are ignored, so witnesses can add
//! theirs; a line of a key we know must verify.
//!
//! Ed25519 follows the specification (type 1). SM2 uses its type 0xff, which the specification leaves
//! to applications, with the identity `jialing.sm2` and the uncompressed point of 65 bytes. A log's
//! key decides its tree too ([`NoteVerifier::tree_hash`]): SHA-256 under Ed25519, SM3 under SM2. No
//! other suite signs notes. What witnesses add is in [`crate::cosign`].

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::hash::{Digest, HashAlgorithm};
use crate::{BadSignature, PublicKey, SigningKey, Suite};

/// The longest note that is parsed, in bytes.
pub const MAX_NOTE_BYTES: usize = 64 * 1024;

/// The most signature lines a note may carry.
pub const MAX_SIGNATURES: usize = 100;

const TYPE_ED25519: u8 = 0x01;
/// Type byte and identity of SM2 keys.
const TYPE_SM2: &[u8] = b"\xffjialing.sm2";
/// Bytes of an uncompressed point, with its first byte.
const POINT_LEN: usize = 65;
const LINE_START: &str = "\u{2014} ";

/// Why a note, a checkpoint or a note key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not a signed note.
    #[error("this is not a signed note: {0}")]
    Malformed(&'static str),
    /// None of the lines is by a key that was asked for.
    #[error("no line of the note is signed by a key that is trusted here")]
    Unsigned,
    /// A line by a trusted key does not verify.
    #[error("a signature of a trusted key does not fit the note")]
    BadSignature,
    /// Not a name: empty, or with a space or a plus sign.
    #[error("a key name must not be empty nor hold white space or a plus sign")]
    BadName,
    /// Not a note key (`name+hash+key`).
    #[error("this is not a note key (name+hash+key)")]
    BadKey,
    /// A key of a suite that signs no notes, or no cosignatures.
    #[error("a key of this algorithm cannot sign here: logs use Ed25519 or SM2, witnesses Ed25519")]
    BadSuite,
    /// The note carries fewer cosignatures of trusted witnesses than are needed.
    #[error("{has} of the trusted witnesses cosigned this checkpoint, {need} are needed")]
    TooFewCosignatures {
        /// Distinct trusted witnesses whose cosignature holds.
        has: usize,
        /// How many are needed.
        need: usize,
    },
}

impl From<BadSignature> for NoteError {
    fn from(_: BadSignature) -> Self {
        NoteError::BadSignature
    }
}

/// A public key with the name it signs notes under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteVerifier {
    name: String,
    key: PublicKey,
}

impl NoteVerifier {
    /// A key with its name, which is often a host and path.
    ///
    /// # Errors
    /// [`NoteError::BadName`] or [`NoteError::BadSuite`].
    pub fn new(name: &str, key: PublicKey) -> Result<Self, NoteError> {
        check_name(name)?;
        match key.suite() {
            Suite::Ed25519 | Suite::Sm2Sm3 => Ok(Self { name: name.to_owned(), key }),
            Suite::RsaSha256 | Suite::Es256 => Err(NoteError::BadSuite),
        }
    }

    /// The name in signature lines.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// How a log of this key hashes its tree: SHA-256 under Ed25519, SM3 under SM2.
    pub fn tree_hash(&self) -> HashAlgorithm {
        match self.key.suite() {
            Suite::Sm2Sm3 => HashAlgorithm::Sm3,
            _ => HashAlgorithm::Sha256,
        }
    }

    /// The name of the whole algorithm in receipts: `RFC6962-SHA256+ED25519` or `RFC6962-SM3+SM2`.
    pub fn algorithm(&self) -> &'static str {
        match self.tree_hash() {
            HashAlgorithm::Sha256 => "RFC6962-SHA256+ED25519",
            HashAlgorithm::Sm3 => "RFC6962-SM3+SM2",
        }
    }

    /// The key id in signature lines: the first four bytes of
    /// `SHA-256(name || 0x0A || type || key)`, under both suites.
    pub fn key_id(&self) -> [u8; 4] {
        key_id(&self.name, &typed_key(&self.key))
    }

    /// The text form `name+hash+key`, which other tools for signed notes read.
    pub fn to_vkey(&self) -> String {
        to_vkey(&self.name, &typed_key(&self.key))
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// [`NoteError::BadKey`], also when the hash does not fit the name and key.
    pub fn from_vkey(vkey: &str) -> Result<Self, NoteError> {
        let (name, typed) = split_vkey(vkey)?;
        Self::new(name, untyped_key(&typed)?)
    }
}

/// A name that may stand in a signature line.
pub(crate) fn check_name(name: &str) -> Result<(), NoteError> {
    let bad = |c: char| c.is_whitespace() || c == '+' || c.is_control();
    if name.is_empty() || name.contains(bad) { Err(NoteError::BadName) } else { Ok(()) }
}

/// The first four bytes of `SHA-256(name || 0x0A || typed key)`.
pub(crate) fn key_id(name: &str, typed: &[u8]) -> [u8; 4] {
    let digest = HashAlgorithm::Sha256.digest_parts(&[name.as_bytes(), b"\n", typed]);
    [digest[0], digest[1], digest[2], digest[3]]
}

/// `name+hash+key`.
pub(crate) fn to_vkey(name: &str, typed: &[u8]) -> String {
    format!("{name}+{}+{}", hex::encode(key_id(name, typed)), STANDARD.encode(typed))
}

/// Name and typed key of `name+hash+key`, once the hash fits both.
pub(crate) fn split_vkey(vkey: &str) -> Result<(&str, Vec<u8>), NoteError> {
    let mut parts = vkey.trim().splitn(3, '+');
    let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(NoteError::BadKey);
    };
    let typed = STANDARD.decode(key).map_err(|_| NoteError::BadKey)?;
    if hex::encode(key_id(name, &typed)) != hash {
        return Err(NoteError::BadKey);
    }
    Ok((name, typed))
}

/// Type byte and key bytes, as hashed into the key id and written into a vkey.
fn typed_key(key: &PublicKey) -> Vec<u8> {
    match key.suite() {
        Suite::Sm2Sm3 => [TYPE_SM2, key.raw()].concat(),
        _ => [&[TYPE_ED25519], key.raw()].concat(),
    }
}

fn untyped_key(typed: &[u8]) -> Result<PublicKey, NoteError> {
    let (suite, raw) = match typed.strip_prefix(TYPE_SM2) {
        Some(point) if point.len() == POINT_LEN => (Suite::Sm2Sm3, point),
        _ => (Suite::Ed25519, typed.strip_prefix(&[TYPE_ED25519]).ok_or(NoteError::BadKey)?),
    };
    PublicKey::from_raw(suite, raw).map_err(|_| NoteError::BadKey)
}

/// A secret key with the name it signs notes under.
#[derive(Clone, Debug)]
pub struct NoteSigner {
    key: SigningKey,
    verifier: NoteVerifier,
}

impl NoteSigner {
    /// A key with its name.
    ///
    /// # Errors
    /// [`NoteError::BadName`] or [`NoteError::BadSuite`].
    pub fn new(name: &str, key: SigningKey) -> Result<Self, NoteError> {
        let verifier = NoteVerifier::new(name, key.public().clone())?;
        Ok(Self { key, verifier })
    }

    /// The public side.
    pub fn verifier(&self) -> &NoteVerifier {
        &self.verifier
    }

    /// The note of `text`, signed by this key alone. More lines are added with [`add_line`].
    ///
    /// # Errors
    /// [`NoteError::Malformed`] when `text` is empty, does not end in a newline, or holds control
    /// characters other than newlines.
    pub fn sign(&self, text: &str) -> Result<String, NoteError> {
        check_text(text)?;
        Ok(format!("{text}\n{}", self.line(text)))
    }

    /// This key's signature line for `text`, with its newline.
    pub fn line(&self, text: &str) -> String {
        signature_line(&self.verifier.name, self.verifier.key_id(), &self.key.sign(text.as_bytes()))
    }
}

/// One signature line with its newline.
pub(crate) fn signature_line(name: &str, key_id: [u8; 4], signature: &[u8]) -> String {
    format!("{LINE_START}{name} {}\n", STANDARD.encode([&key_id, signature].concat()))
}

/// Adds a signature line of another key to a note: a witness's cosignature.
///
/// # Errors
/// [`NoteError::Malformed`] when `note` is no note or the result would be none.
pub fn add_line(note: &str, line: &str) -> Result<String, NoteError> {
    let longer = format!("{note}{line}");
    SignedNote::parse(&longer)?;
    Ok(longer)
}

/// A parsed note: nothing in it is trusted before [`SignedNote::verified_by`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    name: String,
    key_id: [u8; 4],
    signature: Vec<u8>,
}

impl SignedNote {
    /// Splits a note into its text and signature lines.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(NoteError::Malformed("longer than 64 KiB"));
        }
        let split = note.rfind("\n\n").ok_or(NoteError::Malformed("no empty line before the signatures"))?;
        let (text, signatures) = (&note[..=split], &note[split + 2..]);
        check_text(text)?;
        let signatures =
            signatures.strip_suffix('\n').ok_or(NoteError::Malformed("the last line has no newline"))?;
        let lines = signatures.split('\n').map(parse_line).collect::<Result<Vec<_>, _>>()?;
        if lines.len() > MAX_SIGNATURES {
            return Err(NoteError::Malformed("more than 100 signatures"));
        }
        Ok(Self { text: text.to_owned(), lines })
    }

    /// The text, if at least one of `trusted` signed it and no line of a trusted key is wrong.
    ///
    /// Returns the text and the indexes in `trusted` of those who signed, in ascending order.
    ///
    /// # Errors
    /// [`NoteError::Unsigned`] or [`NoteError::BadSignature`].
    pub fn verified_by(&self, trusted: &[NoteVerifier]) -> Result<(&str, Vec<usize>), NoteError> {
        let mut signed = Vec::new();
        for (index, verifier) in trusted.iter().enumerate() {
            let id = verifier.key_id();
            let mut mine =
                self.lines.iter().filter(|line| line.name == verifier.name && line.key_id == id).peekable();
            if mine.peek().is_some() {
                signed.push(index);
            }
            for line in mine {
                verifier.key.verify(self.text.as_bytes(), &line.signature)?;
            }
        }
        if signed.is_empty() {
            return Err(NoteError::Unsigned);
        }
        Ok((&self.text, signed))
    }

    /// The note with the one signature of `key` alone, whatever other lines it came with.
    ///
    /// # Errors
    /// [`NoteError::Unsigned`] when there is none, [`NoteError::BadSignature`] when it does not verify.
    pub fn signed_by(&self, key: &NoteVerifier) -> Result<String, NoteError> {
        let signature = self.signatures(&key.name, key.key_id()).next().ok_or(NoteError::Unsigned)?;
        key.key.verify(self.text.as_bytes(), signature)?;
        Ok(format!("{}\n{}", self.text, signature_line(&key.name, key.key_id(), signature)))
    }

    /// The signatures under this name and key id, unchecked.
    pub(crate) fn signatures(&self, name: &str, key_id: [u8; 4]) -> impl Iterator<Item = &[u8]> {
        self.lines
            .iter()
            .filter(move |line| line.name == name && line.key_id == key_id)
            .map(|line| line.signature.as_slice())
    }

    /// The text without any check, for showing it to a person.
    pub fn unverified_text(&self) -> &str {
        &self.text
    }
}

fn parse_line(line: &str) -> Result<Line, NoteError> {
    const BAD: NoteError = NoteError::Malformed("a signature line");
    let (name, blob) = line.strip_prefix(LINE_START).and_then(|rest| rest.split_once(' ')).ok_or(BAD)?;
    if name.is_empty() || name.contains(['+', ' ']) {
        return Err(BAD);
    }
    let blob = STANDARD.decode(blob).map_err(|_| BAD)?;
    let (key_id, signature) = blob.split_first_chunk::<4>().ok_or(BAD)?;
    if signature.is_empty() {
        return Err(BAD);
    }
    Ok(Line { name: name.to_owned(), key_id: *key_id, signature: signature.to_vec() })
}

/// A text that can be signed: not empty, a newline at the end, no other control characters.
fn check_text(text: &str) -> Result<(), NoteError> {
    if !text.ends_with('\n') {
        return Err(NoteError::Malformed("the text does not end in a newline"));
    }
    if text.chars().any(|c| c < ' ' && c != '\n') {
        return Err(NoteError::Malformed("the text holds control characters"));
    }
    Ok(())
}

/// What a log states about itself at one moment: its name, size and root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, the same for its whole life.
    pub origin: String,
    /// Number of records.
    pub size: u64,
    /// Root over the records.
    pub root: Digest,
    /// Further lines, which the specification leaves to the log.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// The text to be signed as a note.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root));
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Reads the text of a checkpoint. Only text that [`Checkpoint::to_text`] writes again the same
    /// way is accepted.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        const BAD: NoteError = NoteError::Malformed("not a checkpoint: origin, size, root");
        let mut lines = text.strip_suffix('\n').ok_or(BAD)?.split('\n');
        let mut next = || lines.next().filter(|line| !line.is_empty()).ok_or(BAD);
        let origin = next()?.to_owned();
        let size = next()?.parse().map_err(|_| BAD)?;
        let root = STANDARD.decode(next()?).map_err(|_| BAD)?;
        let checkpoint = Self {
            origin,
            size,
            root: root.try_into().map_err(|_| BAD)?,
            extensions: lines.map(str::to_owned).collect(),
        };
        let whole = checkpoint.extensions.iter().all(|line| !line.is_empty());
        if whole && checkpoint.to_text() == text { Ok(checkpoint) } else { Err(BAD) }
    }

    /// The checkpoint in a note, if one of `trusted` signed it and it is about `origin`.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn open(note: &str, origin: &str, trusted: &[NoteVerifier]) -> Result<Self, NoteError> {
        let parsed = SignedNote::parse(note)?;
        let (text, _) = parsed.verified_by(trusted)?;
        let checkpoint = Self::parse(text)?;
        if checkpoint.origin != origin {
            return Err(NoteError::Malformed("the checkpoint is of another log"));
        }
        Ok(checkpoint)
    }
}
