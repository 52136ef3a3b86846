//! `jialing serve`: production. Refuses to start half safe, and says every reason at once.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jialing_crypto::jwe::DecryptionKey;
use jialing_crypto::seal::{BlindIndex, KeyRing, SealAlgorithm, SealKey};
use jialing_crypto::{PublicKey, SigningKey};
use jialing_gateway::{BulkConfig, BulkLimits, EdgeConfig, Limits, OperatorKey, applications};
use jialing_journal::Suite;
use jialing_platform::institutions::Founding;
use jialing_platform::witnesses::{Asked, Policy};
use jialing_platform::{Clock, Settings};
use jialing_rails::bank::{Dialect, OurSide};
use jialing_rails::iso20022::Lei;
use jialing_rails::{CallLimits, Peer};
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::house::{Door, House, Plan, Size, listen_for_stop, suite, witness};
use crate::{Done, runtime};

/// A file of this name in a folder of keys says that they were made for a sandbox.
pub(crate) const SANDBOX_MARK: &str = "SANDBOX-KEYS";

/// Arguments of `jialing serve`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The configuration file; docs/operate/configuration.md explains every entry
    #[arg(long)]
    config: PathBuf,
}

/// The configuration. Paths are taken from the configuration's folder; unknown entries are refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    data: PathBuf,
    listen: SocketAddr,
    origin: String,
    /// How the ledger's log hashes and signs.
    suite: Option<String>,
    database: Option<String>,
    #[serde(default)]
    settings: Settings,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    trusted_proxies: u8,
    metrics_token_file: Option<PathBuf>,
    /// Cosignatures that a published checkpoint and a receipt should have.
    #[serde(default)]
    witness_quorum: usize,
    witness_every_ms: Option<u64>,
    witness_wait_ms: Option<u64>,
    #[serde(default, rename = "witness")]
    witnesses: Vec<WitnessFile>,
    /// Who reviews applications, and with which keys.
    #[serde(default)]
    operators: Vec<OperatorFile>,
    /// Takes banks' bulk work.
    bulk: Option<BulkFile>,
    keys: Keys,
    institutions: Vec<toml::Value>,
    banks: BTreeMap<String, BankFile>,
    identity: PeerFile,
    notices: PeerFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// Sign answers and callbacks; PKCS#8 PEM.
    answers: Vec<PathBuf>,
    /// Public keys that signed answers once; PEM.
    #[serde(default)]
    retired: Vec<PathBuf>,
    /// May have signed conformance reports; PEM.
    #[serde(default)]
    conformance: Vec<PathBuf>,
    /// Open values that callers seal; PKCS#8 PEM, RSA or SM2.
    #[serde(default)]
    encryption: Vec<PathBuf>,
    /// Seals personal data: 64 hexadecimal digits.
    seal: PathBuf,
    /// Makes sealed values findable: 64 hexadecimal digits.
    blind: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PeerFile {
    url: String,
    caller_id: String,
    key: PathBuf,
    peer_keys: Vec<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BankFile {
    url: String,
    caller_id: String,
    key: PathBuf,
    peer_keys: Vec<PathBuf>,
    /// What the bank speaks about movements.
    #[serde(default)]
    dialect: Dialect,
    /// Our legal entity identifier, in ISO 20022 messages.
    lei: Option<String>,
    /// Our settlement account with the bank, in ISO 20022 messages.
    account: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BulkFile {
    /// Address and port.
    listen: SocketAddr,
    #[serde(default)]
    limits: BulkLimits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperatorFile {
    /// The name in the record: 1 to 64 of `A-Z a-z 0-9 _ - .`.
    name: String,
    /// The public key; PEM.
    key: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WitnessFile {
    /// The submission prefix.
    url: String,
    /// The witness's verifier key.
    key: String,
}

pub(crate) fn run(args: &Args) -> Done {
    crate::log::start();
    let base = args.config.parent().unwrap_or(Path::new(".")).to_owned();
    let text = fs::read_to_string(&args.config)
        .map_err(|error| format!("cannot read {}: {error}", args.config.display()))?;
    let file: File = toml::from_str(&text).map_err(|error| format!("{}: {error}", args.config.display()))?;
    let mut checked = Checked { base, refusals: Vec::new() };
    let listen = file.listen;
    let prepared = checked.plan(file);
    if !checked.refusals.is_empty() {
        return Err(format!("will not start:\n  - {}", checked.refusals.join("\n  - ")));
    }
    let prepared = prepared.ok_or("the configuration is incomplete")?;
    runtime()?.block_on(async {
        let listener =
            TcpListener::bind(listen).await.map_err(|error| format!("cannot listen on {listen}: {error}"))?;
        let stop = listen_for_stop()?;
        let house = House::open(prepared(listener)).await?;
        tracing::info!(
            records = house.opened.records,
            replayed = house.opened.replayed,
            torn_bytes = house.opened.torn_bytes,
            "the ledger is open"
        );
        println!("ready {}", house.url());
        let ended = house.until_stopped(stop).await;
        house.stop().await;
        ended.map(|()| ExitCode::SUCCESS)
    })
}

/// Reads keys and collects every reason not to start, so that an operator mends them in one go.
struct Checked {
    base: PathBuf,
    refusals: Vec<String>,
}

impl Checked {
    fn plan(&mut self, file: File) -> Option<impl FnOnce(TcpListener) -> Plan + use<>> {
        if file.settings.sandbox {
            self.refusals.push(
                "settings.sandbox is for sandboxes: it shows signed texts and codes; set it to false".into(),
            );
        }
        if file.settings.inbox.is_some() {
            self.refusals.push("settings.inbox shows people's one-time codes; remove it".into());
        }
        if file.settings.cheap_passwords {
            self.refusals.push("settings.cheap_passwords makes passwords easy to guess from a stolen database; set it to false".into());
        }
        if !file.settings.public_url.starts_with("https://") {
            self.refusals.push(format!(
                "settings.public_url is {:?}; people's apps need an https:// address",
                file.settings.public_url
            ));
        }
        let answers: Vec<SigningKey> =
            file.keys.answers.iter().filter_map(|path| self.signing_key(path)).collect();
        if file.keys.answers.is_empty() {
            self.refusals.push("keys.answers names no key; merchants could not check answers".into());
        }
        let encryption: Vec<DecryptionKey> =
            file.keys.encryption.iter().filter_map(|path| self.decryption_key(path)).collect();
        if encryption.iter().any(|key| answers.iter().any(|signs| signs.public() == key.public().key())) {
            self.refusals
                .push("keys.encryption: a key that signs answers must not open values; make another".into());
        }
        let seal = self.secret("keys.seal", &file.keys.seal);
        let blind = self.secret("keys.blind", &file.keys.blind);
        if seal.is_some() && seal == blind {
            self.refusals.push("keys.seal and keys.blind are the same secret; make two".into());
        }
        let (witnesses, policy) = self.witnesses(&file);
        let suite = file.suite.as_deref().map_or(Ok(Suite::default()), suite);
        let suite = suite.map_err(|error| self.refusals.push(error)).ok();
        let iso20022: BTreeMap<_, _> = file
            .banks
            .iter()
            .filter_map(|(code, bank)| Some((code.clone(), self.our_side(code, bank)?)))
            .collect();
        let banks: BTreeMap<_, _> = file
            .banks
            .into_iter()
            .filter_map(|(code, BankFile { url, caller_id, key, peer_keys, .. })| {
                let peer = self.peer(&code, PeerFile { url, caller_id, key, peer_keys })?;
                Some((code, peer))
            })
            .collect();
        let identity = self.peer("identity", file.identity);
        let notices = self.peer("notices", file.notices);
        let founding = self.founding(file.institutions);
        let retired =
            file.keys.retired.iter().filter_map(|path| self.public_key("keys.retired", path)).collect();
        let conformance = file
            .keys
            .conformance
            .iter()
            .filter_map(|path| self.public_key("keys.conformance", path))
            .collect();
        let metrics_token = file
            .metrics_token_file
            .and_then(|path| self.read_secret(&path))
            .map(|token| token.trim().to_owned());
        let seal = SealKey::new(1, SealAlgorithm::Aes256Gcm, &seal?)
            .ok()
            .and_then(|key| KeyRing::new(vec![key], 1).ok())?;
        let (blind, data) = (BlindIndex::new(blind?), self.base.join(file.data));
        let bulk = file
            .bulk
            .map(|bulk| BulkConfig { limits: bulk.limits, ..BulkConfig::new(bulk.listen, answers.clone()) });
        let operators = self.operators(&file.operators);
        let mut edge = EdgeConfig::new(answers);
        edge.operators = operators;
        edge.conformance_keys = conformance;
        edge.decryption_keys = encryption;
        edge.listen = file.listen;
        edge.retired_keys = retired;
        edge.limits = file.limits;
        edge.trusted_proxies = file.trusted_proxies;
        edge.metrics_token = metrics_token;
        edge.assets = applications();
        let (identity, notices, founding, suite) = (identity?, notices?, founding?, suite?);
        Some(move |listener| Plan {
            data,
            database: file.database,
            origin: file.origin,
            suite,
            settings: file.settings,
            founding,
            banks,
            iso20022,
            identity,
            notices,
            seal,
            blind,
            witnesses,
            policy,
            edge,
            bulk,
            door: Door::Listen(listener),
            clock: Clock::default(),
            size: Size::City,
        })
    }

    /// A file that only its owner may read, and that was not made for a sandbox.
    fn read_secret(&mut self, path: &Path) -> Option<String> {
        let path = self.base.join(path);
        let mode = match fs::metadata(&path) {
            Ok(meta) => meta.permissions().mode() & 0o777,
            Err(error) => {
                self.refusals.push(format!("{}: {error}", path.display()));
                return None;
            }
        };
        if mode & 0o077 != 0 {
            self.refusals.push(format!(
                "{} can be read by others (mode {mode:o}); run chmod 600 on it",
                path.display()
            ));
        }
        if path.parent().is_some_and(|folder| folder.join(SANDBOX_MARK).exists()) {
            self.refusals.push(format!("{} was made for a sandbox ({SANDBOX_MARK} stands beside it); make keys with `jialing keys generate`", path.display()));
        }
        fs::read_to_string(&path)
            .map_err(|error| self.refusals.push(format!("{}: {error}", path.display())))
            .ok()
    }

    fn signing_key(&mut self, path: &Path) -> Option<SigningKey> {
        let pem = self.read_secret(path)?;
        SigningKey::from_pkcs8_pem(&pem)
            .map_err(|error| self.refusals.push(format!("{}: {error}", path.display())))
            .ok()
    }

    fn decryption_key(&mut self, path: &Path) -> Option<DecryptionKey> {
        let pem = self.read_secret(path)?;
        DecryptionKey::from_pkcs8_pem(&pem)
            .map_err(|error| self.refusals.push(format!("{}: {error}", path.display())))
            .ok()
    }

    fn secret(&mut self, name: &str, path: &Path) -> Option<[u8; 32]> {
        let text = self.read_secret(path)?;
        let Some(secret) = parse_hex(text.trim()) else {
            self.refusals.push(format!(
                "{name}: {} must hold 64 hexadecimal digits; make them with `openssl rand -hex 32`",
                path.display()
            ));
            return None;
        };
        // A secret that somebody typed or that a sandbox uses is none.
        if secret.iter().all(|byte| *byte == secret[0])
            || secret.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1))
        {
            self.refusals.push(format!(
                "{name}: {} holds a default secret; make one with `openssl rand -hex 32`",
                path.display()
            ));
        }
        Some(secret)
    }

    fn peer(&mut self, name: &str, file: PeerFile) -> Option<Peer> {
        let key = self.signing_key(&file.key);
        let peer_keys = file.peer_keys.iter().filter_map(|path| self.public_key(name, path)).collect();
        Some(Peer {
            name: name.to_owned(),
            base_url: file.url,
            caller_id: file.caller_id,
            key: key?,
            peer_keys,
            limits: CallLimits::default(),
        })
    }

    /// How we appear to a bank, if it speaks ISO 20022.
    fn our_side(&mut self, code: &str, bank: &BankFile) -> Option<OurSide> {
        if bank.dialect == Dialect::Json {
            if bank.lei.is_some() || bank.account.is_some() {
                self.refusals
                    .push(format!("banks.{code}: lei and account are for dialect = \"iso20022\" only"));
            }
            return None;
        }
        let lei = bank.lei.as_deref().map(|text| Lei::parse(text).ok_or(text));
        if let Some(Err(text)) = lei {
            self.refusals.push(format!("banks.{code}: {text:?} is no legal entity identifier"));
        }
        if bank.account.as_ref().is_some_and(|account| !(1..=34).contains(&account.chars().count())) {
            self.refusals.push(format!("banks.{code}: the account must have 1 to 34 characters"));
        }
        Some(OurSide { lei: lei.and_then(Result::ok), account: bank.account.clone() })
    }

    fn public_key(&mut self, name: &str, path: &Path) -> Option<PublicKey> {
        let path = self.base.join(path);
        fs::read_to_string(&path)
            .map_err(|error| error.to_string())
            .and_then(|pem| PublicKey::from_spki_pem(&pem).map_err(|error| error.to_string()))
            .map_err(|error| self.refusals.push(format!("{name}: {}: {error}", path.display())))
            .ok()
    }

    /// Every operator's key. Nobody may stand for two people: each key has one name.
    fn operators(&mut self, named: &[OperatorFile]) -> Vec<OperatorKey> {
        let mut operators: Vec<OperatorKey> = Vec::new();
        for one in named {
            if !jialing_crypto::http_signature::is_id(&one.name) {
                self.refusals.push(format!("operators: {:?} is no name; use A-Z a-z 0-9 _ - .", one.name));
            }
            let Some(key) = self.public_key("operators", &one.key) else { continue };
            if operators.iter().any(|known| known.key.id() == key.id() && known.name != one.name) {
                self.refusals
                    .push(format!("operators: {} has another's key; approvals need two people", one.name));
            }
            operators.push(OperatorKey { name: one.name.clone(), key });
        }
        operators
    }

    fn witnesses(&mut self, file: &File) -> (Vec<Asked>, Policy) {
        let mut asked = Vec::new();
        for one in &file.witnesses {
            match witness(&one.url, &one.key) {
                Ok(one) => asked.push(one),
                Err(error) => self.refusals.push(error),
            }
        }
        let defaults = Policy::default();
        let policy = Policy {
            quorum: file.witness_quorum,
            every_ms: file.witness_every_ms.unwrap_or(defaults.every_ms),
            wait_ms: file.witness_wait_ms.unwrap_or(defaults.wait_ms),
        };
        if policy.quorum > file.witnesses.len() {
            let named = file.witnesses.len();
            self.refusals
                .push(format!("witness_quorum is {}, but {named} witnesses are named", policy.quorum));
        }
        (asked, policy)
    }

    fn founding(&mut self, institutions: Vec<toml::Value>) -> Option<Founding> {
        let table: toml::Table =
            [("institutions".to_owned(), toml::Value::Array(institutions))].into_iter().collect();
        table.try_into().map_err(|error| self.refusals.push(format!("institutions: {error}"))).ok()
    }
}

pub(crate) fn parse_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut secret = [0; 32];
    for (byte, digits) in secret.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole file that the documentation shows.
    fn documented() -> File {
        let page = include_str!("../../../docs/operate/configuration.md");
        let shown = page
            .split("```toml\n")
            .nth(1)
            .and_then(|rest| rest.split("```").next())
            .expect("a file is shown");
        toml::from_str(shown).expect("it is read")
    }

    #[test]
    fn the_documented_file_is_read_whole() {
        let file = documented();
        assert_eq!(file.limits.doors, jialing_gateway::Rate { burst: 30, per_minute: 60 });
        assert_eq!(file.settings.session_idle_minutes, 10080);
        let mut checked = Checked { base: PathBuf::new(), refusals: Vec::new() };
        let founding = checked.founding(file.institutions).expect("the institutions are read");
        assert_eq!(
            founding.institutions.iter().map(|one| (one.code.as_str(), one.keys.len())).collect::<Vec<_>>(),
            [("PBC", 0), ("BKA", 1)]
        );
        PublicKey::from_spki_pem(&founding.institutions[1].keys[0].public_key).expect("the key shown is one");
        assert_eq!(checked.refusals, [""; 0]);
    }

    #[test]
    fn every_reason_not_to_start_is_named_at_once() {
        let mut file = documented();
        file.settings = Settings {
            sandbox: true,
            inbox: Some("http://x".into()),
            cheap_passwords: true,
            public_url: "http://x".into(),
            ..file.settings
        };
        let folder = tempfile::tempdir().expect("a folder");
        let mut checked = Checked { base: folder.path().to_owned(), refusals: Vec::new() };
        assert!(checked.plan(file).is_none());
        let said = checked.refusals.join("\n");
        for reason in [
            "settings.sandbox",
            "settings.inbox",
            "settings.cheap_passwords",
            "settings.public_url",
            "answers.pem",
            "seal.hex",
            "blind.hex",
            "rail-bka.pem",
            "metrics.token",
        ] {
            assert!(said.contains(reason), "{reason} is not named in\n{said}");
        }
    }

    #[test]
    fn secrets_are_64_hexadecimal_digits() {
        assert_eq!(parse_hex(&"0a".repeat(32)), Some([10; 32]));
        assert_eq!(parse_hex("0a"), None);
        assert_eq!(parse_hex(&"zz".repeat(32)), None);
    }
}
