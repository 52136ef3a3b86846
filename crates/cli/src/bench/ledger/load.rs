//! The same transfers in every run.

use jialing_engine::MAX_BATCH;
use jialing_ledger::{AccountKind, Command, Id, Leg, LegOp, NewAccount, Policy, PolicyVersion};
use jialing_platform::kind::Kind;
use jialing_sdk::bulk::{account, transfer};
use serde::{Deserialize, Serialize};

use super::Args;

/// The bank that does the work.
pub(super) const BANK: u32 = 7;
/// Money each account starts with, in fen.
const ENDOWMENT: u64 = 1_000_000_000;
/// Transfers that endow accounts have numbers from here.
const ENDOWING: u128 = 1 << 60;
/// Meters have numbers from here.
const METERS: u128 = 1 << 40;
/// Accounts with meters of their own; further ones share them.
const METERED: u64 = 10_000;
/// The policy that meters are under.
const POLICY: u32 = 1;

/// What is asked of the ledger.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Load {
    pub(super) accounts: u64,
    pub(super) batch: u64,
    pub(super) hot: bool,
    pub(super) pending: bool,
    pub(super) legs: u64,
    pub(super) meters: u64,
}

/// Which half of held transfers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    /// Plain transfers, or the holds.
    First,
    /// The posts.
    Posts,
}

impl Load {
    pub(super) const fn of(args: &Args) -> Self {
        Self {
            accounts: args.accounts,
            batch: args.batch,
            hot: args.hot,
            pending: args.pending,
            legs: args.groups,
            meters: args.meters,
        }
    }

    /// The same in the largest submissions, for what is there before measuring begins.
    pub(super) const fn filling(self) -> Self {
        Self { batch: MAX_BATCH as u64, ..self }
    }

    /// Transfers in one submission: whole groups only.
    pub(super) const fn step(self) -> u64 {
        self.batch / self.legs * self.legs
    }

    /// What comes after this half was done, if anything.
    pub(super) fn after(self, half: Half) -> Option<Half> {
        (self.pending && half == Half::First).then_some(Half::Posts)
    }

    /// Calls `each` with the groups of transfers `from` to `to`, in order.
    pub(super) fn groups(self, from: u64, to: u64, half: Half, mut each: impl FnMut(&[Leg])) {
        let mut group = Vec::with_capacity(self.legs as usize);
        let mut n = from;
        while n < to {
            group.clear();
            group.extend((n..to.min(n + self.legs)).map(|n| self.leg(n, half)));
            each(&group);
            n += self.legs;
        }
    }

    /// Transfer `n`, or its half.
    fn leg(self, n: u64, half: Half) -> Leg {
        let id = transfer(BANK, u128::from(n) << 1 | u128::from(half == Half::Posts), 0);
        let chance = splitmix(n);
        let debit = if self.hot { 0 } else { chance % self.accounts };
        let step = 1 + (chance >> 32) % (self.accounts - 1);
        let credit = (debit + step) % self.accounts;
        let amount = 1 + (chance >> 20) % 100;
        let op = match (self.pending, half) {
            (_, Half::Posts) => LegOp::Post { hold: transfer(BANK, u128::from(n) << 1, 0), amount: 0 },
            (true, Half::First) => {
                LegOp::Hold { debit: customer(debit), credit: customer(credit), amount, expires: 0 }
            }
            (false, Half::First) => LegOp::Plain { debit: customer(debit), credit: customer(credit), amount },
        };
        let first = half == Half::First;
        Leg {
            id,
            op,
            kind: Kind::Bulk as u16,
            digest: if first { [7; 24] } else { [0; 24] },
            meters: std::array::from_fn(|place| {
                let charged = first && (place as u64) < self.meters;
                if charged { meter(debit % METERED, place) } else { 0 }
            }),
        }
    }

    /// The number of transfer `n` as it was moved, and an account that it named.
    pub(super) fn made(self, n: u64) -> (Id, Id) {
        let half = if self.pending { Half::Posts } else { Half::First };
        let debit = if self.hot { 0 } else { splitmix(n) % self.accounts };
        (self.leg(n, half).id, customer(debit))
    }

    /// The commands that open the accounts and meters and give each account its endowment, some at a
    /// time.
    pub(super) fn beginning(self) -> impl Iterator<Item = Vec<Command>> {
        let issuance = account(BANK, u128::from(u64::MAX));
        let open = |id: Id, kind, min| {
            Command::OpenAccount(NewAccount { id, currency: 156, kind, holder: 1, min, max: i64::MAX })
        };
        let none = u64::MAX;
        let bounds = Policy { single: none, day: none, day_count: none, year: none, year_count: none };
        let first = vec![
            open(issuance, AccountKind::Issuance, i64::MIN / 2),
            Command::PublishPolicy(PolicyVersion { policy: POLICY, version: 1, from: 0, bounds }),
        ];
        let metered = if self.meters > 0 { self.accounts.min(METERED) } else { 0 };
        let meters = parts(metered).map(move |(from, to)| {
            let of = |n| (0..self.meters as usize).map(move |place| meter(n, place));
            (from..to).flat_map(of).map(|meter| Command::SetMeter { meter, policy: POLICY }).collect()
        });
        let opened = parts(self.accounts).map(move |(from, to)| {
            (from..to).map(|n| open(customer(n), AccountKind::Organisation, 0)).collect()
        });
        let endowed = parts(self.accounts).map(move |(from, to)| {
            let endow = |n| {
                let op = LegOp::Plain { debit: issuance, credit: customer(n), amount: ENDOWMENT };
                let id = transfer(BANK, ENDOWING | u128::from(n), 0);
                let leg = Leg { id, op, kind: Kind::Bulk as u16, digest: [0; 24], meters: [0; 4] };
                Command::Transfer(jialing_ledger::Group { legs: vec![leg] })
            };
            (from..to).map(endow).collect()
        });
        std::iter::once(first).chain(meters).chain(opened).chain(endowed)
    }
}

/// `total` in parts.
fn parts(total: u64) -> impl Iterator<Item = (u64, u64)> {
    const PART: u64 = 2000;
    (0..total.div_ceil(PART)).map(move |n| (n * PART, total.min((n + 1) * PART)))
}

fn customer(n: u64) -> Id {
    account(BANK, u128::from(n) + 1)
}

fn meter(of: u64, place: usize) -> Id {
    account(BANK, METERS | u128::from(of) << 2 | place as u128)
}

/// Sebastiano Vigna's SplitMix64: a fixed scatter of the numbers, so that runs are comparable.
const fn splitmix(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
