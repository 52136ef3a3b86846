//! Files served beside the API: pages that may load only what this server serves.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jialing_crypto::hash::HashAlgorithm;

use crate::edge::Edge;

/// What a page may do: run our scripts and styles, ask our API, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Where it is served, such as `/` or `/city.js`.
    pub path: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// Its content.
    pub content: &'static [u8],
}

macro_rules! assets {
    ($folder:literal: $($path:literal $file:literal $media_type:literal),* $(,)?) => {
        vec![$(Asset { path: $path, media_type: $media_type, content: include_bytes!(concat!("../assets/", $folder, "/", $file)) }),*]
    };
}

/// The page that shows a demonstration city live, with the TypeScript client's verifier, built.
#[must_use]
pub fn city_page() -> Vec<Asset> {
    let verifier = assets!("sdk":
        "/sdk/bytes.js" "bytes.js" "text/javascript; charset=utf-8",
        "/sdk/index.js" "index.js" "text/javascript; charset=utf-8",
        "/sdk/note.js" "note.js" "text/javascript; charset=utf-8",
        "/sdk/proof.js" "proof.js" "text/javascript; charset=utf-8",
        "/sdk/receipt.js" "receipt.js" "text/javascript; charset=utf-8",
        "/sdk/sm2.js" "sm2.js" "text/javascript; charset=utf-8",
        "/sdk/sm3.js" "sm3.js" "text/javascript; charset=utf-8",
        "/sdk/supply.js" "supply.js" "text/javascript; charset=utf-8",
        "/sdk/words.js" "words.js" "text/javascript; charset=utf-8",
    );
    let page = assets!("city":
        "/" "index.html" "text/html; charset=utf-8",
        "/city/city.css" "city.css" "text/css; charset=utf-8",
        "/city/city.js" "city.js" "text/javascript; charset=utf-8",
        "/city/flow.js" "flow.js" "text/javascript; charset=utf-8",
        "/city/receipt.js" "receipt.js" "text/javascript; charset=utf-8",
        "/city/page.js" "page.js" "text/javascript; charset=utf-8",
        "/city/supply.js" "supply.js" "text/javascript; charset=utf-8",
        "/city/texts.js" "texts.js" "text/javascript; charset=utf-8",
        "/city/verify.js" "verify.js" "text/javascript; charset=utf-8",
        "/city/icon.svg" "icon.svg" "image/svg+xml",
    );
    [page, verifier].concat()
}

/// A router that serves `assets`.
pub(crate) fn router(assets: &[Asset]) -> Router<Edge> {
    assets.iter().cloned().fold(Router::new(), |router, asset| {
        let tag = format!("\"{}\"", hex::encode(&HashAlgorithm::Sha256.digest(asset.content)[..16]));
        router.route(asset.path, get(async move |request: Request| serve(&asset, &tag, request.headers())))
    })
}

fn serve(asset: &Asset, tag: &str, asked: &HeaderMap) -> Response {
    let known = asked.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let mut response = match known {
        Some(tags) if tags.split(',').any(|known| known.trim().trim_start_matches("W/") == tag) => {
            StatusCode::NOT_MODIFIED.into_response()
        }
        _ => asset.content.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}
