//! Balance and meter arithmetic at every combination of edges, against the same in 128 bits.
//!
//! A state is put together byte by byte as a snapshot, so that sums near the end of 64 bits cost
//! nothing to reach; then one command is put to it. What the page says is written here once more, in
//! integers that cannot overflow.

use jialing_ledger::*;

use crate::world::*;

const MOST: i128 = i64::MAX as i128;
const NOW: Nanos = NEW_YEAR;

/// Two accounts of one book, one of them issuance, and at most one hold between them.
#[derive(Clone, Copy, Debug)]
struct Pair {
    /// Left the first (issuance) and arrived at the second, and the other way round.
    out: u64,
    back: u64,
    /// Limits of the first and of the second.
    min: [i64; 2],
    max: [i64; 2],
    /// Set aside from the first for the second, 0 for none.
    held: u64,
}

impl Pair {
    fn balance(&self, place: usize) -> i128 {
        let first = i128::from(self.back) - i128::from(self.out);
        if place == 0 { first } else { -first }
    }

    /// The bytes of that state, with limits changed since the accounts were opened.
    fn snapshot(&self) -> Vec<u8> {
        let mut bytes = b"JLLEDGER".to_vec();
        let mut put = |field: &[u8]| bytes.extend_from_slice(field);
        put(&1u32.to_le_bytes());
        put(&100u64.to_le_bytes());
        put(&NOW.to_le_bytes());
        put(&2u64.to_le_bytes());
        let sums = [[self.out, self.back, self.held, 0], [self.back, self.out, 0, self.held]];
        for (place, kind) in [AccountKind::Issuance, AccountKind::Personal].into_iter().enumerate() {
            put(&(place as u128 + 1).to_le_bytes());
            put(&CNY.to_le_bytes());
            put(&CENTRAL.to_le_bytes());
            put(&[kind as u8, 0]);
            sums[place].iter().for_each(|sum| put(&sum.to_le_bytes()));
            put(&self.min[place].to_le_bytes());
            put(&self.max[place].to_le_bytes());
            put(&0i64.to_le_bytes());
            put(&i64::MAX.to_le_bytes());
            // Opened by record 0 or 1, changed by record 2 or 3.
            put(&(place as u64).to_le_bytes());
            put(&(place as u64 + 2).to_le_bytes());
        }
        put(&0u64.to_le_bytes());
        put(&0u64.to_le_bytes());
        put(&u64::from(self.held > 0).to_le_bytes());
        if self.held > 0 {
            put(&50u128.to_le_bytes());
            put(&0u32.to_le_bytes());
            put(&1u32.to_le_bytes());
            put(&self.held.to_le_bytes());
            put(&0u64.to_le_bytes());
            put(&NOW.to_le_bytes());
            put(&7u16.to_le_bytes());
            put(&[0xff; 16]);
        }
        bytes
    }

    /// Why a movement between the two may not be, by the rules alone.
    fn forbids(&self, from: usize, amount: u64, op: Op) -> Option<Why> {
        let to = 1 - from;
        let wide = i128::from(amount);
        let posts = op == Op::Post;
        let (held_out, held_in) = match (from, posts) {
            (_, true) => (0, 0),
            (0, false) => (i128::from(self.held), i128::from(self.held)),
            _ => (0, 0),
        };
        if self.balance(from) - held_out - wide < i128::from(self.min[from]) {
            return Some(Why::BalanceTooLow);
        }
        if self.balance(to) + held_in + wide > i128::from(self.max[to]) {
            return Some(Why::BalanceTooHigh);
        }
        if posts {
            return None;
        }
        let left = i128::from(if from == 0 { self.out } else { self.back });
        let sums = left + held_out + wide > MOST;
        let totals = match op {
            Op::Hold => i128::from(self.held) + wide > MOST,
            _ => from == 0 && i128::from(self.out) + wide > MOST,
        };
        (sums || totals).then_some(Why::Overflow)
    }
}

