//! What a transfer costs the engine: processor time by thread, and how long a submission waits.
//!
//! ```text
//! cargo run --release -p jialing-engine --example throughput -- \
//!     --dir /tmp/log --accounts 10000 --transfers 1000000 --batch 8190 --clients 2 --mix plain
//! ```
//!
//! Mixes: `plain`, `hot` (one account in every transfer), `random` (ids not led by a time), `holds`
//! (a hold with an expiry, then its post), `groups` (three legs), `meters` (four on each transfer).
//! Processor time is what the system counted for each thread, so it tells more than the clock on a
//! machine that does other work; it includes what the system does in the thread's name.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jialing_engine::{Bulk, BulkOutcome, Config, Engine};
use jialing_ledger::{AccountKind, Command, Id, Leg, LegOp, MAX_METERS, NewAccount, Policy, PolicyVersion};

const ISSUANCE: Id = 1;
const METERS: u64 = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mix {
    Plain,
    Hot,
    Random,
    Holds,
    Groups,
    Meters,
}

#[derive(Clone, Debug)]
struct Settings {
    dir: PathBuf,
    accounts: u64,
    transfers: u64,
    batch: usize,
    clients: u64,
    mix: Mix,
}

/// Numbers that follow from a seed (Steele, Lea and Flood's SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = settings(std::env::args().skip(1))?;
    let began = Instant::now();
    let (engine, opened) = Engine::open(Config::new(&settings.dir))?;
    println!("opened in {:.2?}: {opened:?}", began.elapsed());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if opened.created {
        runtime.block_on(found(&engine, &settings))?;
    }
    let before = thread_times()?;
    let start = engine.stats();
    let began = Instant::now();
    let mut waits = runtime.block_on(load(&engine, &settings))?;
    let took = began.elapsed();
    report(&settings, took, &mut waits, &before, &settled()?);
    let bytes = engine.stats().bytes as f64 - start.bytes as f64;
    println!("  disk: {:.0} bytes a transfer, room ahead included", bytes / settings.transfers as f64);
    println!("  memory: {}", resident()?);
    let began = Instant::now();
    runtime.block_on(engine.shutdown());
    println!("  stopped: {}", runtime.block_on(engine.stopped()).0);
    println!("  shut down in {:.2?}", began.elapsed());
    Ok(())
}

fn settings(mut words: impl Iterator<Item = String>) -> Result<Settings, String> {
    let mut settings = Settings {
        dir: std::env::temp_dir().join(format!("throughput-{}", std::process::id())),
        accounts: 10_000,
        transfers: 1_000_000,
        batch: 8190,
        clients: 2,
        mix: Mix::Plain,
    };
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{word}: {value} is no number"));
        match word.as_str() {
            "--dir" => settings.dir = value.into(),
            "--accounts" => settings.accounts = number()?.max(3),
            "--transfers" => settings.transfers = number()?.max(1),
            "--batch" => settings.batch = number()?.max(3) as usize,
            "--clients" => settings.clients = number()?.max(1),
            "--mix" => {
                settings.mix = match value.as_str() {
                    "plain" => Mix::Plain,
                    "hot" => Mix::Hot,
                    "random" => Mix::Random,
                    "holds" => Mix::Holds,
                    "groups" => Mix::Groups,
                    "meters" => Mix::Meters,
                    _ => return Err(format!("there is no mix {value}")),
                }
            }
            _ => return Err(format!("there is no setting {word}")),
        }
    }
    Ok(settings)
}

/// Opens the accounts, gives each money, and publishes a policy with some meters.
async fn found(engine: &Engine, settings: &Settings) -> Result<(), Box<dyn std::error::Error>> {
    let open = |id, kind, min| {
        Command::OpenAccount(NewAccount { id, currency: 156, kind, holder: 1, min, max: i64::MAX })
    };
    engine.submit(open(ISSUANCE, AccountKind::Issuance, i64::MIN + 1)).await?;
    for first in (0..settings.accounts).step_by(8000) {
        let accounts = first..settings.accounts.min(first + 8000);
        let commands = accounts.clone().map(|n| open(wallet(n), AccountKind::Personal, 0)).collect();
        engine.submit_all(commands).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        let legs = accounts.map(|n| {
            let op = LegOp::Plain { debit: ISSUANCE, credit: wallet(n), amount: 1_000_000_000 };
            leg(Id::from(n + 1) << 64, op)
        });
        let legs: Vec<Leg> = legs.collect();
        engine.submit_bulk(Bulk { groups: vec![1; legs.len()], legs }).await?;
    }
    let bounds = Policy { single: u64::MAX >> 1, ..Policy::UNBOUNDED };
    engine.submit(Command::PublishPolicy(PolicyVersion { policy: 1, version: 1, from: 0, bounds })).await?;
    let meters = (0..METERS).map(|n| Command::SetMeter { meter: meter(n), policy: 1 }).collect();
    engine.submit_all(meters).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(())
}

/// Numbers like those of real wallets: no order in them.
fn wallet(n: u64) -> Id {
    let mut numbers = Numbers(n);
    (Id::from(numbers.next() >> 1) << 64) | Id::from(numbers.next())
}

fn meter(n: u64) -> Id {
    wallet(n + (1 << 40))
}

fn leg(id: Id, op: LegOp) -> Leg {
    Leg { id, op, kind: 1, digest: [7; 24], meters: [0; MAX_METERS] }
}

