//! The table of versions: rows are added, never changed.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Policy, rules};
use crate::clock::rfc3339;
use crate::{App, Problem, Result, Tx};

const COLUMNS: &str = "SELECT name, version, effective_from, value, unit, source, mark, note FROM policies ORDER BY name, version";

pub(super) async fn all(app: &App) -> Result<Vec<Policy>> {
    all_in(app.db.read()).await
}

pub(super) async fn all_in(db: &crate::db::Reads) -> Result<Vec<Policy>> {
    let rows = sqlx::query(COLUMNS).fetch_all(db).await?;
    rows.iter().map(read).collect()
}

/// Versions whose digest is not in the log, as far as the table of anchors knows.
pub(super) async fn unanchored(db: &crate::db::Reads) -> Result<Vec<Policy>> {
    let rows = sqlx::query(
        "SELECT name, version, effective_from, value, unit, source, mark, note FROM policies p \
         WHERE NOT EXISTS (SELECT 1 FROM anchors a WHERE a.kind = 'policy' AND a.subject = p.name || '/' || CAST(p.version AS TEXT)) \
         ORDER BY name, version",
    )
    .fetch_all(db)
    .await?;
    rows.iter().map(read).collect()
}

pub(super) async fn add(app: &App, versions: Vec<Policy>) -> Result<()> {
    app.db
        .write(async move |tx: &mut Tx| {
            let rows = sqlx::query(COLUMNS).fetch_all(&mut *tx).await?;
            let mut known = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
            for policy in &versions {
                if let Some(same) =
                    known.iter().find(|known| known.name == policy.name && known.version == policy.version)
                {
                    if (same.value, same.from_ms) != (policy.value, policy.from_ms) {
                        return Err(Problem::internal(format!(
                            "version {} of policy {} is stored with another value or date",
                            policy.version, policy.name
                        )));
                    }
                    continue;
                }
                if let Some(misfit) = rules::misfit(&known, policy) {
                    return Err(Problem::internal(misfit));
                }
                insert(tx, policy).await?;
                known.push(policy.clone());
            }
            Ok(())
        })
        .await
}

async fn insert(tx: &mut Tx, policy: &Policy) -> Result<()> {
    sqlx::query("INSERT INTO policies (name, version, effective_from, value, unit, source, mark, note) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(&policy.name)
        .bind(policy.version)
        .bind(policy.from_ms)
        .bind(policy.value)
        .bind(&policy.unit)
        .bind(&policy.source)
        .bind(&policy.mark)
        .bind(&policy.note)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<Policy> {
    let from_ms: i64 = row.try_get("effective_from")?;
    Ok(Policy {
        name: row.try_get("name")?,
        version: row.try_get("version")?,
        effective_from: rfc3339(from_ms),
        value: row.try_get("value")?,
        unit: row.try_get("unit")?,
        source: row.try_get("source")?,
        mark: row.try_get("mark")?,
        note: row.try_get("note")?,
        from_ms,
    })
}
