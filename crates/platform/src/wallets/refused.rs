//! The ledger's refusals as problems, in one place.

use jialing_engine::SubmitError;
use jialing_ledger::{Account, Refusal, Why};
use serde_json::json;

use super::{AccountRef, Wallet, find, own_limits, view};
use crate::id::WalletId;
use crate::{App, Code, Problem, Result};

/// Overload and a stopped engine; a refusal without figures.
pub(crate) fn stopped(error: SubmitError) -> Problem {
    match error {
        SubmitError::Overloaded { retry_after_ms } => {
            Problem::new(Code::Overloaded).retry_after(u64::from(retry_after_ms).div_ceil(1000).max(1))
        }
        SubmitError::Refused(refusal) => ledger_refused(&refusal),
        SubmitError::Stopped(stopped) => Problem::internal(stopped),
    }
}

/// What was tried, and by which side.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Whose money would have left.
    pub payer: &'a AccountRef,
    /// Where it would have arrived.
    pub payee: &'a AccountRef,
    /// Minor units.
    pub amount: u64,
    /// Who asked: figures of the other side are never told.
    pub asks: Side,
}

/// One side of a movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Whose money leaves.
    Payer,
    /// Where it arrives.
    Payee,
}

/// What to answer when the ledger refused a movement: the reason, the asking side's limit and what
/// is left of it, and which class would allow more. Figures of the other side are never told.
pub async fn refused(app: &App, refusal: &Refusal, attempt: &Attempt<'_>) -> Problem {
    let problem = plain(refusal, attempt.asks);
    let payer = WalletId::from_number(attempt.payer.number);
    let told = match (refusal.why, attempt.asks) {
        (
            Why::OverSingleLimit
            | Why::OverDayLimit
            | Why::OverDayCount
            | Why::OverYearLimit
            | Why::OverYearCount,
            Side::Payer,
        ) => over_limit(app, problem.clone(), refusal.why, payer, attempt.amount).await,
        (Why::BalanceTooLow, Side::Payer) if refusal.leg == 0 => available(app, problem.clone(), payer).await,
        (Why::BalanceTooHigh, Side::Payee) => {
            too_high(app, WalletId::from_number(attempt.payee.number)).await
        }
        _ => return problem,
    };
    // The reason is known even if its figures cannot be read now.
    told.unwrap_or_else(|fault| {
        let mut problem = problem;
        problem.internal = fault.internal;
        problem
    })
}

/// The code that the paying side hears, for lists where figures have no place.
pub(crate) fn code_for_payer(refusal: &Refusal) -> Code {
    plain(refusal, Side::Payer).code
}

/// The problem without figures.
fn plain(refusal: &Refusal, asks: Side) -> Problem {
    match asks {
        Side::Payer => for_payer(refusal),
        Side::Payee => for_payee(refusal),
    }
}

/// `balance_too_high` with the limit, the room that is left, and which class would allow more.
pub(crate) async fn too_high(app: &App, payee: WalletId) -> Result<Problem> {
    let problem = Problem::new(Code::BalanceTooHigh);
    let Some(account) = app.engine.account(payee.number()).await.map_err(Problem::internal)? else {
        return Ok(problem);
    };
    let wallet = find(app, payee).await?;
    offer(app, problem.with("limit", account.max).with("left", room(&account)), &wallet).await
}

/// What may still arrive, fen: up to the highest balance, less what is held to arrive.
pub(crate) fn room(account: &Account) -> i64 {
    let room = i128::from(account.max) - i128::from(account.balance()) - i128::from(account.credits_held);
    i64::try_from(room.max(0)).unwrap_or(i64::MAX)
}

async fn available(app: &App, problem: Problem, payer: WalletId) -> Result<Problem> {
    let account = app.engine.account(payer.number()).await.map_err(Problem::internal)?;
    Ok(problem.with("available", account.map_or(0, |account| account.available().max(0))))
}

