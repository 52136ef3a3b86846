//! What becomes of an item that is on both sides, or on one.
//!
//! Ours is what the ledger's history says of the day: it has succeeded. An item that is in the other side's
//! file alone is looked up by its number, because it may be ours of another day, or not have ended.

use super::layout::{ItemKind, TheirState};
use crate::orders::State as OrderState;
use crate::refunds::State as RefundState;
use crate::stored;

stored! {
    /// What became of an item.
    #[schema(as = ReconciliationOutcome)]
    pub enum Outcome {
        /// Both sides say the same.
        Same = "SAME",
        /// Only here.
        More = "MORE",
        /// Only there.
        Less = "LESS",
        /// The amounts differ.
        Diff = "DIFF",
        /// The states differ.
        StateDiff = "STATE_DIFF",
        /// It cannot be said yet.
        Pending = "PENDING",
    }
}

stored! {
    /// More about an outcome.
    #[schema(as = ReconciliationReason)]
    pub enum Reason {
        /// The file has the item more than once.
        Duplicate = "DUPLICATE",
        /// It is in the ledger on another day.
        OtherDay = "OTHER_DAY",
        /// Here it has not ended yet.
        NotEnded = "NOT_ENDED",
        /// Here there is such a number, but nothing was paid under it.
        NotPaid = "NOT_PAID",
    }
}

/// What the platform knows of an item that is not in the ledger on that day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing.
    Nothing,
    /// It has not ended.
    Open,
    /// It ended, and money moved on another day.
    OtherDay { amount: i64 },
    /// It ended, and nothing moved.
    Ended,
}

impl Known {
    /// What an order's state says.
    pub(super) const fn of_order(state: OrderState, paid: bool, amount: i64) -> Self {
        match state {
            OrderState::Success => Self::OtherDay { amount },
            OrderState::Revoked | OrderState::Closed if paid => Self::OtherDay { amount },
            OrderState::UserPaying => Self::Open,
            _ => Self::Ended,
        }
    }

    /// What a refund's state says.
    pub(super) const fn of_refund(state: RefundState, amount: i64) -> Self {
        match state {
            RefundState::Success => Self::OtherDay { amount },
            RefundState::Closed => Self::Ended,
            _ => Self::Open,
        }
    }
}

/// An item on both sides.
pub(super) const fn both(ours: i64, theirs: i64, state: TheirState) -> Outcome {
    if ours != theirs {
        return Outcome::Diff;
    }
    match state {
        TheirState::Success => Outcome::Same,
        TheirState::Pending | TheirState::Failed => Outcome::StateDiff,
    }
}

/// An item that is in the file alone.
pub(super) const fn theirs_alone(known: Known, theirs: i64, state: TheirState) -> (Outcome, Option<Reason>) {
    match (known, state) {
        (Known::Nothing, _) => (Outcome::Less, None),
        (Known::Open, TheirState::Failed) => (Outcome::StateDiff, Some(Reason::NotEnded)),
        (Known::Open, _) => (Outcome::Pending, Some(Reason::NotEnded)),
        (Known::OtherDay { amount }, _) if amount != theirs => (Outcome::Diff, Some(Reason::OtherDay)),
        (Known::OtherDay { .. }, TheirState::Failed) => (Outcome::StateDiff, Some(Reason::OtherDay)),
        (Known::OtherDay { .. }, _) => (Outcome::Pending, Some(Reason::OtherDay)),
        // Neither side moved money: that is the same.
        (Known::Ended, TheirState::Failed) => (Outcome::Same, Some(Reason::NotPaid)),
        (Known::Ended, _) => (Outcome::StateDiff, Some(Reason::NotPaid)),
    }
}

/// The kind's name in the ledger, for results.
pub(super) const fn words(kind: ItemKind) -> &'static str {
    kind.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_on_both_sides_is_the_same_or_differs_in_amount_first() {
        let check = |ours, theirs, state, expect: Outcome| assert_eq!(both(ours, theirs, state), expect);
        check(5, 5, TheirState::Success, Outcome::Same);
        check(5, 6, TheirState::Success, Outcome::Diff);
        check(5, 6, TheirState::Failed, Outcome::Diff);
        check(5, 5, TheirState::Failed, Outcome::StateDiff);
        check(5, 5, TheirState::Pending, Outcome::StateDiff);
    }

    #[test]
    fn an_item_of_the_file_alone_is_judged_by_what_is_known_of_its_number() {
        use TheirState::{Failed, Pending, Success};
        let check = |known, state, expect: (Outcome, Option<Reason>)| {
            assert_eq!(theirs_alone(known, 5, state), expect, "{known:?} {state:?}");
        };
        check(Known::Nothing, Success, (Outcome::Less, None));
        check(Known::Nothing, Failed, (Outcome::Less, None));
        check(Known::Open, Success, (Outcome::Pending, Some(Reason::NotEnded)));
        check(Known::Open, Pending, (Outcome::Pending, Some(Reason::NotEnded)));
        check(Known::Open, Failed, (Outcome::StateDiff, Some(Reason::NotEnded)));
        check(Known::OtherDay { amount: 5 }, Success, (Outcome::Pending, Some(Reason::OtherDay)));
        check(Known::OtherDay { amount: 6 }, Success, (Outcome::Diff, Some(Reason::OtherDay)));
        check(Known::OtherDay { amount: 5 }, Failed, (Outcome::StateDiff, Some(Reason::OtherDay)));
        check(Known::Ended, Success, (Outcome::StateDiff, Some(Reason::NotPaid)));
        check(Known::Ended, Pending, (Outcome::StateDiff, Some(Reason::NotPaid)));
        check(Known::Ended, Failed, (Outcome::Same, Some(Reason::NotPaid)));
    }

    #[test]
    fn what_is_known_follows_from_the_state_here() {
        let order = |state, paid, expect| assert_eq!(Known::of_order(state, paid, 7), expect, "{state}");
        order(OrderState::Success, true, Known::OtherDay { amount: 7 });
        order(OrderState::Revoked, true, Known::OtherDay { amount: 7 });
        order(OrderState::Closed, true, Known::OtherDay { amount: 7 });
        order(OrderState::Revoked, false, Known::Ended);
        order(OrderState::Closed, false, Known::Ended);
        order(OrderState::NotPay, false, Known::Ended);
        order(OrderState::PayError, false, Known::Ended);
        order(OrderState::UserPaying, false, Known::Open);
        let refund = |state, expect| assert_eq!(Known::of_refund(state, 7), expect, "{state}");
        refund(RefundState::Success, Known::OtherDay { amount: 7 });
        refund(RefundState::Closed, Known::Ended);
        for open in [RefundState::Processing, RefundState::PendingApproval, RefundState::Abnormal] {
            refund(open, Known::Open);
        }
    }
}
