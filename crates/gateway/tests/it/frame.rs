//! What every answer has, and what is refused before any handler.

use jialing_platform::db::Backend;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::json;

use crate::door::{Door, hear};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_refused_before_a_handler_is_a_problem() {
    let world = World::start(Backend::Sqlite).await;
    let door = Door::open(&world).await;
    door.get("/v1/nothing").await.is("not_found");
    door.get("/v1/wallet").await.is("not_found");
    hear(door.request(Method::PUT, "/v1/public/keys")).await.is("method_not_allowed");
    hear(door.request(Method::TRACE, "/v1/public/keys")).await.is("method_not_allowed");
    door.get("/v1/public/keys?page=2").await.names("invalid_request", "page");
    door.get("/v1/public/proof/inclusion").await.names("invalid_request", "seq");
    door.get("/v1/public/proof/inclusion?seq=-1").await.names("invalid_request", "seq");
    door.get("/v1/public/proof/inclusion?seq=1&seq=2").await.names("invalid_request", "seq");
    door.get("/v1/public/proof/inclusion?SEQ=1").await.names("invalid_request", "SEQ");

    let sign_in = |content_type: &str, body: Vec<u8>| {
        hear(
            door.request(Method::POST, "/v1/wallet/sessions").header("Content-Type", content_type).body(body),
        )
    };
    sign_in("application/json", vec![]).await.is("invalid_request");
    sign_in("text/plain", b"{}".to_vec()).await.is("unsupported_media_type");
    sign_in("application/x-www-form-urlencoded", b"a=b".to_vec()).await.is("unsupported_media_type");
    sign_in("application/json", b"{".to_vec()).await.is("invalid_request");
    sign_in("application/json", b"\xff\xfe".to_vec()).await.is("invalid_request");
    sign_in("application/json; charset=utf-8", "[".repeat(60_000).into_bytes()).await.is("invalid_request");
    sign_in("application/json", vec![b' '; 64 << 10]).await.is("invalid_request");
    sign_in("application/json", vec![b' '; (64 << 10) + 1]).await.is("body_too_large");
    sign_in("application/json", vec![b'x'; 10 << 20]).await.is("body_too_large");

    let headers: HeaderMap =
        [("x-big".parse().unwrap(), "x".repeat(17 << 10).parse().unwrap())].into_iter().collect();
    hear(door.request(Method::GET, "/v1/public/keys").headers(headers)).await.is("headers_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_tell_browsers_to_do_nothing_of_their_own() {
    let world = World::start(Backend::Sqlite).await;
    let door = Door::with(&world, |config| {
        config.city = true;
        config.assets = jialing_gateway::city_page();
    })
    .await;
    let answer = door.get("/v1/public/keys").await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'");
    assert!(!answer.headers.contains_key("strict-transport-security"), "the public address is http");
    assert!(!answer.headers.contains_key("access-control-allow-origin"), "CORS is off");

    let page = door.get("/").await;
    let policy = page.headers["content-security-policy"].to_str().expect("ASCII").to_owned();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self'")
            && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    let tag = page.headers["etag"].clone();
    let again = hear(door.request(Method::GET, "/").header("If-None-Match", tag)).await;
    assert_eq!((again.status, again.bytes.len()), (304, 0));
    door.get("/city/city.js").await.went_well();
    assert_eq!(door.get("/docs/errors").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_life_readiness_and_figures() {
    let world = World::start(Backend::Sqlite).await;
    let door = Door::open(&world).await;
    assert_eq!(door.get("/healthz").await.body, json!({ "status": "ok" }));
    let ready = door.get("/readyz").await;
    assert_eq!((ready.status, &ready.body["status"]), (200, &json!("ready")), "{}", ready.body);
    assert!(ready.body["lag"]["settlement"].is_u64(), "{}", ready.body);
    let figures = String::from_utf8(door.get("/metrics").await.bytes).expect("text");
    for name in [
        "jialing_http_requests_total",
        "jialing_http_request_seconds_bucket",
        "jialing_ledger_records",
        "jialing_follower_lag_records",
    ] {
        assert!(figures.contains(name), "{name} is missing");
    }

    let guarded = Door::with(&world, |config| config.metrics_token = Some("let-me-see".into())).await;
    guarded.get("/metrics").await.is("not_found");
    hear(guarded.request(Method::GET, "/metrics").bearer_auth("let-me-sea")).await.is("not_found");
    hear(guarded.request(Method::GET, "/metrics").bearer_auth("let-me-see")).await.went_well();
    Door::with(&world, |config| config.trusted_proxies = 1).await.get("/metrics").await.is("not_found");

    world.app.engine.shutdown().await;
    door.get("/readyz").await.is("overloaded");
    assert_eq!(door.get("/healthz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_are_refused_with_the_wait_and_the_bucket() {
    let world = World::start(Backend::Sqlite).await;
    let door =
        Door::with(&world, |config| config.limits.doors = jialing_gateway::Rate { burst: 3, per_minute: 1 })
            .await;
    for _ in 0..3 {
        hear(door.request(Method::GET, "/v1/wallet/sessions").bearer_auth("guess"))
            .await
            .is("unauthenticated");
    }
    let refused = hear(door.request(Method::GET, "/v1/wallet/sessions").bearer_auth("guess")).await;
    refused.is("rate_limited");
    assert_eq!(
        refused.body["bucket"],
        json!({ "name": "doors", "burst": 3, "per_minute": 1, "remaining": 0 })
    );
    let wait: u64 = refused.headers["retry-after"].to_str().expect("ASCII").parse().expect("seconds");
    assert!((50..=60).contains(&wait), "{wait}");
    // Others' guesses do not count against the public reads.
    door.get("/v1/public/keys").await.went_well();
}