fn edges() -> Vec<Pair> {
    let big = i64::MAX as u64;
    let sums = [0, 1, 1_000, MAX_AMOUNT, 1 << 62, big - 1, big];
    let mins = [[i64::MIN, 0], [-1_000, 0], [0, 0], [-1, 1], [i64::MIN + 1, 5]];
    let maxs = [[i64::MAX, i64::MAX], [0, 1_000], [1_000, 999], [i64::MAX - 1, i64::MAX - 1]];
    let helds = [0, 1, 999, MAX_AMOUNT];
    let mut all = Vec::new();
    for (out, back) in sums.iter().flat_map(|&out| sums.iter().map(move |&back| (out, back))) {
        for (min, max) in mins.iter().flat_map(|&min| maxs.iter().map(move |&max| (min, max))) {
            all.extend(helds.iter().map(|&held| Pair { out, back, min, max, held }));
        }
    }
    all
}

/// Restores the state and puts one leg to it.
fn put(pair: &Pair, leg: Leg) -> Option<Result<Transfer, Refusal>> {
    let mut ledger = Ledger::restore(&pair.snapshot()).ok()?;
    let mut out = Vec::new();
    let mut prior = Remembered::new();
    if pair.held > 0 {
        let held = Transfer {
            id: 50,
            op: Op::Hold,
            kind: 7,
            debit: 1,
            credit: 2,
            amount: pair.held,
            debit_balance: 0,
            credit_balance: 0,
            link: [9; 24],
            leg: 0,
            legs: 1,
            has_terms: false,
        };
        prior.remember(&Record { seq: 60, time: NOW, body: Body::Transfer(held) });
    }
    let applied = ledger.apply(&one(leg), NOW, &prior, &mut out);
    assert_eq!(ledger.audit(), Ok(()), "{pair:?} after {leg:?}");
    let mut replayed = Ledger::restore(&pair.snapshot()).ok()?;
    for record in &out {
        replayed.replay(record).unwrap_or_else(|error| panic!("{pair:?}, {leg:?}: {error}"));
    }
    assert_eq!(replayed.snapshot(), ledger.snapshot(), "{pair:?} after {leg:?}");
    Some(applied.map(|_| match out.last().map(|record| record.body) {
        Some(Body::Transfer(transfer)) => transfer,
        other => panic!("{other:?} was written"),
    }))
}

#[test]
fn balances_at_every_edge_are_those_of_wide_arithmetic() {
    let amounts = [1, 2, 998, 999, 1_000, MAX_AMOUNT - 1, MAX_AMOUNT];
    let (mut sound, mut done, mut refused) = (0u32, 0u32, 0u32);
    for pair in edges() {
        if Ledger::restore(&pair.snapshot()).is_err() {
            // Not a state that any log leads to: below zero, or sums out of range.
            let below_zero = pair.balance(1) < 0;
            let too_much =
                [pair.out, pair.back].iter().any(|&sum| i128::from(sum) + i128::from(pair.held) > MOST);
            assert!(below_zero || too_much, "{pair:?} is refused");
            continue;
        }
        sound += 1;
        for (from, op) in [(0, Op::Plain), (1, Op::Plain), (0, Op::Hold), (1, Op::Hold), (0, Op::Post)] {
            for amount in amounts {
                if op == Op::Post && (pair.held == 0 || amount > pair.held) {
                    continue;
                }
                let (debit, credit) = if from == 0 { (1, 2) } else { (2, 1) };
                let leg = match op {
                    Op::Plain => plain(70, debit, credit, amount),
                    Op::Hold => hold(70, debit, credit, amount, 0),
                    _ => post(70, 50, amount),
                };
                let said = put(&pair, leg).expect("the state is sound");
                match (said, pair.forbids(from, amount, op)) {
                    (Ok(transfer), None) => {
                        done += 1;
                        let moved = if op == Op::Hold { 0 } else { i128::from(amount) };
                        let after = [pair.balance(from) - moved, pair.balance(1 - from) + moved];
                        let recorded = [transfer.debit_balance, transfer.credit_balance].map(i128::from);
                        assert_eq!(recorded, after, "{pair:?} after {leg:?}");
                    }
                    (Err(refusal), Some(why)) => {
                        refused += 1;
                        assert_eq!(refusal.why, why, "{pair:?}, {leg:?}");
                    }
                    (said, rules) => panic!("{pair:?}, {leg:?}: {said:?}, the rules say {rules:?}"),
                }
            }
        }
    }
    assert!(sound > 500 && done > 4_000 && refused > 4_000, "{sound} states, {done} done, {refused} refused");
}