/// Runs all clients; gives how long each submission took.
async fn load(engine: &Engine, settings: &Settings) -> Result<Vec<Duration>, Box<dyn std::error::Error>> {
    let share = settings.transfers / settings.clients;
    let local = tokio::task::LocalSet::new();
    let clients: Vec<_> = (0..settings.clients)
        .map(|client| local.spawn_local(client_of(engine.clone(), settings.clone(), client, share)))
        .collect();
    local.await;
    let mut waits = Vec::new();
    for client in clients {
        waits.extend(client.await??);
    }
    Ok(waits)
}

async fn client_of(
    engine: Engine,
    settings: Settings,
    client: u64,
    transfers: u64,
) -> Result<Vec<Duration>, jialing_engine::SubmitError> {
    let mut numbers = Numbers(engine.now() ^ client << 50);
    let (mut waits, mut left) = (Vec::new(), transfers as usize);
    while left > 0 {
        let bulk = bulk(&settings, client, engine.now(), settings.batch.min(left), &mut numbers);
        left -= bulk.legs.len().min(left);
        let began = Instant::now();
        let outcomes = engine.submit_bulk(bulk).await?;
        waits.push(began.elapsed());
        let bad =
            outcomes.iter().find(|outcome| !matches!(outcome, BulkOutcome::Done { already: false, .. }));
        if let Some(BulkOutcome::Refused(refusal)) = bad {
            return Err(jialing_engine::SubmitError::Refused(*refusal));
        }
    }
    Ok(waits)
}

/// One submission of about `count` transfers.
fn bulk(settings: &Settings, client: u64, now: u64, count: usize, numbers: &mut Numbers) -> Bulk {
    let mut bulk = Bulk::default();
    let mut number = 0;
    while bulk.legs.len() < count {
        number += 1;
        // Led by the time in milliseconds, as the platform's own ids are.
        let mut id = Id::from(now / 1_000_000) << 76
            | Id::from(now % 1_000_000) << 40
            | Id::from(client << 30 | number);
        if settings.mix == Mix::Random {
            id = (Id::from(numbers.next() >> 2) << 64) | Id::from(numbers.next());
        }
        let debit_number = numbers.below(settings.accounts);
        let credit = wallet((debit_number + 1 + numbers.below(settings.accounts - 1)) % settings.accounts);
        let debit = if settings.mix == Mix::Hot { ISSUANCE } else { wallet(debit_number) };
        let amount = 1 + numbers.below(100);
        let plain = LegOp::Plain { debit, credit, amount };
        let group = match settings.mix {
            Mix::Plain | Mix::Hot | Mix::Random => vec![leg(id, plain)],
            Mix::Holds => {
                let expires = now + 3_600_000_000_000;
                bulk.groups.push(1);
                bulk.legs.push(leg(id, LegOp::Hold { debit, credit, amount, expires }));
                vec![leg(id | 1 << 39, LegOp::Post { hold: id, amount: 0 })]
            }
            Mix::Groups => (0..3).map(|n| leg(id | n << 36, plain)).collect(),
            Mix::Meters => {
                let meters = std::array::from_fn(|n| meter((numbers.below(METERS / 4)) * 4 + n as u64));
                vec![Leg { meters, ..leg(id, plain) }]
            }
        };
        bulk.groups.push(group.len() as u8);
        bulk.legs.extend(group);
    }
    bulk
}

/// Nanoseconds on a processor, by thread.
fn thread_times() -> io::Result<BTreeMap<String, u64>> {
    let mut times = BTreeMap::new();
    for task in std::fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        let read = |name: &str| std::fs::read_to_string(Path::new(&task).join(name));
        let (Ok(name), Ok(schedule)) = (read("comm"), read("schedstat")) else { continue };
        let ran = schedule.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or(0);
        *times.entry(name.trim().to_owned()).or_default() += ran;
    }
    Ok(times)
}

/// The same, once the engine has done what it does in the background.
fn settled() -> io::Result<BTreeMap<String, u64>> {
    let mut times = thread_times()?;
    let mut still = 0;
    while still < 5 {
        std::thread::sleep(Duration::from_millis(100));
        let later = thread_times()?;
        let background = |times: &BTreeMap<String, u64>| {
            ["ledger-keep", "ledger-tidy"].map(|name| times.get(name).copied())
        };
        still = if background(&later) == background(&times) { still + 1 } else { 0 };
        times = later;
    }
    Ok(times)
}

fn resident() -> io::Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let lines = status.lines().filter(|line| line.starts_with("VmHWM") || line.starts_with("VmRSS"));
    Ok(lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(", "))
}

fn report(
    settings: &Settings,
    took: Duration,
    waits: &mut [Duration],
    before: &BTreeMap<String, u64>,
    after: &BTreeMap<String, u64>,
) {
    let transfers = settings.transfers as f64;
    println!(
        "{:?}, {} accounts, batches of {}, {} clients: {} transfers in {took:.2?}, {:.0} a second",
        settings.mix,
        settings.accounts,
        settings.batch,
        settings.clients,
        settings.transfers,
        transfers / took.as_secs_f64()
    );
    let mut engine = 0.0;
    let parts: Vec<String> = after
        .iter()
        .map(|(name, nanos)| {
            let each = (nanos - before.get(name).unwrap_or(&0)) as f64 / transfers;
            engine += if name.starts_with("ledger") || name.starts_with("journal") { each } else { 0.0 };
            format!("{name} {each:.0}")
        })
        .collect();
    println!("  ns a transfer: engine {engine:.0} ({})", parts.join(", "));
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
    println!("  waits: p50 {:.2?}, p99 {:.2?}, most {:.2?}", at(0.5), at(0.99), at(1.0));
}
