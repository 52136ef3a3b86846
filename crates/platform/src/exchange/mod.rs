//! Exchange between deposit money and wallet money: what top-ups and withdrawals share.
//!
//! Two places move money here, a bank and the ledger, and either may be slow, silent or late. So an
//! exchange is a row with facts that only ever become more certain (asked, held, what the bank has
//! said), and a pure function per direction says the next step from them. [`drive`] takes steps
//! until it has to wait; it runs in the request, on a bank's notice, and in the background
//! ([`resolve`]). Every step may be repeated: the bank acts once per reference, the ledger once per
//! id. Who takes steps holds a *claim* on the row for [`CLAIM_MS`], so two never do at once.
//!
//! A bank refuses a request that it gets after `not_after`. So once that has passed, "never seen" is
//! a certain no; before, it is only presumed ([`State::PresumedFail`]), and the request is sent again.

mod bank;
pub mod notice;
pub mod reconcile;
pub(crate) mod reserve;
pub mod resolve;
pub(crate) mod rules;
pub(crate) mod store;

use std::time::Duration;

use jialing_engine::{Outcome, SubmitError};
use jialing_ledger::{Command, Group, Leg, Refusal};

use crate::id::{LinkId, TopUpId, WalletId, WithdrawalId, parse_number};
use crate::wallets::{self, AccountRef};
use crate::{App, Code, Problem, Result, Tx, topups, withdrawals};

pub(crate) use bank::{ask, query, send_back};

/// How long a claim on a row lasts, milliseconds: longer than a bank's answer may take.
pub const CLAIM_MS: i64 = 30_000;
/// How long a request waits for the bank before it answers with the state so far.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(2);

crate::stored! {
    /// Which way the money goes.
    #[schema(as = ExchangeDirection)]
    pub enum Direction {
        /// From the bank account into the wallet.
        TopUp = "TOP_UP",
        /// From the wallet to the bank account.
        Withdrawal = "WITHDRAWAL",
    }
}

crate::stored! {
    /// How far a top-up or withdrawal has come.
    #[schema(as = ExchangeState)]
    pub enum State {
        /// Taken in.
        Accepted = "ACCEPTED",
        /// The bank or the ledger is at work.
        Processing = "PROCESSING",
        /// No outcome is known: the bank was asked and may have done it.
        PresumedSuccess = "PRESUMED_SUCCESS",
        /// No outcome is known: the bank has not seen the request, which may still be under way.
        PresumedFail = "PRESUMED_FAIL",
        /// The money is where it belongs.
        Success = "SUCCESS",
        /// Nothing moved, or everything is back.
        Fail = "FAIL",
        /// The money has gone back to where it came from.
        Returned = "RETURNED",
    }
}

crate::stored! {
    /// What a bank has said for certain.
    pub enum BankOutcome {
        /// The money has moved at the bank.
        Done = "DONE",
        /// It has not, and will not.
        Refused = "REFUSED",
    }
}

impl State {
    /// Whether the outcome is still open.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Accepted | Self::Processing | Self::PresumedSuccess | Self::PresumedFail)
    }
}

/// What taking a step led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Another step can be taken at once.
    More,
    /// Nothing can be done now.
    Rest,
}

/// Takes steps until there is nothing to do now; nothing if somebody else is at it.
///
/// # Errors
/// Why the ledger refused, after the refusal was written down; faults of the database or the ledger,
/// after which the row is taken up again later.
pub async fn drive(app: &App, id: &str) -> Result<()> {
    if !claim(app, id, false).await? {
        return Ok(());
    }
    let outcome = loop {
        match step(app, id).await {
            Ok(Turn::More) => {}
            Ok(Turn::Rest) => break Ok(()),
            Err(problem) => break Err(problem),
        }
        claim(app, id, true).await?;
    };
    let (key, failed, now) = (id.to_owned(), outcome.is_err(), app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            store::release(tx, &key, failed.then_some(now + rules::FIRST_WAIT_MS)).await
        })
        .await?;
    outcome
}

