//! The tables `orders` and `order_states`.
//!
//! Every change is one conditional statement that names the states it starts from, counts the
//! version up and leaves a line in `order_states`. A statement that found no such row changed nothing.

use super::{CloseReason, Name, OrderAsk, State, TradeType, Way};
use super::{cashier, goods, rules};
use crate::id::{MandateId, MerchantId, OrderId, PaymentId, StoreId, WalletId};
use crate::{App, Code, Problem, Result, Tx};

/// A row of `orders`. Amounts in fen, times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    /// Its id.
    pub id: OrderId,
    /// The merchant.
    pub merchant: MerchantId,
    /// The service provider that made it.
    pub provider: Option<MerchantId>,
    /// The merchant's number.
    pub out_trade_no: String,
    /// How it is paid.
    pub trade_type: TradeType,
    /// The store it is for.
    pub store: Option<StoreId>,
    /// The till it is for.
    pub terminal: Option<String>,
    /// What is sold.
    pub description: String,
    /// What it consists of: JSON.
    pub goods_detail: Option<String>,
    /// What is to be paid.
    pub amount: i64,
    /// Seconds that were asked for.
    pub expires_in: Option<i64>,
    /// The merchant's own data.
    pub attach: Option<String>,
    /// Where events are sent.
    pub notify_url: Option<String>,
    /// Where the customer goes after the cashier page.
    pub return_url: Option<String>,
    /// The token of the cashier page.
    pub cashier: Option<String>,
    /// What campaigns look at.
    pub goods_tag: Option<String>,
    /// The mandate it is charged to.
    pub mandate: Option<MandateId>,
    /// As written; [`Row::state_at`] says what it is.
    pub state: State,
    /// Given back, done.
    pub refunded: i64,
    /// Reserved by refunds that have not ended.
    pub refunding: i64,
    /// When it was created.
    pub created_at: i64,
    /// When it closes unpaid.
    pub expires_at: i64,
    /// When its payer was asked for the PIN.
    pub asked_at: Option<i64>,
    /// The attempt that holds it.
    pub attempt: Option<PaymentId>,
    /// Until when.
    pub leased_until: Option<i64>,
    /// The code of what the last attempt met.
    pub pay_problem: Option<String>,
    /// Whose wallet paid.
    pub payer_wallet: Option<WalletId>,
    /// When it was paid, also where the payment came too late.
    pub paid_at: Option<i64>,
    /// The ledger's record of it.
    pub record_seq: Option<i64>,
    /// When it was closed or revoked.
    pub closed_at: Option<i64>,
    /// Why.
    pub close_reason: Option<CloseReason>,
    /// Grows with every change.
    pub version: i64,
    /// 1 if its money is frozen for splitting when it is paid.
    pub split: i16,
}

impl Row {
    /// The state at `now`: what nobody is paying ends when its time is over, by closing, or by being
    /// taken back where a payer's code was charged.
    #[must_use]
    pub const fn state_at(&self, now: i64) -> State {
        let asked = matches!(self.state, State::UserPaying) && self.attempt.is_none();
        match rules::state_at(self.state, self.expires_at, now) {
            State::Closed
                if matches!(
                    (self.trade_type, self.state),
                    (TradeType::Code, State::NotPay | State::PayError)
                ) =>
            {
                State::Revoked
            }
            State::UserPaying if asked && self.expires_at <= now => State::Revoked,
            state => state,
        }
    }

    /// Whether a payer may scan it at `now`.
    #[must_use]
    pub fn scannable_at(&self, now: i64) -> bool {
        self.trade_type == TradeType::Qr && matches!(self.state_at(now), State::NotPay | State::PayError)
    }
}

/// The order with this id, if there is one.
pub async fn find(tx: &mut Tx, id: OrderId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM orders WHERE id = $1").bind(id).fetch_optional(&mut *tx).await?)
}

/// The merchant's order with this number, if there is one.
pub(crate) async fn numbered(tx: &mut Tx, merchant: MerchantId, out_trade_no: &str) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM orders WHERE merchant = $1 AND out_trade_no = $2")
        .bind(merchant)
        .bind(out_trade_no.to_owned())
        .fetch_optional(&mut *tx)
        .await?)
}

