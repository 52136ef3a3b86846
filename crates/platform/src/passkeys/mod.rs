//! Passkeys: credentials of WebAuthn, as second factor and in place of the payment PIN.
//!
//! What a passkey signs is never a number without a meaning. Its challenge is the SHA-256 of a text:
//! for a ceremony, one that names the act and a fresh challenge of [`crate::devices::challenge`]
//! ([`ceremony_text`]); for money, the evidence text that the device signs, so that a confirmation
//! holds for this amount, this payee and this order alone, and is used up with the device's nonce.
//!
//! The relying party is the host of the platform's public address, and only that origin may ask. The
//! holder is verified at every use. A count that goes back is refused: the authenticator was copied.

mod rules;
mod store;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::webauthn;
use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::factors::{self, FactorAsk};
use crate::id::{ChallengeId, PasskeyId, PersonId};
use crate::sessions::{Actor, Origin};
use crate::{App, Code, Page, PageAsk, Problem, Result, Tx, devices, people, policies, text};

pub use rules::{Ceremony, ceremony_text};

/// A passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Passkey {
    /// Its id.
    pub id: PasskeyId,
    /// What its owner calls it.
    pub name: String,
    /// The credential's id, base64url.
    pub credential_id: String,
    /// `ES256`, `ED25519` or `SHA256-RSA2048`.
    pub algorithm: String,
    /// Whether it is kept by more than one device.
    pub backed_up: bool,
    /// When it was registered, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was last used, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub last_used_at: Option<String>,
}

/// What a browser needs to make a passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PasskeyOptions {
    /// The relying party's id.
    #[schema(example = "pay.example.cn")]
    pub rp_id: String,
    /// The relying party's name.
    pub rp_name: String,
    /// The account for the authenticator, base64url: nothing personal.
    pub user_id: String,
    /// The account for the holder: the masked phone.
    pub user_name: String,
    /// COSE numbers of the algorithms, the preferred first.
    pub algorithms: Vec<i32>,
    /// Credentials that are there already, base64url.
    pub exclude: Vec<String>,
}

/// A passkey to register.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyAsk {
    /// What its owner calls it, up to 64 characters.
    #[schema(example = "My phone")]
    pub name: String,
    /// The challenge whose `register` text was hashed.
    pub challenge_id: ChallengeId,
    /// `response.clientDataJSON`, base64url.
    pub client_data_json: String,
    /// `response.attestationObject`, base64url.
    pub attestation_object: String,
    /// A second factor. Only the first passkey, soon after signing in, needs none.
    pub factor: Option<FactorAsk>,
}

/// What a passkey signed: the answer of `navigator.credentials.get`, each part in base64url.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PasskeyAssertion)]
pub struct Assertion {
    /// `rawId`.
    pub credential_id: String,
    /// `response.clientDataJSON`.
    pub client_data_json: String,
    /// `response.authenticatorData`.
    pub authenticator_data: String,
    /// `response.signature`.
    pub signature: String,
}

/// What a passkey signed over a ceremony's text.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PasskeyCeremonyAssertion)]
pub struct CeremonyAssertion {
    /// The challenge whose text was hashed.
    pub challenge_id: ChallengeId,
    /// `rawId`, base64url.
    pub credential_id: String,
    /// `response.clientDataJSON`, base64url.
    pub client_data_json: String,
    /// `response.authenticatorData`, base64url.
    pub authenticator_data: String,
    /// `response.signature`, base64url.
    pub signature: String,
}

/// What takes a passkey away.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PasskeyRemoveAsk)]
pub struct RemoveAsk {
    /// A second factor.
    pub factor: Option<FactorAsk>,
}

/// What a browser needs to make a passkey of the actor's.
///
/// # Errors
/// Any fault of the database.
pub async fn options(app: &App, actor: &Actor) -> Result<PasskeyOptions> {
    let exclude = store::credentials(app, actor.person).await?;
    Ok(PasskeyOptions {
        rp_id: rules::rp_id(&app.settings),
        rp_name: "Jialing".into(),
        // The same for all passkeys of a person, so that an authenticator replaces rather than adds.
        user_id: URL_SAFE_NO_PAD.encode(app.blind.of("passkeys.user", &actor.person.to_string())),
        user_name: people::phone_of(app, actor.person)
            .await?
            .map_or_else(String::new, |phone| phone.masked()),
        algorithms: webauthn::ALGORITHMS.to_vec(),
        exclude,
    })
}

/// Registers a passkey.
///
/// # Errors
/// `passkey_invalid`; `second_factor_required` and those of a factor; `conflict` for a credential that
/// is registered; `state_conflict` with too many.
pub async fn register(app: &App, actor: &Actor, origin: Origin, ask: PasskeyAsk) -> Result<Passkey> {
    text::line("name", &ask.name, devices::MAX_NAME)?;
    let text = rules::drawn_text(app, Ceremony::Register, ask.challenge_id).await?;
    let made = webauthn::registered(
        &part("client_data_json", &ask.client_data_json)?,
        &part("attestation_object", &ask.attestation_object)?,
        &rules::expected(&hash(&text), &rules::rp_id(&app.settings), &app.settings),
    )
    .map_err(|unfit| invalid().detail(format!("{unfit}.")))?;
    let allowed = factors::allowed(app, actor, origin, ask.factor.as_ref()).await?;
    let most = policies::number(app, "passkeys_per_person").await?;
    let (actor, now) = (*actor, app.clock.millis());
    let new = store::New {
        id: PasskeyId::new(now),
        person: actor.person,
        name: ask.name,
        credential: URL_SAFE_NO_PAD.encode(&made.credential_id),
        key: made.key,
        count: i64::from(made.count),
        backed_up: made.backed_up,
        now,
    };
    let id = new.id;
    app.db
        .write(async move |tx: &mut Tx| {
            allowed.spend(tx, &actor, now).await?;
            if !devices::spend_challenge(tx, ask.challenge_id, now).await? {
                return Err(invalid());
            }
            if store::count(tx, actor.person).await? >= most {
                return Err(Problem::new(Code::StateConflict)
                    .detail("Remove a passkey first: too many are registered.")
                    .with("limit", most));
            }
            store::insert(tx, &new).await?;
            factors::told(tx, actor.person, "passkey.add", id, now).await
        })
        .await?;
    store::of(app, actor.person, id).await?.ok_or_else(|| Problem::new(Code::NotFound))
}

