//! Payouts: many transfers out of a merchant's wallet (wages, subsidies) in one call or one file.
//!
//! A batch is checked as a whole before anything of it is kept ([`check`]): every bad line is named
//! with its number, field and reason. Its lines are written in small transactions while the batch is
//! `RECEIVING`, so that a hundred thousand lines never stand in the way of a payment; a batch that a
//! crash left so is dropped, and sending it again begins anew.
//!
//! `[PENDING_APPROVAL] → ACCEPTED → PROCESSING → SUCCESS | PARTIAL | FAIL`; before it begins also
//! `→ CANCELLED` and `→ REJECTED`. In the background the lines go to the ledger a thousand at a time,
//! each a group of its own ([`work`]). The number of a line is its ledger transfer, so however often a
//! crash makes the work begin again, each line moves once. What the ledger refuses makes the line
//! `FAIL` with the refusal's code; what it moved, the follower of the journal makes `SUCCESS`.
//!
//! `out_batch_no` and each line's `out_transfer_no` are the merchant's keys for ever.

mod approve;
mod ask;
mod check;
mod file;
pub mod follow;
mod progress;
mod report;
mod store;
mod words;
pub mod work;

use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::id::{MerchantId, PayoutId, PayoutLineId, PayoutTag, TransactionId, WalletId};
use crate::merchants::{self, Caller};
use crate::orders::{Made, fen};
use crate::outbox::{self, EventType, NewEvent};
use crate::{App, Code, Money, Page, PageAsk, Problem, Result, Tx, stored, wallets};

pub use approve::{ApproveAsk, RejectAsk, Settings, SettingsAsk, approve, list_owned, reject, set, settings};
pub use ask::{BadLine, FileAsk, LineAsk, Lines, MAX_LINES, PayoutAsk};
pub use file::read as read_file;
pub use report::Report;
pub(crate) use words::number_of;
pub use words::remarks;
pub use work::{carry_out, keep, reconcile};

/// The action a device signs to approve a batch.
pub const ACTION: &str = "approve_payout";

stored! {
    /// Where a batch stands.
    #[schema(as = PayoutState)]
    pub enum State {
        /// Its lines are being written down.
        Receiving = "RECEIVING",
        /// Waits for the owner's approval.
        PendingApproval = "PENDING_APPROVAL",
        /// To be carried out.
        Accepted = "ACCEPTED",
        /// Being carried out.
        Processing = "PROCESSING",
        /// Every line was paid; final.
        Success = "SUCCESS",
        /// Some lines were paid, others not; final.
        Partial = "PARTIAL",
        /// No line was paid; final.
        Fail = "FAIL",
        /// The merchant cancelled it before it began; final.
        Cancelled = "CANCELLED",
        /// The owner said no; final.
        Rejected = "REJECTED",
    }
}

stored! {
    /// Where a line stands.
    #[schema(as = PayoutLineState)]
    pub enum LineState {
        /// The ledger has not said yet.
        Accepted = "ACCEPTED",
        /// Paid; final.
        Success = "SUCCESS",
        /// Not paid, with the refusal's code; final.
        Fail = "FAIL",
        /// Left out because it was not valid; final.
        Invalid = "INVALID",
        /// Its batch was cancelled or rejected; final.
        Cancelled = "CANCELLED",
    }
}

stored! {
    /// What a batch is for.
    #[schema(as = PayoutPurpose)]
    pub enum Purpose {
        /// Wages.
        Payroll = "PAYROLL",
        /// Subsidies and benefits.
        Subsidy = "SUBSIDY",
        /// Rewards and prizes.
        Reward = "REWARD",
        /// Expenses paid back.
        Reimbursement = "REIMBURSEMENT",
        /// Anything else.
        Other = "OTHER",
    }
}

/// How many lines, and how much together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PayoutCount)]
pub struct Count {
    /// Lines.
    pub count: u64,
    /// Together.
    pub amount: Money,
}

/// A batch of payouts, as its merchant sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Payout {
    /// Its id.
    pub id: PayoutId,
    /// The merchant.
    pub merchant_id: MerchantId,
    /// The merchant's number of it.
    pub out_batch_no: String,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Where it stands.
    pub state: State,
    /// All lines that are to be paid.
    pub total: Count,
    /// Those paid.
    pub done: Count,
    /// Those that the ledger refused.
    pub failed: Count,
    /// Lines left out because they were not valid.
    pub invalid: u64,
    /// Why the owner said no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where events about it are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify_url: Option<String>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it began to be carried out, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub begun_at: Option<String>,
    /// When its last line ended, or it was cancelled or rejected, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// Grows with every change of state.
    pub version: i64,
}

