//! SHA-256 (FIPS 180-4) in lanes.

use sha2::Digest;

use super::Hash;
use super::block::{Blocks, Function, LANES, States};

/// SHA-256.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sha256;

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
const ROUND: [u32; 64] = [
    0x428a_2f98,
    0x7137_4491,
    0xb5c0_fbcf,
    0xe9b5_dba5,
    0x3956_c25b,
    0x59f1_11f1,
    0x923f_82a4,
    0xab1c_5ed5,
    0xd807_aa98,
    0x1283_5b01,
    0x2431_85be,
    0x550c_7dc3,
    0x72be_5d74,
    0x80de_b1fe,
    0x9bdc_06a7,
    0xc19b_f174,
    0xe49b_69c1,
    0xefbe_4786,
    0x0fc1_9dc6,
    0x240c_a1cc,
    0x2de9_2c6f,
    0x4a74_84aa,
    0x5cb0_a9dc,
    0x76f9_88da,
    0x983e_5152,
    0xa831_c66d,
    0xb003_27c8,
    0xbf59_7fc7,
    0xc6e0_0bf3,
    0xd5a7_9147,
    0x06ca_6351,
    0x1429_2967,
    0x27b7_0a85,
    0x2e1b_2138,
    0x4d2c_6dfc,
    0x5338_0d13,
    0x650a_7354,
    0x766a_0abb,
    0x81c2_c92e,
    0x9272_2c85,
    0xa2bf_e8a1,
    0xa81a_664b,
    0xc24b_8b70,
    0xc76c_51a3,
    0xd192_e819,
    0xd699_0624,
    0xf40e_3585,
    0x106a_a070,
    0x19a4_c116,
    0x1e37_6c08,
    0x2748_774c,
    0x34b0_bcb5,
    0x391c_0cb3,
    0x4ed8_aa4a,
    0x5b9c_ca4f,
    0x682e_6ff3,
    0x748f_82ee,
    0x78a5_636f,
    0x84c8_7814,
    0x8cc7_0208,
    0x90be_fffa,
    0xa450_6ceb,
    0xbef9_a3f7,
    0xc671_78f2,
];

/// One round for every lane; `$next` works out the round's word first, where it is not the message's.
macro_rules! round {
    ($k:expr, $word:expr, $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident) => {
        for lane in 0..LANES {
            let word = $word(lane);
            let (a, e) = ($a[lane], $e[lane]);
            let choice = $g[lane] ^ (e & ($f[lane] ^ $g[lane]));
            let majority = (a & $b[lane]) | ($c[lane] & (a | $b[lane]));
            let more = $h[lane]
                .wrapping_add(e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25))
                .wrapping_add(choice)
                .wrapping_add($k)
                .wrapping_add(word);
            $d[lane] = $d[lane].wrapping_add(more);
            $h[lane] = more
                .wrapping_add(a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22))
                .wrapping_add(majority);
        }
    };
}

/// Eight rounds, after which every word of the state has its own place again.
macro_rules! eight {
    ($from:expr, $word:ident, $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident) => {
        round!(ROUND[$from], |lane: usize| $word!($from, lane), $a, $b, $c, $d, $e, $f, $g, $h);
        round!(ROUND[$from + 1], |lane: usize| $word!($from + 1, lane), $h, $a, $b, $c, $d, $e, $f, $g);
        round!(ROUND[$from + 2], |lane: usize| $word!($from + 2, lane), $g, $h, $a, $b, $c, $d, $e, $f);
        round!(ROUND[$from + 3], |lane: usize| $word!($from + 3, lane), $f, $g, $h, $a, $b, $c, $d, $e);
        round!(ROUND[$from + 4], |lane: usize| $word!($from + 4, lane), $e, $f, $g, $h, $a, $b, $c, $d);
        round!(ROUND[$from + 5], |lane: usize| $word!($from + 5, lane), $d, $e, $f, $g, $h, $a, $b, $c);
        round!(ROUND[$from + 6], |lane: usize| $word!($from + 6, lane), $c, $d, $e, $f, $g, $h, $a, $b);
        round!(ROUND[$from + 7], |lane: usize| $word!($from + 7, lane), $b, $c, $d, $e, $f, $g, $h, $a);
    };
}

impl Function for Sha256 {
    const START: [u32; 8] = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];

    #[inline(always)]
    fn compress(states: &mut States, blocks: &mut Blocks) {
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *states;
        macro_rules! given {
            ($at:expr, $lane:ident) => {
                blocks[$at][$lane]
            };
        }
        macro_rules! made {
            ($at:expr, $lane:ident) => {{
                let (early, late) = (blocks[($at + 1) % 16][$lane], blocks[($at + 14) % 16][$lane]);
                let word = blocks[$at % 16][$lane]
                    .wrapping_add(early.rotate_right(7) ^ early.rotate_right(18) ^ early >> 3)
                    .wrapping_add(blocks[($at + 9) % 16][$lane])
                    .wrapping_add(late.rotate_right(17) ^ late.rotate_right(19) ^ late >> 10);
                blocks[$at % 16][$lane] = word;
                word
            }};
        }
        eight!(0, given, a, b, c, d, e, f, g, h);
        eight!(8, given, a, b, c, d, e, f, g, h);
        for sixteen in 1..4 {
            let from = 16 * sixteen;
            eight!(from, made, a, b, c, d, e, f, g, h);
            eight!(from + 8, made, a, b, c, d, e, f, g, h);
        }
        for lane in 0..LANES {
            states[0][lane] = states[0][lane].wrapping_add(a[lane]);
            states[1][lane] = states[1][lane].wrapping_add(b[lane]);
            states[2][lane] = states[2][lane].wrapping_add(c[lane]);
            states[3][lane] = states[3][lane].wrapping_add(d[lane]);
            states[4][lane] = states[4][lane].wrapping_add(e[lane]);
            states[5][lane] = states[5][lane].wrapping_add(f[lane]);
            states[6][lane] = states[6][lane].wrapping_add(g[lane]);
            states[7][lane] = states[7][lane].wrapping_add(h[lane]);
        }
    }

    fn one(parts: &[&[u8]]) -> Hash {
        let mut hasher = sha2::Sha256::new();
        parts.iter().for_each(|part| hasher.update(part));
        hasher.finalize().into()
    }

    #[cfg(target_arch = "x86_64")]
    fn one_is_fast() -> bool {
        std::arch::is_x86_feature_detected!("sha")
    }

    #[cfg(target_arch = "aarch64")]
    fn one_is_fast() -> bool {
        std::arch::is_aarch64_feature_detected!("sha2")
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn one_is_fast() -> bool {
        false
    }
}
