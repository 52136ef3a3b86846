//! Pure decisions about refunds.

use jialing_crypto::hash::HashAlgorithm;
use jialing_ledger::{Refusal, Why};

use super::{Nature, Origin, RefundAsk, State, store};
use crate::id::{OrderId, RefundId};
use crate::{Code, Problem, Result, orders, text};

/// Longest reason, characters.
pub const MAX_REASON: usize = 80;

/// Checks every field that can be checked alone; answers how the order is named.
///
/// # Errors
/// `invalid_request` or `amount_invalid`, naming the field.
pub fn check(ask: &RefundAsk) -> Result<orders::Name> {
    text::key("out_refund_no", &ask.out_refund_no)?;
    ask.amount.positive("amount")?;
    text::optional_line("reason", ask.reason.as_deref(), MAX_REASON)?;
    match (ask.order_id, &ask.out_trade_no) {
        (Some(id), None) => Ok(orders::Name::Id(id)),
        (None, Some(number)) => Ok(orders::Name::OutTradeNo(number.clone())),
        _ => Err(Problem::new(Code::InvalidRequest)
            .field("order_id")
            .detail("Name the order by `order_id` or by `out_trade_no`, not both.")),
    }
}

/// Whether `ask` repeats what `row` was made from.
///
/// # Errors
/// `conflict`, naming the first field that differs.
pub fn same(row: &store::Row, ask: &RefundAsk, order: OrderId) -> Result<()> {
    let differs = [
        ("order_id", row.order_id != order),
        ("amount", row.amount.unsigned_abs() != ask.amount.amount),
        ("reason", row.reason != ask.reason),
        ("nature", row.nature != ask.nature.unwrap_or(Nature::Merchant)),
    ];
    Problem::conflict_if(differs, |field| {
        format!("`out_refund_no` was used for a refund with another `{field}`.")
    })
    .map_err(|problem| problem.with("refund_id", row.id.to_string()))
}

/// Whether the order may be refunded at `now`, `window_ms` after its payment at the latest.
///
/// # Errors
/// `state_conflict`, `refund_window_closed`.
pub fn refundable(order: &orders::store::Row, now: i64, window_ms: i64) -> Result<()> {
    match (order.state, order.paid_at) {
        (orders::State::Success, Some(paid_at)) if paid_at + window_ms < now => {
            Err(Problem::new(Code::RefundWindowClosed))
        }
        (orders::State::Success, Some(_)) => Ok(()),
        _ => Err(Problem::new(Code::StateConflict)
            .detail(format!("The order is {}; only a paid order is refunded.", order.state_at(now)))),
    }
}

/// More was asked for than is left of `order`.
#[must_use]
pub fn exceeds(order: &orders::store::Row) -> Problem {
    let left = order.amount - order.refunded - order.refunding;
    Problem::new(Code::RefundExceedsPaid).field("amount").with("left", left)
}

/// Where a refund begins: with the owner, if it is above what the merchant lets pass.
#[must_use]
pub fn first_state(amount: i64, approval_above: Option<i64>) -> State {
    if approval_above.is_some_and(|above| amount > above) {
        State::PendingApproval
    } else {
        State::Processing
    }
}

/// Where a refund goes that the ledger refused.
///
/// What the merchant's side could not pay is closed, unless the platform owes it; what the payer's
/// wallet could not take stays owed. Only the first leg debits the merchant's wallet.
#[must_use]
pub fn after_refusal(refusal: &Refusal, origin: Origin) -> State {
    let merchants_side = refusal.leg == 0
        && matches!(
            refusal.why,
            Why::DebitAccountClosed | Why::DebitFrozen | Why::BalanceTooLow | Why::DebitAccountUnknown
        );
    if merchants_side && origin == Origin::Request { State::Closed } else { State::Abnormal }
}

/// The one refund that the platform itself makes of an order: its id follows from the order's.
#[must_use]
pub fn automatic_id(order: OrderId) -> RefundId {
    let digest = HashAlgorithm::Sha256.digest_parts(&[b"refund of ", order.to_string().as_bytes()]);
    let random = u128::from_le_bytes(std::array::from_fn(|i| digest[i]));
    RefundId::from_parts((order.number() >> 80) as i64, random)
}

/// Its number among the merchant's: outside what merchants may choose.
#[must_use]
pub fn automatic_no(order: OrderId) -> String {
    format!("~{order}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_on_the_merchants_side_closes_and_on_the_payers_side_waits() {
        let check = |why: Why, leg: u8, origin: Origin, expect: State| {
            assert_eq!(after_refusal(&Refusal::new(why, leg), origin), expect, "{why:?} {leg} {origin}");
        };
        check(Why::BalanceTooLow, 0, Origin::Request, State::Closed);
        check(Why::DebitFrozen, 0, Origin::Request, State::Closed);
        check(Why::DebitAccountClosed, 0, Origin::Request, State::Closed);
        check(Why::BalanceTooLow, 0, Origin::LatePayment, State::Abnormal);
        check(Why::BalanceTooLow, 0, Origin::Revocation, State::Abnormal);
        // The second leg debits an institution's vault: not the merchant's doing.
        check(Why::BalanceTooLow, 1, Origin::Request, State::Abnormal);
        check(Why::CreditFrozen, 0, Origin::Request, State::Abnormal);
        check(Why::CreditAccountClosed, 0, Origin::Request, State::Abnormal);
        check(Why::BalanceTooHigh, 0, Origin::Request, State::Abnormal);
    }

    #[test]
    fn a_refund_above_the_merchants_own_bound_begins_with_the_owner() {
        let check =
            |amount: i64, above: Option<i64>, expect: State| assert_eq!(first_state(amount, above), expect);
        check(500, None, State::Processing);
        check(500, Some(500), State::Processing);
        check(501, Some(500), State::PendingApproval);
    }

    #[test]
    fn the_platforms_own_refund_of_an_order_is_one_and_is_no_number_of_the_ledgers_own() {
        let order = OrderId::from_parts(1_780_000_000_000, 0xabcd_0000);
        let id = automatic_id(order);
        assert_eq!(id, automatic_id(order));
        assert_ne!(id.number(), order.number());
        assert_ne!(id, automatic_id(OrderId::from_parts(1_780_000_000_000, 0xabcd_0010)));
        assert!(jialing_ledger::is_transfer_id(id.number()) && id.number() & 0xf == 0);
        assert!(text::key("out_refund_no", &automatic_no(order)).is_err(), "no merchant can take it");
    }
}
