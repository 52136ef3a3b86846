//! Pure decisions about orders.

use super::{OrderAsk, RefundState, State, TradeType, Way, goods, store};
use crate::{Code, Problem, Result, text};

/// Longest description, characters.
pub const MAX_DESCRIPTION: usize = 127;
/// Longest data of the merchant's own, characters.
pub const MAX_ATTACH: usize = 128;
/// Longest name of a till, characters: what a code holds.
pub const MAX_TERMINAL: usize = 25;
/// Longest goods tag, characters.
pub const MAX_GOODS_TAG: usize = 32;

/// Checks every field that can be checked alone.
///
/// # Errors
/// `invalid_request` or `amount_invalid`, naming the field.
pub fn check(ask: &OrderAsk) -> Result<()> {
    text::key("out_trade_no", &ask.out_trade_no)?;
    text::line("description", &ask.description, MAX_DESCRIPTION)?;
    ask.amount.positive("amount")?;
    text::optional_line("attach", ask.attach.as_deref(), MAX_ATTACH)?;
    text::optional_line("goods_tag", ask.goods_tag.as_deref(), MAX_GOODS_TAG)?;
    ask.goods_detail.as_deref().map_or(Ok(()), goods::check)?;
    terminal(ask.terminal.as_deref())?;
    ask.return_url.as_deref().map_or(Ok(()), |address| text::url("return_url", address))?;
    ask.notify_url.as_deref().map_or(Ok(()), |address| text::url("notify_url", address))
}

/// Checks the name of a till, if there is one.
///
/// # Errors
/// `invalid_request`, naming `terminal`.
pub fn terminal(name: Option<&str>) -> Result<()> {
    let Some(name) = name else { return Ok(()) };
    text::key("terminal", name)?;
    if name.len() > MAX_TERMINAL {
        return Err(Problem::new(Code::InvalidRequest)
            .field("terminal")
            .detail(format!("A till's name has at most {MAX_TERMINAL} characters.")));
    }
    Ok(())
}

/// Whether `ask` repeats what `row` was created from.
///
/// # Errors
/// `conflict`, naming the first field that differs.
pub(crate) fn same(row: &store::Row, ask: &OrderAsk, way: Way) -> Result<()> {
    let goods_detail = goods::stored(ask.goods_detail.as_deref())?;
    let differs = [
        ("token", row.mandate != way.mandate()),
        ("trade_type", row.trade_type != way.trade_type()),
        ("amount", row.amount.unsigned_abs() != ask.amount.amount),
        ("description", row.description != ask.description),
        ("goods_detail", row.goods_detail != goods_detail),
        ("store_id", row.store != ask.store_id),
        ("terminal", row.terminal != ask.terminal),
        ("expires_in", row.expires_in != ask.expires_in),
        ("attach", row.attach != ask.attach),
        ("notify_url", row.notify_url != ask.notify_url),
        ("return_url", row.return_url != ask.return_url),
        ("goods_tag", row.goods_tag != ask.goods_tag),
        ("split", (row.split != 0) != ask.split.unwrap_or(false)),
    ];
    Problem::conflict_if(differs, |field| {
        format!("`out_trade_no` was used for an order with another `{field}`.")
    })
    .map_err(|problem| problem.with("order_id", row.id.to_string()))
}

/// The state at `now`: an order that waits closes when its time is over.
#[must_use]
pub const fn state_at(state: State, expires_at: i64, now: i64) -> State {
    match state {
        State::NotPay | State::PayError if expires_at <= now => State::Closed,
        other => other,
    }
}

/// How much of `amount` was given back.
#[must_use]
pub const fn refund_state(refunded: i64, amount: i64) -> RefundState {
    match refunded {
        0 => RefundState::None,
        part if part < amount => RefundState::Partial,
        _ => RefundState::Full,
    }
}

/// Whether the merchant may take the order back at `now`; one whose payer was asked, from `from` on.
///
/// # Errors
/// See [`super::revoke`].
pub fn revocable(
    row: &store::Row,
    now: i64,
    window_ms: i64,
    approval_above: Option<i64>,
    from: i64,
) -> Result<()> {
    let no = |detail: &str| Err(Problem::new(Code::StateConflict).detail(detail));
    match row.trade_type {
        TradeType::Mandate | TradeType::Code => {}
        TradeType::Debit => return no("Cancel the debit, or refund a paid one."),
        TradeType::Qr | TradeType::Static => {
            return no("Only orders that you charged are revoked: close an unpaid order, refund a paid one.");
        }
    }
    match row.state_at(now) {
        State::UserPaying if row.attempt.is_some() => Err(being_paid()),
        State::UserPaying if now < from => Err(Problem::new(Code::InProgress)
            .detail("The payer was asked for the PIN and needs a moment.")
            .retry_after((from - now).unsigned_abs().div_ceil(1000))),
        State::Closed => Err(Problem::new(Code::OrderClosed)),
        State::Success if row.refunded + row.refunding > 0 => {
            no("The order was refunded in part: refund the rest.")
        }
        State::Success if row.paid_at.is_some_and(|paid| paid + window_ms < now) => {
            no("The time to revoke is over: refund the order.")
        }
        State::Success if approval_above.is_some_and(|above| row.amount > above) => {
            no("Your own rule wants this amount approved: ask for a refund.")
        }
        _ => Ok(()),
    }
}

/// Somebody is paying.
pub(crate) fn being_paid() -> Problem {
    Problem::new(Code::InProgress).detail("Somebody is paying this order now.").retry_after(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_order_that_waits_is_closed_by_time() {
        let check = |state: State, now: i64, expect: State| assert_eq!(state_at(state, 1_000, now), expect);
        check(State::NotPay, 999, State::NotPay);
        check(State::NotPay, 1_000, State::Closed);
        check(State::PayError, 1_000, State::Closed);
        check(State::UserPaying, 5_000, State::UserPaying);
        check(State::Success, 5_000, State::Success);
        check(State::Revoked, 5_000, State::Revoked);
    }

    #[test]
    fn refund_progress_follows_what_was_given_back() {
        let check = |refunded: i64, expect: RefundState| assert_eq!(refund_state(refunded, 100), expect);
        check(0, RefundState::None);
        check(1, RefundState::Partial);
        check(99, RefundState::Partial);
        check(100, RefundState::Full);
    }
}
