//! What comes next for a top-up, from what is known.

use crate::exchange::store::Row;
use crate::exchange::{BankOutcome, State};

/// The next step of a top-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask the bank to debit the account.
    Ask,
    /// Ask the bank what became of that.
    Query,
    /// The bank has the money: move it into the wallet.
    Credit,
    /// The bank has the money, but it cannot stay: push it back.
    SendBack,
    /// It has failed.
    Fail,
    /// Nothing now.
    Rest,
}

/// The step that follows from the row at `now`.
pub(super) fn next(row: &Row, now: i64) -> Step {
    match (row.state, row.bank_outcome) {
        (State::Success | State::Returned, _) => Step::Rest,
        _ if row.is_waiting(now) => Step::Rest,
        // Money that came after all, though the top-up had failed, goes back: the holder was told.
        (State::Fail, Some(BankOutcome::Done)) => Step::SendBack,
        (State::Fail, _) => Step::Rest,
        (_, Some(BankOutcome::Done)) if row.give_back > 0 => Step::SendBack,
        (_, Some(BankOutcome::Done)) => Step::Credit,
        (_, Some(BankOutcome::Refused)) => Step::Fail,
        // Never asked, and now too late to ask.
        (_, None) if row.asked == 0 && row.not_after < now => Step::Fail,
        (_, None) if row.asked == 0 => Step::Ask,
        // Not seen yet: the same request once more is harmless, as long as the bank may take it.
        (State::PresumedFail, None) if now <= row.not_after => Step::Ask,
        (_, None) => Step::Query,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Direction;

    fn fresh() -> Row {
        Row::fresh(Direction::TopUp)
    }

    #[test]
    fn the_next_step_follows_from_what_is_known() {
        use BankOutcome::{Done, Refused};
        let check =
            |row: Row, now: i64, expect: Step| assert_eq!(next(&row, now), expect, "{row:?} at {now}");
        let asked = Row { asked: 1, state: State::Processing, ..fresh() };
        let said = |state, outcome| Row { asked: 1, state, bank_outcome: Some(outcome), ..fresh() };
        check(fresh(), 0, Step::Ask);
        check(fresh(), 300, Step::Ask);
        check(fresh(), 301, Step::Fail);
        check(asked.clone(), 0, Step::Query);
        check(asked.clone(), 9_999, Step::Query);
        check(Row { tries: 1, ..asked.clone() }, 4, Step::Rest);
        check(Row { tries: 1, ..asked.clone() }, 5, Step::Query);
        check(Row { state: State::PresumedSuccess, ..asked.clone() }, 10, Step::Query);
        check(Row { state: State::PresumedFail, ..asked.clone() }, 300, Step::Ask);
        check(Row { state: State::PresumedFail, ..asked }, 301, Step::Query);
        check(said(State::Processing, Done), 10, Step::Credit);
        check(said(State::PresumedFail, Done), 10, Step::Credit);
        check(Row { give_back: 1, ..said(State::Processing, Done) }, 10, Step::SendBack);
        check(said(State::Processing, Refused), 10, Step::Fail);
        check(said(State::Fail, Refused), 10, Step::Rest);
        check(said(State::Fail, Done), 10, Step::SendBack);
        check(said(State::Success, Done), 10, Step::Rest);
        check(Row { give_back: 1, ..said(State::Returned, Done) }, 10, Step::Rest);
    }
}
