//! `jialing verify receipt`: one receipt, offline, against the ledger's key.

use std::path::PathBuf;
use std::process::ExitCode;

use jialing_journal::{Folder, Genesis, VerifierKey};
use jialing_platform::receipts::{self, Verified};
use serde_json::{Value, json};

use super::report::yuan;
use super::verifier_key;
use crate::{Done, runtime};

/// Arguments of `jialing verify receipt`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The receipt
    file: PathBuf,
    #[command(flatten)]
    key: Key,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Where the ledger's verifier key comes from.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Key {
    /// The ledger's verifier key, from somewhere you trust
    #[arg(long, value_name = "VERIFIER_KEY", value_parser = verifier_key)]
    key: Option<VerifierKey>,
    /// Take the key from this folder of a platform
    #[arg(long)]
    data: Option<PathBuf>,
    /// Take the key from the platform at this address, which you trust for it
    #[arg(long)]
    url: Option<String>,
}

/// What no receipt shows.
const NOT_PROVEN: [&str; 3] = [
    "who the people behind the wallets are, and the names and words in `described`: the platform says so, the log does not",
    "that nothing happened afterwards: a refund has a receipt of its own",
    "that everybody is shown the same log: compare the checkpoint with what others keep",
];

pub(super) fn run(args: &Args) -> Done {
    let text = std::fs::read_to_string(&args.file)
        .map_err(|error| format!("cannot read {}: {error}", args.file.display()))?;
    let key = args.key.find(&text)?;
    let checked = check(&text, &key);
    match (&checked, args.json) {
        (_, true) => println!("{}", told(&checked, &key)),
        (Ok(verified), false) => print(verified, &key),
        (Err(fault), false) => println!("The receipt does NOT hold: {fault}.\nchecked with  {key}"),
    }
    Ok(if checked.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The receipt's checks, and that it is of the log that the key names.
fn check(text: &str, key: &VerifierKey) -> Result<Verified, String> {
    let verified = receipts::verify(text, &key.public).map_err(|fault| fault.to_string())?;
    let log = &verified.receipt.proof.log;
    if *log == key.origin {
        Ok(verified)
    } else {
        Err(format!("it is of the log {log}, the key is that of {}", key.origin))
    }
}

impl Key {
    fn find(&self, receipt: &str) -> Result<VerifierKey, String> {
        match self {
            Self { key: Some(key), .. } => Ok(key.clone()),
            Self { data: Some(data), .. } => {
                let ledger = data.join("ledger");
                let folder =
                    Folder::existing(&ledger).map_err(|error| format!("{}: {error}", ledger.display()))?;
                let genesis = Genesis::load(&folder).map_err(|error| error.to_string())?;
                Ok(genesis.ok_or_else(|| format!("{} holds no log", ledger.display()))?.key)
            }
            Self { url: Some(url), .. } => runtime()?.block_on(published(url, receipt)),
            _ => Err("name a key with --key, --data or --url".into()),
        }
    }
}

/// The platform's key of the receipt's log.
async fn published(url: &str, receipt: &str) -> Result<VerifierKey, String> {
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
    verifier_key(key)
}

fn print(verified: &Verified, key: &VerifierKey) {
    let (receipt, what) = (&verified.receipt, &verified.receipt.what);
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
    println!("  checked with  {key}");
    println!("\nIt proves:\n  {}\n  {}", receipt.proves.zh, receipt.proves.en);
    if receipt.evidence.is_some() {
        println!(
            "  The device's own signature is in it too, and the record holds its digest: the payer agreed to this amount."
        );
    }
    println!("\nIt does not prove:");
    for what in NOT_PROVEN {
        println!("  - {what};");
    }
    println!("  - that the key above is the ledger's: you brought it.");
}

fn told(checked: &Result<Verified, String>, key: &VerifierKey) -> Value {
    match checked {
        Ok(verified) => json!({
            "valid": true, "what": verified.receipt.what, "record": verified.receipt.proof.leaf_index, "tree_size": verified.receipt.proof.tree_size,
            "device_evidence": verified.receipt.evidence.is_some(), "verifier_key": key.to_string(), "not_proven": NOT_PROVEN,
        }),
        Err(fault) => json!({ "valid": false, "fault": fault, "verifier_key": key.to_string() }),
    }
}
