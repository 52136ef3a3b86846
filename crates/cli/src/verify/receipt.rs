//! `jialing verify receipt`: one receipt, offline, against the ledger's key.
//!
//! Two verifiers look at it that share no code but the cryptography: the platform's, which knows the
//! records, and the client's, written from the published format. They must agree.

use std::path::PathBuf;
use std::process::ExitCode;

use jialing_platform::receipts::{self, Trust, Verified};
use jialing_sdk::receipt::{Proven, verify_with};
use jialing_sdk::words::Meaning;
use serde_json::{Value, json};

use super::report::yuan;
use super::trusting::{Trusting, as_client};
use crate::Done;

/// Arguments of `jialing verify receipt`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The receipt
    file: PathBuf,
    #[command(flatten)]
    trusting: Trusting,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A receipt that both verifiers accept.
struct Held {
    verified: Verified,
    proven: Proven,
}

pub(super) fn run(args: &Args) -> Done {
    let text = std::fs::read_to_string(&args.file)
        .map_err(|error| format!("cannot read {}: {error}", args.file.display()))?;
    let trust = args.trusting.trust(&text)?;
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
    let proven = verify_with(&json, &as_client(trust)?).map_err(|fault| fault.to_string())?;
    Ok(Held { verified, proven })
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
