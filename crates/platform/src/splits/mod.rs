//! Split settlement (分账): the money of an order is shared with others before the merchant has it.
//!
//! An order marked `split` is paid like any other, and in the same group of the ledger, all or nothing,
//! the amount goes on from the merchant's wallet into an account beside it that only this module
//! touches. So frozen money can neither be spent nor settled, whatever else the merchant does at that
//! moment, and the ledger alone says so. (A hold would not do: it can be posted once, to one account.)
//! Out of there go shares to receivers, what a refund takes, and at last the rest to the merchant.
//!
//! Every such movement is `PROCESSING → SUCCESS | CLOSED`: reserved on the order in one conditional
//! statement, moved in the ledger under its own number, confirmed by the follower. `CLOSED` means that
//! the ledger refused; what was reserved is free again. A split is `FINISHED` when all its shares have
//! ended. Shares are in fen or in basis points of the order, rounded down: what rounding leaves stays
//! with the merchant. What is given of an order never exceeds the policy `split_share_most`.

mod end;
mod execute;
pub mod follow;
mod give;
mod receivers;
pub(crate) mod refunds;
pub mod rules;
mod store;
mod words;

use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::id::{MerchantId, OrderId, SplitId, SplitMoveId, SplitReceiverId, TransactionId, WalletId};
use crate::orders::fen;
use crate::{App, Code, Money, Problem, Result, Tx, orders, stored, wallets};

pub(crate) use execute::freeze;
pub use execute::{carry_out, keep, reconcile};
pub use give::{Name, give_back, of, return_of, split, unfreeze};
pub use receivers::{Receiver, ReceiverAsk, ReceiverState, agree, list, received_by, register, remove};
pub use words::descriptions;

stored! {
    /// What a receiver is to the merchant.
    #[schema(as = SplitRelation)]
    pub enum Relation {
        /// A store.
        Store = "STORE",
        /// Somebody who works for it.
        Staff = "STAFF",
        /// A partner.
        Partner = "PARTNER",
        /// A supplier.
        Supplier = "SUPPLIER",
        /// The headquarter of a chain.
        Headquarter = "HEADQUARTER",
        /// A distributor.
        Distributor = "DISTRIBUTOR",
        /// Who provides it with services.
        ServiceProvider = "SERVICE_PROVIDER",
        /// A customer.
        User = "USER",
        /// Anything else.
        Other = "OTHER",
    }
}

stored! {
    /// How far the money of an order is split.
    pub enum SplitProgress {
        /// The order is not paid.
        Waiting = "WAITING",
        /// All of it is frozen.
        Frozen = "FROZEN",
        /// A part of it is frozen.
        Partial = "PARTIAL",
        /// Nothing is frozen any more.
        Done = "DONE",
    }
}

stored! {
    /// Where a split stands.
    pub enum SplitState {
        /// Shares are under way.
        Processing = "PROCESSING",
        /// Every share has ended; final.
        Finished = "FINISHED",
    }
}

stored! {
    /// What a movement of frozen money is.
    #[schema(as = SplitMoveKind)]
    pub enum MoveKind {
        /// To a receiver.
        Share = "SHARE",
        /// The rest to the merchant.
        Unfreeze = "UNFREEZE",
        /// Back from a receiver.
        Return = "RETURN",
        /// To a payer.
        Refund = "REFUND",
    }
}

stored! {
    /// Where a share or a return stands.
    #[schema(as = SplitMoveState)]
    pub enum MoveState {
        /// To be made, or being so.
        Processing = "PROCESSING",
        /// Made; final.
        Success = "SUCCESS",
        /// Not made, nothing moved; final.
        Closed = "CLOSED",
    }
}

/// The frozen money of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SplitOrder {
    /// The order.
    pub order_id: OrderId,
    /// How far its money is split.
    pub progress: SplitProgress,
    /// What was frozen when it was paid.
    pub amount: Money,
    /// What can still be shared out, unfrozen or refunded; shares under way are not in it.
    pub left: Money,
    /// Shared out.
    pub shared: Money,
    /// Come back from receivers.
    pub returned: Money,
    /// Given to the merchant.
    pub unfrozen: Money,
    /// Refunded out of the frozen money.
    pub refunded: Money,
    /// When it was frozen, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub frozen_at: Option<String>,
    /// Grows with every change.
    pub version: i64,
}

/// A request to share an order's money out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Split {
    /// Its id.
    pub id: SplitId,
    /// The merchant.
    pub merchant_id: MerchantId,
    /// The order.
    pub order_id: OrderId,
    /// The merchant's number of it.
    pub out_split_no: String,
    /// Where it stands.
    pub state: SplitState,
    /// The shares.
    pub shares: Vec<Share>,
    /// What was unfrozen with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfrozen: Option<Money>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When its last share ended, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// Grows with every change.
    pub version: i64,
}

/// A share of an order's money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SplitShare)]
pub struct Share {
    /// Its id.
    pub id: SplitMoveId,
    /// Who receives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiver_id: Option<SplitReceiverId>,
    /// Where it arrives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wallet_id: Option<WalletId>,
    /// How much.
    pub amount: Money,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where it stands.
    pub state: MoveState,
    /// The code of what stood in the way, for `CLOSED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What of it came back or is about to.
    pub returned: Money,
    /// The ledger transfer, once made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<TransactionId>,
    /// When it ended, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
}

