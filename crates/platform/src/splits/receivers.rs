//! Receivers: whom a merchant may share an order's money with.

use serde::{Deserialize, Serialize};

use super::Relation;
use crate::clock::rfc3339;
use crate::id::{MerchantId, SplitReceiverId, SplitReceiverTag, WalletId};
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx, merchants, policies, stored, text, wallets};

/// Longest name, characters.
const MAX_NAME: usize = 60;

stored! {
    /// Whether a receiver can be given a share.
    #[schema(as = SplitReceiverState)]
    pub enum ReceiverState {
        /// It can.
        Active = "ACTIVE",
        /// The merchant has removed it.
        Removed = "REMOVED",
    }
}

/// A receiver, as the merchant that shares out and the receiver itself see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SplitReceiver)]
pub struct Receiver {
    /// Its id.
    pub id: SplitReceiverId,
    /// The merchant that shares out.
    pub merchant_id: MerchantId,
    /// Where its shares arrive.
    pub wallet_id: WalletId,
    /// What it is to the merchant.
    pub relation: Relation,
    /// The merchant's word for it.
    pub name: String,
    /// Whether the receiver lets the merchant take back what it was given.
    pub returns_agreed: bool,
    /// Whether it can be given a share.
    pub state: ReceiverState,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// A receiver to register.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SplitReceiverAsk)]
pub struct ReceiverAsk {
    /// Where its shares arrive: any wallet but your own. One receiver of yours has it.
    pub wallet_id: WalletId,
    /// What it is to you.
    pub relation: Relation,
    /// Your word for it, up to 60 characters.
    #[schema(example = "观音桥店")]
    pub name: String,
}

/// A row of `split_receivers`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: SplitReceiverId,
    pub(super) merchant: MerchantId,
    pub(super) wallet: WalletId,
    pub(super) relation: Relation,
    pub(super) name: String,
    pub(super) returns_agreed: i16,
    pub(super) state: ReceiverState,
    pub(super) created_at: i64,
}

impl From<Row> for Receiver {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            merchant_id: row.merchant,
            wallet_id: row.wallet,
            relation: row.relation,
            name: row.name,
            returns_agreed: row.returns_agreed != 0,
            state: row.state,
            created_at: rfc3339(row.created_at),
        }
    }
}

/// Registers a receiver. The same wallet again answers the receiver there is, and makes one active again
/// that was removed.
///
/// # Errors
/// `invalid_request`, naming the field; `payee_unknown` for a wallet that is none or is closed;
/// `conflict`, naming the field, where the wallet is registered with another relation or name;
/// `merchant_inactive`; `state_conflict` for too many.
pub async fn register(app: &App, merchant: MerchantId, ask: ReceiverAsk) -> Result<Receiver> {
    text::line("name", &ask.name, MAX_NAME)?;
    let (_, own) = merchants::active(app, merchant).await?;
    let unknown = || Problem::new(Code::PayeeUnknown).field("wallet_id");
    if ask.wallet_id == own {
        return Err(Problem::new(Code::InvalidRequest).field("wallet_id").detail("It is your own wallet."));
    }
    let wallet = wallets::find(app, ask.wallet_id).await;
    match wallet {
        Ok(wallet) if !wallet.standing.closed => {}
        Ok(_) => return Err(unknown()),
        Err(problem) if problem.code == Code::NotFound => return Err(unknown()),
        Err(problem) => return Err(problem),
    }
    let (most, now) = (policies::number(app, "split_receivers").await?, app.clock.millis());
    app.db.write(async move |tx: &mut Tx| insert(tx, merchant, &ask, most, now).await.map(Into::into)).await
}

