//! The integrator's commands: sandboxes, and everything one does with one from a terminal or from CI.
//!
//! None needs an account anywhere. Which sandbox is meant stands in a small file ([`card`]) or in the
//! environment. Each says what happened for a person or, with `--json`, for a program, and ends with 0
//! only when it worked.

mod card;
mod conform;
mod doors;
mod listen;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use jialing_playground::{Bounds, Playground};
use jialing_sdk::Sandbox;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::listen_for_stop;
use crate::{Done, runtime};
use card::{Card, Which};

pub(crate) use conform::{Args as ConformArgs, run as conform};
pub(crate) use doors::{
    ClockArgs, EventsArgs, FaultArgs, LogsArgs, TriggerArgs, clock, events, fault, logs, trigger,
};
pub(crate) use listen::{Args as ListenArgs, run as listen};

/// Arguments of `jialing sandbox`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Host sandboxes on loopback, each a whole platform of its own
    Serve(Serve),
    /// Make a sandbox and keep what opens it in a file
    Create(Create),
    /// What the sandbox is and what waits in it
    Show(Which),
    /// Remove the sandbox with everything in it
    Remove(Which),
    /// Have a test payer pay an order now
    Pay {
        /// The order
        order_id: String,
        #[command(flatten)]
        which: Which,
    },
    /// How test payers pay ordinary orders: auto, or when-told
    Payers {
        /// auto or when-told
        #[arg(value_parser = ["auto", "when-told"])]
        pays: String,
        /// Seconds of the sandbox's clock until an ordinary order is paid
        #[arg(long, default_value_t = 0)]
        after: u32,
        #[command(flatten)]
        which: Which,
    },
    /// Give the platform a new key for answers and notices; the old one stays in its directory
    RotateKey(Which),
}

#[derive(clap::Args)]
struct Serve {
    /// The port on loopback; 0 takes a free one
    #[arg(long, default_value_t = 8900)]
    port: u16,
    /// The folder that holds the sandboxes
    #[arg(long, default_value = "data/sandboxes")]
    data: PathBuf,
    /// Sandboxes there may be
    #[arg(long, default_value_t = Bounds::default().most)]
    most: usize,
    /// Sandboxes that may be awake at once
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    awake: u16,
    /// Minutes without a request after which one sleeps
    #[arg(long, default_value_t = 15)]
    sleep_after_minutes: u32,
    /// Days without a request after which one is removed
    #[arg(long, default_value_t = 14)]
    remove_after_days: u32,
}

#[derive(clap::Args)]
struct Create {
    /// The server of sandboxes
    #[arg(long, default_value = "http://127.0.0.1:8900")]
    url: String,
    /// What you call it
    #[arg(long, default_value = "")]
    name: String,
    #[command(flatten)]
    which: Which,
}

pub(crate) fn run(args: Args) -> Done {
    match args.what {
        What::Serve(args) => serve(args),
        What::Create(args) => runtime()?.block_on(create(args)),
        What::Show(which) => one(which, Method::GET, "", None),
        What::Remove(which) => one(which, Method::DELETE, "", None),
        What::Pay { order_id, which } => {
            one(which, Method::POST, "/payments", Some(json!({ "order_id": order_id })))
        }
        What::Payers { pays, after, which } => {
            let manner = json!({ "pays": pays.replace('-', "_"), "after_s": after });
            one(which, Method::PUT, "/payers", Some(manner))
        }
        What::RotateKey(which) => one(which, Method::POST, "/keys/rotation", Some(json!({}))),
    }
}

/// Asks one of the sandbox's doors and shows the answer.
fn one(which: Which, method: Method, path: &str, ask: Option<Value>) -> Done {
    runtime()?.block_on(async {
        let (sandbox, json) = which.open()?;
        let answer = sandbox.call(method, path, ask.as_ref()).await.map_err(|error| error.to_string())?;
        show(&answer, json);
        Ok(ExitCode::SUCCESS)
    })
}

/// An answer for a program, in one line, or for a person, a line for each member.
fn show(answer: &Value, json: bool) {
    match answer {
        Value::Object(members) if !json => {
            for (name, value) in members {
                match value {
                    Value::String(text) => println!("{name:<16}{text}"),
                    other => println!("{name:<16}{other}"),
                }
            }
        }
        Value::Null if !json => println!("done"),
        other => println!("{other}"),
    }
}

fn serve(args: Serve) -> Done {
    crate::log::start_quiet();
    let bounds = Bounds {
        most: args.most,
        awake: args.awake.into(),
        sleep_after_s: i64::from(args.sleep_after_minutes) * 60,
        remove_after_s: i64::from(args.remove_after_days) * 86_400,
        ..Bounds::default()
    };
    runtime()?.block_on(async {
        let mut stop = listen_for_stop()?;
        let playground = Playground::start(args.data.clone(), args.port, bounds).await?;
        let url = playground.url();
        eprintln!("\n  sandboxes are kept in {}", args.data.display());
        eprintln!("  make one     jialing sandbox create --url {url}");
        eprintln!("               curl -s {url}/v1/sandbox -H 'content-type: application/json' -d '{{}}'\n");
        println!("ready {url}");
        let _ = stop.wait_for(|asked| *asked).await;
        eprintln!("sandbox: stopping");
        playground.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

async fn create(args: Create) -> Done {
    let file = args.which.file();
    if file.exists() {
        return Err(format!(
            "{} is there already: remove that sandbox first, or name another file with --sandbox",
            file.display()
        ));
    }
    let made = Sandbox::create(&args.url, &args.name).await.map_err(|error| error.to_string())?;
    Card::of(&made)?.write(&file)?;
    if args.which.json {
        println!("{made}");
        return Ok(ExitCode::SUCCESS);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    println!("sandbox      {}", text(&made["sandbox_id"]));
    println!("base address {}", text(&made["base_url"]));
    println!(
        "merchant     {}  key {}",
        text(&made["merchant"]["merchant_id"]),
        text(&made["merchant"]["serial_no"])
    );
    println!("kept in      {}   (with the test key; readable by you only)", file.display());
    println!("\nnext         jialing listen --forward-to http://127.0.0.1:3000/webhooks");
    println!("             jialing trigger order.paid --override amount=990");
    Ok(ExitCode::SUCCESS)
}
