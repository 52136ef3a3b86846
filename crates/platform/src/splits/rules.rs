//! Pure decisions about splitting.

use jialing_crypto::hash::HashAlgorithm;

use super::{ShareAsk, SplitAsk};
use crate::id::{OrderId, SplitOrderId};
use crate::{Code, Problem, Result, orders, text};

/// Basis points of the whole.
pub const WHOLE: i64 = 10_000;
/// Longest description of a share, characters.
pub const MAX_DESCRIPTION: usize = 80;

/// The one movement that freezes an order's money: its id follows from the order's.
#[must_use]
pub fn freeze_id(order: OrderId) -> SplitOrderId {
    let digest = HashAlgorithm::Sha256.digest_parts(&[b"freeze of ", order.to_string().as_bytes()]);
    let random = u128::from_le_bytes(std::array::from_fn(|i| digest[i]));
    SplitOrderId::from_parts((order.number() >> 80) as i64, random)
}

/// So many basis points of `amount`, rounded down to the fen: what is lost by rounding stays with the
/// merchant.
#[must_use]
pub fn part(amount: i64, basis_points: i64) -> i64 {
    let part = i128::from(amount) * i128::from(basis_points) / i128::from(WHOLE);
    i64::try_from(part).unwrap_or(i64::MAX)
}

/// Checks every field that can be checked alone; answers how the order is named.
///
/// # Errors
/// `invalid_request` or `amount_invalid`, naming the field.
pub fn check(ask: &SplitAsk, most: i64) -> Result<orders::Name> {
    text::key("out_split_no", &ask.out_split_no)?;
    let wrong = |field: &str, detail: String| Problem::new(Code::InvalidRequest).field(field).detail(detail);
    if ask.shares.is_empty() || ask.shares.len() as i64 > most {
        return Err(wrong("shares", format!("A split has from 1 to {most} shares.")));
    }
    for (place, share) in ask.shares.iter().enumerate() {
        check_share(share, place)?;
        if ask.shares[..place].iter().any(|other| other.receiver_id == share.receiver_id) {
            return Err(wrong("shares", format!("Share {} names a receiver again.", place + 1)));
        }
    }
    let by_parts = ask.shares.iter().filter(|share| share.basis_points.is_some()).count();
    if by_parts != 0 && by_parts != ask.shares.len() {
        return Err(wrong("shares", "Share out by `amount` or by `basis_points`, not both.".into()));
    }
    let sum: i64 = ask.shares.iter().filter_map(|share| share.basis_points).sum();
    if sum > WHOLE {
        return Err(wrong("shares", format!("{sum} basis points are more than the whole, {WHOLE}.")));
    }
    named(ask.order_id, ask.out_trade_no.as_deref())
}

fn check_share(share: &ShareAsk, place: usize) -> Result<()> {
    let wrong = |detail: String| Err(Problem::new(Code::InvalidRequest).field("shares").detail(detail));
    text::optional_line("description", share.description.as_deref(), MAX_DESCRIPTION)?;
    match (share.amount, share.basis_points) {
        (Some(amount), None) => amount.positive("shares").map(drop),
        (None, Some(1..=WHOLE)) => Ok(()),
        (None, Some(_)) => wrong(format!("Share {} has from 1 to {WHOLE} basis points.", place + 1)),
        _ => wrong(format!("Share {} has `amount` or `basis_points`, not both.", place + 1)),
    }
}

/// How the order is named.
///
/// # Errors
/// `invalid_request`.
pub fn named(id: Option<OrderId>, out_trade_no: Option<&str>) -> Result<orders::Name> {
    match (id, out_trade_no) {
        (Some(id), None) => Ok(orders::Name::Id(id)),
        (None, Some(number)) => Ok(orders::Name::OutTradeNo(number.to_owned())),
        _ => Err(Problem::new(Code::InvalidRequest)
            .field("order_id")
            .detail("Name the order by `order_id` or by `out_trade_no`, not both.")),
    }
}

/// What each share is, fen, in order: one of zero fen is none.
///
/// # Errors
/// `amount_invalid` where a part of the order is less than one fen.
pub fn amounts(ask: &SplitAsk, order_amount: i64) -> Result<Vec<i64>> {
    let amount = |share: &ShareAsk| match (share.amount, share.basis_points) {
        (Some(money), _) => money.amount as i64,
        (None, points) => part(order_amount, points.unwrap_or(0)),
    };
    let amounts: Vec<i64> = ask.shares.iter().map(amount).collect();
    if amounts.contains(&0) {
        return Err(Problem::new(Code::AmountInvalid)
            .field("shares")
            .detail("A share of this order would be less than one fen."));
    }
    Ok(amounts)
}

