//! The chain of audit entries: places, hashes, anchors, and the check of all three.

use jialing_crypto::hash::{Digest, HashAlgorithm};
use jialing_ledger::Body;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::NOTE_KIND;
use crate::anchors::{self, NoteKind};
use crate::{App, Db, Problem, Result, Tx};

/// Entries chained in one transaction.
pub(super) const BATCH: usize = 500;
/// What the first entry's hash stands on.
const START: Digest = [0; 32];

const COLUMNS: &str = "id, who, action, subject, before_text, after_text, at, position, hash";

/// An entry as its hash sees it.
struct Stored {
    id: String,
    texts: [Option<String>; 5],
    at: i64,
    position: Option<i64>,
    hash: Option<Vec<u8>>,
}

impl Stored {
    fn read(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            texts: [
                row.try_get("who")?,
                row.try_get("action")?,
                row.try_get("subject")?,
                row.try_get("before_text")?,
                row.try_get("after_text")?,
            ],
            at: row.try_get("at")?,
            position: row.try_get("position")?,
            hash: row.try_get("hash")?,
        })
    }

    fn hash(&self, position: i64, before: &Digest) -> Digest {
        let texts = self.texts.each_ref().map(|text| text.as_deref());
        hash_of(position, before, &self.id, texts, self.at)
    }
}

/// The hash at `position` (from 1): SHA-256 over `JIALING-AUDIT-1`, the hash before, the position and
/// time (big-endian, 8 bytes each), then id, who, action, subject, before and after, each preceded by
/// its length in 4 big-endian bytes; an absent text has the length `ffffffff`.
#[must_use]
pub fn hash_of(position: i64, before: &Digest, id: &str, texts: [Option<&str>; 5], at: i64) -> Digest {
    let mut hash = HashAlgorithm::Sha256.hasher();
    hash.update(b"JIALING-AUDIT-1");
    hash.update(before);
    hash.update(&position.to_be_bytes());
    hash.update(&at.to_be_bytes());
    for text in std::iter::once(Some(id)).chain(texts) {
        match text {
            Some(text) => {
                hash.update(&u32::try_from(text.len()).unwrap_or(u32::MAX - 1).to_be_bytes());
                hash.update(text.as_bytes());
            }
            None => hash.update(&u32::MAX.to_be_bytes()),
        }
    }
    hash.finish()
}

/// Gives the oldest entries without a place their places; how many.
///
/// # Errors
/// Any fault of the database.
pub async fn chain(app: &App) -> Result<usize> {
    app.db
        .write(async |tx: &mut Tx| {
            let waiting = sqlx::query(sqlx::AssertSqlSafe(format!(
                "SELECT {COLUMNS} FROM audit_entries WHERE position IS NULL ORDER BY id LIMIT {BATCH}"
            )))
            .fetch_all(&mut *tx)
            .await?;
            if waiting.is_empty() {
                return Ok(0);
            }
            let (mut position, mut hash) = head(tx).await?;
            for row in &waiting {
                let entry = Stored::read(row)?;
                position += 1;
                hash = entry.hash(position, &hash);
                sqlx::query("UPDATE audit_entries SET position = $1, hash = $2 WHERE id = $3")
                    .bind(position)
                    .bind(hash.to_vec())
                    .bind(entry.id)
                    .execute(&mut *tx)
                    .await?;
            }
            Ok(waiting.len())
        })
        .await
}

/// The chain's newest place and hash; 0 and the start while it is empty.
async fn head(tx: &mut Tx) -> Result<(i64, Digest)> {
    let row = sqlx::query(
        "SELECT position, hash FROM audit_entries WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1",
    )
    .fetch_optional(&mut *tx)
    .await?;
    row.map_or(Ok((0, START)), |row| Ok((row.try_get("position")?, digest(row.try_get("hash")?)?)))
}

fn digest(bytes: Vec<u8>) -> Result<Digest> {
    bytes.try_into().map_err(|_| Problem::internal("a stored audit hash is not 32 bytes"))
}

