//! The tables `debit_agreements` and `debits`.

use super::agree::AgreementAsk;
use super::{DebitState, Name, Period, Retry, Side, State, rules};
use crate::id::{
    DebitAgreementId, DebitAgreementTag, DebitId, DebitTag, MerchantId, OrderId, PersonId, WalletId,
};
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx};

/// A row of `debit_agreements`. Amounts in fen, times in milliseconds.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: DebitAgreementId,
    pub(super) merchant: MerchantId,
    pub(super) out_agreement_no: String,
    pub(super) description: String,
    pub(super) max_amount: i64,
    pub(super) period: Period,
    pub(super) max_count: i64,
    pub(super) valid_until: i64,
    pub(super) notify_url: Option<String>,
    /// As written; [`Row::state_at`] says what it is.
    pub(super) state: State,
    pub(super) policy: Option<i64>,
    pub(super) person: Option<PersonId>,
    pub(super) wallet: Option<WalletId>,
    pub(super) created_at: i64,
    pub(super) expires_at: i64,
    pub(super) approved_at: Option<i64>,
    pub(super) ended_at: Option<i64>,
    pub(super) ended_by: Option<Side>,
    pub(super) version: i64,
}

impl Row {
    /// The state at `now`.
    pub(super) const fn state_at(&self, now: i64) -> State {
        rules::state_at(self.state, self.expires_at, self.valid_until, now)
    }
}

/// A row of `debits`. Amounts in fen, times in milliseconds.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct DebitRow {
    pub(super) id: DebitId,
    pub(super) agreement: DebitAgreementId,
    pub(super) merchant: MerchantId,
    pub(super) order_id: OrderId,
    pub(super) amount: i64,
    pub(super) due_asked: Option<i64>,
    pub(super) due_at: i64,
    pub(super) retry: Retry,
    pub(super) digest: Vec<u8>,
    pub(super) state: DebitState,
    pub(super) problem: Option<String>,
    pub(super) tries: i64,
    pub(super) next_try_at: i64,
    pub(super) created_at: i64,
    pub(super) ended_at: Option<i64>,
    pub(super) version: i64,
}

pub(super) async fn find(tx: &mut Tx, id: DebitAgreementId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM debit_agreements WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut *tx)
        .await?)
}

pub(super) async fn numbered(tx: &mut Tx, merchant: MerchantId, number: &str) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM debit_agreements WHERE merchant = $1 AND out_agreement_no = $2")
        .bind(merchant)
        .bind(number.to_owned())
        .fetch_optional(&mut *tx)
        .await?)
}

pub(super) async fn named(tx: &mut Tx, merchant: MerchantId, name: &Name) -> Result<Row> {
    let row = match name {
        Name::Id(id) => find(tx, *id).await?.filter(|row| row.merchant == merchant),
        Name::OutAgreementNo(number) => numbered(tx, merchant, number).await?,
    };
    row.ok_or(Problem::new(Code::NotFound))
}

/// The agreement, if the person approved it or nobody has yet; `not_found` otherwise.
pub(super) async fn seen_by(tx: &mut Tx, id: DebitAgreementId, person: PersonId) -> Result<Row> {
    let row = find(tx, id).await?;
    row.filter(|row| row.person.is_none_or(|payer| payer == person)).ok_or(Problem::new(Code::NotFound))
}

pub(super) async fn insert(
    tx: &mut Tx,
    merchant: MerchantId,
    ask: &AgreementAsk,
    valid_until: i64,
    now: i64,
    expires_at: i64,
) -> Result<Row> {
    sqlx::query_as(
        "INSERT INTO debit_agreements (id, merchant, out_agreement_no, description, max_amount, period, max_count,
            valid_until, notify_url, state, created_at, expires_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'PROPOSED', $10, $11, 1)
         ON CONFLICT (merchant, out_agreement_no) DO NOTHING RETURNING *",
    )
    .bind(DebitAgreementId::new(now))
    .bind(merchant)
    .bind(ask.out_agreement_no.clone())
    .bind(ask.description.clone())
    .bind(ask.max_amount.amount as i64)
    .bind(ask.period)
    .bind(ask.max_count)
    .bind(valid_until)
    .bind(ask.notify_url.clone())
    .bind(now)
    .bind(expires_at)
    .fetch_optional(&mut *tx)
    .await?
    // The number was free at the look and is not now: look again.
    .ok_or_else(Problem::again)
}

