//! The institutions' rows.

use sqlx::any::AnyRow;
use sqlx::{Any, Executor, Row};

use super::Institution;
use crate::{Problem, Result, Tx};

pub(super) async fn all<'e>(on: impl Executor<'e, Database = Any>) -> Result<Vec<Institution>> {
    let rows = sqlx::query(
        "SELECT id, number, code, role, model, holder, name_zh, name_en, authorised FROM institutions ORDER BY code",
    )
    .fetch_all(on)
    .await?;
    rows.iter().map(read).collect()
}

pub(super) async fn insert(tx: &mut Tx, new: &Institution, now: i64) -> Result<()> {
    sqlx::query("INSERT INTO institutions (id, code, role, model, holder, name_zh, name_en, authorised, created_at, number) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
        .bind(new.id)
        .bind(&new.code)
        .bind(new.role)
        .bind(new.model)
        .bind(i64::from(new.holder))
        .bind(&new.name_zh)
        .bind(&new.name_en)
        .bind(new.authorised as i64)
        .bind(now)
        .bind(i64::from(new.number))
        .execute(&mut *tx)
        .await?;
    Ok(())
}

pub(super) async fn set_authorised(tx: &mut Tx, code: &str, amount: i64) -> Result<bool> {
    let done = sqlx::query("UPDATE institutions SET authorised = $2 WHERE code = $1")
        .bind(code.to_owned())
        .bind(amount)
        .execute(&mut *tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

fn read(row: &AnyRow) -> Result<Institution> {
    Ok(Institution {
        id: row.try_get("id")?,
        number: u32::try_from(row.try_get::<i64, _>("number")?).map_err(Problem::internal)?,
        code: row.try_get("code")?,
        role: row.try_get("role")?,
        model: row.try_get("model")?,
        holder: u32::try_from(row.try_get::<i64, _>("holder")?).map_err(Problem::internal)?,
        name_zh: row.try_get("name_zh")?,
        name_en: row.try_get("name_en")?,
        authorised: u64::try_from(row.try_get::<i64, _>("authorised")?).map_err(Problem::internal)?,
    })
}
