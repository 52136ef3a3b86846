//! Files behind links that are good for a short time.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jialing_platform::App;
use jialing_platform::statements::link;

use crate::answer::Failed;
use crate::download;
use crate::extract::Path;

/// Fetches the file that a link leads to, or a part of it with the header `Range`.
///
/// The link is in a signed answer, and so are the file's hashes.
///
/// Problems: `not_found` for a link that is none or whose time is over, `invalid_request` for a part beyond the
/// file.
#[utoipa::path(get, path = "/v1/public/downloads/{token}", operation_id = "fetch_download", tag = "files",
    params(("token" = String, Path)), responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "The part asked for", body = Vec<u8>, content_type = "application/octet-stream"),
    ))]
pub(super) async fn fetch(
    State(app): State<App>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    let link::File { name, content_type, sha256, reader } = link::open(&app, &token).await?;
    download::give(&headers, download::File { name, content_type, sha256, reader })
}
