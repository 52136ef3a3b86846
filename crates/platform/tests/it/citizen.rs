//! People for tests: they sign up like anybody, and their devices really sign.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jialing_crypto::{SigningKey, Suite};
use jialing_platform::devices::{
    self, BindAsk, Evidence, EvidenceAsk, NewDevice, PublicKeyAsk, rules::possession_text,
};
use jialing_platform::id::{DeviceId, IdentityCheckId, PersonId, WalletId};
use jialing_platform::notices::codes::{self, CodeAsk, Purpose};
use jialing_platform::people::{self, IdentityAsk, Level, SignUpAsk};
use jialing_platform::sessions::{self, Actor, Origin};
use jialing_platform::{App, Money, pins};

use crate::world::World;

/// The password of every citizen.
pub const PASSWORD: &str = "correct horse 9";
/// The PIN of those who have one.
pub const PIN: &str = "284917";

/// A person with a bound device.
pub struct Citizen {
    pub person: PersonId,
    pub actor: Actor,
    pub phone: String,
    pub token: String,
    pub device: DeviceId,
    pub key: SigningKey,
}

/// The address that tests come from; a sandbox does not count it.
pub fn local() -> Origin {
    Origin::of("127.0.0.1".parse().expect("an address"))
}

/// The phone of citizen number `n`.
pub fn phone(n: u32) -> String {
    format!("138{n:08}")
}

/// An identity number with the right check character; different for each `n`.
pub fn identity_number(n: u32) -> String {
    let body = format!("5001011990{:02}{:02}{:03}", n / 28 % 12 + 1, n % 28 + 1, n / 336 % 1000);
    let check = jialing_rails::identity::check_character(&body).expect("17 digits");
    format!("{body}{check}")
}

/// Asks for a code and reads it from the phone. Where it is too early for another, the clock moves.
pub async fn code(world: &World, phone: &str, purpose: Purpose) -> String {
    let ask = || CodeAsk { phone: phone.to_owned(), purpose, language: None };
    if let Err(problem) = codes::send(&world.app, local(), ask()).await {
        wait(world, problem.retry_after);
        codes::send(&world.app, local(), ask()).await.expect("a code can be sent after the wait");
    }
    world.notices.code_for(phone)
}

fn wait(world: &World, seconds: Option<u64>) {
    let seconds = seconds.expect("only an early request is refused");
    world.clock.advance(i64::try_from(seconds).expect("a short wait") * 1000);
}

/// A new device with the given key that answers a fresh challenge.
pub async fn new_device(app: &App, key: &SigningKey) -> NewDevice {
    let challenge = devices::challenge(app, local()).await.expect("a challenge");
    let text = possession_text("bind", challenge.challenge_id, &challenge.nonce, key.public().id());
    NewDevice {
        challenge_id: challenge.challenge_id,
        public_key: PublicKeyAsk::Spki(STANDARD.encode(key.public().spki_der())),
        name: "My phone".into(),
        signature: STANDARD.encode(key.sign(text.as_bytes())),
    }
}

impl Citizen {
    /// Signs up citizen number `n` with an Ed25519 device, without a PIN.
    pub async fn new(world: &World, n: u32) -> Self {
        let phone = phone(n);
        let code = code(world, &phone, Purpose::SignUp).await;
        let key = SigningKey::generate(Suite::Ed25519);
        let device = Some(new_device(&world.app, &key).await);
        let ask = SignUpAsk { phone: phone.clone(), code, password: PASSWORD.into(), device };
        let signed_in = people::sign_up(&world.app, ask).await.expect("a new phone signs up");
        let actor = sessions::authenticate(&world.app, &signed_in.token).await.expect("a fresh session");
        let device = actor.device.expect("the session is bound to the device");
        Self { person: signed_in.person_id, actor, phone, token: signed_in.token, device, key }
    }

    /// The same with a PIN.
    pub async fn with_pin(world: &World, n: u32) -> Self {
        let citizen = Self::new(world, n).await;
        let ask = pins::PinAsk { pin: PIN.into(), code: None };
        pins::set(&world.app, &citizen.actor, ask).await.expect("a first PIN needs no code");
        citizen
    }

    /// The same, known by name and number: wallets of class III.
    pub async fn identified(world: &World, n: u32, name: &str) -> Self {
        let citizen = Self::with_pin(world, n).await;
        let ask = IdentityAsk {
            level: Level::RemotePhoneId,
            name: Some(name.into()),
            id_number: Some(identity_number(n)),
        };
        let id = IdentityCheckId::new(world.clock.millis());
        people::submit(&world.app, &citizen.actor, id, ask).await.expect("the identity is confirmed");
        citizen
    }

    /// A code for `second_factor`, read from the phone.
    pub async fn second_factor(&self, world: &World) -> String {
        if let Err(problem) = codes::send_second_factor(&world.app, &self.actor, local(), None).await {
            wait(world, problem.retry_after);
            codes::send_second_factor(&world.app, &self.actor, local(), None)
                .await
                .expect("a code after the wait");
        }
        world.notices.code_for(&self.phone)
    }

    /// Binds a further device.
    pub async fn bind(&self, world: &World, key: &SigningKey) -> DeviceId {
        let device = new_device(&world.app, key).await;
        let code = Some(self.second_factor(world).await);
        devices::bind(&world.app, &self.actor, BindAsk { device, code }).await.expect("bound").device_id
    }

    /// The device's part of a request: a fresh nonce, an expiry in two minutes, the signature.
    pub fn sign(
        &self,
        world: &World,
        action: &'static str,
        payee: &str,
        amount: u64,
        subject: &str,
        wallet: WalletId,
    ) -> EvidenceAsk {
        let evidence = Evidence {
            action,
            payee: payee.into(),
            amount: Money::fen(amount),
            subject: subject.into(),
            wallet,
            expires_at: world.clock.millis() + 120_000,
            nonce: jialing_crypto::random::nonce(),
        };
        self.sign_evidence(&evidence)
    }

    /// The device's part of a request for exactly this evidence.
    pub fn sign_evidence(&self, evidence: &Evidence) -> EvidenceAsk {
        let text = evidence.text().expect("signable values");
        EvidenceAsk {
            device_id: self.device,
            nonce: evidence.nonce.clone(),
            expires_at: evidence.expires_at,
            signature: STANDARD.encode(self.key.sign(text.as_bytes())),
            passkey: None,
        }
    }
}