/// Writes the newest hash into the ledger's log unless it is there; true if it was written now.
///
/// A crash between the log and the table leaves a second note of the same hash, which harms nothing.
///
/// # Errors
/// Any fault of the database or the ledger; safe to repeat.
pub async fn anchor(app: &App) -> Result<bool> {
    let row = sqlx::query(
        "SELECT position, hash FROM audit_entries WHERE position > COALESCE((SELECT MAX(position) FROM audit_anchors), 0) ORDER BY position DESC LIMIT 1",
    )
    .fetch_optional(app.db.read())
    .await?;
    let Some(row) = row else { return Ok(false) };
    let (position, hash): (i64, Vec<u8>) = (row.try_get("position")?, row.try_get("hash")?);
    let noted =
        anchors::note(app, NoteKind::Audit, position as u128, position.to_string(), digest(hash.clone())?)
            .await?;
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query("INSERT INTO audit_anchors (position, hash, record_seq) VALUES ($1, $2, $3) ON CONFLICT (position) DO NOTHING")
                .bind(position)
                .bind(hash.clone())
                .bind(noted as i64)
                .execute(&mut *tx)
                .await?;
            Ok(())
        })
        .await?;
    Ok(true)
}

/// What [`verify`] saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries in the chain.
    pub chained: u64,
    /// Entries that still wait for their place.
    pub waiting: u64,
    /// Anchors in the ledger's log.
    pub anchors: u64,
    /// What does not fit, in words; empty when all is well.
    pub findings: Vec<String>,
}

/// Checks every entry against the chain and the chain against the ledger's log.
///
/// # Errors
/// Any fault of the database or the ledger; what does not fit is a finding, not an error.
pub async fn verify(app: &App) -> Result<Report> {
    let mut report = check_chain(&app.db).await?;
    check_anchors(app, &mut report).await?;
    Ok(report)
}

/// Checks every entry against the chain; the anchors are left to who has the log.
///
/// # Errors
/// Any fault of the database; what does not fit is a finding, not an error.
pub async fn check_chain(db: &Db) -> Result<Report> {
    let mut report = Report::default();
    let (mut position, mut hash) = (0, START);
    loop {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM audit_entries WHERE position > $1 ORDER BY position LIMIT {BATCH}"
        )))
        .bind(position)
        .fetch_all(db.read())
        .await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let entry = Stored::read(row)?;
            let place = entry.position.unwrap_or_default();
            if place != position + 1 {
                report.findings.push(format!("audit entries {} to {} are missing", position + 1, place - 1));
            }
            let expected = entry.hash(place, &hash);
            if entry.hash.as_deref() != Some(&expected[..]) {
                report.findings.push(format!(
                    "audit entry {} at place {place} was changed, or one before it was",
                    entry.id
                ));
            }
            // Go on from what is stored, so that one change is one finding.
            hash = entry.hash.map_or(Ok(expected), digest)?;
            position = place;
            report.chained += 1;
        }
    }
    let waiting: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM audit_entries WHERE position IS NULL")
        .fetch_one(db.read())
        .await?;
    report.waiting = waiting as u64;
    Ok(report)
}

async fn check_anchors(app: &App, report: &mut Report) -> Result<()> {
    let mut after = 0_i64;
    loop {
        let rows = sqlx::query(
            "SELECT a.position, a.hash, a.record_seq, e.hash AS entry_hash FROM audit_anchors a LEFT JOIN audit_entries e ON e.position = a.position \
             WHERE a.position > $1 ORDER BY a.position LIMIT 500",
        )
        .bind(after)
        .fetch_all(app.db.read())
        .await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.try_get("position")?;
        for row in &rows {
            let (position, hash, seq): (i64, Vec<u8>, i64) =
                (row.try_get("position")?, row.try_get("hash")?, row.try_get("record_seq")?);
            let entry: Option<Vec<u8>> = row.try_get("entry_hash")?;
            let record = app.engine.feed(seq as u64, 1).await.map_err(Problem::internal)?.into_iter().next();
            let logged = match record.map(|record| record.body) {
                Some(Body::Note { kind: NOTE_KIND, id, digest }) if id == position as u128 => Some(digest),
                _ => None,
            };
            if logged.is_none_or(|logged| logged[..] != hash[..]) {
                report.findings.push(format!("the log's record {seq} does not anchor place {position} of the audit chain as the table says"));
            } else if entry.as_ref() != Some(&hash) {
                report.findings.push(format!(
                    "the audit chain at place {position} is not what the log anchored in record {seq}"
                ));
            }
            report.anchors += 1;
        }
    }
}