/// The order whose cashier page has this token, if there is one.
pub(super) async fn of_cashier(app: &App, token: &str) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM orders WHERE cashier = $1")
        .bind(token.to_owned())
        .fetch_optional(app.db.read())
        .await?)
}

/// The merchant's order of this name; `not_found` unless it is the merchant's.
pub(crate) async fn named(tx: &mut Tx, merchant: MerchantId, name: &Name) -> Result<Row> {
    let row = match name {
        Name::Id(id) => find(tx, *id).await?.filter(|row| row.merchant == merchant),
        Name::OutTradeNo(number) => numbered(tx, merchant, number).await?,
    };
    row.ok_or(Problem::new(Code::NotFound))
}

/// An order to add.
pub(crate) struct New<'a> {
    pub(crate) id: OrderId,
    pub(crate) ask: &'a OrderAsk,
    pub(crate) merchant: MerchantId,
    pub(crate) way: Way,
    pub(crate) now: i64,
    pub(crate) expires_at: i64,
}

/// Adds an order that waits; `None` if its number is taken.
pub(crate) async fn insert(tx: &mut Tx, new: New<'_>) -> Result<Option<Row>> {
    let New { id, ask, merchant, way, now, expires_at } = new;
    let row = sqlx::query_as(
        "INSERT INTO orders (id, merchant, out_trade_no, trade_type, store, description, amount, expires_in, attach,
            notify_url, goods_tag, mandate, state, refunded, refunding, created_at, expires_at, version, terminal,
            goods_detail, return_url, cashier)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, 0, $14, $15, 1, $16, $17, $18, $19)
         ON CONFLICT (merchant, out_trade_no) DO NOTHING RETURNING *",
    )
    .bind(id)
    .bind(merchant)
    .bind(ask.out_trade_no.clone())
    .bind(way.trade_type())
    .bind(ask.store_id)
    .bind(ask.description.clone())
    .bind(ask.amount.amount as i64)
    .bind(ask.expires_in)
    .bind(ask.attach.clone())
    .bind(ask.notify_url.clone())
    .bind(ask.goods_tag.clone())
    .bind(way.mandate())
    .bind(State::NotPay)
    .bind(now)
    .bind(expires_at)
    .bind(ask.terminal.clone())
    .bind(goods::stored(ask.goods_detail.as_deref())?)
    .bind(ask.return_url.clone())
    .bind((way == Way::Scan).then(cashier::token))
    .fetch_optional(&mut *tx)
    .await?;
    log_some(tx, row, now).await
}

/// Notes on a new order which service provider made it; without one it stays as it is.
pub(super) async fn carry_provider(tx: &mut Tx, row: Row, provider: Option<MerchantId>) -> Result<Row> {
    if provider.is_some() {
        sqlx::query("UPDATE orders SET provider = $2 WHERE id = $1")
            .bind(row.id)
            .bind(provider)
            .execute(&mut *tx)
            .await?;
    }
    Ok(Row { provider, ..row })
}

/// Gives an order that waits, or whose payer was asked for the PIN, to an attempt until `until`; `None` if it
/// does not wait at `now`.
///
/// An order whose last attempt failed waits again: it passes through `NOTPAY`.
pub(crate) async fn lease(
    tx: &mut Tx,
    id: OrderId,
    attempt: PaymentId,
    now: i64,
    until: i64,
) -> Result<Option<Moved>> {
    let leased = take(tx, id, attempt, now, until).await?;
    if leased.is_none() && wait_again(tx, id, now).await? {
        return take(tx, id, attempt, now, until).await;
    }
    Ok(leased)
}

async fn take(tx: &mut Tx, id: OrderId, attempt: PaymentId, now: i64, until: i64) -> Result<Option<Moved>> {
    let moved = sqlx::query_as(
        "UPDATE orders SET state = 'USERPAYING', attempt = $2, leased_until = $4, version = version + 1
         WHERE id = $1 AND (state = 'NOTPAY' OR state = 'USERPAYING' AND attempt IS NULL) AND expires_at > $3
         RETURNING version, state, trade_type, split",
    )
    .bind(id)
    .bind(attempt)
    .bind(now)
    .bind(until)
    .fetch_optional(&mut *tx)
    .await?;
    log_moved(tx, id, moved, now).await
}

