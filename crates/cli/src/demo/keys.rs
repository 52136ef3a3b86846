//! The demonstration's keys: made once, kept in its folder, marked so that production refuses them.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use jialing_crypto::jwe::DecryptionKey;
use jialing_crypto::seal::{BlindIndex, KeyRing, SealAlgorithm, SealKey};
use jialing_crypto::{SigningKey, Suite, random};

use crate::serve::{SANDBOX_MARK, parse_hex};

/// The keys.
pub(crate) struct Keys {
    /// Signs answers, and calls to the city's services.
    pub(crate) platform: SigningKey,
    /// Open the values that callers seal.
    pub(crate) encryption: Vec<DecryptionKey>,
    /// Each bank's treasury signs what it asks of the central bank.
    pub(crate) treasuries: Vec<SigningKey>,
    seal: [u8; 32],
    blind: [u8; 32],
}

impl Keys {
    pub(crate) fn open(folder: &Path, banks: usize) -> Result<Self, String> {
        fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        kept(&folder.join(SANDBOX_MARK), || {
            "Made by `jialing demo`; `jialing serve` refuses the keys beside this file.\n".into()
        })?;
        Ok(Self {
            platform: signing_key(&folder.join("platform.pem"))?,
            encryption: vec![
                decryption_key(&folder.join("encryption-rsa.pem"), Suite::RsaSha256)?,
                decryption_key(&folder.join("encryption-sm2.pem"), Suite::Sm2Sm3)?,
            ],
            treasuries: (0..banks)
                .map(|bank| signing_key(&folder.join(format!("treasury-{bank}.pem"))))
                .collect::<Result<_, _>>()?,
            seal: secret(&folder.join("seal.hex"))?,
            blind: secret(&folder.join("blind.hex"))?,
        })
    }

    pub(crate) fn seal_ring(&self) -> Result<KeyRing, String> {
        let key = SealKey::new(1, SealAlgorithm::Aes256Gcm, &self.seal).map_err(|error| error.to_string())?;
        KeyRing::new(vec![key], 1).map_err(|error| error.to_string())
    }

    pub(crate) fn blind_index(&self) -> BlindIndex {
        BlindIndex::new(self.blind)
    }
}

/// The text kept in `file`, made first if there is none. Only its owner may read it.
pub(super) fn kept(file: &Path, make: impl FnOnce() -> String) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    if !file.exists() {
        let mut open =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(failed)?;
        open.write_all(make().as_bytes()).and_then(|()| open.sync_all()).map_err(failed)?;
    }
    fs::read_to_string(file).map_err(failed)
}

fn signing_key(file: &Path) -> Result<SigningKey, String> {
    let pem = kept(file, || SigningKey::generate(Suite::Ed25519).to_pem().to_string())?;
    SigningKey::from_pkcs8_pem(&pem)
        .map_err(|error| format!("{}: {error}; remove it to begin anew", file.display()))
}

fn decryption_key(file: &Path, suite: Suite) -> Result<DecryptionKey, String> {
    let pem = kept(file, || SigningKey::generate(suite).to_pem().to_string())?;
    DecryptionKey::from_pkcs8_pem(&pem)
        .map_err(|error| format!("{}: {error}; remove it to begin anew", file.display()))
}

fn secret(file: &Path) -> Result<[u8; 32], String> {
    let make = || random::bytes::<32>().iter().map(|byte| format!("{byte:02x}")).collect();
    parse_hex(kept(file, make)?.trim()).ok_or_else(|| format!("{} is damaged", file.display()))
}
