//! The self-test of a bank's signatures.

use axum::body::Bytes;
use jialing_crypto::hash::HashAlgorithm;
use jialing_platform::id::InstitutionId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::{Answer, found};
use crate::gates::{Bank, How};

/// What arrived, when its signature was fine.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BankEcho)]
pub(super) struct Echo {
    /// Whose key signed.
    institution_id: InstitutionId,
    /// The serial of the key.
    serial_no: String,
    /// How the request was signed: `JIALING1`, or `RFC9421` for HTTP Message Signatures.
    #[schema(example = "JIALING1")]
    form: &'static str,
    /// What the signature covers, in order.
    covered: Vec<String>,
    /// Bytes of the body.
    length: usize,
    /// SHA-256 of the body, hexadecimal.
    body_sha256: String,
}

/// Tests a signature.
///
/// Send any body up to the limit, signed like every request.
#[utoipa::path(post, path = "/v1/bank/security/echo", operation_id = "bank_security_echo", tag = "bank security",
    request_body(content = String, description = "Anything", content_type = "application/octet-stream"),
    responses((status = 200, description = "The signature fits", body = Echo)))]
pub(super) async fn echo(bank: Bank, how: How, body: Bytes) -> Answer<Echo> {
    found(Echo {
        institution_id: bank.id,
        serial_no: bank.serial,
        form: how.form,
        covered: how.covered,
        length: body.len(),
        body_sha256: hex::encode(HashAlgorithm::Sha256.digest(&body)),
    })
}
