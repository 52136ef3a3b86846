//! The agreement: its text, its hash, and the owner's signature under it.

use jialing_crypto::hash::HashAlgorithm;
use serde::{Deserialize, Serialize};

use super::review::{log, merchant_of, turn};
use super::store::{self, Row};
use super::{Application, State, rules};
use crate::clock::rfc3339;
use crate::devices::{self, Consent, EvidenceAsk};
use crate::exports::hex;
use crate::id::ApplicationId;
use crate::merchants::{self, RegisterAsk};
use crate::sessions::Actor;
use crate::{App, Code, Problem, Result, Tx};

/// The action that a device signs.
pub const ACTION: &str = "accept_agreement";

/// The versions there were, oldest first; the last one is offered.
const VERSIONS: [&str; 1] = [include_str!("../../agreements/merchant-1.md")];

/// An agreement's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Agreement {
    /// Grows with each text.
    pub version: i64,
    /// SHA-256 of the text's bytes, hexadecimal: what the device signs.
    pub sha256: String,
    /// The text in Chinese and English, Markdown.
    pub text: String,
}

/// The agreement of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = AgreementOffered)]
pub struct Offered {
    /// Which text.
    pub version: i64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
    /// When the owner's device signed it, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub accepted_at: Option<String>,
}

impl Offered {
    pub(super) fn of(row: &Row) -> Option<Self> {
        Some(Self {
            version: row.agreement_version?,
            sha256: row.agreement_sha256.clone()?,
            accepted_at: row.accepted_at.map(rfc3339),
        })
    }
}

/// What the owner's device agreed to.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AgreementAsk)]
pub struct AcceptAsk {
    /// The hash of the text that was shown.
    pub agreement_sha256: String,
    /// The device's signature over the text for `accept_agreement`.
    pub evidence: EvidenceAsk,
}

/// The text of a version.
///
/// # Errors
/// `not_found`.
pub fn text(version: i64) -> Result<Agreement> {
    let place = version.checked_sub(1).and_then(|place| usize::try_from(place).ok());
    let text = place.and_then(|place| VERSIONS.get(place)).ok_or(Problem::new(Code::NotFound))?;
    let sha256 = hex(&HashAlgorithm::Sha256.digest(text.as_bytes()));
    Ok(Agreement { version, sha256, text: (*text).to_owned() })
}

/// The newest text.
///
/// # Errors
/// Never while there is a version.
pub fn newest() -> Result<Agreement> {
    text(VERSIONS.len() as i64)
}

/// Registers the merchant of an approved application and offers the agreement. Done again, it changes nothing.
pub(super) async fn offer(app: &App, row: Row) -> Result<()> {
    let (agreement, now) = (newest()?, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let row = store::locked(tx, row.id).await?;
            if row.state != State::Approved {
                return Ok(());
            }
            let ask = RegisterAsk {
                organisation_id: row.organisation,
                name_zh: row.name_zh.clone(),
                name_en: row.name_en.clone(),
                mcc: row.mcc.clone(),
                institution: row.institution.clone(),
            };
            let merchant =
                merchants::register_approved(tx, (merchant_of(&row), row.owner), ask, row.kind, now);
            let merchant = merchant.await?;
            store::offer(tx, row.id, merchant, (agreement.version, &agreement.sha256)).await?;
            let row = store::locked(tx, row.id).await?;
            turn(tx, &row, State::AgreementPending, ("platform", "application.offer"), now).await
        })
        .await
}

/// The owner accepts the agreement; then the merchant is active. Done again, it changes nothing.
///
/// # Errors
/// `not_found` unless it is the actor's; `state_conflict` unless the agreement is offered; `conflict` for the
/// hash of another text; what a device's evidence may be refused for.
pub async fn accept(app: &App, actor: &Actor, id: ApplicationId, ask: AcceptAsk) -> Result<Application> {
    let row = super::own(app, actor, id).await?;
    if row.state == State::Active {
        return super::get(app, actor, id).await;
    }
    if row.state != State::AgreementPending {
        return Err(rules::conflict(row.state));
    }
    if row.accepted_at.is_none() {
        let offered = row.agreement_sha256.clone().unwrap_or_default();
        if ask.agreement_sha256 != offered {
            return Err(Problem::new(Code::Conflict)
                .field("agreement_sha256")
                .detail("This is not the hash of the agreement that is offered: read it again."));
        }
        let consent = Consent {
            action: ACTION,
            subject: id.to_string(),
            document: offered,
            expires_at: ask.evidence.expires_at,
            nonce: ask.evidence.nonce.clone(),
        };
        let signed = devices::check_consent(app, actor, &consent, &ask.evidence).await?;
        let (who, now) = (actor.person.to_string(), app.clock.millis());
        app.db
            .write(async move |tx: &mut Tx| {
                let row = store::locked(tx, id).await?;
                if row.accepted_at.is_some() {
                    return Ok(());
                }
                signed.keep(tx).await?;
                store::accept(tx, id, now).await?;
                log(tx, id, (who.clone(), "application.accept"), None, now).await
            })
            .await?;
    }
    let row = super::own(app, actor, id).await?;
    activate(app, row).await?;
    super::get(app, actor, id).await
}

/// Makes the merchant of an application active whose agreement is signed. Done again, it changes nothing.
pub(super) async fn activate(app: &App, row: Row) -> Result<()> {
    if row.state != State::AgreementPending || row.accepted_at.is_none() {
        return Ok(());
    }
    merchants::approve(app, merchant_of(&row), &row.id.to_string()).await?;
    let now = app.clock.millis();
    app.db
        .write(async move |tx: &mut Tx| {
            let row = store::locked(tx, row.id).await?;
            if row.state != State::AgreementPending {
                return Ok(());
            }
            turn(tx, &row, State::Active, ("platform", "application.activate"), now).await
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_agreement_has_the_hash_of_its_text() {
        let newest = newest().expect("there is one");
        assert_eq!(newest.version, VERSIONS.len() as i64);
        assert_eq!(newest.sha256, hex(&HashAlgorithm::Sha256.digest(newest.text.as_bytes())));
        for none in [0, -1, newest.version + 1, i64::MIN + 1, i64::MAX] {
            assert_eq!(text(none).map_err(|problem| problem.code), Err(Code::NotFound), "{none}");
        }
    }
}
