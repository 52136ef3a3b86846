//! Messages to addresses that nobody vouches for.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jialing_rails::Answer;
use jialing_rails::webhook::{
    BadAddress, NotSent, Resolver, SendLimits, Sent, SystemResolver, WebhookSender,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers each question with the next of its addresses, the last again and again.
#[derive(Clone)]
struct Names {
    answers: Vec<Vec<IpAddr>>,
    asked: Arc<AtomicUsize>,
}

impl Names {
    fn new(answers: &[&[&str]]) -> Self {
        let parse = |all: &&[&str]| all.iter().map(|text| text.parse().expect("an address")).collect();
        Self { answers: answers.iter().map(parse).collect(), asked: Arc::default() }
    }
}

impl Resolver for Names {
    fn resolve(&self, _name: String) -> Answer<'static, std::io::Result<Vec<IpAddr>>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let found = self.answers[asked.min(self.answers.len() - 1)].clone();
        Box::pin(async move { Ok(found) })
    }
}

fn sender(names: Names, loopback: bool, limits: SendLimits) -> WebhookSender {
    WebhookSender::new(names, limits, loopback).expect("a client")
}

/// Takes one connection and answers with `answer`; then what it heard. With no answer it stays silent
/// until the caller gives up.
async fn server(answer: Option<String>) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a caller");
        let mut heard = Vec::new();
        let mut chunk = [0; 4096];
        while !heard.ends_with(b"{}") {
            let read = stream.read(&mut chunk).await.expect("a request");
            assert!(read > 0, "the request ended early");
            heard.extend_from_slice(&chunk[..read]);
        }
        match answer {
            // The caller may hang up before it has heard all.
            Some(answer) => drop(stream.write_all(answer.as_bytes()).await),
            None => assert_eq!(stream.read(&mut chunk).await.unwrap_or(0), 0, "nothing more is sent"),
        }
        String::from_utf8_lossy(&heard).into_owned()
    });
    (port, task)
}

async fn send(sender: &WebhookSender, address: &str) -> Result<Sent, NotSent> {
    sender.send(address, &[("webhook-id", "evt_1".into())], b"{}".to_vec()).await
}

