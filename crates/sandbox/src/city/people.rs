//! People: who they are, where they live, which bank keeps their money.

use jialing_rails::identity::check_character;
use jiff::civil::{Date, date};

use super::dice::Dice;
use super::names::{DISTRICTS, GIVEN, SURNAMES, WORDS};

/// All test phones begin so: no operator gives these numbers out.
pub const PHONE_PREFIX: &str = "169";

/// The area of all test identity numbers: in the city's range, but no district's.
pub const AREA_CODE: &str = "500199";

/// What accounts of the city's people begin with.
pub const ACCOUNT_PREFIX: &str = "621098";

/// Somebody who lives in the city. All of it is invented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Place in the city's list, from 0.
    pub index: usize,
    /// The name in Chinese, as the identity document has it.
    pub name: String,
    /// The name in Pinyin, given name first.
    pub name_latin: String,
    /// National form, 11 digits.
    pub phone: String,
    /// 18 characters.
    pub id_number: String,
    /// Place in the city's districts.
    pub district: usize,
    /// Place in the city's banks.
    pub bank: usize,
    /// 19 digits with a Luhn check digit.
    pub account: String,
    /// What the bank account holds, in fen.
    pub deposit: u64,
    /// The password the demonstration signs up with.
    pub password: String,
    /// The payment PIN the demonstration sets.
    pub pin: String,
    /// How often this person goes out, 1 to 10.
    pub liveliness: u64,
}

impl Person {
    pub(super) fn invent(seed: u64, index: usize, banks: usize) -> Self {
        let mut dice = Dice::for_part(seed, &format!("person {index}"));
        let (surname, surname_latin) = dice.pick(&SURNAMES);
        let (first, first_latin) = dice.pick(&GIVEN);
        let second = dice.percent(70).then(|| *dice.pick(&GIVEN));
        let (second, second_latin) = second.unwrap_or_default();
        let born = birthday(&mut dice);
        let bank = dice.below(banks as u64) as usize;
        let phone = format!("{PHONE_PREFIX}{:08}", 10_001 + index);
        let pin = pin(&mut dice, born, &phone);
        Self {
            index,
            name: format!("{surname}{first}{second}"),
            name_latin: format!("{} {surname_latin}", capital(&format!("{first_latin}{second_latin}"))),
            id_number: id_number(born, index),
            district: dice.below(DISTRICTS.len() as u64) as usize,
            bank,
            account: account(bank, index),
            deposit: dice.between(200, 20_000) * 1_000,
            password: format!("{}-{}-{}", dice.pick(&WORDS), dice.pick(&WORDS), dice.between(1_000, 9_999)),
            pin,
            liveliness: dice.between(1, 10),
            phone,
        }
    }
}

/// Somebody of 18 to 80 in 2026.
fn birthday(dice: &mut Dice) -> Date {
    let first = date(1946, 1, 1);
    let days = dice.below(22_000);
    first.checked_add(jiff::Span::new().days(days as i64)).unwrap_or(first)
}

/// The identity number of the `index`-th person. The sequence of a real one has three digits; ours
/// follows the index, so that two people never share a number.
fn id_number(born: Date, index: usize) -> String {
    let first_17 =
        format!("{AREA_CODE}{:04}{:02}{:02}{:03}", born.year(), born.month(), born.day(), index % 1_000);
    let check = check_character(&first_17).unwrap_or('0');
    format!("{first_17}{check}")
}

fn account(bank: usize, index: usize) -> String {
    let body = format!("{ACCOUNT_PREFIX}{:02}{:010}", bank % 100, index + 1);
    format!("{body}{}", luhn(&body))
}

/// The check digit that makes `body` a card number. Source: ISO/IEC 7812-1, annex B.
fn luhn(body: &str) -> u32 {
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            let doubled = if place % 2 == 0 { digit * 2 } else { digit };
            doubled / 10 + doubled % 10
        })
        .sum();
    (10 - sum % 10) % 10
}

/// Six digits that are no pattern, no birthday and not the end of the phone.
fn pin(dice: &mut Dice, born: Date, phone: &str) -> String {
    let (year, month, day) = (born.year(), born.month(), born.day());
    let taboo = [
        format!("{:02}{month:02}{day:02}", year % 100),
        format!("{day:02}{month:02}{:02}", year % 100),
        format!("{month:02}{day:02}{:02}", year % 100),
        format!("{year}{month:02}"),
        format!("{month:02}{year}"),
    ];
    loop {
        let pin = dice.digits(6);
        let mut different: Vec<u8> = pin.bytes().collect();
        let steps: Vec<i16> =
            different.windows(2).map(|pair| i16::from(pair[1]) - i16::from(pair[0])).collect();
        let is_run = steps.iter().all(|step| *step == steps[0]);
        different.sort_unstable();
        different.dedup();
        if different.len() >= 5 && !is_run && !taboo.contains(&pin) && !phone.ends_with(&pin) {
            return pin;
        }
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_digit_is_luhn_s() {
        let check = |body: &str, expect| assert_eq!(luhn(body), expect, "{body}");
        check("7992739871", 3);
        check("453201511283036", 6);
        check("0", 0);
    }
}
