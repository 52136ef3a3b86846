//! How fast a log is audited: makes one of plain transfers, then audits it some times.
//!
//! `cargo run --release -p jialing-engine --example audit -- FOLDER TRANSFERS ACCOUNTS RUNS`
//! makes the log in FOLDER unless there is one.

use std::path::Path;
use std::time::Instant;

use jialing_engine::audit::{Seen, verify};
use jialing_engine::{Bulk, Config, Engine};
use jialing_ledger::{AccountKind, Command, Id, Leg, LegOp, NewAccount};

const BATCH: u64 = 8190;

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |place: usize, default: u64| args.get(place).map_or(default, |arg| arg.parse().expect("a number"));
    let folder = args.first().expect("FOLDER TRANSFERS ACCOUNTS RUNS");
    let (transfers, accounts, runs) = (number(1, 5_000_000), number(2, 10_000), number(3, 5));
    if !Path::new(folder).join("genesis").exists() {
        fill(folder, transfers, accounts).await;
    }
    for _ in 0..runs {
        let (began, mut seen) = (Instant::now(), 0_u64);
        let report = verify(Path::new(folder), None, &mut |shown| {
            seen += u64::from(matches!(shown, Seen::Record(_)));
        });
        let report = report.expect("the audit begins");
        let took = began.elapsed();
        assert!(report.is_sound() && seen == report.records, "{:?}", report.findings);
        println!(
            "{} records in {:.2} s: {:.2} million/s",
            report.records,
            took.as_secs_f64(),
            report.records as f64 / took.as_secs_f64() / 1e6
        );
    }
}

async fn fill(folder: &str, transfers: u64, accounts: u64) {
    let (engine, _) = Engine::open(Config::new(folder)).expect("the engine opens");
    let open = |id: Id, kind, min| {
        Command::OpenAccount(NewAccount { id, currency: 156, kind, holder: 1, min, max: i64::MAX })
    };
    let issuance = open(1, AccountKind::Issuance, i64::MIN / 2);
    let wallets = (2..2 + Id::from(accounts)).map(|id| open(id, AccountKind::Organisation, 0));
    for answer in engine.submit_all([issuance].into_iter().chain(wallets).collect()).await {
        answer.expect("accounts open");
    }
    let leg = |n: u64| {
        let wallet = |n: u64| 2 + Id::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % accounts);
        let (debit, credit) =
            if n < accounts { (1, 2 + Id::from(n)) } else { (wallet(n), wallet(n * 7 + 3)) };
        let credit = if debit == credit { 1 } else { credit };
        let amount = if n < accounts { 1_000_000_000 } else { 1 + n % 100 };
        let op = LegOp::Plain { debit, credit, amount };
        Leg { id: (Id::from(n) << 64) | 7, op, kind: 1, digest: [3; 24], meters: [0; 4] }
    };
    for first in (0..transfers).step_by(BATCH as usize) {
        let legs: Vec<Leg> = (first..transfers.min(first + BATCH)).map(leg).collect();
        let groups = vec![1; legs.len()];
        engine.submit_bulk(Bulk { legs, groups }).await.expect("the engine takes them");
    }
    engine.shutdown().await;
}
