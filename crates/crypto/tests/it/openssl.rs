//! Both directions against the `openssl` program, which shares no code with ours.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::{KeyError, PublicKey, SigningKey, Suite, key};

pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        Command::new("openssl")
            .args(args)
            .current_dir(self.0.path())
            .output()
            .expect("the openssl program is installed")
    }

    pub(crate) fn must(&self, args: &[&str]) -> Vec<u8> {
        let output = self.run(args);
        assert!(output.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

const MESSAGE: &[u8] = "嘉陵江 signs this".as_bytes();

/// What `openssl pkeyutl` needs to be told per suite.
pub(crate) fn digest_options(suite: Suite) -> &'static [&'static str] {
    match suite {
        Suite::Ed25519 => &[],
        Suite::Sm2Sm3 => &["-digest", "sm3", "-pkeyopt", "distid:1234567812345678"],
        Suite::RsaSha256 => &["-digest", "sha256", "-pkeyopt", "rsa_padding_mode:pkcs1"],
        Suite::Es256 => &["-digest", "sha256"],
    }
}

fn generate_options(suite: Suite) -> &'static [&'static str] {
    match suite {
        Suite::Ed25519 => &["-algorithm", "ED25519"],
        Suite::Sm2Sm3 => &["-algorithm", "SM2"],
        Suite::RsaSha256 => &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        Suite::Es256 => &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    }
}

#[test]
fn what_openssl_signs_we_verify() {
    for suite in Suite::ALL {
        let folder = Folder::new();
        folder.write("message", MESSAGE);
        folder.must(&[&["genpkey", "-out", "secret.pem"], generate_options(suite)].concat());
        let public = folder.must(&["pkey", "-in", "secret.pem", "-pubout"]);
        let public = PublicKey::from_spki_pem(std::str::from_utf8(&public).unwrap()).unwrap();
        assert_eq!(public.suite(), suite);

        let sign = ["pkeyutl", "-sign", "-inkey", "secret.pem", "-rawin", "-in", "message"];
        let signature = folder.must(&[&sign[..], digest_options(suite)].concat());
        let signature = key::signature_from_der(suite, &signature).unwrap();
        assert_eq!(public.verify(MESSAGE, &signature), Ok(()), "{suite}");

        let secret = std::fs::read_to_string(folder.path("secret.pem")).unwrap();
        let ours = SigningKey::from_pkcs8_pem(&secret).unwrap();
        assert_eq!(ours.public(), &public, "{suite}");
    }
}

#[test]
fn what_we_sign_openssl_verifies() {
    for suite in Suite::ALL {
        let folder = Folder::new();
        let ours = SigningKey::generate(suite);
        folder.write("message", MESSAGE);
        folder.write("public.pem", ours.public().to_pem());
        folder.write("secret.pem", ours.to_pem().as_bytes());
        let signature = key::signature_to_der(suite, &ours.sign(MESSAGE)).unwrap();
        folder.write("signature", signature);

        let verify = [
            "pkeyutl",
            "-verify",
            "-pubin",
            "-inkey",
            "public.pem",
            "-rawin",
            "-in",
            "message",
            "-sigfile",
            "signature",
        ];
        folder.must(&[&verify[..], digest_options(suite)].concat());
        let public = folder.must(&["pkey", "-in", "secret.pem", "-pubout"]);
        assert_eq!(String::from_utf8(public).unwrap(), ours.public().to_pem());

        folder.write("message", b"another message");
        let refused = folder.run(&[&verify[..], digest_options(suite)].concat());
        assert!(!refused.status.success(), "{suite}");
    }
}

#[test]
fn hashes_agree_with_openssl() {
    let folder = Folder::new();
    let long: Vec<u8> = (0..100_003u32).map(|i| (i * 31 % 251) as u8).collect();
    for len in [0, 1, 55, 56, 63, 64, 65, 119, 128, long.len()] {
        folder.write("data", &long[..len]);
        for (hash, name) in [(HashAlgorithm::Sha256, "-sha256"), (HashAlgorithm::Sm3, "-sm3")] {
            let theirs = folder.must(&["dgst", name, "-binary", "data"]);
            assert_eq!(theirs, hash.digest(&long[..len]), "{name} of {len} bytes");
        }
    }
}

