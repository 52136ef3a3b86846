//! Fetching files: bounded, without redirects, never from a private network.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::get;
use jialing_rails::fetch::{FetchLimits, Fetcher, NoFile};
use tokio::net::TcpListener;

/// A server on loopback with some files; it ends with the test's runtime.
async fn server() -> String {
    let slow = || async {
        let silence = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
        Body::from_stream(silence)
    };
    let router = Router::new()
        .route("/file", get(|| async { "0123456789" }))
        .route("/moved", get(|| async { Redirect::temporary("/file") }))
        .route("/gone", get(|| async { StatusCode::NOT_FOUND }))
        .route("/slow", get(slow));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn fetched(limits: FetchLimits, url: &str) -> Result<Vec<u8>, NoFile> {
    let mut bytes = Vec::new();
    let fetcher = Fetcher::new(limits, true).expect("a client");
    fetcher
        .get(url, |piece| {
            bytes.extend_from_slice(piece);
            true
        })
        .await
        .map(|()| bytes)
}

#[tokio::test]
async fn a_file_is_fetched_within_its_bounds_and_from_where_it_was_said() {
    let server = server().await;
    let limits = FetchLimits { idle: Duration::from_millis(300), bytes: 10, ..FetchLimits::default() };
    let check = async |limits, path: &str, expect: Result<&[u8], NoFile>| {
        let found = fetched(limits, &format!("{server}{path}")).await;
        assert_eq!(found, expect.map(<[u8]>::to_vec), "{path}");
    };
    check(limits, "/file", Ok(b"0123456789")).await;
    check(FetchLimits { bytes: 9, ..limits }, "/file", Err(NoFile::TooLarge)).await;
    check(limits, "/moved", Err(NoFile::Status(307))).await;
    check(limits, "/gone", Err(NoFile::Status(404))).await;
    check(limits, "/slow", Err(NoFile::NoAnswer)).await;
    let fetcher = Fetcher::new(limits, true).expect("a client");
    assert_eq!(fetcher.get(&format!("{server}/file"), |_| false).await, Err(NoFile::Stopped));
}

#[tokio::test]
async fn a_name_that_resolves_to_this_machine_is_not_reached_outside_a_sandbox() {
    let fetcher = Fetcher::new(FetchLimits::default(), false).expect("a client");
    // `localhost.` is a name to us, and this machine to the system's resolver.
    let outcome = fetcher.get("https://localhost./file", |_| true).await;
    assert!(matches!(outcome, Err(NoFile::Private | NoFile::NoAnswer)), "{outcome:?}");
    let outcome = fetcher.get("https://127.0.0.1/file", |_| true).await;
    assert_eq!(outcome, Err(NoFile::Private));
}
