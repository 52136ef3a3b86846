//! A report that anyone can check offline.
//!
//! The file is JSON: `payload` is the report as text, and the signature covers
//! `JIALING-CONFORMANCE-1\n` and that text, byte by byte, so no two programs can read it differently. The
//! page of a report carries the same JSON in its element `report`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::{PublicKey, SigningKey};
use serde::{Deserialize, Serialize};

use crate::Report;

/// What stands before the payload under the signature.
const PREFIX: &str = "JIALING-CONFORMANCE-1\n";
/// What stands before the report in a page.
const IN_PAGE: &str = "<script type=\"application/json\" id=\"report\">";
/// The longest file that is read, bytes.
const MOST_BYTES: usize = 1 << 20;

/// A report and its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedReport {
    /// The report, as the text that is signed.
    pub payload: String,
    /// The id of the key.
    pub serial: String,
    /// The key, PEM: it proves nothing unless it is known from elsewhere.
    pub public_key: String,
    /// Base64.
    pub signature: String,
}

/// Why a file is no report to be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAReport {
    /// Longer than a report is.
    #[error("the file is longer than 1 MiB")]
    TooLong,
    /// No signed report is in it.
    #[error("there is no signed report in the file: {0}")]
    Unreadable(String),
    /// The key is not the one that was expected.
    #[error("it was signed by the key {found}, not by the one you named")]
    OtherKey {
        /// The key that signed.
        found: String,
    },
    /// The signature does not fit the text.
    #[error("the signature does not fit: the report was changed after it was signed")]
    Forged,
}

/// A report whose signature fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The report.
    pub report: Report,
    /// The id of the key that signed.
    pub serial: String,
    /// It is the key that was expected; otherwise only its own word says whose it is.
    pub pinned: bool,
}

/// Signs a report.
///
/// # Panics
/// Never: a report is JSON.
#[must_use]
pub fn sign(report: &Report, key: &SigningKey) -> SignedReport {
    let payload = serde_json::to_string(report).expect("a report is JSON");
    let signature = STANDARD.encode(key.sign(format!("{PREFIX}{payload}").as_bytes()));
    let public = key.public();
    SignedReport { payload, serial: public.id().to_owned(), public_key: public.to_pem(), signature }
}

/// Checks a report's file, JSON or page. `expected` are the keys that may have signed it; where there are
/// none, any may, and the answer says that it is not pinned.
///
/// # Errors
/// [`NotAReport`].
pub fn verify(file: &str, expected: &[PublicKey]) -> Result<Verified, NotAReport> {
    if file.len() > MOST_BYTES {
        return Err(NotAReport::TooLong);
    }
    let unreadable = |error: &dyn std::fmt::Display| NotAReport::Unreadable(error.to_string());
    let text = match file.split_once(IN_PAGE) {
        Some((_, rest)) => rest.split_once("</script>").map_or(rest, |(text, _)| text),
        None => file,
    };
    let signed: SignedReport = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    let key = PublicKey::from_spki_pem(&signed.public_key).map_err(|error| unreadable(&error))?;
    let pinned = expected.iter().any(|known| known.spki_der() == key.spki_der());
    if !expected.is_empty() && !pinned {
        return Err(NotAReport::OtherKey { found: key.id().to_owned() });
    }
    let signature = STANDARD.decode(&signed.signature).map_err(|error| unreadable(&error))?;
    key.verify(format!("{PREFIX}{}", signed.payload).as_bytes(), &signature)
        .map_err(|_| NotAReport::Forged)?;
    let report = serde_json::from_str(&signed.payload).map_err(|error| unreadable(&error))?;
    Ok(Verified { report, serial: key.id().to_owned(), pinned })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, Scenario, Step, System, page};
    use jialing_crypto::Suite;

    fn report() -> Report {
        let step = Step {
            what: "</script><script>alert(1)</script>".into(),
            expected: "200 & more".into(),
            got: "\"quoted\"".into(),
            right: true,
        };
        let outcome = Outcome { scenario: Scenario::Happy, seen: None, steps: vec![step] };
        let system = System { name: "磁器口 <shop>".into(), version: "1".into() };
        Report::new("2026-11-22T08:00:00Z".into(), "sbx_1".into(), "mch_1".into(), system, &[outcome])
    }

    #[test]
    fn a_signed_report_is_read_from_its_file_and_from_its_page() {
        for suite in [Suite::Ed25519, Suite::Sm2Sm3] {
            let key = SigningKey::generate(suite);
            let signed = sign(&report(), &key);
            let json = serde_json::to_string_pretty(&signed).expect("JSON");
            for file in [json, page(&signed).expect("a page")] {
                let verified = verify(&file, &[key.public().clone()]).expect("it fits");
                assert_eq!((verified.report, verified.pinned), (report(), true));
                assert!(!verify(&file, &[]).expect("it fits").pinned);
                let other = SigningKey::generate(suite);
                let refused = verify(&file, &[other.public().clone()]);
                assert_eq!(refused, Err(NotAReport::OtherKey { found: key.public().id().to_owned() }));
            }
        }
    }

    #[test]
    fn a_changed_report_is_refused() {
        let key = SigningKey::generate(Suite::Ed25519);
        let signed = sign(&report(), &key);
        let check = |change: &dyn Fn(&mut SignedReport), expect: &str| {
            let mut changed = signed.clone();
            change(&mut changed);
            let file = serde_json::to_string(&changed).expect("JSON");
            let refused = verify(&file, &[]).expect_err("it is not what was signed").to_string();
            assert!(refused.contains(expect), "{refused}");
        };
        check(&|changed| changed.payload = changed.payload.replace("sbx_1", "sbx_2"), "does not fit");
        check(&|changed| changed.payload.push(' '), "does not fit");
        check(&|changed| changed.signature = STANDARD.encode([0; 64]), "does not fit");
        check(&|changed| changed.signature = "?".into(), "no signed report");
        check(&|changed| changed.public_key = "x".into(), "no signed report");
        assert_eq!(verify(&" ".repeat(MOST_BYTES + 1), &[]), Err(NotAReport::TooLong));
        assert!(matches!(verify("{}", &[]), Err(NotAReport::Unreadable(_))));
    }
}
