//! Who is there: four messages, two signatures, one secret.
//!
//! ```text
//! client ─ hello: nonce, ephemeral key, who I am, which key I will prove ─► server
//! client ◄─ hello: nonce, ephemeral key, which key is mine, its signature ─ server
//! client ─ proof: the named key's signature over all of that ─► server
//! client ◄─ accepted, or the fault ─ server
//!          both now have the same keys for frames (jialing_crypto::tunnel)
//! ```
//!
//! Each side signs the hash of everything said before, both names and both ephemeral keys included,
//! under a text that says which side it is. So a signature is good for one connection only, in one
//! direction, between these two; and since the secret comes from keys that are made for the
//! connection and thrown away, frames recorded today do not open when a signing key leaks tomorrow.
//!
//! Pure: bytes in, bytes out. A message is its type (1 byte), its length (2 bytes, little endian) and
//! its body. Texts are preceded by their length in one byte.

use jialing_crypto::hash::{Digest, Hasher};
use jialing_crypto::tunnel::{self, Ephemeral, Opener, Sealer, Secret, TunnelSuite};
use jialing_crypto::{PublicKey, SigningKey, random};

use crate::Fault;

/// Bytes of a message's type and length.
pub const MESSAGE_HEAD: usize = 3;
/// Most bytes in a message's body.
pub const MAX_MESSAGE: usize = 2048;

const PROTOCOL: &[u8; 8] = b"JLbulk 1";
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const PROOF: u8 = 3;
const ACCEPTED: u8 = 4;
const FAULT: u8 = 9;
/// Before the hash that the server signs.
const SERVER_SIGNS: &[u8] = b"jialing bulk 1, the platform signs\n";
/// Before the hash that the client signs.
const CLIENT_SIGNS: &[u8] = b"jialing bulk 1, the institution signs\n";
const TO_SERVER: &str = "jialing bulk 1, to the server";
const TO_CLIENT: &str = "jialing bulk 1, to the client";
const NONCE: usize = 32;

/// A message whose bytes are all there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    whole: &'a [u8],
}

impl<'a> Message<'a> {
    /// How long the body is of a message that begins with `head`.
    ///
    /// # Errors
    /// [`Fault::HandshakeMalformed`] above [`MAX_MESSAGE`].
    pub fn body_len(head: [u8; MESSAGE_HEAD]) -> Result<usize, Fault> {
        let length = usize::from(u16::from_le_bytes([head[1], head[2]]));
        if length <= MAX_MESSAGE { Ok(length) } else { Err(Fault::HandshakeMalformed) }
    }

    /// The message in `whole`, head and body.
    ///
    /// # Errors
    /// [`Fault::HandshakeMalformed`] when its length does not fit.
    pub fn new(whole: &'a [u8]) -> Result<Self, Fault> {
        let head = whole.first_chunk::<MESSAGE_HEAD>().ok_or(Fault::HandshakeMalformed)?;
        if Self::body_len(*head)? + MESSAGE_HEAD == whole.len() {
            Ok(Self { whole })
        } else {
            Err(Fault::HandshakeMalformed)
        }
    }

    /// Its body, if it is of this type.
    fn body(self, kind: u8) -> Result<&'a [u8], Fault> {
        if self.whole[0] == kind { Ok(&self.whole[MESSAGE_HEAD..]) } else { Err(Fault::HandshakeMalformed) }
    }

    fn write(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).expect("messages are short").to_le_bytes();
        [&[kind][..], &length, body].concat()
    }
}

/// A message that says why there will be no connection.
#[must_use]
pub fn refusal(fault: Fault) -> Vec<u8> {
    Message::write(FAULT, &fault.number().to_le_bytes())
}

/// The server's word that the proof was good; sealed frames follow.
#[must_use]
pub fn acceptance() -> Vec<u8> {
    Message::write(ACCEPTED, &[])
}

/// What the server said to the proof.
///
/// # Errors
/// [`Distrust::Refused`] or [`Distrust::Malformed`].
pub fn verdict(message: &[u8]) -> Result<(), Distrust> {
    let message = Message::new(message)?;
    refused(message)?;
    if message.body(ACCEPTED)?.is_empty() { Ok(()) } else { Err(Distrust::Malformed) }
}