/// A share that comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SplitReturn)]
pub struct Return {
    /// Its id.
    pub id: SplitMoveId,
    /// The merchant's number of it.
    pub out_return_no: String,
    /// The share.
    pub share_id: String,
    /// The order.
    pub order_id: OrderId,
    /// How much.
    pub amount: Money,
    /// Why, in the merchant's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where it stands.
    pub state: MoveState,
    /// The code of what stood in the way, for `CLOSED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it ended, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// Grows with every change.
    pub version: i64,
}

/// A split to make. Name the order by `order_id` or by `out_trade_no`.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitAsk {
    /// Your number of it, 1 to 64 letters, digits and `_-|*.:`; yours for ever.
    #[schema(example = "20261122-0001-S1")]
    pub out_split_no: String,
    /// The order's id.
    pub order_id: Option<OrderId>,
    /// Or your number of the order.
    pub out_trade_no: Option<String>,
    /// Who receives how much, at most 50 shares, each receiver once.
    pub shares: Vec<ShareAsk>,
    /// Give you what is left afterwards; false by default.
    #[serde(default)]
    pub unfreeze_rest: bool,
}

/// One share: an amount, or basis points of the order's amount, rounded down.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SplitShareAsk)]
pub struct ShareAsk {
    /// One of your receivers.
    pub receiver_id: SplitReceiverId,
    /// How much.
    pub amount: Option<Money>,
    /// Or which part: 10,000 is all.
    #[schema(example = 1500)]
    pub basis_points: Option<i64>,
    /// What it is for, up to 80 characters; the receiver sees it.
    pub description: Option<String>,
}

/// A share to take back, whole or in part.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SplitReturnAsk)]
pub struct ReturnAsk {
    /// Your number of it, 1 to 64 letters, digits and `_-|*.:`; yours for ever.
    pub out_return_no: String,
    /// The share.
    pub share_id: SplitMoveId,
    /// How much of it.
    pub amount: Money,
    /// Why, up to 80 characters.
    pub description: Option<String>,
}

/// The frozen money of one of the merchant's orders.
///
/// # Errors
/// `not_found` unless the order is the merchant's and is split.
pub async fn order(app: &App, merchant: MerchantId, name: &orders::Name) -> Result<SplitOrder> {
    let mut connection = app.db.read().acquire().await?;
    let order = orders::store::named(&mut connection, merchant, name).await?;
    store::order(&mut connection, order.id).await?.map(Into::into).ok_or(Problem::new(Code::NotFound))
}

/// Makes ready to freeze what orders of this wallet's merchant bring. Done again, it changes nothing.
///
/// # Errors
/// Any fault of the ledger.
pub(crate) async fn prepare(app: &App, wallet: WalletId) -> Result<()> {
    execute::open(app, &wallets::account(app, wallet).await?).await
}

/// Marks a fresh order: its money is frozen when it is paid.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn mark(tx: &mut Tx, order: &orders::store::Row) -> Result<()> {
    store::begin_order(tx, rules::freeze_id(order.id), order.id, order.merchant, order.amount).await
}

impl From<store::Row> for SplitOrder {
    fn from(row: store::Row) -> Self {
        let left = row.left();
        let progress = match row.frozen_at {
            None => SplitProgress::Waiting,
            Some(_) if left == row.amount => SplitProgress::Frozen,
            Some(_) if left > 0 => SplitProgress::Partial,
            Some(_) => SplitProgress::Done,
        };
        Self {
            order_id: row.order_id,
            progress,
            amount: fen(row.amount),
            left: fen(left.max(0)),
            shared: fen(row.shared),
            returned: fen(row.returned),
            unfrozen: fen(row.unfrozen),
            refunded: fen(row.refunded),
            frozen_at: row.frozen_at.map(rfc3339),
            version: row.version,
        }
    }
}

impl Split {
    /// The split with its shares.
    async fn read(tx: &mut Tx, row: store::SplitRow) -> Result<Self> {
        let moves = store::of_what(tx, &row.id.to_string()).await?;
        let rest =
            moves.iter().find(|made| made.kind == MoveKind::Unfreeze && made.state != MoveState::Closed);
        Ok(Self {
            id: row.id,
            merchant_id: row.merchant,
            order_id: row.order_id,
            out_split_no: row.out_split_no,
            state: if row.ended_at.is_some() { SplitState::Finished } else { SplitState::Processing },
            unfrozen: rest.map(|made| fen(made.amount)),
            shares: moves.into_iter().filter(|made| made.kind == MoveKind::Share).map(Into::into).collect(),
            created_at: rfc3339(row.created_at),
            ended_at: row.ended_at.map(rfc3339),
            version: row.version,
        })
    }
}

impl From<store::Move> for Share {
    fn from(row: store::Move) -> Self {
        Self {
            id: row.id,
            receiver_id: row.receiver,
            wallet_id: row.wallet,
            amount: fen(row.amount),
            description: row.description,
            transaction_id: (row.state == MoveState::Success).then(|| row.id.cast()),
            state: row.state,
            problem: row.problem,
            returned: fen(row.returned),
            ended_at: row.ended_at.map(rfc3339),
        }
    }
}

impl From<store::Move> for Return {
    fn from(row: store::Move) -> Self {
        Self {
            id: row.id,
            out_return_no: row.out_no.unwrap_or_default(),
            share_id: row.of_what,
            order_id: row.order_id,
            amount: fen(row.amount),
            description: row.description,
            state: row.state,
            problem: row.problem,
            created_at: rfc3339(row.created_at),
            ended_at: row.ended_at.map(rfc3339),
            version: row.version,
        }
    }
}
