//! Randomness from the operating system, and comparison that does not leak by time.
//!
//! There is one source: the kernel's generator. If it cannot answer, nothing that needs secrecy may
//! go on, so these functions panic instead of returning something guessable.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

/// Fills `out` with random bytes.
///
/// # Panics
/// When the operating system gives no randomness.
pub fn fill(out: &mut [u8]) {
    getrandom::fill(out).expect("the operating system gives no randomness");
}

/// `N` random bytes.
///
/// # Panics
/// When the operating system gives no randomness.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    fill(&mut out);
    out
}

/// A code of `len` decimal digits, each value equally likely, leading zeros kept.
///
/// Six digits are a one-time code by message.
///
/// # Panics
/// When the operating system gives no randomness.
pub fn digits(len: usize) -> String {
    let mut code = String::with_capacity(len);
    while code.len() < len {
        for byte in bytes::<16>() {
            // 250 is the largest multiple of ten in a byte: above it some digits would be likelier.
            if byte < 250 && code.len() < len {
                code.push(char::from(b'0' + byte % 10));
            }
        }
    }
    code
}

/// A token of 256 random bits in URL-safe base64 without padding: 43 characters.
///
/// For sessions, links and nonces. Keep only its hash where it is stored.
///
/// # Panics
/// When the operating system gives no randomness.
pub fn token() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>())
}

/// A nonce of 128 random bits as 32 lower-case hexadecimal characters.
///
/// # Panics
/// When the operating system gives no randomness.
pub fn nonce() -> String {
    hex::encode(bytes::<16>())
}

/// Whether `a` and `b` are the same bytes, in a time that depends on their lengths only.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_the_asked_length_and_only_digits() {
        for len in [0, 1, 6, 40] {
            let code = digits(len);
            assert_eq!(code.len(), len);
            assert!(code.bytes().all(|b| b.is_ascii_digit()), "{code}");
        }
    }

    #[test]
    fn every_digit_comes_about_equally_often() {
        let mut seen = [0u32; 10];
        for b in digits(20_000).bytes() {
            seen[usize::from(b - b'0')] += 1;
        }
        // Expected 2,000 each with a deviation of 42; eight deviations never happen by chance.
        for (digit, count) in seen.iter().enumerate() {
            assert!((1_660..=2_340).contains(count), "{digit} came {count} times");
        }
    }

    #[test]
    fn tokens_and_nonces_are_long_and_differ() {
        assert_eq!(token().len(), 43);
        assert_eq!(nonce().len(), 32);
        assert_ne!(token(), token());
        assert_ne!(nonce(), nonce());
    }

    #[test]
    fn comparison_sees_every_difference() {
        assert!(same(b"", b""));
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd"));
        assert!(!same(b"abc", b"ab"));
    }
}