/// An error when the message is a refusal.
fn refused(message: Message<'_>) -> Result<(), Distrust> {
    let Ok(body) = message.body(FAULT) else { return Ok(()) };
    let number = <[u8; 2]>::try_from(body).map(u16::from_le_bytes).ok();
    Err(number.and_then(Fault::from_number).map_or(Distrust::Malformed, Distrust::Refused))
}

/// What goes wrong on the client's side.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// The server refused, and said why.
    #[error("the server refused: {0}")]
    Refused(Fault),
    /// The server is not who it was expected to be: its key is not one of those that are trusted.
    #[error("the server names key {0}, which is none of those that were given")]
    UnknownKey(String),
    /// The server did not prove the key that it named.
    #[error("the server's signature does not fit: somebody stands between")]
    WrongProof,
    /// What came is not this protocol.
    #[error("what answers does not speak this protocol")]
    Malformed,
}

impl From<Fault> for Distrust {
    /// A fault that the client itself found in what the server sent.
    fn from(_: Fault) -> Self {
        Self::Malformed
    }
}

/// A client that has said hello.
pub struct Greeting {
    suite: TunnelSuite,
    ephemeral: Ephemeral,
    said: Hasher,
}

impl Greeting {
    /// Says hello as `institution` (its code or id), which will prove the key of number `serial`.
    ///
    /// # Panics
    /// When a name is longer than 255 bytes, or the system gives no randomness.
    #[must_use]
    pub fn new(suite: TunnelSuite, institution: &str, serial: &str) -> (Self, Vec<u8>) {
        let ephemeral = Ephemeral::generate(suite);
        let nonce = random::bytes::<NONCE>();
        let mut body = [&PROTOCOL[..], &[suite as u8], &nonce, ephemeral.share()].concat();
        write_text(&mut body, institution);
        write_text(&mut body, serial);
        let message = Message::write(CLIENT_HELLO, &body);
        let mut said = suite.hash().hasher();
        said.update(&message);
        (Self { suite, ephemeral, said }, message)
    }

    /// Checks the server's hello against the keys that are `trusted` and answers with the proof of
    /// `key`. Gives the message, and what seals and opens the frames that follow it.
    ///
    /// # Errors
    /// [`Distrust`]; then close.
    pub fn prove(
        mut self,
        hello: &[u8],
        trusted: &[PublicKey],
        key: &SigningKey,
    ) -> Result<(Vec<u8>, Sealer, Opener), Distrust> {
        let message = Message::new(hello)?;
        refused(message)?;
        let mut rest = message.body(SERVER_HELLO)?;
        take(&mut rest, NONCE)?;
        let share = take(&mut rest, self.suite.share_len())?;
        let serial = read_text(&mut rest)?;
        let signature = rest;
        self.said.update(&hello[..hello.len() - signature.len()]);
        let server = trusted
            .iter()
            .find(|trusted| trusted.id() == serial)
            .ok_or_else(|| Distrust::UnknownKey(serial.to_owned()))?;
        server.verify(&signed(SERVER_SIGNS, &self.said), signature).map_err(|_| Distrust::WrongProof)?;
        self.said.update(signature);
        let proof = Message::write(PROOF, &key.sign(&signed(CLIENT_SIGNS, &self.said)));
        self.said.update(&proof);
        let secret = self.ephemeral.agree(share).map_err(|_| Distrust::Malformed)?;
        let (sealer, opener) = tunnel::keys(self.suite, &secret, &self.said.finish(), TO_SERVER, TO_CLIENT);
        Ok((proof, sealer, opener))
    }
}

/// A client's hello, as the server read it.
pub struct Asked {
    /// What it wants to agree and seal with.
    pub suite: TunnelSuite,
    /// The institution that it says it is: code or id.
    pub institution: String,
    /// The number of the key that it will prove.
    pub serial: String,
    share: Vec<u8>,
    said: Hasher,
}

