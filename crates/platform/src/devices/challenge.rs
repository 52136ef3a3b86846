//! Challenges: a device proves that it holds a key by signing a fresh text, once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::PublicKey;
use jialing_crypto::hash::HashAlgorithm;
use serde::Serialize;

use super::rules::{self, possession_text};
use super::{DeviceState, NewDevice, store};
use crate::clock::rfc3339;
use crate::id::{ChallengeId, DeviceId, PersonId};
use crate::people::audited;
use crate::sessions::quotas::{self, Quota};
use crate::sessions::{DeviceSignIn, Origin};
use crate::{App, Code, Problem, Result, Tx, policies, text};

/// Characters of a device's name.
pub const MAX_NAME: usize = 64;

/// Something fresh to sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Challenge {
    /// Its id.
    pub challenge_id: ChallengeId,
    /// The random part of the text.
    pub nonce: String,
    /// Until when it can be used, RFC 3339.
    pub expires_at: String,
}

/// Draws a challenge for anybody who asks.
///
/// # Errors
/// `rate_limited` per address.
pub async fn challenge(app: &App, origin: Origin) -> Result<Challenge> {
    let now = app.clock.millis();
    let expires_at = now + policies::number(app, "challenge_validity").await? * 1000;
    let quota = Quota::of(app, "challenges_per_address").await?;
    let address = origin.bucket(app, "challenges");
    let (challenge_id, nonce) = (ChallengeId::new(now), jialing_crypto::random::nonce());
    let kept = nonce.clone();
    app.db
        .write(async move |tx: &mut Tx| {
            if let Some(address) = &address {
                quotas::take(tx, address, now, quota).await?;
            }
            sqlx::query("INSERT INTO device_challenges (id, nonce, expires_at) VALUES ($1, $2, $3)")
                .bind(challenge_id)
                .bind(&kept)
                .bind(expires_at)
                .execute(&mut *tx)
                .await?;
            Ok(())
        })
        .await?;
    Ok(Challenge { challenge_id, nonce, expires_at: rfc3339(expires_at) })
}

/// A new device whose proof holds; bound in the transaction of what allows it.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(super) challenge: ChallengeId,
    pub(super) key: NewKey,
}

/// The key of a new device, for one who proved to hold it.
#[derive(Clone)]
pub(super) struct NewKey {
    pub(super) name: String,
    pub(super) key: PublicKey,
    pub(super) spki_hash: String,
    now: i64,
    most: i64,
}

impl NewKey {
    pub(super) async fn new(app: &App, name: String, key: PublicKey) -> Result<Self> {
        Ok(Self {
            name,
            spki_hash: STANDARD.encode(HashAlgorithm::Sha256.digest(key.spki_der())),
            key,
            now: app.clock.millis(),
            most: policies::number(app, "devices_per_person").await?,
        })
    }
}

/// Checks a new device's name, key and proof, if there is one.
///
/// # Errors
/// `invalid_request`, `proof_of_possession_invalid`.
pub(crate) async fn prepare(app: &App, new: Option<&NewDevice>) -> Result<Option<Prepared>> {
    let Some(new) = new else { return Ok(None) };
    text::line("name", &new.name, MAX_NAME)?;
    let key = new.public_key.key()?;
    verify(app, "bind", new.challenge_id, &key, &new.signature).await?;
    let key = NewKey::new(app, new.name.clone(), key).await?;
    Ok(Some(Prepared { challenge: new.challenge_id, key }))
}

impl Prepared {
    /// Binds the device to `person` and uses the challenge up.
    ///
    /// # Errors
    /// `proof_of_possession_invalid` when the challenge was used meanwhile; `conflict` for a key that
    /// was revoked or is somebody else's; `state_conflict` with too many devices.
    pub(crate) async fn bind(&self, tx: &mut Tx, person: PersonId) -> Result<DeviceId> {
        self.spend(tx).await?;
        self.key.bind(tx, person).await
    }

    /// Uses the challenge up.
    ///
    /// # Errors
    /// `proof_of_possession_invalid` when it was used meanwhile.
    pub(super) async fn spend(&self, tx: &mut Tx) -> Result<()> {
        spend(tx, self.challenge, self.key.now).await
    }
}

