//! The rhythm of a day: how much happens when, and what.

use jiff::civil::{DateTime, Weekday};

use super::City;
use super::dice::Dice;
use super::shops::{Basket, ShopKind};

/// Something that happens in the city.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Somebody buys something.
    Pay {
        /// Place of the payer in the city's people.
        payer: usize,
        /// Place of the shop.
        shop: usize,
        /// What is bought.
        basket: Basket,
    },
    /// Somebody sends money to somebody else.
    Transfer {
        /// Place of the sender.
        from: usize,
        /// Place of the receiver, who is somebody else.
        to: usize,
        /// In fen.
        amount: u64,
        /// For the receiver.
        memo: &'static str,
        /// The same in English.
        memo_en: &'static str,
    },
    /// Somebody tops their wallet up.
    TopUp {
        /// Place of the person.
        person: usize,
        /// In fen.
        amount: u64,
    },
    /// Somebody takes money back to their bank.
    Withdraw {
        /// Place of the person.
        person: usize,
        /// In fen.
        amount: u64,
    },
    /// A shop gives back a part of one of its latest payments.
    Refund {
        /// Place of the shop.
        shop: usize,
        /// How much of the payment, 1 to 100.
        percent: u64,
    },
}

const MEMOS: [(&str, &str); 8] = [
    ("火锅 AA", "splitting the hotpot"),
    ("房租", "rent"),
    ("生日快乐", "happy birthday"),
    ("车费", "fare"),
    ("帮我带碗小面", "bring me noodles"),
    ("水电费", "utilities"),
    ("谢谢", "thank you"),
    ("麻将", "mahjong"),
];

/// Of a hundred errands, how many are what.
const MIX: [(u64, Kind); 5] =
    [(82, Kind::Pay), (9, Kind::Transfer), (5, Kind::TopUp), (1, Kind::Withdraw), (3, Kind::Refund)];

#[derive(Clone, Copy)]
enum Kind {
    Pay,
    Transfer,
    TopUp,
    Withdraw,
    Refund,
}

impl City {
    /// How lively the city is at a local time, in percent of its average over a week. Weekends and
    /// evenings are livelier; nobody is out at four in the morning, almost.
    pub fn liveliness(&self, at: DateTime) -> u64 {
        let at_hour =
            |hour: i8| -> u64 { self.shops.iter().map(|shop| shop.kind.busyness(hour.unsigned_abs())).sum() };
        let average: u64 = (0..24).map(at_hour).sum::<u64>().max(1) / 24;
        // Between two full hours the city changes gradually.
        let (hour, minute) = (at.hour(), at.minute().unsigned_abs());
        let mixed = at_hour(hour) * u64::from(60 - minute) + at_hour((hour + 1) % 24) * u64::from(minute);
        let weekend = matches!(at.weekday(), Weekday::Saturday | Weekday::Sunday);
        let day_percent = if weekend { 120 } else { 92 };
        (mixed * day_percent / 60 / average.max(1)).max(2)
    }

    /// How long until the next errand, in milliseconds, when `per_hour` happen in an average hour.
    ///
    /// Errands come independently of one another, so the gaps are exponential. At most an hour.
    pub fn gap_ms(&self, dice: &mut Dice, per_hour: u64, at: DateTime) -> u64 {
        let rate = (per_hour.max(1) * self.liveliness(at)).max(1) as f64 / 100.0;
        // In (0, 1]: the logarithm is finite.
        let share = (dice.roll() >> 11) as f64 / (1u64 << 53) as f64;
        let gap = -(1.0 - share).ln() * 3_600_000.0 / rate;
        (gap as u64).clamp(1, 3_600_000)
    }

    /// What happens next at a local time.
    ///
    /// # Panics
    /// When the city has fewer than two people or no shop.
    pub fn errand(&self, dice: &mut Dice, at: DateTime) -> Errand {
        let kind = dice.weighted(MIX.iter().map(|(weight, _)| *weight)).map_or(Kind::Pay, |at| MIX[at].1);
        let person = self.somebody(dice);
        match kind {
            Kind::Pay => self.pay(dice, person, at),
            Kind::Transfer => {
                let other = dice.below(self.people.len() as u64 - 1) as usize;
                let (memo, memo_en) = *dice.pick(&MEMOS);
                Errand::Transfer {
                    from: person,
                    to: if other >= person { other + 1 } else { other },
                    amount: dice.between(5, 200) * 100,
                    memo,
                    memo_en,
                }
            }
            Kind::TopUp => {
                Errand::TopUp { person, amount: *dice.pick(&[10_000, 20_000, 30_000, 50_000, 100_000]) }
            }
            Kind::Withdraw => Errand::Withdraw { person, amount: *dice.pick(&[5_000, 10_000, 20_000]) },
            Kind::Refund => Errand::Refund {
                shop: self.some_shop(dice, person, at),
                percent: *dice.pick(&[100, 100, 50, 30]),
            },
        }
    }

    fn pay(&self, dice: &mut Dice, payer: usize, at: DateTime) -> Errand {
        let shop = self.some_shop(dice, payer, at);
        Errand::Pay { payer, shop, basket: self.shops[shop].basket(dice) }
    }

    /// Somebody, the lively ones more often.
    fn somebody(&self, dice: &mut Dice) -> usize {
        dice.weighted(self.people.iter().map(|person| person.liveliness)).expect("a city has people")
    }

    /// A shop that is open, rather near home; any shop when all are closed.
    fn some_shop(&self, dice: &mut Dice, person: usize, at: DateTime) -> usize {
        let home = self.people[person].district;
        let hour = at.hour().unsigned_abs();
        let weights = self.shops.iter().map(|shop| {
            let near = if shop.district == home { 3 } else { 1 };
            shop.kind.busyness(hour) * near
        });
        dice.weighted(weights).unwrap_or_else(|| dice.below(self.shops.len() as u64) as usize)
    }
}

/// Whether any shop of this kind is open in the hour.
pub fn is_open(kind: ShopKind, hour: u8) -> bool {
    kind.busyness(hour) > 0
}
