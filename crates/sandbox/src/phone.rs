//! One spelling per phone number.

/// The national form of a mainland number: 11 digits without `+86`, spaces and hyphens. Other
/// numbers keep their digits and a leading plus.
pub fn canonical_phone(text: &str) -> String {
    let plain: String = text.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    let digits = plain.trim_start_matches('+');
    match digits.strip_prefix("86") {
        Some(national) if national.len() == 11 => national.to_owned(),
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        let check = |text: &str, expect: &str| assert_eq!(canonical_phone(text), expect, "{text}");
        check("16900000001", "16900000001");
        check("+8616900000001", "16900000001");
        check("8616900000001", "16900000001");
        check("+86 169-0000-0001", "16900000001");
        check("+85212345678", "+85212345678");
        check("渝", "");
    }
}
