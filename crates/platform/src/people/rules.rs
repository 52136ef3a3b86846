//! Decisions about people that need nothing but their input.

use jiff::civil::{Date, date};

use crate::{Code, Problem, Result};

crate::stored! {
    /// How surely it is known who a person is. Each level stands for a wallet class.
    pub enum Level {
        /// A phone only; wallets of class IV.
        Anonymous = "ANONYMOUS",
        /// Name and identity number checked remotely, with the phone; class III.
        RemotePhoneId = "REMOTE_PHONE_ID",
        /// The same and a signed bank account of theirs; class II.
        RemoteBank = "REMOTE_BANK",
        /// Seen by an institution's staff with the document; class I.
        FaceToFace = "FACE_TO_FACE",
    }
}

impl Level {
    /// The wallet class, 4 to 1.
    #[must_use]
    pub const fn class(self) -> u8 {
        match self {
            Self::Anonymous => 4,
            Self::RemotePhoneId => 3,
            Self::RemoteBank => 2,
            Self::FaceToFace => 1,
        }
    }

    /// The level that stands for a class.
    pub(crate) fn of_class(class: i16) -> Result<Self> {
        let found = Self::ALL.iter().copied().find(|level| i16::from(level.class()) == class);
        found.ok_or_else(|| Problem::internal(format!("class {class} stands for no identity level")))
    }
}

/// Fewest characters of a password.
pub const MIN_PASSWORD_CHARS: usize = 10;
/// Most characters of a password.
pub const MAX_PASSWORD_CHARS: usize = 128;
/// Fewest different characters in a password.
const MIN_DIFFERENT: usize = 5;

/// What people choose first. A password that is one of these with digits or signs around it is weak.
const GUESSED_FIRST: &[&str] = &[
    "password",
    "passw0rd",
    "qwertyuiop",
    "qwerty",
    "qwer",
    "asdfghjkl",
    "asdf",
    "zxcvbnm",
    "1q2w3e4r5t",
    "1q2w3e4r",
    "q1w2e3r4",
    "1qaz2wsx3edc",
    "1qaz2wsx",
    "qazwsx",
    "abcdefghij",
    "abcdefg",
    "abcd",
    "abc",
    "iloveyou",
    "woaini",
    "letmein",
    "welcome",
    "administrator",
    "admin",
    "root",
    "monkey",
    "dragon",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "trustno",
    "master",
    "michael",
    "shadow",
    "jialing",
    "chongqing",
    "beijing",
    "shanghai",
    "zhongguo",
    "china",
    "mima",
    "wallet",
    "digitalyuan",
    "yuan",
    "changeme",
    "secret",
    "login",
    "hello",
    "test",
];

/// Checks the strength of a new password. `phone` is the canonical number of its owner.
///
/// # Errors
/// `password_weak` with what is missing.
pub fn check_password(password: &str, phone: &str) -> Result<()> {
    let weak = |why: &str| Err(Problem::new(Code::PasswordWeak).field("password").detail(why));
    let length = password.chars().count();
    if length < MIN_PASSWORD_CHARS {
        return weak("A password has at least 10 characters.");
    }
    if length > MAX_PASSWORD_CHARS {
        return weak("A password has at most 128 characters.");
    }
    let lower = password.to_lowercase();
    let different: std::collections::BTreeSet<char> = lower.chars().collect();
    if different.len() < MIN_DIFFERENT {
        return weak("The password repeats too few characters.");
    }
    if is_run(&lower) {
        return weak("The password is a run of neighbouring characters.");
    }
    let tail = &phone[phone.len().saturating_sub(8)..];
    if lower.contains(tail) {
        return weak("The password contains the phone number.");
    }
    let core = lower.trim_matches(|c: char| !c.is_alphabetic());
    let digits_only = lower.chars().all(|c| c.is_ascii_digit());
    let inner = lower.trim_end_matches(|c: char| !c.is_alphanumeric());
    if GUESSED_FIRST.contains(&core) || GUESSED_FIRST.contains(&inner) || digits_only && length < 14 {
        return weak("The password is one of the first to be guessed.");
    }
    Ok(())
}

/// Whether every character follows its predecessor, or precedes it, as in `abcdef` or `987654`.
pub(crate) fn is_run(text: &str) -> bool {
    let codes: Vec<i64> = text.chars().map(|c| i64::from(u32::from(c))).collect();
    codes.len() > 1 && [1, -1].into_iter().any(|step| codes.windows(2).all(|pair| pair[1] - pair[0] == step))
}

/// Checks a citizen's identity number: 17 digits and a check character, with a real date of birth
/// not after `today`. Source: GB 11643-1999. Returns it with an upper-case `X`.
///
/// # Errors
/// `invalid_request`, naming `id_number`.
pub(super) fn identity_number(text: &str, today: Date) -> Result<String> {
    let wrong = || {
        Problem::new(Code::InvalidRequest)
            .field("id_number")
            .detail("`id_number` has 18 characters with a real date of birth and a fitting check character.")
    };
    let number = text.to_ascii_uppercase();
    if number.len() != 18 || !number.is_ascii() || !number[..17].bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    if citizen_check(&number[..17]) != number.as_bytes()[17] {
        return Err(wrong());
    }
    match birth(&number) {
        Some(born) if born <= today && born >= date(1900, 1, 1) => Ok(number),
        _ => Err(wrong()),
    }
}