/// Notes that the payer of an order that waits was asked for the PIN; `None` if it does not wait.
pub(crate) async fn ask_payer(tx: &mut Tx, id: OrderId, now: i64) -> Result<Option<Row>> {
    wait_again(tx, id, now).await?;
    let row = sqlx::query_as(
        "UPDATE orders SET state = 'USERPAYING', asked_at = $2, pay_problem = NULL, version = version + 1
         WHERE id = $1 AND state = 'NOTPAY' AND expires_at > $2 RETURNING *",
    )
    .bind(id)
    .bind(now)
    .fetch_optional(&mut *tx)
    .await?;
    log_some(tx, row, now).await
}

/// Notes that the payer, who was asked for the PIN, said no; `None` if nobody is asked any more.
pub(crate) async fn refuse(tx: &mut Tx, id: OrderId, problem: &str, now: i64) -> Result<Option<Row>> {
    let row = sqlx::query_as(
        "UPDATE orders SET state = 'PAYERROR', pay_problem = $3, version = version + 1
         WHERE id = $1 AND state = 'USERPAYING' AND attempt IS NULL AND expires_at > $2 RETURNING *",
    )
    .bind(id)
    .bind(now)
    .bind(problem.to_owned())
    .fetch_optional(&mut *tx)
    .await?;
    log_some(tx, row, now).await
}

/// Takes the order from an attempt that failed; `None` if the attempt no longer holds it.
pub(crate) async fn fail(
    tx: &mut Tx,
    id: OrderId,
    attempt: PaymentId,
    problem: &str,
    now: i64,
) -> Result<Option<Row>> {
    let row = sqlx::query_as(
        "UPDATE orders SET state = 'PAYERROR', attempt = NULL, leased_until = NULL, pay_problem = $3, version = version + 1
         WHERE id = $1 AND state = 'USERPAYING' AND attempt = $2 RETURNING *",
    )
    .bind(id)
    .bind(attempt)
    .bind(problem.to_owned())
    .fetch_optional(&mut *tx)
    .await?;
    log_some(tx, row, now).await
}

/// Lets an order whose last attempt failed wait again; whether it was such an order.
async fn wait_again(tx: &mut Tx, id: OrderId, now: i64) -> Result<bool> {
    let moved = sqlx::query_as(
        "UPDATE orders SET state = 'NOTPAY', version = version + 1 WHERE id = $1 AND state = 'PAYERROR'
         RETURNING version, state, trade_type, split",
    )
    .bind(id)
    .fetch_optional(&mut *tx)
    .await?;
    Ok(log_moved(tx, id, moved, now).await?.is_some())
}

/// Lets every order whose last attempt failed wait again, at most `most`. How many.
pub(super) async fn all_wait_again(tx: &mut Tx, now: i64, most: i64) -> Result<usize> {
    let rows: Vec<Row> = sqlx::query_as(
        "UPDATE orders SET state = 'NOTPAY', version = version + 1
         WHERE id IN (SELECT id FROM orders WHERE state = 'PAYERROR' ORDER BY expires_at LIMIT $1) RETURNING *",
    )
    .bind(most)
    .fetch_all(&mut *tx)
    .await?;
    log_all(tx, rows, now).await
}

/// Makes an order paid, whoever holds it, and answers how it was; `None` if it is closed, revoked or paid
/// already.
pub(super) async fn pay(
    tx: &mut Tx,
    id: OrderId,
    payer: WalletId,
    paid_at: i64,
    seq: i64,
) -> Result<Option<TradeType>> {
    let moved = sqlx::query_as(
        "UPDATE orders SET state = 'SUCCESS', attempt = NULL, leased_until = NULL, payer_wallet = $2, paid_at = $3,
            record_seq = $4, version = version + 1
         WHERE id = $1 AND state IN ('NOTPAY', 'USERPAYING', 'PAYERROR') RETURNING version, state, trade_type, split",
    )
    .bind(id)
    .bind(payer)
    .bind(paid_at)
    .bind(seq)
    .fetch_optional(&mut *tx)
    .await?;
    Ok(log_moved(tx, id, moved, paid_at).await?.map(|moved| moved.trade_type))
}