#[test]
fn what_is_available_is_never_more_than_wide_arithmetic_says() {
    let edges = [0, 1, 1 << 62, i64::MAX as u64 - 1, i64::MAX as u64];
    let limits = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX];
    let mut checked = 0;
    for (debits, credits) in edges.iter().flat_map(|&a| edges.iter().map(move |&b| (a, b))) {
        for (debits_held, min) in edges.iter().flat_map(|&held| limits.iter().map(move |&min| (held, min))) {
            if debits.checked_add(debits_held).is_none_or(|sum| sum > i64::MAX as u64) {
                continue;
            }
            let account = Account {
                id: 1,
                currency: CNY,
                kind: AccountKind::Issuance,
                holder: CENTRAL,
                debits,
                credits,
                debits_held,
                credits_held: 0,
                min,
                max: i64::MAX,
                freeze: Freeze::default(),
                closed: false,
            };
            let balance = i128::from(credits) - i128::from(debits);
            assert_eq!(i128::from(account.balance()), balance);
            let exact = balance - i128::from(debits_held) - i128::from(min);
            let shown = i128::from(account.available());
            assert_eq!(shown, exact.clamp(i128::from(i64::MIN), MOST), "{account:?}");
            checked += 1;
        }
    }
    assert!(checked > 300);
}

/// The day and the year at UTC+8, by counting.
fn civil(at: Nanos) -> (u32, u16) {
    let day = (u128::from(at) / 1_000_000_000 + 28_800) / 86_400;
    let (mut left, mut year) = (day, 1970u16);
    loop {
        let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        let length = if leap { 366 } else { 365 };
        if left < length {
            return (day as u32, year);
        }
        (left, year) = (left - length, year + 1);
    }
}

#[test]
fn a_meter_at_every_edge_answers_as_wide_arithmetic_does() {
    let figures = [0, 1, 99, 100, u64::MAX - 1, u64::MAX];
    let bounds = [0, 1, 100, u64::MAX - 1, u64::MAX];
    let amounts = [1, 2, 100, MAX_AMOUNT];
    // The same moment; the day before; the year before.
    let set = [NOW, NOW - 1, NOW - 400 * DAY];
    let mut reasons = std::collections::BTreeSet::new();
    for (sum, times) in figures.iter().flat_map(|&a| figures.iter().map(move |&b| (a, b))) {
        for (amount_bound, count_bound) in bounds.iter().flat_map(|&a| bounds.iter().map(move |&b| (a, b))) {
            for (amount, made) in amounts.iter().flat_map(|&a| set.iter().map(move |&at| (a, at))) {
                let (day, year) = civil(made);
                let meter = Meter {
                    id: 1,
                    policy: 1,
                    day,
                    year,
                    day_amount: sum,
                    day_count: times,
                    year_amount: sum,
                    year_count: times,
                };
                for which in 0..5 {
                    let mut policy = Policy::UNBOUNDED;
                    let (field, passed, more, bound, why) = match which {
                        0 => (&mut policy.single, 0, amount, amount_bound, Why::OverSingleLimit),
                        1 => (&mut policy.day, sum, amount, amount_bound, Why::OverDayLimit),
                        2 => (&mut policy.day_count, times, 1, count_bound, Why::OverDayCount),
                        3 => (&mut policy.year, sum, amount, amount_bound, Why::OverYearLimit),
                        _ => (&mut policy.year_count, times, 1, count_bound, Why::OverYearCount),
                    };
                    *field = bound;
                    let expected = wanted(&meter, which, (passed, more, bound, why), (sum, times, amount));
                    let said = meter.refusal(&policy, amount, NOW);
                    assert_eq!(said, expected, "{meter:?} under {policy:?}, {amount}");
                    reasons.extend(said.map(Why::number));
                }
            }
        }
    }
    assert_eq!(reasons.len(), 6, "five limits and the counters' end: {reasons:?}");
}

