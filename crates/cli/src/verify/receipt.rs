//! `jialing verify receipt`: one receipt, offline, against the ledger's key.
//!
//! Two verifiers look at it that share no code but the cryptography: the platform's, which knows the
//! records, and the client's, written from the published format. They must agree.

use std::path::PathBuf;
use std::process::ExitCode;

use jialing_crypto::cosign::Witness;
use jialing_crypto::note::NoteVerifier;
use jialing_journal::{Folder, Genesis};
use jialing_platform::receipts::{self, Trust, Verified};
use jialing_sdk::receipt::{Proven, Trust as ClientTrust, verify_with};
use jialing_sdk::words::Meaning;
use serde_json::{Value, json};

use super::report::yuan;
use crate::{Done, runtime};

/// Arguments of `jialing verify receipt`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The receipt
    file: PathBuf,
    #[command(flatten)]
    key: Key,
    /// The verifier key of a witness that you trust; may be given more than once
    #[arg(long = "witness", value_name = "VERIFIER_KEY", value_parser = witness)]
    witnesses: Vec<Witness>,
    /// How many of these witnesses must have cosigned; all of them by default
    #[arg(long, value_name = "N", requires = "witnesses")]
    need: Option<usize>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Where the ledger's verifier key comes from.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Key {
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

/// A receipt that both verifiers accept.
struct Held {
    verified: Verified,
    proven: Proven,
}

pub(super) fn run(args: &Args) -> Done {
    let text = std::fs::read_to_string(&args.file)
        .map_err(|error| format!("cannot read {}: {error}", args.file.display()))?;
    let log = args.key.find(&text)?;
    let need = args.need.unwrap_or(args.witnesses.len());
    if need > args.witnesses.len() {
        return Err(format!("--need {need}, but {} witnesses are given", args.witnesses.len()));
    }
    let trust = Trust { log, witnesses: args.witnesses.clone(), need };
    let checked = check(&text, &trust);
    match (&checked, args.json) {
        (_, true) => println!("{}", told(&checked, &trust)),
        (Ok(held), false) => print(held, &trust),
        (Err(fault), false) => {
            println!("The receipt does NOT hold: {fault}.\nchecked with  {}", trust.log.to_vkey());
        }
    }
    Ok(if checked.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(text: &str, trust: &Trust) -> Result<Held, String> {
    let verified = receipts::verify(text, trust).map_err(|fault| fault.to_string())?;
    let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let keys: Vec<String> = trust.witnesses.iter().map(Witness::to_vkey).collect();
    let client = ClientTrust::in_ledger(&trust.log.to_vkey())
        .and_then(|client| client.with_witnesses(keys.iter().map(String::as_str), trust.need));
    let proven = client.and_then(|client| verify_with(&json, &client)).map_err(|fault| fault.to_string())?;
    Ok(Held { verified, proven })
}

impl Key {
    pub(super) fn find(&self, receipt: &str) -> Result<NoteVerifier, String> {
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
            Self { url: Some(url), .. } => runtime()?.block_on(published(url, receipt)),
            _ => Err("name a key with --key, --data or --url".into()),
        }
    }
}

/// Reads a ledger's verifier key.
fn ledger(text: &str) -> Result<NoteVerifier, String> {
    NoteVerifier::from_vkey(text).map_err(|_| "not a verifier key: it looks like jialing.example/city+1a2b3c4d+AeUq…, whole, with its three parts".to_owned())
}

/// Reads a witness's verifier key.
pub(super) fn witness(text: &str) -> Result<Witness, String> {
    Witness::from_vkey(text).map_err(|_| "not a witness's verifier key: it looks like witness.example/one+1a2b3c4d+BOUq…, whole, with its three parts".to_owned())
}

/// The platform's key of the receipt's log.
async fn published(url: &str, receipt: &str) -> Result<NoteVerifier, String> {
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
    let receipt: Value = serde_json::from_str(receipt).unwrap_or_default();
    let (log, of_ledger) = (&receipt["proof"]["log"], keys["ledger"].as_array().cloned().unwrap_or_default());
    // A receipt of no log of theirs is refused by the first key, with the reason.
    let entry = of_ledger.iter().find(|entry| &entry["origin"] == log).or(of_ledger.first());
    let key = entry
        .and_then(|entry| entry["verifier_key"].as_str())
        .ok_or_else(|| format!("{target} names no ledger key"))?;
    ledger(key)
}

fn print(held: &Held, trust: &Trust) {
    let (receipt, what) = (&held.verified.receipt, &held.verified.receipt.what);
    println!("The receipt holds.\n");
    println!(
        "  what          {} of {} {:?}, {:?}",
        what.kind.name(),
        yuan(what.amount.amount),
        what.amount.currency,
        what.direction
    );
    println!("  subject       {}", what.subject);
    println!("  transaction   {}", what.transaction_id);
    println!("  wallet        {}, which held {} after it", what.wallet_id, yuan(what.balance.amount));
    println!("  at            {}", what.at);
    println!(
        "  record        {} of the {} that the checkpoint of {} covers",
        receipt.proof.leaf_index, receipt.proof.tree_size, receipt.proof.log
    );
    println!("  checked with  {}", trust.log.to_vkey());
    if !trust.witnesses.is_empty() {
        let names: Vec<_> = held.proven.cosigned.iter().map(|one| one.name.as_str()).collect();
        println!("  cosigned      {} of {}: {}", names.len(), trust.witnesses.len(), names.join(", "));
    } else if let Some(cosigned) = receipt.cosigned {
        println!(
            "  cosigned      {} of {}, as the platform says; check them with --witness",
            cosigned.has, cosigned.need
        );
    }
    let Meaning { proves, does_not_prove } = held.proven.meaning();
    for (title, sentences) in
        [("It proves · 它证明:", proves), ("It does not prove · 它不证明:", does_not_prove)]
    {
        println!("\n{title}");
        for sentence in sentences {
            println!("  - {}\n    {}", sentence.en, sentence.zh);
        }
    }
}

fn told(checked: &Result<Held, String>, trust: &Trust) -> Value {
    match checked {
        Ok(Held { verified, proven }) => {
            let cosigned: Vec<_> =
                proven.cosigned.iter().map(|one| json!({ "name": one.name, "time": one.time })).collect();
            let Meaning { proves, does_not_prove } = proven.meaning();
            json!({
                "valid": true, "what": verified.receipt.what, "record": verified.receipt.proof.leaf_index,
                "tree_size": verified.receipt.proof.tree_size, "device_evidence": verified.receipt.evidence.is_some(),
                "cosigned": cosigned, "verifier_key": trust.log.to_vkey(), "proves": proves, "does_not_prove": does_not_prove,
            })
        }
        Err(fault) => json!({ "valid": false, "fault": fault, "verifier_key": trust.log.to_vkey() }),
    }
}
