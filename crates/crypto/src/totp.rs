//! Time-based one-time passwords (RFC 6238), in the one form that every authenticator speaks: HMAC
//! with SHA-1, six digits, a step of thirty seconds.
//!
//! SHA-1 is named by the standard and by the applications; what HMAC needs of it is not broken by
//! collisions. A caller keeps the step of the last code it took and refuses that step and all before
//! it, so that a code is good once: see [`step_of`].

use aws_lc_rs::hmac;

use crate::random;

/// Digits of a code.
pub const DIGITS: usize = 6;
/// Seconds that a code is shown.
pub const STEP_SECONDS: i64 = 30;
/// Bytes of a secret: as long as the hash, as RFC 4226 recommends.
pub const SECRET_LEN: usize = 20;
/// Steps that a clock may be off, either way.
const DRIFT: i64 = 1;

/// The code that is shown in `step`, the number of [`STEP_SECONDS`] since 1970.
#[must_use]
pub fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[tag.len() - 1] & 0xf);
    let number = u32::from_be_bytes([tag[at] & 0x7f, tag[at + 1], tag[at + 2], tag[at + 3]]) % 1_000_000;
    format!("{number:0DIGITS$}")
}

/// The step whose code `given` is, at `seconds` since 1970 and later than step `after`; `None` for
/// what is no code now. The clock of the authenticator may be off by one step. Every step is compared,
/// each in constant time.
#[must_use]
pub fn step_of(secret: &[u8], given: &str, seconds: i64, after: i64) -> Option<i64> {
    let now = seconds.div_euclid(STEP_SECONDS);
    (now - DRIFT..=now + DRIFT)
        .filter(|step| random::same(code(secret, *step).as_bytes(), given.as_bytes()))
        .rfind(|step| *step > after)
}

/// `bytes` in base32 (RFC 4648) without padding: how a secret is typed into an authenticator.
#[must_use]
pub fn base32(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0u32, 0);
    for byte in bytes {
        held = (held << 8 | u32::from(*byte)) & 0xffff;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(DIGITS[(held >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        text.push(char::from(DIGITS[(held << (5 - bits) & 31) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8; 20] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, SHA-1: the last six of its eight digits.
        let check = |seconds: i64, expect: &str| {
            assert_eq!(code(SECRET, seconds.div_euclid(STEP_SECONDS)), expect, "{seconds}");
        };
        check(59, "287082");
        check(1_111_111_109, "081804");
        check(1_111_111_111, "050471");
        check(1_234_567_890, "005924");
        check(2_000_000_000, "279037");
        check(20_000_000_000, "353130");
    }

    #[test]
    fn a_code_is_good_for_its_step_and_its_neighbours_and_once() {
        let (shown, step) = (code(SECRET, 1000), 1000);
        let check = |seconds: i64, after: i64, expect: Option<i64>| {
            assert_eq!(step_of(SECRET, &shown, seconds, after), expect, "{seconds} after {after}");
        };
        check(step * 30, 0, Some(step));
        check(step * 30 + 29, 0, Some(step));
        check(step * 30 - 1, 0, Some(step));
        check(step * 30 + 59, 0, Some(step));
        check(step * 30 - 31, 0, None);
        check(step * 30 + 60, 0, None);
        check(step * 30, step - 1, Some(step));
        check(step * 30, step, None);
        assert_eq!(step_of(SECRET, "", step * 30, 0), None);
        assert_eq!(step_of(SECRET, "0000000", step * 30, 0), None);
    }

    #[test]
    fn base32_is_that_of_the_standard() {
        let check = |bytes: &[u8], expect: &str| assert_eq!(base32(bytes), expect);
        // RFC 4648, section 10, without the padding.
        check(b"", "");
        check(b"f", "MY");
        check(b"fo", "MZXQ");
        check(b"foo", "MZXW6");
        check(b"foob", "MZXW6YQ");
        check(b"fooba", "MZXW6YTB");
        check(b"foobar", "MZXW6YTBOI");
        check(SECRET, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }
}
