//! Many endpoints of which half hang, and how long the others wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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
use crate::world::{World, load, on_each_backend};

/// Events of each merchant, one a round.
const ROUNDS: u32 = 5;

/// Answers `/well/…` at once and says when it was asked; keeps `/hang/…` waiting for ever.
/// Counts whom it kept waiting until they gave up.
async fn server() -> (String, mpsc::UnboundedReceiver<Instant>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let (tell, asked) = mpsc::unbounded_channel();
    let given_up = Arc::new(AtomicUsize::new(0));
    let gone = given_up.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, tell.clone(), gone.clone()));
        }
    });
    (base, asked, given_up)
}

async fn converse(
    mut stream: TcpStream,
    tell: mpsc::UnboundedSender<Instant>,
    given_up: Arc<AtomicUsize>,
) -> Option<()> {
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
            while stream.read(&mut chunk).await.is_ok_and(|read| read > 0) {}
            given_up.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        tell.send(Instant::now()).ok()?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.ok()?;
        bytes.clear();
    }
}

/// Every message to an endpoint that answers comes, and long before the others are given up; `make load`
/// measures it with a thousand.
#[test]
fn endpoints_that_hang_delay_none_of_the_others() {
    // Each merchant has as many endpoints as it may.
    let merchants = load(4, 50);
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (base, mut asked, given_up) = server().await;
        let mut shops = Vec::new();
        for n in 1..=merchants {
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
            for _ in 0..merchants as usize * MAX_WEBHOOKS as usize / 2 {
                let at = tokio::time::timeout(Duration::from_secs(30), asked.recv()).await;
                waited.push(
                    at.expect("it is told").expect("the server runs").duration_since(begun).as_millis(),
                );
            }
            if round == 0 {
                assert_eq!(
                    given_up.load(Ordering::Relaxed),
                    0,
                    "they had to wait until others were given up"
                );
            }
            println!(
                "round {round}: events written in {written:?}, told after {} ms at most",
                waited.iter().rev().take(merchants as usize * MAX_WEBHOOKS as usize / 2).max().unwrap_or(&0)
            );
        }
        worker.abort();
        waited.sort_unstable();
        let at = |part: usize| waited[(waited.len() - 1) * part / 1000];
        println!(
            "{} endpoints, half hanging, {} messages: p50 {} ms, p99 {} ms, most {} ms",
            merchants as usize * MAX_WEBHOOKS as usize,
            waited.len(),
            at(500),
            at(990),
            at(1000)
        );
    });
}
