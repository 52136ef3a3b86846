//! Listens, accepts, and stops without dropping a frame that was taken.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jialing_bulk::Fault;
use jialing_engine::Engine;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::connection::{converse, refuse};
use super::{Banks, BulkConfig};
use crate::rates::{Buckets, Caller, network};

/// Pause after the system refused a connection, for instance for want of files.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_millis(50);

/// The door for banks' bulk work.
#[derive(Debug)]
pub struct Bulk;

/// A door that is open. Dropping it closes it without draining; [`BulkRunning::stop`] drains.
#[derive(Debug)]
pub struct BulkRunning {
    /// Where it listens.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    drain: Duration,
}

/// What all connections share.
pub(super) struct Shared {
    pub(super) config: BulkConfig,
    pub(super) engine: Engine,
    pub(super) banks: Box<dyn Banks>,
    pub(super) stopping: watch::Receiver<bool>,
    buckets: Buckets,
    open: Arc<Mutex<HashMap<u32, usize>>>,
}

/// One of a bank's connections, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    open: Arc<Mutex<HashMap<u32, usize>>>,
    institution: u32,
}

impl Bulk {
    /// Listens on `config.listen` and serves `banks` from `engine`.
    ///
    /// # Errors
    /// When the address cannot be listened on, or no key is given to prove the platform with.
    pub async fn serve(
        engine: Engine,
        banks: impl Banks,
        config: BulkConfig,
    ) -> std::io::Result<BulkRunning> {
        if config.keys.is_empty() {
            return Err(std::io::Error::other("no key is given to prove the platform with"));
        }
        let listener = TcpListener::bind(config.listen).await?;
        let address = listener.local_addr()?;
        let (stop, stopping) = watch::channel(false);
        let drain = Duration::from_secs(config.limits.drain_seconds);
        let shared = Arc::new(Shared {
            config,
            engine,
            banks: Box::new(banks),
            stopping,
            buckets: Buckets::default(),
            open: Arc::default(),
        });
        Ok(BulkRunning { address, stop, accepting: tokio::spawn(accept(listener, shared)), drain })
    }
}

impl BulkRunning {
    /// Takes no further connection and no further frame, answers those that were taken, and says
    /// goodbye; waits for that at most `limits.drain_seconds`.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(self.drain, &mut self.accepting).await.is_err() {
            tracing::warn!("bulk frames were still under way when the time to drain was over");
        }
    }
}

impl Drop for BulkRunning {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.accepting.abort();
    }
}

/// Waits until a stop is asked for.
pub(super) async fn asked(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut stopping = shared.stopping.clone();
    let mut serving = JoinSet::new();
    loop {
        tokio::select! {
            () = asked(&mut stopping) => break,
            Some(_) = serving.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => admit(&shared, &mut serving, stream, peer),
                Err(fault) => {
                    tracing::warn!(%fault, "a bulk connection was not accepted");
                    tokio::time::sleep(PAUSE_AFTER_REFUSAL).await;
                }
            },
        }
        metrics::gauge!("jialing_bulk_connections").set(serving.len() as f64);
    }
    drop(listener);
    while serving.join_next().await.is_some() {}
}

fn admit(shared: &Arc<Shared>, serving: &mut JoinSet<()>, stream: TcpStream, peer: SocketAddr) {
    let limits = &shared.config.limits;
    // Whoever is told to go away still has a task for a moment; beyond twice the limit there is no
    // word either.
    if serving.len() >= 2 * limits.connections {
        return;
    }
    if serving.len() >= limits.connections {
        serving.spawn(refuse(stream, Fault::ConnectionsFull));
    } else if shared.buckets.take(Caller::Door(network(peer.ip())), limits.handshakes).is_err() {
        serving.spawn(refuse(stream, Fault::RateLimited));
    } else {
        serving.spawn(converse(shared.clone(), stream));
    }
}

impl Shared {
    /// Takes one of the bank's places, if there is one left.
    pub(super) fn enter(&self, institution: u32) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(institution).or_default();
        if *count >= self.config.limits.per_bank {
            return None;
        }
        *count += 1;
        Some(Place { open: self.open.clone(), institution })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.institution) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.institution);
            }
        }
    }
}
