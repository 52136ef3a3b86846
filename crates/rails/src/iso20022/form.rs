//! The forms that texts of messages have: lengths, patterns and code sets of the definitions.

use jiff::Timestamp;
use jiff::civil::Date;

/// The form of an element's text.
pub(crate) enum Form {
    /// 1 to so many characters, none of them a control character.
    Max(usize),
    /// 1 to so many digits.
    Digits(usize),
    /// One of these codes.
    OneOf(&'static [&'static str]),
    /// `2026-11-22`.
    Date,
    /// `2026-11-22T10:00:00Z`. Without an offset it names no moment and is refused.
    DateTime,
    /// `true`, `false`, `1` or `0`.
    Boolean,
    /// A decimal of at most 18 digits, 17 of them behind the point.
    Decimal,
    /// Three capital letters.
    Currency,
    /// Two capital letters.
    Country,
    /// A business identifier code of 8 or 11 characters.
    Bic,
    /// A legal entity identifier, its check digits included.
    Lei,
    /// An account number with country and check digits.
    Iban,
    /// A random UUID in lower case.
    Uuid4,
}

impl Form {
    /// Whether `text` has the form.
    pub(crate) fn fits(&self, text: &str) -> bool {
        match self {
            Form::Max(most) => {
                let length = text.chars().count();
                (1..=*most).contains(&length) && !text.chars().any(char::is_control)
            }
            Form::Digits(most) => {
                (1..=*most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
            }
            Form::OneOf(codes) => codes.contains(&text),
            Form::Date => date(text).is_some(),
            Form::DateTime => date_time(text).is_some(),
            Form::Boolean => boolean(text).is_some(),
            Form::Decimal => decimal(text, 18, 17).is_some(),
            Form::Currency => is_currency(text),
            Form::Country => is_capitals(text, 2),
            Form::Bic => is_bic(text),
            Form::Lei => is_lei(text),
            Form::Iban => is_iban(text),
            Form::Uuid4 => is_uuid4(text),
        }
    }
}

/// A calendar day without a zone.
pub(crate) fn date(text: &str) -> Option<Date> {
    let text = text.trim_matches(WHITESPACE);
    if text.len() == 10 { text.parse().ok() } else { None }
}

/// A moment with its offset.
pub(crate) fn date_time(text: &str) -> Option<Timestamp> {
    let text = text.trim_matches(WHITESPACE);
    let plain = text.len() <= 40
        && text.as_bytes().get(10) == Some(&b'T')
        && text.bytes().all(|b| b.is_ascii_digit() || b"-:.+TZ".contains(&b));
    if plain { text.parse().ok() } else { None }
}

/// A truth value.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text.trim_matches(WHITESPACE) {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// What XML takes for white space.
const WHITESPACE: &[char] = &[' ', '\t', '\r', '\n'];

/// The digits before and behind the point of a decimal that is not negative, without zeros that say
/// nothing.
pub(crate) fn decimal(text: &str, most: usize, most_behind: usize) -> Option<(&str, &str)> {
    let text = text.trim_matches(WHITESPACE);
    let text = text.strip_prefix('+').unwrap_or(text);
    let (before, behind) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if before.len() + behind.len() == 0 || text.len() > 64 || !digits(before) || !digits(behind) {
        return None;
    }
    let (before, behind) = (before.trim_start_matches('0'), behind.trim_end_matches('0'));
    (before.len() + behind.len() <= most && behind.len() <= most_behind).then_some((before, behind))
}

/// A decimal of at most 18 digits, 5 of them behind the point.
pub(crate) fn is_amount(text: &str) -> bool {
    decimal(text, 18, 5).is_some()
}

/// Three capital letters.
pub(crate) fn is_currency(text: &str) -> bool {
    is_capitals(text, 3)
}

fn is_capitals(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_uppercase())
}

