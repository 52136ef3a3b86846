//! `jialing verify supply`: a day's money supply, or that a balance is counted in it, offline.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jialing_crypto::note::NoteVerifier;
use jialing_sdk::receipt::Trust;
use jialing_sdk::supply::{Book, Counted, Total, verify_balance, verify_total};
use serde_json::{Value, json};

use super::report::yuan;
use super::trusting::{Trusting, as_client};
use crate::Done;

/// Arguments of `jialing verify supply`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The proof of a balance, or a day's total
    file: PathBuf,
    /// A total from elsewhere, such as a friend's: it must be the same statement
    #[arg(long, value_name = "FILE")]
    total: Option<PathBuf>,
    #[command(flatten)]
    trusting: Trusting,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What a file proved.
enum Proven {
    Total(Total),
    Balance(Counted),
}

impl Proven {
    const fn total(&self) -> &Total {
        match self {
            Self::Total(total) => total,
            Self::Balance(counted) => &counted.total,
        }
    }
}

/// What a total does not show, and what a balance's proof does not.
const NOT_BY_TOTAL: [&str; 3] = [
    "that nobody was left out: each person checks that with the proof of the own balance",
    "that what was issued is what the central bank wanted issued: each issuer compares `issued` with its own books",
    "that everybody is shown the same statement: compare the digest above with what others have",
];
const NOT_BY_BALANCE: [&str; 3] = [
    "anything about deposits in bank accounts, or about the balance after that midnight",
    "that everybody else is counted: each person checks that for themselves",
    "that everybody is shown the same statement: compare the digest above with what others have, or take --total",
];

pub(super) fn run(args: &Args) -> Done {
    let text = read(&args.file)?;
    let trusted = args.trusting.trust(&text)?;
    let (trust, log) = (as_client(&trusted)?, trusted.log);
    let other = args.total.as_deref().map(read).transpose()?;
    let checked = check(&text, &trust).and_then(|proven| match &other {
        Some(other) => same(proven, other, &trust),
        None => Ok(proven),
    });
    match (&checked, args.json) {
        (_, true) => println!("{}", told(&checked, &log)),
        (Ok(proven), false) => print(proven, &log, other.is_some()),
        (Err(fault), false) => println!("The proof does NOT hold: {fault}.\nchecked with  {}", log.to_vkey()),
    }
    Ok(if checked.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

fn check(text: &str, trust: &Trust) -> Result<Proven, String> {
    let file: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
    let proven = if file["format"].as_str().is_some_and(|format| format.contains("total")) {
        verify_total(&file, trust).map(Proven::Total)
    } else {
        verify_balance(&file, trust).map(Proven::Balance)
    };
    proven.map_err(|fault| fault.0)
}

/// The proof, if the total from elsewhere holds and is the same statement.
fn same(proven: Proven, other: &str, trust: &Trust) -> Result<Proven, String> {
    let Proven::Total(other) = check(other, trust).map_err(|fault| format!("the other total: {fault}"))?
    else {
        return Err("--total names the proof of a balance, not a total".to_owned());
    };
    let own = proven.total();
    if own.digest == other.digest {
        Ok(proven)
    } else if own.day == other.day {
        Err(format!(
            "there are two statements about {}: the platform told others something else. Keep both files as evidence",
            own.day
        ))
    } else {
        Err(format!("the other total is of {}, this is of {}", other.day, own.day))
    }
}

fn print(proven: &Proven, key: &NoteVerifier, compared: bool) {
    println!("The proof holds.\n");
    let total = proven.total();
    if let Proven::Balance(counted) = proven {
        println!("  balance       {} at the end of {}", yuan(counted.balance), total.day);
        println!("  account       {}", counted.account);
        println!("  counted in    {}", line(&counted.book));
    }
    println!("  day           {}, to midnight UTC+8", total.day);
    for book in &total.books {
        println!("  book          {}", line(book));
    }
    println!("  digest        {}", hex(&total.digest));
    println!(
        "  record        {} of the log, which stood at {} records at the cut",
        total.record, total.records
    );
    for cosignature in &total.cosigned {
        println!("  cosigned by   {}", cosignature.name);
    }
    println!("  checked with  {}", key.to_vkey());
    let not = match proven {
        Proven::Total(_) => {
            println!(
                "\nIt proves:\n  声明中每一账套的账户余额合计,等于已发行减已回笼;该声明已写入账本日志。"
            );
            println!(
                "  In every book, the balances of all accounts add up to what was issued less what was redeemed, and the log holds this statement."
            );
            &NOT_BY_TOTAL
        }
        Proven::Balance(_) => {
            println!("\nIt proves:\n  您的余额已完整计入公布的合计;路径上只有陌生人的余额合计。");
            println!(
                "  This balance is counted, whole, in the published total; on the way there are only sums of strangers."
            );
            &NOT_BY_BALANCE
        }
    };
    if compared {
        println!("  两份文件是同一份声明。 The two files are of the same statement.");
    }
    println!("\nIt does not prove:");
    for what in not {
        println!("  - {what};");
    }
    println!("  - that the key above is the ledger's: you brought it.");
}

fn line(book: &Book) -> String {
    format!(
        "currency {}, liability holder {}: {} issued − {} redeemed = {} in {} accounts",
        book.currency,
        book.holder,
        yuan(book.issued),
        yuan(book.redeemed),
        yuan(book.sum),
        book.accounts
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn told(checked: &Result<Proven, String>, key: &NoteVerifier) -> Value {
    let proven = match checked {
        Ok(proven) => proven,
        Err(fault) => return json!({ "valid": false, "fault": fault, "verifier_key": key.to_vkey() }),
    };
    let total = proven.total();
    let book = |book: &Book| {
        json!({
            "currency": book.currency, "holder": book.holder, "issued": book.issued, "redeemed": book.redeemed,
            "sum": book.sum, "accounts": book.accounts,
        })
    };
    let balance = match proven {
        Proven::Total(_) => Value::Null,
        Proven::Balance(counted) => {
            json!({ "account": counted.account, "amount": counted.balance, "holder": counted.book.holder })
        }
    };
    let cosigned: Vec<&str> = total.cosigned.iter().map(|cosignature| cosignature.name.as_str()).collect();
    json!({
        "valid": true, "day": total.day, "records": total.records, "record": total.record, "digest": hex(&total.digest),
        "books": total.books.iter().map(book).collect::<Vec<_>>(), "balance": balance, "cosigned": cosigned,
        "verifier_key": key.to_vkey(),
        "not_proven": if balance.is_null() { NOT_BY_TOTAL } else { NOT_BY_BALANCE },
    })
}
