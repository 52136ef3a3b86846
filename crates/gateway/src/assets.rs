//! Files served beside the API: pages that may load only what this server serves.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jialing_crypto::hash::HashAlgorithm;

/// What a page may do: run our scripts and styles, ask our API, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

/// What a built application may do besides: its components set styles of their own.
const APPLICATION_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
    base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

/// What of the device a page may ask for: the camera, to scan codes, and passkeys.
const PERMISSIONS: &str = "camera=(self), publickey-credentials-create=(self), \
    publickey-credentials-get=(self), microphone=(), geolocation=(), payment=(), usb=()";

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Where it is served, such as `/` or `/city.js`; `/wallet/{*rest}` for what is below a path.
    pub path: Cow<'static, str>,
    /// Its media type.
    pub media_type: Cow<'static, str>,
    /// Its content.
    pub content: Cow<'static, [u8]>,
    /// Its content security policy.
    pub policy: &'static str,
    /// The content never changes: its name carries its hash.
    pub lasting: bool,
    /// The content after gzip, for browsers that take it so.
    pub gzipped: Option<Cow<'static, [u8]>>,
    /// Pages of other sites may load it too.
    pub for_all: bool,
}

/// What `scripts/web` built of `sdk/typescript`; nothing where it was not run.
#[derive(rust_embed::Embed)]
#[folder = "../../sdk/typescript/dist"]
#[include = "*.js"]
#[allow_missing = true]
struct Sdk;

/// What `scripts/web` built of `web`, one folder for each application; nothing where it was not run.
#[derive(rust_embed::Embed)]
#[folder = "../../web/dist"]
#[exclude = ".built"]
#[allow_missing = true]
struct Applications;

macro_rules! assets {
    ($folder:literal: $($path:literal $file:literal $media_type:literal),* $(,)?) => {
        vec![$(Asset {
            path: Cow::Borrowed($path),
            media_type: Cow::Borrowed($media_type),
            content: Cow::Borrowed(include_bytes!(concat!("../assets/", $folder, "/", $file))),
            policy: POLICY,
            lasting: false,
            gzipped: None,
            for_all: false,
        }),*]
    };
}

/// The page that shows a demonstration city live, with the TypeScript client's verifier.
#[must_use]
pub fn city_page() -> Vec<Asset> {
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
    let verifier = Sdk::iter().filter_map(|name| {
        let file = Sdk::get(&name)?;
        Some(Asset {
            path: format!("/sdk/{name}").into(),
            media_type: "text/javascript; charset=utf-8".into(),
            content: file.data,
            policy: POLICY,
            lasting: false,
            gzipped: None,
            for_all: false,
        })
    });
    page.into_iter().chain(verifier).collect()
}

/// The script that shops' pages load from their own addresses.
const DROP_IN: &str = "cashier/jialing-pay.js";

/// The applications that were built, each below the path of its name: `/developers/`, and so on. A path
/// below it that is no file is the application's own, and gets its first page. `NAME.gz` beside a file
/// is the same, compressed.
#[must_use]
pub fn applications() -> Vec<Asset> {
    let mut assets = Vec::new();
    for name in Applications::iter().filter(|name| !name.ends_with(".gz")) {
        let Some(file) = Applications::get(&name) else { continue };
        let media_type = match file.metadata.mimetype() {
            text @ ("text/html" | "text/javascript" | "text/css") => format!("{text}; charset=utf-8"),
            other => other.to_owned(),
        };
        let gzipped = Applications::get(&format!("{name}.gz")).map(|file| file.data);
        let asset = |path: String| Asset {
            path: path.into(),
            media_type: media_type.clone().into(),
            content: file.data.clone(),
            policy: APPLICATION_POLICY,
            lasting: name.contains("/assets/"),
            gzipped: gzipped.clone(),
            for_all: name == DROP_IN,
        };
        match name.strip_suffix("/index.html") {
            Some(app) if !app.contains('/') => {
                assets.extend(["", "/", "/{*rest}"].map(|below| asset(format!("/{app}{below}"))));
            }
            _ => assets.push(asset(format!("/{name}"))),
        }
    }
    assets
}

/// A router that serves `assets`.
pub fn pages<S: Clone + Send + Sync + 'static>(assets: &[Asset]) -> Router<S> {
    assets.iter().cloned().fold(Router::new(), |router, asset| {
        let tag = format!("\"{}\"", hex::encode(&HashAlgorithm::Sha256.digest(&asset.content)[..16]));
        let (path, asset) = (asset.path.clone(), Arc::new(asset));
        router.route(&path, get(async move |request: Request| serve(&asset, &tag, request.headers())))
    })
}

fn serve(asset: &Asset, tag: &str, asked: &HeaderMap) -> Response {
    let lists = |name, value: &str| {
        let listed = asked.get(name).and_then(|list| list.to_str().ok()).unwrap_or_default();
        listed.split(',').any(|entry| entry.trim().trim_start_matches("W/") == value)
    };
    let gzipped = asset.gzipped.as_ref().filter(|_| lists(header::ACCEPT_ENCODING, "gzip"));
    let mut response = match gzipped {
        _ if lists(header::IF_NONE_MATCH, tag) => StatusCode::NOT_MODIFIED.into_response(),
        Some(gzipped) => ([(header::CONTENT_ENCODING, "gzip")], gzipped.clone()).into_response(),
        None => asset.content.clone().into_response(),
    };
    let headers = response.headers_mut();
    let caching = if asset.lasting { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(asset.policy));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert("permissions-policy", HeaderValue::from_static(PERMISSIONS));
    if asset.gzipped.is_some() {
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    if asset.for_all {
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    if let Ok(media_type) = HeaderValue::from_str(&asset.media_type) {
        headers.insert(header::CONTENT_TYPE, media_type);
    }
    // One tag for both forms of a file may only be a weak one.
    let weak = if asset.gzipped.is_some() { "W/" } else { "" };
    if let Ok(tag) = HeaderValue::try_from(format!("{weak}{tag}")) {
        headers.insert(header::ETAG, tag);
    }
    response
}
