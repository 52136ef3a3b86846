//! Amounts, transaction references and entity identifiers.

use std::fmt;

use jialing_crypto::hash::HashAlgorithm;

use super::BadMessage;
use super::form::{decimal, is_currency, is_lei, is_uuid4};

/// An amount in minor units of its currency: fen for CNY, yen for JPY.
///
/// In a message it is a decimal. What is finer than the currency's minor unit is refused, never
/// rounded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Amount {
    /// Minor units.
    pub minor: u64,
    /// ISO 4217 letters.
    pub currency: String,
}

/// Currencies without a minor unit (ISO 4217).
const WHOLE: [&str; 17] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
    "XOF", "XPF",
];
/// Currencies of a thousand minor units.
const THOUSANDTHS: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
/// Codes that are no money one could transfer: metals, units of account, tests.
const NO_MONEY: [&str; 12] =
    ["XAU", "XAG", "XPT", "XPD", "XDR", "XSU", "XUA", "XBA", "XBB", "XBC", "XTS", "XXX"];

/// Digits behind the point of a currency's amounts.
fn digits(currency: &str) -> Option<usize> {
    match currency {
        _ if !is_currency(currency) || NO_MONEY.contains(&currency) => None,
        _ if WHOLE.contains(&currency) => Some(0),
        _ if THOUSANDTHS.contains(&currency) => Some(3),
        "CLF" | "UYW" => Some(4),
        _ => Some(2),
    }
}

impl Amount {
    /// So many minor units.
    pub fn new(minor: u64, currency: &str) -> Self {
        Self { minor, currency: currency.to_owned() }
    }

    /// Reads the decimal of a message.
    ///
    /// # Errors
    /// [`BadMessage`] for what is no amount, finer than the minor unit, or beyond 18 digits.
    pub fn read(text: &str, currency: &str) -> Result<Self, BadMessage> {
        let bad = BadMessage::structure("is no amount of this currency");
        let digits = digits(currency).ok_or(bad.clone())?;
        let (before, behind) = decimal(text, 18, 5).ok_or(bad.clone())?;
        if behind.len() > digits {
            return Err(BadMessage::structure("is finer than the currency's minor unit"));
        }
        let minor = format!("0{before}{behind:0<digits$}").parse().map_err(|_| bad)?;
        Ok(Self { minor, currency: currency.to_owned() })
    }

    /// The decimal of a message: all digits of the minor unit, no more.
    ///
    /// # Errors
    /// [`BadMessage`] for a currency that is none, or an amount of more than 18 digits.
    pub fn text(&self) -> Result<String, BadMessage> {
        let digits =
            digits(&self.currency).ok_or(BadMessage::structure("is no amount of a known currency"))?;
        let all = format!("{:0>1$}", self.minor, digits + 1);
        if all.len() > 18 {
            return Err(BadMessage::structure("is an amount of more than 18 digits"));
        }
        let (before, behind) = all.split_at(all.len() - digits);
        Ok(if digits == 0 { before.to_owned() } else { format!("{before}.{behind}") })
    }
}

/// The sum of amounts of one currency; nothing where they differ or it overflows.
pub(crate) fn sum<'a>(amounts: impl IntoIterator<Item = &'a Amount>) -> Option<Amount> {
    let mut amounts = amounts.into_iter();
    let first = amounts.next()?.clone();
    amounts.try_fold(first, |sum, amount| {
        let minor = (sum.currency == amount.currency).then(|| sum.minor.checked_add(amount.minor))??;
        Some(Amount { minor, ..sum })
    })
}

/// A unique end-to-end transaction reference: a UUID of version 4, the same from the first order to
/// the last statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Uetr(String);

impl Uetr {
    /// The reference of what two parties know under `reference`: always the same, so that an order
    /// that is sent again is known again.
    ///
    /// Derived by SHA-256 instead of drawn, with the version and variant bits of a UUID v4.
    pub fn of(institution: &str, reference: &str) -> Self {
        let digest = HashAlgorithm::Sha256.digest_parts(&[
            b"jialing-uetr-1\n",
            institution.as_bytes(),
            b"\n",
            reference.as_bytes(),
        ]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
    }

    /// A reference as it stands in a message; nothing if it is no UUID of version 4 in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        is_uuid4(text).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Uetr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A legal entity identifier whose check digits are right.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lei(String);

impl Lei {
    /// Nothing if the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        is_lei(text).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Lei {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_to_the_minor_unit() {
        let check = |text: &str, currency: &str, minor: u64, again: &str| {
            let amount = Amount::read(text, currency).expect(text);
            assert_eq!(amount.minor, minor, "{text} {currency}");
            assert_eq!(amount.text().expect(text), again);
        };
        check("0", "CNY", 0, "0.00");
        check("0.01", "CNY", 1, "0.01");
        check("100.5", "CNY", 10_050, "100.50");
        check("+0100.500", "CNY", 10_050, "100.50");
        check(".5", "CNY", 50, "0.50");
        check("1234", "JPY", 1_234, "1234");
        check("1.234", "KWD", 1_234, "1.234");
        check("9999999999999999.99", "CNY", 999_999_999_999_999_999, "9999999999999999.99");
        for (text, currency) in [
            ("0.001", "CNY"),
            ("1.5", "JPY"),
            ("-1", "CNY"),
            ("1e2", "CNY"),
            ("", "CNY"),
            ("1", "cny"),
            ("1", "XAU"),
            ("12345678901234567.89", "CNY"),
        ] {
            assert!(Amount::read(text, currency).is_err(), "{text} {currency}");
        }
        assert!(Amount::new(u64::MAX, "CNY").text().is_err());
        assert!(Amount::new(1, "XXX").text().is_err());
    }

    #[test]
    fn sums_stay_within_one_currency() {
        let (one, two) = (Amount::new(1, "CNY"), Amount::new(2, "CNY"));
        assert_eq!(sum([&one, &two]), Some(Amount::new(3, "CNY")));
        assert_eq!(sum([&one, &Amount::new(2, "USD")]), None);
        assert_eq!(sum([&one, &Amount::new(u64::MAX, "CNY")]), None);
        assert_eq!(sum([]), None);
    }

    #[test]
    fn the_same_reference_has_the_same_uetr_and_another_has_another() {
        let one = Uetr::of("BKA", "top_1");
        assert_eq!(one, Uetr::of("BKA", "top_1"));
        assert_eq!(Uetr::parse(&one.to_string()), Some(one.clone()));
        assert_ne!(one, Uetr::of("BKA", "top_2"));
        assert_ne!(one, Uetr::of("BKB", "top_1"));
        assert_eq!(Uetr::parse("top_1"), None);
        assert_eq!(Lei::parse("5493001KJTIIGC8Y1R13"), None);
    }
}
