//! A witness that fetches: from a log's published checkpoint and tiles alone.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use jialing_crypto::Suite;
use jialing_crypto::proof::verify_consistency;
use jialing_witness::Witness;
use jialing_witness::pull::{PullError, Source, once};
use jialing_witness::rules::Refusal;
use jialing_witness::tiles::{self, Tile};
use tokio::net::TcpListener;

use crate::log::Log;
use crate::protocol::NAME;

#[test]
fn proofs_out_of_tiles_are_those_of_the_rfc_at_every_edge() {
    let log = Log::new(Suite::Ed25519, 70_000);
    let check = |old: usize, new: usize| {
        let fetched: BTreeMap<Tile, Vec<u8>> =
            tiles::wanted(old as u64, new as u64).into_iter().map(|tile| (tile, log.tile(tile))).collect();
        let proof = tiles::consistency(old as u64, new as u64, log.hash, &fetched).expect("a proof");
        let (first, second) = (log.root(old), log.root(new));
        verify_consistency(log.hash, old as u64, new as u64, &proof, &first, &second)
            .unwrap_or_else(|error| panic!("{old} to {new}: {error}"));
        assert_eq!(proof, log.ask(old, new).proof, "{old} to {new}");
    };
    for new in 1..40 {
        for old in 1..=new {
            check(old, new);
        }
    }
    for new in [255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 70_000] {
        for old in [1, 2, 255, 256, 257, 512, 60_000, 65_535, 65_536, 65_537, 69_999] {
            if old <= new {
                check(old, new);
            }
        }
    }
}

#[test]
fn a_missing_or_short_tile_gives_no_proof() {
    let log = Log::new(Suite::Ed25519, 600);
    let whole: BTreeMap<Tile, Vec<u8>> =
        tiles::wanted(300, 600).into_iter().map(|tile| (tile, log.tile(tile))).collect();
    assert!(tiles::consistency(300, 600, log.hash, &whole).is_some());
    for tile in whole.keys() {
        let mut fewer = whole.clone();
        fewer.remove(tile);
        assert_eq!(tiles::consistency(300, 600, log.hash, &fewer), None, "{tile:?} is missing");
    }
    let mut short = whole.clone();
    short.values_mut().for_each(|bytes| bytes.truncate(31));
    assert_eq!(tiles::consistency(300, 600, log.hash, &short), None);
}

/// What is published: which of two logs, and how far.
struct Published {
    logs: [Log; 2],
    shown: Mutex<(usize, usize)>,
    asked: AtomicUsize,
}

async fn publish(published: Arc<Published>) -> String {
    let checkpoint = async |State(published): State<Arc<Published>>| {
        let (which, size) = *published.shown.lock().expect("no panic");
        published.logs[which].note(size)
    };
    let tile = async |State(published): State<Arc<Published>>, Path(path): Path<String>| {
        published.asked.fetch_add(1, Ordering::Relaxed);
        let (which, size) = *published.shown.lock().expect("no panic");
        let tile = (0..3u8)
            .flat_map(|level| {
                tiles::wanted(1, size as u64).into_iter().filter(move |tile| tile.level == level)
            })
            .chain((1..size as u64).flat_map(|old| tiles::wanted(old, size as u64)))
            .find(|tile| tile.path() == path);
        tile.map(|tile| published.logs[which].tile(tile)).ok_or(StatusCode::NOT_FOUND)
    };
    let router = Router::new()
        .route("/log/checkpoint", get(checkpoint))
        .route("/log/tile/{*path}", get(tile))
        .with_state(published);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/log/")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_cosigned_from_what_it_publishes_and_a_fork_or_a_rollback_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = Log::new(Suite::Ed25519, 700);
    let fork = log.forked(5);
    let key = log.key();
    let published =
        Arc::new(Published { logs: [log, fork], shown: Mutex::new((0, 300)), asked: AtomicUsize::new(0) });
    let source = Source { log: key.clone(), url: publish(published.clone()).await };
    let witness = Arc::new(Witness::open(folder.path(), NAME, &[key]).expect("it opens"));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let show = |which: usize, size: usize| *published.shown.lock().expect("no panic") = (which, size);

    assert_eq!(once(&client, &witness, &source).await.expect("cosigned"), 300);
    assert_eq!(published.asked.load(Ordering::Relaxed), 0, "the first one needs no proof");
    assert_eq!(once(&client, &witness, &source).await.expect("as before"), 300);
    show(0, 600);
    assert_eq!(once(&client, &witness, &source).await.expect("cosigned"), 600);
    assert!(published.asked.load(Ordering::Relaxed) > 0);
    let refused = async || match once(&client, &witness, &source).await {
        Err(PullError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    show(1, 700);
    assert!(matches!(refused().await, Refusal::NotConsistent(_)));
    show(1, 600);
    assert_eq!(refused().await, Refusal::Fork { size: 600 });
    show(0, 300);
    assert_eq!(refused().await, Refusal::OtherSize { latest: 600, rollback: true });
    show(0, 700);
    assert_eq!(once(&client, &witness, &source).await.expect("the true log goes on"), 700);
}
