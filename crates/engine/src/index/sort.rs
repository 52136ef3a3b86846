//! The order of many keys, cheaply: by 32 of their bits first, three counted passes, and by the rest
//! only where those are equal.
//!
//! The 32 bits begin where the keys first differ, so numbers that share a prefix (times, small
//! numbers) are told apart as well as random ones. Equal keys keep their order.

use jialing_ledger::Id;

/// Bits looked at in one pass.
const PASS: u32 = 11;

/// The places 0 to `count` less one in the order of their keys; equal keys by place.
pub(super) fn order(count: u32, key: impl Fn(u32) -> Id) -> Vec<u32> {
    if count == 0 {
        return Vec::new();
    }
    let first = key(0);
    let differ = (1..count).fold(0, |differ, place| differ | (key(place) ^ first));
    let shift = (Id::BITS - differ.leading_zeros()).saturating_sub(32);
    let mut items: Vec<u64> =
        (0..count).map(|place| u64::from((key(place) >> shift) as u32) << 32 | u64::from(place)).collect();
    // Ids led by a time come nearly so, and often just so.
    if !items.is_sorted() {
        let mut other = vec![0; items.len()];
        for pass in 0..3 {
            count_sort(&items, &mut other, 32 + pass * PASS);
            std::mem::swap(&mut items, &mut other);
        }
    }
    let mut places: Vec<u32> = items.iter().map(|&item| item as u32).collect();
    if shift > 0 {
        let mut from = 0;
        for group in items.chunk_by(|a, b| a >> 32 == b >> 32) {
            let group = &mut places[from..from + group.len()];
            from += group.len();
            // One account in every transfer is one long group that is in order already.
            if !group.is_sorted_by_key(|&place| key(place)) {
                group.sort_by_key(|&place| key(place));
            }
        }
    }
    places
}

/// Copies `items` to `sorted` in the order of the bits from `from` on; equal ones keep their order.
fn count_sort(items: &[u64], sorted: &mut [u64], from: u32) {
    let bits = |item: u64| (item >> from) as usize & ((1 << PASS) - 1);
    let mut next = [0u32; 1 << PASS];
    for &item in items {
        next[bits(item)] += 1;
    }
    let mut sum = 0;
    for next in &mut next {
        sum += std::mem::replace(next, sum);
    }
    for &item in items {
        let next = &mut next[bits(item)];
        sorted[*next as usize] = item;
        *next += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_every_shape_come_in_order() {
        let check = |name: &str, keys: Vec<Id>| {
            let mut expected: Vec<u32> = (0..keys.len() as u32).collect();
            expected.sort_by_key(|&place| keys[place as usize]);
            assert_eq!(order(keys.len() as u32, |place| keys[place as usize]), expected, "{name}");
        };
        let scattered = |n: Id| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        check("none", Vec::new());
        check("one", vec![7]);
        check("in order", (0..3000).map(|n| n << 60).collect());
        check("equal", vec![7; 3000]);
        check("small", (0..3000).map(|n| scattered(n) % 500).collect());
        check("wide", (0..3000).map(scattered).collect());
        check("high", (0..3000).map(|n| scattered(n) << 90).collect());
        check("times", (0..3000).map(|n| ((n / 50) << 80) | (scattered(n) >> 60)).collect());
        check(
            "a long common part",
            (0..3000).map(|n| (1 << 127) | ((scattered(n) % 40) << 60) | (scattered(n) % 9)).collect(),
        );
        check("two apart", vec![1 << 127, 0, 1 << 127 | 5, 5, 3, 1 << 127 | 3]);
    }
}