/// Takes one step, whoever has the claim. [`drive`] is what others use; tests stop between steps.
///
/// # Errors
/// As [`drive`].
pub async fn step(app: &App, id: &str) -> Result<Turn> {
    let row = store::read(app.db.read(), id).await?;
    match row.direction {
        Direction::TopUp => topups::steps::step(app, &row).await,
        Direction::Withdrawal => withdrawals::steps::step(app, &row).await,
    }
}

/// [`drive`] in a task of its own, awaited for [`ANSWER_WITHIN`]: a slow bank keeps no request open,
/// and a request that is cut off keeps no exchange half way.
///
/// # Errors
/// As [`drive`], if it ended in time.
pub(crate) async fn drive_for_a_moment(app: &App, id: &str) -> Result<()> {
    let (app, id) = (app.clone(), id.to_owned());
    let task = tokio::spawn(async move { drive(&app, &id).await });
    match tokio::time::timeout(ANSWER_WITHIN, task).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panicked)) => Err(Problem::internal(panicked)),
        Err(_) => Ok(()),
    }
}

async fn claim(app: &App, id: &str, ours: bool) -> Result<bool> {
    let (id, now) = (id.to_owned(), app.clock.millis());
    app.db.write(async move |tx: &mut Tx| store::claim(tx, &id, ours, now).await).await
}

/// Whether the link is needed by something that has no outcome yet.
pub(crate) async fn has_unfinished(tx: &mut Tx, link: LinkId) -> Result<bool> {
    store::has_unfinished(tx, link).await
}

/// Whether a withdrawal that empties this wallet is under way or done.
pub(crate) async fn is_sweeping(tx: &mut Tx, wallet: WalletId) -> Result<bool> {
    store::is_sweeping(tx, wallet).await
}

/// The ledger account of the row's wallet, and the bank's side of the exchange.
pub(crate) async fn sides(app: &App, row: &store::Row) -> Result<(AccountRef, AccountRef)> {
    let wallet = wallets::account(app, row.wallet_id).await?;
    Ok((AccountRef::of_bank(row.bank_id, &wallet), wallet))
}

/// Moves `legs`, and waits until the followers have shown it; the inner error is the refusal.
pub(crate) async fn submit(app: &App, legs: Vec<Leg>) -> Result<Result<Outcome, Refusal>> {
    match app.engine.submit(Command::Transfer(Group { legs })).await {
        Ok(outcome) => {
            if let Some(last) = outcome.records.last() {
                app.progress.passed(last.seq).await;
            }
            Ok(Ok(outcome))
        }
        Err(SubmitError::Refused(refusal)) => Ok(Err(refusal)),
        Err(error) => Err(wallets::stopped(error)),
    }
}

impl store::Row {
    /// The number of the ledger transfer.
    pub(crate) fn number(&self) -> Result<u128> {
        self.id
            .get(4..)
            .and_then(parse_number)
            .ok_or_else(|| Problem::internal(format!("{} is no id of an exchange", self.id)))
    }

    /// The digest of what was signed.
    pub(crate) fn digest(&self) -> Result<[u8; 24]> {
        self.digest.as_slice().try_into().map_err(|_| Problem::internal("a kept digest is not 24 bytes long"))
    }

    /// The amount in fen.
    pub(crate) fn fen(&self) -> u64 {
        u64::try_from(self.amount).unwrap_or(0)
    }

    /// The reference of the current try to give the money back.
    pub(crate) fn return_reference(&self) -> String {
        format!("{}.r{}", self.id, self.give_back)
    }
}

/// The exchange that a ledger record of a top-up or withdrawal belongs to.
pub(crate) fn id_of(direction: Direction, transfer: u128) -> String {
    let thing = wallets::legs::thing(transfer);
    match direction {
        Direction::TopUp => TopUpId::from_number(thing).to_string(),
        Direction::Withdrawal => WithdrawalId::from_number(thing).to_string(),
    }
}

/// A problem if the two differ, naming the field.
pub(crate) fn same<T: PartialEq>(field: &'static str, stored: &T, asked: &T) -> Result<()> {
    if stored == asked {
        Ok(())
    } else {
        Err(Problem::new(Code::Conflict).field(field).detail("This number was used with other content."))
    }
}
