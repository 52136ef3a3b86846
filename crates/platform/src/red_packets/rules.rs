//! Pure decisions about red packets, and the luck in them.

use jialing_crypto::random;

use super::{Kind, MAX_GREETING, MAX_SHARES, RedPacketAsk};
use crate::{Code, Problem, Result, text};

/// Checks what can be checked alone; the amount in fen. `most` is the most of one share.
///
/// # Errors
/// `invalid_request` or `amount_invalid`, naming the field.
pub(super) fn check(ask: &RedPacketAsk, most: u64) -> Result<u64> {
    text::key("out_packet_no", &ask.out_packet_no)?;
    text::optional_line("greeting", ask.greeting.as_deref(), MAX_GREETING)?;
    let amount = ask.amount.positive("amount")?;
    let wrong = |field: &'static str, detail: String| {
        Err(Problem::new(Code::InvalidRequest).field(field).detail(detail))
    };
    if ask.shares == 0 || ask.shares > MAX_SHARES {
        return wrong("shares", format!("A red packet has from 1 to {MAX_SHARES} shares."));
    }
    if ask.kind == Kind::Single && ask.shares != 1 {
        return wrong("shares", "A red packet for one person has one share.".into());
    }
    if ask.kind != Kind::Single && ask.payee.is_some() {
        return wrong("payee", "Only a red packet of kind SINGLE is for somebody alone.".into());
    }
    let shares = u64::from(ask.shares);
    if amount < shares || amount > shares.saturating_mul(most) {
        return Err(Problem::new(Code::AmountInvalid)
            .field("amount")
            .detail(format!("A share has from 1 to {most} fen."))
            .with("share_most", most));
    }
    Ok(amount)
}

/// The shares of `amount`, in the order in which they are handed out: at least 1 fen and at most `most`
/// each. They add up to `amount`, which has to be possible.
pub(super) fn shares(
    kind: Kind,
    amount: u64,
    count: u64,
    most: u64,
    luck: &mut impl FnMut(u64) -> u64,
) -> Vec<u64> {
    match kind {
        Kind::Single | Kind::Equal => {
            (0..count).map(|place| amount / count + u64::from(place < amount % count)).collect()
        }
        Kind::Lucky => lucky(amount, count, most, luck),
    }
}

/// Each share is drawn evenly from 1 fen to twice what the rest has on average, within what leaves every
/// later share at least 1 fen and at most `most`. All places have the same expectation; they are shuffled,
/// because the later ones vary more.
fn lucky(amount: u64, count: u64, most: u64, luck: &mut impl FnMut(u64) -> u64) -> Vec<u64> {
    let (mut rest, mut shares) = (amount, Vec::new());
    for left in (1..=count).rev() {
        let least = rest.saturating_sub((left - 1).saturating_mul(most)).max(1);
        let highest = (rest - (left - 1)).min(most).min((2 * (rest / left)).max(least));
        let share = if left == 1 { rest } else { least + luck(highest - least + 1) };
        shares.push(share);
        rest -= share;
    }
    for place in (1..shares.len()).rev() {
        let other = usize::try_from(luck(place as u64 + 1)).unwrap_or(0);
        shares.swap(place, other);
    }
    shares
}

/// A number below `bound`, each equally likely, from the system's random source.
pub(super) fn draw(bound: u64) -> u64 {
    let bound = bound.max(1);
    // Above the largest multiple some numbers would be likelier.
    let fair = u64::MAX - u64::MAX % bound;
    loop {
        let number = u64::from_le_bytes(random::bytes());
        if number < fair {
            return number % bound;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_shares_differ_by_a_fen_at_most() {
        let check = |amount: u64, count: u64, expect: &[u64]| {
            assert_eq!(shares(Kind::Equal, amount, count, 20_000, &mut draw), expect);
        };
        check(10, 3, &[4, 3, 3]);
        check(3, 3, &[1, 1, 1]);
        check(9, 3, &[3, 3, 3]);
        check(7, 1, &[7]);
    }

    #[test]
    fn lucky_shares_add_up_and_stay_within_bounds() {
        for round in 0..5_000u64 {
            let (count, most) = (1 + round % 100, 1 + draw(20_000));
            let amount = count + draw(count * most - count + 1);
            let shares = shares(Kind::Lucky, amount, count, most, &mut draw);
            assert_eq!(shares.len() as u64, count);
            assert_eq!(shares.iter().sum::<u64>(), amount, "{count} {most} {amount}");
            assert!(shares.iter().all(|share| (1..=most).contains(share)), "{most} {shares:?}");
        }
    }

    #[test]
    fn a_draw_is_below_its_bound() {
        for bound in [1, 2, 3, 100, u64::MAX - 1, u64::MAX] {
            assert!((0..100).all(|_| draw(bound) < bound), "{bound}");
        }
    }

    #[test]
    fn luck_decides_between_the_least_and_the_most() {
        // The lowest and the highest of each draw.
        let unlucky = shares(Kind::Lucky, 1_000, 4, 20_000, &mut |_| 0);
        assert_eq!(unlucky.iter().sum::<u64>(), 1_000);
        assert_eq!(unlucky.iter().filter(|share| **share == 1).count(), 3);
        let highest = shares(Kind::Lucky, 1_000, 4, 20_000, &mut |bound| bound - 1);
        assert_eq!(highest.iter().sum::<u64>(), 1_000);
        assert_eq!(highest.iter().max(), Some(&500));
    }

    #[test]
    fn every_place_has_the_same_expectation() {
        let rounds = 20_000;
        let mut sums = [0u64; 4];
        for _ in 0..rounds {
            for (sum, share) in sums.iter_mut().zip(shares(Kind::Lucky, 1_000, 4, 20_000, &mut draw)) {
                *sum += share;
            }
        }
        // Expected 250 each with a deviation below 170 a round: 8 deviations of the mean are below 10.
        for sum in sums {
            assert!((240..=260).contains(&(sum / rounds)), "{sums:?}");
        }
    }
}
