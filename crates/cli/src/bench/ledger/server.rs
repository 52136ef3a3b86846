//! The second process: a ledger behind the bulk door, told what to do on standard input.
//!
//! One line of JSON in, one out: first the plan and where the door is; then, for each line, what was
//! used so far; at the end of the input it stops and says what is left on disk.

use std::io::{BufRead, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use jialing_crypto::{PublicKey, SigningKey, Suite};
use jialing_engine::Engine;
use jialing_gateway::{Bulk, BulkConfig, Member, Rate, Registered};
use jialing_platform::kind::Kind;
use jialing_sdk::bulk::Authority;
use serde::{Deserialize, Serialize};

use super::figures::{Usage, folder_bytes};
use super::load::{BANK, Load};
use super::local::{begin, config};
use super::probe::{Probe, probe};
use crate::{Done, runtime};

/// What the first process asks for.
#[derive(Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) dir: PathBuf,
    pub(super) load: Load,
    pub(super) suite: super::Suite,
    pub(super) clients: u64,
    /// The bank's code, and its public key.
    pub(super) bank: (String, String),
    /// Look up among so many transfers in the end.
    pub(super) probe: Option<u64>,
}

/// Where the door is, and whose key opens it.
#[derive(Serialize, Deserialize)]
pub(super) struct Ready {
    pub(super) address: SocketAddr,
    pub(super) platform: String,
}

/// What is left when all is over.
#[derive(Serialize, Deserialize)]
pub(super) struct Left {
    pub(super) bytes: u64,
    pub(super) records: u64,
    pub(super) probe: Option<Probe>,
}

pub(super) fn run() -> Done {
    let mut lines = std::io::stdin().lock().lines();
    let plan =
        lines.next().ok_or("a plan is expected on standard input")?.map_err(|error| error.to_string())?;
    let plan: Plan = serde_json::from_str(&plan).map_err(|error| format!("the plan: {error}"))?;
    let runtime = runtime()?;
    let (engine, _) = Engine::open(config(&plan.dir, plan.suite)).map_err(|error| error.to_string())?;
    runtime.block_on(begin(&engine, plan.load))?;
    let platform = SigningKey::generate(Suite::Ed25519);
    let door = runtime.block_on(open(&engine, &plan, platform.clone()))?;
    say(&Ready { address: door.address, platform: platform.public().to_pem() })?;
    for line in lines {
        line.map_err(|error| error.to_string())?;
        say(&Usage::now(engine.stats().records))?;
    }
    let records = engine.stats().records;
    let probe = runtime.block_on(async {
        door.stop().await;
        match plan.probe {
            Some(transfers) => {
                probe(engine, plan.load, transfers, config(&plan.dir, plan.suite)).await.map(Some)
            }
            None => {
                engine.shutdown().await;
                Ok(None)
            }
        }
    })?;
    say(&Left { bytes: folder_bytes(&plan.dir), records, probe })?;
    Ok(ExitCode::SUCCESS)
}

async fn open(
    engine: &Engine,
    plan: &Plan,
    platform: SigningKey,
) -> Result<jialing_gateway::BulkRunning, String> {
    let key = PublicKey::from_spki_pem(&plan.bank.1).map_err(|error| error.to_string())?;
    let authority = Authority {
        institution: BANK,
        holder: 1,
        vault: 0,
        issuance: 0,
        closed_to_credits: Vec::new(),
        kind: Kind::Bulk as u16,
    };
    let banks = Registered(vec![(plan.bank.0.clone(), Member { key, authority })]);
    let mut config = BulkConfig::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), vec![platform]);
    let clients = usize::try_from(plan.clients).map_err(|error| error.to_string())?;
    (config.limits.connections, config.limits.per_bank) = (clients + 1, clients);
    config.limits.handshakes = Rate { burst: 10_000, per_minute: 10_000 };
    Bulk::serve(engine.clone(), banks, config).await.map_err(|error| format!("cannot listen: {error}"))
}

fn say(what: &impl Serialize) -> Result<(), String> {
    let line = serde_json::to_string(what).map_err(|error| error.to_string())?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| format!("nobody listens: {error}"))
}