#[test]
fn rsa_keys_that_are_short_or_unsound_are_refused() {
    let folder = Folder::new();
    let short = ["genpkey", "-out", "secret.pem", "-algorithm", "RSA"];
    folder.must(&[&short[..], &["-pkeyopt", "rsa_keygen_bits:1024"]].concat());
    check_refused(&folder);
    // Exponent one makes every message its own signature.
    let modulus = SigningKey::generate(Suite::RsaSha256).public().raw()[..265].to_vec();
    let raw = [&[0x30, 0x82, 0x01, 0x08], &modulus[4..], &[2, 1, 1]].concat();
    assert!(PublicKey::from_raw(Suite::RsaSha256, &raw).is_err());
}

fn check_refused(folder: &Folder) {
    let secret = std::fs::read_to_string(folder.path("secret.pem")).unwrap();
    assert!(matches!(SigningKey::from_pkcs8_pem(&secret), Err(KeyError::Weak(_))));
    let public = folder.must(&["pkey", "-in", "secret.pem", "-pubout"]);
    let public = std::str::from_utf8(&public).unwrap();
    assert!(matches!(PublicKey::from_spki_pem(public), Err(KeyError::Weak(_))));
}

#[test]
fn keys_of_other_curves_are_refused() {
    let folder = Folder::new();
    for curve in ["P-384", "secp256k1"] {
        let option = format!("ec_paramgen_curve:{curve}");
        folder.must(&["genpkey", "-out", "secret.pem", "-algorithm", "EC", "-pkeyopt", &option]);
        check_unknown(&folder.path("secret.pem"));
    }
    folder.must(&["genpkey", "-out", "secret.pem", "-algorithm", "ED448"]);
    check_unknown(&folder.path("secret.pem"));
}

fn check_unknown(secret: &Path) {
    let secret = std::fs::read_to_string(secret).unwrap();
    assert_eq!(SigningKey::from_pkcs8_pem(&secret).err(), Some(KeyError::UnknownAlgorithm));
}

#[test]
fn content_keys_that_openssl_wraps_we_unwrap() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jialing_crypto::jwe::DecryptionKey;
    use jialing_crypto::seal::{SealAlgorithm, SealKey};
    for (suite, alg, enc, cipher, options) in [
        (
            Suite::RsaSha256,
            "RSA-OAEP-256",
            "A256GCM",
            SealAlgorithm::Aes256Gcm,
            &["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256"][..],
        ),
        (Suite::Sm2Sm3, "SM2", "SM4GCM", SealAlgorithm::Sm4Gcm, &[][..]),
    ] {
        let folder = Folder::new();
        folder.must(&[&["genpkey", "-out", "secret.pem"], generate_options(suite)].concat());
        folder.must(&["pkey", "-in", "secret.pem", "-pubout", "-out", "public.pem"]);
        let content_key = vec![7; cipher.key_len()];
        folder.write("content.key", &content_key);
        let encrypt = ["pkeyutl", "-encrypt", "-pubin", "-inkey", "public.pem", "-in", "content.key"];
        let wrapped = folder.must(&[&encrypt[..], options].concat());
        let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{alg}","enc":"{enc}"}}"#));
        let locked = SealKey::new(0, cipher, &content_key).unwrap().lock(MESSAGE, header.as_bytes());
        let (text, tag) = locked.ciphertext.split_at(locked.ciphertext.len() - 16);
        let parts = [&wrapped[..], &locked.nonce, text, tag].map(|part| URL_SAFE_NO_PAD.encode(part));
        let secret = std::fs::read_to_string(folder.path("secret.pem")).unwrap();
        let opened =
            DecryptionKey::from_pkcs8_pem(&secret).unwrap().decrypt(&format!("{header}.{}", parts.join(".")));
        assert_eq!(opened.unwrap().as_slice(), MESSAGE, "{suite}");
    }
}