/// The actor's passkeys, newest first.
///
/// # Errors
/// `invalid_request` for bad cursors.
pub async fn list(app: &App, actor: &Actor, ask: &PageAsk) -> Result<Page<Passkey>> {
    store::page(app, actor.person, ask).await
}

/// Takes one of the actor's passkeys away.
///
/// # Errors
/// `not_found`; `second_factor_required` and those of a factor.
pub async fn remove(app: &App, actor: &Actor, origin: Origin, id: PasskeyId, ask: RemoveAsk) -> Result<()> {
    if store::of(app, actor.person, id).await?.is_none() {
        return Err(Problem::new(Code::NotFound));
    }
    let factor = factors::required(app, actor, origin, ask.factor.as_ref()).await?;
    let (person, now) = (actor.person, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            factor.spend(tx).await?;
            if !store::remove(tx, person, id).await? {
                return Err(Problem::new(Code::NotFound));
            }
            factors::told(tx, person, "passkey.remove", id, now).await
        })
        .await
}

/// A use of a passkey that fits, to be counted in the transaction of what it allows.
#[derive(Clone)]
pub struct Used {
    id: PasskeyId,
    person: PersonId,
    challenge: Option<ChallengeId>,
    count: i64,
    backed_up: bool,
    now: i64,
}

/// Checks that one of `person`'s passkeys signed `text`; nothing is written yet.
///
/// # Errors
/// `passkey_invalid`, without telling what does not fit.
pub(crate) async fn check(app: &App, person: PersonId, text: &str, ask: &Assertion) -> Result<Used> {
    // The same bytes as a browser's, whatever alphabet they were sent in.
    let credential = URL_SAFE_NO_PAD.encode(part("credential_id", &ask.credential_id)?);
    let known = store::by_credential(app, person, &credential).await?.ok_or_else(invalid)?;
    let used = webauthn::asserted(
        &part("client_data_json", &ask.client_data_json)?,
        &part("authenticator_data", &ask.authenticator_data)?,
        &part("signature", &ask.signature)?,
        &known.key()?,
        &rules::expected(&hash(text), &rules::rp_id(&app.settings), &app.settings),
    )
    .map_err(|_| invalid())?;
    Ok(Used {
        id: known.id,
        person,
        challenge: None,
        count: i64::from(used.count),
        backed_up: used.backed_up,
        now: app.clock.millis(),
    })
}

/// Checks that one of `person`'s passkeys signed the text of `ceremony` over a challenge that lives.
///
/// # Errors
/// `passkey_invalid`.
pub(crate) async fn check_ceremony(
    app: &App,
    person: PersonId,
    ceremony: Ceremony,
    ask: &CeremonyAssertion,
) -> Result<Used> {
    let text = rules::drawn_text(app, ceremony, ask.challenge_id).await?;
    let assertion = Assertion {
        credential_id: ask.credential_id.clone(),
        client_data_json: ask.client_data_json.clone(),
        authenticator_data: ask.authenticator_data.clone(),
        signature: ask.signature.clone(),
    };
    let used = check(app, person, &text, &assertion).await?;
    Ok(Used { challenge: Some(ask.challenge_id), ..used })
}

impl Used {
    /// Counts the use and uses the challenge up, in the transaction of what it allows.
    ///
    /// # Errors
    /// `passkey_invalid` when the passkey was removed meanwhile, its count went back, or somebody was
    /// faster with the challenge.
    pub(crate) async fn keep(&self, tx: &mut Tx) -> Result<()> {
        if !store::used(tx, self.person, self.id, self.count, self.backed_up, self.now).await? {
            return Err(invalid());
        }
        match self.challenge {
            Some(challenge) if !devices::spend_challenge(tx, challenge, self.now).await? => Err(invalid()),
            _ => Ok(()),
        }
    }
}

/// Whether the person has a passkey.
pub(crate) async fn has_any(tx: &mut Tx, person: PersonId) -> Result<bool> {
    Ok(store::count(tx, person).await? > 0)
}

/// Takes all passkeys of an erased person away.
pub(crate) async fn forget(tx: &mut Tx, person: PersonId) -> Result<()> {
    store::remove_all(tx, person).await
}

fn hash(text: &str) -> [u8; 32] {
    HashAlgorithm::Sha256.digest(text.as_bytes())
}

fn part(field: &'static str, text: &str) -> Result<Vec<u8>> {
    let bytes = (text.len() <= webauthn::MAX_PART * 2).then(|| URL_SAFE_NO_PAD.decode(text).ok()).flatten();
    bytes.ok_or_else(|| {
        Problem::new(Code::InvalidRequest).field(field).detail("It is base64url without padding.")
    })
}

pub(crate) fn invalid() -> Problem {
    Problem::new(Code::PasskeyInvalid)
}

/// A passkey's row as the API shows it.
fn resource(row: store::Row) -> Passkey {
    Passkey {
        id: row.id,
        name: row.name,
        credential_id: row.credential,
        algorithm: row.suite,
        backed_up: row.backed_up != 0,
        created_at: rfc3339(row.created_at),
        last_used_at: row.last_used_at.map(rfc3339),
    }
}
