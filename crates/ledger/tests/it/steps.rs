//! Random steps: what may be asked of a ledger, with time jumps, retries and retries that differ.
//!
//! Amounts and targets are picked relative to the state ("what is available, and one more"), so that
//! limits are met exactly and just passed.

use jialing_ledger::*;
use proptest::prelude::*;

use crate::model::{day_of, year_of};
use crate::world::*;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Wait(Wait),
    Expire,
    /// Goes on with a ledger restored from bytes, or with the one rebuilt from records.
    Restart {
        replay: bool,
    },
    Open {
        id: Id,
        kind: usize,
        holder: u32,
        min: i64,
        max: i64,
    },
    Change(AccountChange),
    Publish {
        policy: u32,
        newer: u32,
        from: i64,
        bounds: Policy,
    },
    SetMeter {
        meter: Id,
        policy: u32,
    },
    Note(Id),
    Group(Vec<LegPick>),
    /// An earlier command again.
    Retry {
        pick: prop::sample::Index,
        twist: Twist,
    },
}

#[derive(Clone, Debug)]
pub(crate) enum Wait {
    Nanos(u64),
    Hours(u64),
    /// To this many nanoseconds before or after the next midnight at UTC+8.
    Midnight(i64),
    /// The same for the next new year.
    NewYear(i64),
    Back(u64),
}

#[derive(Clone, Debug)]
pub(crate) struct LegPick {
    pub(crate) id: IdPick,
    pub(crate) op: u8,
    pub(crate) debit: Id,
    pub(crate) credit: Id,
    pub(crate) amount: AmountPick,
    pub(crate) target: prop::sample::Index,
    pub(crate) open_target: bool,
    pub(crate) expires: Option<i64>,
    pub(crate) meters: [Id; 4],
    pub(crate) kind: u16,
}

#[derive(Clone, Debug)]
pub(crate) enum IdPick {
    Fresh,
    Used(prop::sample::Index),
    Odd(Id),
}

#[derive(Clone, Debug)]
pub(crate) enum AmountPick {
    Exactly(u64),
    /// What the debited account can spend, and so much more.
    Available(i64),
    /// What the credited account can take, and so much more.
    Room(i64),
    /// What the first named meter leaves for the day, and so much more.
    MeterDay(i64),
    /// The same for the year.
    MeterYear(i64),
    /// What the target holds, and so much more.
    Target(i64),
}

#[derive(Clone, Debug)]
pub(crate) enum Twist {
    Same,
    Kind(usize),
    Debit(usize, Id),
    Credit(usize, Id),
    Amount(usize, u64),
    Digest(usize),
    Meters(usize, Id),
    Expires(usize),
    Target(usize, Id),
    Post(usize),
    DropLast,
    DropFirst,
    AddOne,
    Swap,
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => wait().prop_map(Step::Wait),
        2 => Just(Step::Expire),
        1 => any::<bool>().prop_map(|replay| Step::Restart { replay }),
        2 => opening(),
        3 => changing(),
        1 => (1u32..5, 0u32..3, -2i64..3, bounds())
            .prop_map(|(policy, newer, from, bounds)| Step::Publish { policy, newer, from, bounds }),
        1 => (prop_oneof![4 => 0u128..6, 1 => Just(Id::MAX)], 1u32..6)
            .prop_map(|(meter, policy)| Step::SetMeter { meter, policy }),
        1 => prop_oneof![Just(0), Just(5), Just(Id::MAX)].prop_map(Step::Note),
        12 => prop::collection::vec(leg_pick(), 2..5).prop_map(Step::Group),
        20 => leg_pick().prop_map(|leg| Step::Group(vec![leg])),
        1 => prop_oneof![Just(0usize), Just(8), Just(9)]
            .prop_flat_map(|n| prop::collection::vec(leg_pick(), n)).prop_map(Step::Group),
        5 => (any::<prop::sample::Index>(), twist()).prop_map(|(pick, twist)| Step::Retry { pick, twist }),
    ]
}

fn wait() -> impl Strategy<Value = Wait> {
    prop_oneof![
        4 => (0u64..20 * SECOND).prop_map(Wait::Nanos),
        2 => (1u64..30).prop_map(Wait::Hours),
        2 => (-1i64..2).prop_map(Wait::Midnight),
        1 => (-1i64..2).prop_map(Wait::NewYear),
        1 => (0u64..2 * DAY).prop_map(Wait::Back),
    ]
}

