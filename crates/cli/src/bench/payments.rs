//! `jialing bench payments`: signed payments end to end, in an open loop.
//!
//! Payments begin when the clock says so, whether or not earlier ones have been answered, and a
//! latency runs from the moment that was due: a platform that falls behind cannot hide it. A payment
//! is an order signed by its merchant and its payment signed by the payer's device, through HTTP, and
//! counts only once its order is SUCCESS.
//!
//! How a platform behaves beyond what it can do is seen with `--url`, one bench that offers far too much and a
//! modest one beside it, both with `--tries 1`, so that each answer counts as it came.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use jialing_crypto::{SigningKey, Suite, random};
use jialing_sandbox::city::{City, CitySize, Shop};
use jialing_sdk::{Error, Merchant};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::{figure, peak_rss_mb};
use crate::actors::{Payer, Town, said};
use crate::demo::{self, Demo, city};
use crate::{Done, runtime};

/// Payments under way at once; one that comes due beyond them counts as an error, not as waiting.
const UNDER_WAY: usize = 10_000;
/// How long the last answers are waited for.
const LAST_ANSWERS: Duration = Duration::from_secs(60);
/// People who sign in or warm up at once.
const AT_ONCE: usize = 8;
/// What each payment moves, in fen: so little that no limit of a day binds.
const AMOUNT: u64 = 1;
/// Times that a payment without outcome is asked for.
const ASK_TIMES: u32 = 100;

/// Arguments of `jialing bench payments`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    /// Payments that come due in a second
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// How long they come due
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// People who pay
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(2..=1000))]
    payers: u16,
    /// Merchants who are paid
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=40))]
    merchants: u16,
    /// People of a running demonstration passed over: benches at the same time or soon after each other need
    /// different ones
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=998))]
    skip: u16,
    /// Times that each request is tried when no answer came or it says to try again
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10))]
    tries: u32,
    /// How the merchants sign: ed25519, sm2 or rsa
    #[arg(long, default_value = "ed25519", value_parser = suite)]
    suite: Suite,
    /// What the demonstration's city grew from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where --self keeps its house while measuring; a folder below the present one by default
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What is measured.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// A running demonstration with at least this many people, at this address
    #[arg(long)]
    url: Option<String>,
    /// A house of its own in this process, removed afterwards; the figures include the clients' work, also
    /// that of processor time
    #[arg(long = "self")]
    own: bool,
}

fn suite(text: &str) -> Result<Suite, String> {
    match text.to_ascii_lowercase().as_str() {
        "ed25519" => Ok(Suite::Ed25519),
        "sm2" => Ok(Suite::Sm2Sm3),
        "rsa" => Ok(Suite::RsaSha256),
        other => Err(format!("there is no suite {other}; choose ed25519, sm2 or rsa")),
    }
}

