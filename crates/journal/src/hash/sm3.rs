//! SM3 (GB/T 32905) in lanes.

use sm3::Digest;

use super::Hash;
use super::block::{Blocks, Function, LANES, States};

/// SM3.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sm3;

/// `T_j <<< j`: 79cc4519 in the first sixteen rounds, 7a879d8a in the others, turned by the round.
const ROUND: [u32; 64] = {
    let mut turned = [0; 64];
    let mut round = 0;
    while round < 64 {
        let constant: u32 = if round < 16 { 0x79cc_4519 } else { 0x7a87_9d8a };
        turned[round] = constant.rotate_left(round as u32 % 32);
        round += 1;
    }
    turned
};

#[inline(always)]
const fn parity(x: u32, y: u32, z: u32) -> u32 {
    x ^ y ^ z
}

#[inline(always)]
const fn majority(x: u32, y: u32, z: u32) -> u32 {
    (x & y) | (z & (x | y))
}

#[inline(always)]
const fn choice(x: u32, y: u32, z: u32) -> u32 {
    z ^ (x & (y ^ z))
}

/// One round for every lane, with the functions FF and GG; `$words` gives words j and j + 4.
macro_rules! round {
    ($k:expr, $ff:ident, $gg:ident, $words:expr, $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident) => {
        for lane in 0..LANES {
            let (word, later) = $words(lane);
            let (a, e) = ($a[lane], $e[lane]);
            let turned = a.rotate_left(12);
            let first = turned.wrapping_add(e).wrapping_add($k).rotate_left(7);
            let left = $ff(a, $b[lane], $c[lane])
                .wrapping_add($d[lane])
                .wrapping_add(first ^ turned)
                .wrapping_add(word ^ later);
            let right =
                $gg(e, $f[lane], $g[lane]).wrapping_add($h[lane]).wrapping_add(first).wrapping_add(word);
            $b[lane] = $b[lane].rotate_left(9);
            $d[lane] = left;
            $f[lane] = $f[lane].rotate_left(19);
            $h[lane] = right ^ right.rotate_left(9) ^ right.rotate_left(17);
        }
    };
}

/// Four rounds, after which every word of the state has its own place again.
macro_rules! four {
    ($from:expr, $ff:ident, $gg:ident, $words:ident, $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident) => {
        round!(ROUND[$from], $ff, $gg, |lane: usize| $words!($from, lane), $a, $b, $c, $d, $e, $f, $g, $h);
        round!(ROUND[$from + 1], $ff, $gg, |lane: usize| $words!($from + 1, lane), $d, $a, $b, $c, $h, $e, $f, $g);
        round!(ROUND[$from + 2], $ff, $gg, |lane: usize| $words!($from + 2, lane), $c, $d, $a, $b, $g, $h, $e, $f);
        round!(ROUND[$from + 3], $ff, $gg, |lane: usize| $words!($from + 3, lane), $b, $c, $d, $a, $f, $g, $h, $e);
    };
}

impl Function for Sm3 {
    const START: [u32; 8] = [
        0x7380_166f,
        0x4914_b2b9,
        0x1724_42d7,
        0xda8a_0600,
        0xa96f_30bc,
        0x1631_38aa,
        0xe38d_ee4d,
        0xb0fb_0e4e,
    ];

    #[inline(always)]
    fn compress(states: &mut States, blocks: &mut Blocks) {
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *states;
        macro_rules! given {
            ($at:expr, $lane:ident) => {
                (blocks[$at][$lane], blocks[$at + 4][$lane])
            };
        }
        // Word j + 4 is made in round j; it takes the place of word j - 12, which is needed no more.
        macro_rules! made {
            ($at:expr, $lane:ident) => {{
                let at = $at + 4;
                let mixed = blocks[at % 16][$lane]
                    ^ blocks[(at + 7) % 16][$lane]
                    ^ blocks[(at + 13) % 16][$lane].rotate_left(15);
                let later = mixed
                    ^ mixed.rotate_left(15)
                    ^ mixed.rotate_left(23)
                    ^ blocks[(at + 3) % 16][$lane].rotate_left(7)
                    ^ blocks[(at + 10) % 16][$lane];
                blocks[at % 16][$lane] = later;
                (blocks[$at % 16][$lane], later)
            }};
        }
        four!(0, parity, parity, given, a, b, c, d, e, f, g, h);
        four!(4, parity, parity, given, a, b, c, d, e, f, g, h);
        four!(8, parity, parity, given, a, b, c, d, e, f, g, h);
        four!(12, parity, parity, made, a, b, c, d, e, f, g, h);
        for sixteen in 1..4 {
            let from = 16 * sixteen;
            four!(from, majority, choice, made, a, b, c, d, e, f, g, h);
            four!(from + 4, majority, choice, made, a, b, c, d, e, f, g, h);
            four!(from + 8, majority, choice, made, a, b, c, d, e, f, g, h);
            four!(from + 12, majority, choice, made, a, b, c, d, e, f, g, h);
        }
        for lane in 0..LANES {
            states[0][lane] ^= a[lane];
            states[1][lane] ^= b[lane];
            states[2][lane] ^= c[lane];
            states[3][lane] ^= d[lane];
            states[4][lane] ^= e[lane];
            states[5][lane] ^= f[lane];
            states[6][lane] ^= g[lane];
            states[7][lane] ^= h[lane];
        }
    }

    fn one(parts: &[&[u8]]) -> Hash {
        let mut hasher = sm3::Sm3::new();
        parts.iter().for_each(|part| hasher.update(part));
        hasher.finalize().into()
    }

    fn one_is_fast() -> bool {
        false
    }
}
