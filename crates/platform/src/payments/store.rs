//! The table `payments`.

use super::attempt::{Attempt, Claim};
use super::{AttemptState, Extra, LimitedBy};
use crate::id::{MandateId, MerchantId, MerchantTag, OrderId, PaymentId, PersonId, WalletId, digits};
use crate::{App, Page, PageAsk, Problem, Result, Tx};

/// A row of `payments`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: PaymentId,
    pub(super) order_id: OrderId,
    pub(super) person: PersonId,
    pub(super) wallet: WalletId,
    /// Older rows; newer ones name the meter.
    pub(super) mandate: Option<MandateId>,
    pub(super) meter: Option<String>,
    pub(super) limited_by: Option<LimitedBy>,
    pub(super) amount: i64,
    pub(super) digest: Vec<u8>,
    pub(super) state: AttemptState,
    pub(super) problem: Option<String>,
}

impl TryFrom<Row> for Attempt {
    type Error = Problem;
    fn try_from(row: Row) -> Result<Self> {
        let extra = Extra::of(&row)?;
        let digest =
            row.digest.try_into().map_err(|_| Problem::internal("a stored digest has another length"))?;
        Ok(Self {
            id: row.id,
            order: row.order_id,
            wallet: row.wallet,
            extra,
            amount: row.amount.unsigned_abs(),
            digest,
            split: false,
        })
    }
}

/// Notes that an attempt has begun.
pub(super) async fn begin(
    tx: &mut Tx,
    id: PaymentId,
    claim: &Claim,
    digest: [u8; 24],
    now: i64,
) -> Result<Attempt> {
    sqlx::query(
        "INSERT INTO payments (id, order_id, person, wallet, meter, limited_by, amount, digest, state, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(id)
    .bind(claim.order)
    .bind(claim.person)
    .bind(claim.wallet)
    .bind(claim.extra.map(|extra| digits(extra.meter)))
    .bind(claim.extra.map(|extra| extra.by))
    .bind(claim.amount as i64)
    .bind(digest.to_vec())
    .bind(AttemptState::Paying)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(Attempt {
        id,
        order: claim.order,
        wallet: claim.wallet,
        extra: claim.extra,
        amount: claim.amount,
        digest,
        split: false,
    })
}

pub(super) async fn find(tx: &mut Tx, id: PaymentId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM payments WHERE id = $1").bind(id).fetch_optional(&mut *tx).await?)
}

/// The person's attempt at the order that matters: the one that paid, or the newest.
pub(super) async fn last_of(tx: &mut Tx, order: OrderId, person: PersonId) -> Result<Option<Row>> {
    Ok(sqlx::query_as(
        "SELECT * FROM payments WHERE order_id = $1 AND person = $2
         ORDER BY CASE state WHEN 'SUCCESS' THEN 0 ELSE 1 END, id DESC LIMIT 1",
    )
    .bind(order)
    .bind(person)
    .fetch_optional(&mut *tx)
    .await?)
}

/// Notes that an attempt failed, unless the ledger has said otherwise.
pub(super) async fn fail(tx: &mut Tx, id: PaymentId, code: &str, now: i64) -> Result<()> {
    sqlx::query("UPDATE payments SET state = 'FAILED', problem = $2, ended_at = $3 WHERE id = $1 AND state = 'PAYING'")
        .bind(id)
        .bind(code.to_owned())
        .bind(now)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// The ledger says that `wallet` paid the order with this digest: that attempt succeeded, even if it
/// was given up, and no other is under way any more.
pub(crate) async fn succeeded(
    tx: &mut Tx,
    order: OrderId,
    wallet: WalletId,
    digest: &[u8; 24],
    at: i64,
) -> Result<()> {
    sqlx::query(
        "UPDATE payments SET state = 'SUCCESS', problem = NULL, ended_at = $4
         WHERE id = (SELECT MAX(id) FROM payments WHERE order_id = $1 AND wallet = $2 AND digest = $3)",
    )
    .bind(order)
    .bind(wallet)
    .bind(digest.to_vec())
    .bind(at)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "UPDATE payments SET state = 'FAILED', problem = 'order_paid', ended_at = $2 WHERE order_id = $1 AND state = 'PAYING'",
    )
    .bind(order)
    .bind(at)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// A merchant that a person paid.
#[derive(Clone, sqlx::FromRow)]
pub(super) struct Paid {
    pub(super) merchant: MerchantId,
    pub(super) payments: i64,
    pub(super) last_at: i64,
    /// 1 where an agreement was charged.
    pub(super) agreed: i64,
}

macro_rules! paid {
    ($beyond:literal) => {
        concat!(
            "SELECT o.merchant, COUNT(*) AS payments, MAX(o.paid_at) AS last_at, \
             MAX(CASE WHEN o.trade_type IN ('MANDATE', 'DEBIT') THEN 1 ELSE 0 END) AS agreed \
             FROM payments p JOIN orders o ON o.id = p.order_id \
             WHERE p.person = $1 AND p.state = 'SUCCESS' AND o.paid_at IS NOT NULL AND o.merchant ",
            $beyond
        )
    };
}

/// The merchants that the person paid.
pub(super) async fn merchants_paid(app: &App, person: PersonId, page: &PageAsk) -> Result<Page<Paid>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<MerchantTag>()?);
    let rows = sqlx::query_as(match cursor.towards_newer {
        false => paid!("< $2 GROUP BY o.merchant ORDER BY o.merchant DESC LIMIT $3"),
        true => paid!("> $2 GROUP BY o.merchant ORDER BY o.merchant LIMIT $3"),
    })
    .bind(person)
    .bind(cursor.from.clone())
    .bind(i64::from(limit) + 1)
    .fetch_all(app.db.read())
    .await?;
    Ok(cursor.page(rows, limit))
}
