//! The self-test of a merchant's signatures.

use axum::body::Bytes;
use jialing_crypto::hash::HashAlgorithm;
use jialing_platform::id::MerchantId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::{Answer, found};
use crate::gates::Merchant;

/// What arrived, when its signature was fine.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Echo {
    /// Whose key signed.
    mchid: MerchantId,
    /// The serial of the key.
    serial_no: String,
    /// Bytes of the body.
    length: usize,
    /// SHA-256 of the body, hexadecimal.
    body_sha256: String,
    /// SM3 of the body, hexadecimal.
    body_sm3: String,
}

/// Tests a signature.
///
/// Send any body up to the limit, signed like every request. The answer is signed too, so both
/// directions are tested. A signature that does not fit answers with what the server verified.
#[utoipa::path(post, path = "/v1/merchant/security/echo", operation_id = "merchant_security_echo", tag = "merchant security",
    request_body(content = String, description = "Anything", content_type = "application/octet-stream"),
    responses((status = 200, description = "The signature fits", body = Echo)))]
pub(super) async fn echo(Merchant(caller): Merchant, body: Bytes) -> Answer<Echo> {
    found(Echo {
        mchid: caller.merchant,
        serial_no: caller.serial,
        length: body.len(),
        body_sha256: hex::encode(caller.body_sha256),
        body_sm3: hex::encode(HashAlgorithm::Sm3.digest(&body)),
    })
}
