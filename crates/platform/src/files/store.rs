//! The table `files`.

use crate::id::FileId;
use crate::{App, Result, Tx};

pub(super) async fn insert(
    tx: &mut Tx,
    id: FileId,
    (bytes, sha256): (i64, &str),
    key: &[u8],
    now: i64,
) -> Result<()> {
    sqlx::query("INSERT INTO files (id, bytes, sha256, data_key, created_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(id)
        .bind(bytes)
        .bind(sha256.to_owned())
        .bind(key.to_vec())
        .bind(now)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx, id: FileId) -> Result<()> {
    sqlx::query("DELETE FROM files WHERE id = $1").bind(id).execute(&mut *tx).await?;
    Ok(())
}

/// Size, SHA-256 and sealed key.
pub(super) async fn find(app: &App, id: FileId) -> Result<Option<(i64, String, Vec<u8>)>> {
    Ok(sqlx::query_as("SELECT bytes, sha256, data_key FROM files WHERE id = $1")
        .bind(id)
        .fetch_optional(app.db.read())
        .await?)
}
