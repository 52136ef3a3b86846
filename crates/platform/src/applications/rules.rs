//! What an application must hold, and when it may be changed.

use super::documents::DocumentKind;
use super::{Business, Correction, State};
use crate::merchants;
use crate::{Code, Problem, Result, text};

/// Longest description and longest note, characters.
pub const MAX_TEXT: usize = 500;
/// Longest address, characters.
pub const MAX_ADDRESS: usize = 120;
/// Corrections of one return, at most.
pub const MAX_CORRECTIONS: usize = 30;

/// The fields of a business.
pub const FIELDS: [&str; 10] = [
    "name_zh",
    "name_en",
    "mcc",
    "institution",
    "description",
    "address",
    "website",
    "monthly_volume",
    "contact_name",
    "contact_phone",
];

/// The other form that an operator may ask to correct.
pub const REQUIREMENTS: &str = "requirements";

/// Documents that an application is not submitted without.
pub const NEEDED: [DocumentKind; 3] =
    [DocumentKind::Licence, DocumentKind::LegalRepresentative, DocumentKind::Premises];

/// Checks every field that can be checked alone.
///
/// # Errors
/// `invalid_request` or `amount_invalid`, naming the field.
pub fn check(business: &Business) -> Result<()> {
    text::line("business.name_zh", &business.name_zh, merchants::rules::MAX_NAME)?;
    text::line("business.name_en", &business.name_en, merchants::rules::MAX_NAME)?;
    if business.mcc.len() != 4 || !business.mcc.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Problem::new(Code::InvalidRequest)
            .field("business.mcc")
            .detail("The merchant category code has four digits, as ISO 18245 lists them."));
    }
    text::line("business.description", &business.description, MAX_TEXT)?;
    text::line("business.address", &business.address, MAX_ADDRESS)?;
    business.website.as_deref().map_or(Ok(()), |address| text::url("business.website", address))?;
    business.monthly_volume.positive("business.monthly_volume")?;
    text::line("business.contact_name", &business.contact_name, merchants::rules::MAX_NAME)?;
    phone("business.contact_phone", &business.contact_phone)
}

/// Checks a phone number of any country.
pub(super) fn phone(field: &'static str, text: &str) -> Result<()> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+- ".contains(&byte));
    if !plain || !(5..=15).contains(&digits) || text.len() > 20 {
        return Err(Problem::new(Code::InvalidRequest)
            .field(field)
            .detail("A phone number has from 5 to 15 digits, with +, - and spaces."));
    }
    Ok(())
}

/// Lets pass an application that its owner may change.
///
/// # Errors
/// `state_conflict`.
pub fn editable(state: State) -> Result<()> {
    match state {
        State::Draft | State::Returned => Ok(()),
        _ => Err(conflict(state)),
    }
}

/// The present state does not allow it.
pub(super) fn conflict(state: State) -> Problem {
    Problem::new(Code::StateConflict)
        .detail(format!("The application is {state}."))
        .with("state", state.text())
}

/// Checks that no document is missing.
///
/// # Errors
/// `invalid_request`, naming the first that is.
pub fn complete(stored: &[DocumentKind]) -> Result<()> {
    match NEEDED.iter().find(|needed| !stored.contains(needed)) {
        None => Ok(()),
        Some(missing) => Err(Problem::new(Code::InvalidRequest)
            .field(format!("documents.{missing}"))
            .detail(format!("The document {missing} is missing."))),
    }
}

