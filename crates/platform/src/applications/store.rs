//! The tables `applications`, `application_states` and part of `application_documents`.

use super::{ApplicationAsk, Business, State};
use crate::id::{ApplicationId, ApplicationTag, FileId, MerchantId, OrganisationId, PersonId};
use crate::merchants::providers::Kind;
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx};

/// A row of `applications`. Times in milliseconds.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: ApplicationId,
    pub(super) owner: PersonId,
    pub(super) organisation: OrganisationId,
    pub(super) kind: Kind,
    pub(super) name_zh: String,
    pub(super) name_en: String,
    pub(super) mcc: String,
    pub(super) institution: String,
    pub(super) business: Vec<u8>,
    pub(super) state: State,
    pub(super) corrections: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) reviewer: Option<String>,
    pub(super) first_approver: Option<String>,
    pub(super) second_approver: Option<String>,
    pub(super) merchant: Option<MerchantId>,
    pub(super) agreement_version: Option<i64>,
    pub(super) agreement_sha256: Option<String>,
    pub(super) accepted_at: Option<i64>,
    pub(super) conformance_sha256: Option<String>,
    pub(super) conformance_suite: Option<String>,
    pub(super) conformance_at: Option<i64>,
    pub(super) created_at: i64,
    pub(super) version: i64,
    pub(super) requirements: Option<Vec<u8>>,
}

/// Which applications are listed.
pub type ListAsk = crate::page::ListAsk<State>;

/// Adds a draft, unless its owner has as many unfinished applications as are allowed.
pub(super) async fn insert(
    tx: &mut Tx,
    (id, owner): (ApplicationId, PersonId),
    (ask, business): (&ApplicationAsk, &[u8]),
    most: i64,
    now: i64,
) -> Result<()> {
    let count = "SELECT COUNT(*) FROM applications WHERE owner = $1 AND state NOT IN ('REFUSED', 'ACTIVE')";
    let unfinished: i64 = sqlx::query_scalar(count).bind(owner).fetch_one(&mut *tx).await?;
    if unfinished >= most {
        return Err(Problem::new(Code::RateLimited)
            .retry_after(3_600)
            .detail(format!("{unfinished} of your applications have not ended.")));
    }
    sqlx::query(
        "INSERT INTO applications (id, owner, organisation, kind, name_zh, name_en, mcc, institution, business, state, created_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'DRAFT', $10, 1)",
    )
    .bind(id)
    .bind(owner)
    .bind(ask.organisation_id)
    .bind(ask.kind)
    .bind(ask.business.name_zh.as_str())
    .bind(ask.business.name_en.as_str())
    .bind(ask.business.mcc.as_str())
    .bind(ask.business.institution.as_str())
    .bind(business.to_vec())
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(super) async fn find(app: &App, id: ApplicationId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM applications WHERE id = $1")
        .bind(id)
        .fetch_optional(app.db.read())
        .await?)
}

/// The row, in the transaction that decides about it.
pub(super) async fn locked(tx: &mut Tx, id: ApplicationId) -> Result<Row> {
    let row: Option<Row> =
        sqlx::query_as("SELECT * FROM applications WHERE id = $1").bind(id).fetch_optional(&mut *tx).await?;
    row.ok_or(Problem::new(Code::NotFound))
}

