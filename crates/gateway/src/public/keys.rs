//! The key directory.

use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::{PublicKey, Suite};
use jialing_platform::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::{Answer, found};
use crate::edge::Edge;

/// The platform's public keys.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Keys {
    /// Keys that sign checkpoints of the ledger's log.
    ledger: Vec<LedgerKey>,
    /// Keys that sign answers and callbacks to merchants and banks.
    answers: Vec<AnswerKey>,
}

/// A key that signs checkpoints.
#[derive(Debug, Serialize, ToSchema)]
struct LedgerKey {
    /// The log's name, the first line of its checkpoints.
    origin: String,
    /// The C2SP verifier key, `<origin>+<hash>+<base64>`: all that a receipt is checked with.
    verifier_key: String,
    #[serde(flatten)]
    key: AnswerKey,
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
    /// Whether it signs now; one that does not is kept for what it signed.
    active: bool,
}

impl AnswerKey {
    fn of(key: &PublicKey) -> Self {
        Self {
            serial_no: key.id().to_owned(),
            suite: key.suite().wire_name().to_owned(),
            public_key: STANDARD.encode(key.spki_der()),
            active: true,
        }
    }
}

/// Lists the platform's public keys.
#[utoipa::path(get, path = "/v1/public/keys", operation_id = "list_public_keys", tag = "public",
    responses((status = 200, description = "The keys", body = Keys)))]
pub(super) async fn list(State(edge): State<Edge>) -> Answer<Keys> {
    let engine = &edge.app.engine;
    let ledger = PublicKey::from_raw(Suite::Ed25519, &engine.public_key()).map_err(Problem::internal)?;
    found(Keys {
        ledger: vec![LedgerKey {
            origin: engine.origin().to_owned(),
            verifier_key: engine.verifier_key(),
            key: AnswerKey::of(&ledger),
        }],
        answers: edge.config.answer_keys.iter().map(|key| AnswerKey::of(key.public())).collect(),
    })
}