fn limit() -> impl Strategy<Value = i64> {
    prop_oneof![4 => -50i64..800, 3 => Just(i64::MAX), 1 => Just(i64::MIN), 2 => Just(0)]
}

fn opening() -> impl Strategy<Value = Step> {
    let id = prop_oneof![2 => 1u128..10, 8 => 10u128..13, 1 => Just(0), 1 => Just(Id::MAX)];
    let min = prop_oneof![4 => Just(0), 1 => limit()];
    (id, 0usize..5, 1u32..3, min, limit()).prop_map(|(id, kind, holder, min, max)| Step::Open {
        id,
        kind,
        holder,
        min,
        max,
    })
}

fn changing() -> impl Strategy<Value = Step> {
    let id = prop_oneof![4 => 1u128..13, 8 => 9u128..13, 1 => Just(0)];
    let freeze = prop::option::weighted(
        0.5,
        (prop::bool::weighted(0.2), prop::bool::weighted(0.2))
            .prop_map(|(debit, credit)| Freeze { debit, credit }),
    );
    let limits = (prop::option::weighted(0.3, limit()), prop::option::weighted(0.3, limit()));
    (id, limits, freeze, prop::bool::weighted(0.3)).prop_map(|(id, (min, max), freeze, close)| {
        Step::Change(AccountChange { id, min, max, freeze, close })
    })
}

fn bounds() -> impl Strategy<Value = Policy> {
    let amount = || prop_oneof![1 => 0u64..400, 2 => Just(u64::MAX)];
    let count = || prop_oneof![1 => 0u64..5, 2 => Just(u64::MAX)];
    (amount(), amount(), count(), amount(), count()).prop_map(|(single, day, day_count, year, year_count)| {
        Policy { single, day, day_count, year, year_count }
    })
}

/// From and to: mostly two that can pay each other, else any two.
fn accounts() -> impl Strategy<Value = (Id, Id)> {
    let pairs = vec![
        (1, 2),
        (2, 1),
        (2, 3),
        (2, 4),
        (3, 4),
        (3, 5),
        (4, 5),
        (5, 2),
        (5, 4),
        (6, 7),
        (7, 6),
        (8, 9),
        (9, 8),
    ];
    prop_oneof![12 => prop::sample::select(pairs), 1 => (1u128..13, 1u128..13)]
}

fn leg_pick() -> impl Strategy<Value = LegPick> {
    let id = prop_oneof![
        60 => Just(IdPick::Fresh),
        3 => any::<prop::sample::Index>().prop_map(IdPick::Used),
        1 => prop_oneof![Just(0), Just(1 << 126), Just((1 << 126) - 1), Just(1 << 127), Just(Id::MAX)]
            .prop_map(IdPick::Odd),
    ];
    let edge = || -1i64..2;
    let amount = prop_oneof![
        1 => Just(AmountPick::Exactly(0)),
        14 => (1u64..70).prop_map(AmountPick::Exactly),
        1 => prop_oneof![Just(MAX_AMOUNT), Just(MAX_AMOUNT + 1), Just(u64::MAX)].prop_map(AmountPick::Exactly),
        2 => edge().prop_map(AmountPick::Available),
        1 => edge().prop_map(AmountPick::Room),
        2 => edge().prop_map(AmountPick::MeterDay),
        1 => edge().prop_map(AmountPick::MeterYear),
        6 => (-30i64..2).prop_map(AmountPick::Target),
    ];
    let expires = prop_oneof![
        3 => Just(None),
        1 => (-1i64..2).prop_map(Some),
        4 => (1i64..3).prop_map(|n| Some(n * 10 * SECOND as i64)),
        2 => (1i64..40).prop_map(|n| Some(n * 3_600 * SECOND as i64)),
    ];
    let named = prop_oneof![12 => 1u128..3, 2 => Just(3), 1 => Just(4)];
    let meters = prop_oneof![
        7 => Just([0; 4]),
        4 => named.clone().prop_map(|a| [a, 0, 0, 0]),
        2 => (named.clone(), named).prop_map(|(a, b)| [0, a, 0, b]),
    ];
    let target = (any::<prop::sample::Index>(), prop::bool::weighted(0.95));
    (id, 0u8..12, accounts(), amount, target, expires, meters, 7u16..9).prop_map(
        |(id, op, (debit, credit), amount, (target, open_target), expires, meters, kind)| LegPick {
            id,
            op,
            debit,
            credit,
            amount,
            target,
            open_target,
            expires,
            meters,
            kind,
        },
    )
}

