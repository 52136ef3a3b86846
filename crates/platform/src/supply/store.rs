//! SQL of the supply's tables.

use jialing_crypto::hash::Digest;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::accounts::Flows;
use super::tree::Page;
use super::{Day, Statement};
use crate::{App, Db, Problem, Result, Tx};

/// Rows that one transaction deletes at most.
const DELETE_AT_ONCE: i64 = 256;

/// The table of accounts that is whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) generation: i64,
    pub(super) pages: i64,
    /// Records that it stands on.
    pub(super) records: u64,
}

/// A statement that was made, and the record that holds its digest once there is one.
#[derive(Clone, Debug)]
pub(super) struct Stated {
    pub(super) statement: Statement,
    pub(super) text: String,
    pub(super) digest: Digest,
    pub(super) record_seq: Option<u64>,
    pub(super) published_at: i64,
}

pub(super) async fn standing(app: &App) -> Result<Standing> {
    let row = sqlx::query("SELECT generation, pages, records FROM supply_standing WHERE one = 1")
        .fetch_optional(app.db.read())
        .await?;
    let Some(row) = row else { return Ok(Standing::default()) };
    Ok(Standing {
        generation: row.try_get("generation")?,
        pages: row.try_get("pages")?,
        records: row.try_get::<i64, _>("records")? as u64,
    })
}

/// Pages `from` to `to` (without) of a generation, in order.
pub(super) async fn account_pages(app: &App, generation: i64, from: i64, to: i64) -> Result<Vec<Vec<u8>>> {
    let sql = "SELECT entries FROM supply_accounts WHERE generation = $1 AND page >= $2 AND page < $3 ORDER BY page";
    let rows: Vec<Vec<u8>> =
        sqlx::query_scalar(sql).bind(generation).bind(from).bind(to).fetch_all(app.db.read()).await?;
    if rows.len() as i64 == to - from {
        Ok(rows)
    } else {
        Err(Problem::internal(format!("pages {from} to {to} of the supply's accounts are not all there")))
    }
}

/// Writes pages of a generation, the first of them as number `first`.
pub(super) async fn put_account_pages(
    app: &App,
    generation: i64,
    first: i64,
    pages: Vec<Vec<u8>>,
) -> Result<()> {
    app.db
        .write(async move |tx: &mut Tx| {
            for (page, entries) in (first..).zip(&pages) {
                sqlx::query("INSERT INTO supply_accounts (generation, page, entries) VALUES ($1, $2, $3)")
                    .bind(generation)
                    .bind(page)
                    .bind(entries.clone())
                    .execute(&mut *tx)
                    .await?;
            }
            Ok(())
        })
        .await
}

/// Makes `next` the table that counts, and adds what was issued and redeemed since `last`.
pub(super) async fn settle(
    app: &App,
    last: Standing,
    next: Standing,
    flows: Vec<((u16, u32), Flows)>,
) -> Result<()> {
    app.db
        .write(async move |tx: &mut Tx| {
            let moved = sqlx::query(
                "INSERT INTO supply_standing (one, generation, pages, records) VALUES (1, $1, $2, $3) \
                 ON CONFLICT (one) DO UPDATE SET generation = $1, pages = $2, records = $3 WHERE supply_standing.records = $4",
            )
            .bind(next.generation)
            .bind(next.pages)
            .bind(next.records as i64)
            .bind(last.records as i64)
            .execute(&mut *tx)
            .await?;
            if moved.rows_affected() != 1 {
                return Err(Problem::internal("another runner moved the supply's accounts"));
            }
            for ((currency, holder), flows) in &flows {
                let (issued, redeemed) = (whole(flows.issued)?, whole(flows.redeemed)?);
                sqlx::query(
                    "INSERT INTO supply_issued (currency, holder, issued, redeemed) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (currency, holder) DO UPDATE SET issued = supply_issued.issued + $3, redeemed = supply_issued.redeemed + $4",
                )
                .bind(i64::from(*currency))
                .bind(i64::from(*holder))
                .bind(issued)
                .bind(redeemed)
                .execute(&mut *tx)
                .await?;
            }
            Ok(())
        })
        .await
}

fn whole(amount: u64) -> Result<i64> {
    i64::try_from(amount).map_err(Problem::internal)
}

