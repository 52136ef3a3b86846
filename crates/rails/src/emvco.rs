//! The payload of a merchant's QR code: EMVCo QR Code Specification for Payment Systems,
//! merchant-presented mode, version 1.1.
//!
//! A payload is a list of objects `tag (2 digits) length (2 digits) value`, where the length counts
//! characters. It ends in a CRC over everything before it. [`MerchantCode`] holds what we use and
//! keeps the rest in order, so decoding and encoding again gives the same text.

use std::fmt::Write;

/// The longest payload, in characters: what fits a QR code that phones still read.
pub const MAX_PAYLOAD: usize = 512;

/// Why a text is no merchant's payload, or a code cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCode {
    /// Longer than [`MAX_PAYLOAD`] characters.
    #[error("the payload is longer than 512 characters")]
    TooLong,
    /// Tags and lengths do not work out.
    #[error("the payload is not a list of tag, length and value")]
    Structure,
    /// The CRC is missing, not last, or wrong.
    #[error("the payload's check sum is wrong")]
    Crc,
    /// A tag comes twice.
    #[error("tag {0:02} comes twice")]
    Twice(u8),
    /// A tag that must be there is not.
    #[error("tag {0:02} is missing")]
    Missing(u8),
    /// A value breaks the rule of its tag.
    #[error("the value of tag {0:02} is not allowed")]
    Value(u8),
}

/// One object: a tag and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// 0 to 99.
    pub tag: u8,
    /// 1 to 99 characters.
    pub value: String,
}

impl Object {
    /// An object.
    pub fn new(tag: u8, value: impl Into<String>) -> Self {
        Self { tag, value: value.into() }
    }
}

/// A scheme's template: where the money goes, in the scheme's own terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// 26 to 51.
    pub tag: u8,
    /// The objects inside; the first has tag 0 and names the scheme.
    pub objects: Vec<Object>,
}

/// The merchant's name and city in another language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Localised {
    /// Two letters, ISO 639, such as `ZH`.
    pub language: String,
    /// The name, up to 25 characters.
    pub name: String,
    /// The city, up to 15 characters.
    pub city: Option<String>,
}

/// A merchant's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantCode {
    /// Shown once for one payment (`12`) instead of printed on the wall (`11`).
    pub dynamic: bool,
    /// One or more schemes; the payer's app takes one it knows.
    pub accounts: Vec<Account>,
    /// Merchant category, ISO 18245: four digits.
    pub category: String,
    /// ISO 4217 number: `156` for CNY.
    pub currency: String,
    /// Minor units of a currency with two decimals. `None`: the payer types it.
    pub amount: Option<u64>,
    /// ISO 3166 letters: `CN`.
    pub country: String,
    /// Up to 25 printable ASCII characters.
    pub name: String,
    /// Up to 15 printable ASCII characters.
    pub city: String,
    /// The same in the local language.
    pub localised: Option<Localised>,
    /// Objects of template 62: 1 bill number, 5 reference, 7 terminal, 8 purpose and others.
    pub additional: Vec<Object>,
    /// Objects of other tags, in order; they come before the check sum.
    pub other: Vec<Object>,
}

const FORMAT: u8 = 0;
const INITIATION: u8 = 1;
const CATEGORY: u8 = 52;
const CURRENCY: u8 = 53;
const AMOUNT: u8 = 54;
const COUNTRY: u8 = 58;
const NAME: u8 = 59;
const CITY: u8 = 60;
const ADDITIONAL: u8 = 62;
const CRC: u8 = 63;
const LANGUAGE: u8 = 64;

/// The tags of account templates.
pub const ACCOUNT_TAGS: std::ops::RangeInclusive<u8> = 26..=51;

