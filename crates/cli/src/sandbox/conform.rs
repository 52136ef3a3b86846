//! `jialing conform`: the suite against a system, what the sandbox saw, reports and their check.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use jialing_conform::signed::{self, SignedReport};
use jialing_conform::{Outcome, Report, Scenario, Step, page};
use jialing_crypto::PublicKey;
use jialing_playground::drive::{self, Target};
use reqwest::Method;
use serde_json::{Value, json};

use super::card::Which;
use crate::{Done, runtime};

/// Arguments of `jialing conform`.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// Where your system takes notices
    #[arg(long, value_name = "URL", requires = "trigger")]
    receiver: Option<String>,
    /// Where your system takes what the suite asks: see docs/guides/conformance.md
    #[arg(long, value_name = "URL", requires = "receiver")]
    trigger: Option<String>,
    /// Sent to the trigger as a bearer token
    #[arg(long)]
    secret: Option<String>,
    #[command(flatten)]
    report: ReportArgs,
}

#[derive(clap::Args)]
struct ReportArgs {
    /// What your system is called, for the report
    #[arg(long, default_value = "")]
    system: String,
    /// Its version
    #[arg(long, default_value = "")]
    system_version: String,
    /// The report goes to NAME.json and NAME.html
    #[arg(long, value_name = "NAME", default_value = "conformance")]
    out: PathBuf,
    #[command(flatten)]
    which: Which,
}

#[derive(Subcommand)]
enum What {
    /// What the sandbox saw in your system's traffic so far
    Status(Which),
    /// A signed report of that, without driving anything
    Report(ReportArgs),
    /// Check a report, JSON or page, offline
    Verify {
        /// The file
        file: PathBuf,
        /// A public key (PEM) that may have signed it; may be given more than once. Without one, the
        /// report's own word is all there is for whose it is
        #[arg(long, value_name = "PEM")]
        key: Vec<PathBuf>,
    },
}

pub(crate) fn run(args: Args) -> Done {
    match (args.what, args.receiver, args.trigger) {
        (Some(What::Status(which)), ..) => runtime()?.block_on(status(&which)),
        (Some(What::Report(report)), ..) => runtime()?.block_on(sign(&report, &[])),
        (Some(What::Verify { file, key }), ..) => verify(&file, &key),
        (None, Some(receiver), Some(trigger)) => {
            let target = Target { receiver, trigger, secret: args.secret };
            runtime()?.block_on(play(&args.report, &target))
        }
        _ => Err("name your system with --receiver and --trigger, or see `jialing conform --help`".into()),
    }
}

async fn play(args: &ReportArgs, target: &Target) -> Done {
    let (sandbox, json) = args.which.open()?;
    let tell = |scenario: Scenario, step: &Step| {
        if json {
            println!("{}", json!({ "scenario": scenario, "step": step }));
        } else {
            let mark = if step.right { "ok   " } else { "WRONG" };
            println!(
                "{mark} {:<18} {}: {} (must be: {})",
                scenario.name(),
                step.what,
                step.got,
                step.expected
            );
        }
    };
    let outcomes = drive::drive(&sandbox, target, tell).await.map_err(|error| error.to_string())?;
    sign(args, &outcomes).await
}

/// Has the sandbox sign what it saw, with what was driven; writes both files.
async fn sign(args: &ReportArgs, outcomes: &[Outcome]) -> Done {
    let (sandbox, json) = args.which.open()?;
    let ask = json!({
        "system": { "name": args.system, "version": args.system_version }, "outcomes": outcomes,
    });
    let answer = sandbox.call(Method::POST, "/conformance/reports", Some(&ask)).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let signed: SignedReport = serde_json::from_value(answer).map_err(|error| error.to_string())?;
    let text = serde_json::to_string_pretty(&signed).map_err(|error| error.to_string())?;
    let files = [("json", text.clone() + "\n"), ("html", page(&signed).map_err(|error| error.to_string())?)];
    for (ending, content) in files {
        let file = args.out.with_extension(ending);
        fs::write(&file, content).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    }
    let report = signed::verify(&text, &[]).map_err(|error| error.to_string())?.report;
    if json {
        println!("{}", json!({ "passed": report.passed(), "report": args.out.with_extension("json") }));
    } else {
        summary(&report);
        println!("report       {0}.json and {0}.html", args.out.display());
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn summary(report: &Report) {
    for outcome in &report.outcomes {
        let result = match (outcome.passed(), &outcome.seen) {
            (true, _) => "passed",
            (false, Some(_)) => "FAILED",
            (false, None) => "not seen",
        };
        println!(
            "{result:<12} {:<18} {} · {}",
            outcome.scenario.name(),
            outcome.scenario.zh(),
            outcome.scenario.en()
        );
    }
    println!("{}", if report.passed() { "PASSED · 通过" } else { "NOT PASSED · 未通过" });
}

async fn status(which: &Which) -> Done {
    let (sandbox, json) = which.open()?;
    let answer = sandbox.call(Method::GET, "/conformance", None).await.map_err(|error| error.to_string())?;
    if json {
        println!("{answer}");
    } else {
        for item in answer["items"].as_array().into_iter().flatten() {
            let text = |name: &str| item[name].as_str().unwrap_or_default();
            let seen = item["seen"]["evidence"].as_str().unwrap_or("not seen yet");
            println!("{:<18} {seen:<36} {} · {}", text("scenario"), text("zh"), text("en"));
        }
    }
    Ok(if answer["passed"] == Value::Bool(true) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn verify(file: &PathBuf, keys: &[PathBuf]) -> Done {
    let read = |file: &PathBuf| {
        fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
    };
    let mut expected = Vec::new();
    for key in keys {
        let parsed = PublicKey::from_spki_pem(&read(key)?);
        expected.push(parsed.map_err(|error| format!("{}: {error}", key.display()))?);
    }
    let verified = signed::verify(&read(file)?, &expected).map_err(|error| error.to_string())?;
    println!("the signature fits: {}", verified.serial);
    if !verified.pinned {
        println!("its key was not named: whose it is, only the report itself says (use --key)");
    }
    let Report { merchant_id, made_at, suite, system, .. } = &verified.report;
    println!(
        "merchant {merchant_id}, system {} {}, suite {suite}, made at {made_at}",
        system.name, system.version
    );
    summary(&verified.report);
    Ok(if verified.report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