/// Adds the class limit and what is left. Where the class would have let the amount through, another
/// meter of the movement refused it: a mandate's.
async fn over_limit(app: &App, problem: Problem, why: Why, payer: WalletId, amount: u64) -> Result<Problem> {
    let allowance = app.engine.allowance(payer.number()).await.map_err(Problem::internal)?;
    let Some(allowance) = allowance else { return Ok(problem) };
    let bounds = allowance.version.map(|version| version.bounds);
    let (limit, left, fits) = match why {
        Why::OverSingleLimit => (bounds.map(|b| b.single), allowance.single, amount <= allowance.single),
        Why::OverDayLimit => (bounds.map(|b| b.day), allowance.day, amount <= allowance.day),
        Why::OverDayCount => (bounds.map(|b| b.day_count), allowance.day_count, allowance.day_count > 0),
        Why::OverYearLimit => (bounds.map(|b| b.year), allowance.year, amount <= allowance.year),
        _ => (bounds.map(|b| b.year_count), allowance.year_count, allowance.year_count > 0),
    };
    if fits {
        return own_or_mandate(app, problem, why, payer, amount).await;
    }
    let problem =
        problem.with("limited_by", "wallet_class").with("limit", limit.unwrap_or(0)).with("left", left);
    offer(app, problem, &find(app, payer).await?).await
}

/// Another meter than the class's refused: the holder's own, with what is left of it, or a mandate's.
async fn own_or_mandate(
    app: &App,
    problem: Problem,
    why: Why,
    payer: WalletId,
    amount: u64,
) -> Result<Problem> {
    let allowance = app.engine.allowance(own_limits::meter(payer)).await.map_err(Problem::internal)?;
    let own = allowance.and_then(|allowance| {
        let bounds = allowance.version.map(|version| version.bounds)?;
        match why {
            Why::OverSingleLimit => Some((bounds.single, allowance.single)),
            Why::OverDayLimit => Some((bounds.day, allowance.day)),
            _ => None,
        }
    });
    Ok(match own {
        Some((limit, left)) if amount > left => {
            problem.with("limited_by", "own").with("limit", limit).with("left", left)
        }
        _ => problem.with("limited_by", "mandate"),
    })
}

/// Names the class that would allow more.
async fn offer(app: &App, problem: Problem, wallet: &Wallet) -> Result<Problem> {
    let upgrade = view::upgrade(app, wallet).await?;
    let problem = problem.with("class", wallet.standing.limits_of().name());
    Ok(match upgrade {
        Some(upgrade) => problem.with("upgrade", json!(upgrade)),
        None => problem,
    })
}

/// The problem without figures, for the side whose money leaves.
fn for_payer(refusal: &Refusal) -> Problem {
    let first = refusal.leg == 0;
    match refusal.why {
        Why::BalanceTooLow if first => Problem::new(Code::BalanceTooLow),
        Why::BalanceTooHigh => {
            Problem::new(Code::BalanceTooHigh).detail("The payee's wallet cannot take this amount.")
        }
        Why::OverSingleLimit => Problem::new(Code::OverSingleLimit),
        Why::OverDayLimit | Why::OverDayCount => Problem::new(Code::OverDayLimit),
        Why::OverYearLimit | Why::OverYearCount => Problem::new(Code::OverYearLimit),
        Why::DebitFrozen | Why::DebitAccountClosed | Why::DebitAccountUnknown if first => {
            Problem::new(Code::WalletUnavailable).detail("The wallet cannot pay now.")
        }
        Why::CreditFrozen | Why::CreditAccountClosed | Why::CreditAccountUnknown => {
            Problem::new(Code::WalletUnavailable).detail("The payee's wallet cannot receive now.")
        }
        _ => for_both(refusal),
    }
}

