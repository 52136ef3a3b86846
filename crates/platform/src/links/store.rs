//! The table `bank_links`.

use sqlx::{Any, Executor};

use super::LinkState;
use crate::id::{InstitutionId, LinkId, LinkTag, PersonId};
use crate::{Code, Page, PageAsk, Problem, Result, Tx, db};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT l.id, l.institution_id, i.code AS institution_code, l.account_mask, l.state, l.attempt, l.wrong_codes, l.agreement, \
             CAST(l.bank_told AS BIGINT) AS bank_told, l.reason, l.created_at, l.expires_at, l.signed_at, l.ended_at \
             FROM bank_links l JOIN institutions i ON i.id = l.institution_id ",
            $rest
        )
    };
}

/// A row of `bank_links` with its bank's code.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: LinkId,
    pub(crate) institution_id: InstitutionId,
    pub(crate) institution_code: String,
    pub(crate) account_mask: String,
    pub(crate) state: LinkState,
    pub(crate) attempt: Option<String>,
    pub(crate) wrong_codes: i64,
    pub(crate) agreement: Option<String>,
    pub(crate) bank_told: bool,
    pub(crate) reason: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) signed_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
}

impl<'r> sqlx::FromRow<'r, sqlx::any::AnyRow> for Row {
    fn from_row(row: &'r sqlx::any::AnyRow) -> sqlx::Result<Self> {
        use sqlx::Row as _;
        Ok(Self {
            id: row.try_get("id")?,
            institution_id: row.try_get("institution_id")?,
            institution_code: row.try_get("institution_code")?,
            account_mask: row.try_get("account_mask")?,
            state: row.try_get("state")?,
            attempt: row.try_get("attempt")?,
            wrong_codes: row.try_get("wrong_codes")?,
            agreement: row.try_get("agreement")?,
            bank_told: row.try_get::<i64, _>("bank_told")? != 0,
            reason: row.try_get("reason")?,
            created_at: row.try_get("created_at")?,
            expires_at: row.try_get("expires_at")?,
            signed_at: row.try_get("signed_at")?,
            ended_at: row.try_get("ended_at")?,
        })
    }
}

/// A link to insert.
#[derive(Clone, Debug)]
pub(super) struct NewLink {
    pub(super) id: LinkId,
    pub(super) person: PersonId,
    pub(super) institution: InstitutionId,
    pub(super) account_index: String,
    pub(super) account_mask: String,
    pub(super) now: i64,
    pub(super) expires_at: i64,
}

pub(super) async fn exists(tx: &mut Tx, id: LinkId) -> Result<bool> {
    let found: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM bank_links WHERE id = $1")
        .bind(id)
        .fetch_one(&mut *tx)
        .await?;
    Ok(found > 0)
}

/// Ends a pending link of the same account, and the person's links whose time is over.
pub(super) async fn give_way(tx: &mut Tx, new: &NewLink) -> Result<()> {
    let sql = "UPDATE bank_links SET state = 'ENDED', ended_at = $3, bank_told = 1, \
               reason = CASE WHEN expires_at <= $3 THEN 'not_signed_in_time' ELSE 'superseded' END \
               WHERE person_id = $1 AND state = 'PENDING' AND (account_index = $2 OR expires_at <= $3)";
    sqlx::query(sql).bind(new.person).bind(&new.account_index).bind(new.now).execute(&mut *tx).await?;
    Ok(())
}

/// Inserts a link unless the person has `most` already, or the account is linked.
pub(super) async fn insert(tx: &mut Tx, new: &NewLink, most: i64) -> Result<()> {
    let live: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM bank_links WHERE person_id = $1 AND state <> 'ENDED'")
            .bind(new.person)
            .fetch_one(&mut *tx)
            .await?;
    if live >= most {
        return Err(Problem::new(Code::StateConflict)
            .detail(format!("A person may have {most} links. End one first."))
            .with("limit", most));
    }
    let sql = "INSERT INTO bank_links (id, person_id, institution_id, account_index, account_mask, state, wrong_codes, bank_told, created_at, expires_at) \
               VALUES ($1, $2, $3, $4, $5, 'PENDING', 0, 0, $6, $7)";
    let done = sqlx::query(sql)
        .bind(new.id)
        .bind(new.person)
        .bind(new.institution)
        .bind(&new.account_index)
        .bind(&new.account_mask)
        .bind(new.now)
        .bind(new.expires_at)
        .execute(&mut *tx)
        .await;
    match done {
        Err(error) if db::is_taken(&error) => Err(Problem::new(Code::StateConflict)
            .field("account_number")
            .detail("This account is linked already.")),
        done => Ok(done.map(drop)?),
    }
}

