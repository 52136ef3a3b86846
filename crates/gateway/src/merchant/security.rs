//! The self-test of a merchant's signatures, and its keys.

use axum::body::Bytes;
use axum::extract::State;
use jialing_crypto::hash::HashAlgorithm;
use jialing_platform::App;
use jialing_platform::id::MerchantId;
use jialing_platform::merchants::{self, Key};
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::{Answer, found};
use crate::gates::{How, Merchant};

/// What arrived, when its signature was fine.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Echo {
    /// Whose key signed.
    mchid: MerchantId,
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
pub(super) async fn echo(Merchant(caller): Merchant, how: How, body: Bytes) -> Answer<Echo> {
    found(Echo {
        mchid: caller.merchant,
        serial_no: caller.serial,
        form: how.form,
        covered: how.covered,
        length: body.len(),
        body_sha256: hex::encode(caller.body_sha256),
        body_sm3: hex::encode(HashAlgorithm::Sm3.digest(&body)),
    })
}

/// Lists your keys, the newest first, revoked and expired ones included.
///
/// Watch `ends_soon`, or the header `Jialing-Key-Expires` that answers carry in a key's last 30 days.
#[utoipa::path(get, path = "/v1/merchant/security/keys", operation_id = "list_own_keys", tag = "merchant security",
    responses((status = 200, description = "The keys", body = [Key])))]
pub(super) async fn keys(State(app): State<App>, Merchant(caller): Merchant) -> Answer<Vec<Key>> {
    found(merchants::own_keys(&app, caller.merchant).await?)
}