impl Asked {
    /// Reads a client's hello.
    ///
    /// # Errors
    /// [`Fault::ProtocolUnknown`], [`Fault::SuiteRefused`] or [`Fault::HandshakeMalformed`].
    pub fn read(hello: &[u8]) -> Result<Self, Fault> {
        let mut rest = Message::new(hello)?.body(CLIENT_HELLO).map_err(|_| Fault::ProtocolUnknown)?;
        if take(&mut rest, PROTOCOL.len())? != PROTOCOL {
            return Err(Fault::ProtocolUnknown);
        }
        let suite = TunnelSuite::from_number(take(&mut rest, 1)?[0]).ok_or(Fault::SuiteRefused)?;
        take(&mut rest, NONCE)?;
        let share = take(&mut rest, suite.share_len())?.to_vec();
        let institution = read_text(&mut rest)?.to_owned();
        let serial = read_text(&mut rest)?.to_owned();
        if !rest.is_empty() {
            return Err(Fault::HandshakeMalformed);
        }
        let mut said = suite.hash().hasher();
        said.update(hello);
        Ok(Self { suite, institution, serial, share, said })
    }

    /// The server's hello, signed with the platform's `key`.
    ///
    /// # Errors
    /// [`Fault::HandshakeMalformed`] when the client's ephemeral key is none.
    ///
    /// # Panics
    /// When the system gives no randomness.
    pub fn answer(mut self, key: &SigningKey) -> Result<(Answered, Vec<u8>), Fault> {
        let (ephemeral, nonce) = (Ephemeral::generate(self.suite), random::bytes::<NONCE>());
        let mut body = [&nonce[..], ephemeral.share()].concat();
        write_text(&mut body, key.public().id());
        // The head tells the length with the signature, which no length of ours depends on.
        let length = body.len() + signature_len(key);
        let mut message = Message::write(SERVER_HELLO, &vec![0; length]);
        message.truncate(MESSAGE_HEAD);
        message.extend_from_slice(&body);
        self.said.update(&message);
        let signature = key.sign(&signed(SERVER_SIGNS, &self.said));
        message.extend_from_slice(&signature);
        self.said.update(&signature);
        let secret = ephemeral.agree(&self.share).map_err(|_| Fault::HandshakeMalformed)?;
        Ok((Answered { suite: self.suite, secret, said: self.said }, message))
    }
}

/// A server that has said hello and waits for the proof.
pub struct Answered {
    suite: TunnelSuite,
    secret: Secret,
    said: Hasher,
}

impl Answered {
    /// Checks the client's proof against the institution's registered `key`.
    ///
    /// # Errors
    /// [`Fault::ProofWrong`] or [`Fault::HandshakeMalformed`].
    pub fn check(mut self, proof: &[u8], key: &PublicKey) -> Result<(Sealer, Opener), Fault> {
        let signature = Message::new(proof)?.body(PROOF)?;
        key.verify(&signed(CLIENT_SIGNS, &self.said), signature).map_err(|_| Fault::ProofWrong)?;
        self.said.update(proof);
        Ok(tunnel::keys(self.suite, &self.secret, &self.said.finish(), TO_CLIENT, TO_SERVER))
    }
}

/// What a side signs: its text, then the hash of everything said.
fn signed(side: &[u8], said: &Hasher) -> Vec<u8> {
    let said: Digest = said.clone().finish();
    [side, &said].concat()
}

/// Bytes of a signature by `key`; only RSA's depend on the key.
fn signature_len(key: &SigningKey) -> usize {
    key.suite().signature_len().unwrap_or_else(|| key.sign(b"").len())
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Fault> {
    let (taken, after) = rest.split_at_checked(length).ok_or(Fault::HandshakeMalformed)?;
    *rest = after;
    Ok(taken)
}

fn read_text<'a>(rest: &mut &'a [u8]) -> Result<&'a str, Fault> {
    let length = take(rest, 1)?[0];
    std::str::from_utf8(take(rest, usize::from(length))?).map_err(|_| Fault::HandshakeMalformed)
}

fn write_text(body: &mut Vec<u8>, text: &str) {
    body.push(u8::try_from(text.len()).expect("names are at most 255 bytes long"));
    body.extend_from_slice(text.as_bytes());
}
