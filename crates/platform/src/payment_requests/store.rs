//! The tables of requests and bills.

use super::{RequestDirection, State, VALID_MS};
use crate::id::{
    BillSplitId, BillSplitTag, PaymentRequestId, PaymentRequestTag, PersonId, TransferId, WalletId,
};
use crate::{App, Page, PageAsk, Problem, Result, Tx};

/// A row of `payment_requests`. Amounts in fen, times in milliseconds.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: PaymentRequestId,
    pub(super) requester: PersonId,
    pub(super) payer: PersonId,
    pub(super) out_request_no: String,
    pub(super) bill_split: Option<BillSplitId>,
    pub(super) payer_hash: String,
    pub(super) to_wallet: WalletId,
    pub(super) amount: i64,
    pub(super) note: Option<Vec<u8>>,
    state: State,
    pub(super) transfer: Option<TransferId>,
    pub(super) created_at: i64,
    pub(super) expires_at: i64,
    pub(super) ended_at: Option<i64>,
}

impl Row {
    /// Where it stands at `now`.
    pub(super) fn state_at(&self, now: i64) -> State {
        if self.state == State::Pending && self.expires_at <= now { State::Expired } else { self.state }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, requester, payer, out_request_no, bill_split, payer_hash, to_wallet, amount, note, state, transfer, created_at, \
             expires_at, ended_at FROM payment_requests ",
            $rest
        )
    };
}

/// A request to write.
#[derive(Clone)]
pub(super) struct New {
    pub(super) id: PaymentRequestId,
    pub(super) requester: PersonId,
    pub(super) payer: PersonId,
    pub(super) out_request_no: String,
    pub(super) bill_split: Option<BillSplitId>,
    pub(super) payer_hash: String,
    pub(super) to_wallet: WalletId,
    pub(super) amount: i64,
    pub(super) note: Option<Vec<u8>>,
    pub(super) now: i64,
}

/// Writes a request; false if its number is taken.
pub(super) async fn insert(tx: &mut Tx, new: &New) -> Result<bool> {
    let added = sqlx::query(
        "INSERT INTO payment_requests (id, requester, payer, out_request_no, bill_split, payer_hash, to_wallet, amount, note, state, \
         created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'PENDING', $10, $11) \
         ON CONFLICT (requester, out_request_no) DO NOTHING",
    )
    .bind(new.id)
    .bind(new.requester)
    .bind(new.payer)
    .bind(&new.out_request_no)
    .bind(new.bill_split)
    .bind(&new.payer_hash)
    .bind(new.to_wallet)
    .bind(new.amount)
    .bind(new.note.clone())
    .bind(new.now)
    .bind(new.now + VALID_MS)
    .execute(&mut *tx)
    .await?;
    Ok(added.rows_affected() == 1)
}

pub(super) async fn find(app: &App, id: PaymentRequestId) -> Result<Option<Row>> {
    Ok(sqlx::query_as(select!("WHERE id = $1")).bind(id).fetch_optional(app.db.read()).await?)
}

pub(super) async fn numbered(app: &App, requester: PersonId, number: &str) -> Result<Option<Row>> {
    let row = sqlx::query_as(select!("WHERE requester = $1 AND out_request_no = $2"));
    Ok(row.bind(requester).bind(number.to_owned()).fetch_optional(app.db.read()).await?)
}

pub(super) async fn numbered_in(tx: &mut Tx, requester: PersonId, number: &str) -> Result<Row> {
    let row = sqlx::query_as(select!("WHERE requester = $1 AND out_request_no = $2"));
    Ok(row.bind(requester).bind(number.to_owned()).fetch_one(&mut *tx).await?)
}

pub(super) async fn of_split(app: &App, split: BillSplitId) -> Result<Vec<Row>> {
    let rows = sqlx::query_as(select!("WHERE bill_split = $1 ORDER BY out_request_no"));
    Ok(rows.bind(split).fetch_all(app.db.read()).await?)
}

pub(super) async fn list(
    app: &App,
    person: PersonId,
    direction: Option<RequestDirection>,
    page: &PageAsk,
) -> Result<Page<Row>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<PaymentRequestTag>()?);
    let sql = match direction {
        Some(RequestDirection::Sent) => {
            crate::page::paged!(cursor, select!("WHERE requester = $1"), "id", "$2", "$3")
        }
        Some(RequestDirection::Received) => {
            crate::page::paged!(cursor, select!("WHERE payer = $1"), "id", "$2", "$3")
        }
        None => {
            crate::page::paged!(cursor, select!("WHERE (requester = $1 OR payer = $1)"), "id", "$2", "$3")
        }
    };
    let rows = sqlx::query_as(sql)
        .bind(person)
        .bind(cursor.from.clone())
        .bind(i64::from(limit) + 1)
        .fetch_all(app.db.read())
        .await?;
    Ok(cursor.page(rows, limit))
}

