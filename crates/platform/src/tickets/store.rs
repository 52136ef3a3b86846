//! The tables of tickets and their messages.

use super::{Author, State, Topic};
use crate::id::{PersonId, TicketId, TicketTag};
use crate::page::ListAsk;
use crate::{App, Page, PageAsk, Result, Tx};

/// The column that messages are sealed for.
pub(super) const COLUMN: &str = "ticket_messages.said";
/// Rows that one job of housekeeping removes at most.
const SWEPT_TOGETHER: i64 = 1_000;

/// A row of `tickets`. Times in milliseconds.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: TicketId,
    pub(super) person: PersonId,
    pub(super) topic: Topic,
    pub(super) subject: Option<String>,
    pub(super) state: State,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// A row of `ticket_messages`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Said {
    pub(super) author: Author,
    pub(super) operator: Option<String>,
    pub(super) said: Vec<u8>,
    pub(super) at: i64,
}

/// A message to write, by an operator or by the person.
pub(super) struct NewMessage<'a> {
    pub(super) ticket: TicketId,
    pub(super) place: i64,
    pub(super) by: Option<&'a str>,
    pub(super) said: &'a [u8],
    pub(super) now: i64,
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, person, topic, subject, state, created_at, updated_at FROM tickets ", $rest)
    };
}

pub(super) async fn insert(
    tx: &mut Tx,
    id: TicketId,
    person: PersonId,
    (topic, subject): (Topic, Option<&str>),
    now: i64,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO tickets (id, person, topic, subject, state, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, 'OPEN', $5, $5)",
    )
    .bind(id)
    .bind(person)
    .bind(topic)
    .bind(subject.map(str::to_owned))
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Adds a message; false if its place is taken.
pub(super) async fn append(tx: &mut Tx, new: &NewMessage<'_>) -> Result<bool> {
    let added = sqlx::query(
        "INSERT INTO ticket_messages (ticket, place, author, operator, said, at) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (ticket, place) DO NOTHING",
    )
    .bind(new.ticket)
    .bind(new.place)
    .bind(if new.by.is_some() { Author::Staff } else { Author::You })
    .bind(new.by.map(str::to_owned))
    .bind(new.said.to_vec())
    .bind(new.now)
    .execute(&mut *tx)
    .await?;
    Ok(added.rows_affected() == 1)
}

/// Brings a ticket to `to`; false if it is closed.
pub(super) async fn speak(tx: &mut Tx, id: TicketId, to: State, now: i64) -> Result<bool> {
    let done =
        sqlx::query("UPDATE tickets SET state = $2, updated_at = $3 WHERE id = $1 AND state <> 'CLOSED'")
            .bind(id)
            .bind(to)
            .bind(now)
            .execute(&mut *tx)
            .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn find(tx: &mut Tx, id: TicketId) -> Result<Option<Row>> {
    Ok(sqlx::query_as(select!("WHERE id = $1")).bind(id).fetch_optional(&mut *tx).await?)
}

pub(super) async fn read(app: &App, id: TicketId) -> Result<Option<Row>> {
    Ok(sqlx::query_as(select!("WHERE id = $1")).bind(id).fetch_optional(app.db.read()).await?)
}

pub(super) async fn not_closed(tx: &mut Tx, person: PersonId) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM tickets WHERE person = $1 AND state <> 'CLOSED'")
        .bind(person)
        .fetch_one(&mut *tx)
        .await?)
}

pub(super) async fn messages(app: &App, ticket: TicketId) -> Result<Vec<Said>> {
    Ok(sqlx::query_as(
        "SELECT author, operator, said, at FROM ticket_messages WHERE ticket = $1 ORDER BY place",
    )
    .bind(ticket)
    .fetch_all(app.db.read())
    .await?)
}

pub(super) async fn of_person(app: &App, person: PersonId, page: &PageAsk) -> Result<Page<Row>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<TicketTag>()?);
    let sql = crate::page::paged!(cursor, select!("WHERE person = $1"), "id", "$2", "$3");
    let rows = sqlx::query_as(sql)
        .bind(person)
        .bind(cursor.from.clone())
        .bind(i64::from(limit) + 1)
        .fetch_all(app.db.read())
        .await?;
    Ok(cursor.page(rows, limit))
}

pub(super) async fn all(app: &App, ask: &ListAsk<State>) -> Result<Page<Row>> {
    let page = ask.page();
    let (limit, cursor) = (page.limit()?, page.cursor::<TicketTag>()?);
    let sql = crate::page::paged!(
        cursor,
        select!("WHERE (CAST($1 AS TEXT) IS NULL OR state = $1)"),
        "id",
        "$2",
        "$3"
    );
    let rows = sqlx::query_as(sql)
        .bind(ask.state)
        .bind(cursor.from.clone())
        .bind(i64::from(limit) + 1)
        .fetch_all(app.db.read())
        .await?;
    Ok(cursor.page(rows, limit))
}

pub(super) async fn forget_person(tx: &mut Tx, person: PersonId) -> Result<()> {
    for sql in [
        "DELETE FROM ticket_messages WHERE ticket IN (SELECT id FROM tickets WHERE person = $1)",
        "DELETE FROM tickets WHERE person = $1",
    ] {
        sqlx::query(sql).bind(person).execute(&mut *tx).await?;
    }
    Ok(())
}

pub(super) async fn forget(tx: &mut Tx, before: i64) -> Result<u64> {
    let old: Vec<TicketId> =
        sqlx::query_scalar("SELECT id FROM tickets WHERE updated_at < $1 ORDER BY updated_at LIMIT $2")
            .bind(before)
            .bind(SWEPT_TOGETHER)
            .fetch_all(&mut *tx)
            .await?;
    for ticket in &old {
        for sql in ["DELETE FROM ticket_messages WHERE ticket = $1", "DELETE FROM tickets WHERE id = $1"] {
            sqlx::query(sql).bind(*ticket).execute(&mut *tx).await?;
        }
    }
    Ok(old.len() as u64)
}
