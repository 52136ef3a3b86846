//! Reasons of ISO 20022 beside the codes of our rail, so that an app sees one code whatever the bank
//! speaks.

use crate::Refusal;
use crate::iso20022::{CodeOr, Reason};

/// The reason that says: no order of this reference was ever received. As in the answer to an
/// investigation; a word of its own here, so that no refusal is taken for it.
pub const NOT_SEEN: &str = "NOOR";

/// A code of our rail, and the reason of the external code sets.
const REASONS: [(&str, &str); 8] = [
    ("INSUFFICIENT_FUNDS", "AM04"),
    ("ACCOUNT_FROZEN", "AC06"),
    ("ACCOUNT_NOT_FOUND", "AC01"),
    ("AGREEMENT_NOT_FOUND", "MD01"),
    ("BAD_AMOUNT", "AM12"),
    ("BAD_CURRENCY", "AM03"),
    ("REFERENCE_REUSED", "AM05"),
    ("TOO_LATE", "TM01"),
];

/// The reason for a code of our rail: of the external set where it has one, else the bank's own word,
/// cut to what fits.
#[must_use]
pub fn to_iso(code: &str) -> CodeOr {
    match REASONS.iter().find(|(ours, _)| *ours == code) {
        Some((_, reason)) => CodeOr::code(reason),
        None => CodeOr::Proprietary(code.chars().take(35).collect()),
    }
}

/// The code of our rail for a reason; the reason itself where there is none.
#[must_use]
pub fn from_iso(reason: &CodeOr) -> &str {
    let text = reason.text();
    match reason {
        CodeOr::Code(_) => REASONS.iter().find(|(_, iso)| *iso == text).map_or(text, |(ours, _)| ours),
        CodeOr::Proprietary(_) => text,
    }
}

/// Whether the reasons say that no such order was ever received.
pub(super) fn is_not_seen(reasons: &[Reason]) -> bool {
    reasons.iter().any(|reason| reason.code == Some(CodeOr::proprietary(NOT_SEEN)))
}

/// The code and the text of the first reason.
pub(super) fn refusal(reasons: &[Reason]) -> Refusal {
    let first = reasons.iter().find(|reason| reason.code.is_some()).or(reasons.first());
    let code = first.and_then(|reason| reason.code.as_ref()).map_or("REFUSED", from_iso);
    let message = first.map(|reason| reason.information.concat()).unwrap_or_default();
    Refusal::new(code, &message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_goes_there_and_back() {
        for (ours, iso) in REASONS {
            assert_eq!(to_iso(ours), CodeOr::code(iso));
            assert_eq!(from_iso(&to_iso(ours)), ours);
        }
        assert_eq!(from_iso(&to_iso("CARD_EXPIRED")), "CARD_EXPIRED");
        assert_eq!(from_iso(&CodeOr::code("AG01")), "AG01");
        assert_eq!(from_iso(&CodeOr::proprietary("AM04")), "AM04", "a bank's own word is its own");
        assert_eq!(to_iso(&"X".repeat(40)).text().len(), 35);
    }

    #[test]
    fn a_refusal_has_the_first_code_and_its_text() {
        let reason = |code: Option<CodeOr>, text: &str| Reason { code, information: vec![text.to_owned()] };
        let of = |reasons: &[Reason]| refusal(reasons);
        assert_eq!(of(&[]), Refusal::new("REFUSED", ""));
        assert_eq!(of(&[reason(None, "no")]), Refusal::new("REFUSED", "no"));
        let two = [reason(None, "a"), reason(Some(CodeOr::code("AM04")), "b")];
        assert_eq!(of(&two), Refusal::new("INSUFFICIENT_FUNDS", "b"));
        assert!(is_not_seen(&[reason(Some(CodeOr::proprietary("NOOR")), "")]));
        assert!(!is_not_seen(&[reason(Some(CodeOr::code("NOOR")), "")]));
    }
}