pub(crate) fn run(args: &Args) -> Done {
    crate::log::start_quiet();
    let figures = match &args.place.url {
        Some(url) => runtime()?.block_on(at_url(args, url.trim_end_matches('/')))?,
        None => {
            let dir =
                args.dir.clone().unwrap_or_else(|| format!(".jialing-bench-{}", std::process::id()).into());
            if dir.exists() {
                return Err(format!(
                    "{} exists; name a folder that does not, it is removed afterwards",
                    dir.display()
                ));
            }
            let figures = runtime()?.block_on(at_home(args, dir.clone()));
            let _ = std::fs::remove_dir_all(&dir);
            figures?
        }
    };
    if args.json {
        println!("{figures}");
    } else {
        print(&figures);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(figures: &Value) {
    println!("{:>10} payments/s came due", figure(figures, "offered_per_second"));
    println!("{:>10} payments/s succeeded", figure(figures, "payments_per_second"));
    println!("{:>10} ms from due to SUCCESS (median)", figure(figures, "p50_ms"));
    println!("{:>10} ms (99 of 100)", figure(figures, "p99_ms"));
    println!("{:>10} ms (worst)", figure(figures, "max_ms"));
    println!("{:>10} ms from due to a refusal (99 of 100)", figure(figures, "refused_p99_ms"));
    println!("{:>10} errors {}", figure(figures, "errors"), figure(figures, "error_codes"));
    println!("{:>10} ms of processor time a payment, of this whole process", figure(figures, "cpu_ms_each"));
    println!("{:>10} settings", figure(figures, "settings"));
}

async fn at_home(args: &Args, dir: PathBuf) -> Result<Value, String> {
    let plan = demo::Args {
        data: dir,
        port: 0,
        bulk_port: 0,
        seed: args.seed,
        traffic: 0.0,
        no_traffic: true,
        people: args.payers.into(),
        shops: args.merchants.into(),
        banks: 3,
        database: None,
        suite: Default::default(),
        witnesses: Vec::new(),
        witness_quorum: 0,
    };
    let house = Demo::open(&plan).await?;
    let measured = async {
        let (payers, _) = city::settle(&house, &plan).await?;
        let figures = measure(args, &house.town, payers, &house.city.shops).await?;
        Ok(with(figures, "self", json!(true)))
    };
    let measured: Result<Value, String> = measured.await;
    house.stop().await;
    measured.map(|figures| with(figures, "peak_rss_mb", json!(peak_rss_mb())))
}

async fn at_url(args: &Args, url: &str) -> Result<Value, String> {
    let town = Town::find(url).await?;
    // The demonstration's sizes where nothing else was asked of it.
    let city = City::invent(
        args.seed,
        CitySize { people: usize::from(args.skip + args.payers).max(200), shops: 40, banks: 3 },
    );
    let (places, mut coming) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for person in city.people.iter().skip(args.skip.into()).take(args.payers.into()).cloned() {
        let (town, places) = (town.clone(), places.clone());
        coming.spawn(async move {
            let _place = places.acquire_owned().await.map_err(|error| error.to_string())?;
            town.come_back(&person).await.map_err(|error| format!("{} could not sign in (is it a demonstration with this --seed and enough people?): {error}", person.phone))
        });
    }
    let mut payers = Vec::new();
    while let Some(payer) = coming.join_next().await {
        payers.push(payer.map_err(|error| error.to_string())??);
    }
    payers.sort_by_key(|payer| payer.kept.index);
    measure(args, &town, payers, &city.shops).await.map(|figures| with(figures, "self", json!(false)))
}

fn with(mut figures: Value, setting: &str, value: Value) -> Value {
    figures["settings"][setting] = value;
    figures
}

/// Who pays whom.
struct Market {
    payers: Vec<Payer>,
    merchants: Vec<Merchant>,
    /// Makes the orders' numbers this run's own.
    run: String,
}

async fn measure(args: &Args, town: &Town, mut payers: Vec<Payer>, shops: &[Shop]) -> Result<Value, String> {
    let due = u64::from(args.rate) * u64::from(args.seconds);
    let each = (due / payers.len() as u64 + 2) * AMOUNT;
    for payer in &payers {
        fund(town, payer, each).await?;
    }
    let mut merchants = Vec::new();
    for (place, shop) in shops.iter().take(args.merchants.into()).enumerate() {
        let merchant = merchant(args.suite, town, &payers[place % payers.len()], shop).await?;
        merchants.push(merchant.with_tries(args.tries));
    }
    for payer in &mut payers {
        payer.wallet = payer.wallet.clone().with_tries(args.tries);
    }
    let market = Arc::new(Market { payers, merchants, run: random::nonce() });
    market.warm_up().await?;
    let measured = offer(&market, args.rate, due).await?;
    let Measured { latency, refused, succeeded, errors, seconds, cpu } = measured;
    let ms = |micros: u64| (micros as f64 / 100.0).round() / 10.0;
    Ok(json!({
        "offered_per_second": args.rate,
        "payments_per_second": (succeeded as f64 / seconds * 10.0).round() / 10.0,
        "p50_ms": ms(latency.value_at_quantile(0.50)),
        "p99_ms": ms(latency.value_at_quantile(0.99)),
        "max_ms": ms(latency.max()),
        "cpu_ms_each": (cpu / succeeded.max(1) as f64 * 1_000_000.0).round() / 1_000.0,
        "refused_p99_ms": ms(refused.value_at_quantile(0.99)),
        "errors": errors.values().sum::<u64>(),
        "error_codes": errors,
        "settings": {
            "rate": args.rate, "seconds": args.seconds, "payers": market.payers.len(), "merchants": market.merchants.len(),
            "suite": args.suite.wire_name(), "tries": args.tries, "amount": AMOUNT, "seed": args.seed, "succeeded": succeeded,
            "elapsed_seconds": (seconds * 10.0).round() / 10.0,
        },
    }))
}

/// Tops a payer up where the wallet holds less than `needed` fen.
async fn fund(town: &Town, payer: &Payer, needed: u64) -> Result<(), String> {
    let Payer { wallet, kept } = payer;
    let view = wallet.wallet(&kept.wallet_id).await.map_err(said("reading a wallet"))?;
    if view.available.amount >= needed {
        return Ok(());
    }
    let topup = wallet
        .top_up(&random::nonce(), &kept.wallet_id, &kept.link_id, needed, Some(&kept.pin))
        .await
        .map_err(said("topping up"))?;
    town.arrived(wallet, &topup.topup_id).await
}

/// A merchant of this run, with a key of the suite that is measured.
async fn merchant(suite: Suite, town: &Town, owner: &Payer, shop: &Shop) -> Result<Merchant, String> {
    let number = u64::from(u32::from_le_bytes(random::bytes())) % 1_000_000_000;
    // Shops are anybody's customers; the first bank takes them all.
    let seller = town.open_shop(&owner.wallet, shop, city::code(0), number).await?;
    let key = SigningKey::generate(suite);
    owner
        .wallet
        .register_merchant_key(&seller.kept.merchant_id, &key)
        .await
        .map_err(said("registering a key"))?;
    Merchant::connect(&town.url, &seller.kept.merchant_id, key)
        .await
        .map_err(said("reading the platform's keys"))
}

/// What came of the payments that came due.
struct Measured {
    /// Microseconds from due to SUCCESS.
    latency: Histogram<u64>,
    /// Microseconds from due to the answer that ended it, where that was not SUCCESS.
    refused: Histogram<u64>,
    succeeded: u64,
    errors: BTreeMap<String, u64>,
    seconds: f64,
    /// Seconds of processor time that this process took meanwhile.
    cpu: f64,
}

/// Seconds of processor time that this process has taken, in its own code and the kernel's.
fn cpu_seconds() -> f64 {
    let taken = clock_gettime(ClockId::ProcessCPUTime);
    taken.tv_sec as f64 + taken.tv_nsec as f64 / 1e9
}

/// Starts `due` payments, `rate` a second, and gathers what comes of them.
async fn offer(market: &Arc<Market>, rate: u32, due: u64) -> Result<Measured, String> {
    let (tell, mut told) = mpsc::unbounded_channel::<(Result<(), String>, Duration)>();
    let places = Arc::new(Semaphore::new(UNDER_WAY));
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let (offering, market) = (tell.clone(), market.clone());
    let clock = tokio::spawn(async move {
        for number in 0..due {
            let at = start + Duration::from_nanos(number * 1_000_000_000 / u64::from(rate));
            sleep_until(at).await;
            let Ok(place) = places.clone().try_acquire_owned() else {
                let _ = offering.send((Err("too_many_under_way".into()), at.elapsed()));
                continue;
            };
            let (market, tell) = (market.clone(), offering.clone());
            tokio::spawn(async move {
                let paid = market.pay(&format!("{number}"), number).await;
                let _ = tell.send((paid, at.elapsed()));
                drop(place);
            });
        }
    });
    drop(tell);
    let mut measured = Measured {
        latency: Histogram::new(3).map_err(|error| error.to_string())?,
        refused: Histogram::new(3).map_err(|error| error.to_string())?,
        succeeded: 0,
        errors: BTreeMap::new(),
        seconds: 0.0,
        cpu: 0.0,
    };
    let end = start + Duration::from_secs(due / u64::from(rate)) + LAST_ANSWERS;
    let mut answered = 0;
    while let Ok(Some((outcome, latency))) = tokio::time::timeout_at(end, told.recv()).await {
        answered += 1;
        let latencies = match outcome {
            Ok(()) => {
                measured.succeeded += 1;
                &mut measured.latency
            }
            Err(code) => {
                *measured.errors.entry(code).or_default() += 1;
                &mut measured.refused
            }
        };
        latencies.record(latency.as_micros() as u64).map_err(|error| error.to_string())?;
    }
    // Not less than the time over which they came due, or the last answers would flatter the figure.
    measured.seconds = start.elapsed().as_secs_f64().max(due as f64 / f64::from(rate));
    measured.cpu = cpu_seconds() - cpu;
    clock.abort();
    if answered < due {
        measured.errors.insert("not_answered".into(), due - answered);
    }
    Ok(measured)
}

impl Market {
    /// One payment, until its order is SUCCESS. An error is the code it came to nothing with.
    async fn pay(&self, number: &str, turn: u64) -> Result<(), String> {
        let payer = &self.payers[(turn % self.payers.len() as u64) as usize];
        let merchant = &self.merchants[(turn % self.merchants.len() as u64) as usize];
        let code = |error: Error| match error.code() {
            Some(code) => code.to_owned(),
            None => {
                if matches!(error, Error::Unknown { .. }) {
                    "no_answer".into()
                } else {
                    "unacceptable_answer".into()
                }
            }
        };
        let order = merchant.order(&format!("{}-{number}", self.run), "bench", AMOUNT).await.map_err(code)?;
        let paid = payer
            .wallet
            .pay(&order.id, merchant.id(), &payer.kept.wallet_id, AMOUNT, None)
            .await
            .map_err(code)?;
        let mut state = paid.state;
        for _ in 0..ASK_TIMES {
            match state.as_str() {
                "SUCCESS" => return Ok(()),
                "USERPAYING" => tokio::time::sleep(Duration::from_millis(20)).await,
                _ => break,
            }
            state = merchant.order_by_id(&order.id).await.map_err(code)?.state;
        }
        Err(format!("state_{state}"))
    }

    /// A payment of everybody, not measured: connections are open and caches filled afterwards.
    async fn warm_up(self: &Arc<Self>) -> Result<(), String> {
        let (places, mut paying) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
        for turn in 0..self.payers.len() as u64 {
            let (market, places) = (self.clone(), places.clone());
            paying.spawn(async move {
                let _place = places.acquire_owned().await.map_err(|error| error.to_string())?;
                market
                    .pay(&format!("warm-{turn}"), turn)
                    .await
                    .map_err(|code| format!("the first payments already failed: {code}"))
            });
        }
        while let Some(paid) = paying.join_next().await {
            paid.map_err(|error| error.to_string())??;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_have_short_names() {
        let check = |text, expect: Option<Suite>| assert_eq!(suite(text).ok(), expect, "{text}");
        check("ed25519", Some(Suite::Ed25519));
        check("SM2", Some(Suite::Sm2Sm3));
        check("rsa", Some(Suite::RsaSha256));
        check("es256", None);
    }
}
