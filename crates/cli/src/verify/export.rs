//! `jialing verify export`: a file and its proof, offline, against the ledger's key.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use jialing_crypto::hash::{Digest, HashAlgorithm};
use jialing_platform::exports::{self, Checked};
use jialing_platform::receipts::Trust;
use serde_json::json;

use super::trusting::Trusting;
use crate::Done;

/// Arguments of `jialing verify export`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The file as it was fetched
    file: PathBuf,
    /// Its proof: the member `proof` of the export
    #[arg(long)]
    proof: PathBuf,
    #[command(flatten)]
    trusting: Trusting,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Done {
    let reading = |path: &PathBuf| {
        let path = path.display().to_string();
        move |error: std::io::Error| format!("cannot read {path}: {error}")
    };
    let proof = std::fs::read_to_string(&args.proof).map_err(reading(&args.proof))?;
    let hash = hash_of(&args.file).map_err(reading(&args.file))?;
    let trust = args.trusting.trust(&proof)?;
    let checked = exports::check(&proof, &hash, &trust).map_err(|fault| fault.to_string());
    match (&checked, args.json) {
        (Ok(checked), true) => {
            let manifest: serde_json::Map<_, _> =
                checked.manifest.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            println!(
                "{}",
                json!({ "valid": true, "manifest": manifest, "record": checked.record, "at": checked.at, "tree_size": checked.tree_size })
            );
        }
        (Err(fault), true) => println!("{}", json!({ "valid": false, "fault": fault })),
        (Ok(checked), false) => print(checked, &trust),
        (Err(fault), false) => {
            println!("The export does NOT hold: {fault}.\nchecked with  {}", trust.log.to_vkey());
        }
    }
    Ok(if checked.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// SHA-256 of a file, read piece by piece.
fn hash_of(path: &PathBuf) -> std::io::Result<Digest> {
    let mut file = std::fs::File::open(path)?;
    let (mut hash, mut piece) = (HashAlgorithm::Sha256.hasher(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hash.finish()),
            read => hash.update(&piece[..read]),
        }
    }
}

fn print(checked: &Checked, trust: &Trust) {
    println!("The export holds.\n");
    for (name, value) in &checked.manifest {
        println!("  {name:<13} {value}");
    }
    println!("  noted at      {}, record {} of {}", checked.at, checked.record, checked.tree_size);
    println!("  checked with  {}", trust.log.to_vkey());
    println!("\nIt proves:");
    println!("  - 这个文件就是平台当时生成并记入账本日志的文件,此后未被改动。");
    println!(
        "  - that this is, byte for byte, the file that the platform made and that the ledger took note of then."
    );
    println!("\nIt does not prove:");
    println!(
        "  - that the platform wrote all that happened into it: a receipt proves a line, `jialing verify` all of them;"
    );
    println!("  - who the other sides are: names and memos are the platform's words;");
    println!("  - that the key above is the ledger's: you brought it.");
}