/// The lowest reason, in integers that do not end.
fn wanted(
    meter: &Meter,
    which: usize,
    (passed, more, bound, why): (u64, u64, u64, Why),
    (sum, times, amount): (u64, u64, u64),
) -> Option<Why> {
    let (day, year) = civil(NOW);
    let runs = [true, meter.day == day, meter.day == day, meter.year == year, meter.year == year];
    let wide =
        |passed: u64, more: u64, runs: bool| if runs { i128::from(passed) } else { 0 } + i128::from(more);
    let most = i128::from(u64::MAX);
    let full = [(sum, amount, runs[1]), (times, 1, runs[2]), (sum, amount, runs[3]), (times, 1, runs[4])];
    let overflows = full.into_iter().any(|(passed, more, runs)| wide(passed, more, runs) > most);
    let over = wide(passed, more, runs[which]) > i128::from(bound);
    let limit = (over && bound != u64::MAX).then_some(why);
    [limit, overflows.then_some(Why::Overflow)].into_iter().flatten().min()
}

/// Midnights and new years, each a moment before and at it: charging, rolling and giving back.
#[test]
fn a_meter_at_every_boundary_of_days_and_years_counts_what_passed() {
    let mut moments = Vec::new();
    for year in [1970u16, 1971, 1999, 2000, 2001, 2024, 2026, 2100, 2400, 2553] {
        let first =
            (0..).map(|day| day * DAY).find(|&at| civil(at).1 == year).expect("every year has a first day");
        // The calendar's day begins eight hours before the one of the clock.
        let midnight = first.saturating_sub(8 * 3_600 * SECOND);
        moments.extend([midnight, midnight + DAY, midnight + 59 * DAY, midnight + 364 * DAY]);
    }
    moments.sort_unstable();
    let mut checked = 0;
    for &edge in &moments {
        for at in [edge.saturating_sub(1), edge, edge + 1] {
            let (day, year) = civil(at);
            assert_eq!((calendar::day(at), calendar::year(at)), (day, year), "at {at}");
            for made in [at.saturating_sub(1), at.saturating_sub(DAY), at.saturating_sub(366 * DAY)] {
                let (then_day, then_year) = civil(made);
                let meter = Meter {
                    id: 1,
                    policy: 1,
                    day: then_day,
                    year: then_year,
                    day_amount: 5,
                    day_count: 1,
                    year_amount: 9,
                    year_count: 2,
                };
                let rolled = meter.rolled(at);
                let of_day = if then_day == day { [5, 1] } else { [0, 0] };
                let of_year = if then_year == year { [9, 2] } else { [0, 0] };
                assert_eq!([rolled.day_amount, rolled.day_count], of_day, "{made} at {at}");
                assert_eq!([rolled.year_amount, rolled.year_count], of_year, "{made} at {at}");
                assert_eq!((rolled.day, rolled.year), (day, year));
                checked += 1;
            }
        }
    }
    assert!(checked > 300);
}

#[test]
fn the_largest_amount_is_the_least_of_the_bounds_and_none_when_either_count_is_used_up() {
    let amounts = [0, 1, 300, u64::MAX];
    for single in amounts {
        for day in amounts {
            for year in amounts {
                for (day_count, year_count) in [(0, 0), (0, 1), (1, 0), (1, 1), (u64::MAX, u64::MAX)] {
                    let (meter, version) = (Meter::new(1, 1), None);
                    let left = Allowance { meter, version, single, day, day_count, year, year_count };
                    let used_up = [day_count, year_count].contains(&0);
                    let least = [single, day, year].into_iter().min().unwrap_or_default();
                    assert_eq!(left.largest(), if used_up { 0 } else { least }, "{left:?}");
                }
            }
        }
    }
}