#[test]
fn an_address_is_judged_before_anything_is_resolved() {
    let check = |address: &str, loopback: bool, expect: Result<(), BadAddress>| {
        assert_eq!(WebhookSender::check(address, loopback).map(drop), expect, "{address}");
    };
    use BadAddress::{NotAnAddress, NotEncrypted, NotPublic, Port};
    check("https://shop.example/paid?a=1", false, Ok(()));
    check("https://shop.example:8443/", false, Ok(()));
    check("https://1.1.1.1/", false, Ok(()));
    check("https://[2606:4700::1111]/", false, Ok(()));
    check("http://shop.example/", false, Err(NotEncrypted));
    check("http://shop.example/", true, Err(NotEncrypted));
    check("ftp://shop.example/", false, Err(NotAnAddress));
    check("shop.example", false, Err(NotAnAddress));
    check("https://user@shop.example/", false, Err(NotAnAddress));
    check("https://shop.example/#a", false, Err(NotAnAddress));
    check("https://shop.example:22/", false, Err(Port));
    check("https://shop.example:1023/", false, Err(Port));
    check("https://shop.example:1024/", false, Ok(()));
    for private in [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "2130706433",
        "0x7f.1",
        "017700000001",
        "[::1]",
        "[::ffff:10.0.0.1]",
        "localhost",
    ] {
        check(&format!("https://{private}/"), false, Err(NotPublic));
    }
    check("http://127.0.0.1:9000/", true, Ok(()));
    check("http://localhost/", true, Ok(()));
    check("http://10.0.0.1/", true, Err(NotEncrypted));
    check("https://10.0.0.1/", true, Err(NotPublic));
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_whatever_else_it_leads_to() {
    let limits = SendLimits::default();
    for addresses in [&["10.0.0.1"][..], &["1.1.1.1", "127.0.0.1"], &["169.254.169.254"], &["::1"], &[]] {
        let sender = sender(Names::new(&[addresses]), false, limits);
        assert_eq!(send(&sender, "https://shop.example/").await, Err(NotSent::NotPublic), "{addresses:?}");
    }
}

#[tokio::test]
async fn a_name_is_judged_by_the_very_answer_that_is_connected_to() {
    // The second answer leads to this machine, as a rebinding name's would.
    let names = Names::new(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    // It hangs up on whoever connects.
    let connected = tokio::spawn(async move { drop(listener.accept().await) });
    let sender = sender(names.clone(), true, SendLimits::default());
    let address = format!("https://shop.example:{port}/");
    assert_eq!(send(&sender, &address).await, Err(NotSent::NoConnection));
    connected.await.expect("the first answer was connected to");
    assert_eq!(send(&sender, &address).await, Err(NotSent::NotPublic));
    assert_eq!(names.asked.load(Ordering::SeqCst), 2, "each connection asks once");
}

#[tokio::test]
async fn an_unknown_name_is_no_endpoint() {
    let sender = WebhookSender::new(SystemResolver, SendLimits::default(), false).expect("a client");
    assert_eq!(send(&sender, "https://nothing.invalid/").await, Err(NotSent::NoSuchName));
}

#[tokio::test]
async fn an_answer_brings_its_status_its_wait_and_the_beginning_of_its_body() {
    let body = format!("busy\u{7}{}", "x".repeat(100_000));
    let answer =
        format!("HTTP/1.1 503 Busy\r\nRetry-After: 90\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let (port, heard) = server(Some(answer)).await;
    let limits = SendLimits { answer_bytes: 16, ..SendLimits::default() };
    let sender = sender(Names::new(&[&["127.0.0.1"]]), true, limits);
    let sent = send(&sender, &format!("http://127.0.0.1:{port}/paid?x=1")).await.expect("an answer");
    assert_eq!((sent.status, sent.retry_after_s, sent.is_success()), (503, Some(90), false));
    assert_eq!(sent.body, format!("busy{}", "x".repeat(11)));
    let heard = heard.await.expect("a request").to_lowercase();
    assert!(heard.starts_with("post /paid?x=1 http/1.1\r\n"), "{heard}");
    for header in ["webhook-id: evt_1\r\n", "content-type: application/json\r\n", "user-agent: jialing"] {
        assert!(heard.contains(header), "{header} is missing in {heard}");
    }
}

#[tokio::test]
async fn redirects_are_answers_and_are_not_followed() {
    let (inside, never) = server(None).await;
    let answer =
        format!("HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:{inside}/\r\nContent-Length: 0\r\n\r\n");
    let (port, _heard) = server(Some(answer)).await;
    let sender = sender(Names::new(&[&["127.0.0.1"]]), true, SendLimits::default());
    let sent = send(&sender, &format!("http://127.0.0.1:{port}/")).await.expect("an answer");
    assert_eq!((sent.status, sent.is_success()), (307, false));
    assert!(!never.is_finished(), "nobody knocked at what the redirect names");
    never.abort();
}

#[tokio::test]
async fn a_silent_endpoint_is_left_when_the_time_is_over() {
    let (port, _heard) = server(None).await;
    let limits = SendLimits { answer_ms: 200, ..SendLimits::default() };
    let sender = sender(Names::new(&[&["127.0.0.1"]]), true, limits);
    let begun = Instant::now();
    assert_eq!(send(&sender, &format!("http://127.0.0.1:{port}/")).await, Err(NotSent::TimedOut));
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_body_that_drags_on_takes_nothing_away_from_a_success() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nok".to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a caller");
        let mut heard = [0; 4096];
        assert!(stream.read(&mut heard).await.expect("a request") > 0);
        stream.write_all(head.as_bytes()).await.expect("the head is sent");
        std::future::pending::<()>().await;
    });
    let limits = SendLimits { answer_ms: 300, ..SendLimits::default() };
    let sender = sender(Names::new(&[&["127.0.0.1"]]), true, limits);
    let sent = send(&sender, &format!("http://127.0.0.1:{port}/")).await.expect("an answer");
    assert_eq!((sent.status, sent.is_success()), (200, true));
    task.abort();
}