/// Removes the pages of every generation but `generation`, some at a time.
pub(super) async fn drop_other_generations(app: &App, generation: i64) -> Result<()> {
    let sql = "DELETE FROM supply_accounts WHERE (generation, page) IN \
               (SELECT generation, page FROM supply_accounts WHERE generation <> $1 LIMIT $2)";
    while delete(app, sql, generation).await? {}
    Ok(())
}

/// Removes the tree of `day`, some pages at a time.
pub(super) async fn drop_tree(app: &App, day: Day) -> Result<()> {
    let sql = "DELETE FROM supply_trees WHERE (day, book, level, page) IN \
               (SELECT day, book, level, page FROM supply_trees WHERE day = $1 LIMIT $2)";
    while delete(app, sql, i64::from(day.number())).await? {}
    Ok(())
}

/// Removes the trees of the days before `day`, some pages at a time.
pub(super) async fn drop_trees_before(app: &App, day: Day) -> Result<()> {
    let sql = "DELETE FROM supply_trees WHERE (day, book, level, page) IN \
               (SELECT day, book, level, page FROM supply_trees WHERE day < $1 LIMIT $2)";
    while delete(app, sql, i64::from(day.number())).await? {}
    Ok(())
}

async fn delete(app: &App, sql: &'static str, which: i64) -> Result<bool> {
    app.db
        .write(async move |tx: &mut Tx| {
            let done = sqlx::query(sql).bind(which).bind(DELETE_AT_ONCE).execute(&mut *tx).await?;
            Ok(done.rows_affected() > 0)
        })
        .await
}

/// What was issued and redeemed in each book.
pub(super) async fn issued(app: &App) -> Result<Vec<((u16, u32), Flows)>> {
    let rows: Vec<(i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT currency, holder, issued, redeemed FROM supply_issued ORDER BY currency, holder",
    )
    .fetch_all(app.db.read())
    .await?;
    rows.into_iter()
        .map(|(currency, holder, issued, redeemed)| {
            let book = (u16::try_from(currency)?, u32::try_from(holder)?);
            Ok((book, Flows { issued: u64::try_from(issued)?, redeemed: u64::try_from(redeemed)? }))
        })
        .collect::<Result<_, std::num::TryFromIntError>>()
        .map_err(Problem::internal)
}

/// Writes pages of a book's tree.
pub(super) async fn put_tree_pages(app: &App, day: Day, book: usize, pages: Vec<Page>) -> Result<()> {
    app.db
        .write(async move |tx: &mut Tx| {
            for page in &pages {
                sqlx::query("INSERT INTO supply_trees (day, book, level, page, first_leaf, nodes) VALUES ($1, $2, $3, $4, $5, $6)")
                    .bind(i64::from(day.number()))
                    .bind(book as i64)
                    .bind(i64::from(page.level))
                    .bind(page.number as i64)
                    .bind(page.first().map(|first| first.to_vec()))
                    .bind(page.nodes.clone())
                    .execute(&mut *tx)
                    .await?;
            }
            Ok(())
        })
        .await
}

/// The page of leaves that `commitment` is in if it is anywhere: its number and bytes.
pub(super) async fn leaf_page(
    app: &App,
    day: Day,
    book: usize,
    commitment: &Digest,
) -> Result<Option<(u64, Vec<u8>)>> {
    let row = sqlx::query(
        "SELECT page, nodes FROM supply_trees WHERE day = $1 AND book = $2 AND level = 0 AND first_leaf <= $3 ORDER BY first_leaf DESC LIMIT 1",
    )
    .bind(i64::from(day.number()))
    .bind(book as i64)
    .bind(commitment.to_vec())
    .fetch_optional(app.db.read())
    .await?;
    row.map(|row| Ok((row.try_get::<i64, _>("page")? as u64, row.try_get("nodes")?))).transpose()
}

/// A page of a book's tree.
pub(super) async fn tree_page(
    app: &App,
    day: Day,
    book: usize,
    level: u8,
    page: u64,
) -> Result<Option<Vec<u8>>> {
    Ok(sqlx::query_scalar(
        "SELECT nodes FROM supply_trees WHERE day = $1 AND book = $2 AND level = $3 AND page = $4",
    )
    .bind(i64::from(day.number()))
    .bind(book as i64)
    .bind(i64::from(level))
    .bind(page as i64)
    .fetch_optional(app.db.read())
    .await?)
}

