//! A measurement: many endpoints of which half hang, and how long the others wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jialing_crypto::{SigningKey, Suite};
use jialing_platform::id::WebhookId;
use jialing_platform::orders;
use jialing_platform::webhooks::{self, CreateAsk, MAX_WEBHOOKS, Manager, Signers, deliver};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::city::found;
use crate::market::Shop;
use crate::world::{World, on_each_backend};

/// Merchants; each has as many endpoints as it may.
const MERCHANTS: u32 = 50;
/// Events of each merchant, one a round.
const ROUNDS: u32 = 5;
/// What the others may wait, milliseconds.
const BOUND_MS: u128 = 2_000;

/// Answers `/well/…` at once and says when it was asked; keeps `/hang/…` waiting for ever.
async fn server() -> (String, mpsc::UnboundedReceiver<Instant>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let (tell, asked) = mpsc::unbounded_channel();
    let tell = Arc::new(tell);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, tell.clone()));
        }
    });
    (base, asked)
}

async fn converse(mut stream: TcpStream, tell: Arc<mpsc::UnboundedSender<Instant>>) -> Option<()> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 8192]);
    loop {
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if length.is_none_or(|length: usize| body.len() < length) {
            continue;
        }
        if head.starts_with("POST /hang/") {
            std::future::pending::<()>().await;
        }
        tell.send(Instant::now()).ok()?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.ok()?;
        bytes.clear();
    }
}

#[test]
#[ignore = "a measurement of a minute: run it by name on a quiet machine"]
fn a_thousand_endpoints_half_of_them_hanging_keep_the_others_under_two_seconds() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (base, mut asked) = server().await;
        let mut shops = Vec::new();
        for n in 1..=MERCHANTS {
            let shop = Shop::open(world, n, "BKB").await;
            for endpoint in 0..MAX_WEBHOOKS {
                let kind = if endpoint % 2 == 0 { "hang" } else { "well" };
                let ask = CreateAsk {
                    url: format!("{base}/{kind}/{n}/{endpoint}"),
                    events: None,
                    description: None,
                };
                let id = WebhookId::new(world.clock.millis());
                webhooks::create(&world.app, &Manager::server(&shop.caller), id, ask)
                    .await
                    .expect("registered");
            }
            shops.push(shop);
        }
        let signers = Signers::new(vec![SigningKey::generate(Suite::Ed25519)]);
        let worker = deliver::keep(&world.app, signers).expect("a worker");
        let mut waited = Vec::new();
        for round in 0..ROUNDS {
            for shop in &shops {
                shop.order(world, &format!("r-{round}"), 100).await;
            }
            let begun = Instant::now();
            for shop in &shops {
                let name = orders::Name::OutTradeNo(format!("r-{round}"));
                orders::close(&world.app, shop.id, name).await.expect("closed");
            }
            let written = begun.elapsed();
            for _ in 0..MERCHANTS as usize * MAX_WEBHOOKS as usize / 2 {
                let at = tokio::time::timeout(Duration::from_secs(30), asked.recv()).await;
                waited.push(
                    at.expect("it is told").expect("the server runs").duration_since(begun).as_millis(),
                );
            }
            eprintln!(
                "round {round}: events written in {written:?}, told after {} ms at most",
                waited.iter().rev().take(500).max().unwrap_or(&0)
            );
        }
        worker.abort();
        waited.sort_unstable();
        let at = |part: usize| waited[(waited.len() - 1) * part / 1000];
        eprintln!(
            "{} endpoints, half hanging, {} messages: p50 {} ms, p99 {} ms, most {} ms",
            MERCHANTS as usize * MAX_WEBHOOKS as usize,
            waited.len(),
            at(500),
            at(990),
            at(1000)
        );
        assert!(at(1000) < BOUND_MS, "somebody waited {} ms", at(1000));
    });
}
