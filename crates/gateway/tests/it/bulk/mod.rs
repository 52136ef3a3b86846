//! The bulk door through real sockets: good clients, bad ones, and those in between.

mod bank;
mod bytes;
mod doors;
mod work;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jialing_bulk::{
    AccountKind, Authority, Batch, Client, Error, Fault, Id, Leg, LegOp, NewAccount, Outcome, Who, account,
    transfer,
};
use jialing_crypto::{SigningKey, Suite};
use jialing_engine::{Config, Engine};
use jialing_gateway::{Banks, Bulk, BulkConfig, BulkLimits, BulkRunning, Finding, Member};
use jialing_ledger::{AccountKind as Kind, Command};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The bank of these tests, and another.
const OWN: u32 = 7;
const OTHER: u32 = 8;
const VAULT: Id = 1 << 100;

/// Banks whose key can be revoked and whose followers can lag.
struct Register {
    member: Member,
    revoked: AtomicBool,
    lag: AtomicU64,
}

/// What the door is given of it.
struct Shown(Arc<Register>);

impl Banks for Shown {
    fn find<'a>(&'a self, institution: &'a str, serial: &'a str) -> Finding<'a> {
        let Register { member, revoked, .. } = &*self.0;
        let good = institution == "BKA" && serial == member.key.id() && !revoked.load(Ordering::SeqCst);
        let found = if good { Ok(member.clone()) } else { Err(Fault::KeyUnknown) };
        Box::pin(std::future::ready(found))
    }

    fn lag(&self) -> u64 {
        self.0.lag.load(Ordering::SeqCst)
    }
}

/// A ledger behind a door, with a vault full of money and two open accounts.
struct Door {
    who: Who,
    platform: SigningKey,
    register: Arc<Register>,
    engine: Engine,
    running: Option<BulkRunning>,
    address: SocketAddr,
    runtime: Runtime,
    _folder: TempDir,
}

impl Door {
    fn open() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut BulkLimits)) -> Self {
        let (key, platform) = (SigningKey::generate(Suite::Ed25519), SigningKey::generate(Suite::Ed25519));
        let folder = tempfile::tempdir().expect("a folder");
        let (engine, _) = Engine::open(Config::new(folder.path().join("ledger"))).expect("a ledger");
        let authority = Authority {
            institution: OWN,
            holder: 1,
            vault: VAULT,
            issuance: 0,
            closed_to_credits: vec![VAULT + 2],
            kind: 11,
        };
        let member = Member { key: key.public().clone(), authority };
        let register = Arc::new(Register { member, revoked: AtomicBool::new(false), lag: AtomicU64::new(0) });
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut config = BulkConfig::new(loopback, vec![platform.clone()]);
        change(&mut config.limits);
        let runtime = Runtime::new().expect("a runtime");
        let running = runtime.block_on(async {
            begin(&engine).await;
            Bulk::serve(engine.clone(), Shown(register.clone()), config).await.expect("a free port")
        });
        let who = Who::new("BKA", key, vec![platform.public().clone()]);
        let address = running.address;
        Self { who, platform, register, engine, running: Some(running), address, runtime, _folder: folder }
    }

    fn connect(&self) -> Client {
        Client::connect(self.address, &self.who).expect("it is who it says")
    }

    fn refused(&self, who: &Who) -> Error {
        Client::connect(self.address, who).map(|_| ()).expect_err("it must not be let in")
    }

    fn balance(&self, id: Id) -> i64 {
        let account = self.runtime.block_on(self.engine.account(id)).expect("the ledger runs");
        account.expect("it is open").balance()
    }

    fn records(&self) -> u64 {
        self.engine.stats().records
    }

    fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}

/// Issuance, the vault with 10,000,000.00, the two accounts with 100.00 each, one of another bank.
async fn begin(engine: &Engine) {
    let open = |id, kind, min| {
        Command::OpenAccount(jialing_ledger::NewAccount {
            id,
            currency: 156,
            kind,
            holder: 1,
            min,
            max: i64::MAX,
        })
    };
    let give = |id: Id, debit, credit, amount| {
        let leg =
            Leg { id, op: LegOp::Plain { debit, credit, amount }, kind: 1, digest: [0; 24], meters: [0; 4] };
        Command::Transfer(jialing_ledger::Group { legs: vec![leg] })
    };
    let commands = vec![
        open(VAULT + 2, Kind::Issuance, -1_000_000_000_000),
        open(VAULT, Kind::Vault, 0),
        open(own(1), Kind::Organisation, 0),
        open(own(2), Kind::Organisation, 0),
        open(account(OTHER, 1), Kind::Organisation, 0),
        give(1, VAULT + 2, VAULT, 1_000_000_000),
        give(2, VAULT, own(1), 10_000),
        give(3, VAULT, own(2), 10_000),
        give(4, VAULT, account(OTHER, 1), 10_000),
    ];
    for done in engine.submit_all(commands).await {
        done.expect("the beginning is allowed");
    }
}

/// The bank's account `n`.
fn own(n: u128) -> Id {
    account(OWN, n)
}

/// Transfer `n` moves `amount`.
fn pay(n: u128, debit: Id, credit: Id, amount: u64) -> Leg {
    let op = LegOp::Plain { debit, credit, amount };
    Leg { id: transfer(OWN, n, 0), op, kind: 11, digest: [0; 24], meters: [0; 4] }
}

fn batch(legs: &[Leg]) -> Batch {
    let mut batch = Batch::new();
    legs.iter().for_each(|leg| batch.leg(leg).expect("room"));
    batch
}

fn new_account(id: Id) -> NewAccount {
    NewAccount { id, kind: AccountKind::Organisation, currency: 156, max: i64::MAX }
}

/// What became of each: `done`, `already`, or the reason with the leg.
fn told(outcomes: &[Outcome]) -> Vec<String> {
    let tell = |outcome: &Outcome| match outcome {
        Outcome::Done { .. } => "done".to_owned(),
        Outcome::Already { .. } => "already".to_owned(),
        Outcome::Refused(refused) => refused.to_string(),
    };
    outcomes.iter().map(tell).collect()
}