/// Whether any page of the day's trees is kept.
pub(super) async fn has_tree(app: &App, day: Day) -> Result<bool> {
    let found: Option<i64> = sqlx::query_scalar("SELECT day FROM supply_trees WHERE day = $1 LIMIT 1")
        .bind(i64::from(day.number()))
        .fetch_optional(app.db.read())
        .await?;
    Ok(found.is_some())
}

/// Keeps a statement before the log has its digest.
pub(super) async fn put_statement(app: &App, statement: &Statement) -> Result<()> {
    let (day, text, digest) = (statement.day, statement.to_text(), statement.digest());
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query("INSERT INTO supply_statements (day, statement, digest) VALUES ($1, $2, $3)")
                .bind(i64::from(day.number()))
                .bind(text.clone())
                .bind(digest.to_vec())
                .execute(&mut *tx)
                .await?;
            Ok(())
        })
        .await
}

/// Forgets a statement that the log has not.
pub(super) async fn withdraw(app: &App, day: Day) -> Result<()> {
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query("DELETE FROM supply_statements WHERE day = $1 AND record_seq IS NULL")
                .bind(i64::from(day.number()))
                .execute(&mut *tx)
                .await?;
            Ok(())
        })
        .await
}

/// Remembers where the log has the digest of the day's statement.
pub(super) async fn set_published(app: &App, day: Day, seq: u64, now: i64) -> Result<()> {
    app.db
        .write(async move |tx: &mut Tx| {
            sqlx::query("UPDATE supply_statements SET record_seq = $2, published_at = $3 WHERE day = $1 AND record_seq IS NULL")
                .bind(i64::from(day.number()))
                .bind(seq as i64)
                .bind(now)
                .execute(&mut *tx)
                .await?;
            Ok(())
        })
        .await
}

const COLUMNS: &str = "SELECT statement, digest, record_seq, published_at FROM supply_statements";

/// The newest statement, published or not.
pub(super) async fn newest(app: &App) -> Result<Option<Stated>> {
    let sql = format!("{COLUMNS} ORDER BY day DESC LIMIT 1");
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .fetch_optional(app.db.read())
        .await?
        .map(|row| read(&row))
        .transpose()
}

/// The published statement of `day`, or the newest.
pub(super) async fn published(app: &App, day: Option<Day>) -> Result<Option<Stated>> {
    let sql = format!(
        "{COLUMNS} WHERE record_seq IS NOT NULL AND day >= $1 AND day <= $2 ORDER BY day DESC LIMIT 1"
    );
    let (from, to) = day.map_or((0, i64::MAX), |day| (i64::from(day.number()), i64::from(day.number())));
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(from).bind(to).fetch_optional(app.db.read()).await?;
    row.map(|row| read(&row)).transpose()
}

/// Published statements of days before `before`, newest first.
pub(super) async fn list(app: &App, before: Option<Day>, limit: u32) -> Result<Vec<Stated>> {
    let sql = format!("{COLUMNS} WHERE record_seq IS NOT NULL AND day < $1 ORDER BY day DESC LIMIT $2");
    let before = before.map_or(i64::MAX, |day| day.number().into());
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(app.db.read())
        .await?;
    rows.iter().map(read).collect()
}

/// Every statement in the order of days, for the auditor.
pub(super) async fn all(db: &Db) -> Result<Vec<Stated>> {
    let sql = format!("{COLUMNS} ORDER BY day");
    sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(db.read()).await?.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Stated> {
    let text: String = row.try_get("statement")?;
    let digest: Vec<u8> = row.try_get("digest")?;
    Ok(Stated {
        statement: Statement::parse(&text).map_err(Problem::internal)?,
        digest: digest.try_into().map_err(|_| Problem::internal("a stored digest is not 32 bytes"))?,
        record_seq: row.try_get::<Option<i64>, _>("record_seq")?.map(|seq| seq as u64),
        published_at: row.try_get::<Option<i64>, _>("published_at")?.unwrap_or(0),
        text,
    })
}
