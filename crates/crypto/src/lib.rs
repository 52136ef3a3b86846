//! Algorithm suites, keys and sealed fields.
//!
//! Everything a payment system needs from cryptography and nothing about payments: which algorithm
//! a key belongs to, how a message is signed and checked, how a field is sealed at rest, how a
//! password is kept, and how a stranger checks a log without trusting the one who keeps it.
//!
//! Two families stand side by side everywhere: the domestic one (SM2, SM3, SM4) and the
//! international one (Ed25519, RSA, P-256, SHA-256, AES-256-GCM). A key carries its suite, so the
//! name of an algorithm in a message never decides how a signature is checked.
//!
//! | module | what it is |
//! |---|---|
//! | [`key`] | signing and public keys, PKCS#8 and SPKI, key ids |
//! | [`hash`] | SHA-256 and SM3 behind one enum |
//! | [`http_signature`] | the `JIALING1-…` header of requests and the signature of callbacks |
//! | [`message_signature`] | HTTP Message Signatures, the other form of signed requests |
//! | [`seal`] | sealed fields with a key ring, and blind indexes |
//! | [`jwe`] | values sealed for a public key: JSON Web Encryption, with RSA or SM2 |
//! | [`parcel`] | a sealed part of a message, for a key that both sides hold |
//! | [`password`] | argon2id |
//! | [`random`] | random bytes, numeric codes, tokens, comparison in constant time |
//! | [`note`] | C2SP signed notes and the checkpoint in them |
//! | [`cosign`] | C2SP cosignatures of witnesses, and how many a reader wants |
//! | [`tunnel`] | sealed frames between two programs that proved who they are |
//! | [`proof`] | RFC 6962 inclusion and consistency proofs |
//! | [`sum_tree`] | a Merkle tree that also adds up, for a total that everyone can check |
//! | [`totp`] | one-time passwords of an authenticator application |
//! | [`webauthn`] | passkeys: what a browser's authenticator says and signs |

pub mod cosign;
pub mod hash;
pub mod http_signature;
pub mod jwe;
pub mod key;
pub mod message_signature;
pub mod note;
pub mod parcel;
pub mod password;
pub mod proof;
pub mod random;
pub mod seal;
mod suite;
pub mod sum_tree;
pub mod totp;
pub mod tunnel;
pub mod webauthn;

pub use key::{KeyError, PublicKey, SigningKey};
pub use suite::{BadSignature, Suite, UnknownSuite};
