//! The tables `mandates` and `mandate_policies`.

use super::State;
use crate::id::{MandateId, MandateTag, MerchantId, PersonId, WalletId, digits};
use crate::page::Cursor;
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx};

/// What every token begins with.
const TOKEN: &str = "mtk_";

/// A row of `mandates`. Limits in fen, times in milliseconds.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: MandateId,
    pub(super) token: String,
    pub(super) person: PersonId,
    pub(super) wallet: WalletId,
    pub(super) merchant: MerchantId,
    pub(super) single: i64,
    pub(super) day: i64,
    pub(super) policy: i64,
    pub(super) state: State,
    pub(super) created_at: i64,
    pub(super) changed_at: i64,
    pub(super) version: i64,
}

/// A mandate to add.
pub(super) struct New {
    pub(super) person: PersonId,
    pub(super) wallet: WalletId,
    pub(super) merchant: MerchantId,
    pub(super) single: u64,
    pub(super) day: u64,
    pub(super) digest: [u8; 24],
}

/// A token: as long as an id, all of it random, so that it tells nothing, not even a time.
fn token() -> String {
    let random = u128::from_le_bytes(jialing_crypto::random::bytes());
    format!("{TOKEN}{}", digits(random))
}

/// The next free policy number, for limits of their own that somebody agreed to.
pub(crate) async fn next_policy(tx: &mut Tx) -> Result<i64> {
    Ok(sqlx::query_scalar("UPDATE mandate_policies SET next = next + 1 WHERE one = 1 RETURNING next - 1")
        .fetch_one(&mut *tx)
        .await?)
}

pub(super) async fn insert(tx: &mut Tx, new: &New, now: i64) -> Result<Row> {
    let policy = next_policy(tx).await?;
    sqlx::query_as(
        "INSERT INTO mandates (id, token, digest, person, wallet, merchant, single, day, policy, state, created_at,
            changed_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, 1)
         ON CONFLICT (person, digest) DO NOTHING RETURNING *",
    )
    .bind(MandateId::new(now))
    .bind(token())
    .bind(new.digest.to_vec())
    .bind(new.person)
    .bind(new.wallet)
    .bind(new.merchant)
    .bind(new.single as i64)
    .bind(new.day as i64)
    .bind(policy)
    .bind(State::Opening)
    .bind(now)
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(Problem::again)
}

pub(super) async fn find(tx: &mut Tx, id: MandateId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM mandates WHERE id = $1").bind(id).fetch_optional(&mut *tx).await?)
}

/// The mandate that the person's signature of this digest made.
pub(super) async fn signed(tx: &mut Tx, person: PersonId, digest: &[u8; 24]) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM mandates WHERE person = $1 AND digest = $2")
        .bind(person)
        .bind(digest.to_vec())
        .fetch_optional(&mut *tx)
        .await?)
}

/// The merchant's mandate of this token; `not_found` unless it was pushed to this merchant.
pub(super) async fn named(tx: &mut Tx, merchant: MerchantId, token: &str) -> Result<Row> {
    sqlx::query_as("SELECT * FROM mandates WHERE token = $1 AND merchant = $2")
        .bind(token.to_owned())
        .bind(merchant)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Problem::new(Code::NotFound))
}

/// How many mandates of the wallet are not revoked.
pub(super) async fn live(tx: &mut Tx, wallet: WalletId) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM mandates WHERE wallet = $1 AND state <> 'REVOKED'")
        .bind(wallet)
        .fetch_one(&mut *tx)
        .await?)
}

pub(super) async fn turn(tx: &mut Tx, id: MandateId, from: State, to: State, now: i64) -> Result<Row> {
    sqlx::query_as(
        "UPDATE mandates SET state = $3, changed_at = $4, version = version + 1 WHERE id = $1 AND state = $2 RETURNING *",
    )
    .bind(id)
    .bind(from)
    .bind(to)
    .bind(now)
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Problem::new(Code::StateConflict))
}

pub(super) async fn opening(app: &App) -> Result<Vec<Row>> {
    Ok(sqlx::query_as("SELECT * FROM mandates WHERE state = 'OPENING' ORDER BY id")
        .fetch_all(app.db.read())
        .await?)
}

pub(super) async fn of_person(app: &App, person: PersonId, page: &PageAsk) -> Result<Page<Row>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<MandateTag>()?);
    let rows = sqlx::query_as(crate::page::paged!(
        cursor,
        "SELECT * FROM mandates WHERE person = $1",
        "id",
        "$2",
        "$3"
    ))
    .bind(person)
    .bind(cursor.from.clone())
    .bind(i64::from(limit) + 1)
    .fetch_all(app.db.read())
    .await?;
    Ok(cursor.page(rows, limit))
}

/// Cursors are tokens here: a merchant never sees a mandate's id.
pub(super) async fn of_merchant(app: &App, merchant: MerchantId, page: &PageAsk) -> Result<Page<Row>> {
    let limit = page.limit()?;
    let cursor = match (&page.after, &page.before) {
        (None, None) => PageAsk::default().cursor::<MandateTag>()?,
        (Some(after), _) => {
            Cursor { from: id_of(app, merchant, "after", after).await?, towards_newer: false }
        }
        (None, Some(before)) => {
            Cursor { from: id_of(app, merchant, "before", before).await?, towards_newer: true }
        }
    };
    let rows = sqlx::query_as(crate::page::paged!(
        cursor,
        "SELECT * FROM mandates WHERE merchant = $1",
        "id",
        "$2",
        "$3"
    ))
    .bind(merchant)
    .bind(cursor.from.clone())
    .bind(i64::from(limit) + 1)
    .fetch_all(app.db.read())
    .await?;
    Ok(cursor.page(rows, limit))
}

async fn id_of(app: &App, merchant: MerchantId, field: &'static str, token: &str) -> Result<String> {
    let mut connection = app.db.read().acquire().await?;
    match named(&mut connection, merchant, token).await {
        Ok(row) => Ok(row.id.to_string()),
        Err(_) => {
            Err(Problem::new(Code::InvalidRequest).field(field).detail("The cursor is no mandate's token."))
        }
    }
}