pub(super) async fn set_attempt(tx: &mut Tx, id: LinkId, attempt: &str) -> Result<()> {
    sqlx::query("UPDATE bank_links SET attempt = $2 WHERE id = $1 AND state = 'PENDING'")
        .bind(id)
        .bind(attempt.to_owned())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Signs a pending link and says whether it did; one that has ended meanwhile stays ended, and its
/// agreement is kept to be ended at the bank.
pub(super) async fn sign(tx: &mut Tx, id: LinkId, agreement: &str, mask: &str, now: i64) -> Result<bool> {
    let sql = "UPDATE bank_links SET agreement = $2, account_mask = $3, signed_at = CASE WHEN state = 'PENDING' THEN $4 ELSE signed_at END, \
               bank_told = CASE WHEN state = 'ENDED' THEN 0 ELSE bank_told END, \
               state = CASE WHEN state = 'PENDING' THEN 'SIGNED' ELSE state END WHERE id = $1 AND agreement IS NULL";
    let done = sqlx::query(sql)
        .bind(id)
        .bind(agreement.to_owned())
        .bind(mask.to_owned())
        .bind(now)
        .execute(&mut *tx)
        .await?;
    let signed: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM bank_links WHERE id = $1 AND state = 'SIGNED'")
            .bind(id)
            .fetch_one(&mut *tx)
            .await?;
    Ok(done.rows_affected() == 1 && signed == 1)
}

pub(super) async fn count_wrong_code(tx: &mut Tx, id: LinkId) -> Result<()> {
    sqlx::query("UPDATE bank_links SET wrong_codes = wrong_codes + 1 WHERE id = $1")
        .bind(id)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Ends a link; true if it was not ended before.
pub(super) async fn end(tx: &mut Tx, id: LinkId, reason: &str, bank_told: bool, now: i64) -> Result<bool> {
    let done = sqlx::query("UPDATE bank_links SET state = 'ENDED', reason = $2, bank_told = $3, ended_at = $4 WHERE id = $1 AND state <> 'ENDED'")
        .bind(id)
        .bind(reason.to_owned())
        .bind(i64::from(bank_told))
        .bind(now)
        .execute(&mut *tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn end_lapsed(tx: &mut Tx, now: i64) -> Result<usize> {
    let done = sqlx::query("UPDATE bank_links SET state = 'ENDED', reason = 'not_signed_in_time', bank_told = 1, ended_at = $1 WHERE state = 'PENDING' AND expires_at <= $1")
        .bind(now)
        .execute(&mut *tx)
        .await?;
    Ok(done.rows_affected() as usize)
}

pub(super) async fn set_told(tx: &mut Tx, id: LinkId) -> Result<()> {
    sqlx::query("UPDATE bank_links SET bank_told = 1 WHERE id = $1").bind(id).execute(&mut *tx).await?;
    Ok(())
}

pub(super) async fn untold<'e>(on: impl Executor<'e, Database = Any>) -> Result<Vec<LinkId>> {
    Ok(sqlx::query_scalar("SELECT id FROM bank_links WHERE state = 'ENDED' AND bank_told = 0 AND agreement IS NOT NULL ORDER BY id LIMIT 100").fetch_all(on).await?)
}

pub(super) async fn of<'e>(
    on: impl Executor<'e, Database = Any>,
    person: PersonId,
    id: LinkId,
) -> Result<Row> {
    let row = sqlx::query_as(select!("WHERE l.id = $1 AND l.person_id = $2"))
        .bind(id)
        .bind(person)
        .fetch_optional(on)
        .await?;
    row.ok_or(Problem::new(Code::NotFound))
}

pub(super) async fn any<'e>(on: impl Executor<'e, Database = Any>, id: LinkId) -> Result<Row> {
    sqlx::query_as(select!("WHERE l.id = $1"))
        .bind(id)
        .fetch_optional(on)
        .await?
        .ok_or(Problem::new(Code::NotFound))
}

pub(super) async fn list<'e>(
    on: impl Executor<'e, Database = Any>,
    person: PersonId,
    ask: &PageAsk,
) -> Result<Page<Row>> {
    let (limit, cursor) = (ask.limit()?, ask.cursor::<LinkTag>()?);
    let sql = crate::page::paged!(cursor, select!("WHERE l.person_id = $1"), "l.id", "$2", "$3");
    let rows =
        sqlx::query_as(sql).bind(person).bind(&cursor.from).bind(i64::from(limit) + 1).fetch_all(on).await?;
    Ok(cursor.page(rows, limit))
}

pub(super) async fn has_signed<'e>(on: impl Executor<'e, Database = Any>, person: PersonId) -> Result<bool> {
    let signed: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM bank_links WHERE person_id = $1 AND state = 'SIGNED'")
            .bind(person)
            .fetch_one(on)
            .await?;
    Ok(signed > 0)
}
