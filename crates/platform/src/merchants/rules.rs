//! What a registration must look like, and when two are the same.

use super::{RegisterAsk, store};
use crate::{Code, Problem, Result, text};

/// The lowest wallet class (1 is the highest) whose holder may register a merchant.
pub const LOWEST_CLASS: u8 = 3;
/// Longest name, characters.
pub const MAX_NAME: usize = 60;
/// Longest reason of a decision, characters.
pub const MAX_REASON: usize = 200;

/// Checks every field.
///
/// # Errors
/// `invalid_request`, naming the field.
pub fn check(ask: &RegisterAsk) -> Result<()> {
    text::line("name_zh", &ask.name_zh, MAX_NAME)?;
    text::line("name_en", &ask.name_en, MAX_NAME)?;
    if ask.mcc.len() != 4 || !ask.mcc.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Problem::new(Code::InvalidRequest)
            .field("mcc")
            .detail("The merchant category code has four digits, as ISO 18245 lists them."));
    }
    Ok(())
}

/// Whether a registration repeats the one that `row` came from.
///
/// # Errors
/// `conflict`, naming the first field that differs.
pub fn same(row: &store::Row, ask: &RegisterAsk) -> Result<()> {
    let differs = [
        ("name_en", row.name_en != ask.name_en),
        ("mcc", row.mcc != ask.mcc),
        ("institution", row.institution != ask.institution),
    ];
    Problem::conflict_if(differs, |_| {
        "The organisation has a merchant of this name, registered with other data.".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::OrganisationId;

    #[test]
    fn a_registration_is_checked_field_by_field() {
        let ask = |name_zh: &str, name_en: &str, mcc: &str| RegisterAsk {
            organisation_id: OrganisationId::from_parts(0, 16),
            name_zh: name_zh.into(),
            name_en: name_en.into(),
            mcc: mcc.into(),
            institution: "BKA".into(),
        };
        let expect = |ask: RegisterAsk, field: Option<&str>| {
            assert_eq!(check(&ask).err().and_then(|p| p.field).as_deref(), field, "{ask:?}");
        };
        expect(ask("小面馆", "Noodles", "5812"), None);
        expect(ask("", "Noodles", "5812"), Some("name_zh"));
        expect(ask("小面馆", "Noo\tdles", "5812"), Some("name_en"));
        expect(ask("小面馆", "Noodles", "58"), Some("mcc"));
        expect(ask("小面馆", "Noodles", "581x"), Some("mcc"));
    }
}