/// Notes on a closed or revoked order that a payment came too late and the whole amount goes back;
/// `None` if that was noted before, or the order is another.
pub(super) async fn pay_late(
    tx: &mut Tx,
    id: OrderId,
    payer: WalletId,
    paid_at: i64,
    seq: i64,
) -> Result<Option<Row>> {
    let row = sqlx::query_as(
        "UPDATE orders SET payer_wallet = $2, paid_at = $3, record_seq = $4, refunding = amount, version = version + 1
         WHERE id = $1 AND state IN ('CLOSED', 'REVOKED') AND paid_at IS NULL RETURNING *",
    )
    .bind(id)
    .bind(payer)
    .bind(paid_at)
    .bind(seq)
    .fetch_optional(&mut *tx)
    .await?;
    log_some(tx, row, paid_at).await
}

/// Closes an order that waits or whose last attempt failed.
pub(crate) async fn close(tx: &mut Tx, id: OrderId, reason: CloseReason, now: i64) -> Result<Row> {
    wait_again(tx, id, now).await?;
    let row = sqlx::query_as(
        "UPDATE orders SET state = 'CLOSED', closed_at = $2, close_reason = $3, version = version + 1
         WHERE id = $1 AND state = 'NOTPAY' RETURNING *",
    )
    .bind(id)
    .bind(now)
    .bind(reason)
    .fetch_optional(&mut *tx)
    .await?;
    log_some(tx, row, now).await?.ok_or_else(rules::being_paid)
}

/// Revokes an order that waits, or a paid one of which `refunding` fen are to go back.
pub(super) async fn revoke(tx: &mut Tx, id: OrderId, refunding: i64, now: i64) -> Result<Row> {
    wait_again(tx, id, now).await?;
    let row = sqlx::query_as(
        "UPDATE orders SET state = 'REVOKED', closed_at = $2, refunding = $3, version = version + 1
         WHERE id = $1 AND (state IN ('NOTPAY', 'SUCCESS') OR state = 'USERPAYING' AND attempt IS NULL) RETURNING *",
    )
    .bind(id)
    .bind(now)
    .bind(refunding)
    .fetch_optional(&mut *tx)
    .await?;
    log_some(tx, row, now).await?.ok_or_else(rules::being_paid)
}

/// Whether there is an order written as `state` that nobody is paying and whose time is over at `until`.
pub(super) async fn any(app: &App, state: State, until: i64) -> Result<bool> {
    let found: Option<(OrderId,)> = sqlx::query_as(
        "SELECT id FROM orders WHERE state = $1 AND attempt IS NULL AND expires_at <= $2 LIMIT 1",
    )
    .bind(state)
    .bind(until)
    .fetch_optional(app.db.read())
    .await?;
    Ok(found.is_some())
}

/// Ends orders that are written as `state`, that nobody is paying and whose time was over at `now`, at
/// most `most`; those.
pub(super) async fn expire(tx: &mut Tx, state: State, now: i64, most: i64) -> Result<Vec<Row>> {
    let rows: Vec<Row> = sqlx::query_as(
        "UPDATE orders SET state = CASE trade_type WHEN 'CODE' THEN 'REVOKED' ELSE 'CLOSED' END, closed_at = expires_at,
            close_reason = 'EXPIRED', version = version + 1
         WHERE attempt IS NULL
            AND id IN (SELECT id FROM orders WHERE state = $3 AND attempt IS NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2)
         RETURNING *",
    )
    .bind(now)
    .bind(most)
    .bind(state)
    .fetch_all(&mut *tx)
    .await?;
    log_all(tx, rows.clone(), now).await?;
    Ok(rows)
}

