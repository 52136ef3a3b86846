//! What an account number looks like, and what of it is shown.

use crate::{Code, Problem, Result};

/// Checks the form of an account number: 8 to 32 digits. Whether there is such an account, and
/// whose, the bank says.
///
/// # Errors
/// `invalid_request`.
pub(super) fn check_account(number: &str) -> Result<()> {
    if (8..=32).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()) {
        Ok(())
    } else {
        Err(Problem::new(Code::InvalidRequest)
            .field("account_number")
            .detail("An account number has 8 to 32 digits."))
    }
}

/// The last four digits of a checked number.
pub(super) fn mask(number: &str) -> String {
    format!("**** {}", &number[number.len() - 4..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_number_is_digits_and_shows_its_last_four() {
        let check = |number: &str, fits: bool| assert_eq!(check_account(number).is_ok(), fits, "{number:?}");
        check("62220202", true);
        check(&"1".repeat(32), true);
        check("6222020", false);
        check(&"1".repeat(33), false);
        check("6222 0202 0011", false);
        check("62220202٣", false);
        check("", false);
        assert_eq!(mask("6222020200112233445"), "**** 3445");
    }
}
