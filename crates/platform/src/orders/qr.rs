//! What an order looks like as a QR code: EMVCo merchant-presented, one code for one payment.
//!
//! The template of tag 26 names this scheme and the merchant; the reference label (tag 62, object 5)
//! is the order. A reference label has at most 25 characters and an order's digits are 26, of which
//! the first is always zero: it is left out here and put back when the code is read.

use jialing_rails::emvco::{Account, Localised, MerchantCode, Object};

use super::store::Row;
use crate::id::{self, OrderId, OrderTag};
use crate::{App, Code, Problem, Result, Tag, merchants};

/// How this scheme names itself in a code.
pub const SCHEME: &str = "org.jialing";
/// The tag of the scheme's template.
const TEMPLATE: u8 = 26;
/// Inside the template: the merchant.
const MERCHANT: u8 = 1;
/// Inside template 62: the reference label.
const REFERENCE: u8 = 5;
/// Characters of a name that a code holds.
const NAME: usize = 25;

/// The payload for an order that waits.
///
/// # Errors
/// `internal` if the merchant's names cannot be written into a code.
pub fn payload(app: &App, row: &Row, merchant: &merchants::store::Row) -> Result<String> {
    let name: String = merchant.name_en.chars().filter(|c| (' '..='~').contains(c)).take(NAME).collect();
    let code = MerchantCode {
        dynamic: true,
        accounts: vec![Account {
            tag: TEMPLATE,
            objects: vec![Object::new(0, SCHEME), Object::new(MERCHANT, row.merchant.to_string())],
        }],
        category: merchant.mcc.clone(),
        currency: "156".to_owned(),
        amount: Some(row.amount.unsigned_abs()),
        country: "CN".to_owned(),
        name: if name.trim().is_empty() { "MERCHANT".to_owned() } else { name },
        city: app.settings.city_en.clone(),
        localised: Some(Localised {
            language: "ZH".to_owned(),
            name: merchant.name_zh.chars().take(NAME).collect(),
            city: Some(app.settings.city_zh.clone()),
        }),
        additional: vec![Object::new(REFERENCE, &id::digits(row.id.number())[1..])],
        other: Vec::new(),
    };
    code.encode().map_err(Problem::internal)
}

/// The order that a scanned payload names.
///
/// # Errors
/// `invalid_request` if it is no payload, or not of this scheme.
pub fn order_in(payload: &str) -> Result<OrderId> {
    let refused = |detail: String| Problem::new(Code::InvalidRequest).field("payload").detail(detail);
    let code = MerchantCode::decode(payload).map_err(|bad| refused(format!("Not a payment code: {bad}.")))?;
    if code.account_of(SCHEME).is_none() {
        return Err(refused("The code belongs to another payment scheme.".to_owned()));
    }
    let reference = code.additional.iter().find(|object| object.tag == REFERENCE);
    reference
        .and_then(|object| format!("{}_0{}", OrderTag::PREFIX, object.value).parse().ok())
        .ok_or_else(|| refused("The code names no order.".to_owned()))
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
            |payload: &str| assert_eq!(order_in(payload).map_err(|p| p.code), Err(Code::InvalidRequest));
        check("");
        check("https://example.org/ord_1");
        check("00020101021226");
    }
}
