//! Every version of every policy has its digest in the ledger's log.

use std::time::Duration;

use jialing_crypto::hash::{Digest, HashAlgorithm};
use tokio::task::JoinHandle;

use super::{Policy, store};
use crate::anchors::{self, NoteKind};
use crate::{App, Db, Result, background};

/// How often versions without an anchor are looked for.
const EVERY: Duration = Duration::from_secs(10);

impl Policy {
    /// The number of the note that anchors this version: 96 bits of the SHA-256 of the name, and the
    /// version.
    #[must_use]
    pub fn note_id(&self) -> u128 {
        let name = HashAlgorithm::Sha256.digest(self.name.as_bytes());
        let high = u128::from_be_bytes(std::array::from_fn(|n| name[n]));
        high & !0xffff_ffff | u128::from(self.version as u32)
    }

    /// The digest that the note holds: SHA-256 over `JIALING-POLICY-1`, then name, version, the moment
    /// from which it is in force in milliseconds, value, unit, source, mark and note, each as text
    /// preceded by its length in 4 big-endian bytes; a policy without bound has the value `-`.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hash = HashAlgorithm::Sha256.hasher();
        hash.update(b"JIALING-POLICY-1");
        let value = self.value.map_or("-".to_owned(), |value| value.to_string());
        let (version, from) = (self.version.to_string(), self.from_ms.to_string());
        for text in [&self.name, &version, &from, &value, &self.unit, &self.source, &self.mark, &self.note] {
            hash.update(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
            hash.update(text.as_bytes());
        }
        hash.finish()
    }

    /// How the table of anchors names this version.
    fn subject(&self) -> String {
        format!("{}/{}", self.name, self.version)
    }
}

/// Writes the digests of versions that the log does not have yet; how many.
///
/// # Errors
/// Any fault of the database or the ledger; safe to repeat.
pub async fn anchor(app: &App) -> Result<usize> {
    let waiting = store::unanchored(app.db.read()).await?;
    if waiting.is_empty() {
        return Ok(0);
    }
    let notes = waiting.iter().map(|policy| (policy.note_id(), policy.subject(), policy.digest())).collect();
    anchors::note_all(app, NoteKind::Policy, notes).await?;
    Ok(waiting.len())
}

/// Every version as stored, for the auditor.
pub(crate) async fn stored(db: &Db) -> Result<Vec<Policy>> {
    store::all_in(db.read()).await
}

/// Anchors new versions for as long as the handle lives.
#[must_use]
pub fn keep_anchoring(app: &App) -> JoinHandle<()> {
    background::every(app, EVERY, "policies could not be anchored", |app| async move { anchor(&app).await })
}
