//! The key directory.

use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::PublicKey;
use jialing_crypto::jwe::EncryptionKey;
use jialing_crypto::note::NoteVerifier;
use jialing_platform::clock::rfc3339;
use jialing_platform::witnesses::{Asked, Standing};
use jialing_platform::{App, Problem, webhooks};
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::{Answer, found};
use crate::edge::Edge;

/// The platform's public keys.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Keys {
    /// When this directory was answered, RFC 3339.
    issued_at: String,
    /// Keys that sign checkpoints of the ledger's log.
    ledger: Vec<LedgerKey>,
    /// Who is asked to cosign the checkpoints.
    witnesses: Vec<WitnessKey>,
    /// How many of them a published checkpoint and a receipt should have.
    policy: Policy,
    /// Keys that sign answers and callbacks to merchants and banks, those retired included.
    answers: Vec<AnswerKey>,
    /// Keys that values of requests may be sealed for.
    encryption: Vec<EncryptionKeyInfo>,
}

/// A key that values of requests may be sealed for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EncryptionKey)]
struct EncryptionKeyInfo {
    /// Its id, for the header `Jialing-Sealed-With`.
    serial_no: String,
    /// `alg` of what is sealed for it: `RSA-OAEP-256` (with `A256GCM`) or `SM2` (with `SM4GCM`).
    #[schema(example = "RSA-OAEP-256")]
    algorithm: &'static str,
    /// DER `SubjectPublicKeyInfo` in base64.
    public_key: String,
}

impl EncryptionKeyInfo {
    fn of(key: &EncryptionKey) -> Self {
        Self {
            serial_no: key.key().id().to_owned(),
            algorithm: key.algorithm(),
            public_key: STANDARD.encode(key.key().spki_der()),
        }
    }
}

/// A key that signs checkpoints.
#[derive(Debug, Serialize, ToSchema)]
struct LedgerKey {
    /// The log's name, the first line of its checkpoints.
    origin: String,
    /// The C2SP verifier key, `<origin>+<hash>+<base64>`: all that a receipt is checked with.
    verifier_key: String,
    /// How the log hashes and signs: `RFC6962-SHA256+ED25519` or `RFC6962-SM3+SM2`.
    #[schema(example = "RFC6962-SHA256+ED25519")]
    algorithm: String,
    #[serde(flatten)]
    key: AnswerKey,
}

/// A witness.
#[derive(Debug, Serialize, ToSchema)]
struct WitnessKey {
    /// Its name in signature lines.
    name: String,
    /// Its C2SP verifier key. Trust it only if you have it from the witness itself.
    verifier_key: String,
    /// Where it is asked.
    url: String,
    /// `cosigns`, `silent`, `refuses` or `not_asked`: how it last answered us.
    state: &'static str,
    /// Records that it cosigned last for us, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
}

/// How cosignatures are gathered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WitnessPolicy)]
struct Policy {
    /// Cosignatures that are asked for.
    quorum: usize,
    /// Milliseconds that a receipt waits for them; afterwards it says how many there are.
    wait_ms: u64,
}

/// A public key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PublicKey)]
struct AnswerKey {
    /// Its id: the first 16 hexadecimal characters of the SHA-256 of `public_key`.
    serial_no: String,
    /// The algorithm it belongs to, and the only one it verifies under.
    #[schema(example = "ED25519")]
    suite: String,
    /// DER `SubjectPublicKeyInfo` in base64.
    public_key: String,
    /// The same as Standard Webhooks writes it (`whpk_…`), for `v1a` signatures; Ed25519 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_key: Option<String>,
    /// Whether it may still sign; one that is retired is kept for what it signed.
    active: bool,
}

impl AnswerKey {
    fn of(key: &PublicKey, active: bool) -> Self {
        Self {
            serial_no: key.id().to_owned(),
            suite: key.suite().wire_name().to_owned(),
            public_key: STANDARD.encode(key.spki_der()),
            webhook_key: webhooks::whpk(key),
            active,
        }
    }
}

impl WitnessKey {
    fn of((asked, standing): (Asked, Standing)) -> Self {
        let size = match &standing {
            Standing::Cosigned(size) => Some(*size),
            _ => None,
        };
        Self {
            name: asked.key.name().to_owned(),
            verifier_key: asked.key.to_vkey(),
            url: asked.url,
            state: standing.word(),
            size,
        }
    }
}

/// The ledger's key, read from its own text form.
pub(super) fn ledger(app: &App) -> Result<NoteVerifier, Problem> {
    NoteVerifier::from_vkey(&app.engine.verifier_key()).map_err(Problem::internal)
}

/// Lists the platform's public keys.
///
/// Note the ledger's and the witnesses' keys down once, from here and from a second place: a key that
/// comes together with a receipt proves nothing.
#[utoipa::path(get, path = "/v1/public/keys", operation_id = "list_public_keys", tag = "public",
    responses((status = 200, description = "The keys", body = Keys)))]
pub(super) async fn list(State(edge): State<Edge>) -> Answer<Keys> {
    let (app, config) = (&edge.app, &edge.config);
    let ledger = ledger(app)?;
    let policy = app.witnesses.policy();
    let signing = config.answer_keys.iter().map(|key| AnswerKey::of(key.public(), true));
    let retired = config.retired_keys.iter().map(|key| AnswerKey::of(key, false));
    found(Keys {
        issued_at: rfc3339(app.clock.millis()),
        ledger: vec![LedgerKey {
            origin: ledger.name().to_owned(),
            verifier_key: ledger.to_vkey(),
            algorithm: ledger.algorithm().to_owned(),
            key: AnswerKey::of(ledger.key(), true),
        }],
        witnesses: app.witnesses.all().into_iter().map(WitnessKey::of).collect(),
        policy: Policy { quorum: policy.quorum, wait_ms: policy.wait_ms },
        answers: signing.chain(retired).collect(),
        encryption: config.decryption_keys.iter().map(|key| EncryptionKeyInfo::of(key.public())).collect(),
    })
}
