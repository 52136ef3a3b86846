//! The pull side: fetches a log's checkpoint and tiles, and checks and cosigns them as if asked to.
//!
//! For logs whose keeper does not submit to this witness. What was cosigned is read at
//! `GET /checkpoint?origin=…`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jialing_crypto::note::{Checkpoint, NoteVerifier};
use reqwest::{Client, StatusCode, redirect};

use crate::Witness;
use crate::rules::{Ask, Refusal};
use crate::tiles::{self, Tile};

/// Time for one answer.
const ANSWER: Duration = Duration::from_secs(10);
/// The longest note that is read.
const MAX_NOTE: usize = 64 * 1024;
/// Bytes of a full tile.
const TILE: usize = 256 * 32;
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(600);

/// Why a log was not cosigned this time.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// No answer, or none of the form.
    #[error("{0}")]
    Fetch(String),
    /// The witness refuses what was fetched.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// A log that is fetched.
#[derive(Clone, Debug)]
pub struct Source {
    /// The log's key.
    pub log: NoteVerifier,
    /// The prefix under which `checkpoint` and `tile/…` are.
    pub url: String,
}

/// Fetches the log for as long as the future lives, `every` so often; after failures less often.
pub async fn keep(witness: Arc<Witness>, source: Source, every: Duration) {
    let mut pause = every;
    let client = Client::builder().timeout(ANSWER).redirect(redirect::Policy::none()).no_proxy().build();
    let Ok(client) = client else {
        tracing::error!("the HTTP client could not be started; nothing is fetched");
        return;
    };
    loop {
        match once(&client, &witness, &source).await {
            Ok(_) => pause = every,
            Err(error) => {
                tracing::warn!(origin = source.log.name(), %error, "the log was not cosigned");
                pause = (pause * 2).min(MAX_PAUSE.max(every));
            }
        }
        tokio::time::sleep(pause).await;
    }
}

/// Fetches the log once; the size cosigned now, or before if it has not grown.
///
/// # Errors
/// [`PullError`].
pub async fn once(client: &Client, witness: &Arc<Witness>, source: &Source) -> Result<u64, PullError> {
    let prefix = source.url.trim_end_matches('/');
    let note = String::from_utf8(fetch(client, &format!("{prefix}/checkpoint"), MAX_NOTE).await?)
        .map_err(|_| PullError::Fetch("the checkpoint is not UTF-8".to_owned()))?;
    let key = &source.log;
    let checkpoint = Checkpoint::open(&note, key.name(), std::slice::from_ref(key))
        .map_err(|error| PullError::Fetch(format!("the checkpoint: {error}")))?;
    let seen = witness.logs().into_iter().find(|(log, _)| log == key).and_then(|(_, seen)| seen);
    let old = seen.map_or(0, |seen| seen.size);
    if seen.is_some_and(|seen| seen.size == checkpoint.size && seen.root == checkpoint.root) {
        return Ok(old);
    }
    let mut fetched = BTreeMap::new();
    // A smaller checkpoint needs no proof: the witness says what it is.
    for tile in tiles::wanted(old.min(checkpoint.size), checkpoint.size) {
        fetched.insert(tile, fetch_tile(client, prefix, tile).await?);
    }
    let proof = tiles::consistency(old.min(checkpoint.size), checkpoint.size, key.tree_hash(), &fetched)
        .ok_or_else(|| PullError::Fetch("a tile is shorter than its width".to_owned()))?;
    let body = Ask { old: old.min(checkpoint.size), proof, note }.to_body();
    let witness = witness.clone();
    let added = tokio::task::spawn_blocking(move || witness.add(body.as_bytes())).await;
    added.map_err(|fault| PullError::Fetch(fault.to_string()))??;
    Ok(checkpoint.size)
}

/// A tile; the full one where the partial one is gone.
async fn fetch_tile(client: &Client, prefix: &str, tile: Tile) -> Result<Vec<u8>, PullError> {
    let part = fetch(client, &format!("{prefix}/tile/{}", tile.path()), TILE).await;
    if part.is_ok() || u64::from(tile.width) == tiles::WIDTH {
        return part;
    }
    let whole = Tile { width: 256, ..tile };
    fetch(client, &format!("{prefix}/tile/{}", whole.path()), TILE).await.or(part)
}

async fn fetch(client: &Client, url: &str, limit: usize) -> Result<Vec<u8>, PullError> {
    let failed = |error: reqwest::Error| PullError::Fetch(error.to_string());
    let mut answer = client.get(url).send().await.map_err(failed)?;
    if answer.status() != StatusCode::OK {
        return Err(PullError::Fetch(format!("{url} answered {}", answer.status())));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > limit {
            return Err(PullError::Fetch(format!("{url} answered more than {limit} bytes")));
        }
    }
    Ok(bytes)
}