/// Who approves, from which wallet, by which signature.
pub(super) struct Approval {
    pub(super) person: PersonId,
    pub(super) wallet: WalletId,
    pub(super) digest: [u8; 24],
    pub(super) policy: i64,
}

/// Approves a proposal; `None` if it does not wait any more.
pub(super) async fn approve(
    tx: &mut Tx,
    id: DebitAgreementId,
    by: &Approval,
    now: i64,
) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "UPDATE debit_agreements SET state = 'OPENING', person = $2, wallet = $3, digest = $4, policy = $5, approved_at = $6,
            version = version + 1
         WHERE id = $1 AND state = 'PROPOSED' AND expires_at > $6 RETURNING *",
    )
    .bind(id)
    .bind(by.person)
    .bind(by.wallet)
    .bind(by.digest.to_vec())
    .bind(by.policy)
    .bind(now)
    .fetch_optional(&mut *tx)
    .await?)
}

/// How many agreements of the wallet run.
pub(super) async fn live(tx: &mut Tx, wallet: WalletId) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "SELECT COUNT(*) FROM debit_agreements WHERE wallet = $1 AND state IN ('OPENING', 'ACTIVE')",
    )
    .bind(wallet)
    .fetch_one(&mut *tx)
    .await?)
}

/// The ledger knows the limits; `None` if the agreement is not opening any more.
pub(super) async fn activate(tx: &mut Tx, id: DebitAgreementId) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "UPDATE debit_agreements SET state = 'ACTIVE', version = version + 1 WHERE id = $1 AND state = 'OPENING' RETURNING *",
    )
    .bind(id)
    .fetch_optional(&mut *tx)
    .await?)
}

/// Ends an agreement that stands as `from`; `None` if it does not.
pub(super) async fn end(tx: &mut Tx, row: &Row, to: State, by: Option<Side>, at: i64) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "UPDATE debit_agreements SET state = $3, ended_at = $4, ended_by = $5, version = version + 1
         WHERE id = $1 AND state = $2 RETURNING *",
    )
    .bind(row.id)
    .bind(row.state)
    .bind(to)
    .bind(at)
    .bind(by)
    .fetch_optional(&mut *tx)
    .await?)
}

pub(super) async fn opening(app: &App) -> Result<Vec<Row>> {
    Ok(sqlx::query_as("SELECT * FROM debit_agreements WHERE state = 'OPENING' ORDER BY id")
        .fetch_all(app.db.read())
        .await?)
}

/// Agreements whose time was over at `now` and whose row does not say so.
pub(super) async fn over(app: &App, now: i64, most: i64) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = sqlx::query_as(
        "SELECT * FROM debit_agreements WHERE state = 'PROPOSED' AND expires_at <= $1 ORDER BY expires_at LIMIT $2",
    )
    .bind(now)
    .bind(most)
    .fetch_all(app.db.read())
    .await?;
    let ended: Vec<Row> = sqlx::query_as(
        "SELECT * FROM debit_agreements WHERE state = 'ACTIVE' AND valid_until <= $1 ORDER BY valid_until LIMIT $2",
    )
    .bind(now)
    .bind(most)
    .fetch_all(app.db.read())
    .await?;
    rows.extend(ended);
    Ok(rows)
}