async fn insert(tx: &mut Tx, merchant: MerchantId, ask: &ReceiverAsk, most: i64, now: i64) -> Result<Row> {
    let known: Option<Row> =
        sqlx::query_as("SELECT * FROM split_receivers WHERE merchant = $1 AND wallet = $2")
            .bind(merchant)
            .bind(ask.wallet_id)
            .fetch_optional(&mut *tx)
            .await?;
    if let Some(row) = known {
        let differs = [("relation", row.relation != ask.relation), ("name", row.name != ask.name)];
        return match differs.into_iter().find(|(_, differs)| *differs) {
            Some((field, _)) if row.state == ReceiverState::Active => Err(Problem::new(Code::Conflict)
                .field(field)
                .detail("The wallet is registered with other data; remove it first.")),
            _ => Ok(sqlx::query_as(
                "UPDATE split_receivers SET state = 'ACTIVE', relation = $2, name = $3, removed_at = NULL WHERE id = $1 RETURNING *",
            )
            .bind(row.id)
            .bind(ask.relation)
            .bind(ask.name.clone())
            .fetch_one(tx)
            .await?),
        };
    }
    let there: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM split_receivers WHERE merchant = $1 AND state = 'ACTIVE'")
            .bind(merchant)
            .fetch_one(&mut *tx)
            .await?;
    if there >= most {
        return Err(
            Problem::new(Code::StateConflict).detail(format!("A merchant has at most {most} receivers."))
        );
    }
    sqlx::query_as(
        "INSERT INTO split_receivers (id, merchant, wallet, relation, name, returns_agreed, state, created_at) \
         VALUES ($1, $2, $3, $4, $5, 0, 'ACTIVE', $6) ON CONFLICT DO NOTHING RETURNING *",
    )
    .bind(SplitReceiverId::new(now))
    .bind(merchant)
    .bind(ask.wallet_id)
    .bind(ask.relation)
    .bind(ask.name.clone())
    .bind(now)
    .fetch_optional(tx)
    .await?
    .ok_or_else(Problem::again)
}

/// Removes a receiver: it is given no further share. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless it is the merchant's.
pub async fn remove(app: &App, merchant: MerchantId, id: SplitReceiverId) -> Result<Receiver> {
    let now = app.clock.millis();
    let row: Option<Row> = app
        .db
        .write(async move |tx: &mut Tx| {
            Ok(sqlx::query_as(
                "UPDATE split_receivers SET state = 'REMOVED', removed_at = COALESCE(removed_at, $3) WHERE id = $1 AND merchant = $2 RETURNING *",
            )
            .bind(id)
            .bind(merchant)
            .bind(now)
            .fetch_optional(tx)
            .await?)
        })
        .await?;
    row.map(Into::into).ok_or(Problem::new(Code::NotFound))
}

/// The merchant's receivers, newest first.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn list(app: &App, merchant: MerchantId, page: &PageAsk) -> Result<Page<Receiver>> {
    page_of(app, "merchant", merchant.to_string(), page).await
}

/// Where the merchant itself is a receiver of others, newest first.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn received_by(app: &App, merchant: MerchantId, page: &PageAsk) -> Result<Page<Receiver>> {
    match merchants::read(app, merchant).await?.wallet {
        Some(wallet) => page_of(app, "wallet", wallet.to_string(), page).await,
        None => Ok(Page { items: Vec::new(), has_more: false }),
    }
}

async fn page_of(app: &App, whose: &'static str, id: String, page: &PageAsk) -> Result<Page<Receiver>> {
    let (limit, cursor) = (page.limit()?, page.cursor::<SplitReceiverTag>()?);
    let order = if cursor.towards_newer { "> $2 ORDER BY id" } else { "< $2 ORDER BY id DESC" };
    let sql = format!("SELECT * FROM split_receivers WHERE {whose} = $1 AND id {order} LIMIT $3");
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(id)
        .bind(cursor.from.clone())
        .bind(i64::from(limit) + 1)
        .fetch_all(app.db.read())
        .await?;
    Ok(cursor.page(rows, limit).map(Into::into))
}

/// The receiver, a merchant itself, lets the other take back what it gives, or lets it no longer.
///
/// # Errors
/// `not_found` unless the receiver is the calling merchant.
pub async fn agree(app: &App, receiver: MerchantId, id: SplitReceiverId, agreed: bool) -> Result<Receiver> {
    let wallet = merchants::read(app, receiver).await?.wallet.ok_or(Problem::new(Code::NotFound))?;
    let row: Option<Row> = app
        .db
        .write(async move |tx: &mut Tx| {
            Ok(sqlx::query_as(
                "UPDATE split_receivers SET returns_agreed = $3 WHERE id = $1 AND wallet = $2 RETURNING *",
            )
            .bind(id)
            .bind(wallet)
            .bind(i16::from(agreed))
            .fetch_optional(tx)
            .await?)
        })
        .await?;
    row.map(Into::into).ok_or(Problem::new(Code::NotFound))
}

/// The merchant's receiver, if there is one.
pub(super) async fn find(tx: &mut Tx, merchant: MerchantId, id: SplitReceiverId) -> Result<Option<Row>> {
    Ok(sqlx::query_as("SELECT * FROM split_receivers WHERE id = $1 AND merchant = $2")
        .bind(id)
        .bind(merchant)
        .fetch_optional(tx)
        .await?)
}
