//! Which PINs are too easy.

use jiff::civil::Date;

use crate::{Code, Problem, Result};

/// Digits of a PIN.
pub const DIGITS: usize = 6;

/// Checks the form and the strength of a new PIN. `phone` and `born` are its owner's, as far as
/// they are known: what is printed on an identity card or known to every friend is no secret.
///
/// # Errors
/// `invalid_request` unless it is six digits; `pin_weak`.
pub fn check_strength(pin: &str, phone: &str, born: Option<Date>) -> Result<()> {
    if pin.len() != DIGITS || !pin.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Problem::new(Code::InvalidRequest).field("pin").detail("A PIN has six digits."));
    }
    let weak = |why: &str| Err(Problem::new(Code::PinWeak).field("pin").detail(why));
    let digits: Vec<u8> = pin.bytes().map(|b| b - b'0').collect();
    if crate::people::is_run(pin) {
        return weak("The PIN is a run such as 123456 or 654321.");
    }
    // 111111, 121212, 123123: a shorter piece repeated.
    if (1..=3).any(|period| (period..DIGITS).all(|n| digits[n] == digits[n - period])) {
        return weak("The PIN repeats a shorter piece.");
    }
    // 111222, 112233.
    if digits[0..3].iter().all(|d| *d == digits[0]) && digits[3..].iter().all(|d| *d == digits[3])
        || digits.chunks(2).all(|pair| pair[0] == pair[1])
    {
        return weak("The PIN is made of equal digits.");
    }
    if phone.ends_with(pin) {
        return weak("The PIN is the end of the phone number.");
    }
    if born.is_some_and(|born| birthdays(born).iter().any(|day| day == pin)) {
        return weak("The PIN is a date of birth.");
    }
    Ok(())
}

/// How a birthday is written in six digits.
fn birthdays(born: Date) -> [String; 5] {
    let (year, month, day) = (born.year() % 100, born.month(), born.day());
    [
        format!("{year:02}{month:02}{day:02}"),
        format!("{day:02}{month:02}{year:02}"),
        format!("{month:02}{day:02}{year:02}"),
        format!("{}{month:02}", born.year()),
        format!("{month:02}{}", born.year()),
    ]
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn easy_pins_are_refused() {
        let check = |pin: &str, expect: Option<Code>| {
            let found =
                check_strength(pin, "13800907351", Some(date(1987, 3, 14))).err().map(|problem| problem.code);
            assert_eq!(found, expect, "{pin}");
        };
        check("284917", None);
        check("100203", None);
        check("111111", Some(Code::PinWeak));
        check("123456", Some(Code::PinWeak));
        check("654321", Some(Code::PinWeak));
        check("456789", Some(Code::PinWeak));
        check("121212", Some(Code::PinWeak));
        check("123123", Some(Code::PinWeak));
        check("111222", Some(Code::PinWeak));
        check("112233", Some(Code::PinWeak));
        check("907351", Some(Code::PinWeak));
        check("870314", Some(Code::PinWeak));
        check("140387", Some(Code::PinWeak));
        check("031487", Some(Code::PinWeak));
        check("198703", Some(Code::PinWeak));
        check("031987", Some(Code::PinWeak));
        check("12345", Some(Code::InvalidRequest));
        check("1234567", Some(Code::InvalidRequest));
        check("12a456", Some(Code::InvalidRequest));
        check("１２３４５６", Some(Code::InvalidRequest));
        check("", Some(Code::InvalidRequest));
    }

    #[test]
    fn an_unknown_birthday_refuses_nothing() {
        assert!(check_strength("870314", "13800000001", None).is_ok());
    }
}