fn is_alphanumeric(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// `[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?`
fn is_bic(text: &str) -> bool {
    matches!(text.len(), 8 | 11)
        && is_alphanumeric(text)
        && text.as_bytes()[4..6].iter().all(u8::is_ascii_uppercase)
}

/// `[A-Z0-9]{18}[0-9]{2}` whose value leaves 1 when divided by 97 (ISO 17442).
pub(crate) fn is_lei(text: &str) -> bool {
    text.len() == 20
        && is_alphanumeric(text)
        && text.as_bytes()[18..].iter().all(u8::is_ascii_digit)
        && remainder_97(text.bytes()) == Some(1)
}

/// `[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}` whose check digits are right (ISO 13616).
fn is_iban(text: &str) -> bool {
    let bytes = text.as_bytes();
    (5..=34).contains(&bytes.len())
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && bytes[4..].iter().all(u8::is_ascii_alphanumeric)
        && remainder_97(bytes[4..].iter().chain(&bytes[..4]).copied()) == Some(1)
}

/// Letters as 10 to 35, all digits one number, divided by 97.
fn remainder_97(text: impl Iterator<Item = u8>) -> Option<u32> {
    text.into_iter().try_fold(0, |rest, byte| {
        let value = char::from(byte).to_digit(36)?;
        let shift = if value < 10 { 10 } else { 100 };
        Some((rest * shift + value) % 97)
    })
}

/// `[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}`
pub(crate) fn is_uuid4(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'4',
            19 => b"89ab".contains(&byte),
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: &Form, fit: &[&str], misfit: &[&str]) {
        for text in fit {
            assert!(form.fits(text), "{text:?} fits");
        }
        for text in misfit {
            assert!(!form.fits(text), "{text:?} does not fit");
        }
    }

    #[test]
    fn texts_have_the_published_forms() {
        let thirty_five = "x".repeat(35);
        check(
            &Form::Max(35),
            &["a", "重庆", &thirty_five],
            &["", "x\u{7}", &"x".repeat(36), &"重".repeat(36)],
        );
        check(&Form::Digits(5), &["1", "00012"], &["", "123456", "1a", "１"]);
        check(&Form::OneOf(&["CRDT", "DBIT"]), &["CRDT"], &["crdt", "", "CRDT "]);
        check(&Form::Currency, &["CNY"], &["cny", "CN", "CNYY", "C1Y"]);
        check(&Form::Country, &["CN"], &["C", "CHN", "cn"]);
        check(&Form::Boolean, &["true", "false", "0", "1", " true "], &["", "TRUE", "yes"]);
        check(&Form::Bic, &["PCBCCNBJ", "PCBCCNBJCQX"], &["PCBCCNB", "PCBC1NBJ", "pcbccnbj", "PCBCCNBJCQ"]);
    }

    #[test]
    fn dates_and_times_are_exact_and_times_have_an_offset() {
        check(
            &Form::Date,
            &["2026-11-22", "2024-02-29"],
            &["", "2026-2-1", "2026-02-30", "2026-11-22Z", "20261122"],
        );
        check(
            &Form::DateTime,
            &["2026-11-22T10:00:00Z", "2026-11-22T18:00:00+08:00", "2026-11-22T10:00:00.123Z"],
            &[
                "",
                "2026-11-22",
                "2026-11-22T10:00:00",
                "2026-11-22 10:00:00Z",
                "2026-11-22T10:00:00Z[UTC]",
                "2026-13-22T10:00:00Z",
                "2026-11-22t10:00:00z",
            ],
        );
    }

    #[test]
    fn decimals_are_bounded_and_never_negative() {
        check(
            &Form::Decimal,
            &["0", "1.5", ".5", "5.", "+5", "000000000000000000000001", " 1 "],
            &["", ".", "-1", "1e3", "1,5", "1234567890123456789", "NaN"],
        );
        assert!(is_amount("123456789012345678") && is_amount("1.00000000"));
        assert!(!is_amount("1.000001") && !is_amount("12345678901234.56789"));
    }

    #[test]
    fn identifiers_prove_themselves() {
        // The example of ISO 17442 and well-known account numbers.
        check(
            &Form::Lei,
            &["5493001KJTIIGC8Y1R12", "7LTWFZYICNSX8D621K86"],
            &["5493001KJTIIGC8Y1R13", "5493001kjtiigc8y1r12", "5493001KJTIIGC8Y1R1", "5493001KJTIIGC8Y1RAA"],
        );
        check(
            &Form::Iban,
            &["GB82WEST12345698765432", "DE89370400440532013000"],
            &["GB83WEST12345698765432", "GB82", "82GBWEST12345698765432", "GB82WEST1234569876543重"],
        );
        check(
            &Form::Uuid4,
            &["b1f2c3d4-0000-4000-8000-00000000abcd"],
            &[
                "b1f2c3d4-0000-1000-8000-00000000abcd",
                "b1f2c3d4-0000-4000-c000-00000000abcd",
                "B1F2C3D4-0000-4000-8000-00000000ABCD",
                "b1f2c3d400004000800000000000abcd",
            ],
        );
    }
}