pub(super) async fn of_merchant(app: &App, merchant: MerchantId, page: &PageAsk) -> Result<Page<Row>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<DebitAgreementTag>()?);
    let rows = sqlx::query_as(crate::page::paged!(
        cursor,
        "SELECT * FROM debit_agreements WHERE merchant = $1",
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

pub(super) async fn of_person(app: &App, person: PersonId, page: &PageAsk) -> Result<Page<Row>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<DebitAgreementTag>()?);
    let rows = sqlx::query_as(crate::page::paged!(
        cursor,
        "SELECT * FROM debit_agreements WHERE person = $1",
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

/// A debit to add.
pub(super) struct NewDebit {
    pub(super) agreement: DebitAgreementId,
    pub(super) merchant: MerchantId,
    pub(super) order: OrderId,
    pub(super) amount: i64,
    pub(super) due_asked: Option<i64>,
    pub(super) due_at: i64,
    pub(super) retry: Retry,
    pub(super) digest: [u8; 24],
}

/// Adds a debit; `None` if its order has one.
pub(super) async fn add_debit(tx: &mut Tx, new: &NewDebit, now: i64) -> Result<Option<DebitRow>> {
    Ok(sqlx::query_as(
        "INSERT INTO debits (id, agreement, merchant, order_id, amount, due_asked, due_at, retry, digest, state, tries,
            next_try_at, created_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'NOTICED', 0, $7, $10, 1) ON CONFLICT DO NOTHING RETURNING *",
    )
    .bind(new.order.cast::<DebitTag>())
    .bind(new.agreement)
    .bind(new.merchant)
    .bind(new.order)
    .bind(new.amount)
    .bind(new.due_asked)
    .bind(new.due_at)
    .bind(new.retry)
    .bind(new.digest.to_vec())
    .bind(now)
    .fetch_optional(&mut *tx)
    .await?)
}

pub(super) async fn debit(tx: &mut Tx, id: DebitId) -> Result<Option<DebitRow>> {
    Ok(sqlx::query_as("SELECT * FROM debits WHERE id = $1").bind(id).fetch_optional(&mut *tx).await?)
}

pub(super) async fn debits_of(app: &App, id: DebitAgreementId, page: &PageAsk) -> Result<Page<DebitRow>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<DebitTag>()?);
    let rows = sqlx::query_as(crate::page::paged!(
        cursor,
        "SELECT * FROM debits WHERE agreement = $1",
        "id",
        "$2",
        "$3"
    ))
    .bind(id)
    .bind(cursor.from.clone())
    .bind(i64::from(limit) + 1)
    .fetch_all(app.db.read())
    .await?;
    Ok(cursor.page(rows, limit))
}

/// The debits under an agreement that wait.
pub(super) async fn waiting(tx: &mut Tx, id: DebitAgreementId) -> Result<Vec<DebitRow>> {
    Ok(sqlx::query_as(
        "SELECT * FROM debits WHERE agreement = $1 AND state IN ('NOTICED', 'RETRYING') ORDER BY id",
    )
    .bind(id)
    .fetch_all(&mut *tx)
    .await?)
}

/// Debits whose time has come at `now`, the oldest first.
pub(super) async fn due(app: &App, now: i64, most: i64) -> Result<Vec<DebitId>> {
    let mut found: Vec<(DebitId,)> = Vec::new();
    for state in [DebitState::Noticed, DebitState::Retrying] {
        let some: Vec<(DebitId,)> = sqlx::query_as(
            "SELECT id FROM debits WHERE state = $1 AND next_try_at <= $2 ORDER BY next_try_at LIMIT $3",
        )
        .bind(state)
        .bind(now)
        .bind(most)
        .fetch_all(app.db.read())
        .await?;
        found.extend(some);
    }
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// Where a debit goes.
pub(super) struct Turn<'a> {
    pub(super) to: DebitState,
    pub(super) problem: Option<&'a str>,
    pub(super) tries: i64,
    pub(super) next_try_at: i64,
    pub(super) ended_at: Option<i64>,
}

/// Turns a debit that waits and was tried as often as `row` says; `None` if it was turned meanwhile.
pub(super) async fn turn(tx: &mut Tx, row: &DebitRow, turn: Turn<'_>) -> Result<Option<DebitRow>> {
    Ok(sqlx::query_as(
        "UPDATE debits SET state = $3, problem = $4, tries = $5, next_try_at = $6, ended_at = $7, version = version + 1
         WHERE id = $1 AND version = $2 AND state IN ('NOTICED', 'RETRYING') RETURNING *",
    )
    .bind(row.id)
    .bind(row.version)
    .bind(turn.to)
    .bind(turn.problem.map(str::to_owned))
    .bind(turn.tries)
    .bind(turn.next_try_at)
    .bind(turn.ended_at)
    .fetch_optional(&mut *tx)
    .await?)
}

/// The ledger says that the debit was made; `None` if that was noted before.
pub(super) async fn succeed(tx: &mut Tx, id: DebitId, at: i64) -> Result<Option<DebitRow>> {
    Ok(sqlx::query_as(
        "UPDATE debits SET state = 'SUCCESS', problem = NULL, tries = tries + 1, ended_at = $2, version = version + 1
         WHERE id = $1 AND state <> 'SUCCESS' RETURNING *",
    )
    .bind(id)
    .bind(at)
    .fetch_optional(&mut *tx)
    .await?)
}