impl NewKey {
    /// Binds the device to `person`.
    ///
    /// # Errors
    /// `conflict` for a key that was revoked or is somebody else's; `state_conflict` with too many
    /// devices.
    pub(super) async fn bind(&self, tx: &mut Tx, person: PersonId) -> Result<DeviceId> {
        if let Some((device, owner, state)) = store::by_key(tx, &self.spki_hash).await? {
            return match state {
                DeviceState::Active if owner == person => Ok(device),
                _ => Err(Problem::new(Code::Conflict)
                    .field("public_key")
                    .detail("This key was bound before. Make a new key: a revoked one never comes back.")),
            };
        }
        if store::count_active(tx, person).await? >= self.most {
            return Err(
                Problem::new(Code::StateConflict).detail("Revoke a device first: too many are bound.")
            );
        }
        let device = DeviceId::new(self.now);
        store::insert(tx, device, person, &self.name, &self.key, &self.spki_hash, self.now).await?;
        audited(tx, person, "device.bind", device, None, self.now).await?;
        Ok(device)
    }
}

/// A bound device that proved itself for signing in.
#[derive(Clone, Copy)]
pub(crate) struct Proven {
    device: DeviceId,
    person: PersonId,
    challenge: ChallengeId,
    now: i64,
}

/// Checks that one of `person`'s active devices signed the sign-in text.
///
/// # Errors
/// `device_unknown`, `proof_of_possession_invalid`.
pub(crate) async fn prove(app: &App, person: PersonId, ask: &DeviceSignIn) -> Result<Proven> {
    let device =
        store::of(app, person, ask.device_id).await?.filter(|device| device.state == DeviceState::Active);
    let Some(device) = device else { return Err(Problem::new(Code::DeviceUnknown)) };
    let now = app.clock.millis();
    verify(app, "sign_in", ask.challenge_id, &device.key()?, &ask.signature).await?;
    Ok(Proven { device: ask.device_id, person, challenge: ask.challenge_id, now })
}

impl Proven {
    /// Uses the challenge up, if the device was not revoked meanwhile.
    ///
    /// # Errors
    /// `device_unknown`, `proof_of_possession_invalid`.
    pub(crate) async fn spend(&self, tx: &mut Tx) -> Result<DeviceId> {
        if !store::is_active(tx, self.person, self.device).await? {
            return Err(Problem::new(Code::DeviceUnknown));
        }
        spend(tx, self.challenge, self.now).await?;
        Ok(self.device)
    }
}

/// The random part of a challenge that can still be used.
pub(crate) async fn live_challenge(app: &App, challenge: ChallengeId) -> Result<Option<String>> {
    Ok(sqlx::query_scalar(
        "SELECT nonce FROM device_challenges WHERE id = $1 AND expires_at > $2 AND used_at IS NULL",
    )
    .bind(challenge)
    .bind(app.clock.millis())
    .fetch_optional(app.db.read())
    .await?)
}

async fn verify(
    app: &App,
    action: &str,
    challenge: ChallengeId,
    key: &PublicKey,
    signature: &str,
) -> Result<()> {
    let nonce = live_challenge(app, challenge).await?;
    let signature = rules::base64(signature);
    let (Some(nonce), Some(signature)) = (nonce, signature) else { return Err(invalid()) };
    let text = possession_text(action, challenge, &nonce, key.id());
    key.verify(text.as_bytes(), &signature).map_err(|_| invalid())
}

async fn spend(tx: &mut Tx, challenge: ChallengeId, now: i64) -> Result<()> {
    if spend_challenge(tx, challenge, now).await? { Ok(()) } else { Err(invalid()) }
}

/// Uses a challenge up; false if it is over or somebody was faster.
pub(crate) async fn spend_challenge(tx: &mut Tx, challenge: ChallengeId, now: i64) -> Result<bool> {
    let spent = sqlx::query(
        "UPDATE device_challenges SET used_at = $1 WHERE id = $2 AND used_at IS NULL AND expires_at > $1",
    )
    .bind(now)
    .bind(challenge)
    .execute(&mut *tx)
    .await?;
    Ok(spent.rows_affected() == 1)
}

pub(super) async fn sweep(tx: &mut Tx, before: i64) -> Result<()> {
    sqlx::query("DELETE FROM device_challenges WHERE expires_at < $1").bind(before).execute(&mut *tx).await?;
    Ok(())
}

fn invalid() -> Problem {
    Problem::new(Code::ProofOfPossessionInvalid)
}