/// How a refund of `amount` is paid: so much out of the freeze, the rest out of what was unfrozen
/// before. What was shared out is not the merchant's to refund until it is returned.
///
/// # Errors
/// `split_return_needed` with what has to be returned first.
pub fn refund(left: i64, unfrozen_left: i64, amount: i64) -> Result<(i64, i64)> {
    let frozen = amount.min(left.max(0));
    let own = amount - frozen;
    let missing = own - unfrozen_left.max(0);
    if missing > 0 {
        return Err(Problem::new(Code::SplitReturnNeeded).field("amount").with("needed", missing));
    }
    Ok((frozen, own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Money;
    use crate::id::SplitReceiverId;

    #[test]
    fn a_part_is_rounded_down_and_the_rest_stays_with_the_merchant() {
        let check = |amount: i64, points: i64, expect: i64| assert_eq!(part(amount, points), expect);
        check(1_000, 3_000, 300);
        check(999, 3_333, 332);
        check(1, 9_999, 0);
        check(1, 10_000, 1);
        check(i64::MAX, 10_000, i64::MAX);
        let (a, b) = (part(100, 3_333), part(100, 6_667));
        assert_eq!((a, b, 100 - a - b), (33, 66, 1));
    }

    fn ask(shares: &[(u128, Option<u64>, Option<i64>)]) -> SplitAsk {
        SplitAsk {
            out_split_no: "S-1".into(),
            order_id: Some(OrderId::from_parts(5, 16)),
            out_trade_no: None,
            shares: shares
                .iter()
                .map(|(receiver, fen, basis_points)| ShareAsk {
                    receiver_id: SplitReceiverId::from_number(*receiver),
                    amount: fen.map(Money::fen),
                    basis_points: *basis_points,
                    description: None,
                })
                .collect(),
            unfreeze_rest: false,
        }
    }

    #[test]
    fn a_request_shares_out_by_fen_or_by_parts_that_add_up() {
        let check = |shares: &[(u128, Option<u64>, Option<i64>)], fits: bool| {
            assert_eq!(check(&ask(shares), 3).is_ok(), fits, "{shares:?}");
        };
        check(&[(16, Some(1), None)], true);
        check(&[(16, None, Some(1)), (32, None, Some(9_999))], true);
        check(&[(16, None, Some(1)), (32, None, Some(10_000))], false);
        check(&[(16, None, Some(10_001))], false);
        check(&[(16, None, Some(0))], false);
        check(&[(16, Some(0), None)], false);
        check(&[(16, Some(1), Some(1))], false);
        check(&[(16, None, None)], false);
        check(&[(16, Some(1), None), (32, None, Some(1))], false);
        check(&[(16, Some(1), None), (16, Some(1), None)], false);
        check(&[], false);
        check(&[(16, Some(1), None), (32, Some(1), None), (48, Some(1), None)], true);
        check(&[(16, Some(1), None), (32, Some(1), None), (48, Some(1), None), (64, Some(1), None)], false);
    }

    #[test]
    fn a_refund_takes_what_is_not_shared_out_first_and_then_what_was_unfrozen() {
        let check = |left: i64, unfrozen: i64, amount: i64, expect: Option<(i64, i64)>| {
            assert_eq!(refund(left, unfrozen, amount).ok(), expect, "{left} {unfrozen} {amount}");
        };
        check(1_000, 0, 1_000, Some((1_000, 0)));
        check(700, 0, 600, Some((600, 0)));
        check(0, 700, 700, Some((0, 700)));
        check(300, 200, 500, Some((300, 200)));
        check(300, 200, 501, None);
        check(0, 0, 1, None);
        let needed = refund(300, 200, 800).expect_err("300 are with a receiver");
        assert_eq!(needed.extra.expect("figures")["needed"], 300);
    }

    #[test]
    fn the_freeze_of_an_order_is_one_and_is_not_the_order() {
        let order = OrderId::from_parts(1_780_000_000_000, 0xabcd_0000);
        let id = freeze_id(order);
        assert_eq!(id, freeze_id(order));
        assert_ne!(id.number(), order.number());
        assert!(jialing_ledger::is_transfer_id(id.number()) && id.number() & 0xf == 0);
    }
}
