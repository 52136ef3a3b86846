//! What a merchant's QR codes look like: EMVCo merchant-presented, one code for one payment, or one that
//! never changes.
//!
//! The template of tag 26 names this scheme and the merchant; the reference label (tag 62, object 5)
//! is the order. A reference label has at most 25 characters and an order's digits are 26, of which
//! the first is always zero: it is left out here and put back when the code is read. A code that never
//! changes names itself in the template instead.

use jialing_rails::emvco::{Account, Localised, MerchantCode, Object};

use super::store::Row;
use crate::id::{self, OrderId, OrderTag, StaticCodeId, StaticCodeTag};
use crate::{App, Code, Problem, Result, Tag, merchants};

/// How this scheme names itself in a code.
pub const SCHEME: &str = "org.jialing";
/// The tag of the scheme's template.
const TEMPLATE: u8 = 26;
/// Inside the template: the merchant.
const MERCHANT: u8 = 1;
/// Inside the template of a code that never changes: which.
const STATIC: u8 = 2;
/// Inside template 62: the reference label.
const REFERENCE: u8 = 5;
/// Inside template 62: the terminal label.
const TERMINAL: u8 = 7;
/// Characters of a name that a code holds.
const NAME: usize = 25;

/// The payload for an order that waits.
///
/// # Errors
/// `internal` if the merchant's names cannot be written into a code.
pub fn payload(app: &App, row: &Row, merchant: &merchants::store::Row) -> Result<String> {
    let reference = Object::new(REFERENCE, &id::digits(row.id.number())[1..]);
    let content = Content {
        dynamic: true,
        amount: Some(row.amount.unsigned_abs()),
        account: None,
        additional: [reference].into_iter().chain(terminal(row.terminal.as_deref())).collect(),
    };
    write(app, merchant, content)
}

/// The payload of a code that never changes; the payer types the amount.
///
/// # Errors
/// `internal` if the merchant's names cannot be written into a code.
pub fn static_payload(
    app: &App,
    code: StaticCodeId,
    till: Option<&str>,
    merchant: &merchants::store::Row,
) -> Result<String> {
    let content = Content {
        dynamic: false,
        amount: None,
        account: Some(Object::new(STATIC, id::digits(code.number()))),
        additional: terminal(till).into_iter().collect(),
    };
    write(app, merchant, content)
}

/// What differs between codes of one merchant.
struct Content {
    dynamic: bool,
    amount: Option<u64>,
    /// A further object of the scheme's template.
    account: Option<Object>,
    additional: Vec<Object>,
}

fn terminal(name: Option<&str>) -> Option<Object> {
    name.map(|name| Object::new(TERMINAL, name))
}

fn write(app: &App, merchant: &merchants::store::Row, content: Content) -> Result<String> {
    let name: String = merchant.name_en.chars().filter(|c| (' '..='~').contains(c)).take(NAME).collect();
    let objects = [Object::new(0, SCHEME), Object::new(MERCHANT, merchant.id.to_string())];
    let code = MerchantCode {
        dynamic: content.dynamic,
        accounts: vec![Account {
            tag: TEMPLATE,
            objects: objects.into_iter().chain(content.account).collect(),
        }],
        category: merchant.mcc.clone(),
        currency: "156".to_owned(),
        amount: content.amount,
        country: "CN".to_owned(),
        name: if name.trim().is_empty() { "MERCHANT".to_owned() } else { name },
        city: app.settings.city_en.clone(),
        localised: Some(Localised {
            language: "ZH".to_owned(),
            name: merchant.name_zh.chars().take(NAME).collect(),
            city: Some(app.settings.city_zh.clone()),
        }),
        additional: content.additional,
        other: Vec::new(),
    };
    code.encode().map_err(Problem::internal)
}

/// What a scanned payload names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// An order, in a code for one payment.
    Order(OrderId),
    /// A code that never changes.
    Static(StaticCodeId),
}

/// What a scanned payload names.
///
/// # Errors
/// `invalid_request` if it is no payload, or not of this scheme.
pub fn named_in(payload: &str) -> Result<Named> {
    let refused = |detail: String| Problem::new(Code::InvalidRequest).field("payload").detail(detail);
    let code = MerchantCode::decode(payload).map_err(|bad| refused(format!("Not a payment code: {bad}.")))?;
    let Some(account) = code.account_of(SCHEME) else {
        return Err(refused("The code belongs to another payment scheme.".to_owned()));
    };
    let object = |objects: &[Object], tag| {
        objects.iter().find(|object| object.tag == tag).map(|object| object.value.clone())
    };
    let named = if code.dynamic {
        object(&code.additional, REFERENCE)
            .and_then(|digits| format!("{}_0{digits}", OrderTag::PREFIX).parse().ok())
            .map(Named::Order)
    } else {
        object(&account.objects, STATIC)
            .and_then(|digits| format!("{}_{digits}", StaticCodeTag::PREFIX).parse().ok())
            .map(Named::Static)
    };
    named.ok_or_else(|| refused("The code names nothing that could be paid.".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_digit_of_an_order_is_zero_for_a_thousand_years() {
        let check = |year: &str| {
            let at: jiff::Timestamp = format!("{year}-12-31T23:59:59Z").parse().expect("a time");
            let digits = id::digits(OrderId::from_parts(at.as_millisecond(), u128::MAX).number());
            assert!(digits.starts_with('0'), "{year}: {digits}");
        };
        check("2026");
        check("3000");
    }

    #[test]
    fn what_is_no_code_of_ours_names_no_order() {
        let check =
            |payload: &str| assert_eq!(named_in(payload).map_err(|p| p.code), Err(Code::InvalidRequest));
        check("");
        check("https://example.org/ord_1");
        check("00020101021226");
    }
}