/// Orders whose attempt's time was over at `now`.
pub(super) async fn lapsed(app: &App, now: i64, most: i64) -> Result<Vec<Row>> {
    Ok(sqlx::query_as(
        "SELECT * FROM orders WHERE state = 'USERPAYING' AND leased_until <= $1 ORDER BY leased_until LIMIT $2",
    )
    .bind(now)
    .bind(most)
    .fetch_all(app.db.read())
    .await?)
}

/// Sets `amount` of a paid order aside for a refund, if that much is left of it; whether it was.
///
/// This one statement is why refunds never exceed the payment, however many run at once.
pub(crate) async fn set_aside(tx: &mut Tx, id: OrderId, amount: i64) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE orders SET refunding = refunding + $2, version = version + 1
         WHERE id = $1 AND state = 'SUCCESS' AND refunded + refunding + $2 <= amount",
    )
    .bind(id)
    .bind(amount)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends what [`set_aside`] began: `released` fen are no longer set aside, `given` fen went back.
pub(crate) async fn end_refund(tx: &mut Tx, id: OrderId, released: i64, given: i64) -> Result<()> {
    sqlx::query(
        "UPDATE orders SET refunding = refunding - $2, refunded = refunded + $3, version = version + 1 WHERE id = $1",
    )
    .bind(id)
    .bind(released)
    .bind(given)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// The states an order was in, oldest first, with the times in milliseconds.
///
/// # Errors
/// Any fault of the database.
pub async fn states(app: &App, id: OrderId) -> Result<Vec<(State, i64)>> {
    Ok(sqlx::query_as("SELECT state, at FROM order_states WHERE order_id = $1 ORDER BY version")
        .bind(id)
        .fetch_all(app.db.read())
        .await?)
}

/// How many of the merchant's orders were paid by records from `first` to before `end`, and how much
/// together.
pub(crate) async fn paid_between(
    tx: &mut Tx,
    merchant: MerchantId,
    first: i64,
    end: i64,
) -> Result<(i64, i64)> {
    Ok(sqlx::query_as(
        "SELECT COUNT(*), CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM orders WHERE merchant = $1 AND record_seq >= $2 AND record_seq < $3",
    )
    .bind(merchant)
    .bind(first)
    .bind(end)
    .fetch_one(tx)
    .await?)
}

/// Marks a fresh order: its money is frozen when it is paid.
pub(super) async fn mark_split(tx: &mut Tx, row: Row) -> Result<Row> {
    Ok(sqlx::query_as("UPDATE orders SET split = 1 WHERE id = $1 RETURNING *")
        .bind(row.id)
        .fetch_one(tx)
        .await?)
}

async fn log(tx: &mut Tx, id: OrderId, version: i64, state: State, at: i64) -> Result<()> {
    sqlx::query("INSERT INTO order_states (order_id, version, state, at) VALUES ($1, $2, $3, $4)")
        .bind(id)
        .bind(version)
        .bind(state)
        .bind(at)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// What a change answers of which the row is not asked for.
#[derive(sqlx::FromRow)]
pub(crate) struct Moved {
    version: i64,
    state: State,
    /// How the order is paid.
    pub(crate) trade_type: TradeType,
    /// 1 if its money is frozen for splitting when it is paid.
    pub(crate) split: i16,
}

async fn log_moved(tx: &mut Tx, id: OrderId, moved: Option<Moved>, at: i64) -> Result<Option<Moved>> {
    if let Some(Moved { version, state, .. }) = moved {
        log(tx, id, version, state, at).await?;
    }
    Ok(moved)
}

async fn logged(tx: &mut Tx, row: Row, at: i64) -> Result<Row> {
    log(tx, row.id, row.version, row.state, at).await.map(|()| row)
}

async fn log_some(tx: &mut Tx, row: Option<Row>, at: i64) -> Result<Option<Row>> {
    match row {
        Some(row) => logged(tx, row, at).await.map(Some),
        None => Ok(None),
    }
}

async fn log_all(tx: &mut Tx, rows: Vec<Row>, at: i64) -> Result<usize> {
    let count = rows.len();
    for row in rows {
        logged(tx, row, at).await?;
    }
    Ok(count)
}
