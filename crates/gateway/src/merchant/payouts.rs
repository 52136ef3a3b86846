//! Payouts, as the merchant's server asks for them.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use futures_util::stream;
use jialing_platform::id::PayoutId;
use jialing_platform::payouts::{
    self, FileAsk, Line, LineState, LinesAsk, ListAsk, Name, Payout, PayoutAsk, Report,
};
use jialing_platform::{App, Code, Page, Problem};

use super::orders::made;
use crate::answer::{Answer, Failed, found};
use crate::download::Streamed;
use crate::extract::{Json, Path, Query};
use crate::gates::Merchant;

/// Pays out to up to 100,000 payees in one call.
///
/// The lines are checked as a whole before anything is kept: with a bad line nothing is taken in and
/// `payout_lines_invalid` names each in `lines`, unless you send `skip_invalid`. The batch is carried
/// out in the background; ask for it or wait for `payout.finished`. `out_batch_no` and each
/// `out_transfer_no` are yours for ever. Bodies up to `limits.large_body_bytes` are taken.
///
/// Problems: `merchant_inactive`, `invalid_request`, `payout_lines_invalid`, `balance_too_low`, `conflict`,
/// `in_progress`.
#[utoipa::path(post, path = "/v1/merchant/payouts", operation_id = "request_payout", tag = "merchant payouts",
    request_body = PayoutAsk, responses(
        (status = 201, description = "The batch", body = Payout),
        (status = 200, description = "It was there", body = Payout),
    ))]
pub(super) async fn request(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Json(ask): Json<PayoutAsk>,
) -> Answer<Payout> {
    made(payouts::request(&app, &caller, ask).await?)
}

/// Pays out to the payees in a CSV file.
///
/// UTF-8 with a header; columns `out_transfer_no`, `wallet_id` or `phone` and `name`, `amount_fen` or
/// `amount_yuan`, `remark`, in any order. The rest is as with a call.
///
/// Problems: `merchant_inactive`, `invalid_request`, `payout_lines_invalid`, `balance_too_low`, `conflict`,
/// `in_progress`, `unsupported_media_type`.
#[utoipa::path(post, path = "/v1/merchant/payouts/files", operation_id = "request_payout_by_file", tag = "merchant payouts",
    params(FileAsk), request_body(content = String, content_type = "text/csv"), responses(
        (status = 201, description = "The batch", body = Payout),
        (status = 200, description = "It was there", body = Payout),
    ))]
pub(super) async fn request_by_file(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(ask): Query<FileAsk>,
    headers: HeaderMap,
    file: Bytes,
) -> Answer<Payout> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/csv")) {
        return Err(Problem::new(Code::UnsupportedMediaType).detail("Send the file as text/csv.").into());
    }
    let ask = ask.with(payouts::read_file(&file)?);
    made(payouts::request(&app, &caller, ask).await?)
}

/// Lists your batches of payouts, newest first.
///
/// Problems: `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/payouts", operation_id = "list_payouts", tag = "merchant payouts", params(ListAsk),
    responses((status = 200, description = "A page", body = Page<Payout>)))]
pub(super) async fn list(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Query(ask): Query<ListAsk>,
) -> Answer<Page<Payout>> {
    found(payouts::list(&app, caller.merchant, &ask).await?)
}

/// Reads a batch with its progress, by its id.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/payouts/{payout_id}", operation_id = "read_payout", tag = "merchant payouts",
    params(("payout_id" = PayoutId, Path)), responses((status = 200, description = "The batch", body = Payout)))]
pub(super) async fn of(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<PayoutId>,
) -> Answer<Payout> {
    found(payouts::of(&app, caller.merchant, &Name::Id(id)).await?)
}

/// Reads a batch by your own number.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/payouts/out-batch-no/{out_batch_no}", operation_id = "read_payout_by_number",
    tag = "merchant payouts", params(("out_batch_no" = String, Path)),
    responses((status = 200, description = "The batch", body = Payout)))]
pub(super) async fn numbered(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(number): Path<String>,
) -> Answer<Payout> {
    found(payouts::of(&app, caller.merchant, &Name::OutBatchNo(number)).await?)
}

/// Lists the lines of a batch in their order; `state=FAIL` for those that the ledger refused.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/payouts/{payout_id}/lines", operation_id = "list_payout_lines", tag = "merchant payouts",
    params(("payout_id" = PayoutId, Path), LinesAsk),
    responses((status = 200, description = "A page", body = Page<Line>)))]
pub(super) async fn lines(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<PayoutId>,
    Query(ask): Query<LinesAsk>,
) -> Answer<Page<Line>> {
    found(payouts::lines(&app, caller.merchant, &Name::Id(id), &ask).await?)
}

/// Reads one line by your own number of it, whichever batch it is in.
///
/// Problems: `not_found`.
#[utoipa::path(get, path = "/v1/merchant/payouts/out-transfer-no/{out_transfer_no}", operation_id = "read_payout_line",
    tag = "merchant payouts", params(("out_transfer_no" = String, Path)),
    responses((status = 200, description = "The line", body = Line)))]
pub(super) async fn line(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(number): Path<String>,
) -> Answer<Line> {
    found(payouts::line(&app, caller.merchant, &number).await?)
}

/// Cancels a batch that has not begun. Done again, it changes nothing.
///
/// Problems: `not_found`, `state_conflict`.
#[utoipa::path(post, path = "/v1/merchant/payouts/{payout_id}/cancel", operation_id = "cancel_payout", tag = "merchant payouts",
    params(("payout_id" = PayoutId, Path)), responses((status = 200, description = "The batch", body = Payout)))]
pub(super) async fn cancel(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<PayoutId>,
) -> Answer<Payout> {
    found(payouts::cancel(&app, caller.merchant, Name::Id(id)).await?)
}

/// Which lines a report has.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ReportAsk {
    /// Only those in this state, such as `FAIL`; all by default.
    state: Option<LineState>,
}

/// Fetches the lines of a batch as a CSV file, with what became of each.
///
/// The file is streamed and not signed; every line can be read in a signed answer.
///
/// Problems: `not_found`, `invalid_request`.
#[utoipa::path(get, path = "/v1/merchant/payouts/{payout_id}/report", operation_id = "fetch_payout_report", tag = "merchant payouts",
    params(("payout_id" = PayoutId, Path), ReportAsk),
    responses((status = 200, description = "The file", body = String, content_type = "text/csv")))]
pub(super) async fn report(
    State(app): State<App>,
    Merchant(caller): Merchant,
    Path(id): Path<PayoutId>,
    Query(ask): Query<ReportAsk>,
) -> Result<Response, Failed> {
    let report = payouts::report(&app, caller.merchant, &Name::Id(id), ask.state).await?;
    let name = report.name();
    let pieces = stream::try_unfold(report, |mut report: Report| async move {
        let piece = report.piece().await.map_err(std::io::Error::other)?;
        Ok::<_, std::io::Error>(piece.map(|piece| (Bytes::from(piece), report)))
    });
    let answer = Response::builder()
        .header(header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present")
        .header(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""));
    let mut response =
        answer.body(Body::from_stream(pieces)).map_err(|fault| Failed(Problem::internal(fault)))?;
    response.extensions_mut().insert(Streamed);
    Ok(response)
}
