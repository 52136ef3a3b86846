//! Authenticators for tests: a passkey made of a key, and an application that shows codes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::key::signature_to_der;
use jialing_crypto::{SigningKey, Suite, random, totp};
use jialing_platform::devices;
use jialing_platform::factors::{self, AuthenticatorAsk, ConfirmAsk, FactorAsk};
use jialing_platform::passkeys::{
    self, Assertion, Ceremony, CeremonyAssertion, Passkey, PasskeyAsk, ceremony_text,
};
use jialing_platform::{App, Result};

use crate::citizen::{Citizen, local};
use crate::world::World;

/// The page that asks, in every world.
pub const PAGE: &str = "http://localhost:8080";

/// A passkey.
pub struct SoftKey {
    pub key: SigningKey,
    pub credential: Vec<u8>,
    pub count: u32,
    /// Whether its holder is verified at each use.
    pub verifies: bool,
    pub page: String,
}

impl SoftKey {
    pub fn new() -> Self {
        Self {
            key: SigningKey::generate(Suite::Es256),
            credential: random::bytes::<32>().to_vec(),
            count: 0,
            verifies: true,
            page: PAGE.into(),
        }
    }

    fn client(&self, ceremony: &str, text: &str) -> Vec<u8> {
        let challenge = URL_SAFE_NO_PAD.encode(HashAlgorithm::Sha256.digest(text.as_bytes()));
        format!(
            r#"{{"type":"{ceremony}","challenge":"{challenge}","origin":"{}","crossOrigin":false}}"#,
            self.page
        )
        .into_bytes()
    }

    fn head(&self, flags: u8) -> Vec<u8> {
        let flags = flags | if self.verifies { 0x05 } else { 0x01 };
        let rp = HashAlgorithm::Sha256.digest(b"localhost");
        [&rp[..], &[flags], &self.count.to_be_bytes()].concat()
    }

    /// What a browser answers to `navigator.credentials.create` over `text`: client data, attestation.
    pub fn created(&self, text: &str) -> (String, String) {
        let public = self.key.public().raw().to_vec();
        let mut data = self.head(0x40);
        data.extend([0; 16]);
        data.extend((self.credential.len() as u16).to_be_bytes());
        data.extend(&self.credential);
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&public[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&public[33..]);
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).expect("short"));
        object.extend(data);
        (URL_SAFE_NO_PAD.encode(self.client("webauthn.create", text)), URL_SAFE_NO_PAD.encode(object))
    }

    /// What a browser answers to `navigator.credentials.get` over `text`.
    pub fn sign(&mut self, text: &str) -> Assertion {
        self.count += 1;
        let (client, data) = (self.client("webauthn.get", text), self.head(0));
        let signed = [&data[..], &HashAlgorithm::Sha256.digest(&client)].concat();
        let signature = signature_to_der(Suite::Es256, &self.key.sign(&signed)).expect("its own signature");
        Assertion {
            credential_id: URL_SAFE_NO_PAD.encode(&self.credential),
            client_data_json: URL_SAFE_NO_PAD.encode(client),
            authenticator_data: URL_SAFE_NO_PAD.encode(data),
            signature: URL_SAFE_NO_PAD.encode(signature),
        }
    }

    /// What registers it.
    pub async fn ask(&self, app: &App, factor: Option<FactorAsk>) -> PasskeyAsk {
        let drawn = devices::challenge(app, local()).await.expect("a challenge");
        let text = ceremony_text(Ceremony::Register, drawn.challenge_id, &drawn.nonce);
        let (client_data_json, attestation_object) = self.created(&text);
        let (name, challenge_id) = ("My key".into(), drawn.challenge_id);
        PasskeyAsk { name, challenge_id, client_data_json, attestation_object, factor }
    }

    /// Registers it for the citizen.
    pub async fn register(&self, world: &World, citizen: &Citizen) -> Result<Passkey> {
        let ask = self.ask(&world.app, None).await;
        passkeys::register(&world.app, &citizen.actor, local(), ask).await
    }

    /// What it signs over a fresh challenge of the ceremony.
    pub async fn factor(&mut self, app: &App, ceremony: Ceremony) -> FactorAsk {
        let drawn = devices::challenge(app, local()).await.expect("a challenge");
        let signed = self.sign(&ceremony_text(ceremony, drawn.challenge_id, &drawn.nonce));
        let passkey = CeremonyAssertion {
            challenge_id: drawn.challenge_id,
            credential_id: signed.credential_id,
            client_data_json: signed.client_data_json,
            authenticator_data: signed.authenticator_data,
            signature: signed.signature,
        };
        FactorAsk { passkey: Some(passkey), ..FactorAsk::default() }
    }
}

/// An authenticator application.
pub struct Application {
    secret: Vec<u8>,
}

impl Application {
    /// Reads the secret as it is typed in.
    pub fn with(secret: &str) -> Self {
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let (mut bytes, mut held, mut bits) = (Vec::new(), 0u32, 0);
        for letter in secret.bytes() {
            let value = digits.iter().position(|digit| *digit == letter).expect("base32");
            held = (held << 5 | u32::try_from(value).expect("five bits")) & 0xfff;
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                bytes.push((held >> bits & 0xff) as u8);
            }
        }
        Self { secret: bytes }
    }

    /// Enrols one for the citizen, and confirms it; the recovery codes.
    pub async fn enrol(world: &World, citizen: &Citizen) -> (Self, Vec<String>) {
        let made = factors::enrol(&world.app, &citizen.actor, local(), AuthenticatorAsk::default())
            .await
            .expect("the first factor of a fresh session");
        let application = Self::with(&made.secret);
        let ask = ConfirmAsk { totp: application.shows(world) };
        let codes = factors::confirm(&world.app, &citizen.actor, local(), ask).await.expect("confirmed");
        (application, codes.recovery_codes)
    }

    /// What it shows now.
    pub fn shows(&self, world: &World) -> String {
        totp::code(&self.secret, world.clock.wire() / 1000 / totp::STEP_SECONDS)
    }
}
