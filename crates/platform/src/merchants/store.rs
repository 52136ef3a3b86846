//! The tables `merchants`.

use super::providers::Kind;
use super::{Merchant, RegisterAsk, Status};
use crate::clock::rfc3339;
use crate::id::{MerchantId, OrganisationId, PersonId, WalletId};
use crate::{App, Code, Money, Page, PageAsk, Problem, Result, Tx};

/// A row of `merchants`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Row {
    /// Its id.
    pub id: MerchantId,
    /// Whether it sells, or acts for merchants that let it.
    pub kind: Kind,
    /// The organisation behind it.
    pub organisation: OrganisationId,
    /// Who registered it and decides for it.
    pub owner: PersonId,
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: String,
    /// ISO 18245.
    pub mcc: String,
    /// Settlement institution's code.
    pub institution: String,
    /// Its wallet, once active.
    pub wallet: Option<WalletId>,
    /// Where it stands.
    pub status: Status,
    /// Why it was refused or suspended.
    pub status_reason: Option<String>,
    /// Refunds above need approval, fen.
    pub refund_approval_above: Option<i64>,
    /// Milliseconds.
    pub created_at: i64,
}

impl From<Row> for Merchant {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            organisation_id: row.organisation,
            name_zh: row.name_zh,
            name_en: row.name_en,
            mcc: row.mcc,
            institution: row.institution,
            status: row.status,
            status_reason: row.status_reason,
            wallet_id: row.wallet,
            refund_approval_above: row.refund_approval_above.map(|fen| Money::fen(fen.unsigned_abs())),
            created_at: rfc3339(row.created_at),
        }
    }
}

/// Adds a pending merchant unless the organisation has one of that name; whether it was added.
pub(super) async fn insert(
    tx: &mut Tx,
    id: MerchantId,
    ask: &RegisterAsk,
    owner: PersonId,
    now: i64,
) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO merchants (id, organisation, owner, name_zh, name_en, mcc, institution, status, created_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1) ON CONFLICT (organisation, name_zh) DO NOTHING",
    )
    .bind(id)
    .bind(ask.organisation_id)
    .bind(owner)
    .bind(ask.name_zh.as_str())
    .bind(ask.name_en.as_str())
    .bind(ask.mcc.as_str())
    .bind(ask.institution.as_str())
    .bind(Status::Pending)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn named(tx: &mut Tx, organisation: OrganisationId, name_zh: &str) -> Result<Row> {
    sqlx::query_as("SELECT * FROM merchants WHERE organisation = $1 AND name_zh = $2")
        .bind(organisation)
        .bind(name_zh)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Problem::new(Code::NotFound))
}

pub(crate) async fn find(tx: &mut Tx, id: MerchantId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM merchants WHERE id = $1").bind(id).fetch_optional(&mut *tx).await?)
}

pub(super) async fn decide(
    tx: &mut Tx,
    id: MerchantId,
    status: Status,
    reason: Option<&str>,
    by: &str,
    wallet: Option<WalletId>,
    now: i64,
) -> Result<()> {
    sqlx::query(
        "UPDATE merchants SET status = $2, status_reason = $3, decided_by = $4, decided_at = $5,
         wallet = COALESCE($6, wallet), version = version + 1 WHERE id = $1 AND status <> $2",
    )
    .bind(id)
    .bind(status)
    .bind(reason)
    .bind(by)
    .bind(now)
    .bind(wallet)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(super) async fn set_approval(tx: &mut Tx, id: MerchantId, above: Option<u64>) -> Result<()> {
    sqlx::query("UPDATE merchants SET refund_approval_above = $2, version = version + 1 WHERE id = $1")
        .bind(id)
        .bind(above.map(|fen| fen as i64))
        .execute(&mut *tx)
        .await?;
    Ok(())
}

pub(super) async fn owned_by(app: &App, owner: PersonId, page: &PageAsk) -> Result<Page<Row>> {
    let limit = page.limit()?;
    let cursor = page.cursor::<crate::id::MerchantTag>()?;
    let rows = sqlx::query_as(crate::page::paged!(
        cursor,
        "SELECT * FROM merchants WHERE owner = $1",
        "id",
        "$2",
        "$3"
    ))
    .bind(owner)
    .bind(cursor.from.clone())
    .bind(i64::from(limit) + 1)
    .fetch_all(app.db.read())
    .await?;
    Ok(cursor.page(rows, limit))
}
