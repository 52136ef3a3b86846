//! What comes next for a withdrawal, from what is known.

use crate::exchange::store::Row;
use crate::exchange::{BankOutcome, State};

/// The next step of a withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Hold the money in the ledger.
    Hold,
    /// Ask the bank to credit the account.
    Ask,
    /// Ask the bank what became of that.
    Query,
    /// The bank has done it: post what is held.
    Post,
    /// The bank has not and will not: release what is held, or end it where nothing is.
    Release,
    /// It came back from the bank: return it to the wallet.
    Restore,
    /// Nothing now.
    Rest,
}

/// The step that follows from the row at `now`.
pub(super) fn next(row: &Row, now: i64) -> Step {
    let too_late = row.not_after < now;
    match (row.state, row.bank_outcome) {
        _ if row.is_waiting(now) => Step::Rest,
        (State::Success, _) if row.give_back > 0 => Step::Restore,
        (State::Success | State::Returned | State::Fail, _) => Step::Rest,
        (_, Some(BankOutcome::Done)) => Step::Post,
        (_, Some(BankOutcome::Refused)) => Step::Release,
        // What was never asked and is too late to ask: the hold, if there is one, is released.
        (_, None) if row.asked == 0 && too_late => Step::Release,
        (_, None) if row.held == 0 => Step::Hold,
        (_, None) if row.asked == 0 => Step::Ask,
        (State::PresumedFail, None) if !too_late => Step::Ask,
        (_, None) => Step::Query,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Direction;

    fn fresh() -> Row {
        Row::fresh(Direction::Withdrawal)
    }

    #[test]
    fn the_next_step_follows_from_what_is_known() {
        use BankOutcome::{Done, Refused};
        let check =
            |row: Row, now: i64, expect: Step| assert_eq!(next(&row, now), expect, "{row:?} at {now}");
        let held = Row { held: 1, state: State::Processing, ..fresh() };
        let asked = Row { asked: 1, ..held.clone() };
        let said = |state, outcome| Row { state, bank_outcome: Some(outcome), ..asked.clone() };
        check(fresh(), 300, Step::Hold);
        check(fresh(), 301, Step::Release);
        check(held.clone(), 300, Step::Ask);
        check(held, 301, Step::Release);
        check(asked.clone(), 10, Step::Query);
        check(Row { tries: 2, ..asked.clone() }, 4, Step::Rest);
        check(Row { state: State::PresumedSuccess, ..asked.clone() }, 9_999, Step::Query);
        check(Row { state: State::PresumedFail, ..asked.clone() }, 300, Step::Ask);
        check(Row { state: State::PresumedFail, ..asked.clone() }, 301, Step::Query);
        check(said(State::Processing, Done), 10, Step::Post);
        check(said(State::PresumedSuccess, Refused), 10, Step::Release);
        check(said(State::Success, Done), 10, Step::Rest);
        check(Row { give_back: 1, ..said(State::Success, Done) }, 10, Step::Restore);
        check(
            Row { give_back: 1, tries: 1, next_try_at: Some(11), ..said(State::Success, Done) },
            10,
            Step::Rest,
        );
        check(Row { give_back: 1, ..said(State::Returned, Done) }, 10, Step::Rest);
        check(said(State::Fail, Done), 10, Step::Rest);
    }
}
