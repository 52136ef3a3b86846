//! The door for banks' notices.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use jialing_crypto::http_signature::CallbackSignature;
use jialing_platform::exchange::notice;
use jialing_platform::{App, Code, Problem};

use crate::answer::{Answer, done};

/// Takes in a bank's notice about a top-up or withdrawal that has come to its end.
///
/// Signed like a callback: the text `TIMESTAMP\nNONCE\nBODY\n` with one of the bank's keys, in the
/// headers `Jialing-Timestamp`, `Jialing-Nonce`, `Jialing-Serial`, `Jialing-Signature` and
/// `Jialing-Signature-Type`. A notice may come twice, late and out of order; repeat it until it is
/// answered with 204. A bank whose connection speaks ISO 20022 sends pacs.002, pacs.004 or camt.054
/// instead of JSON.
///
/// Problems: `signature_missing`, `signature_invalid`, `key_unknown`, `timestamp_out_of_window`,
/// `invalid_request`, `not_found` for a reference that is not of this bank.
#[utoipa::path(post, path = "/v1/bank/notices", operation_id = "take_notice", tag = "bank notices",
    request_body(content = String, description = "The notice", content_type = "application/json"),
    responses((status = 204, description = "Taken in")))]
pub(super) async fn take(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Answer<()> {
    let read =
        CallbackSignature::from_headers(|name| headers.get(name).and_then(|value| value.to_str().ok()));
    let signature = read.map_err(|bad| Problem::new(Code::SignatureMissing).detail(format!("{bad}.")))?;
    notice::receive(&app, &signature, &body).await?;
    done()
}
