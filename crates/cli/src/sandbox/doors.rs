//! `jialing trigger`, `logs`, `events`, `clock` and `fault`: a sandbox's doors from a terminal.

use std::process::ExitCode;

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::card::Which;
use super::{one, show};
use crate::house::listen_for_stop;
use crate::{Done, runtime};

/// Arguments of `jialing trigger`.
#[derive(clap::Args)]
pub(crate) struct TriggerArgs {
    /// order.paid, order.closed, refund.succeeded or refund.closed
    event: String,
    /// What differs from the usual: amount=990, out_trade_no=A1…; may be given more than once
    #[arg(long = "override", value_name = "NAME=VALUE", value_parser = pair)]
    overrides: Vec<(String, Value)>,
    #[command(flatten)]
    which: Which,
}

/// Reads NAME=VALUE; a whole number stays one.
fn pair(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("it looks like amount=990")?;
    let value = value.parse::<u64>().map_or_else(|_| json!(value), |number| json!(number));
    Ok((name.to_owned(), value))
}

pub(crate) fn trigger(args: TriggerArgs) -> Done {
    let overrides: Map<String, Value> = args
        .overrides
        .into_iter()
        // A number of yours is text, whatever it looks like.
        .map(|(name, value)| if name.ends_with("_no") { (name, json!(plain(&value))) } else { (name, value) })
        .collect();
    let ask = json!({ "event": args.event, "override": overrides });
    one(args.which, Method::POST, "/triggers", Some(ask))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Arguments of `jialing logs`.
#[derive(clap::Args)]
pub(crate) struct LogsArgs {
    /// Go on with each new request
    #[arg(long)]
    follow: bool,
    /// Only those after this number
    #[arg(long, default_value_t = 0)]
    after: u64,
    /// The text that the signature was checked over, for each request
    #[arg(long)]
    text: bool,
    #[command(flatten)]
    which: Which,
}

pub(crate) fn logs(args: &LogsArgs) -> Done {
    runtime()?.block_on(async {
        let mut stop = listen_for_stop()?;
        let (sandbox, json) = args.which.open()?;
        let (mut after, wait_ms) = (args.after, if args.follow { 10_000 } else { 0 });
        loop {
            let path = format!("/logs?after={after}&wait_ms={wait_ms}");
            let answer = tokio::select! {
                answer = sandbox.call(Method::GET, &path, None) => answer.map_err(|error| error.to_string())?,
                _ = stop.wait_for(|asked| *asked) => return Ok(ExitCode::SUCCESS),
            };
            for entry in answer["items"].as_array().into_iter().flatten() {
                after = entry["number"].as_u64().unwrap_or(after);
                if json {
                    println!("{entry}");
                } else {
                    say(entry, args.text);
                }
            }
            if !args.follow {
                return Ok(ExitCode::SUCCESS);
            }
        }
    })
}

fn say(entry: &Value, text: bool) {
    let word = |name: &str| entry[name].as_str().unwrap_or("-").to_owned();
    let status = entry["status"].as_u64().map_or("---".to_owned(), |status| status.to_string());
    let took = entry["took_us"].as_u64().unwrap_or_default() / 1000;
    println!(
        "{:<5}{status} {:>5} ms  {:<6} {}  code {}  signature {}  fault {}  {}",
        entry["number"],
        took,
        word("method"),
        word("path"),
        word("code"),
        word("signature"),
        word("fault"),
        word("request_id")
    );
    let bad = entry["signature"].as_str().is_some_and(|outcome| outcome != "fits");
    if let (true, Some(signed)) = (text || bad, entry["signed_text"].as_str()) {
        println!("     the signature was checked over {} bytes:", signed.len());
        for line in signed.lines() {
            println!("     | {line}");
        }
    }
    if let Some(hint) = entry["hint"].as_str() {
        println!("     hint: {hint}");
    }
}

/// Arguments of `jialing events`.
#[derive(clap::Args)]
pub(crate) struct EventsArgs {
    #[command(subcommand)]
    what: Events,
}

#[derive(Subcommand)]
enum Events {
    /// Put an event's notice there again
    Resend {
        /// The event
        event_id: String,
        #[command(flatten)]
        which: Which,
    },
}

pub(crate) fn events(args: EventsArgs) -> Done {
    let Events::Resend { event_id, which } = args.what;
    one(which, Method::POST, "/resends", Some(json!({ "event_id": event_id })))
}

/// Arguments of `jialing clock`.
#[derive(clap::Args)]
pub(crate) struct ClockArgs {
    #[command(subcommand)]
    what: Clock,
}

#[derive(Subcommand)]
enum Clock {
    /// What the sandbox's clock shows
    Show(Which),
    /// Move it forward: 90s, 20m, 6h, 1d
    Advance {
        /// How far
        #[arg(value_parser = seconds)]
        by: i64,
        #[command(flatten)]
        which: Which,
    },
}

/// Reads `90s`, `20m`, `6h`, `1d` or several of them, such as `1d12h`.
fn seconds(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is no duration; write 90s, 20m, 6h, 1d or 1d12h");
    let (mut sum, mut number) = (0_i64, String::new());
    for c in text.chars() {
        let unit = match c {
            '0'..='9' => {
                number.push(c);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let count: i64 = std::mem::take(&mut number).parse().map_err(|_| wrong())?;
        sum = count.checked_mul(unit).and_then(|part| sum.checked_add(part)).ok_or_else(wrong)?;
    }
    if number.is_empty() && !text.is_empty() { Ok(sum) } else { Err(wrong()) }
}

pub(crate) fn clock(args: ClockArgs) -> Done {
    match args.what {
        Clock::Show(which) => one(which, Method::GET, "/clock", None),
        Clock::Advance { by, which } => one(which, Method::POST, "/clock", Some(json!({ "advance_s": by }))),
    }
}

/// Arguments of `jialing fault`.
#[derive(clap::Args)]
pub(crate) struct FaultArgs {
    /// What goes wrong with the next calls or notices; without it, what waits is shown
    kind: Option<String>,
    /// For calls: "POST /v1/merchant/orders"
    #[arg(long)]
    route: Option<String>,
    /// For notices: order.paid…
    #[arg(long)]
    event: Option<String>,
    /// For how many
    #[arg(long, default_value_t = 1)]
    times: u32,
    /// For kinds that delay: 5s, 1m
    #[arg(long, value_parser = seconds)]
    delay: Option<i64>,
    /// Forget what waits
    #[arg(long, conflicts_with = "kind")]
    clear: bool,
    #[command(flatten)]
    which: Which,
}

pub(crate) fn fault(args: FaultArgs) -> Done {
    let Some(kind) = args.kind else {
        let method = if args.clear { Method::DELETE } else { Method::GET };
        return runtime()?.block_on(async {
            let (sandbox, json) = args.which.open()?;
            let mut answer =
                sandbox.call(method, "/faults", None).await.map_err(|error| error.to_string())?;
            match answer["items"].take() {
                Value::Array(items) => items.iter().for_each(|item| println!("{item}")),
                other => show(&other, json),
            }
            Ok(ExitCode::SUCCESS)
        });
    };
    let mut ask = json!({ "kind": kind, "times": args.times });
    for (name, value) in [
        ("route", args.route.map(Value::from)),
        ("event", args.event.map(Value::from)),
        ("delay_s", args.delay.map(Value::from)),
    ] {
        if let Some(value) = value {
            ask[name] = value;
        }
    }
    one(args.which, Method::POST, "/faults", Some(ask))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_they_are_said() {
        let check = |text: &str, expect: Option<i64>| assert_eq!(seconds(text).ok(), expect, "{text}");
        check("90s", Some(90));
        check("20m", Some(1_200));
        check("6h", Some(21_600));
        check("1d", Some(86_400));
        check("1d12h", Some(129_600));
        check("1", None);
        check("", None);
        check("d", None);
        check("-1d", None);
        check("1w", None);
        check("99999999999999999999d", None);
        check("9223372036854775807d", None);
    }
}