/// Checks what is to be corrected: at least one thing, each a field that there is.
///
/// # Errors
/// `invalid_request`, naming the field.
pub fn corrections(corrections: &[Correction]) -> Result<()> {
    let refused =
        |field: &str, detail: String| Err(Problem::new(Code::InvalidRequest).field(field).detail(detail));
    if corrections.is_empty() || corrections.len() > MAX_CORRECTIONS {
        return refused("corrections", format!("Name from 1 to {MAX_CORRECTIONS} things to correct."));
    }
    for correction in corrections {
        let is_document = correction
            .field
            .strip_prefix("documents.")
            .is_some_and(|kind| kind.parse::<DocumentKind>().is_ok());
        let is_field = FIELDS.contains(&correction.field.as_str()) || correction.field == REQUIREMENTS;
        if !is_document && !is_field {
            return refused("corrections.field", format!("There is no field {:?}.", correction.field));
        }
        text::line("corrections.note", &correction.note, MAX_TEXT)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Money;

    fn business() -> Business {
        Business {
            name_zh: "磁器口麻花".into(),
            name_en: "Ciqikou Twists".into(),
            mcc: "5812".into(),
            institution: "BKA".into(),
            description: "麻花与点心,堂食与外带".into(),
            address: "磁器口正街 1 号".into(),
            website: None,
            monthly_volume: Money::fen(5_000_000),
            contact_name: "王掌柜".into(),
            contact_phone: "+86 138-0000-0001".into(),
        }
    }

    #[test]
    fn a_business_is_checked_field_by_field() {
        let expect = |change: fn(&mut Business), field: Option<&str>| {
            let mut business = business();
            change(&mut business);
            let found = check(&business).err().and_then(|problem| problem.field);
            assert_eq!(found.as_deref(), field);
        };
        expect(|_| {}, None);
        expect(|b| b.website = Some("https://shop.example/".into()), None);
        expect(|b| b.name_zh = String::new(), Some("business.name_zh"));
        expect(|b| b.name_en = "a\nb".into(), Some("business.name_en"));
        expect(|b| b.mcc = "58".into(), Some("business.mcc"));
        expect(|b| b.description = "x".repeat(501), Some("business.description"));
        expect(|b| b.address = " x".into(), Some("business.address"));
        expect(|b| b.website = Some("shop.example".into()), Some("business.website"));
        expect(|b| b.monthly_volume = Money::fen(0), Some("business.monthly_volume"));
        expect(|b| b.contact_name = String::new(), Some("business.contact_name"));
        expect(|b| b.contact_phone = "call me".into(), Some("business.contact_phone"));
        expect(|b| b.contact_phone = "1234".into(), Some("business.contact_phone"));
    }

    #[test]
    fn every_field_can_be_named_in_a_correction_and_nothing_else() {
        let json = serde_json::to_value(business()).expect("JSON");
        let mut names: Vec<&str> = json.as_object().expect("an object").keys().map(String::as_str).collect();
        let mut fields = FIELDS.to_vec();
        names.sort_unstable();
        fields.sort_unstable();
        assert_eq!(names, fields);
        let one = |field: &str, note: &str| Correction { field: field.into(), note: note.into() };
        let check = |some: &[Correction], field: Option<&str>| {
            let found = corrections(some).err().and_then(|problem| problem.field);
            assert_eq!(found.as_deref(), field, "{some:?}");
        };
        check(&[one("mcc", "5812, not 5813"), one("documents.LICENCE", "the photo is blurred")], None);
        check(&[one(REQUIREMENTS, "the peak is missing")], None);
        check(&[], Some("corrections"));
        check(&vec![one("mcc", "x"); MAX_CORRECTIONS + 1], Some("corrections"));
        check(&[one("state", "x")], Some("corrections.field"));
        check(&[one("documents.SELFIE", "x")], Some("corrections.field"));
        check(&[one("mcc", "")], Some("corrections.note"));
    }

    #[test]
    fn an_application_is_complete_with_every_needed_document() {
        complete(&NEEDED).expect("all of them");
        for missing in NEEDED {
            let some: Vec<_> = NEEDED.into_iter().filter(|kind| *kind != missing).collect();
            let field = complete(&some).expect_err("one is missing").field;
            assert_eq!(field, Some(format!("documents.{missing}")));
        }
    }
}
