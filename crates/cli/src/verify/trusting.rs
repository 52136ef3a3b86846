//! Whom a check offline trusts: the ledger's key, and witnesses.

use std::path::PathBuf;

use jialing_crypto::cosign::Witness;
use jialing_crypto::note::NoteVerifier;
use jialing_journal::{Folder, Genesis};
use jialing_platform::receipts::Trust;
use jialing_sdk::receipt::Trust as ClientTrust;
use serde_json::Value;

use crate::runtime;

/// Arguments that say whom to trust.
#[derive(clap::Args)]
pub(super) struct Trusting {
    #[command(flatten)]
    key: Key,
    /// The verifier key of a witness that you trust; may be given more than once
    #[arg(long = "witness", value_name = "VERIFIER_KEY", value_parser = witness)]
    witnesses: Vec<Witness>,
    /// How many of these witnesses must have cosigned; all of them by default
    #[arg(long, value_name = "N", requires = "witnesses")]
    need: Option<usize>,
}

impl Trusting {
    /// The keys to check `file` with.
    pub(super) fn trust(&self, file: &str) -> Result<Trust, String> {
        let (log, need) = (self.key.find(file)?, self.need.unwrap_or(self.witnesses.len()));
        if need > self.witnesses.len() {
            return Err(format!("--need {need}, but {} witnesses are given", self.witnesses.len()));
        }
        Ok(Trust { log, witnesses: self.witnesses.clone(), need })
    }
}

/// The same keys, as the client takes them.
pub(super) fn as_client(trust: &Trust) -> Result<ClientTrust, String> {
    let keys: Vec<String> = trust.witnesses.iter().map(Witness::to_vkey).collect();
    ClientTrust::in_ledger(&trust.log.to_vkey())
        .and_then(|client| client.with_witnesses(keys.iter().map(String::as_str), trust.need))
        .map_err(|error| error.0)
}

/// Where the ledger's verifier key comes from.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Key {
    /// The ledger's verifier key, from somewhere you trust
    #[arg(long, value_name = "VERIFIER_KEY", value_parser = ledger)]
    key: Option<NoteVerifier>,
    /// Take the key from this folder of a platform
    #[arg(long)]
    data: Option<PathBuf>,
    /// Take the key from the platform at this address, which you trust for it
    #[arg(long)]
    url: Option<String>,
}

impl Key {
    fn find(&self, file: &str) -> Result<NoteVerifier, String> {
        match self {
            Self { key: Some(key), .. } => Ok(key.clone()),
            Self { data: Some(data), .. } => {
                let folder_of = data.join("ledger");
                let folder = Folder::existing(&folder_of)
                    .map_err(|error| format!("{}: {error}", folder_of.display()))?;
                let genesis = Genesis::load(&folder).map_err(|error| error.to_string())?;
                let genesis = genesis.ok_or_else(|| format!("{} holds no log", folder_of.display()))?;
                ledger(&genesis.key.to_string())
            }
            Self { url: Some(url), .. } => runtime()?.block_on(published(url, file)),
            _ => Err("name a key with --key, --data or --url".into()),
        }
    }
}

/// Reads a ledger's verifier key.
fn ledger(text: &str) -> Result<NoteVerifier, String> {
    NoteVerifier::from_vkey(text).map_err(|_| "not a verifier key: it looks like jialing.example/city+1a2b3c4d+AeUq…, whole, with its three parts".to_owned())
}

/// Reads a witness's verifier key.
fn witness(text: &str) -> Result<Witness, String> {
    Witness::from_vkey(text).map_err(|_| "not a witness's verifier key: it looks like witness.example/one+1a2b3c4d+BOUq…, whole, with its three parts".to_owned())
}

/// The platform's key of the file's log.
async fn published(url: &str, file: &str) -> Result<NoteVerifier, String> {
    let target = format!("{}/v1/public/keys", url.trim_end_matches('/'));
    let asked = async {
        reqwest::Client::new()
            .get(&target)
            .timeout(std::time::Duration::from_secs(15))
            .send()
            .await?
            .error_for_status()?
            .json::<Value>()
            .await
    };
    let keys = asked.await.map_err(|error| format!("{target}: {error}"))?;
    let file: Value = serde_json::from_str(file).unwrap_or_default();
    let (log, of_ledger) = (&file["proof"]["log"], keys["ledger"].as_array().cloned().unwrap_or_default());
    // A file of no log of theirs is refused by the first key, with the reason.
    let entry = of_ledger.iter().find(|entry| &entry["origin"] == log).or(of_ledger.first());
    let key = entry
        .and_then(|entry| entry["verifier_key"].as_str())
        .ok_or_else(|| format!("{target} names no ledger key"))?;
    ledger(key)
}