pub(super) async fn set(tx: &mut Tx, id: ApplicationId, business: &Business, sealed: &[u8]) -> Result<()> {
    sqlx::query(
        "UPDATE applications SET name_zh = $2, name_en = $3, mcc = $4, institution = $5, business = $6, version = version + 1
         WHERE id = $1",
    )
    .bind(id)
    .bind(business.name_zh.as_str())
    .bind(business.name_en.as_str())
    .bind(business.mcc.as_str())
    .bind(business.institution.as_str())
    .bind(sealed.to_vec())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Sets the sealed requirements.
pub(super) async fn require(tx: &mut Tx, id: ApplicationId, sealed: &[u8]) -> Result<()> {
    sqlx::query("UPDATE applications SET requirements = $2, version = version + 1 WHERE id = $1")
        .bind(id)
        .bind(sealed.to_vec())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Moves a row from the state it was read in to another; it starts a new version.
pub(super) async fn turn(tx: &mut Tx, row: &Row, to: State) -> Result<Row> {
    let turned = sqlx::query_as(
        "UPDATE applications SET state = $3, version = version + 1 WHERE id = $1 AND version = $2 RETURNING *",
    )
    .bind(row.id)
    .bind(row.version)
    .bind(to)
    .fetch_optional(&mut *tx)
    .await?;
    turned.ok_or_else(Problem::again)
}

/// What an operator's decision writes beside the state.
#[derive(Clone, Debug, Default)]
pub(super) struct Decision {
    pub(super) corrections: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) reviewer: Option<String>,
    pub(super) first_approver: Option<String>,
    pub(super) second_approver: Option<String>,
}

pub(super) async fn decide(tx: &mut Tx, id: ApplicationId, decision: &Decision) -> Result<()> {
    sqlx::query(
        "UPDATE applications SET corrections = $2, reason = $3, reviewer = $4, first_approver = $5, second_approver = $6,
         version = version + 1 WHERE id = $1",
    )
    .bind(id)
    .bind(decision.corrections.clone())
    .bind(decision.reason.clone())
    .bind(decision.reviewer.clone())
    .bind(decision.first_approver.clone())
    .bind(decision.second_approver.clone())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(super) async fn offer(
    tx: &mut Tx,
    id: ApplicationId,
    merchant: MerchantId,
    (version, sha256): (i64, &str),
) -> Result<()> {
    sqlx::query("UPDATE applications SET merchant = $2, agreement_version = $3, agreement_sha256 = $4, version = version + 1 WHERE id = $1")
        .bind(id)
        .bind(merchant)
        .bind(version)
        .bind(sha256.to_owned())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

pub(super) async fn accept(tx: &mut Tx, id: ApplicationId, at: i64) -> Result<()> {
    sqlx::query("UPDATE applications SET accepted_at = $2, version = version + 1 WHERE id = $1")
        .bind(id)
        .bind(at)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

pub(super) async fn conform(
    tx: &mut Tx,
    id: ApplicationId,
    (sha256, suite): (&str, &str),
    by: &str,
    at: i64,
) -> Result<()> {
    sqlx::query(
        "UPDATE applications SET conformance_sha256 = $2, conformance_suite = $3, conformance_by = $4, conformance_at = $5,
         version = version + 1 WHERE id = $1",
    )
    .bind(id)
    .bind(sha256.to_owned())
    .bind(suite.to_owned())
    .bind(by.to_owned())
    .bind(at)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Writes down that the application is in `state` from now on.
pub(super) async fn mark(tx: &mut Tx, row: &Row, who: &str, at: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO application_states (application, version, state, who, at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(row.id)
    .bind(row.version)
    .bind(row.state)
    .bind(who.to_owned())
    .bind(at)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// The states an application was in after its draft, oldest first.
///
/// # Errors
/// Any fault of the database.
pub(super) async fn states(app: &App, id: ApplicationId) -> Result<Vec<(State, String)>> {
    Ok(sqlx::query_as("SELECT state, who FROM application_states WHERE application = $1 ORDER BY version")
        .bind(id)
        .fetch_all(app.db.read())
        .await?)
}

pub(super) async fn owned_by(app: &App, owner: PersonId, page: &PageAsk) -> Result<Page<Row>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<ApplicationTag>()?);
    let rows = sqlx::query_as(crate::page::paged!(
        cursor,
        "SELECT * FROM applications WHERE owner = $1",
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

pub(super) async fn all(app: &App, ask: &ListAsk) -> Result<Page<Row>> {
    let page = ask.page();
    let (limit, cursor) = (page.limit()?, page.cursor::<ApplicationTag>()?);
    let rows = sqlx::query_as(crate::page::paged!(
        cursor,
        "SELECT * FROM applications WHERE (CAST($2 AS TEXT) IS NULL OR state = $2)",
        "id",
        "$1",
        "$3"
    ))
    .bind(cursor.from.clone())
    .bind(ask.state)
    .bind(i64::from(limit) + 1)
    .fetch_all(app.db.read())
    .await?;
    Ok(cursor.page(rows, limit))
}

/// Applications that stand between two steps of ours.
pub(super) async fn between(app: &App) -> Result<Vec<Row>> {
    let sql = "SELECT * FROM applications WHERE state = 'APPROVED' OR (state = 'AGREEMENT_PENDING' AND accepted_at IS NOT NULL) \
               ORDER BY id LIMIT 100";
    Ok(sqlx::query_as(sql).fetch_all(app.db.read()).await?)
}

/// The files of a person's applications.
pub(super) async fn files_of(tx: &mut Tx, person: PersonId) -> Result<Vec<FileId>> {
    let sql = "SELECT d.file FROM application_documents d JOIN applications a ON a.id = d.application \
               WHERE a.owner = $1 AND d.file IS NOT NULL";
    Ok(sqlx::query_scalar(sql).bind(person).fetch_all(&mut *tx).await?)
}

/// The digest of the passed report of the application that became this merchant.
pub(super) async fn conformance_of(app: &App, merchant: MerchantId) -> Result<Option<String>> {
    let sql = "SELECT conformance_sha256 FROM applications WHERE merchant = $1 AND conformance_sha256 IS NOT NULL LIMIT 1";
    Ok(sqlx::query_scalar(sql).bind(merchant).fetch_optional(app.db.read()).await?)
}