impl MerchantCode {
    /// The payload to draw.
    ///
    /// # Errors
    /// [`BadCode::Value`] naming the tag whose value is not allowed, [`BadCode::TooLong`].
    pub fn encode(&self) -> Result<String, BadCode> {
        self.check()?;
        let mut objects =
            vec![Object::new(FORMAT, "01"), Object::new(INITIATION, if self.dynamic { "12" } else { "11" })];
        for account in &self.accounts {
            objects.push(Object::new(account.tag, write(&account.objects)?));
        }
        objects.push(Object::new(CATEGORY, &self.category));
        objects.push(Object::new(CURRENCY, &self.currency));
        if let Some(amount) = self.amount {
            objects.push(Object::new(AMOUNT, decimal(amount)));
        }
        objects.push(Object::new(COUNTRY, &self.country));
        objects.push(Object::new(NAME, &self.name));
        objects.push(Object::new(CITY, &self.city));
        if !self.additional.is_empty() {
            objects.push(Object::new(ADDITIONAL, write(&self.additional)?));
        }
        if let Some(localised) = &self.localised {
            let mut inner = vec![Object::new(0, &localised.language), Object::new(1, &localised.name)];
            inner.extend(localised.city.iter().map(|city| Object::new(2, city)));
            objects.push(Object::new(LANGUAGE, write(&inner)?));
        }
        objects.extend(self.other.iter().cloned());
        let mut payload = write(&objects)?;
        payload.push_str("6304");
        let crc = crc16(payload.as_bytes());
        write!(payload, "{crc:04X}").map_err(|_| BadCode::Structure)?;
        if payload.chars().count() > MAX_PAYLOAD {
            return Err(BadCode::TooLong);
        }
        Ok(payload)
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`BadCode`], naming the tag at fault.
    pub fn decode(payload: &str) -> Result<Self, BadCode> {
        if payload.chars().count() > MAX_PAYLOAD {
            return Err(BadCode::TooLong);
        }
        let mut objects = read(check_crc(payload)?)?;
        if objects.first().map(|object| object.tag) != Some(FORMAT) {
            return Err(BadCode::Missing(FORMAT));
        }
        let mut take = |tag| take(&mut objects, tag);
        if take(FORMAT).as_deref() != Some("01") {
            return Err(BadCode::Value(FORMAT));
        }
        let dynamic = match take(INITIATION).as_deref() {
            None | Some("11") => false,
            Some("12") => true,
            Some(_) => return Err(BadCode::Value(INITIATION)),
        };
        let must = |tag, value: Option<String>| value.ok_or(BadCode::Missing(tag));
        let category = must(CATEGORY, take(CATEGORY))?;
        let currency = must(CURRENCY, take(CURRENCY))?;
        let amount = take(AMOUNT).map(|text| minor_units(&text)).transpose()?;
        let country = must(COUNTRY, take(COUNTRY))?;
        let name = must(NAME, take(NAME))?;
        let city = must(CITY, take(CITY))?;
        let additional = take(ADDITIONAL).map(|text| read(&text)).transpose()?;
        let localised = take(LANGUAGE).map(|text| localised(&text)).transpose()?;
        let (accounts, other): (Vec<_>, Vec<_>) =
            objects.into_iter().partition(|object| ACCOUNT_TAGS.contains(&object.tag));
        let accounts = accounts
            .into_iter()
            .map(|object| Ok(Account { tag: object.tag, objects: read(&object.value)? }))
            .collect::<Result<Vec<_>, BadCode>>()?;
        let code = Self {
            dynamic,
            accounts,
            category,
            currency,
            amount,
            country,
            name,
            city,
            localised,
            additional: additional.unwrap_or_default(),
            other,
        };
        code.check()?;
        Ok(code)
    }

    /// The objects of the scheme that names itself `scheme` in its object 0.
    pub fn account_of(&self, scheme: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.objects[0].value == scheme)
    }

    fn check(&self) -> Result<(), BadCode> {
        let require = |holds: bool, tag| if holds { Ok(()) } else { Err(BadCode::Value(tag)) };
        let digits = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
        let ascii = |text: &str, most| {
            (1..=most).contains(&text.len()) && text.bytes().all(|b| (b' '..=b'~').contains(&b))
        };
        require(digits(&self.category, 4), CATEGORY)?;
        require(digits(&self.currency, 3), CURRENCY)?;
        require(self.amount != Some(0), AMOUNT)?;
        let capital = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase());
        require(capital(&self.country), COUNTRY)?;
        require(ascii(&self.name, 25), NAME)?;
        require(ascii(&self.city, 15), CITY)?;
        if self.accounts.is_empty() {
            return Err(BadCode::Missing(*ACCOUNT_TAGS.start()));
        }
        for account in &self.accounts {
            let named = account.objects.first().is_some_and(|first| first.tag == 0);
            require(named && ACCOUNT_TAGS.contains(&account.tag), account.tag)?;
        }
        if let Some(localised) = &self.localised {
            let fits = |text: &str, most| (1..=most).contains(&text.chars().count());
            let city = localised.city.as_deref().is_none_or(|city| fits(city, 15));
            let good = capital(&localised.language) && fits(&localised.name, 25) && city;
            require(good, LANGUAGE)?;
        }
        let ours =
            [FORMAT, INITIATION, CATEGORY, CURRENCY, AMOUNT, COUNTRY, NAME, CITY, ADDITIONAL, CRC, LANGUAGE];
        for object in &self.other {
            let free = !ours.contains(&object.tag) && !ACCOUNT_TAGS.contains(&object.tag);
            require(free, object.tag)?;
        }
        Ok(())
    }
}

/// CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF, nothing reflected.
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 { shifted } else { shifted ^ 0x1021 }
        })
    })
}

/// What stands before the check sum, if that is right. It is the last object: `6304` and four
/// hexadecimal digits in capitals.
fn check_crc(payload: &str) -> Result<&str, BadCode> {
    let at = payload.len().checked_sub(8).ok_or(BadCode::Crc)?;
    let (body, end) = payload.split_at_checked(at).ok_or(BadCode::Crc)?;
    let stated = end.strip_prefix("6304").ok_or(BadCode::Crc)?;
    let crc = crc16(&payload.as_bytes()[..at + 4]);
    if stated == format!("{crc:04X}") { Ok(body) } else { Err(BadCode::Crc) }
}

fn write(objects: &[Object]) -> Result<String, BadCode> {
    let mut text = String::new();
    for (i, object) in objects.iter().enumerate() {
        if objects[..i].iter().any(|before| before.tag == object.tag) {
            return Err(BadCode::Twice(object.tag));
        }
        let length = object.value.chars().count();
        let plain = !object.value.chars().any(char::is_control);
        if object.tag > 99 || !(1..=99).contains(&length) || !plain {
            return Err(BadCode::Value(object.tag));
        }
        write!(text, "{:02}{length:02}{}", object.tag, object.value).map_err(|_| BadCode::Structure)?;
    }
    Ok(text)
}

fn read(text: &str) -> Result<Vec<Object>, BadCode> {
    let mut objects: Vec<Object> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (tag, after) = two_digits(rest)?;
        let (length, after) = two_digits(after)?;
        let end = after
            .char_indices()
            .map(|(at, _)| at)
            .chain([after.len()])
            .nth(usize::from(length))
            .ok_or(BadCode::Structure)?;
        let (value, after) = after.split_at(end);
        if value.is_empty() || value.chars().any(char::is_control) {
            return Err(BadCode::Value(tag));
        }
        if objects.iter().any(|before| before.tag == tag) {
            return Err(BadCode::Twice(tag));
        }
        objects.push(Object::new(tag, value));
        rest = after;
    }
    Ok(objects)
}

fn two_digits(text: &str) -> Result<(u8, &str), BadCode> {
    let (digits, rest) = text.split_at_checked(2).ok_or(BadCode::Structure)?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(BadCode::Structure);
    }
    Ok((digits.parse().map_err(|_| BadCode::Structure)?, rest))
}

fn take(objects: &mut Vec<Object>, tag: u8) -> Option<String> {
    let at = objects.iter().position(|object| object.tag == tag)?;
    Some(objects.remove(at).value)
}

fn localised(text: &str) -> Result<Localised, BadCode> {
    let mut objects = read(text)?;
    let language = take(&mut objects, 0).ok_or(BadCode::Value(LANGUAGE))?;
    let name = take(&mut objects, 1).ok_or(BadCode::Value(LANGUAGE))?;
    let city = take(&mut objects, 2);
    if !objects.is_empty() {
        return Err(BadCode::Value(LANGUAGE));
    }
    Ok(Localised { language, name, city })
}

/// `1250` becomes `12.50`.
fn decimal(amount: u64) -> String {
    format!("{}.{:02}", amount / 100, amount % 100)
}

/// `12.5`, `12.50` and `12` in minor units; at most 13 characters, digits and one point.
fn minor_units(text: &str) -> Result<u64, BadCode> {
    const BAD: BadCode = BadCode::Value(AMOUNT);
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || text.len() > 13 || part.len() > 2 || !digits(whole) || !digits(part) {
        return Err(BAD);
    }
    format!("{whole}{part:0<2}").parse().map_err(|_| BAD)
}