fn twist() -> impl Strategy<Value = Twist> {
    let leg = || 0usize..4;
    prop_oneof![
        8 => Just(Twist::Same),
        1 => leg().prop_map(Twist::Kind),
        1 => (leg(), 1u128..6).prop_map(|(leg, id)| Twist::Debit(leg, id)),
        1 => (leg(), 1u128..6).prop_map(|(leg, id)| Twist::Credit(leg, id)),
        1 => (leg(), 0u64..200).prop_map(|(leg, amount)| Twist::Amount(leg, amount)),
        1 => leg().prop_map(Twist::Digest),
        1 => (leg(), 0u128..4).prop_map(|(leg, id)| Twist::Meters(leg, id)),
        1 => leg().prop_map(Twist::Expires),
        1 => (leg(), 1u128..60).prop_map(|(leg, id)| Twist::Target(leg, id)),
        1 => leg().prop_map(Twist::Post),
        1 => Just(Twist::DropLast),
        1 => Just(Twist::DropFirst),
        1 => Just(Twist::AddOne),
        1 => Just(Twist::Swap),
    ]
}

pub(crate) fn later(now: Nanos, wait: &Wait) -> Nanos {
    let offset = 8 * 3_600 * SECOND;
    let midnight = (day_of(now) + 1) * DAY - offset;
    match *wait {
        Wait::Nanos(nanos) => now + nanos,
        Wait::Hours(hours) => now + hours * 3_600 * SECOND,
        Wait::Midnight(more) => midnight.saturating_add_signed(more).max(now),
        Wait::NewYear(more) => {
            let year = year_of(now);
            let days = (0..).map(|n| midnight + n * DAY).find(|&at| year_of(at) > year);
            days.expect("a new year comes").saturating_add_signed(more)
        }
        Wait::Back(nanos) => now.saturating_sub(nanos),
    }
}

pub(crate) fn twisted(mut cmd: Command, twist: &Twist, fresh: Id) -> Command {
    let Command::Transfer(group) = &mut cmd else { return cmd };
    let legs = &mut group.legs;
    if legs.is_empty() {
        return cmd;
    }
    let last = legs.len() - 1;
    let at = |index: &usize| (*index).min(last);
    match twist {
        Twist::Same => {}
        Twist::Kind(index) => legs[at(index)].kind ^= 1,
        Twist::Digest(index) => legs[at(index)].digest[23] ^= 1,
        Twist::Meters(index, meter) => legs[at(index)].meters[0] = *meter,
        Twist::Debit(index, to) | Twist::Credit(index, to) => match &mut legs[at(index)].op {
            LegOp::Plain { debit, credit, .. } | LegOp::Hold { debit, credit, .. } => {
                *(if matches!(twist, Twist::Debit(..)) { debit } else { credit }) = *to;
            }
            _ => {}
        },
        Twist::Amount(index, to) => match &mut legs[at(index)].op {
            LegOp::Plain { amount, .. } | LegOp::Hold { amount, .. } | LegOp::Post { amount, .. } => {
                *amount = *to
            }
            _ => {}
        },
        Twist::Expires(index) => {
            if let LegOp::Hold { expires, .. } = &mut legs[at(index)].op {
                *expires += SECOND;
            }
        }
        Twist::Target(index, to) => match &mut legs[at(index)].op {
            LegOp::Post { hold, .. } | LegOp::Void { hold } => *hold = *to,
            LegOp::Reverse { transfer } => *transfer = *to,
            _ => {}
        },
        Twist::Post(index) => legs[at(index)].op = LegOp::Post { hold: fresh, amount: 0 },
        Twist::DropLast => legs.truncate(last),
        Twist::DropFirst => {
            legs.remove(0);
        }
        Twist::AddOne => legs.push(plain(fresh, 2, 4, 1)),
        Twist::Swap => legs.swap(0, last),
    }
    cmd
}
