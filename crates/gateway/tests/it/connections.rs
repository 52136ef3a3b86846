//! Callers who are slow, idle, many, or gone.

use std::time::Duration;

use jialing_platform::db::Backend;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::door::{Door, hear};
use crate::world::World;

/// Longest that anything here is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

async fn connect(door: &Door) -> TcpStream {
    TcpStream::connect(door.running.address).await.expect("the gateway accepts")
}

async fn to_the_end(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let read =
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut text)).await.expect("the gateway closes");
    // A connection that is closed with unread bytes is reset; that is an end too.
    let _ = read;
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_is_given_up_with_a_problem() {
    let world = World::start(Backend::Sqlite).await;
    let door = Door::with(&world, |config| config.limits.body_seconds = 1).await;
    let mut stream = connect(&door).await;
    let head = "POST /v1/wallet/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.expect("the head is taken");
    let answer = to_the_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("request_timeout"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_head_and_an_idle_connection_are_closed() {
    let world = World::start(Backend::Sqlite).await;
    let door = Door::with(&world, |config| config.limits.idle_seconds = 1).await;
    let mut silent = connect(&door).await;
    let mut slow = connect(&door).await;
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost:").await.expect("some bytes are taken");
    let mut used = connect(&door).await;
    used.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("a request is taken");
    assert_eq!(to_the_end(&mut silent).await, "");
    assert!(!to_the_end(&mut slow).await.contains("200 OK"));
    assert!(to_the_end(&mut used).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_idle_connections_keep_nobody_out() {
    let world = World::start(Backend::Sqlite).await;
    let door = Door::with(&world, |config| config.limits.connections = 20_000).await;
    // Both ends of each connection are files of this process.
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    let many = usize::try_from(files.saturating_sub(600) / 2).unwrap_or(usize::MAX).min(10_000);
    eprintln!("{many} idle connections, as {files} files may be open");
    let mut idle = Vec::with_capacity(many);
    for n in 0..many {
        idle.push(connect(&door).await);
        if n % 1000 == 0 {
            hear(door.request(Method::GET, "/v1/public/keys")).await.went_well();
        }
    }
    hear(door.request(Method::GET, "/v1/public/keys")).await.went_well();
    hear(door.request(Method::GET, "/readyz")).await.went_well();
    drop(idle);
    hear(door.request(Method::GET, "/v1/public/keys")).await.went_well();
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_limit_the_longest_idle_connection_makes_room() {
    let world = World::start(Backend::Sqlite).await;
    let door = Door::with(&world, |config| config.limits.connections = 3).await;
    let mut first = connect(&door).await;
    let mut others = Vec::new();
    for _ in 0..5 {
        others.push(connect(&door).await);
    }
    assert_eq!(to_the_end(&mut first).await, "");
    let newest = others.last_mut().expect("one");
    newest.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.expect("taken");
    assert!(to_the_end(newest).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_requests_finish_and_takes_no_more() {
    let world = World::start(Backend::Sqlite).await;
    let door = Door::open(&world).await;
    let address = door.running.address;
    let idle = connect(&door).await;
    let mut working = connect(&door).await;
    let head = "POST /v1/wallet/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";
    working.write_all(head.as_bytes()).await.expect("the head is taken");
    let mut go_on = [0; 25];
    working.read_exact(&mut go_on).await.expect("the gateway asks for the body: it works on the request");
    let stopping = tokio::spawn(door.running.stop());
    // The listener is gone before the work is done.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!stopping.is_finished(), "a request is being worked on");
    working.write_all(b"{}").await.expect("the body is taken");
    let answer = to_the_end(&mut working).await;
    assert!(answer.contains("HTTP/1.1 400") && answer.contains("invalid_request"), "{answer}");
    tokio::time::timeout(PATIENCE, stopping).await.expect("the stop ends").expect("without a panic");
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_ever() {
    let world = World::start(Backend::Sqlite).await;
    let door = Door::with(&world, |config| config.limits.drain_seconds = 0).await;
    let mut working = connect(&door).await;
    let head = "POST /v1/wallet/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";
    working.write_all(head.as_bytes()).await.expect("the head is taken");
    working.read_exact(&mut [0; 25]).await.expect("the gateway works on the request");
    tokio::time::timeout(PATIENCE, door.running.stop())
        .await
        .expect("the stop ends though the body never comes");
    to_the_end(&mut working).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_work_or_streams_than_allowed_are_refused_and_come_back() {
    let world = World::start(Backend::Sqlite).await;
    let none = Door::with(&world, |config| config.limits.in_flight = 0).await;
    let refused = none.get("/v1/public/keys").await;
    refused.is("overloaded");
    assert_eq!(refused.headers["retry-after"], "1");
    // What waits for somebody else has places of its own: neither kind keeps the other out.
    let code = json!({ "phone": "13800000001", "purpose": "sign_up" });
    let ask = |door: &Door| hear(door.request(Method::POST, "/v1/wallet/codes").json(&code));
    ask(&none).await.went_well();
    let none = Door::with(&world, |config| config.limits.waiting = 0).await;
    none.get("/v1/public/keys").await.went_well();
    ask(&none).await.is("overloaded");

    let door = Door::with(&world, |config| {
        config.city = true;
        (config.limits.streams, config.limits.in_flight) = (1, 1);
    })
    .await;
    let listen = || door.request(Method::GET, "/v1/public/city/live").send();
    let first = listen().await.expect("a stream");
    assert_eq!(first.status(), 200);
    hear(door.request(Method::GET, "/v1/public/city/live")).await.is("overloaded");
    // A stream is no work in flight.
    door.get("/v1/public/keys").await.went_well();
    drop(first);
    while listen().await.expect("an answer").status() != 200 {
        tokio::task::yield_now().await;
    }
}