/// A line of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PayoutLine)]
pub struct Line {
    /// Its id.
    pub id: PayoutLineId,
    /// The batch.
    pub payout_id: PayoutId,
    /// Its place, from 1, without the header of a file.
    pub line: i64,
    /// The merchant's number of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_transfer_no: Option<String>,
    /// Who is paid: a wallet's id, or a masked phone.
    pub payee: String,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub state: LineState,
    /// The code of what it failed with, or why it was left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Of a line that was left out, the field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The ledger transfer, once paid: what a receipt is asked for with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<TransactionId>,
    /// When it ended, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
}

/// Which batches are listed.
pub type ListAsk = crate::page::ListAsk<State>;

/// Which lines are listed, in order of their places.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LinesAsk {
    /// Only those in this state; `CANCELLED` lines are listed as `ACCEPTED`.
    pub state: Option<LineState>,
    /// Lines wanted, 1 to 100; 20 by default.
    pub limit: Option<u32>,
    /// The place of the last line of the page before this one.
    pub after: Option<i64>,
}

/// How a merchant names a batch.
#[derive(Clone, Debug)]
pub enum Name {
    /// By its id.
    Id(PayoutId),
    /// By the merchant's own number.
    OutBatchNo(String),
}

/// Takes a batch in and lets it be carried out in the background. The same again answers the batch
/// there is, as it stands now.
///
/// # Errors
/// `invalid_request`, naming the field; `payout_lines_invalid` with each bad line, unless they are to
/// be skipped; `merchant_inactive`; `balance_too_low` with what is available; `rate_limited` after too
/// many phones that fit nobody; `conflict`, naming the first field that differs from what the number
/// was used for; `in_progress` while the same batch is being taken in.
pub async fn request(app: &App, caller: &Caller, ask: PayoutAsk) -> Result<Made<Payout>> {
    ask.check()?;
    let content = ask.content(app);
    if let Some(row) = store::numbered(app, caller.merchant, &ask.out_batch_no).await? {
        return again(row, &ask, &content);
    }
    let (_, wallet) = merchants::active(app, caller.merchant).await?;
    let checked = check::check(app, caller.merchant, wallet, &ask).await?;
    covers(app, wallet, checked.amount).await?;
    let above = approve::above(app, caller.merchant).await?;
    let state = first_state(checked.amount, above);
    match store::receive(app, caller, &ask, &content, checked, state).await? {
        Some(row) => Ok(Made { value: row.into(), fresh: true }),
        // The number was free a moment ago: the same request came twice.
        None => {
            let row = store::numbered(app, caller.merchant, &ask.out_batch_no).await?;
            again(row.ok_or(Problem::new(Code::InProgress))?, &ask, &content)
        }
    }
}

/// Where a batch begins: with the owner, if it is above what the merchant lets pass.
fn first_state(amount: i64, above: Option<i64>) -> State {
    if above.is_some_and(|above| amount > above) { State::PendingApproval } else { State::Accepted }
}

/// The batch that has the number already.
fn again(row: store::Row, ask: &PayoutAsk, content: &str) -> Result<Made<Payout>> {
    ask.same(&row, content)?;
    if row.state == State::Receiving {
        return Err(Problem::new(Code::InProgress).detail("The batch is being taken in.").retry_after(2));
    }
    Ok(Made { value: row.into(), fresh: false })
}

/// Whether the wallet holds the sum of the batch now. The ledger decides again line by line.
async fn covers(app: &App, wallet: WalletId, amount: i64) -> Result<()> {
    let account = app.engine.account(wallet.number()).await.map_err(Problem::internal)?;
    let available = account.map_or(0, |account| account.available().max(0));
    if amount <= available {
        return Ok(());
    }
    Err(Problem::new(Code::BalanceTooLow)
        .detail("The wallet holds less than the batch's sum.")
        .with("available", available)
        .with("total", amount))
}

/// One of the merchant's batches.
///
/// # Errors
/// `not_found` unless it is the merchant's.
pub async fn of(app: &App, merchant: MerchantId, name: &Name) -> Result<Payout> {
    named(app, merchant, name).await.map(Into::into)
}

async fn named(app: &App, merchant: MerchantId, name: &Name) -> Result<store::Row> {
    let row = match name {
        Name::Id(id) => store::find(app, *id).await?.filter(|row| row.merchant == merchant),
        Name::OutBatchNo(number) => store::numbered(app, merchant, number).await?,
    };
    row.ok_or(Problem::new(Code::NotFound))
}

/// The merchant's batches, newest first.
///
/// # Errors
/// `invalid_request` for a bad page.
pub async fn list(app: &App, merchant: MerchantId, ask: &ListAsk) -> Result<Page<Payout>> {
    let page = ask.page();
    let (limit, cursor) = (page.limit()?, page.cursor::<PayoutTag>()?);
    Ok(store::list(app, merchant, ask.state, &cursor, limit).await?.map(Into::into))
}