/// The check character of 17 digits: ISO 7064 MOD 11-2.
fn citizen_check(digits: &str) -> u8 {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = digits.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    b"10X98765432"[(sum % 11) as usize]
}

/// The date of birth inside an identity number.
pub(crate) fn birth(number: &str) -> Option<Date> {
    let year = number.get(6..10)?.parse().ok()?;
    let month = number.get(10..12)?.parse().ok()?;
    let day = number.get(12..14)?.parse().ok()?;
    Date::new(year, month, day).ok()
}

/// Checks a unified social credit code: 17 characters of its alphabet and a check character.
/// Source: GB 32100-2015. Returns it in upper case.
///
/// # Errors
/// `invalid_request`, naming `licence`.
pub(super) fn licence_number(text: &str) -> Result<String> {
    let code = text.to_ascii_uppercase();
    let fits =
        code.is_ascii() && code.len() == 18 && licence_check(&code[..17]) == code.as_bytes().last().copied();
    if fits {
        Ok(code)
    } else {
        Err(Problem::new(Code::InvalidRequest).field("licence").detail(
            "`licence` is a unified social credit code of 18 characters with a fitting check character.",
        ))
    }
}

/// The check character of the first 17 of a unified social credit code; `None` outside its alphabet.
fn licence_check(body: &str) -> Option<u8> {
    const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let mut weight = 1;
    let mut sum = 0;
    for byte in body.bytes() {
        sum += ALPHABET.iter().position(|&known| known == byte)? * weight;
        weight = weight * 3 % 31;
    }
    Some(ALPHABET[(31 - sum % 31) % 31])
}

/// A name as others may see it: all but the last character hidden, `*明`. No more than three stars,
/// so that the mask does not tell the length either.
#[must_use]
pub fn masked_name(name: &str) -> String {
    let count = name.chars().count();
    let stars = "*".repeat(count.saturating_sub(1).clamp(1, 3));
    match name.chars().last() {
        Some(last) if count > 1 => format!("{stars}{last}"),
        _ => stars,
    }
}

/// An identity number as its holder sees it: first and last character, `5****************X`.
#[must_use]
pub(super) fn masked_identity_number(number: &str) -> String {
    match (number.chars().next(), number.chars().last()) {
        (Some(first), Some(last)) if number.len() > 2 => {
            format!("{first}{}{last}", "*".repeat(number.len() - 2))
        }
        _ => "*".repeat(number.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_must_resist_the_first_guesses() {
        let check = |password: &str, fits: bool| {
            assert_eq!(check_password(password, "13800000001").is_ok(), fits, "{password:?}");
        };
        check("correct horse", true);
        check("山城夜雨涨秋池巴山", false);
        check("山城夜雨涨秋池巴山里", true);
        check("short-9ch", false);
        check("ten-chars!", true);
        check("aaaaaaaaaaaa", false);
        check("ababababab12", false);
        check("abcdefghijklm", false);
        check("9876543210", false);
        check("my00000001phone", false);
        check("Password123!", false);
        check("qwertyuiop1", false);
        check("1Q2W3E4R5T", false);
        check("3141592653", false);
        check("31415926535897", true);
        check(&"ab3d5f7h9k".repeat(13), false);
    }

    #[test]
    fn an_identity_number_has_a_real_birthday_and_a_fitting_check() {
        let today = date(2026, 11, 22);
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(identity_number(text, today).ok().as_deref(), expect, "{text}");
        };
        // The example of the standard.
        check("11010519491231002X", Some("11010519491231002X"));
        check("11010519491231002x", Some("11010519491231002X"));
        check("440524188001010014", None);
        check("110105194912310021", None);
        check("11010519491231002", None);
        check("1101051949123100２X", None);
        check("", None);
        let made = |body: &str| format!("{body}{}", char::from(citizen_check(body)));
        check(&made("50010119900230001"), None);
        check(&made("50010120261123001"), None);
        check(&made("50010120261122001"), Some(&made("50010120261122001")));
    }

    #[test]
    fn a_licence_number_has_its_alphabet_and_a_fitting_check() {
        let check = |text: &str, fits: bool| assert_eq!(licence_number(text).is_ok(), fits, "{text}");
        // The example of the standard.
        check("91350100M000100Y43", true);
        check("91350100m000100y43", true);
        check("91350100M000100Y44", false);
        check("91350100M000100Y4", false);
        check("91350100I000100Y43", false);
        check("９1350100M000100Y43", false);
    }

    #[test]
    fn masks_show_the_least_that_is_recognised() {
        let check = |name: &str, expect: &str| assert_eq!(masked_name(name), expect, "{name}");
        check("李明", "*明");
        check("欧阳小明", "***明");
        check("明", "*");
        check("", "*");
        check("Maria Schmidt", "***t");
        assert_eq!(masked_identity_number("11010519491231002X"), "1****************X");
        assert_eq!(masked_identity_number("12"), "**");
    }

    #[test]
    fn every_level_stands_for_one_class() {
        for level in Level::ALL {
            assert_eq!(Level::of_class(i16::from(level.class())).ok(), Some(*level));
        }
        assert!(Level::of_class(5).is_err());
    }
}
