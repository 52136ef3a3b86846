//! Repeatable chance: SplitMix64, so that one seed gives one city on every machine.
//!
//! Not for secrets.

/// A stream of numbers that depends on the seed alone.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice that fall the same way for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice for one part of a thing, so that changing one part leaves the others as they were.
    pub fn for_part(seed: u64, part: &str) -> Self {
        let mixed = part.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(mixed)
    }

    /// The next 64 bits. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number
    /// generators", 2014.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, or 0 when `bound` is 0. The bias is below 2^-32 for every bound used
    /// here.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.roll()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of them.
    ///
    /// # Panics
    /// When there is nothing to pick from.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        assert!(!from.is_empty(), "nothing to pick from");
        &from[self.below(from.len() as u64) as usize]
    }

    /// The place of one of the weights, each as likely as it is heavy. `None` when all are zero.
    pub fn weighted(&mut self, weights: impl Iterator<Item = u64> + Clone) -> Option<usize> {
        let total: u64 = weights.clone().sum();
        if total == 0 {
            return None;
        }
        let mut left = self.below(total);
        weights.into_iter().position(|weight| {
            if left < weight {
                return true;
            }
            left -= weight;
            false
        })
    }

    /// So many decimal digits.
    pub fn digits(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_splitmix64() {
        let mut dice = Dice::new(1_234_567);
        let expect = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(expect.map(|_| dice.roll()), expect);
    }

    #[test]
    fn every_value_of_a_range_comes_and_no_other() {
        let mut dice = Dice::new(7);
        let mut seen = [false; 6];
        for _ in 0..1_000 {
            seen[(dice.between(3, 8) - 3) as usize] = true;
        }
        assert_eq!(seen, [true; 6]);
        assert_eq!(dice.below(0), 0);
        assert_eq!(dice.between(5, 5), 5);
    }

    #[test]
    fn weights_are_followed() {
        let mut dice = Dice::new(7);
        let mut seen = [0u32; 3];
        for _ in 0..10_000 {
            seen[dice.weighted([1, 0, 3].into_iter()).unwrap()] += 1;
        }
        assert_eq!(seen[1], 0);
        assert!((2_200..2_800).contains(&seen[0]), "{seen:?}");
        assert_eq!(dice.weighted([0, 0].into_iter()), None);
    }
}