/// The problem without figures, for the side where money would arrive.
fn for_payee(refusal: &Refusal) -> Problem {
    match refusal.why {
        Why::BalanceTooHigh => Problem::new(Code::BalanceTooHigh),
        Why::CreditFrozen | Why::CreditAccountClosed | Why::CreditAccountUnknown => {
            Problem::new(Code::WalletUnavailable).detail("The wallet cannot receive now.")
        }
        _ => for_both(refusal),
    }
}

fn for_both(refusal: &Refusal) -> Problem {
    match refusal.why {
        Why::AmountInvalid => Problem::new(Code::AmountInvalid).field("amount"),
        Why::IdTaken => {
            let problem = Problem::new(Code::Conflict).detail("This was done already, with other content.");
            refusal.field.map_or(problem.clone(), |field| problem.field(field))
        }
        // Not a wallet's balance: an institution between the two sides is short.
        Why::BalanceTooLow => Problem::new(Code::LedgerRefused)
            .detail("An institution has not enough digital yuan to settle this now. Nothing was moved; try again later."),
        _ => ledger_refused(refusal),
    }
}

fn ledger_refused(refusal: &Refusal) -> Problem {
    Problem::new(Code::LedgerRefused).detail(format!(
        "The ledger refused leg {}: {:?} ({}).",
        refusal.leg,
        refusal.why,
        refusal.why.number()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(problem: &Problem, code: Code, says: &str) {
        assert_eq!(problem.code, code, "{problem:?}");
        assert!(problem.detail.as_deref().unwrap_or_default().contains(says), "{problem:?}");
    }

    #[test]
    fn the_payer_hears_of_its_own_side_and_only_that_the_other_cannot() {
        let payer = |why, leg| plain(&Refusal::new(why, leg), Side::Payer);
        check(&payer(Why::BalanceTooLow, 0), Code::BalanceTooLow, "");
        check(&payer(Why::BalanceTooLow, 1), Code::LedgerRefused, "institution");
        check(&payer(Why::BalanceTooHigh, 0), Code::BalanceTooHigh, "payee");
        check(&payer(Why::OverSingleLimit, 0), Code::OverSingleLimit, "");
        check(&payer(Why::OverDayLimit, 0), Code::OverDayLimit, "");
        check(&payer(Why::OverDayCount, 0), Code::OverDayLimit, "");
        check(&payer(Why::OverYearLimit, 0), Code::OverYearLimit, "");
        check(&payer(Why::OverYearCount, 0), Code::OverYearLimit, "");
        check(&payer(Why::DebitFrozen, 0), Code::WalletUnavailable, "cannot pay");
        check(&payer(Why::DebitFrozen, 1), Code::LedgerRefused, "(17)");
        check(&payer(Why::CreditFrozen, 2), Code::WalletUnavailable, "payee");
        check(&payer(Why::AmountInvalid, 0), Code::AmountInvalid, "");
        check(&payer(Why::IdTaken, 0), Code::Conflict, "");
        check(&payer(Why::HolderDiffers, 0), Code::LedgerRefused, "(9)");
    }

    #[test]
    fn the_payee_hears_of_its_own_side() {
        let payee = |why, leg| plain(&Refusal::new(why, leg), Side::Payee);
        check(&payee(Why::BalanceTooHigh, 0), Code::BalanceTooHigh, "");
        check(&payee(Why::CreditAccountClosed, 0), Code::WalletUnavailable, "cannot receive");
        check(&payee(Why::BalanceTooLow, 0), Code::LedgerRefused, "institution");
        assert_eq!(for_payee(&Refusal::taken(0, "amount")).field.as_deref(), Some("amount"));
    }

    #[test]
    fn a_busy_ledger_says_when_to_come_back() {
        assert_eq!(stopped(SubmitError::Overloaded { retry_after_ms: 20 }).retry_after, Some(1));
        assert_eq!(stopped(SubmitError::Overloaded { retry_after_ms: 2_001 }).retry_after, Some(3));
    }
}
