//! What is kept of a sandbox beside its platform's own data: who may use it, its keys, its people.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jialing_crypto::jwe::DecryptionKey;
use jialing_crypto::seal::{BlindIndex, KeyRing, SealAlgorithm, SealKey};
use jialing_crypto::{PublicKey, SigningKey, Suite, random};
use serde::{Deserialize, Serialize};

use crate::actors::{KeptPayer, KeptSeller};
use crate::payers::Manner;

/// The file in a sandbox's folder that holds [`Kept`].
const FILE: &str = "sandbox.json";
/// A file of this name tells `jialing serve` that the keys beside it are a sandbox's.
const MARK: &str = "SANDBOX-KEYS";

/// A sandbox's card. It holds secrets of invented people and test keys; only its owner reads the file.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// `sbx_…`.
    pub(crate) id: String,
    /// What its maker calls it.
    pub(crate) name: String,
    /// SHA-256 of the token, hexadecimal: the token itself is told once.
    pub(crate) token_sha256: String,
    /// Unix seconds, real time.
    pub(crate) created_at: i64,
    /// Unix seconds, real time.
    pub(crate) used_at: i64,
    /// How far its clock is before real time, milliseconds.
    pub(crate) ahead_ms: i64,
    /// How its payers pay.
    pub(crate) manner: Manner,
    /// The merchant, once everything is settled.
    pub(crate) merchant: Option<KeptSeller>,
    /// The payers, once settled; the last one has no money.
    pub(crate) payers: Vec<KeptPayer>,
    /// Public keys that signed answers before the present one, newest first; PEM.
    #[serde(default)]
    pub(crate) retired: Vec<String>,
}

impl Kept {
    /// The card in `folder`.
    pub(crate) fn read(folder: &Path) -> Result<Self, String> {
        let file = folder.join(FILE);
        let bytes = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", file.display()))
    }

    /// Replaces the card in `folder` whole.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), String> {
        let file = folder.join(FILE);
        let failed = |error: std::io::Error| format!("{}: {error}", file.display());
        let fresh = file.with_extension("new");
        let bytes = serde_json::to_vec_pretty(self).map_err(|error| error.to_string())?;
        let mut open = private(fs::OpenOptions::new().create(true).truncate(true), &fresh).map_err(failed)?;
        open.write_all(&bytes).and_then(|()| open.sync_all()).map_err(failed)?;
        fs::rename(&fresh, &file).map_err(failed)
    }

    /// The keys that signed answers before the present one.
    pub(crate) fn retired(&self) -> Vec<PublicKey> {
        self.retired.iter().filter_map(|pem| PublicKey::from_spki_pem(pem).ok()).collect()
    }
}

fn private(options: &mut fs::OpenOptions, file: &Path) -> std::io::Result<fs::File> {
    options.write(true).mode(0o600).open(file)
}

/// A sandbox's own keys.
pub(crate) struct Keys {
    /// Signs answers and notices.
    pub(crate) answers: SigningKey,
    /// Signs calls to the bank, the identity and the notice service.
    pub(crate) rails: SigningKey,
    /// Signs what the bank asks of the central bank.
    pub(crate) treasury: SigningKey,
    /// Open the values that callers seal.
    pub(crate) encryption: Vec<DecryptionKey>,
    seal: [u8; 32],
    blind: [u8; 32],
}

impl Keys {
    /// The keys in `folder`, made first where there are none.
    pub(crate) fn open(folder: &Path) -> Result<Self, String> {
        fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        text(&folder.join(MARK), || "Keys of a sandbox; `jialing serve` refuses them.\n".into())?;
        Ok(Self {
            answers: signing_key(&answers_file(folder))?,
            rails: signing_key(&folder.join("rails.pem"))?,
            treasury: signing_key(&folder.join("treasury.pem"))?,
            encryption: vec![
                decryption_key(&folder.join("encryption-rsa.pem"), Suite::RsaSha256)?,
                decryption_key(&folder.join("encryption-sm2.pem"), Suite::Sm2Sm3)?,
            ],
            seal: secret(&folder.join("seal.hex"))?,
            blind: secret(&folder.join("blind.hex"))?,
        })
    }

    /// A new key for answers, from the next opening on; the public half of the present one, PEM.
    pub(crate) fn rotate(folder: &Path) -> Result<String, String> {
        let file = answers_file(folder);
        let present = signing_key(&file)?;
        fs::remove_file(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        signing_key(&file)?;
        Ok(present.public().to_pem())
    }

    pub(crate) fn seal_ring(&self) -> Result<KeyRing, String> {
        let key = SealKey::new(1, SealAlgorithm::Aes256Gcm, &self.seal).map_err(|error| error.to_string())?;
        KeyRing::new(vec![key], 1).map_err(|error| error.to_string())
    }

    pub(crate) fn blind_index(&self) -> BlindIndex {
        BlindIndex::new(self.blind)
    }
}

fn answers_file(folder: &Path) -> PathBuf {
    folder.join("answers.pem")
}

/// The text kept in `file`, made first if there is none.
fn text(file: &Path, make: impl FnOnce() -> String) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    if !file.exists() {
        let mut open = private(fs::OpenOptions::new().create_new(true), file).map_err(failed)?;
        open.write_all(make().as_bytes()).map_err(failed)?;
    }
    fs::read_to_string(file).map_err(failed)
}

fn decryption_key(file: &Path, suite: Suite) -> Result<DecryptionKey, String> {
    let pem = text(file, || SigningKey::generate(suite).to_pem().to_string())?;
    DecryptionKey::from_pkcs8_pem(&pem).map_err(|error| format!("{}: {error}", file.display()))
}

fn signing_key(file: &Path) -> Result<SigningKey, String> {
    let pem = text(file, || SigningKey::generate(Suite::Ed25519).to_pem().to_string())?;
    SigningKey::from_pkcs8_pem(&pem).map_err(|error| format!("{}: {error}", file.display()))
}

fn secret(file: &Path) -> Result<[u8; 32], String> {
    let kept = text(file, || hex::encode(random::bytes::<32>()))?;
    let bytes = hex::decode(kept.trim()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| format!("{} is damaged", file.display()))
}
