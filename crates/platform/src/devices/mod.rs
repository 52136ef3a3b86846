//! Bound devices: a public key that a person proved to hold, and what it signed.
//!
//! Binding and signing in with a device answer a challenge: a fresh text that the key signs once.
//! The first device is bound while signing up or in; a further one needs a fresh second factor, or is let
//! in by an old one ([`requests`]). A
//! key is bound once, ever, so a revoked device never signs again. Whatever moves money carries the
//! device's signature over a canonical text; text and signature are kept for a dispute, and their
//! digest goes into the journal with the movement.

mod challenge;
pub mod evidence;
pub mod requests;
pub mod rules;
mod store;

use serde::{Deserialize, Serialize};

use crate::id::{ChallengeId, DeviceId, PersonId};
use crate::notices::codes;
use crate::people::audited;
use crate::sessions::{self, Actor};
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx, policies};

pub use challenge::{Challenge, MAX_NAME, challenge};
pub(crate) use challenge::{live_challenge, prepare, prove, spend_challenge};
pub use evidence::{EvidenceAsk, Proof, Signed, Statement, admit, check, check_consent, evidence_of};
pub use rules::{Consent, Evidence, PublicKeyAsk};
pub(crate) use store::Held;

crate::stored! {
    /// Whether a device may sign.
    pub enum DeviceState {
        /// It signs.
        Active = "ACTIVE",
        /// It never signs again.
        Revoked = "REVOKED",
    }
}

/// A bound device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Device {
    /// Its id.
    pub device_id: DeviceId,
    /// What its owner calls it.
    pub name: String,
    /// `ES256` or `ED25519`.
    pub suite: String,
    /// The first 16 hexadecimal digits of the SHA-256 of the key's SPKI.
    pub key_id: String,
    /// Whether it may sign.
    pub state: DeviceState,
    /// When it was bound, RFC 3339.
    pub created_at: String,
    /// When it was revoked, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
}

/// A device to bind, with the proof that it holds its key.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDevice {
    /// The challenge that was signed.
    pub challenge_id: ChallengeId,
    /// The public key.
    pub public_key: PublicKeyAsk,
    /// What its owner calls it, up to 64 characters.
    #[schema(example = "My phone")]
    pub name: String,
    /// The key's signature over the text for `bind`, base64: ES256 as `r || s`.
    pub signature: String,
}

/// A request to bind a device while signed in.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BindAsk {
    /// The device and its proof.
    pub device: NewDevice,
    /// A code for `second_factor`. Only the very first device, soon after signing in, needs none.
    pub code: Option<String>,
}

/// Binds a further device, or the first one soon after signing in. Binding the same key again
/// answers with the device it is.
///
/// # Errors
/// `second_factor_required`, `code_invalid`, `rate_limited`, `proof_of_possession_invalid`;
/// `conflict` for a key that was revoked or is somebody else's; `state_conflict` with too many.
pub async fn bind(app: &App, actor: &Actor, ask: BindAsk) -> Result<Device> {
    let prepared = prepare(app, Some(&ask.device)).await?;
    let Some(prepared) = prepared else { return Err(Problem::new(Code::InvalidRequest)) };
    let code = match &ask.code {
        Some(code) => Some(codes::second_factor(app, actor, Some(code)).await?),
        None => None,
    };
    let fresh_ms = policies::number(app, "fresh_sign_in").await? * 1000;
    let (actor, now) = (*actor, app.clock.millis());
    let device = app
        .db
        .write(async move |tx: &mut Tx| {
            match &code {
                Some(code) => code.spend(tx).await?,
                None => {
                    let fresh = now - sessions::began_at(tx, actor.session).await? < fresh_ms;
                    if !fresh || store::has_any(tx, actor.person).await? {
                        return Err(Problem::new(Code::SecondFactorRequired));
                    }
                }
            }
            let device = prepared.bind(tx, actor.person).await?;
            sessions::bind_device(tx, actor.session, device).await?;
            Ok(device)
        })
        .await?;
    one(app, &actor, device).await
}

/// The actor's devices, newest first, revoked ones too.
///
/// # Errors
/// `invalid_request` for bad cursors.
pub async fn list(app: &App, actor: &Actor, ask: &PageAsk) -> Result<Page<Device>> {
    store::page(app, actor.person, ask).await
}

/// One of the actor's devices.
///
/// # Errors
/// `not_found` when it is not the actor's.
pub async fn one(app: &App, actor: &Actor, device: DeviceId) -> Result<Device> {
    let found = store::of(app, actor.person, device).await?;
    found.map(Device::from).ok_or_else(|| Problem::new(Code::NotFound))
}

/// Revokes one of the actor's devices and ends its sessions. Revoking it again changes nothing.
///
/// # Errors
/// `not_found` when it is not the actor's.
pub async fn revoke(app: &App, actor: &Actor, device: DeviceId) -> Result<Device> {
    let (person, now) = (actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            if store::revoke(tx, person, device, now).await? {
                sessions::end_of_device(tx, device, now).await?;
                let change = Some(("ACTIVE", "REVOKED"));
                audited(tx, person, "device.revoke", device, change, now).await?;
            }
            Ok(())
        })
        .await?;
    one(app, actor, device).await
}

/// Whether the device is the person's and may sign.
pub(crate) async fn active(tx: &mut Tx, person: PersonId, device: DeviceId) -> Result<bool> {
    store::is_active(tx, person, device).await
}

/// Revokes all devices of an erased person.
pub(crate) async fn revoke_all(tx: &mut Tx, person: PersonId, now: i64) -> Result<()> {
    store::revoke_all(tx, person, now).await
}

/// Deletes challenges that are over.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn sweep(tx: &mut Tx, before: i64) -> Result<()> {
    requests::sweep(tx, before).await?;
    challenge::sweep(tx, before).await
}