/// Ends a request that waits; false if it does not.
pub(super) async fn end(tx: &mut Tx, id: PaymentRequestId, to: State, now: i64) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE payment_requests SET state = $2, ended_at = $3 WHERE id = $1 AND state = 'PENDING' AND expires_at > $3",
    )
    .bind(id)
    .bind(to)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn state_in(tx: &mut Tx, id: PaymentRequestId) -> Result<State> {
    Ok(sqlx::query_scalar("SELECT state FROM payment_requests WHERE id = $1")
        .bind(id)
        .fetch_one(&mut *tx)
        .await?)
}

/// The request is paid, if it is one of these parties and this amount; its requester, if that is news.
pub(super) async fn paid(
    tx: &mut Tx,
    id: PaymentRequestId,
    transfer: TransferId,
    payer: PersonId,
    wallet: WalletId,
    amount: i64,
    at: i64,
) -> Result<Option<PersonId>> {
    Ok(sqlx::query_scalar(
        "UPDATE payment_requests SET state = 'PAID', transfer = $2, ended_at = $6 \
         WHERE id = $1 AND payer = $3 AND to_wallet = $4 AND amount = $5 AND state <> 'PAID' RETURNING requester",
    )
    .bind(id)
    .bind(transfer)
    .bind(payer)
    .bind(wallet)
    .bind(amount)
    .bind(at)
    .fetch_optional(&mut *tx)
    .await?)
}

/// Takes back what waits of a bill.
pub(super) async fn cancel_of(tx: &mut Tx, split: BillSplitId, now: i64) -> Result<()> {
    sqlx::query(
        "UPDATE payment_requests SET state = 'CANCELLED', ended_at = $2 WHERE bill_split = $1 AND state = 'PENDING' AND expires_at > $2",
    )
    .bind(split)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

fn note_place(id: PaymentRequestId) -> String {
    format!("payment_requests.note/{id}")
}

pub(super) fn seal_note(app: &App, id: PaymentRequestId, note: &str) -> Vec<u8> {
    app.seal.seal(note.as_bytes(), note_place(id).as_bytes())
}

/// What the requester wrote.
pub(super) fn note(app: &App, row: &Row) -> Result<Option<String>> {
    row.note.as_deref().map(|sealed| open(app, sealed, &note_place(row.id))).transpose()
}

fn open(app: &App, sealed: &[u8], place: &str) -> Result<String> {
    let plain = app.seal.open(sealed, place.as_bytes()).map_err(Problem::internal)?;
    String::from_utf8(plain.to_vec()).map_err(Problem::internal)
}

/// A row of `bill_splits`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Split {
    pub(super) id: BillSplitId,
    pub(super) out_split_no: String,
    title: Vec<u8>,
    pub(super) to_wallet: WalletId,
    pub(super) total: i64,
    pub(super) created_at: i64,
}

impl Split {
    pub(super) fn title(&self, app: &App) -> Result<String> {
        open(app, &self.title, &title_place(self.id))
    }
}

macro_rules! split {
    ($rest:literal) => {
        concat!("SELECT id, out_split_no, title, to_wallet, total, created_at FROM bill_splits ", $rest)
    };
}

fn title_place(id: BillSplitId) -> String {
    format!("bill_splits.title/{id}")
}

pub(super) fn seal_title(app: &App, id: BillSplitId, title: &str) -> Vec<u8> {
    app.seal.seal(title.as_bytes(), title_place(id).as_bytes())
}

/// Writes a bill; false if its number is taken.
pub(super) async fn insert_split(
    tx: &mut Tx,
    person: PersonId,
    out_split_no: &str,
    (id, title): (BillSplitId, &[u8]),
    (to_wallet, total): (WalletId, i64),
    now: i64,
) -> Result<bool> {
    let added = sqlx::query(
        "INSERT INTO bill_splits (id, person, out_split_no, title, to_wallet, total, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (person, out_split_no) DO NOTHING",
    )
    .bind(id)
    .bind(person)
    .bind(out_split_no.to_owned())
    .bind(title.to_vec())
    .bind(to_wallet)
    .bind(total)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(added.rows_affected() == 1)
}

pub(super) async fn find_split(app: &App, person: PersonId, id: BillSplitId) -> Result<Option<Split>> {
    let row = sqlx::query_as(split!("WHERE id = $1 AND person = $2"));
    Ok(row.bind(id).bind(person).fetch_optional(app.db.read()).await?)
}

pub(super) async fn numbered_split(app: &App, person: PersonId, number: &str) -> Result<Option<Split>> {
    let row = sqlx::query_as(split!("WHERE person = $1 AND out_split_no = $2"));
    Ok(row.bind(person).bind(number.to_owned()).fetch_optional(app.db.read()).await?)
}

pub(super) async fn list_splits(app: &App, person: PersonId, page: &PageAsk) -> Result<Page<Split>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<BillSplitTag>()?);
    let sql = crate::page::paged!(cursor, split!("WHERE person = $1"), "id", "$2", "$3");
    let rows = sqlx::query_as(sql)
        .bind(person)
        .bind(cursor.from.clone())
        .bind(i64::from(limit) + 1)
        .fetch_all(app.db.read())
        .await?;
    Ok(cursor.page(rows, limit))
}
