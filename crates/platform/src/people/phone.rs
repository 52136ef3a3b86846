//! Phone numbers: one canonical form, a blind index to find them, a mask to show them.

use std::fmt;

use zeroize::Zeroizing;

use crate::{App, Code, Problem, Result};

/// A phone number in canonical form: 11 digits for a mainland mobile, `+` and 7 to 15 digits for
/// any other. Never printed; show [`Phone::masked`].
#[derive(Clone)]
pub struct Phone(Zeroizing<String>);

impl Phone {
    /// Reads a mainland mobile (`13800000001`, with or without `+86` or `86`) or an international
    /// number (`+4915112345678`). Spaces and hyphens between digits are allowed.
    ///
    /// # Errors
    /// `invalid_request`, naming `phone`.
    pub fn parse(text: &str) -> Result<Self> {
        Self::read(text).ok_or_else(|| {
            Problem::new(Code::InvalidRequest).field("phone").detail(
                "`phone` is a mainland mobile number of 11 digits, or + and a country code with the number.",
            )
        })
    }

    fn read(text: &str) -> Option<Self> {
        if text.len() > 32 {
            return None;
        }
        let plain: Zeroizing<String> =
            Zeroizing::new(text.chars().filter(|c| !matches!(c, ' ' | '-')).collect());
        let (plus, digits) = match plain.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, plain.as_str()),
        };
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let home = match digits.strip_prefix("86") {
            Some(rest) if plus || digits.len() == 13 => Some(rest),
            _ if !plus => Some(digits),
            _ => None,
        };
        match home {
            Some(home) => is_mainland_mobile(home).then(|| Self(Zeroizing::new(home.to_owned()))),
            None => ((7..=15).contains(&digits.len()) && !digits.starts_with('0'))
                .then(|| Self(Zeroizing::new(format!("+{digits}")))),
        }
    }

    /// The canonical text. It is personal data: only for sealing and for the notice service.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// As it may be shown: `138****0001`, `+49****78`.
    #[must_use]
    pub fn masked(&self) -> String {
        match self.0.strip_prefix('+') {
            None => format!("{}****{}", &self.0[..3], &self.0[7..]),
            Some(digits) => format!("+{}****{}", &digits[..2], &digits[digits.len() - 2..]),
        }
    }

    /// The value it is found by.
    pub(crate) fn index(&self, app: &App) -> String {
        app.blind.of("people.phone", &self.0)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone")
    }
}

/// 11 digits, the first 1, the second 3 to 9.
fn is_mainland_mobile(digits: &str) -> bool {
    matches!(digits.as_bytes(), [b'1', b'3'..=b'9', ..] if digits.len() == 11)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_form_however_it_is_written() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(Phone::read(text).map(|phone| phone.text().to_owned()).as_deref(), expect, "{text:?}");
        };
        check("13800000001", Some("13800000001"));
        check("+8613800000001", Some("13800000001"));
        check("8613800000001", Some("13800000001"));
        check("138-0000 0001", Some("13800000001"));
        check("+49 151 12345678", Some("+4915112345678"));
        check("+8612800000001", None);
        check("12800000001", None);
        check("1380000000", None);
        check("138000000011", None);
        check("+0123456789", None);
        check("+123456", None);
        check("+1234567890123456", None);
        check("", None);
        check("+", None);
        check("１３８００００0001", None);
        check("13800000001\n", None);
        check("🙂", None);
    }

    #[test]
    fn a_mask_keeps_what_its_owner_recognises() {
        let check = |text: &str, expect: &str| {
            let phone = Phone::read(text).expect("a number");
            assert_eq!(phone.masked(), expect);
            assert_eq!(format!("{phone:?}"), "Phone");
        };
        check("13812340001", "138****0001");
        check("+4915112345678", "+49****78");
    }
}