/// The lines of one of the merchant's batches, in order.
///
/// # Errors
/// `not_found` unless it is the merchant's; `invalid_request` for a bad page.
pub async fn lines(app: &App, merchant: MerchantId, name: &Name, ask: &LinesAsk) -> Result<Page<Line>> {
    let batch = named(app, merchant, name).await?;
    let limit = PageAsk { limit: ask.limit, ..PageAsk::default() }.limit()?;
    let rows = store::lines(app, batch.id, ask.state, ask.after.unwrap_or(0), limit + 1).await?;
    let rows = rows.into_iter().map(|row| row.shown(&batch)).collect();
    Ok(Page::cut(rows, limit))
}

/// One line by the merchant's own number of it.
///
/// # Errors
/// `not_found`.
pub async fn line(app: &App, merchant: MerchantId, out_transfer_no: &str) -> Result<Line> {
    let row = store::line_numbered(app, merchant, out_transfer_no).await?;
    let row = row.ok_or(Problem::new(Code::NotFound))?;
    let batch = store::find(app, row.batch).await?.ok_or(Problem::new(Code::NotFound))?;
    Ok(row.shown(&batch))
}

/// Every line of one of the merchant's batches as a CSV file, made piece by piece; with a state only
/// those in it.
///
/// # Errors
/// `not_found` unless it is the merchant's.
pub async fn report(
    app: &App,
    merchant: MerchantId,
    name: &Name,
    state: Option<LineState>,
) -> Result<Report> {
    Report::new(app, named(app, merchant, name).await?, state)
}

/// Cancels a batch that has not begun. Done again, it changes nothing.
///
/// # Errors
/// `not_found`; `state_conflict` once it has begun.
pub async fn cancel(app: &App, merchant: MerchantId, name: Name) -> Result<Payout> {
    let (id, now) = (named(app, merchant, &name).await?.id, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            if let Some(row) = store::end(tx, id, State::Cancelled, None, None, now).await? {
                tell(tx, row.clone(), EventType::PayoutCancelled, now).await?;
                return Ok(row.into());
            }
            let row = store::find_in(tx, id).await?.ok_or(Problem::new(Code::NotFound))?;
            match row.state {
                State::Cancelled => Ok(row.into()),
                state => Err(Problem::new(Code::StateConflict)
                    .detail(format!("The batch is {state}; only one that has not begun is cancelled."))),
            }
        })
        .await
}

/// Tells the merchant of a batch, in the transaction that changes it.
async fn tell(tx: &mut Tx, row: store::Row, event: EventType, at: i64) -> Result<()> {
    let (merchant, notify_url, version) = (row.merchant, row.notify_url.clone(), row.version);
    let object = row.id.to_string();
    let resource = serde_json::to_value(Payout::from(row)).map_err(Problem::internal)?;
    let event = NewEvent {
        merchant,
        event,
        object,
        object_version: version,
        occasion: version,
        resource,
        notify_url,
        at,
    };
    outbox::publish(tx, event).await
}

impl From<store::Row> for Payout {
    fn from(row: store::Row) -> Self {
        let count = |count: i64, amount: i64| Count { count: count.unsigned_abs(), amount: fen(amount) };
        Self {
            total: count(row.total_count, row.total_amount),
            done: count(row.done_count, row.done_amount),
            failed: count(row.failed_count, row.failed_amount),
            invalid: row.invalid_count.unsigned_abs(),
            id: row.id,
            merchant_id: row.merchant,
            out_batch_no: row.out_batch_no,
            name: row.name,
            purpose: row.purpose,
            state: row.state,
            reason: row.reason,
            notify_url: row.notify_url,
            created_at: rfc3339(row.created_at),
            begun_at: row.begun_at.map(rfc3339),
            ended_at: row.ended_at.map(rfc3339),
            version: row.version,
        }
    }
}

impl store::LineRow {
    /// The line as the merchant sees it.
    fn shown(self, batch: &store::Row) -> Line {
        let stopped = matches!(batch.state, State::Cancelled | State::Rejected);
        let state = match self.state {
            LineState::Accepted if stopped => LineState::Cancelled,
            state => state,
        };
        Line {
            id: self.id,
            payout_id: self.batch,
            line: self.line,
            out_transfer_no: self.out_transfer_no,
            payee: self.payee,
            amount: fen(self.amount),
            state,
            problem: self.problem,
            field: self.field,
            transaction_id: (state == LineState::Success).then(|| self.id.cast()),
            ended_at: self.ended_at.map(rfc3339),
        }
    }
}

/// Whether a wallet may be a payee at all: it is open, and not the payer itself.
fn may_be_paid(wallet: &wallets::Wallet, payer: WalletId) -> bool {
    !wallet.standing.closed && wallet.id != payer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_above_the_merchants_own_bound_begins_with_the_owner() {
        let check = |amount: i64, above: Option<i64>, expect: State| {
            assert_eq!(first_state(amount, above), expect, "{amount} {above:?}");
        };
        check(500, None, State::Accepted);
        check(500, Some(500), State::Accepted);
        check(501, Some(500), State::PendingApproval);
    }
}
