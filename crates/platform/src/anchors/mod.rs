//! Anchors: digests of what is kept elsewhere, written into the ledger's log as notes.
//!
//! The log is signed, published and only grows. What has its digest there can later be neither changed
//! nor denied: a place in the audit chain, a day's statement of supply, a version of a policy. Each
//! anchor has a proof ([`prove`]) of the same form as a receipt's. The table of anchors is an index
//! for whoever asks; `jialing verify` reads the notes themselves.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::hash::Digest;
use jialing_ledger::{Body, Command, Record};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::clock::rfc3339;
use crate::page::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::{App, Code, Page, Problem, Result, Tx, receipts};

pub use crate::kind::NoteKind;

/// A digest that the ledger's log holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// The record's place in the log.
    pub record: u64,
    /// What it is a digest of.
    pub kind: NoteKind,
    /// Which: a place in the audit chain, a day, a policy's name and version.
    #[schema(example = "2026-11-21")]
    pub subject: String,
    /// The digest, base64.
    pub digest: String,
    /// When it was written, RFC 3339.
    pub noted_at: String,
}

/// An anchor with the proof that it is in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Anchored {
    /// What the log holds.
    pub anchor: Anchor,
    /// The proof.
    pub proof: NoteProof,
}

/// The proof that a note is in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteProof {
    /// The log's name, the first line of its checkpoints.
    pub log: String,
    /// The id of the log's key in signed notes: 8 hexadecimal digits.
    pub key_id: String,
    /// The record as logged, base64.
    pub record: String,
    /// Its place in the log, from 0.
    pub leaf_index: u64,
    /// Records that the checkpoint covers.
    pub tree_size: u64,
    /// Hashes from the leaf up to the root, base64.
    pub path: Vec<String>,
    /// The signed checkpoint, a C2SP note, with cosignatures of witnesses where there are any.
    pub checkpoint: String,
}

/// Which anchors are asked for.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AnchorsAsk {
    /// Only those of this kind.
    pub kind: Option<NoteKind>,
    /// Anchors wanted, 1 to 100; 20 by default.
    pub limit: Option<u32>,
    /// Only those in records before this one.
    pub before: Option<u64>,
}

/// Writes `digest` into the log; the record's place.
///
/// Done again after a crash, the log holds the digest twice, which harms nothing.
///
/// # Errors
/// Any fault of the database or the ledger.
pub async fn note(app: &App, kind: NoteKind, id: u128, subject: String, digest: Digest) -> Result<u64> {
    let command = Command::Note { kind: kind as u16, id, digest };
    let outcome = app.engine.submit(command).await.map_err(Problem::internal)?;
    remember(app, vec![(outcome.records, kind, subject)]).await?;
    Ok(outcome.first)
}

/// Writes many digests of one kind into the log, in as few flushes as possible.
///
/// # Errors
/// As [`note`].
pub async fn note_all(app: &App, kind: NoteKind, notes: Vec<(u128, String, Digest)>) -> Result<()> {
    let (mut commands, mut subjects) = (Vec::new(), Vec::new());
    for (id, subject, digest) in notes {
        commands.push(Command::Note { kind: kind as u16, id, digest });
        subjects.push(subject);
    }
    let mut noted = Vec::new();
    for (outcome, subject) in app.engine.submit_all(commands).await.into_iter().zip(subjects) {
        noted.push((outcome.map_err(Problem::internal)?.records, kind, subject));
    }
    remember(app, noted).await
}

/// Puts notes that are in the log into the table.
async fn remember(app: &App, noted: Vec<(Vec<Record>, NoteKind, String)>) -> Result<()> {
    app.db
        .write(async move |tx: &mut Tx| {
            for (records, kind, subject) in &noted {
                for record in records {
                    let Body::Note { digest, .. } = record.body else { continue };
                    sqlx::query("INSERT INTO anchors (record_seq, kind, subject, digest, noted_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (record_seq) DO NOTHING")
                        .bind(record.seq as i64)
                        .bind(kind.name())
                        .bind(subject.clone())
                        .bind(digest.to_vec())
                        .bind((record.time / 1_000_000) as i64)
                        .execute(&mut *tx)
                        .await?;
                }
            }
            Ok(())
        })
        .await
}

const COLUMNS: &str = "SELECT record_seq, kind, subject, digest, noted_at FROM anchors";

/// Anchors, newest first.
///
/// # Errors
/// `invalid_request` for a limit that is not from 1 to 100.
pub async fn list(app: &App, ask: &AnchorsAsk) -> Result<Page<Anchor>> {
    let limit = limit(ask.limit)?;
    let before = ask.before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
    let rows = match ask.kind {
        None => {
            let sql = format!("{COLUMNS} WHERE record_seq < $1 ORDER BY record_seq DESC LIMIT $2");
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(before)
                .bind(i64::from(limit) + 1)
                .fetch_all(app.db.read())
                .await?
        }
        Some(kind) => {
            let sql =
                format!("{COLUMNS} WHERE kind = $3 AND record_seq < $1 ORDER BY record_seq DESC LIMIT $2");
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(before)
                .bind(i64::from(limit) + 1)
                .bind(kind.name())
                .fetch_all(app.db.read())
                .await?
        }
    };
    Ok(Page::cut(rows.iter().map(read).collect::<Result<Vec<_>>>()?, limit))
}

/// The number of items wanted of a list that is asked for by `before`.
pub(crate) fn limit(asked: Option<u32>) -> Result<u32> {
    match asked.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        _ => Err(Problem::new(Code::InvalidRequest).field("limit").detail("`limit` is from 1 to 100.")),
    }
}

/// The anchor in record `seq`, with its proof.
///
/// # Errors
/// `not_found` if that record is no anchor; any fault of the database or the ledger.
pub async fn prove(app: &App, seq: u64) -> Result<Anchored> {
    let sql = format!("{COLUMNS} WHERE record_seq = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(i64::try_from(seq).map_err(|_| Problem::new(Code::NotFound))?)
        .fetch_optional(app.db.read())
        .await?;
    let anchor = read(&row.ok_or(Problem::new(Code::NotFound))?)?;
    Ok(Anchored { anchor, proof: proof(app, seq).await? })
}

/// The proof that record `seq` is in the log, with the cosignatures that receipts have.
///
/// # Errors
/// Any fault of the ledger.
pub(crate) async fn proof(app: &App, seq: u64) -> Result<NoteProof> {
    let (proof, _) = receipts::prove(app, seq, None).await?;
    Ok(NoteProof {
        log: proof.log,
        key_id: proof.key_id,
        record: proof.record,
        leaf_index: proof.leaf_index,
        tree_size: proof.tree_size,
        path: proof.path,
        checkpoint: proof.checkpoint,
    })
}

fn read(row: &AnyRow) -> Result<Anchor> {
    let kind: String = row.try_get("kind")?;
    let kind = NoteKind::ALL.into_iter().find(|known| known.name() == kind);
    Ok(Anchor {
        record: row.try_get::<i64, _>("record_seq")? as u64,
        kind: kind.ok_or_else(|| Problem::internal("a stored anchor is of no known kind"))?,
        subject: row.try_get("subject")?,
        digest: STANDARD.encode(row.try_get::<Vec<u8>, _>("digest")?),
        noted_at: rfc3339(row.try_get("noted_at")?),
    })
}
